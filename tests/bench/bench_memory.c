/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_memory.c - memory of conversions, of a long log beside a short one */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <evcan/format.h>
#include <evcan/log.h>

#include "bench.h"
#include "bench_frames.h"

#define SHORT 1000000
#define LONG 10000000
#define BLOCK 100000

static char dir[64] = "/tmp/evcan-bench-XXXXXX";

static void
require(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_memory: %s\n", what);
	exit(1);
}

/* A car's log of so many frames, whose time goes on. */
static void
make_log(const char *path, size_t n)
{
	struct evcan_frame *frames = malloc(BLOCK * sizeof(*frames));
	struct evcan_log_writer *writer = evcan_log_writer_new(NULL, path,
	    NULL, NULL);

	require(writer != NULL && frames != NULL, "no room for a log");
	evcan_bench_frames(frames, BLOCK, false);
	for (size_t done = 0; done < n; done += BLOCK) {
		require(evcan_log_writer_write(writer, frames, BLOCK) ==
		    BLOCK, "no room for a log");
		for (size_t i = 0; i < BLOCK; i++)
			frames[i].time_ns += (int64_t)BLOCK * 500000;
	}
	evcan_log_writer_free(writer);
	free(frames);
}

/* @return the most memory that `evcan convert` had, in MiB */
static double
convert(const char *from, const char *to, const char *format)
{
	const char *tool = evcan_bench_tool();
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl(tool, tool, "convert", "-q", from, to, "-F", format,
		    (char *)NULL);
		_exit(127);
	}
	require(pid > 0 && wait4(pid, &status, 0, &usage) == pid &&
	    status == 0, "evcan convert failed");
	return (double)usage.ru_maxrss / 1024;
}

static void
measure(const struct evcan_format *format, const char *small,
    const char *large)
{
	char path[200], row[64];
	double write[2], read[2];

	snprintf(path, sizeof(path), "%s/out%.*s", dir,
	    (int)strcspn(format->suffixes, " "), format->suffixes);
	for (int i = 0; i < 2; i++) {
		write[i] = convert(i > 0 ? large : small, path, format->name);
		read[i] = convert(path, "/dev/null", "candump");
		unlink(path);
	}
	snprintf(row, sizeof(row), "memory_%s_write_10M", format->name);
	evcan_bench_row(row, "MiB", write[1], write[0], "1 M frames", 0);
	snprintf(row, sizeof(row), "memory_%s_read_10M", format->name);
	evcan_bench_row(row, "MiB", read[1], read[0], "1 M frames", 0);
}

int
main(int argc, char **argv)
{
	const struct evcan_format *format;
	char small[100], large[100];
	const bool made = argc > 1;

	require(made || mkdtemp(dir) != NULL, "no room");
	if (made)
		snprintf(dir, sizeof(dir), "%s", argv[1]);
	snprintf(small, sizeof(small), "%s/short.log", dir);
	snprintf(large, sizeof(large), "%s/long.log", dir);
	if (!made) {
		make_log(small, SHORT);
		make_log(large, LONG);
		/* Memory that this process has had counts as its children's:
		 * begin anew. */
		execl("/proc/self/exe", argv[0], dir, (char *)NULL);
		require(false, "cannot begin anew");
	}
	for (size_t i = 0; (format = evcan_format_at(i)) != NULL; i++)
		if (format->encode != NULL && format->decode != NULL)
			measure(format, small, large);
	unlink(small);
	unlink(large);
	rmdir(dir);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_candump.c - candump logs read and written, beside python-can */
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/log.h>

#include "bench.h"
#include "bench_frames.h"

#define FRAMES 1000000
#define PEER_FRAMES 100000
#define RUNS 7
#define BATCH 256

static char dir[] = "/tmp/evcan-bench-XXXXXX";

static const char *
in_dir(const char *name)
{
	static char paths[2][200];
	static unsigned next;
	char *path = paths[next++ % 2];

	snprintf(path, 200, "%s/%s", dir, name);
	return path;
}

static void
require(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_candump: %s\n", what);
	exit(1);
}

static double
write_log(const char *path, const struct evcan_frame *frames, size_t n)
{
	const double start = evcan_bench_now();
	struct evcan_log_writer *writer = evcan_log_writer_new(NULL, path,
	    NULL, NULL);

	require(writer != NULL, "a log cannot be written");
	for (size_t i = 0; i < n; i += BATCH) {
		const size_t some = n - i < BATCH ? n - i : BATCH;

		require(evcan_log_writer_write(writer, frames + i, some) ==
		    (int)some, "a log takes no frames");
	}
	/* Without the sync of a close, which the peer does not do. */
	evcan_log_writer_flush(writer);
	const double end = evcan_bench_now();

	evcan_log_writer_free(writer);
	return end - start;
}

static double
read_log(const char *path, size_t n)
{
	static struct evcan_frame frames[BATCH];
	const double start = evcan_bench_now();
	struct evcan_log_reader *reader = evcan_log_reader_new(path, NULL,
	    NULL);
	size_t seen = 0;
	int r;

	require(reader != NULL, "a log cannot be read");
	while ((r = evcan_log_reader_read(reader, frames, BATCH)) > 0)
		seen += (size_t)r;
	evcan_log_reader_free(reader);
	require(seen == n, "frames are missing");
	return evcan_bench_now() - start;
}

/* The floor of reading: the file's bytes into memory. */
static double
read_bytes(const char *path)
{
	static char buf[262144];
	const double start = evcan_bench_now();
	const int fd = open(path, O_RDONLY);

	require(fd >= 0, "a log cannot be opened");
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
	return evcan_bench_now() - start;
}

/* The floor of writing: as many bytes into a file. */
static double
write_bytes(const char *path, off_t size)
{
	static char buf[262144];
	const double start = evcan_bench_now();
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	for (; size > 0; size -= (off_t)sizeof(buf))
		require(write(fd, buf, size < (off_t)sizeof(buf) ?
		    (size_t)size : sizeof(buf)) > 0, "no room for a log");
	const double end = evcan_bench_now();

	close(fd);
	return end - start;
}

static const char script[] =
    "import sys, time, can\n"
    "from can.io import CanutilsLogReader, CanutilsLogWriter\n"
    "t = time.perf_counter()\n"
    "frames = list(CanutilsLogReader(sys.argv[1]))\n"
    "r = time.perf_counter() - t\n"
    "t = time.perf_counter()\n"
    "w = CanutilsLogWriter(sys.argv[2])\n"
    "for f in frames: w(f)\n"
    "w.stop()\n"
    "t = time.perf_counter() - t\n"
    "print(len(frames) / r / 1e6, len(frames) / t / 1e6)\n";

/* M frames/s of python-can in this very run; 0 where there is none. */
static void
ask_peer(const char *log, double *reading, double *writing)
{
	char command[2000];
	FILE *f;

	*reading = *writing = 0;
	snprintf(command, sizeof(command), "${EVCAN_PYTHON:-/usr/bin/python3}"
	    " -c '%s' '%s' '%s.out' 2>/dev/null", script, log, log);
	f = popen(command, "r");
	if (f == NULL)
		return;
	if (fscanf(f, "%lf %lf", reading, writing) != 2)
		*reading = *writing = 0;
	pclose(f);
}

static void
measure(const struct evcan_frame *frames, const char *kind)
{
	double r[RUNS], w[RUNS], fr[RUNS], fw[RUNS], peer_r, peer_w;
	const char *log = in_dir("bench.log"), *peer = in_dir("peer.log");
	char name[64];
	off_t size;
	int fd;

	write_log(peer, frames, PEER_FRAMES);
	ask_peer(peer, &peer_r, &peer_w);
	for (int i = 0; i < RUNS; i++) {
		w[i] = write_log(log, frames, FRAMES);
		r[i] = read_log(log, FRAMES);
		fd = open(log, O_RDONLY);
		size = lseek(fd, 0, SEEK_END);
		close(fd);
		fr[i] = read_bytes(log);
		fw[i] = write_bytes(log, size);
	}
	const double reading = evcan_bench_median(r, RUNS);
	const double writing = evcan_bench_median(w, RUNS);

	snprintf(name, sizeof(name), "candump_read_%s", kind);
	evcan_bench_row(name, "M frames/s", FRAMES * 1e3 / reading, peer_r,
	    peer_r > 0 ? "python-can" : NULL,
	    evcan_bench_median(fr, RUNS) / reading);
	snprintf(name, sizeof(name), "candump_write_%s", kind);
	evcan_bench_row(name, "M frames/s", FRAMES * 1e3 / writing, peer_w,
	    peer_w > 0 ? "python-can" : NULL,
	    evcan_bench_median(fw, RUNS) / writing);
}

int
main(void)
{
	struct evcan_frame *frames = malloc(FRAMES * sizeof(*frames));
	char command[200];

	require(frames != NULL && mkdtemp(dir) != NULL, "no room");
	for (int random = 0; random < 2; random++) {
		evcan_bench_frames(frames, FRAMES, random);
		measure(frames, random ? "random" : "real");
	}
	free(frames);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : 1;
}

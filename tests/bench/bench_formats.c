/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_formats.c - log formats read and written, beside their own tools
 *
 *   bench_formats [random] [real] [text] [blf] [sqlite] [others]
 *
 * Without words all of it.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/log.h>
#include <evcan/options.h>

#include "bench.h"
#include "bench_frames.h"
#include "bytes.h"
#include "codec.h"

#define FRAMES 1000000
#define PEER_FRAMES 100000
#define RUNS 5
#define BATCH 256

/*
 * Rates of text and containers are of CPU time, which other programs disturb
 * little, with one thread; those of SQLite, of two threads and of what is
 * called "wall" are of the wall's. The share of
 * the limit is that of copying the file's bytes, of the bare codec, or of
 * bare SQLite; of the last two the limit and the log are measured in turns,
 * and the share is that of a turn, because a machine is not equally fast for
 * seconds.
 */

static char dir[] = "/tmp/evcan-bench-XXXXXX";
static struct evcan_frame *frames;

static const char *
in_dir(const char *name)
{
	static char paths[8][200];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, 200, "%s/%s", dir, name);
	return path;
}

static void
require(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_formats: %s\n", what);
	exit(1);
}

/* Seconds of a clock: CPU time of the whole process, or the wall's. */
static double
seconds(bool wall)
{
	struct timespec ts;

	clock_gettime(wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct evcan_options *
options_of(const char *pairs)
{
	struct evcan_options *options = evcan_options_new();
	char copy[200], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", pairs);
	for (char *p = strtok_r(copy, " ", &save); p != NULL;
	    p = strtok_r(NULL, " ", &save))
		require(evcan_options_set_pair(options, p, NULL, NULL) == 0,
		    "a bad option");
	return options;
}

/* Without the sync of a close, which the peers do not do either. */
static double
write_log(const char *path, const char *pairs, bool wall)
{
	struct evcan_options *options = options_of(pairs);
	struct evcan_error err = { 0 };
	struct evcan_log_writer *writer;
	const double start = seconds(wall);
	double took;

	unlink(path);
	writer = evcan_log_writer_new(NULL, path, options, &err);
	require(writer != NULL, err.text);
	for (size_t i = 0; i < FRAMES; i += BATCH) {
		const size_t some = FRAMES - i < BATCH ? FRAMES - i : BATCH;

		require(evcan_log_writer_write(writer, frames + i, some) ==
		    (int)some, "a log takes no frames");
	}
	evcan_log_writer_flush(writer);
	took = seconds(wall) - start;
	evcan_log_writer_free(writer);
	evcan_options_free(options);
	return took;
}

static double
read_log(const char *path, const char *pairs, bool wall)
{
	static struct evcan_frame batch[BATCH];
	struct evcan_options *options = options_of(pairs);
	struct evcan_error err = { 0 };
	const double start = seconds(wall);
	struct evcan_log_reader *reader = evcan_log_reader_new(path, options,
	    &err);
	size_t seen = 0;
	double took;
	int r;

	require(reader != NULL, err.text);
	while ((r = evcan_log_reader_read(reader, batch, BATCH)) > 0)
		seen += (size_t)r;
	took = seconds(wall) - start;
	evcan_log_reader_free(reader);
	evcan_options_free(options);
	require(seen == FRAMES, "frames are missing");
	return took;
}

/* Runs a program with its output to a file. @return its CPU seconds */
static double
run(const char *out, const char *const *argv)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		const int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(fd, STDOUT_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid ||
	    status != 0)
		return 0;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
median_run(const char *out, const char *const *argv)
{
	double s[RUNS];

	for (int i = 0; i < RUNS; i++) {
		s[i] = run(out, argv);
		if (s[i] == 0)
			return 0;
	}
	return evcan_bench_median(s, RUNS);
}

/* The floor of a conversion: the same bytes read and written. */
static double
copy_bytes(const char *from, const char *to, off_t out_size)
{
	static char buf[262144];
	const double start = seconds(false);
	const int in = open(from, O_RDONLY);
	const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	double took;

	require(in >= 0 && out >= 0, "no room for a copy");
	while (read(in, buf, sizeof(buf)) > 0)
		;
	for (; out_size > 0; out_size -= (off_t)sizeof(buf))
		require(write(out, buf, out_size < (off_t)sizeof(buf) ?
		    (size_t)out_size : sizeof(buf)) > 0, "no room");
	took = seconds(false) - start;
	close(in);
	close(out);
	return took;
}

static off_t
size_of(const char *path)
{
	struct stat st = { 0 };

	require(stat(path, &st) == 0, "a file is missing");
	return st.st_size;
}

/* What python-can takes for a frame: CPU and wall, writing and reading. */
struct peer {
	char suffix[8];
	double write_cpu, write_wall, read_cpu, read_wall;
};
static struct peer peers[8];

/* python-can writes and reads MF4 through asammdf, which Debian lacks: these
 * seconds a frame were measured once, with asammdf 7.3.18, on a machine of
 * this kind. */
static const struct peer mf4_peer = { "mf4", 1e-5, 1e-5, 1e-5, 1e-5 };

static void
ask_python(const char *log)
{
	const char *top = getenv("top_srcdir");
	char command[1000];
	size_t n = 0;
	FILE *f;

	memset(peers, 0, sizeof(peers));
	snprintf(command, sizeof(command), "${EVCAN_PYTHON:-/usr/bin/python3}"
	    " '%s/tests/bench/formats_peer.py' '%s' '%s' %d 2>/dev/null",
	    top != NULL ? top : ".", dir, log, PEER_FRAMES);
	f = popen(command, "r");
	if (f == NULL)
		return;
	while (n < 7 && fscanf(f, "%7s %lf %lf %lf %lf", peers[n].suffix,
	    &peers[n].write_cpu, &peers[n].write_wall, &peers[n].read_cpu,
	    &peers[n].read_wall) == 5)
		n++;
	pclose(f);
	peers[n] = mf4_peer;
}

static const struct peer *
peer_of(const char *suffix)
{
	size_t i = 0;

	while (peers[i].suffix[0] != '\0' &&
	    strcmp(peers[i].suffix, suffix) != 0)
		i++;
	return &peers[i];
}

/* A row in M frames/s. @param took our seconds for all frames
 * @param peer seconds a frame, or 0 */
static void
rate_row(const char *what, const char *kind, double took, double peer,
    const char *peer_name, double of_limit)
{
	char name[100];

	snprintf(name, sizeof(name), "%s_%s", what, kind);
	evcan_bench_row(name, "M frames/s", FRAMES / took / 1e6,
	    peer > 0 ? 1e-6 / peer : 0, peer > 0 ? peer_name : NULL,
	    of_limit);
}

/* Text: whole programs, CPU beside can-utils' converters */

static void
convert_row(const char *name, const char *kind, const char *from,
    const char *to, const char *const *peer)
{
	const char *const ours[] = { evcan_bench_tool(), "convert", "-q",
	    from, to, NULL };
	const char *floor_out = in_dir("floor.out");
	double floor[RUNS], took, theirs;
	char row[64];

	took = median_run("/dev/null", ours);
	require(took > 0, "evcan convert failed");
	theirs = median_run(in_dir("peer.out"), peer);
	for (int i = 0; i < RUNS; i++)
		floor[i] = copy_bytes(from, floor_out, size_of(to));
	snprintf(row, sizeof(row), "%s_%s", name, kind);
	evcan_bench_row(row, "s CPU", took, theirs, theirs > 0 ? peer[0] :
	    NULL, evcan_bench_median(floor, RUNS) / took);
	unlink(floor_out);
	unlink(in_dir("peer.out"));
}

static void
text(const char *kind, const char *log)
{
	const char *asc = in_dir("out.asc"), *back = in_dir("back.log");
	const char *const log2asc[] = { "log2asc", "-I", log, "can0", "can1",
	    NULL };
	const char *const asc2log[] = { "asc2log", "-I", asc, NULL };

	convert_row("asc_from_candump", kind, log, asc, log2asc);
	convert_row("candump_from_asc", kind, asc, back, asc2log);
	unlink(asc);
	unlink(back);
}

/* Formats in general */

struct plan {
	const char *name;         /* of the row */
	const char *suffix;       /* ours, and python-can's */
	const char *write, *read; /* options */
	bool wall;
	/* Seconds of what cannot be beaten; NULL: not known. */
	double (*bare_write)(const void *arg), (*bare_read)(const void *arg);
	const void *arg;
};

static void
measure(const struct plan *plan, const char *kind)
{
	const struct peer *peer = peer_of(plan->suffix);
	char file[32], path[200], row[80];
	double w[RUNS], r[RUNS], of_write[RUNS] = { 0 }, of_read[RUNS] = { 0 };

	snprintf(file, sizeof(file), "out.%s", plan->suffix);
	snprintf(path, sizeof(path), "%s", in_dir(file));
	for (int i = 0; i < RUNS; i++) {
		w[i] = write_log(path, plan->write, plan->wall);
		if (plan->bare_write != NULL)
			of_write[i] = plan->bare_write(plan->arg) / w[i];
		r[i] = read_log(path, plan->read, plan->wall);
		if (plan->bare_read != NULL)
			of_read[i] = plan->bare_read(plan->arg) / r[i];
	}
	snprintf(row, sizeof(row), "%s_write", plan->name);
	rate_row(row, kind, evcan_bench_median(w, RUNS), plan->wall ?
	    peer->write_wall : peer->write_cpu, "python-can",
	    evcan_bench_median(of_write, RUNS));
	snprintf(row, sizeof(row), "%s_read", plan->name);
	rate_row(row, kind, evcan_bench_median(r, RUNS), plan->wall ?
	    peer->read_wall : peer->read_cpu, "python-can",
	    evcan_bench_median(of_read, RUNS));
	unlink(path);
}

/* BLF: the bare codec over the same containers */

#define CONTAINERS 4096

struct containers {
	uint8_t *file;
	const uint8_t *packed[CONTAINERS];
	size_t packed_len[CONTAINERS];
	uint8_t *plain[CONTAINERS];
	size_t len[CONTAINERS];
	size_t n;
	struct evcan_deflater_ *deflater;
	struct evcan_inflater_ *inflater;
};

static void
load_containers(struct containers *c, const char *path,
    enum evcan_codec_ codec)
{
	const size_t size = (size_t)size_of(path);
	const int fd = open(path, O_RDONLY);
	size_t at = 144;

	memset(c, 0, sizeof(*c));
	c->file = malloc(size);
	c->deflater = evcan_deflater_new_(codec, EVCAN_WRAP_ZLIB, -1, NULL);
	c->inflater = evcan_inflater_new_(codec, NULL);
	require(fd >= 0 && c->file != NULL && c->deflater != NULL &&
	    c->inflater != NULL && read(fd, c->file, size) ==
	    (ssize_t)size, "no room");
	close(fd);
	while (at + 32 < size && c->n < CONTAINERS) {
		const uint8_t *p = c->file + at;
		const size_t object = get_le32(p + 8), n = c->n++;

		c->packed[n] = p + 32;
		c->packed_len[n] = object - 32;
		c->plain[n] = malloc(get_le32(p + 24));
		require(c->plain[n] != NULL && evcan_inflater_run_(
		    c->inflater, p + 32, object - 32, NULL, c->plain[n],
		    get_le32(p + 24), &c->len[n]) == EVCAN_INFLATED,
		    "a bad container");
		at += object + object % 4;
	}
}

static void
free_containers(struct containers *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->plain[i]);
	free(c->file);
	evcan_deflater_free_(c->deflater);
	evcan_inflater_free_(c->inflater);
}

static double
bare_deflate(const void *arg)
{
	static uint8_t out[1 << 20];
	const struct containers *c = arg;
	const double start = seconds(false);

	for (size_t k = 0; k < c->n; k++)
		require(evcan_deflater_run_(c->deflater, c->plain[k],
		    c->len[k], out, sizeof(out)) > 0, "deflate");
	return seconds(false) - start;
}

static double
bare_inflate(const void *arg)
{
	static uint8_t out[1 << 20];
	const struct containers *c = arg;
	const double start = seconds(false);
	size_t got;

	for (size_t k = 0; k < c->n; k++)
		require(evcan_inflater_run_(c->inflater, c->packed[k],
		    c->packed_len[k], NULL, out, c->len[k], &got) ==
		    EVCAN_INFLATED, "inflate");
	return seconds(false) - start;
}

/* Reading with the default helper: the wall's time, and the CPU time of both
 * threads. */
static void
blf_ahead(const char *name, const char *path, const char *option,
    const char *kind)
{
	const struct peer *peer = peer_of("blf");
	double wall[RUNS], cpu[RUNS];
	char row[80];

	for (int i = 0; i < RUNS; i++) {
		const double start = seconds(false);

		wall[i] = read_log(path, option, true);
		cpu[i] = seconds(false) - start;
	}
	snprintf(row, sizeof(row), "%s_read_ahead_wall", name);
	rate_row(row, kind, evcan_bench_median(wall, RUNS), peer->read_wall,
	    "python-can", 0);
	snprintf(row, sizeof(row), "%s_read_ahead_cpu", name);
	rate_row(row, kind, evcan_bench_median(cpu, RUNS), peer->read_cpu,
	    "python-can", 0);
}

static void
blf_codec(enum evcan_codec_ codec, const char *kind)
{
	const char *name = evcan_codec_name_(codec);
	const char *path = in_dir("floor.blf");
	char row[64], option[64], one_thread[80];
	struct containers c;
	const struct plan plan = { row, "blf", option, one_thread, false,
	    bare_deflate, bare_inflate, &c };

	if (!evcan_codec_is_built_in_(codec))
		return;
	snprintf(row, sizeof(row), "blf_%s", name);
	snprintf(option, sizeof(option), "codec=%s", name);
	snprintf(one_thread, sizeof(one_thread), "%s threads=0", option);
	write_log(path, option, false);
	load_containers(&c, path, codec);
	measure(&plan, kind);
	blf_ahead(row, path, option, kind);
	free_containers(&c);
	unlink(path);
}

/* A helper that compresses beside the writing thread: of the wall's time. */
static void
blf_threads(const char *kind)
{
	const char *path = in_dir("threads.blf");
	double one[RUNS], two[RUNS];
	char row[64];

	for (int i = 0; i < RUNS; i++) {
		one[i] = write_log(path, "codec=zlib threads=0", true);
		two[i] = write_log(path, "codec=zlib threads=1", true);
	}
	unlink(path);
	snprintf(row, sizeof(row), "blf_zlib_write_two_workers_%s", kind);
	evcan_bench_row(row, "M frames/s",
	    FRAMES / evcan_bench_median(two, RUNS) / 1e6,
	    FRAMES / evcan_bench_median(one, RUNS) / 1e6, "one worker", 0);
}

/* SQLite: the same rows by the bare library, ten to a statement */

static void
bind_row(sqlite3_stmt *s, int at, const struct evcan_frame *f)
{
	sqlite3_bind_double(s, at, (double)f->time_ns / 1e9);
	sqlite3_bind_int64(s, at + 1, f->id);
	sqlite3_bind_int(s, at + 2, (f->flags & EVCAN_FRAME_EXT) != 0);
	sqlite3_bind_int(s, at + 3, (f->flags & EVCAN_FRAME_RTR) != 0);
	sqlite3_bind_int(s, at + 4, (f->flags & EVCAN_FRAME_ERR) != 0);
	sqlite3_bind_int(s, at + 5, f->len);
	sqlite3_bind_blob(s, at + 6, f->data, f->len, SQLITE_STATIC);
}

static double
bare_sqlite(const void *unused)
{
	const char *path = in_dir("floor.db");
	sqlite3 *db;
	sqlite3_stmt *s;
	double start;

	(void)unused;
	unlink(path);
	start = seconds(true);
	require(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db,
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
	    "CREATE TABLE messages(ts REAL, arbitration_id INTEGER, "
	    "extended INTEGER, remote INTEGER, error INTEGER, dlc INTEGER, "
	    "data BLOB)", NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "INSERT INTO messages VALUES "
	    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),"
	    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),"
	    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),"
	    "(?,?,?,?,?,?,?)", -1, &s, NULL) == SQLITE_OK, "bare SQLite");
	for (size_t i = 0; i + 10 <= FRAMES; i += 10) {
		if (i % 3000 == 0)
			sqlite3_exec(db, i > 0 ? "COMMIT; BEGIN" : "BEGIN",
			    NULL, NULL, NULL);
		for (int k = 0; k < 10; k++)
			bind_row(s, 1 + k * 7, &frames[i + (size_t)k]);
		require(sqlite3_step(s) == SQLITE_DONE, "bare SQLite");
		sqlite3_reset(s);
	}
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	start = seconds(true) - start;
	sqlite3_finalize(s);
	sqlite3_close(db);
	return start;
}

static double
bare_select(const void *unused)
{
	const char *path = in_dir("floor.db");
	sqlite3 *db;
	sqlite3_stmt *s;
	const double start = seconds(true);
	int64_t sum = 0;

	(void)unused;
	require(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_prepare_v2(db,
	    "SELECT * FROM messages", -1, &s, NULL) == SQLITE_OK,
	    "bare SQLite");
	while (sqlite3_step(s) == SQLITE_ROW) {
		sum += (int64_t)sqlite3_column_double(s, 0);
		for (int i = 1; i < 6; i++)
			sum += sqlite3_column_int(s, i);
		/* No data is no pointer. */
		if (sqlite3_column_bytes(s, 6) > 0)
			sum += *(const uint8_t *)sqlite3_column_blob(s, 6);
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	require(sum != 0, "bare SQLite");
	return seconds(true) - start;
}

static void
sqlite(const char *kind)
{
	static const struct plan plan = { "sqlite", "db", "", "", true,
	    bare_sqlite, bare_select, NULL };

	measure(&plan, kind);
	unlink(in_dir("floor.db"));
}

static void
others(const char *kind)
{
	static const struct {
		const char *name, *suffix, *write;
	} rows[] = {
		{ "csv", "csv", "" },
		{ "trc", "trc", "" },
		{ "asc", "asc", "" },
		{ "mf4", "mf4", "" },
		{ "mf4_stored", "mf4", "compression_level=0" },
		{ "pcap", "pcap", "" },
		{ "pcapng", "pcapng", "" },
		{ "candump_gzip", "log.gz", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct plan plan = { .name = rows[i].name,
			.suffix = rows[i].suffix, .write = rows[i].write,
			.read = "" };

		measure(&plan, kind);
	}
}

static void
blf(const char *kind)
{
	blf_codec(EVCAN_CODEC_ZLIB, kind);
	blf_codec(EVCAN_CODEC_LIBDEFLATE, kind);
	blf_codec(EVCAN_CODEC_ISAL, kind);
	blf_threads(kind);
}

/* Whether a word is said, or none of its list. */
static bool
is_chosen(char **said, const char *const *list, const char *word)
{
	bool none = true;

	for (; *said != NULL; said++) {
		if (strcmp(*said, word) == 0)
			return true;
		for (int i = 0; list[i] != NULL; i++)
			none &= strcmp(*said, list[i]) != 0;
	}
	return none;
}

static void
all(bool random, char **said)
{
	static const char *const groups[] = { "text", "blf", "sqlite",
		"others", NULL };
	const char *kind = random ? "random" : "real";
	const char *log = in_dir("bench.log");

	evcan_bench_frames(frames, FRAMES, random);
	write_log(log, "", false);
	ask_python(log);
	if (is_chosen(said, groups, "text"))
		text(kind, log);
	if (is_chosen(said, groups, "blf"))
		blf(kind);
	if (is_chosen(said, groups, "sqlite"))
		sqlite(kind);
	if (is_chosen(said, groups, "others"))
		others(kind);
	unlink(log);
}

int
main(int argc, char **argv)
{
	static const char *const kinds[] = { "random", "real", NULL };
	char command[200];

	(void)argc;
	frames = malloc(FRAMES * sizeof(*frames));
	require(frames != NULL && mkdtemp(dir) != NULL, "no room");
	for (int i = 0; i < 2; i++)
		if (is_chosen(argv + 1, kinds, kinds[i]))
			all(i == 0, argv + 1);
	free(frames);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : 1;
}

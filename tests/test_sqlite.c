/* SPDX-License-Identifier: BSD-3-Clause */
/* test_sqlite.c - python-can's database, whole after a crash and full disk */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/log.h>
#include <evcan/options.h>

#include "may_skip.h"

#define T 1483389946197000000
#define MAX 2048

static const struct evcan_format *sqlite;
static char dir[] = "/tmp/evcan-sqlite-XXXXXX";
static char path[64];

/* The database by its own library. @return the first value as text */
static const char *
sql(const char *text)
{
	static char result[400];
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	while (text != NULL && *text != '\0') {
		if (sqlite3_prepare_v2(db, text, -1, &statement, &text) !=
		    SQLITE_OK)
			fail_msg("%s", sqlite3_errmsg(db));
		if (sqlite3_step(statement) == SQLITE_ROW)
			snprintf(result, sizeof(result), "%s",
			    (const char *)sqlite3_column_text(statement, 0));
		sqlite3_finalize(statement);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return result;
}

static bool
exists(const char *suffix)
{
	char name[100];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return access(name, F_OK) == 0;
}

static int
fresh(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/log.db", dir);
	for (int i = 0; i < 3; i++) {
		static const char *const suffixes[] = { "", "-wal", "-shm" };
		char name[100];

		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return 0;
}

/* A writer by the table's hooks, as core uses them. */
struct writer {
	void *state;
	struct evcan_options *options;
	struct evcan_buffer out;
	struct evcan_encode info;
	struct evcan_error err;
};

/* @param columns or table: "name=value", or NULL */
static int
writer_open(struct writer *w, const char *option, bool append)
{
	memset(w, 0, sizeof(*w));
	w->options = evcan_options_new();
	if (option != NULL)
		assert_int_equal(evcan_options_set_pair(w->options, option,
		    NULL, NULL), 0);
	w->state = calloc(1, sqlite->write_size);
	assert_int_equal(evcan_options_fill(w->options,
	    sqlite->write_options, w->state, &w->err), 0);
	return sqlite->open(w->state, path, append, &w->err);
}

static int64_t
writer_store(struct writer *w, const struct evcan_frame *frames, size_t n)
{
	int64_t r;

	w->out.len = 0;
	assert_int_equal(sqlite->encode(w->state, frames, n, &w->out,
	    &w->info), 0);
	evcan_error_clear(&w->err);
	r = sqlite->store(w->state, w->out.data, w->out.len, &w->err);
	assert_true(r < 0 || (size_t)r == w->out.len);
	return r;
}

static int
writer_close(struct writer *w)
{
	int r = sqlite->close(w->state, &w->err);

	sqlite->write_done(w->state);
	free(w->state);
	free(w->out.data);
	evcan_options_free(w->options);
	return r;
}

static void
write_db(const char *option, bool append, const struct evcan_frame *frames,
    size_t n, struct evcan_encode *info)
{
	struct writer w;

	if (writer_open(&w, option, append) < 0)
		fail_msg("%s", w.err.text);
	assert_true(writer_store(&w, frames, n) >= 0);
	if (info != NULL)
		*info = w.info;
	assert_int_equal(writer_close(&w), 0);
	assert_false(exists("-wal"));
	assert_false(exists("-shm"));
}

struct got {
	struct evcan_frame frames[MAX];
	size_t n;
	unsigned errors;
	char error[600];
	struct evcan_log_read_stats stats;
};

/* @param batch frames a call */
static void
read_db(const char *option, size_t batch, struct got *got)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	int r;

	memset(got, 0, offsetof(struct got, frames));
	memset(got->frames, 0xa5, sizeof(got->frames));
	got->n = got->errors = 0;
	got->error[0] = '\0';
	if (option != NULL)
		evcan_options_set_pair(options, option, NULL, NULL);
	reader = evcan_log_reader_new(path, options, &err);
	evcan_options_free(options);
	if (reader == NULL) {
		got->errors = 1;
		snprintf(got->error, sizeof(got->error), "%s", err.text);
		return;
	}
	assert_string_equal(evcan_log_reader_format(reader), "sqlite");
	while ((r = evcan_log_reader_read(reader, got->frames + got->n,
	    MAX - got->n < batch ? MAX - got->n : batch)) != 0) {
		if (r < 0 && got->errors++ == 0)
			snprintf(got->error, sizeof(got->error), "%s",
			    evcan_log_reader_error(reader)->text);
		got->n += r > 0 ? (size_t)r : 0;
		assert_true(got->errors < MAX && got->n < MAX);
	}
	evcan_log_reader_get_stats(reader, &got->stats);
	evcan_log_reader_free(reader);
}

static void
make(struct evcan_frame *frame, uint32_t id, unsigned flags, unsigned len)
{
	uint8_t data[64];

	for (unsigned i = 0; i < 64; i++)
		data[i] = (uint8_t)(i * 37 + len);
	if ((flags & EVCAN_FRAME_RTR) != 0)
		assert_int_equal(evcan_frame_init_remote(frame, id, flags,
		    len), 0);
	else
		assert_int_equal(evcan_frame_init(frame, id, flags, data,
		    len), 0);
	frame->time_ns = T;
	frame->clock = EVCAN_CLOCK_KERNEL;
}

/* Kinds of all sorts, on three channels. */
static size_t
corpus(struct evcan_frame *frames, size_t n)
{
	static const struct {
		uint32_t id;
		unsigned flags, len;
	} kinds[] = {
		{ 0x123, 0, 8 }, { 0x7ff, 0, 0 }, { 0, 0, 3 },
		{ 0x123, EVCAN_FRAME_EXT, 8 },
		{ 0x1fffffff, EVCAN_FRAME_EXT, 1 },
		{ 0x123, EVCAN_FRAME_RTR, 8 },
		{ 0x18daf110, EVCAN_FRAME_EXT | EVCAN_FRAME_RTR, 0 },
		{ 0x88, EVCAN_FRAME_ERR, 8 },
		{ 0x10, EVCAN_FRAME_FD, 0 },
		{ 0x11, EVCAN_FRAME_FD | EVCAN_FRAME_BRS, 64 },
		{ 0x12345, EVCAN_FRAME_EXT | EVCAN_FRAME_FD |
		    EVCAN_FRAME_BRS | EVCAN_FRAME_ESI, 12 }
	};

	for (size_t i = 0; i < n; i++) {
		struct evcan_frame *frame = &frames[i];

		make(frame, kinds[i % 11].id, kinds[i % 11].flags,
		    kinds[i % 11].len);
		if (i % 22 == 11)
			frame->dlc = 15;
		frame->dir = (uint8_t)(i % 3);
		frame->time_ns += (int64_t)i * 1234567;
		if (i % 4 > 0)
			frame->channel = (uint16_t)evcan_channel_intern(
			    i % 4 == 1 ? "can0" : i % 4 == 2 ? "can1" :
			    "the \"third\" one's");
	}
	return n;
}

static void
python_table(void **state)
{
	struct evcan_frame frames[2];

	(void)state;
	make(&frames[0], 0x123, 0, 3);
	memcpy(frames[0].data, "\x01\x02\xff", 3);
	make(&frames[1], 0x18daf110, EVCAN_FRAME_EXT | EVCAN_FRAME_RTR, 4);
	frames[1].time_ns += 100000;
	write_db(NULL, false, frames, 2, NULL);
	assert_string_equal(sql("SELECT group_concat(name || ' ' || type) "
	    "FROM pragma_table_info('messages')"), "ts REAL,"
	    "arbitration_id INTEGER,extended INTEGER,remote INTEGER,"
	    "error INTEGER,dlc INTEGER,data BLOB");
	assert_string_equal(sql("SELECT group_concat((ts = 1483389946.197 + "
	    "0.0001 * (rowid - 1)) || ' ' || arbitration_id || extended || "
	    "remote || error || dlc || ' ' || hex(data) || typeof(data) || "
	    "typeof(dlc)) FROM messages"), "1 2910003 0102FFblobinteger,"
	    "1 4170017441104 blobinteger");
	assert_string_equal(sql("PRAGMA journal_mode"), "delete");
	assert_string_equal(sql("PRAGMA integrity_check"), "ok");
}

static void
all_columns(void **state)
{
	static struct evcan_frame frames[MAX - 1];
	static struct got got;
	const size_t n = corpus(frames, MAX - 1);
	struct evcan_encode info;

	(void)state;
	write_db("columns=all", false, frames, n, &info);
	for (int i = 0; i < 16; i++)
		assert_int_equal(info.lost[i], 0);
	for (int pass = 0; pass < 2; pass++) {
		read_db(NULL, pass == 0 ? MAX : 7, &got);
		assert_string_equal(got.error, "");
		assert_int_equal(got.n, n);
		for (size_t i = 0; i < n; i++)
			assert_memory_equal(&frames[i], &got.frames[i], 24 +
			    (frames[i].flags & EVCAN_FRAME_FD ?
			    frames[i].len : 8));
		assert_int_equal(got.stats.bytes, got.stats.size);
	}
}

static void
lost_is_counted(void **state)
{
	static struct evcan_frame frames[MAX - 1];
	static struct got got;
	const size_t n = corpus(frames, MAX - 1);
	struct evcan_encode info;
	uint64_t lost[11] = { 0 };

	(void)state;
	frames[0].flags = EVCAN_FRAME_ECHO;
	frames[1].hops = 1;
	frames[2].clock = EVCAN_CLOCK_HARDWARE;
	write_db(NULL, false, frames, n, &info);
	read_db(NULL, 100, &got);
	assert_int_equal(got.n, n);
	for (size_t i = 0; i < n; i++) {
		const struct evcan_frame *a = &frames[i];
		const struct evcan_frame *b = &got.frames[i];
		const unsigned gone = a->flags & (unsigned)~b->flags;

		assert_int_equal(a->id, b->id);
		assert_int_equal(a->len, b->len);
		assert_memory_equal(a->data, b->data, a->len);
		/* Microseconds are exact, what is lost is cut off. */
		assert_true(a->time_ns == b->time_ns ||
		    a->time_ns - a->time_ns % 1000 == b->time_ns);
		lost[0] += a->channel != b->channel;
		lost[1] += a->dir != b->dir;
		lost[2] += (gone & EVCAN_FRAME_ECHO) != 0;
		lost[3] += a->hops != b->hops;
		lost[4] += a->clock != b->clock;
		lost[5] += a->time_ns != b->time_ns;
		lost[6] += a->dlc != b->dlc;
		lost[7] += (gone & EVCAN_FRAME_FD) != 0;
		lost[8] += (gone & EVCAN_FRAME_BRS) != 0;
		lost[9] += (gone & EVCAN_FRAME_ESI) != 0;
	}
	for (int i = 0; i < 11; i++)
		assert_int_equal(lost[i], info.lost[i]);
	for (int i = 0; i < 10; i++)
		assert_true(lost[i] > 0);
}

static void
times(void **state)
{
	static const int64_t times[] = { 0, 1, 999, 1000, 1500000000,
	    -1500000000, 86400123456789, 1717236000144116900,
	    1717236000000001000, 1717236000999999000, 4102444799999999000,
	    T };
	enum { N = sizeof(times) / sizeof(times[0]) };
	static struct evcan_frame frames[N + 1000];
	static struct got got;
	struct evcan_encode info;

	(void)state;
	for (size_t i = 0; i < N + 1000; i++) {
		make(&frames[i], 1, 0, 0);
		frames[i].time_ns = i < N ? times[i] : 1700000000000000000 +
		    (int64_t)i * 317000123000;
	}
	write_db(NULL, false, frames, N + 1000, &info);
	assert_int_equal(info.lost[5], 0);
	read_db(NULL, 256, &got);
	assert_int_equal(got.n, N + 1000);
	for (size_t i = 0; i < got.n; i++) {
		assert_int_equal(got.frames[i].time_ns, frames[i].time_ns);
		assert_int_equal(got.frames[i].clock, frames[i].time_ns <
		    365ll * 86400 * 1000000000 ? EVCAN_CLOCK_RELATIVE :
		    EVCAN_CLOCK_KERNEL);
	}
}

/* What a double has no room for is cut, before 1970 towards the past too. */
static void
fine_times_are_cut(void **state)
{
	static const struct {
		int64_t given, got;
	} rows[] = {
		{ 1717236000144116957, 1717236000144116000 },
		{ -1717236000144116957, -1717236000144117000 },
		{ -1717236000144117000, -1717236000144117000 }
	};
	static struct evcan_frame frames[3];
	static struct got got;
	struct evcan_encode info;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		make(&frames[i], 1, 0, 0);
		frames[i].time_ns = rows[i].given;
	}
	write_db(NULL, false, frames, 3, &info);
	assert_int_equal(info.lost[5], 2);
	read_db(NULL, 256, &got);
	assert_int_equal(got.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(got.frames[i].time_ns, rows[i].got);
}

static void
append_and_replace(void **state)
{
	static struct evcan_frame frames[100];
	static struct got got;

	(void)state;
	corpus(frames, 100);
	write_db(NULL, false, frames, 100, NULL);
	write_db("columns=all", true, frames, 100, NULL);
	assert_string_equal(sql("SELECT count(*) FROM messages"), "200");
	/* Its own columns stay; those of others get nothing. */
	sql("CREATE TABLE mine(x); INSERT INTO mine VALUES(7);"
	    "ALTER TABLE messages ADD COLUMN note TEXT DEFAULT 'n'");
	write_db(NULL, true, frames, 1, NULL);
	assert_string_equal(sql("SELECT note FROM messages WHERE "
	    "rowid=201"), "n");
	/* Only the table is replaced. */
	write_db(NULL, false, frames, 100, NULL);
	assert_string_equal(sql("SELECT count(*) FROM messages"), "100");
	assert_string_equal(sql("SELECT x FROM mine"), "7");
	write_db("table_name=odd \"name\" ;--", false, frames, 3, NULL);
	assert_string_equal(sql("SELECT count(*) FROM messages"), "100");
	read_db("table_name=odd \"name\" ;--", 10, &got);
	assert_int_equal(got.n, 3);
	read_db("table_name=nothing", 10, &got);
	assert_non_null(strstr(got.error, "has no table nothing; the option "
	    "table_name names one of: messages, mine, odd"));
}

static void
replaced_is_small(void **state)
{
	static struct evcan_frame frames[MAX];
	struct stat st;

	(void)state;
	corpus(frames, MAX);
	for (int i = 0; i < 20; i++)
		write_db(NULL, true, frames, MAX, NULL);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 1000000);
	write_db(NULL, false, frames, 1, NULL);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 65536);
}

static void
refused(void **state)
{
	struct writer w;
	FILE *out;

	(void)state;
	out = fopen(path, "w");
	for (int i = 0; i < 100; i++)
		fputs("this is no database, but somebody needs it\n", out);
	fclose(out);
	for (int append = 0; append < 2; append++) {
		assert_true(writer_open(&w, NULL, append) < 0);
		assert_non_null(strstr(w.err.text, "not a database"));
		writer_close(&w);
	}
	out = fopen(path, "r");
	assert_int_equal(fgetc(out), 't');
	fclose(out);
	fresh(NULL);
	sql("CREATE TABLE messages(a, b)");
	assert_true(writer_open(&w, NULL, true) < 0);
	assert_non_null(strstr(w.err.text, "messages is not appended to"));
	writer_close(&w);
	assert_true(writer_open(&w, "table_name=", false) < 0);
	writer_close(&w);
	snprintf(path, sizeof(path), "/dev/null");
	assert_true(writer_open(&w, NULL, false) < 0);
	assert_non_null(strstr(w.err.text, "not a regular file"));
	writer_close(&w);
	snprintf(path, sizeof(path), "%s/no/such.db", dir);
	assert_true(writer_open(&w, NULL, false) < 0);
	writer_close(&w);
}

/* python-can's own, and what people fill in by hand. */
static void
odd_values(void **state)
{
	static struct got got;

	(void)state;
	sql("CREATE TABLE messages(data, dlc, arbitration_id, ts, extended, "
	    "remote, error, channel);"
	    "INSERT INTO messages VALUES"
	    "(x'0102ff', 3, 291, 1483389946.197, 0, 0, 0, NULL),"
	    "('0102FF', '3', '0x123', '1483389946.197', '0', NULL, 0, ''),"
	    "(x'0102ff', NULL, 291, 1483389946.197, 0.0, 0, 0, 'can0'),"
	    "(NULL, 0, 291, 5, 1, 1, 0, 3),"
	    "(NULL, 8, 0, 5.5, 1, 'true', 1, NULL)");
	read_db(NULL, 64, &got);
	assert_string_equal(got.error, "");
	assert_int_equal(got.n, 5);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(got.frames[i].time_ns, T);
		assert_int_equal(got.frames[i].id, 0x123);
		assert_int_equal(got.frames[i].flags, 0);
		assert_int_equal(got.frames[i].dlc, 3);
		assert_memory_equal(got.frames[i].data, "\x01\x02\xff\0\0\0"
		    "\0", 8);
	}
	assert_int_equal(got.frames[3].time_ns, 5000000000);
	assert_int_equal(got.frames[3].clock, EVCAN_CLOCK_RELATIVE);
	assert_int_equal(got.frames[3].flags, EVCAN_FRAME_EXT |
	    EVCAN_FRAME_RTR);
	assert_string_equal(evcan_channel_name(got.frames[3].channel), "3");
	assert_int_equal(got.frames[4].flags, EVCAN_FRAME_ERR);
	assert_int_equal(got.frames[4].id, 0x80);
}

static void
bad_rows(void **state)
{
	static const struct {
		const char *values, *why;
	} cases[] = {
		{ "NULL, 1, 0, 0, 0, 0, NULL", "ts is not a number" },
		{ "'x', 1, 0, 0, 0, 0, NULL", "ts is not a number" },
		{ "1e10, 1, 0, 0, 0, 0, NULL", "ts is not a number" },
		{ "1, 'x', 0, 0, 0, 0, NULL", "is not a whole number" },
		{ "1, NULL, 0, 0, 0, 0, NULL", "is not a whole number" },
		{ "1, -1, 0, 0, 0, 0, NULL", "is over 29 bits" },
		{ "1, 0x20000000, 1, 0, 0, 0, NULL", "is over 29 bits" },
		{ "1, 0x800, 0, 0, 0, 0, NULL", "at most 11 bits" },
		{ "1, 1, 0, 0, 0, 65, NULL", "dlc is not 0 to 64" },
		{ "1, 1, 0, 0, 0, -1, NULL", "dlc is not 0 to 64" },
		{ "1, 1, 0, 0, 0, 4, x'00'", "dlc does not fit" },
		{ "1, 1, 0, 0, 0, 1, 7", "data is neither" },
		{ "1, 1, 0, 0, 0, 1, 'zz'", "data is neither" },
		{ "1, 1, 0, 0, 0, 1, zeroblob(65)", "more than 64" },
		{ "1, 1, 0, 1, 0, 1, x'00'", "remote frame has no data" }
	};
	static struct evcan_frame frame;
	static struct got got;
	char text[300], place[400];

	(void)state;
	make(&frame, 0x10, 0, 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_db(NULL, false, &frame, 1, NULL);
		snprintf(text, sizeof(text), "INSERT INTO messages VALUES(%s)"
		    ";INSERT INTO messages SELECT * FROM messages LIMIT 1",
		    cases[i].values);
		sql(text);
		read_db(NULL, 64, &got);
		assert_int_equal(got.n, 2);
		assert_int_equal(got.errors, 1);
		snprintf(place, sizeof(place), "%s:2: row 2: ", path);
		if (strstr(got.error, place) == NULL ||
		    strstr(got.error, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].values, got.error);
	}
}

/* A process that is killed loses nothing that was stored. */
static void
killed(void **state)
{
	static struct evcan_frame frames[MAX];
	static struct got got;
	struct writer w;
	pid_t pid;
	int status;

	(void)state;
	corpus(frames, MAX);
	pid = fork();
	if (pid == 0) {
		if (writer_open(&w, NULL, false) < 0 ||
		    writer_store(&w, frames, 1000) < 0 ||
		    writer_store(&w, frames, 500) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(exists("-wal"));
	read_db(NULL, 64, &got);
	assert_string_equal(got.error, "");
	assert_int_equal(got.n, 1500);
	write_db(NULL, true, frames, 10, NULL);
	read_db(NULL, 64, &got);
	assert_int_equal(got.n, 1510);
}

/* All or nothing, and the next try stores it once. */
static void
busy(void **state)
{
	static struct evcan_frame frames[100];
	static struct got got;
	struct writer w;
	sqlite3 *other;

	(void)state;
	corpus(frames, 100);
	assert_int_equal(writer_open(&w, NULL, false), 0);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL,
	    NULL), SQLITE_OK);
	assert_int_equal(writer_store(&w, frames, 100), EVCAN_ERR_BUSY);
	assert_non_null(strstr(w.err.text, "locked"));
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	assert_true(writer_store(&w, frames, 100) > 0);
	/* Readers see it while it is written. */
	read_db(NULL, 64, &got);
	assert_int_equal(got.n, 100);
	/* A reader in the middle keeps the log from being put away. */
	sqlite3_exec(other, "BEGIN; SELECT count(*) FROM messages", NULL,
	    NULL, NULL);
	assert_true(writer_store(&w, frames, 50) > 0);
	evcan_error_clear(&w.err);
	assert_int_equal(writer_close(&w), EVCAN_ERR_BUSY);
	sqlite3_close(other);
	read_db(NULL, 64, &got);
	assert_int_equal(got.n, 150);
}

/* What did not fit is not there in part, and is stored once there is room. */
static void
disk_full(void **state)
{
	static struct evcan_frame frames[MAX];
	static struct got got;
	struct rlimit limit, small;
	struct writer w;

	(void)state;
	corpus(frames, MAX);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(writer_open(&w, NULL, false), 0);
	assert_true(writer_store(&w, frames, 100) > 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 100000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(writer_store(&w, frames, 1900) < 0);
		assert_non_null(strstr(w.err.text, "cannot be written: "));
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	read_db(NULL, 64, &got);
	assert_int_equal(got.n, 100);
	assert_true(writer_store(&w, frames, 1900) > 0);
	assert_int_equal(writer_close(&w), 0);
	read_db(NULL, 64, &got);
	assert_string_equal(got.error, "");
	assert_int_equal(got.n, 2000);
	signal(SIGXFSZ, SIG_DFL);
}

/* Cut or overwritten anywhere: an error or an end, whole rows before it. */
static void
damaged(void **state)
{
	static struct evcan_frame frames[MAX];
	static struct got got;
	static uint8_t bytes[400000];
	size_t len;
	FILE *file;

	(void)state;
	corpus(frames, MAX);
	write_db(NULL, false, frames, MAX - 1, NULL);
	file = fopen(path, "r");
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(len > 50000 && len < sizeof(bytes));
	for (size_t i = 0; i < 100; i++) {
		const size_t cut = len * i / 100;

		file = fopen(path, "w");
		fwrite(bytes, 1, i % 2 != 0 ? cut : len, file);
		if (i % 2 == 0) {
			fseek(file, (long)cut, SEEK_SET);
			for (int b = 0; b < 64; b++)
				fputc(b * 73 + (int)i, file);
		}
		fclose(file);
		read_db(NULL, 64, &got);
		assert_true(got.errors > 0 || got.n > 0 || cut == 0);
		for (size_t f = 0; f < got.n; f++)
			assert_true(got.frames[f].len <= 64);
	}
}

/* A page that says its children are the same one: rows would come again. */
static void
circles(void **state)
{
	static struct evcan_frame frames[MAX];
	static struct got got;
	uint8_t page[16384];
	FILE *file;
	long at;

	(void)state;
	corpus(frames, MAX);
	write_db(NULL, false, frames, MAX - 1, NULL);
	/* The root is an interior page: all its cells get the first child. */
	at = (atol(sql("SELECT rootpage FROM sqlite_master WHERE "
	    "name='messages'")) - 1) * (long)sizeof(page);
	file = fopen(path, "r+");
	fseek(file, at, SEEK_SET);
	assert_int_equal(fread(page, 1, sizeof(page), file), sizeof(page));
	assert_int_equal(page[0], 5);
	for (int i = 1; i < page[4]; i++)
		memcpy(page + (page[12 + 2 * i] << 8 | page[13 + 2 * i]),
		    page + (page[12] << 8 | page[13]), 4);
	memcpy(page + 8, page + (page[12] << 8 | page[13]), 4);
	fseek(file, at, SEEK_SET);
	fwrite(page, 1, sizeof(page), file);
	fclose(file);
	read_db(NULL, 64, &got);
	assert_int_equal(got.errors, 1);
	assert_non_null(strstr(got.error, "comes again"));
	assert_true(got.n > 0 && got.n < MAX - 1);
}

static void
whole_log(void **state)
{
	static struct evcan_frame frames[MAX - 1];
	static struct got got;
	struct evcan_log_writer *writer;
	struct evcan_log_write_stats stats;
	struct evcan_error err = { 0 };

	(void)state;
	corpus(frames, MAX - 1);
	writer = evcan_log_writer_new(NULL, path, NULL, &err);
	assert_string_equal(err.text, "");
	assert_non_null(writer);
	assert_int_equal(evcan_log_writer_write(writer, frames, MAX - 1),
	    MAX - 1);
	assert_int_equal(evcan_log_writer_close(writer, NULL, NULL), 0);
	evcan_log_writer_get_stats(writer, &stats);
	assert_int_equal(stats.written, MAX - 1);
	evcan_log_writer_free(writer);
	read_db(NULL, 256, &got);
	assert_int_equal(got.n, MAX - 1);
}

static void
samples(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} files[] = {
		{ "gen__pythoncan41_mix.db", 2000 },
		{ "gen__pythoncan41_fastlost.db", 501 }
	};
	const char *from = getenv("EVCAN_SAMPLES");
	static struct got got;
	char command[600];

	(void)state;
	if (from == NULL)
		may_skip("EVCAN_SAMPLES is not set");
	for (int i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "cp '%s/sqlite/%s' '%s'",
		    from, files[i].name, path);
		assert_int_equal(system(command), 0);
		read_db(NULL, 64, &got);
		assert_string_equal(got.error, "");
		assert_int_equal(got.n, files[i].n);
		unlink(path);
	}
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(python_table),
		TEST(all_columns),
		TEST(lost_is_counted),
		TEST(times), TEST(fine_times_are_cut),
		TEST(append_and_replace),
		TEST(replaced_is_small),
		TEST(refused),
		TEST(odd_values),
		TEST(bad_rows),
		TEST(killed),
		TEST(busy),
		TEST(disk_full),
		TEST(damaged),
		TEST(circles),
		TEST(whole_log),
		TEST(samples)
	};

	sqlite = evcan_format_find("sqlite");
	if (sqlite == NULL)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}

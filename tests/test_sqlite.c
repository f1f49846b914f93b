/* SPDX-License-Identifier: BSD-3-Clause */
/* test_sqlite.c - python-can's database: its table, values and times */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "may_skip.h"
#include "sqlite_fixture.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(python_table),
		TEST(all_columns),
		TEST(lost_is_counted),
		TEST(times),
		TEST(fine_times_are_cut),
		TEST(append_and_replace),
		TEST(replaced_is_small),
		TEST(odd_values),
		TEST(whole_log),
		TEST(samples)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

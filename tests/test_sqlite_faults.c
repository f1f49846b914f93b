/* SPDX-License-Identifier: BSD-3-Clause */
/* test_sqlite_faults.c - a database after a crash, on a full disk, damaged */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sqlite_fixture.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refused),
		TEST(bad_rows),
		TEST(killed),
		TEST(busy),
		TEST(disk_full),
		TEST(damaged),
		TEST(circles)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

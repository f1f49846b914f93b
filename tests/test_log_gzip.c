/* SPDX-License-Identifier: BSD-3-Clause */
/* test_log_gzip.c - logs that are written through gzip */
#include "log_fixture.h"

#include <evcan/format.h>

#include "log_file.h"

static void
is_valid(const char *path)
{
	char command[400];

	snprintf(command, sizeof(command), "gzip -t < '%s'", path);
	assert_int_equal(system(command), 0);
}

static off_t
size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void
test_by_suffix(void **state)
{
	struct fixture *f = *state;
	struct evcan_log_write_stats stats;

	for (int sync = 0; sync < 2; sync++) {
		const char *path = in_dir("suffix.log.GZ");

		open_writer(f, sync ? NULL : f->base, path);
		assert_string_equal(evcan_log_writer_format(f->writer),
		    "candump");
		write_all(f, 0, 50000);
		close_writer(f, 20);
		assert_string_equal(f->close_error, "");
		evcan_log_writer_get_stats(f->writer, &stats);
		assert_int_equal(stats.written, 50000);
		assert_int_equal(stats.queued, 0);
		assert_int_equal(stats.bytes, size_of(path));
		assert_true(stats.bytes < 50000 * 46 / 4);
		is_valid(path);
		holds(path, 50000);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	}
}

static void
test_option(void **state)
{
	struct fixture *f = *state;
	off_t sizes[2];

	option(f, "gzip", "true");
	for (int i = 0; i < 2; i++) {
		option(f, "gzip_level", i == 0 ? "0" : "9");
		open_writer(f, NULL, in_dir("on.log"));
		write_all(f, 0, 1000);
		close_writer(f, 5);
		is_valid(in_dir("on.log"));
		holds(in_dir("on.log"), 1000);
		sizes[i] = size_of(in_dir("on.log"));
		evcan_log_writer_free(f->writer);
	}
	assert_true(sizes[0] > 46000);
	assert_true(sizes[1] < 20000);
	option(f, "gzip", "off");
	open_writer(f, NULL, in_dir("off.log.gz"));
	write_all(f, 0, 1000);
	close_writer(f, 5);
	assert_int_equal(size_of(in_dir("off.log.gz")), 46000);
	holds(in_dir("off.log.gz"), 1000);
}

/* What is flushed is whole: members that need no end. */
static void
test_flushed(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("flushed.log.gz");
	int status;
	pid_t pid;

	open_writer(f, f->base, path);
	for (uint64_t i = 0; i < 30; i += 10) {
		write_all(f, i, i + 10);
		evcan_log_writer_flush(f->writer);
		run_for(f, 0.1);
		is_valid(path);
		holds(path, i + 10);
	}
	evcan_log_writer_free(f->writer);
	f->writer = NULL;
	pid = fork();
	if (pid == 0) {
		event_reinit(f->base);
		option(f, "flush_interval", "0.1");
		open_writer(f, f->base, path);
		write_all(f, 0, 1000);
		run_for(f, 0.6);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	holds(path, 1000);
}

static void
refused(struct fixture *f, const char *path, const char *why)
{
	struct evcan_error err = { 0 };

	assert_null(evcan_log_writer_new(f->base, path, f->options, &err));
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, why);
}

/* Members behind members; never two kinds of bytes in one file. */
static void
test_append(void **state)
{
	struct fixture *f = *state;
	const char *packed = in_dir("append.log.gz");
	const char *plain = in_dir("plain.log");
	off_t before;

	option(f, "append", "true");
	for (uint64_t i = 0; i < 30; i += 10) {
		open_writer(f, f->base, packed);
		write_all(f, i, i + 10);
		close_writer(f, 5);
		assert_string_equal(f->close_error, "");
		evcan_log_writer_free(f->writer);
		is_valid(packed);
		holds(packed, i + 10);
	}
	open_writer(f, NULL, plain);
	write_all(f, 0, 10);
	evcan_log_writer_free(f->writer);
	f->writer = NULL;
	before = size_of(packed);
	option(f, "gzip", "on");
	refused(f, plain, "cannot be appended to with gzip");
	option(f, "gzip", "off");
	refused(f, packed, "cannot be appended to without the option gzip");
	assert_int_equal(size_of(packed), before);
	holds(packed, 30);
	holds(plain, 10);
}

/* Not even a file without a frame is without a member. */
static void
test_empty(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("empty.log.gz");

	for (int sync = 0; sync < 2; sync++) {
		open_writer(f, sync ? NULL : f->base, path);
		close_writer(f, 5);
		assert_string_equal(f->close_error, "");
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
		is_valid(path);
		holds(path, 0);
	}
	option(f, "append", "true");
	open_writer(f, f->base, path);
	write_all(f, 0, 10);
	close_writer(f, 5);
	is_valid(path);
	holds(path, 10);
}

static void
test_reopen(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("reopen.log.gz");

	open_writer(f, f->base, path);
	write_all(f, 0, 10);
	assert_int_equal(evcan_log_writer_reopen(f->writer), 0);
	write_all(f, 10, 20);
	close_writer(f, 5);
	assert_string_equal(f->close_error, "");
	is_valid(path);
	holds(path, 20);
}

/* Formats that go back to their front, or own their file. */
static void
test_refused(void **state)
{
	const struct evcan_format *format;
	struct fixture *f = *state;
	char name[64];

	for (size_t i = 0; (format = evcan_format_at(i)) != NULL; i++) {
		if (format->encode == NULL || (format->header == NULL &&
		    !(format->flags & EVCAN_FORMAT_PATH_ONLY)))
			continue;
		snprintf(name, sizeof(name), "x%.*s.gz",
		    (int)strcspn(format->suffixes, " "), format->suffixes);
		option(f, "format", format->name);
		refused(f, in_dir(name), "cannot be written through gzip");
		assert_int_equal(access(in_dir(name), F_OK), -1);
	}
	option(f, "gzip", "maybe");
	refused(f, in_dir("x.log"), "gzip");
	option(f, "gzip", "on");
	option(f, "gzip_level", "10");
	refused(f, in_dir("x.log"), "gzip_level");
}

/* To a pipe: what there is comes at once, as a member of its own. */
static void
test_pipe(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[4096];
	ssize_t n;
	int fds[2];
	FILE *out;

	assert_int_equal(pipe(fds), 0);
	f->writer = evcan_log_writer_new_fd(f->base, fds[1], "pipe.log.gz",
	    f->options, NULL);
	assert_non_null(f->writer);
	write_all(f, 0, 10);
	n = read(fds[0], bytes, sizeof(bytes));
	out = fopen(in_dir("pipe.gz"), "w");
	fwrite(bytes, 1, (size_t)n, out);
	fclose(out);
	is_valid(in_dir("pipe.gz"));
	close_writer(f, 5);
	n = read(fds[0], bytes, sizeof(bytes));
	out = fopen(in_dir("pipe.gz"), "a");
	fwrite(bytes, 1, (size_t)n, out);
	fclose(out);
	holds(in_dir("pipe.gz"), 10);
	close(fds[0]);
}

/* What a format is shown of the file that it goes on in. */
static void
test_look(void **state)
{
	struct fixture *f = *state;
	struct evcan_log_past_ past;
	struct evcan_error err = { 0 };
	static const char first[] =
	    "(1483389946.000000) can0 123#0000000000000000\n";

	for (int gzip = 0; gzip < 2; gzip++) {
		const char *path = in_dir(gzip ? "look.log.gz" : "look.log");
		uint64_t size;

		open_writer(f, NULL, path);
		write_all(f, 0, 5000);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
		size = (uint64_t)size_of(path);
		assert_int_equal(evcan_log_file_look_(path, -1, size, gzip,
		    &past, &err), 0);
		assert_int_equal(past.past.size, size);
		assert_int_equal(past.past.head_len, 65536);
		assert_memory_equal(past.past.head, first, sizeof(first) - 1);
		assert_false(past.line_is_open);
		free(past.head);
		/* One byte is missing: the line feed, or the checksum. */
		assert_int_equal(truncate(path, (off_t)size - 1), 0);
		assert_int_equal(evcan_log_file_look_(path, -1, size - 1,
		    gzip, &past, &err), 0);
		assert_int_equal(past.line_is_open, !gzip);
		free(past.head);
	}
	/* A file that cannot be read is appended to all the same. */
	assert_int_equal(evcan_log_file_look_(in_dir("none"), -1, 7, false,
	    &past, &err), 0);
	assert_int_equal(past.past.head_len, 0);
	assert_int_equal(past.past.size, 7);
	free(past.head);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_suffix),
		TEST(test_option),
		TEST(test_flushed),
		TEST(test_append),
		TEST(test_empty),
		TEST(test_reopen),
		TEST(test_refused),
		TEST(test_pipe),
		TEST(test_look),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

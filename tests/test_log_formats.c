/* SPDX-License-Identifier: BSD-3-Clause */
/* test_log_formats.c - what the writer promises, with every format there is */
#include "log_fixture.h"

#include <evcan/format.h>

#include "bytes.h"
#include "log_tally.h"

/* The one that a test is about. */
static const struct evcan_format *format;

static int
setup_format(void **state)
{
	format = *state;
	return setup_one(state);
}

static const char *
file_of(const char *stem)
{
	char name[100];

	snprintf(name, sizeof(name), "%s-%s%.*s", stem, format->name,
	    (int)strcspn(format->suffixes, " "), format->suffixes);
	return in_dir(name);
}

static void
start(struct fixture *f, struct event_base *base, const char *path)
{
	option(f, "format", format->name);
	open_writer(f, base, path);
}

static void
stop(struct fixture *f)
{
	close_writer(f, 10);
	assert_string_equal(f->close_error, "");
	evcan_log_writer_free(f->writer);
	f->writer = NULL;
}

/* @return frames, which must be 0, 1, 2 ...; a fault at the end is fine where
 * the file was not closed */
static uint64_t
read_back(const char *path, bool unfinished)
{
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader = evcan_log_reader_new(path, NULL,
	    &err);
	struct evcan_frame frames[64], expected[64];
	uint64_t seen = 0;
	unsigned faults = 0;
	int r;

	assert_string_equal(err.text, "");
	assert_string_equal(evcan_log_reader_format(reader), format->name);
	while ((r = evcan_log_reader_read(reader, frames, 64)) != 0) {
		if (r < 0 && (!unfinished || ++faults > 1))
			fail_msg("%s", evcan_log_reader_error(reader)->text);
		if (r < 0)
			continue;
		fill(expected, (size_t)r, seen);
		for (int i = 0; i < r; i++) {
			assert_int_equal(frames[i].id, expected[i].id);
			assert_memory_equal(frames[i].data, expected[i].data,
			    8);
		}
		seen += (unsigned)r;
	}
	evcan_log_reader_free(reader);
	return seen;
}

/* kill -9: all frames up to the last flush are in the file. */
static void
test_killed(void **state)
{
	struct fixture *f = *state;
	const char *path = file_of("killed");
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		event_reinit(f->base);
		option(f, "flush_interval", "0.1");
		start(f, f->base, path);
		write_all(f, 0, 5000);
		run_for(f, 0.6);
		write_all(f, 5000, 6000);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	if (format->decode != NULL)
		assert_true(read_back(path, true) >= 5000);
}

/* The same in the middle of work, at any moment. */
static void
test_killed_busy(void **state)
{
	struct fixture *f = *state;
	const char *path = file_of("busy");
	int status, fds[2];
	uint64_t n = 0;

	for (int i = 0; i < 3; i++) {
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			struct evcan_log_write_stats stats;

			event_reinit(f->base);
			option(f, "flush_interval", "0.05");
			start(f, f->base, path);
			for (uint64_t k = 0;; k += 500) {
				write_all(f, k, k + 500);
				run_for(f, 0.005);
				evcan_log_writer_get_stats(f->writer,
				    &stats);
				if (write(fds[1], &stats.written, 8) != 8)
					_exit(1);
			}
		}
		close(fds[1]);
		/* Once it is well under way, however slow the machine. */
		for (n = 0; n == 0;)
			assert_int_equal(read(fds[0], &n, 8), 8);
		usleep(100000 + (unsigned)i * 77777);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		while (read(fds[0], &n, 8) == 8)
			;
		close(fds[0]);
		/* What was said to be written is there. */
		assert_true(n > 0);
		if (format->decode != NULL)
			assert_true(read_back(path, true) >= n);
	}
}

/* What a format holds back is neither in the file nor said to be. */
static void
test_held(void **state)
{
	struct fixture *f = *state;
	struct evcan_log_write_stats stats;
	struct evcan_error err = { 0 };

	option(f, "flush_interval", "3600");
	start(f, f->base, file_of("held"));
	write_all(f, 0, 20);
	run_for(f, 0.2);
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.written, 0);
	assert_int_equal(stats.queued, 20);
	assert_int_equal(evcan_log_writer_flush(f->writer), 0);
	run_for(f, 0.2);
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.written, 20);
	assert_int_equal(stats.queued, 0);
	assert_true(stats.bytes > 0);
	if (format->decode != NULL)
		assert_int_equal(read_back(file_of("held"), true), 20);
	write_all(f, 20, 200000);
	run_for(f, 0.5);
	/* Blocks went out when they were full, though nothing was flushed. */
	evcan_log_writer_get_stats(f->writer, &stats);
	if (stats.written == 200000) {   /* the last of them filled one */
		write_all(f, 200000, 200020);
		run_for(f, 0.2);
		evcan_log_writer_get_stats(f->writer, &stats);
		assert_int_equal(stats.written, 200000);
	}
	assert_int_equal(stats.written > 20, stats.bytes > 200000);
	stop(f);
	option(f, "flush_interval", "0.1");
	start(f, f->base, file_of("held"));
	write_all(f, 0, 20);
	run_for(f, 0.4);
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.written, 20);
	evcan_log_writer_free(f->writer);
	/* Without a worker as well. */
	start(f, NULL, file_of("held"));
	write_all(f, 0, 20);
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.written, 0);
	assert_int_equal(evcan_log_writer_flush(f->writer), 0);
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.written, 20);
	stop(f);
	assert_string_equal(err.text, "");
}

/* Behind what is there, or a clear word. */
static void
test_append(void **state)
{
	struct fixture *f = *state;
	const char *path = file_of("append");
	struct evcan_error err = { 0 };

	start(f, f->base, path);
	write_all(f, 0, 100);
	stop(f);
	option(f, "append", "true");
	if (format->flags & EVCAN_FORMAT_NO_APPEND) {
		assert_null(evcan_log_writer_new(f->base, path, f->options,
		    &err));
		assert_non_null(strstr(err.text, "cannot be appended to"));
		assert_int_equal(read_back(path, false), 100);
		assert_int_equal(truncate(path, 0), 0);
		start(f, f->base, path);
		write_all(f, 0, 300);
		stop(f);
	} else {
		for (uint64_t i = 100; i < 300; i += 100) {
			start(f, i == 100 ? f->base : NULL, path);
			write_all(f, i, i + 100);
			stop(f);
		}
	}
	if (format->decode != NULL)
		assert_int_equal(read_back(path, false), 300);
}

/* Closed and opened again although nobody moved it: the same file goes on. */
static void
test_reopen(void **state)
{
	struct fixture *f = *state;
	const char *path = file_of("reopen");

	for (int i = 0; i < 2; i++) {
		start(f, i == 0 ? f->base : NULL, path);
		write_all(f, 0, 100);
		assert_int_equal(evcan_log_writer_reopen(f->writer), 0);
		write_all(f, 100, 200);
		stop(f);
		assert_int_equal(f->errors, 0);
		if (format->decode != NULL)
			assert_int_equal(read_back(path, false), 200);
		assert_int_equal(unlink(path), 0);
	}
}

/* A file of somebody else stands there now: it is not touched if it cannot
 * be appended to. */
static void
test_reopen_foreign(void **state)
{
	struct fixture *f = *state;
	const char *path = file_of("taken"), *old = file_of("moved");

	if ((format->flags & EVCAN_FORMAT_NO_APPEND) == 0)
		return;
	start(f, f->base, path);
	write_all(f, 0, 100);
	run_for(f, 0.1);
	assert_int_equal(rename(path, old), 0);
	fclose(fopen(path, "w"));
	assert_int_equal(truncate(path, 10), 0);
	evcan_log_writer_reopen(f->writer);
	write_all(f, 0, 100);
	run_until(f, &f->errors, 5);
	assert_int_equal(f->errors, 1);
	assert_non_null(strstr(f->error, "cannot be appended to"));
	/* As it says: move it away, and it goes on. */
	assert_int_equal(unlink(path), 0);
	run_until(f, &f->recoveries, 5);
	assert_int_equal(f->recoveries, 1);
	stop(f);
	if (format->decode == NULL)
		return;
	assert_int_equal(read_back(old, false), 100);
	assert_int_equal(read_back(path, false), 100);
}

/* No path, or one that is no file. */
static void
test_targets(void **state)
{
	const bool file_only = (format->flags & EVCAN_FORMAT_PATH_ONLY) != 0;
	struct fixture *f = *state;
	struct evcan_error err = { 0 };
	struct stat st;
	int fds[2];

	option(f, "format", format->name);
	if (!file_only) {
		open_writer(f, f->base, "/dev/null");
		write_all(f, 0, 1000);
		stop(f);
	} else {
		assert_null(evcan_log_writer_new(f->base, "/dev/null",
		    f->options, &err));
		assert_non_null(strstr(err.text, "/dev/null: is not a "
		    "regular file"));
		evcan_error_clear(&err);
		assert_int_equal(pipe(fds), 0);
		assert_null(evcan_log_writer_new_fd(f->base, fds[1], NULL,
		    f->options, &err));
		assert_non_null(strstr(err.text, "a file with a path"));
		close(fds[0]);
	}
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

/* A pipe: what was written can be read, without a header at its end. */
static void
test_pipe(void **state)
{
	struct fixture *f = *state;
	char command[700];
	int fds[2], status;
	pid_t pid;

	if (format->flags & EVCAN_FORMAT_PATH_ONLY)
		return;
	snprintf(command, sizeof(command), "cat > '%s'", file_of("pipe"));
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[0], 0);
		close(fds[0]);
		close(fds[1]);
		_exit(system(command) != 0);
	}
	close(fds[0]);
	option(f, "format", format->name);
	f->writer = evcan_log_writer_new_fd(f->base, fds[1], "pipe",
	    f->options, NULL);
	assert_non_null(f->writer);
	write_all(f, 0, 3000);
	stop(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	if (format->decode != NULL)
		assert_int_equal(read_back(file_of("pipe"), true), 3000);
}

/* A full disk, and room again. */
static void
test_full(void **state)
{
	struct fixture *f = *state;
	const char *where = in_dir("full");
	char block[81920] = "";
	int fd;

	assert_true(mkdir(where, 0700) == 0 || errno == EEXIST);
	if (mount("none", where, "tmpfs", 0, "size=256k") < 0)
		skip();   /* test_log_faults says so */
	fd = open(in_dir("full/ballast"), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
	option(f, "flush_interval", "0.01");
	start(f, f->base, in_dir("full/x"));
	for (uint64_t i = 0; i < 5000 && f->errors == 0; i += 200) {
		write_all(f, i, i + 200);
		run_for(f, 0.03);
		f->ticks = (unsigned)i + 200;   /* frames given */
	}
	if (f->errors > 0) {
		assert_int_equal(unlink(in_dir("full/ballast")), 0);
		run_until(f, &f->recoveries, 10);
		assert_int_equal(f->recoveries, 1);
	}
	stop(f);
	if (format->decode != NULL)
		assert_int_equal(read_back(in_dir("full/x"), false),
		    f->ticks);
	umount(in_dir("full"));
}

/* BLF's totals: they are right however the file came to its end. */
static void
has_blf_size(const char *path)
{
	char *bytes = slurp(path);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(get_le64((const uint8_t *)bytes + 16), st.st_size);
	free(bytes);
}

static void
test_totals(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("totals.blf"), *old = in_dir("old.blf");
	int fd;

	if (evcan_format_find("blf") == NULL)
		skip();
	format = evcan_format_find("blf");
	start(f, f->base, path);
	write_all(f, 0, 100);
	/* Somebody else renames it: what is completed is the open file. */
	run_for(f, 0.1);
	assert_int_equal(rename(path, old), 0);
	evcan_log_writer_reopen(f->writer);
	write_all(f, 0, 100);
	evcan_log_writer_reopen(f->writer);
	write_all(f, 100, 200);
	stop(f);
	has_blf_size(old);
	has_blf_size(path);
	assert_int_equal(read_back(old, false), 100);
	assert_int_equal(read_back(path, false), 200);
	option(f, "append", "true");
	start(f, NULL, path);
	write_all(f, 200, 300);
	stop(f);
	has_blf_size(path);
	assert_int_equal(read_back(path, false), 300);
	/* An fd of somebody else: from its front, and in append mode. */
	for (int i = 0; i < 2; i++) {
		fd = open(path, O_RDWR | O_TRUNC | (i ? O_APPEND : 0));
		f->writer = evcan_log_writer_new_fd(f->base, fd, path,
		    f->options, NULL);
		assert_non_null(f->writer);
		write_all(f, 0, 100);
		stop(f);
		assert_int_equal(read_back(path, true), 100);
		if (i == 0)
			has_blf_size(path);
	}
}

/* After it was closed every call is refused, and none does harm. */
static void
test_closed(void **state)
{
	struct fixture *f = *state;
	struct evcan_log_write_stats stats;
	struct evcan_frame frame;
	uint64_t count;

	fill(&frame, 1, 0);
	for (int i = 0; i < 2; i++) {
		start(f, i == 0 ? f->base : NULL, file_of("closed"));
		write_all(f, 0, 100);
		close_writer(f, 10);
		assert_string_equal(f->close_error, "");
		assert_int_equal(evcan_log_writer_write(f->writer, &frame, 1),
		    EVCAN_ERR_STATE);
		assert_int_equal(evcan_log_writer_event(f->writer, "late"),
		    format->encode_event != NULL ? EVCAN_ERR_STATE :
		    EVCAN_ERR_UNSUPPORTED);
		assert_int_equal(evcan_log_writer_flush(f->writer),
		    EVCAN_ERR_STATE);
		assert_int_equal(evcan_log_writer_reopen(f->writer),
		    EVCAN_ERR_STATE);
		assert_int_equal(evcan_log_writer_rotate(f->writer),
		    EVCAN_ERR_STATE);
		evcan_listener_feed_gap(evcan_log_writer_listener(f->writer),
		    NULL, &(struct evcan_gap){ .lost = 1 });
		evcan_log_writer_get_stats(f->writer, &stats);
		assert_int_equal(stats.written, 100);
		evcan_log_writer_lost(f->writer, 0, &count);
		assert_string_equal(evcan_log_writer_format(f->writer),
		    format->name);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
		if (format->decode != NULL)
			assert_int_equal(read_back(file_of("closed"), false),
			    100);
	}
}

/* A pipe has no other name to go on under. */
static void
test_turn_pipe(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	if (format->flags & EVCAN_FORMAT_PATH_ONLY)
		return;
	option(f, "format", format->name);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(fds), 0);
		f->writer = evcan_log_writer_new_fd(i == 0 ? f->base : NULL,
		    fds[1], "pipe", f->options, NULL);
		assert_non_null(f->writer);
		write_all(f, 0, 10);
		assert_int_equal(evcan_log_writer_rotate(f->writer),
		    EVCAN_ERR_UNSUPPORTED);
		assert_int_equal(evcan_log_writer_reopen(f->writer),
		    EVCAN_ERR_UNSUPPORTED);
		write_all(f, 10, 20);
		stop(f);
		close(fds[0]);
	}
}

/* What call-backs do to their own writer. */
enum { DO_FREE, DO_CLOSE, DO_TURN, DO_ALL };
static int deed;

static void
do_it(struct fixture *f)
{
	struct evcan_frame frame;

	fill(&frame, 1, 0);
	if (deed == DO_FREE) {
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	} else if (deed == DO_CLOSE) {
		evcan_log_writer_close(f->writer, on_closed, f);
	} else {
		evcan_log_writer_write(f->writer, &frame, 1);
		evcan_log_writer_event(f->writer, "a line\nof text");
		evcan_log_writer_flush(f->writer);
		if (f->ticks++ < 3)
			evcan_log_writer_rotate(f->writer);
	}
}

static void
rotated(struct evcan_log_writer *writer, const char *path, void *arg)
{
	struct fixture *f = arg;

	assert_ptr_equal(f->writer, writer);
	assert_true(strlen(path) > 0);
	f->readies++;
	do_it(f);
}

static void
refused(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct fixture *f = arg;

	assert_ptr_equal(f->writer, writer);
	if (err != NULL && f->errors++ == 0)
		do_it(f);
}

static void
free_closed(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct fixture *f = arg;

	(void)err;
	f->closes++;
	evcan_log_writer_free(writer);
	f->writer = NULL;
}

static void
test_callbacks(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2 * DO_ALL; i++) {
		deed = i / 2;
		f->readies = f->ticks = f->closes = 0;
		start(f, i % 2 ? NULL : f->base, file_of("rotated"));
		evcan_log_writer_set_rotate_cb(f->writer, rotated, f);
		write_all(f, 0, 100);
		assert_int_equal(evcan_log_writer_rotate(f->writer), 0);
		run_until(f, &f->readies, 5);
		assert_true(f->readies > 0);
		if (f->writer != NULL)
			evcan_log_writer_close(f->writer, free_closed, f);
		run_for(f, 0.1);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	}
}

static void
test_error_callbacks(void **state)
{
	struct fixture *f = *state;

	if ((format->flags & EVCAN_FORMAT_PATH_ONLY) != 0 ||
	    access("/dev/full", W_OK) < 0)
		return;
	option(f, "close_timeout", "0.3");
	option(f, "flush_interval", "0.01");
	for (deed = 0; deed < DO_ALL; deed++) {
		f->errors = 0;
		start(f, f->base, "/dev/full");
		evcan_log_writer_set_error_cb(f->writer, refused, f);
		write_all(f, 0, 100);
		evcan_log_writer_flush(f->writer);
		run_until(f, &f->errors, 5);
		assert_true(f->errors > 0);
		if (f->writer != NULL)
			evcan_log_writer_close(f->writer, free_closed, f);
		run_for(f, 0.4);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	}
}

/* Frames that have left are known by the bytes that stay. */
static void
test_tally(void **state)
{
	struct evcan_log_tally_ tally = { 0 };

	(void)state;
	evcan_log_tally_add_(&tally, 10, 480);
	evcan_log_tally_add_(&tally, 20, 960);
	assert_int_equal(evcan_log_tally_settle_(&tally, 960), 0);
	/* 20 frames leave with 5 of the next 10; all that is sure is 10. */
	evcan_log_tally_add_(&tally, 30, 240);
	assert_int_equal(evcan_log_tally_settle_(&tally, 240), 10);
	evcan_log_tally_add_(&tally, 40, 720);
	assert_int_equal(evcan_log_tally_settle_(&tally, 480), 30);
	evcan_log_tally_add_(&tally, 50, 0);
	assert_int_equal(evcan_log_tally_settle_(&tally, 0), 50);
	/* More batches than rows. */
	for (uint64_t i = 1; i <= 1000; i++)
		evcan_log_tally_add_(&tally, 50 + i, i * 48);
	assert_int_equal(evcan_log_tally_settle_(&tally, 48000), 50);
	assert_in_range(evcan_log_tally_settle_(&tally, 24000), 450, 550);
	assert_in_range(evcan_log_tally_settle_(&tally, 48), 900, 1049);
}

static const struct CMUnitTest promises[] = {
	TEST(test_killed),
	TEST(test_killed_busy),
	TEST(test_held),
	TEST(test_append),
	TEST(test_reopen),
	TEST(test_reopen_foreign),
	TEST(test_targets),
	TEST(test_pipe),
	TEST(test_full),
	TEST(test_closed),
	TEST(test_turn_pipe),
	TEST(test_callbacks),
	TEST(test_error_callbacks),
};

#define PROMISES (sizeof(promises) / sizeof(promises[0]))
#define FORMATS_MAX 100

int
main(int argc, char **argv)
{
	static char names[FORMATS_MAX * PROMISES][80];
	struct CMUnitTest tests[FORMATS_MAX * PROMISES + 2] = {
		TEST(test_tally),
		TEST(test_totals),
	};
	size_t n = 2;

	for (size_t i = 0; i < FORMATS_MAX && evcan_format_at(i) != NULL;
	    i++) {
		format = evcan_format_at(i);
		for (size_t k = 0; k < PROMISES && format->encode != NULL;
		    k++) {
			snprintf(names[n - 2], sizeof(names[0]), "%s %s",
			    format->name, promises[k].name);
			tests[n] = promises[k];
			tests[n].name = names[n - 2];
			tests[n].setup_func = setup_format;
			tests[n].initial_state = (void *)(uintptr_t)format;
			n++;
		}
	}
	/* With an argument: those whose names match. */
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests("formats", tests, n, setup, teardown);
}

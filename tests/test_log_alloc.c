/* SPDX-License-Identifier: BSD-3-Clause */
/* test_log_alloc.c - each allocation of a log's life fails once */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

#include "alloc_fail.h"

static char dir[] = "/tmp/evcan-test-XXXXXX";
static char path[300];

static void
on_closed(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	(void)writer;
	assert_null(err);
	*(bool *)arg = true;
}

/* @return whether a writer could be made; then all frames are written */
static bool
write_log(struct event_base *base, const struct evcan_options *options)
{
	const struct evcan_gap gap = { .lost = 1 };
	struct evcan_frame frames[300] = { 0 };
	struct evcan_error err = { 0 };
	struct evcan_log_writer *writer = evcan_log_writer_new(base, path,
	    options, &err);
	bool closed = false;

	if (writer == NULL) {
		assert_int_equal(err.code, EVCAN_ERR_NOMEM);
		assert_true(err.text[0] != '\0');
		return false;
	}
	assert_int_equal(evcan_log_writer_write(writer, frames, 300), 300);
	evcan_listener_feed_gap(evcan_log_writer_listener(writer), NULL,
	    &gap);
	assert_int_equal(evcan_log_writer_close(writer, on_closed, &closed),
	    0);
	while (!closed)
		event_base_loop(base, EVLOOP_ONCE);
	evcan_log_writer_free(writer);
	return true;
}

/* @return frames read, or -1 when no reader could be made */
static int
read_log(const char *file, const struct evcan_options *options)
{
	struct evcan_frame frames[64];
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader = evcan_log_reader_new(file, options,
	    &err);
	int n, total = 0;

	if (reader == NULL) {
		assert_int_equal(err.code, EVCAN_ERR_NOMEM);
		return -1;
	}
	while ((n = evcan_log_reader_read(reader, frames, 64)) != 0)
		total += n > 0 ? n : 0;
	evcan_log_reader_free(reader);
	return total;
}

static struct evcan_options *
candump(void)
{
	struct evcan_options *options = evcan_options_new();

	evcan_options_set(options, "format", "candump", "test");
	return options;
}

/* Empties the directory. @return frames that were in it */
static int
read_dir(void)
{
	struct evcan_options *options = candump();
	struct dirent *entry;
	DIR *in = opendir(dir);
	int total = 0;

	assert_non_null(in);
	while ((entry = readdir(in)) != NULL) {
		char file[600];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", dir, entry->d_name);
		total += read_log(file, options);
		assert_int_equal(unlink(file), 0);
	}
	closedir(in);
	evcan_options_free(options);
	return total;
}

static void
write_often(const char *name, const char *value)
{
	struct evcan_options *options = candump();
	bool failed = true;

	if (name != NULL)
		evcan_options_set(options, name, value, "test");
	for (long n = 1; failed; n++) {
		struct event_base *base = event_base_new();
		bool made;

		alloc_fail_start(n);
		made = write_log(base, options);
		failed = alloc_fail_stop();
		event_base_free(base);
		assert_int_equal(read_dir(), made ? 300 : 0);
	}
	evcan_options_free(options);
}

static void
test_writer(void **state)
{
	(void)state;
	write_often(NULL, NULL);
}

static void
test_rotation(void **state)
{
	(void)state;
	write_often("rotate_size", "5000");
}

static void
test_gzip(void **state)
{
	(void)state;
	write_often("gzip", "on");
}

static void
test_append(void **state)
{
	struct evcan_options *options = candump();
	bool failed = true;

	(void)state;
	evcan_options_set(options, "append", "true", "test");
	for (long n = 1; failed; n++) {
		struct event_base *base = event_base_new();
		bool made;

		assert_true(write_log(base, options));
		alloc_fail_start(n);
		made = write_log(base, options);
		failed = alloc_fail_stop();
		event_base_free(base);
		assert_int_equal(read_dir(), made ? 600 : 300);
	}
	evcan_options_free(options);
}

static void
test_reader(void **state)
{
	struct evcan_options *options = candump();
	struct event_base *base = event_base_new();
	bool failed = true;

	(void)state;
	assert_true(write_log(base, options));
	for (long n = 1; failed; n++) {
		int total;

		alloc_fail_start(n);
		total = read_log(path, options);
		failed = alloc_fail_stop();
		assert_true(total == -1 || total == 300);
	}
	assert_int_equal(read_dir(), 300);
	event_base_free(base);
	evcan_options_free(options);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/x.log", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_reader),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

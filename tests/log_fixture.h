/* SPDX-License-Identifier: BSD-3-Clause */
/* log_fixture.h - what the tests of log writers share */
#ifndef LOG_FIXTURE_H
#define LOG_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/bus.h>
#include <evcan/channel.h>
#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

static char dir[] = "/tmp/evcan-test-XXXXXX";

static const char *
in_dir(const char *name)
{
	static char paths[4][300];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, 300, "%s/%s", dir, name);
	return path;
}

/* What one test looks at. */
struct fixture {
	struct event_base *base;
	struct evcan_log_writer *writer;
	struct evcan_options *options;
	struct event *tick;
	unsigned ticks;
	int64_t last_tick, longest;    /* pause between ticks */
	unsigned errors, recoveries, closes, readies;
	int close_code;
	char error[500], close_error[500];
	bool free_in_error, free_in_close;
};

static int
setup_one(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->base = event_base_new();
	f->options = evcan_options_new();
	*state = f;
	return 0;
}

static int
teardown_one(void **state)
{
	struct fixture *f = *state;

	evcan_log_writer_free(f->writer);
	if (f->tick != NULL)
		event_free(f->tick);
	evcan_options_free(f->options);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void
on_error(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct fixture *f = arg;

	if (err == NULL) {
		f->recoveries++;
		return;
	}
	f->errors++;
	snprintf(f->error, sizeof(f->error), "%s", err->text);
	if (f->free_in_error) {
		evcan_log_writer_free(writer);
		f->writer = NULL;
	}
}

static void
on_closed(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct fixture *f = arg;

	f->closes++;
	f->close_code = err != NULL ? err->code : 0;
	snprintf(f->close_error, sizeof(f->close_error), "%s",
	    err != NULL ? err->text : "");
	if (f->free_in_close) {
		evcan_log_writer_free(writer);
		f->writer = NULL;
	}
}

static void
on_ready(struct evcan_listener *listener, void *arg)
{
	struct fixture *f = arg;

	(void)listener;
	f->readies++;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;
	int64_t now = evcan_now_monotonic();

	(void)fd;
	(void)what;
	f->ticks++;
	if (f->last_tick != 0 && now - f->last_tick > f->longest)
		f->longest = now - f->last_tick;
	f->last_tick = now;
}

static inline void
ticking(struct fixture *f)
{
	const struct timeval tv = { 0, 5000 };

	f->tick = event_new(f->base, -1, EV_PERSIST, on_tick, f);
	event_add(f->tick, &tv);
}

static struct evcan_log_writer *
open_writer(struct fixture *f, struct event_base *base, const char *path)
{
	struct evcan_error err = { 0 };

	f->writer = evcan_log_writer_new(base, path, f->options, &err);
	assert_string_equal(err.text, "");
	assert_non_null(f->writer);
	evcan_log_writer_set_error_cb(f->writer, on_error, f);
	evcan_listener_set_ready_cb(evcan_log_writer_listener(f->writer),
	    on_ready, f);
	return f->writer;
}

static void
option(struct fixture *f, const char *name, const char *value)
{
	assert_int_equal(evcan_options_set(f->options, name, value, NULL),
	    0);
}

/* Runs the loop until *count is not 0, for at most some seconds. */
static void
run_until(struct fixture *f, const unsigned *count, double seconds)
{
	const int64_t end = evcan_now_monotonic() + (int64_t)(seconds * 1e9);

	f->last_tick = 0;
	while (*count == 0 && evcan_now_monotonic() < end) {
		const struct timeval tv = { 0, 10000 };

		event_base_loopexit(f->base, &tv);
		event_base_dispatch(f->base);
	}
}

static void
run_for(struct fixture *f, double seconds)
{
	const unsigned never = 0;

	run_until(f, &never, seconds);
}

static void
fill(struct evcan_frame *frames, size_t n, uint64_t from)
{
	int channel = evcan_channel_intern("can0");

	memset(frames, 0, n * sizeof(*frames));
	for (size_t i = 0; i < n; i++) {
		uint8_t data[8] = { 0 };

		for (int b = 0; b < 8; b++)
			data[b] = (uint8_t)((from + i) >> (56 - 8 * b));
		evcan_frame_init(&frames[i], 0x123, 0, data, 8);
		frames[i].time_ns = 1483389946000000000 +
		    (int64_t)(from + i) * 1000;
		frames[i].clock = EVCAN_CLOCK_KERNEL;
		frames[i].channel = (uint16_t)channel;
	}
}

/* Writes frames from..to, letting the loop run when it is full. */
static void
write_all(struct fixture *f, uint64_t from, uint64_t to)
{
	struct evcan_frame frames[64];

	while (from < to) {
		size_t n = to - from < 64 ? to - from : 64;
		int r;

		fill(frames, n, from);
		r = evcan_log_writer_write(f->writer, frames, n);
		assert_true(r >= 0);
		if ((size_t)r < n)
			run_for(f, 0.01);
		from += (unsigned)r;
	}
}

static void
close_writer(struct fixture *f, double seconds)
{
	f->closes = 0;
	assert_int_equal(evcan_log_writer_close(f->writer, on_closed, f), 0);
	assert_int_equal(evcan_log_writer_close(f->writer, on_closed, f),
	    EVCAN_ERR_STATE);
	run_until(f, &f->closes, seconds);
	assert_int_equal(f->closes, 1);
}

static inline char *
slurp(const char *path)
{
	struct stat st;
	FILE *in = fopen(path, "r");
	char *text;

	if (in == NULL)
		fail_msg("there is no %s", path);
	fstat(fileno(in), &st);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_int_equal(fread(text, 1, (size_t)st.st_size, in), st.st_size);
	fclose(in);
	return text;
}

/* The file holds frames 0..n in order, and that is all. */
static inline void
holds(const char *path, uint64_t n)
{
	struct evcan_log_reader *reader = evcan_log_reader_new(path, NULL,
	    NULL);
	struct evcan_frame frames[64], expected[64];
	uint64_t seen = 0;
	int r;

	assert_non_null(reader);
	while ((r = evcan_log_reader_read(reader, frames, 64)) > 0) {
		fill(expected, (size_t)r, seen);
		for (int i = 0; i < r; i++)
			assert_true(evcan_frame_equal(&frames[i],
			    &expected[i], 0, 0));
		seen += (unsigned)r;
	}
	assert_int_equal(r, 0);
	assert_int_equal(seen, n);
	evcan_log_reader_free(reader);
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
	char command[300];

	(void)state;
	umount(in_dir("full"));   /* where a test failed */
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup_one, teardown_one)

#endif

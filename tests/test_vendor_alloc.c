/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vendor_alloc.c - memory, fds and threads run out behind an adapter
 *
 * A bus lives a whole life in which one allocation fails, the first, the
 * second and so on, those of libevent among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vendor_fixture.h"

#include "alloc_fail.h"
#include "shortage.h"

#define GUARD_NS (20000 * MS)
#define FRAMES 100

static struct event_base *base;   /* NULL: the bus is run without a loop */
static long nth;                  /* what fails now, for messages */
static uint32_t frames, lost, outcomes;
static int strange;               /* an outcome that should not be */
static unsigned opened, closed;

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *row, size_t n,
    void *arg)
{
	(void)bus;
	(void)row;
	(void)arg;
	frames += (uint32_t)n;
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	(void)bus;
	(void)arg;
	opened += event == EVCAN_BUS_OPENED;
	closed += event == EVCAN_BUS_CLOSED;
	if (event == EVCAN_BUS_GAP)
		lost += (uint32_t)info->lost;
}

/* What the log said of tries to come back. */
static char last_log[600];

static void
on_log(enum evcan_log_level level, const char *area, const char *text,
    void *arg)
{
	(void)level;
	(void)area;
	(void)arg;
	if (strstr(text, "is not back yet") != NULL)
		snprintf(last_log, sizeof(last_log), "%s", text);
}

static void
on_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	(void)bus;
	(void)frame;
	(void)arg;
	outcomes++;
	if (result < 0 && result != EVCAN_ERR_NOMEM &&
	    result != EVCAN_ERR_GONE && result != EVCAN_ERR_CANCELED)
		strange = result;
}

/* Runs the bus until the condition holds. */
#define run_until(bus, condition) do { \
	int64_t end_ = evcan_now_monotonic() + GUARD_NS; \
	while (!(condition)) { \
		if (evcan_now_monotonic() > end_) \
			fail_msg("failure %ld: never: %s", nth, #condition); \
		run(bus); \
	} \
} while (0)

static void
run(struct evcan_bus *bus)
{
	struct timespec nap = { 0, 50000 };

	if (base != NULL)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	else
		evcan_bus_process(bus);
	nanosleep(&nap, NULL);
}

static struct evcan_bus *
new_bus(void)
{
	struct evcan_bus *bus;

	device = devices;
	memset(device, 0, sizeof(*device));
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->changed, NULL);
	device->room = SIZE_MAX;
	frames = lost = outcomes = 0;
	opened = closed = 0;
	strange = 0;
	bus = make_bus(base, 256, ",reopen_interval=0.001,"
	    "budget=16");
	evcan_bus_set_cb(bus, on_frames, on_event, NULL);
	return bus;
}

/* Frames both ways, and a question. */
static void
exchange(struct evcan_bus *bus)
{
	const uint32_t so_far = frames + lost;
	uint32_t asked = outcomes;
	struct evcan_frame frame = numbered(1);

	device_lock();
	device->give = device->given + FRAMES;
	device_unlock();
	for (int i = 0; i < 3; i++) {
		int r = evcan_bus_send_cb(bus, &frame, 10000, on_sent, NULL);

		if (r < 0)
			assert_int_equal(r, EVCAN_ERR_NOMEM);
		asked += r == 0;
		assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	}
	run_until(bus, frames + lost == so_far + FRAMES);
	run_until(bus, outcomes == asked);
	assert_int_equal(evcan_adapter_ask_(bus, 1, "", 1, 10000), 0);
}

static void
unplugged(bool yes)
{
	device_lock();
	device->unplugged = yes;
	device_unlock();
}

static void
come_back(struct evcan_bus *bus)
{
	const unsigned before = opened;

	unplugged(true);
	run_until(bus, !evcan_bus_is_open(bus));
	unplugged(false);
	run_until(bus, opened > before && evcan_bus_is_open(bus));
}

static void
live_open(struct evcan_bus *bus)
{
	run_until(bus, opened > 0);
	exchange(bus);
	come_back(bus);
	exchange(bus);
	assert_int_equal(evcan_bus_close(bus), 0);
	run_until(bus, closed > 0);
}

/* @return whether something failed */
static bool
live(const struct shortage *shortage)
{
	struct evcan_error err = { 0 };
	const int threads = count_threads(), fds = count_fds();
	struct evcan_bus *bus = new_bus();
	bool failed;
	int r;

	shortage->start(nth);
	r = evcan_bus_open(bus, &err);
	if (r == 0)
		live_open(bus);
	failed = shortage->stop();
	if (r < 0) {
		assert_int_equal(err.code, r);
		if (r != EVCAN_ERR_NOMEM)
			assert_int_equal(r, shortage->code);
		if (strncmp(err.text, "fake: ", 6) != 0)
			fail_msg("failure %ld: \"%s\"", nth, err.text);
		assert_int_equal(device->opens, 0);
	}
	evcan_bus_free(bus);
	assert_int_equal(await_threads(threads), threads);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(device->opens, device->closes);
	assert_int_equal(strange, 0);
	return failed || r < 0;
}

/* Until a life goes by without a failure. @return how many were tried */
static long
all_lives(const struct shortage *shortage, bool with_loop, long first)
{
	bool failed = true;

	for (nth = first; failed; nth++) {
		base = with_loop ? event_base_new() : NULL;
		failed = live(shortage);
		if (base != NULL)
			event_base_free(base);
		base = NULL;
	}
	return nth - first;
}

static void
memory_may_run_out(void **state)
{
	(void)state;
	for (int with_loop = 0; with_loop < 2; with_loop++)
		assert_in_range(all_lives(&of_memory, with_loop, 1), 10,
		    1000);
}

static void
fds_may_run_out(void **state)
{
	(void)state;
	for (int with_loop = 0; with_loop < 2; with_loop++)
		assert_in_range(all_lives(&of_fds, with_loop, 3), 2, 100);
}

static void
threads_may_run_out(void **state)
{
	(void)state;
	if (of_threads.code == 0)
		skip();
	for (int with_loop = 0; with_loop < 2; with_loop++) {
		base = with_loop ? event_base_new() : NULL;
		nth = 1;
		assert_true(live(&of_threads));
		if (base != NULL)
			event_base_free(base);
		base = NULL;
	}
}

/* What an open bus needs to come back is missing for a while. */
static void
comes_back_later(const struct shortage *shortage, const char *why)
{
	const int threads = count_threads(), fds = count_fds();
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;

	base = event_base_new();
	bus = new_bus();
	nth = 3;
	assert_int_equal(evcan_bus_open(bus, &err), 0);
	run_until(bus, opened == 1);
	shortage->start(nth);
	last_log[0] = '\0';
	unplugged(true);
	run_until(bus, strstr(last_log, why) != NULL);
	assert_false(evcan_bus_is_open(bus));
	unplugged(false);
	shortage->stop();
	run_until(bus, opened == 2);
	exchange(bus);
	evcan_bus_free(bus);
	event_base_free(base);
	base = NULL;
	assert_int_equal(await_threads(threads), threads);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(device->opens, 2);
	assert_int_equal(device->closes, 2);
}

static void
what_was_missing_is_waited_for(void **state)
{
	(void)state;
	evcan_set_log_cb(on_log, NULL);
	evcan_set_log_level(EVCAN_LOG_DEBUG);
	if (of_threads.code != 0)
		comes_back_later(&of_threads, "cannot start its thread");
	comes_back_later(&of_fds, "no file descriptor");
	evcan_set_log_cb(NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_may_run_out),
		cmocka_unit_test(fds_may_run_out),
		cmocka_unit_test(threads_may_run_out),
		cmocka_unit_test(what_was_missing_is_waited_for)
	};

	if (!alloc_fail_works()) {
		fprintf(stderr, "not linked with --wrap=malloc\n");
		return 1;
	}
	event_set_mem_functions(malloc, realloc, free);
	warm_up_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

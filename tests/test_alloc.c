/* SPDX-License-Identifier: BSD-3-Clause */
/* test_alloc.c - every allocation of a bus's life fails once, cleanly
 *
 * EVCAN_ALLOC_SPEC names another bus than a virtual one; it must deliver its
 * own messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include <evcan/evcan.h>

#include "alloc_fail.h"

/* libevent's allocations are counted and fail like ours. */

static void *
event_malloc(size_t size)
{
	return __wrap_malloc(size);
}

static void *
event_realloc(void *old, size_t size)
{
	return __wrap_realloc(old, size);
}

static void
ignore_outcome(struct evcan_bus *bus, const struct evcan_frame *frame,
    int result, void *arg)
{
	(void)bus;
	(void)frame;
	(void)result;
	(*(int *)arg)++;
}

static void
ignore_frames(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n, void *arg)
{
	(void)bus;
	(void)frames;
	*(uint64_t *)arg += n;
}

struct life {
	struct event_base *base;
	struct evcan_bus *bus;
	struct evcan_notifier *notifier;
	struct evcan_listener *listener;
	uint64_t frames;
	int outcomes, asked;
};

static int
make(struct life *life, struct evcan_error *err)
{
	const char *spec = getenv("EVCAN_ALLOC_SPEC");
	int r;

	if (spec == NULL)
		spec = "virtual:alloc,receive_own_messages=true,"
		    "can_filters=0:0,tx_queue_size=4,rx_queue_size=2,"
		    "rx_patience=3600";
	life->bus = evcan_bus_new_spec(life->base, spec, err);
	if (life->bus == NULL)
		return err->code;
	r = evcan_bus_open(life->bus, err);
	if (r < 0)
		return r;
	life->notifier = evcan_notifier_new(life->base);
	life->listener = evcan_listener_new_cb(ignore_frames, &life->frames);
	if (life->notifier == NULL || life->listener == NULL)
		return EVCAN_ERR_NOMEM;
	r = evcan_notifier_add_bus(life->notifier, life->bus);
	if (r == 0)
		r = evcan_notifier_add_listener(life->notifier,
		    life->listener, NULL);
	return r;
}

/* More than the reader holds, so that the transmit queue is made too. */
static int
exchange(struct life *life)
{
	struct evcan_frame frame;
	int r = evcan_frame_init(&frame, 1, 0, NULL, 0);

	for (int i = 0; i < 5 && r == 0; i++) {
		r = evcan_bus_send(life->bus, &frame, 1);
		r = r < 0 ? r : 0;
		event_base_loop(life->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	if (r == 0) {
		r = evcan_bus_send_cb(life->bus, &frame, -1, ignore_outcome,
		    &life->outcomes);
		life->asked += r == 0;
	}
	event_base_loop(life->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	return r;
}

static int
live(struct life *life)
{
	struct evcan_error err = { .code = 0 };
	int r = make(life, &err);

	if (r < 0 && life->bus == NULL)
		assert_true(err.text[0] != '\0');
	if (r == 0)
		r = exchange(life);
	if (r == 0)
		r = evcan_bus_close(life->bus);
	evcan_listener_free(life->listener);
	evcan_notifier_free(life->notifier);
	evcan_bus_free(life->bus);
	assert_int_equal(life->outcomes, life->asked);
	return r;
}

static void
each_failure_is_clean(void **state)
{
	struct event_base *base = event_base_new();
	long n;

	(void)state;
	for (n = 1;; n++) {
		struct life life = { .base = base };
		int r;

		alloc_fail_start(n);
		r = live(&life);
		if (!alloc_fail_stop()) {
			assert_int_equal(r, 0);
			assert_true(life.frames >= 5);
			break;
		}
		/* The ring of timers or a batch may do without. */
		if (r != 0)
			assert_true(r == EVCAN_ERR_NOMEM ||
			    r == EVCAN_ERR_INIT || r == EVCAN_ERR_INVALID);
	}
	assert_true(n > 20);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_failure_is_clean)
	};

	event_set_mem_functions(event_malloc, event_realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_clock.c - one exact clock for each loop */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <event2/event.h>

#include <evcan/driver.h>

#include "clock.h"

#define TIMERS 500

struct item {
	struct evcan_timer_ timer;
	int64_t due;
	unsigned fired;
};

static struct item items[TIMERS];
static int64_t last_due;
static unsigned total;

static void
fired(struct evcan_timer_ *timer, void *arg)
{
	struct item *item = arg;

	(void)timer;
	assert_true(evcan_now_monotonic() >= item->due);
	assert_true(item->due >= last_due);
	last_due = item->due;
	item->fired++;
	total++;
}

static void
fires_in_order_never_early(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_clock_ *clock = evcan_clock_get_(base);
	int64_t now = evcan_now_monotonic();

	(void)state;
	srand(7);
	for (int i = 0; i < TIMERS; i++) {
		evcan_timer_init_(&items[i].timer, clock, fired, &items[i]);
		items[i].due = now + rand() % 50000000;
		assert_int_equal(evcan_timer_set_(&items[i].timer,
		    items[i].due), 0);
	}
	/* Move some, cancel some. */
	for (int i = 0; i < TIMERS; i += 3) {
		items[i].due = now + rand() % 50000000;
		evcan_timer_set_(&items[i].timer, items[i].due);
	}
	for (int i = 1; i < TIMERS; i += 5)
		evcan_timer_cancel_(&items[i].timer);
	while (evcan_now_monotonic() < now + 60000000)
		event_base_loop(base, EVLOOP_NONBLOCK);
	for (int i = 0; i < TIMERS; i++)
		assert_int_equal(items[i].fired, i % 5 == 1 ? 0 : 1);
	evcan_clock_put_(clock);
	event_base_free(base);
}

static void
one_for_each_base(void **state)
{
	struct event_base *a = event_base_new(), *b = event_base_new();
	struct evcan_clock_ *first = evcan_clock_get_(a);

	(void)state;
	assert_ptr_equal(evcan_clock_get_(a), first);
	assert_ptr_not_equal(evcan_clock_get_(b), first);
	evcan_clock_put_(evcan_clock_get_(b));
	evcan_clock_put_(evcan_clock_get_(b));
	evcan_clock_put_(first);
	evcan_clock_put_(first);
	/* The last one of b. */
	first = evcan_clock_get_(b);
	evcan_clock_put_(first);
	evcan_clock_put_(first);
	event_base_free(a);
	event_base_free(b);
}

struct exact {
	struct evcan_timer_ timer;
	int64_t start;
	int n;
	int64_t worst;
	struct event_base *base;
};

static void
tick(struct evcan_timer_ *timer, void *arg)
{
	struct exact *exact = arg;
	int64_t late = evcan_now_monotonic() - timer->due_ns;

	assert_true(late >= 0);
	exact->n++;
	if (exact->n == 20)
		event_base_loopbreak(exact->base);
	else
		evcan_timer_set_(timer, exact->start +
		    (int64_t)exact->n * 1000000);
}

/* A loop made with the coarse clock still keeps a period of 1 ms, on an
 * absolute grid: 20 of them take 19 ms, not 20 times a rounded wait. */
static void
keeps_a_millisecond_grid(void **state)
{
	struct event_base *base = event_base_new();
	struct exact exact = { .base = base };
	struct evcan_clock_ *clock = evcan_clock_get_(base);
	int64_t took;

	(void)state;
	evcan_timer_init_(&exact.timer, clock, tick, &exact);
	exact.start = evcan_now_monotonic();
	evcan_timer_set_(&exact.timer, exact.start);
	event_base_dispatch(base);
	took = evcan_now_monotonic() - exact.start;
	assert_true(took >= 19000000);
	evcan_clock_put_(clock);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_in_order_never_early),
		cmocka_unit_test(one_for_each_base),
		cmocka_unit_test(keeps_a_millisecond_grid)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

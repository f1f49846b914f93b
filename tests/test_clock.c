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
	while (total < TIMERS / 5 * 4)
		event_base_loop(base, EVLOOP_ONCE);
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

/* ---- alone ---- */

static struct evcan_clock_ *alone;
static int64_t alone_due;
static unsigned changes;

static void
changed(void *arg, int64_t due_ns)
{
	assert_ptr_equal(arg, &alone_due);
	alone_due = due_ns;
	changes++;
}

#define ROWS 64

static struct evcan_timer_ row[ROWS];
static int calls[4 * ROWS];
static size_t n_calls;
static void (*deed)(int i);

static void
note(struct evcan_timer_ *timer, void *arg)
{
	int i = (int)(timer - row);

	(void)arg;
	assert_int_equal(timer->place, 0);
	calls[n_calls++] = i;
	if (deed != NULL)
		deed(i);
}

static int
alone_setup(void **state)
{
	(void)state;
	alone_due = 0;
	changes = 0;
	n_calls = 0;
	deed = NULL;
	alone = evcan_clock_alone_(changed, &alone_due);
	for (int i = 0; i < ROWS; i++)
		evcan_timer_init_(&row[i], alone, note, NULL);
	return alone == NULL;
}

static int
alone_teardown(void **state)
{
	(void)state;
	evcan_clock_put_(alone);
	return 0;
}

static void
equal_times_fire_as_they_were_set(void **state)
{
	int64_t now = evcan_now_monotonic();

	(void)state;
	for (int i = 0; i < ROWS; i++)
		evcan_timer_set_(&row[i], now);
	/* One that is set anew is the last. */
	evcan_timer_set_(&row[5], now);
	evcan_clock_run_(alone);
	assert_int_equal(n_calls, ROWS);
	for (int i = 0; i < ROWS - 1; i++)
		assert_int_equal(calls[i], i < 5 ? i : i + 1);
	assert_int_equal(calls[ROWS - 1], 5);
	assert_int_equal(alone_due, 0);
}

static void
its_owner_is_told_when(void **state)
{
	int64_t now = evcan_now_monotonic();

	(void)state;
	evcan_clock_run_(alone);     /* nothing set: nothing done */
	evcan_timer_set_(&row[0], now + 3600000000000);
	assert_int_equal(alone_due, now + 3600000000000);
	evcan_timer_set_(&row[1], now + 1800000000000);
	assert_int_equal(alone_due, now + 1800000000000);
	evcan_clock_run_(alone);
	assert_int_equal(n_calls, 0);
	assert_int_equal(alone_due, now + 1800000000000);
	evcan_timer_cancel_(&row[1]);
	evcan_timer_cancel_(&row[1]);
	evcan_clock_run_(alone);     /* rings for nothing, and knows better */
	assert_int_equal(alone_due, now + 3600000000000);
	evcan_timer_cancel_(&row[0]);
	evcan_clock_run_(alone);
	assert_int_equal(alone_due, 0);
}

static void
rings_are_apart(void **state)
{
	int64_t now;

	(void)state;
	evcan_timer_set_(&row[0], evcan_now_monotonic());
	evcan_clock_run_(alone);
	assert_int_equal(n_calls, 1);
	now = evcan_now_monotonic();
	evcan_timer_set_(&row[0], 1);
	/* At the earliest half of it later, counted from a time before now. */
	assert_true(alone_due > now - 1000000000);
	assert_true(alone_due <= now + EVCAN_CLOCK_APART_NS_);
	now += 3600000000000;
	evcan_timer_cancel_(&row[0]);
	evcan_clock_run_(alone);
	evcan_timer_set_(&row[0], now);
	assert_int_equal(alone_due, now);     /* a lonely one at its time */
}

static void
set_again(int i)
{
	if (n_calls < 3 * ROWS)
		assert_int_equal(evcan_timer_set_(&row[i],
		    row[i].due_ns + 10), 0);
}

static void
what_is_due_in_a_firing_fires_in_it(void **state)
{
	int64_t then = evcan_now_monotonic() - 1000000;

	(void)state;
	deed = set_again;
	for (int i = 0; i < ROWS; i++)
		evcan_timer_set_(&row[i], then + i % 10);
	evcan_clock_run_(alone);
	assert_true(n_calls >= 3 * ROWS);
	/* Rounds are ten apart: nobody comes twice before all came once. */
	for (int i = 0; i < ROWS; i++) {
		bool seen = false;

		for (int k = 0; k < ROWS; k++)
			seen = seen || calls[k] == i;
		assert_true(seen);
	}
}

static void
disturb(int i)
{
	deed = NULL;
	assert_int_equal(i, 0);
	/* Its own place is kept through all of this. */
	evcan_timer_cancel_(&row[1]);
	evcan_timer_set_(&row[2], 1);
	for (int k = 10; k < ROWS; k++)
		evcan_timer_set_(&row[k], row[0].due_ns);
	evcan_timer_set_(&row[0], row[0].due_ns + 1);
	evcan_timer_cancel_(&row[0]);
	evcan_timer_set_(&row[0], row[0].due_ns + 1);
	evcan_clock_run_(alone);     /* not again from inside */
	assert_int_equal(n_calls, 1);
}

static void
call_backs_may_move_everything(void **state)
{
	int64_t then = evcan_now_monotonic() - 1000000;

	(void)state;
	deed = disturb;
	evcan_timer_set_(&row[0], then);
	evcan_timer_set_(&row[1], then + 1);
	evcan_timer_set_(&row[2], then + 2);
	evcan_timer_set_(&row[3], then + 3);
	evcan_clock_run_(alone);
	assert_int_equal(n_calls, 2 + (ROWS - 10) + 2);
	assert_int_equal(calls[1], 2);
	assert_int_equal(calls[2], 10);
	assert_int_equal(calls[ROWS - 8], 0);
	assert_int_equal(calls[ROWS - 7], 3);
}

static struct evcan_after_ afters[3];

static void
ask_after(int i)
{
	evcan_clock_after_(alone, &afters[i % 3]);
	evcan_clock_after_(alone, &afters[i % 3]);
	if (i == 5)
		evcan_clock_unafter_(alone, &afters[2]);
	if (i == 5)
		evcan_clock_unafter_(alone, &afters[2]);
}

static void
afterwards(void *arg)
{
	calls[n_calls++] = 1000 + (int)((struct evcan_after_ *)arg - afters);
}

static void
what_comes_after_comes_once(void **state)
{
	(void)state;
	deed = ask_after;
	for (int i = 0; i < 3; i++)
		afters[i] = (struct evcan_after_){ .cb = afterwards,
		    .arg = &afters[i] };
	for (int i = 0; i < 6; i++)
		evcan_timer_set_(&row[i], 1);
	evcan_clock_run_(alone);
	assert_int_equal(n_calls, 8);
	assert_int_equal(calls[6], 1000);
	assert_int_equal(calls[7], 1001);
	deed = NULL;
	evcan_timer_set_(&row[0], 1);
	evcan_clock_run_(alone);
	assert_int_equal(n_calls, 9);
}

/* Thousands of random operations, beside a list that is simply searched. */
static void
does_what_a_plain_list_does(void **state)
{
	int64_t due[ROWS] = { 0 };
	uint64_t order[ROWS] = { 0 }, last = 0;

	(void)state;
	srand(11);
	for (int k = 0; k < 20000; k++) {
		int i = rand() % ROWS, what = rand() % 10;
		size_t expected = 0;

		if (what < 6) {
			due[i] = 1 + rand() % 50;
			order[i] = ++last;
			evcan_timer_set_(&row[i], due[i]);
		} else if (what < 9) {
			due[i] = 0;
			evcan_timer_cancel_(&row[i]);
		} else {
			n_calls = 0;
			evcan_clock_run_(alone);
			for (;; expected++) {
				int first = -1;

				for (int t = 0; t < ROWS; t++) {
					if (due[t] != 0 && (first < 0 ||
					    due[t] < due[first] ||
					    (due[t] == due[first] &&
					    order[t] < order[first])))
						first = t;
				}
				if (first < 0)
					break;
				assert_int_equal(calls[expected], first);
				due[first] = 0;
			}
			assert_int_equal(n_calls, expected);
		}
		assert_int_equal(row[i].place != 0, due[i] != 0);
	}
}

#define ALONE(name) \
	cmocka_unit_test_setup_teardown(name, alone_setup, alone_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_in_order_never_early),
		cmocka_unit_test(one_for_each_base),
		cmocka_unit_test(keeps_a_millisecond_grid),
		ALONE(equal_times_fire_as_they_were_set),
		ALONE(its_owner_is_told_when),
		ALONE(rings_are_apart),
		ALONE(what_is_due_in_a_firing_fires_in_it),
		ALONE(call_backs_may_move_everything),
		ALONE(what_comes_after_comes_once),
		ALONE(does_what_a_plain_list_does)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

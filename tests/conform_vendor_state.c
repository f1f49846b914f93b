/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_vendor_state.c - states, losses and errors; buses beside another */
#include "conform_vendor.h"

#include <pthread.h>

#include <evcan/filter.h>

/* Long enough for two looks at the device. */
#define LOOKS_MS 1200

/* States */

void
passive_is_told_once(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");

	(void)state;
	control_channel("state", "passive");
	await(a->n_states == 1);
	assert_int_equal(a->states[0], row.no_passive ?
	    EVCAN_STATE_WARNING : EVCAN_STATE_PASSIVE);
	send_all(b, 0, 20);
	await(a->next == 20);
	run_for(LOOKS_MS);
	assert_int_equal(a->n_states, 1);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 0);
	assert_true(evcan_bus_is_open(a->bus));
	works(a, b);
}

void
bus_off_is_told_and_left(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");
	struct evcan_error err = { 0 };

	(void)state;
	control_channel("state", "off");
	await(a->n_states == 1);
	assert_int_equal(a->states[0], EVCAN_STATE_BUS_OFF);
	run_for(LOOKS_MS);
	assert_int_equal(a->n_states, 1);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 0);
	assert_true(evcan_bus_is_open(a->bus));
	control_channel("state", "active");
	if (evcan_bus_reset(a->bus, &err) < 0)
		fail_msg("%s", err.text);
	await(a->n_states == 2);
	assert_int_equal(a->states[1], EVCAN_STATE_ACTIVE);
	run_for(LOOKS_MS);
	assert_int_equal(a->n_states, 2);
	works(a, b);
	assert_int_equal(a->events[EVCAN_BUS_OPENED], 1);
}

/* Losses */

/* Its thread sleeps while more comes than the library keeps. */
void
overflow_is_a_gap_in_its_place(void **state)
{
	struct told *a, *b;
	struct evcan_bus_stats stats;
	uint32_t flood = (uint32_t)row.flood;
	const uint32_t own = driver->caps & EVCAN_CAP_CONFIRM ? 1 : 0;

	(void)state;
	if (row.queue != NULL)
		set_switch(row.queue);
	a = watch_open(row.a, "");
	b = watch_open(row.b, "");
	hang_in_write(a);
	send_all(b, 0, flood);
	await_sent(b);
	control("release");
	/* The frame behind the hole shows that there is one. */
	await(a->frames > 0);
	if (!row.no_overflow)
		await(a->lost > 0);
	send_all(b, flood, flood + 10);
	await(a->next == flood + 10);
	assert_true(a->missing > 0);
	assert_false(a->disordered);
	assert_int_equal(a->silent, row.no_overflow);
	evcan_bus_get_stats(a->bus, &stats);
	assert_int_equal(stats.lost_device + stats.lost_queue, a->lost);
	assert_int_equal(stats.lost_device > 0, !row.no_overflow);
	/* Where sends are confirmed, that of its own frame may be lost, too. */
	if (a->lost > a->missing + own)
		fail_msg("lost %u, but only %u are missing",
		    (unsigned)a->lost, (unsigned)a->missing);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 0);
	works(a, b);
}

/* Errors */

void
error_frames_pass_filters(void **state)
{
	const struct evcan_filter filters[] = {
		{ .can_id = 0x7f0, .can_mask = 0x7ff },
	};
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");

	(void)state;
	assert_int_equal(evcan_bus_set_filters(a->bus, filters, 1,
	    EVCAN_FILTER_OR, NULL), 0);
	for (int i = 1; i <= 3; i++) {
		control_channel("error", "");
		if (!row.no_errors)
			await(a->n_errors >= i);
		else
			run_for(50);
	}
	send_all(b, 0, 3);
	run_for(50);
	assert_int_equal(a->frames, 0);
	if (row.no_errors) {
		assert_int_equal(a->n_errors, 0);
		return;
	}
	assert_true(a->error_frame.flags & EVCAN_FRAME_ERR);
	assert_int_equal(evcan_frame_check(&a->error_frame, NULL), 0);
	assert_true(a->error_frame.id != 0);
	assert_int_equal(a->error_frame.len, 8);
	assert_int_equal(evcan_bus_set_filters(a->bus, NULL, 0,
	    EVCAN_FILTER_OR, NULL), 0);
	works(a, b);
}

/* Beside another */

#define MANY 1000
#define WINDOW 50

static void
exchange(struct told *a, struct told *b)
{
	struct event_base *loop = evcan_bus_base(a->bus);

	for (uint32_t n = 0; n < MANY; n += WINDOW) {
		send_all(a, n, n + WINDOW);
		send_all(b, n, n + WINDOW);
		await_on(loop, a->next == n + WINDOW &&
		    b->next == n + WINDOW);
	}
	assert_int_equal(a->missing + b->missing, 0);
	assert_false(a->disordered || b->disordered);
}

void
two_buses_on_a_loop(void **state)
{
	(void)state;
	exchange(watch_open(row.a, ""), watch_open(row.b, ""));
}

/* One of two programs in one: the bus's thread is not the test's, so it
 * tells what went wrong instead of failing. */
struct side {
	pthread_t thread;
	struct told *told;
	uint32_t sent;
	const char *wrong;
};

static void
exchange_side(struct side *side, struct event_base *loop)
{
	int64_t end = evcan_now_monotonic() + LIMIT_MS * MS;
	struct told *told = side->told;

	/* The other one's number is also how far it has read. */
	while (told->next < MANY || side->sent < MANY) {
		struct evcan_frame frame;
		uint32_t n = side->sent;

		frame = numbered(told, n);
		if (n < MANY && n < told->next + WINDOW &&
		    evcan_bus_is_open(told->bus) &&
		    evcan_bus_send(told->bus, &frame, 1) == 1)
			side->sent++;
		event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if (evcan_now_monotonic() > end) {
			side->wrong = "not all frames came";
			return;
		}
	}
	/* What the core has goes to the device, before the loop ends. */
	while (evcan_bus_tx_room(told->bus) < 1024 &&
	    evcan_now_monotonic() < end)
		event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (told->missing > 0 || told->disordered)
		side->wrong = "frames are missing or out of order";
}

static void *
run_side(void *arg)
{
	struct side *side = arg;

	exchange_side(side, evcan_bus_base(side->told->bus));
	evcan_bus_close(side->told->bus);
	return NULL;
}

void
two_loops_in_two_threads(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		const char *const specs[] = { row.a, row.b };
		struct event_base *loops[2];
		struct side sides[2];

		memset(sides, 0, sizeof(sides));
		for (int i = 0; i < 2; i++) {
			loops[i] = event_base_new();
			sides[i].told = watch(loops[i], specs[i], "");
			assert_int_equal(evcan_bus_open(sides[i].told->bus,
			    NULL), 0);
			await_on(loops[i], sides[i].told->
			    events[EVCAN_BUS_OPENED] == 1);
		}
		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&sides[i].thread,
			    NULL, run_side, &sides[i]), 0);
		for (int i = 0; i < 2; i++)
			pthread_join(sides[i].thread, NULL);
		for (int i = 0; i < 2; i++) {
			put_away(sides[i].told);
			event_base_free(loops[i]);
			if (sides[i].wrong != NULL)
				fail_msg("%s: %s", specs[i], sides[i].wrong);
		}
	}
}

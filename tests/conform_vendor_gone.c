/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_vendor_gone.c - adapters that are pulled out, and put in again */
#include "conform_vendor.h"

#include "vendor_internal.h"

#define QUEUED 600
#define KEPT 100

static void
check_gone(const struct told *a)
{
	struct evcan_frame frame = numbered(a, 0);

	assert_int_equal(a->error.code, EVCAN_ERR_GONE);
	assert_null(strchr(a->error.text, '\n'));
	assert_false(evcan_bus_is_open(a->bus));
	assert_int_equal(evcan_bus_get_state(a->bus), EVCAN_STATE_STOPPED);
	assert_int_equal(evcan_bus_send(a->bus, &frame, 1), EVCAN_ERR_GONE);
	assert_false(a->disordered);
}

static void
check_back(struct told *a, struct told *b, int opened)
{
	/* Some tries later it is still told once. */
	run_for(150);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 1);
	control_channel("plug", "");
	await(a->events[EVCAN_BUS_OPENED] == opened);
	await(a->n_states > 0 &&
	    a->states[a->n_states - 1] == EVCAN_STATE_ACTIVE);
	assert_int_equal(evcan_bus_get_state(a->bus), EVCAN_STATE_ACTIVE);
	works(a, b);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 1);
	assert_int_equal(a->events[EVCAN_BUS_CLOSED], 0);
}

void
unplugged_before_opening(void **state)
{
	struct told *a, *b = watch_open(row.b, "");
	struct evcan_bus *bus = make_other(row.a);
	struct evcan_error err = { 0 };

	(void)state;
	control_channel("unplug", "");
	assert_int_equal(evcan_bus_open(bus, &err), EVCAN_ERR_INIT);
	assert_null(strchr(err.text, '\n'));
	assert_false(evcan_bus_is_open(bus));
	end_other(bus);
	a = watch(base, row.a, "");
	/* On a loop it is told later, and tried again. */
	assert_int_equal(evcan_bus_open(a->bus, NULL), 0);
	await(a->events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(a->error.code, EVCAN_ERR_INIT);
	run_for(150);
	assert_int_equal(a->events[EVCAN_BUS_OPENED], 0);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 1);
	/* To who opens it again it is news again. */
	assert_int_equal(evcan_bus_close(a->bus), 0);
	await(a->events[EVCAN_BUS_CLOSED] == 1);
	assert_int_equal(evcan_bus_open(a->bus, NULL), 0);
	await(a->events[EVCAN_BUS_ERROR] == 2);
	control_channel("plug", "");
	await(a->events[EVCAN_BUS_OPENED] == 1);
	works(a, b);
}

/* Sends one more in each direction asked for. */
static void
keep_busy(struct told *a, struct told *b, bool receives, bool sends)
{
	struct evcan_frame frame = numbered(a, a->sent);

	if (sends && evcan_bus_send(a->bus, &frame, 1) == 1)
		a->sent++;
	frame = numbered(b, b->sent);
	if (receives && evcan_bus_send(b->bus, &frame, 1) == 1)
		b->sent++;
}

/* Frames go in both directions, or one, or none, when it is pulled out. */
static void
unplug(bool receives, bool sends)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");
	uint32_t to_a = receives ? 10 : 0, to_b = sends ? 10 : 0;
	int64_t end = evcan_now_monotonic() + LIMIT_MS * MS;
	bool pulled = false;

	while (a->events[EVCAN_BUS_ERROR] == 0) {
		keep_busy(a, b, receives, sends);
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		nap(0);
		if (!pulled && a->frames >= to_a && b->frames >= to_b) {
			control_channel("unplug", "");
			pulled = true;
		}
		assert_true(evcan_now_monotonic() < end);
	}
	assert_true(pulled);
	check_gone(a);
	/* The other one hears nothing of it. */
	assert_int_equal(b->events[EVCAN_BUS_ERROR], 0);
	check_back(a, b, 2);
}

void
unplugged_when_idle(void **state)
{
	(void)state;
	unplug(false, false);
}

void
unplugged_while_receiving(void **state)
{
	(void)state;
	unplug(true, false);
}

void
unplugged_while_sending(void **state)
{
	(void)state;
	unplug(false, true);
}

void
unplugged_while_both(void **state)
{
	(void)state;
	unplug(true, true);
}

/* A loose cable: it is there again before anybody looked. */
void
plugged_in_again_at_once(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");

	(void)state;
	works(a, b);
	control_channel("unplug", "");
	control_channel("plug", "");
	await(a->events[EVCAN_BUS_OPENED] == 2);
	works(a, b);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 1);
	assert_int_equal(b->events[EVCAN_BUS_ERROR], 0);
}

/* Its thread sleeps in a write, with more behind than it was handed. */
void
queued_sends_fail(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");
	struct evcan_bus_stats stats;

	(void)state;
	hang_in_write(a);
	for (uint32_t i = 0; i < QUEUED; i++)
		send_cb(a, i);
	control_channel("unplug", "");
	control("release");
	/* And the one that hung. */
	await(a->outcomes == QUEUED + 1 && a->events[EVCAN_BUS_ERROR] == 1);
	check_gone(a);
	assert_true(a->failed == 0 || a->result == EVCAN_ERR_GONE);
	/* Those of the thread's queue were accepted, or may have been. */
	assert_true(row.no_send_errors || a->failed >= QUEUED - 256 - 64);
	if (driver->caps & EVCAN_CAP_CONFIRM)
		assert_int_equal(a->failed, QUEUED + 1);
	evcan_bus_get_stats(a->bus, &stats);
	assert_int_equal(stats.tx_queued, 0);
	run_for(20);
	assert_int_equal(b->frames, 0);
	assert_int_equal(a->outcomes, QUEUED + 1);
	check_back(a, b, 2);
}

/* What the thread had read comes before the news, also to a loop that stood
 * still for a while. */
void
nothing_received_is_lost(void **state)
{
	struct told *a = watch_open(row.a, "");
	struct evcan_bus *b = make_other(row.b);
	struct evcan_adapter_ *adapter = ((struct evcan_vendor_bus_ *)
	    evcan_driver_state(a->bus))->adapter;
	const struct told sender = { .id = 0x101 };
	int64_t end = evcan_now_monotonic() + LIMIT_MS * MS;

	(void)state;
	assert_int_equal(evcan_bus_open(b, NULL), 0);
	for (uint32_t i = 0; i < KEPT; i++) {
		struct evcan_frame frame = numbered(&sender, i);

		assert_int_equal(evcan_bus_send_wait(b, &frame, LIMIT_MS), 0);
	}
	while (evcan_ring_count_(&adapter->feed.ring) < KEPT) {
		assert_true(evcan_now_monotonic() < end);
		nap(1);
	}
	nap(700);
	control_channel("unplug", "");
	while (!atomic_load(&adapter->has_later)) {
		assert_true(evcan_now_monotonic() < end);
		nap(1);
	}
	await(a->events[EVCAN_BUS_ERROR] == 1);
	check_gone(a);
	assert_int_equal(a->frames, KEPT);
	assert_int_equal(a->frames_at_error, KEPT);
	assert_int_equal(a->missing + a->lost, 0);
	end_other(b);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_vendor_hang.c - vendors' calls that do not return */
#include "conform_vendor.h"

#include <pthread.h>
#include <stdatomic.h>

#include "vendor_internal.h"

#define HANG_MS 300
/* Opening is granted four times that. */
#define OPEN_HANG_MS 60
/* What a loop may be late by itself. */
#define LATE_NS (500 * MS)

/* How long the loop stood still at most, beside a thread that only sleeps:
 * what that one is late too is the machine's fault. */
static struct {
	struct event *timer;
	int64_t last, longest;
	pthread_t thread;
	atomic_bool stop;
	int64_t machine;         /* the thread's */
} ticks;

static void
note_tick(int64_t *last, int64_t *longest)
{
	int64_t now = evcan_now_monotonic();

	if (now - *last > *longest)
		*longest = now - *last;
	*last = now;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	note_tick(&ticks.last, &ticks.longest);
}

static void *
run_machine(void *arg)
{
	int64_t last = evcan_now_monotonic();

	while (!atomic_load(&ticks.stop)) {
		nap(2);
		note_tick(&last, &ticks.machine);
	}
	return arg;
}

static void
start_ticks(void)
{
	const struct timeval interval = { 0, 2000 };

	memset(&ticks, 0, sizeof(ticks));
	ticks.last = evcan_now_monotonic();
	ticks.timer = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	event_add(ticks.timer, &interval);
	assert_int_equal(pthread_create(&ticks.thread, NULL, run_machine,
	    NULL), 0);
}

/* @param more_ns for which the loop may have been held */
static void
check_ticks(int64_t more_ns)
{
	event_base_loop(base, EVLOOP_ONCE);
	atomic_store(&ticks.stop, true);
	pthread_join(ticks.thread, NULL);
	event_free(ticks.timer);
	if (ticks.longest > more_ns + LATE_NS + 3 * ticks.machine)
		fail_msg("the loop stood still for %d ms, the machine for %d",
		    (int)(ticks.longest / MS), (int)(ticks.machine / MS));
}

/* It has told the hang of `call`, and tries to come back, but does not open
 * the device before its predecessor has let it go. */
static void
check_hung(struct told *a, const char *call, unsigned abandoned)
{
	long opens;

	await(a->events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(a->error.code, EVCAN_ERR_TIMEOUT);
	if (strstr(a->error.text, call) == NULL)
		fail_msg("no \"%s\" in \"%s\"", call, a->error.text);
	assert_false(evcan_bus_is_open(a->bus));
	assert_int_equal(evcan_bus_get_state(a->bus), EVCAN_STATE_STOPPED);
	assert_int_equal(evcan_vendor_abandoned_(), abandoned + 1);
	/* From here on nothing may be called slow. */
	evcan_vendor_hang_ns_ = 60000 * MS;
	opens = calls(row.open);
	run_for(100);
	assert_int_equal(calls(row.open), opens);
}

/* The other device knows nothing of it, and this one is as it was.
 * @param other_waits the call holds up those who open */
static void
check_released(struct told *a, int opened, bool other_waits)
{
	struct told *b = watch(base, row.b, "");

	assert_int_equal(evcan_bus_open(b->bus, NULL), 0);
	if (other_waits)
		run_for(100);
	else
		await(b->events[EVCAN_BUS_OPENED] == 1);
	assert_int_equal(b->events[EVCAN_BUS_OPENED], !other_waits);
	control("release");
	await(a->events[EVCAN_BUS_OPENED] == opened &&
	    b->events[EVCAN_BUS_OPENED] == 1);
	works(a, b);
	put_away(a);
	put_away(b);
}

static void
hang(const char *name, bool sends, const char *call)
{
	unsigned abandoned = evcan_vendor_abandoned_();
	struct told *a = watch_open(row.a, "");

	start_ticks();
	control_with("hang", name);
	if (sends)
		send_cb(a, 0);
	/* The thread is there before anything is called slow. */
	run_for(HANG_MS);
	evcan_vendor_hang_ns_ = HANG_MS * MS;
	check_hung(a, call, abandoned);
	check_ticks(0);
	assert_true(!sends || a->outcomes == 1);
	check_released(a, 2, false);
}

void
read_hangs(void **state)
{
	(void)state;
	hang(row.read, false, "read");
}

void
write_hangs(void **state)
{
	(void)state;
	hang(row.write, true, "send");
}

void
open_hangs(void **state)
{
	unsigned abandoned = evcan_vendor_abandoned_();
	struct told *a = watch(base, row.a, "");

	(void)state;
	start_ticks();
	control_with("hang", row.open);
	evcan_vendor_hang_ns_ = OPEN_HANG_MS * MS;
	assert_int_equal(evcan_bus_open(a->bus, NULL), 0);
	check_hung(a, "open", abandoned);
	check_ticks(0);
	check_released(a, 1, row.opens_in_turn);
}

void
open_hangs_without_loop(void **state)
{
	unsigned abandoned = evcan_vendor_abandoned_();
	struct evcan_bus *bus = make_other(row.a);
	struct evcan_error err = { 0 };

	(void)state;
	control_with("hang", row.open);
	evcan_vendor_hang_ns_ = OPEN_HANG_MS * MS;
	assert_int_equal(evcan_bus_open(bus, &err), EVCAN_ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "open"));
	assert_false(evcan_bus_is_open(bus));
	assert_int_equal(evcan_vendor_abandoned_(), abandoned + 1);
	evcan_vendor_hang_ns_ = 60000 * MS;
	control("release");
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	end_other(bus);
}

/* How long closing may hold the loop. */
static int64_t
patience(const struct told *a)
{
	const struct evcan_adapter_ *adapter = ((struct evcan_vendor_bus_ *)
	    evcan_driver_state(a->bus))->adapter;
	int64_t ns = (500 + adapter->ops->close_ms) * MS;

	return ns > 1000 * MS ? ns : 1000 * MS;
}

/* Closing waits for the thread for as long as it may be well. */
void
close_hangs(void **state)
{
	unsigned abandoned = evcan_vendor_abandoned_();
	struct told *a = watch_open(row.a, "");
	long opens, closes = calls(row.close);
	int64_t may_take = patience(a);

	(void)state;
	start_ticks();
	control_with("hang", row.close);
	assert_int_equal(evcan_bus_close(a->bus), 0);
	await(a->events[EVCAN_BUS_CLOSED] == 1);
	check_ticks(may_take);
	assert_int_equal(calls(row.close), closes + 1);
	assert_int_equal(evcan_vendor_abandoned_(), abandoned + 1);
	put_away(a);
	opens = calls(row.open);
	a = watch(base, row.a, "");
	assert_int_equal(evcan_bus_open(a->bus, NULL), 0);
	run_for(100);
	assert_int_equal(calls(row.open), opens);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 0);
	check_released(a, 1, row.closes_in_turn);
}

/* Nobody has missed the call yet. */
void
closed_while_it_hangs(void **state)
{
	unsigned abandoned = evcan_vendor_abandoned_();
	struct told *a = watch_open(row.a, "");
	int64_t may_take = patience(a);

	(void)state;
	start_ticks();
	control_with("hang", row.read);
	run_for(HANG_MS);
	assert_int_equal(evcan_bus_close(a->bus), 0);
	await(a->events[EVCAN_BUS_CLOSED] == 1);
	check_ticks(may_take);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 0);
	assert_int_equal(evcan_vendor_abandoned_(), abandoned + 1);
	put_away(a);
	a = watch(base, row.a, "");
	assert_int_equal(evcan_bus_open(a->bus, NULL), 0);
	check_released(a, 1, false);
}

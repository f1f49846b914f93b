/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_vendor_send.c - what becomes of frames that the thread was handed */
#include "conform_vendor.h"

#include <pthread.h>

#include "vendor_internal.h"

#define SENDS 20
#define SLOW_NS (40 * MS)
#define TRIES 5
#define MANY 50
#define BURST 150          /* more than are read at once */

/* @return how many of some sends took their time, each to a thread that had
 * nothing to do */
static int
count_slow(struct told *a, const struct told *b)
{
	int slow = 0;

	for (int i = 0; i < SENDS; i++) {
		uint32_t number = b->next;
		int64_t began;

		run_for(5);
		began = evcan_now_monotonic();
		send_all(a, number, number + 1);
		await(b->next == number + 1);
		slow += evcan_now_monotonic() - began > SLOW_NS;
	}
	return slow;
}

/* A thread that cannot be called sleeps out its read, 100 ms. A busy machine
 * is late too, but not each time. */
void
sends_do_not_wait_for_reads(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");
	int slow = SENDS;

	(void)state;
	for (int i = 0; i < TRIES && slow > SENDS / 2; i++)
		slow = count_slow(a, b);
	if (slow > SENDS / 2)
		fail_msg("%d of %d sends took more than %d ms", slow, SENDS,
		    (int)(SLOW_NS / MS));
}

/* Its thread sleeps in a write, with frames behind it. */
void
flushed_sends_do_not_go_out(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");

	(void)state;
	hang_in_write(a);
	send_all(a, 1, MANY);
	/* It may not wait for the thread. */
	evcan_bus_flush_tx_buffer(a->bus);
	control("release");
	await(a->outcomes == 1);
	send_all(a, MANY, MANY + 1);
	await(b->next == MANY + 1);
	/* That of the write may be there, or dropped in the device. */
	assert_true(b->frames <= 2);
	assert_false(b->disordered);
	works(a, b);
}

static void *
release_soon(void *arg)
{
	nap(100);
	control("release");
	return arg;
}

/* Its thread sleeps in a read, so that all of it is still to be done when the
 * bus is closed. */
void
closing_sends_what_it_took(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");
	pthread_t thread;

	(void)state;
	control_with("hang", row.read);
	/* No read takes so long. */
	run_for(150);
	send_all(a, 0, MANY);
	assert_int_equal(pthread_create(&thread, NULL, release_soon, NULL),
	    0);
	assert_int_equal(evcan_bus_close(a->bus), 0);
	await(a->events[EVCAN_BUS_CLOSED] == 1);
	pthread_join(thread, NULL);
	await(b->next == MANY);
	assert_int_equal(b->missing, 0);
	assert_false(b->disordered);
}

/* Frames came while the thread was elsewhere. @return how long it took then
 * until all were here */
static int64_t
read_burst(struct told *a, struct told *b)
{
	uint32_t end = b->next + BURST;
	int64_t began;

	hang_in_write(b);
	send_all(a, b->next, end);
	await_sent(a);
	began = evcan_now_monotonic();
	control("release");
	await(b->next == end);
	return evcan_now_monotonic() - began;
}

/* What is left by one read is read at once by the next, though no new frame
 * calls for it. */
void
bursts_do_not_wait_for_more(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");
	int64_t took = INT64_MAX;

	(void)state;
	for (int i = 0; i < TRIES && took > SLOW_NS; i++)
		took = read_burst(a, b);
	assert_int_equal(b->missing, 0);
	assert_false(b->disordered);
	if (took > SLOW_NS)
		fail_msg("%d frames were read in %d ms", BURST,
		    (int)(took / MS));
}

/* Some devices are opened anew for it, and nobody waits for that. */
static bool
has_answered(const struct told *told)
{
	struct evcan_adapter_ *adapter = ((struct evcan_vendor_bus_ *)
	    evcan_driver_state(told->bus))->adapter;
	bool all;

	pthread_mutex_lock(&adapter->lock);
	all = adapter->answered == adapter->asked;
	pthread_mutex_unlock(&adapter->lock);
	return all;
}

/* One that only listens still does, and sends again when it may. */
void
mode_changes_while_open(void **state)
{
	struct told *a = watch_open(row.a, ""), *b = watch_open(row.b, "");
	int r = evcan_bus_set_mode(a->bus, EVCAN_MODE_LISTEN_ONLY);
	struct evcan_frame frame = numbered(a, 0);

	(void)state;
	if (r == EVCAN_ERR_UNSUPPORTED)
		skip();
	assert_int_equal(r, 0);
	assert_true(evcan_bus_send(a->bus, &frame, 1) < 0);
	await(has_answered(a));
	send_all(b, 0, MANY);
	await(a->next == MANY);
	assert_int_equal(a->missing, 0);
	assert_int_equal(b->frames, 0);
	assert_int_equal(evcan_bus_set_mode(a->bus, EVCAN_MODE_NORMAL), 0);
	await(has_answered(a));
	works(a, b);
	assert_int_equal(a->events[EVCAN_BUS_ERROR], 0);
}

/* What a bus can carry is known from its options. */
void
tasks_are_made_before_it_is_open(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 10 * MS };
	const bool given = strstr(row.a, "fd=true") != NULL;
	const bool more = (driver->caps & EVCAN_CAP_FD) && !given;
	struct evcan_error err = { 0 };

	(void)state;
	for (int i = 0; i <= more; i++) {
		struct told *told = watch(base, row.a, i ? ",fd=true" : "");
		struct evcan_frame frame = numbered(told, 0);
		struct evcan_cyclic *task;

		frame.flags |= i || given ? EVCAN_FRAME_FD : 0;
		task = evcan_cyclic_new(told->bus, &frame, 1, &config, &err);
		if (task == NULL)
			fail_msg("%s, FD %d: %s", row.a, i, err.text);
		evcan_cyclic_free(task);
		put_away(told);
	}
}

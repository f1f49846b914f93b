/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vendor_outcome.c - what became of a send is always told, and every
 * frame is counted */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "vendor_told.h"

#define MOST 400

/* By the numbers of the frames. */
static int outcomes[MOST], n_outcomes;

/* What becomes of a frame in the device; under its lock. */
static enum fate {
	ECHO, NO_ECHO, REFUSE
} fates[MOST];

/* As much as the ring has room for, and more, comes before each echo. */
static uint32_t flood;
static uint64_t lost_by_device;

static int
no_confirming(struct evcan_bus *of)
{
	(void)of;
	return 0;
}

static void
flood_ring(struct evcan_adapter_ *adapter)
{
	struct evcan_frame frame;

	for (uint32_t i = 0; i < flood; i++) {
		device_lock();
		frame = numbered(device->given++);
		device->give = device->given;
		device_unlock();
		evcan_adapter_push_(adapter, &frame, 1);
	}
}

static int
send_and_echo(struct evcan_adapter_ *adapter, void *port,
    const struct evcan_frame *row, int n)
{
	struct evcan_frame frame = row[0];
	uint32_t number = number_of(&frame);
	enum fate fate;

	(void)port;
	(void)n;
	device_lock();
	fate = fates[number % MOST];
	device_unlock();
	flood_ring(adapter);
	if (fate == ECHO) {
		frame.flags |= EVCAN_FRAME_ECHO;
		evcan_adapter_push_(adapter, &frame, 1);
	}
	if (fate == NO_ECHO && lost_by_device > 0)
		evcan_adapter_lost_(adapter, lost_by_device);
	device_lock();
	device->sent++;
	device_unlock();
	return fate == REFUSE ? EVCAN_ERR_OPERATION : 1;
}

static struct evcan_driver confirming;
static struct evcan_vendor_ops_ ops_before;

static int
begin(void **state)
{
	int r = setup(state);

	confirming = fake_driver;
	confirming.caps = EVCAN_CAP_CONFIRM;
	confirming.want_confirm = no_confirming;
	ops_before = fake_ops;
	fake_ops.send = send_and_echo;
	memset(fates, 0, sizeof(fates));
	for (int i = 0; i < MOST; i++)
		outcomes[i] = 99;
	n_outcomes = 0;
	flood = 0;
	lost_by_device = 0;
	return r;
}

static int
end(void **state)
{
	evcan_bus_free(bus);
	bus = NULL;
	fake_ops = ops_before;
	return teardown(state);
}

static void
open_confirming(int64_t rx_queue_size, bool reads)
{
	struct evcan_vendor_bus_ *vendor;

	start(rx_queue_size, ",reopen=false", reads);
	await(base, was_told('O'));
	bus->driver = &confirming;
	vendor = evcan_driver_state(bus);
	vendor->confirms = true;
}

static void
on_sent(struct evcan_bus *of, const struct evcan_frame *frame, int result,
    void *arg)
{
	const int *place = arg;

	(void)of;
	assert_non_null(frame);
	outcomes[place - outcomes] = result;
	n_outcomes++;
}

/* Frame `number` of this kind; its outcome becomes outcomes[place]. */
static void
send_number(uint32_t number, int place)
{
	struct evcan_frame frame = numbered(number);

	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, on_sent,
	    &outcomes[place]), 0);
}

static void
lost_in_a_full_ring(void **state)
{
	(void)state;
	open_confirming(64, true);
	flood = 200;
	send_number(0, 0);
	await(NULL, device->sent == 1);
	await(base, n_outcomes == 1);
	assert_int_equal(outcomes[0], EVCAN_ACCEPTED);
	assert_int_equal(frames, 64);
	/* That there were echoes is forgotten then. */
	flood = 0;
	send_number(1, 1);
	await(base, n_outcomes == 2);
	assert_int_equal(outcomes[1], EVCAN_SENT);
}

static void
lost_in_the_device(void **state)
{
	(void)state;
	open_confirming(0, true);
	lost_by_device = 3;
	fates[0] = NO_ECHO;
	send_number(0, 0);
	await(base, n_outcomes == 1);
	assert_int_equal(outcomes[0], EVCAN_ACCEPTED);
	assert_int_equal(lost, 3);
}

/* The device does not even know: but a later one is confirmed. */
static void
lost_without_a_word(void **state)
{
	(void)state;
	open_confirming(0, true);
	fates[1] = fates[2] = NO_ECHO;
	for (int i = 0; i < 4; i++)
		send_number((uint32_t)i, i);
	await(base, n_outcomes == 4);
	assert_int_equal(outcomes[0], EVCAN_SENT);
	assert_int_equal(outcomes[1], EVCAN_ACCEPTED);
	assert_int_equal(outcomes[2], EVCAN_ACCEPTED);
	assert_int_equal(outcomes[3], EVCAN_SENT);
}

/* Of equal frames each echo confirms the oldest: the last one misses its. */
static void
lost_among_equal_frames(void **state)
{
	(void)state;
	open_confirming(0, true);
	lost_by_device = 1;
	device_lock();
	fates[7] = NO_ECHO;
	device_unlock();
	send_number(7, 0);
	await(base, lost == 1);
	device_lock();
	fates[7] = ECHO;
	device_unlock();
	send_number(7, 1);
	send_number(7, 2);
	await(base, n_outcomes == 3);
	assert_int_equal(outcomes[0], EVCAN_SENT);
	assert_int_equal(outcomes[1], EVCAN_SENT);
	assert_int_equal(outcomes[2], EVCAN_ACCEPTED);
}

/* One that nobody confirms and nobody lost may still go out. */
static void
without_a_loss_it_is_waited_for(void **state)
{
	(void)state;
	open_confirming(0, true);
	fates[0] = NO_ECHO;
	send_number(0, 0);
	await(base, device->looks >= 4);
	assert_int_equal(n_outcomes, 0);
	evcan_bus_free(bus);
	bus = NULL;
	assert_int_equal(outcomes[0], EVCAN_ERR_CANCELED);
}

/* More of them than are held, while nobody makes room. */
static void
refused_with_a_full_ring(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	for (int i = 0; i < 100; i++)
		fates[i] = REFUSE;
	open_confirming(64, true);
	flood = 200;
	send_number(0, 0);
	await(NULL, device->sent == 1);
	flood = 0;
	for (int i = 1; i < 100; i++)
		send_number((uint32_t)i, i);
	await(base, n_outcomes == 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(outcomes[i], EVCAN_ERR_OPERATION);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.send_failed, 100);
}

/* The device said of them all at once that it did not send them. */
static void
refuse_many(struct evcan_adapter_ *adapter, struct device *d)
{
	flood_ring(adapter);
	for (uint32_t i = 0; i < 20; i++) {
		struct evcan_frame frame = numbered(i);

		evcan_adapter_refused_(adapter, &frame, EVCAN_ERR_OPERATION);
	}
	device_lock();
	d->stop_at = UINT32_MAX;
	d->sent = 1;
	device_unlock();
}

static void
refused_all_at_once(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	open_confirming(64, true);
	flood = 200;
	device_lock();
	device->stop_at = device->given;
	device->script = refuse_many;
	device_unlock();
	await(NULL, device->sent == 1);
	await(base, (evcan_bus_get_stats(bus, &stats), stats.send_failed) >=
	    20);
	assert_int_equal(stats.send_failed, 20);
}

/* Sums */

static uint64_t taken, accepted, given_lost;

/* Takes some, refuses some. */
static int
take_some(struct evcan_adapter_ *adapter, void *port,
    const struct evcan_frame *row, int n)
{
	static unsigned turn;
	int r = ++turn % 5 == 0 ? EVCAN_ERR_OPERATION : n < 3 ? n : 3;

	(void)adapter;
	(void)port;
	(void)row;
	device_lock();
	taken += r > 0 ? (uint64_t)r : 0;
	device_unlock();
	return r;
}

static void
lose_and_unplug(struct evcan_adapter_ *adapter, struct device *d)
{
	evcan_adapter_lost_(adapter, 7);
	device_lock();
	given_lost += 7;
	d->stop_at = UINT32_MAX;
	d->unplugged = true;
	device_unlock();
}

static void
send_some(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct evcan_frame frame = numbered(i);

		accepted += evcan_bus_send(bus, &frame, 1) == 1;
	}
}

/* A flood of frames that goes beyond the ring, then a loss and the end; or an
 * end with nobody reading. */
static void
one_life(unsigned round)
{
	unsigned long opens = round;
	struct evcan_bus_stats stats;

	await(base, (evcan_bus_get_stats(bus, &stats), stats.opens) > opens);
	evcan_bus_set_cb(bus, round % 3 == 2 ? NULL : on_frames, on_event,
	    NULL);
	send_some(100);
	if (round % 2)
		assert_int_equal(evcan_bus_flush_tx_buffer(bus), 0);
	device_lock();
	device->give += 1000 + 13 * round;
	device->stop_at = device->give;
	device->script = lose_and_unplug;
	device_unlock();
	/* One that does not keep up, and one that does. */
	if (round % 2)
		await(NULL, device->unplugged);
	send_some(50);
	await(base, !evcan_bus_is_open(bus));
	device_lock();
	device->unplugged = false;
	device_unlock();
}

static void
all_is_counted(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	fake_ops.send = take_some;
	taken = accepted = given_lost = 0;
	start(64, ",reopen_interval=0.001", true);
	for (unsigned round = 0; round < 12; round++)
		one_life(round);
	evcan_bus_close(bus);
	await(base, device->opens == device->closes);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.received, frames);
	assert_true(stats.lost_queue > 0);
	assert_int_equal(stats.lost_device, given_lost);
	assert_int_equal(stats.received + stats.lost_queue, device->given);
	assert_int_equal(stats.lost_queue + stats.lost_device, lost);
	assert_true(taken > 0 && stats.send_failed > 0);
	assert_int_equal(taken + stats.send_failed, accepted);
}

/* Told at the last moment: nothing is left out. */
static void
counted_when_closed(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	for (int i = 0; i < 100; i++)
		fates[i] = i % 2 ? REFUSE : ECHO;
	open_confirming(0, false);
	for (unsigned i = 0; i < 100; i++) {
		struct evcan_frame frame = numbered(i);

		assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	}
	await(NULL, device->sent == 100);
	evcan_bus_close(bus);
	await(base, was_told('C'));
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.send_failed, 50);
	assert_int_equal(stats.confirmed, 50);
}

/* What waited behind a call that hung is counted, and does not go out when
 * that returns at last. */
static void
abandoned_sends_stay_home(void **state)
{
	struct evcan_frame frame = numbered(0);
	struct evcan_bus_stats stats;

	(void)state;
	fake_ops.send = ops_before.send;
	evcan_vendor_hang_ns_ = 100 * MS;
	start(0, ",reopen=false", true);
	await(base, was_told('O'));
	device_hang("read");
	await(NULL, device->hangs);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	await(base, was_told('C'));
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.send_failed, 1);
	device_hang(NULL);
	await(NULL, device->closes == 1);
	assert_int_equal(device->sent, 0);
}

/* What was told before the call that hung is heard. */
static void
abandoned_refusals_are_counted(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	for (int i = 0; i < 10; i++)
		fates[i] = REFUSE;
	open_confirming(0, false);
	for (unsigned i = 0; i < 10; i++) {
		struct evcan_frame frame = numbered(i);

		assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	}
	await(NULL, device->sent == 10);
	device_hang("read");
	await(NULL, device->hangs);
	evcan_bus_close(bus);
	await(base, was_told('C'));
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.send_failed, 10);
	device_hang(NULL);
	await(NULL, device->closes == 1);
}

/* Also what the thread would go on with, after the frame that it is at. */
static void
flush_while_sending(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	fake_ops.send = ops_before.send;
	start_open(0, "");
	device_hang("send");
	send_all(0, 1);
	await(NULL, device->hangs);
	send_all(1, 100);
	assert_int_equal(evcan_bus_flush_tx_buffer(bus), 0);
	device_hang(NULL);
	assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 5000), 0);
	await(base, (evcan_bus_get_stats(bus, &stats), stats.send_failed) ==
	    99);
	assert_int_equal(device->sent, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
		TEST(lost_in_a_full_ring), TEST(lost_in_the_device),
		TEST(lost_without_a_word), TEST(lost_among_equal_frames),
		TEST(without_a_loss_it_is_waited_for),
		TEST(refused_with_a_full_ring),
		TEST(refused_all_at_once), TEST(all_is_counted),
		TEST(counted_when_closed),
		TEST(abandoned_sends_stay_home), TEST(flush_while_sending),
		TEST(abandoned_refusals_are_counted),
	};

	warm_up_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vendor.c - the thread of an adapter, and the loop it feeds */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "vendor_internal.h"
#include "vendor_told.h"

static void
opens_later(void **state)
{
	(void)state;
	start(0, "", true);
	assert_false(evcan_bus_is_open(bus));
	await(base, was_told('O'));
	assert_true(evcan_bus_is_open(bus));
	assert_string_equal(evcan_bus_channel_info(bus),
	    "a device of counters");
	assert_int_equal(device->opens, 1);
}

static void
open_may_fail(void **state)
{
	(void)state;
	device->fail_open = EVCAN_ERR_INIT;
	start(0, ",reopen=false", true);
	await(base, was_told('C'));
	assert_int_equal(last_error.code, EVCAN_ERR_INIT);
	assert_non_null(strstr(last_error.text, "no such device"));
	assert_int_equal(last_error.vendor, 77);
	assert_false(was_told('O'));
	assert_int_equal(device->closes, 1);
}

static void
without_a_loop_open_waits(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_frame frame;

	(void)state;
	bus = make_bus(NULL, 0, "");
	device->fail_open = EVCAN_ERR_INIT;
	assert_int_equal(evcan_bus_open(bus, &err), EVCAN_ERR_INIT);
	assert_non_null(strstr(err.text, "no such device"));
	assert_int_equal(evcan_bus_recv(bus, &frame, 1), EVCAN_ERR_STATE);
	device->fail_open = 0;
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	assert_true(evcan_bus_is_open(bus));
	device_lock();
	device->give = 1;
	device_unlock();
	assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 5000), 1);
	assert_int_equal(evcan_bus_close(bus), 0);
	assert_int_equal(device->closes, 2);
}

static void
hundred_times(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct evcan_frame frame = numbered(0);

		forget();
		device_lock();
		device->give += 10;
		device_unlock();
		/* Also before it is open, and with frames on their way. */
		start(0, "", true);
		if (i % 3 != 0)
			await(base, was_told('O'));
		if (i % 3 == 1)
			evcan_bus_send(bus, &frame, 1);
		evcan_bus_free(bus);
		bus = NULL;
	}
	assert_int_equal(device->opens, device->closes);
	assert_int_equal(evcan_vendor_abandoned_(), 0);
}

/* Frames in */

static void
flood_keeps_order(void **state)
{
	const uint32_t total = 200000;
	struct evcan_bus_stats stats;

	(void)state;
	start_open(0, "");
	/* As far ahead as the queue goes. */
	while (frames < total) {
		device_lock();
		device->give = frames + 2048 < total ? frames + 2048 : total;
		device_unlock();
		event_base_loop(base, EVLOOP_ONCE);
	}
	assert_int_equal(frames, total);
	assert_false(disordered);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.received, total);
	assert_int_equal(stats.lost_queue, 0);
	assert_true(stats.wakeups < total / 8);
}

static void
full_ring_is_counted(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	start_open(64, "");
	device_lock();
	device->give = 1000;
	device_unlock();
	await(NULL, device->given == 1000);
	await(base, frames + lost == 1000);
	assert_true(lost >= 1000 - 128);
	assert_false(disordered);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.lost_queue, lost);
	assert_int_equal(stats.lost_device, 0);
}

static void
lose_some(struct evcan_adapter_ *adapter, struct device *d)
{
	evcan_adapter_lost_(adapter, 5);
	device_lock();
	d->given += 5;
	device_unlock();
}

static void
device_loss_has_its_place(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	start_open(0, "");
	device_lock();
	device->stop_at = 10;
	device->script = lose_some;
	device->give = 30;
	device_unlock();
	await(base, frames == 25);
	assert_int_equal(lost, 5);
	assert_int_equal(frames_at[EVCAN_BUS_GAP], 10);
	assert_false(disordered);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.lost_device, 5);
}

static void
say_all(struct evcan_adapter_ *adapter, struct device *d)
{
	(void)d;
	evcan_adapter_state_(adapter, EVCAN_STATE_BUS_OFF);
	evcan_adapter_error_(adapter, EVCAN_ERR_OPERATION, 5, "it stumbled");
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, 6, "it was %s",
	    "pulled out");
	device_lock();
	d->unplugged = true;
	device_unlock();
}

static void
news_come_behind_frames(void **state)
{
	(void)state;
	start_open(0, ",reopen=false,budget=16");
	device_lock();
	device->stop_at = 1000;
	device->give = 1000;
	device->script = say_all;
	device_unlock();
	await(base, was_told('C'));
	assert_int_equal(frames, 1000);
	assert_int_equal(frames_at[EVCAN_BUS_STATE], 1000);
	assert_int_equal(frames_at[EVCAN_BUS_ERROR], 1000);
	assert_int_equal(lost, 0);
	assert_int_equal(last_error.code, EVCAN_ERR_GONE);
	assert_int_equal(last_error.vendor, 6);
	assert_non_null(strstr(last_error.text, "fake: it was pulled out"));
}

static void
gone_without_a_reader(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	start(0, ",reopen=false", false);
	await(base, was_told('O'));
	device_lock();
	device->stop_at = 100;
	device->give = 100;
	device->script = say_all;
	device_unlock();
	await(base, was_told('C'));
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.lost_queue, 100);
}

/* What did not even have room in the queue is lost, too. */
static void
gone_with_a_full_queue(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	start(64, ",reopen=false", false);
	await(base, was_told('O'));
	device_lock();
	device->stop_at = 1000;
	device->give = 1000;
	device->script = say_all;
	device_unlock();
	await(base, was_told('C'));
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.lost_queue, 1000);
	assert_int_equal(lost, 1000);
}

/* A frame, a loss and a frame, as fast as can be. */
static void
lose_between(struct evcan_adapter_ *adapter, struct device *d)
{
	struct evcan_frame frame;

	device_lock();
	frame = numbered(d->given);
	device_unlock();
	evcan_adapter_push_(adapter, &frame, 1);
	evcan_adapter_lost_(adapter, 1);
	frame = numbered(number_of(&frame) + 2);
	evcan_adapter_push_(adapter, &frame, 1);
	device_lock();
	d->given += 3;
	d->stop_at = d->give = d->given;
	device_unlock();
}

static void
losses_are_told_before_what_follows(void **state)
{
	(void)state;
	start_open(0, "");
	for (uint32_t round = 1; round <= 5000; round++) {
		device_lock();
		device->script = lose_between;
		device_unlock();
		while (frames + lost < 3 * round)
			event_base_loop(base, EVLOOP_ONCE);
		assert_false(disordered);
	}
	assert_int_equal(lost, 5000);
}

/* As if they had been used for years: positions that go round, those of 32
 * bits after some hours. */
static void
grow_old(struct evcan_adapter_ *adapter, struct device *d)
{
	struct evcan_ring_ *const rings[] = { &adapter->tx,
		&adapter->feed.ring };
	const size_t ages[] = { (size_t)PTRDIFF_MAX + 100, SIZE_MAX - 100 };

	for (int i = 0; i < 2; i++) {
		atomic_store(&rings[i]->head, ages[i]);
		atomic_store(&rings[i]->tail, ages[i]);
		rings[i]->head_seen = rings[i]->tail_seen = ages[i];
	}
	device_lock();
	d->answer = 1;
	device_unlock();
}

static void
lives_long(void **state)
{
	(void)state;
	start_open(0, "");
	device_lock();
	device->script = grow_old;
	device_unlock();
	await(NULL, device->answer == 1);
	send_all(0, 1000);
	await(base, device->sent == 1000);
	device_lock();
	device->stop_at = UINT32_MAX;
	device->give = 1000;
	device_unlock();
	await(base, frames == 1000);
	assert_false(disordered || device->disordered);
	assert_int_equal(evcan_bus_flush_tx_buffer(bus), 0);
	send_all(1000, 1100);
	await(base, device->sent >= 1000);
}

static void
gone_is_told_for_a_driver(void **state)
{
	(void)state;
	start_open(0, ",reopen=false");
	device_lock();
	device->script = unplug;
	device_unlock();
	await(base, was_told('C'));
	assert_int_equal(last_error.code, EVCAN_ERR_GONE);
}

static void
comes_back(void **state)
{
	(void)state;
	start_open(0, ",reopen_interval=0.01");
	device_lock();
	device->script = unplug;
	device_unlock();
	await(base, was_told('E'));
	device_lock();
	device->unplugged = false;
	device_unlock();
	told[0] = 'x';
	await(base, was_told('O'));
	assert_int_equal(device->opens, 2);
}

/* While the device is asked, it is not back yet. */
static void
stopped_until_it_is_back(void **state)
{
	(void)state;
	start_open(0, ",reopen_interval=0.01");
	device_lock();
	device->hang = "open";
	device->script = unplug;
	device_unlock();
	await(base, device->hangs);
	assert_true(was_told('E'));
	assert_int_equal(last_state, EVCAN_STATE_STOPPED);
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_STOPPED);
	device_lock();
	device->unplugged = false;
	device->hang = NULL;
	pthread_cond_broadcast(&device->changed);
	device_unlock();
	told[0] = 'x';
	await(base, was_told('O'));
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_ACTIVE);
	assert_int_equal(last_state, EVCAN_STATE_ACTIVE);
}

static void
hangs_in(const char *call)
{
	unsigned before = evcan_vendor_abandoned_();
	struct evcan_frame frame = numbered(0);

	evcan_vendor_hang_ns_ = 100 * MS;
	if (strcmp(call, "open") == 0)
		device_hang(call);
	start(0, ",reopen=false", true);
	if (strcmp(call, "open") != 0) {
		await(base, was_told('O'));
		device_hang(call);
		evcan_bus_send(bus, &frame, 1);
	}
	await(base, was_told('C'));
	assert_int_equal(last_error.code, EVCAN_ERR_TIMEOUT);
	assert_non_null(strstr(last_error.text, call));
	assert_int_equal(evcan_vendor_abandoned_(), before + 1);
	/* It comes to itself, and cleans up. */
	device_hang(NULL);
	await(base, device->closes == 1);
}

static void
hang_is_told(void **state)
{
	static const char *const calls[] = { "read", "send", "open" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		forget();
		device->closes = device->opens = 0;
		hangs_in(calls[i]);
		evcan_bus_free(bus);
		bus = NULL;
	}
}

static void
close_returns_in_time(void **state)
{
	static const char *const calls[] = { "read", "close", "send" };
	struct evcan_frame frame = numbered(0);
	int64_t began;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		unsigned before = evcan_vendor_abandoned_();

		forget();
		start_open(0, "");
		device_hang(calls[i]);
		evcan_bus_send(bus, &frame, 1);
		if (i != 1)
			await(base, device->hangs);
		began = evcan_now_monotonic();
		evcan_bus_free(bus);
		bus = NULL;
		/* Half a second, and what a busy machine adds. */
		assert_true(evcan_now_monotonic() - began < 3000 * MS);
		assert_int_equal(evcan_vendor_abandoned_(), before + 1);
		device_hang(NULL);
		await(NULL, device->closes == i + 1);
	}
}

/* Longer than a device whose driver says nothing of it may take. */
static void
close_slowly(struct evcan_adapter_ *adapter, void *port)
{
	struct timespec nap = { 1, 200000000 };

	nanosleep(&nap, NULL);
	fake_close(adapter, port);
}

static void
slow_close_is_waited_for(void **state)
{
	const struct evcan_vendor_ops_ before = fake_ops;
	unsigned abandoned = evcan_vendor_abandoned_();

	(void)state;
	fake_ops.close = close_slowly;
	fake_ops.close_ms = 20000;
	start_open(0, "");
	evcan_bus_free(bus);
	bus = NULL;
	fake_ops = before;
	assert_int_equal(device->closes, 1);
	assert_int_equal(evcan_vendor_abandoned_(), abandoned);
}

static void
predecessor_is_waited_for(void **state)
{
	(void)state;
	start_open(0, "");
	device_hang("close");
	evcan_bus_free(bus);
	forget();
	start(0, "", true);
	for (int i = 0; i < 50; i++) {
		struct timespec nap = { 0, 2000000 };

		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		nanosleep(&nap, NULL);
	}
	assert_false(was_told('O'));
	assert_int_equal(device->opens, 1);
	device_hang(NULL);
	await(base, was_told('O'));
	assert_int_equal(device->opens, 2);
	assert_int_equal(device->closes, 1);
}

static void
waiting_for_a_predecessor_can_end(void **state)
{
	int64_t began;

	(void)state;
	start_open(0, "");
	device_hang("close");
	evcan_bus_free(bus);
	start(0, "", true);
	began = evcan_now_monotonic();
	evcan_bus_free(bus);
	bus = NULL;
	assert_true(evcan_now_monotonic() - began < 3000 * MS);
	assert_int_equal(device->opens, 1);
}

static void
freed_in_callbacks(void **state)
{
	static const int events[] = { EVCAN_BUS_OPENED, EVCAN_BUS_STATE,
		EVCAN_BUS_ERROR };

	(void)state;
	for (int i = 0; i < 4; i++) {
		forget();
		free_in_event = i < 3 ? events[i] : -1;
		free_in_frame = i == 3;
		device_lock();
		device->unplugged = false;
		device->give += 5;
		device->stop_at = device->give;
		device->script = i < 3 ? say_all : NULL;
		device_unlock();
		start(0, "", i == 3);
		await(base, bus == NULL);
	}
	assert_int_equal(device->opens, device->closes);
}

/* Other ways to wait */

static void
waits_for_an_fd(void **state)
{
	const struct evcan_vendor_ops_ before = fake_ops;
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	fake_ops.interrupt = NULL;
	fake_ops.fd = fake_fd;
	start_open(0, "");
	send_all(0, 1000);
	await(base, device->sent == 1000);
	device_lock();
	device->give = 100;
	device_unlock();
	assert_int_equal(write(pipe_fds[1], &byte, 1), 1);
	await(base, frames == 100);
	assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 5000), 0);
	/* The other end closed: it must not spin, nor stop working. */
	close(pipe_fds[1]);
	send_all(1000, 1100);
	await(base, device->sent == 1100);
	evcan_bus_free(bus);
	bus = NULL;
	close(pipe_fds[0]);
	fake_ops = before;
}

static void
waits_in_slices(void **state)
{
	const struct evcan_vendor_ops_ before = fake_ops;

	(void)state;
	fake_ops.interrupt = NULL;
	start_open(0, "");
	send_all(0, 1000);
	await(base, device->sent == 1000);
	assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 5000), 0);
	assert_int_equal(device->interrupts, 0);
	evcan_bus_free(bus);
	bus = NULL;
	fake_ops = before;
}

static void
is_looked_at(void **state)
{
	(void)state;
	start_open(0, "");
	await(base, device->looks >= 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(opens_later), TEST(open_may_fail),
		TEST(without_a_loop_open_waits), TEST(hundred_times),
		TEST(flood_keeps_order), TEST(full_ring_is_counted),
		TEST(device_loss_has_its_place),
		TEST(news_come_behind_frames), TEST(gone_without_a_reader),
		TEST(gone_with_a_full_queue),
		TEST(losses_are_told_before_what_follows), TEST(lives_long),
		TEST(gone_is_told_for_a_driver), TEST(comes_back),
		TEST(stopped_until_it_is_back),
		TEST(hang_is_told), TEST(close_returns_in_time),
		TEST(slow_close_is_waited_for),
		TEST(predecessor_is_waited_for),
		TEST(waiting_for_a_predecessor_can_end),
		TEST(freed_in_callbacks), TEST(waits_for_an_fd),
		TEST(waits_in_slices), TEST(is_looked_at),
	};

	warm_up_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

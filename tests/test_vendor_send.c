/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vendor_send.c - what the loop asks the thread of an adapter for */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "vendor_told.h"

static void
sends_keep_order(void **state)
{
	(void)state;
	start_open(0, "");
	send_all(0, 20000);
	await(base, device->sent == 20000);
	assert_false(device->disordered);
}

static void
no_room_is_waited_for(void **state)
{
	struct evcan_frame frame;
	uint32_t sent = 0;

	(void)state;
	device->room = 3;
	start_open(0, ",tx_queue_size=10");
	await(base, device->looks > 0);
	for (;; sent++) {
		frame = numbered(sent);
		if (evcan_bus_send(bus, &frame, 1) != 1)
			break;
	}
	assert_true(sent >= 256 + 10);
	await(base, device->sent == 3);
	assert_false(was_told('W'));
	/* A device that waits for room still reads. */
	device_lock();
	device->give = 50;
	device_unlock();
	await(base, frames == 50);
	device_lock();
	device->room = SIZE_MAX;
	device_unlock();
	await(base, device->sent == sent);
	await(base, was_told('W'));
	assert_false(device->disordered);
}

static int outcome = 1;

static void
on_sent(struct evcan_bus *of, const struct evcan_frame *frame, int result,
    void *arg)
{
	(void)of;
	(void)arg;
	assert_int_equal(number_of(frame), 2);
	outcome = result;
}

static int
yes(struct evcan_bus *of)
{
	(void)of;
	return 0;
}

static void
refusal_is_the_outcome(void **state)
{
	struct evcan_driver confirming = fake_driver;
	struct evcan_bus_stats stats;
	struct evcan_frame frame;

	(void)state;
	confirming.caps = EVCAN_CAP_CONFIRM;
	confirming.want_confirm = yes;
	device->refuse = 2;
	start_open(0, "");
	bus->driver = &confirming;
	send_all(0, 2);
	frame = numbered(2);
	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, on_sent, NULL),
	    0);
	send_all(3, 5);
	await(base, outcome != 1);
	assert_int_equal(outcome, EVCAN_ERR_OPERATION);
	await(base, device->sent == 5);
	assert_true(was_told('E'));
	assert_non_null(strstr(last_error.text, "100"));
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.send_failed, 1);
	assert_int_equal(frames, 0);
	evcan_bus_free(bus);
	bus = NULL;
}

/* By the driver, who knows the vendor's code, and not again by the service. */
static void
refusal_is_told_once(void **state)
{
	(void)state;
	device->refuse = 2;
	device->why = 77;
	start_open(0, "");
	send_all(0, 5);
	await(base, device->sent == 5);
	await(base, was_told('E'));
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_ptr_equal(strchr(told, 'E'), strrchr(told, 'E'));
	assert_int_equal(last_error.vendor, 77);
	assert_string_equal(last_error.text, "fake: not this one");
	evcan_bus_free(bus);
	bus = NULL;
}

static void
flush_drops_what_waits(void **state)
{
	(void)state;
	device->room = 0;
	start_open(0, "");
	send_all(0, 100);
	assert_int_equal(evcan_bus_flush_tx_buffer(bus), 0);
	device_lock();
	device->sent = 100;
	device->room = SIZE_MAX;
	device_unlock();
	send_all(100, 200);
	await(base, device->sent == 200);
	assert_false(device->disordered);
}

static void
close_sends_the_rest(void **state)
{
	(void)state;
	start_open(0, "");
	send_all(0, 200);
	evcan_bus_free(bus);
	bus = NULL;
	assert_int_equal(device->sent, 200);
	assert_int_equal(device->closes, 1);
}

/* One that takes a frame now and then. */
static int
take_slowly(struct evcan_adapter_ *adapter, void *port,
    const struct evcan_frame *row, int n)
{
	static int64_t next;
	int64_t now = evcan_now_monotonic();

	if (n == 0 || now < next)
		return 0;
	next = now + 25 * MS;
	return fake_send(adapter, port, row, 1);
}

static void
close_waits_for_a_slow_device(void **state)
{
	const struct evcan_vendor_ops_ before = fake_ops;

	(void)state;
	fake_ops.send = take_slowly;
	start_open(0, "");
	send_all(0, 8);
	evcan_bus_free(bus);
	bus = NULL;
	fake_ops = before;
	assert_int_equal(device->sent, 8);
}

/* They were taken over, so nobody else says that they never went out. */
static void
what_was_not_sent_is_told(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	device->room = 3;
	start_open(0, ",reopen=false");
	send_all(0, 10);
	await(base, device->sent == 3);
	device_lock();
	device->script = unplug;
	device_unlock();
	await(base, was_told('C'));
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.send_failed, 7);
}

/* Commands */

static void
commands_answer(void **state)
{
	char data[65] = "seven";

	(void)state;
	bus = make_bus(base, 0, "");
	assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 100),
	    EVCAN_ERR_STATE);
	evcan_bus_set_cb(bus, on_frames, on_event, NULL);
	evcan_bus_open(bus, NULL);
	await(base, was_told('O'));
	device_lock();
	device->answer = -9;
	device_unlock();
	assert_int_equal(evcan_adapter_ask_(bus, 7, data, 6, 5000), -9);
	assert_int_equal(device->last_what, 7);
	assert_string_equal(device->last_data, "seven");
	assert_int_equal(evcan_adapter_ask_(bus, 7, data, 65, 100),
	    EVCAN_ERR_INVALID);
	device_lock();
	device->answer = 4;
	device_unlock();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(evcan_adapter_ask_(bus, i, &i, sizeof(i),
		    5000), 4);
	assert_int_equal(device->commands, 1001);
}

static void
commands_are_bounded(void **state)
{
	(void)state;
	start_open(0, "");
	device_hang("command");
	assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 20),
	    EVCAN_ERR_TIMEOUT);
	for (int i = 0; i < 16; i++)
		assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 0), 0);
	assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 0),
	    EVCAN_ERR_BUSY);
	device_hang(NULL);
	await(base, device->commands == 17);
	assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 5000), 0);
	/* Those that nobody runs are given back. */
	device_hang("read");
	await(base, device->hangs);
	for (int i = 0; i < 3; i++)
		evcan_adapter_ask_(bus, 1, NULL, 0, 0);
	evcan_bus_free(bus);
	bus = NULL;
	device_hang(NULL);
	await(NULL, device->closes == 1);
	await(NULL, device->discards + device->commands == 21);
}

static void
old_filters_say_nothing(void **state)
{
	(void)state;
	start_open(0, "");
	bus->filtering = EVCAN_FILTERS_NONE;
	assert_int_equal(evcan_adapter_ask_(bus, 3, NULL, 0, 5000), 0);
	await(base, bus->filtering == EVCAN_FILTERS_EXACT);
	bus->filtering = EVCAN_FILTERS_NONE;
	assert_int_equal(evcan_adapter_ask_(bus, 3, NULL, 0, 5000), 0);
	device_hang("command");
	evcan_adapter_ask_(bus, 3, NULL, 0, 0);
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(bus->filtering, EVCAN_FILTERS_NONE);
	device_hang(NULL);
	await(base, bus->filtering == EVCAN_FILTERS_EXACT);
}

/* Modes and filters */

#define SETS_MODE 5

static int
fake_set_mode(struct evcan_bus *of, enum evcan_bus_mode mode)
{
	return evcan_vendor_set_mode_(of, SETS_MODE, mode, 20);
}

static struct evcan_driver with_modes;

static void
start_with_modes(void)
{
	with_modes = fake_driver;
	with_modes.set_mode = fake_set_mode;
	start_open(0, "");
	bus->driver = &with_modes;
	device_hang("command");
}

static void
late_mode_is_told(void **state)
{
	(void)state;
	start_with_modes();
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_TIMEOUT);
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_NORMAL);
	device_hang(NULL);
	await(base, evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY);
	assert_false(was_told('E'));
	/* One that fails later is told, and changes nothing. */
	device_lock();
	device->answer = EVCAN_ERR_OPERATION;
	device->hang = "command";
	device_unlock();
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_NORMAL),
	    EVCAN_ERR_TIMEOUT);
	device_hang(NULL);
	await(base, was_told('E'));
	assert_int_equal(last_error.code, EVCAN_ERR_OPERATION);
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_LISTEN_ONLY);
	evcan_bus_free(bus);
	bus = NULL;
}

/* As it was is not as it will be: the device must be asked again. */
static void
mode_changes_back(void **state)
{
	(void)state;
	start_with_modes();
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_TIMEOUT);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_NORMAL),
	    EVCAN_ERR_TIMEOUT);
	device_hang(NULL);
	await(base, device->commands == 2);
	assert_false(device->last_data[0]);
	await(base, !bus->mode_unsure);
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_NORMAL);
	evcan_bus_free(bus);
	bus = NULL;
}

/* It was thought to be well, since the bus was still opening. */
static void
mode_refused_while_opening_is_told(void **state)
{
	(void)state;
	with_modes = fake_driver;
	with_modes.set_mode = fake_set_mode;
	device->hang = "open";
	device->answer = EVCAN_ERR_OPERATION;
	start(0, "", true);
	bus->driver = &with_modes;
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	device_hang(NULL);
	await(base, was_told('E'));
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_NORMAL);
	evcan_bus_free(bus);
	bus = NULL;
}

static int
refuse_filters(struct evcan_bus *of, const struct evcan_filter *filters,
    size_t n, enum evcan_filter_join join)
{
	(void)of;
	(void)filters;
	(void)n;
	(void)join;
	return EVCAN_ERR_BUSY;
}

static void
refused_filters_are_told(void **state)
{
	struct evcan_filter none = { .can_id = 0x7, .can_mask = 0x7ff };
	struct evcan_bus_stats stats;

	(void)state;
	with_modes = fake_driver;
	with_modes.set_filters = refuse_filters;
	start_open(0, "");
	bus->driver = &with_modes;
	bus->filtering = EVCAN_FILTERS_EXACT;
	assert_int_equal(evcan_bus_set_filters(bus, &none, 1,
	    EVCAN_FILTER_OR, NULL), 0);
	assert_int_equal(bus->filtering, EVCAN_FILTERS_NONE);
	device_lock();
	device->give = 10;
	device_unlock();
	await(base, was_told('E'));
	assert_int_equal(last_error.code, EVCAN_ERR_BUSY);
	assert_non_null(strstr(last_error.text, "filters"));
	await(base, (evcan_bus_get_stats(bus, &stats), stats.filtered) == 10);
	assert_int_equal(frames, 0);
	evcan_bus_free(bus);
	bus = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(sends_keep_order), TEST(no_room_is_waited_for),
		TEST(refusal_is_the_outcome), TEST(refusal_is_told_once),
		TEST(flush_drops_what_waits), TEST(close_sends_the_rest),
		TEST(close_waits_for_a_slow_device),
		TEST(what_was_not_sent_is_told),
		TEST(commands_answer), TEST(commands_are_bounded),
		TEST(old_filters_say_nothing), TEST(late_mode_is_told),
		TEST(mode_changes_back),
		TEST(mode_refused_while_opening_is_told),
		TEST(refused_filters_are_told),
	};

	warm_up_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

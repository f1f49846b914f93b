/* SPDX-License-Identifier: BSD-3-Clause */
/* test_iscan_run.c - isCAN's statuses, and trouble with a device */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define INTERFACE "iscan"
#include "double_fixture.h"

/* Statuses */

static void
states_are_told(void **state)
{
	struct evcan_bus *bus = watch("0,poll_interval=0.001");
	struct evcan_frame frame = frame_of(1, 0, 1);
	struct evcan_error err = { 0 };

	(void)state;
	/* Each lasts for many reads, and is told once. */
	control("state 0 warning");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(seen.state, EVCAN_STATE_WARNING);
	control("state 0 passive");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(seen.state, EVCAN_STATE_PASSIVE);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	/* Not told any more, it has passed. */
	control("state 0 active");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 3);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	control("state 0 off");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 4);
	assert_int_equal(seen.state, EVCAN_STATE_BUS_OFF);
	control("state 0 active");
	if (evcan_bus_reset(bus, &err) < 0)
		fail_msg("%s", err.text);
	UNTIL(seen.events[EVCAN_BUS_STATE] == 5);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	assert_int_equal(calls("isCAN_DeviceInitEx"), 2);
	end(bus);
}

/* Off the bus, frames wait; a status or a message, one way or the other, says
 * that it is over. */
static void
back_after_bus_off(void **state)
{
	struct evcan_bus *bus, *b = open_now("1");

	(void)state;
	/* Told once: that it is not told again says nothing. */
	control("set iscan_once 1");
	bus = watch("0,poll_interval=0.001");
	control("state 0 off");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	run_for(1200);
	assert_int_equal(seen.events[EVCAN_BUS_STATE], 1);
	send_one(bus, 1);
	expect_nothing(b);
	assert_int_equal(seen.events[EVCAN_BUS_STATE], 1);
	control("state 0 active");
	expect(b, 1);
	UNTIL(seen.events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	control("state 0 off");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 3);
	control("fail isCAN_ReceiveMessageEx 22");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 4);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	control("state 0 active");
	control("fail isCAN_ReceiveMessageEx 17");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 5);
	send_one(b, 2);
	UNTIL(seen.events[EVCAN_BUS_STATE] == 6);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	UNTIL(seen.n == 1);
}

/* Told as long as it lasts: it is over when reads tell it no more, and no
 * sooner. */
static void
bus_off_that_stands_ends(void **state)
{
	struct evcan_bus *bus = watch("0,poll_interval=0.001");
	long reads;

	(void)state;
	/* That frames are taken proves nothing then. */
	control("set iscan_async 1");
	control("state 0 off");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	control("hang isCAN_TransmitMessageEx");
	send_one(bus, 1);
	UNTIL(calls("isCAN_TransmitMessageEx") == 1);
	reads = calls("isCAN_ReceiveMessageEx");
	control("hang isCAN_ReceiveMessageEx");
	control("release");
	UNTIL(calls("isCAN_ReceiveMessageEx") > reads);
	run_for(20);
	control("release");
	run_for(1200);
	assert_int_equal(seen.events[EVCAN_BUS_STATE], 1);
	control("state 0 active");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
}

static void
error_statuses_are_error_frames(void **state)
{
	static const struct {
		const char *misdeed;
		uint32_t id;
	} cases[] = {
		{ "fail isCAN_ReceiveMessageEx 16 5", 0x80 },
		{ "fail isCAN_ReceiveMessageEx 31 1", 0xa0 },
		{ "error 0", 0x80 },
		{ "fail isCAN_ReceiveMessageEx 32 3", 0x80 },
	};
	struct evcan_bus *bus = watch("0,poll_interval=0.001");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].misdeed);
		UNTIL(seen.n > i);
		assert_int_equal(seen.frames[i].flags, EVCAN_FRAME_ERR);
		assert_int_equal(seen.frames[i].id, cases[i].id);
		assert_int_equal(evcan_frame_check(&seen.frames[i], NULL), 0);
		/* Let it be over: frames on the bus make it read. */
		while (calls("isCAN_ReceiveMessageEx") < 20 * (long)(i + 1))
			event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	/* Given again and again, each was told once. */
	assert_int_equal(seen.n, 4);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
	end(bus);
}

/* Sending */

static void
busy_device_is_waited_for(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	a = watch("0");
	b = open_now("1");
	control("fail isCAN_TransmitMessageEx 7 10");
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0, 1);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	for (uint32_t i = 0; i < 20; i++)
		frame = expect(b, 0x100 + i);
	assert_int_equal(calls("isCAN_TransmitMessageEx"), 30);
	/* What waits can be dropped. */
	control("fail isCAN_TransmitMessageEx 7 -1");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	/* The thread has seen it when it has done this. */
	assert_int_equal(evcan_bus_reset(a, NULL), 0);
	control("fail isCAN_TransmitMessageEx 7 0");
	expect_nothing(b);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
	end(a);
	end(b);
}

/* What waits for room is tried now and then, and not all the time. */
static void
busy_device_is_left_alone(void **state)
{
	struct evcan_bus *bus = watch("0,poll_interval=1");
	int64_t began, ms;
	long before;

	(void)state;
	control("fail isCAN_TransmitMessageEx 7 -1");
	send_one(bus, 1);
	UNTIL(calls("isCAN_TransmitMessageEx") >= 5);
	began = evcan_now_monotonic();
	before = calls("isCAN_TransmitMessageEx");
	run_for(100);
	ms = (evcan_now_monotonic() - began) / MS;
	assert_true(calls("isCAN_TransmitMessageEx") - before <= ms + 10);
}

static void
reset_keeps_what_was_received(void **state)
{
	struct evcan_bus *bus = watch("0"), *b = open_now("1");

	(void)state;
	control("hang isCAN_TransmitMessageEx");
	send_one(bus, 1);
	UNTIL(calls("isCAN_TransmitMessageEx") == 1);
	for (uint32_t i = 0; i < 200; i++)
		send_one(b, i);
	UNTIL(calls("isCAN_TransmitMessageEx") == 201);
	assert_int_equal(evcan_bus_reset(bus, NULL), EVCAN_ERR_TIMEOUT);
	control("release");
	UNTIL(calls("isCAN_DeviceInitEx") == 3);
	UNTIL(seen.n >= 200);
	assert_int_equal(seen.n, 200);
	assert_int_equal(seen.lost, 0);
}

static void
refused_frames_are_told(void **state)
{
	static const struct {
		const char *misdeed, *text;
		long vendor;
		size_t frames;
	} cases[] = {
		{ "fail isCAN_TransmitMessageEx 4", "invalid parameter", 4,
		    0 },
		{ "fail isCAN_TransmitMessageEx 30", "send error", 30, 0 },
		{ "fail isCAN_TransmitMessageEx 31", "not acknowledged", 31,
		    1 },
		{ "fail isCAN_TransmitMessageEx 16", "bus error", 16, 2 },
	};
	struct evcan_bus *bus = watch("0");
	struct evcan_frame frame = frame_of(1, 0, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].misdeed);
		assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
		UNTIL(seen.events[EVCAN_BUS_ERROR] == (int)i + 1);
		assert_int_equal(seen.error.vendor, cases[i].vendor);
		assert_non_null(strstr(seen.error.text, cases[i].text));
		UNTIL(seen.n == cases[i].frames);
	}
	assert_int_equal(seen.frames[0].id, 0xa0);
	assert_int_equal(seen.frames[1].id, 0x80);
	/* A passive controller sends all the same. */
	control("fail isCAN_TransmitMessageEx 18");
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(seen.state, EVCAN_STATE_PASSIVE);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 4);
	end(bus);
}

/* Trouble */

static void
unplugging_is_told_in_words(void **state)
{
	static const char *const words[] = { "13", "unplugged" };

	(void)state;
	watch("0");
	control("unplug 0");
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.code, EVCAN_ERR_GONE);
	assert_int_equal(seen.error.vendor, 13);
	says(&seen.error, words, 2);
}

static void
reset_that_fails_is_the_end(void **state)
{
	struct evcan_bus *bus = watch("0");
	struct evcan_error err = { 0 };

	(void)state;
	control("fail isCAN_DeviceInitEx 3");
	assert_true(evcan_bus_reset(bus, &err) < 0);
	assert_non_null(strstr(err.text, "not reset"));
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.vendor, 3);
	UNTIL(seen.events[EVCAN_BUS_OPENED] == 2);
	end(bus);
}

/* A call-back that comes when all is closed finds nobody. */
static void
late_call_finds_nobody(void **state)
{
	struct evcan_bus *bus, *b = open_now("1");
	struct evcan_frame frame = frame_of(1, 0, 1);

	(void)state;
	for (int i = 0; i < 50; i++) {
		bus = open_now("0");
		for (int f = 0; f < 5; f++)
			evcan_bus_send(b, &frame, 1);
		control("fail isCAN_StopMessageHandler 3");
		end(bus);
	}
	end(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(states_are_told), TEST(back_after_bus_off),
		TEST(bus_off_that_stands_ends),
		TEST(error_statuses_are_error_frames),
		TEST(busy_device_is_waited_for),
		TEST(busy_device_is_left_alone),
		TEST(reset_keeps_what_was_received),
		TEST(refused_frames_are_told),
		TEST(unplugging_is_told_in_words),
		TEST(reset_that_fails_is_the_end),
		TEST(late_call_finds_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

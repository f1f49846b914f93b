/* SPDX-License-Identifier: BSD-3-Clause */
/* test_iscan_run.c - isCAN's statuses, and trouble with a device */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "iscan_fixture.h"

/* Statuses */

static void
states_are_told(void **state)
{
	struct evcan_bus *bus = open_watched("0,poll_interval=0.001");
	struct evcan_frame frame = frame_of(1, 0, "x");
	struct evcan_error err = { 0 };

	(void)state;
	/* Each lasts for many reads, and is told once. */
	control("state 0 warning");
	await(events[EVCAN_BUS_STATE] == 1);
	control("state 0 passive");
	await(events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	/* Not told any more, it has passed. */
	control("state 0 active");
	await(events[EVCAN_BUS_STATE] == 3);
	control("state 0 off");
	await(events[EVCAN_BUS_STATE] == 4);
	control("state 0 active");
	/* Bus off does not pass so. */
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_BUS_OFF);
	if (evcan_bus_reset(bus, &err) < 0)
		fail_msg("%s", err.text);
	await(events[EVCAN_BUS_STATE] == 5);
	assert_int_equal(states[0], EVCAN_STATE_WARNING);
	assert_int_equal(states[1], EVCAN_STATE_PASSIVE);
	assert_int_equal(states[2], EVCAN_STATE_ACTIVE);
	assert_int_equal(states[3], EVCAN_STATE_BUS_OFF);
	assert_int_equal(states[4], EVCAN_STATE_ACTIVE);
	assert_int_equal(calls("isCAN_DeviceInitEx"), 2);
	evcan_bus_free(bus);
}

/* Off the bus, frames wait; a status or a message says that it is over. */
static void
back_after_bus_off(void **state)
{
	struct evcan_bus *bus = open_watched("0,poll_interval=0.001");
	struct evcan_bus *b = open_now("1");
	struct evcan_frame frame = frame_of(1, 0, "x");

	(void)state;
	control("state 0 off");
	evcan_bus_send(bus, &frame, 1);
	await(events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 50), 0);
	control("state 0 active");
	/* Both devices are told. */
	control("fail isCAN_ReceiveMessageEx 22 -1");
	await(events[EVCAN_BUS_STATE] == 2);
	control("fail isCAN_ReceiveMessageEx 22 0");
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 5000), 1);
	control("state 0 off");
	await(events[EVCAN_BUS_STATE] == 3);
	control("state 0 active");
	assert_int_equal(evcan_bus_send_wait(b, &frame, 1000), 0);
	await(events[EVCAN_BUS_STATE] == 4);
	assert_int_equal(states[3], EVCAN_STATE_ACTIVE);
	await(n_got == 1);
	evcan_bus_free(bus);
	evcan_bus_free(b);
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
	struct evcan_bus *bus = open_watched("0,poll_interval=0.001");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].misdeed);
		await(n_got > i);
		assert_int_equal(got[i].flags, EVCAN_FRAME_ERR);
		assert_int_equal(got[i].id, cases[i].id);
		assert_int_equal(evcan_frame_check(&got[i], NULL), 0);
		/* Let it be over: frames on the bus make it read. */
		while (calls("isCAN_ReceiveMessageEx") < 20 * (long)(i + 1))
			event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	/* Given again and again, each was told once. */
	assert_int_equal(n_got, 4);
	assert_int_equal(events[EVCAN_BUS_ERROR], 0);
	evcan_bus_free(bus);
}

static void
overrun_is_a_loss(void **state)
{
	struct evcan_bus *bus, *b;
	struct evcan_frame frame = frame_of(1, 0, "x");

	(void)state;
	evcan_bus_free(make(NULL, "0"));
	control("set iscan_queue 10");
	bus = open_watched("0");
	b = open_now("1");
	/* Its reader sleeps in a call while 30 frames come. */
	control("hang isCAN_TransmitMessageEx");
	evcan_bus_send(bus, &frame, 1);
	await(calls("isCAN_TransmitMessageEx") == 1);
	for (int i = 0; i < 30; i++)
		assert_int_equal(evcan_bus_send_wait(b, &frame, 1000), 0);
	await(calls("isCAN_TransmitMessageEx") == 31);
	control("release");
	await(n_got >= 10);
	assert_int_equal(n_got, 10);
	await(lost >= 1);
	assert_int_equal(got_at_loss, 0);
	evcan_bus_free(bus);
	evcan_bus_free(b);
}

/* Sending */

static void
busy_device_is_waited_for(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	a = open_watched("0");
	b = open_now("1");
	control("fail isCAN_TransmitMessageEx 7 10");
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0, "x");
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 5000), 1);
		assert_int_equal(frame.id, 0x100 + i);
	}
	assert_int_equal(calls("isCAN_TransmitMessageEx"), 30);
	/* What waits can be dropped. */
	control("fail isCAN_TransmitMessageEx 7 -1");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	/* The thread has seen it when it has done this. */
	assert_int_equal(evcan_bus_reset(a, NULL), 0);
	control("fail isCAN_TransmitMessageEx 7 0");
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 50), 0);
	assert_int_equal(events[EVCAN_BUS_ERROR], 0);
	evcan_bus_free(a);
	evcan_bus_free(b);
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
	struct evcan_bus *bus = open_watched("0");
	struct evcan_frame frame = frame_of(1, 0, "x");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].misdeed);
		assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
		await(events[EVCAN_BUS_ERROR] == (int)i + 1);
		assert_int_equal(error.vendor, cases[i].vendor);
		assert_non_null(strstr(error.text, cases[i].text));
		await(n_got == cases[i].frames);
	}
	assert_int_equal(got[0].id, 0xa0);
	assert_int_equal(got[1].id, 0x80);
	/* A passive controller sends all the same. */
	control("fail isCAN_TransmitMessageEx 18");
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	await(events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(states[0], EVCAN_STATE_PASSIVE);
	assert_int_equal(events[EVCAN_BUS_ERROR], 4);
	evcan_bus_free(bus);
}

/* Trouble */

static void
unplugged_and_back(void **state)
{
	struct evcan_bus *bus = open_watched("0,reopen_interval=0.02");
	struct evcan_bus *b = open_now("1");
	struct evcan_frame frame = frame_of(1, 0, "x");

	(void)state;
	for (int i = 0; i < 100; i++) {
		evcan_bus_send(bus, &frame, 1);
		evcan_bus_send(b, &frame, 1);
	}
	control("unplug 0");
	await(events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(error.code, EVCAN_ERR_GONE);
	assert_int_equal(error.vendor, 13);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_GONE);
	control("plug 0");
	await(events[EVCAN_BUS_OPENED] == 2);
	n_got = 0;
	assert_int_equal(evcan_bus_send_wait(b, &frame, 1000), 0);
	await(n_got >= 1);
	evcan_bus_free(bus);
	evcan_bus_free(b);
}

static void
reset_that_fails_is_the_end(void **state)
{
	struct evcan_bus *bus = open_watched("0,reopen_interval=0.02");
	struct evcan_error err = { 0 };

	(void)state;
	control("fail isCAN_DeviceInitEx 3");
	assert_true(evcan_bus_reset(bus, &err) < 0);
	assert_non_null(strstr(err.text, "not back"));
	await(events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(error.vendor, 3);
	await(events[EVCAN_BUS_OPENED] == 2);
	evcan_bus_free(bus);
}

static void
hanging_call_is_told(void **state)
{
	static const char *const names[] = { "isCAN_ReceiveMessageEx",
		"isCAN_TransmitMessageEx" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		unsigned before = evcan_vendor_abandoned_();
		struct evcan_frame frame = frame_of(1, 0, "x");
		struct evcan_bus *bus;
		char text[60];
		int64_t began;

		memset(events, 0, sizeof(events));
		bus = open_watched("0,reopen=false");
		evcan_vendor_hang_ns_ = 100 * MS;
		snprintf(text, sizeof(text), "hang %s", names[i]);
		control(text);
		evcan_bus_send(bus, &frame, 1);
		began = evcan_now_monotonic();
		await(events[EVCAN_BUS_CLOSED] == 1);
		assert_true(evcan_now_monotonic() - began < 3000 * MS);
		assert_int_equal(error.code, EVCAN_ERR_TIMEOUT);
		assert_int_equal(evcan_vendor_abandoned_(), before + 1);
		evcan_bus_free(bus);
		evcan_vendor_hang_ns_ = 5000 * MS;
		control("release");
		await(calls("isCAN_CloseDevice") ==
		    calls("isCAN_DeviceInitEx"));
	}
}

/* A call-back that comes when all is closed finds nobody. */
static void
late_call_finds_nobody(void **state)
{
	struct evcan_bus *bus, *b = open_now("1");
	struct evcan_frame frame = frame_of(1, 0, "x");

	(void)state;
	for (int i = 0; i < 50; i++) {
		bus = open_now("0");
		for (int f = 0; f < 5; f++)
			evcan_bus_send(b, &frame, 1);
		control("fail isCAN_StopMessageHandler 3");
		evcan_bus_free(bus);
	}
	evcan_bus_free(b);
}

static void
free_on_frame(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n, void *arg)
{
	(void)frames;
	(void)n;
	evcan_bus_free(bus);
	*(bool *)arg = true;
}

static void
freed_in_a_callback(void **state)
{
	struct evcan_bus *b = open_now("1"), *bus = make(base, "0");
	struct evcan_frame frame = frame_of(1, 0, "x");
	bool freed = false;

	(void)state;
	evcan_bus_set_cb(bus, free_on_frame, NULL, &freed);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	await(evcan_bus_is_open(bus));
	for (int i = 0; i < 20; i++)
		evcan_bus_send(b, &frame, 1);
	await(freed);
	evcan_bus_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(states_are_told), TEST(back_after_bus_off),
		TEST(error_statuses_are_error_frames),
		TEST(overrun_is_a_loss), TEST(busy_device_is_waited_for),
		TEST(refused_frames_are_told), TEST(unplugged_and_back),
		TEST(reset_that_fails_is_the_end),
		TEST(hanging_call_is_told), TEST(late_call_finds_nobody),
		TEST(freed_in_a_callback),
	};

	load_double();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_usb2can_run.c - the usb2can driver: states, losses, trouble */
#include "usb2can_fixture.h"

static void
states_are_told(void **state)
{
	/* By messages, and by looking where there are none. */
	static const char *const specs[] = { A, A ",flags=0" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct evcan_bus *bus = watch(specs[i]);
		struct evcan_error err = { 0 };

		control("state 0 warning");
		UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
		assert_int_equal(seen.state, EVCAN_STATE_WARNING);
		control("state 0 passive");
		UNTIL(seen.events[EVCAN_BUS_STATE] == 2);
		assert_int_equal(seen.state, EVCAN_STATE_PASSIVE);
		control("state 0 off");
		UNTIL(seen.events[EVCAN_BUS_STATE] == 3);
		assert_int_equal(evcan_bus_get_state(bus),
		    EVCAN_STATE_BUS_OFF);
		/* It does not come back by itself: it is opened again. */
		control("state 0 active");
		if (evcan_bus_reset(bus, &err) < 0)
			fail_msg("%s", err.text);
		UNTIL(seen.events[EVCAN_BUS_STATE] == 4);
		assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
		UNTIL(calls("CanalOpen") == 2 * i + 2);
		end(bus);
		forget_seen();
	}
}

static void
mode_can_change(void **state)
{
	struct evcan_bus *a = watch(A), *b = open_now(B);
	struct evcan_frame frame = frame_of(0x123, 0, 1);

	(void)state;
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	UNTIL(calls("CanalOpen") == 3);
	assert_string_equal(opened(), A ";500 9");
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	expect(b, 0x123);
	assert_string_equal(opened(), A ";500 8");
	/* One that does not come back is a lost device. */
	control("fail CanalOpen 0");
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.code, EVCAN_ERR_GONE);
	assert_non_null(strstr(seen.error.text, "flags 0x9"));
	end(a);
	end(b);
}

/* What was received long before it is read: how old it is the device's clock
 * alone tells, which wraps in 100 ms, and is then set back by 230 ms. */
static void
clock_wraps(void **state)
{
	static const struct {
		const char *set;
		int64_t shift_ns;
	} steps[] = { { "set usb2can_tick 0x1fffff9c", 0 },
		{ "set usb2can_tick 0x1ffffeb6", -230 * MS } };
	const struct timespec nap = { 0, 200 * MS };
	struct evcan_usb2can_msg_ msg = { .id = 1, .len = 1 };
	struct evcan_frame frame = frame_of(2, 0, 1);
	struct evcan_bus *a;
	long peer;

	(void)state;
	a = watch(A);
	peer = canal_open(B ";500", 0);
	/* To where the clock will wrap, in steps of less than half of it. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const sets[] = { "set usb2can_tick 1",
			"set usb2can_tick 0x0fffff00",
			"set usb2can_tick 0x1fffff9c" };

		control(sets[i]);
		assert_int_equal(canal_send(peer, &msg), 0);
		UNTIL(seen.n == i + 1);
	}
	nanosleep(&nap, NULL);
	for (long i = 0; i < 2; i++) {
		int64_t before, after, time;

		control(steps[i].set);
		/* Its thread sleeps in a call meanwhile. */
		control("hang CanalSend");
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
		UNTIL(calls("CanalSend") == 2 * i + 4);
		before = evcan_now_unix();
		assert_int_equal(canal_send(peer, &msg), 0);
		after = evcan_now_unix();
		nanosleep(&nap, NULL);
		control("release");
		UNTIL(seen.n == (size_t)i + 4);
		time = seen.frames[i + 3].time_ns - steps[i].shift_ns;
		assert_true(time > before - 50 * MS);
		assert_true(time < after + 100 * MS);
	}
	end(a);
	assert_int_equal(canal_close(peer), 0);
}

/* Losses */

static void
full_list_is_a_loss(void **state)
{
	struct evcan_bus *a = watch(A);
	struct evcan_usb2can_msg_ msg = { .id = 1, .len = 1 };
	struct evcan_frame frame = frame_of(1, 0, 1);
	long peer = canal_open(B ";500", 0);

	(void)state;
	/* Its reader sleeps in a call while more come than the list takes. */
	control("hang CanalSend");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	UNTIL(calls("CanalSend") == 1);
	for (int i = 0; i < 1100; i++)
		assert_int_equal(canal_send(peer, &msg), 0);
	control("release");
	UNTIL(seen.lost > 0);
	/* The newest are dropped, and nobody knows how many. */
	assert_int_equal(seen.n, 1024);
	assert_int_equal(seen.n_at_loss, 1024);
	assert_int_equal(seen.lost, 1);
	assert_int_equal(canal_send(peer, &msg), 0);
	UNTIL(seen.n == 1025);
	assert_int_equal(seen.events[EVCAN_BUS_GAP], 1);
	end(a);
	assert_int_equal(canal_close(peer), 0);
}

/* The list is full between two messages of one read only. */
static void
no_loss_is_silent(void **state)
{
	struct evcan_bus *a = watch(A);
	struct evcan_usb2can_msg_ msg = { .id = 1, .len = 1 };
	long peer = canal_open(B ";500", 0), reads;

	(void)state;
	reads = calls("CanalReceive");
	control("hang CanalReceive");
	assert_int_equal(canal_send(peer, &msg), 0);
	UNTIL(calls("CanalReceive") > reads);
	for (int i = 0; i < 1100; i++)
		assert_int_equal(canal_send(peer, &msg), 0);
	control("release");
	UNTIL(seen.lost > 0);
	assert_int_equal(seen.n, 1025);
	assert_int_equal(seen.n_at_loss, 1025);
	assert_int_equal(seen.lost, 1);
	end(a);
	assert_int_equal(canal_close(peer), 0);
}

static void
overruns_are_counted(void **state)
{
	struct evcan_bus *a = watch(A);

	(void)state;
	control("set usb2can_overruns 5");
	UNTIL(seen.lost == 5);
	/* Told at once when a message says so, and counted once. */
	control("set usb2can_overruns 7");
	control("set usb2can_code 1");
	control("error 0");
	UNTIL(seen.n == 1 && seen.lost >= 12);
	assert_int_equal(seen.lost, 12);
	end(a);
}

/* Neither a reset nor another mode. */
static void
nothing_is_lost_on_the_way(void **state)
{
	struct evcan_bus *a = watch(A);
	struct evcan_usb2can_msg_ msg = { .id = 1, .len = 1 };
	struct evcan_frame frame = frame_of(1, 0, 1);
	long peer = canal_open(B ";500", 0);

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		long before = calls("CanalSend");

		forget_seen();
		control("hang CanalSend");
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
		UNTIL(calls("CanalSend") == before + 1);
		for (int i = 0; i < 300; i++)
			assert_int_equal(canal_send(peer, &msg), 0);
		assert_int_equal(turn == 0 ? evcan_bus_reset(a, NULL) :
		    evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
		control("release");
		UNTIL(calls("CanalOpen") == turn + 3);
		UNTIL(seen.n >= 300);
		assert_int_equal(seen.n, 300);
		assert_int_equal(seen.lost, 0);
	}
	end(a);
	assert_int_equal(canal_close(peer), 0);
}

static void
full_device_is_waited_for(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;
	int n = 0;

	(void)state;
	control("set usb2can_tx 5");
	a = watch(A);
	b = open_now(B);
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0, 1);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	while (n < 5 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	expect_nothing(b);
	control("set usb2can_tx -1");
	while (n < 20 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	assert_int_equal(n, 20);
	/* What waits here can be dropped. */
	control("set usb2can_tx 0");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	control("set usb2can_tx -1");
	expect_nothing(b);
	/* Refused for good: told, with the vendor's code. */
	control("fail CanalSend 5");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.vendor, 5);
	assert_non_null(strstr(seen.error.text, "CANAL_ERROR_CAN_ID"));
	end(a);
	end(b);
}

/* Trouble */

static void
unplugged_and_back(void **state)
{
	static const struct {
		const char *misdeed;
		long vendor;
		const char *words;
	} cases[] = {
		{ "unplug 0", 13, "CanalGetStatus gives 13" },
		{ "fail CanalBlockingReceive 37 -1", 37,
		    "CANAL_ERROR_COMMUNICATION" },
		{ "fail CanalSend 33 -1", 33, "CANAL_ERROR_NOT_OPEN" },
		{ "fail CanalBlockingReceive 99 -1", 99, "UNKNOWN" },
		/* Then it calls everything a success. */
		{ "set usb2can_forget 1", 33, "not valid any more" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_bus *a = watch(A
		    "");
		struct evcan_bus *b = open_now(B);
		struct evcan_frame frame = frame_of(1, 0, 1);

		evcan_bus_set_cb(b, NULL, NULL, NULL);
		for (int k = 0; k < 50; k++) {
			evcan_bus_send(a, &frame, 1);
			evcan_bus_send(b, &frame, 1);
		}
		control(cases[i].misdeed);
		evcan_bus_send(a, &frame, 1);
		UNTIL(seen.events[EVCAN_BUS_ERROR] >= 1);
		assert_int_equal(seen.error.code, EVCAN_ERR_GONE);
		end(b);
		control("reset");
		UNTIL(seen.events[EVCAN_BUS_OPENED] >= 2);
		b = open_now(B);
		seen.n = 0;
		send_frame(b, &frame);
		UNTIL(seen.n >= 1);
		end(a);
		end(b);
		if (seen.error.vendor != cases[i].vendor ||
		    strstr(seen.error.text, cases[i].words) == NULL)
			fail_msg("%s: %ld, %s", cases[i].misdeed,
			    seen.error.vendor, seen.error.text);
		forget_seen();
	}
}

/* The library takes its time, and is well. */
static void
slow_close_is_no_hang(void **state)
{
	unsigned before = evcan_vendor_abandoned_();
	struct evcan_bus *bus = watch(A);

	(void)state;
	control("set usb2can_close_ms 1300");
	end(bus);
	assert_int_equal(evcan_vendor_abandoned_(), before);
	assert_int_equal(calls("CanalClose"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CANAL_TEST(states_are_told),
		CANAL_TEST(mode_can_change),
		CANAL_TEST(clock_wraps),
		CANAL_TEST(nothing_is_lost_on_the_way),
		CANAL_TEST(full_list_is_a_loss),
		CANAL_TEST(no_loss_is_silent),
		CANAL_TEST(overruns_are_counted),
		CANAL_TEST(full_device_is_waited_for),
		CANAL_TEST(unplugged_and_back),
		CANAL_TEST(slow_close_is_no_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

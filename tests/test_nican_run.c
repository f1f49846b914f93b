/* SPDX-License-Identifier: BSD-3-Clause */
/* test_nican_run.c - NI-CAN's states, queues and troubles, on a double */
#include "nican_fixture.h"

/* States and modes */

static void
states_are_told(void **state)
{
	struct evcan_bus *bus = watch("CAN0");
	struct evcan_bus *b = open_now("CAN1");
	struct evcan_frame frame = frame_of(1, 0, 4);
	struct evcan_error err = { 0 };
	long before;

	(void)state;
	control("state 0 warning");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(seen.state, EVCAN_STATE_WARNING);
	control("state 0 off");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(seen.state, EVCAN_STATE_BUS_OFF);
	/* A wait ends at once now, but must not be repeated at once; what is
	 * sent waits. */
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	before = calls("ncWaitForState");
	run_for(200);
	assert_true(calls("ncWaitForState") - before < 400);
	assert_true(evcan_bus_is_open(bus));
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
	control("state 0 active");
	if (evcan_bus_reset(bus, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(calls("ncAction"), 2);
	UNTIL(seen.events[EVCAN_BUS_STATE] == 3);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	frame = receive(b);
	control("fail ncAction 0xBFF62002");
	assert_true(evcan_bus_reset(bus, &err) < 0);
	/* It runs by itself again. */
	control("fail ncAction 0xBFF62007");
	assert_int_equal(evcan_bus_reset(bus, &err), 0);
}

/* Not when it is time to look again, each half second. */
static void
states_are_told_at_once(void **state)
{
	int64_t took[2] = { 0, 0 };

	(void)state;
	watch("CAN0");
	for (int i = 0; i < 8; i++) {
		int64_t began = evcan_now_monotonic();

		control("state 0 passive");
		control("error 0");
		UNTIL(seen.state == EVCAN_STATE_PASSIVE);
		took[0] += evcan_now_monotonic() - began;
		began = evcan_now_monotonic();
		control("state 0 off");
		UNTIL(seen.state == EVCAN_STATE_BUS_OFF);
		took[1] += evcan_now_monotonic() - began;
	}
	assert_true(took[0] < 1000 * MS && took[1] < 1000 * MS);
}

static void
states_of_older_adapters(void **state)
{
	(void)state;
	control("set nican_series 1");
	control("set nican_old 1");
	watch("CAN0");
	control("state 0 passive");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(seen.state, EVCAN_STATE_WARNING);
	control("state 0 off");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(seen.state, EVCAN_STATE_BUS_OFF);
	control("state 0 active");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 3);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
}

/* What goes wrong while they are asked for does not take them away. */
static void
counters_come_back(void **state)
{
	long before;

	(void)state;
	watch("CAN0");
	before = calls("ncGetAttribute");
	control("fail ncGetAttribute 0xBFF62001 6");
	UNTIL(calls("ncGetAttribute") >= before + 9);
	control("state 0 passive");
	UNTIL(seen.state != EVCAN_STATE_ACTIVE);
	assert_int_equal(seen.state, EVCAN_STATE_PASSIVE);
}

static void
mode_can_change(void **state)
{
	const struct evcan_filter one = { 2, 0x7ff, EVCAN_FILTER_STD, false };
	struct evcan_bus *a = make(NULL, "CAN0"), *b = open_now("CAN1");
	struct evcan_frame frame = frame_of(1, 0, 4);

	(void)state;
	evcan_bus_set_filters(a, &one, 1, EVCAN_FILTER_OR, NULL);
	assert_int_equal(evcan_bus_open(a, NULL), 0);
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(attribute(0, NICAN_LISTEN_ONLY), 1);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_NORMAL), 0);
	assert_int_not_equal(attribute(0, NICAN_LISTEN_ONLY), 1);
	/* An older adapter cannot, and goes on as it was. */
	control("set nican_series 1");
	assert_true(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY) < 0);
	assert_int_equal(evcan_bus_get_mode(a), EVCAN_MODE_NORMAL);
	send_frame(a, &frame);
	frame = receive(b);
	evcan_bus_set_filters(a, NULL, 0, EVCAN_FILTER_OR, NULL);
	assert_int_equal(attribute(0, NICAN_MASK_STD), 0);
	assert_int_not_equal(attribute(0, NICAN_LISTEN_ONLY), 1);
	/* One that cannot even do that is gone. */
	control("fail ncOpenObject 0xBFF62121 -1");
	assert_true(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY) < 0);
	assert_true(evcan_bus_recv_wait(a, &frame, 1, 5000) < 0);
}

/* Queues */

static void
full_read_queue_is_a_loss(void **state)
{
	struct evcan_bus *bus = watch("CAN0,read_queue=10");
	struct evcan_bus *a = open_now("CAN1");
	struct evcan_frame frame = frame_of(1, 0, 4);

	(void)state;
	hang_in_write(bus);
	for (int i = 0; i < 30; i++)
		send_frame(a, &frame);
	UNTIL(calls("ncWrite") == 31);
	control("release");
	UNTIL(seen.n >= 10);
	assert_int_equal(seen.n, 10);
	assert_int_equal(seen.lost, 1);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
	send_frame(a, &frame);
	UNTIL(seen.n == 11);
	assert_int_equal(seen.lost, 1);
}

static void
full_write_queue_is_waited_for(void **state)
{
	struct evcan_bus *a = watch("CAN0,write_queue=5");
	struct evcan_bus *b = open_now("CAN1");
	struct evcan_frame frame;
	uint32_t n = 0;

	(void)state;
	control("set nican_hold 1");
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0, 4);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	UNTIL(calls("ncWrite") > 6);
	expect_nothing(b);
	control("set nican_hold 0");
	while (n < 20 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	assert_int_equal(n, 20);
	/* What waits can be dropped, here and in the device, but not what
	 * was received. */
	control("set nican_hold 1");
	for (n = 0; n < 8; n++)
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	assert_int_equal(calls("ncAction"), 2);
	control("set nican_hold 0");
	expect_nothing(b);
	/* Refused for good: told, with the vendor's code. */
	control("fail ncWrite 0xBFF6200A");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	UNTIL(seen.events[EVCAN_BUS_ERROR] >= 1);
	assert_int_equal(seen.error.vendor, (int32_t)0xbff6200a);
	assert_non_null(strstr(seen.error.text, "CanErrNotSupported"));
}

static void
reset_keeps_what_was_received(void **state)
{
	struct evcan_bus *a = watch("CAN0"), *b = open_now("CAN1");
	struct evcan_frame frame = frame_of(1, 0, 4);

	(void)state;
	hang_in_write(a);
	for (int i = 0; i < 200; i++)
		send_frame(b, &frame);
	UNTIL(calls("ncWrite") == 201);
	/* It comes as soon as the first 64 were read. */
	assert_int_equal(evcan_bus_reset(a, NULL), EVCAN_ERR_TIMEOUT);
	control("release");
	UNTIL(calls("ncAction") == 2);
	UNTIL(seen.n >= 200);
	assert_int_equal(seen.n, 200);
	assert_int_equal(seen.lost, 0);
}

/* What was written and cannot be sent any more is told, once. */
static void
dropped_sends_are_told(void **state)
{
	struct evcan_bus *a = watch("CAN0");
	struct evcan_frame frame = frame_of(1, 0, 4);

	(void)state;
	for (int turn = 0; turn < 3; turn++) {
		long before = calls("ncWrite");
		struct outcome outcome = { 0 };

		control("set nican_hold 1");
		for (int i = 0; i < 5; i++)
			assert_int_equal(evcan_bus_send_cb(a, &frame, -1,
			    on_outcome, &outcome), 0);
		UNTIL(calls("ncWrite") == before + 5);
		if (turn == 0)
			assert_int_equal(evcan_bus_reset(a, NULL), 0);
		else if (turn == 1)
			assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
		else
			assert_int_equal(evcan_bus_set_mode(a,
			    EVCAN_MODE_LISTEN_ONLY), 0);
		UNTIL(outcome.told == 5);
		assert_int_equal(outcome.result, EVCAN_ERR_CANCELED);
	}
	/* A reset says what it does; nobody expects it of a mode. */
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.code, EVCAN_ERR_CANCELED);
}

/* A mode waits for what is on its way. */
static void
mode_waits_for_sends(void **state)
{
	struct evcan_bus *a = watch("CAN0"), *b = open_now("CAN1");
	struct evcan_frame frame = frame_of(1, 0, 4);
	struct outcome outcome = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(evcan_bus_send_cb(a, &frame, -1, on_outcome,
		    &outcome), 0);
	UNTIL(calls("ncWrite") == 5);
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	UNTIL(outcome.told == 5);
	assert_int_equal(outcome.result, EVCAN_SENT);
	for (int i = 0; i < 5; i++)
		receive(b);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
}

static void
frames_without_time_come_now(void **state)
{
	struct evcan_bus *a = open_now("CAN1");
	int64_t before = evcan_now_unix();

	(void)state;
	control("set nican_untimed 1");
	watch("CAN0");
	send_one(a, 1);
	UNTIL(seen.n == 1);
	assert_int_equal(seen.frames[0].clock, EVCAN_CLOCK_HOST);
	assert_in_range(seen.frames[0].time_ns, before, evcan_now_unix());
}

/* Trouble */

static void
lasting_trouble_is_told_once(void **state)
{
	struct evcan_bus *a = open_now("CAN1");
	struct evcan_frame frame = frame_of(1, 0, 4);
	long before;

	(void)state;
	watch("CAN0");
	control("fail ncReadMult 0xBFF62117 -1");
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.vendor, (int32_t)0xbff62117);
	assert_non_null(strstr(seen.error.text, "ncReadMult"));
	before = calls("ncReadMult");
	run_for(100);
	assert_true(calls("ncReadMult") - before < 200);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 1);
	control("fail ncReadMult 0 0");
	send_frame(a, &frame);
	UNTIL(seen.n == 1);
	/* Again: that is news. */
	control("fail ncReadMult 0xBFF62117 5");
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 2);
	control("fail ncWaitForState 0xBFF62111 5");
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 3);
	assert_int_equal(seen.error.vendor, (int32_t)0xbff62111);
}

/* Whichever call it is that finds out. */
static void
any_call_sees_a_loss(void **state)
{
	static const char *const names[] = { "ncWaitForState", "ncReadMult",
		"ncGetAttribute", "ncWrite" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct evcan_bus *bus = watch("CAN0,reopen=false");
		char command[60];

		forget_seen();
		snprintf(command, sizeof(command), "fail %s 0xBFF62103",
		    names[i]);
		control(command);
		send_one(bus, 1);
		UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
		assert_int_equal(seen.error.code, EVCAN_ERR_GONE);
		assert_int_equal(seen.error.vendor, (int32_t)0xbff62103);
		assert_non_null(strstr(seen.error.text, names[i]));
		assert_non_null(strstr(seen.error.text,
		    "CanErrFirmwareNoResponse"));
		end(bus);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(states_are_told), TEST(states_are_told_at_once),
		TEST(states_of_older_adapters),
		TEST(mode_can_change), TEST(full_read_queue_is_a_loss),
		TEST(full_write_queue_is_waited_for),
		TEST(reset_keeps_what_was_received),
		TEST(dropped_sends_are_told), TEST(mode_waits_for_sends),
		TEST(counters_come_back),
		TEST(frames_without_time_come_now),
		TEST(lasting_trouble_is_told_once),
		TEST(any_call_sees_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

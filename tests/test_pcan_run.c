/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pcan_run.c - the pcan driver at work, and in misfortune */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pcan_fixture.h"

/* What comes besides frames */

static void
check_states(const char *extra)
{
	static const struct {
		const char *command;
		enum evcan_bus_state state;
	} cases[] = {
		{ "state 0 warning", EVCAN_STATE_WARNING },
		{ "state 0 passive", EVCAN_STATE_PASSIVE },
		{ "state 0 active", EVCAN_STATE_ACTIVE },
		{ "state 0 off", EVCAN_STATE_BUS_OFF },
		{ "state 0 active", EVCAN_STATE_ACTIVE }
	};
	struct evcan_bus *bus = open_with(A, extra);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].command);
		UNTIL(evcan_bus_get_state(bus) == cases[i].state);
	}
	/* A status message is no frame, not even that of 0. */
	assert_int_equal(stats_of(bus).received, 0);
	assert_int_equal(stats_of(bus).state_changes, 5);
	assert_int_equal(evcan_bus_error(bus)->code, 0);
	end(bus);
}

static void
test_states(void **state)
{
	(void)state;
	check_states("");
	control("reset");
	check_states(",fd=true");
	control("reset");
	control("set first_status 1");
	check_states("");
}

/* Without status messages the state is asked for. */
static void
test_state_is_asked_for(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	bus = open_now(A);
	control("set status 0x4000C");
	UNTIL(evcan_bus_get_state(bus) == EVCAN_STATE_PASSIVE);
	control("set status 0");
	UNTIL(evcan_bus_get_state(bus) == EVCAN_STATE_ACTIVE);
	control("fail CAN_GetStatus 0x1400 -1");
	UNTIL(!evcan_bus_is_open(bus));
	end(bus);
}

static void
test_error_frames(void **state)
{
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	bus = open_now(A);
	control("error 0");
	frame = receive(bus);
	assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
	assert_int_equal(frame.id, 0x88 | 0x20 | 0x200);
	assert_int_equal(frame.len, 8);
	assert_int_equal(frame.data[2], 0x80);
	assert_int_equal(frame.data[3], 0x19);
	assert_int_equal(frame.data[6], 34);
	assert_int_equal(frame.data[7], 12);
	end(bus);
}

static void
test_times(void **state)
{
	static const char *const options[] = { "", ",fd=true" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct evcan_bus *a = open_with(A, options[i % 2]);
		struct evcan_bus *b = open_with(B, options[i % 2]);
		int64_t before = evcan_now_unix(), after;
		struct evcan_frame frame;

		if (i == 2)
			control("set boot_time 1");
		send_one(a, 0x123);
		frame = receive(b);
		after = evcan_now_unix();
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		assert_true(frame.time_ns >= before - MS);
		assert_true(frame.time_ns <= after + MS);
		end(a);
		end(b);
	}
}

/* Sending */

static void
test_no_room(void **state)
{
	static const char *const full[] = { "fail CAN_Write 0x80 30",
		"fail CAN_Write 0x1 30", "fail CAN_Write 0x81 30" };
	struct evcan_bus *a, *b;

	(void)state;
	a = open_now(A);
	b = open_now(B);
	for (int i = 0; i < 3; i++) {
		control(full[i]);
		for (uint32_t id = 0; id < 100; id++)
			send_one(a, id);
		for (uint32_t id = 0; id < 100; id++)
			expect(b, id);
	}
	assert_int_equal(stats_of(a).send_failed, 0);
	assert_int_equal(evcan_bus_error(a)->code, 0);
	end(a);
	end(b);
}

static void
test_refused_frame(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	a = open_now(A);
	b = open_now(B);
	control("fail CAN_Write 0x20000");
	send_one(a, 0x111);
	UNTIL(evcan_bus_error(a)->code != 0);
	assert_int_equal(evcan_bus_error(a)->vendor, 0x20000);
	assert_non_null(strstr(evcan_bus_error(a)->text, "ILLDATA"));
	send_one(a, 0x222);
	frame = expect(b, 0x222);
	/* What the device cannot say never gets there. */
	frame = frame_of(1, EVCAN_FRAME_FD, 4);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(a)->text, "fd=true"));
	end(a);
	end(b);
}

/* In neither mode: the library takes an error frame for one with data, and
 * in that of CAN FD a DLC over 8 for more bytes. */
static void
test_what_cannot_be_said(void **state)
{
	static const char *const options[] = { "", ",fd=true" };
	struct evcan_frame frame;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct evcan_bus *bus = open_with(A, options[i]);

		frame = frame_of(0x88, 0, 8);
		frame.flags = EVCAN_FRAME_ERR;
		assert_int_equal(evcan_bus_send(bus, &frame, 1),
		    EVCAN_ERR_INVALID);
		assert_non_null(strstr(evcan_bus_error(bus)->text,
		    "error frames"));
		frame = frame_of(0x88, 0, 8);
		frame.dlc = 12;
		assert_int_equal(evcan_bus_send(bus, &frame, 1),
		    EVCAN_ERR_INVALID);
		assert_non_null(strstr(evcan_bus_error(bus)->text, "DLC"));
		end(bus);
	}
}

/* The library has no call for it: what its thread still holds is dropped. */
static void
test_flush(void **state)
{
	struct evcan_bus *a, *b;

	(void)state;
	a = open_now(A);
	b = open_now(B);
	control("fail CAN_Write 0x80 -1");
	for (uint32_t id = 0x100; id < 0x110; id++)
		send_one(a, id);
	UNTIL(calls("CAN_Write") > 0);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	control("reset");
	send_one(a, 0x200);
	expect(b, 0x200);
	end(a);
	end(b);
}

static void
test_bus_off(void **state)
{
	struct evcan_bus *a, *b;

	(void)state;
	a = open_now(A);
	b = open_now(B);
	control("state 0 off");
	send_one(a, 0x111);
	UNTIL(evcan_bus_get_state(a) == EVCAN_STATE_BUS_OFF);
	expect_nothing(b);
	assert_int_equal(evcan_bus_reset(a, NULL), 0);
	expect(b, 0x111);
	UNTIL(evcan_bus_get_state(a) == EVCAN_STATE_ACTIVE);
	assert_int_equal(value(0, PCAN_HARD_RESET_STATUS), 1);
	end(a);

	a = open_now(A ",auto_reset=true");
	control("state 0 off");
	send_one(a, 0x333);
	expect(b, 0x333);
	UNTIL(evcan_bus_get_state(a) == EVCAN_STATE_ACTIVE);
	assert_true(evcan_bus_is_open(a));
	end(a);
	end(b);
}

static void
test_outcomes(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	bus = open_now(A);
	assert_int_equal(value(0, PCAN_ALLOW_ECHO_FRAMES), 0);
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	assert_int_equal(value(0, PCAN_ALLOW_ECHO_FRAMES), 1);
	assert_int_equal(stats_of(bus).received, 0);
	end(bus);
	/* Firmware that does not echo: taken is all there is to tell. */
	control("set no_echo 1");
	bus = open_now(A);
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_ACCEPTED);
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_ACCEPTED);
	end(bus);
}

/* Filters */

static uint64_t
filter_value(uint32_t code, uint32_t care, uint32_t full)
{
	return (uint64_t)code << 32 | (~care & full);
}

static void
test_filters(void **state)
{
	struct evcan_filter list[2] = {
		{ 0x123, 0x7ff, EVCAN_FILTER_STD, false },
		{ 0x12345678, 0x1fffffff, EVCAN_FILTER_EXT, false }
	};
	const uint64_t all[2] = { 0x7ff, 0x1fffffff };
	struct evcan_bus *bus;

	(void)state;
	bus = open_now(A);
	assert_true(value(0, PCAN_ACCEPTANCE_FILTER_11BIT) == all[0]);
	evcan_bus_set_filters(bus, list, 2, EVCAN_FILTER_OR, NULL);
	UNTIL(value(0, PCAN_ACCEPTANCE_FILTER_29BIT) ==
	    filter_value(0x12345678, 0x1fffffff, 0x1fffffff));
	assert_true(value(0, PCAN_ACCEPTANCE_FILTER_11BIT) ==
	    filter_value(0x123, 0x7ff, 0x7ff));
	/* From here on each is in force when the call returns. */
	list[1] = (struct evcan_filter){ 0x121, 0x7ff, EVCAN_FILTER_STD,
		false };
	evcan_bus_set_filters(bus, list, 2, EVCAN_FILTER_OR, NULL);
	assert_true(value(0, PCAN_ACCEPTANCE_FILTER_11BIT) ==
	    filter_value(0x121, 0x7fd, 0x7ff));
	list[1].inverted = true;
	evcan_bus_set_filters(bus, list, 2, EVCAN_FILTER_OR, NULL);
	assert_true(value(0, PCAN_ACCEPTANCE_FILTER_11BIT) == all[0]);
	assert_true(value(0, PCAN_ACCEPTANCE_FILTER_29BIT) == all[1]);
	evcan_bus_set_filters(bus, list, 1, EVCAN_FILTER_OR, NULL);
	evcan_bus_set_filters(bus, NULL, 0, EVCAN_FILTER_OR, NULL);
	assert_true(value(0, PCAN_ACCEPTANCE_FILTER_11BIT) == all[0]);
	/* Echoes must pass, whatever they are. */
	evcan_bus_set_filters(bus, list, 1, EVCAN_FILTER_OR, NULL);
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	assert_true(value(0, PCAN_ACCEPTANCE_FILTER_11BIT) == all[0]);
	end(bus);
}

/* Control */

static void
test_mode(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	a = open_now(A);
	b = open_now(B);
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(value(0, PCAN_LISTEN_ONLY), 1);
	frame = frame_of(1, 0, 4);
	assert_true(evcan_bus_send(a, &frame, 1) < 0);
	send_one(b, 0x100);
	frame = receive(a);
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_NORMAL), 0);
	send_one(a, 0x200);
	frame = expect(b, 0x200);
	control("fail CAN_SetValue 0x8000000");
	assert_true(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY) < 0);
	assert_int_equal(evcan_bus_get_mode(a), EVCAN_MODE_NORMAL);
	end(a);
	end(b);
}

static void
test_mode_is_kept(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	bus = watch(A);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	control("unplug 0");
	UNTIL(!evcan_bus_is_open(bus));
	control("plug 0");
	UNTIL(evcan_bus_is_open(bus));
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_LISTEN_ONLY);
	assert_int_equal(value(0, PCAN_LISTEN_ONLY), 1);
	/* Also what is asked for while it is away. */
	control("unplug 0");
	UNTIL(!evcan_bus_is_open(bus));
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_NORMAL), 0);
	control("plug 0");
	UNTIL(evcan_bus_is_open(bus));
	assert_int_equal(value(0, PCAN_LISTEN_ONLY), 0);
	end(bus);
}

static void
hold(struct evcan_bus *bus)
{
	long before = calls("CAN_SetValue");

	control("hang CAN_SetValue");
	assert_int_equal(evcan_bus_identify(bus, true), 0);
	UNTIL(calls("CAN_SetValue") > before);
}

/* What came of it is told later if it took too long. */
static void
clear(struct evcan_bus *bus, bool by_reset)
{
	if (by_reset)
		evcan_bus_reset(bus, NULL);
	else
		evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY);
}

static void
be_in_mode(struct evcan_bus *bus, enum evcan_bus_mode mode, bool already)
{
	if (already)
		return;
	UNTIL(evcan_bus_get_mode(bus) != mode);
	evcan_bus_set_mode(bus, mode);
	UNTIL(evcan_bus_get_mode(bus) == mode);
}

/* What the device received and nobody has read yet is not lost, and a send
 * that it forgot is not waited for. */
static void
test_queues_are_emptied(void **state)
{
	struct evcan_pcan_msg_ msg = { .id = 0x10, .len = 8 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct outcome outcome = { 0 };
		struct evcan_frame frame = plain(0x100);
		struct evcan_bus *bus;

		forget_seen();
		bus = watch(A);
		assert_int_equal(initialize(0x52, 0x001C, 0, 0, 0), 0);
		hold(bus);
		for (int n = 0; n < 20; n++)
			assert_int_equal(write_msg(0x52, &msg), 0);
		clear(bus, i == 0);
		control("release");
		UNTIL(seen.n == 20);
		be_in_mode(bus, EVCAN_MODE_NORMAL, i == 0);
		control("set unheard 1");
		assert_int_equal(evcan_bus_send_cb(bus, &frame, -1,
		    on_outcome, &outcome), 0);
		UNTIL(calls("CAN_Write") == 21);
		clear(bus, i == 0);
		UNTIL(outcome.told == 1);
		assert_int_equal(outcome.result, EVCAN_ACCEPTED);
		assert_int_equal(seen.events[EVCAN_BUS_GAP], 0);
		assert_int_equal(uninitialize(0x52), 0);
		end(bus);
		control("reset");
	}
}

/* The queue is full when its echo comes. */
static void
test_lost_echo(void **state)
{
	struct evcan_pcan_msg_ msg = { .id = 0x10, .len = 8 };
	struct evcan_frame frame = plain(0x100);
	struct outcome outcome = { 0 };
	struct evcan_bus *bus;

	(void)state;
	bus = watch(A);
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	assert_int_equal(initialize(0x52, 0x001C, 0, 0, 0), 0);
	hold(bus);
	for (int n = 0; n < 2500; n++)
		assert_int_equal(write_msg(0x52, &msg), 0);
	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, on_outcome,
	    &outcome), 0);
	control("release");
	UNTIL(outcome.told == 1);
	assert_int_equal(outcome.result, EVCAN_ACCEPTED);
	assert_int_equal(seen.n, 2000);
	assert_int_equal(seen.events[EVCAN_BUS_GAP], 1);
	assert_int_equal(uninitialize(0x52), 0);
	end(bus);
}

/* It takes as long as it likes, in the thread; and that is no hang. */
static void
test_identify(void **state)
{
	struct evcan_bus *bus;
	int64_t start;

	(void)state;
	bus = open_now(A);
	control("set identify_ms 1500");
	evcan_vendor_hang_ns_ = 1000 * MS;
	start = evcan_now_monotonic();
	assert_int_equal(evcan_bus_identify(bus, true), 0);
	assert_true(evcan_now_monotonic() - start < 1000 * MS);
	UNTIL(calls("flashed") == 1);
	assert_true(evcan_now_monotonic() - start >= 1400 * MS);
	assert_true(evcan_bus_is_open(bus));
	assert_int_equal(stats_of(bus).opens, 1);
	assert_int_equal(evcan_bus_identify(bus, false), 0);
	send_one(bus, 1);
	end(bus);
}

/* Misfortune */

static void
test_bad_reads(void **state)
{
	struct evcan_pcan_msg_ msg = { .id = 0x42, .len = 8 };
	struct evcan_bus *bus;

	(void)state;
	bus = open_now(A ",reopen=false");
	assert_int_equal(initialize(0x52, 0x001C, 0, 0, 0), 0);
	/* Now and then is nothing much: something was not valid. */
	for (int i = 0; i < 10; i++) {
		control("fail CAN_Read 0x20000 5");
		assert_int_equal(write_msg(0x52, &msg), 0);
		receive(bus);
	}
	UNTIL(evcan_bus_error(bus)->vendor == 0x20000);
	assert_true(evcan_bus_is_open(bus));
	/* For ever is the end. */
	control("fail CAN_Read 0x20000 -1");
	UNTIL(!evcan_bus_is_open(bus));
	assert_int_equal(evcan_bus_error(bus)->code, EVCAN_ERR_GONE);
	assert_int_equal(evcan_bus_error(bus)->vendor, 0x20000);
	assert_int_equal(uninitialize(0x52), 0);
	end(bus);
}

/* Nobody acknowledges: what waits to be sent is not waited for. */
static void
test_close_when_passive(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	bus = open_now(A);
	control("state 0 passive");
	UNTIL(evcan_bus_get_state(bus) == EVCAN_STATE_PASSIVE);
	end(bus);
	assert_int_equal(calls("CAN_Reset"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PCAN_TEST(test_states),
		PCAN_TEST(test_state_is_asked_for),
		PCAN_TEST(test_error_frames),
		PCAN_TEST(test_times),
		PCAN_TEST(test_no_room),
		PCAN_TEST(test_refused_frame),
		PCAN_TEST(test_what_cannot_be_said),
		PCAN_TEST(test_flush),
		PCAN_TEST(test_bus_off),
		PCAN_TEST(test_outcomes),
		PCAN_TEST(test_filters),
		PCAN_TEST(test_mode),
		PCAN_TEST(test_mode_is_kept),
		PCAN_TEST(test_queues_are_emptied),
		PCAN_TEST(test_lost_echo),
		PCAN_TEST(test_identify),
		PCAN_TEST(test_bad_reads),
		PCAN_TEST(test_close_when_passive)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

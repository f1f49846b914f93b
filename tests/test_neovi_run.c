/* SPDX-License-Identifier: BSD-3-Clause */
/* test_neovi_run.c - the neovi driver at work, and in misfortune */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "neovi_fixture.h"

/* Receiving */

static void
check_age(const struct evcan_frame *frame, int64_t before,
    enum evcan_clock_source clock)
{
	assert_int_equal(frame->clock, clock);
	assert_true(frame->time_ns >= before - MS);
	assert_true(frame->time_ns <= evcan_now_unix() + MS);
}

/* Clocks of 25 ns, of 10 ns never set, of a function, and our own. */
static void
test_times(void **state)
{
	static const char *const specs[] = { B, A, A,
		B ",use_system_timestamp=true" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct evcan_bus *a = open_now(i == 0 || i == 3 ? A : B);
		struct evcan_bus *b = open_now(specs[i]);
		struct evcan_frame first, second;
		int64_t before = evcan_now_unix();

		control(i == 2 ? "set slow_ticks 1" : "set slow_ticks 0");
		send_one(a, 1);
		first = receive(b);
		check_age(&first, before, i == 3 ? EVCAN_CLOCK_HOST :
		    EVCAN_CLOCK_HARDWARE);
		before = evcan_now_unix();
		send_one(a, 2);
		second = receive(b);
		check_age(&second, before, first.clock);
		assert_int_equal(calls("icsneoGetTimeStampForMsg") > 0,
		    i >= 2);
		end(a);
		end(b);
	}
}

static void
test_error_frames_and_states(void **state)
{
	static const struct {
		const char *command;
		enum evcan_bus_state state;
		uint32_t id;
	} cases[] = {
		{ "state 0 warning", EVCAN_STATE_WARNING, 0x84 },
		{ "state 0 passive", EVCAN_STATE_PASSIVE, 0x84 },
		{ "state 0 off", EVCAN_STATE_BUS_OFF, 0xc0 },
		{ "state 0 active", EVCAN_STATE_ACTIVE, 0x180 }
	};
	struct evcan_frame frame;
	struct evcan_bus *bus;

	(void)state;
	bus = open_now(A);
	control("error 0");
	frame = receive(bus);
	assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
	assert_int_equal(frame.id, 0x88);
	assert_int_equal(frame.data[2], 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].command);
		frame = receive(bus);
		assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame.id, cases[i].id);
		UNTIL(evcan_bus_get_state(bus) == cases[i].state ||
		    evcan_bus_recv(bus, &frame, 1) > 0);
		assert_int_equal(evcan_bus_get_state(bus), cases[i].state);
	}
	end(bus);
}

/* Waits that end early, and that do not end when something comes. */
static void
test_waits(void **state)
{
	static const char *const modes[] = { "set empty_wake 1",
		"set deaf 1" };
	struct evcan_bus *a, *b;

	(void)state;
	for (int i = 0; i < 2; i++) {
		a = open_now(A);
		b = open_now(B);
		control(modes[i]);
		for (uint32_t id = 0; id < 50; id++) {
			send_one(a, id);
			expect(b, id);
		}
		end(a);
		end(b);
		control("reset");
	}
}

/* More than one reading takes, and no data of the next one. */
static void
test_many_at_once(void **state)
{
	struct evcan_frame frame = frame_of(1, EVCAN_FRAME_FD, 64);
	struct evcan_bus *a, *b;
	long before;

	(void)state;
	a = open_now(A ",fd=true");
	b = open_now(B ",fd=true");
	/* One of them, while the other goes on: either takes 200 frames
	 * without its thread. */
	control("hang icsneoWaitForRxMessagesWithTimeOut");
	before = calls("icsneoWaitForRxMessagesWithTimeOut");
	UNTIL(calls("icsneoWaitForRxMessagesWithTimeOut") > before);
	for (uint32_t id = 0; id < 1000; id++) {
		frame.id = id;
		if (id == 200)
			control("release");
		send_frame(a, &frame);
	}
	for (uint32_t id = 0; id < 1000; id++) {
		frame = expect(b, id);
		assert_int_equal(frame.len, 64);
		assert_int_equal(frame.data[9], 10);
		assert_int_equal(frame.data[63], 64);
	}
	end(a);
	end(b);
}

static void
test_losses_and_messages(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	a = open_now(A);
	b = open_now(B);
	control("set overflow 1");
	send_one(a, 1);
	frame = receive(b);
	UNTIL(evcan_bus_recv(b, &frame, 1) == 0 &&
	    evcan_bus_recv(a, &frame, 1) == 0 &&
	    stats_of(a).lost_device + stats_of(b).lost_device > 0);
	assert_int_equal(evcan_bus_error(a)->code, 0);
	assert_int_equal(evcan_bus_error(b)->code, 0);
	control("set errors 1");
	UNTIL(evcan_bus_recv(b, &frame, 1) == 0 &&
	    evcan_bus_recv(a, &frame, 1) == 0 &&
	    (evcan_bus_error(a)->code != 0 || evcan_bus_error(b)->code != 0));
	if (evcan_bus_error(b)->code == 0)
		b = a;
	assert_int_equal(evcan_bus_error(b)->vendor, 77);
	assert_non_null(strstr(evcan_bus_error(b)->text,
	    "the double's error 77"));
	assert_true(evcan_bus_is_open(b));
}

/* Networks */

static void
test_several_networks(void **state)
{
	struct evcan_bus *a, *b, *c;
	struct evcan_frame frame;
	int mscan = evcan_channel_intern("MSCAN");

	(void)state;
	a = open_now("HSCAN+MSCAN,serial=AB0001,bitrate=500000,"
	    "receive_own_messages=false");
	assert_int_equal(calls("icsneoSetBitRateEx"), 2);
	assert_non_null(strstr(evcan_bus_channel_info(a), "networks 1, 2"));
	b = open_now("MSCAN,serial=123456,receive_own_messages=false");
	/* Which one must be said. */
	frame = frame_of(0x10, 0, 4);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(a)->text, "HSCAN+MSCAN"));
	frame.channel = (uint16_t)mscan;
	send_frame(a, &frame);
	frame = expect(b, 0x10);
	assert_int_equal(frame.channel, mscan);
	send_one(b, 0x20);
	frame = expect(a, 0x20);
	assert_int_equal(frame.channel, mscan);
	end(b);
	/* What is of other networks is nobody's. */
	c = open_now(B);
	frame = frame_of(0x30, 0, 4);
	frame.channel = (uint16_t)mscan;
	send_frame(a, &frame);
	frame.channel = (uint16_t)evcan_channel_intern("HSCAN");
	frame.id = 0x31;
	send_frame(a, &frame);
	frame = expect(c, 0x31);
}

/* Sending */

static void
test_reports(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	bus = open_now(A);
	control("set report_ms 30");
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	control("set fail_tx 1");
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_ERR_OPERATION);
	assert_non_null(strstr(evcan_bus_error(bus)->text, "frame 77"));
	control("set fail_tx 0");
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	assert_int_equal(stats_of(bus).received, 0);
	assert_int_equal(stats_of(bus).send_failed, 1);
	/* The device's descriptions are 1 to 32767. */
	control("set report_ms 0");
	for (int i = 0; i < 33000; i++)
		send_one(bus, 1);
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	end(bus);
}

/* Somebody else sends by the same device. */
static void
test_foreign_reports(void **state)
{
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	bus = open_now("HSCAN");
	control("set foreign_tx 1");
	send_one(bus, 5);
	frame = receive(bus);
	assert_int_equal(frame.dir, EVCAN_DIR_TX);
	assert_false(frame.flags & EVCAN_FRAME_ECHO);
	end(bus);
	bus = open_now(A);
	send_one(bus, 6);
	expect_nothing(bus);
	assert_int_equal(stats_of(bus).confirmed, 0);
	end(bus);
}

static void
test_no_room(void **state)
{
	struct evcan_bus *a, *b;

	(void)state;
	a = open_now(A);
	b = open_now(B);
	control("set room 3");
	for (uint32_t id = 0; id < 100; id++)
		send_one(a, id);
	for (uint32_t id = 0; id < 100; id++)
		expect(b, id);
	assert_int_equal(stats_of(a).send_failed, 0);
	assert_int_equal(evcan_bus_error(a)->code, 0);
	end(a);
	end(b);
}

static void
test_refused_frames(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	a = open_now(A);
	b = open_now(B);
	control("fail icsneoTxMessages 0x2021");
	assert_int_equal(outcome_of(a, 0x77), EVCAN_ERR_UNSUPPORTED);
	assert_int_equal(evcan_bus_error(a)->vendor, 0x2021);
	assert_non_null(strstr(evcan_bus_error(a)->text, "RTRNotSupported"));
	/* libicsneo has a number that says that there is none. */
	control("fail icsneoTxMessages 0");
	assert_int_equal(outcome_of(a, 0x77), EVCAN_ERR_OPERATION);
	assert_int_equal(evcan_bus_error(a)->vendor, 0);
	assert_non_null(strstr(evcan_bus_error(a)->text, "no reason"));
	send_one(a, 0x222);
	frame = expect(b, 0x222);
	/* What the device cannot say never gets there. */
	frame = frame_of(1, EVCAN_FRAME_FD, 4);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(a)->text, "fd=true"));
	frame = frame_of(1, 0, 8);
	frame.dlc = 9;
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	end(a);
	end(b);
}

static void
test_bus_off_and_reset(void **state)
{
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	bus = open_now(A);
	control("state 0 off");
	UNTIL(evcan_bus_recv(bus, &frame, 1) >= 0 &&
	    evcan_bus_get_state(bus) == EVCAN_STATE_BUS_OFF);
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_ERR_OPERATION);
	assert_int_equal(evcan_bus_reset(bus, NULL), 0);
	assert_int_equal(calls("icsneoEnableNetworkCom"), 2);
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	UNTIL(evcan_bus_recv(bus, &frame, 1) >= 0 &&
	    evcan_bus_get_state(bus) == EVCAN_STATE_ACTIVE);
	control("fail icsneoEnableNetworkCom 0x2018");
	assert_true(evcan_bus_reset(bus, NULL) < 0);
	end(bus);
}

/* Misfortune */

static long
looks(void)
{
	return calls("icsneo_getDeviceEvents");
}

/* By an event: for the library the handle stays as good as it was. And by an
 * invalid handle. */
static void
test_unplugged(void **state)
{
	static const struct {
		const char *command;
		long vendor;
	} cases[] = { { "set stays_valid 1", 0x2022 },
		{ "set stays_valid 0", 0x1000 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct evcan_bus *a = watch(A), *b = open_now(B);
		struct evcan_frame frame;
		long looked;

		control(cases[i].command);
		control("unplug 0");
		UNTIL(!evcan_bus_is_open(a));
		assert_int_equal(seen.error.code, EVCAN_ERR_GONE);
		assert_int_equal(seen.error.vendor, cases[i].vendor);
		control("plug 0");
		UNTIL(evcan_bus_is_open(a));
		/* What is left of the old events means nothing any more. */
		looked = looks();
		UNTIL(looks() >= looked + 4 &&
		    evcan_bus_recv(b, &frame, 1) == 0);
		assert_true(evcan_bus_is_open(a));
		assert_int_equal(seen.events[EVCAN_BUS_ERROR], 1);
		send_one(b, 0x456);
		UNTIL(seen.n == 1);
		/* A search would have harmed the other one. */
		assert_int_equal(calls("icsneoFindDevices"), 1);
		end(a);
		end(b);
		control("reset");
		forget_seen();
	}
}

/* It takes some, and then none, and gives no reason. */
static void
test_unplugged_while_sending(void **state)
{
	struct evcan_frame frame = plain(5);
	struct outcome outcome = { 0 };
	struct evcan_bus *bus;

	(void)state;
	bus = watch(A ",reopen=false");
	control("unplug 0");
	for (int i = 0; i < 200; i++)
		evcan_bus_send_cb(bus, &frame, -1, on_outcome, &outcome);
	UNTIL(outcome.told == 200 && !evcan_bus_is_open(bus));
	assert_int_equal(outcome.result, EVCAN_ERR_GONE);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 1);
	assert_int_equal(seen.error.vendor, 0x2022);
	assert_int_equal(stats_of(bus).lost_queue, 0);
	end(bus);
}

/* A handle is not found for a moment, while the library's lists change. */
static void
test_doubtful_handle(void **state)
{
	struct evcan_bus *bus;
	long before;

	(void)state;
	bus = watch(A ",reopen=false");
	before = calls("icsneoValidateHObject");
	control("fail icsneoValidateHObject 0 1");
	UNTIL(calls("icsneoValidateHObject") >= before + 4);
	control("fail icsneoGetMessages 0x1000 2");
	before = calls("icsneoGetMessages");
	UNTIL(calls("icsneoGetMessages") >= before + 4);
	control("fail icsneoTxMessages 0x1000 2");
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	assert_true(evcan_bus_is_open(bus));
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
	end(bus);
}

static void
test_bad_reads(void **state)
{
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	bus = open_now(A ",reopen=false");
	control("fail icsneoGetMessages 0x3000 3");
	UNTIL(evcan_bus_recv(bus, &frame, 1) == 0 &&
	    evcan_bus_error(bus)->vendor == 0x3000);
	send_one(bus, 1);
	assert_true(evcan_bus_is_open(bus));
	control("fail icsneoGetMessages 0x3000 -1");
	UNTIL(!evcan_bus_is_open(bus));
	assert_int_equal(evcan_bus_error(bus)->code, EVCAN_ERR_GONE);
	assert_int_equal(evcan_bus_error(bus)->vendor, 0x3000);
	end(bus);
	control("reset");
	bus = open_now(A ",reopen=false");
	control("fail icsneoValidateHObject 0 -1");
	UNTIL(!evcan_bus_is_open(bus));
	end(bus);
}

/* In what others do not call. */
static void
test_hangs(void **state)
{
	static const char *const hangs[] = { "hang icsneoValidateHObject",
		"hang icsneo_getDeviceEvents" };
	unsigned before = evcan_vendor_abandoned_();

	(void)state;
	evcan_vendor_hang_ns_ = 200 * MS;
	for (int i = 0; i < 2; i++) {
		struct evcan_bus *bus = open_now(A ",reopen=false");

		control(hangs[i]);
		UNTIL(!evcan_bus_is_open(bus));
		assert_int_equal(evcan_bus_error(bus)->code,
		    EVCAN_ERR_TIMEOUT);
		end(bus);
		assert_int_equal(evcan_vendor_abandoned_() - before, i + 1);
		control("release");
		UNTIL(calls("icsneoFreeObject") >= i + 1);
	}
}

/* The library has one buffer for all devices. Who hangs in there has it for
 * as long as a call may take; then others read again, and were never told to
 * hang themselves. */
static void
test_a_hung_reading_holds_up_nobody(void **state)
{
	struct evcan_bus *a, *b, *well;
	long before;

	(void)state;
	a = begin(A ",reopen=false");
	b = begin(B ",reopen=false");
	/* Both are there before a call may be short. */
	assert_int_equal(outcome_of(a, 1), EVCAN_SENT);
	assert_int_equal(outcome_of(b, 1), EVCAN_SENT);
	evcan_vendor_hang_ns_ = 1000 * MS;
	run_for(20);
	control("hang icsneoGetMessages");
	UNTIL(!evcan_bus_is_open(a) || !evcan_bus_is_open(b));
	evcan_vendor_hang_ns_ = 60000 * MS;
	well = evcan_bus_is_open(a) ? a : b;
	assert_true(evcan_bus_is_open(well));
	assert_int_equal(outcome_of(well, 2), EVCAN_SENT);
	before = calls("icsneoFreeObject");
	/* What the other one still gets is no frames of anybody. */
	control("release");
	UNTIL(calls("icsneoFreeObject") > before);
	assert_int_equal(outcome_of(well, 3), EVCAN_SENT);
	end(a);
	end(b);
}

static void
test_a_hung_search_holds_up_nobody(void **state)
{
	struct evcan_bus *a, *b;

	(void)state;
	a = make(base, A ",reopen=false");
	evcan_vendor_hang_ns_ = 100 * MS;
	control("hang icsneoFindDevices");
	assert_int_equal(evcan_bus_open(a, NULL), 0);
	UNTIL(evcan_bus_error(a)->code == EVCAN_ERR_TIMEOUT);
	evcan_vendor_hang_ns_ = 60000 * MS;
	b = watch(B);
	assert_int_equal(outcome_of(b, 1), EVCAN_SENT);
	/* When it goes on it harms the handle of the other one, which is
	 * opened anew, and what it has found comes too late. */
	control("release");
	UNTIL(seen.events[EVCAN_BUS_OPENED] == 2);
	assert_int_equal(outcome_of(b, 1), EVCAN_SENT);
	end(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_times),
		TEST(test_error_frames_and_states),
		TEST(test_waits),
		TEST(test_many_at_once),
		TEST(test_losses_and_messages),
		TEST(test_several_networks),
		TEST(test_reports),
		TEST(test_foreign_reports),
		TEST(test_no_room),
		TEST(test_refused_frames),
		TEST(test_bus_off_and_reset),
		TEST(test_unplugged),
		TEST(test_unplugged_while_sending),
		TEST(test_doubtful_handle),
		TEST(test_bad_reads),
		TEST(test_hangs),
		TEST(test_a_hung_reading_holds_up_nobody),
		TEST(test_a_hung_search_holds_up_nobody)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_neovi_run.c - the neovi driver at work, and in misfortune */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <dirent.h>
#include <unistd.h>

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
	need_double();
	for (int i = 0; i < 4; i++) {
		struct evcan_bus *a = open_one(i == 0 || i == 3 ? A : B);
		struct evcan_bus *b = open_one(specs[i]);
		struct evcan_frame first, second;
		int64_t before = evcan_now_unix();

		control(i == 2 ? "set slow_ticks 1" : "set slow_ticks 0");
		send_one(a, 1);
		receive(b, &first);
		check_age(&first, before, i == 3 ? EVCAN_CLOCK_HOST :
		    EVCAN_CLOCK_HARDWARE);
		before = evcan_now_unix();
		send_one(a, 2);
		receive(b, &second);
		check_age(&second, before, first.clock);
		assert_int_equal(calls("icsneoGetTimeStampForMsg") > 0,
		    i >= 2);
		put_away(a);
		put_away(b);
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
	need_double();
	bus = open_one(A);
	control("error 0");
	receive(bus, &frame);
	assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
	assert_int_equal(frame.id, 0x88);
	assert_int_equal(frame.data[2], 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].command);
		receive(bus, &frame);
		assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame.id, cases[i].id);
		WAIT_FOR(bus, evcan_bus_get_state(bus) == cases[i].state ||
		    evcan_bus_recv(bus, &frame, 1) > 0);
		assert_int_equal(evcan_bus_get_state(bus), cases[i].state);
	}
	put_away(bus);
}

/* Waits that end early, and that do not end when something comes. */
static void
test_waits(void **state)
{
	static const char *const modes[] = { "set empty_wake 1",
		"set deaf 1" };
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	need_double();
	for (int i = 0; i < 2; i++) {
		a = open_one(A);
		b = open_one(B);
		control(modes[i]);
		for (uint32_t id = 0; id < 50; id++) {
			send_one(a, id);
			receive(b, &frame);
			assert_int_equal(frame.id, id);
		}
		put_away(a);
		put_away(b);
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
	need_double();
	a = open_one(A ",fd=true");
	b = open_one(B ",fd=true");
	/* One of them, while the other goes on: either takes 200 frames
	 * without its thread. */
	control("hang icsneoWaitForRxMessagesWithTimeOut");
	before = calls("icsneoWaitForRxMessagesWithTimeOut");
	WAIT_FOR(b, calls("icsneoWaitForRxMessagesWithTimeOut") > before);
	for (uint32_t id = 0; id < 1000; id++) {
		frame.id = id;
		if (id == 200)
			control("release");
		assert_int_equal(evcan_bus_send_wait(a, &frame, 5000), 0);
	}
	for (uint32_t id = 0; id < 1000; id++) {
		receive(b, &frame);
		assert_int_equal(frame.id, id);
		assert_int_equal(frame.len, 64);
		assert_int_equal(frame.data[9], 10);
		assert_int_equal(frame.data[63], 99);
	}
	put_away(a);
	put_away(b);
}

static void
test_losses_and_messages(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	need_double();
	a = open_one(A);
	b = open_one(B);
	control("set overflow 1");
	send_one(a, 1);
	receive(b, &frame);
	WAIT_FOR(b, evcan_bus_recv(b, &frame, 1) == 0 &&
	    evcan_bus_recv(a, &frame, 1) == 0 &&
	    stats_of(a).lost_device + stats_of(b).lost_device > 0);
	assert_int_equal(evcan_bus_error(a)->code, 0);
	assert_int_equal(evcan_bus_error(b)->code, 0);
	control("set errors 1");
	WAIT_FOR(b, evcan_bus_recv(b, &frame, 1) == 0 &&
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
	need_double();
	a = open_one("HSCAN+MSCAN,serial=AB0001,bitrate=500000,"
	    "receive_own_messages=false");
	assert_int_equal(calls("icsneoSetBitRateEx"), 2);
	assert_non_null(strstr(evcan_bus_channel_info(a), "networks 1, 2"));
	b = open_one("MSCAN,serial=123456,receive_own_messages=false");
	/* Which one must be said. */
	frame = frame_of(0x10, 0, 4);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(a)->text, "HSCAN+MSCAN"));
	frame.channel = (uint16_t)mscan;
	assert_int_equal(evcan_bus_send_wait(a, &frame, 5000), 0);
	receive(b, &frame);
	assert_int_equal(frame.id, 0x10);
	assert_int_equal(frame.channel, mscan);
	send_one(b, 0x20);
	receive(a, &frame);
	assert_int_equal(frame.id, 0x20);
	assert_int_equal(frame.channel, mscan);
	put_away(b);
	/* What is of other networks is nobody's. */
	c = open_one(B);
	frame = frame_of(0x30, 0, 4);
	frame.channel = (uint16_t)mscan;
	assert_int_equal(evcan_bus_send_wait(a, &frame, 5000), 0);
	frame.channel = (uint16_t)evcan_channel_intern("HSCAN");
	frame.id = 0x31;
	assert_int_equal(evcan_bus_send_wait(a, &frame, 5000), 0);
	receive(c, &frame);
	assert_int_equal(frame.id, 0x31);
}

/* Sending */

struct outcome {
	int told, result;
};

static void
on_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	struct outcome *outcome = arg;

	(void)bus;
	(void)frame;
	outcome->told++;
	outcome->result = result;
}

static int
outcome_of(struct evcan_bus *bus)
{
	struct outcome outcome = { 0 };
	struct evcan_frame frame = frame_of(0x77, 0, 4);

	assert_int_equal(evcan_bus_send_cb(bus, &frame, 5000, on_sent,
	    &outcome), 0);
	WAIT_FOR(bus, outcome.told > 0 || evcan_bus_recv(bus, &frame, 1) < 0);
	assert_int_equal(outcome.told, 1);
	return outcome.result;
}

static void
test_reports(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	need_double();
	bus = open_one(A);
	control("set report_ms 30");
	assert_int_equal(outcome_of(bus), EVCAN_SENT);
	control("set fail_tx 1");
	assert_int_equal(outcome_of(bus), EVCAN_ERR_OPERATION);
	assert_non_null(strstr(evcan_bus_error(bus)->text, "frame 77"));
	control("set fail_tx 0");
	assert_int_equal(outcome_of(bus), EVCAN_SENT);
	assert_int_equal(stats_of(bus).received, 0);
	assert_int_equal(stats_of(bus).send_failed, 1);
	/* The device's descriptions are 1 to 32767. */
	control("set report_ms 0");
	for (int i = 0; i < 33000; i++)
		send_one(bus, 1);
	assert_int_equal(outcome_of(bus), EVCAN_SENT);
	put_away(bus);
}

/* Somebody else sends by the same device. */
static void
test_foreign_reports(void **state)
{
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	need_double();
	bus = open_one("HSCAN");
	control("set foreign_tx 1");
	send_one(bus, 5);
	receive(bus, &frame);
	assert_int_equal(frame.dir, EVCAN_DIR_TX);
	assert_false(frame.flags & EVCAN_FRAME_ECHO);
	put_away(bus);
	bus = open_one(A);
	send_one(bus, 6);
	assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 50), 0);
	assert_int_equal(stats_of(bus).confirmed, 0);
	put_away(bus);
}

static void
test_no_room(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	need_double();
	a = open_one(A);
	b = open_one(B);
	control("set room 3");
	for (uint32_t id = 0; id < 100; id++)
		send_one(a, id);
	for (uint32_t id = 0; id < 100; id++) {
		receive(b, &frame);
		assert_int_equal(frame.id, id);
	}
	assert_int_equal(stats_of(a).send_failed, 0);
	assert_int_equal(evcan_bus_error(a)->code, 0);
	put_away(a);
	put_away(b);
}

static void
test_refused_frames(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	need_double();
	a = open_one(A);
	b = open_one(B);
	control("fail icsneoTxMessages 0x2021");
	assert_int_equal(outcome_of(a), EVCAN_ERR_UNSUPPORTED);
	assert_int_equal(evcan_bus_error(a)->vendor, 0x2021);
	assert_non_null(strstr(evcan_bus_error(a)->text, "RTRNotSupported"));
	control("fail icsneoTxMessages 0");
	assert_int_equal(outcome_of(a), EVCAN_ERR_OPERATION);
	send_one(a, 0x222);
	receive(b, &frame);
	assert_int_equal(frame.id, 0x222);
	/* What the device cannot say never gets there. */
	frame = frame_of(1, EVCAN_FRAME_FD, 4);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(a)->text, "fd=true"));
	frame = frame_of(1, 0, 8);
	frame.dlc = 9;
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	put_away(a);
	put_away(b);
}

static void
test_bus_off_and_reset(void **state)
{
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	need_double();
	bus = open_one(A);
	control("state 0 off");
	WAIT_FOR(bus, evcan_bus_recv(bus, &frame, 1) >= 0 &&
	    evcan_bus_get_state(bus) == EVCAN_STATE_BUS_OFF);
	assert_int_equal(outcome_of(bus), EVCAN_ERR_OPERATION);
	assert_int_equal(evcan_bus_reset(bus, NULL), 0);
	assert_int_equal(calls("icsneoEnableNetworkCom"), 2);
	assert_int_equal(outcome_of(bus), EVCAN_SENT);
	WAIT_FOR(bus, evcan_bus_recv(bus, &frame, 1) >= 0 &&
	    evcan_bus_get_state(bus) == EVCAN_STATE_ACTIVE);
	control("fail icsneoEnableNetworkCom 0x2018");
	assert_true(evcan_bus_reset(bus, NULL) < 0);
	put_away(bus);
}

/* Misfortune */

static void
test_unplug(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame = frame_of(5, 0, 4);

	(void)state;
	need_double();
	a = open_one(A);
	b = open_one(B);
	for (int i = 0; i < 200; i++) {
		evcan_bus_send(a, &frame, 1);
		evcan_bus_send(b, &frame, 1);
		if (i == 100)
			control("unplug 0");
	}
	WAIT_FOR(a, evcan_bus_recv(a, &frame, 1) < 0);
	assert_int_equal(evcan_bus_error(a)->code, EVCAN_ERR_GONE);
	assert_int_equal(evcan_bus_error(a)->vendor, 0x1000);
	assert_true(evcan_bus_is_open(b));
	control("plug 0");
	WAIT_FOR(a, evcan_bus_is_open(a));
	send_one(b, 0x456);
	do
		receive(a, &frame);
	while (frame.id != 0x456);
	assert_int_equal(calls("icsneoFindDevices"), 1);
	put_away(a);
	put_away(b);
}

static void
test_bad_reads(void **state)
{
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	need_double();
	bus = open_one(A ",reopen=false");
	control("fail icsneoGetMessages 0x3000 3");
	WAIT_FOR(bus, evcan_bus_recv(bus, &frame, 1) == 0 &&
	    evcan_bus_error(bus)->vendor == 0x3000);
	send_one(bus, 1);
	assert_true(evcan_bus_is_open(bus));
	control("fail icsneoGetMessages 0x3000 -1");
	WAIT_FOR(bus, !evcan_bus_is_open(bus));
	assert_int_equal(evcan_bus_error(bus)->code, EVCAN_ERR_GONE);
	assert_int_equal(evcan_bus_error(bus)->vendor, 0x3000);
	put_away(bus);
	control("reset");
	bus = open_one(A ",reopen=false");
	control("fail icsneoValidateHObject 0 -1");
	WAIT_FOR(bus, !evcan_bus_is_open(bus));
	put_away(bus);
}

static void
await_closed(long closes)
{
	int64_t end = evcan_now_monotonic() + SOON;

	while (calls("icsneoFreeObject") < closes) {
		assert_true(evcan_now_monotonic() < end);
		usleep(1000);
	}
}

static void
test_hangs(void **state)
{
	static const char *const hangs[] = {
		"hang icsneoWaitForRxMessagesWithTimeOut",
		"hang icsneoGetMessages", "hang icsneoValidateHObject",
		"hang icsneoTxMessages" };
	const int64_t usual = evcan_vendor_hang_ns_;
	unsigned before = evcan_vendor_abandoned_();

	(void)state;
	need_double();
	evcan_vendor_hang_ns_ = 200 * MS;
	for (int i = 0; i < 4; i++) {
		struct evcan_bus *bus = open_one(A ",reopen=false");
		struct evcan_frame frame = frame_of(1, 0, 4);
		int64_t start = evcan_now_monotonic();

		control(hangs[i]);
		evcan_bus_send(bus, &frame, 1);
		WAIT_FOR(bus, !evcan_bus_is_open(bus));
		assert_int_equal(evcan_bus_error(bus)->code,
		    EVCAN_ERR_TIMEOUT);
		put_away(bus);
		assert_true(evcan_now_monotonic() - start < SOON);
		assert_int_equal(evcan_vendor_abandoned_() - before, i + 1);
		control("release");
		await_closed(i + 1);
	}
	evcan_vendor_hang_ns_ = usual;
}

struct vanisher {
	struct event_base *base;
	int freed;
};

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct vanisher *v = arg;

	(void)info;
	if (event == EVCAN_BUS_OPENED)
		control("unplug 0");
	if (event == EVCAN_BUS_ERROR) {
		put_away(bus);
		v->freed++;
		event_base_loopbreak(v->base);
	}
}

static void
test_freed_when_told(void **state)
{
	struct timeval limit = { 5, 0 };
	struct vanisher v = { .base = event_base_new() };
	struct evcan_bus *bus;

	(void)state;
	if (control == NULL)
		event_base_free(v.base);
	need_double();
	bus = make(v.base, A);
	evcan_bus_set_cb(bus, NULL, on_event, &v);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	event_base_loopexit(v.base, &limit);
	event_base_dispatch(v.base);
	assert_int_equal(v.freed, 1);
	event_base_free(v.base);
}

static int
count(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
test_hundred_openings(void **state)
{
	int fds = 0, threads = 0;

	(void)state;
	need_double();
	for (int i = 0; i <= 100; i++) {
		struct evcan_bus *bus = open_one(i % 2 ? A ",fd=true" : A);

		send_one(bus, 1);
		put_away(bus);
		if (i > 0)
			continue;
		fds = count("/proc/self/fd");
		threads = count("/proc/self/task");
	}
	assert_int_equal(count("/proc/self/fd"), fds);
	assert_true(count("/proc/self/task") <= threads);
	assert_int_equal(calls("icsneoClosePort"), 101);
	assert_int_equal(calls("icsneoFreeObject"), 101);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NEOVI_TEST(test_times),
		NEOVI_TEST(test_error_frames_and_states),
		NEOVI_TEST(test_waits),
		NEOVI_TEST(test_many_at_once),
		NEOVI_TEST(test_losses_and_messages),
		NEOVI_TEST(test_several_networks),
		NEOVI_TEST(test_reports),
		NEOVI_TEST(test_foreign_reports),
		NEOVI_TEST(test_no_room),
		NEOVI_TEST(test_refused_frames),
		NEOVI_TEST(test_bus_off_and_reset),
		NEOVI_TEST(test_unplug),
		NEOVI_TEST(test_bad_reads),
		NEOVI_TEST(test_hangs),
		NEOVI_TEST(test_freed_when_told),
		NEOVI_TEST(test_hundred_openings)
	};

	return cmocka_run_group_tests(tests, load_double, unload_double);
}

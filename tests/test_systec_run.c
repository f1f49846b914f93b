/* SPDX-License-Identifier: BSD-3-Clause */
/* test_systec_run.c - frames, states and trouble of USB-CANmoduls */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERFACE "systec"
#include "double_fixture.h"

/* Times */

/* The module counts ms, of which a part is gone already. */
static void
check_times(const char *options, int64_t grain_ns)
{
	struct evcan_bus *a = open_now("0"), *b = open_with("1", options);

	for (uint32_t i = 0; i < 40; i++) {
		struct timespec nap = { 0, 700000 };
		int64_t sent = evcan_now_unix();
		struct evcan_frame frame;

		send_one(a, i);
		frame = expect(b, i);
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		assert_true(frame.time_ns > sent - grain_ns - 20000);
		assert_true(frame.time_ns <= evcan_now_unix());
		nanosleep(&nap, NULL);
	}
	end(a);
	end(b);
}

static void
times_are_close(void **state)
{
	(void)state;
	check_times("", MS);
	check_times(",high_resolution=true", MS / 10);
}

/* Its thread sleeps in a call that leaves frames alone. */
static void
make_sleep(struct evcan_bus *bus)
{
	control("hang UcanResetCanEx");
	assert_int_equal(evcan_bus_flush_tx_buffer(bus), EVCAN_ERR_TIMEOUT);
}

/* They do so after 49 days, with old libraries after 4.6 hours. One that is
 * read late shows whether the time is still the module's. */
static void
time_wraps(void **state)
{
	static const struct {
		const char *library;
		int64_t wrap_ms;
	} cases[] = {
		{ "set systec_version 0x00010206", 1LL << 32 },
		{ "set systec_version 0x00000a04", 1LL << 24 }    /* 4.10 */
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct timespec nap = { 0, 50 * MS };
		struct evcan_bus *a, *b;
		struct evcan_frame frame;
		int64_t sent, released;
		char text[60];

		control("reset");
		control(cases[i].library);
		a = open_now("0");
		b = open_now("1");
		snprintf(text, sizeof(text), "set systec_short %d", i);
		control(text);
		snprintf(text, sizeof(text), "set systec_time %lld",
		    (long long)(cases[i].wrap_ms - 300 -
		    evcan_now_monotonic() / MS));
		control(text);
		send_one(a, 1);
		expect(b, 1);
		make_sleep(b);
		sent = evcan_now_unix();
		send_one(a, 2);
		nanosleep(&nap, NULL);
		released = evcan_now_unix();
		control("release");
		frame = expect(b, 2);
		assert_true(frame.time_ns > sent - 2 * MS);
		assert_true(frame.time_ns < released);
		end(a);
		end(b);
	}
}

/* Own frames */

static void
own_frames_confirm(void **state)
{
	struct evcan_bus *bus = watch("0");
	struct evcan_frame frame = frame_of(0x1abcde, EVCAN_FRAME_EXT, 4);
	struct evcan_bus_stats stats;

	(void)state;
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	UNTIL(calls("UcanWriteCanMsgEx") == 1);
	assert_int_equal(outcome_of(bus, 0x1abcde), EVCAN_SENT);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.confirmed, 1);
	assert_int_equal(seen.n, 0);
	end(bus);
	bus = open_now("0,receive_own_messages=true");
	send_frame(bus, &frame);
	frame = expect(bus, 0x1abcde);
	assert_true(frame.flags & EVCAN_FRAME_ECHO);
	assert_int_equal(frame.dir, EVCAN_DIR_TX);
	assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
}

/* States */

static void
states_are_told(void **state)
{
	static const struct {
		const char *now;
		int tec, rec;
		enum evcan_bus_state state;
		uint32_t id;
		uint8_t details;
	} cases[] = {
		{ "warning", 97, 3, EVCAN_STATE_WARNING, 0x204, 0x08 },
		{ "passive", 5, 130, EVCAN_STATE_PASSIVE, 0x204, 0x10 },
		{ "warning", 100, 100, EVCAN_STATE_WARNING, 0x204, 0x0c },
		{ "active", 0, 0, EVCAN_STATE_ACTIVE, 0x204, 0x40 },
		{ "off", 256, 0, EVCAN_STATE_BUS_OFF, 0x240, 0 },
	};
	struct evcan_bus *bus = watch("0");
	struct evcan_frame frame = frame_of(1, 0, 4);
	int n = 0;

	(void)state;
	for (; n < (int)(sizeof(cases) / sizeof(cases[0])); n++) {
		char text[40];

		snprintf(text, sizeof(text), "set systec_tec %d",
		    cases[n].tec);
		control(text);
		snprintf(text, sizeof(text), "set systec_rec %d",
		    cases[n].rec);
		control(text);
		snprintf(text, sizeof(text), "state 0 %s", cases[n].now);
		control(text);
		UNTIL(seen.events[EVCAN_BUS_STATE] == n + 1 &&
		    seen.n == (size_t)n + 1);
		assert_int_equal(seen.state, cases[n].state);
		assert_int_equal(seen.frames[n].flags, EVCAN_FRAME_ERR);
		assert_int_equal(seen.frames[n].id, cases[n].id);
		assert_int_equal(seen.frames[n].data[1], cases[n].details);
		assert_int_equal(seen.frames[n].data[6],
		    cases[n].tec < 255 ? cases[n].tec : 255);
		assert_int_equal(seen.frames[n].data[7], cases[n].rec);
		assert_int_equal(evcan_frame_check(&seen.frames[n], NULL), 0);
	}
	/* Off the bus until it is reset. */
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_BUS_OFF);
	assert_int_equal(evcan_bus_reset(bus, NULL), 0);
	assert_int_equal(noted("reset"), 0xfffc);
	UNTIL(seen.events[EVCAN_BUS_STATE] == n + 1);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	control("fail UcanResetCanEx 0x09");
	assert_int_equal(evcan_bus_reset(bus, NULL), EVCAN_ERR_OPERATION);
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.vendor, 0x09);
	assert_non_null(strstr(seen.error.text, "UcanResetCanEx gives 0x09 "
	    "(USBCAN_ERR_TIMEOUT: the module did not answer)"));
}

/* Each is told once, as long as it stays. */
static void
status_tells_losses(void **state)
{
	(void)state;
	watch("0,tx_timeout=20");
	control("set systec_status 0x402");
	UNTIL(seen.events[EVCAN_BUS_GAP] == 1 &&
	    seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.lost, 1);
	assert_int_equal(seen.error.code, EVCAN_ERR_TIMEOUT);
	assert_non_null(strstr(seen.error.text, "20 ms"));
	control("state 0 warning");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(seen.lost, 1);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 1);
}

static void
mode_can_change(void **state)
{
	struct evcan_bus *a = watch("0"), *b = open_now("1");
	struct evcan_frame frame = frame_of(1, 0, 4);

	(void)state;
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(noted("mode"), 1);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	send_one(b, 0x77);
	UNTIL(seen.n == 1);
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(noted("mode"), 2);
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	expect(b, 1);
	/* One that does not come back is gone, and opened again. */
	control("fail UcanInitCanEx2 0x41");
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_GONE);
	UNTIL(seen.events[EVCAN_BUS_OPENED] == 2);
	assert_int_equal(seen.error.vendor, 0x41);
}

/* Queues */

/* Neither another mode nor a reset. */
static void
nothing_is_lost_on_the_way(void **state)
{
	struct evcan_bus *a = watch("0"), *b = open_now("1");

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		long sent = calls("UcanWriteCanMsgEx");

		forget_seen();
		make_sleep(a);
		for (uint32_t i = 0; i < 200; i++)
			send_one(b, i);
		UNTIL(calls("UcanWriteCanMsgEx") > sent);
		UNTIL(stats_of(b).sent == 200u * (turn + 1));
		assert_int_equal(turn == 0 ? evcan_bus_reset(a, NULL) :
		    evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY),
		    EVCAN_ERR_TIMEOUT);
		control("release");
		UNTIL(seen.n >= 200);
		assert_int_equal(seen.n, 200);
		assert_int_equal(seen.lost, 0);
	}
	UNTIL(noted("mode") == 1);
}

/* It is asked again, and nothing is lost or told. */
static void
busy_library_is_asked_again(void **state)
{
	static const char *const misdeeds[] = {
		"fail UcanReadCanMsgEx 0x08 3",
		"fail UcanReadCanMsgEx 0x92 3",
		"fail UcanWriteCanMsgEx 0x08 3",
		"fail UcanWriteCanMsgEx 0x92 3" };
	struct evcan_bus *a = watch("0"), *b = open_now("1");

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		control(misdeeds[i]);
		send_one(a, i);
		expect(b, i);
		send_one(b, i);
		UNTIL(seen.n == i + 1);
	}
	control("fail UcanGetStatusEx 0x08 3");
	control("state 0 warning");
	UNTIL(seen.state == EVCAN_STATE_WARNING);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
}

static void
overrun_is_a_loss(void **state)
{
	struct evcan_bus *a = watch("0,rx_buffer_entries=10");
	struct evcan_bus *b = open_now("1");
	struct evcan_bus *c = open_now("0,device_number=1");

	(void)state;
	make_sleep(a);
	for (uint32_t i = 0; i < 30; i++)
		send_one(b, i);
	for (uint32_t i = 0; i < 30; i++)
		expect(c, i);
	control("release");
	UNTIL(seen.n >= 10);
	assert_int_equal(seen.n, 10);
	assert_int_equal(seen.frames[9].id, 29);
	assert_true(seen.lost >= 1);
	assert_int_equal(seen.n_at_loss, 0);
}

static void
full_module_is_waited_for(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;
	uint32_t n;

	(void)state;
	control("set systec_tx 5");
	a = watch("0");
	b = open_now("1");
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0, 4);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	for (n = 0; n < 5; n++)
		expect(b, 0x100 + n);
	expect_nothing(b);
	control("set systec_tx -1");
	for (; n < 20; n++)
		expect(b, 0x100 + n);
	/* What waits can be dropped, here and in the module. */
	control("set systec_tx 0");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	assert_int_equal(noted("reset"), 0xff0b);
	control("set systec_tx -1");
	expect_nothing(b);
}

/* The library takes none of a row then; the others must go all the same. */
static void
refused_frame_is_told(void **state)
{
	struct evcan_bus *a = watch("0"), *b = open_now("1");
	struct evcan_frame frames[8];

	(void)state;
	control("set systec_bad 0x105");
	for (uint32_t i = 0; i < 8; i++)
		frames[i] = frame_of(0x100 + i, 0, 4);
	assert_int_equal(evcan_bus_send(a, frames, 8), 8);
	for (uint32_t i = 0; i < 8; i++) {
		if (i != 5)
			expect(b, 0x100 + i);
	}
	UNTIL(seen.events[EVCAN_BUS_ERROR] > 0);
	assert_int_equal(seen.error.vendor, 0x07);
	assert_non_null(strstr(seen.error.text, "USBCAN_ERR_ILLPARAM"));
	frames[0].dlc = 9;
	frames[0].len = 8;
	assert_int_equal(evcan_bus_send(a, frames, 1), EVCAN_ERR_INVALID);
}

/* Events of nothing, and of the other channel. */
static void
false_alarms_do_no_harm(void **state)
{
	struct evcan_bus *a = open_now("0"), *b = open_now("1");

	(void)state;
	control("set systec_spurious 3");
	for (uint32_t i = 0; i < 300; i++) {
		send_one(a, i);
		expect(b, i);
	}
}

/* Trouble */

static void
unplugged_and_back(void **state)
{
	struct evcan_bus *bus = watch("0,device_number=0");
	struct evcan_bus *other = make(base, "1"), *b;
	struct evcan_frame frame = frame_of(1, 0, 4);
	int64_t began;

	(void)state;
	assert_int_equal(evcan_bus_open(other, NULL), 0);
	UNTIL(evcan_bus_is_open(other));
	b = open_now("0,device_number=1");
	for (int i = 0; i < 100; i++) {
		evcan_bus_send(bus, &frame, 1);
		evcan_bus_send(b, &frame, 1);
	}
	began = evcan_now_monotonic();
	control("unplug 0");
	UNTIL(seen.events[EVCAN_BUS_ERROR] >= 1 && !evcan_bus_is_open(other));
	assert_true(evcan_now_monotonic() - began < 5000 * MS);
	assert_int_equal(seen.error.code, EVCAN_ERR_GONE);
	assert_int_equal(seen.error.vendor, 0x0e);
	control("plug 0");
	UNTIL(seen.events[EVCAN_BUS_OPENED] == 2 && evcan_bus_is_open(other));
	seen.n = 0;
	send_one(b, 1);
	UNTIL(seen.n >= 1);
}

/* Nobody sends or receives: the library's call-back tells. */
static void
idle_module_is_missed(void **state)
{
	struct evcan_bus *bus = watch("0,reopen=false");

	(void)state;
	control("unplug 0");
	UNTIL(seen.events[EVCAN_BUS_CLOSED] == 1);
	assert_int_equal(seen.error.vendor, 0x0e);
	end(bus);
	assert_int_equal(calls("UcanDeinitHardware"), 1);
}

static void
bad_handle_is_told(void **state)
{
	static const char *const names[] = { "UcanReadCanMsgEx",
		"UcanWriteCanMsgEx", "UcanGetStatusEx" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct evcan_bus *bus;
		struct evcan_frame frame = frame_of(1, 0, 4);
		char text[60];

		forget_seen();
		bus = watch("0,reopen=false");
		snprintf(text, sizeof(text), "fail %s 0x06 -1", names[i]);
		control(text);
		evcan_bus_send(bus, &frame, 1);
		UNTIL(seen.events[EVCAN_BUS_CLOSED] == 1);
		assert_int_equal(seen.error.vendor, 0x06);
		end(bus);
		control("reset");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(times_are_close),
		TEST(time_wraps),
		TEST(own_frames_confirm),
		TEST(states_are_told),
		TEST(status_tells_losses),
		TEST(mode_can_change),
		TEST(nothing_is_lost_on_the_way),
		TEST(busy_library_is_asked_again),
		TEST(overrun_is_a_loss),
		TEST(full_module_is_waited_for),
		TEST(refused_frame_is_told),
		TEST(false_alarms_do_no_harm),
		TEST(unplugged_and_back),
		TEST(idle_module_is_missed),
		TEST(bad_handle_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

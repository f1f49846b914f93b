/* SPDX-License-Identifier: BSD-3-Clause */
/* test_systec_run.c - frames, states and trouble of USB-CANmoduls */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "systec_fixture.h"

/* Times */

/* The module counts ms, of which a part is gone already. */
static void
check_times(const char *options, int64_t grain_ns)
{
	struct evcan_bus *a = open_now("0"), *b;
	char spec[60];

	snprintf(spec, sizeof(spec), "1%s", options);
	b = open_now(spec);
	for (uint32_t i = 0; i < 40; i++) {
		struct timespec nap = { 0, 700000 };
		int64_t sent = evcan_now_unix();
		struct evcan_frame frame;

		send_one(a, i);
		frame = receive(b, i);
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		assert_true(frame.time_ns > sent - grain_ns - 20000);
		assert_true(frame.time_ns <= evcan_now_unix());
		nanosleep(&nap, NULL);
	}
	put_away(a);
	put_away(b);
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
	put_away(make(NULL, "0"));
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
		receive(b, 1);
		make_sleep(b);
		sent = evcan_now_unix();
		send_one(a, 2);
		nanosleep(&nap, NULL);
		released = evcan_now_unix();
		control("release");
		frame = receive(b, 2);
		assert_true(frame.time_ns > sent - 2 * MS);
		assert_true(frame.time_ns < released);
		put_away(a);
		put_away(b);
	}
}

/* Own frames */

static int outcome;

static void
on_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	(void)bus;
	(void)frame;
	(void)arg;
	outcome = result;
}

static void
own_frames_confirm(void **state)
{
	struct evcan_bus *bus = open_watched("0");
	struct evcan_frame frame = frame_of(0x1abcde, EVCAN_FRAME_EXT);
	struct evcan_bus_stats stats;

	(void)state;
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	await(calls("UcanWriteCanMsgEx") == 1);
	outcome = -99;
	assert_int_equal(evcan_bus_send_cb(bus, &frame, 1000, on_sent, NULL),
	    0);
	await(outcome != -99);
	assert_int_equal(outcome, EVCAN_SENT);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.confirmed, 1);
	assert_int_equal(n_got, 0);
	put_away(bus);
	bus = open_now("0,receive_own_messages=true");
	assert_int_equal(evcan_bus_send_wait(bus, &frame, 1000), 0);
	frame = receive(bus, 0x1abcde);
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
	struct evcan_bus *bus = open_watched("0");
	struct evcan_frame frame = frame_of(1, 0);
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
		await(events[EVCAN_BUS_STATE] == n + 1 &&
		    n_got == (size_t)n + 1);
		assert_int_equal(state_told, cases[n].state);
		assert_int_equal(got[n].flags, EVCAN_FRAME_ERR);
		assert_int_equal(got[n].id, cases[n].id);
		assert_int_equal(got[n].data[1], cases[n].details);
		assert_int_equal(got[n].data[6],
		    cases[n].tec < 255 ? cases[n].tec : 255);
		assert_int_equal(got[n].data[7], cases[n].rec);
		assert_int_equal(evcan_frame_check(&got[n], NULL), 0);
	}
	/* Off the bus until it is reset. */
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_BUS_OFF);
	assert_int_equal(evcan_bus_reset(bus, NULL), 0);
	assert_int_equal(last("reset"), 0);
	await(events[EVCAN_BUS_STATE] == n + 1);
	assert_int_equal(state_told, EVCAN_STATE_ACTIVE);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	control("fail UcanResetCanEx 0x09");
	assert_int_equal(evcan_bus_reset(bus, NULL), EVCAN_ERR_OPERATION);
	await(events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(error.vendor, 0x09);
	assert_non_null(strstr(error.text, "UcanResetCanEx gives 0x09 "
	    "(USBCAN_ERR_TIMEOUT: the module did not answer)"));
}

/* Each is told once, as long as it stays. */
static void
status_tells_losses(void **state)
{
	(void)state;
	open_watched("0,tx_timeout=20");
	control("set systec_status 0x402");
	await(events[EVCAN_BUS_GAP] == 1 && events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(lost, 1);
	assert_int_equal(error.code, EVCAN_ERR_TIMEOUT);
	assert_non_null(strstr(error.text, "20 ms"));
	control("state 0 warning");
	await(events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(lost, 1);
	assert_int_equal(events[EVCAN_BUS_ERROR], 1);
}

static void
mode_can_change(void **state)
{
	struct evcan_bus *a = open_watched("0"), *b = open_now("1");
	struct evcan_frame frame = frame_of(1, 0);

	(void)state;
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(last("mode"), 1);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	send_one(b, 0x77);
	await(n_got == 1);
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(last("mode"), 2);
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	receive(b, 1);
	/* One that does not come back is gone, and opened again. */
	control("fail UcanInitCanEx2 0x41");
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_GONE);
	await(events[EVCAN_BUS_OPENED] == 2);
	assert_int_equal(error.vendor, 0x41);
}

/* Queues */

static void
overrun_is_a_loss(void **state)
{
	struct evcan_bus *a = open_watched("0,rx_buffer_entries=10");
	struct evcan_bus *b = open_now("1");
	struct evcan_bus *c = open_now("0,device_number=1");

	(void)state;
	make_sleep(a);
	for (uint32_t i = 0; i < 30; i++)
		send_one(b, i);
	for (uint32_t i = 0; i < 30; i++)
		receive(c, i);
	control("release");
	await(n_got >= 10);
	assert_int_equal(n_got, 10);
	assert_int_equal(got[9].id, 29);
	assert_true(lost >= 1);
	assert_int_equal(got_at_loss, 0);
}

static void
full_module_is_waited_for(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;
	uint32_t n;

	(void)state;
	put_away(make(NULL, "0"));
	control("set systec_tx 5");
	a = open_watched("0");
	b = open_now("1");
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	for (n = 0; n < 5; n++)
		receive(b, 0x100 + n);
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 50), 0);
	control("set systec_tx -1");
	for (; n < 20; n++)
		receive(b, 0x100 + n);
	/* What waits can be dropped, here and in the module. */
	control("set systec_tx 0");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	assert_int_equal(last("reset"), 0xff0b);
	control("set systec_tx -1");
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 50), 0);
}

/* The library takes none of a row then; the others must go all the same. */
static void
refused_frame_is_told(void **state)
{
	struct evcan_bus *a = open_watched("0"), *b = open_now("1");
	struct evcan_frame frames[8];

	(void)state;
	control("set systec_bad 0x105");
	for (uint32_t i = 0; i < 8; i++)
		frames[i] = frame_of(0x100 + i, 0);
	assert_int_equal(evcan_bus_send(a, frames, 8), 8);
	for (uint32_t i = 0; i < 8; i++) {
		if (i != 5)
			receive(b, 0x100 + i);
	}
	await(events[EVCAN_BUS_ERROR] > 0);
	assert_int_equal(error.vendor, 0x07);
	assert_non_null(strstr(error.text, "USBCAN_ERR_ILLPARAM"));
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
		receive(b, i);
	}
}

/* Trouble */

static void
unplugged_and_back(void **state)
{
	struct evcan_bus *bus = open_watched("0,device_number=0");
	struct evcan_bus *other = make(base, "1"), *b;
	struct evcan_frame frame = frame_of(1, 0);
	int64_t began;

	(void)state;
	assert_int_equal(evcan_bus_open(other, NULL), 0);
	await(evcan_bus_is_open(other));
	b = open_now("0,device_number=1");
	for (int i = 0; i < 100; i++) {
		evcan_bus_send(bus, &frame, 1);
		evcan_bus_send(b, &frame, 1);
	}
	began = evcan_now_monotonic();
	control("unplug 0");
	await(events[EVCAN_BUS_ERROR] >= 1 && !evcan_bus_is_open(other));
	assert_true(evcan_now_monotonic() - began < 5000 * MS);
	assert_int_equal(error.code, EVCAN_ERR_GONE);
	assert_int_equal(error.vendor, 0x0e);
	control("plug 0");
	await(events[EVCAN_BUS_OPENED] == 2 && evcan_bus_is_open(other));
	n_got = 0;
	send_one(b, 1);
	await(n_got >= 1);
}

/* Nobody sends or receives: the library's call-back tells. */
static void
idle_module_is_missed(void **state)
{
	struct evcan_bus *bus = open_watched("0,reopen=false");

	(void)state;
	control("unplug 0");
	await(events[EVCAN_BUS_CLOSED] == 1);
	assert_int_equal(error.vendor, 0x0e);
	put_away(bus);
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
		struct evcan_frame frame = frame_of(1, 0);
		char text[60];

		memset(events, 0, sizeof(events));
		memset(&error, 0, sizeof(error));
		bus = open_watched("0,reopen=false");
		snprintf(text, sizeof(text), "fail %s 0x06 -1", names[i]);
		control(text);
		evcan_bus_send(bus, &frame, 1);
		await(events[EVCAN_BUS_CLOSED] == 1);
		assert_int_equal(error.vendor, 0x06);
		put_away(bus);
		control("reset");
	}
}

static void
hanging_call_is_told(void **state)
{
	static const char *const names[] = { "UcanGetStatusEx",
		"UcanWriteCanMsgEx", "UcanReadCanMsgEx" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		unsigned before = evcan_vendor_abandoned_();
		struct evcan_frame frame = frame_of(1, 0);
		struct evcan_bus *bus;
		char text[60];
		int64_t began;

		memset(events, 0, sizeof(events));
		memset(&error, 0, sizeof(error));
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
		put_away(bus);
		evcan_vendor_hang_ns_ = 5000 * MS;
		control("release");
		await(calls("UcanDeinitHardware") ==
		    calls("UcanInitHardwareEx"));
	}
}

static void
free_on_frame(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n, void *arg)
{
	(void)frames;
	(void)n;
	put_away(bus);
	*(bool *)arg = true;
}

static void
freed_in_a_callback(void **state)
{
	struct evcan_bus *b = open_now("1"), *bus = make(base, "0");
	struct evcan_frame frame = frame_of(1, 0);
	bool freed = false;

	(void)state;
	evcan_bus_set_cb(bus, free_on_frame, NULL, &freed);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	await(evcan_bus_is_open(bus));
	for (int i = 0; i < 20; i++)
		evcan_bus_send(b, &frame, 1);
	await(freed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEC_TEST(times_are_close),
		SYSTEC_TEST(time_wraps),
		SYSTEC_TEST(own_frames_confirm),
		SYSTEC_TEST(states_are_told),
		SYSTEC_TEST(status_tells_losses),
		SYSTEC_TEST(mode_can_change),
		SYSTEC_TEST(overrun_is_a_loss),
		SYSTEC_TEST(full_module_is_waited_for),
		SYSTEC_TEST(refused_frame_is_told),
		SYSTEC_TEST(false_alarms_do_no_harm),
		SYSTEC_TEST(unplugged_and_back),
		SYSTEC_TEST(idle_module_is_missed),
		SYSTEC_TEST(bad_handle_is_told),
		SYSTEC_TEST(hanging_call_is_told),
		SYSTEC_TEST(freed_in_a_callback),
	};

	warm_up_threads();
	return cmocka_run_group_tests(tests, load_double, NULL);
}

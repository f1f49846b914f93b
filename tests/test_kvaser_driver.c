/* SPDX-License-Identifier: BSD-3-Clause */
/* test_kvaser_driver.c - what is Kvaser's own, against a double of CANlib */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERFACE "kvaser"
#include "double_fixture.h"

/* Opening */

static void
defaults_reach_the_library(void **state)
{
	struct evcan_bus *bus = open_now("1");

	(void)state;
	assert_int_equal(noted("flags"), 0x20 | 0x200);
	assert_int_equal(noted("scale"), 10);
	assert_int_equal(noted("frequency"), -2);     /* 500K */
	assert_int_equal(noted("output"), 4);
	assert_string_equal(evcan_bus_channel_info(bus),
	    "Kvaser Double, S/N 12345 (#2), CANlib 8.49");
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_20);
	end(bus);
	assert_int_equal(calls("canClose"), calls("canOpenChannel"));
}

static const struct {
	const char *options;
	int flags;
	long frequency, tseg1, data_frequency, data_tseg1;
	int output;
} openings[] = {
	{ "bitrate=1000000", 0x220, -1, 0, 0, 0, 4 },
	{ "bitrate=83000", 0x220, -8, 0, 0, 0, 4 },
	{ "bitrate=62500", 0x220, -6, 0, 0, 0, 4 },
	{ "bitrate=10000", 0x220, -9, 0, 0, 0, 4 },
	/* No presets: the double refuses bits that its clock cannot give. */
	{ "bitrate=800000", 0x220, 800000, 7, 0, 0, 4 },
	{ "bitrate=33333", 0x220, 33333, 14, 0, 0, 4 },
	{ "bitrate=5000", 0x220, 5000, 11, 0, 0, 4 },
	/* Nor one with three samples. */
	{ "bitrate=500000,no_samp=3", 0x220, 500000, 11, 0, 0, 4 },
	{ "bitrate=500000,no_samp=1", 0x220, -2, 0, 0, 0, 4 },
	{ "bitrate=250000,tseg1=13,tseg2=2,sjw=2,no_samp=3", 0x220, 250000,
	    13, 0, 0, 4 },
	{ "timing=f_clock=8000000 btr0=0x00 btr1=0x1c", 0x220, 500000, 13, 0,
	    0, 4 },
	{ "fd=true", 0x620, -1000, 0, -1000, 0, 4 },
	{ "fd=true,data_bitrate=2000000", 0x620, -1000, 0, -1002, 0, 4 },
	{ "fd=true,data_bitrate=8000000,bitrate=1000000", 0x620, -1001, 0,
	    -1004, 0, 4 },
	{ "fd=true,fd_non_iso=true,data_bitrate=5000000", 0xa20, -1000, 0,
	    5000000, 5, 4 },
	{ "fd=true,bitrate=250000,data_bitrate=1600000", 0x620, 250000, 50,
	    1600000, 7, 4 },
	{ "timing=f_clock=80000000 nom_brp=2 nom_tseg1=63 nom_tseg2=16 "
	    "nom_sjw=16 data_brp=2 data_tseg1=15 data_tseg2=4 data_sjw=4",
	    0x620, 500000, 63, 2000000, 15, 4 },
	{ "driver_mode=false", 0x220, -2, 0, 0, 0, 1 },
	{ "state=PASSIVE", 0x220, -2, 0, 0, 0, 1 },
	{ "accept_virtual=false,exclusive=true", 0x208, -2, 0, 0, 0, 4 },
	{ "override_exclusive=true,single_handle=true", 0x260, -2, 0, 0, 0,
	    4 },
};

static void
options_reach_the_library(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		struct evcan_bus *bus;

		print_message("%s\n", openings[i].options);
		bus = open_with("0,", openings[i].options);
		assert_int_equal(noted("flags"), openings[i].flags);
		assert_int_equal(noted("frequency"), openings[i].frequency);
		assert_int_equal(noted("tseg1"), openings[i].tseg1);
		assert_int_equal(noted("output"), openings[i].output);
		if (openings[i].data_frequency != 0) {
			assert_int_equal(noted("data_frequency"),
			    openings[i].data_frequency);
			assert_int_equal(noted("data_tseg1"),
			    openings[i].data_tseg1);
		}
		end(bus);
	}
}

static void
impossible_bits_are_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "0,bitrate=1000001", { "1000001", "fd=true" }, 0 },
		{ "reset", "0,tseg1=5", { "tseg2 is missing", "sjw" }, 0 },
		{ "reset", "0,tseg2=2,sjw=1", { "tseg1 is missing" }, 0 },
		{ "reset", "0,tseg1=5,tseg2=2", { "sjw is missing" }, 0 },
		{ "reset", "0,no_samp=2", { "no_samp is 2", "3" }, 0 },
		{ "reset", "0,fd=true,timing=f_clock=8000000 btr0=0 btr1=0x1c",
		    { "fd", "data_" }, 0 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INVALID);
	assert_int_equal(calls("canOpenChannel"), 0);
}

static void
second_handle_has_no_say(void **state)
{
	struct evcan_bus *a = open_now("0,bitrate=250000");
	struct evcan_bus *b = open_now("0,bitrate=1000000");
	struct evcan_frame frame = frame_of(0x123, 0, 2), other;

	(void)state;
	assert_int_equal(noted("frequency"), -3);
	assert_non_null(strstr(evcan_bus_channel_info(b), "somebody else"));
	assert_null(strstr(evcan_bus_channel_info(a), "somebody else"));
	send_frame(a, &frame);
	other = receive(b);
	assert_int_equal(other.dir, EVCAN_DIR_RX);
	end(a);
	end(b);
	a = open_now("0,no_init_access=true");
	assert_int_equal(noted("flags"), 0x320);
	/* It is not told that the mode is another one: it is not. */
	assert_true(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY) < 0);
	UNTIL(evcan_bus_error(a)->vendor == -31);
	end(a);
}

static void
refusals_are_explained(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "7", { "channel 7", "canERR_NOTFOUND" }, -3 },
		{ "fail canOpenChannel -5", "0", { "canERR_NOCHANNELS",
		    "exclusively" }, -5 },
		{ "fail canSetBusParams -1", "0", { "canSetBusParams",
		    "canERR_PARAM" }, -1 },
		{ "fail canSetBusParamsFd -19", "0,fd=true",
		    { "canSetBusParamsFd", "canERR_NOT_SUPPORTED" }, -19 },
		{ "fail canBusOn -15", "0", { "canBusOn", "canERR_HARDWARE" },
		    -15 },
		{ "fail canSetBusOutputControl -77", "0",
		    { "canSetBusOutputControl", "-77" }, -77 },
		{ "unplug 0", "0", { "channel 0", "canERR_NOTFOUND" }, -3 },
		/* 3 Mbit/s of 80 MHz. */
		{ "reset", "0,fd=true,data_bitrate=3000000",
		    { "canSetBusParamsFd", "canERR_PARAM" }, -1 },
		{ "set kvaser_no_txack 1", "0,receive_own_messages=true",
		    { "receive_own_messages", "canERR_NOT_SUPPORTED" }, -19 },
		{ "set kvaser_version 0x0448", "0", { "4.72", "4.75",
		    "linuxcan" }, 0 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INIT);
}

static void
versions_that_will_do(void **state)
{
	static const char *const versions[] = { "set kvaser_version 0x044b",
		"set kvaser_version 0", "set kvaser_version 0xff00",
		"set kvaser_version 14" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct evcan_bus *bus;

		control(versions[i]);
		bus = open_now("0");
		assert_int_equal(strstr(evcan_bus_channel_info(bus),
		    "CANlib") == NULL, i == 1 || i == 3);
		end(bus);
	}
}

/* What is no more than the least: no fd to wait for, no clock to ask. */
static void
old_library_does_less(void **state)
{
	static const char *const words[] = { "no CAN FD" };
	const struct evcan_filter one = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false };
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	struct evcan_error err;

	(void)state;
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	for (uint32_t id = 0x100; id < 0x140; id++)
		send_one(a, id);
	for (uint32_t id = 0x120; id < 0x130; id++)
		assert_int_equal(expect(b, id).clock, EVCAN_CLOCK_HARDWARE);
	/* All were read: the last ones, too, once nothing more comes. */
	send_one(a, 0x121);
	expect(b, 0x121);
	assert_int_equal(stats_of(b).filtered, 0x30);
	assert_int_equal(evcan_bus_identify(a, true), EVCAN_ERR_UNSUPPORTED);
	err = refused("0,fd=true");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words, 1);
}

static void
on_found(const struct evcan_detected *found, void *arg)
{
	int *n = arg;

	assert_int_equal(found->channel[0], '0' + *n);
	assert_non_null(strstr(found->description, "S/N 12345"));
	++*n;
}

static void
detects_channels(void **state)
{
	const char *names[] = { "kvaser", NULL };
	int n = 0;

	(void)state;
	need_double();
	setenv("EVCAN_LIB_KVASER", library, 1);
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 2);
	control("fail canGetNumberOfChannels -15");
	n = 0;
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
	setenv("EVCAN_LIB_KVASER", "/nowhere/lib.so", 1);
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
	unsetenv("EVCAN_LIB_KVASER");
}

/* Frames */

static void
times_are_close(void **state)
{
	struct evcan_bus *a = open_now("0"), *b = open_now("1");

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct evcan_frame frame = frame_of(1, 0, 1);
		struct timespec nap = { 0, 1000000 };
		int64_t sent = evcan_now_unix(), received;

		send_frame(a, &frame);
		frame = receive(b);
		received = evcan_now_unix();
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		/* 10 us is the device's grain. */
		assert_true(frame.time_ns > sent - 20000);
		assert_true(frame.time_ns <= received);
		nanosleep(&nap, NULL);
	}
	end(a);
	end(b);
}

static void
filters_go_to_the_device(void **state)
{
	const struct evcan_filter one = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false };
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	struct evcan_bus_stats stats;
	struct evcan_frame frame;

	(void)state;
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(calls("canAccept"), 6);
	for (uint32_t id = 0x100; id < 0x140; id++) {
		frame = frame_of(id, 0, 1);
		send_frame(a, &frame);
	}
	for (uint32_t id = 0x120; id < 0x130; id++)
		frame = expect(b, id);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 0);
	/* Software alone when the library cannot. */
	control("fail canAccept -32 -1");
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	end(a);
	end(b);
}

static void
echo_is_asked_for_when_needed(void **state)
{
	struct evcan_bus *bus = watch("0");
	struct evcan_frame frame = frame_of(0x1abcde, EVCAN_FRAME_EXT, 1);
	struct evcan_bus_stats stats;

	(void)state;
	evcan_bus_send(bus, &frame, 1);
	UNTIL(calls("canWrite") == 1);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.confirmed, 0);
	assert_int_equal(outcome_of(bus, 0x1abcde), EVCAN_SENT);
	assert_int_equal(noted("txack"), 1);
	assert_int_equal(seen.n, 0);
	end(bus);
	bus = open_now("0,receive_own_messages=true");
	send_frame(bus, &frame);
	frame = receive(bus);
	assert_true(frame.flags & EVCAN_FRAME_ECHO);
	assert_int_equal(frame.dir, EVCAN_DIR_TX);
	end(bus);
}

/* The device tells of them what it likes: no identifier, some nothing. */
static void
error_frame_is_sent(void **state)
{
	struct evcan_bus *a = watch("0,receive_own_messages=true");
	struct evcan_bus *b = open_now("1");
	struct outcome outcome = { 0 };
	struct evcan_frame frame, other;

	(void)state;
	assert_int_equal(evcan_frame_init(&frame, 0x1234, EVCAN_FRAME_ERR,
	    "\1\2\3\4\5\6\7", 8), 0);
	assert_int_equal(evcan_bus_send_cb(a, &frame, 20000, on_outcome,
	    &outcome), 0);
	other = receive(b);
	assert_int_equal(other.flags, EVCAN_FRAME_ERR);
	UNTIL(outcome.told == 1);
	assert_int_equal(outcome.result, EVCAN_SENT);
	/* Nothing but this is behind it. */
	send_one(a, 0x77);
	UNTIL(seen.n >= 2);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.frames[0].id, 0x1234);
	assert_int_equal(seen.frames[0].dir, EVCAN_DIR_TX);
	assert_int_equal(seen.frames[1].id, 0x77);
	end(a);
	end(b);
}

static void
error_frames_have_details(void **state)
{
	static const struct {
		const char *set;
		uint32_t id;
		int place, bits;
	} cases[] = {
		{ "set kvaser_error 0", 0x80, 0, 0 },
		{ "set kvaser_error 0x800", 0x88, 2, 0x04 },
		{ "set kvaser_error 0x1000", 0x88, 2, 0x02 },
		{ "set kvaser_error 0x2000", 0x88, 3, 0x08 },
		{ "set kvaser_error 0x4000", 0x88, 2, 0x08 },
		{ "set kvaser_error 0x8000", 0x88, 2, 0x10 },
	};
	struct evcan_bus *bus = open_now("0");
	struct evcan_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].set);
		control("error 0");
		frame = receive(bus);
		assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame.id, cases[i].id);
		assert_int_equal(frame.len, 8);
		assert_int_equal(frame.data[cases[i].place], cases[i].bits);
		assert_int_equal(evcan_frame_check(&frame, NULL), 0);
	}
	end(bus);
}

static void
states_are_told(void **state)
{
	struct evcan_bus *bus = watch("0");
	struct evcan_frame frame = frame_of(1, 0, 1);
	struct evcan_error err = { 0 };

	(void)state;
	control("state 0 warning");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(seen.state, EVCAN_STATE_WARNING);
	control("state 0 passive");
	/* An error frame is a reason to look at once. */
	control("error 0");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(seen.state, EVCAN_STATE_PASSIVE);
	control("state 0 off");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 3);
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_BUS_OFF);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	control("state 0 active");
	if (evcan_bus_reset(bus, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(calls("canBusOff"), 1);
	UNTIL(seen.events[EVCAN_BUS_STATE] == 4);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	control("fail canBusOff -15");
	assert_true(evcan_bus_reset(bus, &err) < 0);
	end(bus);
}

/* It was the oldest when the queue ran over. */
static void
lost_echo_is_not_waited_for(void **state)
{
	struct evcan_bus *bus, *a;
	struct evcan_frame frame = plain(0x100);
	struct outcome outcome = { 0 };
	long before;

	(void)state;
	evcan_vendor_hang_ns_ = SOON;
	control("set kvaser_queue 10");
	bus = watch("0");
	assert_int_equal(outcome_of(bus, 0x77), EVCAN_SENT);
	control("hang kvFlashLeds");
	assert_int_equal(evcan_bus_identify(bus, true), EVCAN_ERR_TIMEOUT);
	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, on_outcome,
	    &outcome), 0);
	before = calls("canRead");
	control("hang canRead");
	control("release");
	UNTIL(calls("canWrite") == 2 && calls("canRead") > before);
	a = open_now("1");
	for (uint32_t id = 0; id < 30; id++)
		send_one(a, id);
	UNTIL(calls("canWrite") == 32);
	control("release");
	UNTIL(outcome.told == 1);
	assert_int_equal(outcome.result, EVCAN_ACCEPTED);
	assert_int_equal(seen.n, 10);
	assert_true(seen.lost > 0);
	end(a);
	end(bus);
}

/* One that does not answer is asked again. */
static void
state_may_not_be_known_for_a_while(void **state)
{
	struct evcan_bus *bus = watch("0");

	(void)state;
	control("fail canReadStatus -2 -1");
	UNTIL(calls("canReadStatus") >= 3);
	control("reset");
	control("state 0 passive");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 0);
	end(bus);
}

/* A reset makes the device forget what it received and what it has not sent:
 * the one is read before, the other not waited for. */
static void
reset_loses_nothing(void **state)
{
	struct evcan_bus *bus = watch("0"), *a = open_now("1");
	struct evcan_frame frame = plain(0x100);
	struct outcome outcome = { 0 };

	(void)state;
	control("set kvaser_unheard 1");
	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, on_outcome,
	    &outcome), 0);
	UNTIL(calls("canWrite") == 1);
	control("set kvaser_unheard 0");
	control("hang kvFlashLeds");
	assert_int_equal(evcan_bus_identify(bus, true), EVCAN_ERR_TIMEOUT);
	for (uint32_t id = 0; id < 20; id++)
		send_one(a, id);
	UNTIL(calls("canWrite") == 21);
	assert_int_equal(evcan_bus_reset(bus, NULL), EVCAN_ERR_TIMEOUT);
	control("release");
	UNTIL(seen.n == 20 && calls("canBusOff") == 1);
	UNTIL(outcome.told == 1);
	assert_int_equal(outcome.result, EVCAN_ACCEPTED);
	assert_int_equal(seen.events[EVCAN_BUS_GAP], 0);
	end(bus);
	end(a);
}

/* The device keeps its old filters then, until it is asked once more. */
static void
filters_that_fail_are_not_forgotten(void **state)
{
	const struct evcan_filter one = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false };
	struct evcan_bus *a = open_now("0"), *b = open_now("1");

	(void)state;
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	control("fail canAccept -1");
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	send_one(a, 0x300);
	expect(b, 0x300);
	end(a);
	end(b);
}

/* The thread has begun with another one. */
static void
mode_can_change_while_it_opens(void **state)
{
	struct evcan_bus *bus = make(base, "0");

	(void)state;
	control("hang canOpenChannel");
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	UNTIL(calls("canOpenChannel") == 1);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	control("release");
	UNTIL(evcan_bus_is_open(bus) && noted("output") == 1);
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_LISTEN_ONLY);
	end(bus);
}

/* Going off the bus would forget it. */
static void
close_waits_for_what_is_sent(void **state)
{
	struct evcan_bus *bus = open_now("0,reopen=false");

	(void)state;
	send_one(bus, 1);
	end(bus);
	assert_int_equal(calls("canWriteSync"), 1);
	bus = open_now("0,reopen=false");
	control("unplug 0");
	UNTIL(!evcan_bus_is_open(bus));
	end(bus);
	assert_int_equal(calls("canWriteSync"), 1);
}

static void
mode_can_change(void **state)
{
	struct evcan_bus *bus = open_now("0");
	struct evcan_frame frame = frame_of(1, 0, 1);

	(void)state;
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(noted("output"), 1);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(noted("output"), 4);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	end(bus);
	bus = open_now("0,driver_mode=false");
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(bus)->text, "driver_mode"));
	/* That option holds in every mode. */
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(noted("output"), 1);
	end(bus);
}

static void
overrun_is_a_loss(void **state)
{
	struct evcan_bus *bus, *a;
	struct evcan_frame frame = frame_of(1, 0, 1);

	(void)state;
	control("set kvaser_queue 10");
	bus = watch("0");
	a = open_now("1");
	/* Its reader sleeps in a call while 30 frames come. */
	control("hang kvFlashLeds");
	assert_int_equal(evcan_bus_identify(bus, true), EVCAN_ERR_TIMEOUT);
	for (int i = 0; i < 30; i++)
		send_frame(a, &frame);
	UNTIL(calls("canWrite") == 30);
	control("release");
	UNTIL(seen.n >= 10);
	assert_int_equal(seen.n, 10);
	assert_true(seen.lost >= 1);
	assert_int_equal(seen.n_at_loss, 0);
	end(bus);
	end(a);
}

static void
full_device_is_waited_for(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;
	int n = 0;

	(void)state;
	control("set kvaser_tx 5");
	a = watch("0");
	b = open_now("1");
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0, 1);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	while (n < 5 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	expect_nothing(b);
	control("set kvaser_tx -1");
	while (n < 20 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	assert_int_equal(n, 20);
	/* What waits can be dropped, here and in the device. */
	control("set kvaser_tx 0");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	assert_int_equal(noted("flushed"), 1);
	control("set kvaser_tx -1");
	expect_nothing(b);
	/* Refused for good: told, with the vendor's code. */
	control("fail canWrite -19");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.vendor, -19);
	assert_non_null(strstr(seen.error.text, "canERR_NOT_SUPPORTED"));
	end(a);
	end(b);
}

static void
lights_and_load(void **state)
{
	struct evcan_bus *bus = watch("0");
	struct evcan_bus_stats stats;

	(void)state;
	assert_int_equal(evcan_bus_identify(bus, true), 0);
	assert_int_equal(noted("flash"), 0);
	assert_int_equal(noted("flash_ms"), 30000);
	assert_int_equal(evcan_bus_identify(bus, false), 0);
	assert_int_equal(noted("flash"), 1);
	control("fail kvFlashLeds -32");
	assert_int_equal(evcan_bus_identify(bus, true),
	    EVCAN_ERR_UNSUPPORTED);
	control("set kvaser_load 4321");
	do {
		event_base_loop(base, EVLOOP_ONCE);
		evcan_bus_get_stats(bus, &stats);
	} while (stats.bus_load == 0);
	assert_int_equal(stats.bus_load, 4321);
	end(bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_reach_the_library),
		TEST(options_reach_the_library),
		TEST(impossible_bits_are_refused),
		TEST(second_handle_has_no_say), TEST(refusals_are_explained),
		TEST(versions_that_will_do),
		{ "old_library_does_less", old_library_does_less, setup,
		  teardown, "kvaser_old" },
		TEST(detects_channels), TEST(times_are_close),
		TEST(filters_go_to_the_device),
		TEST(filters_that_fail_are_not_forgotten),
		TEST(echo_is_asked_for_when_needed),
		TEST(lost_echo_is_not_waited_for), TEST(error_frame_is_sent),
		TEST(error_frames_have_details), TEST(states_are_told),
		TEST(state_may_not_be_known_for_a_while),
		TEST(reset_loses_nothing), TEST(mode_can_change),
		TEST(mode_can_change_while_it_opens),
		TEST(close_waits_for_what_is_sent), TEST(overrun_is_a_loss),
		TEST(full_device_is_waited_for), TEST(lights_and_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_iscan.c - what is isCAN's own, against a double of iscandrv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define INTERFACE "iscan"
#include "double_fixture.h"

/* What a device of the double was told last. */
static long
last(uint8_t device, const char *what)
{
	long (*function)(uint8_t device, const char *what);

	*(void **)&function = double_symbol("evcan_iscan_last");
	return function(device, what);
}

/* Opening */

static void
bit_rates_are_the_tables(void **state)
{
	static const struct {
		const char *options;
		long baud, btr;
	} cases[] = {
		{ "", 7, 0 }, { ",bitrate=10000", 1, 0 },
		{ ",bitrate=20000", 2, 0 }, { ",bitrate=50000", 3, 0 },
		{ ",bitrate=100000", 4, 0 }, { ",bitrate=125000", 5, 0 },
		{ ",bitrate=250000", 6, 0 }, { ",bitrate=500000", 7, 0 },
		{ ",bitrate=800000", 8, 0 }, { ",bitrate=1000000", 9, 0 },
		{ ",timing=f_clock=8000000 btr0=0x43 btr1=0x2f", 0, 0x432f },
		/* Twice the clock: twice the prescaler. */
		{ ",timing=f_clock=16000000 btr0=0x41 btr1=0x1c", 0, 0x401c },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_bus *bus = open_with("1", cases[i].options);

		assert_int_equal(last(1, "baud"), cases[i].baud);
		assert_int_equal(last(1, "btr"), cases[i].btr);
		assert_int_equal(last(1, "id"), UINT32_MAX);
		assert_int_equal(last(1, "handler"), 1);
		assert_string_equal(evcan_bus_channel_info(bus),
		    "isCAN device 1");
		end(bus);
		assert_int_equal(last(1, "open"), 0);
	}
	assert_int_equal(calls("isCAN_StopMessageHandler"),
	    calls("isCAN_StartMessageHandler"));
}

static void
refusals_are_explained(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "16", { "\"16\"", "0 to 15" }, 0 },
		{ "reset", "0x1", { "\"0x1\"" }, 0 },
		{ "reset", "7", { "device 7", "gives 2 (device not found" },
		    2 },
		{ "fail isCAN_DeviceInitEx 15", "0", { "another process" },
		    15 },
		{ "fail isCAN_DeviceInitEx 99", "0", { "99", "unknown" }, 99 },
		{ "fail isCAN_SetBaudRegister 4", "0,timing=f_clock=8000000 "
		    "btr0=0 btr1=0x1c", { "SetBaudRegister", "invalid" }, 4 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INIT);
	assert_int_equal(refused("0,state=PASSIVE").code,
	    EVCAN_ERR_UNSUPPORTED);
}

/* What the driver knows itself is no matter of the library. */
static void
impossible_bits_are_invalid(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "0,bitrate=5000", { "5000", "1000 kbit/s" }, 0 },
		{ "reset", "0,bitrate=83333", { "83333", "timing" }, 0 },
		{ "reset", "0,timing=f_clock=24000000 brp=1 tseg1=16 tseg2=8 "
		    "sjw=1", { "24000000", "8000000" }, 0 },
		{ "reset", "0,timing=f_clock=80000000 nom_brp=2 nom_tseg1=63 "
		    "nom_tseg2=16 nom_sjw=16 data_brp=2 data_tseg1=15 "
		    "data_tseg2=4 data_sjw=4", { "CAN FD",
		    "does not have" }, 0 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INVALID);
	assert_int_equal(calls("isCAN_DeviceInitEx"), 0);
}

/* A device has one user; he who comes second is told. */
static void
device_is_exclusive(void **state)
{
	struct evcan_bus *a = open_now("0"), *b = make(NULL, "0");
	struct evcan_error err = { 0 };
	struct evcan_frame frame = frame_of(1, 0, 1);

	(void)state;
	assert_int_equal(evcan_bus_open(b, &err), EVCAN_ERR_INIT);
	assert_int_equal(err.vendor, 15);
	end(b);
	/* The first is none the worse for it. */
	b = open_now("1");
	send_frame(b, &frame);
	frame = receive(a);
	end(a);
	end(b);
}

static void
library_is_missing(void **state)
{
	static const char *const words[] = { "isCAN_DeviceInitEx",
		"thorsis.com", "EVCAN_LIB_ISCAN" };
	static const char *const older[] = { "a newer one comes from",
		"thorsis.com" };
	struct evcan_error err;

	(void)state;
	use_library("empty");
	err = refused("0");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words, 1);
	/* Standard frames alone: an old one. */
	use_library("iscan_old");
	err = refused("0");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words, 1);
	says(&err, older, 2);
	use_library(NULL);
	err = refused("0");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words + 1, 2);
}

static void
on_found(const struct evcan_detected *found, void *arg)
{
	char text[60];
	int *n = arg;

	snprintf(text, sizeof(text), "isCAN USB, id AB12340%d%s", *n,
	    *n == 1 ? ", in use" : "");
	assert_int_equal(found->channel[0], '0' + *n);
	assert_string_equal(found->description, text);
	++*n;
}

static void
detects_devices(void **state)
{
	const char *names[] = { "iscan", NULL };
	struct evcan_bus *bus = open_now("1");
	int n = 0;

	(void)state;
	setenv("EVCAN_LIB_ISCAN", library, 1);
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 2);
	control("fail isCAN_GetDriverConfiguration 3 -1");
	n = 0;
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
	unsetenv("EVCAN_LIB_ISCAN");
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
	end(bus);
}

/* Frames */

/* Without a call-back it is looked into the device, as often as told. */
static void
polled_without_calls(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame = frame_of(1, 0, 1);

	(void)state;
	control("fail isCAN_StartMessageHandler 40");
	b = open_now("1,poll_interval=0.002");
	assert_string_equal(evcan_bus_channel_info(b),
	    "isCAN device 1, polled");
	control("set iscan_mute 1");
	a = open_now("0");
	for (int i = 0; i < 20; i++) {
		send_frame(a, &frame);
		frame = receive(b);
		assert_int_equal(frame.clock, EVCAN_CLOCK_HOST);
		send_frame(b, &frame);
		frame = receive(a);
	}
	end(a);
	end(b);
}

/* With one it comes at once, however rarely it is looked. */
static void
called_at_once(void **state)
{
	struct evcan_bus *a = open_now("0"), *b =
	    open_now("1,poll_interval=10");
	struct evcan_frame frame = frame_of(1, 0, 1);
	int64_t began;

	(void)state;
	began = evcan_now_monotonic();
	for (int i = 0; i < 100; i++) {
		send_frame(a, &frame);
		assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 20000), 1);
	}
	/* A read that nobody ends takes 100 ms. */
	assert_true(evcan_now_monotonic() - began < 5000 * MS);
	end(a);
	end(b);
}

static void
one_identifier_goes_to_the_device(void **state)
{
	static const struct {
		struct evcan_filter filters[2];
		size_t n;
		uint32_t id;
	} cases[] = {
		{ { { 0x123, 0x7ff, EVCAN_FILTER_STD, false } }, 1, 0x123 },
		{ { { 0x1abcdef, 0x1fffffff, EVCAN_FILTER_EXT, false } }, 1,
		    0x1abcdef },
		{ { { 0x120, 0x7f0, EVCAN_FILTER_STD, false } }, 1,
		    UINT32_MAX },
		{ { { 0x55, 0x7ff, EVCAN_FILTER_STD, false },
		    { 0x55, 0x1fffffff, EVCAN_FILTER_EXT, false } }, 2, 0x55 },
		{ { { 0x55, 0x7ff, EVCAN_FILTER_STD, false },
		    { 0x56, 0x1fffffff, EVCAN_FILTER_EXT, false } }, 2,
		    UINT32_MAX },
		{ { { 0x66, 0x7ff, EVCAN_FILTER_STD, false } }, 1, 0x66 },
		{ { { 0x66, 0x7ff, EVCAN_FILTER_STD, true } }, 1,
		    UINT32_MAX },
	};
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	struct evcan_bus_stats stats;
	struct evcan_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(evcan_bus_set_filters(b, cases[i].filters,
		    cases[i].n, EVCAN_FILTER_OR, NULL), 0);
		assert_int_equal(last(1, "id"), cases[i].id);
	}
	assert_int_equal(evcan_bus_set_filters(b, cases[0].filters, 1,
	    EVCAN_FILTER_OR, NULL), 0);
	/* The device does not tell 123 from 00000123, core does. */
	frame = frame_of(0x124, 0, 2);
	evcan_bus_send_wait(a, &frame, 1000);
	frame = frame_of(0x123, EVCAN_FRAME_EXT, 2);
	evcan_bus_send_wait(a, &frame, 1000);
	frame = frame_of(0x123, 0, 3);
	evcan_bus_send_wait(a, &frame, 1000);
	frame = receive(b);
	assert_int_equal(frame.len, 3);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 1);
	/* It holds after a reset, too. */
	assert_int_equal(evcan_bus_reset(b, NULL), 0);
	assert_int_equal(last(1, "id"), 0x123);
	control("fail isCAN_SetMessageExID 6");
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(last(1, "id"), UINT32_MAX);
	end(a);
	end(b);
}

static void
unfit_frames_are_refused(void **state)
{
	struct evcan_bus *bus = open_now("0");
	struct evcan_frame frame = frame_of(1, 0, 8);

	(void)state;
	frame.dlc = 9;
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(bus)->text, "DLC of 9"));
	frame = frame_of(1, EVCAN_FRAME_FD, 1);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_UNSUPPORTED);
	end(bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bit_rates_are_the_tables), TEST(refusals_are_explained),
		TEST(impossible_bits_are_invalid),
		TEST(device_is_exclusive), TEST(library_is_missing),
		TEST(detects_devices),
		TEST(polled_without_calls), TEST(called_at_once),
		TEST(one_identifier_goes_to_the_device),
		TEST(unfit_frames_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_systec.c - opening modules, against a double of USBCAN */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERFACE "systec"
#include "double_fixture.h"

#include "drivers/systec.h"

static void
defaults_reach_the_library(void **state)
{
	struct evcan_bus *bus = open_now("1");

	(void)state;
	assert_int_equal(noted("device"), 255);
	assert_int_equal(noted("mode"), SYSTEC_MODE_ECHO);
	assert_int_equal(noted("btr"), 0x001c);     /* 500 kbit/s */
	assert_int_equal(noted("ocr"), 0x1a);
	assert_int_equal(noted("baud"), 0);
	assert_int_equal(noted("amr"), UINT32_MAX);
	assert_int_equal(noted("acr"), 0);
	assert_int_equal(noted("rx"), 4096);
	assert_int_equal(noted("tx"), 4096);
	assert_int_equal(calls("UcanSetTxTimeout"), 0);
	assert_string_equal(evcan_bus_channel_info(bus), "USB-CANmodul2, "
	    "S/N 1000123, device 0, CH 1, library 6.02.1");
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_20);
	end(bus);
	assert_int_equal(calls("UcanDeinitCanEx"), 1);
	assert_int_equal(calls("UcanDeinitHardware"), 1);
}

static void
options_reach_the_library(void **state)
{
	static const struct {
		const char *spec, *name;
		long value;
	} cases[] = {
		{ "0,device_number=1", "device", 1 },
		{ "0,bitrate=1000000", "btr", 0x0014 },
		{ "0,bitrate=800000", "btr", 0x0016 },
		{ "0,bitrate=500000", "btr", 0x001c },
		{ "0,bitrate=250000", "btr", 0x011c },
		{ "0,bitrate=125000", "btr", 0x031c },
		{ "0,bitrate=100000", "btr", 0x432f },
		{ "0,bitrate=50000", "btr", 0x472f },
		{ "0,bitrate=20000", "btr", 0x532f },
		{ "0,bitrate=10000", "btr", 0x672f },
		/* 8 MHz: 2 * (1 + 6 + 3) quanta; and from another clock */
		{ "0,timing=f_clock=8000000 brp=2 tseg1=6 tseg2=3 sjw=1 "
		    "nof_samples=1", "btr", 0x0125 },
		{ "0,timing=f_clock=16000000 brp=2 tseg1=13 tseg2=2 sjw=1 "
		    "nof_samples=1", "btr", 0x001c },
		{ "0,state=passive", "mode", SYSTEC_MODE_LISTEN },
		{ "0,receive_own_messages=true", "mode", SYSTEC_MODE_ECHO },
		{ "0,high_resolution=true", "mode", SYSTEC_MODE_ECHO |
		    SYSTEC_MODE_FINE },
		{ "0,rx_buffer_entries=17", "rx", 17 },
		{ "0,tx_buffer_entries=65535", "tx", 65535 },
		{ "0,tx_timeout=250", "timeout", 250 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		end(open_now(cases[i].spec));
		if (noted(cases[i].name) != cases[i].value)
			fail_msg("%s: %s is %lx", cases[i].spec,
			    cases[i].name, noted(cases[i].name));
	}
}

static void
refusals_are_explained(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "2", { "channel \"2\"", "0 or 1" }, 0 },
		{ "reset", "00", { "channel \"00\"", "0 or 1" }, 0 },
		{ "reset", "0,timing=f_clock=8000000 brp=1 tseg1=5 tseg2=4 "
		    "sjw=1 nof_samples=1", { "UcanInitCanEx2",
		    "USBCAN_ERRCMD_ILLBDR" }, 0x47 },
		{ "reset", "0,device_number=7", { "device 7",
		    "USBCAN_ERR_ILLHW" }, 0x05 },
		{ "reset", "0,device_number=2", { "device 2",
		    "another program" }, 0x03 },
		{ "reset", "1,device_number=1", { "channel 1",
		    "USBCAN_ERR_ILLCHANNEL" }, 0x10 },
		{ "fail UcanInitHardwareEx 4", "0", { "any device",
		    "USBCAN_ERR_ILLVERSION" }, 0x04 },
		{ "fail UcanInitCanEx2 0x55", "0", { "0x55",
		    "unknown code" }, 0x55 },
		{ "fail UcanSetTxTimeout 0x12", "0,tx_timeout=9",
		    { "UcanSetTxTimeout", "cannot do that" }, 0x12 },
		{ "unplug 1", "0,device_number=0", { "device 0",
		    "USBCAN_ERR_ILLHW" }, 0x05 },
	};
	static const struct refusal impossible[] = {
		{ "reset", "0,bitrate=83333", { "83333", "800000" }, 0 },
		{ "reset", "0,timing=f_clock=80000000 nom_brp=1 "
		    "nom_tseg1=119 nom_tseg2=40 nom_sjw=40 data_brp=1 "
		    "data_tseg1=29 data_tseg2=10 data_sjw=10",
		    { "CAN FD", "does not have" }, 0 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INIT);
	check_refusals(impossible, 2, EVCAN_ERR_INVALID);
	/* Nothing is left of all these. */
	end(open_now("0"));
}

/* It is looked at before the module, and must do if it says nothing. */
static void
old_library_is_refused(void **state)
{
	static const char *const words[] = { "2.9", "3.0 or newer" };
	static const char *const good[] = { "set systec_version 0",
		"set systec_version 0x00010003",
		"set systec_version 0x00000007" };
	struct evcan_error err;

	(void)state;
	need_double();
	control("set systec_version 0x00040902");
	err = refused("0");
	assert_int_equal(err.code, EVCAN_ERR_INIT);
	says(&err, words, 2);
	assert_int_equal(calls("UcanInitHardwareEx"), 0);
	for (size_t i = 0; i < 3; i++) {
		control(good[i]);
		end(open_now("0"));
	}
}

/* Without any library: one helpful line. */
static void
library_is_needed(void **state)
{
	static const char *const words[] = { "UcanEnumerateHardware",
		"SocketCAN", "EVCAN_LIB_SYSTEC" };
	struct evcan_error err;

	(void)state;
	use_library("empty");
	err = refused("0");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words, 1);
	use_library(NULL);
	err = refused("0");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words + 1, 2);
}

/* Modules */

static void
channels_share_a_module(void **state)
{
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	struct evcan_error err;

	(void)state;
	assert_int_equal(calls("UcanInitHardwareEx"), 1);
	assert_int_equal(calls("UcanInitCanEx2"), 2);
	send_one(a, 0x123);
	expect(b, 0x123);
	err = refused("1,device_number=0");
	assert_non_null(strstr(err.text, "another bus has channel 1"));
	/* The first of both to go leaves it open, whichever that is. */
	end(a);
	assert_int_equal(calls("UcanDeinitHardware"), 0);
	a = open_now("0,device_number=0");
	assert_int_equal(calls("UcanInitHardwareEx"), 1);
	end(b);
	end(a);
	assert_int_equal(calls("UcanDeinitHardware"), 1);
	assert_int_equal(calls("UcanInitHwConnectControlEx"), 1);
}

static void
any_device_is_one_that_is_free(void **state)
{
	struct evcan_bus *a = open_now("0"), *b = open_now("0");
	struct evcan_error err;

	(void)state;
	assert_non_null(strstr(evcan_bus_channel_info(a), "device 0"));
	assert_non_null(strstr(evcan_bus_channel_info(b), "USB-CANmodul1, "
	    "S/N 1000124, device 1, CH 0"));
	err = refused("0");
	assert_int_equal(err.vendor, 0x03);
	/* The second module has no such channel, and is not asked. */
	end(a);
	a = open_now("1");
	assert_non_null(strstr(evcan_bus_channel_info(a), "device 0"));
	send_one(a, 0x7ff);
	expect(b, 0x7ff);
}

/* It does not come back on another module. */
static void
comes_back_to_its_module(void **state)
{
	struct evcan_bus *bus = watch("0");

	(void)state;
	assert_non_null(strstr(evcan_bus_channel_info(bus), "device 0"));
	control("unplug 0");
	UNTIL(calls("UcanInitHardwareEx") >= 4);
	assert_int_equal(noted("device"), 0);
	assert_int_equal(seen.events[EVCAN_BUS_OPENED], 1);
	control("plug 0");
	UNTIL(seen.events[EVCAN_BUS_OPENED] == 2);
	assert_non_null(strstr(evcan_bus_channel_info(bus), "device 0"));
}

static struct evcan_bus *
opening(const char *spec)
{
	struct evcan_bus *bus = make(base, spec);

	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	return bus;
}

/* While a module is opened or closed, its other channel waits. */
static void
others_do_not_wait(void **state)
{
	static const char *const names[] = { "UcanInitHardwareEx",
		"UcanDeinitHardware" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct evcan_bus *first, *same, *other;
		char text[60];
		long before;

		control("reset");
		first = i == 0 ? NULL : begin("0,device_number=0");
		snprintf(text, sizeof(text), "hang %s", names[i]);
		before = calls(names[i]);
		control(text);
		if (i == 0)
			first = opening("0,device_number=0");
		else
			evcan_bus_close(first);
		UNTIL(calls(names[i]) == before + 1);
		before = calls("UcanInitHardwareEx");
		same = opening("1,device_number=0");
		other = opening("0,device_number=1");
		UNTIL(evcan_bus_is_open(other));
		assert_false(evcan_bus_is_open(same));
		assert_int_equal(calls("UcanInitHardwareEx"), before + 1);
		control("release");
		UNTIL(evcan_bus_is_open(same));
		UNTIL(i == 1 || evcan_bus_is_open(first));
		/* One that came first is shared. */
		assert_int_equal(calls("UcanInitHardwareEx"),
		    before + 1 + i);
		end(first);
		end(same);
		end(other);
	}
}

static char found[8][160];
static int n_found;

static void
on_found(const struct evcan_detected *one, void *arg)
{
	(void)arg;
	assert_string_equal(one->interface, "systec");
	snprintf(found[n_found++ % 8], sizeof(found[0]), "%s %s",
	    one->channel, one->description);
}

static void
detects_channels(void **state)
{
	const char *names[] = { "systec", NULL };

	(void)state;
	need_double();
	n_found = 0;
	setenv("EVCAN_LIB_SYSTEC", library, 1);
	assert_int_equal(evcan_detect(names, -1, on_found, NULL, NULL), 5);
	assert_string_equal(found[0],
	    "0 USB-CANmodul2, S/N 1000123, device 0, CH 0");
	assert_string_equal(found[1],
	    "1 USB-CANmodul2, S/N 1000123, device 0, CH 1");
	assert_string_equal(found[2],
	    "0 USB-CANmodul1, S/N 1000124, device 1, CH 0");
	assert_string_equal(found[4],
	    "1 USB-CANmodul2 G4, S/N 1000125, device 2, CH 1, in use");
	control("unplug 0");
	assert_int_equal(evcan_detect(names, -1, on_found, NULL, NULL), 3);
	setenv("EVCAN_LIB_SYSTEC", "/nowhere/lib.so", 1);
	assert_int_equal(evcan_detect(names, -1, on_found, NULL, NULL), 0);
	unsetenv("EVCAN_LIB_SYSTEC");
}

/* Filters */

static void
registers_are_computed(void **state)
{
	static const struct {
		bool extended;
		uint32_t from, to;
		bool only, too;
		uint32_t amr, acr;
	} cases[] = {
		{ false, 0, 0x7ff, false, true, 0xffffffff, 0 },
		{ false, 0x123, 0x123, false, true, 0x001fffff, 0x24600000 },
		{ false, 0x123, 0x123, false, false, 0x000fffff, 0x24600000 },
		{ false, 0x123, 0x123, true, false, 0x000fffff, 0x24700000 },
		{ false, 0x100, 0x10f, false, true, 0x01ffffff, 0x20000000 },
		{ true, 0, 0x1fffffff, false, true, 0xffffffff, 0 },
		{ true, 0x1234, 0x1234, false, true, 0x7, 0x91a0 },
		{ true, 0x1234, 0x1234, false, false, 0x3, 0x91a0 },
		{ true, 0x1234, 0x1234, true, true, 0x3, 0x91a4 },
		{ true, 0x1230, 0x123f, true, false, 0x7b, 0x9184 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_systec_filter_ f = evcan_systec_filter_(
		    cases[i].extended, cases[i].from, cases[i].to,
		    cases[i].only, cases[i].too);

		assert_int_equal(f.amr, cases[i].amr);
		assert_int_equal(f.acr, cases[i].acr);
	}
}

static void
filters_go_to_the_module(void **state)
{
	static const struct {
		size_t n;
		struct evcan_filter list[2];
		uint32_t amr, acr;
	} cases[] = {
		{ 1, { { 0x120, 0x7f0, EVCAN_FILTER_STD, false } },
		    0x01ffffff, 0x24000000 },
		{ 1, { { 0x1234567, 0x1fffffff, EVCAN_FILTER_EXT, false } },
		    0x7, 0x091a2b38 },
		/* Standard and extended: what both have in common. */
		{ 2, { { 0x7f3, 0x7ff, EVCAN_FILTER_STD, false },
		    { 0x7f1u << 18, 0x1fffffff, EVCAN_FILTER_EXT, false } },
		    0x005fffff, 0xfe200000 },
		{ 2, { { 0x100, 0x7ff, EVCAN_FILTER_STD, false },
		    { 0x101, 0x7ff, EVCAN_FILTER_STD, false } },
		    0x003fffff, 0x20000000 },
		{ 1, { { 0x120, 0x7f0, EVCAN_FILTER_STD, true } },
		    0xffffffff, 0 },
	};
	struct evcan_bus *bus = open_now("0");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(evcan_bus_set_filters(bus, cases[i].list,
		    cases[i].n, EVCAN_FILTER_OR, NULL), 0);
		assert_int_equal((uint32_t)noted("amr"), cases[i].amr);
		assert_int_equal((uint32_t)noted("acr"), cases[i].acr);
	}
}

static void
module_keeps_frames_out(void **state)
{
	const struct evcan_filter one = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false };
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	struct evcan_frame frame;
	struct evcan_bus_stats stats;

	(void)state;
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	for (uint32_t id = 0x100; id < 0x140; id++)
		send_one(a, id);
	for (uint32_t id = 0x120; id < 0x130; id++)
		expect(b, id);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 0);
	/* It cannot tell formats apart, so that is left to do. */
	frame = frame_of(0x123u << 18, EVCAN_FRAME_EXT, 4);
	send_frame(a, &frame);
	send_one(a, 0x12f);
	expect(b, 0x12f);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 1);
	/* Another mode leaves them alone. */
	assert_int_equal(evcan_bus_set_mode(b, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal((uint32_t)noted("amr"), 0x01ffffff);
	/* An own frame that is waited for must pass. */
	assert_int_equal(evcan_bus_set_mode(b, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(outcome_of(b, 0x200), EVCAN_SENT);
	assert_int_equal((uint32_t)noted("amr"), UINT32_MAX);
	send_one(a, 0x110);
	send_one(a, 0x121);
	expect(b, 0x121);
}

static void
module_may_refuse_filters(void **state)
{
	const struct evcan_filter one = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false };
	struct evcan_bus *a = open_now("0"), *b = open_now("1");

	(void)state;
	control("fail UcanSetAcceptanceEx 0x42");
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	send_one(a, 0x110);
	send_one(a, 0x121);
	expect(b, 0x121);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_reach_the_library),
		TEST(options_reach_the_library),
		TEST(refusals_are_explained),
		TEST(old_library_is_refused),
		TEST(library_is_needed),
		TEST(channels_share_a_module),
		TEST(any_device_is_one_that_is_free),
		TEST(comes_back_to_its_module),
		TEST(others_do_not_wait),
		TEST(detects_channels),
		TEST(registers_are_computed),
		TEST(filters_go_to_the_module),
		TEST(module_keeps_frames_out),
		TEST(module_may_refuse_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

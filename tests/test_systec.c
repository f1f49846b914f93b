/* SPDX-License-Identifier: BSD-3-Clause */
/* test_systec.c - opening modules, against a double of USBCAN */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "systec_fixture.h"

#include "drivers/systec.h"

static void
defaults_reach_the_library(void **state)
{
	struct evcan_bus *bus = open_now("1");

	(void)state;
	assert_int_equal(last("device"), 255);
	assert_int_equal(last("mode"), SYSTEC_MODE_ECHO);
	assert_int_equal(last("btr"), 0x001c);     /* 500 kbit/s */
	assert_int_equal(last("ocr"), 0x1a);
	assert_int_equal(last("baud"), 0);
	assert_int_equal(last("amr"), UINT32_MAX);
	assert_int_equal(last("acr"), 0);
	assert_int_equal(last("rx"), 4096);
	assert_int_equal(last("tx"), 4096);
	assert_int_equal(calls("UcanSetTxTimeout"), 0);
	assert_string_equal(evcan_bus_channel_info(bus), "USB-CANmodul2, "
	    "S/N 1000123, device 0, CH 1, library 6.02.1");
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_20);
	put_away(bus);
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
		put_away(open_now(cases[i].spec));
		if (last(cases[i].name) != cases[i].value)
			fail_msg("%s: %s is %lx", cases[i].spec,
			    cases[i].name, last(cases[i].name));
	}
}

static void
refusals_are_explained(void **state)
{
	static const struct {
		const char *misdeed, *spec, *words[2];
		long vendor;
	} cases[] = {
		{ "reset", "2", { "channel \"2\"", "0 or 1" }, 0 },
		{ "reset", "00", { "channel \"00\"", "0 or 1" }, 0 },
		{ "reset", "0,bitrate=83333", { "83333", "800000" }, 0 },
		{ "reset", "0,timing=f_clock=80000000 nom_brp=1 "
		    "nom_tseg1=119 nom_tseg2=40 nom_sjw=40 data_brp=1 "
		    "data_tseg1=29 data_tseg2=10 data_sjw=10",
		    { "CAN FD", "do not have" }, 0 },
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

	(void)state;
	put_away(make(NULL, "0"));     /* skips without doubles */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_error err;

		control("reset");
		control(cases[i].misdeed);
		err = refused(cases[i].spec);
		for (int w = 0; w < 2; w++) {
			if (strstr(err.text, cases[i].words[w]) == NULL)
				fail_msg("%s: %s", cases[i].words[w],
				    err.text);
		}
		assert_int_equal(err.code, EVCAN_ERR_INIT);
		assert_int_equal(err.vendor, cases[i].vendor);
	}
	/* Nothing is left of all these. */
	control("reset");
	put_away(open_now("0"));
}

/* Without any library: one helpful line. */
static void
library_is_needed(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char spec[600], *end;

	(void)state;
	bus = evcan_bus_new_spec(NULL, "systec:0,ignore_config=true", &err);
	assert_non_null(bus);
	assert_int_equal(evcan_bus_open(bus, &err),
	    EVCAN_ERR_NOT_IMPLEMENTED);
	assert_non_null(strstr(err.text, "SocketCAN"));
	assert_non_null(strstr(err.text, "EVCAN_LIB_SYSTEC"));
	evcan_bus_free(bus);
	put_away(make(NULL, "0"));     /* skips without doubles */
	snprintf(spec, sizeof(spec), "systec:0,ignore_config=true,library=%s",
	    library);
	end = strstr(spec, "systec_double.so");
	strcpy(end, "empty_double.so");
	bus = evcan_bus_new_spec(NULL, spec, &err);
	assert_non_null(bus);
	evcan_error_clear(&err);
	assert_int_equal(evcan_bus_open(bus, &err),
	    EVCAN_ERR_NOT_IMPLEMENTED);
	assert_non_null(strstr(err.text, "UcanEnumerateHardware"));
	evcan_bus_free(bus);
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
	receive(b, 0x123);
	err = refused("1,device_number=0");
	assert_non_null(strstr(err.text, "another bus has channel 1"));
	/* The first of both to go leaves it open, whichever that is. */
	put_away(a);
	assert_int_equal(calls("UcanDeinitHardware"), 0);
	a = open_now("0,device_number=0");
	assert_int_equal(calls("UcanInitHardwareEx"), 1);
	put_away(b);
	put_away(a);
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
	put_away(a);
	a = open_now("1");
	assert_non_null(strstr(evcan_bus_channel_info(a), "device 0"));
	send_one(a, 0x7ff);
	receive(b, 0x7ff);
}

static void
hundred_opens(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct evcan_bus *bus = make(base, i % 2 ? "0" : "1");

		assert_int_equal(evcan_bus_open(bus, NULL), 0);
		if (i % 3 == 0)
			await(evcan_bus_is_open(bus));
		put_away(bus);
	}
	assert_int_equal(calls("UcanInitHardwareEx"),
	    calls("UcanDeinitHardware"));
	assert_int_equal(calls("UcanInitCanEx2"), calls("UcanDeinitCanEx"));
	assert_int_equal(evcan_vendor_abandoned_(), 0);
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
	put_away(make(NULL, "0"));
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
		assert_int_equal((uint32_t)last("amr"), cases[i].amr);
		assert_int_equal((uint32_t)last("acr"), cases[i].acr);
	}
}

static void
ignore_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	(void)bus;
	(void)frame;
	(void)result;
	(void)arg;
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
		receive(b, id);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 0);
	/* It cannot tell formats apart, so that is left to do. */
	frame = frame_of(0x123u << 18, EVCAN_FRAME_EXT);
	assert_int_equal(evcan_bus_send_wait(a, &frame, 1000), 0);
	send_one(a, 0x12f);
	receive(b, 0x12f);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 1);
	/* Another mode leaves them alone. */
	assert_int_equal(evcan_bus_set_mode(b, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal((uint32_t)last("amr"), 0x01ffffff);
	/* An own frame that is waited for must pass. */
	assert_int_equal(evcan_bus_set_mode(b, EVCAN_MODE_NORMAL), 0);
	frame = frame_of(0x200, 0);
	assert_int_equal(evcan_bus_send_cb(b, &frame, 1000, ignore_sent,
	    NULL), 0);
	assert_int_equal((uint32_t)last("amr"), UINT32_MAX);
	send_one(a, 0x110);
	send_one(a, 0x121);
	receive(b, 0x121);
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
	receive(b, 0x121);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEC_TEST(defaults_reach_the_library),
		SYSTEC_TEST(options_reach_the_library),
		SYSTEC_TEST(refusals_are_explained),
		SYSTEC_TEST(library_is_needed),
		SYSTEC_TEST(channels_share_a_module),
		SYSTEC_TEST(any_device_is_one_that_is_free),
		SYSTEC_TEST(hundred_opens),
		SYSTEC_TEST(detects_channels),
		SYSTEC_TEST(registers_are_computed),
		SYSTEC_TEST(filters_go_to_the_module),
		SYSTEC_TEST(module_keeps_frames_out),
		SYSTEC_TEST(module_may_refuse_filters),
	};

	warm_up_threads();
	return cmocka_run_group_tests(tests, load_double, NULL);
}

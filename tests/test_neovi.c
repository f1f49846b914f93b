/* SPDX-License-Identifier: BSD-3-Clause */
/* test_neovi.c - the neovi driver: numbers, messages and opening */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "neovi_fixture.h"

/* Numbers */

static void
test_serials(void **state)
{
	static const struct {
		uint32_t number;
		const char *text;
	} cases[] = {
		{ 0, "0" }, { 123456, "123456" }, { 16796160, "16796160" },
		{ 16796161, "0A0001" }, { 623137537, "AB0001" },
		{ 63970746, "123456" }, { 2176782334, "ZZZZZY" },
		{ 2176782335, "2176782335" }, { UINT32_MAX, "4294967295" }
	};
	static const char *const none[] = { "", " ", "AB-001", "AB00012",
		"-1", "4294967296", "99999999999999999999", "0x10", "ZZZZZZ",
		"000000Z" };
	uint32_t numbers[2];
	char text[12];
	int n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evcan_neovi_serial_text_(cases[i].number, text);
		assert_string_equal(text, cases[i].text);
		n = evcan_neovi_serial_numbers_(text, numbers);
		assert_true(n > 0);
		assert_true(numbers[0] == cases[i].number ||
		    numbers[n - 1] == cases[i].number);
	}
	/* Six digits may be either. */
	assert_int_equal(evcan_neovi_serial_numbers_("123456", numbers), 2);
	assert_int_equal(numbers[0], 63970746);
	assert_int_equal(numbers[1], 123456);
	assert_int_equal(evcan_neovi_serial_numbers_("ab0001", numbers), 1);
	assert_int_equal(numbers[0], 623137537);
	assert_int_equal(evcan_neovi_serial_numbers_("623137537", numbers),
	    1);
	assert_int_equal(numbers[0], 623137537);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(evcan_neovi_serial_numbers_(none[i],
		    numbers), 0);
}

static void
test_networks(void **state)
{
	static const struct {
		const char *text;
		uint16_t id;
	} cases[] = {
		{ "HSCAN", 1 }, { "hscan2", 42 }, { "MSCAN", 2 },
		{ "HSCAN7", 97 }, { "LSFTCAN2", 99 }, { "DWCAN_08", 2 },
		{ "DWCAN_16", 541 }, { "1", 1 }, { "541", 541 },
		{ "65535", 65535 }, { "65536", 0 }, { "0", 0 }, { "", 0 },
		{ "HSCAN9", 0 }, { "HSCA", 0 }, { "nosuchdevice0", 0 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(evcan_neovi_net_id_(cases[i].text,
		    strlen(cases[i].text)), cases[i].id);
}

/* Messages */

static struct evcan_neovi_port_ bare = { .nets = { { 1, 0 } }, .n_nets = 1 };

static struct evcan_frame
frame_from(struct evcan_neovi_message_ message)
{
	struct evcan_frame frame;

	message.net = 1;
	evcan_neovi_to_frame_(&bare, &message, 5000000000, &frame);
	return frame;
}

static void
test_error_frames(void **state)
{
	static const struct {
		uint32_t status, status3, id;
		uint8_t data[8];
	} cases[] = {
		{ 0, 0x100, 0x80, { 0 } },     /* not valid: nothing */
		{ NEOVI_HAS_STATUS3, 0x100, 0x88, { [2] = 4 } },
		{ NEOVI_HAS_STATUS3, 0x10000, 0x88, { [2] = 4 } },
		{ NEOVI_HAS_STATUS3, 0x20200, 0x88, { [2] = 2 } },
		{ NEOVI_HAS_STATUS3, 0x400, 0xa8, { [3] = 0x19 } },
		{ NEOVI_HAS_STATUS3, 0x80000, 0x88, { [2] = 0x10 } },
		{ NEOVI_HAS_STATUS3, 0x1000, 0x88, { [2] = 8 } },
		{ NEOVI_HAS_STATUS3 | NEOVI_TX, 0x2000, 0x88,
		    { [2] = 0x80, [3] = 8 } },
		{ NEOVI_HAS_STATUS3, 7, 0xc4, { [1] = 0x3c } },
		{ NEOVI_BUS_OFF, 0, 0xc0, { 0 } },
		{ NEOVI_RECOVERED, 0, 0x180, { 0 } },
		{ NEOVI_LOST_ARBITRATION, 0, 0x82, { 0 } },
		{ NEOVI_SHORT_TO_BATTERY, 0, 0x90, { [4] = 5 } },
		{ NEOVI_SHORT_TO_GROUND, 0, 0x90, { [4] = 7 } }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_frame frame = frame_from(
		    (struct evcan_neovi_message_){
		    .status = cases[i].status, .status2 = NEOVI_ERROR_FRAME,
		    .status3 = cases[i].status3 });

		assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame.id, cases[i].id);
		assert_memory_equal(frame.data, cases[i].data, 8);
	}
}

static void
test_odd_messages(void **state)
{
	uint8_t extra[64] = { 11, 12, 13, 14, 15, 16, 17, 18, 19 };
	struct evcan_frame frame;

	(void)state;
	/* A pointer alone means nothing. */
	frame = frame_from((struct evcan_neovi_message_){ .protocol = 1,
	    .id = 0xffffffff, .data_bytes = 200, .data = { 1, 2 },
	    .extra = (void *)(uintptr_t)16 });
	assert_int_equal(frame.id, 0x7ff);
	assert_int_equal(frame.len, 8);
	assert_int_equal(frame.data[1], 2);
	assert_int_equal(evcan_frame_check(&frame, NULL), 0);
	/* A length that CAN FD does not have. */
	frame = frame_from((struct evcan_neovi_message_){ .protocol = 30,
	    .status = NEOVI_EXT, .id = 0xffffffff, .data_bytes = 9,
	    .has_extra = 1, .extra = extra, .status3 = NEOVI_BRS });
	assert_int_equal(frame.id, 0x1fffffff);
	assert_int_equal(frame.len, 12);
	assert_int_equal(frame.data[8], 19);
	assert_int_equal(frame.data[9], 0);
	assert_int_equal(frame.flags, EVCAN_FRAME_EXT | EVCAN_FRAME_FD |
	    EVCAN_FRAME_BRS);
	assert_int_equal(evcan_frame_check(&frame, NULL), 0);
	frame = frame_from((struct evcan_neovi_message_){ .protocol = 30,
	    .data_bytes = 64, .data = { 1 }, .status = NEOVI_RTR });
	assert_int_equal(frame.len, 8);
	assert_int_equal(evcan_frame_check(&frame, NULL), 0);
	/* No time, or one that cannot be. */
	assert_int_equal(frame.clock, EVCAN_CLOCK_HOST);
	assert_int_equal(frame.time_ns, 5000000000);
	frame = frame_from((struct evcan_neovi_message_){ .protocol = 1,
	    .time_id = NEOVI_TICKS_25_NS, .time2 = UINT32_MAX });
	assert_int_equal(frame.clock, EVCAN_CLOCK_HOST);
}

static void
test_states_of_messages(void **state)
{
	static const struct {
		uint32_t status, status2, status3;
		enum evcan_bus_state before, after;
	} cases[] = {
		{ 0, 0, 7, EVCAN_STATE_WARNING, EVCAN_STATE_WARNING },
		{ NEOVI_BUS_OFF, 0, 0, EVCAN_STATE_ACTIVE,
		    EVCAN_STATE_BUS_OFF },
		{ NEOVI_RECOVERED, 0, 0, EVCAN_STATE_BUS_OFF,
		    EVCAN_STATE_ACTIVE },
		{ NEOVI_PASSIVE, 0, 0, EVCAN_STATE_ACTIVE,
		    EVCAN_STATE_PASSIVE },
		{ NEOVI_HAS_STATUS3, NEOVI_ERROR_FRAME, NEOVI_3_WARNING,
		    EVCAN_STATE_ACTIVE, EVCAN_STATE_WARNING },
		{ NEOVI_HAS_STATUS3, NEOVI_ERROR_FRAME, 0,
		    EVCAN_STATE_PASSIVE, EVCAN_STATE_ACTIVE },
		{ 0, NEOVI_ERROR_FRAME, 0, EVCAN_STATE_PASSIVE,
		    EVCAN_STATE_PASSIVE },
		{ NEOVI_TX, 0, 0, EVCAN_STATE_BUS_OFF, EVCAN_STATE_ACTIVE },
		{ NEOVI_TX | NEOVI_GLOBAL_ERROR, 0, 0, EVCAN_STATE_BUS_OFF,
		    EVCAN_STATE_BUS_OFF },
		{ NEOVI_TX, 0, 0, EVCAN_STATE_WARNING, EVCAN_STATE_WARNING }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_neovi_message_ message = {
			.status = cases[i].status,
			.status2 = cases[i].status2,
			.status3 = cases[i].status3
		};

		assert_int_equal(evcan_neovi_state_(cases[i].before,
		    &message), cases[i].after);
	}
}

/* Opening */

static void
test_opens(void **state)
{
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	bus = open_now("HSCAN");
	assert_string_equal(evcan_bus_channel_info(bus),
	    "neoVI FIRE 2 AB0001, network 1, library's version 804");
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_20);
	/* No rate given: none is set. */
	assert_int_equal(calls("icsneoSetBitRate"), 0);
	assert_int_equal(calls("icsneoSetBitRateEx"), 0);
	/* python-can's default: own messages are wanted. */
	send_one(bus, 0x123);
	frame = receive(bus);
	assert_true(frame.flags & EVCAN_FRAME_ECHO);
	end(bus);
	assert_int_equal(calls("icsneoClosePort"), 1);
	assert_int_equal(calls("icsneoFreeObject"), 1);
}

/* Which number means what is not known, so none is refused. */
static void
test_versions(void **state)
{
	static const struct {
		const char *command, *text;
	} cases[] = {
		{ "set neovi_version 0", "network 1" },
		{ "set neovi_version -1", "network 1" },
		{ "set neovi_version 1", "network 1, library's version 1" },
		{ "set neovi_version 2147483647",
		    "network 1, library's version 2147483647" },
		{ "set neovi_version -2147483648", "network 1" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_bus *bus;

		control(cases[i].command);
		bus = open_now("HSCAN");
		assert_string_equal(strstr(evcan_bus_channel_info(bus),
		    "network"), cases[i].text);
		send_one(bus, 1);
		expect(bus, 1);
		end(bus);
	}
}

static void
test_rates(void **state)
{
	struct evcan_bus *bus;
	struct evcan_error err;

	(void)state;
	bus = open_now("HSCAN2,bitrate=250000,data_bitrate=2000000");
	assert_int_equal(noted("rate"), 250000);
	assert_int_equal(noted("net"), 42);
	assert_int_equal(noted("data_rate"), -999999);
	end(bus);
	bus = open_now("2,fd=true,bitrate=500000,data_bitrate=4000000");
	assert_int_equal(noted("rate"), 500000);
	assert_int_equal(noted("data_rate"), 4000000);
	assert_int_equal(noted("net"), 2);
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_FD);
	end(bus);
	/* Some are known by rounded numbers only. */
	bus = open_now("1,fd=true,bitrate=83333,data_bitrate=6666667");
	assert_int_equal(noted("rate"), 83000);
	assert_int_equal(noted("data_rate"), 6667000);
	end(bus);
	/* Never the calls that keep it when the power is off. */
	assert_int_equal(calls("icsneoSetBitRate"), 0);
	assert_int_equal(calls("icsneoSetFDBitRate"), 0);
	err = refused("HSCAN,bitrate=123457");
	assert_int_equal(err.code, EVCAN_ERR_INIT);
	assert_int_equal(err.vendor, 0x2013);
	assert_non_null(strstr(err.text, "BaudrateNotFound"));
	assert_non_null(strstr(err.text, "123457"));
	assert_non_null(strstr(err.text, "83, 100, 125, 250"));
	err = refused("HSCAN,fd=true,data_bitrate=3000000");
	assert_int_equal(err.vendor, 0x2013);
	assert_non_null(strstr(err.text, "data bit rate 3000000"));
	err = refused("SWCAN,bitrate=33333");
	assert_int_equal(err.vendor, 0x2009);
	assert_non_null(strstr(err.text, "network 3"));
	assert_int_equal(calls("icsneoOpenDevice"),
	    calls("icsneoClosePort"));
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *spec, *text;
		int code;
	} cases[] = {
		{ "nosuchdev0", "nosuchdev0", EVCAN_ERR_INIT },
		{ "", "HSCAN+MSCAN", EVCAN_ERR_INIT },
		{ "HSCAN+HSCAN99", "HSCAN99", EVCAN_ERR_INIT },
		{ "HSCAN,timing=f_clock=8000000 btr0=0 btr1=0x14",
		    "bit rates only", EVCAN_ERR_UNSUPPORTED },
		{ "HSCAN,state=PASSIVE", "listen-only",
		    EVCAN_ERR_UNSUPPORTED },
		{ "HSCAN,fd=true,bitrate=2000000", "1000000",
		    EVCAN_ERR_INVALID },
		{ "HSCAN,serial=nothing", "\"nothing\"", EVCAN_ERR_INVALID },
		{ "HSCAN,serial=AB0002", "AB0002", EVCAN_ERR_INIT },
		{ "HSCAN,type_filter=0x14", "3 found", EVCAN_ERR_INIT },
		{ "HSCAN,serial=CY2468", "is in use", EVCAN_ERR_BUSY }
	};
	struct evcan_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = refused(cases[i].spec);
		if (err.code != cases[i].code ||
		    strstr(err.text, cases[i].text) == NULL)
			fail_msg("%s: %d, %s", cases[i].spec, err.code,
			    err.text);
	}
	assert_int_equal(calls("icsneoOpenDevice"), 0);
	control("fail icsneoOpenDevice 0x3002");
	err = refused("HSCAN");
	assert_int_equal(err.code, EVCAN_ERR_INIT);
	assert_int_equal(err.vendor, 0x3002);
	assert_non_null(strstr(err.text, "AB0001"));
	control("fail icsneoFindDevices 0");
	err = refused("HSCAN");
	assert_non_null(strstr(err.text, "icsneoFindDevices"));
}

/* Which of the devices; and none is searched for while one is open. */
static void
test_choice(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_error err;

	(void)state;
	a = open_now("HSCAN,receive_own_messages=false");
	b = open_now("HSCAN,receive_own_messages=false");
	assert_non_null(strstr(evcan_bus_channel_info(a), "AB0001"));
	assert_non_null(strstr(evcan_bus_channel_info(b), "123456"));
	err = refused("MSCAN");
	assert_int_equal(err.code, EVCAN_ERR_BUSY);
	assert_non_null(strstr(err.text, "every neoVI device"));
	assert_int_equal(calls("icsneoFindDevices"), 1);
	send_one(a, 1);
	receive(b);
	end(a);
	end(b);
	control("set clients 1");
	a = open_now("HSCAN,receive_own_messages=false");
	assert_non_null(strstr(evcan_bus_channel_info(a), "123456"));
	assert_int_equal(calls("icsneoFindDevices"), 2);
	end(a);
	control("reset");
	a = open_now("HSCAN,type_filter=0x0A");
	assert_non_null(strstr(evcan_bus_channel_info(a),
	    "ValueCAN 4-2EL 123456"));
	b = open_now("HSCAN,serial=623137537");
	assert_non_null(strstr(evcan_bus_channel_info(b), "AB0001"));
	end(a);
	end(b);
}

/* Once it has one it comes back to that, though another one is free. */
static void
test_stays_with_its_device(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	bus = watch("HSCAN");
	assert_non_null(strstr(evcan_bus_channel_info(bus), "AB0001"));
	control("unplug 0");
	UNTIL(!evcan_bus_is_open(bus));
	UNTIL(calls("icsneoFindDevices") >= 4);
	assert_int_equal(calls("icsneoOpenDevice"), 1);
	control("plug 0");
	UNTIL(evcan_bus_is_open(bus));
	assert_non_null(strstr(evcan_bus_channel_info(bus), "AB0001"));
	assert_int_equal(seen.events[EVCAN_BUS_ERROR], 1);
	end(bus);
}

/* A library with no more than the six functions, and one with less. */
static void
test_libraries(void **state)
{
	static const char *const words[] = { "icsneoFindDevices" },
	    *const old[] = { "data_bitrate" };
	struct evcan_error err;
	struct evcan_bus *bus;
	struct evcan_frame frame;

	(void)state;
	use_library(NULL);
	err = refused("HSCAN,override_library_name=libm.so.6");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words, 1);
	use_library("neovi_old");
	bus = open_now("HSCAN,bitrate=500000");
	send_one(bus, 0x42);
	frame = expect(bus, 0x42);
	assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
	assert_int_equal(evcan_bus_reset(bus, NULL), EVCAN_ERR_UNSUPPORTED);
	end(bus);
	err = refused("HSCAN,bitrate=500000,fd=true,data_bitrate=2000000");
	assert_int_equal(err.code, EVCAN_ERR_UNSUPPORTED);
	says(&err, old, 1);
}

struct detected {
	int n;
	char text[3][200];
};

static void
on_found(const struct evcan_detected *found, void *arg)
{
	struct detected *all = arg;

	assert_true(all->n < 3);
	snprintf(all->text[all->n++], sizeof(all->text[0]), "%s %s: %s",
	    found->channel, evcan_options_get(found->options, "serial"),
	    found->description);
}

static void
test_detect(void **state)
{
	static const char *const neovi[] = { "neovi", NULL };
	struct detected all = { 0 };
	struct evcan_frame frame;
	struct evcan_bus *bus;

	(void)state;
	setenv("EVCAN_LIB_NEOVI", library, 1);
	bus = open_now(B);
	assert_int_equal(evcan_detect(neovi, -1, on_found, &all, NULL), 3);
	assert_string_equal(all.text[0],
	    "HSCAN AB0001: neoVI FIRE 2 AB0001");
	assert_string_equal(all.text[1],
	    "HSCAN 123456: ValueCAN 4-2EL 123456, in use");
	assert_string_equal(all.text[2],
	    "HSCAN CY2468: ValueCAN 4-1 CY2468, in use");
	/* It did no harm to the one that is open. */
	send_one(bus, 1);
	UNTIL(evcan_bus_recv(bus, &frame, 1) == 0 &&
	    stats_of(bus).confirmed == 1);
	end(bus);
	control("unplug 0");
	control("unplug 1");
	memset(&all, 0, sizeof(all));
	assert_int_equal(evcan_detect(neovi, -1, on_found, &all, NULL), 1);
	setenv("EVCAN_LIB_NEOVI", "/nowhere", 1);
	assert_int_equal(evcan_detect(neovi, -1, on_found, &all, NULL), 0);
	unsetenv("EVCAN_LIB_NEOVI");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_error_frames),
		cmocka_unit_test(test_odd_messages),
		cmocka_unit_test(test_states_of_messages),
		TEST(test_opens),
		TEST(test_versions),
		TEST(test_rates),
		TEST(test_refusals),
		TEST(test_choice),
		TEST(test_stays_with_its_device),
		TEST(test_libraries),
		TEST(test_detect)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pcan.c - the pcan driver: names, numbers and opening */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pcan_fixture.h"

/* Names and numbers */

static void
test_channels(void **state)
{
	static const struct {
		const char *text;
		uint16_t channel;
	} cases[] = {
		{ "PCAN_USBBUS1", 0x51 }, { "PCAN_USBBUS8", 0x58 },
		{ "PCAN_USBBUS9", 0x509 }, { "PCAN_USBBUS16", 0x510 },
		{ "PCAN_PCIBUS1", 0x41 }, { "PCAN_PCIBUS16", 0x410 },
		{ "PCAN_ISABUS8", 0x28 }, { "PCAN_DNGBUS1", 0x31 },
		{ "PCAN_PCCBUS2", 0x62 }, { "PCAN_LANBUS1", 0x801 },
		{ "PCAN_LANBUS16", 0x810 }, { "pcan_usbbus2", 0x52 },
		{ "0x51", 0x51 }, { "81", 0x51 }, { "1281", 0 },
		{ "1289", 0x509 }, { "0", 0 }, { "", 0 }, { "1", 0 },
		{ "PCAN_USBBUS17", 0 }, { "PCAN_USBBUS", 0 },
		{ "PCAN_NONEBUS", 0 }, { "65617", 0 }
	};
	char name[EVCAN_PCAN_NAME_];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(evcan_pcan_channel_(cases[i].text),
		    cases[i].channel);
	while (evcan_pcan_channel_at_(n) != 0) {
		uint16_t channel = evcan_pcan_channel_at_(n++);

		assert_int_equal(evcan_pcan_channel_(evcan_pcan_name_(channel,
		    name)), channel);
	}
	assert_int_equal(n, 8 + 1 + 16 + 16 + 2 + 16);
	assert_string_equal(evcan_pcan_name_(0x999, name), "0x999");
}

static void
test_statuses(void **state)
{
	static const struct {
		uint32_t status;
		int code;
		const char *name;
		bool gone;
	} cases[] = {
		{ 0x1400, EVCAN_ERR_INIT, "ILLHW", true },
		{ 0x1800, EVCAN_ERR_INIT, "ILLNET", true },
		{ 0x1C00, EVCAN_ERR_INIT, "ILLCLIENT", true },
		{ 0x400, EVCAN_ERR_BUSY, "HWINUSE", false },
		{ 0x800, EVCAN_ERR_BUSY, "NETINUSE", false },
		{ 0x4000000, EVCAN_ERR_BUSY, "INITIALIZE", true },
		{ 0x200, EVCAN_ERR_NOT_IMPLEMENTED, "NODRIVER", true },
		{ 0x4000, EVCAN_ERR_UNSUPPORTED, "ILLPARAMTYPE", false },
		{ 0x8000, EVCAN_ERR_INVALID, "ILLPARAMVAL", false },
		{ 0x4001C, EVCAN_ERR_OPERATION, "BUSOFF", false },
		{ 0x4000C, EVCAN_ERR_OPERATION, "BUSPASSIVE", false },
		{ 0x80, EVCAN_ERR_FULL, "QXMTFULL", false },
		{ 0x10000, EVCAN_ERR_OPERATION, "UNKNOWN", false }
	};
	char says[EVCAN_PCAN_SAYS_], wanted[40];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t status = cases[i].status;

		assert_int_equal(evcan_pcan_code_(status), cases[i].code);
		assert_int_equal(evcan_pcan_is_gone_(status), cases[i].gone);
		snprintf(wanted, sizeof(wanted), "(PCAN_ERROR_%s, 0x%X)",
		    cases[i].name, (unsigned)status);
		assert_non_null(strstr(evcan_pcan_says_(status, says),
		    wanted));
	}
	assert_int_equal(evcan_pcan_state_(0), EVCAN_STATE_ACTIVE);
	assert_int_equal(evcan_pcan_state_(0x80), EVCAN_STATE_ACTIVE);
	assert_int_equal(evcan_pcan_state_(0x4), EVCAN_STATE_WARNING);
	assert_int_equal(evcan_pcan_state_(0x8), EVCAN_STATE_WARNING);
	assert_int_equal(evcan_pcan_state_(0x40000), EVCAN_STATE_PASSIVE);
	assert_int_equal(evcan_pcan_state_(0x4000C), EVCAN_STATE_PASSIVE);
	assert_int_equal(evcan_pcan_state_(0x4001C), EVCAN_STATE_BUS_OFF);
}

/* Opening */

static void
test_opens(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	bus = open_now(A);
	assert_string_equal(evcan_bus_channel_info(bus),
	    "PCAN_USBBUS1: PCAN-USB Pro FD, PCAN-Basic 4.10.0.4");
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_20);
	assert_int_equal(value(0, 0x18), 0x001C);
	assert_int_equal(value(0, PCAN_LISTEN_ONLY), 0);
	assert_int_equal(value(0, PCAN_ALLOW_ERROR_FRAMES), 1);
	assert_int_equal(value(0, PCAN_ALLOW_ECHO_FRAMES), 0);
	assert_int_equal(value(0, PCAN_BUSOFF_AUTORESET), 0);
	assert_int_equal(evcan_bus_error(bus)->code, 0);
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_ACTIVE);
	end(bus);
	assert_int_equal(calls("CAN_Initialize"), 1);
	assert_int_equal(calls("CAN_Uninitialize"), 1);
	assert_int_equal(calls("CAN_Reset"), 0);

	bus = open_now(B ",state=PASSIVE,auto_reset=true,"
	    "receive_own_messages=true");
	assert_int_equal(value(1, PCAN_LISTEN_ONLY), 1);
	assert_int_equal(value(1, PCAN_ALLOW_ECHO_FRAMES), 1);
	assert_int_equal(value(1, PCAN_BUSOFF_AUTORESET), 1);
	end(bus);
}

static void
test_bitrates(void **state)
{
	static const struct {
		const char *options;
		unsigned btr;
	} cases[] = {
		{ "", 0x001C }, { ",bitrate=1000000", 0x0014 },
		{ ",bitrate=800000", 0x0016 }, { ",bitrate=250000", 0x011C },
		{ ",bitrate=125000", 0x031C }, { ",bitrate=100000", 0x432F },
		{ ",bitrate=95000", 0xC34E }, { ",bitrate=83000", 0x852B },
		{ ",bitrate=50000", 0x472F }, { ",bitrate=47000", 0x1414 },
		{ ",bitrate=33000", 0x8B2F }, { ",bitrate=20000", 0x532F },
		{ ",bitrate=10000", 0x672F }, { ",bitrate=5000", 0x7F7F },
		{ ",timing=f_clock=8000000 btr0=0 btr1=0x14", 0x0014 },
		{ ",f_clock=8000000,btr0=67,btr1=47", 0x432F },
		/* Another clock: the same bit rate from that of the device. */
		{ ",timing=f_clock=16000000 brp=2 tseg1=13 tseg2=2 sjw=1 "
		    "nof_samples=1", 0x001C }
	};
	struct evcan_bus *bus;
	unsigned btr;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bus = open_with(A, cases[i].options);
		assert_int_equal(value(0, 0x18), cases[i].btr);
		end(bus);
	}
	/* Not in the vendor's table: 8 MHz / 20 quanta / 2. */
	bus = open_now(A ",bitrate=200000");
	btr = (unsigned)value(0, 0x18);
	assert_int_equal(8000000 / (((btr >> 8 & 63) + 1) *
	    (3 + (btr & 15) + (btr >> 4 & 7))), 200000);
	end(bus);
}

static void
fd_bits(const char *options, char text[200])
{
	struct evcan_bus *bus = open_with(A, options);

	assert_int_equal(get_value(0x51, 0x19, text, 200), 0);
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_FD);
	end(bus);
}

static void
test_fd_bits(void **state)
{
	static const char wanted[] = "f_clock=80000000,nom_brp=2,"
	    "nom_tseg1=63,nom_tseg2=16,nom_sjw=8,data_brp=2,data_tseg1=15,"
	    "data_tseg2=4,data_sjw=2";
#define KEYS ",nom_brp=2,nom_tseg1=63,nom_tseg2=16,nom_sjw=8,data_brp=2," \
	    "data_tseg1=15,data_tseg2=4,data_sjw=2"
	char text[200];

	(void)state;
	fd_bits(",fd=true,f_clock=80000000" KEYS, text);
	assert_string_equal(text, wanted);
	fd_bits(",fd=true,f_clock_mhz=80" KEYS, text);
	assert_string_equal(text, wanted);
	fd_bits(",f_clock_mhz=80" KEYS, text);
	assert_string_equal(text, wanted);
	/* All of them: then fd needs no saying. */
	fd_bits(",f_clock=80000000" KEYS, text);
	assert_string_equal(text, wanted);
	/* By rates alone: usual sample points. */
	fd_bits(",fd=true,bitrate=500000,data_bitrate=2000000", text);
	assert_non_null(strstr(text, "f_clock=80000000,"));
	fd_bits(",fd=true", text);
	/* Of a certain clock. */
	fd_bits(",fd=true,f_clock_mhz=40,data_bitrate=2000000", text);
	assert_non_null(strstr(text, "f_clock=40000000,"));
	fd_bits(",fd=true,f_clock=20000000", text);
	assert_non_null(strstr(text, "f_clock=20000000,"));
	assert_int_equal(calls("CAN_Initialize"), 0);
	/* Without fd they say nothing, as in python-can. */
	end(open_now(A ",f_clock_mhz=80,nom_brp=2"));
	assert_int_equal(calls("CAN_Initialize"), 1);
}

static void
test_impossible_bits(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", A ",bitrate=777777", { "777777", "8 MHz" }, 0 },
		{ "reset", A ",bitrate=2000000", { "2000000" }, 0 },
		{ "reset", A ",fd=true,timing=f_clock=8000000 btr0=0 "
		    "btr1=0x14", { "option fd" }, 0 },
		{ "reset", A ",timing=f_clock=7654321 brp=1 tseg1=13 tseg2=2 "
		    "sjw=1", { "7654321", "8000000" }, 0 },
		{ "reset", A ",fd=true,nom_brp=2,data_sjw=2", { "missing: "
		    "f_clock nom_tseg1 nom_tseg2 nom_sjw data_brp data_tseg1 "
		    "data_tseg2;", "bitrate" }, 0 },
		{ "reset", A ",fd=true,f_clock_mhz=80,nom_brp=2,nom_tseg1=63,"
		    "nom_tseg2=16,nom_sjw=8", { "missing: data_brp data_tseg1 "
		    "data_tseg2 data_sjw;" }, 0 },
		{ "reset", A ",fd=true" KEYS, { "missing: f_clock;" }, 0 },
		{ "reset", A ",fd=true,f_clock=16000000", { "16000000",
		    "80" }, 0 },
		{ "reset", A ",fd=true,bitrate=500000,data_bitrate=123456",
		    { "123456", "20 to 80 MHz" }, 0 },
		{ "reset", A ",fd=true,f_clock_mhz=24,data_bitrate=5000000",
		    { "5000000", "24 MHz" }, 0 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INVALID);
	assert_int_equal(calls("CAN_Initialize"), 0);
	assert_int_equal(calls("CAN_InitializeFD"), 0);
}

static void
test_device_id(void **state)
{
	struct evcan_bus *bus;
	struct evcan_error err;

	(void)state;
	bus = open_now(A ",device_id=71");
	assert_int_equal(value(1, PCAN_CHANNEL_CONDITION), 2);
	assert_non_null(strstr(evcan_bus_channel_info(bus), "PCAN_USBBUS2"));
	end(bus);
	err = refused(A ",device_id=5");
	assert_int_equal(err.code, EVCAN_ERR_INIT);
	assert_non_null(strstr(err.text, "number 5"));
	/* One that cannot list is asked channel by channel. */
	control("set no_list 1");
	bus = open_now(A ",device_id=71");
	assert_non_null(strstr(evcan_bus_channel_info(bus), "PCAN_USBBUS2"));
	end(bus);
	err = refused(A ",device_id=5");
	assert_int_equal(err.code, EVCAN_ERR_INIT);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *command, *text;
		int code;
		long vendor;
	} cases[] = {
		{ "set busy 1", "open already", EVCAN_ERR_BUSY, 0x4000000 },
		{ "unplug 0", "no such device", EVCAN_ERR_INIT, 0x1400 },
		{ "fail CAN_Initialize 0x200", "modprobe pcan",
		    EVCAN_ERR_NOT_IMPLEMENTED, 0x200 },
		{ "fail CAN_Initialize 0x2000", "permission", EVCAN_ERR_INIT,
		    0x2000 }
	};
	struct evcan_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].command);
		err = refused(A);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.vendor, cases[i].vendor);
		assert_non_null(strstr(err.text, cases[i].text));
		control("reset");
	}
	control("set no_echo 1");
	err = refused(A ",receive_own_messages=true");
	assert_non_null(strstr(err.text, "receive_own_messages"));
	/* Its channel was given back. */
	assert_int_equal(value(0, PCAN_CHANNEL_CONDITION), 1);
}

static void
test_warnings(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	control("set busy 2");
	bus = open_now(A);
	UNTIL(evcan_bus_error(bus)->code != 0);
	assert_int_equal(evcan_bus_error(bus)->vendor, 0x2000000);
	assert_true(evcan_bus_is_open(bus));
	end(bus);
}

/* It opens with each of them. */
static void
test_versions(void **state)
{
	static const struct {
		const char *misdeed, *says;
		bool warns;
	} cases[] = {
		{ "set pcan_version 0", "PCAN-Basic 4.10.0.4", false },
		{ "set pcan_version 1", "PCAN-Basic 4, 10, 0, 4", false },
		{ "set pcan_version 2", "PCAN-Basic 4, 1, 0, 0", true },
		{ "set pcan_version 3", "PCAN-Basic 0.11.2", true },
		{ "set pcan_version 4", "PCAN-Basic 5", false },
		{ "set pcan_version 5", "PCAN-Basic ?", false },
		{ "set pcan_version 6", "PCAN-Basic ?", false },
		{ "set pcan_version 7", "PCAN-Basic ?", false },
		{ "set pcan_version 8", "PCAN-Basic 99999999999", false },
		{ "set pcan_version 9", "PCAN-Basic ?", false },
		{ "fail CAN_GetValue 0x4000", "PCAN-Basic ?", false }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_bus *bus;

		control("reset");
		control(cases[i].misdeed);
		forget_seen();
		bus = watch(A);
		assert_non_null(strstr(evcan_bus_channel_info(bus),
		    cases[i].says));
		/* What is told when it opens is heard before this. */
		assert_int_equal(outcome_of(bus, 1), EVCAN_SENT);
		assert_int_equal(evcan_bus_error(bus)->code, cases[i].warns ?
		    EVCAN_ERR_INIT : 0);
		if (cases[i].warns)
			assert_non_null(strstr(evcan_bus_error(bus)->text,
			    "is old: 4.2.0"));
		assert_true(evcan_bus_is_open(bus));
		end(bus);
	}
}

struct detected {
	int n;
	char text[2][200];
};

static void
on_found(const struct evcan_detected *found, void *arg)
{
	struct detected *all = arg;

	assert_true(all->n < 2);
	snprintf(all->text[all->n++], sizeof(all->text[0]), "%s: %s",
	    found->channel, found->description);
}

static void
test_detect(void **state)
{
	static const char *const pcan[] = { "pcan", NULL };
	struct detected all = { 0 };
	struct evcan_bus *bus;

	(void)state;
	setenv("EVCAN_LIB_PCAN", library, 1);
	bus = open_now(B);
	assert_int_equal(evcan_detect(pcan, -1, on_found, &all, NULL), 2);
	assert_string_equal(all.text[0], "PCAN_USBBUS1: PCAN-USB Pro FD, "
	    "device 70, controller 0, CAN FD");
	assert_string_equal(all.text[1], "PCAN_USBBUS2: PCAN-USB Pro FD, "
	    "device 71, controller 1, CAN FD, in use");
	end(bus);
	control("set no_list 1");
	control("unplug 0");
	memset(&all, 0, sizeof(all));
	assert_int_equal(evcan_detect(pcan, -1, on_found, &all, NULL), 1);
	assert_string_equal(all.text[0], "PCAN_USBBUS2: PCAN-USB Pro FD, "
	    "device 71, controller 0");
	setenv("EVCAN_LIB_PCAN", "/nowhere", 1);
	assert_int_equal(evcan_detect(pcan, -1, on_found, &all, NULL), 0);
	unsetenv("EVCAN_LIB_PCAN");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PCAN_TEST(test_channels),
		PCAN_TEST(test_statuses),
		PCAN_TEST(test_opens),
		PCAN_TEST(test_bitrates),
		PCAN_TEST(test_fd_bits),
		PCAN_TEST(test_impossible_bits),
		PCAN_TEST(test_device_id),
		PCAN_TEST(test_refusals),
		PCAN_TEST(test_warnings),
		PCAN_TEST(test_versions),
		PCAN_TEST(test_detect)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_busmaster.c - BUSMASTER's logs: bases, time modes, protocols */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "read_bytes.h"

extern const struct evcan_format evcan_format_busmaster_;
#define FORMAT (&evcan_format_busmaster_)

static const char *const utc[] = { "tz=utc", NULL };

/* 2024-03-09 23:59:58 UTC */
#define HEAD \
	"***BUSMASTER Ver 3.2.0***\n***PROTOCOL CAN***\n" \
	"***[START LOGGING SESSION]***\n" \
	"***START DATE AND TIME 9:3:2024 23:59:58:250***\n"

static void
test_system(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, utc, HEAD "***HEX***\n***SYSTEM MODE***\n"
	    "23:59:59:0001 Tx 1 0x123 s 3 01 AB ff \r\n"
	    "00:00:00:5000 Rx 2 0x1ABCDEF0 x 8 00 01 02 03 04 05 06 07 \n"
	    "23:59:59:9999 Rx 2 7FF sr 4\n"
	    "0:0:1:2 Rx 1 0x1 xr 0\n"
	    "00:00:01:0003 Rx 16 0x12 s-fd 12 01 02 03 04 05 06 07 08 09 0A "
	    "0B 0C \n"
	    "00:00:01:0004 Rx 1 12 x-fd 9 01 02 03 04 05 06 07 08 09 0A 0B "
	    "0C\n"
	    "00:00:01:0005 Rx 1 ERR Bit error\n"
	    "***END DATE AND TIME 10:3:2024 0:0:2:0***\n"
	    "***[STOP LOGGING SESSION]***", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.skipped, 0);
	assert_int_equal(read.n, 7);
	assert_frame(&read, 0, "can0 123#01ABFF T 1710028799000100000");
	assert_frame(&read, 1,
	    "can1 1ABCDEF0#0001020304050607 R 1710028800500000000");
	assert_frame(&read, 2, "can1 7FF#R4 R 1710028799999900000");
	assert_frame(&read, 3, "can0 00000001#R R 1710028801000200000");
	assert_frame(&read, 4, "can15 012##40102030405060708090A0B0C R "
	    "1710028801000300000");
	assert_frame(&read, 5, "can0 00000012##40102030405060708090A0B0C R "
	    "1710028801000400000");
	assert_frame(&read, 6, "can0 20000080#0000000000000000 R "
	    "1710028801000500000");
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(read.frames[i].clock, EVCAN_CLOCK_KERNEL);
	free(read.frames);
}

/* A date that is none changes nothing; another one counts from there on. */
static void
test_starts(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, utc, HEAD "***HEX***\n"
	    "23:59:59:0000 Rx 1 1 s 0\n00:00:01:0000 Rx 1 2 s 0\n"
	    "***START DATE AND TIME 9:3:202 23:59:58:250***\n"
	    "00:01:02:0000 Rx 1 3 s 0\n"
	    "***START DATE AND TIME 20:3:2024 0:1:2:0***\n"
	    "00:01:02:0000 Rx 1 4 s 0\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 4);
	assert_frame(&read, 1, "can0 002# R 1710028801000000000");
	assert_frame(&read, 2, "can0 003# R 1710028862000000000");
	assert_frame(&read, 3, "can0 004# R 1710892862000000000");
	free(read.frames);
}

/* Local time with its summer time, past midnight and the missing hour. */
static void
test_local(void **unused)
{
	struct bytes_read read;
	const char *tz = getenv("TZ");
	char *saved = tz != NULL ? strdup(tz) : NULL;

	(void)unused;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	read_same(FORMAT, NULL, "***BUSMASTER Ver 3.2.0***\n***HEX***\n"
	    "***START DATE AND TIME 30:3:2024 23:59:58:0***\n"
	    "23:59:59:0000 Rx 1 1 s 0\n00:00:00:0000 Rx 1 1 s 0\n"
	    "01:59:59:0000 Rx 1 1 s 0\n03:00:00:0000 Rx 1 1 s 0\n"
	    "23:00:00:0000 Rx 1 1 s 0\n01:00:00:0000 Rx 1 1 s 0\n", &read);
	assert_int_equal(read.n, 6);
	assert_frame(&read, 0, "can0 001# R 1711839599000000000");
	assert_frame(&read, 1, "can0 001# R 1711839600000000000");
	assert_frame(&read, 2, "can0 001# R 1711846799000000000");
	assert_frame(&read, 3, "can0 001# R 1711846800000000000");
	assert_frame(&read, 4, "can0 001# R 1711918800000000000");
	assert_frame(&read, 5, "can0 001# R 1711926000000000000");
	free(read.frames);
	if (saved != NULL)
		setenv("TZ", saved, 1);
	else
		unsetenv("TZ");
	tzset();
	free(saved);
}

static void
test_modes(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, utc, HEAD "***DEC***\n***RELATIVE MODE***\n"
	    "00:00:01:0000 Tx 1 0291 s 2 255 016 \n"
	    "00:00:00:5000 Rx 1 1000000 x 1 009 \n"
	    "***[STOP LOGGING SESSION]***\n\n"
	    HEAD "***HEX***\n***ABSOLUTE MODE***\n"
	    "30:00:00:0010 Rx 1 0x010 s 1 10 \n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 3);
	assert_frame(&read, 0, "can0 123#FF10 T 1710028799250000000");
	assert_frame(&read, 1, "can0 000F4240#09 R 1710028799750000000");
	assert_frame(&read, 2, "can0 010#10 R 1710136798251000000");
	free(read.frames);
}

/* No base, no mode: as converters write it. And no date: relative. */
static void
test_guessed(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, utc, "***BUSMASTER Ver 2.2.0***\n"
	    "***[START LOGGING SESSION]***\n"
	    "1:2:3:0004 Rx 1 0291 s 0\n"
	    "1:2:3:0004 Rx 1 0291 s 1 255\n"
	    "***[START LOGGING SESSION]***\n"
	    "1:2:3:0004 Rx 1 123 s 0\n"
	    "1:2:3:0004 Rx 1 099 s 1 10\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 4);
	assert_frame(&read, 0, "can0 123# R 3723000400000");
	assert_frame(&read, 1, "can0 123#FF R 3723000400000");
	assert_frame(&read, 2, "can0 123# R 3723000400000");
	assert_frame(&read, 3, "can0 099#10 R 3723000400000");
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_RELATIVE);
	free(read.frames);
}

/* SavvyCAN's milliseconds, of which zeros are left out. */
static void
test_millis(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, utc, "***BUSMASTER Ver 2.4.0***\n***HEX***\n"
	    "***ABSOLUTE MODE***\n"
	    "0:0:0:2 Rx 1 0x123 s 0\n0:0:0:12 Rx 1 0x123 s 0\n"
	    "0:0:0:120 Rx 1 0x123 s 0\n0:0:0:0120 Rx 1 0x123 s 0\n", &read);
	assert_int_equal(read.n, 4);
	assert_frame(&read, 0, "can0 123# R 2000000");
	assert_frame(&read, 1, "can0 123# R 12000000");
	assert_frame(&read, 2, "can0 123# R 120000000");
	assert_frame(&read, 3, "can0 123# R 12000000");
	free(read.frames);
}

static void
test_protocols(void **unused)
{
	static const char *const options[] = { "tz=utc", "channels=bus=2",
		NULL };
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, options, "***BUSMASTER Ver 1.9.0***\n"
	    "***PROTOCOL J1939***\n***HEX***\n***ABSOLUTE MODE***\n"
	    "00:00:01:0000 1 1cea2000 0x00EA00 RQST 00  20  007 Tx 3 00 EE "
	    "00 \n"
	    "00:00:01:0000 2 18feca05 0x00FECA BROAD CAST 05  --  006 Rx 2 "
	    "0A 0B \n"
	    "00:00:01:0000 2 18feca05 0x00FECA BROADCAST 05  FF  006 Rx 10 "
	    "0A 0B 00 00 00 00 00 00 00 00 \n"
	    "***BUSMASTER Ver 1.9.0***\n***PROTOCOL LIN***\n"
	    "13:11:35:4424 Tx 1 0x001 8 FF FF FF FF FF FF FF FF  0x3E "
	    "(Enhanced) \n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.skipped, 2);
	assert_int_equal(read.n, 2);
	assert_frame(&read, 0, "can0 1CEA2000#00EE00 T 1000000000");
	assert_frame(&read, 1, "bus 18FECA05#0A0B R 1000000000");
	free(read.frames);
}

static void
test_faults(void **unused)
{
	static const char *const bad[] = {
		"25:00:00:0000 Rx 1 0x1 s 0", "00:60:00:0000 Rx 1 0x1 s 0",
		"00:00:00 Rx 1 0x1 s 0", "00:00:00:0000 Rx 1 0x1 s",
		"00:00:00:0000 Rx 1 0x1 s 2 00", "00:00:00:0000 Rx 1 0x1 s 16",
		"00:00:00:0000 Rx 1 0x1 s 1 00 00",
		"00:00:00:0000 Rx 1 0x1 s 1 100",
		"00:00:00:0000 Rx 1 0x20000000 x 0",
		"00:00:00:0000 Rx 1 0x1 q 0", "00:00:00:0000 Ry 1 0x1 s 0",
		"00:00:00:0000 Rx x 0x1 s 0", "00:00:00:0000 Rx 1 xyz s 0",
		"00:00:00:0000 Rx 1 0x1 s-fd 13 01", "0", "1:1:1:1",
		"00:00:00:0000 Rx 1 0x1 s 9 01 02 03", NULL
	};

	(void)unused;
	assert_faults(FORMAT, utc, HEAD "***HEX***\n"
	    "00:00:00:0000 Rx 1 0x1 s 0\n", bad,
	    "00:00:00:0001 Rx 1 0x2 s 1 AA\n", 2);
	assert_skips(FORMAT, utc, HEAD "some words\n\n***NOTE***\n");
}

static void
test_bid(void **unused)
{
	(void)unused;
	assert_bids_most(FORMAT, HEAD, strlen(HEAD));
	assert_bids_most(FORMAT, "\xef\xbb\xbf" HEAD, strlen(HEAD) + 3);
	assert_bids_most(FORMAT, "\r\n***HEX***\r\n***RELATIVE MODE***\r\n"
	    "0:0:0:0021 Rx 1 7 s 1 0A\r\n", 58);
	assert_bids_nothing(FORMAT);
	assert_int_equal(FORMAT->bid((const uint8_t *)"***DECEMBER***\n",
	    15), 0);
}

static void
test_samples(void **unused)
{
	static const struct {
		const char *name;
		size_t n;
		uint64_t skipped;
	} samples[] = {
		{ "BUSMASTERLogFile0", 0, 0 },
		{ "BUSMASTERLogFileInput", 1288, 0 },
		{ "CanLog", 312, 0 },
		{ "FormatConvASC2LOG", 1116, 0 },
		{ "J1939_Log", 16, 0 },
		{ "Log_Filter_02", 5181, 0 },
		{ "Replay_50", 1840, 0 },
		{ "TS_LIN_Log_40_OverwritingFile", 0, 88 },
		{ "TestLogToExcel_J1939", 110, 0 },
		{ "absolute-BUSMASTERLogFile0", 68, 0 },
		{ "log_asc", 48, 0 },
		{ "relative-hex-BUSMASTERLogFile0", 56, 0 },
		{ "systemtime_decimal-BUSMASTERLogFile0", 116, 0 }
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		char name[128];

		snprintf(name, sizeof(name), "busmaster/busmaster__%s.log",
		    samples[i].name);
		check_sample(FORMAT, name, samples[i].n, samples[i].skipped);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_guessed),
		cmocka_unit_test(test_millis),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bid),
		cmocka_unit_test(test_samples)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

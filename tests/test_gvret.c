/* SPDX-License-Identifier: BSD-3-Clause */
/* test_gvret.c - CSV of GVRET adapters and SavvyCAN */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "read_bytes.h"

extern const struct evcan_format evcan_format_gvret_;
#define FORMAT (&evcan_format_gvret_)

#define HEAD1 "Time Stamp,ID,Extended,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
#define HEAD2 "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
#define BARE "ID,Data Bytes\n"

static void
test_versions(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL, HEAD1
	    "166064000,0000021A,false,0,8,FE,36,12,FE,69,05,07,AD,\n"
	    "166065000,1ABCDEF0,true,1,2,00,ff,\r\n"
	    "-12,00000800,false,0,0,\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 3);
	assert_frame(&read, 0, "can0 21A#FE3612FE690507AD R 166064000000");
	assert_frame(&read, 1, "can1 1ABCDEF0#00FF R 166065000000");
	assert_frame(&read, 2, "can0 00000800# R -12000");
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_RELATIVE);
	free(read.frames);
	read_same(FORMAT, NULL, HEAD2
	    "1700000000000001,0000021A,true,Tx,2,3,01,02,03,00,00,00,00,00,\n"
	    "5,0000021A,false,Rx,0,12,01,02,03,04,05,06,07,08,09,0A,0B,0C,\n",
	    &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 2);
	assert_frame(&read, 0,
	    "can2 0000021A#010203 T 1700000000000001000");
	assert_frame(&read, 1, "can0 21A##40102030405060708090A0B0C R 5000");
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_KERNEL);
	free(read.frames);
}

/* A length called DLC; no bus; times from a clock with the wrong sign. */
static void
test_dialects(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL, "\xef\xbb\xbf"
	    "Time Stamp,ID,Extended,Bus,DLC,D1,D2,D3,D4,D5,D6,D7,D8\n"
	    "7001,3c1,0,1,3,0a,b,ff,0,0,0,0,0\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 1);
	assert_frame(&read, 0, "can1 3C1#0A0BFF R 7001000");
	free(read.frames);
	read_same(FORMAT, NULL, "Time Stamp,ID,Extended,LEN,D1,D2\n"
	    "7001,3c1,0,1,a,b\n", &read);
	assert_int_equal(read.n, 1);
	assert_frame(&read, 0, "can0 3C1#0A R 7001000");
	free(read.frames);
	read_same(FORMAT, NULL, HEAD2
	    "-1700000000000100,00000111,false,Rx,0,1,01,\n"
	    "-1699999999999900,00000111,false,Rx,0,1,02,\n"
	    "-1700000000000200,00000111,false,Rx,0,1,03,\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 3);
	assert_frame(&read, 0, "can0 111#01 R 0");
	assert_frame(&read, 1, "can0 111#02 R 200000");
	assert_frame(&read, 2, "can0 111#03 R -100000");
	assert_int_equal(read.frames[1].clock, EVCAN_CLOCK_RELATIVE);
	free(read.frames);
}

static void
test_bare(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL, BARE "0000021A,FE 36 12\n1ABCDEF0,\n"
	    "21B,00\n\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 3);
	assert_frame(&read, 0, " 21A#FE3612 R 0");
	assert_frame(&read, 1, " 1ABCDEF0# R 0");
	assert_frame(&read, 2, " 21B#00 R 0");
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_NONE);
	free(read.frames);
}

static void
test_faults(void **unused)
{
	static const char *const bad[] = {
		"x,0000021A,false,0,0,", "1,xyz,false,0,0,",
		"1,20000000,true,0,0,", "1,1,false,x,0,", "1,1,false,0,65,",
		"1,1,false,0,2,00,", "1,1,false,0,1,100,", "1,1", "1,1,false",
		"9999999999999999999,1,false,0,0,", NULL
	}, *const bare[] = {
		"xyz,00", "1,0g", "1,00,11", "20000000,00", "1,100", NULL
	};

	(void)unused;
	assert_faults(FORMAT, NULL, HEAD1, bad, "1,0000021A,false,0,0,\n", 1);
	assert_faults(FORMAT, NULL, BARE, bare, "1,00\n", 1);
	assert_skips(FORMAT, NULL, HEAD1 "words\n");
}

static void
test_bid(void **unused)
{
	(void)unused;
	assert_bids_most(FORMAT, HEAD1, strlen(HEAD1));
	assert_bids_most(FORMAT, HEAD2, strlen(HEAD2));
	assert_bids_most(FORMAT, BARE "1,00", strlen(BARE) + 4);
	assert_bids_most(FORMAT, "\xef\xbb\xbf" HEAD2, strlen(HEAD2) + 3);
	assert_bids_nothing(FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_dialects),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bid)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

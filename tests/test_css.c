/* SPDX-License-Identifier: BSD-3-Clause */
/* test_css.c - CSV with semicolons of CSS Electronics' converters */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "read_bytes.h"

extern const struct evcan_format evcan_format_css_;
#define FORMAT (&evcan_format_css_)

#define HEAD \
	"TimestampEpoch;BusChannel;ID;IDE;DLC;DataLength;Dir;EDL;BRS;" \
	"DataBytes\n"

static void
test_records(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL, HEAD
	    "1581670628.161550;1;123;0;0;0;0;0;0;\r\n"
	    "1581670628.162;2;12345678;1;8;8;1;0;0;0123456789ABCDEF\n"
	    "1581670628.163;1;7FF;0;9;12;0;1;1;000102030405060708090A0B\n"
	    "1581670628.164;1;7FF;0;1;1;0;1;0;aa\n\n"
	    "2.5;1;001;0;12;8;0;0;0;0001020304050607", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.skipped, 0);
	assert_int_equal(read.n, 5);
	assert_frame(&read, 0, "can0 123# R 1581670628161550000");
	assert_frame(&read, 1,
	    "can1 12345678#0123456789ABCDEF T 1581670628162000000");
	assert_frame(&read, 2, "can0 7FF##5000102030405060708090A0B R "
	    "1581670628163000000");
	assert_frame(&read, 3, "can0 7FF##4AA R 1581670628164000000");
	assert_frame(&read, 4, "can0 001#0001020304050607_C R 2500000000");
	assert_int_equal(read.frames[2].dlc, 9);
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_KERNEL);
	assert_int_equal(read.frames[4].clock, EVCAN_CLOCK_RELATIVE);
	free(read.frames);
}

/* The header says where the columns are; more may come. */
static void
test_columns(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL,
	    "TimestampEpoch;ID;DataBytes;ESI;EDL;RTR;DLC;IDE;Future\n"
	    "1.5;12;AABB;1;1;0;2;1;x\n1.6;12;;0;0;1;5;0;y\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 2);
	assert_frame(&read, 0, " 00000012##6AABB R 1500000000");
	assert_frame(&read, 1, " 012#R5 R 1600000000");
	free(read.frames);
}

static void
test_faults(void **unused)
{
	static const char *const bad[] = {
		"x;1;123;0;0;0;0;0;0;", "1.0;1;;0;0;0;0;0;0;",
		"1.0;1;20000000;1;0;0;0;0;0;", "1.0;1;1;0;1;1;0;0;0;",
		"1.0;1;1;0;1;1;0;0;0;A", "1.0;1;1;0;1;1;0;0;0;AG",
		"1.0;1;1;0;1;2;0;0;0;AA", "1.0;1;1;0;16;1;0;0;0;AA",
		"1.0;1;1;0;9;9;0;0;0;001122334455667788", "1.0;1",
		"1.0;a;1;0;0;0;0;0;0;", "99999999999.0;1;1;0;0;0;0;0;0;", NULL
	};

	(void)unused;
	assert_faults(FORMAT, NULL, HEAD, bad, "1.0;1;123;0;0;0;0;0;0;\n", 1);
	assert_skips(FORMAT, NULL, HEAD "some words\n");
}

static void
test_bid(void **unused)
{
	(void)unused;
	assert_bids_most(FORMAT, HEAD, strlen(HEAD));
	assert_bids_nothing(FORMAT);
}

static void
test_samples(void **unused)
{
	(void)unused;
	check_sample(FORMAT, "csv/mdf4-converters__css_multiple_CAN.csv", 164,
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bid),
		cmocka_unit_test(test_samples)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

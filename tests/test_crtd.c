/* SPDX-License-Identifier: BSD-3-Clause */
/* test_crtd.c - CRTD logs of OVMS and SavvyCAN */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "read_bytes.h"

extern const struct evcan_format evcan_format_crtd_;
#define FORMAT (&evcan_format_crtd_)

#define TEXT \
	"# a comment\n" \
	"1320745424.000 CXX OVMS CRTD\n" \
	"1320745424.000 CVR 3.1\n" \
	"1320745424.002 R11 402 FA 01 C3 A0 96 00 07 01\n" \
	"1320745424.015000 2R29 1ABCDEF0 02 9e\r\n" \
	"1320745424.015001 3T11 00000123\n" \
	"1320745424.016 T29 00000001 00 11 22 33 44 55 66 77\n" \
	"1320745424.017 CEV  Charge door open\n" \
	"1320745424.018 1CER intr=1 rxpkt=2\n" \
	"1320745424.019 CST intr=1\n" \
	"5.5 R11 7FF\n"

static void
test_records(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL, TEXT, &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.skipped, 2);
	assert_int_equal(read.events, 1);
	assert_string_equal(read.event, "Charge door open");
	assert_true(read.event_ns == 1320745424017000000ll);
	assert_int_equal(read.n, 5);
	assert_frame(&read, 0,
	    "can0 402#FA01C3A096000701 R 1320745424002000000");
	assert_frame(&read, 1, "can1 1ABCDEF0#029E R 1320745424015000000");
	assert_frame(&read, 2, "can2 123# T 1320745424015001000");
	assert_frame(&read, 3,
	    "can0 00000001#0011223344556677 T 1320745424016000000");
	assert_frame(&read, 4, "can0 7FF# R 5500000000");
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_KERNEL);
	assert_int_equal(read.frames[4].clock, EVCAN_CLOCK_RELATIVE);
	free(read.frames);
}

/* Old files of SavvyCAN: whole microseconds. */
static void
test_micros(void **unused)
{
	static const char *const options[] = { "channels=powertrain=1",
		NULL };
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, options, "1320745424000123 1R11 00000402 FA\n"
	    "1500 1R11 00000402 FA\n", &read);
	assert_int_equal(read.n, 2);
	assert_frame(&read, 0, "powertrain 402#FA R 1320745424000123000");
	assert_frame(&read, 1, "powertrain 402#FA R 1500000");
	free(read.frames);
}

static void
test_faults(void **unused)
{
	static const char *const bad[] = {
		"1.0 R11", "1.0", "1.0 R12 123", "1.0 R11 20000000",
		"1.0 R11 123 00 11 22 33 44 55 66 77 88",
		"1.0 R11 123 100", "1.0 R11 xyz", "1.0x R11 123",
		"99999999999.0 R11 123", "1.0 99999R11 123", "1.0 Cab x",
		"99999999999999999999 R11 123", "1.0 R11 123 0g", NULL
	};
	struct bytes_read read;

	(void)unused;
	assert_faults(FORMAT, NULL, "1.0 R11 1 01\n", bad, "2.0 R11 2\n", 2);
	assert_skips(FORMAT, NULL, "1.0 R11 1\nsome words\n");
	/* A byte of one digit is one. */
	read_same(FORMAT, NULL, "1.0 R11 123 0\n", &read);
	assert_int_equal(read.n, 1);
	assert_frame(&read, 0, "can0 123#00 R 1000000000");
	free(read.frames);
}

static void
test_bid(void **unused)
{
	static const char *const texts[] = {
		TEXT, "\n\n1.5 T29 123 00\n", "1.0 CXX something\n",
		"123456 R11 00000001 00\n", "\xef\xbb\xbf" "1.0 5R11 1\n"
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_bids_most(FORMAT, texts[i], strlen(texts[i]));
	assert_bids_nothing(FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_micros),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bid)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

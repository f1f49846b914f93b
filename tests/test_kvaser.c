/* SPDX-License-Identifier: BSD-3-Clause */
/* test_kvaser.c - Kvaser's text and CSV, and CanKing's window */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "read_bytes.h"

extern const struct evcan_format evcan_format_kvaser_;
#define FORMAT (&evcan_format_kvaser_)

#define TRIGGER \
	"    0.296935  Trigger (type=0x86, active=0x01, post-trigger=0)\r\n"

static void
test_text(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL, TRIGGER
	    "    5.176982  1        1704    Rx            8  119 250 188  98 "
	    "106  39 140 238             1\r\n"
	    "    5.355282  2         950    Tx            2  159   7         "
	    "                    4\r\n"
	    "    6.000001  2    19088743 X  Rx            0                  "
	    "                    5\r\n"
	    "    6.1       1        2048    Rx            1  1   6\r\n"
	    "    6.2       1          17 R  Rx            4                  "
	    "     7\r\n"
	    "    6.3       1  ErrorFrame                                    "
	    "     8\r\n"
	    "    6.4       1          17 FB Rx           12  1 2 3 4 5 6 7 8 "
	    "9 10 11 12  9\r\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.skipped, 0);
	assert_int_equal(read.events, 1);
	assert_string_equal(read.event,
	    "Trigger (type=0x86, active=0x01, post-trigger=0)");
	assert_true(read.event_ns == 296935000);
	assert_int_equal(read.n, 7);
	assert_frame(&read, 0, "can0 6A8#77FABC626A278CEE R 5176982000");
	assert_frame(&read, 1, "can1 3B6#9F07 T 5355282000");
	assert_frame(&read, 2, "can1 01234567# R 6000001000");
	assert_frame(&read, 3, "can0 00000800#01 R 6100000000");
	assert_frame(&read, 4, "can0 011#R4 R 6200000000");
	assert_frame(&read, 5, "can0 20000080#0000000000000000 R 6300000000");
	assert_frame(&read, 6, "can0 011##50102030405060708090A0B0C R "
	    "6400000000");
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_RELATIVE);
	free(read.frames);
}

static void
test_base(void **unused)
{
	static const char *const hex[] = { "base=hex", NULL },
		*const dec[] = { "base=dec", NULL };
	static const char text[] = "1.5 1 123 Rx 2 10 99 1\n"
	    "1.6 1 124 Rx 2 AB 10 2\n1.7 1 125 Rx 1 10 3\n";
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL, text, &read);
	assert_int_equal(read.n, 3);
	assert_frame(&read, 0, "can0 07B#0A63 R 1500000000");
	assert_frame(&read, 1, "can0 124#AB10 R 1600000000");
	assert_frame(&read, 2, "can0 125#10 R 1700000000");
	free(read.frames);
	read_same(FORMAT, hex, text, &read);
	assert_int_equal(read.n, 3);
	assert_frame(&read, 0, "can0 123#1099 R 1500000000");
	free(read.frames);
	read_same(FORMAT, dec, text, &read);
	assert_int_equal(read.n, 2);
	assert_int_equal(read.faults, 1);
	assert_frame(&read, 1, "can0 07D#0A R 1700000000");
	free(read.frames);
}

static void
test_csv(void **unused)
{
	struct bytes_read read;
	char fd[1024] = "1.5,1,17,196610,15,";

	(void)unused;
	for (int i = 0; i < 64; i++)
		strcat(fd, "7,");
	strcat(fd, "9\n");
	read_same(FORMAT, NULL,
	    "5.17698,1,1704,2,8,119,250,188,98,106,39,140,238,1\n"
	    "5.35528,2,950,66,4,159,207,64,237,,,,,3\r\n"
	    "5.4,1,5,4,0,,,,,,,,,4\n"
	    "5.5,1,5,3,2,,,,,,,,,5\n"
	    "5.6,1,0,34,0,,,,,,,,,6\n"
	    "5.7,1,7,130,1,255,,,,,,,\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 6);
	assert_frame(&read, 0, "can0 6A8#77FABC626A278CEE R 5176980000");
	assert_frame(&read, 1, "can1 3B6#9FCF40ED T 5355280000");
	assert_frame(&read, 2, "can0 00000005# R 5400000000");
	assert_frame(&read, 3, "can0 005#R2 R 5500000000");
	assert_frame(&read, 4, "can0 20000080#0000000000000000 R 5600000000");
	assert_frame(&read, 5, "can0 007#FF Q 5700000000");
	free(read.frames);
	read_same(FORMAT, NULL, fd, &read);
	assert_int_equal(read.n, 1);
	assert_int_equal(read.frames[0].len, 64);
	assert_int_equal(read.frames[0].flags, EVCAN_FRAME_FD |
	    EVCAN_FRAME_BRS);
	assert_int_equal(read.frames[0].data[63], 7);
	free(read.frames);
}

#define CANKING \
	"Chn Identifier Flg   DLC  D0...1...2...3...4...5...6..D7" \
	"       Time     Dir\n"

static void
test_canking(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL, CANKING
	    " 0    00001704         8  119 250 188  98 106  39 140 238"
	    "       5.176980 R\n"
	    " 1    19088743 X       2    1   2"
	    "                               5.2 T\n"
	    " 0    00000017   R     4"
	    "                                        5.3 R\n"
	    " 0    ErrorFrame                                      5.4 R\n"
	    "Logging stopped.\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.skipped, 0);
	assert_int_equal(read.n, 4);
	assert_frame(&read, 0, "can0 6A8#77FABC626A278CEE R 5176980000");
	assert_frame(&read, 1, "can1 01234567#0102 T 5200000000");
	assert_frame(&read, 2, "can0 011#R4 R 5300000000");
	assert_frame(&read, 3, "can0 20000080#0000000000000000 R 5400000000");
	free(read.frames);
}

static void
test_faults(void **unused)
{
	static const char *const bad[] = {
		"1.5 1 17 Rx", "1.5 1 17 Rx 2 1", "1.5 1 17 Rx 70", "1.5 1 17",
		"1.5 1 536870912 Rx 0", "1.5 1 xyz Rx 0", "1.5", "0 17 3 1.5",
		"1.5,1,17,2,2,1,,,,,,,,", "1.5 1 17 Rx 1 256", "1.5 x 17 Rx 0",
		"0 17 2 1 1.5 R", "1.5,1,17,2", "1.5,1,17,2,16,,,,,,,,,1", NULL
	};

	(void)unused;
	assert_faults(FORMAT, NULL, "1.4 1 17 Rx 0\n", bad, "1.6 1 17 Rx 0\n",
	    2);
	assert_skips(FORMAT, NULL, "some words, and more\n");
}

static void
test_bid(void **unused)
{
	static const char *const texts[] = {
		TRIGGER, CANKING, "  5.1  1  1704  Rx  2  119 250  1\n",
		"5.17698,1,1704,2,8,119,250,188,98,106,39,140,238,1\n",
		"\n 0  00001704  1  119   5.2 R\n"
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_bids_most(FORMAT, texts[i], strlen(texts[i]));
	assert_bids_nothing(FORMAT);
}

static void
test_samples(void **unused)
{
	struct bytes_read text, csv;
	char *data;
	size_t len;

	(void)unused;
	check_sample(FORMAT, "kvaser_txt/pycanlib__logfile003.txt", 60, 0);
	check_sample(FORMAT, "csv/pycanlib__logfile003.csv", 60, 0);
	/* They are of the same capture. */
	len = load_sample("kvaser_txt/pycanlib__logfile003.txt", &data);
	read_text(FORMAT, NULL, data, len, len, &text);
	free(data);
	len = load_sample("csv/pycanlib__logfile003.csv", &data);
	read_text(FORMAT, NULL, data, len, len, &csv);
	free(data);
	for (size_t i = 0; i < 60; i++)
		assert_true(evcan_frame_equal(&text.frames[i],
		    &csv.frames[i], 10000, 0));
	free(text.frames);
	free(csv.frames);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_canking),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bid),
		cmocka_unit_test(test_samples)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_candump.c - candump's log and what it shows on a screen */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "read_bytes.h"

extern const struct evcan_format evcan_format_candump_;
#define FORMAT (&evcan_format_candump_)

static void
test_screen(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL,
	    "  can0  2B1   [3]  0A 1B 2C\n"
	    "   can1  01ABCDEF   [0]\r\n"
	    "  can0  7E8   [8]  00 11 22 33 44 55 66 77   '..\"3DUfw'\n"
	    "  can0  TX - -  2B1   [2]  A0 A1\n"
	    "  can0  RX B E  2B1  [12]  00 01 02 03 04 05 06 07 08 09 0A 0B\n"
	    "  can0  2B1  [02]  A0 A1\n"
	    "  can0  2B1   [5]  remote request\n"
	    "  can0  2B1   {C}  00 01 02 03 04 05 06 07\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 8);
	assert_frame(&read, 0, "can0 2B1#0A1B2C R 0");
	assert_frame(&read, 1, "can1 01ABCDEF# R 0");
	assert_frame(&read, 2, "can0 7E8#0011223344556677 R 0");
	assert_frame(&read, 3, "can0 2B1#A0A1 T 0");
	assert_frame(&read, 4, "can0 2B1##7000102030405060708090A0B R 0");
	assert_frame(&read, 5, "can0 2B1##4A0A1 R 0");
	assert_frame(&read, 6, "can0 2B1#R5 R 0");
	assert_frame(&read, 7, "can0 2B1#0001020304050607_C R 0");
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_NONE);
	free(read.frames);
}

static void
test_screen_times(void **unused)
{
	struct bytes_read read;

	(void)unused;
	read_same(FORMAT, NULL,
	    " (1700000000.000007)  can0  2B1   [1]  0A\n"
	    " (003.250000)  can0  RX - -  2B1   [1]  0B   '.'\n"
	    " (1700000000.5)  can0  20000002   [8]  02 00 00 00 00 00 00 00"
	    "   ERRORFRAME\n"
	    "\tlost-arbitration{at bit 2}\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 3);
	assert_frame(&read, 0, "can0 2B1#0A R 1700000000000007000");
	assert_int_equal(read.frames[0].clock, EVCAN_CLOCK_KERNEL);
	assert_frame(&read, 1, "can0 2B1#0B R 3250000000");
	assert_int_equal(read.frames[1].clock, EVCAN_CLOCK_RELATIVE);
	assert_frame(&read, 2,
	    "can0 20000002#0200000000000000 R 1700000000500000000");
	free(read.frames);
	/* Blanks within the brackets; and the log's form between */
	read_same(FORMAT, NULL, "(      0.250000) can0 2B1#0A\n"
	    "(0000000000.500000) can0 2B1#0B\n", &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.n, 2);
	assert_frame(&read, 0, "can0 2B1#0A R 250000000");
	assert_frame(&read, 1, "can0 2B1#0B R 500000000");
	free(read.frames);
}

static void
test_faults(void **unused)
{
	static const char *const lines[] = {
		"can0  2B1   [3]  0A 1B", "can0  2B1   [1]  0A 1B",
		"can0  2B1   [9]  00 01 02 03 04 05 06 07 08",
		"can0  2B1   []", "can0  2B1   [", "can0  2B1   [1",
		"can0  2B1   [1]  0", "can0  2B1   [1]  0AB", "can0  2B1",
		"can0  2B1   {4}  00 01 02 03 04 05 06 07", "can0  2B1   {",
		"can0  BB1   [1]  0A", "can0  2B   [1]  0A",
		"can0  TX ? -  2B1   [1]  0A", "can0  RX -",
		"can0  02B102B10   [1]  0A", "can0  2B1   [65]  0A",
		"can0  2B1   [1]  0A what", "can0", "2B1   [1]  0A",
		"(1.0)  can0  2B1   [2]  0A", " 0.250000) can0 2B1#0A",
		"( ", "can0  2B1   [4]  remote", "can0  2B1 # [1] 0A",
		"can0  2B1   [1]  0a`", "can0  2B1   [2]  0A ERRORFRAME"
	};
	struct bytes_read read;

	(void)unused;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "(      0.1) can0 2B1#0A\n%s\n",
		    lines[i]);
		read_same(FORMAT, NULL, text, &read);
		if (read.n != 1 || read.faults != 1)
			fail_msg("%s: %d frames", lines[i], (int)read.n);
		free(read.frames);
	}
}

static int
bid_of(const char *text)
{
	return FORMAT->bid((const uint8_t *)text, strlen(text));
}

static void
test_bid(void **unused)
{
	(void)unused;
	assert_true(bid_of("  can0  2B1   [1]  0A\n") > 0);
	assert_true(bid_of("$ candump can0\n  can0  2B1   [1]  0A\n") > 0);
	assert_int_equal(bid_of("How to see frames:\n\n    candump can0\n"
	    "  can0  2B1   [1]  0A\n"), 0);
	assert_int_equal(bid_of("can0  2B1   [8]  0A\n"), 0);
	assert_int_equal(bid_of("\tint x;\n"), 0);
}

/* Nothing is taken for written before there was a second. */
static void
test_last_time(void **unused)
{
	const struct evcan_frame frame = { .time_ns = INT64_MAX, .id = 0x123,
	    .len = 1, .dlc = 1, .data = { 0x45 },
	    .clock = EVCAN_CLOCK_KERNEL };
	struct evcan_options *options = evcan_options_new();
	void *state = calloc(1, FORMAT->write_size);
	struct evcan_buffer out = { .data = NULL };
	struct evcan_encode info = { .unfit = 0 };

	(void)unused;
	assert_int_equal(evcan_options_fill(options, FORMAT->write_options,
	    state, NULL), 0);
	assert_int_equal(FORMAT->begin(state, NULL, &out, NULL), 0);
	assert_int_equal(FORMAT->encode(state, &frame, 1, &out, &info), 0);
	evcan_buffer_append(&out, "", 1);
	assert_string_equal((char *)out.data,
	    "(9223372036.854775) vcan0 123#45\n");
	FORMAT->write_done(state);
	evcan_options_free(options);
	free(out.data);
	free(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_screen),
		cmocka_unit_test(test_screen_times),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bid),
		cmocka_unit_test(test_last_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

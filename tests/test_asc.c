/* SPDX-License-Identifier: BSD-3-Clause */
/* test_asc.c - Vector ASC read: every kind of line, dates, sessions, files */
#include "asc_fixture.h"
#include "may_skip.h"

static const struct {
	const char *line, *shows;
} lines[] = {
	{ "1.0 1  3CE             Rx   d 4 95 EB DA 3C",
	    "can0 Rx 3CE#95EBDA3C" },
	{ "   1.000000 1  3CE             Rx   d 4 95 EB DA 3C",
	    "can0 Rx 3CE#95EBDA3C" },
	{ "   1.000000 2  1E9636C8x       Tx   d 0", "can1 Tx 1E9636C8#" },
	{ "   1.000000 2  0x              Tx   d 0", "can1 Tx 00000000#" },
	{ "   1.000000 12  0              Tx   d 0", "can11 Tx 000#" },
	{ "1.0000 1 0940X tx d 1 aF trailing words", "can0 Tx 00000940#AF" },
	{ "1.0\t1\t7ff\tRX\td\t  2\t01 02   ", "can0 Rx 7FF#0102" },
	{ "1.0 1 123 TxRq d 1 55", "can0 TxRq 123#55" },
	{ "1.0 1 123 Rx d 2 00 00  Length = 768000 BitCount = 67 ID = 291",
	    "can0 Rx 123#0000" },
	{ "1.0 1 123 Rx d 2 00 00 77", "can0 Rx 123#0000" },
	{ "1.0 1 123 Rx d D 00 11 22 33 44 55 66 77",
	    "can0 Rx 123#0011223344556677_D" },
	{ "1.0 1 123 Rx d 9 00 11 22 33 44 55 66 77 88 99 AA BB",
	    "can0 Rx 123##000112233445566778899AABB" },
	{ "1.0 1 123 Rx d 10 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE "
	    "FF",
	    "can0 Rx 123##000112233445566778899AABBCCDDEEFF" },
	{ "1.0 1 123 Rx d 20 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF"
	    " 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF",
	    "can0 Rx 123##000112233445566778899AABBCCDDEEFF"
	    "00112233445566778899AABBCCDDEEFF" },
	{ "1.0 1 123 Rx d 02 00 11", "can0 Rx 123#0011" },
	{ "1.0 1 123 Rx r", "can0 Rx 123#R" },
	{ "1.0 1 123 Rx r 8", "can0 Rx 123#R8" },
	{ "1.0 1 123 Rx r C Length = 0", "can0 Rx 123#R8_C" },
	{ "1.0 1 123x Tx r Length = 1704000 BitCount = 145 ID = 88888888x",
	    "can0 Tx 00000123#R" },
	{ "1.0 3 ErrorFrame", "can2 Rx 20000080#0000000000000000" },
	{ "1.0 3 ErrorFrame\tECC: 10100010",
	    "can2 Rx 20000088#0000040200000000" },
	{ "1.0 3 ErrorFrame ECC: 00011001",
	    "can2 Rx 20000088#0000811900000000" },
	{ "1.0 3 ErrorFrame ECC: 1010", "can2 Rx 20000080#0000000000000000" },
	{ "1.0 3 ErrorFrame Flags = 0xe CodeExt = 0x20a2 Code = 0x82 ID = 0 "
	    "DLC = 0 Position = 5 Length = 11300",
	    "can2 Rx 20000088#0000040200000000" },
	{ "1.0 3 ErrorFrame Flags = 0x1 CodeExt = 0x0 Code = 0x62 ID = 0",
	    "can2 Rx 20000088#0000020200000000" },
	{ "1.0 3 ErrorFrame Flags = 0xe CodeExt = 0x31ca Code = 0xc7",
	    "can2 Rx 20000080#0000000000000000" },
	{ "1.0 3 OverloadFrame", "can2 Rx 000# overload" },
	{ "1.0 CANFD 2 Tx ErrorFrame Not Acknowledge error, dominant error "
	    "flag fffe c7 31ca Data 45 ff 1 0 f 64 aa aa",
	    "can1 Tx 20000080#0000000000000000" },
	{ "1.0 CANFD   1 Rx        300                                   "
	    "1 0 8  8 11 c2 03 04 05 06 07 08   102203  133   303000 e0006659",
	    "can0 Rx 300##111C2030405060708" },
	{ "1.0 CANFD 1 Rx 300 0 1 0 0 0 0 1000 0", "can0 Rx 300##2" },
	{ "1.0 CANFD 1 Rx 300 0 0 0 0", "can0 Rx 300##0" },
	{ "1.0 CANFD 1 TxRq 1fffffffx Name 1 1 9 12 00 01 02 03 04 05 06 07 "
	    "08 09 0a 0b 0 0 7000",
	    "can0 TxRq 1FFFFFFF##3000102030405060708090A0B" },
	{ "1.0 CANFD 1 Rx 300 1 0 0 8 8 11 22 33 44 55 66 77 88 1 1 1000",
	    "can0 Rx 300##01122334455667788" },   /* its name is "1" */
	{ "1.0 CANFD 1 Rx 300 0 0 2 2 11 22 130000 130 0 0 0 0 0 0",
	    "can0 Rx 300#1122" },
	{ "1.0 CANFD 1 Rx 300 0 0 e 8 11 22 33 44 55 66 77 88 0 0 0",
	    "can0 Rx 300#1122334455667788_E" },
	{ "1.0 CANFD 1 Rx 300 0 0 5 0 130000 130 10 0 0 0 0 0",
	    "can0 Rx 300#R5" },
	/* Read at first as data, then as the frame of a signal named "1" */
	{ "1.0 CANFD 1 Rx 300 1 0 0 3 00 11 1 10", "can0 Rx 300#R3" },
	{ "1.0 CANFD 3 Tx 50005x 0 1 5 0 140000 73 200050 7a60",
	    "can2 Tx 00050005#R5" },
	{ "1.0 CANFD 1  101  Tx   1 0 d 8 8 F1 F1 F1 F1 F1 F1 F1 F1  Length = "
	    "209000 BitCount = 128 ID = 257",
	    "can0 Tx 101##1F1F1F1F1F1F1F1F1" },
	{ "1.0 CANFD 1  1C4D80A7x  Tx   0 1 d 2 01 02",
	    "can0 Tx 1C4D80A7##20102" },
	{ "1.0 CANFD 1  100  Tx   1 0 r 8  Length = 138000",
	    "can0 Tx 100#R8" },
	{ "1.0 1 0x2B1 Rx d 2 5A A5", "can0 Rx 2B1#5AA5" },
	{ "1.0 1 0x2B1x Tx d 1 5A", "can0 Tx 000002B1#5A" },
};

static void
test_lines(void **state)
{
	char text[700];
	struct result r;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		/* Filled up, the fast path may look at it, too. */
		for (int filled = 0; filled < 2; filled++) {
			snprintf(text, sizeof(text),
			    "   1.000000 1  1               Rx   d 0\n"
			    "   1.000000 2  1               Rx   d 0\n"
			    "%s\n%120s",
			    lines[i].line, filled != 0 ? "\n" : "");
			read_text(text, &r);
			assert_int_equal(r.errors, 0);
			assert_int_equal(r.n, 3);
			assert_string_equal(show(&r.frames[2]),
			    lines[i].shows);
			assert_int_equal(r.frames[2].time_ns, SEC);
			assert_int_equal(r.frames[2].clock,
			    EVCAN_CLOCK_RELATIVE);
			assert_int_equal(r.frames[2].hops, 0);
			for (size_t k = r.frames[2].len; k < 8; k++)
				assert_int_equal(r.frames[2].data[k], 0);
			assert_int_equal(r.frames[2].reserved[0] |
			    r.frames[2].reserved[1] | r.frames[2].reserved[2],
			    0);
		}
}

static void
test_not_frames(void **state)
{
	static const char *const others[] = {
		"1.0 1  Statistic: D 1 R 0 XD 0 XR 0 E 0 O 0 B 0.0%",
		"1.0 CAN 1 Status:chip status error active",
		"1.0 1  J1939TP FEE3p        6    0  0   -   Rx   d 2 A0 0F",
		"1.0 Log Trigger Event (type=0x86, active=0x01)",
		"1.0 log direct start (0ms) ", "1.0 SV: 2 0 0 ::Control = 1",
		"1.0 EnvBreakActiveABS := 0", "1.0 Chassis::Speed = 0",
		"1.0 1 Chassis::MotorState::CarSpeed = 0",
		"1.0 Li 3c Rx 8 00", "1.0 L1 3c Rx 8 00", "1.0 Fr RMSG 0 1",
		"1.0 M1 0 0", "1.0 ETH 1 RX 64:0102", "1.0 0.0 123 Tx d 0",
		"1.0 CANXL 1 Rx CBFF 0 0 123", "1.0 CANFD x y",
		"1 1 123 Rx d 0",
		"1.x 1 123 Rx d 0", "what is that", "1.0 1 Name Rx d 0",
		"1.0 1 123 up d 0"
	};
	struct result r;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		read_text(others[i], &r);
		if (r.n + r.errors + r.events != 0 || r.out.skipped != 1)
			fail_msg("%s", others[i]);
	}
	read_text("\n   \n// 1.0 1 123 Rx d 0\n1.0 Start of measurement\n"
	    "0.0 Start der Messung\nEnd TriggerBlock\n//\n", &r);
	assert_int_equal(r.n + r.errors + r.events + r.out.skipped, 0);
}

static void
test_faults(void **state)
{
	static const char *const faults[] = {
		"1.0 1 800 Rx d 0", "1.0 1 20000000x Rx d 0",
		"1.0 1 123 Rx d", "1.0 1 123 Rx d 2 11",
		"1.0 1 123 Rx d 2 11 2",
		"1.0 1 123 Rx d 1 1G", "1.0 1 123 Rx d 8 ", "1.0 1 123 Rx q 0",
		"1.0 1 123 Rx", "1.0 1 123 Rx d D 11 22", "1.0 1 123 Rx d x",
		"1.0 1 123 Rx d 9 00 11 22 33 44 55 66 77 88 99 AA",
		"1.0 CANFD 1 Rx 123 1 0 8 8 11 22",
		"1.0 CANFD 1 Rx 123 1 0 f 65", "1.0 CANFD 1 Rx 123",
		"1.0 CANFD 1 Rx 800 0 0 0 0", "1.0 CANFD 1 123 Rx 0 0 d 8 11",
		"1.0 CANFD 1 123 Rx 0 0 q 8", "date now",
		"Begin Triggerblock x",
		"date Sat Foo 30 03:06:13.191 pm 2017",
		"date Sat Feb 31 03:06:13.191 pm 2017"
	};
	char text[200];
	struct result r;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		snprintf(text, sizeof(text), "base hex\n%s\n1.0 1 1 Rx d 0\n"
		    "1.0 1 2 Rx d 0\n", faults[i]);
		read_text(text, &r);
		if (r.errors != 1 || r.n != 2 || r.error_line != 2 ||
		    strncmp(r.error, "column ", 7) != 0)
			fail_msg("%s: %s", faults[i], r.error);
	}
}

/* The time that is 1483389946.5 in UTC. */
static void
test_dates(void **state)
{
	static const char *const dates[] = {
		"Mon Jan 2 08:45:46.500 pm 2017", "Mon Jan 2 20:45:46.500 2017",
		"Mon Jan 02 08:45:46.5 PM 2017", "Jan 2 20:45:46.500 PM 2017",
		"Mit jan 2 20:45:46,500 2017", "Mar Ene 2 20:45:46.500000 2017",
		"2017-01-02 20:45:46.500", "2017-01-02T20:45:46.500",
		"2017-01-02T22:45:46.500+02:00", "2017-01-02T20:45:46.500Z",
		"2.1.2017 20:45:46.5", "02.01.2017 8:45:46.5 pm"
	};
	static const struct {
		const char *name;
		int month;
	} months[] = {
		{ "Feb", 2 }, { "M\xc3\xa4r", 3 }, { "M\xe4r", 3 },
		{ "Mrz", 3 }, { "Mar", 3 }, { "APR", 4 }, { "Mai", 5 },
		{ "May", 5 }, { "Jun", 6 }, { "juillet", 7 }, { "Jul", 7 },
		{ "Aug", 8 }, { "Sept", 9 }, { "Okt", 10 }, { "Oct", 10 },
		{ "Nov", 11 }, { "Dez", 12 }, { "Dec", 12 }
	};
	static const char *const utc[] = { "tz=utc", NULL };
	char text[200];
	struct result r;

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		snprintf(text, sizeof(text), "date %s\n1.0 1 1 Rx d 0",
		    dates[i]);
		read_bytes(text, strlen(text), SIZE_MAX / 2, utc, &r);
		if (r.n != 1 || r.frames[0].time_ns != 1483389947500000000)
			fail_msg("%s: %lld %s", dates[i], r.n != 1 ? -1ll :
			    (long long)r.frames[0].time_ns, r.error);
		assert_int_equal(r.frames[0].clock, EVCAN_CLOCK_KERNEL);
	}
	for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++) {
		struct tm tm = { .tm_year = 117, .tm_mon = months[i].month - 1,
		    .tm_mday = 3, .tm_min = 37, .tm_sec = 1 };

		snprintf(text, sizeof(text), "date Foo %s 3 12:37:1 am 2017\n"
		    "1.0 1 1 Rx d 0", months[i].name);
		read_bytes(text, strlen(text), SIZE_MAX / 2, utc, &r);
		assert_int_equal(r.n, 1);
		assert_int_equal(r.frames[0].time_ns, (timegm(&tm) + 1) *
		    SEC);
	}
}

static void
expect_times(const char *text, const char *const *options, size_t n,
    const int64_t *ns)
{
	struct result r;

	for (size_t step = 1; step < 200; step += 99) {
		read_bytes(text, strlen(text), step, options, &r);
		assert_int_equal(r.errors, 0);
		assert_int_equal(r.n, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(r.frames[i].time_ns, ns[i]);
	}
}

#define DATE "date Thu Jan 1 12:00:00.000 am 2015\n"
#define UNIX 1420070400ll
#define BLOCK "Begin Triggerblock Thu Jan 1 12:00:10.250 am 2015\n"

static void
test_times(void **state)
{
	static const char *const utc[] = { "tz=utc", NULL };
	static const char *const relative[] = { "tz=utc",
	    "relative_timestamp=true", NULL };

	(void)state;
	/* Decimals; stamps back and before the start */
	expect_times("1.0001 1 1 Rx d 0\n1.00002 1 1 Rx d 0\n"
	    "1.000003 1 1 Rx d 0\n1.123456789 1 1 Rx d 0\n"
	    "   1.000004 1 1 Rx d 0\n-0.500000 1 1 Rx d 0\n", utc, 6,
	    (const int64_t[]){ 1000100000, 1000020000, 1000003000, 1123456789,
	    1000004000, -500000000 });
	/* A block's date goes before the log's; a later block counts on */
	expect_times(DATE BLOCK "1.0 1 1 Rx d 0\nEnd Triggerblock\n"
	    "Begin Triggerblock Thu Jan 1 12:00:20 am 2015\n"
	    "9.0 1 1 Rx d 0\n", utc, 2, (const int64_t[]){
	    UNIX * SEC + 11250000000, UNIX * SEC + 19250000000 });
	/* ... unless its stamps begin anew */
	expect_times(DATE BLOCK "1.0 1 1 Rx d 0\nEnd Triggerblock\n"
	    "Begin Triggerblock Thu Jan 1 12:00:20 am 2015\n"
	    "0.5 1 1 Rx d 0\n0.25 1 1 Rx d 0", utc, 3, (const int64_t[]){
	    UNIX * SEC + 11250000000, UNIX * SEC + 20500000000,
	    UNIX * SEC + 20250000000 });
	expect_times(DATE BLOCK "1.0 1 1 Rx d 0\n", relative, 1,
	    (const int64_t[]){ SEC });
	/* Gaps count from any line with a stamp */
	expect_times(DATE "base hex timestamps relative\n"
	    "   0.000000 Start of measurement\n"
	    "   0.100000 1  1               Rx   d 0\n"
	    "   0.100000 1  Statistic: D 0 R 0 XD 0 XR 0 E 0 O 0 B 0.0%\n"
	    "   0.100000 1  1               Rx   d 0\n"
	    "   0.200000 1  1               Rx   d 0\n"
	    "   0.000000 1  1               Rx   d 0\n", utc, 4,
	    (const int64_t[]){ UNIX * SEC + 100000000,
	    UNIX * SEC + 300000000, UNIX * SEC + 500000000,
	    UNIX * SEC + 500000000 });
	/* A second header begins anew; one without a date ends the first */
	expect_times(DATE "base dec timestamps relative\n1.0 1 1 Rx d 0\n"
	    "1.0 1 1 Rx d 0\ndate Thu Jan 1 12:01:00 am 2015\n"
	    "base hex no internal events logged\n1.0 1 1 Rx d 0\n"
	    "0.5 1 1 Rx d 0\ndate\n3.0 1 1 Rx d 0\n", utc, 5,
	    (const int64_t[]){ (UNIX + 1) * SEC, (UNIX + 2) * SEC,
	    (UNIX + 61) * SEC, (UNIX + 60) * SEC + 500000000, 3 * SEC });
	/* BUSMASTER's stamps of the day; two that cannot be any */
	expect_times("date Thu Jan 1 10:00:05 am 2015\n"
	    "base hex  no internal events logged\n36007.25 1 1 Rx d 0\n"
	    "36005.0 1 1 Rx d 0\n", utc, 2, (const int64_t[]){
	    (UNIX + 36007) * SEC + 250000000, (UNIX + 36005) * SEC });
	expect_times("date Thu Jan 1 10:00:05 am 2015\n"
	    "base hex  timestamps absolute\n36007.0 1 1 Rx d 0\n", utc, 1,
	    (const int64_t[]){ (UNIX + 72012) * SEC });
	expect_times("date Thu Jan 1 10:00:05 am 2015\n"
	    "base hex  no internal events logged\n7.0 1 1 Rx d 0\n"
	    "36007.0 1 1 Rx d 0\n", utc, 2, (const int64_t[]){
	    (UNIX + 36012) * SEC, (UNIX + 72012) * SEC });
	/* Unix time in place of offsets; a date that is none */
	expect_times(DATE "1600000000.5 1 1 Rx d 0\n", utc, 1,
	    (const int64_t[]){ 1600000000500000000 });
	expect_times("date Thu Jan  1 00:02:46 1970\n1.0 1 1 Rx d 0\n", utc, 1,
	    (const int64_t[]){ 167 * SEC });
}

static void
test_base(void **state)
{
	static const char *const dec[] = { "base=dec", NULL };
	struct result r;

	(void)state;
	/* It changes; CANFD lines stay hex */
	read_text("base hex  timestamps absolute\n1.0 1 10 Rx d 1 10\n"
	    "base dec  timestamps absolute\n1.0 1 2047 Rx d 2   2 255\n"
	    "1.0 CANFD 1 Rx 10 0 0 1 1 10 0 0 1000\n1.0 1 16x Rx d 1 016", &r);
	assert_int_equal(r.n, 4);
	assert_string_equal(show(&r.frames[0]), "can0 Rx 010#10");
	assert_string_equal(show(&r.frames[1]), "can0 Rx 7FF#02FF");
	assert_string_equal(show(&r.frames[2]), "can0 Rx 010##010");
	assert_string_equal(show(&r.frames[3]), "can0 Rx 00000010#10");
	/* Guessed, by an identifier or by data, but not against the file */
	read_text("1.0 1 0940 Tx d 0\n1.0 1 10 Rx d 1 10\n", &r);
	assert_string_equal(show(&r.frames[0]), "can0 Tx 3AC#");
	assert_string_equal(show(&r.frames[1]), "can0 Rx 00A#0A");
	read_text("1.0 1 10 Tx d 1 153\n", &r);
	assert_string_equal(show(&r.frames[0]), "can0 Tx 00A#99");
	read_text("base hex\n1.0 1 10 Tx d 1 153\n", &r);
	assert_int_equal(r.errors, 1);
	read_text("base dec\n1.0 1 10 Tx d 1 256\n1.0 1 A Tx d 0\n", &r);
	assert_int_equal(r.errors, 2);
	/* The option is for files that do not tell */
	read_bytes("1.0 1 10 Rx d 1 10", 18, 100, dec, &r);
	assert_string_equal(show(&r.frames[0]), "can0 Rx 00A#0A");
	read_bytes("base hex\n1.0 1 10 Rx d 1 10", 27, 100, dec, &r);
	assert_string_equal(show(&r.frames[0]), "can0 Rx 010#10");
}

static void
test_line_ends(void **state)
{
	struct result r;

	(void)state;
	read_text("\xef\xbb\xbf" "base dec\r\n1.0 1 10 Rx d 0\r\n"
	    "1.0 1 11 Rx d 0\n1.0 1 12 Rx d 0\r1.0 1 13 Rx d 0", &r);
	assert_int_equal(r.n, 4);
	assert_int_equal(r.frames[3].id, 13);
	assert_int_equal(r.errors + r.out.skipped, 0);
}

static void
test_remarks(void **state)
{
	static const char *const mapped[] = { "channels=a=1,b=2", NULL };
	struct result r;
	const char *text = "// evcan channel 2 = vcan7\n"
	    "1.0 1 1 Rx d 0\n1.0 2 1 Rx d 0\n"
	    "// evcan lost 12 frames on can0 (queue)\n"
	    "2.5 a word: 1 2 3\n3.0 1 1 Rx d 0\n";

	(void)state;
	read_text(text, &r);
	assert_int_equal(r.n, 3);
	assert_string_equal(show(&r.frames[0]), "can0 Rx 001#");
	assert_string_equal(show(&r.frames[1]), "vcan7 Rx 001#");
	assert_int_equal(r.out.gaps, 1);
	assert_int_equal(r.out.lost, 12);
	assert_int_equal(r.events, 1);
	assert_int_equal(r.event_at, 2);
	assert_int_equal(r.event_ns, 2500000000);
	assert_string_equal(r.event, "a word: 1 2 3");
	read_bytes(text, strlen(text), 100, mapped, &r);
	assert_string_equal(show(&r.frames[0]), "a Rx 001#");
	assert_string_equal(show(&r.frames[1]), "b Rx 001#");
}

static void
test_bid(void **state)
{
	static const struct {
		const char *text;
		int least, most;
	} logs[] = {
		{ "date Sat Sep 30 15:06:13.191 2017\nbase hex  timestamps "
		    "absolute\n", 80, 90 },
		{ "// version 8.1.0\n\n1.592186 1  ErrorFrame\tECC: 10100010",
		    60, 90 },
		{ "\xef\xbb\xbf" "Begin TriggerBlock\r\n", 80, 90 },
		{ "   2.501000 1  200             Tx   r\r\n", 60, 90 },
		{ "", 0, 0 },
		{ "(1483389946.1) can0 123#\n", 0, 0 },
		{ ";$FILEVERSION=1.1\n;   1)  1.0 1 Rx 0100 8 00\n", 0, 0 },
		{ "timestamp,arbitration_id,extended\n0.0,0x1,0\n", 0, 0 },
		{ "1519.123456 1R11 123 01 02\n", 0, 0 },
		{ "***BUSMASTER Ver 2.4.0***\n", 0, 0 },
		{ "dates are sweet\nbase line\n", 0, 0 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		const int sure = asc->bid((const uint8_t *)logs[i].text,
		    strlen(logs[i].text));

		if (sure < logs[i].least || sure > logs[i].most)
			fail_msg("%s: %d", logs[i].text, sure);
	}
}

/* Real files */

static const struct {
	const char *name;
	unsigned frames;
} samples[] = {
	{ "busmaster__BUSMASTERLogFile0.asc", 42 },
	{ "busmaster__BUSMASTERLogFileInput.asc", 1288 },
	{ "busmaster__FormatConvASC2LOG.asc", 1116 },
	{ "gen__log2asc2020_mix.asc", 2000 },
	{ "gen__log2asc2020_mix_canfdfmt.asc", 2000 },
	{ "gen__log2asc2020_savvy_4dec_crlf.asc", 12974 },
	{ "gen__log2asc2020_visualizer.asc", 2648 },
	{ "gen__pythoncan41_mix.asc", 2000 },
	{ "mdf4-converters__multiple_CAN.asc", 164 },
	{ "mdf4-converters__multiple_LIN.asc", 12 },
	{ "pycanlib__logfile003.asc", 60 },
	{ "python-can__issue_1256.asc", 1457 },
	{ "python-can__issue_1299.asc", 4 },
	{ "python-can__logfile.asc", 20 },
	{ "python-can__logfile_errorframes.asc", 12 },
	{ "python-can__logfile_vector_fd.asc", 4 },
	{ "python-can__single_frame.asc", 1 },
	{ "python-can__single_frame_us_locale.asc", 1 },
	{ "python-can__test_CanErrorFrames.asc", 4 },
	{ "python-can__test_CanFdMessage.asc", 3 },
	{ "python-can__test_CanFdMessage64.asc", 2 },
	{ "python-can__test_CanFdRemoteMessage.asc", 1 },
	{ "python-can__test_CanMessage.asc", 2 },
	{ "python-can__test_CanMessage.asc.gz", 2 },
	{ "python-can__test_CanRemoteMessage.asc", 3 },
	{ "vector_asc__Action.asc", 0 },
	{ "vector_asc__CAN_Log_Trigger_3_2.asc", 7 },
	{ "vector_asc__CanErrorFrame.asc", 3 },
	{ "vector_asc__CanExtendedMessageEvent.asc", 2 },
	{ "vector_asc__CanFdErrorFrame.asc", 1 },
	{ "vector_asc__CanFdExtendedMessage.asc", 1 },
	{ "vector_asc__CanFdMessage.asc", 1 },
	{ "vector_asc__CanMessage.asc", 3 },
	{ "vector_asc__CanRemoteFrame.asc", 1 },
	{ "vector_asc__TpDiag_3_2.asc", 5 },
	{ "vector_asc__logfile_excerpt.asc", 2 }
};

/* Reads a file whole, and what it becomes when it is written again. */
static void
check_sample(const char *path, unsigned expected)
{
	static struct evcan_frame frames[13000];
	struct evcan_log_reader *reader;
	struct evcan_error err = { 0 };
	struct encoder e;
	struct result r;
	unsigned n = 0;
	int got;

	reader = evcan_log_reader_new(path, NULL, &err);
	if (reader == NULL)
		fail_msg("%s", err.text);
	assert_string_equal(evcan_log_reader_format(reader), "asc");
	while ((got = evcan_log_reader_read(reader, frames + n,
	    13000 - n)) != 0) {
		if (got < 0)
			fail_msg("%s", evcan_log_reader_error(reader)->text);
		n += (unsigned)got;
	}
	evcan_log_reader_free(reader);
	if (n != expected)
		fail_msg("%s: %u frames instead of %u", path, n, expected);
	for (unsigned i = 0; i < n; i += 64) {
		const unsigned some = n - i < 64 ? n - i : 64;
		static const char *const nine[] = { "digits=9", NULL };

		encoder_begin(&e, nine, NULL);
		asc->encode(e.state, frames + i, some, &e.out, &e.info);
		finish_and_read(&e, NULL, &r);
		assert_int_equal(r.n, some);
		for (unsigned k = 0; k < some; k++)
			if (e.info.lost[lost_index("time")] == 0)
				assert_true(evcan_frame_equal(&frames[i + k],
				    &r.frames[k], 0, e.info.lost[lost_index(
				    "direction")] > 0 ?
				    EVCAN_EQUAL_ANY_DIRECTION : 0));
		encoder_end(&e);
	}
}

static void
test_samples(void **state)
{
	const char *where = getenv("EVCAN_SAMPLES");
	char path[500];

	(void)state;
	if (where == NULL || *where == '\0')
		may_skip("EVCAN_SAMPLES is not set");
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		snprintf(path, sizeof(path), "%s/asc/%s", where,
		    samples[i].name);
		check_sample(path, samples[i].frames);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_not_frames),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_remarks),
		cmocka_unit_test(test_bid),
		cmocka_unit_test(test_samples),
	};

	asc = evcan_format_find("asc");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_trc.c - PEAK's traces of every version, read */
#include "trc_fixture.h"

#include "may_skip.h"

static void
version_1_0(void **state)
{
	(void)state;
	read_text(";###############\n"
	    ";   Start time: 18.12.2021 14:28:07.062\n"
	    ";----+-   ---+---  ----+---  +  -+ -- -- ...\n"
	    "     1)     17535  00000100  8  00 01 02 03 04 05 06 07\n"
	    "     2)     17540  FFFFFFFF  4  00 00 00 08 -- -- -- -- "
	    "BUSHEAVY\n"
	    "     3)     17700      0704  1  RTR\n"
	    "     4)     17800      0004  4  ERROR 00 19 08 07\n"
	    "     5)     17801      0123  2  AA bb -- -- -- -- -- --\n"
	    "     6)     17802      0123  0\n");
	no_errors();
	assert_int_equal(got.n, 5);
	assert_int_equal(got.out.skipped, 1);
	is_relative(false);
	is_frame(0, 1639837687062000 + 17535000,
	    "can0 00000100#0001020304050607 R");
	is_frame(1, 1639837687062000 + 17700000, "can0 704#R1 R");
	is_frame(2, 1639837687062000 + 17800000,
	    "can0 20000288#0000841900000708 R");
	is_frame(3, 1639837687062000 + 17801000, "can0 123#AABB R");
	is_frame(4, 1639837687062000 + 17802000, "can0 123# R");
}

static void
version_1_1(void **state)
{
	(void)state;
	read_text(";$FILEVERSION=1.1\r\n;$STARTTIME=44548.6028595139\r\n"
	    ";---+--   ----+----  --+--  ----+---  +  -+ -- -- --\r\n"
	    "     1)     17535.4  Tx     00000100  8  "
	    "00 00 00 00 00 00 00 01 \r\n"
	    "     2)     17540.3  Warng  FFFFFFFF  4  00 00 00 08  "
	    "BUSHEAVY \r\n"
	    "     3)     48937.6  Rx         0704  1  RTR\r\n"
	    "     4)     48938.6  Error      0002  4  01 05 00 00\r\n"
	    "     5)     48939.6  Error      0008  4  01 00 00 00\r\n");
	no_errors();
	assert_int_equal(got.n, 4);
	assert_int_equal(got.out.skipped, 1);
	is_relative(false);
	/* The start to its last digit: 14:28:07.06200096. */
	assert_true(got.frames[0].time_ns == 1639837687062000960 +
	    17535400000);
	assert_string_equal(text_of(&got.frames[0]),
	    "can0 00000100#0000000000000001 T");
	assert_string_equal(text_of(&got.frames[1]), "can0 704#R1 R");
	assert_string_equal(text_of(&got.frames[2]),
	    "can0 20000088#0000020500000000 R");
	assert_string_equal(text_of(&got.frames[3]),
	    "can0 20000080#0000000000000000 R");
}

static void
versions_1_2_and_1_3(void **state)
{
	(void)state;
	read_text(";$FILEVERSION=1.2\n"
	    "     1)     17535.4  2   Tx     00000100  8  "
	    "00 00 00 00 00 00 00 01\n"
	    "     2)     17540.3  1   Warng  FFFFFFFF  4  00 00 00 08\n"
	    "     3)     17541.3  12  Rx         0001  2  01 02\n");
	no_errors();
	assert_int_equal(got.n, 2);
	is_relative(true);
	is_frame(0, 17535400, "can1 00000100#0000000000000001 T");
	is_frame(1, 17541300, "can11 001#0102 R");
	read_text(";$FILEVERSION=1.3\n;$STARTTIME=0\n"
	    "     1)     17535.400 1  Tx    00000100 -  8    "
	    "00 00 00 00 00 00 00 02\n"
	    "     2)     17540.300 1  Warng FFFFFFFF -  4    00 00 00 08 "
	    "BUSHEAVY\n"
	    "     3)     17540.301 3  Rx        07FF 5  15   "
	    "1 2 3 4 5 6 7 8\n"
	    "     3)     17540.301 3  Rx        07FF 5  15   "
	    "01 02 03 04 05 06 07 08\n"
	    "     4)     48937.600 1  Rx        0704 -  1    RTR\n"
	    "     5)     48937.700 2  Error     0001 -  4    00 0B 01 00\n");
	assert_int_equal(got.errors, 1);
	assert_int_equal(got.error_line, 5);
	assert_non_null(strstr(got.error, "two hex digits"));
	assert_int_equal(got.n, 4);
	is_relative(true);
	is_frame(1, 17540301, "can2 7FF#0102030405060708_F R");
	is_frame(2, 48937600, "can0 704#R1 R");
	is_frame(3, 48937700, "can1 20000288#0000810B00000001 R");
}

static void
version_2_0(void **state)
{
	(void)state;
	read_text(";$FILEVERSION=2.0\n;$STARTTIME=25569.5\n"
	    ";$COLUMNS=N,O,T,I,d,l,D\n"
	    "      1     17535.400 DT 00000100 Tx 8  00 00 00 00 00 00 00 03\n"
	    "      2     17540.300 ST          Rx    00 00 00 08\n"
	    "      3     17540.400 ER          Rx    04 00 02 00 05\n"
	    "      4     17540.500 EC          Rx    01 02\n"
	    "      5     48937.600 RR     0704 Rx 1\n"
	    "      6     48937.700 FD     0123 Rx 12 "
	    "00 01 02 03 04 05 06 07 08 09 0A 0B\n"
	    "      7     48937.800 FB     0123 Rx 2  00 01\n"
	    "      8     48937.900 EV Some words\n");
	no_errors();
	assert_int_equal(got.n, 5);
	assert_int_equal(got.out.skipped, 2);
	is_relative(false);
	is_frame(0, 43200000000 + 17535400,
	    "can0 00000100#0000000000000003 T");
	is_frame(1, 43200000000 + 17540400,
	    "can0 20000288#0000840200000500 R");
	is_frame(2, 43200000000 + 48937600, "can0 704#R1 R");
	is_frame(3, 43200000000 + 48937700,
	    "can0 123##4000102030405060708090A0B R");
	assert_int_equal(got.frames[3].dlc, 9);
	is_frame(4, 43200000000 + 48937800, "can0 123##50001 R");
	assert_int_equal(got.events, 1);
	assert_string_equal(got.event, "Some words");
	assert_true(got.event_ns == 43200 * NS_PER_S + 48937900000);
}

#define HEAD_2_1 ";$FILEVERSION=2.1\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n"

static void
version_2_1(void **state)
{
	(void)state;
	read_text(HEAD_2_1
	    "      1         1.000 DT 1  00000100 Tx -  8    "
	    "00 00 00 00 00 00 00 04\n"
	    "      2         2.000 ST 1         - Rx -  4    00 00 00 08\n"
	    "      3         3.000 ER 2         - Rx -  5    01 01 0C 80 7F\n"
	    "      4         4.000 EC 1         - Rx -  2    01 02\n"
	    "      5         5.000 RR 1      0704 Tx -  15  \n"
	    "      6         6.000 FD 1      0500 Tx -  9    "
	    "01 01 01 01 01 01 01 01 01 01 01 01\n"
	    "      7         7.000 FB 1  1FFFFFFF Rx -  8    "
	    "01 02 03 04 05 06 07 08\n"
	    "      8         8.000 FE 1      0500 Rx -  1    01 \n"
	    "      9         9.000 BI 1      0500 Rx -  0    \n"
	    "     10        10.000 DT 16     0000 Rx -  9    "
	    "01 02 03 04 05 06 07 08\n"
	    "     11        11.000 EV 1         An  event\ttoo\n"
	    "     12        12.000 EV Rx 4 all\n"
	    "     13        13.000 XY 1   what later versions have\n"
	    "     14        14.000 DT 1  01234567 Rx 03  20   "
	    "00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11 12 13\n");
	no_errors();
	assert_int_equal(got.n, 8);
	assert_int_equal(got.out.skipped, 4);
	is_relative(true);
	is_frame(0, 1000, "can0 00000100#0000000000000004 T");
	is_frame(1, 3000, "can1 20000288#0000010C00007F80 R");
	is_frame(2, 5000, "can0 704#R8_F T");
	assert_int_equal(got.frames[2].dlc, 15);
	is_frame(3, 6000, "can0 500##4010101010101010101010101 T");
	is_frame(4, 7000, "can0 1FFFFFFF##50102030405060708 R");
	is_frame(5, 8000, "can0 500##701 R");
	is_frame(6, 9000, "can0 500##6 R");
	is_frame(7, 10000, "can15 000#0102030405060708_9 R");
	assert_int_equal(got.events, 2);
	assert_string_equal(got.event, "Rx 4 all");
	assert_true(got.event_ns == 12 * NS_PER_MS);
}

static void
other_columns(void **state)
{
	(void)state;
	/* CSS Electronics' converter. */
	read_text(";$FILEVERSION=2.1\n;$COLUMNS=N,O,T,B,I,d,L,D\n"
	    "      0         0.000 DT 1     0123 Rx 00 \n"
	    "      1         0.200 DT 1     0123 Rx 01 12\n"
	    "      2         0.300 FB 2 12345678 Rx 09 "
	    "00 01 02 03 04 05 06 07 08 09 0A 0B\n");
	no_errors();
	assert_int_equal(got.n, 3);
	is_frame(2, 300, "can1 12345678##5000102030405060708090A0B R");
	/* No number, no type, another order, one of a later version. */
	read_text(";$COLUMNS= O, B, d, I, x, l, D\n"
	    "0.5 3 Tx 7FF z 2 01 02\n"
	    "-0.5 3 Rx 7FF z 2 01 02\n");
	no_errors();
	assert_int_equal(got.n, 2);
	is_frame(0, 500, "can2 7FF#0102 T");
	is_frame(1, -500, "can2 7FF#0102 R");
	/* A length in place of a code, and the other way round. */
	read_text(HEAD_2_1
	    "1 0.1 FD 1 0123 Rx - 12 00 01 02 03 04 05 06 07 08 09 0A 0B\n"
	    ";$COLUMNS=N,O,T,B,I,d,R,l,D\n"
	    "2 0.2 FD 1 0123 Rx - 9 00 01 02 03 04 05 06 07 08 09 0A 0B\n"
	    "3 0.3 FD 1 0123 Rx - 10 00 01 02 03 04 05 06 07 08 09\n");
	no_errors();
	assert_int_equal(got.n, 3);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(got.frames[i].len, 12);
		assert_int_equal(got.frames[i].dlc, 9);
	}
	assert_int_equal(got.frames[2].len, 10);
	assert_int_equal(got.frames[2].dlc, 9);
}

static void
no_header(void **state)
{
	static const struct {
		const char *text, *frame;
	} rows[] = {
		{ "\t1)\t17535\t00000100\t1\tAA\t\n", "can0 00000100#AA R" },
		{ "  1)  2  0123  0\n", "can0 123# R" },
		{ "  1)  2.0  Tx 0123  1  01\n", "can0 123#01 T" },
		{ "  1  2.0  Tx 0123  1  01\n", "can0 123#01 T" },
		{ "  1)  2.0 4 Rx 0123  1  01\n", "can3 123#01 R" },
		{ "  1)  2.000 4 Rx 0123 - 1  01\n", "can3 123#01 R" },
		{ "1 2.000 DT 0123 Tx 1 01\n", "can0 123#01 T" },
		{ "1 2.000 DT 2 0123 Tx - 1 01\n", "can1 123#01 T" },
		{ "1) 2.000 DT 2 0123 Tx 01 01\n", "can1 123#01 T" },
		{ "1 2.000 ST Rx 00 00 00 04\n1 2.0 DT 0123 Tx 1 01\n",
		  "can0 123#01 T" },
		{ "1 2.0 EV 1 Go Rx\n1 2.0 DT 0123 Tx 1 01\n",
		  "can0 123#01 T" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_text(rows[i].text);
		no_errors();
		assert_int_equal(got.n, 1);
		assert_string_equal(text_of(&got.frames[0]), rows[i].frame);
		assert_true(trc()->bid((const uint8_t *)rows[i].text,
		    strlen(rows[i].text)) >= 60);
	}
	read_text("1 2 3\n0.000 1 123 Rx d 2 01 02\n");
	assert_int_equal(got.errors, 2);
	assert_int_equal(got.n, 0);
}

static void
starts(void **state)
{
	static const struct {
		const char *line;
		int64_t ns;
	} good[] = {
		{ "$STARTTIME=43008.920986006946", 1506809173191000134 },
		{ "$STARTTIME=43008.9209860069", 1506809173190996160 },
		{ "$STARTTIME=43008.92098600694444444", START },
		{ "$STARTTIME=43008,92098600694444444 ", START },
		{ "$STARTTIME=43009", 1506816000 * NS_PER_S },
		{ "$STARTTIME=43009.5;", 1506859200 * NS_PER_S },
		{ "$STARTTIME=43008.999999999999999", 1506816000 * NS_PER_S },
		{ "$STARTTIME=25569", 0 },
		{ "$STARTTIME=25568.5", -43200 * NS_PER_S },
		{ "   Start time: 30.09.2017 22:06:13.191.0", START },
		{ "   Start time: 30.09.2017 22:06:13.191.5",
		  START + 500 * NS_PER_US },
		{ "   Start time: 30.09.2017 22:06:13.191.007",
		  START + 7 * NS_PER_US },
		{ " Start time: 9/30/2017 22:06:13.191.000", START },
		{ " Start time: 09/30/2017 10:06:13.191.0 PM", START },
		{ " Start time: 30/09/2017 22:06:13.191", START },
		{ " Start time: 30-09-2017 22:06:13,191", START },
		{ " Start time: 2017-09-30 22:06:13.191000", START },
		{ " Start time: 2017-09-30T22:06:13.191Z", START },
		{ " Start time: 2017/09/30 22:06:13.191", START },
		{ " Start time: 2017-10-01 00:06:13.191000+02:00", START },
		{ " Start time: 2/1/2026 12:00:00 AM", 1769904000 * NS_PER_S },
		{ " Start time: 05/04/2022 00:00", 1651622400 * NS_PER_S }
	};
	static const char *const bad[] = {
		"$STARTTIME=", "$STARTTIME=x", "$STARTTIME=43008.9x",
		"$STARTTIME=-1", "$STARTTIME=9999999", "$STARTTIME=2958465",
		"$STARTTIME=99999999999999999999999999"
	};
	static const char *const none[] = {
		"$STARTTIME=0", "Start time: 31.02.2017 10:00:00",
		"Start time: now", "Start time: 30.09.17 10:00:00",
		"Start time:", "Start time: 30.09.2017",
		"Start time: 30.09.2017 25:00:00", "$STARTTIME=0.0000"
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), ";%s\n1) 0.0 Rx 0123 0\n",
		    good[i].line);
		read_text(text);
		no_errors();
		assert_int_equal(got.n, 1);
		if (got.frames[0].time_ns != good[i].ns)
			fail_msg("%s: %lld", good[i].line,
			    (long long)got.frames[0].time_ns);
		is_relative(false);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), ";%s\n1) 0.0 Rx 0123 0\n",
		    bad[i]);
		read_text(text);
		assert_int_equal(got.errors, 1);
		assert_int_equal(got.error_line, 1);
		assert_int_equal(got.n, 1);
		is_relative(true);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		snprintf(text, sizeof(text), ";%s\n1) 0.0 Rx 0123 0\n",
		    none[i]);
		read_text(text);
		no_errors();
		is_relative(true);
	}
	/* The exact one is not changed by a rounded text, in any order. */
	read_text(";$STARTTIME=43009\n;  Start time: 1.1.2020 00:00:00\n"
	    "1) 0.0 Rx 0123 0\n");
	is_frame(0, 1506816000000000, "can0 123# R");
	read_text(";  Start time: 1.1.2020 00:00:00\n;$STARTTIME=43009\n"
	    "1) 0.0 Rx 0123 0\n");
	is_frame(0, 1506816000000000, "can0 123# R");
	/* The zone is the reader's. */
	read_log("tz=+02:00", ";$STARTTIME=43009\n1) 0.0 Rx 0123 0\n", 36);
	is_frame(0, 1506816000000000 - 7200000000, "can0 123# R");
}

static void
offsets(void **state)
{
	(void)state;
	read_text(HEAD_2_1
	    "1 5000000000.123456 DT 1 0123 Rx - 0\n"
	    "2 4.5 DT 1 0123 Rx - 0\n"
	    "3 4 DT 1 0123 Rx - 0\n"
	    "4 -1.5 DT 1 0123 Rx - 0\n"
	    "5 0.0000019 DT 1 0123 Rx - 0\n"
	    "6 1234567890.5 DT 1 0123 Rx - 0\n"
	    "7 9223372036855.000 DT 1 0123 Rx - 0\n"
	    "8 99999999999999999999999.0 DT 1 0123 Rx - 0\n"
	    "9 1.2.3 DT 1 0123 Rx - 0\n"
	    "10 . DT 1 0123 Rx - 0\n");
	assert_int_equal(got.n, 6);
	assert_int_equal(got.errors, 4);
	assert_int_equal(got.error_line, 9);
	assert_true(got.frames[0].time_ns == 5000000000123456);
	assert_true(got.frames[1].time_ns == 4500000);
	assert_true(got.frames[2].time_ns == 4000000);
	assert_true(got.frames[3].time_ns == -1500000);
	assert_true(got.frames[4].time_ns == 1);
	assert_true(got.frames[5].time_ns == 1234567890500000);
	/* Nor can the sum be beyond. */
	read_text(";$STARTTIME=43009\n1) 9000000000000.0 Rx 0123 0\n");
	assert_int_equal(got.errors, 1);
	assert_non_null(strstr(got.error, "beyond"));
}

static void
faults(void **state)
{
	static const char *const rows[] = {
		"1", "1 2.000", "x1 2.0 DT", "1 2.000 DT",
		"1 2.000 DT 1", "1 2.000 DT 1 0123", "1 2.000 DT 1 0123 Rx",
		"1 2.000 DT 1 0123 Rx -", "1 2.000 DT 1 0123 Rx - 1",
		"1 2.000 DT 1 0123 Rx - 1 01 02",
		"1 2.000 DT 1 0123 Rx - 2 01",
		"1 2.000 DT 1 0123 Rx - 2 01 2",
		"1 2.000 DT 1 0123 Rx - 2 01 0G",
		"1 2.000 DT 1 0123 Rx - 2 0102",
		"1 2.000 DT 1 0123 Rx - 2 01%02",
		"1 2.000 DT 1 0123 Rx - x 01", "1 2.000 DT 1 0123 Qx - 1 01",
		"1 2.000 DT 1 012G Rx - 1 01",
		"1 2.000 DT 1 012345678 Rx - 1 01",
		"1 2.000 DT 1 20000000 Rx - 1 01",
		"1 2.000 DT a 0123 Rx - 1 01",
		"1 2.000 DT 1 - Rx - 1 01", "1 2.000 D7 1 0123 Rx - 1 01",
		"1 2x000 DT 1 0123 Rx - 1 01", "1x 2.000 DT 1 0123 Rx - 1 01",
		"1 2.000 RR 1 0123 Rx - 1 01", "1 2.000 RR 1 0123 Rx - 16",
		"1 2.000 FD 1 0123 Rx - 9 01 02 03 04 05 06 07 08",
		"1 2.000 DT 1 0123 Rx - 1 01 tail",
		"1 2.000 DT 1 0123 Rx - 16 01 02 03 04 05 06 07 08",
		"1 2.000 DT 1 0123 Rx - 99999999 01"
	};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool words = rows[i][0] == 'x';

		snprintf(text, sizeof(text), HEAD_2_1
		    "1 1.000 DT 1 0001 Rx - 0\n%s\n3 3.000 DT 1 0003 Rx - 0\n",
		    rows[i]);
		read_text(text);
		if (got.n != 2 || got.errors != !words)
			fail_msg("%s: %zu frames, %u errors", rows[i], got.n,
			    got.errors);
		assert_int_equal(got.out.skipped, words);
		if (!words)
			assert_int_equal(got.error_line, 4);
	}
	read_text(";$COLUMNS=N,O,T\n1) 0.0 Rx 0123 0\n");
	assert_int_equal(got.errors, 1);
	assert_int_equal(got.n, 1);
	read_text(";$COLUMNS=N,O,T,T,I,l,D\n1) 0.0 Rx 0123 0\n");
	assert_int_equal(got.errors, 1);
	read_text(";$COLUMNS=a,b,c,e,f,g,h,i,j,k,O,I,l,m,n,o,p,D\n");
	assert_int_equal(got.errors, 1);
}

/* Rows in PEAK's own columns, each with one byte changed to anything: the
 * quick way takes no row that the full grammar (which alone reads short
 * files) refuses, and reads the same from others. */
static void
quick_is_exact(void **state)
{
	static const char row[] =
	    "      2      1002.000 DT 1      0123 Rx -  3    0A 0B 0C\r\n"
	    "      2      1002.000 DT 1  12345678 Rx -  3    0A 0B 0C\r\n";
	const size_t half = (sizeof(row) - 1) / 2;
	char text[1000];

	(void)state;
	for (size_t at = 0; at < 2 * half; at++)
		for (int c = 1; c < 256; c++) {
			size_t len = (size_t)snprintf(text, sizeof(text),
			    HEAD_2_1 "      1      1001.000 DT 1      0123 Rx "
			    "-  3    0A 0B 0C\r\n");
			const size_t row_at = len;

			memcpy(text + len, row + at / half * half, half);
			text[len + at % half] = (char)c;
			len += half;
			read_steps(&again, "tz=utc", text, len, SIZE_MAX / 2,
			    MAX);
			memset(text + len, ';', 200);
			read_log("tz=utc", text, len + 200);
			assert_int_equal(got.n, again.n);
			assert_int_equal(got.errors, again.errors);
			assert_int_equal(got.out.skipped, again.out.skipped);
			if (got.n == 2 && !evcan_frame_equal(&got.frames[1],
			    &again.frames[1], 0, 0))
				fail_msg("%s", text + row_at);
		}
}

static void
comments(void **state)
{
	(void)state;
	read_text("\xef\xbb\xbf" HEAD_2_1
	    ";Begin Triggerblock Sat Sep 30 10:06:13.191 PM 2017\r\n"
	    "\r\n \t\r\n"
	    "1 0.001 DT 1 0001 Rx - 0\r\n"
	    ";   evcan channel 1 = vcan7\r\n"
	    ";   evcan lost 12 frames on vcan7 (queue)\r\n"
	    ";   evcan lost 1 frame (kernel)\r\n"
	    "words that nobody knows\r\n"
	    "2 0.002 DT 1 0001 Rx - 0");
	no_errors();
	assert_int_equal(got.n, 2);
	assert_int_equal(got.out.gaps, 2);
	assert_int_equal(got.out.lost, 13);
	assert_int_equal(got.out.skipped, 1);
	assert_int_equal(got.out.line, 11);
	is_frame(0, 1, "can0 001# R");
	is_frame(1, 2, "vcan7 001# R");
	/* The option comes before the file. */
	read_log("tz=utc channels=x=1", HEAD_2_1
	    ";evcan channel 1 = vcan7\n1 0.001 DT 1 0001 Rx - 0\n",
	    strlen(HEAD_2_1) + 51);
	is_frame(0, 1, "x 001# R");
}

/* Two files in one: the second header begins anew. */
static void
two_headers(void **state)
{
	(void)state;
	read_text(";$FILEVERSION=1.1\n;$STARTTIME=43009\n"
	    "1) 1.0 Tx 0123 0\n"
	    ";$FILEVERSION=2.0\n;$COLUMNS=N,O,T,I,d,l,D\n"
	    ";  Start time: 01.01.1970 00:00:01\n"
	    "1 1.000 RR 0123 Rx 4\n"
	    ";$FILEVERSION=1.3\n"
	    "1) 1.000 2 Rx 0123 - 1 07\n");
	no_errors();
	assert_int_equal(got.n, 3);
	is_frame(0, 1506816000001000, "can0 123# T");
	is_frame(1, 1001000, "can0 123#R4 R");
	is_frame(2, 1000, "can1 123#07 R");
	assert_int_equal(got.frames[2].clock, EVCAN_CLOCK_RELATIVE);
}

static void
not_ours(void **state)
{
	static const char *const texts[] = {
		"@ TEXT @ 3 @ 16 @ 0 @ 0 @ 0 @\r46,016\t1\t0004\t45A\t8\t"
		"00\t01\t02\t03\t04\t05\t06\t07\t\r",
		"ASCII Trace IXXAT\n\"Date\";\"12\"\n",
		"(1483389946.197000) can0 123#0102FF\n",
		"date Sat Sep 30 10:06:13.191 PM 2017\nbase hex  timestamps "
		"absolute\n   2.501000 2  C8              Tx   d 8 09 08\n",
		"   2.501000 2  C8              Tx   d 8 09 08\n",
		"timestamp,arbitration_id,extended,remote,error,dlc,data\n",
		"Chn Identifier Flg   DLC  D0...1...2...3...4...5...6..D7\n",
		" 0    00000123         8  1  2  3  4  5  6  7  8  1.23 R\n",
		"1320745424.000 1R11 402 FA 01\n", "", " ", "\n\n",
		"***BUSMASTER Ver 2.4.0***\n", "1 2 3 4 5\n", "LOGG", "# x\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (trc()->bid((const uint8_t *)texts[i], strlen(texts[i])) !=
		    0)
			fail_msg("bids on %s", texts[i]);
}

static void
samples(void **state)
{
	static const struct {
		const char *name;
		size_t frames, skipped, fd, remote, extended;
	} files[] = {
		{ "gen__pythoncan41_mix.trc", 1200, 0, 0, 0, 487 },
		{ "mdf4-converters__multiple_CAN.trc", 164, 0, 128, 0, 82 },
		{ "python-can__test_CanMessage.trc", 2, 0, 0, 0, 0 },
		{ "python-can__test_CanMessage_V1_0_BUS1.trc", 11, 1, 0, 1,
		  7 },
		{ "python-can__test_CanMessage_V1_1.trc", 11, 1, 0, 1, 7 },
		{ "python-can__test_CanMessage_V1_3.trc", 11, 1, 0, 1, 7 },
		{ "python-can__test_CanMessage_V2_0_BUS1.trc", 11, 1, 0, 1,
		  7 },
		{ "python-can__test_CanMessage_V2_1.trc", 11, 1, 0, 1, 7 }
	};
	const char *dir = getenv("EVCAN_SAMPLES");
	static uint8_t data[200000];

	(void)state;
	if (dir == NULL)
		may_skip("EVCAN_SAMPLES is not set");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t len, fd = 0, remote = 0, extended = 0;
		char path[500];
		FILE *file;

		snprintf(path, sizeof(path), "%s/trc/%s", dir, files[i].name);
		file = fopen(path, "rb");
		assert_non_null(file);
		len = fread(data, 1, sizeof(data), file);
		fclose(file);
		assert_true(trc()->bid(data, len) >= 70);
		read_log("tz=utc", data, len);
		no_errors();
		for (size_t k = 0; k < got.n; k++) {
			const unsigned flags = got.frames[k].flags;

			fd += (flags & EVCAN_FRAME_FD) != 0;
			remote += (flags & EVCAN_FRAME_RTR) != 0;
			extended += (flags & EVCAN_FRAME_EXT) != 0;
			assert_int_equal(evcan_frame_check(&got.frames[k],
			    NULL), 0);
		}
		if (got.n != files[i].frames || fd != files[i].fd ||
		    remote != files[i].remote ||
		    extended != files[i].extended ||
		    got.out.skipped != files[i].skipped)
			fail_msg("%s: %zu frames, %zu fd, %zu remote, %zu "
			    "extended, %u skipped", files[i].name, got.n, fd,
			    remote, extended, (unsigned)got.out.skipped);
		is_relative(false);
		pieces(data, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_0),
		cmocka_unit_test(version_1_1),
		cmocka_unit_test(versions_1_2_and_1_3),
		cmocka_unit_test(version_2_0),
		cmocka_unit_test(version_2_1),
		cmocka_unit_test(other_columns),
		cmocka_unit_test(no_header),
		cmocka_unit_test(starts),
		cmocka_unit_test(offsets),
		cmocka_unit_test(faults),
		cmocka_unit_test(quick_is_exact),
		cmocka_unit_test(comments),
		cmocka_unit_test(two_headers),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(samples)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

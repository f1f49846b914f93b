/* SPDX-License-Identifier: BSD-3-Clause */
/* test_frame.c - frames: limits, equality, and their texts */
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/frame.h>

#include "text.h"

static struct evcan_frame
frame_of(const char *text)
{
	struct evcan_frame frame;
	struct evcan_error err = {0};

	if (evcan_frame_parse(&frame, text, &err) < 0)
		fail_msg("%s", err.text);
	return frame;
}

static void
layout(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct evcan_frame), 88);
}

static void
lengths(void **state)
{
	static const uint8_t table[16] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64
	};

	(void)state;
	for (unsigned dlc = 0; dlc < 16; dlc++)
		assert_int_equal(evcan_dlc2len(dlc), table[dlc]);
	assert_int_equal(evcan_dlc2len(16), 64);
	assert_int_equal(evcan_dlc2len(UINT_MAX), 64);
	for (size_t len = 0; len <= 64; len++) {
		unsigned dlc = 0;

		while (table[dlc] < len)
			dlc++;
		assert_int_equal(evcan_len2dlc(len), dlc);
	}
	assert_int_equal(evcan_len2dlc(65), 15);
	assert_int_equal(evcan_len2dlc(SIZE_MAX), 15);
}

static void
init(void **state)
{
	const uint8_t data[64] = {1, 2, 3};
	struct evcan_frame frame, before;

	(void)state;
	assert_int_equal(evcan_frame_init(&frame, 0x7ff, 0, data, 3), 0);
	assert_int_equal(frame.len, 3);
	assert_int_equal(frame.dlc, 3);
	assert_memory_equal(frame.data, data, 64);
	assert_int_equal(evcan_frame_init(&frame, 0x1fffffff,
	    EVCAN_FRAME_EXT | EVCAN_FRAME_FD | EVCAN_FRAME_BRS, data, 48), 0);
	assert_int_equal(frame.dlc, 14);
	assert_int_equal(evcan_frame_init(&frame, 0, 0, NULL, 0), 0);
	before = frame;
	assert_int_equal(evcan_frame_init(&frame, 0x800, 0, data, 1),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_frame_init(&frame, 1, 0, data, 9),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_frame_init(&frame, 1, EVCAN_FRAME_FD, data, 9),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_frame_init(&frame, 1, EVCAN_FRAME_FD, data,
	    320), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_frame_init(&frame, 1, EVCAN_FRAME_RTR, NULL,
	    0), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_frame_init(&frame, 1, 0x10000, NULL, 0),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_frame_init_remote(&frame, 1, 0, 16),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_frame_init_remote(&frame, 1, EVCAN_FRAME_FD,
	    1), EVCAN_ERR_INVALID);
	assert_memory_equal(&frame, &before, sizeof(frame));
	assert_int_equal(evcan_frame_init_remote(&frame, 1, 0, 12), 0);
	assert_int_equal(frame.len, 0);
	assert_int_equal(frame.dlc, 12);
	assert_int_equal(evcan_frame_length(&frame), 8);
}

static void
check(void **state)
{
	static const struct {
		struct evcan_frame frame;
		const char *why;
	} rows[] = {
		{{.id = 0x7ff}, NULL},
		{{.id = 0x800}, "over 11 bits"},
		{{.id = 0x800, .flags = EVCAN_FRAME_EXT}, NULL},
		{{.id = 0x20000000, .flags = EVCAN_FRAME_EXT},
		    "over 29 bits"},
		{{.id = 0x1fffffff, .flags = EVCAN_FRAME_ERR}, NULL},
		{{.time_ns = -1}, "negative"},
		{{.flags = EVCAN_FRAME_RTR | EVCAN_FRAME_ERR}, "an error"},
		{{.flags = EVCAN_FRAME_RTR | EVCAN_FRAME_FD}, "a CAN FD"},
		{{.flags = EVCAN_FRAME_BRS}, "BRS"},
		{{.flags = EVCAN_FRAME_ESI}, "ESI"},
		{{.flags = 0x100}, "unknown flags"},
		{{.flags = EVCAN_FRAME_RTR, .dlc = 15}, NULL},
		{{.flags = EVCAN_FRAME_RTR, .dlc = 16}, "over 15"},
		{{.flags = EVCAN_FRAME_RTR, .dlc = 1, .len = 1}, "no data"},
		{{.len = 9, .dlc = 9}, "at most 8"},
		{{.len = 8, .dlc = 9}, NULL},
		{{.len = 7, .dlc = 9}, "says 8"},
		{{.len = 2, .dlc = 3}, "says 3"},
		{{.flags = EVCAN_FRAME_FD, .len = 65, .dlc = 15}, "at most"},
		{{.flags = EVCAN_FRAME_FD, .len = 63, .dlc = 15},
		    "cannot have 63"},
		{{.flags = EVCAN_FRAME_FD, .len = 12, .dlc = 10}, "says 16"},
		{{.flags = EVCAN_FRAME_FD | EVCAN_FRAME_BRS, .len = 64,
		    .dlc = 15}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_error err = {0};
		const int r = evcan_frame_check(&rows[i].frame, &err);

		assert_int_equal(r, rows[i].why ? EVCAN_ERR_INVALID : 0);
		assert_int_equal(evcan_frame_check(&rows[i].frame, NULL), r);
		if (rows[i].why && !strstr(err.text, rows[i].why))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void
equality(void **state)
{
	const struct evcan_frame a = frame_of("123#1122");
	struct evcan_frame b;

	(void)state;
#define EQUAL evcan_frame_equal(&a, &b, 1000, 0)
	b = a;
	assert_true(EQUAL);
	b.data[5] = 1;          /* not part of it */
	b.hops = 3;
	b.flags |= EVCAN_FRAME_ECHO;
	assert_true(EQUAL);
	b.time_ns = 1000;
	assert_true(EQUAL);
	b.time_ns = -1001;
	assert_false(EQUAL);
	assert_true(evcan_frame_equal(&a, &b, -1, 0));
	b.time_ns = INT64_MIN;
	assert_false(evcan_frame_equal(&a, &b, INT64_MAX, 0));
	b = a, b.id++;
	assert_false(EQUAL);
	b = a, b.flags |= EVCAN_FRAME_EXT;
	assert_false(EQUAL);
	b = a, b.data[1]++;
	assert_false(EQUAL);
	b = a, b.dlc++;
	assert_false(EQUAL);
	b = a, b.len++;
	assert_false(EQUAL);
	b = a, b.channel = 1;
	assert_false(EQUAL);
	assert_true(evcan_frame_equal(&a, &b, 0, EVCAN_EQUAL_ANY_CHANNEL));
	b = a, b.dir = EVCAN_DIR_TX;
	assert_false(EQUAL);
	assert_true(evcan_frame_equal(&a, &b, 0, EVCAN_EQUAL_ANY_DIRECTION));
#undef EQUAL
}

static void
print(void **state)
{
	struct evcan_frame frame = frame_of("123#0102FF");
	char buf[EVCAN_TEXT_MAX];
	int n;

	(void)state;
	frame.time_ns = 1483389946197000000;
	frame.channel = (uint16_t)evcan_channel_intern("can0");
	n = evcan_frame_print(&frame, buf, sizeof(buf));
	assert_string_equal(buf, "Timestamp: 1483389946.197000    "
	    "    ID: 0123    S Rx                DL:  3    "
	    "01 02 ff                    Channel: can0");
	assert_int_equal(n, (int)strlen(buf));
	frame = frame_of("1ABCDEF0##7616263");
	frame.dir = EVCAN_DIR_TX;
	evcan_frame_print(&frame, buf, sizeof(buf));
	assert_string_equal(buf, "Timestamp:        0.000000    "
	    "ID: 1abcdef0    X Tx     F BS EI    DL:  3    "
	    "61 62 63                    'abc'");
	frame = frame_of("20000080#");
	frame.time_ns = -1;
	evcan_frame_print(&frame, buf, sizeof(buf));
	assert_string_equal(buf, "Timestamp:       -0.000000    "
	    "    ID: 0080    S Rx E              DL:  0");
	assert_int_equal(evcan_frame_print(&frame, buf, 639), EVCAN_ERR_FULL);
	assert_int_equal(evcan_frame_format(&frame, buf, 0), EVCAN_ERR_FULL);
}

/* The longest text of all fits. */
static void
print_longest(void **state)
{
	struct evcan_frame frame;
	char buf[EVCAN_TEXT_MAX], name[EVCAN_CHANNEL_NAME_MAX + 1];

	(void)state;
	memset(&frame, 'a', sizeof(frame));
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	frame.time_ns = INT64_MIN;
	frame.channel = (uint16_t)evcan_channel_intern(name);
	frame.flags = 0xffff & ~EVCAN_FRAME_RTR;
	frame.len = 255;
	assert_true(evcan_frame_print(&frame, buf, sizeof(buf)) > 400);
	frame.flags = 0xffff;
	assert_true(evcan_frame_print(&frame, buf, sizeof(buf)) > 200);
	assert_true(evcan_frame_format(&frame, buf, sizeof(buf)) > 0);
	frame.flags &= ~(EVCAN_FRAME_RTR | EVCAN_FRAME_ERR);
	assert_int_equal(evcan_frame_format(&frame, buf, sizeof(buf)), 139);
	frame.dlc = frame.len = 255;
	frame.flags = EVCAN_FRAME_RTR;
	evcan_frame_format(&frame, buf, sizeof(buf));
}

/* Texts that are read, and what is written for them. */
static const struct {
	const char *text, *canonical;
	struct evcan_frame frame;
} good_texts[] = {
	{"123#", NULL, {.id = 0x123}},
	{"7fF#", "7FF#", {.id = 0x7ff}},
	{"00000123#", NULL, {.id = 0x123, .flags = EVCAN_FRAME_EXT}},
	{"1FFFFFFF#01", NULL, {.id = 0x1fffffff, .len = 1, .dlc = 1,
	    .flags = EVCAN_FRAME_EXT, .data = {1}}},
	{"123#de.ad.Be.EF", "123#DEADBEEF", {.id = 0x123, .len = 4,
	    .dlc = 4, .data = {0xde, 0xad, 0xbe, 0xef}}},
	{"123#.11.22", "123#1122", {.id = 0x123, .len = 2, .dlc = 2,
	    .data = {0x11, 0x22}}},
	{"123#1122334455667788", NULL, {.id = 0x123, .len = 8,
	    .dlc = 8, .data = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
	    0x77, 0x88}}},
	{"123#1122334455667788_F", NULL, {.id = 0x123, .len = 8,
	    .dlc = 15, .data = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
	    0x77, 0x88}}},
	{"123#11.22334455667788_9", "123#1122334455667788_9",
	    {.id = 0x123, .len = 8, .dlc = 9, .data = {0x11, 0x22,
	    0x33, 0x44, 0x55, 0x66, 0x77, 0x88}}},
	{"123#R", NULL, {.id = 0x123, .flags = EVCAN_FRAME_RTR}},
	{"123#r0", "123#R", {.id = 0x123, .flags = EVCAN_FRAME_RTR}},
	{"12345678#R8", NULL, {.id = 0x12345678, .dlc = 8,
	    .flags = EVCAN_FRAME_RTR | EVCAN_FRAME_EXT}},
	{"123#R8_c", "123#R8_C", {.id = 0x123, .dlc = 12,
	    .flags = EVCAN_FRAME_RTR}},
	{"123##0", "123##4", {.id = 0x123, .flags = EVCAN_FRAME_FD}},
	{"123##511.2233", "123##5112233", {.id = 0x123, .len = 3,
	    .dlc = 3, .flags = EVCAN_FRAME_FD | EVCAN_FRAME_BRS,
	    .data = {0x11, 0x22, 0x33}}},
	{"123##F000000000000000000000001",
	    "123##7000000000000000000000001", {.id = 0x123,
	    .len = 12, .dlc = 9, .flags = EVCAN_FRAME_FD |
	    EVCAN_FRAME_BRS | EVCAN_FRAME_ESI, .data = {[11] = 1}}},
	{"20000080#0000000000000000", NULL, {.id = 0x80, .len = 8,
	    .dlc = 8, .flags = EVCAN_FRAME_ERR}},
	{"3FFFFFFF#", NULL, {.id = 0x1fffffff,
	    .flags = EVCAN_FRAME_ERR}},
};

static void
text_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good_texts) / sizeof(good_texts[0]);
	    i++) {
		char text[96] = "", buf[EVCAN_TEXT_MAX];
		struct evcan_frame frame = {0};
		const char *why = "", *at, *end;

		strcpy(text, good_texts[i].text);
		frame = frame_of(text);
		if (memcmp(&frame, &good_texts[i].frame, sizeof(frame)) != 0)
			fail_msg("%s", text);
		evcan_frame_format(&frame, buf, sizeof(buf));
		assert_string_equal(buf, good_texts[i].canonical ?
		    good_texts[i].canonical : good_texts[i].text);
		/* The same within a longer buffer: the fast way. */
		strcat(text, " R and a lot of text that follows\n");
		memset(&frame, 0, sizeof(frame));
		end = evcan_text_get_frame_(text, text + strlen(text), &frame,
		    &why, &at);
		assert_ptr_equal(end, text + strlen(good_texts[i].text));
		assert_memory_equal(&frame, &good_texts[i].frame,
		    sizeof(frame));
	}
}

static void
text_bad(void **state)
{
	static const struct {
		const char *text;
		int column;
		const char *why;
	} rows[] = {
		{"", 1, "then #"}, {"#", 1, "3 or 8"}, {"123", 4, "then #"},
		{"12#00", 1, "3 or 8"}, {"1234#00", 1, "3 or 8"},
		{"123456789#", 1, "3 or 8"}, {"xyz#", 1, "hex digits"},
		{"800#00", 1, "7FF"}, {"40000000#00", 1, "1FFFFFFF"},
		{"FFFFFFFF#00", 1, "1FFFFFFF"}, {"123#1", 5, "pairs"},
		{"123#11223", 9, "pairs"}, {"123#1x", 5, "pairs"},
		{"123#11..22", 8, "pairs"}, {"123#11.", 8, "pairs"},
		{"123#112233445566778899", 21, "at most 8"},
		{"123#1122_9", 9, "length of 8"},
		{"123#1122334455667788_8", 22, "9 to F"},
		{"123#1122334455667788_", 22, "9 to F"},
		{"123#1122334455667788_99", 23, "text follows"},
		{"123#R9", 6, "0 to 8"}, {"123#R7_9", 7, "length of 8"},
		{"123#R88", 7, "text follows"}, {"123#Rx", 6, "0 to 8"},
		{"123##", 6, "flags"}, {"123##x", 6, "flags"},
		{"123##01", 7, "pairs"}, {"123##0_9", 7, "no raw DLC"},
		{"123##4112233445566778899", 24, "CAN FD"},
		{"20000080#R", 10, "remote"}, {"20000080##0", 10, "CAN FD"},
		{"123#11 ", 7, "nothing may follow"},
		{"00123#81:00:12345678#11", 1, "CAN XL"},
		{"123#81:00:12345678#11", 1, "CAN XL"},
		{"00123#81", 1, "3 or 8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_error err = {0};
		struct evcan_frame frame = {.id = 99};
		char column[32];

		assert_int_equal(evcan_frame_parse(&frame, rows[i].text,
		    &err), EVCAN_ERR_SYNTAX);
		snprintf(column, sizeof(column), "column %d:",
		    rows[i].column);
		if (!strstr(err.text, rows[i].why) ||
		    !strstr(err.text, column))
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(frame.id, 99);
	}
}

static void
text_xl_and_odd_lengths(void **state)
{
	static const char xl[] = "00123#81:00:12345678#1122";
	char text[200] = "123##4";
	struct evcan_frame frame;
	const char *why = NULL, *at = NULL;

	(void)state;
	assert_null(evcan_text_get_frame_(xl, xl + strlen(xl), &frame, &why,
	    &at));
	assert_ptr_equal(why, evcan_text_is_xl_);
	assert_ptr_equal(at, xl);
	for (size_t n = 0; n <= 64; n++) {
		const size_t size = 6 + 2 * n;

		memset(text + 6, 'a', 2 * n);
		assert_ptr_equal(evcan_text_get_frame_(text, text + size,
		    &frame, &why, &at), text + size);
		assert_int_equal(frame.len, n);
		assert_int_equal(frame.dlc, evcan_len2dlc(n));
	}
	memset(text + 6, 'a', 130);
	assert_null(evcan_text_get_frame_(text, text + 136, &frame, &why,
	    &at));
	assert_string_equal(why, "a CAN FD frame has at most 64 data bytes");
}

static uint64_t
random64(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	return s ^= s << 17;
}

static struct evcan_frame
random_frame(void)
{
	struct evcan_frame f = {0};
	const unsigned kind = random64() % 5;

	f.flags = random64() % 2 ? EVCAN_FRAME_EXT : 0;
	f.id = (uint32_t)random64() & (f.flags ? 0x1fffffff : 0x7ff);
	if (kind == 0) {
		f.flags = EVCAN_FRAME_ERR;
	} else if (kind == 1) {
		f.flags |= EVCAN_FRAME_RTR;
		f.dlc = random64() % 16;
		return f;
	} else if (kind == 2) {
		f.flags |= EVCAN_FRAME_FD | (random64() &
		    (EVCAN_FRAME_BRS | EVCAN_FRAME_ESI));
	}
	f.len = random64() % (kind == 2 ? 65 : 9);
	f.dlc = evcan_len2dlc(f.len);
	if (kind != 2 && f.len == 8 && random64() % 4 == 0)
		f.dlc = 9 + random64() % 7;
	for (unsigned i = 0; i < f.len; i++)
		f.data[i] = (uint8_t)random64();
	return f;
}

static void
round_trip(void **state)
{
	(void)state;
	for (int i = 0; i < 300000; i++) {
		const struct evcan_frame a = random_frame();
		struct evcan_frame b = {0};
		char text[EVCAN_TEXT_FRAME_MAX + 40], *end;
		const char *why, *at;
		const size_t more = random64() % 40;

		memset(text, 'x', sizeof(text));
		end = evcan_text_put_frame_(text, &a);
		assert_true(end <= text + EVCAN_TEXT_FRAME_MAX);
		memset(end, "\n \r\t"[i % 4], more);
		assert_ptr_equal(evcan_text_get_frame_(text, end + more, &b,
		    &why, &at), end);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

/* What a plain reading of the fast shape gives, for any bytes at all. */
static void
fast_like_slow(void **state)
{
	static const char some[] = "0123456789abcdefABCDEF#R._ \n/:@G`g\x80";

	(void)state;
	for (int i = 0; i < 500000; i++) {
		char text[40], one[40];
		struct evcan_frame a = {0}, b = {0};
		const char *why, *at, *p, *q;
		size_t n;

		for (size_t j = 0; j < sizeof(text); j++)
			text[j] = some[random64() % (random64() % 3 ? 22 :
			    sizeof(some) - 1)];
		text[random64() % 2 ? 3 : 8] = '#';
		text[4 + random64() % 22] = ' ';
		p = evcan_text_get_frame_(text, text + sizeof(text), &a, &why,
		    &at);
		/* Dots keep the fast way out, and change nothing else. */
		n = text[3] == '#' ? 4 : 9;
		memcpy(one, text, n);
		one[n] = '.';
		memcpy(one + n + 1, text + n, sizeof(one) - n - 1);
		q = evcan_text_get_frame_(one, one + sizeof(one), &b, &why,
		    &at);
		if (p == NULL || a.flags & (EVCAN_FRAME_RTR | EVCAN_FRAME_FD)
		    || a.len == 0 || text[n] == '.')
			continue;
		assert_non_null(q);
		assert_int_equal(q - one, p - text + 1);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void
hex_tables(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		char pair[3];
		const char *const d = "0123456789abcdef0123456789ABCDEF";
		const char *const p = i ? strchr(d, (int)i) : NULL;

		snprintf(pair, sizeof(pair), "%02X", i);
		assert_memory_equal(evcan_hex_pairs_[i], pair, 2);
		assert_int_equal(evcan_hex_value_[i],
		    p ? (p - d) % 16 : 0xff);
	}
}

static void
times(void **state)
{
	static const struct {
		int64_t ns;
		int decimals;
		const char *text;
	} rows[] = {
		{0, 6, "0000000000.000000"},
		{1483389946197000999, 6, "1483389946.197000"},
		{1483389946197000999, 9, "1483389946.197000999"},
		{-1500000000, 6, "-0000000001.500000"},
		{INT64_MAX, 9, "9223372036.854775807"},
		{INT64_MIN, 9, "-9223372036.854775808"},
	};
	char buf[EVCAN_TEXT_TIME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		*evcan_text_put_time_(buf, rows[i].ns, rows[i].decimals) = 0;
		assert_string_equal(buf, rows[i].text);
	}
	*evcan_text_put_uint_(buf, UINT64_MAX) = '\0';
	assert_string_equal(buf, "18446744073709551615");
	*evcan_text_put_uint_(buf, 0) = '\0';
	assert_string_equal(buf, "0");
}

static void
integers(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {
		{"0", 0}, {"-0", 0}, {"+7", 7}, {"0012", 12}, {"0x1F", 31},
		{"-0x10", -16}, {"1_000_000", 1000000}, {"0xFF_ff", 65535},
		{"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
		{"0x7fffffffffffffff", INT64_MAX},
	};
	static const char *const bad[] = {
		"", "-", "+", "0x", "1_", "_1", "1__2", "0x_1", "12a", " 1",
		"1 ", "--1", "9223372036854775808", "-9223372036854775809",
		"0x8000000000000000", "99999999999999999999", "1.0", "1e3",
	};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(evcan_text_get_int_(good[i].text, &value),
		    0);
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		value = 42;
		if (evcan_text_get_int_(bad[i], &value) != EVCAN_ERR_SYNTAX)
			fail_msg("\"%s\" was read", bad[i]);
		assert_true(value == 42);
	}
}

static void
check_reals(void)
{
	static const char *const good[] = {
		"0", "-1.5", "+.5", "5.", "1e3", "1.25E-2", "0.1",
		"86400", "1700000000.123456",
	};
	static const double values[] = {
		0, -1.5, .5, 5, 1000, .0125, .1, 86400, 1700000000.123456,
	};
	static const char *const bad[] = {
		"", ".", "-", "e3", "1e", "1e+", "inf", "nan", "0x1p3", "1,5",
		"1.5 ", " 1", "1..2", "1e999", "-1e999", "1_0",
	};
	double value;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(evcan_text_get_real_(good[i], &value), 0);
		assert_true(value == values[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (evcan_text_get_real_(bad[i], &value) != EVCAN_ERR_SYNTAX)
			fail_msg("\"%s\" was read", bad[i]);
	}
}

static void
reals(void **state)
{
	(void)state;
	check_reals();
	/* Where a comma is the point; not installed everywhere. */
	if (setlocale(LC_NUMERIC, "de_DE.UTF-8") ||
	    setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
		check_reals();
	setlocale(LC_NUMERIC, "C");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(lengths),
		cmocka_unit_test(init),
		cmocka_unit_test(check),
		cmocka_unit_test(equality),
		cmocka_unit_test(print),
		cmocka_unit_test(print_longest),
		cmocka_unit_test(text_good),
		cmocka_unit_test(text_bad),
		cmocka_unit_test(text_xl_and_odd_lengths),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(fast_like_slow),
		cmocka_unit_test(hex_tables),
		cmocka_unit_test(times),
		cmocka_unit_test(integers),
		cmocka_unit_test(reals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

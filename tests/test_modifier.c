/* SPDX-License-Identifier: BSD-3-Clause */
/* test_modifier.c - counters and checksums: published values, plain models */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/modifier.h>

#include "crc.h"

#define ALL 0xffffffffu

static uint32_t seed = 1;

static uint32_t
rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void
parse(struct evcan_modifier *m, const char *text)
{
	struct evcan_error err = {0};

	if (evcan_modifier_parse(m, text, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.text, "");
}

/* Applies modifiers, divided by blanks, in order. */
static void
apply(const char *texts, struct evcan_frame *frame, uint64_t number)
{
	char copy[400], *rest = copy, *text;
	struct evcan_modifier m;

	snprintf(copy, sizeof(copy), "%s", texts);
	while ((text = strtok_r(rest, " ", &rest)) != NULL) {
		parse(&m, text);
		evcan_modifier_apply(&m, frame, number);
	}
}

static struct evcan_frame
frame_of(const char *text)
{
	struct evcan_error err = {0};
	struct evcan_frame frame;

	if (evcan_frame_parse(&frame, text, &err) < 0)
		fail_msg("%s", err.text);
	return frame;
}

static void
expect(const char *texts, const char *before, uint64_t number,
    const char *after)
{
	struct evcan_frame frame = frame_of(before);
	char text[EVCAN_TEXT_MAX];

	apply(texts, &frame, number);
	evcan_frame_format(&frame, text, sizeof(text));
	if (strcmp(text, after) != 0)
		fail_msg("%s of %s, send %llu: %s, not %s", texts, before,
		    (unsigned long long)number, text, after);
}

/* ---- CRC ---- */

/* The check values of the public catalogue: of the text 123456789. */
static const struct catalogue {
	const char *name;
	unsigned width;
	uint32_t polynomial, init;
	bool reflected;
	uint32_t xor_out, check;
} catalogue[] = {
	{"CRC-3/GSM", 3, 0x3, 0, false, 0x7, 0x4},
	{"CRC-4/G-704", 4, 0x3, 0, true, 0, 0x7},
	{"CRC-5/USB", 5, 0x05, 0x1f, true, 0x1f, 0x19},
	{"CRC-6/CDMA2000-A", 6, 0x27, 0x3f, false, 0, 0x0d},
	{"CRC-7/MMC", 7, 0x09, 0, false, 0, 0x75},
	{"CRC-8/SMBUS", 8, 0x07, 0, false, 0, 0xf4},
	{"CRC-8/SAE-J1850", 8, 0x1d, 0xff, false, 0xff, 0x4b},
	{"CRC-8/AUTOSAR", 8, 0x2f, 0xff, false, 0xff, 0xdf},
	{"CRC-8/MAXIM-DOW", 8, 0x31, 0, true, 0, 0xa1},
	{"CRC-8/BLUETOOTH", 8, 0xa7, 0, true, 0, 0x26},
	{"CRC-10/ATM", 10, 0x233, 0, false, 0, 0x199},
	{"CRC-11/FLEXRAY", 11, 0x385, 0x01a, false, 0, 0x5a3},
	{"CRC-15/CAN", 15, 0x4599, 0, false, 0, 0x059e},
	{"CRC-16/ARC", 16, 0x8005, 0, true, 0, 0xbb3d},
	{"CRC-16/IBM-3740", 16, 0x1021, 0xffff, false, 0, 0x29b1},
	{"CRC-16/XMODEM", 16, 0x1021, 0, false, 0, 0x31c3},
	{"CRC-16/MODBUS", 16, 0x8005, 0xffff, true, 0, 0x4b37},
	{"CRC-16/IBM-SDLC", 16, 0x1021, 0xffff, true, 0xffff, 0x906e},
	{"CRC-16/RIELLO", 16, 0x1021, 0xb2aa, true, 0, 0x63d0},
	{"CRC-16/TMS37157", 16, 0x1021, 0x89ec, true, 0, 0x26b1},
	{"CRC-17/CAN-FD", 17, 0x1685b, 0, false, 0, 0x04f03},
	{"CRC-21/CAN-FD", 21, 0x102899, 0, false, 0, 0x0ed841},
	{"CRC-24/OPENPGP", 24, 0x864cfb, 0xb704ce, false, 0, 0x21cf02},
	{"CRC-24/BLE", 24, 0x00065b, 0x555555, true, 0, 0xc25a56},
	{"CRC-31/PHILIPS", 31, 0x04c11db7, 0x7fffffff, false, 0x7fffffff,
	    0x0ce9e46c},
	{"CRC-32/ISO-HDLC", 32, 0x04c11db7, ALL, true, ALL, 0xcbf43926},
	{"CRC-32/BZIP2", 32, 0x04c11db7, ALL, false, ALL, 0xfc891918},
	{"CRC-32/ISCSI", 32, 0x1edc6f41, ALL, true, ALL, 0xe3069283},
	{"CRC-32/AUTOSAR", 32, 0xf4acfb13, ALL, true, ALL, 0x1697d06a},
	{"CRC-32/XFER", 32, 0x000000af, 0, false, 0, 0xbd0be338},
};

#define CATALOGUE (sizeof(catalogue) / sizeof(catalogue[0]))

static void
test_crc(void **state)
{
	static const uint8_t digits[] = "123456789";

	(void)state;
	for (size_t i = 0; i < CATALOGUE; i++) {
		const struct catalogue *const c = &catalogue[i];
		uint32_t table[256], reg;

		evcan_crc_table_(table, c->width, c->polynomial,
		    c->reflected);
		reg = evcan_crc_begin_(c->width, c->init, c->reflected);
		reg = evcan_crc_add_(table, c->reflected, reg, digits, 4);
		reg = evcan_crc_add_(table, c->reflected, reg, digits + 4, 5);
		reg = evcan_crc_end_(reg, c->width, c->xor_out, c->reflected);
		if (reg != c->check)
			fail_msg("%s: 0x%x, not 0x%x", c->name, reg,
			    c->check);
	}
}

/* The same as modifiers: in front of the bytes and behind them. */
static void
test_catalogue(void **state)
{
	(void)state;
	for (size_t i = 0; i < CATALOGUE; i++) {
		const struct catalogue *const c = &catalogue[i];
		struct evcan_modifier m;
		struct evcan_frame frame;
		uint32_t got = 0;
		char text[200];

		for (unsigned at = 0; at <= 16; at += 16) {
			memset(&frame, 0, sizeof(frame));
			frame.flags = EVCAN_FRAME_FD;
			frame.len = 20;
			memset(frame.data, 0xff, 20);
			memcpy(frame.data + 5, "123456789", 9);
			snprintf(text, sizeof(text), "crc:byte=%u,width=%u,"
			    "polynomial=0x%x,init=0x%x,reflected=%s,"
			    "xor_out=0x%x,first=5,last=13", at, c->width,
			    c->polynomial, c->init, c->reflected ? "true" :
			    "false", c->xor_out);
			parse(&m, text);
			evcan_modifier_apply(&m, &frame, 0);
			for (unsigned k = 0; k < 4; k++)
				got = got >> 8 |
				    (uint32_t)frame.data[at + k] << 24;
			got &= ALL >> (32 - c->width);
			if (got != c->check)
				fail_msg("%s: 0x%x", c->name, got);
		}
	}
}

static void
test_named(void **state)
{
	static const struct {
		const char *text, *after;
	} named[] = {
		{"crc8_j1850:byte=11", "4B"},
		{"crc8_autosar:byte=11", "DF"},
		{"crc16:byte=10", "B129"},
		{"crc16:byte=10,byte_order=big", "29B1"},
		{"crc16_arc:byte=10", "3DBB"},
		{"crc16_arc:byte=10,byte_order=motorola", "BB3D"},
		{"crc32:byte=8", "2639F4CB"},
		{"crc32:byte=8,byte_order=BIG", "CBF43926"},
		{"crc32_autosar:byte=8,byte_order=big", "1697D06A"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		struct evcan_frame frame = {.flags = EVCAN_FRAME_FD,
			.len = 21};
		struct evcan_modifier m;
		char text[200];

		memcpy(frame.data + 12, "123456789", 9);
		snprintf(text, sizeof(text), "%s,first=12", named[i].text);
		parse(&m, text);
		evcan_modifier_apply(&m, &frame, 7);
		for (size_t k = strlen(named[i].after) / 2, b = 12; k > 0;
		    k--) {
			unsigned want;

			sscanf(named[i].after + 2 * k - 2, "%2x", &want);
			if (frame.data[--b] != want)
				fail_msg("%s: byte %zu is %02X",
				    named[i].text, b, frame.data[b]);
		}
	}
}

/* Examples of AUTOSAR's CRC library. */
static void
test_autosar_library(void **state)
{
	static const struct {
		const char *data;
		const char *j1850, *h2f, *ccitt;
	} rows[] = {
		{"00000000", "59", "12", "84C0"},
		{"F20183", "37", "C2", "D374"},
		{"0FAA0055", "79", "C6", "2023"},
		{"00FF5511", "B8", "77", "B8F9"},
		{"332255AABBCCDDEEFF", "CB", "11", "F53F"},
		{"926B55", "8C", "33", "0745"},
		{"FFFFFFFF", "74", "6C", "1D0F"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const d = rows[i].data;
		/* 12 bytes in all. */
		const char *const pad = &"AAAAAAAAAAAAAAAAAAAA"[strlen(d)];
		char range[40], text[200], before[80], after[80];

		snprintf(range, sizeof(range), "first=2,last=%d",
		    1 + (int)strlen(d) / 2);
		snprintf(before, sizeof(before), "123##40000%s%s", d, pad);
		snprintf(text, sizeof(text), "crc8_j1850:byte=0,%s "
		    "crc8_autosar:byte=1,%s", range, range);
		snprintf(after, sizeof(after), "123##4%s%s%s%s",
		    rows[i].j1850, rows[i].h2f, d, pad);
		expect(text, before, 0, after);
		snprintf(text, sizeof(text), "crc16:byte=0,byte_order=big,%s",
		    range);
		snprintf(after, sizeof(after), "123##4%s%s%s",
		    rows[i].ccitt, d, pad);
		expect(text, before, 0, after);
	}
}

/* ---- AUTOSAR's end-to-end profiles, whole frames ---- */

#define P1 "crc8_j1850:byte=0,init=0,xor_out=0,data_id_first=yes,"
#define P1_COUNTER "counter:bit=8,width=4,max=14 "

static void
test_profile1(void **state)
{
	(void)state;
	/* Data ID 0x123: both bytes, low first. By hand, the register behind
	 * each byte of send 0: A0 (23) BC (01) F0 7F E2 88 CE 93 CC. */
	expect(P1_COUNTER P1 "data_id=2301", "100#0000000000000000", 0,
	    "100#CC00000000000000");
	expect(P1_COUNTER P1 "data_id=23.01", "100#0000000000000000", 1,
	    "100#9101000000000000");
	/* After 14 comes 0, never 15. */
	expect(P1_COUNTER P1 "data_id=2301", "100#0000000000000000", 15,
	    "100#CC00000000000000");
	/* One of the two, in turn. */
	expect(P1_COUNTER P1 "data_id=2301,data_id_counter=8",
	    "100#0000000000000000", 0, "100#CE00000000000000");
	expect(P1_COUNTER P1 "data_id=2301,data_id_counter=8",
	    "100#0000000000000000", 1, "100#0201000000000000");
	/* The low byte and 0; the high nibble goes with the data. */
	expect(P1_COUNTER P1 "data_id=2300", "100#0010000000000000", 0,
	    "100#2A10000000000000");
	/* The whole frame from the counter on is covered. */
	expect(P1_COUNTER P1 "data_id=2301", "100#0000000000000000", 2,
	    "100#7602000000000000");
}

#define P2 "counter:bit=8,width=4,start=1 crc8_autosar:byte=0,"\
	"data_id_counter=8,data_id="

static void
test_profile2(void **state)
{
	(void)state;
	expect(P2 "00000000000000000000000000000000",
	    "100#0000000000000000", 0, "100#4501000000000000");
	expect(P2 "000102030405060708090A0B0C0D0E0F",
	    "100#0001020304050607", 1, "100#BC02020304050607");
	/* All 16 values, and round again. */
	for (unsigned i = 0; i < 40; i++) {
		struct evcan_frame frame = frame_of("100#00F0030405060708");
		struct evcan_frame again = frame;
		char text[100];

		apply(P2 "00112233445566778899AABBCCDDEEFF", &frame, i);
		assert_int_equal(frame.data[1], 0xf0 | (i + 1) % 16);
		snprintf(text, sizeof(text), "crc8_autosar:byte=0,"
		    "data_id=%02x", 0x11 * ((i + 1) % 16));
		again.data[1] = frame.data[1];
		apply(text, &again, 0);
		assert_int_equal(again.data[0], frame.data[0]);
	}
}

static void
test_profiles4_5(void **state)
{
	static const char p5[] =
	    "counter:byte=2 crc16:byte=0,data_id=3412";

	(void)state;
	expect(p5, "100#0000000000000000", 0, "100#1CCA000000000000");
	expect(p5, "100#0000000000000000", 1, "100#CF8D010000000000");
	/* Length, counter and Data ID stand in the frame. */
	expect("counter:byte=2,width=16,byte_order=big "
	    "crc32_autosar:byte=8,byte_order=big",
	    "100##4001000000A0B0C0D0000000000000000", 0,
	    "100##4001000000A0B0C0D862B055600000000");
}

/* ---- counters ---- */

static void
test_counter(void **state)
{
	struct evcan_modifier m;
	struct evcan_frame frame = frame_of("001#A5A5A5");

	(void)state;
	/* In the high nibble of byte 1; its neighbours stay. */
	parse(&m, "counter:bit=12,width=4,max=14");
	for (unsigned i = 0; i < 100; i++) {
		evcan_modifier_apply(&m, &frame, i);
		assert_int_equal(frame.data[0], 0xa5);
		assert_int_equal(frame.data[1], (i % 15) << 4 | 5);
		assert_int_equal(frame.data[2], 0xa5);
	}
	parse(&m, "counter:bit=8,width=4,start=9,step=3,min=2,max=11");
	for (unsigned i = 0; i < 100; i++) {
		evcan_modifier_apply(&m, &frame, i);
		assert_int_equal(frame.data[1] & 15, 2 + (7 + 3 * i) % 10);
	}
	expect("counter:byte=0", "001#FF", 255, "001#FF");
	expect("counter:byte=0", "001#FF", 256, "001#00");
	expect("counter:byte=0,start=1,min=1", "001#00", 254, "001#FF");
	expect("counter:byte=0,min=1", "001#00", 255, "001#01");
	expect("counter:byte=0,width=16", "001#0000", 0x1234, "001#3412");
	expect("counter:byte=0,width=16,byte_order=big", "001#0000", 0x1234,
	    "001#1234");
	/* Counting down. */
	expect("counter:byte=0,start=3,step=255", "001#00", 4, "001#FF");
	expect("counter:byte=0,step=0x1FF", "001#00", 3, "001#FD");
}

/* Sends without end: 64 bits, and products that would not fit. */
static void
test_counter_wide(void **state)
{
	(void)state;
	expect("counter:byte=0,width=32", "001#00000000", UINT64_MAX,
	    "001#FFFFFFFF");
	expect("counter:byte=0,width=32,step=4294967295,start=4294967295",
	    "001#00000000", UINT64_MAX, "001#00000000");
	/* (2^64 - 1) mod 15 = 0, mod (2^32 - 1) = 0, mod 1000003 = 350686 */
	expect("counter:bit=0,width=4,max=14", "001#0A", UINT64_MAX, "001#00");
	expect("counter:byte=0,width=32,max=4294967294,step=4294967295,"
	    "start=4294967294", "001#00000000", UINT64_MAX, "001#FEFFFFFF");
	expect("counter:byte=0,width=32,max=1000002,byte_order=big",
	    "001#00000000", UINT64_MAX, "001#000559DE");
	expect("counter:byte=0,width=32,max=4294967290,step=4294967289,"
	    "start=4294967288,byte_order=big", "001#00000000",
	    12345678901234567890u, "001#78734AB4");
}

/* ---- fields, beside a walk over single bits ---- */

/* The bits of the value from the lowest on: where a DBC file puts them. Bit
 * 0 is the lowest of byte 0. @return false: it leaves the frame */
static bool
walk(unsigned bit, unsigned width, bool big, unsigned *bits)
{
	if (!big) {
		for (unsigned i = 0; i < width; i++)
			bits[i] = bit + i;
		return bit + width <= 512;
	}
	for (unsigned i = width; i-- > 0; ) {
		if (bit >= 512)
			return false;
		bits[i] = bit;
		bit = bit % 8 > 0 ? bit - 1 : bit + 15;
	}
	return true;
}

static void
try_field(unsigned bit, unsigned width, bool big, uint8_t fill)
{
	struct evcan_modifier m = {.kind = EVCAN_MODIFIER_COUNTER,
		.bit = (uint16_t)bit, .width = (uint8_t)width,
		.big_endian = big};
	struct evcan_error err = {0};
	struct evcan_frame frame, model;
	unsigned bits[32], need = 0;
	const uint32_t value = (rnd(0x10000) << 16 | rnd(0x10000)) &
	    ALL >> (32 - width);
	const bool fits = walk(bit, width, big, bits);

	assert_int_equal(evcan_modifier_prepare(&m, &err),
	    fits ? 0 : EVCAN_ERR_INVALID);
	assert_int_equal(err.text[0] != '\0', !fits);
	if (!fits)
		return;
	memset(&frame, fill, sizeof(frame));
	model = frame;
	for (unsigned i = 0; i < width; i++) {
		uint8_t *const at = &model.data[bits[i] / 8];

		*at = (uint8_t)((*at & ~(1u << bits[i] % 8)) |
		    (value >> i & 1) << bits[i] % 8);
		if (bits[i] / 8 >= need)
			need = bits[i] / 8 + 1;
	}
	assert_int_equal(evcan_modifier_check(&m, need, NULL), 0);
	assert_int_equal(evcan_modifier_check(&m, need - 1, NULL),
	    EVCAN_ERR_INVALID);
	/* Too short by a byte: nothing happens. */
	frame.len = model.len = (uint8_t)(need - 1);
	evcan_modifier_apply(&m, &frame, value);
	for (unsigned i = 0; i < sizeof(frame.data); i++)
		assert_int_equal(frame.data[i], fill);
	frame.len = model.len = (uint8_t)need;
	evcan_modifier_apply(&m, &frame, value);
	assert_memory_equal(&frame, &model, sizeof(frame));
}

static void
test_fields(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 512; bit++) {
		for (unsigned width = 1; width <= 32; width++) {
			try_field(bit, width, false, 0);
			try_field(bit, width, true, 0xff);
		}
	}
}

/* ---- checksums, beside a plain model ---- */

/* One bit after the other, as a shift register would. */
static uint32_t
plain_crc(const struct evcan_modifier *m, const uint8_t *data, size_t n)
{
	uint32_t reg = m->init, out = 0;

	for (size_t i = 0; i < 8 * n; i++) {
		const unsigned bit = data[i / 8] >>
		    (m->reflected ? i % 8 : 7 - i % 8) & 1;
		const unsigned top = reg >> (m->width - 1) & 1;

		reg = (reg << 1) & ALL >> (32 - m->width);
		if (top != bit)
			reg ^= m->polynomial;
	}
	if (!m->reflected)
		return reg ^ m->xor_out;
	for (unsigned i = 0; i < m->width; i++)
		out |= (reg >> i & 1) << (m->width - 1 - i);
	return out ^ m->xor_out;
}

static uint32_t
plain(const struct evcan_modifier *m, const uint8_t *data, size_t n)
{
	uint32_t sum = m->init;

	if (m->kind == EVCAN_MODIFIER_CRC)
		return plain_crc(m, data, n);
	for (size_t i = 0; i < n; i++)
		sum = m->kind == EVCAN_MODIFIER_XOR ? sum ^ data[i] :
		    sum + data[i];
	if (m->kind == EVCAN_MODIFIER_XOR && m->width == 4)
		sum = (sum & 15) ^ sum >> 4;
	return (sum ^ m->xor_out) & ALL >> (32 - m->width);
}

static void
random_modifier(struct evcan_modifier *m)
{
	memset(m, 0, sizeof(*m));
	m->kind = (enum evcan_modifier_kind)(1 + rnd(3));
	m->width = (uint8_t)(m->kind == EVCAN_MODIFIER_XOR ?
	    4 + 4 * rnd(2) : 1 + rnd(32));
	m->bit = (uint16_t)rnd(rnd(2) ? 64 : 512);
	m->big_endian = rnd(2);
	m->first = (uint8_t)rnd(rnd(2) ? 4 : 64);
	m->last = (uint8_t)(rnd(2) ? EVCAN_MODIFIER_TO_END : rnd(64));
	m->init = (rnd(0x10000) << 16 | rnd(0x10000)) &
	    ALL >> (32 - m->width);
	m->xor_out = rnd(0x10000) & ALL >> (32 - m->width);
	m->polynomial = ((rnd(0x10000) << 16 | rnd(0x10000)) &
	    ALL >> (32 - m->width)) | 1;
	m->reflected = rnd(2);
	m->data_id_len = (uint8_t)rnd(17);
	for (unsigned i = 0; i < sizeof(m->data_id); i++)
		m->data_id[i] = (uint8_t)rnd(256);
	m->data_id_first = rnd(2);
	m->data_id_chosen = rnd(2);
	m->data_id_bit = (uint16_t)rnd(rnd(2) ? 64 : 512);
}

static size_t
add_id(const struct evcan_modifier *m, const uint8_t *data, uint8_t *out)
{
	const unsigned at = m->data_id_bit;

	if (!m->data_id_chosen) {
		memcpy(out, m->data_id, m->data_id_len);
		return m->data_id_len;
	}
	out[0] = m->data_id[(data[at / 8] >> at % 8 & 15) % m->data_id_len];
	return 1;
}

/* What the frame should be, bit by bit. */
static void
model_apply(const struct evcan_modifier *m, struct evcan_frame *frame)
{
	unsigned bits[32], own[EVCAN_MAX_DATA] = {0};
	uint8_t bytes[EVCAN_MAX_DATA + EVCAN_MODIFIER_ID_MAX];
	size_t n = 0;
	uint32_t value;

	assert_true(walk(m->bit, m->width, m->big_endian, bits));
	for (unsigned i = 0; i < m->width; i++)
		if (bits[i] / 8 >= frame->len)
			return;
	if (m->data_id_chosen && m->data_id_bit / 8 >= frame->len)
		return;
	for (unsigned i = 0; i < m->width; i++) {
		own[bits[i] / 8]++;
		frame->data[bits[i] / 8] &= (uint8_t)~(1u << bits[i] % 8);
	}
	if (m->data_id_first)
		n += add_id(m, frame->data, bytes);
	for (unsigned i = m->first; i < frame->len && i <= m->last; i++)
		if (own[i] < 8)
			bytes[n++] = frame->data[i];
	if (!m->data_id_first)
		n += add_id(m, frame->data, bytes + n);
	value = plain(m, bytes, n);
	for (unsigned i = 0; i < m->width; i++)
		frame->data[bits[i] / 8] |=
		    (uint8_t)((value >> i & 1) << bits[i] % 8);
}

static void
test_random(void **state)
{
	unsigned good = 0, changed = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		struct evcan_frame frame, model, before;
		struct evcan_modifier m;

		random_modifier(&m);
		if (evcan_modifier_prepare(&m, NULL) < 0)
			continue;
		good++;
		memset(&frame, 0, sizeof(frame));
		frame.len = (uint8_t)rnd(65);
		for (unsigned k = 0; k < sizeof(frame.data); k++)
			frame.data[k] = (uint8_t)rnd(256);
		before = model = frame;
		evcan_modifier_apply(&m, &frame, i);
		model_apply(&m, &model);
		assert_memory_equal(&frame, &model, sizeof(frame));
		assert_memory_equal(frame.data + frame.len,
		    before.data + frame.len, 64u - frame.len);
		changed += memcmp(&frame, &before, sizeof(frame)) != 0;
		/* Once more: nothing else comes of it. */
		if (m.kind != EVCAN_MODIFIER_COUNTER && !m.data_id_chosen) {
			evcan_modifier_apply(&m, &frame, 0);
			assert_memory_equal(&frame, &model, sizeof(frame));
		}
	}
	assert_true(good > 20000 && changed > 5000);
}

static void
test_sums(void **state)
{
	(void)state;
	expect("xor:byte=2", "001#0FF000AA", 0, "001#0FF055AA");
	expect("xor:bit=4,width=4", "001#0312", 0, "001#0312");
	expect("xor:bit=4,width=4", "001#0F12", 0, "001#CF12");
	expect("xor:byte=0,first=2,last=2,xor_out=0xff", "001#000102", 0,
	    "001#FD0102");
	expect("sum:byte=3", "001#FF020300", 0, "001#FF020304");
	expect("sum:byte=2,width=16", "001#FF020000", 0, "001#FF020101");
	/* Ones' and two's complement, Toyota's with the address. */
	expect("sum:byte=3,xor_out=255", "001#FF020300", 0, "001#FF0203FB");
	expect("sum:byte=3,init=255,xor_out=255", "001#FF020300", 0,
	    "001#FF0203FC");
	expect("sum:byte=7,init=8,data_id=02E4", "2E4#C0000000000000FF", 0,
	    "2E4#C0000000000000AE");
	/* A counter and the checksum over it, or the other way. */
	expect("counter:byte=0 xor:byte=1", "001#00FF", 5, "001#0505");
	expect("xor:byte=1 counter:byte=0", "001#00FF", 5, "001#0500");
	/* Nothing besides the field: its beginning. */
	expect("sum:byte=0,init=7", "001#FF", 0, "001#07");
}

/* Whatever the length says, bytes behind it stay. */
static void
test_lengths(void **state)
{
	static const char *const texts[] = {
		"counter:byte=7", "crc8_j1850:byte=0", "crc32:byte=2",
		"xor:byte=60", "sum:byte=1,first=40",
		"crc8_autosar:byte=0,data_id_counter=80,data_id=0102",
		"crc:byte=0,width=5,polynomial=5,last=9"
	};

	(void)state;
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		for (unsigned len = 0; len < 256; len++) {
			/* On the heap, at its end: the sanitizer sees. */
			struct evcan_frame *const frame =
			    malloc(sizeof(*frame));
			struct evcan_modifier m;

			assert_non_null(frame);
			memset(frame, 0x5a, sizeof(*frame));
			frame->len = (uint8_t)len;
			parse(&m, texts[t]);
			evcan_modifier_apply(&m, frame, 77);
			for (unsigned i = len; i < EVCAN_MAX_DATA; i++)
				assert_int_equal(frame->data[i], 0x5a);
			assert_int_equal(frame->len, len);
			assert_int_equal(frame->id, 0x5a5a5a5a);
			free(frame);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_catalogue),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_autosar_library),
		cmocka_unit_test(test_profile1),
		cmocka_unit_test(test_profile2),
		cmocka_unit_test(test_profiles4_5),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_counter_wide),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

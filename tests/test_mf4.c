/* SPDX-License-Identifier: BSD-3-Clause */
/* test_mf4.c - MDF 4: the layouts of many tools, damage, real files */
#include "mf4_reading.h"

#include <zlib.h>

#include "may_skip.h"
#include "mf4_fixture.h"

static struct mf4 mf4;

static size_t
read_made(void)
{
	return read_mem(mf4.data, mf4.len, "utc", &result);
}

/* n records of asammdf's layout, as one block behind the data group. */
static void
make_plain(unsigned n)
{
	uint8_t records[2000], *p = records;

	mf4_begin(&mf4, 0, START, 0);
	mf4_plain_group(&mf4, 0, 1);
	for (unsigned i = 0; i < n; i++)
		p = mf4_plain_record(p, i * 0.5, 0x100 + i, i % 9);
	mf4_link(&mf4, mf4.dg, 2, mf4_data(&mf4, "DT", records,
	    (size_t)(p - records)));
}

static void
expect_plain(unsigned first, unsigned n)
{
	assert_int_equal(result.n, n);
	for (unsigned k = 0; k < n; k++) {
		const struct evcan_frame *frame = &result.frames[k];
		const unsigned i = first + k;
		const uint8_t zero[8] = { 0 };

		assert_true(frame->time_ns == START + i * 500000000ll);
		assert_int_equal(frame->clock, EVCAN_CLOCK_KERNEL);
		assert_int_equal(frame->id, 0x100 + i);
		assert_int_equal(frame->flags, 0);
		assert_int_equal(frame->len, i % 9);
		assert_int_equal(frame->dlc, i % 9);
		assert_int_equal(frame->dir, EVCAN_DIR_TX);
		assert_int_equal(frame->hops, 0);
		assert_memory_equal(frame->reserved, zero, 3);
		assert_string_equal(evcan_channel_name(frame->channel),
		    "can0");
		for (unsigned b = 0; b < 8; b++)
			assert_int_equal(frame->data[b], b < i % 9 ?
			    (uint8_t)(0x100 + i + b) : 0);
	}
}

static void
test_plain(void **state)
{
	(void)state;
	make_plain(20);
	read_made();
	assert_int_equal(result.errors, 0);
	expect_plain(0, 20);
	assert_true(result.out.position == mf4.len);
	assert_int_equal(format->bid(mf4.data, mf4.len), 100);
}

/* Start 0 is a log without a date; the flag for a wall clock means `tz`. */
static void
test_start(void **state)
{
	(void)state;
	make_plain(2);
	put_le64(mf4_body(&mf4, 64), 0);
	read_made();
	assert_int_equal(result.frames[1].clock, EVCAN_CLOCK_RELATIVE);
	assert_true(result.frames[1].time_ns == 500000000);
	put_le64(mf4_body(&mf4, 64), START);
	mf4_body(&mf4, 64)[12] = 1;
	read_mem(mf4.data, mf4.len, "+02:00", &result);
	assert_true(result.frames[0].time_ns == START - 7200000000000);
	/* asammdf writes Unix time with that flag. */
	memcpy(mf4.data + 16, "amdf7.3 ", 8);
	read_mem(mf4.data, mf4.len, "+02:00", &result);
	assert_true(result.frames[0].time_ns == START);
}

/* Records that straddle the blocks of a list, packed and not, in columns. */
static void
test_lists(void **state)
{
	uint8_t records[20 * 25], mixed[20 * 25], packed[2000], *p = records;
	uLongf n = sizeof(packed);
	uint64_t blocks[3];

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		p = mf4_plain_record(p, i * 0.5, 0x100 + i, i % 9);
	mf4_begin(&mf4, 0, START, 0);
	mf4_plain_group(&mf4, 0, 1);
	blocks[0] = mf4_data(&mf4, "DT", records, 110);
	assert_int_equal(compress(packed, &n, records + 110, 101), Z_OK);
	blocks[1] = mf4_packed(&mf4, "DT", 0, 0, 101, packed, n);
	/* 289 bytes are 11 rows of 25 and a rest of 14. */
	for (unsigned row = 0; row < 11; row++)
		for (unsigned c = 0; c < 25; c++)
			mixed[c * 11 + row] = records[211 + row * 25 + c];
	memcpy(mixed + 275, records + 211 + 275, 14);
	n = sizeof(packed);
	assert_int_equal(compress(packed, &n, mixed, 289), Z_OK);
	blocks[2] = mf4_packed(&mf4, "DT", 1, 25, 289, packed, n);
	mf4_link(&mf4, mf4.dg, 2, mf4_list(&mf4, blocks, 3));
	read_made();
	assert_int_equal(result.errors, 0);
	expect_plain(0, 20);
	/* The middle one is damaged: its place is told, what is whole before
	 * and behind comes. */
	mf4_body(&mf4, blocks[1])[24 + 2] = 7;
	read_made();
	assert_int_equal(result.errors, 1);
	assert_true(result.error_offset == blocks[1] + 48);
	assert_int_equal(result.n, 4 + 11);
	assert_int_equal(result.frames[result.n - 1].id, 0x100 + 19);
	assert_int_equal(result.frames[3].id, 0x103);
}

/* Kvaser's: nanoseconds, flags as bits, a virtual channel, VLSD in SD. */
static void
make_kvaser(struct mf4 *m, uint64_t *payload)
{
	static const uint8_t sd[] = {
		8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0,
		12, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	uint8_t records[3 * 26] = { 0 }, *p = records;
	uint64_t cc;

	mf4_begin(m, 0, START, 0);
	*payload = mf4_data(m, "SD", sd, sizeof(sd));
	mf4_dg(m, 0);
	mf4_cg(m, 0, 6, 26);
	mf4_channel(m, &(struct mf4_cn){ .name = "CAN_DataFrame",
	    .data_type = 10, .byte = 8, .bits = 144 });
	cc = mf4_cc_linear(m, 7, 0);
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.BusChannel",
	    .type = 6, .byte = 8, .conversion = cc });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.ID",
	    .byte = 8, .bits = 32 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.Dir",
	    .byte = 12, .bit = 7, .bits = 1 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.IDE",
	    .byte = 12, .bit = 3, .bits = 1 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.EDL",
	    .byte = 14, .bits = 1 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.BRS",
	    .byte = 14, .bit = 1, .bits = 1 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DLC",
	    .byte = 16, .bits = 8 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DataLength",
	    .byte = 17, .bits = 8 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DataBytes",
	    .type = 1, .data_type = 10, .byte = 18, .bits = 64,
	    .data = *payload });
	cc = mf4_cc_linear(m, 0, 1e-9);
	mf4_channel(m, &(struct mf4_cn){ .name = "t", .type = 2, .sync = 1,
	    .bits = 64, .conversion = cc });
	for (unsigned i = 0; i < 3; i++, p += 26) {
		put_le64(p, 123456789012345 + i);
		put_le32(p + 8, 0x100 + i);
		p[16] = i == 2 ? 9 : i == 1 ? 0 : 8;
		p[17] = i == 2 ? 12 : i == 1 ? 0 : 8;
		p[18] = i == 2 ? 16 : i == 1 ? 12 : 0;
	}
	records[12] = 0x80;
	records[26 + 12] = 0x08;
	records[52 + 14] = 0x03;
	mf4_link(m, m->dg, 2, mf4_data(m, "DT", records, sizeof(records)));
}

static void
test_kvaser(void **state)
{
	const struct evcan_frame *f = result.frames;
	uint64_t payload;

	(void)state;
	make_kvaser(&mf4, &payload);
	read_made();
	assert_int_equal(result.errors, 0);
	assert_int_equal(result.n, 3);
	assert_true(f[2].time_ns == START + 123456789012347);
	assert_string_equal(evcan_channel_name(f[0].channel), "can6");
	assert_int_equal(f[0].dir, EVCAN_DIR_TX);
	assert_int_equal(f[0].data[7], 8);
	assert_int_equal(f[1].flags, EVCAN_FRAME_EXT);
	assert_int_equal(f[1].len, 0);
	assert_int_equal(f[2].flags, EVCAN_FRAME_FD | EVCAN_FRAME_BRS);
	assert_int_equal(f[2].len, 12);
	assert_int_equal(f[2].dlc, 9);
	assert_int_equal(f[2].data[11], 12);
	assert_int_equal(f[2].data[12], 0);
	/* A payload that is cut: that frame is told, the others come. */
	put_le64(mf4.data + payload + 8, 24 + 30);
	read_made();
	assert_int_equal(result.errors, 1);
	assert_int_equal(result.n, 2);
}

/* CANedge's old layout: unsorted, bits, payloads as records, unfinished. */
static void
make_canedge(struct mf4 *m)
{
	uint8_t records[1000] = { 0 }, *p = records;
	const double times[] = { 3e6, 1e6, 2e6, 4e6 };
	uint64_t cc, bytes;

	mf4_begin(m, 0x25, START, 2);
	mf4_dg(m, 1);
	mf4_cg(m, 1, 6, 22);
	cc = mf4_cc_linear(m, 0, 1e-9);
	mf4_channel(m, &(struct mf4_cn){ .name = "Timestamp", .type = 2,
	    .sync = 1, .data_type = 4, .bits = 64, .conversion = cc });
	mf4_channel(m, &(struct mf4_cn){ .name = "CAN_DataFrame",
	    .data_type = 10, .byte = 8, .bits = 112 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.BusChannel",
	    .byte = 8, .bit = 1, .bits = 2 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.ID",
	    .byte = 8, .bit = 3, .bits = 29 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.IDE",
	    .byte = 8, .bits = 1 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DLC",
	    .byte = 13, .bit = 4, .bits = 4 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DataLength",
	    .byte = 12, .bit = 1, .bits = 7 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DataBytes",
	    .type = 1, .data_type = 10, .byte = 14, .bits = 64 });
	bytes = m->member;
	mf4_cg(m, 2, 1, 0);
	mf4_link(m, bytes, 5, m->cg);
	mf4_cg(m, 3, 6, 9);
	mf4_channel(m, &(struct mf4_cn){ .name = "Timestamp", .type = 2,
	    .sync = 1, .data_type = 4, .bits = 64, .conversion = cc });
	mf4_channel(m, &(struct mf4_cn){ .name = "CAN_ErrorFrame",
	    .data_type = 10, .byte = 8, .bits = 8 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_ErrorFrame.BusChannel",
	    .byte = 8, .bits = 2 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_ErrorFrame.ErrorType",
	    .byte = 8, .bit = 2, .bits = 6 });
	/* The error frame comes first, though it is later than the next. */
	p[0] = 3;
	memcpy(p + 1, &times[0], 8);
	p[9] = 2 | 3 << 2;
	p += 10;
	for (unsigned i = 1; i < 4; i++) {
		if (i == 3)
			break;
		if (i == 2) {          /* its payload stands before */
			memcpy(p, "\2\4\0\0\0\x21\x22\x23\x24", 9);
			p += 9;
		}
		p[0] = 1;
		memcpy(p + 1, &times[i], 8);
		put_le32(p + 9, i == 1 ? 0x123u << 3 | 1 << 1 :
		    0x12345678u << 3 | 2 << 1 | 1);
		p[13] = (uint8_t)((i == 1 ? 3 : 4) << 1);
		p[14] = (uint8_t)((i == 1 ? 3 : 4) << 4);
		p[15] = i == 1 ? 0 : 7;
		p += 23;
		if (i == 1) {
			memcpy(p, "\2\3\0\0\0\x11\x12\x13", 8);
			p += 8;
		}
	}
	mf4_link(m, m->dg, 2, mf4_data(m, "DT", records,
	    (size_t)(p - records)));
	put_le64(m->data + m->len - (size_t)(((p - records) + 24 + 7) & ~7) +
	    8, 24);
	m->len = m->len - (size_t)(((p - records) + 7) & ~7) +
	    (size_t)(p - records);
}

static void
test_canedge(void **state)
{
	const struct evcan_frame *f = result.frames;

	(void)state;
	make_canedge(&mf4);
	read_made();
	assert_int_equal(result.errors, 0);
	assert_int_equal(result.n, 3);
	assert_int_equal(f[0].id, 0x123);
	assert_int_equal(f[0].len, 3);
	assert_memory_equal(f[0].data, "\x11\x12\x13\0\0\0\0\0", 8);
	assert_string_equal(evcan_channel_name(f[0].channel), "can0");
	assert_int_equal(f[1].id, 0x12345678);
	assert_int_equal(f[1].flags, EVCAN_FRAME_EXT);
	assert_memory_equal(f[1].data, "\x21\x22\x23\x24\0\0\0\0", 8);
	assert_int_equal(f[2].flags, EVCAN_FRAME_ERR);
	assert_int_equal(f[2].id, 0x88);           /* stuffing */
	assert_int_equal(f[2].data[2], 4);
	assert_true(f[2].time_ns == START + 3000000);
	/* A record that is cut is no fault of a file that was not ended. */
	mf4.len -= 2;
	read_made();
	assert_int_equal(result.errors, 0);
	assert_int_equal(result.n, 2);
}

static uint8_t *
find_bytes(struct mf4 *m, const char *bytes, size_t n)
{
	uint8_t *p = memmem(m->data, m->len, bytes, n);

	assert_non_null(p);
	return p;
}

/* A payload whose length is damaged hides all that follows: that is told,
 * unless it may be what was being written when the file was left. */
static void
test_long_payload(void **state)
{
	static const uint32_t lengths[] = { 5000, 17000, 0x04000004,
		0xffffffff };
	uint8_t *dt;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		const bool finished = (i & 4) != 0;

		make_canedge(&mf4);
		put_le32(find_bytes(&mf4, "\2\4\0\0\0\x21", 6) + 1,
		    lengths[i & 3]);
		if (finished) {
			memcpy(mf4.data, "MDF     ", 8);
			put_le16(mf4.data + 60, 0);
			dt = find_bytes(&mf4, "##DT", 4);
			put_le64(dt + 8, mf4.len - (size_t)(dt - mf4.data));
		}
		read_made();
		assert_int_equal(result.n, 2);
		assert_int_equal(result.errors, finished || (i & 3) != 0);
		if (result.errors > 0)
			assert_non_null(strstr(result.error, "longer than"));
	}
}

/* CANedge's new layout: 48-bit microseconds, DataLength out of a table, Dir
 * as text; two groups by record ids of two bytes. */
static void
make_tables(struct mf4 *m)
{
	const double lengths[] = { 0, 0, 8, 8, 9, 12, 10, 16 };
	const double texts[] = { 0, 1 };
	uint8_t records[64] = { 0 };
	uint64_t time, table, dir;

	mf4_begin(m, 0, START, 2);
	time = mf4_cc_linear(m, 0, 1e-6);
	table = mf4_cc(m, 5, 8, lengths);
	dir = mf4_block(m, "CC", 6, 24 + 16);
	mf4_body(m, dir)[0] = 7;
	put_le16(mf4_body(m, dir) + 4, 2);
	put_le16(mf4_body(m, dir) + 6, 2);
	memcpy(mf4_body(m, dir) + 24, texts, 16);
	mf4_link(m, dir, 4, mf4_text(m, "Rx"));
	mf4_link(m, dir, 5, mf4_text(m, "Tx"));
	mf4_dg(m, 2);
	mf4_cg(m, 0x1234, 6, 24);
	mf4_channel(m, &(struct mf4_cn){ .name = "Timestamp", .type = 2,
	    .sync = 1, .bits = 48, .conversion = time });
	mf4_channel(m, &(struct mf4_cn){ .name = "CAN_DataFrame",
	    .data_type = 10, .byte = 6, .bits = 144 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.ID",
	    .byte = 6, .bits = 11 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DLC",
	    .byte = 7, .bit = 4, .bits = 4 });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DataLength",
	    .byte = 7, .bit = 4, .bits = 4, .conversion = table });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.Dir",
	    .byte = 7, .bit = 3, .bits = 1, .conversion = dir });
	mf4_member(m, &(struct mf4_cn){ .name = "CAN_DataFrame.DataBytes",
	    .data_type = 10, .byte = 8, .bits = 128 });
	mf4_cg(m, 0x1235, 6, 3);
	mf4_channel(m, &(struct mf4_cn){ .name = "LIN_Frame",
	    .data_type = 10, .byte = 0, .bits = 24 });
	put_le16(records, 0x1234);
	put_le64(records + 2, 0x00ffeeddccbb);
	put_le16(records + 8, 0x9123 | 1 << 11);
	memset(records + 10, 0xab, 16);
	put_le16(records + 26, 0x1235);
	put_le16(records + 31, 0x1234);
	put_le64(records + 33, 0x00ffeeddccbc);
	put_le16(records + 39, 0x8124);
	memset(records + 41, 0xcd, 16);
	mf4_link(m, m->dg, 2, mf4_data(m, "DT", records, 57));
}

static void
test_tables(void **state)
{
	const struct evcan_frame *f = result.frames;

	(void)state;
	make_tables(&mf4);
	read_made();
	assert_int_equal(result.errors, 0);
	assert_int_equal(result.n, 2);
	assert_true(f[0].time_ns == START + 0x00ffeeddccbb * 1000);
	assert_int_equal(f[0].id, 0x123);
	assert_int_equal(f[0].flags, EVCAN_FRAME_FD);
	assert_int_equal(f[0].len, 12);
	assert_int_equal(f[0].dlc, 9);
	assert_int_equal(f[0].dir, EVCAN_DIR_TX);
	assert_int_equal(f[0].data[11], 0xab);
	assert_int_equal(f[0].data[12], 0);
	assert_int_equal(f[0].channel, 0);
	assert_int_equal(f[1].flags, 0);
	assert_int_equal(f[1].len, 8);
	assert_int_equal(f[1].dir, EVCAN_DIR_RX);
	assert_true(result.out.skipped == 1);      /* LIN */
}

/* Two sorted groups become one log by time; the first wins a tie. */
static void
test_merge(void **state)
{
	static const unsigned expected[] = { 0x100, 0x200, 0x101, 0x102,
		0x201, 0x202, 0x103, 0x203 };
	const double times[2][4] = { { -1, 0, 1, 5 }, { -1, 2, 3, 9 } };
	uint8_t records[100], *p;

	(void)state;
	mf4_begin(&mf4, 0, START, 0);
	for (unsigned g = 0; g < 2; g++) {
		mf4_dg(&mf4, 0);
		mf4_plain_group(&mf4, 0, 1);
		p = records;
		for (unsigned i = 0; i < 4; i++)
			p = mf4_plain_record(p, times[g][i],
			    (g + 1) * 0x100 + i, 8);
		mf4_link(&mf4, mf4.dg, 2, mf4_data(&mf4, "DT", records,
		    100));
	}
	read_made();
	assert_int_equal(result.errors, 0);
	assert_int_equal(result.n, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(result.frames[i].id, expected[i]);
	assert_true(result.frames[0].time_ns == START - 1000000000);
}

static void
expect_refused(const char *why)
{
	read_made();
	assert_true(result.begin < 0);
	if (strstr(result.error, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", result.error, why);
}

static void
test_refused(void **state)
{
	uint64_t at;

	(void)state;
	make_plain(3);
	memcpy(mf4.data + 8, "3.30    ", 8);
	put_le16(mf4.data + 28, 330);
	expect_refused("version 3.30");
	make_plain(3);
	at = get_le64(mf4.data + mf4.dg + 24 + 16);
	memcpy(mf4.data + at, "##DV", 4);
	expect_refused("by column");
	mf4_begin(&mf4, 0, START, 0);
	expect_refused("no bus logging");
	make_plain(3);
	mf4_link(&mf4, 64, 0, 1000000);
	expect_refused("outside");
	mf4.len = 40;
	expect_refused("too short");
}

/* Links that lead in circles, and lengths that lie. */
static void
test_hostile(void **state)
{
	uint64_t blocks[2];

	(void)state;
	make_plain(3);
	mf4_link(&mf4, mf4.dg, 0, mf4.dg);         /* groups for ever */
	read_made();
	assert_true(result.errors > 0 || result.begin < 0);
	assert_non_null(strstr(result.error, "circle"));
	make_plain(3);
	mf4_link(&mf4, mf4.cn, 1, mf4.cn);         /* a channel in itself */
	read_made();
	assert_true(result.errors > 0 || result.begin < 0);
	make_plain(3);
	put_le64(mf4.data + mf4.cn + 16, UINT64_MAX / 8);
	expect_refused("cannot be right");
	make_plain(3);
	put_le32(mf4_body(&mf4, mf4.cg) + 24, 0xffffffff);
	put_le32(mf4_body(&mf4, mf4.cg) + 28, 0xffffffff);
	expect_refused("records cannot have");
	/* A list that names one block again and again. */
	make_plain(3);
	blocks[0] = blocks[1] = get_le64(mf4.data + mf4.dg + 24 + 16);
	mf4_link(&mf4, mf4.dg, 2, mf4_list(&mf4, blocks, 2));
	blocks[0] = get_le64(mf4.data + mf4.dg + 24 + 16);
	blocks[1] = get_le64(mf4.data + blocks[0] + 24);
	mf4_link(&mf4, blocks[1], 0, blocks[1]);
	read_made();
	assert_true(result.errors > 0);
	assert_non_null(strstr(result.error, "more than once"));
	/* 64 GiB out of 40 bytes. */
	make_plain(3);
	blocks[0] = mf4_packed(&mf4, "DT", 0, 0, (size_t)1 << 36,
	    mf4.data, 40);
	mf4_link(&mf4, mf4.dg, 2, blocks[0]);
	read_made();
	assert_int_equal(result.n, 0);
	assert_non_null(strstr(result.error, "cannot be right"));
}

/* Cut anywhere: no frame that is not whole, and an end. */
static void
test_cut(void **state)
{
	size_t whole;

	(void)state;
	make_plain(20);
	whole = mf4.len;
	for (size_t n = 0; n < whole; n++) {
		mf4.len = n;
		read_made();
		assert_true(n < 64 || result.begin < 0 || result.errors > 0 ||
		    whole - n < 8);
		if (result.begin >= 0)
			expect_plain(0, (unsigned)result.n);
	}
}

/* Records of no group, with values that cannot be. */
static void
test_bad_records(void **state)
{
	uint8_t *p;

	(void)state;
	make_plain(5);
	p = mf4.data + get_le64(mf4.data + mf4.dg + 24 + 16) + 24;
	p[25 + 15] = 65;                           /* DataLength */
	p[50 + 10] = 0xff;                         /* a standard ID */
	memset(p + 75, 0xff, 8);                   /* a time: NaN */
	read_made();
	assert_int_equal(result.errors, 3);
	assert_int_equal(result.n, 2);
	assert_int_equal(result.frames[1].id, 0x104);
	make_canedge(&mf4);
	p = mf4.data + get_le64(mf4.data + mf4.dg + 24 + 16) + 24;
	p[10] = 9;                                 /* a record id */
	read_made();
	assert_int_equal(result.n, 1);
	assert_int_equal(result.errors, 1);
	assert_non_null(strstr(result.error, "no known group"));
}

/* Real files */

static struct result other;

static const struct {
	const char *name;
	unsigned n, ext, fd, err, rtr, tx;
} samples[] = {
	{ "api-examples__00000014.MF4", 28721, 0, 0, 0, 0, 0 },
	{ "api-examples__00000014_fin.MF4", 28721, 0, 0, 0, 0, 0 },
	{ "api-examples__asammdf-basics_00000001.MF4", 150411, 139136, 0, 0,
	    0, 0 },
	{ "gen__pythoncan_asammdf7318_deflate.mf4", 2000, 714, 400, 200, 200,
	    800 },
	{ "gen__pythoncan_asammdf7318_nocomp.mf4", 2000, 714, 400, 200, 200,
	    800 },
	{ "gen__pythoncan_asammdf7318_transposed.mf4", 2000, 714, 400, 200,
	    200, 800 },
	{ "pycanlib__logfile003.mf4", 60, 0, 0, 0, 0, 0 },
};

static int64_t
read_file(void *arg, uint64_t offset, void *buf, size_t n)
{
	FILE *file = arg;

	if (fseek(file, (long)offset, SEEK_SET) != 0)
		return -5;
	return (int64_t)fread(buf, 1, n, file);
}

static size_t
read_sample(const char *name, struct result *r)
{
	char path[600];
	struct evcan_file file = { path, 0, read_file, NULL };
	FILE *stream;
	size_t n;

	snprintf(path, sizeof(path), "%s/mf4/%s", getenv("EVCAN_SAMPLES"),
	    name);
	stream = fopen(path, "rb");
	assert_non_null(stream);
	fseek(stream, 0, SEEK_END);
	file.size = (uint64_t)ftell(stream);
	file.arg = stream;
	n = read_io(&file, "utc", 32, r);
	fclose(stream);
	return n;
}

static void
test_samples(void **state)
{
	(void)state;
	if (getenv("EVCAN_SAMPLES") == NULL) {
		may_skip("EVCAN_SAMPLES is not set");
		return;
	}
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		unsigned ext = 0, fd = 0, err = 0, rtr = 0, tx = 0;

		assert_int_equal(read_sample(samples[i].name, &result),
		    samples[i].n);
		assert_int_equal(result.errors, 0);
		if (samples[i].n > FRAMES)
			continue;
		for (size_t k = 0; k < result.n; k++) {
			const unsigned flags = result.frames[k].flags;

			ext += (flags & EVCAN_FRAME_EXT) != 0;
			fd += (flags & EVCAN_FRAME_FD) != 0;
			err += (flags & EVCAN_FRAME_ERR) != 0;
			rtr += (flags & EVCAN_FRAME_RTR) != 0;
			tx += result.frames[k].dir == EVCAN_DIR_TX;
		}
		assert_int_equal(ext, samples[i].ext);
		assert_int_equal(fd, samples[i].fd);
		assert_int_equal(err, samples[i].err);
		assert_int_equal(rtr, samples[i].rtr);
		assert_int_equal(tx, samples[i].tx);
	}
	/* The same log, as the logger left it and finished. */
	read_sample(samples[0].name, &result);
	read_sample(samples[1].name, &other);
	assert_int_equal(result.n, other.n);
	expect_same(result.frames, result.n, &other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_kvaser),
		cmocka_unit_test(test_canedge),
		cmocka_unit_test(test_long_payload),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_samples),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

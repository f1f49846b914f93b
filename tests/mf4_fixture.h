/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_fixture.h - small MDF 4 files made by hand, for the tests */
#ifndef MF4_FIXTURE_H
#define MF4_FIXTURE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/* A file that grows; places are offsets in it. */
struct mf4 {
	uint8_t data[65536];
	size_t len;
	uint64_t dg, cg, cn, member;   /* the last ones */
};

static inline uint64_t
mf4_block(struct mf4 *m, const char *name, unsigned links, size_t body)
{
	const uint64_t at = m->len;
	const size_t len = 24 + links * 8 + body;

	memset(m->data + at, 0, (len + 7) & ~(size_t)7);
	memcpy(m->data + at, "##", 2);
	memcpy(m->data + at + 2, name, 2);
	put_le64(m->data + at + 8, len);
	put_le64(m->data + at + 16, links);
	m->len += (len + 7) & ~(size_t)7;
	return at;
}

static inline uint8_t *
mf4_body(struct mf4 *m, uint64_t at)
{
	return m->data + at + 24 + get_le64(m->data + at + 16) * 8;
}

static inline void
mf4_link(struct mf4 *m, uint64_t at, unsigned i, uint64_t to)
{
	put_le64(m->data + at + 24 + i * 8, to);
}

static inline uint64_t
mf4_text(struct mf4 *m, const char *text)
{
	const uint64_t at = mf4_block(m, "TX", 0, strlen(text) + 1);

	memcpy(mf4_body(m, at), text, strlen(text));
	return at;
}

/* ID and HD. */
static inline void
mf4_begin(struct mf4 *m, unsigned unfinished, uint64_t start_ns,
    unsigned time_flags)
{
	m->dg = m->cg = m->cn = m->member = 0;
	memset(m->data, 0, 64);
	memcpy(m->data, unfinished ? "UnFinMF " : "MDF     ", 8);
	memcpy(m->data + 8, "4.10    by hand ", 16);
	put_le16(m->data + 28, 410);
	put_le16(m->data + 60, (uint16_t)unfinished);
	m->len = 64;
	mf4_block(m, "HD", 6, 32);
	put_le64(mf4_body(m, 64), start_ns);
	mf4_body(m, 64)[12] = (uint8_t)time_flags;
}

static inline void
mf4_dg(struct mf4 *m, unsigned id_size)
{
	const uint64_t at = mf4_block(m, "DG", 4, 8);

	mf4_body(m, at)[0] = (uint8_t)id_size;
	mf4_link(m, m->dg != 0 ? m->dg : 64, 0, at);
	m->dg = at;
	m->cg = 0;
}

static inline void
mf4_cg(struct mf4 *m, uint64_t id, unsigned flags, uint32_t bytes)
{
	const uint64_t at = mf4_block(m, "CG", 6, 32);
	uint8_t *p = mf4_body(m, at);

	put_le64(p, id);
	put_le16(p + 16, (uint16_t)flags);
	put_le16(p + 18, '.');
	put_le32(p + 24, bytes);
	if (m->cg != 0)
		mf4_link(m, m->cg, 0, at);
	else
		mf4_link(m, m->dg, 1, at);
	m->cg = at;
	m->cn = m->member = 0;
}

struct mf4_cn {
	const char *name;
	uint8_t type, sync, data_type, bit;
	uint32_t byte, bits;
	uint64_t conversion, data;
};

static inline uint64_t
mf4_put_cn(struct mf4 *m, const struct mf4_cn *cn)
{
	const uint64_t name = mf4_text(m, cn->name);
	const uint64_t at = mf4_block(m, "CN", 8, 72);
	uint8_t *p = mf4_body(m, at);

	p[0] = cn->type;
	p[1] = cn->sync;
	p[2] = cn->data_type;
	p[3] = cn->bit;
	put_le32(p + 4, cn->byte);
	put_le32(p + 8, cn->bits);
	mf4_link(m, at, 2, name);
	mf4_link(m, at, 4, cn->conversion);
	mf4_link(m, at, 5, cn->data);
	return at;
}

/* A channel of the group. */
static inline void
mf4_channel(struct mf4 *m, const struct mf4_cn *cn)
{
	const uint64_t at = mf4_put_cn(m, cn);

	if (m->cn != 0)
		mf4_link(m, m->cn, 0, at);
	else
		mf4_link(m, m->cg, 1, at);
	m->cn = at;
	m->member = 0;
}

/* A channel in the composition of the last one. */
static inline void
mf4_member(struct mf4 *m, const struct mf4_cn *cn)
{
	const uint64_t at = mf4_put_cn(m, cn);

	if (m->member != 0)
		mf4_link(m, m->member, 0, at);
	else
		mf4_link(m, m->cn, 1, at);
	m->member = at;
}

/* A conversion of up to 8 numbers. */
static inline uint64_t
mf4_cc(struct mf4 *m, unsigned type, unsigned n, const double *values)
{
	const uint64_t at = mf4_block(m, "CC", 4, 24 + n * 8);
	uint8_t *p = mf4_body(m, at);
	uint64_t bits;

	p[0] = (uint8_t)type;
	put_le16(p + 6, (uint16_t)n);
	for (unsigned i = 0; i < n; i++) {
		memcpy(&bits, &values[i], 8);
		put_le64(p + 24 + i * 8, bits);
	}
	return at;
}

static inline uint64_t
mf4_cc_linear(struct mf4 *m, double offset, double factor)
{
	const double values[2] = { offset, factor };

	return mf4_cc(m, 1, 2, values);
}

/* A block of data with n bytes. */
static inline uint64_t
mf4_data(struct mf4 *m, const char *name, const void *data, size_t n)
{
	const uint64_t at = mf4_block(m, name, 0, n);

	memcpy(mf4_body(m, at), data, n);
	return at;
}

/* A packed block. */
static inline uint64_t
mf4_packed(struct mf4 *m, const char *type, unsigned zip, uint32_t width,
    size_t original, const void *data, size_t n)
{
	const uint64_t at = mf4_block(m, "DZ", 0, 24 + n);
	uint8_t *p = mf4_body(m, at);

	memcpy(p, type, 2);
	p[2] = (uint8_t)zip;
	put_le32(p + 4, width);
	put_le64(p + 8, original);
	put_le64(p + 16, n);
	memcpy(p + 24, data, n);
	return at;
}

/* A list of n blocks with a head. @return the head */
static inline uint64_t
mf4_list(struct mf4 *m, const uint64_t *blocks, unsigned n)
{
	const uint64_t head = mf4_block(m, "HL", 1, 8);
	const uint64_t at = mf4_block(m, "DL", 1 + n, 8 + n * 8);

	put_le32(mf4_body(m, at) + 4, n);
	for (unsigned i = 0; i < n; i++)
		mf4_link(m, at, 1 + i, blocks[i]);
	mf4_link(m, head, 0, at);
	return head;
}

/* asammdf's layout of 84 bytes with a real master, as one sorted group. */
static inline void
mf4_plain_group(struct mf4 *m, unsigned id_size, uint64_t id)
{
	static const struct mf4_cn members[] = {
		{ .name = "CAN_DataFrame.BusChannel", .byte = 8, .bits = 8 },
		{ .name = "CAN_DataFrame.ID", .byte = 9, .bits = 32 },
		{ .name = "CAN_DataFrame.IDE", .byte = 13, .bits = 8 },
		{ .name = "CAN_DataFrame.DLC", .byte = 14, .bits = 8 },
		{ .name = "CAN_DataFrame.DataLength", .byte = 15, .bits = 8 },
		{ .name = "CAN_DataFrame.DataBytes", .data_type = 10,
		    .byte = 16, .bits = 64 },
		{ .name = "CAN_DataFrame.Dir", .byte = 24, .bits = 8 },
	};

	if (m->dg == 0)
		mf4_dg(m, id_size);
	mf4_cg(m, id, 6, 25);
	mf4_channel(m, &(struct mf4_cn){ .name = "time", .type = 2,
	    .sync = 1, .data_type = 4, .bits = 64 });
	mf4_channel(m, &(struct mf4_cn){ .name = "CAN_DataFrame",
	    .data_type = 10, .byte = 8, .bits = 136 });
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		mf4_member(m, &members[i]);
}

/* A record of that group. @return behind it */
static inline uint8_t *
mf4_plain_record(uint8_t *p, double time, uint32_t id, unsigned len)
{
	uint64_t bits;

	memset(p, 0, 25);
	memcpy(&bits, &time, 8);
	put_le64(p, bits);
	p[8] = 1;
	put_le32(p + 9, id);
	p[13] = id > 0x7ff;
	p[14] = p[15] = (uint8_t)len;
	for (unsigned i = 0; i < len; i++)
		p[16 + i] = (uint8_t)(id + i);
	p[24] = 1;
	return p + 25;
}

#endif

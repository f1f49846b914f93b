/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_front.c - the blocks in front of the data of an MDF 4 file */
#include "mf4.h"

#include <string.h>

#include <evcan/evcan.h>

/*
 * All that describes the data stands before it: ID, HD, FH, one DG with a
 * channel group for each kind of record, and the head of the data (DT, or
 * HL and a DL with room for links). It is written twice: with the first
 * frame, as an unfinished file, and at the end with the counts and links.
 * Both times it has the same length.
 */

struct member {
	const char *name;
	uint16_t at, bytes;    /* in the record, behind its id */
	bool raw;              /* bytes, not a number */
};

/* Of n data bytes. */
#define FRAME_MEMBERS(kind, n) { \
	{ kind ".BusChannel", 8, 1, false }, \
	{ kind ".ID", 9, 4, false }, \
	{ kind ".IDE", 13, 1, false }, \
	{ kind ".DLC", 14, 1, false }, \
	{ kind ".DataLength", 15, 1, false }, \
	{ kind ".DataBytes", 16, n, true }, \
	{ kind ".Dir", 16 + n, 1, false }, \
	{ kind ".EDL", 17 + n, 1, false }, \
	{ kind ".BRS", 18 + n, 1, false }, \
	{ kind ".ESI", 19 + n, 1, false }, \
	{ NULL, 0, 0, false } }

static const struct member data_members[] =
    FRAME_MEMBERS("CAN_DataFrame", 8);
static const struct member fd_members[] =
    FRAME_MEMBERS("CAN_DataFrame", 64);
static const struct member error_members[] =
    FRAME_MEMBERS("CAN_ErrorFrame", 8);
static const struct member overload_members[] =
    FRAME_MEMBERS("CAN_OverloadFrame", 8);
static const struct member remote_members[] = {
	{ "CAN_RemoteFrame.BusChannel", 8, 1, false },
	{ "CAN_RemoteFrame.ID", 9, 4, false },
	{ "CAN_RemoteFrame.IDE", 13, 1, false },
	{ "CAN_RemoteFrame.DLC", 14, 1, false },
	{ "CAN_RemoteFrame.DataLength", 15, 1, false },
	{ "CAN_RemoteFrame.Dir", 16, 1, false },
	{ NULL, 0, 0, false }
};

/* Text comes first: at the same time it tells of what follows. */
static const struct {
	uint8_t id;
	uint16_t bytes;        /* of a record, with its id */
	const char *name;
	const struct member *members;
} groups[] = {
	{ EVCAN_MF4_WRITES_TEXT, EVCAN_MF4_ROW_TEXT, "evcan_remark", NULL },
	{ EVCAN_MF4_WRITES_DATA, EVCAN_MF4_ROW, "CAN_DataFrame",
	    data_members },
	{ EVCAN_MF4_WRITES_FD, EVCAN_MF4_ROW_FD, "CAN_DataFrame",
	    fd_members },
	{ EVCAN_MF4_WRITES_REMOTE, EVCAN_MF4_ROW, "CAN_RemoteFrame",
	    remote_members },
	{ EVCAN_MF4_WRITES_ERROR, EVCAN_MF4_ROW, "CAN_ErrorFrame",
	    error_members },
	{ EVCAN_MF4_WRITES_OVERLOAD, EVCAN_MF4_ROW, "CAN_OverloadFrame",
	    overload_members },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* Blocks; places are offsets in the buffer, which is empty at first. */

/* A block of zeros. @return its place */
static uint64_t
put_block(struct evcan_buffer *out, const char *name, size_t links,
    size_t body)
{
	const uint64_t at = out->len;
	const size_t len = EVCAN_MF4_HEAD + links * 8 + body;
	const size_t room = (len + 7) & ~(size_t)7;
	uint8_t *p = evcan_buffer_reserve(out, room);

	if (p == NULL)
		return 0;
	memset(p, 0, room);
	memcpy(p, "##", 2);
	memcpy(p + 2, name, 2);
	put_le64(p + 8, len);
	put_le64(p + 16, links);
	evcan_buffer_commit(out, room);
	return at;
}

/* The data of a block behind its links. */
static uint8_t *
body_of(const struct evcan_buffer *out, uint64_t at)
{
	uint8_t *p = out->data + at;

	return p + EVCAN_MF4_HEAD + get_le64(p + 16) * 8;
}

static void
set_link(const struct evcan_buffer *out, uint64_t at, unsigned i, uint64_t to)
{
	put_le64(out->data + at + EVCAN_MF4_HEAD + i * 8, to);
}

static uint64_t
put_text(struct evcan_buffer *out, const char *name, const char *text)
{
	const size_t n = strlen(text) + 1;
	const uint64_t at = put_block(out, name, 0, n);

	if (!out->failed)
		memcpy(body_of(out, at), text, n);
	return at;
}

static void
put_real(uint8_t *p, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put_le64(p, bits);
}

/* What several channels link to. */
struct shared {
	uint64_t source, time, unit, conversion;
};

/* Nanoseconds as seconds. */
static uint64_t
put_conversion(struct evcan_buffer *out)
{
	const uint64_t at = put_block(out, "CC", 4, 40);
	uint8_t *p;

	if (out->failed)
		return 0;
	p = body_of(out, at);
	p[0] = 1;              /* linear */
	put_le16(p + 6, 2);
	put_real(p + 32, 1e-9);
	return at;
}

static uint64_t
put_source(struct evcan_buffer *out)
{
	const uint64_t name = put_text(out, "TX", "CAN");
	const uint64_t at = put_block(out, "SI", 3, 8);
	uint8_t *p;

	if (out->failed)
		return 0;
	p = body_of(out, at);
	p[0] = p[1] = 2;       /* a bus, CAN */
	set_link(out, at, 0, name);
	set_link(out, at, 1, name);
	return at;
}

#define CN_BUS_EVENT 0x400u

struct channel {
	uint64_t name;
	uint8_t type, sync, data_type;
	uint16_t at, bytes;
	uint32_t flags;
};

static uint64_t
put_channel(struct evcan_buffer *out, const struct channel *channel)
{
	const uint64_t at = put_block(out, "CN", 8, 72);
	uint8_t *p;

	if (out->failed)
		return 0;
	p = body_of(out, at);
	p[0] = channel->type;
	p[1] = channel->sync;
	p[2] = channel->data_type;
	put_le32(p + 4, channel->at);
	put_le32(p + 8, channel->bytes * 8u);
	put_le32(p + 12, channel->flags);
	p[20] = 0xff;          /* no precision */
	set_link(out, at, 2, channel->name);
	return at;
}

/* @return the first of the composition's channels */
static uint64_t
put_members(struct evcan_buffer *out, const struct member *members)
{
	uint64_t first = 0, last = 0, at;

	for (; members->name != NULL; members++) {
		const struct channel channel = {
			.name = put_text(out, "TX", members->name),
			.data_type = members->raw ? 10 : 0,
			.at = members->at, .bytes = members->bytes,
			.flags = CN_BUS_EVENT
		};

		at = put_channel(out, &channel);
		if (out->failed)
			return 0;
		if (last != 0)
			set_link(out, last, 0, at);
		else
			first = at;
		last = at;
	}
	return first;
}

/* The time and the frame (or text) of a group. */
static uint64_t
put_channels(struct evcan_buffer *out, size_t i, const struct shared *shared,
    uint64_t name)
{
	const bool text = groups[i].members == NULL;
	const struct channel time = {
		.name = shared->time, .type = 2, .sync = 1, .data_type = 2,
		.bytes = 8
	};
	const struct channel whole = {
		.name = name, .data_type = text ? 7 : 10, .at = 8,
		.bytes = (uint16_t)(groups[i].bytes - 9),
		.flags = text ? 0 : CN_BUS_EVENT
	};
	const uint64_t first = put_channel(out, &time);
	const uint64_t second = put_channel(out, &whole);
	const uint64_t members = text ? 0 :
	    put_members(out, groups[i].members);

	if (out->failed)
		return 0;
	set_link(out, first, 0, second);
	set_link(out, first, 4, shared->conversion);
	set_link(out, first, 6, shared->unit);
	set_link(out, second, 1, members);
	if (!text)
		set_link(out, second, 3, shared->source);
	return first;
}

static uint64_t
put_group(const struct evcan_mf4_front_ *front, size_t i,
    const struct shared *shared, struct evcan_buffer *out)
{
	const bool text = groups[i].members == NULL;
	const uint64_t name = put_text(out, "TX", groups[i].name);
	const uint64_t at = put_block(out, "CG", 6, 32);
	const uint64_t channels = put_channels(out, i, shared, name);
	uint8_t *p;

	if (out->failed)
		return 0;
	p = body_of(out, at);
	put_le64(p, groups[i].id);
	put_le64(p + 8, front->finished ? front->counts[groups[i].id] : 0);
	put_le16(p + 16, text ? 0 :
	    EVCAN_MF4_CG_BUS_EVENT | EVCAN_MF4_CG_PLAIN_BUS_EVENT);
	put_le16(p + 18, '.');
	put_le32(p + 24, groups[i].bytes - 1u);
	set_link(out, at, 1, channels);
	set_link(out, at, 2, name);
	if (!text)
		set_link(out, at, 3, shared->source);
	return at;
}

/* @return the first group */
static uint64_t
put_groups(const struct evcan_mf4_front_ *front, struct evcan_buffer *out)
{
	const struct shared shared = {
		.source = put_source(out), .time = put_text(out, "TX", "t"),
		.unit = put_text(out, "TX", "s"),
		.conversion = put_conversion(out)
	};
	uint64_t first = 0, last = 0, at;

	for (size_t i = 0; i < GROUPS; i++) {
		at = put_group(front, i, &shared, out);
		if (out->failed)
			return 0;
		if (last != 0)
			set_link(out, last, 0, at);
		else
			first = at;
		last = at;
	}
	return first;
}

/* Data */

void
evcan_mf4_put_list_(const uint64_t *blocks, size_t n, uint64_t first,
    uint64_t next, struct evcan_buffer *out)
{
	const uint64_t at = put_block(out, "DL", 1 + n, 8 + n * 8);
	uint8_t *p;

	if (out->failed)
		return;
	p = body_of(out, at);
	put_le32(p + 4, (uint32_t)n);
	set_link(out, at, 0, next);
	for (size_t i = 0; i < n; i++) {
		set_link(out, at, 1 + (unsigned)i, blocks[2 * i]);
		put_le64(p + 8 + i * 8, first);
		first += blocks[2 * i + 1];
	}
}

/* The first DL: links that are not known yet are 0. */
static uint64_t
put_first_list(const struct evcan_mf4_front_ *front, struct evcan_buffer *out)
{
	static const uint64_t none[EVCAN_MF4_LISTED * 2];
	const uint64_t at = out->len;
	const size_t room = EVCAN_MF4_HEAD + 8 + 8 + EVCAN_MF4_LISTED * 16;
	size_t n = front->block_count;
	uint8_t *p;

	if (n > EVCAN_MF4_LISTED)
		n = EVCAN_MF4_LISTED;
	if (front->finished)
		evcan_mf4_put_list_(front->blocks, n, 0, front->next_dl, out);
	else
		evcan_mf4_put_list_(none, EVCAN_MF4_LISTED, 0, 0, out);
	if (out->failed)
		return 0;
	/* Lengths that differ have offsets, which are not known yet. */
	if (!front->finished)
		body_of(out, at)[0] = 1;
	n = room - (size_t)(out->len - at);
	p = evcan_buffer_reserve(out, n);
	if (p == NULL)
		return 0;
	memset(p, 0, n);
	evcan_buffer_commit(out, n);
	return at;
}

static uint64_t
put_data(const struct evcan_mf4_front_ *front, struct evcan_buffer *out)
{
	uint64_t at, list;

	if (!front->packed) {
		at = put_block(out, "DT", 0, 0);
		if (!out->failed && front->finished)
			put_le64(out->data + at + 8,
			    EVCAN_MF4_HEAD + front->data_len);
		return at;
	}
	at = put_block(out, "HL", 1, 8);
	list = put_first_list(front, out);
	if (out->failed)
		return 0;
	set_link(out, at, 0, list);
	body_of(out, at)[2] = front->transposed;
	return at;
}

/* The front */

static void
put_id(const struct evcan_mf4_front_ *front, struct evcan_buffer *out)
{
	uint8_t id[EVCAN_MF4_ID_SIZE] = { 0 };

	memcpy(id, front->finished ? "MDF     " : "UnFinMF ", 8);
	memcpy(id + 8, "4.10    evcan   ", 16);
	put_le16(id + 28, 410);
	if (!front->finished)
		put_le16(id + 60, EVCAN_MF4_NO_COUNTS | (front->packed ?
		    EVCAN_MF4_NO_LAST_DL : EVCAN_MF4_NO_LAST_DT));
	evcan_buffer_append(out, id, sizeof(id));
}

static uint64_t
put_history(const struct evcan_mf4_front_ *front, struct evcan_buffer *out)
{
	const uint64_t text = put_text(out, "MD", "<FHcomment>"
	    "<TX>recorded</TX><tool_id>evcan</tool_id>"
	    "<tool_vendor>evcan</tool_vendor>"
	    "<tool_version>" EVCAN_VERSION "</tool_version></FHcomment>");
	const uint64_t at = put_block(out, "FH", 2, 16);

	if (out->failed)
		return 0;
	put_le64(body_of(out, at), front->start_ns);
	set_link(out, at, 1, text);
	return at;
}

void
evcan_mf4_put_front_(const struct evcan_mf4_front_ *front,
    struct evcan_buffer *out)
{
	uint64_t hd, history, dg, group, data;

	put_id(front, out);
	hd = put_block(out, "HD", 6, 32);
	history = put_history(front, out);
	group = put_groups(front, out);
	dg = put_block(out, "DG", 4, 8);
	data = put_data(front, out);
	if (out->failed)
		return;
	put_le64(body_of(out, hd), front->start_ns);
	set_link(out, hd, 0, dg);
	set_link(out, hd, 1, history);
	set_link(out, dg, 1, group);
	set_link(out, dg, 2, data);
	body_of(out, dg)[0] = 1;   /* a byte for the record id */
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_write.c - frames to MDF 4 bus logging, as they come */
#include "mf4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/frame.h>
#include <evcan/listener.h>

#include "remark.h"

/*
 * One data group, unsorted: each record has its kind in front, and records
 * stand in the order of the frames. So the file can be written as a stream,
 * and one that was not ended (UnFinMF) has all records up to the last flush.
 * The members and their order are asammdf's.
 */

#define NS_PER_SEC 1000000000
#define NS_PER_YEAR (365 * 86400 * (int64_t)NS_PER_SEC)

/* Unpacked bytes of a DZ block: whole rows, a little less than 1 MiB. */
#define BLOCK_SIZE ((1u << 20) / EVCAN_MF4_ROW * EVCAN_MF4_ROW)

enum attribute {
	LOST_CHANNEL,
	LOST_DIRECTION,
	LOST_ECHO,
	LOST_HOPS,
	LOST_CLOCK,
	LOST_TIME
};

int
evcan_mf4_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err)
{
	struct evcan_mf4_writer_ *writer = state;
	int r;

	(void)past;
	(void)out;
	r = evcan_channel_map_init_(&writer->map, writer->channels, err);
	if (r < 0)
		return r;
	writer->front.packed = writer->level > 0;
	writer->front.transposed = writer->level > 1;
	if (writer->level == 0)
		return 0;
	writer->block = malloc(BLOCK_SIZE);
	writer->mixed = malloc(BLOCK_SIZE);
	if (writer->block == NULL || writer->mixed == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for an MDF file");
	writer->squeeze = evcan_squeeze_new_(
	    (enum evcan_codec_)writer->codec, EVCAN_WRAP_ZLIB, -1,
	    (unsigned)writer->threads, err);
	return writer->squeeze != NULL ? 0 : EVCAN_ERR_NOMEM;
}

/* Blocks of data */

static int
list_block(struct evcan_mf4_writer_ *writer, uint64_t at, uint64_t original)
{
	uint64_t *grown = writer->blocks;

	if (writer->block_count == writer->block_room) {
		writer->block_room = writer->block_room * 2 + 64;
		grown = realloc(grown,
		    writer->block_room * 2 * sizeof(*grown));
		if (grown == NULL)
			return EVCAN_ERR_NOMEM;
		writer->blocks = grown;
	}
	grown[2 * writer->block_count] = at;
	grown[2 * writer->block_count + 1] = original;
	writer->block_count++;
	return 0;
}

#define DZ_HEAD (EVCAN_MF4_HEAD + 24)

static int
put_packed(struct evcan_mf4_writer_ *writer,
    const struct evcan_squeezed_ *squeezed, struct evcan_buffer *out)
{
	const size_t len = DZ_HEAD + squeezed->len;
	const size_t room = (len + 7) & ~(size_t)7;
	uint8_t *p = evcan_buffer_reserve(out, room);

	if (p == NULL)
		return EVCAN_ERR_NOMEM;
	memset(p, 0, DZ_HEAD);
	memcpy(p, "##DZ", 4);
	put_le64(p + 8, len);
	memcpy(p + 24, "DT", 2);
	p[26] = writer->level > 1;
	put_le32(p + 28, writer->level > 1 ? EVCAN_MF4_ROW : 0);
	put_le64(p + 32, squeezed->original);
	put_le64(p + 40, squeezed->len);
	memcpy(p + DZ_HEAD, squeezed->data, squeezed->len);
	memset(p + len, 0, room - len);
	evcan_buffer_commit(out, room);
	writer->at += room;
	return list_block(writer, writer->at - room, squeezed->original);
}

/* Appends blocks that are packed; all of them if `wait`. */
static int
fetch(struct evcan_mf4_writer_ *writer, bool wait, struct evcan_buffer *out)
{
	struct evcan_squeezed_ squeezed;
	int r = 0;

	while (r == 0 && evcan_squeeze_get_(writer->squeeze, wait, &squeezed))
		r = put_packed(writer, &squeezed, out);
	return r;
}

/* Hands the block that was gathered to the squeeze. */
static int
pack(struct evcan_mf4_writer_ *writer, struct evcan_buffer *out)
{
	const uint8_t *data = writer->block;
	struct evcan_squeezed_ squeezed;
	int r = 0;

	if (writer->block_len == 0)
		return 0;
	while (r == 0 && !evcan_squeeze_has_room_(writer->squeeze) &&
	    evcan_squeeze_get_(writer->squeeze, true, &squeezed))
		r = put_packed(writer, &squeezed, out);
	if (r < 0)
		return r;
	if (writer->level > 1) {
		evcan_mf4_transpose_(data, writer->block_len, EVCAN_MF4_ROW,
		    writer->mixed);
		data = writer->mixed;
	}
	r = evcan_squeeze_put_(writer->squeeze, data, writer->block_len, 0);
	if (r < 0)
		return r;
	writer->block_len = 0;
	return fetch(writer, false, out);
}

/* Room for a record of n bytes. */
static uint8_t *
reserve(struct evcan_mf4_writer_ *writer, size_t n, struct evcan_buffer *out)
{
	uint8_t *p;

	if (writer->level == 0)
		return evcan_buffer_reserve(out, n);
	if (BLOCK_SIZE - writer->block_len < n && pack(writer, out) < 0)
		return NULL;
	p = writer->block + writer->block_len;
	return p;
}

static void
commit(struct evcan_mf4_writer_ *writer, unsigned kind, size_t n,
    struct evcan_buffer *out)
{
	writer->front.counts[kind]++;
	if (writer->level > 0) {
		writer->block_len += n;
		return;
	}
	evcan_buffer_commit(out, n);
	writer->at += n;
	writer->front.data_len += n;
}

/* The front is written when the time of the first record is known. A whole
 * second, so that readers that count in microseconds are exact; 0 would be
 * no date. */
static int
put_front(struct evcan_mf4_writer_ *writer, int64_t time_ns, bool relative,
    struct evcan_buffer *out)
{
	struct evcan_buffer front = { 0 };
	int64_t start = 0;

	if (writer->begun)
		return 0;
	if (!relative)
		start = time_ns < NS_PER_SEC ? 1 :
		    time_ns - time_ns % NS_PER_SEC;
	writer->front.start_ns = (uint64_t)start;
	evcan_mf4_put_front_(&writer->front, &front);
	if (!front.failed)
		evcan_buffer_append(out, front.data, front.len);
	free(front.data);
	if (front.failed || out->failed)
		return EVCAN_ERR_NOMEM;
	writer->at = front.len;
	writer->relative = relative;
	writer->begun = true;
	return 0;
}

/* Records */

/* Time since the start. @return false: it had to be changed */
static bool
since_start(const struct evcan_mf4_writer_ *writer, int64_t time_ns,
    int64_t *ns)
{
	const int64_t start = (int64_t)writer->front.start_ns;

	*ns = time_ns < INT64_MIN + start ? INT64_MIN : time_ns - start;
	return time_ns >= INT64_MIN + start;
}

static int
put_text_record(struct evcan_mf4_writer_ *writer, int64_t time_ns,
    const char *text, size_t len, struct evcan_buffer *out)
{
	uint8_t *p = reserve(writer, EVCAN_MF4_ROW_TEXT, out);
	int64_t ns;

	if (p == NULL)
		return EVCAN_ERR_NOMEM;
	if (len > EVCAN_MF4_TEXT - 1)
		len = EVCAN_MF4_TEXT - 1;
	since_start(writer, time_ns, &ns);
	p[0] = EVCAN_MF4_WRITES_TEXT;
	put_le64(p + 1, (uint64_t)ns);
	memcpy(p + 9, text, len);
	memset(p + 9 + len, 0, EVCAN_MF4_TEXT - len);
	commit(writer, EVCAN_MF4_WRITES_TEXT, EVCAN_MF4_ROW_TEXT, out);
	return 0;
}

/* The number of a frame's channel, told to the file if need be. */
static int
find_number(struct evcan_mf4_writer_ *writer,
    const struct evcan_frame *frame, struct evcan_buffer *out)
{
	char text[EVCAN_REMARK_MAX];
	size_t len;
	bool tell = false;
	int r = 0;

	writer->number_of = frame->channel;
	writer->number_lost = false;
	writer->number = (uint8_t)evcan_channel_map_number_(&writer->map,
	    frame->channel, &tell);
	if (writer->number == 0) {
		writer->number = (uint8_t)writer->channel;
		writer->number_lost = frame->channel != 0 ||
		    writer->channel != 0;
	}
	if (tell) {
		len = evcan_remark_put_channel_(text, writer->number,
		    evcan_channel_name(frame->channel));
		r = put_text_record(writer, frame->time_ns, text, len, out);
	}
	writer->number_known = r == 0;
	return r;
}

static void
count_lost(const struct evcan_mf4_writer_ *writer,
    const struct evcan_frame *frame, uint64_t *lost)
{
	const uint8_t clock = writer->relative ? EVCAN_CLOCK_RELATIVE :
	    EVCAN_CLOCK_KERNEL;

	lost[LOST_CHANNEL] += writer->number_lost;
	lost[LOST_DIRECTION] += frame->dir > EVCAN_DIR_TX;
	lost[LOST_ECHO] += (frame->flags & EVCAN_FRAME_ECHO) != 0;
	lost[LOST_HOPS] += frame->hops != 0;
	lost[LOST_CLOCK] += frame->clock != clock;
}

static unsigned
kind_of(const struct evcan_frame *frame)
{
	if ((frame->flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_OVERLOAD |
	    EVCAN_FRAME_RTR | EVCAN_FRAME_FD)) == 0)
		return EVCAN_MF4_WRITES_DATA;
	if (frame->flags & EVCAN_FRAME_ERR)
		return EVCAN_MF4_WRITES_ERROR;
	if (frame->flags & EVCAN_FRAME_OVERLOAD)
		return EVCAN_MF4_WRITES_OVERLOAD;
	return frame->flags & EVCAN_FRAME_RTR ? EVCAN_MF4_WRITES_REMOTE :
	    EVCAN_MF4_WRITES_FD;
}

/* What is behind the first 17 bytes. @return the record's length */
static size_t
put_rest(uint8_t *p, unsigned kind, const struct evcan_frame *frame)
{
	size_t room = 8;

	if (kind == EVCAN_MF4_WRITES_REMOTE) {
		memset(p, 0, EVCAN_MF4_ROW - 17);
		p[0] = frame->dir != EVCAN_DIR_RX;
		return EVCAN_MF4_ROW;
	}
	if (kind == EVCAN_MF4_WRITES_FD) {
		room = 64;
		p[68] = p[69] = 0;     /* to a whole row */
	}
	memset(p, 0, room);
	memcpy(p, frame->data, frame->len);
	p += room;
	p[0] = frame->dir != EVCAN_DIR_RX;
	p[1] = (frame->flags & EVCAN_FRAME_FD) != 0;
	p[2] = (frame->flags & EVCAN_FRAME_BRS) != 0;
	p[3] = (frame->flags & EVCAN_FRAME_ESI) != 0;
	return room == 8 ? EVCAN_MF4_ROW : EVCAN_MF4_ROW_FD;
}

/* The length is known to fit. */
static size_t
put_record(uint8_t *p, unsigned kind, int64_t ns, uint8_t number,
    const struct evcan_frame *frame)
{
	static const uint64_t masks[9] = {
		0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff,
		0xffffffffffff, 0xffffffffffffff, UINT64_MAX
	};

	p[0] = (uint8_t)kind;
	put_le64(p + 1, (uint64_t)ns);
	p[9] = number;
	put_le32(p + 10, frame->id);
	p[14] = (frame->flags & EVCAN_FRAME_EXT) != 0;
	p[15] = frame->dlc;
	p[16] = frame->len;
	if (kind != EVCAN_MF4_WRITES_DATA)
		return put_rest(p + 17, kind, frame);
	put_le64(p + 17, get_le64(frame->data) & masks[frame->len]);
	put_le32(p + 25, frame->dir != EVCAN_DIR_RX);
	return EVCAN_MF4_ROW;
}

static bool
fits(unsigned kind, const struct evcan_frame *frame)
{
	const unsigned max = kind == EVCAN_MF4_WRITES_FD ? EVCAN_MAX_DATA :
	    kind == EVCAN_MF4_WRITES_REMOTE ? 0 : 8;

	return frame->len <= max && frame->dlc <= 15 &&
	    frame->id <= (frame->flags & (EVCAN_FRAME_EXT | EVCAN_FRAME_ERR) ?
	    EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID);
}

static bool
is_relative(const struct evcan_frame *frame)
{
	return frame->clock == EVCAN_CLOCK_RELATIVE ||
	    frame->clock == EVCAN_CLOCK_NONE;
}

int
evcan_mf4_encode_(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	struct evcan_mf4_writer_ *writer = state;
	int r = 0;

	if (n > 0)
		r = put_front(writer, frames->time_ns, is_relative(frames),
		    out);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct evcan_frame *frame = &frames[i];
		const unsigned kind = kind_of(frame);
		uint8_t *p;
		int64_t ns;

		if (!fits(kind, frame)) {
			info->unfit++;
			continue;
		}
		if ((frame->channel != writer->number_of ||
		    !writer->number_known) &&
		    (r = find_number(writer, frame, out)) < 0)
			break;
		p = reserve(writer, EVCAN_MF4_ROW_FD, out);
		if (p == NULL)
			return EVCAN_ERR_NOMEM;
		info->lost[LOST_TIME] += !since_start(writer, frame->time_ns,
		    &ns);
		commit(writer, kind, put_record(p, kind, ns, writer->number,
		    frame), out);
		count_lost(writer, frame, info->lost);
	}
	return r;
}

int
evcan_mf4_encode_event_(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out)
{
	struct evcan_mf4_writer_ *writer = state;
	int r = put_front(writer, time_ns, time_ns < NS_PER_YEAR, out);

	return r < 0 ? r : put_text_record(writer, time_ns, text,
	    strlen(text), out);
}

int
evcan_mf4_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out)
{
	struct evcan_mf4_writer_ *writer = state;
	char text[EVCAN_REMARK_MAX];
	const size_t len = evcan_remark_put_gap_(text, channel, gap);
	int r = put_front(writer, gap->time_ns, gap->time_ns < NS_PER_YEAR,
	    out);

	return r < 0 ? r : put_text_record(writer, gap->time_ns, text, len,
	    out);
}

/* Ending */

int
evcan_mf4_flush_(void *state, struct evcan_buffer *out)
{
	struct evcan_mf4_writer_ *writer = state;
	int r;

	if (writer->level == 0)
		return 0;
	r = pack(writer, out);
	return r < 0 ? r : fetch(writer, true, out);
}

size_t
evcan_mf4_held_(const void *state)
{
	const struct evcan_mf4_writer_ *writer = state;

	if (writer->squeeze == NULL)
		return 0;
	return writer->block_len + evcan_squeeze_held_(writer->squeeze);
}

int
evcan_mf4_finish_(void *state, struct evcan_buffer *out)
{
	struct evcan_mf4_writer_ *writer = state;
	const size_t listed = EVCAN_MF4_LISTED;
	struct evcan_buffer list = { 0 };
	uint64_t first = 0;
	int r = put_front(writer, 0, true, out);

	if (r < 0 || (r = evcan_mf4_flush_(writer, out)) < 0)
		return r;
	if (writer->block_count <= listed)
		return 0;
	for (size_t i = 0; i < listed; i++)
		first += writer->blocks[2 * i + 1];
	evcan_mf4_put_list_(writer->blocks + 2 * listed,
	    writer->block_count - listed, first, 0, &list);
	if (!list.failed)
		evcan_buffer_append(out, list.data, list.len);
	free(list.data);
	if (list.failed || out->failed)
		return EVCAN_ERR_NOMEM;
	writer->front.next_dl = writer->at;
	writer->at += list.len;
	return 0;
}

int
evcan_mf4_header_(void *state, uint64_t size, struct evcan_buffer *out)
{
	struct evcan_mf4_writer_ *writer = state;
	struct evcan_mf4_front_ front = writer->front;

	(void)size;
	front.finished = true;
	front.blocks = writer->blocks;
	front.block_count = writer->block_count;
	evcan_mf4_put_front_(&front, out);
	return out->failed ? EVCAN_ERR_NOMEM : 0;
}

void
evcan_mf4_write_done_(void *state)
{
	struct evcan_mf4_writer_ *writer = state;

	evcan_squeeze_free_(writer->squeeze);
	free(writer->block);
	free(writer->mixed);
	free(writer->blocks);
}

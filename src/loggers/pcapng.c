/* SPDX-License-Identifier: BSD-3-Clause */
/* pcapng.c - Wireshark's captures: an interface is a channel */
#include <evcan/format.h>

#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/listener.h>

#include "bytes.h"
#include "can_packet.h"
#include "pcapng_block.h"
#include "remark.h"
#include "text.h"

/*
 * Written: one section (appending begins another, as the format means it),
 * an interface before the first frame of each channel, with the channel's
 * name, packets of link type 227 in nanoseconds with their direction. A
 * hole is told twice, and read once: at once by statistics with the sum of
 * frames lost on that interface, and for people by the count of lost packets
 * on the next packet there. A line of text is a comment on the next packet,
 * of whatever channel, where Wireshark shows it; or, when the log is flushed
 * before there is one, on statistics.
 *
 * Read: all of that, and everything else of the format (pcapng_read.c).
 */

#define WRITER_NAME "evcan"

/* Longest line of text that is kept, and how many bytes wait for a packet. */
#define TEXT_MAX 1023
#define WAITING_MAX (16u << 10)

/* Frames that room is made for at a time. */
#define CHUNK 32

/* What a packet's block takes at most, without comments. */
#define OPTIONS_ROOM 28
#define PACKET_ROOM (EVCAN_PCAPNG_PACKET_HEAD + EVCAN_PACKET_MAX + \
	OPTIONS_ROOM + 4)

/* A channel's interface. */
struct interface {
	uint32_t number;        /* plus one; 0: not written yet */
	uint64_t by_device, by_system;   /* frames lost so far */
	uint64_t waiting;       /* lost since its last packet */
};

struct writer {
	struct interface *interfaces;    /* by channel */
	size_t size;
	uint32_t count;
	int64_t last_ns;                 /* time of the last frame */
	struct evcan_buffer comments;    /* options for the next packet */
};

enum lost {
	LOST_DIRECTION = EVCAN_PACKET_LOST_NEXT
};
#define ATTRIBUTES EVCAN_PACKET_ATTRIBUTES " direction"

static uint8_t *
put_option(uint8_t *p, unsigned code, const void *value, size_t len)
{
	put_le16(p, (uint16_t)code);
	put_le16(p + 2, (uint16_t)len);
	memset(p + 4 + (len & ~(size_t)3), 0, 4);
	memcpy(p + 4, value, len);
	return p + 4 + evcan_pcapng_pad_(len);
}

static uint8_t *
put_count(uint8_t *p, unsigned code, uint64_t count)
{
	uint8_t value[8];

	put_le64(value, count);
	return put_option(p, code, value, sizeof(value));
}

/* Ends the block that began at `start`. @return behind it */
static uint8_t *
end_block(uint8_t *start, uint8_t *p)
{
	const uint32_t total = (uint32_t)(p - start) + 8;

	put_le32(p, EVCAN_PCAPNG_END);
	put_le32(p + 4, total);
	put_le32(start + 4, total);
	return p + 8;
}

static int
begin(void *state, const struct evcan_past *past, struct evcan_buffer *out,
    struct evcan_error *err)
{
	uint8_t block[64], *p = block;

	(void)state;
	if (past != NULL && evcan_pcapng_bid_(past->head, past->head_len) ==
	    0)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "is no pcapng capture, or cannot be read: nothing can be "
		    "appended to it");
	put_le32(p, EVCAN_PCAPNG_SECTION);
	put_le32(p + 8, EVCAN_PCAPNG_ORDER);
	put_le16(p + 12, 1);
	put_le16(p + 14, 0);
	put_le64(p + 16, UINT64_MAX);   /* length of the section: not known */
	p = put_option(p + EVCAN_PCAPNG_SECTION_HEAD,
	    EVCAN_PCAPNG_SHB_USERAPPL, WRITER_NAME,
	    sizeof(WRITER_NAME) - 1);
	p = end_block(block, p);
	evcan_buffer_append(out, block, (size_t)(p - block));
	return 0;
}

/* A frame without a channel has an interface with an empty name. */
static void
put_interface(struct evcan_buffer *out, const char *name)
{
	static const uint8_t nanoseconds = 9;
	uint8_t *start, *p;
	char remark[EVCAN_REMARK_MAX];

	start = evcan_buffer_reserve(out, EVCAN_CHANNEL_NAME_MAX +
	    EVCAN_REMARK_MAX + 64);
	if (start == NULL)
		return;
	put_le32(start, EVCAN_PCAPNG_INTERFACE);
	put_le32(start + 8, EVCAN_LINK_SOCKETCAN);
	put_le32(start + 12, 0);        /* packets are not cut */
	p = put_option(start + EVCAN_PCAPNG_INTERFACE_HEAD,
	    EVCAN_PCAPNG_IF_NAME, name, strlen(name));
	p = put_option(p, EVCAN_PCAPNG_IF_TSRESOL, &nanoseconds, 1);
	/* One that reading would take for another program's. */
	if (evcan_pcapng_number_(name, strlen(name)) > 0)
		p = put_option(p, EVCAN_PCAPNG_COMMENT, remark,
		    evcan_remark_put_channel_(remark,
		    evcan_pcapng_number_(name, strlen(name)), name));
	p = end_block(start, p);
	evcan_buffer_commit(out, (size_t)(p - start));
}

static bool
make_room(struct writer *writer, uint16_t channel)
{
	const size_t size = (size_t)channel + 16;
	struct interface *interfaces;

	if (channel < writer->size)
		return true;
	interfaces = realloc(writer->interfaces, size * sizeof(*interfaces));
	if (interfaces == NULL)
		return false;
	memset(interfaces + writer->size, 0,
	    (size - writer->size) * sizeof(*interfaces));
	writer->interfaces = interfaces;
	writer->size = size;
	return true;
}

/* The interface of a channel, which is written if it is new. @return NULL:
 * out of memory, out->failed is set */
static struct interface *
find_interface(struct writer *writer, uint16_t channel,
    struct evcan_buffer *out)
{
	struct interface *face;

	if (!make_room(writer, channel)) {
		out->failed = true;
		return NULL;
	}
	face = &writer->interfaces[channel];
	if (face->number > 0)
		return face;
	put_interface(out, evcan_channel_name(channel));
	if (out->failed)
		return NULL;
	face->number = ++writer->count;
	return face;
}

/* Times before 1970 cannot be told. */
static inline int64_t
fit_time(int64_t ns)
{
	return ns < 0 ? 0 : ns;
}

static void
put_place(uint8_t *p, uint32_t type, const struct interface *face,
    int64_t ns)
{
	put_le32(p, type);
	put_le32(p + 8, face->number - 1);
	put_le32(p + 12, (uint32_t)((uint64_t)ns >> 32));
	put_le32(p + 16, (uint32_t)ns);
}

/* All that waits goes into the block at p, which ends thereby. */
static uint8_t *
put_waiting(struct writer *writer, struct interface *face, uint8_t *start,
    uint8_t *p)
{
	struct evcan_buffer *comments = &writer->comments;

	if (comments->len > 0)
		memcpy(p, comments->data, comments->len);
	p += comments->len;
	comments->len = 0;
	if (face->waiting > 0)
		p = put_count(p, EVCAN_PCAPNG_EPB_DROPCOUNT, face->waiting);
	face->waiting = 0;
	return end_block(start, p);
}

/* @param room of PACKET_ROOM bytes, and the comments. @return their end */
static inline uint8_t *
put_packet(struct writer *writer, struct interface *face, uint8_t *start,
    const struct evcan_frame *frame, struct evcan_encode *info)
{
	const int64_t ns = fit_time(frame->time_ns);
	uint8_t *p = start + EVCAN_PCAPNG_PACKET_HEAD;
	uint32_t original;
	const size_t size = evcan_packet_put_(p, frame, &original);

	if (size == 0) {
		info->unfit++;
		return start;
	}
	put_place(start, EVCAN_PCAPNG_PACKET, face, ns);
	put_le32(start + 20, (uint32_t)size);
	put_le32(start + 24, original);
	put_le32(p + size, 0);   /* padding, as far as there is any */
	p += evcan_pcapng_pad_(size);
	put_le32(p, EVCAN_PCAPNG_EPB_FLAGS | 4 << 16);
	put_le32(p + 4, frame->dir == EVCAN_DIR_RX ? EVCAN_PCAPNG_INBOUND :
	    EVCAN_PCAPNG_OUTBOUND);
	if (!evcan_packet_is_whole_(frame, ns))
		evcan_packet_count_lost_(frame, ns, info->lost);
	if (frame->dir > EVCAN_DIR_TX)
		info->lost[LOST_DIRECTION]++;
	if (writer->comments.len == 0 && face->waiting == 0)
		return end_block(start, p + 8);
	return put_waiting(writer, face, start, p + 8);
}

/* Out of memory: what was appended since is gone, new interfaces too. */
static int
forget(struct writer *writer, uint32_t count)
{
	for (size_t i = 0; i < writer->size; i++)
		if (writer->interfaces[i].number > count)
			writer->interfaces[i].number = 0;
	writer->count = count;
	return 0;
}

/* Frames until one whose channel has no interface yet. @return how many */
static size_t
put_packets(struct writer *writer, const struct evcan_frame *frames,
    size_t n, struct evcan_buffer *out, struct evcan_encode *info)
{
	const size_t chunk = n < CHUNK ? n : CHUNK;
	uint8_t *start, *p;
	size_t i;

	start = p = evcan_buffer_reserve(out, chunk * PACKET_ROOM +
	    writer->comments.len);
	if (p == NULL)
		return 0;
	for (i = 0; i < chunk; i++) {
		const uint16_t channel = frames[i].channel;

		if (channel >= writer->size ||
		    writer->interfaces[channel].number == 0)
			break;
		p = put_packet(writer, &writer->interfaces[channel], p,
		    &frames[i], info);
	}
	evcan_buffer_commit(out, (size_t)(p - start));
	if (i > 0)
		writer->last_ns = frames[i - 1].time_ns;
	return i;
}

static int
encode(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	struct writer *writer = state;
	const uint32_t count = writer->count;

	while (n > 0) {
		const size_t done = put_packets(writer, frames, n, out, info);

		frames += done;
		n -= done;
		if (n > 0 && find_interface(writer, frames->channel, out) ==
		    NULL)
			break;
		if (out->failed)
			break;
	}
	return out->failed ? forget(writer, count) : 0;
}

/* Statistics of an interface: its losses, and the comments that wait. */
static void
put_statistics(struct writer *writer, struct interface *face, int64_t ns,
    struct evcan_buffer *out)
{
	struct evcan_buffer *comments = &writer->comments;
	uint8_t *start = evcan_buffer_reserve(out, comments->len + 64), *p;

	if (start == NULL)
		return;
	put_place(start, EVCAN_PCAPNG_STATISTICS, face, fit_time(ns));
	p = start + EVCAN_PCAPNG_STATISTICS_HEAD;
	if (comments->len > 0)
		memcpy(p, comments->data, comments->len);
	p += comments->len;
	comments->len = 0;
	p = put_count(p, EVCAN_PCAPNG_ISB_IFDROP, face->by_device);
	p = put_count(p, EVCAN_PCAPNG_ISB_OSDROP, face->by_system);
	p = end_block(start, p);
	evcan_buffer_commit(out, (size_t)(p - start));
}

static int
encode_gap(void *state, const char *channel, const struct evcan_gap *gap,
    struct evcan_buffer *out)
{
	struct writer *writer = state;
	const uint32_t count = writer->count;
	const int number = evcan_channel_intern(channel);
	struct interface *face = find_interface(writer,
	    number > 0 ? (uint16_t)number : EVCAN_CHANNEL_NONE, out);

	if (face == NULL)
		return EVCAN_ERR_NOMEM;
	if (gap->where == EVCAN_LOSS_KERNEL)
		face->by_system += gap->lost;
	else
		face->by_device += gap->lost;
	face->waiting += gap->lost;
	put_statistics(writer, face, gap->time_ns, out);
	return out->failed ? forget(writer, count) : 0;
}

/* Puts the comments that wait where there is something to put them on. */
static int
flush_comments(struct writer *writer, bool must, struct evcan_buffer *out)
{
	const uint32_t count = writer->count;
	struct interface *face = NULL;

	if (writer->comments.len == 0)
		return 0;
	for (size_t i = 0; i < writer->size && face == NULL; i++)
		if (writer->interfaces[i].number > 0)
			face = &writer->interfaces[i];
	if (face == NULL && must) {
		face = find_interface(writer, EVCAN_CHANNEL_NONE, out);
		if (face == NULL)
			return EVCAN_ERR_NOMEM;
	}
	if (face != NULL)
		put_statistics(writer, face, writer->last_ns, out);
	return out->failed ? forget(writer, count) : 0;
}

static int
encode_event(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out)
{
	struct writer *writer = state;
	const size_t len = strnlen(text, TEXT_MAX);
	char comment[sizeof(EVCAN_PCAPNG_EVENT) + EVCAN_TEXT_TIME_MAX + 2 +
	    TEXT_MAX], *p = comment;
	uint8_t *room;

	memcpy(p, EVCAN_PCAPNG_EVENT, sizeof(EVCAN_PCAPNG_EVENT) - 1);
	p = evcan_text_put_time_(p + sizeof(EVCAN_PCAPNG_EVENT) - 1,
	    time_ns, 9);
	*p++ = ':';
	*p++ = ' ';
	for (size_t i = 0; i < len; i++)
		*p++ = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' :
		    text[i];
	if (writer->comments.len > WAITING_MAX &&
	    flush_comments(writer, true, out) < 0)
		return EVCAN_ERR_NOMEM;
	room = evcan_buffer_reserve(&writer->comments, sizeof(comment) + 8);
	if (room == NULL) {
		writer->comments.failed = false;
		return EVCAN_ERR_NOMEM;
	}
	evcan_buffer_commit(&writer->comments, (size_t)(put_option(room,
	    EVCAN_PCAPNG_COMMENT, comment, (size_t)(p - comment)) - room));
	return 0;
}

static int
flush(void *state, struct evcan_buffer *out)
{
	return flush_comments(state, false, out);
}

static size_t
held(const void *state)
{
	return ((const struct writer *)state)->comments.len;
}

static int
finish(void *state, struct evcan_buffer *out)
{
	return flush_comments(state, true, out);
}

static void
write_done(void *state)
{
	struct writer *writer = state;

	free(writer->interfaces);
	free(writer->comments.data);
}

const struct evcan_format evcan_format_pcapng_ = {
	.name = "pcapng",
	.summary = "Wireshark capture, an interface for each channel",
	.suffixes = ".pcapng",
	.attributes = ATTRIBUTES,
	.read_options = evcan_pcapng_read_rows_,
	.read_size = sizeof(struct evcan_pcapng_reader_),
	.bid = evcan_pcapng_bid_,
	.decode = evcan_pcapng_decode_,
	.write_size = sizeof(struct writer),
	.begin = begin,
	.encode = encode,
	.encode_gap = encode_gap,
	.encode_event = encode_event,
	.flush = flush,
	.held = held,
	.finish = finish,
	.write_done = write_done
};

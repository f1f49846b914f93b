/* SPDX-License-Identifier: BSD-3-Clause */
/* pcap.c - libpcap's captures, of SocketCAN's link type and cooked ones */
#include <evcan/format.h>

#include <string.h>

#include <evcan/channel.h>

#include "bytes.h"
#include "can_packet.h"

/*
 * Read: either byte order, micro- and nanoseconds, link types 227, 113 and
 * 276. Written: little-endian, nanoseconds, 227. A capture has no channel,
 * and 227 no direction: pcapng has both.
 *
 * Records have no mark of their own. Where one cannot be true, the reader
 * tells it and searches for the next that can, followed by another.
 */

#define MAGIC_MICROS 0xa1b2c3d4u
#define MAGIC_NANOS 0xa1b23c4du
#define FILE_HEAD 24
#define HEAD 16
#define NS_PER_SEC 1000000000

/* Longest packet: a CAN XL frame's, or anything in a cooked capture. */
#define PACKET_LIMIT 4096u
#define COOKED_LIMIT (256u << 10)

static inline uint32_t
get32(bool big, const uint8_t *p)
{
	return big ? evcan_packet_be32_(p) : get_le32(p);
}

static inline void
put32(bool big, uint8_t *p, uint32_t v)
{
	if (!big) {
		put_le32(p, v);
		return;
	}
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* What a file's header says. */
struct kind {
	bool big;
	uint32_t unit;       /* nanoseconds of a fraction's step: 1 or 1000 */
	unsigned link;
	uint32_t snaplen;
};

/* @return false: the magic number is none of ours */
static bool
get_magic(const uint8_t *p, struct kind *kind)
{
	for (int big = 0; big < 2; big++) {
		const uint32_t magic = get32(big, p);

		kind->big = big;
		kind->unit = magic == MAGIC_NANOS ? 1 : 1000;
		if (magic == MAGIC_NANOS || magic == MAGIC_MICROS)
			return true;
	}
	return false;
}

static void
get_kind(const uint8_t *p, struct kind *kind)
{
	kind->snaplen = get32(kind->big, p + 16);
	/* The upper half tells of check sums that CAN packets have not. */
	kind->link = get32(kind->big, p + 20) & 0xffff;
}

/* Reading */

struct reader {
	const char *name;     /* options */
	int id_order;
	uint16_t channel;
	struct kind kind;
	uint32_t least, limit;   /* captured bytes of a record */
	bool begun;           /* the header is read */
	bool big_ids;         /* in the packets */
	bool plain;           /* packets can be as the fast way takes them */
	bool refused;         /* nothing here for us */
	bool searching;       /* for a record, after damage */
};

static const struct evcan_option read_rows[] = {
	{ .name = "channel", .type = EVCAN_OPTION_TEXT,
	  .help = "channel of the frames, as the capture does not tell it",
	  .offset = offsetof(struct reader, name) },
	{ .name = "id_order", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "link", .choices = EVCAN_ID_ORDER_CHOICES,
	  .help = EVCAN_ID_ORDER_HELP,
	  .offset = offsetof(struct reader, id_order) },
	{ .name = NULL }
};

static int
read_begin(void *state, const struct evcan_file *file,
    struct evcan_error *err)
{
	struct reader *reader = state;
	int channel = 0;

	(void)file;
	if (reader->name != NULL && *reader->name != '\0')
		channel = evcan_channel_intern(reader->name);
	if (channel < 0)
		return evcan_error_set(err, channel, 0,
		    "option channel: \"%.100s\" cannot be a channel's name",
		    reader->name);
	reader->channel = (uint16_t)channel;
	return 0;
}

static int
bid(const uint8_t *data, size_t len)
{
	struct kind kind;

	return len >= 4 && get_magic(data, &kind) ? 100 : 0;
}

/* @return EVCAN_ERR_SYNTAX: the rest of the file is passed over */
static int
refuse(struct reader *reader, const struct evcan_span *span,
    struct evcan_decode *out)
{
	reader->refused = true;
	out->error_offset = span->offset;
	out->used = span->len;
	return EVCAN_ERR_SYNTAX;
}

/* @return 0 (begun, or more bytes are needed) or negative */
static int
get_header(struct reader *reader, const struct evcan_span *span,
    struct evcan_decode *out)
{
	struct kind *kind = &reader->kind;

	if (span->len < FILE_HEAD && (!span->end || span->len == 0))
		return 0;
	if (span->len < FILE_HEAD || !get_magic(span->data, kind)) {
		evcan_error_set(&out->error, EVCAN_ERR_SYNTAX, 0,
		    span->len < FILE_HEAD ?
		    "the capture ends inside its header" :
		    "does not begin as a pcap capture does");
		return refuse(reader, span, out);
	}
	get_kind(span->data, kind);
	if (!evcan_packet_is_can_(kind->link)) {
		evcan_error_set(&out->error, EVCAN_ERR_SYNTAX, 0,
		    "link type %u is not CAN; those that can be read: "
		    EVCAN_LINK_WANTED, kind->link);
		return refuse(reader, span, out);
	}
	reader->least = kind->link == EVCAN_LINK_SOCKETCAN ? 8 : 1;
	reader->limit = kind->link == EVCAN_LINK_SOCKETCAN ? PACKET_LIMIT :
	    COOKED_LIMIT;
	reader->big_ids = evcan_packet_id_is_big_(kind->link, kind->big,
	    reader->id_order);
	reader->plain = reader->big_ids && kind->link == EVCAN_LINK_SOCKETCAN;
	reader->begun = true;
	out->used = FILE_HEAD;
	return 0;
}

/* Whether these 16 bytes can be the head of a record. A fraction that was
 * rounded up to a whole second passes. */
static inline bool
is_head(const struct reader *reader, bool big, const uint8_t *p)
{
	const uint32_t size = get32(big, p + 8);

	return get32(big, p + 4) <= NS_PER_SEC / reader->kind.unit &&
	    size >= reader->least && size <= reader->limit;
}

/* Some writers are careless with the original length: it only counts where
 * there is doubt. */
static bool
is_sure_head(const struct reader *reader, const uint8_t *p)
{
	const bool big = reader->kind.big;
	const uint32_t original = get32(big, p + 12);

	return is_head(reader, big, p) && original >= get32(big, p + 8) &&
	    original <= reader->limit;
}

/* Whether a record stands here for sure: a frame, and another head or the
 * end behind it. @param more set when that takes more bytes to know */
static bool
is_record(const struct reader *reader, const uint8_t *p, size_t left,
    bool end, bool *more)
{
	const struct kind *kind = &reader->kind;
	struct evcan_frame frame;
	const char *why;
	uint32_t size;

	*more = !end && left < HEAD;
	if (left < HEAD || !is_sure_head(reader, p))
		return false;
	size = get32(kind->big, p + 8);
	*more = !end && left < HEAD + size + HEAD;
	if (*more || left < HEAD + size || evcan_packet_get_(kind->link,
	    reader->big_ids, p + HEAD, size, &frame, &why) != EVCAN_PACKET_FRAME)
		return false;
	return left < HEAD + size + HEAD ||
	    is_head(reader, kind->big, p + HEAD + size);
}

/* Goes on to the next record, as far as the span reaches. */
static void
search(struct reader *reader, const struct evcan_span *span,
    struct evcan_decode *out)
{
	bool more = false;

	while (out->used < span->len) {
		reader->searching = !is_record(reader, span->data +
		    out->used, span->len - out->used, span->end, &more);
		if (!reader->searching || more)
			return;
		out->used++;
	}
}

/* What stands here is no record. */
static int
damaged(struct reader *reader, const struct evcan_span *span,
    struct evcan_decode *out)
{
	const uint8_t *p = span->data + out->used;
	const size_t left = span->len - out->used;

	out->error_offset = span->offset + out->used;
	if (left < HEAD || (is_head(reader, reader->kind.big, p) &&
	    left - HEAD < get32(reader->kind.big, p + 8)))
		evcan_error_set(&out->error, EVCAN_ERR_SYNTAX, 0,
		    "the capture ends inside a record");
	else
		evcan_error_set(&out->error, EVCAN_ERR_SYNTAX, 0,
		    "no record can begin like this (a fraction of %lu, %lu "
		    "of %lu bytes captured); going on at the next that can",
		    (unsigned long)get32(reader->kind.big, p + 4),
		    (unsigned long)get32(reader->kind.big, p + 8),
		    (unsigned long)get32(reader->kind.big, p + 12));
	out->used++;
	reader->searching = true;
	search(reader, span, out);
	return EVCAN_ERR_SYNTAX;
}

static int
bad_packet(const struct evcan_span *span, size_t size, const char *why,
    struct evcan_decode *out)
{
	out->error_offset = span->offset + out->used;
	out->used += size;
	return evcan_error_set(&out->error, EVCAN_ERR_SYNTAX, 0, "%s", why);
}

static inline enum evcan_packet_kind_
get_packet(const struct reader *reader, const uint8_t *p, size_t size,
    size_t left, struct evcan_frame *frame, const char **why)
{
	/* The fast way loads 8 bytes of data whatever there are. */
	if (left >= 16 && reader->plain &&
	    evcan_packet_get_fast_(p, size, frame))
		return EVCAN_PACKET_FRAME;
	return evcan_packet_get_(reader->kind.link, reader->big_ids, p, size,
	    frame, why);
}

/* Made twice, once for each byte order. */
static inline int
get_records(struct reader *reader, const bool big,
    const struct evcan_span *span, struct evcan_frame *frames, size_t max,
    struct evcan_decode *out)
{
	const int64_t unit = reader->kind.unit;
	const uint16_t channel = reader->channel;
	size_t n = 0;

	while (n < max) {
		const uint8_t *p = span->data + out->used;
		const size_t left = span->len - out->used;
		const char *why = NULL;
		uint32_t size = 0;

		if (left >= HEAD)
			size = get32(big, p + 8);
		if (left < HEAD || !is_head(reader, big, p) ||
		    left - HEAD < size) {
			if (left == 0 || n > 0 || (!span->end &&
			    (left < HEAD || is_head(reader, big, p))))
				return (int)n;
			return damaged(reader, span, out);
		}
		switch (get_packet(reader, p + HEAD, size, left - HEAD,
		    &frames[n], &why)) {
		case EVCAN_PACKET_FRAME:
			break;
		case EVCAN_PACKET_OTHER:
			out->skipped++;
			out->used += HEAD + size;
			continue;
		case EVCAN_PACKET_BAD:
			if (n > 0)
				return (int)n;
			if (!is_sure_head(reader, p))
				return damaged(reader, span, out);
			return bad_packet(span, HEAD + size, why, out);
		}
		evcan_packet_set_time_(&frames[n], get32(big, p) *
		    (int64_t)NS_PER_SEC + get32(big, p + 4) * unit);
		frames[n].channel = channel;
		out->used += HEAD + size;
		n++;
	}
	return (int)n;
}

static int
decode(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out)
{
	struct reader *reader = state;

	if (reader->refused) {
		out->used = span->len;
		return 0;
	}
	if (!reader->begun) {
		const int r = get_header(reader, span, out);

		if (r < 0 || !reader->begun)
			return r;
	}
	if (reader->searching)
		search(reader, span, out);
	if (reader->searching)
		return 0;
	return reader->kind.big ?
	    get_records(reader, true, span, frames, max, out) :
	    get_records(reader, false, span, frames, max, out);
}

/* Writing */

#define SNAPLEN (256u << 10)

/* Frames that room is made for at a time. */
#define CHUNK 32

struct writer {
	struct kind kind;
	int64_t sec_ns;      /* where the second of the last frame began */
	uint32_t sec;
};

enum lost {
	LOST_CHANNEL = EVCAN_PACKET_LOST_NEXT,
	LOST_DIRECTION,
	LOST_NANOSECONDS
};
#define ATTRIBUTES \
	EVCAN_PACKET_ATTRIBUTES " channel direction nanoseconds"

/* A file that is there goes on as it began. */
static int
continue_file(struct kind *kind, const struct evcan_past *past,
    struct evcan_error *err)
{
	if (past->head_len < FILE_HEAD || !get_magic(past->head, kind))
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "is no pcap capture, or cannot be read: nothing can be "
		    "appended to it");
	get_kind(past->head, kind);
	if (kind->link != EVCAN_LINK_SOCKETCAN)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "has link type %u: only captures of %d (SocketCAN) can "
		    "be appended to", kind->link, EVCAN_LINK_SOCKETCAN);
	if (kind->snaplen != 0 && kind->snaplen < EVCAN_PACKET_MAX)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "has a snapshot length of %lu bytes, less than the %d of "
		    "a frame: it cannot be appended to",
		    (unsigned long)kind->snaplen, EVCAN_PACKET_MAX);
	return 0;
}

static int
begin(void *state, const struct evcan_past *past, struct evcan_buffer *out,
    struct evcan_error *err)
{
	struct writer *writer = state;
	uint8_t head[FILE_HEAD] = { 0 };

	if (past != NULL)
		return continue_file(&writer->kind, past, err);
	writer->kind.unit = 1;
	put_le32(head, MAGIC_NANOS);
	put_le16(head + 4, 2);
	put_le16(head + 6, 4);
	put_le32(head + 16, SNAPLEN);
	put_le32(head + 20, EVCAN_LINK_SOCKETCAN);
	evcan_buffer_append(out, head, sizeof(head));
	return 0;
}

/* The nearest time that a record can hold. */
static inline int64_t
fit_time(int64_t ns)
{
	const int64_t last = (int64_t)UINT32_MAX * NS_PER_SEC +
	    (NS_PER_SEC - 1);

	return ns < 0 ? 0 : ns > last ? last : ns;
}

static inline void
put_time(struct writer *writer, uint8_t *p, int64_t ns)
{
	if (ns < writer->sec_ns || ns - writer->sec_ns >= NS_PER_SEC) {
		writer->sec = (uint32_t)(ns / NS_PER_SEC);
		writer->sec_ns = (int64_t)writer->sec * NS_PER_SEC;
	}
	put32(writer->kind.big, p, writer->sec);
	ns -= writer->sec_ns;
	put32(writer->kind.big, p + 4, writer->kind.unit == 1 ?
	    (uint32_t)ns : (uint32_t)ns / 1000);
}

static inline uint8_t *
put_record(struct writer *writer, uint8_t *p,
    const struct evcan_frame *frame, struct evcan_encode *info)
{
	const int64_t ns = fit_time(frame->time_ns);
	uint32_t original;
	size_t size = evcan_packet_put_(p + HEAD, frame, &original);

	if (size == 0) {
		info->unfit++;
		return p;
	}
	put_time(writer, p, ns);
	put32(writer->kind.big, p + 8, (uint32_t)size);
	put32(writer->kind.big, p + 12, original);
	if (!evcan_packet_is_whole_(frame, ns))
		evcan_packet_count_lost_(frame, ns, info->lost);
	if (frame->channel != EVCAN_CHANNEL_NONE)
		info->lost[LOST_CHANNEL]++;
	if (frame->dir != EVCAN_DIR_RX)
		info->lost[LOST_DIRECTION]++;
	if (writer->kind.unit > 1)
		info->lost[LOST_NANOSECONDS] += ns % 1000 != 0;
	return p + HEAD + size;
}

static int
encode(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	struct writer *writer = state;

	while (n > 0) {
		const size_t chunk = n < CHUNK ? n : CHUNK;
		uint8_t *start, *p;

		start = p = evcan_buffer_reserve(out,
		    chunk * (HEAD + EVCAN_PACKET_MAX));
		if (p == NULL)
			return 0;   /* core sees out->failed */
		for (size_t i = 0; i < chunk; i++)
			p = put_record(writer, p, &frames[i], info);
		evcan_buffer_commit(out, (size_t)(p - start));
		frames += chunk;
		n -= chunk;
	}
	return 0;
}

const struct evcan_format evcan_format_pcap_ = {
	.name = "pcap",
	.summary = "libpcap capture of SocketCAN, in nanoseconds",
	.suffixes = ".pcap",
	.attributes = ATTRIBUTES,
	.read_options = read_rows,
	.read_size = sizeof(struct reader),
	.bid = bid,
	.read_begin = read_begin,
	.decode = decode,
	.write_size = sizeof(struct writer),
	.begin = begin,
	.encode = encode
};

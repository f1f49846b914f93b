/* SPDX-License-Identifier: BSD-3-Clause */
/* trc.c - PEAK-System's TRC: trace files of PCAN-View and its kin */
#include <string.h>

#include <evcan/format.h>

#include "bytes.h"
#include "text.h"
#include "trc_row.h"
#include "trc_write.h"

/*
 * Text with a header of comments. Rows differ from version to version, and
 * those from 2.0 on name their columns in the header: see trc_row.c for the
 * full grammar, trc_header.c for the header. Times are milliseconds from a
 * start that the header tells as a local wall clock; without it the log is
 * relative. Reading is quick where rows have PEAK's own form of version 2.1.
 */

static int
read_begin(void *state, const struct evcan_file *file, struct evcan_error *err)
{
	(void)file;
	return evcan_trc_reader_begin_(state, err);
}

#define EACH_BYTE(b) (0x0101010101010101u * (b))

/* "123.456 " as microseconds. @return false: they are not */
static inline bool
millis(uint64_t x, uint32_t *micros)
{
	/* Digits in a row, the point and the blank taken out. */
	const uint64_t y = ((x & 0xffffff) | (x >> 8 & 0xffffff000000)) -
	    0x303030303030u;
	uint64_t pairs;

	if ((x & 0xff000000ff000000u) != 0x200000002e000000u ||
	    ((y | (y + 0x767676767676u)) & EACH_BYTE(0x80)) != 0)
		return false;
	pairs = y * 10 + (y >> 8);
	*micros = (uint32_t)((pairs & 0xff) * 10000 +
	    (pairs >> 16 & 0xff) * 100 + (pairs >> 32 & 0xff));
	return true;
}

/* Eight hex digits, the first pair in the lowest byte. */
static inline bool
hex8(uint64_t x, uint32_t *out)
{
	const uint64_t low = x | EACH_BYTE(0x20);
	const uint64_t digit = (x + EACH_BYTE(0x80 - '0')) &
	    ~(x + EACH_BYTE(0x80 - '9' - 1));
	const uint64_t alpha = (low + EACH_BYTE(0x80 - 'a')) &
	    ~(low + EACH_BYTE(0x80 - 'f' - 1)) & EACH_BYTE(0x80);
	uint64_t n;

	/* Sums stay within their bytes only when no byte is 0x80 or more. */
	if (((digit | alpha) & ~x & EACH_BYTE(0x80)) != EACH_BYTE(0x80))
		return false;
	n = (x & EACH_BYTE(0x0f)) + (alpha >> 7) * 9;
	n = (n << 4 | n >> 8) & 0x00ff00ff00ff00ffu;
	n = (n | n >> 8) & 0x0000ffff0000ffffu;
	*out = (uint32_t)(n | n >> 16);
	return true;
}

/* Blanks, then at least one digit up to the number's end. */
static inline bool
fast_number(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] == ' ')
		i++;
	if (i == len)
		return false;
	for (; i < len; i++)
		if ((uint8_t)(p[i] - '0') > 9)
			return false;
	return true;
}

/* One digit and a blank, in either order. @return the channel, or 0 */
static inline uint16_t
fast_channel(struct evcan_trc_reader_ *reader, const uint8_t *p)
{
	const uint8_t digit = (uint8_t)((p[0] == ' ' ? p[1] : p[0]) - '0');

	if (digit > 9 || (p[0] != ' ' && p[1] != ' '))
		return 0;
	if (reader->channel_of[digit] == 0)
		reader->channel_of[digit] = evcan_channel_map_channel_(
		    &reader->map, digit);
	return reader->channel_of[digit];
}

/* Eight columns with 4, 7 or 8 digits. */
static inline bool
fast_id(const uint8_t *p, struct evcan_frame *frame)
{
	uint64_t x = get_le64(p);
	uint32_t id;

	if ((uint32_t)x == 0x20202020u) {
		const uint8_t a = evcan_hex_value_[p[4]];
		const uint8_t b = evcan_hex_value_[p[5]];
		const uint8_t c = evcan_hex_value_[p[6]];
		const uint8_t d = evcan_hex_value_[p[7]];

		frame->id = (uint32_t)(b << 8 | c << 4 | d);
		frame->flags = 0;
		return a == 0 && b <= 7 && (c | d) <= 15;
	}
	if ((x & 0xff) == ' ')
		x ^= ' ' ^ '0';
	if (!hex8(x, &id))
		return false;
	frame->id = (id & 0xff) << 24 | (id & 0xff00) << 8 |
	    (id >> 8 & 0xff00) | id >> 24;
	frame->flags = EVCAN_FRAME_EXT;
	return frame->id <= EVCAN_MAX_EXT_ID;
}

/* Bytes with a blank between them. @return behind them, or NULL */
static inline const uint8_t *
fast_data(const uint8_t *p, unsigned len, struct evcan_frame *frame)
{
	unsigned bad = 0;

	memset(frame->data, 0, 8);
	for (unsigned i = 0; i < len; i++, p += 3) {
		const uint8_t hi = evcan_hex_value_[p[0]];
		const uint8_t lo = evcan_hex_value_[p[1]];

		frame->data[i] = (uint8_t)(hi << 4 | lo);
		bad |= hi | lo;
		/* Behind the last byte something else may stand. */
		bad |= i + 1 < len && p[2] != ' ' ? 16 : 0;
	}
	frame->len = frame->dlc = (uint8_t)len;
	if (len > 0)
		p--;
	return bad <= 15 ? p : NULL;
}

/* How far behind a line's start fast_row() may look. */
#define FAST_BYTES 128

/* Where a row's parts stand behind its offset. */
enum {
	AT_TYPE = 8, AT_BUS = 11, AT_ID = 14, AT_DIRECTION = 22,
	AT_LENGTH = 29, AT_DATA = 34
};

/* The shape that nearly every row has: a second seen before, a classic data
 * frame in PEAK's columns. @return the next line, or NULL: on any surprise */
static inline const uint8_t *
fast_row(struct evcan_trc_reader_ *reader, const uint8_t *p,
    struct evcan_frame *frame)
{
	uint32_t micros;
	uint8_t len;

	if (!fast_number(p, reader->number_len))
		return NULL;
	p += reader->number_len;
	if ((get_le64(p) & reader->second_mask) != reader->second_key)
		return NULL;
	p += reader->second_len;
	if (!millis(get_le64(p), &micros) || p[AT_TYPE] != 'D' ||
	    p[AT_TYPE + 1] != 'T' || p[AT_TYPE + 2] != ' ' ||
	    p[AT_ID - 1] != ' ' || !fast_id(p + AT_ID, frame))
		return NULL;
	/* " Rx -  8    " */
	if ((get_le64(p + AT_DIRECTION) & 0x00ffffffffff00ff) !=
	    0x0020202d20780020 ||
	    get_le32(p + AT_LENGTH + 1) != 0x20202020u)
		return NULL;
	frame->dir = p[AT_DIRECTION + 1] == 'T' ? EVCAN_DIR_TX :
	    EVCAN_DIR_RX;
	len = (uint8_t)(p[AT_LENGTH] - '0');
	if ((frame->dir == EVCAN_DIR_RX && p[AT_DIRECTION + 1] != 'R') ||
	    len > 8)
		return NULL;
	frame->channel = fast_channel(reader, p + AT_BUS);
	if (frame->channel == 0)
		return NULL;
	frame->time_ns = reader->second_ns + (int64_t)micros * 1000;
	frame->clock = reader->clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	p = fast_data(p + AT_DATA, len, frame);
	if (p == NULL)
		return NULL;
	if (*p == ' ')
		p++;
	if (*p == '\r')
		p++;
	return *p == '\n' ? p + 1 : NULL;
}

static int
decode(void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out)
{
	struct evcan_trc_reader_ *reader = state;
	struct evcan_lines_ *lines = &reader->lines;
	const char *start = (const char *)span->data, *p = start, *next;
	const char *end = start + span->len;
	const char *fast_end = span->len > FAST_BYTES ? end - FAST_BYTES : p;
	size_t n = 0;
	bool got;

	while (n < max && p < end && lines->why == NULL && !out->has_event) {
		if (p < fast_end && reader->second_len > 0 &&
		    !lines->skipping) {
			next = (const char *)fast_row(reader,
			    (const uint8_t *)p, &frames[n]);
			if (next != NULL) {
				n++;
				out->line++;
				p = next;
				continue;
			}
		}
		next = evcan_lines_next_(lines, p, end, span->end,
		    evcan_trc_line_, reader, &frames[n], &got, out);
		n += got;
		if (next == p)
			break;
		p = next;
	}
	out->used = (size_t)(p - start);
	if (n == 0 && lines->why != NULL)
		return evcan_lines_tell_(lines, out);
	return (int)n;
}

/* Rows and other lines that are looked at before a log is given up. */
#define BID_LINES 100

static int
bid(const uint8_t *data, size_t len)
{
	const char *end = (const char *)data + len, *eol, *next;
	const char *p = evcan_lines_skip_bom_((const char *)data, end);
	struct evcan_trc_reader_ probe = { .probing = true };
	struct evcan_decode out = { .line = 1 };
	struct evcan_frame frame;
	struct evcan_fault_ fault;
	int comments = 0;

	for (int i = 0; i < BID_LINES && p < end; i++, p = next) {
		next = evcan_lines_end_(p, end, true, &eol);
		if (next == NULL || next == p)
			break;
		switch (evcan_trc_line_(&probe, p, eol, &frame, &out,
		    &fault)) {
		case EVCAN_LINE_FRAME:
			return probe.told_version ? 95 : 70;
		case EVCAN_LINE_OTHER:
			if (out.skipped > 0 && probe.columns[0] == '\0')
				return 0;   /* words */
			comments += *p == ';';
			break;
		case EVCAN_LINE_BAD:
			return probe.told_version ? 90 : 0;
		}
	}
	if (probe.told_version)
		return 95;
	return probe.columns[0] != '\0' ? 60 : comments > 0;
}

static const struct evcan_option read_rows[] = {
	{ .name = "tz", .type = EVCAN_OPTION_TEXT, .fallback = "local",
	  .help = EVCAN_ZONE_HELP,
	  .offset = offsetof(struct evcan_trc_reader_, tz) },
	{ .name = "channels", .type = EVCAN_OPTION_TEXT,
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct evcan_trc_reader_, channels) },
	{ .name = NULL }
};

const struct evcan_format evcan_format_trc_ = {
	.name = "trc",
	.summary = "PEAK-System trace, versions 1.0 to 2.1",
	.suffixes = ".trc",
	.attributes = EVCAN_TRC_ATTRIBUTES,
	.flags = EVCAN_FORMAT_TEXT,
	.read_options = read_rows,
	.read_size = sizeof(struct evcan_trc_reader_),
	.bid = bid,
	.read_begin = read_begin,
	.decode = decode,
	.write_options = evcan_trc_write_rows_,
	.write_size = sizeof(struct evcan_trc_writer_),
	.begin = evcan_trc_begin_,
	.encode = evcan_trc_encode_,
	.encode_gap = evcan_trc_encode_gap_,
	.encode_event = evcan_trc_encode_event_,
	.finish = evcan_trc_finish_,
	.write_done = evcan_trc_write_done_
};

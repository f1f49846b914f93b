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
 * relative. Reading is quick where rows have PEAK's own form of versions 1.1,
 * 1.3, 2.0 or 2.1.
 */

static int
read_begin(void *state, const struct evcan_file *file, struct evcan_error *err)
{
	(void)file;
	return evcan_trc_reader_begin_(state, err);
}

/* "123.456 ", or as many decimals as there are, as microseconds. The point
 * and what stands behind is known to be there. @return false: not digits */
static inline bool
millis(uint64_t x, unsigned decimals, uint32_t *micros)
{
	if (decimals == 1)
		x = (x & 0xffffffffffu) | (uint64_t)('0' | '0' << 8) << 40;
	/* Digits in a row, the point taken out. */
	return evcan_micros6_((x & 0xffffff) | (x >> 8 & 0xffffff000000),
	    micros);
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
	uint64_t x = get_le64(p), id;

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
	if (evcan_hex_digits_(x, &id) != 0)
		return false;
	frame->id = evcan_hex_number_(id);
	frame->flags = EVCAN_FRAME_EXT;
	return frame->id <= EVCAN_MAX_EXT_ID;
}

/* How far behind a line's start fast_row() may look. */
#define FAST_BYTES 128

/* Whether all that does not differ from row to row is there. */
static inline bool
has_shape(const struct evcan_trc_fast_ *fast, const uint8_t *p)
{
	uint64_t wrong = 0;

	for (unsigned i = 0; i < EVCAN_TRC_WORDS; i++)
		wrong |= (get_le64(p + 8 * i) & fast->text[i].mask) ^
		    fast->text[i].key;
	return wrong == 0;
}

/* The shape that nearly every row has: a second seen before, a classic data
 * frame in PEAK's columns. @return the next line, or NULL: on any surprise */
static const char *
fast_row(void *state, const char *line, const char *end,
    struct evcan_frame *frame)
{
	struct evcan_trc_reader_ *reader = state;
	const struct evcan_trc_fast_ *fast = &reader->fast;
	const uint8_t *p = (const uint8_t *)line;
	static const uint8_t only[2] = { '1', ' ' };
	unsigned len, dir;
	uint32_t micros;

	(void)end;
	if (reader->second.len == 0 || !fast_number(p, reader->number_len))
		return NULL;
	p += reader->number_len;
	if (!evcan_second_is_(&reader->second, p))
		return NULL;
	p += reader->second.len;
	if (!has_shape(fast, p) ||
	    !millis(get_le64(p), fast->decimals, &micros) ||
	    !fast_id(p + fast->id, frame))
		return NULL;
	len = p[fast->length] - (unsigned)'0';
	dir = p[fast->direction] - (unsigned)'R';   /* 0, or 2 for a T */
	if ((dir & ~2u) != 0 || len > 8)
		return NULL;
	/* A file of one bus does not tell its number. */
	frame->channel = fast_channel(reader, fast->bus != 0 ?
	    p + fast->bus : only);
	if (frame->channel == 0)
		return NULL;
	frame->dir = (uint8_t)(dir >> 1);
	frame->time_ns = reader->second.ns + (int64_t)micros * 1000;
	frame->clock = reader->second.clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	p += fast->data - 1;   /* a blank, and before each byte */
	if (!evcan_spaced_data_(p, len, frame))
		return NULL;
	p += 3 * len;
	if (*p == ' ')
		p++;
	if (*p == '\r')
		p++;
	return *p == '\n' ? (const char *)p + 1 : NULL;
}

static int
decode(void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out)
{
	struct evcan_trc_reader_ *reader = state;

	return evcan_lines_decode_fast_(&reader->lines, fast_row, FAST_BYTES,
	    evcan_trc_line_, reader, span, frames, max, out);
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

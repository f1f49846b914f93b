/* SPDX-License-Identifier: BSD-3-Clause */
/* asc_read.c - Vector ASC: the decoder, and a fast path for most lines */
#include <string.h>

#include <evcan/options.h>

#include "asc.h"
#include "bytes.h"

const struct evcan_option evcan_asc_read_rows_[] = {
	{ .name = "base", .type = EVCAN_OPTION_CHOICE, .fallback = "hex",
	  .choices = "hex dec",
	  .help = "base of identifiers and data in a log that does not tell",
	  .offset = offsetof(struct evcan_asc_reader_, base) },
	{ .name = "relative_timestamp", .type = EVCAN_OPTION_BOOL,
	  .fallback = "false",
	  .help = "times count from the log's start, whatever date it tells",
	  .offset = offsetof(struct evcan_asc_reader_, relative_timestamp) },
	{ .name = "tz", .type = EVCAN_OPTION_TEXT, .fallback = "local",
	  .help = EVCAN_ZONE_HELP,
	  .offset = offsetof(struct evcan_asc_reader_, tz) },
	{ .name = "channels", .type = EVCAN_OPTION_TEXT,
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct evcan_asc_reader_, channels) },
	{ .name = NULL }
};

int
evcan_asc_read_begin_(void *state, const struct evcan_file *file,
    struct evcan_error *err)
{
	struct evcan_asc_reader_ *reader = state;
	int r;

	(void)file;
	evcan_asc_session_(reader);
	r = evcan_zone_parse_(&reader->zone, reader->tz, err);
	if (r == 0)
		r = evcan_channel_map_init_(&reader->map, reader->channels,
		    err);
	return r;
}

/*
 * The fast path knows the columns that can-utils, CANoe and evcan write,
 * classic data frames, 6 or 9 decimals:
 *
 *    0.020600 3  69B             Tx   d 8 56 0C 20 A5 E1 B4 96 40
 */

/* Decimals and a blank. @return behind it, or NULL */
static inline const uint8_t *
fast_decimals(const uint8_t *p, int64_t *ns)
{
	uint32_t micros;

	if (!evcan_micros6_(get_le64(p), &micros))
		return NULL;
	*ns = (int64_t)micros * 1000;
	if (p[6] == ' ')
		return p + 7;
	if (p[9] != ' ')
		return NULL;
	for (unsigned i = 6, unit = 100; i < 9; i++, unit /= 10) {
		const unsigned digit = (unsigned)p[i] - '0';

		if (digit > 9)
			return NULL;
		*ns += (int64_t)(digit * unit);
	}
	return p + 10;
}

/* An identifier of any length, from 16 characters: without branches, as
 * nothing about it can be guessed. @return false: on a surprise */
static inline bool
any_id(uint64_t x, uint64_t y, const uint8_t *p, struct evcan_frame *frame)
{
	uint64_t values, rest;
	/* The digits at the front end where something else is. */
	const unsigned n = evcan_bytes_before_(evcan_hex_digits_(x, &values));
	const unsigned is_x = p[n] == 'x';

	/* Then x or a blank, then blanks; n may be 8, is_x be behind. */
	rest = n < 8 ? (x ^ EVCAN_BLANKS) >> 8 * n : y ^ EVCAN_BLANKS;
	rest ^= is_x * (uint64_t)('x' ^ ' ');
	rest |= n < 8 ? y ^ EVCAN_BLANKS : 0;
	frame->id = (uint32_t)((uint64_t)evcan_hex_number_(values) >>
	    4 * (8 - n));
	frame->flags = (uint16_t)(is_x * EVCAN_FRAME_EXT);
	return ((rest != 0) | (n == 0) | (frame->id >
	    (is_x ? EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID))) == 0;
}

/* An identifier and blanks, 16 characters. Three digits are most common.
 * @return false: on a surprise */
static inline bool
fast_id(const uint8_t *p, struct evcan_frame *frame)
{
	const uint64_t x = get_le64(p), y = get_le64(p + 8);
	const unsigned a = evcan_hex_value_[p[0]];
	const unsigned b = evcan_hex_value_[p[1]];
	const unsigned c = evcan_hex_value_[p[2]];

	/* a > 7 is also what is no digit at all. */
	if (x >> 24 != EVCAN_BLANKS >> 24 || y != EVCAN_BLANKS || a > 7 ||
	    (b | c) > 15)
		return any_id(x, y, p, frame);
	frame->id = a << 8 | b << 4 | c;
	frame->flags = 0;
	return true;
}

/* The end of the line behind its data: at once, or after words that do not
 * matter. @return the next line, or NULL: not near, or a surprise */
static inline const uint8_t *
fast_end(const uint8_t *p, const uint8_t *end)
{
	if (get_le16(p) == ('\r' | '\n' << 8))
		return p + 2;
	if (*p == '\n')
		return p + 1;
	if (*p != ' ')
		return NULL;
	for (; p + 8 < end; p += 8) {
		const uint64_t x = get_le64(p);

		/* No character below a blank among eight */
		if (((x - EVCAN_BLANKS) & ~x & EVCAN_TOP_BITS) != 0)
			break;
	}
	while (p + 1 < end && *p >= ' ')
		p++;
	if (*p == '\r')
		p++;
	return p < end && *p == '\n' ? p + 1 : NULL;
}

/* How far behind a line's start fast_line() looks but for its tail. */
#define FAST_BYTES 96

/* @return the next line, or NULL: on any surprise */
static const char *
fast_line(void *state, const char *line, const char *end,
    struct evcan_frame *frame)
{
	struct evcan_asc_reader_ *reader = state;
	const uint8_t *p = (const uint8_t *)line;
	int64_t ns;
	uint64_t x;
	unsigned n, dir;

	if (reader->second.len == 0 || !evcan_second_is_(&reader->second, p))
		return NULL;
	p = fast_decimals(p + reader->second.len, &ns);
	if (p == NULL)
		return NULL;
	ns += reader->second.ns;
	if (reader->gaps && (ns += reader->last_ns) >= EVCAN_ASC_EPOCH)
		return NULL;
	frame->time_ns = reader->start_ns + ns;
	frame->clock = reader->clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	n = (unsigned)p[0] - '0';
	if (n > 9 || get_le16(p + 1) != (' ' | ' ' << 8))
		return NULL;
	frame->channel = reader->channel[n];
	if (frame->channel == 0 || !fast_id(p + 3, frame))
		return NULL;
	p += 19;
	/* "Rx   d 8", and the direction's letter apart */
	x = get_le64(p);
	n = (unsigned)(x >> 56) - '0';
	dir = (unsigned)p[0] - 'R';   /* 0, or 2 for a T */
	frame->dir = (uint8_t)(dir >> 1);
	if ((x & 0x00ffffffffffff00u) != 0x0020642020207800u ||
	    (dir & ~2u) != 0 || n > 8 || !evcan_spaced_data_(p + 8, n, frame))
		return NULL;
	p = fast_end(p + 8 + 3 * n, (const uint8_t *)end);
	if (p != NULL)
		reader->last_ns = ns;
	return (const char *)p;
}

int
evcan_asc_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out)
{
	struct evcan_asc_reader_ *reader = state;

	return evcan_lines_decode_fast_(&reader->lines, fast_line, FAST_BYTES,
	    evcan_asc_line_, reader, span, frames, max, out);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* asc_read.c - Vector ASC: the decoder, and a fast path for most lines */
#include <string.h>

#include <evcan/options.h>

#include "asc.h"
#include "bytes.h"
#include "text.h"

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
 *
 * Eight characters at a time are one number, the first in its lowest byte.
 */

#define EACH_BYTE(b) (0x0101010101010101u * (b))
#define BLANKS EACH_BYTE(0x20)
#define TOP EACH_BYTE(0x80)

/* Eight characters: bit 7 of each that is a hex digit, and the values. After
 * one of 0x80 or more nothing is right any more. */
static inline uint64_t
hex_digits(uint64_t x, uint64_t *values)
{
	const uint64_t low = x | BLANKS;
	const uint64_t digit = (x + EACH_BYTE(0x80 - '0')) &
	    ~(x + EACH_BYTE(0x80 - '9' - 1));
	const uint64_t alpha = (low + EACH_BYTE(0x80 - 'a')) &
	    ~(low + EACH_BYTE(0x80 - 'f' - 1)) & TOP;

	*values = (x & EACH_BYTE(0x0f)) + (alpha >> 7) * 9;
	return (digit | alpha) & ~x & TOP;
}

/* Six decimal digits in the low bytes. @return false: they are not */
static inline bool
micros6(uint64_t x, uint32_t *out)
{
	uint64_t y = (x & 0xffffffffffffu) - 0x303030303030u;

	if (((y | (y + 0x767676767676u)) & 0x808080808080u) != 0)
		return false;
	y = y * 10 + (y >> 8);
	*out = (uint32_t)((y & 0xff) * 10000 + (y >> 16 & 0xff) * 100 +
	    (y >> 32 & 0xff));
	return true;
}

/* Decimals and a blank. @return behind it, or NULL */
static inline const uint8_t *
fast_decimals(const uint8_t *p, int64_t *ns)
{
	uint32_t micros;

	if (!micros6(get_le64(p), &micros))
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

/* An identifier and blanks, 16 characters: without branches, as nothing about
 * an identifier can be guessed. @return false: on a surprise */
static inline bool
fast_id(const uint8_t *p, struct evcan_frame *frame)
{
	uint64_t x = get_le64(p), y = get_le64(p + 8), v, rest;
	unsigned n, is_x;

	/* n digits at the front: those below the first that is none */
	rest = ~hex_digits(x, &v) & TOP;
	n = rest != 0 ? (unsigned)__builtin_ctzll(rest) / 8 : 8;
	is_x = p[n] == 'x';
	/* Then x or a blank, then blanks */
	x ^= BLANKS ^ (uint64_t)(is_x * ('x' ^ ' ')) << 8 * (n & 7);
	y ^= BLANKS ^ (is_x & n >> 3) * ('x' ^ ' ');
	rest = (n < 8 ? x >> 8 * n : 0) | y;
	v = (v << 4 | v >> 8) & 0x00ff00ff00ff00ffu;
	v = (v | v >> 8) & 0x0000ffff0000ffffu;
	v |= v >> 16;
	v = (v & 0xff) << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) |
	    (v >> 24 & 0xff);
	frame->id = (uint32_t)(v >> 4 * (8 - n));
	frame->flags = (uint16_t)(is_x * EVCAN_FRAME_EXT);
	return ((rest != 0) | (n == 0) | (frame->id >
	    (is_x ? EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID))) == 0;
}

/* What must be digits and blanks in " 56 0C 20 A5 E1 B4 96 40", by length:
 * three numbers, from the characters 1, 10 and 19 on. */
#define HEX3 0x8080008080008080u
#define BLANK3 0x0000ff0000ff0000u
static const struct {
	uint64_t hex[3], blank[3];
	uint8_t lead[3];         /* before each number a blank */
	uint64_t data;           /* bytes that count */
} columns[9] = {
	{ { 0, 0, 0 }, { 0, 0, 0 },
	  { 0, 0, 0 }, 0 },
	{ { 0x8080, 0, 0 }, { 0, 0, 0 },
	  { 0xff, 0, 0 }, 0xff },
	{ { 0x8080008080, 0, 0 }, { 0xff0000, 0, 0 },
	  { 0xff, 0, 0 }, 0xffff },
	{ { HEX3, 0, 0 }, { BLANK3, 0, 0 },
	  { 0xff, 0, 0 }, 0xffffff },
	{ { HEX3, 0x8080, 0 }, { BLANK3, 0, 0 },
	  { 0xff, 0xff, 0 }, 0xffffffff },
	{ { HEX3, 0x8080008080, 0 }, { BLANK3, 0xff0000, 0 },
	  { 0xff, 0xff, 0 }, 0xffffffffff },
	{ { HEX3, HEX3, 0 }, { BLANK3, BLANK3, 0 },
	  { 0xff, 0xff, 0 }, 0xffffffffffff },
	{ { HEX3, HEX3, 0x8080 }, { BLANK3, BLANK3, 0 },
	  { 0xff, 0xff, 0xff }, 0xffffffffffffff },
	{ { HEX3, HEX3, 0x8080008080 }, { BLANK3, BLANK3, 0xff0000 },
	  { 0xff, 0xff, 0xff }, 0xffffffffffffffff }
};

/* Up to three data bytes. *wrong gets a bit where a character is not what
 * the columns ask for. */
static inline uint64_t
fast_bytes(const uint8_t *p, uint64_t hex, uint64_t blank, uint64_t *wrong)
{
	const uint64_t x = get_le64(p);
	uint64_t v;

	*wrong |= (~hex_digits(x, &v) & hex) | ((x ^ BLANKS) & blank);
	v = v << 4 | v >> 8;
	return (v & 0xff) | (v >> 16 & 0xff00) | (v >> 32 & 0xff0000);
}

/* n data bytes. @return false: they are not there */
static inline bool
fast_data(const uint8_t *p, unsigned n, struct evcan_frame *frame)
{
	uint64_t wrong = 0, data = 0;

	wrong = ((p[0] ^ (unsigned)' ') & columns[n].lead[0]) |
	    ((p[9] ^ (unsigned)' ') & columns[n].lead[1]) |
	    ((p[18] ^ (unsigned)' ') & columns[n].lead[2]);
	data = fast_bytes(p + 1, columns[n].hex[0], columns[n].blank[0],
	    &wrong) | fast_bytes(p + 10, columns[n].hex[1],
	    columns[n].blank[1], &wrong) << 24 |
	    fast_bytes(p + 19, columns[n].hex[2], columns[n].blank[2],
	    &wrong) << 48;
	put_le64(frame->data, data & columns[n].data);
	frame->len = frame->dlc = (uint8_t)n;
	return wrong == 0;
}

/* The end of the line behind its data: at once, or after words that do not
 * matter. @return the next line, or NULL: not near, or a surprise */
static inline const uint8_t *
fast_end(const uint8_t *p, const uint8_t *end)
{
	if (*p == '\r')
		return p[1] == '\n' ? p + 2 : NULL;
	if (*p == '\n')
		return p + 1;
	if (*p != ' ')
		return NULL;
	for (; p + 8 < end; p += 8) {
		const uint64_t x = get_le64(p);

		/* No character below a blank among eight */
		if (((x - BLANKS) & ~x & TOP) != 0)
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
static inline const uint8_t *
fast_line(struct evcan_asc_reader_ *reader, const uint8_t *p,
    const uint8_t *end, struct evcan_frame *frame)
{
	int64_t ns;
	uint16_t channel;
	uint64_t x;
	unsigned n, dir;

	if ((get_le64(p) & reader->sec_mask) != reader->sec_key ||
	    (get_le32(p + 8) & reader->sec_mask2) != reader->sec_key2)
		return NULL;
	p = fast_decimals(p + reader->sec_len, &ns);
	if (p == NULL)
		return NULL;
	ns += reader->sec_ns + (reader->gaps ? reader->last_ns : 0);
	n = (unsigned)p[0] - '0';
	if (n > 9 || p[1] != ' ' || p[2] != ' ' || ns >= EVCAN_ASC_EPOCH)
		return NULL;
	channel = reader->channel[n];
	if (channel == 0 || !fast_id(p + 3, frame))
		return NULL;
	p += 19;
	/* "Rx   d 8", and the direction's letter apart */
	x = get_le64(p);
	n = (unsigned)(x >> 56) - '0';
	dir = (unsigned)p[0] - 'R';   /* 0, or 2 for a T */
	if ((x & 0x00ffffffffffff00u) != 0x0020642020207800u ||
	    (dir & ~2u) != 0 || n > 8 || !fast_data(p + 8, n, frame))
		return NULL;
	frame->dir = (uint8_t)(dir >> 1);
	p = fast_end(p + 8 + 3 * n, end);
	if (p == NULL)
		return NULL;
	reader->last_ns = ns;
	frame->time_ns = reader->start_ns + ns;
	frame->channel = channel;
	frame->clock = reader->clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	return p;
}

int
evcan_asc_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out)
{
	struct evcan_asc_reader_ *reader = state;
	struct evcan_lines_ *lines = &reader->lines;
	const char *start = (const char *)span->data, *p = start, *next;
	const char *end = start + span->len;
	const char *far = span->len > FAST_BYTES ? end - FAST_BYTES : p;
	size_t n = 0;
	bool got;

	while (n < max && p < end && lines->why == NULL && !out->has_event) {
		if (p < far && reader->fast && !lines->skipping) {
			next = (const char *)fast_line(reader,
			    (const uint8_t *)p, (const uint8_t *)end,
			    &frames[n]);
			if (next != NULL) {
				n++;
				out->line++;
				p = next;
				continue;
			}
		}
		next = evcan_lines_next_(lines, p, end, span->end,
		    evcan_asc_line_, reader, &frames[n], &got, out);
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

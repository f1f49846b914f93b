/* SPDX-License-Identifier: BSD-3-Clause */
/* csv.c - python-can's comma separated values, and a wider table */
#include <evcan/format.h>

#include <string.h>

#include "bytes.h"
#include "csv_line.h"

/*
 * Rows of `timestamp,arbitration_id,extended,remote,error,dlc,data`: seconds,
 * an identifier in hexadecimal, 0 or 1, a length, base64. That is what
 * python-can writes and the only thing that it reads, byte by byte; it loses
 * FD, BRS, ESI, channel and direction, which five more columns hold with
 * `columns=all`. A reader here takes the columns by the names in the header
 * and in any order (csv_line.c has the grammar), a writer that appends keeps
 * to the header that it finds.
 *
 * A stamp is written in as few decimals as tell its nanoseconds: with whole
 * microseconds that is what python's repr() gives, and with nanoseconds what
 * its float() takes. Rows of more than 8 bytes are CAN FD in any case. Stamps
 * below one year count from the log's own start.
 */

/* How far behind a row's start fast_row() may look: a name never is longer
 * than 7 characters there, data never more than 64 bytes. */
#define FAST_BYTES 192

/* Eight digits in one number, the first the highest. */
static inline uint64_t
eight_digits(uint64_t x)
{
	x = x * 10 + (x >> 8);
	x = ((x & 0x000000ff000000ffu) * 0x000f424000000064u +
	    (x >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >> 32;
	return x;
}

/* 1 to 9 decimals of a second and a comma. @return behind it, or NULL */
static inline const uint8_t *
fast_fraction(const uint8_t *p, uint32_t *ns)
{
	static const uint32_t tens[] = { 0, 100000000, 10000000, 1000000,
	    100000, 10000, 1000, 100, 10 };
	const uint64_t x = get_le64(p) ^ EVCAN_EACH_BYTE('0');
	const unsigned n = evcan_bytes_before_((((x & EVCAN_EACH_BYTE(0x7f)) +
	    EVCAN_EACH_BYTE(0x76)) | x) & EVCAN_TOP_BITS);

	if (n < 8) {
		if (n == 0 || p[n] != ',')
			return NULL;
		*ns = (uint32_t)eight_digits(x << (64 - 8 * n)) * tens[n];
		return p + n + 1;
	}
	*ns = (uint32_t)eight_digits(x) * 10;
	if (p[8] == ',')
		return p + 9;
	if (p[8] < '0' || p[8] > '9' || p[9] != ',')
		return NULL;
	*ns += p[8] - (uint32_t)'0';
	return p + 10;
}

/* "0x", 1 to 8 hex digits and a comma. @return at the comma, or NULL */
static inline const uint8_t *
fast_id(const uint8_t *p, uint32_t *id)
{
	uint64_t x = get_le64(p + 2);
	const uint64_t comma = x ^ EVCAN_EACH_BYTE(',');
	const unsigned n = evcan_bytes_before_((comma - EVCAN_EACH_BYTE(1)) &
	    ~comma & EVCAN_TOP_BITS);
	uint64_t values;

	if (get_le16(p) != ('0' | 'x' << 8) || n == 0 || p[2 + n] != ',')
		return NULL;
	if (n < 8)   /* zeros in front of it */
		x = x << (64 - 8 * n) | EVCAN_EACH_BYTE('0') >> 8 * n;
	if (evcan_hex_digits_(x, &values) != 0)
		return NULL;
	*id = evcan_hex_number_(values);
	return p + 2 + n;
}

/* Base64 of so many bytes. @return behind it, or NULL */
static inline const uint8_t *
fast_data(const uint8_t *p, unsigned len, uint8_t *data)
{
	unsigned good = 1;
	uint8_t last[4], three[3];

	for (; len >= 3; len -= 3, p += 4, data += 3)
		good &= evcan_csv_three_(p, data);
	if (len > 0) {
		memcpy(last, p, 4);
		good &= last[3] == '=' && (len == 2 || last[2] == '=');
		last[3] = 'A';
		if (len == 1)
			last[2] = 'A';
		good &= evcan_csv_three_(last, three);
		memcpy(data, three, len);
		p += 4;
	}
	return good != 0 ? p : NULL;
}

/* ",x,y,z," of zeros and ones. @return their bits, x the lowest, or -1 */
static inline int
fast_bools(const uint8_t *p)
{
	const uint64_t x = get_le64(p);

	if ((x & 0x00fffefffefffeffu) != 0x002c302c302c302cu)
		return -1;
	return (int)((x >> 8 & 1) | (x >> 23 & 2) | (x >> 38 & 4));
}

/* ",fd,brs,esi,channel,direction". @return behind them, or NULL */
static inline const uint8_t *
fast_rest(struct evcan_csv_reader_ *reader, const uint8_t *p,
    struct evcan_frame *frame)
{
	const struct evcan_near_name_ *name;
	const int bools = fast_bools(p);

	/* BRS and ESI without FD are left to the full grammar. */
	if (bools < 0 || (bools != 0 && (bools & 1) == 0))
		return NULL;
	frame->flags |= (uint16_t)(bools * EVCAN_FRAME_FD);
	name = evcan_near_at_(&reader->names, p + 7);
	if (name == NULL)
		return NULL;
	p += 7 + name->len + 1;
	frame->channel = name->channel;
	if (p[0] == 'R' && p[1] == 'x')
		frame->dir = EVCAN_DIR_RX;
	else if (p[0] == 'T' && p[1] == 'x' && p[2] != 'R')
		frame->dir = EVCAN_DIR_TX;
	else
		return NULL;
	return p + 2;
}

/* The shape that nearly every row has: a second seen before, a data frame, a
 * layout and a name known. @return the next row, or NULL: on any surprise */
static const char *
fast_row(void *state, const char *row, const char *end,
    struct evcan_frame *frame)
{
	struct evcan_csv_reader_ *reader = state;
	const uint8_t *p = (const uint8_t *)row;
	uint32_t ns;
	unsigned len;
	int bools;

	(void)end;
	if (reader->quick == 0 || reader->second.len == 0 ||
	    !evcan_second_is_(&reader->second, p))
		return NULL;
	p = fast_fraction(p + reader->second.len, &ns);
	if (p == NULL || (p = fast_id(p, &frame->id)) == NULL)
		return NULL;
	bools = fast_bools(p);
	/* Bit 0 is "extended"; remote and error frames are rare. */
	if ((unsigned)bools > 1 || frame->id > (bools == 1 ?
	    EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID))
		return NULL;
	p += 7;
	len = *p++ - (unsigned)'0';
	if (*p != ',' && len <= 6)
		len = len * 10 + (*p++ - (unsigned)'0');
	if (*p != ',' || len > EVCAN_MAX_DATA)
		return NULL;
	memset(frame->data, 0, 8);
	p = fast_data(p + 1, len, frame->data);
	if (p == NULL)
		return NULL;
	frame->flags = (uint16_t)(bools | (len > 8 ? EVCAN_FRAME_FD : 0));
	frame->len = (uint8_t)len;
	frame->dlc = evcan_len2dlc(len);
	frame->channel = EVCAN_CHANNEL_NONE;
	frame->dir = EVCAN_DIR_RX;
	if (reader->quick == EVCAN_COLUMNS &&
	    (p = fast_rest(reader, p, frame)) == NULL)
		return NULL;
	p += *p == '\r';
	if (*p != '\n')
		return NULL;
	frame->time_ns = reader->second.ns + ns;
	frame->clock = reader->second.clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	return (const char *)p + 1;
}

static int
decode(void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out)
{
	struct evcan_csv_reader_ *reader = state;

	return evcan_lines_decode_fast_(&reader->lines, fast_row, FAST_BYTES,
	    evcan_csv_line_, reader, span, frames, max, out);
}

/* A header without data is of another table, whose bytes stand elsewhere. */
static bool
has_data(const struct evcan_csv_layout_ *layout)
{
	return EVCAN_COLUMNS_HAVE(layout->columns, EVCAN_COLUMN_DATA);
}

/* The header is python-can's alone; rows without it are known by their
 * shape, from the second line on where a log was cut. */
static int
bid(const uint8_t *data, size_t len)
{
	static const char header[] = "timestamp,arbitration_id";
	const char *p = evcan_lines_skip_bom_((const char *)data,
	    (const char *)data + len);
	const char *end = (const char *)data + len, *next, *eol;
	struct evcan_csv_layout_ layout;

	for (int line = 0; line < 4 && p < end; line++, p = next) {
		next = evcan_lines_end_(p, end, true, &eol);
		if (next == NULL || next == p)
			break;
		if (evcan_csv_header_(p, eol, &layout)) {
			if (!has_data(&layout))
				return 0;
			return line == 0 && (size_t)(eol - p) >=
			    sizeof(header) - 1 && memcmp(p, header,
			    sizeof(header) - 1) == 0 ? 100 : 90;
		}
		if (evcan_csv_row_(p, eol, &layout))
			return line == 0 ? 40 : 30;
	}
	return 0;
}

static const struct evcan_option write_rows[] = {
	{ .name = "columns", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "python-can", .choices = EVCAN_COLUMNS_CHOICES,
	  .help = EVCAN_COLUMNS_HELP,
	  .offset = offsetof(struct evcan_csv_writer_, all) },
	{ .name = NULL }
};

const struct evcan_format evcan_format_csv_ = {
	.name = "csv",
	.summary = "python-can's comma separated values",
	.suffixes = ".csv",
	.attributes = EVCAN_ROW_ATTRIBUTES,
	.flags = EVCAN_FORMAT_TEXT,
	.read_size = sizeof(struct evcan_csv_reader_),
	.bid = bid,
	.decode = decode,
	.write_options = write_rows,
	.write_size = sizeof(struct evcan_csv_writer_),
	.begin = evcan_csv_begin_,
	.encode = evcan_csv_encode_,
	.encode_gap = evcan_csv_encode_gap_
};

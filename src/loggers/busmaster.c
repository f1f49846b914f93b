/* SPDX-License-Identifier: BSD-3-Clause */
/* busmaster.c - BUSMASTER's log: h:m:s:f Rx channel id type dlc bytes */
#include <evcan/format.h>

#include <stdio.h>
#include <string.h>

#include <evcan/listener.h>

#include "cells.h"
#include "error_frame.h"
#include "zone.h"

/*
 * A log is a row of sessions, each with headers between asterisks. Times are
 * of the day (system mode), since the session's start (absolute) or since the
 * record before (relative). J1939 records are the CAN frames that carried
 * them; other protocols' records (LIN) are counted as skipped.
 */

#define SECOND 1000000000ll
#define HOUR 3600
#define DAY (24 * HOUR)

/* With these no sum leaves 64 bits. */
#define LAST_START 8000000000ll
#define LAST_HOUR 99999
#define LAST_SUM (INT64_MAX / 16)
#define LAST_DAY 36500

struct reader {
	struct evcan_cells_log_ log;
	const char *tz;     /* option */
	struct evcan_zone_ zone;
	bool millis;        /* of a converter that writes milliseconds */
	enum { CAN, J1939, OTHER } protocol;
	enum { SYSTEM, ABSOLUTE, RELATIVE } mode;
	unsigned base;      /* 0: not told */
	bool dated;         /* start is known */
	struct evcan_wall_ start;
	int64_t start_ns;   /* Unix time of the start, or 0 */
	int64_t sum_ns;     /* of the gaps in relative mode */
	int day;            /* midnights since the start */
	int64_t of_day;     /* seconds, of the start or the record before */
	bool begun;         /* that was a record */
	int64_t minute, minute_s;   /* counted since the start's midnight, and
	                             * its Unix time; -1: none yet */
};

static const struct evcan_option read_rows[] = {
	{ .name = "channels", .type = EVCAN_OPTION_TEXT, .fallback = "",
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct reader, log.channels) },
	{ .name = "tz", .type = EVCAN_OPTION_TEXT, .fallback = "local",
	  .help = EVCAN_ZONE_HELP, .offset = offsetof(struct reader, tz) },
	{ .name = NULL }
};

/* Headers */

static void
new_session(struct reader *reader)
{
	reader->mode = SYSTEM;
	reader->base = 0;
	reader->dated = false;
	reader->start_ns = reader->sum_ns = reader->of_day = 0;
	reader->day = 0;
	reader->begun = false;
	reader->minute = -1;
}

/* "17:5:2012 20:12:47:643" */
static void
set_start(struct reader *reader, const char *text, size_t len)
{
	struct evcan_wall_ wall = { 0 };
	char copy[64];
	int64_t unix_s;
	int millis = 0;

	if (len >= sizeof(copy))
		return;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (sscanf(copy, "%2d:%2d:%4d %2d:%2d:%2d:%3d", &wall.day,
	    &wall.month, &wall.year, &wall.hour, &wall.minute,
	    &wall.second, &millis) < 6 || millis < 0 ||
	    !evcan_zone_unix_(&reader->zone, &wall, &unix_s) ||
	    unix_s > LAST_START || unix_s < -LAST_START)
		return;
	reader->dated = true;
	reader->start = wall;
	reader->day = 0;
	reader->begun = false;
	reader->minute = -1;
	reader->start_ns = unix_s * SECOND + millis * 1000000;
	reader->of_day = wall.hour * 3600 + wall.minute * 60 + wall.second;
}

struct header {
	const char *text;
	enum { VERSION, PROTOCOL, SESSION, START, BASE, MODE } what;
	int value;
};

static const struct header headers[] = {
	{ "BUSMASTER Ver ", VERSION, 0 },
	{ "PROTOCOL CAN", PROTOCOL, CAN },
	{ "PROTOCOL J1939", PROTOCOL, J1939 },
	{ "PROTOCOL ", PROTOCOL, OTHER },
	{ "[START LOGGING SESSION]", SESSION, 0 },
	{ "START DATE AND TIME ", START, 0 },
	{ "HEX", BASE, 16 },
	{ "DEC", BASE, 10 },
	{ "SYSTEM MODE", MODE, SYSTEM },
	{ "ABSOLUTE MODE", MODE, ABSOLUTE },
	{ "RELATIVE MODE", MODE, RELATIVE },
};

static void
apply_header(struct reader *reader, const struct header *header,
    const char *rest, size_t len)
{
	switch (header->what) {
	case VERSION:
		/* SavvyCAN calls itself so, and writes milliseconds. */
		reader->millis = len >= 5 && memcmp(rest, "2.4.0", 5) == 0;
		reader->protocol = CAN;
		new_session(reader);
		break;
	case PROTOCOL:
		reader->protocol = header->value;
		break;
	case SESSION:
		new_session(reader);
		break;
	case START:
		set_start(reader, rest, len);
		break;
	case BASE:
		reader->base = (unsigned)header->value;
		break;
	case MODE:
		reader->mode = header->value;
		break;
	}
}

/* What a line "***...***" is; p and eol are then around what follows. */
static const struct header *
find_header(const char **p, const char **eol)
{
	while (*p < *eol && (**p == '*' || **p == ' '))
		(*p)++;
	while (*p < *eol && ((*eol)[-1] == '*' || (*eol)[-1] == ' '))
		(*eol)--;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		const size_t len = strlen(headers[i].text);

		if ((size_t)(*eol - *p) < len ||
		    memcmp(*p, headers[i].text, len) != 0)
			continue;
		*p += len;
		return &headers[i];
	}
	return NULL;
}

static void
get_header(struct reader *reader, const char *p, const char *eol)
{
	const struct header *header = find_header(&p, &eol);

	if (header != NULL)
		apply_header(reader, header, p, (size_t)(eol - p));
}

/* Times */

/* Unix time of the minute, counted since midnight of the first day. */
static bool
minute_unix(struct reader *reader, int64_t minute, int64_t *unix_s)
{
	struct evcan_wall_ wall = reader->start;

	if (minute == reader->minute) {
		*unix_s = reader->minute_s;
		return true;
	}
	/* Noon tells the date whatever summer time does. */
	wall.hour = 12;
	wall.minute = wall.second = 0;
	if (!evcan_zone_unix_(&reader->zone, &wall, unix_s) ||
	    !evcan_zone_wall_(&reader->zone, *unix_s +
	    minute / (DAY / 60) * DAY, &wall))
		return false;
	wall.hour = (int)(minute / 60 % 24);
	wall.minute = (int)(minute % 60);
	wall.second = 0;
	if (!evcan_zone_unix_(&reader->zone, &wall, unix_s) ||
	    *unix_s > LAST_START + LAST_DAY * (int64_t)DAY)
		return false;
	reader->minute = minute;
	reader->minute_s = *unix_s;
	return true;
}

/* A time of the day: a step back means that midnight has passed. Small ones
 * are of records out of their order, perhaps around midnight, or the end of
 * summer time; a converter's start may be quite another time of the day. */
static bool
system_time(struct reader *reader, int64_t seconds, int64_t *ns)
{
	const int64_t step = seconds - reader->of_day;
	int64_t unix_s;

	if (step < (reader->begun ? -2 * HOUR : -DAY / 2))
		reader->day++;
	else if (step > DAY - HOUR && reader->day > 0)
		reader->day--;
	reader->of_day = seconds;
	reader->begun = true;
	if (reader->day > LAST_DAY)
		return false;
	if (!reader->dated) {
		*ns += (reader->day * (int64_t)DAY + seconds) * SECOND;
		return true;
	}
	if (!minute_unix(reader, reader->day * (int64_t)(DAY / 60) +
	    seconds / 60, &unix_s))
		return false;
	*ns += (unix_s + seconds % 60) * SECOND;
	return true;
}

/* The digits behind the last colon are 100 us each. */
static int64_t
fraction_ns(const struct reader *reader, uint32_t value, size_t digits)
{
	if (reader->millis && digits < 4)
		return value * 1000000ll;
	if (digits <= 4)
		return value * 100000ll;
	for (int64_t ns = value;; ns *= 10)
		if (digits++ >= 9)
			return ns;
}

/* "hh:mm:ss:ffff"; @return false: no time */
static bool
get_time(struct reader *reader, struct evcan_cell_ cell, int64_t *ns)
{
	static const uint32_t most[] = { LAST_HOUR, 59, 59, 999999999 };
	struct evcan_cells_ parts;
	uint32_t part[4];
	int64_t seconds;

	evcan_cells_split_(&parts, cell.text, cell.text + cell.len, ':');
	if (parts.n != 4)
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (parts.cell[i].len > 9 || !evcan_cell_uint_(parts.cell[i],
		    10, most[i], &part[i]))
			return false;
	seconds = part[0] * 3600ll + part[1] * 60 + part[2];
	*ns = fraction_ns(reader, part[3], parts.cell[3].len);
	if (reader->mode == SYSTEM)
		return part[0] < 24 && system_time(reader, seconds, ns);
	*ns += seconds * SECOND;
	if (reader->mode == RELATIVE) {
		if (reader->sum_ns > LAST_SUM)
			return false;
		*ns = reader->sum_ns += *ns;
	}
	*ns += reader->start_ns;
	return true;
}

/* Records */

struct record {
	struct evcan_cell_ channel, id, type, dir, dlc;
	unsigned data;      /* first cell of it */
};

/* The cells that each protocol has. @return false: too few */
static bool
get_cells(const struct reader *reader, const struct evcan_cells_ *cells,
    struct record *record)
{
	if (reader->protocol == CAN) {
		record->dir = evcan_cells_at_(cells, 1);
		record->channel = evcan_cells_at_(cells, 2);
		record->id = evcan_cells_at_(cells, 3);
		record->type = evcan_cells_at_(cells, 4);
		record->dlc = evcan_cells_at_(cells, 5);
		record->data = 6;
		return cells->n > 5;
	}
	/* time channel id PGN type source destination priority dir dlc; the
	 * type may have more words than one. */
	record->channel = evcan_cells_at_(cells, 1);
	record->id = evcan_cells_at_(cells, 2);
	for (unsigned i = 4; i + 1 < cells->n && i < 12; i++) {
		record->dir = cells->cell[i];
		if (!evcan_cell_is_(record->dir, "Rx") &&
		    !evcan_cell_is_(record->dir, "Tx"))
			continue;
		record->dlc = cells->cell[i + 1];
		record->data = i + 2;
		record->type.text = "x";
		record->type.len = 1;
		return true;
	}
	return false;
}

/* Where no header tells it: decimal bytes have three digits. */
static unsigned
guess_base(struct reader *reader, const struct evcan_cells_ *cells,
    const struct record *record)
{
	const struct evcan_cell_ byte = evcan_cells_at_(cells, record->data);

	if (reader->base != 0)
		return reader->base;
	if (byte.len == 0)
		return record->id.len == 4 ? 10 : 16;
	reader->base = byte.len == 3 ? 10 : 16;
	return reader->base;
}

static const struct {
	const char *type;
	unsigned flags;
} types[] = {
	{ "s", 0 },
	{ "x", EVCAN_FRAME_EXT },
	{ "sr", EVCAN_FRAME_RTR },
	{ "xr", EVCAN_FRAME_EXT | EVCAN_FRAME_RTR },
	{ "s-fd", EVCAN_FRAME_FD },
	{ "x-fd", EVCAN_FRAME_FD | EVCAN_FRAME_EXT },
};

static bool
get_type(struct evcan_cell_ cell, unsigned *flags)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (evcan_cell_is_(cell, types[i].type)) {
			*flags = types[i].flags;
			return true;
		}
	return false;
}

/* Whether the length in a record fits to its bytes. A FD frame's is a DLC or
 * a number of bytes, whichever the writer took. */
static bool
is_length(unsigned flags, uint32_t dlc, unsigned len)
{
	if ((flags & EVCAN_FRAME_RTR) != 0)
		return dlc < 16;
	if ((flags & EVCAN_FRAME_FD) != 0)
		return dlc == len || (dlc < 16 && evcan_dlc2len(dlc) == len);
	return dlc < 16 && len == (dlc < 8 ? dlc : 8);
}

static enum evcan_line_
get_frame(struct reader *reader, const struct evcan_cells_ *cells,
    const struct record *record, struct evcan_frame *frame,
    struct evcan_decode *out, struct evcan_fault_ *fault)
{
	const unsigned base = guess_base(reader, cells, record);
	unsigned flags, len;
	uint32_t id, dlc;
	const char *why;

	if (!get_type(record->type, &flags))
		return evcan_line_bad_(fault, record->type.text,
		    "expected a type: s, x, sr, xr, s-fd, x-fd or ERR");
	if (!evcan_cell_uint_(record->id, base, EVCAN_MAX_EXT_ID, &id))
		return evcan_line_bad_(fault, record->id.text,
		    "expected an identifier of at most 29 bits");
	if (!evcan_cell_uint_(record->dlc, 10, 65535, &dlc))
		return evcan_line_bad_(fault, record->dlc.text,
		    "expected a length");
	if (reader->protocol == J1939 && dlc > 8) {
		out->skipped++;   /* put together out of several frames */
		return EVCAN_LINE_OTHER;
	}
	len = evcan_cells_data_(cells, record->data, base, EVCAN_MAX_DATA,
	    frame->data);
	if (!is_length(flags, dlc, len) || record->data + len < cells->n)
		return evcan_line_bad_(fault, record->dlc.text,
		    "expected as many bytes as this length says");
	why = evcan_cells_frame_(frame, id, flags, dlc, len);
	return why == NULL ? EVCAN_LINE_FRAME :
	    evcan_line_bad_(fault, record->id.text, why);
}

static enum evcan_line_
get_error(const struct evcan_cells_ *cells, struct record *record,
    struct evcan_frame *frame)
{
	record->channel = evcan_cells_at_(cells, 2);
	record->dir = evcan_cells_at_(cells, 1);
	evcan_error_frame_(frame);
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	return EVCAN_LINE_FRAME;
}

static enum evcan_line_
get_record(struct reader *reader, const struct evcan_cells_ *cells,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct record record = { .data = 0 };
	const int error = evcan_cells_find_(cells, "ERR");
	enum evcan_line_ what;
	uint32_t channel = 0;
	int64_t ns;

	if (!get_time(reader, cells->cell[0], &ns))
		return evcan_line_bad_(fault, cells->cell[0].text,
		    "expected a time as 13:02:01:0004");
	if (error >= 2 && error <= 4)
		what = get_error(cells, &record, frame);
	else if (!get_cells(reader, cells, &record))
		return evcan_line_bad_(fault, cells->cell[cells->n - 1].text,
		    "the line ends within a frame");
	else
		what = get_frame(reader, cells, &record, frame, out, fault);
	if (what != EVCAN_LINE_FRAME)
		return what;
	if (!evcan_cell_uint_(record.channel, 10, 65535, &channel))
		return evcan_line_bad_(fault, record.channel.text,
		    "expected a channel's number");
	if (!evcan_cell_is_(record.dir, "Rx") &&
	    !evcan_cell_is_(record.dir, "Tx"))
		return evcan_line_bad_(fault, record.dir.text,
		    "expected Rx or Tx");
	frame->time_ns = ns;
	frame->clock = reader->dated ? EVCAN_CLOCK_KERNEL :
	    EVCAN_CLOCK_RELATIVE;
	frame->channel = evcan_channel_map_channel_(&reader->log.map, channel);
	frame->dir = evcan_cell_is_(record.dir, "Tx") ? EVCAN_DIR_TX :
	    EVCAN_DIR_RX;
	return EVCAN_LINE_FRAME;
}

static enum evcan_line_
get_line(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct reader *reader = state;
	struct evcan_cells_ cells;

	evcan_cells_blanks_(&cells, p, eol);
	if (cells.n == 0)
		return EVCAN_LINE_OTHER;
	if (cells.cell[0].text[0] == '*') {
		get_header(reader, cells.cell[0].text, eol);
		return EVCAN_LINE_OTHER;
	}
	if (reader->protocol != OTHER && cells.cell[0].text[0] >= '0' &&
	    cells.cell[0].text[0] <= '9')
		return get_record(reader, &cells, frame, out, fault);
	out->skipped++;
	return EVCAN_LINE_OTHER;
}

static int
read_begin(void *state, const struct evcan_file *file,
    struct evcan_error *err)
{
	struct reader *reader = state;
	int r = evcan_zone_parse_(&reader->zone, reader->tz, err);

	(void)file;
	new_session(reader);
	return r < 0 ? r : evcan_cells_begin_(&reader->log, get_line, err);
}

/* A log's first lines may be missing: any of its headers tells it then. */
static int
bid(const uint8_t *data, size_t len)
{
	const char *end = (const char *)data + len, *eol;
	const char *p = evcan_lines_skip_bom_((const char *)data, end);
	const struct header *header;

	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	if (end - p >= 12 && memcmp(p, "***BUSMASTER", 12) == 0)
		return 100;
	if (end - p < 3 || memcmp(p, "***", 3) != 0 ||
	    evcan_lines_end_(p, end, true, &eol) == NULL)
		return 0;
	header = find_header(&p, &eol);
	return header != NULL && (header->what != BASE || p == eol) ? 60 : 0;
}

const struct evcan_format evcan_format_busmaster_ = {
	.name = "busmaster",
	.summary = "BUSMASTER log of CAN or J1939",
	.suffixes = ".log",
	.flags = EVCAN_FORMAT_TEXT,
	.read_options = read_rows,
	.read_size = sizeof(struct reader),
	.bid = bid,
	.read_begin = read_begin,
	.decode = evcan_cells_decode_
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* kvaser.c - text and CSV of Kvaser's exporters, and CanKing's window */
#include <evcan/format.h>

#include <string.h>

#include "cells.h"
#include "error_frame.h"

/*
 * Three shapes, told line by line:
 *   text     5.176982  1  1704  Rx  8  119 250 ... 238  (counter)
 *   CSV      5.17698,1,1704,2,8,119,250,...,238,(counter)
 *   CanKing  0  000006A8  X  8  77 FA ... EE  5.176980  R
 * CanKing counts channels from 0. Numbers are decimal or hex as the user had
 * set it, and nothing in the file says which.
 */

enum base { AUTO, DEC, HEX };

struct reader {
	struct evcan_cells_log_ log;
	int base;   /* option, enum base; AUTO becomes HEX at a letter */
};

static const struct evcan_option read_rows[] = {
	{ .name = "channels", .type = EVCAN_OPTION_TEXT, .fallback = "",
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct reader, log.channels) },
	{ .name = "base", .type = EVCAN_OPTION_CHOICE, .fallback = "auto",
	  .choices = "auto dec hex",
	  .help = "of identifiers and bytes in text; auto: decimal, and hex "
	      "from the first number with a letter on",
	  .offset = offsetof(struct reader, base) },
	{ .name = NULL }
};

/* What is between time and direction, or the like, in all three shapes. */
struct record {
	struct evcan_cell_ time, channel, id, dlc;
	unsigned data, data_end;   /* cells that may be bytes */
	unsigned flags;
	unsigned shift;            /* of the channel's number */
	uint8_t dir;
	bool error;
};

static bool
is_number(struct evcan_cell_ cell)
{
	uint32_t value;

	return evcan_cell_uint_(cell, 10, UINT32_MAX, &value);
}

/* Seconds, with a point: no other number has one. */
static bool
is_time(struct evcan_cell_ cell)
{
	int64_t ns;

	return memchr(cell.text, '.', cell.len) != NULL &&
	    evcan_cell_nanos_(cell, &ns);
}

/* Letters of the flags' column. */
static const struct {
	char letter;
	unsigned flag;
} letters[] = {
	{ 'X', EVCAN_FRAME_EXT },
	{ 'R', EVCAN_FRAME_RTR },
	{ 'F', EVCAN_FRAME_FD },
	{ 'B', EVCAN_FRAME_BRS },
	{ 'S', EVCAN_FRAME_ESI }
};

/* Other letters tell of the driver, not of the frame. */
static unsigned
get_letters(struct evcan_cell_ cell)
{
	unsigned flags = 0;

	for (size_t i = 0; i < cell.len; i++)
		for (size_t k = 0; k < sizeof(letters) / sizeof(*letters); k++)
			if ((cell.text[i] & ~0x20) == letters[k].letter)
				flags |= letters[k].flag;
	if ((flags & EVCAN_FRAME_FD) == 0)
		flags &= ~(unsigned)(EVCAN_FRAME_BRS | EVCAN_FRAME_ESI);
	return flags;
}

static bool
get_direction(struct evcan_cell_ cell, uint8_t *dir)
{
	*dir = evcan_cell_is_(cell, "Tx") || evcan_cell_is_(cell, "T") ?
	    EVCAN_DIR_TX : EVCAN_DIR_RX;
	return *dir == EVCAN_DIR_TX || evcan_cell_is_(cell, "Rx") ||
	    evcan_cell_is_(cell, "R");
}

/* "ErrorFrame" stands in the place of the data, or of the flags. */
static bool
is_error(const struct evcan_cells_ *cells)
{
	return evcan_cells_find_(cells, "ErrorFrame") >= 0;
}

/* A line of text: is it one, and where are its parts? */
static bool
find_text(const struct evcan_cells_ *cells, struct record *record)
{
	unsigned i = 3;

	if (cells->n < 3 || !is_time(cells->cell[0]) ||
	    !is_number(cells->cell[1]))
		return false;
	record->error = is_error(cells);
	for (; i < cells->n && i < 7; i++) {
		if (get_direction(cells->cell[i], &record->dir) &&
		    cells->cell[i].len == 2)
			break;
		record->flags |= get_letters(cells->cell[i]);
	}
	if (!record->error && (i >= cells->n || i >= 7))
		return false;
	record->time = cells->cell[0];
	record->channel = cells->cell[1];
	record->id = cells->cell[2];
	record->dlc = evcan_cells_at_(cells, i + 1);
	record->data = i + 2;
	record->data_end = cells->n;
	return true;
}

static bool
find_canking(const struct evcan_cells_ *cells, struct record *record)
{
	const unsigned n = cells->n;
	unsigned i = 2;

	if (n < 4 || !is_number(cells->cell[0]) ||
	    !is_time(cells->cell[n - 2]) ||
	    !get_direction(cells->cell[n - 1], &record->dir))
		return false;
	record->error = is_error(cells);
	for (; i < n - 2 && !is_number(cells->cell[i]); i++)
		record->flags |= get_letters(cells->cell[i]);
	record->time = cells->cell[n - 2];
	record->channel = cells->cell[0];
	record->shift = 1;
	record->id = cells->cell[1];
	record->dlc = cells->cell[i];
	record->data = i + 1;
	record->data_end = n - 2;
	return true;
}

/* canMSG_* and canFDMSG_* of Kvaser's canlib. */
static const struct {
	uint32_t bit;
	unsigned flag;
} bits[] = {
	{ 0x01, EVCAN_FRAME_RTR },
	{ 0x04, EVCAN_FRAME_EXT },
	{ 0x10000, EVCAN_FRAME_FD },
	{ 0x20000, EVCAN_FRAME_BRS },
	{ 0x40000, EVCAN_FRAME_ESI }
};
#define BIT_ERROR 0x20
#define BIT_TXACK 0x40
#define BIT_TXRQ 0x80

/* Time, channel, identifier, flags, length, 8 or 64 bytes, counter. */
static bool
find_csv(const struct evcan_cells_ *cells, struct record *record)
{
	const unsigned columns = cells->n >= 5 + 63 ? 64 : 8;
	uint32_t flags;

	/* The last byte may be empty, and nothing behind it. */
	if (cells->n < 5 + 7 || cells->n > 5 + columns + 1 ||
	    !is_time(cells->cell[0]) || !is_number(cells->cell[1]) ||
	    !is_number(cells->cell[2]) || !is_number(cells->cell[4]) ||
	    !evcan_cell_uint_(cells->cell[3], 10, UINT32_MAX, &flags))
		return false;
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if ((flags & bits[i].bit) != 0)
			record->flags |= bits[i].flag;
	if ((record->flags & EVCAN_FRAME_FD) == 0)
		record->flags &= ~(unsigned)(EVCAN_FRAME_BRS |
		    EVCAN_FRAME_ESI);
	record->error = (flags & BIT_ERROR) != 0;
	record->dir = (flags & BIT_TXACK) != 0 ? EVCAN_DIR_TX :
	    (flags & BIT_TXRQ) != 0 ? EVCAN_DIR_TXRQ : EVCAN_DIR_RX;
	record->time = cells->cell[0];
	record->channel = cells->cell[1];
	record->id = cells->cell[2];
	record->dlc = cells->cell[4];
	record->data = 5;
	record->data_end = 5 + columns;
	return true;
}

/* A number that is hex where decimal makes no sense. */
static void
learn_base(struct reader *reader, const struct evcan_cells_ *cells,
    const struct record *record)
{
	uint32_t value;

	if (reader->base != AUTO)
		return;
	if (evcan_cell_uint_(record->id, 16, UINT32_MAX, &value) &&
	    !is_number(record->id))
		reader->base = HEX;
	for (unsigned i = record->data; i < record->data_end &&
	    i < cells->n; i++)
		if (evcan_cell_uint_(cells->cell[i], 16, 0xff, &value) &&
		    !is_number(cells->cell[i]))
			reader->base = HEX;
}

/* Bytes that a length asks for: of FD it is a DLC, or a number of bytes that
 * no DLC says. */
static unsigned
wanted(const struct record *record, uint32_t dlc, unsigned there)
{
	if ((record->flags & EVCAN_FRAME_RTR) != 0)
		return 0;
	if ((record->flags & EVCAN_FRAME_FD) == 0)
		return dlc < 8 ? dlc : 8;
	return dlc < 16 && evcan_dlc2len(dlc) <= there ? evcan_dlc2len(dlc) :
	    dlc;
}

static enum evcan_line_
get_frame(struct reader *reader, const struct evcan_cells_ *cells,
    struct record *record, bool csv, struct evcan_frame *frame,
    struct evcan_fault_ *fault)
{
	const unsigned room = record->data_end > record->data ?
	    record->data_end - record->data : 0;
	unsigned base, len, want;
	uint32_t id, dlc;
	const char *why;

	if (!csv)
		learn_base(reader, cells, record);
	base = !csv && reader->base == HEX ? 16 : 10;
	if (!evcan_cell_uint_(record->id, base, EVCAN_MAX_EXT_ID, &id))
		return evcan_line_bad_(fault, record->id.text,
		    "expected an identifier of at most 29 bits");
	if (!evcan_cell_uint_(record->dlc, 10, EVCAN_MAX_DATA, &dlc))
		return evcan_line_bad_(fault, record->dlc.text,
		    "expected a length");
	len = evcan_cells_data_(cells, record->data, base,
	    room < EVCAN_MAX_DATA ? room : EVCAN_MAX_DATA, frame->data);
	if (dlc > 15)
		record->flags |= EVCAN_FRAME_FD;
	want = wanted(record, dlc, len);
	if (want > len)
		return evcan_line_bad_(fault, record->dlc.text,
		    "there are fewer bytes than this length says");
	why = evcan_cells_frame_(frame, id, record->flags, dlc, want);
	return why == NULL ? EVCAN_LINE_FRAME :
	    evcan_line_bad_(fault, record->id.text, why);
}

/* What is no frame: a trigger is an event. */
static enum evcan_line_
get_other(const struct evcan_cells_ *cells, const char *eol,
    struct evcan_decode *out)
{
	static const char stopped[] = "Logging stopped.";
	const char *text;
	int64_t ns;

	if (cells->n > 1 && is_time(cells->cell[0]) &&
	    evcan_cell_is_(cells->cell[1], "Trigger")) {
		text = cells->cell[1].text;
		evcan_cell_nanos_(cells->cell[0], &ns);
		evcan_decode_set_event(out, ns, text, (size_t)(eol - text));
	} else if (!evcan_cell_is_(cells->cell[0], "Chn") &&
	    !((size_t)(eol - cells->cell[0].text) >= sizeof(stopped) - 1 &&
	    memcmp(cells->cell[0].text, stopped, sizeof(stopped) - 1) == 0)) {
		out->skipped++;
	}
	return EVCAN_LINE_OTHER;
}

static bool
find(struct evcan_cells_ *cells, const char *p, const char *eol, bool *csv,
    struct record *record)
{
	*csv = memchr(p, ',', (size_t)(eol - p)) != NULL;
	if (*csv) {
		evcan_cells_split_(cells, p, eol, ',');
		if (find_csv(cells, record))
			return true;
		if (cells->n > 0 && is_time(cells->cell[0]))
			return false;
		*csv = false;   /* a trigger's line has commas, too */
	}
	memset(record, 0, sizeof(*record));
	evcan_cells_blanks_(cells, p, eol);
	if (find_canking(cells, record))
		return true;
	memset(record, 0, sizeof(*record));
	return find_text(cells, record);
}

/* A line that begins as a record does, but is none. */
static bool
is_torn(const struct evcan_cells_ *cells)
{
	return is_time(cells->cell[0]) ? cells->n < 2 ||
	    !evcan_cell_is_(cells->cell[1], "Trigger") :
	    is_number(cells->cell[0]);
}

static enum evcan_line_
get_line(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct reader *reader = state;
	struct evcan_cells_ cells;
	struct record record = { .shift = 0 };
	uint32_t channel;
	bool csv;

	if (!find(&cells, p, eol, &csv, &record)) {
		if (cells.n == 0)
			return EVCAN_LINE_OTHER;
		return is_torn(&cells) ? evcan_line_bad_(fault, cells.end,
		    "the line "
		    "ends within a frame, or has no direction") :
		    get_other(&cells, eol, out);
	}
	if (!evcan_cell_uint_(record.channel, 10, 65534, &channel))
		return evcan_line_bad_(fault, record.channel.text,
		    "expected a channel's number");
	if (record.error) {
		evcan_error_frame_(frame);
		frame->hops = 0;
		memset(frame->reserved, 0, sizeof(frame->reserved));
	} else if (get_frame(reader, &cells, &record, csv, frame, fault) ==
	    EVCAN_LINE_BAD) {
		return EVCAN_LINE_BAD;
	}
	evcan_cell_nanos_(record.time, &frame->time_ns);
	frame->clock = evcan_cells_clock_(frame->time_ns);
	frame->dir = record.dir;
	frame->channel = evcan_channel_map_channel_(&reader->log.map,
	    channel + record.shift);
	return EVCAN_LINE_FRAME;
}

static int
read_begin(void *state, const struct evcan_file *file,
    struct evcan_error *err)
{
	struct reader *reader = state;

	(void)file;
	return evcan_cells_begin_(&reader->log, get_line, err);
}

/* How surely a line is one of these shapes. */
static int
bid_line(const char *p, const char *eol)
{
	struct reader probe = { .base = AUTO };
	struct evcan_fault_ fault = { NULL, NULL, false };
	struct evcan_cells_ cells;
	struct evcan_frame frame;
	struct record record = { .shift = 0 };
	bool csv;

	evcan_cells_blanks_(&cells, p, eol);
	if (cells.n == 0)
		return -1;
	if (evcan_cell_is_(cells.cell[0], "Chn") &&
	    evcan_cell_is_(evcan_cells_at_(&cells, 1), "Identifier"))
		return 95;
	if (is_time(cells.cell[0]) &&
	    evcan_cell_is_(evcan_cells_at_(&cells, 1), "Trigger"))
		return 80;
	if (!find(&cells, p, eol, &csv, &record))
		return 0;
	/* It must not be a line of anything else: all of it fits. */
	return record.error || get_frame(&probe, &cells, &record, csv,
	    &frame, &fault) == EVCAN_LINE_FRAME ? 45 : 0;
}

static int
bid(const uint8_t *data, size_t len)
{
	const char *end = (const char *)data + len, *eol, *next;
	const char *p = evcan_lines_skip_bom_((const char *)data, end);
	int got = -1;

	while (p < end && got < 0) {
		next = evcan_lines_end_(p, end, true, &eol);
		if (next == NULL || next == p)
			return 0;
		got = bid_line(p, eol);
		p = next;
	}
	return got > 0 ? got : 0;
}

const struct evcan_format evcan_format_kvaser_ = {
	.name = "kvaser",
	.summary = "Kvaser's text and CSV exports, and CanKing's text",
	.suffixes = ".txt",
	.flags = EVCAN_FORMAT_TEXT,
	.read_options = read_rows,
	.read_size = sizeof(struct reader),
	.bid = bid,
	.read_begin = read_begin,
	.decode = evcan_cells_decode_
};

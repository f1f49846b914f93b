/* SPDX-License-Identifier: BSD-3-Clause */
/* gvret.c - CSV of GVRET adapters and SavvyCAN, with and without times */
#include <evcan/format.h>

#include <string.h>

#include "cells.h"

/*
 * Two kinds, told by the header: "Time Stamp,ID,Extended,[Dir,]Bus,LEN,D1..."
 * with times in microseconds, and "ID,Data Bytes" with neither time nor bus.
 * Buses count from 0. Identifiers and bytes are in hex. LEN may be called DLC.
 *
 * SavvyCAN takes the system's clock away instead of adding it in some set-ups:
 * its times are then minus Unix time, and rise. Only their distance means
 * anything, so they count from the first one.
 */

enum column {
	TIME,
	ID,
	EXTENDED,
	DIR,
	BUS,
	LENGTH,
	DATA,      /* and all cells behind it */
	COLUMNS
};

static const char *const names[COLUMNS] = {
	"Time Stamp", "ID", "Extended", "Dir", "Bus", "LEN", "D1"
};

#define BARE_DATA "Data Bytes"
#define OTHER_LENGTH "DLC"

#define YEAR_NS (365 * 86400ll * 1000000000)

struct reader {
	struct evcan_cells_log_ log;
	bool bare;                 /* "ID,Data Bytes" */
	unsigned place[COLUMNS];   /* cells; one that no line has: absent */
	bool begun;                /* a frame was there */
	int64_t origin_ns;         /* times count from there */
};

/* @return whether it is a header */
static bool
get_header(struct reader *reader, const struct evcan_cells_ *cells)
{
	if (evcan_cells_find_(cells, names[ID]) < 0)
		return false;
	for (unsigned i = 0; i < COLUMNS; i++) {
		int place = evcan_cells_find_(cells, names[i]);

		if (place < 0 && i == LENGTH)
			place = evcan_cells_find_(cells, OTHER_LENGTH);
		reader->place[i] = place >= 0 ? (unsigned)place :
		    EVCAN_CELLS_MAX;
	}
	reader->bare = evcan_cells_find_(cells, BARE_DATA) >= 0;
	return true;
}

static struct evcan_cell_
at(const struct reader *reader, const struct evcan_cells_ *cells,
    enum column column)
{
	return evcan_cells_at_(cells, reader->place[column]);
}

/* Microseconds; a clock that ran over gives negative ones. */
static bool
get_time(struct evcan_cell_ cell, int64_t *ns)
{
	struct evcan_cell_ digits = cell;
	const bool negative = cell.len > 0 && *cell.text == '-';
	uint64_t micros = 0;

	digits.text += negative;
	digits.len -= negative;
	if (digits.len == 0 || digits.len > 18)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.text[i] < '0' || digits.text[i] > '9')
			return false;
		micros = micros * 10 + (uint64_t)(digits.text[i] - '0');
	}
	if (micros > INT64_MAX / 1000)
		return false;
	*ns = (int64_t)micros * (negative ? -1000 : 1000);
	return true;
}

/* Minus the system's clock cannot be told from the past but by its size. */
static int64_t
from_origin(struct reader *reader, int64_t ns)
{
	if (!reader->begun && ns < -YEAR_NS)
		reader->origin_ns = ns;
	reader->begun = true;
	return ns - reader->origin_ns;
}

static bool
get_bool(struct evcan_cell_ cell)
{
	return evcan_cell_is_(cell, "true") || evcan_cell_is_(cell, "1");
}

/* A line without times: identifier, bytes with blanks between them. */
static enum evcan_line_
get_bare(const struct evcan_cells_ *cells, struct evcan_frame *frame,
    struct evcan_fault_ *fault)
{
	const struct evcan_cell_ data = evcan_cells_at_(cells, 1);
	struct evcan_cells_ bytes;
	const char *why;
	unsigned len;
	uint32_t id;

	if (!evcan_cell_uint_(cells->cell[0], 16, EVCAN_MAX_EXT_ID, &id))
		return evcan_line_bad_(fault, cells->cell[0].text,
		    "expected an identifier in hex");
	evcan_cells_blanks_(&bytes, data.text, data.text + data.len);
	len = evcan_cells_data_(&bytes, 0, 16, EVCAN_MAX_DATA, frame->data);
	if (len < bytes.n || cells->n > 2)
		return evcan_line_bad_(fault,
		    len < bytes.n ? bytes.cell[len].text :
		    cells->cell[2].text, "expected up to 64 bytes in hex");
	why = evcan_cells_frame_(frame, id, len > 8 ? EVCAN_FRAME_FD : 0,
	    len, len);
	if (why != NULL)
		return evcan_line_bad_(fault, cells->cell[0].text, why);
	frame->time_ns = 0;
	frame->clock = EVCAN_CLOCK_NONE;
	frame->dir = EVCAN_DIR_RX;
	frame->channel = 0;
	return EVCAN_LINE_FRAME;
}

static enum evcan_line_
get_frame(struct reader *reader, const struct evcan_cells_ *cells,
    struct evcan_frame *frame, struct evcan_fault_ *fault)
{
	const struct evcan_cell_ dir = at(reader, cells, DIR);
	uint32_t id, bus = 0, length;
	unsigned len, flags;
	const char *why;

	if (!get_time(at(reader, cells, TIME), &frame->time_ns))
		return evcan_line_bad_(fault, fault->at,
		    "expected a time in microseconds");
	if (!evcan_cell_uint_(at(reader, cells, ID), 16, EVCAN_MAX_EXT_ID,
	    &id))
		return evcan_line_bad_(fault, fault->at,
		    "expected an identifier in hex "
		    "of at most 29 bits");
	if (reader->place[BUS] < EVCAN_CELLS_MAX &&
	    !evcan_cell_uint_(at(reader, cells, BUS), 10, 65534, &bus))
		return evcan_line_bad_(fault, fault->at,
		    "expected a bus's number");
	if (!evcan_cell_uint_(at(reader, cells, LENGTH), 10, EVCAN_MAX_DATA,
	    &length))
		return evcan_line_bad_(fault, fault->at,
		    "expected a length of at most 64");
	len = evcan_cells_data_(cells, reader->place[DATA], 16, length,
	    frame->data);
	if (len < length)
		return evcan_line_bad_(fault, fault->at,
		    "there are fewer bytes than LEN says");
	flags = get_bool(at(reader, cells, EXTENDED)) ? EVCAN_FRAME_EXT : 0;
	why = evcan_cells_frame_(frame, id, flags | (len > 8 ?
	    EVCAN_FRAME_FD : 0u), len, len);
	if (why != NULL)
		return evcan_line_bad_(fault, fault->at, why);
	frame->time_ns = from_origin(reader, frame->time_ns);
	frame->clock = evcan_cells_clock_(frame->time_ns);
	frame->dir = evcan_cell_is_(dir, "Tx") ? EVCAN_DIR_TX : EVCAN_DIR_RX;
	frame->channel = evcan_channel_map_channel_(&reader->log.map, bus + 1);
	return EVCAN_LINE_FRAME;
}

static enum evcan_line_
get_line(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct reader *reader = state;
	struct evcan_cells_ cells;

	evcan_cells_split_(&cells, p, eol, ',');
	if (cells.n == 0 || (cells.n == 1 && cells.cell[0].len == 0) ||
	    get_header(reader, &cells))
		return EVCAN_LINE_OTHER;
	fault->at = p;
	if (reader->bare)
		return get_bare(&cells, frame, fault);
	if (cells.n > 1)
		return get_frame(reader, &cells, frame, fault);
	out->skipped++;
	return EVCAN_LINE_OTHER;
}

static int
read_begin(void *state, const struct evcan_file *file,
    struct evcan_error *err)
{
	struct reader *reader = state;

	(void)file;
	for (unsigned i = 0; i < COLUMNS; i++)
		reader->place[i] = i;
	return evcan_cells_begin_(&reader->log, get_line, err);
}

static int
bid(const uint8_t *data, size_t len)
{
	const char *end = (const char *)data + len, *eol;
	const char *p = evcan_lines_skip_bom_((const char *)data, end);
	struct evcan_cells_ cells;

	if (p == end || evcan_lines_end_(p, end, true, &eol) == NULL)
		return 0;
	evcan_cells_split_(&cells, p, eol, ',');
	if (evcan_cell_is_(evcan_cells_at_(&cells, 0), names[TIME]) &&
	    evcan_cell_is_(evcan_cells_at_(&cells, 1), names[ID]))
		return 95;
	return cells.n == 2 && evcan_cell_is_(cells.cell[0], names[ID]) &&
	    evcan_cell_is_(cells.cell[1], BARE_DATA) ? 95 : 0;
}

const struct evcan_format evcan_format_gvret_ = {
	.name = "gvret",
	.summary = "CSV of GVRET adapters and SavvyCAN",
	.suffixes = ".csv",
	.flags = EVCAN_FORMAT_TEXT,
	.read_options = evcan_cells_options_,
	.read_size = sizeof(struct reader),
	.bid = bid,
	.read_begin = read_begin,
	.decode = evcan_cells_decode_
};

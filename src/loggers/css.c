/* SPDX-License-Identifier: BSD-3-Clause */
/* css.c - CSV with semicolons, as CSS Electronics' converters write it */
#include <evcan/format.h>

#include <string.h>

#include "cells.h"
#include "text.h"

/*
 * The header names the columns; a file without one has the usual ten. Time
 * is in seconds, identifier and bytes in hex, all else is decimal.
 */

enum column {
	TIME,
	CHANNEL,
	ID,
	IDE,
	DLC,
	LENGTH,
	DIR,
	EDL,
	BRS,
	DATA,
	ESI,          /* these two are not in every file */
	RTR,
	COLUMNS
};

static const char *const names[COLUMNS] = {
	"TimestampEpoch", "BusChannel", "ID", "IDE", "DLC", "DataLength",
	"Dir", "EDL", "BRS", "DataBytes", "ESI", "RTR"
};

struct reader {
	struct evcan_cells_log_ log;
	unsigned place[COLUMNS];   /* cells; one that no line has: absent */
};

static void
get_header(struct reader *reader, const struct evcan_cells_ *cells)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		const int place = evcan_cells_find_(cells, names[i]);

		reader->place[i] = place >= 0 ? (unsigned)place :
		    EVCAN_CELLS_MAX;
	}
}

/* Numbers of a line, by column; absent ones are 0. */
static bool
get_numbers(const struct reader *reader, const struct evcan_cells_ *cells,
    uint32_t *number, struct evcan_fault_ *fault)
{
	for (unsigned i = CHANNEL; i < COLUMNS; i++) {
		const struct evcan_cell_ cell = evcan_cells_at_(cells,
		    reader->place[i]);

		number[i] = 0;
		if (i == DATA || (cell.len == 0 && i != ID))
			continue;
		if (evcan_cell_uint_(cell, i == ID ? 16 : 10,
		    EVCAN_MAX_EXT_ID, &number[i]))
			continue;
		evcan_line_bad_(fault, cell.text,
		    "expected a number in this column");
		return false;
	}
	return true;
}

static bool
get_data(struct evcan_cell_ cell, uint8_t *data, unsigned *len)
{
	if (cell.len % 2 != 0 || cell.len > 2 * EVCAN_MAX_DATA)
		return false;
	for (size_t i = 0; i < cell.len; i += 2) {
		const uint8_t hi = evcan_hex_value_[(uint8_t)cell.text[i]];
		const uint8_t lo =
		    evcan_hex_value_[(uint8_t)cell.text[i + 1]];

		if ((hi | lo) > 15)
			return false;
		data[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	*len = (unsigned)cell.len / 2;
	return true;
}

static unsigned
get_flags(const uint32_t *number)
{
	unsigned flags = 0;

	if (number[IDE] != 0)
		flags |= EVCAN_FRAME_EXT;
	if (number[RTR] != 0)
		flags |= EVCAN_FRAME_RTR;
	if (number[EDL] != 0)
		flags |= EVCAN_FRAME_FD;
	if (number[EDL] != 0 && number[BRS] != 0)
		flags |= EVCAN_FRAME_BRS;
	if (number[EDL] != 0 && number[ESI] != 0)
		flags |= EVCAN_FRAME_ESI;
	return flags;
}

static enum evcan_line_
get_frame(struct reader *reader, const struct evcan_cells_ *cells,
    struct evcan_frame *frame, struct evcan_fault_ *fault)
{
	const struct evcan_cell_ time = evcan_cells_at_(cells,
	    reader->place[TIME]);
	const struct evcan_cell_ data = evcan_cells_at_(cells,
	    reader->place[DATA]);
	uint32_t number[COLUMNS];
	unsigned len, flags;
	const char *why;

	if (!evcan_cell_nanos_(time, &frame->time_ns))
		return evcan_line_bad_(fault, time.text,
		    "expected a time in seconds");
	if (!get_numbers(reader, cells, number, fault))
		return EVCAN_LINE_BAD;
	if (!get_data(data, frame->data, &len))
		return evcan_line_bad_(fault, data.text,
		    "expected up to 64 bytes in hex");
	flags = get_flags(number);
	if ((flags & EVCAN_FRAME_RTR) == 0 && reader->place[LENGTH] <
	    cells->n && number[LENGTH] != len)
		return evcan_line_bad_(fault, data.text,
		    "the bytes are not as many as DataLength says");
	/* Some writers give no DLC of its own. */
	why = evcan_cells_frame_(frame, number[ID], flags,
	    reader->place[DLC] < cells->n ? number[DLC] : len, len);
	if (why != NULL)
		return evcan_line_bad_(fault, fault->at, why);
	frame->clock = evcan_cells_clock_(frame->time_ns);
	frame->dir = number[DIR] != 0 ? EVCAN_DIR_TX : EVCAN_DIR_RX;
	frame->channel = evcan_channel_map_channel_(&reader->log.map,
	    number[CHANNEL]);
	return EVCAN_LINE_FRAME;
}

static enum evcan_line_
get_line(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct reader *reader = state;
	struct evcan_cells_ cells;

	evcan_cells_split_(&cells, p, eol, ';');
	if (cells.n == 0 || (cells.n == 1 && cells.cell[0].len == 0))
		return EVCAN_LINE_OTHER;
	if (evcan_cells_find_(&cells, names[TIME]) >= 0) {
		get_header(reader, &cells);
		return EVCAN_LINE_OTHER;
	}
	fault->at = p;
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
		reader->place[i] = i <= DATA ? i : EVCAN_CELLS_MAX;
	return evcan_cells_begin_(&reader->log, get_line, err);
}

static int
bid(const uint8_t *data, size_t len)
{
	const char *end = (const char *)data + len;
	const char *p = evcan_lines_skip_bom_((const char *)data, end);
	const size_t n = strlen(names[TIME]);

	return (size_t)(end - p) > n && memcmp(p, names[TIME], n) == 0 &&
	    p[n] == ';' ? 95 : 0;
}

const struct evcan_format evcan_format_css_ = {
	.name = "css",
	.summary = "CSV with semicolons of CSS Electronics' converters",
	.suffixes = ".csv",
	.flags = EVCAN_FORMAT_TEXT,
	.read_options = evcan_cells_options_,
	.read_size = sizeof(struct reader),
	.bid = bid,
	.read_begin = read_begin,
	.decode = evcan_cells_decode_
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* crtd.c - CRTD, as OVMS and SavvyCAN write it: time [bus]R11 id bytes */
#include <evcan/format.h>

#include <string.h>

#include "cells.h"

/*
 * A record's type is R or T (received, sent) and 11 or 29, with the bus's
 * number before it, or C and two letters: a comment (CXX, CVR, CBC), an
 * event (CEV), or what a module tells of its bus (CER, CST ...).
 */

/* Old files of SavvyCAN have no point: whole microseconds. */
static bool
get_time(struct evcan_cell_ cell, int64_t *ns)
{
	int64_t micros = 0;

	if (memchr(cell.text, '.', cell.len) != NULL)
		return evcan_cell_nanos_(cell, ns);
	for (size_t i = 0; i < cell.len; i++) {
		if (cell.text[i] < '0' || cell.text[i] > '9' ||
		    micros > INT64_MAX / 10000 - 1)
			return false;
		micros = micros * 10 + (cell.text[i] - '0');
	}
	if (cell.len == 0 || micros > INT64_MAX / 1000)
		return false;
	*ns = micros * 1000;
	return true;
}

/* "R11", "2T29": splits off the bus. @return its number, 1 if none, or -1 */
static int
split_type(struct evcan_cell_ *type)
{
	int bus = 0;

	if (type->len == 0 || *type->text < '0' || *type->text > '9')
		return 1;
	while (type->len > 0 && *type->text >= '0' && *type->text <= '9') {
		bus = bus * 10 + (*type->text - '0');
		type->text++;
		type->len--;
		if (bus > 65535)
			return -1;
	}
	return bus;
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* @return 'R' or 'T', 'C' for what is no frame, or 0 */
static char
get_type(struct evcan_cell_ type, unsigned *flags)
{
	if (type.len != 3)
		return 0;
	if (type.text[0] == 'C' && is_upper(type.text[1]) &&
	    is_upper(type.text[2]))
		return 'C';
	if (type.text[0] != 'R' && type.text[0] != 'T')
		return 0;
	*flags = 0;
	if (memcmp(type.text + 1, "29", 2) == 0)
		*flags = EVCAN_FRAME_EXT;
	else if (memcmp(type.text + 1, "11", 2) != 0)
		return 0;
	return type.text[0];
}

/* A record that is no frame. */
static enum evcan_line_
get_note(struct evcan_cell_ type, const char *eol, int64_t ns,
    struct evcan_decode *out)
{
	const char *text = type.text + type.len;

	if (evcan_cell_is_(type, "CEV")) {
		while (text < eol && *text == ' ')
			text++;
		evcan_decode_set_event(out, ns, text, (size_t)(eol - text));
	} else if (!evcan_cell_is_(type, "CXX") &&
	    !evcan_cell_is_(type, "CVR") && !evcan_cell_is_(type, "CBC")) {
		out->skipped++;
	}
	return EVCAN_LINE_OTHER;
}

static enum evcan_line_
get_frame(const struct evcan_cells_ *cells, unsigned flags,
    struct evcan_frame *frame, struct evcan_fault_ *fault)
{
	const struct evcan_cell_ id_cell = evcan_cells_at_(cells, 2);
	const char *why;
	uint32_t id;
	unsigned len;

	if (!evcan_cell_uint_(id_cell, 16, EVCAN_MAX_EXT_ID, &id))
		return evcan_line_bad_(fault, id_cell.text,
		    "expected an identifier in hex");
	len = evcan_cells_data_(cells, 3, 16, 8, frame->data);
	if (3 + len < cells->n)
		return evcan_line_bad_(fault, cells->cell[3 + len].text,
		    "expected up to 8 bytes in hex");
	why = evcan_cells_frame_(frame, id, flags, len, len);
	return why == NULL ? EVCAN_LINE_FRAME :
	    evcan_line_bad_(fault, id_cell.text, why);
}

static enum evcan_line_
get_line(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct evcan_cells_log_ *log = state;
	struct evcan_cells_ cells;
	struct evcan_cell_ type;
	unsigned flags;
	int64_t ns;
	char kind;
	int bus;

	evcan_cells_blanks_(&cells, p, eol);
	if (cells.n == 0 || cells.cell[0].text[0] == '#')
		return EVCAN_LINE_OTHER;
	type = evcan_cells_at_(&cells, 1);
	bus = split_type(&type);
	kind = get_type(type, &flags);
	if (kind == 0 && (cells.cell[0].text[0] < '0' ||
	    cells.cell[0].text[0] > '9')) {
		out->skipped++;
		return EVCAN_LINE_OTHER;
	}
	if (!get_time(cells.cell[0], &ns))
		return evcan_line_bad_(fault, cells.cell[0].text,
		    "expected a time in seconds");
	if (kind == 0 || bus < 0)
		return evcan_line_bad_(fault, type.text,
		    "expected R11, R29, T11 or T29, or a C record");
	if (kind == 'C')
		return get_note(type, eol, ns, out);
	if (get_frame(&cells, flags, frame, fault) == EVCAN_LINE_BAD)
		return EVCAN_LINE_BAD;
	frame->time_ns = ns;
	frame->clock = evcan_cells_clock_(ns);
	frame->dir = kind == 'T' ? EVCAN_DIR_TX : EVCAN_DIR_RX;
	frame->channel = evcan_channel_map_channel_(&log->map,
	    (unsigned)bus);
	return EVCAN_LINE_FRAME;
}

static int
read_begin(void *state, const struct evcan_file *file,
    struct evcan_error *err)
{
	(void)file;
	return evcan_cells_begin_(state, get_line, err);
}

/* The first record tells: no other format has such a second word. */
static int
bid(const uint8_t *data, size_t len)
{
	const char *end = (const char *)data + len, *eol, *next;
	const char *p = evcan_lines_skip_bom_((const char *)data, end);

	while (p < end) {
		struct evcan_cells_ cells;
		struct evcan_cell_ type;
		unsigned flags;
		int64_t ns;

		next = evcan_lines_end_(p, end, true, &eol);
		if (next == NULL || next == p)
			return 0;
		evcan_cells_blanks_(&cells, p, eol);
		p = next;
		if (cells.n == 0 || cells.cell[0].text[0] == '#')
			continue;
		type = evcan_cells_at_(&cells, 1);
		return get_time(cells.cell[0], &ns) &&
		    split_type(&type) >= 0 && get_type(type, &flags) != 0 ?
		    85 : 0;
	}
	return 0;
}

const struct evcan_format evcan_format_crtd_ = {
	.name = "crtd",
	.summary = "CRTD log of OVMS and SavvyCAN",
	.suffixes = ".crtd .crt",
	.flags = EVCAN_FORMAT_TEXT,
	.read_options = evcan_cells_options_,
	.read_size = sizeof(struct evcan_cells_log_),
	.bid = bid,
	.read_begin = read_begin,
	.decode = evcan_cells_decode_
};

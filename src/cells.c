/* SPDX-License-Identifier: BSD-3-Clause */
/* cells.c - a line's cells and the numbers in them, for read-only formats */
#include "cells.h"

#include <string.h>
#include <strings.h>

#include "text.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void
evcan_cells_blanks_(struct evcan_cells_ *cells, const char *p,
    const char *eol)
{
	cells->n = 0;
	cells->end = eol;
	while (cells->n < EVCAN_CELLS_MAX) {
		const char *start;

		while (p < eol && is_blank(*p))
			p++;
		if (p == eol)
			return;
		start = p;
		while (p < eol && !is_blank(*p))
			p++;
		cells->cell[cells->n].text = start;
		cells->cell[cells->n++].len = (size_t)(p - start);
	}
}

void
evcan_cells_split_(struct evcan_cells_ *cells, const char *p,
    const char *eol, char separator)
{
	cells->n = 0;
	cells->end = eol;
	while (p < eol && cells->n < EVCAN_CELLS_MAX) {
		const char *end = memchr(p, separator, (size_t)(eol - p));
		const char *next = end != NULL ? end + 1 : eol;

		if (end == NULL)
			end = eol;
		while (p < end && (is_blank(*p) || *p == '"'))
			p++;
		while (p < end && (is_blank(end[-1]) || end[-1] == '"'))
			end--;
		cells->cell[cells->n].text = p;
		cells->cell[cells->n++].len = (size_t)(end - p);
		p = next;
	}
}

struct evcan_cell_
evcan_cells_at_(const struct evcan_cells_ *cells, unsigned i)
{
	const struct evcan_cell_ none = { cells->end, 0 };

	return i < cells->n ? cells->cell[i] : none;
}

bool
evcan_cell_is_(struct evcan_cell_ cell, const char *word)
{
	return strlen(word) == cell.len &&
	    strncasecmp(cell.text, word, cell.len) == 0;
}

int
evcan_cells_find_(const struct evcan_cells_ *cells, const char *word)
{
	for (unsigned i = 0; i < cells->n; i++)
		if (evcan_cell_is_(cells->cell[i], word))
			return (int)i;
	return -1;
}

bool
evcan_cell_uint_(struct evcan_cell_ cell, unsigned base, uint32_t max,
    uint32_t *value)
{
	uint64_t sum = 0;

	if (cell.len > 2 && cell.text[0] == '0' &&
	    (cell.text[1] | 0x20) == 'x') {
		base = 16;
		cell.text += 2;
		cell.len -= 2;
	}
	if (cell.len == 0)
		return false;
	for (size_t i = 0; i < cell.len; i++) {
		const uint8_t digit =
		    evcan_hex_value_[(unsigned char)cell.text[i]];

		if (digit >= base)
			return false;
		sum = sum * base + digit;
		if (sum > max)
			return false;
	}
	*value = (uint32_t)sum;
	return true;
}

/* The last second that nanoseconds in 64 bits can tell. */
#define LAST_SECOND 9223372035ll

bool
evcan_cell_nanos_(struct evcan_cell_ cell, int64_t *value)
{
	const char *p = cell.text, *end = p + cell.len;
	const bool negative = cell.len > 1 && *p == '-';
	int64_t whole = 0, rest = 0, unit = 1000000000;

	p += negative;
	if (p == end || *p < '0' || *p > '9')
		return false;
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		whole = whole * 10 + (*p - '0');
		if (whole > LAST_SECOND)
			return false;
	}
	if (p < end && *p == '.')
		for (p++; p < end && *p >= '0' && *p <= '9'; p++)
			if (unit > 1)
				rest += (unit /= 10) * (*p - '0');
	if (p < end)
		return false;
	whole = whole * 1000000000 + rest;
	*value = negative ? -whole : whole;
	return true;
}

unsigned
evcan_cells_data_(const struct evcan_cells_ *cells, unsigned i,
    unsigned base, unsigned max, uint8_t *data)
{
	unsigned n = 0;
	uint32_t byte;

	while (n < max && i + n < cells->n &&
	    evcan_cell_uint_(cells->cell[i + n], base, 0xff, &byte))
		data[n++] = (uint8_t)byte;
	return n;
}

const char *
evcan_cells_frame_(struct evcan_frame *frame, uint32_t id, unsigned flags,
    unsigned dlc, unsigned len)
{
	const bool fd = (flags & EVCAN_FRAME_FD) != 0;

	if (id > EVCAN_MAX_EXT_ID)
		return "an identifier has at most 29 bits";
	if (id > EVCAN_MAX_STD_ID)
		flags |= EVCAN_FRAME_EXT;
	if (fd && (flags & EVCAN_FRAME_RTR) != 0)
		return "a CAN FD frame cannot be a remote frame";
	if ((flags & EVCAN_FRAME_RTR) != 0)
		len = 0;
	if (len > (fd ? EVCAN_MAX_DATA : 8u))
		return "a frame has at most 8 bytes of data, with FD 64";
	if (!fd && dlc > 15)
		return "a DLC is at most 15";
	memset(frame->data + len, 0, (fd ? EVCAN_MAX_DATA : 8u) - len);
	frame->id = id;
	frame->flags = (uint16_t)flags;
	frame->dlc = (uint8_t)(fd ? evcan_len2dlc(len) : dlc);
	frame->len = (uint8_t)len;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	return NULL;
}

const struct evcan_option evcan_cells_options_[] = {
	{ .name = "channels", .type = EVCAN_OPTION_TEXT, .fallback = "",
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct evcan_cells_log_, channels) },
	{ .name = NULL }
};

int
evcan_cells_begin_(struct evcan_cells_log_ *log, evcan_line_fn_ get_line,
    struct evcan_error *err)
{
	log->get_line = get_line;
	return evcan_channel_map_init_(&log->map, log->channels, err);
}

int
evcan_cells_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out)
{
	struct evcan_cells_log_ *log = state;

	return evcan_lines_decode_(&log->lines, log->get_line, state, span,
	    frames, max, out);
}

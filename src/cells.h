/* SPDX-License-Identifier: BSD-3-Clause */
/* cells.h - a line's cells and the numbers in them, for read-only formats */
#ifndef EVCAN_CELLS_H
#define EVCAN_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>
#include <evcan/frame.h>

#include "channel_map.h"
#include "lines.h"

/* More than any line of these formats has; what is behind is left out. */
#define EVCAN_CELLS_MAX 96

struct evcan_cell_ {
	const char *text;    /* inside the line, no NUL behind it */
	size_t len;
};

struct evcan_cells_ {
	struct evcan_cell_ cell[EVCAN_CELLS_MAX];
	unsigned n;
	const char *end;     /* of the line */
};

/* Stamps below one year count from the log's own start. */
#define EVCAN_CELLS_RELATIVE (365ll * 24 * 3600 * 1000000000)

static inline uint8_t
evcan_cells_clock_(int64_t time_ns)
{
	return time_ns < EVCAN_CELLS_RELATIVE ? EVCAN_CLOCK_RELATIVE :
	    EVCAN_CLOCK_KERNEL;
}

/* Splits a line at runs of blanks and tabs. */
void evcan_cells_blanks_(struct evcan_cells_ *cells, const char *p,
    const char *eol);
/* Splits a line at each separator; blanks and quotes around a cell are left
 * out, and so is an empty cell behind the last separator. */
void evcan_cells_split_(struct evcan_cells_ *cells, const char *p,
    const char *eol, char separator);

/* Cell i; beyond the last an empty one at the line's end. */
struct evcan_cell_ evcan_cells_at_(const struct evcan_cells_ *cells,
    unsigned i);
/* Whether a cell is this word, in any case. */
bool evcan_cell_is_(struct evcan_cell_ cell, const char *word);
/* Where a word is. @return its index, or -1 */
int evcan_cells_find_(const struct evcan_cells_ *cells, const char *word);

/* The whole cell as a number. @param base 10 or 16; 0x makes it 16 */
bool evcan_cell_uint_(struct evcan_cell_ cell, unsigned base, uint32_t max,
    uint32_t *value);
/* The whole cell as a decimal number of seconds (or of any other unit), of
 * which more than 9 decimals are left out. */
bool evcan_cell_nanos_(struct evcan_cell_ cell, int64_t *value);

/* Up to max bytes, one a cell, from cell i on. @return how many there are,
 * ended by a cell that is no byte */
unsigned evcan_cells_data_(const struct evcan_cells_ *cells, unsigned i,
    unsigned base, unsigned max, uint8_t *data);

/* Sets all of a frame but time, clock, channel, direction and the data up to
 * len; an identifier beyond 11 bits makes it extended.
 * @param dlc of a classic or remote frame; of a FD frame it follows from len
 * @return NULL, or why it is no frame (static text) */
const char *evcan_cells_frame_(struct evcan_frame *frame, uint32_t id,
    unsigned flags, unsigned dlc, unsigned len);

/* What these formats' states begin with. */
struct evcan_cells_log_ {
	const char *channels;      /* option */
	evcan_line_fn_ get_line;   /* its state is the format's whole one */
	struct evcan_lines_ lines;
	struct evcan_channel_map_ map;
};

/* Their `read_options`, if there are no others. */
extern const struct evcan_option evcan_cells_options_[];

/* For their `read_begin`. @return as it does */
int evcan_cells_begin_(struct evcan_cells_log_ *log,
    evcan_line_fn_ get_line, struct evcan_error *err);
/* Their `decode`. */
int evcan_cells_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* table_row.h - a frame as a row of python-can's table, in CSV and SQLite */
#ifndef EVCAN_TABLE_ROW_H
#define EVCAN_TABLE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>

/*
 * python-can's table has seven columns and no place for FD, BRS, ESI, channel
 * and direction; five more hold them where asked for. Its `dlc` is a length
 * in bytes. With all columns it is the raw DLC of a classic frame of 8 bytes
 * (9 to 15), which nothing else looks like: with that many bytes it is a
 * length.
 */
enum evcan_column_ {
	EVCAN_COLUMN_TIME,
	EVCAN_COLUMN_ID,
	EVCAN_COLUMN_EXT,
	EVCAN_COLUMN_REMOTE,
	EVCAN_COLUMN_ERROR,
	EVCAN_COLUMN_DLC,
	EVCAN_COLUMN_DATA,
	EVCAN_COLUMNS_PYTHON,   /* so many does python-can know */
	EVCAN_COLUMN_FD = EVCAN_COLUMNS_PYTHON,
	EVCAN_COLUMN_BRS,
	EVCAN_COLUMN_ESI,
	EVCAN_COLUMN_CHANNEL,
	EVCAN_COLUMN_DIRECTION,
	EVCAN_COLUMNS
};

/* The set of the first n columns, and whether a set has one. */
#define EVCAN_COLUMNS_FIRST(n) ((1u << (n)) - 1)
#define EVCAN_COLUMNS_HAVE(set, column) (((set) >> (column) & 1u) != 0)

/* The value of every `columns` row, and its sentence. */
#define EVCAN_COLUMNS_CHOICES "python-can all"
#define EVCAN_COLUMNS_HELP \
	"python-can: its seven columns; all: besides them fd, brs, esi, " \
	"channel and direction, which python-can's reader refuses"

/* Their names, from `arbitration_id` on the same in CSV and SQLite. */
extern const char *const evcan_column_names_[EVCAN_COLUMNS];

/* "Rx", "Tx" and "TxRq" of enum evcan_direction. */
extern const char *const evcan_column_directions_[3];
/* In any case, also R and T. @return -1: none of them */
int evcan_column_direction_(const char *text, size_t len);

/* What a row says, all but its time, data, channel and direction. */
struct evcan_row_ {
	unsigned columns;      /* the set of those that there are */
	uint32_t id;
	bool ext, remote, error, fd, brs, esi;
	unsigned dlc;
	unsigned len;          /* bytes in frame->data, at most 64 */
};

/* Sets id, flags, dlc and len, and clears what is left of 8 bytes of data.
 * @return NULL, or why it is no frame (static text) */
const char *evcan_row_frame_(const struct evcan_row_ *row,
    struct evcan_frame *frame);

/* The value of a frame's `dlc` column. */
unsigned evcan_row_dlc_(const struct evcan_frame *frame, unsigned columns);

/* Stamps below one year count from the log's own start. */
#define EVCAN_ROW_RELATIVE (365ll * 24 * 3600 * 1000000000)

static inline uint8_t
evcan_row_clock_(int64_t time_ns)
{
	return time_ns < EVCAN_ROW_RELATIVE ? EVCAN_CLOCK_RELATIVE :
	    EVCAN_CLOCK_KERNEL;
}

/* What such a table may lose, in the order of evcan_row_lost_(). */
#define EVCAN_ROW_ATTRIBUTES \
	"channel direction echo hops clock nanoseconds dlc fd brs esi error"
enum evcan_row_attribute_ {
	EVCAN_ROW_LOST_CHANNEL,
	EVCAN_ROW_LOST_DIRECTION,
	EVCAN_ROW_LOST_ECHO,
	EVCAN_ROW_LOST_HOPS,
	EVCAN_ROW_LOST_CLOCK,
	EVCAN_ROW_LOST_NANOSECONDS,
	EVCAN_ROW_LOST_DLC,
	EVCAN_ROW_LOST_FD,
	EVCAN_ROW_LOST_BRS,
	EVCAN_ROW_LOST_ESI,
	EVCAN_ROW_LOST_ERROR
};

/* Counts what the frame's row will not bring back; nanoseconds are left to
 * the format. */
void evcan_row_lost_(const struct evcan_frame *frame, unsigned columns,
    uint64_t *lost);

#endif

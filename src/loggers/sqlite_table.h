/* SPDX-License-Identifier: BSD-3-Clause */
/* sqlite_table.h - a table of frames in an SQLite database */
#ifndef EVCAN_SQLITE_TABLE_H
#define EVCAN_SQLITE_TABLE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>

#include "table_row.h"

/* Behind the columns of table_row.h: the time as an integer. */
#define EVCAN_SQLITE_NS EVCAN_COLUMNS
#define EVCAN_SQLITE_COLUMNS (EVCAN_COLUMNS + 1)

/* Their names: python-can's `ts` and `time_ns` besides evcan_column_names_.
 */
const char *evcan_sqlite_column_(unsigned column);

/* Which of them a table has. @return the set, 0: there is no such table */
unsigned evcan_sqlite_columns_(sqlite3 *db, const char *table);

#define EVCAN_SQLITE_SECOND INT64_C(1000000000)

/* The double nearest to so many nanoseconds, in seconds. */
double evcan_sqlite_seconds_(int64_t ns);
/* evcan_sqlite_ns_() for a double that is no whole number of microseconds.
 * @param whole seconds, rounded down */
int64_t evcan_sqlite_fine_ns_(double seconds, int64_t whole);

/* And back: the decimal number with the fewest digits that is this double, as
 * python's repr() shows it. @return false: not a time */
static inline bool
evcan_sqlite_ns_(double seconds, int64_t *ns)
{
	int64_t whole, micros;

	if (!(fabs(seconds) < 9223372036.0))
		return false;
	whole = (int64_t)seconds;
	whole -= (double)whole > seconds;
	/* The usual stamp has whole microseconds. */
	micros = (int64_t)((seconds - (double)whole) * 1e6 + 0.5);
	*ns = (double)whole + (double)micros / 1e6 == seconds ?
	    whole * EVCAN_SQLITE_SECOND + micros * 1000 :
	    evcan_sqlite_fine_ns_(seconds, whole);
	return true;
}

/* What sqlite3 told last, as an error. @return its code */
int evcan_sqlite_error_(sqlite3 *db, int code, const char *what,
    struct evcan_error *err);

/* Hooks of sqlite_read.c for the table in sqlite.c. */
struct evcan_sqlite_reader_ {
	const char *table;     /* option */
	sqlite3 *db;
	sqlite3_stmt *select;
	unsigned columns;
	uint8_t at[EVCAN_SQLITE_COLUMNS];   /* arguments of evcan_row() */
	struct evcan_frame *frames;         /* of the call that runs */
	size_t n, max;
	uint64_t size;         /* of the file, and its rows: for progress */
	int64_t first, last;
	bool done;
	struct evcan_error fault;   /* not told yet */
	int64_t rowid;         /* of the row read last */
	bool ordered;          /* rowids grow from row to row */
	bool started;
	uint16_t channel;      /* of the name looked up last */
	char name[EVCAN_CHANNEL_NAME_MAX + 1];
	bool told;             /* that no more names fit in the process */
};
int evcan_sqlite_read_begin_(void *state, const struct evcan_file *file,
    struct evcan_error *err);
int evcan_sqlite_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out);
void evcan_sqlite_read_done_(void *state);

#endif

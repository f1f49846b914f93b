/* SPDX-License-Identifier: BSD-3-Clause */
/* sqlite_table.c - a table of frames in an SQLite database */
#include "sqlite_table.h"

#include <string.h>

#include <evcan/error.h>

#define NS EVCAN_SQLITE_SECOND

const char *
evcan_sqlite_column_(unsigned column)
{
	if (column == EVCAN_COLUMN_TIME)
		return "ts";
	return column == EVCAN_SQLITE_NS ? "time_ns" :
	    evcan_column_names_[column];
}

unsigned
evcan_sqlite_columns_(sqlite3 *db, const char *table)
{
	unsigned set = 0;

	for (unsigned i = 0; i < EVCAN_SQLITE_COLUMNS; i++)
		if (sqlite3_table_column_metadata(db, "main", table,
		    evcan_sqlite_column_(i), NULL, NULL, NULL, NULL, NULL) ==
		    SQLITE_OK)
			set |= 1u << i;
	return set;
}

/* Whole seconds are exact, and so little is left of the rest that the sum
 * is rounded as if it were exact too. */
double
evcan_sqlite_seconds_(int64_t ns)
{
	return (double)(ns / NS) + (double)(ns % NS) / 1e9;
}

int64_t
evcan_sqlite_fine_ns_(double seconds, int64_t whole)
{
	static const int64_t units[] = { 100, 10, 1 };
	const double rest = seconds - (double)whole;
	int64_t ns = 0;

	for (unsigned i = 0; i < 3; i++) {
		ns = whole * NS + (int64_t)(rest * 1e9 / (double)units[i] +
		    0.5) * units[i];
		if (evcan_sqlite_seconds_(ns) == seconds)
			break;
	}
	return ns;
}

int
evcan_sqlite_error_(sqlite3 *db, int code, const char *what,
    struct evcan_error *err)
{
	const int result = db != NULL ? sqlite3_errcode(db) & 0xff :
	    SQLITE_NOMEM;

	if (result == SQLITE_NOMEM)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for the database");
	if (result == SQLITE_BUSY || result == SQLITE_LOCKED)
		code = EVCAN_ERR_BUSY;
	return evcan_error_set(err, code, 0, "%s: %.300s", what,
	    sqlite3_errmsg(db));
}

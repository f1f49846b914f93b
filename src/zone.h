/* SPDX-License-Identifier: BSD-3-Clause */
/* zone.h - wall clocks: log files tell local time without saying where */
#ifndef EVCAN_ZONE_H
#define EVCAN_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct evcan_error;

/* The sentence of every `tz` row. */
#define EVCAN_ZONE_HELP \
	"zone of the dates in the file: local, utc, or an offset as +02:00"

struct evcan_zone_ {
	bool local;      /* this machine's, with its summer time */
	int offset_s;    /* else: seconds east of UTC */
};

/* What a wall clock and a calendar show. */
struct evcan_wall_ {
	int year;        /* 2026 */
	int month;       /* 1..12 */
	int day;         /* 1..31 */
	int weekday;     /* 0: Sunday; not looked at by evcan_zone_unix_() */
	int hour, minute, second;
};

/* "local" (also NULL and ""), "utc", "Z", "+hh:mm", "-hhmm", "+hh".
 * @return 0 or EVCAN_ERR_INVALID with err */
int evcan_zone_parse_(struct evcan_zone_ *zone, const char *text,
    struct evcan_error *err);
/* @return false: no such time (a year beyond 9999 or before 1) */
bool evcan_zone_wall_(const struct evcan_zone_ *zone, int64_t unix_s,
    struct evcan_wall_ *wall);
/* A repeated hour is taken as its first; a skipped one as if the clock had
 * gone on. @return false: a field out of its range, 31 February */
bool evcan_zone_unix_(const struct evcan_zone_ *zone,
    const struct evcan_wall_ *wall, int64_t *unix_s);
/* A log's start as a wall clock that is read back as itself: one in the second
 * of a repeated hour is moved back by it.
 * @return false: there is none within a day */
bool evcan_zone_start_(const struct evcan_zone_ *zone, int64_t *unix_s,
    struct evcan_wall_ *wall);

#endif

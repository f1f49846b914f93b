/* SPDX-License-Identifier: BSD-3-Clause */
/* zone.c - wall clocks and calendars to and from Unix time */
#include "zone.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <evcan/error.h>

#define DAY_S 86400
#define YEAR_MIN 1
#define YEAR_MAX 9999

/* "hh:mm", "hhmm" or "hh", up to 23:59. */
static bool
get_offset(const char *p, int *seconds)
{
	int n[4] = { 0 };
	size_t digits = 0;

	for (; *p != '\0'; p++) {
		if (*p == ':' && digits == 2 && p[1] != '\0')
			continue;
		if (!isdigit((unsigned char)*p) || digits == 4)
			return false;
		n[digits++] = *p - '0';
	}
	if ((digits != 2 && digits != 4) || n[0] * 10 + n[1] > 23 || n[2] > 5)
		return false;
	*seconds = ((n[0] * 10 + n[1]) * 60 + n[2] * 10 + n[3]) * 60;
	return true;
}

int
evcan_zone_parse_(struct evcan_zone_ *zone, const char *text,
    struct evcan_error *err)
{
	zone->local = false;
	zone->offset_s = 0;
	if (text == NULL || *text == '\0' || strcasecmp(text, "local") == 0) {
		zone->local = true;
		tzset();   /* localtime_r() need not do it */
		return 0;
	}
	if (strcasecmp(text, "utc") == 0 || strcasecmp(text, "z") == 0)
		return 0;
	if ((*text == '+' || *text == '-') &&
	    get_offset(text + 1, &zone->offset_s)) {
		if (*text == '-')
			zone->offset_s = -zone->offset_s;
		return 0;
	}
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "\"%.40s\" is no zone: local, utc or an offset as +02:00 is right",
	    text);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted
 * from March, so that the leap day is a year's last. */
static int64_t
days_of(int year, int month, int day)
{
	const int y = year - (month <= 2);
	const int m = (month + 9) % 12;   /* 0: March */

	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 +
	    (m * 153 + 2) / 5 + day - 719469;
}

/* The same the other way round; days may be of the years 0 to 10000. */
static void
date_of(int64_t days, struct evcan_wall_ *wall)
{
	const int64_t d = days + 719468;   /* since 0000-03-01 */
	const int64_t era = d >= 0 ? d / 146097 : (d - 146096) / 146097;
	const int in_era = (int)(d - era * 146097);
	const int y = (in_era - in_era / 1460 + in_era / 36524 -
	    in_era / 146096) / 365;
	const int in_year = in_era - (y * 365 + y / 4 - y / 100);
	const int m = (in_year * 5 + 2) / 153;

	wall->day = in_year - (m * 153 + 2) / 5 + 1;
	wall->month = m < 10 ? m + 3 : m - 9;
	wall->year = (int)(era * 400) + y + (wall->month <= 2);
	wall->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

/* 0001-01-01 and the end of 9999-12-31, with a day left for any zone. */
#define UNIX_MIN (-62135596800 - DAY_S)
#define UNIX_MAX (253402300799 + DAY_S)

static void
wall_of(int64_t naive_s, struct evcan_wall_ *wall)
{
	int64_t days = naive_s / DAY_S;
	int rest = (int)(naive_s % DAY_S);

	if (rest < 0) {
		rest += DAY_S;
		days--;
	}
	date_of(days, wall);
	wall->hour = rest / 3600;
	wall->minute = rest / 60 % 60;
	wall->second = rest % 60;
}

/* What this machine's clock is ahead of UTC at that time. */
static bool
local_offset(int64_t unix_s, int64_t *offset)
{
	const time_t t = (time_t)unix_s;
	struct tm tm;

	if ((int64_t)t != unix_s || localtime_r(&t, &tm) == NULL)
		return false;
	*offset = days_of(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) *
	    DAY_S + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec - unix_s;
	return true;
}

bool
evcan_zone_wall_(const struct evcan_zone_ *zone, int64_t unix_s,
    struct evcan_wall_ *wall)
{
	int64_t offset = zone->offset_s;

	if (unix_s < UNIX_MIN || unix_s > UNIX_MAX ||
	    (zone->local && !local_offset(unix_s, &offset)))
		return false;
	wall_of(unix_s + offset, wall);
	return wall->year >= YEAR_MIN && wall->year <= YEAR_MAX;
}

static bool
is_wall(const struct evcan_wall_ *wall)
{
	static const int days[12] =
	    { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const int y = wall->year;
	const bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

	return y >= YEAR_MIN && y <= YEAR_MAX &&
	    wall->month >= 1 && wall->month <= 12 && wall->day >= 1 &&
	    wall->day <= days[wall->month - 1] + (leap && wall->month == 2) &&
	    wall->hour >= 0 && wall->hour <= 23 &&
	    wall->minute >= 0 && wall->minute <= 59 &&
	    wall->second >= 0 && wall->second <= 59;
}

bool
evcan_zone_unix_(const struct evcan_zone_ *zone,
    const struct evcan_wall_ *wall, int64_t *unix_s)
{
	int64_t naive, before, after, check;

	if (!is_wall(wall))
		return false;
	naive = days_of(wall->year, wall->month, wall->day) * DAY_S +
	    wall->hour * 3600 + wall->minute * 60 + wall->second;
	if (!zone->local) {
		*unix_s = naive - zone->offset_s;
		return true;
	}
	/* The clock may have been changed within a day around: the offset
	 * from before that goes first, which is a repeated hour's first. */
	if (!local_offset(naive - DAY_S, &before) ||
	    !local_offset(naive + DAY_S, &after))
		return false;
	*unix_s = naive - before;
	if (before != after &&
	    (!local_offset(naive - before, &check) || check != before) &&
	    local_offset(naive - after, &check) && check == after)
		*unix_s = naive - after;
	return true;
}

bool
evcan_zone_start_(const struct evcan_zone_ *zone, int64_t *unix_s,
    struct evcan_wall_ *wall)
{
	int64_t start = *unix_s, back;

	for (int hours = 0; hours < 24; hours++, start -= 3600) {
		if (!evcan_zone_wall_(zone, start, wall) ||
		    !evcan_zone_unix_(zone, wall, &back))
			return false;
		if (back != start)
			continue;
		*unix_s = start;
		return true;
	}
	return false;
}

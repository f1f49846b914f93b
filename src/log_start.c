/* SPDX-License-Identifier: BSD-3-Clause */
/* log_start.c - when a log that tells only relative time began */
#include "log_start.h"

#include <stddef.h>
#include <string.h>

#include <evcan/error.h>

#include "zone.h"

#define NS_PER_SEC 1000000000ll
/* The last second that nanoseconds in 64 bits can tell. */
#define LAST_SECOND 9223372035ll

/* Up to `most` digits. @return behind them, or NULL: there are none */
static const char *
get_number(const char *p, int most, int64_t *value)
{
	const char *start = p;

	*value = 0;
	while (*p >= '0' && *p <= '9' && p - start < most)
		*value = *value * 10 + (*p++ - '0');
	return p > start ? p : NULL;
}

/* Decimals of a second behind a point, if there is one. */
static const char *
get_decimals(const char *p, int64_t *ns)
{
	const char *start = p + 1;
	int64_t value;

	*ns = 0;
	if (*p != '.')
		return p;
	p = get_number(start, 9, &value);
	if (p == NULL)
		return NULL;
	for (int digits = (int)(p - start); digits < 9; digits++)
		value *= 10;
	*ns = value;
	return p;
}

static const char *
get_field(const char *p, char before, int *field)
{
	int64_t value;

	if (*p != before && !(before == 'T' && (*p == ' ' || *p == 't')))
		return NULL;
	p = get_number(p + 1, 2, &value);
	*field = (int)value;
	return p;
}

static const char *
get_clock(const char *p, struct evcan_wall_ *wall, int64_t *ns)
{
	p = get_field(p, 'T', &wall->hour);
	if (p == NULL || (p = get_field(p, ':', &wall->minute)) == NULL)
		return NULL;
	if (*p != ':')
		return p;
	p = get_field(p, ':', &wall->second);
	return p != NULL ? get_decimals(p, ns) : NULL;
}

/* @param year behind which p stands */
static int
get_date(const char *p, int64_t year, int64_t *when)
{
	struct evcan_wall_ wall = { .year = (int)year };
	struct evcan_zone_ zone;
	int64_t sec, ns = 0;

	p = get_field(p, '-', &wall.month);
	if (p == NULL || (p = get_field(p, '-', &wall.day)) == NULL)
		return -1;
	if (*p == 'T' || *p == 't' || *p == ' ')
		p = get_clock(p, &wall, &ns);
	if (p == NULL || evcan_zone_parse_(&zone, p, NULL) < 0 ||
	    !evcan_zone_unix_(&zone, &wall, &sec) || sec < 0 ||
	    sec > LAST_SECOND)
		return -1;
	*when = sec * NS_PER_SEC + ns;
	return 0;
}

int
evcan_log_start_parse_(const char *text, int64_t *ns,
    struct evcan_error *err)
{
	int64_t number = 0, decimals;
	const char *p = get_number(text, 10, &number);

	if (p != NULL && *p == '-' && get_date(p, number, ns) == 0)
		return 0;
	if (p != NULL && number <= LAST_SECOND &&
	    (p = get_decimals(p, &decimals)) != NULL && *p == '\0') {
		*ns = number * NS_PER_SEC + decimals;
		return 0;
	}
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "option start: "
	    "\"%.60s\" is no date; say 2026-11-20T10:15:30 (local time; Z or "
	    "+02:00 behind it for another zone) or Unix seconds", text);
}

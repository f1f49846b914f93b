/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_start.c - when a TRC file began, in the ways that files tell it */
#include "trc_row.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_SEC 1000000000
#define DAY_S 86400
/* 1970-01-01 in days since 1899-12-30. */
#define DAYS_1970 25569
#define DAYS_MAX 2958465   /* 9999-12-31 */
/* Decimals of a day that are looked at: each is then 0.0864 ns. */
#define DAY_DIGITS 15

static const struct evcan_zone_ utc;   /* all zero */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A wall clock's seconds since 1970 as if it went by UTC: the calendar's. */
static bool
naive_to_unix(const struct evcan_zone_ *zone, int64_t naive_s, int64_t *unix_s)
{
	struct evcan_wall_ wall;

	return evcan_zone_wall_(&utc, naive_s, &wall) &&
	    evcan_zone_unix_(zone, &wall, unix_s);
}

/* Whole and rest, so that ns is exact; only the years 1678 to 2261 fit. */
static bool
join(int64_t unix_s, int64_t rest_ns, int64_t *ns)
{
	if (unix_s < INT64_MIN / NS_PER_SEC + 1 ||
	    unix_s >= INT64_MAX / NS_PER_SEC - 1)
		return false;
	*ns = unix_s * NS_PER_SEC + rest_ns;
	return true;
}

bool
evcan_trc_get_days_(const struct evcan_zone_ *zone, const char *p,
    const char *eol, int64_t *ns)
{
	int64_t days = 0, part = 0, in_day, unix_s;
	int digits = 0;

	while (p < eol && (*p == ' ' || *p == '\t'))
		p++;
	if (p == eol || !is_digit(*p))
		return false;
	for (; p < eol && is_digit(*p) && days <= DAYS_MAX; p++)
		days = days * 10 + (*p - '0');
	if (p < eol && (*p == '.' || *p == ','))
		for (p++; p < eol && is_digit(*p); p++)
			if (digits < DAY_DIGITS) {
				part = part * 10 + (*p - '0');
				digits++;
			}
	/* Some end it with a semicolon. */
	while (p < eol && (*p == ' ' || *p == '\t' || *p == ';'))
		p++;
	if (p < eol || days > DAYS_MAX)
		return false;
	for (; digits < DAY_DIGITS; digits++)
		part *= 10;
	/* A day's 10^15th part is 0.0864 ns. */
	in_day = (part * 864 + 5000) / 10000;
	return naive_to_unix(zone, (days - DAYS_1970) * DAY_S +
	    in_day / NS_PER_SEC, &unix_s) &&
	    join(unix_s, in_day % NS_PER_SEC, ns);
}

/* Up to max digits. @return how many */
static int
get_digits(const char **p, const char *eol, int max, int *value)
{
	int n = 0;

	for (*value = 0; n < max && *p < eol && is_digit(**p); n++, ++*p)
		*value = *value * 10 + (**p - '0');
	return n;
}

/* 30.09.2017, 2/26/2026, 16-06-2021 and years first. A slash means month
 * first (PEAK's programs write what Windows says) unless it cannot. */
static bool
get_calendar(const char **p, const char *eol, struct evcan_wall_ *wall)
{
	int n[3], digits[3];
	char mark = '\0';

	for (int i = 0; i < 3; i++) {
		digits[i] = get_digits(p, eol, 4, &n[i]);
		if (digits[i] == 0)
			return false;
		if (i == 2)
			break;
		if (*p == eol || strchr("./-", **p) == NULL ||
		    (i == 1 && **p != mark))
			return false;
		mark = *(*p)++;
	}
	if (digits[0] == 4) {
		wall->year = n[0];
		wall->month = n[1];
		wall->day = n[2];
		return digits[1] <= 2 && digits[2] <= 2;
	}
	wall->year = n[2];
	wall->month = mark == '/' && n[0] <= 12 ? n[0] : n[1];
	wall->day = mark == '/' && n[0] <= 12 ? n[1] : n[0];
	return digits[0] <= 2 && digits[1] <= 2 && digits[2] == 4;
}

/* 22:06:13.191.000 and .0: thousandths, then what is below them. */
static bool
get_clock(const char **p, const char *eol, struct evcan_wall_ *wall,
    int64_t *rest_ns)
{
	int64_t unit = NS_PER_SEC;

	*rest_ns = 0;
	if (get_digits(p, eol, 2, &wall->hour) == 0 || *p == eol ||
	    *(*p)++ != ':' || get_digits(p, eol, 2, &wall->minute) == 0)
		return false;
	wall->second = 0;
	if (*p < eol && **p == ':') {
		++*p;
		if (get_digits(p, eol, 2, &wall->second) == 0)
			return false;
	}
	while (eol - *p >= 2 && (**p == '.' || **p == ',') &&
	    is_digit((*p)[1]))
		for (++*p; *p < eol && is_digit(**p); ++*p) {
			unit /= 10;
			*rest_ns += unit * (**p - '0');
		}
	return true;
}

/* AM and PM, where Windows says so. */
static void
get_half(const char *p, const char *eol, struct evcan_wall_ *wall)
{
	if (eol - p < 2 || (p[1] | 0x20) != 'm')
		return;
	if ((p[0] | 0x20) == 'p' && wall->hour < 12)
		wall->hour += 12;
	else if ((p[0] | 0x20) == 'a' && wall->hour == 12)
		wall->hour = 0;
}

bool
evcan_trc_get_date_(const struct evcan_zone_ *zone, const char *p,
    const char *eol, int64_t *ns)
{
	struct evcan_zone_ own = *zone;
	struct evcan_wall_ wall = { 0 };
	int64_t rest_ns, unix_s;
	char offset[8] = "";

	while (p < eol && *p == ' ')
		p++;
	if (!get_calendar(&p, eol, &wall) || p == eol)
		return false;
	for (p++; p < eol && *p == ' ';)   /* the first may be a T */
		p++;
	if (!get_clock(&p, eol, &wall, &rest_ns))
		return false;
	if (p < eol && (*p == '+' || *p == '-' || *p == 'Z')) {
		const size_t len = (size_t)(eol - p);

		memcpy(offset, p, len < 6 ? len : 6);
		offset[strcspn(offset, " \t")] = '\0';
		if (evcan_zone_parse_(&own, offset, NULL) < 0)
			return false;
	}
	while (p < eol && *p == ' ')
		p++;
	get_half(p, eol, &wall);
	return evcan_zone_unix_(&own, &wall, &unix_s) &&
	    join(unix_s, rest_ns, ns);
}

/* As few decimals of a day as bring the same nanosecond back, but ten, which
 * is what PEAK's programs write. */
static void
put_days(char *out, int64_t days, int64_t in_day_ns)
{
	int64_t part = (in_day_ns * 10000 + 432) / 864, unit = 100000;
	int decimals = 10;
	int64_t cut;

	for (;; decimals++, unit /= 10) {
		cut = (part + unit / 2) / unit;
		if (decimals == DAY_DIGITS ||
		    (cut * unit * 864 + 5000) / 10000 == in_day_ns)
			break;
	}
	snprintf(out, 40, "%lld.%0*lld", (long long)days, decimals,
	    (long long)cut);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

bool
evcan_trc_put_start_(const struct evcan_zone_ *zone, int64_t *ns, char *days,
    char *date)
{
	int64_t unix_s = floor_div(*ns, NS_PER_SEC), naive;
	const int64_t rest = *ns - unix_s * NS_PER_SEC;
	struct evcan_wall_ wall;

	if (!evcan_zone_start_(zone, &unix_s, &wall) ||
	    !evcan_zone_unix_(&utc, &wall, &naive))
		return false;
	*ns = unix_s * NS_PER_SEC + rest;
	put_days(days, floor_div(naive, DAY_S) + DAYS_1970,
	    (naive - floor_div(naive, DAY_S) * DAY_S) * NS_PER_SEC + rest);
	snprintf(date, 40, "%02d.%02d.%04d %02d:%02d:%02d.%03d.%03d",
	    wall.day, wall.month, wall.year, wall.hour, wall.minute,
	    wall.second, (int)(rest / 1000000), (int)(rest / 1000 % 1000));
	return true;
}

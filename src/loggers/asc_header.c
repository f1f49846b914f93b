/* SPDX-License-Identifier: BSD-3-Clause */
/* asc_header.c - Vector ASC: the lines of a header, and dates */
#include <string.h>

#include "asc.h"

/* Letters of the code pages and of UTF-8, without their marks. */
static const struct {
	const char *bytes;
	char plain;
} letters[] = {
	{ "\xc3\xa4", 'a' }, { "\xc3\xa9", 'e' }, { "\xc3\xbb", 'u' },
	{ "\xe4", 'a' }, { "\xe9", 'e' }, { "\xfb", 'u' }
};

/* By their first letters: English, German, then Romance languages. */
static const struct {
	const char *begins;
	int month;
} months[] = {
	{ "jan", 1 }, { "feb", 2 }, { "mar", 3 }, { "apr", 4 },
	{ "may", 5 }, { "jun", 6 }, { "jul", 7 }, { "aug", 8 },
	{ "sep", 9 }, { "oct", 10 }, { "nov", 11 }, { "dec", 12 },
	{ "mae", 3 }, { "mrz", 3 }, { "mai", 5 }, { "okt", 10 },
	{ "dez", 12 },
	{ "fev", 2 }, { "avr", 4 }, { "juin", 6 }, { "juil", 7 },
	{ "aou", 8 }, { "ene", 1 }, { "abr", 4 }, { "ago", 8 },
	{ "set", 9 }, { "dic", 12 }, { "gen", 1 }, { "mag", 5 },
	{ "giu", 6 }, { "lug", 7 }, { "ott", 10 }, { "out", 10 }
};

/* What a date's words told so far. */
struct date {
	struct evcan_wall_ wall;
	int64_t nanos;
	bool has_time, am, pm;
	bool has_zone;
	struct evcan_zone_ zone;
};

static int
month_of(struct evcan_asc_word_ word)
{
	char plain[8] = "";
	size_t n = 0;

	for (size_t i = 0; i < word.len && n < sizeof(plain) - 1; i++) {
		char c = word.p[i];

		for (size_t k = 0; k < sizeof(letters) / sizeof(letters[0]);
		    k++) {
			const size_t len = strlen(letters[k].bytes);

			if (word.len - i < len ||
			    memcmp(word.p + i, letters[k].bytes, len) != 0)
				continue;
			c = letters[k].plain;
			i += len - 1;
			break;
		}
		plain[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++)
		if (strncmp(plain, months[i].begins,
		    strlen(months[i].begins)) == 0)
			return months[i].month;
	return 0;
}

/* Up to max digits. @return how many there were */
static int
number(const char **p, const char *end, int max, int *value)
{
	int n = 0;

	for (*value = 0; *p < end && n < max && **p >= '0' && **p <= '9'; n++)
		*value = *value * 10 + (*(*p)++ - '0');
	return n;
}

/* What stands behind the time of an ISO date. */
static bool
get_zone(const char *p, const char *end, struct date *date)
{
	char text[8] = "";

	if ((size_t)(end - p) >= sizeof(text))
		return false;
	memcpy(text, p, (size_t)(end - p));
	date->has_zone = true;
	return evcan_zone_parse_(&date->zone, text, NULL) == 0;
}

/* h:m[:s[.fraction]], also with Z or an offset. */
static bool
get_time(const char *p, const char *end, struct date *date)
{
	struct evcan_wall_ *wall = &date->wall;
	int64_t unit = EVCAN_ASC_SEC;

	if (number(&p, end, 2, &wall->hour) == 0 || p == end || *p++ != ':' ||
	    number(&p, end, 2, &wall->minute) == 0)
		return false;
	date->has_time = true;
	if (p < end && *p == ':') {
		p++;
		if (number(&p, end, 2, &wall->second) == 0)
			return false;
	}
	if (p < end && (*p == '.' || *p == ','))
		while (++p < end && *p >= '0' && *p <= '9') {
			unit /= 10;
			date->nanos += (*p - '0') * unit;
		}
	return p == end || get_zone(p, end, date);
}

/* 2017-09-30 or 30.9.2017; a day or a year alone. */
static bool
get_numbers(const char *p, const char *end, struct date *date)
{
	struct evcan_wall_ *wall = &date->wall;
	int a, digits = number(&p, end, 4, &a);
	const char sep = p < end ? *p : '\0';

	if (digits < 3 && wall->day == 0)
		wall->day = a;
	else
		wall->year = a;
	if (p == end || p + 1 == end)
		return p == end || sep == '.' || sep == ',';
	p++;
	if ((sep != '-' && sep != '.') ||
	    number(&p, end, 2, &wall->month) == 0 || p == end || *p++ != sep ||
	    number(&p, end, 4, digits < 3 ? &wall->year : &wall->day) == 0)
		return false;
	return p == end;
}

static bool
get_word(struct evcan_asc_word_ word, struct date *date)
{
	const char *end = word.p + word.len;
	const char *t = memchr(word.p, 'T', word.len);
	int month;

	if (*word.p >= '0' && *word.p <= '9') {
		if (t != NULL)
			return get_numbers(word.p, t, date) &&
			    get_time(t + 1, end, date);
		if (memchr(word.p, ':', word.len) != NULL)
			return get_time(word.p, end, date);
		return get_numbers(word.p, end, date);
	}
	if (evcan_asc_is_(word, "am") || evcan_asc_is_(word, "pm")) {
		date->am = (*word.p | 0x20) == 'a';
		date->pm = !date->am;
		return true;
	}
	/* The weekday, which comes first and is not looked at, may begin as
	 * a month does. */
	month = month_of(word);
	if (month != 0)
		date->wall.month = month;
	return true;
}

/* @return false: not a date */
static bool
get_date(const struct evcan_asc_reader_ *reader, const char *p,
    const char *eol, int64_t *ns)
{
	struct evcan_asc_word_ word;
	struct date date;
	int64_t unix_s;

	memset(&date, 0, sizeof(date));
	while ((word = evcan_asc_word_(&p, eol)).p != NULL)
		if (!get_word(word, &date))
			return false;
	if (!date.has_time)
		return false;
	/* "15:06 PM" is written, too. */
	if (date.pm && date.wall.hour < 12)
		date.wall.hour += 12;
	else if (date.am && date.wall.hour == 12)
		date.wall.hour = 0;
	if (!evcan_zone_unix_(date.has_zone ? &date.zone : &reader->zone,
	    &date.wall, &unix_s) || unix_s < -24 * 3600 ||
	    unix_s > EVCAN_ASC_MAX_START / EVCAN_ASC_SEC)
		return false;
	*ns = unix_s < 0 ? 0 : unix_s * EVCAN_ASC_SEC + date.nanos;
	return true;
}

void
evcan_asc_start_(struct evcan_asc_reader_ *reader, int64_t ns)
{
	if (reader->relative_timestamp)
		return;
	reader->start_ns = ns;
	reader->dated = ns >= EVCAN_ASC_MIN_START;
	reader->clock = reader->dated ? EVCAN_CLOCK_KERNEL :
	    EVCAN_CLOCK_RELATIVE;
}

void
evcan_asc_session_(struct evcan_asc_reader_ *reader)
{
	reader->dec = reader->base != 0;
	reader->base_told = reader->mode_told = false;
	reader->of_day = 0;
	reader->gaps = false;
	reader->has_date = reader->dated = false;
	reader->stamped = reader->block = false;
	reader->start_ns = reader->last_ns = 0;
	reader->clock = EVCAN_CLOCK_RELATIVE;
	reader->second.len = 0;
}

static enum evcan_line_
bad_date(const char *p, struct evcan_fault_ *fault)
{
	fault->why = "this date cannot be read: stamps count from 0; right "
	    "would be \"Sat Sep 30 03:06:13.191 pm 2017\"";
	fault->at = p;
	return EVCAN_LINE_BAD;
}

/* A second `date` begins a new session; so does one behind frames. A date
 * without text begins one that has none. */
static enum evcan_line_
date_line(struct evcan_asc_reader_ *reader, const char *p, const char *eol,
    struct evcan_fault_ *fault)
{
	struct evcan_wall_ wall;
	int64_t ns;

	if (reader->has_date || reader->stamped)
		evcan_asc_session_(reader);
	reader->has_date = true;
	p = evcan_asc_skip_(p, eol);
	if (p == eol)
		return EVCAN_LINE_OTHER;
	if (!get_date(reader, p, eol, &ns))
		return bad_date(p, fault);
	evcan_asc_start_(reader, ns);
	if (reader->dated && evcan_zone_wall_(&reader->zone,
	    ns / EVCAN_ASC_SEC, &wall))
		reader->of_day = (wall.hour * 60 + wall.minute) * 60 +
		    wall.second;
	return EVCAN_LINE_OTHER;
}

static void
base_line(struct evcan_asc_reader_ *reader, const char *p, const char *eol)
{
	struct evcan_asc_word_ word;

	while ((word = evcan_asc_word_(&p, eol)).p != NULL) {
		if (evcan_asc_is_(word, "hex") || evcan_asc_is_(word, "dec")) {
			reader->dec = (*word.p | 0x20) == 'd';
			reader->base_told = true;
		} else if (evcan_asc_is_(word, "absolute"))
			reader->gaps = false;
		else if (evcan_asc_is_(word, "relative"))
			reader->gaps = true;
		else if (evcan_asc_is_(word, "timestamps"))
			reader->mode_told = true;
	}
	reader->second.len = 0;
}

/* Offsets count from the first block's date, and on through later blocks
 * unless they begin anew. */
static enum evcan_line_
block_line(struct evcan_asc_reader_ *reader, const char *p, const char *eol,
    struct evcan_fault_ *fault)
{
	int64_t ns;

	p = evcan_asc_skip_(p, eol);
	if (p == eol)
		return EVCAN_LINE_OTHER;
	if (!get_date(reader, p, eol, &ns))
		return bad_date(p, fault);
	if (!reader->stamped) {
		evcan_asc_start_(reader, ns);
		reader->of_day = 0;
	} else {
		reader->block = true;
		reader->block_ns = ns;
	}
	reader->second.len = 0;
	return EVCAN_LINE_OTHER;
}

enum evcan_line_
evcan_asc_header_(struct evcan_asc_reader_ *reader, const char *p,
    const char *eol, bool *known, struct evcan_fault_ *fault)
{
	const struct evcan_asc_word_ first = evcan_asc_word_(&p, eol);
	const char *rest = p;
	const struct evcan_asc_word_ second = evcan_asc_word_(&p, eol);
	bool block;

	*known = true;
	if (evcan_asc_is_(first, "date"))
		return date_line(reader, rest, eol, fault);
	if (evcan_asc_is_(first, "base")) {
		base_line(reader, rest, eol);
		return EVCAN_LINE_OTHER;
	}
	block = evcan_asc_is_(second, "triggerblock");
	if (block && evcan_asc_is_(first, "begin"))
		return block_line(reader, p, eol, fault);
	*known = (block && evcan_asc_is_(first, "end")) ||
	    evcan_asc_is_(first, "internal") ||
	    (evcan_asc_is_(first, "no") && evcan_asc_is_(second, "internal"));
	return EVCAN_LINE_OTHER;
}

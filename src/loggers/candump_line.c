/* SPDX-License-Identifier: BSD-3-Clause */
/* candump_line.c - one line of a candump log, by the full grammar */
#include "candump_line.h"

#include <string.h>
#include <time.h>

#include "text.h"

/* The last second that nanoseconds in 64 bits can tell. */
#define LAST_SECOND 9223372035ll

static int
bad(struct evcan_fault_ *fault, const char *at, const char *why)
{
	fault->at = at;
	fault->why = why;
	return -1;
}

static const char *
skip_blanks(const char *p, const char *eol)
{
	while (p < eol && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* The digits behind the point, up to ')'. */
static const char *
get_fraction(const char *p, const char *eol, int64_t *ns,
    struct evcan_fault_ *fault)
{
	const char *start = p;
	int64_t value = 0;
	int digits;

	while (p < eol && *p >= '0' && *p <= '9' && p - start < 10)
		value = value * 10 + (*p++ - '0');
	digits = (int)(p - start);
	if (digits == 0 || digits > 9 || p == eol || *p != ')') {
		bad(fault, p, "expected up to 9 decimals and ')'");
		return NULL;
	}
	/* asc2log rounds up to 1000000 microseconds now and then. */
	if (digits == 7 && value == 1000000)
		digits = 6;
	for (; digits < 9; digits++)
		value *= 10;
	*ns = value;
	return p + 1;
}

static int
two_digits(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + (p[1] - '0');
}

/* "YYYY-MM-DD hh:mm" in local time, kept for the next line. */
static bool
get_minute(struct evcan_candump_reader_ *reader, const char *p)
{
	int century = two_digits(p), year = two_digits(p + 2);
	int month = two_digits(p + 5), day = two_digits(p + 8);
	int hour = two_digits(p + 11), min = two_digits(p + 14);
	struct tm tm = { .tm_isdst = -1 };
	int64_t when;

	if (memcmp(p, reader->minute, sizeof(reader->minute)) == 0)
		return true;
	if (century < 0 || year < 0 || p[4] != '-' || month < 1 ||
	    month > 12 || p[7] != '-' || day < 1 || p[10] != ' ' ||
	    hour < 0 || hour > 23 || p[13] != ':' || min < 0 || min > 59)
		return false;
	tm.tm_year = century * 100 + year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = min;
	when = mktime(&tm);
	/* mktime() turns 31 February into March instead of refusing it. */
	if (tm.tm_mday != day || when < 0 || when > LAST_SECOND - 60)
		return false;
	memcpy(reader->minute, p, sizeof(reader->minute));
	reader->minute_s = when;
	return true;
}

/* @param p behind '(' */
static const char *
get_date(struct evcan_candump_reader_ *reader, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_fault_ *fault)
{
	int64_t ns;
	int sec;

	if (eol - p < 20 || !get_minute(reader, p) || p[16] != ':' ||
	    (sec = two_digits(p + 17)) < 0 || sec > 60 || p[19] != '.') {
		bad(fault, p, "expected a time as YYYY-MM-DD hh:mm:ss.ffffff");
		return NULL;
	}
	p = get_fraction(p + 20, eol, &ns, fault);
	frame->time_ns = (reader->minute_s + sec) * EVCAN_NS_PER_SEC +
	    (p != NULL ? ns : 0);
	frame->clock = EVCAN_CLOCK_KERNEL;
	return p;
}

/* @param p behind '(' */
static const char *
get_seconds(struct evcan_candump_reader_ *reader, const char *p,
    const char *eol, struct evcan_frame *frame,
    struct evcan_fault_ *fault)
{
	const char *start = p, *point;
	int64_t sec = 0, ns;

	while (p < eol && *p >= '0' && *p <= '9' && sec <= LAST_SECOND)
		sec = sec * 10 + (*p++ - '0');
	if (p == start || sec > LAST_SECOND) {
		bad(fault, start, "expected seconds before 2262");
		return NULL;
	}
	if (p == eol || *p != '.') {
		bad(fault, p, "expected '.' and decimals of a second");
		return NULL;
	}
	point = p + 1;
	p = get_fraction(point, eol, &ns, fault);
	if (p == NULL)
		return NULL;
	/* A year is whole seconds: this one's clock is that of all in it. */
	frame->time_ns = sec * EVCAN_NS_PER_SEC + ns;
	frame->clock = frame->time_ns < EVCAN_CANDUMP_RELATIVE ?
	    EVCAN_CLOCK_RELATIVE : EVCAN_CLOCK_KERNEL;
	if (start[-1] == '(')
		evcan_second_set_(&reader->second, start - 1,
		    (size_t)(point - start) + 1, sec * EVCAN_NS_PER_SEC,
		    frame->clock);
	return p;
}

static const char *
get_time(struct evcan_candump_reader_ *reader, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_fault_ *fault)
{
	if (p == eol || *p != '(') {
		bad(fault, p, "expected '(' and a time");
		return NULL;
	}
	p = skip_blanks(p + 1, eol);
	if (eol - p > 4 && p[4] == '-')
		return get_date(reader, p, eol, frame, fault);
	return get_seconds(reader, p, eol, frame, fault);
}

static int
get_channel(struct evcan_candump_reader_ *reader, const char *text, size_t len,
    uint16_t *channel, struct evcan_fault_ *fault)
{
	int r;

	*channel = evcan_near_find_(&reader->names, text, len);
	if (*channel != EVCAN_CHANNEL_NONE)
		return 0;
	if (len > EVCAN_CHANNEL_NAME_MAX)
		return bad(fault, text, "the interface name is longer than "
		    "127 characters");
	if (reader->probing)
		return 0;
	r = evcan_channel_intern_n(text, len);
	if (r > 0) {
		*channel = (uint16_t)r;
		evcan_near_keep_(&reader->names, text, len, ' ', *channel);
		return 0;
	}
	if (r == EVCAN_ERR_INVALID)
		return bad(fault, text, "that is no interface name");
	if (reader->told)
		return 0;
	reader->told = fault->again = true;
	return bad(fault, text, r == EVCAN_ERR_NOMEM ?
	    "out of memory for an interface name: its frames have none" :
	    "this process knows 65,535 interface names already: frames of "
	    "further ones have none");
}

/* ` R` or ` T` at the line's end, or nothing. */
static int
get_direction(const char *p, const char *eol, struct evcan_frame *frame,
    struct evcan_fault_ *fault)
{
	const char *start = p;

	frame->dir = EVCAN_DIR_RX;
	p = skip_blanks(p, eol);
	if (p < eol && p > start && strchr("RrTt", *p) != NULL) {
		if (*p == 'T' || *p == 't')
			frame->dir = EVCAN_DIR_TX;
		p = skip_blanks(p + 1, eol);
	}
	if (p < eol)
		return bad(fault, p, "expected the line's end, R or T "
		    "behind the frame");
	return 0;
}

/* A frame as it is shown stands in for one in the log's form. */
static enum evcan_line_
get_frame(const char *p, const char *eol, struct evcan_frame *frame,
    struct evcan_fault_ *fault)
{
	const char *end = evcan_text_get_frame_(p, eol, frame, &fault->why,
	    &fault->at);

	if (end == NULL && evcan_candump_screen_(p, eol, frame))
		return EVCAN_LINE_FRAME;
	if (end == NULL && fault->why == evcan_text_is_xl_)
		return EVCAN_LINE_OTHER;
	return end == NULL || get_direction(end, eol, frame, fault) < 0 ?
	    EVCAN_LINE_BAD : EVCAN_LINE_FRAME;
}

/* Only what candump shows without -t has no time. A text that quotes it is no
 * log; a command line may come first. */
static const char *
no_time(const struct evcan_candump_reader_ *reader, const char *p,
    const char *eol, struct evcan_frame *frame)
{
	const char *end = p;

	if (reader->doubts > 1)
		return NULL;
	while (end < eol && *end != ' ' && *end != '\t')
		end++;
	end = skip_blanks(end, eol);
	if (!evcan_candump_screen_(end, eol, frame))
		return NULL;
	frame->time_ns = 0;
	frame->clock = EVCAN_CLOCK_NONE;
	return p;
}

/* Time, interface, frame. */
static enum evcan_line_
frame_line(struct evcan_candump_reader_ *reader, const char *p,
    const char *eol, struct evcan_frame *frame,
    struct evcan_fault_ *fault)
{
	const char *name = p;
	enum evcan_line_ line;
	size_t len;

	if (*p == '(' || (p = no_time(reader, p, eol, frame)) == NULL)
		p = get_time(reader, name, eol, frame, fault);
	if (p == NULL)
		return EVCAN_LINE_BAD;
	name = p = skip_blanks(p, eol);
	while (p < eol && *p != ' ' && *p != '\t')
		p++;
	len = (size_t)(p - name);
	p = skip_blanks(p, eol);
	if (len == 0 || p == eol) {
		bad(fault, p, "expected an interface name and a frame");
		return EVCAN_LINE_BAD;
	}
	line = get_frame(p, eol, frame, fault);
	if (line != EVCAN_LINE_FRAME)
		return line;
	if (get_channel(reader, name, len, &frame->channel, fault) < 0)
		return EVCAN_LINE_BAD;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	return EVCAN_LINE_FRAME;
}

/* "DROPCOUNT: dropped n CAN frames on 'can0' socket (total drops m)" */
static bool
get_gap(const char *p, const char *eol, uint64_t *lost)
{
	const size_t len = sizeof(EVCAN_CANDUMP_DROPS) - 1;
	uint64_t n = 0;

	if ((size_t)(eol - p) <= len ||
	    memcmp(p, EVCAN_CANDUMP_DROPS, len) != 0 ||
	    p[len] < '0' || p[len] > '9')
		return false;
	for (p += len; p < eol && *p >= '0' && *p <= '9'; p++)
		n = n < UINT64_MAX / 20 ? n * 10 + (uint64_t)(*p - '0') : n;
	*lost = n;
	return true;
}

enum evcan_line_
evcan_candump_line_(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct evcan_candump_reader_ *reader = state;
	const char *line_start;
	enum evcan_line_ line;
	uint64_t lost;

	if (get_gap(p, eol, &lost)) {
		out->gaps++;
		out->lost += lost;
		return EVCAN_LINE_OTHER;
	}
	line_start = p;
	p = skip_blanks(p, eol);
	if (p == eol || *p == '#')
		return EVCAN_LINE_OTHER;
	/* What an error frame means (-e): never the first line of a log */
	if (*line_start == '\t' && *p != '(' && !reader->probing) {
		out->skipped++;
		return EVCAN_LINE_OTHER;
	}
	line = frame_line(reader, p, eol, frame, fault);
	if (line == EVCAN_LINE_OTHER)
		out->skipped++;
	reader->doubts += reader->probing && line == EVCAN_LINE_BAD;
	return line;
}

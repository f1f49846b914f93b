/* SPDX-License-Identifier: BSD-3-Clause */
/* lines.c - lines out of a span that may end anywhere, for text formats */
#include "lines.h"

#include <string.h>

const char *
evcan_lines_end_(const char *p, const char *end, bool last, const char **eol)
{
	const char *stop, *at;

	if ((size_t)(end - p) > EVCAN_LINE_MAX)
		end = p + EVCAN_LINE_MAX;
	stop = memchr(p, '\n', (size_t)(end - p));
	*eol = stop != NULL ? stop : end;
	at = memchr(p, '\0', (size_t)(*eol - p));
	if (at != NULL)
		*eol = at;
	at = memchr(p, '\r', (size_t)(*eol - p));
	if (at == NULL) {
		if (*eol == stop)
			return stop + 1;
		return *eol < end || last ? *eol : NULL;
	}
	*eol = at;
	if (at + 1 == end)
		return last ? end : NULL;
	return at[1] == '\n' ? at + 2 : at + 1;
}

const char *
evcan_lines_skip_bom_(const char *p, const char *end)
{
	return end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? p + 3 : p;
}

/* Keeps a fault until the frames before it are delivered. */
static void
keep_fault(struct evcan_lines_ *lines, const char *line,
    const struct evcan_fault_ *fault, uint64_t number)
{
	lines->why = fault->why;
	lines->why_column = (unsigned)(fault->at - line) + 1;
	lines->why_line = number;
}

int
evcan_lines_tell_(struct evcan_lines_ *lines, struct evcan_decode *out)
{
	const char *why = lines->why;

	lines->why = NULL;
	out->error_line = lines->why_line;
	return evcan_error_set(&out->error, EVCAN_ERR_SYNTAX, 0,
	    "column %u: %s", lines->why_column, why);
}

/* Passes over the rest of a line that is too long, and NUL bytes. */
static const char *
pass_over(struct evcan_lines_ *lines, const char *p, const char *end,
    struct evcan_decode *out)
{
	const char *eol;

	if (lines->skipping) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			return end;
		lines->skipping = false;
		out->line++;
		p = eol + 1;
	}
	while (p < end && *p == '\0')
		p++;
	return p;
}

/* A line that does not end: its beginning is dropped, once with a word. */
static const char *
overlong(struct evcan_lines_ *lines, const char *p, uint64_t number)
{
	const struct evcan_fault_ fault = {
		"the line has more than 16 KiB and is passed over", p, false
	};

	keep_fault(lines, p, &fault, number);
	lines->skipping = true;
	return p + EVCAN_LINE_MAX;
}

const char *
evcan_lines_next_(struct evcan_lines_ *lines, const char *p,
    const char *end, bool last, evcan_line_fn_ fn, void *state,
    struct evcan_frame *frame, bool *got, struct evcan_decode *out)
{
	struct evcan_fault_ fault = { NULL, NULL, false };
	const char *eol, *next;
	enum evcan_line_ what;
	bool too_long;

	*got = false;
	p = pass_over(lines, p, end, out);
	if (p == end)
		return p;
	too_long = (size_t)(end - p) > EVCAN_LINE_MAX;
	next = evcan_lines_end_(p, end, last && !too_long, &eol);
	if (next == NULL)
		return too_long ? overlong(lines, p, out->line) : p;
	if (out->line == 1)
		p = evcan_lines_skip_bom_(p, eol);
	fault.at = p;
	what = fn(state, p, eol, frame, out, &fault);
	*got = what == EVCAN_LINE_FRAME;
	if (what == EVCAN_LINE_BAD)
		keep_fault(lines, p, &fault, out->line);
	if (fault.again)
		return p;
	if (next > eol)   /* not a NUL, nor the end of the log */
		out->line++;
	return next;
}

static const char *
never(void *state, const char *p, const char *end, struct evcan_frame *frame)
{
	(void)state;
	(void)p;
	(void)end;
	(void)frame;
	return NULL;
}

int
evcan_lines_decode_(struct evcan_lines_ *lines, evcan_line_fn_ fn,
    void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out)
{
	return evcan_lines_decode_fast_(lines, never, SIZE_MAX, fn, state,
	    span, frames, max, out);
}

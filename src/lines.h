/* SPDX-License-Identifier: BSD-3-Clause */
/* lines.h - lines out of a span that may end anywhere, for text formats */
#ifndef EVCAN_LINES_H
#define EVCAN_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>

/* Longer lines are passed over and told. */
#define EVCAN_LINE_MAX (16u << 10)

/* What a line is. */
enum evcan_line_ {
	EVCAN_LINE_FRAME,   /* *frame is filled */
	EVCAN_LINE_OTHER,   /* empty, comment, header, marker, event */
	EVCAN_LINE_BAD      /* see the fault */
};

/* Why a line is not a frame. */
struct evcan_fault_ {
	const char *why;    /* static text */
	const char *at;     /* the place in the line */
	bool again;         /* told once: the line shall be tried again */
};

/* For a grammar's return: what is wrong, and where. */
static inline enum evcan_line_
evcan_line_bad_(struct evcan_fault_ *fault, const char *at, const char *why)
{
	fault->at = at;
	fault->why = why;
	return EVCAN_LINE_BAD;
}

/* Kept by a decoder between calls, zeroed at first. */
struct evcan_lines_ {
	bool skipping;           /* inside a line that is too long */
	const char *why;         /* a fault that is not told yet, and where */
	unsigned why_column;
	uint64_t why_line;
};

/* A format's grammar: one line, from p to eol (which is not part of it).
 * It may set an event in out, which ends the batch. */
typedef enum evcan_line_ (*evcan_line_fn_)(void *state, const char *p,
    const char *eol, struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault);

/* Behind the byte order mark that an editor left at a file's start. Bids
 * call it; decoding does it by itself. */
const char *evcan_lines_skip_bom_(const char *p, const char *end);

/* Finds where a line ends: LF, CR LF, CR alone, or NUL (a file cut by a
 * crash or allocated before). @return behind the end, or NULL: not there */
const char *evcan_lines_end_(const char *p, const char *end, bool last,
    const char **eol);

/* One line by the full grammar, after NUL bytes and the rest of an overlong
 * line. @param got set when *frame is one
 * @return behind what was consumed; p itself: more bytes are needed, or a
 * fault is to be told (lines->why) */
const char *evcan_lines_next_(struct evcan_lines_ *lines, const char *p,
    const char *end, bool last, evcan_line_fn_ fn, void *state,
    struct evcan_frame *frame, bool *got, struct evcan_decode *out);

/* Turns lines->why into a decoder's error. @return EVCAN_ERR_SYNTAX */
int evcan_lines_tell_(struct evcan_lines_ *lines, struct evcan_decode *out);

/* A format's fast path: the shape that nearly all lines have. @param end of
 * the span @return the next line, or NULL: on any surprise */
typedef const char *(*evcan_fast_line_fn_)(void *state, const char *p,
    const char *end, struct evcan_frame *frame);

/* A whole decoder: the fast path first, wherever so many bytes may be looked
 * at behind a line's start, then the full grammar. Compiled into each format,
 * where both functions are known. */
static inline int
evcan_lines_decode_fast_(struct evcan_lines_ *lines,
    evcan_fast_line_fn_ fast, size_t reach, evcan_line_fn_ fn, void *state,
    const struct evcan_span *span, struct evcan_frame *frames, size_t max,
    struct evcan_decode *out)
{
	const char *start = (const char *)span->data, *p = start, *next;
	const char *end = start + span->len;
	const char *far = span->len > reach ? end - reach : start;
	size_t n = 0;
	bool got;

	while (n < max && p < end && lines->why == NULL && !out->has_event) {
		const size_t before = n;

		if (!lines->skipping)
			while (n < max && p < far && (next = fast(state, p,
			    end, &frames[n])) != NULL) {
				n++;
				p = next;
			}
		out->line += n - before;
		if (n == max)
			break;
		next = evcan_lines_next_(lines, p, end, span->end, fn, state,
		    &frames[n], &got, out);
		n += got;
		if (next == p)
			break;
		p = next;
	}
	out->used = (size_t)(p - start);
	if (n == 0 && lines->why != NULL)
		return evcan_lines_tell_(lines, out);
	return (int)n;
}

/* A whole decoder for formats without a fast path of their own. */
int evcan_lines_decode_(struct evcan_lines_ *lines, evcan_line_fn_ fn,
    void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* decode_lines.c - lines.h for formats outside this tree */
#include <assert.h>
#include <string.h>

#include "lines.h"

struct grammar {
	evcan_line_cb cb;
	void *state;
};

static_assert(sizeof(struct evcan_lines_) <= sizeof(struct evcan_lines),
    "what is kept between calls has its place in the ABI");

static enum evcan_line_
call(void *arg, const char *p, const char *eol, struct evcan_frame *frame,
    struct evcan_decode *out, struct evcan_fault_ *fault)
{
	const struct grammar *grammar = arg;
	struct evcan_line line = { .text = p, .len = (size_t)(eol - p),
	    .frame = frame, .out = out, .at = p };
	int r;

	memset(frame, 0, sizeof(*frame));
	r = grammar->cb(grammar->state, &line);
	if (r < 0)
		return evcan_line_bad_(fault, line.at,
		    line.why != NULL ? line.why : "the line is faulty");
	return r > 0 ? EVCAN_LINE_FRAME : EVCAN_LINE_OTHER;
}

int
evcan_decode_lines(struct evcan_lines *lines, evcan_line_cb cb, void *state,
    const struct evcan_span *span, struct evcan_frame *frames, size_t max,
    struct evcan_decode *out)
{
	struct grammar grammar = { cb, state };
	struct evcan_lines_ kept;
	int r;

	memcpy(&kept, lines, sizeof(kept));
	r = evcan_lines_decode_(&kept, call, &grammar, span, frames, max, out);
	memcpy(lines, &kept, sizeof(kept));
	return r;
}

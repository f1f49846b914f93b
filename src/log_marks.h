/* SPDX-License-Identifier: BSD-3-Clause */
/* log_marks.h - what keeps its place among the frames of a ring */
#ifndef EVCAN_LOG_MARKS_H
#define EVCAN_LOG_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include <evcan/listener.h>

enum evcan_log_mark_kind_ {
	EVCAN_LOG_MARK_GAP,
	EVCAN_LOG_MARK_EVENT,
	EVCAN_LOG_MARK_REOPEN,
	EVCAN_LOG_MARK_ROTATE
};

struct evcan_log_mark_ {
	struct evcan_log_mark_ *next;
	uint64_t position;   /* frames before it */
	enum evcan_log_mark_kind_ kind;
	struct evcan_gap gap;
	int64_t time_ns;     /* of an event */
	char text[];         /* channel of a gap, text of an event */
};

/* In the order of their places. Whoever has it locks it. */
struct evcan_log_marks_ {
	struct evcan_log_mark_ *first, *last;
	size_t count;
};

/* @param gap NULL: none @return one that may be added, or NULL: no memory */
struct evcan_log_mark_ *evcan_log_mark_new_(enum evcan_log_mark_kind_ kind,
    uint64_t position, const struct evcan_gap *gap, int64_t time_ns,
    const char *text);

/* Takes the mark over. Gaps at one place are joined; of too many marks gaps
 * are joined anywhere. @return 0, or EVCAN_ERR_FULL: a text too many */
int evcan_log_marks_add_(struct evcan_log_marks_ *marks,
    struct evcan_log_mark_ *mark);
/* Takes the first one out if it has this place, else NULL, and *n is cut to
 * the frames before it. */
struct evcan_log_mark_ *evcan_log_marks_take_(struct evcan_log_marks_ *marks,
    uint64_t position, size_t *n);
/* Puts back what was just taken. */
void evcan_log_marks_return_(struct evcan_log_marks_ *marks,
    struct evcan_log_mark_ *mark);
void evcan_log_marks_clear_(struct evcan_log_marks_ *marks);

#endif

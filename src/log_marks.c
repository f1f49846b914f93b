/* SPDX-License-Identifier: BSD-3-Clause */
/* log_marks.c - what keeps its place among the frames of a ring */
#include "log_marks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

/* Marks beyond this are joined (gaps) or refused (text). */
#define MARKS_MAX 4096

struct evcan_log_mark_ *
evcan_log_mark_new_(enum evcan_log_mark_kind_ kind, uint64_t position,
    const struct evcan_gap *gap, int64_t time_ns, const char *text)
{
	const size_t size = strlen(text) + 1;
	struct evcan_log_mark_ *mark = malloc(sizeof(*mark) + size);

	if (mark == NULL)
		return NULL;
	memset(mark, 0, sizeof(*mark));
	mark->kind = kind;
	mark->position = position;
	mark->time_ns = time_ns;
	if (gap != NULL)
		mark->gap = *gap;
	memcpy(mark->text, text, size);
	return mark;
}

/* Adds to a marker that says the same already. */
static bool
join_gap(struct evcan_log_marks_ *marks, const struct evcan_log_mark_ *new)
{
	/* Only the last may have the place; with too many any will do. */
	const bool full = marks->count >= MARKS_MAX;
	struct evcan_log_mark_ *mark = full ? marks->first : marks->last;

	for (; mark != NULL; mark = mark->next) {
		if (mark->kind != EVCAN_LOG_MARK_GAP ||
		    mark->gap.where != new->gap.where ||
		    strcmp(mark->text, new->text) != 0)
			continue;
		if (!full && mark->position != new->position)
			return false;
		mark->gap.lost += new->gap.lost;
		return true;
	}
	return false;
}

int
evcan_log_marks_add_(struct evcan_log_marks_ *marks,
    struct evcan_log_mark_ *mark)
{
	if (mark->kind == EVCAN_LOG_MARK_GAP && join_gap(marks, mark)) {
		free(mark);
		return 0;
	}
	/* A gap that finds nothing to join is one of few channels' first. */
	if (mark->kind == EVCAN_LOG_MARK_EVENT && marks->count >= MARKS_MAX) {
		free(mark);
		return EVCAN_ERR_FULL;
	}
	if (marks->last != NULL)
		marks->last->next = mark;
	else
		marks->first = mark;
	marks->last = mark;
	marks->count++;
	return 0;
}

struct evcan_log_mark_ *
evcan_log_marks_take_(struct evcan_log_marks_ *marks, uint64_t position,
    size_t *n)
{
	struct evcan_log_mark_ *mark = marks->first;

	if (mark == NULL)
		return NULL;
	if (mark->position != position) {
		if (*n > mark->position - position)
			*n = (size_t)(mark->position - position);
		return NULL;
	}
	marks->first = mark->next;
	if (marks->first == NULL)
		marks->last = NULL;
	marks->count--;
	return mark;
}

void
evcan_log_marks_return_(struct evcan_log_marks_ *marks,
    struct evcan_log_mark_ *mark)
{
	mark->next = marks->first;
	if (marks->first == NULL)
		marks->last = mark;
	marks->first = mark;
	marks->count++;
}

void
evcan_log_marks_clear_(struct evcan_log_marks_ *marks)
{
	size_t none = 0;

	while (marks->first != NULL)
		free(evcan_log_marks_take_(marks, marks->first->position,
		    &none));
}

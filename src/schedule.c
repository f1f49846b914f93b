/* SPDX-License-Identifier: BSD-3-Clause */
/* schedule.c - when the frames of a log are due */
#include "schedule.h"

#include <math.h>

#include <evcan/frame.h>

int64_t
evcan_schedule_sum_(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return a < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

int64_t
evcan_schedule_difference_(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d))
		return a < b ? INT64_MIN : INT64_MAX;
	return d;
}

static int64_t
to_ns(double ns)
{
	if (ns >= 9.2e18)
		return INT64_MAX;
	return ns <= -9.2e18 ? INT64_MIN : (int64_t)ns;
}

int64_t
evcan_schedule_ns_(double seconds)
{
	return to_ns(round(seconds * 1e9));
}

void
evcan_schedule_rules_fill_(struct evcan_schedule_rules_ *rules,
    bool ignore_timestamps, double gap, double skip, double speed)
{
	rules->ignore_timestamps = ignore_timestamps;
	rules->gap_ns = evcan_schedule_ns_(gap);
	rules->skip_ns = evcan_schedule_ns_(skip);
	rules->speed = speed;
	/* A gap is a wait like any other. */
	if (rules->skip_ns > 0 && rules->gap_ns > rules->skip_ns)
		rules->gap_ns = rules->skip_ns;
}

/* The log's time goes on; a pause that would be waited for longer than
 * `skip` counts as one of that length. */
static void
advance(struct evcan_schedule_ *s, const struct evcan_schedule_rules_ *rules,
    int64_t time_ns)
{
	int64_t pause = evcan_schedule_difference_(time_ns, s->latest_ns);
	double most = (double)rules->skip_ns * rules->speed;

	if (pause <= 0)
		return;
	s->latest_ns = time_ns;
	if (rules->skip_ns > 0 && (double)pause > most)
		pause = (int64_t)most;
	s->played_ns = evcan_schedule_sum_(s->played_ns, pause);
}

int64_t
evcan_schedule_next_(struct evcan_schedule_ *s,
    const struct evcan_schedule_rules_ *rules,
    const struct evcan_frame *frame, int64_t now)
{
	int64_t due;

	if (s->due_ns == 0) {
		s->due_ns = now;
	} else if (rules->ignore_timestamps) {
		s->due_ns = evcan_schedule_sum_(s->due_ns, rules->gap_ns);
		return s->due_ns;
	}
	if (rules->ignore_timestamps || frame->clock == EVCAN_CLOCK_NONE)
		return s->due_ns;
	if (!s->begun) {
		s->begun = true;
		s->origin_ns = s->due_ns;
		s->latest_ns = frame->time_ns;
		s->played_ns = 0;
	}
	advance(s, rules, frame->time_ns);
	due = evcan_schedule_sum_(s->origin_ns,
	    to_ns((double)s->played_ns / rules->speed));
	if (due > s->due_ns)
		s->due_ns = due;
	return s->due_ns;
}

void
evcan_schedule_round_(struct evcan_schedule_ *s)
{
	s->begun = false;
}

void
evcan_schedule_shift_(struct evcan_schedule_ *s, int64_t ns)
{
	if (s->due_ns == 0)
		return;
	s->origin_ns += ns;
	s->due_ns = evcan_schedule_sum_(s->due_ns, ns);
}

int64_t
evcan_schedule_rescaled_(int64_t due_ns, int64_t now, double factor)
{
	/* What is late already stays as late as it is. */
	if (due_ns <= now)
		return due_ns;
	return evcan_schedule_sum_(now,
	    to_ns((double)(due_ns - now) * factor));
}

void
evcan_schedule_set_speed_(struct evcan_schedule_ *s,
    struct evcan_schedule_rules_ *rules, double speed, int64_t now)
{
	double factor = rules->speed / speed;

	if (!rules->ignore_timestamps && s->due_ns != 0) {
		s->due_ns = evcan_schedule_rescaled_(s->due_ns, now, factor);
		s->played_ns = evcan_schedule_difference_(s->played_ns,
		    to_ns((double)(now - s->origin_ns) * rules->speed));
		s->origin_ns = now;
	}
	rules->speed = speed;
}

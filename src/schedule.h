/* SPDX-License-Identifier: BSD-3-Clause */
/* schedule.h - when the frames of a log are due */
#ifndef EVCAN_SCHEDULE_H
#define EVCAN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct evcan_frame;

/* How a log's times become due times. */
struct evcan_schedule_rules_ {
	bool ignore_timestamps;
	int64_t gap_ns;      /* between frames then */
	int64_t skip_ns;     /* a longer wait is shortened to this; 0: never */
	double speed;
};

/*
 * Where in time a play is. All zero: nothing played yet.
 *
 * Times of the log are summed up as integers, and each due time is worked out
 * from the origin: nothing adds up, however many frames there are. What a
 * double rounds is below 10 ns in a year.
 */
struct evcan_schedule_ {
	bool begun;          /* a frame with a time was met in this round */
	int64_t origin_ns;   /* CLOCK_MONOTONIC of the round's first frame, or
	                      * of the last change of speed */
	int64_t latest_ns;   /* the latest time met in the log */
	int64_t played_ns;   /* of the log's time, from the origin to there,
	                      * less what was cut out of pauses */
	int64_t due_ns;      /* of the frame last asked for; 0: none yet */
};

/* When the next frame is due, one after the other (CLOCK_MONOTONIC ns). One
 * without a time, or with one that lies back, is due with the one before. */
int64_t evcan_schedule_next_(struct evcan_schedule_ *schedule,
    const struct evcan_schedule_rules_ *rules,
    const struct evcan_frame *frame, int64_t now);

/* The log begins again with the next frame, when the last one was due. */
void evcan_schedule_round_(struct evcan_schedule_ *schedule);

/* All that is to come is due ns later. */
void evcan_schedule_shift_(struct evcan_schedule_ *schedule, int64_t ns);

/* Another speed from now on: what is to come keeps its place in the log.
 * Frames that were asked for and still wait move by
 * evcan_schedule_rescaled_(). */
void evcan_schedule_set_speed_(struct evcan_schedule_ *schedule,
    struct evcan_schedule_rules_ *rules, double speed, int64_t now);

/* A due time when waits become `factor` times as long. */
int64_t evcan_schedule_rescaled_(int64_t due_ns, int64_t now, double factor);

/* a + b and a - b within what 64 bits hold: the times of logs are foreign. */
int64_t evcan_schedule_sum_(int64_t a, int64_t b);
int64_t evcan_schedule_difference_(int64_t a, int64_t b);

/* Seconds of an option as whole nanoseconds. */
int64_t evcan_schedule_ns_(double seconds);

/* Rules from options in seconds. */
void evcan_schedule_rules_fill_(struct evcan_schedule_rules_ *rules,
    bool ignore_timestamps, double gap, double skip, double speed);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* clock.h - what one event_base shares: exact timers and batch buffers */
#ifndef EVCAN_CLOCK_H
#define EVCAN_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct evcan_frame;
struct evcan_timer_;
struct evcan_clock_;

/* The one clock of a loop; counted, made at the first get. NULL: no memory
 * or no file descriptor left (errno says). */
struct evcan_clock_ *evcan_clock_get_(struct event_base *base);
void evcan_clock_put_(struct evcan_clock_ *clock);

typedef void (*evcan_timer_cb_)(struct evcan_timer_ *timer, void *arg);

/* Embedded by its owner, zeroed, then initialised. */
struct evcan_timer_ {
	struct evcan_clock_ *clock;
	evcan_timer_cb_ cb;
	void *arg;
	int64_t due_ns;     /* CLOCK_MONOTONIC */
	size_t place;       /* in the heap, from 1; 0: not set */
};

void evcan_timer_init_(struct evcan_timer_ *timer,
    struct evcan_clock_ *clock, evcan_timer_cb_ cb, void *arg);
/* Sets it, or moves it, to an absolute time. @return 0 or NOMEM. */
int evcan_timer_set_(struct evcan_timer_ *timer, int64_t due_ns);
void evcan_timer_cancel_(struct evcan_timer_ *timer);

/* Frames of one batch. */
#define EVCAN_BATCH 256

/* A batch buffer of this loop, to be given back in the same call-back; NULL
 * when out of memory. */
struct evcan_frame *evcan_clock_batch_(struct evcan_clock_ *clock);
void evcan_clock_unbatch_(struct evcan_clock_ *clock,
    struct evcan_frame *batch);

#endif

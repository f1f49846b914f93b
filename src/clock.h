/* SPDX-License-Identifier: BSD-3-Clause */
/* clock.h - what one event_base shares: exact timers and batch buffers */
#ifndef EVCAN_CLOCK_H
#define EVCAN_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct evcan_frame;
struct evcan_timer_;
struct evcan_clock_;

/*
 * Nothing fires early. What is due within EVCAN_CLOCK_APART_NS_ of the last
 * ring fires together at its end: a wake-up costs far more than a timer, so
 * many timers are fired in one, and a lonely one at its very time.
 */
#define EVCAN_CLOCK_APART_NS_ 115000

/* The one clock of a loop; counted, made at the first get. NULL: no memory
 * or no file descriptor left (errno says). */
struct evcan_clock_ *evcan_clock_get_(struct event_base *base);
void evcan_clock_put_(struct evcan_clock_ *clock);

/* A clock without a loop, to be run by its owner, who is told whenever its
 * next time changes (0: none). */
struct evcan_clock_ *evcan_clock_alone_(
    void (*changed)(void *arg, int64_t due_ns), void *arg);
/* Fires what is due. Call-backs are made. */
void evcan_clock_run_(struct evcan_clock_ *clock);

typedef void (*evcan_timer_cb_)(struct evcan_timer_ *timer, void *arg);

/* Embedded by its owner, zeroed, then initialised. */
struct evcan_timer_ {
	struct evcan_clock_ *clock;
	evcan_timer_cb_ cb;
	void *arg;
	int64_t due_ns;     /* CLOCK_MONOTONIC */
	uint32_t place;     /* in the clock; 0: not set */
};

void evcan_timer_init_(struct evcan_timer_ *timer,
    struct evcan_clock_ *clock, evcan_timer_cb_ cb, void *arg);
/* Sets it, or moves it, to an absolute time. Timers of one time fire in the
 * order in which they were set. @return 0 or NOMEM; never NOMEM while it is
 * set, or in its own call-back. */
int evcan_timer_set_(struct evcan_timer_ *timer, int64_t due_ns);
void evcan_timer_cancel_(struct evcan_timer_ *timer);

/* What timers gather while they fire, to be done once behind all of them. */
struct evcan_after_ {
	void (*cb)(void *arg);
	void *arg;
	struct evcan_after_ *next;
	bool waiting;
};

/* Only while the clock fires. One that waits already: nothing. */
void evcan_clock_after_(struct evcan_clock_ *clock,
    struct evcan_after_ *after);
void evcan_clock_unafter_(struct evcan_clock_ *clock,
    struct evcan_after_ *after);

/* Frames of one batch. */
#define EVCAN_BATCH 256

/* A batch buffer of this loop, to be given back in the same call-back; NULL
 * when out of memory. */
struct evcan_frame *evcan_clock_batch_(struct evcan_clock_ *clock);
void evcan_clock_unbatch_(struct evcan_clock_ *clock,
    struct evcan_frame *batch);

#endif

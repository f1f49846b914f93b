/* SPDX-License-Identifier: BSD-3-Clause */
/* feed.h - frames from another thread (or bus) to a loop: ring + eventfd */
#ifndef EVCAN_FEED_H
#define EVCAN_FEED_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ring.h"
#include "wake.h"

/* The fd is readable while the consumer is asked to come. It is written only
 * when the consumer may sleep, so a flood costs no system calls. Frames
 * without room are dropped, the newest first, and leave a marker in the ring
 * where the hole is. */
struct evcan_feed_ {
	struct evcan_ring_ ring;
	struct evcan_wake_ wake;
	atomic_bool sleeping;        /* the consumer wants to be woken */
	atomic_bool holed;           /* the ring may hold markers */
	/* Frames dropped since the start, as the two sides know it. */
	_Atomic uint64_t dropped;    /* written by the producer */
	uint64_t marked;             /* producer: up to the last marker */
	uint64_t told;               /* consumer: told by it so far */
};

/* @return 0, EVCAN_ERR_NOMEM, or EVCAN_ERR_OPERATION with errno set */
int evcan_feed_init_(struct evcan_feed_ *feed, size_t frames);
void evcan_feed_destroy_(struct evcan_feed_ *feed);

/* Producer: copies frames in, drops and counts those without room.
 * @return how many had room; *wake is set to true when the consumer sleeps
 * and must be woken now (by evcan_feed_wake_() or otherwise) */
size_t evcan_feed_push_(struct evcan_feed_ *feed,
    const struct evcan_frame *frames, size_t n, bool *wake);
/* Producer: frames that would have room now. */
size_t evcan_feed_room_(struct evcan_feed_ *feed);
/* Any thread: makes the fd readable. */
void evcan_feed_wake_(struct evcan_feed_ *feed);

/* Consumer: frames out. A call that finds nothing marks the consumer as
 * sleeping; `clear` then also empties the fd (not needed when watched by
 * edges).
 * @param n slots of the ring to look at, those of markers too
 * @param lost receives the frames dropped before the first of these
 * @return the number; less than n does not mean empty: a hole divides */
size_t evcan_feed_pop_(struct evcan_feed_ *feed, struct evcan_frame *frames,
    size_t n, bool clear, uint64_t *lost);
/* Consumer: whether it is to come again by itself, since it is not marked as
 * sleeping or something came meanwhile. */
bool evcan_feed_more_(const struct evcan_feed_ *feed);

#endif

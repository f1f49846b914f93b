/* SPDX-License-Identifier: BSD-3-Clause */
/* safe_queue.h - frames from one thread to those that wait for them */
#ifndef EVCAN_SAFE_QUEUE_H
#define EVCAN_SAFE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>

struct evcan_error;

/* With a lock of its own, so that who waits here holds up nobody. */
struct evcan_safe_queue_ {
	pthread_mutex_t lock;        /* of all in here */
	pthread_cond_t filled;
	struct evcan_frame *frames;
	size_t size, first, count;
	size_t capacity;             /* less than size by a batch and a mark */
	size_t waiting;              /* threads */
	uint64_t lost;               /* before the next frame */
	bool wants_room;             /* the other side waits for it */
	bool taken;                  /* something was, since it does */
	int end;                     /* negative: nothing comes any more */
};

/* @param capacity 0: 4096 @return 0, or a negative code with err */
int evcan_safe_queue_init_(struct evcan_safe_queue_ *queue, size_t capacity,
    struct evcan_error *err);
void evcan_safe_queue_destroy_(struct evcan_safe_queue_ *queue);

/* The side that fills it. */

enum evcan_safe_pushed_ {
	EVCAN_SAFE_PUSHED_,
	EVCAN_SAFE_FULL_,      /* pushed, and now it is full */
	EVCAN_SAFE_LOST_,      /* it was full: none was, and a gap is noted */
	EVCAN_SAFE_ENDED_      /* nobody wants them */
};

/* A batch of up to EVCAN_BATCH, or nothing of it. */
enum evcan_safe_pushed_ evcan_safe_queue_push_(
    struct evcan_safe_queue_ *queue, const struct evcan_frame *frames,
    size_t n);
/* Frames were lost before those that come next. */
void evcan_safe_queue_gap_(struct evcan_safe_queue_ *queue, uint64_t lost);
/* Nothing comes any more; all that wait return. The first code counts. */
void evcan_safe_queue_end_(struct evcan_safe_queue_ *queue, int code);
/* After FULL: whether half of it is free again. @param taken gets whether
 * anything was, since it was full or this was asked the last time */
bool evcan_safe_queue_room_(struct evcan_safe_queue_ *queue, bool *taken);

/* The side that waits: see evcan_safe_bus_recv(). @param wake set when the
 * other side is to be told that there is room */
int evcan_safe_queue_recv_(struct evcan_safe_queue_ *queue,
    struct evcan_frame *frames, size_t max, int timeout_ms, uint64_t *lost,
    bool *wake);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* safe_queue.c - frames from one thread to those that wait for them */
#include "safe_queue.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

#include "bus_internal.h"
#include "condition.h"

/* A gap in the queue: no frame has these flags. Its time is the number of
 * frames lost. It always stands before a frame. */
#define MARK 0xffffu

#define CAPACITY_DEFAULT 4096
#define CAPACITY_MAX 16777216

int
evcan_safe_queue_init_(struct evcan_safe_queue_ *queue, size_t capacity,
    struct evcan_error *err)
{
	if (capacity > CAPACITY_MAX)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a queue of %zu frames is too large: 1 to %d", capacity,
		    CAPACITY_MAX);
	memset(queue, 0, sizeof(*queue));
	queue->capacity = capacity > 0 ? capacity : CAPACITY_DEFAULT;
	queue->size = queue->capacity + EVCAN_BATCH + 1;
	queue->frames = malloc(queue->size * sizeof(*queue->frames));
	if (queue->frames == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a queue of %zu frames",
		    queue->capacity);
	pthread_mutex_init(&queue->lock, NULL);
	evcan_condition_init_(&queue->filled);
	return 0;
}

void
evcan_safe_queue_destroy_(struct evcan_safe_queue_ *queue)
{
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->lock);
	free(queue->frames);
}

/* Filling */

static void
add(struct evcan_safe_queue_ *queue, const struct evcan_frame *frames,
    size_t n)
{
	size_t end = (queue->first + queue->count) % queue->size;
	size_t row = queue->size - end;

	if (row > n)
		row = n;
	memcpy(queue->frames + end, frames, row * sizeof(*frames));
	memcpy(queue->frames, frames + row, (n - row) * sizeof(*frames));
	queue->count += n;
}

static void
add_marked(struct evcan_safe_queue_ *queue, const struct evcan_frame *frames,
    size_t n)
{
	const struct evcan_frame mark = {
		.flags = MARK, .time_ns = (int64_t)queue->lost
	};

	if (queue->lost > 0)
		add(queue, &mark, 1);
	queue->lost = 0;
	add(queue, frames, n);
	if (queue->waiting > 0 && n == 1)
		pthread_cond_signal(&queue->filled);
	else if (queue->waiting > 0)
		pthread_cond_broadcast(&queue->filled);
}

enum evcan_safe_pushed_
evcan_safe_queue_push_(struct evcan_safe_queue_ *queue,
    const struct evcan_frame *frames, size_t n)
{
	enum evcan_safe_pushed_ pushed = EVCAN_SAFE_PUSHED_;

	pthread_mutex_lock(&queue->lock);
	if (queue->end < 0) {
		pushed = EVCAN_SAFE_ENDED_;
	} else if (queue->count >= queue->capacity) {
		queue->lost += n;
		pushed = EVCAN_SAFE_LOST_;
	} else {
		add_marked(queue, frames, n);
		if (queue->count >= queue->capacity) {
			queue->wants_room = true;
			queue->taken = false;
			pushed = EVCAN_SAFE_FULL_;
		}
	}
	pthread_mutex_unlock(&queue->lock);
	return pushed;
}

void
evcan_safe_queue_gap_(struct evcan_safe_queue_ *queue, uint64_t lost)
{
	pthread_mutex_lock(&queue->lock);
	queue->lost += lost;
	pthread_mutex_unlock(&queue->lock);
}

void
evcan_safe_queue_end_(struct evcan_safe_queue_ *queue, int code)
{
	pthread_mutex_lock(&queue->lock);
	if (queue->end == 0)
		queue->end = code;
	pthread_cond_broadcast(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
}

static bool
half_free(const struct evcan_safe_queue_ *queue)
{
	return queue->count <= queue->capacity / 2;
}

bool
evcan_safe_queue_room_(struct evcan_safe_queue_ *queue, bool *taken)
{
	bool room;

	pthread_mutex_lock(&queue->lock);
	room = half_free(queue);
	*taken = queue->taken;
	queue->taken = false;
	if (room)
		queue->wants_room = false;
	pthread_mutex_unlock(&queue->lock);
	return room;
}

/* Taking */

/* What stands in a row, without a gap. */
static int
take(struct evcan_safe_queue_ *queue, struct evcan_frame *frames, size_t max,
    uint64_t *lost)
{
	int n = 0;

	*lost = 0;
	while (queue->count > 0 && (size_t)n < max && n < INT_MAX) {
		const struct evcan_frame *frame =
		    &queue->frames[queue->first];

		if (frame->flags != MARK)
			frames[n++] = *frame;
		else if (n == 0)
			*lost = (uint64_t)frame->time_ns;
		else
			break;
		queue->count--;
		if (++queue->first == queue->size)
			queue->first = 0;
	}
	return n;
}

/* @return 0, or why nothing comes any more */
static int
wait_for_frames(struct evcan_safe_queue_ *queue, int timeout_ms)
{
	int64_t end = evcan_bus_end_of_(timeout_ms);
	bool waited = false, in_time = timeout_ms != 0;

	while (queue->count == 0 && queue->end == 0 && in_time) {
		queue->waiting++;
		in_time = evcan_condition_wait_(&queue->filled, &queue->lock,
		    end);
		queue->waiting--;
		waited = true;
	}
	if (queue->count > 0)
		return 0;
	return waited && queue->end == EVCAN_ERR_STATE ?
	    EVCAN_ERR_CANCELED : queue->end;
}

int
evcan_safe_queue_recv_(struct evcan_safe_queue_ *queue,
    struct evcan_frame *frames, size_t max, int timeout_ms, uint64_t *lost,
    bool *wake)
{
	uint64_t before = 0;
	int n;

	*wake = false;
	pthread_mutex_lock(&queue->lock);
	n = wait_for_frames(queue, timeout_ms);
	if (n == 0)
		n = take(queue, frames, max, &before);
	if (n > 0)
		queue->taken = true;
	if (queue->wants_room && half_free(queue)) {
		queue->wants_room = false;
		*wake = true;
	}
	pthread_mutex_unlock(&queue->lock);
	if (lost != NULL)
		*lost = before;
	return n;
}

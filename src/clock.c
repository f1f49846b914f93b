/* SPDX-License-Identifier: BSD-3-Clause */
/* clock.c - what one event_base shares: exact timers and batch buffers */
#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/frame.h>

#include "alarm.h"

struct evcan_clock_ {
	struct evcan_clock_ *next;
	struct event_base *base;
	size_t refs;
	struct evcan_alarm_ alarm;
	int64_t armed_ns;           /* what the alarm is set to, 0: nothing */
	bool firing;
	struct evcan_timer_ **heap; /* from 1; the earliest is first */
	size_t count, size;
	struct evcan_frame *spare;  /* a batch buffer at rest */
};

/* Loops of several threads find their clocks here. */
static struct evcan_clock_ *clocks;
static pthread_mutex_t clocks_lock = PTHREAD_MUTEX_INITIALIZER;

/* Binary heap. Children of i are 2i and 2i + 1. */

static void
put_at(struct evcan_clock_ *clock, size_t place, struct evcan_timer_ *timer)
{
	clock->heap[place] = timer;
	timer->place = place;
}

static void
sift_up(struct evcan_clock_ *clock, size_t place, struct evcan_timer_ *timer)
{
	while (place > 1 && clock->heap[place / 2]->due_ns > timer->due_ns) {
		put_at(clock, place, clock->heap[place / 2]);
		place /= 2;
	}
	put_at(clock, place, timer);
}

static void
sift_down(struct evcan_clock_ *clock, size_t place,
    struct evcan_timer_ *timer)
{
	for (;;) {
		size_t child = place * 2;

		if (child > clock->count)
			break;
		if (child < clock->count && clock->heap[child + 1]->due_ns <
		    clock->heap[child]->due_ns)
			child++;
		if (clock->heap[child]->due_ns >= timer->due_ns)
			break;
		put_at(clock, place, clock->heap[child]);
		place = child;
	}
	put_at(clock, place, timer);
}

static void
take_out(struct evcan_clock_ *clock, struct evcan_timer_ *timer)
{
	struct evcan_timer_ *last = clock->heap[clock->count--];
	size_t place = timer->place;

	timer->place = 0;
	if (last == timer)
		return;
	if (place > 1 && clock->heap[place / 2]->due_ns > last->due_ns)
		sift_up(clock, place, last);
	else
		sift_down(clock, place, last);
}

/* Called whenever the earliest time may have changed. */
static void
arm(struct evcan_clock_ *clock)
{
	int64_t due = clock->count > 0 ? clock->heap[1]->due_ns : 0;

	if (clock->firing || due == clock->armed_ns)
		return;
	/* One that rings early finds nothing due: cheaper than setting it
	 * later each time a timer moves on. */
	if (due == 0 || (clock->armed_ns != 0 && due > clock->armed_ns))
		return;
	clock->armed_ns = due;
	evcan_alarm_set_(&clock->alarm, due);
}

static void
fire(void *arg)
{
	struct evcan_clock_ *clock = arg;
	int64_t now = evcan_now_monotonic();

	clock->firing = true;
	clock->refs++;
	clock->armed_ns = 0;
	while (clock->count > 0 && clock->heap[1]->due_ns <= now) {
		struct evcan_timer_ *timer = clock->heap[1];

		take_out(clock, timer);
		timer->cb(timer, timer->arg);
	}
	clock->firing = false;
	arm(clock);
	if (clock->armed_ns == 0)
		evcan_alarm_set_(&clock->alarm, 0);
	evcan_clock_put_(clock);
}

static struct evcan_clock_ *
clock_new(struct event_base *base)
{
	struct evcan_clock_ *clock = calloc(1, sizeof(*clock));

	if (clock == NULL)
		return NULL;
	clock->base = base;
	if (evcan_alarm_init_(&clock->alarm, base, fire, clock) == 0)
		return clock;
	free(clock);
	return NULL;
}

struct evcan_clock_ *
evcan_clock_get_(struct event_base *base)
{
	struct evcan_clock_ *clock;
	int error = 0;

	pthread_mutex_lock(&clocks_lock);
	for (clock = clocks; clock != NULL; clock = clock->next) {
		if (clock->base == base)
			break;
	}
	if (clock == NULL) {
		errno = ENOMEM;
		clock = clock_new(base);
		error = errno;
		if (clock != NULL) {
			clock->next = clocks;
			clocks = clock;
		}
	}
	if (clock != NULL)
		clock->refs++;
	pthread_mutex_unlock(&clocks_lock);
	errno = error;
	return clock;
}

static void
clock_free(struct evcan_clock_ *clock)
{
	evcan_alarm_destroy_(&clock->alarm);
	free(clock->heap);
	free(clock->spare);
	free(clock);
}

void
evcan_clock_put_(struct evcan_clock_ *clock)
{
	struct evcan_clock_ **at;

	if (clock == NULL)
		return;
	pthread_mutex_lock(&clocks_lock);
	if (--clock->refs > 0) {
		pthread_mutex_unlock(&clocks_lock);
		return;
	}
	for (at = &clocks; *at != clock; at = &(*at)->next)
		;
	*at = clock->next;
	pthread_mutex_unlock(&clocks_lock);
	clock_free(clock);
}

void
evcan_timer_init_(struct evcan_timer_ *timer, struct evcan_clock_ *clock,
    evcan_timer_cb_ cb, void *arg)
{
	timer->clock = clock;
	timer->cb = cb;
	timer->arg = arg;
	timer->place = 0;
}

static int
grow(struct evcan_clock_ *clock)
{
	size_t size = clock->size == 0 ? 16 : clock->size * 2;
	struct evcan_timer_ **heap = realloc(clock->heap,
	    (size + 1) * sizeof(struct evcan_timer_ *));

	if (heap == NULL)
		return EVCAN_ERR_NOMEM;
	clock->heap = heap;
	clock->size = size;
	return 0;
}

int
evcan_timer_set_(struct evcan_timer_ *timer, int64_t due_ns)
{
	struct evcan_clock_ *clock = timer->clock;

	if (timer->place == 0) {
		if (clock->count == clock->size && grow(clock) < 0)
			return EVCAN_ERR_NOMEM;
		timer->due_ns = due_ns;
		sift_up(clock, ++clock->count, timer);
	} else if (due_ns < timer->due_ns) {
		timer->due_ns = due_ns;
		sift_up(clock, timer->place, timer);
	} else {
		timer->due_ns = due_ns;
		sift_down(clock, timer->place, timer);
	}
	arm(clock);
	return 0;
}

void
evcan_timer_cancel_(struct evcan_timer_ *timer)
{
	/* The alarm stays set: ringing for nothing costs less than setting
	 * it anew at each cancel. */
	if (timer->place != 0)
		take_out(timer->clock, timer);
}

struct evcan_frame *
evcan_clock_batch_(struct evcan_clock_ *clock)
{
	struct evcan_frame *batch = clock->spare;

	clock->spare = NULL;
	if (batch == NULL)
		batch = malloc(EVCAN_BATCH * sizeof(*batch));
	return batch;
}

void
evcan_clock_unbatch_(struct evcan_clock_ *clock, struct evcan_frame *batch)
{
	/* One at rest is enough: a second is only in use while a call-back
	 * runs the loop again. */
	if (clock->spare == NULL)
		clock->spare = batch;
	else
		free(batch);
}

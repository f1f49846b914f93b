/* SPDX-License-Identifier: BSD-3-Clause */
/* clock.c - what one event_base shares: exact timers and batch buffers */
#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/frame.h>

#include "alarm.h"

/* Children of a place in the heap. With four, brothers lie in one or two
 * cache lines, and the heap is half as deep as with two. first_of() counts on
 * it. */
#define CHILDREN 4

/* Timers on their way up are fetched into the cache when they come to these
 * places: the third floor, ten firings or so before they are called. */
#define FETCH_FIRST (1 + CHILDREN + 1)
#define FETCH_LAST (1 + CHILDREN + CHILDREN * CHILDREN)
/* The timer, and what its owner keeps right behind it. */
#define FETCH_LINE 64
#define FETCH_LINES 4

/* What is compared lies in the heap itself, and where a timer stands there in
 * a row beside it: with thousands of timers each look at one is a miss of the
 * cache. */
struct entry {
	int64_t due_ns;
	uint32_t order;             /* as they were set, for equal times */
	uint32_t slot;
};

struct slot {
	struct evcan_timer_ *timer;
	uint32_t place;             /* in the heap; of a free one: the next */
};

struct evcan_clock_ {
	struct evcan_clock_ *next;
	struct event_base *base;    /* NULL: alone */
	size_t refs;
	struct evcan_alarm_ alarm;
	void (*changed)(void *arg, int64_t due_ns);   /* alone */
	void *changed_arg;
	int64_t armed_ns;           /* what the alarm is set to, 0: nothing */
	int64_t not_before_ns;      /* the next ring */
	uint32_t order;             /* the last one given */
	struct entry *heap;         /* from 1; the earliest is first */
	struct slot *slots;         /* from 1, as many */
	uint32_t count, size;
	uint32_t used, free;        /* slots: ever, first of the free ones */
	bool firing;
	const struct evcan_timer_ *fired;   /* in its call-back now */
	uint32_t hole;              /* its slot, kept for it meanwhile */
	struct evcan_after_ *after, **after_end;
	struct evcan_frame *spare;  /* a batch buffer at rest */
};

/* Loops of several threads find their clocks here. */
static struct evcan_clock_ *clocks;
static pthread_mutex_t clocks_lock = PTHREAD_MUTEX_INITIALIZER;

/* The heap */

static bool
before(const struct entry *a, const struct entry *b)
{
	/* The order goes round: it is a distance that counts. */
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns :
	    (int32_t)(a->order - b->order) < 0;
}

static void
put_at(struct evcan_clock_ *clock, uint32_t place, struct entry entry)
{
	clock->heap[place] = entry;
	clock->slots[entry.slot].place = place;
}

static uint32_t
parent_of(uint32_t place)
{
	return (place - 2) / CHILDREN + 1;
}

static void
sift_up(struct evcan_clock_ *clock, uint32_t place, struct entry entry)
{
	while (place > 1 && before(&entry, &clock->heap[parent_of(place)])) {
		put_at(clock, place, clock->heap[parent_of(place)]);
		place = parent_of(place);
	}
	put_at(clock, place, entry);
}

/* What lies around a timer that will be called soon. */
static void
fetch(const struct evcan_timer_ *timer)
{
	const char *at = (const char *)timer;

	for (int i = 0; i < FETCH_LINES; i++)
		__builtin_prefetch(at + i * FETCH_LINE);
}

/* The earlier of two neighbours; without a branch that could be guessed
 * wrong. */
static uint32_t
earlier(const struct entry *heap, uint32_t a, uint32_t b)
{
	return before(&heap[b], &heap[a]) ? b : a;
}

/* The earliest of brothers. */
static uint32_t
first_of(const struct evcan_clock_ *clock, uint32_t first)
{
	const struct entry *heap = clock->heap;
	uint32_t least = first;

	if (first + CHILDREN - 1 <= clock->count)
		return earlier(heap, earlier(heap, first, first + 1),
		    earlier(heap, first + 2, first + 3));
	while (++first <= clock->count)
		least = earlier(heap, least, first);
	return least;
}

static void
sift_down(struct evcan_clock_ *clock, uint32_t place, struct entry entry)
{
	for (;;) {
		uint32_t first = (place - 1) * CHILDREN + 2, least;

		if (first > clock->count)
			break;
		least = first_of(clock, first);
		if (!before(&clock->heap[least], &entry))
			break;
		put_at(clock, place, clock->heap[least]);
		if (place >= FETCH_FIRST && place <= FETCH_LAST)
			fetch(clock->slots[clock->heap[least].slot].timer);
		place = least;
	}
	put_at(clock, place, entry);
}

/* Puts an entry at a place whose own is of no use any more. */
static void
sift(struct evcan_clock_ *clock, uint32_t place, struct entry entry)
{
	if (place > 1 && before(&entry, &clock->heap[parent_of(place)]))
		sift_up(clock, place, entry);
	else
		sift_down(clock, place, entry);
}

static int
grow(struct evcan_clock_ *clock)
{
	uint32_t size = clock->size == 0 ? 15 : clock->size * 2 + 1;
	struct entry *heap;
	struct slot *slots;

	/* Places of children must not go over 32 bits. */
	if (size > UINT32_MAX / CHILDREN / 2)
		return EVCAN_ERR_NOMEM;
	heap = realloc(clock->heap, ((size_t)size + 1) * sizeof(*heap));
	if (heap == NULL)
		return EVCAN_ERR_NOMEM;
	clock->heap = heap;
	slots = realloc(clock->slots, ((size_t)size + 1) * sizeof(*slots));
	if (slots == NULL)
		return EVCAN_ERR_NOMEM;
	clock->slots = slots;
	clock->size = size;
	return 0;
}

/* A place at the end, with a slot. @return the slot, 0: out of memory */
static uint32_t
put_in(struct evcan_clock_ *clock)
{
	uint32_t slot;

	if (clock->count == clock->size && grow(clock) < 0)
		return 0;
	slot = clock->free;
	if (slot != 0)
		clock->free = clock->slots[slot].place;
	else
		slot = ++clock->used;
	clock->slots[slot].place = ++clock->count;
	return slot;
}

static void
take_out(struct evcan_clock_ *clock, uint32_t slot)
{
	struct entry last = clock->heap[clock->count--];

	if (last.slot != slot)
		sift(clock, clock->slots[slot].place, last);
	clock->slots[slot].place = clock->free;
	clock->free = slot;
}

/* Ringing */

static void
set_alarm(struct evcan_clock_ *clock, int64_t due_ns)
{
	clock->armed_ns = due_ns;
	if (clock->base == NULL)
		clock->changed(clock->changed_arg, due_ns);
	else
		evcan_alarm_set_(&clock->alarm, due_ns);
}

/* Called whenever the earliest time may have changed. */
static void
arm(struct evcan_clock_ *clock)
{
	int64_t due;

	if (clock->firing || clock->count == 0)
		return;
	due = clock->heap[1].due_ns;
	if (due < clock->not_before_ns)
		due = clock->not_before_ns;
	/* One that rings early finds nothing due: cheaper than setting it
	 * later each time a timer moves on. */
	if (clock->armed_ns == 0 || due < clock->armed_ns)
		set_alarm(clock, due);
}

/* Calls the first timer. Its place stays in the heap: most timers set
 * themselves again, which is then one way down from the top, and cannot
 * fail. */
static void
fire_first(struct evcan_clock_ *clock)
{
	uint32_t slot = clock->heap[1].slot;
	struct evcan_timer_ *timer = clock->slots[slot].timer;

	timer->place = 0;
	clock->fired = timer;
	clock->hole = slot;
	timer->cb(timer, timer->arg);
	clock->fired = NULL;
	if (clock->hole != 0)
		take_out(clock, slot);
	clock->hole = 0;
}

static void
run_after(struct evcan_clock_ *clock)
{
	while (clock->after != NULL) {
		struct evcan_after_ *after = clock->after;

		evcan_clock_unafter_(clock, after);
		after->cb(after->arg);
	}
}

/* The next ring is so long after the time that this one was set to: that it
 * came late must not make all of them rarer. Half of it is the least. */
static void
note_ring(struct evcan_clock_ *clock, int64_t now)
{
	int64_t from = now - EVCAN_CLOCK_APART_NS_ / 2;

	if (from < clock->armed_ns)
		from = clock->armed_ns;
	clock->not_before_ns = from + EVCAN_CLOCK_APART_NS_;
}

static void
ring(void *arg)
{
	struct evcan_clock_ *clock = arg;
	int64_t now = evcan_now_monotonic();

	if (clock->firing)
		return;     /* a call-back runs a bus without a loop */
	clock->firing = true;
	clock->refs++;
	if (clock->count > 0 && clock->heap[1].due_ns <= now)
		note_ring(clock, now);
	if (clock->base == NULL)
		set_alarm(clock, 0);
	clock->armed_ns = 0;
	while (clock->count > 0 && clock->heap[1].due_ns <= now)
		fire_first(clock);
	run_after(clock);
	clock->firing = false;
	arm(clock);
	if (clock->armed_ns == 0)
		set_alarm(clock, 0);
	evcan_clock_put_(clock);
}

void
evcan_clock_run_(struct evcan_clock_ *clock)
{
	ring(clock);
}

/* Making one */

static struct evcan_clock_ *
clock_new(struct event_base *base)
{
	struct evcan_clock_ *clock = calloc(1, sizeof(*clock));

	if (clock == NULL)
		return NULL;
	clock->base = base;
	clock->after_end = &clock->after;
	clock->alarm.fd = -1;
	if (base == NULL ||
	    evcan_alarm_init_(&clock->alarm, base, ring, clock) == 0)
		return clock;
	free(clock);
	return NULL;
}

struct evcan_clock_ *
evcan_clock_alone_(void (*changed)(void *arg, int64_t due_ns), void *arg)
{
	struct evcan_clock_ *clock = clock_new(NULL);

	if (clock == NULL)
		return NULL;
	clock->refs = 1;
	clock->changed = changed;
	clock->changed_arg = arg;
	return clock;
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
	if (clock->base != NULL)
		evcan_alarm_destroy_(&clock->alarm);
	free(clock->heap);
	free(clock->slots);
	free(clock->spare);
	free(clock);
}

void
evcan_clock_put_(struct evcan_clock_ *clock)
{
	struct evcan_clock_ **at;

	/* The count is its own thread's: only the list is shared. */
	if (clock == NULL || --clock->refs > 0)
		return;
	if (clock->base != NULL) {
		pthread_mutex_lock(&clocks_lock);
		for (at = &clocks; *at != clock; at = &(*at)->next)
			;
		*at = clock->next;
		pthread_mutex_unlock(&clocks_lock);
	}
	clock_free(clock);
}

/* Timers */

void
evcan_timer_init_(struct evcan_timer_ *timer, struct evcan_clock_ *clock,
    evcan_timer_cb_ cb, void *arg)
{
	timer->clock = clock;
	timer->cb = cb;
	timer->arg = arg;
	timer->place = 0;
}

int
evcan_timer_set_(struct evcan_timer_ *timer, int64_t due_ns)
{
	struct evcan_clock_ *clock = timer->clock;
	uint32_t slot = timer->place;

	if (slot == 0 && timer == clock->fired) {
		slot = clock->hole;
		clock->hole = 0;
	}
	if (slot == 0)
		slot = put_in(clock);
	if (slot == 0)
		return EVCAN_ERR_NOMEM;
	clock->slots[slot].timer = timer;
	timer->place = slot;
	timer->due_ns = due_ns;
	sift(clock, clock->slots[slot].place,
	    (struct entry){ due_ns, ++clock->order, slot });
	arm(clock);
	return 0;
}

void
evcan_timer_cancel_(struct evcan_timer_ *timer)
{
	/* The alarm stays set: ringing for nothing costs less than setting
	 * it anew at each cancel. */
	if (timer->place == 0)
		return;
	take_out(timer->clock, timer->place);
	timer->place = 0;
}

void
evcan_clock_after_(struct evcan_clock_ *clock, struct evcan_after_ *after)
{
	if (after->waiting)
		return;
	after->waiting = true;
	after->next = NULL;
	*clock->after_end = after;
	clock->after_end = &after->next;
}

void
evcan_clock_unafter_(struct evcan_clock_ *clock, struct evcan_after_ *after)
{
	struct evcan_after_ **at = &clock->after;

	if (!after->waiting)
		return;
	while (*at != after)
		at = &(*at)->next;
	*at = after->next;
	if (clock->after_end == &after->next)
		clock->after_end = at;
	after->waiting = false;
}

/* Batches */

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

/* SPDX-License-Identifier: BSD-3-Clause */
/* ring.c - single producer, single consumer ring of frames */
#include "ring.h"

#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

int
evcan_ring_init_(struct evcan_ring_ *ring, size_t n)
{
	size_t size = 2;

	memset(ring, 0, sizeof(*ring));
	if (n > SIZE_MAX / 4 / sizeof(struct evcan_frame))
		return EVCAN_ERR_NOMEM;
	while (size < n)
		size *= 2;
	/* malloc, not calloc: memory of frames that never come stays
	 * untouched, so that a long queue costs nothing until it fills. */
	ring->frames = malloc(size * sizeof(*ring->frames));
	if (ring->frames == NULL)
		return EVCAN_ERR_NOMEM;
	ring->mask = size - 1;
	return 0;
}

void
evcan_ring_destroy_(struct evcan_ring_ *ring)
{
	free(ring->frames);
	ring->frames = NULL;
}

/* Copies n frames in or out at position `at`, in one or two pieces. */
static void
copy_in(struct evcan_ring_ *ring, size_t at, const struct evcan_frame *frames,
    size_t n)
{
	size_t start = at & ring->mask;
	size_t first = ring->mask + 1 - start;

	if (first > n)
		first = n;
	memcpy(ring->frames + start, frames, first * sizeof(*frames));
	if (first < n)
		memcpy(ring->frames, frames + first,
		    (n - first) * sizeof(*frames));
}

static size_t
room_from(struct evcan_ring_ *ring, size_t head, size_t wanted)
{
	size_t room = ring->mask + 1 - (head - ring->tail_seen);

	if (room < wanted) {
		ring->tail_seen = atomic_load_explicit(&ring->tail,
		    memory_order_acquire);
		room = ring->mask + 1 - (head - ring->tail_seen);
	}
	return room;
}

size_t
evcan_ring_room_(struct evcan_ring_ *ring)
{
	return room_from(ring, atomic_load_explicit(&ring->head,
	    memory_order_relaxed), SIZE_MAX);
}

size_t
evcan_ring_push_(struct evcan_ring_ *ring, const struct evcan_frame *frames,
    size_t n)
{
	size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	size_t room = room_from(ring, head, n);

	if (n > room)
		n = room;
	if (n == 0)
		return 0;
	copy_in(ring, head, frames, n);
	atomic_store_explicit(&ring->head, head + n, memory_order_release);
	return n;
}

static size_t
ready_from(struct evcan_ring_ *ring, size_t tail, size_t wanted)
{
	size_t ready = ring->head_seen - tail;

	if (ready < wanted) {
		ring->head_seen = atomic_load_explicit(&ring->head,
		    memory_order_acquire);
		ready = ring->head_seen - tail;
	}
	return ready;
}

size_t
evcan_ring_peek_(struct evcan_ring_ *ring, const struct evcan_frame **frames,
    size_t n)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	size_t ready = ready_from(ring, tail, n);
	size_t start = tail & ring->mask;
	size_t row = ring->mask + 1 - start;

	*frames = ring->frames + start;
	if (n > ready)
		n = ready;
	return n < row ? n : row;
}

void
evcan_ring_drop_(struct evcan_ring_ *ring, size_t n)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	atomic_store_explicit(&ring->tail, tail + n, memory_order_release);
}

size_t
evcan_ring_pop_(struct evcan_ring_ *ring, struct evcan_frame *frames,
    size_t n)
{
	size_t done = 0;

	/* Twice at most: once up to the ring's end, once from its start. */
	while (done < n) {
		const struct evcan_frame *from;
		size_t row = evcan_ring_peek_(ring, &from, n - done);

		if (row == 0)
			break;
		memcpy(frames + done, from, row * sizeof(*frames));
		evcan_ring_drop_(ring, row);
		done += row;
	}
	return done;
}

size_t
evcan_ring_count_(const struct evcan_ring_ *ring)
{
	/* tail first: it never passes head, so the difference is no less
	 * than 0 whatever the other side does meanwhile. */
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	return atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
}

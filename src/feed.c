/* SPDX-License-Identifier: BSD-3-Clause */
/* feed.c - frames from another thread (or bus) to a loop: ring + eventfd */
#include "feed.h"

#include <string.h>

#include <evcan/error.h>

/* In a ring slot that is no frame: time_ns frames were dropped here. */
#define HOLE 0x8000

int
evcan_feed_init_(struct evcan_feed_ *feed, size_t frames)
{
	feed->wake.fd = feed->wake.write_fd = -1;
	atomic_init(&feed->sleeping, true);
	atomic_init(&feed->hole, 0);
	atomic_init(&feed->marked, false);
	if (evcan_ring_init_(&feed->ring, frames) < 0)
		return EVCAN_ERR_NOMEM;
	if (evcan_wake_init_(&feed->wake) < 0) {
		evcan_ring_destroy_(&feed->ring);
		return EVCAN_ERR_OPERATION;
	}
	return 0;
}

void
evcan_feed_destroy_(struct evcan_feed_ *feed)
{
	evcan_wake_destroy_(&feed->wake);
	evcan_ring_destroy_(&feed->ring);
}

/* Marks the hole that ends here. A marker takes the room of a frame. */
static void
push_marker(struct evcan_feed_ *feed)
{
	struct evcan_frame marker;

	if (evcan_ring_room_(&feed->ring) < 2)
		return;
	memset(&marker, 0, sizeof(marker));
	marker.flags = HOLE;
	marker.time_ns = (int64_t)atomic_exchange(&feed->hole, 0);
	if (marker.time_ns == 0)
		return;     /* the consumer has just taken it */
	atomic_store(&feed->marked, true);
	evcan_ring_push_(&feed->ring, &marker, 1);
}

size_t
evcan_feed_push_(struct evcan_feed_ *feed, const struct evcan_frame *frames,
    size_t n, bool *wake)
{
	size_t pushed = 0;

	if (atomic_load_explicit(&feed->hole, memory_order_relaxed) != 0)
		push_marker(feed);
	/* While a hole is not marked, what follows belongs to it. */
	if (atomic_load_explicit(&feed->hole, memory_order_relaxed) == 0)
		pushed = evcan_ring_push_(&feed->ring, frames, n);
	if (pushed < n)
		atomic_fetch_add(&feed->hole, n - pushed);
	/* Sequentially consistent with the consumer's store of `sleeping` and
	 * its second look at the ring: one of the two sees the other. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&feed->sleeping, memory_order_relaxed) &&
	    atomic_exchange(&feed->sleeping, false))
		*wake = true;
	return pushed;
}

size_t
evcan_feed_room_(struct evcan_feed_ *feed)
{
	size_t room = evcan_ring_room_(&feed->ring);
	size_t marker = atomic_load_explicit(&feed->hole,
	    memory_order_relaxed) != 0;

	return room > marker ? room - marker : 0;
}

void
evcan_feed_wake_(struct evcan_feed_ *feed)
{
	evcan_wake_set_(&feed->wake);
}

/* While there may be markers: frames up to the next one. Those that come
 * first are taken out and counted. */
static size_t
pop_marked(struct evcan_feed_ *feed, struct evcan_frame *frames, size_t n,
    uint64_t *lost)
{
	const struct evcan_frame *row;
	size_t got = 0;

	while (got < n && evcan_ring_peek_(&feed->ring, &row, 1) == 1) {
		if (row->flags != HOLE)
			frames[got++] = *row;
		else if (got == 0)
			*lost += (uint64_t)row->time_ns;
		else
			break;
		evcan_ring_drop_(&feed->ring, 1);
	}
	return got;
}

static size_t
pop(struct evcan_feed_ *feed, struct evcan_frame *frames, size_t n,
    uint64_t *lost)
{
	size_t got;

	if (!atomic_load_explicit(&feed->marked, memory_order_acquire))
		return evcan_ring_pop_(&feed->ring, frames, n);
	got = pop_marked(feed, frames, n, lost);
	if (got > 0 || *lost > 0)
		return got;
	/* Empty: the hole, if there is one, is at the end. */
	*lost += atomic_exchange(&feed->hole, 0);
	return 0;
}

size_t
evcan_feed_pop_(struct evcan_feed_ *feed, struct evcan_frame *frames,
    size_t n, bool clear, uint64_t *lost)
{
	size_t got;

	*lost = 0;
	got = pop(feed, frames, n, lost);
	/* A consumer that found something comes once more, still awake: one
	 * that keeps up with a producer is not woken for each push. */
	if (got > 0 || *lost > 0)
		return got;
	*lost = atomic_exchange(&feed->hole, 0);
	/* Empty: go to sleep, then look once more, since a producer that
	 * pushed before it saw `sleeping` does not wake. Whatever is found,
	 * it stays marked as sleeping, and the next push wakes it. */
	if (clear)
		evcan_wake_clear_(&feed->wake);
	atomic_store(&feed->sleeping, true);
	atomic_thread_fence(memory_order_seq_cst);
	return pop(feed, frames, n, lost);
}

bool
evcan_feed_more_(const struct evcan_feed_ *feed)
{
	return !atomic_load_explicit(&feed->sleeping, memory_order_relaxed) ||
	    evcan_ring_count_(&feed->ring) > 0 ||
	    atomic_load_explicit(&feed->hole, memory_order_relaxed) != 0;
}

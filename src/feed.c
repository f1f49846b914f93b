/* SPDX-License-Identifier: BSD-3-Clause */
/* feed.c - frames from another thread (or bus) to a loop: ring + eventfd */
#include "feed.h"

#include <string.h>

#include <evcan/error.h>

/* In a ring slot that is no frame: frames were dropped here, time_ns of them
 * since the start. */
#define HOLE 0x8000

int
evcan_feed_init_(struct evcan_feed_ *feed, size_t frames)
{
	feed->wake.fd = feed->wake.write_fd = -1;
	atomic_init(&feed->sleeping, true);
	atomic_init(&feed->holed, false);
	atomic_init(&feed->dropped, 0);
	feed->marked = feed->told = 0;
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

static uint64_t
dropped(const struct evcan_feed_ *feed)
{
	return atomic_load_explicit(&feed->dropped, memory_order_acquire);
}

/* Marks the hole that ends here. A marker takes the room of a frame.
 * @return whether it is marked */
static bool
push_marker(struct evcan_feed_ *feed)
{
	struct evcan_frame marker;

	if (evcan_ring_room_(&feed->ring) < 2)
		return false;
	memset(&marker, 0, sizeof(marker));
	marker.flags = HOLE;
	marker.time_ns = (int64_t)dropped(feed);
	/* Before the marker is there to be seen. */
	atomic_store_explicit(&feed->holed, true, memory_order_release);
	evcan_ring_push_(&feed->ring, &marker, 1);
	feed->marked = (uint64_t)marker.time_ns;
	return true;
}

size_t
evcan_feed_push_(struct evcan_feed_ *feed, const struct evcan_frame *frames,
    size_t n, bool *wake)
{
	size_t pushed = 0;

	/* While a hole is not marked, what follows belongs to it. */
	if (dropped(feed) == feed->marked || push_marker(feed))
		pushed = evcan_ring_push_(&feed->ring, frames, n);
	if (pushed < n)
		atomic_fetch_add(&feed->dropped, n - pushed);
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
	size_t marker = dropped(feed) != feed->marked;

	return room > marker ? room - marker : 0;
}

void
evcan_feed_wake_(struct evcan_feed_ *feed)
{
	evcan_wake_set_(&feed->wake);
}

/* Frames dropped up to `total` that were not told yet. */
static uint64_t
tell(struct evcan_feed_ *feed, uint64_t total)
{
	uint64_t lost = total > feed->told ? total - feed->told : 0;

	feed->told += lost;
	return lost;
}

/* While there may be markers: frames up to the next one. Those that come
 * first are taken out and told; they count, as n is of slots. */
static size_t
pop_holed(struct evcan_feed_ *feed, struct evcan_frame *frames, size_t n,
    uint64_t *lost)
{
	const struct evcan_frame *row;
	size_t got = 0;

	for (; n > 0 && evcan_ring_peek_(&feed->ring, &row, 1) == 1; n--) {
		if (row->flags != HOLE)
			frames[got++] = *row;
		else if (got == 0)
			*lost += tell(feed, (uint64_t)row->time_ns);
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
	const struct evcan_frame *row;
	size_t got = 0, len;

	/* Twice at most: up to the ring's end, and from its start. Whether
	 * there are markers is asked after each look: what it shows was
	 * pushed before. */
	while (got < n &&
	    (len = evcan_ring_peek_(&feed->ring, &row, n - got)) > 0) {
		if (atomic_load_explicit(&feed->holed, memory_order_acquire))
			return got > 0 ? got : pop_holed(feed, frames, n, lost);
		memcpy(frames + got, row, len * sizeof(*frames));
		evcan_ring_drop_(&feed->ring, len);
		got += len;
	}
	return got;
}

/* A hole behind the last frame. That it is behind shows the ring, found empty
 * after the count was read: what was pushed before the hole is gone. */
static uint64_t
hole_at_end(struct evcan_feed_ *feed)
{
	uint64_t total = dropped(feed);

	if (total == feed->told || evcan_ring_count_(&feed->ring) > 0)
		return 0;
	return tell(feed, total);
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
	if (got == 0 && *lost == 0)
		*lost = hole_at_end(feed);
	if (got > 0 || *lost > 0)
		return got;
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
	    evcan_ring_count_(&feed->ring) > 0 || dropped(feed) != feed->told;
}

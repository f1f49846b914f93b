/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ring.c - ring and feed, on one thread and between two */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "feed.h"
#include "ring.h"

static void
number(struct evcan_frame *frames, size_t n, uint32_t from)
{
	memset(frames, 0, n * sizeof(*frames));
	for (size_t i = 0; i < n; i++)
		frames[i].id = from + (uint32_t)i;
}

static void
ring_wraps_and_fills(void **state)
{
	struct evcan_ring_ ring;
	struct evcan_frame in[8], out[8];
	uint32_t next_in = 0, next_out = 0;

	(void)state;
	assert_int_equal(evcan_ring_init_(&ring, 5), 0);
	assert_int_equal(evcan_ring_room_(&ring), 8);
	for (size_t round = 1; round < 200; round++) {
		size_t want = round % 8 + 1, got;

		number(in, want, next_in);
		got = evcan_ring_push_(&ring, in, want);
		next_in += (uint32_t)got;
		assert_int_equal(evcan_ring_count_(&ring),
		    next_in - next_out);
		got = evcan_ring_pop_(&ring, out, round * 5 % 7);
		for (size_t i = 0; i < got; i++)
			assert_int_equal(out[i].id, next_out++);
	}
	number(in, 8, 0);
	while (evcan_ring_push_(&ring, in, 1) == 1)
		;
	assert_int_equal(evcan_ring_count_(&ring), 8);
	assert_int_equal(evcan_ring_room_(&ring), 0);
	evcan_ring_destroy_(&ring);
}

static void
ring_refuses_absurd_sizes(void **state)
{
	struct evcan_ring_ ring;

	(void)state;
	assert_true(evcan_ring_init_(&ring, SIZE_MAX) < 0);
}

static int
readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0);
}

static void
feed_wakes_once_per_sleep(void **state)
{
	struct evcan_feed_ feed;
	struct evcan_frame in[4], out[8];
	uint64_t lost;
	bool wake = false;

	(void)state;
	assert_int_equal(evcan_feed_init_(&feed, 8), 0);
	number(in, 4, 0);
	assert_int_equal(evcan_feed_push_(&feed, in, 2, &wake), 2);
	assert_true(wake);
	wake = false;
	assert_int_equal(evcan_feed_push_(&feed, in + 2, 2, &wake), 2);
	assert_false(wake);
	evcan_feed_wake_(&feed);
	assert_int_equal(readable(feed.wake.fd), 1);
	assert_int_equal(evcan_feed_pop_(&feed, out, 8, true, &lost), 4);
	assert_int_equal(lost, 0);
	/* Not yet asleep: more would wake nobody, and it comes once more. */
	assert_true(evcan_feed_more_(&feed));
	assert_int_equal(evcan_feed_pop_(&feed, out, 8, true, &lost), 0);
	assert_false(evcan_feed_more_(&feed));
	assert_int_equal(readable(feed.wake.fd), 0);
	assert_int_equal(evcan_feed_push_(&feed, in, 1, &wake), 1);
	assert_true(wake);
	/* A wake that comes late, after its frames were taken, is taken back
	 * too: a level-triggered loop would spin on it. */
	assert_int_equal(evcan_feed_pop_(&feed, out, 8, true, &lost), 1);
	evcan_feed_wake_(&feed);
	assert_int_equal(evcan_feed_pop_(&feed, out, 8, true, &lost), 0);
	assert_int_equal(readable(feed.wake.fd), 0);
	evcan_feed_destroy_(&feed);
}

/* What is told beside the frames has its place by slots of the ring, and a
 * marker takes one: no frame behind that place may come out before it. */
static void
feed_counts_markers_as_slots(void **state)
{
	struct evcan_feed_ feed;
	struct evcan_frame in[20], out[20];
	uint64_t lost;
	size_t place;
	bool wake;

	(void)state;
	assert_int_equal(evcan_feed_init_(&feed, 8), 0);
	number(in, 20, 0);
	assert_int_equal(evcan_feed_push_(&feed, in, 11, &wake), 8);
	assert_int_equal(evcan_feed_pop_(&feed, out, 8, true, &lost), 8);
	assert_int_equal(evcan_feed_push_(&feed, in + 11, 1, &wake), 1);
	place = feed.ring.head;
	assert_int_equal(evcan_feed_push_(&feed, in + 12, 1, &wake), 1);
	assert_int_equal(evcan_feed_pop_(&feed, out, place - feed.ring.tail,
	    true, &lost), 1);
	assert_int_equal(lost, 3);
	assert_int_equal(out[0].id, 11);
	/* A marker alone is no end. */
	assert_int_equal(evcan_feed_push_(&feed, in, 9, &wake), 7);
	assert_int_equal(evcan_feed_pop_(&feed, out, 8, true, &lost), 8);
	assert_int_equal(evcan_feed_push_(&feed, in, 1, &wake), 1);
	assert_int_equal(evcan_feed_pop_(&feed, out, 1, true, &lost), 0);
	assert_int_equal(lost, 2);
	assert_true(evcan_feed_more_(&feed));
	assert_int_equal(evcan_feed_pop_(&feed, out, 1, true, &lost), 1);
	evcan_feed_destroy_(&feed);
}

/* The hole is told where it is: after what came before it. */
static void
feed_marks_holes(void **state)
{
	struct evcan_feed_ feed;
	struct evcan_frame in[20], out[20];
	uint64_t lost;
	bool wake;

	(void)state;
	assert_int_equal(evcan_feed_init_(&feed, 8), 0);
	number(in, 20, 0);
	assert_int_equal(evcan_feed_push_(&feed, in, 11, &wake), 8);
	assert_int_equal(evcan_feed_pop_(&feed, out, 4, true, &lost), 4);
	assert_int_equal(lost, 0);
	assert_int_equal(evcan_feed_push_(&feed, in + 11, 2, &wake), 2);
	assert_int_equal(evcan_feed_pop_(&feed, out, 20, true, &lost), 4);
	assert_int_equal(lost, 0);
	assert_int_equal(out[3].id, 7);
	assert_true(evcan_feed_more_(&feed));
	assert_int_equal(evcan_feed_pop_(&feed, out, 20, true, &lost), 2);
	assert_int_equal(lost, 3);
	assert_int_equal(out[0].id, 11);
	/* One at the very end is told too. */
	assert_int_equal(evcan_feed_push_(&feed, in, 9, &wake), 8);
	assert_int_equal(evcan_feed_pop_(&feed, out, 20, true, &lost), 8);
	assert_int_equal(lost, 0);
	assert_true(evcan_feed_more_(&feed));
	assert_int_equal(evcan_feed_pop_(&feed, out, 20, true, &lost), 0);
	assert_int_equal(lost, 1);
	assert_int_equal(evcan_feed_pop_(&feed, out, 20, true, &lost), 0);
	assert_int_equal(lost, 0);
	assert_false(evcan_feed_more_(&feed));
	evcan_feed_destroy_(&feed);
}

#define MANY 400000u

static void *
produce(void *arg)
{
	struct evcan_feed_ *feed = arg;
	struct evcan_frame in[32];
	uint32_t next = 0;

	while (next < MANY) {
		size_t n = next % 32 + 1;
		bool wake = false;

		if (n > MANY - next)
			n = MANY - next;
		number(in, n, next);
		evcan_feed_push_(feed, in, n, &wake);
		if (wake)
			evcan_feed_wake_(feed);
		next += (uint32_t)n;
		if (next % 1024 < 32)
			sched_yield();
	}
	return NULL;
}

/* Between threads every frame arrives in order or is counted where it is
 * missing, and the consumer, which sleeps as soon as it gets less than it
 * asked for and there is no more, is never left asleep. */
static void
cross(void)
{
	struct evcan_feed_ feed;
	struct evcan_frame out[64];
	pthread_t thread;
	uint64_t seen = 0;

	assert_int_equal(evcan_feed_init_(&feed, 256), 0);
	assert_int_equal(pthread_create(&thread, NULL, produce, &feed), 0);
	while (seen < MANY) {
		struct pollfd pfd = { .fd = feed.wake.fd, .events = POLLIN };
		uint64_t lost;
		size_t n = evcan_feed_pop_(&feed, out, 64, true, &lost);

		seen += lost;
		for (size_t i = 0; i < n; i++)
			assert_int_equal(out[i].id, seen++);
		if (n < 64 && seen < MANY && !evcan_feed_more_(&feed))
			assert_int_equal(poll(&pfd, 1, 20000), 1);
	}
	assert_int_equal(seen, MANY);
	pthread_join(thread, NULL);
	evcan_feed_destroy_(&feed);
}

static void
feed_between_threads(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		cross();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_wraps_and_fills),
		cmocka_unit_test(ring_refuses_absurd_sizes),
		cmocka_unit_test(feed_wakes_once_per_sleep),
		cmocka_unit_test(feed_marks_holes),
		cmocka_unit_test(feed_counts_markers_as_slots),
		cmocka_unit_test(feed_between_threads)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

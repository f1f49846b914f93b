/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic_fixture.h - what tests of periodic sending share; behind cmocka.h */
#ifndef CYCLIC_FIXTURE_H
#define CYCLIC_FIXTURE_H

#include <string.h>

#include <event2/event.h>

#include <evcan/cyclic.h>
#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "bus_fixture.h"

#define MS INT64_C(1000000)
#define SEEN_MAX 65536
/* A test that comes to no end is a failure. */
#define GUARD_NS (INT64_C(20000) * MS)

static struct event_base *base;
static struct evcan_bus *bus, *peer;
static struct evcan_frame seen[SEEN_MAX];
static int64_t seen_at[SEEN_MAX];
static size_t n_seen;

/* What call-backs heard. */
static unsigned throughs, errors;
static struct evcan_error last_error;

static inline void
on_frames(struct evcan_bus *from, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	int64_t now = evcan_now_monotonic();

	(void)from;
	(void)arg;
	for (size_t i = 0; i < n; i++, n_seen++) {
		if (n_seen >= SEEN_MAX)
			continue;
		seen[n_seen] = frames[i];
		seen_at[n_seen] = now;
	}
}

static inline void
on_told(struct evcan_cyclic *task, const struct evcan_error *err, void *arg)
{
	(void)task;
	(void)arg;
	if (err == NULL) {
		throughs++;
	} else {
		errors++;
		last_error = *err;
	}
}

static inline int
cyclic_setup(void **state)
{
	(void)state;
	base = event_base_new();
	bus = open_bus(base, "virtual:cyclic");
	peer = open_bus(base, "virtual:cyclic,rx_queue_size=65536");
	evcan_bus_set_cb(peer, on_frames, NULL, NULL);
	n_seen = 0;
	throughs = errors = 0;
	evcan_error_clear(&last_error);
	return 0;
}

static inline int
cyclic_teardown(void **state)
{
	(void)state;
	evcan_bus_free(bus);
	evcan_bus_free(peer);
	event_base_free(base);
	return 0;
}

static inline struct evcan_frame
frame_of(uint32_t id, const char *text)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, 0, text, strlen(text)),
	    0);
	return frame;
}

static inline struct evcan_cyclic *
make_task(uint32_t id, const struct evcan_cyclic_config *config)
{
	struct evcan_frame frame = frame_of(id, "data");
	struct evcan_error err = { .code = 0 };
	struct evcan_cyclic *task = evcan_cyclic_new(bus, &frame, 1, config,
	    &err);

	if (task == NULL)
		fail_msg("%s", err.text);
	evcan_cyclic_set_cb(task, on_told, NULL);
	return task;
}

static inline void
start_task(struct evcan_cyclic *task)
{
	struct evcan_error err = { .code = 0 };

	if (evcan_cyclic_start(task, &err) < 0)
		fail_msg("%s", err.text);
}

static inline struct evcan_cyclic_stats
stats_of(const struct evcan_cyclic *task)
{
	struct evcan_cyclic_stats stats;

	evcan_cyclic_get_stats(task, &stats);
	return stats;
}

/* Runs the loop until a counter has come to n. */
static inline void
run_until_count(const size_t *counter, size_t n)
{
	int64_t end = evcan_now_monotonic() + GUARD_NS;

	while (*counter < n) {
		assert_true(evcan_now_monotonic() < end);
		event_base_loop(base, EVLOOP_ONCE);
	}
}

static inline void
run_for(int64_t ns)
{
	int64_t end = evcan_now_monotonic() + ns;

	while (evcan_now_monotonic() < end)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static inline void
run_until_ended(struct evcan_cyclic *task)
{
	int64_t end = evcan_now_monotonic() + GUARD_NS;

	while (evcan_cyclic_running(task)) {
		assert_true(evcan_now_monotonic() < end);
		event_base_loop(base, EVLOOP_ONCE);
	}
	for (int i = 0; i < 4; i++)
		turn(base);     /* what was sent last is delivered */
}

/* Holds the loop up. */
static inline void
stall(int64_t ns)
{
	int64_t end = evcan_now_monotonic() + ns;

	while (evcan_now_monotonic() < end)
		;
}

#endif

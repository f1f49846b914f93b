/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_told.h - a bus on the device of counters, and all that it told;
 * behind cmocka.h */
#ifndef VENDOR_TOLD_H
#define VENDOR_TOLD_H

#include <unistd.h>

#include "vendor_fixture.h"
static struct event_base *base;
static struct evcan_bus *bus;
static int threads_before, fds_before;

/* What the bus told, as letters: O opened, C closed, S state, E error, G gap,
 * W writable; and how many frames had come by the last of each. */
static char told[64];
static size_t n_told;
static uint32_t frames_at[EVCAN_BUS_WRITABLE + 1];
static uint32_t frames;
static uint64_t lost;
static bool disordered, free_in_frame;
static int free_in_event;
static struct evcan_error last_error;
static enum evcan_bus_state last_state;

static void
on_frames(struct evcan_bus *of, const struct evcan_frame *row, size_t n,
    void *arg)
{
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		disordered = disordered ||
		    number_of(&row[i]) != frames + (uint32_t)lost;
		frames++;
	}
	if (free_in_frame) {
		evcan_bus_free(of);
		bus = NULL;
	}
}

static void
on_event(struct evcan_bus *of, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	(void)arg;
	if (n_told < sizeof(told) - 1)
		told[n_told++] = "OCESGW"[event];
	frames_at[event] = frames;
	if (info->error != NULL)
		last_error = *info->error;
	if (event == EVCAN_BUS_STATE)
		last_state = info->state;
	if (event == EVCAN_BUS_GAP)
		lost += info->lost;
	if (free_in_event == (int)event) {
		evcan_bus_free(of);
		bus = NULL;
	}
}

static inline bool
was_told(char letter)
{
	return strchr(told, letter) != NULL;
}

static inline void
forget(void)
{
	memset(told, 0, sizeof(told));
	memset(frames_at, 0, sizeof(frames_at));
	n_told = frames = 0;
	lost = 0;
	disordered = free_in_frame = false;
	free_in_event = -1;
	memset(&last_error, 0, sizeof(last_error));
	last_state = EVCAN_STATE_ACTIVE;
}

static inline int
setup(void **state)
{
	(void)state;
	forget();
	device++;
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->changed, NULL);
	device->room = SIZE_MAX;
	evcan_vendor_hang_ns_ = 5000 * MS;
	threads_before = count_threads();
	fds_before = count_fds();
	base = event_base_new();
	bus = NULL;
	return 0;
}

static inline int
teardown(void **state)
{
	int threads, fds;

	(void)state;
	device_hang(NULL);
	evcan_bus_free(bus);
	event_base_free(base);
	threads = await_threads(threads_before);
	fds = count_fds();
	if (threads != threads_before || fds != fds_before)
		print_error("threads %d, %d before; fds %d, %d before\n",
		    threads, threads_before, fds, fds_before);
	return threads == threads_before && fds == fds_before ? 0 : -1;
}

static inline void
start(int64_t rx_queue_size, const char *extra, bool reads)
{
	struct evcan_error err = { 0 };

	bus = make_bus(base, rx_queue_size, extra);
	evcan_bus_set_cb(bus, reads ? on_frames : NULL, on_event, NULL);
	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void
start_open(int64_t rx_queue_size, const char *extra)
{
	start(rx_queue_size, extra, true);
	await(base, was_told('O'));
}

/* Opening */

static inline void
send_all(uint32_t from, uint32_t to)
{
	while (from < to) {
		struct evcan_frame frame = numbered(from);
		int n = evcan_bus_send(bus, &frame, 1);

		from += n == 1;
		if (n != 1) {
			assert_int_equal(n, EVCAN_ERR_FULL);
			event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		}
	}
}

#endif

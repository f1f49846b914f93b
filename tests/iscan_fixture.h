/* SPDX-License-Identifier: BSD-3-Clause */
/* iscan_fixture.h - the iscan driver on a double of iscandrv; behind cmocka.h
 */
#ifndef ISCAN_FIXTURE_H
#define ISCAN_FIXTURE_H

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include <evcan/evcan.h>

#include "may_skip.h"
#include "vendor.h"

#define MS ((int64_t)1000000)

static char library[400];
static void (*control)(const char *command);
static long (*calls)(const char *name);
static long (*last)(uint8_t device, const char *what);
static struct event_base *base;
static int threads_before, fds_before;

/* What a watched bus told. */
static int events[EVCAN_BUS_WRITABLE + 1];
static struct evcan_error error;
static enum evcan_bus_state states[8];
static struct evcan_frame got[64];
static size_t n_got;
static uint64_t lost;
static size_t got_at_loss;

static inline int
count_in(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n;
}

static inline int
setup(void **state)
{
	(void)state;
	if (control == NULL)
		return 0;
	control("reset");
	evcan_vendor_hang_ns_ = 5000 * MS;
	memset(events, 0, sizeof(events));
	memset(&error, 0, sizeof(error));
	n_got = got_at_loss = 0;
	lost = 0;
	base = event_base_new();
	threads_before = count_in("/proc/self/task");
	fds_before = count_in("/proc/self/fd");
	return 0;
}

/* A thread that was told to stop may take its time. */
static inline int
teardown(void **state)
{
	int64_t end = evcan_now_monotonic() + 5000 * MS;
	struct timespec nap = { 0, 1000000 };
	int threads, fds;

	(void)state;
	if (control == NULL)
		return 0;
	control("reset");
	do {
		nanosleep(&nap, NULL);
		threads = count_in("/proc/self/task");
		fds = count_in("/proc/self/fd");
	} while ((threads > threads_before || fds > fds_before) &&
	    evcan_now_monotonic() < end);
	if (fds != fds_before || threads > threads_before)
		print_error("fds %d, %d before; threads %d, %d before\n",
		    fds, fds_before, threads, threads_before);
	event_base_free(base);
	return fds == fds_before && threads <= threads_before ? 0 : -1;
}

static inline struct evcan_bus *
make(struct event_base *loop, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[600];

	if (control == NULL)
		may_skip("no iscan_double.so in EVCAN_DOUBLES");
	snprintf(text, sizeof(text), "iscan:%s,ignore_config=true,"
	    "library=%s", spec, library);
	bus = evcan_bus_new_spec(loop, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", spec, err.text);
	return bus;
}

static inline struct evcan_bus *
open_now(const char *spec)
{
	struct evcan_bus *bus = make(NULL, spec);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	return bus;
}

static inline void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)bus;
	(void)arg;
	for (size_t i = 0; i < n; i++, n_got++) {
		if (n_got < 64)
			got[n_got] = frames[i];
	}
}

static inline void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	(void)bus;
	(void)arg;
	if (event == EVCAN_BUS_STATE && events[event] < 8)
		states[events[event]] = info->state;
	events[event]++;
	if (info->error != NULL)
		error = *info->error;
	if (event == EVCAN_BUS_GAP) {
		lost += info->lost;
		got_at_loss = n_got;
	}
}

#define await(condition) do { \
	int64_t end_ = evcan_now_monotonic() + 10000 * MS; \
	struct timespec nap_ = { 0, 200000 }; \
	while (!(condition)) { \
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK); \
		if (evcan_now_monotonic() > end_) \
			fail_msg("never: %s", #condition); \
		nanosleep(&nap_, NULL); \
	} \
} while (0)

static inline struct evcan_bus *
open_watched(const char *spec)
{
	struct evcan_bus *bus = make(base, spec);

	evcan_bus_set_cb(bus, on_frames, on_event, NULL);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	await(events[EVCAN_BUS_OPENED] == 1);
	return bus;
}

static inline struct evcan_frame
frame_of(uint32_t id, unsigned flags, const char *data)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, data,
	    strlen(data)), 0);
	return frame;
}

static inline void *
nothing(void *arg)
{
	return arg;
}

/* For main. The first thread may bring others, of tools that watch them. */
static inline void
load_double(void)
{
	const char *folder = getenv("EVCAN_DOUBLES");
	pthread_t thread;
	void *handle;

	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	if (folder == NULL)
		return;
	snprintf(library, sizeof(library), "%s/iscan_double.so", folder);
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return;
	}
	*(void **)&control = dlsym(handle, "evcan_double_control");
	*(void **)&calls = dlsym(handle, "evcan_double_calls");
	*(void **)&last = dlsym(handle, "evcan_iscan_last");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif

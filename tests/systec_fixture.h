/* SPDX-License-Identifier: BSD-3-Clause */
/* systec_fixture.h - the systec driver on a double of USBCAN; behind cmocka.h
 */
#ifndef SYSTEC_FIXTURE_H
#define SYSTEC_FIXTURE_H

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "may_skip.h"
#include "vendor.h"

#define MS ((int64_t)1000000)

/* The double */
static char library[400];
static void (*control)(const char *command);
static long (*calls)(const char *name);
static long (*last)(const char *name);

static struct event_base *base;
static int fds_before, threads_before;
/* Those made by a test, so that one that fails leaves none behind. */
static struct evcan_bus *buses[4];

/* What a watched bus told. */
static int events[EVCAN_BUS_WRITABLE + 1];
static struct evcan_error error;      /* the first */
static enum evcan_bus_state state_told;
static struct evcan_frame got[64];
static size_t n_got, got_at_loss;
static uint64_t lost;

static inline int
load_double(void **state)
{
	const char *folder = getenv("EVCAN_DOUBLES");
	void *handle;

	(void)state;
	if (folder == NULL)
		return 0;
	snprintf(library, sizeof(library), "%s/systec_double.so", folder);
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		print_error("%s\n", dlerror());
		return 0;
	}
	*(void **)&control = dlsym(handle, "evcan_double_control");
	*(void **)&calls = dlsym(handle, "evcan_double_calls");
	*(void **)&last = dlsym(handle, "evcan_systec_last");
	return 0;
}

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
	state_told = EVCAN_STATE_ACTIVE;
	n_got = got_at_loss = 0;
	lost = 0;
	base = event_base_new();
	threads_before = count_in("/proc/self/task");
	fds_before = count_in("/proc/self/fd");
	return 0;
}

/* A thread that was left behind ends a little later. */
static inline int
teardown(void **state)
{
	int64_t end = evcan_now_monotonic() + 5000 * MS;
	struct timespec nap = { 0, 1000000 };
	int fds, threads;

	(void)state;
	if (control == NULL)
		return 0;
	control("reset");
	for (int i = 0; i < 4; i++) {
		evcan_bus_free(buses[i]);
		buses[i] = NULL;
	}
	do {
		nanosleep(&nap, NULL);
		fds = count_in("/proc/self/fd") - fds_before;
		threads = count_in("/proc/self/task") - threads_before;
	} while ((fds > 0 || threads > 0) && evcan_now_monotonic() < end);
	if (fds != 0 || threads > 0)
		print_error("left: %d fds, %d threads\n", fds, threads);
	event_base_free(base);
	return fds == 0 && threads <= 0 ? 0 : -1;
}

/* Buses */

static inline struct evcan_bus *
make(struct event_base *loop, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[600];
	int i = 0;

	if (control == NULL)
		may_skip("no systec_double.so in EVCAN_DOUBLES");
	snprintf(text, sizeof(text), "systec:%s,ignore_config=true,"
	    "reopen_interval=0.02,library=%s", spec, library);
	bus = evcan_bus_new_spec(loop, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", spec, err.text);
	while (buses[i] != NULL)
		assert_int_not_equal(++i, 4);
	return buses[i] = bus;
}

static inline void
put_away(struct evcan_bus *bus)
{
	for (int i = 0; i < 4; i++) {
		if (buses[i] == bus)
			buses[i] = NULL;
	}
	evcan_bus_free(bus);
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

/* It must not open. */
static inline struct evcan_error
refused(const char *spec)
{
	struct evcan_bus *bus = make(NULL, spec);
	struct evcan_error err = { 0 };

	assert_true(evcan_bus_open(bus, &err) < 0);
	assert_int_equal(err.vendor, evcan_bus_error(bus)->vendor);
	put_away(bus);
	return err;
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
	events[event]++;
	if (info->error != NULL && error.code == 0)
		error = *info->error;
	if (event == EVCAN_BUS_STATE)
		state_told = info->state;
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
frame_of(uint32_t id, unsigned flags)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, "data", 4), 0);
	return frame;
}

static inline void
send_one(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = frame_of(id, 0);

	assert_int_equal(evcan_bus_send_wait(bus, &frame, 5000), 0);
}

/* The next frame has this identifier. */
static inline struct evcan_frame
receive(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = { .id = UINT32_MAX };

	assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 5000), 1);
	assert_int_equal(frame.id, id);
	return frame;
}

static inline void *
nothing(void *arg)
{
	return arg;
}

/* The first thread may bring others, of the tools that watch them. */
static inline void
warm_up_threads(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
}

#define SYSTEC_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif

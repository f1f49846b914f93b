/* SPDX-License-Identifier: BSD-3-Clause */
/* vector_fixture.h - the vector driver on a double of the XL Driver Library;
 * behind cmocka.h */
#ifndef VECTOR_FIXTURE_H
#define VECTOR_FIXTURE_H

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
static long (*noted)(const char *name);
static int16_t (*reset_clock)(int32_t port);
static struct event_base *base;
static int fds_before;

/* What a watched bus told. */
static int events[EVCAN_BUS_WRITABLE + 1];
static struct evcan_error error;
static enum evcan_bus_state state_told;
static struct evcan_frame got[64];
static size_t n_got, got_at_loss;
static uint64_t lost;

/* Those of a test, so that one that fails leaves none behind. */
static struct evcan_bus *buses[8];

static inline int
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
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
	fds_before = count_fds();
	return 0;
}

static inline void
end(struct evcan_bus *bus)
{
	for (size_t i = 0; i < 8; i++) {
		if (buses[i] == bus)
			buses[i] = NULL;
	}
	evcan_bus_free(bus);
}

/* A thread that was left behind ends some time after it is released. */
static inline int
teardown(void **state)
{
	int64_t soon = evcan_now_monotonic() + 5000 * MS;
	struct timespec nap = { 0, 1000000 };
	int fds;

	(void)state;
	if (control == NULL)
		return 0;
	control("release");
	for (size_t i = 0; i < 8; i++)
		end(buses[i]);
	while ((fds = count_fds()) != fds_before &&
	    evcan_now_monotonic() < soon)
		nanosleep(&nap, NULL);
	if (fds != fds_before)
		print_error("fds: %d, %d before\n", fds, fds_before);
	event_base_free(base);
	return fds == fds_before ? 0 : -1;
}

static inline void
need_double(void)
{
	if (control == NULL)
		may_skip("no vector_double.so in EVCAN_DOUBLES");
}

/* @param spec options may be divided by ';' */
static inline struct evcan_bus *
make(struct event_base *loop, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	size_t i = 0;
	char text[800];

	need_double();
	snprintf(text, sizeof(text), "vector:%s,ignore_config=true,"
	    "library=%s", spec, library);
	for (char *at = text; *at != '\0'; at++)
		*at = *at == ';' ? ',' : *at;
	bus = evcan_bus_new_spec(loop, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", spec, err.text);
	while (buses[i] != NULL)
		assert_true(++i < 8);
	buses[i] = bus;
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

/* @param words that its one error must have, NULL-ended */
static inline void
refused(const char *spec, long vendor, const char *const *words)
{
	struct evcan_bus *bus = make(NULL, spec);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) == 0)
		fail_msg("%s is open", spec);
	for (; *words != NULL; words++) {
		if (strstr(err.text, *words) == NULL)
			fail_msg("%s: no \"%s\" in \"%s\"", spec, *words,
			    err.text);
	}
	assert_int_equal(err.vendor, vendor);
	assert_int_equal(evcan_bus_error(bus)->vendor, vendor);
	end(bus);
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
	if (info->error != NULL)
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

	memset(events, 0, sizeof(events));
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

static inline void
send_one(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = frame_of(id, 0, "x");

	assert_int_equal(evcan_bus_send_wait(bus, &frame, 5000), 0);
}

static inline void
receive(struct evcan_bus *bus, struct evcan_frame *frame)
{
	assert_int_equal(evcan_bus_recv_wait(bus, frame, 1, 5000), 1);
}

static inline void *
nothing(void *arg)
{
	return arg;
}

static inline void
load_double(void)
{
	const char *folder = getenv("EVCAN_DOUBLES");
	pthread_t thread;
	void *handle;

	/* The first thread may bring fds, of the tools that watch them. */
	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	if (folder == NULL)
		return;
	snprintf(library, sizeof(library), "%s/vector_double.so", folder);
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return;
	}
	*(void **)&calls = dlsym(handle, "evcan_double_calls");
	*(void **)&noted = dlsym(handle, "evcan_double_noted");
	*(void **)&reset_clock = dlsym(handle, "xlResetClock");
	*(void **)&control = dlsym(handle, "evcan_double_control");
}

#define VECTOR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* usb2can_fixture.h - what tests of the usb2can driver share: a double of its
 * library, and buses of it */
#ifndef USB2CAN_FIXTURE_H
#define USB2CAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/evcan.h>

#include "drivers/usb2can.h"
#include "may_skip.h"

#define MS ((int64_t)1000000)
#define A "ED000001"
#define B "ED000002"

static char library[400];
static void (*control)(const char *command);
static long (*calls)(const char *name);
static const char *(*opened)(void);
static long (*canal_open)(const char *device, unsigned long flags);
static int (*canal_send)(long handle, struct evcan_usb2can_msg_ *msg);
static int (*canal_close)(long handle);
static struct event_base *base;
static int threads_before, fds_before;

/* What a watched bus told. */
static int events[EVCAN_BUS_WRITABLE + 1];
static struct evcan_error error;
static enum evcan_bus_state state_told;
static struct evcan_frame got[2000];
static size_t n_got, got_at_loss;
static uint64_t lost;

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
	threads_before = count_in("/proc/self/task");
	fds_before = count_in("/proc/self/fd");
	base = event_base_new();
	if (control == NULL)
		return 0;
	control("reset");
	evcan_vendor_hang_ns_ = 5000 * MS;
	memset(events, 0, sizeof(events));
	memset(&error, 0, sizeof(error));
	n_got = got_at_loss = 0;
	lost = 0;
	return 0;
}

/* Threads that hung end soon after they are released. */
static inline int
teardown(void **state)
{
	int64_t end = evcan_now_monotonic() + 5000 * MS;
	struct timespec nap = { 0, 1000000 };
	int threads, fds;

	(void)state;
	event_base_free(base);
	if (control == NULL)
		return 0;
	control("reset");
	do {
		threads = count_in("/proc/self/task") - threads_before;
		fds = count_in("/proc/self/fd") - fds_before;
		nanosleep(&nap, NULL);
	} while ((threads > 0 || fds > 0) && evcan_now_monotonic() < end);
	if (threads > 0 || fds > 0)
		print_error("left: %d threads, %d fds\n", threads, fds);
	return threads > 0 || fds > 0 ? -1 : 0;
}

static inline struct evcan_bus *
make(struct event_base *loop, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[700];

	if (control == NULL)
		may_skip("EVCAN_DOUBLES does not name the doubles' folder");
	snprintf(text, sizeof(text), "usb2can:%s,ignore_config=true,dll=%s",
	    spec, library);
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
		if (n_got < sizeof(got) / sizeof(got[0]))
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
refused(const char *spec, int code, const char *words)
{
	struct evcan_bus *bus = make(NULL, spec);
	struct evcan_error err = { 0 };

	assert_int_equal(evcan_bus_open(bus, &err), code);
	if (strstr(err.text, words) == NULL)
		fail_msg("%s: no \"%s\" in: %s", spec, words, err.text);
	evcan_bus_free(bus);
}

static inline void
load_double(void)
{
	const char *folder = getenv("EVCAN_DOUBLES");
	void *handle;

	if (folder == NULL)
		return;
	snprintf(library, sizeof(library), "%s/usb2can_double.so", folder);
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return;
	}
	*(void **)&control = dlsym(handle, "evcan_double_control");
	*(void **)&calls = dlsym(handle, "evcan_double_calls");
	*(void **)&opened = dlsym(handle, "evcan_usb2can_opened");
	*(void **)&canal_open = dlsym(handle, "CanalOpen");
	*(void **)&canal_send = dlsym(handle, "CanalSend");
	*(void **)&canal_close = dlsym(handle, "CanalClose");
}

static void *
nothing(void *arg)
{
	return arg;
}

/* Then the doubles, if there are any; a word chooses among the tests. */
static inline void
prepare(int argc, char **argv)
{
	pthread_t thread;

	/* The first thread may bring others, of the tools that watch them. */
	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	load_double();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif

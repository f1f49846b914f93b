/* SPDX-License-Identifier: BSD-3-Clause */
/* nican_fixture.h - what tests of the nican driver share */
#ifndef NICAN_FIXTURE_H
#define NICAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <dlfcn.h>

#include <cmocka.h>

#include "drivers/nican.h"
#include "may_skip.h"
#include "vendor_fixture.h"

static char library[400];
static void (*control)(const char *command);
static long (*calls)(const char *name);
static long (*attribute)(int number, uint32_t id);
static struct event_base *base;
static int threads_before, fds_before;

/* Those of a test, and what the watched one told. */
static struct evcan_bus *buses[4];
static int events[EVCAN_BUS_WRITABLE + 1];
static struct evcan_error error;
static enum evcan_bus_state state_told;
static struct evcan_frame got[64];
static size_t n_got;
static uint64_t lost;

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
	n_got = 0;
	lost = 0;
	base = event_base_new();
	threads_before = count_threads();
	fds_before = count_fds();
	return 0;
}

static inline int
teardown(void **state)
{
	int threads, fds;

	(void)state;
	if (control == NULL)
		return 0;
	control("reset");
	for (size_t i = 0; i < 4; i++) {
		evcan_bus_free(buses[i]);
		buses[i] = NULL;
	}
	threads = await_threads(threads_before);
	fds = count_fds();
	if (threads != threads_before || fds != fds_before)
		print_error("threads %d, %d before; fds %d, %d before\n",
		    threads, threads_before, fds, fds_before);
	event_base_free(base);
	return threads == threads_before && fds == fds_before ? 0 : -1;
}

static inline struct evcan_bus *
make(struct event_base *loop, const char *spec)
{
	struct evcan_error err = { 0 };
	char text[900];
	size_t i = 0;

	if (control == NULL)
		may_skip("EVCAN_DOUBLES does not name the doubles' folder");
	while (buses[i] != NULL)
		assert_true(++i < 4);
	snprintf(text, sizeof(text), "nican:%s,ignore_config=true,"
	    "library=%s", spec, library);
	buses[i] = evcan_bus_new_spec(loop, text, &err);
	if (buses[i] == NULL)
		fail_msg("%s: %s", spec, err.text);
	return buses[i];
}

static inline void
end(struct evcan_bus *bus)
{
	for (size_t i = 0; i < 4; i++) {
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
	if (event == EVCAN_BUS_GAP)
		lost += info->lost;
}

/* One whose frames and events are seen. */
static inline struct evcan_bus *
watch(const char *spec)
{
	struct evcan_bus *bus = make(base, spec);

	evcan_bus_set_cb(bus, on_frames, on_event, NULL);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	await(base, events[EVCAN_BUS_OPENED] == 1);
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
run_for(int ms)
{
	struct timeval limit = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
}

/* Until the thread of the bus is in a write, and stays there. */
static inline void
hang_in_write(struct evcan_bus *bus)
{
	struct evcan_frame frame = frame_of(0x7ff, 0);
	long before = calls("ncWrite");

	control("hang ncWrite");
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	await(base, calls("ncWrite") > before);
}

/* An attribute that was not configured. */
#define NONE 0xffffffffL

static inline void
load_double(void)
{
	const char *folder = getenv("EVCAN_DOUBLES");
	void *handle;

	if (folder == NULL)
		return;
	snprintf(library, sizeof(library), "%s/nican_double.so", folder);
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return;
	}
	*(void **)&control = dlsym(handle, "evcan_double_control");
	*(void **)&calls = dlsym(handle, "evcan_double_calls");
	*(void **)&attribute = dlsym(handle, "evcan_nican_attribute");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif

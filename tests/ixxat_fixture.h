/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_fixture.h - what tests of the ixxat driver share
 *
 * Each test runs against a double of VCI 3 and one of VCI 4; a name on the
 * command line chooses among them. */
#ifndef IXXAT_FIXTURE_H
#define IXXAT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>

#include <evcan/driver.h>

#include "bus_fixture.h"
#include "drivers/ixxat.h"

#define MS 1000000LL
#define SOON (10000 * MS)

/* A double, 3 or 4; `vci` is the one that a test is about. */
static struct vendor_double {
	char path[400];
	void (*control)(const char *command);
	long (*calls)(const char *name);
	void (*notes)(char *text, size_t size);
} doubles[5];
static int vci;
static struct event_base *base;
static char notes[16384];

/* What happened to a bus. */
struct seen {
	struct evcan_frame frames[4096];
	size_t n, events[EVCAN_BUS_WRITABLE + 1];
	uint64_t lost;
	struct evcan_error error;
};
static struct seen seen;

/* Those of a test, so that one that fails leaves none behind. */
static struct evcan_bus *buses[8];

static inline void
end(struct evcan_bus *bus)
{
	for (size_t i = 0; i < 8; i++) {
		if (buses[i] == bus)
			buses[i] = NULL;
	}
	evcan_bus_free(bus);
}

static inline struct evcan_bus *
keep(struct evcan_bus *bus)
{
	size_t i = 0;

	while (buses[i] != NULL)
		assert_true(++i < 8);
	buses[i] = bus;
	return bus;
}

static inline bool
load_double(int version)
{
	const char *folder = getenv("EVCAN_DOUBLES");
	struct vendor_double *d = &doubles[version];
	void *library;

	if (folder == NULL)
		return false;
	snprintf(d->path, sizeof(d->path), "%s/ixxat%s_double.so", folder,
	    version == 4 ? "4" : "");
	library = dlopen(d->path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return false;
	*(void **)&d->control = dlsym(library, "evcan_double_control");
	*(void **)&d->calls = dlsym(library, "evcan_double_calls");
	*(void **)&d->notes = dlsym(library, "evcan_ixxat_double_notes");
	return d->control != NULL && d->calls != NULL && d->notes != NULL;
}

static inline int
setup(void **state)
{
	vci = (int)(intptr_t)*state;
	doubles[vci].control("reset");
	doubles[vci].notes(notes, sizeof(notes));
	memset(&seen, 0, sizeof(seen));
	base = event_base_new();
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	doubles[vci].control("reset");
	for (size_t i = 0; i < 8; i++) {
		evcan_bus_free(buses[i]);
		buses[i] = NULL;
	}
	event_base_free(base);
	return 0;
}

static inline void
control(const char *command)
{
	doubles[vci].control(command);
}

static inline const char *
get_notes(void)
{
	doubles[vci].notes(notes, sizeof(notes));
	return notes;
}

static inline void
noted(const char *line)
{
	if (strstr(notes, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, notes);
}

static inline void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)bus;
	(void)arg;
	for (size_t i = 0; i < n && seen.n < 4096; i++)
		seen.frames[seen.n++] = frames[i];
}

static inline void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	(void)bus;
	(void)arg;
	seen.events[event]++;
	seen.lost += info->lost;
	if (event == EVCAN_BUS_ERROR && seen.events[event] == 1)
		seen.error = *info->error;
}

static inline void
run_for(int ms)
{
	struct timeval limit = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
}

#define UNTIL(condition) \
	do { \
		int64_t end_ = evcan_now_monotonic() + SOON; \
		while (!(condition)) { \
			if (evcan_now_monotonic() > end_) \
				fail_msg("not within %lld s: %s", \
				    SOON / 1000000000, #condition); \
			run_for(2); \
		} \
	} while (0)

static inline struct evcan_bus *
make(const char *channel, const char *extra)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char spec[900];

	snprintf(spec, sizeof(spec), "ixxat:%s,ignore_config=true,library=%s"
	    "%s%s", channel, doubles[vci].path, extra[0] != '\0' ? "," : "",
	    extra);
	bus = evcan_bus_new_spec(base, spec, &err);
	if (bus == NULL)
		fail_msg("%s: %s", spec, err.text);
	return keep(bus);
}

static inline struct evcan_bus *
begin(const char *channel, const char *extra)
{
	struct evcan_bus *bus = make(channel, extra);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", extra, err.text);
	UNTIL(evcan_bus_is_open(bus));
	return bus;
}

/* One whose frames and events are seen. */
static inline struct evcan_bus *
watch(const char *channel, const char *extra)
{
	struct evcan_bus *bus = begin(channel, extra);

	evcan_bus_set_cb(bus, on_frames, on_event, NULL);
	return bus;
}

static inline struct evcan_frame
frame_of(uint32_t id, unsigned flags, size_t len)
{
	static const uint8_t bytes[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, bytes, len), 0);
	return frame;
}

static inline void
send_one(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = frame_of(id, id > 0x7ff ?
	    EVCAN_FRAME_EXT : 0, 8);

	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
}

/* @return what main returns at once, or 0: both doubles are there */
static inline int
cannot_run(void)
{
	const char *ci = getenv("CI");

	if (load_double(3) && load_double(4))
		return 0;
	print_message("EVCAN_DOUBLES names no folder with the doubles\n");
	return ci != NULL && strcmp(ci, "true") == 0 ? 1 : 77;
}

/* A test for both versions. */
#define BOTH(f) { #f " (3)", f, setup, teardown, (void *)3 }, \
	{ #f " (4)", f, setup, teardown, (void *)4 }

#endif

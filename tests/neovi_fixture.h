/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_fixture.h - the neovi driver on a double of icsneolegacy; behind
 * cmocka.h */
#ifndef NEOVI_FIXTURE_H
#define NEOVI_FIXTURE_H

#include <dlfcn.h>
#include <poll.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "drivers/neovi.h"
#include "may_skip.h"

#define MS 1000000LL
#define SOON (5000 * MS)
#define BUSES 4

/* The double; the device of channel 0 is AB0001, that of 1 123456. */
static char path[400];
static void *double_library;
static void (*control)(const char *command);
static long (*calls)(const char *name);
static long (*noted)(const char *name);

static inline int
load_double(void **state)
{
	const char *folder = getenv("EVCAN_DOUBLES");

	(void)state;
	if (folder == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s/neovi_double.so", folder);
	double_library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (double_library == NULL)
		return 0;
	*(void **)&control = dlsym(double_library, "evcan_double_control");
	*(void **)&calls = dlsym(double_library, "evcan_double_calls");
	*(void **)&noted = dlsym(double_library, "evcan_double_noted");
	return 0;
}

static inline int
unload_double(void **state)
{
	(void)state;
	if (double_library != NULL)
		dlclose(double_library);
	return 0;
}

/* Those made by a test, so that one that fails leaves none behind. */
static struct evcan_bus *buses[BUSES];

static inline int
reset_double(void **state)
{
	(void)state;
	if (control != NULL)
		control("reset");
	return 0;
}

static inline int
free_buses(void **state)
{
	(void)state;
	if (control != NULL)
		control("release");
	for (int i = 0; i < BUSES; i++) {
		evcan_bus_free(buses[i]);
		buses[i] = NULL;
	}
	return 0;
}

static inline void
put_away(struct evcan_bus *bus)
{
	for (int i = 0; i < BUSES; i++) {
		if (buses[i] == bus)
			buses[i] = NULL;
	}
	evcan_bus_free(bus);
}

static inline void
need_double(void)
{
	if (control == NULL)
		may_skip("no neovi_double.so in EVCAN_DOUBLES");
}

/* Buses. @param spec what is behind "neovi:" */
static inline struct evcan_bus *
make(struct event_base *base, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[700];

	snprintf(text, sizeof(text), "neovi:%s,ignore_config=true,"
	    "reopen_interval=0.01,library=%s", spec, path);
	bus = evcan_bus_new_spec(base, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", text, err.text);
	for (int i = 0; i < BUSES; i++) {
		if (buses[i] == NULL) {
			buses[i] = bus;
			break;
		}
	}
	return bus;
}

static inline struct evcan_bus *
open_one(const char *spec)
{
	struct evcan_bus *bus = make(NULL, spec);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	return bus;
}

static inline struct evcan_error
refused(const char *spec)
{
	struct evcan_bus *bus = make(NULL, spec);
	struct evcan_error err = { 0 };

	assert_true(evcan_bus_open(bus, &err) < 0);
	assert_null(strchr(err.text, '\n'));
	put_away(bus);
	return err;
}

static inline void
serve(struct evcan_bus *bus)
{
	struct pollfd pfd = { .fd = evcan_bus_fd(bus), .events = POLLIN };

	poll(&pfd, 1, 2);
	evcan_bus_process(bus);
}

#define WAIT_FOR(bus, condition) do { \
	int64_t end_ = evcan_now_monotonic() + SOON; \
	while (!(condition)) { \
		if (evcan_now_monotonic() > end_) \
			fail_msg("%s:%d: %s", __FILE__, __LINE__, \
			    #condition); \
		serve(bus); \
	} \
} while (0)

static inline struct evcan_frame
frame_of(uint32_t id, unsigned flags, size_t len)
{
	static const uint8_t data[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		[63] = 99 };
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, data, len), 0);
	return frame;
}

static inline void
send_one(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = frame_of(id, 0, 4);

	assert_int_equal(evcan_bus_send_wait(bus, &frame, 5000), 0);
}

static inline void
receive(struct evcan_bus *bus, struct evcan_frame *frame)
{
	assert_int_equal(evcan_bus_recv_wait(bus, frame, 1, 5000), 1);
}

static inline struct evcan_bus_stats
stats_of(const struct evcan_bus *bus)
{
	struct evcan_bus_stats stats;

	evcan_bus_get_stats(bus, &stats);
	return stats;
}

#define A "HSCAN,serial=AB0001,receive_own_messages=false"
#define B "HSCAN,serial=123456,receive_own_messages=false"

#define NEOVI_TEST(f) cmocka_unit_test_setup_teardown(f, reset_double, \
	    free_buses)

#endif

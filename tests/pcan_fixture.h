/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan_fixture.h - the pcan driver on a double of PCAN-Basic; behind cmocka.h
 */
#ifndef PCAN_FIXTURE_H
#define PCAN_FIXTURE_H

#include <dlfcn.h>
#include <poll.h>

#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "bus_fixture.h"
#include "drivers/pcan.h"
#include "may_skip.h"

#define MS 1000000LL
#define SOON (5000 * MS)

/* The double */
static char path[400];
static void *double_library;
static void (*control)(const char *command);
static long (*calls)(const char *name);
static uint32_t (*get_value)(uint16_t, uint8_t, void *, uint32_t);
static uint32_t (*initialize)(uint16_t, uint16_t, uint8_t, uint32_t, uint16_t);
static uint32_t (*uninitialize)(uint16_t);
static uint32_t (*write_msg)(uint16_t, struct evcan_pcan_msg_ *);

static inline int
load_double(void **state)
{
	const char *folder = getenv("EVCAN_DOUBLES");

	(void)state;
	if (folder == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s/pcan_double.so", folder);
	double_library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (double_library == NULL)
		return 0;
	*(void **)&control = dlsym(double_library, "evcan_double_control");
	*(void **)&calls = dlsym(double_library, "evcan_double_calls");
	*(void **)&get_value = dlsym(double_library, "CAN_GetValue");
	*(void **)&initialize = dlsym(double_library, "CAN_Initialize");
	*(void **)&uninitialize = dlsym(double_library, "CAN_Uninitialize");
	*(void **)&write_msg = dlsym(double_library, "CAN_Write");
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
static struct evcan_bus *buses[4];

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
	for (int i = 0; i < 4; i++) {
		evcan_bus_free(buses[i]);
		buses[i] = NULL;
	}
	return 0;
}

static inline void
forget(struct evcan_bus *bus)
{
	for (int i = 0; i < 4; i++) {
		if (buses[i] == bus)
			buses[i] = NULL;
	}
}

static inline void
put_away(struct evcan_bus *bus)
{
	forget(bus);
	evcan_bus_free(bus);
}

static inline void
need_double(void)
{
	if (control == NULL)
		may_skip("no pcan_double.so in EVCAN_DOUBLES");
}

static inline uint64_t
value(int channel, uint8_t what)
{
	uint64_t number = 0;

	assert_int_equal(get_value((uint16_t)(0x51 + channel), what, &number,
	    sizeof(number)), 0);
	return number;
}

/* Buses */

static inline struct evcan_bus *
make(struct event_base *base, int channel, const char *extra)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char spec[700];

	snprintf(spec, sizeof(spec), "pcan:PCAN_USBBUS%d,ignore_config=true,"
	    "reopen_interval=0.01,library=%s%s", channel + 1, path, extra);
	bus = evcan_bus_new_spec(base, spec, &err);
	if (bus == NULL)
		fail_msg("%s: %s", spec, err.text);
	for (int i = 0; i < 4; i++) {
		if (buses[i] == NULL) {
			buses[i] = bus;
			break;
		}
	}
	return bus;
}

static inline struct evcan_bus *
open_one(int channel, const char *extra)
{
	struct evcan_bus *bus = make(NULL, channel, extra);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", extra, err.text);
	return bus;
}

static inline struct evcan_error
refused(const char *extra)
{
	struct evcan_bus *bus = make(NULL, 0, extra);
	struct evcan_error err = { 0 };

	assert_true(evcan_bus_open(bus, &err) < 0);
	err.vendor = evcan_bus_error(bus)->vendor;
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
frame_of(uint32_t id, unsigned flags, uint8_t first)
{
	struct evcan_frame frame;
	uint8_t data[4] = { first, 2, 3, 4 };

	assert_int_equal(evcan_frame_init(&frame, id, flags, data, 4), 0);
	return frame;
}

static inline void
send_one(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = frame_of(id, 0, 1);

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

#define PCAN_TEST(f) cmocka_unit_test_setup_teardown(f, reset_double, \
	    free_buses)

#endif

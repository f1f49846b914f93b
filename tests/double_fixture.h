/* SPDX-License-Identifier: BSD-3-Clause */
/* double_fixture.h - a driver on a double of its vendor's library; behind
 * cmocka.h
 *
 * INTERFACE, the driver's name, is defined before. The double has that name
 * too, unless the initial state of a test is the name of another. A test that
 * asks for the double, or for a bus, is skipped if there is none. */
#ifndef DOUBLE_FIXTURE_H
#define DOUBLE_FIXTURE_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "leaks.h"
#include "may_skip.h"
#include "vendor.h"

#define MS ((int64_t)1000000)
#define SOON (20000 * MS)
#define BUSES 8

static struct event_base *base;
static int threads_before, fds_before;
/* The path of the double, for buses that are made from now on. */
static char library[400];

/* Those of a test, so that one that fails leaves none behind. */
static struct evcan_bus *buses[BUSES];

/* What watched buses told. */
static struct {
	struct evcan_frame frames[4096];
	size_t n;                /* of them, and of those that did not fit */
	int events[EVCAN_BUS_WRITABLE + 1];
	struct evcan_error first, error;     /* the last */
	enum evcan_bus_state state;
	uint64_t lost;
	size_t n_at_loss;        /* n when some were lost last */
} seen;

static struct {
	void *handle;
	void (*control)(const char *command);
	long (*calls)(const char *name), (*noted)(const char *name);
} the_double;

/* The double */

static inline void
need_double(void)
{
	if (the_double.handle == NULL)
		may_skip("EVCAN_DOUBLES does not name the doubles' folder");
}

/* "unplug 0" and so on: tests/doubles/double_bus.h */
static inline void
control(const char *command)
{
	need_double();
	the_double.control(command);
}

/* How often a function was called since the test began. */
static inline long
calls(const char *name)
{
	need_double();
	return the_double.calls(name);
}

/* What it was told last. */
static inline long
noted(const char *name)
{
	need_double();
	return the_double.noted(name);
}

/* For a vendor's own setup; NULL if there is no double. */
static inline void *
double_symbol(const char *name)
{
	return the_double.handle == NULL ? NULL :
	    dlsym(the_double.handle, name);
}

/* From now on buses are of another double, or (NULL) of what the driver finds
 * by itself. */
static inline void
use_library(const char *name)
{
	const char *folder = getenv("EVCAN_DOUBLES");

	library[0] = '\0';
	if (name != NULL)
		snprintf(library, sizeof(library), "%s/%s_double.so",
		    folder == NULL ? "" : folder, name);
}

static inline void
load_double(const char *name)
{
	static const char *loaded = "";

	use_library(name);
	if (strcmp(name, loaded) == 0)
		return;
	loaded = name;
	the_double.handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	*(void **)&the_double.control = double_symbol("evcan_double_control");
	*(void **)&the_double.calls = double_symbol("evcan_double_calls");
	*(void **)&the_double.noted = double_symbol("evcan_double_noted");
}

/* Around each test */

static inline void
forget_seen(void)
{
	memset(&seen, 0, sizeof(seen));
}

static inline int
setup(void **state)
{
	static bool warm;

	if (!warm)
		warm_up_threads();
	warm = true;
	load_double(*state != NULL ? *state : INTERFACE);
	if (the_double.handle != NULL)
		the_double.control("reset");
	evcan_vendor_hang_ns_ = 5000 * MS;
	forget_seen();
	base = event_base_new();
	threads_before = count_threads();
	fds_before = count_fds();
	return 0;
}

/* A thread that was left behind in a call ends some time after that. */
static inline int
teardown(void **state)
{
	int64_t limit = evcan_now_monotonic() + SOON;
	struct timespec nap = { 0, 1000000 };
	int threads, fds;

	(void)state;
	if (the_double.handle != NULL)
		the_double.control("reset");
	for (size_t i = 0; i < BUSES; i++) {
		evcan_bus_free(buses[i]);
		buses[i] = NULL;
	}
	do {
		threads = count_threads() - threads_before;
		fds = count_fds() - fds_before;
		nanosleep(&nap, NULL);
	} while ((threads != 0 || fds != 0) && evcan_now_monotonic() < limit);
	event_base_free(base);
	base = NULL;
	if (threads != 0 || fds != 0)
		print_error("left: %d threads, %d fds\n", threads, fds);
	return threads != 0 || fds != 0 ? -1 : 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Waiting */

/* The loop, and the buses that have none. */
static inline void
serve(void)
{
	struct timespec nap = { 0, 200000 };

	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	for (size_t i = 0; i < BUSES; i++) {
		if (buses[i] != NULL && evcan_bus_base(buses[i]) == NULL)
			evcan_bus_process(buses[i]);
	}
	nanosleep(&nap, NULL);
}

#define UNTIL(condition) do { \
	int64_t limit_ = evcan_now_monotonic() + SOON; \
	while (!(condition)) { \
		if (evcan_now_monotonic() > limit_) \
			fail_msg("%s:%d: never: %s", __FILE__, __LINE__, \
			    #condition); \
		serve(); \
	} \
} while (0)

static inline void
run_for(int ms)
{
	int64_t limit = evcan_now_monotonic() + ms * MS;

	while (evcan_now_monotonic() < limit)
		serve();
}

/* Buses */

static inline struct evcan_bus *
keep(struct evcan_bus *bus)
{
	size_t i = 0;

	while (buses[i] != NULL)
		assert_true(++i < BUSES);
	return buses[i] = bus;
}

static inline void
end(struct evcan_bus *bus)
{
	for (size_t i = 0; i < BUSES; i++) {
		if (buses[i] == bus)
			buses[i] = NULL;
	}
	evcan_bus_free(bus);
}

/* @param loop NULL: none, calls of it wait themselves
 * @param spec what stands behind "INTERFACE:" */
static inline struct evcan_bus *
make(struct event_base *loop, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[900];

	need_double();
	snprintf(text, sizeof(text), INTERFACE ":%s,ignore_config=true,"
	    "reopen_interval=0.02%s%s", spec, library[0] != '\0' ?
	    ",library=" : "", library);
	bus = evcan_bus_new_spec(loop, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", spec, err.text);
	return keep(bus);
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

static inline struct evcan_bus *
open_with(const char *channel, const char *options)
{
	char spec[400];

	snprintf(spec, sizeof(spec), "%s%s", channel, options);
	return open_now(spec);
}

/* It must not open, and say why in a line. */
static inline struct evcan_error
refused(const char *spec)
{
	struct evcan_bus *bus = make(NULL, spec);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) == 0)
		fail_msg("%s is open", spec);
	assert_null(strchr(err.text, '\n'));
	assert_int_equal(evcan_bus_error(bus)->vendor, err.vendor);
	end(bus);
	return err;
}

/* @param words NULL-ended, or all `max` of them */
static inline void
says(const struct evcan_error *err, const char *const *words, size_t max)
{
	for (size_t i = 0; i < max && words[i] != NULL; i++) {
		if (strstr(err->text, words[i]) == NULL)
			fail_msg("no \"%s\" in: %s", words[i], err->text);
	}
}

struct refusal {
	const char *misdeed, *spec, *words[3];
	long vendor;
};

/* @param code of all of them; 0: of each its own */
static inline void
check_refusals(const struct refusal *cases, size_t n, int code)
{
	for (size_t i = 0; i < n; i++) {
		struct evcan_error err;

		control("reset");
		control(cases[i].misdeed);
		err = refused(cases[i].spec);
		says(&err, cases[i].words, 3);
		assert_int_equal(err.vendor, cases[i].vendor);
		if (code != 0)
			assert_int_equal(err.code, code);
	}
	control("reset");
}

static inline void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)bus;
	(void)arg;
	for (size_t i = 0; i < n; i++, seen.n++) {
		if (seen.n < sizeof(seen.frames) / sizeof(seen.frames[0]))
			seen.frames[seen.n] = frames[i];
	}
}

static inline void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	(void)bus;
	(void)arg;
	seen.events[event]++;
	if (info->error != NULL)
		seen.error = *info->error;
	if (info->error != NULL && seen.first.code == 0)
		seen.first = *info->error;
	if (event == EVCAN_BUS_STATE)
		seen.state = info->state;
	if (event == EVCAN_BUS_GAP) {
		seen.lost += info->lost;
		seen.n_at_loss = seen.n;
	}
}

/* On the loop, and open. */
static inline struct evcan_bus *
begin_with(const char *spec, evcan_bus_recv_cb frames,
    evcan_bus_event_cb event)
{
	struct evcan_bus *bus = make(base, spec);
	struct evcan_error err = { 0 };

	evcan_bus_set_cb(bus, frames, event, NULL);
	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	UNTIL(evcan_bus_is_open(bus));
	return bus;
}

static inline struct evcan_bus *
begin(const char *spec)
{
	return begin_with(spec, NULL, NULL);
}

/* One whose frames and events are seen. */
static inline struct evcan_bus *
watch(const char *spec)
{
	return begin_with(spec, on_frames, on_event);
}

static inline struct evcan_bus_stats
stats_of(const struct evcan_bus *bus)
{
	struct evcan_bus_stats stats;

	evcan_bus_get_stats(bus, &stats);
	return stats;
}

/* Frames. Their data are 1, 2, 3 and so on. */

static inline struct evcan_frame
frame_of(uint32_t id, unsigned flags, size_t len)
{
	struct evcan_frame frame;
	uint8_t data[64];

	for (uint8_t i = 0; i < 64; i++)
		data[i] = (uint8_t)(i + 1);
	assert_int_equal(evcan_frame_init(&frame, id, flags, data, len), 0);
	return frame;
}

static inline struct evcan_frame
plain(uint32_t id)
{
	return frame_of(id, id > 0x7ff ? EVCAN_FRAME_EXT : 0, 8);
}

/* Waits for room if the bus has no loop. */
static inline void
send_frame(struct evcan_bus *bus, const struct evcan_frame *frame)
{
	if (evcan_bus_base(bus) == NULL)
		assert_int_equal(evcan_bus_send_wait(bus, frame, 20000), 0);
	else
		assert_int_equal(evcan_bus_send(bus, frame, 1), 1);
}

static inline void
send_one(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = plain(id);

	send_frame(bus, &frame);
}

static inline struct evcan_frame
receive(struct evcan_bus *bus)
{
	struct evcan_frame frame = { 0 };

	assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 20000), 1);
	return frame;
}

static inline struct evcan_frame
expect(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = receive(bus);

	assert_int_equal(frame.id, id);
	return frame;
}

/* Nothing comes any more. */
static inline void
expect_nothing(struct evcan_bus *bus)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 50), 0);
}

struct outcome {
	int told, result;
};

static inline void
on_outcome(struct evcan_bus *bus, const struct evcan_frame *frame,
    int result, void *arg)
{
	struct outcome *outcome = arg;

	(void)bus;
	(void)frame;
	outcome->told++;
	outcome->result = result;
}

/* @return what becomes of a frame; without a loop others are dropped */
static inline int
outcome_of(struct evcan_bus *bus, uint32_t id)
{
	struct evcan_frame frame = plain(id), other;
	struct outcome outcome = { 0 };

	assert_int_equal(evcan_bus_send_cb(bus, &frame, 20000, on_outcome,
	    &outcome), 0);
	UNTIL(outcome.told > 0 || (evcan_bus_base(bus) == NULL &&
	    evcan_bus_recv(bus, &other, 1) < 0));
	assert_int_equal(outcome.told, 1);
	return outcome.result;
}

#endif

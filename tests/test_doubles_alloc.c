/* SPDX-License-Identifier: BSD-3-Clause */
/* test_doubles_alloc.c - memory runs out in the vendors' drivers
 *
 * Two buses on a vendor's double live a whole life in which one allocation
 * fails, the first, the second and so on. EVCAN_DOUBLES names the folder of
 * the doubles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <evcan/driver.h>

#include "bus_fixture.h"
#include "leaks.h"

#include "alloc_fail.h"

#define MS ((int64_t)1000000)
#define GUARD_NS (30000 * MS)

/* A double and two channels that hear each other. */
struct row {
	const char *name, *interface, *a, *b;
};

static const struct row rows[] = {
	{ "iscan", "iscan", "0", "1" },
	{ "ixxat", "ixxat", "0", "1" },
	{ "ixxat4", "ixxat", "0", "1" },
	{ "kvaser", "kvaser", "0", "1" },
	{ "neovi", "neovi", "HSCAN,serial=AB0001", "HSCAN,serial=123456" },
	{ "nican", "nican", "CAN0", "CAN1" },
	{ "pcan", "pcan", "PCAN_USBBUS1", "PCAN_USBBUS2" },
	{ "systec", "systec", "0", "1" },
	{ "usb2can", "usb2can", "ED000001", "ED000002" },
	{ "vector", "vector", "0", "1" }
};

#define COUNT (sizeof(rows) / sizeof(rows[0]))

static const char *folder;
static struct event_base *base;
static const struct row *row;
static long nth;            /* the allocation that fails now */

/* What a side has seen. */
struct side {
	struct evcan_bus *bus;
	bool open, closed;
	uint32_t wanted, unwanted;
};

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct side *side = arg;

	(void)bus;
	for (size_t i = 0; i < n; i++) {
		side->wanted += frames[i].id < 0x200;
		side->unwanted += frames[i].id >= 0x200;
	}
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct side *side = arg;

	(void)bus;
	(void)info;
	side->open = side->open || event == EVCAN_BUS_OPENED;
	side->closed = side->closed || event == EVCAN_BUS_CLOSED;
}

/* Runs the loop until the condition holds. */
#define run_until(condition) do { \
	int64_t end_ = evcan_now_monotonic() + GUARD_NS; \
	while (!(condition)) { \
		if (evcan_now_monotonic() > end_) \
			fail_msg("%s, allocation %ld: never: %s", row->name, \
			    nth, #condition); \
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK); \
		nanosleep(&(struct timespec){ 0, 50000 }, NULL); \
	} \
} while (0)

static void
make(struct side *side, const char *channel)
{
	struct evcan_error err = { 0 };
	char spec[1200];

	memset(side, 0, sizeof(*side));
	snprintf(spec, sizeof(spec), "%s:%s,library=%s/%s_double.so,"
	    "ignore_config=true,reopen_interval=0.001", row->interface,
	    channel, folder, row->name);
	side->bus = evcan_bus_new_spec(base, spec, &err);
	if (side->bus == NULL)
		fail_msg("%s: %s", spec, err.text);
	evcan_bus_set_cb(side->bus, on_frames, on_event, side);
}

/* @return whether it is or will be open */
static bool
opens(struct side *side)
{
	struct evcan_error err = { 0 };
	int r = evcan_bus_open(side->bus, &err);

	if (r < 0 && (r != EVCAN_ERR_NOMEM || err.text[0] == '\0'))
		fail_msg("%s, allocation %ld: %d %s", row->name, nth, r,
		    err.text);
	return r == 0;
}

static void
set_filter(struct side *side)
{
	const struct evcan_filter filters[] = {
		{ .can_id = 0x100, .can_mask = 0x7ff },
		{ .can_id = 0x101, .can_mask = 0x7ff }
	};
	struct evcan_error err = { 0 };

	if (evcan_bus_set_filters(side->bus, filters, 2, EVCAN_FILTER_OR,
	    &err) < 0)
		assert_int_equal(err.code, EVCAN_ERR_NOMEM);
}

static struct evcan_frame
frame_of(uint32_t id)
{
	struct evcan_frame frame;

	evcan_frame_init(&frame, id, 0, "abcd", 4);
	return frame;
}

/* Both ways, once and periodically; only what passes the filter arrives. */
static void
exchange(struct side *a, struct side *b)
{
	const struct evcan_frame once[] = {
		frame_of(0x101), frame_of(0x300), frame_of(0x101)
	};
	const struct evcan_frame often = frame_of(0x100);
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task = evcan_bus_send_periodic(b->bus, &often,
	    1, 5 * MS, 15 * MS, &err);
	const uint32_t tasks = task != NULL ? 1 : 0;

	if (task == NULL)
		assert_int_equal(err.code, EVCAN_ERR_NOMEM);
	assert_int_equal(evcan_bus_send(b->bus, once, 3), 3);
	assert_int_equal(evcan_bus_send(a->bus, &often, 1), 1);
	run_until(a->wanted >= 2 + tasks && b->wanted >= 1);
	run_until(task == NULL || !evcan_cyclic_running(task));
}

static void
live_open(struct side *a, struct side *b)
{
	bool filtered;

	run_until(a->open && b->open);
	exchange(a, b);
	filtered = evcan_bus_get_filters(a->bus, NULL, NULL) == 2;
	if (filtered && a->unwanted > 0)
		fail_msg("%s, allocation %ld: a frame passed the filter",
		    row->name, nth);
	evcan_bus_close(a->bus);
	evcan_bus_close(b->bus);
	run_until(a->closed && b->closed);
}

/* @return whether an allocation failed */
static bool
live(void)
{
	const int threads = count_threads();
	struct side a, b;
	bool failed;
	int fds;

	base = event_base_new();
	make(&a, row->a);
	make(&b, row->b);
	fds = count_fds();
	alloc_fail_start(nth);
	set_filter(&a);
	if (opens(&a) && opens(&b))
		live_open(&a, &b);
	failed = alloc_fail_stop();
	evcan_bus_free(a.bus);
	evcan_bus_free(b.bus);
	assert_int_equal(await_threads(threads), threads);
	assert_in_range(count_fds(), 0, fds);
	event_base_free(base);
	return failed;
}

static void
memory_may_run_out(void **state)
{
	row = *state;
	for (nth = 1; live(); nth++)
		;
	assert_in_range(nth, 10, 1000);
}

/* A device that is looked for by its number in a list: without memory for the
 * list nobody can say that there is none. */
static void
search_needs_memory(void **state)
{
	struct evcan_error err;
	struct evcan_bus *bus;
	char spec[1200];
	bool failed;
	int r;

	(void)state;
	evcan_error_clear(&err);
	snprintf(spec, sizeof(spec), "pcan:,device_id=5,ignore_config=true,"
	    "library=%s/pcan_double.so", folder);
	bus = evcan_bus_new_spec(NULL, spec, &err);
	assert_non_null(bus);
	nth = 0;
	do {
		evcan_error_clear(&err);
		alloc_fail_start(++nth);
		r = evcan_bus_open(bus, &err);
		failed = alloc_fail_stop();
		assert_int_equal(r, failed ? EVCAN_ERR_NOMEM :
		    EVCAN_ERR_INIT);
	} while (failed);
	assert_non_null(strstr(err.text, "has the number 5"));
	evcan_bus_free(bus);
}

int
main(void)
{
	struct CMUnitTest tests[COUNT + 1] = {
		[COUNT] = cmocka_unit_test(search_needs_memory)
	};
	char path[1000];

	folder = getenv("EVCAN_DOUBLES");
	if (folder == NULL)
		folder = "tests/doubles/.libs";
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s_double.so", folder,
		    rows[i].name);
		if (access(path, R_OK) < 0) {
			fprintf(stderr, "no %s\n", path);
			return 77;
		}
		tests[i] = (struct CMUnitTest){ rows[i].name,
		    memory_may_run_out, NULL, NULL,
		    (void *)(uintptr_t)&rows[i] };
	}
	if (!alloc_fail_works()) {
		fprintf(stderr, "not linked with --wrap=malloc\n");
		return 1;
	}
	warm_up_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_notifier.c - notifier, listeners and buffered readers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "bus_fixture.h"

struct world {
	struct event_base *base;
	struct evcan_bus *sender, *bus;
	struct evcan_notifier *notifier;
};

static void
make(struct world *w, struct event_base *base)
{
	w->base = base;
	w->sender = open_bus(base, "virtual:notified");
	w->bus = open_bus(base, "virtual:notified");
	w->notifier = evcan_notifier_new(base);
	assert_non_null(w->notifier);
	assert_int_equal(evcan_notifier_add_bus(w->notifier, w->bus), 0);
}

static void
unmake(struct world *w)
{
	evcan_notifier_free(w->notifier);
	evcan_bus_free(w->sender);
	evcan_bus_free(w->bus);
	if (w->base != NULL)
		event_base_free(w->base);
}

static void
send_n(struct world *w, size_t n)
{
	struct evcan_frame frames[64];

	for (size_t i = 0; i < n; i++)
		assert_int_equal(evcan_frame_init(&frames[i], (uint32_t)i, 0,
		    NULL, 0), 0);
	assert_int_equal(evcan_bus_send(w->sender, frames, n), n);
}

/* A listener that notes what it is told, and does as it is bidden. */
struct probe {
	struct evcan_listener *listener;
	uint64_t frames, gaps, lost, errors, stops;
	size_t room;            /* frames it takes at a time */
	int fail;               /* code to give back instead */
	int handles;
	void (*then)(struct probe *probe);
	struct world *world;
};

static int
probe_frames(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	struct probe *probe = arg;

	(void)bus;
	(void)frames;
	assert_ptr_equal(listener, probe->listener);
	if (probe->then != NULL)
		probe->then(probe);
	if (probe->fail != 0)
		return probe->fail;
	if (n > probe->room)
		n = probe->room;
	probe->frames += n;
	return (int)n;
}

static void
probe_gap(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_gap *gap, void *arg)
{
	struct probe *probe = arg;

	(void)listener;
	(void)bus;
	probe->gaps++;
	probe->lost += gap->lost;
}

static int
probe_error(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_error *error, void *arg)
{
	struct probe *probe = arg;

	(void)listener;
	(void)bus;
	assert_true(error->code < 0);
	probe->errors++;
	return probe->handles;
}

static void
probe_stop(struct evcan_listener *listener, void *arg)
{
	(void)listener;
	((struct probe *)arg)->stops++;
}

static const struct evcan_listener_ops probe_ops = {
	probe_frames, probe_gap, probe_error, probe_stop
};

static void
probe_init(struct probe *probe, struct world *w)
{
	memset(probe, 0, sizeof(*probe));
	probe->room = SIZE_MAX;
	probe->world = w;
	probe->listener = evcan_listener_new(&probe_ops, probe);
	assert_non_null(probe->listener);
	assert_int_equal(evcan_notifier_add_listener(w->notifier,
	    probe->listener, NULL), 0);
}

static void
fans_out(void **state)
{
	struct world w;
	struct probe a, b;

	(void)state;
	make(&w, event_base_new());
	probe_init(&a, &w);
	probe_init(&b, &w);
	/* Added twice: called twice. */
	evcan_notifier_add_listener(w.notifier, a.listener, NULL);
	evcan_notifier_add_listener(w.notifier, b.listener, w.sender);
	send_n(&w, 10);
	turn(w.base);
	assert_int_equal(a.frames, 20);
	assert_int_equal(b.frames, 10);
	assert_int_equal(evcan_notifier_remove_listener(w.notifier,
	    a.listener), 0);
	send_n(&w, 1);
	turn(w.base);
	assert_int_equal(a.frames, 21);
	evcan_notifier_remove_listener(w.notifier, a.listener);
	assert_int_equal(evcan_notifier_remove_listener(w.notifier,
	    a.listener), EVCAN_ERR_NOT_FOUND);
	evcan_listener_free(a.listener);
	/* What was received before the stop is delivered, then stop. */
	send_n(&w, 5);
	evcan_notifier_stop(w.notifier);
	assert_int_equal(b.frames, 16);
	assert_int_equal(b.stops, 2);
	evcan_notifier_stop(w.notifier);
	assert_int_equal(b.stops, 2);
	assert_int_equal(evcan_notifier_add_bus(w.notifier, w.sender),
	    EVCAN_ERR_STATE);
	evcan_listener_free(b.listener);
	unmake(&w);
}

/* Those that hear all and those that hear one bus are called in the order in
 * which they were added. */

static char order[8];

static void
note_order(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	size_t len = strlen(order);

	(void)bus;
	(void)frames;
	(void)n;
	if (len < sizeof(order) - 1)
		order[len] = *(const char *)arg;
}

static void
keeps_the_order_of_adding(void **state)
{
	static const char names[] = "abcd";
	struct evcan_listener *listeners[4];
	struct world w;

	(void)state;
	make(&w, event_base_new());
	assert_int_equal(evcan_notifier_add_bus(w.notifier, w.sender), 0);
	for (int i = 0; i < 4; i++) {
		listeners[i] = evcan_listener_new_cb(note_order,
		    (void *)(uintptr_t)&names[i]);
		evcan_notifier_add_listener(w.notifier, listeners[i],
		    i == 3 ? w.sender : i % 2 == 0 ? w.bus : NULL);
	}
	memset(order, 0, sizeof(order));
	send_n(&w, 1);
	turn(w.base);
	assert_string_equal(order, "abc");
	/* With its bus goes what only heard that. */
	evcan_bus_free(w.bus);
	w.bus = open_bus(w.base, "virtual:notified");
	evcan_notifier_add_bus(w.notifier, w.bus);
	memset(order, 0, sizeof(order));
	send_n(&w, 1);
	turn(w.base);
	assert_string_equal(order, "b");
	for (int i = 0; i < 4; i++)
		evcan_listener_free(listeners[i]);
	unmake(&w);
}

static void
one_consumer_a_bus(void **state)
{
	struct world w;
	struct evcan_notifier *other;
	struct evcan_frame frame;

	(void)state;
	make(&w, event_base_new());
	other = evcan_notifier_new(w.base);
	assert_int_equal(evcan_notifier_add_bus(other, w.bus),
	    EVCAN_ERR_BUSY);
	assert_int_equal(evcan_bus_set_cb(w.bus, NULL, NULL, NULL),
	    EVCAN_ERR_BUSY);
	assert_int_equal(evcan_bus_recv(w.bus, &frame, 1), EVCAN_ERR_BUSY);
	assert_ptr_equal(evcan_notifier_find(w.bus), w.notifier);
	assert_int_equal(evcan_notifier_remove_bus(w.notifier, w.bus), 0);
	assert_int_equal(evcan_notifier_remove_bus(w.notifier, w.bus),
	    EVCAN_ERR_NOT_FOUND);
	assert_int_equal(evcan_notifier_add_bus(other, w.bus), 0);
	evcan_notifier_free(other);
	assert_null(evcan_notifier_find(w.bus));
	unmake(&w);
}

/* A listener without room loses frames, and hears how many. */
static void
counts_what_is_not_taken(void **state)
{
	struct world w;
	struct probe slow, fast;

	(void)state;
	make(&w, event_base_new());
	probe_init(&slow, &w);
	probe_init(&fast, &w);
	slow.room = 4;
	send_n(&w, 10);
	turn(w.base);
	assert_int_equal(slow.frames, 4);
	assert_int_equal(fast.frames, 10);
	assert_int_equal(evcan_listener_dropped(slow.listener), 6);
	assert_int_equal(slow.gaps, 0);
	send_n(&w, 1);
	turn(w.base);
	assert_int_equal(slow.gaps, 1);
	assert_int_equal(slow.lost, 6);
	slow.room = 0;
	send_n(&w, 2);
	turn(w.base);
	evcan_notifier_stop(w.notifier);
	assert_int_equal(slow.lost, 8);
	assert_int_equal(fast.lost, 0);
	evcan_listener_free(slow.listener);
	evcan_listener_free(fast.listener);
	unmake(&w);
}

static void
errors_reach_everybody(void **state)
{
	struct world w;
	struct probe bad, judge;

	(void)state;
	make(&w, event_base_new());
	probe_init(&bad, &w);
	probe_init(&judge, &w);
	judge.handles = 1;
	bad.fail = EVCAN_ERR_OPERATION;
	send_n(&w, 1);
	turn(w.base);
	assert_int_equal(bad.errors, 1);
	assert_int_equal(judge.errors, 1);
	assert_int_equal(judge.frames, 1);
	assert_int_equal(evcan_notifier_error(w.notifier)->code, 0);
	judge.handles = 0;
	send_n(&w, 1);
	turn(w.base);
	assert_int_equal(evcan_notifier_error(w.notifier)->code,
	    EVCAN_ERR_OPERATION);
	/* Reading goes on. */
	bad.fail = 0;
	send_n(&w, 1);
	turn(w.base);
	assert_int_equal(bad.frames, 1);
	evcan_listener_free(bad.listener);
	evcan_listener_free(judge.listener);
	unmake(&w);
}

static void
frees_itself(struct probe *probe)
{
	evcan_listener_free(probe->listener);
	probe->then = NULL;
}

static void
frees_the_notifier(struct probe *probe)
{
	evcan_notifier_free(probe->world->notifier);
	probe->world->notifier = NULL;
}

static void
frees_the_bus(struct probe *probe)
{
	evcan_bus_free(probe->world->bus);
	probe->world->bus = NULL;
}

static void
may_be_freed_in_calls(void **state)
{
	void (*const ways[])(struct probe *probe) = {
		frees_itself, frees_the_notifier, frees_the_bus
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world w;
		struct probe first, second;

		make(&w, event_base_new());
		probe_init(&first, &w);
		probe_init(&second, &w);
		first.then = ways[i];
		send_n(&w, 3);
		turn(w.base);
		if (i != 0)
			evcan_listener_free(first.listener);
		evcan_listener_free(second.listener);
		assert_int_equal(second.frames, i == 1 ? 0 : 3);
		unmake(&w);
	}
}

static void
redirects(void **state)
{
	struct world w;
	struct evcan_bus *to, *end;
	struct evcan_listener *redirect;
	struct evcan_frame got[8];

	(void)state;
	make(&w, event_base_new());
	to = open_bus(w.base, "virtual:redirected");
	end = open_bus(w.base, "virtual:redirected");
	redirect = evcan_redirect_new(to);
	evcan_notifier_add_listener(w.notifier, redirect, NULL);
	send_n(&w, 3);
	turn(w.base);
	assert_int_equal(evcan_bus_recv(end, got, 8), 3);
	assert_int_equal(got[2].id, 2);
	evcan_listener_free(redirect);
	evcan_bus_free(to);
	evcan_bus_free(end);
	unmake(&w);
}

/* Readers. */

static void
buffers_and_bounds(void **state)
{
	struct world w;
	struct evcan_error err = { .code = 0 };
	struct evcan_reader *reader = evcan_reader_new(8, &err);
	struct evcan_frame got[16];

	(void)state;
	assert_null(evcan_reader_new(SIZE_MAX, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	make(&w, event_base_new());
	evcan_notifier_add_listener(w.notifier,
	    evcan_reader_listener(reader), NULL);
	send_n(&w, 10);
	turn(w.base);
	assert_int_equal(evcan_reader_count(reader), 8);
	assert_int_equal(evcan_listener_dropped(
	    evcan_reader_listener(reader)), 2);
	assert_int_equal(evcan_reader_get(reader, got, 3), 3);
	send_n(&w, 2);
	turn(w.base);
	assert_int_equal(evcan_reader_get_wait(reader, got, 0), 1);
	assert_int_equal(got[0].id, 3);
	/* After a stop it drains, and feeding it is an error. */
	evcan_notifier_stop(w.notifier);
	assert_int_equal(evcan_listener_feed(evcan_reader_listener(reader),
	    NULL, got, 1), EVCAN_ERR_STATE);
	assert_int_equal(evcan_reader_get(reader, got, 16), 6);
	assert_int_equal(got[5].id, 1);
	assert_int_equal(evcan_reader_get_wait(reader, got, 1000), 0);
	evcan_reader_free(reader);
	unmake(&w);
}

static void
never_holds_a_loop(void **state)
{
	struct world w;
	struct evcan_reader *reader = evcan_reader_new(0, NULL);
	struct evcan_frame frame;

	(void)state;
	make(&w, event_base_new());
	evcan_notifier_add_listener(w.notifier,
	    evcan_reader_listener(reader), NULL);
	assert_int_equal(evcan_reader_get_wait(reader, &frame, 100),
	    EVCAN_ERR_STATE);
	evcan_reader_free(reader);
	unmake(&w);
}

static void
waits_without_a_loop(void **state)
{
	struct world w;
	struct evcan_reader *reader = evcan_reader_new(0, NULL);
	struct evcan_frame frame;
	int64_t start = evcan_now_monotonic();

	(void)state;
	make(&w, NULL);
	evcan_notifier_add_listener(w.notifier,
	    evcan_reader_listener(reader), NULL);
	assert_int_equal(evcan_reader_get_wait(reader, &frame, 30), 0);
	assert_true(evcan_now_monotonic() - start >= 30000000);
	send_n(&w, 2);
	assert_int_equal(evcan_reader_get_wait(reader, &frame, 1000), 1);
	assert_int_equal(evcan_reader_get_wait(reader, &frame, -1), 1);
	assert_int_equal(frame.id, 1);
	evcan_reader_free(reader);
	unmake(&w);
}

struct awaited {
	int calls, nulls;
	uint32_t last;
};

static void
on_await(struct evcan_reader *reader, const struct evcan_frame *frame,
    void *arg)
{
	struct awaited *awaited = arg;

	(void)reader;
	awaited->calls++;
	if (frame == NULL)
		awaited->nulls++;
	else
		awaited->last = frame->id;
}

static void
on_ready(struct evcan_reader *reader, void *arg)
{
	struct evcan_frame frames[64];

	*(int *)arg += evcan_reader_get(reader, frames, 64);
}

static void
awaits_and_calls_back(void **state)
{
	struct world w;
	struct evcan_reader *reader = evcan_reader_new(0, NULL);
	struct awaited a = { 0, 0, 0 }, b = { 0, 0, 0 };
	int called = 0;

	(void)state;
	make(&w, event_base_new());
	evcan_notifier_add_listener(w.notifier,
	    evcan_reader_listener(reader), NULL);
	assert_int_equal(evcan_reader_await(reader, on_await, &a), 0);
	assert_int_equal(evcan_reader_await(reader, on_await, &b), 0);
	send_n(&w, 3);
	turn(w.base);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.last, 0);
	assert_int_equal(b.last, 1);
	assert_int_equal(evcan_reader_await(reader, on_await, &a), 1);
	assert_int_equal(a.last, 2);
	evcan_reader_set_cb(reader, on_ready, &called);
	send_n(&w, 5);
	turn(w.base);
	assert_int_equal(called, 5);
	assert_int_equal(evcan_reader_await(reader, on_await, &b), 0);
	evcan_reader_stop(reader);
	assert_int_equal(b.nulls, 1);
	assert_int_equal(evcan_reader_await(reader, on_await, &b),
	    EVCAN_ERR_STATE);
	evcan_reader_free(reader);
	unmake(&w);
}

static void
note_log(enum evcan_log_level level, const char *topic, const char *text,
    void *arg)
{
	(void)topic;
	if (level == EVCAN_LOG_WARNING)
		snprintf(arg, 300, "%s", text);
}

/* Two vendors' first channels would be one in a log. */
static void
warns_of_namesakes(void **state)
{
	struct evcan_notifier *notifier = evcan_notifier_new(NULL);
	const char *const specs[] = { "pcan:7", "kvaser:7,channel_name=engine",
		"kvaser:7", "ixxat:7" };
	struct evcan_bus *buses[4];
	char told[300] = "";

	(void)state;
	evcan_set_log_cb(note_log, told);
	for (int i = 0; i < 4; i++) {
		buses[i] = evcan_bus_new_spec(NULL, specs[i], NULL);
		assert_non_null(buses[i]);
		assert_int_equal(evcan_notifier_add_bus(notifier, buses[i]),
		    0);
		assert_int_equal(told[0] != '\0', i > 1);
	}
	evcan_set_log_cb(NULL, NULL);
	assert_string_equal(told, "frames of pcan:7 and of ixxat:7 both have "
	    "channel \"7\"; option channel_name tells them apart");
	assert_string_equal(evcan_channel_name(evcan_bus_channel_index(
	    buses[1])), "engine");
	assert_string_equal(evcan_bus_name(buses[1]), "kvaser:7");
	evcan_notifier_free(notifier);
	for (int i = 0; i < 4; i++)
		evcan_bus_free(buses[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fans_out),
		cmocka_unit_test(keeps_the_order_of_adding),
		cmocka_unit_test(one_consumer_a_bus),
		cmocka_unit_test(counts_what_is_not_taken),
		cmocka_unit_test(errors_reach_everybody),
		cmocka_unit_test(may_be_freed_in_calls),
		cmocka_unit_test(redirects),
		cmocka_unit_test(buffers_and_bounds),
		cmocka_unit_test(never_holds_a_loop),
		cmocka_unit_test(waits_without_a_loop),
		cmocka_unit_test(awaits_and_calls_back),
		cmocka_unit_test(warns_of_namesakes)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

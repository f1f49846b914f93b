/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_subscription.h - what the files of conform_subscription share */
#ifndef CONFORM_SUBSCRIPTION_H
#define CONFORM_SUBSCRIPTION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/evcan.h>

#define MS 1000000LL
#define ID 0x123
#define EXT EVCAN_FRAME_EXT

/* What bus B sends bus A watches. */
extern const char *conform_a, *conform_b;
extern enum evcan_offload conform_offload;
extern bool conform_fd;

/* One thing told. */
struct event_told {
	struct evcan_subscription *sub;
	bool silent;
	struct evcan_frame frame;
	int64_t at_ns;
};

struct world {
	struct event_base *base;
	struct evcan_bus *bus, *sender;
	struct evcan_notifier *notifier;
	struct event_told told[100];
	size_t n;
	size_t expected;               /* the loop is left then */
	struct evcan_subscription *victims[2];   /* freed when told */
	bool free_bus, free_notifier;
};

static inline struct evcan_bus *
make_bus(struct event_base *base, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[300];

	snprintf(text, sizeof(text), "%s,ignore_config=true%s", spec,
	    conform_fd ? ",fd=true" : "");
	bus = evcan_bus_new_spec(base, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", text, err.text);
	return bus;
}

static inline void
open_it(struct evcan_bus *bus)
{
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void
make_closed(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	w->bus = make_bus(w->base, conform_a);
	w->sender = make_bus(w->base, conform_b);
	open_it(w->sender);
	w->notifier = evcan_notifier_new(w->base);
	assert_int_equal(evcan_notifier_add_bus(w->notifier, w->bus), 0);
}

static inline void
make(struct world *w)
{
	make_closed(w);
	open_it(w->bus);
}

static inline void
unmake(struct world *w)
{
	evcan_notifier_free(w->notifier);
	evcan_bus_free(w->bus);
	evcan_bus_free(w->sender);
	event_base_free(w->base);
}

static inline void
on_told(struct evcan_subscription *sub, enum evcan_subscription_event event,
    const struct evcan_frame *frame, void *arg)
{
	struct world *w = arg;
	struct event_told *told = &w->told[w->n++];

	assert_true(w->n <= sizeof(w->told) / sizeof(w->told[0]));
	assert_int_equal(event == EVCAN_SUBSCRIPTION_SILENT, frame == NULL);
	told->sub = sub;
	told->silent = frame == NULL;
	told->at_ns = evcan_now_monotonic();
	if (frame != NULL)
		told->frame = *frame;
	for (size_t i = 0; i < 2; i++) {
		evcan_subscription_free(w->victims[i]);
		w->victims[i] = NULL;
	}
	if (w->free_bus) {
		evcan_bus_free(w->bus);
		w->bus = NULL;
	}
	if (w->free_notifier) {
		evcan_notifier_free(w->notifier);
		w->notifier = NULL;
	}
	if (w->n >= w->expected)
		event_base_loopbreak(w->base);
}

static inline struct evcan_subscription *
subscribe(struct world *w, const struct evcan_subscription_config *config)
{
	struct evcan_subscription_config mine = *config;
	struct evcan_subscription_stats stats;
	struct evcan_subscription *sub;
	struct evcan_error err = { 0 };

	mine.offload = conform_offload;
	sub = evcan_subscription_new(w->notifier, w->bus, &mine, on_told, w,
	    &err);
	if (sub == NULL)
		fail_msg("%s", err.text);
	evcan_subscription_get_stats(sub, &stats);
	assert_int_equal(stats.offloaded, evcan_bus_is_open(w->bus) &&
	    conform_offload == EVCAN_OFFLOAD_ALWAYS);
	return sub;
}

static inline struct evcan_subscription_config
all_of(uint32_t id)
{
	struct evcan_subscription_config config = { .id = id };

	memset(config.mask, 0xff, sizeof(config.mask));
	return config;
}

static inline void
send_frame(struct world *w, uint32_t id, unsigned flags, const void *data,
    size_t len)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, data, len), 0);
	assert_int_equal(evcan_bus_send(w->sender, &frame, 1), 1);
}

/* A standard frame of the identifier, with the text as its data. */
static inline void
send_text(struct world *w, const char *text)
{
	send_frame(w, ID, 0, text, strlen(text));
}

static inline void
too_long(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

/* Runs the loop until so many things were told. */
static inline void
await(struct world *w, size_t n)
{
	struct event *end = event_new(w->base, -1, 0, too_long, w->base);
	struct timeval patience = { 30, 0 };

	w->expected = n;
	event_add(end, &patience);
	if (w->n < n)
		event_base_dispatch(w->base);
	event_free(end);
	if (w->n < n)
		fail_msg("told %zu of %zu", w->n, n);
}

static inline void
check_told(const struct event_told *told, const char *text)
{
	assert_false(told->silent);
	assert_int_equal(told->frame.len, strlen(text));
	assert_memory_equal(told->frame.data, text, strlen(text));
}

/* Coming and going. */
void conform_several(void **state);
void conform_free_in_callback(void **state);
void conform_free_all_in_callback(void **state);
void conform_bus_freed(void **state);
void conform_opened_later(void **state);
void conform_closed_and_opened(void **state);

#endif

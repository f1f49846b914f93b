/* SPDX-License-Identifier: BSD-3-Clause */
/* subscription_fixture.h - what tests of subscriptions share; behind cmocka.h
 *
 * The device is a virtual bus whose driver was exchanged for a copy with
 * hooks. */
#ifndef SUBSCRIPTION_FIXTURE_H
#define SUBSCRIPTION_FIXTURE_H

#include <string.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "bus_fixture.h"
#include "bus_internal.h"

#define MS 1000000LL
#define ID 0x123

/* The device's side. */
static struct {
	struct evcan_driver driver;
	int answer;              /* of subscribe */
	const char *why;
	int subscribed, unsubscribed;
	uint32_t number;         /* the last one */
	const struct evcan_subscription_config *config;
} device;

struct world {
	struct event_base *base;
	struct evcan_bus *bus, *sender;
	struct evcan_notifier *notifier;
	uint64_t changes, silences, lost, errors, opened;
	size_t expected;
	struct evcan_frame last;
	struct evcan_subscription *more[100];    /* made in call-backs */
	size_t n_more, n_wanted;
	bool stop;               /* the notifier, when told */
	bool free_bus;
};

static inline int
device_subscribe(struct evcan_bus *bus, uint32_t number,
    const struct evcan_subscription_config *config, struct evcan_error *err)
{
	assert_true(evcan_bus_is_open(bus));
	assert_int_not_equal(number, 0);
	device.subscribed++;
	device.number = number;
	device.config = config;
	if (device.answer < 0 && device.why != NULL)
		evcan_error_set(err, device.answer, 0, "%s", device.why);
	return device.answer;
}

static inline int
device_unsubscribe(struct evcan_bus *bus, uint32_t number)
{
	(void)bus;
	assert_in_range(number, 1, device.number);
	device.unsubscribed++;
	return 0;
}

static inline void
add_device(struct world *w)
{
	memset(&device, 0, sizeof(device));
	device.driver = *w->bus->driver;
	device.driver.subscribe = device_subscribe;
	device.driver.unsubscribe = device_unsubscribe;
	w->bus->driver = &device.driver;
}

static inline void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct world *w = arg;

	(void)bus;
	if (event == EVCAN_BUS_GAP)
		w->lost += info->lost;
	if (event == EVCAN_BUS_ERROR)
		w->errors++;
	if (event == EVCAN_BUS_OPENED)
		w->opened++;
}

static inline void
make_closed(struct world *w)
{
	struct evcan_error err = { .code = 0 };

	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	w->sender = open_bus(w->base, "virtual:subscription");
	w->bus = evcan_bus_new_spec(w->base,
	    "virtual:subscription,reopen_interval=0.3", &err);
	assert_non_null(w->bus);
	w->notifier = evcan_notifier_new(w->base);
	assert_int_equal(evcan_notifier_add_bus(w->notifier, w->bus), 0);
	evcan_notifier_set_event_cb(w->notifier, on_event, w);
}

static inline void
make(struct world *w)
{
	make_closed(w);
	assert_int_equal(evcan_bus_open(w->bus, NULL), 0);
	while (w->opened == 0)
		turn(w->base);
}

static inline void
unmake(struct world *w)
{
	evcan_notifier_free(w->notifier);
	evcan_bus_free(w->bus);
	evcan_bus_free(w->sender);
	event_base_free(w->base);
}

static inline void on_told(struct evcan_subscription *sub,
    enum evcan_subscription_event event, const struct evcan_frame *frame,
    void *arg);

static inline struct evcan_subscription *
try_subscribe(struct world *w, const struct evcan_subscription_config *config,
    struct evcan_error *err)
{
	evcan_error_clear(err);
	return evcan_subscription_new(w->notifier, w->bus, config, on_told, w,
	    err);
}

static inline struct evcan_subscription *
subscribe(struct world *w, const struct evcan_subscription_config *config)
{
	struct evcan_error err;
	struct evcan_subscription *sub = try_subscribe(w, config, &err);

	if (sub == NULL)
		fail_msg("%s", err.text);
	return sub;
}

static inline void
on_told(struct evcan_subscription *sub, enum evcan_subscription_event event,
    const struct evcan_frame *frame, void *arg)
{
	struct world *w = arg;

	assert_non_null(sub);
	if (event == EVCAN_SUBSCRIPTION_SILENT) {
		w->silences++;
	} else {
		w->changes++;
		w->last = *frame;
	}
	while (w->n_more < w->n_wanted) {
		struct evcan_subscription_config config = {
			.id = frame->id,
			.offload = EVCAN_OFFLOAD_NEVER
		};

		w->more[w->n_more++] = subscribe(w, &config);
	}
	if (w->stop)
		evcan_notifier_stop(w->notifier);
	if (w->free_bus) {
		evcan_bus_free(w->bus);
		w->bus = NULL;
	}
}

static inline bool
offloaded(const struct evcan_subscription *sub)
{
	struct evcan_subscription_stats stats;

	evcan_subscription_get_stats(sub, &stats);
	return stats.offloaded;
}

static inline void
send_data(struct world *w, uint32_t id, unsigned flags, char data)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, &data, 1), 0);
	assert_int_equal(evcan_bus_send(w->sender, &frame, 1), 1);
}

static inline void
too_long(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	fail_msg("nothing happens");
	(void)arg;
}

/* Runs the loop until the counter is there. */
static inline void
await(struct world *w, const uint64_t *counter, uint64_t n)
{
	struct event *end = event_new(w->base, -1, 0, too_long, NULL);
	struct timeval patience = { 30, 0 };

	event_add(end, &patience);
	while (*counter < n)
		event_base_loop(w->base, EVLOOP_ONCE);
	event_free(end);
	assert_int_equal(*counter, n);
}

/* What is asked for is refused, with that code and that word. */
static inline void
refused(struct world *w, const struct evcan_subscription_config *config,
    int code, const char *word)
{
	struct evcan_error err;

	assert_null(try_subscribe(w, config, &err));
	assert_int_equal(err.code, code);
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" says nothing of %s", err.text, word);
	assert_null(w->bus->subscriptions);
}

#endif

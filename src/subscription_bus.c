/* SPDX-License-Identifier: BSD-3-Clause */
/* subscription_bus.c - all subscriptions of a bus, and what its device does
 *
 * The loop's hear the notifier by one listener (subscription_watch.c); the
 * device's are known by numbers and handed over at each opening. */
#include "subscription_internal.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include <evcan/channel.h>
#include <evcan/driver.h>
#include <evcan/listener.h>

#include "bus_internal.h"
#include "cyclic_internal.h"

/* Changes that a device may tell in one turn of the loop. */
#define NEWS_MAX 4096

/* All of a bus. */

static void
drop_listener(struct evcan_subscriptions_ *all)
{
	evcan_listener_free(all->listener);
	all->listener = NULL;
	all->notifier = NULL;
}

static void
drop_event(struct evcan_subscriptions_ *all)
{
	if (all->soon != NULL)
		event_free(all->soon);
	all->soon = NULL;
}

static void
release(struct evcan_subscriptions_ *all)
{
	if (all->bus != NULL)
		all->bus->subscriptions = NULL;
	drop_listener(all);
	drop_event(all);
	free(all->devices.buckets);
	free(all->here.buckets);
	free(all->news);
	free(all);
}

static void
bury(struct evcan_subscription *sub)
{
	evcan_sub_table_remove_(sub);
	*sub->at = sub->next;
	if (sub->next != NULL)
		sub->next->at = sub->at;
	else
		sub->all->end = sub->at;
	free(sub);
}

void
evcan_subs_enter_(struct evcan_subscriptions_ *all)
{
	all->depth++;
}

void
evcan_subs_leave_(struct evcan_subscriptions_ *all)
{
	if (--all->depth > 0)
		return;
	while (all->graves != NULL) {
		struct evcan_subscription *sub = all->graves;

		all->graves = sub->next_grave;
		bury(sub);
	}
	if (all->n_here == 0)
		drop_listener(all);
	if (all->first == NULL)
		release(all);
}

/* Tells what the device said. */
static void
tell_news(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_subscriptions_ *all = arg;

	(void)fd;
	(void)what;
	evcan_subs_enter_(all);
	/* A call-back may make the bus deliver, and so add to them. */
	while (all->next_news < all->n_news) {
		struct evcan_sub_news_ news = all->news[all->next_news++];
		struct evcan_subscription *sub =
		    *evcan_sub_bucket_(&all->devices, news.number);

		while (sub != NULL && sub->key != news.number)
			sub = sub->same;
		if (sub != NULL && sub->watcher != EVCAN_WATCHER_NONE)
			evcan_sub_tell_(sub, news.silent ? NULL :
			    &news.frame);
	}
	all->n_news = all->next_news = 0;
	evcan_subs_leave_(all);
}

struct evcan_subscriptions_ *
evcan_subs_of_(struct evcan_bus *bus)
{
	struct evcan_subscriptions_ *all = bus->subscriptions;

	if (all == NULL) {
		all = calloc(1, sizeof(*all));
		if (all == NULL)
			return NULL;
		all->end = &all->first;
		all->soon = event_new(bus->base, -1, 0, tell_news, all);
		if (all->soon == NULL ||
		    evcan_sub_table_init_(&all->devices) < 0 ||
		    evcan_sub_table_init_(&all->here) < 0) {
			release(all);
			return NULL;
		}
		all->bus = bus;
		bus->subscriptions = all;
	}
	evcan_subs_enter_(all);
	return all;
}

/* The device. */

void
evcan_driver_subscribed(struct evcan_bus *bus, uint32_t number,
    const struct evcan_frame *frame)
{
	struct evcan_subscriptions_ *all = bus->subscriptions;
	struct evcan_sub_news_ *news;

	if (all == NULL)
		return;
	if (all->n_news == all->max_news) {
		size_t max = all->max_news == 0 ? 16 : all->max_news * 2;

		news = max > NEWS_MAX ? NULL :
		    realloc(all->news, max * sizeof(*news));
		if (news == NULL) {
			evcan_driver_lost(bus, 1, EVCAN_LOSS_QUEUE);
			return;
		}
		all->news = news;
		all->max_news = max;
	}
	news = &all->news[all->n_news++];
	memset(news, 0, sizeof(*news));
	news->number = number;
	news->silent = frame == NULL;
	if (frame != NULL) {
		news->frame = *frame;
		if (frame->channel == EVCAN_CHANNEL_NONE)
			news->frame.channel = bus->channel;
	}
	event_active(all->soon, EV_TIMEOUT, 0);
}

static int
hand_over(struct evcan_subscription *sub, struct evcan_error *err)
{
	struct evcan_bus *bus = sub->all->bus;
	struct evcan_error why;
	int r;

	/* After the bus was gone the time-out goes on. */
	sub->config.from_start = sub->silent_ns != EVCAN_NEVER_ ||
	    (sub->from_start && !sub->silent);
	evcan_error_clear(&why);
	r = bus->driver->subscribe(bus, sub->key, &sub->config, &why);
	if (r >= 0) {
		sub->watcher = EVCAN_WATCHER_DEVICE;
		sub->silent_ns = EVCAN_NEVER_;
		return 0;
	}
	if (r == EVCAN_ERR_UNSUPPORTED &&
	    sub->config.offload == EVCAN_OFFLOAD_AUTO && sub->here_too) {
		evcan_sub_table_remove_(sub);
		return evcan_sub_watch_(sub, err);
	}
	return evcan_error_set(err, r, 0, "%s", why.code != 0 ? why.text :
	    "the device cannot watch this identifier");
}

int
evcan_sub_give_(struct evcan_subscription *sub, struct evcan_error *err)
{
	struct evcan_subscriptions_ *all = sub->all;
	struct evcan_bus *bus = all->bus;

	do
		sub->key = ++bus->subscription_number;
	while (sub->key == 0);
	evcan_sub_table_add_(&all->devices, sub, all->depth <= 1);
	sub->watcher = EVCAN_WATCHER_PENDING;
	return bus->phase == EVCAN_PHASE_OPEN ? hand_over(sub, err) : 0;
}

/* What the bus tells. */

void
evcan_subscriptions_opened_(struct evcan_bus *bus)
{
	struct evcan_subscriptions_ *all = bus->subscriptions;

	if (all == NULL)
		return;
	evcan_subs_enter_(all);
	for (struct evcan_subscription *sub = all->first; sub != NULL;
	    sub = sub->next) {
		struct evcan_error why;
		int r = 0;

		evcan_error_clear(&why);
		if (sub->watcher == EVCAN_WATCHER_PENDING)
			r = hand_over(sub, &why);
		if (r < 0)
			evcan_driver_error(bus, r, 0, "%s", why.text);
		if (sub->watcher == EVCAN_WATCHER_LOOP)
			evcan_sub_opened_(sub);
	}
	evcan_subs_leave_(all);
}

void
evcan_subscriptions_gone_(struct evcan_bus *bus)
{
	struct evcan_subscriptions_ *all = bus->subscriptions;

	if (all == NULL)
		return;
	for (struct evcan_subscription *sub = all->first; sub != NULL;
	    sub = sub->next) {
		evcan_sub_reset_(sub);
		if (sub->watcher != EVCAN_WATCHER_DEVICE)
			continue;
		sub->watcher = EVCAN_WATCHER_PENDING;
		/* It may have heard a frame just now. */
		if (sub->config.timeout_ns > 0 && !sub->silent &&
		    (sub->told > 0 || sub->config.from_start))
			evcan_sub_time_out_(sub);
	}
}

void
evcan_subscriptions_free_(struct evcan_bus *bus)
{
	struct evcan_subscriptions_ *all = bus->subscriptions;

	if (all == NULL)
		return;
	evcan_subs_enter_(all);
	for (struct evcan_subscription *sub = all->first; sub != NULL;
	    sub = sub->next)
		evcan_sub_end_(sub);
	bus->subscriptions = NULL;
	all->bus = NULL;
	all->n_news = all->next_news = 0;
	drop_listener(all);
	drop_event(all);
	evcan_subs_leave_(all);
}

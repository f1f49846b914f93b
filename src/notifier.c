/* SPDX-License-Identifier: BSD-3-Clause */
/* notifier.c - the one place where frames fan out to listeners */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <evcan/channel.h>
#include <evcan/notifier.h>

#include "bus_internal.h"
#include "listener_internal.h"

struct evcan_notifier {
	struct event_base *base;
	struct evcan_bus **buses;
	size_t n_buses;
	struct pollfd *polls;          /* without a base, one a bus */
	struct evcan_attachment_ *listeners;
	struct evcan_attachment_ *everybody;   /* those that hear all buses */
	uint64_t added;
	evcan_bus_event_cb event_cb;
	void *event_arg;
	struct evcan_error error;      /* the first that nobody handled */
	uint64_t delivered;
	unsigned depth;                /* of calls to listeners */
	bool stopped;
	bool freed;
	bool dead_ones;                /* to be swept when depth is 0 */
};

struct evcan_notifier *
evcan_notifier_new(struct event_base *base)
{
	struct evcan_notifier *notifier = calloc(1, sizeof(*notifier));

	if (notifier != NULL)
		notifier->base = base;
	return notifier;
}

/* Listeners come and go during calls: those that go are marked, and removed
 * when no call is under way. */

/* The list of those who hear the same as this one; NULL: its bus is gone. */
static struct evcan_attachment_ **
peers_of(const struct evcan_attachment_ *attachment)
{
	if (attachment->alone)
		return NULL;
	return attachment->from != NULL ? &attachment->from->listeners :
	    &attachment->notifier->everybody;
}

static void
leave_peers(struct evcan_attachment_ *attachment)
{
	struct evcan_attachment_ **at = peers_of(attachment);

	while (at != NULL && *at != attachment)
		at = &(*at)->peer;
	if (at != NULL)
		*at = attachment->peer;
}

static void
sweep(struct evcan_notifier *notifier)
{
	struct evcan_attachment_ **at = &notifier->listeners;

	notifier->dead_ones = false;
	while (*at != NULL) {
		struct evcan_attachment_ *attachment = *at;

		if (!attachment->dead) {
			at = &attachment->next;
			continue;
		}
		*at = attachment->next;
		leave_peers(attachment);
		free(attachment);
	}
}

static void
release(struct evcan_notifier *notifier)
{
	sweep(notifier);
	free(notifier->buses);
	free(notifier->polls);
	free(notifier);
}

static void
enter(struct evcan_notifier *notifier)
{
	notifier->depth++;
}

/* May release it: touch nothing after. */
static void
leave(struct evcan_notifier *notifier)
{
	if (--notifier->depth > 0)
		return;
	if (notifier->freed)
		release(notifier);
	else if (notifier->dead_ones)
		sweep(notifier);
}

void
evcan_notifier_forget_(struct evcan_attachment_ *attachment)
{
	struct evcan_attachment_ **at = &attachment->listener->attachments;
	struct evcan_notifier *notifier = attachment->notifier;

	while (*at != attachment)
		at = &(*at)->sibling;
	*at = attachment->sibling;
	attachment->dead = true;
	notifier->dead_ones = true;
	if (notifier->depth == 0)
		sweep(notifier);
}

void
evcan_notifier_forget_bus_(struct evcan_bus *bus)
{
	while (bus->listeners != NULL) {
		struct evcan_attachment_ *attachment = bus->listeners;

		bus->listeners = attachment->peer;
		attachment->alone = true;
		if (!attachment->dead)
			evcan_notifier_forget_(attachment);
	}
}

static bool
wants(const struct evcan_attachment_ *attachment,
    const struct evcan_bus *bus)
{
	return !attachment->dead &&
	    (attachment->from == NULL || attachment->from == bus);
}

/* Errors go to all listeners; one that nobody handles is kept. */
static void
raise(struct evcan_notifier *notifier, struct evcan_bus *bus,
    const struct evcan_error *error)
{
	bool handled = false;

	enter(notifier);
	for (struct evcan_attachment_ *a = notifier->listeners; a != NULL;
	    a = a->next) {
		if (wants(a, bus) && a->listener->ops->error != NULL &&
		    a->listener->ops->error(a->listener, bus, error,
		    a->listener->arg) > 0)
			handled = true;
	}
	if (!handled) {
		evcan_log(EVCAN_LOG_ERROR, "notifier", "%s", error->text);
		evcan_error_set(&notifier->error, error->code, 0, "%s",
		    error->text);
	}
	leave(notifier);
}

static void
listener_failed(struct evcan_notifier *notifier, struct evcan_bus *bus,
    int code)
{
	struct evcan_error error;

	evcan_error_clear(&error);
	evcan_error_set(&error, code, 0, "a listener of bus %s failed (%s)",
	    evcan_bus_name(bus), evcan_error_name(code));
	raise(notifier, bus, &error);
}

/* Tells a listener of the frames that it had no room for. */
static void
tell_untold(struct evcan_attachment_ *a)
{
	struct evcan_gap gap = {
		.lost = a->untold,
		.where = EVCAN_LOSS_QUEUE,
		.time_ns = evcan_now_unix()
	};

	a->untold = 0;
	evcan_listener_feed_gap(a->listener, a->untold_from, &gap);
}

static void
feed(struct evcan_notifier *notifier, struct evcan_attachment_ *a,
    struct evcan_bus *bus, const struct evcan_frame *frames, size_t n)
{
	int taken;

	if (a->untold > 0)
		tell_untold(a);
	if (a->dead)
		return;
	taken = evcan_listener_feed(a->listener, bus, frames, n);
	if (a->dead || taken == (int)n)
		return;
	n -= taken > 0 ? (size_t)taken : 0;
	a->listener->dropped += n;
	a->untold += n;
	a->untold_from = bus;
	if (taken < 0)
		listener_failed(notifier, bus, taken);
}

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct evcan_notifier *notifier = arg;

	struct evcan_attachment_ *all = notifier->everybody;
	struct evcan_attachment_ *own = bus->listeners;

	enter(notifier);
	notifier->delivered += n;
	/* Two lists, in the order of adding. A bus does not look at those
	 * that hear other buses, so that a thousand of them cost nothing. */
	while (all != NULL || own != NULL) {
		struct evcan_attachment_ *a;

		if (own == NULL || (all != NULL && all->order < own->order)) {
			a = all;
			all = all->peer;
		} else {
			a = own;
			own = own->peer;
		}
		if (!a->dead && a->notifier == notifier)
			feed(notifier, a, bus, frames, n);
	}
	leave(notifier);
}

static void
spread_gap(struct evcan_notifier *notifier, struct evcan_bus *bus,
    const struct evcan_bus_info *info)
{
	struct evcan_gap gap = {
		.lost = info->lost,
		.where = info->lost_where,
		.time_ns = evcan_now_unix()
	};

	for (struct evcan_attachment_ *a = notifier->listeners; a != NULL;
	    a = a->next) {
		if (wants(a, bus))
			evcan_listener_feed_gap(a->listener, bus, &gap);
	}
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct evcan_notifier *notifier = arg;

	enter(notifier);
	if (event == EVCAN_BUS_GAP)
		spread_gap(notifier, bus, info);
	if (event == EVCAN_BUS_ERROR && info->error != NULL)
		raise(notifier, bus, info->error);
	if (notifier->event_cb != NULL)
		notifier->event_cb(bus, event, info, notifier->event_arg);
	leave(notifier);
}

/* Buses. */

/* Adapters of two vendors may both be channel 0. */
static void
warn_of_namesakes(const struct evcan_notifier *notifier,
    const struct evcan_bus *bus)
{
	for (size_t i = 0; i < notifier->n_buses; i++) {
		const struct evcan_bus *other = notifier->buses[i];

		if (other->channel == 0 || other->channel != bus->channel ||
		    other->driver == bus->driver)
			continue;
		evcan_log(EVCAN_LOG_WARNING, "notifier", "frames of %s and of "
		    "%s both have channel \"%s\"; option channel_name tells "
		    "them apart", other->name, bus->name,
		    evcan_channel_name(bus->channel));
		return;
	}
}

int
evcan_notifier_add_bus(struct evcan_notifier *notifier, struct evcan_bus *bus)
{
	struct evcan_bus **buses;
	struct pollfd *polls;
	int r;

	if (notifier->stopped)
		return EVCAN_ERR_STATE;
	if (bus->base != notifier->base)
		return EVCAN_ERR_INVALID;
	buses = realloc(notifier->buses,
	    (notifier->n_buses + 1) * sizeof(struct evcan_bus *));
	if (buses == NULL)
		return EVCAN_ERR_NOMEM;
	notifier->buses = buses;
	polls = realloc(notifier->polls,
	    (notifier->n_buses + 1) * sizeof(*polls));
	if (polls == NULL)
		return EVCAN_ERR_NOMEM;
	notifier->polls = polls;
	r = evcan_bus_attach_(bus, notifier, on_frames, on_event);
	if (r < 0)
		return r;
	warn_of_namesakes(notifier, bus);
	buses[notifier->n_buses++] = bus;
	return 0;
}

int
evcan_notifier_remove_bus(struct evcan_notifier *notifier,
    struct evcan_bus *bus)
{
	size_t i = 0;

	while (i < notifier->n_buses && notifier->buses[i] != bus)
		i++;
	if (i == notifier->n_buses)
		return EVCAN_ERR_NOT_FOUND;
	for (notifier->n_buses--; i < notifier->n_buses; i++)
		notifier->buses[i] = notifier->buses[i + 1];
	evcan_bus_attach_(bus, NULL, NULL, NULL);
	return 0;
}

struct evcan_bus *
evcan_notifier_bus(const struct evcan_notifier *notifier, size_t i)
{
	return i < notifier->n_buses ? notifier->buses[i] : NULL;
}

struct evcan_notifier *
evcan_notifier_find(const struct evcan_bus *bus)
{
	return bus->notifier;
}

/* Listeners. */

int
evcan_notifier_add_listener(struct evcan_notifier *notifier,
    struct evcan_listener *listener, struct evcan_bus *from)
{
	struct evcan_attachment_ *attachment, **at = &notifier->listeners;

	if (notifier->stopped)
		return EVCAN_ERR_STATE;
	attachment = calloc(1, sizeof(*attachment));
	if (attachment == NULL)
		return EVCAN_ERR_NOMEM;
	attachment->notifier = notifier;
	attachment->listener = listener;
	attachment->from = from;
	attachment->sibling = listener->attachments;
	listener->attachments = attachment;
	attachment->order = notifier->added++;
	while (*at != NULL)
		at = &(*at)->next;
	*at = attachment;
	for (at = peers_of(attachment); *at != NULL; at = &(*at)->peer)
		;
	*at = attachment;
	return 0;
}

int
evcan_notifier_remove_listener(struct evcan_notifier *notifier,
    struct evcan_listener *listener)
{
	for (struct evcan_attachment_ *a = notifier->listeners; a != NULL;
	    a = a->next) {
		if (a->dead || a->listener != listener)
			continue;
		evcan_notifier_forget_(a);
		return 0;
	}
	return EVCAN_ERR_NOT_FOUND;
}

void
evcan_notifier_set_event_cb(struct evcan_notifier *notifier,
    evcan_bus_event_cb cb, void *arg)
{
	notifier->event_cb = cb;
	notifier->event_arg = arg;
}

const struct evcan_error *
evcan_notifier_error(const struct evcan_notifier *notifier)
{
	return &notifier->error;
}

/* Ending. */

static void
stop_listeners(struct evcan_notifier *notifier)
{
	for (struct evcan_attachment_ *a = notifier->listeners; a != NULL;
	    a = a->next) {
		if (!a->dead && a->untold > 0)
			tell_untold(a);
		if (!a->dead)
			evcan_listener_stop(a->listener);
	}
}

void
evcan_notifier_stop(struct evcan_notifier *notifier)
{
	if (notifier->stopped)
		return;
	enter(notifier);
	/* What the buses have received already is still delivered, unless
	 * this is said in the middle of a delivery. */
	for (size_t i = 0; i < notifier->n_buses && notifier->depth == 1; i++)
		evcan_bus_receive_all_(notifier->buses[i]);
	notifier->stopped = true;
	while (notifier->n_buses > 0)
		evcan_notifier_remove_bus(notifier, notifier->buses[0]);
	stop_listeners(notifier);
	leave(notifier);
}

bool
evcan_notifier_stopped(const struct evcan_notifier *notifier)
{
	return notifier->stopped;
}

void
evcan_notifier_free(struct evcan_notifier *notifier)
{
	if (notifier == NULL || notifier->freed)
		return;
	enter(notifier);
	evcan_notifier_stop(notifier);
	notifier->event_cb = NULL;
	for (struct evcan_attachment_ *a = notifier->listeners; a != NULL;
	    a = a->next) {
		if (!a->dead)
			evcan_notifier_forget_(a);
	}
	notifier->freed = true;
	leave(notifier);
}

/* Without a base. */

/* @return the shorter of two waits, where negative is for ever */
static int
shorter(int a, int b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

static void
wait_for_any(struct evcan_notifier *notifier, int wait)
{
	for (size_t i = 0; i < notifier->n_buses; i++) {
		notifier->polls[i].fd = evcan_bus_fd(notifier->buses[i]);
		notifier->polls[i].events = POLLIN;
		wait = shorter(wait, evcan_bus_timeout(notifier->buses[i]));
	}
	poll(notifier->polls, (nfds_t)notifier->n_buses, wait);
}

int
evcan_notifier_process(struct evcan_notifier *notifier, int timeout_ms)
{
	int64_t end = evcan_bus_end_of_(timeout_ms);
	uint64_t before = notifier->delivered;
	int64_t left;
	int n;

	if (notifier->base != NULL || notifier->stopped)
		return EVCAN_ERR_STATE;
	enter(notifier);
	do {
		left = end == INT64_MAX ? -1 :
		    (end - evcan_now_monotonic() + 999999) / 1000000;
		if (end != INT64_MAX && left < 0)
			left = 0;
		wait_for_any(notifier, left > 60000 ? 60000 : (int)left);
		for (size_t i = 0; i < notifier->n_buses; i++)
			evcan_bus_process(notifier->buses[i]);
	} while (notifier->delivered == before && !notifier->stopped &&
	    left != 0 && notifier->n_buses > 0);
	n = (int)(notifier->delivered - before);
	leave(notifier);
	return n;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* bridge.c - frames of one bus onto another */
#include <evcan/bridge.h>

#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/listener.h>

#include "clock.h"
#include "gateway_internal.h"

struct evcan_bridge {
	struct evcan_notifier *notifier;
	struct evcan_listener *listener;
	struct evcan_bus *from, *to;
	struct evcan_filters *filters;   /* NULL: everything passes */
	struct evcan_clock_ *clock;      /* of the loop, which has batches */
	struct evcan_frame *batch;       /* without a loop */
	bool same_interface;
	struct evcan_bridge_stats stats;
};

/* Whether the frame is from the very wire that it would be sent on. */
static bool
is_home(const struct evcan_bridge *bridge, const struct evcan_frame *frame)
{
	return bridge->same_interface && frame->channel != 0 &&
	    frame->channel == evcan_bus_channel_index(bridge->to);
}

static bool
passes(struct evcan_bridge *bridge, const struct evcan_frame *frame)
{
	const unsigned never = EVCAN_FRAME_ERR | EVCAN_FRAME_OVERLOAD |
	    EVCAN_FRAME_ECHO;
	struct evcan_bridge_stats *stats = &bridge->stats;

	if ((frame->flags & never) || frame->dir == EVCAN_DIR_TXRQ ||
	    is_home(bridge, frame))
		stats->passed_over++;
	else if (bridge->filters != NULL &&
	    !evcan_filters_match(bridge->filters, frame))
		stats->filtered++;
	else if (frame->hops >= EVCAN_BRIDGE_MAX_HOPS)
		stats->looped++;
	else
		return true;
	return false;
}

/* Sends in order. A live bus does not wait: what finds no room is lost. */
static void
forward(struct evcan_bridge *bridge, const struct evcan_frame *frames,
    size_t n)
{
	struct evcan_bridge_stats *stats = &bridge->stats;

	while (n > 0) {
		int r = evcan_bus_send(bridge->to, frames, n);

		if (r > 0) {
			stats->forwarded += (uint64_t)r;
			frames += r;
			n -= (size_t)r;
		} else if (r == EVCAN_ERR_FULL ||
		    !evcan_bus_is_open(bridge->to)) {
			stats->dropped += n;
			break;
		} else {
			stats->refused++;
			frames++;
			n--;
		}
	}
}

/* The frame of one bus becomes one of the other: the channel that it came
 * from says nothing there. */
static size_t
gather(struct evcan_bridge *bridge, const struct evcan_frame *frames,
    size_t n, struct evcan_frame *batch)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		if (!passes(bridge, &frames[i]))
			continue;
		batch[m] = frames[i];
		batch[m].channel = 0;
		batch[m].dir = EVCAN_DIR_TX;
		batch[m].hops++;
		m++;
	}
	return m;
}

static int
take(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	struct evcan_bridge *bridge = arg;
	struct evcan_frame *batch = bridge->clock != NULL ?
	    evcan_clock_batch_(bridge->clock) : bridge->batch;

	(void)listener;
	(void)bus;
	for (size_t i = 0; batch != NULL && i < n; i += EVCAN_BATCH) {
		size_t some = n - i < EVCAN_BATCH ? n - i : EVCAN_BATCH;

		forward(bridge, batch, gather(bridge, frames + i, some,
		    batch));
	}
	if (batch == NULL)
		bridge->stats.dropped += n;     /* out of memory */
	else if (bridge->clock != NULL)
		evcan_clock_unbatch_(bridge->clock, batch);
	return (int)n;
}

static const struct evcan_listener_ops ops = { .frames = take };

static int
check(struct evcan_notifier *notifier, struct evcan_bus *from,
    struct evcan_bus *to, struct evcan_error *err)
{
	if (from == to)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a bridge from bus %s to itself: two buses are needed",
		    evcan_bus_name(from));
	if (evcan_notifier_find(from) != notifier)
		return evcan_error_set(err, EVCAN_ERR_NOT_FOUND, 0,
		    "the notifier does not have the bridge's bus %s: it must "
		    "be added first", evcan_bus_name(from));
	if (evcan_bus_base(from) != evcan_bus_base(to))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a bridge's buses must share one event_base: %s and %s "
		    "do not", evcan_bus_name(from), evcan_bus_name(to));
	return 0;
}

/* What else a bridge needs; half of it is released by its free. */
static bool
make(struct evcan_bridge *bridge)
{
	struct event_base *base = evcan_bus_base(bridge->to);

	if (base != NULL)
		bridge->clock = evcan_clock_get_(base);
	else
		bridge->batch = calloc(EVCAN_BATCH, sizeof(*bridge->batch));
	if (bridge->clock == NULL && bridge->batch == NULL)
		return false;
	bridge->listener = evcan_listener_new(&ops, bridge);
	return bridge->listener != NULL &&
	    evcan_notifier_add_listener(bridge->notifier, bridge->listener,
	    bridge->from) == 0;
}

struct evcan_bridge *
evcan_bridge_new(struct evcan_notifier *notifier, struct evcan_bus *from,
    struct evcan_bus *to, struct evcan_error *err)
{
	struct evcan_bridge *bridge;

	if (check(notifier, from, to, err) < 0)
		return NULL;
	bridge = calloc(1, sizeof(*bridge));
	if (bridge != NULL) {
		bridge->notifier = notifier;
		bridge->from = from;
		bridge->to = to;
		bridge->same_interface = strcmp(evcan_bus_interface(from),
		    evcan_bus_interface(to)) == 0;
		if (make(bridge))
			return bridge;
	}
	evcan_bridge_free(bridge);
	evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory for a bridge");
	return NULL;
}

void
evcan_bridge_stop_(struct evcan_bridge *bridge)
{
	evcan_notifier_remove_listener(bridge->notifier, bridge->listener);
}

void
evcan_bridge_free(struct evcan_bridge *bridge)
{
	if (bridge == NULL)
		return;
	if (bridge->listener != NULL)
		evcan_listener_free(bridge->listener);
	evcan_filters_free(bridge->filters);
	evcan_clock_put_(bridge->clock);
	free(bridge->batch);
	free(bridge);
}

int
evcan_bridge_set_filters(struct evcan_bridge *bridge,
    const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join, struct evcan_error *err)
{
	struct evcan_filters *fresh = NULL;
	struct evcan_error why = { 0 };

	if (n > 0) {
		fresh = evcan_filters_new(filters, n, join, &why);
		if (fresh == NULL)
			return evcan_error_set(err, why.code, why.system,
			    "%s", why.text);
	}
	evcan_filters_free(bridge->filters);
	bridge->filters = fresh;
	return 0;
}

void
evcan_bridge_get_stats(const struct evcan_bridge *bridge,
    struct evcan_bridge_stats *stats)
{
	*stats = bridge->stats;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* listener.c - whoever wants frames */
#include "listener_internal.h"

#include <stdlib.h>

#include <evcan/error.h>

struct evcan_listener *
evcan_listener_new(const struct evcan_listener_ops *ops, void *arg)
{
	struct evcan_listener *listener = calloc(1, sizeof(*listener));

	if (listener == NULL)
		return NULL;
	listener->ops = ops;
	listener->arg = arg;
	return listener;
}

static int
call_plain(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	listener->plain_cb(bus, frames, n, arg);
	return (int)n;
}

struct evcan_listener *
evcan_listener_new_cb(evcan_frames_cb cb, void *arg)
{
	static const struct evcan_listener_ops plain = {
		.frames = call_plain
	};
	struct evcan_listener *listener = evcan_listener_new(&plain, arg);

	if (listener != NULL)
		listener->plain_cb = cb;
	return listener;
}

void
evcan_listener_free(struct evcan_listener *listener)
{
	if (listener == NULL)
		return;
	while (listener->attachments != NULL)
		evcan_notifier_forget_(listener->attachments);
	free(listener);
}

int
evcan_listener_feed(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n)
{
	if (listener->ops->frames == NULL)
		return (int)n;
	return listener->ops->frames(listener, bus, frames, n, listener->arg);
}

void
evcan_listener_feed_gap(struct evcan_listener *listener,
    struct evcan_bus *bus, const struct evcan_gap *gap)
{
	if (listener->ops->gap != NULL)
		listener->ops->gap(listener, bus, gap, listener->arg);
}

void
evcan_listener_stop(struct evcan_listener *listener)
{
	if (listener->ops->stop != NULL)
		listener->ops->stop(listener, listener->arg);
}

void
evcan_listener_ready(struct evcan_listener *listener)
{
	if (listener->ready_cb != NULL)
		listener->ready_cb(listener, listener->ready_arg);
}

void
evcan_listener_set_ready_cb(struct evcan_listener *listener,
    evcan_listener_ready_cb cb, void *arg)
{
	listener->ready_cb = cb;
	listener->ready_arg = arg;
}

uint64_t
evcan_listener_dropped(const struct evcan_listener *listener)
{
	return listener->dropped;
}

/* python-can's RedirectReader. What the other bus has no room for is said to
 * the notifier, which counts it. */
static int
redirect(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	int taken = evcan_bus_send(arg, frames, n);

	(void)listener;
	(void)bus;
	return taken == EVCAN_ERR_FULL ? 0 : taken;
}

struct evcan_listener *
evcan_redirect_new(struct evcan_bus *to)
{
	static const struct evcan_listener_ops ops = { .frames = redirect };

	return evcan_listener_new(&ops, to);
}

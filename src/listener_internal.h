/* SPDX-License-Identifier: BSD-3-Clause */
/* listener_internal.h - how notifiers hold on to listeners */
#ifndef EVCAN_LISTENER_INTERNAL_H
#define EVCAN_LISTENER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <evcan/listener.h>

struct evcan_notifier;

/* One addition of a listener to a notifier, in three lists: the notifier's,
 * the listener's, and that of those who hear the same: all buses, or one. */
struct evcan_attachment_ {
	struct evcan_notifier *notifier;
	struct evcan_listener *listener;
	struct evcan_bus *from;           /* NULL: all */
	struct evcan_attachment_ *next;   /* in the notifier's order */
	struct evcan_attachment_ *peer;   /* next that hears the same */
	struct evcan_attachment_ *sibling;   /* of the same listener */
	uint64_t order;                   /* of adding */
	uint64_t untold;                  /* frames it did not take */
	struct evcan_bus *untold_from;
	bool alone;                       /* its bus is gone: no peers */
	bool dead;                        /* removed during a call */
};

struct evcan_listener {
	const struct evcan_listener_ops *ops;
	void *arg;
	struct evcan_attachment_ *attachments;
	evcan_listener_ready_cb ready_cb;
	void *ready_arg;
	uint64_t dropped;
	evcan_frames_cb plain_cb;         /* of evcan_listener_new_cb() */
};

/* Notifier's side of evcan_listener_free() and evcan_bus_free(). */
void evcan_notifier_forget_(struct evcan_attachment_ *attachment);
void evcan_notifier_forget_bus_(struct evcan_bus *bus);

#endif

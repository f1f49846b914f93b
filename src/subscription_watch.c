/* SPDX-License-Identifier: BSD-3-Clause */
/* subscription_watch.c - subscriptions that the loop watches, and their times
 *
 * The rules are those of the kernel's broadcast manager, so that it makes no
 * difference who watches. */
#include "subscription_internal.h"

#include <string.h>

#include <evcan/notifier.h>

#include "bus_internal.h"

void
evcan_sub_tell_(struct evcan_subscription *sub,
    const struct evcan_frame *frame)
{
	sub->silent = frame == NULL;
	if (frame != NULL)
		sub->told++;
	else
		sub->silences++;
	sub->cb(sub, frame != NULL ? EVCAN_SUBSCRIPTION_CHANGED :
	    EVCAN_SUBSCRIPTION_SILENT, frame, sub->arg);
}

/* Times. */

static void
set_timer(struct evcan_subscription *sub)
{
	int64_t due = sub->silent_ns;

	if (sub->held && sub->free_ns < due)
		due = sub->free_ns;
	/* Each frame moves the time-out on; a timer that fires too early for
	 * it once a time-out costs less than to move it each time. */
	if (sub->timer.place == 0 || due < sub->timer.due_ns)
		evcan_timer_set_(&sub->timer, due);
}

void
evcan_sub_time_out_(struct evcan_subscription *sub)
{
	sub->silent_ns = evcan_now_monotonic() + sub->config.timeout_ns;
	set_timer(sub);
}

void
evcan_sub_opened_(struct evcan_subscription *sub)
{
	if (sub->from_start && sub->silent_ns == EVCAN_NEVER_ && !sub->silent)
		evcan_sub_time_out_(sub);
}

void
evcan_sub_reset_(struct evcan_subscription *sub)
{
	sub->seen = false;
	sub->held = false;
	sub->free_ns = 0;
}

static bool
throttle_over(struct evcan_subscription *sub, int64_t now)
{
	if (!sub->held || now < sub->free_ns)
		return false;
	sub->held = false;
	sub->free_ns = now + sub->config.throttle_ns;
	return true;
}

static bool
silence_due(struct evcan_subscription *sub, int64_t now)
{
	if (now < sub->silent_ns)
		return false;
	if (sub->watcher == EVCAN_WATCHER_LOOP && !sub->late) {
		/* A loop that was held up has timers and frames waiting: the
		 * frames shall come first. */
		sub->late = true;
		sub->silent_ns = now + EVCAN_CLOCK_APART_NS_;
		return false;
	}
	sub->late = false;
	sub->silent_ns = EVCAN_NEVER_;
	if (sub->config.announce_resume) {
		sub->seen = false;
		sub->held = false;
	}
	return true;
}

void
evcan_sub_on_timer_(struct evcan_timer_ *timer, void *arg)
{
	struct evcan_subscription *sub = arg;
	struct evcan_subscriptions_ *all = sub->all;
	int64_t now = evcan_now_monotonic();
	bool change = throttle_over(sub, now);
	/* The call-back may stop the notifier, and so get a newer one. */
	struct evcan_frame frame = sub->last;
	bool silence = silence_due(sub, now);

	(void)timer;
	set_timer(sub);
	evcan_subs_enter_(all);
	if (change)
		evcan_sub_tell_(sub, &frame);
	if (silence && sub->watcher != EVCAN_WATCHER_NONE)
		evcan_sub_tell_(sub, NULL);
	evcan_subs_leave_(all);
}

/* Frames. */

/* Eight bytes of the data; what is missing is zero. */
static uint64_t
word_of(const struct evcan_frame *frame, size_t at)
{
	uint64_t word = 0;

	if (at + sizeof(word) <= frame->len)
		memcpy(&word, frame->data + at, sizeof(word));
	else if (at < frame->len)
		memcpy(&word, frame->data + at, frame->len - at);
	return word;
}

static bool
differs(const struct evcan_subscription *sub, const struct evcan_frame *frame)
{
	uint64_t mask;

	for (size_t at = 0; at < sub->masked && at < frame->len;
	    at += sizeof(mask)) {
		memcpy(&mask, sub->config.mask + at, sizeof(mask));
		if ((word_of(frame, at) ^ word_of(&sub->last, at)) & mask)
			return true;
	}
	return sub->config.check_dlc && frame->len != sub->last.len;
}

/* Takes in a frame. @return whether it is to be told now */
static bool
hear(struct evcan_subscription *sub, const struct evcan_frame *frame,
    int64_t now)
{
	bool change = !sub->seen || sub->masked == 0 || differs(sub, frame);

	sub->silent = false;
	if (sub->config.timeout_ns > 0) {
		sub->late = false;
		sub->silent_ns = now + sub->config.timeout_ns;
	}
	if (change) {
		sub->seen = true;
		sub->last = *frame;
		sub->held = now < sub->free_ns;
		if (!sub->held)
			sub->free_ns = now + sub->config.throttle_ns;
	}
	if (sub->held || sub->config.timeout_ns > 0)
		set_timer(sub);
	return change && !sub->held;
}

static int
on_frames(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	struct evcan_subscriptions_ *all = arg;
	int64_t now = evcan_now_monotonic();

	(void)listener;
	(void)bus;
	evcan_subs_enter_(all);
	for (size_t i = 0; i < n && all->n_here > 0; i++) {
		const struct evcan_frame *frame = &frames[i];
		uint32_t key = evcan_sub_key_(frame->id, frame->flags);
		struct evcan_subscription *sub;

		if (frame->flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_RTR |
		    EVCAN_FRAME_OVERLOAD))
			continue;
		sub = *evcan_sub_bucket_(&all->here, key);
		for (; sub != NULL; sub = sub->same) {
			if (sub->key == key &&
			    sub->watcher == EVCAN_WATCHER_LOOP &&
			    hear(sub, frame, now))
				evcan_sub_tell_(sub, frame);
		}
	}
	evcan_subs_leave_(all);
	return (int)n;
}

/* The notifier stops. */
static void
on_stop(struct evcan_listener *listener, void *arg)
{
	struct evcan_subscriptions_ *all = arg;

	(void)listener;
	/* One that the bus was moved away from? */
	if (all->bus->notifier != NULL && all->bus->notifier == all->notifier)
		return;
	evcan_subs_enter_(all);
	for (struct evcan_subscription *sub = all->first; sub != NULL;
	    sub = sub->next) {
		if (sub->watcher == EVCAN_WATCHER_LOOP)
			evcan_sub_end_(sub);
	}
	evcan_subs_leave_(all);
}

static int
listen_to(struct evcan_subscriptions_ *all, struct evcan_notifier *notifier)
{
	static const struct evcan_listener_ops ops = {
		.frames = on_frames,
		.stop = on_stop
	};
	int r;

	if (all->listener == NULL) {
		all->listener = evcan_listener_new(&ops, all);
		all->notifier = NULL;
	}
	if (all->listener == NULL)
		return EVCAN_ERR_NOMEM;
	if (all->notifier == notifier)
		return 0;
	r = evcan_notifier_add_listener(notifier, all->listener, all->bus);
	if (r == 0)
		all->notifier = notifier;
	return r;
}

int
evcan_sub_watch_(struct evcan_subscription *sub, struct evcan_error *err)
{
	struct evcan_subscriptions_ *all = sub->all;
	struct evcan_bus *bus = all->bus;
	int r;

	if (bus->notifier == NULL)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "bus %s: a subscription needs a notifier that has the bus, "
		    "or a device that watches", bus->name);
	r = listen_to(all, bus->notifier);
	if (r < 0)
		return evcan_error_set(err, r, 0, "bus %s: no subscription: "
		    "%s", bus->name, r == EVCAN_ERR_NOMEM ? "out of memory" :
		    "its notifier is stopped");
	sub->key = evcan_sub_key_(sub->config.id, sub->config.flags);
	evcan_sub_table_add_(&all->here, sub, all->depth <= 1);
	sub->watcher = EVCAN_WATCHER_LOOP;
	all->n_here++;
	if (bus->phase == EVCAN_PHASE_OPEN)
		evcan_sub_opened_(sub);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* subscription.c - told when an identifier's data changes or stops */
#include "subscription_internal.h"

#include <stdlib.h>

#include <evcan/driver.h>

#include "bus_internal.h"

/* What the kernel takes; and far from an overflow. */
#define LONGEST_NS ((int64_t)400 * 86400 * 1000000000)

/* Wrong values. */

static int
check_times(const struct evcan_subscription_config *config,
    struct evcan_error *err)
{
	if (config->throttle_ns < 0 || config->throttle_ns > LONGEST_NS ||
	    config->timeout_ns < 0 || config->timeout_ns > LONGEST_NS)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "subscription: throttle %lld ns and time-out %lld ns: "
		    "from 0 to 400 days", (long long)config->throttle_ns,
		    (long long)config->timeout_ns);
	if (config->timeout_ns == 0 &&
	    (config->from_start || config->announce_resume))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "subscription: from_start and announce_resume need a "
		    "time-out");
	return 0;
}

static int
check_config(const struct evcan_subscription_config *config,
    struct evcan_error *err)
{
	bool ext = config->flags & EVCAN_FRAME_EXT;

	if (config->flags & ~(unsigned)(EVCAN_FRAME_EXT | EVCAN_FRAME_FD))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "subscription: flags 0x%X: only EVCAN_FRAME_EXT and "
		    "EVCAN_FRAME_FD are possible", config->flags);
	if (config->id > (ext ? EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "subscription: identifier 0x%X: %s ends at 0x%X",
		    (unsigned)config->id, ext ? "an extended one" :
		    "a standard one (no EVCAN_FRAME_EXT)",
		    ext ? EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID);
	if ((unsigned)config->offload > EVCAN_OFFLOAD_ALWAYS)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "subscription: offload %d is none of enum evcan_offload",
		    (int)config->offload);
	return check_times(config, err);
}

/* No frame of CAN FD comes from a bus that cannot send one. */
static int
check_format(struct evcan_bus *bus, unsigned flags, struct evcan_error *err)
{
	struct evcan_frame frame = { .flags = EVCAN_FRAME_FD };

	if (!(flags & EVCAN_FRAME_FD))
		return 0;
	if (!(bus->driver->caps & EVCAN_CAP_FD))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bus %s: interface %s has no CAN FD", bus->name,
		    bus->driver->name);
	if (bus->driver->check != NULL && bus->driver->check(bus, &frame,
	    NULL) == EVCAN_ERR_INVALID)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bus %s carries no CAN FD; open it with fd=true",
		    bus->name);
	return 0;
}

static int
check(struct evcan_notifier *notifier, struct evcan_bus *bus,
    const struct evcan_subscription_config *config, evcan_subscription_cb cb,
    struct evcan_error *err)
{
	bool device = bus->driver->subscribe != NULL;

	if (cb == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a subscription needs a call-back");
	if (bus->base == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bus %s has no loop, which subscriptions need",
		    bus->name);
	if (notifier != NULL && bus->notifier != notifier)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bus %s is not of this notifier; add it first",
		    bus->name);
	if (config->offload == EVCAN_OFFLOAD_ALWAYS && !device)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "bus %s: devices of interface %s watch no identifiers",
		    bus->name, bus->driver->name);
	if (notifier == NULL &&
	    (config->offload == EVCAN_OFFLOAD_NEVER || !device))
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "bus %s: the device does not watch, and there is no "
		    "notifier", bus->name);
	if (check_config(config, err) < 0)
		return EVCAN_ERR_INVALID;
	return check_format(bus, config->flags, err);
}

/* Making and ending one. */

static struct evcan_subscription *
sub_new(struct evcan_subscriptions_ *all,
    const struct evcan_subscription_config *config)
{
	struct evcan_subscription *sub = calloc(1, sizeof(*sub));

	if (sub == NULL)
		return NULL;
	sub->all = all;
	sub->config = *config;
	sub->from_start = config->from_start;
	sub->silent_ns = EVCAN_NEVER_;
	for (uint8_t i = 0; i < sizeof(config->mask); i++) {
		if (config->mask[i] != 0)
			sub->masked = i + 1;
	}
	evcan_timer_init_(&sub->timer, all->bus->clock, evcan_sub_on_timer_,
	    sub);
	if ((config->throttle_ns > 0 || config->timeout_ns > 0) &&
	    evcan_timer_set_(&sub->timer, EVCAN_NEVER_) < 0) {
		free(sub);
		return NULL;
	}
	sub->at = all->end;
	*all->end = sub;
	all->end = &sub->next;
	return sub;
}

static int
begin(struct evcan_subscription *sub, struct evcan_error *err)
{
	if (sub->config.offload != EVCAN_OFFLOAD_NEVER &&
	    sub->all->bus->driver->subscribe != NULL)
		return evcan_sub_give_(sub, err);
	return evcan_sub_watch_(sub, err);
}

struct evcan_subscription *
evcan_subscription_new(struct evcan_notifier *notifier, struct evcan_bus *bus,
    const struct evcan_subscription_config *config, evcan_subscription_cb cb,
    void *arg, struct evcan_error *err)
{
	struct evcan_subscriptions_ *all;
	struct evcan_subscription *sub;

	if (check(notifier, bus, config, cb, err) < 0)
		return NULL;
	all = evcan_subs_of_(bus);
	if (all == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
		return NULL;
	}
	sub = sub_new(all, config);
	if (sub == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
	} else {
		sub->cb = cb;
		sub->arg = arg;
		sub->here_too = notifier != NULL;
		if (begin(sub, err) < 0) {
			evcan_subscription_free(sub);
			sub = NULL;
		}
	}
	evcan_subs_leave_(all);
	return sub;
}

void
evcan_sub_end_(struct evcan_subscription *sub)
{
	if (sub->watcher == EVCAN_WATCHER_LOOP)
		sub->all->n_here--;
	sub->watcher = EVCAN_WATCHER_NONE;
	if (sub->timer.place != 0)
		evcan_timer_cancel_(&sub->timer);
}

void
evcan_subscription_free(struct evcan_subscription *sub)
{
	struct evcan_subscriptions_ *all;

	if (sub == NULL)
		return;
	all = sub->all;
	if (sub->watcher == EVCAN_WATCHER_DEVICE)
		all->bus->driver->unsubscribe(all->bus, sub->key);
	evcan_subs_enter_(all);
	evcan_sub_end_(sub);
	sub->next_grave = all->graves;
	all->graves = sub;
	evcan_subs_leave_(all);
}

void
evcan_subscription_get_stats(const struct evcan_subscription *sub,
    struct evcan_subscription_stats *stats)
{
	*stats = (struct evcan_subscription_stats){
		.told = sub->told,
		.silences = sub->silences,
		.offloaded = sub->watcher == EVCAN_WATCHER_DEVICE
	};
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* bus_life.c - a bus's life: opened, gone, open again, closed, freed */
#include "bus_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include <evcan/notifier.h>

#include "cyclic_internal.h"
#include "listener_internal.h"

/* Opening. */

void
evcan_driver_set_filtering(struct evcan_bus *bus,
    enum evcan_filtering filtering)
{
	bus->filtering = filtering;
}

static void
is_open(struct evcan_bus *bus)
{
	bus->phase = EVCAN_PHASE_OPEN;
	bus->stats.opens++;
	bus->tell_opened = true;
	bus->reopen_ns = 0;
	evcan_bus_apply_filters_(bus);
	evcan_log(EVCAN_LOG_INFO, "bus", "%s is open: %s", bus->name,
	    evcan_bus_channel_info(bus));
	evcan_bus_resume_(bus);
	evcan_subscriptions_opened_(bus);
	if (bus->waiters != NULL)
		bus->tell_writable = true;
	evcan_bus_soon_(bus);
}

static void
close_driver(struct evcan_bus *bus)
{
	bus->driver->close(bus);
	evcan_bus_unwatch_(bus);
	bus->due[EVCAN_DUE_DRIVER] = 0;
	bus->want_recv = false;
	bus->gone = false;
	bus->tx.confirms = false;
	bus->mode_unsure = false;
	bus->filtering = EVCAN_FILTERS_NONE;
	evcan_subscriptions_gone_(bus);
}

static int
open_driver(struct evcan_bus *bus, struct evcan_error *err)
{
	int r;

	bus->error_state = EVCAN_STATE_ACTIVE;
	bus->phase = EVCAN_PHASE_OPENING;
	bus->gone = false;
	r = bus->driver->open(bus, err);
	if (r == 0)
		is_open(bus);
	if (r < 0) {
		close_driver(bus);
		bus->phase = EVCAN_PHASE_CLOSED;
	}
	return r;
}

/* Without a loop the caller waits, here as in send and recv. */
static int
await_open(struct evcan_bus *bus, struct evcan_error *err)
{
	evcan_bus_await_open_(bus);
	if (bus->phase != EVCAN_PHASE_OPENING)
		return 0;
	*err = bus->error;
	close_driver(bus);
	bus->phase = EVCAN_PHASE_CLOSED;
	return err->code;
}

int
evcan_bus_open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct evcan_error why;
	int r;

	if (bus->phase != EVCAN_PHASE_CLOSED || bus->tell_closed)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "bus %s is %s", bus->name, bus->tell_closed ?
		    "still closing" : "open already");
	evcan_error_clear(&why);
	bus->reopen_ns = 0;
	r = open_driver(bus, &why);
	if (r > 0 && bus->base == NULL)
		r = await_open(bus, &why);
	if (r >= 0)
		return 0;
	if (why.code == 0)
		evcan_error_set(&why, r, 0, "bus %s cannot be opened",
		    bus->name);
	bus->error = why;
	if (err != NULL && err->code == 0) {
		*err = why;
		err->code = r;
	}
	return r;
}

void
evcan_driver_opened(struct evcan_bus *bus)
{
	if (bus->phase != EVCAN_PHASE_OPENING)
		return;
	/* It was away, and the driver knows nothing worse. */
	if (bus->error_state == EVCAN_STATE_STOPPED) {
		bus->error_state = EVCAN_STATE_ACTIVE;
		bus->tell_state = true;
	}
	is_open(bus);
}

/* What drivers say. */

void
evcan_driver_gone(struct evcan_bus *bus, int code, int system,
    const char *fmt, ...)
{
	va_list ap;

	if (bus->gone)
		return;
	va_start(ap, fmt);
	evcan_bus_set_error_(bus, code, system, fmt, ap);
	va_end(ap);
	bus->gone = true;
	evcan_bus_soon_(bus);
}

void
evcan_driver_error(struct evcan_bus *bus, int code, int system,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	evcan_bus_set_error_(bus, code, system, fmt, ap);
	va_end(ap);
	evcan_log(EVCAN_LOG_ERROR, "bus", "%s", bus->error.text);
	bus->tell_error = true;
	evcan_bus_soon_(bus);
}

void
evcan_driver_set_state(struct evcan_bus *bus, enum evcan_bus_state state)
{
	if (bus->error_state == state)
		return;
	bus->error_state = state;
	bus->stats.state_changes++;
	bus->tell_state = true;
	evcan_bus_soon_(bus);
}

void
evcan_driver_set_load(struct evcan_bus *bus, unsigned load)
{
	bus->stats.bus_load = load;
}

void
evcan_driver_lost(struct evcan_bus *bus, uint64_t frames,
    enum evcan_loss where)
{
	uint64_t *const counters[] = {
		[EVCAN_LOSS_KERNEL] = &bus->stats.lost_kernel,
		[EVCAN_LOSS_QUEUE] = &bus->stats.lost_queue,
		[EVCAN_LOSS_DEVICE] = &bus->stats.lost_device
	};

	*counters[where] += frames;
	bus->tell_lost[where] += frames;
	evcan_bus_doubt_(bus);
	evcan_bus_soon_(bus);
}

void
evcan_driver_skipped(struct evcan_bus *bus, uint64_t things)
{
	bus->stats.skipped += things;
}

void
evcan_driver_set_channel_info(struct evcan_bus *bus, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(bus->info, sizeof(bus->info), fmt, ap);
	va_end(ap);
}

void
evcan_driver_set_protocol(struct evcan_bus *bus, enum evcan_protocol protocol)
{
	bus->protocol = protocol;
}

void *
evcan_driver_state(const struct evcan_bus *bus)
{
	return bus->state;
}

const struct evcan_bus_common *
evcan_driver_common(const struct evcan_bus *bus)
{
	return &bus->common;
}

/* Telling. */

static void
tell(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info)
{
	static const struct evcan_bus_info nothing;

	if (bus->event_cb != NULL)
		bus->event_cb(bus, event, info != NULL ? info : &nothing,
		    bus->cb_arg);
}

/* Takes a flag and says whether it was set. */
static bool
take(bool *flag)
{
	bool was = *flag;

	*flag = false;
	return was;
}

static void
tell_waiters(struct evcan_bus *bus)
{
	struct evcan_waiter_ *last = bus->waiters;

	/* Those that wait again in their call-back come next time. */
	while (last != NULL && last->next != NULL)
		last = last->next;
	while (bus->waiters != NULL && !bus->freed) {
		struct evcan_waiter_ *waiter = bus->waiters;

		bus->waiters = waiter->next;
		waiter->waiting = false;
		waiter->cb(bus, waiter->arg);
		if (waiter == last)
			break;
	}
}

static void
tell_all(struct evcan_bus *bus)
{
	struct evcan_bus_info info;

	memset(&info, 0, sizeof(info));
	evcan_bus_tell_gaps_(bus);
	if (!bus->freed && take(&bus->tell_opened))
		tell(bus, EVCAN_BUS_OPENED, NULL);
	if (!bus->freed && take(&bus->tell_state)) {
		info.state = bus->error_state;
		tell(bus, EVCAN_BUS_STATE, &info);
	}
	if (!bus->freed && take(&bus->tell_error)) {
		struct evcan_error error = bus->error;

		memset(&info, 0, sizeof(info));
		info.error = &error;
		tell(bus, EVCAN_BUS_ERROR, &info);
	}
	evcan_bus_tell_outcomes_(bus);
	if (!bus->freed && take(&bus->tell_writable)) {
		bus->tx.refused = false;
		tell_waiters(bus);
		if (!bus->freed)
			tell(bus, EVCAN_BUS_WRITABLE, NULL);
	}
	if (!bus->freed && take(&bus->tell_closed)) {
		struct evcan_error error = bus->error;

		memset(&info, 0, sizeof(info));
		info.error = error.code != 0 ? &error : NULL;
		tell(bus, EVCAN_BUS_CLOSED, &info);
	}
}

/* Gone, and back. */

/* All but that of the tasks, whose grid goes on. */
static void
forget_deadlines(struct evcan_bus *bus)
{
	int64_t cyclic = bus->due[EVCAN_DUE_CYCLIC];

	memset(bus->due, 0, sizeof(bus->due));
	bus->due[EVCAN_DUE_CYCLIC] = cyclic;
}

static void
schedule_reopen(struct evcan_bus *bus)
{
	int64_t longest = (int64_t)(bus->common.reopen_max * 1e9);

	if (bus->reopen_ns == 0)
		bus->reopen_ns = (int64_t)(bus->common.reopen_interval * 1e9);
	else
		bus->reopen_ns *= 2;
	if (bus->reopen_ns > longest)
		bus->reopen_ns = longest;
	evcan_bus_set_due_(bus, EVCAN_DUE_REOPEN,
	    evcan_now_monotonic() + bus->reopen_ns);
}

static void
went_away(struct evcan_bus *bus)
{
	bool back = bus->phase != EVCAN_PHASE_CLOSING && bus->common.reopen;
	/* That it was gone is known; that it still is, is no news. */
	bool again = bus->phase == EVCAN_PHASE_OPENING && bus->reopen_ns > 0;

	if (back)
		evcan_cyclics_gone_(bus);
	else
		evcan_cyclics_stop_(bus);
	close_driver(bus);
	/* Old commands must not reach a bus that comes back later. */
	evcan_bus_tx_fail_(bus, EVCAN_ERR_GONE);
	evcan_log(again ? EVCAN_LOG_DEBUG : EVCAN_LOG_WARNING, "bus", "%s",
	    bus->error.text);
	evcan_driver_set_state(bus, EVCAN_STATE_STOPPED);
	bus->tell_error = bus->tell_error || !again;
	forget_deadlines(bus);
	if (back) {
		bus->phase = EVCAN_PHASE_GONE;
		schedule_reopen(bus);
		return;
	}
	bus->phase = EVCAN_PHASE_CLOSED;
	bus->tell_closed = true;
	bus->tell_writable = bus->waiters != NULL;
}

static void
reopen(struct evcan_bus *bus)
{
	struct evcan_error why;
	int r;

	evcan_error_clear(&why);
	bus->due[EVCAN_DUE_REOPEN] = 0;
	r = open_driver(bus, &why);
	/* Listeners saw "stopped" when it went. */
	bus->tell_state = bus->tell_state || r == 0;
	if (r > 0)
		bus->error_state = EVCAN_STATE_STOPPED;
	if (r >= 0)
		return;
	evcan_log(EVCAN_LOG_DEBUG, "bus", "%s is not back yet: %s", bus->name,
	    why.text);
	bus->error_state = EVCAN_STATE_STOPPED;
	bus->phase = EVCAN_PHASE_GONE;
	schedule_reopen(bus);
}

/* Closing. */

static void
close_now(struct evcan_bus *bus)
{
	size_t left = evcan_bus_tx_fail_(bus, EVCAN_ERR_CANCELED);

	if (bus->phase != EVCAN_PHASE_GONE)
		close_driver(bus);
	bus->phase = EVCAN_PHASE_CLOSED;
	forget_deadlines(bus);
	bus->tell_closed = true;
	bus->tell_writable = bus->waiters != NULL;
	evcan_error_clear(&bus->error);
	if (left > 0) {
		evcan_bus_fail_(bus, EVCAN_ERR_CANCELED,
		    "bus %s closed with %zu frames not sent", bus->name,
		    left);
		evcan_log(EVCAN_LOG_WARNING, "bus", "%s", bus->error.text);
	}
}

static bool
passed(const struct evcan_bus *bus, enum evcan_due_ which)
{
	return bus->due[which] != 0 &&
	    bus->due[which] <= evcan_now_monotonic();
}

static bool
close_ready(const struct evcan_bus *bus)
{
	return bus->phase == EVCAN_PHASE_CLOSING &&
	    (evcan_bus_tx_idle_(bus) || passed(bus, EVCAN_DUE_CLOSE));
}

bool
evcan_bus_unsettled_(const struct evcan_bus *bus)
{
	return bus->gone || bus->tell_opened || bus->tell_error ||
	    bus->tell_state || bus->tell_writable || bus->tell_closed ||
	    bus->tell_lost[0] + bus->tell_lost[1] + bus->tell_lost[2] > 0 ||
	    bus->tx.done.first != NULL || close_ready(bus);
}

void
evcan_bus_settle_(struct evcan_bus *bus)
{
	if (bus->gone && bus->phase != EVCAN_PHASE_CLOSED &&
	    bus->phase != EVCAN_PHASE_GONE)
		went_away(bus);
	bus->gone = false;
	if (bus->phase == EVCAN_PHASE_GONE && passed(bus, EVCAN_DUE_REOPEN))
		reopen(bus);
	if (close_ready(bus))
		close_now(bus);
	if (evcan_bus_unsettled_(bus))
		tell_all(bus);
}

int
evcan_bus_close(struct evcan_bus *bus)
{
	if (bus->phase == EVCAN_PHASE_CLOSED ||
	    bus->phase == EVCAN_PHASE_CLOSING)
		return EVCAN_ERR_STATE;
	evcan_bus_hold_(bus);
	evcan_cyclics_stop_(bus);
	if (bus->phase != EVCAN_PHASE_OPEN) {
		close_now(bus);
	} else {
		bus->phase = EVCAN_PHASE_CLOSING;
		evcan_bus_set_due_(bus, EVCAN_DUE_CLOSE,
		    evcan_now_monotonic() +
		    (int64_t)(bus->common.close_timeout * 1e9));
	}
	evcan_bus_soon_(bus);
	while (bus->base == NULL && !bus->freed &&
	    (bus->phase != EVCAN_PHASE_CLOSED || bus->tell_closed)) {
		evcan_bus_process(bus);
		if (bus->phase != EVCAN_PHASE_CLOSED)
			evcan_bus_wait_(bus, INT64_MAX);
	}
	evcan_bus_drop_(bus);
	return 0;
}

void
evcan_bus_free(struct evcan_bus *bus)
{
	if (bus == NULL || bus->freed)
		return;
	bus->freed = true;
	if (bus->notifier != NULL)
		evcan_notifier_remove_bus(bus->notifier, bus);
	evcan_notifier_forget_bus_(bus);
	bus->recv_cb = NULL;
	bus->event_cb = NULL;
	evcan_cyclics_free_(bus);
	evcan_subscriptions_free_(bus);
	if (bus->phase != EVCAN_PHASE_CLOSED) {
		evcan_bus_drain_(bus);
		close_now(bus);
	}
	/* Whoever waits for an outcome hears of it. */
	evcan_bus_tell_outcomes_(bus);
	while (bus->waiters != NULL)
		evcan_bus_unwait_writable_(bus, bus->waiters);
	if (bus->clock != NULL)
		evcan_timer_cancel_(&bus->timer);
	if (bus->soon_event != NULL)
		event_del(bus->soon_event);
	evcan_bus_drop_(bus);
}

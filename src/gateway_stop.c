/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_stop.c - how a gateway ends: nothing on its way is left behind */
#include "gateway_internal.h"

#include <stdio.h>
#include <string.h>

#include <evcan/driver.h>

#define MS ((int64_t)1000000)
/* How often it looks whether frames still arrive; how often in a row none may,
 * since those that an adapter took are in its thread, its cable and the bus
 * for a while (looks, not a time: on a busy machine threads wait for their
 * turn, and so does this); how long it looks on while a live bus never rests,
 * which is time enough for what was received before and waits in sockets; how
 * long it waits for transmit queues before closing, which waits for them
 * too. */
#define LOOK_NS (2 * MS)
#define QUIET_LOOKS 50
#define SETTLE_NS (500 * MS)
#define DRAIN_NS (1000 * MS)

static uint64_t
not_sent(const struct evcan_gateway *gateway)
{
	struct evcan_bus_stats stats;
	uint64_t sum = 0;

	for (size_t i = 0; i < gateway->plan.buses.n; i++) {
		evcan_bus_get_stats(gateway->buses[i].bus, &stats);
		sum += stats.send_failed;
	}
	return sum;
}

static uint64_t
not_written(const struct evcan_gateway *gateway)
{
	struct evcan_log_write_stats stats;
	uint64_t sum = 0;

	for (size_t i = 0; i < gateway->plan.loggers.n; i++) {
		if (gateway->loggers[i].writer == NULL)
			continue;
		evcan_log_writer_get_stats(gateway->loggers[i].writer, &stats);
		sum += stats.queued;
	}
	return sum;
}

/* A failure while stopping; the first is told at the end. */
static void
note(struct evcan_gateway *gateway, const struct evcan_error *err)
{
	if (err != NULL && gateway->stop_error.code == 0)
		gateway->stop_error = *err;
}

/* The last thing that is done. */
static void
finish(struct evcan_gateway *gateway)
{
	struct evcan_error *first = &gateway->stop_error;
	uint64_t left = 0;
	size_t len;

	if (gateway->buses != NULL && gateway->phase == EVCAN_GATEWAY_CLOSING)
		left = not_sent(gateway) - gateway->failed_before +
		    not_written(gateway);
	gateway->phase = EVCAN_GATEWAY_STOPPED;
	if (gateway->notifier != NULL)
		evcan_notifier_stop(gateway->notifier);
	len = strlen(first->text);
	if (left > 0 && first->code != 0)
		snprintf(first->text + len, sizeof(first->text) - len,
		    " (frames left in all: %llu)", (unsigned long long)left);
	else if (left > 0)
		evcan_error_set(first, EVCAN_ERR_CANCELED, 0,
		    "frames left: %llu", (unsigned long long)left);
	if (!gateway->freed && gateway->stopped_cb != NULL)
		gateway->stopped_cb(gateway, first->code != 0 ? first : NULL,
		    gateway->stopped_arg);
}

static void
close_buses(struct evcan_gateway *gateway)
{
	gateway->phase = EVCAN_GATEWAY_CLOSING;
	for (size_t i = 0; i < gateway->plan.buses.n; i++)
		gateway->buses[i].closing =
		    evcan_bus_close(gateway->buses[i].bus) == 0;
}

static bool
buses_closing(const struct evcan_gateway *gateway)
{
	for (size_t i = 0; i < gateway->plan.buses.n; i++) {
		if (gateway->buses[i].closing)
			return true;
	}
	return false;
}

static void
on_written(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct evcan_gateway_logger_ *logger = arg;

	(void)writer;
	logger->closing = false;
	note(logger->gateway, err);
	evcan_gateway_advance_(logger->gateway);
}

static void
on_late_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct evcan_gateway *gateway = arg;

	evcan_gateway_hold_(gateway);
	if (event == EVCAN_BUS_ERROR && info->error != NULL)
		evcan_gateway_tell_(gateway, "error", "%s", info->error->text);
	evcan_gateway_on_bus_event_(bus, event, info, gateway);
	evcan_gateway_drop_(gateway);
}

/* From here on nothing is received that is not recorded. */
static void
stop_receiving(struct evcan_gateway *gateway)
{
	for (size_t i = 0; i < gateway->plan.buses.n; i++) {
		struct evcan_bus *bus = gateway->buses[i].bus;

		evcan_notifier_remove_bus(gateway->notifier, bus);
		evcan_bus_set_cb(bus, NULL, on_late_event, gateway);
	}
}

static void
close_writers(struct evcan_gateway *gateway)
{
	gateway->phase = EVCAN_GATEWAY_FLUSHING;
	stop_receiving(gateway);
	for (size_t i = 0; i < gateway->plan.bridges.n; i++)
		evcan_bridge_stop_(gateway->bridges[i]);
	for (size_t i = 0; i < gateway->plan.loggers.n; i++) {
		struct evcan_gateway_logger_ *logger = &gateway->loggers[i];

		evcan_gateway_detach_logger_(logger);
		logger->closing = evcan_log_writer_close(logger->writer,
		    on_written, logger) == 0;
	}
}

static bool
writers_closing(const struct evcan_gateway *gateway)
{
	for (size_t i = 0; i < gateway->plan.loggers.n; i++) {
		if (gateway->loggers[i].closing)
			return true;
	}
	return false;
}

/* Whether frames are still on their way from bus to bus. */
static bool
is_drained(struct evcan_gateway *gateway)
{
	int64_t now = evcan_now_monotonic();
	struct evcan_bus_stats stats;
	uint64_t queued = 0, seen = 0;

	for (size_t i = 0; i < gateway->plan.buses.n; i++) {
		evcan_bus_get_stats(gateway->buses[i].bus, &stats);
		queued += stats.tx_queued;
		seen += stats.received + stats.filtered + stats.sent;
	}
	gateway->quiet_looks++;
	if (queued > 0 || seen != gateway->seen)
		gateway->quiet_looks = 0;
	gateway->seen = seen;
	if (queued > 0)
		gateway->settled_ns = now + SETTLE_NS;
	return now >= gateway->deadline_ns ||
	    gateway->quiet_looks >= QUIET_LOOKS ||
	    (queued == 0 && now >= gateway->settled_ns);
}

static void
advance(struct evcan_gateway *gateway)
{
	if (gateway->phase == EVCAN_GATEWAY_DRAINING) {
		if (!is_drained(gateway)) {
			evcan_timer_set_(&gateway->timer,
			    evcan_now_monotonic() + LOOK_NS);
			return;
		}
		close_writers(gateway);
	}
	/* Before the start there may be buses, and nothing else. */
	if ((gateway->phase == EVCAN_GATEWAY_FLUSHING &&
	    !writers_closing(gateway)) ||
	    (gateway->phase == EVCAN_GATEWAY_NEW && gateway->opened))
		close_buses(gateway);
	if (gateway->phase == EVCAN_GATEWAY_CLOSING &&
	    !buses_closing(gateway))
		finish(gateway);
	else if (gateway->phase == EVCAN_GATEWAY_NEW ||
	    gateway->phase == EVCAN_GATEWAY_FAILED)
		finish(gateway);
}

void
evcan_gateway_on_timer_(struct evcan_timer_ *timer, void *arg)
{
	struct evcan_gateway *gateway = arg;

	(void)timer;
	evcan_gateway_hold_(gateway);
	advance(gateway);
	evcan_gateway_drop_(gateway);
}

void
evcan_gateway_advance_(struct evcan_gateway *gateway)
{
	if (!gateway->freed && gateway->phase > EVCAN_GATEWAY_DRAINING &&
	    gateway->phase < EVCAN_GATEWAY_STOPPED)
		evcan_timer_set_(&gateway->timer, evcan_now_monotonic());
}

int
evcan_gateway_stop(struct evcan_gateway *gateway, evcan_gateway_cb cb,
    void *arg)
{
	int64_t now = evcan_now_monotonic();
	int r;

	if (gateway->stopping)
		return EVCAN_ERR_STATE;
	r = evcan_timer_set_(&gateway->timer, now);
	if (r < 0)
		return r;
	gateway->stopping = true;
	gateway->stopped_cb = cb;
	gateway->stopped_arg = arg;
	if (gateway->phase != EVCAN_GATEWAY_FAILED)
		gateway->failed_before = not_sent(gateway);
	if (gateway->phase != EVCAN_GATEWAY_RUNNING)
		return 0;
	evcan_gateway_stop_senders_(gateway);
	gateway->phase = EVCAN_GATEWAY_DRAINING;
	gateway->seen = UINT64_MAX;
	gateway->settled_ns = now + SETTLE_NS;
	gateway->deadline_ns = now + DRAIN_NS;
	return 0;
}

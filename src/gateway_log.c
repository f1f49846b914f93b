/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_log.c - a gateway's loggers: writers on its notifier */
#include "gateway_internal.h"

#include <evcan/driver.h>
#include <evcan/listener.h>
#include <evcan/options.h>

/* A logger with filters has a listener of its own before the writer's. Only
 * it knows how many of the frames not taken were wanted, so it counts them,
 * and marks the gap, itself. */

static void
tap_untold(struct evcan_gateway_logger_ *logger, struct evcan_bus *bus)
{
	struct evcan_gap gap = {
		.lost = logger->untold, .where = EVCAN_LOSS_QUEUE,
		.time_ns = evcan_now_unix()
	};

	if (logger->untold == 0)
		return;
	logger->untold = 0;
	evcan_listener_feed_gap(evcan_log_writer_listener(logger->writer),
	    bus, &gap);
}

static void
tap_some(struct evcan_gateway_logger_ *logger, struct evcan_bus *bus,
    const struct evcan_frame *batch, size_t n)
{
	int r;

	if (n == 0)
		return;
	tap_untold(logger, bus);
	r = evcan_listener_feed(evcan_log_writer_listener(logger->writer),
	    bus, batch, n);
	n -= r > 0 ? (size_t)r : 0;
	logger->dropped += n;
	logger->untold += n;
}

static int
tap_frames(struct evcan_listener *tap, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	struct evcan_gateway_logger_ *logger = arg;
	struct evcan_clock_ *clock = logger->gateway->clock;
	struct evcan_frame *batch = evcan_clock_batch_(clock);
	size_t m = 0;

	(void)tap;
	if (batch == NULL)
		return EVCAN_ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		if (evcan_filters_match(logger->filters, &frames[i]))
			batch[m++] = frames[i];
		if (m == EVCAN_BATCH) {
			tap_some(logger, bus, batch, m);
			m = 0;
		}
	}
	tap_some(logger, bus, batch, m);
	evcan_clock_unbatch_(clock, batch);
	return (int)n;
}

static void
tap_gap(struct evcan_listener *tap, struct evcan_bus *bus,
    const struct evcan_gap *gap, void *arg)
{
	struct evcan_gateway_logger_ *logger = arg;

	(void)tap;
	evcan_listener_feed_gap(evcan_log_writer_listener(logger->writer),
	    bus, gap);
}

static const struct evcan_listener_ops tap_ops = {
	.frames = tap_frames, .gap = tap_gap
};

static void
on_error(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct evcan_gateway_logger_ *logger = arg;
	struct evcan_gateway *gateway = logger->gateway;

	(void)writer;
	evcan_gateway_hold_(gateway);
	if (err != NULL)
		evcan_gateway_tell_(gateway, "error", "%s", err->text);
	else
		evcan_gateway_tell_(gateway, "logger",
		    "%s is written again", logger->part->name);
	evcan_gateway_drop_(gateway);
}

static void
on_rotated(struct evcan_log_writer *writer, const char *path, void *arg)
{
	struct evcan_gateway_logger_ *logger = arg;
	struct evcan_gateway *gateway = logger->gateway;

	(void)writer;
	evcan_gateway_hold_(gateway);
	evcan_gateway_tell_(gateway, "logger", "%s is complete", path);
	evcan_gateway_drop_(gateway);
}

static struct evcan_listener *
entrance(const struct evcan_gateway_logger_ *logger)
{
	return logger->tap != NULL ? logger->tap :
	    evcan_log_writer_listener(logger->writer);
}

static int
attach(struct evcan_gateway_logger_ *logger)
{
	struct evcan_gateway *gateway = logger->gateway;
	const struct evcan_plan_part_ *part = logger->part;
	struct evcan_listener *listener = entrance(logger);
	int r = 0;

	if (part->n_buses == 0)
		return evcan_notifier_add_listener(gateway->notifier, listener,
		    NULL);
	for (size_t i = 0; i < part->n_buses && r == 0; i++)
		r = evcan_notifier_add_listener(gateway->notifier, listener,
		    gateway->buses[part->buses[i]].bus);
	return r;
}

static int
open_logger(struct evcan_gateway_logger_ *logger, struct evcan_error *err)
{
	const struct evcan_plan_part_ *part = logger->part;
	struct evcan_error error = { 0 };

	logger->writer = evcan_log_writer_new(logger->gateway->base,
	    part->name, part->options, &error);
	if (logger->writer == NULL)
		return evcan_plan_blame_(part, &error, err);
	evcan_log_writer_set_error_cb(logger->writer, on_error, logger);
	evcan_log_writer_set_rotate_cb(logger->writer, on_rotated, logger);
	if (part->n_filters > 0) {
		logger->filters = evcan_filters_new(part->filters,
		    part->n_filters, EVCAN_FILTER_OR, &error);
		if (logger->filters == NULL)
			return evcan_plan_blame_(part, &error, err);
		logger->tap = evcan_listener_new(&tap_ops, logger);
		if (logger->tap == NULL)
			goto no_memory;
	}
	if (attach(logger) == 0)
		return 0;
no_memory:
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "%s: out of memory", part->where);
}

int
evcan_gateway_open_loggers_(struct evcan_gateway *gateway,
    struct evcan_error *err)
{
	int r = 0;

	for (size_t i = 0; i < gateway->plan.loggers.n && r == 0; i++) {
		gateway->loggers[i].gateway = gateway;
		gateway->loggers[i].part = &gateway->plan.loggers.parts[i];
		r = open_logger(&gateway->loggers[i], err);
	}
	return r;
}

void
evcan_gateway_detach_logger_(struct evcan_gateway_logger_ *logger)
{
	while (evcan_notifier_remove_listener(logger->gateway->notifier,
	    entrance(logger)) == 0)
		;
}

void
evcan_gateway_free_logger_(struct evcan_gateway_logger_ *logger)
{
	if (logger->tap != NULL)
		evcan_listener_free(logger->tap);
	if (logger->writer != NULL)
		evcan_log_writer_free(logger->writer);
	evcan_filters_free(logger->filters);
	logger->tap = NULL;
	logger->writer = NULL;
	logger->filters = NULL;
}

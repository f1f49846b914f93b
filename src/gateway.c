/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway.c - buses, loggers, bridges, tasks and players of one document */
#include "gateway_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/listener.h>
#include <evcan/options.h>

#include "json.h"

/* Telling */

void
evcan_gateway_hold_(struct evcan_gateway *gateway)
{
	gateway->holds++;
}

void
evcan_gateway_tell_(struct evcan_gateway *gateway, const char *what,
    const char *fmt, ...)
{
	char text[600];
	va_list ap;

	if (gateway->freed || gateway->event_cb == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gateway->event_cb(gateway, what, text, gateway->event_arg);
}

static void
tell_bus(struct evcan_gateway *gateway, struct evcan_bus *bus,
    enum evcan_bus_event event, const struct evcan_bus_info *info)
{
	static const char *const states[] = {
		[EVCAN_STATE_ACTIVE] = "error active",
		[EVCAN_STATE_WARNING] = "error warning",
		[EVCAN_STATE_PASSIVE] = "error passive",
		[EVCAN_STATE_BUS_OFF] = "bus-off",
		[EVCAN_STATE_STOPPED] = "stopped"
	};
	static const char *const places[] = {
		[EVCAN_LOSS_KERNEL] = "kernel", [EVCAN_LOSS_QUEUE] = "queue",
		[EVCAN_LOSS_DEVICE] = "device"
	};
	const char *name = evcan_bus_name(bus);

	if (event == EVCAN_BUS_OPENED)
		evcan_gateway_tell_(gateway, "opened", "bus %s is open: %s",
		    name, evcan_bus_channel_info(bus));
	else if (event == EVCAN_BUS_CLOSED)
		evcan_gateway_tell_(gateway, "closed", "bus %s is closed",
		    name);
	else if (event == EVCAN_BUS_STATE)
		evcan_gateway_tell_(gateway, "state", "bus %s is %s", name,
		    states[info->state]);
	else if (event == EVCAN_BUS_GAP)
		evcan_gateway_tell_(gateway, "gap",
		    "bus %s lost %llu frames (%s)", name,
		    (unsigned long long)info->lost,
		    places[info->lost_where]);
}

static void
note_closed(struct evcan_gateway *gateway, const struct evcan_bus *bus,
    const struct evcan_error *err)
{
	for (size_t i = 0; i < gateway->plan.buses.n; i++) {
		struct evcan_gateway_bus_ *one = &gateway->buses[i];

		if (one->bus != bus || !one->closing)
			continue;
		one->closing = false;
		if (err != NULL && gateway->stop_error.code == 0)
			gateway->stop_error = *err;
		evcan_gateway_advance_(gateway);
	}
}

void
evcan_gateway_on_bus_event_(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct evcan_gateway *gateway = arg;

	evcan_gateway_hold_(gateway);
	if (event == EVCAN_BUS_CLOSED)
		note_closed(gateway, bus, info->error);
	if (event == EVCAN_BUS_OPENED)
		evcan_gateway_bus_opened_(gateway, bus);
	tell_bus(gateway, bus, event, info);
	evcan_gateway_drop_(gateway);
}

/* The notifier says here what goes wrong with a bus or a listener. */
static int
on_error(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_error *error, void *arg)
{
	struct evcan_gateway *gateway = arg;

	(void)listener;
	(void)bus;
	evcan_gateway_hold_(gateway);
	evcan_gateway_tell_(gateway, "error", "%s", error->text);
	evcan_gateway_drop_(gateway);
	return 1;
}

static const struct evcan_listener_ops ear_ops = { .error = on_error };

/* Making */

static int
no_memory(struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "out of memory for a gateway");
}

static int
make_bus(struct evcan_gateway *gateway, size_t i, struct evcan_error *err)
{
	const struct evcan_plan_part_ *part = &gateway->plan.buses.parts[i];
	struct evcan_error error = { 0 };
	struct evcan_bus *bus;
	int r;

	if (evcan_options_set_default(part->options, "name", part->name,
	    NULL) < 0)
		return no_memory(err);
	bus = evcan_bus_new(gateway->base, part->options, &error);
	if (bus == NULL)
		return evcan_plan_blame_(part, &error, err);
	gateway->buses[i].bus = bus;
	if (part->n_filters > 0 && evcan_bus_set_filters(bus, part->filters,
	    part->n_filters, EVCAN_FILTER_OR, &error) < 0)
		return evcan_plan_blame_(part, &error, err);
	r = evcan_notifier_add_bus(gateway->notifier, bus);
	return r < 0 ? no_memory(err) : 0;
}

static int
make_bridge(struct evcan_gateway *gateway, size_t i, struct evcan_error *err)
{
	const struct evcan_plan_part_ *part = &gateway->plan.bridges.parts[i];
	struct evcan_error error = { 0 };
	struct evcan_bridge *bridge = evcan_bridge_new(gateway->notifier,
	    gateway->buses[part->buses[0]].bus,
	    gateway->buses[part->buses[1]].bus, &error);

	if (bridge == NULL)
		return evcan_plan_blame_(part, &error, err);
	gateway->bridges[i] = bridge;
	if (evcan_bridge_set_filters(bridge, part->filters, part->n_filters,
	    EVCAN_FILTER_OR, &error) < 0)
		return evcan_plan_blame_(part, &error, err);
	return 0;
}

static bool
make_arrays(struct evcan_gateway *gateway)
{
	const struct evcan_plan_ *plan = &gateway->plan;

	gateway->buses = calloc(plan->buses.n + 1, sizeof(*gateway->buses));
	gateway->loggers = calloc(plan->loggers.n + 1,
	    sizeof(*gateway->loggers));
	gateway->bridges = calloc(plan->bridges.n + 1,
	    sizeof(*gateway->bridges));
	gateway->cyclics = calloc(plan->cyclics.n + 1,
	    sizeof(*gateway->cyclics));
	gateway->begun = calloc(plan->cyclics.n + 1, sizeof(*gateway->begun));
	gateway->players = calloc(plan->players.n + 1,
	    sizeof(*gateway->players));
	return gateway->buses != NULL && gateway->loggers != NULL &&
	    gateway->bridges != NULL && gateway->cyclics != NULL &&
	    gateway->begun != NULL && gateway->players != NULL;
}

static int
make(struct evcan_gateway *gateway, struct evcan_error *err)
{
	int r = 0;

	if (gateway->base == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a gateway needs an event_base");
	gateway->clock = evcan_clock_get_(gateway->base);
	gateway->notifier = evcan_notifier_new(gateway->base);
	gateway->ear = evcan_listener_new(&ear_ops, gateway);
	if (gateway->clock == NULL || gateway->notifier == NULL ||
	    gateway->ear == NULL || !make_arrays(gateway))
		return no_memory(err);
	evcan_timer_init_(&gateway->timer, gateway->clock,
	    evcan_gateway_on_timer_, gateway);
	evcan_notifier_set_event_cb(gateway->notifier,
	    evcan_gateway_on_bus_event_, gateway);
	if (evcan_notifier_add_listener(gateway->notifier, gateway->ear,
	    NULL) < 0)
		return no_memory(err);
	for (size_t i = 0; i < gateway->plan.buses.n && r == 0; i++)
		r = make_bus(gateway, i, err);
	for (size_t i = 0; i < gateway->plan.bridges.n && r == 0; i++)
		r = make_bridge(gateway, i, err);
	return r == 0 ? evcan_gateway_make_cyclics_(gateway, err) : r;
}

static struct evcan_gateway *
gateway_new(struct event_base *base, struct evcan_json_ *doc,
    struct evcan_error *err)
{
	struct evcan_gateway *gateway = calloc(1, sizeof(*gateway));
	int r;

	if (gateway == NULL)
		r = no_memory(err);
	else
		r = evcan_plan_read_(&gateway->plan, doc, err);
	evcan_json_clear_(doc);
	if (gateway == NULL)
		return NULL;
	gateway->base = base;
	if (r == 0)
		r = make(gateway, err);
	if (r == 0)
		return gateway;
	evcan_gateway_free(gateway);
	return NULL;
}

struct evcan_gateway *
evcan_gateway_new(struct event_base *base, const char *path,
    struct evcan_error *err)
{
	struct evcan_json_ doc;

	if (evcan_json_load_(&doc, path, err) < 0)
		return NULL;
	return gateway_new(base, &doc, err);
}

struct evcan_gateway *
evcan_gateway_new_text(struct event_base *base, const char *text, size_t len,
    const char *name, struct evcan_error *err)
{
	struct evcan_json_ doc;

	if (evcan_json_parse_(&doc, text, len, name, err) < 0)
		return NULL;
	return gateway_new(base, &doc, err);
}

/* Releasing */

/* Everything that is open; also half of it. Buses go last: the others use
 * them. */
static void
free_parts(struct evcan_gateway *gateway)
{
	evcan_gateway_free_senders_(gateway);
	for (size_t i = 0; gateway->bridges != NULL &&
	    i < gateway->plan.bridges.n; i++) {
		evcan_bridge_free(gateway->bridges[i]);
		gateway->bridges[i] = NULL;
	}
	for (size_t i = 0; gateway->loggers != NULL &&
	    i < gateway->plan.loggers.n; i++)
		evcan_gateway_free_logger_(&gateway->loggers[i]);
	for (size_t i = 0; gateway->buses != NULL &&
	    i < gateway->plan.buses.n; i++) {
		evcan_bus_free(gateway->buses[i].bus);
		gateway->buses[i].bus = NULL;
	}
}

void
evcan_gateway_drop_(struct evcan_gateway *gateway)
{
	if (--gateway->holds >= 0 || !gateway->freed)
		return;
	evcan_clock_put_(gateway->clock);
	free(gateway->buses);
	free(gateway->loggers);
	free(gateway->bridges);
	free(gateway->cyclics);
	free(gateway->begun);
	free(gateway->players);
	evcan_plan_clear_(&gateway->plan);
	free(gateway);
}

void
evcan_gateway_free(struct evcan_gateway *gateway)
{
	if (gateway == NULL)
		return;
	gateway->freed = true;
	if (gateway->clock != NULL)
		evcan_timer_cancel_(&gateway->timer);
	free_parts(gateway);
	if (gateway->ear != NULL)
		evcan_listener_free(gateway->ear);
	if (gateway->notifier != NULL)
		evcan_notifier_free(gateway->notifier);
	evcan_gateway_drop_(gateway);
}

/* Starting */

static int
open_buses(struct evcan_gateway *gateway, struct evcan_error *err)
{
	struct evcan_error error = { 0 };

	for (size_t i = 0; i < gateway->plan.buses.n; i++) {
		if (evcan_bus_open(gateway->buses[i].bus, &error) < 0)
			return evcan_plan_blame_(
			    &gateway->plan.buses.parts[i], &error, err);
	}
	return 0;
}

static int
cannot_start(const struct evcan_gateway *gateway, struct evcan_error *err)
{
	if (gateway->phase == EVCAN_GATEWAY_NEW && !gateway->stopping)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_STATE, 0,
	    "a gateway can be started once");
}

int
evcan_gateway_open(struct evcan_gateway *gateway, struct evcan_error *err)
{
	int r = cannot_start(gateway, err);

	if (r < 0 || gateway->opened)
		return r;
	gateway->opened = true;
	r = open_buses(gateway, err);
	if (r < 0) {
		gateway->phase = EVCAN_GATEWAY_FAILED;
		free_parts(gateway);
	}
	return r;
}

/* Log files are emptied when they are opened: last, when nothing else can
 * fail. */
int
evcan_gateway_start(struct evcan_gateway *gateway, struct evcan_error *err)
{
	int r = evcan_gateway_open(gateway, err);

	if (r < 0)
		return r;
	r = evcan_gateway_open_players_(gateway, err);
	if (r == 0)
		r = evcan_gateway_open_loggers_(gateway, err);
	if (r == 0)
		r = evcan_gateway_start_senders_(gateway, err);
	gateway->phase = r == 0 ? EVCAN_GATEWAY_RUNNING :
	    EVCAN_GATEWAY_FAILED;
	if (r < 0)
		free_parts(gateway);
	return r;
}

void
evcan_gateway_reopen_logs(struct evcan_gateway *gateway)
{
	for (size_t i = 0; i < gateway->plan.loggers.n; i++) {
		if (gateway->loggers[i].writer != NULL)
			evcan_log_writer_reopen(gateway->loggers[i].writer);
	}
}

/* Looking */

void
evcan_gateway_set_played_cb(struct evcan_gateway *gateway,
    evcan_gateway_cb cb, void *arg)
{
	gateway->played_cb = cb;
	gateway->played_arg = arg;
}

void
evcan_gateway_set_event_cb(struct evcan_gateway *gateway,
    evcan_gateway_event_cb cb, void *arg)
{
	gateway->event_cb = cb;
	gateway->event_arg = arg;
}

struct evcan_bus *
evcan_gateway_bus(struct evcan_gateway *gateway, size_t i)
{
	return i < gateway->plan.buses.n ? gateway->buses[i].bus : NULL;
}

struct evcan_bus *
evcan_gateway_bus_named(struct evcan_gateway *gateway, const char *name)
{
	for (size_t i = 0; i < gateway->plan.buses.n; i++) {
		if (strcmp(gateway->plan.buses.parts[i].name, name) == 0)
			return gateway->buses[i].bus;
	}
	return NULL;
}

struct evcan_log_writer *
evcan_gateway_logger(struct evcan_gateway *gateway, size_t i)
{
	return i < gateway->plan.loggers.n ? gateway->loggers[i].writer : NULL;
}

struct evcan_bridge *
evcan_gateway_bridge(struct evcan_gateway *gateway, size_t i)
{
	return i < gateway->plan.bridges.n ? gateway->bridges[i] : NULL;
}

struct evcan_cyclic *
evcan_gateway_cyclic(struct evcan_gateway *gateway, size_t i)
{
	return i < gateway->plan.cyclics.n ? gateway->cyclics[i] : NULL;
}

struct evcan_player *
evcan_gateway_player(struct evcan_gateway *gateway, size_t i)
{
	return i < gateway->plan.players.n ? gateway->players[i] : NULL;
}

struct evcan_notifier *
evcan_gateway_notifier(struct evcan_gateway *gateway)
{
	return gateway->notifier;
}

static void
add_bus(struct evcan_gateway_totals *totals, const struct evcan_bus *bus)
{
	struct evcan_bus_stats stats;

	evcan_bus_get_stats(bus, &stats);
	totals->received += stats.received;
	totals->sent += stats.sent;
	totals->lost += stats.lost_kernel + stats.lost_queue +
	    stats.lost_device + stats.send_failed;
}

/* Frames that a full writer did not take are counted by whoever offered
 * them; once all is closed, what is still queued is lost too. */
static void
add_logger(struct evcan_gateway_totals *totals,
    const struct evcan_gateway_logger_ *logger, bool closed)
{
	struct evcan_log_write_stats stats;

	evcan_log_writer_get_stats(logger->writer, &stats);
	totals->recorded += stats.written;
	totals->lost += logger->dropped + evcan_listener_dropped(
	    evcan_log_writer_listener(logger->writer)) + stats.unfit;
	if (closed)
		totals->lost += stats.queued;
}

static void
add_bridge(struct evcan_gateway_totals *totals,
    const struct evcan_bridge *bridge)
{
	struct evcan_bridge_stats stats;

	evcan_bridge_get_stats(bridge, &stats);
	totals->bridged += stats.forwarded;
	totals->lost += stats.looped + stats.refused + stats.dropped;
}

static void
add_player(struct evcan_gateway_totals *totals,
    const struct evcan_player *player)
{
	struct evcan_player_stats stats;

	evcan_player_get_stats(player, &stats);
	totals->replayed += stats.sent;
	totals->lost += stats.refused;
}

static void
add_cyclic(struct evcan_gateway_totals *totals,
    const struct evcan_cyclic *task)
{
	struct evcan_cyclic_stats stats;

	evcan_cyclic_get_stats(task, &stats);
	totals->cyclic += stats.sent;
	totals->lost += stats.failed;
}

void
evcan_gateway_get_totals(struct evcan_gateway *gateway,
    struct evcan_gateway_totals *totals)
{
	const struct evcan_plan_ *plan = &gateway->plan;

	/* Before the start, and after one that failed, parts are missing. */
	memset(totals, 0, sizeof(*totals));
	for (size_t i = 0; i < plan->buses.n; i++) {
		if (gateway->buses[i].bus != NULL)
			add_bus(totals, gateway->buses[i].bus);
	}
	for (size_t i = 0; i < plan->bridges.n; i++) {
		if (gateway->bridges[i] != NULL)
			add_bridge(totals, gateway->bridges[i]);
	}
	for (size_t i = 0; i < plan->loggers.n; i++) {
		if (gateway->loggers[i].writer != NULL)
			add_logger(totals, &gateway->loggers[i],
			    gateway->phase == EVCAN_GATEWAY_STOPPED);
	}
	for (size_t i = 0; i < plan->cyclics.n; i++) {
		if (gateway->cyclics[i] != NULL)
			add_cyclic(totals, gateway->cyclics[i]);
	}
	for (size_t i = 0; i < plan->players.n; i++) {
		if (gateway->players[i] != NULL)
			add_player(totals, gateway->players[i]);
	}
}

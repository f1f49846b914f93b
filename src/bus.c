/* SPDX-License-Identifier: BSD-3-Clause */
/* bus.c - a bus is made of options, set, asked and released */
#include "bus_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/bit_timing.h>
#include <evcan/channel.h>
#include <evcan/config.h>
#include <evcan/options.h>

#include "registry.h"

#define COMMON(member) offsetof(struct evcan_bus_common, member)

static const struct evcan_option common_options[] = {
	{ "interface", "bustype", EVCAN_OPTION_TEXT, NULL, 0, 0, NULL,
	    "the driver, see `evcan list drivers`", EVCAN_OPTION_REQUIRED,
	    COMMON(interface) },
	{ "channel", NULL, EVCAN_OPTION_TEXT, NULL, 0, 0, NULL,
	    "the channel, as the interface names it", 0, COMMON(channel) },
	{ "bitrate", NULL, EVCAN_OPTION_INT, NULL, 0, 1e9, NULL,
	    "nominal bit rate in bit/s", 0, COMMON(bitrate) },
	{ "data_bitrate", NULL, EVCAN_OPTION_INT, NULL, 0, 1e9, NULL,
	    "bit rate of CAN FD data in bit/s", 0, COMMON(data_bitrate) },
	{ "fd", NULL, EVCAN_OPTION_BOOL, "false", 0, 0, NULL,
	    "use CAN FD", 0, COMMON(fd) },
	{ "timing", NULL, EVCAN_OPTION_TIMING, NULL, 0, 0, NULL,
	    "exact bit timing, instead of bit rates", 0, COMMON(timing) },
	{ "state", "mode", EVCAN_OPTION_CHOICE, "ACTIVE", 0, 0,
	    "ACTIVE PASSIVE ACTIVE=can.bus.BusState.ACTIVE "
	    "PASSIVE=can.bus.BusState.PASSIVE ACTIVE=normal "
	    "PASSIVE=listen_only",
	    "PASSIVE only listens", 0, COMMON(mode) },
	{ "can_filters", "filters", EVCAN_OPTION_FILTERS, NULL, 0, 0, NULL,
	    "frames wanted: ID:MASK or ID~MASK in hex, or a JSON array", 0,
	    COMMON(can_filters) },
	{ "tx_queue_size", NULL, EVCAN_OPTION_INT, "1024", 1, 1 << 20, NULL,
	    "frames that may wait to be sent", 0, COMMON(tx_queue_size) },
	{ "budget", NULL, EVCAN_OPTION_INT, "1024", 1, 1 << 20, NULL,
	    "frames read in one turn of the loop, so that other buses have "
	    "theirs", 0, COMMON(budget) },
	{ "close_timeout", NULL, EVCAN_OPTION_REAL, "1", 0, 3600, NULL,
	    "seconds that closing waits for frames to be sent", 0,
	    COMMON(close_timeout) },
	{ "reopen", NULL, EVCAN_OPTION_BOOL, "true", 0, 0, NULL,
	    "come back after the device was gone", 0, COMMON(reopen) },
	{ "reopen_interval", NULL, EVCAN_OPTION_REAL, "0.1", 0.001, 3600,
	    NULL, "seconds to the first try; doubles", 0,
	    COMMON(reopen_interval) },
	{ "reopen_max", NULL, EVCAN_OPTION_REAL, "2", 0.001, 3600, NULL,
	    "seconds between tries at most", 0, COMMON(reopen_max) },
	{ "name", NULL, EVCAN_OPTION_TEXT, NULL, 0, 0, NULL,
	    "what messages call this bus", 0, COMMON(name) },
	{ "channel_name", NULL, EVCAN_OPTION_TEXT, NULL, 0, 0, NULL,
	    "what frames and logs call the channel, where its own name "
	    "would not tell it apart", 0, COMMON(channel_name) },
	{ "ignore_config", NULL, EVCAN_OPTION_BOOL, "false", 0, 0, NULL,
	    "read no can.conf and no CAN_* variable", 0,
	    COMMON(ignore_config) },
	{ "config", NULL, EVCAN_OPTION_TEXT, NULL, 0, 0, NULL,
	    "file to read instead of can.conf", 0, COMMON(config) },
	{ "config_context", "context", EVCAN_OPTION_TEXT, NULL, 0, 0, NULL,
	    "section of the configuration, suffix of CAN_* variables", 0,
	    COMMON(config_context) },
	{ .name = NULL }
};

const struct evcan_option *
evcan_bus_options(void)
{
	return common_options;
}

void
evcan_bus_hold_(struct evcan_bus *bus)
{
	bus->refs++;
}

static void
release(struct evcan_bus *bus)
{
	if (bus->driver != NULL && bus->driver->destroy != NULL &&
	    bus->state != NULL)
		bus->driver->destroy(bus);
	evcan_bus_io_destroy_(bus);
	evcan_bus_tx_destroy_(bus);
	evcan_filters_free(bus->filters);
	evcan_options_free(bus->options);
	free(bus->state);
	free(bus->name);
	free(bus);
}

void
evcan_bus_drop_(struct evcan_bus *bus)
{
	if (--bus->refs == 0)
		release(bus);
}

void
evcan_bus_set_error_(struct evcan_bus *bus, int code, int system,
    const char *fmt, va_list ap)
{
	char text[sizeof(bus->error.text)];

	vsnprintf(text, sizeof(text), fmt, ap);
	evcan_error_clear(&bus->error);
	evcan_error_set(&bus->error, code, system, "%s", text);
	bus->error.vendor = bus->vendor_code;
	bus->vendor_code = 0;
}

void
evcan_driver_vendor_code(struct evcan_bus *bus, long code)
{
	bus->vendor_code = code;
}

int
evcan_bus_fail_(struct evcan_bus *bus, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	evcan_bus_set_error_(bus, code, 0, fmt, ap);
	va_end(ap);
	return code;
}

/* Making one. */

/* Completes options and finds the driver. */
static int
choose_driver(struct evcan_bus *bus, struct evcan_error *err)
{
	static const struct evcan_option few[] = {
		{ "ignore_config", NULL, EVCAN_OPTION_BOOL, "false", 0, 0,
		    NULL, "", 0, COMMON(ignore_config) },
		{ "config", NULL, EVCAN_OPTION_TEXT, NULL, 0, 0, NULL, "", 0,
		    COMMON(config) },
		{ "config_context", "context", EVCAN_OPTION_TEXT, NULL, 0, 0,
		    NULL, "", 0, COMMON(config_context) },
		{ .name = NULL }
	};
	const char *name;
	int r = evcan_options_fill(bus->options, few, &bus->common, err);

	if (r == 0 && !bus->common.ignore_config)
		r = evcan_config_load(bus->options, bus->common.config,
		    bus->common.config_context, err);
	if (r == 0)
		r = evcan_timing_join(bus->options, err);
	if (r < 0)
		return r;
	name = evcan_options_get(bus->options, "interface");
	if (name == NULL)
		name = evcan_options_get(bus->options, "bustype");
	bus->driver = evcan_registry_driver_(name, err);
	return bus->driver == NULL ? EVCAN_ERR_NOT_IMPLEMENTED : 0;
}

static int
fill_options(struct evcan_bus *bus, struct evcan_error *err)
{
	const struct evcan_option *lists[] = {
		common_options, bus->driver->options
	};
	char what[80];
	int r;

	snprintf(what, sizeof(what), "interface %s", bus->driver->name);
	bus->state = calloc(1, bus->driver->state_size > 0 ?
	    bus->driver->state_size : 1);
	if (bus->state == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory");
	r = evcan_options_refuse_unknown(bus->options, lists, 2, what, err);
	if (r == 0)
		r = evcan_options_fill(bus->options, common_options,
		    &bus->common, err);
	if (r == 0 && bus->driver->options != NULL)
		r = evcan_options_fill(bus->options, bus->driver->options,
		    bus->state, err);
	return r;
}

int
evcan_bus_set_name(struct evcan_bus *bus, const char *name)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return EVCAN_ERR_NOMEM;
	free(bus->name);
	bus->name = copy;
	return 0;
}

static int
name_bus(struct evcan_bus *bus, struct evcan_error *err)
{
	const char *channel = bus->common.channel;
	const char *called = bus->common.channel_name != NULL ?
	    bus->common.channel_name : channel;
	char name[300];
	int index;

	if (called != NULL && called[0] != '\0') {
		index = evcan_channel_intern(called);
		if (index < 0)
			return evcan_error_set(err, index, 0, "channel \"%s\""
			    ": %s", called, index == EVCAN_ERR_INVALID ?
			    "the name is too long" : "no more names");
		bus->channel = (uint16_t)index;
	}
	snprintf(name, sizeof(name), "%s:%s", bus->driver->name,
	    channel != NULL ? channel : "");
	if (evcan_bus_set_name(bus, bus->common.name != NULL ?
	    bus->common.name : name) < 0)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory");
	return 0;
}

static int
parse_filters(struct evcan_bus *bus, struct evcan_error *err)
{
	struct evcan_filter *list = NULL;
	int n;

	if (bus->common.can_filters == NULL)
		return 0;
	n = evcan_filter_parse(bus->common.can_filters, &list, err);
	if (n > 0) {
		bus->filters = evcan_filters_new(list, (size_t)n,
		    EVCAN_FILTER_OR, err);
		if (bus->filters == NULL)
			n = EVCAN_ERR_INVALID;
	}
	free(list);
	return n < 0 ? n : 0;
}

/* The timing text of an option row was only stored; wrong ones are refused
 * here, before any device is asked. */
static int
check_timing(const struct evcan_bus *bus, struct evcan_error *err)
{
	struct evcan_timing timing;

	if (bus->common.timing == NULL)
		return 0;
	return evcan_timing_parse(&timing, bus->common.timing, err);
}

static int
check_fd(const struct evcan_bus *bus, struct evcan_error *err)
{
	if (!bus->common.fd || (bus->driver->caps & EVCAN_CAP_FD))
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "interface %s has no CAN FD: leave out the option fd",
	    bus->driver->name);
}

static int
init(struct evcan_bus *bus, struct evcan_error *err)
{
	int r = choose_driver(bus, err);

	if (r == 0)
		r = fill_options(bus, err);
	if (r == 0)
		r = check_fd(bus, err);
	if (r == 0)
		r = check_timing(bus, err);
	if (r == 0)
		r = parse_filters(bus, err);
	if (r == 0)
		r = name_bus(bus, err);
	if (r == 0)
		r = evcan_bus_io_init_(bus, err);
	if (r < 0)
		return r;
	bus->mode = (enum evcan_bus_mode)bus->common.mode;
	bus->protocol = bus->common.fd ? EVCAN_PROTOCOL_CAN_FD :
	    EVCAN_PROTOCOL_CAN_20;
	return r;
}

struct evcan_bus *
evcan_bus_new(struct event_base *base, const struct evcan_options *options,
    struct evcan_error *err)
{
	struct evcan_bus *bus = calloc(1, sizeof(*bus));

	if (bus == NULL)
		goto nomem;
	bus->base = base;
	bus->refs = 1;
	bus->poll_fd = -1;
	evcan_bus_tx_init_(bus);
	bus->options = options != NULL ? evcan_options_copy(options) :
	    evcan_options_new();
	if (bus->options == NULL)
		goto nomem;
	if (init(bus, err) == 0)
		return bus;
	evcan_bus_drop_(bus);
	return NULL;
nomem:
	evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
	if (bus != NULL)
		evcan_bus_drop_(bus);
	return NULL;
}

struct evcan_bus *
evcan_bus_new_spec(struct event_base *base, const char *spec,
    struct evcan_error *err)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_bus *bus = NULL;

	if (options == NULL)
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
	else if (evcan_config_parse_spec(options, spec, err) == 0)
		bus = evcan_bus_new(base, options, err);
	evcan_options_free(options);
	return bus;
}

/* Consumers. */

int
evcan_bus_attach_(struct evcan_bus *bus, struct evcan_notifier *notifier,
    evcan_bus_recv_cb recv_cb, evcan_bus_event_cb event_cb)
{
	if (notifier != NULL &&
	    (bus->recv_cb != NULL || bus->event_cb != NULL))
		return EVCAN_ERR_BUSY;
	bus->notifier = notifier;
	bus->recv_cb = recv_cb;
	bus->event_cb = event_cb;
	bus->cb_arg = notifier;
	if (recv_cb != NULL)
		evcan_bus_resume_(bus);
	return 0;
}

int
evcan_bus_set_cb(struct evcan_bus *bus, evcan_bus_recv_cb recv_cb,
    evcan_bus_event_cb event_cb, void *arg)
{
	if (bus->notifier != NULL)
		return EVCAN_ERR_BUSY;
	bus->recv_cb = recv_cb;
	bus->event_cb = event_cb;
	bus->cb_arg = arg;
	if (recv_cb != NULL)
		evcan_bus_resume_(bus);
	return 0;
}

/* Setting and getting. */

void
evcan_bus_apply_filters_(struct evcan_bus *bus)
{
	const struct evcan_filter *list = NULL;
	enum evcan_filter_join join = EVCAN_FILTER_OR;
	size_t n = evcan_filters_list(bus->filters, &list, &join);
	int r = EVCAN_FILTERS_NONE;

	/* The bus must take in everything again when filters go away. */
	if (bus->driver->set_filters != NULL)
		r = bus->driver->set_filters(bus, list, n, join);
	bus->filtering = r < 0 ? EVCAN_FILTERS_NONE : (enum evcan_filtering)r;
	if (r < 0 && r != EVCAN_ERR_UNSUPPORTED)
		evcan_driver_error(bus, r, 0, "bus %s: the device did not "
		    "take the filters and may still have those before: %s",
		    bus->name, evcan_error_name(r));
}

int
evcan_bus_set_filters(struct evcan_bus *bus,
    const struct evcan_filter *filters, size_t n, enum evcan_filter_join join,
    struct evcan_error *err)
{
	struct evcan_filters *compiled = NULL;
	struct evcan_error why = { 0 };

	if (n > 0) {
		compiled = evcan_filters_new(filters, n, join, &why);
		if (compiled == NULL)
			return evcan_error_set(err, why.code, 0, "%s",
			    why.text);
	}
	evcan_filters_free(bus->filters);
	bus->filters = compiled;
	if (bus->phase == EVCAN_PHASE_OPEN)
		evcan_bus_apply_filters_(bus);
	return 0;
}

size_t
evcan_bus_get_filters(const struct evcan_bus *bus,
    const struct evcan_filter **filters, enum evcan_filter_join *join)
{
	return evcan_filters_list(bus->filters, filters, join);
}

int
evcan_bus_set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	int r;

	if (mode == bus->mode && !bus->mode_unsure)
		return 0;
	if (bus->driver->set_mode == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	r = bus->driver->set_mode(bus, mode);
	if (r == 0)
		evcan_driver_set_mode(bus, mode);
	else if (r == EVCAN_ERR_TIMEOUT)
		bus->mode_unsure = true;
	return r;
}

void
evcan_driver_set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	bus->mode = mode;
	bus->mode_unsure = false;
}

int
evcan_bus_reset(struct evcan_bus *bus, struct evcan_error *err)
{
	if (bus->phase != EVCAN_PHASE_OPEN)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "bus %s is not open", bus->name);
	if (bus->driver->reset == NULL)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "interface %s cannot be reset", bus->driver->name);
	return bus->driver->reset(bus, err);
}

int
evcan_bus_identify(struct evcan_bus *bus, bool on)
{
	if (bus->driver->identify == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	if (bus->phase != EVCAN_PHASE_OPEN)
		return EVCAN_ERR_STATE;
	return bus->driver->identify(bus, on);
}

void
evcan_bus_get_stats(const struct evcan_bus *bus,
    struct evcan_bus_stats *stats)
{
	*stats = bus->stats;
	stats->tx_queued = bus->tx.count;
}

enum evcan_bus_state
evcan_bus_get_state(const struct evcan_bus *bus)
{
	return bus->error_state;
}

enum evcan_bus_mode
evcan_bus_get_mode(const struct evcan_bus *bus)
{
	return bus->mode;
}

enum evcan_protocol
evcan_bus_protocol(const struct evcan_bus *bus)
{
	return bus->protocol;
}

bool
evcan_bus_is_open(const struct evcan_bus *bus)
{
	return bus->phase == EVCAN_PHASE_OPEN;
}

const char *
evcan_bus_channel_info(const struct evcan_bus *bus)
{
	return bus->info[0] != '\0' ? bus->info : "unknown";
}

const char *
evcan_bus_interface(const struct evcan_bus *bus)
{
	return bus->driver->name;
}

const char *
evcan_bus_channel(const struct evcan_bus *bus)
{
	return bus->common.channel != NULL ? bus->common.channel : "";
}

uint16_t
evcan_bus_channel_index(const struct evcan_bus *bus)
{
	return bus->channel;
}

struct event_base *
evcan_bus_base(const struct evcan_bus *bus)
{
	return bus->base;
}

const char *
evcan_bus_name(const struct evcan_bus *bus)
{
	return bus->name;
}

const struct evcan_error *
evcan_bus_error(const struct evcan_bus *bus)
{
	return &bus->error;
}

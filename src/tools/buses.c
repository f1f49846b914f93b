/* SPDX-License-Identifier: BSD-3-Clause */
/* buses.c - the flags that choose buses, and buses made of them */
#include "tool.h"

#include <evcan/plugin.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

void
bus_flags_table(struct bus_flags *f, struct flag *table)
{
	const struct flag rows[] = {
		{ "interface", 'i', FLAG_TEXT, &f->interface },
		{ "channel", 'c', FLAG_TEXT, &f->channel },
		{ "bitrate", 'b', FLAG_TEXT, &f->bitrate },
		{ "fd", 0, FLAG_BOOL, &f->fd },
		{ "data-bitrate", 0, FLAG_TEXT, &f->data_bitrate },
		{ "timing", 0, FLAG_LIST, &f->timing },
		{ "filter", 0, FLAG_LIST, &f->filters },
		{ "option", 'o', FLAG_PAIR, &f->extra },
		{ "bus-kwargs", 0, FLAG_PAIR, &f->extra },
		{ "config", 0, FLAG_TEXT, &f->config },
		{ "config-context", 0, FLAG_TEXT, &f->context },
		{ .name = NULL }
	};

	_Static_assert(sizeof(rows) / sizeof(rows[0]) <= BUS_FLAGS,
	    "BUS_FLAGS is too small");
	memcpy(table, rows, sizeof(rows));
}

void
bus_flags_prefix(struct flag *table, const char *prefix,
    char names[BUS_FLAGS][BUS_FLAG_NAME])
{
	for (size_t i = 0; table[i].name; i++) {
		snprintf(names[i], BUS_FLAG_NAME, "%s%s", prefix,
		    table[i].name);
		table[i].name = names[i];
		table[i].letter = 0;
	}
}

void
bus_flags_free(struct bus_flags *f)
{
	evcan_options_free(f->extra);
	f->extra = NULL;
}

bool
bus_flags_given(const struct bus_flags *f)
{
	return f->channel || f->context || f->config;
}

/* The items of a list with blanks between them. */
static char *
join(const struct list *list)
{
	size_t size = 1;
	char *text;

	for (size_t i = 0; i < list->n; i++)
		size += strlen(list->items[i]) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	*text = '\0';
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, list->items[i]);
	}
	return text;
}

static int
set(struct evcan_options *options, const char *name, const char *value,
    const char *origin)
{
	return value ? evcan_options_set_default(options, name, value,
	    origin) : 0;
}

static int
set_list(struct evcan_options *options, const char *name,
    const struct list *list, const char *origin)
{
	char *text;
	int rc;

	if (list->n == 0)
		return 0;
	text = join(list);
	rc = text ? set(options, name, text, origin) : EVCAN_ERR_NOMEM;
	free(text);
	return rc;
}

static int
set_flags(struct evcan_options *options, const struct bus_flags *f)
{
	const char *name, *value;
	int rc = 0;

	for (size_t i = 0; f->extra &&
	    evcan_options_at(f->extra, i, &name, &value) && !rc; i++)
		rc = set(options, name, value,
		    evcan_options_origin(f->extra, name));
	if (rc ||
	    (rc = set(options, "interface", f->interface, "--interface")) ||
	    (rc = set(options, "channel", f->channel, "--channel")) ||
	    (rc = set(options, "bitrate", f->bitrate, "--bitrate")) ||
	    (rc = set(options, "data_bitrate", f->data_bitrate,
	    "--data-bitrate")) ||
	    (rc = set(options, "fd", f->fd ? "true" : NULL, "--fd")) ||
	    (rc = set(options, "config", f->config, "--config")) ||
	    (rc = set(options, "config_context", f->context,
	    "--config-context")) ||
	    (rc = set_list(options, "timing", &f->timing, "--timing")))
		return rc;
	return set_list(options, "can_filters", &f->filters, "--filter");
}

/* Filters are checked here, where the flag can be named. */
static int
check_filters(const struct bus_flags *f)
{
	for (size_t i = 0; i < f->filters.n; i++) {
		struct evcan_error err = { 0 };
		struct evcan_filter *filters = NULL;

		if (evcan_filter_parse(f->filters.items[i], &filters,
		    &err) < 0)
			return usage("--filter %s: %s", f->filters.items[i],
			    err.text);
		free(filters);
	}
	return 0;
}

struct evcan_options *
bus_options(const struct bus_flags *f, const char *spec, int *status)
{
	struct evcan_error err = { 0 };
	struct evcan_options *options = evcan_options_new();
	int rc = options ? 0 : EVCAN_ERR_NOMEM;

	if ((*status = check_filters(f)))
		goto fail;
	if (!rc && spec)
		rc = evcan_config_parse_spec(options, spec, &err);
	if (!rc)
		rc = set_flags(options, f);
	if (!rc)
		return options;
	evcan_error_set(&err, rc, 0, "out of memory");
	*status = fail_error(&err);
fail:
	evcan_options_free(options);
	return NULL;
}

/* What a spec string without a known interface comes to when nothing else
 * names one: more likely a typing error than a channel with a colon. */
static int
unknown_interface(const char *spec)
{
	char known[200] = "";
	const struct evcan_plugin_info *plugin;
	const struct evcan_driver *driver;
	size_t used = 0, refused = 0;

	for (size_t i = 0; (plugin = evcan_plugin_at(i)); i++)
		refused += plugin->fault != NULL;
	for (size_t i = 0; (driver = evcan_driver_at(i)) &&
	    used < sizeof(known) - 40; i++)
		used += (size_t)snprintf(known + used, 40, "%s%s",
		    i ? ", " : "", driver->name);
	return usage("%s: unknown interface \"%.*s\"; there are: %s%s", spec,
	    (int)strcspn(spec, ":"), spec, known, refused == 0 ? "" :
	    " (evcan list plugins tells why a plug-in is not used)");
}

static int
refused(const char *spec, const struct evcan_error *err)
{
	if (err->code == EVCAN_ERR_NOT_IMPLEMENTED && spec &&
	    strchr(spec, ':') && strstr(err->text, "no interface"))
		return unknown_interface(spec);
	return fail_error(err);
}

int
bus_await_open(struct event_base *base, const struct evcan_bus *bus)
{
	bool stopped = false, ended = false;

	if (common.verbose == 0)   /* it would be told twice */
		evcan_set_log_level(EVCAN_LOG_ERROR);
	while (!stopped && !ended && !evcan_bus_is_open(bus)) {
		stopped = event_base_loop(base, EVLOOP_ONCE) != 0 ||
		    evcan_bus_get_state(bus) == EVCAN_STATE_STOPPED;
		ended = event_base_got_break(base);
	}
	say_log(common.verbose);
	if (!stopped)
		return ended ? -1 : 0;
	fail_error(evcan_bus_error(bus));
	return STATUS_FAILED;
}

struct evcan_bus *
bus_make(struct event_base *base, const struct bus_flags *f,
    const char *spec, const char *mode, int *status)
{
	struct evcan_error err = { 0 };
	struct evcan_options *options = bus_options(f, spec, status);
	struct evcan_bus *bus = NULL;

	if (!options)
		return NULL;
	if (mode && evcan_options_set(options, "state", mode, NULL) < 0)
		evcan_error_set(&err, EVCAN_ERR_NOMEM, 0, "out of memory");
	else
		bus = evcan_bus_new(base, options, &err);
	evcan_options_free(options);
	if (bus && evcan_bus_open(bus, &err) < 0) {
		fail_error(&err);
		*status = STATUS_FAILED;
		evcan_bus_free(bus);
		return NULL;
	}
	if (!bus)
		*status = refused(spec, &err);
	else if (base && (*status = bus_await_open(base, bus))) {
		evcan_bus_free(bus);
		return NULL;
	}
	return bus;
}

int
bus_wait_open(struct evcan_bus *bus)
{
	while (!evcan_bus_is_open(bus)) {
		struct pollfd in = { .fd = evcan_bus_fd(bus),
		    .events = POLLIN };
		int timeout = evcan_bus_timeout(bus);

		if (evcan_bus_error(bus)->code)
			return fail_error(evcan_bus_error(bus));
		if (poll(&in, 1, timeout < 0 || timeout > 100 ? 100 :
		    timeout) < 0)
			return fail("interrupted");
		evcan_bus_process(bus);
	}
	return 0;
}

void
bus_greet(const struct evcan_bus *bus)
{
	if (common.quiet)
		return;
	say("Connected to %s: %s", evcan_bus_name(bus),
	    evcan_bus_channel_info(bus));
}

uint64_t
bus_lost(const struct evcan_bus *bus)
{
	struct evcan_bus_stats stats;

	evcan_bus_get_stats(bus, &stats);
	return stats.lost_kernel + stats.lost_queue + stats.lost_device +
	    stats.send_failed;
}

/* Errors and gaps are told by the library's log. */
void
bus_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	static const char *const states[] = { "error active",
	    "error warning", "error passive", "bus-off", "stopped" };
	struct evcan_bus_stats stats;

	(void)arg;
	if (common.quiet)
		return;
	if (event == EVCAN_BUS_STATE)
		say("%s: %s", evcan_bus_name(bus), states[info->state]);
	if (event != EVCAN_BUS_OPENED)
		return;
	evcan_bus_get_stats(bus, &stats);
	if (stats.opens > 1)
		say("%s: open again", evcan_bus_name(bus));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_doc.c - a gateway's document, read and checked into a plain plan */
#include "gateway_doc.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <evcan/config.h>
#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/options.h>

#include "gateway_doc_parts.h"
#include "log_registry.h"
#include "log_sink.h"
#include "plugin.h"
#include "quote.h"

static const struct evcan_option document_keys[] = {
	{ .name = "buses", .help = "the buses, each with its options" },
	{ .name = "loggers", .help = "files that record" },
	{ .name = "bridges", .help = "frames of one bus onto another" },
	{ .name = "cyclic", .help = "frames sent again and again" },
	{ .name = "players", .help = "logs played on a bus" },
	{ .name = NULL }
};
static const struct evcan_option bus_keys[] = {
	{ .name = "interface", .help = "the driver" },
	{ .name = "filters", .help = "frames wanted" },
	{ .name = "config_context", .help = "section of can.conf" },
	{ .name = NULL }
};
static const struct evcan_option logger_keys[] = {
	{ .name = "buses", .help = "names of its buses; else all" },
	{ .name = "file", .help = "path, or - for the terminal" },
	{ .name = "filters", .help = "frames wanted" },
	{ .name = "rotate", .help = "when to begin a new file" },
	{ .name = NULL }
};
static const struct evcan_option rotate_keys[] = {
	{ .name = "size", .help = "bytes after which a new file begins" },
	{ .name = "time", .help = "seconds after which a new file begins" },
	{ .name = "name", .help = "template of the old file's new name" },
	{ .name = NULL }
};
static const struct evcan_option bridge_keys[] = {
	{ .name = "from", .help = "bus whose frames it takes" },
	{ .name = "to", .help = "bus that sends them" },
	{ .name = "filters", .help = "frames wanted" },
	{ .name = "both_ways", .help = "also from the second to the first" },
	{ .name = NULL }
};
/* References to buses */

int
evcan_doc_bus_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, size_t *ret)
{
	const struct evcan_plan_list_ *buses = &r->plan->buses;
	struct evcan_words_ words = { 0 };
	char quoted[EVCAN_QUOTE_MAX];
	const char *name;
	int result = evcan_doc_want_(r, at, value, JSON_STRING,
	    "the name of a bus");

	if (result < 0)
		return result;
	name = json_string_value(value);
	for (size_t i = 0; i < buses->n; i++) {
		const char *other = buses->parts[i].name;

		evcan_words_add_(&words, other, strlen(other));
		*ret = i;
		if (strcmp(other, name) == 0)
			return 0;
	}
	return evcan_doc_fault_(r, at, "there is no bus %s: there are %s",
	    evcan_quote_(quoted, name), words.text);
}

static int
add_bus(struct evcan_doc_ *r, struct evcan_json_at_ *at, const json_t *value,
    struct evcan_plan_part_ *part)
{
	size_t *grown, bus;
	int result = evcan_doc_bus_(r, at, value, &bus);

	if (result < 0)
		return result;
	grown = realloc(part->buses, (part->n_buses + 1) * sizeof(*grown));
	if (grown == NULL)
		return evcan_doc_no_memory_(r);
	part->buses = grown;
	part->buses[part->n_buses++] = bus;
	return 0;
}

int
evcan_doc_bus_of_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, const char *key, struct evcan_plan_part_ *part)
{
	struct evcan_json_at_ here = { .up = at, .key = key };
	const json_t *value;
	int result = evcan_doc_member_(r, at, object, key, JSON_STRING,
	    &value);

	return result < 0 ? result : add_bus(r, &here, value, part);
}

/* Parts */

int
evcan_doc_path_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, char **ret)
{
	int result = evcan_doc_want_(r, at, value, JSON_STRING, "a path");

	if (result < 0)
		return result;
	if (json_string_length(value) == 0)
		return evcan_doc_fault_(r, at,
		    "is empty: a path, or - is right");
	*ret = strdup(json_string_value(value));
	return *ret != NULL ? 0 : evcan_doc_no_memory_(r);
}

static int
read_file(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	struct evcan_json_at_ here = { .up = at, .key = "file" };
	const json_t *value;
	int result = evcan_doc_member_(r, at, object, "file", JSON_STRING,
	    &value);

	return result < 0 ? result : evcan_doc_path_(r, &here, value,
	    &part->name);
}

/* @return NULL: none, which the configuration may give, or an error */
static const struct evcan_driver *
find_driver(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, int *result)
{
	struct evcan_json_at_ here = { .up = at, .key = "interface" };
	const json_t *value = json_object_get(object, "interface");
	const struct evcan_driver *driver;
	struct evcan_words_ words = { 0 };
	char quoted[EVCAN_QUOTE_MAX], refused[EVCAN_PLUGIN_REFUSED_MAX];

	*result = 0;
	for (size_t i = 0; (driver = evcan_driver_at(i)) != NULL; i++)
		evcan_words_add_(&words, driver->name, strlen(driver->name));
	if (value == NULL) {
		if (json_object_get(object, "config_context") == NULL)
			*result = evcan_doc_fault_(r, at,
			    "has no \"interface\": there are %s", words.text);
		return NULL;
	}
	*result = evcan_doc_want_(r, &here, value, JSON_STRING,
	    "the name of an interface");
	if (*result < 0)
		return NULL;
	driver = evcan_driver_find(json_string_value(value));
	if (driver == NULL)
		*result = evcan_doc_fault_(r, &here,
		    "there is no interface %s: there are %s%s",
		    evcan_quote_(quoted, json_string_value(value)),
		    words.text, evcan_plugin_refused_(refused));
	return driver;
}

/* Refuses keys that the driver does not know; without one, making the bus
 * does. */
static int
check_bus_keys(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object)
{
	struct evcan_doc_rules_ rules = {
		.own = bus_keys,
		.lists = { evcan_bus_options() }, .n_lists = 2
	};
	const struct evcan_driver *driver;
	char what[80];
	int result;

	driver = find_driver(r, at, object, &result);
	if (driver == NULL)
		return result;
	snprintf(what, sizeof(what), "interface %s", driver->name);
	rules.what = what;
	rules.lists[1] = driver->options;
	return evcan_doc_keys_(r, at, object, &rules);
}

/* The document is complete in itself, unless a bus names a context. */
static int
load_context(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	struct evcan_json_at_ here = { .up = at, .key = "config_context" };
	const json_t *context = json_object_get(object, "config_context");
	struct evcan_error error = { 0 };
	int result = 0;

	if (context != NULL)
		result = evcan_doc_want_(r, &here, context, JSON_STRING,
		    "text");
	if (context != NULL && result == 0 && evcan_config_load(part->options,
	    NULL, json_string_value(context), &error) < 0)
		return evcan_doc_fault_(r, &here, "%s", error.text);
	if (result == 0 && evcan_options_set(part->options, "ignore_config",
	    "true", NULL) < 0)
		return evcan_doc_no_memory_(r);
	return result;
}

static int
read_bus(struct evcan_doc_ *r, struct evcan_json_at_ *at, json_t *object,
    struct evcan_plan_part_ *part)
{
	static const struct evcan_option not_options[] = {
		{ .name = "filters" }, { .name = "config_context" },
		{ .name = NULL }
	};
	int result = evcan_doc_want_(r, at, object, JSON_OBJECT, "an object");

	if (result < 0 || (result = check_bus_keys(r, at, object)) < 0 ||
	    (result = evcan_doc_options_(r, at, object, not_options,
	    part)) < 0 ||
	    (result = evcan_doc_filters_(r, at, object, part)) < 0)
		return result;
	if (part->n_filters > 0 &&
	    evcan_options_get(part->options, "can_filters") != NULL)
		return evcan_doc_fault_(r, at, "has both \"filters\" and "
		    "\"can_filters\": one is enough");
	return load_context(r, at, object, part);
}

/* The same file by another name is found too, if it is there. */
static bool
same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	if (strcmp(a, b) == 0)
		return true;
	while (strncmp(a, "./", 2) == 0)
		a += 2;
	while (strncmp(b, "./", 2) == 0)
		b += 2;
	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &sa) == 0 && stat(b, &sb) == 0 &&
	    S_ISREG(sa.st_mode) && sa.st_dev == sb.st_dev &&
	    sa.st_ino == sb.st_ino;
}

/* Writing a file twice, or one that is being played, destroys it. */
int
evcan_doc_not_written_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const struct evcan_plan_part_ *part, const char *path, const char *why)
{
	const struct evcan_plan_list_ *loggers = &r->plan->loggers;
	char quoted[EVCAN_QUOTE_MAX];

	for (size_t i = 0; i < loggers->n; i++) {
		const struct evcan_plan_part_ *other = &loggers->parts[i];

		if (other != part && same_file(other->name, path))
			return evcan_doc_fault_(r, at, "%s is %s",
			    evcan_quote_(quoted, path), why);
	}
	return 0;
}

static const struct evcan_format *
writing_format(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const struct evcan_plan_part_ *part)
{
	const char *named = evcan_options_get(part->options, "format");
	const struct evcan_format *format;
	char formats[EVCAN_LOG_FORMATS_MAX], quoted[EVCAN_QUOTE_MAX];
	struct evcan_json_at_ here = { .up = at, .key = named !=
	    NULL ? "format" : "file" };

	if (named != NULL)
		format = evcan_format_find(named);
	else
		format = evcan_format_for_name(part->name, true);
	if (format != NULL && format->encode != NULL)
		return format;
	evcan_doc_fault_(r, &here,
	    "no format that can be written is known by %s: there "
	    "are %s", evcan_quote_(quoted, named != NULL ? named :
	    part->name), evcan_log_formats_(formats, true));
	return NULL;
}

static int
read_sources(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	struct evcan_json_at_ here = { .up = at, .key = "buses" };
	const json_t *array = json_object_get(object, "buses");
	int result;

	if (array == NULL)
		return 0;
	result = evcan_doc_want_(r, &here, array, JSON_ARRAY,
	    "an array of bus names");
	if (result == 0 && json_array_size(array) == 0)
		return evcan_doc_fault_(r, &here,
		    "is empty: leave it out for all buses");
	for (size_t i = 0; i < json_array_size(array) && result == 0; i++) {
		struct evcan_json_at_ element = { .up = &here, .index = i };

		result = add_bus(r, &element, json_array_get(array, i), part);
		for (size_t k = 0; result == 0 && k < i; k++) {
			if (part->buses[k] == part->buses[i])
				result = evcan_doc_fault_(r, &element,
				    "is named twice");
		}
	}
	return result;
}

/* {"size": BYTES, "time": SECONDS, "name": TEMPLATE}: the writer's options
 * rotate_size, rotate_time and rotate_name. */
static int
read_rotate(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	static const struct evcan_doc_rules_ rules = {
		.what = "rotate", .own = rotate_keys
	};
	struct evcan_json_at_ here = { .up = at, .key = "rotate" };
	json_t *rotate = json_object_get(object, "rotate"), *value;
	const char *key;
	char name[32];
	int result = 0;

	if (rotate == NULL)
		return 0;
	result = evcan_doc_keys_(r, &here, rotate, &rules);
	if (result < 0)
		return result;
	if (json_object_get(rotate, "size") == NULL &&
	    json_object_get(rotate, "time") == NULL)
		return evcan_doc_fault_(r, &here,
		    "has neither \"size\" nor \"time\": one is needed");
	json_object_foreach(rotate, key, value) {
		struct evcan_json_at_ child = { .up = &here, .key = key };

		snprintf(name, sizeof(name), "rotate_%s", key);
		result = evcan_doc_set_(r, &child, name, value, part);
		if (result < 0)
			break;
	}
	return result;
}

/* What is only wrong together: a name and a format, a template ... */
static int
check_writer(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const struct evcan_plan_part_ *part)
{
	struct evcan_error why = { 0 };

	if (evcan_log_sink_check_(part->name, part->options, &why) == 0)
		return 0;
	return evcan_doc_fault_(r, at, "%.300s", why.text);
}

static int
read_logger(struct evcan_doc_ *r, struct evcan_json_at_ *at, json_t *object,
    struct evcan_plan_part_ *part)
{
	struct evcan_doc_rules_ rules = {
		.what = "a logger", .own = logger_keys,
		.lists = { evcan_log_writer_options() }, .n_lists = 1
	};
	struct evcan_json_at_ file = { .up = at, .key = "file" };
	const struct evcan_format *format;
	char what[80];
	int result = evcan_doc_want_(r, at, object, JSON_OBJECT, "an object");

	if (result < 0 || (result = read_file(r, at, object, part)) < 0 ||
	    (result = evcan_doc_options_(r, at, object, logger_keys,
	    part)) < 0 || (result = read_rotate(r, at, object, part)) < 0)
		return result;
	/* For people, unless told otherwise. */
	if (strcmp(part->name, "-") == 0 && evcan_options_set_default(
	    part->options, "format", "printer", NULL) < 0)
		return evcan_doc_no_memory_(r);
	format = writing_format(r, at, part);
	if (format == NULL)
		return EVCAN_ERR_INVALID;
	snprintf(what, sizeof(what), "a logger of format %s", format->name);
	rules.what = what;
	rules.lists[rules.n_lists++] = format->write_options;
	if ((result = evcan_doc_keys_(r, at, object, &rules)) < 0 ||
	    (result = evcan_doc_check_(r, part, rules.lists[0])) < 0 ||
	    (result = evcan_doc_check_(r, part, rules.lists[1])) < 0 ||
	    (result = check_writer(r, at, part)) < 0 ||
	    (result = read_sources(r, at, object, part)) < 0 ||
	    (result = evcan_doc_filters_(r, at, object, part)) < 0)
		return result;
	return evcan_doc_not_written_(r, &file, part, part->name,
	    "written by an earlier logger");
}

static int
read_bridge(struct evcan_doc_ *r, struct evcan_json_at_ *at, json_t *object,
    struct evcan_plan_part_ *part)
{
	static const struct evcan_doc_rules_ rules = {
		.what = "a bridge", .own = bridge_keys
	};
	struct evcan_json_at_ to = { .up = at, .key = "to" };
	int result = evcan_doc_keys_(r, at, object, &rules);

	if (result < 0 ||
	    (result = evcan_doc_bus_of_(r, at, object, "from", part)) < 0 ||
	    (result = evcan_doc_bus_of_(r, at, object, "to", part)) < 0 ||
	    (result = evcan_doc_filters_(r, at, object, part)) < 0)
		return result;
	if (part->buses[0] == part->buses[1])
		return evcan_doc_fault_(r, &to,
		    "is the bus that the frames come from");
	return 0;
}

/* Lists */

static void
part_clear(struct evcan_plan_part_ *part)
{
	free(part->where);
	free(part->name);
	evcan_options_free(part->options);
	free(part->filters);
	free(part->buses);
	free(part->frames);
	free(part->modifiers);
	for (size_t i = 0; i < part->n_files; i++)
		free(part->files[i]);
	free(part->files);
	for (size_t i = 0; i < part->n_map; i++)
		free(part->map[i].channel);
	free(part->map);
}

/* An empty part at the list's end. */
static struct evcan_plan_part_ *
part_add(struct evcan_doc_ *r, struct evcan_plan_list_ *list,
    struct evcan_json_at_ *at, enum evcan_json_end_ end)
{
	struct evcan_plan_part_ *part = &list->parts[list->n];

	part->where = evcan_doc_where_(r, at, end);
	part->options = evcan_options_new();
	list->n++;
	if (part->where != NULL && part->options != NULL)
		return part;
	evcan_doc_no_memory_(r);
	return NULL;
}

/* Room for all parts at once: a part does not move. */
static int
list_init(struct evcan_doc_ *r, struct evcan_plan_list_ *list, size_t n)
{
	list->parts = calloc(n + 1, sizeof(*list->parts));
	return list->parts != NULL ? 0 : evcan_doc_no_memory_(r);
}

static int
read_buses(struct evcan_doc_ *r, json_t *root)
{
	struct evcan_plan_list_ *list = &r->plan->buses;
	struct evcan_json_at_ here = { .key = "buses" };
	const char *key;
	json_t *buses = json_object_get(root, "buses"), *value;
	int result;

	if (buses == NULL || (json_is_object(buses) &&
	    json_object_size(buses) == 0))
		return evcan_doc_fault_(r, buses != NULL ? &here : NULL,
		    "there are no buses: \"buses\" must name one at least");
	result = evcan_doc_want_(r, &here, buses, JSON_OBJECT, "an object");
	if (result < 0 ||
	    (result = list_init(r, list, json_object_size(buses))) < 0)
		return result;
	json_object_foreach(buses, key, value) {
		struct evcan_json_at_ at = { .up = &here, .key = key };
		struct evcan_plan_part_ *part = part_add(r, list, &at,
		    EVCAN_JSON_KEY_);

		if (part == NULL)
			return EVCAN_ERR_NOMEM;
		if (*key == '\0')
			return evcan_doc_fault_(r, &at,
			    "the name of a bus is empty");
		part->name = strdup(key);
		if (part->name == NULL)
			return evcan_doc_no_memory_(r);
		result = read_bus(r, &at, value, part);
		if (result < 0)
			return result;
	}
	return 0;
}

/* The way back of a bridge of both ways. */
static int
mirror(struct evcan_doc_ *r, struct evcan_plan_list_ *list,
    struct evcan_json_at_ *at, const json_t *object)
{
	const struct evcan_plan_part_ *there = &list->parts[list->n - 1];
	const json_t *value = json_object_get(object, "both_ways");
	struct evcan_json_at_ here = { .up = at, .key = "both_ways" };
	struct evcan_plan_part_ *back;
	bool both = false;
	int result = value == NULL ? 0 : evcan_doc_bool_(r, &here, value,
	    &both);

	if (result < 0 || !both)
		return result;
	back = part_add(r, list, at, EVCAN_JSON_VALUE_);
	if (back == NULL)
		return EVCAN_ERR_NOMEM;
	back->buses = calloc(2, sizeof(*back->buses));
	back->filters = calloc(there->n_filters + 1, sizeof(*back->filters));
	if (back->buses == NULL || back->filters == NULL)
		return evcan_doc_no_memory_(r);
	back->n_buses = 2;
	back->buses[0] = there->buses[1];
	back->buses[1] = there->buses[0];
	back->n_filters = there->n_filters;
	if (there->n_filters > 0)
		memcpy(back->filters, there->filters,
		    there->n_filters * sizeof(*back->filters));
	return 0;
}

static int
read_list(struct evcan_doc_ *r, json_t *root, const char *key,
    struct evcan_plan_list_ *list, int (*read)(struct evcan_doc_ *,
    struct evcan_json_at_ *, json_t *, struct evcan_plan_part_ *))
{
	struct evcan_json_at_ here = { .key = key };
	json_t *array = json_object_get(root, key), *object;
	size_t n = json_array_size(array);
	struct evcan_plan_part_ *part;
	int result;

	if (array == NULL)
		return 0;
	result = evcan_doc_want_(r, &here, array, JSON_ARRAY, "an array");
	if (result < 0 || (result = list_init(r, list, 2 * n)) < 0)
		return result;
	for (size_t i = 0; i < n; i++) {
		struct evcan_json_at_ at = { .up = &here, .index = i };

		object = json_array_get(array, i);
		part = part_add(r, list, &at, EVCAN_JSON_VALUE_);
		if (part == NULL)
			return EVCAN_ERR_NOMEM;
		result = read(r, &at, object, part);
		if (result == 0 && read == read_bridge)
			result = mirror(r, list, &at, object);
		if (result < 0)
			return result;
	}
	return 0;
}

int
evcan_plan_read_(struct evcan_plan_ *plan, const struct evcan_json_ *doc,
    struct evcan_error *err)
{
	static const struct evcan_doc_rules_ rules = {
		.what = "a gateway document", .own = document_keys
	};
	struct evcan_doc_ r = { .doc = doc, .plan = plan, .err = err };
	json_t *root = doc->root;
	int result;

	memset(plan, 0, sizeof(*plan));
	if ((result = evcan_doc_keys_(&r, NULL, root, &rules)) < 0 ||
	    (result = read_buses(&r, root)) < 0 ||
	    (result = read_list(&r, root, "loggers", &plan->loggers,
	    read_logger)) < 0 ||
	    (result = read_list(&r, root, "bridges", &plan->bridges,
	    read_bridge)) < 0 ||
	    (result = read_list(&r, root, "cyclic", &plan->cyclics,
	    evcan_doc_cyclic_)) < 0 ||
	    (result = read_list(&r, root, "players", &plan->players,
	    evcan_doc_player_)) < 0)
		evcan_plan_clear_(plan);
	return result;
}

static void
list_clear(struct evcan_plan_list_ *list)
{
	for (size_t i = 0; i < list->n; i++)
		part_clear(&list->parts[i]);
	free(list->parts);
}

void
evcan_plan_clear_(struct evcan_plan_ *plan)
{
	list_clear(&plan->buses);
	list_clear(&plan->loggers);
	list_clear(&plan->bridges);
	list_clear(&plan->cyclics);
	list_clear(&plan->players);
	memset(plan, 0, sizeof(*plan));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_doc_player.c - players of a gateway's document */
#include "gateway_doc_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/player.h>

#include "log_registry.h"
#include "quote.h"

static const struct evcan_option player_keys[] = {
	{ .name = "file", .help = "the log" },
	{ .name = "files", .help = "several logs, merged by time" },
	{ .name = "bus", .help = "bus that sends what is not mapped" },
	{ .name = "map", .help = "buses for channels of the log" },
	{ .name = "filters", .help = "frames wanted" },
	{ .name = "loop", .help = "true, false or a number of rounds" },
	{ .name = NULL }
};

/* Files */

/* Input here may be output there: "-". */
static int
read_path(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, struct evcan_plan_part_ *part)
{
	char **path = &part->files[part->n_files];
	int result = evcan_doc_path_(r, at, value, path);

	if (result < 0)
		return result;
	part->n_files++;
	if (strcmp(*path, "-") == 0)
		return 0;
	return evcan_doc_not_written_(r, at, part, *path,
	    "written by a logger: a player cannot play its own recording");
}

static int
read_files(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	const json_t *one = json_object_get(object, "file");
	const json_t *many = json_object_get(object, "files");
	struct evcan_json_at_ here = { .up = at,
	    .key = one != NULL ? "file" : "files" };
	int result = 0;

	if ((one == NULL) == (many == NULL))
		return evcan_doc_fault_(r, at, "must have \"file\", or "
		    "\"files\" for several");
	if (many != NULL)
		result = evcan_doc_want_(r, &here, many, JSON_ARRAY,
		    "an array of paths");
	if (result < 0)
		return result;
	if (many != NULL && json_array_size(many) == 0)
		return evcan_doc_fault_(r, &here,
		    "is empty: one path at least is right");
	part->files = calloc(json_array_size(many) + 1,
	    sizeof(*part->files));
	if (part->files == NULL)
		return evcan_doc_no_memory_(r);
	if (one != NULL)
		return read_path(r, &here, one, part);
	for (size_t i = 0; i < json_array_size(many) && result == 0; i++) {
		struct evcan_json_at_ element = { .up = &here, .index = i };

		result = read_path(r, &element, json_array_get(many, i),
		    part);
	}
	return result;
}

/* Where to */

static int
read_map(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	struct evcan_json_at_ here = { .up = at, .key = "map" };
	json_t *map = json_object_get(object, "map"), *value;
	const char *key;
	int result;

	if (map == NULL)
		return 0;
	result = evcan_doc_want_(r, &here, map, JSON_OBJECT,
	    "an object of channels and buses");
	if (result < 0)
		return result;
	part->map = calloc(json_object_size(map) + 1, sizeof(*part->map));
	if (part->map == NULL)
		return evcan_doc_no_memory_(r);
	json_object_foreach(map, key, value) {
		struct evcan_json_at_ child = { .up = &here, .key = key };
		struct evcan_plan_map_ *one = &part->map[part->n_map];

		one->bus = EVCAN_PLAN_NO_BUS_;
		if (!json_is_null(value)) {
			result = evcan_doc_bus_(r, &child, value, &one->bus);
			if (result < 0)
				return result;
		}
		one->channel = strdup(key);
		if (one->channel == NULL)
			return evcan_doc_no_memory_(r);
		part->n_map++;
	}
	return 0;
}

/* One bus for all, or a map, or a map and a bus for the rest. */
static int
read_targets(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	int result = read_map(r, at, object, part);

	if (result < 0)
		return result;
	if (json_object_get(object, "bus") != NULL)
		return evcan_doc_bus_of_(r, at, object, "bus", part);
	for (size_t i = 0; i < part->n_map; i++) {
		if (part->map[i].bus != EVCAN_PLAN_NO_BUS_)
			return 0;
	}
	return evcan_doc_fault_(r, at,
	    "plays on no bus: it must have \"bus\", or \"map\" with one");
}

/* How */

/* true is for ever, which the option calls 0. */
static int
read_loop(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	struct evcan_json_at_ here = { .up = at, .key = "loop" };
	const json_t *value = json_object_get(object, "loop");
	json_int_t n;
	char text[32];

	if (value == NULL)
		return 0;
	n = json_is_boolean(value) ? !json_is_true(value) :
	    json_integer_value(value);
	if (!json_is_boolean(value) && n < 1)
		return evcan_doc_fault_(r, &here,
		    "must be true, false or a number of rounds from 1");
	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, n);
	return evcan_options_set(part->options, "loop", text, NULL) < 0 ?
	    evcan_doc_no_memory_(r) : 0;
}

static int
check_named(struct evcan_doc_ *r, struct evcan_json_at_ *at, const char *name)
{
	const struct evcan_format *format = evcan_format_find(name);
	char formats[EVCAN_LOG_FORMATS_MAX], quoted[EVCAN_QUOTE_MAX];
	struct evcan_json_at_ here = { .up = at, .key = "format" };

	if (format != NULL && format->decode != NULL)
		return 0;
	return evcan_doc_fault_(r, &here, "no format that can be read is "
	    "called %s: there are %s", evcan_quote_(quoted, name),
	    evcan_log_formats_(formats, false));
}

/* The content decides a log's format, so the options of all formats are
 * known here; those of the likely ones are checked. */
static int
check_options(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, const struct evcan_plan_part_ *part)
{
	struct evcan_doc_rules_ rules = {
		.what = "a player", .own = player_keys,
		.lists = { evcan_player_options(),
		    evcan_log_reader_options() },
		.n_lists = 2
	};
	const char *named = evcan_options_get(part->options, "format");
	const struct evcan_format *format;
	int result = named != NULL ? check_named(r, at, named) : 0;

	for (size_t i = 0; (format = evcan_format_at(i)) != NULL &&
	    rules.n_lists < EVCAN_DOC_LISTS_; i++)
		rules.lists[rules.n_lists++] = format->read_options;
	if (result < 0 ||
	    (result = evcan_doc_keys_(r, at, object, &rules)) < 0 ||
	    (result = evcan_doc_check_(r, part, rules.lists[0])) < 0 ||
	    (result = evcan_doc_check_(r, part, rules.lists[1])) < 0)
		return result;
	for (size_t i = 0; i < part->n_files && result == 0; i++) {
		format = named != NULL ? evcan_format_find(named) :
		    evcan_format_for_name(part->files[i], false);
		if (format != NULL)
			result = evcan_doc_check_(r, part,
			    format->read_options);
	}
	return result;
}

int
evcan_doc_player_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, struct evcan_plan_part_ *part)
{
	int result = evcan_doc_want_(r, at, object, JSON_OBJECT, "an object");

	if (result < 0 || (result = read_files(r, at, object, part)) < 0 ||
	    (result = evcan_doc_options_(r, at, object, player_keys,
	    part)) < 0 || (result = read_loop(r, at, object, part)) < 0 ||
	    (result = check_options(r, at, object, part)) < 0 ||
	    (result = read_targets(r, at, object, part)) < 0)
		return result;
	return evcan_doc_filters_(r, at, object, part);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* config_spec.c - options written in one text: spec strings and JSON */
#include <evcan/config.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/options.h>

#include "config_sources.h"
#include "quote.h"
#include "text.h"

/* More names than this are no bus's options. */
#define NAMES_MAX 4096

static int
no_memory(struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "out of memory for options");
}

/*
 * Takes the text up to the next single comma out of *spec, with `,,` made
 * `,`, and moves *spec behind that comma; at the end it becomes NULL.
 * The part is written over the start of the spec, which is never shorter.
 */
static char *
next_part(char **spec)
{
	char *from = *spec, *to = *spec, *part = *spec;

	while (*from != '\0' && (*from != ',' || from[1] == ',')) {
		from += *from == ',';
		*to++ = *from++;
	}
	*spec = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return part;
}

static int
set_target(struct evcan_options *options, char *target, const char *spec)
{
	char *colon = strchr(target, ':'), *channel = target;
	const struct evcan_driver *driver = NULL;
	int r = 0;

	if (colon != NULL) {
		*colon = '\0';
		driver = evcan_driver_find(target);
		*colon = ':';
	}
	if (driver != NULL) {
		/* By its name of today: the target may be an older one. */
		r = evcan_options_set(options, "interface", driver->name,
		    spec);
		channel = colon + 1;
	}
	if (r == 0 && *channel != '\0')
		r = evcan_options_set(options, "channel", channel, spec);
	return r;
}

static int
set_part(struct evcan_options *options, const char *part, const char *spec,
    struct evcan_error *err)
{
	const size_t before = evcan_options_count(options);
	char quoted[EVCAN_QUOTE_MAX], said[EVCAN_SAID_IN_MAX];
	int r = evcan_options_set_pair(options, part, spec, err);

	if (r < 0)
		return r;
	if (evcan_options_count(options) == before)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "%s sets what is set already%s",
		    evcan_quote_(quoted, part), evcan_said_in_(said, spec));
	if (before >= NAMES_MAX)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "more than 4096 options%s", evcan_said_in_(said, spec));
	return 0;
}

int
evcan_config_parse_spec(struct evcan_options *options, const char *spec,
    struct evcan_error *err)
{
	struct evcan_options *fresh = evcan_options_new();
	char *copy = strdup(spec), *rest = copy;
	int r = EVCAN_ERR_NOMEM;

	if (fresh == NULL || copy == NULL)
		goto out;
	r = set_target(fresh, next_part(&rest), spec);
	while (r == 0 && rest != NULL)
		r = set_part(fresh, next_part(&rest), spec, err);
	if (r == 0)
		r = evcan_config_merge_(options, fresh, EVCAN_MERGE_REPLACE);
out:
	free(copy);
	evcan_options_free(fresh);
	return r == EVCAN_ERR_NOMEM ? no_memory(err) : r;
}

/* A number in the shortest text that gives the same number again. */
static char *
real_text(const json_t *value)
{
	for (unsigned digits = 15; digits < 17; digits++) {
		char *text = json_dumps(value, JSON_ENCODE_ANY |
		    JSON_REAL_PRECISION(digits));
		double again;

		if (text != NULL && evcan_text_get_real_(text, &again) == 0 &&
		    again == json_real_value(value))
			return text;
		free(text);
	}
	return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
}

static char *
json_text(const json_t *value)
{
	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (json_is_real(value))
		return real_text(value);
	return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

static int
set_json(struct evcan_options *options, const char *name,
    const json_t *value, const char *origin)
{
	char *text;
	int r;

	if (json_is_null(value)) {
		evcan_options_unset(options, name);
		return 0;
	}
	text = json_text(value);
	if (text == NULL)
		return EVCAN_ERR_NOMEM;
	r = evcan_options_set(options, name, text, origin);
	free(text);
	return r;
}

static int
set_object(struct evcan_options *options, json_t *object, const char *origin,
    struct evcan_error *err)
{
	const char *name;
	json_t *value;

	if (json_object_size(object) > NAMES_MAX)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "%s: more than 4096 options", origin);
	json_object_foreach(object, name, value)
		if (set_json(options, name, value, origin) < 0)
			return no_memory(err);
	return 0;
}

static int
refuse_json(const char *origin, json_error_t *why, struct evcan_error *err)
{
	/* Where jansson gives no reason it could not get memory. */
	if (json_error_code(why) == json_error_out_of_memory ||
	    why->text[0] == '\0')
		return no_memory(err);
	return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0, "%s:%d:%d: %s",
	    origin, why->line, why->column, evcan_plain_(why->text));
}

int
evcan_config_parse_json(struct evcan_options *options, const char *text,
    size_t len, const char *origin, struct evcan_error *err)
{
	json_error_t why;
	json_t *json = json_loadb(text, len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	int r;

	if (origin == NULL)
		origin = "JSON";
	if (json == NULL)
		return refuse_json(origin, &why, err);
	if (json_is_object(json))
		r = set_object(options, json, origin, err);
	else
		r = evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "%s: is no JSON object, as in {\"interface\": "
		    "\"virtual\"}", origin);
	json_decref(json);
	return r;
}

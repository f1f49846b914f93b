/* SPDX-License-Identifier: BSD-3-Clause */
/* doc.c - typed values, options and filters out of a JSON document */
#include "doc.h"

#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/frame.h>

#include "gateway_doc.h"
#include "quote.h"
#include "text.h"

#define WHERE_MAX 200

static const struct evcan_option filter_keys[] = {
	{ .name = "can_id" }, { .name = "can_mask" }, { .name = "extended" },
	{ .name = "inverted" }, { .name = NULL }
};

int
evcan_doc_no_memory_(struct evcan_doc_ *r)
{
	return evcan_error_set(r->err, EVCAN_ERR_NOMEM, 0,
	    "%s: out of memory", r->doc->name);
}

/* The rest of err's text where ` (origin)` of one of the options stands is
 * closed up, and the origin leads: errors begin with their place. */
static const char *
take_origin(const struct evcan_options *options, char *text)
{
	char said[EVCAN_SAID_IN_MAX];
	const char *name, *value, *origin;

	for (size_t i = 0; evcan_options_at(options, i, &name, &value); i++) {
		char *found;

		origin = evcan_options_origin(options, name);
		if (origin == NULL)
			continue;
		found = strstr(text, evcan_said_in_(said, origin));
		if (found == NULL)
			continue;
		memmove(found, found + strlen(said),
		    strlen(found + strlen(said)) + 1);
		return origin;
	}
	return NULL;
}

int
evcan_plan_blame_(const struct evcan_plan_part_ *part,
    const struct evcan_error *cause, struct evcan_error *err)
{
	struct evcan_error copy = *cause;
	const char *origin = take_origin(part->options, copy.text);

	evcan_error_set(err, copy.code, 0, "%s: %s",
	    origin != NULL ? origin : part->where, copy.text);
	if (err != NULL) {
		err->system = copy.system;
		err->vendor = copy.vendor;
	}
	return copy.code;
}

char *
evcan_doc_where_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    enum evcan_json_end_ end)
{
	char buf[WHERE_MAX];

	evcan_json_where_(r->doc, at, end, buf, sizeof(buf));
	return strdup(buf);
}

/* Values */

int
evcan_doc_want_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, json_type type, const char *type_name)
{
	if (json_typeof(value) == type)
		return 0;
	return evcan_doc_fault_(r, at, "must be %s, not %s", type_name,
	    evcan_json_type_(value));
}

int
evcan_doc_bool_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, bool *ret)
{
	if (!json_is_boolean(value))
		return evcan_doc_fault_(r, at, "must be true or false, not %s",
		    evcan_json_type_(value));
	*ret = json_is_true(value);
	return 0;
}

/* A number, or text with 0x: text without could be meant either way. */
static int
want_id(struct evcan_doc_ *r, struct evcan_json_at_ *at, const json_t *value,
    uint32_t max, uint32_t *ret)
{
	const char *text = json_string_value(value);
	int64_t number = -1;

	if (json_is_integer(value))
		number = json_integer_value(value);
	else if (text == NULL || text[0] != '0' || (text[1] | 32) != 'x' ||
	    evcan_text_get_int_(text, &number) < 0)
		return evcan_doc_fault_(r, at,
		    "must be a number, or text with 0x as \"0x123\"");
	if (number < 0 || number > max)
		return evcan_doc_fault_(r, at, "must be from 0 to 0x%X",
		    (unsigned)max);
	*ret = (uint32_t)number;
	return 0;
}

/* A member that must be there, of a certain type. */
int
evcan_doc_member_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, const char *key, json_type type, const json_t **ret)
{
	struct evcan_json_at_ child = { .up = at, .key = key };

	*ret = json_object_get(object, key);
	if (*ret == NULL)
		return evcan_doc_fault_(r, at, "has no \"%s\"", key);
	return evcan_doc_want_(r, &child, *ret, type,
	    type == JSON_STRING ? "text" : "an object");
}

/* Refuses keys that no rule knows; the options' own words say which was
 * meant. */
static int
check_key(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const struct evcan_doc_rules_ *rules)
{
	const struct evcan_option *lists[EVCAN_DOC_LISTS_ + 1] =
	    { rules->own };
	struct evcan_options *probe;
	struct evcan_error error = { 0 };
	int result;

	memcpy(lists + 1, rules->lists, sizeof(rules->lists));
	probe = evcan_options_new();
	if (probe == NULL || evcan_options_set(probe, at->key, "", NULL) < 0) {
		evcan_options_free(probe);
		return evcan_doc_no_memory_(r);
	}
	result = evcan_options_refuse_unknown(probe, lists,
	    rules->n_lists + 1, rules->what, &error);
	evcan_options_free(probe);
	if (result < 0)
		evcan_json_error_(r->doc, at, EVCAN_JSON_KEY_, r->err, "%s",
		    error.text);
	return result;
}

int
evcan_doc_keys_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, const struct evcan_doc_rules_ *rules)
{
	const char *key;
	json_t *value;
	int result = evcan_doc_want_(r, at, object, JSON_OBJECT, "an object");

	if (result < 0)
		return result;
	json_object_foreach(object, key, value) {
		struct evcan_json_at_ child = { .up = at, .key = key };

		if (evcan_option_find(rules->own, key) != NULL)
			continue;
		result = check_key(r, &child, rules);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Options */

/* The value as the store takes it: numbers letter by letter. */
static char *
option_text(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value)
{
	const char *raw;
	size_t len;

	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (json_is_object(value) || json_is_array(value))
		return json_dumps(value, JSON_COMPACT);
	len = evcan_json_raw_(r->doc, at, &raw);
	return strndup(raw, len);
}

int
evcan_doc_set_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const char *name, const json_t *value, struct evcan_plan_part_ *part)
{
	char *text, *origin;
	int result;

	text = option_text(r, at, value);
	origin = evcan_doc_where_(r, at, EVCAN_JSON_VALUE_);
	if (text == NULL || origin == NULL)
		result = EVCAN_ERR_NOMEM;
	else
		result = evcan_options_set(part->options, name, text, origin);
	free(text);
	free(origin);
	return result < 0 ? evcan_doc_no_memory_(r) : 0;
}

/* Puts all members that are not the part's own keys into its store. A null
 * is an option not given. */
int
evcan_doc_options_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object,
    const struct evcan_option *own, struct evcan_plan_part_ *part)
{
	const char *key;
	json_t *value;
	int result;

	json_object_foreach(object, key, value) {
		struct evcan_json_at_ child = { .up = at, .key = key };

		if (evcan_option_find(own, key) != NULL ||
		    json_is_null(value))
			continue;
		result = evcan_doc_set_(r, &child, key, value, part);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Parses the options by their rows, into a struct that nobody looks at. */
int
evcan_doc_check_(struct evcan_doc_ *r, const struct evcan_plan_part_ *part,
    const struct evcan_option *rows)
{
	struct evcan_error error = { 0 };
	size_t size = 0;
	void *scratch;
	int result;

	for (size_t i = 0; rows != NULL && rows[i].name != NULL; i++) {
		if (rows[i].offset >= size)
			size = rows[i].offset + 16;
	}
	if (size == 0)
		return 0;
	scratch = calloc(1, size);
	if (scratch == NULL)
		return evcan_doc_no_memory_(r);
	result = evcan_options_fill(part->options, rows, scratch, &error);
	free(scratch);
	return result < 0 ? evcan_plan_blame_(part, &error, r->err) : 0;
}

/* Filters */

static int
read_filter(struct evcan_doc_ *r, struct evcan_json_at_ *at, json_t *object,
    struct evcan_filter *filter)
{
	static const struct evcan_doc_rules_ rules = {
		.what = "a filter", .own = filter_keys
	};
	static const char *const ids[] = { "can_id", "can_mask" };
	uint32_t values[2], max = EVCAN_MAX_EXT_ID;
	const json_t *value;
	bool flag = false;
	int result = evcan_doc_keys_(r, at, object, &rules);

	if (result < 0)
		return result;
	value = json_object_get(object, "extended");
	if (value != NULL) {
		struct evcan_json_at_ child = { .up = at, .key = "extended" };

		result = evcan_doc_bool_(r, &child, value, &flag);
		if (result < 0)
			return result;
		filter->format = flag ? EVCAN_FILTER_EXT : EVCAN_FILTER_STD;
		if (!flag)
			max = EVCAN_MAX_STD_ID;
	}
	for (size_t i = 0; i < 2; i++) {
		struct evcan_json_at_ child = { .up = at, .key = ids[i] };

		value = json_object_get(object, ids[i]);
		if (value == NULL)
			return evcan_doc_fault_(r, at, "has no \"%s\"",
			    ids[i]);
		/* A mask of 29 bits on standard identifiers is usual. */
		result = want_id(r, &child, value,
		    i == 0 ? max : EVCAN_MAX_EXT_ID, &values[i]);
		if (result < 0)
			return result;
	}
	filter->can_id = values[0];
	filter->can_mask = values[1];
	value = json_object_get(object, "inverted");
	if (value != NULL) {
		struct evcan_json_at_ child = { .up = at, .key = "inverted" };

		return evcan_doc_bool_(r, &child, value, &filter->inverted);
	}
	return 0;
}

static int
read_filter_text(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const char *text, struct evcan_plan_part_ *part)
{
	struct evcan_error error = { 0 };
	int n = evcan_filter_parse(text, &part->filters, &error);

	if (n < 0)
		return evcan_doc_fault_(r, at, "%s", error.text);
	part->n_filters = (size_t)n;
	return 0;
}

int
evcan_doc_filters_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, struct evcan_plan_part_ *part)
{
	struct evcan_json_at_ here = { .up = at, .key = "filters" };
	json_t *array = json_object_get(object, "filters");
	size_t n;
	int result;

	if (array == NULL)
		return 0;
	if (json_is_string(array))
		return read_filter_text(r, &here, json_string_value(array),
		    part);
	result = evcan_doc_want_(r, &here, array, JSON_ARRAY,
	    "an array of filters, or "
	    "text as \"100:7F0\"");
	n = json_array_size(array);
	if (result < 0 || n == 0)
		return result;
	part->filters = calloc(n, sizeof(*part->filters));
	if (part->filters == NULL)
		return evcan_doc_no_memory_(r);
	part->n_filters = n;
	for (size_t i = 0; i < n && result == 0; i++) {
		struct evcan_json_at_ element = { .up = &here, .index = i };

		result = read_filter(r, &element, json_array_get(array, i),
		    &part->filters[i]);
	}
	return result;
}

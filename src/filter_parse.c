/* SPDX-License-Identifier: BSD-3-Clause */
/* filter_parse.c - filters from text and from JSON */
#include <evcan/filter.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <evcan/error.h>
#include <evcan/frame.h>

#include "text.h"

/* ---- ID:MASK,ID~MASK ---- */

struct list {
	struct evcan_filter *filters;
	size_t n, room;
};

static int
append(struct list *list, const struct evcan_filter *filter,
    struct evcan_error *err)
{
	struct evcan_filter *grown;
	const size_t room = list->room ? 2 * list->room : 8;

	if (list->n == list->room) {
		grown = realloc(list->filters, room * sizeof(*grown));
		if (grown == NULL)
			return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
			    "out of memory for %zu filters", room);
		list->filters = grown;
		list->room = room;
	}
	list->filters[list->n++] = *filter;
	return 0;
}

static unsigned
hex_digit(char c)
{
	return evcan_hex_value_[(unsigned char)c];
}

/* A hex number of up to 8 digits, 0x allowed. @return digits, 0: none */
static size_t
get_hex(const char **p, uint32_t *value)
{
	size_t n = 0;

	if ((*p)[0] == '0' && ((*p)[1] == 'x' || (*p)[1] == 'X'))
		*p += 2;
	for (*value = 0; hex_digit((*p)[n]) < 16; n++) {
		if (n == 8)
			return 0;
		*value = *value << 4 | hex_digit((*p)[n]);
	}
	*p += n;
	return n;
}

static bool
is_between(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One filter. @return NULL or what is wrong at *p */
static const char *
get_filter(const char **p, struct evcan_filter *filter)
{
	size_t digits;

	digits = get_hex(p, &filter->can_id);
	if (digits == 0)
		return "an identifier of up to 8 hex digits is expected";
	if (filter->can_id > EVCAN_MAX_EXT_ID)
		return "the identifier is over 1FFFFFFF";
	if (**p != ':' && **p != '~')
		return "expected : or ~ between identifier and mask";
	filter->inverted = *(*p)++ == '~';
	if (get_hex(p, &filter->can_mask) == 0)
		return "a mask of up to 8 hex digits is expected";
	if (filter->can_mask > EVCAN_MAX_EXT_ID)
		return "the mask is over 1FFFFFFF";
	filter->format = digits == 8 ? EVCAN_FILTER_EXT : EVCAN_FILTER_ANY;
	return **p == '\0' || is_between(**p) ? NULL :
	    "expected a comma or a blank after the mask";
}

/* How much of a wrong filter an error text shows. */
static int
shown(const char *start)
{
	const size_t n = strcspn(start, ", \t\r\n");

	return n < 40 ? (int)n : 40;
}

static int
parse_text(const char *text, struct list *list, struct evcan_error *err)
{
	const char *p, *start, *why;
	int r;

	for (p = text;; ) {
		struct evcan_filter filter = {0};

		while (is_between(*p))
			p++;
		if (*p == '\0')
			return 0;
		start = p;
		if ((why = get_filter(&p, &filter)) != NULL)
			return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
			    "filter \"%.*s\", column %zu: %s; filters are"
			    " ID:MASK or ID~MASK in hex, like 123:7FF",
			    shown(start), start, (size_t)(p - text) + 1, why);
		if ((r = append(list, &filter, err)) < 0)
			return r;
	}
}

/* ---- [{"can_id": 291, "can_mask": "0x7ff", "extended": false}] ---- */

/* Where a value stands, for error texts. */
struct place {
	size_t filter;            /* from 0 */
	const char *key;
	struct evcan_error *err;
};

static int
refuse(const struct place *place, const char *wanted)
{
	return evcan_error_set(place->err, EVCAN_ERR_INVALID, 0,
	    "filter [%zu]: %s must be %s", place->filter, place->key, wanted);
}

static int
get_id(const json_t *value, const struct place *place, uint32_t *id)
{
	static const char wanted[] =
	    "a number from 0 to 0x1fffffff, or a string of one with 0x";
	const char *const text = json_string_value(value);
	int64_t number = -1;

	if (json_is_integer(value))
		number = json_integer_value(value);
	else if (text == NULL || text[0] != '0' ||
	    (text[1] != 'x' && text[1] != 'X') ||
	    evcan_text_get_int_(text, &number) < 0)
		return refuse(place, wanted);
	if (number < 0 || number > (int64_t)EVCAN_MAX_EXT_ID)
		return refuse(place, wanted);
	*id = (uint32_t)number;
	return 0;
}

static int
set_id(struct evcan_filter *f, const json_t *v, const struct place *place)
{
	return get_id(v, place, &f->can_id);
}

static int
set_mask(struct evcan_filter *f, const json_t *v, const struct place *place)
{
	return get_id(v, place, &f->can_mask);
}

static int
set_extended(struct evcan_filter *f, const json_t *v,
    const struct place *place)
{
	if (!json_is_boolean(v))
		return refuse(place, "true or false");
	f->format = json_is_true(v) ? EVCAN_FILTER_EXT : EVCAN_FILTER_STD;
	return 0;
}

static int
set_inverted(struct evcan_filter *f, const json_t *v,
    const struct place *place)
{
	if (!json_is_boolean(v))
		return refuse(place, "true or false");
	f->inverted = json_is_true(v);
	return 0;
}

static const struct {
	const char *name;
	bool required;
	int (*set)(struct evcan_filter *, const json_t *,
	    const struct place *);
} keys[] = {
	{"can_id", true, set_id},
	{"can_mask", true, set_mask},
	{"extended", false, set_extended},
	{"inverted", false, set_inverted},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static bool
is_key(const char *name)
{
	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return true;
	}
	return false;
}

static int
parse_object(json_t *object, struct place *place,
    struct evcan_filter *filter)
{
	const char *name;
	json_t *value;
	int r;

	if (!json_is_object(object))
		return evcan_error_set(place->err, EVCAN_ERR_INVALID, 0,
		    "filter [%zu] must be an object like {\"can_id\": 291,"
		    " \"can_mask\": 2047}", place->filter);
	json_object_foreach(object, name, value) {
		if (!is_key(name))
			return evcan_error_set(place->err, EVCAN_ERR_INVALID,
			    0, "filter [%zu]: unknown key \"%.40s\"; there"
			    " are can_id, can_mask, extended, inverted",
			    place->filter, name);
	}
	for (size_t i = 0; i < KEYS; i++) {
		value = json_object_get(object, keys[i].name);
		place->key = keys[i].name;
		if (value == NULL && keys[i].required)
			return evcan_error_set(place->err, EVCAN_ERR_INVALID,
			    0, "filter [%zu]: %s is missing", place->filter,
			    keys[i].name);
		if (value != NULL &&
		    (r = keys[i].set(filter, value, place)) < 0)
			return r;
	}
	return 0;
}

static int
parse_array(const json_t *array, struct list *list, struct evcan_error *err)
{
	struct place place = {0, NULL, err};
	int r;

	if (!json_is_array(array))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "filters in JSON must be an array, like [{\"can_id\":"
		    " 291, \"can_mask\": 2047}]");
	for (; place.filter < json_array_size(array); place.filter++) {
		struct evcan_filter filter = {0};

		r = parse_object(json_array_get(array, place.filter), &place,
		    &filter);
		if (r < 0 || (r = append(list, &filter, err)) < 0)
			return r;
	}
	return 0;
}

static int
parse_json(const char *text, struct list *list, struct evcan_error *err)
{
	json_error_t where;
	json_t *array;
	int r;

	array = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	if (array == NULL &&
	    json_error_code(&where) == json_error_out_of_memory)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for filters");
	if (array == NULL)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "filters, line %d, column %d: %s", where.line,
		    where.column, where.text);
	r = parse_array(array, list, err);
	json_decref(array);
	return r;
}

int
evcan_filter_parse(const char *text, struct evcan_filter **out,
    struct evcan_error *err)
{
	struct list list = {NULL, 0, 0};
	const char *const first = text + strspn(text, " \t\r\n");
	int r;

	r = *first == '[' || *first == '{' ? parse_json(text, &list, err) :
	    parse_text(text, &list, err);
	if (r == 0 && list.n > INT_MAX)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%zu filters are too many", list.n);
	if (r < 0) {
		free(list.filters);
		return r;
	}
	*out = list.filters;
	return (int)list.n;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - the ordered store of name=value with their origins */
#include <evcan/options.h>

#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

#include "quote.h"

/*
 * Each text is an allocation of its own, so that a borrowed value stays
 * where it is while other names are set or removed. A store holds some ten
 * names: looking through them all is the fastest way.
 */
struct pair {
	char *name;
	char *value;
	char *origin;  /* may be NULL */
};

struct evcan_options {
	struct pair *pairs;
	size_t count;
	size_t room;
};

struct evcan_options *
evcan_options_new(void)
{
	return calloc(1, sizeof(struct evcan_options));
}

static void
pair_clear(struct pair *pair)
{
	free(pair->name);
	free(pair->value);
	free(pair->origin);
}

void
evcan_options_free(struct evcan_options *options)
{
	if (options == NULL)
		return;
	for (size_t i = 0; i < options->count; i++)
		pair_clear(&options->pairs[i]);
	free(options->pairs);
	free(options);
}

static struct pair *
find(const struct evcan_options *options, const char *name)
{
	if (options == NULL)
		return NULL;
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->pairs[i].name, name) == 0)
			return &options->pairs[i];
	return NULL;
}

/* Makes room for one pair more. */
static int
grow(struct evcan_options *options)
{
	const size_t room = options->room > 0 ? options->room * 2 : 8;
	struct pair *pairs;

	if (options->count < options->room)
		return 0;
	pairs = realloc(options->pairs, room * sizeof(*pairs));
	if (pairs == NULL)
		return EVCAN_ERR_NOMEM;
	options->pairs = pairs;
	options->room = room;
	return 0;
}

/* On failure the pair owns what could be made, for pair_clear(). */
static int
pair_make(struct pair *pair, const char *name, const char *value,
    const char *origin)
{
	pair->name = strdup(name);
	pair->value = strdup(value);
	pair->origin = origin != NULL ? strdup(origin) : NULL;
	if (pair->name == NULL || pair->value == NULL ||
	    (origin != NULL && pair->origin == NULL))
		return EVCAN_ERR_NOMEM;
	return 0;
}

int
evcan_options_set(struct evcan_options *options, const char *name,
    const char *value, const char *origin)
{
	struct pair fresh, *old;

	/* The texts are copied before the old ones go: they may be those. */
	if (pair_make(&fresh, name, value, origin) < 0)
		goto fail;
	old = find(options, name);
	if (old != NULL) {
		pair_clear(old);
		*old = fresh;
		return 0;
	}
	if (grow(options) < 0)
		goto fail;
	options->pairs[options->count++] = fresh;
	return 0;
fail:
	pair_clear(&fresh);
	return EVCAN_ERR_NOMEM;
}

int
evcan_options_set_default(struct evcan_options *options, const char *name,
    const char *value, const char *origin)
{
	if (find(options, name) != NULL)
		return 0;
	return evcan_options_set(options, name, value, origin);
}

int
evcan_options_set_pair(struct evcan_options *options, const char *pair,
    const char *origin, struct evcan_error *err)
{
	const char *equals = strchr(pair, '=');
	char quoted[EVCAN_QUOTE_MAX], said[EVCAN_SAID_IN_MAX], *name;
	int r;

	if (equals == NULL || equals == pair)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "%s is not an option as name=value%s",
		    evcan_quote_(quoted, pair), evcan_said_in_(said, origin));
	name = strndup(pair, (size_t)(equals - pair));
	r = name != NULL ?
	    evcan_options_set(options, name, equals + 1, origin) :
	    EVCAN_ERR_NOMEM;
	free(name);
	if (r < 0)
		evcan_error_set(err, r, 0, "out of memory for an option");
	return r;
}

void
evcan_options_unset(struct evcan_options *options, const char *name)
{
	struct pair *pair = find(options, name);
	size_t after;

	if (pair == NULL)
		return;
	pair_clear(pair);
	after = options->count - (size_t)(pair - options->pairs) - 1;
	memmove(pair, pair + 1, after * sizeof(*pair));
	options->count--;
}

struct evcan_options *
evcan_options_copy(const struct evcan_options *options)
{
	struct evcan_options *copy = evcan_options_new();

	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < evcan_options_count(options); i++) {
		const struct pair *pair = &options->pairs[i];

		if (evcan_options_set(copy, pair->name, pair->value,
		    pair->origin) < 0) {
			evcan_options_free(copy);
			return NULL;
		}
	}
	return copy;
}

const char *
evcan_options_get(const struct evcan_options *options, const char *name)
{
	const struct pair *pair = find(options, name);

	return pair != NULL ? pair->value : NULL;
}

const char *
evcan_options_origin(const struct evcan_options *options, const char *name)
{
	const struct pair *pair = find(options, name);

	return pair != NULL ? pair->origin : NULL;
}

size_t
evcan_options_count(const struct evcan_options *options)
{
	return options != NULL ? options->count : 0;
}

bool
evcan_options_at(const struct evcan_options *options, size_t i,
    const char **name, const char **value)
{
	if (i >= evcan_options_count(options))
		return false;
	*name = options->pairs[i].name;
	*value = options->pairs[i].value;
	return true;
}

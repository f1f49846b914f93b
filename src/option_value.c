/* SPDX-License-Identifier: BSD-3-Clause */
/* option_value.c - option rows: values by type, older spellings */
#include <evcan/options.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/bit_timing.h>
#include <evcan/error.h>
#include <evcan/filter.h>

#include "quote.h"
#include "text.h"

/* Most characters of `one of: a, b, ...`. */
#define WHAT_MAX (EVCAN_WORDS_MAX + 80)
/* An upper bound from here on is not worth telling. */
#define UNBOUNDED 9e15

static bool
same_word(const char *word, size_t len, const char *text)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' ||
		    evcan_lower_(word[i]) != evcan_lower_(text[i]))
			return false;
	return text[len] == '\0';
}

static bool
get_bool(const char *text, bool *value)
{
	static const struct {
		const char *word;
		bool value;
	} table[] = {
		{ "true", true }, { "yes", true }, { "on", true },
		{ "1", true }, { "false", false }, { "no", false },
		{ "off", false }, { "0", false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (same_word(table[i].word, strlen(table[i].word), text)) {
			*value = table[i].value;
			return true;
		}
	return false;
}

/* The first entry with the same word before `=` as this one: it owns the
 * index that later entries only add spellings to. */
static const char *
choice_owner(const char *choices, const char *entry)
{
	const size_t head = strcspn(entry, "= ");
	const char *list = choices, *p;
	size_t n;

	while ((p = evcan_next_word_(&list, &n)) != NULL && p != entry)
		if (strcspn(p, "= ") == head && memcmp(p, entry, head) == 0)
			return p;
	return entry;
}

static int
choice_index(const char *choices, const char *entry)
{
	const char *owner = choice_owner(choices, entry);
	const char *list = choices, *p;
	int index = 0;
	size_t n;

	while ((p = evcan_next_word_(&list, &n)) != NULL && p != owner)
		index += choice_owner(choices, p) == p;
	return index;
}

/* Does one entry, word or word=older=..., hold this spelling? */
static bool
choice_spelled(const char *entry, size_t len, const char *text)
{
	for (size_t from = 0; from <= len; ) {
		size_t n = 0;

		while (from + n < len && entry[from + n] != '=')
			n++;
		if (n > 0 && same_word(entry + from, n, text))
			return true;
		from += n + 1;
	}
	return false;
}

static bool
get_choice(const char *choices, const char *text, int *value)
{
	const char *list = choices, *p;
	size_t n;

	while ((p = evcan_next_word_(&list, &n)) != NULL)
		if (choice_spelled(p, n, text)) {
			*value = choice_index(choices, p);
			return true;
		}
	return false;
}

static bool
in_bounds(const struct evcan_option *row, double value)
{
	if (row->min == 0 && row->max == 0)
		return true;
	return value >= row->min && value <= row->max;
}

static int
put_bool(const struct evcan_option *row, const char *text, void *to,
    struct evcan_error *err)
{
	(void)row;
	(void)err;
	return get_bool(text, to) ? 0 : EVCAN_ERR_INVALID;
}

static int
put_int(const struct evcan_option *row, const char *text, void *to,
    struct evcan_error *err)
{
	int64_t value;

	(void)err;
	if (evcan_text_get_int_(text, &value) < 0 ||
	    !in_bounds(row, (double)value))
		return EVCAN_ERR_INVALID;
	*(int64_t *)to = value;
	return 0;
}

static int
put_real(const struct evcan_option *row, const char *text, void *to,
    struct evcan_error *err)
{
	double value;

	(void)err;
	if (evcan_text_get_real_(text, &value) < 0 || !in_bounds(row, value))
		return EVCAN_ERR_INVALID;
	*(double *)to = value;
	return 0;
}

static int
put_text(const struct evcan_option *row, const char *text, void *to,
    struct evcan_error *err)
{
	(void)row;
	(void)err;
	*(const char **)to = text;
	return 0;
}

static int
put_choice(const struct evcan_option *row, const char *text, void *to,
    struct evcan_error *err)
{
	(void)err;
	return get_choice(row->choices, text, to) ? 0 : EVCAN_ERR_INVALID;
}

static int
put_filters(const struct evcan_option *row, const char *text, void *to,
    struct evcan_error *err)
{
	struct evcan_filter *filters = NULL;
	const int r = evcan_filter_parse(text, &filters, err);

	(void)row;
	free(filters);
	if (r < 0)
		return r;
	*(const char **)to = text;
	return 0;
}

static int
put_timing(const struct evcan_option *row, const char *text, void *to,
    struct evcan_error *err)
{
	struct evcan_timing timing;
	const int r = evcan_timing_parse(&timing, text, err);

	(void)row;
	if (r < 0)
		return r;
	*(const char **)to = text;
	return 0;
}

/*
 * What a type is called, what it accepts, and how its text gets into a
 * struct: put returns 0, or a code and perhaps a sentence of its own in err.
 */
static const struct {
	const char *name;
	const char *accepts;
	size_t size;
	int (*put)(const struct evcan_option *row, const char *text, void *to,
	    struct evcan_error *err);
} types[] = {
	[EVCAN_OPTION_BOOL] =
	    { "true or false", "true or false", sizeof(bool), put_bool },
	[EVCAN_OPTION_INT] =
	    { "integer", "an integer", sizeof(int64_t), put_int },
	[EVCAN_OPTION_REAL] =
	    { "number", "a number", sizeof(double), put_real },
	[EVCAN_OPTION_TEXT] =
	    { "text", "text", sizeof(const char *), put_text },
	[EVCAN_OPTION_CHOICE] =
	    { "one of", "one of", sizeof(int), put_choice },
	[EVCAN_OPTION_FILTERS] =
	    { "filters", "filters", sizeof(const char *), put_filters },
	[EVCAN_OPTION_TIMING] =
	    { "bit timing", "bit timing", sizeof(const char *), put_timing },
};

const char *
evcan_option_type_name(enum evcan_option_type type)
{
	if ((size_t)type >= sizeof(types) / sizeof(types[0]))
		return "unknown";
	return types[type].name;
}

/* Any name or alias that is this one? */
static bool
row_is_called(const struct evcan_option *row, const char *name)
{
	const char *list = row->aliases, *alias;
	size_t n;

	if (strcmp(row->name, name) == 0)
		return true;
	while ((alias = evcan_next_word_(&list, &n)) != NULL)
		if (strlen(name) == n && memcmp(alias, name, n) == 0)
			return true;
	return false;
}

const struct evcan_option *
evcan_option_find(const struct evcan_option *rows, const char *name)
{
	if (rows == NULL)
		return NULL;
	for (; rows->name != NULL; rows++)
		if (row_is_called(rows, name))
			return rows;
	return NULL;
}

static void
describe_choices(const struct evcan_option *row, char out[WHAT_MAX])
{
	struct evcan_words_ words = { 0 };
	const char *list = row->choices, *p;
	size_t n;

	while ((p = evcan_next_word_(&list, &n)) != NULL)
		if (choice_owner(row->choices, p) == p)
			evcan_words_add_(&words, p, strcspn(p, "= "));
	snprintf(out, WHAT_MAX, "one of: %s", words.text);
}

/* What a row accepts, as the end of `... is not`. */
static void
describe(const struct evcan_option *row, char out[WHAT_MAX])
{
	const char *what = types[row->type].accepts;

	if (row->type == EVCAN_OPTION_CHOICE)
		describe_choices(row, out);
	else if (row->min == 0 && row->max == 0)
		snprintf(out, WHAT_MAX, "%s", what);
	else if (row->max >= UNBOUNDED)
		snprintf(out, WHAT_MAX, "%s of at least %.15g", what,
		    row->min);
	else
		snprintf(out, WHAT_MAX, "%s from %.15g to %.15g", what,
		    row->min, row->max);
}

static int
refuse_value(const struct evcan_options *options,
    const struct evcan_option *row, const char *name, const char *value,
    const struct evcan_error *why, struct evcan_error *err)
{
	char quoted[EVCAN_QUOTE_MAX], origin[EVCAN_SAID_IN_MAX];
	char what[WHAT_MAX];

	evcan_said_in_(origin, evcan_options_origin(options, name));
	if (why->code == EVCAN_ERR_NOMEM)
		return evcan_error_set(err, why->code, 0, "%s", why->text);
	if (why->code != 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "option %s: %s%s", name, why->text, origin);
	describe(row, what);
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "option %s: %s is not %s%s", name, evcan_quote_(quoted, value),
	    what, origin);
}

/*
 * Finds the spelling of a row that the store uses: *name stays NULL if none.
 * Two spellings with different values contradict each other.
 */
static int
find_spelling(const struct evcan_options *options,
    const struct evcan_option *row, const char **name,
    struct evcan_error *err)
{
	const char *each, *value, *chosen = NULL;
	char a[EVCAN_QUOTE_MAX], b[EVCAN_QUOTE_MAX];

	*name = NULL;
	for (size_t i = 0; evcan_options_at(options, i, &each, &value); i++) {
		if (!row_is_called(row, each))
			continue;
		if (chosen != NULL && strcmp(chosen, value) != 0)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "option %s is %s but %s, the same option, is %s: "
			    "give one of them", *name,
			    evcan_quote_(a, chosen), each,
			    evcan_quote_(b, value));
		if (chosen == NULL || strcmp(each, row->name) == 0)
			*name = each;
		chosen = value;
	}
	return 0;
}

static int
fill_row(const struct evcan_options *options, const struct evcan_option *row,
    void *to, struct evcan_error *err)
{
	struct evcan_error why = { 0 };
	const char *name, *value;
	int r = find_spelling(options, row, &name, err);

	if (r < 0)
		return r;
	if (name == NULL && (row->flags & EVCAN_OPTION_REQUIRED) != 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "option %s is missing: %s", row->name, row->help);
	value = name != NULL ? evcan_options_get(options, name) :
	    row->fallback;
	if (value == NULL)
		return 0;
	if (types[row->type].put(row, value, to, &why) == 0)
		return 0;
	return refuse_value(options, row, name != NULL ? name : row->name,
	    value, &why, err);
}

int
evcan_options_fill(const struct evcan_options *options,
    const struct evcan_option *rows, void *base, struct evcan_error *err)
{
	if (rows == NULL)
		return 0;
	for (; rows->name != NULL; rows++) {
		void *to = (char *)base + rows->offset;
		int r;

		/* What a row gives that has neither value nor default. */
		memset(to, 0, types[rows->type].size);
		r = fill_row(options, rows, to, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* option_guess.c - names that no option has, and which one was meant */
#include <evcan/options.h>

#include <string.h>

#include <evcan/error.h>

#include "quote.h"

/* Longer names than this are not worth a guess. */
#define GUESS_MAX 40

/* Letters typed wrong most often differ in case, or in `-` for `_`. */
static char
fold(char c)
{
	return c == '-' ? '_' : evcan_lower_(c);
}

static int
least(int a, int b)
{
	return a < b ? a : b;
}

/*
 * Edit distance: letters inserted, left out, replaced, or two neighbours
 * exchanged. Three rows of the table are enough.
 */
static int
distance(const char *a, size_t n, const char *b)
{
	int rows[3][GUESS_MAX + 1];
	const size_t m = strlen(b);

	if (n > GUESS_MAX || m > GUESS_MAX)
		return GUESS_MAX;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (int)j;
	for (size_t i = 1; i <= n; i++) {
		int *now = rows[i % 3], *last = rows[(i + 2) % 3];
		const int *before = rows[(i + 1) % 3];

		now[0] = (int)i;
		for (size_t j = 1; j <= m; j++) {
			const char x = fold(a[i - 1]), y = fold(b[j - 1]);

			now[j] = least(last[j - 1] + (x != y),
			    least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && x == fold(b[j - 2]) &&
			    y == fold(a[i - 2]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

static int
row_distance(const struct evcan_option *row, const char *name)
{
	int best = distance(row->name, strlen(row->name), name);
	const char *list = row->aliases, *alias;
	size_t n;

	while ((alias = evcan_next_word_(&list, &n)) != NULL)
		best = least(best, distance(alias, n, name));
	return best;
}

/* The nearest row's name, if it is near at all; all names go to words. */
static const char *
nearest(const struct evcan_option *const *lists, size_t n, const char *name,
    struct evcan_words_ *words)
{
	const char *best = NULL;
	int limit = 2 + (int)strnlen(name, GUESS_MAX) / 4;

	if (strlen(name) < 4)
		limit = 2;
	for (size_t i = 0; i < n; i++) {
		const struct evcan_option *row = lists[i];

		for (; row != NULL && row->name != NULL; row++) {
			const int d = row_distance(row, name);

			evcan_words_add_(words, row->name, strlen(row->name));
			if (d < limit) {
				limit = d;
				best = row->name;
			}
		}
	}
	return best;
}

static int
refuse_name(const struct evcan_options *options,
    const struct evcan_option *const *lists, size_t n, const char *name,
    const char *what, struct evcan_error *err)
{
	struct evcan_words_ words = { 0 };
	const char *best = nearest(lists, n, name, &words);
	char quoted[EVCAN_QUOTE_MAX], origin[EVCAN_SAID_IN_MAX];

	evcan_quote_(quoted, name);
	evcan_said_in_(origin, evcan_options_origin(options, name));
	if (best != NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%s has no option %s: did you mean %s?%s", what, quoted,
		    best, origin);
	if (words.len == 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%s has no option %s, nor any other%s", what, quoted,
		    origin);
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "%s has no option %s%s: its options are %s", what, quoted,
	    origin, words.text);
}

int
evcan_options_refuse_unknown(const struct evcan_options *options,
    const struct evcan_option *const *lists, size_t n, const char *what,
    struct evcan_error *err)
{
	const char *name, *value;

	for (size_t i = 0; evcan_options_at(options, i, &name, &value); i++) {
		bool known = false;

		for (size_t k = 0; k < n && !known; k++)
			known = evcan_option_find(lists[k], name) != NULL;
		if (!known)
			return refuse_name(options, lists, n, name, what, err);
	}
	return 0;
}

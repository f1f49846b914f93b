/* SPDX-License-Identifier: BSD-3-Clause */
/* quote.h - parts of one-line sentences: foreign text, lists of words */
#ifndef EVCAN_QUOTE_H
#define EVCAN_QUOTE_H

#include <stddef.h>

/* Room that one quoted text needs, its two quotes and NUL included. */
#define EVCAN_QUOTE_MAX 84

/* Writes text in double quotes to out: control characters become `?`, and
 * what is too long ends in `...`. @return out */
const char *evcan_quote_(char out[EVCAN_QUOTE_MAX], const char *text);
/* The same of len bytes. */
const char *evcan_quote_n_(char out[EVCAN_QUOTE_MAX], const char *text,
    size_t len);

/* Makes control characters `?`, in place. @return text */
char *evcan_plain_(char *text);

/* ` (origin)` for the end of a sentence, or nothing when origin is NULL. */
#define EVCAN_SAID_IN_MAX 208
const char *evcan_said_in_(char out[EVCAN_SAID_IN_MAX], const char *origin);

/* A list of words being written, `a, b, c`; what is too much is left out,
 * whole word by whole word, and told by `...`. Starts as { 0 }. */
#define EVCAN_WORDS_MAX 300
struct evcan_words_ {
	char text[EVCAN_WORDS_MAX];
	size_t len;
	int full;
};
void evcan_words_add_(struct evcan_words_ *words, const char *word,
    size_t len);

/* The next blank-separated word from *list (may be NULL) on, which is moved
 * behind it. @return the word, *len characters long, or NULL at the end */
const char *evcan_next_word_(const char **list, size_t *len);

/* ASCII only: the words of options do not depend on the locale. */
static inline char
evcan_lower_(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* quote.c - parts of one-line sentences: foreign text, lists of words */
#include "quote.h"

#include <stdio.h>
#include <string.h>

/* Bytes of text shown: what the two quotes, the dots and NUL leave. */
#define SHOWN (EVCAN_QUOTE_MAX - 6)

/* Steps back from the middle of a UTF-8 character to its start. */
static size_t
character_start(const char *text, size_t at)
{
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static char
visible(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
}

const char *
evcan_quote_n_(char out[EVCAN_QUOTE_MAX], const char *text, size_t len)
{
	const size_t n = len <= SHOWN ? len : character_start(text, SHOWN);
	char *p = out;

	*p++ = '"';
	for (size_t i = 0; i < n; i++)
		*p++ = visible(text[i]);
	if (n < len) {
		memcpy(p, "...", 3);
		p += 3;
	}
	*p++ = '"';
	*p = '\0';
	return out;
}

const char *
evcan_quote_(char out[EVCAN_QUOTE_MAX], const char *text)
{
	/* Longer than is shown is all that matters of a long text. */
	return evcan_quote_n_(out, text, strnlen(text, SHOWN + 8));
}

char *
evcan_plain_(char *text)
{
	for (char *p = text; *p != '\0'; p++)
		*p = visible(*p);
	return text;
}

const char *
evcan_said_in_(char out[EVCAN_SAID_IN_MAX], const char *origin)
{
	out[0] = '\0';
	if (origin != NULL)
		snprintf(out, EVCAN_SAID_IN_MAX, " (%.200s)", origin);
	return evcan_plain_(out);
}

static void
append(struct evcan_words_ *words, const char *text, size_t len)
{
	memcpy(words->text + words->len, text, len);
	words->len += len;
	words->text[words->len] = '\0';
}

void
evcan_words_add_(struct evcan_words_ *words, const char *word, size_t len)
{
	const size_t comma = words->len > 0 ? 2 : 0;

	if (words->full)
		return;
	/* Room for the dots is kept at all times. */
	if (words->len + comma + len + sizeof(", ...") >
	    sizeof(words->text)) {
		words->full = 1;
		append(words, ", ...", 5);
		return;
	}
	append(words, ", ", comma);
	append(words, word, len);
}

const char *
evcan_next_word_(const char **list, size_t *len)
{
	const char *word;

	if (*list == NULL)
		return NULL;
	word = *list + strspn(*list, " ");
	*len = strcspn(word, " ");
	*list = word + *len;
	return *len > 0 ? word : NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* figures.c - results: rows of name and number, or one JSON object */
#include "tool.h"

#include <inttypes.h>
#include <string.h>

void
figures_print(FILE *out, const struct figure *rows, size_t n, bool json)
{
	size_t widest = 0;

	for (size_t i = 0; i < n; i++)
		if (strlen(rows[i].name) > widest)
			widest = strlen(rows[i].name);
	for (size_t i = 0; i < n; i++) {
		if (!json) {
			fprintf(out, "%-*s %" PRIu64 "\n", (int)widest,
			    rows[i].name, rows[i].value);
			continue;
		}
		fputs(i ? ", " : "{", out);
		json_text(out, rows[i].name);
		fprintf(out, ": %" PRIu64, rows[i].value);
	}
	if (json)
		fputs("}\n", out);
}

/* Bytes of the UTF-8 character at s, or 0 if it is none. */
static size_t
utf8_length(const unsigned char *s)
{
	size_t n = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 :
	    *s >= 0xe0 && *s < 0xf0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

void
json_text(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	putc('"', out);
	while (*s) {
		size_t n = utf8_length(s);

		if (n == 0)
			fputs("\\ufffd", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < ' ' || *s == 127)
			fprintf(out, "\\u%04x", *s);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
	putc('"', out);
}

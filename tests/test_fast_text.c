/* SPDX-License-Identifier: BSD-3-Clause */
/* test_fast_text.c - fast paths of text formats say what the grammar says */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/format.h>
#include <evcan/options.h>

#include "fast_text.h"

/* A head, then a line that teaches the fast path, which reads further ones
 * like it only when it knows the second. */
static const struct sample {
	const char *format, *head, *line;
} samples[] = {
	{ "candump", "", "(1483389946.000511) can1 3DE#2C522A167521C7" },
	{ "candump", "", "(0000000012.000511) vcan10 1ABCDEF0#0102 T" },
	{ "asc", "base hex  timestamps absolute\n",
	  "   0.000511 2  3DE             Rx   d 7 2C 52 2A 16 75 21 C7" },
	{ "asc", "base hex  timestamps absolute\n",
	  "  10.000511999 1  1abcdef0x       Tx   d 8 01 02 03 04 05 06 07 FF"
	  "  Length = 1" },
	{ "asc", "base hex  timestamps relative\n",
	  "   0.000511 2  12              Rx   d 2 2C 52" },
	{ "trc", ";$FILEVERSION=1.1\n",
	  "     1)     17535.4  Rx         0300  3  00 1A ff" },
	{ "trc", ";$FILEVERSION=1.3\n",
	  "     1)     17535.451 1  Tx    00000100 -  8    "
	  "00 01 02 03 04 05 06 07" },
	{ "trc", ";$FILEVERSION=2.0\n;$COLUMNS=N,O,T,I,d,l,D\n",
	  "      1     17535.451 DT     0300 Tx 4  00 01 02 03 " },
	{ "trc", ";$FILEVERSION=2.1\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n",
	  "      1     17535.451 DT  2 1E9636C8 Rx -  6    "
	  "88 60 DA 13 5B F9" },
	{ "trc", ";$FILEVERSION=2.1\n;$COLUMNS=N,O,T,B,I,d,R,l,D\n",
	  "      1     17535.451 DT 1      0300 Tx -  8    "
	  "00 01 02 03 04 05 06 07" },
	{ "csv", "timestamp,arbitration_id,extended,remote,error,dlc,data\n",
	  "1483389946.000511,0x3de,0,0,0,7,LFIqFnUhxw==" }
};

/* What a text holds: faults and frames, as text. */
static void
decode(const char *name, const char *text, char *says, size_t size)
{
	const struct evcan_format *format = evcan_format_find(name);
	struct evcan_options *options = evcan_options_new();
	void *state = calloc(1, format->read_size);
	struct evcan_span span = { .data = (const uint8_t *)text,
	    .len = strlen(text), .end = true };
	struct evcan_decode out = { .line = 1 };
	struct evcan_frame frames[4];
	size_t n = 0;
	int r;

	assert_int_equal(evcan_options_fill(options, format->read_options,
	    state, NULL), 0);
	if (format->read_begin != NULL)
		assert_int_equal(format->read_begin(state, NULL, NULL), 0);
	do {
		out.used = 0;
		memset(frames, 0x55, sizeof(frames));
		r = format->decode(state, &span, frames, 4, &out);
		if (r < 0)
			n += (size_t)snprintf(says + n, size - n, "%llu %s\n",
			    (unsigned long long)out.error_line,
			    out.error.text);
		for (int i = 0; i < r; i++) {
			const struct evcan_frame *f = &frames[i];

			n += (size_t)snprintf(says + n, size - n,
			    "%lld %x %x %u %u %u %u %u %u", (long long)
			    f->time_ns, f->id, f->flags, f->channel, f->len,
			    f->dlc, f->dir, f->clock, f->hops);
			for (unsigned k = 0; k < 8 || k < f->len; k++)
				n += (size_t)snprintf(says + n, size - n,
				    " %02x", f->data[k]);
			n += (size_t)snprintf(says + n, size - n, "\n");
		}
		span.data += out.used;
		span.len -= out.used;
		span.offset += out.used;
		assert_true(n < size);
	} while (span.len > 0 && (out.used > 0 || r < 0));
	snprintf(says + n, size - n, "line %llu, %llu skipped\n",
	    (unsigned long long)out.line, (unsigned long long)out.skipped);
	if (format->read_done != NULL)
		format->read_done(state);
	evcan_options_free(options);
	free(state);
}

/* The same line three times, the second one altered: once with room behind
 * it, where the fast path may look, and once as the last bytes there are,
 * where it may not. */
static void
compare(const struct sample *sample, const char *altered)
{
	static char text[2048], fast[8192], slow[8192];
	char filler[400];
	const char *tail;
	int n = snprintf(text, sizeof(text), "%s%s\n%s\n", sample->head,
	    sample->line, altered);

	decode(sample->format, text, slow, sizeof(slow));
	memset(filler, '\n', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	snprintf(text + n, sizeof(text) - (size_t)n, "%s", filler);
	decode(sample->format, text, fast, sizeof(fast));
	/* But for the number of lines they are the same. */
	tail = strstr(slow, "line ");
	assert_non_null(tail);
	if (strncmp(fast, slow, (size_t)(tail - slow)) != 0)
		fail_msg("%s: '%s' gives\n%s, by the grammar\n%s",
		    sample->format, altered, fast, slow);
	assert_string_equal(strstr(fast, " skipped") - 1,
	    strstr(slow, " skipped") - 1);
}

static void
says_the_same(void **state)
{
	static const char others[] =   /* near what is right, in some bit */
	    " \t0189:;/@AFGaf`gxXRTr#)(.,-=+\r"
	    "\x01\x10\x19\x1f\x7f\x80\xb0\xff";
	char altered[400];

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const char *line = samples[i].line;
		const size_t len = strlen(line);

		compare(&samples[i], line);
		for (size_t at = 0; at < len; at++) {
			strcpy(altered, line);
			for (const char *c = others; *c != '\0'; c++) {
				altered[at] = *c;
				compare(&samples[i], altered);
			}
			/* Cut off, left out, twice. */
			snprintf(altered, sizeof(altered), "%.*s", (int)at,
			    line);
			compare(&samples[i], altered);
			snprintf(altered, sizeof(altered), "%.*s%s", (int)at,
			    line, line + at + 1);
			compare(&samples[i], altered);
			snprintf(altered, sizeof(altered), "%.*s%s", (int)at,
			    line, line + at - (at > 0));
			compare(&samples[i], altered);
		}
	}
}

/* " 56 0C 20", character by character. @return false: it is not */
static bool
spaced_data(const uint8_t *p, unsigned n, uint8_t *data)
{
	memset(data, 0, 8);
	for (unsigned i = 0; i < n; i++, p += 3) {
		const unsigned high = evcan_hex_value_[p[1]];
		const unsigned low = evcan_hex_value_[p[2]];

		if (*p != ' ' || high > 15 || low > 15)
			return false;
		data[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Every length, and every character at every place. */
static void
spaced_data_is_checked(void **state)
{
	uint8_t text[] = " 56 0c 20 A5 E1 B4 96 4F", data[8];
	struct evcan_frame frame;

	(void)state;
	for (unsigned n = 0; n <= 8; n++)
		for (unsigned at = 0; at < 24; at++) {
			const uint8_t was = text[at];

			for (unsigned c = 0; c < 256; c++) {
				bool good;

				text[at] = (uint8_t)c;
				good = spaced_data(text, n, data);
				assert_int_equal(evcan_spaced_data_(text, n,
				    &frame), good);
				assert_int_equal(frame.len, n);
				assert_int_equal(frame.dlc, n);
				if (good)
					assert_memory_equal(frame.data, data,
					    8);
			}
			text[at] = was;
		}
}

static void
six_digits_are_right(void **state)
{
	char want[8], text[6];

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		snprintf(want, sizeof(want), "%06u", i);
		evcan_text_put_six_(text, i);
		assert_memory_equal(text, want, 6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_same),
		cmocka_unit_test(spaced_data_is_checked),
		cmocka_unit_test(six_digits_are_right)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

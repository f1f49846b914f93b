/* SPDX-License-Identifier: BSD-3-Clause */
/* read_bytes.h - a text through a format's decoder, for tests of formats that
 * are only read; behind cmocka.h */
#ifndef READ_BYTES_H
#define READ_BYTES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/options.h>

#include "may_skip.h"

#define READ_FRAMES 8192

struct bytes_read {
	struct evcan_frame *frames;
	size_t n;
	unsigned faults, events;
	struct evcan_error first;      /* and where it was */
	uint64_t first_line, skipped;
	char event[1024];              /* the last */
	int64_t event_ns;
};

static inline void
take_out(struct bytes_read *read, struct evcan_decode *out, int r)
{
	if (r < 0) {
		assert_true(out->error.text[0] != '\0');
		if (read->faults++ == 0) {
			read->first = out->error;
			read->first_line = out->error_line;
		}
		evcan_error_clear(&out->error);
	}
	if (out->has_event) {
		read->events++;
		memcpy(read->event, out->event, sizeof(read->event));
		read->event_ns = out->event_ns;
		out->has_event = false;
	}
	read->skipped = out->skipped;
}

/* Shows the text to a decoder, step bytes more at a time; each span is a
 * copy, so that ASan watches its end. */
static inline void
decode_text(const struct evcan_format *format, void *state, const char *text,
    size_t len, size_t step, struct bytes_read *read)
{
	struct evcan_decode out = { .line = 1 };
	size_t at = 0, shown = step < len ? step : len;
	bool ended = shown == len;

	for (;;) {
		char *copy = malloc(shown - at + 1);
		const struct evcan_span span = { (uint8_t *)copy + 1,
		    shown - at, at, ended };
		int r;

		assert_non_null(copy);
		memcpy(copy + 1, text + at, shown - at);
		out.used = 0;
		/* Dirty, as core's frames are. */
		memset(read->frames + read->n, 0xa5, sizeof(*read->frames));
		r = format->decode(state, &span, read->frames + read->n,
		    READ_FRAMES - read->n, &out);
		free(copy);
		assert_true(out.used <= span.len);
		at += out.used;
		take_out(read, &out, r);
		assert_true(read->faults <= len + 1);
		if (r > 0)
			read->n += (size_t)r;
		assert_true(read->n < READ_FRAMES);
		if (r != 0 || (out.used > 0 && at < shown))
			continue;
		if (ended)
			break;
		shown = len - shown < step ? len : shown + step;
		ended = shown == len;
	}
	assert_int_equal(at, len);
}

/* @param options "name=value", a NULL behind the last; or NULL */
static inline void
read_text(const struct evcan_format *format, const char *const *options,
    const char *text, size_t len, size_t step, struct bytes_read *read)
{
	struct evcan_options *store = evcan_options_new();
	void *state = calloc(1, format->read_size);
	struct evcan_error err = { 0 };

	memset(read, 0, sizeof(*read));
	read->frames = calloc(READ_FRAMES, sizeof(*read->frames));
	assert_true(store != NULL && state != NULL && read->frames != NULL);
	for (; options != NULL && *options != NULL; options++) {
		char name[32];
		const char *value = strchr(*options, '=') + 1;

		snprintf(name, sizeof(name), "%.*s",
		    (int)(value - *options - 1), *options);
		assert_int_equal(evcan_options_set(store, name, value, NULL),
		    0);
	}
	assert_int_equal(evcan_options_fill(store, format->read_options,
	    state, &err), 0);
	if (format->read_begin != NULL)
		assert_int_equal(format->read_begin(state, NULL, &err), 0);
	decode_text(format, state, text, len, step, read);
	if (format->read_done != NULL)
		format->read_done(state);
	free(state);
	evcan_options_free(store);
}

/* Reads the text in pieces of all sizes: always the same. */
static inline void
read_same(const struct evcan_format *format, const char *const *options,
    const char *text, struct bytes_read *read)
{
	static const size_t steps[] = { 1, 2, 3, 7, 50, 333 };
	const size_t len = strlen(text);

	read_text(format, options, text, len, len + 1, read);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct bytes_read again;

		read_text(format, options, text, len, steps[i], &again);
		assert_int_equal(again.n, read->n);
		assert_int_equal(again.faults, read->faults);
		assert_int_equal(again.skipped, read->skipped);
		assert_int_equal(again.events, read->events);
		for (size_t k = 0; k < read->n; k++)
			assert_memory_equal(&again.frames[k],
			    &read->frames[k], 24 + read->frames[k].len);
		free(again.frames);
	}
}

/* A frame as text: "can0 123#DEADBEEF R 1500000000", with the direction, and
 * time. */
static inline void
assert_frame(const struct bytes_read *read, size_t i, const char *want)
{
	static const char letters[] = "RTQ";
	char text[EVCAN_TEXT_MAX], line[EVCAN_TEXT_MAX + 128];
	const struct evcan_frame *frame = &read->frames[i];

	assert_true(i < read->n);
	assert_true(evcan_frame_format(frame, text, sizeof(text)) > 0);
	snprintf(line, sizeof(line), "%s %s %c %lld",
	    evcan_channel_name(frame->channel), text, letters[frame->dir],
	    (long long)frame->time_ns);
	assert_string_equal(line, want);
	assert_int_equal(frame->hops, 0);
	assert_int_equal(frame->reserved[0] | frame->reserved[1] |
	    frame->reserved[2], 0);
	for (unsigned k = frame->len; k < 8; k++)
		assert_int_equal(frame->data[k], 0);
}

/* A bad line between these, up to a NULL, is one fault, told with its line;
 * the n frames of the others come. */
static inline void
assert_faults(const struct evcan_format *format, const char *const *options,
    const char *head, const char *const *bad, const char *behind, size_t n)
{
	unsigned line = 1;

	for (const char *p = head; *p != '\0'; p++)
		line += *p == '\n';
	for (; *bad != NULL; bad++) {
		struct bytes_read read;
		char text[512];

		snprintf(text, sizeof(text), "%s%s\n%s", head, *bad, behind);
		read_same(format, options, text, &read);
		if (read.faults != 1 || read.n != n)
			fail_msg("%u faults, %zu frames: %s", read.faults,
			    read.n, *bad);
		assert_int_equal(read.first.code, EVCAN_ERR_SYNTAX);
		assert_int_equal(read.first_line, line);
		free(read.frames);
	}
}

/* Words that look like no frame are passed over. */
static inline void
assert_skips(const struct evcan_format *format, const char *const *options,
    const char *text)
{
	struct bytes_read read;

	read_same(format, options, text, &read);
	assert_int_equal(read.faults, 0);
	assert_int_equal(read.skipped, 1);
	free(read.frames);
}

/* Every other format bids less for these bytes. */
static inline void
assert_bids_most(const struct evcan_format *format, const char *text,
    size_t len)
{
	const int most = format->bid((const uint8_t *)text, len);

	assert_true(most > 0);
	for (size_t i = 0; evcan_format_at(i) != NULL; i++) {
		const struct evcan_format *other = evcan_format_at(i);

		if (other == format || other->bid == NULL)
			continue;
		if (other->bid((const uint8_t *)text, len) >= most)
			fail_msg("%s bids as much as %s", other->name,
			    format->name);
	}
}

/* What no reader of this format should want. */
static inline void
assert_bids_nothing(const struct evcan_format *format)
{
	static const char *const texts[] = {
		"", " ", "\n\n", "x", "(1.000000) can0 123#00\n",
		"date Mon Jan 1 00:00:00 2024\nbase hex  timestamps absolute\n"
		"   0.001000 1  123             Rx   d 8 00 00 00 00 00 00 00 "
		"00\n",
		"   0.001000 1  123             Rx   d 2 00 00\n",
		"timestamp,arbitration_id,extended,remote,error,dlc,data\n"
		"1.5,0x123,0,0,0,2,3q0=\n",
		";$FILEVERSION=1.1\n;\n     1)      1059.9  Rx  0300  7  00 "
		"00 00 00 04 00 00\n",
		"      1      1059.900 DT     0300 Rx 7  00 00 00 00 04 00 00\n",
		"1,2,3\n4,5,6\n", "\x1f\x8b\x08", "LOGG\x90"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (format->bid((const uint8_t *)texts[i],
		    strlen(texts[i])) != 0)
			fail_msg("bids for \"%s\"", texts[i]);
}

/* A whole file of the samples. @return its length; the data is the caller's
 * to free */
static inline size_t
load_sample(const char *name, char **data)
{
	const char *folder = getenv("EVCAN_SAMPLES");
	char path[4096];
	size_t len;
	FILE *file;

	if (folder == NULL)
		may_skip("EVCAN_SAMPLES is not set");
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (file == NULL)
		fail_msg("no sample %s", path);
	*data = malloc(1 << 20);
	assert_non_null(*data);
	len = fread(*data, 1, 1 << 20, file);
	assert_true(len > 0 && len < 1 << 20);
	fclose(file);
	return len;
}

/* Reads a sample: as many frames, no faults; then cut at 200 places: no more
 * frames than before, each the same, at most one fault. */
static inline void
check_sample(const struct evcan_format *format, const char *name, size_t n,
    uint64_t skipped)
{
	static const char *const utc[] = { "tz=utc", NULL };
	const bool zoned = strcmp(format->name, "busmaster") == 0;
	struct bytes_read whole, part;
	char *data;
	const size_t len = load_sample(name, &data);

	assert_bids_most(format, data, len < 65536 ? len : 65536);
	read_text(format, zoned ? utc : NULL, data, len, 4096, &whole);
	assert_int_equal(whole.n, n);
	assert_int_equal(whole.faults, 0);
	assert_int_equal(whole.skipped, skipped);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(evcan_frame_check(&whole.frames[i], NULL),
		    0);
	for (size_t cut = 0; cut < 200; cut++) {
		size_t last;

		read_text(format, zoned ? utc : NULL, data, len * cut / 200,
		    len, &part);
		assert_true(part.n <= n && part.faults <= 1);
		/* The line that was cut may be a whole one by itself. */
		last = part.n > 0 ? part.n - 1 : 0;
		for (size_t i = 0; i < last; i++)
			assert_memory_equal(&part.frames[i],
			    &whole.frames[i], 24 + whole.frames[i].len);
		free(part.frames);
	}
	free(whole.frames);
	free(data);
}

#endif

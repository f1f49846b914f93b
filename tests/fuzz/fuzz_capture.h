/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_capture.h - what the fuzzers of pcap and pcapng share */
#ifndef FUZZ_CAPTURE_H
#define FUZZ_CAPTURE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>

#define FRAMES_MAX 4096

struct result {
	struct evcan_frame *frames;
	size_t n;
	struct evcan_decode out;
	unsigned errors, events;
};

static inline void
require(int good)
{
	if (!good)
		abort();
}

/* @param step bytes more each time nothing comes */
static inline void
read_all(const struct evcan_format *format, const uint8_t *data, size_t size,
    size_t step, struct result *result)
{
	void *state = calloc(1, format->read_size);
	struct evcan_decode *out = &result->out;
	size_t at = 0, shown = step < size ? step : size;
	bool ended = false;

	if (size == 0)
		data = (const uint8_t *)"";   /* a span points somewhere */
	memset(out, 0, sizeof(*out));
	result->n = result->errors = result->events = 0;
	while (result->n < FRAMES_MAX) {
		const struct evcan_span span = { data + at, shown - at, at,
		    ended };
		int r;

		out->used = 0;
		out->has_event = false;
		r = format->decode(state, &span, result->frames + result->n,
		    FRAMES_MAX - result->n, out);
		require(out->used <= span.len);
		at += out->used;
		if (r < 0) {
			require(out->error.text[0] != '\0');
			require(result->errors++ <= size);
			evcan_error_clear(&out->error);
			continue;
		}
		result->n += (size_t)r;
		require((result->events += out->has_event) <= size);
		if (r > 0 || out->has_event || (out->used > 0 && at < shown))
			continue;
		if (ended)
			break;
		if (shown == size)
			ended = true;
		else
			shown = size - shown < step ? size : shown + step;
	}
	require(!ended || at == size);
	free(state);
}

/* @param whole false: attributes were lost, identifier and data were not */
static inline void
compare(const struct result *a, const struct result *b, bool whole)
{
	require(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct evcan_frame *x = &a->frames[i];
		const struct evcan_frame *y = &b->frames[i];

		/* A name beyond the 65,535 that fit comes back as none. */
		require(evcan_frame_equal(x, y, whole ? 0 : -1,
		    EVCAN_EQUAL_ANY_CHANNEL | (whole ? 0 :
		    EVCAN_EQUAL_ANY_DIRECTION)));
		require(x->flags == y->flags && x->dlc == y->dlc &&
		    x->len == y->len && x->hops == 0 && y->hops == 0);
		require(!whole || x->clock == y->clock);
	}
}

/* What was read is a frame, and is written so that it reads the same. */
static inline void
write_again(const struct evcan_format *format, const struct result *read,
    struct result *again)
{
	struct evcan_buffer out = { 0 };
	struct evcan_encode info = { 0 };
	void *state = calloc(1, format->write_size);
	bool lost = false;

	require(format->begin(state, NULL, &out, NULL) == 0);
	require(format->encode(state, read->frames, read->n, &out, &info) ==
	    0);
	require(info.unfit == 0);
	if (format->finish != NULL)
		require(format->finish(state, &out) == 0);
	for (size_t i = 0; i < 16; i++)
		lost |= info.lost[i] > 0;
	read_all(format, out.data, out.len, SIZE_MAX / 2, again);
	require(again->errors == 0);
	compare(read, again, !lost);
	if (format->write_done != NULL)
		format->write_done(state);
	free(state);
	free(out.data);
}

static inline int
fuzz_capture(const char *name, const uint8_t *data, size_t size)
{
	static struct evcan_frame a[FRAMES_MAX], b[FRAMES_MAX];
	const struct evcan_format *format = evcan_format_find(name);
	struct result whole = { .frames = a }, pieces = { .frames = b };
	const size_t step = size > 0 ? data[size - 1] % 80 + 1 : 1;

	require(format->bid(data, size) >= 0);
	read_all(format, data, size, SIZE_MAX / 2, &whole);
	read_all(format, data, size, step, &pieces);
	compare(&whole, &pieces, true);
	require(whole.errors == pieces.errors);
	require(whole.events == pieces.events);
	require(whole.out.skipped == pieces.out.skipped);
	require(whole.out.lost == pieces.out.lost);
	write_again(format, &whole, &pieces);
	return 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_read_only.h - any bytes as a log of a format that is only read: whole
 * and in pieces the same, and nothing but sound frames */
#ifndef FUZZ_READ_ONLY_H
#define FUZZ_READ_ONLY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/options.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

/* @return whether the call told of something */
static inline bool
take(struct result *result, int r, size_t size)
{
	struct evcan_decode *out = &result->out;

	if (out->has_event) {
		require(memchr(out->event, '\0', sizeof(out->event)) != NULL);
		result->events++;
		out->has_event = false;
		if (r == 0)
			return true;
	}
	if (r >= 0) {
		result->n += (size_t)r;
		return r > 0;
	}
	require(out->error.text[0] != '\0' && out->error_line > 0);
	require(result->errors++ <= size);
	evcan_error_clear(&out->error);
	return true;
}

static inline void
read_all(const struct evcan_format *format, const uint8_t *data, size_t size,
    size_t step, struct result *result)
{
	struct evcan_options *options = evcan_options_new();
	void *state = calloc(1, format->read_size);
	struct evcan_decode *out = &result->out;
	size_t at = 0, shown = step < size ? step : size;
	bool ended = false;

	require(evcan_options_fill(options, format->read_options, state,
	    NULL) == 0);
	require(format->read_begin(state, NULL, NULL) == 0);
	memset(out, 0, sizeof(*out));
	out->line = 1;
	result->n = result->errors = result->events = 0;
	while (result->n < FRAMES_MAX) {
		const struct evcan_span span = { data + at, shown - at, at,
		    ended };
		int r;

		out->used = 0;
		r = format->decode(state, &span, result->frames + result->n,
		    FRAMES_MAX - result->n, out);
		require(out->used <= span.len);
		at += out->used;
		if (take(result, r, size) || (out->used > 0 && at < shown))
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
	evcan_options_free(options);
}

/* A frame as evcan's others are: no more bytes than its kind has. */
static inline void
check(const struct evcan_frame *frame)
{
	const bool fd = (frame->flags & EVCAN_FRAME_FD) != 0;

	require(frame->dlc <= 15 && frame->len <= (fd ? EVCAN_MAX_DATA : 8));
	require(frame->id <= ((frame->flags & (EVCAN_FRAME_EXT |
	    EVCAN_FRAME_ERR)) != 0 ? EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID));
	require((frame->flags & EVCAN_FRAME_RTR) == 0 || frame->len == 0);
	require(frame->dir <= EVCAN_DIR_TXRQ);
	require(frame->clock <= EVCAN_CLOCK_RELATIVE && frame->hops == 0);
	for (unsigned i = frame->len; i < 8; i++)
		require(frame->data[i] == 0);
}

static inline int
fuzz(const char *name, const uint8_t *data, size_t size)
{
	static struct evcan_frame a[FRAMES_MAX], b[FRAMES_MAX];
	const struct evcan_format *format = evcan_format_find(name);
	struct result whole = { .frames = a }, pieces = { .frames = b };
	const size_t step = size > 0 ? data[0] % 80 + 1u : 1;

	if (size == 0)
		data = (const uint8_t *)"";   /* a span points somewhere */
	require(format->bid(data, size) >= 0 && format->bid(data, size) <= 100);
	memset(a, 0xa5, sizeof(a));
	memset(b, 0x5a, sizeof(b));
	read_all(format, data, size, SIZE_MAX / 2, &whole);
	read_all(format, data, size, step, &pieces);
	require(whole.n == pieces.n && whole.errors == pieces.errors);
	require(whole.events == pieces.events);
	require(whole.out.line == pieces.out.line);
	require(whole.out.skipped == pieces.out.skipped);
	for (size_t i = 0; i < whole.n; i++) {
		check(&a[i]);
		require(memcmp(&a[i], &b[i], offsetof(struct evcan_frame,
		    data) + a[i].len) == 0);
	}
	return 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_asc.c - any bytes as a Vector ASC log: whole and in pieces the same,
 * and what was read is written so that it reads the same, but for what was
 * counted as lost */
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

static void
require(int good)
{
	if (!good)
		abort();
}

static void
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
	out->line = 1;
	result->n = result->errors = result->events = 0;
	require(evcan_options_fill(NULL, format->read_options, state, NULL) ==
	    0);
	require(format->read_begin(state, NULL, NULL) == 0);
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
		result->events += out->has_event;
		if (r < 0) {
			require(out->error.text[0] != '\0');
			require(result->errors++ <= size);
			evcan_error_clear(&out->error);
			continue;
		}
		result->n += (size_t)r;
		if (r > 0 || (out->used > 0 && at < shown))
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

static bool
same(const struct evcan_frame *a, const struct evcan_frame *b)
{
	static const uint8_t zero[EVCAN_MAX_DATA];
	const size_t cleared = (a->flags & EVCAN_FRAME_FD) != 0 ? 64 : 8;

	return evcan_frame_equal(a, b, 0, EVCAN_EQUAL_ANY_CHANNEL) &&
	    a->flags == b->flags && a->dlc == b->dlc &&
	    (a->channel == b->channel || a->channel == 0) &&
	    a->clock == b->clock && a->dir == b->dir && a->hops == 0 &&
	    memcmp(a->reserved, zero, sizeof(a->reserved)) == 0 &&
	    a->len <= cleared &&
	    memcmp(a->data + a->len, zero, cleared - a->len) == 0;
}

/* What is not lost comes back. */
static void
write_again(const struct evcan_format *format, const struct result *read,
    unsigned how, struct result *again)
{
	static bool whole[FRAMES_MAX];
	struct evcan_options *options = evcan_options_new();
	struct evcan_buffer out = { 0 };
	struct evcan_encode info = { 0 };
	void *state = calloc(1, format->write_size);

	evcan_options_set(options, "digits", "9", NULL);
	evcan_options_set(options, "base", how & 1 ? "dec" : "hex", NULL);
	evcan_options_set(options, "timestamps_format", how & 2 ? "relative" :
	    "absolute", NULL);
	require(evcan_options_fill(options, format->write_options, state,
	    NULL) == 0);
	require(format->begin(state, NULL, &out, NULL) == 0);
	for (size_t i = 0; i < read->n; i++) {
		const struct evcan_encode before = info;

		require(format->encode(state, &read->frames[i], 1, &out,
		    &info) == 0);
		whole[i] = memcmp(before.lost, info.lost,
		    sizeof(info.lost)) == 0;
	}
	require(format->finish(state, &out) == 0);
	require(info.unfit == 0 && !out.failed);
	read_all(format, out.data, out.len, SIZE_MAX / 2, again);
	require(again->errors == 0 && again->n == read->n);
	require(again->out.skipped == 0);
	for (size_t i = 0; i < read->n; i++)
		require(!whole[i] || same(&read->frames[i],
		    &again->frames[i]));
	free(state);
	free(out.data);
	evcan_options_free(options);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct evcan_frame a[FRAMES_MAX], b[FRAMES_MAX];
	const struct evcan_format *format = evcan_format_find("asc");
	struct result whole = { .frames = a }, pieces = { .frames = b };
	const size_t step = size > 0 ? data[0] % 80 + 1 : 1;
	int sure;

	memset(a, 0xa5, sizeof(a));
	memset(b, 0x5a, sizeof(b));
	sure = format->bid(data, size);
	require(sure >= 0 && sure <= 100);
	read_all(format, data, size, SIZE_MAX / 2, &whole);
	read_all(format, data, size, step, &pieces);
	require(whole.n == pieces.n);
	for (size_t i = 0; i < whole.n; i++)
		require(same(&whole.frames[i], &pieces.frames[i]));
	if (whole.n < FRAMES_MAX) {
		require(whole.errors == pieces.errors);
		require(whole.events == pieces.events);
		require(whole.out.line == pieces.out.line);
		require(whole.out.skipped == pieces.out.skipped);
		require(whole.out.lost == pieces.out.lost);
	}
	write_again(format, &whole, size > 0 ? data[size - 1] : 0, &pieces);
	return 0;
}

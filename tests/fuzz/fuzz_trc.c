/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_trc.c - any bytes as a TRC file: whole and in pieces the same, and
 * what was read is written so that it reads the same */
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

static void *
new_state(const struct evcan_option *rows, size_t size, const char *version)
{
	struct evcan_options *options = evcan_options_new();
	void *state = calloc(1, size);

	/* All texts are the rows' own defaults. */
	if (version != NULL)
		evcan_options_set(options, "version", version, NULL);
	require(evcan_options_fill(options, rows, state, NULL) == 0);
	evcan_options_free(options);
	return state;
}

static void
read_all(const struct evcan_format *format, const uint8_t *data, size_t size,
    size_t step, struct result *result)
{
	void *state = new_state(format->read_options, format->read_size,
	    NULL);
	struct evcan_decode *out = &result->out;
	size_t at = 0, shown = step < size ? step : size;
	bool ended = false;

	if (size == 0)
		data = (const uint8_t *)"";   /* a span points somewhere */
	memset(out, 0, sizeof(*out));
	out->line = 1;
	result->n = result->errors = result->events = 0;
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
		if (r < 0) {
			require(out->error.text[0] != '\0');
			require(result->errors++ <= size);
			evcan_error_clear(&out->error);
			continue;
		}
		result->n += (size_t)r;
		result->events += out->has_event;
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

static void
compare(const struct result *a, const struct result *b, bool any_clock)
{
	require(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct evcan_frame *x = &a->frames[i];
		const struct evcan_frame *y = &b->frames[i];
		const int64_t late = (int64_t)((uint64_t)x->time_ns -
		    (uint64_t)y->time_ns);

		require(evcan_frame_equal(x, y, -1,
		    EVCAN_EQUAL_ANY_CHANNEL));
		require(x->flags == y->flags && x->dlc == y->dlc &&
		    x->dir == y->dir);
		/* A name beyond the 65,535 that fit comes back as another. */
		require(x->channel == y->channel || x->channel == 0 ||
		    y->channel == 0 || any_clock);
		/* Microseconds are what is written. */
		require(any_clock ? late >= 0 && late < 1000 : late == 0);
		require(x->clock == y->clock || any_clock);
	}
}

/* Frames that 2.1 cannot hold are of lengths that no code tells; channels
 * above 255 have no number. */
static void
write_again(const struct evcan_format *format, const struct result *read,
    const char *version, struct result *again)
{
	struct evcan_buffer out = { 0 };
	struct evcan_encode info = { 0 };
	void *state = new_state(format->write_options, format->write_size,
	    version);

	require(format->begin(state, NULL, &out, NULL) == 0);
	require(format->encode(state, read->frames, read->n, &out, &info) ==
	    0);
	require(format->finish(state, &out) == 0);
	read_all(format, out.data, out.len, SIZE_MAX / 2, again);
	require(again->errors == 0);
	require(again->n == read->n - info.unfit);
	if (info.unfit == 0 && strcmp(version, "2.1") == 0)
		compare(read, again, true);
	format->write_done(state);
	free(state);
	free(out.data);
}

/* What a file says of itself, when it is appended to. */
static void
append(const struct evcan_format *format, const uint8_t *data, size_t size,
    const struct result *read)
{
	const struct evcan_past past = { data, size, size };
	struct evcan_buffer out = { 0 };
	struct evcan_encode info = { 0 };
	void *state = new_state(format->write_options, format->write_size,
	    NULL);

	if (size > 0 && format->begin(state, &past, &out, NULL) == 0)
		require(format->encode(state, read->frames, read->n, &out,
		    &info) == 0);
	format->write_done(state);
	free(state);
	free(out.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const versions[] = { "1.1", "1.2", "1.3", "2.0" };
	static struct evcan_frame a[FRAMES_MAX], b[FRAMES_MAX];
	const struct evcan_format *format = evcan_format_find("trc");
	struct result whole = { .frames = a }, pieces = { .frames = b };
	const size_t step = size > 0 ? data[size - 1] % 80 + 1 : 1;

	require(format->bid(data, size) >= 0);
	read_all(format, data, size, SIZE_MAX / 2, &whole);
	read_all(format, data, size, step, &pieces);
	compare(&whole, &pieces, false);
	require(whole.errors == pieces.errors);
	require(whole.events == pieces.events);
	require(whole.out.line == pieces.out.line);
	require(whole.out.skipped == pieces.out.skipped);
	require(whole.out.lost == pieces.out.lost);
	write_again(format, &whole, "2.1", &pieces);
	write_again(format, &whole, versions[step % 4], &pieces);
	append(format, data, size, &whole);
	return 0;
}

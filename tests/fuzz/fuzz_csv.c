/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_csv.c - any bytes as a CSV log: whole and in pieces the same, and what
 * was read is written so that it reads the same */
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
	unsigned errors;
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
	result->n = result->errors = 0;
	while (result->n < FRAMES_MAX) {
		const struct evcan_span span = { data + at, shown - at, at,
		    ended };
		int r;

		out->used = 0;
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

/* A name beyond the 65,535 that fit comes back as none. */
static void
compare(const struct result *a, const struct result *b, bool all)
{
	require(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct evcan_frame *x = &a->frames[i];
		const struct evcan_frame *y = &b->frames[i];

		require(x->id == y->id || !all);
		require(x->len == y->len && x->len <= EVCAN_MAX_DATA);
		require(memcmp(x->data, y->data, x->len) == 0);
		require(x->time_ns == y->time_ns && x->clock == y->clock);
		require(!all || (x->flags == y->flags && x->dlc == y->dlc &&
		    x->dir == y->dir && (x->channel == y->channel ||
		    x->channel == 0)));
	}
}

static void
write_again(const struct evcan_format *format, const char *columns,
    const struct result *read, struct result *again)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_buffer out = { 0 };
	struct evcan_encode info = { 0 };
	void *state = calloc(1, format->write_size);

	evcan_options_set(options, "columns", columns, NULL);
	require(evcan_options_fill(options, format->write_options, state,
	    NULL) == 0);
	require(format->begin(state, NULL, &out, NULL) == 0);
	require(format->encode(state, read->frames, read->n, &out, &info) ==
	    0);
	require(info.unfit == 0);
	read_all(format, out.data, out.len, SIZE_MAX / 2, again);
	require(again->errors == 0);
	compare(read, again, *columns == 'a' && info.lost[10] == 0);
	free(state);
	free(out.data);
	evcan_options_free(options);
}

/* The bytes as a file that is appended to. */
static void
append_to(const struct evcan_format *format, const uint8_t *data, size_t size)
{
	const struct evcan_past past = { data, size, size + 1 };
	struct evcan_frame frame = { .len = 8, .dlc = 8 };
	struct evcan_error err = { 0 };
	struct evcan_buffer out = { 0 };
	struct evcan_encode info = { 0 };
	void *state = calloc(1, format->write_size);

	if (format->begin(state, &past, &out, &err) == 0)
		require(format->encode(state, &frame, 1, &out, &info) == 0);
	else
		require(err.text[0] != '\0');
	free(state);
	free(out.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct evcan_frame a[FRAMES_MAX], b[FRAMES_MAX];
	const struct evcan_format *format = evcan_format_find("csv");
	struct result whole = { .frames = a }, pieces = { .frames = b };
	const size_t step = size > 0 ? data[0] % 80 + 1 : 1;

	require(format->bid(data, size) >= 0);
	read_all(format, data, size, SIZE_MAX / 2, &whole);
	read_all(format, data, size, step, &pieces);
	compare(&whole, &pieces, true);
	require(whole.errors == pieces.errors);
	require(whole.out.line == pieces.out.line);
	require(whole.out.skipped == pieces.out.skipped);
	require(whole.out.lost == pieces.out.lost);
	write_again(format, "all", &whole, &pieces);
	write_again(format, "python-can", &whole, &pieces);
	append_to(format, data, size);
	return 0;
}

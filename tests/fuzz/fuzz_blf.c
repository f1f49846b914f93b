/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_blf.c - any bytes as a BLF: whole and in pieces the same, what was
 * read is written so that it reads the same, and a file of its own may follow
 * whatever there was */
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
	bool cut;       /* there were more frames */
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
		data = (const uint8_t *)"";
	require(evcan_options_fill(NULL, format->read_options, state, NULL) ==
	    0);
	require(format->read_begin(state, NULL, NULL) == 0);
	memset(out, 0, sizeof(*out));
	result->n = result->errors = result->events = 0;
	for (;;) {
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
			require(out->error_offset <= size);
			require(result->errors++ <= 2 * size);
			evcan_error_clear(&out->error);
			continue;
		}
		result->n += (size_t)r;
		result->cut = result->n == FRAMES_MAX;
		if (result->cut)
			break;
		if (r > 0 || out->has_event || (out->used > 0 && at < shown))
			continue;
		if (ended)
			break;
		ended = shown == size;
		shown = size - shown < step ? size : shown + step;
	}
	require(result->cut || at == size);
	format->read_done(state);
	free(state);
}

static bool
same(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return evcan_frame_equal(a, b, -1, EVCAN_EQUAL_ANY_CHANNEL) &&
	    a->time_ns == b->time_ns && a->flags == b->flags &&
	    a->dlc == b->dlc && a->clock == b->clock && a->dir == b->dir;
}

static void
compare(const struct result *a, const struct result *b)
{
	require(a->n == b->n);
	for (size_t i = 0; i < a->n; i++)
		require(same(&a->frames[i], &b->frames[i]));
}

static void
write_frames(const struct evcan_format *format, const struct result *read,
    const struct evcan_past *past, const char *level,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	struct evcan_options *options = evcan_options_new();
	void *state = calloc(1, format->write_size);
	struct evcan_buffer head = { 0 };

	memset(info, 0, sizeof(*info));
	evcan_options_set(options, "compression_level", level, NULL);
	require(evcan_options_fill(options, format->write_options, state,
	    NULL) == 0);
	if (format->begin(state, past, out, NULL) < 0) {
		require(past != NULL);
		goto done;
	}
	require(format->encode(state, read->frames, read->n, out, info) == 0);
	require(format->finish(state, out) == 0);
	require(format->held(state) == 0);
	require(format->header(state, out->len, &head) == 0);
	require(head.len <= 144);
	if (past == NULL)
		memcpy(out->data, head.data, head.len);
done:
	free(head.data);
	format->write_done(state);
	free(state);
	evcan_options_free(options);
}

static void
write_again(const struct evcan_format *format, const struct result *read,
    const char *level, struct result *again)
{
	struct evcan_buffer out = { 0 };
	struct evcan_encode info;

	write_frames(format, read, NULL, level, &out, &info);
	require(info.unfit == 0);
	read_all(format, out.data, out.len, SIZE_MAX / 2, again);
	require(again->errors == 0);
	require(again->n == read->n);
	for (size_t i = 1; i < 16; i++)
		if (info.lost[i] > 0)
			goto done;
	compare(read, again);
done:
	free(out.data);
}

/* Whatever was there, what is appended is read. */
static void
append(const struct evcan_format *format, const uint8_t *data, size_t size,
    struct result *again)
{
	struct evcan_frame frame = { .id = 0x6ec, .len = 8, .dlc = 8 };
	const struct evcan_past past = { data, size, size };
	struct result one = { .frames = &frame, .n = 1 };
	struct evcan_buffer out = { 0 };
	struct evcan_encode info;
	size_t before;

	memcpy(frame.data, "appended", 8);
	evcan_buffer_append(&out, data, size);
	before = out.len;
	write_frames(format, &one, &past, "1", &out, &info);
	if (out.len > before)
		read_all(format, out.data, out.len, SIZE_MAX / 2, again);
	free(out.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct evcan_frame a[FRAMES_MAX], b[FRAMES_MAX];
	const struct evcan_format *format = evcan_format_find("blf");
	struct result whole = { .frames = a }, pieces = { .frames = b };
	const size_t step = size > 0 ? data[size - 1] % 80 + 1 : 1;

	setenv("TZ", "UTC", 1);   /* no hour comes twice */
	require(format->bid(data, size) >= 0);
	read_all(format, data, size, SIZE_MAX / 2, &whole);
	read_all(format, data, size, step, &pieces);
	compare(&whole, &pieces);
	if (!whole.cut) {
		require(whole.errors == pieces.errors);
		require(whole.events == pieces.events);
		require(whole.out.skipped == pieces.out.skipped);
		require(whole.out.lost == pieces.out.lost);
	}
	write_again(format, &whole, "0", &pieces);
	write_again(format, &whole, "1", &pieces);
	append(format, data, size, &pieces);
	return 0;
}

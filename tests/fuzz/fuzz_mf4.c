/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_mf4.c - any bytes as an MDF 4 file: frames that are frames, faults
 * with a reason, an end; and what was read is written so that it reads the
 * same */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/options.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 4096

struct bytes {
	const uint8_t *data;
	size_t size;
};

static void
require(int good)
{
	if (!good)
		abort();
}

static int64_t
read_bytes(void *arg, uint64_t offset, void *buf, size_t n)
{
	const struct bytes *bytes = arg;

	if (offset >= bytes->size)
		return 0;
	if (n > bytes->size - offset)
		n = (size_t)(bytes->size - offset);
	memcpy(buf, bytes->data + offset, n);
	return (int64_t)n;
}

static void
check(const struct evcan_frame *frame)
{
	require(frame->len <= EVCAN_MAX_DATA && frame->dlc <= 15);
	require(frame->id <= EVCAN_MAX_EXT_ID && frame->dir <= EVCAN_DIR_TX);
	require((frame->flags & EVCAN_FRAME_FD) != 0 || frame->len <= 8);
	require((frame->flags & EVCAN_FRAME_RTR) == 0 || frame->len == 0);
	require(frame->hops == 0 && frame->reserved[0] == 0);
}

/* @return frames; all of them if fewer than FRAMES_MAX */
static size_t
read_all(const struct evcan_format *format, const uint8_t *data, size_t size,
    struct evcan_frame *frames, unsigned *errors)
{
	struct bytes bytes = { data, size };
	const struct evcan_file file = { NULL, size, read_bytes, &bytes };
	const struct evcan_span span = { (const uint8_t *)"", 0, 0, true };
	struct evcan_decode out = { .line = 1 };
	struct evcan_error err = { 0 };
	void *state = calloc(1, format->read_size);
	size_t n = 0;
	int r;

	*errors = 0;
	r = format->read_begin(state, &file, &err);
	require(r >= 0 || err.text[0] != '\0');
	while (r >= 0 && n < FRAMES_MAX) {
		out.has_event = false;
		r = format->decode(state, &span, frames + n,
		    n + 100 < FRAMES_MAX ? 100 : FRAMES_MAX - n, &out);
		require(out.position <= size);
		if (r < 0) {
			require(out.error.text[0] != '\0');
			require((*errors)++ <= size);
			evcan_error_clear(&out.error);
			r = 0;
			continue;
		}
		for (int i = 0; i < r; i++)
			check(&frames[n + (size_t)i]);
		n += (size_t)r;
		if (r == 0 && !out.has_event)
			break;
	}
	format->read_done(state);
	free(state);
	return n;
}

static void
write_again(const struct evcan_format *format,
    const struct evcan_frame *frames, size_t n, const char *level,
    struct evcan_frame *again)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_buffer out = { 0 }, front = { 0 };
	struct evcan_encode info = { 0 };
	void *state = calloc(1, format->write_size);
	unsigned errors;

	evcan_options_set(options, "compression_level", level, NULL);
	evcan_options_set(options, "channel", "0", NULL);
	require(evcan_options_fill(options, format->write_options, state,
	    NULL) == 0);
	require(format->begin(state, NULL, &out, NULL) == 0);
	require(format->encode(state, frames, n, &out, &info) == 0);
	require(format->finish(state, &out) == 0);
	require(format->header(state, out.len, &front) == 0);
	require(front.len <= out.len);
	memcpy(out.data, front.data, front.len);
	if (info.unfit == 0 && info.lost[5] == 0) {
		require(read_all(format, out.data, out.len, again,
		    &errors) == n && errors == 0);
		for (size_t i = 0; i < n; i++)
			require(evcan_frame_equal(&frames[i], &again[i], 0,
			    EVCAN_EQUAL_ANY_CHANNEL) &&
			    (frames[i].channel == again[i].channel ||
			    info.lost[0] > 0));
	}
	format->write_done(state);
	free(state);
	free(out.data);
	free(front.data);
	evcan_options_free(options);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct evcan_frame frames[FRAMES_MAX], again[FRAMES_MAX];
	const struct evcan_format *format = evcan_format_find("mf4");
	unsigned errors;
	size_t n;

	require(format->bid(data, size) >= 0);
	n = read_all(format, data, size, frames, &errors);
	if (n > 0)
		write_again(format, frames, n, size % 2 ? "2" : "0", again);
	return 0;
}

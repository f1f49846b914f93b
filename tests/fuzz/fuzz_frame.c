/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_frame.c - the frame syntax, and what is written of what was read */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/frame.h>

#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int good)
{
	if (!good)
		abort();
}

/* Whatever was read is written so that it reads the same. */
static void
again(const struct evcan_frame *frame)
{
	char text[EVCAN_TEXT_FRAME_MAX], *end;
	struct evcan_frame second = {0};
	const char *why, *at;

	end = evcan_text_put_frame_(text, frame);
	require(end <= text + sizeof(text));
	require(evcan_text_get_frame_(text, end, &second, &why, &at) == end);
	require(memcmp(frame, &second, sizeof(second)) == 0);
}

static void
read_span(const char *text, size_t size)
{
	struct evcan_frame frame = {0};
	const char *why = NULL, *at = NULL, *end;

	end = evcan_text_get_frame_(text, text + size, &frame, &why, &at);
	if (end == NULL) {
		require(why != NULL && at >= text && at <= text + size);
		return;
	}
	require(end > text && end <= text + size);
	require(end == text + size || strchr(" \t\r\n", *end) != NULL);
	require(frame.len <= 64 && frame.dlc <= 15);
	/* A failed look at the fast shape must leave nothing behind. */
	if (!(frame.flags & EVCAN_FRAME_FD))
		require(frame.len <= 8);
	again(&frame);
}

static void
read_whole(const char *text)
{
	struct evcan_frame frame;
	struct evcan_error err = {0};
	char buf[EVCAN_TEXT_MAX];

	if (evcan_frame_parse(&frame, text, &err) < 0) {
		require(err.code == EVCAN_ERR_SYNTAX && err.text[0] != '\0');
		return;
	}
	require(evcan_frame_check(&frame, NULL) == 0);
	require(evcan_frame_print(&frame, buf, sizeof(buf)) > 0);
	require(evcan_frame_describe_error(&frame, buf, sizeof(buf)) >= 0);
	again(&frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evcan_frame frame = {0};
	int64_t integer;
	double real;
	char *text;

	/* Of the very size, so that a byte too far is noticed. */
	if ((text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	read_whole(text);
	evcan_text_get_int_(text, &integer);
	evcan_text_get_real_(text, &real);
	if ((text = realloc(text, size ? size : 1)) == NULL)
		return 0;
	read_span(text, size);
	free(text);
	/* Any bytes at all as a frame: texts stay within their bounds. */
	if (size >= sizeof(frame)) {
		char buf[EVCAN_TEXT_MAX];

		memcpy(&frame, data, sizeof(frame));
		require(evcan_frame_print(&frame, buf, sizeof(buf)) > 0);
		require(evcan_frame_format(&frame, buf, sizeof(buf)) <=
		    EVCAN_TEXT_FRAME_MAX);
		evcan_frame_describe_error(&frame, buf, sizeof(buf));
		evcan_frame_check(&frame, NULL);
	}
	return 0;
}

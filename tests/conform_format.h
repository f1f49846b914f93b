/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_format.h - the frames that every log format is given, and what it
 * may lose of them; behind cmocka.h */
#ifndef CONFORM_FORMAT_H
#define CONFORM_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/format.h>
#include <evcan/frame.h>

#include "frame_loss.h"

#define START 1483389946000000000

/* One of each kind of frame that a bus can bring. */
static size_t
corpus(struct evcan_frame *frames)
{
	static const struct {
		uint32_t id;
		unsigned flags;
		unsigned len, dlc;
	} kinds[] = {
		{ 0x000, 0, 0, 0 },
		{ 0x123, 0, 8, 8 },
		{ 0x7ff, 0, 3, 3 },
		{ 0x456, 0, 8, 15 },
		{ 0x00000123, EVCAN_FRAME_EXT, 8, 8 },
		{ 0x1fffffff, EVCAN_FRAME_EXT, 1, 1 },
		{ 0x123, EVCAN_FRAME_RTR, 0, 0 },
		{ 0x123, EVCAN_FRAME_RTR, 0, 8 },
		{ 0x18daf110, EVCAN_FRAME_EXT | EVCAN_FRAME_RTR, 0, 4 },
		{ 0x080, EVCAN_FRAME_ERR, 8, 8 },
		{ 0x123, EVCAN_FRAME_FD, 0, 0 },
		{ 0x123, EVCAN_FRAME_FD, 12, 9 },
		{ 0x124, EVCAN_FRAME_FD | EVCAN_FRAME_BRS, 64, 15 },
		{ 0x125, EVCAN_FRAME_FD | EVCAN_FRAME_ESI, 8, 8 },
		{ 0x12345678, EVCAN_FRAME_EXT | EVCAN_FRAME_FD |
		    EVCAN_FRAME_BRS | EVCAN_FRAME_ESI, 48, 14 },
		{ 0x111, 0, 2, 2 },
		{ 0x112, 0, 2, 2 },
		{ 0x113, 0, 2, 2 },
		{ 0x114, EVCAN_FRAME_ECHO, 2, 2 },
	};
	const size_t n = sizeof(kinds) / sizeof(kinds[0]);
	const int can0 = evcan_channel_intern("can0");
	const int can1 = evcan_channel_intern("can1");

	memset(frames, 0, n * sizeof(*frames));
	for (size_t i = 0; i < n; i++) {
		struct evcan_frame *frame = &frames[i];

		frame->id = kinds[i].id;
		frame->flags = (uint16_t)kinds[i].flags;
		frame->len = (uint8_t)kinds[i].len;
		frame->dlc = (uint8_t)kinds[i].dlc;
		frame->channel = (uint16_t)(i % 3 == 2 ? can1 : can0);
		frame->clock = EVCAN_CLOCK_KERNEL;
		frame->time_ns = START + (int64_t)i * 1234567;
		for (unsigned b = 0; b < kinds[i].len; b++)
			frame->data[b] = (uint8_t)(i * 16 + b * 7);
	}
	frames[n - 4].dir = EVCAN_DIR_TX;
	frames[n - 3].hops = 3;
	frames[n - 2].clock = EVCAN_CLOCK_HARDWARE;
	return n;
}

#define CORPUS_MAX 64

/* Takes off what a format says it lost. */
static void
drop_attribute(const struct evcan_format *format, size_t index,
    struct evcan_frame *a, struct evcan_frame *b)
{
	const char *word = format->attributes;
	int at;

	assert_non_null(word);
	while (index-- > 0) {
		word = strchr(word, ' ');
		assert_non_null(word);
		word++;
	}
	at = find_loss(word);
	if (at < 0)
		fail_msg("%s: unknown attribute %s", format->name, word);
	frame_losses[at].drop(a);
	frame_losses[at].drop(b);
}

#endif

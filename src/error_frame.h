/* SPDX-License-Identifier: BSD-3-Clause */
/* error_frame.h - error frames of sources that tell only "an error" */
#ifndef EVCAN_ERROR_FRAME_H
#define EVCAN_ERROR_FRAME_H

#include <string.h>

#include <evcan/frame.h>

/* Makes it SocketCAN's frame for a bus error without detail (class 0x80,
 * eight zero bytes), as can-utils and python-can write it. Time, channel and
 * direction stay. */
static inline void
evcan_error_frame_(struct evcan_frame *frame)
{
	frame->id = 0x80;
	frame->flags = EVCAN_FRAME_ERR;
	frame->len = frame->dlc = 8;
	memset(frame->data, 0, 8);
}

/* Whether a format that can say only "an error" says all there is. */
static inline int
evcan_error_frame_is_plain_(const struct evcan_frame *frame)
{
	static const uint8_t zero[8];

	return frame->id == 0x80 && frame->len == 8 &&
	    memcmp(frame->data, zero, 8) == 0;
}

#endif

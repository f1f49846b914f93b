/* SPDX-License-Identifier: BSD-3-Clause */
/* sane_frame.h - what every frame that is read from a log must be */
#ifndef SANE_FRAME_H
#define SANE_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <evcan/frame.h>

static inline bool
sane_frame(const struct evcan_frame *f)
{
	const bool ext = (f->flags & EVCAN_FRAME_EXT) != 0;
	const bool fd = (f->flags & EVCAN_FRAME_FD) != 0;
	static const uint8_t zero[3];
	bool ok = f->len <= (fd ? 64 : 8) && f->dlc <= 15 &&
	    f->dir <= EVCAN_DIR_TXRQ && f->clock <= EVCAN_CLOCK_RELATIVE &&
	    f->hops == 0 && memcmp(f->reserved, zero, 3) == 0 &&
	    f->flags < 0x100 && f->id <= EVCAN_MAX_EXT_ID;

	if ((f->flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_OVERLOAD)) == 0)
		ok &= ext || f->id <= EVCAN_MAX_STD_ID;
	if ((f->flags & EVCAN_FRAME_RTR) != 0)
		ok &= f->len == 0 && !fd;
	return ok;
}

/* Bytes behind len may differ: nobody owes them. */
static inline bool
same_frame(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->time_ns == b->time_ns && a->id == b->id &&
	    a->flags == b->flags && a->channel == b->channel &&
	    a->len == b->len && a->dlc == b->dlc && a->dir == b->dir &&
	    a->clock == b->clock && a->hops == b->hops &&
	    memcmp(a->data, b->data, a->len) == 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_head.h - how rows and headers of TRC files are laid out */
#ifndef EVCAN_TRC_HEAD_H
#define EVCAN_TRC_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>

#include "trc_row.h"

/* The versions that are written, in the order of the option's words. */
#define EVCAN_TRC_CHOICES "1.1 1.2 1.3 2.0 2.1"
#define EVCAN_TRC_SHAPES 5

struct evcan_trc_shape_ {
	enum evcan_trc_version_ version;
	bool old;               /* 1.x: "1)", direction in place of the type */
	bool bus;               /* has a column for it */
	bool code;              /* reserved column, and length is a code */
	uint8_t number_width;
	uint8_t decimals;       /* of a millisecond: 1 or 3 */
	uint8_t gap;            /* blanks between columns */
	uint8_t length_width;
	const char *const *legend;   /* the header's end, up to a NULL */
};

extern const struct evcan_trc_shape_ evcan_trc_shapes_[EVCAN_TRC_SHAPES];

/* @param days, date of the start; days NULL: the log is relative */
void evcan_trc_put_header_(const struct evcan_trc_shape_ *shape,
    const char *days, const char *date, struct evcan_buffer *out);
/* The start alone, for a header that was written without. */
void evcan_trc_put_start_line_(const char *days, struct evcan_buffer *out);

#endif

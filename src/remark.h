/* SPDX-License-Identifier: BSD-3-Clause */
/* remark.h - what evcan leaves in the comments of a log, and reads back */
#ifndef EVCAN_REMARK_H
#define EVCAN_REMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evcan_gap;

/*
 * Formats that can hold a comment, but neither channel names nor loss,
 * carry them as text:
 *   evcan channel 2 = vcan0
 *   evcan lost 12 frames on can0 (queue)
 * The same words in every format, so that people find them with grep.
 */

#define EVCAN_REMARK_MAX 256

enum evcan_remark_kind_ {
	EVCAN_REMARK_NONE,
	EVCAN_REMARK_CHANNEL,
	EVCAN_REMARK_GAP
};

struct evcan_remark_ {
	enum evcan_remark_kind_ kind;
	unsigned number;         /* of a channel */
	const char *name;        /* inside the text */
	size_t name_len;
	uint64_t lost;
};

/* Both write no NUL. @param out of EVCAN_REMARK_MAX bytes @return length */
size_t evcan_remark_put_channel_(char *out, unsigned number,
    const char *name);
size_t evcan_remark_put_gap_(char *out, const char *channel,
    const struct evcan_gap *gap);

/* @return whether the text is a remark: blanks around it are ignored, the
 * whole rest must match */
bool evcan_remark_get_(const char *text, size_t len,
    struct evcan_remark_ *remark);

#endif

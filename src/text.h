/* SPDX-License-Identifier: BSD-3-Clause */
/* text.h - frames and numbers from and to text: the one place for it */
#ifndef EVCAN_TEXT_H
#define EVCAN_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>

/* Two upper-case hex characters of each byte value. */
extern const char evcan_hex_pairs_[256][2];
/* The value of a hex digit of either case, 0xff for any other character. */
extern const uint8_t evcan_hex_value_[256];

/* Most bytes that evcan_text_put_frame_() writes: 8 id + ## F + 128 data. */
#define EVCAN_TEXT_FRAME_MAX 144

/* The frame in candump's log form (no NUL). @return its end */
char *evcan_text_put_frame_(char *out, const struct evcan_frame *frame);

/* Reads a frame in that form from p up to a blank or end; end may be that of
 * the whole buffer (which is faster than that of the line). Sets id, flags
 * (all of them), len, dlc, data (classic: 8 bytes, the rest is left); nothing
 * else. An FD length that no DLC says is kept, as a file may hold it; dlc is
 * then the next larger one. @return where it ended, or NULL with *why (static
 * text), *at (place of the fault) and a frame of no meaning */
const char *evcan_text_get_frame_(const char *p, const char *end,
    struct evcan_frame *frame, const char **why, const char **at);

/* The *why of a CAN XL frame, to be compared by address: well written, but
 * not a frame for us. */
extern const char evcan_text_is_xl_[];

/* Seconds with 6 or 9 decimals, at least 10 digits before the point
 * (candump's "%010u.%06u"); negative times get a sign. @return its end */
#define EVCAN_TEXT_TIME_MAX 32
char *evcan_text_put_time_(char *out, int64_t ns, int decimals);

/* An unsigned decimal number. @return its end */
char *evcan_text_put_uint_(char *out, uint64_t value);

/* The whole text as a number: decimal or 0x, sign, `_` between digits.
 * @return 0 or EVCAN_ERR_SYNTAX */
int evcan_text_get_int_(const char *text, int64_t *value);
/* The whole text as a finite decimal number, independent of the locale. */
int evcan_text_get_real_(const char *text, double *value);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* text.h - frames and numbers from and to text: the one place for it */
#ifndef EVCAN_TEXT_H
#define EVCAN_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <evcan/frame.h>

/* Two upper-case hex characters of each byte value. */
extern const char evcan_hex_pairs_[256][2];
/* The value of a hex digit of either case, 0xff for any other character. */
extern const uint8_t evcan_hex_value_[256];

/* The two decimal digits of 0 to 99. */
extern const char evcan_text_pairs_[200];

/* Four bytes as eight hex digits. Row by row: the compiler would keep a loop,
 * which costs as much again. */
static inline void
evcan_text_put_four_(char *out, const uint8_t *data)
{
	memcpy(out, evcan_hex_pairs_[data[0]], 2);
	memcpy(out + 2, evcan_hex_pairs_[data[1]], 2);
	memcpy(out + 4, evcan_hex_pairs_[data[2]], 2);
	memcpy(out + 6, evcan_hex_pairs_[data[3]], 2);
}

/* Six decimal digits of a number below a million. */
static inline void
evcan_text_put_six_(char *out, uint32_t value)
{
	/* In 2^-44 of ten thousand, rounded up: two digits stand above the
	 * point, and times a hundred the next two do. */
	const uint64_t part = ((uint64_t)1 << 44) - 1;
	uint64_t x = value * (uint64_t)1759218605;

	memcpy(out, evcan_text_pairs_ + (x >> 44) * 2, 2);
	x = (x & part) * 100;
	memcpy(out + 2, evcan_text_pairs_ + (x >> 44) * 2, 2);
	x = (x & part) * 100;
	memcpy(out + 4, evcan_text_pairs_ + (x >> 44) * 2, 2);
}

/* Most bytes that evcan_text_put_frame_() writes: 8 id + ## F + 128 data. */
#define EVCAN_TEXT_FRAME_MAX 144

/* The frame in candump's log form (no NUL). @return its end */
char *evcan_text_put_frame_(char *out, const struct evcan_frame *frame);

/* The same of a classic data frame with a DLC of 8 at most, in place: most
 * are. */
static inline char *
evcan_text_put_classic_(char *out, const struct evcan_frame *frame)
{
	const uint32_t id = frame->id;

	if ((frame->flags & EVCAN_FRAME_EXT) != 0) {
		memcpy(out, evcan_hex_pairs_[id >> 24 & 0xff], 2);
		memcpy(out + 2, evcan_hex_pairs_[id >> 16 & 0xff], 2);
		memcpy(out + 4, evcan_hex_pairs_[id >> 8 & 0xff], 2);
		memcpy(out + 6, evcan_hex_pairs_[id & 0xff], 2);
		out += 8;
	} else {
		out[0] = evcan_hex_pairs_[id >> 8 & 0xf][1];
		memcpy(out + 1, evcan_hex_pairs_[id & 0xff], 2);
		out += 3;
	}
	*out++ = '#';
	/* Eight always: cheaper than guessing how many. */
	evcan_text_put_four_(out, frame->data);
	evcan_text_put_four_(out + 8, frame->data + 4);
	return out + 2 * (size_t)frame->len;
}

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

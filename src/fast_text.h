/* SPDX-License-Identifier: BSD-3-Clause */
/* fast_text.h - what the fast paths of text formats share */
#ifndef EVCAN_FAST_TEXT_H
#define EVCAN_FAST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/frame.h>

#include "bytes.h"
#include "text.h"

/*
 * Eight characters at a time are one number, the first in its lowest byte,
 * and are looked at all at once, without a branch for each: a wrong guess
 * costs more than all of this.
 */

/* The same byte eight times. */
#define EVCAN_EACH_BYTE(b) (0x0101010101010101u * (b))
#define EVCAN_TOP_BITS EVCAN_EACH_BYTE(0x80)
#define EVCAN_BLANKS EVCAN_EACH_BYTE(0x20)

/* How many bytes come before the first one with its top bit set.
 * @param bits top bits only */
static inline unsigned
evcan_bytes_before_(uint64_t bits)
{
#if defined(__GNUC__)
	return bits == 0 ? 8 : (unsigned)__builtin_ctzll(bits) / 8;
#else
	unsigned n = 0;

	for (; n < 8 && (bits & 0x80) == 0; n++)
		bits >>= 8;
	return n;
#endif
}

/* The top bit of each character that is no hex digit, and the values of those
 * that are one (of others at most 15, too). Seven bits plus 0x80 - c have the
 * top bit set when they are c or more. Behind a character of 0x80 or more,
 * which is never called a digit, nothing is right any more: its sums go
 * over. */
static inline uint64_t
evcan_hex_digits_(uint64_t x, uint64_t *values)
{
	const uint64_t low = x | EVCAN_BLANKS;
	const uint64_t digit = (x + EVCAN_EACH_BYTE(0x80 - '0')) &
	    ~(x + EVCAN_EACH_BYTE(0x80 - '9' - 1));
	const uint64_t letter = (low + EVCAN_EACH_BYTE(0x80 - 'a')) &
	    ~(low + EVCAN_EACH_BYTE(0x80 - 'f' - 1)) & EVCAN_TOP_BITS;

	*values = (x & EVCAN_EACH_BYTE(0x0f)) + (letter >> 7) * 9;
	return ~(digit | letter) & EVCAN_TOP_BITS;
}

/* The values of eight hex digits as four bytes, the first the lowest. */
static inline uint32_t
evcan_hex_bytes_(uint64_t values)
{
	uint64_t n = (values << 4 | values >> 8) & 0x00ff00ff00ff00ffu;

	n = (n | n >> 8) & 0x0000ffff0000ffffu;
	return (uint32_t)(n | n >> 16);
}

/* The same as one number, the first digit the highest. */
static inline uint32_t
evcan_hex_number_(uint64_t values)
{
	uint64_t n = (values << 4 | values >> 8) & 0x00ff00ff00ff00ffu;

	n = (n << 8 | n >> 16) & 0x0000ffff0000ffffu;
	return (uint32_t)(n << 16 | n >> 32);
}

/* Six decimal digits, the first in the lowest byte; what is in the two bytes
 * above does not matter. @return false: they are not */
static inline bool
evcan_micros6_(uint64_t x, uint32_t *out)
{
	uint64_t y = x - 0x303030303030u;

	if (((y | (y + 0x767676767676u)) & 0x808080808080u) != 0)
		return false;
	y = y * 10 + (y >> 8);
	*out = (uint32_t)((y & 0xff) * 10000 + (y >> 16 & 0xff) * 100 +
	    (y >> 32 & 0xff));
	return true;
}

/* The first hex digits of sixteen, two a byte, as the data of a classic
 * frame. @return how many, or an odd number: not even that */
static inline unsigned
evcan_hex_data_(const uint8_t *p, struct evcan_frame *frame)
{
	uint64_t low, high, data;
	const uint64_t bad = evcan_hex_digits_(get_le64(p), &low);
	const uint64_t bad2 = evcan_hex_digits_(get_le64(p + 8), &high);
	unsigned n = evcan_bytes_before_(bad);

	data = evcan_hex_bytes_(low) |
	    (uint64_t)evcan_hex_bytes_(high) << 32;
	if (n == 8)
		n += evcan_bytes_before_(bad2);
	/* The bytes that are not there become zero. */
	data &= n == 16 ? UINT64_MAX : ((uint64_t)1 << 4 * n) - 1;
	put_le64(frame->data, data);
	frame->len = frame->dlc = (uint8_t)(n / 2);
	return n;
}

/* How far evcan_fast_frame_() looks: 8 id, #, 16 data, one more. */
#define EVCAN_FAST_FRAME 26

/* A classic data frame in candump's form: 3 or 8 digits, '#', up to 16 more.
 * @return behind it, or NULL: on any surprise */
static inline const uint8_t *
evcan_fast_frame_(const uint8_t *p, struct evcan_frame *frame)
{
	unsigned n;

	if (p[3] == '#') {
		const unsigned a = evcan_hex_value_[p[0]];
		const unsigned b = evcan_hex_value_[p[1]];
		const unsigned c = evcan_hex_value_[p[2]];

		/* a > 7 is also what is no digit at all. */
		if (a > 7 || (b | c) > 15)
			return NULL;
		frame->id = a << 8 | b << 4 | c;
		frame->flags = 0;
		p += 4;
	} else {
		uint64_t id;

		if (p[8] != '#' || evcan_hex_digits_(get_le64(p), &id) != 0)
			return NULL;
		frame->id = evcan_hex_number_(id);
		frame->flags = EVCAN_FRAME_EXT;
		if (frame->id > EVCAN_MAX_EXT_ID)
			return NULL;
		p += 9;
	}
	n = evcan_hex_data_(p, frame);
	return (n & 1) == 0 ? p + n : NULL;
}

/* Data as " 56 0C 20 A5 E1 B4 96 40", by length: the characters that must be
 * blanks, in three numbers, and the bytes that count. */
struct evcan_spaced_ {
	uint64_t blank[3];
	uint64_t bytes;
};
extern const struct evcan_spaced_ evcan_spaced_[9];   /* in text.c */

/* Every other one of the bytes: four times two digits, as one number. */
static inline uint64_t
evcan_spaced_digits_(const uint8_t *p)
{
	return get_le16(p) | (uint64_t)get_le16(p + 6) << 16 |
	    (uint64_t)get_le16(p + 12) << 32 |
	    (uint64_t)get_le16(p + 18) << 48;
}

/* n bytes, 8 at most, of a classic frame, each behind a blank. Looks at 24
 * characters. @return false: they are not there */
static inline bool
evcan_spaced_data_(const uint8_t *p, unsigned n, struct evcan_frame *frame)
{
	const struct evcan_spaced_ *must = &evcan_spaced_[n];
	const uint64_t firsts = 0x00ff00ff00ff00ffu;
	const uint64_t even = evcan_spaced_digits_(p + 1);
	const uint64_t odd = evcan_spaced_digits_(p + 4);
	/* All first digits, and all second ones, in the data's order. */
	uint64_t high = (even & firsts) | (odd & firsts) << 8;
	uint64_t low = (even >> 8 & firsts) | (odd & ~firsts);
	uint64_t wrong;

	/* Apart from dlc: side by side the compiler merges them, for more. */
	frame->len = (uint8_t)n;
	/* Of what is behind the data nothing counts, and nothing of it comes
	 * down into the data. */
	wrong = (evcan_hex_digits_(high, &high) |
	    evcan_hex_digits_(low, &low)) & must->bytes;
	wrong |= ((get_le64(p) ^ EVCAN_BLANKS) & must->blank[0]) |
	    ((get_le64(p + 8) ^ EVCAN_BLANKS) & must->blank[1]) |
	    ((get_le64(p + 16) ^ EVCAN_BLANKS) & must->blank[2]);
	put_le64(frame->data, (high << 4 | low) & must->bytes);
	frame->dlc = (uint8_t)n;
	return wrong == 0;
}

/* Up to eight characters to be found again at once. */
struct evcan_key_ {
	uint64_t key, mask;
};

static inline void
evcan_key_set_(struct evcan_key_ *key, const char *text, size_t len)
{
	uint8_t bytes[8] = { 0 }, mask[8] = { 0 };

	memcpy(bytes, text, len);
	memset(mask, 0xff, len);
	key->key = get_le64(bytes);
	key->mask = get_le64(mask);
}

/* The text of a second that was seen last, "(1483389946.", and what it says:
 * most lines begin with the one of the line before. */
#define EVCAN_SECOND_MAX 16
struct evcan_second_ {
	struct evcan_key_ front, back;
	size_t len;        /* 0: none is known */
	int64_t ns;
	uint8_t clock;
};

static inline void
evcan_second_set_(struct evcan_second_ *second, const char *text, size_t len,
    int64_t ns, uint8_t clock)
{
	const size_t front = len < 8 ? len : 8;

	second->len = 0;
	if (len > EVCAN_SECOND_MAX)
		return;
	evcan_key_set_(&second->front, text, front);
	evcan_key_set_(&second->back, text + front, len - front);
	second->len = len;
	second->ns = ns;
	second->clock = clock;
}

/* Looks at EVCAN_SECOND_MAX characters. */
static inline bool
evcan_second_is_(const struct evcan_second_ *second, const uint8_t *p)
{
	return (get_le64(p) & second->front.mask) == second->front.key &&
	    (get_le64(p + 8) & second->back.mask) == second->back.key;
}

/* Channel names seen lately. Those of up to 7 characters are found as one
 * number together with what ends them. */
#define EVCAN_NEAR_NAMES 4
struct evcan_near_name_ {
	struct evcan_key_ key;     /* mask 0: too long, or an empty slot */
	size_t len;                /* 0: an empty slot */
	uint16_t channel;
	char text[EVCAN_CHANNEL_NAME_MAX];
};

struct evcan_near_names_ {
	struct evcan_near_name_ names[EVCAN_NEAR_NAMES];
	unsigned last, oldest;     /* used last; the one to go next */
};

/* @param end the character behind it; NUL: it is not for the fast path */
static inline void
evcan_near_keep_(struct evcan_near_names_ *near, const char *text,
    size_t len, char end, uint16_t channel)
{
	struct evcan_near_name_ *name = &near->names[near->oldest];
	char key[8];

	near->last = near->oldest;
	near->oldest = (near->oldest + 1) % EVCAN_NEAR_NAMES;
	memcpy(name->text, text, len);
	name->len = len;
	name->channel = channel;
	name->key.key = name->key.mask = 0;
	if (end == '\0' || len >= sizeof(key))
		return;
	memcpy(key, text, len);
	key[len] = end;
	evcan_key_set_(&name->key, key, len + 1);
}

/* @return its channel, or 0 */
static inline uint16_t
evcan_near_find_(const struct evcan_near_names_ *near, const char *text,
    size_t len)
{
	for (unsigned i = 0; len > 0 && i < EVCAN_NEAR_NAMES; i++)
		if (near->names[i].len == len &&
		    memcmp(near->names[i].text, text, len) == 0)
			return near->names[i].channel;
	return 0;
}

/* The one that stands at p, or NULL. */
static inline const struct evcan_near_name_ *
evcan_near_at_(struct evcan_near_names_ *near, const uint8_t *p)
{
	const uint64_t x = get_le64(p);
	const struct evcan_near_name_ *name = &near->names[near->last];

	if ((x & name->key.mask) == name->key.key && name->key.mask != 0)
		return name;
	for (unsigned i = 0; i < EVCAN_NEAR_NAMES; i++) {
		name = &near->names[i];
		if ((x & name->key.mask) == name->key.key &&
		    name->key.mask != 0) {
			near->last = i;
			return name;
		}
	}
	return NULL;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* text.c - frames and numbers from and to text */
#include "text.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

#include "bytes.h"
#include "fast_text.h"

/* Identifiers of error frames carry this bit in text. */
#define ERROR_BIT 0x20000000u

#define ROW(h) \
	{h, '0'}, {h, '1'}, {h, '2'}, {h, '3'}, \
	{h, '4'}, {h, '5'}, {h, '6'}, {h, '7'}, \
	{h, '8'}, {h, '9'}, {h, 'A'}, {h, 'B'}, \
	{h, 'C'}, {h, 'D'}, {h, 'E'}, {h, 'F'}

const char evcan_hex_pairs_[256][2] = {
	ROW('0'), ROW('1'), ROW('2'), ROW('3'),
	ROW('4'), ROW('5'), ROW('6'), ROW('7'),
	ROW('8'), ROW('9'), ROW('A'), ROW('B'),
	ROW('C'), ROW('D'), ROW('E'), ROW('F'),
};

#undef ROW

const char evcan_text_pairs_[200] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

#define NO4 0xff, 0xff, 0xff, 0xff
#define NO8 NO4, NO4
#define NO16 NO8, NO8

const uint8_t evcan_hex_value_[256] = {
	NO16, NO16, NO16,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xff, 0xff, NO4,
	0xff, 10, 11, 12, 13, 14, 15, 0xff, NO8, NO16,
	0xff, 10, 11, 12, 13, 14, 15, 0xff, NO8, NO16,
	NO16, NO16, NO16, NO16, NO16, NO16, NO16, NO16,
};

#undef NO4
#undef NO8
#undef NO16

const char evcan_text_is_xl_[] = "a CAN XL frame, which is not supported";

/* Blanks of " 56 0C 20 A5 E1 B4 96 40", eight characters each. */
#define B1 0x00ff0000ff0000ffu
#define B2 0xff0000ff0000ff00u
#define B3 0x0000ff0000ff0000u

const struct evcan_spaced_ evcan_spaced_[9] = {
	{ { 0, 0, 0 }, 0 },
	{ { B1 & 0xff, 0, 0 }, 0xff },
	{ { B1 & 0xffffffff, 0, 0 }, 0xffff },
	{ { B1, 0, 0 }, 0xffffff },
	{ { B1, B2 & 0xffff, 0 }, 0xffffffff },
	{ { B1, B2 & 0xffffffffff, 0 }, 0xffffffffff },
	{ { B1, B2, 0 }, 0xffffffffffff },
	{ { B1, B2, B3 & 0xffffff }, 0xffffffffffffff },
	{ { B1, B2, B3 }, UINT64_MAX }
};

#undef B1
#undef B2
#undef B3

/* ---- writing a frame ---- */

static char *
put_pairs(char *out, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(out + 2 * i, evcan_hex_pairs_[data[i]], 2);
	return out + 2 * n;
}

static char *
put_id(char *out, const struct evcan_frame *frame)
{
	uint32_t id = frame->id;

	if (!(frame->flags & (EVCAN_FRAME_EXT | EVCAN_FRAME_ERR))) {
		memcpy(out, evcan_hex_pairs_[id >> 4 & 0x7f], 2);
		out[2] = evcan_hex_pairs_[id & 0x0f][1];
		return out + 3;
	}
	id &= EVCAN_MAX_EXT_ID;
	if (frame->flags & EVCAN_FRAME_ERR)
		id |= ERROR_BIT;
	memcpy(out, evcan_hex_pairs_[id >> 24], 2);
	memcpy(out + 2, evcan_hex_pairs_[id >> 16 & 0xff], 2);
	memcpy(out + 4, evcan_hex_pairs_[id >> 8 & 0xff], 2);
	memcpy(out + 6, evcan_hex_pairs_[id & 0xff], 2);
	return out + 8;
}

static char *
put_raw_dlc(char *out, unsigned dlc)
{
	*out++ = '_';
	*out++ = evcan_hex_pairs_[dlc & 0x0f][1];
	return out;
}

static char *
put_remote(char *out, unsigned dlc)
{
	*out++ = 'R';
	if (dlc > 0)
		*out++ = (char)('0' + (dlc < 8 ? dlc : 8));
	return dlc > 8 ? put_raw_dlc(out, dlc) : out;
}

static char *
put_fd(char *out, const struct evcan_frame *frame)
{
	const unsigned nibble = 4u |
	    (frame->flags & EVCAN_FRAME_BRS ? 1u : 0) |
	    (frame->flags & EVCAN_FRAME_ESI ? 2u : 0);

	*out++ = '#';
	*out++ = (char)('0' + nibble);
	return put_pairs(out, frame->data,
	    frame->len < EVCAN_MAX_DATA ? frame->len : EVCAN_MAX_DATA);
}

char *
evcan_text_put_frame_(char *out, const struct evcan_frame *frame)
{
	const unsigned kind = frame->flags &
	    (EVCAN_FRAME_ERR | EVCAN_FRAME_RTR | EVCAN_FRAME_FD);

	out = put_id(out, frame);
	*out++ = '#';
	/* Error frames are classic and hold data, whatever else is said. */
	if (kind && !(kind & EVCAN_FRAME_ERR))
		return kind & EVCAN_FRAME_RTR ?
		    put_remote(out, frame->dlc) : put_fd(out, frame);
	/* Eight always: cheaper than guessing how many. */
	put_pairs(out, frame->data, 8);
	if (frame->len < 8)
		return out + 2 * (size_t)frame->len;
	return frame->dlc > 8 ? put_raw_dlc(out + 16, frame->dlc) : out + 16;
}

/* ---- reading a frame: the shape that nearly all have ---- */

static uint64_t
load8(const char *p)
{
	return get_le64((const uint8_t *)p);
}

static unsigned
hex_digit(char c)
{
	return evcan_hex_value_[(uint8_t)c];
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A classic data frame, undotted, that ends in a blank; EVCAN_FAST_FRAME
 * bytes can be read. NULL: look again with the full grammar. */
static const char *
quick(const char *p, struct evcan_frame *frame)
{
	p = (const char *)evcan_fast_frame_((const uint8_t *)p, frame);
	return p != NULL && is_blank(*p) ? p : NULL;
}

/* ---- reading a frame: the full grammar ---- */

struct cursor {
	const char *p, *end;
	const char *why;
};

static int
fail(struct cursor *c, const char *why)
{
	c->why = why;
	return -1;
}

static bool
at(const struct cursor *c, char wanted)
{
	return c->p < c->end && *c->p == wanted;
}

static bool
at_end(const struct cursor *c)
{
	return c->p == c->end || is_blank(*c->p);
}

/* `III#FF:` or `VVIII#FF:` is the start of an XL frame. */
static bool
is_xl(const char *id, size_t digits, const char *end)
{
	return (digits == 3 || digits == 5) &&
	    (size_t)(end - id) > digits + 3 && id[digits + 3] == ':' &&
	    hex_digit(id[digits + 1]) < 16 && hex_digit(id[digits + 2]) < 16;
}

static int
read_id(struct cursor *c, struct evcan_frame *frame)
{
	const char *const start = c->p;
	uint32_t id = 0;
	size_t n;

	for (; c->p < c->end && hex_digit(*c->p) < 16 && c->p - start < 9;
	    c->p++)
		id = id << 4 | hex_digit(*c->p);
	n = (size_t)(c->p - start);
	if (!at(c, '#'))
		return fail(c, n < 9 ? "expected hex digits, then #" :
		    "an identifier has 3 or 8 hex digits");
	if (is_xl(start, n, c->end)) {
		c->p = start;
		return fail(c, evcan_text_is_xl_);
	}
	c->p = start;
	if (n != 3 && n != 8)
		return fail(c, "an identifier has 3 or 8 hex digits");
	if (n == 3 && id > EVCAN_MAX_STD_ID)
		return fail(c, "a standard identifier is at most 7FF");
	if (id >= 2 * ERROR_BIT)
		return fail(c, "an extended identifier is at most 1FFFFFFF,"
		    " an error frame's 3FFFFFFF");
	c->p += n + 1;
	frame->id = id & EVCAN_MAX_EXT_ID;
	frame->flags = n == 3 ? 0 :
	    id & ERROR_BIT ? EVCAN_FRAME_ERR : EVCAN_FRAME_EXT;
	return 0;
}

/* `_D`, if it is there. */
static int
read_raw_dlc(struct cursor *c, struct evcan_frame *frame)
{
	unsigned dlc;

	if (!at(c, '_'))
		return 0;
	if (frame->dlc != 8)
		return fail(c, "a raw DLC needs a length of 8");
	c->p++;
	dlc = c->p < c->end ? hex_digit(*c->p) : 0xff;
	if (dlc < 9 || dlc > 15)
		return fail(c, "a raw DLC is one digit, 9 to F");
	frame->dlc = (uint8_t)dlc;
	c->p++;
	return 0;
}

static int
read_remote(struct cursor *c, struct evcan_frame *frame)
{
	if (frame->flags & EVCAN_FRAME_ERR)
		return fail(c, "an error frame cannot be a remote frame");
	c->p++;
	frame->flags |= EVCAN_FRAME_RTR;
	frame->len = frame->dlc = 0;
	memset(frame->data, 0, 8);
	if (at_end(c))
		return 0;
	if (*c->p < '0' || *c->p > '8')
		return fail(c, "the length of a remote frame is one digit,"
		    " 0 to 8");
	frame->dlc = (uint8_t)(*c->p++ - '0');
	return read_raw_dlc(c, frame);
}

/* Hex pairs with optional dots before them, up to anything else. */
static int
read_data(struct cursor *c, struct evcan_frame *frame, size_t max)
{
	size_t len = 0;
	uint64_t four;
	unsigned a, b;

	for (;;) {
		while (c->end - c->p >= 8 && len + 4 <= max &&
		    evcan_hex_digits_(load8(c->p), &four) == 0) {
			put_le32(frame->data + len, evcan_hex_bytes_(four));
			c->p += 8;
			len += 4;
		}
		if (at_end(c) || at(c, '_'))
			break;
		if (*c->p == '.')
			c->p++;
		a = c->p < c->end ? hex_digit(c->p[0]) : 0xff;
		b = c->end - c->p > 1 ? hex_digit(c->p[1]) : 0xff;
		if ((a | b) > 15)
			return fail(c, "data is pairs of hex digits");
		if (len == max)
			return fail(c, max == 8 ?
			    "a classic frame has at most 8 data bytes" :
			    "a CAN FD frame has at most 64 data bytes");
		frame->data[len++] = (uint8_t)(a << 4 | b);
		c->p += 2;
	}
	frame->len = (uint8_t)len;
	return 0;
}

static int
read_fd(struct cursor *c, struct evcan_frame *frame)
{
	unsigned nibble;

	if (frame->flags & EVCAN_FRAME_ERR)
		return fail(c, "an error frame cannot be a CAN FD frame");
	c->p++;
	nibble = c->p < c->end ? hex_digit(*c->p) : 0xff;
	if (nibble > 15)
		return fail(c, "## is followed by one hex digit of flags");
	c->p++;
	frame->flags |= EVCAN_FRAME_FD;
	if (nibble & 1)
		frame->flags |= EVCAN_FRAME_BRS;
	if (nibble & 2)
		frame->flags |= EVCAN_FRAME_ESI;
	if (read_data(c, frame, EVCAN_MAX_DATA) < 0)
		return -1;
	frame->dlc = evcan_len2dlc(frame->len);
	return at_end(c) ? 0 : fail(c, "a CAN FD frame has no raw DLC");
}

static int
read_classic(struct cursor *c, struct evcan_frame *frame)
{
	memset(frame->data, 0, 8);
	if (read_data(c, frame, 8) < 0)
		return -1;
	frame->dlc = frame->len;
	return read_raw_dlc(c, frame);
}

static int
read_frame(struct cursor *c, struct evcan_frame *frame)
{
	int r;

	if (read_id(c, frame) < 0)
		return -1;
	if (at(c, '#'))
		r = read_fd(c, frame);
	else if (at(c, 'R') || at(c, 'r'))
		r = read_remote(c, frame);
	else
		r = read_classic(c, frame);
	if (r == 0 && !at_end(c))
		return fail(c, "the frame ends here, yet text follows");
	return r;
}

const char *
evcan_text_get_frame_(const char *p, const char *end,
    struct evcan_frame *frame, const char **why, const char **fault)
{
	struct cursor c = {p, end, NULL};
	const char *q;

	if (end - p >= EVCAN_FAST_FRAME) {
		if ((q = quick(p, frame)) != NULL)
			return q;
	} else {
		char copy[EVCAN_FAST_FRAME];

		memset(copy, ' ', sizeof(copy));
		memcpy(copy, p, (size_t)(end - p));
		if ((q = quick(copy, frame)) != NULL)
			return p + (q - copy);
	}
	if (read_frame(&c, frame) == 0)
		return c.p;
	*why = c.why;
	*fault = c.p;
	return NULL;
}

/* ---- numbers ---- */

static char *
put_decimal(char *out, uint64_t value, unsigned digits)
{
	char *p = out + digits;

	while (p > out) {
		*--p = (char)('0' + value % 10);
		value /= 10;
	}
	return out + digits;
}

char *
evcan_text_put_uint_(char *out, uint64_t value)
{
	unsigned digits = 1;

	for (uint64_t v = value; v >= 10; v /= 10)
		digits++;
	return put_decimal(out, value, digits);
}

char *
evcan_text_put_time_(char *out, int64_t ns, int decimals)
{
	const uint64_t t = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	const uint32_t rest = (uint32_t)(t % 1000000000);

	if (ns < 0)
		*out++ = '-';
	/* An int64_t holds at most 10 digits of seconds. */
	out = put_decimal(out, t / 1000000000, 10);
	*out++ = '.';
	return decimals == 6 ? put_decimal(out, rest / 1000, 6) :
	    put_decimal(out, rest, 9);
}

int
evcan_text_get_int_(const char *text, int64_t *value)
{
	const bool minus = *text == '-';
	const uint64_t most = (uint64_t)INT64_MAX + minus;
	uint64_t v = 0;
	unsigned base = 10, d;

	if (*text == '-' || *text == '+')
		text++;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	do {
		d = hex_digit(*text++);
		if (d >= base || v > (most - d) / base)
			return EVCAN_ERR_SYNTAX;
		v = v * base + d;
		if (*text == '_' && text[1] != '\0')
			text++;
	} while (*text != '\0');
	/* -v does not fit for the smallest number of all. */
	*value = minus && v > 0 ? -(int64_t)(v - 1) - 1 : (int64_t)v;
	return 0;
}

static size_t
digits_at(const char *p)
{
	size_t n = 0;

	while (p[n] >= '0' && p[n] <= '9')
		n++;
	return n;
}

/* The length of a decimal number that is the whole text, else 0; *point is
 * where its point is, or NULL. */
static size_t
real_shape(const char *text, const char **point)
{
	const char *p = text;
	size_t whole, part = 0;

	*point = NULL;
	if (*p == '-' || *p == '+')
		p++;
	p += whole = digits_at(p);
	if (*p == '.') {
		*point = p++;
		p += part = digits_at(p);
	}
	if (whole + part == 0)
		return 0;
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '-' || *p == '+')
			p++;
		if (digits_at(p) == 0)
			return 0;
		p += digits_at(p);
	}
	return *p == '\0' ? (size_t)(p - text) : 0;
}

int
evcan_text_get_real_(const char *text, double *value)
{
	const char *const locale_point = localeconv()->decimal_point;
	const char *point;
	char copy[128];
	size_t n, before, width = strlen(locale_point);
	double v;

	n = real_shape(text, &point);
	if (n == 0 || n + width >= sizeof(copy))
		return EVCAN_ERR_SYNTAX;
	/* strtod() wants the locale's point; it alone rounds correctly. */
	memcpy(copy, text, n + 1);
	if (point != NULL) {
		before = (size_t)(point - text);
		memcpy(copy + before, locale_point, width);
		memcpy(copy + before + width, point + 1, n - before);
	}
	v = strtod(copy, NULL);
	if (!isfinite(v))
		return EVCAN_ERR_SYNTAX;
	*value = v;
	return 0;
}

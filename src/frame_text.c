/* SPDX-License-Identifier: BSD-3-Clause */
/* frame_text.c - frames as people read them and as candump writes them */
#include <evcan/frame.h>

#include <string.h>

#include <evcan/channel.h>
#include <evcan/error.h>

#include "text.h"

/* Columns of python-can's line, which are four blanks apart. */
#define TIME_WIDTH 15
#define DATA_WIDTH 24
#define GAP "    "

static char *
put(char *out, const char *text)
{
	const size_t n = strlen(text);

	memcpy(out, text, n);
	return out + n;
}

static char *
put_lower(char *out, unsigned byte)
{
	/* Digits have this bit set already. */
	*out++ = (char)(evcan_hex_pairs_[byte & 0xff][0] | 0x20);
	*out++ = (char)(evcan_hex_pairs_[byte & 0xff][1] | 0x20);
	return out;
}

/*
 * The microseconds that a float of this time shows, after its whole seconds.
 * Times are floats in python-can, and a float of today's time is only exact
 * to 0.24 us; so the float is made here too, to round as it does.
 */
static uint32_t
float_us(uint64_t ns)
{
	const uint64_t whole = ns / 1000000000;
	/* Each way rounds once where it is taken. */
	const double time = ns >> 53 == 0 ? (double)ns / 1e9 :
	    (double)whole + (double)(ns % 1000000000) / 1e9;
	const double part = time - (double)whole;
	const double us = part * 1e6;
	const double high = (float)part;
	/* What the product above left out. */
	const double rest = (high * 1e6 - us) + (part - high) * 1e6;
	uint32_t n = (uint32_t)us;
	const double over = us - n;

	if (over > 0.5 || (over == 0.5 && (rest > 0 || (rest == 0 && n & 1))))
		n++;
	return n;
}

static char *
put_time(char *out, int64_t time_ns)
{
	const uint64_t ns = time_ns < 0 ? -(uint64_t)time_ns :
	    (uint64_t)time_ns;
	uint64_t s = ns / 1000000000;
	uint32_t us = float_us(ns);
	char text[EVCAN_TEXT_TIME_MAX], *end = text;

	s += us / 1000000;
	us %= 1000000;
	if (time_ns < 0)
		*end++ = '-';
	end = evcan_text_put_uint_(end, s);
	*end++ = '.';
	/* One before them keeps the leading zeros. */
	evcan_text_put_uint_(end, 1000000 + us);
	memmove(end, end + 1, 6);
	end += 6;
	for (size_t n = (size_t)(end - text); n < TIME_WIDTH; n++)
		*out++ = ' ';
	memcpy(out, text, (size_t)(end - text));
	return out + (end - text);
}

static char *
put_id(char *out, const struct evcan_frame *frame)
{
	char digits[8], *p = digits;
	size_t skip;

	for (int shift = 24; shift >= 0; shift -= 8)
		p = put_lower(p, frame->id >> shift);
	if (frame->flags & EVCAN_FRAME_EXT) {
		skip = 0;
	} else {
		/* At least four digits, and all there are. */
		for (skip = 0; skip < 4 && digits[skip] == '0'; skip++)
			*out++ = ' ';
	}
	out = put(out, "ID: ");
	memcpy(out, digits + skip, 8 - skip);
	return out + 8 - skip;
}

static char *
put_flags(char *out, const struct evcan_frame *frame)
{
	const unsigned flags = frame->flags;

	out = put(out, flags & EVCAN_FRAME_EXT ? "X " : "S ");
	out = put(out, frame->dir == EVCAN_DIR_RX ? "Rx " : "Tx ");
	out = put(out, flags & EVCAN_FRAME_ERR ? "E " : "  ");
	out = put(out, flags & EVCAN_FRAME_RTR ? "R " : "  ");
	out = put(out, flags & EVCAN_FRAME_FD ? "F " : "  ");
	out = put(out, flags & EVCAN_FRAME_BRS ? "BS " : "   ");
	return put(out, flags & EVCAN_FRAME_ESI ? "EI" : "  ");
}

static char *
put_length(char *out, unsigned length)
{
	out = put(out, length < 10 ? "DL:  " : "DL: ");
	return evcan_text_put_uint_(out, length);
}

static bool
is_alnum(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned c = data[i], l = c | 0x20;

		if (!(c >= '0' && c <= '9') && !(l >= 'a' && l <= 'z'))
			return false;
	}
	return len > 0;
}

static char *
put_data(char *out, const uint8_t *data, size_t len)
{
	char *const start = out;

	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			*out++ = ' ';
		out = put_lower(out, data[i]);
	}
	while (out - start < DATA_WIDTH)
		*out++ = ' ';
	if (is_alnum(data, len)) {
		out = put(out, GAP "'");
		memcpy(out, data, len);
		out += len;
		*out++ = '\'';
	}
	return out;
}

int
evcan_frame_print(const struct evcan_frame *frame, char *buf, size_t size)
{
	size_t len = frame->flags & EVCAN_FRAME_RTR ? 0 : frame->len;
	char *out = buf;

	if (size < EVCAN_TEXT_MAX)
		return EVCAN_ERR_FULL;
	if (len > EVCAN_MAX_DATA)
		len = EVCAN_MAX_DATA;
	out = put_time(put(out, "Timestamp: "), frame->time_ns);
	out = put_id(put(out, GAP), frame);
	out = put_flags(put(out, GAP), frame);
	out = put_length(put(out, GAP), evcan_frame_length(frame));
	out = put_data(put(out, GAP), frame->data, len);
	if (frame->channel != EVCAN_CHANNEL_NONE) {
		out = put(out, GAP "Channel: ");
		out = put(out, evcan_channel_name(frame->channel));
	}
	while (out[-1] == ' ')
		out--;
	*out = '\0';
	return (int)(out - buf);
}

int
evcan_frame_format(const struct evcan_frame *frame, char *buf, size_t size)
{
	char *end;

	if (size < EVCAN_TEXT_MAX)
		return EVCAN_ERR_FULL;
	end = evcan_text_put_frame_(buf, frame);
	*end = '\0';
	return (int)(end - buf);
}

int
evcan_frame_parse(struct evcan_frame *frame, const char *text,
    struct evcan_error *err)
{
	const char *const end = text + strlen(text);
	const char *why, *at, *p;
	struct evcan_frame read;

	memset(&read, 0, sizeof(read));
	p = evcan_text_get_frame_(text, end, &read, &why, &at);
	if (p == NULL)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "frame \"%.160s\", column %zu: %s", text,
		    (size_t)(at - text) + 1, why);
	if (p != end)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "frame \"%.160s\", column %zu: nothing may follow the"
		    " frame", text, (size_t)(p - text) + 1);
	if (read.flags & EVCAN_FRAME_FD &&
	    evcan_dlc2len(read.dlc) != read.len)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "frame \"%.160s\", column %zu: %u data bytes, a CAN FD"
		    " frame has 0 to 8, 12, 16, 20, 24, 32, 48 or 64", text,
		    (size_t)(p - text), read.len);
	*frame = read;
	return 0;
}

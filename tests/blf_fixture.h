/* SPDX-License-Identifier: BSD-3-Clause */
/* blf_fixture.h - BLF files written, made by hand, and read */
#ifndef BLF_FIXTURE_H
#define BLF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <zlib.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/options.h>

#include "bytes.h"

#define START 1483389946123000000   /* 2017-01-02 20:45:46.123 UTC */
#define MS 1000000
#define FRAMES 4096

/* Reading: everything that a decoder tells */

struct told {
	struct evcan_frame frames[FRAMES];
	size_t n;
	unsigned errors, events;
	char error[200];        /* the first */
	uint64_t error_at;
	char event[1024];       /* the last */
	int64_t event_ns;
	struct evcan_decode out;
};

static struct told told;

static inline void
set_all(struct evcan_options *options, const char *pairs)
{
	char text[200];

	snprintf(text, sizeof(text), "%s", pairs);
	for (char *p = strtok(text, " "); p != NULL; p = strtok(NULL, " "))
		assert_int_equal(evcan_options_set_pair(options, p, NULL,
		    NULL), 0);
}

static inline void
take(struct told *t, int r)
{
	if (r < 0) {
		assert_true(t->out.error.text[0] != '\0');
		if (t->errors++ == 0) {
			snprintf(t->error, sizeof(t->error), "%.199s",
			    t->out.error.text);
			t->error_at = t->out.error_offset;
		}
	} else {
		t->n += (size_t)r;
	}
	if (t->out.has_event) {
		t->events++;
		strcpy(t->event, t->out.event);
		t->event_ns = t->out.event_ns;
	}
}

/* Shows `step` bytes more each time nothing comes. */
static inline void
read_in(struct told *t, const uint8_t *data, size_t len, size_t step,
    const char *options_text)
{
	const struct evcan_format *format = evcan_format_find("blf");
	struct evcan_options *options = evcan_options_new();
	void *state = calloc(1, format->read_size);
	size_t at = 0, shown = step < len ? step : len;
	unsigned idle = 0;
	bool end = false;

	memset(t, 0, sizeof(*t));
	set_all(options, options_text);
	assert_int_equal(evcan_options_fill(options, format->read_options,
	    state, NULL), 0);
	assert_int_equal(format->read_begin(state, NULL, NULL), 0);
	while (idle < 3) {
		/* A copy of its own, so that reading beyond it is seen. */
		uint8_t *copy = malloc(shown - at + 1);
		const struct evcan_span span = { copy, shown - at, at, end };
		int r;

		memcpy(copy, data + at, shown - at);
		t->out.used = 0;
		t->out.has_event = false;
		evcan_error_clear(&t->out.error);
		r = format->decode(state, &span, t->frames + t->n,
		    FRAMES - t->n, &t->out);
		free(copy);
		assert_true(t->out.used <= span.len);
		at += t->out.used;
		take(t, r);
		assert_true(t->errors <= len + 1);
		if (r != 0 || t->out.has_event)
			continue;
		idle += end;
		end |= shown == len;
		shown = len - shown < step ? len : shown + step;
	}
	assert_int_equal(at, len);
	format->read_done(state);
	free(state);
	evcan_options_free(options);
}

static inline void
read_all(const uint8_t *data, size_t len)
{
	read_in(&told, data, len, SIZE_MAX / 2, "tz=utc");
}

/* Writing */

struct file {
	const struct evcan_format *format;
	struct evcan_options *options;
	void *state;
	struct evcan_buffer out;
	struct evcan_encode info;
	struct evcan_past past;
	uint8_t *old;
};

static inline void
open_file(struct file *f, const char *options)
{
	const struct evcan_past *past = f->out.len > 0 ? &f->past : NULL;
	struct evcan_error err = { 0 };

	f->format = evcan_format_find("blf");
	f->options = evcan_options_new();
	f->state = calloc(1, f->format->write_size);
	memset(&f->info, 0, sizeof(f->info));
	set_all(f->options, options);
	assert_int_equal(evcan_options_fill(f->options,
	    f->format->write_options, f->state, &err), 0);
	f->past.head = f->out.data;
	f->past.size = f->out.len;
	f->past.head_len = f->out.len < 65536 ? f->out.len : 65536;
	assert_int_equal(f->format->begin(f->state, past, &f->out, &err), 0);
}

static inline void
write_frames(struct file *f, const struct evcan_frame *frames, size_t n)
{
	assert_int_equal(f->format->encode(f->state, frames, n, &f->out,
	    &f->info), 0);
}

static inline void
kill_file(struct file *f)
{
	f->format->write_done(f->state);
	free(f->state);
	evcan_options_free(f->options);
}

static inline void
close_file(struct file *f)
{
	struct evcan_buffer head = { 0 };

	assert_int_equal(f->format->finish(f->state, &f->out), 0);
	assert_int_equal(f->format->held(f->state), 0);
	assert_int_equal(f->format->header(f->state, f->out.len, &head), 0);
	assert_true(head.len <= f->out.len);
	memcpy(f->out.data, head.data, head.len);
	free(head.data);
	kill_file(f);
}

static inline struct evcan_frame
make(int64_t time_ns, uint32_t id, unsigned flags, unsigned len)
{
	struct evcan_frame frame;

	memset(&frame, 0, sizeof(frame));
	frame.id = id;
	frame.flags = (uint16_t)flags;
	frame.len = flags & EVCAN_FRAME_RTR ? 0 : (uint8_t)len;
	frame.dlc = evcan_len2dlc(len);
	for (unsigned i = 0; i < frame.len; i++)
		frame.data[i] = (uint8_t)(id + i * 7 + 1);
	frame.time_ns = time_ns;
	frame.clock = EVCAN_CLOCK_KERNEL;
	frame.channel = (uint16_t)evcan_channel_intern("can0");
	return frame;
}

static inline void
assert_same(const struct evcan_frame *a, const struct evcan_frame *b)
{
	assert_true(a->time_ns == b->time_ns);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->channel, b->channel);
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->dlc, b->dlc);
	assert_int_equal(a->dir, b->dir);
	assert_int_equal(a->clock, b->clock);
	assert_int_equal(a->hops, b->hops);
	assert_memory_equal(a->data, b->data, a->len);
}

#define KINDS 18

static inline void
make_kinds(struct evcan_frame *f)
{
	const unsigned fd = EVCAN_FRAME_FD, ext = EVCAN_FRAME_EXT;

	f[0] = make(START + 456789, 0x123, 0, 8);
	f[1] = make(START + 1 * MS, 0x7ff, 0, 0);
	f[2] = make(START + 2 * MS, 0x1fffffff, ext, 3);
	f[3] = make(START + 3 * MS, 0x123, EVCAN_FRAME_RTR, 4);
	f[4] = make(START + 4 * MS, 0x12345, ext | EVCAN_FRAME_RTR, 0);
	f[5] = make(START + 5 * MS, 0x111, fd, 0);
	f[6] = make(START + 6 * MS, 0x111, fd | EVCAN_FRAME_BRS, 64);
	f[7] = make(START + 7 * MS, 0x111, fd | EVCAN_FRAME_ESI, 7);
	f[8] = make(START + 8 * MS, 0x1234567, fd | ext | EVCAN_FRAME_BRS |
	    EVCAN_FRAME_ESI, 12);
	f[9] = make(START + 9 * MS, 0x20, 0, 8);
	f[9].dlc = 15;
	f[10] = make(START + 10 * MS, 0x88, EVCAN_FRAME_ERR, 8);
	f[11] = make(START + 11 * MS, 0x1fffffff, EVCAN_FRAME_ERR, 3);
	f[12] = make(START + 12 * MS, 0, EVCAN_FRAME_OVERLOAD, 0);
	f[13] = make(START + 13 * MS, 1, 0, 1);
	f[13].dir = EVCAN_DIR_TX;
	f[14] = make(START + 14 * MS, 1, fd, 1);
	f[14].dir = EVCAN_DIR_TXRQ;
	f[15] = make(START + 15 * MS, 1, 0, 1);
	f[15].dir = EVCAN_DIR_TXRQ;
	/* backward, and on other channels */
	f[16] = make(START + 3 * MS, 1, 0, 5);
	f[16].channel = (uint16_t)evcan_channel_intern("can7");
	f[17] = make(START + 99999 * (int64_t)MS + 1, 1, fd, 5);
	f[17].channel = (uint16_t)evcan_channel_intern("vcan0");
}

/* Files made by hand */

struct bytes {
	uint8_t data[65536];
	size_t len;
};

static struct bytes inner, outer;

static inline void
add(struct bytes *b, const void *data, size_t len)
{
	assert_true(b->len + len <= sizeof(b->data));
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static inline void
add_zero(struct bytes *b, size_t n)
{
	static const uint8_t zero[512];

	add(b, zero, n);
}

/* @return where it begins */
static inline size_t
add_object(struct bytes *b, unsigned type, unsigned version, size_t head,
    uint32_t flags, uint64_t stamp, const void *body, size_t len)
{
	const size_t at = b->len;
	uint8_t p[64] = "LOBJ";

	put_le16(p + 4, (uint16_t)head);
	put_le16(p + 6, (uint16_t)version);
	put_le32(p + 8, (uint32_t)(head + len));
	put_le32(p + 12, type);
	put_le32(p + 16, flags);
	put_le64(p + 24, stamp);
	add(b, p, head);
	add(b, body, len);
	return at;
}

/* A classic frame with identifier and data of its number. */
static inline size_t
add_can(struct bytes *b, unsigned i)
{
	uint8_t body[16] = { 1, 0, 0, 8 };

	put_le32(body + 4, i);
	memset(body + 8, (int)(i + 1), 8);
	return add_object(b, 1, 1, 32, 2, i, body, 16);
}

static inline void
add_file_head(struct bytes *b)
{
	uint8_t p[144] = "LOGG\x90";

	add(b, p, 144);
}

static inline size_t
add_container(struct bytes *b, unsigned method, const uint8_t *data,
    size_t len)
{
	const size_t at = b->len;
	static uint8_t squeezed[70000];
	uLongf size = sizeof(squeezed);
	uint8_t p[32] = "LOBJ\x10\0\1";

	if (method == 2) {
		assert_int_equal(compress(squeezed, &size, data, len), Z_OK);
		put_le32(p + 24, (uint32_t)len);
		data = squeezed;
		len = size;
	} else {
		put_le32(p + 24, (uint32_t)len);
	}
	put_le32(p + 8, (uint32_t)(32 + len));
	put_le32(p + 12, 10);
	put_le16(p + 16, (uint16_t)method);
	add(b, p, 32);
	add(b, data, len);
	add_zero(b, (32 + len) % 4);
	return at;
}

static inline void
start_over(void)
{
	inner.len = outer.len = 0;
	add_file_head(&outer);
}

static inline void
read_objects(void)
{
	outer.len = 0;
	add_file_head(&outer);
	add_container(&outer, 2, inner.data, inner.len);
	read_all(outer.data, outer.len);
}

/* The frames of add_can() with these numbers, and nothing else. */
static inline void
assert_cans(size_t n, ...)
{
	va_list args;

	assert_int_equal(told.n, n);
	va_start(args, n);
	for (size_t i = 0; i < n; i++) {
		const unsigned wanted = va_arg(args, unsigned);

		assert_int_equal(told.frames[i].id, wanted);
		assert_int_equal(told.frames[i].time_ns, wanted);
		assert_int_equal(told.frames[i].data[7], wanted + 1);
	}
	va_end(args);
}

#endif

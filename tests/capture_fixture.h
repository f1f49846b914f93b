/* SPDX-License-Identifier: BSD-3-Clause */
/* capture_fixture.h - captures built byte by byte, and read in pieces */
#ifndef CAPTURE_FIXTURE_H
#define CAPTURE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

#include "bytes.h"
#include "may_skip.h"
#include "sane_frame.h"

/* A file in the making, in either byte order. */
struct file {
	bool big;
	size_t len;
	uint8_t data[512 << 10];
};

static inline void
add(struct file *f, const void *data, size_t len)
{
	assert_true(len <= sizeof(f->data) - f->len);
	memcpy(f->data + f->len, data, len);
	f->len += len;
}

static inline void
set32(struct file *f, size_t at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		f->data[at + i] = (uint8_t)(v >> (f->big ? 24 - 8 * i : 8 * i));
}

static inline void
add32(struct file *f, uint32_t v)
{
	add(f, "0000", 4);
	set32(f, f->len - 4, v);
}

static inline void
add16(struct file *f, unsigned v)
{
	const uint8_t b[2] = { (uint8_t)(f->big ? v >> 8 : v),
	    (uint8_t)(f->big ? v : v >> 8) };

	add(f, b, 2);
}

/* A packet of link type 227. @param fd its byte 5 @return its length */
static inline size_t
packet(uint8_t *p, uint32_t id, unsigned len, unsigned fd)
{
	memset(p, 0, 80);
	p[0] = (uint8_t)(id >> 24);
	p[1] = (uint8_t)(id >> 16);
	p[2] = (uint8_t)(id >> 8);
	p[3] = (uint8_t)id;
	p[4] = (uint8_t)len;
	p[5] = (uint8_t)fd;
	for (unsigned i = 0; i < len && i < 72; i++)
		p[8 + i] = (uint8_t)(i * 17 + 1);
	return 8 + len;
}

#define READ_MAX 256

struct result {
	struct evcan_frame frames[READ_MAX];
	size_t n;
	unsigned errors;
	char error[500];        /* the last one, and its place */
	uint64_t error_offset;
	uint64_t skipped, gaps, lost;
	unsigned events;
	char event[1024];       /* the last one */
	int64_t event_ns;
	size_t event_at;        /* frames before it */
};

/* Everything, `step` bytes more each time nothing comes. Each span is a
 * copy of just its size, so that looking beyond it is seen. */
static inline void
read_pieces(const char *name, const struct evcan_options *options,
    const uint8_t *data, size_t len, size_t step, struct result *r)
{
	const struct evcan_format *format = evcan_format_find(name);
	struct evcan_decode out = { .line = 1 };
	void *state = calloc(1, format->read_size);
	size_t at = 0, shown = step < len ? step : len;
	bool ended = false;
	int n;

	memset(r, 0, sizeof(*r));
	memset(r->frames, 0xa5, sizeof(r->frames));
	if (format->read_options != NULL)
		assert_int_equal(evcan_options_fill(options,
		    format->read_options, state, NULL), 0);
	if (format->read_begin != NULL)
		assert_int_equal(format->read_begin(state, NULL, NULL), 0);
	while (r->n < READ_MAX) {
		uint8_t *copy = malloc(shown - at + (shown == at));
		const struct evcan_span span = { copy, shown - at, at,
		    ended };

		memcpy(copy, data + at, shown - at);
		out.used = 0;
		out.has_event = false;
		n = format->decode(state, &span, r->frames + r->n,
		    READ_MAX - r->n, &out);
		free(copy);
		assert_true(out.used <= span.len);
		at += out.used;
		if (n < 0) {
			assert_true(r->errors++ < 1000);
			assert_true(out.error.text[0] != '\0');
			snprintf(r->error, sizeof(r->error), "%s",
			    out.error.text);
			r->error_offset = out.error_offset;
			evcan_error_clear(&out.error);
			continue;
		}
		r->n += (size_t)n;
		if (out.has_event) {
			r->events++;
			memcpy(r->event, out.event, sizeof(r->event));
			r->event_ns = out.event_ns;
			r->event_at = r->n;
		}
		if (n > 0 || out.has_event || (out.used > 0 && at < shown))
			continue;
		if (ended)
			break;
		if (shown == len)
			ended = true;
		else
			shown = len - shown < step ? len : shown + step;
	}
	r->skipped = out.skipped;
	r->gaps = out.gaps;
	r->lost = out.lost;
	if (r->n < READ_MAX)
		assert_int_equal(at, len);
	if (format->read_done != NULL)
		format->read_done(state);
	free(state);
}

/* Whole and in pieces, which must give the same. */
static inline void
read_file(const char *name, const struct file *f, struct result *r)
{
	static const size_t steps[] = { 1, 7, 61, 4096 };
	static struct result piece;

	read_pieces(name, NULL, f->data, f->len, SIZE_MAX / 2, r);
	for (size_t s = f->len > 20000 ? 3 : 0; s < 4; s++) {
		read_pieces(name, NULL, f->data, f->len, steps[s], &piece);
		assert_int_equal(piece.n, r->n);
		assert_int_equal(piece.errors, r->errors);
		assert_int_equal(piece.skipped, r->skipped);
		assert_int_equal(piece.lost, r->lost);
		assert_int_equal(piece.events, r->events);
		for (size_t i = 0; i < r->n; i++)
			assert_true(same_frame(&piece.frames[i],
			    &r->frames[i]));
	}
}

/* An encoder with its state, and what it wrote. */
struct encoder {
	const struct evcan_format *format;
	void *state;
	struct evcan_buffer out;
	struct evcan_encode info;
};

/* @return as begin() does */
static inline int
encoder_begin(struct encoder *e, const char *name,
    const struct evcan_past *past, struct evcan_error *err)
{
	memset(e, 0, sizeof(*e));
	e->format = evcan_format_find(name);
	e->state = calloc(1, e->format->write_size);
	return e->format->begin(e->state, past, &e->out, err);
}

static inline void
encoder_put(struct encoder *e, const struct evcan_frame *frames, size_t n)
{
	assert_int_equal(e->format->encode(e->state, frames, n, &e->out,
	    &e->info), 0);
}

/* Finishes; what was written is in f, which the caller made. */
static inline void
encoder_end(struct encoder *e, struct file *f)
{
	if (e->format->finish != NULL)
		assert_int_equal(e->format->finish(e->state, &e->out), 0);
	if (e->format->write_done != NULL)
		e->format->write_done(e->state);
	assert_false(e->out.failed);
	if (f != NULL)
		add(f, e->out.data, e->out.len);
	free(e->out.data);
	free(e->state);
}

/* How often the attribute of that name was lost. */
static inline uint64_t
lost_of(const struct encoder *e, const char *name)
{
	const char *word = e->format->attributes;

	for (size_t i = 0; i < 16 && word != NULL; i++) {
		const size_t len = strcspn(word, " ");

		if (len == strlen(name) && memcmp(word, name, len) == 0)
			return e->info.lost[i];
		word = word[len] == ' ' ? word + len + 1 : NULL;
	}
	fail_msg("%s has no attribute %s", e->format->name, name);
	return 0;
}

/* Frames of a file of the samples, which has no fault; -1: no samples. */
static inline int
read_sample(const char *name, const char *format, struct evcan_frame *frames,
    size_t max)
{
	const char *dir = getenv("EVCAN_SAMPLES");
	struct evcan_log_reader *reader;
	struct evcan_error err = { 0 };
	char path[500];
	int n, all = 0;

	if (dir == NULL || *dir == '\0')
		return -1;
	snprintf(path, sizeof(path), "%s/pcap/%s", dir, name);
	reader = evcan_log_reader_new(path, NULL, &err);
	if (reader == NULL)
		fail_msg("%s", err.text);
	assert_string_equal(evcan_log_reader_format(reader), format);
	while ((n = evcan_log_reader_read(reader, frames + all,
	    max - (size_t)all)) > 0)
		all += n;
	assert_int_equal(n, 0);
	evcan_log_reader_free(reader);
	return all;
}

#endif

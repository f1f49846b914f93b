/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_reading.h - what reading an MDF 4 file gives, for the tests */
#ifndef MF4_READING_H
#define MF4_READING_H

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
#include <evcan/options.h>

#define START 1700000000000000000
#define FRAMES 4096

static const struct evcan_format *format;

/* What reading gave. */
struct result {
	struct evcan_frame frames[FRAMES];
	size_t n;
	unsigned errors, events;
	struct evcan_decode out;
	char error[600], event[1100];
	uint64_t error_offset;
	int begin;
};

static struct result result;

struct bytes {
	const uint8_t *data;
	size_t size;
};

static inline int64_t
read_bytes(void *arg, uint64_t offset, void *buf, size_t n)
{
	const struct bytes *bytes = arg;

	if (offset >= bytes->size)
		return 0;
	if (n > bytes->size - offset)
		n = (size_t)(bytes->size - offset);
	memcpy(buf, bytes->data + offset, n);
	return (int64_t)n;
}

/* Reads on to the end, `step` frames at a time. */
static inline size_t
read_io(const struct evcan_file *file, const char *tz, size_t step,
    struct result *r)
{
	const struct evcan_span span = { (const uint8_t *)"", 0, 0, true };
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	void *state = calloc(1, format->read_size);
	size_t total = 0;
	int n;

	memset(r, 0, sizeof(*r));
	memset(r->frames, 0x5a, sizeof(r->frames));
	if (tz != NULL)
		evcan_options_set(options, "tz", tz, NULL);
	assert_int_equal(evcan_options_fill(options, format->read_options,
	    state, NULL), 0);
	r->begin = format->read_begin(state, file, &err);
	snprintf(r->error, sizeof(r->error), "%s", err.text);
	while (r->begin >= 0) {
		r->out.has_event = false;
		if (r->n + step > FRAMES)
			r->n = 0;
		n = format->decode(state, &span, r->frames + r->n, step,
		    &r->out);
		if (r->out.has_event) {
			r->events++;
			memcpy(r->event, r->out.event, 1024);
		}
		if (n < 0) {
			r->errors++;
			snprintf(r->error, sizeof(r->error), "%s",
			    r->out.error.text);
			r->error_offset = r->out.error_offset;
			assert_true(r->error[0] != '\0');
			assert_true(r->errors < 1000);
			evcan_error_clear(&r->out.error);
			continue;
		}
		r->n += (size_t)n;
		total += (size_t)n;
		if (n == 0 && !r->out.has_event)
			break;
	}
	format->read_done(state);
	free(state);
	evcan_options_free(options);
	return total;
}

static inline size_t
read_mem(const void *data, size_t size, const char *tz, struct result *r)
{
	struct bytes bytes = { data, size };
	const struct evcan_file file = { NULL, size, read_bytes, &bytes };

	return read_io(&file, tz, 100, r);
}

static inline void
expect_same(const struct evcan_frame *frames, size_t n,
    const struct result *r)
{
	assert_int_equal(r->errors, 0);
	assert_int_equal(r->n, n);
	for (size_t i = 0; i < n; i++) {
		const struct evcan_frame *a = &frames[i], *b = &r->frames[i];
		const size_t room = b->flags & EVCAN_FRAME_FD ? 64 : 8;

		if (!evcan_frame_equal(a, b, 0, 0))
			fail_msg("frame %u differs", (unsigned)i);
		assert_int_equal(a->flags, b->flags);
		assert_int_equal(a->dlc, b->dlc);
		assert_int_equal(a->dir, b->dir);
		assert_int_equal(a->clock, b->clock);
		assert_memory_equal(a->data, b->data, room);
	}
}

static inline int
setup(void **state)
{
	(void)state;
	format = evcan_format_find("mf4");
	return format == NULL;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* asc_fixture.h - what the tests of Vector ASC share */
#ifndef ASC_FIXTURE_H
#define ASC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

#define SEC 1000000000ll

static const struct evcan_format *asc;

/* What a text became. */
struct result {
	struct evcan_frame frames[65];   /* one to spare: all is looked at */
	size_t n;
	unsigned errors, events;
	uint64_t error_line;
	char error[500];
	char event[1024];
	int64_t event_ns;
	size_t event_at;         /* frames before it */
	struct evcan_decode out;
};

static void
read_bytes(const void *data, size_t len, size_t step,
    const char *const *options, struct result *r)
{
	struct evcan_options *store = evcan_options_new();
	void *state = calloc(1, asc->read_size);
	size_t at = 0, shown = step < len ? step : len;

	memset(r, 0, sizeof(*r));
	memset(r->frames, 0xa5, sizeof(r->frames));
	r->out.line = 1;
	for (; options != NULL && *options != NULL; options++)
		assert_int_equal(evcan_options_set_pair(store, *options,
		    NULL, NULL), 0);
	assert_int_equal(evcan_options_fill(store, asc->read_options, state,
	    NULL), 0);
	assert_int_equal(asc->read_begin(state, NULL, NULL), 0);
	for (;;) {
		const struct evcan_span span = { (const uint8_t *)data + at,
		    shown - at, at, shown == len };
		int n;

		r->out.used = 0;
		r->out.has_event = false;
		n = asc->decode(state, &span, r->frames + r->n, 65 - r->n,
		    &r->out);
		at += r->out.used;
		if (n < 0) {
			r->errors++;
			r->error_line = r->out.error_line;
			memcpy(r->error, r->out.error.text, 500);
			evcan_error_clear(&r->out.error);
			continue;
		}
		r->n += (size_t)n;
		if (r->out.has_event) {
			r->events++;
			memcpy(r->event, r->out.event, sizeof(r->event));
			r->event_ns = r->out.event_ns;
			r->event_at = r->n;
		}
		if (n > 0 || r->out.used > 0)
			continue;
		if (shown == len)
			break;
		shown = len - shown < step ? len : shown + step;
	}
	assert_int_equal(at, len);
	free(state);
	evcan_options_free(store);
}

static inline void
read_text(const char *text, struct result *r)
{
	read_bytes(text, strlen(text), SIZE_MAX / 2, NULL, r);
}

/* The frame as candump has it, with what that does not tell. */
static inline const char *
show(const struct evcan_frame *frame)
{
	static char text[EVCAN_TEXT_MAX + 64];
	static const char *const dirs[] = { "Rx", "Tx", "TxRq" };
	char body[EVCAN_TEXT_MAX];

	assert_true(evcan_frame_format(frame, body, sizeof(body)) > 0);
	/* 4 would only say that it is FD. */
	if (strstr(body, "##") != NULL)
		strstr(body, "##")[2] &= ~4;
	snprintf(text, sizeof(text), "%s %s %s%s",
	    evcan_channel_name(frame->channel), dirs[frame->dir], body,
	    (frame->flags & EVCAN_FRAME_OVERLOAD) != 0 ? " overload" : "");
	return text;
}

struct encoder {
	void *state;
	struct evcan_buffer out;
	struct evcan_encode info;
};

static inline void
encoder_begin(struct encoder *e, const char *const *options,
    const struct evcan_past *past)
{
	struct evcan_options *store = evcan_options_new();

	memset(e, 0, sizeof(*e));
	e->state = calloc(1, asc->write_size);
	for (; options != NULL && *options != NULL; options++)
		assert_int_equal(evcan_options_set_pair(store, *options,
		    NULL, NULL), 0);
	assert_int_equal(evcan_options_fill(store, asc->write_options,
	    e->state, NULL), 0);
	assert_int_equal(asc->begin(e->state, past, &e->out, NULL), 0);
	evcan_options_free(store);
}

static inline void
encoder_end(struct encoder *e)
{
	free(e->out.data);
	free(e->state);
}

static inline void
finish_and_read(struct encoder *e, const char *const *options,
    struct result *r)
{
	assert_int_equal(asc->finish(e->state, &e->out), 0);
	assert_false(e->out.failed);
	read_bytes(e->out.data, e->out.len, SIZE_MAX / 2, options, r);
	assert_int_equal(r->errors + r->out.skipped, 0);
}

static inline struct evcan_frame
make(const char *text, const char *channel, int64_t ns)
{
	struct evcan_frame frame;

	memset(&frame, 0, sizeof(frame));
	assert_int_equal(evcan_frame_parse(&frame, text, NULL), 0);
	frame.time_ns = ns;
	frame.clock = EVCAN_CLOCK_KERNEL;
	if (channel != NULL)
		frame.channel = (uint16_t)evcan_channel_intern(channel);
	return frame;
}

/* The index of a name in what encoders count as lost. */
static inline int
lost_index(const char *name)
{
	const char *word = asc->attributes;
	const size_t len = strlen(name);

	for (int i = 0; word != NULL; i++) {
		if (strncmp(word, name, len) == 0 && (word[len] == ' ' ||
		    word[len] == '\0'))
			return i;
		word = strchr(word, ' ');
		word += word != NULL;
	}
	fail_msg("no attribute %s", name);
	return -1;
}

#endif

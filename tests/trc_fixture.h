/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_fixture.h - reading and writing TRC logs, for their tests */
#ifndef TRC_FIXTURE_H
#define TRC_FIXTURE_H

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
#include <evcan/options.h>

#define MAX 4096
#define NS_PER_US 1000ll
#define NS_PER_MS 1000000ll
#define NS_PER_S 1000000000ll
/* 2017-09-30 22:06:13.191 UTC */
#define START (1506809173191ll * NS_PER_MS)

/* What a log gave. */
static struct log {
	struct evcan_frame frames[MAX];
	size_t n;
	unsigned errors, events;
	struct evcan_decode out;
	char error[500];
	uint64_t error_line;
	char event[1024];
	int64_t event_ns;
} got, again;

static inline const struct evcan_format *
trc(void)
{
	const struct evcan_format *format = evcan_format_find("trc");

	assert_non_null(format);
	return format;
}

/* "name=value name=value". Texts in the state point into the options, which
 * are kept for a while, as core keeps them. */
static inline void
fill(const struct evcan_option *rows, const char *text, void *state)
{
	static struct evcan_options *kept[8];
	static size_t n;
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	char copy[200], *p;

	snprintf(copy, sizeof(copy), "%s", text);
	for (p = strtok(copy, " "); p != NULL; p = strtok(NULL, " "))
		assert_int_equal(evcan_options_set_pair(options, p, NULL,
		    &err), 0);
	if (evcan_options_fill(options, rows, state, &err) != 0)
		fail_msg("%s", err.text);
	evcan_options_free(kept[n % 8]);
	kept[n++ % 8] = options;
}

static inline void
take_error(struct log *log)
{
	assert_true(log->out.error.text[0] != '\0');
	if (log->errors++ == 0) {
		snprintf(log->error, sizeof(log->error), "%s",
		    log->out.error.text);
		log->error_line = log->out.error_line;
	}
	evcan_error_clear(&log->out.error);
	assert_true(log->errors < 1000);
}

/* Shows `step` bytes more each time nothing comes. */
static inline void
read_steps(struct log *log, const char *options, const void *data, size_t len,
    size_t step, size_t max)
{
	const struct evcan_format *format = trc();
	void *state = calloc(1, format->read_size);
	size_t at = 0, shown = step < len ? step : len;
	struct evcan_error err = { 0 };
	bool ended = false;

	memset(log, 0xa5, sizeof(log->frames));
	memset((char *)log + sizeof(log->frames), 0,
	    sizeof(*log) - sizeof(log->frames));
	log->out.line = 1;
	fill(format->read_options, options, state);
	assert_int_equal(format->read_begin(state, NULL, &err), 0);
	for (;;) {
		/* A copy of just this size: what reads beyond it is seen. */
		uint8_t *copy = malloc(shown - at > 0 ? shown - at : 1);
		struct evcan_span span = { copy, shown - at, at, ended };
		int r;

		memcpy(copy, (const char *)data + at, shown - at);
		log->out.used = 0;
		log->out.has_event = false;
		r = format->decode(state, &span, log->frames + log->n,
		    max < MAX - log->n ? max : MAX - log->n, &log->out);
		free(copy);
		assert_true(log->out.used <= span.len);
		at += log->out.used;
		if (r < 0) {
			take_error(log);
			continue;
		}
		log->n += (size_t)r;
		if (log->out.has_event) {
			log->events++;
			log->event_ns = log->out.event_ns;
			memcpy(log->event, log->out.event,
			    sizeof(log->event));
		}
		if (log->n == MAX)
			break;
		if (r > 0 || (log->out.used > 0 && at < shown) ||
		    log->out.has_event)
			continue;
		if (ended)
			break;
		if (shown == len)
			ended = true;
		else
			shown = len - shown < step ? len : shown + step;
	}
	if (format->read_done != NULL)
		format->read_done(state);
	free(state);
}

static inline void
read_log(const char *options, const void *data, size_t len)
{
	read_steps(&got, options, data, len, SIZE_MAX / 2, MAX);
}

static inline void
read_text(const char *text)
{
	read_log("tz=utc", text, strlen(text));
}

static inline void
no_errors(void)
{
	if (got.errors > 0)
		fail_msg("line %u: %s", (unsigned)got.error_line, got.error);
}

/* A frame in candump's form, with what that does not say behind it. */
static inline const char *
text_of(const struct evcan_frame *frame)
{
	static char text[EVCAN_TEXT_MAX + 100];
	char plain[EVCAN_TEXT_MAX];
	static const char *const dirs[] = { "R", "T", "Q" };

	evcan_frame_format(frame, plain, sizeof(plain));
	snprintf(text, sizeof(text), "%s %s %s",
	    evcan_channel_name(frame->channel), plain, dirs[frame->dir]);
	return text;
}

static inline void
is_frame(size_t i, int64_t us, const char *text)
{
	assert_true(i < got.n);
	assert_string_equal(text_of(&got.frames[i]), text);
	if (got.frames[i].time_ns != us * NS_PER_US)
		fail_msg("frame %zu at %lld ns", i,
		    (long long)got.frames[i].time_ns);
	assert_int_equal(got.frames[i].hops, 0);
	assert_int_equal(got.frames[i].reserved[0], 0);
	assert_int_equal(got.frames[i].reserved[2], 0);
}

static inline void
is_relative(bool relative)
{
	for (size_t i = 0; i < got.n; i++)
		assert_int_equal(got.frames[i].clock, relative ?
		    EVCAN_CLOCK_RELATIVE : EVCAN_CLOCK_KERNEL);
}

/* The same frames however the bytes come. */
static inline void
pieces(const void *data, size_t len)
{
	static const size_t steps[] = { 1, 7, 61, 1000 };

	for (size_t s = 0; s < 4; s++) {
		read_steps(&again, "tz=utc", data, len, steps[s],
		    s == 2 ? 1 : MAX);
		assert_int_equal(again.n, got.n);
		assert_int_equal(again.errors, got.errors);
		assert_int_equal(again.events, got.events);
		assert_int_equal(again.out.line, got.out.line);
		assert_int_equal(again.out.skipped, got.out.skipped);
		for (size_t i = 0; i < got.n; i++) {
			const struct evcan_frame *a = &again.frames[i];
			const struct evcan_frame *b = &got.frames[i];

			assert_true(evcan_frame_equal(a, b, 0, 0));
			assert_true(a->flags == b->flags &&
			    a->dlc == b->dlc && a->clock == b->clock);
		}
	}
}

/* Writing */

static struct writer {
	void *state;
	struct evcan_buffer out;
	struct evcan_encode info;
} w;

static inline int
try_begin(const char *options, const struct evcan_past *past,
    struct evcan_error *err)
{
	memset(&w.info, 0, sizeof(w.info));
	w.state = calloc(1, trc()->write_size);
	w.out.len = 0;
	fill(trc()->write_options, options, w.state);
	return trc()->begin(w.state, past, &w.out, err);
}

static inline void
begin(const char *options)
{
	struct evcan_error err = { 0 };

	assert_int_equal(try_begin(options, NULL, &err), 0);
	assert_int_equal(w.out.len, 0);
}

static inline void
put(const struct evcan_frame *frames, size_t n)
{
	assert_int_equal(trc()->encode(w.state, frames, n, &w.out, &w.info),
	    0);
}

static inline void
end(void)
{
	assert_int_equal(trc()->finish(w.state, &w.out), 0);
	trc()->write_done(w.state);
	free(w.state);
	assert_false(w.out.failed);
	evcan_buffer_append(&w.out, "", 1);   /* a NUL for strstr() */
	w.out.len--;
}

static inline uint64_t
lost(const char *name)
{
	const char *word = trc()->attributes;

	for (int i = 0; *word != '\0'; i++) {
		const size_t len = strcspn(word, " ");

		if (strlen(name) == len && memcmp(word, name, len) == 0)
			return w.info.lost[i];
		word += len + (word[len] == ' ');
	}
	fail_msg("no attribute %s", name);
	return 0;
}

static inline uint64_t
lost_in_all(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 16; i++)
		sum += w.info.lost[i];
	return sum;
}

static inline uint16_t
intern(const char *name)
{
	return (uint16_t)evcan_channel_intern(name);
}

static inline struct evcan_frame
frame_of(int64_t ns, const char *text)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_parse(&frame, text, NULL), 0);
	frame.time_ns = ns;
	frame.clock = EVCAN_CLOCK_KERNEL;
	frame.channel = intern("can0");
	return frame;
}

#endif

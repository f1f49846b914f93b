/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_format.c - every log format through one suite */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

#define START 1483389946000000000

/* One of each kind of frame that a bus can bring. */
static size_t
corpus(struct evcan_frame *frames)
{
	static const struct {
		uint32_t id;
		unsigned flags;
		unsigned len, dlc;
	} kinds[] = {
		{ 0x000, 0, 0, 0 },
		{ 0x123, 0, 8, 8 },
		{ 0x7ff, 0, 3, 3 },
		{ 0x456, 0, 8, 15 },
		{ 0x00000123, EVCAN_FRAME_EXT, 8, 8 },
		{ 0x1fffffff, EVCAN_FRAME_EXT, 1, 1 },
		{ 0x123, EVCAN_FRAME_RTR, 0, 0 },
		{ 0x123, EVCAN_FRAME_RTR, 0, 8 },
		{ 0x18daf110, EVCAN_FRAME_EXT | EVCAN_FRAME_RTR, 0, 4 },
		{ 0x080, EVCAN_FRAME_ERR, 8, 8 },
		{ 0x123, EVCAN_FRAME_FD, 0, 0 },
		{ 0x123, EVCAN_FRAME_FD, 12, 9 },
		{ 0x124, EVCAN_FRAME_FD | EVCAN_FRAME_BRS, 64, 15 },
		{ 0x125, EVCAN_FRAME_FD | EVCAN_FRAME_ESI, 8, 8 },
		{ 0x12345678, EVCAN_FRAME_EXT | EVCAN_FRAME_FD |
		    EVCAN_FRAME_BRS | EVCAN_FRAME_ESI, 48, 14 },
		{ 0x111, 0, 2, 2 },
		{ 0x112, 0, 2, 2 },
		{ 0x113, 0, 2, 2 },
		{ 0x114, EVCAN_FRAME_ECHO, 2, 2 },
	};
	const size_t n = sizeof(kinds) / sizeof(kinds[0]);
	const int can0 = evcan_channel_intern("can0");
	const int can1 = evcan_channel_intern("can1");

	memset(frames, 0, n * sizeof(*frames));
	for (size_t i = 0; i < n; i++) {
		struct evcan_frame *frame = &frames[i];

		frame->id = kinds[i].id;
		frame->flags = (uint16_t)kinds[i].flags;
		frame->len = (uint8_t)kinds[i].len;
		frame->dlc = (uint8_t)kinds[i].dlc;
		frame->channel = (uint16_t)(i % 3 == 2 ? can1 : can0);
		frame->clock = EVCAN_CLOCK_KERNEL;
		frame->time_ns = START + (int64_t)i * 1234567;
		for (unsigned b = 0; b < kinds[i].len; b++)
			frame->data[b] = (uint8_t)(i * 16 + b * 7);
	}
	frames[n - 4].dir = EVCAN_DIR_TX;
	frames[n - 3].hops = 3;
	frames[n - 2].clock = EVCAN_CLOCK_HARDWARE;
	return n;
}

#define CORPUS_MAX 64

/* What a format may say it loses, and how a frame looks without it. */

static void
no_channel(struct evcan_frame *frame)
{
	frame->channel = 0;
}

static void
no_direction(struct evcan_frame *frame)
{
	frame->dir = 0;
}

static void
no_echo(struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~EVCAN_FRAME_ECHO;
}

static void
no_hops(struct evcan_frame *frame)
{
	frame->hops = 0;
}

static void
no_clock(struct evcan_frame *frame)
{
	frame->clock = 0;
}

static void
no_nanoseconds(struct evcan_frame *frame)
{
	frame->time_ns -= frame->time_ns % 1000;
}

static void
no_dlc(struct evcan_frame *frame)
{
	frame->dlc = 0;
}

static void
no_brs(struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~EVCAN_FRAME_BRS;
}

static void
no_esi(struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~EVCAN_FRAME_ESI;
}

static const struct {
	const char *name;
	void (*drop)(struct evcan_frame *frame);
} attributes[] = {
	{ "channel", no_channel },
	{ "direction", no_direction },
	{ "echo", no_echo },
	{ "hops", no_hops },
	{ "clock", no_clock },
	{ "nanoseconds", no_nanoseconds },
	{ "dlc", no_dlc },
	{ "brs", no_brs },
	{ "esi", no_esi },
};

static void
drop_attribute(const struct evcan_format *format, size_t index,
    struct evcan_frame *a, struct evcan_frame *b)
{
	const char *word = format->attributes;

	assert_non_null(word);
	while (index-- > 0) {
		word = strchr(word, ' ');
		assert_non_null(word);
		word++;
	}
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]);
	    i++)
		if (strncmp(attributes[i].name, word, strcspn(word, " ")) ==
		    0) {
			attributes[i].drop(a);
			attributes[i].drop(b);
			return;
		}
	fail_msg("%s: unknown attribute %s", format->name, word);
}

/* A format's encoder with its state, and what it wrote. */
struct encoder {
	const struct evcan_format *format;
	void *state;
	struct evcan_buffer out;
	struct evcan_encode info;
};

static void
encoder_begin(struct encoder *e, const struct evcan_format *format)
{
	struct evcan_error err = { 0 };

	memset(e, 0, sizeof(*e));
	e->format = format;
	e->state = calloc(1, format->write_size + 1);
	if (format->write_options != NULL)
		assert_int_equal(evcan_options_fill(NULL,
		    format->write_options, e->state, &err), 0);
	if (format->begin != NULL)
		assert_int_equal(format->begin(e->state, false, &e->out,
		    &err), 0);
}

static void
encoder_end(struct encoder *e)
{
	if (e->format->finish != NULL)
		assert_int_equal(e->format->finish(e->state, &e->out), 0);
	if (e->format->write_done != NULL)
		e->format->write_done(e->state);
	free(e->state);
	assert_false(e->out.failed);
}

/* The frames that a format took, as it should bring them back. */
struct written {
	struct evcan_frame frames[CORPUS_MAX];
	uint16_t lost[CORPUS_MAX];   /* bits: attributes gone */
	size_t n;
	uint8_t *data;
	size_t len;
};

static void
write_corpus(const struct evcan_format *format, struct written *w)
{
	struct evcan_frame frames[CORPUS_MAX];
	const size_t n = corpus(frames);
	struct encoder e;

	memset(w, 0, sizeof(*w));
	encoder_begin(&e, format);
	for (size_t i = 0; i < n; i++) {
		const struct evcan_encode before = e.info;

		assert_int_equal(format->encode(e.state, &frames[i], 1,
		    &e.out, &e.info), 0);
		if (e.info.unfit > before.unfit)
			continue;
		for (int bit = 0; bit < 16; bit++)
			if (e.info.lost[bit] > before.lost[bit])
				w->lost[w->n] |= (uint16_t)(1 << bit);
		w->frames[w->n++] = frames[i];
	}
	encoder_end(&e);
	w->data = e.out.data;
	w->len = e.out.len;
	assert_true(w->n > 0 && w->len > 0);
}

/* Decodes; `step` bytes more are shown each time nothing comes.
 * @return frames, *errors counted */
static size_t
read_all(const struct evcan_format *format, const uint8_t *data, size_t len,
    size_t step, size_t max, struct evcan_frame *frames, unsigned *errors)
{
	struct evcan_decode out = { .line = 1 };
	void *state = calloc(1, format->read_size + 1);
	size_t at = 0, shown = step < len ? step : len, n = 0;
	bool ended = false;

	*errors = 0;
	if (format->read_options != NULL)
		assert_int_equal(evcan_options_fill(NULL,
		    format->read_options, state, NULL), 0);
	for (;;) {
		/* A copy of just this size: what reads beyond it is seen. */
		uint8_t *copy = malloc(shown - at > 0 ? shown - at : 1);
		struct evcan_span span = { copy, shown - at, at,
		    ended };
		int r;

		memcpy(copy, data + at, shown - at);
		out.used = 0;
		r = format->decode(state, &span, frames + n, max < CORPUS_MAX
		    - n ? max : CORPUS_MAX - n, &out);
		free(copy);
		assert_true(out.used <= span.len);
		at += out.used;
		if (r < 0) {
			assert_true(out.error.text[0] != '\0');
			evcan_error_clear(&out.error);
			assert_true(++*errors < 100);
			continue;
		}
		n += (size_t)r;
		if (n == CORPUS_MAX)
			break;
		if (r > 0 || (out.used > 0 && at < shown))
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
	return n;
}

static bool
same(const struct evcan_format *format, const struct written *w, size_t i,
    const struct evcan_frame *got)
{
	struct evcan_frame a = w->frames[i], b = *got;

	for (size_t bit = 0; bit < 16; bit++)
		if ((w->lost[i] & 1 << bit) != 0)
			drop_attribute(format, bit, &a, &b);
	return evcan_frame_equal(&a, &b, 0, 0) && a.flags == b.flags &&
	    a.dlc == b.dlc && a.clock == b.clock && a.hops == b.hops &&
	    a.channel == b.channel;
}

static void
check_round_trip(const struct evcan_format *format)
{
	static const size_t steps[] = { SIZE_MAX / 2, 1, 7, 61 };
	static const size_t batches[] = { CORPUS_MAX, 1 };
	struct evcan_frame got[CORPUS_MAX];
	struct written w;
	unsigned errors;

	write_corpus(format, &w);
	for (size_t s = 0; s < 4; s++)
		for (size_t b = 0; b < 2; b++) {
			memset(got, 0xa5, sizeof(got));
			assert_int_equal(read_all(format, w.data, w.len,
			    steps[s], batches[b], got, &errors), w.n);
			assert_int_equal(errors, 0);
			for (size_t i = 0; i < w.n; i++)
				if (!same(format, &w, i, &got[i]))
					fail_msg("%s: frame %zu differs",
					    format->name, i);
		}
	free(w.data);
}

/* Cut anywhere: whole frames come, nothing that was not written. Only the
 * one that is cut may come short. */
static void
check_cut(const struct evcan_format *format)
{
	struct evcan_frame got[CORPUS_MAX];
	struct written w;
	unsigned errors;

	write_corpus(format, &w);
	for (size_t cut = 0; cut < w.len; cut++) {
		size_t n = read_all(format, w.data, cut, SIZE_MAX / 2,
		    CORPUS_MAX, got, &errors);

		assert_true(n <= w.n);
		assert_true(errors <= 1);
		for (size_t i = 0; i + 1 < n; i++)
			assert_true(same(format, &w, i, &got[i]));
	}
	free(w.data);
}

static void
check_bid(const struct evcan_format *format)
{
	struct written w;
	int own;

	write_corpus(format, &w);
	own = format->bid(w.data, w.len);
	assert_true(own > 0 && own <= 100);
	for (size_t i = 0; evcan_format_at(i) != NULL; i++) {
		const struct evcan_format *other = evcan_format_at(i);

		if (other == format || other->decode == NULL)
			continue;
		if (other->bid(w.data, w.len) >= own)
			fail_msg("%s bids as high as %s on its own file",
			    other->name, format->name);
	}
	/* No bid looks beyond what it is given. */
	for (size_t len = 0; len < w.len && len < 300; len++) {
		uint8_t *copy = malloc(len > 0 ? len : 1);

		memcpy(copy, w.data, len);
		format->bid(copy, len);
		free(copy);
	}
	assert_int_equal(format->bid((const uint8_t *)"", 0), 0);
	free(w.data);
}

static void
check_rows(const struct evcan_format *format,
    const struct evcan_option *rows, size_t size)
{
	void *state = calloc(1, size + 1);
	struct evcan_error err = { 0 };

	if (rows != NULL)
		assert_int_equal(evcan_options_fill(NULL, rows, state,
		    &err), 0);
	for (; rows != NULL && rows->name != NULL; rows++) {
		assert_non_null(rows->help);
		assert_true(rows->offset < size);
		assert_null(evcan_option_find(evcan_log_writer_options(),
		    rows->name));
	}
	free(state);
	assert_string_equal(evcan_format_find(format->name)->name,
	    format->name);
}

static void
check_table(const struct evcan_format *format)
{
	char path[64];

	assert_true(format->name[0] != '\0' && format->summary[0] != '\0');
	assert_int_equal(format->suffixes[0], '.');
	assert_true(format->decode != NULL || format->encode != NULL);
	if (format->decode != NULL)
		assert_non_null(format->bid);
	check_rows(format, format->read_options, format->read_size);
	check_rows(format, format->write_options, format->write_size);
	if (format->encode == NULL)
		return;
	snprintf(path, sizeof(path), "a.b/c%.*s",
	    (int)strcspn(format->suffixes, " "), format->suffixes);
	assert_ptr_equal(evcan_format_for_name(path, true), format);
}

/* Gaps and lines of text do not disturb what stands around them. */
static void
check_marks(const struct evcan_format *format)
{
	const struct evcan_gap gap = { .lost = 12,
	    .where = EVCAN_LOSS_QUEUE, .time_ns = START };
	struct evcan_frame frames[CORPUS_MAX], got[CORPUS_MAX];
	struct encoder e;
	unsigned errors;
	size_t before;

	corpus(frames);
	encoder_begin(&e, format);
	for (int i = 0; i < 3; i++) {
		format->encode(e.state, &frames[i], 1, &e.out, &e.info);
		before = e.out.len;
		if (format->encode_gap != NULL) {
			assert_int_equal(format->encode_gap(e.state,
			    i > 0 ? "can0" : "", &gap, &e.out), 0);
			assert_true(e.out.len > before);
		}
		if (format->encode_event != NULL)
			assert_int_equal(format->encode_event(e.state,
			    START, "a\nb", &e.out), 0);
	}
	encoder_end(&e);
	if (format->decode != NULL) {
		assert_int_equal(read_all(format, e.out.data, e.out.len,
		    SIZE_MAX / 2, CORPUS_MAX, got, &errors), 3);
		assert_int_equal(errors, 0);
	}
	free(e.out.data);
}

/* A writer that cannot grow its buffer says so and keeps what it has. */
static void
check_no_memory(const struct evcan_format *format)
{
	struct evcan_frame frames[CORPUS_MAX];
	struct encoder e;
	size_t len;

	corpus(frames);
	encoder_begin(&e, format);
	len = e.out.len;
	e.out.failed = true;
	format->encode(e.state, frames, 3, &e.out, &e.info);
	assert_int_equal(e.out.len, len);
	e.out.failed = false;
	encoder_end(&e);
	free(e.out.data);
}

static void
test_formats(void **state)
{
	size_t n = 0;

	(void)state;
	for (; evcan_format_at(n) != NULL; n++) {
		const struct evcan_format *format = evcan_format_at(n);

		print_message("%s\n", format->name);
		check_table(format);
		if (format->encode != NULL) {
			check_marks(format);
			check_no_memory(format);
		}
		if (format->encode != NULL && format->decode != NULL) {
			check_round_trip(format);
			check_cut(format);
			check_bid(format);
		}
	}
	assert_true(n >= 2);
	assert_null(evcan_format_find("nonsense"));
	assert_null(evcan_format_for_name("noname", true));
	assert_null(evcan_format_for_name("dir.log/noname", true));
}

/* Options that no row has are refused, whatever the format. */
static void
test_unknown_option(void **state)
{
	(void)state;
	for (size_t i = 0; evcan_format_at(i) != NULL; i++) {
		const struct evcan_format *format = evcan_format_at(i);
		struct evcan_options *options = evcan_options_new();
		struct evcan_error err = { 0 };
		char path[] = "/tmp/evcan-test-XXXXXX";

		if (format->encode == NULL) {
			evcan_options_free(options);
			continue;
		}
		evcan_options_set(options, "format", format->name, NULL);
		evcan_options_set(options, "no_such_option", "1", NULL);
		assert_null(evcan_log_writer_new_fd(NULL, mkstemp(path),
		    path, options, &err));
		assert_non_null(strstr(err.text, "no_such_option"));
		unlink(path);
		evcan_options_free(options);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_unknown_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_format.c - every log format through one suite */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

#include "conform_format.h"

/* Some formats own their file, or are read by its path only. */
static char scratch[] = "/tmp/evcan-test-XXXXXX";

static bool
needs_path(const struct evcan_format *format)
{
	return (format->flags & EVCAN_FORMAT_PATH_ONLY) != 0 ||
	    format->open != NULL;
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
	if (format->open != NULL) {
		/* What is there may be of a kind that is not replaced. */
		unlink(scratch);
		format->open(e->state, scratch, false, &err);
	}
	assert_string_equal(err.text, "");
	if (format->begin != NULL)
		assert_int_equal(format->begin(e->state, NULL, &e->out,
		    &err), 0);
	assert_string_equal(err.text, "");
}

static size_t
held(const struct encoder *e)
{
	return e->format->held != NULL ? e->format->held(e->state) : 0;
}

static void
encoder_flush(struct encoder *e)
{
	if (e->format->flush != NULL)
		assert_int_equal(e->format->flush(e->state, &e->out), 0);
	assert_int_equal(held(e), 0);
}

/* What the file holds instead of what was handed to the format. */
static void
store_and_close(struct encoder *e)
{
	struct evcan_error err = { 0 };
	struct stat st;
	FILE *in;

	assert_int_equal(e->format->store(e->state, e->out.data, e->out.len,
	    &err), e->out.len);
	assert_int_equal(e->format->close(e->state, &err), 0);
	assert_int_equal(stat(scratch, &st), 0);
	e->out.len = 0;
	assert_non_null(evcan_buffer_reserve(&e->out, (size_t)st.st_size));
	in = fopen(scratch, "rb");
	e->out.len = fread(e->out.data, 1, (size_t)st.st_size, in);
	fclose(in);
	assert_int_equal(e->out.len, st.st_size);
}

/* The totals, where they stand in a file. */
static void
put_header(struct encoder *e)
{
	struct evcan_buffer head = { 0 };

	assert_int_equal(e->format->header(e->state, e->out.len, &head), 0);
	assert_false(head.failed);
	assert_true(head.len <= e->out.len);
	memcpy(e->out.data, head.data, head.len);
	free(head.data);
}

static void
encoder_free(struct encoder *e)
{
	if (e->format->write_done != NULL)
		e->format->write_done(e->state);
	free(e->state);
	assert_false(e->out.failed);
}

static void
encoder_end(struct encoder *e)
{
	if (e->format->finish != NULL)
		assert_int_equal(e->format->finish(e->state, &e->out), 0);
	assert_int_equal(held(e), 0);
	if (e->format->open != NULL)
		store_and_close(e);
	else if (e->format->header != NULL)
		put_header(e);
	encoder_free(e);
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
encode_corpus(struct encoder *e, struct written *w)
{
	struct evcan_frame frames[CORPUS_MAX];
	const size_t n = corpus(frames);

	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < n; i++) {
		const struct evcan_encode before = e->info;

		assert_int_equal(e->format->encode(e->state, &frames[i], 1,
		    &e->out, &e->info), 0);
		if (e->info.unfit > before.unfit)
			continue;
		for (int bit = 0; bit < 16; bit++)
			if (e->info.lost[bit] > before.lost[bit])
				w->lost[w->n] |= (uint16_t)(1 << bit);
		w->frames[w->n++] = frames[i];
		if (i == 5)
			encoder_flush(e);
	}
}

/* @param finish false: as after a crash behind a flush */
static void
write_corpus_and(const struct evcan_format *format, struct written *w,
    bool finish)
{
	struct encoder e;

	encoder_begin(&e, format);
	encode_corpus(&e, w);
	if (finish) {
		encoder_end(&e);
	} else {
		encoder_flush(&e);
		encoder_free(&e);
	}
	w->data = e.out.data;
	w->len = e.out.len;
	assert_true(w->n > 0 && w->len > 0);
}

static void
write_corpus(const struct evcan_format *format, struct written *w)
{
	write_corpus_and(format, w, true);
}

/* A log in memory, for formats that seek. */
struct memory {
	const uint8_t *data;
	size_t len;
};

static int64_t
memory_read(void *arg, uint64_t offset, void *buf, size_t n)
{
	const struct memory *memory = arg;

	if (offset >= memory->len)
		return 0;
	if (n > memory->len - offset)
		n = (size_t)(memory->len - offset);
	memcpy(buf, memory->data + offset, n);
	return (int64_t)n;
}

/* What came out of a log. */
struct got {
	struct evcan_frame frames[CORPUS_MAX];
	size_t n;
	unsigned errors, events;
	uint64_t gaps, lost;
	char event[1024];
};

#define ERRORS_MAX 10000

struct decoder {
	const struct evcan_format *format;
	void *state;
	struct evcan_decode out;
	struct got *got;
	size_t max;
};

/* One call. @return whether it made progress */
static bool
decode_once(struct decoder *d, const struct evcan_span *span)
{
	struct evcan_decode *out = &d->out;
	struct got *got = d->got;
	const size_t room = CORPUS_MAX - got->n;
	int r;

	out->used = 0;
	out->has_event = false;
	out->error_line = out->error_offset = 0;
	evcan_error_clear(&out->error);
	r = d->format->decode(d->state, span, got->frames + got->n,
	    d->max < room ? d->max : room, out);
	assert_true(out->used <= span->len);
	if (r < 0) {
		assert_true(out->error.text[0] != '\0');
		assert_true(++got->errors < ERRORS_MAX);
		return true;
	}
	got->n += (size_t)r;
	if (out->has_event) {
		got->events++;
		memcpy(got->event, out->event, sizeof(got->event));
	}
	return r > 0 || out->used > 0 || out->has_event;
}

/* `step` bytes more are shown each time nothing comes. */
static void
decode_spans(struct decoder *d, const uint8_t *data, size_t len, size_t step)
{
	size_t at = 0, shown = step < len ? step : len;
	bool ended = false, more = true;

	while (d->got->n < CORPUS_MAX) {
		/* A copy of just this size: what reads beyond it is seen. */
		uint8_t *copy = malloc(shown - at > 0 ? shown - at : 1);
		const struct evcan_span span = { copy, shown - at, at,
		    ended };

		memcpy(copy, data + at, shown - at);
		more = decode_once(d, &span);
		free(copy);
		at += d->out.used;
		if (more && (at < shown || ended))
			continue;
		if (!more && ended)
			break;
		if (shown == len)
			ended = true;
		else
			shown = len - shown < step ? len : shown + step;
	}
}

static void
save(const uint8_t *data, size_t len)
{
	FILE *out = fopen(scratch, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static void
read_all(const struct evcan_format *format, const uint8_t *data, size_t len,
    size_t step, size_t max, struct got *got)
{
	struct decoder d = { .format = format, .out = { .line = 1 },
	    .got = got, .max = max };
	struct memory memory = { data, len };
	struct evcan_file file = { .size = len, .read = memory_read,
	    .arg = &memory };
	const struct evcan_span nothing = { (const uint8_t *)"", 0, 0,
	    true };
	const bool seeks = (format->flags & EVCAN_FORMAT_SEEKS) != 0;
	struct evcan_error err = { 0 };
	int r = 0;

	memset(got, 0xa5, sizeof(*got));
	got->n = 0;
	got->errors = got->events = 0;
	d.state = calloc(1, format->read_size + 1);
	if (needs_path(format)) {
		save(data, len);
		file.path = scratch;
	}
	if (format->read_options != NULL)
		assert_int_equal(evcan_options_fill(NULL,
		    format->read_options, d.state, NULL), 0);
	if (format->read_begin != NULL)
		r = format->read_begin(d.state, seeks ? &file : NULL, &err);
	if (r < 0) {
		assert_true(err.text[0] != '\0');
		got->errors++;
	} else if (seeks) {
		while (got->n < CORPUS_MAX && decode_once(&d, &nothing))
			;
	} else {
		decode_spans(&d, data, len, step);
	}
	if (format->read_done != NULL)
		format->read_done(d.state);
	free(d.state);
	got->gaps = d.out.gaps;
	got->lost = d.out.lost;
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
check_same(const struct evcan_format *format, const struct written *w,
    const struct got *got, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!same(format, w, i, &got->frames[i]))
			fail_msg("%s: frame %zu differs", format->name, i);
}

static void
check_round_trip(const struct evcan_format *format)
{
	static const size_t steps[] = { SIZE_MAX / 2, 1, 7, 61 };
	static const size_t batches[] = { CORPUS_MAX, 1 };
	struct written w;
	struct got got;

	write_corpus(format, &w);
	for (size_t s = 0; s < 4; s++)
		for (size_t b = 0; b < 2; b++) {
			read_all(format, w.data, w.len, steps[s], batches[b],
			    &got);
			assert_int_equal(got.n, w.n);
			assert_int_equal(got.errors, 0);
			assert_int_equal(got.gaps, 0);
			check_same(format, &w, &got, w.n);
		}
	free(w.data);
}

/* Flushed and then left alone, as by a crash: all is there. */
static void
check_flushed(const struct evcan_format *format)
{
	struct written w;
	struct got got;

	if (format->open != NULL)
		return;   /* what it has is in its file */
	write_corpus_and(format, &w, false);
	read_all(format, w.data, w.len, SIZE_MAX / 2, CORPUS_MAX, &got);
	assert_int_equal(got.n, w.n);
	assert_true(got.errors <= 1);
	check_same(format, &w, &got, w.n);
	free(w.data);
}

/* Cut anywhere: whole frames come, nothing that was not written. Only the
 * one that is cut may come short. */
static void
check_cut(const struct evcan_format *format)
{
	struct written w;
	struct got got;
	unsigned errors = 2;
	size_t step;

	write_corpus(format, &w);
	step = w.len / 2000 + 1;
	if (format->open != NULL) {
		step = w.len / 200 + 1;
		errors = 100;   /* what is cut is not at the end alone */
	}
	for (size_t cut = 0; cut < w.len; cut += step) {
		read_all(format, w.data, cut, SIZE_MAX / 2, CORPUS_MAX,
		    &got);
		assert_true(got.n <= w.n);
		assert_true(got.errors <= errors);
		check_same(format, &w, &got, got.n > 0 ? got.n - 1 : 0);
	}
	free(w.data);
}

/* Nothing of another format, and nothing that is none, is read for ever. */
static void
check_foreign(const struct evcan_format *format)
{
	const struct evcan_format *other;
	uint8_t noise[3000];
	uint32_t x = 1;
	struct written w;
	struct got got;

	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
	read_all(format, noise, sizeof(noise), 61, CORPUS_MAX, &got);
	for (size_t i = 0; (other = evcan_format_at(i)) != NULL; i++) {
		if (other->encode == NULL || other == format)
			continue;
		write_corpus(other, &w);
		read_all(format, w.data, w.len, 61, CORPUS_MAX, &got);
		free(w.data);
	}
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
	/* What belongs together. */
	assert_int_equal(format->open != NULL, format->store != NULL);
	assert_int_equal(format->open != NULL, format->close != NULL);
	assert_int_equal(format->flush != NULL, format->held != NULL);
	if (format->open != NULL)
		assert_true(format->flags & EVCAN_FORMAT_PATH_ONLY);
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

/* Gaps and lines of text do not disturb what stands around them, and are
 * read back. */
static void
check_marks(const struct evcan_format *format)
{
	const struct evcan_gap gap = { .lost = 12,
	    .where = EVCAN_LOSS_QUEUE, .time_ns = START };
	struct evcan_frame frames[CORPUS_MAX];
	/* Some can hold them in one of their dialects only. */
	unsigned gaps = 0, events = 0;
	struct encoder e;
	struct got got;
	size_t before;
	int r;

	corpus(frames);
	encoder_begin(&e, format);
	for (int i = 0; i < 3; i++) {
		format->encode(e.state, &frames[i], 1, &e.out, &e.info);
		before = e.out.len + held(&e);
		if (format->encode_gap != NULL)
			assert_int_equal(format->encode_gap(e.state,
			    i > 0 ? "can0" : "", &gap, &e.out), 0);
		gaps += e.out.len + held(&e) > before;
		before = e.out.len + held(&e);
		r = format->encode_event == NULL ? EVCAN_ERR_UNSUPPORTED :
		    format->encode_event(e.state, frames[i].time_ns, "a\nb",
		    &e.out);
		assert_true(r == 0 || r == EVCAN_ERR_UNSUPPORTED);
		assert_int_equal(e.out.len + held(&e) > before, r == 0);
		events += r == 0;
	}
	encoder_end(&e);
	if (format->decode != NULL) {
		read_all(format, e.out.data, e.out.len, SIZE_MAX / 2,
		    CORPUS_MAX, &got);
		assert_int_equal(got.n, 3);
		assert_int_equal(got.errors, 0);
		assert_int_equal(got.gaps, gaps);
		assert_int_equal(got.lost, gaps * 12);
		assert_int_equal(got.events, events);
		if (events > 0)
			assert_string_equal(got.event, "a b");
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
test_format(void **state)
{
	const struct evcan_format *format = *state;

	check_table(format);
	if (format->encode != NULL) {
		check_marks(format);
		check_no_memory(format);
	}
	if (format->encode != NULL && format->decode != NULL) {
		check_round_trip(format);
		check_flushed(format);
		check_cut(format);
		check_bid(format);
	}
	if (format->decode != NULL)
		check_foreign(format);
}

static void
test_names(void **state)
{
	(void)state;
	assert_null(evcan_format_find("nonsense"));
	assert_null(evcan_format_for_name("noname", true));
	assert_null(evcan_format_for_name("dir.log/noname", true));
	assert_null(evcan_format_for_name("x.gz", true));
	assert_string_equal(evcan_format_for_name("x.log.GZ", true)->name,
	    "candump");
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
		close(mkstemp(path));
		assert_null(evcan_log_writer_new(NULL, path, options, &err));
		assert_non_null(strstr(err.text, "no_such_option"));
		unlink(path);
		evcan_options_free(options);
	}
}

static int
setup(void **state)
{
	const int fd = mkstemp(scratch);

	(void)state;
	return fd >= 0 ? close(fd) : -1;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(scratch);
	return 0;
}

#define FORMATS_MAX 100

int
main(int argc, char **argv)
{
	struct CMUnitTest tests[FORMATS_MAX + 2] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown_option),
	};
	const struct evcan_format *format;
	size_t n = 2;

	for (size_t i = 0; i < FORMATS_MAX &&
	    (format = evcan_format_at(i)) != NULL; i++) {
		tests[n].name = format->name;
		tests[n].test_func = test_format;
		tests[n].initial_state = (void *)(uintptr_t)format;
		n++;
	}
	/* With an argument: the one of that name. */
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests("formats", tests, n, setup, teardown);
}

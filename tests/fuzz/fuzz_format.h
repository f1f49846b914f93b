/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_format.h - any bytes as a log: read whole and in pieces, written and
 * read again, appended to */
#ifndef FUZZ_FORMAT_H
#define FUZZ_FORMAT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/options.h>

#include "../frame_loss.h"
#include "../sane_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 4096
#define EVENTS_MAX 64
/* A damaged database may hold more rows than its bytes suggest, never so
 * many. */
#define ROWS_MAX 100000

/* What came out of a log. */
struct result {
	struct evcan_frame frames[FRAMES_MAX];
	struct {
		size_t at;        /* before this frame */
		int64_t time_ns;
		char text[1024];
	} events[EVENTS_MAX];
	size_t n, event_count, errors;
	struct evcan_decode out;
	bool cut;                 /* there were more frames */
};

static inline void
require(int good)
{
	if (!good)
		abort();
}

/* One side of a format, with its state and options. */
struct side {
	const struct evcan_format *format;
	struct evcan_options *options;
	void *state;
};

/* @param texts names and values by turns, up to a NULL; NULL: none */
static inline void
side_new(struct side *side, const struct evcan_format *format, bool reads,
    const char *const *texts)
{
	const struct evcan_option *rows = reads ? format->read_options :
	    format->write_options;

	side->format = format;
	side->options = evcan_options_new();
	side->state = calloc(1, (reads ? format->read_size :
	    format->write_size) + 1);
	for (; texts != NULL && texts[0] != NULL; texts += 2)
		evcan_options_set(side->options, texts[0], texts[1], NULL);
	require(rows == NULL || evcan_options_fill(side->options, rows,
	    side->state, NULL) == 0);
}

static inline void
side_free(struct side *side, void (*done)(void *state))
{
	if (done != NULL)
		done(side->state);
	free(side->state);
	evcan_options_free(side->options);
}

/* Where formats that own their file have it: in memory where there is such a
 * place, as stores sync. */
static char scratch[64];

static inline void
put_scratch(const uint8_t *data, size_t size)
{
	static const char *const ends[] = { "-wal", "-shm", "-journal", "" };
	char name[80];
	FILE *file;

	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", scratch, ends[i]);
		unlink(name);
	}
	if (data == NULL)
		return;
	file = fopen(scratch, "w");
	require(file != NULL && fwrite(data, 1, size, file) == size);
	fclose(file);
}

static inline void
remove_scratch(void)
{
	put_scratch(NULL, 0);
}

static inline void
name_scratch(void)
{
	if (scratch[0] != '\0')
		return;
	snprintf(scratch, sizeof(scratch), "%s/evcan-fuzz-%ld",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
	    (long)getpid());
	atexit(remove_scratch);
}

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

static inline void
keep_event(struct result *result)
{
	const struct evcan_decode *out = &result->out;
	const size_t at = result->event_count++;

	require(memchr(out->event, '\0', sizeof(out->event)) != NULL);
	if (at >= EVENTS_MAX)
		return;
	result->events[at].at = result->n;
	result->events[at].time_ns = out->event_ns;
	strcpy(result->events[at].text, out->event);
}

/* One call. @return whether it told of something */
static inline bool
decode_once(const struct side *side, const struct evcan_span *span,
    size_t max, struct result *result)
{
	const size_t room = FRAMES_MAX - result->n;
	struct evcan_frame *frames = result->frames + result->n;
	struct evcan_decode *out = &result->out;
	int r;

	out->used = 0;
	out->has_event = false;
	out->error_line = out->error_offset = 0;
	evcan_error_clear(&out->error);
	r = side->format->decode(side->state, span, frames,
	    max < room ? max : room, out);
	require(out->used <= span->len);
	if (r < 0) {
		require(out->error.text[0] != '\0');
		result->errors++;
	}
	for (int i = 0; i < r; i++) {
		require(sane_frame(&frames[i]));
		for (unsigned k = frames[i].len; k < 8; k++)
			require((frames[i].flags & EVCAN_FRAME_FD) != 0 ||
			    frames[i].data[k] == 0);
	}
	result->n += r > 0 ? (size_t)r : 0;
	result->cut = result->n == FRAMES_MAX;
	if (out->has_event)
		keep_event(result);
	return r != 0 || out->has_event;
}

/* Each time nothing comes, `step` bytes more. */
static inline void
feed(const struct side *side, const uint8_t *data, size_t size, size_t step,
    size_t max, struct result *result)
{
	size_t at = 0, shown = step < size ? step : size;
	bool ended = false;

	while (!result->cut) {
		/* What reads beyond it, or wants it aligned, is seen. */
		uint8_t *copy = malloc(shown - at + 1);
		const struct evcan_span span = { copy + 1, shown - at, at,
		    ended };
		bool told;

		memcpy(copy + 1, data + at, shown - at);
		told = decode_once(side, &span, max, result);
		free(copy);
		at += result->out.used;
		require(result->errors + result->event_count <= 2 * size);
		require(result->out.error_offset <= size);
		if (told || (result->out.used > 0 && at < shown))
			continue;
		if (ended)
			break;
		ended = shown == size;
		shown = size - shown < step ? size : shown + step;
	}
	require(result->cut || at == size);
}

/* Of a format that looks where it likes. */
static inline void
seek(const struct side *side, size_t size, size_t max, struct result *result)
{
	static const struct evcan_span span = { (const uint8_t *)"", 0, 0,
	    true };

	while (!result->cut && decode_once(side, &span, max, result)) {
		require(result->out.position <= size);
		require(result->errors + result->event_count <= size +
		    (side->format->open != NULL ? ROWS_MAX : 0));
	}
}

static inline void
read_log(const struct evcan_format *format, const uint8_t *data, size_t size,
    size_t step, size_t max, struct result *result)
{
	struct bytes bytes = { data, size };
	const struct evcan_file file = { format->open != NULL ? scratch :
	    NULL, size, read_bytes, &bytes };
	const bool seeks = (format->flags & EVCAN_FORMAT_SEEKS) != 0;
	struct evcan_error err = { 0 };
	struct side side;
	int r = 0;

	if (size == 0)
		data = (const uint8_t *)"";   /* a span points somewhere */
	/* What a decoder leaves unset is seen. */
	memset(result->frames, 0xa5, sizeof(result->frames));
	memset(&result->out, 0, sizeof(result->out));
	result->out.line = 1;
	result->n = result->event_count = result->errors = 0;
	result->cut = false;
	side_new(&side, format, true, NULL);
	if (format->open != NULL)
		put_scratch(data, size);
	if (format->read_begin != NULL)
		r = format->read_begin(side.state, seeks ? &file : NULL,
		    &err);
	require((r < 0) == (err.text[0] != '\0'));
	if (r < 0)
		result->errors++;
	else if (seeks)
		seek(&side, size, max, result);
	else
		feed(&side, data, size, step, max, result);
	side_free(&side, format->read_done);
}

static inline void
same_events(const struct result *a, const struct result *b)
{
	require(a->event_count == b->event_count);
	for (size_t i = 0; i < a->event_count && i < EVENTS_MAX; i++)
		require(a->events[i].at == b->events[i].at &&
		    a->events[i].time_ns == b->events[i].time_ns &&
		    strcmp(a->events[i].text, b->events[i].text) == 0);
}

/* Reads the bytes whole, and in small pieces and batches: the same. */
static inline void
fuzz_read(const struct evcan_format *format, const uint8_t *data, size_t size,
    struct result *whole)
{
	static struct result pieces;
	const unsigned how = size > 0 ? data[size - 1] : 0;
	const int sure = format->bid(data, size);

	name_scratch();
	require(sure >= 0 && sure <= 100);
	read_log(format, data, size, SIZE_MAX / 2, FRAMES_MAX, whole);
	read_log(format, data, size, how % 80 + 1 + size / 4096,
	    how % 7 == 0 ? 1 : how, &pieces);
	require(whole->n == pieces.n);
	for (size_t i = 0; i < whole->n; i++)
		require(memcmp(&whole->frames[i], &pieces.frames[i],
		    offsetof(struct evcan_frame, data) +
		    whole->frames[i].len) == 0);
	if (whole->cut)
		return;
	same_events(whole, &pieces);
	require(whole->errors == pieces.errors);
	require(whole->out.line == pieces.out.line);
	require(whole->out.skipped == pieces.out.skipped);
	require(whole->out.gaps == pieces.out.gaps);
	require(whole->out.lost == pieces.out.lost);
}

/* A log that was written, and what of it must come back. */
struct written {
	struct evcan_buffer out;
	struct evcan_encode info;
	struct evcan_frame frames[FRAMES_MAX];
	uint16_t lost[FRAMES_MAX];   /* bits: attributes */
	size_t n, event_count;
	bool gap;
};

static inline void
encode_one(const struct side *side, const struct evcan_frame *frame,
    struct written *w)
{
	const struct evcan_encode before = w->info;

	require(side->format->encode(side->state, frame, 1, &w->out,
	    &w->info) == 0);
	if (w->info.unfit > before.unfit)
		return;
	w->lost[w->n] = 0;
	for (int i = 0; i < 16; i++)
		w->lost[w->n] |= (uint16_t)((w->info.lost[i] >
		    before.lost[i]) << i);
	w->frames[w->n++] = *frame;
}

/* Frames up to the next event: all at once, or one after the other. */
static inline void
encode_run(const struct side *side, const struct evcan_frame *frames,
    size_t n, bool single, struct written *w)
{
	if (!single && n > 0)
		require(side->format->encode(side->state, frames, n, &w->out,
		    &w->info) == 0);
	for (size_t i = 0; single && i < n; i++)
		encode_one(side, &frames[i], w);
}

static inline void
encode_all(const struct side *side, const struct result *read, bool single,
    struct written *w)
{
	static const struct evcan_gap gap = { .lost = 7 };
	const struct evcan_format *format = side->format;
	size_t at = 0, before;

	for (size_t i = 0; i < read->event_count && i < EVENTS_MAX &&
	    format->encode_event != NULL; i++) {
		encode_run(side, read->frames + at, read->events[i].at - at,
		    single, w);
		at = read->events[i].at;
		require(format->encode_event(side->state,
		    read->events[i].time_ns, read->events[i].text,
		    &w->out) == 0);
		w->event_count++;
	}
	encode_run(side, read->frames + at, read->n - at, single, w);
	before = w->out.len;
	if (format->encode_gap != NULL && read->n > 0)
		require(format->encode_gap(side->state, "can0", &gap,
		    &w->out) == 0);
	w->gap = w->out.len > before;
}

static inline void
put_header(const struct side *side, struct evcan_buffer *out)
{
	struct evcan_buffer head = { 0 };

	require(side->format->header(side->state, out->len, &head) == 0);
	require(!head.failed && head.len <= out->len);
	if (head.len > 0)
		memcpy(out->data, head.data, head.len);
	free(head.data);
}

/* Into the format's own file, and that into the buffer. */
static inline void
store(const struct side *side, struct evcan_buffer *out)
{
	const struct evcan_format *format = side->format;
	struct evcan_error err = { 0 };
	size_t got = 0;
	FILE *file;

	require(format->store(side->state, out->data, out->len, &err) ==
	    (int64_t)out->len || err.text[0] != '\0');
	if (format->close(side->state, &err) != 0)
		require(err.text[0] != '\0');
	out->len = 0;
	file = fopen(scratch, "r");
	require(file != NULL);
	do {
		out->len += got;
		require(evcan_buffer_reserve(out, 65536) != NULL);
		got = fread(out->data + out->len, 1, 65536, file);
	} while (got > 0);
	fclose(file);
}

/* @param past what is in w->out; NULL: nothing
 * @return whether the format took it */
static inline bool
write_log(const struct evcan_format *format, const char *const *texts,
    const struct evcan_past *past, const struct result *read, bool single,
    struct written *w)
{
	struct evcan_error err = { 0 };
	struct side side;
	int r = 0;

	memset(&w->info, 0, sizeof(w->info));
	w->n = w->event_count = 0;
	side_new(&side, format, false, texts);
	if (format->open != NULL) {
		if (past == NULL)
			put_scratch(NULL, 0);
		r = format->open(side.state, scratch, past != NULL, &err);
	}
	if (r == 0 && format->begin != NULL)
		r = format->begin(side.state, past, &w->out, &err);
	require((r < 0) == (err.text[0] != '\0') && (r == 0 || past != NULL));
	if (r == 0) {
		encode_all(&side, read, single, w);
		require(format->finish == NULL ||
		    format->finish(side.state, &w->out) == 0);
		require(format->held == NULL || format->held(side.state) == 0);
		require(!w->out.failed);
		if (format->open != NULL)
			store(&side, &w->out);
		else if (format->header != NULL && past == NULL)
			put_header(&side, &w->out);
	}
	side_free(&side, format->write_done);
	return r == 0;
}

/* Takes off what a format says it lost. */
static inline void
take_off(const struct evcan_format *format, uint16_t lost,
    struct evcan_frame *frame)
{
	const char *word = format->attributes;

	for (; lost != 0; lost >>= 1) {
		const int at = find_loss(word);

		require(at >= 0);
		if ((lost & 1) != 0)
			frame_losses[at].drop(frame);
		word += strcspn(word, " ");
		word += *word == ' ';
	}
}

static inline void
same_again(const struct evcan_format *format, const struct written *w,
    const struct result *again)
{
	require(again->errors == 0 && again->out.skipped == 0);
	require(again->n == w->n);
	for (size_t i = 0; i < w->n; i++) {
		struct evcan_frame a = w->frames[i], b = again->frames[i];

		take_off(format, w->lost[i], &a);
		take_off(format, w->lost[i], &b);
		/* A name beyond the 65,535 that fit comes back as none, and
		 * none may come back as the first. */
		if (a.channel == 0 || b.channel == 0)
			a.channel = b.channel = 0;
		require(same_frame(&a, &b));
	}
	require(again->event_count == w->event_count);
	/* Formats that gather append it later. */
	require(again->out.gaps <= 1 && again->out.gaps >= w->gap);
	require(again->out.lost == 7 * again->out.gaps);
}

/* What was read is written, at once or frame by frame the same, and read
 * again: it is what it was but for what was counted as lost. */
static inline void
fuzz_write(const struct evcan_format *format, const char *const *texts,
    const struct result *read)
{
	static struct result again;
	static struct written one, all;

	memset(&one.out, 0, sizeof(one.out));
	memset(&all.out, 0, sizeof(all.out));
	write_log(format, texts, NULL, read, false, &all);
	write_log(format, texts, NULL, read, true, &one);
	require(memcmp(&one.info, &all.info, sizeof(one.info)) == 0);
	require(one.out.len == all.out.len);
	require(one.out.len == 0 || memcmp(one.out.data, all.out.data,
	    one.out.len) == 0);
	read_log(format, one.out.data, one.out.len, SIZE_MAX / 2, FRAMES_MAX,
	    &again);
	if (!read->cut)
		same_again(format, &one, &again);
	free(one.out.data);
	free(all.out.data);
}

/* Whatever there was, a log that is appended to it is read. */
static inline void
fuzz_append(const struct evcan_format *format, const char *const *texts,
    const uint8_t *data, size_t size, const struct result *read)
{
	static struct result again;
	static struct written w;
	const struct evcan_past past = { data, size, size > 0 ? size : 1 };

	memset(&w.out, 0, sizeof(w.out));
	evcan_buffer_append(&w.out, data, size);
	if (format->open != NULL) {
		w.out.len = 0;
		put_scratch(data, size);
	} else if ((format->flags & EVCAN_FORMAT_TEXT) != 0) {
		evcan_buffer_append(&w.out, "\n", 1);
	}
	if (write_log(format, texts, &past, read, false, &w))
		read_log(format, w.out.data, w.out.len, SIZE_MAX / 2,
		    FRAMES_MAX, &again);
	free(w.out.data);
}

/* Options for writing: names and values by turns, up to a NULL. */
struct way {
	const char *texts[9];
};

/* All of it. The first way to write is always gone, and one of the others. */
static inline int
fuzz_format(const char *name, const struct way *ways, size_t n,
    const uint8_t *data, size_t size)
{
	static const struct evcan_frame own = { .id = 0x6ec, .len = 1,
	    .dlc = 1 };
	static struct result read;
	const struct evcan_format *format = evcan_format_find(name);
	const size_t other = size > 0 && n > 1 ? 1 + data[0] % (n - 1) : 0;

	if (size == 0)
		data = (const uint8_t *)"";
	fuzz_read(format, data, size, &read);
	if (format->encode == NULL)
		return 0;
	if (read.n == 0) {
		read.frames[0] = own;
		read.n = 1;
	}
	fuzz_write(format, ways[0].texts, &read);
	if (other > 0)
		fuzz_write(format, ways[other].texts, &read);
	if ((format->flags & EVCAN_FORMAT_NO_APPEND) == 0)
		fuzz_append(format, ways[other].texts, data, size, &read);
	return 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* blf_read.c - frames out of a BLF, whatever has happened to it */
#include "blf_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/options.h>

#include "bytes.h"
#include "inflate_ahead.h"

/*
 * Two streams of objects: the file's, which comes in spans, and the one that
 * its containers hold, gathered in a buffer. Objects of the file that are no
 * containers are read where they stand.
 *
 * Sizes in a file are believed only if an object follows where they say, and
 * memory is taken as bytes come. After damage the next object is searched
 * for; that is told once, however much is passed over.
 */

#define PADDING EVCAN_BLF_MOST_PADDING
#define BASE EVCAN_BLF_BASE_HEAD
#define CONTAINER_HEAD EVCAN_BLF_CONTAINER_HEAD

#define FILE_HEAD_MAX EVCAN_BLF_FILE_HEAD_MAX

/* One call of the decoder. */
struct job {
	struct evcan_blf_reader_ *reader;
	const struct evcan_span *span;
	struct evcan_frame *frames;
	size_t n, max;
	struct evcan_decode *out;
};

const struct evcan_option evcan_blf_read_rows_[] = {
	{ .name = "channels", .type = EVCAN_OPTION_TEXT,
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct evcan_blf_reader_, channels) },
	{ .name = "tz", .type = EVCAN_OPTION_TEXT, .fallback = "local",
	  .help = EVCAN_ZONE_HELP,
	  .offset = offsetof(struct evcan_blf_reader_, tz) },
	{ .name = "codec", .type = EVCAN_OPTION_CHOICE, .fallback = "auto",
	  .choices = EVCAN_CODEC_CHOICES, .help = EVCAN_CODEC_HELP,
	  .offset = offsetof(struct evcan_blf_reader_, codec) },
	{ .name = "threads", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 0, .max = EVCAN_INFLATE_THREADS,
	  .help = EVCAN_INFLATE_HELP,
	  .offset = offsetof(struct evcan_blf_reader_, threads) },
	{ .name = NULL }
};

int
evcan_blf_read_begin_(void *state, const struct evcan_file *file,
    struct evcan_error *err)
{
	struct evcan_blf_reader_ *reader = state;
	int r;

	(void)file;
	evcan_blf_set_start_(&reader->context, 0, false);
	r = evcan_zone_parse_(&reader->zone, reader->tz, err);
	if (r == 0)
		r = evcan_channel_map_init_(&reader->context.map,
		    reader->channels, err);
	if (r < 0)
		return r;
	reader->inflater = evcan_inflater_new_(
	    (enum evcan_codec_)reader->codec, err);
	return reader->inflater != NULL ? 0 : EVCAN_ERR_NOMEM;
}

void
evcan_blf_read_done_(void *state)
{
	struct evcan_blf_reader_ *reader = state;

	evcan_inflate_ahead_free_(reader->ahead);
	evcan_inflater_free_(reader->inflater);
	free(reader->buf);
}

/* Faults: kept until the frames before them are delivered */

static void
set_fault(struct evcan_blf_reader_ *reader, int code, uint64_t at,
    const char *text)
{
	if (reader->fault != 0)
		return;
	reader->fault = code;
	reader->fault_at = at;
	reader->fault_waits = false;
	snprintf(reader->fault_text, sizeof(reader->fault_text), "%s", text);
}

static int
tell_fault(struct evcan_blf_reader_ *reader, struct evcan_decode *out)
{
	const int code = reader->fault;

	reader->fault = 0;
	out->error_offset = reader->fault_at;
	return evcan_error_set(&out->error, code, 0, "%s",
	    reader->fault_text);
}

static bool
is_fault_due(const struct evcan_blf_reader_ *reader)
{
	return reader->fault != 0 && !reader->fault_waits;
}

static uint64_t
place(const struct job *job)
{
	return job->span->offset + job->out->used;
}

static void
fault_here(const struct job *job, const char *text)
{
	set_fault(job->reader, EVCAN_ERR_SYNTAX, place(job), text);
}

/* How much of what has no head in it can be forgotten: one of that size may
 * begin in the last bytes. */
static size_t
forget(size_t n, size_t head)
{
	return n >= head ? n - (head - 1) : 0;
}

/* The objects of containers */

/* Passes what is no object. @return false: more bytes are needed */
static bool
find_inside(struct evcan_blf_reader_ *reader)
{
	const uint8_t *p = reader->buf + reader->pos;
	const size_t left = reader->len - reader->pos;
	const int padding = evcan_blf_skip_padding_(p, left);
	size_t n;

	if (padding > 0) {
		reader->pos += (size_t)padding;
		return true;
	}
	if (left < PADDING + 4)
		return false;
	if (!reader->searching_inside)
		set_fault(reader, EVCAN_ERR_SYNTAX, reader->container,
		    "something in this container is no object: the next one "
		    "is searched for");
	reader->searching_inside = true;
	n = evcan_blf_search_(p + 1, left - 1, EVCAN_BLF_ANY_OBJECT) + 1;
	if (n == left)
		n = forget(left, BASE);
	reader->pos += n;
	return n > 0;
}

/* One object of any type. @return false: more bytes are needed */
static bool
next_inside(struct job *job)
{
	struct evcan_blf_reader_ *reader = job->reader;
	const uint8_t *p = reader->buf + reader->pos;
	const size_t left = reader->len - reader->pos;
	char text[sizeof(reader->fault_text)];
	const char *why;
	size_t size;

	if (left < BASE)
		return left >= 4 && !evcan_blf_is_magic_(p) &&
		    find_inside(reader);
	if (!evcan_blf_is_object_(p) ||
	    get_le32(p + 12) == EVCAN_BLF_CONTAINER)
		return find_inside(reader);
	if (get_le32(p + 8) > left)
		return false;
	reader->searching_inside = false;
	switch (evcan_blf_get_(&reader->context, p, left, &size,
	    &job->frames[job->n], job->out, &why)) {
	case EVCAN_BLF_FRAME:
		job->n++;
		break;
	case EVCAN_BLF_NO_FRAME:
		break;
	case EVCAN_BLF_BAD:
		snprintf(text, sizeof(text), "an object in this container "
		    "%s", why);
		set_fault(reader, EVCAN_ERR_SYNTAX, reader->container, text);
		break;
	}
	reader->pos += size;
	return true;
}

static void
walk_inside(struct job *job)
{
	struct evcan_blf_reader_ *reader = job->reader;
	size_t used;

	while (job->n < job->max && !job->out->has_event &&
	    !is_fault_due(reader) && reader->pos < reader->len) {
		job->n += evcan_blf_get_run_(&reader->context,
		    reader->buf + reader->pos, reader->len - reader->pos,
		    job->frames + job->n, job->max - job->n, &used);
		reader->pos += used;
		if (used > 0)
			reader->searching_inside = false;
		if (job->n < job->max && !next_inside(job))
			break;
	}
}

/* Whatever is left in the buffer is no whole object and will not become one:
 * what comes next is looked for. */
static void
drop_rest(struct evcan_blf_reader_ *reader)
{
	reader->pos = reader->len = 0;
	reader->searching_inside = true;
}

/* Containers */

/* The bytes that came out are behind what was left of an object: unless they
 * begin with a head themselves, they are its second part. */
static void
join(struct evcan_blf_reader_ *reader, const struct evcan_blf_container_ *c)
{
	const size_t rest = reader->len - reader->pos;
	const uint8_t *added = reader->buf + reader->len;

	reader->len += c->got;
	if (rest == 0 || c->got < BASE || !evcan_blf_is_object_(added))
		return;
	if (!evcan_blf_is_zero_(reader->buf + reader->pos, rest) &&
	    !reader->searching_inside)
		set_fault(reader, EVCAN_ERR_SYNTAX, reader->container,
		    "the last object that begins in this container has no "
		    "end");
	reader->pos += rest;
}

static void
tell_cut(const struct job *job, const struct evcan_blf_container_ *c)
{
	char text[sizeof(job->reader->fault_text)];

	if (c->end < c->size)
		snprintf(text, sizeof(text), "the container ends after %zu "
		    "of its %zu bytes: whole objects before that were read",
		    c->end, c->size);
	else
		snprintf(text, sizeof(text), "the container's compressed "
		    "data have no end: whole objects before that were read");
	fault_here(job, text);
	job->reader->fault_waits = true;
}

static void
tell_method(const struct job *job, unsigned method)
{
	char text[sizeof(job->reader->fault_text)];

	snprintf(text, sizeof(text), "the container is compressed by the "
	    "unknown method %u and is passed over (0, stored, and 2, zlib, "
	    "can be read)", method);
	fault_here(job, text);
}

/* @return whether what came out is good */
static bool
judge(struct job *job, const struct evcan_blf_container_ *c)
{
	switch (c->result) {
	case EVCAN_INFLATED:
		return true;
	case EVCAN_INFLATED_SHORT:
		tell_cut(job, c);
		return true;
	case EVCAN_INFLATED_FULL:
		fault_here(job, "the container inflates to more than 256 MiB "
		    "and is passed over");
		return false;
	case EVCAN_INFLATED_NOMEM:
		set_fault(job->reader, EVCAN_ERR_NOMEM, place(job),
		    "out of memory for a container, which is passed over");
		return false;
	case EVCAN_INFLATED_BAD:
		break;
	}
	fault_here(job, "the container's compressed data are damaged: it is "
	    "passed over");
	return false;
}

/* Passes what is no object. @return false: more bytes are needed */
static bool
find_in_file(struct job *job, const uint8_t *p, size_t left)
{
	const bool end = job->span->end;
	size_t n;

	if (!end && left < PADDING + EVCAN_BLF_FILE_HEAD)
		return false;
	if (!job->reader->searching && !(end && left <= PADDING &&
	    evcan_blf_is_zero_(p, left)))
		fault_here(job, left < CONTAINER_HEAD ? "the file ends "
		    "inside an object" : "here should be an object: the next "
		    "one is searched for");
	job->reader->searching = true;
	n = evcan_blf_search_file_(p + 1, left - 1, EVCAN_BLF_ANY_OBJECT) + 1;
	/* Before an object there may be a file's head, once it is whole. */
	if (!end && n > forget(left, EVCAN_BLF_FILE_HEAD))
		n = forget(left, EVCAN_BLF_FILE_HEAD);
	job->out->used += n;
	return true;
}

/* @return false: more bytes are needed */
static bool
take_container(struct job *job, const uint8_t *p, size_t left)
{
	struct evcan_blf_reader_ *reader = job->reader;
	struct evcan_blf_container_ c = { .p = p, .at = place(job),
		.size = get_le32(p + 8) };

	if (left < CONTAINER_HEAD)
		return find_in_file(job, p, left);
	if (!evcan_blf_find_end_(job->span, &c, left))
		return false;
	if (c.end <= CONTAINER_HEAD && c.end < c.size) {
		tell_cut(job, &c);
		job->out->used += c.end;
		return true;
	}
	switch (get_le16(p + 16)) {
	case EVCAN_BLF_STORED:
		evcan_blf_copy_(reader, &c);
		break;
	case EVCAN_BLF_DEFLATED:
		evcan_blf_look_ahead_(reader, job->span, &c);
		evcan_blf_inflate_(reader, &c);
		break;
	default:
		tell_method(job, get_le16(p + 16));
		c.result = EVCAN_INFLATED_BAD;
	}
	if (judge(job, &c)) {
		join(reader, &c);
		reader->container = place(job);
	} else {
		drop_rest(reader);
	}
	job->out->used += evcan_blf_resume_(&c);
	return true;
}

/* The file */

/* The date that stamps count from. */
static void
set_start(struct job *job, const uint8_t *p)
{
	struct evcan_blf_reader_ *reader = job->reader;
	int64_t start_ns;
	bool none;

	if (!evcan_blf_get_date_(p + EVCAN_BLF_AT_START, &reader->zone,
	    &start_ns, &none)) {
		none = true;
		fault_here(job, "the start in the file's header is no date: "
		    "times are relative");
	}
	evcan_blf_set_start_(&reader->context, start_ns, !none);
}

/* @return false: more bytes are needed */
static bool
take_file_head(struct job *job, const uint8_t *p, size_t left)
{
	struct evcan_blf_reader_ *reader = job->reader;
	size_t size = EVCAN_BLF_FILE_HEAD;

	if (left >= 8)
		size = get_le32(p + EVCAN_BLF_AT_SIZE);
	if (size < EVCAN_BLF_LEAST_HEAD || size > FILE_HEAD_MAX)
		size = EVCAN_BLF_FILE_HEAD;
	if (left < size && !job->span->end)
		return false;
	reader->begun = true;
	reader->searching = false;
	if (left < size) {
		fault_here(job, "the file ends inside its header");
		job->out->used += left;
		return true;
	}
	set_start(job, p);
	job->out->used += size;
	return true;
}

/* An object outside of containers. One that something else begins in was
 * cut. @return false: more bytes are needed */
static bool
take_object(struct job *job, const uint8_t *p, size_t left)
{
	struct evcan_blf_reader_ *reader = job->reader;
	size_t size = get_le32(p + 8), padding, next;
	const char *why = "is cut";
	enum evcan_blf_got_ got = EVCAN_BLF_BAD;

	if (!job->span->end && left < size + PADDING + 4)
		return false;
	next = size;
	if (size > left || !evcan_blf_ends_well_(p + size, left - size,
	    job->span->end, &padding))
		next = BASE + evcan_blf_search_file_(p + BASE,
		    (size < left ? size : left) - BASE,
		    EVCAN_BLF_ANY_OBJECT);
	if (next == size)
		got = evcan_blf_get_(&reader->context, p, left, &size,
		    &job->frames[job->n], job->out, &why);
	else
		size = next;
	job->n += got == EVCAN_BLF_FRAME;
	if (got == EVCAN_BLF_BAD) {
		char text[sizeof(reader->fault_text)];

		snprintf(text, sizeof(text), "the object %s", why);
		fault_here(job, text);
	}
	job->out->used += size;
	return true;
}

/* What is left of an object whose other part never came. */
static void
end_inside(struct evcan_blf_reader_ *reader)
{
	const size_t left = reader->len - reader->pos;

	if (left == 0)
		return;
	if (!reader->searching_inside && !(left <= PADDING &&
	    evcan_blf_is_zero_(reader->buf + reader->pos, left)))
		set_fault(reader, EVCAN_ERR_SYNTAX, reader->container,
		    "the last object that begins in this container has no "
		    "end");
	drop_rest(reader);
}

/* The first bytes, and no more of them than the magic can be relied on. */
static bool
is_cut_head(const struct evcan_blf_reader_ *reader, const uint8_t *p,
    size_t left)
{
	return !reader->begun && left >= 4 &&
	    get_le32(p) == EVCAN_BLF_FILE_MAGIC;
}

/* The next thing in the file. @return false: more bytes are needed, or it is
 * at its end */
static bool
step(struct job *job)
{
	struct evcan_blf_reader_ *reader = job->reader;
	const uint8_t *p = job->span->data + job->out->used;
	const size_t left = job->span->len - job->out->used;
	int padding;

	if (left == 0) {
		if (job->span->end)
			end_inside(reader);
		return false;
	}
	if (left < BASE && !job->span->end)
		return false;
	if (reader->searching ? evcan_blf_is_found_head_(p, left) :
	    evcan_blf_is_file_head_(p, left) || is_cut_head(reader, p, left)) {
		end_inside(reader);
		return reader->fault != 0 || take_file_head(job, p, left);
	}
	if (!reader->begun) {
		reader->begun = reader->searching = true;
		fault_here(job, "the file does not begin with LOGG: objects "
		    "are searched for");
		return true;
	}
	if (left >= BASE && evcan_blf_is_object_(p)) {
		const bool is_container = get_le32(p + 12) ==
		    EVCAN_BLF_CONTAINER;

		reader->searching = false;
		return is_container ? take_container(job, p, left) :
		    take_object(job, p, left);
	}
	padding = reader->searching ? 0 : evcan_blf_skip_padding_(p, left);
	if (padding > 0) {
		job->out->used += (size_t)padding;
		return true;
	}
	return find_in_file(job, p, left);
}

int
evcan_blf_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out)
{
	struct evcan_blf_reader_ *reader = state;
	struct job job = { reader, span, frames, 0, max, out };
	bool more = true;

	while (job.n < max && !out->has_event) {
		walk_inside(&job);
		if (job.n == max || out->has_event)
			break;
		if (reader->fault != 0) {
			if (reader->fault_waits)
				drop_rest(reader);
			reader->fault_waits = false;
			break;
		}
		if (!more)
			break;
		more = step(&job);
	}
	if (job.n == 0 && !out->has_event && is_fault_due(reader))
		return tell_fault(reader, out);
	return (int)job.n;
}

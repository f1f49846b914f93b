/* SPDX-License-Identifier: BSD-3-Clause */
/* log_reader.c - knows a log's format and pulls frames out of it */
#include <evcan/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log_registry.h"
#include "log_source.h"
#include "log_start.h"

#define BID_BYTES (64u << 10)
#define BID_SURE 50   /* enough to stop waiting for more of a pipe */
/* An event has no clock of its own; a time below this is no date. */
#define NS_PER_YEAR (365 * 86400 * 1000000000ll)

struct evcan_log_reader {
	struct evcan_log_source_ source;
	struct evcan_options *options;
	const struct evcan_format *format;
	void *state;
	bool begun;                /* read_begin was called on the state */
	bool seeks;                /* the format reads `file` by itself */
	bool forced;               /* the format was said, not detected */
	struct evcan_file file;
	int64_t start_ns;          /* added to relative time; 0: not */
	struct evcan_decode decode;
	bool event_waits;          /* decode.event is not told yet */
	bool told_nothing;         /* see nothing_read() */
	struct evcan_error error;
	struct evcan_log_read_stats stats;

	evcan_log_event_cb event_cb;
	void *event_arg;
};

/* How compressed files and such begin, and what to do with them. */
static const struct magic {
	const char *bytes;
	size_t len;
	const char *what;
} magics[] = {
	{ "\xfd" "7zXZ", 5, "is compressed with xz: unxz it first" },
	{ "BZh", 3, "is compressed with bzip2: bunzip2 it first" },
	{ "\x28\xb5\x2f\xfd", 4, "is compressed with zstd: unzstd it first" },
	{ "PK\3\4", 4, "is a zip archive: unzip it first" },
	{ "\xff\xfe", 2, "is UTF-16 text: turn it into UTF-8 first" },
	{ "\xfe\xff", 2, "is UTF-16 text: turn it into UTF-8 first" },
	{ "Timestamp: ", 11, "is text for people, as the format printer writes "
	    "it, and not read: record in another format" },
};

void
evcan_decode_set_event(struct evcan_decode *out, int64_t time_ns,
    const char *text, size_t len)
{
	if (len >= sizeof(out->event))
		len = sizeof(out->event) - 1;
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];

		out->event[i] = c < 0x20 || c == 0x7f ? ' ' : text[i];
	}
	out->event[len] = '\0';
	out->event_ns = time_ns;
	out->has_event = true;
}

static const struct evcan_format *
highest_bid(const struct evcan_log_source_ *source, int *score)
{
	const struct evcan_format *by_name =
	    evcan_format_for_name(source->name, false);
	const struct evcan_format *format, *best = NULL;
	size_t len = source->len < BID_BYTES ? source->len : BID_BYTES;

	*score = 0;
	for (size_t i = 0; (format = evcan_format_at(i)) != NULL; i++) {
		int bid = format->decode != NULL ?
		    format->bid(source->data, len) : 0;

		if (bid > *score ||
		    (bid > 0 && bid == *score && format == by_name)) {
			*score = bid;
			best = format;
		}
	}
	return best;
}

static void
no_format(const struct evcan_log_source_ *source, struct evcan_error *err)
{
	char list[EVCAN_LOG_FORMATS_MAX];

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (source->len >= magics[i].len && memcmp(source->data,
		    magics[i].bytes, magics[i].len) == 0) {
			evcan_error_set(err, EVCAN_ERR_NOT_FOUND, 0,
			    "%.200s: %s", source->name, magics[i].what);
			return;
		}
	evcan_error_set(err, EVCAN_ERR_NOT_FOUND, 0,
	    "%.200s: %s; those that can be read: %s", source->name,
	    source->len == 0 ? "is empty, and its name tells no log format" :
	    "is not a log of any known format",
	    evcan_log_formats_(list, false));
}

/* By content, for which a slow pipe may have to be waited for. */
static const struct evcan_format *
detect(struct evcan_log_source_ *source, struct evcan_error *err)
{
	const struct evcan_format *best = NULL;
	int score = 0;

	do {
		/* What damage leaves of a compressed log may still do. */
		if (evcan_log_source_fill_(source, err) < 0 &&
		    source->len == 0)
			return NULL;
		best = highest_bid(source, &score);
	} while (score < BID_SURE && !source->end &&
	    source->len < BID_BYTES);
	if (best == NULL && source->len == 0)
		best = evcan_format_for_name(source->name, false);
	if (best == NULL)
		no_format(source, err);
	return best;
}

static int
find_format(struct evcan_log_reader *reader, struct evcan_error *err)
{
	struct evcan_log_reader_options_ common = { 0 };
	const struct evcan_option *lists[2];

	if (evcan_options_fill(reader->options, evcan_log_reader_options(),
	    &common, err) < 0)
		return -1;
	reader->format = common.format != NULL ?
	    evcan_log_format_named_(common.format, reader->source.name,
	    false, err) : detect(&reader->source, err);
	if (reader->format == NULL)
		return -1;
	reader->forced = common.format != NULL;
	if (common.start != NULL &&
	    evcan_log_start_parse_(common.start, &reader->start_ns, err) < 0)
		return -1;
	lists[0] = evcan_log_reader_options();
	lists[1] = reader->format->read_options;
	return evcan_options_refuse_unknown(reader->options, lists, 2,
	    reader->format->name, err);
}

static void
drop_state(struct evcan_log_reader *reader)
{
	if (reader->begun && reader->format->read_done != NULL)
		reader->format->read_done(reader->state);
	free(reader->state);
	reader->state = NULL;
	reader->begun = false;
}

/* A format that reads the log here and there gets it as a file. */
static int
give_file(struct evcan_log_reader *reader, struct evcan_error *err)
{
	int r = evcan_log_source_file_(&reader->source, &reader->file, err);

	if (r < 0)
		return r;
	reader->stats.size = reader->file.size;
	if (reader->file.path == NULL &&
	    (reader->format->flags & EVCAN_FORMAT_PATH_ONLY) != 0)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%.200s: the format %s is read from a file by its path, "
		    "not from a pipe or out of gzip", reader->source.name,
		    reader->format->name);
	return 0;
}

static int
new_state(struct evcan_log_reader *reader, struct evcan_error *err)
{
	const struct evcan_format *format = reader->format;
	struct evcan_error why = { 0 };
	int r = 0;

	drop_state(reader);
	reader->seeks = (format->flags & EVCAN_FORMAT_SEEKS) != 0;
	reader->event_waits = false;
	reader->decode.line = 1;
	reader->decode.position = 0;
	if (reader->seeks && (r = give_file(reader, err)) < 0)
		return r;
	reader->state = evcan_log_state_new_(reader->options,
	    format->read_options, format->read_size, &why);
	if (reader->state == NULL)
		return evcan_error_set(err, why.code, 0, "%s", why.text);
	reader->begun = true;
	if (format->read_begin != NULL)
		r = format->read_begin(reader->state, reader->seeks ?
		    &reader->file : NULL, &why);
	if (r < 0)
		evcan_error_set(err, r, why.system, "%.200s: %.280s",
		    reader->source.name, why.text);
	return r;
}

/* Takes the source over, also when it fails. */
static struct evcan_log_reader *
reader_new(struct evcan_log_source_ *source,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_log_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL) {
		evcan_log_source_close_(source);
		goto nomem;
	}
	reader->source = *source;
	reader->stats.size = source->size;
	reader->options = options != NULL ? evcan_options_copy(options) :
	    evcan_options_new();
	if (reader->options == NULL)
		goto nomem;
	if (find_format(reader, err) < 0 || new_state(reader, err) < 0)
		goto fail;
	return reader;
nomem:
	evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory for a log");
fail:
	evcan_log_reader_free(reader);
	return NULL;
}

struct evcan_log_reader *
evcan_log_reader_new(const char *path, const struct evcan_options *options,
    struct evcan_error *err)
{
	struct evcan_log_source_ source;

	evcan_error_clear(err);
	if (evcan_log_source_open_path_(&source, path, err) < 0)
		return NULL;
	return reader_new(&source, options, err);
}

struct evcan_log_reader *
evcan_log_reader_new_fd(int fd, const char *name,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_log_source_ source;

	evcan_error_clear(err);
	if (evcan_log_source_open_fd_(&source, fd, name, err) < 0)
		return NULL;
	return reader_new(&source, options, err);
}

struct evcan_log_reader *
evcan_log_reader_new_io(const struct evcan_log_io *io, const char *name,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_log_source_ source;

	evcan_error_clear(err);
	if (evcan_log_source_open_io_(&source, io, name, err) < 0)
		return NULL;
	return reader_new(&source, options, err);
}

void
evcan_log_reader_free(struct evcan_log_reader *reader)
{
	if (reader == NULL)
		return;
	drop_state(reader);
	evcan_options_free(reader->options);
	evcan_log_source_close_(&reader->source);
	free(reader);
}

/* The decoder's reason, with the log's name and the place put before it. */
static int
syntax_error(struct evcan_log_reader *reader, int code)
{
	const struct evcan_decode *out = &reader->decode;
	char place[48];

	if (out->error_line > 0)
		snprintf(place, sizeof(place), "%llu",
		    (unsigned long long)out->error_line);
	else
		snprintf(place, sizeof(place), "offset %llu",
		    (unsigned long long)out->error_offset);
	reader->stats.errors++;
	evcan_error_clear(&reader->error);
	return evcan_error_set(&reader->error, code, out->error.system,
	    "%.200s:%s: %.220s", reader->source.name, place,
	    out->error.text);
}

/* One call of the decoder. @return as it does */
static int
decode(struct evcan_log_reader *reader, struct evcan_frame *frames,
    size_t max)
{
	struct evcan_log_source_ *source = &reader->source;
	struct evcan_decode *out = &reader->decode;
	const struct evcan_span span = { source->data,
	    reader->seeks ? 0 : source->len, source->offset,
	    reader->seeks || source->end };
	int n;

	out->used = 0;
	out->has_event = false;
	out->error_line = out->error_offset = 0;
	evcan_error_clear(&out->error);
	n = reader->format->decode(reader->state, &span, frames, max, out);
	if (!reader->seeks)
		evcan_log_source_consume_(source, out->used);
	reader->event_waits = out->has_event;
	return n;
}

/* Relative time becomes absolute where the caller knows when it began. */
static void
add_start(const struct evcan_log_reader *reader, struct evcan_frame *frames,
    int n)
{
	for (int i = 0; i < n; i++) {
		if (frames[i].clock != EVCAN_CLOCK_RELATIVE ||
		    frames[i].time_ns > INT64_MAX - reader->start_ns)
			continue;
		frames[i].time_ns += reader->start_ns;
		frames[i].clock = EVCAN_CLOCK_KERNEL;
	}
}

static void
tell_event(struct evcan_log_reader *reader)
{
	struct evcan_decode *out = &reader->decode;

	reader->event_waits = false;
	reader->stats.events++;
	if (out->event_ns < NS_PER_YEAR &&
	    out->event_ns <= INT64_MAX - reader->start_ns)
		out->event_ns += reader->start_ns;
	if (reader->event_cb != NULL)
		reader->event_cb(reader, out->event_ns, out->event,
		    reader->event_arg);
}

/* The end. A log of lines none of which the format that was said knows is of
 * another format, and not empty. Binary formats see that for themselves. */
static int
nothing_read(struct evcan_log_reader *reader)
{
	const struct evcan_decode *out = &reader->decode;
	const struct evcan_log_read_stats *stats = &reader->stats;

	if (!reader->forced || reader->told_nothing || out->skipped == 0 ||
	    (reader->format->flags & EVCAN_FORMAT_TEXT) == 0 ||
	    stats->frames + stats->events + out->gaps > 0)
		return 0;
	reader->told_nothing = true;
	evcan_error_clear(&reader->error);
	return evcan_error_set(&reader->error, EVCAN_ERR_NOT_FOUND, 0,
	    "%.200s: is no log of the format %s, which knows none of its "
	    "%llu line%s; leave the format away to have it detected",
	    reader->source.name, reader->format->name,
	    (unsigned long long)out->skipped, out->skipped == 1 ? "" : "s");
}

int
evcan_log_reader_read(struct evcan_log_reader *reader,
    struct evcan_frame *frames, size_t max)
{
	struct evcan_log_source_ *source = &reader->source;
	int n, r;

	if (max == 0)
		return 0;
	if (max > INT32_MAX)
		max = INT32_MAX;
	for (;;) {
		if (reader->event_waits)
			tell_event(reader);
		n = reader->seeks || source->len > 0 || source->end ?
		    decode(reader, frames, max) : 0;
		if (n > 0) {
			reader->stats.frames += (uint64_t)n;
			if (reader->start_ns != 0)
				add_start(reader, frames, n);
			return n;
		}
		if (n < 0)
			return syntax_error(reader, n);
		if (reader->event_waits ||
		    (reader->decode.used > 0 && source->len > 0))
			continue;
		if (reader->seeks || source->end)
			return nothing_read(reader);
		evcan_error_clear(&reader->error);
		r = evcan_log_source_fill_(source, &reader->error);
		if (r == EVCAN_ERR_SYNTAX) {   /* inside the compression */
			reader->stats.errors++;
			return r;
		}
		if (r < 0) {
			/* Told once; what is whole so far still comes. */
			source->end = true;
			return r;
		}
	}
}

const struct evcan_error *
evcan_log_reader_error(const struct evcan_log_reader *reader)
{
	return &reader->error;
}

void
evcan_log_reader_get_stats(const struct evcan_log_reader *reader,
    struct evcan_log_read_stats *stats)
{
	*stats = reader->stats;
	stats->bytes = reader->seeks ? reader->decode.position :
	    evcan_log_source_position_(&reader->source);
	stats->gaps = reader->decode.gaps;
	stats->lost = reader->decode.lost;
	stats->skipped = reader->decode.skipped;
}

void
evcan_log_reader_set_event_cb(struct evcan_log_reader *reader,
    evcan_log_event_cb cb, void *arg)
{
	reader->event_cb = cb;
	reader->event_arg = arg;
}

const char *
evcan_log_reader_format(const struct evcan_log_reader *reader)
{
	return reader->format->name;
}

const char *
evcan_log_reader_name(const struct evcan_log_reader *reader)
{
	return reader->source.name;
}

int
evcan_log_reader_rewind(struct evcan_log_reader *reader)
{
	struct evcan_error err;
	int r = evcan_log_source_rewind_(&reader->source);

	if (r < 0)
		return r;
	evcan_error_clear(&err);
	return new_state(reader, &err) < 0 ? err.code : 0;
}

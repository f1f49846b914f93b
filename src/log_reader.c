/* SPDX-License-Identifier: BSD-3-Clause */
/* log_reader.c - knows a log's format and pulls frames out of it */
#include <evcan/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log_registry.h"
#include "log_source.h"

#define BID_BYTES (64u << 10)
#define BID_SURE 50   /* enough to stop waiting for more of a pipe */

struct evcan_log_reader {
	struct evcan_log_source_ source;
	struct evcan_options *options;
	const struct evcan_format *format;
	void *state;
	struct evcan_decode decode;
	struct evcan_error error;
	struct evcan_log_read_stats stats;
};

/* How compressed files and such begin, and what to do with them. */
static const struct magic {
	const char *bytes;
	size_t len;
	const char *what;
} magics[] = {
	{ "\x1f\x8b", 2, "is compressed with gzip: gunzip it first" },
	{ "\xfd" "7zXZ", 5, "is compressed with xz: unxz it first" },
	{ "BZh", 3, "is compressed with bzip2: bunzip2 it first" },
	{ "\x28\xb5\x2f\xfd", 4, "is compressed with zstd: unzstd it first" },
	{ "PK\3\4", 4, "is a zip archive: unzip it first" },
	{ "\xff\xfe", 2, "is UTF-16 text: turn it into UTF-8 first" },
	{ "\xfe\xff", 2, "is UTF-16 text: turn it into UTF-8 first" },
};

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
		if (evcan_log_source_fill_(source, err) < 0)
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
	lists[0] = evcan_log_reader_options();
	lists[1] = reader->format->read_options;
	return evcan_options_refuse_unknown(reader->options, lists, 2,
	    reader->format->name, err);
}

static int
new_state(struct evcan_log_reader *reader, struct evcan_error *err)
{
	void *state = evcan_log_state_new_(reader->options,
	    reader->format->read_options, reader->format->read_size, err);

	if (state == NULL)
		return -1;
	if (reader->state != NULL && reader->format->read_done != NULL)
		reader->format->read_done(reader->state);
	free(reader->state);
	reader->state = state;
	reader->decode.line = 1;
	return 0;
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
	if (reader->state != NULL && reader->format->read_done != NULL)
		reader->format->read_done(reader->state);
	free(reader->state);
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
	const struct evcan_span span = { source->data, source->len,
	    source->offset, source->end };
	int n;

	out->used = 0;
	out->error_line = out->error_offset = 0;
	evcan_error_clear(&out->error);
	n = reader->format->decode(reader->state, &span, frames, max, out);
	evcan_log_source_consume_(source, out->used);
	return n;
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
		n = source->len > 0 || source->end ?
		    decode(reader, frames, max) : 0;
		if (n > 0) {
			reader->stats.frames += (uint64_t)n;
			return n;
		}
		if (n < 0)
			return syntax_error(reader, n);
		if (reader->decode.used > 0 && source->len > 0)
			continue;
		if (source->end)
			return 0;
		evcan_error_clear(&reader->error);
		r = evcan_log_source_fill_(source, &reader->error);
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
	stats->bytes = reader->source.offset;
	stats->gaps = reader->decode.gaps;
	stats->lost = reader->decode.lost;
	stats->skipped = reader->decode.skipped;
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

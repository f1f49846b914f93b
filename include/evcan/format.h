/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/format.h - for people who add a log format (ABI 0: may change) */
#ifndef EVCAN_FORMAT_H
#define EVCAN_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_gap;

/** What a decoder is given: bytes of the file that are not consumed yet. */
struct evcan_span {
	const uint8_t *data;
	size_t len;
	uint64_t offset;    /**< of data[0] in the file */
	bool end;           /**< nothing follows data[len - 1] */
};

/** What a decoder tells besides frames; core makes errors and counts of
 *  it. Decoders add to line, skipped, gaps and lost; core empties the rest
 *  before each call. */
struct evcan_decode {
	size_t used;          /**< bytes consumed from the span's front */
	uint64_t line;        /**< kept by text formats: of the next byte */
	uint64_t skipped;     /**< things that are not frames */
	uint64_t gaps, lost;  /**< markers of loss, and frames they tell of */
	/** Why the return value is negative: no file name, no line. */
	struct evcan_error error;
	uint64_t error_line;  /**< or 0: then error_offset is told */
	uint64_t error_offset;
};

/** A growing byte buffer that encoders append to. */
struct evcan_buffer {
	uint8_t *data;
	size_t len, size;
	bool failed;          /**< out of memory: what was appended since is
	                       *   lost, core reports it */
};

/** Room for n bytes at the end, or NULL (failed is then set). */
uint8_t *evcan_buffer_reserve(struct evcan_buffer *buffer, size_t n);
/** n bytes of the reserved room were filled. */
void evcan_buffer_commit(struct evcan_buffer *buffer, size_t n);
void evcan_buffer_append(struct evcan_buffer *buffer, const void *data,
    size_t n);

/** What an encoder tells besides bytes. */
struct evcan_encode {
	uint64_t unfit;       /**< frames it could not hold */
	uint64_t lost[16];    /**< attributes lost, by index in the format's
	                       *   `attributes` */
};

enum evcan_format_flag {
	EVCAN_FORMAT_TEXT = 1   /**< lines: appending begins on a new one */
};

/** A format: one const table, the last thing in its file. States are
 *  allocated zeroed by core and filled from the option rows. */
struct evcan_format {
	const char *name;
	const char *summary;
	const char *suffixes;     /**< blank separated, with dots: ".log" */
	const char *attributes;   /**< blank separated names for `lost` */
	unsigned flags;           /**< enum evcan_format_flag */

	/* Reading; decode NULL: write-only */
	const struct evcan_option *read_options;   /**< offsets into state */
	size_t read_size;
	/** How surely these first bytes (up to 64 KiB) are this format: 0 no,
	 *  100 a magic number. */
	int (*bid)(const uint8_t *data, size_t len);
	/**
	 * Takes up to max frames out of the span. Never looks beyond it; an
	 * unfinished line or object at its end is left unless span->end.
	 * @return frames (0: needs more bytes, or the end), or negative with
	 * out->error: what is faulty is consumed, frames of the same call
	 * before the fault must have been returned by an earlier call
	 * (which may have consumed it already: then `used` is 0 now)
	 */
	int (*decode)(void *state, const struct evcan_span *span,
	    struct evcan_frame *frames, size_t max, struct evcan_decode *out);
	void (*read_done)(void *state);   /**< may be NULL */

	/* Writing; encode NULL: read-only */
	const struct evcan_option *write_options;
	size_t write_size;
	/** Once before anything; appending: what is in the file stays. */
	int (*begin)(void *state, bool appending, struct evcan_buffer *out,
	    struct evcan_error *err);
	int (*encode)(void *state, const struct evcan_frame *frames, size_t n,
	    struct evcan_buffer *out, struct evcan_encode *info);
	/** A marker of loss, if the format has one; may be NULL. */
	int (*encode_gap)(void *state, const char *channel,
	    const struct evcan_gap *gap, struct evcan_buffer *out);
	/** A line of text, if the format has one; may be NULL. */
	int (*encode_event)(void *state, int64_t time_ns, const char *text,
	    struct evcan_buffer *out);
	int (*finish)(void *state, struct evcan_buffer *out);
	void (*write_done)(void *state);   /**< may be NULL */
};

/** The i-th format built in, or NULL past the end; and by name. */
const struct evcan_format *evcan_format_at(size_t i);
const struct evcan_format *evcan_format_find(const char *name);
/** By a file name's suffix, case ignored; NULL if there is none. */
const struct evcan_format *evcan_format_for_name(const char *path,
    bool writing);

/** Rows of the options that every reader and writer has. */
const struct evcan_option *evcan_log_reader_options(void);
const struct evcan_option *evcan_log_writer_options(void);
const struct evcan_option *evcan_player_options(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/format.h - for people who add a log format, here or as a plug-in (ABI
 * 1: grows only at the ends of structures; see evcan/plugin.h) */
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

/** A log that can be read anywhere, for formats with EVCAN_FORMAT_SEEKS. */
struct evcan_file {
	const char *path;   /**< NULL: it has none (a pipe, call-backs ...) */
	uint64_t size;
	/** @return bytes, fewer than n only at the end, or a negative errno */
	int64_t (*read)(void *arg, uint64_t offset, void *buf, size_t n);
	void *arg;
};

/** What a file that is appended to holds already. */
struct evcan_past {
	const uint8_t *head;   /**< its first bytes, up to 64 KiB, unpacked */
	size_t head_len;       /**< 0: it could not be read */
	uint64_t size;         /**< of the whole file, more than 0 */
};

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
	/** Formats that seek: how far in the file they are, for progress. */
	uint64_t position;
	/** A line of text that stands behind the frames of this call: a
	 *  decoder that meets one sets it and returns what it has. */
	bool has_event;
	int64_t event_ns;     /**< as a frame's time_ns */
	char event[1024];     /**< ends in a NUL */
};

/** Sets the event; a longer text is cut, control characters become blanks. */
void evcan_decode_set_event(struct evcan_decode *out, int64_t time_ns,
    const char *text, size_t len);

/** A line of a text format, and where to put what it says. */
struct evcan_line {
	const char *text;           /**< without its end, and without a NUL */
	size_t len;
	struct evcan_frame *frame;  /**< all zero */
	struct evcan_decode *out;   /**< for events, gaps and skipped things */
	const char *why;            /**< what is wrong, a static text ... */
	const char *at;             /**< ... and where in the text; its start
	                             *   unless set */
};

/** A format's grammar. @return 1: the frame is filled; 0: the line has none
 *  (empty, comment, event); negative: it is faulty, line->why says how */
typedef int (*evcan_line_cb)(void *state, struct evcan_line *line);

/** What evcan_decode_lines() keeps between calls: a member of the state. */
struct evcan_lines {
	uint64_t kept[8];
};

/**
 * A whole `decode` of a text format: cuts the span into lines (LF, CR LF, CR),
 * which may be unfinished at its end, and hands each to the grammar. Frames
 * before a fault, and their order with events, are seen to; a byte order mark
 * and NUL bytes are passed over; a line of more than 16 KiB is a fault. A
 * faulty line is told with its number and the column of line->at.
 */
int evcan_decode_lines(struct evcan_lines *lines, evcan_line_cb cb,
    void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out);

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

/** When frames that wait are written. */
struct evcan_pace {
	double interval;   /**< seconds after which one is, at the latest */
	size_t frames;     /**< or as soon as so many wait, and no more at a
	                    *   time (not for formats that hold some back);
	                    *   0: as soon as their bytes fill a block */
};

enum evcan_format_flag {
	EVCAN_FORMAT_TEXT = 1,  /**< lines: appending begins on a new one */
	EVCAN_FORMAT_SEEKS = 2, /**< reads by evcan_file: decode gets empty
	                         *   spans with `end` set, until it gives 0 */
	EVCAN_FORMAT_NO_APPEND = 4,   /**< appending is refused */
	EVCAN_FORMAT_PATH_ONLY = 8    /**< needs a real file: no pipe, no gzip */
};

/** A format: one const table, the last thing in its file. States are
 *  allocated zeroed by core and filled from the option rows. New members come
 *  last, and NULL or 0 in them means what there was before. */
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
	 * Once before decode, after the options are filled; may be NULL.
	 * @param file NULL unless EVCAN_FORMAT_SEEKS; valid until read_done
	 * @return 0, or negative with err (no file name in it); read_done is
	 * called in either case
	 */
	int (*read_begin)(void *state, const struct evcan_file *file,
	    struct evcan_error *err);
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
	/** Once after the options are filled, for formats with options of
	 *  their own for it; `flush_interval` comes before theirs. May be
	 *  NULL. */
	void (*pace)(const void *state, struct evcan_pace *pace);
	/**
	 * Once before anything, after the options are filled.
	 * @param past what is in the file and stays there; NULL: it is new.
	 * What can only be written with the first frame's time (a header with
	 * the start) is better appended by the first encode.
	 */
	int (*begin)(void *state, const struct evcan_past *past,
	    struct evcan_buffer *out, struct evcan_error *err);
	int (*encode)(void *state, const struct evcan_frame *frames, size_t n,
	    struct evcan_buffer *out, struct evcan_encode *info);
	/** A marker of loss, if the format has one; may be NULL. */
	int (*encode_gap)(void *state, const char *channel,
	    const struct evcan_gap *gap, struct evcan_buffer *out);
	/** A line of text, if the format has one; may be NULL. */
	int (*encode_event)(void *state, int64_t time_ns, const char *text,
	    struct evcan_buffer *out);
	/** Formats that gather frames before they append them (containers):
	 *  appends what they hold, so that a reader finds it. May be NULL. */
	int (*flush)(void *state, struct evcan_buffer *out);
	/** Bytes gathered and not appended yet; NULL: always 0. */
	size_t (*held)(const void *state);
	int (*finish)(void *state, struct evcan_buffer *out);
	/** After finish, where the file can seek: appends to an empty buffer
	 *  what shall stand at the file's very beginning instead of what does
	 *  now (totals, end time). @param size of the file. May be NULL. */
	int (*header)(void *state, uint64_t size, struct evcan_buffer *out);

	/*
	 * Formats that own their file (a database) have these three besides,
	 * and EVCAN_FORMAT_PATH_ONLY: what encode appended is handed back to
	 * `store`, in one piece, instead of being written to a file.
	 */
	/** Before begin. @param append false: earlier frames are replaced,
	 *  but nothing else that the file may hold */
	int (*open)(void *state, const char *path, bool append,
	    struct evcan_error *err);
	/** All of it, durably as a file's bytes would be, or nothing.
	 *  @return len, or negative with err: it will be tried again */
	int64_t (*store)(void *state, const void *data, size_t len,
	    struct evcan_error *err);
	/** Brings all to the disk and closes; also after a failure. */
	int (*close)(void *state, struct evcan_error *err);

	void (*write_done)(void *state);   /**< may be NULL */
};

/** The i-th format, those built in first, then those of plug-ins, or NULL past
 *  the end; and by name. From any thread. */
const struct evcan_format *evcan_format_at(size_t i);
const struct evcan_format *evcan_format_find(const char *name);
/** By a file name's suffix, case ignored; NULL if there is none. */
const struct evcan_format *evcan_format_for_name(const char *path,
    bool writing);

/** Rows of the options that every reader and writer has. */
const struct evcan_option *evcan_log_reader_options(void);
const struct evcan_option *evcan_log_writer_options(void);

#ifdef __cplusplus
}
#endif
#endif

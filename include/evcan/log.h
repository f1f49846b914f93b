/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/log.h - log files of every format, read and written */
#ifndef EVCAN_LOG_H
#define EVCAN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>
#include <evcan/listener.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct evcan_error;
struct evcan_options;
struct evcan_log_reader;
struct evcan_log_writer;

/*
 * Options of every reader and writer, besides the format's own: `format`
 * (a name of evcan_format_at(); else by suffix or content). Readers also:
 * `start` (when a log that tells only relative time began). Writers also:
 * `append`, `queue_size` (frames, 65536), `flush_interval` (seconds, 1;
 * pipes and terminals get what there is at once), `close_timeout` (seconds
 * that closing waits for a file that takes nothing, 5), `gzip` (auto: by
 * the suffix .gz), `gzip_level`, and `rotate_size`, `rotate_time`,
 * `rotate_name` (see evcan_log_writer_rotate()).
 *
 * A log compressed with gzip is read like any other, and a name that ends in
 * .gz behind a format's suffix (drive.asc.gz) is written so.
 */

/**
 * Where a log comes from or goes to when it is not a file. All are called
 * in the writer's worker or the reader's thread, and may block. After a
 * writer was closed or freed by its close_timeout while `write` was still
 * running, `close` comes when that returns: arg must live until then.
 * @return bytes done, 0 at the end (read), or a negative errno
 */
struct evcan_log_io {
	int64_t (*read)(void *arg, void *buf, size_t size);
	int64_t (*write)(void *arg, const void *buf, size_t size);
	int (*close)(void *arg);   /**< may be NULL; 0 or a negative errno */
	void *arg;
};

/* Reading */

/** What a reader met so far. */
struct evcan_log_read_stats {
	uint64_t frames;
	uint64_t bytes;           /**< of the file, as far as parsed */
	uint64_t size;            /**< of the file, 0 if not known */
	uint64_t gaps;            /**< markers of loss in the file */
	uint64_t lost;            /**< frames those markers tell of */
	uint64_t errors;          /**< lines or objects passed over */
	uint64_t skipped;         /**< CAN XL and other things not frames */
	uint64_t events;          /**< lines of text, markers */
};

/**
 * Opens a log: the format is known by content, the suffix breaks ties.
 * @param path a file, or "-" for standard input
 * @param options copied; NULL: none
 * @return NULL with err: no such file, no known format (err lists those
 * there are), a wrong option
 */
struct evcan_log_reader *evcan_log_reader_new(const char *path,
    const struct evcan_options *options, struct evcan_error *err);

/** From an open fd, which the reader closes. @param name for suffix and
 *  errors, may be NULL */
struct evcan_log_reader *evcan_log_reader_new_fd(int fd, const char *name,
    const struct evcan_options *options, struct evcan_error *err);

/** From call-backs; io is copied. */
struct evcan_log_reader *evcan_log_reader_new_io(
    const struct evcan_log_io *io, const char *name,
    const struct evcan_options *options, struct evcan_error *err);

/** Closes the log and releases its reader. NULL is ignored. */
void evcan_log_reader_free(struct evcan_log_reader *reader);

/**
 * Reads up to max frames; waits for the file (not for use on a loop with a
 * slow file: see evcan/player.h, which reads ahead).
 * @return the number, 0 at the end, or a negative code (first the frames
 * before the fault, then the code, once; reading may go on after
 * EVCAN_ERR_SYNTAX): evcan_log_reader_error() tells it. EVCAN_ERR_NOT_FOUND
 * comes at the end of a log none of whose lines the format given for it knows.
 */
int evcan_log_reader_read(struct evcan_log_reader *reader,
    struct evcan_frame *frames, size_t max);

/**
 * A line of text or a marker in the log, in its place among the frames:
 * called inside evcan_log_reader_read(), between the frames of one call and
 * the next. The reader must not be read, rewound or freed in it.
 * @param time_ns as a frame's, from the same clock
 */
typedef void (*evcan_log_event_cb)(struct evcan_log_reader *reader,
    int64_t time_ns, const char *text, void *arg);
void evcan_log_reader_set_event_cb(struct evcan_log_reader *reader,
    evcan_log_event_cb cb, void *arg);

/** The last error; its text has "file:line: ". Borrowed. */
const struct evcan_error *evcan_log_reader_error(
    const struct evcan_log_reader *reader);

/** Counters now. */
void evcan_log_reader_get_stats(const struct evcan_log_reader *reader,
    struct evcan_log_read_stats *stats);

/** The format's name and the log's. */
const char *evcan_log_reader_format(const struct evcan_log_reader *reader);
const char *evcan_log_reader_name(const struct evcan_log_reader *reader);

/** Goes back to the start (for loops); counters but `bytes` go on.
 *  @return 0, EVCAN_ERR_UNSUPPORTED when it cannot seek, EVCAN_ERR_NOMEM */
int evcan_log_reader_rewind(struct evcan_log_reader *reader);

/* Writing */

/** What a writer did so far. */
struct evcan_log_write_stats {
	uint64_t accepted;        /**< frames taken */
	uint64_t written;         /**< frames handed to the file */
	uint64_t dropped;         /**< of live buses, not taken: queue full */
	uint64_t unfit;           /**< frames the format could not hold */
	uint64_t bytes;           /**< written */
	uint64_t queued;          /**< accepted and not yet written */
	uint64_t queue_peak;
	uint64_t gaps;            /**< gaps told to it */
	uint64_t files;           /**< files ended by rotation */
	int64_t last_write_ns;    /**< Unix time of the last write, 0: none */
	bool failed;              /**< the file refuses (disk full ...); frames
	                           *   are kept and writing is tried again */
};

/**
 * Makes a writer; the format follows from the suffix.
 * @param base with a loop, a worker thread writes and the loop never waits
 * for the disk; without, frames are written by the calls themselves
 * @param path a file (truncated unless `append`; never unlinked), or "-"
 * for standard output
 * @return NULL with err: unknown suffix (err lists the formats), file not
 * writable, wrong option
 */
struct evcan_log_writer *evcan_log_writer_new(struct event_base *base,
    const char *path, const struct evcan_options *options,
    struct evcan_error *err);

/** To an open fd, which the writer closes. */
struct evcan_log_writer *evcan_log_writer_new_fd(struct event_base *base,
    int fd, const char *name, const struct evcan_options *options,
    struct evcan_error *err);

/** To call-backs; io is copied. */
struct evcan_log_writer *evcan_log_writer_new_io(struct event_base *base,
    const struct evcan_log_io *io, const char *name,
    const struct evcan_options *options, struct evcan_error *err);

/** Its listener, owned by the writer: attach it to a notifier. */
struct evcan_listener *evcan_log_writer_listener(
    struct evcan_log_writer *writer);

/** Takes frames. @return how many; fewer than n: queue full (see
 *  evcan_listener_ready()); negative: EVCAN_ERR_STATE (closing), or without
 *  a base the error of the file */
int evcan_log_writer_write(struct evcan_log_writer *writer,
    const struct evcan_frame *frames, size_t n);

/** Writes a line of text where the format can hold one.
 *  @return 0, EVCAN_ERR_UNSUPPORTED, EVCAN_ERR_FULL */
int evcan_log_writer_event(struct evcan_log_writer *writer,
    const char *text);
/** The same with a time of its own, on the clock of the frames. */
int evcan_log_writer_event_at(struct evcan_log_writer *writer,
    int64_t time_ns, const char *text);

/** Asks that everything taken so far be written soon. */
int evcan_log_writer_flush(struct evcan_log_writer *writer);

/** Closes the file after what is queued and opens it again by its path
 *  (after another program renamed it; one that nobody moved goes on).
 *  @return 0 or EVCAN_ERR_UNSUPPORTED (not a path) */
int evcan_log_writer_reopen(struct evcan_log_writer *writer);

/**
 * Ends the file after what is queued, renames it and goes on in a new one
 * under the old name, as python-can's SizedRotatingLogger does; no frame is
 * lost at the seam. It happens by itself when the file has reached
 * `rotate_size` bytes or spans `rotate_time` seconds (of the frames' time or
 * of the clock's, whichever comes first).
 *
 * The file's new name follows from `rotate_name`, in the file's directory:
 * "{stem}_{time}_#{count}{suffix}" unless told otherwise, which gives
 * python-can's names (drive_2026-11-20T101530_#000.blf). An existing file is
 * never replaced: the count goes on until a name is free. A file that cannot
 * be renamed is told as an error and written on under its old name (one that
 * cannot be appended to waits); renaming is tried again, a minute apart in
 * the end.
 * @return 0 or EVCAN_ERR_UNSUPPORTED (not a path)
 */
int evcan_log_writer_rotate(struct evcan_log_writer *writer);

/** Called on the loop for each file that rotation ended; without a base, in
 *  the call that ended it.
 *  @param path its new name, whole on the disk by now; borrowed */
typedef void (*evcan_log_rotate_cb)(struct evcan_log_writer *writer,
    const char *path, void *arg);
void evcan_log_writer_set_rotate_cb(struct evcan_log_writer *writer,
    evcan_log_rotate_cb cb, void *arg);

/**
 * @param err NULL: all frames taken are written and synced; else why not
 */
typedef void (*evcan_log_closed_cb)(struct evcan_log_writer *writer,
    const struct evcan_error *err, void *arg);

/**
 * Writes what is queued, syncs and closes; then calls cb (on the loop; with
 * no base before returning). A file that takes not one byte more for
 * `close_timeout` is given up: err then tells how many frames were left.
 * @return 0, or EVCAN_ERR_STATE if closing already
 */
int evcan_log_writer_close(struct evcan_log_writer *writer,
    evcan_log_closed_cb cb, void *arg);

/** Closes if need be, waiting at most `close_timeout`, logs what it left,
 *  and releases it. Legal in call-backs. */
void evcan_log_writer_free(struct evcan_log_writer *writer);

/** Counters now. */
void evcan_log_writer_get_stats(const struct evcan_log_writer *writer,
    struct evcan_log_write_stats *stats);

/** Called on the loop when writing fails, and again (err NULL) when it
 *  works again. */
typedef void (*evcan_log_error_cb)(struct evcan_log_writer *writer,
    const struct evcan_error *err, void *arg);
void evcan_log_writer_set_error_cb(struct evcan_log_writer *writer,
    evcan_log_error_cb cb, void *arg);

/** The last error, all zero if none; the format's name and the log's.
 *  Borrowed. */
const struct evcan_error *evcan_log_writer_error(
    const struct evcan_log_writer *writer);
const char *evcan_log_writer_format(const struct evcan_log_writer *writer);
const char *evcan_log_writer_name(const struct evcan_log_writer *writer);

/**
 * Attributes that frames lost because the format has no place for them.
 * @return the i-th name ("channel", "brs", ...) with its count, or NULL
 */
const char *evcan_log_writer_lost(const struct evcan_log_writer *writer,
    size_t i, uint64_t *count);

#ifdef __cplusplus
}
#endif
#endif

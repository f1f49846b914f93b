/* SPDX-License-Identifier: BSD-3-Clause */
/* log_sink.h - frames to bytes to a file; used by one thread at a time */
#ifndef EVCAN_LOG_SINK_H
#define EVCAN_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <evcan/format.h>
#include <evcan/listener.h>
#include <evcan/log.h>

#include "codec.h"
#include "log_file.h"
#include "log_registry.h"
#include "log_tally.h"

/* Bytes that are gathered before they are written. */
#define EVCAN_LOG_BLOCK 262144
/* Frames encoded at a time. */
#define EVCAN_LOG_BATCH 256

/* What becomes of the file once all that is pending is in it. */
enum evcan_log_turn_ {
	EVCAN_LOG_STAY,
	EVCAN_LOG_REOPEN,   /* closed, and its path is opened again */
	EVCAN_LOG_ROTATE,   /* and it gets another name before that */
	EVCAN_LOG_RENEW     /* it has its new name */
};

/* The name of a file that rotation ended. */
struct evcan_log_ended_ {
	struct evcan_log_ended_ *next;
	char *path;
};
void evcan_log_ended_free_(struct evcan_log_ended_ *ended);
/* Puts the second list behind the first. */
void evcan_log_ended_join_(struct evcan_log_ended_ **list,
    struct evcan_log_ended_ *more);

/* The file that is open, or was last. */
struct evcan_log_part_ {
	dev_t dev;
	ino_t ino;
	bool regular;             /* a file: synced, appended to, rotated */
	bool lively;              /* a pipe, terminal ...: somebody waits */
	bool whole;               /* from its first byte on it is ours */
	bool finished;            /* the format's last bytes are there */
	uint64_t past;            /* bytes it had when it was opened */
	uint64_t bytes;           /* written to it */
	uint64_t disk;            /* bytes it has, if the format owns it */
	uint64_t frames;          /* encoded for it */
	int64_t first_ns;         /* of its first frame */
	uint8_t first_clock;
	int64_t rotate_at;        /* monotonic; 0: not by time */
};

struct evcan_log_sink_ {
	char *name;               /* for errors */
	char *path;               /* NULL: an fd or call-backs were given */
	struct evcan_options *options;
	struct evcan_log_writer_options_ common;
	const struct evcan_format *format;
	void *state;
	void *fresh;              /* the state before `begin`, for reopening */
	struct evcan_pace pace;

	struct evcan_log_io io;   /* used when has_io */
	bool has_io;
	int fd;                   /* -1: not open (yet) */
	bool has_store;           /* the format's own file is open */
	bool wait;                /* no worker: see evcan_log_target_ */
	bool waiting;             /* the fd takes nothing now: poll it, or
	                           * (fd -1) a FIFO that nobody reads yet */
	enum evcan_log_turn_ turn;
	struct evcan_log_part_ part;
	uint64_t count;           /* of the next file's name */
	int64_t rename_at;        /* monotonic; 0: no rename is owed */
	int64_t rename_pause;     /* after which it is tried again */
	struct evcan_log_ended_ *ended;   /* to be told */

	struct evcan_buffer out;
	struct evcan_deflater_ *deflater;   /* NULL: no gzip */
	struct evcan_buffer packed;         /* what is written with gzip */
	size_t sent;              /* bytes of `out`, or packed, in the file */
	struct evcan_encode info;
	struct evcan_log_tally_ tally;
	uint64_t encoded;         /* frames passed through the encoder */
	uint64_t written;         /* of those, in the file */
	uint64_t bytes;
	uint64_t files;           /* ended by rotation */
	int64_t last_write_ns;
};

/* What a sink is made of; exactly one of path, io and fd. */
struct evcan_log_target_ {
	const char *path;
	const struct evcan_log_io *io;
	int fd;
	const char *name;
	bool wait;     /* no worker: a write may wait for a slow reader */
};

/* Checks the options, then opens. An fd or io is taken over, also when it
 * fails. @return 0 or negative with err */
int evcan_log_sink_init_(struct evcan_log_sink_ *sink,
    const struct evcan_log_target_ *target,
    const struct evcan_options *options, struct evcan_error *err);
/* The same up to the opening: what can be known to be wrong before a file is
 * touched. @return 0 or negative with err */
int evcan_log_sink_check_(const char *path,
    const struct evcan_options *options, struct evcan_error *err);
/* Closes what is still open, without a word. */
void evcan_log_sink_destroy_(struct evcan_log_sink_ *sink);

/* Whether frames may be appended: a path that is to be opened (again) gets
 * its first bytes before any frame. */
bool evcan_log_sink_is_open_(const struct evcan_log_sink_ *sink);
/* Whether there is something to write to, also if that is to end. */
bool evcan_log_sink_has_file_(const struct evcan_log_sink_ *sink);
/* Whether rotation is possible at all. */
bool evcan_log_sink_can_rotate_(const struct evcan_log_sink_ *sink);

/* Frames that may be encoded before what is pending has to be written. */
size_t evcan_log_sink_room_(const struct evcan_log_sink_ *sink);
/* Bytes that wait to be written. */
size_t evcan_log_sink_pending_(const struct evcan_log_sink_ *sink);
/* Bytes that the format holds back until it is flushed. */
size_t evcan_log_sink_held_(const struct evcan_log_sink_ *sink);
/* When the file ends by the clock, whatever comes; 0: not. */
int64_t evcan_log_sink_rotate_at_(const struct evcan_log_sink_ *sink);

/*
 * These append to what is pending; NOMEM: nothing was appended. They are
 * for an open sink, and may leave it to be opened again.
 */
/* @param taken frames that were: not all at the end of a file */
int evcan_log_sink_frames_(struct evcan_log_sink_ *sink,
    const struct evcan_frame *frames, size_t n, size_t *taken,
    struct evcan_error *err);
int evcan_log_sink_gap_(struct evcan_log_sink_ *sink, const char *channel,
    const struct evcan_gap *gap, struct evcan_error *err);
int evcan_log_sink_event_(struct evcan_log_sink_ *sink, int64_t time_ns,
    const char *text, struct evcan_error *err);
int evcan_log_sink_flush_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);
int evcan_log_sink_finish_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);
/* Asks for evcan_log_sink_write_() to open the path again behind what is
 * pending (REOPEN), under a new name for the old file (ROTATE). */
int evcan_log_sink_turn_(struct evcan_log_sink_ *sink,
    enum evcan_log_turn_ turn, struct evcan_error *err);

/* Writes what is pending, once, and opens what is to be opened; `waiting`
 * tells that more must be tried later. @return 0, or negative with err:
 * pending stays pending */
int evcan_log_sink_write_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);
/* Completes, syncs and closes. @return 0 or negative with err; it is closed
 * then too */
int evcan_log_sink_close_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);

/* Between the files of the sink: two of them stand on log_sink_file.c */

/* The format's reason behind the log's name. @return code */
int evcan_log_sink_blame_(const struct evcan_log_sink_ *sink, int code,
    const struct evcan_error *why, struct evcan_error *err);
/* What appended under the rule that a failure leaves nothing behind.
 * @param r of the format's function @param why its reason, or NULL */
int evcan_log_sink_appended_(struct evcan_log_sink_ *sink, size_t before,
    int r, const struct evcan_error *why, struct evcan_error *err);
/* Opens the path, unless an fd or io was given, and appends its first bytes.
 * @return 0 (perhaps `waiting`), or negative with err: it is closed again,
 * or was never open */
int evcan_log_sink_open_(struct evcan_log_sink_ *sink,
    enum evcan_log_open_ how, struct evcan_error *err);
/* Ends what is open. @return 0 or negative with err; it is closed then too */
int evcan_log_sink_end_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);
/* Opens what comes behind a file that ended. @return as open */
int evcan_log_sink_next_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* log_sink.h - frames to bytes to a file; used by one thread at a time */
#ifndef EVCAN_LOG_SINK_H
#define EVCAN_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>
#include <evcan/listener.h>
#include <evcan/log.h>

#include "log_registry.h"

/* Bytes that are gathered before they are written. */
#define EVCAN_LOG_BLOCK 262144
/* Frames encoded at a time. */
#define EVCAN_LOG_BATCH 256

struct evcan_log_sink_ {
	char *name;               /* for errors */
	char *path;               /* NULL: an fd or call-backs were given */
	struct evcan_options *options;
	struct evcan_log_writer_options_ common;
	const struct evcan_format *format;
	void *state;
	void *fresh;              /* the state before `begin`, for reopening */

	struct evcan_log_io io;   /* used when has_io */
	bool has_io;
	int fd;                   /* -1: not open (yet) */
	bool regular;             /* a file: synced, appended to */
	bool wait;                /* no worker: see evcan_log_target_ */
	bool lively;              /* a pipe, terminal ...: somebody waits */
	bool waiting;             /* the fd takes nothing now: poll it, or
	                           * (fd -1) a FIFO that nobody reads yet */
	bool reopening;           /* close and open again once all is out */

	struct evcan_buffer out;
	size_t sent;              /* bytes of `out` that are in the file */
	struct evcan_encode info;
	uint64_t encoded;         /* frames passed through the encoder */
	uint64_t written;         /* of those, in the file */
	uint64_t bytes;
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
/* Closes what is still open, without a word. */
void evcan_log_sink_destroy_(struct evcan_log_sink_ *sink);

/* Whether frames may be appended: a path that is to be opened (again) gets
 * its first bytes before any frame. */
bool evcan_log_sink_is_open_(const struct evcan_log_sink_ *sink);

/* Bytes that wait to be written. */
size_t evcan_log_sink_pending_(const struct evcan_log_sink_ *sink);

/* These append to what is pending; NOMEM: nothing was appended. */
int evcan_log_sink_frames_(struct evcan_log_sink_ *sink,
    const struct evcan_frame *frames, size_t n, struct evcan_error *err);
int evcan_log_sink_gap_(struct evcan_log_sink_ *sink, const char *channel,
    const struct evcan_gap *gap, struct evcan_error *err);
int evcan_log_sink_event_(struct evcan_log_sink_ *sink, int64_t time_ns,
    const char *text, struct evcan_error *err);
int evcan_log_sink_finish_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);

/* Writes what is pending, once; `waiting` tells that more must be tried
 * later. @return 0, or negative with err: pending stays pending */
int evcan_log_sink_write_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);
/* Asks for evcan_log_sink_write_() to open the path again behind what is
 * pending. @return 0 or negative with err */
int evcan_log_sink_reopen_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);
/* Syncs and closes. @return 0 or negative with err; it is closed then too */
int evcan_log_sink_close_(struct evcan_log_sink_ *sink,
    struct evcan_error *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* log_worker.h - the thread that writes one log for its loop */
#ifndef EVCAN_LOG_WORKER_H
#define EVCAN_LOG_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/error.h>
#include <evcan/log.h>

#include "log_sink.h"

struct evcan_log_worker_;

/* What the worker tells its loop. */
struct evcan_log_news_ {
	bool failed;               /* the file refuses, see error */
	bool changed;              /* `failed` is new since the last call */
	bool ready;                /* there is room again after a full queue */
	bool closed;
	struct evcan_error error;  /* why it fails, or how it was closed */
	struct evcan_log_ended_ *ended;   /* the taker's to free */
};

/* Starts the thread, which takes the sink over. On failure the sink is the
 * caller's still. @return NULL with err */
struct evcan_log_worker_ *evcan_log_worker_new_(
    const struct evcan_log_sink_ *sink, struct evcan_error *err);

/* Readable when there is news. */
int evcan_log_worker_fd_(const struct evcan_log_worker_ *worker);
void evcan_log_worker_news_(struct evcan_log_worker_ *worker,
    struct evcan_log_news_ *news);

/* None of these waits. Frames: @return how many were taken. */
size_t evcan_log_worker_frames_(struct evcan_log_worker_ *worker,
    const struct evcan_frame *frames, size_t n);
/* A marker behind the frames taken so far. @return 0, NOMEM or FULL */
int evcan_log_worker_gap_(struct evcan_log_worker_ *worker,
    const char *channel, const struct evcan_gap *gap);
int evcan_log_worker_event_(struct evcan_log_worker_ *worker,
    int64_t time_ns, const char *text);
/* Ends the file behind the frames taken so far: REOPEN or ROTATE. */
int evcan_log_worker_turn_(struct evcan_log_worker_ *worker,
    enum evcan_log_turn_ turn);
void evcan_log_worker_flush_(struct evcan_log_worker_ *worker);
/* Write all, finish, sync, close; then news->closed. */
void evcan_log_worker_close_(struct evcan_log_worker_ *worker);

void evcan_log_worker_stats_(struct evcan_log_worker_ *worker,
    struct evcan_log_write_stats *stats);
uint64_t evcan_log_worker_lost_(struct evcan_log_worker_ *worker, size_t i);

/* Waits until it is closed, for at most this long. @return whether it is */
bool evcan_log_worker_wait_(struct evcan_log_worker_ *worker,
    double seconds);
/* Lets go of it. A thread that is not closed by now, held by its file, is
 * left alone: it writes no more and releases everything when it gets free. */
void evcan_log_worker_release_(struct evcan_log_worker_ *worker);

#endif

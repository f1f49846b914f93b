/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/sync.h - when the frames of a log are due: python-can's MessageSync */
#ifndef EVCAN_SYNC_H
#define EVCAN_SYNC_H

#include <stdint.h>

#include <evcan/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_error;
struct evcan_options;

/*
 * One absolute schedule on CLOCK_MONOTONIC from the first frame on, for those
 * who pull frames from a log (evcan_log_reader_read()) and do with them what
 * they like. evcan_player is this, a log and a bus.
 */
struct evcan_sync;

/**
 * @param options `timestamps` (true; false: each frame, also the first, `gap`
 * after the one before), `gap` (s, 0.0001), `skip` (s, 60: a longer wait is
 * shortened to this; 0: never), `speed` (1); NULL: these
 * @return NULL with err: a wrong value, out of memory
 */
struct evcan_sync *evcan_sync_new(const struct evcan_options *options,
    struct evcan_error *err);
void evcan_sync_free(struct evcan_sync *sync);

/** Begins anew with the next frame. */
void evcan_sync_restart(struct evcan_sync *sync);

/**
 * When the next frame of the log is due (CLOCK_MONOTONIC ns); to be asked
 * once for each frame, in order. One without a time, or whose time lies back,
 * is due with the one before.
 * @param now_ns the same clock; the first frame is due then
 */
int64_t evcan_sync_due(struct evcan_sync *sync,
    const struct evcan_frame *frame, int64_t now_ns);

/** The same, and sleeps until then: for programs without a loop.
 *  @return 0, or EVCAN_ERR_OPERATION when a signal ended the sleep; a second
 *  call with the same frame then sleeps on */
int evcan_sync_wait(struct evcan_sync *sync,
    const struct evcan_frame *frame);

#ifdef __cplusplus
}
#endif
#endif

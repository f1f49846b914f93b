/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/player.h - a log's frames in their own time */
#ifndef EVCAN_PLAYER_H
#define EVCAN_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include <evcan/bus.h>
#include <evcan/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sends a log on a bus on one absolute schedule, so that it does not drift.
 * Options (python-can's player): `ignore_timestamps` (false), `gap` (s,
 * 0.0001, between frames when timestamps are ignored), `skip` (s, 86400: a
 * longer pause is shortened to this; 0: never), `error_frames` (false),
 * `loop` (1; 0: for ever), `speed` (1.0). Others go to the log's reader.
 *
 * Frames that are due together go to the bus together. A bus that is full, or
 * gone and to be opened again, is waited for, and what is late then is sent at
 * once; one that is closed ends the play. Frames with no time, or one that
 * lies back, are sent at once. A later round begins when the last one ended;
 * a round that sent nothing is the last. Faulty lines are passed over: see
 * evcan_player_get_log_stats().
 */
struct evcan_player;

struct evcan_player_stats {
	uint64_t read;          /**< frames read from the log */
	uint64_t sent;          /**< taken by the bus */
	uint64_t passed_over;   /**< error frames and requests, not sent */
	uint64_t refused;       /**< the bus cannot carry them (FD ...) */
	uint64_t late;          /**< sent more than 1 ms after their time */
	int64_t worst_late_ns;
	uint64_t rounds;        /**< times through the log */
};

/**
 * @param path as for evcan_log_reader_new(); read ahead by a worker
 * @param to borrowed; must have a base and outlive the player
 * @return NULL with err: as for the reader, or a wrong option
 */
struct evcan_player *evcan_player_new(struct evcan_bus *to, const char *path,
    const struct evcan_options *options, struct evcan_error *err);

/** Stops it, without a call-back, and releases it; legal in call-backs. */
void evcan_player_free(struct evcan_player *player);

/** @param err NULL: played to the end; else why it ended */
typedef void (*evcan_player_done_cb)(struct evcan_player *player,
    const struct evcan_error *err, void *arg);

/** Starts, or starts again after the end. The first frame goes at once.
 *  cb, which may be NULL, is never called from inside.
 *  @return 0, or EVCAN_ERR_STATE when it is playing */
int evcan_player_start(struct evcan_player *player, evcan_player_done_cb cb,
    void *arg);

/** Ends it; the done call-back is not called. */
void evcan_player_stop(struct evcan_player *player);

/** Whether it was started and has not come to its end. */
bool evcan_player_playing(const struct evcan_player *player);

/** Counters now. */
void evcan_player_get_stats(const struct evcan_player *player,
    struct evcan_player_stats *stats);

/** Of the log underneath: errors and bytes. */
void evcan_player_get_log_stats(const struct evcan_player *player,
    struct evcan_log_read_stats *stats);

/** Also shows each frame sent to a listener (with bus NULL). Borrowed. */
void evcan_player_set_monitor(struct evcan_player *player,
    struct evcan_listener *listener);

#ifdef __cplusplus
}
#endif
#endif

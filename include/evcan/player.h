/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/player.h - logs' frames in their own time */
#ifndef EVCAN_PLAYER_H
#define EVCAN_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/bus.h>
#include <evcan/filter.h>
#include <evcan/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sends one log, or several merged by time, on buses, on one absolute
 * schedule of CLOCK_MONOTONIC: it does not drift, however long the log, and
 * no step of the system's time changes it. Options (python-can's player):
 * `ignore_timestamps` (false), `gap` (s, 0.0001, between frames when
 * timestamps are ignored), `skip` (s, 86400: a longer pause is shortened to
 * this; 0: never), `error_frames` (false), `loop` (1; 0: for ever), `speed`
 * (1.0); and `from`, `until` (s since the log's start, until 0: its end: only
 * what lies at or after the one and before the other is played), `align` (of
 * several logs: "time", as they were recorded, "start", all begin together;
 * logs that tell no date begin together with the first), `paused` (false:
 * begins at once). Others go to the logs' readers.
 *
 * Frames that are due together go to the bus together. A bus that is full, or
 * gone and to be opened again, is waited for, all others with it, and what is
 * late then is sent at once; one that is closed ends the play. Each bus gets
 * its frames in the log's order; between buses frames that are due by now may
 * change places. Frames with no time, or one that lies back, are sent at
 * once. A later round begins when the last one ended; a round that sent
 * nothing is the last. Faulty lines are passed over: see
 * evcan_player_get_log_stats(). An error of one log ends the play.
 */
struct evcan_player;

struct evcan_player_stats {
	uint64_t read;          /**< frames read from the logs */
	uint64_t sent;          /**< taken by the buses */
	uint64_t passed_over;   /**< not sent: error frames and requests, what
	                         *   filters, window or map leave out */
	uint64_t refused;       /**< the bus cannot carry them (FD ...) */
	uint64_t late;          /**< sent more than 1 ms after their time */
	int64_t worst_late_ns;  /**< timing errors of the frames sent: from
	                         *   their time until the bus had them; steps
	                         *   do not count */
	int64_t p50_late_ns, p99_late_ns;   /**< within a fifth */
	uint64_t rounds;        /**< times through the log */
	uint64_t flow_stops;    /**< times a bus without room was waited for */
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

/**
 * One log more, merged with the others by time; of frames of one time those
 * of the log that was given first go first. Not while it plays.
 * @param options for its reader; NULL: those the player was made with
 * @return 0, or negative with err: as for the reader; EVCAN_ERR_STATE
 */
int evcan_player_add_file(struct evcan_player *player, const char *path,
    const struct evcan_options *options, struct evcan_error *err);

/**
 * Sends the frames of a log's channel on another bus; each channel's last
 * mapping counts. Not while it plays.
 * @param channel as evcan_channel_name() gives it; NULL: all that are not
 * mapped (at first: to the player's bus)
 * @param to of the same base, borrowed; NULL: they are passed over
 * @return 0, or with err EVCAN_ERR_STATE, EVCAN_ERR_INVALID, EVCAN_ERR_NOMEM,
 * or EVCAN_ERR_FULL (see evcan_channel_intern())
 */
int evcan_player_map(struct evcan_player *player, const char *channel,
    struct evcan_bus *to, struct evcan_error *err);

/** Plays only what passes; n 0: everything. Legal while it plays; up to 256
 *  frames that come next were chosen before. @return 0 or negative with err */
int evcan_player_set_filters(struct evcan_player *player,
    const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join, struct evcan_error *err);

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

/** Holds it where it is; the schedule waits, too, and nothing is late for
 *  it. Both do nothing if it is so already; legal in call-backs. */
void evcan_player_pause(struct evcan_player *player);
void evcan_player_resume(struct evcan_player *player);
bool evcan_player_paused(const struct evcan_player *player);

/** Pauses it, and sends the next n frames that are to be sent, at once,
 *  whatever their times; resumed, it goes on from the last of them. Legal in
 *  call-backs. @return 0, or EVCAN_ERR_STATE if it does not play */
int evcan_player_step(struct evcan_player *player, size_t n);

/** From here on, without a jump. Legal in call-backs.
 *  @param speed 1e-6 to 1e6 @return 0 or EVCAN_ERR_INVALID */
int evcan_player_set_speed(struct evcan_player *player, double speed);
double evcan_player_get_speed(const struct evcan_player *player);

/** Where it is: ns of the log's time since its start, the earliest first
 *  frame; between two frames it goes on with the time. */
int64_t evcan_player_position(const struct evcan_player *player);

/** Counters now; timing since the last start. */
void evcan_player_get_stats(const struct evcan_player *player,
    struct evcan_player_stats *stats);

/** Of the logs underneath, summed: errors and bytes. */
void evcan_player_get_log_stats(const struct evcan_player *player,
    struct evcan_log_read_stats *stats);

/** Also shows each frame sent to a listener (with bus NULL, and the channel
 *  of the bus it went to). Borrowed; NULL: nobody. */
void evcan_player_set_monitor(struct evcan_player *player,
    struct evcan_listener *listener);

/** Its option rows. */
const struct evcan_option *evcan_player_options(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* player_internal.h - struct evcan_player, shared by player*.c */
#ifndef EVCAN_PLAYER_INTERNAL_H
#define EVCAN_PLAYER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>
#include <evcan/player.h>

#include "bus_internal.h"
#include "clock.h"
#include "lateness.h"
#include "schedule.h"

struct event;
struct evcan_filters;
struct evcan_options;
struct evcan_read_ahead_;

enum { EVCAN_ALIGN_TIME_, EVCAN_ALIGN_START_ };

struct evcan_player_options_ {
	bool ignore_timestamps, error_frames, paused;
	double gap, skip, speed, from, until;
	int64_t loop;
	int align;
};

/* What the sources say beside frames. */
enum evcan_source_state_ {
	EVCAN_SOURCE_LATER_,    /* nothing yet: its thread reads */
	EVCAN_SOURCE_READY_,
	EVCAN_SOURCE_ROUND_,    /* one round is through */
	EVCAN_SOURCE_END_       /* all are, or an error */
};

/* A log, and where in it the merge stands. */
struct evcan_source_ {
	struct evcan_player *player;
	struct evcan_read_ahead_ *ahead;
	struct event *more;           /* it has frames again */
	enum evcan_source_state_ state;
	const struct evcan_frame *frames;   /* peeked, of which `used` ... */
	int n, used;                        /* ... are done with */
	int64_t shift_ns;             /* from its time to the merge's */
	bool placed;                  /* shift_ns is known */
	int64_t last_ns;              /* of its last frame, merged time */
};

/* A bus that frames go to. */
struct evcan_target_ {
	struct evcan_bus *bus;
	struct evcan_waiter_ waiter;
};

/* Where a channel's frames go: passed over, or to a target's number from
 * EVCAN_ROUTE_TARGET_ on. */
enum { EVCAN_ROUTE_UNSET_, EVCAN_ROUTE_NONE_, EVCAN_ROUTE_TARGET_ };

/* A frame that waits to be sent, beside the frame itself. */
struct evcan_pending_ {
	int64_t due_ns;       /* CLOCK_MONOTONIC */
	int64_t log_ns;       /* merged time */
	uint16_t target;
	uint8_t fate;         /* while it is being sent */
};

struct evcan_player {
	struct evcan_clock_ *clock;
	struct evcan_timer_ timer;
	struct evcan_listener *monitor;
	evcan_player_done_cb done_cb;
	void *done_arg;
	struct evcan_player_options_ options;
	struct evcan_options *reader_options;   /* for logs added later */
	struct evcan_filters *filters;
	int64_t from_ns, until_ns;              /* the window */

	/* The merge: player_source.c */
	struct evcan_source_ **sources;
	size_t n_sources;
	const struct evcan_source_ *failed;     /* whose error ended it */
	bool placed;                  /* the sources' shifts are known */
	bool cut;                     /* this round shall end here */
	bool over;                    /* and it was the last */
	int64_t start_ns;             /* merged time of the first frame */
	uint64_t round;               /* of this play, from 0 */

	/* The buses: player_route.c */
	struct evcan_target_ *targets;
	size_t n_targets;
	uint16_t *routes;             /* by channel */
	size_t n_routes;
	uint16_t fallback;            /* the route of all others */

	/* The frames that come next, in merged order: `count` of them, from
	 * `head` on. */
	struct evcan_frame frames[EVCAN_BATCH];
	struct evcan_pending_ pending[EVCAN_BATCH];
	int head, count;
	struct evcan_frame row[EVCAN_BATCH];    /* those of one bus */

	struct evcan_schedule_rules_ rules;
	struct evcan_schedule_ schedule;
	struct evcan_lateness_ lateness;
	struct evcan_player_stats stats;
	uint64_t round_sent;
	int64_t sent_due_ns, sent_log_ns;       /* of the last one sent */

	bool playing;
	bool paused;
	int64_t paused_ns;            /* where the player's time stands then */
	size_t steps;                 /* to be sent though it is paused */
	unsigned play;                /* changes when it is started or ended */
	int holds;                    /* call-backs that it is in */
	bool freed;
};

/* player_options.c */
/* Takes the player's own options out of the store. */
int evcan_player_take_options_(struct evcan_player *player,
    struct evcan_options *options, struct evcan_error *err);

/* player_source.c */
int evcan_player_source_new_(struct evcan_player *player, const char *path,
    const struct evcan_options *options, struct evcan_error *err);
void evcan_player_sources_free_(struct evcan_player *player);
/* All from the start. @return 0 or negative, nothing is started then */
int evcan_player_sources_start_(struct evcan_player *player);
void evcan_player_sources_stop_(struct evcan_player *player);
/* The source whose frames come next, and how many of them do before those
 * of another. Only EVCAN_SOURCE_READY_ sets them. */
enum evcan_source_state_ evcan_player_peek_(struct evcan_player *player,
    struct evcan_source_ **source, int *n);
/* Takes one of them: in the log's ring, until the next peek.
 * @param log_ns its merged time */
const struct evcan_frame *evcan_player_take_(struct evcan_source_ *source,
    int64_t *log_ns);
/* After EVCAN_SOURCE_ROUND_: on with the next. */
void evcan_player_next_round_(struct evcan_player *player);
/* After EVCAN_SOURCE_END_: why, or NULL. */
const struct evcan_error *evcan_player_source_error_(
    const struct evcan_player *player);

/* player_route.c */
/* @return its number, or negative: out of memory */
int evcan_player_target_(struct evcan_player *player, struct evcan_bus *bus);
/* Where frames of a channel go, by the map. */
uint16_t evcan_player_route_(const struct evcan_player *player,
    uint16_t channel);

/* player_run.c */
/* Goes on as far as is due; may end the play and release the player. */
void evcan_player_run_(struct evcan_player *player);
/* Ends the play without a call-back. */
void evcan_player_halt_(struct evcan_player *player);
/* The loop shall run it soon. */
void evcan_player_kick_(struct evcan_player *player);
/* Releases it if it was freed and is in no call-back. */
void evcan_player_release_(struct evcan_player *player);
/* Its own time: stands still while it is paused. */
int64_t evcan_player_now_(const struct evcan_player *player);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* read_ahead.h - a thread that reads a log ahead of its player */
#ifndef EVCAN_READ_AHEAD_H
#define EVCAN_READ_AHEAD_H

#include <stddef.h>
#include <stdint.h>

struct evcan_error;
struct evcan_frame;
struct evcan_log_read_stats;
struct evcan_log_reader;

/*
 * The thread keeps a bounded ring filled; no disk, however slow, holds the
 * loop that empties it. It starts at the first play. All functions are for
 * the loop's thread.
 */
struct evcan_read_ahead_;

/* Takes the reader on success. @return 0 or negative with err */
int evcan_read_ahead_new_(struct evcan_read_ahead_ **ret,
    struct evcan_log_reader *reader, struct evcan_error *err);
/* Never waits: a thread inside a read that hangs ends when that does. */
void evcan_read_ahead_free_(struct evcan_read_ahead_ *ahead);

/* Reads the log from its start, `rounds` times (0: for ever). What is left
 * of an earlier play is dropped. @return 0 or negative with err */
int evcan_read_ahead_start_(struct evcan_read_ahead_ *ahead, uint64_t rounds,
    struct evcan_error *err);
void evcan_read_ahead_stop_(struct evcan_read_ahead_ *ahead);

/* Becomes readable after peek gave 0, once there is something; then to be
 * told that it was seen. */
int evcan_read_ahead_fd_(const struct evcan_read_ahead_ *ahead);
void evcan_read_ahead_woken_(struct evcan_read_ahead_ *ahead);

enum evcan_ahead_ {
	EVCAN_AHEAD_LATER_ = 0,   /* nothing yet */
	EVCAN_AHEAD_ROUND_ = -1,  /* the end of one round, told once */
	EVCAN_AHEAD_END_ = -2     /* nothing follows */
};

/* Up to n frames in a row, or enum evcan_ahead_. */
int evcan_read_ahead_peek_(struct evcan_read_ahead_ *ahead,
    const struct evcan_frame **frames, int n);
void evcan_read_ahead_drop_(struct evcan_read_ahead_ *ahead, int n);

/* After EVCAN_AHEAD_END_: why, or NULL when the log was read to its end. */
const struct evcan_error *evcan_read_ahead_error_(
    const struct evcan_read_ahead_ *ahead);

/* The reader's counters as of its last batch. */
void evcan_read_ahead_stats_(struct evcan_read_ahead_ *ahead,
    struct evcan_log_read_stats *stats);

#endif

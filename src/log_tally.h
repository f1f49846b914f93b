/* SPDX-License-Identifier: BSD-3-Clause */
/* log_tally.h - which frames a format holds back, judged by its bytes */
#ifndef EVCAN_LOG_TALLY_H
#define EVCAN_LOG_TALLY_H

#include <stddef.h>
#include <stdint.h>

/*
 * A format that gathers frames tells only how many bytes it holds. They are
 * those of the newest frames, so it is noted by how much each batch made
 * them grow: a batch that does not follow from what is held has left.
 */

#define EVCAN_LOG_TALLY_ROWS 64

struct evcan_log_tally_ {
	size_t n;
	uint64_t held;      /* as of the last row */
	uint64_t settled;   /* frames that are held no more */
	struct {
		uint64_t frames;   /* encoded by then */
		uint64_t grown;    /* at least: it may have given bytes away */
	} rows[EVCAN_LOG_TALLY_ROWS];
};

/* After each batch. @param frames encoded so far @param held bytes */
void evcan_log_tally_add_(struct evcan_log_tally_ *tally, uint64_t frames,
    uint64_t held);
/* @return frames that have surely left; never fewer than before */
uint64_t evcan_log_tally_settle_(struct evcan_log_tally_ *tally,
    uint64_t held);

#endif

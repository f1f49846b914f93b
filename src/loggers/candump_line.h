/* SPDX-License-Identifier: BSD-3-Clause */
/* candump_line.h - one line of a candump log, by the full grammar */
#ifndef EVCAN_CANDUMP_LINE_H
#define EVCAN_CANDUMP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/channel.h>
#include <evcan/format.h>

#include "fast_text.h"
#include "lines.h"

#define EVCAN_NS_PER_SEC 1000000000
/* Stamps below one year count from the log's own start, not from 1970. */
#define EVCAN_CANDUMP_RELATIVE (365ll * 24 * 3600 * EVCAN_NS_PER_SEC)
#define EVCAN_CANDUMP_DROPS "DROPCOUNT: dropped "
struct evcan_candump_reader_ {
	struct evcan_second_ second;      /* "(1483389946." */
	struct evcan_near_names_ names;
	char minute[16];         /* "2024-05-06 07:08", and its Unix time */
	int64_t minute_s;
	struct evcan_lines_ lines;
	bool told;               /* that no more names fit in the process */
	bool probing;            /* bidding: leave no names behind */
	unsigned doubts;         /* lines that are none, while bidding */
};

/* An evcan_line_fn_ with struct evcan_candump_reader_ as state: reads the
 * line from p to eol: a frame into *frame, a marker into `out`.
 * What it learns of seconds and names is kept for the lines that follow. */
enum evcan_line_ evcan_candump_line_(void *state, const char *p,
    const char *eol, struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault);

/* A frame as candump shows it, behind the interface's name: all but time,
 * clock, channel, hops. @return false: it is none */
bool evcan_candump_screen_(const char *p, const char *eol,
    struct evcan_frame *frame);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* candump_line.h - one line of a candump log, by the full grammar */
#ifndef EVCAN_CANDUMP_LINE_H
#define EVCAN_CANDUMP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/channel.h>
#include <evcan/format.h>

#include "lines.h"

#define EVCAN_NS_PER_SEC 1000000000
/* Stamps below one year count from the log's own start, not from 1970. */
#define EVCAN_CANDUMP_RELATIVE (365ll * 24 * 3600 * EVCAN_NS_PER_SEC)
#define EVCAN_CANDUMP_DROPS "DROPCOUNT: dropped "
/* Channel names that a reader, or writer, keeps at hand. */
#define EVCAN_CANDUMP_NAMES 4

/* A channel name seen lately. Names of up to 7 characters are compared as
 * one number together with the blank behind them. */
struct evcan_candump_name_ {
	uint64_t key, mask;
	size_t len;        /* 0: empty slot */
	uint16_t channel;
	char text[EVCAN_CHANNEL_NAME_MAX];
};

struct evcan_candump_reader_ {
	/* "(1483389946." as seen last, in two numbers, and what it says */
	uint64_t sec_key, sec_mask;
	uint32_t sec_key2, sec_mask2;
	size_t sec_len;
	int64_t sec_ns;
	uint8_t sec_clock;
	struct evcan_candump_name_ names[EVCAN_CANDUMP_NAMES];
	unsigned last, oldest;   /* name used last; the one to go next */
	char minute[16];         /* "2024-05-06 07:08", and its Unix time */
	int64_t minute_s;
	struct evcan_lines_ lines;
	bool told;               /* that no more names fit in the process */
	bool probing;            /* bidding: leave no names behind */
};

/* An evcan_line_fn_ with struct evcan_candump_reader_ as state: reads the
 * line from p to eol: a frame into *frame, a marker into `out`.
 * What it learns of seconds and names is kept for the lines that follow. */
enum evcan_line_ evcan_candump_line_(void *state, const char *p,
    const char *eol, struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault);

#endif

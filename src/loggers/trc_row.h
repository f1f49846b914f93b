/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_row.h - what the files of the TRC format share */
#ifndef EVCAN_TRC_ROW_H
#define EVCAN_TRC_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>

#include "channel_map.h"
#include "fast_text.h"
#include "lines.h"
#include "zone.h"

/* Columns of a row, by the letters that $COLUMNS= has for them. */
#define EVCAN_TRC_COLUMNS 16

#define EVCAN_TRC_NS_PER_MS 1000000

/* The versions there are, oldest first; see evcan_trc_versions_[]. */
enum evcan_trc_version_ {
	EVCAN_TRC_1_0,
	EVCAN_TRC_1_1,
	EVCAN_TRC_1_2,
	EVCAN_TRC_1_3,
	EVCAN_TRC_2_0,
	EVCAN_TRC_2_1,
	EVCAN_TRC_VERSIONS
};

struct evcan_trc_name_ {
	char name[4];
	char columns[EVCAN_TRC_COLUMNS];
};
extern const struct evcan_trc_name_ evcan_trc_versions_[EVCAN_TRC_VERSIONS];

/* How a comment begins that carries a line of text in 1.x. */
#define EVCAN_TRC_EVENT "evcan event "

/* Where a row's parts stand behind its seconds, "123.456 DT 1 ...", in the
 * form that PEAK's programs give it; and the text between them. */
#define EVCAN_TRC_WORDS 5
struct evcan_trc_fast_ {
	uint8_t decimals;                /* 0: no rows are read fast */
	uint8_t bus, id, direction, length, data;   /* bus 0: it has none */
	struct evcan_key_ text[EVCAN_TRC_WORDS];
};

struct evcan_trc_reader_ {
	const char *tz, *channels;       /* options */
	struct evcan_zone_ zone;
	struct evcan_channel_map_ map;
	struct evcan_lines_ lines;

	bool probing;                    /* no names are added */
	char columns[EVCAN_TRC_COLUMNS]; /* of the rows; "": not known yet */
	enum evcan_trc_version_ version; /* if the file told a known one */
	bool told_version;
	bool told_start;                 /* by $STARTTIME, the exact one */
	uint8_t clock;                   /* of frames */
	int64_t start_ns;
	uint64_t last_number;            /* of a row */

	/* The fast path: rows begin with a number of so many columns, then
	 * the text of a second that was seen before. */
	struct evcan_trc_fast_ fast;
	uint8_t number_len;
	struct evcan_second_ second;
	uint16_t channel_of[10];         /* by digit; 0: not asked yet */
};

/* Before the first row; tz and channels may be NULL. */
int evcan_trc_reader_begin_(struct evcan_trc_reader_ *reader,
    struct evcan_error *err);

/* One line by the full grammar: an evcan_line_fn_. */
enum evcan_line_ evcan_trc_line_(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault);

/* Header lines and remarks, behind the semicolon. @return false with why */
bool evcan_trc_comment_(struct evcan_trc_reader_ *reader, const char *p,
    const char *eol, struct evcan_decode *out, const char **why);

/* Rows have these columns from now on. */
void evcan_trc_use_columns_(struct evcan_trc_reader_ *reader,
    const char *letters);

/* Error rows: type of the error (1 bit, 2 form, 4 stuff, 8 other), direction
 * (0 sending), place in the frame, receive and transmit counters. */
#define EVCAN_TRC_ERROR_BYTES 5
/* @param n bytes there are; fewer: it says only "an error" */
void evcan_trc_get_error_(const uint8_t *bytes, size_t n,
    struct evcan_frame *frame);
/* @return false: reading will not give all of it */
bool evcan_trc_put_error_(const struct evcan_frame *frame, uint8_t *bytes);

/* Starts, as days since 1899-12-30 ("43008.920986006946") and as text. */
bool evcan_trc_get_days_(const struct evcan_zone_ *zone, const char *p,
    const char *eol, int64_t *ns);
bool evcan_trc_get_date_(const struct evcan_zone_ *zone, const char *p,
    const char *eol, int64_t *ns);
/* The latest start not after *ns that a wall clock tells without doubt: an
 * hour earlier when the hour is a repeated one. @param days, date of 40 bytes
 * @return false: it has no date */
bool evcan_trc_put_start_(const struct evcan_zone_ *zone, int64_t *ns,
    char *days, char *date);

#endif

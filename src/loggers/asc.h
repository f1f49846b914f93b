/* SPDX-License-Identifier: BSD-3-Clause */
/* asc.h - what the parts of the Vector ASC format share */
#ifndef EVCAN_ASC_H
#define EVCAN_ASC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>

#include "channel_map.h"
#include "fast_text.h"
#include "lines.h"
#include "zone.h"

#define EVCAN_ASC_SEC 1000000000ll   /* nanoseconds */

/*
 * Stamps from here on (31 years) are no offset from a start: they are Unix
 * time, as some CANoe set-ups write it.
 */
#define EVCAN_ASC_EPOCH (1000000000ll * EVCAN_ASC_SEC)
/* Dates before are what a log without a date is given by some tools. */
#define EVCAN_ASC_MIN_START (365ll * 24 * 3600 * EVCAN_ASC_SEC)
/* Starts up to here leave room for any offset: the year 2223. */
#define EVCAN_ASC_MAX_START (8 * EVCAN_ASC_EPOCH)

/* SocketCAN's class and details of what an SJA1000 tells of an error: the
 * class, and bits of the third byte (the fourth is the place). */
enum {
	EVCAN_ASC_ERROR = 0x88,
	EVCAN_ASC_BIT = 0x01,
	EVCAN_ASC_FORM = 0x02,
	EVCAN_ASC_STUFF = 0x04,
	EVCAN_ASC_TX = 0x80
};

/* The comment that carries a line of text: time (from the start), text. */
#define EVCAN_ASC_EVENT "evcan event "

struct evcan_asc_reader_ {
	int base;                  /* options; base 0: hex, 1: dec */
	bool relative_timestamp;
	const char *tz;
	const char *channels;

	struct evcan_lines_ lines;
	struct evcan_channel_map_ map;
	struct evcan_zone_ zone;
	bool probing;              /* bidding: leave no names behind */

	/* The session, which begins with a header */
	bool dec;                  /* base of identifiers and data */
	bool base_told;            /* by the file; else dec may be guessed */
	bool gaps;                 /* stamps are relative to the last line */
	bool mode_told;            /* what stamps are relative to */
	int of_day;                /* seconds, of the `date` line; 0: none */
	bool has_date;             /* a `date` line was there */
	bool dated;                /* start_ns is Unix time */
	bool stamped;              /* a line with a stamp was there */
	bool block;                /* block_ns is a new block's date: it counts
	                            * if the stamps begin anew */
	int64_t block_ns;
	int64_t start_ns;
	uint8_t clock;
	int64_t last_ns;           /* offset of the last line from the start */

	/* For the fast path */
	struct evcan_second_ second;   /* "   0.", from the start */
	uint16_t channel[10];      /* by digit; 0: not known yet */
};

/* Readers */
int evcan_asc_read_begin_(void *state, const struct evcan_file *file,
    struct evcan_error *err);
int evcan_asc_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out);
extern const struct evcan_option evcan_asc_read_rows_[];

/* One line by the full grammar: an evcan_line_fn_. */
enum evcan_line_ evcan_asc_line_(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault);

/* A header's or block's line, which begins with a letter.
 * @return EVCAN_LINE_BAD for a date that cannot be read
 * @param known whether it is such a line */
enum evcan_line_ evcan_asc_header_(struct evcan_asc_reader_ *reader,
    const char *p, const char *eol, bool *known,
    struct evcan_fault_ *fault);

/* From here on stamps count from this date. */
void evcan_asc_start_(struct evcan_asc_reader_ *reader, int64_t ns);
/* Everything a session remembers is forgotten. */
void evcan_asc_session_(struct evcan_asc_reader_ *reader);

/* A word between blanks; NULL at the line's end. */
struct evcan_asc_word_ {
	const char *p;
	size_t len;
};

/* Behind blanks and tabs. */
const char *evcan_asc_skip_(const char *p, const char *eol);
struct evcan_asc_word_ evcan_asc_word_(const char **p, const char *eol);
/* Compares without regard to case. @param text in lower case */
bool evcan_asc_is_(struct evcan_asc_word_ word, const char *text);

/* Writers */

/* A channel seen lately, as a line names it. */
struct evcan_asc_label_ {
	bool known;
	bool lost;               /* there was no number left */
	uint16_t channel;
	uint8_t len;
	uint8_t number;
	char text[8];            /* "1  " */
};
#define EVCAN_ASC_LABELS 16

struct evcan_asc_writer_ {
	int64_t channel;         /* options; the number of no channel */
	const char *channels;
	int timestamps;          /* 0: absolute, 1: relative */
	int digits;              /* 0: six, 1: nine */
	const char *tz;
	int base;                /* 0: hex, 1: dec */

	struct evcan_channel_map_ map;
	struct evcan_zone_ zone;
	bool begun;              /* there is a header */
	bool block;              /* a trigger block is open */
	bool append;
	bool dated;
	bool dec;                /* of the session */
	int64_t start_ns;
	int64_t last_ns;         /* offset of the last line */
	int64_t unit;            /* 1000 ns, or 1 */
	int64_t sec_ns;          /* offset of sec_text */
	char sec_text[16];       /* "   0." */
	size_t sec_len;
	struct evcan_asc_label_ labels[EVCAN_ASC_LABELS];
	bool told[EVCAN_CHANNEL_NUMBERS];   /* in what is appended */
};

extern const struct evcan_option evcan_asc_write_rows_[];
extern const char evcan_asc_attributes_[];
int evcan_asc_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err);
int evcan_asc_encode_(void *state, const struct evcan_frame *frames,
    size_t n, struct evcan_buffer *out, struct evcan_encode *info);
int evcan_asc_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out);
int evcan_asc_encode_event_(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out);
int evcan_asc_finish_(void *state, struct evcan_buffer *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* csv_line.h - the lines of a CSV log, by the full grammar */
#ifndef EVCAN_CSV_LINE_H
#define EVCAN_CSV_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/channel.h>
#include <evcan/format.h>

#include "fast_text.h"
#include "lines.h"
#include "table_row.h"

#define EVCAN_CSV_FIELDS 64   /* of a line, at most */

/* Which column stands where. */
struct evcan_csv_layout_ {
	uint8_t column[EVCAN_CSV_FIELDS];  /* EVCAN_COLUMNS: not ours */
	unsigned fields;                   /* 0: not known yet */
	unsigned columns;                  /* the set of them */
	char delimiter;
};

struct evcan_csv_reader_ {
	struct evcan_lines_ lines;
	struct evcan_csv_layout_ layout;
	unsigned quick;        /* fields of the usual layouts, 7 or 12; or 0 */
	struct evcan_second_ second;   /* "1483389946." */
	struct evcan_near_names_ names;
	bool told;             /* that no more names fit in the process */
	bool probing;          /* bidding: leave no names behind */
};

/* The first n columns in their order. */
void evcan_csv_layout_init_(struct evcan_csv_layout_ *layout, unsigned n);
/* A header line. @return false: it is none, *layout is as it was */
bool evcan_csv_header_(const char *p, const char *eol,
    struct evcan_csv_layout_ *layout);
/* Whether the line is a row without a header before it, of 7 or 12 fields;
 * *layout is then theirs. */
bool evcan_csv_row_(const char *p, const char *eol,
    struct evcan_csv_layout_ *layout);

/* An evcan_line_fn_ with struct evcan_csv_reader_ as its state. */
enum evcan_line_ evcan_csv_line_(void *state, const char *p,
    const char *eol, struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault);

/* The six bits of a base64 digit, 0xff for any other character. */
extern const uint8_t evcan_csv_base64_[256];

/* Three bytes of four digits; data past its end is never written.
 * @return false: some are no digits */
static inline bool
evcan_csv_three_(const uint8_t *p, uint8_t *data)
{
	const uint32_t a = evcan_csv_base64_[p[0]];
	const uint32_t b = evcan_csv_base64_[p[1]];
	const uint32_t c = evcan_csv_base64_[p[2]];
	const uint32_t d = evcan_csv_base64_[p[3]];
	const uint32_t bits = a << 18 | b << 12 | c << 6 | d;

	data[0] = (uint8_t)(bits >> 16);
	data[1] = (uint8_t)(bits >> 8);
	data[2] = (uint8_t)bits;
	return (a | b | c | d) < 64;
}

/* Hooks of csv_write.c for the table in csv.c. */
struct evcan_csv_writer_ {
	int all;               /* option */
	struct evcan_csv_layout_ layout;
	int64_t sec_ns;        /* of sec_text */
	char sec_text[16];     /* "1483389946." */
	size_t sec_len;
};
int evcan_csv_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err);
int evcan_csv_encode_(void *state, const struct evcan_frame *frames,
    size_t n, struct evcan_buffer *out, struct evcan_encode *info);
int evcan_csv_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out);

#endif

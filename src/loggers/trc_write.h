/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_write.h - the writing half of the TRC format, for its table */
#ifndef EVCAN_TRC_WRITE_H
#define EVCAN_TRC_WRITE_H

#include <evcan/format.h>

#include "channel_map.h"
#include "zone.h"

#define EVCAN_TRC_ATTRIBUTES \
	"channel direction echo hops clock nanoseconds microseconds dlc " \
	"brs esi fd error"

/* How a version's rows look: words that stand at fixed places. */
struct evcan_trc_shape_;

/* A channel as it is written: few of the many that there may be. */
#define EVCAN_TRC_BUSES 16
struct evcan_trc_bus_ {
	uint16_t channel;
	bool known, lost;
	char text[4];
	size_t len;
};

struct evcan_trc_writer_ {
	int version;                     /* options; see the choice's words */
	const char *tz, *channels;
	int64_t channel;

	const struct evcan_trc_shape_ *shape;
	struct evcan_zone_ zone;
	struct evcan_channel_map_ map;
	bool has_header;                 /* the file that is appended to */
	bool needs_header;               /* nothing is written yet */
	bool has_rows;
	uint8_t clock;                   /* that reading will give */
	int start_rest;                  /* of the start, nanoseconds */
	int64_t start_us;
	struct evcan_buffer early;       /* remarks before the header */

	uint64_t number;                 /* of the last row */
	struct evcan_trc_bus_ buses[EVCAN_TRC_BUSES];
	const struct evcan_trc_bus_ *bus;   /* of the row */
};

extern const struct evcan_option evcan_trc_write_rows_[];

int evcan_trc_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err);
int evcan_trc_encode_(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info);
int evcan_trc_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out);
int evcan_trc_encode_event_(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out);
int evcan_trc_finish_(void *state, struct evcan_buffer *out);
void evcan_trc_write_done_(void *state);

#endif

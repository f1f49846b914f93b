/* SPDX-License-Identifier: BSD-3-Clause */
/* blf.h - Vector's binary log: what its reader and its writer share */
#ifndef EVCAN_BLF_H
#define EVCAN_BLF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>
#include <evcan/frame.h>

#include "channel_map.h"
#include "zone.h"

/*
 * A file is a header and objects. Nearly always these are containers, whose
 * contents, inflated and put one behind the other, are again objects: an
 * object may begin in one container and end in the next. Behind an object
 * come size % 4 bytes of padding, though not behind every type.
 */

#define EVCAN_BLF_FILE_MAGIC 0x47474f4cu     /* "LOGG" */
#define EVCAN_BLF_OBJECT_MAGIC 0x4a424f4cu   /* "LOBJ" */

#define EVCAN_BLF_FILE_HEAD 144
#define EVCAN_BLF_BASE_HEAD 16        /* what every object begins with */
#define EVCAN_BLF_CONTAINER_HEAD 32
#define EVCAN_BLF_CLASSIC_SIZE 48     /* of a classic frame's object */
#define EVCAN_BLF_MOST_PADDING 8      /* that readers look behind */

/* More than any container or object has. A container's bytes in the file
 * must fit into the reader's window, with a little behind them. */
#define EVCAN_BLF_CONTAINER_MAX (256u << 20)
#define EVCAN_BLF_CONTAINER_FILE_MAX ((256u << 20) - 4096)
#define EVCAN_BLF_OBJECT_MAX (16u << 20)

/* Places in the file's header. */
enum {
	EVCAN_BLF_AT_SIZE = 4,
	EVCAN_BLF_AT_LEVEL = 13,
	EVCAN_BLF_AT_FILE_SIZE = 16,
	EVCAN_BLF_AT_RAW_SIZE = 24,
	EVCAN_BLF_AT_OBJECTS = 32,
	EVCAN_BLF_AT_START = 40,
	EVCAN_BLF_AT_END = 56,
	EVCAN_BLF_AT_RESTORE = 72,
	EVCAN_BLF_LEAST_HEAD = 88
};

enum {
	EVCAN_BLF_CONTAINER = 10,
	EVCAN_BLF_RESTORE_POINTS = 115
};

enum {
	EVCAN_BLF_STORED = 0,
	EVCAN_BLF_DEFLATED = 2
};

/* What stands before the text of an event that evcan wrote. */
#define EVCAN_BLF_GROUP "evcan"

/* What objects are read by. */
struct evcan_blf_context_ {
	struct evcan_channel_map_ map;
	int64_t start_ns;        /* of the measurement; 0: not known */
	uint64_t last_stamp;     /* that fits into a frame's time */
	uint8_t clock;           /* of the frames */
};

void evcan_blf_set_start_(struct evcan_blf_context_ *blf, int64_t start_ns,
    bool dated);

enum evcan_blf_got_ {
	EVCAN_BLF_FRAME,
	EVCAN_BLF_NO_FRAME,   /* counted, or told as an event */
	EVCAN_BLF_BAD         /* *why tells */
};

/* Whether 16 bytes can be the head of an object. */
bool evcan_blf_is_object_(const uint8_t *p);

/* Reads one whole object that evcan_blf_is_object_(), of the size it says.
 * @param size set to what it really has, if more bytes (of `left`) belong to
 * it than it says */
enum evcan_blf_got_ evcan_blf_get_(struct evcan_blf_context_ *blf,
    const uint8_t *p, size_t left, size_t *size, struct evcan_frame *frame,
    struct evcan_decode *out, const char **why);

/* Reads classic frames as long as nothing else comes. @return how many */
size_t evcan_blf_get_run_(struct evcan_blf_context_ *blf, const uint8_t *p,
    size_t len, struct evcan_frame *frames, size_t max, size_t *used);

/* Most bytes that a frame, an event, a remark needs, with padding. */
#define EVCAN_BLF_FRAME_ROOM 136
#define EVCAN_BLF_EVENT_ROOM 1200
#define EVCAN_BLF_TEXT_ROOM 320

/* All return the bytes that were written. */
size_t evcan_blf_put_frame_(uint8_t *p, const struct evcan_frame *frame,
    unsigned number, uint64_t stamp);
size_t evcan_blf_put_event_(uint8_t *p, const char *text, uint64_t stamp);
size_t evcan_blf_put_text_(uint8_t *p, const char *text, size_t len,
    uint64_t stamp);

/* Frames come from a ring or an array that is larger than a cache: each is
 * asked for early, so many before it is its turn. */
#define EVCAN_BLF_AHEAD 32

static inline void
evcan_blf_ask_for_(const struct evcan_frame *frames, size_t i, size_t n)
{
#if defined(__GNUC__)
	if (i < n) {
		__builtin_prefetch(&frames[i]);
		__builtin_prefetch(&frames[i].data[40]);
	}
#else
	(void)frames;
	(void)i;
	(void)n;
#endif
}

struct evcan_blf_writer_;

/*
 * Writes frames as long as they are the usual ones: classic data, at or
 * behind the start, on a channel that has its number, and nothing is lost.
 * @param last_stamp raised to theirs
 * @return how many, each of EVCAN_BLF_CLASSIC_SIZE bytes
 */
size_t evcan_blf_put_run_(const struct evcan_blf_writer_ *writer, uint8_t *p,
    const struct evcan_frame *frames, size_t n, uint64_t *last_stamp);

/* SYSTEMTIME, 16 bytes. */
/* @return false: no date that a frame's time can have */
bool evcan_blf_get_date_(const uint8_t *p, const struct evcan_zone_ *zone,
    int64_t *ns, bool *none);
void evcan_blf_put_date_(uint8_t *p, const struct evcan_zone_ *zone,
    int64_t ns);

/* The two halves of the format's table: reading, writing. */

extern const struct evcan_option evcan_blf_read_rows_[];
int evcan_blf_read_begin_(void *state, const struct evcan_file *file,
    struct evcan_error *err);
int evcan_blf_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out);
void evcan_blf_read_done_(void *state);

struct evcan_squeeze_;

struct evcan_blf_label_ {
	uint16_t channel;
	uint8_t number;          /* 0: this place is free */
	bool lost;               /* it comes back under another name */
};
#define EVCAN_BLF_LABELS 64

struct evcan_blf_writer_ {
	const char *channels, *tz;      /* options */
	int64_t channel, level, most, threads;
	int codec;
	struct evcan_channel_map_ map;
	struct evcan_blf_label_ labels[EVCAN_BLF_LABELS];
	bool told[EVCAN_CHANNEL_NUMBERS];   /* to a file appended to */
	struct evcan_zone_ zone;
	struct evcan_squeeze_ *squeeze; /* NULL: containers are stored */
	uint8_t *buf;                   /* objects of the next container */
	size_t len, size;
	bool started;                   /* the start is known */
	bool dated;                     /* ... and a date */
	bool fixed;                     /* ... and cannot be changed */
	bool appends;
	bool head_done;
	unsigned moves;                 /* of the start */
	int64_t start_ns;
	uint64_t stamp, last_stamp;     /* of the last object; the highest */
	uint64_t objects, raw_size;
	uint8_t head[EVCAN_BLF_FILE_HEAD];
	size_t head_len;
};

/* The places of the names in EVCAN_BLF_ATTRIBUTES. */
#define EVCAN_BLF_ATTRIBUTES \
	"channel direction echo hops clock time dlc error"
enum {
	EVCAN_BLF_LOST_CHANNEL,
	EVCAN_BLF_LOST_DIRECTION,
	EVCAN_BLF_LOST_ECHO,
	EVCAN_BLF_LOST_HOPS,
	EVCAN_BLF_LOST_CLOCK,
	EVCAN_BLF_LOST_TIME,
	EVCAN_BLF_LOST_DLC,
	EVCAN_BLF_LOST_ERROR
};

extern const struct evcan_option evcan_blf_write_rows_[];
int evcan_blf_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err);
int evcan_blf_encode_(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info);
int evcan_blf_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out);
int evcan_blf_encode_event_(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out);
int evcan_blf_flush_(void *state, struct evcan_buffer *out);
size_t evcan_blf_held_(const void *state);
int evcan_blf_finish_(void *state, struct evcan_buffer *out);
int evcan_blf_header_(void *state, uint64_t size, struct evcan_buffer *out);
void evcan_blf_write_done_(void *state);

#endif

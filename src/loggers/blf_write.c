/* SPDX-License-Identifier: BSD-3-Clause */
/* blf_write.c - frames into a BLF */
#include "blf.h"

#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/listener.h>
#include <evcan/options.h>

#include "bytes.h"
#include "codec.h"
#include "remark.h"
#include "squeeze.h"
#include "zone.h"

/*
 * Objects are gathered, with stamps relative to the start, until they fill a
 * container; a container holds whole objects, so that damage to one costs
 * nothing beyond it. The file's header is written with the first container,
 * when the start is known: the first time, less what it has below a
 * millisecond, which stays in the stamps. As long as nothing was written, an
 * earlier frame moves the start.
 *
 * Memory is taken before anything is changed: a call that fails for the lack
 * of it has taken nothing.
 */

#define NS_PER_MS 1000000
#define NS_PER_SEC 1000000000ll
/* In 1678: the first time that a header can tell. */
#define FIRST_NS (-9200000000000000000)
/* Stamps below that are no Unix time (one year). */
#define RELATIVE_NS (365 * 86400 * 1000000000ll)
/* How often the start may move: each time all stamps are changed. */
#define MOVES_MAX 256

/* Version 4.7.1.0 of the format, the last one without more in the header. */
#define API_NUMBER 4070100
#define LEVEL_DEFAULT 1

/* Frames that room is made for at a time, each with a remark. */
#define CHUNK 256
#define ROOM_EACH (EVCAN_BLF_FRAME_ROOM + EVCAN_BLF_TEXT_ROOM)
/* What containers add at most to incompressible data. */
#define OVERHEAD 32768

#define MOST_FALLBACK "131072"

const struct evcan_option evcan_blf_write_rows_[] = {
	{ .name = "compression_level", .type = EVCAN_OPTION_INT,
	  .fallback = "-1", .min = -1, .max = 9,
	  .help = "0 (stored) to 9 (smallest); -1 is 1, which is hardly "
	      "larger than 9 and many times faster",
	  .offset = offsetof(struct evcan_blf_writer_, level) },
	{ .name = "max_container_size", .type = EVCAN_OPTION_INT,
	  .fallback = MOST_FALLBACK, .min = 128, .max = 16 << 20,
	  .help = "bytes that are compressed at a time",
	  .offset = offsetof(struct evcan_blf_writer_, most) },
	{ .name = "codec", .type = EVCAN_OPTION_CHOICE, .fallback = "auto",
	  .choices = EVCAN_CODEC_CHOICES, .help = EVCAN_CODEC_HELP,
	  .offset = offsetof(struct evcan_blf_writer_, codec) },
	{ .name = "threads", .type = EVCAN_OPTION_INT, .fallback = "0",
	  .min = 0, .max = EVCAN_SQUEEZE_THREADS,
	  .help = EVCAN_SQUEEZE_HELP,
	  .offset = offsetof(struct evcan_blf_writer_, threads) },
	{ .name = "channel", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 1, .max = EVCAN_CHANNEL_NUMBERS - 1,
	  .help = EVCAN_CHANNEL_HELP,
	  .offset = offsetof(struct evcan_blf_writer_, channel) },
	{ .name = "channels", .type = EVCAN_OPTION_TEXT,
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct evcan_blf_writer_, channels) },
	{ .name = "tz", .type = EVCAN_OPTION_TEXT, .fallback = "local",
	  .help = EVCAN_ZONE_HELP,
	  .offset = offsetof(struct evcan_blf_writer_, tz) },
	{ .name = NULL }
};

/* Beginning */

static int
take_past(struct evcan_blf_writer_ *writer, const struct evcan_past *past,
    struct evcan_error *err)
{
	const uint8_t *head = past->head;
	size_t size = 0;
	bool none;

	if (past->head_len >= EVCAN_BLF_LEAST_HEAD &&
	    get_le32(head) == EVCAN_BLF_FILE_MAGIC)
		size = get_le32(head + EVCAN_BLF_AT_SIZE);
	if (size < EVCAN_BLF_LEAST_HEAD || size > past->size)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "cannot be "
		    "appended to: it does not begin with the whole header of "
		    "a BLF; choose another name, or do without append");
	writer->head_len = size < sizeof(writer->head) ? size :
	    sizeof(writer->head);
	if (writer->head_len > past->head_len)
		writer->head_len = past->head_len;
	memcpy(writer->head, head, writer->head_len);
	if (!evcan_blf_get_date_(head + EVCAN_BLF_AT_START, &writer->zone,
	    &writer->start_ns, &none))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "cannot be "
		    "appended to: the start in its header is no date");
	writer->dated = !none;
	writer->started = writer->fixed = writer->head_done = true;
	writer->appends = true;
	writer->objects = get_le32(head + EVCAN_BLF_AT_OBJECTS);
	writer->raw_size = get_le64(head + EVCAN_BLF_AT_RAW_SIZE);
	return 0;
}

static bool
make_room(struct evcan_blf_writer_ *writer, size_t n)
{
	uint8_t *grown;

	if (writer->size - writer->len >= n)
		return true;
	grown = realloc(writer->buf, writer->len + n);
	if (grown == NULL)
		return false;
	writer->buf = grown;
	writer->size = writer->len + n;
	return true;
}

int
evcan_blf_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err)
{
	struct evcan_blf_writer_ *writer = state;
	int r;

	(void)out;
	r = evcan_zone_parse_(&writer->zone, writer->tz, err);
	if (r == 0)
		r = evcan_channel_map_init_(&writer->map, writer->channels,
		    err);
	if (writer->level < 0)
		writer->level = LEVEL_DEFAULT;
	writer->raw_size = writer->head_len = EVCAN_BLF_FILE_HEAD;
	if (r == 0 && past != NULL)
		r = take_past(writer, past, err);
	if (r < 0)
		return r;
	if (!make_room(writer, (size_t)writer->most + CHUNK * ROOM_EACH))
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a container");
	if (writer->level == 0)
		return 0;
	writer->squeeze = evcan_squeeze_new_((enum evcan_codec_)writer->codec,
	    EVCAN_WRAP_ZLIB, (int)writer->level, (unsigned)writer->threads,
	    err);
	if (writer->squeeze != NULL)
		return 0;
	return err != NULL && err->code < 0 ? err->code : EVCAN_ERR_NOMEM;
}

void
evcan_blf_write_done_(void *state)
{
	struct evcan_blf_writer_ *writer = state;

	evcan_squeeze_free_(writer->squeeze);
	free(writer->buf);
}

/* Containers */

size_t
evcan_blf_held_(const void *state)
{
	const struct evcan_blf_writer_ *writer = state;

	/* Remarks alone wait for the first frame's time. */
	if (!writer->started)
		return 0;
	return writer->len + (writer->squeeze != NULL ?
	    evcan_squeeze_held_(writer->squeeze) : 0);
}

/* What may be appended to `out` by a call that takes n bytes more. */
static bool
reserve(const struct evcan_blf_writer_ *writer, size_t n,
    struct evcan_buffer *out)
{
	const size_t held = writer->len + (writer->squeeze != NULL ?
	    evcan_squeeze_held_(writer->squeeze) : 0) + n;

	return evcan_buffer_reserve(out, held + held / 64 + OVERHEAD) != NULL;
}

static void
put_totals(struct evcan_blf_writer_ *writer, uint64_t size)
{
	uint8_t *head = writer->head;

	put_le64(head + EVCAN_BLF_AT_FILE_SIZE, size);
	put_le64(head + EVCAN_BLF_AT_RAW_SIZE, writer->raw_size);
	put_le32(head + EVCAN_BLF_AT_OBJECTS, writer->objects < UINT32_MAX ?
	    (uint32_t)writer->objects : UINT32_MAX);
	if (writer->dated)
		evcan_blf_put_date_(head + EVCAN_BLF_AT_END, &writer->zone,
		    (int64_t)((uint64_t)writer->start_ns +
		    writer->last_stamp));
	/* Of a file that was appended to: its index would end before. */
	memset(head + EVCAN_BLF_AT_RESTORE, 0, 16);
}

/* Before the first container. */
static void
put_file_head(struct evcan_blf_writer_ *writer, struct evcan_buffer *out)
{
	uint8_t *head = writer->head;

	if (writer->head_done)
		return;
	writer->head_done = true;
	put_le32(head, EVCAN_BLF_FILE_MAGIC);
	put_le32(head + EVCAN_BLF_AT_SIZE, EVCAN_BLF_FILE_HEAD);
	put_le32(head + 8, API_NUMBER);
	head[EVCAN_BLF_AT_LEVEL] = (uint8_t)writer->level;
	if (writer->dated)
		evcan_blf_put_date_(head + EVCAN_BLF_AT_START, &writer->zone,
		    writer->start_ns);
	evcan_buffer_append(out, head, EVCAN_BLF_FILE_HEAD);
}

static void
put_container(struct evcan_blf_writer_ *writer, unsigned method,
    const uint8_t *data, size_t len, size_t original,
    struct evcan_buffer *out)
{
	const size_t size = EVCAN_BLF_CONTAINER_HEAD + len;
	uint8_t *p;

	put_file_head(writer, out);
	p = evcan_buffer_reserve(out, size + 3);
	if (p == NULL)
		return;   /* cannot be: there is room */
	memset(p, 0, EVCAN_BLF_CONTAINER_HEAD);
	put_le32(p, EVCAN_BLF_OBJECT_MAGIC);
	put_le16(p + 4, EVCAN_BLF_BASE_HEAD);
	put_le16(p + 6, 1);
	put_le32(p + 8, (uint32_t)size);
	put_le32(p + 12, EVCAN_BLF_CONTAINER);
	put_le16(p + 16, (uint16_t)method);
	put_le32(p + 24, (uint32_t)original);
	memcpy(p + EVCAN_BLF_CONTAINER_HEAD, data, len);
	memset(p + size, 0, size % 4);
	evcan_buffer_commit(out, size + size % 4);
	writer->raw_size += EVCAN_BLF_CONTAINER_HEAD + original;
}

/* Appends the next compressed container. @return false: there is none */
static bool
fetch(struct evcan_blf_writer_ *writer, bool wait, struct evcan_buffer *out)
{
	struct evcan_squeezed_ block;

	if (writer->squeeze == NULL ||
	    !evcan_squeeze_get_(writer->squeeze, wait, &block))
		return false;
	put_container(writer, EVCAN_BLF_DEFLATED, block.data, block.len,
	    block.original, out);
	return true;
}

static void
fetch_all(struct evcan_blf_writer_ *writer, bool wait,
    struct evcan_buffer *out)
{
	while (fetch(writer, wait, out))
		continue;
}

/* Makes a container of what is gathered. Without memory to compress it, it
 * is stored. */
static void
seal(struct evcan_blf_writer_ *writer, struct evcan_buffer *out)
{
	struct evcan_squeeze_ *squeeze = writer->squeeze;

	if (writer->len == 0)
		return;
	if (squeeze != NULL && !evcan_squeeze_has_room_(squeeze))
		fetch(writer, true, out);
	if (squeeze == NULL || evcan_squeeze_put_(squeeze, writer->buf,
	    writer->len, 0) < 0) {
		fetch_all(writer, true, out);
		put_container(writer, EVCAN_BLF_STORED, writer->buf,
		    writer->len, writer->len, out);
	} else {
		fetch_all(writer, false, out);
	}
	writer->len = 0;
	writer->started = writer->fixed = true;
}

/* Where the next object of up to n bytes goes. */
static uint8_t *
next_object(struct evcan_blf_writer_ *writer, size_t n,
    struct evcan_buffer *out)
{
	if (writer->len + n > (size_t)writer->most)
		seal(writer, out);
	return writer->buf + writer->len;
}

static void
put_object(struct evcan_blf_writer_ *writer, size_t size, uint64_t stamp)
{
	writer->len += size;
	writer->objects++;
	writer->stamp = stamp;
	if (writer->last_stamp < stamp)
		writer->last_stamp = stamp;
}

int
evcan_blf_flush_(void *state, struct evcan_buffer *out)
{
	struct evcan_blf_writer_ *writer = state;

	if (!writer->started)
		return 0;
	if (!reserve(writer, 0, out))
		return EVCAN_ERR_NOMEM;
	seal(writer, out);
	fetch_all(writer, true, out);
	return 0;
}

int
evcan_blf_finish_(void *state, struct evcan_buffer *out)
{
	struct evcan_blf_writer_ *writer = state;

	if (!reserve(writer, 0, out))
		return EVCAN_ERR_NOMEM;
	put_file_head(writer, out);
	writer->started = true;
	return evcan_blf_flush_(state, out);
}

int
evcan_blf_header_(void *state, uint64_t size, struct evcan_buffer *out)
{
	struct evcan_blf_writer_ *writer = state;

	put_totals(writer, size);
	evcan_buffer_append(out, writer->head, writer->head_len);
	return 0;
}

/* Time */

static int64_t
whole_ms(int64_t ns)
{
	const int64_t rest = ns % NS_PER_MS;

	return ns - (rest < 0 ? rest + NS_PER_MS : rest);
}

/* Where stamps can count from: a date that reading gives back. */
static int64_t
start_for(const struct evcan_blf_writer_ *writer, int64_t ns)
{
	const int64_t then = ns / NS_PER_SEC - (ns % NS_PER_SEC < 0);
	struct evcan_wall_ wall;
	int64_t start = then;

	evcan_zone_start_(&writer->zone, &start, &wall);
	return whole_ms(ns) - (then - start) * NS_PER_SEC;
}

static void
set_start(struct evcan_blf_writer_ *writer, int64_t time_ns, bool dated)
{
	writer->started = true;
	writer->dated = dated;
	writer->start_ns = dated ? start_for(writer, time_ns) : 0;
}

/* The last stamp that is still a time for readers. */
static uint64_t
last_readable(const struct evcan_blf_writer_ *writer, uint64_t stamp)
{
	const uint64_t last = (uint64_t)INT64_MAX -
	    (uint64_t)writer->start_ns;

	return stamp < last ? stamp : last;
}

/* An earlier start: all that is gathered came later after it. */
static void
move_start(struct evcan_blf_writer_ *writer, int64_t start_ns)
{
	const uint64_t by = (uint64_t)writer->start_ns - (uint64_t)start_ns;
	size_t at = 0;

	writer->start_ns = start_ns;
	while (at < writer->len) {
		uint8_t *p = writer->buf + at;
		const size_t size = get_le32(p + 8);

		put_le64(p + 24, last_readable(writer, get_le64(p + 24) +
		    by));
		at += size + size % 4;
	}
	writer->stamp = last_readable(writer, writer->stamp + by);
	writer->last_stamp = last_readable(writer, writer->last_stamp + by);
	writer->moves++;
}

/* A time that is not at or behind the start. @return its stamp */
static uint64_t
early(struct evcan_blf_writer_ *writer, int64_t time_ns, bool *lost)
{
	if (!writer->dated || writer->fixed || writer->moves >= MOVES_MAX) {
		*lost = true;
		return 0;
	}
	move_start(writer, start_for(writer, time_ns));
	return (uint64_t)time_ns - (uint64_t)writer->start_ns;
}

/* @param dated: the time is a date, else it counts from the log's start
 * @param lost set when it is not the time that will be read */
static inline uint64_t
get_stamp(struct evcan_blf_writer_ *writer, int64_t time_ns, bool dated,
    bool *lost)
{
	if (time_ns < FIRST_NS) {
		time_ns = FIRST_NS;
		*lost = true;
	}
	if (!writer->started)
		set_start(writer, time_ns, dated);
	if (dated != writer->dated) {
		*lost |= writer->dated || time_ns < 0;
		return time_ns < 0 ? 0 : last_readable(writer,
		    (uint64_t)time_ns);
	}
	if (time_ns < writer->start_ns)
		return early(writer, time_ns, lost);
	return (uint64_t)time_ns - (uint64_t)writer->start_ns;
}

/* Channels */

static void
put_remark(struct evcan_blf_writer_ *writer, const char *text, size_t len,
    struct evcan_buffer *out)
{
	uint8_t *p = next_object(writer, EVCAN_BLF_TEXT_ROOM, out);

	put_object(writer, evcan_blf_put_text_(p, text, len, writer->stamp),
	    writer->stamp);
}

/* A channel's number, told to the file before it is used. What a file says
 * that is appended to is not known: each name is told again. */
static const struct evcan_blf_label_ *
make_label(struct evcan_blf_writer_ *writer, struct evcan_blf_label_ *label,
    uint16_t channel, struct evcan_buffer *out)
{
	char text[EVCAN_REMARK_MAX];
	bool tell;
	unsigned number = evcan_channel_map_number_(&writer->map, channel,
	    &tell);

	label->channel = channel;
	label->lost = number == 0;
	label->number = (uint8_t)(number != 0 ? (int64_t)number :
	    writer->channel);
	if (number == 0)
		return label;
	tell |= writer->appends && !writer->told[number];
	writer->told[number] = true;
	if (tell)
		put_remark(writer, text, evcan_remark_put_channel_(text,
		    number, evcan_channel_name(channel)), out);
	return label;
}

static inline const struct evcan_blf_label_ *
find_label(struct evcan_blf_writer_ *writer, uint16_t channel,
    struct evcan_buffer *out)
{
	struct evcan_blf_label_ *label =
	    &writer->labels[channel % EVCAN_BLF_LABELS];

	if (label->channel == channel && label->number != 0)
		return label;
	return make_label(writer, label, channel, out);
}

/* Frames */

/* Counts what this frame's object will not bring back. */
static void
count_lost(const struct evcan_blf_writer_ *writer,
    const struct evcan_frame *frame, uint64_t *lost)
{
	const unsigned flags = frame->flags;
	const bool error = (flags & EVCAN_FRAME_ERR) != 0;
	const unsigned said = frame->dlc < 8 ? frame->dlc : 8;

	lost[EVCAN_BLF_LOST_ECHO] += (flags & EVCAN_FRAME_ECHO) != 0;
	lost[EVCAN_BLF_LOST_HOPS] += frame->hops != 0;
	lost[EVCAN_BLF_LOST_CLOCK] += frame->clock != (writer->dated ?
	    EVCAN_CLOCK_KERNEL : EVCAN_CLOCK_RELATIVE);
	if ((flags & EVCAN_FRAME_OVERLOAD) != 0) {
		lost[EVCAN_BLF_LOST_DIRECTION] += frame->dir != 0;
		lost[EVCAN_BLF_LOST_ERROR] += frame->id != 0 ||
		    frame->len != 0 || error;
	} else if (error) {
		lost[EVCAN_BLF_LOST_DIRECTION] += frame->dir != 0;
		lost[EVCAN_BLF_LOST_ERROR] += frame->id == 0;
		lost[EVCAN_BLF_LOST_DLC] += frame->dlc != frame->len;
	} else if ((flags & (EVCAN_FRAME_FD | EVCAN_FRAME_RTR)) == 0) {
		lost[EVCAN_BLF_LOST_DLC] += frame->len != said;
	}
}

/* Whether count_lost() may find something. */
static inline bool
is_special(const struct evcan_blf_writer_ *writer,
    const struct evcan_frame *frame)
{
	return (frame->flags & ~(unsigned)EVCAN_FRAME_EXT) != 0 ||
	    frame->hops != 0 || frame->len != frame->dlc ||
	    frame->clock != (writer->dated ? EVCAN_CLOCK_KERNEL :
	    EVCAN_CLOCK_RELATIVE);
}

static inline void
encode_frame(struct evcan_blf_writer_ *writer,
    const struct evcan_frame *frame, struct evcan_buffer *out,
    struct evcan_encode *info)
{
	const bool fd = (frame->flags & EVCAN_FRAME_FD) != 0;
	const bool dated = frame->clock != EVCAN_CLOCK_RELATIVE &&
	    frame->clock != EVCAN_CLOCK_NONE;
	const struct evcan_blf_label_ *label;
	bool late = false;
	uint64_t stamp;
	uint8_t *p;

	if (frame->len > (fd ? EVCAN_MAX_DATA : 8) || (fd &&
	    (frame->flags & EVCAN_FRAME_ERR) != 0)) {
		info->unfit++;
		return;
	}
	stamp = get_stamp(writer, frame->time_ns, dated, &late);
	label = find_label(writer, frame->channel, out);
	p = next_object(writer, EVCAN_BLF_FRAME_ROOM, out);
	put_object(writer, evcan_blf_put_frame_(p, frame, label->number,
	    stamp), stamp);
	info->lost[EVCAN_BLF_LOST_TIME] += late;
	info->lost[EVCAN_BLF_LOST_CHANNEL] += label->lost;
	if (is_special(writer, frame))
		count_lost(writer, frame, info->lost);
}

/* The usual frames, which are nearly all, as far as this container has room.
 * @return how many */
static size_t
encode_run(struct evcan_blf_writer_ *writer, const struct evcan_frame *frames,
    size_t n)
{
	const size_t most = (size_t)writer->most;
	size_t room;

	if (!writer->started || writer->len + EVCAN_BLF_FRAME_ROOM > most)
		return 0;
	room = 1 + (most - writer->len - EVCAN_BLF_FRAME_ROOM) /
	    EVCAN_BLF_CLASSIC_SIZE;
	n = evcan_blf_put_run_(writer, writer->buf + writer->len, frames,
	    n < room ? n : room, &writer->last_stamp);
	if (n == 0)
		return 0;
	writer->len += n * EVCAN_BLF_CLASSIC_SIZE;
	writer->objects += n;
	writer->stamp = (uint64_t)frames[n - 1].time_ns -
	    (uint64_t)writer->start_ns;
	return n;
}

static void
encode_chunk(struct evcan_blf_writer_ *writer,
    const struct evcan_frame *frames, size_t n, struct evcan_buffer *out,
    struct evcan_encode *info)
{
	size_t i;

	for (i = 0; i < EVCAN_BLF_AHEAD; i++)
		evcan_blf_ask_for_(frames, i, n);
	for (i = encode_run(writer, frames, n); i < n;
	    i += encode_run(writer, frames + i, n - i)) {
		evcan_blf_ask_for_(frames, i + EVCAN_BLF_AHEAD, n);
		encode_frame(writer, &frames[i++], out, info);
	}
}

int
evcan_blf_encode_(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	struct evcan_blf_writer_ *writer = state;

	for (size_t i = 0; i < n; i += CHUNK) {
		const size_t some = n - i < CHUNK ? n - i : CHUNK;

		if (!make_room(writer, some * ROOM_EACH) ||
		    !reserve(writer, some * ROOM_EACH, out))
			return EVCAN_ERR_NOMEM;
		encode_chunk(writer, frames + i, some, out, info);
	}
	return 0;
}

/* Its own time is the clock's; it stands where it was noticed. */
int
evcan_blf_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out)
{
	struct evcan_blf_writer_ *writer = state;
	char text[EVCAN_REMARK_MAX];

	if (!make_room(writer, EVCAN_BLF_TEXT_ROOM) ||
	    !reserve(writer, EVCAN_BLF_TEXT_ROOM, out))
		return EVCAN_ERR_NOMEM;
	put_remark(writer, text, evcan_remark_put_gap_(text, channel, gap),
	    out);
	return 0;
}

int
evcan_blf_encode_event_(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out)
{
	struct evcan_blf_writer_ *writer = state;
	bool late = false;
	uint64_t stamp;
	uint8_t *p;

	if (!make_room(writer, EVCAN_BLF_EVENT_ROOM) ||
	    !reserve(writer, EVCAN_BLF_EVENT_ROOM, out))
		return EVCAN_ERR_NOMEM;
	stamp = get_stamp(writer, time_ns, time_ns >= RELATIVE_NS, &late);
	p = next_object(writer, EVCAN_BLF_EVENT_ROOM, out);
	put_object(writer, evcan_blf_put_event_(p, text, stamp), stamp);
	return 0;
}

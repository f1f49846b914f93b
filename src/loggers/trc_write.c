/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_write.c - rows of TRC files, versions 1.1 to 2.1 */
#include "trc_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/listener.h>

#include "remark.h"
#include "text.h"
#include "trc_head.h"
#include "trc_row.h"

/*
 * Rows stand in the columns that PEAK's programs use. What comes before the
 * header (its start is the first frame's time) waits in `early`.
 *
 * A version without a bus column holds one channel: number 1, whatever its
 * name is.
 */

enum attribute {
	LOST_CHANNEL,
	LOST_DIRECTION,
	LOST_ECHO,
	LOST_HOPS,
	LOST_CLOCK,
	LOST_NANOSECONDS,
	LOST_MICROSECONDS,
	LOST_DLC,
	LOST_BRS,
	LOST_ESI,
	LOST_FD,
	LOST_ERROR
};

const struct evcan_option evcan_trc_write_rows_[] = {
	{ .name = "version", .aliases = "file_version",
	  .type = EVCAN_OPTION_CHOICE, .fallback = "2.1",
	  .choices = EVCAN_TRC_CHOICES,
	  .help = "version of the file: 1.1 for old programs, from 1.2 on "
	      "buses have numbers, from 2.0 on there is CAN FD; a file that "
	      "is appended to keeps its own",
	  .offset = offsetof(struct evcan_trc_writer_, version) },
	{ .name = "tz", .type = EVCAN_OPTION_TEXT, .fallback = "local",
	  .help = EVCAN_ZONE_HELP,
	  .offset = offsetof(struct evcan_trc_writer_, tz) },
	{ .name = "channels", .type = EVCAN_OPTION_TEXT,
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct evcan_trc_writer_, channels) },
	{ .name = "channel", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 1, .max = 255, .help = EVCAN_CHANNEL_HELP,
	  .offset = offsetof(struct evcan_trc_writer_, channel) },
	{ .name = NULL }
};

/* Room for any row (64 bytes of data take 192) and a channel's remark. */
#define ROW_ROOM (320 + EVCAN_REMARK_MAX)
/* An error row's bytes, and as many as put_data() looks at. */
#define ERROR_ROOM 16

/* The pieces of a row, each @return its end. */

static inline char *
put_text(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

/* Blanks between columns: one or two; both are written. */
static inline char *
put_gap(const struct evcan_trc_shape_ *shape, char *p)
{
	memcpy(p, "  ", 2);
	return p + shape->gap;
}

/* A number at the end of 6 to 9 columns, or of more where it needs them. */
static inline char *
put_right(char *p, uint64_t value, size_t width)
{
	static const uint64_t limits[] = { 1000000, 10000000, 100000000,
	    1000000000 };
	char *end = p + width;
	uint32_t n;

	if (value >= limits[width - 6])
		return evcan_text_put_uint_(p, value);
	memcpy(p, "         ", 9);
	p = end;
	for (n = (uint32_t)value; n >= 100; n /= 100) {
		p -= 2;
		memcpy(p, evcan_text_pairs_ + n % 100 * 2, 2);
	}
	if (n >= 10)
		memcpy(p - 2, evcan_text_pairs_ + n * 2, 2);
	else
		p[-1] = (char)('0' + n);
	return end;
}

static inline int64_t
floor_to(int64_t value, int64_t unit)
{
	const int64_t rest = value % unit;

	return value - rest - (rest < 0 ? unit : 0);
}

/* Columns of an offset's whole milliseconds. */
#define MS_WIDTH 9

/* The sign takes the last blank, or a column of its own. */
static char *
put_sign(char *p, char *end)
{
	char *digit = end;

	while (digit > p && digit[-1] != ' ')
		digit--;
	if (digit > p) {
		digit[-1] = '-';
		return end;
	}
	memmove(p + 1, p, (size_t)(end - p));
	*p = '-';
	return end + 1;
}

static inline char *
put_offset(const struct evcan_trc_shape_ *shape, char *p, int64_t us)
{
	uint64_t n;
	unsigned rest;
	char *end;

	if (shape->decimals == 1)
		us = floor_to(us, 100);
	n = us < 0 ? (uint64_t)-us : (uint64_t)us;
	rest = (unsigned)(n % 1000);
	*p++ = ' ';
	end = put_right(p, n / 1000, MS_WIDTH);
	if (us < 0)
		end = put_sign(p, end);
	*end++ = '.';
	*end++ = (char)('0' + rest / 100);
	memcpy(end, evcan_text_pairs_ + rest % 100 * 2, 2);
	return end + shape->decimals - 1;
}

/* Eight columns: 4 digits to the right, or 8. */
static inline char *
put_id(char *p, uint32_t id, bool extended)
{
	memcpy(p, "    ", 4);
	if (extended) {
		memcpy(p, evcan_hex_pairs_[id >> 24 & 0xff], 2);
		memcpy(p + 2, evcan_hex_pairs_[id >> 16 & 0xff], 2);
	}
	memcpy(p + 4, evcan_hex_pairs_[id >> 8 & 0xff], 2);
	memcpy(p + 6, evcan_hex_pairs_[id & 0xff], 2);
	return p + 8;
}

static inline char *
put_data(char *p, const uint8_t *data, size_t len)
{
	/* Eight at once have no branch; what is too many is written over. */
	for (size_t i = 0; i < len; i += 8)
		for (size_t k = i; k < i + 8; k++) {
			memcpy(p + k * 3, evcan_hex_pairs_[data[k]], 2);
			p[k * 3 + 2] = ' ';
		}
	return p + len * 3 - (len > 0);
}

/* A length from the left of its columns. */
static inline char *
put_length(const struct evcan_trc_shape_ *shape, char *p, unsigned length)
{
	const size_t width = shape->length_width;

	memcpy(p, "    ", 4);
	if (length <= 9) {
		*p = (char)('0' + length);
		return p + width;
	}
	memcpy(p, evcan_text_pairs_ + length * 2, 2);
	return p + (width < 2 ? 2 : width);
}

/* What a row says, ready for any version's columns. */
struct row {
	const char *type;        /* five columns of it */
	const char *instead;     /* of data, or NULL */
	const uint8_t *data;
	uint32_t id;
	unsigned length, bytes;
	bool extended, sent;
	bool no_id;              /* an error row from version 2.0 on */
};

/* Number and offset, in microseconds. */
static inline char *
put_begin(struct evcan_trc_writer_ *writer, char *p, int64_t us)
{
	const struct evcan_trc_shape_ *shape = writer->shape;

	p = put_right(p, ++writer->number, shape->number_width);
	if (shape->old)
		*p++ = ')';
	p = put_offset(shape, p, us);
	return put_gap(shape, p);
}

static inline char *
put_bus(const struct evcan_trc_writer_ *writer, char *p)
{
	memcpy(p, writer->bus->text, sizeof(writer->bus->text));
	return put_gap(writer->shape, p + writer->bus->len);
}

/* Direction, reserved and length. */
static inline char *
put_middle(const struct evcan_trc_shape_ *shape, char *p,
    const struct row *row)
{
	if (!shape->old)
		p = put_gap(shape, put_text(p, row->sent ? "Tx" : "Rx", 2));
	if (shape->code)
		p = put_gap(shape, put_text(p, "- ", 2));
	if (row->no_id && !shape->code)
		return put_text(p, "   ", 3);   /* version 2.0: blank */
	return put_gap(shape, put_length(shape, p, row->length));
}

static inline char *
put_row(const struct evcan_trc_writer_ *writer, char *p,
    const struct row *row)
{
	const struct evcan_trc_shape_ *shape = writer->shape;

	if (shape->bus && shape->old)
		p = put_bus(writer, p);
	memcpy(p, row->type, 5);
	p = put_gap(shape, p + (shape->old ? 5 : 2));
	if (shape->bus && !shape->old)
		p = put_bus(writer, p);
	if (row->no_id)
		p = put_text(p, shape->code ? "       -" : "        ", 8);
	else
		p = put_id(p, row->id, row->extended);
	p = put_middle(shape, put_gap(shape, p), row);
	if (row->instead != NULL)
		p = put_text(p, row->instead, strlen(row->instead));
	p = put_data(p, row->data, row->bytes);
	return put_text(p, "\r\n", 2);
}

static char *
put_channel_remark(char *p, unsigned number, const char *name)
{
	p = put_text(p, ";   ", 4);
	p += evcan_remark_put_channel_(p, number, name);
	return put_text(p, "\r\n", 2);
}

/* Finds out how a channel is written; tells the file its name first, if need
 * be. */
static char *
set_bus(struct evcan_trc_writer_ *writer, struct evcan_trc_bus_ *bus,
    uint16_t channel, char *p)
{
	const char *name = evcan_channel_name(channel);
	const bool column = writer->shape->bus;
	char text[8];
	unsigned number;
	bool tell;

	/* Without a column for it the first channel is number 1. */
	if (!column && !writer->has_rows)
		evcan_channel_map_learn_(&writer->map, 1, name, strlen(name));
	number = evcan_channel_map_number_(&writer->map, channel, &tell);
	bus->known = true;
	bus->channel = channel;
	bus->lost = number == 0 || (!column && number != 1);
	if (tell && !bus->lost)
		p = put_channel_remark(p, number, name);
	if (number == 0)
		number = (unsigned)writer->channel;
	bus->len = (size_t)snprintf(text, sizeof(text), "%-2u",
	    number & 0xff);
	memcpy(bus->text, text, sizeof(bus->text));
	return p;
}

static inline char *
find_bus(struct evcan_trc_writer_ *writer, uint16_t channel, char *p)
{
	struct evcan_trc_bus_ *bus =
	    &writer->buses[channel % EVCAN_TRC_BUSES];

	writer->bus = bus;
	if (bus->channel == channel && bus->known)
		return p;
	return set_bus(writer, bus, channel, p);
}

/* Frames as rows. @return false: it cannot be one */

static void
make_error(const struct evcan_trc_shape_ *shape,
    const struct evcan_frame *frame, struct row *row, uint8_t *bytes,
    uint64_t *lost)
{
	row->extended = false;
	memset(bytes, 0, ERROR_ROOM);
	lost[LOST_ERROR] += !evcan_trc_put_error_(frame, bytes);
	row->type = shape->old ? "Error" : "ER   ";
	row->data = bytes;
	row->length = row->bytes = EVCAN_TRC_ERROR_BYTES;
	row->no_id = !shape->old;
	if (!shape->old)
		return;
	/* The kind of error stands in place of the identifier. */
	row->id = bytes[0];
	row->data++;
	row->length--;
	row->bytes--;
	lost[LOST_DIRECTION] += frame->dir == EVCAN_DIR_TX;
}

static void
make_remote(const struct evcan_trc_shape_ *shape,
    const struct evcan_frame *frame, struct row *row, uint64_t *lost)
{
	row->length = frame->dlc & 15;
	if (!shape->code && row->length > 8) {
		row->length = 8;
		lost[LOST_DLC]++;
	}
	row->bytes = 0;
	if (shape->old)
		row->instead = "RTR";
	else
		row->type = "RR   ";
}

/* FD lengths that no code tells fit only where bytes are counted. */
static bool
make_fd(const struct evcan_trc_shape_ *shape,
    const struct evcan_frame *frame, struct row *row, uint64_t *lost)
{
	static const char *const types[] = { "FD   ", "FB   ", "BI   ",
	    "FE   " };
	const unsigned brs = (frame->flags & EVCAN_FRAME_BRS) != 0;
	const unsigned esi = (frame->flags & EVCAN_FRAME_ESI) != 0;
	const unsigned code = evcan_len2dlc(frame->len);

	if (frame->len > (shape->old ? 8 : EVCAN_MAX_DATA) ||
	    (shape->code && evcan_dlc2len(code) != frame->len))
		return false;
	lost[LOST_DLC] += frame->dlc != code;
	if (shape->old) {
		lost[LOST_FD]++;
		lost[LOST_BRS] += brs;
		lost[LOST_ESI] += esi;
		row->length = frame->len;
		return true;
	}
	row->type = types[brs | esi << 1];
	row->length = shape->code ? code : frame->len;
	return true;
}

static bool
make_data(const struct evcan_trc_shape_ *shape,
    const struct evcan_frame *frame, struct row *row, uint64_t *lost)
{
	if (frame->len > 8)
		return false;
	row->length = frame->len;
	if (shape->code && frame->len == 8 && frame->dlc > 8 &&
	    frame->dlc <= 15)
		row->length = frame->dlc;
	lost[LOST_DLC] += frame->dlc != row->length;
	return true;
}

static inline bool
make_row(const struct evcan_trc_shape_ *shape,
    const struct evcan_frame *frame, struct row *row, uint8_t *bytes,
    uint64_t *lost)
{
	row->sent = frame->dir != EVCAN_DIR_RX;
	row->type = !shape->old ? "DT   " : row->sent ? "Tx   " : "Rx   ";
	row->instead = NULL;
	row->data = frame->data;
	row->id = frame->id;
	row->extended = (frame->flags & EVCAN_FRAME_EXT) != 0;
	row->bytes = frame->len;
	row->no_id = false;
	if ((frame->flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_RTR |
	    EVCAN_FRAME_FD | EVCAN_FRAME_OVERLOAD)) == 0)
		return make_data(shape, frame, row, lost);
	if ((frame->flags & EVCAN_FRAME_OVERLOAD) != 0)
		return false;
	if ((frame->flags & EVCAN_FRAME_ERR) != 0)
		make_error(shape, frame, row, bytes, lost);
	else if ((frame->flags & EVCAN_FRAME_RTR) != 0)
		make_remote(shape, frame, row, lost);
	else
		return make_fd(shape, frame, row, lost);
	return true;
}

/* What an offset cannot hold of a time, in nanoseconds. */
static inline int
beyond_micros(const struct evcan_trc_writer_ *writer, int64_t ns)
{
	return (int)(ns % 1000) - writer->start_rest;
}

/* An offset in microseconds. It is cut, but rounded where the start (of
 * somebody else's header) is none of whole microseconds itself. */
static inline int64_t
offset_us(const struct evcan_trc_writer_ *writer, int64_t ns)
{
	const int rest = beyond_micros(writer, ns) +
	    (writer->start_rest != 0 ? 500 : 0);

	return ns / 1000 - writer->start_us + (rest >= 1000) +
	    (rest >= 2000) - (rest < 0) - (rest < -1000);
}

/* What every kind of frame may lose. */
static inline void
count_lost(const struct evcan_trc_writer_ *writer,
    const struct evcan_frame *frame, int64_t us, uint64_t *lost)
{
	lost[LOST_CHANNEL] += writer->bus->lost;
	lost[LOST_DIRECTION] += frame->dir == EVCAN_DIR_TXRQ;
	lost[LOST_ECHO] += (frame->flags & EVCAN_FRAME_ECHO) != 0;
	lost[LOST_HOPS] += frame->hops != 0;
	lost[LOST_CLOCK] += frame->clock != writer->clock;
	lost[LOST_NANOSECONDS] += beyond_micros(writer, frame->time_ns) != 0;
	lost[LOST_MICROSECONDS] += writer->shape->decimals == 1 &&
	    us % 100 != 0;
}

/* Beyond them reading has no number for the time. */
#define OFFSET_MAX (INT64_MAX / 1000 - 1000000)
#define TIME_MIN (INT64_MIN + 1000000)

/* Years that $STARTTIME can count from. */
#define FIRST_DATE (-2208988800ll * 1000000000)   /* 1900-01-01 */

static void
set_start(struct evcan_trc_writer_ *writer, int64_t ns, uint8_t clock)
{
	writer->clock = clock;
	writer->start_us = ns / 1000;
	writer->start_rest = (int)(ns % 1000);
}

/* The header (or just the start, where there is one without) and what waited
 * for it. @param ns, clock of what comes first */
static void
put_header(struct evcan_trc_writer_ *writer, int64_t ns, uint8_t clock,
    struct evcan_buffer *out)
{
	const bool dated = clock != EVCAN_CLOCK_RELATIVE &&
	    clock != EVCAN_CLOCK_NONE && ns >= FIRST_DATE;
	int64_t start = floor_to(ns, writer->shape->decimals == 3 ? 1000 :
	    100000);
	char days[40], date[40];
	const bool known = dated && evcan_trc_put_start_(&writer->zone,
	    &start, days, date);

	writer->needs_header = false;
	if (known)
		set_start(writer, start, EVCAN_CLOCK_KERNEL);
	else
		set_start(writer, 0, EVCAN_CLOCK_RELATIVE);
	if (!writer->has_header)
		evcan_trc_put_header_(writer->shape, known ? days : NULL,
		    date, out);
	else if (known)
		evcan_trc_put_start_line_(days, out);
	if (writer->early.len > 0)
		evcan_buffer_append(out, writer->early.data,
		    writer->early.len);
	writer->early.len = 0;
}

int
evcan_trc_encode_(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	struct evcan_trc_writer_ *writer = state;

	if (n > 0 && writer->needs_header)
		put_header(writer, frames->time_ns, frames->clock, out);
	for (size_t i = 0; i < n; i++) {
		const struct evcan_frame *frame = &frames[i];
		const int64_t us = offset_us(writer, frame->time_ns);
		uint8_t bytes[ERROR_ROOM];
		struct row row;
		char *start, *p;

		if (us < -OFFSET_MAX || us > OFFSET_MAX ||
		    frame->time_ns < TIME_MIN ||
		    !make_row(writer->shape, frame, &row, bytes,
		    info->lost)) {
			info->unfit++;
			continue;
		}
		start = (char *)evcan_buffer_reserve(out, ROW_ROOM);
		if (start == NULL)
			return EVCAN_ERR_NOMEM;
		p = start;
		p = find_bus(writer, frame->channel, p);
		p = put_row(writer, put_begin(writer, p, us), &row);
		evcan_buffer_commit(out, (size_t)(p - start));
		writer->has_rows = true;
		count_lost(writer, frame, us, info->lost);
	}
	return 0;
}

int
evcan_trc_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out)
{
	struct evcan_trc_writer_ *writer = state;
	char line[EVCAN_REMARK_MAX + 8], *p;

	p = put_text(line, ";   ", 4);
	p += evcan_remark_put_gap_(p, channel, gap);
	p = put_text(p, "\r\n", 2);
	if (writer->needs_header)
		out = &writer->early;
	evcan_buffer_append(out, line, (size_t)(p - line));
	return out->failed ? EVCAN_ERR_NOMEM : 0;
}

/* Times of events do not say what they count from: dates are late. */
#define RELATIVE (365ll * 24 * 3600 * 1000000000)
#define EVENT_MAX 1023   /* as readers take them */

int
evcan_trc_encode_event_(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out)
{
	struct evcan_trc_writer_ *writer = state;
	const size_t len = strnlen(text, EVENT_MAX);
	char *start, *p;

	if (writer->needs_header)
		put_header(writer, time_ns, time_ns < RELATIVE ?
		    EVCAN_CLOCK_RELATIVE : EVCAN_CLOCK_KERNEL, out);
	start = (char *)evcan_buffer_reserve(out, ROW_ROOM + EVENT_MAX);
	if (start == NULL)
		return EVCAN_ERR_NOMEM;
	if (writer->shape->old) {
		p = put_text(start, ";   " EVCAN_TRC_EVENT,
		    sizeof(EVCAN_TRC_EVENT) + 3);
		p += sprintf(p, "%lld us: ",
		    (long long)offset_us(writer, time_ns));
	} else {
		p = put_begin(writer, start, offset_us(writer,
		    time_ns));
		p = put_gap(writer->shape, put_text(p, "EV", 2));
		if (writer->shape->bus)
			p = put_text(p, "-  ", 3);
	}
	for (size_t i = 0; i < len; i++)
		*p++ = (unsigned char)text[i] < ' ' ? ' ' : text[i];
	p = put_text(p, "\r\n", 2);
	evcan_buffer_commit(out, (size_t)(p - start));
	return 0;
}

int
evcan_trc_finish_(void *state, struct evcan_buffer *out)
{
	struct evcan_trc_writer_ *writer = state;

	if (writer->needs_header)
		put_header(writer, 0, EVCAN_CLOCK_NONE, out);
	return 0;
}

void
evcan_trc_write_done_(void *state)
{
	struct evcan_trc_writer_ *writer = state;

	free(writer->early.data);
}

/* Reads what the file's beginning says, its first row too. */
static void
read_past(struct evcan_trc_reader_ *reader, const struct evcan_past *past,
    struct evcan_trc_writer_ *writer)
{
	const char *p = (const char *)past->head, *eol, *next;
	const char *end = p + past->head_len;
	const bool whole = past->size <= past->head_len;
	struct evcan_decode out = { .line = 1 };
	struct evcan_frame frame;
	struct evcan_fault_ fault;

	p = evcan_lines_skip_bom_(p, end);
	for (; p < end; p = next) {
		next = evcan_lines_end_(p, end, whole, &eol);
		if (next == NULL || next == p)
			break;
		writer->has_rows |= evcan_trc_line_(reader, p, eol, &frame,
		    &out, &fault) == EVCAN_LINE_FRAME;
	}
	/* Numbers go on where they can be known, or begin again. */
	if (whole)
		writer->number = reader->last_number;
}

static int
go_on(struct evcan_trc_writer_ *writer, const struct evcan_past *past,
    struct evcan_error *err)
{
	struct evcan_trc_reader_ reader = { .tz = writer->tz,
	    .channels = writer->channels };

	if (evcan_trc_reader_begin_(&reader, err) < 0)
		return EVCAN_ERR_INVALID;
	read_past(&reader, past, writer);
	writer->shape = NULL;
	for (size_t i = 0; i < EVCAN_TRC_SHAPES; i++)
		if (reader.told_version &&
		    reader.version == evcan_trc_shapes_[i].version)
			writer->shape = &evcan_trc_shapes_[i];
	if (writer->shape == NULL)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "appending to a TRC file needs one whose header tells a "
		    "version of " EVCAN_TRC_CHOICES);
	if (strcmp(reader.columns,
	    evcan_trc_versions_[reader.version].columns) != 0)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "appending to a TRC file of version %s needs the columns "
		    "%s, and this one has %s",
		    evcan_trc_versions_[reader.version].name,
		    evcan_trc_versions_[reader.version].columns,
		    reader.columns);
	writer->map = reader.map;
	writer->has_header = true;
	set_start(writer, reader.start_ns, reader.clock);
	/* One without any row may still be told when it began. */
	writer->needs_header = reader.clock == EVCAN_CLOCK_RELATIVE &&
	    reader.last_number == 0 && past->size <= past->head_len;
	return 0;
}

int
evcan_trc_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err)
{
	struct evcan_trc_writer_ *writer = state;

	(void)out;
	if (evcan_zone_parse_(&writer->zone, writer->tz, err) < 0)
		return EVCAN_ERR_INVALID;
	writer->shape = &evcan_trc_shapes_[writer->version];
	writer->needs_header = true;
	if (past != NULL)
		return go_on(writer, past, err);
	return evcan_channel_map_init_(&writer->map, writer->channels, err);
}

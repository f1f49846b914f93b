/* SPDX-License-Identifier: BSD-3-Clause */
/* csv_write.c - frames to rows of comma separated values */
#include "csv_line.h"

#include <stdio.h>
#include <string.h>

#include <evcan/error.h>

#include "remark.h"
#include "text.h"

static const char digits64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What the columns of a row need at most: 25 characters of time, 10 of an
 * identifier, 88 of data, a name of quotes only, and small ones. */
#define ROW_ROOM (25 + 10 + 88 + 2 * EVCAN_CHANNEL_NAME_MAX + 2 + 64 + \
	EVCAN_CSV_FIELDS)

static int
put_header(const struct evcan_csv_writer_ *writer, struct evcan_buffer *out)
{
	const struct evcan_csv_layout_ *layout = &writer->layout;

	for (unsigned i = 0; i < layout->fields; i++) {
		const char *name = evcan_column_names_[layout->column[i]];

		if (i > 0)
			evcan_buffer_append(out, ",", 1);
		evcan_buffer_append(out, name, strlen(name));
	}
	evcan_buffer_append(out, "\n", 1);
	return 0;
}

/* The first line that says something. @return false: there is none */
static bool
first_line(const struct evcan_past *past, const char **line,
    const char **eol)
{
	const char *end = (const char *)past->head + past->head_len;
	const char *p = evcan_lines_skip_bom_((const char *)past->head, end);
	const char *next;

	for (; p < end; p = next) {
		next = evcan_lines_end_(p, end, true, eol);
		if (next == NULL || next == p)
			return false;
		*line = p;
		if (*eol > p && *p != '#')
			return true;
	}
	return false;
}

/* Rows go on in the columns that a file has. */
static int
take_layout(struct evcan_csv_writer_ *writer, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err)
{
	struct evcan_csv_layout_ *layout = &writer->layout;
	const unsigned least = EVCAN_COLUMNS_FIRST(EVCAN_COLUMNS_PYTHON);
	const char *line, *eol;

	if (past->head_len == 0)
		return 0;
	if (!first_line(past, &line, &eol))
		return put_header(writer, out);
	if (!evcan_csv_header_(line, eol, layout) &&
	    !evcan_csv_row_(line, eol, layout))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "is not appended to: its first line is neither the "
		    "header nor a row of a CSV log (timestamp,"
		    "arbitration_id,extended,remote,error,dlc,data)");
	if ((layout->columns & least) != least)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "is not appended to: its header lacks some of the columns "
		    "timestamp, arbitration_id, extended, remote, error, dlc "
		    "and data");
	return 0;
}

int
evcan_csv_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err)
{
	struct evcan_csv_writer_ *writer = state;

	writer->sec_ns = INT64_MAX;   /* no frame is later */
	evcan_csv_layout_init_(&writer->layout, writer->all != 0 ?
	    EVCAN_COLUMNS : EVCAN_COLUMNS_PYTHON);
	if (past == NULL)
		return put_header(writer, out);
	return take_layout(writer, past, out, err);
}

/* Columns: each appends its value and returns its end. */

/* Below 0.0001 python's repr() has an exponent. */
static char *
put_tiny(char *p, uint32_t ns)
{
	char digits[8];
	int n = snprintf(digits, sizeof(digits), "%u", (unsigned)ns);
	int exponent = 10 - n;

	while (n > 1 && digits[n - 1] == '0')
		n--;
	*p++ = digits[0];
	if (n > 1)
		*p++ = '.';
	memcpy(p, digits + 1, (size_t)n - 1);
	p += n - 1;
	memcpy(p, "e-0", 3);
	p[3] = (char)('0' + exponent);
	return p + 4;
}

/* A new second's text, of at most 10 digits. */
static void
begin_second(struct evcan_csv_writer_ *writer, int64_t ns)
{
	const int64_t sec = ns / 1000000000;
	char *end = evcan_text_put_uint_(writer->sec_text, (uint64_t)sec);

	*end = '.';
	writer->sec_ns = sec * 1000000000;
	writer->sec_len = (size_t)(end - writer->sec_text) + 1;
}

static char *
put_time(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	int64_t ns = frame->time_ns;
	uint32_t rest, micros;
	char *least;

	if (ns < 0) {
		*p++ = '-';
		/* The smallest number of all has no positive one. */
		ns = ns == INT64_MIN ? INT64_MAX : -ns;
	}
	if (ns < 100000 && ns > 0)
		return put_tiny(p, (uint32_t)ns);
	if (ns < writer->sec_ns || ns - writer->sec_ns >= 1000000000)
		begin_second(writer, ns);
	memcpy(p, writer->sec_text, sizeof(writer->sec_text));
	p += writer->sec_len;
	least = p + 1;
	rest = (uint32_t)(ns - writer->sec_ns);
	micros = rest / 1000;
	memcpy(p, evcan_text_pairs_ + micros / 10000 * 2, 2);
	memcpy(p + 2, evcan_text_pairs_ + micros / 100 % 100 * 2, 2);
	memcpy(p + 4, evcan_text_pairs_ + micros % 100 * 2, 2);
	p += 6;
	rest -= micros * 1000;
	if (rest != 0) {
		*p++ = (char)('0' + rest / 100);
		memcpy(p, evcan_text_pairs_ + rest % 100 * 2, 2);
		p += 2;
	}
	while (p > least && p[-1] == '0')
		p--;
	return p;
}

static char *
put_id(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	static const char digits[] = "0123456789abcdef";
	int shift = 0;

	(void)writer;
	*p++ = '0';
	*p++ = 'x';
	while (frame->id >> shift > 15)
		shift += 4;
	for (; shift >= 0; shift -= 4)
		*p++ = digits[frame->id >> shift & 15];
	return p;
}

static inline char *
put_flag(const struct evcan_frame *frame, unsigned flag, char *p)
{
	*p = (frame->flags & flag) != 0 ? '1' : '0';
	return p + 1;
}

static char *
put_ext(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	(void)writer;
	return put_flag(frame, EVCAN_FRAME_EXT, p);
}

static char *
put_remote(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	(void)writer;
	return put_flag(frame, EVCAN_FRAME_RTR, p);
}

static char *
put_error(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	(void)writer;
	return put_flag(frame, EVCAN_FRAME_ERR, p);
}

static char *
put_fd(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	(void)writer;
	return put_flag(frame, EVCAN_FRAME_FD, p);
}

static char *
put_brs(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	(void)writer;
	return put_flag(frame, EVCAN_FRAME_BRS, p);
}

static char *
put_esi(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	(void)writer;
	return put_flag(frame, EVCAN_FRAME_ESI, p);
}

static char *
put_dlc(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	const unsigned dlc = evcan_row_dlc_(frame, writer->layout.columns);

	if (dlc >= 10)
		*p++ = (char)('0' + dlc / 10);
	*p = (char)('0' + dlc % 10);
	return p + 1;
}

static char *
put_data(struct evcan_csv_writer_ *writer, const struct evcan_frame *frame,
    char *p)
{
	const uint8_t *data = frame->data;
	unsigned len = frame->len <= EVCAN_MAX_DATA ? frame->len :
	    EVCAN_MAX_DATA;

	(void)writer;
	for (; len >= 3; len -= 3, data += 3, p += 4) {
		p[0] = digits64[data[0] >> 2];
		p[1] = digits64[(data[0] << 4 | data[1] >> 4) & 63];
		p[2] = digits64[(data[1] << 2 | data[2] >> 6) & 63];
		p[3] = digits64[data[2] & 63];
	}
	if (len == 0)
		return p;
	p[0] = digits64[data[0] >> 2];
	p[3] = '=';
	if (len == 2) {
		p[1] = digits64[(data[0] << 4 | data[1] >> 4) & 63];
		p[2] = digits64[data[1] << 2 & 63];
	} else {
		p[1] = digits64[data[0] << 4 & 63];
		p[2] = '=';
	}
	return p + 4;
}

/* In quotes where the name would not come back without. */
static char *
put_channel(struct evcan_csv_writer_ *writer,
    const struct evcan_frame *frame, char *p)
{
	const char *name = evcan_channel_name(frame->channel);
	const size_t len = strlen(name);
	const bool quotes = strpbrk(name, "\",; \t#") != NULL;

	(void)writer;
	if (!quotes) {
		memcpy(p, name, len);
		return p + len;
	}
	*p++ = '"';
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '"')
			*p++ = '"';
		*p++ = name[i];
	}
	*p = '"';
	return p + 1;
}

static char *
put_direction(struct evcan_csv_writer_ *writer,
    const struct evcan_frame *frame, char *p)
{
	const char *text = evcan_column_directions_[frame->dir <=
	    EVCAN_DIR_TXRQ ? frame->dir : EVCAN_DIR_TX];
	const size_t len = strlen(text);

	(void)writer;
	memcpy(p, text, len);
	return p + len;
}

/* A column of somebody else's. */
static char *
put_nothing(struct evcan_csv_writer_ *writer,
    const struct evcan_frame *frame, char *p)
{
	(void)writer;
	(void)frame;
	return p;
}

static char *(*const puts_[EVCAN_COLUMNS + 1])(struct evcan_csv_writer_ *,
    const struct evcan_frame *, char *) = {
	[EVCAN_COLUMN_TIME] = put_time,
	[EVCAN_COLUMN_ID] = put_id,
	[EVCAN_COLUMN_EXT] = put_ext,
	[EVCAN_COLUMN_REMOTE] = put_remote,
	[EVCAN_COLUMN_ERROR] = put_error,
	[EVCAN_COLUMN_DLC] = put_dlc,
	[EVCAN_COLUMN_DATA] = put_data,
	[EVCAN_COLUMN_FD] = put_fd,
	[EVCAN_COLUMN_BRS] = put_brs,
	[EVCAN_COLUMN_ESI] = put_esi,
	[EVCAN_COLUMN_CHANNEL] = put_channel,
	[EVCAN_COLUMN_DIRECTION] = put_direction,
	[EVCAN_COLUMNS] = put_nothing
};

int
evcan_csv_encode_(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	struct evcan_csv_writer_ *writer = state;
	const struct evcan_csv_layout_ *layout = &writer->layout;

	for (size_t i = 0; i < n; i++) {
		const struct evcan_frame *frame = &frames[i];
		char *start, *p;

		if ((frame->flags & EVCAN_FRAME_OVERLOAD) != 0) {
			info->unfit++;
			continue;
		}
		start = p = (char *)evcan_buffer_reserve(out, ROW_ROOM);
		if (start == NULL)
			return 0;   /* core sees out->failed */
		for (unsigned f = 0; f < layout->fields; f++) {
			p = puts_[layout->column[f]](writer, frame, p);
			*p++ = layout->delimiter;
		}
		p[-1] = '\n';
		evcan_buffer_commit(out, (size_t)(p - start));
		evcan_row_lost_(frame, layout->columns, info->lost);
	}
	return 0;
}

/* A comment, only where python-can's reader has stumbled already. */
int
evcan_csv_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out)
{
	const struct evcan_csv_writer_ *writer = state;
	char line[EVCAN_REMARK_MAX + 4] = "# ";
	size_t len = 2;

	if (writer->layout.columns ==
	    EVCAN_COLUMNS_FIRST(EVCAN_COLUMNS_PYTHON))
		return 0;
	len += evcan_remark_put_gap_(line + len, channel, gap);
	line[len++] = '\n';
	evcan_buffer_append(out, line, len);
	return 0;
}

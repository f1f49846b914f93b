/* SPDX-License-Identifier: BSD-3-Clause */
/* lines_format.c - a text format as a plug-in: time, direction, channel, frame
 *
 *   ; evcan lines 1
 *   1483389946.000000000 Rx can0 123#DEADBEEF
 *   ; anything
 *
 * Only what <evcan/plugin.h> has, and C. */
#include <stdio.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/plugin.h>

#define MAGIC "; evcan lines 1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define SECOND INT64_C(1000000000)
#define NAME_MAX_LEN 100

/* What it has no place for, in the order of the table's `attributes`. */
enum { LOST_DIRECTION, LOST_CHANNEL, LOST_ECHO, LOST_HOPS, LOST_CLOCK };

/* Reading */

struct reader {
	struct evcan_lines lines;
};

static int
bid(const uint8_t *data, size_t len)
{
	return len >= MAGIC_LEN && memcmp(data, MAGIC, MAGIC_LEN) == 0 ?
	    100 : 0;
}

static int
bad(struct evcan_line *line, const char *at, const char *why)
{
	line->at = at;
	line->why = why;
	return EVCAN_ERR_SYNTAX;
}

/* Digits up to a character, which is passed too. @return NULL: not so */
static const char *
get_number(const char *p, char stop, int64_t *value)
{
	const char *start = p;

	*value = 0;
	while (*p >= '0' && *p <= '9' && p - start < 10)
		*value = *value * 10 + (*p++ - '0');
	return p > start && *p == stop ? p + 1 : NULL;
}

/* Seconds with nine decimals, and a blank. @return behind it, or NULL */
static const char *
get_time(const char *p, int64_t *time_ns)
{
	const char *dot = get_number(p, '.', time_ns), *end;
	int64_t decimals;

	if (dot == NULL || *time_ns > INT64_MAX / SECOND - 1)
		return NULL;
	end = get_number(dot, ' ', &decimals);
	if (end == NULL || end - dot != 10)
		return NULL;
	*time_ns = *time_ns * SECOND + decimals;
	return end;
}

/* @return behind the word and its blank, or NULL */
static const char *
get_channel(const char *p, struct evcan_frame *frame)
{
	char name[NAME_MAX_LEN + 1];
	size_t len = strcspn(p, " ");
	int channel = 0;

	if (len == 0 || len > NAME_MAX_LEN || p[len] == '\0')
		return NULL;
	memcpy(name, p, len);
	name[len] = '\0';
	if (strcmp(name, "-") != 0)
		channel = evcan_channel_intern(name);
	if (channel < 0)
		return NULL;
	frame->channel = (uint16_t)channel;
	return p + len + 1;
}

static int
get_line(void *state, struct evcan_line *line)
{
	struct evcan_frame *frame = line->frame, parsed;
	char text[EVCAN_TEXT_MAX];
	const char *p, *next;
	int64_t time_ns;

	(void)state;
	if (line->len == 0 || line->text[0] == ';')
		return 0;
	if (line->len >= sizeof(text))
		return bad(line, line->text, "the line is too long");
	memcpy(text, line->text, line->len);
	text[line->len] = '\0';
	p = get_time(text, &time_ns);
	if (p == NULL)
		return bad(line, line->text, "does not begin with seconds of "
		    "nine decimals");
	if (strncmp(p, "Rx ", 3) != 0 && strncmp(p, "Tx ", 3) != 0)
		return bad(line, line->text + (p - text), "neither Rx nor Tx");
	next = get_channel(p + 3, frame);
	if (next == NULL)
		return bad(line, line->text + (p + 3 - text), "no channel");
	if (evcan_frame_parse(&parsed, next, NULL) < 0)
		return bad(line, line->text + (next - text), "not a frame");
	parsed.channel = frame->channel;
	parsed.dir = p[0] == 'T' ? EVCAN_DIR_TX : EVCAN_DIR_RX;
	parsed.clock = EVCAN_CLOCK_KERNEL;
	parsed.time_ns = time_ns;
	*frame = parsed;
	return 1;
}

static int
decode(void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out)
{
	struct reader *reader = state;

	return evcan_decode_lines(&reader->lines, get_line, reader, span,
	    frames, max, out);
}

/* Writing */

static int
begin(void *state, const struct evcan_past *past, struct evcan_buffer *out,
    struct evcan_error *err)
{
	(void)state;
	(void)err;
	if (past == NULL)
		evcan_buffer_append(out, MAGIC, MAGIC_LEN);
	return 0;
}

static int
encode(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct evcan_frame *frame = &frames[i];
		const char *name = evcan_channel_name(frame->channel);
		char text[EVCAN_TEXT_MAX], line[EVCAN_TEXT_MAX + 200];
		int len;

		if (frame->time_ns < 0 ||
		    evcan_frame_format(frame, text, sizeof(text)) < 0) {
			info->unfit++;
			continue;
		}
		if (frame->channel == 0 || name[0] == '\0' ||
		    strcmp(name, "-") == 0 || strlen(name) > NAME_MAX_LEN ||
		    strpbrk(name, " \r\n") != NULL) {
			info->lost[LOST_CHANNEL] += frame->channel != 0;
			name = "-";
		}
		len = snprintf(line, sizeof(line), "%lld.%09lld %s %s %s\n",
		    (long long)(frame->time_ns / SECOND),
		    (long long)(frame->time_ns % SECOND),
		    frame->dir == EVCAN_DIR_RX ? "Rx" : "Tx", name, text);
		evcan_buffer_append(out, line, (size_t)len);
		info->lost[LOST_DIRECTION] += frame->dir == EVCAN_DIR_TXRQ;
		info->lost[LOST_ECHO] +=
		    (frame->flags & EVCAN_FRAME_ECHO) != 0;
		info->lost[LOST_HOPS] += frame->hops > 0;
		info->lost[LOST_CLOCK] += frame->clock != EVCAN_CLOCK_KERNEL;
	}
	return 0;
}

static const struct evcan_format lines = {
	.name = "lines",
	.summary = "time, direction, channel and frame, a line each",
	.suffixes = ".lines",
	.attributes = "direction channel echo hops clock",
	.flags = EVCAN_FORMAT_TEXT,
	.read_size = sizeof(struct reader),
	.bid = bid,
	.decode = decode,
	.begin = begin,
	.encode = encode
};

static const struct evcan_format *const formats[] = { &lines, NULL };

const struct evcan_plugin evcan_plugin_v1 = {
	EVCAN_PLUGIN_HEAD, "lines", "1.0", NULL, formats
};

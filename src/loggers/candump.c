/* SPDX-License-Identifier: BSD-3-Clause */
/* candump.c - can-utils' log: (seconds) interface frame */
#include <evcan/format.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/listener.h>

#include "bytes.h"
#include "candump_line.h"
#include "text.h"

/*
 * Written: what candump -L writes, byte by byte. Read: every variant of it
 * that tools leave behind (see candump_line.c).
 *
 * Stamps below one year count from the log's own start (asc2log and canplayer
 * make such logs): their clock is relative. Others are Unix time, taken as
 * the kernel's. A channel is its interface's name and nothing else: "0" stays
 * "0" where python-can makes can0 of it, so that can0, vcan0 and 0 are three
 * channels after a round trip too. A hole is a DROPCOUNT line; NUL bytes are
 * passed over (a file cut by a crash), and so is CAN XL, which is counted.
 */

/* Reading */

/* How far behind a line's start fast_line() may look. */
#define FAST_BYTES 64

/* The shape that nearly every line has: a second and a name seen before, a
 * classic data frame. @return the next line, or NULL: on any surprise */
static const char *
fast_line(void *state, const char *line, const char *end,
    struct evcan_frame *frame)
{
	struct evcan_candump_reader_ *reader = state;
	const struct evcan_near_name_ *name;
	const uint8_t *p = (const uint8_t *)line;
	uint32_t micros;

	(void)end;
	if (reader->second.len == 0 || !evcan_second_is_(&reader->second, p))
		return NULL;
	p += reader->second.len;
	if (get_le16(p + 6) != (')' | ' ' << 8) ||
	    !evcan_micros6_(get_le64(p), &micros))
		return NULL;
	p += 8;
	name = evcan_near_at_(&reader->names, p);
	if (name == NULL)
		return NULL;
	p = evcan_fast_frame_(p + name->len + 1, frame);
	if (p == NULL)
		return NULL;
	frame->dir = EVCAN_DIR_RX;
	if (*p == ' ' && (p[1] == 'R' || p[1] == 'T')) {
		frame->dir = p[1] == 'R' ? EVCAN_DIR_RX : EVCAN_DIR_TX;
		p += 2;
	}
	if (*p == '\r')
		p++;
	if (*p != '\n')
		return NULL;
	frame->time_ns = reader->second.ns + (int64_t)micros * 1000;
	frame->channel = name->channel;
	frame->clock = reader->second.clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	return (const char *)p + 1;
}

static int
decode(void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out)
{
	struct evcan_candump_reader_ *reader = state;

	return evcan_lines_decode_fast_(&reader->lines, fast_line, FAST_BYTES,
	    evcan_candump_line_, reader, span, frames, max, out);
}

/* Lines that are looked at before a log is given up. */
#define BID_LINES 20

static int
bid(const uint8_t *data, size_t len)
{
	const char *end = (const char *)data + len, *eol, *next;
	const char *p = evcan_lines_skip_bom_((const char *)data, end);
	struct evcan_candump_reader_ probe = { .probing = true };
	struct evcan_decode out = { .line = 1 };
	struct evcan_frame frame;
	struct evcan_fault_ fault;
	int bad_lines = 0, comments = 0;

	while (p < end && bad_lines < BID_LINES) {
		while (p < end && *p == '\0')
			p++;
		next = evcan_lines_end_(p, end, true, &eol);
		if (p == end || next == NULL)
			break;
		switch (evcan_candump_line_(&probe, p, eol, &frame, &out,
		    &fault)) {
		case EVCAN_LINE_FRAME:
			return bad_lines > 0 ? 40 : 80;
		case EVCAN_LINE_OTHER:
			comments++;
			break;
		case EVCAN_LINE_BAD:
			bad_lines++;
			break;
		}
		out.line++;
		p = next;
	}
	if (out.gaps + out.skipped > 0)
		return 40;
	return bad_lines == 0 && comments > 0;
}

/* Writing */

/* A channel's name as it is written, with a blank before and behind. */
struct label {
	uint32_t key;    /* its channel's number plus one; 0: of none yet */
	bool lost;       /* it had to be changed */
	uint8_t len;
	char text[250];  /* room for any name, and so much that a label's
	                  * place is found without multiplying */
};

/* Channels whose names are kept at hand. */
#define LABELS 16

/* Frames lost so far on one interface. */
struct drops {
	char *name;
	uint64_t total;
};

struct writer {
	const char *channel;     /* options */
	int decimals;            /* 0: six, 1: nine */
	bool direction;
	int64_t sec_ns;          /* of sec_text */
	char sec_text[EVCAN_TEXT_TIME_MAX];   /* "(1483389946." */
	size_t sec_len;
	uint8_t clock;           /* that reading gives its frames */
	struct label labels[LABELS];   /* of channels by their low bits */
	struct drops *drops;
	size_t drop_count;
};

#define ATTRIBUTES \
	"channel direction echo hops clock nanoseconds dlc"
enum attribute {
	LOST_CHANNEL,
	LOST_DIRECTION,
	LOST_ECHO,
	LOST_HOPS,
	LOST_CLOCK,
	LOST_NANOSECONDS,
	LOST_DLC
};

static const struct evcan_option write_rows[] = {
	{ .name = "channel", .type = EVCAN_OPTION_TEXT, .fallback = "vcan0",
	  .help = "interface name of frames that have no channel",
	  .offset = offsetof(struct writer, channel) },
	{ .name = "decimals", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "6", .choices = "6 9",
	  .help = "digits behind the point of a second; 9 keep whole "
	      "nanoseconds",
	  .offset = offsetof(struct writer, decimals) },
	{ .name = "direction", .type = EVCAN_OPTION_BOOL,
	  .fallback = "false",
	  .help = "end each line with R or T, as candump -x and python-can "
	      "do",
	  .offset = offsetof(struct writer, direction) },
	{ .name = NULL }
};

static int
begin(void *state, const struct evcan_past *past, struct evcan_buffer *out,
    struct evcan_error *err)
{
	struct writer *writer = state;

	(void)past;
	(void)out;
	(void)err;
	writer->sec_ns = INT64_MIN;   /* of no frame */
	return 0;
}

/* A name with blanks or line ends in it would not come back: they become
 * underscores. */
static void
make_label(struct label *label, const char *name)
{
	size_t len = strnlen(name, EVCAN_CHANNEL_NAME_MAX);

	label->lost = false;
	label->text[0] = ' ';
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)name[i];
		const bool fits = c > ' ' && c != 0x7f;

		label->text[1 + i] = fits ? (char)c : '_';
		label->lost |= !fits;
	}
	label->text[1 + len] = ' ';
	label->len = (uint8_t)(len + 2);
}

static const char *
fallback_name(const struct writer *writer)
{
	return *writer->channel != '\0' ? writer->channel : "vcan0";
}

static void
set_label(struct writer *writer, struct label *label, uint16_t channel)
{
	const char *name = evcan_channel_name(channel);

	make_label(label, *name != '\0' ? name : fallback_name(writer));
	label->lost |= *name == '\0';
	label->key = channel + 1u;
}

static void
set_second(struct writer *writer, int64_t sec)
{
	writer->sec_ns = sec * EVCAN_NS_PER_SEC;
	writer->sec_len = (size_t)snprintf(writer->sec_text,
	    sizeof(writer->sec_text), "(%010lld.", (long long)sec);
	writer->clock = writer->sec_ns < EVCAN_CANDUMP_RELATIVE ?
	    EVCAN_CLOCK_RELATIVE : EVCAN_CLOCK_KERNEL;
}

/* "(%010u." once a second, then the decimals. @param rest nanoseconds that
 * have no place */
static inline char *
put_time(struct writer *writer, char *p, int64_t ns, uint32_t *rest)
{
	uint32_t micros, nanos;

	/* Also when it is earlier. */
	if ((uint64_t)ns - (uint64_t)writer->sec_ns >= EVCAN_NS_PER_SEC)
		set_second(writer, ns / EVCAN_NS_PER_SEC);
	nanos = (uint32_t)(ns - writer->sec_ns);
	micros = nanos / 1000;
	nanos -= micros * 1000;
	*rest = nanos;
	memcpy(p, writer->sec_text, 16);
	p += writer->sec_len;
	evcan_text_put_six_(p, micros);
	p += 6;
	if (writer->decimals == 1) {
		*p++ = (char)('0' + nanos / 100);
		memcpy(p, evcan_text_pairs_ + nanos % 100 * 2, 2);
		p += 2;
		*rest = 0;
	}
	*p = ')';
	return p + 1;
}

/* Counts what this frame's line will not bring back. */
static void
count_lost(const struct writer *writer, const struct evcan_frame *frame,
    const struct label *label, uint64_t *lost)
{
	lost[LOST_CHANNEL] += label->lost;
	lost[LOST_DIRECTION] += frame->dir > (writer->direction ?
	    EVCAN_DIR_TX : EVCAN_DIR_RX);
	lost[LOST_ECHO] += (frame->flags & EVCAN_FRAME_ECHO) != 0;
	lost[LOST_HOPS] += frame->hops != 0;
	lost[LOST_CLOCK] += frame->clock != writer->clock;
	lost[LOST_DLC] += (frame->flags & EVCAN_FRAME_FD) != 0 &&
	    frame->dlc != evcan_len2dlc(frame->len);
}

/* What a line needs at most, and lines that get their room at once. */
#define LINE_ROOM (EVCAN_TEXT_TIME_MAX + EVCAN_CHANNEL_NAME_MAX + \
	EVCAN_TEXT_FRAME_MAX + 16)
#define LINES 64

/* @return behind the line */
static inline char *
put_line(struct writer *writer, char *p, const struct evcan_frame *frame,
    uint64_t *lost)
{
	struct label *label = &writer->labels[frame->channel % LABELS];
	uint32_t rest;
	bool classic;

	if (label->key != frame->channel + 1u)
		set_label(writer, label, frame->channel);
	p = put_time(writer, p, frame->time_ns, &rest);
	if (rest != 0)
		lost[LOST_NANOSECONDS]++;
	if (label->len <= 16)
		memcpy(p, label->text, 16);
	else
		memcpy(p, label->text, label->len);
	p += label->len;
	classic = (frame->flags & ~(unsigned)EVCAN_FRAME_EXT) == 0 &&
	    frame->dlc <= 8;
	p = classic ? evcan_text_put_classic_(p, frame) :
	    evcan_text_put_frame_(p, frame);
	if (writer->direction) {
		*p++ = ' ';
		*p++ = frame->dir == EVCAN_DIR_RX ? 'R' : 'T';
	}
	*p++ = '\n';
	/* Most frames lose nothing more. */
	if (!classic || frame->dir != EVCAN_DIR_RX || frame->hops != 0 ||
	    frame->clock != writer->clock || label->lost)
		count_lost(writer, frame, label, lost);
	return p;
}

static int
encode(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	while (n > 0) {
		const size_t some = n < LINES ? n : LINES;
		char *p, *start = (char *)evcan_buffer_reserve(out,
		    some * LINE_ROOM);

		if (start == NULL)
			return 0;   /* core sees out->failed */
		p = start;
		for (size_t i = 0; i < some; i++, frames++)
			if (frames->time_ns >= 0 &&
			    (frames->flags & EVCAN_FRAME_OVERLOAD) == 0)
				p = put_line(state, p, frames, info->lost);
			else
				info->unfit++;
		evcan_buffer_commit(out, (size_t)(p - start));
		n -= some;
	}
	return 0;
}

static struct drops *
find_drops(struct writer *writer, const char *name)
{
	struct drops *drops;

	for (size_t i = 0; i < writer->drop_count; i++)
		if (strcmp(writer->drops[i].name, name) == 0)
			return &writer->drops[i];
	drops = realloc(writer->drops,
	    (writer->drop_count + 1) * sizeof(*drops));
	if (drops == NULL)
		return NULL;
	writer->drops = drops;
	drops += writer->drop_count;
	drops->total = 0;
	drops->name = strdup(name);
	if (drops->name == NULL)
		return NULL;
	writer->drop_count++;
	return drops;
}

/* The line that candump -L writes on SO_RXQ_OVFL. */
static int
encode_gap(void *state, const char *channel, const struct evcan_gap *gap,
    struct evcan_buffer *out)
{
	struct writer *writer = state;
	struct label label;
	struct drops *drops;
	char line[EVCAN_CHANNEL_NAME_MAX + 128];

	make_label(&label, *channel != '\0' ? channel :
	    fallback_name(writer));
	label.text[label.len - 1] = '\0';
	drops = find_drops(writer, label.text + 1);
	if (drops == NULL)
		return EVCAN_ERR_NOMEM;
	drops->total += gap->lost;
	snprintf(line, sizeof(line), EVCAN_CANDUMP_DROPS
	    "%llu CAN frame%s on '%s' "
	    "socket (total drops %llu)\n", (unsigned long long)gap->lost,
	    gap->lost == 1 ? "" : "s", drops->name,
	    (unsigned long long)drops->total);
	evcan_buffer_append(out, line, strlen(line));
	return 0;
}

static void
write_done(void *state)
{
	struct writer *writer = state;

	for (size_t i = 0; i < writer->drop_count; i++)
		free(writer->drops[i].name);
	free(writer->drops);
}

const struct evcan_format evcan_format_candump_ = {
	.name = "candump",
	.summary = "can-utils log, as candump -L writes it",
	.suffixes = ".log",
	.attributes = ATTRIBUTES,
	.flags = EVCAN_FORMAT_TEXT,
	.read_size = sizeof(struct evcan_candump_reader_),
	.bid = bid,
	.decode = decode,
	.write_options = write_rows,
	.write_size = sizeof(struct writer),
	.begin = begin,
	.encode = encode,
	.encode_gap = encode_gap,
	.write_done = write_done
};

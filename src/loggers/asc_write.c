/* SPDX-License-Identifier: BSD-3-Clause */
/* asc_write.c - Vector ASC: the encoder */
#include <stdio.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/listener.h>
#include <evcan/options.h>

#include "asc.h"
#include "bytes.h"
#include "error_frame.h"
#include "remark.h"
#include "text.h"

/*
 * A log begins with a header that tells when it began: the first frame's
 * time, less what is finer than a millisecond, as the date shows no more.
 * Times that are relative get no date and count from 0. No reader but ours
 * takes negative stamps: a frame from before the start is put at the last
 * one, and counted.
 */

const char evcan_asc_attributes_[] =
    "channel direction echo hops clock nanoseconds dlc time error";
enum attribute {
	LOST_CHANNEL,
	LOST_DIRECTION,
	LOST_ECHO,
	LOST_HOPS,
	LOST_CLOCK,
	LOST_NANOSECONDS,
	LOST_DLC,
	LOST_TIME,
	LOST_ERROR
};

const struct evcan_option evcan_asc_write_rows_[] = {
	{ .name = "channel", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 1, .max = EVCAN_CHANNEL_NUMBERS - 1,
	  .help = EVCAN_CHANNEL_HELP,
	  .offset = offsetof(struct evcan_asc_writer_, channel) },
	{ .name = "channels", .type = EVCAN_OPTION_TEXT,
	  .help = EVCAN_CHANNELS_HELP,
	  .offset = offsetof(struct evcan_asc_writer_, channels) },
	{ .name = "timestamps_format", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "absolute", .choices = "absolute relative",
	  .help = "stamps count from the start, or from the line before",
	  .offset = offsetof(struct evcan_asc_writer_, timestamps) },
	{ .name = "digits", .type = EVCAN_OPTION_CHOICE, .fallback = "6",
	  .choices = "6 9",
	  .help = "digits behind the point of a second; 9 keep whole "
	      "nanoseconds, but not all programs read them",
	  .offset = offsetof(struct evcan_asc_writer_, digits) },
	{ .name = "tz", .type = EVCAN_OPTION_TEXT, .fallback = "local",
	  .help = EVCAN_ZONE_HELP,
	  .offset = offsetof(struct evcan_asc_writer_, tz) },
	{ .name = "base", .type = EVCAN_OPTION_CHOICE, .fallback = "hex",
	  .choices = "hex dec",
	  .help = "base of identifiers and data",
	  .offset = offsetof(struct evcan_asc_writer_, base) },
	{ .name = NULL }
};

/* Appending */

/* What the lines of a log's head tell, and the names they give. */
static void
read_head(struct evcan_asc_writer_ *writer, const struct evcan_past *past,
    struct evcan_asc_reader_ *reader)
{
	const char *p = (const char *)past->head, *end = p + past->head_len;
	struct evcan_decode out = { .line = 1 };
	struct evcan_fault_ fault;
	struct evcan_remark_ remark;
	struct evcan_frame frame;
	const char *eol, *next;

	p = evcan_lines_skip_bom_(p, end);
	for (; p < end; p = next) {
		next = evcan_lines_end_(p, end, true, &eol);
		if (next == NULL || (next == end &&
		    past->size > past->head_len))
			break;
		if (next == p) {   /* a NUL */
			next = p + 1;
			continue;
		}
		evcan_asc_line_(reader, p, eol, &frame, &out, &fault);
		if (eol - p > 2 && p[0] == '/' && p[1] == '/' &&
		    evcan_remark_get_(p + 2, (size_t)(eol - p - 2), &remark) &&
		    remark.kind == EVCAN_REMARK_CHANNEL)
			evcan_channel_map_learn_(&writer->map, remark.number,
			    remark.name, remark.name_len);
	}
}

/* Frames go on under the header that is there if it says when it began and
 * stamps count from then; else they get their own. */
static void
begin_append(struct evcan_asc_writer_ *writer, const struct evcan_past *past)
{
	struct evcan_asc_reader_ reader = { .probing = true };

	writer->append = true;
	reader.zone = writer->zone;
	evcan_asc_session_(&reader);
	read_head(writer, past, &reader);
	if (!reader.dated || reader.gaps || writer->timestamps != 0)
		return;
	writer->begun = writer->dated = true;
	writer->start_ns = reader.start_ns;
	writer->dec = reader.dec;
}

int
evcan_asc_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err)
{
	struct evcan_asc_writer_ *writer = state;
	int r;

	(void)out;
	r = evcan_zone_parse_(&writer->zone, writer->tz, err);
	if (r == 0)
		r = evcan_channel_map_init_(&writer->map, writer->channels,
		    err);
	if (r != 0)
		return r;
	writer->unit = writer->digits == 0 ? 1000 : 1;
	writer->dec = writer->base != 0;
	writer->sec_ns = INT64_MAX / 2;   /* no frame is later */
	if (past != NULL)
		begin_append(writer, past);
	return 0;
}

/* The header */

static void
put_text(struct evcan_buffer *out, const char *text)
{
	evcan_buffer_append(out, text, strlen(text));
}

/* "Sat Sep 30 03:06:13.191 pm 2017": CANoe wants English names and exactly
 * three digits. @return false: the zone cannot show it */
static bool
format_date(const struct evcan_asc_writer_ *writer, int64_t ns, char *text,
    size_t size)
{
	static const char days[] = "Sun\0Mon\0Tue\0Wed\0Thu\0Fri\0Sat";
	static const char months[] =
	    "Jan\0Feb\0Mar\0Apr\0May\0Jun\0Jul\0Aug\0Sep\0Oct\0Nov\0Dec";
	const int64_t sec = ns / EVCAN_ASC_SEC;
	struct evcan_wall_ wall;
	int64_t back;

	if (!evcan_zone_wall_(&writer->zone, sec, &wall) ||
	    !evcan_zone_unix_(&writer->zone, &wall, &back) || back != sec)
		return false;
	snprintf(text, size, "%s %s %d %02d:%02d:%02d.%03d %s %d",
	    days + 4 * wall.weekday, months + 4 * (wall.month - 1), wall.day,
	    wall.hour % 12 == 0 ? 12 : wall.hour % 12, wall.minute,
	    wall.second, (int)(ns / 1000000 % 1000),
	    wall.hour < 12 ? "am" : "pm", wall.year);
	return true;
}

/* The start is earlier by full hours when the clock shows its hour twice. */
static void
choose_start(struct evcan_asc_writer_ *writer, int64_t time_ns, char *date,
    size_t size)
{
	int64_t start = time_ns - time_ns % 1000000;

	writer->dated = false;
	writer->start_ns = 0;
	for (unsigned i = 0; i < 4 && start >= EVCAN_ASC_MIN_START &&
	    start <= EVCAN_ASC_MAX_START; i++) {
		if (format_date(writer, start, date, size)) {
			writer->dated = true;
			writer->start_ns = start;
			return;
		}
		start -= 3600 * EVCAN_ASC_SEC;
	}
	*date = '\0';
}

static void
put_header(struct evcan_asc_writer_ *writer, bool absolute, int64_t time_ns,
    struct evcan_buffer *out)
{
	char date[80] = "", text[400];
	const char *blank;

	writer->dated = false;
	writer->start_ns = writer->last_ns = 0;
	if (absolute)
		choose_start(writer, time_ns, date, sizeof(date));
	blank = *date != '\0' ? " " : "";
	/* A date without text ends the session of an appended log. */
	if (*date != '\0' || writer->append) {
		snprintf(text, sizeof(text), "date%s%s\r\n", blank, date);
		put_text(out, text);
	}
	snprintf(text, sizeof(text), "base %s  timestamps %s\r\n"
	    "internal events logged\r\n// version 18.2.0\r\n"
	    "Begin Triggerblock%s%s\r\n%s Start of measurement\r\n",
	    writer->dec ? "dec" : "hex", writer->timestamps == 0 ?
	    "absolute" : "relative", blank, date, writer->digits == 0 ?
	    "   0.000000" : "   0.000000000");
	put_text(out, text);
	writer->begun = writer->block = true;
}

/* Makes sure that a line may follow. */
static void
open_block(struct evcan_asc_writer_ *writer, bool absolute, int64_t time_ns,
    struct evcan_buffer *out)
{
	if (writer->block)
		return;
	/* What is there goes on only with what is later. */
	if (!writer->begun || !absolute || time_ns < writer->start_ns) {
		put_header(writer, absolute, time_ns, out);
		return;
	}
	/* No date: offsets count on. */
	put_text(out, "Begin Triggerblock\r\n");
	writer->block = true;
}

/* Stamps */

/* "%4lld." of an offset. */
static void
set_second(struct evcan_asc_writer_ *writer, int64_t offset)
{
	const int64_t sec = offset / EVCAN_ASC_SEC;

	writer->sec_ns = sec * EVCAN_ASC_SEC;
	memset(writer->sec_text, 0, sizeof(writer->sec_text));
	writer->sec_len = (size_t)snprintf(writer->sec_text,
	    sizeof(writer->sec_text), "%4lld.", (long long)sec);
}

static inline char *
put_stamp(struct evcan_asc_writer_ *writer, char *p, int64_t offset)
{
	uint32_t rest, micros;

	if (offset < writer->sec_ns ||
	    offset - writer->sec_ns >= EVCAN_ASC_SEC)
		set_second(writer, offset);
	rest = (uint32_t)(offset - writer->sec_ns);
	micros = rest / 1000;
	memcpy(p, writer->sec_text, sizeof(writer->sec_text));
	p += writer->sec_len;
	memcpy(p, evcan_text_pairs_ + micros / 10000 * 2, 2);
	memcpy(p + 2, evcan_text_pairs_ + micros / 100 % 100 * 2, 2);
	memcpy(p + 4, evcan_text_pairs_ + micros % 100 * 2, 2);
	p += 6;
	if (writer->unit == 1) {
		rest -= micros * 1000;
		*p++ = (char)('0' + rest / 100);
		memcpy(p, evcan_text_pairs_ + rest % 100 * 2, 2);
		p += 2;
	}
	*p = ' ';
	return p + 1;
}

/* The offset that a frame gets, in the stamps' unit. */
static inline int64_t
offset_of(struct evcan_asc_writer_ *writer, int64_t time_ns, uint64_t *lost)
{
	const bool unix_time = time_ns >= EVCAN_ASC_EPOCH &&
	    !writer->dated && writer->timestamps == 0;
	int64_t offset;

	/* Before the start (which may be 0), 31 years after it */
	if (time_ns < writer->start_ns || (!unix_time &&
	    time_ns - writer->start_ns >= EVCAN_ASC_EPOCH)) {
		lost[LOST_TIME]++;
		return writer->last_ns;
	}
	if (unix_time && time_ns > EVCAN_ASC_MAX_START) {
		lost[LOST_TIME]++;
		time_ns = EVCAN_ASC_MAX_START;
	}
	offset = time_ns - writer->start_ns;
	if (writer->unit != 1) {
		const int64_t part = offset % 1000;

		offset -= part;
		lost[LOST_NANOSECONDS] += part != 0;
	}
	if (writer->timestamps != 0 && offset < writer->last_ns) {
		lost[LOST_TIME]++;
		return writer->last_ns;
	}
	return offset;
}

/* Lines */

/* What a line needs at most: 64 bytes of data in three characters each, and
 * all columns before and behind. */
#define LINE_ROOM 400

#define BLANKS 0x2020202020202020u

/* An unsigned number, right-aligned by blanks. */
static char *
put_right(char *p, unsigned value, unsigned width)
{
	char digits[10];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	for (; width > n; width--)
		*p++ = ' ';
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

/* Hex digits without leading zeros, then blanks: 8 characters, without
 * branches. @return how many digits */
static inline unsigned
put_hex(char *p, uint32_t id)
{
	const unsigned n = 1u + (id > 0xf) + (id > 0xff) + (id > 0xfff) +
	    (id > 0xffff) + (id > 0xfffff) + (id > 0xffffff) +
	    (id > 0xfffffff);
	uint8_t text[8];
	uint64_t x;

	memcpy(text, evcan_hex_pairs_[id >> 24], 2);
	memcpy(text + 2, evcan_hex_pairs_[id >> 16 & 0xff], 2);
	memcpy(text + 4, evcan_hex_pairs_[id >> 8 & 0xff], 2);
	memcpy(text + 6, evcan_hex_pairs_[id & 0xff], 2);
	x = get_le64(text) >> 8 * (8 - n);
	put_le64((uint8_t *)p, x | BLANKS << 8 * (n - 1) << 8);
	return n;
}

/* An identifier in 15 columns, and a blank. */
static inline char *
put_id(const struct evcan_asc_writer_ *writer, char *p,
    const struct evcan_frame *frame)
{
	const bool extended = (frame->flags & EVCAN_FRAME_EXT) != 0;
	unsigned n;

	memset(p + 8, ' ', 8);
	if (writer->dec) {
		memset(p, ' ', 8);
		n = (unsigned)(put_right(p, frame->id, 0) - p);
	} else
		n = put_hex(p, frame->id);
	p[n] = extended ? 'x' : ' ';
	return p + 16;
}

/* Upper-case hex bytes, each behind a blank. */
static inline char *
put_bytes(char *p, const uint8_t *data, unsigned n)
{
	for (unsigned i = 0; i < n; i++)   /* the fourth is written over */
		put_le32((uint8_t *)p + 3 * i, ' ' | (uint32_t)get_le16(
		    (const uint8_t *)evcan_hex_pairs_[data[i]]) << 8);
	return p + 3 * n;
}

static const char directions[4][8] = {
	"Rx   ", "Tx   ", "TxRq ", "Rx   "
};
static const char dlc_digits[] = "0123456789ABCDEF";

static inline char *
put_classic(const struct evcan_asc_writer_ *writer,
    const struct evcan_asc_label_ *label, char *p,
    const struct evcan_frame *frame)
{
	memcpy(p, label->text, 8);
	p = put_id(writer, p + label->len, frame);
	memcpy(p, directions[frame->dir & 3], 8);
	p += 5;
	*p++ = (frame->flags & EVCAN_FRAME_RTR) != 0 ? 'r' : 'd';
	*p++ = ' ';
	*p++ = dlc_digits[frame->dlc & 15];
	if ((frame->flags & EVCAN_FRAME_RTR) != 0)
		return p;
	if (writer->dec) {
		for (unsigned i = 0; i < frame->len && i < 8; i++) {
			*p++ = ' ';
			p = put_right(p, frame->data[i], 3);
		}
		return p;
	}
	/* All eight, without a branch on the length */
	put_bytes(p, frame->data, 8);
	return p + 3 * (frame->len < 8 ? frame->len : 8);
}

/* Where the flags' first digit stands behind the data. */
#define TAIL_FLAGS 19

/* The columns of python-can and can-utils, id and data in hex. What we do
 * not know (duration, bits, CRC, timings) is 0. */
static char *
put_fd(const struct evcan_asc_label_ *label, char *p,
    const struct evcan_frame *frame)
{
	static const char tail[] = "        0    0     1000        0        0"
	    "        0        0        0";
	const unsigned brs = (frame->flags & EVCAN_FRAME_BRS) != 0;
	const unsigned esi = (frame->flags & EVCAN_FRAME_ESI) != 0;
	const unsigned len = frame->len <= EVCAN_MAX_DATA ? frame->len :
	    EVCAN_MAX_DATA;
	char id[8];
	unsigned n;

	memcpy(p, "CANFD ", 6);
	p = put_right(p + 6, label->number, 3);
	*p++ = ' ';
	memcpy(p, directions[frame->dir & 3], 5);
	p += 5;
	n = put_hex(id, frame->id);
	memset(p, ' ', 8 + 35);
	memcpy(p + 8 - n, id, n);
	if ((frame->flags & EVCAN_FRAME_EXT) != 0)
		p[8] = 'x';
	p += 8 + 35;
	*p++ = (char)('0' + brs);
	*p++ = ' ';
	*p++ = (char)('0' + esi);
	*p++ = ' ';
	*p++ = "0123456789abcdef"[evcan_len2dlc(len)];
	*p++ = ' ';
	p = put_bytes(put_right(p, len, 2), frame->data, len);
	memcpy(p, tail, sizeof(tail) - 1);
	p[TAIL_FLAGS] = (char)('1' + 2 * brs + 4 * esi);
	return p + sizeof(tail) - 1;
}

/* Whether all that an error frame tells fits into an SJA1000's register. */
static bool
get_ecc(const struct evcan_frame *frame, unsigned *ecc)
{
	static const uint8_t none[8];
	const unsigned kind = frame->data[2] & ~(unsigned)EVCAN_ASC_TX;
	static const uint8_t codes[] = {
		[EVCAN_ASC_BIT] = 0, [EVCAN_ASC_FORM] = 1,
		[EVCAN_ASC_STUFF] = 2, [0] = 3, [3] = 0xff
	};

	if (frame->id != EVCAN_ASC_ERROR || frame->len != 8 ||
	    kind >= sizeof(codes) || codes[kind] == 0xff ||
	    frame->data[3] > 0x1f || memcmp(frame->data, none, 2) != 0 ||
	    memcmp(frame->data + 4, none, 4) != 0)
		return false;
	*ecc = (unsigned)codes[kind] << 6 | frame->data[3] |
	    ((frame->data[2] & EVCAN_ASC_TX) == 0 ? 0x20u : 0);
	return true;
}

static char *
put_other(const struct evcan_asc_label_ *label, char *p,
    const struct evcan_frame *frame, uint64_t *lost)
{
	static const char error[] = "ErrorFrame", ecc_text[] = " ECC: ";
	static const char overload[] = "OverloadFrame";
	unsigned ecc;

	memcpy(p, label->text, 8);
	p += label->len;
	lost[LOST_DIRECTION] += frame->dir != EVCAN_DIR_RX;
	if ((frame->flags & EVCAN_FRAME_OVERLOAD) != 0) {
		memcpy(p, overload, sizeof(overload) - 1);
		return p + sizeof(overload) - 1;
	}
	memcpy(p, error, sizeof(error) - 1);
	p += sizeof(error) - 1;
	if (!get_ecc(frame, &ecc)) {
		lost[LOST_ERROR] += !evcan_error_frame_is_plain_(frame);
		return p;
	}
	memcpy(p, ecc_text, sizeof(ecc_text) - 1);
	p += sizeof(ecc_text) - 1;
	for (unsigned bit = 0x80; bit != 0; bit >>= 1)
		*p++ = (ecc & bit) != 0 ? '1' : '0';
	return p;
}

/* Numbers */

static void
put_comment(struct evcan_buffer *out, const char *text, size_t len)
{
	evcan_buffer_append(out, "// ", 3);
	evcan_buffer_append(out, text, len);
	evcan_buffer_append(out, "\r\n", 2);
}

static struct evcan_asc_label_ *
label_of(struct evcan_asc_writer_ *writer, uint16_t channel)
{
	return &writer->labels[channel % EVCAN_ASC_LABELS];
}

/* Makes a channel's label; its name is told to the file where need be: in
 * an appended log always, as we do not know all that it says. */
static void
set_label(struct evcan_asc_writer_ *writer, uint16_t channel,
    struct evcan_buffer *out)
{
	struct evcan_asc_label_ *label = label_of(writer, channel);
	char text[EVCAN_REMARK_MAX];
	bool tell;
	unsigned number;

	number = evcan_channel_map_number_(&writer->map, channel, &tell);
	if (number != 0 && (tell || writer->append) &&
	    !writer->told[number]) {
		writer->told[number] = true;
		put_comment(out, text, evcan_remark_put_channel_(text, number,
		    evcan_channel_name(channel)));
	}
	label->known = true;
	/* Only number 0 is read back as none. */
	label->lost = number == 0 && (channel != EVCAN_CHANNEL_NONE ||
	    writer->channel != 0);
	label->channel = channel;
	label->number = (uint8_t)(number != 0 ? number : writer->channel);
	label->len = (uint8_t)snprintf(label->text, sizeof(label->text),
	    "%u  ", (unsigned)label->number);
}

/* Counts what a line does not bring back whatever the kind of frame. */
static inline void
count_lost(const struct evcan_asc_writer_ *writer,
    const struct evcan_asc_label_ *label, const struct evcan_frame *frame,
    uint64_t *lost)
{
	const uint8_t clock = writer->dated ||
	    (frame->time_ns >= EVCAN_ASC_EPOCH && writer->timestamps == 0) ?
	    EVCAN_CLOCK_KERNEL : EVCAN_CLOCK_RELATIVE;

	lost[LOST_CHANNEL] += label->lost;
	lost[LOST_ECHO] += (frame->flags & EVCAN_FRAME_ECHO) != 0;
	lost[LOST_HOPS] += frame->hops != 0;
	lost[LOST_CLOCK] += frame->clock != clock;
}

static inline char *
put_line(struct evcan_asc_writer_ *writer,
    const struct evcan_asc_label_ *label, char *p,
    const struct evcan_frame *frame, uint64_t *lost)
{
	const int64_t offset = offset_of(writer, frame->time_ns, lost);
	const unsigned flags = frame->flags;

	p = put_stamp(writer, p, writer->timestamps == 0 ? offset :
	    offset - writer->last_ns);
	writer->last_ns = offset;
	if ((flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_FD |
	    EVCAN_FRAME_OVERLOAD)) == 0) {
		p = put_classic(writer, label, p, frame);
	} else if ((flags & EVCAN_FRAME_FD) != 0) {
		p = put_fd(label, p, frame);
		lost[LOST_DLC] += frame->dlc != evcan_len2dlc(frame->len);
	} else
		p = put_other(label, p, frame, lost);
	count_lost(writer, label, frame, lost);
	p[0] = '\r';
	p[1] = '\n';
	return p + 2;
}

static bool
is_absolute(const struct evcan_frame *frame)
{
	return frame->clock != EVCAN_CLOCK_NONE &&
	    frame->clock != EVCAN_CLOCK_RELATIVE;
}

/* Frames whose lines are made in one piece of the buffer. */
#define AT_ONCE 64

int
evcan_asc_encode_(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	struct evcan_asc_writer_ *writer = state;
	const struct evcan_asc_label_ *label;
	size_t i = 0;

	if (n > 0)
		open_block(writer, is_absolute(frames), frames->time_ns, out);
	while (i < n) {
		const size_t most = n - i < AT_ONCE ? n - i : AT_ONCE;
		const size_t stop = i + most;
		char *start, *p;

		label = label_of(writer, frames[i].channel);
		if (!label->known || label->channel != frames[i].channel)
			set_label(writer, frames[i].channel, out);
		start = (char *)evcan_buffer_reserve(out, most * LINE_ROOM);
		if (start == NULL)
			return 0;   /* core sees out->failed */
		for (p = start; i < stop; i++) {
			label = label_of(writer, frames[i].channel);
			if (!label->known ||
			    label->channel != frames[i].channel)
				break;
			p = put_line(writer, label, p, &frames[i],
			    info->lost);
		}
		evcan_buffer_commit(out, (size_t)(p - start));
	}
	return 0;
}

int
evcan_asc_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out)
{
	char text[EVCAN_REMARK_MAX];

	(void)state;
	put_comment(out, text, evcan_remark_put_gap_(text, channel, gap));
	return 0;
}

/* A comment, as a line with a stamp is not passed over by all that read
 * these logs, and would move on the time of a relative one. */
int
evcan_asc_encode_event_(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out)
{
	struct evcan_asc_writer_ *writer = state;
	uint64_t lost[16] = { 0 };
	char line[sizeof(EVCAN_ASC_EVENT) + 64 + 1024], *p = line;
	char stamp[32], *from = stamp, *to;
	size_t len = strlen(text);

	open_block(writer, time_ns >= EVCAN_ASC_MIN_START, time_ns, out);
	memcpy(p, EVCAN_ASC_EVENT, sizeof(EVCAN_ASC_EVENT) - 1);
	p += sizeof(EVCAN_ASC_EVENT) - 1;
	to = put_stamp(writer, stamp, offset_of(writer, time_ns, lost));
	while (*from == ' ')
		from++;
	memcpy(p, from, (size_t)(to - from));
	p += to - from;
	if (len > 1023)
		len = 1023;
	for (size_t i = 0; i < len; i++)
		*p++ = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' :
		    text[i];
	put_comment(out, line, (size_t)(p - line));
	return 0;
}

int
evcan_asc_finish_(void *state, struct evcan_buffer *out)
{
	struct evcan_asc_writer_ *writer = state;

	if (!writer->begun && !writer->append)
		put_header(writer, false, 0, out);
	if (writer->block)
		put_text(out, "End TriggerBlock\r\n");
	writer->block = false;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* asc_line.c - Vector ASC: one line of a log, by the full grammar */
#include <string.h>

#include <evcan/channel.h>

#include "asc.h"
#include "error_frame.h"
#include "remark.h"
#include "text.h"

/*
 * What Vector's own tools do not know they pass over in silence, and so do
 * we, but count it. A line is taken for a frame as soon as time, channel,
 * identifier and direction are there: what is wrong behind them is a fault.
 *
 * A line with a stamp whose second word is none of the words that CANoe
 * writes is a line of text, as python-can's log_event() leaves it.
 */

/* Second words of stamped lines that are no text of a person; two words
 * where one alone could be. */
static const char *const keywords[][2] = {
	{ "can", "0" }, { "canxl", "0" }, { "log", "trigger" },
	{ "log", "direct" }, { "sv:", NULL }, { "eth", NULL },
	{ "afdx", NULL }, { "gps-device:", NULL }, { "kline", NULL },
	{ "wlan", NULL }, { "comment:", NULL }, { "globalmarker:", NULL },
	{ "tfs:", NULL }, { "fr", NULL }, { "li", NULL }, { "a429", NULL }
};
/* The first line of a measurement. */
static const char *const starts[][2] = {
	{ "start", "of" }, { "start", "der" }
};

static uint8_t
hex_value(char c)
{
	return evcan_hex_value_[(uint8_t)c];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A whole word as a number. @return false: too long, another character */
static bool
get_number(struct evcan_asc_word_ word, unsigned base, size_t max_len,
    uint32_t *value)
{
	uint32_t n = 0;

	if (word.len == 0 || word.len > max_len)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		const unsigned digit = hex_value(word.p[i]);

		if (digit >= base)
			return false;
		n = n * base + digit;
	}
	*value = n;
	return true;
}

/* Stamps */

/* "   12.345678 ": seconds with decimals. @return behind it, or NULL */
static const char *
get_stamp(const char *p, const char *eol, int64_t *ns)
{
	const bool negative = p < eol && *p == '-';
	int64_t sec = 0, part = 0;
	int digits = 0, decimals = 0;

	for (p += negative; p < eol && is_digit(*p) && digits < 11; digits++)
		sec = sec * 10 + (*p++ - '0');
	if (digits == 0 || p == eol || *p++ != '.' ||
	    sec > EVCAN_ASC_MAX_START / EVCAN_ASC_SEC)
		return NULL;
	for (; p < eol && is_digit(*p); decimals++, p++)
		if (decimals < 9)
			part = part * 10 + (*p - '0');
	if (decimals == 0 || (p < eol && *p != ' ' && *p != '\t'))
		return NULL;
	for (; decimals < 9; decimals++)
		part *= 10;
	*ns = sec * EVCAN_ASC_SEC + part;
	if (negative)
		*ns = -*ns;
	return p;
}

/* Keeps a second's text for the fast path. */
static void
remember_second(struct evcan_asc_reader_ *reader, const char *line,
    const char *end, int64_t stamp)
{
	const char *point = memchr(line, '.', (size_t)(end - line));
	const size_t len = (size_t)(point - line) + 1;
	const int64_t sec_ns = stamp - stamp % EVCAN_ASC_SEC;

	if (reader->second.len == len && reader->second.ns == sec_ns)
		return;
	reader->second.len = 0;
	if (stamp < 0 || stamp >= EVCAN_ASC_EPOCH || reader->block ||
	    reader->dec)
		return;
	evcan_second_set_(&reader->second, line, len, sec_ns, reader->clock);
}

/* BUSMASTER's logs of the system's time become stamps of the day, without
 * `timestamps` in the header: then the first is no earlier than the date. */
static void
start_at_midnight(struct evcan_asc_reader_ *reader, int64_t stamp)
{
	if (!reader->mode_told && reader->of_day > 0 &&
	    stamp < 86400 * EVCAN_ASC_SEC &&
	    stamp >= reader->of_day * EVCAN_ASC_SEC)
		evcan_asc_start_(reader, reader->start_ns / EVCAN_ASC_SEC *
		    EVCAN_ASC_SEC - reader->of_day * EVCAN_ASC_SEC);
}

/* Every line with a stamp moves the log's time on. @return false: it does
 * not fit */
static bool
advance(struct evcan_asc_reader_ *reader, int64_t stamp, int64_t *time_ns)
{
	if (!reader->stamped)
		start_at_midnight(reader, stamp);
	if (reader->gaps)
		stamp += reader->last_ns;
	else if (reader->block && stamp < reader->last_ns)
		evcan_asc_start_(reader, reader->block_ns);
	reader->block = false;
	reader->stamped = true;
	if (stamp >= EVCAN_ASC_EPOCH || stamp <= -EVCAN_ASC_EPOCH) {
		if (reader->gaps || stamp < 0)
			return false;
		*time_ns = stamp;    /* Unix time */
		return true;
	}
	reader->last_ns = stamp;
	*time_ns = reader->start_ns + stamp;
	return true;
}

/* Parts of a frame */

static uint16_t
channel_of(struct evcan_asc_reader_ *reader, unsigned number)
{
	uint16_t channel;

	if (reader->probing)
		return 0;
	channel = evcan_channel_map_channel_(&reader->map, number);
	if (number < 10)
		reader->channel[number] = channel;
	return channel;
}

static void
set_common(struct evcan_asc_reader_ *reader, int64_t time_ns,
    unsigned number, struct evcan_frame *frame)
{
	frame->time_ns = time_ns;
	frame->clock = time_ns >= EVCAN_ASC_EPOCH && !reader->gaps &&
	    !reader->relative_timestamp ? EVCAN_CLOCK_KERNEL : reader->clock;
	frame->channel = channel_of(reader, number);
	frame->dir = EVCAN_DIR_RX;
	frame->hops = 0;
	frame->flags = 0;
	frame->id = 0;
	frame->len = frame->dlc = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	memset(frame->data, 0, 8);
}

static bool
get_direction(struct evcan_asc_word_ word, struct evcan_frame *frame)
{
	if (evcan_asc_is_(word, "rx"))
		frame->dir = EVCAN_DIR_RX;
	else if (evcan_asc_is_(word, "tx"))
		frame->dir = EVCAN_DIR_TX;
	else if (evcan_asc_is_(word, "txrq"))
		frame->dir = EVCAN_DIR_TXRQ;
	else
		return false;
	return true;
}

/* Some put a 0x in front of an identifier. */
static struct evcan_asc_word_
bare_id(struct evcan_asc_word_ word)
{
	if (word.len > 2 && word.p[0] == '0' && (word.p[1] | 0x20) == 'x') {
		word.p += 2;
		word.len -= 2;
	}
	return word;
}

/* Digits, then x if it is extended. */
static bool
is_id(struct evcan_asc_word_ word)
{
	if (word.len > 1 && (word.p[word.len - 1] | 0x20) == 'x')
		word.len--;
	for (size_t i = 0; i < word.len; i++)
		if (hex_value(word.p[i]) > 15)
			return false;
	return word.len > 0 && word.len <= 10;
}

static bool
get_id(struct evcan_asc_word_ word, unsigned base, struct evcan_frame *frame)
{
	const bool extended = (word.p[word.len - 1] | 0x20) == 'x';

	word.len -= extended;
	frame->flags = extended ? EVCAN_FRAME_EXT : 0;
	while (word.len > 1 && *word.p == '0') {
		word.p++;
		word.len--;
	}
	return get_number(word, base, base == 16 ? 8 : 9, &frame->id) &&
	    frame->id <= (extended ? EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID);
}

/* One data byte: two hex digits, or up to three decimal ones. */
static bool
get_byte(struct evcan_asc_word_ word, bool dec, uint8_t *byte)
{
	uint32_t value;

	if (!get_number(word, dec ? 10 : 16, dec ? 3 : 2, &value) ||
	    (!dec && word.len != 2) || value > 0xff)
		return false;
	*byte = (uint8_t)value;
	return true;
}

/* Up to max data bytes. @return how many there are; *p is behind them */
static unsigned
get_bytes(const char **p, const char *eol, bool dec, unsigned max,
    uint8_t *data)
{
	unsigned n = 0;

	while (n < max) {
		const char *at = *p;
		const bool usual = !dec && eol - at > 3 && at[0] == ' ' &&
		    at[3] == ' ';
		const uint8_t hi = usual ? hex_value(at[1]) : 0xff;
		const uint8_t lo = usual ? hex_value(at[2]) : 0xff;

		if ((hi | lo) <= 15) {
			data[n++] = (uint8_t)(hi << 4 | lo);
			*p = at + 3;
			continue;
		}
		if (!get_byte(evcan_asc_word_(&at, eol), dec, &data[n]))
			break;
		*p = at;
		n++;
	}
	return n;
}

/* FD frames have all of their data cleared, classic ones 8 bytes. */
static void
clear_data(struct evcan_frame *frame, size_t from)
{
	memset(frame->data + from, 0, sizeof(frame->data) - from);
}

/* Classic lines */

/* Without a base line, three digits a byte are decimal, and so is an
 * identifier that is too large otherwise. @param p at the DLC */
static void
guess_base(struct evcan_asc_reader_ *reader, struct evcan_asc_word_ id,
    const char *p, const char *eol)
{
	struct evcan_asc_word_ byte;
	uint32_t value;

	evcan_asc_word_(&p, eol);
	byte = evcan_asc_word_(&p, eol);
	if (get_number(byte, 10, 3, &value) && byte.len == 3)
		reader->dec = true;
	else if (get_number(id, 16, 8, &value) && value > EVCAN_MAX_STD_ID &&
	    get_number(id, 10, 9, &value) && value <= EVCAN_MAX_STD_ID)
		reader->dec = true;
	if (reader->dec)
		reader->second.len = 0;
}

/*
 * More than 8: a raw DLC of a classic frame (8 bytes follow), or by writers
 * that know no CANFD lines a DLC, decimal too, or a length, in hex.
 */
static enum evcan_line_
get_large(struct evcan_asc_word_ word, const char *p, const char *eol,
    bool dec, struct evcan_frame *frame, struct evcan_fault_ *fault)
{
	uint32_t hex, decimal = 0;
	unsigned n;

	if (!get_number(word, 16, 2, &hex))
		return evcan_line_bad_(fault, word.p,
		    "this DLC is not a hex digit");
	get_number(word, 10, 2, &decimal);
	n = get_bytes(&p, eol, dec, EVCAN_MAX_DATA, frame->data);
	if (n == 8 && (hex <= 15 || (decimal > 8 && decimal <= 15))) {
		frame->len = 8;
		frame->dlc = (uint8_t)(hex <= 15 ? hex : decimal);
		return EVCAN_LINE_FRAME;
	}
	if (n <= 8 || (n != hex && (hex > 15 || n != evcan_dlc2len(hex)) &&
	    (decimal > 15 || n != evcan_dlc2len(decimal))))
		return evcan_line_bad_(fault, p,
		    "the line ends before its data does");
	frame->flags |= EVCAN_FRAME_FD;
	frame->len = (uint8_t)n;
	frame->dlc = evcan_len2dlc(n);
	clear_data(frame, n);
	return EVCAN_LINE_FRAME;
}

static enum evcan_line_
get_data(struct evcan_asc_reader_ *reader, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_fault_ *fault)
{
	const struct evcan_asc_word_ word = evcan_asc_word_(&p, eol);
	uint32_t dlc;

	if (word.p == NULL)
		return evcan_line_bad_(fault, p,
		    "the line ends before the DLC");
	if (!get_number(word, 16, 2, &dlc) || dlc > 8)
		return get_large(word, p, eol, reader->dec, frame, fault);
	if (get_bytes(&p, eol, reader->dec, dlc, frame->data) < dlc)
		return evcan_line_bad_(fault, p,
		    reader->dec ? "here a data byte should "
		    "be, up to 255" : "here a data byte should be, two hex "
		    "digits");
	frame->len = frame->dlc = (uint8_t)dlc;
	return EVCAN_LINE_FRAME;
}

/* The DLC came with version 8.5; "Length = .." may follow at once. */
static void
get_remote(const char *p, const char *eol, struct evcan_frame *frame)
{
	uint32_t dlc = 0;

	get_number(evcan_asc_word_(&p, eol), 16, 1, &dlc);
	frame->dlc = (uint8_t)dlc;
	frame->flags |= EVCAN_FRAME_RTR;
}

/* Behind time, channel and a word that may be an identifier. */
static enum evcan_line_
classic_line(struct evcan_asc_reader_ *reader, struct evcan_asc_word_ id,
    const char *p, const char *eol, struct evcan_frame *frame,
    struct evcan_decode *out, struct evcan_fault_ *fault)
{
	struct evcan_asc_word_ word = evcan_asc_word_(&p, eol);

	id = bare_id(id);
	if (!is_id(id) || !get_direction(word, frame)) {
		out->skipped++;
		return EVCAN_LINE_OTHER;
	}
	word = evcan_asc_word_(&p, eol);
	if (!reader->base_told && !reader->dec)
		guess_base(reader, id, p, eol);
	if (!get_id(id, reader->dec ? 10 : 16, frame))
		return evcan_line_bad_(fault, id.p,
		    reader->dec ? "this identifier is "
		    "not decimal or too large" : "this identifier is larger "
		    "than 7FF, or 1FFFFFFFx");
	if (evcan_asc_is_(word, "d"))
		return get_data(reader, p, eol, frame, fault);
	if (!evcan_asc_is_(word, "r"))
		return evcan_line_bad_(fault, word.p != NULL ? word.p : p,
		    "behind the "
		    "direction there is neither d nor r");
	get_remote(p, eol, frame);
	return EVCAN_LINE_FRAME;
}

/* Error frames */

/* An SJA1000's error code capture; SocketCAN has its places of the error
 * from there. */
static void
set_ecc(struct evcan_frame *frame, unsigned ecc)
{
	static const uint8_t kinds[4] = {
		EVCAN_ASC_BIT, EVCAN_ASC_FORM, EVCAN_ASC_STUFF, 0
	};

	frame->id = EVCAN_ASC_ERROR;
	frame->data[2] = kinds[ecc >> 6 & 3];
	if ((ecc & 0x20) == 0)
		frame->data[2] |= EVCAN_ASC_TX;
	frame->data[3] = ecc & 0x1f;
}

/* The number in "Name = 0x12" after such a name. */
static bool
get_named(const char *p, const char *eol, const char *name, uint32_t *value)
{
	struct evcan_asc_word_ word;

	while ((word = evcan_asc_word_(&p, eol)).p != NULL) {
		if (!evcan_asc_is_(word, name) ||
		    !evcan_asc_is_(evcan_asc_word_(&p, eol), "="))
			continue;
		word = evcan_asc_word_(&p, eol);
		if (word.len < 3 || word.p[0] != '0' || word.p[1] != 'x')
			return false;
		word.p += 2;
		word.len -= 2;
		return get_number(word, 16, 8, value);
	}
	return false;
}

/* What Flags say is valid: 1 the ECC, 2 the code of Vector's own core. */
static void
get_error_flags(const char *p, const char *eol, struct evcan_frame *frame)
{
	uint32_t flags, code;

	if (!get_named(p, eol, "flags", &flags))
		return;
	if ((flags & 1) != 0 && get_named(p, eol, "code", &code) &&
	    code <= 0xff)
		set_ecc(frame, code);
	else if ((flags & 3) == 2 && get_named(p, eol, "codeext", &code) &&
	    (code >> 6 & 0x3f) <= 2)
		set_ecc(frame, (code >> 6 & 3) << 6 | (code & 0x3f));
}

static enum evcan_line_
error_line(const char *p, const char *eol, struct evcan_frame *frame)
{
	const char *rest = p;
	uint32_t ecc;

	evcan_error_frame_(frame);
	if (evcan_asc_is_(evcan_asc_word_(&p, eol), "ecc:")) {
		const struct evcan_asc_word_ bits = evcan_asc_word_(&p, eol);

		if (get_number(bits, 2, 8, &ecc) && bits.len == 8)
			set_ecc(frame, ecc);
	} else
		get_error_flags(rest, eol, frame);
	return EVCAN_LINE_FRAME;
}

/* CANFD lines: hex whatever the base is, but for the length */

enum {
	FLAG_REMOTE = 0x10,
	FLAG_FD = 0x1000
};

static bool
get_bit(const char **p, const char *eol, unsigned flag,
    struct evcan_frame *frame)
{
	const struct evcan_asc_word_ word = evcan_asc_word_(p, eol);

	if (word.len != 1 || (*word.p != '0' && *word.p != '1'))
		return false;
	frame->flags &= (uint16_t)~flag;
	if (*word.p == '1')
		frame->flags |= (uint16_t)flag;
	return true;
}

/* len data bytes, all of them. */
static bool
get_length(struct evcan_asc_word_ word, const char **p, const char *eol,
    struct evcan_frame *frame)
{
	uint32_t len;

	if (!get_number(word, 10, 2, &len) || len > EVCAN_MAX_DATA ||
	    get_bytes(p, eol, false, len, frame->data) < len)
		return false;
	frame->len = (uint8_t)len;
	return true;
}

/* The flags decide whether it is FD after all. */
static void
set_kind(struct evcan_frame *frame, bool have_flags, uint32_t flags,
    unsigned dlc)
{
	const unsigned extended = frame->flags & EVCAN_FRAME_EXT;
	const bool remote = frame->len == 0 &&
	    ((flags & FLAG_REMOTE) != 0 || dlc != 0);

	if (!have_flags || (flags & FLAG_FD) != 0 || frame->len > 8 ||
	    ((frame->flags & EVCAN_FRAME_BRS) != 0 && !remote) ||
	    ((frame->flags & EVCAN_FRAME_ESI) != 0 && !remote)) {
		frame->flags |= EVCAN_FRAME_FD;
		frame->dlc = evcan_len2dlc(frame->len);
		clear_data(frame, frame->len);
		return;
	}
	frame->flags = (uint16_t)extended;
	if (remote) {
		/* Another try may have left bytes. */
		memset(frame->data, 0, 8);
		frame->flags |= EVCAN_FRAME_RTR;
		frame->dlc = (uint8_t)dlc;
		return;
	}
	frame->dlc = frame->len == 8 && dlc > 8 ? (uint8_t)dlc : frame->len;
	memset(frame->data + frame->len, 0, 8u - frame->len);
}

/* BRS, ESI, DLC, length, data, duration, bits, flags, and more. */
static bool
fd_body(const char *p, const char *eol, struct evcan_frame *frame)
{
	uint32_t dlc, flags = 0;
	bool have_flags;

	if (!get_bit(&p, eol, EVCAN_FRAME_BRS, frame) ||
	    !get_bit(&p, eol, EVCAN_FRAME_ESI, frame) ||
	    !get_number(evcan_asc_word_(&p, eol), 16, 1, &dlc) ||
	    !get_length(evcan_asc_word_(&p, eol), &p, eol, frame))
		return false;
	evcan_asc_word_(&p, eol);
	evcan_asc_word_(&p, eol);
	have_flags = get_number(evcan_asc_word_(&p, eol), 16, 8, &flags);
	set_kind(frame, have_flags, flags, dlc);
	return true;
}

/* CANoe 7: BRS, ESI, d or r, DLC, length (or not), data. */
static bool
fd_old_body(const char *p, const char *eol, struct evcan_frame *frame)
{
	struct evcan_asc_word_ kind, word;
	const char *behind_dlc, *behind_word;
	uint32_t dlc;
	uint8_t len;
	bool has_len;

	if (!get_bit(&p, eol, EVCAN_FRAME_BRS, frame) ||
	    !get_bit(&p, eol, EVCAN_FRAME_ESI, frame))
		return false;
	kind = evcan_asc_word_(&p, eol);
	if (!get_number(evcan_asc_word_(&p, eol), 16, 1, &dlc))
		return false;
	if (evcan_asc_is_(kind, "r")) {
		frame->flags &= EVCAN_FRAME_EXT;
		frame->flags |= EVCAN_FRAME_RTR;
		frame->dlc = (uint8_t)dlc;
		return true;
	}
	if (!evcan_asc_is_(kind, "d"))
		return false;
	behind_dlc = p;
	len = evcan_dlc2len(dlc);
	word = evcan_asc_word_(&p, eol);
	behind_word = p;
	has_len = get_length(word, &p, eol, frame);
	if (!has_len || frame->len != len) {
		/* What looked like a length may be the first byte. */
		p = behind_dlc;
		if (get_bytes(&p, eol, false, len, frame->data) == len)
			frame->len = len;
		else if (!has_len)
			return false;
		else
			get_length(word, &behind_word, eol, frame);
	}
	set_kind(frame, true, FLAG_FD, dlc);
	return true;
}

static enum evcan_line_
fd_line(struct evcan_asc_word_ word, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct evcan_asc_word_ id = evcan_asc_word_(&p, eol);
	const bool old = !get_direction(word, frame);
	const char *rest;

	if (old) {
		struct evcan_asc_word_ direction = id;

		id = word;
		if (!is_id(id) || !get_direction(direction, frame)) {
			out->skipped++;
			return EVCAN_LINE_OTHER;
		}
	}
	if (evcan_asc_is_(id, "errorframe")) {
		evcan_error_frame_(frame);
		return EVCAN_LINE_FRAME;
	}
	if (!old && !is_id(id)) {
		out->skipped++;
		return EVCAN_LINE_OTHER;
	}
	if (!get_id(id, 16, frame))
		return evcan_line_bad_(fault, id.p,
		    "this identifier is larger than 7FF, "
		    "or 1FFFFFFFx");
	rest = p;
	if (old ? fd_old_body(p, eol, frame) : fd_body(p, eol, frame))
		return EVCAN_LINE_FRAME;
	evcan_asc_word_(&p, eol);    /* a symbolic name */
	if (!old && fd_body(p, eol, frame))
		return EVCAN_LINE_FRAME;
	return evcan_line_bad_(fault, rest,
	    "here BRS, ESI, DLC, length and all data "
	    "bytes should be");
}

/* Lines by their first words */

/* Whether two words are one of n pairs; "0" stands for any number. */
static bool
are_in(struct evcan_asc_word_ first, struct evcan_asc_word_ second,
    const char *const (*pairs)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *want = pairs[i][1];

		if (evcan_asc_is_(first, pairs[i][0]) && (want == NULL ||
		    (*want == '0' && second.p != NULL &&
		    is_digit(*second.p)) || evcan_asc_is_(second, want)))
			return true;
	}
	return false;
}

/* Whether CANoe writes such lines, rather than a person. */
static bool
is_known(struct evcan_asc_word_ first, struct evcan_asc_word_ second,
    const char *eol)
{
	/* Channels of LIN, MOST and FlexRay; what is no channel at all */
	if (is_digit(*first.p) || *first.p == '-' ||
	    (first.len == 2 && is_digit(first.p[1])) ||
	    are_in(first, second, keywords,
	    sizeof(keywords) / sizeof(keywords[0])))
		return true;
	for (const char *p = first.p; p + 1 < eol; p++)   /* variables */
		if (p[0] == ':' && (p[1] == '=' || p[1] == ':'))
			return true;
	return false;
}

/* A stamped line that is no frame. */
static enum evcan_line_
other_line(struct evcan_asc_word_ first, const char *p, const char *eol,
    int64_t time_ns, struct evcan_decode *out)
{
	const struct evcan_asc_word_ second = evcan_asc_word_(&p, eol);

	if (are_in(first, second, starts, sizeof(starts) / sizeof(starts[0])))
		return EVCAN_LINE_OTHER;
	if (is_known(first, second, eol))
		out->skipped++;
	else
		evcan_decode_set_event(out, time_ns, first.p,
		    (size_t)(eol - first.p));
	return EVCAN_LINE_OTHER;
}

static enum evcan_line_
stamped_line(struct evcan_asc_reader_ *reader, const char *p,
    const char *eol, int64_t time_ns, struct evcan_frame *frame,
    struct evcan_decode *out, struct evcan_fault_ *fault)
{
	const struct evcan_asc_word_ first = evcan_asc_word_(&p, eol);
	const bool fd = evcan_asc_is_(first, "canfd");
	struct evcan_asc_word_ word;
	uint32_t number;

	if (first.p == NULL)
		return EVCAN_LINE_OTHER;
	word = first;
	if (fd)
		word = evcan_asc_word_(&p, eol);
	if (!get_number(word, 10, 4, &number)) {
		if (!fd)
			return other_line(first, p, eol, time_ns, out);
		out->skipped++;
		return EVCAN_LINE_OTHER;
	}
	word = evcan_asc_word_(&p, eol);
	set_common(reader, time_ns, number, frame);
	if (fd)
		return fd_line(word, p, eol, frame, out, fault);
	if (evcan_asc_is_(word, "errorframe"))
		return error_line(p, eol, frame);
	if (evcan_asc_is_(word, "overloadframe")) {
		frame->flags = EVCAN_FRAME_OVERLOAD;
		return EVCAN_LINE_FRAME;
	}
	return classic_line(reader, word, p, eol, frame, out, fault);
}

/* Remarks and events of our own; other comments are no more than that. */
static void
comment_line(struct evcan_asc_reader_ *reader, const char *p,
    const char *eol, struct evcan_decode *out)
{
	const size_t len = sizeof(EVCAN_ASC_EVENT) - 1;
	struct evcan_remark_ remark;
	int64_t ns;

	p = evcan_asc_skip_(p, eol);
	if ((size_t)(eol - p) > len && memcmp(p, EVCAN_ASC_EVENT, len) == 0) {
		p = get_stamp(evcan_asc_skip_(p + len, eol), eol, &ns);
		if (p != NULL && p < eol) {
			if (ns < EVCAN_ASC_EPOCH)
				ns += reader->start_ns;
			evcan_decode_set_event(out, ns, p + 1,
			    (size_t)(eol - p - 1));
		}
		return;
	}
	if (!evcan_remark_get_(p, (size_t)(eol - p), &remark))
		return;
	if (remark.kind == EVCAN_REMARK_GAP) {
		out->gaps++;
		out->lost += remark.lost;
	} else if (!reader->probing) {
		evcan_channel_map_learn_(&reader->map, remark.number,
		    remark.name, remark.name_len);
		memset(reader->channel, 0, sizeof(reader->channel));
	}
}

enum evcan_line_
evcan_asc_line_(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct evcan_asc_reader_ *reader = state;
	const char *line = p, *rest;
	enum evcan_line_ what;
	int64_t stamp, time_ns;
	bool known;

	p = evcan_asc_skip_(p, eol);
	if (p == eol)
		return EVCAN_LINE_OTHER;
	if (eol - p > 1 && p[0] == '/' && p[1] == '/') {
		comment_line(reader, p + 2, eol, out);
		return EVCAN_LINE_OTHER;
	}
	if (!is_digit(*p) && *p != '-') {
		what = evcan_asc_header_(reader, p, eol, &known, fault);
		out->skipped += !known;
		return what;
	}
	rest = get_stamp(p, eol, &stamp);
	if (rest == NULL) {
		out->skipped++;
		return EVCAN_LINE_OTHER;
	}
	if (!advance(reader, stamp, &time_ns))
		return evcan_line_bad_(fault, p,
		    "this time is more than 31 years from "
		    "the start");
	remember_second(reader, line, rest, stamp);
	return stamped_line(reader, rest, eol, time_ns, frame, out, fault);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_row.c - the full grammar of TRC rows: any version, any columns */
#include "trc_row.h"

#include <string.h>

#include <evcan/channel.h>

#include "text.h"

/*
 * A row is taken apart column by column, in the order that the file names or
 * that its version has. Letters are those of $COLUMNS= for every version:
 *   N number  O offset  T type  B bus  I identifier  d direction
 *   R reserved  l length in bytes  L length code  D data
 * Rows of states and counters leave identifier and length blank in version
 * 2.0, so that what follows stands one word earlier.
 */

const struct evcan_trc_name_ evcan_trc_versions_[EVCAN_TRC_VERSIONS] = {
	[EVCAN_TRC_1_0] = { "1.0", "NOIlD" },
	[EVCAN_TRC_1_1] = { "1.1", "NOTIlD" },
	[EVCAN_TRC_1_2] = { "1.2", "NOBTIlD" },
	[EVCAN_TRC_1_3] = { "1.3", "NOBTIRLD" },
	[EVCAN_TRC_2_0] = { "2.0", "NOTIdlD" },
	[EVCAN_TRC_2_1] = { "2.1", "NOTBIdRLD" }
};

enum kind {
	KIND_DATA,
	KIND_FD,
	KIND_REMOTE,
	KIND_ERROR,
	KIND_EVENT,
	KIND_OTHER      /* state, counters: not frames */
};

static const struct type {
	char word[8];
	enum kind kind;
	uint16_t flags;
	uint8_t dir;
} types[] = {
	{ "DT", KIND_DATA, 0, EVCAN_DIR_RX },
	{ "Rx", KIND_DATA, 0, EVCAN_DIR_RX },
	{ "Tx", KIND_DATA, 0, EVCAN_DIR_TX },
	{ "FD", KIND_FD, EVCAN_FRAME_FD, EVCAN_DIR_RX },
	{ "FB", KIND_FD, EVCAN_FRAME_FD | EVCAN_FRAME_BRS, EVCAN_DIR_RX },
	{ "FE", KIND_FD, EVCAN_FRAME_FD | EVCAN_FRAME_BRS | EVCAN_FRAME_ESI,
	  EVCAN_DIR_RX },
	{ "BI", KIND_FD, EVCAN_FRAME_FD | EVCAN_FRAME_ESI, EVCAN_DIR_RX },
	{ "RR", KIND_REMOTE, EVCAN_FRAME_RTR, EVCAN_DIR_RX },
	{ "ER", KIND_ERROR, EVCAN_FRAME_ERR, EVCAN_DIR_RX },
	{ "Error", KIND_ERROR, EVCAN_FRAME_ERR, EVCAN_DIR_RX },
	{ "EV", KIND_EVENT, 0, EVCAN_DIR_RX },
	{ "ST", KIND_OTHER, 0, EVCAN_DIR_RX },
	{ "EC", KIND_OTHER, 0, EVCAN_DIR_RX },
	{ "Warng", KIND_OTHER, 0, EVCAN_DIR_RX }
};
#define TYPES (sizeof(types) / sizeof(types[0]))

#define NO_ID UINT32_MAX    /* also what states have in versions 1.x */

/* A row as far as it is read. */
struct row {
	struct evcan_trc_reader_ *reader;
	const char *p, *eol;     /* the rest */
	const char *at;          /* the last word */
	size_t len;

	const char *number_end;
	const char *second;      /* the last digit of whole seconds, or NULL */
	uint64_t number;
	int64_t offset_ns;
	enum kind kind;
	uint16_t flags;
	uint8_t dir;
	unsigned bus;
	bool has_bus;
	uint32_t id;
	size_t id_digits;
	unsigned length;
	bool has_length, is_code;
	unsigned bytes;          /* of data, counted on behind the 64th */
	uint8_t *data;           /* the frame's */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The next word. @return false: there is none */
static bool
next_word(struct row *row)
{
	const char *p = row->p, *eol = row->eol;

	while (p < eol && is_blank(*p))
		p++;
	row->at = p;
	while (p < eol && !is_blank(*p))
		p++;
	row->p = p;
	row->len = (size_t)(p - row->at);
	return row->len > 0;
}

/* Gives the last word back. */
static void
unget_word(struct row *row)
{
	row->p = row->at;
}

static bool
is_word(const struct row *row, const char *word)
{
	return strlen(word) == row->len &&
	    memcmp(row->at, word, row->len) == 0;
}

static bool
is_direction(const struct row *row)
{
	return row->len == 2 && row->at[1] == 'x' &&
	    (row->at[0] == 'R' || row->at[0] == 'T');
}

static const struct type *
find_type(const struct row *row)
{
	for (size_t i = 0; i < TYPES; i++)
		if (row->len >= 2 && row->at[0] == types[i].word[0] &&
		    row->at[1] == types[i].word[1] &&
		    is_word(row, types[i].word))
			return &types[i];
	return NULL;
}

/* An unsigned number of up to max. @return false: it is none */
static inline bool
get_number(const char *p, size_t len, uint64_t max, uint64_t *value)
{
	const char *end = p + len;
	uint64_t n = 0;

	if (len == 0)
		return false;
	while (end - p > 19 && *p == '0')
		p++;
	if (end - p > 19)   /* more than 64 bits may hold */
		return false;
	for (; p < end; p++) {
		if (!is_digit(*p))
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	*value = n;
	return n <= max;
}

static bool
get_hex(const char *p, size_t len, uint32_t *value)
{
	uint32_t n = 0;
	uint8_t bad = 0;

	if (len == 0 || len > 8)
		return false;
	for (size_t i = 0; i < len; i++) {
		const uint8_t digit = evcan_hex_value_[(uint8_t)p[i]];

		bad |= digit;
		n = n << 4 | (digit & 15);
	}
	*value = n;
	return bad <= 15;
}

/* Columns: each takes its words. @return why not, or NULL */

static const char *
column_number(struct row *row)
{
	size_t len;

	next_word(row);
	len = row->len;
	if (len > 0 && row->at[len - 1] == ')')
		len--;
	row->number_end = row->p;
	return get_number(row->at, len, UINT64_MAX, &row->number) ? NULL :
	    "a row's number has decimal digits only";
}

/* Milliseconds with decimals; nanoseconds are the finest. */
static const char *
column_offset(struct row *row)
{
	static const char *const wrong =
	    "the offset is no number of milliseconds";
	const char *p, *dot;
	uint64_t ms, part = 0, unit = EVCAN_TRC_NS_PER_MS;
	bool negative;

	if (!next_word(row))
		return "the offset is missing";
	negative = *row->at == '-';
	p = row->at + negative;
	for (dot = p; dot < row->p && *dot != '.'; dot++)
		;
	if (!get_number(p, (size_t)(dot - p), UINT64_MAX, &ms))
		return wrong;
	for (const char *d = dot + 1; d < row->p; d++) {
		if (!is_digit(*d))
			return wrong;
		unit /= 10;
		part += unit * (uint64_t)(*d - '0');
	}
	if (ms > INT64_MAX / EVCAN_TRC_NS_PER_MS - 1)
		return "the offset is too large";
	row->offset_ns = (int64_t)(ms * EVCAN_TRC_NS_PER_MS + part);
	if (negative)
		row->offset_ns = -row->offset_ns;
	/* For the fast path: decimals behind three whole digits. */
	if (!negative && row->p - dot == row->reader->fast.decimals + 1 &&
	    dot - p >= 3)
		row->second = dot - 3;
	return NULL;
}

static const char *
column_type(struct row *row)
{
	const struct type *type;

	if (!next_word(row))
		return "the type is missing";
	type = find_type(row);
	if (type == NULL) {
		/* A type of a later version is passed over. */
		for (size_t i = 0; i < row->len; i++)
			if ((uint8_t)((row->at[i] | 0x20) - 'a') > 25)
				return "this is no type of a row";
		row->kind = KIND_OTHER;
		return NULL;
	}
	row->kind = type->kind;
	row->flags = type->flags;
	row->dir = type->dir;
	return NULL;
}

static const char *
column_bus(struct row *row)
{
	uint64_t number;

	row->has_bus = true;
	if (!next_word(row))
		return "the bus is missing";
	if (is_word(row, "-"))
		return NULL;
	if (!get_number(row->at, row->len, UINT32_MAX, &number)) {
		if (row->kind != KIND_EVENT)
			return "the bus is no number";
		unget_word(row);   /* the event's text */
		return NULL;
	}
	row->bus = (unsigned)number;
	return NULL;
}

static const char *
column_id(struct row *row)
{
	if (!next_word(row))
		return "the identifier is missing";
	if (is_word(row, "-"))
		return NULL;
	if (row->kind == KIND_ERROR && is_direction(row)) {
		unget_word(row);
		return NULL;
	}
	row->id_digits = row->len;
	return get_hex(row->at, row->len, &row->id) ? NULL :
	    "the identifier is no hex number of up to 8 digits";
}

static const char *
column_direction(struct row *row)
{
	if (!next_word(row) || !is_direction(row))
		return "the direction is neither Rx nor Tx";
	row->dir = *row->at == 'T' ? EVCAN_DIR_TX : EVCAN_DIR_RX;
	return NULL;
}

static const char *
column_other(struct row *row)
{
	next_word(row);
	return NULL;
}

static const char *
column_length(struct row *row)
{
	uint64_t length;

	if (!next_word(row)) {
		if (row->kind == KIND_ERROR)
			return NULL;
		return "the length is missing";
	}
	if (is_word(row, "-") && row->kind == KIND_ERROR)
		return NULL;
	/* An error row without a length: this is its first byte. */
	if (row->kind == KIND_ERROR && row->id == NO_ID && row->len == 2) {
		unget_word(row);
		return NULL;
	}
	if (!get_number(row->at, row->len, 9999, &length))
		return "the length is no number";
	row->length = (unsigned)length;
	row->has_length = true;
	return NULL;
}

static const char *
column_code(struct row *row)
{
	row->is_code = true;
	return column_length(row);
}

/* Bytes up to a word that is none. */
static void
take_bytes(struct row *row)
{
	const char *p = row->p, *eol = row->eol;

	for (;; p += 2, row->bytes++) {
		uint8_t hi, lo;

		while (p < eol && is_blank(*p))
			p++;
		if (eol - p < 2 || (eol - p > 2 && !is_blank(p[2])))
			break;
		hi = evcan_hex_value_[(uint8_t)p[0]];
		lo = evcan_hex_value_[(uint8_t)p[1]];
		if ((hi | lo) > 15)
			break;
		if (row->bytes < EVCAN_MAX_DATA)
			row->data[row->bytes] = (uint8_t)(hi << 4 | lo);
	}
	row->p = p;
}

static const char *
column_data(struct row *row)
{
	for (take_bytes(row); next_word(row); take_bytes(row)) {
		const bool first = row->bytes == 0 &&
		    row->kind == KIND_DATA;

		if (first && is_word(row, "RTR")) {
			row->kind = KIND_REMOTE;
			row->flags = EVCAN_FRAME_RTR;
		} else if (first && is_word(row, "ERROR")) {
			row->kind = KIND_ERROR;
			row->flags = EVCAN_FRAME_ERR;
		} else if (!is_word(row, "--") && row->id != NO_ID) {
			/* Not filling, nor words about a state. */
			return "a byte of data has two hex digits";
		}
	}
	return NULL;
}

/* By letter; others are reserved, or of a later version. */
static const char *(*const columns['z' - 'A' + 1])(struct row *row) = {
	['N' - 'A'] = column_number, ['O' - 'A'] = column_offset,
	['T' - 'A'] = column_type, ['B' - 'A'] = column_bus,
	['I' - 'A'] = column_id, ['d' - 'A'] = column_direction,
	['l' - 'A'] = column_length, ['L' - 'A'] = column_code,
	['D' - 'A'] = column_data
};

static const char *
take_column(struct row *row, char letter)
{
	const size_t i = (size_t)((unsigned char)letter - 'A');

	if (i < sizeof(columns) / sizeof(columns[0]) && columns[i] != NULL)
		return columns[i](row);
	return column_other(row);
}

/* Which columns a row has that no header tells of: by its words' shapes. */

#define GUESS_WORDS 8

static const char *
guess_2(struct row *words, size_t n)
{
	for (size_t i = 3; i < 6 && i < n; i++)
		if (is_direction(&words[i])) {
			if (i < 5)
				return "NOTIdlD";
			return n > 6 && is_word(&words[6], "-") ?
			    "NOTBIdRLD" : "NOTBIdLD";
		}
	return NULL;
}

/* Types of versions 1.x are not of two capital letters. */
static bool
is_type_1(const struct row *word)
{
	const struct type *type = find_type(word);

	return type != NULL && (uint8_t)(type->word[1] - 'a') < 26;
}

/* @param sure false: the row is good for this one only */
static const char *
guess(struct row row, bool *sure)
{
	struct row words[GUESS_WORDS];
	const struct type *type;
	uint64_t number;
	size_t n = 0;

	*sure = true;
	while (n < GUESS_WORDS && next_word(&row))
		words[n++] = row;
	if (n < 4)
		return NULL;
	if (is_type_1(&words[2]))
		return evcan_trc_versions_[EVCAN_TRC_1_1].columns;
	type = find_type(&words[2]);
	*sure = type == NULL || type->kind != KIND_EVENT;
	if (!*sure)
		return evcan_trc_versions_[EVCAN_TRC_2_1].columns;
	if (type != NULL)
		return guess_2(words, n);
	if (is_type_1(&words[3]))
		return evcan_trc_versions_[n > 5 && is_word(&words[5], "-") ?
		    EVCAN_TRC_1_3 : EVCAN_TRC_1_2].columns;
	if (words[0].at[words[0].len - 1] == ')' &&
	    get_number(words[3].at, words[3].len, 15, &number))
		return evcan_trc_versions_[EVCAN_TRC_1_0].columns;
	return NULL;
}

/* How many bytes a data frame has, by its length and by its data. */
static const char *
check_length(const struct row *row, struct evcan_frame *frame)
{
	const unsigned told = row->length, n = row->bytes;
	const bool fd = row->kind == KIND_FD;
	const unsigned coded = fd ? evcan_dlc2len(told) : 8;

	frame->len = (uint8_t)n;
	if (n > (fd ? EVCAN_MAX_DATA : 8u))
		return "there are more bytes than a frame has";
	/* Both columns are mistaken for each other by some programs. */
	if (told <= 15 && coded == n && (row->is_code || told != n) &&
	    (fd || told > 8)) {
		frame->dlc = (uint8_t)told;
		return NULL;
	}
	frame->dlc = evcan_len2dlc(n);
	return told == n ? NULL :
	    "there are more or fewer bytes than the length tells";
}

static const char *
finish_data(struct row *row, struct evcan_frame *frame)
{
	if (row->kind != KIND_FD && row->bytes < 8)
		memset(frame->data + row->bytes, 0, 8 - row->bytes);
	else if (row->kind == KIND_FD && row->bytes < EVCAN_MAX_DATA)
		memset(frame->data + row->bytes, 0,
		    EVCAN_MAX_DATA - row->bytes);
	return check_length(row, frame);
}

static const char *
finish_id(const struct row *row, struct evcan_frame *frame)
{
	frame->id = row->id;
	frame->flags = row->flags;
	if (row->id > EVCAN_MAX_EXT_ID)
		return row->id == NO_ID ? "the identifier is missing" :
		    "the identifier has more than 29 bits";
	/* Four digits are a standard one, if they can be. */
	if (row->id_digits > 4 || row->id > EVCAN_MAX_STD_ID)
		frame->flags |= EVCAN_FRAME_EXT;
	return NULL;
}

/* Versions 1.x have the type in place of an identifier. */
static const char *
finish_error(struct row *row, struct evcan_frame *frame)
{
	uint8_t bytes[EVCAN_TRC_ERROR_BYTES];
	unsigned n = row->bytes;
	const unsigned first = row->id != NO_ID &&
	    n < EVCAN_TRC_ERROR_BYTES;

	if (row->has_length && row->length < n)
		n = row->length;
	if (n > EVCAN_TRC_ERROR_BYTES - first)
		n = EVCAN_TRC_ERROR_BYTES - first;
	bytes[0] = (uint8_t)row->id;
	memcpy(bytes + first, row->data, n);
	evcan_trc_get_error_(bytes, n + first, frame);
	return NULL;
}

static const char *
finish_remote(struct row *row, struct evcan_frame *frame)
{
	memset(frame->data, 0, 8);
	frame->len = 0;
	frame->dlc = (uint8_t)row->length;
	if (row->bytes > 0)
		return "a remote frame has no bytes";
	return row->length > 15 ? "a remote frame asks for 15 at most" : NULL;
}

static const char *
finish_time(const struct row *row, int64_t *ns)
{
	const int64_t start = row->reader->start_ns;

	if (row->offset_ns > 0 ? start > INT64_MAX - row->offset_ns :
	    start < INT64_MIN - row->offset_ns)
		return "the time is beyond all dates";
	*ns = start + row->offset_ns;
	return NULL;
}

static const char *
finish_frame(struct row *row, struct evcan_frame *frame)
{
	struct evcan_trc_reader_ *reader = row->reader;
	const char *why = finish_time(row, &frame->time_ns);

	frame->dir = row->dir;
	frame->clock = reader->clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	frame->channel = reader->probing ? EVCAN_CHANNEL_NONE :
	    evcan_channel_map_channel_(&reader->map, row->bus);
	if (why != NULL)
		return why;
	if (row->kind == KIND_ERROR)
		return finish_error(row, frame);
	why = finish_id(row, frame);
	if (why != NULL)
		return why;
	return row->kind == KIND_REMOTE ? finish_remote(row, frame) :
	    finish_data(row, frame);
}

/* What the next rows probably begin with. */
static void
learn_fast(const struct row *row, const char *line)
{
	struct evcan_trc_reader_ *reader = row->reader;
	const char *end = row->number_end;

	reader->second.len = 0;
	if (reader->fast.decimals == 0 || row->second == NULL || end == NULL)
		return;
	if (end[-1] == ')')   /* in versions 1.x; it goes with the second */
		end--;
	if (end - line > 24)
		return;
	reader->number_len = (uint8_t)(end - line);
	evcan_second_set_(&reader->second, end, (size_t)(row->second - end),
	    reader->start_ns + row->offset_ns -
	    row->offset_ns % (1000 * EVCAN_TRC_NS_PER_MS), reader->clock);
}

static enum evcan_line_
take_event(struct row *row, struct evcan_decode *out, const char **why)
{
	int64_t ns;

	*why = finish_time(row, &ns);
	if (*why != NULL)
		return EVCAN_LINE_BAD;
	while (row->p < row->eol && is_blank(*row->p))
		row->p++;
	evcan_decode_set_event(out, ns, row->p, (size_t)(row->eol - row->p));
	return EVCAN_LINE_OTHER;
}

static enum evcan_line_
take_row(struct row *row, const char *letters, struct evcan_frame *frame,
    struct evcan_decode *out, const char **why)
{
	for (; *letters != '\0'; letters++) {
		*why = take_column(row, *letters);
		if (*why != NULL)
			return EVCAN_LINE_BAD;
		/* These go no further, but for an event's bus. */
		if ((row->kind == KIND_EVENT && letters[1] != 'B' &&
		    (*letters == 'T' || *letters == 'B')) ||
		    (row->kind == KIND_OTHER && *letters == 'T'))
			break;
	}
	row->reader->last_number = row->number;
	/* J1939 messages of many frames, and states of versions 1.x. */
	if (row->kind == KIND_OTHER || (row->id == NO_ID &&
	    row->id_digits > 0) || (row->kind == KIND_DATA &&
	    row->length > 8 && row->bytes == row->length)) {
		out->skipped++;
		return EVCAN_LINE_OTHER;
	}
	if (row->kind == KIND_EVENT)
		return take_event(row, out, why);
	/* A file of one bus does not tell its number. */
	if (!row->has_bus)
		row->bus = 1;
	*why = finish_frame(row, frame);
	return *why == NULL ? EVCAN_LINE_FRAME : EVCAN_LINE_BAD;
}

enum evcan_line_
evcan_trc_line_(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct evcan_trc_reader_ *reader = state;
	struct row row = { .reader = reader, .eol = eol, .id = NO_ID,
	    .data = frame->data };
	const char *line = p, *letters = reader->columns;
	enum evcan_line_ what;
	bool sure;

	while (p < eol && is_blank(*p))
		p++;
	row.p = row.at = p;
	if (p == eol)
		return EVCAN_LINE_OTHER;
	fault->at = p;
	if (*p == ';')
		return evcan_trc_comment_(reader, p + 1, eol, out,
		    &fault->why) ? EVCAN_LINE_OTHER : EVCAN_LINE_BAD;
	if (!is_digit(*p) && (*p != '-' || *letters != 'O')) {
		out->skipped++;
		return EVCAN_LINE_OTHER;
	}
	if (*letters == '\0') {
		letters = guess(row, &sure);
		if (letters == NULL) {
			fault->why = "this is a row of no version of PEAK's "
			    "format";
			return EVCAN_LINE_BAD;
		}
		if (sure)
			evcan_trc_use_columns_(reader, letters);
	}
	what = take_row(&row, letters, frame, out, &fault->why);
	if (what == EVCAN_LINE_FRAME)
		learn_fast(&row, line);
	fault->at = row.at;
	return what;
}

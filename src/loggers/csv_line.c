/* SPDX-License-Identifier: BSD-3-Clause */
/* csv_line.c - the lines of a CSV log, by the full grammar */
#include "csv_line.h"

#include <string.h>
#include <strings.h>

#include "remark.h"
#include "text.h"

#define X 0xff
const uint8_t evcan_csv_base64_[256] = {
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, 62, X, X, X, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X, X, X, X, X, X,
	X, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X, X, X, X, X,
	X, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X
};
#undef X

/* The last second that nanoseconds in 64 bits can tell. */
#define LAST_SECOND 9223372035ll

struct field {
	const char *p, *end;    /* without blanks and quotes around it */
	bool doubled;           /* a quote inside stands for two */
};

/* A line taken apart. */
struct row {
	struct field fields[EVCAN_CSV_FIELDS];
	unsigned n;
	struct evcan_csv_reader_ *reader;
	struct evcan_frame *frame;
	struct evcan_row_ says;
	struct evcan_fault_ *fault;
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

static int
bad(struct evcan_fault_ *fault, const char *at, const char *why)
{
	fault->at = at;
	fault->why = why;
	return -1;
}

/* @return behind the field: at a delimiter or eol; NULL: no end of quotes */
static const char *
get_field(const char *p, const char *eol, char delimiter, struct field *field)
{
	field->doubled = false;
	while (p < eol && is_blank(*p) && *p != delimiter)
		p++;
	field->p = p;
	if (p == eol || *p != '"') {
		while (p < eol && *p != delimiter)
			p++;
		for (field->end = p; field->end > field->p &&
		    is_blank(field->end[-1]); field->end--)
			;
		return p;
	}
	field->p = ++p;
	for (;; p++) {
		if (p == eol)
			return NULL;
		if (*p != '"')
			continue;
		if (p + 1 == eol || p[1] != '"')
			break;
		field->doubled = true;
		p++;
	}
	field->end = p++;
	while (p < eol && is_blank(*p) && *p != delimiter)
		p++;
	return p == eol || *p == delimiter ? p : NULL;
}

/* @return 0, or -1: too many fields, or quotes that do not match */
static int
split(struct row *row, const char *p, const char *eol, char delimiter)
{
	for (row->n = 0; row->n < EVCAN_CSV_FIELDS; p++) {
		p = get_field(p, eol, delimiter, &row->fields[row->n]);
		if (p == NULL)
			return -1;
		row->n++;
		if (p == eol)
			return 0;
	}
	return -1;
}

static bool
field_is(const struct field *field, const char *word)
{
	const size_t len = strlen(word);

	return (size_t)(field->end - field->p) == len &&
	    strncasecmp(field->p, word, len) == 0;
}

/* Headers */

void
evcan_csv_layout_init_(struct evcan_csv_layout_ *layout, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		layout->column[i] = (uint8_t)i;
	layout->fields = n;
	layout->columns = EVCAN_COLUMNS_FIRST(n);
	layout->delimiter = ',';
}

static uint8_t
column_named(const struct field *field)
{
	uint8_t column;

	for (column = 0; column < EVCAN_COLUMNS; column++)
		if (field_is(field, evcan_column_names_[column]))
			break;
	return column;
}

bool
evcan_csv_header_(const char *p, const char *eol,
    struct evcan_csv_layout_ *layout)
{
	static const char delimiters[] = { ',', ';', '\t' };
	struct evcan_csv_layout_ made;
	struct row row;

	for (unsigned d = 0; d < sizeof(delimiters); d++) {
		if (split(&row, p, eol, delimiters[d]) < 0)
			continue;
		made.columns = 0;
		made.fields = row.n;
		made.delimiter = delimiters[d];
		for (unsigned i = 0; i < row.n; i++) {
			const uint8_t column = column_named(&row.fields[i]);

			made.column[i] = column;
			if (EVCAN_COLUMNS_HAVE(made.columns, column))
				made.column[i] = EVCAN_COLUMNS;
			if (column < EVCAN_COLUMNS)
				made.columns |= 1u << column;
		}
		if (!EVCAN_COLUMNS_HAVE(made.columns, EVCAN_COLUMN_TIME) ||
		    !EVCAN_COLUMNS_HAVE(made.columns, EVCAN_COLUMN_ID) ||
		    !EVCAN_COLUMNS_HAVE(made.columns, EVCAN_COLUMN_DATA))
			continue;
		*layout = made;
		return true;
	}
	return false;
}

/* Values of fields: 0 or -1 with row->fault */

/* mantissa times ten to that power, in nanoseconds, to the nearest one */
static int
scale(uint64_t mantissa, int power, int64_t *ns)
{
	uint64_t last = 0;

	for (; power > 0 && mantissa > 0; power--) {
		if (mantissa > INT64_MAX / 10)
			return -1;
		mantissa *= 10;
	}
	for (; power < 0 && mantissa > 0; power++) {
		last = mantissa % 10;
		mantissa /= 10;
	}
	/* The last digit cut off decides, unless zeros follow to cut. */
	mantissa += power == 0 && last >= 5;
	if (mantissa > INT64_MAX)
		return -1;
	*ns = (int64_t)mantissa;
	return 0;
}

static const char *
get_exponent(const char *p, const char *end, int *power)
{
	bool minus = false;
	int value = 0;

	if (p < end && (*p == '-' || *p == '+'))
		minus = *p++ == '-';
	if (p == end || !is_digit(*p))
		return NULL;
	for (; p < end && is_digit(*p); p++)
		value = value < 1000 ? value * 10 + (*p - '0') : value;
	*power += minus ? -value : value;
	return p;
}

/* Any decimal number of seconds, exactly: python's repr() may have up to 17
 * digits and an exponent. @return 0 or -1 */
static int
get_seconds(const char *p, const char *end, char comma, int64_t *ns)
{
	uint64_t mantissa = 0;
	bool minus = false, point = false, any = false;
	int power = 9;

	if (p < end && (*p == '-' || *p == '+'))
		minus = *p++ == '-';
	for (; p < end; p++) {
		if (!point && (*p == '.' || *p == comma)) {
			point = true;
			continue;
		}
		if (!is_digit(*p))
			break;
		any = true;
		if (mantissa <= (UINT64_MAX - 9) / 10) {
			mantissa = mantissa * 10 + (uint64_t)(*p - '0');
			power -= point;
		} else {
			power += !point;
		}
	}
	if (any && p < end && (*p == 'e' || *p == 'E'))
		p = get_exponent(p + 1, end, &power);
	if (!any || p != end || scale(mantissa, power, ns) < 0)
		return -1;
	if (minus)
		*ns = -*ns;
	return 0;
}

/* Keeps a second's text so that the next row with it goes fast. */
static void
keep_second(struct evcan_csv_reader_ *reader, const struct field *field)
{
	const char *p = field->p;
	int64_t sec = 0, ns;

	reader->second.len = 0;
	for (; p < field->end && is_digit(*p) && p - field->p < 10; p++)
		sec = sec * 10 + (*p - '0');
	if (p == field->end || *p != '.' || sec > LAST_SECOND)
		return;
	ns = sec * 1000000000;
	evcan_second_set_(&reader->second, field->p,
	    (size_t)(p - field->p) + 1, ns, evcan_row_clock_(ns));
}

static int
get_time(struct row *row, const struct field *field)
{
	struct evcan_csv_reader_ *reader = row->reader;
	const char comma = reader->layout.delimiter == ',' ? '.' : ',';
	int64_t ns;

	if (get_seconds(field->p, field->end, comma, &ns) < 0)
		return bad(row->fault, field->p, "expected a timestamp in "
		    "seconds before 2262");
	row->frame->time_ns = ns;
	row->frame->clock = evcan_row_clock_(ns);
	keep_second(reader, field);
	return 0;
}

/* Hexadecimal with or without 0x, as python's int(text, 16). */
static int
get_id(struct row *row, const struct field *field)
{
	const char *p = field->p;
	uint32_t id = 0;

	if (field->end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
		p += 2;
	do {
		const uint8_t digit = p < field->end ?
		    evcan_hex_value_[(uint8_t)*p] : 0xff;

		if (digit > 15)
			return bad(row->fault, p, "expected a hexadecimal "
			    "identifier");
		if (id > EVCAN_MAX_EXT_ID >> 4)
			return bad(row->fault, field->p, "the identifier is "
			    "over 29 bits, 0x1fffffff");
		id = id << 4 | digit;
	} while (++p < field->end);
	row->says.id = id;
	return 0;
}

static int
get_bool(struct row *row, const struct field *field, bool *value)
{
	*value = field_is(field, "1") || field_is(field, "true");
	if (*value || field->p == field->end || field_is(field, "0") ||
	    field_is(field, "false"))
		return 0;
	return bad(row->fault, field->p, "expected 0 or 1");
}

static int
get_dlc(struct row *row, const struct field *field)
{
	unsigned dlc = 0;
	const char *p = field->p;

	for (; p < field->end && is_digit(*p) && dlc <= EVCAN_MAX_DATA; p++)
		dlc = dlc * 10 + (unsigned)(*p - '0');
	if (p == field->p || p != field->end || dlc > EVCAN_MAX_DATA)
		return bad(row->fault, field->p, "expected a dlc of 0 to 64");
	row->says.dlc = dlc;
	return 0;
}

static int
get_data(struct row *row, const struct field *field)
{
	const uint8_t *p = (const uint8_t *)field->p;
	const uint8_t *end = (const uint8_t *)field->end;
	uint8_t last[4] = { 'A', 'A', 'A', 'A' }, three[3];
	size_t left, len = 0;

	for (unsigned pad = 0; pad < 2 && end > p && end[-1] == '='; pad++)
		end--;
	left = (size_t)(end - p);
	if (left / 4 * 3 + left % 4 * 3 / 4 > EVCAN_MAX_DATA)
		return bad(row->fault, field->p, "more than 64 bytes of "
		    "data");
	for (; left >= 4; left -= 4, p += 4, len += 3)
		if (!evcan_csv_three_(p, row->frame->data + len))
			break;
	if (left >= 4 || left == 1)
		return bad(row->fault, (const char *)p, "expected data in "
		    "base64");
	memcpy(last, p, left);
	if (!evcan_csv_three_(last, three))
		return bad(row->fault, (const char *)p, "expected data in "
		    "base64");
	if (left > 0)
		memcpy(row->frame->data + len, three, left - 1);
	row->says.len = (unsigned)(len + (left > 0 ? left - 1 : 0));
	return 0;
}

static int
get_direction(struct row *row, const struct field *field)
{
	const size_t len = (size_t)(field->end - field->p);
	int dir = len == 0 ? EVCAN_DIR_RX :
	    evcan_column_direction_(field->p, len);

	if (dir < 0)
		return bad(row->fault, field->p, "expected Rx, Tx or TxRq");
	row->frame->dir = (uint8_t)dir;
	return 0;
}

/* @return the field's length in text, where two quotes are one; 0: too long
 * for a name */
static size_t
unquote(const struct field *field, char text[EVCAN_CHANNEL_NAME_MAX])
{
	size_t len = 0;

	for (const char *p = field->p; p < field->end; p++) {
		if (len == EVCAN_CHANNEL_NAME_MAX)
			return 0;
		text[len++] = *p;
		p += field->doubled && *p == '"';
	}
	return len;
}

static int
get_channel(struct row *row, const struct field *field)
{
	struct evcan_csv_reader_ *reader = row->reader;
	char text[EVCAN_CHANNEL_NAME_MAX];
	const size_t len = unquote(field, text);
	int r;

	if (field->p == field->end || reader->probing)
		return 0;
	row->frame->channel = evcan_near_find_(&reader->names, text, len);
	if (row->frame->channel != EVCAN_CHANNEL_NONE)
		return 0;
	r = evcan_channel_intern_n(text, len);
	if (r > 0) {
		row->frame->channel = (uint16_t)r;
		/* A quote or blank never is a name's first byte on the fast
		 * path. */
		evcan_near_keep_(&reader->names, text, len,
		    memchr(text, ',', len) != NULL || *text == '"' ||
		    is_blank(*text) || is_blank(text[len - 1]) ? '\0' : ',',
		    (uint16_t)r);
		return 0;
	}
	if (r == EVCAN_ERR_INVALID)
		return bad(row->fault, field->p, "that is no channel name");
	if (reader->told)
		return 0;
	reader->told = row->fault->again = true;
	return bad(row->fault, field->p, r == EVCAN_ERR_NOMEM ?
	    "out of memory for a channel name: its frames have none" :
	    "this process knows 65,535 channel names already: frames of "
	    "further ones have none");
}

static int
get_column(struct row *row, unsigned column, const struct field *field)
{
	switch (column) {
	case EVCAN_COLUMN_TIME:
		return get_time(row, field);
	case EVCAN_COLUMN_ID:
		return get_id(row, field);
	case EVCAN_COLUMN_EXT:
		return get_bool(row, field, &row->says.ext);
	case EVCAN_COLUMN_REMOTE:
		return get_bool(row, field, &row->says.remote);
	case EVCAN_COLUMN_ERROR:
		return get_bool(row, field, &row->says.error);
	case EVCAN_COLUMN_DLC:
		return get_dlc(row, field);
	case EVCAN_COLUMN_DATA:
		return get_data(row, field);
	case EVCAN_COLUMN_FD:
		return get_bool(row, field, &row->says.fd);
	case EVCAN_COLUMN_BRS:
		return get_bool(row, field, &row->says.brs);
	case EVCAN_COLUMN_ESI:
		return get_bool(row, field, &row->says.esi);
	case EVCAN_COLUMN_CHANNEL:
		return get_channel(row, field);
	case EVCAN_COLUMN_DIRECTION:
		return get_direction(row, field);
	default:
		return 0;
	}
}

/* Rows */

static int
get_row(struct row *row, const char *eol)
{
	const struct evcan_csv_layout_ *layout = &row->reader->layout;
	struct evcan_frame *frame = row->frame;
	const char *why;

	if (row->n != layout->fields)
		return bad(row->fault, row->n < layout->fields ? eol :
		    row->fields[layout->fields].p, row->n < layout->fields ?
		    "the row has fewer fields than there are columns" :
		    "the row has more fields than there are columns");
	memset(&row->says, 0, sizeof(row->says));
	row->says.columns = layout->columns;
	frame->channel = EVCAN_CHANNEL_NONE;
	frame->dir = EVCAN_DIR_RX;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	for (unsigned i = 0; i < row->n; i++)
		if (get_column(row, layout->column[i], &row->fields[i]) < 0)
			return -1;
	why = evcan_row_frame_(&row->says, frame);
	return why == NULL ? 0 : bad(row->fault, row->fields[0].p, why);
}

bool
evcan_csv_row_(const char *p, const char *eol,
    struct evcan_csv_layout_ *layout)
{
	struct evcan_csv_reader_ probe = { .probing = true };
	struct evcan_fault_ fault;
	struct evcan_frame frame;
	struct row row = { .reader = &probe, .frame = &frame,
	    .fault = &fault };

	if (split(&row, p, eol, ',') < 0 || (row.n != EVCAN_COLUMNS_PYTHON &&
	    row.n != EVCAN_COLUMNS))
		return false;
	evcan_csv_layout_init_(&probe.layout, row.n);
	if (get_row(&row, eol) < 0)
		return false;
	*layout = probe.layout;
	return true;
}

/* Rows are read fast in the two layouts that are written here. */
static void
learn(struct evcan_csv_reader_ *reader)
{
	const struct evcan_csv_layout_ *layout = &reader->layout;

	reader->quick = layout->delimiter == ',' &&
	    (layout->fields == EVCAN_COLUMNS_PYTHON ||
	    layout->fields == EVCAN_COLUMNS) ? layout->fields : 0;
	for (unsigned i = 0; i < layout->fields; i++)
		if (layout->column[i] != i)
			reader->quick = 0;
	reader->second.len = 0;
}

static enum evcan_line_
get_comment(const char *p, const char *eol, struct evcan_decode *out)
{
	struct evcan_remark_ remark;

	if (evcan_remark_get_(p + 1, (size_t)(eol - p) - 1, &remark) &&
	    remark.kind == EVCAN_REMARK_GAP) {
		out->gaps++;
		out->lost += remark.lost;
	}
	return EVCAN_LINE_OTHER;
}

/* The line that comes first: a header, or a row of a log that has none, as
 * python-can appends to a new file. Its reader takes any line for a header. */
static enum evcan_line_
first_line(struct evcan_csv_reader_ *reader, const char *p, const char *eol,
    struct evcan_decode *out)
{
	bool row;

	if (evcan_csv_header_(p, eol, &reader->layout)) {
		learn(reader);
		return EVCAN_LINE_OTHER;
	}
	row = evcan_csv_row_(p, eol, &reader->layout);
	if (!row)
		evcan_csv_layout_init_(&reader->layout,
		    EVCAN_COLUMNS_PYTHON);
	learn(reader);
	if (row || is_digit(*p) || *p == '-')
		return EVCAN_LINE_FRAME;
	out->skipped++;
	return EVCAN_LINE_OTHER;
}

enum evcan_line_
evcan_csv_line_(void *state, const char *p, const char *eol,
    struct evcan_frame *frame, struct evcan_decode *out,
    struct evcan_fault_ *fault)
{
	struct evcan_csv_reader_ *reader = state;
	struct row row = { .reader = reader, .frame = frame,
	    .fault = fault };

	while (p < eol && is_blank(*p))
		p++;
	if (p == eol)
		return EVCAN_LINE_OTHER;
	if (*p == '#')
		return get_comment(p, eol, out);
	if (reader->layout.fields == 0 &&
	    first_line(reader, p, eol, out) == EVCAN_LINE_OTHER)
		return EVCAN_LINE_OTHER;
	if (split(&row, p, eol, reader->layout.delimiter) < 0) {
		bad(fault, p, "quotes that do not match, or more than 64 "
		    "fields");
		return EVCAN_LINE_BAD;
	}
	if (get_row(&row, eol) == 0)
		return EVCAN_LINE_FRAME;
	/* Logs put one behind the other bring headers of their own. */
	if (!fault->again && evcan_csv_header_(p, eol, &reader->layout)) {
		learn(reader);
		return EVCAN_LINE_OTHER;
	}
	if (row.n > 1)
		return EVCAN_LINE_BAD;
	out->skipped++;
	return EVCAN_LINE_OTHER;
}

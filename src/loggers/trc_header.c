/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_header.c - what the comment lines of a TRC file say */
#include "bytes.h"
#include "trc_row.h"

#include <string.h>

#include "remark.h"

/* A start this early is no date: files that do not know it have a 0. */
#define NO_DATE (-2208988800ll * 1000000000)   /* 1900-01-01 */

int
evcan_trc_reader_begin_(struct evcan_trc_reader_ *reader,
    struct evcan_error *err)
{
	reader->clock = EVCAN_CLOCK_RELATIVE;
	if (evcan_zone_parse_(&reader->zone, reader->tz, err) < 0)
		return EVCAN_ERR_INVALID;
	return evcan_channel_map_init_(&reader->map, reader->channels, err);
}

static bool
starts(const char **p, const char *eol, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(eol - *p) < len || memcmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

static void
set_start(struct evcan_trc_reader_ *reader, int64_t ns)
{
	reader->start_ns = ns;
	reader->clock = EVCAN_CLOCK_KERNEL;
	reader->second.len = 0;
}

/* Rows from the last three digits of their seconds on: m decimals, b bus, i
 * identifier, ? direction's letter, l length; all else stands for itself. */
static const char shapes[EVCAN_TRC_VERSIONS][EVCAN_TRC_WORDS * 8] = {
	[EVCAN_TRC_1_1] = "mmm.m  ?x     iiiiiiii  l  ",
	[EVCAN_TRC_1_3] = "mmm.mmm bb ?x    iiiiiiii -  l    ",
	[EVCAN_TRC_2_0] = "mmm.mmm DT iiiiiiii ?x l  ",
	[EVCAN_TRC_2_1] = "mmm.mmm DT bb iiiiiiii ?x -  l    "
};

static uint8_t
place(const char *shape, char letter)
{
	const char *p = strchr(shape, letter);

	return (uint8_t)(p != NULL ? p - shape : 0);
}

static void
set_fast(struct evcan_trc_fast_ *fast, const char *shape)
{
	const size_t len = strlen(shape);
	uint8_t text[EVCAN_TRC_WORDS * 8] = { 0 }, mask[sizeof(text)] = { 0 };

	for (size_t i = 0; i < len; i++)
		if (strchr("mbi?l", shape[i]) == NULL) {
			text[i] = (uint8_t)shape[i];
			mask[i] = 0xff;
		}
	for (unsigned i = 0; i < EVCAN_TRC_WORDS; i++) {
		fast->text[i].key = get_le64(text + 8 * i);
		fast->text[i].mask = get_le64(mask + 8 * i);
	}
	fast->decimals = len == 0 ? 0 : (uint8_t)strspn(shape + 4, "m");
	fast->bus = place(shape, 'b');
	fast->id = place(shape, 'i');
	fast->direction = place(shape, '?');
	fast->length = place(shape, 'l');
	fast->data = (uint8_t)len;
}

/* Up to 8 bytes a length and its code are the same. */
static bool
same_columns(const char *a, const char *b)
{
	for (; *a == *b || ((*a | *b) == 'l' && (*a & *b) == 'L'); a++, b++)
		if (*a == '\0')
			return true;
	return false;
}

void
evcan_trc_use_columns_(struct evcan_trc_reader_ *reader, const char *letters)
{
	memcpy(reader->columns, letters, strlen(letters) + 1);
	set_fast(&reader->fast, "");
	for (int i = 0; i < EVCAN_TRC_VERSIONS; i++)
		if (same_columns(letters, evcan_trc_versions_[i].columns))
			set_fast(&reader->fast, shapes[i]);
	reader->second.len = 0;
}

/* "$FILEVERSION=": a new header begins, also in the middle of a file that was
 * put together of several. */
static void
take_version(struct evcan_trc_reader_ *reader, const char *p, const char *eol)
{
	const char *columns = "";

	while (eol > p && (eol[-1] == ' ' || eol[-1] == '\t'))
		eol--;
	reader->told_version = false;
	for (int i = 0; i < EVCAN_TRC_VERSIONS; i++) {
		const struct evcan_trc_name_ *known = &evcan_trc_versions_[i];

		if ((size_t)(eol - p) != strlen(known->name) ||
		    memcmp(p, known->name, strlen(known->name)) != 0)
			continue;
		reader->told_version = true;
		reader->version = (enum evcan_trc_version_)i;
		columns = known->columns;
	}
	evcan_trc_use_columns_(reader, columns);
	reader->told_start = false;
	reader->start_ns = 0;
	reader->clock = EVCAN_CLOCK_RELATIVE;
}

/* Takes columns as $COLUMNS= names them. @return false: no rows can be made
 * of them */
static bool
set_columns(struct evcan_trc_reader_ *reader, const char *p,
    const char *eol)
{
	char letters[EVCAN_TRC_COLUMNS] = "";
	size_t n = 0;

	for (; p < eol; p++) {
		if (*p == ',' || *p == ' ' || *p == '\t')
			continue;
		if (n == sizeof(letters) - 1 || strchr(letters, *p) != NULL)
			return false;
		letters[n++] = *p;
	}
	if (strchr(letters, 'O') == NULL || strchr(letters, 'I') == NULL ||
	    strpbrk(letters, "lL") == NULL || letters[n - 1] != 'D')
		return false;
	evcan_trc_use_columns_(reader, letters);
	return true;
}

/* @return false: not a number of days */
static bool
take_days(struct evcan_trc_reader_ *reader, const char *p, const char *eol)
{
	int64_t ns;

	if (!evcan_trc_get_days_(&reader->zone, p, eol, &ns))
		return false;
	if (ns < NO_DATE)
		return true;
	set_start(reader, ns);
	reader->told_start = true;
	return true;
}

static void
take_remark(struct evcan_trc_reader_ *reader, const char *p, const char *eol,
    struct evcan_decode *out)
{
	struct evcan_remark_ remark;

	if (!evcan_remark_get_(p, (size_t)(eol - p), &remark))
		return;
	if (remark.kind == EVCAN_REMARK_GAP) {
		out->gaps++;
		out->lost += remark.lost;
	} else if (!reader->probing) {
		evcan_channel_map_learn_(&reader->map, remark.number,
		    remark.name, remark.name_len);
		memset(reader->channel_of, 0, sizeof(reader->channel_of));
	}
}

/* What 1.x has no row for: "evcan event -12 us: text". */
static bool
take_event(const struct evcan_trc_reader_ *reader, const char *p,
    const char *eol, struct evcan_decode *out)
{
	int64_t us = 0;
	bool negative;

	if (!starts(&p, eol, EVCAN_TRC_EVENT))
		return false;
	negative = p < eol && *p == '-';
	for (p += negative; p < eol && *p >= '0' && *p <= '9'; p++)
		if (us < INT64_MAX / 100000)
			us = us * 10 + (*p - '0');
	if (!starts(&p, eol, " us: "))
		return false;
	us = negative ? -us : us;
	if (us < INT64_MIN / 2000 || us > INT64_MAX / 2000)
		return false;
	evcan_decode_set_event(out, reader->start_ns / 2 + us * 1000 +
	    (reader->start_ns - reader->start_ns / 2), p,
	    (size_t)(eol - p));
	return true;
}

bool
evcan_trc_comment_(struct evcan_trc_reader_ *reader, const char *p,
    const char *eol, struct evcan_decode *out, const char **why)
{
	int64_t ns;

	if (starts(&p, eol, "$FILEVERSION=")) {
		take_version(reader, p, eol);
	} else if (starts(&p, eol, "$STARTTIME=")) {
		if (take_days(reader, p, eol))
			return true;
		*why = "the start is no number of days since 1899-12-30";
		return false;
	} else if (starts(&p, eol, "$COLUMNS=")) {
		if (set_columns(reader, p, eol))
			return true;
		*why = "no rows can have these columns";
		return false;
	} else {
		while (p < eol && (*p == ' ' || *p == '\t'))
			p++;
		if (starts(&p, eol, "Start time:")) {
			if (!reader->told_start && evcan_trc_get_date_(
			    &reader->zone, p, eol, &ns))
				set_start(reader, ns);
		} else if (!take_event(reader, p, eol, out)) {
			take_remark(reader, p, eol, out);
		}
	}
	return true;
}

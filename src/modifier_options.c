/* SPDX-License-Identifier: BSD-3-Clause */
/* modifier_options.c - modifiers from option rows and from text */
#include <evcan/modifier.h>

#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/options.h>

#include "quote.h"
#include "text.h"

#define ANY 0xffffffffu

/* What the rows fill. */
struct settings {
	int type;
	int64_t byte, bit, width;
	int byte_order;
	int64_t start, step, min, max;
	int64_t first, last;
	int64_t polynomial, init, xor_out;
	bool reflected;
	const char *data_id;
	bool data_id_first;
	int64_t data_id_counter;
};

#define AT(member) .offset = offsetof(struct settings, member)

static const struct evcan_option rows[] = {
	{ .name = "type", .type = EVCAN_OPTION_CHOICE,
	  .choices = "counter xor sum crc8_j1850 crc8_autosar crc16 crc16_arc"
	  " crc32 crc32_autosar crc",
	  .help = "a counter of sends, or a checksum (crc: any, by its"
	  " polynomial)", .flags = EVCAN_OPTION_REQUIRED, AT(type) },
	{ .name = "byte", .type = EVCAN_OPTION_INT, .max = 63,
	  .help = "first byte of the field, from 0; instead of bit",
	  AT(byte) },
	{ .name = "bit", .type = EVCAN_OPTION_INT, .max = 511,
	  .help = "start bit of the field, as in a DBC file: 8 * byte + bit of"
	  " its lowest bit (byte_order big: of its highest)", AT(bit) },
	{ .name = "width", .type = EVCAN_OPTION_INT, .min = 1, .max = 32,
	  .help = "bits of the field; else 8, or as many as the type has",
	  AT(width) },
	{ .name = "byte_order", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "little", .choices =
	  "little=little_endian=intel big=big_endian=motorola",
	  .help = "which of the field's bytes comes first", AT(byte_order) },
	{ .name = "start", .type = EVCAN_OPTION_INT, .max = UINT32_MAX,
	  .help = "counter: first value; else min", AT(start) },
	{ .name = "step", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 1, .max = UINT32_MAX,
	  .help = "counter: how much more each time", AT(step) },
	{ .name = "min", .type = EVCAN_OPTION_INT, .fallback = "0",
	  .max = UINT32_MAX, .help = "counter: value behind max", AT(min) },
	{ .name = "max", .type = EVCAN_OPTION_INT, .min = 1,
	  .max = UINT32_MAX,
	  .help = "counter: highest value; else all that the field holds",
	  AT(max) },
	{ .name = "first", .type = EVCAN_OPTION_INT, .fallback = "0",
	  .max = 63, .help = "checksum: first byte that is checked, from 0;"
	  " its own field is left out", AT(first) },
	{ .name = "last", .type = EVCAN_OPTION_INT, .max = 63,
	  .help = "checksum: last byte that is checked; else the frame's"
	  " last", AT(last) },
	{ .name = "polynomial", .type = EVCAN_OPTION_INT, .min = 1,
	  .max = UINT32_MAX, .help = "crc: polynomial without its highest"
	  " term, not turned", AT(polynomial) },
	{ .name = "init", .type = EVCAN_OPTION_INT, .max = UINT32_MAX,
	  .help = "checksum: what it begins with; else 0 or the type's",
	  AT(init) },
	{ .name = "xor_out", .type = EVCAN_OPTION_INT, .max = UINT32_MAX,
	  .help = "checksum: what its result is XORed with; else 0 or the"
	  " type's", AT(xor_out) },
	{ .name = "reflected", .type = EVCAN_OPTION_BOOL,
	  .fallback = "false", .help = "crc: bits of input and result are"
	  " turned", AT(reflected) },
	{ .name = "data_id", .type = EVCAN_OPTION_TEXT,
	  .help = "checksum: up to 16 bytes in hex that go in besides the"
	  " frame's, in this order", AT(data_id) },
	{ .name = "data_id_first", .type = EVCAN_OPTION_BOOL,
	  .fallback = "false", .help = "checksum: data_id goes in before the"
	  " frame's bytes, else behind them", AT(data_id_first) },
	{ .name = "data_id_counter", .type = EVCAN_OPTION_INT, .max = 508,
	  .help = "checksum: lowest bit of a counter of 4 bits in the data"
	  " that chooses one byte of data_id", AT(data_id_counter) },
	{ .name = NULL }
};

const struct evcan_option *
evcan_modifier_options(void)
{
	return rows;
}

/* ---- types ---- */

/* In the order of the choices. Width 0: must be given. */
static const struct type {
	const char *name;
	enum evcan_modifier_kind kind;
	uint8_t width;
	bool fixed;              /* no other width will do */
	bool reflected;
	uint32_t polynomial, init, xor_out;
} types[] = {
	{ "counter", EVCAN_MODIFIER_COUNTER, 8, false, false, 0, 0, 0 },
	{ "xor", EVCAN_MODIFIER_XOR, 8, false, false, 0, 0, 0 },
	{ "sum", EVCAN_MODIFIER_SUM, 8, false, false, 0, 0, 0 },
	{ "crc8_j1850", EVCAN_MODIFIER_CRC, 8, true, false, 0x1d, 0xff,
	  0xff },
	{ "crc8_autosar", EVCAN_MODIFIER_CRC, 8, true, false, 0x2f, 0xff,
	  0xff },
	{ "crc16", EVCAN_MODIFIER_CRC, 16, true, false, 0x1021, 0xffff, 0 },
	{ "crc16_arc", EVCAN_MODIFIER_CRC, 16, true, true, 0x8005, 0, 0 },
	{ "crc32", EVCAN_MODIFIER_CRC, 32, true, true, 0x04c11db7, ANY,
	  ANY },
	{ "crc32_autosar", EVCAN_MODIFIER_CRC, 32, true, true, 0xf4acfb13,
	  ANY, ANY },
	{ "crc", EVCAN_MODIFIER_CRC, 0, false, false, 0, 0, 0 },
};

enum { FOR_COUNTER = 1, FOR_CHECKSUM = 2, FOR_CRC = 4 };

static const struct {
	const char *option;
	unsigned types;
	const char *whose;
} belongs[] = {
	{ "start", FOR_COUNTER, "a counter" },
	{ "step", FOR_COUNTER, "a counter" },
	{ "min", FOR_COUNTER, "a counter" },
	{ "max", FOR_COUNTER, "a counter" },
	{ "first", FOR_CHECKSUM, "a checksum" },
	{ "last", FOR_CHECKSUM, "a checksum" },
	{ "init", FOR_CHECKSUM, "a checksum" },
	{ "xor_out", FOR_CHECKSUM, "a checksum" },
	{ "data_id", FOR_CHECKSUM, "a checksum" },
	{ "data_id_first", FOR_CHECKSUM, "a checksum" },
	{ "data_id_counter", FOR_CHECKSUM, "a checksum" },
	{ "polynomial", FOR_CRC, "type crc" },
	{ "reflected", FOR_CRC, "type crc" },
};

static bool
given(const struct evcan_options *options, const char *name)
{
	return evcan_options_get(options, name) != NULL;
}

static int
check_belonging(const struct evcan_options *options, const struct type *type,
    struct evcan_error *err)
{
	const unsigned is = type->kind == EVCAN_MODIFIER_COUNTER ?
	    FOR_COUNTER : type->width == 0 ? FOR_CHECKSUM | FOR_CRC :
	    FOR_CHECKSUM;
	char said[EVCAN_SAID_IN_MAX];

	for (size_t i = 0; i < sizeof(belongs) / sizeof(belongs[0]); i++) {
		const char *const option = belongs[i].option;

		if ((belongs[i].types & is) == 0 && given(options, option))
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "option %s is one of %s, not of type %s%s",
			    option, belongs[i].whose, type->name,
			    evcan_said_in_(said,
			    evcan_options_origin(options, option)));
	}
	return 0;
}

/* ---- from rows ---- */

static int
set_width(struct evcan_modifier *m, const struct evcan_options *options,
    const struct settings *s, const struct type *type,
    struct evcan_error *err)
{
	if (!given(options, "width")) {
		m->width = type->width;
		if (m->width == 0)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "type crc needs a width, in bits");
		return 0;
	}
	m->width = (uint8_t)s->width;
	if (type->fixed && m->width != type->width)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "type %s has a width of %u, not %u", type->name,
		    type->width, m->width);
	return 0;
}

/* byte: a field whose lowest bit is bit 0 of a byte, in either order. */
static int
set_place(struct evcan_modifier *m, const struct evcan_options *options,
    const struct settings *s, struct evcan_error *err)
{
	if (given(options, "byte") == given(options, "bit"))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "where is the field? byte or bit tells, one of them");
	m->big_endian = s->byte_order == 1;
	m->bit = (uint16_t)s->bit;
	if (given(options, "byte"))
		m->bit = (uint16_t)(8 * s->byte +
		    (m->big_endian ? (m->width - 1) % 8 : 0));
	return 0;
}

static int
set_data_id(struct evcan_modifier *m, const char *text,
    struct evcan_error *err)
{
	char quoted[EVCAN_QUOTE_MAX];
	const char *p = text;

	for (;;) {
		uint8_t high, low;

		p += strspn(p, " .");
		if (*p == '\0')
			return 0;
		high = evcan_hex_value_[(unsigned char)p[0]];
		low = evcan_hex_value_[(unsigned char)p[1]];
		if (high > 15 || low > 15 ||
		    m->data_id_len == EVCAN_MODIFIER_ID_MAX)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "option data_id: %s is not up to 16 bytes in hex,"
			    " two digits each, like 23.01",
			    evcan_quote_(quoted, text));
		m->data_id[m->data_id_len++] = (uint8_t)(high << 4 | low);
		p += 2;
	}
}

static int
set_checksum(struct evcan_modifier *m, const struct evcan_options *options,
    const struct settings *s, const struct type *type,
    struct evcan_error *err)
{
	const bool any = type->width == 0;

	if (m->kind == EVCAN_MODIFIER_COUNTER)
		return 0;
	if (any && !given(options, "polynomial"))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "type crc needs a polynomial");
	m->first = (uint8_t)s->first;
	m->last = given(options, "last") ? (uint8_t)s->last :
	    EVCAN_MODIFIER_TO_END;
	m->polynomial = any ? (uint32_t)s->polynomial : type->polynomial;
	m->reflected = any ? s->reflected : type->reflected;
	m->init = given(options, "init") ? (uint32_t)s->init : type->init;
	m->xor_out = given(options, "xor_out") ? (uint32_t)s->xor_out :
	    type->xor_out;
	m->data_id_first = s->data_id_first;
	m->data_id_chosen = given(options, "data_id_counter");
	m->data_id_bit = (uint16_t)s->data_id_counter;
	return s->data_id != NULL ? set_data_id(m, s->data_id, err) : 0;
}

int
evcan_modifier_fill(struct evcan_modifier *modifier,
    const struct evcan_options *options, struct evcan_error *err)
{
	const struct evcan_option *const list = rows;
	const struct type *type;
	struct settings s;
	int r;

	memset(modifier, 0, sizeof(*modifier));
	if ((r = evcan_options_refuse_unknown(options, &list, 1,
	    "a modifier", err)) < 0 ||
	    (r = evcan_options_fill(options, rows, &s, err)) < 0)
		return r;
	type = &types[s.type];
	modifier->kind = type->kind;
	modifier->start = (uint32_t)(given(options, "start") ? s.start :
	    s.min);
	modifier->step = (uint32_t)s.step;
	modifier->min = (uint32_t)s.min;
	modifier->max = (uint32_t)s.max;
	if ((r = check_belonging(options, type, err)) < 0 ||
	    (r = set_width(modifier, options, &s, type, err)) < 0 ||
	    (r = set_place(modifier, options, &s, err)) < 0 ||
	    (r = set_checksum(modifier, options, &s, type, err)) < 0)
		return r;
	return evcan_modifier_prepare(modifier, err);
}

/* ---- from text ---- */

/* More than there are; a store is slow with thousands. */
#define PARTS_MAX 64

static int
set_part(struct evcan_options *options, const char *part,
    struct evcan_error *err)
{
	const size_t before = evcan_options_count(options);
	char quoted[EVCAN_QUOTE_MAX];
	const int r = evcan_options_set_pair(options, part, NULL, err);

	if (r < 0)
		return r;
	if (evcan_options_count(options) == before)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "%s sets what is set already",
		    evcan_quote_(quoted, part));
	if (before > PARTS_MAX)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "more than %d options", PARTS_MAX);
	return 0;
}

/* Splits "type:name=value,name=value" in place into the store. */
static int
split(struct evcan_options *options, char *text, struct evcan_error *err)
{
	char *rest = strchr(text, ':'), *part;
	int r;

	if (rest != NULL)
		*rest++ = '\0';
	r = evcan_options_set(options, "type", text, NULL);
	while (r == 0 && rest != NULL) {
		part = rest;
		if ((rest = strchr(part, ',')) != NULL)
			*rest++ = '\0';
		r = set_part(options, part, err);
	}
	return r;
}

int
evcan_modifier_parse(struct evcan_modifier *modifier, const char *text,
    struct evcan_error *err)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error why = { 0 };
	char *copy = strdup(text), quoted[EVCAN_QUOTE_MAX];
	int r = EVCAN_ERR_NOMEM;

	if (options != NULL && copy != NULL)
		r = split(options, copy, &why);
	if (r == 0)
		r = evcan_modifier_fill(modifier, options, &why);
	if (r < 0)
		evcan_error_set(err, r, 0, "modifier %s: %s",
		    evcan_quote_(quoted, text), why.text[0] ? why.text :
		    "out of memory");
	free(copy);
	evcan_options_free(options);
	return r;
}

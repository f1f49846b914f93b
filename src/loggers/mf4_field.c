/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_field.c - one MDF 4 channel: where its number is and what it means */
#include "mf4.h"

#include <stdlib.h>
#include <string.h>

/* Kinds of channels. */
enum { FIXED = 0, VLSD = 1, VIRTUAL_MASTER = 3, VIRTUAL = 6 };

/* Data types: even numbers up to 4 are little-endian. */
enum { UINT_LE, UINT_BE, INT_LE, INT_BE, REAL_LE, REAL_BE, LATIN1, UTF8 };

#define ALL_INVALID 1u
#define INVALID_BIT 2u

/* Conversions */

enum {
	CC_IDENTITY = 0,
	CC_LINEAR = 1,
	CC_RATIONAL = 2,
	CC_INTERPOLATED = 4,
	CC_TABLE = 5,
	CC_RANGES = 6,
	CC_TEXTS = 7,
	CC_TEXT_RANGES = 8
};

#define VALUES_MAX 768
#define TEXTS_MAX 256

struct conversion {
	unsigned type;
	unsigned value_count, text_count;
	double values[VALUES_MAX];
	uint8_t texts[TEXTS_MAX];   /* what each text means as a number */
};

/* "Rx" and "Tx", or a number. */
static uint8_t
text_value(const char *text)
{
	if (*text >= '0' && *text <= '9')
		return (uint8_t)atoi(text);
	return *text == 'T' || *text == 't';
}

static bool
read_texts(struct evcan_mf4_file_ *file, const struct evcan_mf4_block_ *cc,
    struct conversion *conv)
{
	char text[16];
	uint64_t link;

	for (unsigned i = 0; i < conv->text_count; i++) {
		struct evcan_mf4_block_ block;

		link = evcan_mf4_link_(file, cc, 4 + (uint64_t)i);
		conv->texts[i] = 0;
		if (link == 0)
			continue;
		if (!evcan_mf4_open_(file, link, false, &block))
			return false;
		if (memcmp(block.name, "TX", 3) != 0)
			continue;      /* a conversion in a conversion */
		if (!evcan_mf4_text_(file, link, text, sizeof(text)))
			return false;
		conv->texts[i] = text_value(text);
	}
	return true;
}

static double
get_real(const uint8_t *p)
{
	const uint64_t bits = get_le64(p);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static bool
read_conversion(struct evcan_mf4_file_ *file, uint64_t at,
    struct conversion *conv)
{
	static const uint16_t needs[] = { 0, 2, 6, 0, 2, 2, 3, 0, 0 };
	struct evcan_mf4_block_ cc;
	uint8_t head[24], raw[VALUES_MAX * 8];

	memset(conv, 0, offsetof(struct conversion, values));
	if (at == 0)
		return true;
	if (!evcan_mf4_open_as_(file, at, "CC", &cc) ||
	    !evcan_mf4_body_(file, &cc, 0, head, sizeof(head)))
		return false;
	conv->type = head[0];
	conv->text_count = get_le16(head + 4);
	conv->value_count = get_le16(head + 6);
	if (conv->type == 3 || conv->type > CC_TEXT_RANGES ||
	    conv->value_count < needs[conv->type] ||
	    conv->value_count > VALUES_MAX || conv->text_count > TEXTS_MAX)
		return evcan_mf4_fault_(file, at, "this conversion (type %u "
		    "with %u values) is not supported", conv->type,
		    conv->value_count);
	if (!evcan_mf4_body_(file, &cc, 24, raw, conv->value_count * 8))
		return false;
	for (unsigned i = 0; i < conv->value_count; i++)
		conv->values[i] = get_real(raw + i * 8);
	return read_texts(file, &cc, conv);
}

/* Pairs of key and value. */
static double
look_up(const struct conversion *conv, double x)
{
	const unsigned n = conv->value_count / 2;
	const double *v = conv->values;
	unsigned i = 0;

	while (i + 1 < n && v[2 * i + 2] <= x)
		i++;
	if (x <= v[0] || i + 1 == n)
		return v[2 * i + 1];
	x = (x - v[2 * i]) / (v[2 * i + 2] - v[2 * i]);
	if (conv->type == CC_TABLE)
		return v[2 * i + (x > 0.5 ? 3 : 1)];
	return v[2 * i + 1] + x * (v[2 * i + 3] - v[2 * i + 1]);
}

/* The index of the range (pairs, or triples with a value) with x in it. */
static unsigned
find_range(const struct conversion *conv, double x, unsigned step)
{
	const unsigned n = conv->value_count / step;
	const double *v = conv->values;
	unsigned i = 0;

	while (i < n && !(v[i * step] <= x && x <= v[i * step + step / 2 +
	    step % 2 - 1]))
		i++;
	return i;
}

static double
convert(const struct conversion *conv, double x)
{
	const double *v = conv->values;
	unsigned i = 0;

	switch (conv->type) {
	case CC_LINEAR:
		return v[0] + v[1] * x;
	case CC_RATIONAL:
		return (v[0] * x * x + v[1] * x + v[2]) /
		    (v[3] * x * x + v[4] * x + v[5]);
	case CC_INTERPOLATED:
	case CC_TABLE:
		return look_up(conv, x);
	case CC_RANGES:
		i = find_range(conv, x, 3) * 3;
		return i + 2 < conv->value_count ? v[i + 2] :
		    v[conv->value_count - 1];
	case CC_TEXTS:
		while (i < conv->value_count && v[i] != x)
			i++;
		return i < conv->text_count ? conv->texts[i] : 0;
	case CC_TEXT_RANGES:
		i = find_range(conv, x, 2);
		return i < conv->text_count ? conv->texts[i] : 0;
	default:
		return x;
	}
}

/* Fields */

static uint32_t
whole(double x)
{
	return x >= 0.5 && x < 4294967295.0 ? (uint32_t)(x + 0.5) : 0;
}

static bool
make_table(struct evcan_mf4_file_ *file, const struct conversion *conv,
    struct evcan_mf4_field_ *field)
{
	const bool is_signed = field->type == INT_LE || field->type == INT_BE;

	field->table = malloc(256 * sizeof(*field->table));
	if (field->table == NULL)
		return evcan_mf4_nomem_(file);
	for (int raw = 0; raw < 256; raw++) {
		const bool minus = is_signed && raw >> (field->bits - 1) & 1;
		const int x = minus ? raw - (1 << field->bits) : raw;

		field->table[raw] = whole(convert(conv, x));
	}
	field->slow = true;
	return true;
}

/* The conversion of a number in the record. */
static bool
use_conversion(struct evcan_mf4_file_ *file, uint64_t at,
    struct evcan_mf4_field_ *field)
{
	struct conversion conv;

	if (!read_conversion(file, at, &conv))
		return false;
	if (conv.type == CC_IDENTITY || (conv.type == CC_LINEAR &&
	    conv.values[0] == 0 && conv.values[1] == 1))
		return true;
	if (conv.type == CC_LINEAR && field->bits > 8) {
		field->offset = conv.values[0];
		field->factor = conv.values[1];
		field->scaled = field->slow = true;
		return true;
	}
	if (field->bits <= 8)
		return make_table(file, &conv, field);
	return evcan_mf4_fault_(file, at, "conversion %u of a number of %u "
	    "bits is not supported", conv.type, field->bits);
}

/* No bits in the record: the conversion of the record's number. */
static bool
make_virtual(struct evcan_mf4_file_ *file, uint64_t at,
    struct evcan_mf4_field_ *field)
{
	struct conversion conv;

	if (!read_conversion(file, at, &conv))
		return false;
	field->there = true;
	field->type = UINT_LE;
	if (conv.type == CC_LINEAR && conv.values[1] != 0) {
		field->offset = conv.values[0];
		field->factor = conv.values[1];
		field->scaled = field->slow = field->index = true;
		return true;
	}
	if (conv.type == CC_IDENTITY)
		field->slow = field->index = true;
	else
		field->add = whole(convert(&conv, 0));
	return true;
}

/* "Tx" as text: its first letter tells. */
static bool
make_text(struct evcan_mf4_file_ *file, struct evcan_mf4_field_ *field)
{
	field->table = calloc(256, sizeof(*field->table));
	if (field->table == NULL)
		return evcan_mf4_nomem_(file);
	field->table['T'] = field->table['t'] = 1;
	field->bits = 8;
	field->mask = 0xff;
	field->shift = 0;
	field->slow = true;
	return true;
}

static bool
check_number(struct evcan_mf4_file_ *file, uint64_t at, uint32_t bits,
    struct evcan_mf4_field_ *field)
{
	const bool real = field->type == REAL_LE || field->type == REAL_BE;

	field->big = field->type % 2 == 1;
	if (bits == 0 || bits > 64 || field->shift + bits > 64 ||
	    (field->big && (bits % 8 != 0 || field->shift != 0)) ||
	    (real && (field->shift != 0 || (bits != 32 && bits != 64))))
		return evcan_mf4_fault_(file, at,
		    "a channel of type %u with %u bits from bit %u on is not "
		    "supported", field->type, (unsigned)bits, field->shift);
	field->bits = (uint8_t)bits;
	field->mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
	field->slow = field->big;
	return true;
}

static bool
use_invalid_bit(struct evcan_mf4_file_ *file, uint64_t at, uint32_t bit,
    uint32_t data_bytes, const struct evcan_mf4_group_ *group,
    struct evcan_mf4_field_ *field)
{
	const uint64_t place = (uint64_t)data_bytes * 8 + bit;

	if (place >= (uint64_t)group->record_len * 8)
		return evcan_mf4_fault_(file, at,
		    "this channel's invalidation bit is outside of its "
		    "record");
	field->invalid_bit = (int32_t)place;
	field->slow = true;
	return true;
}

bool
evcan_mf4_field_make_(struct evcan_mf4_file_ *file,
    const struct evcan_mf4_block_ *cn, const struct evcan_mf4_group_ *group,
    uint32_t data_bytes, struct evcan_mf4_field_ *field)
{
	const uint64_t cc = evcan_mf4_link_(file, cn, 4);
	uint32_t bits, flags;
	uint8_t raw[20];

	free(field->table);
	memset(field, 0, sizeof(*field));
	field->invalid_bit = -1;
	if (!evcan_mf4_body_(file, cn, 0, raw, sizeof(raw)))
		return false;
	if (raw[0] == VIRTUAL || raw[0] == VIRTUAL_MASTER)
		return make_virtual(file, cc, field);
	field->type = raw[2];
	field->shift = raw[3] & 7;
	field->at = get_le32(raw + 4) + (raw[3] >> 3);
	bits = get_le32(raw + 8);
	flags = get_le32(raw + 12);
	if ((flags & ALL_INVALID) != 0) {
		field->at = field->shift = 0;
		return true;           /* as if it were not there */
	}
	if ((uint64_t)field->at * 8 + field->shift + bits >
	    (uint64_t)data_bytes * 8)
		return evcan_mf4_fault_(file, cn->at,
		    "this channel is outside of its record of %u bytes",
		    (unsigned)data_bytes);
	field->there = true;
	if ((flags & INVALID_BIT) != 0 && !use_invalid_bit(file, cn->at,
	    get_le32(raw + 16), data_bytes, group, field))
		return false;
	if (raw[0] == FIXED && bits >= 8 && (field->type == LATIN1 ||
	    field->type == UTF8))
		return make_text(file, field);
	if (field->type > REAL_BE && raw[0] != VLSD)
		return true;           /* bytes: only its place counts */
	if (raw[0] == VLSD)
		field->type = UINT_LE; /* an offset, and no conversion */
	if (!check_number(file, cn->at, bits, field))
		return false;
	return raw[0] == VLSD || use_conversion(file, cc, field);
}

/* Getting values */

static double
scale(const struct evcan_mf4_field_ *field, uint64_t raw)
{
	if ((field->type == INT_LE || field->type == INT_BE) &&
	    field->bits < 64 && raw >> (field->bits - 1) & 1)
		raw |= ~field->mask;
	return field->offset + field->factor * (double)(int64_t)raw;
}

static uint64_t
swap(uint64_t raw, unsigned bits)
{
	uint64_t out = 0;

	for (unsigned i = 0; i < bits; i += 8)
		out = out << 8 | (raw >> i & 0xff);
	return out;
}

uint64_t
evcan_mf4_field_slow_(const struct evcan_mf4_field_ *field,
    const uint8_t *record)
{
	const int32_t bit = field->invalid_bit;
	uint64_t raw = get_le64(record + field->at) >> field->shift;

	if (bit >= 0 && (record[bit / 8] >> bit % 8 & 1) != 0)
		return 0;
	if (field->big)
		raw = swap(raw, field->bits);
	raw &= field->mask;
	if (field->table != NULL)
		return field->table[raw & 0xff];
	return field->scaled ? whole(scale(field, raw)) : raw + field->add;
}

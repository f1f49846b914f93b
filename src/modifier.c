/* SPDX-License-Identifier: BSD-3-Clause */
/* modifier.c - counters and checksums: fields of the data, and their values */
#include <evcan/modifier.h>

#include <evcan/error.h>

#include "crc.h"

#define WIDTH_MAX 32
#define NIBBLE 4

static uint32_t
ones(unsigned width)
{
	return UINT32_MAX >> (WIDTH_MAX - width);
}

/* ---- where the field lies ---- */

/* Bytes [first, end), of which [whole, rest) are the field's alone. */
struct place {
	unsigned first, end;
	unsigned whole, rest;
	unsigned shift;      /* from the value to the last byte's bits */
};

static struct place
place_of(const struct evcan_modifier *m)
{
	const unsigned in_byte = m->bit % 8;
	/* Bits of the first byte that come before the field. */
	const unsigned lead = m->big_endian ? 7 - in_byte : in_byte;
	const unsigned bits = lead + m->width, n = (bits + 7) / 8;
	struct place p = { .first = m->bit / 8 };

	p.end = p.first + n;
	p.whole = p.first + (lead > 0);
	p.rest = p.end - (bits % 8 > 0);
	if (p.rest < p.whole)
		p.rest = p.whole;
	p.shift = m->big_endian ? 8 * n - bits : lead;
	return p;
}

/* The bytes from the least significant on; the bits around stay. */
static void
put(const struct evcan_modifier *m, const struct place *p, uint8_t *data,
    uint32_t value)
{
	uint64_t mask = (uint64_t)ones(m->width) << p->shift;
	uint64_t bits = (uint64_t)value << p->shift;

	for (unsigned i = 0; i < p->end - p->first; i++) {
		uint8_t *const at = m->big_endian ? data + p->end - 1 - i :
		    data + p->first + i;

		*at = (uint8_t)((*at & ~mask) | bits);
		mask >>= 8;
		bits >>= 8;
	}
}

/* ---- values ---- */

static uint32_t
highest(const struct evcan_modifier *m)
{
	return m->max != 0 ? m->max : ones(m->width);
}

static uint32_t
count(const struct evcan_modifier *m, uint64_t number)
{
	const uint64_t span = (uint64_t)highest(m) - m->min + 1;
	const uint64_t step = m->step != 0 ? m->step : 1;
	const uint64_t start = m->start - m->min;

	/* Mostly a power of two, which may run over. */
	if ((span & (span - 1)) == 0)
		return m->min + (uint32_t)((start + number * step) &
		    (span - 1));
	return m->min + (uint32_t)((start + number % span * step) % span);
}

static uint32_t
add_xor(const struct evcan_modifier *m, uint32_t sum, const uint8_t *data,
    size_t n)
{
	(void)m;
	for (size_t i = 0; i < n; i++)
		sum ^= data[i];
	return sum;
}

static uint32_t
add_sum(const struct evcan_modifier *m, uint32_t sum, const uint8_t *data,
    size_t n)
{
	(void)m;
	for (size_t i = 0; i < n; i++)
		sum += data[i];
	return sum;
}

static uint32_t
add_crc(const struct evcan_modifier *m, uint32_t reg, const uint8_t *data,
    size_t n)
{
	return evcan_crc_add_(m->table, m->reflected, reg, data, n);
}

static uint32_t
end_xor(const struct evcan_modifier *m, uint32_t sum)
{
	return (m->width == NIBBLE ? sum ^ sum >> NIBBLE : sum) ^ m->xor_out;
}

static uint32_t
end_sum(const struct evcan_modifier *m, uint32_t sum)
{
	return sum ^ m->xor_out;
}

static uint32_t
end_crc(const struct evcan_modifier *m, uint32_t reg)
{
	return evcan_crc_end_(reg, m->width, m->xor_out, m->reflected);
}

static const struct kind {
	uint32_t (*add)(const struct evcan_modifier *m, uint32_t sum,
	    const uint8_t *data, size_t n);
	uint32_t (*end)(const struct evcan_modifier *m, uint32_t sum);
} kinds[] = {
	[EVCAN_MODIFIER_COUNTER] = { NULL, NULL },
	[EVCAN_MODIFIER_XOR] = { add_xor, end_xor },
	[EVCAN_MODIFIER_SUM] = { add_sum, end_sum },
	[EVCAN_MODIFIER_CRC] = { add_crc, end_crc },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint32_t
add_id(const struct evcan_modifier *m, const struct kind *kind, uint32_t sum,
    const uint8_t *data)
{
	unsigned counter;

	if (!m->data_id_chosen)
		return kind->add(m, sum, m->data_id, m->data_id_len);
	counter = data[m->data_id_bit / 8] >> m->data_id_bit % 8 & 0xf;
	return kind->add(m, sum, &m->data_id[counter % m->data_id_len], 1);
}

/* Bytes [from, to), if there are any. */
static uint32_t
add_bytes(const struct evcan_modifier *m, const struct kind *kind,
    uint32_t sum, const uint8_t *data, unsigned from, unsigned to)
{
	return from < to ? kind->add(m, sum, data + from, to - from) : sum;
}

/* The field's bits are zero here. */
static uint32_t
checksum(const struct evcan_modifier *m, const struct place *p,
    const uint8_t *data, unsigned len)
{
	const struct kind *const kind = &kinds[m->kind];
	const unsigned to = m->last < len ? m->last + 1u : len;
	uint32_t sum = m->begin;

	if (m->data_id_len > 0 && m->data_id_first)
		sum = add_id(m, kind, sum, data);
	sum = add_bytes(m, kind, sum, data, m->first,
	    to < p->whole ? to : p->whole);
	sum = add_bytes(m, kind, sum, data,
	    m->first > p->rest ? m->first : p->rest, to);
	if (m->data_id_len > 0 && !m->data_id_first)
		sum = add_id(m, kind, sum, data);
	return kind->end(m, sum) & ones(m->width);
}

void
evcan_modifier_apply(const struct evcan_modifier *modifier,
    struct evcan_frame *frame, uint64_t number)
{
	const unsigned len = frame->len < EVCAN_MAX_DATA ? frame->len :
	    EVCAN_MAX_DATA;
	const struct place place = place_of(modifier);

	if (place.end > len || (modifier->data_id_chosen &&
	    modifier->data_id_bit / 8 >= len))
		return;
	if (modifier->kind == EVCAN_MODIFIER_COUNTER) {
		put(modifier, &place, frame->data, count(modifier, number));
		return;
	}
	put(modifier, &place, frame->data, 0);
	put(modifier, &place, frame->data,
	    checksum(modifier, &place, frame->data, len));
}

/* ---- checks ---- */

static int
check_field(const struct evcan_modifier *m, struct evcan_error *err)
{
	if (m->width < 1 || m->width > WIDTH_MAX)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a field of %u bits; it has 1 to 32", m->width);
	if (m->kind == EVCAN_MODIFIER_XOR && m->width != 8 &&
	    m->width != NIBBLE)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "an XOR of %u bits; it has 8, or 4 (of the nibbles)",
		    m->width);
	if (place_of(m).end > EVCAN_MAX_DATA)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the field of %u bits from bit %u on, %s, ends behind byte"
		    " 63, the last that a frame can have", m->width, m->bit,
		    m->big_endian ? "big-endian" : "little-endian");
	return 0;
}

static int
check_counter(const struct evcan_modifier *m, struct evcan_error *err)
{
	const uint32_t max = highest(m);

	if (max > ones(m->width))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "max %u does not fit into %u bits, which hold up to %u",
		    max, m->width, ones(m->width));
	if (m->min > max || m->start < m->min || m->start > max)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a counter from start %u, back to min %u after max %u:"
		    " min <= start <= max must hold", m->start, m->min, max);
	return 0;
}

/* Something must be checked. */
static int
check_range(const struct evcan_modifier *m, struct evcan_error *err)
{
	const struct place p = place_of(m);

	if (m->last != EVCAN_MODIFIER_TO_END && m->last >= EVCAN_MAX_DATA)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "last byte %u; a frame has bytes 0 to 63", m->last);
	if (m->first >= EVCAN_MAX_DATA || m->first > m->last)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the first byte to check, %u, is behind the last",
		    m->first);
	if (m->first >= p.whole && m->last < p.rest)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bytes %u to %u are the checksum's own: nothing is left to"
		    " check", m->first, m->last);
	return 0;
}

static int
check_id(const struct evcan_modifier *m, struct evcan_error *err)
{
	if (m->data_id_len > EVCAN_MODIFIER_ID_MAX)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a data_id of %u bytes; it has up to %d", m->data_id_len,
		    EVCAN_MODIFIER_ID_MAX);
	if (!m->data_id_chosen)
		return 0;
	if (m->data_id_len == 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a counter chooses a byte of data_id, which has none");
	if (m->data_id_bit >= 8 * EVCAN_MAX_DATA ||
	    m->data_id_bit % 8 > 8 - NIBBLE)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the counter at bit %u, which chooses a byte of data_id,"
		    " must have its 4 bits within one byte of 0 to 63",
		    m->data_id_bit);
	return 0;
}

static int
check_words(const struct evcan_modifier *m, struct evcan_error *err)
{
	const uint32_t most = ones(m->width);

	if (m->init > most || m->xor_out > most)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "init 0x%X and xor_out 0x%X must fit into %u bits",
		    m->init, m->xor_out, m->width);
	if (m->kind != EVCAN_MODIFIER_CRC)
		return 0;
	if (m->polynomial > most)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "polynomial 0x%X has more than the %u bits of its CRC: its"
		    " highest term is left out", m->polynomial, m->width);
	if (m->polynomial % 2 == 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "polynomial 0x%X is even, which none is: write it highest"
		    " term first, not turned (0x1021, not 0x8408)",
		    m->polynomial);
	return 0;
}

int
evcan_modifier_prepare(struct evcan_modifier *modifier,
    struct evcan_error *err)
{
	int r;

	if ((size_t)modifier->kind >= KINDS)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "there is no modifier of kind %d", (int)modifier->kind);
	if ((r = check_field(modifier, err)) < 0)
		return r;
	if (modifier->kind == EVCAN_MODIFIER_COUNTER) {
		/* What only checksums have plays no part. */
		modifier->data_id_chosen = false;
		return check_counter(modifier, err);
	}
	if ((r = check_range(modifier, err)) < 0 ||
	    (r = check_id(modifier, err)) < 0 ||
	    (r = check_words(modifier, err)) < 0)
		return r;
	modifier->begin = modifier->init;
	if (modifier->kind != EVCAN_MODIFIER_CRC)
		return 0;
	modifier->begin = evcan_crc_begin_(modifier->width, modifier->init,
	    modifier->reflected);
	evcan_crc_table_(modifier->table, modifier->width,
	    modifier->polynomial, modifier->reflected);
	return 0;
}

int
evcan_modifier_check(const struct evcan_modifier *modifier, size_t len,
    struct evcan_error *err)
{
	const struct place p = place_of(modifier);
	bool to_end;

	if (p.end > len)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the modifier's field needs byte %u of a frame that has"
		    " %zu", p.end - 1, len);
	if (modifier->kind == EVCAN_MODIFIER_COUNTER)
		return 0;
	to_end = modifier->last == EVCAN_MODIFIER_TO_END;
	if (modifier->first >= len || (!to_end && modifier->last >= len))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the modifier checks bytes from %u to %u of a frame that"
		    " has %zu", modifier->first,
		    to_end ? modifier->first : modifier->last, len);
	if (modifier->data_id_chosen && modifier->data_id_bit / 8 >= len)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the counter that chooses a byte of data_id is in byte %u"
		    " of a frame that has %zu", modifier->data_id_bit / 8,
		    len);
	return 0;
}

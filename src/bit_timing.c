/* SPDX-License-Identifier: BSD-3-Clause */
/* bit_timing.c - classic and FD bit timing: limits, registers, text form */
#include <evcan/bit_timing.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <evcan/error.h>
#include <evcan/options.h>

#include "quote.h"
#include "text.h"

/* Every key that bit timing is written with. */
enum key {
	F_CLOCK, BRP, TSEG1, TSEG2, SJW, NOF_SAMPLES, BTR0, BTR1,
	NOM_BRP, NOM_TSEG1, NOM_TSEG2, NOM_SJW,
	DATA_BRP, DATA_TSEG1, DATA_TSEG2, DATA_SJW,
	KEYS
};

static const struct {
	const char *name;
	int64_t min, max;
} keys[KEYS] = {
	[F_CLOCK] = { "f_clock", 1, UINT32_MAX },
	[BRP] = { "brp", 1, 64 },
	[TSEG1] = { "tseg1", 1, 16 },
	[TSEG2] = { "tseg2", 1, 8 },
	[SJW] = { "sjw", 1, 4 },
	[NOF_SAMPLES] = { "nof_samples", 1, 3 },
	[BTR0] = { "btr0", 0, 0xff },
	[BTR1] = { "btr1", 0, 0xff },
	[NOM_BRP] = { "nom_brp", 1, UINT16_MAX },
	[NOM_TSEG1] = { "nom_tseg1", 0, UINT16_MAX },
	[NOM_TSEG2] = { "nom_tseg2", 0, UINT16_MAX },
	[NOM_SJW] = { "nom_sjw", 0, UINT16_MAX },
	[DATA_BRP] = { "data_brp", 1, UINT16_MAX },
	[DATA_TSEG1] = { "data_tseg1", 0, UINT16_MAX },
	[DATA_TSEG2] = { "data_tseg2", 0, UINT16_MAX },
	[DATA_SJW] = { "data_sjw", 0, UINT16_MAX },
};

/* The three ways to write it, as sets of keys. */
#define BIT(key) (1u << (key))
#define CLASSIC_NEEDS \
	(BIT(F_CLOCK) | BIT(BRP) | BIT(TSEG1) | BIT(TSEG2) | BIT(SJW))
#define CLASSIC (CLASSIC_NEEDS | BIT(NOF_SAMPLES))
#define REGISTERS (BIT(F_CLOCK) | BIT(BTR0) | BIT(BTR1))
#define FD (BIT(F_CLOCK) | (BIT(KEYS) - BIT(NOM_BRP)))

/* Values by key, and the set of keys that are given. */
struct values {
	int64_t of[KEYS];
	unsigned given;
};

static struct values
classic_values(const struct evcan_bit_timing *t)
{
	const struct values values = {
		.of = {
			[F_CLOCK] = t->f_clock, [BRP] = t->brp,
			[TSEG1] = t->tseg1, [TSEG2] = t->tseg2,
			[SJW] = t->sjw, [NOF_SAMPLES] = t->nof_samples,
		},
		.given = CLASSIC,
	};

	return values;
}

static struct values
fd_values(const struct evcan_bit_timing_fd *t)
{
	const struct values values = {
		.of = {
			[F_CLOCK] = t->f_clock, [NOM_BRP] = t->nom_brp,
			[NOM_TSEG1] = t->nom_tseg1,
			[NOM_TSEG2] = t->nom_tseg2, [NOM_SJW] = t->nom_sjw,
			[DATA_BRP] = t->data_brp,
			[DATA_TSEG1] = t->data_tseg1,
			[DATA_TSEG2] = t->data_tseg2,
			[DATA_SJW] = t->data_sjw,
		},
		.given = FD,
	};

	return values;
}

static int
check_ranges(const struct values *values, struct evcan_error *err)
{
	for (int i = 0; i < KEYS; i++) {
		const int64_t value = values->of[i];

		if ((values->given & BIT(i)) == 0)
			continue;
		if (value < keys[i].min || value > keys[i].max)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "bit timing: %s is %lld, but must be from %lld "
			    "to %lld", keys[i].name, (long long)value,
			    (long long)keys[i].min, (long long)keys[i].max);
	}
	return 0;
}

/* What one bit's parts must be to each other. */
static int
check_bit(const struct values *values, enum key tseg1, enum key tseg2,
    enum key sjw, struct evcan_error *err)
{
	const long long s1 = values->of[tseg1], s2 = values->of[tseg2];

	if (values->of[sjw] > s2)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: %s is %lld, but must not be greater than "
		    "%s, %lld", keys[sjw].name, (long long)values->of[sjw],
		    keys[tseg2].name, s2);
	if (2 * (1 + s1) < 1 + s1 + s2)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: the sample point after 1 + %lld of %lld "
		    "quanta (%s, %s) is early, but must be at 50 %% or later",
		    s1, 1 + s1 + s2, keys[tseg1].name, keys[tseg2].name);
	return 0;
}

int
evcan_bit_timing_check(const struct evcan_bit_timing *timing,
    struct evcan_error *err)
{
	const struct values values = classic_values(timing);
	int r = check_ranges(&values, err);

	if (r == 0 && timing->nof_samples == 2)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: nof_samples is 2, but must be 1 or 3");
	return r < 0 ? r : check_bit(&values, TSEG1, TSEG2, SJW, err);
}

int
evcan_bit_timing_fd_check(const struct evcan_bit_timing_fd *timing,
    struct evcan_error *err)
{
	const struct values values = fd_values(timing);
	uint32_t nominal, data;
	int r = check_ranges(&values, err);

	if (r == 0)
		r = check_bit(&values, NOM_TSEG1, NOM_TSEG2, NOM_SJW, err);
	if (r == 0)
		r = check_bit(&values, DATA_TSEG1, DATA_TSEG2, DATA_SJW, err);
	if (r < 0)
		return r;
	nominal = evcan_bit_timing_fd_nominal(timing);
	data = evcan_bit_timing_fd_data(timing);
	if (data < nominal)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: the data bitrate, %lu bit/s, is lower than "
		    "the nominal one, %lu", (unsigned long)data,
		    (unsigned long)nominal);
	return 0;
}

/* Halves go to the even neighbour, as in python's round(). */
static uint32_t
bitrate(uint32_t f_clock, uint32_t brp, uint32_t tseg1, uint32_t tseg2)
{
	const uint64_t quanta = (uint64_t)brp * (1 + tseg1 + tseg2);
	uint64_t whole, rest;

	if (quanta == 0)
		return 0;
	whole = f_clock / quanta;
	rest = 2 * (f_clock % quanta);
	if (rest > quanta || (rest == quanta && (whole & 1) != 0))
		whole++;
	return (uint32_t)whole;
}

uint32_t
evcan_bit_timing_bitrate(const struct evcan_bit_timing *t)
{
	return bitrate(t->f_clock, t->brp, t->tseg1, t->tseg2);
}

uint32_t
evcan_bit_timing_fd_nominal(const struct evcan_bit_timing_fd *t)
{
	return bitrate(t->f_clock, t->nom_brp, t->nom_tseg1, t->nom_tseg2);
}

uint32_t
evcan_bit_timing_fd_data(const struct evcan_bit_timing_fd *t)
{
	return bitrate(t->f_clock, t->data_brp, t->data_tseg1,
	    t->data_tseg2);
}

uint16_t
evcan_bit_timing_btr(const struct evcan_bit_timing *t)
{
	const unsigned btr0 = ((t->sjw - 1u) & 3) << 6 |
	    ((t->brp - 1u) & 0x3f);
	const unsigned btr1 = (t->nof_samples == 3 ? 0x80u : 0) |
	    ((t->tseg2 - 1u) & 7) << 4 | ((t->tseg1 - 1u) & 0xf);

	return (uint16_t)(btr0 << 8 | btr1);
}

int
evcan_bit_timing_from_btr(struct evcan_bit_timing *timing, uint32_t f_clock,
    unsigned btr0, unsigned btr1, struct evcan_error *err)
{
	const struct values values = {
		.of = { [F_CLOCK] = f_clock, [BTR0] = btr0, [BTR1] = btr1 },
		.given = REGISTERS,
	};
	const struct evcan_bit_timing fresh = {
		.f_clock = f_clock,
		.brp = (uint16_t)((btr0 & 0x3f) + 1),
		.sjw = (uint8_t)((btr0 >> 6 & 3) + 1),
		.tseg1 = (uint8_t)((btr1 & 0xf) + 1),
		.tseg2 = (uint8_t)((btr1 >> 4 & 7) + 1),
		.nof_samples = (btr1 & 0x80) != 0 ? 3 : 1,
	};
	int r = check_ranges(&values, err);

	if (r == 0)
		r = evcan_bit_timing_check(&fresh, err);
	if (r == 0)
		*timing = fresh;
	return r;
}

static void
add_keys(struct evcan_words_ *words, unsigned set)
{
	for (int i = 0; i < KEYS; i++)
		if ((set & BIT(i)) != 0)
			evcan_words_add_(words, keys[i].name,
			    strlen(keys[i].name));
}

static int
set_value(struct values *values, const char *name, size_t len,
    const char *text, struct evcan_error *err)
{
	char quoted[EVCAN_QUOTE_MAX];
	struct evcan_words_ words = { 0 };
	int i = 0;

	while (i < KEYS && (strncmp(keys[i].name, name, len) != 0 ||
	    keys[i].name[len] != '\0'))
		i++;
	if (i == KEYS) {
		add_keys(&words, BIT(KEYS) - 1);
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: %s is not one of its keys: %s",
		    evcan_quote_n_(quoted, name, len), words.text);
	}
	if ((values->given & BIT(i)) != 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: %s is given twice", keys[i].name);
	if (evcan_text_get_int_(text, &values->of[i]) < 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: %s is %s, but must be an integer from %lld "
		    "to %lld", keys[i].name, evcan_quote_(quoted, text),
		    (long long)keys[i].min, (long long)keys[i].max);
	values->given |= BIT(i);
	return 0;
}

static int
parse_pair(struct values *values, const char *pair, size_t len,
    struct evcan_error *err)
{
	const char *equals = memchr(pair, '=', len);
	char quoted[EVCAN_QUOTE_MAX], number[40];
	size_t head, rest;

	if (equals == NULL || equals == pair)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "bit timing: %s is not key=value",
		    evcan_quote_n_(quoted, pair, len));
	head = (size_t)(equals - pair);
	rest = len - head - 1;
	/* What does not fit is no number that any key takes. */
	if (rest >= sizeof(number))
		rest = sizeof(number) - 1;
	memcpy(number, equals + 1, rest);
	number[rest] = '\0';
	return set_value(values, pair, head, number, err);
}

static int
parse_pairs(struct values *values, const char *text, struct evcan_error *err)
{
	static const char between[] = " \t\r\n,";

	for (text += strspn(text, between); *text != '\0'; ) {
		const size_t len = strcspn(text, between);
		const int r = parse_pair(values, text, len, err);

		if (r < 0)
			return r;
		text += len;
		text += strspn(text, between);
	}
	return 0;
}

static int
set_json(struct values *values, const char *name, const json_t *value,
    struct evcan_error *err)
{
	char *text = NULL;
	int r;

	if (json_is_string(value))
		return set_value(values, name, strlen(name),
		    json_string_value(value), err);
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for bit timing");
	r = set_value(values, name, strlen(name), text, err);
	free(text);
	return r;
}

static int
parse_json(struct values *values, const char *text, struct evcan_error *err)
{
	json_error_t why;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &why), *value;
	const char *name;
	int r = 0;

	if (json == NULL)
		return evcan_error_set(err,
		    json_error_code(&why) == json_error_out_of_memory ?
		    EVCAN_ERR_NOMEM : EVCAN_ERR_SYNTAX, 0,
		    "bit timing: no JSON object: %s at character %d",
		    evcan_plain_(why.text), why.position);
	json_object_foreach(json, name, value) {
		r = set_json(values, name, value, err);
		if (r < 0)
			break;
	}
	json_decref(json);
	return r;
}

/* Which of the three ways it is, and that it is whole and nothing else. */
static int
check_set(const struct values *values, unsigned *set, struct evcan_error *err)
{
	struct evcan_words_ extra = { 0 }, missing = { 0 };
	unsigned needs;

	if ((values->given & FD & ~BIT(F_CLOCK)) != 0)
		*set = FD;
	else if ((values->given & (BIT(BTR0) | BIT(BTR1))) != 0)
		*set = REGISTERS;
	else
		*set = CLASSIC;
	needs = *set == CLASSIC ? CLASSIC_NEEDS : *set;
	add_keys(&missing, needs & ~values->given);
	add_keys(&extra, values->given & ~*set);
	if (missing.len > 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing lacks %s", missing.text);
	if (extra.len > 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: %s cannot stand beside %s", extra.text,
		    *set == FD ? "nom_ and data_ keys" : "btr0 and btr1");
	return 0;
}

static int
make_classic(struct evcan_timing *timing, const struct values *v,
    struct evcan_error *err)
{
	const struct evcan_bit_timing fresh = {
		.f_clock = (uint32_t)v->of[F_CLOCK],
		.brp = (uint16_t)v->of[BRP],
		.tseg1 = (uint8_t)v->of[TSEG1],
		.tseg2 = (uint8_t)v->of[TSEG2],
		.sjw = (uint8_t)v->of[SJW],
		.nof_samples = (v->given & BIT(NOF_SAMPLES)) != 0 ?
		    (uint8_t)v->of[NOF_SAMPLES] : 1,
	};

	timing->classic = fresh;
	return evcan_bit_timing_check(&fresh, err);
}

static int
make_registers(struct evcan_timing *timing, const struct values *v,
    struct evcan_error *err)
{
	return evcan_bit_timing_from_btr(&timing->classic,
	    (uint32_t)v->of[F_CLOCK], (unsigned)v->of[BTR0],
	    (unsigned)v->of[BTR1], err);
}

static int
make_fd(struct evcan_timing *timing, const struct values *v,
    struct evcan_error *err)
{
	const struct evcan_bit_timing_fd fresh = {
		.f_clock = (uint32_t)v->of[F_CLOCK],
		.nom_brp = (uint16_t)v->of[NOM_BRP],
		.nom_tseg1 = (uint16_t)v->of[NOM_TSEG1],
		.nom_tseg2 = (uint16_t)v->of[NOM_TSEG2],
		.nom_sjw = (uint16_t)v->of[NOM_SJW],
		.data_brp = (uint16_t)v->of[DATA_BRP],
		.data_tseg1 = (uint16_t)v->of[DATA_TSEG1],
		.data_tseg2 = (uint16_t)v->of[DATA_TSEG2],
		.data_sjw = (uint16_t)v->of[DATA_SJW],
	};

	timing->fd = true;
	timing->flexible = fresh;
	return evcan_bit_timing_fd_check(&fresh, err);
}

int
evcan_timing_parse(struct evcan_timing *timing, const char *text,
    struct evcan_error *err)
{
	struct values values = { .given = 0 };
	struct evcan_timing fresh = { .fd = false };
	unsigned set = 0;
	int r;

	text += strspn(text, " \t\r\n");
	r = *text == '{' ? parse_json(&values, text, err) :
	    parse_pairs(&values, text, err);
	if (r == 0)
		r = check_set(&values, &set, err);
	/* Before the narrowing: values must fit the struct's members. */
	if (r == 0)
		r = check_ranges(&values, err);
	if (r == 0)
		r = set == FD ? make_fd(&fresh, &values, err) :
		    set == REGISTERS ? make_registers(&fresh, &values, err) :
		    make_classic(&fresh, &values, err);
	if (r == 0)
		*timing = fresh;
	return r;
}

static unsigned
loose_keys(const struct evcan_options *options)
{
	unsigned given = 0;

	for (int i = 0; i < KEYS; i++)
		if (evcan_options_get(options, keys[i].name) != NULL)
			given |= BIT(i);
	return given;
}

/* `key=value key=value ...` of a set of loose keys; NULL: out of memory. */
static char *
join_text(const struct evcan_options *options, unsigned set)
{
	char *text, *p;
	size_t room = 1;

	for (int i = 0; i < KEYS; i++)
		if ((set & BIT(i)) != 0)
			room += strlen(keys[i].name) + 2 + strlen(
			    evcan_options_get(options, keys[i].name));
	text = p = malloc(room);
	if (text == NULL)
		return NULL;
	for (int i = 0; i < KEYS; i++) {
		if ((set & BIT(i)) == 0)
			continue;
		if (p != text)
			*p++ = ' ';
		p = stpcpy(p, keys[i].name);
		*p++ = '=';
		p = stpcpy(p, evcan_options_get(options, keys[i].name));
	}
	*p = '\0';
	return text;
}

static int
join(struct evcan_options *options, unsigned set, struct evcan_error *err)
{
	struct evcan_timing timing;
	char *text = join_text(options, set);
	int r = EVCAN_ERR_NOMEM;

	if (text != NULL)
		r = evcan_timing_parse(&timing, text, err);
	if (r == 0)
		r = evcan_options_set(options, "timing", text,
		    evcan_options_origin(options, keys[F_CLOCK].name));
	free(text);
	if (r == EVCAN_ERR_NOMEM)
		evcan_error_set(err, r, 0, "out of memory for bit timing");
	if (r < 0)
		return r;
	for (int i = 0; i < KEYS; i++)
		if ((set & BIT(i)) != 0)
			evcan_options_unset(options, keys[i].name);
	return 1;
}

int
evcan_timing_join(struct evcan_options *options, struct evcan_error *err)
{
	static const unsigned sets[] = { FD, CLASSIC, REGISTERS };
	const unsigned given = loose_keys(options);

	if (evcan_options_get(options, "timing") != NULL)
		return 0;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if ((given & sets[i]) == sets[i])
			return join(options, sets[i], err);
	return 0;
}

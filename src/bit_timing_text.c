/* SPDX-License-Identifier: BSD-3-Clause */
/* bit_timing_text.c - bit timing from and to text, and from loose options */
#include "bit_timing_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <evcan/error.h>
#include <evcan/options.h>

#include "quote.h"
#include "text.h"

static const struct range *const keys = evcan_timing_keys_;

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
		r = evcan_timing_check_ranges_(&values, err);
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

/* A number with its digits in groups of three. */
static char *
put_grouped(char *p, uint32_t value)
{
	if (value >= 1000) {
		p = put_grouped(p, value / 1000);
		return p + sprintf(p, "_%03u", (unsigned)(value % 1000));
	}
	return p + sprintf(p, "%u", (unsigned)value);
}

/* "BR: 500_000 bit/s, SP: 87.50%, ", with a letter before each name. */
static char *
put_rate(char *p, const char *letter, uint32_t bitrate, uint32_t tseg1,
    uint32_t quanta)
{
	const unsigned point = (unsigned)evcan_divide_(
	    (uint64_t)10000 * (1 + tseg1), quanta);

	p = put_grouped(p + sprintf(p, "%sBR: ", letter), bitrate);
	return p + sprintf(p, " bit/s, %sSP: %u.%02u%%, ", letter,
	    point / 100, point % 100);
}

static char *
put_bit(char *p, const char *letter, unsigned brp, unsigned tseg1,
    unsigned tseg2, unsigned sjw)
{
	return p + sprintf(p, "%sBRP: %u, %sTSEG1: %u, %sTSEG2: %u, %sSJW: "
	    "%u, ", letter, brp, letter, tseg1, letter, tseg2, letter, sjw);
}

static char *
print_classic(char *p, const struct evcan_bit_timing *t)
{
	p = put_rate(p, "", evcan_bit_timing_bitrate(t), t->tseg1,
	    evcan_bit_timing_nbt(t));
	p = put_bit(p, "", t->brp, t->tseg1, t->tseg2, t->sjw);
	return p + sprintf(p, "BTR: %04Xh, ",
	    (unsigned)evcan_bit_timing_btr(t));
}

static char *
print_fd(char *p, const struct evcan_bit_timing_fd *t)
{
	p = put_rate(p, "N", evcan_bit_timing_fd_nominal(t), t->nom_tseg1,
	    evcan_bit_timing_fd_nbt(t));
	p = put_bit(p, "N", t->nom_brp, t->nom_tseg1, t->nom_tseg2,
	    t->nom_sjw);
	p = put_rate(p, "D", evcan_bit_timing_fd_data(t), t->data_tseg1,
	    evcan_bit_timing_fd_dbt(t));
	return put_bit(p, "D", t->data_brp, t->data_tseg1, t->data_tseg2,
	    t->data_sjw);
}

int
evcan_timing_print(const struct evcan_timing *timing, char *buf, size_t size)
{
	const uint32_t f_clock = timing->fd ? timing->flexible.f_clock :
	    timing->classic.f_clock;
	char *p;

	if (size < EVCAN_TIMING_TEXT_MAX)
		return EVCAN_ERR_FULL;
	p = timing->fd ? print_fd(buf, &timing->flexible) :
	    print_classic(buf, &timing->classic);
	p += sprintf(p, "CLK: %uMHz",
	    (unsigned)evcan_divide_(f_clock, 1000000));
	return (int)(p - buf);
}

int
evcan_timing_format(const struct evcan_timing *timing, char *buf, size_t size)
{
	const struct values values = evcan_timing_values_(timing);
	char *p = buf;

	if (size < EVCAN_TIMING_TEXT_MAX)
		return EVCAN_ERR_FULL;
	for (int i = 0; i < KEYS; i++)
		if ((values.given & BIT(i)) != 0)
			p += sprintf(p, "%s%s=%lld", p == buf ? "" : " ",
			    keys[i].name, (long long)values.of[i]);
	return (int)(p - buf);
}

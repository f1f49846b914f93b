/* SPDX-License-Identifier: BSD-3-Clause */
/* bit_timing.c - classic and FD bit timing: limits, values, registers */
#include "bit_timing_internal.h"

#include <evcan/error.h>

/* What a transceiver adds to the way there and back, per metre. */
#define NS_PER_METRE 5

const struct range evcan_timing_keys_[KEYS] = {
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

/* Names of what is not a key but has strict limits too. */
static const char quanta_text[] = "the number of quanta in a bit";
static const char nominal_text[] = "the number of quanta in a nominal bit";
static const char data_text[] = "the number of quanta in a data bit";
static const char bitrate_text[] = "the bitrate";

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
			[NOM_TSEG2] = t->nom_tseg2,
			[NOM_SJW] = t->nom_sjw,
			[DATA_BRP] = t->data_brp,
			[DATA_TSEG1] = t->data_tseg1,
			[DATA_TSEG2] = t->data_tseg2,
			[DATA_SJW] = t->data_sjw,
		},
		.given = FD,
	};

	return values;
}

struct values
evcan_timing_values_(const struct evcan_timing *timing)
{
	return timing->fd ? fd_values(&timing->flexible) :
	    classic_values(&timing->classic);
}

int
evcan_timing_check_ranges_(const struct values *values,
    struct evcan_error *err)
{
	for (int i = 0; i < KEYS; i++) {
		const struct range *key = &evcan_timing_keys_[i];
		const int64_t value = values->of[i];

		if ((values->given & BIT(i)) == 0)
			continue;
		if (value < key->min || value > key->max)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "bit timing: %s is %lld, but must be from %lld "
			    "to %lld", key->name, (long long)value,
			    (long long)key->min, (long long)key->max);
	}
	return 0;
}

/* What one bit's parts must be to each other: tseg2 and sjw follow tseg1 in
 * the table of keys. */
static int
check_bit(const struct values *values,
    enum key tseg1, struct evcan_error *err)
{
	const struct range *key = &evcan_timing_keys_[tseg1];
	const long long s1 = values->of[tseg1], s2 = values->of[tseg1 + 1];
	const long long sjw = values->of[tseg1 + 2];

	if (sjw > s2)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: %s is %lld, but must not be greater than "
		    "%s, %lld", key[2].name, sjw, key[1].name, s2);
	if (2 * (1 + s1) < 1 + s1 + s2)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: the sample point after 1 + %lld of %lld "
		    "quanta (%s, %s) is early, but must be at 50 %% or later",
		    s1, 1 + s1 + s2, key[0].name, key[1].name);
	return 0;
}

int
evcan_bit_timing_check(const struct evcan_bit_timing *timing,
    struct evcan_error *err)
{
	const struct values values = classic_values(timing);
	int r = evcan_timing_check_ranges_(&values, err);

	if (r == 0 && timing->nof_samples == 2)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: nof_samples is 2, but must be 1 or 3");
	return r < 0 ? r : check_bit(&values, TSEG1, err);
}

int
evcan_bit_timing_fd_check(const struct evcan_bit_timing_fd *timing,
    struct evcan_error *err)
{
	const struct values values = fd_values(timing);
	uint32_t nominal, data;
	int r = evcan_timing_check_ranges_(&values, err);

	if (r == 0)
		r = check_bit(&values, NOM_TSEG1, err);
	if (r == 0)
		r = check_bit(&values, DATA_TSEG1, err);
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

/* A value and the limits that it has in strict timing. */
struct strict {
	const char *name;
	uint32_t value, min, max;
};

static int
check_strict(const struct strict *rows, size_t n, struct evcan_error *err)
{
	for (; n > 0; rows++, n--)
		if (rows->value < rows->min || rows->value > rows->max)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "bit timing: %s is %lu, but must be from %lu to "
			    "%lu, which every controller can do", rows->name,
			    (unsigned long)rows->value,
			    (unsigned long)rows->min,
			    (unsigned long)rows->max);
	return 0;
}

int
evcan_bit_timing_check_strict(const struct evcan_bit_timing *t,
    struct evcan_error *err)
{
	const struct strict rows[] = {
		{ quanta_text, evcan_bit_timing_nbt(t), 8, 25 },
		{ "brp", t->brp, 1, 32 },
		{ bitrate_text, evcan_bit_timing_bitrate(t), 5000, 1000000 },
	};
	const int r = evcan_bit_timing_check(t, err);

	return r < 0 ? r :
	    check_strict(rows, sizeof(rows) / sizeof(rows[0]), err);
}

int
evcan_bit_timing_fd_check_strict(const struct evcan_bit_timing_fd *t,
    struct evcan_error *err)
{
	/* Two prescalers: a controller need not have long segments too. */
	const uint32_t scale = t->nom_brp == t->data_brp ? 2 : 1;
	const struct strict rows[] = {
		{ nominal_text, evcan_bit_timing_fd_nbt(t), 8, 80 },
		{ data_text, evcan_bit_timing_fd_dbt(t), 5, 25 },
		{ "data_tseg1", t->data_tseg1, 1, 16 },
		{ "data_tseg2", t->data_tseg2, 2, 8 },
		{ "data_sjw", t->data_sjw, 1, 8 },
		{ "nom_tseg1", t->nom_tseg1, 2, 64 * scale },
		{ "nom_tseg2", t->nom_tseg2, 2, 16 * scale },
		{ "nom_sjw", t->nom_sjw, 1, 16 * scale },
	};
	const int r = evcan_bit_timing_fd_check(t, err);

	return r < 0 ? r :
	    check_strict(rows, sizeof(rows) / sizeof(rows[0]), err);
}

uint64_t
evcan_divide_(uint64_t dividend, uint64_t divisor)
{
	const uint64_t whole = dividend / divisor;
	const uint64_t rest = dividend % divisor;

	if (rest > divisor - rest ||
	    (rest == divisor - rest && (whole & 1) != 0))
		return whole + 1;
	return whole;
}

uint64_t
evcan_nearest_(double number)
{
	const uint64_t whole = (uint64_t)number;
	const double rest = number - (double)whole;

	return whole + (rest > 0.5 || (rest == 0.5 && (whole & 1) != 0));
}

static uint32_t
bitrate(uint32_t f_clock, uint32_t brp, uint32_t quanta)
{
	return brp == 0 ? 0 :
	    (uint32_t)evcan_divide_(f_clock, (uint64_t)brp * quanta);
}

/* In this order of operations it is python-can's floating point, exactly. */
static uint64_t
quantum(uint32_t f_clock, uint32_t brp)
{
	const double seconds = f_clock == 0 ? 0 : (double)brp / f_clock;

	return evcan_nearest_(seconds * 1e9);
}

static double
sample_point(uint32_t tseg1, uint32_t quanta)
{
	return 100.0 * (1 + tseg1) / quanta;
}

uint32_t
evcan_bit_timing_nbt(const struct evcan_bit_timing *t)
{
	return 1u + t->tseg1 + t->tseg2;
}

uint32_t
evcan_bit_timing_fd_nbt(const struct evcan_bit_timing_fd *t)
{
	return 1u + t->nom_tseg1 + t->nom_tseg2;
}

uint32_t
evcan_bit_timing_fd_dbt(const struct evcan_bit_timing_fd *t)
{
	return 1u + t->data_tseg1 + t->data_tseg2;
}

uint32_t
evcan_bit_timing_bitrate(const struct evcan_bit_timing *t)
{
	return bitrate(t->f_clock, t->brp, evcan_bit_timing_nbt(t));
}

uint32_t
evcan_bit_timing_fd_nominal(const struct evcan_bit_timing_fd *t)
{
	return bitrate(t->f_clock, t->nom_brp, evcan_bit_timing_fd_nbt(t));
}

uint32_t
evcan_bit_timing_fd_data(const struct evcan_bit_timing_fd *t)
{
	return bitrate(t->f_clock, t->data_brp, evcan_bit_timing_fd_dbt(t));
}

uint64_t
evcan_bit_timing_tq(const struct evcan_bit_timing *t)
{
	return quantum(t->f_clock, t->brp);
}

uint64_t
evcan_bit_timing_fd_nom_tq(const struct evcan_bit_timing_fd *t)
{
	return quantum(t->f_clock, t->nom_brp);
}

uint64_t
evcan_bit_timing_fd_data_tq(const struct evcan_bit_timing_fd *t)
{
	return quantum(t->f_clock, t->data_brp);
}

double
evcan_bit_timing_sample_point(const struct evcan_bit_timing *t)
{
	return sample_point(t->tseg1, evcan_bit_timing_nbt(t));
}

double
evcan_bit_timing_fd_nom_sample_point(const struct evcan_bit_timing_fd *t)
{
	return sample_point(t->nom_tseg1, evcan_bit_timing_fd_nbt(t));
}

double
evcan_bit_timing_fd_data_sample_point(const struct evcan_bit_timing_fd *t)
{
	return sample_point(t->data_tseg1, evcan_bit_timing_fd_dbt(t));
}

static double
least(double a, double b)
{
	return b < a ? b : a;
}

/* Quanta, rounded up, that a signal takes to the other end and back. */
static double
propagation(uint64_t tq, double delay_ns, double metres)
{
	const double ns = 2 * (delay_ns + NS_PER_METRE * metres);
	double quanta, whole;

	/* More than any segment has is enough. */
	if (tq == 0 || !(ns / (double)tq < 1e9))
		return 1e9;
	quanta = ns / (double)tq;
	whole = (double)(int64_t)quanta;
	return whole < quanta ? whole + 1 : whole;
}

/* What both kinds of timing demand of the nominal bit. */
static double
nominal_tolerance(double sjw, double nbt, double phase1, double phase2)
{
	return least(sjw / (20 * nbt),
	    least(phase1, phase2) / (2 * (13 * nbt - phase2)));
}

double
evcan_bit_timing_oscillator_tolerance(const struct evcan_bit_timing *t,
    double node_loop_delay_ns, double bus_length_m)
{
	const double phase1 = t->tseg1 - propagation(evcan_bit_timing_tq(t),
	    node_loop_delay_ns, bus_length_m);
	const double least_part = nominal_tolerance(t->sjw,
	    evcan_bit_timing_nbt(t), phase1, t->tseg2);

	return least_part > 0 ? least_part * 100 : 0;
}

double
evcan_bit_timing_fd_oscillator_tolerance(const struct evcan_bit_timing_fd *t,
    double node_loop_delay_ns, double bus_length_m)
{
	const double nbt = evcan_bit_timing_fd_nbt(t);
	const double dbt = evcan_bit_timing_fd_dbt(t);
	const double nom_brp = t->nom_brp, data_brp = t->data_brp;
	const double phase1 = t->nom_tseg1 - propagation(
	    evcan_bit_timing_fd_nom_tq(t), node_loop_delay_ns, bus_length_m);
	const double phase2 = t->nom_tseg2, data_phase2 = t->data_tseg2;
	/* By how much the change of the bitrate may move an edge. */
	const double shift = nom_brp > data_brp ? nom_brp / data_brp - 1 : 0;
	double part = nominal_tolerance(t->nom_sjw, nbt, phase1, phase2);

	part = least(part, t->data_sjw / (20 * dbt));
	part = least(part, least(phase1, phase2) / (2 * ((6 * dbt -
	    data_phase2) * data_brp / nom_brp + 7 * nbt)));
	part = least(part, (t->data_sjw - shift) / (2 * ((2 * nbt - phase2) *
	    nom_brp / data_brp + data_phase2 + 4 * dbt)));
	return part > 0 ? part * 100 : 0;
}

bool
evcan_bit_timing_equal(const struct evcan_bit_timing *a,
    const struct evcan_bit_timing *b)
{
	return a->f_clock == b->f_clock && a->brp == b->brp &&
	    a->tseg1 == b->tseg1 && a->tseg2 == b->tseg2 &&
	    a->sjw == b->sjw && a->nof_samples == b->nof_samples;
}

bool
evcan_bit_timing_fd_equal(const struct evcan_bit_timing_fd *a,
    const struct evcan_bit_timing_fd *b)
{
	return a->f_clock == b->f_clock &&
	    a->nom_brp == b->nom_brp && a->nom_tseg1 == b->nom_tseg1 &&
	    a->nom_tseg2 == b->nom_tseg2 && a->nom_sjw == b->nom_sjw &&
	    a->data_brp == b->data_brp && a->data_tseg1 == b->data_tseg1 &&
	    a->data_tseg2 == b->data_tseg2 && a->data_sjw == b->data_sjw;
}

bool
evcan_timing_equal(const struct evcan_timing *a, const struct evcan_timing *b)
{
	if (a->fd != b->fd)
		return false;
	return a->fd ? evcan_bit_timing_fd_equal(&a->flexible, &b->flexible) :
	    evcan_bit_timing_equal(&a->classic, &b->classic);
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
		.of = {
			[F_CLOCK] = f_clock, [BTR0] = btr0, [BTR1] = btr1,
		},
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
	int r = evcan_timing_check_ranges_(&values, err);

	if (r == 0)
		r = evcan_bit_timing_check(&fresh, err);
	if (r == 0)
		*timing = fresh;
	return r;
}

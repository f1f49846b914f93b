/* SPDX-License-Identifier: BSD-3-Clause */
/* bit_timing_solve.c - timing for a bitrate, chosen as python-can chooses
 *
 * Sample points are computed in double, in python-can's order of operations:
 * which of two equally good ones is taken must not depend on rounding.
 */
#include "bit_timing_internal.h"

#include <string.h>

#include <evcan/error.h>

/* What is tried for one kind of bit. Quanta that strict timing cannot have
 * are left out at once. */
struct rule {
	uint16_t brp_max, quanta_min, quanta_max, tseg2_min, sjw_max;
};

static const struct rule classic_rule = { 64, 8, 25, 1, 4 };
static const struct rule nominal_rule = { 256, 8, 80, 2, 128 };
static const struct rule data_rule = { 256, 5, 25, 2, 16 };

#define BRP_MAX 256

int
evcan_bit_wish_check_(const char *which, uint32_t bitrate,
    double sample_point, struct evcan_error *err)
{
	if (bitrate == 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: %sbitrate is 0, but must be from 1 to "
		    "4294967295", which);
	if (!(sample_point >= 50 && sample_point <= 100))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: %ssample_point must be from 50 to 100 "
		    "percent", which);
	return 0;
}

/* The bit that a prescaler gives. @return false if it gives none */
static bool
fit(const struct rule *rule, uint32_t f_clock, uint32_t bitrate,
    double sample_point, uint32_t brp, struct evcan_bit_segments *bit)
{
	const uint64_t quanta = f_clock / ((uint64_t)bitrate * brp);
	const double part = sample_point / 100;
	uint32_t tseg1, tseg1_max;

	if (quanta < rule->quanta_min || quanta > rule->quanta_max ||
	    !evcan_bitrate_near_(f_clock, quanta * brp, bitrate))
		return false;
	tseg1 = (uint32_t)evcan_nearest_(part * (double)quanta) - 1;
	tseg1_max = (uint32_t)quanta - 1 - rule->tseg2_min;
	if (tseg1 > tseg1_max)
		tseg1 = tseg1_max;
	bit->brp = (uint16_t)brp;
	bit->tseg1 = (uint16_t)tseg1;
	bit->tseg2 = (uint16_t)(quanta - 1 - tseg1);
	bit->sjw = bit->tseg2 < rule->sjw_max ? bit->tseg2 : rule->sjw_max;
	return true;
}

/* All of them. @return how many */
static size_t
fit_all(const struct rule *rule, uint32_t f_clock, uint32_t bitrate,
    double sample_point, struct evcan_bit_segments bits[BRP_MAX])
{
	size_t n = 0;

	for (uint32_t brp = 1; brp <= rule->brp_max; brp++)
		if (fit(rule, f_clock, bitrate, sample_point, brp, &bits[n]))
			n++;
	return n;
}

/* Of a brp found by division. */
static int
check_brp(const char *name, uint64_t brp, struct evcan_error *err)
{
	if (brp >= 1 && brp <= UINT16_MAX)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "bit timing: %s would be %llu with these segments, but must be "
	    "from 1 to 65535", name, (unsigned long long)brp);
}

/* The prescaler for a number of quanta; 0 if there is no sense in it. */
static uint64_t
prescaler(uint32_t f_clock, uint32_t bitrate, uint32_t quanta)
{
	return bitrate == 0 ? 0 :
	    evcan_divide_(f_clock, (uint64_t)bitrate * quanta);
}

/* What came out is a whole number of bit/s, and so is what it is held
 * against. */
static int
check_bitrate(const char *which, uint32_t wanted, uint32_t got,
    struct evcan_error *err)
{
	const uint64_t off = wanted < got ? got - wanted : wanted - got;

	if (off * 256 <= wanted)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "bit timing: with "
	    "these segments the %sbitrate is %lu, but must be within 1/256 "
	    "of %lu", which, (unsigned long)got, (unsigned long)wanted);
}

int
evcan_bit_timing_from_bitrate_and_segments(struct evcan_bit_timing *timing,
    uint32_t bitrate, bool strict, struct evcan_error *err)
{
	struct evcan_bit_timing fresh = *timing;
	const uint64_t brp = prescaler(fresh.f_clock, bitrate,
	    evcan_bit_timing_nbt(&fresh));
	int r = evcan_bit_wish_check_("", bitrate, 50, err);

	if (r == 0)
		r = check_brp("brp", brp, err);
	if (r < 0)
		return r;
	fresh.brp = (uint16_t)brp;
	r = strict ? evcan_bit_timing_check_strict(&fresh, err) :
	    evcan_bit_timing_check(&fresh, err);
	if (r == 0)
		r = check_bitrate("", bitrate,
		    evcan_bit_timing_bitrate(&fresh), err);
	if (r == 0)
		*timing = fresh;
	return r;
}

int
evcan_bit_timing_fd_from_bitrate_and_segments(struct evcan_bit_timing_fd *t,
    uint32_t nom_bitrate, uint32_t data_bitrate, bool strict,
    struct evcan_error *err)
{
	struct evcan_bit_timing_fd fresh = *t;
	const uint64_t nom_brp = prescaler(fresh.f_clock, nom_bitrate,
	    evcan_bit_timing_fd_nbt(&fresh));
	const uint64_t data_brp = prescaler(fresh.f_clock, data_bitrate,
	    evcan_bit_timing_fd_dbt(&fresh));
	int r = evcan_bit_wish_check_("nom_", nom_bitrate, 50, err);

	if (r == 0)
		r = evcan_bit_wish_check_("data_", data_bitrate, 50, err);
	if (r == 0)
		r = check_brp("nom_brp", nom_brp, err);
	if (r == 0)
		r = check_brp("data_brp", data_brp, err);
	if (r < 0)
		return r;
	fresh.nom_brp = (uint16_t)nom_brp;
	fresh.data_brp = (uint16_t)data_brp;
	r = strict ? evcan_bit_timing_fd_check_strict(&fresh, err) :
	    evcan_bit_timing_fd_check(&fresh, err);
	if (r == 0)
		r = check_bitrate("nom_", nom_bitrate,
		    evcan_bit_timing_fd_nominal(&fresh), err);
	if (r == 0)
		r = check_bitrate("data_", data_bitrate,
		    evcan_bit_timing_fd_data(&fresh), err);
	if (r == 0)
		*t = fresh;
	return r;
}

int
evcan_bit_timing_iterate_from_sample_point(struct evcan_bit_timing *list,
    size_t max, uint32_t f_clock, uint32_t bitrate, double sample_point,
    struct evcan_error *err)
{
	struct evcan_bit_segments bits[BRP_MAX];
	const int r = evcan_bit_wish_check_("", bitrate, sample_point, err);
	size_t n, found = 0;

	if (r < 0)
		return r;
	n = fit_all(&classic_rule, f_clock, bitrate, sample_point, bits);
	for (size_t i = 0; i < n; i++) {
		const struct evcan_bit_timing t = {
			.f_clock = f_clock,
			.brp = bits[i].brp,
			.tseg1 = (uint8_t)bits[i].tseg1,
			.tseg2 = (uint8_t)bits[i].tseg2,
			.sjw = (uint8_t)bits[i].sjw,
			.nof_samples = 1,
		};

		if (evcan_bit_timing_check_strict(&t, NULL) < 0)
			continue;
		if (found < max)
			list[found] = t;
		found++;
	}
	return (int)found;
}

int
evcan_bit_timing_from_sample_point(struct evcan_bit_timing *timing,
    uint32_t f_clock, uint32_t bitrate, double sample_point,
    struct evcan_error *err)
{
	struct evcan_bit_timing list[BRP_MAX];
	const int n = evcan_bit_timing_iterate_from_sample_point(list,
	    BRP_MAX, f_clock, bitrate, sample_point, err);
	int best = 0;

	if (n < 0)
		return n;
	if (n == 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: a clock of %lu Hz gives no %lu bit/s, within "
		    "1/256, that every controller can do",
		    (unsigned long)f_clock, (unsigned long)bitrate);
	for (int i = 1; i < n; i++)
		if (evcan_apart_(evcan_bit_timing_sample_point(&list[i]),
		    sample_point) < evcan_apart_(
		    evcan_bit_timing_sample_point(&list[best]), sample_point))
			best = i;
	*timing = list[best];
	return 0;
}

/* The FD timings that both bits allow, in python-can's order. */
struct fd_walk {
	struct evcan_bit_segments nominal[BRP_MAX], data[BRP_MAX];
	size_t n_nominal, n_data;
	size_t i, k;               /* the next pair */
	uint32_t f_clock;
};

static int
fd_walk_start(struct fd_walk *walk, uint32_t f_clock, uint32_t nom_bitrate,
    double nom_sample_point, uint32_t data_bitrate, double data_sample_point,
    struct evcan_error *err)
{
	int r = evcan_bit_wish_check_("nom_", nom_bitrate, nom_sample_point, err);

	if (r == 0)
		r = evcan_bit_wish_check_("data_", data_bitrate, data_sample_point, err);
	if (r < 0)
		return r;
	walk->f_clock = f_clock;
	walk->n_nominal = fit_all(&nominal_rule, f_clock, nom_bitrate,
	    nom_sample_point, walk->nominal);
	walk->n_data = fit_all(&data_rule, f_clock, data_bitrate,
	    data_sample_point, walk->data);
	walk->i = walk->k = 0;
	return 0;
}

static struct evcan_bit_timing_fd
fd_pair(uint32_t f_clock, const struct evcan_bit_segments *nominal,
    const struct evcan_bit_segments *data)
{
	const struct evcan_bit_timing_fd t = {
		.f_clock = f_clock,
		.nom_brp = nominal->brp, .nom_tseg1 = nominal->tseg1,
		.nom_tseg2 = nominal->tseg2, .nom_sjw = nominal->sjw,
		.data_brp = data->brp, .data_tseg1 = data->tseg1,
		.data_tseg2 = data->tseg2, .data_sjw = data->sjw,
	};

	return t;
}

static bool
fd_walk_next(struct fd_walk *walk, struct evcan_bit_timing_fd *t)
{
	while (walk->i < walk->n_nominal && walk->n_data > 0) {
		*t = fd_pair(walk->f_clock, &walk->nominal[walk->i],
		    &walk->data[walk->k]);
		if (++walk->k == walk->n_data) {
			walk->k = 0;
			walk->i++;
		}
		if (evcan_bit_timing_fd_check_strict(t, NULL) == 0)
			return true;
	}
	return false;
}

int
evcan_bit_timing_fd_iterate_from_sample_point(
    struct evcan_bit_timing_fd *list, size_t max, uint32_t f_clock,
    uint32_t nom_bitrate, double nom_sample_point, uint32_t data_bitrate,
    double data_sample_point, struct evcan_error *err)
{
	struct evcan_bit_timing_fd t;
	struct fd_walk walk;
	size_t found = 0;
	const int r = fd_walk_start(&walk, f_clock, nom_bitrate,
	    nom_sample_point, data_bitrate, data_sample_point, err);

	if (r < 0)
		return r;
	for (; fd_walk_next(&walk, &t); found++)
		if (found < max)
			list[found] = t;
	return (int)found;
}

/* What python-can sorts by, the first that differs decides. */
struct fd_rank {
	bool two_prescalers;
	double off;
	uint32_t apart, sum;
};

static struct fd_rank
fd_rank(const struct evcan_bit_timing_fd *t, double nom_sample_point,
    double data_sample_point)
{
	const uint32_t nom = t->nom_brp, data = t->data_brp;
	const struct fd_rank rank = {
		.two_prescalers = nom != data,
		.off = evcan_apart_(evcan_bit_timing_fd_nom_sample_point(t),
		    nom_sample_point) +
		    evcan_apart_(evcan_bit_timing_fd_data_sample_point(t),
		    data_sample_point),
		.apart = nom < data ? data - nom : nom - data,
		.sum = nom + data,
	};

	return rank;
}

static bool
fd_better(const struct fd_rank *a, const struct fd_rank *b)
{
	if (a->two_prescalers != b->two_prescalers)
		return b->two_prescalers;
	if (a->off < b->off || b->off < a->off)
		return a->off < b->off;
	if (a->apart != b->apart)
		return a->apart < b->apart;
	return a->sum < b->sum;
}

int
evcan_bit_timing_fd_from_sample_point(struct evcan_bit_timing_fd *timing,
    uint32_t f_clock, uint32_t nom_bitrate, double nom_sample_point,
    uint32_t data_bitrate, double data_sample_point, struct evcan_error *err)
{
	struct evcan_bit_timing_fd t, best;
	struct fd_rank rank, best_rank;
	struct fd_walk walk;
	bool found = false;
	const int r = fd_walk_start(&walk, f_clock, nom_bitrate,
	    nom_sample_point, data_bitrate, data_sample_point, err);

	if (r < 0)
		return r;
	while (fd_walk_next(&walk, &t)) {
		rank = fd_rank(&t, nom_sample_point, data_sample_point);
		if (found && !fd_better(&rank, &best_rank))
			continue;
		found = true;
		best = t;
		best_rank = rank;
	}
	if (!found)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: a clock of %lu Hz gives no %lu bit/s with "
		    "%lu bit/s for data, within 1/256, that every controller "
		    "can do", (unsigned long)f_clock,
		    (unsigned long)nom_bitrate, (unsigned long)data_bitrate);
	*timing = best;
	return 0;
}

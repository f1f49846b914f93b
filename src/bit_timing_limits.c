/* SPDX-License-Identifier: BSD-3-Clause */
/* bit_timing_limits.c - all timings that a controller's limits allow */
#include "bit_timing_internal.h"

#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

/* Of each kind of bit only the best so many make pairs. */
#define PAIRED_MAX 512

/* One bit, and how far it is from what was wished. */
struct candidate {
	struct evcan_bit_segments bit;
	double error;      /* of the bitrate, 0 to 1/256 */
	double off;        /* of the sample point, percent */
};

struct candidates {
	struct candidate *list;
	size_t n;
};

/* A pair, and what it is ranked by: the first that differs decides. */
struct ranked {
	struct evcan_bit_pair pair;
	double error, off;
	bool two_prescalers;
};

static int
check_row(const char *which, const char *name, unsigned min, unsigned max,
    struct evcan_error *err)
{
	if (min >= 1 && min <= max)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "bit timing: the "
	    "limits of %s%s are %u to %u, but must be 1 or more and in order",
	    which, name, min, max);
}

static int
check_wish(const char *which, const struct evcan_bit_wish *wish,
    struct evcan_error *err)
{
	const struct evcan_bit_limits *l = &wish->limits;
	int r = evcan_bit_wish_check_(which, wish->bitrate,
	    wish->sample_point, err);

	if (r == 0)
		r = check_row(which, "brp", l->brp_min, l->brp_max, err);
	if (r == 0)
		r = check_row(which, "tseg1", l->tseg1_min, l->tseg1_max, err);
	if (r == 0)
		r = check_row(which, "tseg2", l->tseg2_min, l->tseg2_max, err);
	if (r == 0)
		r = check_row(which, "sjw", 1, l->sjw_max, err);
	return r;
}

static uint32_t
clamp(uint32_t value, uint32_t min, uint32_t max)
{
	return value < min ? min : value > max ? max : value;
}

/* Divides a bit of so many quanta. @return false if the limits forbid it */
static bool
divide(const struct evcan_bit_wish *wish, uint32_t brp, uint32_t quanta,
    struct candidate *out)
{
	const struct evcan_bit_limits *l = &wish->limits;
	const double part = wish->sample_point / 100;
	uint32_t min = l->tseg1_min, max = l->tseg1_max, tseg1, tseg2, sjw;

	if (quanta < 1u + l->tseg1_min + l->tseg2_min)
		return false;
	/* Both segments within their limits, and no sample before 50 %. */
	if (quanta > 1u + min + l->tseg2_max)
		min = quanta - 1 - l->tseg2_max;
	if (min < (quanta + 1) / 2 - 1)
		min = (quanta + 1) / 2 - 1;
	if (max > quanta - 1 - l->tseg2_min)
		max = quanta - 1 - l->tseg2_min;
	if (min > max)
		return false;
	tseg1 = clamp((uint32_t)evcan_nearest_(part * quanta) - 1, min, max);
	tseg2 = quanta - 1 - tseg1;
	/* Neither of the two may be shorter: the kernel refuses that. */
	sjw = clamp(l->sjw_max, 1, tseg1 < tseg2 ? tseg1 : tseg2);
	out->bit.brp = (uint16_t)brp;
	out->bit.tseg1 = (uint16_t)tseg1;
	out->bit.tseg2 = (uint16_t)tseg2;
	out->bit.sjw = (uint16_t)sjw;
	out->off = evcan_apart_(100.0 * (1 + tseg1) / quanta,
	    wish->sample_point);
	return true;
}

/* Adds what a prescaler gives: the number of quanta, rounded down and up. */
static void
try_brp(struct candidates *to, uint32_t f_clock,
    const struct evcan_bit_wish *wish, uint32_t brp)
{
	const uint64_t quanta = f_clock / ((uint64_t)wish->bitrate * brp);

	for (uint64_t n = quanta; n <= quanta + 1; n++) {
		const uint64_t wanted = wish->bitrate * n * brp;
		struct candidate *out = &to->list[to->n];

		if (n < 3 || n > 2 * UINT16_MAX + 1 ||
		    !evcan_bitrate_near_(f_clock, n * brp, wish->bitrate) ||
		    !divide(wish, brp, (uint32_t)n, out))
			continue;
		out->error = (double)(f_clock < wanted ? wanted - f_clock :
		    f_clock - wanted) / (double)wanted;
		to->n++;
	}
}

static int
compare(double a, double b)
{
	return (a > b) - (a < b);
}

static int
by_quality(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	int r = compare(a->error, b->error);

	if (r == 0)
		r = compare(a->off, b->off);
	if (r == 0)
		r = (int)a->bit.brp - (int)b->bit.brp;
	return r != 0 ? r : (int)a->bit.tseg1 - (int)b->bit.tseg1;
}

/* All bits that the limits allow, the best first. */
static int
find(struct candidates *to, uint32_t f_clock,
    const struct evcan_bit_wish *wish, struct evcan_error *err)
{
	const struct evcan_bit_limits *l = &wish->limits;
	const uint32_t step = l->brp_inc > 0 ? l->brp_inc : 1;
	/* Lower prescalers would need more quanta than there can be. */
	const uint64_t low = f_clock / ((uint64_t)wish->bitrate *
	    (3u + l->tseg1_max + l->tseg2_max));
	/* Higher ones would need less than one. */
	const uint64_t high = f_clock / wish->bitrate;
	const uint32_t last = high < l->brp_max ? (uint32_t)high : l->brp_max;
	uint32_t brp = l->brp_min;

	if (low > brp)
		brp += (uint32_t)((low - brp) / step * step);
	to->n = 0;
	to->list = calloc(brp > last ? 1 : 2 * ((last - brp) / step + 1) + 1,
	    sizeof(*to->list));
	if (to->list == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for bit timing");
	for (; brp <= last; brp += step)
		try_brp(to, f_clock, wish, brp);
	qsort(to->list, to->n, sizeof(*to->list), by_quality);
	return 0;
}

static int
by_rank(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	const struct evcan_bit_pair *p = &a->pair, *q = &b->pair;
	int r = compare(a->error, b->error);

	if (r == 0)
		r = (int)a->two_prescalers - (int)b->two_prescalers;
	if (r == 0)
		r = compare(a->off, b->off);
	if (r == 0)
		r = (p->nominal.brp + p->data.brp) -
		    (q->nominal.brp + q->data.brp);
	if (r == 0)
		r = p->nominal.brp - q->nominal.brp;
	if (r == 0)
		r = p->nominal.tseg1 - q->nominal.tseg1;
	return r != 0 ? r : p->data.tseg1 - q->data.tseg1;
}

static bool
fits_classic(const struct evcan_bit_segments *bit, uint32_t f_clock)
{
	const struct evcan_bit_timing t = {
		.f_clock = f_clock, .brp = bit->brp,
		.tseg1 = (uint8_t)bit->tseg1, .tseg2 = (uint8_t)bit->tseg2,
		.sjw = (uint8_t)bit->sjw, .nof_samples = 1,
	};

	return bit->tseg1 <= UINT8_MAX && bit->tseg2 <= UINT8_MAX &&
	    bit->sjw <= UINT8_MAX &&
	    evcan_bit_timing_check_strict(&t, NULL) == 0;
}

static bool
fits(const struct evcan_bit_pair *pair,
    const struct evcan_bit_request *request)
{
	const struct evcan_bit_timing_fd t = {
		.f_clock = request->f_clock,
		.nom_brp = pair->nominal.brp,
		.nom_tseg1 = pair->nominal.tseg1,
		.nom_tseg2 = pair->nominal.tseg2, .nom_sjw = pair->nominal.sjw,
		.data_brp = pair->data.brp, .data_tseg1 = pair->data.tseg1,
		.data_tseg2 = pair->data.tseg2, .data_sjw = pair->data.sjw,
	};

	if (request->data.bitrate == 0)
		return !request->strict ||
		    fits_classic(&pair->nominal, request->f_clock);
	return (request->strict ? evcan_bit_timing_fd_check_strict(&t, NULL) :
	    evcan_bit_timing_fd_check(&t, NULL)) == 0;
}

/* Each nominal bit with each data bit, or alone. @return how many fit */
static size_t
pair_up(struct ranked *to, const struct candidates *nominal,
    const struct candidates *data, const struct evcan_bit_request *request)
{
	static const struct candidate none;
	const bool fd = request->data.bitrate > 0;
	size_t n = 0;

	for (size_t i = 0; i < nominal->n; i++) {
		for (size_t k = 0; k < (fd ? data->n : 1); k++) {
			const struct candidate *a = &nominal->list[i];
			const struct candidate *b = fd ? &data->list[k] :
			    &none;

			to[n].pair.nominal = a->bit;
			to[n].pair.data = b->bit;
			to[n].error = a->error + b->error;
			to[n].off = a->off + b->off;
			to[n].two_prescalers = fd && a->bit.brp != b->bit.brp;
			n += fits(&to[n].pair, request);
		}
	}
	return n;
}

static int
rank_pairs(struct evcan_bit_pair *list, size_t max,
    struct candidates *nominal, struct candidates *data,
    const struct evcan_bit_request *request, struct evcan_error *err)
{
	const bool fd = request->data.bitrate > 0;
	struct ranked *pairs;
	size_t n;

	if (fd && nominal->n > PAIRED_MAX)
		nominal->n = PAIRED_MAX;
	if (fd && data->n > PAIRED_MAX)
		data->n = PAIRED_MAX;
	pairs = calloc(nominal->n * (fd ? data->n : 1) + 1, sizeof(*pairs));
	if (pairs == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for bit timing");
	n = pair_up(pairs, nominal, data, request);
	qsort(pairs, n, sizeof(*pairs), by_rank);
	for (size_t i = 0; i < n && i < max; i++)
		list[i] = pairs[i].pair;
	free(pairs);
	return (int)n;
}

int
evcan_bit_timing_solve(struct evcan_bit_pair *list, size_t max,
    const struct evcan_bit_request *request, struct evcan_error *err)
{
	const bool fd = request->data.bitrate > 0;
	struct candidates nominal = { NULL, 0 }, data = { NULL, 0 };
	int r = 0;

	if (request->f_clock == 0)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0, "bit timing: "
		    "f_clock is 0, but must be from 1 to 4294967295");
	if (r == 0)
		r = check_wish(fd ? "nom_" : "", &request->nominal, err);
	if (r == 0 && fd)
		r = check_wish("data_", &request->data, err);
	if (r == 0 && fd && request->data.bitrate < request->nominal.bitrate)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bit timing: the data bitrate, %lu bit/s, is lower than "
		    "the nominal one, %lu",
		    (unsigned long)request->data.bitrate,
		    (unsigned long)request->nominal.bitrate);
	if (r == 0)
		r = find(&nominal, request->f_clock, &request->nominal, err);
	if (r == 0 && fd)
		r = find(&data, request->f_clock, &request->data, err);
	if (r == 0)
		r = rank_pairs(list, max, &nominal, &data, request, err);
	free(nominal.list);
	free(data.list);
	return r;
}

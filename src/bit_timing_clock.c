/* SPDX-License-Identifier: BSD-3-Clause */
/* bit_timing_clock.c - the same timing from another clock */
#include "bit_timing_internal.h"

#include <evcan/error.h>

#include "quote.h"
#include "text.h"

/* The same part of a bit as before, as far as the new one allows. */
static uint32_t
scale_sjw(uint32_t sjw, uint32_t quanta, uint32_t new_quanta, uint32_t max)
{
	const double part = (double)sjw / quanta;
	const uint64_t scaled = evcan_nearest_(part * new_quanta);

	return scaled < 1 ? 1 : scaled > max ? max : (uint32_t)scaled;
}

static int
check_moved(const char *which, double from, double to,
    struct evcan_error *err)
{
	if (evcan_apart_(from, to) <= 1)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "bit timing: this "
	    "clock moves the %ssample point by more than one percent", which);
}

int
evcan_bit_timing_recreate_with_f_clock(struct evcan_bit_timing *timing,
    uint32_t f_clock, struct evcan_error *err)
{
	const struct evcan_bit_timing *const old = timing;
	const uint32_t bitrate = evcan_bit_timing_bitrate(old);
	const double point = evcan_bit_timing_sample_point(old);
	struct evcan_bit_timing fresh = *old;
	int r;

	fresh.f_clock = f_clock;
	if (evcan_bit_timing_from_bitrate_and_segments(&fresh, bitrate, true,
	    NULL) == 0) {
		*timing = fresh;
		return 0;
	}
	r = evcan_bit_timing_from_sample_point(&fresh, f_clock, bitrate,
	    point, err);
	if (r == 0)
		r = check_moved("", point,
		    evcan_bit_timing_sample_point(&fresh), err);
	if (r < 0)
		return r;
	fresh.sjw = (uint8_t)scale_sjw(old->sjw, evcan_bit_timing_nbt(old),
	    evcan_bit_timing_nbt(&fresh), fresh.tseg2 < 4 ? fresh.tseg2 : 4);
	fresh.nof_samples = old->nof_samples;
	*timing = fresh;
	return 0;
}

int
evcan_bit_timing_fd_recreate_with_f_clock(struct evcan_bit_timing_fd *t,
    uint32_t f_clock, struct evcan_error *err)
{
	const struct evcan_bit_timing_fd *const old = t;
	const uint32_t nominal = evcan_bit_timing_fd_nominal(old);
	const uint32_t data = evcan_bit_timing_fd_data(old);
	const double nom_point = evcan_bit_timing_fd_nom_sample_point(old);
	const double data_point = evcan_bit_timing_fd_data_sample_point(old);
	struct evcan_bit_timing_fd fresh = *old;
	int r;

	fresh.f_clock = f_clock;
	if (evcan_bit_timing_fd_from_bitrate_and_segments(&fresh, nominal,
	    data, true, NULL) == 0) {
		*t = fresh;
		return 0;
	}
	r = evcan_bit_timing_fd_from_sample_point(&fresh, f_clock, nominal,
	    nom_point, data, data_point, err);
	if (r == 0)
		r = check_moved("nominal ", nom_point,
		    evcan_bit_timing_fd_nom_sample_point(&fresh), err);
	if (r == 0)
		r = check_moved("data ", data_point,
		    evcan_bit_timing_fd_data_sample_point(&fresh), err);
	if (r < 0)
		return r;
	fresh.nom_sjw = (uint16_t)scale_sjw(old->nom_sjw,
	    evcan_bit_timing_fd_nbt(old), evcan_bit_timing_fd_nbt(&fresh),
	    fresh.nom_tseg2);
	fresh.data_sjw = (uint16_t)scale_sjw(old->data_sjw,
	    evcan_bit_timing_fd_dbt(old), evcan_bit_timing_fd_dbt(&fresh),
	    fresh.data_tseg2);
	*t = fresh;
	return 0;
}

static int
recreate(struct evcan_timing *timing, uint32_t f_clock)
{
	return timing->fd ? evcan_bit_timing_fd_recreate_with_f_clock(
	    &timing->flexible, f_clock, NULL) :
	    evcan_bit_timing_recreate_with_f_clock(&timing->classic, f_clock,
	    NULL);
}

int
evcan_timing_adjust_clock(struct evcan_timing *timing,
    const uint32_t *clocks, size_t n, struct evcan_error *err)
{
	const uint32_t f_clock = timing->fd ? timing->flexible.f_clock :
	    timing->classic.f_clock;
	struct evcan_words_ words = { 0 };

	for (size_t i = 0; i < n; i++)
		if (clocks[i] == f_clock)
			return 0;
	for (size_t i = 0; i < n; i++) {
		char *end, number[24];

		if (recreate(timing, clocks[i]) == 0)
			return 1;
		end = evcan_text_put_uint_(number, clocks[i]);
		evcan_words_add_(&words, number, (size_t)(end - number));
	}
	return evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "bit timing: its clock is %lu Hz, but must be one that the device "
	    "has, and none of these gives the same bits: %s",
	    (unsigned long)f_clock, words.text);
}

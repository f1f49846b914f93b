/* SPDX-License-Identifier: BSD-3-Clause */
/* bit_timing_internal.h - keys and arithmetic, for bit_timing*.c alone */
#ifndef EVCAN_BIT_TIMING_INTERNAL_H
#define EVCAN_BIT_TIMING_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <evcan/bit_timing.h>

struct evcan_error;

/* Every key that bit timing is written with. */
enum key {
	F_CLOCK, BRP, TSEG1, TSEG2, SJW, NOF_SAMPLES, BTR0, BTR1,
	NOM_BRP, NOM_TSEG1, NOM_TSEG2, NOM_SJW,
	DATA_BRP, DATA_TSEG1, DATA_TSEG2, DATA_SJW,
	KEYS
};

struct range {
	const char *name;
	int64_t min, max;
};
extern const struct range evcan_timing_keys_[KEYS];

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

struct values evcan_timing_values_(const struct evcan_timing *timing);
/* Each given value is in its range. */
int evcan_timing_check_ranges_(const struct values *values,
    struct evcan_error *err);

/* To nearest; halves go to the even neighbour, as in python's round(). */
uint64_t evcan_divide_(uint64_t dividend, uint64_t divisor);
/* The same of a number from 0 to 2^53. */
uint64_t evcan_nearest_(double number);

static inline double
evcan_apart_(double a, double b)
{
	return a < b ? b - a : a - b;
}

/* A request for a bitrate (of this name's beginning) makes sense. */
int evcan_bit_wish_check_(const char *which, uint32_t bitrate,
    double sample_point, struct evcan_error *err);

/* Whether f_clock divided by quanta is within 1/256 of a bitrate. */
static inline bool
evcan_bitrate_near_(uint32_t f_clock, uint64_t quanta, uint32_t bitrate)
{
	const uint64_t wanted = bitrate * quanta;
	const uint64_t off = f_clock < wanted ? wanted - f_clock :
	    f_clock - wanted;

	return off * 256 <= wanted;
}

#endif

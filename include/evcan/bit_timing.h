/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/bit_timing.h - bit timing of classic CAN and CAN FD */
#ifndef EVCAN_BIT_TIMING_H
#define EVCAN_BIT_TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_error;
struct evcan_options;

/** python-can's BitTiming: time segments in quanta, ISO 11898-1 terms. */
struct evcan_bit_timing {
	uint32_t f_clock;      /**< Hz */
	uint16_t brp;          /**< 1..64 */
	uint8_t tseg1;         /**< 1..16, propagation + phase 1 */
	uint8_t tseg2;         /**< 1..8 */
	uint8_t sjw;           /**< 1..4 and at most tseg2 */
	uint8_t nof_samples;   /**< 1 or 3 */
};

/** python-can's BitTimingFd. */
struct evcan_bit_timing_fd {
	uint32_t f_clock;
	uint16_t nom_brp, nom_tseg1, nom_tseg2, nom_sjw;
	uint16_t data_brp, data_tseg1, data_tseg2, data_sjw;
};

/** Either of them. */
struct evcan_timing {
	bool fd;
	struct evcan_bit_timing classic;     /**< if not fd */
	struct evcan_bit_timing_fd flexible; /**< if fd */
};

/**
 * Checks python-can's limits; the sample point must be 50 % or later.
 * @return 0, or EVCAN_ERR_INVALID; err names the field and its range
 */
int evcan_bit_timing_check(const struct evcan_bit_timing *timing,
    struct evcan_error *err);
int evcan_bit_timing_fd_check(const struct evcan_bit_timing_fd *timing,
    struct evcan_error *err);

/** Bit/s, rounded to nearest. */
uint32_t evcan_bit_timing_bitrate(const struct evcan_bit_timing *timing);
uint32_t evcan_bit_timing_fd_nominal(const struct evcan_bit_timing_fd *t);
uint32_t evcan_bit_timing_fd_data(const struct evcan_bit_timing_fd *t);

/** SJA1000 bus timing registers: btr0 << 8 | btr1. */
uint16_t evcan_bit_timing_btr(const struct evcan_bit_timing *timing);

/** From SJA1000 registers. @return 0 or EVCAN_ERR_INVALID with err */
int evcan_bit_timing_from_btr(struct evcan_bit_timing *timing,
    uint32_t f_clock, unsigned btr0, unsigned btr1, struct evcan_error *err);

/**
 * Reads `key=value` pairs divided by blanks or commas, or a JSON object with
 * the same keys: f_clock and either brp tseg1 tseg2 sjw nof_samples (1 if
 * left out), btr0 btr1, or all eight nom_ and data_ keys. `_` may group digits.
 * @return 0, or EVCAN_ERR_SYNTAX or EVCAN_ERR_INVALID with err
 */
int evcan_timing_parse(struct evcan_timing *timing, const char *text,
    struct evcan_error *err);

/**
 * python-can's rule for loose keys: if the options have no `timing` but all
 * nine FD keys, or all six classic ones, or f_clock with btr0 and btr1, they
 * are joined into one `timing` and removed.
 * @return 1 if joined, 0 if there was nothing to join, negative with err
 */
int evcan_timing_join(struct evcan_options *options, struct evcan_error *err);

#ifdef __cplusplus
}
#endif
#endif

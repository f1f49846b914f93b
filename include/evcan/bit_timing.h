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

/**
 * The same and what python-can calls strict: within what ISO 11898-1 demands
 * of every controller. Classic: 8 to 25 quanta, brp to 32, 5 kbit/s to
 * 1 Mbit/s. FD: 8 to 80 quanta nominal, 5 to 25 data, and segments that
 * depend on whether both prescalers are equal.
 */
int evcan_bit_timing_check_strict(const struct evcan_bit_timing *timing,
    struct evcan_error *err);
int evcan_bit_timing_fd_check_strict(const struct evcan_bit_timing_fd *timing,
    struct evcan_error *err);

/* What follows takes timing that has passed its check. */

/** Bit/s, rounded to nearest. */
uint32_t evcan_bit_timing_bitrate(const struct evcan_bit_timing *timing);
uint32_t evcan_bit_timing_fd_nominal(const struct evcan_bit_timing_fd *t);
uint32_t evcan_bit_timing_fd_data(const struct evcan_bit_timing_fd *t);

/** Quanta in a bit: nominal bit time, data bit time. */
uint32_t evcan_bit_timing_nbt(const struct evcan_bit_timing *timing);
uint32_t evcan_bit_timing_fd_nbt(const struct evcan_bit_timing_fd *t);
uint32_t evcan_bit_timing_fd_dbt(const struct evcan_bit_timing_fd *t);

/** A quantum in nanoseconds, rounded to nearest. */
uint64_t evcan_bit_timing_tq(const struct evcan_bit_timing *timing);
uint64_t evcan_bit_timing_fd_nom_tq(const struct evcan_bit_timing_fd *t);
uint64_t evcan_bit_timing_fd_data_tq(const struct evcan_bit_timing_fd *t);

/** Where a bit is sampled, in percent of it. */
double evcan_bit_timing_sample_point(const struct evcan_bit_timing *timing);
double evcan_bit_timing_fd_nom_sample_point(
    const struct evcan_bit_timing_fd *t);
double evcan_bit_timing_fd_data_sample_point(
    const struct evcan_bit_timing_fd *t);

/**
 * By how many percent the oscillators of a bus may be off, each node's, as
 * ISO 11898-1 counts it.
 * @param node_loop_delay_ns a transceiver's, there and back; 250 is usual
 * @param bus_length_m at 5 ns a metre
 * @return 0 if such a bus cannot work at all
 */
double evcan_bit_timing_oscillator_tolerance(
    const struct evcan_bit_timing *timing, double node_loop_delay_ns,
    double bus_length_m);
double evcan_bit_timing_fd_oscillator_tolerance(
    const struct evcan_bit_timing_fd *t, double node_loop_delay_ns,
    double bus_length_m);

/** Whether all fields are the same. */
bool evcan_bit_timing_equal(const struct evcan_bit_timing *a,
    const struct evcan_bit_timing *b);
bool evcan_bit_timing_fd_equal(const struct evcan_bit_timing_fd *a,
    const struct evcan_bit_timing_fd *b);
bool evcan_timing_equal(const struct evcan_timing *a,
    const struct evcan_timing *b);

/** SJA1000 bus timing registers: btr0 << 8 | btr1. */
uint16_t evcan_bit_timing_btr(const struct evcan_bit_timing *timing);

/**
 * From SJA1000 registers (python-can's from_registers).
 * @return 0 or EVCAN_ERR_INVALID with err
 */
int evcan_bit_timing_from_btr(struct evcan_bit_timing *timing,
    uint32_t f_clock, unsigned btr0, unsigned btr1, struct evcan_error *err);

/**
 * Finds the prescaler, or both, that give a bitrate within 1/256 with the
 * segments that `timing` has.
 * @param timing all but brp (nom_brp, data_brp) is read; only that is set,
 * and only on success
 * @param strict check as evcan_bit_timing_check_strict() does
 * @return 0 or EVCAN_ERR_INVALID with err
 */
int evcan_bit_timing_from_bitrate_and_segments(
    struct evcan_bit_timing *timing, uint32_t bitrate, bool strict,
    struct evcan_error *err);
int evcan_bit_timing_fd_from_bitrate_and_segments(
    struct evcan_bit_timing_fd *t, uint32_t nom_bitrate,
    uint32_t data_bitrate, bool strict, struct evcan_error *err);

/**
 * The strict timing whose sample point is nearest to the one asked for; among
 * equals that with the lowest prescaler. Bitrates are within 1/256. FD: if
 * some have the same prescaler for both bitrates only those count; then the
 * sum of both distances decides, then how near the prescalers are to each
 * other, then how low. The choice is python-can's, so two programs that are
 * told the same agree.
 * @param sample_point percent, 50 to 100; python-can's default is 69
 * @return 0, or EVCAN_ERR_INVALID with err (there is none)
 */
int evcan_bit_timing_from_sample_point(struct evcan_bit_timing *timing,
    uint32_t f_clock, uint32_t bitrate, double sample_point,
    struct evcan_error *err);
int evcan_bit_timing_fd_from_sample_point(struct evcan_bit_timing_fd *t,
    uint32_t f_clock, uint32_t nom_bitrate, double nom_sample_point,
    uint32_t data_bitrate, double data_sample_point,
    struct evcan_error *err);

/**
 * All that the above chooses from: one timing a prescaler, the lowest first;
 * FD: one a pair of prescalers, the lowest nominal one first.
 * @param list room for max timings; may be NULL if max is 0
 * @return how many there are (0: none, no error), of which the first max are
 * in list; or EVCAN_ERR_INVALID with err
 */
int evcan_bit_timing_iterate_from_sample_point(struct evcan_bit_timing *list,
    size_t max, uint32_t f_clock, uint32_t bitrate, double sample_point,
    struct evcan_error *err);
int evcan_bit_timing_fd_iterate_from_sample_point(
    struct evcan_bit_timing_fd *list, size_t max, uint32_t f_clock,
    uint32_t nom_bitrate, double nom_sample_point, uint32_t data_bitrate,
    double data_sample_point, struct evcan_error *err);

/**
 * The same bitrates and sample points from another clock: another prescaler
 * if that is enough, else other segments, strict, with sample points at most
 * one percent off and sjw in proportion.
 * @param timing changed in place, only on success
 * @return 0, or EVCAN_ERR_INVALID with err (there is none)
 */
int evcan_bit_timing_recreate_with_f_clock(struct evcan_bit_timing *timing,
    uint32_t f_clock, struct evcan_error *err);
int evcan_bit_timing_fd_recreate_with_f_clock(struct evcan_bit_timing_fd *t,
    uint32_t f_clock, struct evcan_error *err);

/**
 * For drivers whose device has certain clocks: recreates the timing with the
 * first of them that can, unless it has one of them already.
 * @param clocks Hz, the preferred one first
 * @return 0: nothing to do, 1: changed (worth a warning), or EVCAN_ERR_INIT
 * with err
 */
int evcan_timing_adjust_clock(struct evcan_timing *timing,
    const uint32_t *clocks, size_t n, struct evcan_error *err);

/** What one kind of bit may be in a controller's registers. */
struct evcan_bit_limits {
	uint16_t brp_min, brp_max;
	uint16_t brp_inc;      /**< step of brp; 0 is 1 */
	uint16_t tseg1_min, tseg1_max;
	uint16_t tseg2_min, tseg2_max;
	uint16_t sjw_max;
};

/** One bit, nominal or data; fields as in struct evcan_bit_timing. */
struct evcan_bit_segments {
	uint16_t brp, tseg1, tseg2, sjw;
};

/** A nominal and a data bit; `data` is all 0 for classic CAN. */
struct evcan_bit_pair {
	struct evcan_bit_segments nominal, data;
};

/** What one of the two is to be. */
struct evcan_bit_wish {
	uint32_t bitrate;
	double sample_point;   /**< percent, 50 to 100 */
	struct evcan_bit_limits limits;
};

/** What is to be solved. */
struct evcan_bit_request {
	uint32_t f_clock;      /**< Hz */
	struct evcan_bit_wish nominal;
	struct evcan_bit_wish data;   /**< bitrate 0: classic CAN */
	bool strict;           /**< only what the strict checks allow */
};

/**
 * Solves within a controller's own limits, best first: by the error in the
 * bitrates (at most 1/256 each), FD then prefers the same prescaler for both,
 * then by the distance to the sample points, then by low prescalers. sjw is
 * as large as the limits and the segments allow.
 * @param list room for max; may be NULL if max is 0
 * @return how many there are (0: none, no error), of which the best max are
 * in list; or EVCAN_ERR_INVALID or EVCAN_ERR_NOMEM with err. Of each kind of
 * bit only the best 512 make pairs.
 */
int evcan_bit_timing_solve(struct evcan_bit_pair *list, size_t max,
    const struct evcan_bit_request *request, struct evcan_error *err);

/** Bytes that any text form of timing fits in, with its final NUL. */
#define EVCAN_TIMING_TEXT_MAX 256

/**
 * One line for people, as python-can's str() gives: "BR: 500_000 bit/s, SP:
 * 87.50%, BRP: 1, TSEG1: 13, TSEG2: 2, SJW: 2, BTR: 401Ch, CLK: 8MHz".
 * @param size of buf; EVCAN_TIMING_TEXT_MAX always suffices
 * @return characters without the NUL, or EVCAN_ERR_FULL if size is less
 * than EVCAN_TIMING_TEXT_MAX
 */
int evcan_timing_print(const struct evcan_timing *timing, char *buf,
    size_t size);

/**
 * The `key=value` pairs that evcan_timing_parse() reads, divided by blanks.
 * Size and return as above.
 */
int evcan_timing_format(const struct evcan_timing *timing, char *buf,
    size_t size);

/**
 * Reads `key=value` pairs divided by blanks or commas, or a JSON object with
 * the same keys: f_clock and either brp tseg1 tseg2 sjw nof_samples (1 if
 * left out), btr0 btr1, or all eight nom_ and data_ keys. `_` may group
 * digits.
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

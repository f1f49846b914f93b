/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/modifier.h - counters and checksums in frames that are sent again */
#ifndef EVCAN_MODIFIER_H
#define EVCAN_MODIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_error;
struct evcan_option;
struct evcan_options;

enum evcan_modifier_kind {
	EVCAN_MODIFIER_COUNTER,   /**< counts sends */
	EVCAN_MODIFIER_XOR,       /**< of the bytes; 4 bits: of the nibbles */
	EVCAN_MODIFIER_SUM,       /**< of the bytes, its lowest bits */
	EVCAN_MODIFIER_CRC        /**< as wide as its field */
};

#define EVCAN_MODIFIER_ID_MAX 16
/** evcan_modifier.last: to the frame's end, however long it is. */
#define EVCAN_MODIFIER_TO_END 255

/**
 * One field of the data, and how to fill it: a plain value, to be made by
 * evcan_modifier_parse(), evcan_modifier_fill() or, when it was filled by
 * hand from all-zero, evcan_modifier_prepare().
 *
 * Checksums are over data_id and the bytes `first` to `last` but for the
 * field itself: whole bytes of it are left out, single bits of it count as
 * zero. Several modifiers are applied in order, so that a checksum behind a
 * counter covers it.
 */
struct evcan_modifier {
	enum evcan_modifier_kind kind;
	/** The field as a DBC file writes it: 8 * byte + bit in the byte (0 is
	 *  the least significant) of its lowest bit or, in a big-endian field
	 *  (Motorola), of its highest. */
	uint16_t bit;
	uint8_t width;         /**< bits, 1 to 32 (xor: 4 or 8) */
	bool big_endian;       /**< its bytes: most significant first */

	/** Counter: start, start + step ... and from max on to min again (in
	 *  steps over 1: as many behind min as it would be behind max). */
	uint32_t start, step;  /**< step 0: 1 */
	uint32_t min, max;     /**< max 0: all ones of the width */

	uint8_t first, last;   /**< bytes checked */
	/** What a checksum begins with, and what is XORed to its end. */
	uint32_t init, xor_out;
	uint32_t polynomial;   /**< CRC: without its highest term */
	bool reflected;        /**< CRC: bits of input and result turned */

	/** Bytes that go into a checksum besides the frame's (AUTOSAR's Data
	 *  ID), in this order. */
	uint8_t data_id[EVCAN_MODIFIER_ID_MAX];
	uint8_t data_id_len;
	bool data_id_first;    /**< before the frame's bytes, else behind */
	/** Only one of them, chosen by a counter of 4 bits in the data: the
	 *  byte of its value modulo data_id_len. */
	bool data_id_chosen;
	uint16_t data_id_bit;  /**< that counter's lowest bit */

	/** By evcan_modifier_prepare(). */
	uint32_t begin;
	uint32_t table[256];   /**< CRC */
};

/** The option rows of a modifier in text: `type`, `byte`, `bit` ... */
const struct evcan_option *evcan_modifier_options(void);

/**
 * Makes one from options. Types: counter, xor, sum, crc8_j1850 (SAE J1850:
 * polynomial 0x1D, init and final XOR 0xFF), crc8_autosar (0x2F, 0xFF, 0xFF),
 * crc16 (CCITT-FALSE: 0x1021, 0xFFFF, 0), crc16_arc, crc32 (Ethernet's),
 * crc32_autosar (0xF4ACFB13, profile 4), crc (polynomial and width given).
 * @return 0; EVCAN_ERR_INVALID with err: an unknown option, one of another
 * type, a wrong value; *modifier is then of no meaning
 */
int evcan_modifier_fill(struct evcan_modifier *modifier,
    const struct evcan_options *options, struct evcan_error *err);

/**
 * The same from text: "counter:bit=4,width=4", "crc8_j1850:byte=7".
 * @return 0; EVCAN_ERR_SYNTAX, EVCAN_ERR_INVALID, EVCAN_ERR_NOMEM with err
 */
int evcan_modifier_parse(struct evcan_modifier *modifier, const char *text,
    struct evcan_error *err);

/** Checks one that was filled by hand, and makes it ready.
 *  @return 0, or EVCAN_ERR_INVALID with err */
int evcan_modifier_prepare(struct evcan_modifier *modifier,
    struct evcan_error *err);

/** Whether all that it reads and writes lies within a frame of len bytes.
 *  @return 0, or EVCAN_ERR_INVALID with err */
int evcan_modifier_check(const struct evcan_modifier *modifier, size_t len,
    struct evcan_error *err);

/** Applies one that is ready. Only frame->data[0..len) is read and written;
 *  in a frame too short for its field it does nothing.
 *  @param number of the send, from 0 */
void evcan_modifier_apply(const struct evcan_modifier *modifier,
    struct evcan_frame *frame, uint64_t number);

#ifdef __cplusplus
}
#endif
#endif

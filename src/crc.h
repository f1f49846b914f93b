/* SPDX-License-Identifier: BSD-3-Clause */
/* crc.h - cyclic redundancy checks of any width up to 32 bits, by table */
#ifndef EVCAN_CRC_H
#define EVCAN_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The usual model (width, poly, init, refin = refout, xorout). The register
 * stands at the top of 32 bits, or at their bottom when reflected, so that
 * no step depends on the width.
 */

/* @param width 1 to 32 @param polynomial without its highest term */
void evcan_crc_table_(uint32_t table[256], unsigned width,
    uint32_t polynomial, bool reflected);

/* The register that `init` means, and the value that a register means. */
uint32_t evcan_crc_begin_(unsigned width, uint32_t init, bool reflected);
uint32_t evcan_crc_end_(uint32_t reg, unsigned width, uint32_t xor_out,
    bool reflected);

static inline uint32_t
evcan_crc_byte_(const uint32_t table[256], bool reflected, uint32_t reg,
    uint8_t byte)
{
	return reflected ? reg >> 8 ^ table[(reg ^ byte) & 0xff] :
	    reg << 8 ^ table[reg >> 24 ^ byte];
}

/* Lets n bytes go in. @return the register behind them */
static inline uint32_t
evcan_crc_add_(const uint32_t table[256], bool reflected, uint32_t reg,
    const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		reg = evcan_crc_byte_(table, reflected, reg, data[i]);
	return reg;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* crc.c - cyclic redundancy checks: tables, beginning and end */
#include "crc.h"

#define TOP 0x80000000u

/* The lowest width bits in the other order. */
static uint32_t
turned(uint32_t value, unsigned width)
{
	uint32_t out = 0;

	for (unsigned i = 0; i < width; i++)
		out |= (value >> i & 1) << (width - 1 - i);
	return out;
}

void
evcan_crc_table_(uint32_t table[256], unsigned width, uint32_t polynomial,
    bool reflected)
{
	const uint32_t poly = evcan_crc_begin_(width, polynomial, reflected);

	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t reg = reflected ? byte : byte << 24;

		for (int i = 0; i < 8; i++) {
			if (reflected)
				reg = reg >> 1 ^ (reg & 1 ? poly : 0);
			else
				reg = reg << 1 ^ (reg & TOP ? poly : 0);
		}
		table[byte] = reg;
	}
}

uint32_t
evcan_crc_begin_(unsigned width, uint32_t init, bool reflected)
{
	return reflected ? turned(init, width) : init << (32 - width);
}

uint32_t
evcan_crc_end_(uint32_t reg, unsigned width, uint32_t xor_out,
    bool reflected)
{
	return (reflected ? reg : reg >> (32 - width)) ^ xor_out;
}

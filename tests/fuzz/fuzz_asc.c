/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_asc.c - any bytes as a Vector ASC log */
#include "fuzz_format.h"

static const struct way ways[] = {
	{ { "digits", "9", "base", "hex" } },
	{ { "digits", "9", "base", "dec" } },
	{ { "digits", "9", "timestamps_format", "relative" } },
	{ { "base", "dec", "timestamps_format", "relative" } },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("asc", ways, sizeof(ways) / sizeof(ways[0]), data,
	    size);
}

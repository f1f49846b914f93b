/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_candump.c - any bytes as a candump log */
#include "fuzz_format.h"

static const struct way ways[] = {
	{ { "decimals", "9", "direction", "true" } },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("candump", ways, sizeof(ways) / sizeof(ways[0]), data,
	    size);
}

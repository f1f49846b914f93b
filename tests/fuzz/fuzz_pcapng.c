/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_pcapng.c - any bytes as a pcapng capture */
#include "fuzz_format.h"

static const struct way ways[1];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("pcapng", ways, sizeof(ways) / sizeof(ways[0]), data,
	    size);
}

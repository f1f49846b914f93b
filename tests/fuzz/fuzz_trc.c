/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_trc.c - any bytes as a TRC file */
#include "fuzz_format.h"

static const struct way ways[] = {
	{ { "version", "2.1" } },
	{ { "version", "1.1" } },
	{ { "version", "1.2" } },
	{ { "version", "1.3" } },
	{ { "version", "2.0" } },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("trc", ways, sizeof(ways) / sizeof(ways[0]), data,
	    size);
}

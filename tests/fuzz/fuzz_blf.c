/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_blf.c - any bytes as a BLF file */
#include "fuzz_format.h"

/* Other codecs may not give the same bytes twice: they look at addresses. */
static const struct way ways[] = {
	{ { "compression_level", "0" } },
	{ { "compression_level", "1", "codec", "zlib" } },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	setenv("TZ", "UTC", 1);   /* no hour comes twice */
	return fuzz_format("blf", ways, sizeof(ways) / sizeof(ways[0]), data,
	    size);
}

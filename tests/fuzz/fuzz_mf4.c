/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_mf4.c - any bytes as an MDF 4 file */
#include "fuzz_format.h"

/* Other codecs may not give the same bytes twice: they look at addresses. */
static const struct way ways[] = {
	{ { "compression_level", "0", "channel", "0" } },
	{ { "compression_level", "2", "codec", "zlib", "channel", "0" } }
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("mf4", ways, sizeof(ways) / sizeof(ways[0]), data,
	    size);
}

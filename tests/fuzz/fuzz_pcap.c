/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_pcap.c - any bytes as a pcap capture */
#include "fuzz_format.h"

static const struct way ways[1];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("pcap", ways, sizeof(ways) / sizeof(ways[0]), data,
	    size);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_sqlite.c - any bytes as a database */
#include "fuzz_format.h"

static const struct way ways[] = {
	{ { "columns", "all" } },
	{ { "columns", "python-can" } },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("sqlite", ways, sizeof(ways) / sizeof(ways[0]), data,
	    size);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_gvret.c - any bytes as a GVRET CSV */
#include "fuzz_format.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("gvret", NULL, 0, data, size);
}

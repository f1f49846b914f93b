/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_crtd.c - any bytes as a CRTD log */
#include "fuzz_format.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("crtd", NULL, 0, data, size);
}

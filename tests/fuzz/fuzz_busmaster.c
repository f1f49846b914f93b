/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_busmaster.c - any bytes as a BUSMASTER log */
#include "fuzz_format.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("busmaster", NULL, 0, data, size);
}

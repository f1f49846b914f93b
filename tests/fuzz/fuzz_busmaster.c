/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_busmaster.c - any bytes as a BUSMASTER log */
#include "fuzz_read_only.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz("busmaster", data, size);
}

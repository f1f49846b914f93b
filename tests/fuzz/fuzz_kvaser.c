/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_kvaser.c - any bytes as a Kvaser text */
#include "fuzz_format.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("kvaser", NULL, 0, data, size);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_kvaser.c - any bytes as a Kvaser text */
#include "fuzz_read_only.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz("kvaser", data, size);
}

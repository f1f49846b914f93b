/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_css.c - any bytes as a CSS CSV */
#include "fuzz_format.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_format("css", NULL, 0, data, size);
}

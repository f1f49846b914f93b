/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_css.c - any bytes as a CSS CSV */
#include "fuzz_read_only.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz("css", data, size);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_pcapng.c - any bytes as a pcapng capture: whole and in pieces the same,
 * and what was read is written so that it reads the same */
#include "fuzz_capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_capture("pcapng", data, size);
}

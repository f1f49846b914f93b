/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_transpose.c - rows to columns and back, before and behind deflate */
#include "mf4.h"

#include <string.h>

/* Eight rows at a time: each column then takes or gives a word. */

void
evcan_mf4_transpose_(const uint8_t *in, size_t n, size_t width, uint8_t *out)
{
	const size_t rows = n / width;
	size_t row = 0;

	for (; row + 8 <= rows; row += 8) {
		const uint8_t *from = in + row * width;
		uint8_t *to = out + row;

		for (size_t c = 0; c < width; c++, to += rows)
			for (size_t i = 0; i < 8; i++)
				to[i] = from[i * width + c];
	}
	for (; row < rows; row++)
		for (size_t c = 0; c < width; c++)
			out[c * rows + row] = in[row * width + c];
	memcpy(out + rows * width, in + rows * width, n - rows * width);
}

void
evcan_mf4_untranspose_(const uint8_t *in, size_t n, size_t width,
    uint8_t *out)
{
	const size_t rows = n / width;
	size_t row = 0;

	for (; row + 8 <= rows; row += 8) {
		const uint8_t *from = in + row;
		uint8_t *to = out + row * width;

		for (size_t c = 0; c < width; c++, from += rows)
			for (size_t i = 0; i < 8; i++)
				to[i * width + c] = from[i];
	}
	for (; row < rows; row++)
		for (size_t c = 0; c < width; c++)
			out[row * width + c] = in[c * rows + row];
	memcpy(out + rows * width, in + rows * width, n - rows * width);
}

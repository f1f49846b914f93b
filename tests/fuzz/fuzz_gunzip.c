/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_gunzip.c - any bytes as a gzip file: whole and in pieces the same */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

#include "gunzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX (1u << 20)

struct result {
	uint8_t *out;
	size_t n;
	unsigned faults;
	bool full;
};

static void
require(int good)
{
	if (!good)
		abort();
}

/* Both steps at least 1; src and dst are of just that size. */
static void
unpack(const uint8_t *data, size_t size, size_t in, size_t out,
    struct result *result)
{
	struct evcan_gunzip_ *gunzip = evcan_gunzip_new_(NULL);
	size_t at = 0, used, got;
	unsigned idle = 0;

	result->n = result->faults = 0;
	while (idle < 2 && result->n + out <= OUT_MAX) {
		const size_t n = size - at < in ? size - at : in;
		struct evcan_error err = { 0 };
		uint8_t *src = malloc(n + 1), *dst = malloc(out);
		int r;

		memcpy(src + 1, data + at, n);
		r = evcan_gunzip_run_(gunzip, src + 1, n, at + n == size,
		    &used, dst, out, &got, &err);
		require(used <= n && got <= out);
		require(r == 0 || (r == EVCAN_ERR_SYNTAX && got == 0 &&
		    err.text[0] != '\0'));
		memcpy(result->out + result->n, dst, got);
		result->n += got;
		result->faults += r != 0;
		require(result->faults <= size + 1);
		at += used;
		idle = r == 0 && got == 0 && used == 0 ? idle + 1 : 0;
		free(src);
		free(dst);
	}
	result->full = idle < 2;
	require(result->full || at == size);
	evcan_gunzip_free_(gunzip);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t a[OUT_MAX], b[OUT_MAX];
	struct result whole = { .out = a }, pieces = { .out = b };
	const size_t step = size > 0 ? data[size - 1] % 40 + 1u : 1;
	size_t common;

	if (size == 0)
		data = (const uint8_t *)"";
	unpack(data, size, size + 1, 65536, &whole);
	unpack(data, size, step, step * 33, &pieces);
	common = whole.n < pieces.n ? whole.n : pieces.n;
	/* Without a fault there is but one answer. Where a fault is seen, and
	 * so where the next member is looked for, may depend on the pieces. */
	if (whole.faults == 0 && pieces.faults == 0) {
		require(memcmp(a, b, common) == 0);
		require(whole.full || pieces.full || whole.n == pieces.n);
	}
	require((whole.faults == 0) == (pieces.faults == 0) || whole.full ||
	    pieces.full);
	return 0;
}

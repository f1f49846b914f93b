/* SPDX-License-Identifier: BSD-3-Clause */
/* log_tally.c - which frames a format holds back, judged by its bytes */
#include "log_tally.h"

#include <string.h>

/* The two neighbours that together weigh least become one row. */
static void
make_room(struct evcan_log_tally_ *tally)
{
	size_t best = 0;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i + 1 < tally->n; i++) {
		const uint64_t both = tally->rows[i].grown +
		    tally->rows[i + 1].grown;

		if (both < least) {
			least = both;
			best = i;
		}
	}
	tally->rows[best + 1].grown = least;
	tally->n--;
	memmove(tally->rows + best, tally->rows + best + 1,
	    (tally->n - best) * sizeof(tally->rows[0]));
}

void
evcan_log_tally_add_(struct evcan_log_tally_ *tally, uint64_t frames,
    uint64_t held)
{
	const uint64_t grown = held > tally->held ? held - tally->held : 0;

	tally->held = held;
	if (held == 0) {
		tally->n = 0;
		tally->settled = frames;
		return;
	}
	if (tally->n == EVCAN_LOG_TALLY_ROWS)
		make_room(tally);
	tally->rows[tally->n].frames = frames;
	tally->rows[tally->n].grown = grown;
	tally->n++;
}

uint64_t
evcan_log_tally_settle_(struct evcan_log_tally_ *tally, uint64_t held)
{
	size_t keep = tally->n;
	uint64_t sum = 0;

	while (keep > 0 && sum < held)
		sum += tally->rows[--keep].grown;
	if (keep > 0) {
		tally->settled = tally->rows[keep - 1].frames;
		tally->n -= keep;
		memmove(tally->rows, tally->rows + keep,
		    tally->n * sizeof(tally->rows[0]));
	}
	tally->held = held;
	return tally->settled;
}

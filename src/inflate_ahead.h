/* SPDX-License-Identifier: BSD-3-Clause */
/* inflate_ahead.h - blocks inflated by helpers before it is their turn */
#ifndef EVCAN_INFLATE_AHEAD_H
#define EVCAN_INFLATE_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"

struct evcan_error;

/*
 * Helps whoever reads a log of compressed blocks, and changes nothing of what
 * is read: a block that was put, and asked for with the same bytes, may be
 * there already. If it is not, or was not found good, the caller inflates it
 * as if there were no helpers. All functions are for one thread.
 */
struct evcan_inflate_ahead_;

/* The sentence of every `threads` row: INT, 0 to EVCAN_INFLATE_THREADS. */
#define EVCAN_INFLATE_HELP \
	"threads that uncompress besides the one that reads"
#define EVCAN_INFLATE_THREADS 16

/* Smaller blocks are not worth it, of larger ones too many bytes were held. */
#define EVCAN_INFLATE_AHEAD_LEAST (8u << 10)
#define EVCAN_INFLATE_AHEAD_MOST (1u << 20)

/* Threads start when the first block is put.
 * @param threads at least 1
 * @return NULL: out of memory */
struct evcan_inflate_ahead_ *evcan_inflate_ahead_new_(
    enum evcan_codec_ codec, unsigned threads);
/* Ends the helpers, which at most finish a block each. NULL is ignored. */
void evcan_inflate_ahead_free_(struct evcan_inflate_ahead_ *ahead);

/* Whether a block may be put. */
bool evcan_inflate_ahead_has_room_(const struct evcan_inflate_ahead_ *ahead);
/* Copies a block, if it is one to be worked on ahead.
 * @param key its place: higher than those before
 * @param size what it inflates to at most, as far as is known */
void evcan_inflate_ahead_put_(struct evcan_inflate_ahead_ *ahead,
    uint64_t key, const void *src, size_t n, size_t size);

struct evcan_inflated_ahead_ {
	const uint8_t *data;   /* until the next call */
	size_t len;
	size_t used;           /* of the block's bytes */
};

/* Gives a whole, good block that was put, and forgets those before it. May
 * wait for it, and meanwhile works on another.
 * @param inflater the caller's own
 * @param n bytes of the block: as many as were put
 * @return false: the caller has to inflate it */
bool evcan_inflate_ahead_get_(struct evcan_inflate_ahead_ *ahead,
    struct evcan_inflater_ *inflater, uint64_t key, size_t n,
    struct evcan_inflated_ahead_ *block);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* squeeze.h - blocks compressed in order, by the caller or by helpers */
#ifndef EVCAN_SQUEEZE_H
#define EVCAN_SQUEEZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"

struct evcan_error;
struct evcan_squeeze_;

/* The sentence of every `threads` row: INT, 0 to EVCAN_SQUEEZE_THREADS. */
#define EVCAN_SQUEEZE_HELP \
	"threads that compress besides the one that writes"
#define EVCAN_SQUEEZE_THREADS 16

/* One block, its bytes valid until the next evcan_squeeze_get_(). */
struct evcan_squeezed_ {
	const uint8_t *data;
	size_t len;
	size_t original;     /* its length before */
	uint64_t tag;        /* as given to evcan_squeeze_put_() */
};

/* @param threads 0: evcan_squeeze_put_() compresses itself
 * @return NULL with err */
struct evcan_squeeze_ *evcan_squeeze_new_(enum evcan_codec_ codec,
    enum evcan_wrap_ wrap, int level, unsigned threads,
    struct evcan_error *err);
/* Ends the helpers; blocks not fetched are gone. NULL is ignored. */
void evcan_squeeze_free_(struct evcan_squeeze_ *squeeze);

/* Whether a block may be put now without fetching one first. */
bool evcan_squeeze_has_room_(struct evcan_squeeze_ *squeeze);
/* Copies a block. @return 0, or EVCAN_ERR_NOMEM, EVCAN_ERR_FULL: nothing
 * was taken */
int evcan_squeeze_put_(struct evcan_squeeze_ *squeeze, const void *data,
    size_t n, uint64_t tag);
/* The next block in the order they were put.
 * @param wait for it, if one is being worked on
 * @return false: none is (yet) ready */
bool evcan_squeeze_get_(struct evcan_squeeze_ *squeeze, bool wait,
    struct evcan_squeezed_ *block);
/* Bytes put and not fetched, before compression. */
size_t evcan_squeeze_held_(const struct evcan_squeeze_ *squeeze);

#endif

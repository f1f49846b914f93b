/* SPDX-License-Identifier: BSD-3-Clause */
/* gunzip.h - a gzip file unpacked as a stream, member after member */
#ifndef EVCAN_GUNZIP_H
#define EVCAN_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evcan_error;
struct evcan_gunzip_;

#define EVCAN_GZIP_MAGIC "\x1f\x8b"

/* @return NULL with err */
struct evcan_gunzip_ *evcan_gunzip_new_(struct evcan_error *err);
void evcan_gunzip_free_(struct evcan_gunzip_ *gunzip);
/* Back to a file's start. */
void evcan_gunzip_reset_(struct evcan_gunzip_ *gunzip);

/*
 * Unpacks what fits: takes *used bytes of src and gives *got bytes of dst.
 * Zeros behind a member (tape padding) are passed over; after damage it goes
 * on behind the next member's magic number, if there is one.
 * @param end nothing follows src
 * @return 0, or EVCAN_ERR_SYNTAX with err, once for each fault (a member cut
 * off by the end, damaged, a wrong checksum, no gzip at all behind a member):
 * what came before it was given by then, and it may be called on
 */
int evcan_gunzip_run_(struct evcan_gunzip_ *gunzip, const uint8_t *src,
    size_t n, bool end, size_t *used, uint8_t *dst, size_t size,
    size_t *got, struct evcan_error *err);

#endif

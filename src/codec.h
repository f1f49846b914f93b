/* SPDX-License-Identifier: BSD-3-Clause */
/* codec.h - deflate and inflate by whichever library is fastest here */
#ifndef EVCAN_CODEC_H
#define EVCAN_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evcan_error;

/*
 * zlib is always there; libdeflate and ISA-L where configure found them.
 * Everything is done on whole buffers. An object belongs to one thread at a
 * time.
 */

/* The words of every `codec` row: a CHOICE whose index is enum
 * evcan_codec_. */
#define EVCAN_CODEC_CHOICES "auto zlib libdeflate isal"
#define EVCAN_CODEC_HELP \
	"library for compressed data: auto takes the fastest there is"
enum evcan_codec_ {
	EVCAN_CODEC_AUTO,
	EVCAN_CODEC_ZLIB,
	EVCAN_CODEC_LIBDEFLATE,
	EVCAN_CODEC_ISAL
};

enum evcan_wrap_ {
	EVCAN_WRAP_ZLIB,    /* RFC 1950, with Adler-32 */
	EVCAN_WRAP_GZIP     /* RFC 1952, one member */
};

/* "zlib", "libdeflate", "isal"; and whether it was built in. */
const char *evcan_codec_name_(enum evcan_codec_ codec);
bool evcan_codec_is_built_in_(enum evcan_codec_ codec);

struct evcan_deflater_;

/* @param level 0 (stored) to 9; -1 is 1, the right one for live data.
 * @return NULL with err: not built in, out of memory */
struct evcan_deflater_ *evcan_deflater_new_(enum evcan_codec_ codec,
    enum evcan_wrap_ wrap, int level, struct evcan_error *err);
void evcan_deflater_free_(struct evcan_deflater_ *deflater);
/* Room that n bytes need at most. */
size_t evcan_deflater_bound_(const struct evcan_deflater_ *deflater,
    size_t n);
/* @return bytes written to dst, 0 if they do not fit into size */
size_t evcan_deflater_run_(struct evcan_deflater_ *deflater,
    const void *src, size_t n, void *dst, size_t size);

struct evcan_inflater_;

enum evcan_inflated_ {
	EVCAN_INFLATED,           /* all of it, checksum right */
	EVCAN_INFLATED_SHORT,     /* the input ends inside: *got bytes came */
	EVCAN_INFLATED_BAD,       /* the input is damaged: *got bytes came */
	EVCAN_INFLATED_FULL,      /* dst is too small: nothing is told of it */
	EVCAN_INFLATED_NOMEM
};

/* Reads RFC 1950 (zlib) streams. @return NULL with err */
struct evcan_inflater_ *evcan_inflater_new_(enum evcan_codec_ codec,
    struct evcan_error *err);
void evcan_inflater_free_(struct evcan_inflater_ *inflater);
/* @param used bytes of src that belong to the stream, may be NULL. Damaged
 * and cut streams give the bytes before the damage, by zlib if need be. */
enum evcan_inflated_ evcan_inflater_run_(struct evcan_inflater_ *inflater,
    const void *src, size_t n, size_t *used, void *dst, size_t size,
    size_t *got);

#endif

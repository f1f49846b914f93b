/* SPDX-License-Identifier: BSD-3-Clause */
/* codec.c - deflate and inflate by whichever library is fastest here */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "codec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include <evcan/error.h>

/*
 * One row a library, each with its own state behind a pointer. zlib is the
 * judge: what another library does not inflate to its end is done again by
 * zlib, which gives every byte before the damage.
 */

/* zlib and ISA-L count in 32 bits, some of them signed. */
#define MOST INT32_MAX

struct evcan_deflater_ {
	const struct codec *codec;
	enum evcan_wrap_ wrap;
	int level;
	void *state;
};

struct evcan_inflater_ {
	const struct codec *codec;
	void *state;         /* of the codec; zlib itself has none here */
	z_stream *judge;     /* NULL until it is needed */
};

struct codec {
	const char *name;
	/* NULL: out of memory */
	void *(*deflate_new)(enum evcan_wrap_ wrap, int level);
	void (*deflate_free)(void *state);
	size_t (*bound)(const struct evcan_deflater_ *deflater, size_t n);
	size_t (*deflate)(struct evcan_deflater_ *deflater, const void *src,
	    size_t n, void *dst, size_t size);
	/* Absent where zlib does it anyway. */
	void *(*inflate_new)(void);
	void (*inflate_free)(void *state);
	/* @return false: zlib shall tell why (a cut stream may look to
	 * others as one for which dst is too small) */
	bool (*inflate)(void *state, const void *src, size_t n, size_t *used,
	    void *dst, size_t size, size_t *got);
};

/* zlib */

static void *
zlib_deflate_new(enum evcan_wrap_ wrap, int level)
{
	z_stream *z = calloc(1, sizeof(*z));
	const int bits = wrap == EVCAN_WRAP_GZIP ? MAX_WBITS + 16 : MAX_WBITS;
	/* More memory makes the fast levels faster and their output smaller,
	 * the others slower. */
	const int memory = level == 1 || level == 2 ? 9 : 8;

	if (z == NULL)
		return NULL;
	if (deflateInit2(z, level, Z_DEFLATED, bits, memory,
	    Z_DEFAULT_STRATEGY) == Z_OK)
		return z;
	free(z);
	return NULL;
}

static void
zlib_deflate_free(void *state)
{
	deflateEnd(state);
	free(state);
}

static size_t
zlib_bound(const struct evcan_deflater_ *deflater, size_t n)
{
	return deflateBound(deflater->state, (uLong)n);
}

static size_t
zlib_deflate(struct evcan_deflater_ *deflater, const void *src, size_t n,
    void *dst, size_t size)
{
	z_stream *z = deflater->state;

	deflateReset(z);
	/* As level 1 is, but strings inside of a match are not remembered:
	 * 6 to 10 % faster on logs, of which frames repeat as wholes. A reset
	 * forgets it. */
	if (deflater->level == 1)
		deflateTune(z, 4, 0, 8, 4);
	z->next_in = (Bytef *)(uintptr_t)src;
	z->avail_in = (uInt)n;
	z->next_out = dst;
	z->avail_out = (uInt)size;
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return 0;
	return size - z->avail_out;
}

static z_stream *
judge_new(void)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (z != NULL && inflateInit(z) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static void
judge_free(z_stream *z)
{
	if (z != NULL)
		inflateEnd(z);
	free(z);
}

/* dst is full and the stream is not at its end: is there one byte more? */
static int
judge_beyond(z_stream *z, enum evcan_inflated_ *result)
{
	Bytef extra;
	int got;

	z->next_out = &extra;
	z->avail_out = 1;
	got = inflate(z, Z_FINISH);
	if (z->avail_out == 0)
		*result = EVCAN_INFLATED_FULL;
	return got;
}

static enum evcan_inflated_
judge_inflate(z_stream *z, const void *src, size_t n, size_t *used,
    void *dst, size_t size, size_t *got)
{
	enum evcan_inflated_ result = EVCAN_INFLATED;
	int end;

	inflateReset(z);
	z->next_in = (Bytef *)(uintptr_t)src;
	z->avail_in = (uInt)n;
	z->next_out = dst;
	z->avail_out = (uInt)size;
	end = inflate(z, Z_FINISH);
	*got = size - z->avail_out;
	if (z->avail_out == 0 && (end == Z_BUF_ERROR || end == Z_OK))
		end = judge_beyond(z, &result);
	*used = n - z->avail_in;
	if (end == Z_STREAM_END || result == EVCAN_INFLATED_FULL)
		return result;
	if (end == Z_MEM_ERROR)
		return EVCAN_INFLATED_NOMEM;
	return end == Z_BUF_ERROR || end == Z_OK ? EVCAN_INFLATED_SHORT :
	    EVCAN_INFLATED_BAD;
}

/* libdeflate */

#ifdef HAVE_LIBDEFLATE
static void *
libdeflate_deflate_new(enum evcan_wrap_ wrap, int level)
{
	(void)wrap;
	return libdeflate_alloc_compressor(level);
}

static void
libdeflate_deflate_free(void *state)
{
	libdeflate_free_compressor(state);
}

static size_t
libdeflate_bound(const struct evcan_deflater_ *deflater, size_t n)
{
	if (deflater->wrap == EVCAN_WRAP_GZIP)
		return libdeflate_gzip_compress_bound(deflater->state, n);
	return libdeflate_zlib_compress_bound(deflater->state, n);
}

static size_t
libdeflate_deflate(struct evcan_deflater_ *deflater, const void *src,
    size_t n, void *dst, size_t size)
{
	if (deflater->wrap == EVCAN_WRAP_GZIP)
		return libdeflate_gzip_compress(deflater->state, src, n, dst,
		    size);
	return libdeflate_zlib_compress(deflater->state, src, n, dst, size);
}

static void *
libdeflate_inflate_new(void)
{
	return libdeflate_alloc_decompressor();
}

static void
libdeflate_inflate_free(void *state)
{
	libdeflate_free_decompressor(state);
}

static bool
libdeflate_inflate(void *state, const void *src, size_t n, size_t *used,
    void *dst, size_t size, size_t *got)
{
	return libdeflate_zlib_decompress_ex(state, src, n, dst, size, used,
	    got) == LIBDEFLATE_SUCCESS;
}
#endif

/* ISA-L */

#ifdef HAVE_ISAL
/* Its levels of these: the same ratio at several times the speed. */
static const struct {
	uint8_t level;
	uint32_t size;
} isal_levels[10] = {
	{ 0, ISAL_DEF_LVL0_DEFAULT }, { 1, ISAL_DEF_LVL1_DEFAULT },
	{ 2, ISAL_DEF_LVL2_DEFAULT }, { 2, ISAL_DEF_LVL2_DEFAULT },
	{ 3, ISAL_DEF_LVL3_DEFAULT }, { 3, ISAL_DEF_LVL3_DEFAULT },
	{ 3, ISAL_DEF_LVL3_DEFAULT }, { 3, ISAL_DEF_LVL3_DEFAULT },
	{ 3, ISAL_DEF_LVL3_DEFAULT }, { 3, ISAL_DEF_LVL3_DEFAULT }
};

struct isal_deflater {
	struct isal_zstream stream;
	uint8_t room[];
};

static void *
isal_deflate_new(enum evcan_wrap_ wrap, int level)
{
	struct isal_deflater *isal = malloc(sizeof(*isal) +
	    isal_levels[level].size);

	(void)wrap;
	/* Its "stateless_init" leaves some fields as they are: a small
	 * hist_bits there makes the output twice as large. */
	if (isal != NULL)
		memset(&isal->stream, 0, sizeof(isal->stream));
	return isal;
}

/* What it does not press it stores, in blocks of up to 64 KiB. */
static size_t
isal_bound(const struct evcan_deflater_ *deflater, size_t n)
{
	(void)deflater;
	return n + n / 4096 + 512;
}

static size_t
isal_deflate_run(struct evcan_deflater_ *deflater, const void *src, size_t n,
    void *dst, size_t size)
{
	struct isal_deflater *isal = deflater->state;
	struct isal_zstream *stream = &isal->stream;

	isal_deflate_stateless_init(stream);
	stream->level = isal_levels[deflater->level].level;
	stream->level_buf = isal->room;
	stream->level_buf_size = isal_levels[deflater->level].size;
	stream->gzip_flag = deflater->wrap == EVCAN_WRAP_GZIP ? IGZIP_GZIP :
	    IGZIP_ZLIB;
	stream->end_of_stream = 1;
	stream->flush = NO_FLUSH;
	stream->next_in = (uint8_t *)(uintptr_t)src;
	stream->avail_in = (uint32_t)n;
	stream->next_out = dst;
	stream->avail_out = (uint32_t)size;
	if (isal_deflate_stateless(stream) != COMP_OK ||
	    stream->avail_in != 0)
		return 0;
	return size - stream->avail_out;
}

static void *
isal_inflate_new(void)
{
	struct inflate_state *isal = malloc(sizeof(*isal));

	if (isal != NULL)
		isal_inflate_init(isal);
	return isal;
}

static bool
isal_inflate_run(void *state, const void *src, size_t n, size_t *used,
    void *dst, size_t size, size_t *got)
{
	struct inflate_state *isal = state;

	isal_inflate_reset(isal);
	isal->crc_flag = ISAL_ZLIB;
	isal->hist_bits = 0;
	isal->next_in = (uint8_t *)(uintptr_t)src;
	isal->avail_in = (uint32_t)n;
	isal->next_out = dst;
	isal->avail_out = (uint32_t)size;
	if (isal_inflate_stateless(isal) != ISAL_DECOMP_OK ||
	    isal->block_state != ISAL_BLOCK_FINISH)
		return false;
	*used = n - isal->avail_in;
	*got = size - isal->avail_out;
	return true;
}
#endif

/* The table, by enum evcan_codec_ */

static const struct codec codecs[] = {
	[EVCAN_CODEC_AUTO] = { .name = "auto" },
	[EVCAN_CODEC_ZLIB] = {
		.name = "zlib",
		.deflate_new = zlib_deflate_new,
		.deflate_free = zlib_deflate_free,
		.bound = zlib_bound,
		.deflate = zlib_deflate
	},
	[EVCAN_CODEC_LIBDEFLATE] = {
		.name = "libdeflate",
#ifdef HAVE_LIBDEFLATE
		.deflate_new = libdeflate_deflate_new,
		.deflate_free = libdeflate_deflate_free,
		.bound = libdeflate_bound,
		.deflate = libdeflate_deflate,
		.inflate_new = libdeflate_inflate_new,
		.inflate_free = libdeflate_inflate_free,
		.inflate = libdeflate_inflate
#endif
	},
	[EVCAN_CODEC_ISAL] = {
		.name = "isal",
#ifdef HAVE_ISAL
		.deflate_new = isal_deflate_new,
		.deflate_free = free,
		.bound = isal_bound,
		.deflate = isal_deflate_run,
		.inflate_new = isal_inflate_new,
		.inflate_free = free,
		.inflate = isal_inflate_run
#endif
	}
};

#define CODECS (sizeof(codecs) / sizeof(*codecs))

const char *
evcan_codec_name_(enum evcan_codec_ codec)
{
	return (size_t)codec < CODECS ? codecs[codec].name : "unknown";
}

bool
evcan_codec_is_built_in_(enum evcan_codec_ codec)
{
	return codec == EVCAN_CODEC_AUTO || ((size_t)codec < CODECS &&
	    codecs[codec].deflate_new != NULL);
}

/* The first of two that is built in, else zlib. */
static enum evcan_codec_
first_of(enum evcan_codec_ a, enum evcan_codec_ b)
{
	if (evcan_codec_is_built_in_(a))
		return a;
	return evcan_codec_is_built_in_(b) ? b : EVCAN_CODEC_ZLIB;
}

static enum evcan_codec_
pick_deflate(enum evcan_codec_ codec, int level)
{
	/* ISA-L cannot just store. */
	if (level == 0 && (codec == EVCAN_CODEC_AUTO ||
	    (codec == EVCAN_CODEC_ISAL && evcan_codec_is_built_in_(codec))))
		return first_of(EVCAN_CODEC_LIBDEFLATE, EVCAN_CODEC_ZLIB);
	if (codec != EVCAN_CODEC_AUTO)
		return codec;
	return first_of(level == 1 ? EVCAN_CODEC_ISAL :
	    EVCAN_CODEC_LIBDEFLATE, EVCAN_CODEC_LIBDEFLATE);
}

static const struct codec *
find(enum evcan_codec_ codec, struct evcan_error *err)
{
	if (evcan_codec_is_built_in_(codec))
		return &codecs[codec];
	evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0, "this libevcan was "
	    "built without %s: use codec=auto or codec=zlib",
	    evcan_codec_name_(codec));
	return NULL;
}

struct evcan_deflater_ *
evcan_deflater_new_(enum evcan_codec_ codec, enum evcan_wrap_ wrap,
    int level, struct evcan_error *err)
{
	struct evcan_deflater_ *deflater;
	const struct codec *found;

	if (level == -1)
		level = 1;
	if (level < 0 || level > 9) {
		evcan_error_set(err, EVCAN_ERR_INVALID, 0, "compression level "
		    "%d is not within 0 (stored) and 9 (smallest)", level);
		return NULL;
	}
	found = find(pick_deflate(codec, level), err);
	if (found == NULL)
		return NULL;
	deflater = malloc(sizeof(*deflater));
	if (deflater != NULL) {
		deflater->codec = found;
		deflater->wrap = wrap;
		deflater->level = level;
		deflater->state = found->deflate_new(wrap, level);
		if (deflater->state != NULL)
			return deflater;
		free(deflater);
	}
	evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "no memory to compress with %s", found->name);
	return NULL;
}

void
evcan_deflater_free_(struct evcan_deflater_ *deflater)
{
	if (deflater == NULL)
		return;
	deflater->codec->deflate_free(deflater->state);
	free(deflater);
}

size_t
evcan_deflater_bound_(const struct evcan_deflater_ *deflater, size_t n)
{
	return deflater->codec->bound(deflater, n);
}

size_t
evcan_deflater_run_(struct evcan_deflater_ *deflater, const void *src,
    size_t n, void *dst, size_t size)
{
	if (n > MOST)
		return 0;
	if (size > MOST)
		size = MOST;
	return deflater->codec->deflate(deflater, src, n, dst, size);
}

struct evcan_inflater_ *
evcan_inflater_new_(enum evcan_codec_ codec, struct evcan_error *err)
{
	struct evcan_inflater_ *inflater;
	const struct codec *found;

	if (codec == EVCAN_CODEC_AUTO)
		codec = first_of(EVCAN_CODEC_LIBDEFLATE, EVCAN_CODEC_ISAL);
	found = find(codec, err);
	if (found == NULL)
		return NULL;
	inflater = calloc(1, sizeof(*inflater));
	if (inflater != NULL) {
		inflater->codec = found;
		if (found->inflate == NULL)
			inflater->judge = judge_new();
		else
			inflater->state = found->inflate_new();
		if (inflater->judge != NULL || inflater->state != NULL)
			return inflater;
		free(inflater);
	}
	evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "no memory to uncompress with %s", found->name);
	return NULL;
}

void
evcan_inflater_free_(struct evcan_inflater_ *inflater)
{
	if (inflater == NULL)
		return;
	if (inflater->state != NULL)
		inflater->codec->inflate_free(inflater->state);
	judge_free(inflater->judge);
	free(inflater);
}

enum evcan_inflated_
evcan_inflater_run_(struct evcan_inflater_ *inflater, const void *src,
    size_t n, size_t *used, void *dst, size_t size, size_t *got)
{
	size_t unused;

	if (used == NULL)
		used = &unused;
	*used = *got = 0;
	if (n > MOST)
		n = MOST;
	if (size > MOST)
		size = MOST;
	if (inflater->state != NULL) {
		if (inflater->codec->inflate(inflater->state, src, n, used,
		    dst, size, got))
			return EVCAN_INFLATED;
		if (inflater->judge == NULL)
			inflater->judge = judge_new();
		if (inflater->judge == NULL)
			return EVCAN_INFLATED_NOMEM;
	}
	return judge_inflate(inflater->judge, src, n, used, dst, size, got);
}

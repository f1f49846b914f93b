/* SPDX-License-Identifier: BSD-3-Clause */
/* test_codec.c - every codec against zlib, whole, cut and damaged */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include <evcan/error.h>

#include "codec.h"

#define CODECS (EVCAN_CODEC_ISAL + 1)

/* The bytes of some kinds of blocks. */
#define KINDS 5
#define BLOCK (128u << 10)

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* @return its length */
static size_t
fill(uint8_t *block, int kind)
{
	uint32_t state = 7;
	size_t len = BLOCK;

	switch (kind) {
	case 0:
		return 0;
	case 1:
		*block = 'x';
		return 1;
	case 2:
		memset(block, 0, len);
		return len;
	case 3:
		for (size_t i = 0; i < len; i++)
			block[i] = (uint8_t)next_random(&state);
		return len;
	default:
		/* Records that differ in some bytes, as a log's. */
		for (size_t i = 0; i < len; i++)
			block[i] = i % 48 < 38 ? (uint8_t)(i % 48) :
			    (uint8_t)(next_random(&state) & 0x1f);
		return len - 5;
	}
}

/* What zlib makes of it. */
static void
check_by_zlib(enum evcan_wrap_ wrap, const uint8_t *packed, size_t len,
    const uint8_t *block, size_t n)
{
	z_stream z = { .next_in = (Bytef *)packed, .avail_in = (uInt)len };
	uint8_t *back = malloc(n + 1);

	assert_non_null(back);
	assert_int_equal(inflateInit2(&z, wrap == EVCAN_WRAP_GZIP ? 31 : 15),
	    Z_OK);
	z.next_out = back;
	z.avail_out = (uInt)n + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.avail_out, 1);
	assert_memory_equal(back, block, n);
	inflateEnd(&z);
	free(back);
}

static void
test_deflate(void **unused)
{
	uint8_t *block = malloc(BLOCK);

	(void)unused;
	for (unsigned i = 0; i < CODECS * 2u * 11u; i++) {
		const enum evcan_codec_ codec = i % CODECS;
		const enum evcan_wrap_ wrap = i / CODECS % 2;
		const int level = (int)(i / CODECS / 2) - 1;
		struct evcan_deflater_ *deflater;

		if (!evcan_codec_is_built_in_(codec))
			continue;
		deflater = evcan_deflater_new_(codec, wrap, level, NULL);
		assert_non_null(deflater);
		for (int kind = 0; kind < KINDS * 2; kind++) {
			const size_t n = fill(block, kind % KINDS);
			const size_t bound = evcan_deflater_bound_(deflater,
			    n);
			uint8_t *packed = malloc(bound);
			size_t len;

			/* ASan watches the end of an exact buffer. */
			assert_non_null(packed);
			len = evcan_deflater_run_(deflater, block, n, packed,
			    bound);
			assert_in_range(len, 1, bound);
			check_by_zlib(wrap, packed, len, block, n);
			if (kind % KINDS == 2 && level != 0)
				assert_in_range(len, 1, 2000);
			if (level == 0)
				assert_true(len >= n);
			assert_int_equal(evcan_deflater_run_(deflater, block,
			    n, packed, len / 2), 0);
			free(packed);
		}
		evcan_deflater_free_(deflater);
	}
	free(block);
}

struct stream {
	uint8_t *block, *packed, *back;
	size_t n, len;
};

static void
stream_open(struct stream *s, int kind)
{
	struct evcan_deflater_ *deflater = evcan_deflater_new_(
	    EVCAN_CODEC_ZLIB, EVCAN_WRAP_ZLIB, 6, NULL);

	assert_non_null(deflater);
	s->block = malloc(BLOCK);
	s->back = malloc(BLOCK + 1);
	assert_true(s->block != NULL && s->back != NULL);
	s->n = fill(s->block, kind);
	s->len = evcan_deflater_bound_(deflater, s->n);
	s->packed = malloc(s->len + 16);
	assert_non_null(s->packed);
	s->len = evcan_deflater_run_(deflater, s->block, s->n, s->packed,
	    s->len);
	assert_true(s->len > 0);
	evcan_deflater_free_(deflater);
}

static void
stream_close(struct stream *s)
{
	free(s->block);
	free(s->packed);
	free(s->back);
}

static void
inflate_whole(struct evcan_inflater_ *inflater, struct stream *s)
{
	size_t used = 99, got = 99;

	/* Exact room, and bytes of the next thing behind the stream. */
	memset(s->packed + s->len, 0x5a, 16);
	assert_int_equal(evcan_inflater_run_(inflater, s->packed, s->len + 16,
	    &used, s->back, s->n, &got), EVCAN_INFLATED);
	assert_int_equal(used, s->len);
	assert_int_equal(got, s->n);
	assert_memory_equal(s->back, s->block, s->n);
	assert_int_equal(evcan_inflater_run_(inflater, s->packed, s->len,
	    NULL, s->back, s->n + 1, &got), EVCAN_INFLATED);
	assert_int_equal(got, s->n);
	if (s->n > 0)
		assert_int_equal(evcan_inflater_run_(inflater, s->packed,
		    s->len, NULL, s->back, s->n - 1, &got),
		    EVCAN_INFLATED_FULL);
}

static void
inflate_cut(struct evcan_inflater_ *inflater, struct stream *s)
{
	size_t got, last = 0;

	for (size_t i = 0; i <= 200; i++) {
		const size_t cut = i == 200 ? s->len - 1 : s->len * i / 200;
		uint8_t *copy = malloc(cut + 1);

		/* ASan watches that nothing behind the cut is read. */
		assert_non_null(copy);
		memcpy(copy, s->packed, cut);
		copy = realloc(copy, cut > 0 ? cut : 1);
		assert_int_equal(evcan_inflater_run_(inflater, copy, cut,
		    NULL, s->back, BLOCK, &got), EVCAN_INFLATED_SHORT);
		assert_in_range(got, last, s->n);
		assert_memory_equal(s->back, s->block, got);
		last = got;
		free(copy);
	}
	/* Only a part of the checksum was missing. */
	assert_int_equal(last, s->n);
}

static void
inflate_damaged(struct evcan_inflater_ *inflater, struct stream *s)
{
	size_t got;

	s->packed[s->len - 1] ^= 1;
	assert_int_equal(evcan_inflater_run_(inflater, s->packed, s->len,
	    NULL, s->back, BLOCK, &got), EVCAN_INFLATED_BAD);
	assert_int_equal(got, s->n);
	assert_memory_equal(s->back, s->block, s->n);
	s->packed[s->len - 1] ^= 1;
	s->packed[0] ^= 0x55;
	assert_int_equal(evcan_inflater_run_(inflater, s->packed, s->len,
	    NULL, s->back, BLOCK, &got), EVCAN_INFLATED_BAD);
	assert_int_equal(got, 0);
	s->packed[0] ^= 0x55;
	/* In short streams many bits mean nothing, as in the last byte. */
	for (size_t i = 3; s->len > 1000 && i + 6 < s->len; i += 1 + s->len / 100) {
		s->packed[i] ^= 0x10;
		assert_int_not_equal(evcan_inflater_run_(inflater, s->packed,
		    s->len, NULL, s->back, BLOCK, &got), EVCAN_INFLATED);
		s->packed[i] ^= 0x10;
	}
}

static void
test_inflate(void **unused)
{
	(void)unused;
	for (unsigned codec = 0; codec < CODECS; codec++) {
		struct evcan_inflater_ *inflater;

		if (!evcan_codec_is_built_in_(codec))
			continue;
		inflater = evcan_inflater_new_(codec, NULL);
		assert_non_null(inflater);
		for (int kind = 0; kind < KINDS; kind++) {
			struct stream s;

			stream_open(&s, kind);
			inflate_whole(inflater, &s);
			inflate_cut(inflater, &s);
			inflate_damaged(inflater, &s);
			inflate_whole(inflater, &s);
			stream_close(&s);
		}
		evcan_inflater_free_(inflater);
	}
}

/* The bytes before the damage are the same whatever the codec. */
static void
test_same_rest(void **unused)
{
	struct evcan_inflater_ *inflaters[CODECS];
	size_t got[CODECS];
	struct stream s;
	uint8_t *other = malloc(BLOCK);

	(void)unused;
	stream_open(&s, 4);
	for (unsigned c = 0; c < CODECS; c++)
		inflaters[c] = evcan_codec_is_built_in_(c) ?
		    evcan_inflater_new_(c, NULL) : NULL;
	for (size_t i = 2; i < s.len; i += 1 + s.len / 60) {
		s.packed[i] ^= 0x41;
		evcan_inflater_run_(inflaters[EVCAN_CODEC_ZLIB], s.packed,
		    s.len, NULL, other, BLOCK, &got[EVCAN_CODEC_ZLIB]);
		for (unsigned c = 0; c < CODECS; c++) {
			if (inflaters[c] == NULL || evcan_inflater_run_(
			    inflaters[c], s.packed, s.len, NULL, s.back,
			    BLOCK, &got[c]) == EVCAN_INFLATED_FULL)
				continue;
			assert_int_equal(got[c], got[EVCAN_CODEC_ZLIB]);
			assert_memory_equal(s.back, other, got[c]);
		}
		s.packed[i] ^= 0x41;
	}
	for (unsigned c = 0; c < CODECS; c++)
		evcan_inflater_free_(inflaters[c]);
	stream_close(&s);
	free(other);
}

static void
test_refused(void **unused)
{
	struct evcan_error err = { 0 };

	(void)unused;
	assert_null(evcan_deflater_new_(EVCAN_CODEC_AUTO, EVCAN_WRAP_ZLIB, 10,
	    &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	assert_non_null(strstr(err.text, "10"));
	assert_true(evcan_codec_is_built_in_(EVCAN_CODEC_ZLIB));
	assert_true(evcan_codec_is_built_in_(EVCAN_CODEC_AUTO));
	assert_false(evcan_codec_is_built_in_(CODECS));
	for (unsigned codec = 0; codec < CODECS; codec++) {
		if (evcan_codec_is_built_in_(codec))
			continue;
		evcan_error_clear(&err);
		assert_null(evcan_deflater_new_(codec, EVCAN_WRAP_ZLIB, 1,
		    &err));
		assert_int_equal(err.code, EVCAN_ERR_UNSUPPORTED);
		assert_non_null(strstr(err.text, evcan_codec_name_(codec)));
		evcan_error_clear(&err);
		assert_null(evcan_inflater_new_(codec, &err));
		assert_int_equal(err.code, EVCAN_ERR_UNSUPPORTED);
	}
	assert_string_equal(evcan_codec_name_(EVCAN_CODEC_ISAL), "isal");
	assert_string_equal(evcan_codec_name_(EVCAN_CODEC_ZLIB), "zlib");
	evcan_deflater_free_(NULL);
	evcan_inflater_free_(NULL);
}

/* Memory that was used before changes nothing of what is written. */
static void
test_used_memory(void **state)
{
	static uint8_t block[BLOCK], packed[2][BLOCK + 4096];
	const size_t n = fill(block, 4), used = 1 << 20;

	(void)state;
	for (int codec = EVCAN_CODEC_ZLIB; codec < CODECS; codec++) {
		size_t len[2] = { 0 };

		if (!evcan_codec_is_built_in_((enum evcan_codec_)codec))
			continue;
		for (int i = 0; i < 2; i++) {
			struct evcan_deflater_ *deflater;
			uint8_t *p = malloc(used);

			assert_non_null(p);
			for (size_t k = 0; k < used; k++)
				((volatile uint8_t *)p)[k] = i == 1 &&
				    k % 2 == 0 ? 9 : 0;
			free(p);
			deflater = evcan_deflater_new_(
			    (enum evcan_codec_)codec, EVCAN_WRAP_ZLIB, 1,
			    NULL);
			assert_non_null(deflater);
			len[i] = evcan_deflater_run_(deflater, block, n,
			    packed[i], sizeof(packed[i]));
			evcan_deflater_free_(deflater);
		}
		assert_true(len[0] > 0);
		assert_int_equal(len[0], len[1]);
		assert_memory_equal(packed[0], packed[1], len[0]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deflate),
		cmocka_unit_test(test_inflate),
		cmocka_unit_test(test_same_rest),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_used_memory)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_gunzip.c - gzip files of any shape, whole, cut and damaged */
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

#include "gunzip.h"

struct bytes {
	uint8_t *data;
	size_t len, size;
};

static void
append(struct bytes *to, const void *data, size_t n)
{
	if (to->len + n >= to->size) {
		to->size = 2 * to->size + n + 1;
		to->data = realloc(to->data, to->size);
		assert_non_null(to->data);
	}
	if (n > 0)
		memcpy(to->data + to->len, data, n);
	to->len += n;
}

/* Lines that differ, as a log's. */
static void
append_text(struct bytes *to, unsigned lines, uint32_t state)
{
	char line[64];

	while (lines-- > 0) {
		state = state * 1664525u + 1013904223u;
		snprintf(line, sizeof(line), "(%u.%06u) can0 %03X#%08X\n",
		    lines, state >> 13, state >> 20 & 0x7ff, state ^ 0x5a5a);
		append(to, line, strlen(line));
	}
}

/* One member; with all that a header may have. */
static void
append_member(struct bytes *to, const struct bytes *text, int level,
    bool fields)
{
	z_stream z = { .next_in = text->data, .avail_in = (uInt)text->len };
	gz_header head = {
		.time = 1700000000,
		.name = (Bytef *)"a name.log", .comment = (Bytef *)"comment",
		.extra = (Bytef *)"ab\4\0wxyz", .extra_len = 8, .hcrc = 1
	};
	uint8_t *out;
	uLong bound;

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 31, 8,
	    Z_DEFAULT_STRATEGY), Z_OK);
	if (fields)
		assert_int_equal(deflateSetHeader(&z, &head), Z_OK);
	bound = deflateBound(&z, (uLong)text->len) + 100;
	out = malloc(bound);
	assert_non_null(out);
	z.next_out = out;
	z.avail_out = (uInt)bound;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	append(to, out, bound - z.avail_out);
	deflateEnd(&z);
	free(out);
}

/* Unpacks all of it in pieces. @return faults */
static unsigned
unpack(const uint8_t *data, size_t len, size_t in_step, size_t out_step,
    struct bytes *out, struct evcan_error *first)
{
	struct evcan_gunzip_ *gunzip = evcan_gunzip_new_(NULL);
	uint8_t *dst = malloc(out_step);
	size_t at = 0, used, got, idle = 0;
	unsigned faults = 0;

	assert_true(gunzip != NULL && dst != NULL);
	evcan_error_clear(first);
	while (idle < 3) {
		size_t n = len - at < in_step ? len - at : in_step;
		uint8_t *src = malloc(n > 0 ? n : 1);
		struct evcan_error err = { 0 };
		int r;

		/* ASan watches the ends of both. */
		assert_non_null(src);
		memcpy(src, data + at, n);
		r = evcan_gunzip_run_(gunzip, src, n, at + n == len, &used,
		    dst, out_step, &got, &err);
		assert_true(used <= n && got <= out_step);
		if (r != 0) {
			assert_int_equal(r, EVCAN_ERR_SYNTAX);
			assert_int_equal(err.code, EVCAN_ERR_SYNTAX);
			assert_int_equal(got, 0);
			if (faults++ == 0)
				*first = err;
		}
		append(out, dst, got);
		at += used;
		idle = r == 0 && got == 0 && used == 0 ? idle + 1 : 0;
		free(src);
	}
	assert_int_equal(at, len);
	free(dst);
	evcan_gunzip_free_(gunzip);
	return faults;
}

/* Two members' text, and a file with both, tape padding between. */
static void
make_file(struct bytes *text, struct bytes *file)
{
	struct bytes part = { 0 };

	append_text(&part, 300, 1);
	append_member(file, &part, 1, true);
	append(text, part.data, part.len);
	append(file, "\0\0\0\0\0", 5);
	append_text(&part, 5000, 2);
	append_member(file, &part, 6, false);
	append(text, part.data, part.len);
	free(part.data);
}

static void
test_whole(void **unused)
{
	static const size_t steps[] = { 1, 2, 7, 100, 4096, 65536, 1 << 20 };
	struct bytes text = { 0 }, file = { 0 };
	struct evcan_error err = { 0 };

	(void)unused;
	make_file(&text, &file);
	append(&file, "\0\0\0", 3);
	for (size_t i = 0; i < 7 * 7; i++) {
		struct bytes out = { 0 };

		assert_int_equal(unpack(file.data, file.len, steps[i % 7],
		    steps[i / 7], &out, &err), 0);
		assert_int_equal(out.len, text.len);
		assert_memory_equal(out.data, text.data, text.len);
		free(out.data);
	}
	free(text.data);
	free(file.data);
}

static void
test_levels(void **unused)
{
	struct bytes text = { 0 }, none = { 0 };
	struct evcan_error err = { 0 };

	(void)unused;
	append_text(&text, 4000, 3);
	append(&none, "", 0);
	for (int level = 0; level < 10; level++) {
		struct bytes file = { 0 }, out = { 0 };

		append_member(&file, &none, level, false);
		append_member(&file, &text, level, level & 1);
		append_member(&file, &none, level, true);
		assert_int_equal(unpack(file.data, file.len, 5000, 3000, &out,
		    &err), 0);
		assert_int_equal(out.len, text.len);
		assert_memory_equal(out.data, text.data, text.len);
		free(file.data);
		free(out.data);
	}
	free(text.data);
	free(none.data);
}

/* Bytes that zlib gets out of a file of one member. */
static size_t
zlib_gets(const uint8_t *data, size_t len, uint8_t *back, size_t size)
{
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)len };

	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	z.next_out = back;
	z.avail_out = (uInt)size;
	inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return size - z.avail_out;
}

/* ISA-L takes up to three literals at once: so many are missing behind a
 * symbol that is not whole. */
#define MISSING 3

/* Every byte before the cut comes out, and one fault. */
static void
test_cut(void **unused)
{
	struct bytes text = { 0 }, file = { 0 };
	uint8_t *back;

	(void)unused;
	append_text(&text, 3000, 4);
	append_member(&file, &text, 6, true);
	back = malloc(text.len);
	for (size_t i = 1; i <= 200; i++) {
		size_t cut = i == 200 ? file.len - 1 : file.len * i / 200;
		struct bytes out = { 0 };
		struct evcan_error err = { 0 };
		size_t sure;

		append(&out, "", 0);
		assert_int_equal(unpack(file.data, cut, 1 + i * 37, 10000,
		    &out, &err), 1);
		assert_non_null(strstr(err.text, "ends"));
		sure = zlib_gets(file.data, cut, back, text.len);
		assert_in_range(out.len + MISSING, sure, sure + MISSING);
		assert_memory_equal(out.data, text.data, out.len);
		free(out.data);
	}
	free(back);
	free(text.data);
	free(file.data);
}

/* Every byte before the damage comes out, and the member behind it. */
static void
test_damage(void **unused)
{
	struct bytes text = { 0 }, file = { 0 }, next = { 0 };
	size_t first, faults = 0;
	uint8_t *back = malloc(1 << 22);

	(void)unused;
	append_text(&text, 3000, 5);
	append_member(&file, &text, 6, false);
	first = file.len;
	append_text(&next, 50, 6);
	append_member(&file, &next, 6, false);
	for (size_t i = 11; i < first; i += 1 + first / 300) {
		struct bytes out = { 0 };
		struct evcan_error err = { 0 };
		size_t sure;

		file.data[i] ^= 0x24;
		/* zlib looks at the first member's bytes only. */
		sure = zlib_gets(file.data, first, back, 1 << 22);
		append(&out, "", 0);
		faults += unpack(file.data, file.len, 777, 60000, &out,
		    &err) > 0;
		assert_true(out.len + MISSING >= sure);
		assert_memory_equal(out.data, back,
		    sure < out.len ? sure : out.len);
		if (i + 8 > first) {
			assert_non_null(strstr(err.text, "checksum"));
			assert_int_equal(out.len, text.len + next.len);
		}
		if (out.len >= next.len && i > first / 4 * 3 &&
		    out.len < text.len)
			assert_memory_equal(out.data + out.len - next.len,
			    next.data, next.len);
		file.data[i] ^= 0x24;
		free(out.data);
	}
	assert_in_range(faults, 290, 310);
	free(back);
	free(text.data);
	free(file.data);
	free(next.data);
}

static void
test_strange(void **unused)
{
	struct bytes text = { 0 }, file = { 0 }, out = { 0 };
	struct evcan_error err = { 0 };

	(void)unused;
	append_text(&text, 10, 7);
	append_member(&file, &text, 6, false);
	append(&file, "rubbish \x1f\x8b\x1f\x8b\x08 and more", 23);
	append_member(&file, &text, 6, true);
	append(&out, "", 0);
	assert_int_equal(unpack(file.data, file.len, 3, 1000, &out, &err), 1);
	assert_non_null(strstr(err.text, "not gzip"));
	assert_int_equal(out.len, 2 * text.len);
	assert_memory_equal(out.data + text.len, text.data, text.len);
	out.len = 0;
	assert_int_equal(unpack((const uint8_t *)"plain text", 10, 99, 1000,
	    &out, &err), 1);
	assert_int_equal(out.len, 0);
	assert_int_equal(unpack((const uint8_t *)"", 0, 1, 1, &out, &err), 0);
	free(text.data);
	free(file.data);
	free(out.data);
}

static void
test_reset(void **unused)
{
	struct bytes text = { 0 }, file = { 0 };
	struct evcan_gunzip_ *gunzip = evcan_gunzip_new_(NULL);
	uint8_t dst[4096];
	size_t used, got;

	(void)unused;
	assert_non_null(gunzip);
	append_text(&text, 20, 8);
	append_member(&file, &text, 6, false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(evcan_gunzip_run_(gunzip, file.data,
		    i < 2 ? file.len / 2 : file.len, false, &used, dst,
		    sizeof(dst), &got, NULL), 0);
		assert_memory_equal(dst, text.data, got);
		evcan_gunzip_reset_(gunzip);
	}
	assert_int_equal(got, text.len);
	evcan_gunzip_free_(gunzip);
	evcan_gunzip_free_(NULL);
	free(text.data);
	free(file.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_strange),
		cmocka_unit_test(test_reset)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

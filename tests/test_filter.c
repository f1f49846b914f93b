/* SPDX-License-Identifier: BSD-3-Clause */
/* test_filter.c - filters beside a plain model, and their texts */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/error.h>
#include <evcan/filter.h>
#include <evcan/frame.h>

static uint32_t
rnd(uint32_t n)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (uint32_t)((s >> 32) * n >> 32);
}

/* The words of filter.h, one by one. */
static bool
model_one(const struct evcan_filter *f, const struct evcan_frame *frame)
{
	const bool ext = frame->flags & EVCAN_FRAME_EXT;
	bool match = (frame->id & f->can_mask) == (f->can_id & f->can_mask);

	if (f->format == EVCAN_FILTER_STD && ext)
		match = false;
	if (f->format == EVCAN_FILTER_EXT && !ext)
		match = false;
	return f->inverted ? !match : match;
}

static bool
model(const struct evcan_filter *f, size_t n, enum evcan_filter_join join,
    const struct evcan_frame *frame)
{
	size_t matches = 0;

	if (n == 0 || frame->flags & EVCAN_FRAME_ERR)
		return true;
	for (size_t i = 0; i < n; i++)
		matches += model_one(&f[i], frame);
	return join == EVCAN_FILTER_AND ? matches == n : matches > 0;
}

/* Few bits, so that much matches. */
static uint32_t
random_id(bool narrow)
{
	static const uint32_t bits[] = {
		0x7, 0x3f, 0x700, 0x7ff, 0x1fff, 0x10000007, 0x1fffffff
	};

	return rnd(0x20000000) & bits[rnd(narrow ? 4 : 7)];
}

static struct evcan_filter
random_filter(unsigned style)
{
	static const uint32_t masks[] = {
		0, 0x7, 0x7ff, 0x700, 0x7f0, 0x1fffffff, 0x1ffffff8,
		0x10000000, 0x1ffff7ff
	};
	struct evcan_filter f = {0};

	f.can_id = random_id(rnd(2));
	f.can_mask = masks[1 + rnd(8)];
	if (style & 1)
		f.can_mask = rnd(2) ? 0x1fffffff : 0x7ff;
	if (style & 2)
		f.inverted = rnd(8) == 0;
	if (style & 4)
		f.format = (uint8_t)rnd(3);
	if (style & 8 && rnd(50) == 0)
		f.can_mask = 0;
	return f;
}

static struct evcan_frame
random_frame(void)
{
	struct evcan_frame frame = {0};
	const bool ext = rnd(2);

	frame.id = random_id(!ext);
	frame.flags = ext ? EVCAN_FRAME_EXT : 0;
	if (rnd(20) == 0)
		frame.flags = EVCAN_FRAME_ERR;
	frame.time_ns = rnd(1000000);
	return frame;
}

#define BATCH 300
#define MOST 200

static void
like_the_model(void **state)
{
	struct evcan_filter list[MOST];
	struct evcan_frame frames[BATCH], want[BATCH];
	size_t passed = 0, dropped = 0;

	(void)state;
	for (int round = 0; round < 6000; round++) {
		const size_t n = rnd(round % 3 ? 8 : MOST);
		const enum evcan_filter_join join = rnd(4) == 0 ?
		    EVCAN_FILTER_AND : EVCAN_FILTER_OR;
		const unsigned style = rnd(16);
		struct evcan_filters *filters;
		size_t kept = 0;

		for (size_t i = 0; i < n; i++)
			list[i] = random_filter(style);
		filters = evcan_filters_new(list, n, join, NULL);
		assert_non_null(filters);
		for (size_t i = 0; i < BATCH; i++) {
			bool pass;

			frames[i] = random_frame();
			/* One that a filter names, now and then. */
			if (n > 0 && rnd(3) == 0 &&
			    frames[i].flags & EVCAN_FRAME_EXT)
				frames[i].id = list[rnd((uint32_t)n)].can_id;
			pass = model(list, n, join, &frames[i]);
			assert_int_equal(evcan_filters_match(filters,
			    &frames[i]), pass);
			if (pass)
				want[kept++] = frames[i];
		}
		assert_int_equal(evcan_filters_apply(filters, frames, BATCH),
		    kept);
		assert_memory_equal(frames, want, kept * sizeof(*want));
		passed += kept;
		dropped += BATCH - kept;
		evcan_filters_free(filters);
	}
	/* Neither side is there by accident only. */
	assert_true(passed > 100000 && dropped > 100000);
}

/* Every identifier of every format, with lists that the groups are for. */
static void
many_exact(void **state)
{
	static struct evcan_filter list[10000];
	static uint8_t wanted[1 << 18];
	struct evcan_filters *filters;
	struct evcan_frame frame = {0};

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		list[i].can_id = rnd(1 << 18);
		list[i].can_mask = EVCAN_MAX_EXT_ID;
		list[i].format = EVCAN_FILTER_EXT;
		wanted[list[i].can_id] = 1;
	}
	filters = evcan_filters_new(list, 10000, EVCAN_FILTER_OR, NULL);
	frame.flags = EVCAN_FRAME_EXT;
	for (frame.id = 0; frame.id < 1 << 18; frame.id++)
		assert_int_equal(evcan_filters_match(filters, &frame),
		    wanted[frame.id]);
	frame.flags = 0;
	for (frame.id = 0; frame.id < 1 << 12; frame.id++)
		assert_false(evcan_filters_match(filters, &frame));
	evcan_filters_free(filters);
}

static void
limits(void **state)
{
	static const struct {
		struct evcan_filter filter;
		const char *why;
	} rows[] = {
		{{0x20000000, 0x7ff, 0, false}, "identifier 0x20000000"},
		{{0x123, 0xffffffff, 0, false}, "mask 0xffffffff"},
		{{0x123, 0x7ff, 3, false}, "format 3"},
	};
	struct evcan_error err;
	const struct evcan_filter *list;
	enum evcan_filter_join join;
	struct evcan_filters *filters;
	struct evcan_frame frame = {.id = 5};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		evcan_error_clear(&err);
		assert_null(evcan_filters_new(&rows[i].filter, 1,
		    EVCAN_FILTER_OR, &err));
		assert_int_equal(err.code, EVCAN_ERR_INVALID);
		assert_non_null(strstr(err.text, rows[i].why));
	}
	evcan_error_clear(&err);
	assert_null(evcan_filters_new(&rows[0].filter, SIZE_MAX,
	    EVCAN_FILTER_OR, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	filters = evcan_filters_new(NULL, 0, EVCAN_FILTER_AND, NULL);
	assert_true(evcan_filters_match(filters, &frame));
	frame.id = 0x900;
	assert_true(evcan_filters_match(filters, &frame));
	assert_int_equal(evcan_filters_apply(filters, &frame, 1), 1);
	assert_int_equal(evcan_filters_list(filters, &list, &join), 0);
	assert_int_equal(join, EVCAN_FILTER_AND);
	evcan_filters_free(filters);
	evcan_filters_free(NULL);
	assert_true(evcan_filters_match(NULL, &frame));
	assert_int_equal(evcan_filters_apply(NULL, &frame, 1), 1);
	assert_int_equal(evcan_filters_list(NULL, &list, &join), 0);
}

#define ANY EVCAN_FILTER_ANY
#define STD EVCAN_FILTER_STD
#define EXT EVCAN_FILTER_EXT

static void
parse_good(void **state)
{
	static const struct {
		const char *text;
		int n;
		struct evcan_filter filters[3];
	} rows[] = {
		{"", 0, {{0, 0, 0, false}}},
		{" , ", 0, {{0, 0, 0, false}}},
		{"123:7FF", 1, {{0x123, 0x7ff, ANY, false}}},
		{"0x123:0x7ff", 1, {{0x123, 0x7ff, ANY, false}}},
		{"12345:1FFFFFFF", 1, {{0x12345, 0x1fffffff, ANY, false}}},
		{"00000123~700", 1, {{0x123, 0x700, EXT, true}}},
		{"123:7FF,456~7F0 00000001:1\t", 3, {
		    {0x123, 0x7ff, ANY, false}, {0x456, 0x7f0, ANY, true},
		    {1, 1, EXT, false}}},
		{"[]", 0, {{0, 0, 0, false}}},
		{" [{\"can_id\": 291, \"can_mask\": \"0x7fF\"}]", 1,
		    {{0x123, 0x7ff, ANY, false}}},
		{"[{\"can_id\":1,\"can_mask\":2,\"extended\":false},"
		    "{\"can_id\":3,\"can_mask\":4,\"extended\":true},"
		    "{\"can_id\":5,\"can_mask\":6,\"inverted\":true}]", 3,
		    {{1, 2, STD, false}, {3, 4, EXT, false},
		    {5, 6, ANY, true}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_filter *out = NULL;
		struct evcan_error err = {0};
		const int n = evcan_filter_parse(rows[i].text, &out, &err);

		if (n != rows[i].n)
			fail_msg("%s: %s", rows[i].text, err.text);
		for (int j = 0; j < n; j++) {
			const struct evcan_filter *a = &out[j];
			const struct evcan_filter *b = &rows[i].filters[j];

			assert_int_equal(a->can_id, b->can_id);
			assert_int_equal(a->can_mask, b->can_mask);
			assert_int_equal(a->format, b->format);
			assert_int_equal(a->inverted, b->inverted);
		}
		if (n == 0)
			assert_null(out);
		free(out);
	}
}

static void
parse_bad(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *why;
	} rows[] = {
		{"123", EVCAN_ERR_SYNTAX, "column 4: expected : or ~"},
		{"xyz:7FF", EVCAN_ERR_SYNTAX, "column 1"},
		{"123:", EVCAN_ERR_SYNTAX, "a mask"},
		{"123:7FF;4", EVCAN_ERR_SYNTAX, "column 8"},
		{"1:1,20000000:7FF", EVCAN_ERR_SYNTAX, "over 1FFFFFFF"},
		{"123:FFFFFFFF", EVCAN_ERR_SYNTAX, "over 1FFFFFFF"},
		{"123456789:7FF", EVCAN_ERR_SYNTAX, "8 hex digits"},
		{"[", EVCAN_ERR_SYNTAX, "line 1, column"},
		{"{\"can_id\":1}", EVCAN_ERR_INVALID, "array"},
		{"[1]", EVCAN_ERR_INVALID, "[0] must be an object"},
		{"[{}]", EVCAN_ERR_INVALID, "can_id is missing"},
		{"[{\"can_id\":1}]", EVCAN_ERR_INVALID, "can_mask is mis"},
		{"[{\"can_id\":1,\"can_mask\":1,\"extendet\":true}]",
		    EVCAN_ERR_INVALID, "unknown key \"extendet\""},
		{"[{\"can_id\":1,\"can_mask\":1,\"extended\":1}]",
		    EVCAN_ERR_INVALID, "true or false"},
		{"[{\"can_id\":1,\"can_mask\":1,\"inverted\":\"no\"}]",
		    EVCAN_ERR_INVALID, "true or false"},
		{"[{\"can_id\":-1,\"can_mask\":1}]", EVCAN_ERR_INVALID,
		    "can_id must be"},
		{"[{\"can_id\":1,\"can_mask\":\"7ff\"}]",
		    EVCAN_ERR_INVALID, "can_mask must be"},
		{"[{\"can_id\":1,\"can_mask\":536870912}]",
		    EVCAN_ERR_INVALID, "can_mask must be"},
		{"[{\"can_id\":1.5,\"can_mask\":1}]", EVCAN_ERR_INVALID,
		    "can_id must be"},
		{"[{\"can_id\":1,\"can_id\":1}]", EVCAN_ERR_SYNTAX,
		    "duplicate"},
		{"[{\"can_id\":1,\"can_mask\":1}] x", EVCAN_ERR_SYNTAX,
		    "line 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_filter *out = NULL;
		struct evcan_error err = {0};

		assert_int_equal(evcan_filter_parse(rows[i].text, &out, &err),
		    rows[i].code);
		assert_int_equal(err.code, rows[i].code);
		if (!strstr(err.text, rows[i].why))
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_null(out);
	}
}

static void
parse_many(void **state)
{
	static char text[100000];
	struct evcan_filter *out;
	char *p = text;

	(void)state;
	for (int i = 0; i < 10000; i++)
		p += sprintf(p, "%X:7FF,", i & 0x7ff);
	assert_int_equal(evcan_filter_parse(text, &out, NULL), 10000);
	assert_int_equal(out[9999].can_id, 9999 & 0x7ff);
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_the_model),
		cmocka_unit_test(many_exact),
		cmocka_unit_test(limits),
		cmocka_unit_test(parse_good),
		cmocka_unit_test(parse_bad),
		cmocka_unit_test(parse_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

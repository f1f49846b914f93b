/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vendor_filter.c - many filters in one code and mask, beside core's own
 *
 * What is random comes from a fixed seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/evcan.h>

#include "vendor.h"

#define LISTS 20000
#define MOST 6

static const uint32_t full[2] = { EVCAN_MAX_STD_ID, EVCAN_MAX_EXT_ID };
static uint64_t seed;

static int
setup(void **state)
{
	(void)state;
	seed = 0x9e3779b97f4a7c15u;
	return 0;
}

static uint32_t
any_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32);
}

/* Masks of all bits, of few, of none; identifiers that are often the same but
 * for some bits, and often of 11 bits. */
static struct evcan_filter
any_filter(bool may_invert)
{
	uint32_t bits = any_number();
	uint32_t mask = any_number() & any_number();
	struct evcan_filter filter = {
		.can_id = any_number() & any_number() & any_number(),
		.can_mask = bits & 1 ? EVCAN_MAX_EXT_ID : bits & 2 ? mask :
		    bits & 4 ? EVCAN_MAX_STD_ID : mask & any_number(),
		.format = (uint8_t)((bits >> 8) % 3),
		.inverted = may_invert && bits >> 16 & 1
	};

	filter.can_id &= bits & 0x80000000 ? EVCAN_MAX_EXT_ID : 0xff;
	filter.can_id |= bits & 0x40000000 ? 0x12300 & filter.can_mask : 0;
	filter.can_mask &= EVCAN_MAX_EXT_ID;
	return filter;
}

/* One that a filter lets through, more often than not. */
static uint32_t
any_id(const struct evcan_filter *list, size_t n, bool ext)
{
	const struct evcan_filter *filter = &list[any_number() % n];
	uint32_t id = any_number();

	if (id % 8 != 0)
		id = (filter->can_id & filter->can_mask) |
		    (id & ~filter->can_mask);
	return id & full[ext];
}

static bool
core_passes(const struct evcan_filters *filters, uint32_t id, bool ext)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, ext ? EVCAN_FRAME_EXT :
	    0, NULL, 0), 0);
	return evcan_filters_match(filters, &frame);
}

static bool
pattern_passes(const struct evcan_vendor_pattern_ *pattern, uint32_t id)
{
	return ((id ^ pattern->code) & pattern->care) == 0;
}

static struct evcan_filters *
compile(const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join)
{
	struct evcan_error err = { 0 };
	struct evcan_filters *filters = evcan_filters_new(list, n, join,
	    &err);

	if (filters == NULL)
		fail_msg("%s", err.text);
	return filters;
}

static void
print_list(const struct evcan_filter *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		print_error("id %08X mask %08X format %u%s\n",
		    (unsigned)list[i].can_id, (unsigned)list[i].can_mask,
		    list[i].format, list[i].inverted ? " inverted" : "");
}

/* Whatever the filters are. @return how many probes core let through */
static size_t
check_superset(const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join, size_t *kept_out)
{
	struct evcan_filters *filters = compile(list, n, join);
	struct evcan_vendor_pattern_ patterns[2];
	size_t passed = 0;

	evcan_vendor_patterns_(list, n, join, patterns);
	for (int i = 0; i < 40; i++) {
		bool ext = i % 2;
		uint32_t id = any_id(list, n, ext);
		bool passes = pattern_passes(&patterns[ext], id);

		*kept_out += !passes;
		if (!core_passes(filters, id, ext))
			continue;
		passed++;
		if (passes && patterns[ext].any)
			continue;
		print_list(list, n);
		fail_msg("%s %X is kept out", ext ? "extended" : "standard",
		    (unsigned)id);
	}
	evcan_filters_free(filters);
	return passed;
}

static void
all_that_core_passes_passes(void **state)
{
	size_t passed = 0, kept_out = 0;

	(void)state;
	for (int k = 0; k < LISTS; k++) {
		struct evcan_filter list[MOST];
		size_t n = 1 + any_number() % MOST;

		for (size_t i = 0; i < n; i++)
			list[i] = any_filter(k % 4 == 0);
		passed += check_superset(list, n, k % 8 == 1 ?
		    EVCAN_FILTER_AND : EVCAN_FILTER_OR, &kept_out);
	}
	/* Or nothing was tried. */
	assert_in_range(passed, LISTS * 10, LISTS * 40);
	assert_in_range(kept_out, LISTS * 4, LISTS * 40);
}

/* A bit counts exactly if all filters that can match ask for it, and for the
 * same. */
static void
expect_pattern(const struct evcan_filter *list, size_t n, bool ext,
    const struct evcan_vendor_pattern_ *pattern)
{
	const struct evcan_filter *first = NULL;
	uint32_t care = full[ext];

	for (size_t i = 0; i < n; i++) {
		if (list[i].format == (ext ? EVCAN_FILTER_STD :
		    EVCAN_FILTER_EXT) ||
		    (list[i].can_id & list[i].can_mask) > full[ext])
			continue;
		if (first == NULL)
			first = &list[i];
		care &= list[i].can_mask;
		for (uint32_t bit = 1; bit <= full[ext]; bit <<= 1) {
			if ((first->can_id & bit) != (list[i].can_id & bit))
				care &= ~bit;
		}
	}
	assert_int_equal(pattern->full, full[ext]);
	assert_int_equal(pattern->any, first != NULL);
	assert_int_equal(pattern->care, care);
	assert_int_equal(pattern->code, first != NULL ?
	    first->can_id & care : 0);
}

static void
patterns_are_as_tight_as_can_be(void **state)
{
	int told_true = 0, without[2] = { 0, 0 };

	(void)state;
	for (int k = 0; k < LISTS; k++) {
		struct evcan_vendor_pattern_ patterns[2];
		struct evcan_filter list[MOST];
		size_t n = 1 + any_number() % MOST;
		bool told;

		for (size_t i = 0; i < n; i++)
			list[i] = any_filter(false);
		told = evcan_vendor_patterns_(list, n, EVCAN_FILTER_OR,
		    patterns);
		for (int ext = 0; ext < 2; ext++) {
			expect_pattern(list, n, ext, &patterns[ext]);
			without[ext] += !patterns[ext].any;
		}
		assert_int_equal(told,
		    patterns[0].care != 0 || patterns[1].care != 0);
		told_true += told;
	}
	assert_in_range(told_true, LISTS / 10, LISTS - LISTS / 100);
	assert_in_range(without[0], LISTS / 100, LISTS);
	assert_in_range(without[1], LISTS / 100, LISTS);
}

/* One filter alone is said exactly, joined in either way. */
static void
one_filter_is_exact(void **state)
{
	size_t differ = 0;

	(void)state;
	for (int k = 0; k < LISTS; k++) {
		enum evcan_filter_join join = k % 2 ? EVCAN_FILTER_AND :
		    EVCAN_FILTER_OR;
		struct evcan_filter filter = any_filter(false);
		struct evcan_filters *filters = compile(&filter, 1, join);
		struct evcan_vendor_pattern_ patterns[2];

		evcan_vendor_patterns_(&filter, 1, join, patterns);
		for (int i = 0; i < 20; i++) {
			bool ext = i % 2;
			uint32_t id = any_id(&filter, 1, ext);
			bool passes = patterns[ext].any &&
			    pattern_passes(&patterns[ext], id);

			assert_int_equal(passes,
			    core_passes(filters, id, ext));
			differ += !passes;
		}
		evcan_filters_free(filters);
	}
	assert_in_range(differ, LISTS, LISTS * 19);
}

/* What one mask cannot say must let everything through, and say so. */
static void
unspeakable_is_all(void **state)
{
	(void)state;
	for (int k = 0; k < LISTS; k++) {
		struct evcan_vendor_pattern_ patterns[2];
		struct evcan_filter list[MOST];
		size_t n = 2 + any_number() % (MOST - 1);

		for (size_t i = 0; i < n; i++)
			list[i] = any_filter(false);
		if (k % 3 == 0)
			n = 0;
		else if (k % 3 == 1)
			list[any_number() % n].inverted = true;
		memset(patterns, 0xa5, sizeof(patterns));
		assert_false(evcan_vendor_patterns_(list, n, k % 3 == 2 ?
		    EVCAN_FILTER_AND : EVCAN_FILTER_OR, patterns));
		for (int ext = 0; ext < 2; ext++) {
			assert_int_equal(patterns[ext].full, full[ext]);
			assert_int_equal(patterns[ext].care, 0);
			assert_int_equal(patterns[ext].code, 0);
			assert_true(patterns[ext].any);
		}
	}
}

/* "Nothing is kept out" is never said of filters that keep something out: all
 * standard identifiers, and extended ones, are tried. */
static void
false_is_nothing_kept_out(void **state)
{
	int said = 0;

	(void)state;
	for (int k = 0; k < LISTS; k++) {
		struct evcan_vendor_pattern_ patterns[2];
		struct evcan_filter list[3];
		size_t n = 1 + any_number() % 3;

		for (size_t i = 0; i < n; i++) {
			list[i] = any_filter(false);
			list[i].can_mask &= 0x3 | 1u << 28;
		}
		if (evcan_vendor_patterns_(list, n, EVCAN_FILTER_OR,
		    patterns))
			continue;
		said++;
		for (uint32_t id = 0; id <= 0x7ff; id += 5)
			assert_true(pattern_passes(&patterns[0], id));
		for (int bit = 0; bit < 29; bit++)
			assert_true(pattern_passes(&patterns[1], 1u << bit) &&
			    pattern_passes(&patterns[1],
			    EVCAN_MAX_EXT_ID ^ 1u << bit));
		assert_true(patterns[0].any && patterns[1].any);
	}
	assert_in_range(said, LISTS / 100, LISTS);
}

/* Corners */

#define STD_ONLY EVCAN_FILTER_STD
#define EXT_ONLY EVCAN_FILTER_EXT
#define EITHER EVCAN_FILTER_ANY

static const struct {
	struct evcan_filter list[2];
	size_t n;
	bool told;
	struct {
		bool any;
		uint32_t code, care;
	} want[2];
} corners[] = {
	/* A mask of nothing: all of that format. */
	{ { { 0x7ff, 0, EITHER, false } }, 1, false,
	    { { true, 0, 0 }, { true, 0, 0 } } },
	{ { { 0, 0, STD_ONLY, false } }, 1, true,
	    { { true, 0, 0 }, { false, 0, 0x1fffffff } } },
	{ { { 0, 0, EXT_ONLY, false } }, 1, true,
	    { { false, 0, 0x7ff }, { true, 0, 0 } } },
	{ { { 0, 0, STD_ONLY, false }, { 0, 0, EXT_ONLY, false } }, 2, false,
	    { { true, 0, 0 }, { true, 0, 0 } } },
	/* The first and the last identifier. */
	{ { { 0, 0x1fffffff, EITHER, false } }, 1, true,
	    { { true, 0, 0x7ff }, { true, 0, 0x1fffffff } } },
	{ { { 0x7ff, 0x7ff, STD_ONLY, false } }, 1, true,
	    { { true, 0x7ff, 0x7ff }, { false, 0, 0x1fffffff } } },
	{ { { 0x1fffffff, 0x1fffffff, EXT_ONLY, false } }, 1, true,
	    { { false, 0, 0x7ff }, { true, 0x1fffffff, 0x1fffffff } } },
	{ { { 0, 0x1fffffff, EITHER, false },
	    { 0x1fffffff, 0x1fffffff, EITHER, false } }, 2, true,
	    { { true, 0, 0x7ff }, { true, 0, 0 } } },
	/* No standard identifier has bit 11, nor a later one. */
	{ { { 0x800, 0x800, EITHER, false } }, 1, true,
	    { { false, 0, 0x7ff }, { true, 0x800, 0x800 } } },
	{ { { 0x10000123, 0x1fffffff, STD_ONLY, false } }, 1, true,
	    { { false, 0, 0x7ff }, { false, 0, 0x1fffffff } } },
	{ { { 0x10000123, 0x1fffffff, STD_ONLY, false },
	    { 0x456, 0x7ff, STD_ONLY, false } }, 2, true,
	    { { true, 0x456, 0x7ff }, { false, 0, 0x1fffffff } } },
	{ { { 0x456, 0x7ff, STD_ONLY, false },
	    { 0x10000123, 0x1fffffff, STD_ONLY, false } }, 2, true,
	    { { true, 0x456, 0x7ff }, { false, 0, 0x1fffffff } } },
	/* But one that nobody looks at is no obstacle. */
	{ { { 0x10000123, 0x7ff, STD_ONLY, false } }, 1, true,
	    { { true, 0x123, 0x7ff }, { false, 0, 0x1fffffff } } },
	{ { { 0x123, 0x1fffffff, STD_ONLY, false } }, 1, true,
	    { { true, 0x123, 0x7ff }, { false, 0, 0x1fffffff } } },
	/* The second differs in bits that the first does not look at. */
	{ { { 0x120, 0x7f0, EITHER, false }, { 0x12f, 0x7ff, EITHER, false } },
	    2, true, { { true, 0x120, 0x7f0 }, { true, 0x120, 0x7f0 } } },
	{ { { 0x12f, 0x7ff, EITHER, false }, { 0x120, 0x7f0, EITHER, false } },
	    2, true, { { true, 0x120, 0x7f0 }, { true, 0x120, 0x7f0 } } },
	{ { { 0x100, 0x7ff, STD_ONLY, false }, { 0x101, 0x7ff, STD_ONLY,
	    false } }, 2, true,
	    { { true, 0x100, 0x7fe }, { false, 0, 0x1fffffff } } },
};

static void
corners_are_as_written(void **state)
{
	struct evcan_vendor_pattern_ p[2];

	(void)state;
	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++) {
		assert_int_equal(evcan_vendor_patterns_(corners[i].list,
		    corners[i].n, EVCAN_FILTER_OR, p), corners[i].told);
		for (int ext = 0; ext < 2; ext++) {
			if (p[ext].any == corners[i].want[ext].any &&
			    p[ext].code == corners[i].want[ext].code &&
			    p[ext].care == corners[i].want[ext].care)
				continue;
			fail_msg("corner %zu, %s: %d %X %X", i, ext ?
			    "extended" : "standard", p[ext].any,
			    (unsigned)p[ext].code, (unsigned)p[ext].care);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup(f, setup)
		TEST(all_that_core_passes_passes),
		TEST(patterns_are_as_tight_as_can_be),
		TEST(one_filter_is_exact), TEST(unspeakable_is_all),
		TEST(false_is_nothing_kept_out), TEST(corners_are_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

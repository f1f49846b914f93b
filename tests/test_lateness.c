/* SPDX-License-Identifier: BSD-3-Clause */
/* test_lateness.c - how late things were */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lateness.h"

static void
empty_is_never_late(void **state)
{
	static const struct evcan_lateness_ lateness;

	(void)state;
	assert_int_equal(evcan_lateness_part_(&lateness, 0.99), 0);
	assert_int_equal(evcan_lateness_part_(&lateness, 1), 0);
}

/* One value, whatever it is: at most a fifth too high, never above it. */
static void
one_value_is_the_worst(void **state)
{
	static const int64_t values[] = { -5, 0, 1, 1023, 1024, 1217, 1218,
	    2047, 2048, 99999, 1000000, 1000001, 67108863, 67108864,
	    INT64_C(3600000000000), INT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct evcan_lateness_ lateness = { .count = 0 };
		int64_t value = values[i] < 0 ? 0 : values[i];

		evcan_lateness_add_(&lateness, values[i]);
		assert_int_equal(lateness.count, 1);
		assert_int_equal(lateness.worst_ns, value);
		assert_int_equal(lateness.late, values[i] > 1000000);
		assert_int_equal(evcan_lateness_part_(&lateness, 0.5), value);
		assert_int_equal(evcan_lateness_part_(&lateness, 1), value);
	}
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
parts_are_within_a_fifth(void **state)
{
	static int64_t all[10000];
	static const double parts[] = { 0.01, 0.25, 0.5, 0.9, 0.99, 0.999 };
	struct evcan_lateness_ lateness = { .count = 0 };

	(void)state;
	srand(3);
	for (size_t i = 0; i < 10000; i++) {
		/* From 2 us to 33 ms, as many in each octave. */
		all[i] = (2048 + rand() % 2048) << rand() % 14;
		evcan_lateness_add_(&lateness, all[i]);
	}
	qsort(all, 10000, sizeof(all[0]), compare);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int64_t exact = all[(size_t)(parts[i] * 10000) - 1];
		int64_t told = evcan_lateness_part_(&lateness, parts[i]);

		assert_true(told >= exact);
		assert_true((double)told <= (double)exact * 1.2);
	}
	assert_true(evcan_lateness_part_(&lateness, 1) == all[9999]);
}

/* A count that is full halves them all: the parts stay. */
static void
full_counts_keep_their_parts(void **state)
{
	struct evcan_lateness_ lateness = { .count = 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		evcan_lateness_add_(&lateness, i < 900 ? 3000 : 500000);
	for (int i = 0; i < EVCAN_LATENESS_CLASSES_; i++)
		lateness.classes[i] *= 4000000;
	for (uint32_t i = 0; i < UINT32_MAX - 900u * 4000000u; i++)
		evcan_lateness_add_(&lateness, 3000);
	for (int i = 0; i < EVCAN_LATENESS_CLASSES_; i++)
		assert_true(lateness.classes[i] <= UINT32_MAX / 2);
	assert_int_equal(evcan_lateness_part_(&lateness, 0.99), 500000);
	assert_true(evcan_lateness_part_(&lateness, 0.5) < 3600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_never_late),
		cmocka_unit_test(one_value_is_the_worst),
		cmocka_unit_test(parts_are_within_a_fifth),
		cmocka_unit_test(full_counts_keep_their_parts)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

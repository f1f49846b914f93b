/* SPDX-License-Identifier: BSD-3-Clause */
/* test_bit_timing_limits.c - solving within a controller's limits */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/bit_timing.h>
#include <evcan/error.h>

#include "alloc_fail.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MHZ 1000000u

static const struct evcan_bit_limits sja1000 = { 1, 64, 1, 1, 16, 1, 8, 4 };
static const struct evcan_bit_limits mcan = { 1, 512, 1, 2, 256, 2, 128, 128 };
static const struct evcan_bit_limits mcan_data =
    { 1, 32, 1, 1, 32, 1, 16, 16 };

static double
error_of(const struct evcan_bit_segments *bit, uint32_t f_clock,
    uint32_t bitrate)
{
	const double got = (double)f_clock / bit->brp /
	    (1 + bit->tseg1 + bit->tseg2);

	return got < bitrate ? bitrate / got - 1 : 1 - bitrate / got;
}

static double
off_of(const struct evcan_bit_segments *bit, double sample_point)
{
	const double off = 100.0 * (1 + bit->tseg1) /
	    (1 + bit->tseg1 + bit->tseg2) - sample_point;

	return off < 0 ? -off : off;
}

/* Every bit that the limits have, one by one: none is better than the first,
 * and each prescaler and number of quanta that fits is there. */
static void
compare_with_all(uint32_t f_clock, uint32_t bitrate, double point,
    const struct evcan_bit_limits *l)
{
	static struct evcan_bit_pair list[2000];
	const struct evcan_bit_request request = { .f_clock = f_clock,
	    .nominal = { bitrate, point, *l } };
	const int n = evcan_bit_timing_solve(list, 2000, &request, NULL);
	const unsigned step = l->brp_inc > 0 ? l->brp_inc : 1;
	int expected = 0;

	assert_in_range(n, 0, 2000);
	for (unsigned brp = l->brp_min; brp <= l->brp_max; brp += step)
		for (unsigned q = 3; q <= 1u + l->tseg1_max + l->tseg2_max;
		    q++) {
			bool any = false;

			for (unsigned s1 = l->tseg1_min; s1 <= l->tseg1_max &&
			    s1 + 1 + l->tseg2_min <= q; s1++) {
				const struct evcan_bit_segments bit = {
				    (uint16_t)brp, (uint16_t)s1,
				    (uint16_t)(q - 1 - s1), 1 };

				if (bit.tseg2 > l->tseg2_max ||
				    2 * (1 + s1) < q || error_of(&bit,
				    f_clock, bitrate) > 1 / 256.0 + 1e-12)
					continue;
				any = true;
				assert_true(n > 0);
				assert_true(error_of(&list[0].nominal,
				    f_clock, bitrate) < error_of(&bit,
				    f_clock, bitrate) + 1e-9);
				if (error_of(&bit, f_clock, bitrate) < 1e-9)
					assert_true(off_of(&list[0].nominal,
					    point) < off_of(&bit, point) +
					    1e-9);
			}
			expected += any;
		}
	/* More than two numbers of quanta of one prescaler fit only where
	 * there are more than 256. */
	if (1 + l->tseg1_max + l->tseg2_max < 256)
		assert_int_equal(n, expected);
}

static void
test_solve_all(void **state)
{
	static const struct evcan_bit_limits odd = { 2, 40, 3, 4, 11, 3, 7, 2 };

	(void)state;
	for (unsigned rate = 100000; rate <= 1000000; rate += 77777) {
		compare_with_all(8 * MHZ, rate, 87.5, &sja1000);
		compare_with_all(24 * MHZ, rate, 75, &sja1000);
		compare_with_all(37123457, rate, 66.6, &odd);
	}
	compare_with_all(8 * MHZ, 5000, 50, &sja1000);
	compare_with_all(8 * MHZ, 4000, 100, &sja1000);
	compare_with_all(40 * MHZ, 500000, 80, &mcan);
}

/* In order, within the limits, each only once. */
static void
check_pairs(const struct evcan_bit_pair *list, int n,
    const struct evcan_bit_request *r)
{
	double last = 0;

	for (int i = 0; i < n; i++) {
		const struct evcan_bit_segments *a = &list[i].nominal;
		const struct evcan_bit_segments *b = &list[i].data;
		const double error = error_of(a, r->f_clock,
		    r->nominal.bitrate) + error_of(b, r->f_clock,
		    r->data.bitrate);

		assert_in_range(a->brp, 1, 512);
		assert_in_range(a->tseg1, 2, 256);
		assert_in_range(a->tseg2, 2, 128);
		assert_in_range(b->brp, 1, 32);
		assert_in_range(b->tseg1, 1, 32);
		assert_in_range(b->tseg2, 1, 16);
		assert_in_range(a->sjw, 1, a->tseg2);
		assert_in_range(b->sjw, 1, b->tseg1 < b->tseg2 ? b->tseg1 :
		    b->tseg2);
		assert_true(error > last - 1e-9 && error <= 2 / 256.0);
		last = error;
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(&list[i], &list[k],
			    sizeof(list[i]));
	}
}

static void
test_solve_fd(void **state)
{
	static struct evcan_bit_pair list[1000], some[3];
	struct evcan_bit_request r = { .f_clock = 80 * MHZ,
	    .nominal = { 500000, 87.5, mcan },
	    .data = { 2000000, 75, mcan_data } };
	int n = evcan_bit_timing_solve(list, 1000, &r, NULL);

	(void)state;
	assert_in_range(n, 10, 1000);
	check_pairs(list, n, &r);
	/* One prescaler for both, and as fine as can be. */
	assert_memory_equal(&list[0], &((struct evcan_bit_pair)
	    { { 1, 139, 20, 20 }, { 1, 29, 10, 10 } }), sizeof(list[0]));
	assert_int_equal(evcan_bit_timing_solve(some, 3, &r, NULL), n);
	assert_memory_equal(some, list, sizeof(some));

	r.strict = true;
	n = evcan_bit_timing_solve(list, 1000, &r, NULL);
	assert_in_range(n, 2, 1000);
	for (int i = 0; i < n; i++) {
		const struct evcan_bit_segments *a = &list[i].nominal;
		const struct evcan_bit_segments *b = &list[i].data;
		const struct evcan_bit_timing_fd t = { 80 * MHZ, a->brp,
		    a->tseg1, a->tseg2, a->sjw, b->brp, b->tseg1, b->tseg2,
		    b->sjw };

		assert_int_equal(evcan_bit_timing_fd_check_strict(&t, NULL),
		    0);
	}
	r.data.bitrate = r.nominal.bitrate;
	assert_true(evcan_bit_timing_solve(list, 1000, &r, NULL) > 0);
}

/* Far more pairs than anybody looks at: the best are the same. */
static void
test_solve_many(void **state)
{
	static const struct evcan_bit_limits wide =
	    { 1, 8192, 1, 1, 255, 1, 32, 16 };
	const struct evcan_bit_request r = { .f_clock = 80 * MHZ,
	    .nominal = { 1000, 87.5, wide }, .data = { 1000, 75, wide } };
	struct evcan_bit_pair best;

	(void)state;
	assert_in_range(evcan_bit_timing_solve(&best, 1, &r, NULL), 1,
	    512 * 512);
	assert_int_equal(best.nominal.brp, best.data.brp);
	assert_true(error_of(&best.nominal, r.f_clock, 1000) < 1e-9);
}

static void
test_solve_refused(void **state)
{
	static const struct evcan_bit_wish good = { 500000, 80, { 1, 64, 1, 1,
	    16, 1, 8, 4 } };
	struct evcan_bit_request r[8];
	static const char *const texts[8] = {
		"f_clock is 0, but must be from 1 to 4294967295",
		"bitrate is 0, but must be from 1 to 4294967295",
		"sample_point must be from 50 to 100 percent",
		"the limits of brp are 0 to 64, but must be 1 or more and in "
		    "order",
		"the limits of tseg1 are 1 to 0, but must be 1 or more and in "
		    "order",
		"the limits of nom_tseg2 are 9 to 8, but must be 1 or more "
		    "and in order",
		"the limits of data_sjw are 1 to 0, but must be 1 or more and "
		    "in order",
		"the data bitrate, 400000 bit/s, is lower than the nominal "
		    "one, 500000",
	};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		memset(&r[i], 0, sizeof(r[i]));
		r[i].f_clock = 8 * MHZ;
		r[i].nominal = good;
		if (i >= 5)
			r[i].data = good;
	}
	r[0].f_clock = 0;
	r[1].nominal.bitrate = 0;
	r[2].nominal.sample_point = 49;
	r[3].nominal.limits.brp_min = 0;
	r[4].nominal.limits.tseg1_max = 0;
	r[5].nominal.limits.tseg2_min = 9;
	r[6].data.limits.sjw_max = 0;
	r[7].data.bitrate = 400000;
	for (size_t i = 0; i < 8; i++) {
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_bit_timing_solve(NULL, 0, &r[i], &err),
		    EVCAN_ERR_INVALID);
		assert_memory_equal(err.text, "bit timing: ", 12);
		assert_string_equal(err.text + 12, texts[i]);
	}
}

static void
test_solve_no_memory(void **state)
{
	const struct evcan_bit_request r = { .f_clock = 80 * MHZ,
	    .nominal = { 500000, 87.5, mcan },
	    .data = { 2000000, 75, mcan_data } };
	long n = 1;

	(void)state;
	if (!alloc_fail_works())
		skip();
	for (;; n++) {
		struct evcan_bit_pair best = { .nominal.brp = 77 };
		struct evcan_error err = { 0 };
		int found;

		alloc_fail_start(n);
		found = evcan_bit_timing_solve(&best, 1, &r, &err);
		if (!alloc_fail_stop()) {
			assert_true(found > 0);
			break;
		}
		assert_int_equal(found, EVCAN_ERR_NOMEM);
		assert_int_equal(best.nominal.brp, 77);
		assert_string_equal(err.text, "out of memory for bit timing");
	}
	assert_int_equal(n, 4);
}

/* Limits as wide as their types, clocks at both ends. */
static void
test_solve_extremes(void **state)
{
	static const struct evcan_bit_limits widest =
	    { 1, 65535, 0, 1, 65535, 1, 65535, 65535 };
	static const uint32_t table[] = { 1, 2, 3, 1000, 4294967295u };

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		for (size_t k = 0; k < COUNT(table); k++) {
			const struct evcan_bit_request r = {
			    .f_clock = table[i],
			    .nominal = { table[k], 100, widest } };
			struct evcan_bit_pair best;
			const int n = evcan_bit_timing_solve(&best, 1, &r,
			    NULL);

			assert_true(n >= 0);
			if (n > 0)
				assert_true(error_of(&best.nominal, table[i],
				    table[k]) <= 1 / 255.0);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_solve_all),
		cmocka_unit_test(test_solve_fd),
		cmocka_unit_test(test_solve_many),
		cmocka_unit_test(test_solve_refused),
		cmocka_unit_test(test_solve_no_memory),
		cmocka_unit_test(test_solve_extremes),
	};

	return cmocka_run_group_tests_name("bit_timing_limits", tests, NULL,
	    NULL);
}

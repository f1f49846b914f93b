/* SPDX-License-Identifier: BSD-3-Clause */
/* test_bit_timing_solve.c - strict limits, python-can's solver, text forms */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/bit_timing.h>
#include <evcan/error.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MHZ 1000000u

#define SUM_CLASSIC 0xd7904886d754e402
#define SUM_FD 0x9279ec8f49b0edf9

static void
test_values(void **state)
{
	static const struct evcan_bit_timing t =
	    { 8 * MHZ, 4, 11, 4, 2, 3 };
	static const struct evcan_bit_timing_fd fd =
	    { 80 * MHZ, 1, 119, 40, 40, 2, 14, 5, 5 };

	(void)state;
	assert_int_equal(evcan_bit_timing_check(&t, NULL), 0);
	assert_int_equal(evcan_bit_timing_bitrate(&t), 125000);
	assert_int_equal(evcan_bit_timing_nbt(&t), 16);
	assert_int_equal(evcan_bit_timing_tq(&t), 500);
	assert_true(evcan_bit_timing_sample_point(&t) == 75.0);
	assert_int_equal(evcan_bit_timing_btr(&t), 0x43ba);

	assert_int_equal(evcan_bit_timing_fd_check(&fd, NULL), 0);
	assert_int_equal(evcan_bit_timing_fd_nbt(&fd), 160);
	assert_int_equal(evcan_bit_timing_fd_dbt(&fd), 20);
	assert_int_equal(evcan_bit_timing_fd_nom_tq(&fd), 12);
	assert_int_equal(evcan_bit_timing_fd_data_tq(&fd), 25);
	assert_true(evcan_bit_timing_fd_nom_sample_point(&fd) == 75.0);
	assert_true(evcan_bit_timing_fd_data_sample_point(&fd) == 75.0);
}

/* The slowest quantum there is takes 65535 s. */
static void
test_slow_quantum(void **state)
{
	static const struct evcan_bit_timing_fd fd =
	    { 1, 65535, 1, 1, 1, 3, 1, 1, 1 };
	static const struct evcan_bit_timing none = { 0, 1, 1, 1, 1, 1 };

	(void)state;
	assert_true(evcan_bit_timing_fd_nom_tq(&fd) == 65535000000000);
	assert_int_equal(evcan_bit_timing_tq(&none), 0);
	assert_true(evcan_bit_timing_oscillator_tolerance(&none, 250, 10) ==
	    0);
}

static void
test_strict(void **state)
{
	static const struct {
		struct evcan_bit_timing t;
		const char *text;
	} table[] = {
		{ { 8 * MHZ, 1, 5, 2, 1, 1 }, NULL },
		{ { 8 * MHZ, 1, 4, 2, 1, 1 }, "the number of quanta in a bit "
		  "is 7, but must be from 8 to 25, which every controller can "
		  "do" },
		{ { 8 * MHZ, 33, 5, 2, 1, 1 }, "brp is 33, but must be from "
		  "1 to 32, which every controller can do" },
		{ { 16 * MHZ, 1, 5, 2, 1, 1 }, "the bitrate is 2000000, but "
		  "must be from 5000 to 1000000, which every controller can "
		  "do" },
		{ { 8 * MHZ, 65, 5, 2, 1, 1 },
		  "brp is 65, but must be from 1 to 64" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct evcan_error err = { 0 };
		const int r = evcan_bit_timing_check_strict(&table[i].t, &err);

		if (table[i].text == NULL) {
			assert_int_equal(r, 0);
			continue;
		}
		assert_int_equal(r, EVCAN_ERR_INVALID);
		assert_memory_equal(err.text, "bit timing: ", 12);
		assert_string_equal(err.text + 12, table[i].text);
	}
}

/* One step beyond each limit, for equal and for different prescalers. */
static void
test_strict_fd(void **state)
{
	static const struct {
		struct evcan_bit_timing_fd t;
		const char *what;
	} table[] = {
		{ { 80 * MHZ, 2, 59, 20, 20, 2, 14, 5, 5 }, NULL },
		{ { 80 * MHZ, 1, 119, 40, 40, 1, 29, 10, 10 },
		  "quanta in a nominal bit is 160" },
		{ { 80 * MHZ, 1, 59, 20, 20, 1, 17, 8, 8 },
		  "quanta in a data bit is 26" },
		{ { 80 * MHZ, 1, 59, 20, 20, 1, 17, 2, 2 },
		  "data_tseg1 is 17, but must be from 1 to 16" },
		{ { 80 * MHZ, 1, 59, 20, 20, 1, 8, 9, 8 },
		  "data_tseg2 is 9, but must be from 2 to 8" },
		{ { 80 * MHZ, 1, 59, 20, 20, 1, 3, 1, 1 },
		  "data_tseg2 is 1, but must be from 2 to 8" },
		{ { 80 * MHZ, 1, 59, 20, 20, 1, 8, 4, 0 },
		  "data_sjw is 0, but must be from 1 to 8" },
		{ { 80 * MHZ, 1, 40, 33, 1, 1, 8, 4, 1 },
		  "nom_tseg2 is 33, but must be from 2 to 32" },
		{ { 80 * MHZ, 1, 65, 14, 0, 1, 8, 4, 1 },
		  "nom_sjw is 0, but must be from 1 to 32" },
		{ { 80 * MHZ, 2, 64, 15, 15, 1, 8, 4, 1 }, NULL },
		{ { 80 * MHZ, 2, 65, 14, 14, 1, 8, 4, 1 },
		  "nom_tseg1 is 65, but must be from 2 to 64" },
		{ { 80 * MHZ, 2, 40, 17, 4, 1, 8, 4, 1 },
		  "nom_tseg2 is 17, but must be from 2 to 16" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct evcan_error err = { 0 };
		const int r = evcan_bit_timing_fd_check_strict(&table[i].t,
		    &err);

		assert_int_equal(evcan_bit_timing_fd_check(&table[i].t, NULL),
		    0);
		assert_int_equal(r, table[i].what == NULL ? 0 :
		    EVCAN_ERR_INVALID);
		if (table[i].what != NULL)
			assert_non_null(strstr(err.text, table[i].what));
	}
}

static void
test_tolerance(void **state)
{
	static const struct evcan_bit_timing t = { 8 * MHZ, 1, 5, 2, 1, 1 };
	static const struct evcan_bit_timing_fd fd =
	    { 80 * MHZ, 1, 27, 4, 4, 1, 6, 1, 1 };
	double some;

	(void)state;
	/* 5 quanta of 125 ns on the way: nothing is left of phase 1. */
	assert_true(evcan_bit_timing_oscillator_tolerance(&t, 250, 10) == 0);
	/* sjw decides: 1 / (20 * 8). */
	some = evcan_bit_timing_oscillator_tolerance(&t, 10, 0);
	assert_true(some > 0.6249 && some < 0.6251);
	some = evcan_bit_timing_fd_oscillator_tolerance(&fd, 10, 0);
	assert_true(some > 0.4 && some < 0.5);
	assert_true(evcan_bit_timing_fd_oscillator_tolerance(&fd, 1e300,
	    1e300) == 0);
}

/* What python-can's solver gives. */
static void
test_from_sample_point(void **state)
{
	static const struct {
		uint32_t f_clock, bitrate;
		double sample_point;
		unsigned brp, tseg1, tseg2, sjw;
	} table[] = {
		{ 8 * MHZ, 500000, 69.0, 1, 10, 5, 4 },
		{ 16 * MHZ, 500000, 69.0, 2, 10, 5, 4 },
		{ 80 * MHZ, 500000, 87.5, 10, 13, 2, 2 },
		{ 24 * MHZ, 83333, 87.5, 18, 13, 2, 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct evcan_bit_timing t;

		assert_int_equal(evcan_bit_timing_from_sample_point(&t,
		    table[i].f_clock, table[i].bitrate, table[i].sample_point,
		    NULL), 0);
		assert_int_equal(t.f_clock, table[i].f_clock);
		assert_int_equal(t.brp, table[i].brp);
		assert_int_equal(t.tseg1, table[i].tseg1);
		assert_int_equal(t.tseg2, table[i].tseg2);
		assert_int_equal(t.sjw, table[i].sjw);
		assert_int_equal(t.nof_samples, 1);
	}
}

static void
test_fd_from_sample_point(void **state)
{
	static const struct {
		uint32_t f_clock, nominal, data;
		double nom_point, data_point;
		struct evcan_bit_timing_fd t;
	} table[] = {
		{ 80 * MHZ, 1000000, 8000000, 75, 70,
		  { 80 * MHZ, 1, 59, 20, 20, 1, 6, 3, 3 } },
		{ 80 * MHZ, 500000, 2000000, 80, 80,
		  { 80 * MHZ, 2, 63, 16, 16, 2, 15, 4, 4 } },
		{ 40 * MHZ, 500000, 4000000, 87.5, 75,
		  { 40 * MHZ, 1, 69, 10, 10, 1, 7, 2, 2 } },
		{ 60 * MHZ, 250000, 1000000, 75, 60,
		  { 60 * MHZ, 3, 59, 20, 20, 3, 11, 8, 8 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct evcan_bit_timing_fd t;

		assert_int_equal(evcan_bit_timing_fd_from_sample_point(&t,
		    table[i].f_clock, table[i].nominal, table[i].nom_point,
		    table[i].data, table[i].data_point, NULL), 0);
		assert_true(evcan_bit_timing_fd_equal(&t, &table[i].t));
	}
}

static uint64_t
hash(uint64_t sum, const unsigned *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ numbers[i]) * 0x100000001b3;
	return sum;
}

static uint64_t
hash_fd(uint64_t sum, uint32_t f_clock, uint32_t nominal, double point,
    uint32_t data)
{
	struct evcan_bit_timing_fd t = { 0 };

	if (evcan_bit_timing_fd_from_sample_point(&t, f_clock, nominal, point,
	    data, 75, NULL) < 0)
		return hash(sum, (unsigned [1]){ 0 }, 1);
	return hash(sum, (unsigned [8]){ t.nom_brp, t.nom_tseg1, t.nom_tseg2,
	    t.nom_sjw, t.data_brp, t.data_tseg1, t.data_tseg2, t.data_sjw },
	    8);
}

/* All usual clocks, bitrates and sample points. The sums are of answers that
 * tests/interop/test_timing_python.py found to be python-can's; a change of
 * one of them is a change of what somebody's bus gets. */
static void
test_usual(void **state)
{
	static const unsigned clocks[] = { 8, 10, 12, 16, 20, 24, 30, 32, 36,
	    40, 48, 54, 56, 60, 64, 72, 80, 100, 120, 160, 170, 200 };
	static const unsigned rates[] = { 5000, 10000, 20000, 33333, 47619,
	    50000, 83333, 95238, 100000, 125000, 200000, 250000, 400000,
	    500000, 615384, 666666, 800000, 1000000 };
	static const double points[] = { 50, 62.5, 66.7, 69, 70, 75, 80,
	    81.25, 87.5, 90, 99, 100 };
	uint64_t sum = 0xcbf29ce484222325;

	(void)state;
	for (size_t i = 0; i < COUNT(clocks); i++)
		for (size_t k = 0; k < COUNT(rates); k++)
			for (size_t m = 0; m < COUNT(points); m++) {
				struct evcan_bit_timing t = { 0 };

				evcan_bit_timing_from_sample_point(&t,
				    clocks[i] * MHZ, rates[k], points[m],
				    NULL);
				sum = hash(sum, (unsigned [4]){ t.brp,
				    t.tseg1, t.tseg2, t.sjw }, 4);
			}
	assert_true(sum == SUM_CLASSIC);
}

static void
test_usual_fd(void **state)
{
	static const unsigned clocks[] = { 20, 40, 60, 80 };
	static const unsigned rates[] = { 125000, 250000, 500000, 1000000 };
	static const unsigned data_rates[] = { 500000, 1000000, 2000000,
	    2500000, 4000000, 5000000, 6666666, 8000000, 10000000 };
	static const double points[] = { 75, 80, 87.5 };
	uint64_t sum = 0xcbf29ce484222325;

	(void)state;
	for (size_t i = 0; i < COUNT(clocks); i++)
		for (size_t k = 0; k < COUNT(rates); k++)
			for (size_t m = 0; m < COUNT(data_rates); m++)
				for (size_t p = 0; p < COUNT(points); p++)
					sum = hash_fd(sum, clocks[i] * MHZ,
					    rates[k], points[p],
					    data_rates[m]);
	assert_true(sum == SUM_FD);
}

static void
test_iterate(void **state)
{
	struct evcan_bit_timing list[64];

	(void)state;
	for (int point = 50; point < 100; point++) {
		const int n = evcan_bit_timing_iterate_from_sample_point(list,
		    64, 16 * MHZ, 500000, point, NULL);

		assert_true(n >= 2);
		for (int i = 0; i < n; i++) {
			assert_int_equal(evcan_bit_timing_check_strict(
			    &list[i], NULL), 0);
			assert_int_equal(evcan_bit_timing_bitrate(&list[i]),
			    500000);
			assert_true(i == 0 || list[i - 1].brp < list[i].brp);
		}
		/* Room for one: the same count, and the first. */
		list[1].brp = 77;
		assert_int_equal(evcan_bit_timing_iterate_from_sample_point(
		    list, 1, 16 * MHZ, 500000, point, NULL), n);
		assert_int_equal(list[1].brp, 77);
	}
	assert_int_equal(evcan_bit_timing_iterate_from_sample_point(NULL, 0,
	    16 * MHZ, 5000, 69, NULL), 0);
}

static void
test_iterate_fd(void **state)
{
	static struct evcan_bit_timing_fd list[1000];

	(void)state;
	for (int point = 50; point < 100; point++) {
		const int n = evcan_bit_timing_fd_iterate_from_sample_point(
		    list, 1000, 80 * MHZ, 500000, point, 2000000, 149 - point,
		    NULL);

		assert_in_range(n, 2, 1000);
		for (int i = 0; i < n; i++) {
			assert_int_equal(evcan_bit_timing_fd_check_strict(
			    &list[i], NULL), 0);
			assert_true(i == 0 || list[i - 1].nom_brp <
			    list[i].nom_brp || (list[i - 1].nom_brp ==
			    list[i].nom_brp && list[i - 1].data_brp <
			    list[i].data_brp));
		}
	}
}

static void
test_no_solution(void **state)
{
	struct evcan_bit_timing t = { .brp = 77 };
	struct evcan_bit_timing_fd fd = { .nom_brp = 77 };
	struct evcan_error err = { 0 };

	(void)state;
	assert_int_equal(evcan_bit_timing_from_sample_point(&t, 16 * MHZ,
	    5000, 69, &err), EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "bit timing: a clock of 16000000 Hz "
	    "gives no 5000 bit/s, within 1/256, that every controller can do");
	assert_int_equal(t.brp, 77);
	evcan_error_clear(&err);
	assert_int_equal(evcan_bit_timing_fd_from_sample_point(&fd, 16 * MHZ,
	    500000, 80, 7000000, 80, &err), EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "bit timing: a clock of 16000000 Hz "
	    "gives no 500000 bit/s with 7000000 bit/s for data, within "
	    "1/256, that every controller can do");
	assert_int_equal(fd.nom_brp, 77);
}

static void
test_wishes_refused(void **state)
{
	static const double bad[] = { 49.99, 100.01, -1, NAN, INFINITY };
	struct evcan_bit_timing_fd fd;
	struct evcan_bit_timing t;
	struct evcan_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		evcan_error_clear(&err);
		assert_int_equal(evcan_bit_timing_from_sample_point(&t,
		    8 * MHZ, 500000, bad[i], &err), EVCAN_ERR_INVALID);
		assert_string_equal(err.text, "bit timing: sample_point must "
		    "be from 50 to 100 percent");
		evcan_error_clear(&err);
		assert_int_equal(evcan_bit_timing_fd_from_sample_point(&fd,
		    80 * MHZ, 500000, 80, 2000000, bad[i], &err),
		    EVCAN_ERR_INVALID);
		assert_string_equal(err.text, "bit timing: data_sample_point "
		    "must be from 50 to 100 percent");
	}
	evcan_error_clear(&err);
	assert_int_equal(evcan_bit_timing_iterate_from_sample_point(NULL, 0,
	    8 * MHZ, 0, 69, &err), EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "bit timing: bitrate is 0, but must be "
	    "from 1 to 4294967295");
	assert_int_equal(evcan_bit_timing_fd_iterate_from_sample_point(NULL,
	    0, 8 * MHZ, 0, 69, 1, 69, NULL), EVCAN_ERR_INVALID);
}

static void
test_from_segments(void **state)
{
	struct evcan_bit_timing t = { 8 * MHZ, 0, 5, 2, 1, 1 };
	struct evcan_bit_timing_fd fd =
	    { 80 * MHZ, 0, 119, 40, 40, 0, 29, 10, 10 };
	struct evcan_error err = { 0 };

	(void)state;
	assert_int_equal(evcan_bit_timing_from_bitrate_and_segments(&t,
	    1000000, true, NULL), 0);
	assert_int_equal(t.brp, 1);
	assert_int_equal(evcan_bit_timing_from_bitrate_and_segments(&t,
	    700000, true, &err), EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "bit timing: with these segments the "
	    "bitrate is 1000000, but must be within 1/256 of 700000");
	assert_int_equal(t.brp, 1);
	evcan_error_clear(&err);
	assert_int_equal(evcan_bit_timing_from_bitrate_and_segments(&t, 5,
	    false, &err), EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "bit timing: brp would be 200000 with "
	    "these segments, but must be from 1 to 65535");
	assert_int_equal(evcan_bit_timing_from_bitrate_and_segments(&t, 0,
	    false, NULL), EVCAN_ERR_INVALID);

	assert_int_equal(evcan_bit_timing_fd_from_bitrate_and_segments(&fd,
	    500000, 2000000, false, NULL), 0);
	assert_int_equal(fd.nom_brp, 1);
	assert_int_equal(fd.data_brp, 1);
	assert_int_equal(evcan_bit_timing_fd_from_bitrate_and_segments(&fd,
	    500000, 2000000, true, NULL), EVCAN_ERR_INVALID);
}

static void
test_recreate(void **state)
{
	struct evcan_bit_timing t = { 8 * MHZ, 1, 5, 2, 1, 1 };
	struct evcan_bit_timing_fd fd = { 80 * MHZ, 5, 27, 4, 4, 5, 6, 1, 1 };
	static const struct evcan_bit_timing_fd fd60 =
	    { 60 * MHZ, 2, 51, 8, 8, 2, 12, 2, 2 };
	struct evcan_error err = { 0 };

	(void)state;
	assert_int_equal(evcan_bit_timing_recreate_with_f_clock(&t, 16 * MHZ,
	    NULL), 0);
	assert_true(evcan_bit_timing_equal(&t, &(struct evcan_bit_timing)
	    { 16 * MHZ, 2, 5, 2, 1, 1 }));
	t = (struct evcan_bit_timing){ 16 * MHZ, 2, 12, 3, 3, 3 };
	assert_int_equal(evcan_bit_timing_recreate_with_f_clock(&t, 8 * MHZ,
	    NULL), 0);
	assert_true(evcan_bit_timing_equal(&t, &(struct evcan_bit_timing)
	    { 8 * MHZ, 1, 12, 3, 3, 3 }));
	assert_int_equal(evcan_bit_timing_recreate_with_f_clock(&t, 8000,
	    &err), EVCAN_ERR_INVALID);
	assert_int_equal(t.f_clock, 8 * MHZ);
	evcan_error_clear(&err);
	/* 8 quanta cannot have what 16 had at 81 %. */
	t = (struct evcan_bit_timing){ 16 * MHZ, 1, 12, 3, 3, 1 };
	assert_int_equal(evcan_bit_timing_recreate_with_f_clock(&t, 8 * MHZ,
	    &err), EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "bit timing: this clock moves the "
	    "sample point by more than one percent");

	assert_int_equal(evcan_bit_timing_fd_recreate_with_f_clock(&fd,
	    60 * MHZ, NULL), 0);
	assert_true(evcan_bit_timing_fd_equal(&fd, &fd60));
	assert_int_equal(evcan_bit_timing_fd_recreate_with_f_clock(&fd, 0,
	    NULL), EVCAN_ERR_INVALID);
	assert_true(evcan_bit_timing_fd_equal(&fd, &fd60));
}

static void
test_adjust_clock(void **state)
{
	static const struct {
		uint32_t clocks[3];
		size_t n;
		int r;
		uint32_t f_clock;
	} table[] = {
		{ { 8 * MHZ, 24 * MHZ }, 2, 1, 8 * MHZ },
		{ { 24 * MHZ, 8 * MHZ }, 2, 1, 24 * MHZ },
		{ { 8000, 24 * MHZ, 8 * MHZ }, 3, 1, 24 * MHZ },
		{ { 8 * MHZ, 80 * MHZ }, 2, 0, 80 * MHZ },
		{ { 8000, 16000 }, 2, EVCAN_ERR_INIT, 80 * MHZ },
	};
	static const struct evcan_bit_timing t =
	    { 80 * MHZ, 10, 13, 2, 1, 1 };
	static const uint32_t fd_clocks[] = { 8000, 80 * MHZ };
	struct evcan_timing fd = { .fd = true, .flexible =
	    { 160 * MHZ, 2, 119, 40, 40, 2, 29, 10, 10 } };

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct evcan_timing timing = { .classic = t };
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_timing_adjust_clock(&timing,
		    table[i].clocks, table[i].n, &err), table[i].r);
		assert_int_equal(timing.classic.f_clock, table[i].f_clock);
		assert_int_equal(evcan_bit_timing_bitrate(&timing.classic),
		    500000);
		if (table[i].r < 0)
			assert_string_equal(err.text, "bit timing: its clock "
			    "is 80000000 Hz, but must be one that the device "
			    "has, and none of these gives the same bits: "
			    "8000, 16000");
	}
	assert_int_equal(evcan_timing_adjust_clock(&fd, fd_clocks, 2, NULL),
	    1);
	assert_int_equal(fd.flexible.f_clock, 80 * MHZ);
	assert_int_equal(evcan_bit_timing_fd_nominal(&fd.flexible), 500000);
}

static void
test_equal(void **state)
{
	static const struct evcan_timing base = { .classic =
	    { 8 * MHZ, 1, 5, 2, 1, 1 } };
	static const struct evcan_timing fd = { .fd = true, .flexible =
	    { 80 * MHZ, 1, 59, 20, 20, 1, 6, 3, 3 } };
	struct evcan_timing other[6], flexible = fd;

	(void)state;
	for (int i = 0; i < 6; i++)
		other[i] = base;
	assert_true(evcan_timing_equal(&base, &other[0]));
	assert_false(evcan_timing_equal(&base, &fd));
	assert_true(evcan_timing_equal(&fd, &flexible));
	flexible.flexible.data_sjw--;
	assert_false(evcan_timing_equal(&fd, &flexible));
	other[0].classic.f_clock++;
	other[1].classic.brp++;
	other[2].classic.tseg1++;
	other[3].classic.tseg2++;
	other[4].classic.sjw++;
	other[5].classic.nof_samples = 3;
	for (int i = 0; i < 6; i++)
		assert_false(evcan_timing_equal(&base, &other[i]));
}

static void
test_text(void **state)
{
	static const struct {
		struct evcan_timing t;
		const char *print, *format;
	} table[] = {
		{ { .classic = { 8 * MHZ, 1, 5, 2, 1, 1 } },
		  "BR: 1_000_000 bit/s, SP: 75.00%, BRP: 1, TSEG1: 5, "
		  "TSEG2: 2, SJW: 1, BTR: 0014h, CLK: 8MHz",
		  "f_clock=8000000 brp=1 tseg1=5 tseg2=2 sjw=1 "
		  "nof_samples=1" },
		/* Halves to the even digit: 68.125 and 2.5 MHz. */
		{ { .classic = { 2500000, 1, 10, 5, 4, 3 } },
		  "BR: 156_250 bit/s, SP: 68.75%, BRP: 1, TSEG1: 10, "
		  "TSEG2: 5, SJW: 4, BTR: C0C9h, CLK: 2MHz",
		  "f_clock=2500000 brp=1 tseg1=10 tseg2=5 sjw=4 "
		  "nof_samples=3" },
		{ { .fd = true, .flexible =
		  { 80 * MHZ, 1, 119, 40, 40, 1, 29, 10, 10 } },
		  "NBR: 500_000 bit/s, NSP: 75.00%, NBRP: 1, NTSEG1: 119, "
		  "NTSEG2: 40, NSJW: 40, DBR: 2_000_000 bit/s, DSP: 75.00%, "
		  "DBRP: 1, DTSEG1: 29, DTSEG2: 10, DSJW: 10, CLK: 80MHz",
		  "f_clock=80000000 nom_brp=1 nom_tseg1=119 nom_tseg2=40 "
		  "nom_sjw=40 data_brp=1 data_tseg1=29 data_tseg2=10 "
		  "data_sjw=10" },
	};
	/* The longest there is. */
	static const struct evcan_timing longest = { .fd = true, .flexible =
	    { UINT32_MAX, 65535, 65535, 65535, 65535, 65535, 65535, 65535,
	      65535 } };
	char text[EVCAN_TIMING_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct evcan_timing back;

		assert_int_equal(evcan_timing_print(&table[i].t, text,
		    sizeof(text)), strlen(table[i].print));
		assert_string_equal(text, table[i].print);
		assert_int_equal(evcan_timing_format(&table[i].t, text,
		    sizeof(text)), strlen(table[i].format));
		assert_string_equal(text, table[i].format);
		assert_int_equal(evcan_timing_parse(&back, text, NULL), 0);
		assert_true(evcan_timing_equal(&back, &table[i].t));
	}
	assert_true(evcan_timing_print(&longest, text, sizeof(text)) > 150);
	assert_true(evcan_timing_format(&longest, text, sizeof(text)) > 130);
	assert_int_equal(evcan_timing_print(&longest, text,
	    sizeof(text) - 1), EVCAN_ERR_FULL);
	assert_int_equal(evcan_timing_format(&longest, text,
	    sizeof(text) - 1), EVCAN_ERR_FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_slow_quantum),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_strict_fd),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_from_sample_point),
		cmocka_unit_test(test_fd_from_sample_point),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_usual_fd),
		cmocka_unit_test(test_iterate),
		cmocka_unit_test(test_iterate_fd),
		cmocka_unit_test(test_no_solution),
		cmocka_unit_test(test_wishes_refused),
		cmocka_unit_test(test_from_segments),
		cmocka_unit_test(test_recreate),
		cmocka_unit_test(test_adjust_clock),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests_name("bit_timing_solve", tests, NULL,
	    NULL);
}

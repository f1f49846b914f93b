/* SPDX-License-Identifier: BSD-3-Clause */
/* test_schedule.c - when the frames of a log are due */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/frame.h>

#include "schedule.h"

#define SEC 1000000000ll
#define MS 1000000ll
#define NOW (5000 * SEC)
#define YEAR (366ll * 86400 * SEC)
#define EPOCH (1700000000ll * SEC)

static struct evcan_schedule_ schedule;
static struct evcan_schedule_rules_ rules;

static int
setup(void **state)
{
	(void)state;
	memset(&schedule, 0, sizeof(schedule));
	rules = (struct evcan_schedule_rules_){ .speed = 1,
		.gap_ns = 100000 };
	return 0;
}

static int64_t
due_at(int64_t time_ns, int64_t now)
{
	const struct evcan_frame frame = {
		.time_ns = time_ns, .clock = EVCAN_CLOCK_KERNEL
	};

	return evcan_schedule_next_(&schedule, &rules, &frame, now);
}

static int64_t
due(int64_t time_ns)
{
	return due_at(time_ns, NOW);
}

/* ns of the log's time since the first frame, at a speed, as exactly as the
 * machine can. */
static void
expect_near(int64_t got, int64_t log_ns, double speed, int64_t most)
{
	long double exact = (long double)NOW + (long double)log_ns / speed;
	long double off = (long double)got - exact;

	if (off > (long double)most || off < -(long double)most)
		fail_msg("%lld ns at speed %g: off by %Lg ns",
		    (long long)log_ns, speed, off);
}

static void
test_plain(void **state)
{
	assert_int_equal(due(EPOCH), NOW);
	/* Where the clock stands then means nothing. */
	assert_int_equal(due_at(EPOCH + 1, NOW + 77 * SEC), NOW + 1);
	assert_int_equal(due(EPOCH + SEC), NOW + SEC);
	setup(state);
	rules.speed = 4;
	assert_int_equal(due(EPOCH), NOW);
	assert_int_equal(due(EPOCH + 2 * SEC), NOW + SEC / 2);
	assert_int_equal(due(EPOCH + 40 * SEC), NOW + 10 * SEC);
}

/* Ten million frames, 1 us apart: nothing adds up. */
static void
test_no_drift(void **state)
{
	static const double speeds[] = { 1, 3, 0.7, 60, 1e-6, 1e6, 1 / 3.0 };

	for (size_t s = 0; s < sizeof(speeds) / sizeof(speeds[0]); s++) {
		setup(state);
		rules.speed = speeds[s];
		rules.skip_ns = SEC;
		for (int64_t i = 0; i < 10000000; i++) {
			int64_t got = due(EPOCH + i * 1000);

			if (i % 1000 == 0 || i > 9999990)
				expect_near(got, i * 1000, speeds[s], 4);
		}
	}
}

static void
test_a_year(void **state)
{
	static const double speeds[] = { 1, 1.1, 0.9, 60, 0.5 };

	for (size_t s = 0; s < sizeof(speeds) / sizeof(speeds[0]); s++) {
		setup(state);
		rules.speed = speeds[s];
		for (int64_t t = 0; t < YEAR; t += 977 * MS + 13)
			expect_near(due(EPOCH + t), t, speeds[s], 100);
	}
}

static void
test_skip(void **state)
{
	rules.skip_ns = 50 * MS;
	assert_int_equal(due(EPOCH), NOW);
	assert_int_equal(due(EPOCH + 1000 * SEC), NOW + 50 * MS);
	assert_int_equal(due(EPOCH + 1000 * SEC + 20 * MS), NOW + 70 * MS);
	assert_int_equal(due(EPOCH + 1000 * SEC + 70 * MS), NOW + 120 * MS);
	/* It is the wait that is shortened, not the log's pause. */
	setup(state);
	rules.skip_ns = 50 * MS;
	rules.speed = 10;
	assert_int_equal(due(EPOCH), NOW);
	assert_int_equal(due(EPOCH + 500 * MS), NOW + 50 * MS);
	assert_int_equal(due(EPOCH + 1001 * MS), NOW + 100 * MS);
}

static void
test_backwards(void **state)
{
	(void)state;
	assert_int_equal(due(EPOCH), NOW);
	assert_int_equal(due(EPOCH - 50 * SEC), NOW);
	assert_int_equal(due(EPOCH + 2 * SEC), NOW + 2 * SEC);
	assert_int_equal(due(EPOCH + SEC), NOW + 2 * SEC);
	assert_int_equal(due(EPOCH + 3 * SEC), NOW + 3 * SEC);
}

static void
test_no_time(void **state)
{
	const struct evcan_frame none = { .clock = EVCAN_CLOCK_NONE };

	(void)state;
	assert_int_equal(evcan_schedule_next_(&schedule, &rules, &none, NOW),
	    NOW);
	assert_int_equal(due_at(EPOCH, NOW + SEC), NOW);
	assert_int_equal(due(EPOCH + SEC), NOW + SEC);
	assert_int_equal(evcan_schedule_next_(&schedule, &rules, &none,
	    NOW + 9 * SEC), NOW + SEC);
}

static void
test_gap(void **state)
{
	(void)state;
	rules.ignore_timestamps = true;
	for (int64_t i = 0; i < 1000; i++)
		assert_int_equal(due_at(EPOCH - i * SEC, NOW + i),
		    NOW + i * 100000);
	evcan_schedule_round_(&schedule);
	assert_int_equal(due(EPOCH), NOW + 1000 * 100000);
	/* The speed is of the log's time. */
	evcan_schedule_set_speed_(&schedule, &rules, 5, NOW);
	assert_int_equal(due(EPOCH), NOW + 1001 * 100000);
	evcan_schedule_rules_fill_(&rules, true, 5, 0.25, 1);
	assert_int_equal(rules.gap_ns, SEC / 4);
	evcan_schedule_rules_fill_(&rules, true, 5, 0, 1);
	assert_int_equal(rules.gap_ns, 5 * SEC);
}

static void
test_rounds(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 5; i++) {
		assert_int_equal(due_at(EPOCH, NOW + 100 * SEC * (i > 0)),
		    NOW + i * SEC);
		assert_int_equal(due(EPOCH + SEC), NOW + (i + 1) * SEC);
		evcan_schedule_round_(&schedule);
	}
}

static void
test_shift(void **state)
{
	(void)state;
	evcan_schedule_shift_(&schedule, SEC);
	assert_int_equal(due(EPOCH), NOW);
	evcan_schedule_shift_(&schedule, 10 * SEC);
	assert_int_equal(due(EPOCH + SEC), NOW + 11 * SEC);
	evcan_schedule_shift_(&schedule, -5 * SEC);
	assert_int_equal(due(EPOCH + 2 * SEC), NOW + 7 * SEC);
}

static void
test_set_speed(void **state)
{
	(void)state;
	due(EPOCH);
	/* A frame that is asked for and waits, and the next ones. */
	assert_int_equal(due(EPOCH + 10 * SEC), NOW + 10 * SEC);
	evcan_schedule_set_speed_(&schedule, &rules, 2, NOW + 4 * SEC);
	assert_int_equal(evcan_schedule_rescaled_(NOW + 10 * SEC,
	    NOW + 4 * SEC, 0.5), NOW + 7 * SEC);
	assert_int_equal(due(EPOCH + 12 * SEC), NOW + 8 * SEC);
	/* Twice is once. */
	evcan_schedule_set_speed_(&schedule, &rules, 1, NOW + 8 * SEC);
	evcan_schedule_set_speed_(&schedule, &rules, 4, NOW + 8 * SEC);
	assert_int_equal(due(EPOCH + 20 * SEC), NOW + 10 * SEC);
	/* What is late stays as late as it is. */
	assert_int_equal(evcan_schedule_rescaled_(NOW - SEC, NOW, 9),
	    NOW - SEC);
}

/* A round that has not begun moves with the end of the one before. */
static void
test_set_speed_between(void **state)
{
	(void)state;
	due(EPOCH);
	due(EPOCH + 10 * SEC);
	evcan_schedule_round_(&schedule);
	evcan_schedule_set_speed_(&schedule, &rules, 10, NOW);
	assert_int_equal(due(EPOCH), NOW + SEC);
	assert_int_equal(due(EPOCH + 10 * SEC), NOW + 2 * SEC);
}

/* Changing it a thousand times leaves less than a microsecond. */
static void
test_set_speed_often(void **state)
{
	int64_t now = NOW, log = 0;

	(void)state;
	due(EPOCH);
	for (int i = 0; i < 1000; i++) {
		double speed = i % 2 == 0 ? 3 : 0.75;

		evcan_schedule_set_speed_(&schedule, &rules, speed, now);
		now += 400 * MS;
		log += i % 2 == 0 ? 1200 * MS : 300 * MS;
		assert_in_range(due(EPOCH + log), now - 1000, now + 1000);
	}
}

/* Logs are foreign: their times may be any 64 bits. */
static void
test_any_times(void **state)
{
	static const int64_t times[] = { INT64_MIN, INT64_MAX, 0, -1, 1,
		INT64_MAX - 1, INT64_MIN + 1, EPOCH };
	static const double speeds[] = { 1, 1e-6, 1e6 };

	for (int i = 0; i < 8 * 8 * 8 * 3 * 2; i++) {
		int64_t last = NOW;

		setup(state);
		rules.speed = speeds[i / 512 % 3];
		rules.skip_ns = i / 512 / 3 * 31536000 * SEC;
		for (int k = 0, n = i; k < 3; k++, n /= 8) {
			int64_t got = due(times[n % 8]);

			assert_true(got >= last);
			last = got;
		}
		evcan_schedule_set_speed_(&schedule, &rules, 1e6,
		    NOW + YEAR);
		evcan_schedule_set_speed_(&schedule, &rules, 1e-6, NOW);
		assert_true(due(times[i % 8]) >= NOW);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_plain, setup),
		cmocka_unit_test_setup(test_no_drift, setup),
		cmocka_unit_test_setup(test_a_year, setup),
		cmocka_unit_test_setup(test_skip, setup),
		cmocka_unit_test_setup(test_backwards, setup),
		cmocka_unit_test_setup(test_no_time, setup),
		cmocka_unit_test_setup(test_gap, setup),
		cmocka_unit_test_setup(test_rounds, setup),
		cmocka_unit_test_setup(test_shift, setup),
		cmocka_unit_test_setup(test_set_speed, setup),
		cmocka_unit_test_setup(test_set_speed_between, setup),
		cmocka_unit_test_setup(test_set_speed_often, setup),
		cmocka_unit_test_setup(test_any_times, setup)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

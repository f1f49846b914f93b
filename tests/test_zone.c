/* SPDX-License-Identifier: BSD-3-Clause */
/* test_zone.c - wall clocks against the C library, and where it has no say */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <time.h>

#include <cmocka.h>

#include <evcan/error.h>

#include "zone.h"

static void
set_tz(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static struct evcan_zone_
zone_of(const char *text)
{
	struct evcan_zone_ zone;
	struct evcan_error err = { 0 };

	assert_int_equal(evcan_zone_parse_(&zone, text, &err), 0);
	return zone;
}

static void
words(void **state)
{
	static const struct {
		const char *text;
		bool local;
		int offset_s;
	} good[] = {
		{ NULL, true, 0 }, { "", true, 0 }, { "local", true, 0 },
		{ "LOCAL", true, 0 }, { "utc", false, 0 },
		{ "UTC", false, 0 }, { "Z", false, 0 }, { "z", false, 0 },
		{ "+02:00", false, 7200 }, { "-0330", false, -12600 },
		{ "+05", false, 18000 }, { "-00:00", false, 0 },
		{ "+23:59", false, 86340 }, { "+0545", false, 20700 },
		{ "-12", false, -43200 }
	};
	static const char *const bad[] = {
		"02:00", "+2", "+2:00", "+24:00", "+02:60", "+02:", "+:0200",
		"+020", "+02:0", "+02000", "+02:00 ", "++02", "Berlin", "u",
		"utc+1", "+0a:00", "+", "-", "+02:0:0", "+020:0"
	};
	struct evcan_error err;
	struct evcan_zone_ zone;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		zone = zone_of(good[i].text);
		assert_int_equal(zone.local, good[i].local);
		assert_int_equal(zone.offset_s, good[i].offset_s);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evcan_error_clear(&err);
		if (evcan_zone_parse_(&zone, bad[i], &err) !=
		    EVCAN_ERR_INVALID)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_non_null(strstr(err.text, "utc"));
	}
}

static void
known_dates(void **state)
{
	static const struct {
		int64_t unix_s;
		struct evcan_wall_ wall;
	} dates[] = {
		{ 0, { 1970, 1, 1, 4, 0, 0, 0 } },
		{ -1, { 1969, 12, 31, 3, 23, 59, 59 } },
		{ 951782400, { 2000, 2, 29, 2, 0, 0, 0 } },
		{ 1709164800, { 2024, 2, 29, 4, 0, 0, 0 } },
		{ 4107542400, { 2100, 3, 1, 1, 0, 0, 0 } },
		{ -62135596800, { 1, 1, 1, 1, 0, 0, 0 } },
		{ 253402300799, { 9999, 12, 31, 5, 23, 59, 59 } },
		{ -2209161600, { 1899, 12, 30, 6, 0, 0, 0 } },
		{ 1793885445, { 2026, 11, 5, 4, 13, 30, 45 } }
	};
	const struct evcan_zone_ utc = zone_of("utc");
	struct evcan_wall_ wall;
	int64_t t;

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		assert_true(evcan_zone_wall_(&utc, dates[i].unix_s, &wall));
		assert_memory_equal(&wall, &dates[i].wall, sizeof(wall));
		assert_true(evcan_zone_unix_(&utc, &wall, &t));
		assert_true(t == dates[i].unix_s);
	}
}

/* Every day of 10,000 years, counted by hand. */
static void
all_days(void **state)
{
	static const int days[12] =
	    { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const struct evcan_zone_ utc = zone_of("utc");
	struct evcan_wall_ wall;
	int64_t t = -62135596800, back;
	int weekday = 1;

	(void)state;
	for (int y = 1; y <= 9999; y++) {
		const int leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

		for (int m = 0; m < 12; m++) {
			const int n = days[m] + (m == 1 ? leap : 0);

			for (int d = 1; d <= n; d++, t += 86400) {
				assert_true(evcan_zone_wall_(&utc, t, &wall));
				assert_true(wall.year == y &&
				    wall.month == m + 1 && wall.day == d &&
				    wall.weekday == weekday);
				assert_true(evcan_zone_unix_(&utc, &wall,
				    &back));
				assert_true(back == t);
				weekday = (weekday + 1) % 7;
			}
		}
	}
}

static void
refused(void **state)
{
	static const struct evcan_wall_ bad[] = {
		{ 2026, 2, 31, 0, 0, 0, 0 }, { 2026, 2, 29, 0, 0, 0, 0 },
		{ 2100, 2, 29, 0, 0, 0, 0 }, { 2026, 4, 31, 0, 0, 0, 0 },
		{ 2026, 0, 1, 0, 0, 0, 0 }, { 2026, 13, 1, 0, 0, 0, 0 },
		{ 2026, 1, 0, 0, 0, 0, 0 }, { 2026, 1, 32, 0, 0, 0, 0 },
		{ 2026, 1, 1, 0, 24, 0, 0 }, { 2026, 1, 1, 0, 0, 60, 0 },
		{ 2026, 1, 1, 0, 0, 0, 60 }, { 2026, 1, 1, 0, -1, 0, 0 },
		{ 2026, 1, 1, 0, 0, -1, 0 }, { 2026, 1, 1, 0, 0, 0, -1 },
		{ 0, 1, 1, 0, 0, 0, 0 }, { 10000, 1, 1, 0, 0, 0, 0 },
		{ INT32_MIN, 1, 1, 0, 0, 0, 0 },
		{ 2026, INT32_MAX, 1, 0, 0, 0, 0 }
	};
	static const int64_t times[] = { -62135596801, 253402300800,
	    INT64_MIN, INT64_MAX };
	const char *const zones[] = { "utc", "local" };
	struct evcan_wall_ wall;
	int64_t t;

	(void)state;
	set_tz("UTC");
	for (int z = 0; z < 2; z++) {
		const struct evcan_zone_ zone = zone_of(zones[z]);

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			assert_false(evcan_zone_unix_(&zone, &bad[i], &t));
		for (size_t i = 0; i < 4; i++)
			assert_false(evcan_zone_wall_(&zone, times[i],
			    &wall));
	}
}

static void
offsets(void **state)
{
	const struct evcan_zone_ east = zone_of("+05:45");
	const struct evcan_zone_ west = zone_of("-11");
	const struct evcan_wall_ new_year = { 2026, 1, 1, 4, 0, 0, 0 };
	struct evcan_wall_ wall;
	int64_t a, b;

	(void)state;
	assert_true(evcan_zone_unix_(&east, &new_year, &a));
	assert_true(evcan_zone_unix_(&west, &new_year, &b));
	assert_true(a == 1767225600 - 20700);
	assert_true(b == 1767225600 + 39600);
	assert_true(evcan_zone_wall_(&east, a, &wall));
	assert_memory_equal(&wall, &new_year, sizeof(wall));
	assert_true(evcan_zone_wall_(&west, b, &wall));
	assert_memory_equal(&wall, &new_year, sizeof(wall));
	/* The first second of the year 1 there is before it here. */
	assert_true(evcan_zone_wall_(&east, -62135596800 - 20700, &wall));
	assert_false(evcan_zone_wall_(&west, -62135596800, &wall));
	assert_false(evcan_zone_wall_(&east, 253402300799, &wall));
}

/* Every hour of some years in several zones, against localtime_r(). */
static void
local_hours(void **state)
{
	static const char *const zones[] = { "Europe/Berlin",
	    "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
	    "America/St_Johns", "Pacific/Apia", "CET-1CEST,M3.5.0,M10.5.0/3" };

	(void)state;
	for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		struct evcan_zone_ zone;
		time_t repeated = 0;

		set_tz(zones[z]);
		zone = zone_of("local");
		for (time_t t = 1262304000; t < 1800000000; t += 1800) {
			struct evcan_wall_ wall;
			struct tm tm;
			int64_t back;

			localtime_r(&t, &tm);
			assert_true(evcan_zone_wall_(&zone, t, &wall));
			assert_true(wall.year == tm.tm_year + 1900 &&
			    wall.month == tm.tm_mon + 1 &&
			    wall.day == tm.tm_mday &&
			    wall.hour == tm.tm_hour &&
			    wall.minute == tm.tm_min &&
			    wall.second == tm.tm_sec &&
			    wall.weekday == tm.tm_wday);
			assert_true(evcan_zone_unix_(&zone, &wall, &back));
			/* A repeated hour comes back as its first. */
			assert_true(back == t || (back < t &&
			    t - back <= 3600 && !tm.tm_isdst));
			repeated += back != t;
		}
		assert_true(repeated <= 2 * 18);
	}
}

static void
berlin(void **state)
{
	const struct evcan_wall_ twice = { 2026, 10, 25, 0, 2, 30, 0 };
	const struct evcan_wall_ never = { 2026, 3, 29, 0, 2, 30, 0 };
	const struct evcan_wall_ before = { 2026, 3, 29, 0, 1, 59, 59 };
	const struct evcan_wall_ behind = { 2026, 3, 29, 0, 3, 0, 0 };
	struct evcan_zone_ zone;
	int64_t t;

	(void)state;
	set_tz("Europe/Berlin");
	zone = zone_of(NULL);
	assert_true(evcan_zone_unix_(&zone, &twice, &t));
	assert_true(t == 1792888200);      /* 00:30 UTC, summer */
	assert_true(evcan_zone_unix_(&zone, &never, &t));
	assert_true(t == 1774747800);      /* 01:30 UTC, shown as 03:30 */
	assert_true(evcan_zone_unix_(&zone, &before, &t));
	assert_true(t == 1774745999);
	assert_true(evcan_zone_unix_(&zone, &behind, &t));
	assert_true(t == 1774746000);
}

/* What is told of a start is read back, in and around the repeated hour. */
static void
starts(void **state)
{
	const int64_t change = 1792890000;   /* 01:00 UTC: 3 becomes 2 */
	struct evcan_zone_ zone;
	struct evcan_wall_ wall;
	int64_t t, back;

	(void)state;
	set_tz("Europe/Berlin");
	zone = zone_of("local");
	for (int64_t at = change - 9000; at < change + 9000; at++) {
		const bool second = at >= change && at < change + 3600;

		t = at;
		assert_true(evcan_zone_start_(&zone, &t, &wall));
		assert_true(t == at - (second ? 3600 : 0));
		assert_true(evcan_zone_unix_(&zone, &wall, &back));
		assert_true(back == t);
	}
	t = INT64_MAX;
	assert_false(evcan_zone_start_(&zone, &t, &wall));
	assert_true(t == INT64_MAX);
	zone = zone_of("+02:00");
	t = change;
	assert_true(evcan_zone_start_(&zone, &t, &wall));
	assert_true(t == change && wall.hour == 3);
}

/* Once a second of log time must not be felt. */
static void
quick(void **state)
{
	struct evcan_zone_ zone;
	struct evcan_wall_ wall;
	struct timespec a, b;
	const int n = 100000;
	double ns;

	(void)state;
	set_tz("Europe/Berlin");
	zone = zone_of("local");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < n; i++)
		assert_true(evcan_zone_wall_(&zone, 1700000000 + i, &wall));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 +
	    (double)(b.tv_nsec - a.tv_nsec)) / n;
	print_message("local wall clock: %.0f ns\n", ns);
	assert_true(ns < 20000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(known_dates),
		cmocka_unit_test(all_days),
		cmocka_unit_test(refused),
		cmocka_unit_test(offsets),
		cmocka_unit_test(local_hours),
		cmocka_unit_test(berlin),
		cmocka_unit_test(starts),
		cmocka_unit_test(quick)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

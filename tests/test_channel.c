/* SPDX-License-Identifier: BSD-3-Clause */
/* test_channel.c - the table of channel names, from one thread and many */
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>

static void
names(void **state)
{
	char longest[EVCAN_CHANNEL_NAME_MAX + 2];
	int can0, vcan0, zero;

	(void)state;
	assert_string_equal(evcan_channel_name(0), "");
	assert_string_equal(evcan_channel_name(65535), "");
	can0 = evcan_channel_intern("can0");
	vcan0 = evcan_channel_intern("vcan0");
	zero = evcan_channel_intern("0");
	assert_true(can0 > 0 && vcan0 > 0 && zero > 0);
	assert_true(can0 != vcan0 && vcan0 != zero && zero != can0);
	assert_int_equal(evcan_channel_intern("can0"), can0);
	assert_int_equal(evcan_channel_intern_n("can012", 4), can0);
	assert_int_not_equal(evcan_channel_intern("can"), can0);
	assert_int_not_equal(evcan_channel_intern("can00"), can0);
	assert_string_equal(evcan_channel_name((uint16_t)can0), "can0");
	assert_string_equal(evcan_channel_name((uint16_t)vcan0), "vcan0");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(evcan_channel_intern(longest), EVCAN_ERR_INVALID);
	longest[sizeof(longest) - 2] = '\0';
	assert_true(evcan_channel_intern(longest) > 0);
	assert_int_equal(evcan_channel_intern(""), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_channel_intern(NULL), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_channel_intern("a\nb"), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_channel_intern_n("a\0b", 3),
	    EVCAN_ERR_INVALID);
	assert_true(evcan_channel_intern("Kan\xc3\xa4le 1") > 0);
}

static void
numbers(void **state)
{
	static const struct {
		const char *name;
		int number;
	} rows[] = {
		{"can12", 12}, {"12", 12}, {"can0", 0}, {"can007", 7},
		{"a1b2", 2}, {"can", EVCAN_ERR_INVALID},
		{"", EVCAN_ERR_INVALID}, {"can1x", EVCAN_ERR_INVALID},
		{"can2147483647", INT_MAX},
		{"can2147483648", EVCAN_ERR_INVALID},
		{"can99999999999999999999", EVCAN_ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(evcan_channel2int(rows[i].name),
		    rows[i].number);
	assert_int_equal(evcan_channel2int(NULL), EVCAN_ERR_INVALID);
}

#define THREADS 8
#define NAMES 3000

static int seen[THREADS][NAMES];

static void *
intern_all(void *arg)
{
	int *const mine = arg;
	char name[32];

	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "thread%d", i);
		mine[i] = evcan_channel_intern(name);
		if (mine[i] < 1 ||
		    strcmp(evcan_channel_name((uint16_t)mine[i]), name) != 0)
			return "wrong";
	}
	return NULL;
}

static void
threads(void **state)
{
	pthread_t ids[THREADS];
	void *wrong;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, intern_all,
		    seen[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(ids[i], &wrong), 0);
		assert_null(wrong);
	}
	for (int i = 1; i < THREADS; i++)
		assert_memory_equal(seen[0], seen[i], sizeof(seen[0]));
}

/* Last, as it leaves no room: the table fills up and stays as it is. */
static void
full(void **state)
{
	char name[32];
	int i, last = 0, r = 0;

	(void)state;
	for (i = 0; i < 70000; i++) {
		snprintf(name, sizeof(name), "full%d", i);
		if ((r = evcan_channel_intern(name)) < 0)
			break;
		last = r;
	}
	assert_int_equal(r, EVCAN_ERR_FULL);
	assert_int_equal(last, 65535);
	assert_int_equal(evcan_channel_intern(name), EVCAN_ERR_FULL);
	snprintf(name, sizeof(name), "full%d", i - 1);
	assert_int_equal(evcan_channel_intern(name), 65535);
	assert_string_equal(evcan_channel_name(65535), name);
	assert_true(evcan_channel_intern("can0") > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(numbers),
		cmocka_unit_test(threads),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

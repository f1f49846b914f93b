/* SPDX-License-Identifier: BSD-3-Clause */
/* test_channel_map.c - channels by number, given out and read back */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>

#include "channel_map.h"

static uint16_t
intern(const char *name)
{
	const int channel = evcan_channel_intern(name);

	assert_true(channel > 0);
	return (uint16_t)channel;
}

static void
start(struct evcan_channel_map_ *map, const char *text)
{
	struct evcan_error err = { 0 };

	assert_int_equal(evcan_channel_map_init_(map, text, &err), 0);
}

static void
expect(struct evcan_channel_map_ *map, const char *name, unsigned number,
    bool told)
{
	bool tell = !told;

	assert_int_equal(evcan_channel_map_number_(map, intern(name), &tell),
	    number);
	assert_int_equal(tell, told);
}

static const char *
name_of(struct evcan_channel_map_ *map, unsigned number)
{
	return evcan_channel_name(evcan_channel_map_channel_(map, number));
}

static void
writing(void **state)
{
	struct evcan_channel_map_ map;

	(void)state;
	start(&map, NULL);
	expect(&map, "can0", 1, false);
	expect(&map, "can3", 4, false);
	expect(&map, "vcan0", 2, true);     /* 1 is taken */
	expect(&map, "vcan0", 2, false);    /* told once */
	expect(&map, "can0", 1, false);
	expect(&map, "vcan0", 2, false);
	expect(&map, "can1", 3, true);
	expect(&map, "can1", 3, false);
	expect(&map, "engine", 5, true);
	expect(&map, "can254", 255, false);
	expect(&map, "can255", 6, true);
	expect(&map, "can99999999999", 7, true);
	expect(&map, "can00", 8, true);
	expect(&map, "vcan9", 10, true);
}

static void
no_channel(void **state)
{
	struct evcan_channel_map_ map;
	bool tell = true;

	(void)state;
	start(&map, NULL);
	assert_int_equal(evcan_channel_map_number_(&map, 0, &tell), 0);
	assert_false(tell);
	assert_int_equal(evcan_channel_map_channel_(&map, 0), 0);
}

static void
all_taken(void **state)
{
	struct evcan_channel_map_ map;
	char name[16];
	bool tell;

	(void)state;
	start(&map, "");
	for (unsigned i = 0; i < 255; i++) {
		snprintf(name, sizeof(name), "x%u", 254 - i);
		expect(&map, name, 255 - i, true);
	}
	assert_int_equal(evcan_channel_map_number_(&map, intern("x255"),
	    &tell), 0);
	assert_false(tell);
	expect(&map, "x254", 255, false);
}

static void
reading(void **state)
{
	struct evcan_channel_map_ map;

	(void)state;
	start(&map, NULL);
	assert_string_equal(name_of(&map, 1), "can0");
	assert_string_equal(name_of(&map, 255), "can254");
	assert_string_equal(name_of(&map, 256), "can255");
	assert_string_equal(name_of(&map, 70000), "can69999");
	assert_string_equal(name_of(&map, UINT32_MAX), "can4294967294");
	evcan_channel_map_learn_(&map, 2, "vcan7+", 5);
	assert_string_equal(name_of(&map, 2), "vcan7");
	/* The newest word of the file counts. */
	evcan_channel_map_learn_(&map, 2, "vcan8", 5);
	assert_string_equal(name_of(&map, 2), "vcan8");
	evcan_channel_map_learn_(&map, 1, "bus", 3);
	assert_string_equal(name_of(&map, 1), "bus");
	/* Bad ones do not. */
	evcan_channel_map_learn_(&map, 0, "a", 1);
	evcan_channel_map_learn_(&map, 256, "a", 1);
	evcan_channel_map_learn_(&map, UINT32_MAX, "a", 1);
	evcan_channel_map_learn_(&map, 1, "", 0);
	evcan_channel_map_learn_(&map, 1, "a\nb", 3);
	assert_string_equal(name_of(&map, 1), "bus");
	assert_string_equal(name_of(&map, 0), "");
}

static void
option(void **state)
{
	struct evcan_channel_map_ map;

	(void)state;
	start(&map, "vcan0=1,left=0x3,can0=255");
	assert_string_equal(name_of(&map, 1), "vcan0");
	assert_string_equal(name_of(&map, 2), "can1");
	assert_string_equal(name_of(&map, 3), "left");
	evcan_channel_map_learn_(&map, 1, "other", 5);
	assert_string_equal(name_of(&map, 1), "vcan0");
	expect(&map, "vcan0", 1, true);
	expect(&map, "vcan0", 1, false);
	expect(&map, "can0", 255, true);
	expect(&map, "left", 3, true);
	start(&map, "can4=5");
	expect(&map, "can4", 5, false);
}

/* What a file that is appended to holds keeps its numbers. */
static void
appended(void **state)
{
	struct evcan_channel_map_ map;

	(void)state;
	start(&map, NULL);
	evcan_channel_map_learn_(&map, 1, "vcan0", 5);
	expect(&map, "can0", 2, true);
	expect(&map, "vcan0", 1, true);
}

static void
refused(void **state)
{
	static const char *const texts[] = {
		"can0", "can0=", "=1", "can0=0", "can0=256", "can0=-1",
		"can0=x", "can0=1,", ",can0=1", "can0=1,,can1=2", "can0=1 ",
		"can0=1,can1=1", "can0=1,can0=2", "can0=99999999999999999",
		"a\tb=1", "can0=1=2",
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		"nnnnnnnn=1"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct evcan_channel_map_ map;
		struct evcan_error err = { 0 };

		if (evcan_channel_map_init_(&map, texts[i], &err) !=
		    EVCAN_ERR_INVALID)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_non_null(strstr(err.text, "channels"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing),
		cmocka_unit_test(no_channel),
		cmocka_unit_test(all_taken),
		cmocka_unit_test(reading),
		cmocka_unit_test(option),
		cmocka_unit_test(appended),
		cmocka_unit_test(refused)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_remark.c - what comments of a log say, written and read */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/listener.h>

#include "remark.h"

static void
channels(void **state)
{
	static const char *const names[] = { "vcan0", "0", "a b", "x = y",
	    "Motor (links)", "M\xc3\xbcll" };
	char out[EVCAN_REMARK_MAX], longest[EVCAN_CHANNEL_NAME_MAX + 10];
	struct evcan_remark_ remark;
	size_t len;

	(void)state;
	len = evcan_remark_put_channel_(out, 2, "vcan0");
	assert_int_equal(len, strlen("evcan channel 2 = vcan0"));
	assert_memory_equal(out, "evcan channel 2 = vcan0", len);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		len = evcan_remark_put_channel_(out, 250 + (unsigned)i,
		    names[i]);
		assert_true(evcan_remark_get_(out, len, &remark));
		assert_int_equal(remark.kind, EVCAN_REMARK_CHANNEL);
		assert_int_equal(remark.number, 250 + i);
		assert_int_equal(remark.name_len, strlen(names[i]));
		assert_memory_equal(remark.name, names[i], remark.name_len);
		assert_true(remark.name >= out && remark.name < out + len);
	}
	memset(longest, 'n', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	len = evcan_remark_put_channel_(out, UINT32_MAX, longest);
	assert_true(len <= EVCAN_REMARK_MAX);
	assert_true(evcan_remark_get_(out, len, &remark));
	assert_true(remark.number == UINT32_MAX);
	assert_int_equal(remark.name_len, EVCAN_CHANNEL_NAME_MAX);
}

static void
gaps(void **state)
{
	static const struct {
		const char *channel;
		struct evcan_gap gap;
		const char *text;
	} cases[] = {
		{ "can0", { 12, EVCAN_LOSS_QUEUE, 0 },
		  "evcan lost 12 frames on can0 (queue)" },
		{ "a (kernel)", { 1, EVCAN_LOSS_DEVICE, 0 },
		  "evcan lost 1 frame on a (kernel) (device)" },
		{ "", { 0, EVCAN_LOSS_KERNEL, 0 },
		  "evcan lost 0 frames (kernel)" },
		{ NULL, { UINT64_MAX, EVCAN_LOSS_KERNEL, 0 },
		  "evcan lost 18446744073709551615 frames (kernel)" }
	};
	char out[EVCAN_REMARK_MAX], longest[400];
	struct evcan_remark_ remark;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *channel = cases[i].channel;

		len = evcan_remark_put_gap_(out, channel, &cases[i].gap);
		assert_int_equal(len, strlen(cases[i].text));
		assert_memory_equal(out, cases[i].text, len);
		assert_true(evcan_remark_get_(out, len, &remark));
		assert_int_equal(remark.kind, EVCAN_REMARK_GAP);
		assert_true(remark.lost == cases[i].gap.lost);
		if (channel == NULL)
			channel = "";
		assert_int_equal(remark.name_len, strlen(channel));
		assert_memory_equal(remark.name, channel, strlen(channel));
	}
	memset(longest, 'n', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	len = evcan_remark_put_gap_(out, longest, &cases[3].gap);
	assert_true(len <= EVCAN_REMARK_MAX);
	assert_true(evcan_remark_get_(out, len, &remark));
	assert_int_equal(remark.name_len, EVCAN_CHANNEL_NAME_MAX);
}

static void
blanks_around(void **state)
{
	static const char text[] = " \t evcan channel 7 = vcan1 \t\r\n";
	struct evcan_remark_ remark;

	(void)state;
	assert_true(evcan_remark_get_(text, sizeof(text) - 1, &remark));
	assert_int_equal(remark.number, 7);
	assert_int_equal(remark.name_len, 5);
	assert_memory_equal(remark.name, "vcan1", 5);
	/* No byte behind the length is looked at. */
	assert_true(evcan_remark_get_("evcan channel 7 = ab", 19, &remark));
	assert_int_equal(remark.name_len, 1);
}

static void
others(void **state)
{
	static const char *const texts[] = {
		"", " ", "evcan", "evcan ", "evcan channel", "evcan channel 2",
		"evcan channel 2 =", "evcan channel 2 = ",
		"evcan channel = can0", "evcan channel -1 = can0",
		"evcan channel 4294967296 = can0", "evcan channel 2x = can0",
		"Evcan channel 2 = can0", "an evcan channel 2 = can0",
		"evcan  channel 2 = can0", "evcan lost", "evcan lost 3",
		"evcan lost 3 frames", "evcan lost 3 frames on can0",
		"evcan lost 3 frames on (queue)",
		"evcan lost x frames (queue)",
		"evcan lost 18446744073709551616 frames (queue)",
		"evcan lost 3 frames on can0 (queue) too",
		"evcan lost 3 frames can0 (queue)",
		"evcan lost 3 frames on can0 (moon)",
		"evcan lost 3 frames on can0(queue)",
		"evcan lost frames on can0 (queue)", "(queue)"
	};
	struct evcan_remark_ remark;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *copy = strdup(texts[i]);   /* of its very size */

		if (evcan_remark_get_(copy, strlen(copy), &remark))
			fail_msg("\"%s\" was taken", copy);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels),
		cmocka_unit_test(gaps),
		cmocka_unit_test(blanks_around),
		cmocka_unit_test(others)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_modifier_text.c - modifiers from text and options: what is refused */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/error.h>
#include <evcan/modifier.h>
#include <evcan/options.h>

#include "alloc_fail.h"

static void
parse(struct evcan_modifier *m, const char *text)
{
	struct evcan_error err = {0};

	if (evcan_modifier_parse(m, text, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.text, "");
}

static void
assert_says(const struct evcan_error *err, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_NOSUB), 0);
	if (regexec(&regex, err->text, 0, NULL, 0) != 0)
		fail_msg("\"%s\" does not say %s", err->text, pattern);
	regfree(&regex);
}

static void
test_check(void **state)
{
	static const struct {
		const char *text;
		unsigned len;        /* the shortest frame */
		const char *why;
	} rows[] = {
		{"counter:byte=7", 8, "byte 7 of a frame that has 7"},
		{"counter:byte=6,width=16", 8, "needs byte 7"},
		{"counter:bit=55,width=16,byte_order=big", 8, "needs byte 7"},
		{"crc8_j1850:byte=0", 1, "needs byte 0"},
		{"crc8_j1850:byte=0,first=3", 4, "from 3 to 3 .* has 3"},
		{"crc8_j1850:byte=0,first=3,last=9", 10, "from 3 to 9"},
		{"xor:byte=0,data_id=1234,data_id_counter=52", 7,
		    "chooses a byte of data_id is in byte 6"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_error err = {0};
		struct evcan_modifier m;

		parse(&m, rows[i].text);
		for (unsigned len = 0; len <= 64; len++)
			if ((evcan_modifier_check(&m, len, NULL) == 0) !=
			    (len >= rows[i].len))
				fail_msg("%s in %u bytes", rows[i].text, len);
		evcan_modifier_check(&m, rows[i].len - 1, &err);
		assert_int_equal(err.code, EVCAN_ERR_INVALID);
		assert_says(&err, rows[i].why);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "option type: \"\" is not one of: counter, xor, sum, "
		    "crc8_j1850, .*crc$"},
		{"crc7:byte=1", "\"crc7\" is not one of"},
		{"counter", "byte or bit"},
		{"counter:", "not an option as name=value"},
		{"counter:byte=1,", "not an option as name=value"},
		{"counter:byte", "\"byte\" is not an option as name=value"},
		{"counter:byte=1,byte=1", "set already"},
		{"counter:byte=1,type=xor", "set already"},
		{"counter:byte=1,bit=8", "one of them"},
		{"counter:byte=64", "byte: \"64\" is not .* 0 to 63"},
		{"counter:byte=-1", "byte: \"-1\" is not"},
		{"counter:bit=512", "0 to 511"},
		{"counter:bit=1.5", "\"1.5\" is not an integer"},
		{"counter:byte=1,width=0", "1 to 32"},
		{"counter:byte=1,width=33", "1 to 32"},
		{"counter:byte=63,width=9", "ends behind byte 63"},
		{"counter:byte=61,width=32,byte_order=big", "behind byte 63"},
		{"counter:byte=1,byte_order=middle", "little, big"},
		{"counter:byte=1,max=256", "max 256 does not fit into 8 bits"},
		{"counter:bit=0,width=4,max=16", "hold up to 15"},
		{"counter:byte=1,max=0", "max: \"0\" is not"},
		{"counter:byte=1,step=0", "step: \"0\" is not"},
		{"counter:byte=1,min=9,max=8", "min <= start <= max"},
		{"counter:byte=1,start=9,max=8", "start 9, .* after max 8"},
		{"counter:byte=1,start=1,min=2", "min <= start <= max"},
		{"counter:byte=1,start=4294967296", "4294967295"},
		{"counter:byte=1,init=1", "init is one of a checksum, not of "
		    "type counter"},
		{"counter:byte=1,polynomial=7", "is one of type crc"},
		{"xor:byte=1,step=2", "step is one of a counter"},
		{"xor:byte=1,width=16", "XOR of 16 bits; it has 8, or 4"},
		{"xor:byte=1,polynomial=7", "polynomial is one of type crc, "
		    "not of type xor"},
		{"crc8_j1850:byte=1,polynomial=7", "one of type crc, not of "
		    "type crc8_j1850"},
		{"crc8_j1850:byte=1,reflected=true", "one of type crc"},
		{"crc8_j1850:byte=1,width=4", "has a width of 8, not 4"},
		{"crc8_j1850:byte=1,init=256", "must fit into 8 bits"},
		{"crc8_j1850:byte=1,xor_out=0x100", "must fit into 8 bits"},
		{"crc:byte=1", "needs a width"},
		{"crc:byte=1,width=8", "needs a polynomial"},
		{"crc:byte=1,width=8,polynomial=0", "polynomial: \"0\""},
		{"crc:byte=1,width=8,polynomial=0x11d", "term is left out"},
		{"crc:byte=1,width=8,polynomial=0xb8", "0xB8 is even"},
		{"crc:byte=1,width=8,polynomial=7,reflected=7", "true or fal"},
		{"xor:byte=1,first=64", "0 to 63"},
		{"xor:byte=1,last=64", "0 to 63"},
		{"xor:byte=1,first=5,last=4", "first byte to check, 5, is "},
		{"xor:byte=1,first=1,last=1", "1 to 1 .* nothing is left"},
		{"crc16:byte=1,first=1,last=2", "nothing is left"},
		{"xor:byte=1,data_id=1", "data_id: \"1\" is not up to 16"},
		{"xor:byte=1,data_id=0x12", "up to 16 bytes in hex"},
		{"xor:byte=1,data_id=1.23", "up to 16 bytes in hex"},
		{"xor:byte=1,data_id=0011223344556677889900112233445566",
		    "up to 16 bytes in hex"},
		{"xor:byte=1,data_id_counter=8", "data_id, which has none"},
		{"xor:byte=1,data_id=12,data_id_counter=5",
		    "4 bits within one byte"},
		{"xor:byte=1,data_id=12,data_id_counter=512", "0 to 508"},
		{"xor:byte=1,colour=red", "colour"},
		{"xor:byte=1,xorout=1", "xor_out"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_error err = {0};
		struct evcan_modifier m;
		const int r = evcan_modifier_parse(&m, rows[i].text, &err);

		if (r == 0)
			fail_msg("%s is taken", rows[i].text);
		assert_true(r == EVCAN_ERR_INVALID || r == EVCAN_ERR_SYNTAX);
		assert_int_equal(err.code, r);
		assert_true(strncmp(err.text, "modifier \"", 10) == 0);
		assert_says(&err, rows[i].why);
		assert_int_equal(evcan_modifier_parse(&m, rows[i].text, NULL),
		    r);
	}
}

/* What is just within the bounds. */
static void
test_taken(void **state)
{
	static const char *const rows[] = {
		"counter:byte=63,step=4294967295",
		"counter:bit=511,width=1",
		"counter:bit=480,width=32,max=4294967295",
		"counter:bit=487,width=32,byte_order=big",
		"counter:byte=60,width=32,byte_order=big",
		"counter:byte=1,min=5,max=5",
		"counter:byte=1,start=255,max=255",
		"xor:byte=1,first=1,last=2",
		"xor:byte=1,first=0,last=1",
		"xor:bit=8,width=4,first=1,last=1",
		"xor:bit=13,width=8,first=1,last=1",
		"crc16:bit=12,first=1,last=1",
		"xor:byte=1,first=63,last=63,init=255,xor_out=255",
		"xor:byte=1,data_id=00112233445566778899AABBCCDDEEFF",
		"xor:byte=1,data_id=",
		"xor:byte=1,data_id=12,data_id_counter=508",
		"xor:byte=1,data_id=12,data_id_counter=12",
		"crc:byte=1,width=8,polynomial=255",
		"crc:byte=1,width=32,polynomial=4294967295",
		"crc:byte=1,width=1,polynomial=1",
		"crc8_autosar:byte=1,width=8",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_modifier m;

		parse(&m, rows[i]);
	}
}

static void
test_too_many(void **state)
{
	char text[2000] = "counter:byte=1";
	struct evcan_error err = {0};
	struct evcan_modifier m;

	(void)state;
	for (int i = 0; i < 80; i++)
		sprintf(text + strlen(text), ",x%d=1", i);
	assert_int_equal(evcan_modifier_parse(&m, text, &err),
	    EVCAN_ERR_SYNTAX);
	assert_says(&err, "more than 64 options");
}

/* Filled by hand: what no text can say is refused too. */
static void
test_by_hand(void **state)
{
	static const struct evcan_modifier rows[] = {
		{.kind = (enum evcan_modifier_kind)4, .width = 8,
		    .last = 9, .polynomial = 1},
		{.kind = (enum evcan_modifier_kind)-1, .width = 8,
		    .last = 9, .polynomial = 1},
		{.kind = EVCAN_MODIFIER_COUNTER},
		{.kind = EVCAN_MODIFIER_COUNTER, .width = 33},
		{.kind = EVCAN_MODIFIER_COUNTER, .width = 8, .bit = 65535},
		{.kind = EVCAN_MODIFIER_COUNTER, .width = 8, .min = 256},
		{.kind = EVCAN_MODIFIER_XOR, .width = 8, .first = 200,
		    .last = 255},
		{.kind = EVCAN_MODIFIER_XOR, .width = 8, .first = 64,
		    .last = 255},
		{.kind = EVCAN_MODIFIER_XOR, .width = 8, .last = 200},
		{.kind = EVCAN_MODIFIER_XOR, .width = 8, .last = 64},
		{.kind = EVCAN_MODIFIER_XOR, .width = 8, .last = 9,
		    .data_id_len = 17},
		{.kind = EVCAN_MODIFIER_XOR, .width = 8, .last = 9,
		    .data_id_chosen = true},
		{.kind = EVCAN_MODIFIER_XOR, .width = 8, .last = 9,
		    .data_id_len = 1, .data_id_chosen = true,
		    .data_id_bit = 512},
		{.kind = EVCAN_MODIFIER_CRC, .width = 8, .last = 9},
	};
	struct evcan_modifier m = {.kind = EVCAN_MODIFIER_CRC, .width = 8,
		.bit = 56, .last = EVCAN_MODIFIER_TO_END, .init = 0xff,
		.xor_out = 0xff, .polynomial = 0x1d};
	struct evcan_modifier parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_modifier copy = rows[i];
		struct evcan_error err = {0};

		assert_int_equal(evcan_modifier_prepare(&copy, &err),
		    EVCAN_ERR_INVALID);
		assert_true(err.text[0] != '\0');
	}
	assert_int_equal(evcan_modifier_prepare(&m, NULL), 0);
	parse(&parsed, "crc8_j1850:byte=7");
	assert_int_equal(parsed.bit, m.bit);
	assert_memory_equal(parsed.table, m.table, sizeof(m.table));
}

/* From a store, as a document fills it; each type has the name it says. */
static void
test_options(void **state)
{
	struct evcan_options *const options = evcan_options_new();
	const struct evcan_option *const rows = evcan_modifier_options();
	struct evcan_error err = {0};
	struct evcan_modifier m;

	(void)state;
	assert_int_equal(evcan_modifier_fill(&m, options, &err),
	    EVCAN_ERR_INVALID);
	assert_says(&err, "option type is missing");
	evcan_options_set(options, "type", "crc16", "a.json:3:4");
	evcan_options_set(options, "bit", "0x10", "a.json:3:5");
	evcan_options_set(options, "data_id", " 12 34.56 ", "a.json:3:6");
	assert_int_equal(evcan_modifier_fill(&m, options, NULL), 0);
	assert_int_equal(m.kind, EVCAN_MODIFIER_CRC);
	assert_int_equal(m.bit, 16);
	assert_int_equal(m.width, 16);
	assert_int_equal(m.polynomial, 0x1021);
	assert_int_equal(m.last, EVCAN_MODIFIER_TO_END);
	assert_int_equal(m.data_id_len, 3);
	assert_memory_equal(m.data_id, "\x12\x34\x56", 3);
	evcan_options_set(options, "max", "3", "a.json:3:7");
	evcan_error_clear(&err);
	assert_true(evcan_modifier_fill(&m, options, &err) < 0);
	assert_says(&err, "max is one of a counter, .*(a.json:3:7)");
	evcan_options_free(options);
	for (const struct evcan_option *row = rows; row->name; row++) {
		assert_non_null(row->help);
		if (row->type == EVCAN_OPTION_INT)
			assert_true(row->max > row->min);
	}
}

static void
test_no_memory(void **state)
{
	bool failed = true;
	int n;

	(void)state;
	for (n = 1; failed; n++) {
		struct evcan_error err = {0};
		struct evcan_modifier m;
		int r;

		alloc_fail_start(n);
		r = evcan_modifier_parse(&m,
		    "crc8_j1850:byte=7,data_id=0123,init=0x00", &err);
		failed = alloc_fail_stop();
		assert_int_equal(r, failed ? EVCAN_ERR_NOMEM : 0);
		if (failed)
			assert_says(&err, "out of memory");
	}
	assert_true(n > 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

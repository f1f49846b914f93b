/* SPDX-License-Identifier: BSD-3-Clause */
/* test_json.c - documents whose values know their line and column */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <evcan/error.h>

#include "json.h"

static void
parse(struct evcan_json_ *doc, const char *text)
{
	struct evcan_error err = { 0 };

	if (evcan_json_parse_(doc, text, strlen(text), "t.json", &err) < 0)
		fail_msg("%s", err.text);
}

static void
expect_error(const char *text, size_t len, const char *wanted)
{
	struct evcan_error err = { 0 };
	struct evcan_json_ doc;

	assert_true(evcan_json_parse_(&doc, text, len, "t.json", &err) < 0);
	assert_string_equal(err.text, wanted);
	assert_null(doc.root);
}

static void
expect_where(const struct evcan_json_ *doc, struct evcan_json_at_ *at,
    enum evcan_json_end_ end, const char *wanted)
{
	char buf[256];

	evcan_json_where_(doc, at, end, buf, sizeof(buf));
	assert_string_equal(buf, wanted);
}

static void
test_places(void **state)
{
	struct evcan_json_ doc;
	struct evcan_json_at_ buses = { .key = "buses" };
	struct evcan_json_at_ bus = { .up = &buses, .key = "b" };
	struct evcan_json_at_ filters = { .up = &bus, .key = "filters" };
	struct evcan_json_at_ second = { .up = &filters, .index = 1 };
	struct evcan_json_at_ mask = { .up = &second, .key = "can_mask" };

	(void)state;
	parse(&doc, "{\"players\": [], \"buses\": {\n"
	    "  \"a\": {\"x\": \"}]\\\"\", \"n\": [1, [2], {}]},\n"
	    "  \"b\" : {\"filters\":\t[{\"can_mask\": 1},\n"
	    "\t{\"k\": null, \"can_mask\" : -7.5e3 }]}}}");
	expect_where(&doc, &buses, EVCAN_JSON_VALUE_, "t.json:1:26: buses");
	expect_where(&doc, &bus, EVCAN_JSON_KEY_, "t.json:3:3: buses.b");
	expect_where(&doc, &bus, EVCAN_JSON_VALUE_, "t.json:3:9: buses.b");
	expect_where(&doc, &second, EVCAN_JSON_VALUE_,
	    "t.json:4:2: buses.b.filters[1]");
	expect_where(&doc, &mask, EVCAN_JSON_VALUE_,
	    "t.json:4:27: buses.b.filters[1].can_mask");
	expect_where(&doc, &mask, EVCAN_JSON_KEY_,
	    "t.json:4:14: buses.b.filters[1].can_mask");
	expect_where(&doc, NULL, EVCAN_JSON_VALUE_, "t.json:1:1");
	evcan_json_clear_(&doc);
}

static void
test_raw(void **state)
{
	struct evcan_json_ doc;
	struct evcan_json_at_ list = { .key = "l" };
	static const char *const wanted[] = {
		"0.1", "-1E+2", "true", "\"a\\\"]\"", "{\"b\": [1 , 2]}"
	};
	const char *raw;
	size_t len;

	(void)state;
	parse(&doc, "{\"l\":[0.1,-1E+2 , true,\"a\\\"]\","
	    " {\"b\": [1 , 2]} ]}");
	for (size_t i = 0; i < 5; i++) {
		struct evcan_json_at_ at = { .up = &list, .index = i };

		len = evcan_json_raw_(&doc, &at, &raw);
		assert_int_equal(len, strlen(wanted[i]));
		assert_memory_equal(raw, wanted[i], len);
	}
	evcan_json_clear_(&doc);
}

static void
test_strange_keys(void **state)
{
	struct evcan_json_ doc;
	struct evcan_json_at_ first = { .key = "a b\n" };
	struct evcan_json_at_ second = { .key = "\xc3\xa4" };
	struct evcan_json_at_ third = { .key = "" };

	(void)state;
	parse(&doc, "{\"a\\u0020b\\n\": 1, \"\xc3\xa4\": 2, \"\": 3}");
	expect_where(&doc, &first, EVCAN_JSON_VALUE_,
	    "t.json:1:16: [\"a b\\n\"]");
	expect_where(&doc, &second, EVCAN_JSON_VALUE_,
	    "t.json:1:24: [\"\xc3\xa4\"]");
	expect_where(&doc, &third, EVCAN_JSON_VALUE_, "t.json:1:31: [\"\"]");
	evcan_json_clear_(&doc);
}

static void
test_short_buffer(void **state)
{
	struct evcan_json_ doc;
	struct evcan_json_at_ at = { .key = "long_key" };
	char buf[256];

	(void)state;
	parse(&doc, "{\"long_key\": 1}");
	for (size_t size = 1; size < 40; size++) {
		memset(buf, 'x', sizeof(buf));
		evcan_json_where_(&doc, &at, EVCAN_JSON_VALUE_, buf, size);
		assert_true(strlen(buf) < size);
		assert_int_equal(buf[size], 'x');
	}
	assert_string_equal(buf, "t.json:1:14: long_key");
	evcan_json_clear_(&doc);
}

static void
test_error_text(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_json_ doc;
	struct evcan_json_at_ at = { .key = "k" };

	(void)state;
	parse(&doc, "{\"k\": 1}");
	assert_int_equal(evcan_json_error_(&doc, &at, EVCAN_JSON_VALUE_, &err,
	    "must be %d", 2), EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "t.json:1:7: k: must be 2");
	evcan_json_clear_(&doc);
}

static void
test_syntax(void **state)
{
	static const char *const cases[][2] = {
		{ "{\n  \"a\": 1\n  \"b\": 2}",
		    "t.json:3:3: '}' expected near '\"b\"'" },
		{ "{\"a\": 1, \"a\": 2}",
		    "t.json:1:10: duplicate object key near '\"a\"'" },
		{ "{\"a\": [1, 2",
		    "t.json:1:12: ']' expected near end of file" },
		{ "", "t.json:1:1: '[' or '{' expected near end of file" },
		{ "{} x", "t.json:1:4: end of file expected near 'x'" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_error(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}

static void
test_zero_byte(void **state)
{
	(void)state;
	expect_error("{\"a\0b\": 1}", 10,
	    "t.json:1:4: a zero byte: JSON is text");
	/* After a number jansson does not see it. */
	expect_error("{\"a\": 2\0, \"b\": 1}", 18,
	    "t.json:1:8: a zero byte: JSON is text");
}

static void
test_too_long(void **state)
{
	size_t len = EVCAN_JSON_MAX + 1;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, "{}", 2);
	expect_error(text, len,
	    "t.json: longer than a document may be (16 MiB)");
	free(text);
}

static void
test_files(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_json_ doc;
	char path[] = "/tmp/test_json.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{\"a\": 1}", 8), 8);
	close(fd);
	assert_int_equal(evcan_json_load_(&doc, path, &err), 0);
	assert_int_equal(json_object_size(doc.root), 1);
	evcan_json_clear_(&doc);
	unlink(path);
	assert_int_equal(evcan_json_load_(&doc, path, &err),
	    EVCAN_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, path));
	evcan_error_clear(&err);
	assert_int_equal(evcan_json_load_(&doc, "/tmp", &err),
	    EVCAN_ERR_INIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_strange_keys),
		cmocka_unit_test(test_short_buffer),
		cmocka_unit_test(test_error_text),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_files)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

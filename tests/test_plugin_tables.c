/* SPDX-License-Identifier: BSD-3-Clause */
/* test_plugin_tables.c - the plug-in ABI's layout, and tables out of memory
 *
 * EVCAN_PLUGINS names the folder of tests/plugins as built. This program has
 * the library built in, and exports it to plug-ins. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <evcan/filter.h>
#include <evcan/listener.h>

#include "alloc_fail.h"
#include "plugin.h"

/*
 * ABI 1. Who has to change a row here breaks every plug-in there is, and needs
 * ABI 2. Rows are added, at the end, with each new member.
 */

#define D(m) { #m, offsetof(struct evcan_driver, m) }
#define F(m) { #m, offsetof(struct evcan_format, m) }

struct member {
	const char *name;
	size_t offset;
};

static const struct member driver_members[] = {
	D(name), D(summary), D(options), D(state_size), D(caps), D(open),
	D(close), D(recv), D(send), D(ready), D(deadline), D(destroy),
	D(check), D(set_filters), D(want_confirm), D(set_mode), D(flush_tx),
	D(reset), D(identify), D(cyclic_start), D(cyclic_modify),
	D(cyclic_stop), D(cyclic_sent), D(subscribe), D(unsubscribe),
	D(detect)
};

static const struct member format_members[] = {
	F(name), F(summary), F(suffixes), F(attributes), F(flags),
	F(read_options), F(read_size), F(bid), F(read_begin), F(decode),
	F(read_done), F(write_options), F(write_size), F(pace), F(begin),
	F(encode), F(encode_gap), F(encode_event), F(flush), F(held),
	F(finish), F(header), F(open), F(store), F(close), F(write_done)
};

/* What only plug-ins use is linked in for them, too. */
int (*volatile for_plugins)(struct evcan_lines *lines, evcan_line_cb cb,
    void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out) = evcan_decode_lines;

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static_assert(sizeof(struct evcan_frame) == 88, "on every machine");
static_assert(offsetof(struct evcan_frame, data) == 24, "on every machine");
static_assert(sizeof(struct evcan_filter) == 12, "on every machine");
static_assert(sizeof(struct evcan_lines) == 64, "on every machine");
static_assert(sizeof(struct evcan_gap) == 24 || sizeof(void *) < 8, "64 bit");
static_assert(sizeof(struct evcan_error) == 520 || sizeof(void *) < 8,
    "64 bit");
static_assert(sizeof(struct evcan_option) == 80 || sizeof(void *) < 8,
    "64 bit");
static_assert(offsetof(struct evcan_plugin, name) == 24, "on every machine");

/* Each member is as wide as a pointer, or filled up to it. */
static void
check_members(const struct member *members, size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++)
		if (members[i].offset != i * sizeof(void *))
			fail_msg("%s is no more where it was",
			    members[i].name);
	if (size != n * sizeof(void *))
		fail_msg("a member is missing here behind %s",
		    members[n - 1].name);
}

static void
the_layout_stays(void **state)
{
	(void)state;
	check_members(driver_members, COUNT(driver_members),
	    sizeof(struct evcan_driver));
	check_members(format_members, COUNT(format_members),
	    sizeof(struct evcan_format));
	assert_int_equal(offsetof(struct evcan_plugin, formats),
	    24 + 3 * sizeof(void *));
}

/* Out of memory */

static int
bid(const uint8_t *data, size_t len)
{
	(void)data;
	(void)len;
	return 0;
}

static int
decode(void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out)
{
	(void)state;
	(void)frames;
	(void)max;
	out->used = span->len;
	return 0;
}

static const struct evcan_format formats[] = {
	{ .name = "a", .summary = "", .suffixes = ".a", .bid = bid,
	  .decode = decode },
	{ .name = "b", .summary = "", .suffixes = ".b", .bid = bid,
	  .decode = decode }
};
static const struct evcan_format *const format_list[] = {
	&formats[0], &formats[1], NULL
};
static const struct evcan_plugin plugin = {
	EVCAN_PLUGIN_HEAD, "tables", "0", NULL, format_list
};

static void
formats_are_copied_or_nothing(void **state)
{
	const struct evcan_format **list;
	struct evcan_error err = { 0 };
	long n = 1;

	(void)state;
	for (;; n++) {
		alloc_fail_start(n);
		list = evcan_plugin_formats_(&plugin, &err);
		if (!alloc_fail_stop())
			break;
		assert_null(list);
		assert_int_equal(err.code, EVCAN_ERR_NOMEM);
		evcan_error_clear(&err);
	}
	assert_int_equal(n, 4);
	assert_memory_equal(list[1], &formats[1], sizeof(formats[1]));
	assert_null(list[2]);
	evcan_plugin_formats_free_(list);
}

/* Each failed attempt leaves nothing behind that hinders the next one. */
static void
a_driver_is_loaded_or_not(void **state)
{
	struct evcan_error err = { 0 };
	long n = 1;
	int r;

	for (;; n++) {
		alloc_fail_start(n);
		r = evcan_plugin_load(*state, &err);
		if (!alloc_fail_stop())
			break;
		assert_int_equal(r, EVCAN_ERR_NOMEM);
		assert_non_null(strstr(err.text, "out of memory"));
		evcan_error_clear(&err);
	}
	if (r < 0)
		fail_msg("%s", err.text);
	assert_in_range(n, 4, 10);
}

/* Those that are looked for. This is the program's first look. */
static void
looking_goes_on(void **state)
{
	size_t n = 0;

	(void)state;
	alloc_fail_start(2);   /* the path of the first file */
	assert_null(evcan_driver_find("nosuch"));
	assert_true(alloc_fail_stop());
	while (evcan_plugin_at(n) != NULL)
		n++;
	/* cable, loaded; cable, that there was no memory for; lines. */
	assert_int_equal(n, 3);
	assert_string_equal(evcan_plugin_at(1)->fault, "out of memory");
	assert_string_equal(evcan_driver_find("cable")->name, "cable");
	assert_string_equal(evcan_format_find("lines")->name, "lines");
}

int
main(void)
{
	const char *folder = getenv("EVCAN_PLUGINS");
	char path[1000];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_layout_stays),
		cmocka_unit_test(formats_are_copied_or_nothing),
		cmocka_unit_test_prestate(a_driver_is_loaded_or_not, path),
		cmocka_unit_test(looking_goes_on)
	};

	if (folder == NULL)
		folder = "tests/plugins/.libs";
	setenv("EVCAN_PLUGIN_PATH", folder, 1);
	snprintf(path, sizeof(path), "%s/evcan_cable.so", folder);
	if (access(path, R_OK) < 0 || !alloc_fail_works()) {
		fprintf(stderr, "no %s, or not linked to make allocations "
		    "fail\n", path);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

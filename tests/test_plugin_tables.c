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
#include <sys/wait.h>
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

static bool
fail_in_child(const char *why)
{
	fprintf(stderr, "%s\n", why);
	_exit(2);
}

/* A first look in which one allocation fails: whatever was left out is told,
 * and can be loaded later. @return whether one failed */
static bool
look_first(const char *const paths[2])
{
	const struct evcan_plugin_info *info;
	struct evcan_error err = { 0 };
	bool failed;
	size_t n = 0;

	evcan_driver_find("nosuch");
	failed = alloc_fail_stop();
	for (; (info = evcan_plugin_at(n)) != NULL; n++)
		if (info->fault == NULL ? info->drivers == NULL ||
		    info->formats == NULL || info->name == NULL :
		    !failed || strstr(info->fault, "out of memory") == NULL)
			return fail_in_child("a row is wrong");
	if (n != 2 && !(failed && n == 1))   /* all of a path */
		return fail_in_child("a row is missing");
	for (int i = 0; i < 2; i++)
		if (evcan_plugin_load(paths[i], &err) < 0)
			return fail_in_child(err.text);
	if (evcan_driver_find("cable") == NULL ||
	    evcan_format_find("lines") == NULL)
		return fail_in_child("cannot be found");
	return failed;
}

/* Each in a process of its own: there is only one first look. */
static void
all_first_looks(void **state)
{
	char lines[1100];
	const char *const paths[2] = { *state, lines };
	int status = 1;
	long n;

	snprintf(lines, sizeof(lines), "%s/evcan_lines.so",
	    getenv("EVCAN_PLUGIN_PATH"));
	for (n = 1; status != 0; n++) {
		pid_t child = fork();

		if (child == 0) {
			alloc_fail_start(n);
			_exit(look_first(paths));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
			fail_msg("allocation %ld: status %d", n, status);
	}
	assert_in_range(n, 8, 40);
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
	assert_string_equal(evcan_plugin_at(1)->fault,
	    "cannot be loaded: out of memory");
	assert_string_equal(evcan_driver_find("cable")->name, "cable");
	assert_string_equal(evcan_format_find("lines")->name, "lines");
}

/* Faults */

struct state {
	bool flag;
	int64_t number;
	double real;
	const char *text;
	int choice;
};

#define S(m) offsetof(struct state, m)
#define ROW_OF(...) { { __VA_ARGS__ }, { .name = NULL } }
#define ROW(...) ROW_OF(.name = "x", .help = "", __VA_ARGS__)

/* A driver's or format's only option row, and what is wrong with it. */
static const struct {
	const char *wrong;      /* NULL: nothing is */
	struct evcan_option rows[2];
} faulty_rows[] = {
	{ NULL, ROW(.type = EVCAN_OPTION_BOOL, .fallback = "true") },
	{ NULL, ROW(.type = EVCAN_OPTION_INT, .offset = S(number),
	    .min = 1, .max = 9, .fallback = "9") },
	{ NULL, ROW(.type = EVCAN_OPTION_REAL, .offset = S(real),
	    .flags = EVCAN_OPTION_REQUIRED) },
	{ NULL, ROW(.type = EVCAN_OPTION_CHOICE, .offset = S(choice),
	    .choices = "a b=c", .fallback = "c", .aliases = "y z") },
	{ NULL, ROW(.type = EVCAN_OPTION_FILTERS, .offset = S(text),
	    .fallback = "123:7FF") },
	{ "an option whose name is not one", ROW_OF(.name = "a b") },
	{ "an option whose name is not one", ROW_OF(.name = "") },
	{ "is of a type that there is not",
	    ROW(.type = (enum evcan_option_type)7) },
	{ "is of a type that there is not",
	    ROW(.type = (enum evcan_option_type)-1) },
	{ "lies outside", ROW(.offset = sizeof(struct state)) },
	{ "lies outside", ROW(.offset = SIZE_MAX) },
	{ "lies outside", ROW(.offset = SIZE_MAX - 3) },
	{ "lies outside", ROW(.type = EVCAN_OPTION_INT,
	    .offset = sizeof(struct state) - 4) },
	{ "is not aligned", ROW(.type = EVCAN_OPTION_INT, .offset = 2) },
	{ "has no help", ROW_OF(.name = "x") },
	{ "has no help", ROW_OF(.name = "x", .help = "two\nlines") },
	{ "has aliases that are no text", ROW(.aliases = "a\tb") },
	{ "has no words to choose from", ROW(.type = EVCAN_OPTION_CHOICE,
	    .offset = S(choice)) },
	{ "has no words to choose from", ROW(.type = EVCAN_OPTION_CHOICE,
	    .offset = S(choice), .choices = " = ") },
	{ "has bounds that nothing is between",
	    ROW(.type = EVCAN_OPTION_INT, .offset = S(number), .min = 2,
	    .max = 1) },
	{ "with a wrong default: option x: \"maybe\" is not true or false",
	    ROW(.fallback = "maybe") },
	{ "with a wrong default: option x: \"10\" is not an integer from 1 "
	    "to 9", ROW(.type = EVCAN_OPTION_INT, .offset = S(number),
	    .min = 1, .max = 9, .fallback = "10") },
	{ "with a wrong default: option x: \"d\" is not one of: a, b",
	    ROW(.type = EVCAN_OPTION_CHOICE, .offset = S(choice),
	    .choices = "a b", .fallback = "d") },
	{ "with a wrong default: option x: ", ROW(.type = EVCAN_OPTION_TIMING,
	    .offset = S(text), .fallback = "soon") }
};

static int
open_it(struct evcan_bus *bus, struct evcan_error *err)
{
	(void)bus;
	(void)err;
	return 0;
}

static void
close_it(struct evcan_bus *bus)
{
	(void)bus;
}

static int
receive(struct evcan_bus *bus, struct evcan_frame *frames, int max)
{
	(void)bus;
	(void)frames;
	return max & 0;
}

static int
take(struct evcan_bus *bus, const struct evcan_frame *frames, int n)
{
	(void)bus;
	(void)frames;
	return n;
}

static const struct evcan_driver good_driver = {
	.name = "d", .summary = "", .open = open_it, .close = close_it,
	.recv = receive, .send = take, .state_size = sizeof(struct state)
};

static void
expect_fault(const struct evcan_error *err, const char *wrong)
{
	if (wrong == NULL && err->code != 0)
		fail_msg("refused: %s", err->text);
	if (wrong != NULL && (err->code != EVCAN_ERR_INVALID ||
	    strstr(err->text, wrong) == NULL))
		fail_msg("\"%s\" is told as %d \"%s\"", wrong, err->code,
		    err->text);
}

static void
check_driver(const struct evcan_driver *driver, const char *wrong)
{
	const struct evcan_driver *const list[] = { driver, NULL };
	const struct evcan_plugin of_it = {
		EVCAN_PLUGIN_HEAD, "x", "0", list, NULL
	};
	const struct evcan_driver **copy;
	struct evcan_error err = { 0 };

	copy = evcan_plugin_drivers_(&of_it, &err);
	assert_int_equal(copy == NULL, err.code != 0);
	expect_fault(&err, wrong);
	evcan_plugin_drivers_free_(copy);
}

static void
check_format(const struct evcan_format *format, const char *wrong)
{
	const struct evcan_format *const list[] = { format, NULL };
	const struct evcan_plugin of_it = {
		EVCAN_PLUGIN_HEAD, "x", "0", NULL, list
	};
	const struct evcan_format **copy;
	struct evcan_error err = { 0 };

	copy = evcan_plugin_formats_(&of_it, &err);
	assert_int_equal(copy == NULL, err.code != 0);
	expect_fault(&err, wrong);
	evcan_plugin_formats_free_(copy);
}

static void
rows_are_checked(void **state)
{
	struct evcan_option many[600];

	(void)state;
	for (size_t i = 0; i < COUNT(faulty_rows); i++) {
		struct evcan_driver driver = good_driver;
		struct evcan_format reads = formats[0], writes = formats[0];

		driver.options = faulty_rows[i].rows;
		check_driver(&driver, faulty_rows[i].wrong);
		reads.read_options = faulty_rows[i].rows;
		reads.read_size = sizeof(struct state);
		check_format(&reads, faulty_rows[i].wrong);
		writes.write_options = faulty_rows[i].rows;
		writes.write_size = sizeof(struct state);
		check_format(&writes, faulty_rows[i].wrong);
	}
	/* A list without an end. */
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = faulty_rows[0].rows[0];
	check_driver(&(struct evcan_driver){ .name = "d", .summary = "",
	    .open = open_it, .close = close_it, .recv = receive,
	    .send = take, .options = many, .state_size = 1 },
	    "more options than can be");
}

/* A format with one member changed. */
#define CHECK_FORMAT(wrong, ...) do { \
	struct evcan_format f_ = formats[0]; \
	const struct evcan_format changed_ = { __VA_ARGS__ }; \
	if (changed_.summary != NULL) \
		f_.summary = changed_.summary; \
	if (changed_.suffixes != NULL) \
		f_.suffixes = changed_.suffixes; \
	f_.attributes = changed_.attributes; \
	f_.flags = changed_.flags; \
	check_format(&f_, wrong); \
} while (0)

static void
texts_are_checked(void **state)
{
	char long_text[1100];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	CHECK_FORMAT(NULL, .suffixes = " .a  .b.c ", .attributes =
	    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
	CHECK_FORMAT(NULL, .summary = "\xc3\xbc", .suffixes = "");
	CHECK_FORMAT("whose summary is not", .summary = "a\033[2Jb");
	CHECK_FORMAT("whose summary is not", .summary = "\x7f");
	CHECK_FORMAT("whose summary is not", .summary = long_text);
	CHECK_FORMAT("has suffixes", .suffixes = ".a b");
	CHECK_FORMAT("has suffixes", .suffixes = ". .a");
	CHECK_FORMAT("has suffixes", .suffixes = ".a/b");
	CHECK_FORMAT("has suffixes", .suffixes = ".a\n");
	CHECK_FORMAT("has attributes", .attributes = "a\n");
	CHECK_FORMAT("has attributes", .attributes =
	    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
	CHECK_FORMAT("lacks the member read_begin",
	    .flags = EVCAN_FORMAT_SEEKS);
}

static int
open_log(void *log, const char *path, bool append, struct evcan_error *err)
{
	(void)log;
	(void)path;
	(void)append;
	(void)err;
	return 0;
}

static int
encode(void *log, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	(void)log;
	(void)frames;
	(void)out;
	(void)info;
	return (int)n;
}

static int64_t
store(void *log, const void *data, size_t len, struct evcan_error *err)
{
	(void)log;
	(void)data;
	(void)err;
	return (int64_t)len;
}

static int
close_log(void *log, struct evcan_error *err)
{
	(void)log;
	(void)err;
	return 0;
}

static void
a_database_needs_a_path(void **state)
{
	struct evcan_format format = {
		.name = "a", .summary = "", .suffixes = ".a",
		.open = open_log, .encode = encode, .store = store,
		.close = close_log, .flags = EVCAN_FORMAT_PATH_ONLY
	};

	(void)state;
	check_format(&format, NULL);
	format.flags = 0;
	check_format(&format, "lacks the flag PATH_ONLY");
}

static void
lists_have_an_end(void **state)
{
	static const struct evcan_format *many[300];
	struct evcan_plugin of_it = {
		EVCAN_PLUGIN_HEAD, "x", "0", NULL, many
	};
	struct evcan_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = &formats[0];
	assert_null(evcan_plugin_formats_(&of_it, &err));
	expect_fault(&err, "more than 256 formats, or their list");
}

/* Sizes that no structure has must not be believed. */
static void
sizes_are_checked(void **state)
{
	static const uint32_t wrong[] = {
		UINT32_MAX, 1 << 20, 4096 + sizeof(void *),
		sizeof(struct evcan_driver) + 1
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct evcan_plugin of_it = plugin;
		struct evcan_error err = { 0 };

		of_it.driver_size = wrong[i];
		evcan_plugin_check_(&of_it, &err);
		expect_fault(&err, "struct evcan_driver of");
		of_it = plugin;
		of_it.size = wrong[i] | 1;
		evcan_error_clear(&err);
		evcan_plugin_check_(&of_it, &err);
		expect_fault(&err, "struct evcan_plugin of");
	}
	for (int i = 0; i < 4; i++) {
		struct evcan_plugin of_it = plugin;
		struct evcan_error err = { 0 };

		of_it.name = i == 0 ? NULL : i == 1 ? "a\nb" : "a";
		of_it.version = i == 2 ? NULL : i == 3 ? "\r" : "1";
		evcan_plugin_check_(&of_it, &err);
		expect_fault(&err, "tells no name or no version");
	}
}

/* What is built in, and what was loaded, is as plug-ins must be. */
static void
our_own_are_well(void **state)
{
	const struct evcan_driver *driver;
	const struct evcan_format *format;

	(void)state;
	for (size_t i = 0; (driver = evcan_driver_at(i)) != NULL; i++)
		check_driver(driver, NULL);
	for (size_t i = 0; (format = evcan_format_at(i)) != NULL; i++)
		check_format(format, NULL);
}

int
main(void)
{
	const char *folder = getenv("EVCAN_PLUGINS");
	char path[1000];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_layout_stays),
		cmocka_unit_test(formats_are_copied_or_nothing),
		cmocka_unit_test_prestate(all_first_looks, path),
		cmocka_unit_test_prestate(a_driver_is_loaded_or_not, path),
		cmocka_unit_test(looking_goes_on),
		cmocka_unit_test(rows_are_checked),
		cmocka_unit_test(texts_are_checked),
		cmocka_unit_test(a_database_needs_a_path),
		cmocka_unit_test(lists_have_an_end),
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(our_own_are_well)
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

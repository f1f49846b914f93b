/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vendor_library.c - vendors' libraries found or not, and their clocks */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include <evcan/error.h>

#include "vendor.h"

#define MS ((int64_t)1000000)

/* Clocks */

static void
clock_follows(void **state)
{
	const int64_t unix_ns = 1700000000 * (int64_t)1000000000;
	struct evcan_vendor_clock_ clock = { 0 };
	int64_t t, s = 1000000000;

	(void)state;
	t = evcan_vendor_time_(&clock, 5 * s, unix_ns + 3 * MS);
	assert_int_equal(t, unix_ns + 3 * MS);
	/* One that was faster shows that the first was late. */
	t = evcan_vendor_time_(&clock, 5 * s + 10 * MS, unix_ns + 11 * MS);
	assert_int_equal(t, unix_ns + 11 * MS);
	/* A late one is put where it belongs. */
	t = evcan_vendor_time_(&clock, 5 * s + 20 * MS, unix_ns + 80 * MS);
	assert_int_equal(t, unix_ns + 21 * MS);
	/* A device's clock that is 50 ppm slow is followed for an hour. */
	for (int64_t i = 1; i <= 3600; i++) {
		t = evcan_vendor_time_(&clock, 5 * s + i * (s - 50000),
		    unix_ns + i * s);
		assert_true(t <= unix_ns + i * s);
		assert_true(t >= unix_ns + i * s - 2 * MS);
	}
	/* A clock that was set: at once, in either direction. */
	t = evcan_vendor_time_(&clock, 4000 * s, unix_ns + 9000 * s);
	assert_int_equal(t, unix_ns + 9000 * s);
	t = evcan_vendor_time_(&clock, 4001 * s, unix_ns + 10 * s);
	assert_int_equal(t, unix_ns + 10 * s);
}

/* Libraries */

struct functions {
	double (*cosine)(double x);
	void *missing;
};

static const struct evcan_vendor_symbol_ have[] = {
	{ "cos", offsetof(struct functions, cosine), false },
	{ "no_such_function", offsetof(struct functions, missing), true },
	{ NULL, 0, false }
};
static const struct evcan_vendor_symbol_ lack[] = {
	{ "no_such_function", offsetof(struct functions, missing), false },
	{ NULL, 0, false }
};
static const char *const found_files[] = { "libnot_there.so.7", "libm.so.6",
	NULL };
static const char *const lost_files[] = { "libnot_there.so.7",
	"libnor_here.so", NULL };
static const char *const no_files[] = { NULL };

static struct evcan_vendor_library_
library_of(const char *const *files, const struct evcan_vendor_symbol_ *list)
{
	struct evcan_vendor_library_ library = { "Some library", files,
		"EVCAN_LIB_TEST", "the package some of example.com", list,
		{ 0, 0 } };

	return library;
}

static void
library_is_found(void **state)
{
	struct evcan_vendor_library_ library = library_of(found_files, have);
	struct functions functions = { NULL, &functions };
	struct evcan_error err = { 0 };

	(void)state;
	unsetenv("EVCAN_LIB_TEST");
	assert_int_equal(evcan_vendor_load_(&library, NULL, &functions, &err),
	    0);
	assert_true(functions.cosine(0) == 1);
	assert_null(functions.missing);
	/* By the environment, and by the option, which goes first. */
	library.files = lost_files;
	setenv("EVCAN_LIB_TEST", "libm.so.6", 1);
	assert_int_equal(evcan_vendor_load_(&library, NULL, &functions, &err),
	    0);
	setenv("EVCAN_LIB_TEST", "/nowhere/x.so", 1);
	assert_int_equal(evcan_vendor_load_(&library, "libm.so.6",
	    &functions, &err), 0);
	assert_int_equal(evcan_vendor_load_(&library, NULL, &functions, &err),
	    EVCAN_ERR_NOT_IMPLEMENTED);
	assert_non_null(strstr(err.text, "EVCAN_LIB_TEST"));
	assert_non_null(strstr(err.text, "/nowhere/x.so"));
	unsetenv("EVCAN_LIB_TEST");
}

static void
refused(const struct evcan_vendor_library_ *library, const char *path,
    const char *const *words)
{
	struct functions functions;
	struct evcan_error err = { 0 };

	assert_int_equal(evcan_vendor_load_(library, path, &functions, &err),
	    EVCAN_ERR_NOT_IMPLEMENTED);
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	assert_null(strchr(err.text, '\n'));
	for (; *words != NULL; words++) {
		if (strstr(err.text, *words) == NULL)
			fail_msg("\"%s\" does not say %s", err.text, *words);
	}
}

static void
library_is_missing(void **state)
{
	struct evcan_vendor_library_ lost_one = library_of(lost_files, have),
	    none = library_of(no_files, have);
	const char *const lost_words[] = { "Some library", "not installed",
		"the package some of example.com", "libnot_there.so.7",
		"libnor_here.so", "EVCAN_LIB_TEST", NULL };
	const char *const none_words[] = { "no library for this system",
		"EVCAN_LIB_TEST", NULL };
	const char *const path_words[] = { "/nowhere/lib.so", "library",
		NULL };

	(void)state;
	unsetenv("EVCAN_LIB_TEST");
	refused(&lost_one, NULL, lost_words);
	refused(&none, NULL, none_words);
	refused(&none, "/nowhere/lib.so", path_words);
}

/* That the second name is not there either says nothing of the first. */
static void
library_that_does_not_load_says_why(void **state)
{
	char path[] = "/tmp/evcan_library_XXXXXX";
	const char *const files[] = { path, "libnor_here.so", NULL };
	struct evcan_vendor_library_ library = library_of(files, have);
	const char *const words[] = { "evcan_library_", "libnor_here.so",
		"file too short", NULL };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	unsetenv("EVCAN_LIB_TEST");
	refused(&library, NULL, words);
	unlink(path);
}

static void
library_lacks_a_function(void **state)
{
	struct evcan_vendor_library_ library = library_of(found_files, lack);
	const char *const words[] = { "lacks", "no_such_function",
		"the package some of example.com", NULL };
	const char *folder = getenv("EVCAN_DOUBLES");
	char path[500];

	(void)state;
	unsetenv("EVCAN_LIB_TEST");
	refused(&library, NULL, words);
	if (folder == NULL)
		return;
	snprintf(path, sizeof(path), "%s/empty_double.so", folder);
	library.symbols = lack;
	refused(&library, path, words);
}

static void
library_may_be_too_old(void **state)
{
	struct evcan_vendor_library_ library = library_of(found_files, have);
	struct evcan_error err = { 0 };
	const char *const words[] = { "Some library", "3.9", "4.2",
		"the package some of example.com" };

	(void)state;
	assert_int_equal(evcan_vendor_check_version_(&library, 0, 0, &err), 0);
	library.oldest[0] = 4;
	library.oldest[1] = 2;
	assert_int_equal(evcan_vendor_check_version_(&library, 4, 2, &err), 0);
	assert_int_equal(evcan_vendor_check_version_(&library, 5, 0, &err), 0);
	assert_int_equal(evcan_vendor_check_version_(&library, 4, 1, NULL),
	    EVCAN_ERR_INIT);
	assert_int_equal(evcan_vendor_check_version_(&library, 3, 9, &err),
	    EVCAN_ERR_INIT);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_non_null(strstr(err.text, words[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_follows),
		cmocka_unit_test(library_is_found),
		cmocka_unit_test(library_is_missing),
		cmocka_unit_test(library_that_does_not_load_says_why),
		cmocka_unit_test(library_lacks_a_function),
		cmocka_unit_test(library_may_be_too_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

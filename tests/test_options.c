/* SPDX-License-Identifier: BSD-3-Clause */
/* test_options.c - the store, option rows and what they refuse */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/error.h>
#include <evcan/options.h>

#include "alloc_fail.h"

struct sample {
	const char *channel, *filters, *timing;
	bool fd;
	int64_t bitrate, queue;
	double timeout;
	int state;
};

#define AT(member) offsetof(struct sample, member)

static const struct evcan_option sample_rows[] = {
	{ "channel", NULL, EVCAN_OPTION_TEXT, NULL, 0, 0, NULL,
	    "the channel's name.", EVCAN_OPTION_REQUIRED, AT(channel) },
	{ "fd", "canfd can_fd", EVCAN_OPTION_BOOL, "false", 0, 0, NULL,
	    "whether CAN FD is wanted.", 0, AT(fd) },
	{ "bitrate", NULL, EVCAN_OPTION_INT, NULL, 0, 0, NULL,
	    "bit/s.", 0, AT(bitrate) },
	{ "queue_size", "queueSize", EVCAN_OPTION_INT, "100", 1, 1000, NULL,
	    "frames.", 0, AT(queue) },
	{ "timeout", NULL, EVCAN_OPTION_REAL, "0.5", 0, 60, NULL,
	    "seconds.", 0, AT(timeout) },
	{ "state", NULL, EVCAN_OPTION_CHOICE, "ACTIVE", 0, 0,
	    "ACTIVE PASSIVE PASSIVE=can.bus.BusState.PASSIVE ERROR",
	    "the bus's mode.", 0, AT(state) },
	{ "can_filters", NULL, EVCAN_OPTION_FILTERS, NULL, 0, 0, NULL,
	    "filters.", 0, AT(filters) },
	{ "timing", NULL, EVCAN_OPTION_TIMING, NULL, 0, 0, NULL,
	    "bit timing.", 0, AT(timing) },
	{ .name = NULL }
};

static const struct evcan_option other_rows[] = {
	{ .name = "preserve_timestamps", .type = EVCAN_OPTION_BOOL },
	{ .name = NULL }
};

/* A store of `name=value` texts, ended by NULL. */
static struct evcan_options *
store(const char *const *pairs)
{
	struct evcan_options *options = evcan_options_new();

	assert_non_null(options);
	for (; *pairs != NULL; pairs++)
		assert_int_equal(evcan_options_set_pair(options, *pairs,
		    "here", NULL), 0);
	return options;
}

#define STORE(...) store((const char *const[]){ __VA_ARGS__, NULL })

static void
test_store(void **state)
{
	struct evcan_options *o = evcan_options_new(), *copy;
	struct evcan_error err = { 0 };
	const char *name, *value;

	(void)state;
	assert_int_equal(evcan_options_set(o, "a", "1", "x:1"), 0);
	assert_int_equal(evcan_options_set(o, "b", "", NULL), 0);
	assert_int_equal(evcan_options_set_default(o, "a", "2", "x:2"), 0);
	assert_string_equal(evcan_options_get(o, "a"), "1");
	assert_string_equal(evcan_options_origin(o, "a"), "x:1");
	assert_string_equal(evcan_options_get(o, "b"), "");
	assert_null(evcan_options_origin(o, "b"));
	assert_null(evcan_options_get(o, "A"));
	assert_null(evcan_options_origin(o, "c"));

	copy = evcan_options_copy(o);
	assert_int_equal(evcan_options_set(o, "a", "3", NULL), 0);
	assert_null(evcan_options_origin(o, "a"));
	assert_true(evcan_options_at(o, 0, &name, &value));
	assert_string_equal(name, "a");
	assert_string_equal(value, "3");
	assert_string_equal(evcan_options_get(copy, "a"), "1");

	/* A value may come from the store itself. */
	assert_int_equal(evcan_options_set(o, "a",
	    evcan_options_get(o, "a"), evcan_options_origin(o, "a")), 0);
	assert_string_equal(evcan_options_get(o, "a"), "3");

	assert_int_equal(evcan_options_set_pair(o, "c=d=e", NULL, &err), 0);
	assert_string_equal(evcan_options_get(o, "c"), "d=e");
	evcan_options_unset(o, "a");
	evcan_options_unset(o, "a");
	assert_int_equal(evcan_options_count(o), 2);
	assert_false(evcan_options_at(o, 2, &name, &value));
	evcan_options_free(o);
	evcan_options_free(copy);
	evcan_options_free(NULL);
	assert_int_equal(evcan_options_count(NULL), 0);
	assert_null(evcan_options_get(NULL, "a"));
}

static void
test_pair_errors(void **state)
{
	struct evcan_options *o = evcan_options_new();
	struct evcan_error err = { 0 };

	(void)state;
	assert_int_equal(evcan_options_set_pair(o, "fd", "--option", &err),
	    EVCAN_ERR_SYNTAX);
	assert_string_equal(err.text,
	    "\"fd\" is not an option as name=value (--option)");
	evcan_error_clear(&err);
	assert_int_equal(evcan_options_set_pair(o, "=\n1", NULL, &err),
	    EVCAN_ERR_SYNTAX);
	assert_string_equal(err.text,
	    "\"=?1\" is not an option as name=value");
	assert_int_equal(evcan_options_count(o), 0);
	evcan_options_free(o);
}

/* Any mix of operations leaves what the same mix leaves in a plain table of
 * values by name, and names in the order of their first setting. */
static void
test_store_property(void **state)
{
	enum { NAMES = 12, ROUNDS = 20000 };
	struct evcan_options *o = evcan_options_new(), *copy;
	int model[NAMES], order[NAMES], count = 0;

	(void)state;
	srand(7);
	for (int i = 0; i < NAMES; i++)
		model[i] = -1;
	for (int round = 0; round < ROUNDS; round++) {
		const int k = rand() % NAMES, v = rand() % 1000, op =
		    rand() % 8;
		char name[16], value[16];
		const char *n, *t;

		snprintf(name, sizeof(name), "n%d", k);
		snprintf(value, sizeof(value), "%d", v);
		if (op < 4 || op == 7) {
			if (op == 7)
				evcan_options_set_default(o, name, value, "d");
			else
				evcan_options_set(o, name, value, NULL);
			if (model[k] < 0)
				order[count++] = k;
			if (op != 7 || model[k] < 0)
				model[k] = v;
		} else if (op < 6) {
			int i = 0;

			evcan_options_unset(o, name);
			while (i < count && order[i] != k)
				i++;
			if (i < count) {
				memmove(order + i, order + i + 1,
				    (size_t)(count - i - 1) * sizeof(int));
				count--;
			}
			model[k] = -1;
		} else {
			copy = evcan_options_copy(o);
			evcan_options_free(o);
			o = copy;
		}
		assert_int_equal(evcan_options_count(o), count);
		for (int i = 0; i < count; i++) {
			assert_true(evcan_options_at(o, (size_t)i, &n, &t));
			assert_int_equal(atoi(n + 1), order[i]);
			assert_int_equal(atoi(t), model[order[i]]);
			assert_ptr_equal(evcan_options_get(o, n), t);
		}
	}
	evcan_options_free(o);
}

static void
test_fill(void **state)
{
	struct evcan_options *o = STORE("channel=0012", "canfd=YES",
	    "bitrate=0x7A_120", "timeout=1e1", "state=passive",
	    "can_filters=123:7FF",
	    "timing=f_clock=8_000_000 btr0=0 btr1=0x14");
	struct evcan_error err = { 0 };
	struct sample s;

	(void)state;
	memset(&s, 0x55, sizeof(s));
	assert_int_equal(evcan_options_fill(o, sample_rows, &s, &err), 0);
	assert_string_equal(err.text, "");
	assert_string_equal(s.channel, "0012");
	assert_ptr_equal(s.channel, evcan_options_get(o, "channel"));
	assert_true(s.fd);
	assert_int_equal(s.bitrate, 500000);
	assert_int_equal(s.queue, 100);
	assert_true(s.timeout == 10);
	assert_int_equal(s.state, 1);
	assert_string_equal(s.filters, "123:7FF");
	evcan_options_free(o);

	o = STORE("channel=");
	memset(&s, 0x55, sizeof(s));
	assert_int_equal(evcan_options_fill(o, sample_rows, &s, &err), 0);
	assert_string_equal(s.channel, "");
	assert_false(s.fd);
	assert_int_equal(s.bitrate, 0);
	assert_true(s.timeout == 0.5);
	assert_int_equal(s.state, 0);
	assert_null(s.filters);
	assert_null(s.timing);
	evcan_options_free(o);
}

static void
test_bool_words(void **state)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on", "0", "1", "FALSE", "True", "nO", "Yes", "OFF",
		"oN" };
	static const struct evcan_option row[] = {
		{ .name = "x", .type = EVCAN_OPTION_BOOL }, { .name = NULL }
	};
	static const char *const wrong[] = { "", "2", "t", "truee", " true",
		"y", "00" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		bool value = i % 2 == 0;

		evcan_options_set(o, "x", words[i], NULL);
		assert_int_equal(evcan_options_fill(o, row, &value, NULL), 0);
		assert_int_equal(value, i % 2);
		evcan_options_free(o);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		bool value;

		evcan_options_set(o, "x", wrong[i], NULL);
		assert_int_equal(evcan_options_fill(o, row, &value, NULL),
		    EVCAN_ERR_INVALID);
		evcan_options_free(o);
	}
}

static void
test_choice_spellings(void **state)
{
	static const struct evcan_option row[] = {
		{ .name = "x", .type = EVCAN_OPTION_CHOICE,
		  .choices = "a=alpha=ALPHA2 b  a=one c=gamma" },
		{ .name = NULL }
	};
	static const struct { const char *word; int index; } table[] = {
		{ "a", 0 }, { "alpha", 0 }, { "alpha2", 0 }, { "one", 0 },
		{ "b", 1 }, { "c", 2 }, { "Gamma", 2 }, { "", -1 },
		{ "a=alpha", -1 }, { "d", -1 }, { "al", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		struct evcan_error err = { 0 };
		int value = -1, r;

		evcan_options_set(o, "x", table[i].word, NULL);
		r = evcan_options_fill(o, row, &value, &err);
		assert_int_equal(r < 0, table[i].index < 0);
		if (r == 0)
			assert_int_equal(value, table[i].index);
		else
			assert_non_null(strstr(err.text,
			    "is not one of: a, b, c"));
		evcan_options_free(o);
	}
}

static void
test_fill_errors(void **state)
{
	static const struct { const char *pairs[4], *text; } table[] = {
		{ { "fd=1" },
		  "option channel is missing: the channel's name." },
		{ { "channel=a", "fd=maybe" },
		  "option fd: \"maybe\" is not true or false (here)" },
		{ { "channel=a", "bitrate=500k" },
		  "option bitrate: \"500k\" is not an integer (here)" },
		{ { "channel=a", "queueSize=0" }, "option queueSize: \"0\" is "
		  "not an integer from 1 to 1000 (here)" },
		{ { "channel=a", "queue_size=1001" }, "option queue_size: "
		  "\"1001\" is not an integer from 1 to 1000 (here)" },
		{ { "channel=a", "timeout=nan" },
		  "option timeout: \"nan\" is not a number from 0 to 60 "
		  "(here)" },
		{ { "channel=a", "timeout=61" },
		  "option timeout: \"61\" is not a number from 0 to 60 "
		  "(here)" },
		{ { "channel=a", "state=gone" },
		  "option state: \"gone\" is not one of: ACTIVE, PASSIVE, "
		  "ERROR (here)" },
		{ { "channel=a", "fd=1", "canfd=0" }, "option fd is \"1\" but "
		  "canfd, the same option, is \"0\": give one of them" },
		{ { "channel=a", "timing=brp=1" },
		  "option timing: bit timing lacks f_clock, tseg1, tseg2, sjw "
		  "(here)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_options *o = store(table[i].pairs);
		struct evcan_error err = { 0 };
		struct sample s;

		assert_int_equal(evcan_options_fill(o, sample_rows, &s, &err),
		    EVCAN_ERR_INVALID);
		assert_string_equal(err.text, table[i].text);
		assert_int_equal(err.code, EVCAN_ERR_INVALID);
		evcan_options_free(o);
	}
}

static void
test_filters_refused(void **state)
{
	struct evcan_options *o = STORE("channel=a", "can_filters=xyz");
	struct evcan_error err = { 0 };
	struct sample s;

	(void)state;
	assert_int_equal(evcan_options_fill(o, sample_rows, &s, &err),
	    EVCAN_ERR_INVALID);
	assert_memory_equal(err.text, "option can_filters: ", 20);
	assert_non_null(strstr(err.text, "(here)"));
	evcan_options_free(o);
}

static void
test_same_twice(void **state)
{
	struct evcan_options *o = STORE("channel=a", "can_fd=1", "fd=1");
	struct sample s;

	(void)state;
	assert_int_equal(evcan_options_fill(o, sample_rows, &s, NULL), 0);
	assert_true(s.fd);
	evcan_options_free(o);
}

static void
test_long_values(void **state)
{
	struct evcan_options *o = evcan_options_new();
	struct evcan_error err = { 0 };
	struct sample s;
	char value[4000], origin[4000];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	memset(origin, '\n', sizeof(origin) - 1);
	origin[sizeof(origin) - 1] = '\0';
	evcan_options_set(o, "channel", "a", NULL);
	evcan_options_set(o, "bitrate", value, origin);
	assert_int_equal(evcan_options_fill(o, sample_rows, &s, &err),
	    EVCAN_ERR_INVALID);
	assert_null(strchr(err.text, '\n'));
	assert_non_null(strstr(err.text, "xxx...\" is not an integer"));
	evcan_options_free(o);
}

static void
test_unknown(void **state)
{
	static const struct evcan_option *const lists[] = { sample_rows,
		NULL, other_rows };
	static const struct { const char *name, *text; } table[] = {
		{ "chanel", "interface x has no option \"chanel\": did you "
		  "mean channel? (here)" },
		{ "BITRATE", "interface x has no option \"BITRATE\": did you "
		  "mean bitrate? (here)" },
		{ "queuesize", "interface x has no option \"queuesize\": did "
		  "you mean queue_size? (here)" },
		{ "df", "interface x has no option \"df\": did you mean fd? "
		  "(here)" },
		{ "preserve-timestamp", "interface x has no option "
		  "\"preserve-timestamp\": did you mean preserve_timestamps? "
		  "(here)" },
		{ "colour", "interface x has no option \"colour\" (here): its "
		  "options are channel, fd, bitrate, queue_size, timeout, "
		  "state, can_filters, timing, preserve_timestamps" },
	};
	struct evcan_options *known = STORE("channel=a", "canfd=1",
	    "preserve_timestamps=1");

	(void)state;
	assert_int_equal(evcan_options_refuse_unknown(known, lists, 3, "x",
	    NULL), 0);
	evcan_options_free(known);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		struct evcan_error err = { 0 };

		evcan_options_set(o, table[i].name, "1", "here");
		assert_int_equal(evcan_options_refuse_unknown(o, lists, 3,
		    "interface x", &err), EVCAN_ERR_INVALID);
		assert_string_equal(err.text, table[i].text);
		evcan_options_free(o);
	}
}

static void
test_find_and_names(void **state)
{
	(void)state;
	assert_ptr_equal(evcan_option_find(sample_rows, "fd"),
	    &sample_rows[1]);
	assert_ptr_equal(evcan_option_find(sample_rows, "can_fd"),
	    &sample_rows[1]);
	assert_null(evcan_option_find(sample_rows, "can"));
	assert_null(evcan_option_find(sample_rows, "canfd can_fd"));
	assert_null(evcan_option_find(sample_rows, ""));
	assert_null(evcan_option_find(NULL, "fd"));
	assert_string_equal(evcan_option_type_name(EVCAN_OPTION_BOOL),
	    "true or false");
	assert_string_equal(evcan_option_type_name(EVCAN_OPTION_INT),
	    "integer");
}

/* Makes a store, copies it, fills a struct. @return the first error */
static int
build(struct evcan_error *err)
{
	struct evcan_options *o = evcan_options_new(), *copy = NULL;
	struct sample s;
	char name[16];
	int r = o == NULL ? EVCAN_ERR_NOMEM : 0;

	if (r == 0)
		r = evcan_options_set_pair(o, "channel=a", "here", err);
	for (int i = 0; i < 20 && r == 0; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		r = evcan_options_set_default(o, name, "v", "here");
	}
	if (r == 0)
		r = evcan_options_set(o, "timing",
		    "{\"f_clock\":8000000,\"btr0\":0,\"btr1\":20}", NULL);
	if (r == 0 && (copy = evcan_options_copy(o)) == NULL)
		r = EVCAN_ERR_NOMEM;
	if (r == 0)
		r = evcan_options_fill(copy, sample_rows, &s, err);
	evcan_options_free(o);
	evcan_options_free(copy);
	return r;
}

static void
test_out_of_memory(void **state)
{
	struct evcan_error err;
	long n = 1;

	(void)state;
	assert_true(alloc_fail_works());
	for (;; n++) {
		int r;

		evcan_error_clear(&err);
		alloc_fail_start(n);
		r = build(&err);
		if (!alloc_fail_stop()) {
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, EVCAN_ERR_NOMEM);
	}
	assert_true(n > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_pair_errors),
		cmocka_unit_test(test_store_property),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_bool_words),
		cmocka_unit_test(test_choice_spellings),
		cmocka_unit_test(test_fill_errors),
		cmocka_unit_test(test_filters_refused),
		cmocka_unit_test(test_same_twice),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_find_and_names),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

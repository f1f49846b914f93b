/* SPDX-License-Identifier: BSD-3-Clause */
/* test_plugin.c - plug-ins found, loaded once by many threads, and used
 *
 * EVCAN_PLUGINS names the folder of tests/plugins as built. Public API only:
 * this program has the library as plug-ins do, shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include <evcan/evcan.h>
#include <evcan/plugin.h>

#define THREADS 8

static char cable_path[400], lines_path[400];

/* What one thread saw. */
struct seen {
	const struct evcan_driver *driver;
	const struct evcan_format *format, *by_suffix;
	const struct evcan_plugin_info *first;
	int loaded;
};

static pthread_barrier_t together;

static void *
look(void *arg)
{
	struct seen *seen = arg;

	pthread_barrier_wait(&together);
	seen->driver = evcan_driver_find("cable");
	seen->format = evcan_format_find("lines");
	seen->by_suffix = evcan_format_for_name("a.lines", true);
	seen->first = evcan_plugin_at(0);
	seen->loaded = evcan_plugin_load(lines_path, NULL);
	return NULL;
}

/* Runs first: nothing was looked for yet. */
static void
many_threads_load_once(void **state)
{
	pthread_t threads[THREADS];
	struct seen seen[THREADS];
	size_t n = 0;

	(void)state;
	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look,
		    &seen[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&together);
	assert_non_null(seen[0].driver);
	assert_non_null(seen[0].format);
	for (int i = 0; i < THREADS; i++) {
		assert_ptr_equal(seen[i].driver, seen[0].driver);
		assert_ptr_equal(seen[i].format, seen[0].format);
		assert_ptr_equal(seen[i].by_suffix, seen[0].format);
		assert_ptr_equal(seen[i].first, seen[0].first);
		assert_int_equal(seen[i].loaded, 0);
	}
	while (evcan_plugin_at(n) != NULL)
		n++;
	assert_int_equal(n, 3);   /* two files, and the folder that is not */
}

static void
each_is_told_with_what_it_has(void **state)
{
	const struct evcan_plugin_info *cable = evcan_plugin_at(0),
	    *lines = evcan_plugin_at(1), *folder = evcan_plugin_at(2);

	(void)state;
	assert_string_equal(cable->path, cable_path);
	assert_null(cable->fault);
	assert_string_equal(cable->name, "cable");
	assert_string_equal(cable->version, "1.0");
	assert_ptr_equal(cable->drivers[0], evcan_driver_find("cable"));
	assert_null(cable->drivers[1]);
	assert_null(cable->formats[0]);
	assert_string_equal(lines->path, lines_path);
	assert_ptr_equal(lines->formats[0], evcan_format_find("LINES"));
	assert_null(lines->formats[1]);
	assert_null(lines->drivers[0]);
	assert_string_equal(folder->path, "/nowhere/at all");
	assert_non_null(strstr(folder->fault, "cannot be read as a folder"));
	assert_null(folder->name);
	assert_null(evcan_plugin_at(3));
	assert_int_equal(evcan_plugin_folder()[0], '/');
}

/* In the rows of all drivers and formats, behind those built in. */
static void
they_stand_behind_those_built_in(void **state)
{
	size_t drivers = 0, formats = 0;

	(void)state;
	while (evcan_driver_at(drivers) != NULL)
		drivers++;
	assert_string_equal(evcan_driver_at(drivers - 1)->name, "cable");
	assert_null(evcan_driver_at(drivers + 5));
	while (evcan_format_at(formats) != NULL)
		formats++;
	assert_string_equal(evcan_format_at(formats - 1)->name, "lines");
	assert_null(evcan_format_at(formats + 5));
}

/* Opening a pipe would wait for who writes to it. */
static void
only_files_are_loaded(void **state)
{
	char folder[] = "/tmp/evcan_pluginXXXXXX", pipe[60];
	struct evcan_error err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(pipe, sizeof(pipe), "%s/evcan_pipe.so", folder);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(evcan_plugin_load(pipe, &err), EVCAN_ERR_INIT);
	assert_non_null(strstr(err.text, "cannot be loaded: not a file"));
	assert_int_equal(evcan_plugin_load(folder, NULL), EVCAN_ERR_INIT);
	assert_int_equal(evcan_plugin_load("", NULL), EVCAN_ERR_INIT);
	unlink(pipe);
	rmdir(folder);
}

static void
load_says_why_not(void **state)
{
	struct evcan_error err = { 0 };

	(void)state;
	assert_int_equal(evcan_plugin_load("/nowhere/x.so", &err),
	    EVCAN_ERR_INIT);
	assert_non_null(strstr(err.text, "/nowhere/x.so: cannot be loaded"));
	evcan_error_clear(&err);
	/* Here, not where the system looks for libraries. */
	assert_int_equal(evcan_plugin_load("libc.so.6", &err),
	    EVCAN_ERR_INIT);
	assert_int_equal(evcan_plugin_load("libc.so.6", NULL),
	    EVCAN_ERR_INIT);
	assert_int_equal(evcan_plugin_load(cable_path, NULL), 0);
	assert_null(evcan_plugin_at(3));
}

static struct evcan_bus *
open_bus(const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(NULL, spec, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(evcan_bus_open(bus, &err), 0);
	return bus;
}

/* Counts those of which one end is plugged in. */
static void
detected(const struct evcan_detected *found, void *arg)
{
	assert_string_equal(found->interface, "cable");
	if (strcmp(found->description, "one end is free") == 0) {
		assert_string_equal(found->channel, "1");
		(*(int *)arg)++;
	}
}

static void
a_driver_works(void **state)
{
	static const char *const names[] = { "cable", NULL };
	struct evcan_bus *a = open_bus("cable:1,ignore_config=true"), *b;
	struct evcan_bus *third;
	struct evcan_frame frame, got;
	struct evcan_error err = { 0 };
	int half_free = 0;

	(void)state;
	assert_int_equal(evcan_detect(names, 5000, detected, &half_free,
	    NULL), 4);
	assert_int_equal(half_free, 1);
	b = open_bus("cable:1,ignore_config=true,time=sent");
	third = evcan_bus_new_spec(NULL, "cable:1,ignore_config=true",
	    NULL);
	assert_int_equal(evcan_bus_open(third, &err), EVCAN_ERR_BUSY);
	evcan_bus_free(third);
	assert_int_equal(evcan_frame_init(&frame, 0x123, 0, "abc", 3), 0);
	assert_int_equal(evcan_bus_send_wait(a, &frame, 1000), 0);
	assert_int_equal(evcan_bus_recv_wait(b, &got, 1, 1000), 1);
	assert_true(evcan_frame_equal(&got, &frame, -1,
	    EVCAN_EQUAL_ANY_CHANNEL));
	assert_string_equal(evcan_channel_name(got.channel), "1");
	evcan_bus_free(a);
	evcan_bus_free(b);
}

static void
its_options_are_checked(void **state)
{
	struct evcan_error err = { 0 };

	(void)state;
	assert_null(evcan_bus_new_spec(NULL,
	    "cable:1,ignore_config=true,time=never", &err));
	assert_non_null(strstr(err.text, "received"));
	evcan_error_clear(&err);
	assert_null(evcan_bus_new_spec(NULL,
	    "cable:1,ignore_config=true,tmie=sent", &err));
	assert_non_null(strstr(err.text, "time"));
}

/* What is wrong with a folder is told with what was not found. */
static void
what_is_missing_may_be_refused(void **state)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };

	(void)state;
	evcan_options_set(options, "interface", "nosuch", NULL);
	evcan_options_set(options, "ignore_config", "true", NULL);
	assert_null(evcan_bus_new(NULL, options, &err));
	assert_non_null(strstr(err.text, "virtual"));
	assert_non_null(strstr(err.text, "cable"));
	assert_non_null(strstr(err.text, "; /nowhere/at all is not used: it "
	    "cannot be read as a folder"));
	evcan_options_free(options);
	evcan_error_clear(&err);
	assert_null(evcan_log_writer_new(NULL, "a.nosuch", NULL, &err));
	assert_non_null(strstr(err.text, "lines"));
	assert_non_null(strstr(err.text, "; /nowhere/at all is not used"));
}

/* Lines in pieces of every length, faults in order, as format.h has it. */
static const char text[] = "; evcan lines 1\r\n\n"
    "1.000000001 Rx can0 123#01\r\n"
    "rubbish\n"
    "2.000000002 Tx - 12345678#R\n"
    "3.000000003 Rx can0 1234#\n"
    "4.000000004 Rx can0 124#";

static void
decode_by(size_t piece)
{
	const struct evcan_format *format = evcan_format_find("lines");
	void *reader = calloc(1, format->read_size);
	struct evcan_decode out = { .line = 1 };
	struct evcan_frame frames[4];
	size_t at = 0, end = 0, got = 0;
	uint64_t faults[3] = { 0 };
	int n, errors = 0;

	while (at < sizeof(text) - 1) {
		struct evcan_span span = { (const uint8_t *)text + at,
		    end - at, at, end == sizeof(text) - 1 };

		out.used = 0;
		evcan_error_clear(&out.error);
		n = format->decode(reader, &span, frames + got, 1, &out);
		if (n < 0) {
			assert_non_null(strstr(out.error.text, errors == 0 ?
			    "column 1: does not begin with seconds" :
			    "column 21: not a frame"));
			faults[errors++] = out.error_line;
		} else {
			got += (size_t)n;
		}
		at += out.used;
		assert_true(errors <= 2 && got <= 3);
		if (n == 0 && out.used == 0)
			end = end + piece < sizeof(text) - 1 ? end + piece :
			    sizeof(text) - 1;
	}
	assert_int_equal(got, 3);
	assert_int_equal(faults[0], 4);
	assert_int_equal(faults[1], 6);
	assert_int_equal(frames[0].time_ns, 1000000001);
	assert_int_equal(frames[1].dir, EVCAN_DIR_TX);
	assert_int_equal(frames[1].flags, EVCAN_FRAME_EXT | EVCAN_FRAME_RTR);
	assert_int_equal(frames[2].id, 0x124);
	free(reader);
}

static void
lines_come_in_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++)
		decode_by(piece);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_threads_load_once),
		cmocka_unit_test(each_is_told_with_what_it_has),
		cmocka_unit_test(they_stand_behind_those_built_in),
		cmocka_unit_test(only_files_are_loaded),
		cmocka_unit_test(load_says_why_not),
		cmocka_unit_test(a_driver_works),
		cmocka_unit_test(its_options_are_checked),
		cmocka_unit_test(what_is_missing_may_be_refused),
		cmocka_unit_test(lines_come_in_pieces)
	};
	const char *folder = getenv("EVCAN_PLUGINS");
	char path[1000];

	if (folder == NULL)
		folder = "tests/plugins/.libs";
	snprintf(cable_path, sizeof(cable_path), "%s/evcan_cable.so", folder);
	snprintf(lines_path, sizeof(lines_path), "%s/evcan_lines.so", folder);
	if (access(cable_path, R_OK) < 0) {
		fprintf(stderr, "no %s: configured without shared "
		    "libraries\n", cable_path);
		return 77;
	}
	/* Empty parts are no folders. */
	snprintf(path, sizeof(path), ":%s::/nowhere/at all:%s:", folder,
	    folder);
	setenv("EVCAN_PLUGIN_PATH", path, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

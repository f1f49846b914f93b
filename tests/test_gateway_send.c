/* SPDX-License-Identifier: BSD-3-Clause */
/* test_gateway_send.c - tasks and players of a gateway's document */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>

#include "gateway_fixture.h"
#include "may_skip.h"

/* What each frame of a log holds: "can0 123#0011" as text after the time. */
static unsigned
read_log(const char *name, char lines[][80], unsigned max)
{
	FILE *file = fopen(in_dir(name), "r");
	char line[300];
	unsigned n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *text = strchr(line, ')');

		assert_non_null(text);
		line[strcspn(line, "\n")] = '\0';
		if (n < max)
			snprintf(lines[n], sizeof(lines[n]), "%.79s",
			    text + 2);
		n++;
	}
	fclose(file);
	return n;
}

/* Runs until tasks have sent so many frames. */
static void
run_until_cyclic(struct watch *watch, uint64_t n)
{
	struct evcan_gateway_totals totals;

	do {
		run_ms(2);
		evcan_gateway_get_totals(watch->gateway, &totals);
	} while (totals.cyclic < n);
}

static void
test_tasks(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;
	char lines[40][80];
	unsigned n, seen = 0;

	(void)state;
	start(&watch, "{'buses': {" CAR "}, "
	    "'loggers': [{'buses': ['powertrain'], 'file': '%/rec.log'}], "
	    "'cyclic': [{'bus': 'car', 'frame': '321#00FF', 'period': 0.005, "
	    "  'count': 16, 'modifiers': ["
	    "    {'type': 'counter', 'bit': 0, 'width': 4, 'max': 14}, "
	    "    'xor:byte=1']}, "
	    "  {'bus': 'car', 'frames': ['100#01', '100#02', '100#03'], "
	    "  'period': '0.002', 'duration': 0.0081, 'phase': 0.001, "
	    "  'late': 'skip'}]}");
	assert_non_null(evcan_gateway_cyclic(watch.gateway, 1));
	assert_null(evcan_gateway_cyclic(watch.gateway, 2));
	run_until_cyclic(&watch, 17);
	while (evcan_cyclic_running(evcan_gateway_cyclic(watch.gateway, 0)) ||
	    evcan_cyclic_running(evcan_gateway_cyclic(watch.gateway, 1)))
		run_ms(1);
	evcan_gateway_get_totals(watch.gateway, &totals);
	stop(&watch);
	assert_int_equal(watch.stop_error.code, 0);
	assert_int_equal(totals.lost, 0);
	release(&watch);
	n = read_log("rec.log", lines, 40);
	assert_int_equal(n, totals.cyclic);
	for (unsigned i = 0; i < n; i++) {
		char wanted[80];

		if (strstr(lines[i], "321#") == NULL)
			continue;
		snprintf(wanted, sizeof(wanted), "gw-car 321#%02X%02X",
		    seen % 15, seen % 15);
		assert_string_equal(lines[i], wanted);
		seen++;
	}
	assert_int_equal(seen, 16);
	assert_in_range(n - seen, 1, 5);   /* a slow machine skips */
}

static void
test_endless_task_is_stopped(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals before, after;

	(void)state;
	start(&watch, "{'buses': {" CAR "}, 'cyclic': ["
	    "{'bus': 'car', 'frame': '001#', 'period': 0.001, 'spread': true}, "
	    "{'bus': 'car', 'frame': '002#', 'period': 0.001, 'spread': true}"
	    "]}");
	run_until_cyclic(&watch, 50);
	evcan_gateway_get_totals(watch.gateway, &before);
	stop(&watch);
	evcan_gateway_get_totals(watch.gateway, &after);
	assert_int_equal(watch.stop_error.code, 0);
	assert_int_equal(before.cyclic, after.cyclic);
	run_ms(10);
	evcan_gateway_get_totals(watch.gateway, &after);
	assert_int_equal(before.cyclic, after.cyclic);
	release(&watch);
}

static void
write_text(const char *name, const char *text)
{
	FILE *file = fopen(in_dir(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void
test_player_merges_and_maps(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;
	char lines[10][80];

	(void)state;
	write_text("a.log", "(1700000000.000000) can0 001#00\n"
	    "(1700000000.020000) can1 003#00\n"
	    "(1700000000.040000) can0 005#00\n"
	    "(1700000000.050000) can2 7FF#00\n");
	write_text("b.log", "(1700000000.010000) can1 002#00\n"
	    "(1700000000.030000) can1 004#00\n"
	    "(1700000000.035000) can1 104#00\n");
	start(&watch, "{'buses': {" CAR "}, "
	    "'loggers': [{'buses': ['powertrain'], 'file': '%/car.log'}, "
	    "  {'buses': ['monitor'], 'file': '%/bench.log'}], "
	    "'players': [{'files': ['%/a.log', '%/b.log'], "
	    "  'map': {'can0': 'car', 'can1': 'bench'}, "
	    "  'filters': '0:7F0,7F0:7F0'}]}");
	run_until(&watch.played);
	stop(&watch);
	assert_int_equal(watch.stop_error.code, 0);
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.replayed, 5);
	assert_int_equal(totals.lost, 0);
	release(&watch);
	assert_int_equal(read_log("car.log", lines, 10), 2);
	assert_string_equal(lines[0], "gw-car 001#00");
	assert_string_equal(lines[1], "gw-car 005#00");
	assert_int_equal(read_log("bench.log", lines, 10), 3);
	assert_string_equal(lines[0], "gw-bench 002#00");
	assert_string_equal(lines[1], "gw-bench 003#00");
	assert_string_equal(lines[2], "gw-bench 004#00");
}

static void
test_player_window(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;

	(void)state;
	write_log(1000, 1000);
	start(&watch, "{'buses': {" CAR "}, 'players': [{"
	    "'file': '%/drive.log', 'map': {'can0': 'car'}, 'speed': 50, "
	    "'from': 0.1, 'until': 0.2, 'loop': 2}]}");
	run_until(&watch.played);
	evcan_gateway_get_totals(watch.gateway, &totals);
	stop(&watch);
	release(&watch);
	assert_in_range(totals.replayed, 200, 202);
}

static void
expect_start_error(const char *format, const char *wanted)
{
	struct watch watch;
	struct evcan_error err = { 0 };

	make_new(&watch, format);
	assert_true(evcan_gateway_start(watch.gateway, &err) < 0);
	if (strstr(err.text, wanted) == NULL)
		fail_msg("\"%s\" has no \"%s\"", err.text, wanted);
	release(&watch);
}

static void
test_start_fails(void **state)
{
	(void)state;
	write_log(3, 1);
	expect_start_error("{'buses': {" CAR "}, 'players': [{'files': ["
	    "'%/drive.log', '%/missing.log'], 'bus': 'car'}]}",
	    "missing.log");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A vendor's device is asked in a thread: until it is open, a task waits. */
static void
test_tasks_wait_for_their_bus(void **state)
{
	const char *doubles = getenv("EVCAN_DOUBLES");
	void (*control)(const char *command);
	struct evcan_gateway_totals totals;
	char path[300], text[900];
	struct watch watch;
	void *handle;

	(void)state;
	snprintf(path, sizeof(path), "%.270s/kvaser_double.so",
	    doubles != NULL ? doubles : "");
	handle = dlopen(path, RTLD_NOW);
	if (handle == NULL) {
		may_skip("EVCAN_DOUBLES names no folder with the doubles");
		return;
	}
	*(void **)&control = dlsym(handle, "evcan_double_control");
	control("hang canOpenChannel");
	snprintf(text, sizeof(text), "{'buses': {'k': {'interface': 'kvaser', "
	    "'channel': '0', 'library': '%s'}}, 'cyclic': [{'bus': 'k', "
	    "'frame': '123#11', 'period': 0.002, 'count': 10, "
	    "'offload': 'never'}]}", path);
	start(&watch, text);
	run_ms(50);
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.cyclic, 0);
	control("release");
	run_until_cyclic(&watch, 10);
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.cyclic, 10);
	stop(&watch);
	assert_int_equal(watch.stop_error.code, 0);
	release(&watch);
	control("reset");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tasks),
		TEST(test_tasks_wait_for_their_bus),
		TEST(test_endless_task_is_stopped),
		TEST(test_player_merges_and_maps),
		TEST(test_player_window),
		TEST(test_start_fails)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

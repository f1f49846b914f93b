/* SPDX-License-Identifier: BSD-3-Clause */
/* test_gateway.c - documents right and wrong, and gateways that run */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/evcan.h>

#include "alloc_fail.h"
#include "gateway_fixture.h"
#include "may_skip.h"

/* Documents: each file in data/gateway is a test */

static char *
read_file(const char *path, size_t *len)
{
	char *text = malloc(100000);
	FILE *file = fopen(path, "r");

	if (file == NULL)
		fail_msg("%s cannot be read", path);
	*len = fread(text, 1, 99999, file);
	text[*len] = '\0';
	fclose(file);
	return text;
}

static void
check_document(const char *folder, const char *name, bool valid)
{
	char path[1200], *text, *wanted, *dots;
	size_t len, wanted_len;
	struct evcan_error err = { 0 };
	struct evcan_gateway *gateway;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	text = read_file(path, &len);
	gateway = evcan_gateway_new_text(base, text, len, name, &err);
	free(text);
	if (valid) {
		if (gateway == NULL)
			fail_msg("%s", err.text);
		evcan_gateway_free(gateway);
		return;
	}
	if (gateway != NULL)
		fail_msg("%s was taken", name);
	strcpy(strrchr(path, '.'), ".error");
	wanted = read_file(path, &wanted_len);
	wanted[strcspn(wanted, "\n")] = '\0';
	/* A list of all drivers or formats would change with each. */
	dots = strstr(wanted, "...");
	if (dots != NULL && strlen(err.text) >= (size_t)(dots - wanted))
		strcpy(err.text + (dots - wanted), "...");
	assert_string_equal(err.text, wanted);
	assert_true(err.code < 0);
	free(wanted);
}

static size_t
check_folder(const char *kind, bool valid)
{
	const char *top = getenv("top_srcdir");
	char folder[600];
	struct dirent *entry;
	size_t n = 0;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/tests/data/gateway/%s",
	    top != NULL ? top : ".", kind);
	list = opendir(folder);
	if (list == NULL)
		fail_msg("%s cannot be read", folder);
	while ((entry = readdir(list)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot == NULL || strcmp(dot, ".json") != 0)
			continue;
		check_document(folder, entry->d_name, valid);
		n++;
	}
	closedir(list);
	return n;
}

static void
test_documents(void **state)
{
	(void)state;
	assert_true(check_folder("valid", true) >= 5);
	assert_true(check_folder("invalid", false) >= 50);
}

static void
test_files_of_documents(void **state)
{
	struct evcan_error err = { 0 };

	(void)state;
	assert_null(evcan_gateway_new(base, "/nowhere/gateway.json", &err));
	assert_int_equal(err.code, EVCAN_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nowhere/gateway.json"));
}

/* Running */

/* Lines of a log, whose data must count up. */
static unsigned
count_lines(const char *name)
{
	FILE *file = fopen(in_dir(name), "r");
	char line[300];
	unsigned n = 0, id, data;

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *hash = strchr(line, '#');

		assert_non_null(hash);
		assert_int_equal(sscanf(hash - 3, "%3X#%4X", &id, &data), 2);
		assert_int_equal(id, n % 0x800);
		assert_int_equal(data, n & 0xffff);
		n++;
	}
	fclose(file);
	return n;
}

static void
test_demo(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;

	(void)state;
	write_log(20000, 10);
	start(&watch, "{'buses': {" CAR "}, "
	    "'loggers': [{'buses': ['powertrain'], 'file': '%/rec.log'}, "
	    "  {'buses': ['monitor'], 'file': '%/far.log'}], "
	    "'bridges': [{'from': 'powertrain', 'to': 'bench', "
	    "  'both_ways': true}], "
	    "'players': [{'file': '%/drive.log', 'bus': 'car'}]}");
	assert_non_null(evcan_gateway_bus_named(watch.gateway, "bench"));
	assert_null(evcan_gateway_bus_named(watch.gateway, "x"));
	assert_non_null(evcan_gateway_bus(watch.gateway, 3));
	assert_null(evcan_gateway_bus(watch.gateway, 4));
	assert_non_null(evcan_gateway_bridge(watch.gateway, 1));
	assert_null(evcan_gateway_bridge(watch.gateway, 2));
	assert_non_null(evcan_gateway_logger(watch.gateway, 1));
	assert_null(evcan_gateway_logger(watch.gateway, 2));
	assert_non_null(evcan_gateway_player(watch.gateway, 0));
	assert_null(evcan_gateway_player(watch.gateway, 1));
	run_until(&watch.played);
	/* At once: what is on its way still arrives. */
	stop(&watch);
	assert_int_equal(watch.stop_error.code, 0);
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.replayed, 20000);
	assert_int_equal(totals.bridged, 20000);
	assert_int_equal(totals.recorded, 40000);
	assert_int_equal(totals.lost, 0);
	release(&watch);
	assert_int_equal(count_lines("rec.log"), 20000);
	assert_int_equal(count_lines("far.log"), 20000);
}

static void
test_check_opens_nothing(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;

	(void)state;
	make_new(&watch, "{'buses': {" CAR ", 'real': {'interface': "
	    "'socketcan', 'channel': 'can99'}}, "
	    "'loggers': [{'file': '%/rec.log'}], "
	    "'players': [{'file': '%/missing.log', 'bus': 'car'}]}");
	assert_int_not_equal(access(in_dir("rec.log"), F_OK), 0);
	assert_false(evcan_bus_is_open(evcan_gateway_bus(watch.gateway, 0)));
	assert_null(evcan_gateway_logger(watch.gateway, 0));
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.lost, 0);
	release(&watch);
	assert_int_not_equal(access(in_dir("rec.log"), F_OK), 0);
}

static void
expect_start_error(const char *format, const char *wanted)
{
	struct watch watch;
	struct evcan_error err = { 0 };
	struct evcan_gateway_totals totals;

	make_new(&watch, format);
	assert_true(evcan_gateway_start(watch.gateway, &err) < 0);
	if (strstr(err.text, wanted) == NULL)
		fail_msg("\"%s\" has no \"%s\"", err.text, wanted);
	assert_null(strchr(err.text, '\n'));
	assert_null(evcan_gateway_bus(watch.gateway, 0));
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(evcan_gateway_start(watch.gateway, NULL),
	    EVCAN_ERR_STATE);
	stop(&watch);
	release(&watch);
}

static void
test_start_fails(void **state)
{
	FILE *file;

	(void)state;
	write_log(3, 1);
	file = fopen(in_dir("rec.log"), "w");
	fputs("precious\n", file);
	fclose(file);
	expect_start_error("{'buses': {" CAR "}, "
	    "'loggers': [{'file': '%/rec.log'}], "
	    "'players': [{'file': '%/missing.log', 'bus': 'car'}]}",
	    "missing.log");
	expect_start_error("{'buses': {" CAR ",\n'real': {'interface': "
	    "'socketcan', 'channel': 'nocan99'}}, "
	    "'loggers': [{'file': '%/rec.log'}]}", "t.json:2:1: buses.real: ");
	expect_start_error("{'buses': {" CAR "}, "
	    "'loggers': [{'file': '%/no/rec.log'}]}", "loggers[0]: ");
	/* Nothing was emptied. */
	file = fopen(in_dir("rec.log"), "r");
	assert_int_equal(fgetc(file), 'p');
	fclose(file);
}

static void
test_stop_without_start(void **state)
{
	struct watch watch;

	(void)state;
	make_new(&watch, "{'buses': {" CAR "}}");
	watch.free_at_stopped = true;
	assert_int_equal(evcan_gateway_stop(watch.gateway, on_stopped, &watch),
	    0);
	assert_int_equal(evcan_gateway_start(watch.gateway, NULL),
	    EVCAN_ERR_STATE);
	run_until(&watch.stopped);
	assert_null(watch.gateway);
}

#define PLAY "{'buses': {" CAR "}, " \
	"'loggers': [{'file': '%/rec.log'}], " \
	"'bridges': [{'from': 'powertrain', 'to': 'bench'}], " \
	"'players': [{'file': '%/drive.log', 'bus': 'car'}]}"

static void
test_free_in_callbacks(void **state)
{
	struct watch watch;

	(void)state;
	write_log(500, 10);
	start(&watch, PLAY);
	watch.free_at_played = true;
	run_until(&watch.played);
	assert_null(watch.gateway);
	start(&watch, PLAY);
	watch.free_at_event = true;
	run_until(&watch.events);
	assert_null(watch.gateway);
	start(&watch, PLAY);
	watch.free_at_stopped = true;
	stop(&watch);
	assert_null(watch.gateway);
}

static void
test_free_any_time(void **state)
{
	struct watch watch;

	(void)state;
	write_log(5000, 10);
	for (int i = 0; i < 20; i++) {
		start(&watch, PLAY);
		run_ms(i % 5);
		if (i % 2 == 0)
			evcan_gateway_stop(watch.gateway, on_stopped, &watch);
		if (i % 4 == 0)
			run_ms(i % 3);
		release(&watch);
		run_ms(1);
	}
}

static void
test_stop_while_playing(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;

	(void)state;
	write_log(20000, 500);
	start(&watch, PLAY);
	run_until_replayed(&watch, 1);
	stop(&watch);
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_in_range(totals.replayed, 1, 19999);
	assert_int_equal(totals.bridged, totals.replayed);
	/* By powertrain and by monitor. */
	assert_int_equal(totals.recorded, 2 * totals.replayed);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(watch.played, 0);
	assert_int_equal(watch.stop_error.code, 0);
	release(&watch);
}

#define LIVE "{'buses': {'a': {'interface': 'virtual', " \
	"'channel': 'gw-live'}}, 'loggers': [{'file': '%/live.log'}]}"

static struct evcan_bus *
open_peer(void)
{
	struct evcan_bus *peer = evcan_bus_new_spec(base, "virtual:gw-live",
	    NULL);

	assert_int_equal(evcan_bus_open(peer, NULL), 0);
	return peer;
}

/* Frames are with adapters and on the bus for a while. */
static void
test_late_frames_are_recorded(void **state)
{
	const struct evcan_frame frame = { .id = 1 };
	struct evcan_gateway_totals totals;
	struct evcan_bus *peer = open_peer();
	struct watch watch;

	(void)state;
	start(&watch, LIVE);
	assert_int_equal(evcan_gateway_stop(watch.gateway, on_stopped,
	    &watch), 0);
	run_ms(20);
	assert_int_equal(evcan_bus_send(peer, &frame, 1), 1);
	run_until(&watch.stopped);
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.recorded, 1);
	release(&watch);
	evcan_bus_free(peer);
}

/* Of a bus that never rests, too. */
static void
test_what_is_received_is_recorded(void **state)
{
	const struct evcan_frame frame = { .id = 1 };
	struct evcan_gateway_totals totals;
	struct evcan_bus *peer = open_peer();
	struct watch watch;

	(void)state;
	start(&watch, LIVE);
	assert_int_equal(evcan_gateway_stop(watch.gateway, on_stopped,
	    &watch), 0);
	for (unsigned i = 0; watch.stopped == 0; i++) {
		if (i % 16 == 0)
			evcan_bus_send(peer, &frame, 1);
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_true(totals.received > 0);
	assert_int_equal(totals.recorded, totals.received);
	release(&watch);
	evcan_bus_free(peer);
}

static struct evcan_gateway *
open_only(struct watch *watch, const char *format)
{
	struct evcan_gateway *gateway = make_new(watch, format);

	assert_int_equal(evcan_gateway_open(gateway, NULL), 0);
	assert_int_equal(evcan_gateway_open(gateway, NULL), 0);
	assert_true(evcan_bus_is_open(evcan_gateway_bus(gateway, 0)));
	return gateway;
}

/* Stopped, freed or started then. */
static void
test_open_first(void **state)
{
	struct evcan_gateway *gateway;
	struct evcan_error err = { 0 };
	struct watch watch;

	(void)state;
	gateway = open_only(&watch, LIVE);
	stop(&watch);
	assert_false(evcan_bus_is_open(evcan_gateway_bus(gateway, 0)));
	assert_int_equal(watch.stop_error.code, 0);
	assert_int_equal(access(in_dir("live.log"), F_OK), -1);
	assert_int_equal(evcan_gateway_start(gateway, &err), EVCAN_ERR_STATE);
	assert_int_equal(evcan_gateway_open(gateway, NULL), EVCAN_ERR_STATE);
	release(&watch);
	open_only(&watch, LIVE);
	release(&watch);
	gateway = open_only(&watch, LIVE);
	run_ms(5);
	assert_int_equal(access(in_dir("live.log"), F_OK), -1);
	assert_int_equal(evcan_gateway_start(gateway, NULL), 0);
	assert_int_equal(evcan_gateway_open(gateway, NULL), EVCAN_ERR_STATE);
	stop(&watch);
	assert_int_equal(access(in_dir("live.log"), F_OK), 0);
	release(&watch);
}

/* A disk that is full stops nothing but its log. */
static void
test_disk_full(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;

	(void)state;
	write_log(2000, 10);
	start(&watch, "{'buses': {" CAR "}, "
	    "'loggers': [{'file': '/dev/full', 'format': 'candump', "
	    "  'buses': ['powertrain'], 'flush_interval': 0.01, "
	    "  'close_timeout': 0.3}, "
	    "  {'file': '%/rec.log', 'buses': ['powertrain']}], "
	    "'bridges': [{'from': 'powertrain', 'to': 'bench'}], "
	    "'players': [{'file': '%/drive.log', 'bus': 'car'}]}");
	run_until(&watch.played);
	for (int i = 0; i < 400 && watch.what[0] == '\0'; i++)
		run_ms(5);
	assert_string_equal(watch.what, "error");
	assert_non_null(strstr(watch.text, "/dev/full"));
	stop(&watch);
	assert_non_null(strstr(watch.stop_error.text, "/dev/full"));
	assert_non_null(strstr(watch.stop_error.text, "2000"));
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.replayed, 2000);
	assert_int_equal(totals.bridged, 2000);
	assert_int_equal(totals.lost, 2000);
	release(&watch);
	assert_int_equal(count_lines("rec.log"), 2000);
}

static unsigned
count_any_lines(const char *name)
{
	FILE *file = fopen(in_dir(name), "r");
	unsigned n = 0;
	int c;

	if (file == NULL)
		return 0;
	while ((c = fgetc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

static void
test_logger_filters(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;

	(void)state;
	write_log(0x800, 10);
	start(&watch, "{'buses': {" CAR "}, 'loggers': [{'file': '%/rec.log', "
	    "'filters': [{'can_id': '0x100', 'can_mask': '0x700'}]}], "
	    "'players': [{'file': '%/drive.log', 'bus': 'car', 'loop': 2}]}");
	run_until(&watch.played);
	stop(&watch);
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.replayed, 0x1000);
	assert_int_equal(totals.recorded, 0x200);
	assert_int_equal(totals.lost, 0);
	release(&watch);
	assert_int_equal(count_any_lines("rec.log"), 0x200);
}

static void
test_reopen(void **state)
{
	struct watch watch;
	char old[100];

	(void)state;
	write_log(1000, 1000);
	start(&watch, "{'buses': {" CAR "}, 'loggers': [{'file': '%/rec.log', "
	    "'buses': ['powertrain']}], "
	    "'players': [{'file': '%/drive.log', 'bus': 'car'}]}");
	run_until_replayed(&watch, 1);
	strcpy(old, in_dir("old.log"));
	assert_int_equal(rename(in_dir("rec.log"), old), 0);
	evcan_gateway_reopen_logs(watch.gateway);
	run_until(&watch.played);
	stop(&watch);
	assert_int_equal(watch.stop_error.code, 0);
	release(&watch);
	assert_true(count_any_lines("rec.log") > 0);
	assert_int_equal(count_any_lines("old.log") +
	    count_any_lines("rec.log"), 1000);
}

static void
test_endless_player(void **state)
{
	struct watch watch;
	struct evcan_gateway_totals totals;

	(void)state;
	write_log(10, 100);
	start(&watch, "{'buses': {" CAR "}, 'players': ["
	    "{'file': '%/drive.log', 'bus': 'car', 'loop': true}, "
	    "{'file': '%/drive.log', 'bus': 'bench'}]}");
	run_until_replayed(&watch, 50);
	assert_int_equal(watch.played, 0);
	stop(&watch);
	evcan_gateway_get_totals(watch.gateway, &totals);
	assert_int_equal(totals.lost, 0);
	release(&watch);
}

/* Each allocation of making and starting one fails in turn: a clean error,
 * nothing left open. Some are done without. */
static void
test_allocations(void **state)
{
	struct evcan_error err;
	char text[1500];
	struct evcan_gateway *gateway;
	bool failed = true;
	int len, r;

	(void)state;
	if (!alloc_fail_works())
		may_skip("linked without the wraps of alloc_fail.h");
	write_log(10, 10);
	len = snprintf(text, sizeof(text),
	    "{\"buses\": {\"a\": {\"interface\": \"virtual\", "
	    "\"channel\": \"gw-oom\", \"filters\": \"1:1\"}, "
	    "\"b\": {\"interface\": \"virtual\", \"channel\": \"gw-oom2\"}}, "
	    "\"loggers\": [{\"buses\": [\"a\"], \"file\": \"%s/rec.log\", "
	    "\"filters\": [{\"can_id\": 1, \"can_mask\": 1}]}], "
	    "\"bridges\": [{\"from\": \"a\", \"to\": \"b\", "
	    "\"both_ways\": true, \"filters\": \"1:1\"}], "
	    "\"cyclic\": [{\"bus\": \"a\", \"frames\": [\"1#00\", "
	    "\"1#01\"], \"period\": 1, \"modifiers\": [{\"type\": "
	    "\"counter\", \"byte\": 0}, \"sum:byte=0\"]}], "
	    "\"players\": [{\"files\": [\"%s/drive.log\", "
	    "\"%s/drive.log\"], \"map\": {\"can0\": \"a\", "
	    "\"can1\": null}, \"filters\": \"1:1\", "
	    "\"loop\": true}]}", dir, dir, dir);
	for (long n = 1; failed; n++) {
		evcan_error_clear(&err);
		alloc_fail_start(n);
		gateway = evcan_gateway_new_text(base, text, (size_t)len,
		    "t.json", &err);
		r = gateway == NULL ? err.code :
		    evcan_gateway_start(gateway, &err);
		failed = alloc_fail_stop();
		if (r < 0)
			assert_true(strlen(err.text) > 0);
		else
			assert_int_equal(err.code, 0);
		assert_true(r < 0 || n > 1);
		evcan_gateway_free(gateway);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_documents),
		TEST(test_files_of_documents),
		TEST(test_demo),
		TEST(test_check_opens_nothing),
		TEST(test_start_fails),
		TEST(test_stop_without_start),
		TEST(test_free_in_callbacks),
		TEST(test_free_any_time),
		TEST(test_stop_while_playing),
		TEST(test_late_frames_are_recorded),
		TEST(test_what_is_received_is_recorded),
		TEST(test_open_first),
		TEST(test_disk_full),
		TEST(test_logger_filters),
		TEST(test_reopen),
		TEST(test_endless_player),
		TEST(test_allocations)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_player_map.c - a log's channels on buses of their own */
#include "player_fixture.h"

#define BUSES 3
#define MANY 60000

/* What came on each bus; the fixture's own is the first. */
static struct evcan_bus *to[BUSES], *from[BUSES];
static uint32_t ids[BUSES][MANY];
static size_t came[BUSES];

static void
on_bus(struct evcan_bus *which, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	size_t i = (size_t)((struct evcan_bus **)arg - from);

	(void)which;
	for (size_t k = 0; k < n && came[i] < MANY; k++)
		ids[i][came[i]++] = frames[k].id;
}

static int
setup_buses(void **state)
{
	static const char *const names[] = { "virtual:map0", "virtual:map1",
		"virtual:map2" };
	int r = setup(state);

	for (int i = 0; i < BUSES; i++) {
		char spec[64];

		snprintf(spec, sizeof(spec), "%s,tx_queue_size=300",
		    names[i]);
		to[i] = open_bus(base, spec);
		snprintf(spec, sizeof(spec), "%s,rx_queue_size=1000",
		    names[i]);
		from[i] = open_bus(base, spec);
		evcan_bus_set_cb(from[i], on_bus, NULL, &from[i]);
		came[i] = 0;
	}
	evcan_bus_free(bus);
	bus = to[0];
	return r;
}

static int
teardown_buses(void **state)
{
	for (int i = 0; i < BUSES; i++) {
		if (to[i] != bus)
			evcan_bus_free(to[i]);
		evcan_bus_free(from[i]);
	}
	return teardown(state);
}

static void
start(struct evcan_player *player)
{
	started = evcan_now_monotonic();
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
}

static void
test_map(void **state)
{
	struct evcan_player *player;
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 001#\n(1.0) can1 002#\n(1.0) can2 003#\n"
	    "(1.0) can3 004#\n(1.01) can1 005#\n(1.01) can0 006#\n");
	player = make(NULL);
	assert_int_equal(evcan_player_map(player, "can1", to[2], NULL), 0);
	assert_int_equal(evcan_player_map(player, "can1", to[1], NULL), 0);
	assert_int_equal(evcan_player_map(player, "can2", NULL, NULL), 0);
	start(player);
	run_to_end();
	assert_int_equal(came[0], 3);
	assert_int_equal(came[1], 2);
	assert_int_equal(came[2], 0);
	assert_int_equal(ids[0][0], 1);
	assert_int_equal(ids[0][1], 4);
	assert_int_equal(ids[0][2], 6);
	assert_int_equal(ids[1][0], 2);
	assert_int_equal(ids[1][1], 5);
	evcan_player_get_stats(player, &stats);
	assert_int_equal(stats.sent, 5);
	assert_int_equal(stats.passed_over, 1);
	evcan_player_free(player);
}

static void
test_fallback(void **state)
{
	struct evcan_player *player;

	(void)state;
	write_log("(1.0) can0 001#\n(1.0) can1 002#\n(1.0) can2 003#\n");
	player = make(NULL);
	assert_int_equal(evcan_player_map(player, NULL, NULL, NULL), 0);
	assert_int_equal(evcan_player_map(player, "can2", to[2], NULL), 0);
	start(player);
	run_to_end();
	assert_int_equal(came[0], 0);
	assert_int_equal(came[2], 1);
	assert_int_equal(ids[2][0], 3);
	assert_int_equal(evcan_player_map(player, NULL, to[1], NULL), 0);
	done = 0;
	start(player);
	run_to_end();
	assert_int_equal(came[1], 2);
	assert_int_equal(came[2], 2);
	evcan_player_free(player);
}

/* Alternating, all due at once, through small queues: each bus has all of
 * its own, in order. */
static void
test_order(void **state)
{
	struct evcan_player *player;
	struct evcan_player_stats stats;
	uint32_t next[BUSES] = { 0 };
	FILE *file = fopen(path, "w");

	(void)state;
	srand(7);
	for (int i = 0; i < MANY; i++) {
		int k = rand() % BUSES;

		fprintf(file, "(1.0) can%d %08X#\n", k, next[k]++);
	}
	fclose(file);
	player = make(NULL);
	assert_int_equal(evcan_player_map(player, "can1", to[1], NULL), 0);
	assert_int_equal(evcan_player_map(player, "can2", to[2], NULL), 0);
	start(player);
	run_to_end();
	evcan_player_get_stats(player, &stats);
	assert_int_equal(stats.sent, MANY);
	for (size_t k = 0; k < BUSES; k++) {
		struct evcan_bus_stats bus_stats;

		assert_int_equal(came[k], next[k]);
		for (uint32_t i = 0; i < next[k]; i++)
			assert_int_equal(ids[k][i], i);
		evcan_bus_get_stats(to[k], &bus_stats);
		assert_int_equal(bus_stats.send_refused, 0);
	}
	evcan_player_free(player);
}

/* A bus without room holds all others; nothing is lost. */
static void
test_full_holds_all(void **state)
{
	struct evcan_player *player;
	struct evcan_player_stats stats;
	struct evcan_bus_stats bus_stats;
	FILE *file = fopen(path, "w");

	(void)state;
	evcan_bus_free(to[1]);
	evcan_bus_free(from[1]);
	to[1] = open_bus(base, "virtual:map1,tx_queue_size=10");
	from[1] = open_bus(base,
	    "virtual:map1,rx_queue_size=10,rx_patience=3600");
	for (int i = 0; i < 10000; i++)
		fprintf(file, "(1.0) can%d %08X#\n", i % 2, i / 2);
	fclose(file);
	player = make(NULL);
	assert_int_equal(evcan_player_map(player, "can1", to[1], NULL), 0);
	start(player);
	do {
		run_ms(5);
		evcan_player_get_stats(player, &stats);
	} while (stats.flow_stops == 0);
	run_ms(50);
	assert_int_equal(done, 0);
	/* Nobody reads bus 1: bus 0 is at most a batch ahead. */
	assert_true(came[0] <= 300);
	/* Looking on changes nothing. */
	evcan_player_pause(player);
	evcan_player_resume(player);
	run_ms(20);
	assert_true(came[0] <= 300);
	evcan_bus_set_cb(from[1], on_bus, NULL, &from[1]);
	run_to_end();
	for (int k = 0; k < 2; k++) {
		assert_int_equal(came[k], 5000);
		for (uint32_t i = 0; i < 5000; i++)
			assert_int_equal(ids[k][i], i);
	}
	evcan_player_get_stats(player, &stats);
	assert_int_equal(stats.sent, 10000);
	evcan_bus_get_stats(to[1], &bus_stats);
	assert_int_equal(bus_stats.send_refused, 0);
	evcan_player_free(player);
}

/* A bus that refuses for good costs only its own frames. */
static void
test_refused(void **state)
{
	struct evcan_player *player;
	struct evcan_player_stats stats;

	(void)state;
	evcan_bus_free(to[1]);
	to[1] = open_bus(base, "virtual:map1,state=PASSIVE");
	write_log("(1.0) can0 001#\n(1.0) can1 002#\n(1.0) can0 003#\n"
	    "(1.0) can1 004#\n(1.0) can0 005#\n");
	player = make(NULL);
	assert_int_equal(evcan_player_map(player, "can1", to[1], NULL), 0);
	start(player);
	run_to_end();
	evcan_player_get_stats(player, &stats);
	assert_int_equal(stats.refused, 2);
	assert_int_equal(stats.sent, 3);
	assert_int_equal(came[0], 3);
	assert_int_equal(ids[0][2], 5);
	evcan_player_free(player);
}

static void
test_closed(void **state)
{
	struct evcan_player *player;

	(void)state;
	write_log("(1.0) can0 001#\n(1.0) can1 002#\n(1.0) can0 003#\n");
	evcan_bus_close(to[1]);
	run_ms(5);
	player = make(NULL);
	assert_int_equal(evcan_player_map(player, "can1", to[1], NULL), 0);
	start(player);
	run_to_end();
	assert_int_equal(done_error.code, EVCAN_ERR_STATE);
	assert_non_null(strstr(done_error.text, "map1"));
	evcan_player_free(player);
}

static struct evcan_frame shown[16];
static size_t n_shown;

static void
on_shown(struct evcan_bus *none, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)arg;
	assert_null(none);
	for (size_t i = 0; i < n && n_shown < 16; i++)
		shown[n_shown++] = frames[i];
}

/* In the order of the log, each with the bus that it went to. */
static void
test_monitor(void **state)
{
	struct evcan_listener *eye = evcan_listener_new_cb(on_shown, NULL);
	struct evcan_player *player;

	(void)state;
	n_shown = 0;
	write_log("(1.0) can1 001#\n(1.0) can0 002#\n(1.0) can1 003#\n");
	player = make(NULL);
	assert_int_equal(evcan_player_map(player, "can1", to[1], NULL), 0);
	evcan_player_set_monitor(player, eye);
	start(player);
	run_to_end();
	assert_int_equal(n_shown, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(shown[i].id, i + 1);
		assert_int_equal(shown[i].time_ns, 1000 * (int64_t)MS);
		assert_int_equal(shown[i].channel,
		    evcan_bus_channel_index(to[i != 1]));
	}
	evcan_player_free(player);
	evcan_listener_free(eye);
}

static void
test_wrong(void **state)
{
	static const char *const pairs[] = { "loop=0", NULL };
	struct event_base *another = event_base_new();
	struct evcan_bus *stranger = evcan_bus_new_spec(another,
	    "virtual:map1", NULL);
	struct evcan_player *player;
	struct evcan_error err = { 0 };

	(void)state;
	write_log("(1.0) can0 001#\n(1.1) can0 001#\n");
	player = make(pairs);
	assert_int_equal(evcan_player_map(player, "can1", stranger, &err),
	    EVCAN_ERR_INVALID);
	assert_non_null(strstr(err.text, "event_base"));
	assert_int_equal(evcan_player_map(player, "", to[1], &err),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_player_map(player, "a\nb", to[1], &err),
	    EVCAN_ERR_INVALID);
	start(player);
	assert_int_equal(evcan_player_map(player, "can0", to[1], &err),
	    EVCAN_ERR_STATE);
	evcan_player_free(player);
	evcan_bus_free(stranger);
	event_base_free(another);
}

#define TEST_BUSES(name) \
	cmocka_unit_test_setup_teardown(name, setup_buses, teardown_buses)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BUSES(test_map),
		TEST_BUSES(test_fallback),
		TEST_BUSES(test_order),
		TEST_BUSES(test_full_holds_all),
		TEST_BUSES(test_refused),
		TEST_BUSES(test_closed),
		TEST_BUSES(test_monitor),
		TEST_BUSES(test_wrong)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

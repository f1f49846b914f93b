/* SPDX-License-Identifier: BSD-3-Clause */
/* test_player.c - a log's frames in their own time */
#include "player_fixture.h"

static void
test_own_time(void **state)
{
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1700000000.000000) can0 101#01\n"
	    "(1700000000.050000) can0 102#02\n"
	    "(1700000000.050000) can0 103#03\n"
	    "(1700000000.150000) can1 12345678#04\n");
	play(NULL, &stats);
	assert_int_equal(n_seen, 4);
	assert_int_equal(done_error.code, 0);
	assert_int_equal(seen[0].id, 0x101);
	assert_int_equal(seen[3].id, 0x12345678);
	assert_int_equal(seen[3].channel, evcan_bus_channel_index(peer));
	expect_at(1, 50);
	expect_at(3, 150);
	assert_int_equal(stats.sent, 4);
	assert_int_equal(stats.rounds, 1);
}

static void
test_speed(void **state)
{
	static const char *const pairs[] = { "speed=10", NULL };
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 101#\n(2.0) can0 102#\n");
	play(pairs, &stats);
	expect_at(1, 100);
}

static void
test_skip(void **state)
{
	static const char *const pairs[] = { "skip=0.05", NULL };
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 001#\n(1000.0) can0 002#\n(1000.02) can0 003#\n"
	    "(90000.0) can0 004#\n");
	play(pairs, &stats);
	assert_int_equal(n_seen, 4);
	expect_at(1, 50);
	expect_at(2, 70);
	expect_at(3, 120);
}

static void
test_ignore_timestamps(void **state)
{
	static const char *const pairs[] = {
		"ignore_timestamps=true", "gap=0.04", NULL
	};
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 001#\n(1000.0) can0 002#\n(5.0) can0 003#\n");
	play(pairs, &stats);
	assert_int_equal(n_seen, 3);
	expect_at(1, 40);
	expect_at(2, 80);
}

static void
test_backwards(void **state)
{
	struct evcan_player_stats stats;

	(void)state;
	write_log("(100.0) can0 001#\n(50.0) can0 002#\n(99.9) can0 003#\n"
	    "(100.05) can0 004#\n");
	play(NULL, &stats);
	assert_int_equal(n_seen, 4);
	/* All in one batch, then the one that lies ahead. */
	assert_int_equal(seen_at[2], seen_at[0]);
	expect_at(3, 50);
}

static void
test_error_frames(void **state)
{
	static const char *const pairs[] = { "error_frames=true", NULL };
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 20000080#0000000000000000\n(1.0) can0 002#\n"
	    "(1.0) can0 20000080#0000000000000000\n");
	play(NULL, &stats);
	assert_int_equal(n_seen, 1);
	assert_int_equal(stats.passed_over, 2);
	assert_int_equal(stats.read, 3);
	done = 0;
	n_seen = 0;
	play(pairs, &stats);
	assert_int_equal(stats.passed_over, 0);
	assert_int_equal(stats.sent, 3);
}

static void
test_loop(void **state)
{
	static const char *const pairs[] = { "loop=3", NULL };
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 001#\n(1.02) can0 002#\n");
	play(pairs, &stats);
	assert_int_equal(n_seen, 6);
	assert_int_equal(stats.rounds, 3);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(seen[i].id, 1 + i % 2);
	expect_at(1, 20);
	expect_at(5, 60);
}

static void
test_for_ever(void **state)
{
	static const char *const pairs[] = { "loop=0", NULL };
	struct evcan_player *player;
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 001#\n(1.001) can0 002#\n");
	player = make(pairs);
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
	do {
		run_ms(5);
		evcan_player_get_stats(player, &stats);
	} while (stats.rounds <= 5);
	evcan_player_stop(player);
	run_ms(10);
	evcan_player_get_stats(player, &stats);
	n_seen = 0;
	run_ms(10);
	assert_int_equal(n_seen, 0);
	assert_int_equal(done, 0);
	/* From the start again. */
	assert_int_equal(evcan_player_start(player, NULL, NULL), 0);
	while (n_seen == 0)
		run_ms(5);
	assert_int_equal(seen[0].id, 1);
	evcan_player_free(player);
}

/* Neither a log without frames nor one of which none is sent may spin. */
static void
test_nothing_to_send(void **state)
{
	static const char *const pairs[] = { "loop=0", NULL };
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 20000080#0000000000000000\n");
	play(pairs, &stats);
	assert_int_equal(stats.rounds, 1);
	assert_int_equal(stats.sent, 0);
}

static void
test_faulty_lines(void **state)
{
	struct evcan_player *player;
	struct evcan_log_read_stats stats;

	(void)state;
	write_log("(1.0) can0 001#\nrubbish\n(1.0) can0 002#\n");
	player = make(NULL);
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
	run_to_end();
	evcan_player_get_log_stats(player, &stats);
	assert_int_equal(n_seen, 2);
	assert_int_equal(stats.frames, 2);
	assert_int_equal(stats.errors, 1);
	assert_int_equal(done_error.code, 0);
	evcan_player_free(player);
}

static void
test_again(void **state)
{
	struct evcan_player *player;

	(void)state;
	write_log("(1.0) can0 001#\n(1.0) can0 002#\n");
	player = make(NULL);
	for (size_t i = 1; i <= 3; i++) {
		done = 0;
		assert_int_equal(evcan_player_start(player, on_done, NULL),
		    0);
		run_to_end();
		assert_int_equal(n_seen, 2 * i);
	}
	evcan_player_free(player);
}

/* 100,000 frames through a small transmit queue: all, in order. */
static void
test_flow_control(void **state)
{
	struct evcan_player_stats stats;
	struct evcan_bus_stats bus_stats;
	FILE *file = fopen(path, "w");

	(void)state;
	evcan_bus_free(bus);
	bus = open_bus(base, "virtual:player,tx_queue_size=10");
	for (unsigned i = 0; i < 100000; i++)
		fprintf(file, "(1.%06u) can0 %08X#\n", i / 10, i);
	fclose(file);
	play(NULL, &stats);
	assert_int_equal(stats.sent, 100000);
	assert_int_equal(n_seen, 100000);
	for (size_t i = 0; i < MAX_SEEN; i++)
		assert_int_equal(seen[i].id, i);
	evcan_bus_get_stats(bus, &bus_stats);
	assert_int_equal(bus_stats.send_refused, 0);
	assert_int_equal(bus_stats.send_failed, 0);
}

static void
test_refused(void **state)
{
	struct evcan_player_stats stats;

	(void)state;
	evcan_bus_free(bus);
	bus = open_bus(base, "virtual:player,state=PASSIVE");
	write_log("(1.0) can0 001#\n(1.0) can0 002#\n");
	play(NULL, &stats);
	assert_int_equal(stats.refused, 2);
	assert_int_equal(stats.sent, 0);
}

static void
test_bus_not_open(void **state)
{
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.0) can0 001#\n");
	evcan_bus_close(bus);
	run_ms(5);
	play(NULL, &stats);
	assert_int_equal(done_error.code, EVCAN_ERR_STATE);
}

static void
test_wrong(void **state)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_bus *plain;

	(void)state;
	assert_null(evcan_player_new(bus, "/nowhere/x.log", NULL, &err));
	assert_non_null(strstr(err.text, "/nowhere/x.log"));
	write_log("(1.0) can0 001#\n");
	evcan_options_set(options, "speed", "0", NULL);
	evcan_error_clear(&err);
	assert_null(evcan_player_new(bus, path, options, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_options_unset(options, "speed");
	evcan_options_set(options, "sped", "1", NULL);
	evcan_error_clear(&err);
	assert_null(evcan_player_new(bus, path, options, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_options_free(options);
	plain = evcan_bus_new_spec(NULL, "virtual:player", NULL);
	evcan_error_clear(&err);
	assert_null(evcan_player_new(plain, path, NULL, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_bus_free(plain);
	evcan_player_free(NULL);
}

static struct evcan_player *doomed;

static void
free_it(struct evcan_player *player, const struct evcan_error *err, void *arg)
{
	(void)arg;
	assert_null(err);
	evcan_player_free(player);
	doomed = NULL;
}

static void
free_at_frame(struct evcan_bus *from, const struct evcan_frame *frames,
    size_t n, void *arg)
{
	(void)arg;
	assert_null(from);
	assert_true(n > 0);
	assert_int_equal(frames[0].id, 1);
	evcan_player_free(doomed);
	doomed = NULL;
}

static void
test_free_in_callbacks(void **state)
{
	struct evcan_listener *eye = evcan_listener_new_cb(free_at_frame,
	    NULL);

	(void)state;
	write_log("(1.0) can0 001#\n(1.5) can0 002#\n");
	doomed = make(NULL);
	evcan_player_set_monitor(doomed, eye);
	evcan_player_start(doomed, on_done, NULL);
	for (int i = 0; i < 1000 && doomed != NULL; i++)
		run_ms(1);
	assert_null(doomed);
	assert_int_equal(done, 0);
	write_log("(1.0) can0 001#\n");
	doomed = make(NULL);
	evcan_player_start(doomed, free_it, NULL);
	for (int i = 0; i < 1000 && doomed != NULL; i++)
		run_ms(1);
	assert_null(doomed);
	evcan_listener_free(eye);
}

/* Freed at any moment, with its thread anywhere. */
static void
test_free_any_time(void **state)
{
	FILE *file = fopen(path, "w");

	(void)state;
	for (unsigned i = 0; i < 20000; i++)
		fprintf(file, "(1.%06u) can0 %08X#\n", i, i);
	fclose(file);
	for (int i = 0; i < 30; i++) {
		struct evcan_player *player = make(NULL);

		evcan_player_start(player, on_done, NULL);
		run_ms(i % 4);
		if (i % 3 == 0) {
			evcan_player_stop(player);
			evcan_player_start(player, on_done, NULL);
		}
		evcan_player_free(player);
	}
	assert_int_equal(done, 0);
}

/* A log that stands still, here a pipe, holds neither the loop nor a free. */
static void
test_stalled_log(void **state)
{
	struct evcan_player *player;
	struct evcan_error err = { 0 };
	char name[64];
	static const char text[] = "(1.0) can0 001#\n";
	int fds[2];
	int64_t before;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	player = evcan_player_new(bus, name, NULL, &err);
	if (player == NULL)
		fail_msg("%s", err.text);
	evcan_player_start(player, on_done, NULL);
	while (n_seen == 0)
		run_ms(5);
	run_ms(20);
	assert_int_equal(done, 0);
	assert_int_equal(n_seen, 1);
	before = evcan_now_monotonic();
	evcan_player_free(player);
	assert_true(evcan_now_monotonic() - before < 5000 * (int64_t)MS);
	close(fds[1]);
	run_ms(50);
	close(fds[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own_time),
		TEST(test_speed),
		TEST(test_skip),
		TEST(test_ignore_timestamps),
		TEST(test_backwards),
		TEST(test_error_frames),
		TEST(test_loop),
		TEST(test_for_ever),
		TEST(test_nothing_to_send),
		TEST(test_faulty_lines),
		TEST(test_again),
		TEST(test_flow_control),
		TEST(test_refused),
		TEST(test_bus_not_open),
		TEST(test_wrong),
		TEST(test_free_in_callbacks),
		TEST(test_free_any_time),
		TEST(test_stalled_log)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

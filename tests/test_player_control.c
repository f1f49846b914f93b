/* SPDX-License-Identifier: BSD-3-Clause */
/* test_player_control.c - pause, step, speed, position, timing */
#include <math.h>

#include "player_fixture.h"

static struct evcan_player *player;
static struct evcan_listener *eye;
static void (*at_frame)(const struct evcan_frame *frame);
static int64_t called;      /* just behind what at_frame did */

static void
on_shown(struct evcan_bus *none, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)none;
	(void)arg;
	for (size_t i = 0; i < n && at_frame != NULL; i++)
		at_frame(&frames[i]);
	called = evcan_now_monotonic();
}

static int
setup_control(void **state)
{
	at_frame = NULL;
	player = NULL;
	eye = evcan_listener_new_cb(on_shown, NULL);
	return setup(state);
}

static int
teardown_control(void **state)
{
	evcan_player_free(player);
	evcan_listener_free(eye);
	return teardown(state);
}

static void
start(const char *const *pairs, void (*cb)(const struct evcan_frame *frame))
{
	player = make(pairs);
	at_frame = cb;
	evcan_player_set_monitor(player, eye);
	started = evcan_now_monotonic();
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
}

static void
wait_for(size_t n)
{
	for (int i = 0; i < 10000 && n_seen < n; i++)
		run_ms(1);
	assert_true(n_seen >= n);
}

/* Pausing */

static void
pause_at_1(const struct evcan_frame *frame)
{
	if (frame->id == 1)
		evcan_player_pause(player);
}

/* On a busy machine more than one frame may go before the pause. */
static void
test_pause(void **state)
{
	int64_t paused, resumed;
	size_t before;

	(void)state;
	write_log("(1.00) can0 001#\n(1.10) can0 002#\n(1.20) can0 003#\n");
	start(NULL, pause_at_1);
	assert_false(evcan_player_paused(player));
	wait_for(1);
	run_ms(5);
	before = n_seen;
	paused = called;
	assert_true(evcan_player_paused(player));
	run_ms(250);
	assert_int_equal(n_seen, before);
	evcan_player_pause(player);
	resumed = evcan_now_monotonic();
	evcan_player_resume(player);
	evcan_player_resume(player);
	assert_false(evcan_player_paused(player));
	run_to_end();
	assert_int_equal(n_seen, 3);
	/* All that time the schedule stood still. */
	for (size_t i = before; i < 3; i++)
		assert_true(seen_at[i] - started >= (int64_t)i * 100 * MS +
		    resumed - paused);
	/* Nothing to pause. */
	evcan_player_pause(player);
	assert_false(evcan_player_paused(player));
}

/* More frames than are taken in at once. */
static void
write_many(unsigned n, unsigned apart_us)
{
	FILE *file = fopen(path, "w");

	for (unsigned i = 0; i < n; i++)
		fprintf(file, "(%u.%06u) can0 %08X#\n",
		    1 + i * apart_us / 1000000, i * apart_us % 1000000,
		    i + 1);
	fclose(file);
}

static void
test_pause_many(void **state)
{
	int64_t stood;

	(void)state;
	write_many(1000, 100);
	start(NULL, pause_at_1);
	wait_for(1);
	stood = called;
	run_ms(100);
	stood = evcan_now_monotonic() - stood;
	evcan_player_resume(player);
	run_to_end();
	assert_int_equal(n_seen, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(seen[i].id, i + 1);
	/* A batch may have gone before the pause. */
	for (size_t i = 256; i < 1000; i++)
		assert_true(seen_at[i] - started >= (int64_t)i * 100000 +
		    stood);
}

static void
test_start_paused(void **state)
{
	static const char *const pairs[] = { "paused=true", NULL };

	(void)state;
	write_log("(1.00) can0 001#\n(1.02) can0 002#\n");
	start(pairs, NULL);
	assert_true(evcan_player_playing(player));
	assert_true(evcan_player_paused(player));
	run_ms(50);
	assert_int_equal(n_seen, 0);
	started = evcan_now_monotonic();
	evcan_player_resume(player);
	run_to_end();
	expect_at(1, 20);
	/* Each start is. */
	done = 0;
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
	assert_true(evcan_player_paused(player));
	evcan_player_stop(player);
	assert_false(evcan_player_paused(player));
}

/* Stopped and begun anew while it was paused. */
static void
test_stop_paused(void **state)
{
	(void)state;
	write_log("(1.00) can0 001#\n(1.02) can0 002#\n(1.03) can0 003#\n");
	start(NULL, pause_at_1);
	wait_for(1);
	evcan_player_stop(player);
	run_ms(5);
	assert_int_equal(evcan_player_step(player, 1), EVCAN_ERR_STATE);
	at_frame = NULL;
	n_seen = 0;
	started = evcan_now_monotonic();
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
	run_to_end();
	assert_int_equal(n_seen, 3);
	expect_at(2, 30);
}

/* Stepping */

static void
test_step(void **state)
{
	static const char *const pairs[] = { "paused=true", NULL };
	struct evcan_player_stats stats;

	(void)state;
	write_log("(1.00) can0 001#\n(101.0) can0 002#\n"
	    "(150.0) can0 20000080#0000000000000000\n(201.0) can0 003#\n"
	    "(201.03) can0 004#\n(201.06) can0 005#\n");
	start(pairs, NULL);
	run_ms(20);
	assert_int_equal(evcan_player_step(player, 2), 0);
	wait_for(2);
	run_ms(20);
	assert_int_equal(n_seen, 2);
	assert_int_equal(evcan_player_position(player), 100000 * (int64_t)MS);
	assert_int_equal(evcan_player_step(player, 1), 0);
	wait_for(3);
	assert_int_equal(seen[2].id, 3);
	assert_int_equal(evcan_player_position(player), 200000 * (int64_t)MS);
	run_ms(50);
	assert_int_equal(n_seen, 3);
	/* On from there. */
	started = evcan_now_monotonic();
	evcan_player_resume(player);
	run_to_end();
	assert_int_equal(n_seen, 5);
	expect_at(3, 30);
	expect_at(4, 60);
	evcan_player_get_stats(player, &stats);
	assert_int_equal(stats.sent, 5);
	assert_int_equal(stats.passed_over, 1);
}

static void
step_on(const struct evcan_frame *frame)
{
	if (frame->id < 4)
		assert_int_equal(evcan_player_step(player, 1), 0);
}

/* A step is legal in the call-back, and pauses what plays. */
static void
test_step_in_callback(void **state)
{
	(void)state;
	write_log("(1.0) can0 001#\n(101.0) can0 002#\n(201.0) can0 003#\n"
	    "(301.0) can0 004#\n(401.0) can0 005#\n");
	start(NULL, step_on);
	wait_for(4);
	run_ms(30);
	assert_int_equal(n_seen, 4);
	assert_true(evcan_player_paused(player));
	/* More than there are: the end. */
	assert_int_equal(evcan_player_step(player, SIZE_MAX), 0);
	assert_int_equal(evcan_player_step(player, SIZE_MAX), 0);
	run_to_end();
	assert_int_equal(n_seen, 5);
}

/* Through a queue of one frame, on and on through the rounds. */
static void
test_step_many(void **state)
{
	static const char *const pairs[] = { "paused=true", "loop=0", NULL };
	FILE *file = fopen(path, "w");

	(void)state;
	evcan_bus_free(bus);
	bus = open_bus(base, "virtual:player,tx_queue_size=1");
	for (unsigned i = 0; i < 500; i++)
		fprintf(file, "(%u.0) can0 %08X#\n", i + 1, i);
	fclose(file);
	start(pairs, NULL);
	assert_int_equal(evcan_player_step(player, 1700), 0);
	wait_for(1700);
	run_ms(20);
	assert_int_equal(n_seen, 1700);
	for (size_t i = 0; i < 1700; i++)
		assert_int_equal(seen[i].id, i % 500);
}

/* Speed */

static void
faster_at_1(const struct evcan_frame *frame)
{
	if (frame->id == 1)
		assert_int_equal(evcan_player_set_speed(player, 1000), 0);
}

static void
test_faster(void **state)
{
	(void)state;
	write_log("(1.0) can0 001#\n(101.0) can0 002#\n(121.0) can0 003#\n");
	start(NULL, faster_at_1);
	run_to_end();
	assert_true(evcan_player_get_speed(player) == 1000);
	expect_at(1, 100);
	expect_at(2, 120);
}

static void
test_faster_many(void **state)
{
	(void)state;
	write_many(2000, 500000);
	start(NULL, faster_at_1);
	run_to_end();
	assert_int_equal(n_seen, 2000);
	for (size_t i = 1; i < 2000; i++)
		assert_true(seen_at[i] - started >= (int64_t)i * 500000);
}

static int64_t changed;

static void
slower_at_1(const struct evcan_frame *frame)
{
	if (frame->id != 1)
		return;
	assert_int_equal(evcan_player_set_speed(player, 0.5), 0);
	changed = evcan_now_monotonic();
}

static void
test_slower(void **state)
{
	(void)state;
	write_log("(1.00) can0 001#\n(1.06) can0 002#\n(1.07) can0 003#\n");
	start(NULL, slower_at_1);
	run_to_end();
	/* What was left at the change takes twice as long. */
	assert_true(seen_at[1] >= 2 * (started + 60 * MS) - changed);
	assert_true(seen_at[2] >= 2 * (started + 70 * MS) - changed);
	assert_true(seen_at[2] - seen_at[1] >= 0);
}

static void
test_wrong_speeds(void **state)
{
	static const double wrong[] = { 0, -1, 1e-7, 1.1e6, INFINITY, NAN };

	(void)state;
	write_log("(1.00) can0 001#\n(2.00) can0 002#\n");
	player = make(NULL);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(evcan_player_set_speed(player, wrong[i]),
		    EVCAN_ERR_INVALID);
	assert_true(evcan_player_get_speed(player) == 1);
	/* Before the start: from there on. */
	assert_int_equal(evcan_player_set_speed(player, 20), 0);
	started = evcan_now_monotonic();
	evcan_player_start(player, on_done, NULL);
	run_to_end();
	expect_at(1, 50);
}

/* Changed all the time: it never goes at more than twice the log's speed. */
static void
test_speed_often(void **state)
{
	(void)state;
	write_log("(1.00) can0 001#\n(1.20) can0 002#\n");
	start(NULL, NULL);
	wait_for(1);
	while (n_seen < 2) {
		for (int i = 0; i < 50; i++) {
			evcan_player_set_speed(player, 0.25);
			evcan_player_set_speed(player, 2);
		}
		run_ms(1);
	}
	assert_true(seen_at[1] - started >= 100 * MS);
	run_to_end();
}

/* Position */

static void
test_position(void **state)
{
	int64_t last = -1;

	(void)state;
	write_log("(1700000005.00) can0 001#\n(1700000005.10) can0 002#\n"
	    "(1700000005.15) can0 003#\n");
	start(NULL, NULL);
	assert_int_equal(evcan_player_position(player), 0);
	while (done == 0) {
		int64_t position = evcan_player_position(player);

		assert_true(position >= last && position <= 150 * MS);
		last = position;
		assert_true(position <= evcan_now_monotonic() - started);
		run_ms(2);
	}
	assert_int_equal(evcan_player_position(player), 150 * MS);
}

/* It is between the frames, too, and stands still in a pause. */
static void
test_position_between(void **state)
{
	int64_t position, resumed;

	(void)state;
	write_log("(1.0) can0 001#\n(1001.0) can0 002#\n");
	start(NULL, NULL);
	wait_for(1);
	while (evcan_player_position(player) < 30 * MS)
		run_ms(5);
	evcan_player_set_speed(player, 3);
	position = evcan_player_position(player);
	evcan_player_set_speed(player, 1000);
	assert_true(evcan_player_position(player) >= position);
	evcan_player_pause(player);
	position = evcan_player_position(player);
	run_ms(20);
	assert_int_equal(evcan_player_position(player), position);
	evcan_player_set_speed(player, 1);
	assert_int_equal(evcan_player_position(player), position);
	resumed = evcan_now_monotonic();
	evcan_player_resume(player);
	assert_true(evcan_player_position(player) >= position);
	run_ms(20);
	assert_true(evcan_player_position(player) >= position + 15 * MS);
	assert_true(evcan_player_position(player) - position <=
	    evcan_now_monotonic() - resumed);
}

/* Timing */

static void
test_timing(void **state)
{
	struct evcan_player_stats stats;
	FILE *file = fopen(path, "w");

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		fprintf(file, "(1.%06u) can0 %08X#\n", i * 50, i);
	fclose(file);
	start(NULL, NULL);
	run_to_end();
	evcan_player_get_stats(player, &stats);
	assert_int_equal(stats.sent, 2000);
	assert_true(stats.p50_late_ns > 0);
	assert_true(stats.p50_late_ns <= stats.p99_late_ns);
	assert_true(stats.p99_late_ns <= stats.worst_late_ns);
	assert_true(stats.late <= 2000);
	for (size_t i = 0; i < 2000; i++)
		assert_true(seen_at[i] - started >= (int64_t)i * 50000);
}

/* Freeing */

static void (*doom)(void);

static void
end_it(const struct evcan_frame *frame)
{
	if (frame->id == 2)
		doom();
}

static void
do_free(void)
{
	evcan_player_free(player);
	player = NULL;
}

static void
do_stop(void)
{
	evcan_player_stop(player);
}

static void
do_restart(void)
{
	at_frame = NULL;
	evcan_player_stop(player);
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
}

static void
test_end_in_callback(void **state)
{
	static void (*const dooms[])(void) = { do_free, do_stop, do_restart };
	static const size_t expected[] = { 2, 2, 4 };
	static const char *const pairs[] = { "paused=true", NULL };

	(void)state;
	write_log("(1.00) can0 001#\n(1.01) can0 002#\n(1000.0) can0 003#\n");
	for (int paused = 0; paused < 2; paused++) {
		for (size_t i = 0; i < 3; i++) {
			n_seen = 0;
			done = 0;
			doom = dooms[i];
			start(paused ? pairs : NULL, end_it);
			for (size_t n = 1; paused && n <= 2; n++) {
				evcan_player_step(player, 1);
				wait_for(n);
			}
			wait_for(2);
			if (paused && player != NULL)
				evcan_player_resume(player);
			wait_for(expected[i]);
			run_ms(10);
			assert_int_equal(n_seen, expected[i]);
			assert_int_equal(done, 0);
			evcan_player_free(player);
			player = NULL;
		}
	}
}

static int rounds_to_go;

static void
again(struct evcan_player *which, const struct evcan_error *err, void *arg)
{
	(void)arg;
	assert_null(err);
	done++;
	if (--rounds_to_go > 0)
		assert_int_equal(evcan_player_start(which, again, NULL), 0);
	else
		do_free();
}

static void
test_restart_when_done(void **state)
{
	(void)state;
	rounds_to_go = 5;
	write_log("(1.00) can0 001#\n(1.001) can0 002#\n");
	player = make(NULL);
	evcan_player_start(player, again, NULL);
	for (int i = 0; i < 5000 && player != NULL; i++)
		run_ms(1);
	run_ms(5);
	assert_null(player);
	assert_int_equal(n_seen, 10);
}

#define CONTROL(name) \
	cmocka_unit_test_setup_teardown(name, setup_control, teardown_control)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONTROL(test_pause),
		CONTROL(test_pause_many),
		CONTROL(test_start_paused),
		CONTROL(test_stop_paused),
		CONTROL(test_step),
		CONTROL(test_step_in_callback),
		CONTROL(test_step_many),
		CONTROL(test_faster),
		CONTROL(test_faster_many),
		CONTROL(test_slower),
		CONTROL(test_wrong_speeds),
		CONTROL(test_speed_often),
		CONTROL(test_position),
		CONTROL(test_position_between),
		CONTROL(test_timing),
		CONTROL(test_end_in_callback),
		CONTROL(test_restart_when_done)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

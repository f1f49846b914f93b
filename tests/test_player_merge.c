/* SPDX-License-Identifier: BSD-3-Clause */
/* test_player_merge.c - several logs in one play, and parts of them */
#include <inttypes.h>

#include "player_fixture.h"

#define MAX_LOGS 8

static char paths[MAX_LOGS][48];
static size_t n_paths;

static int
setup_logs(void **state)
{
	n_paths = 0;
	return setup(state);
}

static int
teardown_logs(void **state)
{
	for (size_t i = 0; i < n_paths; i++)
		unlink(paths[i]);
	return teardown(state);
}

static FILE *
new_log(const char **name)
{
	char *at = paths[n_paths++];
	int fd;

	strcpy(at, "/tmp/test_player.XXXXXX.log");
	fd = mkstemps(at, 4);
	assert_true(fd >= 0);
	*name = at;
	return fdopen(fd, "w");
}

static void
add_log(struct evcan_player *player, const char *text)
{
	struct evcan_error err = { 0 };
	const char *name;
	FILE *file = new_log(&name);

	assert_true(fputs(text, file) >= 0);
	fclose(file);
	if (evcan_player_add_file(player, name, NULL, &err) < 0)
		fail_msg("%s", err.text);
}

static void
start(struct evcan_player *player)
{
	started = evcan_now_monotonic();
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
}

static void
play_on(struct evcan_player *player)
{
	start(player);
	run_to_end();
	assert_string_equal(done_error.text, "");
}

static void
expect_ids(const char *ids)
{
	char got[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < n_seen && len < sizeof(got) - 8; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%X",
		    i > 0 ? " " : "", (unsigned)seen[i].id);
	assert_string_equal(got, ids);
}

#define D "17000000"     /* candump times with a date */

static void
test_by_date(void **state)
{
	struct evcan_player *player;
	struct evcan_player_stats stats;
	struct evcan_log_read_stats logs;

	(void)state;
	write_log("(" D "00.02) can0 002#\n(" D "00.05) can0 005#\n"
	    "(" D "00.05) can0 006#\nrubbish\n(" D "00.07) can0 009#\n");
	player = make(NULL);
	add_log(player, "(" D "00.01) can0 001#\n(" D "00.05) can0 007#\n"
	    "(" D "00.09) can0 00A#\n");
	add_log(player, "(" D "00.03) can0 003#\n(" D "00.04) can0 004#\n"
	    "(" D "00.05) can0 008#\nrubbish\n");
	play_on(player);
	expect_ids("1 2 3 4 5 6 7 8 9 A");
	expect_at(1, 10);
	expect_at(9, 80);
	evcan_player_get_stats(player, &stats);
	evcan_player_get_log_stats(player, &logs);
	assert_int_equal(stats.sent, 10);
	assert_int_equal(stats.read, 10);
	assert_int_equal(stats.rounds, 1);
	assert_int_equal(logs.frames, 10);
	assert_int_equal(logs.errors, 2);
	assert_true(logs.size > 0 && logs.bytes == logs.size);
	assert_int_equal(evcan_player_position(player), 80 * MS);
	evcan_player_free(player);
}

/* Logs without a date begin with the first. */
static void
test_without_date(void **state)
{
	struct evcan_player *player;

	(void)state;
	write_log("(7.00) can0 001#\n(7.02) can0 003#\n");
	player = make(NULL);
	add_log(player, "(" D "90.00) can0 002#\n(" D "90.03) can0 004#\n");
	add_log(player, "(" D "90.04) can0 005#\n");
	play_on(player);
	expect_ids("1 2 3 4 5");
	expect_at(4, 40);
	evcan_player_free(player);
}

static void
test_all_without_date(void **state)
{
	struct evcan_player *player;

	(void)state;
	write_log("(7.00) can0 001#\n(7.02) can0 003#\n");
	player = make(NULL);
	add_log(player, "(2.00) can0 002#\n(2.03) can0 004#\n");
	play_on(player);
	expect_ids("1 2 3 4");
	expect_at(3, 30);
	evcan_player_free(player);
}

static void
test_align_start(void **state)
{
	static const char *const pairs[] = { "align=start", NULL };
	struct evcan_player *player;

	(void)state;
	write_log("(1600000000.00) can0 001#\n(1600000000.02) can0 003#\n");
	player = make(pairs);
	add_log(player, "(" D "90.00) can0 002#\n(" D "90.03) can0 004#\n");
	play_on(player);
	expect_ids("1 2 3 4");
	expect_at(3, 30);
	evcan_player_free(player);
}

static void
test_loop(void **state)
{
	static const char *const pairs[] = { "loop=3", NULL };
	struct evcan_player *player;
	struct evcan_player_stats stats;

	(void)state;
	write_log("(" D "00.00) can0 001#\n(" D "00.02) can0 004#\n");
	player = make(pairs);
	add_log(player, "(" D "00.01) can0 002#\n(" D "00.01) can0 003#\n");
	add_log(player, "");
	play_on(player);
	expect_ids("1 2 3 4 1 2 3 4 1 2 3 4");
	expect_at(11, 60);
	evcan_player_get_stats(player, &stats);
	assert_int_equal(stats.rounds, 3);
	/* And all of it again. */
	done = 0;
	n_seen = 0;
	play_on(player);
	expect_ids("1 2 3 4 1 2 3 4 1 2 3 4");
	evcan_player_free(player);
}

/* Thousands of frames of five logs, many of them equal in time: as a stable
 * sort has them. */
static void
test_many(void **state)
{
	static const char *const pairs[] = { "speed=1000000", NULL };
	struct evcan_player *player = NULL;
	int64_t times[5] = { 0 };
	uint32_t next[5] = { 0 };
	size_t n = 0;

	(void)state;
	srand(4);
	for (size_t i = 0; i < 5; i++) {
		struct evcan_error err = { 0 };
		const char *name;
		FILE *file = new_log(&name);
		int64_t t = 0;

		/* The time is in the data, the log and the place in the id. */
		for (unsigned k = 0; k < 800; k++) {
			t += rand() % 3;
			fprintf(file, "(%u.%06" PRId64 ") can0 %08X#%08X\n",
			    1700000000u, t, (unsigned)(i << 16 | k),
			    (unsigned)t);
		}
		fclose(file);
		if (i == 0) {
			strcpy(path, name);
			player = make(pairs);
		} else if (evcan_player_add_file(player, name, NULL, &err) <
		    0) {
			fail_msg("%s", err.text);
		}
	}
	play_on(player);
	assert_int_equal(n_seen, 4000);
	for (size_t log = 0; n < n_seen; n++) {
		size_t this = seen[n].id >> 16;
		int64_t t = seen[n].data[0] << 24 | seen[n].data[1] << 16 |
		    seen[n].data[2] << 8 | seen[n].data[3];

		assert_int_equal(seen[n].id & 0xffff, next[this]++);
		if (n > 0)
			assert_true(t > times[0] || (t == times[0] &&
			    this >= log));
		times[0] = t;
		log = this;
	}
	evcan_player_free(player);
}

/* One that has nothing yet holds the others: its next frame may be due
 * before theirs. */
static void
test_stalled(void **state)
{
	static const char first[] = "(" D "00.00) can0 001#\n";
	static const char second[] = "(" D "00.01) can0 003#\n";
	struct evcan_player *player;
	struct evcan_error err = { 0 };
	char name[64];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], first, strlen(first)), strlen(first));
	write_log("(" D "00.00) can0 002#\n(" D "00.02) can0 004#\n");
	player = make(NULL);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	assert_int_equal(evcan_player_add_file(player, name, NULL, &err), 0);
	start(player);
	while (n_seen < 2)
		run_ms(5);
	run_ms(50);
	expect_ids("2 1");
	assert_int_equal(write(fds[1], second, strlen(second)),
	    strlen(second));
	while (n_seen < 3)
		run_ms(5);
	run_ms(30);
	expect_ids("2 1 3");
	close(fds[1]);
	run_to_end();
	expect_ids("2 1 3 4");
	evcan_player_free(player);
	close(fds[0]);
}

/* A pipe cannot be played twice: it is named. */
static void
test_error_of_one(void **state)
{
	static const char *const pairs[] = { "loop=2", NULL };
	static const char text[] = "(" D "00.00) can0 001#\n";
	struct evcan_player *player;
	char name[64];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	close(fds[1]);
	write_log("(" D "00.00) can0 002#\n");
	player = make(pairs);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	assert_int_equal(evcan_player_add_file(player, name, NULL, NULL), 0);
	start(player);
	run_to_end();
	expect_ids("2 1");
	assert_int_equal(done_error.code, EVCAN_ERR_UNSUPPORTED);
	assert_non_null(strstr(done_error.text, name));
	evcan_player_free(player);
	close(fds[0]);
}

static void
test_wrong(void **state)
{
	static const char *const pairs[] = { "loop=0", NULL };
	struct evcan_options *options = evcan_options_new();
	struct evcan_player *player;
	struct evcan_error err = { 0 };

	(void)state;
	write_log("(1.0) can0 001#\n(1.1) can0 001#\n");
	player = make(pairs);
	assert_int_equal(evcan_player_add_file(player, "/nowhere/b.log", NULL,
	    &err), EVCAN_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nowhere/b.log"));
	/* Options of the player are not of its logs. */
	evcan_options_set(options, "speed", "2", NULL);
	assert_int_equal(evcan_player_add_file(player, path, options, &err),
	    EVCAN_ERR_INVALID);
	start(player);
	assert_int_equal(evcan_player_add_file(player, path, NULL, &err),
	    EVCAN_ERR_STATE);
	assert_non_null(strstr(err.text, path));
	evcan_player_stop(player);
	assert_int_equal(evcan_player_add_file(player, path, NULL, &err), 0);
	evcan_player_free(player);
	evcan_options_free(options);
}

/* Parts of a log */

static void
test_window(void **state)
{
	static const char *const pairs[] = {
		"from=0.1", "until=0.15", "loop=2", NULL
	};
	struct evcan_player_stats stats;

	(void)state;
	write_log("(" D "00.00) can0 001#\n(" D "00.05) can0 002#\n"
	    "(" D "00.10) can0 003#\n(" D "00.14) can0 004#\n"
	    "(" D "00.15) can0 005#\n(" D "00.16) can0 006#\n");
	play(pairs, &stats);
	expect_ids("3 4 3 4");
	expect_at(1, 40);
	expect_at(3, 80);
	assert_int_equal(stats.read, 12);
	assert_int_equal(stats.passed_over, 8);
	assert_int_equal(stats.rounds, 2);
}

/* What is before the window is not waited for. */
static void
test_window_begins(void **state)
{
	static const char *const pairs[] = { "from=1000", NULL };
	struct evcan_player_stats stats;

	(void)state;
	write_log("(" D "00.00) can0 001#\n(1700000500.00) can0 002#\n"
	    "(1700001000.50) can0 003#\n(1700001000.52) can0 004#\n");
	play(pairs, &stats);
	expect_ids("3 4");
	expect_at(1, 20);
}

/* Far behind the window nothing is read: the log is endless. */
static void
test_window_ends(void **state)
{
	static const char *const pairs[] = { "until=0.5", "loop=3", NULL };
	struct evcan_player_stats stats;
	FILE *file = fopen(path, "w");

	(void)state;
	for (unsigned i = 0; i < 200000; i++)
		fprintf(file, "(%u.%u) can0 %08X#\n", 1700000000 + i / 10,
		    i % 10, i);
	fclose(file);
	play(pairs, &stats);
	assert_int_equal(n_seen, 15);
	for (size_t i = 0; i < 15; i++)
		assert_int_equal(seen[i].id, i % 5);
	assert_int_equal(stats.rounds, 3);
	assert_true(stats.read < 100);
	expect_at(14, 1200);
}

/* `until` counts from the start of all, and a log not begun by then is
 * passed over. */
static void
test_window_of_many(void **state)
{
	static const char *const pairs[] = { "from=0.02", "until=0.04",
		NULL };
	struct evcan_player *player;

	(void)state;
	write_log("(" D "00.03) can0 003#\n(" D "00.05) can0 005#\n");
	player = make(pairs);
	add_log(player, "(" D "00.00) can0 001#\n(" D "00.02) can0 002#\n");
	add_log(player, "(" D "70.00) can0 007#\n");
	play_on(player);
	expect_ids("2 3");
	expect_at(1, 10);
	evcan_player_free(player);
}

static void
test_window_wrong(void **state)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };

	(void)state;
	write_log("(1.0) can0 001#\n");
	evcan_options_set(options, "from", "3", NULL);
	evcan_options_set(options, "until", "2", NULL);
	assert_null(evcan_player_new(bus, path, options, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	assert_non_null(strstr(err.text, "until"));
	evcan_options_free(options);
}

static void
test_filters(void **state)
{
	static const struct evcan_filter odd = {
		.can_id = 1, .can_mask = 1
	};
	static const struct evcan_filter wrong = { .can_id = 0xffffffff };
	static const char *const pairs[] = { "error_frames=true", NULL };
	struct evcan_player *player;
	struct evcan_player_stats stats;
	struct evcan_error err = { 0 };

	(void)state;
	write_log("(1.00) can0 002#\n(1.02) can0 001#\n(1.03) can0 004#\n"
	    "(1.04) can0 20000080#0000000000000000\n(1.05) can0 003#\n");
	player = make(pairs);
	assert_int_equal(evcan_player_set_filters(player, &odd, 1,
	    EVCAN_FILTER_OR, NULL), 0);
	assert_int_equal(evcan_player_set_filters(player, &wrong, 1,
	    EVCAN_FILTER_OR, &err), EVCAN_ERR_INVALID);
	play_on(player);
	/* Their own times count, also of those that are left out. */
	expect_ids("1 80 3");
	expect_at(0, 20);
	expect_at(2, 50);
	evcan_player_get_stats(player, &stats);
	assert_int_equal(stats.read, 5);
	assert_int_equal(stats.passed_over, 2);
	assert_int_equal(evcan_player_set_filters(player, NULL, 0,
	    EVCAN_FILTER_OR, &err), 0);
	done = 0;
	n_seen = 0;
	play_on(player);
	assert_int_equal(n_seen, 5);
	evcan_player_free(player);
}

/* What is left out takes no gap. */
static void
test_filters_and_gap(void **state)
{
	static const struct evcan_filter one = {
		.can_id = 1, .can_mask = 0x7ff
	};
	static const char *const pairs[] = { "ignore_timestamps=true",
		"gap=0.01", NULL };
	struct evcan_player *player;
	FILE *file = fopen(path, "w");

	(void)state;
	for (int i = 0; i < 100000; i++)
		fprintf(file, "(1.0) can0 %03X#\n", i % 20000 == 0 ? 1 : 2);
	fclose(file);
	player = make(pairs);
	assert_int_equal(evcan_player_set_filters(player, &one, 1,
	    EVCAN_FILTER_OR, NULL), 0);
	play_on(player);
	assert_int_equal(n_seen, 5);
	expect_at(4, 40);
	evcan_player_free(player);
}

#define TEST_LOGS(name) \
	cmocka_unit_test_setup_teardown(name, setup_logs, teardown_logs)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_LOGS(test_by_date),
		TEST_LOGS(test_without_date),
		TEST_LOGS(test_all_without_date),
		TEST_LOGS(test_align_start),
		TEST_LOGS(test_loop),
		TEST_LOGS(test_many),
		TEST_LOGS(test_stalled),
		TEST_LOGS(test_error_of_one),
		TEST_LOGS(test_wrong),
		TEST_LOGS(test_window),
		TEST_LOGS(test_window_begins),
		TEST_LOGS(test_window_ends),
		TEST_LOGS(test_window_of_many),
		TEST_LOGS(test_window_wrong),
		TEST_LOGS(test_filters),
		TEST_LOGS(test_filters_and_gap)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

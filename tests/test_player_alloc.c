/* SPDX-License-Identifier: BSD-3-Clause */
/* test_player_alloc.c - every allocation of a play fails once, cleanly */
#include "player_fixture.h"

#include <evcan/sync.h>

#include "alloc_fail.h"

/* libevent's allocations are counted and fail like ours. */

static void *
event_malloc(size_t size)
{
	return __wrap_malloc(size);
}

static void *
event_realloc(void *old, size_t size)
{
	return __wrap_realloc(old, size);
}

static struct evcan_bus *other;

static int
make_it(struct evcan_player **player, const struct evcan_options *options,
    struct evcan_error *err)
{
	static const struct evcan_filter filters[] = {
		{ .can_id = 0, .can_mask = 0 },
		{ .can_id = 1, .can_mask = 0x1fffffff }
	};
	int r;

	*player = evcan_player_new(bus, path, options, err);
	if (*player == NULL)
		return err->code;
	r = evcan_player_add_file(*player, path, NULL, err);
	if (r == 0)
		r = evcan_player_map(*player, "can1", other, err);
	if (r == 0)
		r = evcan_player_map(*player, "player-alloc", other, err);
	if (r == 0)
		r = evcan_player_set_filters(*player, filters, 2,
		    EVCAN_FILTER_OR, err);
	return r;
}

/* @return 0: played to its end */
static int
play_it(struct evcan_player *player)
{
	int r = evcan_player_start(player, on_done, NULL);

	for (int i = 0; r == 0 && done == 0 && i < 10000; i++)
		event_base_loop(base, EVLOOP_ONCE);
	if (r == 0) {
		assert_int_equal(done, 1);
		r = done_error.code;
	}
	return r;
}

static void
each_failure_is_clean(void **state)
{
	struct evcan_options *options = evcan_options_new();
	long n;

	(void)state;
	write_log("(1.0) can0 001#\n(1.0) can1 002#\n(1.002) can0 003#\n");
	other = open_bus(base, "virtual:other");
	evcan_options_set(options, "loop", "2", NULL);
	for (n = 1;; n++) {
		struct evcan_player *player = NULL;
		struct evcan_error err = { 0 };
		struct evcan_player_stats stats;
		bool failed;
		int r;

		done = 0;
		evcan_error_clear(&done_error);
		alloc_fail_start(n);
		r = make_it(&player, options, &err);
		if (r < 0)
			assert_true(err.text[0] != '\0');
		else
			r = play_it(player);
		failed = alloc_fail_stop();
		if (!failed)
			assert_int_equal(r, 0);
		/* One that fails in the loop may be done without. */
		if (r != 0 && r != EVCAN_ERR_NOMEM && r != EVCAN_ERR_INIT &&
		    r != EVCAN_ERR_INVALID)
			fail_msg("%d: %s %s", r, err.text, done_error.text);
		if (r == 0) {
			evcan_player_get_stats(player, &stats);
			assert_int_equal(stats.sent, 12);
		}
		evcan_player_free(player);
		if (!failed)
			break;
	}
	assert_true(n > 30);
	evcan_options_free(options);
	evcan_bus_free(other);
}

static void
sync_too(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		struct evcan_error err = { 0 };
		struct evcan_sync *sync;

		alloc_fail_start(n);
		sync = evcan_sync_new(NULL, &err);
		if (!alloc_fail_stop()) {
			assert_non_null(sync);
			evcan_sync_free(sync);
			assert_true(n > 1);
			break;
		}
		assert_null(sync);
		assert_int_equal(err.code, EVCAN_ERR_NOMEM);
		assert_true(err.text[0] != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_failure_is_clean),
		TEST(sync_too)
	};

	if (!alloc_fail_works()) {
		fputs("not linked to fail\n", stderr);
		return 1;
	}
	event_set_mem_functions(event_malloc, event_realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

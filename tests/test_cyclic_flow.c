/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cyclic_flow.c - tasks that are late, without room, or refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus_internal.h"
#include "cyclic_fixture.h"

/* ---- late ---- */

static void
catching_up_sends_all(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS,
	    .count = 30 };
	struct evcan_cyclic *task = make_task(0x30, &config);

	(void)state;
	start_task(task);
	run_until_count(&n_seen, 1);
	stall(20 * MS);
	run_until_ended(task);
	assert_int_equal(n_seen, 30);
	assert_int_equal(stats_of(task).skipped, 0);
	assert_true(stats_of(task).late >= 10);
	assert_true(stats_of(task).worst_late_ns >= 10 * MS);
	assert_true(stats_of(task).p99_late_ns >= 10 * MS);
	assert_true(stats_of(task).p99_late_ns <=
	    stats_of(task).worst_late_ns);
	evcan_cyclic_free(task);
}

static void
skipping_sends_only_the_last(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS,
	    .count = 40, .late = EVCAN_LATE_SKIP };
	struct evcan_cyclic *task = make_task(0x31, &config);
	struct evcan_cyclic_stats stats;

	(void)state;
	start_task(task);
	run_until_count(&n_seen, 1);
	stall(20 * MS);
	run_until_ended(task);
	stats = stats_of(task);
	assert_true(stats.skipped >= 15);
	assert_int_equal(stats.sent + stats.skipped, 40);
	assert_int_equal(n_seen, stats.sent);
	evcan_cyclic_free(task);
}

/* ---- a bus without room ---- */

static void
reopen_small(void)
{
	evcan_bus_free(bus);
	bus = open_bus(base, "virtual:cyclic,tx_queue_size=4");
	evcan_bus_free(peer);
	/* Nobody reads it yet. */
	peer = open_bus(base,
	    "virtual:cyclic,rx_queue_size=8,rx_patience=3600");
}

static void
a_full_queue_is_waited_for(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS,
	    .count = 50 };
	struct evcan_cyclic *a, *b;
	struct evcan_bus_stats stats;
	int64_t end = evcan_now_monotonic() + GUARD_NS, apart;
	int lead = 0;

	(void)state;
	reopen_small();
	a = make_task(0x40, &config);
	b = make_task(0x41, &config);
	apart = evcan_now_monotonic();
	start_task(a);
	start_task(b);
	apart = evcan_now_monotonic() - apart;
	do {
		assert_true(evcan_now_monotonic() < end);
		event_base_loop(base, EVLOOP_ONCE);
		evcan_bus_get_stats(bus, &stats);
	} while (stats.tx_queued < 4);
	assert_int_equal(stats.send_refused, 0);
	assert_true(evcan_cyclic_running(a));
	evcan_bus_set_cb(peer, on_frames, NULL, NULL);
	run_until_count(&n_seen, 100);
	run_until_ended(a);
	run_until_ended(b);
	assert_int_equal(stats_of(a).sent, 50);
	assert_int_equal(stats_of(b).sent, 50);
	assert_int_equal(throughs, 2);
	/* In the order of their times: they took turns, and the first is ahead
	 * by as much as it was started before the second. */
	for (size_t i = 0; i < 100; i++) {
		lead += seen[i].id == 0x40 ? 1 : -1;
		assert_in_range(lead, 0, 1 + apart / MS);
	}
	evcan_cyclic_free(a);
	evcan_cyclic_free(b);
}

static void
a_full_queue_is_passed_over(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS,
	    .count = 60, .late = EVCAN_LATE_SKIP };
	struct evcan_cyclic *task;
	struct evcan_cyclic_stats stats;

	(void)state;
	reopen_small();
	task = make_task(0x42, &config);
	start_task(task);
	run_until_ended(task);
	stats = stats_of(task);
	assert_int_equal(stats.sent + stats.skipped, 60);
	assert_true(stats.sent >= 1 && stats.sent < 40);
	assert_int_equal(throughs, 1);
	evcan_cyclic_free(task);
}

static void
those_that_wait_may_be_stopped_and_freed(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS };
	struct evcan_cyclic *tasks[20];

	(void)state;
	reopen_small();
	for (int i = 0; i < 20; i++)
		start_task(tasks[i] = make_task(0x50 + (uint32_t)i, &config));
	run_for(20 * MS);
	for (int i = 0; i < 20; i += 2)
		evcan_cyclic_free(tasks[i]);
	for (int i = 1; i < 20; i += 4)
		assert_int_equal(evcan_cyclic_stop(tasks[i]), 0);
	evcan_bus_set_cb(peer, on_frames, NULL, NULL);
	run_until_count(&n_seen, 200);
	assert_true(stats_of(tasks[3]).sent > 5);
	for (int i = 1; i < 20; i += 2)
		evcan_cyclic_free(tasks[i]);
}

/* ---- refused frames ---- */

static void
a_refused_frame_ends_the_task_or_not(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = MS, .count = 10 };
	struct evcan_cyclic *stops = make_task(0x70, &config), *goes_on;

	(void)state;
	config.on_error = EVCAN_ON_ERROR_CONTINUE;
	goes_on = make_task(0x71, &config);
	start_task(stops);
	start_task(goes_on);
	bus->mode = EVCAN_MODE_LISTEN_ONLY;
	run_until_ended(goes_on);
	assert_false(evcan_cyclic_running(stops));
	assert_int_equal(n_seen, 0);
	assert_int_equal(errors, 11);
	assert_int_equal(last_error.code, EVCAN_ERR_INVALID);
	assert_non_null(strstr(last_error.text, "listen-only"));
	assert_int_equal(throughs, 1);
	assert_int_equal(stats_of(stops).failed, 1);
	assert_int_equal(stats_of(goes_on).failed, 10);
	evcan_cyclic_free(stops);
	evcan_cyclic_free(goes_on);
}

/* Only one frame of a batch is bad: the others go. */
static void
others_of_the_batch_are_sent(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = 3600 * 1000 * MS };
	struct evcan_cyclic *tasks[9];
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < 9; i++)
		start_task(tasks[i] = make_task(i, &config));
	for (int i = 0; i < 9; i += 4)
		((struct evcan_frame *)evcan_cyclic_get_frames(tasks[i],
		    &n))->dlc = 77;
	run_until_count(&n_seen, 6);
	run_for(2 * MS);
	assert_int_equal(n_seen, 6);
	assert_int_equal(errors, 3);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(stats_of(tasks[i]).sent, i % 4 != 0);
		assert_int_equal(stats_of(tasks[i]).failed, i % 4 == 0);
		assert_int_equal(evcan_cyclic_running(tasks[i]), i % 4 != 0);
		evcan_cyclic_free(tasks[i]);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, cyclic_setup, cyclic_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(catching_up_sends_all),
		TEST(skipping_sends_only_the_last),
		TEST(a_full_queue_is_waited_for),
		TEST(a_full_queue_is_passed_over),
		TEST(those_that_wait_may_be_stopped_and_freed),
		TEST(a_refused_frame_ends_the_task_or_not),
		TEST(others_of_the_batch_are_sent)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

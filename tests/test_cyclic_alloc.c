/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cyclic_alloc.c - every allocation of periodic sending fails once */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <evcan/modifier.h>

#include "cyclic_fixture.h"

#include "alloc_fail.h"

#define TASKS 40

static struct evcan_cyclic *tasks[TASKS];
static struct evcan_modifier modifier;

static void
expect_nomem(const struct evcan_error *err)
{
	assert_int_equal(err->code, EVCAN_ERR_NOMEM);
	assert_non_null(strstr(err->text, "memory"));
}

/* @return how many tasks run */
static size_t
make_all(struct evcan_bus *of)
{
	struct evcan_cyclic_config config = { .period_ns = MS, .count = 3,
	    .modifiers = &modifier, .n_modifiers = 1 };
	struct evcan_frame frame = frame_of(0x100, "abcd");
	struct evcan_error err = { .code = 0 };
	size_t running = 0;

	for (size_t i = 0; i < TASKS; i++) {
		evcan_error_clear(&err);
		tasks[i] = evcan_cyclic_new(of, &frame, 1, &config, &err);
		if (tasks[i] == NULL) {
			expect_nomem(&err);
			continue;
		}
		evcan_cyclic_set_cb(tasks[i], on_told, NULL);
		if (evcan_cyclic_start(tasks[i], &err) == 0)
			running++;
		else
			expect_nomem(&err);
	}
	return running;
}

static void
free_all(void)
{
	for (size_t i = 0; i < TASKS; i++)
		evcan_cyclic_free(tasks[i]);
}

/* Nobody reads at first, so that the transmit queue is made, too. */
static void
live(long n, bool with_loop, bool *failed)
{
	struct evcan_bus *from = open_bus(with_loop ? base : NULL,
	    "virtual:memory");
	struct evcan_bus *to = open_bus(base,
	    "virtual:memory,rx_queue_size=8,rx_patience=3600");
	struct evcan_cyclic_stats stats;
	int64_t end = evcan_now_monotonic() + GUARD_NS;
	size_t running;
	uint64_t done = 0;

	throughs = errors = 0;
	alloc_fail_start(n);
	running = make_all(from);
	while (throughs + errors < running) {
		assert_true(evcan_now_monotonic() < end);
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (!with_loop)
			evcan_bus_process(from);
		if (evcan_now_monotonic() > end - GUARD_NS + 3 * MS)
			evcan_bus_set_cb(to, on_frames, NULL, NULL);
	}
	*failed = alloc_fail_stop();
	if (errors > 0)
		expect_nomem(&last_error);
	for (size_t i = 0; i < TASKS; i++) {
		if (tasks[i] == NULL)
			continue;
		evcan_cyclic_get_stats(tasks[i], &stats);
		done += stats.sent;
	}
	assert_int_equal(done, throughs * 3);
	free_all();
	evcan_bus_free(from);
	evcan_bus_free(to);
}

static void
memory_may_run_out(void **state)
{
	(void)state;
	assert_int_equal(evcan_modifier_parse(&modifier,
	    "counter:bit=0,width=8", NULL), 0);
	if (!alloc_fail_works())
		fail_msg("not linked with --wrap=malloc");
	for (int with_loop = 0; with_loop < 2; with_loop++) {
		bool failed = true;
		long n;

		for (n = 1; failed; n++)
			live(n, with_loop, &failed);
		assert_true(n > 2 * TASKS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_may_run_out,
		    cyclic_setup, cyclic_teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

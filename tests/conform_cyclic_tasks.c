/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_cyclic_tasks.c - what tasks send, and when, and when not */
#include "conform_cyclic.h"

#include <poll.h>

/* Limits. */

void
conform_a_count_is_exact(void **state)
{
	struct evcan_cyclic *task = conform_start_one(0x101, 7,
	    conform_period(), 20);
	struct evcan_cyclic_stats stats;

	(void)state;
	conform_see(20);
	conform_quiet();
	conform_grid(0, conform_period());
	for (size_t i = 0; i < cy.n_seen; i++)
		assert_int_equal(conform_version(&cy.seen[i].frame), 7);
	assert_int_equal(cy.ended, 1);
	stats = conform_stats(task);
	assert_true(stats.sent_known);
	assert_int_equal(stats.sent, 20);
	assert_int_equal(stats.failed + stats.skipped, 0);
	assert_false(evcan_cyclic_running(task));
	assert_int_equal(evcan_cyclic_stop(task), EVCAN_ERR_STATE);
	conform_start(task);      /* counts anew */
	conform_see(40);
	conform_quiet();
	assert_int_equal(cy.ended, 2);
	assert_int_equal(conform_stats(task).sent, 20);
	evcan_cyclic_free(task);
}

void
conform_a_duration_is_rounded_up(void **state)
{
	static const struct { int halves; size_t frames; } cases[] = {
		{ 1, 1 }, { 2, 1 }, { 3, 2 }, { 9, 5 }, { 10, 5 }
	};
	struct evcan_cyclic_config config = conform_config(0);
	struct evcan_frame frame = conform_versioned(0x102, 0);
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_cyclic *task;

		config.duration_ns = cases[i].halves * conform_period() / 2;
		task = conform_make(&frame, 1, &config);
		conform_start(task);
		total += cases[i].frames;
		conform_see(total);
		conform_quiet();
		assert_int_equal(cy.ended, i + 1);
		assert_int_equal(conform_stats(task).sent, cases[i].frames);
		evcan_cyclic_free(task);
	}
}

void
conform_the_smaller_limit_counts(void **state)
{
	struct evcan_cyclic_config config = conform_config(3);
	struct evcan_frame frame = conform_versioned(0x103, 0);
	struct evcan_cyclic *task;

	(void)state;
	config.duration_ns = 100 * conform_period();
	task = conform_make(&frame, 1, &config);
	conform_start(task);
	conform_see(3);
	conform_quiet();
	evcan_cyclic_free(task);
	config.count = 100;
	config.duration_ns = 2 * conform_period();
	task = conform_make(&frame, 1, &config);
	conform_start(task);
	conform_see(5);
	conform_quiet();
	evcan_cyclic_free(task);
}

/* Sequences, rates, phases. */

void
conform_frames_come_in_turn(void **state)
{
	struct evcan_cyclic_config config = conform_config(10);
	struct evcan_frame frames[3];
	struct evcan_cyclic *task;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		frames[i] = conform_versioned(0x110, i);
	task = conform_make(frames, 3, &config);
	for (size_t round = 0; round < 2; round++) {
		conform_start(task);
		conform_see(10 * (round + 1));
		conform_quiet();
		conform_grid(10 * round, conform_period());
		for (size_t i = 0; i < 10; i++)
			assert_int_equal(conform_version(&cy.seen[10 * round +
			    i].frame), i % 3);
	}
	evcan_cyclic_free(task);
}

void
conform_two_rates(void **state)
{
	struct evcan_cyclic_config config = conform_config(0);
	struct evcan_frame frame = conform_versioned(0x111, 0);
	struct evcan_cyclic *task;

	(void)state;
	config.period_ns = 4 * conform_period();
	config.initial_count = 5;
	config.initial_period_ns = conform_period();
	task = conform_make(&frame, 1, &config);
	conform_start(task);
	conform_see(9);
	assert_int_equal(evcan_cyclic_stop(task), 0);
	conform_run(10);        /* what is on its way */
	for (size_t i = 0; i < cy.n_seen; i++)
		conform_point(i, conform_stamp(i), cy.before_ns + (i < 5 ?
		    (int64_t)i : 4 + 4 * ((int64_t)i - 4)) * conform_period());
	conform_quiet();
	assert_int_equal(cy.ended, 0);
	evcan_cyclic_free(task);
}

void
conform_a_phase_comes_first(void **state)
{
	struct evcan_cyclic_config config = conform_config(3);
	struct evcan_frame frame = conform_versioned(0x112, 0);
	struct evcan_cyclic *task;

	(void)state;
	config.phase_ns = 5 * conform_period() + 1234567;
	task = conform_make(&frame, 1, &config);
	conform_start(task);
	cy.before_ns += config.phase_ns;
	conform_see(3);
	conform_quiet();
	conform_grid(0, conform_period());
	evcan_cyclic_free(task);
}

/* Start and stop. */

void
conform_stopped_and_started_again(void **state)
{
	struct evcan_cyclic_config config = conform_config(0);
	struct evcan_frame frames[2] = {
		conform_versioned(0x120, 0), conform_versioned(0x120, 1)
	};
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task = conform_make(frames, 2, &config);
	size_t first;

	(void)state;
	assert_int_equal(evcan_cyclic_stop(task), EVCAN_ERR_STATE);
	conform_quiet();
	conform_start(task);
	conform_refused(evcan_cyclic_start(task, &err), "", &err,
	    EVCAN_ERR_STATE);
	conform_see(5);
	assert_int_equal(evcan_cyclic_stop(task), 0);
	assert_false(evcan_cyclic_running(task));
	conform_run(10);
	conform_quiet();
	assert_int_equal(evcan_cyclic_stop(task), EVCAN_ERR_STATE);
	conform_sent(task, cy.n_seen);
	first = cy.n_seen;
	conform_start(task);
	conform_see(first + 5);
	for (size_t i = first; i < cy.n_seen; i++)
		assert_int_equal(conform_version(&cy.seen[i].frame),
		    (i - first) % 2);
	conform_grid(first, conform_period());
	assert_int_equal(cy.ended, 0);
	evcan_cyclic_free(task);
	conform_run(10);
	conform_quiet();
}

/* Many tasks. */

void
conform_several_of_one_identifier(void **state)
{
	struct evcan_cyclic *tasks[3];
	size_t counts[3] = { 0, 0, 0 };

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		tasks[i] = conform_start_one(0x130, i, conform_period(), 5);
	conform_see(15);
	conform_quiet();
	for (size_t i = 0; i < cy.n_seen; i++)
		counts[conform_version(&cy.seen[i].frame) % 3]++;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(counts[i], 5);
		evcan_cyclic_free(tasks[i]);
	}
}

void
conform_all_are_stopped(void **state)
{
	struct evcan_cyclic_config config = conform_config(0);
	struct evcan_frame frame = conform_versioned(0x131, 0);
	struct evcan_cyclic *mine = conform_start_one(0x131, 1,
	    conform_period(), 0);
	struct evcan_cyclic *stored;

	(void)state;
	config.store = true;
	stored = conform_make(&frame, 1, &config);
	conform_start(stored);
	conform_see(4);
	assert_ptr_equal(evcan_bus_cyclic(cy.a, 0), mine);
	assert_ptr_equal(evcan_bus_cyclic(cy.a, 1), stored);
	assert_null(evcan_bus_cyclic(cy.a, 2));
	evcan_bus_stop_all_periodic_tasks(cy.a, false);
	assert_false(evcan_cyclic_running(mine));
	assert_false(evcan_cyclic_running(stored));
	conform_run(10);
	conform_quiet();
	conform_start(stored);
	conform_see(cy.n_seen + 2);
	evcan_bus_stop_all_periodic_tasks(cy.a, true);
	assert_ptr_equal(evcan_bus_cyclic(cy.a, 0), mine);
	assert_null(evcan_bus_cyclic(cy.a, 1));
	conform_run(10);
	conform_quiet();
	conform_start(mine);
	conform_see(cy.n_seen + 2);
	assert_int_equal(cy.ended, 0);
	evcan_cyclic_free(mine);
}

/* The bus. */

void
conform_a_closed_bus_sends_nothing(void **state)
{
	struct evcan_cyclic *task = conform_start_one(0x140, 0,
	    conform_period(), 0);
	struct evcan_error err = { 0 };

	(void)state;
	conform_see(3);
	assert_int_equal(evcan_bus_close(cy.a), 0);
	conform_run(10);
	conform_quiet();
	assert_false(evcan_cyclic_running(task));
	assert_false(evcan_bus_is_open(cy.a));
	conform_refused(evcan_cyclic_start(task, &err), "", &err,
	    EVCAN_ERR_STATE);
	assert_int_equal(evcan_bus_open(cy.a, NULL), 0);
	conform_quiet();
	conform_start(task);
	conform_see(cy.n_seen + 3);
	evcan_bus_free(cy.a);      /* with the task running */
	conform_run(10);
	conform_quiet();
	assert_null(evcan_cyclic_bus(task));
	assert_int_equal(cy.ended, 0);
	evcan_cyclic_free(task);
	cy.a = conform_open(cy.base, cy.spec_a);
}

/* Frames and input. */

static void
once(const struct evcan_frame *frame)
{
	struct evcan_cyclic_config config = conform_config(2);
	struct evcan_cyclic *task = conform_make(frame, 1, &config);
	size_t first = cy.n_seen;

	conform_start(task);
	conform_see(first + 2);
	for (size_t i = first; i < cy.n_seen; i++)
		assert_true(evcan_frame_equal(&cy.seen[i].frame, frame, -1,
		    EQUAL));
	evcan_cyclic_free(task);
}

void
conform_all_kinds_of_frames(void **state)
{
	struct evcan_frame frame;
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		bytes[i] = (uint8_t)(3 * i + 1);
	for (size_t len = 0; len <= 8; len += 4) {
		evcan_frame_init(&frame, 0x7ff, 0, bytes, len);
		once(&frame);
	}
	evcan_frame_init(&frame, 0x1fffffff, EVCAN_FRAME_EXT, bytes, 3);
	once(&frame);
	if (!cy.paced) {
		evcan_frame_init_remote(&frame, 0x12345678, EVCAN_FRAME_EXT,
		    5);
		once(&frame);
		evcan_frame_init(&frame, 0x456, 0, bytes, 8);
		frame.dlc = 12;
		once(&frame);
	}
	if (cy.fd) {
		evcan_frame_init(&frame, 0x155, EVCAN_FRAME_FD |
		    EVCAN_FRAME_BRS, bytes, 64);
		once(&frame);
		evcan_frame_init(&frame, 0x155, EVCAN_FRAME_FD |
		    EVCAN_FRAME_ESI, bytes, 12);
		once(&frame);
	}
}

/* It sends while it is processed, which its descriptor and its deadline ask
 * for. */
void
conform_a_bus_without_a_loop(void **state)
{
	struct evcan_bus *with = cy.a;
	struct evcan_cyclic *task;
	int64_t end = evcan_now_monotonic() + SOON * MS;

	(void)state;
	cy.a = conform_open(NULL, cy.spec_a);
	task = conform_start_one(0x156, 0, conform_period(), 5);
	while (cy.ended == 0 || cy.n_seen < 5) {
		struct pollfd ready = { evcan_bus_fd(cy.a), POLLIN, 0 };
		struct evcan_frame frame;
		int wait = evcan_bus_timeout(cy.a);

		poll(&ready, 1, wait < 0 || wait > 10 ? 10 : wait);
		evcan_bus_process(cy.a);
		while (evcan_bus_recv(cy.a, &frame, 1) > 0)
			;
		event_base_loop(cy.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		assert_true(evcan_now_monotonic() < end);
	}
	assert_int_equal(conform_stats(task).sent, 5);
	conform_grid(0, conform_period());
	evcan_cyclic_free(task);
	evcan_bus_free(cy.a);
	cy.a = with;
	conform_quiet();
}

/* More than a device keeps is one error, or the loop's work. */
void
conform_too_many_frames_for_a_device(void **state)
{
	const size_t n = 257;
	struct evcan_cyclic_config config = conform_config(0);
	struct evcan_frame *frames = calloc(n, sizeof(*frames));
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task;
	int r = EVCAN_ERR_UNSUPPORTED;

	(void)state;
	for (uint32_t i = 0; i < n; i++)
		frames[i] = conform_versioned(0x150, i);
	config.period_ns = cy.virtual ? MS : 5 * MS;
	config.offload = EVCAN_OFFLOAD_ALWAYS;
	task = evcan_cyclic_new(cy.a, frames, n, &config, &err);
	if (task != NULL)
		r = evcan_cyclic_start(task, &err);
	conform_refused(r, cy.has_device ? "257" : "", &err,
	    EVCAN_ERR_UNSUPPORTED);
	evcan_cyclic_free(task);

	config.offload = EVCAN_OFFLOAD_AUTO;
	task = conform_make(frames, n, &config);
	conform_start(task);
	conform_see(n + 3);
	assert_false(conform_stats(task).offloaded);
	for (size_t i = 0; i < cy.n_seen; i++)
		assert_int_equal(conform_version(&cy.seen[i].frame), i % n);
	evcan_cyclic_free(task);
	free(frames);
}

void
conform_who_sends_is_told(void **state)
{
	struct evcan_cyclic *task = conform_start_one(0x151, 0,
	    conform_period(), 0);
	struct evcan_cyclic_stats stats;

	(void)state;
	conform_see(3);
	stats = conform_stats(task);
	assert_int_equal(stats.offloaded, cy.has_device &&
	    cy.offload != EVCAN_OFFLOAD_NEVER);
	assert_true(stats.sent_known);
	assert_true(stats.sent >= cy.n_seen && stats.sent <= cy.n_seen + 100);
	evcan_cyclic_free(task);
}

void
conform_wrong_requests_are_refused(void **state)
{
	struct evcan_cyclic_config config = conform_config(0);
	struct evcan_frame frames[2] = {
		conform_versioned(0x152, 0), conform_versioned(0x153, 0)
	};
	struct evcan_error err = { 0 };

	(void)state;
	assert_null(evcan_cyclic_new(cy.a, frames, 0, &config, &err));
	conform_refused(err.code, "frame", &err, EVCAN_ERR_INVALID);
	evcan_error_clear(&err);
	assert_null(evcan_cyclic_new(cy.a, frames, 2, &config, &err));
	conform_refused(err.code, "152", &err, EVCAN_ERR_INVALID);
	for (int64_t wrong = -conform_period(); wrong <= 0;
	    wrong += conform_period()) {
		evcan_error_clear(&err);
		config.period_ns = wrong;
		assert_null(evcan_cyclic_new(cy.a, frames, 1, &config, &err));
		conform_refused(err.code, "period", &err, EVCAN_ERR_INVALID);
	}
	conform_quiet();
}

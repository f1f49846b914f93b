/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cyclic_device.c - tasks that a device sends, and devices that go */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <evcan/modifier.h>

#include "bus_internal.h"
#include "cyclic_fixture.h"

/* The virtual driver, with a device in it that only notes what it is told. */
static struct evcan_driver device;
static struct evcan_driver_cyclic job;       /* the last one */
static struct evcan_frame first_frame;       /* of it */
static unsigned starts, modifies, stops;
static uint32_t stopped_number;
static int answer;
static uint64_t told_sent;
static bool broken;                          /* cannot be opened */

static int
cyclic_start(struct evcan_bus *of, const struct evcan_driver_cyclic *what,
    struct evcan_error *err)
{
	(void)of;
	if (answer < 0)
		return evcan_error_set(err, answer, 0, "the device says no");
	starts++;
	job = *what;
	first_frame = what->frames[0];
	return 0;
}

static int
cyclic_modify(struct evcan_bus *of, const struct evcan_driver_cyclic *what,
    struct evcan_error *err)
{
	(void)of;
	if (answer < 0)
		return evcan_error_set(err, answer, 0, "the device says no");
	modifies++;
	assert_int_equal(what->number, job.number);
	first_frame = what->frames[0];
	return 0;
}

static int
cyclic_stop(struct evcan_bus *of, uint32_t number)
{
	(void)of;
	stops++;
	stopped_number = number;
	return 0;
}

static int
cyclic_sent(struct evcan_bus *of, uint32_t number, uint64_t *sent)
{
	(void)of;
	(void)number;
	*sent = told_sent;
	return 0;
}

static int (*real_open)(struct evcan_bus *of, struct evcan_error *err);

static int
open_unless_broken(struct evcan_bus *of, struct evcan_error *err)
{
	return broken ? evcan_error_set(err, EVCAN_ERR_INIT, 0, "broken") :
	    real_open(of, err);
}

static int
setup(void **state)
{
	cyclic_setup(state);
	evcan_bus_free(bus);
	bus = evcan_bus_new_spec(base, "virtual:cyclic,reopen_interval=0.005,"
	    "reopen_max=0.005", NULL);
	device = *bus->driver;
	real_open = device.open;
	device.open = open_unless_broken;
	device.cyclic_start = cyclic_start;
	device.cyclic_modify = cyclic_modify;
	device.cyclic_stop = cyclic_stop;
	device.cyclic_sent = cyclic_sent;
	bus->driver = &device;
	starts = modifies = stops = 0;
	answer = 0;
	told_sent = 0;
	broken = false;
	return evcan_bus_open(bus, NULL);
}

static void
the_device_sends(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 10 * MS };
	struct evcan_cyclic *task = make_task(0x11, &config);
	struct evcan_frame frame = frame_of(0x11, "other");
	struct evcan_cyclic_stats stats;

	(void)state;
	start_task(task);
	assert_int_equal(starts, 1);
	assert_true(job.number != 0);
	assert_int_equal(job.n, 1);
	assert_int_equal(job.period_ns, 10 * MS);
	assert_int_equal(job.initial_count, 0);
	assert_memory_equal(first_frame.data, "data", 4);
	run_for(30 * MS);
	assert_int_equal(n_seen, 0);     /* not by the loop */
	told_sent = 3;
	stats = stats_of(task);
	assert_true(stats.offloaded && stats.sent_known);
	assert_int_equal(stats.sent, 3);
	assert_int_equal(evcan_cyclic_modify(task, &frame, 1, NULL), 0);
	assert_memory_equal(first_frame.data, "other", 5);
	assert_int_equal(evcan_cyclic_stop(task), 0);
	assert_int_equal(stops, 1);
	assert_int_equal(stopped_number, job.number);
	stats = stats_of(task);
	assert_false(stats.offloaded);
	assert_int_equal(stats.sent, 3);
	told_sent = 0;
	start_task(task);
	assert_int_equal(stats_of(task).sent, 0);
	assert_true(job.number != stopped_number);
	evcan_cyclic_free(task);
	assert_int_equal(stops, 2);
}

static void
what_a_device_is_told(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = 10 * MS,
	    .count = 7 };
	struct evcan_cyclic *task = make_task(1, &config);

	(void)state;
	start_task(task);      /* one rate with an end */
	assert_int_equal(job.initial_count, 7);
	assert_int_equal(job.initial_period_ns, 10 * MS);
	assert_int_equal(job.period_ns, 0);
	evcan_cyclic_free(task);
	config.count = 0;
	config.initial_count = 4;
	config.initial_period_ns = 2 * MS;
	task = make_task(1, &config);
	start_task(task);      /* two rates */
	assert_int_equal(job.initial_count, 4);
	assert_int_equal(job.initial_period_ns, 2 * MS);
	assert_int_equal(job.period_ns, 10 * MS);
	evcan_cyclic_free(task);
	config.duration_ns = 6 * MS + 1;
	task = make_task(1, &config);
	start_task(task);      /* the end lies within the first rate */
	assert_int_equal(job.initial_count, 4);
	assert_int_equal(job.initial_period_ns, 2 * MS);
	assert_int_equal(job.period_ns, 0);
	evcan_cyclic_free(task);
	assert_int_equal(starts, 3);
}

static void
no_modifier(struct evcan_cyclic *task, struct evcan_frame *frame,
    uint64_t number, void *arg)
{
	(void)task;
	(void)frame;
	(void)number;
	(void)arg;
}

static void
what_needs_the_loop(void **state)
{
	struct evcan_modifier modifier;
	struct evcan_error err = { .code = 0 };
	struct evcan_cyclic_config configs[] = {
		{ .period_ns = MS, .offload = EVCAN_OFFLOAD_NEVER },
		{ .period_ns = MS, .modifier = no_modifier },
		{ .period_ns = MS, .modifiers = &modifier,
		    .n_modifiers = 1 },
		{ .period_ns = MS, .initial_count = 2, .count = 20,
		    .initial_period_ns = 2 * MS },
	};
	struct evcan_frame frame = frame_of(1, "data");

	(void)state;
	assert_int_equal(evcan_modifier_parse(&modifier,
	    "counter:bit=0,width=8", &err), 0);
	for (size_t i = 0; i < 4; i++) {
		struct evcan_cyclic *task = make_task(1, &configs[i]);

		start_task(task);
		n_seen = 0;
		run_until_count(&n_seen, 3);
		assert_false(stats_of(task).offloaded);
		evcan_cyclic_free(task);
		if (i == 0)
			continue;
		configs[i].offload = EVCAN_OFFLOAD_ALWAYS;
		evcan_error_clear(&err);
		assert_null(evcan_cyclic_new(bus, &frame, 1, &configs[i],
		    &err));
		assert_int_equal(err.code, EVCAN_ERR_UNSUPPORTED);
		assert_non_null(strstr(err.text, "a device does not know"));
	}
	assert_int_equal(starts, 0);
}

static void
a_device_that_refuses(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = MS };
	struct evcan_cyclic *task = make_task(2, &config);
	struct evcan_error err = { .code = 0 };

	(void)state;
	answer = EVCAN_ERR_UNSUPPORTED;
	start_task(task);      /* the loop does it */
	run_until_count(&n_seen, 3);
	evcan_cyclic_stop(task);
	answer = EVCAN_ERR_NOMEM;
	assert_int_equal(evcan_cyclic_start(task, &err), EVCAN_ERR_NOMEM);
	assert_non_null(strstr(err.text, "the device says no"));
	assert_false(evcan_cyclic_running(task));
	answer = 0;
	start_task(task);
	evcan_cyclic_free(task);
	config.offload = EVCAN_OFFLOAD_ALWAYS;
	task = make_task(2, &config);
	answer = EVCAN_ERR_UNSUPPORTED;
	evcan_error_clear(&err);
	assert_int_equal(evcan_cyclic_start(task, &err),
	    EVCAN_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "the device says no"));
	answer = 0;
	start_task(task);
	answer = EVCAN_ERR_OPERATION;
	{
		struct evcan_frame frame = frame_of(2, "zzz");
		size_t n;

		assert_int_equal(evcan_cyclic_modify(task, &frame, 1, NULL),
		    EVCAN_ERR_OPERATION);
		assert_memory_equal(evcan_cyclic_get_frames(task, &n)->data,
		    "data", 4);
	}
	evcan_cyclic_free(task);
}

static void
a_phase_is_waited_for_here(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = 10 * MS,
	    .phase_ns = 20 * MS, .count = 5 };
	struct evcan_cyclic *task = make_task(3, &config);
	int64_t start = evcan_now_monotonic(), end = start + GUARD_NS;

	(void)state;
	start_task(task);
	assert_int_equal(starts, 0);
	while (starts == 0) {
		assert_true(evcan_now_monotonic() < end);
		event_base_loop(base, EVLOOP_ONCE);
	}
	assert_true(evcan_now_monotonic() >= start + 20 * MS);
	assert_int_equal(job.initial_count, 5);
	evcan_cyclic_free(task);
	/* Refused by then: told, and the task stops. */
	config.offload = EVCAN_OFFLOAD_ALWAYS;
	config.phase_ns = MS;
	answer = EVCAN_ERR_UNSUPPORTED;
	task = make_task(3, &config);
	start_task(task);
	run_until_ended(task);
	assert_int_equal(errors, 1);
	assert_non_null(strstr(last_error.text, "the device says no"));
	evcan_cyclic_free(task);
	/* Or the loop goes on. */
	config.offload = EVCAN_OFFLOAD_AUTO;
	task = make_task(3, &config);
	start_task(task);
	run_until_ended(task);
	assert_int_equal(n_seen, 5);
	evcan_cyclic_free(task);
}

static void
a_device_that_is_done(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 10 * MS,
	    .count = 7 };
	struct evcan_cyclic *task = make_task(4, &config);

	(void)state;
	device.cyclic_sent = NULL;
	start_task(task);
	assert_false(stats_of(task).sent_known);
	evcan_driver_cyclic_done(bus, job.number + 1);   /* nobody's */
	assert_true(evcan_cyclic_running(task));
	evcan_driver_cyclic_done(bus, job.number);
	assert_int_equal(throughs, 0);     /* not from inside */
	run_until_ended(task);
	assert_int_equal(throughs, 1);
	assert_int_equal(stops, 0);
	assert_true(stats_of(task).sent_known);
	assert_int_equal(stats_of(task).sent, 7);
	/* Ended by hand before: nobody knows. */
	start_task(task);
	evcan_cyclic_stop(task);
	assert_false(stats_of(task).sent_known);
	evcan_cyclic_free(task);
}

static void
closing_and_freeing_stop_the_device(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 10 * MS };
	struct evcan_cyclic *task = make_task(5, &config);

	(void)state;
	start_task(task);
	evcan_bus_close(bus);
	assert_int_equal(stops, 1);
	assert_false(evcan_cyclic_running(task));
	run_for(MS);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	start_task(task);
	evcan_bus_free(bus);
	assert_int_equal(stops, 2);
	bus = open_bus(base, "virtual:cyclic");
	evcan_cyclic_free(task);
}

/* ---- gone, and back ---- */

static void
go(void)
{
	broken = true;
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "pulled out");
	turn(base);
	assert_int_equal(bus->phase, EVCAN_PHASE_GONE);
}

static void
run_until_failed(struct evcan_cyclic *task, uint64_t n)
{
	int64_t end = evcan_now_monotonic() + GUARD_NS;

	while (stats_of(task).failed < n) {
		assert_true(evcan_now_monotonic() < end);
		event_base_loop(base, EVLOOP_ONCE);
	}
}

static void
the_loop_keeps_its_grid(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 2 * MS,
	    .offload = EVCAN_OFFLOAD_NEVER };
	struct evcan_cyclic *task = make_task(6, &config);
	int64_t start = evcan_now_monotonic();
	struct evcan_cyclic_stats stats;
	uint64_t points;

	(void)state;
	start_task(task);
	run_until_count(&n_seen, 5);
	go();
	run_until_failed(task, 5);
	assert_true(evcan_cyclic_running(task));
	broken = false;
	run_until_count(&n_seen, n_seen + 5);
	stats = stats_of(task);
	evcan_cyclic_stop(task);
	for (int i = 0; i < 4; i++)
		turn(base);
	assert_int_equal(n_seen, stats.sent);
	/* As many points as the time has, and none early. */
	points = stats.sent + stats.failed;
	assert_true(seen_at[n_seen - 1] >= start +
	    (int64_t)(points - 1) * 2 * MS);
	assert_int_equal(errors + throughs, 0);
	evcan_cyclic_free(task);
}

static void
the_device_is_told_again(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = 2 * MS,
	    .count = 1000000 };
	struct evcan_cyclic *limited = make_task(7, &config), *endless;
	uint32_t number;
	int64_t end = evcan_now_monotonic() + GUARD_NS;

	(void)state;
	config.count = 0;
	endless = make_task(8, &config);
	start_task(endless);
	start_task(limited);
	number = job.number;
	run_for(20 * MS);
	told_sent = 10;
	go();
	assert_false(stats_of(limited).offloaded);
	run_until_failed(limited, 3);
	assert_int_equal(starts, 2);
	broken = false;
	while (starts < 4) {
		assert_true(evcan_now_monotonic() < end);
		event_base_loop(base, EVLOOP_ONCE);
	}
	assert_true(job.number > number);
	assert_true(stats_of(limited).offloaded);
	/* With what is left: not what was due before and while it was gone. */
	if (job.initial_count != 0)
		assert_in_range(job.initial_count, 1, 1000000 - 13);
	told_sent = 3;
	assert_int_equal(stats_of(limited).sent, 13);
	assert_int_equal(errors + throughs, 0);
	evcan_cyclic_free(limited);
	evcan_cyclic_free(endless);
}

static void
over_while_it_was_gone(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 2 * MS,
	    .count = 5 };
	struct evcan_cyclic *task = make_task(9, &config);
	struct evcan_cyclic *last = make_task(10, &config);

	(void)state;
	start_task(task);
	start_task(last);
	stall(20 * MS);
	go();      /* both were through by then, it never said so */
	assert_int_equal(starts, 2);
	run_until_ended(task);
	run_until_ended(last);
	assert_int_equal(throughs, 2);
	evcan_cyclic_free(task);
	evcan_cyclic_free(last);
}

static void
gone_for_good_stops(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 2 * MS };
	struct evcan_cyclic *task = make_task(11, &config);

	(void)state;
	bus->common.reopen = false;
	start_task(task);
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "pulled out");
	assert_true(evcan_cyclic_running(task));
	run_for(MS);
	assert_false(evcan_cyclic_running(task));
	assert_int_equal(errors + throughs, 0);
	evcan_cyclic_free(task);
}

/* The device goes while frames wait for room. */
static void
gone_while_it_was_full(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS,
	    .count = 60, .offload = EVCAN_OFFLOAD_NEVER };
	struct evcan_cyclic *tasks[6];
	uint64_t sent = 0, failed = 0;

	(void)state;
	bus->common.tx_queue_size = 4;
	evcan_bus_free(peer);
	peer = open_bus(base,
	    "virtual:cyclic,rx_queue_size=8,rx_patience=3600");
	for (uint32_t i = 0; i < 6; i++)
		start_task(tasks[i] = make_task(20 + i, &config));
	run_for(20 * MS);
	go();
	run_until_failed(tasks[0], 11);
	broken = false;
	evcan_bus_set_cb(peer, on_frames, NULL, NULL);
	for (int i = 0; i < 6; i++)
		run_until_ended(tasks[i]);
	for (int i = 0; i < 6; i++) {
		sent += stats_of(tasks[i]).sent;
		failed += stats_of(tasks[i]).failed;
		evcan_cyclic_free(tasks[i]);
	}
	assert_int_equal(sent + failed, 6 * 60);
	assert_true(failed > 10);
	assert_int_equal(throughs, 6);
	assert_int_equal(errors, 0);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, cyclic_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_device_sends),
		TEST(what_a_device_is_told),
		TEST(what_needs_the_loop),
		TEST(a_device_that_refuses),
		TEST(a_phase_is_waited_for_here),
		TEST(a_device_that_is_done),
		TEST(closing_and_freeing_stop_the_device),
		TEST(the_loop_keeps_its_grid),
		TEST(the_device_is_told_again),
		TEST(over_while_it_was_gone),
		TEST(gone_for_good_stops),
		TEST(gone_while_it_was_full)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

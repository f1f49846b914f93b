/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cyclic_calls.c - what call-backs of periodic sending may do */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cyclic_fixture.h"

static void
do_stop(struct evcan_cyclic *task)
{
	evcan_cyclic_stop(task);
}

static void
do_restart(struct evcan_cyclic *task)
{
	evcan_cyclic_stop(task);
	start_task(task);
}

static void
do_modify(struct evcan_cyclic *task)
{
	struct evcan_frame frame = frame_of(0x80, "new");

	assert_int_equal(evcan_cyclic_modify(task, &frame, 1, NULL), 0);
}

static void
do_close(struct evcan_cyclic *task)
{
	evcan_bus_close(evcan_cyclic_bus(task));
}

static struct evcan_bus **bus_to_free;

static void
do_free_bus(struct evcan_cyclic *task)
{
	evcan_bus_free(evcan_cyclic_bus(task));
	*bus_to_free = NULL;
}

static void
do_free_bus_and_task(struct evcan_cyclic *task)
{
	do_free_bus(task);
	evcan_cyclic_free(task);
}

static void
do_free_all(struct evcan_cyclic *task)
{
	evcan_bus_stop_all_periodic_tasks(evcan_cyclic_bus(task), true);
}

static void
do_start_another(struct evcan_cyclic *task)
{
	struct evcan_frame frame = frame_of(0x99, "x");

	assert_non_null(evcan_bus_send_periodic(evcan_cyclic_bus(task),
	    &frame, 1, MS, 3 * MS, NULL));
}

static void
do_process(struct evcan_cyclic *task)
{
	evcan_bus_process(evcan_cyclic_bus(task));
}

static const struct {
	void (*what)(struct evcan_cyclic *task);
	bool frees;          /* the task */
} deeds[] = {
	{ do_stop, false },
	{ do_restart, false },
	{ do_modify, false },
	{ do_close, false },
	{ evcan_cyclic_free, true },
	{ do_free_bus, false },
	{ do_free_bus_and_task, true },
	{ do_free_all, false },
	{ do_start_another, false },
	{ do_process, false },
};

#define DEEDS (sizeof(deeds) / sizeof(deeds[0]))

static size_t deed;
static size_t deeds_done;

static void
modifier_does(struct evcan_cyclic *task, struct evcan_frame *frame,
    uint64_t number, void *arg)
{
	(void)frame;
	(void)arg;
	if (number == 1 && deeds_done++ == 0)
		deeds[deed].what(task);
}

static void
cb_does(struct evcan_cyclic *task, const struct evcan_error *err, void *arg)
{
	(void)err;
	(void)arg;
	if (deeds_done++ == 0)
		deeds[deed].what(task);
}

/* Between others that its bus owns, some of them in the same batch. */
static void
with_company(struct evcan_bus *of, struct evcan_cyclic *task)
{
	struct evcan_frame frame = frame_of(0x81, "x");

	for (int i = 0; i < 5; i++)
		assert_non_null(evcan_bus_send_periodic(of, &frame, 1, MS, 0,
		    NULL));
	start_task(task);
	for (int i = 0; i < 5; i++)
		assert_non_null(evcan_bus_send_periodic(of, &frame, 1, MS,
		    4 * MS, NULL));
}

enum where { IN_MODIFIER, AT_END, AT_ERROR, PLACES };

/* @return the task, unless the deed frees it */
static struct evcan_cyclic *
prepare(struct evcan_bus *of, enum where where)
{
	struct evcan_cyclic_config config = { .period_ns = MS,
	    .on_error = EVCAN_ON_ERROR_CONTINUE };
	struct evcan_frame frame = frame_of(0x80, "x");
	struct evcan_cyclic *task;
	size_t n;

	if (where == IN_MODIFIER)
		config.modifier = modifier_does;
	if (where == AT_END)
		config.count = 3;
	task = evcan_cyclic_new(of, &frame, 1, &config, NULL);
	assert_non_null(task);
	if (where != IN_MODIFIER)
		evcan_cyclic_set_cb(task, cb_does, NULL);
	with_company(of, task);
	if (where == AT_ERROR)
		((struct evcan_frame *)evcan_cyclic_get_frames(task,
		    &n))->dlc = 77;
	deeds_done = 0;
	return task;
}

static void
anything_goes_in_call_backs(void **state)
{
	(void)state;
	for (int where = 0; where < PLACES; where++) {
		for (deed = 0; deed < DEEDS; deed++) {
			struct evcan_cyclic *task;

			if (bus == NULL || !evcan_bus_is_open(bus)) {
				evcan_bus_free(bus);
				bus = open_bus(base, "virtual:cyclic");
			}
			bus_to_free = &bus;
			task = prepare(bus, (enum where)where);
			run_until_count(&deeds_done, 1);
			run_for(4 * MS);
			if (!deeds[deed].frees)
				evcan_cyclic_free(task);
			if (bus != NULL)
				evcan_bus_stop_all_periodic_tasks(bus, true);
		}
	}
	if (bus == NULL)
		bus = open_bus(base, "virtual:cyclic");
}

static void
anything_goes_without_a_loop(void **state)
{
	struct evcan_bus *lone = NULL;

	(void)state;
	for (int where = 0; where < PLACES; where++) {
		for (deed = 0; deed < DEEDS; deed++) {
			int64_t end = evcan_now_monotonic() + GUARD_NS;
			struct evcan_cyclic *task;

			if (lone == NULL || !evcan_bus_is_open(lone)) {
				evcan_bus_free(lone);
				lone = open_bus(NULL, "virtual:cyclic");
			}
			bus_to_free = &lone;
			task = prepare(lone, (enum where)where);
			while (deeds_done == 0 && lone != NULL) {
				struct evcan_frame frame;

				assert_true(evcan_now_monotonic() < end);
				evcan_bus_recv_wait(lone, &frame, 1, 1);
			}
			if (!deeds[deed].frees)
				evcan_cyclic_free(task);
			if (lone != NULL)
				evcan_bus_stop_all_periodic_tasks(lone,
				    true);
		}
	}
	evcan_bus_free(lone);
}

/* One task's call-back stops and frees others whose frames lie in the same
 * batch before and behind its own. */
static struct evcan_cyclic *row[7];

static void
end_the_row(struct evcan_cyclic *task, struct evcan_frame *frame,
    uint64_t number, void *arg)
{
	(void)task;
	(void)frame;
	(void)number;
	(void)arg;
	assert_int_equal(evcan_cyclic_stop(row[0]), 0);
	evcan_cyclic_free(row[1]);
	evcan_cyclic_free(row[5]);
	row[1] = row[5] = NULL;
}

static void
frames_of_ended_tasks_are_not_sent(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = 3600 * 1000 * MS };

	(void)state;
	for (uint32_t i = 0; i < 7; i++) {
		config.modifier = i == 3 ? end_the_row : NULL;
		row[i] = make_task(i, &config);
	}
	for (int i = 0; i < 7; i++)
		start_task(row[i]);
	run_until_count(&n_seen, 4);
	run_for(2 * MS);
	assert_int_equal(n_seen, 4);
	assert_int_equal(seen[0].id, 2);
	assert_int_equal(seen[1].id, 3);
	assert_int_equal(seen[2].id, 4);
	assert_int_equal(seen[3].id, 6);
	for (int i = 0; i < 7; i++)
		evcan_cyclic_free(row[i]);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, cyclic_setup, cyclic_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(anything_goes_in_call_backs),
		TEST(anything_goes_without_a_loop),
		TEST(frames_of_ended_tasks_are_not_sent)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

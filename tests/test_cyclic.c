/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cyclic.c - periodic sending by the loop */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <evcan/modifier.h>
#include <evcan/options.h>

#include "bus_internal.h"
#include "cyclic_grid.h"
#include "cyclic_fixture.h"

/* ---- the grid ---- */

static void
points_are_counted(void **state)
{
	static const struct {
		struct evcan_cyclic_config config;
		uint64_t points;
	} rows[] = {
		{ { .period_ns = 10 * MS }, EVCAN_GRID_ENDLESS_ },
		{ { .period_ns = 10 * MS, .count = 7 }, 7 },
		{ { .period_ns = 10 * MS, .duration_ns = 1 }, 1 },
		{ { .period_ns = 10 * MS, .duration_ns = 10 * MS }, 1 },
		{ { .period_ns = 10 * MS, .duration_ns = 10 * MS + 1 }, 2 },
		{ { .period_ns = 10 * MS, .duration_ns = 95 * MS }, 10 },
		{ { .period_ns = 10 * MS, .duration_ns = 100 * MS }, 10 },
		{ { .period_ns = 10 * MS, .duration_ns = 95 * MS,
		    .count = 3 }, 3 },
		{ { .period_ns = 10 * MS, .duration_ns = 25 * MS,
		    .count = 30 }, 3 },
		{ { .period_ns = 1000, .duration_ns = INT64_MAX },
		    9223372036854776 },
		/* 0 1 2 12 22 ... */
		{ { .period_ns = 10 * MS, .initial_count = 3,
		    .initial_period_ns = MS }, EVCAN_GRID_ENDLESS_ },
		{ { .period_ns = 10 * MS, .initial_count = 3,
		    .initial_period_ns = MS, .duration_ns = 2 * MS }, 2 },
		{ { .period_ns = 10 * MS, .initial_count = 3,
		    .initial_period_ns = MS, .duration_ns = 2 * MS + 1 }, 3 },
		{ { .period_ns = 10 * MS, .initial_count = 3,
		    .initial_period_ns = MS, .duration_ns = 12 * MS }, 3 },
		{ { .period_ns = 10 * MS, .initial_count = 3,
		    .initial_period_ns = MS, .duration_ns = 22 * MS + 1 }, 5 },
		/* 0 10 20 21 22 ... */
		{ { .period_ns = MS, .initial_count = 3,
		    .initial_period_ns = 10 * MS, .duration_ns = 23 * MS },
		    5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(evcan_grid_points_(&rows[i].config),
		    rows[i].points);
}

static void
a_leap_is_as_many_steps(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 10,
	    .initial_count = 5, .initial_period_ns = 3, .count = 20 };
	struct evcan_grid_ step, leap;

	(void)state;
	for (int64_t until = 0; until < 300; until++) {
		uint64_t steps = 0;

		evcan_grid_begin_(&step, &config, 1);
		leap = step;
		for (;;) {
			struct evcan_grid_ next = step;

			evcan_grid_step_(&next);
			if (next.left == 0 || next.due_ns > until)
				break;
			step = next;
			steps++;
		}
		assert_int_equal(evcan_grid_leap_(&leap, until), steps);
		assert_int_equal(leap.due_ns, step.due_ns);
		assert_int_equal(leap.left, step.left);
		assert_int_equal(leap.initial_left, step.initial_left);
	}
	/* A year behind is one division away. */
	evcan_grid_begin_(&leap, &(struct evcan_cyclic_config){
	    .period_ns = 1000 }, 0);
	assert_int_equal(evcan_grid_leap_(&leap, INT64_C(31536000000000999)),
	    31536000000000);
	assert_int_equal(leap.due_ns, INT64_C(31536000000000000));
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
spread_is_even_at_each_count(void **state)
{
	static const unsigned counts[] = { 2, 3, 10, 100, 1000 };
	int64_t phases[1000], widest;

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		unsigned n = counts[c];

		for (unsigned i = 0; i < n; i++) {
			int64_t now = 12345678 + i * 777;
			int64_t at = evcan_grid_spread_(i, 10 * MS, now);

			assert_true(at >= now && at < now + 10 * MS);
			phases[i] = at % (10 * MS);
		}
		qsort(phases, n, sizeof(phases[0]), compare);
		widest = phases[0] + 10 * MS - phases[n - 1];
		for (unsigned i = 1; i < n; i++) {
			if (phases[i] - phases[i - 1] > widest)
				widest = phases[i] - phases[i - 1];
		}
		/* The golden ratio's promise. */
		assert_true(widest <= 2 * 10 * MS / n);
	}
}

/* ---- sending ---- */

static void
limited_ones_send_exactly(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 2 * MS,
	    .duration_ns = 39 * MS };
	struct evcan_cyclic *task = make_task(0x123, &config);
	int64_t start;

	(void)state;
	for (int round = 1; round <= 2; round++) {
		n_seen = 0;
		start = evcan_now_monotonic();
		start_task(task);
		assert_true(evcan_cyclic_running(task));
		assert_int_equal(evcan_cyclic_start(task, NULL),
		    EVCAN_ERR_STATE);
		run_until_ended(task);
		assert_int_equal(n_seen, 20);
		for (int i = 0; i < 20; i++)
			assert_true(seen_at[i] >= start + i * 2 * MS);
		assert_int_equal(throughs, round);
		assert_int_equal(stats_of(task).sent, 20);
		assert_int_equal(stats_of(task).failed, 0);
		assert_int_equal(stats_of(task).skipped, 0);
		assert_true(stats_of(task).sent_known);
		assert_false(stats_of(task).offloaded);
	}
	assert_int_equal(errors, 0);
	assert_int_equal(evcan_cyclic_stop(task), EVCAN_ERR_STATE);
	evcan_cyclic_free(task);
}

static void
the_first_goes_at_once_or_after_its_phase(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = 3600 * 1000 * MS };
	struct evcan_cyclic *now = make_task(1, &config), *later, *other;
	int64_t start;

	(void)state;
	config.phase_ns = 30 * MS;
	later = make_task(2, &config);
	config.phase_ns = 0;
	config.spread = true;
	config.period_ns = 20 * MS;
	other = make_task(3, &config);
	start = evcan_now_monotonic();
	start_task(later);
	start_task(now);
	assert_int_equal(n_seen, 0);      /* never from inside */
	run_until_count(&n_seen, 2);
	assert_int_equal(seen[0].id, 1);
	assert_int_equal(seen[1].id, 2);
	assert_true(seen_at[1] >= start + 30 * MS);
	start_task(other);
	run_until_count(&n_seen, 4);
	assert_true(stats_of(other).sent >= 2);
	evcan_cyclic_free(now);
	evcan_cyclic_free(later);
	evcan_cyclic_free(other);
}

static void
two_rates(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 20 * MS,
	    .initial_count = 4, .initial_period_ns = 2 * MS, .count = 7 };
	static const int64_t grid[] = { 0, 2, 4, 6, 26, 46, 66 };
	struct evcan_cyclic *task = make_task(0x10, &config);
	int64_t start = evcan_now_monotonic();

	(void)state;
	start_task(task);
	run_until_ended(task);
	assert_int_equal(n_seen, 7);
	for (size_t i = 0; i < 7; i++)
		assert_true(seen_at[i] >= start + grid[i] * MS);
	evcan_cyclic_free(task);
}

static void
sequences_take_turns_and_are_modified(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS };
	struct evcan_frame frames[3] = { frame_of(5, "a"),
	    frame_of(5, "bb"), frame_of(5, "ccc") };
	struct evcan_frame news[3] = { frame_of(5, "A123"),
	    frame_of(5, "B"), frame_of(5, "C2") };
	struct evcan_error err = { .code = 0 };
	struct evcan_cyclic *task = evcan_cyclic_new(bus, frames, 3, &config,
	    &err);
	static const size_t new_lengths[] = { 4, 1, 2 };
	size_t n;

	(void)state;
	assert_non_null(task);
	start_task(task);
	run_until_count(&n_seen, 7);
	assert_int_equal(evcan_cyclic_modify(task, news, 3, &err), 0);
	n = n_seen;
	run_until_count(&n_seen, 40);
	assert_int_equal(evcan_cyclic_stop(task), 0);
	for (size_t i = 0; i < 40; i++) {
		bool old = seen[i].data[0] >= 'a';

		assert_int_equal(seen[i].data[0], (old ? "abc" : "ABC")[i %
		    3]);
		assert_int_equal(seen[i].len, old ? i % 3 + 1 :
		    new_lengths[i % 3]);
		assert_true(old || i >= n);
		/* Once new, always new. */
		assert_true(!old || i == 0 || seen[i - 1].data[0] >= 'a');
	}
	/* Stopped: modified all the same. */
	assert_int_equal(evcan_cyclic_modify(task, frames, 3, &err), 0);
	assert_string_equal((const char *)evcan_cyclic_get_frames(task,
	    &n)[2].data, "ccc");
	assert_int_equal(n, 3);
	n_seen = 0;
	start_task(task);
	run_until_count(&n_seen, 1);
	assert_int_equal(seen[0].data[0], 'a');   /* the turn begins anew */
	evcan_cyclic_free(task);
}

/* ---- modified while it runs ---- */

static uint32_t last_value;
static size_t n_values;

static void
whole_and_in_order(struct evcan_bus *from, const struct evcan_frame *frames,
    size_t n, void *arg)
{
	(void)from;
	(void)arg;
	for (size_t i = 0; i < n; i++, n_values++) {
		uint32_t halves[2];

		memcpy(halves, frames[i].data, 8);
		assert_int_equal(halves[0], halves[1]);
		assert_true(halves[0] >= last_value);
		last_value = halves[0];
	}
}

static void
modifications_are_never_torn_nor_doubled(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 50000 };
	struct evcan_frame frame = frame_of(6, "12345678");
	struct evcan_cyclic *task;
	int64_t start;
	size_t points;

	(void)state;
	last_value = 0;
	n_values = 0;
	memset(frame.data, 0, 8);
	evcan_bus_set_cb(peer, whole_and_in_order, NULL, NULL);
	task = evcan_cyclic_new(bus, &frame, 1, &config, NULL);
	assert_non_null(task);
	start = evcan_now_monotonic();
	start_task(task);
	for (uint32_t k = 1; k <= 100000; k++) {
		memcpy(frame.data, &k, 4);
		memcpy(frame.data + 4, &k, 4);
		assert_int_equal(evcan_cyclic_modify(task, &frame, 1, NULL),
		    0);
		if (k % 8 == 0)
			turn(base);
	}
	assert_int_equal(evcan_cyclic_stop(task), 0);
	points = (size_t)((evcan_now_monotonic() - start) / 50000) + 1;
	for (int i = 0; i < 4; i++)
		turn(base);
	assert_true(n_values > 10);
	assert_int_equal(n_values, stats_of(task).sent);
	assert_true(n_values <= points);
	evcan_cyclic_free(task);
}

static void
wrong_modifications_change_nothing(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS };
	struct evcan_cyclic *task = make_task(7, &config);
	struct evcan_frame two[2] = { frame_of(7, "x"), frame_of(7, "y") };
	struct evcan_frame other = frame_of(8, "x"), bad = frame_of(7, "x");
	struct evcan_frame channel = frame_of(7, "x"), extended;
	struct evcan_error err = { .code = 0 };
	size_t n;

	(void)state;
	extended = channel;
	extended.flags |= EVCAN_FRAME_EXT;
	channel.channel = 9;
	bad.len = 60;
	assert_int_equal(evcan_cyclic_modify(task, two, 2, &err),
	    EVCAN_ERR_INVALID);
	assert_non_null(strstr(err.text, "1 frames"));
	assert_int_equal(evcan_cyclic_modify(task, two, 0, NULL),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_cyclic_modify(task, &other, 1, NULL),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_cyclic_modify(task, &extended, 1, NULL),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_cyclic_modify(task, &channel, 1, NULL),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_cyclic_modify(task, &bad, 1, NULL),
	    EVCAN_ERR_INVALID);
	assert_memory_equal(evcan_cyclic_get_frames(task, &n)->data, "data",
	    4);
	evcan_cyclic_free(task);
}

/* ---- what is refused ---- */

static void
refuse(const struct evcan_frame *frames, size_t n,
    const struct evcan_cyclic_config *config, int code, const char *word)
{
	struct evcan_error err = { .code = 0 };

	assert_null(evcan_cyclic_new(bus, frames, n, config, &err));
	assert_int_equal(err.code, code);
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}

static void
bad_configurations(void **state)
{
	static const struct {
		struct evcan_cyclic_config config;
		const char *word;
		int code;
	} rows[] = {
		{ { .period_ns = 0 }, "period of 0 ns", 0 },
		{ { .period_ns = -1 }, "period of -1 ns", 0 },
		{ { .period_ns = 999 }, "1 us", 0 },
		{ { .period_ns = INT64_MAX }, "one year", 0 },
		{ { .period_ns = MS, .duration_ns = -1 }, "duration", 0 },
		{ { .period_ns = MS, .phase_ns = -1 }, "phase", 0 },
		{ { .period_ns = MS, .phase_ns = 1, .spread = true },
		    "not both", 0 },
		{ { .period_ns = MS, .initial_count = 1 },
		    "without an initial period", 0 },
		{ { .period_ns = MS, .initial_period_ns = MS },
		    "without an initial count", 0 },
		{ { .period_ns = MS, .initial_count = 1,
		    .initial_period_ns = -5 }, "initial period of -5", 0 },
		{ { .period_ns = MS, .initial_count = 5, .count = 4,
		    .initial_period_ns = MS }, "less than", 0 },
		{ { .period_ns = MS, .offload = EVCAN_OFFLOAD_ALWAYS },
		    "does not send by itself", EVCAN_ERR_UNSUPPORTED },
	};
	struct evcan_frame frame = frame_of(1, "x");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuse(&frame, 1, &rows[i].config, rows[i].code != 0 ?
		    rows[i].code : EVCAN_ERR_INVALID, rows[i].word);
}

static void
bad_frames(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS };
	struct evcan_frame f[2] = { frame_of(1, "x"), frame_of(2, "x") };
	struct evcan_cyclic_config far = config;
	struct evcan_modifier modifier;
	struct evcan_error err = { .code = 0 };

	(void)state;
	refuse(f, 0, &config, EVCAN_ERR_INVALID, "at least one frame");
	refuse(f, 2, &config, EVCAN_ERR_INVALID, "one identifier");
	f[1].id = 1;
	f[1].flags = EVCAN_FRAME_EXT;
	refuse(f, 2, &config, EVCAN_ERR_INVALID, "one format");
	f[1].flags = 0;
	f[1].channel = 3;
	refuse(f, 2, &config, EVCAN_ERR_INVALID, "one channel");
	f[0].len = 9;
	refuse(f, 1, &config, EVCAN_ERR_INVALID, "9 data bytes");
	f[0] = frame_of(1, "x");
	bus->mode = EVCAN_MODE_LISTEN_ONLY;
	refuse(f, 1, &config, EVCAN_ERR_INVALID, "listen-only");
	bus->mode = EVCAN_MODE_NORMAL;
	assert_int_equal(evcan_modifier_parse(&modifier,
	    "counter:bit=56,width=4", &err), 0);
	far.modifiers = &modifier;
	far.n_modifiers = 1;
	refuse(f, 1, &far, EVCAN_ERR_INVALID, "frame 1 ");
}

static void
a_closed_bus_starts_nothing(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS };
	struct evcan_bus *closed = evcan_bus_new_spec(base, "virtual:no",
	    NULL);
	struct evcan_frame frame = frame_of(1, "x");
	struct evcan_error err = { .code = 0 };
	struct evcan_cyclic *task = evcan_cyclic_new(closed, &frame, 1,
	    &config, &err);

	(void)state;
	assert_non_null(task);
	assert_int_equal(evcan_cyclic_start(task, &err), EVCAN_ERR_STATE);
	assert_non_null(strstr(err.text, "not open"));
	assert_null(evcan_bus_send_periodic(closed, &frame, 1, MS, 0, NULL));
	assert_ptr_equal(evcan_bus_cyclic(closed, 0), task);
	assert_null(evcan_bus_cyclic(closed, 1));
	evcan_bus_free(closed);
	/* Its caller's, it outlives the bus. */
	assert_null(evcan_cyclic_bus(task));
	evcan_error_clear(&err);
	assert_int_equal(evcan_cyclic_start(task, &err), EVCAN_ERR_STATE);
	assert_int_equal(evcan_cyclic_modify(task, &frame, 1, NULL), 0);
	assert_int_equal(stats_of(task).sent, 0);
	evcan_cyclic_free(task);
	evcan_cyclic_free(NULL);
}

/* ---- many of a bus ---- */

static void
stop_all_with_and_without_forgetting(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS };
	struct evcan_frame frame = frame_of(0x20, "x");
	struct evcan_cyclic *own = make_task(0x21, &config);
	struct evcan_cyclic *stored = evcan_bus_send_periodic(bus, &frame, 1,
	    MS, 0, NULL);

	(void)state;
	assert_non_null(stored);
	assert_true(evcan_cyclic_running(stored));
	assert_true(evcan_cyclic_get_config(stored)->store);
	assert_ptr_equal(evcan_cyclic_bus(stored), bus);
	start_task(own);
	run_until_count(&n_seen, 10);
	evcan_bus_stop_all_periodic_tasks(bus, false);
	assert_false(evcan_cyclic_running(own));
	assert_false(evcan_cyclic_running(stored));
	for (int i = 0; i < 4; i++)
		turn(base);
	n_seen = 0;
	run_for(5 * MS);
	assert_int_equal(n_seen, 0);
	assert_ptr_equal(evcan_bus_cyclic(bus, 1), stored);
	start_task(stored);
	run_until_count(&n_seen, 3);
	evcan_bus_stop_all_periodic_tasks(bus, true);
	assert_ptr_equal(evcan_bus_cyclic(bus, 0), own);
	assert_null(evcan_bus_cyclic(bus, 1));
	evcan_cyclic_free(own);
	assert_null(evcan_bus_cyclic(bus, 0));
	evcan_bus_stop_all_periodic_tasks(bus, true);
}

static void
all_of_many_keep_their_periods(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 5 * MS,
	    .count = 10, .spread = true, .store = true };
	enum { MANY = 1000 };
	static unsigned of_id[MANY];
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++)
		start_task(make_task((uint32_t)i, &config));
	for (i = 0; i < MANY; i++)
		assert_non_null(evcan_bus_cyclic(bus, i));
	run_until_count(&n_seen, MANY * 10);
	run_for(10 * MS);
	assert_int_equal(n_seen, MANY * 10);
	assert_int_equal(throughs, MANY);
	for (i = 0; i < n_seen; i++)
		of_id[seen[i].id]++;
	for (i = 0; i < MANY; i++)
		assert_int_equal(of_id[i], 10);
	/* Together: by far fewer turns than frames. */
	assert_true(peer->stats.wakeups < n_seen / 2);
}

/* ---- modifiers ---- */

static uint64_t next_number;

static void
count_up(struct evcan_cyclic *task, struct evcan_frame *frame,
    uint64_t number, void *arg)
{
	(void)task;
	assert_ptr_equal(arg, &next_number);
	assert_int_equal(number, next_number++);
	frame->data[0]++;     /* accumulates */
}

static void
a_modifier_is_called_for_each_send(void **state)
{
	struct evcan_modifier modifiers[2];
	struct evcan_cyclic_config config = { .period_ns = MS, .count = 20,
	    .modifier = count_up, .modifier_arg = &next_number,
	    .modifiers = modifiers, .n_modifiers = 2 };
	struct evcan_error err = { .code = 0 };
	struct evcan_cyclic *task;

	(void)state;
	next_number = 0;
	assert_int_equal(evcan_modifier_parse(&modifiers[0],
	    "counter:bit=8,width=4", &err), 0);
	assert_int_equal(evcan_modifier_parse(&modifiers[1],
	    "xor:byte=3", &err), 0);
	task = make_task(0x60, &config);
	memset(modifiers, 0xff, sizeof(modifiers));   /* it has a copy */
	start_task(task);
	run_until_ended(task);
	assert_int_equal(n_seen, 20);
	for (size_t i = 0; i < 20; i++) {
		const uint8_t *data = seen[i].data;

		assert_int_equal(data[0], 'd' + 1 + i);
		assert_int_equal(data[1] & 15, i & 15);
		assert_int_equal(data[3], data[0] ^ data[1] ^ data[2]);
	}
	evcan_cyclic_free(task);
}

static void
change_identifier(struct evcan_cyclic *task, struct evcan_frame *frame,
    uint64_t number, void *arg)
{
	(void)task;
	(void)arg;
	if (number == 2)
		frame->id = 0x7ff;
	frame->data[0] = (uint8_t)number;
}

static void
stop_at_ten(struct evcan_cyclic *task, struct evcan_frame *frame,
    uint64_t number, void *arg)
{
	(void)frame;
	(void)arg;
	if (number == 10)
		evcan_cyclic_stop(task);
}

/* Also when it catches up, all ten in one turn. */
static void
a_modifier_that_stops_has_seen_the_others_go(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = MS,
	    .modifier = stop_at_ten };
	struct evcan_cyclic *task = make_task(0x62, &config);

	(void)state;
	start_task(task);
	stall(20 * MS);
	run_until_ended(task);
	assert_int_equal(n_seen, 10);
	assert_int_equal(stats_of(task).sent, 10);
	evcan_cyclic_free(task);
}

static void
a_modifier_must_not_change_the_identifier(void **state)
{
	struct evcan_cyclic_config config = { .period_ns = MS, .count = 5,
	    .modifier = change_identifier };
	struct evcan_cyclic *task = make_task(0x61, &config);

	(void)state;
	start_task(task);
	run_until_ended(task);
	assert_int_equal(n_seen, 2);
	assert_int_equal(errors, 1);
	assert_non_null(strstr(last_error.text, "identifier"));
	evcan_cyclic_free(task);
	config.on_error = EVCAN_ON_ERROR_CONTINUE;
	task = make_task(0x61, &config);
	start_task(task);
	run_until_ended(task);
	assert_int_equal(n_seen, 2 + 4);
	for (size_t i = 0; i < n_seen; i++)
		assert_int_equal(seen[i].id, 0x61);
	assert_int_equal(stats_of(task).failed, 1);
	assert_int_equal(throughs, 1);
	evcan_cyclic_free(task);
}

/* ---- closing ---- */

static void
closing_stops_without_a_word(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = MS };
	struct evcan_cyclic *task = make_task(0xa0, &config);

	(void)state;
	start_task(task);
	run_until_count(&n_seen, 3);
	assert_int_equal(evcan_bus_close(bus), 0);
	assert_false(evcan_cyclic_running(task));
	assert_int_equal(evcan_cyclic_start(task, NULL), EVCAN_ERR_STATE);
	run_for(3 * MS);
	assert_int_equal(errors + throughs, 0);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	n_seen = 0;
	start_task(task);
	run_until_count(&n_seen, 3);
	evcan_cyclic_free(task);
}

/* ---- without a loop ---- */

static void
without_a_loop(void **state)
{
	struct evcan_bus *lone = open_bus(NULL, "virtual:cyclic");
	struct evcan_frame frame = frame_of(0xb0, "x");
	struct evcan_frame got[64];
	struct evcan_cyclic *task;
	int64_t start = evcan_now_monotonic(), end = start + GUARD_NS;

	(void)state;
	evcan_bus_process(lone);      /* tells that it is open */
	assert_int_equal(evcan_bus_timeout(lone), -1);
	task = evcan_bus_send_periodic(lone, &frame, 1, 2 * MS, 20 * MS,
	    NULL);
	assert_non_null(task);
	assert_in_range(evcan_bus_timeout(lone), 0, 1);
	while (evcan_cyclic_running(task)) {
		assert_true(evcan_now_monotonic() < end);
		assert_true(evcan_bus_timeout(lone) >= 0);
		evcan_bus_recv_wait(lone, got, 64, 10);
	}
	run_until_count(&n_seen, 10);
	assert_true(evcan_now_monotonic() >= start + 18 * MS);
	assert_int_equal(stats_of(task).sent, 10);
	/* Frames that keep coming do not hold it up. Nobody reads the third
	 * bus of the channel. */
	evcan_bus_free(bus);
	bus = NULL;
	n_seen = 0;
	start_task(task);
	while (evcan_cyclic_running(task)) {
		assert_true(evcan_now_monotonic() < end);
		assert_true(evcan_bus_send(peer, &frame, 1) > 0);
		assert_int_equal(evcan_bus_recv_wait(lone, got, 1, -1), 1);
	}
	run_until_count(&n_seen, 10);
	evcan_bus_free(lone);
}

/* ---- options ---- */

static struct evcan_cyclic_config
fill(const char *const *pairs, int code, const char *word)
{
	struct evcan_cyclic_config config = { .store = true };
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { .code = 0 };

	for (; *pairs != NULL; pairs++)
		assert_int_equal(evcan_options_set_pair(options, *pairs, NULL,
		    NULL), 0);
	assert_int_equal(evcan_cyclic_config_fill(&config, options, &err),
	    code);
	if (word != NULL)
		assert_non_null(strstr(err.text, word));
	evcan_options_free(options);
	return config;
}

static void
options_fill_a_configuration(void **state)
{
	struct evcan_cyclic_config config = fill((const char *const[]){
	    "period=0.0000015", "duration=1.5", "count=7",
	    "initial_count=3", "initial_period=0.02", "phase=0.1",
	    "spread=true", "late=skip", "on_error=continue",
	    "offload=always", NULL }, 0, NULL);

	(void)state;
	assert_int_equal(config.period_ns, 1500);
	assert_int_equal(config.duration_ns, 1500 * MS);
	assert_int_equal(config.count, 7);
	assert_int_equal(config.initial_count, 3);
	assert_int_equal(config.initial_period_ns, 20 * MS);
	assert_int_equal(config.phase_ns, 100 * MS);
	assert_true(config.spread && config.store);
	assert_int_equal(config.late, EVCAN_LATE_SKIP);
	assert_int_equal(config.on_error, EVCAN_ON_ERROR_CONTINUE);
	assert_int_equal(config.offload, EVCAN_OFFLOAD_ALWAYS);
	config = fill((const char *const[]){ "period=0.01", NULL }, 0, NULL);
	assert_int_equal(config.period_ns, 10 * MS);
	assert_int_equal(config.late, EVCAN_LATE_CATCH_UP);
	assert_int_equal(config.offload, EVCAN_OFFLOAD_AUTO);
	fill((const char *const[]){ "count=1", NULL }, EVCAN_ERR_INVALID,
	    "period");
	fill((const char *const[]){ "period=0", NULL }, EVCAN_ERR_INVALID,
	    "period");
	fill((const char *const[]){ "period=-1", NULL }, EVCAN_ERR_INVALID,
	    "period");
	fill((const char *const[]){ "period=1", "late=never", NULL },
	    EVCAN_ERR_INVALID, "catch_up");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, cyclic_setup, cyclic_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_are_counted),
		cmocka_unit_test(a_leap_is_as_many_steps),
		cmocka_unit_test(spread_is_even_at_each_count),
		TEST(limited_ones_send_exactly),
		TEST(the_first_goes_at_once_or_after_its_phase),
		TEST(two_rates),
		TEST(sequences_take_turns_and_are_modified),
		TEST(modifications_are_never_torn_nor_doubled),
		TEST(wrong_modifications_change_nothing),
		TEST(bad_configurations),
		TEST(bad_frames),
		TEST(a_closed_bus_starts_nothing),
		TEST(stop_all_with_and_without_forgetting),
		TEST(all_of_many_keep_their_periods),
		TEST(a_modifier_is_called_for_each_send),
		TEST(a_modifier_that_stops_has_seen_the_others_go),
		TEST(a_modifier_must_not_change_the_identifier),
		TEST(closing_stops_without_a_word),
		TEST(without_a_loop),
		cmocka_unit_test(options_fill_a_configuration)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_cyclic.c - one suite of periodic work, in the loop and by devices
 *
 * usage: conform_cyclic [SPEC_A SPEC_B] [--device | --loop] [--fd] [--paced]
 *            [--no-device] [--vm]
 *
 * Tasks send on A, and B counts; B watches for changes, and A makes them.
 * --device: the device must do it, --loop: it must not; neither: as evcan
 * likes. --fd: both buses carry CAN FD. --paced: emulated hardware, which
 * overruns when it is flooded. --no-device: this kernel has no broadcast
 * manager. --vm: instead, sets the system's time and
 * removes the link vcan0: only where nobody minds. Public API only. */
#include "conform_cyclic.h"

/* How late a frame may be: only to tell "late" from "never". */
#define LATE_NS (SOON * MS / 2)
/* How far two clocks read one after the other are apart, at most. */
#define CLOCKS_NS (MS / 5)

struct conform cy = {
	.spec_a = "virtual:cyclic", .spec_b = "virtual:cyclic",
	.offload = EVCAN_OFFLOAD_AUTO
};

/* The buses, and what came. */

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	int64_t now = evcan_now_monotonic();

	(void)bus;
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		if (frames[i].flags & EVCAN_FRAME_ERR)
			continue;
		if (cy.n_seen == cy.size_seen) {
			cy.size_seen = cy.size_seen * 2 + 64;
			cy.seen = realloc(cy.seen,
			    cy.size_seen * sizeof(*cy.seen));
			assert_non_null(cy.seen);
		}
		cy.seen[cy.n_seen++] = (struct conform_seen){ frames[i],
		    now };
	}
	if (cy.n_seen >= cy.wanted && cy.wanted > 0)
		event_base_loopbreak(cy.base);
}

void
conform_run(int64_t ms)
{
	struct timeval limit = { (time_t)(ms / 1000),
	    (suseconds_t)(ms % 1000 * 1000) };

	event_base_loopexit(cy.base, &limit);
	event_base_dispatch(cy.base);
}

void
conform_see(size_t n)
{
	int64_t end = evcan_now_monotonic() + SOON * MS;

	cy.wanted = n;
	while (cy.n_seen < n && evcan_now_monotonic() < end)
		conform_run((end - evcan_now_monotonic()) / MS + 1);
	cy.wanted = 0;
	if (cy.n_seen < n)
		fail_msg("%zu frames came, not %zu", cy.n_seen, n);
}

void
conform_quiet(void)
{
	size_t before = cy.n_seen;

	conform_run(8 * conform_period() / MS);
	if (cy.n_seen != before)
		fail_msg("%zu frames too many", cy.n_seen - before);
}

struct evcan_bus *
conform_open(struct event_base *base, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[300];

	snprintf(text, sizeof(text), "%s,ignore_config=true,"
	    "reopen_interval=0.02,reopen_max=0.1%s", spec,
	    cy.fd ? ",fd=true" : "");
	bus = evcan_bus_new_spec(base, text, &err);
	if (bus == NULL || evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	/* Some open later. */
	for (int i = 0; i < SOON && !evcan_bus_is_open(bus); i++) {
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		usleep(1000);
	}
	if (!evcan_bus_is_open(bus))
		fail_msg("%s: %s", text, evcan_bus_error(bus)->text);
	return bus;
}

static int
setup(void **state)
{
	(void)state;
	cy.base = event_base_new();
	cy.a = conform_open(cy.base, cy.spec_a);
	cy.b = conform_open(cy.base, cy.spec_b);
	evcan_bus_set_cb(cy.b, on_frames, NULL, NULL);
	cy.n_seen = cy.ended = cy.wanted = 0;
	return 0;
}

static int
setup_watch(void **state)
{
	(void)state;
	cy.base = event_base_new();
	cy.a = conform_open(cy.base, cy.spec_a);
	cy.b = conform_open(cy.base, cy.spec_b);
	return 0;
}

static int
teardown(void **state)
{
	struct evcan_bus_stats stats;

	(void)state;
	evcan_bus_get_stats(cy.b, &stats);
	evcan_bus_free(cy.a);
	evcan_bus_free(cy.b);
	event_base_free(cy.base);
	free(cy.seen);
	cy.seen = NULL;
	cy.size_seen = 0;
	return stats.lost_kernel + stats.lost_queue + stats.lost_device == 0 ?
	    0 : -1;
}

/* Tasks. */

int64_t
conform_period(void)
{
	return cy.paced ? 20 * MS : 10 * MS;
}

struct evcan_cyclic_config
conform_config(uint64_t count)
{
	return (struct evcan_cyclic_config){ .period_ns = conform_period(),
	    .count = count, .offload = cy.offload };
}

struct evcan_frame
conform_versioned(uint32_t id, uint32_t version)
{
	struct evcan_frame frame;
	uint32_t words[16];

	for (size_t i = 0; i < 16; i++)
		words[i] = version;
	assert_int_equal(evcan_frame_init(&frame, id,
	    cy.fd ? EVCAN_FRAME_FD : 0, words, cy.fd ? 64 : 8), 0);
	return frame;
}

uint32_t
conform_version(const struct evcan_frame *frame)
{
	uint32_t version = 0, word;

	for (size_t i = 0; i + 4 <= frame->len; i += 4) {
		memcpy(&word, frame->data + i, 4);
		if (i > 0 && word != version)
			fail_msg("a torn frame: %X and %X in it",
			    (unsigned)version, (unsigned)word);
		version = word;
	}
	return version;
}

static void
on_end(struct evcan_cyclic *task, const struct evcan_error *err, void *arg)
{
	(void)arg;
	if (err != NULL)
		fail_msg("a task failed: %s", err->text);
	assert_false(evcan_cyclic_running(task));
	cy.ended++;
}

struct evcan_cyclic *
conform_make(const struct evcan_frame *frames, size_t n,
    const struct evcan_cyclic_config *config)
{
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task = evcan_cyclic_new(cy.a, frames, n, config,
	    &err);

	if (task == NULL)
		fail_msg("no task: %s", err.text);
	evcan_cyclic_set_cb(task, on_end, NULL);
	return task;
}

void
conform_start(struct evcan_cyclic *task)
{
	struct evcan_error err = { 0 };

	cy.before_ns = evcan_now_monotonic();
	if (evcan_cyclic_start(task, &err) < 0)
		fail_msg("no start: %s", err.text);
	assert_true(evcan_cyclic_running(task));
}

struct evcan_cyclic *
conform_start_one(uint32_t id, uint32_t version, int64_t period_ns,
    uint64_t count)
{
	struct evcan_cyclic_config config = conform_config(count);
	struct evcan_frame frame = conform_versioned(id, version);
	struct evcan_cyclic *task;

	config.period_ns = period_ns;
	task = conform_make(&frame, 1, &config);
	conform_start(task);
	return task;
}

struct evcan_cyclic_stats
conform_stats(const struct evcan_cyclic *task)
{
	struct evcan_cyclic_stats stats;

	evcan_cyclic_get_stats(task, &stats);
	return stats;
}

void
conform_sent(const struct evcan_cyclic *task, size_t n)
{
	struct evcan_cyclic_stats stats = conform_stats(task);
	bool by_device = cy.has_device && cy.offload != EVCAN_OFFLOAD_NEVER;

	assert_true(stats.sent_known);
	if (n < stats.sent || n > stats.sent + (by_device ? 20 : 0))
		fail_msg("it says that it sent %llu frames, and %zu came",
		    (unsigned long long)stats.sent, n);
}

/* Stamps count Unix time. */
int64_t
conform_stamp(size_t i)
{
	return cy.seen[i].frame.time_ns - evcan_now_unix() +
	    evcan_now_monotonic();
}

void
conform_point(size_t i, int64_t at_ns, int64_t point_ns)
{
	if (at_ns < point_ns - CLOCKS_NS)
		fail_msg("frame %zu came %lld us early", i,
		    (long long)((point_ns - at_ns) / 1000));
	if (at_ns > point_ns + LATE_NS)
		fail_msg("frame %zu came %lld ms late", i,
		    (long long)((at_ns - point_ns) / MS));
}

void
conform_grid(size_t first, int64_t period_ns)
{
	for (size_t i = first; i < cy.n_seen; i++)
		conform_point(i, conform_stamp(i), cy.before_ns +
		    (int64_t)(i - first) * period_ns);
}

void
conform_refused(int code, const char *words, const struct evcan_error *err,
    int wanted_code)
{
	assert_int_equal(code, wanted_code);
	assert_int_equal(err->code, wanted_code);
	assert_null(strchr(err->text, '\n'));
	if (strstr(err->text, words) == NULL)
		fail_msg("said \"%s\", not \"%s\"", err->text, words);
}

#define TEST(f) cmocka_unit_test_setup_teardown(conform_##f, setup, teardown)
#define WATCH(f) \
    cmocka_unit_test_setup_teardown(conform_##f, setup_watch, teardown)

static const struct CMUnitTest tests[] = {
	TEST(a_count_is_exact), TEST(a_duration_is_rounded_up),
	TEST(the_smaller_limit_counts), TEST(frames_come_in_turn),
	TEST(two_rates), TEST(a_phase_comes_first),
	TEST(stopped_and_started_again), TEST(modified_data_keep_the_grid),
	TEST(modified_sequences_keep_the_turn), TEST(modified_while_stopped),
	TEST(many_modifications), TEST(several_of_one_identifier),
	TEST(all_are_stopped), TEST(a_closed_bus_sends_nothing),
	TEST(all_kinds_of_frames), TEST(a_bus_without_a_loop),
	TEST(too_many_frames_for_a_device), TEST(who_sends_is_told),
	TEST(wrong_requests_are_refused),
	WATCH(changes_are_told), WATCH(each_frame_is_told),
	WATCH(lengths_are_told), WATCH(a_throttle_keeps_the_newest),
	WATCH(silence_is_told_once), WATCH(silence_from_the_start),
	WATCH(other_frames_do_not_count),
	WATCH(subscriptions_of_one_identifier),
	WATCH(freed_in_its_callback),
};

static const struct CMUnitTest vm_tests[] = {
	TEST(a_step_of_the_clock_changes_nothing),
	TEST(a_link_goes_down_and_up),
	TEST(a_link_vanishes_and_comes_back),
};

int
main(int argc, char **argv)
{
	bool vm = false, no_device = false;
	int specs = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--fd") == 0)
			cy.fd = true;
		else if (strcmp(argv[i], "--paced") == 0)
			cy.paced = true;
		else if (strcmp(argv[i], "--no-device") == 0)
			no_device = true;
		else if (strcmp(argv[i], "--vm") == 0)
			vm = true;
		else if (strcmp(argv[i], "--device") == 0)
			cy.offload = EVCAN_OFFLOAD_ALWAYS;
		else if (strcmp(argv[i], "--loop") == 0)
			cy.offload = EVCAN_OFFLOAD_NEVER;
		else if (specs++ == 0)
			cy.spec_a = cy.spec_b = argv[i];
		else
			cy.spec_b = argv[i];
	}
	cy.virtual = strncmp(cy.spec_a, "virtual:", 8) == 0;
	cy.has_device = !no_device && strncmp(cy.spec_a, "socketcan:",
	    10) == 0;
	if (vm)
		return cmocka_run_group_tests(vm_tests, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

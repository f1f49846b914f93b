/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_cyclic_modify.c - new data for tasks that send */
#include "conform_cyclic.h"

#define MODIFICATIONS 100000

static void
modify(struct evcan_cyclic *task, uint32_t id, uint32_t version)
{
	struct evcan_frame frame = conform_versioned(id, version);
	struct evcan_error err = { 0 };

	if (evcan_cyclic_modify(task, &frame, 1, &err) < 0)
		fail_msg("not modified: %s", err.text);
}

void
conform_modified_data_keep_the_grid(void **state)
{
	struct evcan_cyclic *task = conform_start_one(0x121, 0,
	    conform_period(), 30);
	uint32_t version = 0, last = 0;

	(void)state;
	while (cy.n_seen < 30) {
		conform_run(3);
		modify(task, 0x121, ++version);
		assert_true(version < SOON / 3);
	}
	conform_quiet();
	conform_grid(0, conform_period());
	for (size_t i = 0; i < cy.n_seen; i++) {
		uint32_t got = conform_version(&cy.seen[i].frame);

		assert_true(got >= last && got <= version);
		last = got;
	}
	assert_int_equal(cy.ended, 1);
	assert_int_equal(conform_stats(task).sent, 30);
	evcan_cyclic_free(task);
}

/* New data for a sequence neither turn it back nor mix two versions. */
void
conform_modified_sequences_keep_the_turn(void **state)
{
	struct evcan_cyclic_config config = conform_config(30);
	struct evcan_frame frames[3];
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task;
	uint32_t round = 0;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		frames[i] = conform_versioned(0x122, i);
	task = conform_make(frames, 3, &config);
	conform_start(task);
	while (cy.n_seen < 30) {
		conform_run(3);
		round++;
		for (uint32_t i = 0; i < 3; i++)
			frames[i] = conform_versioned(0x122, 3 * round + i);
		if (evcan_cyclic_modify(task, frames, 3, &err) < 0)
			fail_msg("not modified: %s", err.text);
		assert_true(round < SOON / 3);
	}
	conform_quiet();
	conform_grid(0, conform_period());
	for (size_t i = 0; i < cy.n_seen; i++)
		assert_int_equal(conform_version(&cy.seen[i].frame) % 3,
		    i % 3);
	evcan_cyclic_free(task);
}

void
conform_modified_while_stopped(void **state)
{
	struct evcan_cyclic_config config = conform_config(2);
	struct evcan_frame frame, other, none[2];
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task;
	size_t n;

	(void)state;
	assert_int_equal(evcan_frame_init(&frame, 0x123, 0, "abcdefgh", 8), 0);
	assert_int_equal(evcan_frame_init(&other, 0x123, 0, "xyz", 3), 0);
	task = conform_make(&frame, 1, &config);
	assert_int_equal(evcan_cyclic_modify(task, &other, 1, &err), 0);
	conform_start(task);
	conform_see(2);
	conform_quiet();
	assert_true(evcan_frame_equal(&cy.seen[1].frame, &other, -1, EQUAL));
	assert_int_equal(evcan_cyclic_modify(task, &frame, 1, &err), 0);
	conform_start(task);
	assert_int_equal(evcan_cyclic_modify(task, &other, 1, &err), 0);
	conform_see(4);
	assert_true(evcan_frame_equal(&cy.seen[3].frame, &other, -1, EQUAL));

	none[0] = none[1] = other;
	conform_refused(evcan_cyclic_modify(task, none, 2, &err), "", &err,
	    EVCAN_ERR_INVALID);
	evcan_error_clear(&err);
	none[0].id++;
	conform_refused(evcan_cyclic_modify(task, none, 1, &err), "", &err,
	    EVCAN_ERR_INVALID);
	assert_true(evcan_frame_equal(evcan_cyclic_get_frames(task, &n),
	    &other, -1, 0));
	assert_int_equal(n, 1);
	evcan_cyclic_free(task);
}

/* The kernel begins a period when it has sent: no two may be nearer. (Frames
 * of cards are stamped when they were received, which may take its time.) */
static void
check_apart(int64_t period_ns)
{
	for (size_t i = 1; i < cy.n_seen; i++)
		assert_true(cy.seen[i].frame.time_ns -
		    cy.seen[i - 1].frame.time_ns >= period_ns);
}

/* No frame may have two versions in it, or an old one behind a new one. */
static void
check_versions(uint32_t newest)
{
	uint32_t last = 0;

	for (size_t i = 0; i < cy.n_seen; i++) {
		uint32_t got = conform_version(&cy.seen[i].frame);

		assert_true(got >= last && got <= newest);
		last = got;
	}
}

/* While it sends, and the number of frames is that of the periods: what was
 * due before the loop ran for the last time came. How much the kernel falls
 * behind is its affair. */
void
conform_many_modifications(void **state)
{
	const int64_t short_ns = cy.virtual ? MS : 5 * MS;
	struct evcan_cyclic *task = conform_start_one(0x124, 0, short_ns, 0);
	int64_t begun_ns = evcan_now_monotonic(), end_ns;
	uint32_t version = 0;
	bool by_device;

	(void)state;
	while (version < MODIFICATIONS || cy.n_seen < 300) {
		for (int i = 0; i < 50; i++)
			modify(task, 0x124, ++version);
		event_base_loop(cy.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		assert_true(evcan_now_monotonic() - begun_ns <
		    10 * SOON * MS);
	}
	by_device = conform_stats(task).offloaded;
	end_ns = evcan_now_monotonic();
	conform_run(50);
	assert_int_equal(evcan_cyclic_stop(task), 0);
	assert_true((int64_t)cy.n_seen <= (evcan_now_monotonic() -
	    cy.before_ns) / short_ns + 1);
	conform_run(10);
	conform_quiet();
	check_versions(version);
	conform_sent(task, cy.n_seen);
	if (by_device && !cy.paced)
		check_apart(short_ns);
	if (!by_device) {
		conform_grid(0, short_ns);
		assert_true((int64_t)cy.n_seen > (end_ns - begun_ns) /
		    short_ns);
	}
	print_message("%u modifications, %zu frames in %lld periods, %s\n",
	    (unsigned)version, cy.n_seen,
	    (long long)((end_ns - begun_ns) / short_ns) + 1,
	    by_device ? "by the device" : "in the loop");
	evcan_cyclic_free(task);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_cyclic_vm.c - steps of the clock, and links that come and go */
#include "conform_cyclic.h"

#include <time.h>

#define HOUR_S 3600

static void
step_clock(int seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += seconds;
	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		fail_msg("cannot set the clock (only root may)");
}

/* Stamps of the kernel are of no use here: when a frame was delivered is. */
void
conform_a_step_of_the_clock_changes_nothing(void **state)
{
	const int64_t p = conform_period();
	const size_t total = 60;
	struct evcan_cyclic *slow = conform_start_one(0x161, 1, 3 * p,
	    total / 3);
	int64_t slow_ns = cy.before_ns;
	struct evcan_cyclic *task = conform_start_one(0x160, 0, p, total);
	int64_t n = 0, m = 0;

	(void)state;
	conform_see(total / 4);
	step_clock(HOUR_S);
	conform_see(total / 2);
	step_clock(-2 * HOUR_S);
	conform_see(total);
	step_clock(HOUR_S);
	conform_see(total + total / 3);
	conform_quiet();
	assert_int_equal(cy.ended, 2);
	for (size_t i = 0; i < cy.n_seen; i++) {
		if (conform_version(&cy.seen[i].frame) == 0)
			conform_point(i, cy.seen[i].at_ns, cy.before_ns +
			    n++ * p);
		else
			conform_point(i, cy.seen[i].at_ns, slow_ns +
			    m++ * 3 * p);
	}
	assert_int_equal(n, total);
	assert_int_equal(m, total / 3);
	evcan_cyclic_free(task);
	evcan_cyclic_free(slow);
}

/* Links. */

static void
ip(const char *what)
{
	char command[200];

	snprintf(command, sizeof(command), "ip link %s", what);
	if (system(command) != 0)
		fail_msg("%s failed", command);
}

static struct evcan_cyclic *
start_sequence(uint32_t id)
{
	struct evcan_cyclic_config config = conform_config(0);
	struct evcan_frame frames[2] = {
		conform_versioned(id, 0), conform_versioned(id, 1)
	};
	struct evcan_cyclic *task = conform_make(frames, 2, &config);

	conform_start(task);
	return task;
}

/* What the loop sends waits while the link is down; the device's is lost. */
void
conform_a_link_goes_down_and_up(void **state)
{
	struct evcan_cyclic *task = start_sequence(0x170);
	size_t n;

	(void)state;
	conform_see(5);
	ip("set vcan0 down");
	conform_run(10);
	conform_quiet();
	assert_true(evcan_cyclic_running(task));
	ip("set vcan0 up");
	n = cy.n_seen;
	conform_see(n + 20);
	for (size_t i = n + 1; i < cy.n_seen; i++)
		assert_int_not_equal(conform_version(&cy.seen[i].frame),
		    conform_version(&cy.seen[i - 1].frame));
	assert_true(evcan_cyclic_running(task));
	assert_true(conform_stats(task).sent >= cy.n_seen);
	assert_int_equal(evcan_cyclic_stop(task), 0);
	conform_run(10);
	conform_quiet();
	evcan_cyclic_free(task);
}

void
conform_a_link_vanishes_and_comes_back(void **state)
{
	struct evcan_cyclic *task = start_sequence(0x171);
	struct evcan_cyclic *limited;
	struct evcan_bus_stats stats;

	(void)state;
	conform_see(5);
	ip("del vcan0");
	while (evcan_bus_is_open(cy.a) || evcan_bus_is_open(cy.b)) {
		conform_run(20);
		assert_true(evcan_now_monotonic() - cy.before_ns <
		    SOON * MS);
	}
	assert_true(evcan_cyclic_running(task));
	ip("add dev vcan0 type vcan");
	ip("set vcan0 mtu 72 up");
	conform_see(cy.n_seen + 10);
	assert_true(evcan_bus_is_open(cy.a));
	assert_true(evcan_cyclic_running(task));
	assert_true(conform_stats(task).failed > 0);
	assert_int_equal(conform_stats(task).offloaded,
	    cy.offload != EVCAN_OFFLOAD_NEVER);
	assert_int_equal(evcan_cyclic_stop(task), 0);
	conform_run(10);
	conform_quiet();
	evcan_cyclic_free(task);
	/* And all works as before. */
	limited = conform_start_one(0x172, 0,
	    conform_period(), 5);
	conform_see(cy.n_seen + 5);
	conform_quiet();
	assert_int_equal(cy.ended, 1);
	evcan_cyclic_free(limited);
	evcan_bus_get_stats(cy.a, &stats);
	assert_int_equal(stats.opens, 2);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic_grid.h - when a task sends: points in time, counted */
#ifndef EVCAN_CYCLIC_GRID_H
#define EVCAN_CYCLIC_GRID_H

#include <stdint.h>

struct evcan_cyclic_config;

#define EVCAN_GRID_ENDLESS_ UINT64_MAX

/* A plain value. Whole nanoseconds are added to whole nanoseconds: it is as
 * exact as start + k * period. */
struct evcan_grid_ {
	int64_t due_ns;          /* the point that comes next */
	uint64_t left;           /* points, that one included */
	uint64_t initial_left;   /* of those, the ones of the first rate */
	int64_t period_ns, initial_period_ns;
};

/* How many points a configuration has in all. */
uint64_t evcan_grid_points_(const struct evcan_cyclic_config *config);
/* All of them, the first at due_ns. */
void evcan_grid_begin_(struct evcan_grid_ *grid,
    const struct evcan_cyclic_config *config, int64_t due_ns);
/* From one point to the next; the last one has none, and left becomes 0. */
void evcan_grid_step_(struct evcan_grid_ *grid);
/* To the last point that is not behind `until`. @return points passed over */
uint64_t evcan_grid_leap_(struct evcan_grid_ *grid, int64_t until);

/* When the i-th of many tasks begins so that they spread evenly over a
 * period, however many there will be: at `now` or less than a period later. */
int64_t evcan_grid_spread_(unsigned i, int64_t period_ns, int64_t now);

#endif

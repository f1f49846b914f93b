/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic_grid.c - when a task sends: points in time, counted */
#include "cyclic_grid.h"

#include <evcan/cyclic.h>

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Points in [0, duration) that are so far apart. */
static uint64_t
points_in(int64_t duration_ns, int64_t period_ns)
{
	return (uint64_t)((duration_ns - 1) / period_ns) + 1;
}

/* The same with two rates. */
static uint64_t
points_of_duration(const struct evcan_cyclic_config *config)
{
	int64_t left = config->duration_ns;
	uint64_t first = config->initial_count, n;

	if (first == 0)
		return points_in(left, config->period_ns);
	n = points_in(left, config->initial_period_ns);
	if (n < first)
		return n;
	/* From the last of the first rate on: that one counts in both. */
	left -= (int64_t)(first - 1) * config->initial_period_ns;
	return first - 1 + points_in(left, config->period_ns);
}

uint64_t
evcan_grid_points_(const struct evcan_cyclic_config *config)
{
	uint64_t points = EVCAN_GRID_ENDLESS_;

	if (config->count > 0)
		points = config->count;
	if (config->duration_ns > 0)
		points = least(points, points_of_duration(config));
	return points;
}

void
evcan_grid_begin_(struct evcan_grid_ *grid,
    const struct evcan_cyclic_config *config, int64_t due_ns)
{
	grid->due_ns = due_ns;
	grid->left = evcan_grid_points_(config);
	grid->initial_left = config->initial_count;
	grid->period_ns = config->period_ns;
	grid->initial_period_ns = config->initial_period_ns;
}

/* From this point to the next. */
static int64_t
distance(const struct evcan_grid_ *grid)
{
	return grid->initial_left > 1 ? grid->initial_period_ns :
	    grid->period_ns;
}

/* n is at most what the rate has. */
static void
move(struct evcan_grid_ *grid, uint64_t n)
{
	grid->due_ns += (int64_t)n * distance(grid);
	grid->initial_left -= least(n, grid->initial_left);
	if (grid->left != EVCAN_GRID_ENDLESS_)
		grid->left -= n;
}

void
evcan_grid_step_(struct evcan_grid_ *grid)
{
	move(grid, 1);
}

uint64_t
evcan_grid_leap_(struct evcan_grid_ *grid, int64_t until)
{
	uint64_t passed = 0;

	while (grid->left > 1 && grid->due_ns + distance(grid) <= until) {
		uint64_t n = (uint64_t)((until - grid->due_ns) /
		    distance(grid));

		if (grid->initial_left > 1)
			n = least(n, grid->initial_left - 1);
		n = least(n, grid->left - 1);
		move(grid, n);
		passed += n;
	}
	return passed;
}

int64_t
evcan_grid_spread_(unsigned i, int64_t period_ns, int64_t now)
{
	/* Multiples of the golden ratio, without the whole part, divide a
	 * circle evenly at each count. */
	uint64_t part = ((uint64_t)i * 0x9e3779b97f4a7c15u) >> 11;
	int64_t phase = (int64_t)((double)part / 9007199254740992.0 *
	    (double)period_ns);
	/* The same clock for all, whenever each is started. */
	int64_t wait = phase - now % period_ns;

	return now + (wait < 0 ? wait + period_ns : wait);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic_device.c - tasks that the device sends by itself */
#include "cyclic_task.h"

#include <evcan/driver.h>
#include <evcan/error.h>

/* Why the device cannot do such a task; NULL: it may. Whether it does is for
 * the driver to say. */
static const char *
unable(const struct evcan_bus *bus, const struct evcan_cyclic_config *config)
{
	uint64_t points = evcan_grid_points_(config);

	if (bus->driver->cyclic_start == NULL)
		return "its interface does not send by itself";
	if (config->modifier != NULL || config->n_modifiers > 0)
		return "a device does not know modifiers";
	if (points != EVCAN_GRID_ENDLESS_ && config->initial_count > 1 &&
	    points > config->initial_count)
		return "a device does not know two rates and an end";
	return NULL;
}

bool
evcan_cyclic_for_device_(const struct evcan_cyclic *task)
{
	return task->config.offload != EVCAN_OFFLOAD_NEVER &&
	    unable(task->all->bus, &task->config) == NULL;
}

int
evcan_cyclic_check_device_(const struct evcan_bus *bus,
    const struct evcan_cyclic_config *config, struct evcan_error *err)
{
	const char *why = unable(bus, config);

	if (config->offload != EVCAN_OFFLOAD_ALWAYS || why == NULL)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
	    "bus %s cannot send the task by itself: %s; \"offload\" would "
	    "have to be \"auto\" or \"never\"", bus->name, why);
}

/* What is left of a task from its next point on. One rate with an end is the
 * first of two whose second is none. */
static void
make_job(const struct evcan_cyclic *task, struct evcan_driver_cyclic *job)
{
	const struct evcan_grid_ *grid = &task->grid;
	bool two_rates = grid->initial_left > 1;

	*job = (struct evcan_driver_cyclic){
		.number = task->device_number,
		.frames = task->frames,
		.n = task->n,
		.period_ns = grid->period_ns
	};
	if (two_rates) {
		job->initial_count = grid->initial_left;
		job->initial_period_ns = grid->initial_period_ns;
	}
	if (grid->left != EVCAN_GRID_ENDLESS_) {
		job->initial_count = grid->left;
		job->initial_period_ns = two_rates ?
		    grid->initial_period_ns : grid->period_ns;
		job->period_ns = 0;
	}
}

int
evcan_cyclic_hand_over_(struct evcan_cyclic *task, struct evcan_error *err)
{
	struct evcan_cyclics_ *all = task->all;
	struct evcan_driver_cyclic job;
	int r;

	if (++all->number == 0)
		all->number = 1;
	task->device_number = all->number;
	make_job(task, &job);
	r = all->bus->driver->cyclic_start(all->bus, &job, err);
	if (r < 0)
		return evcan_error_set(err, r, 0,
		    "bus %s: the device refused the task of frame %X: %s",
		    all->bus->name, (unsigned)task->frames[0].id,
		    evcan_error_name(r));
	task->on_device = true;
	task->device_points = task->grid.left;
	evcan_cyclic_set_(task, EVCAN_CYCLIC_FAR_);
	return 0;
}

int
evcan_cyclic_modify_device_(struct evcan_cyclic *task,
    const struct evcan_frame *frames, struct evcan_error *err)
{
	struct evcan_bus *bus = task->all->bus;
	struct evcan_driver_cyclic job;
	int r;

	if (bus->driver->cyclic_modify == NULL) {
		/* At its next point it is handed over with what is new. */
		evcan_cyclic_take_back_(task);
		return 0;
	}
	make_job(task, &job);
	job.frames = frames;
	r = bus->driver->cyclic_modify(bus, &job, err);
	if (r < 0)
		return evcan_error_set(err, r, 0,
		    "bus %s: the device did not modify the task of frame %X:"
		    " %s", bus->name, (unsigned)frames[0].id,
		    evcan_error_name(r));
	return 0;
}

bool
evcan_cyclic_device_sent_(const struct evcan_cyclic *task, uint64_t *sent)
{
	struct evcan_bus *bus = task->all->bus;
	uint64_t now = 0;

	if (task->device_done)
		now = task->device_points;
	else if (bus->driver->cyclic_sent == NULL ||
	    bus->driver->cyclic_sent(bus, task->device_number, &now) < 0)
		return false;
	*sent = task->device_sent + now;
	return true;
}

void
evcan_cyclic_leave_device_(struct evcan_cyclic *task)
{
	struct evcan_bus *bus = task->all->bus;

	if (!evcan_cyclic_device_sent_(task, &task->device_sent))
		task->sent_unknown = true;
	task->on_device = false;
	if (!task->device_done && !bus->gone)
		bus->driver->cyclic_stop(bus, task->device_number);
}

void
evcan_cyclic_take_back_(struct evcan_cyclic *task)
{
	struct evcan_grid_ *grid = &task->grid;
	int64_t now = evcan_now_monotonic();

	evcan_cyclic_leave_device_(task);
	/* What lay before now was sent: the device had the same grid. */
	evcan_grid_leap_(grid, now);
	evcan_grid_step_(grid);
	if (grid->left == 0)
		task->device_done = true;
	evcan_cyclic_set_(task, grid->left > 0 ? grid->due_ns : now);
}

void
evcan_driver_cyclic_done(struct evcan_bus *bus, uint32_t number)
{
	struct evcan_cyclic *task = bus->cyclics != NULL ?
	    bus->cyclics->first : NULL;

	while (task != NULL &&
	    !(task->on_device && task->device_number == number))
		task = task->next;
	if (task == NULL || task->grid.left == EVCAN_GRID_ENDLESS_)
		return;
	/* Its end is told by the loop, not from inside the driver. */
	task->device_done = true;
	evcan_cyclic_set_(task, evcan_now_monotonic());
}

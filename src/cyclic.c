/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic.c - periodic sending: tasks are made, started, changed, ended */
#include "cyclic_task.h"

#include <stdlib.h>
#include <string.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/modifier.h>

#include "cyclic_internal.h"

/* Lists */

void
evcan_cyclic_enlist_(struct evcan_cyclic_list_ *list,
    struct evcan_cyclic *task)
{
	task->list = list;
	task->list_next = NULL;
	task->list_at = list->end;
	*list->end = task;
	list->end = &task->list_next;
}

void
evcan_cyclic_unlist_(struct evcan_cyclic *task)
{
	if (task->list == NULL)
		return;
	*task->list_at = task->list_next;
	if (task->list_next != NULL)
		task->list_next->list_at = task->list_at;
	else
		task->list->end = task->list_at;
	task->list = NULL;
}

static void
add_to_bus(struct evcan_cyclic *task)
{
	struct evcan_cyclics_ *all = task->all;

	task->prev = all->last;
	if (all->last != NULL)
		all->last->next = task;
	else
		all->first = task;
	all->last = task;
}

static void
remove_from_bus(struct evcan_cyclic *task)
{
	struct evcan_cyclics_ *all = task->all;

	if (task->prev != NULL)
		task->prev->next = task->next;
	else
		all->first = task->next;
	if (task->next != NULL)
		task->next->prev = task->prev;
	else
		all->last = task->prev;
	task->next = task->prev = NULL;
	task->all = NULL;
	all->seen = NULL;
}

/* The tasks of a bus */

/* Without a base: the bus has a deadline for all of them. */
static void
due_changed(void *arg, int64_t due_ns)
{
	struct evcan_cyclics_ *all = arg;

	if (!all->dead)
		evcan_bus_set_due_(all->bus, EVCAN_DUE_CYCLIC, due_ns);
}

static struct evcan_cyclics_ *
cyclics_new(struct evcan_bus *bus)
{
	struct evcan_cyclics_ *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->clock = bus->base != NULL ? evcan_clock_get_(bus->base) :
	    evcan_clock_alone_(due_changed, all);
	if (all->clock == NULL) {
		free(all);
		return NULL;
	}
	all->bus = bus;
	all->refs = 1;
	all->after.cb = evcan_cyclics_flush_;
	all->after.arg = all;
	all->waiter.cb = evcan_cyclics_writable_;
	all->waiter.arg = all;
	all->blocked.end = &all->blocked.first;
	all->through.end = &all->through.first;
	return all;
}

void
evcan_cyclics_drop_(struct evcan_cyclics_ *all)
{
	if (--all->refs > 0)
		return;
	evcan_clock_put_(all->clock);
	free(all);
}

void
evcan_cyclics_gone_(struct evcan_bus *bus)
{
	struct evcan_cyclics_ *all = bus->cyclics;

	if (all == NULL)
		return;
	evcan_cyclics_fail_batch_(all);
	evcan_cyclics_unblock_(all);
	for (struct evcan_cyclic *task = all->first; task != NULL;
	    task = task->next) {
		if (task->on_device)
			evcan_cyclic_take_back_(task);
	}
	/* Who came to an end is told when the bus is back. */
	if (all->through.first != NULL)
		evcan_bus_wait_writable_(bus, &all->waiter);
}

static void
halt_all(struct evcan_cyclics_ *all)
{
	for (struct evcan_cyclic *task = all->first; task != NULL;
	    task = task->next)
		evcan_cyclic_halt_(task);
}

void
evcan_cyclics_stop_(struct evcan_bus *bus)
{
	if (bus->cyclics != NULL)
		halt_all(bus->cyclics);
}

void
evcan_cyclics_free_(struct evcan_bus *bus)
{
	struct evcan_cyclics_ *all = bus->cyclics;

	if (all == NULL)
		return;
	halt_all(all);
	while (all->first != NULL) {
		struct evcan_cyclic *task = all->first;

		if (task->config.store)
			evcan_cyclic_free(task);
		else
			remove_from_bus(task);
	}
	evcan_clock_unafter_(all->clock, &all->after);
	evcan_bus_unwait_writable_(bus, &all->waiter);
	all->dead = true;
	bus->cyclics = NULL;
	evcan_cyclics_drop_(all);
}

void
evcan_cyclics_run_(struct evcan_bus *bus)
{
	struct evcan_cyclics_ *all = bus->cyclics;

	if (all == NULL)
		return;
	all->refs++;
	evcan_clock_run_(all->clock);
	evcan_cyclics_drop_(all);
}

/* Making one */

static int
copy_modifiers(struct evcan_cyclic *task, struct evcan_error *err)
{
	size_t n = task->config.n_modifiers;
	struct evcan_modifier *copy;

	if (n == 0) {
		task->config.modifiers = NULL;
		return 0;
	}
	copy = calloc(n, sizeof(*copy));
	if (copy == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a task's modifiers");
	memcpy(copy, task->config.modifiers, n * sizeof(*copy));
	task->config.modifiers = copy;
	return 0;
}

static void
release(struct evcan_cyclic *task)
{
	free((void *)task->config.modifiers);
	free(task);
}

static struct evcan_cyclic *
task_new(const struct evcan_frame *frames, size_t n,
    const struct evcan_cyclic_config *config, struct evcan_error *err)
{
	struct evcan_cyclic *task = n > SIZE_MAX / 2 / sizeof(*frames) ?
	    NULL : calloc(1, sizeof(*task) + n * sizeof(*frames));

	if (task == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a task of %zu frames", n);
		return NULL;
	}
	memcpy(task->frames, frames, n * sizeof(*frames));
	task->n = n;
	task->config = *config;
	if (copy_modifiers(task, err) == 0)
		return task;
	free(task);
	return NULL;
}

struct evcan_cyclic *
evcan_cyclic_new(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n, const struct evcan_cyclic_config *config,
    struct evcan_error *err)
{
	struct evcan_cyclic *task;

	if (evcan_cyclic_check_config_(bus, config, err) < 0 ||
	    evcan_cyclic_check_frames_(bus, frames, n, config, err) < 0)
		return NULL;
	if (bus->cyclics == NULL)
		bus->cyclics = cyclics_new(bus);
	if (bus->cyclics == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "bus %s: no memory or file descriptor for its tasks",
		    bus->name);
		return NULL;
	}
	task = task_new(frames, n, config, err);
	if (task == NULL)
		return NULL;
	task->all = bus->cyclics;
	if (config->spread)
		task->spread = task->all->spread++;
	evcan_timer_init_(&task->timer, task->all->clock, evcan_cyclic_fire_,
	    task);
	add_to_bus(task);
	return task;
}

void
evcan_cyclic_hold_(struct evcan_cyclic *task)
{
	task->holds++;
}

void
evcan_cyclic_drop_(struct evcan_cyclic *task)
{
	if (--task->holds == 0 && task->freed)
		release(task);
}

void
evcan_cyclic_free(struct evcan_cyclic *task)
{
	if (task == NULL || task->freed)
		return;
	evcan_cyclic_halt_(task);
	if (task->all != NULL)
		remove_from_bus(task);
	task->freed = true;
	if (task->holds == 0)
		release(task);
}

/* Starting and ending */

void
evcan_cyclic_set_(struct evcan_cyclic *task, int64_t due_ns)
{
	/* There is room for it: it is set, or in its call-back. */
	(void)evcan_timer_set_(&task->timer, due_ns);
}

static int64_t
first_point(const struct evcan_cyclic *task)
{
	int64_t now = evcan_now_monotonic();

	if (task->config.spread)
		return evcan_grid_spread_(task->spread,
		    task->config.period_ns, now);
	return now + task->config.phase_ns;
}

/* All that counts from the start begins anew. */
static void
begin(struct evcan_cyclic *task)
{
	evcan_cyclic_unlist_(task);
	evcan_grid_begin_(&task->grid, &task->config, first_point(task));
	task->number = 0;
	task->turn = 0;
	task->skipped = task->failed = 0;
	task->device_sent = 0;
	task->sent_unknown = false;
	task->device_done = false;
	memset(&task->lateness, 0, sizeof(task->lateness));
	task->for_device = evcan_cyclic_for_device_(task);
	task->plain = !task->for_device && task->config.modifier == NULL &&
	    task->config.n_modifiers == 0 &&
	    task->config.late == EVCAN_LATE_CATCH_UP;
}

/* The device begins at once, so that its answer is the caller's. */
static int
begin_device(struct evcan_cyclic *task, struct evcan_error *err)
{
	struct evcan_error why = { .code = 0 };
	int r;

	if (!task->for_device || task->all->bus->gone ||
	    task->all->bus->phase != EVCAN_PHASE_OPEN ||
	    task->grid.due_ns > evcan_now_monotonic())
		return 0;
	r = evcan_cyclic_hand_over_(task, &why);
	if (r == 0)
		return 0;
	if (r == EVCAN_ERR_UNSUPPORTED &&
	    task->config.offload == EVCAN_OFFLOAD_AUTO) {
		task->for_device = false;
		return 0;
	}
	return evcan_error_set(err, r, 0, "%s", why.text);
}

static int
may_start(const struct evcan_cyclic *task, struct evcan_error *err)
{
	unsigned id = (unsigned)task->frames[0].id;
	const struct evcan_bus *bus;

	if (task->running)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "the task of frame %X runs already: stop it first", id);
	if (task->all == NULL)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "the task of frame %X cannot start: its bus was freed",
		    id);
	bus = task->all->bus;
	if (bus->phase == EVCAN_PHASE_CLOSED ||
	    bus->phase == EVCAN_PHASE_CLOSING)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "the task of frame %X cannot start: bus %s is not open",
		    id, bus->name);
	return 0;
}

int
evcan_cyclic_start(struct evcan_cyclic *task, struct evcan_error *err)
{
	int r = may_start(task, err);

	if (r < 0)
		return r;
	begin(task);
	r = evcan_timer_set_(&task->timer, task->grid.due_ns);
	if (r < 0)
		return evcan_error_set(err, r, 0,
		    "out of memory for a task's timer");
	r = begin_device(task, err);
	if (r < 0) {
		evcan_timer_cancel_(&task->timer);
		return r;
	}
	task->running = true;
	task->run++;
	return 0;
}

void
evcan_cyclic_halt_(struct evcan_cyclic *task)
{
	evcan_cyclic_unlist_(task);
	if (!task->running)
		return;
	task->running = false;
	task->run++;
	evcan_timer_cancel_(&task->timer);
	if (task->batched > 0)
		evcan_cyclic_unbatch_(task);
	if (task->on_device)
		evcan_cyclic_leave_device_(task);
}

int
evcan_cyclic_stop(struct evcan_cyclic *task)
{
	if (!task->running)
		return EVCAN_ERR_STATE;
	evcan_cyclic_halt_(task);
	return 0;
}

int
evcan_cyclic_modify(struct evcan_cyclic *task,
    const struct evcan_frame *frames, size_t n, struct evcan_error *err)
{
	const struct evcan_frame *now = task->frames;
	int r;

	if (n != task->n)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the task of frame %X has %zu frames: it cannot be "
		    "modified with %zu", (unsigned)now->id, task->n, n);
	if (frames[0].id != now->id ||
	    ((frames[0].flags ^ now->flags) & EVCAN_CYCLIC_KIND_) ||
	    frames[0].channel != now->channel)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a task of frame %X cannot become one of frame %X: "
		    "identifier, format and channel stay", (unsigned)now->id,
		    (unsigned)frames[0].id);
	r = evcan_cyclic_check_frames_(task->all != NULL ? task->all->bus :
	    NULL, frames, n, &task->config, err);
	if (r == 0 && task->on_device)
		r = evcan_cyclic_modify_device_(task, frames, err);
	if (r == 0)
		memmove(task->frames, frames, n * sizeof(*frames));
	return r;
}

/* Asking */

void
evcan_cyclic_set_cb(struct evcan_cyclic *task, evcan_cyclic_cb cb, void *arg)
{
	task->cb = cb;
	task->cb_arg = arg;
}

void
evcan_cyclic_tell_(struct evcan_cyclic *task, const struct evcan_error *err)
{
	if (task->cb != NULL)
		task->cb(task, err, task->cb_arg);
	else if (err != NULL)
		evcan_log(EVCAN_LOG_ERROR, "cyclic", "%s", err->text);
}

bool
evcan_cyclic_running(const struct evcan_cyclic *task)
{
	return task->running;
}

struct evcan_bus *
evcan_cyclic_bus(const struct evcan_cyclic *task)
{
	return task->all != NULL ? task->all->bus : NULL;
}

const struct evcan_cyclic_config *
evcan_cyclic_get_config(const struct evcan_cyclic *task)
{
	return &task->config;
}

const struct evcan_frame *
evcan_cyclic_get_frames(const struct evcan_cyclic *task, size_t *n)
{
	*n = task->n;
	return task->frames;
}

void
evcan_cyclic_get_stats(const struct evcan_cyclic *task,
    struct evcan_cyclic_stats *stats)
{
	uint64_t device = task->device_sent;

	memset(stats, 0, sizeof(*stats));
	stats->offloaded = task->on_device;
	stats->sent_known = !task->sent_unknown && (!task->on_device ||
	    evcan_cyclic_device_sent_(task, &device));
	stats->sent = task->lateness.count + device;
	stats->late = task->lateness.late;
	stats->skipped = task->skipped;
	stats->failed = task->failed;
	stats->worst_late_ns = task->lateness.worst_ns;
	stats->p99_late_ns = evcan_lateness_part_(&task->lateness, 0.99);
}

/* Of a bus */

struct evcan_cyclic *
evcan_bus_send_periodic(struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, int64_t period_ns,
    int64_t duration_ns, struct evcan_error *err)
{
	const struct evcan_cyclic_config config = {
		.period_ns = period_ns, .duration_ns = duration_ns,
		.store = true
	};
	struct evcan_cyclic *task = evcan_cyclic_new(bus, frames, n, &config,
	    err);

	if (task == NULL || evcan_cyclic_start(task, err) == 0)
		return task;
	evcan_cyclic_free(task);
	return NULL;
}

void
evcan_bus_stop_all_periodic_tasks(struct evcan_bus *bus, bool remove_tasks)
{
	struct evcan_cyclic *task, *next;

	evcan_cyclics_stop_(bus);
	if (bus->cyclics == NULL || !remove_tasks)
		return;
	for (task = bus->cyclics->first; task != NULL; task = next) {
		next = task->next;
		if (task->config.store)
			evcan_cyclic_free(task);
	}
}

struct evcan_cyclic *
evcan_bus_cyclic(const struct evcan_bus *bus, size_t i)
{
	struct evcan_cyclics_ *all = bus->cyclics;

	if (all == NULL)
		return NULL;
	/* Mostly they are asked for one after the other. */
	if (all->seen == NULL || i < all->seen_at) {
		all->seen = all->first;
		all->seen_at = 0;
	}
	while (all->seen != NULL && all->seen_at < i) {
		all->seen = all->seen->next;
		all->seen_at++;
	}
	return all->seen;
}

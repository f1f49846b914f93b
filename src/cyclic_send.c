/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic_send.c - tasks of the loop: what is due together is sent together */
#include "cyclic_task.h"

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/modifier.h>

static bool
can_send(const struct evcan_bus *bus)
{
	return bus->phase == EVCAN_PHASE_OPEN && !bus->gone;
}

/* Waiting for room */

static void
block(struct evcan_cyclic *task)
{
	struct evcan_cyclics_ *all = task->all;

	evcan_cyclic_set_(task, EVCAN_CYCLIC_FAR_);
	evcan_cyclic_enlist_(&all->blocked, task);
	evcan_bus_wait_writable_(all->bus, &all->waiter);
}

void
evcan_cyclics_unblock_(struct evcan_cyclics_ *all)
{
	/* The clock calls them in the order of their times. */
	while (all->blocked.first != NULL) {
		struct evcan_cyclic *task = all->blocked.first;

		evcan_cyclic_unlist_(task);
		evcan_cyclic_set_(task, task->grid.due_ns);
	}
}

/* The batch */

void
evcan_cyclic_unbatch_(struct evcan_cyclic *task)
{
	struct evcan_cyclics_ *all = task->all;

	for (size_t i = all->sent; i < all->n && task->batched > 0; i++) {
		if (all->entries[i].task != task)
			continue;
		all->entries[i].task = NULL;
		task->batched--;
	}
}

/* The last point of a limited task is behind it. */
static bool
is_through(const struct evcan_cyclic *task)
{
	return task->grid.left == 0 && task->batched == 0;
}

static void
end(struct evcan_cyclic *task)
{
	struct evcan_cyclics_ *all = task->all;

	evcan_cyclic_halt_(task);
	evcan_cyclic_enlist_(&all->through, task);
}

static void
tell_through(struct evcan_cyclics_ *all)
{
	while (all->through.first != NULL) {
		struct evcan_cyclic *task = all->through.first;

		evcan_cyclic_unlist_(task);
		evcan_cyclic_tell_(task, NULL);
	}
}

/* The first n of the batch are on their way. All is counted before anybody is
 * told, who may do anything then. */
static void
were_sent(struct evcan_cyclics_ *all, size_t n, int64_t now)
{
	for (; n > 0; n--) {
		struct evcan_batched_ *entry = &all->entries[all->sent++];

		entry->task->batched--;
		evcan_lateness_add_(&entry->task->lateness,
		    now - entry->due_ns);
		if (is_through(entry->task))
			end(entry->task);
	}
	tell_through(all);
}

static void
explain(const struct evcan_bus *bus, const struct evcan_frame *frame,
    int code, struct evcan_error *err)
{
	evcan_error_clear(err);
	if (code == EVCAN_ERR_FULL)
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "bus %s: out of memory for frame %X", bus->name,
		    (unsigned)frame->id);
	else if (bus->error.code == code &&
	    (code == EVCAN_ERR_INVALID || bus->tell_error))
		*err = bus->error;     /* it was said better */
	else
		evcan_error_set(err, code, 0,
		    "bus %s: the device refused frame %X: %s", bus->name,
		    (unsigned)frame->id, evcan_error_name(code));
}

/* One frame of a task was refused for good. */
static void
refuse(struct evcan_cyclic *task, const struct evcan_error *err)
{
	task->failed++;
	if (task->config.on_error == EVCAN_ON_ERROR_STOP)
		evcan_cyclic_halt_(task);
	else if (is_through(task))
		end(task);
	evcan_cyclic_tell_(task, err);
}

static void
first_refused(struct evcan_cyclics_ *all, int code)
{
	struct evcan_cyclic *task = all->entries[all->sent].task;
	struct evcan_error err;

	explain(all->bus, &all->batch[all->sent], code, &err);
	all->sent++;
	task->batched--;
	refuse(task, &err);
	tell_through(all);
}

void
evcan_cyclics_fail_batch_(struct evcan_cyclics_ *all)
{
	while (all->sent < all->n) {
		struct evcan_cyclic *task = all->entries[all->sent++].task;

		if (task == NULL)
			continue;
		task->batched--;
		task->failed++;
		if (is_through(task))
			end(task);
	}
}

/* Frames from the front that can go in one call. */
static size_t
front(struct evcan_cyclics_ *all, size_t room)
{
	size_t n = 0;

	while (all->sent < all->n && all->entries[all->sent].task == NULL)
		all->sent++;
	while (n < room && all->sent + n < all->n &&
	    all->entries[all->sent + n].task != NULL)
		n++;
	return n;
}

/* @return whether there is more to do now */
static bool
send_some(struct evcan_cyclics_ *all)
{
	size_t room = evcan_bus_tx_room(all->bus), n = front(all, room);
	int64_t now = evcan_now_monotonic();
	int r;

	if (all->sent == all->n)
		return false;
	if (n == 0) {
		/* Somebody else filled the queue meanwhile. */
		evcan_bus_wait_writable_(all->bus, &all->waiter);
		return false;
	}
	r = evcan_bus_send(all->bus, &all->batch[all->sent], n);
	if (r > 0)
		were_sent(all, (size_t)r, now);
	else if (can_send(all->bus))
		first_refused(all, r);
	else
		evcan_cyclics_fail_batch_(all);
	return true;
}

void
evcan_cyclics_flush_(void *arg)
{
	struct evcan_cyclics_ *all = arg;
	struct evcan_bus *bus = all->bus;

	if (all->flushing)
		return;     /* in a call-back of it */
	all->flushing = true;
	all->refs++;
	evcan_bus_hold_(bus);
	while (!all->dead && send_some(all))
		;
	if (!all->dead && all->sent == all->n)
		all->sent = all->n = 0;
	tell_through(all);
	all->flushing = false;
	evcan_bus_drop_(bus);
	evcan_cyclics_drop_(all);
}

/* One frame */

/* What falls due together is sent behind all timers, sooner when there is no
 * more room. Who came later does not overtake those that wait. */
static bool
has_room(const struct evcan_cyclics_ *all)
{
	return all->n < EVCAN_BATCH &&
	    all->n - all->sent < evcan_bus_tx_room(all->bus) &&
	    (all->blocked.first == NULL || all->serving);
}

/* The next point; behind the last one it ends, at the latest when its frames
 * were sent. Makes no call-back. */
static void
next_point(struct evcan_cyclic *task)
{
	evcan_grid_step_(&task->grid);
	if (task->grid.left > 0)
		evcan_cyclic_set_(task, task->grid.due_ns);
	else if (is_through(task))
		end(task);
}

/* Only the last of the points that have passed counts. */
static void
skip_passed(struct evcan_cyclic *task)
{
	task->skipped += evcan_grid_leap_(&task->grid,
	    evcan_now_monotonic());
}

/* What the call-back may not change is put back. @return whether it did */
static bool
kept_kind(struct evcan_frame *frame, const struct evcan_frame *was)
{
	bool kept = frame->id == was->id &&
	    ((frame->flags ^ was->flags) & EVCAN_CYCLIC_KIND_) == 0;

	frame->id = was->id;
	frame->flags = (uint16_t)((frame->flags & ~EVCAN_CYCLIC_KIND_) |
	    (was->flags & EVCAN_CYCLIC_KIND_));
	return kept;
}

/* @return false: the task was ended, or the frame is not to be sent */
static bool
ask_modifier(struct evcan_cyclic *task, struct evcan_frame *frame)
{
	const struct evcan_frame was = { .id = frame->id,
	    .flags = frame->flags };
	struct evcan_error err = { .code = 0 };
	unsigned run = task->run;

	task->config.modifier(task, frame, task->number,
	    task->config.modifier_arg);
	if (kept_kind(frame, &was) || task->run != run)
		return task->run == run;
	evcan_error_set(&err, EVCAN_ERR_INVALID, 0,
	    "a modifier changed the identifier or the format of frame %X: "
	    "only its data may change", (unsigned)was.id);
	task->number++;
	next_point(task);
	refuse(task, &err);
	return false;
}

/* Puts the frame that comes next into the batch. */
static void
gather(struct evcan_cyclic *task)
{
	struct evcan_cyclics_ *all = task->all;

	__builtin_prefetch(&task->lateness.count);
	__builtin_prefetch(&task->lateness.classes[24]);
	all->entries[all->n].task = task;
	all->entries[all->n].due_ns = task->grid.due_ns;
	all->batch[all->n++] = task->frames[task->turn];
	task->batched++;
	task->number++;
	if (++task->turn == task->n)
		task->turn = 0;
	next_point(task);
}

/* Makes the frame that comes next. @return as ask_modifier() */
static bool
modify(struct evcan_cyclic *task)
{
	const struct evcan_cyclic_config *config = &task->config;
	struct evcan_frame *frame = &task->frames[task->turn];

	if (config->modifier != NULL && !ask_modifier(task, frame))
		return false;
	for (size_t i = 0; i < config->n_modifiers; i++)
		evcan_modifier_apply(&config->modifiers[i], frame,
		    task->number);
	return true;
}

static void
send_next(struct evcan_cyclic *task)
{
	struct evcan_cyclics_ *all = task->all;
	unsigned run = task->run;

	if (task->config.late == EVCAN_LATE_SKIP)
		skip_passed(task);
	/* Who stops it in a modifier has seen all before that one go. */
	if (!has_room(all) ||
	    (task->config.modifier != NULL && task->batched > 0)) {
		evcan_cyclics_flush_(all);
		if (task->run != run)
			return;
	}
	if (!has_room(all)) {
		if (task->config.late != EVCAN_LATE_SKIP) {
			block(task);
			return;
		}
		task->skipped++;
		next_point(task);
		return;
	}
	if (modify(task))
		gather(task);
}

/* The device shall send from here on. */
static void
hand_over(struct evcan_cyclic *task)
{
	struct evcan_error err = { .code = 0 };
	int r = evcan_cyclic_hand_over_(task, &err);

	if (r == 0)
		return;
	if (r == EVCAN_ERR_UNSUPPORTED &&
	    task->config.offload == EVCAN_OFFLOAD_AUTO) {
		task->for_device = false;
		send_next(task);
		return;
	}
	next_point(task);
	refuse(task, &err);
}

static void
fire(struct evcan_cyclic *task)
{
	if (task->device_done) {
		end(task);
	} else if (!can_send(task->all->bus)) {
		task->failed++;
		next_point(task);
	} else if (task->for_device) {
		hand_over(task);
	} else {
		send_next(task);
	}
}

/* Whatever its call-backs do, it is there until they are over. */
static void
fire_held(struct evcan_cyclic *task)
{
	struct evcan_cyclics_ *all = task->all;
	struct evcan_bus *bus = all->bus;

	all->refs++;
	evcan_bus_hold_(bus);
	evcan_cyclic_hold_(task);
	fire(task);
	evcan_cyclic_drop_(task);
	evcan_bus_drop_(bus);
	evcan_cyclics_drop_(all);
}

void
evcan_cyclic_fire_(struct evcan_timer_ *timer, void *arg)
{
	struct evcan_cyclic *task = arg;
	struct evcan_cyclics_ *all = task->all;

	(void)timer;
	evcan_clock_after_(all->clock, &all->after);
	if (task->plain && can_send(all->bus) && has_room(all))
		gather(task);     /* the usual: nobody is called */
	else
		fire_held(task);
}

void
evcan_cyclics_writable_(struct evcan_bus *bus, void *arg)
{
	struct evcan_cyclics_ *all = arg;

	all->refs++;
	evcan_cyclics_flush_(all);
	/* As many as there is room for: to wake all of them each time would
	 * take longer the more there are. */
	all->serving = true;
	while (all->blocked.first != NULL && can_send(bus) &&
	    has_room(all)) {
		struct evcan_cyclic *task = all->blocked.first;

		evcan_cyclic_unlist_(task);
		fire_held(task);
	}
	all->serving = false;
	if (!all->dead)
		evcan_cyclics_flush_(all);
	if (all->blocked.first != NULL)
		evcan_bus_wait_writable_(bus, &all->waiter);
	evcan_cyclics_drop_(all);
}

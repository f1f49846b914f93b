/* SPDX-License-Identifier: BSD-3-Clause */
/* safe_bus.c - a bus for any thread, and the thread that serves it */
#include <evcan/safe_bus.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <evcan/error.h>

#include "bus_internal.h"
#include "condition.h"
#include "safe_queue.h"
#include "wake.h"

/* A full queue holds the device's for so long, unless frames are taken. */
#define PATIENCE_NS 1000000000

struct evcan_safe_bus {
	struct evcan_safe_queue_ queue;
	struct evcan_wake_ wake;
	pthread_t thread;
	atomic_bool closed;

	/* The bus's lock is fair between its thread and the callers: neither
	 * comes first twice while the other waits. Who finds it taken waits
	 * with `turn` held, which the thread always takes before it. */
	pthread_mutex_t lock;        /* of all that follows */
	pthread_mutex_t turn;
	atomic_bool thread_waits;
	_Atomic uintptr_t owner;     /* 0: nobody */
	unsigned depth;              /* of its owner's own locks */
	struct evcan_bus *bus;
	int64_t asleep_until;        /* the thread; 0: it is awake */
	bool stop;
	bool paused;                 /* nothing is read: the queue is full */
	int64_t patience_end;
};

/* A frame whose sender waits. */
struct sending {
	pthread_cond_t changed;
	struct evcan_waiter_ room;
	bool done;
	int result;
};

/* Locking */

static uintptr_t
this_thread(void)
{
	static _Thread_local char me;

	return (uintptr_t)&me;
}

static bool
is_mine(struct evcan_safe_bus *safe)
{
	return atomic_load(&safe->owner) == this_thread();
}

static void
enter_in_turn(struct evcan_safe_bus *safe)
{
	pthread_mutex_lock(&safe->turn);
	pthread_mutex_lock(&safe->lock);
	pthread_mutex_unlock(&safe->turn);
}

static void
enter(struct evcan_safe_bus *safe)
{
	if (atomic_load(&safe->thread_waits) ||
	    pthread_mutex_trylock(&safe->lock) != 0)
		enter_in_turn(safe);
	atomic_store(&safe->owner, this_thread());
}

static void
enter_as_thread(struct evcan_safe_bus *safe)
{
	atomic_store(&safe->thread_waits, true);
	enter_in_turn(safe);
	atomic_store(&safe->thread_waits, false);
	atomic_store(&safe->owner, this_thread());
}

static void
leave(struct evcan_safe_bus *safe)
{
	atomic_store(&safe->owner, 0);
	pthread_mutex_unlock(&safe->lock);
}

/* When its thread has to see to the bus; 0: now. */
static int64_t
next_due(const struct evcan_safe_bus *safe)
{
	int64_t due = evcan_bus_first_due_(safe->bus);

	if (safe->bus->soon || evcan_bus_unsettled_(safe->bus))
		return 0;
	if (due == 0)
		due = INT64_MAX;
	if (safe->paused && safe->patience_end < due)
		due = safe->patience_end;
	return due;
}

/* Whoever changed something tells the thread, if it sleeps too long now. */
static void
nudge(struct evcan_safe_bus *safe)
{
	if (next_due(safe) >= safe->asleep_until)
		return;
	safe->asleep_until = 0;
	evcan_wake_set_(&safe->wake);
}

struct evcan_bus *
evcan_safe_bus_lock(struct evcan_safe_bus *safe)
{
	if (is_mine(safe))
		safe->depth++;
	else
		enter(safe);
	return safe->bus;
}

void
evcan_safe_bus_unlock(struct evcan_safe_bus *safe)
{
	if (safe->depth > 0) {
		safe->depth--;
		return;
	}
	nudge(safe);
	leave(safe);
}

/* The thread's side: call-backs of the bus, which is locked */

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct evcan_safe_bus *safe = arg;

	(void)bus;
	if (event == EVCAN_BUS_CLOSED)
		evcan_safe_queue_end_(&safe->queue, EVCAN_ERR_GONE);
	if (event == EVCAN_BUS_GAP)
		evcan_safe_queue_gap_(&safe->queue, info->lost);
}

/* They were counted as delivered. */
static void
count_lost(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n)
{
	bus->stats.lost_queue += n;
	bus->stats.received -= n;
	for (size_t i = 0; i < n; i++)
		bus->stats.received_bytes -= frames[i].len;
}

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct evcan_safe_bus *safe = arg;
	enum evcan_safe_pushed_ pushed =
	    evcan_safe_queue_push_(&safe->queue, frames, n);

	if (pushed == EVCAN_SAFE_LOST_)
		count_lost(bus, frames, n);
	if (pushed != EVCAN_SAFE_FULL_)
		return;
	safe->paused = true;
	safe->patience_end = evcan_now_monotonic() + PATIENCE_NS;
	evcan_bus_set_cb(bus, NULL, on_event, safe);
}

static void
go_on_reading(struct evcan_safe_bus *safe)
{
	safe->paused = false;
	evcan_bus_set_cb(safe->bus, on_frames, on_event, safe);
	evcan_driver_wake(safe->bus);
}

/* Paused: goes on when there is room again, or patience is at its end. */
static void
look_for_room(struct evcan_safe_bus *safe)
{
	int64_t now = evcan_now_monotonic();
	bool taken, room = evcan_safe_queue_room_(&safe->queue, &taken);

	if (taken)
		safe->patience_end = now + PATIENCE_NS;
	if (!room && now < safe->patience_end)
		return;
	if (!room)
		evcan_log(EVCAN_LOG_WARNING, "bus", "%s: nobody takes what "
		    "is received: it is lost", safe->bus->name);
	go_on_reading(safe);
}

/* The thread */

static void
sleep_until(struct evcan_safe_bus *safe, int fd, int64_t due)
{
	struct pollfd fds[] = {
		{ .fd = safe->wake.fd, .events = POLLIN },
		{ .fd = fd, .events = POLLIN }
	};
	int64_t left = due == INT64_MAX ? 0 : due - evcan_now_monotonic();
	const struct timespec ts = {
		.tv_sec = (time_t)(left > 0 ? left / 1000000000 : 0),
		.tv_nsec = (long)(left > 0 ? left % 1000000000 : 0)
	};

	ppoll(fds, 2, due == INT64_MAX ? NULL : &ts, NULL);
	if (fds[0].revents != 0)
		evcan_wake_clear_(&safe->wake);
}

/* Its fd, while it shall be read. */
static int
fd_to_watch(struct evcan_safe_bus *safe)
{
	bool there = safe->bus->phase != EVCAN_PHASE_GONE &&
	    safe->bus->phase != EVCAN_PHASE_CLOSED;

	return there && !safe->paused ? evcan_bus_fd(safe->bus) : -1;
}

static void *
serve(void *arg)
{
	struct evcan_safe_bus *safe = arg;

	enter_as_thread(safe);
	while (!safe->stop) {
		int fd;
		int64_t due;

		if (safe->paused)
			look_for_room(safe);
		evcan_bus_process(safe->bus);
		fd = fd_to_watch(safe);
		due = safe->asleep_until = next_due(safe);
		leave(safe);
		if (due != 0)
			sleep_until(safe, fd, due);
		enter_as_thread(safe);
		safe->asleep_until = 0;
	}
	leave(safe);
	return NULL;
}

/* Signals are for the program's own threads. */
static int
start_thread(struct evcan_safe_bus *safe, struct evcan_error *err)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&safe->thread, NULL, serve, safe);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INIT, r,
	    "bus %s: no thread to serve it", evcan_bus_name(safe->bus));
}

/* Opening and closing */

static int
check_bus(const struct evcan_bus *bus, struct evcan_error *err)
{
	if (bus->base != NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bus %s has an event_base: make it without", bus->name);
	if (bus->recv_cb != NULL || bus->event_cb != NULL ||
	    bus->notifier != NULL)
		return evcan_error_set(err, EVCAN_ERR_BUSY, 0,
		    "bus %s has a consumer already", bus->name);
	return 0;
}

static struct evcan_safe_bus *
safe_bus_new(struct evcan_bus *bus, size_t capacity, struct evcan_error *err)
{
	struct evcan_safe_bus *safe = calloc(1, sizeof(*safe));

	if (safe == NULL)
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "bus %s: out of memory", bus->name);
	if (safe == NULL ||
	    evcan_safe_queue_init_(&safe->queue, capacity, err) < 0) {
		free(safe);
		return NULL;
	}
	pthread_mutex_init(&safe->lock, NULL);
	pthread_mutex_init(&safe->turn, NULL);
	safe->bus = bus;
	if (evcan_wake_init_(&safe->wake) < 0)
		evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "bus %s: no file descriptor", bus->name);
	return safe;
}

static void
release(struct evcan_safe_bus *safe)
{
	evcan_wake_destroy_(&safe->wake);
	pthread_mutex_destroy(&safe->turn);
	pthread_mutex_destroy(&safe->lock);
	evcan_safe_queue_destroy_(&safe->queue);
	free(safe);
}

struct evcan_safe_bus *
evcan_safe_bus_open(struct evcan_bus *bus, size_t capacity,
    struct evcan_error *err)
{
	struct evcan_safe_bus *safe = NULL;

	if (bus == NULL)
		return NULL;
	if (check_bus(bus, err) == 0)
		safe = safe_bus_new(bus, capacity, err);
	if (safe != NULL && safe->wake.fd >= 0 && (evcan_bus_is_open(bus) ||
	    evcan_bus_open(bus, err) == 0)) {
		evcan_bus_set_cb(bus, on_frames, on_event, safe);
		evcan_driver_wake(bus);
		if (start_thread(safe, err) == 0)
			return safe;
	}
	evcan_bus_free(bus);
	if (safe != NULL)
		release(safe);
	return NULL;
}

int
evcan_safe_bus_close(struct evcan_safe_bus *safe)
{
	if (is_mine(safe) || atomic_exchange(&safe->closed, true))
		return EVCAN_ERR_STATE;
	evcan_safe_queue_end_(&safe->queue, EVCAN_ERR_STATE);
	enter(safe);
	if (safe->paused)
		go_on_reading(safe);     /* what comes is thrown away */
	evcan_bus_close(safe->bus);
	safe->stop = true;
	evcan_wake_set_(&safe->wake);
	leave(safe);
	pthread_join(safe->thread, NULL);
	return 0;
}

void
evcan_safe_bus_free(struct evcan_safe_bus *safe)
{
	if (safe == NULL)
		return;
	evcan_safe_bus_close(safe);
	evcan_bus_free(safe->bus);
	release(safe);
}

/* Sending and receiving */

static void
on_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	struct sending *sending = arg;

	(void)bus;
	(void)frame;
	sending->done = true;
	sending->result = result < 0 ? result : 0;
	pthread_cond_signal(&sending->changed);
}

static void
on_room(struct evcan_bus *bus, void *arg)
{
	struct sending *sending = arg;

	(void)bus;
	pthread_cond_signal(&sending->changed);
}

/* Lets others in while it waits. */
static bool
wait_for_thread(struct evcan_safe_bus *safe, struct sending *sending,
    int64_t end)
{
	bool in_time;

	nudge(safe);
	atomic_store(&safe->owner, 0);
	in_time = evcan_condition_wait_(&sending->changed, &safe->lock, end);
	atomic_store(&safe->owner, this_thread());
	return in_time;
}

/* The transmit queue is full. @return false when `end` has come */
static bool
wait_for_room(struct evcan_safe_bus *safe, struct sending *sending,
    int64_t end)
{
	bool in_time = true;

	evcan_bus_wait_writable_(safe->bus, &sending->room);
	while (sending->room.waiting && in_time)
		in_time = wait_for_thread(safe, sending, end);
	evcan_bus_unwait_writable_(safe->bus, &sending->room);
	return in_time;
}

static int
left_of(int64_t end)
{
	int64_t left = end - evcan_now_monotonic();

	if (end == INT64_MAX)
		return -1;
	return left > 0 ? (int)((left - 1) / 1000000) + 1 : 0;
}

/* The device did not take it at once. */
static int
await_sent(struct evcan_safe_bus *safe, struct sending *sending,
    const struct evcan_frame *frame, int64_t end, int r)
{
	while (r == EVCAN_ERR_FULL) {
		if (!wait_for_room(safe, sending, end))
			return EVCAN_ERR_TIMEOUT;
		if (atomic_load(&safe->closed))
			return EVCAN_ERR_CANCELED;
		r = evcan_bus_send_taken_(safe->bus, frame, left_of(end),
		    on_sent, sending);
	}
	if (r != 0)
		return r;
	while (!sending->done)
		wait_for_thread(safe, sending, INT64_MAX);
	return sending->result;
}

int
evcan_safe_bus_send(struct evcan_safe_bus *safe,
    const struct evcan_frame *frame, int timeout_ms)
{
	struct sending sending = { .room.cb = on_room };
	int64_t end = evcan_bus_end_of_(timeout_ms);
	int r;

	if (is_mine(safe) || atomic_load(&safe->closed))
		return EVCAN_ERR_STATE;
	enter(safe);
	r = evcan_bus_send_taken_(safe->bus, frame, timeout_ms, on_sent,
	    &sending);
	if (r == 0 || r == EVCAN_ERR_FULL) {
		evcan_condition_init_(&sending.changed);
		sending.room.arg = &sending;
		r = await_sent(safe, &sending, frame, end, r);
		pthread_cond_destroy(&sending.changed);
	}
	nudge(safe);
	leave(safe);
	return r > 0 ? 0 : r;
}

int
evcan_safe_bus_recv(struct evcan_safe_bus *safe, struct evcan_frame *frames,
    size_t max, int timeout_ms, uint64_t *lost)
{
	bool wake;
	int n = evcan_safe_queue_recv_(&safe->queue, frames, max, timeout_ms,
	    lost, &wake);

	if (wake)
		evcan_wake_set_(&safe->wake);
	return n;
}

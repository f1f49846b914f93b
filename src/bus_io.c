/* SPDX-License-Identifier: BSD-3-Clause */
/* bus_io.c - a bus's fds on the loop, and frames on their way in */
#include "bus_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <evcan/channel.h>

#include "cyclic_internal.h"
#include "pollset.h"

/* libevent runs what is activated in a call-back in the same turn, before it
 * polls again. So every so often a bus lets the loop poll, that sockets and
 * timers get their turn. */
#define CHAIN_MAX 16

static void dispatch(struct evcan_bus *bus);

static void
run_soon(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dispatch(arg);
}

void
evcan_bus_soon_(struct evcan_bus *bus)
{
	static const struct timeval now = { 0, 0 };

	if (bus->soon)
		return;
	bus->soon = true;
	if (bus->base == NULL)
		return;
	/* Without memory for the way by the poll it goes the other way. */
	if (bus->chain++ < CHAIN_MAX || event_add(bus->soon_event, &now) < 0)
		event_active(bus->soon_event, EV_TIMEOUT, 0);
	else
		bus->chain = 0;
}

static void
timer_fired(struct evcan_timer_ *timer, void *arg)
{
	(void)timer;
	dispatch(arg);
}

int
evcan_bus_io_init_(struct evcan_bus *bus, struct evcan_error *err)
{
	bus->poll_fd = -1;
	if (bus->base == NULL)
		return 0;
	bus->clock = evcan_clock_get_(bus->base);
	if (bus->clock == NULL)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "bus %s: no timer for its loop", bus->name);
	evcan_timer_init_(&bus->timer, bus->clock, timer_fired, bus);
	bus->soon_event = event_new(bus->base, -1, 0, run_soon, bus);
	if (bus->soon_event == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "bus %s: out of memory", bus->name);
	return 0;
}

void
evcan_bus_io_destroy_(struct evcan_bus *bus)
{
	evcan_bus_unwatch_(bus);
	free(bus->watches);
	if (bus->poll_fd >= 0 && !(bus->driver->caps & EVCAN_CAP_ONE_FD))
		close(bus->poll_fd);
	if (bus->soon_event != NULL)
		event_free(bus->soon_event);
	if (bus->clock != NULL)
		evcan_timer_cancel_(&bus->timer);
	evcan_clock_put_(bus->clock);
}

/* Frames in. */

void
evcan_bus_tell_gaps_(struct evcan_bus *bus)
{
	for (int where = 0; where < 3; where++) {
		struct evcan_bus_info info = {
			.lost = bus->tell_lost[where],
			.lost_where = (enum evcan_loss)where
		};

		if (info.lost == 0)
			continue;
		bus->tell_lost[where] = 0;
		evcan_log(EVCAN_LOG_WARNING, "bus", "%s: %llu frames lost",
		    bus->name, (unsigned long long)info.lost);
		if (bus->event_cb != NULL)
			bus->event_cb(bus, EVCAN_BUS_GAP, &info, bus->cb_arg);
	}
}

static void
log_frames(const struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n)
{
	char text[EVCAN_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		evcan_frame_print(&frames[i], text, sizeof(text));
		evcan_log(EVCAN_LOG_SUBDEBUG, "bus", "%s: received: %s",
		    bus->name, text);
	}
}

/* Filters, names the channel and counts. @return frames left */
static size_t
admit(struct evcan_bus *bus, struct evcan_frame *frames, size_t n)
{
	size_t left = n;

	if (bus->filters != NULL && bus->filtering != EVCAN_FILTERS_EXACT) {
		left = evcan_filters_apply(bus->filters, frames, n);
		bus->stats.filtered += n - left;
	}
	for (size_t i = 0; i < left; i++) {
		struct evcan_frame *frame = &frames[i];

		if (frame->channel == EVCAN_CHANNEL_NONE)
			frame->channel = bus->channel;
		bus->stats.received_bytes += frame->len;
		if (frame->flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_ECHO)) {
			if (frame->flags & EVCAN_FRAME_ERR)
				bus->stats.error_frames++;
			else
				bus->stats.echoes++;
		}
	}
	bus->stats.received += left;
	if (evcan_get_log_level() <= EVCAN_LOG_SUBDEBUG)
		log_frames(bus, frames, left);
	return left;
}

static bool
readable_phase(const struct evcan_bus *bus)
{
	return bus->phase == EVCAN_PHASE_OPEN ||
	    bus->phase == EVCAN_PHASE_CLOSING;
}

static struct evcan_frame *
batch_get(struct evcan_bus *bus)
{
	if (bus->clock != NULL)
		return evcan_clock_batch_(bus->clock);
	return malloc(EVCAN_BATCH * sizeof(struct evcan_frame));
}

static void
batch_put(struct evcan_bus *bus, struct evcan_frame *batch)
{
	if (bus->clock != NULL)
		evcan_clock_unbatch_(bus->clock, batch);
	else
		free(batch);
}

/* Whether frames are to be read: by a consumer, or by nobody, for the echoes
 * that confirm sends. A caller that pulls reads those by itself. */
static bool
wanted(const struct evcan_bus *bus)
{
	return bus->recv_cb != NULL || (bus->base != NULL && !bus->pulled &&
	    bus->tx.waiting.first != NULL);
}

/* Reads up to the budget and hands it to the consumer. Sets want_recv again
 * when there may be more. */
static void
receive(struct evcan_bus *bus)
{
	struct evcan_frame *batch = batch_get(bus);
	int64_t budget = bus->common.budget;

	if (batch == NULL)
		return;     /* no memory now: tried again next turn */
	bus->want_recv = false;
	while (wanted(bus) && readable_phase(bus) && !bus->gone) {
		int max = budget < EVCAN_BATCH ? (int)budget : EVCAN_BATCH;
		int n = bus->driver->recv(bus, batch, max);
		size_t left = n > 0 && bus->recv_cb != NULL ?
		    admit(bus, batch, (size_t)n) : 0;

		evcan_bus_tell_gaps_(bus);
		if (left > 0 && bus->recv_cb != NULL)
			bus->recv_cb(bus, batch, left, bus->cb_arg);
		if (n < max)
			break;
		budget -= n;
		if (budget <= 0) {
			bus->want_recv = true;
			break;
		}
	}
	batch_put(bus, batch);
}

void
evcan_bus_receive_all_(struct evcan_bus *bus)
{
	/* A flooded bus must not keep whoever stops from stopping. */
	int turns = 64;

	evcan_bus_hold_(bus);
	do {
		receive(bus);
	} while (bus->want_recv && wanted(bus) && --turns > 0);
	evcan_bus_drop_(bus);
}

static void
run_deadlines(struct evcan_bus *bus)
{
	int64_t now;

	for (int i = 0; i < EVCAN_DUE_COUNT; i++) {
		if (bus->due[i] != 0)
			goto some;
	}
	return;
some:
	now = evcan_now_monotonic();
	if (bus->due[EVCAN_DUE_DRIVER] != 0 &&
	    bus->due[EVCAN_DUE_DRIVER] <= now) {
		bus->due[EVCAN_DUE_DRIVER] = 0;
		if (bus->driver->deadline != NULL)
			bus->driver->deadline(bus);
	}
	if (bus->due[EVCAN_DUE_OUTCOME] != 0 &&
	    bus->due[EVCAN_DUE_OUTCOME] <= now)
		evcan_bus_expire_(bus, now);
	if (bus->due[EVCAN_DUE_RETRY] != 0 &&
	    bus->due[EVCAN_DUE_RETRY] <= now) {
		bus->due[EVCAN_DUE_RETRY] = 0;
		evcan_bus_drain_(bus);
	}
	if (bus->due[EVCAN_DUE_CYCLIC] != 0 &&
	    bus->due[EVCAN_DUE_CYCLIC] <= now)
		evcan_cyclics_run_(bus);
	/* REOPEN and CLOSE are looked at by settling. */
}

int64_t
evcan_bus_first_due_(const struct evcan_bus *bus)
{
	int64_t first = 0;

	for (int i = 0; i < EVCAN_DUE_COUNT; i++) {
		if (bus->due[i] != 0 && (first == 0 || bus->due[i] < first))
			first = bus->due[i];
	}
	return first;
}

/* Sets the timer to the earliest deadline. */
static void
rearm(struct evcan_bus *bus)
{
	int64_t first = evcan_bus_first_due_(bus);

	if (bus->clock == NULL)
		return;
	if (first == 0)
		evcan_timer_cancel_(&bus->timer);
	else if (bus->timer.place == 0 || bus->timer.due_ns != first)
		evcan_timer_set_(&bus->timer, first);
}

void
evcan_bus_set_due_(struct evcan_bus *bus, enum evcan_due_ which,
    int64_t due_ns)
{
	bus->due[which] = due_ns;
	rearm(bus);
}

/* The one place from which the loop enters a bus: whatever happened, do all
 * that is to be done, and tell it. (With a base the tasks of a bus have their
 * own timers.) */
static void
dispatch(struct evcan_bus *bus)
{
	const bool before = bus->inside;

	evcan_bus_hold_(bus);
	bus->inside = true;
	bus->soon = false;
	bus->stats.wakeups++;
	run_deadlines(bus);
	if (bus->want_recv && wanted(bus))
		receive(bus);
	if (!bus->freed)
		evcan_bus_settle_(bus);
	if (!bus->freed) {
		rearm(bus);
		if (!bus->soon && ((bus->want_recv && wanted(bus)) ||
		    evcan_bus_unsettled_(bus))) {
			/* More to do: after the others had their turn. */
			bus->chain = CHAIN_MAX;
			evcan_bus_soon_(bus);
		}
	}
	bus->inside = before;
	evcan_bus_drop_(bus);
}

/* An fd is ready. @return true if it is still wanted for reading */
static void
fd_ready(struct evcan_bus *bus, struct evcan_watch_ *watch, unsigned what)
{
	int fd = watch->fd;

	if (bus->driver->ready != NULL) {
		bus->driver->ready(bus, fd, what);
		return;
	}
	if (what & EVCAN_WATCH_READ)
		bus->want_recv = true;
	if (what & EVCAN_WATCH_WRITE)
		evcan_driver_writable(bus);
}

static struct evcan_watch_ *
find_watch(const struct evcan_bus *bus, int fd)
{
	for (size_t i = 0; i < bus->n_watches; i++) {
		if (bus->watches[i].fd == fd)
			return &bus->watches[i];
	}
	return NULL;
}

static void
fd_event(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_bus *bus = arg;
	struct evcan_watch_ *watch = find_watch(bus, (int)fd);
	unsigned ready = 0;
	bool before;

	if (watch == NULL)
		return;
	if (what & EV_READ)
		ready |= EVCAN_WATCH_READ;
	if (what & EV_WRITE)
		ready |= EVCAN_WATCH_WRITE;
	evcan_bus_hold_(bus);
	bus->chain = 0;
	before = bus->want_recv;
	bus->want_recv = false;
	bus->soon = true;     /* no need to come back: dispatch is below */
	fd_ready(bus, watch, ready);
	watch = find_watch(bus, (int)fd);
	if (watch != NULL && bus->want_recv && !wanted(bus) &&
	    (what & EV_READ) && !(what & EV_ET)) {
		/* Nobody wants frames: level-triggered, it would spin. */
		watch->paused = true;
		event_del(watch->event);
	}
	bus->want_recv |= before;
	dispatch(bus);
	evcan_bus_drop_(bus);
}

bool
evcan_driver_edges(const struct evcan_bus *bus)
{
	return bus->base != NULL &&
	    (event_base_get_features(bus->base) & EV_FEATURE_ET) != 0;
}

/* Makes the loop (or the poll fd) watch what the entry says. */
static int
arm_watch(struct evcan_bus *bus, struct evcan_watch_ *watch)
{
	short what = EV_PERSIST;

	if (bus->base == NULL)
		return evcan_pollset_set_(bus->poll_fd, watch->fd,
		    watch->what);
	if (watch->event != NULL)
		event_free(watch->event);
	if (watch->what & EVCAN_WATCH_READ)
		what |= EV_READ;
	if (watch->what & EVCAN_WATCH_WRITE)
		what |= EV_WRITE;
	if ((watch->what & EVCAN_WATCH_EDGE) && evcan_driver_edges(bus))
		what |= EV_ET;
	watch->paused = false;
	watch->event = event_new(bus->base, watch->fd, what, fd_event, bus);
	if (watch->event == NULL || event_add(watch->event, NULL) < 0)
		return EVCAN_ERR_NOMEM;
	return 0;
}

static void
remove_watch(struct evcan_bus *bus, struct evcan_watch_ *watch)
{
	if (watch->event != NULL)
		event_free(watch->event);
	else if (bus->base == NULL && bus->poll_fd >= 0 &&
	    !(bus->driver->caps & EVCAN_CAP_ONE_FD))
		evcan_pollset_set_(bus->poll_fd, watch->fd, 0);
	*watch = bus->watches[--bus->n_watches];
}

/* Without a base: the one fd that callers poll. */
static int
make_poll_fd(struct evcan_bus *bus, int fd)
{
	if (bus->driver->caps & EVCAN_CAP_ONE_FD) {
		bus->poll_fd = fd;
		return 0;
	}
	if (bus->poll_fd < 0)
		bus->poll_fd = evcan_pollset_new_();
	return bus->poll_fd < 0 ? EVCAN_ERR_OPERATION : 0;
}

static struct evcan_watch_ *
add_watch(struct evcan_bus *bus, int fd)
{
	struct evcan_watch_ *watches = realloc(bus->watches,
	    (bus->n_watches + 1) * sizeof(*watches));

	if (watches == NULL)
		return NULL;
	bus->watches = watches;
	memset(&watches[bus->n_watches], 0, sizeof(*watches));
	watches[bus->n_watches].fd = fd;
	return &watches[bus->n_watches++];
}

int
evcan_driver_watch(struct evcan_bus *bus, int fd, unsigned what)
{
	struct evcan_watch_ *watch = find_watch(bus, fd);
	int r;

	if (what == EVCAN_WATCH_NONE) {
		if (watch != NULL)
			remove_watch(bus, watch);
		return 0;
	}
	if (watch != NULL && watch->what == what && !watch->paused)
		return 0;
	if (bus->base == NULL) {
		r = make_poll_fd(bus, fd);
		if (r < 0)
			return r;
	}
	if (watch == NULL)
		watch = add_watch(bus, fd);
	if (watch == NULL)
		return EVCAN_ERR_NOMEM;
	watch->what = what;
	if (bus->base == NULL && (bus->driver->caps & EVCAN_CAP_ONE_FD))
		return 0;
	r = arm_watch(bus, watch);
	if (r < 0)
		remove_watch(bus, watch);
	return r;
}

void
evcan_bus_unwatch_(struct evcan_bus *bus)
{
	while (bus->n_watches > 0)
		remove_watch(bus, &bus->watches[0]);
}

void
evcan_bus_resume_(struct evcan_bus *bus)
{
	for (size_t i = 0; i < bus->n_watches; i++) {
		struct evcan_watch_ *watch = &bus->watches[i];

		if (!watch->paused)
			continue;
		watch->paused = false;
		event_add(watch->event, NULL);
	}
	if (bus->base != NULL && readable_phase(bus)) {
		/* Frames may wait since before there was a consumer, and
		 * edges tell nothing of them. */
		bus->want_recv = true;
		evcan_bus_soon_(bus);
	}
}

void
evcan_driver_wake(struct evcan_bus *bus)
{
	bus->want_recv = true;
	evcan_bus_soon_(bus);
}

void
evcan_driver_deadline(struct evcan_bus *bus, int64_t monotonic_ns)
{
	evcan_bus_set_due_(bus, EVCAN_DUE_DRIVER, monotonic_ns);
}

/* Without a base. */

int
evcan_bus_fd(struct evcan_bus *bus)
{
	if (bus->base != NULL || bus->poll_fd < 0)
		return EVCAN_ERR_STATE;
	return bus->poll_fd;
}

int
evcan_bus_timeout(const struct evcan_bus *bus)
{
	int64_t first = evcan_bus_first_due_(bus), wait;

	if (bus->soon || evcan_bus_unsettled_(bus))
		return 0;
	if (first == 0)
		return -1;
	wait = first - evcan_now_monotonic();
	if (wait <= 0)
		return 0;
	wait = (wait + 999999) / 1000000;   /* never early */
	return wait > 60000 ? 60000 : (int)wait;
}

static void
pollset_ready(int fd, unsigned what, void *arg)
{
	struct evcan_bus *bus = arg;
	struct evcan_watch_ *watch = find_watch(bus, fd);

	if (watch != NULL)
		fd_ready(bus, watch, what);
}

static void
run_fds(struct evcan_bus *bus)
{
	if (bus->driver->caps & EVCAN_CAP_ONE_FD) {
		if (bus->n_watches > 0)
			fd_ready(bus, &bus->watches[0], EVCAN_WATCH_READ);
	} else if (bus->poll_fd >= 0) {
		evcan_pollset_run_(bus->poll_fd, pollset_ready, bus);
	}
}

int
evcan_bus_process(struct evcan_bus *bus)
{
	if (bus->base != NULL)
		return EVCAN_ERR_STATE;
	evcan_bus_hold_(bus);
	run_fds(bus);
	dispatch(bus);
	evcan_bus_drop_(bus);
	return 0;
}

int
evcan_bus_recv(struct evcan_bus *bus, struct evcan_frame *frames, size_t max)
{
	int n;

	if (bus->recv_cb != NULL)
		return EVCAN_ERR_BUSY;
	bus->pulled = true;
	if (bus->phase == EVCAN_PHASE_GONE)
		return EVCAN_ERR_GONE;
	if (!readable_phase(bus))
		return EVCAN_ERR_STATE;
	if (max > 1 << 20)
		max = 1 << 20;
	do {
		n = bus->driver->recv(bus, frames, (int)max);
		if (n <= 0)
			break;
		n = (int)admit(bus, frames, (size_t)n);
	} while (n == 0);
	if (evcan_bus_unsettled_(bus))
		evcan_bus_soon_(bus);
	return n;
}

bool
evcan_bus_wait_(struct evcan_bus *bus, int64_t end)
{
	struct pollfd pfd = { .fd = bus->poll_fd, .events = POLLIN };
	int wait = evcan_bus_timeout(bus);

	if (end != INT64_MAX) {
		int64_t left = end - evcan_now_monotonic();

		if (left <= 0)
			return false;
		left = (left + 999999) / 1000000;
		if (wait < 0 || wait > left)
			wait = left > 60000 ? 60000 : (int)left;
	}
	poll(&pfd, 1, wait);
	return true;
}

void
evcan_bus_await_open_(struct evcan_bus *bus)
{
	while (bus->phase == EVCAN_PHASE_OPENING && !bus->gone) {
		bus->soon = false;     /* what is told comes later */
		evcan_bus_wait_(bus, INT64_MAX);
		run_fds(bus);
		run_deadlines(bus);
	}
	evcan_bus_soon_(bus);
}

int64_t
evcan_bus_end_of_(int timeout_ms)
{
	if (timeout_ms < 0)
		return INT64_MAX;
	return evcan_now_monotonic() + (int64_t)timeout_ms * 1000000;
}

int
evcan_bus_recv_wait(struct evcan_bus *bus, struct evcan_frame *frames,
    size_t max, int timeout_ms)
{
	int64_t end = evcan_bus_end_of_(timeout_ms);
	int n;

	if (bus->base != NULL)
		return EVCAN_ERR_STATE;
	evcan_bus_hold_(bus);
	/* Frames that keep coming must not hold up those that go. */
	if (bus->due[EVCAN_DUE_CYCLIC] != 0 &&
	    bus->due[EVCAN_DUE_CYCLIC] <= evcan_now_monotonic())
		evcan_bus_process(bus);
	for (;;) {
		n = bus->freed ? EVCAN_ERR_STATE :
		    evcan_bus_recv(bus, frames, max);
		/* A bus that is gone may come back while there is time. */
		if (n != 0 && !(n == EVCAN_ERR_GONE && bus->common.reopen))
			break;
		if (!evcan_bus_wait_(bus, end))
			break;
		evcan_bus_process(bus);
	}
	evcan_bus_drop_(bus);
	return n;
}

struct sent {
	bool done;
	int result;
};

static void
note_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	struct sent *sent = arg;

	(void)bus;
	(void)frame;
	sent->done = true;
	sent->result = result;
}

int
evcan_bus_send_wait(struct evcan_bus *bus, const struct evcan_frame *frame,
    int timeout_ms)
{
	struct sent sent = { false, 0 };
	int64_t end = evcan_bus_end_of_(timeout_ms);
	int r;

	if (bus->base != NULL)
		return EVCAN_ERR_STATE;
	evcan_bus_hold_(bus);
	/* A full queue is waited for, too. */
	while ((r = evcan_bus_send_taken_(bus, frame, timeout_ms, note_sent,
	    &sent)) == EVCAN_ERR_FULL && evcan_bus_wait_(bus, end))
		evcan_bus_process(bus);
	/* Whoever only sends has no other call that looks after the bus. In a
	 * call-back there is one, and frames must not overtake others. */
	if (r > 0 && !bus->inside)
		evcan_bus_process(bus);
	while (r == 0 && !sent.done) {
		evcan_bus_wait_(bus, INT64_MAX);
		evcan_bus_process(bus);
	}
	evcan_bus_drop_(bus);
	if (r < 0)
		return r == EVCAN_ERR_FULL ? EVCAN_ERR_TIMEOUT : r;
	return sent.result < 0 ? sent.result : 0;
}

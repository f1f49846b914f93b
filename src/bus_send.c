/* SPDX-License-Identifier: BSD-3-Clause */
/* bus_send.c - the transmit queue: flow control, time limits, outcomes */
#include "bus_internal.h"

#include <stdlib.h>
#include <string.h>

/* How soon a device without room is tried again: first and longest. At
 * 500 kbit/s a frame takes 0.25 ms. */
#define RETRY_MIN_NS 250000
#define RETRY_MAX_NS 4000000
/* How long a confirmation is still waited for that may be lost. */
#define DOUBT_NS 1000000000
/* Outcomes not told yet: a bus that never gets to it must not fill memory. */
#define UNTOLD_MAX 16384

static void
list_init(struct evcan_outcomes_ *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void
list_add(struct evcan_outcomes_ *list, struct evcan_outcome_ *outcome)
{
	outcome->next = NULL;
	*list->end = outcome;
	list->end = &outcome->next;
}

/* Takes out the one that *at points to. */
static struct evcan_outcome_ *
list_take(struct evcan_outcomes_ *list, struct evcan_outcome_ **at)
{
	struct evcan_outcome_ *outcome = *at;

	*at = outcome->next;
	if (list->end == &outcome->next)
		list->end = at;
	return outcome;
}

void
evcan_bus_tx_init_(struct evcan_bus *bus)
{
	list_init(&bus->tx.waiting);
	list_init(&bus->tx.done);
	bus->tx.retry_ns = RETRY_MIN_NS;
}

void
evcan_bus_tx_destroy_(struct evcan_bus *bus)
{
	free(bus->tx.queue);
	while (bus->tx.spare != NULL) {
		struct evcan_outcome_ *outcome = bus->tx.spare;

		bus->tx.spare = outcome->next;
		free(outcome);
	}
}

bool
evcan_bus_tx_idle_(const struct evcan_bus *bus)
{
	return bus->tx.count == 0 && bus->tx.waiting.first == NULL;
}

/* An outcome is known: tell it later. */
static void
finish(struct evcan_bus *bus, struct evcan_outcome_ *outcome, int result)
{
	outcome->result = result;
	list_add(&bus->tx.done, outcome);
	evcan_bus_soon_(bus);
}

static struct evcan_outcome_ *
outcome_new(struct evcan_bus *bus)
{
	struct evcan_outcome_ *outcome = bus->tx.spare;

	if (outcome != NULL)
		bus->tx.spare = outcome->next;
	else
		outcome = malloc(sizeof(*outcome));
	bus->tx.untold += outcome != NULL;
	return outcome;
}

static void
outcome_back(struct evcan_bus *bus, struct evcan_outcome_ *outcome)
{
	outcome->next = bus->tx.spare;
	bus->tx.spare = outcome;
	bus->tx.untold--;
}

static void
tell_room(struct evcan_bus *bus)
{
	if (bus->phase == EVCAN_PHASE_OPEN &&
	    (bus->tx.refused || bus->waiters != NULL) &&
	    bus->tx.count <= (size_t)bus->common.tx_queue_size / 2) {
		bus->tell_writable = true;
		evcan_bus_soon_(bus);
	}
}

void
evcan_bus_tell_outcomes_(struct evcan_bus *bus)
{
	/* Those of frames that call-backs send come next time. */
	size_t turns = bus->tx.untold;

	while (bus->tx.done.first != NULL && turns-- > 0) {
		struct evcan_outcome_ *outcome =
		    list_take(&bus->tx.done, &bus->tx.done.first);
		struct evcan_frame frame = outcome->frame;
		evcan_sent_cb cb = outcome->cb;
		void *arg = outcome->arg;
		int result = outcome->result;

		outcome_back(bus, outcome);
		cb(bus, &frame, result, arg);
	}
	if (bus->tx.refused && bus->tx.untold < UNTOLD_MAX)
		tell_room(bus);
}

/* The queue. */

static struct evcan_queued_ *
queue_at(struct evcan_bus *bus, size_t i)
{
	size_t at = bus->tx.first + i;

	return &bus->tx.queue[at < bus->tx.size ? at : at - bus->tx.size];
}

static int
queue_make(struct evcan_bus *bus)
{
	size_t size = (size_t)bus->common.tx_queue_size;

	if (bus->tx.queue != NULL)
		return 0;
	bus->tx.queue = malloc(size * sizeof(*bus->tx.queue));
	if (bus->tx.queue == NULL)
		return EVCAN_ERR_NOMEM;
	bus->tx.size = size;
	return 0;
}

static void
queue_add(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_outcome_ *outcome)
{
	struct evcan_queued_ *entry = queue_at(bus, bus->tx.count++);

	entry->frame = *frame;
	entry->outcome = outcome;
	entry->canceled = false;
	if (bus->tx.count > bus->stats.tx_queue_peak)
		bus->stats.tx_queue_peak = bus->tx.count;
}

static void
queue_drop_first(struct evcan_bus *bus)
{
	bus->tx.first = bus->tx.first + 1 == bus->tx.size ? 0 :
	    bus->tx.first + 1;
	bus->tx.count--;
}

size_t
evcan_bus_tx_room(const struct evcan_bus *bus)
{
	return (size_t)bus->common.tx_queue_size - bus->tx.count;
}

/* The device had no room: try again a little later, later each time. */
static void
stop_flow(struct evcan_bus *bus)
{
	if (!bus->tx.stopped)
		bus->stats.flow_stops++;
	bus->tx.stopped = true;
	evcan_bus_set_due_(bus, EVCAN_DUE_RETRY,
	    evcan_now_monotonic() + bus->tx.retry_ns);
	bus->tx.retry_ns *= 2;
	if (bus->tx.retry_ns > RETRY_MAX_NS)
		bus->tx.retry_ns = RETRY_MAX_NS;
}

static void
start_flow(struct evcan_bus *bus)
{
	bus->tx.stopped = false;
	bus->tx.retry_ns = RETRY_MIN_NS;
	if (bus->due[EVCAN_DUE_RETRY] != 0)
		evcan_bus_set_due_(bus, EVCAN_DUE_RETRY, 0);
}

static void
count_sent(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n)
{
	bus->stats.sent += n;
	for (size_t i = 0; i < n; i++)
		bus->stats.sent_bytes += frames[i].len;
}

/* One frame whose outcome is wanted. It waits for its confirmation before
 * the device gets it, since that may come from inside. @return as the
 * driver's send */
static int
hand_over_one(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_outcome_ *outcome)
{
	bool confirms = bus->tx.confirms && !outcome->taken_is_enough;
	struct evcan_outcome_ **at = bus->tx.waiting.end;
	int n;

	if (confirms)
		list_add(&bus->tx.waiting, outcome);
	n = bus->driver->send(bus, frame, 1);
	if (n > 0) {
		count_sent(bus, frame, 1);
		if (!confirms)
			finish(bus, outcome, EVCAN_ACCEPTED);
	} else if (confirms) {
		list_take(&bus->tx.waiting, at);
	}
	if (bus->tx.waiting.first != NULL && bus->base != NULL &&
	    bus->recv_cb == NULL)
		evcan_bus_resume_(bus);   /* nobody reads, but echoes count */
	return n;
}

static void
refused_by_device(struct evcan_bus *bus, const struct evcan_frame *frame,
    int code)
{
	bus->stats.send_failed++;
	if (bus->tell_error)
		return;     /* the driver said it better */
	evcan_driver_error(bus, code, 0,
	    "bus %s: the device refused frame %X", bus->name,
	    (unsigned)frame->id);
}

/* Frames at the queue's front that can go to the driver in one call. */
static size_t
plain_row(struct evcan_bus *bus, struct evcan_frame *row, size_t max)
{
	size_t n = 0;

	while (n < max && n < bus->tx.count) {
		const struct evcan_queued_ *entry = queue_at(bus, n);

		if (entry->outcome != NULL || entry->canceled)
			break;
		row[n++] = entry->frame;
	}
	return n;
}

/* @return frames that left the queue, 0 when the device has no room */
static size_t
drain_some(struct evcan_bus *bus)
{
	struct evcan_frame row[32];
	struct evcan_queued_ *entry = queue_at(bus, 0);
	int sent;

	if (entry->canceled) {
		queue_drop_first(bus);
		return 1;
	}
	if (entry->outcome != NULL) {
		row[0] = entry->frame;
		sent = hand_over_one(bus, row, entry->outcome);
		if (sent < 0)
			finish(bus, entry->outcome, sent);
	} else {
		sent = bus->driver->send(bus, row,
		    (int)plain_row(bus, row, 32));
		if (sent > 0)
			count_sent(bus, row, (size_t)sent);
	}
	if (sent < 0) {
		refused_by_device(bus, row, sent);
		sent = 1;
	}
	for (int i = 0; i < sent; i++)
		queue_drop_first(bus);
	return (size_t)sent;
}

void
evcan_bus_drain_(struct evcan_bus *bus)
{
	bool moved = false;

	if (bus->phase != EVCAN_PHASE_OPEN &&
	    bus->phase != EVCAN_PHASE_CLOSING)
		return;
	while (bus->tx.count > 0 && !bus->gone) {
		if (drain_some(bus) == 0) {
			if (moved)
				bus->tx.retry_ns = RETRY_MIN_NS;
			stop_flow(bus);
			break;
		}
		moved = true;
	}
	if (bus->tx.count == 0)
		start_flow(bus);
	tell_room(bus);
}

void
evcan_driver_writable(struct evcan_bus *bus)
{
	if (bus->tx.count > 0)
		evcan_bus_drain_(bus);
	else
		bus->tx.stopped = false;
}

/* Checking. */

int
evcan_bus_may_carry_(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_error *err)
{
	int r = evcan_frame_check(frame, err);

	if (r == 0 && bus->mode == EVCAN_MODE_LISTEN_ONLY)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the bus is in listen-only mode");
	if (r == 0 && (frame->flags & EVCAN_FRAME_FD) &&
	    !(bus->driver->caps & EVCAN_CAP_FD))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "this interface has no CAN FD");
	if (r == 0 && bus->driver->check != NULL)
		r = bus->driver->check(bus, frame, err);
	return r;
}

static int
check(struct evcan_bus *bus, const struct evcan_frame *frame)
{
	struct evcan_error why;

	/* Nearly all frames are well: why one is not is asked again. */
	if (evcan_bus_may_carry_(bus, frame, NULL) == 0)
		return 0;
	evcan_error_clear(&why);
	evcan_bus_may_carry_(bus, frame, &why);
	return evcan_bus_fail_(bus, EVCAN_ERR_INVALID,
	    "bus %s: frame %X not sent: %s", bus->name, (unsigned)frame->id,
	    why.text);
}

static int
may_send(struct evcan_bus *bus)
{
	if (bus->phase == EVCAN_PHASE_OPEN && !bus->gone)
		return 0;
	if (bus->phase == EVCAN_PHASE_GONE || bus->gone)
		return EVCAN_ERR_GONE;
	return evcan_bus_fail_(bus, EVCAN_ERR_STATE,
	    "bus %s is not open", bus->name);
}

/* Sending. */

/* Straight to the device while nothing waits. @return frames taken, or
 * negative when the first is refused */
static int
send_direct(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n)
{
	size_t done = 0;

	while (done < n && !bus->gone) {
		int sent = bus->driver->send(bus, frames + done,
		    (int)(n - done));

		if (sent < 0)
			return done > 0 ? (int)done : sent;
		count_sent(bus, frames + done, (size_t)sent);
		done += (size_t)sent;
		if (sent == 0) {
			stop_flow(bus);
			break;
		}
	}
	return (int)done;
}

static size_t
queue_rest(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n)
{
	size_t room = evcan_bus_tx_room(bus);
	size_t taken = n < room ? n : room;

	if (queue_make(bus) < 0)
		taken = 0;
	for (size_t i = 0; i < taken; i++)
		queue_add(bus, &frames[i], NULL);
	if (taken < n) {
		bus->tx.refused = true;
		bus->stats.send_refused += n - taken;
	}
	return taken;
}

int
evcan_bus_send(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n)
{
	size_t valid = 0;
	int r = may_send(bus), done = 0;

	if (r < 0 || n == 0)
		return r;
	if (n > 1 << 20)
		n = 1 << 20;
	while (valid < n && (r = check(bus, &frames[valid])) == 0)
		valid++;
	if (valid == 0)
		return r;
	evcan_bus_hold_(bus);
	if (bus->tx.count == 0 && !bus->tx.stopped) {
		done = send_direct(bus, frames, valid);
		if (done < 0)
			goto out;
		/* One the device refused for good is the caller's to see. */
		if ((size_t)done < valid && !bus->tx.stopped)
			goto out;
	}
	if ((size_t)done < valid)
		done += (int)queue_rest(bus, frames + done,
		    valid - (size_t)done);
	if (done == 0 && bus->tx.queue == NULL)
		done = evcan_bus_fail_(bus, EVCAN_ERR_NOMEM,
		    "bus %s: no memory for a transmit queue of %lld frames",
		    bus->name, (long long)bus->common.tx_queue_size);
	else if (done == 0)
		done = evcan_bus_fail_(bus, EVCAN_ERR_FULL,
		    "bus %s: transmit queue full (%lld frames)", bus->name,
		    (long long)bus->common.tx_queue_size);
out:
	if (evcan_bus_unsettled_(bus))
		evcan_bus_soon_(bus);
	evcan_bus_drop_(bus);
	return done;
}

static void
set_outcome_due(struct evcan_bus *bus, int64_t due_ns)
{
	if (due_ns != 0 && (bus->due[EVCAN_DUE_OUTCOME] == 0 ||
	    due_ns < bus->due[EVCAN_DUE_OUTCOME]))
		evcan_bus_set_due_(bus, EVCAN_DUE_OUTCOME, due_ns);
}

static void
ask_confirm(struct evcan_bus *bus)
{
	if (bus->tx.confirms || !(bus->driver->caps & EVCAN_CAP_CONFIRM))
		return;
	bus->tx.confirms = bus->driver->want_confirm == NULL ||
	    bus->driver->want_confirm(bus) == 0;
}

/* Queues a checked frame with its outcome, or hands it over at once. */
static int
send_outcome(struct evcan_bus *bus, struct evcan_outcome_ *outcome)
{
	int n = 0;

	if (bus->tx.count == 0 && !bus->tx.stopped) {
		n = hand_over_one(bus, &outcome->frame, outcome);
		if (n != 0)
			return n < 0 ? n : 0;
		stop_flow(bus);
	}
	if (queue_make(bus) < 0)
		return EVCAN_ERR_NOMEM;
	if (evcan_bus_tx_room(bus) == 0) {
		bus->tx.refused = true;
		bus->stats.send_refused++;
		return EVCAN_ERR_FULL;
	}
	queue_add(bus, &outcome->frame, outcome);
	set_outcome_due(bus, outcome->due_ns);
	return 0;
}

static int
send_one(struct evcan_bus *bus, const struct evcan_frame *frame,
    int timeout_ms, struct evcan_outcome_ *outcome)
{
	int r;

	outcome->frame = *frame;
	outcome->doubt_ns = 0;
	outcome->due_ns = timeout_ms < 0 ? 0 :
	    evcan_now_monotonic() + (int64_t)timeout_ms * 1000000;
	if (!outcome->taken_is_enough)
		ask_confirm(bus);
	evcan_bus_hold_(bus);
	r = send_outcome(bus, outcome);
	if (r < 0)
		outcome_back(bus, outcome);
	if (evcan_bus_unsettled_(bus))
		evcan_bus_soon_(bus);
	evcan_bus_drop_(bus);
	return r;
}

static int
send_with(struct evcan_bus *bus, const struct evcan_frame *frame,
    int timeout_ms, bool taken_is_enough, const struct evcan_outcome_ *call)
{
	struct evcan_outcome_ *outcome;
	int r = may_send(bus);

	if (r == 0)
		r = check(bus, frame);
	if (r < 0)
		return r;
	if (bus->tx.untold >= UNTOLD_MAX && !taken_is_enough) {
		bus->tx.refused = true;
		bus->stats.send_refused++;
		return evcan_bus_fail_(bus, EVCAN_ERR_FULL, "bus %s: what "
		    "became of %d frames is not told yet", bus->name,
		    UNTOLD_MAX);
	}
	outcome = outcome_new(bus);
	if (outcome == NULL)
		return EVCAN_ERR_NOMEM;
	outcome->cb = call->cb;
	outcome->arg = call->arg;
	outcome->taken_is_enough = taken_is_enough;
	return send_one(bus, frame, timeout_ms, outcome);
}

int
evcan_bus_send_cb(struct evcan_bus *bus, const struct evcan_frame *frame,
    int timeout_ms, evcan_sent_cb cb, void *arg)
{
	struct evcan_outcome_ call = { .cb = cb, .arg = arg };

	return send_with(bus, frame, timeout_ms, false, &call);
}

int
evcan_bus_send_taken_(struct evcan_bus *bus, const struct evcan_frame *frame,
    int timeout_ms, evcan_sent_cb cb, void *arg)
{
	struct evcan_outcome_ call = { .cb = cb, .arg = arg };
	int r = may_send(bus);

	if (r == 0)
		r = check(bus, frame);
	if (r < 0)
		return r;
	if (bus->tx.count == 0 && !bus->tx.stopped) {
		r = send_direct(bus, frame, 1);
		if (r != 0)
			return r;
	}
	return send_with(bus, frame, timeout_ms, true, &call);
}

/* Outcomes. */

static bool
same_frame(const struct evcan_frame *a, const struct evcan_frame *b)
{
	const unsigned kind = EVCAN_FRAME_EXT | EVCAN_FRAME_RTR |
	    EVCAN_FRAME_ERR | EVCAN_FRAME_FD;

	return a->id == b->id && a->len == b->len &&
	    ((a->flags ^ b->flags) & kind) == 0 &&
	    memcmp(a->data, b->data, a->len) == 0;
}

/* Where the oldest that waits for such a frame hangs in the list. */
static struct evcan_outcome_ **
find_waiting(struct evcan_outcome_ **at, const struct evcan_frame *frame)
{
	while (*at != NULL && !same_frame(&(*at)->frame, frame))
		at = &(*at)->next;
	return at;
}

/* Its confirmation may never come. If not, it ends as what is known of it: the
 * device took the frame. */
static void
doubt(struct evcan_bus *bus, struct evcan_outcome_ *outcome)
{
	if (outcome->doubt_ns != 0)
		return;
	outcome->doubt_ns = evcan_now_monotonic() + DOUBT_NS;
	set_outcome_due(bus, outcome->doubt_ns);
}

void
evcan_bus_doubt_(struct evcan_bus *bus)
{
	struct evcan_outcome_ *outcome = bus->tx.waiting.first;

	for (; outcome != NULL; outcome = outcome->next)
		doubt(bus, outcome);
}

/* A device that sends in order has lost those of the frames before; and one
 * that may have been lost may have been this one's, and this that of the next
 * equal frame. */
static struct evcan_outcome_ *
take_confirmed(struct evcan_bus *bus, const struct evcan_frame *frame)
{
	struct evcan_outcome_ *const oldest = bus->tx.waiting.first;
	struct evcan_outcome_ **at = find_waiting(&bus->tx.waiting.first,
	    frame);
	struct evcan_outcome_ *outcome = *at, *other;

	if (outcome == NULL)
		return NULL;
	for (other = oldest; other != outcome; other = other->next)
		doubt(bus, other);
	other = outcome->doubt_ns != 0 ? *find_waiting(&outcome->next, frame) :
	    NULL;
	if (other != NULL)
		doubt(bus, other);
	return list_take(&bus->tx.waiting, at);
}

static bool
confirm(struct evcan_bus *bus, const struct evcan_frame *frame)
{
	struct evcan_outcome_ *outcome = take_confirmed(bus, frame);

	if (outcome == NULL)
		return false;
	outcome->frame.time_ns = frame->time_ns;
	outcome->frame.clock = frame->clock;
	finish(bus, outcome, EVCAN_SENT);
	return true;
}

bool
evcan_driver_echo(struct evcan_bus *bus, const struct evcan_frame *frame)
{
	bus->stats.confirmed++;
	return confirm(bus, frame);
}

void
evcan_driver_echoes(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n)
{
	bus->stats.confirmed += n;
	for (size_t i = 0; i < n && bus->tx.waiting.first != NULL; i++)
		confirm(bus, &frames[i]);
}

void
evcan_driver_refused(struct evcan_bus *bus, const struct evcan_frame *frame,
    int code)
{
	struct evcan_outcome_ **at = find_waiting(&bus->tx.waiting.first,
	    frame);

	bus->stats.send_failed++;
	if (*at != NULL)
		finish(bus, list_take(&bus->tx.waiting, at), code);
}

void
evcan_driver_unsent(struct evcan_bus *bus, uint64_t frames)
{
	bus->stats.send_failed += frames;
}

/* @return when the next one is due; 0: none is */
static int64_t
expire_doubtful(struct evcan_bus *bus, int64_t now)
{
	struct evcan_outcome_ **at = &bus->tx.waiting.first;
	int64_t first = 0;

	while (*at != NULL) {
		const int64_t due_ns = (*at)->doubt_ns;

		if (due_ns != 0 && due_ns <= now) {
			finish(bus, list_take(&bus->tx.waiting, at),
			    EVCAN_ACCEPTED);
			continue;
		}
		if (due_ns != 0 && (first == 0 || due_ns < first))
			first = due_ns;
		at = &(*at)->next;
	}
	return first;
}

void
evcan_bus_expire_(struct evcan_bus *bus, int64_t now)
{
	int64_t first = expire_doubtful(bus, now);

	for (size_t i = 0; i < bus->tx.count; i++) {
		struct evcan_queued_ *entry = queue_at(bus, i);
		struct evcan_outcome_ *outcome = entry->outcome;

		if (outcome == NULL || outcome->due_ns == 0)
			continue;
		if (outcome->due_ns <= now) {
			entry->canceled = true;
			entry->outcome = NULL;
			bus->stats.send_failed++;
			finish(bus, outcome, EVCAN_ERR_TIMEOUT);
		} else if (first == 0 || outcome->due_ns < first) {
			first = outcome->due_ns;
		}
	}
	evcan_bus_set_due_(bus, EVCAN_DUE_OUTCOME, first);
}

size_t
evcan_bus_tx_fail_(struct evcan_bus *bus, int code)
{
	size_t left = 0;

	for (; bus->tx.count > 0; queue_drop_first(bus)) {
		struct evcan_queued_ *entry = queue_at(bus, 0);

		if (entry->canceled)
			continue;
		left++;
		if (entry->outcome != NULL)
			finish(bus, entry->outcome, code);
	}
	bus->stats.send_failed += left;
	while (bus->tx.waiting.first != NULL)
		finish(bus, list_take(&bus->tx.waiting,
		    &bus->tx.waiting.first), code);
	evcan_bus_set_due_(bus, EVCAN_DUE_OUTCOME, 0);
	start_flow(bus);
	return left;
}

int
evcan_bus_flush_tx_buffer(struct evcan_bus *bus)
{
	int r = 0;

	if (bus->phase != EVCAN_PHASE_OPEN)
		return EVCAN_ERR_STATE;
	evcan_bus_tx_fail_(bus, EVCAN_ERR_CANCELED);
	if (bus->driver->flush_tx != NULL)
		r = bus->driver->flush_tx(bus);
	tell_room(bus);
	return r;
}

void
evcan_bus_wait_writable_(struct evcan_bus *bus, struct evcan_waiter_ *waiter)
{
	struct evcan_waiter_ **at = &bus->waiters;

	if (waiter->waiting)
		return;
	while (*at != NULL)
		at = &(*at)->next;
	*at = waiter;
	waiter->next = NULL;
	waiter->waiting = true;
	tell_room(bus);
}

void
evcan_bus_unwait_writable_(struct evcan_bus *bus,
    struct evcan_waiter_ *waiter)
{
	struct evcan_waiter_ **at = &bus->waiters;

	if (!waiter->waiting)
		return;
	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	waiter->waiting = false;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_thread.c - an adapter's thread: every call of the vendor's library */
#include "vendor_internal.h"

#include <poll.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/frame.h>

#include "condition.h"

#define MS EVCAN_VENDOR_MS_
#define BATCH 64
/* How long a read waits that can be ended early. */
#define LONG_MS 100
#define SLICE_MS 10
/* The longest that a device without room is left alone. */
#define BLOCKED_MAX_MS 4
#define LOOK_NS (500 * MS)
#define PREDECESSOR_NS (5000 * MS)
/* Reads before a device is made to forget what it received: all is saved, but
 * of a bus that is faster than they are. */
#define SAVE_READS 1024
/* What a closing bus grants to frames that it took: each, and all. */
#define DRAIN_NS (100 * MS)
#define DRAIN_MAX_NS (400 * MS)
/* Opening loads firmware here and there, and a light may flash for 5 s. */
#define PATIENT_TIMES 4

/* The list */

static struct evcan_adapter_ *adapters;
static pthread_mutex_t adapters_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t adapters_changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init_process(void)
{
	evcan_condition_init_(&adapters_changed);
}

void
evcan_vendor_list_add_(struct evcan_adapter_ *adapter)
{
	pthread_once(&once, init_process);
	pthread_mutex_lock(&adapters_lock);
	adapter->next = adapters;
	adapters = adapter;
	pthread_mutex_unlock(&adapters_lock);
}

void
evcan_vendor_list_remove_(struct evcan_adapter_ *adapter)
{
	struct evcan_adapter_ **at = &adapters;

	pthread_mutex_lock(&adapters_lock);
	while (*at != adapter)
		at = &(*at)->next;
	*at = adapter->next;
	pthread_cond_broadcast(&adapters_changed);
	pthread_mutex_unlock(&adapters_lock);
}

void
evcan_vendor_list_changed_(void)
{
	pthread_once(&once, init_process);
	pthread_mutex_lock(&adapters_lock);
	pthread_cond_broadcast(&adapters_changed);
	pthread_mutex_unlock(&adapters_lock);
}

/* One that is told to stop, of the same device. Those behind it in the list
 * are older. */
static bool
has_predecessor(const struct evcan_adapter_ *adapter)
{
	const struct evcan_adapter_ *other = adapter->next;

	while (other != NULL && (!atomic_load(&other->stop) ||
	    strcmp(other->key, adapter->key) != 0))
		other = other->next;
	return other != NULL;
}

/* @return false: it still hangs in its vendor's library */
static bool
await_predecessor(struct evcan_adapter_ *adapter)
{
	const int64_t end = evcan_now_monotonic() + PREDECESSOR_NS +
	    adapter->ops->close_ms * MS;
	bool waits, in_time = true;

	pthread_mutex_lock(&adapters_lock);
	while ((waits = has_predecessor(adapter)) && in_time &&
	    !atomic_load(&adapter->stop))
		in_time = evcan_condition_wait_(&adapters_changed,
		    &adapters_lock, end);
	pthread_mutex_unlock(&adapters_lock);
	return !waits;
}

/* Calls of the library */

/* @param allowed_ns what it may take besides, since it was asked to wait, or
 * has much to do */
static void
enter(struct evcan_adapter_ *adapter, const char *call, int64_t allowed_ns)
{
	atomic_store_explicit(&adapter->call, call, memory_order_relaxed);
	atomic_store_explicit(&adapter->call_ns, evcan_now_monotonic() +
	    allowed_ns, memory_order_release);
}

static void
enter_patiently(struct evcan_adapter_ *adapter, const char *call)
{
	enter(adapter, call, (PATIENT_TIMES - 1) * evcan_vendor_hang_ns_);
}

static void
leave(struct evcan_adapter_ *adapter)
{
	atomic_store_explicit(&adapter->call_ns, 0, memory_order_release);
}

bool
evcan_adapter_wanted_(const struct evcan_adapter_ *adapter)
{
	return atomic_load(&adapter->stop) ||
	    evcan_ring_count_(&adapter->tx) > 0 ||
	    atomic_load(&adapter->waiting) > 0;
}

void
evcan_adapter_push_(struct evcan_adapter_ *adapter,
    const struct evcan_frame *frames, int n)
{
	bool wake = false;

	evcan_feed_push_(&adapter->feed, frames, (size_t)n, &wake);
	if (wake)
		evcan_feed_wake_(&adapter->feed);
}

void
evcan_adapter_save_(struct evcan_adapter_ *adapter)
{
	struct evcan_frame frames[BATCH];
	int n, reads = SAVE_READS;

	while (reads-- > 0 && (n = adapter->ops->read(adapter, adapter->port,
	    frames, BATCH, 0)) > 0)
		evcan_adapter_push_(adapter, frames, n);
}

/* @return false: there is none */
static bool
take_command(struct evcan_adapter_ *adapter,
    struct evcan_vendor_command_ *command)
{
	if (atomic_load(&adapter->waiting) == 0)
		return false;
	pthread_mutex_lock(&adapter->lock);
	*command = adapter->commands[0];
	memmove(adapter->commands, adapter->commands + 1,
	    --adapter->n_commands * sizeof(*command));
	atomic_store(&adapter->waiting, adapter->n_commands);
	pthread_mutex_unlock(&adapter->lock);
	return true;
}

/* A command to set the mode has ended so. Nobody else tells of one that the
 * loop does not wait for. */
static void
tell_mode(struct evcan_adapter_ *adapter,
    const struct evcan_vendor_command_ *command, int r, bool awaited)
{
	bool listen_only;

	if (command->what != atomic_load(&adapter->sets_mode))
		return;
	memcpy(&listen_only, command->data, sizeof(listen_only));
	if (r >= 0)
		adapter->mode = listen_only ? EVCAN_MODE_LISTEN_ONLY :
		    EVCAN_MODE_NORMAL;
	else if (!awaited)
		evcan_adapter_error_(adapter, r, 0, "the device did not "
		    "change its mode: %s", evcan_error_name(r));
	evcan_adapter_mode_(adapter, adapter->mode);
}

static void
run_commands(struct evcan_adapter_ *adapter)
{
	bool awaited;
	struct evcan_vendor_command_ command;
	int r = EVCAN_ERR_UNSUPPORTED;

	while (take_command(adapter, &command)) {
		adapter->running = command.number;
		adapter->running_what = (unsigned)command.what %
		    EVCAN_VENDOR_KINDS_;
		enter_patiently(adapter, "a command");
		if (adapter->ops->command != NULL)
			r = adapter->ops->command(adapter, adapter->port,
			    command.what, command.data);
		leave(adapter);
		pthread_mutex_lock(&adapter->lock);
		awaited = atomic_load(&adapter->mode_awaited);
		adapter->answer = r;
		adapter->answered = command.number;
		pthread_cond_broadcast(&adapter->changed);
		pthread_mutex_unlock(&adapter->lock);
		tell_mode(adapter, &command, r, awaited);
	}
}

static void
drop_sent(struct evcan_adapter_ *adapter, size_t n)
{
	evcan_ring_drop_(&adapter->tx, n);
	evcan_vendor_tell_room_(adapter);
}

/* What evcan_vendor_flush_() asked for. */
static void
drop_flushed(struct evcan_adapter_ *adapter)
{
	const struct evcan_frame *frames;
	size_t dropped = 0;
	ptrdiff_t n;

	/* Positions go round: an old one says nothing. */
	if (!atomic_load_explicit(&adapter->drops, memory_order_relaxed) ||
	    !atomic_exchange(&adapter->drops, false))
		return;
	n = (ptrdiff_t)(atomic_load(&adapter->drop_to) -
	    atomic_load_explicit(&adapter->tx.tail, memory_order_relaxed));
	/* Only what was peeked at may be dropped. */
	while (n > 0) {
		size_t row = evcan_ring_peek_(&adapter->tx, &frames,
		    (size_t)n);

		drop_sent(adapter, row);
		dropped += row;
		n -= (ptrdiff_t)row;
	}
	if (dropped > 0)
		evcan_vendor_tell_unsent_(adapter, dropped);
}

/* Whoever waits for its outcome hears of it, in its turn, even if nobody makes
 * room in the feed. */
void
evcan_adapter_refused_(struct evcan_adapter_ *adapter,
    const struct evcan_frame *frame, int code)
{
	struct evcan_frame refused = *frame;

	refused.flags |= EVCAN_VENDOR_REFUSED_;
	refused.time_ns = code;
	if (evcan_feed_room_(&adapter->feed) > 0)
		evcan_adapter_push_(adapter, &refused, 1);
	else
		evcan_vendor_tell_refused_(adapter, &refused);
}

/* The loop may flush while the frames before it are sent. */
static size_t
next_batch(struct evcan_adapter_ *adapter, const struct evcan_frame **frames)
{
	drop_flushed(adapter);
	return evcan_ring_peek_(&adapter->tx, frames, BATCH);
}

/* Until the loop has heard of the refusals so far. */
static bool
cannot_tell(const struct evcan_adapter_ *adapter)
{
	return atomic_load_explicit(&adapter->refusals, memory_order_relaxed);
}

/* Some batches at most: what is received must not wait for ever.
 * @return whether frames may wait that the device has no room for */
static bool
send_frames(struct evcan_adapter_ *adapter)
{
	const struct evcan_frame *frames;
	int sent, turns = 4;
	unsigned errors;
	size_t n;

	while (turns-- > 0 && !cannot_tell(adapter) &&
	    (n = next_batch(adapter, &frames)) > 0) {
		errors = evcan_vendor_errors_(adapter);
		enter(adapter, "send", 0);
		sent = adapter->ops->send(adapter, adapter->port, frames,
		    (int)n);
		leave(adapter);
		if (sent == 0)
			return true;
		/* A driver that knows more has said so. */
		if (sent < 0 && errors == evcan_vendor_errors_(adapter))
			evcan_adapter_error_(adapter, sent, 0, "the device "
			    "refused frame %X", (unsigned)frames->id);
		if (sent < 0)
			evcan_adapter_refused_(adapter, frames, sent);
		drop_sent(adapter, sent < 0 ? 1 : (size_t)sent);
	}
	return cannot_tell(adapter);
}

/* From now on the loop calls the thread, until it is awake again. Inlined, gcc
 * warns of the fence where TSan is on.
 * @return whether it may wait: nothing came meanwhile */
__attribute__((noinline)) static bool
fall_asleep(struct evcan_adapter_ *adapter, enum evcan_vendor_sleep_ how)
{
	atomic_store(&adapter->asleep, how);
	atomic_thread_fence(memory_order_seq_cst);
	return !evcan_adapter_wanted_(adapter);
}

/* Waits for the device's fd and for the loop. */
static void
await_fd(struct evcan_adapter_ *adapter, int fd, int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = adapter->wake.fd, .events = POLLIN }
	};

	poll(fds, 2, timeout_ms);
	if (fds[1].revents != 0)
		evcan_wake_clear_(&adapter->wake);
	/* An fd that is broken must not make it spin. */
	if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
		poll(NULL, 0, 1);
}

/* How the thread can be called while it reads. */
static enum evcan_vendor_sleep_
way_to_sleep(const struct evcan_vendor_ops_ *ops, int fd)
{
	if (fd >= 0)
		return EVCAN_VENDOR_POLLS_;
	return ops->interrupt != NULL ? EVCAN_VENDOR_READS_ :
	    EVCAN_VENDOR_AWAKE_;
}

/* @param blocked_ms frames wait to be sent, and are tried again after that;
 * 0: none do
 * @return frames, or negative when the device is gone */
static int
receive(struct evcan_adapter_ *adapter, int blocked_ms)
{
	const struct evcan_vendor_ops_ *ops = adapter->ops;
	struct evcan_frame frames[BATCH];
	int fd = ops->fd != NULL ? ops->fd(adapter->port) : -1;
	enum evcan_vendor_sleep_ how = way_to_sleep(ops, fd);
	int timeout_ms = blocked_ms, n;

	if (blocked_ms == 0 && fall_asleep(adapter, how))
		timeout_ms = how != EVCAN_VENDOR_AWAKE_ ? LONG_MS :
		    ops->slice_ms > 0 ? ops->slice_ms : SLICE_MS;
	if (fd >= 0) {
		if (timeout_ms > 0)
			await_fd(adapter, fd, timeout_ms);
		timeout_ms = 0;
	}
	enter(adapter, "read", timeout_ms * MS);
	n = ops->read(adapter, adapter->port, frames, BATCH, timeout_ms);
	leave(adapter);
	atomic_store(&adapter->asleep, EVCAN_VENDOR_AWAKE_);
	if (n > 0)
		evcan_adapter_push_(adapter, frames, n);
	return n;
}

static void
look(struct evcan_adapter_ *adapter, int64_t *looked)
{
	int64_t now = evcan_now_monotonic();

	if (adapter->ops->look == NULL || now - *looked < LOOK_NS)
		return;
	*looked = now;
	enter(adapter, "a status call", 0);
	adapter->ops->look(adapter, adapter->port);
	leave(adapter);
}

/* What was handed over before the end still goes out, as long as the device
 * takes it. */
static void
send_rest(struct evcan_adapter_ *adapter)
{
	int64_t now = evcan_now_monotonic(), moved = now;
	const int64_t end = now + DRAIN_MAX_NS;
	size_t left, before = SIZE_MAX;

	while ((left = (send_frames(adapter),
	    evcan_ring_count_(&adapter->tx))) > 0) {
		now = evcan_now_monotonic();
		if (left < before)
			moved = now;
		before = left;
		if (now >= end || now - moved >= DRAIN_NS)
			return;
		poll(NULL, 0, 1);
	}
}

static void
serve(struct evcan_adapter_ *adapter)
{
	int64_t looked = 0;
	int wait = 0, n = 0;

	while (n >= 0 && !atomic_load(&adapter->stop)) {
		run_commands(adapter);
		look(adapter, &looked);
		/* Frames that wait for room: it may come any time. */
		if (!send_frames(adapter))
			wait = 0;
		else if (wait < BLOCKED_MAX_MS)
			wait = wait == 0 ? 1 : wait * 2;
		n = receive(adapter, wait);
	}
	if (n >= 0)
		send_rest(adapter);
	else
		evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, 0,
		    "the device does not answer any more");
}

static int
open_device(struct evcan_adapter_ *adapter)
{
	struct evcan_error error;
	int r;

	evcan_error_clear(&error);
	enter_patiently(adapter, "open");
	r = adapter->ops->open(adapter, adapter->port, &error);
	leave(adapter);
	if (r < 0)
		evcan_adapter_gone_(adapter, error.code != 0 ? error.code : r,
		    error.vendor, "%s", error.text[0] != '\0' ? error.text :
		    "the device cannot be opened");
	else
		evcan_vendor_tell_opened_(adapter);
	return r < 0 ? r : 0;
}

static void
close_device(struct evcan_adapter_ *adapter)
{
	pthread_mutex_lock(&adapter->lock);
	adapter->up = false;
	pthread_mutex_unlock(&adapter->lock);
	enter(adapter, "close", adapter->ops->close_ms * MS);
	adapter->ops->close(adapter, adapter->port);
	leave(adapter);
}

/* Commands that nobody runs any more. */
static void
discard_commands(struct evcan_adapter_ *adapter)
{
	struct evcan_vendor_command_ command;

	while (take_command(adapter, &command)) {
		if (adapter->ops->discard != NULL)
			adapter->ops->discard(command.what, command.data);
	}
}

void *
evcan_vendor_run_(void *arg)
{
	struct evcan_adapter_ *adapter = arg;

	if (!await_predecessor(adapter)) {
		evcan_adapter_gone_(adapter, EVCAN_ERR_BUSY, 0, "%s: an "
		    "earlier call still hangs in the vendor's library",
		    adapter->key);
	} else if (!atomic_load(&adapter->stop)) {
		if (open_device(adapter) == 0)
			serve(adapter);
		close_device(adapter);
	}
	evcan_vendor_list_remove_(adapter);
	pthread_mutex_lock(&adapter->lock);
	adapter->ended = true;
	pthread_cond_broadcast(&adapter->changed);
	pthread_mutex_unlock(&adapter->lock);
	discard_commands(adapter);
	evcan_vendor_put_(adapter);
	return NULL;
}

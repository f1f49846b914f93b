/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor.c - the loop's side of an adapter behind a vendor's library */
#include "vendor_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/frame.h>

#include "condition.h"

#define MS EVCAN_VENDOR_MS_
#define TX_FRAMES 256
#define RX_FRAMES 4096
/* How often it is looked whether the thread hangs, and what nobody reads. */
#define WATCH_NS (500 * MS)
/* How long closing waits for the thread: in all; and before its close begins,
 * since a read goes on and frames that were taken still go out. */
#define CLOSE_NS (1000 * MS)
#define BEFORE_CLOSE_NS (500 * MS)

_Atomic int64_t evcan_vendor_hang_ns_ = 8000 * MS;

static atomic_uint abandoned;

unsigned
evcan_vendor_abandoned_(void)
{
	return atomic_load(&abandoned);
}

/* Its memory */

static void
adapter_free(struct evcan_adapter_ *adapter)
{
	pthread_cond_destroy(&adapter->changed);
	pthread_mutex_destroy(&adapter->lock);
	evcan_wake_destroy_(&adapter->wake);
	evcan_ring_destroy_(&adapter->tx);
	evcan_feed_destroy_(&adapter->feed);
	free(adapter->key);
	free(adapter);
}

void
evcan_vendor_put_(struct evcan_adapter_ *adapter)
{
	if (atomic_fetch_sub(&adapter->refs, 1) == 1)
		adapter_free(adapter);
}

/* @return NULL with why: EVCAN_ERR_NOMEM, or EVCAN_ERR_INIT with errno */
static struct evcan_adapter_ *
adapter_new(const struct evcan_vendor_ops_ *ops, const char *key,
    const void *port, size_t frames, int *why)
{
	struct evcan_adapter_ *adapter = calloc(1, sizeof(*adapter) +
	    ops->port_size);
	int r;

	*why = EVCAN_ERR_NOMEM;
	if (adapter == NULL)
		return NULL;
	adapter->key = strdup(key);
	if (adapter->key == NULL)
		goto no_key;
	r = evcan_feed_init_(&adapter->feed, frames);
	if (r < 0) {
		if (r != EVCAN_ERR_NOMEM)
			*why = EVCAN_ERR_INIT;
		goto no_feed;
	}
	if (evcan_ring_init_(&adapter->tx, TX_FRAMES) < 0)
		goto no_ring;
	if (evcan_wake_init_(&adapter->wake) < 0) {
		*why = EVCAN_ERR_INIT;
		goto no_wake;
	}
	pthread_mutex_init(&adapter->lock, NULL);
	evcan_condition_init_(&adapter->changed);
	atomic_init(&adapter->refs, 1);
	atomic_init(&adapter->sets_mode, -1);
	adapter->ops = ops;
	memcpy(adapter->port, port, ops->port_size);
	return adapter;
no_wake:
	evcan_ring_destroy_(&adapter->tx);
no_ring:
	evcan_feed_destroy_(&adapter->feed);
no_feed:
	free(adapter->key);
no_key:
	free(adapter);
	return NULL;
}

/* Opening */

static struct evcan_vendor_bus_ *
vendor_of(struct evcan_bus *bus)
{
	return evcan_driver_state(bus);
}

static void
watch_thread(struct evcan_bus *bus)
{
	int64_t ns = evcan_vendor_hang_ns_ / 4;

	evcan_driver_deadline(bus, evcan_now_monotonic() +
	    (ns < WATCH_NS ? ns : WATCH_NS));
}

/* Signals are the program's own affair: its threads take them. */
static int
start_thread(struct evcan_adapter_ *adapter)
{
	sigset_t all, before;
	int r;

	atomic_fetch_add(&adapter->refs, 1);
	evcan_vendor_list_add_(adapter);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&adapter->thread, NULL, evcan_vendor_run_,
	    adapter);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	adapter->started = r == 0;
	if (r != 0) {
		evcan_vendor_list_remove_(adapter);
		evcan_vendor_put_(adapter);
	}
	return r;
}

int
evcan_vendor_start_(struct evcan_bus *bus,
    const struct evcan_vendor_ops_ *ops, const char *key, const void *port,
    struct evcan_error *err)
{
	struct evcan_vendor_bus_ *vendor = vendor_of(bus);
	const size_t frames = vendor->rx_queue_size > 0 ?
	    (size_t)vendor->rx_queue_size : RX_FRAMES;
	struct evcan_adapter_ *adapter;
	int r;

	adapter = adapter_new(ops, key, port, frames, &r);
	if (adapter == NULL && r == EVCAN_ERR_NOMEM)
		return evcan_error_set(err, r, 0, "%s: out of memory for %zu "
		    "frames (option rx_queue_size)", evcan_bus_name(bus),
		    frames);
	if (adapter == NULL)
		return evcan_error_set(err, r, errno, "%s: no file descriptor "
		    "for its thread", evcan_bus_name(bus));
	vendor->adapter = adapter;
	adapter->mode = evcan_bus_get_mode(bus);
	r = evcan_driver_watch(bus, adapter->feed.wake.fd,
	    EVCAN_WATCH_READ | EVCAN_WATCH_EDGE);
	if (r == EVCAN_ERR_NOMEM)
		return evcan_error_set(err, r, 0, "%s: out of memory",
		    evcan_bus_name(bus));
	if (r < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno, "%s: no "
		    "file descriptor to watch its thread",
		    evcan_bus_name(bus));
	r = start_thread(adapter);
	if (r != 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, r,
		    "%s: cannot start its thread", evcan_bus_name(bus));
	watch_thread(bus);
	return 1;
}

/* What became of sends */

void
evcan_vendor_hear_refused_(struct evcan_bus *bus, struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~EVCAN_VENDOR_REFUSED_;
	evcan_driver_refused(bus, frame, (int)frame->time_ns);
}

/* Whether the frame is for the bus's consumer. */
static bool
is_for_consumer(struct evcan_bus *bus, struct evcan_frame *frame)
{
	const struct evcan_vendor_bus_ *vendor = vendor_of(bus);

	if (frame->flags & EVCAN_VENDOR_REFUSED_) {
		evcan_vendor_hear_refused_(bus, frame);
		return false;
	}
	if (!(frame->flags & EVCAN_FRAME_ECHO) || !vendor->confirms)
		return true;
	evcan_driver_echo(bus, frame);
	return vendor->receive_own_messages;
}

/* @return frames that are left for the consumer, in order */
static size_t
sort_out(struct evcan_bus *bus, struct evcan_frame *frames, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		const unsigned special = EVCAN_FRAME_ECHO |
		    EVCAN_VENDOR_REFUSED_;

		if ((frames[i].flags & special) &&
		    !is_for_consumer(bus, &frames[i]))
			continue;
		if (left != i)
			frames[left] = frames[i];
		left++;
	}
	return left;
}

/* Closing */

/* Ends a wait of the thread. */
static void
call_thread(struct evcan_adapter_ *adapter)
{
	int how;

	/* What was pushed is seen by a thread that falls asleep now, or that
	 * is seen to do so here. */
	atomic_thread_fence(memory_order_seq_cst);
	how = atomic_exchange(&adapter->asleep, EVCAN_VENDOR_AWAKE_);
	if (how == EVCAN_VENDOR_POLLS_)
		evcan_wake_set_(&adapter->wake);
	if (how != EVCAN_VENDOR_READS_)
		return;
	/* Not while it opens or closes the device. */
	pthread_mutex_lock(&adapter->lock);
	if (adapter->up)
		adapter->ops->interrupt(adapter->port);
	pthread_mutex_unlock(&adapter->lock);
}

static bool
hangs(struct evcan_adapter_ *adapter)
{
	int64_t since = atomic_load_explicit(&adapter->call_ns,
	    memory_order_acquire);

	return since != 0 &&
	    evcan_now_monotonic() - since > evcan_vendor_hang_ns_;
}

static int64_t
patience(const struct evcan_vendor_ops_ *ops)
{
	int64_t ns = BEFORE_CLOSE_NS + ops->close_ms * MS;

	return ns > CLOSE_NS ? ns : CLOSE_NS;
}

/* @return whether the thread has ended */
static bool
await_end(struct evcan_adapter_ *adapter)
{
	const int64_t end = evcan_now_monotonic() + patience(adapter->ops);
	bool ended, in_time = true;

	pthread_mutex_lock(&adapter->lock);
	while (!adapter->ended && in_time && !hangs(adapter))
		in_time = evcan_condition_wait_(&adapter->changed,
		    &adapter->lock, end);
	ended = adapter->ended;
	pthread_mutex_unlock(&adapter->lock);
	return ended;
}

/* What is in tx by now is not to be sent. */
static void
drop_all(struct evcan_adapter_ *adapter)
{
	atomic_store(&adapter->drop_to, atomic_load_explicit(
	    &adapter->tx.head, memory_order_relaxed));
	atomic_store(&adapter->drops, true);
}

/* Its memory and its reference are its own, so it may go on for ever. Should
 * the call return some day, what waits here must not go out then. */
static void
abandon(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	const char *call = atomic_load(&adapter->call);

	drop_all(adapter);
	evcan_driver_unsent(bus, evcan_ring_count_(&adapter->tx));
	pthread_detach(adapter->thread);
	atomic_fetch_add(&abandoned, 1);
	evcan_log(EVCAN_LOG_WARNING, "vendor", "%s: the vendor's library "
	    "does not return from %s; its thread is left behind",
	    evcan_bus_name(bus), call != NULL ? call : "a call");
}

/* What the thread told last. Frames that nobody wants any more are no loss. */
static void
hear_the_rest(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	struct evcan_frame frames[64];
	size_t turns = adapter->feed.ring.mask + 2, n;
	uint64_t lost;

	do {
		n = evcan_feed_pop_(&adapter->feed, frames, 64, false, &lost);
		sort_out(bus, frames, n);
	} while ((n > 0 || lost > 0) && turns-- > 0);
	evcan_vendor_hear_of_sends_(bus, adapter);
}

/* What it took and the device did not: whoever waits for it hears of that. */
static void
fail_unsent(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	const struct evcan_frame *frames;
	size_t row, unsent = 0;

	while ((row = evcan_ring_peek_(&adapter->tx, &frames,
	    TX_FRAMES)) > 0) {
		for (size_t i = 0; i < row; i++)
			evcan_driver_refused(bus, &frames[i], EVCAN_ERR_GONE);
		evcan_ring_drop_(&adapter->tx, row);
		unsent += row;
	}
	if (unsent > 0)
		evcan_log(EVCAN_LOG_WARNING, "vendor", "%s: closed; frames "
		    "that the device did not take: %zu", evcan_bus_name(bus),
		    unsent);
}

static void
end_thread(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	const bool ended = await_end(adapter);

	if (ended)
		pthread_join(adapter->thread, NULL);
	hear_the_rest(bus, adapter);
	if (ended)
		fail_unsent(bus, adapter);
	else
		abandon(bus, adapter);
}

void
evcan_vendor_close_(struct evcan_bus *bus)
{
	struct evcan_vendor_bus_ *vendor = vendor_of(bus);
	struct evcan_adapter_ *adapter = vendor->adapter;

	if (adapter == NULL)
		return;
	vendor->adapter = NULL;
	atomic_store(&adapter->stop, true);
	call_thread(adapter);
	evcan_vendor_list_changed_();
	if (adapter->started)
		end_thread(bus, adapter);
	evcan_driver_watch(bus, adapter->feed.wake.fd, EVCAN_WATCH_NONE);
	evcan_vendor_put_(adapter);
}

/* Frames in */

void
evcan_vendor_ready_(struct evcan_bus *bus, int fd, unsigned what)
{
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;

	(void)fd;
	(void)what;
	if (atomic_load(&adapter->has_news)) {
		evcan_vendor_hear_(bus, adapter);
		/* Nobody may ever read here: take the wake back, unless it
		 * told of frames too. */
		evcan_wake_clear_(&adapter->feed.wake);
		if (evcan_feed_more_(&adapter->feed) ||
		    atomic_load(&adapter->has_news))
			evcan_feed_wake_(&adapter->feed);
	}
	evcan_driver_wake(bus);
}

void
evcan_vendor_lose_unread_(struct evcan_bus *bus,
    struct evcan_adapter_ *adapter)
{
	struct evcan_frame frames[64];
	/* Should a vendor's own thread still push: once around. */
	size_t turns = adapter->feed.ring.mask + 2, n;
	uint64_t lost, all = 0;

	do {
		n = evcan_feed_pop_(&adapter->feed, frames, 64, false, &lost);
		all += lost + sort_out(bus, frames, n);
	} while ((n > 0 || lost > 0) && turns-- > 0);
	if (all > 0)
		evcan_driver_lost(bus, all, EVCAN_LOSS_QUEUE);
}

int
evcan_vendor_recv_(struct evcan_bus *bus, struct evcan_frame *frames, int max)
{
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;
	size_t n, left, before, head;
	uint64_t lost;

	do {
		/* Frames up to here: what was told between them is heard now,
		 * what is told later is behind them. */
		head = atomic_load_explicit(&adapter->feed.ring.head,
		    memory_order_acquire);
		evcan_vendor_hear_later_(bus, adapter, false);
		before = evcan_vendor_before_(adapter, head, (size_t)max);
		n = evcan_feed_pop_(&adapter->feed, frames, before,
		    !evcan_driver_edges(bus), &lost);
		if (lost > 0)
			evcan_driver_lost(bus, lost, EVCAN_LOSS_QUEUE);
		left = sort_out(bus, frames, n);
	} while ((n > 0 || lost > 0) && left == 0);
	/* It is not asked again now, though there may be more. */
	if (left < (size_t)max && (adapter->held.any ||
	    evcan_feed_more_(&adapter->feed)))
		evcan_driver_wake(bus);
	return (int)left;
}

/* Frames out */

int
evcan_vendor_send_(struct evcan_bus *bus, const struct evcan_frame *frames,
    int n)
{
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;
	size_t sent = evcan_ring_push_(&adapter->tx, frames, (size_t)n);

	if (sent < (size_t)n) {
		/* The thread may have made room meanwhile, and not seen. */
		atomic_store(&adapter->full, true);
		atomic_thread_fence(memory_order_seq_cst);
		sent += evcan_ring_push_(&adapter->tx, frames + sent,
		    (size_t)n - sent);
	}
	if (sent > 0)
		call_thread(adapter);
	return (int)sent;
}

int
evcan_vendor_flush_(struct evcan_bus *bus)
{
	drop_all(vendor_of(bus)->adapter);
	return 0;
}

/* Looking after the thread */

static void
tell_hang(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	const char *call = atomic_load(&adapter->call);

	evcan_vendor_lose_unread_(bus, adapter);
	evcan_driver_gone(bus, EVCAN_ERR_TIMEOUT, 0, "%s: the vendor's "
	    "library does not return from %s", evcan_bus_name(bus), call);
}

void
evcan_vendor_deadline_(struct evcan_bus *bus)
{
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;
	bool waits;
	size_t tail;

	if (adapter == NULL)
		return;
	tail = atomic_load_explicit(&adapter->feed.ring.tail,
	    memory_order_relaxed);
	waits = adapter->held.any || atomic_load(&adapter->has_later);
	/* Nobody reads, since it was seen last: what is behind those frames
	 * is told all the same. A loop that stood still reads first. */
	if (tail == adapter->tail_seen && waits && adapter->waited)
		evcan_vendor_hear_later_(bus, adapter, true);
	adapter->waited = waits;
	adapter->tail_seen = tail;
	evcan_driver_set_load(bus, atomic_load(&adapter->load));
	if (hangs(adapter))
		tell_hang(bus, adapter);
	else
		watch_thread(bus);
}

/* Commands */

/* Under the lock. @return its number, or negative */
static int
add_command(struct evcan_adapter_ *adapter, int what, const void *data,
    size_t size)
{
	struct evcan_vendor_command_ *command;

	if (adapter->ended || adapter->gone)
		return EVCAN_ERR_STATE;
	if (adapter->n_commands == EVCAN_VENDOR_COMMANDS_)
		return EVCAN_ERR_BUSY;
	command = &adapter->commands[adapter->n_commands++];
	memset(command, 0, sizeof(*command));
	command->what = what;
	command->number = ++adapter->asked;
	if (size > 0)
		memcpy(command->data, data, size);
	atomic_store(&adapter->waiting, adapter->n_commands);
	adapter->last_asked[(unsigned)what % EVCAN_VENDOR_KINDS_] =
	    command->number;
	return 0;
}

static int
await_answer(struct evcan_adapter_ *adapter, int wait_ms)
{
	const int64_t end = evcan_now_monotonic() + wait_ms * MS;
	bool in_time = true;
	int r;

	pthread_mutex_lock(&adapter->lock);
	while (adapter->answered < adapter->asked && !adapter->ended &&
	    in_time)
		in_time = evcan_condition_wait_(&adapter->changed,
		    &adapter->lock, end);
	if (adapter->answered == adapter->asked)
		r = adapter->answer;
	else
		r = adapter->ended ? EVCAN_ERR_GONE : EVCAN_ERR_TIMEOUT;
	/* From here on the thread tells by itself what comes of it. */
	atomic_store(&adapter->mode_awaited, false);
	pthread_mutex_unlock(&adapter->lock);
	return r;
}

int
evcan_adapter_ask_(struct evcan_bus *bus, int what, const void *data,
    size_t size, int wait_ms)
{
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;
	int r;

	if (adapter == NULL)
		return EVCAN_ERR_STATE;
	if (size > sizeof(adapter->commands[0].data))
		return EVCAN_ERR_INVALID;
	pthread_mutex_lock(&adapter->lock);
	r = add_command(adapter, what, data, size);
	pthread_mutex_unlock(&adapter->lock);
	if (r < 0)
		return r;
	call_thread(adapter);
	return wait_ms > 0 ? await_answer(adapter, wait_ms) : 0;
}

int
evcan_vendor_set_mode_(struct evcan_bus *bus, int what,
    enum evcan_bus_mode mode, int wait_ms)
{
	const bool listen_only = mode == EVCAN_MODE_LISTEN_ONLY;
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;
	int r;

	if (adapter == NULL)
		return 0;
	atomic_store(&adapter->sets_mode, what);
	if (!evcan_bus_is_open(bus))
		wait_ms = 0;
	atomic_store(&adapter->mode_awaited, wait_ms > 0);
	r = evcan_adapter_ask_(bus, what, &listen_only, sizeof(listen_only),
	    wait_ms);
	atomic_store(&adapter->mode_awaited, false);
	return r;
}

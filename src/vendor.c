/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor.c - the loop's side of an adapter behind a vendor's library */
#include "vendor_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/frame.h>

#define MS EVCAN_VENDOR_MS_
#define TX_FRAMES 256
#define RX_FRAMES 4096
/* How often it is looked whether the thread hangs, and what nobody reads. */
#define WATCH_NS (500 * MS)
#define CLOSE_NS (1000 * MS)
/* Opening loads firmware here and there, and a light may flash for 5 s. */
#define OPEN_TIMES 4

int64_t evcan_vendor_hang_ns_ = 8000 * MS;

static atomic_uint abandoned;

unsigned
evcan_vendor_abandoned_(void)
{
	return atomic_load(&abandoned);
}

void
evcan_vendor_condition_(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct timespec
evcan_vendor_at_(int64_t monotonic_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(monotonic_ns / 1000000000),
		.tv_nsec = (long)(monotonic_ns % 1000000000)
	};

	return ts;
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

static struct evcan_adapter_ *
adapter_new(const struct evcan_vendor_ops_ *ops, const char *key,
    const void *port, size_t frames)
{
	struct evcan_adapter_ *adapter = calloc(1, sizeof(*adapter) +
	    ops->port_size);

	if (adapter == NULL)
		return NULL;
	adapter->key = strdup(key);
	if (adapter->key == NULL)
		goto no_key;
	if (evcan_feed_init_(&adapter->feed, frames) < 0)
		goto no_feed;
	if (evcan_ring_init_(&adapter->tx, TX_FRAMES) < 0)
		goto no_ring;
	if (evcan_wake_init_(&adapter->wake) < 0)
		goto no_wake;
	pthread_mutex_init(&adapter->lock, NULL);
	evcan_vendor_condition_(&adapter->changed);
	atomic_init(&adapter->refs, 1);
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
	struct evcan_adapter_ *adapter;
	int r;

	adapter = adapter_new(ops, key, port, vendor->rx_queue_size > 0 ?
	    (size_t)vendor->rx_queue_size : RX_FRAMES);
	if (adapter == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%s: no memory or file descriptor for its thread",
		    evcan_bus_name(bus));
	vendor->adapter = adapter;
	r = evcan_driver_watch(bus, adapter->feed.wake.fd,
	    EVCAN_WATCH_READ | EVCAN_WATCH_EDGE);
	if (r < 0)
		return evcan_error_set(err, r, 0, "%s: no memory for its fd",
		    evcan_bus_name(bus));
	r = start_thread(adapter);
	if (r != 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, r,
		    "%s: cannot start its thread", evcan_bus_name(bus));
	watch_thread(bus);
	return 1;
}

/* Closing */

/* Ends a wait of the thread. */
static void
call_thread(struct evcan_adapter_ *adapter)
{
	int how = atomic_exchange(&adapter->asleep, EVCAN_VENDOR_AWAKE_);

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
	const char *call = atomic_load(&adapter->call);
	int64_t patience = evcan_vendor_hang_ns_;

	if (call != NULL && (strcmp(call, "open") == 0 ||
	    strcmp(call, "a command") == 0))
		patience *= OPEN_TIMES;
	return since != 0 && evcan_now_monotonic() - since > patience;
}

/* @return whether the thread has ended */
static bool
await_end(struct evcan_adapter_ *adapter)
{
	struct timespec end = evcan_vendor_at_(evcan_now_monotonic() +
	    CLOSE_NS);
	bool ended;
	int r = 0;

	pthread_mutex_lock(&adapter->lock);
	while (!adapter->ended && r == 0 && !hangs(adapter))
		r = pthread_cond_timedwait(&adapter->changed, &adapter->lock,
		    &end);
	ended = adapter->ended;
	pthread_mutex_unlock(&adapter->lock);
	return ended;
}

/* Its memory and its reference are its own, so it may go on for ever. */
static void
abandon(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	const char *call = atomic_load(&adapter->call);

	pthread_detach(adapter->thread);
	atomic_fetch_add(&abandoned, 1);
	evcan_log(EVCAN_LOG_WARNING, "vendor", "%s: the vendor's library "
	    "does not return from %s; its thread is left behind",
	    evcan_bus_name(bus), call != NULL ? call : "a call");
}

static void
end_thread(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	size_t unsent;

	if (!await_end(adapter)) {
		abandon(bus, adapter);
		return;
	}
	pthread_join(adapter->thread, NULL);
	unsent = evcan_ring_count_(&adapter->tx);
	if (unsent > 0)
		evcan_log(EVCAN_LOG_WARNING, "vendor", "%s: closed with %zu "
		    "frames that the device did not take", evcan_bus_name(bus),
		    unsent);
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

/* Whether the frame is for the bus's consumer. */
static bool
is_for_consumer(struct evcan_bus *bus, struct evcan_frame *frame)
{
	const struct evcan_vendor_bus_ *vendor = vendor_of(bus);

	if (frame->flags & EVCAN_VENDOR_REFUSED_) {
		frame->flags &= (uint16_t)~EVCAN_VENDOR_REFUSED_;
		evcan_driver_refused(bus, frame, (int)frame->time_ns);
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

int
evcan_vendor_recv_(struct evcan_bus *bus, struct evcan_frame *frames, int max)
{
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;
	size_t n, left, before;
	uint64_t lost;

	do {
		evcan_vendor_hear_later_(bus, adapter, false);
		before = evcan_vendor_before_(adapter, (size_t)max);
		n = evcan_feed_pop_(&adapter->feed, frames, before,
		    !evcan_driver_edges(bus), &lost);
		if (lost > 0)
			evcan_driver_lost(bus, lost, EVCAN_LOSS_QUEUE);
		left = sort_out(bus, frames, n);
	} while (n > 0 && left == 0);
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
		sent += evcan_ring_push_(&adapter->tx, frames + sent,
		    (size_t)n - sent);
	}
	if (sent > 0)
		call_thread(adapter);
	return (int)sent;
}

void
evcan_vendor_flush_(struct evcan_bus *bus)
{
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;

	atomic_store(&adapter->drop_to, atomic_load_explicit(
	    &adapter->tx.head, memory_order_relaxed));
}

/* Looking after the thread */

static void
tell_hang(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	const char *call = atomic_load(&adapter->call);
	size_t unread = evcan_ring_count_(&adapter->feed.ring);

	if (unread > 0)
		evcan_driver_lost(bus, unread, EVCAN_LOSS_QUEUE);
	evcan_driver_gone(bus, EVCAN_ERR_TIMEOUT, 0, "%s: the vendor's "
	    "library does not return from %s", evcan_bus_name(bus), call);
}

void
evcan_vendor_deadline_(struct evcan_bus *bus)
{
	struct evcan_adapter_ *adapter = vendor_of(bus)->adapter;
	size_t tail;

	if (adapter == NULL)
		return;
	tail = atomic_load_explicit(&adapter->feed.ring.tail,
	    memory_order_relaxed);
	/* Nobody reads: what is behind those frames is told all the same. */
	if (tail == adapter->tail_seen)
		evcan_vendor_hear_later_(bus, adapter, true);
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
	struct timespec end = evcan_vendor_at_(evcan_now_monotonic() +
	    wait_ms * MS);
	int r = 0;

	pthread_mutex_lock(&adapter->lock);
	while (adapter->answered < adapter->asked && !adapter->ended &&
	    r == 0)
		r = pthread_cond_timedwait(&adapter->changed, &adapter->lock,
		    &end);
	if (adapter->answered == adapter->asked)
		r = adapter->answer;
	else
		r = adapter->ended ? EVCAN_ERR_GONE : EVCAN_ERR_TIMEOUT;
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

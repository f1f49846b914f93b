/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual.c - buses of one channel in one process, also across threads */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/driver.h>

#include "../feed.h"

/* Frames stamped and copied in one go. */
#define ROW 64
/* 360 KiB once all of it was used. Senders wait for readers, so a longer one
 * only helps where a reader pauses for longer than its patience. */
#define QUEUE_DEFAULT 4096

struct member {
	/* Options */
	bool receive_own_messages;
	bool preserve_timestamps;
	int64_t rx_queue_size;
	double rx_patience;
	int protocol;

	/* Set while open */
	struct evcan_bus *bus;
	struct event_base *base;
	struct channel *channel;
	struct member *next;         /* of the channel */
	uint16_t index;              /* the channel's name */
	struct evcan_feed_ feed;
	bool has_feed;

	/* Under the channel's lock */
	bool blocked;                /* wants to know when there is room */
	size_t full_at;              /* the ring's tail when seen full */
	int64_t full_since;          /* monotonic, 0: not full */
	bool stalled;                /* does not read: others do not wait */

	/* Set by other threads */
	atomic_bool holds_others;    /* somebody waits for its queue */
	atomic_bool room;            /* its own sends may go on */
};

struct channel {
	struct channel *next;
	char *name;
	pthread_mutex_t lock;
	struct member *members;
	size_t refs;                 /* under channels_lock */
};

static struct channel *channels;
static pthread_mutex_t channels_lock = PTHREAD_MUTEX_INITIALIZER;

static struct channel *
channel_make(const char *name)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (channel == NULL)
		return NULL;
	channel->name = strdup(name);
	if (channel->name == NULL) {
		free(channel);
		return NULL;
	}
	pthread_mutex_init(&channel->lock, NULL);
	channel->next = channels;
	channels = channel;
	return channel;
}

static struct channel *
channel_get(const char *name)
{
	struct channel *channel;

	pthread_mutex_lock(&channels_lock);
	for (channel = channels; channel != NULL; channel = channel->next) {
		if (strcmp(channel->name, name) == 0)
			break;
	}
	if (channel == NULL)
		channel = channel_make(name);
	if (channel != NULL)
		channel->refs++;
	pthread_mutex_unlock(&channels_lock);
	return channel;
}

static void
channel_put(struct channel *channel)
{
	struct channel **at;

	pthread_mutex_lock(&channels_lock);
	if (--channel->refs == 0) {
		for (at = &channels; *at != channel; at = &(*at)->next)
			;
		*at = channel->next;
		pthread_mutex_destroy(&channel->lock);
		free(channel->name);
		free(channel);
	}
	pthread_mutex_unlock(&channels_lock);
}

/* python-can's default, for buses that name no channel. */
static const char *
channel_name(const struct evcan_bus *bus)
{
	const char *name = evcan_driver_common(bus)->channel;

	return name != NULL && name[0] != '\0' ? name : "channel-0";
}

static void
join(struct member *me)
{
	struct member **at = &me->channel->members;

	pthread_mutex_lock(&me->channel->lock);
	while (*at != NULL)
		at = &(*at)->next;
	*at = me;
	me->next = NULL;
	pthread_mutex_unlock(&me->channel->lock);
}

/* The feed stays for the bus's whole life, since its fd does. */
static int
make_feed(struct evcan_bus *bus, struct member *me, struct evcan_error *err)
{
	size_t size = me->rx_queue_size > 0 ? (size_t)me->rx_queue_size :
	    QUEUE_DEFAULT;
	int r = me->has_feed ? 0 : evcan_feed_init_(&me->feed, size);

	if (r == EVCAN_ERR_NOMEM)
		return evcan_error_set(err, r, 0, "bus %s: out of memory for "
		    "%zu frames (option rx_queue_size)",
		    evcan_bus_name(bus), size);
	if (r < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "bus %s: no file descriptor", evcan_bus_name(bus));
	me->has_feed = true;
	return 0;
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct member *me = evcan_driver_state(bus);
	const char *name = channel_name(bus);
	int index = evcan_channel_intern(name);
	int r;

	if (index < 0)
		return evcan_error_set(err, index, 0,
		    "channel \"%s\" cannot be named", name);
	me->bus = bus;
	me->base = evcan_bus_base(bus);
	me->index = (uint16_t)index;
	r = make_feed(bus, me, err);
	if (r < 0)
		return r;
	me->blocked = me->stalled = false;
	me->full_since = 0;
	me->channel = channel_get(name);
	if (me->channel == NULL || evcan_driver_watch(bus, me->feed.wake.fd,
	    EVCAN_WATCH_READ | EVCAN_WATCH_EDGE) < 0)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "bus %s: out of memory", evcan_bus_name(bus));
	join(me);
	evcan_driver_set_channel_info(bus, "Virtual bus channel %s", name);
	if (me->protocol != EVCAN_PROTOCOL_CAN_20)
		evcan_driver_set_protocol(bus,
		    (enum evcan_protocol)me->protocol);
	return 0;
}

/* Sends that waited for this member need not any more. */
static void
release_others(struct channel *channel)
{
	for (struct member *m = channel->members; m != NULL; m = m->next) {
		if (!m->blocked)
			continue;
		m->blocked = false;
		atomic_store(&m->room, true);
		/* By its fd, from whichever thread this is: it is rare. */
		evcan_feed_wake_(&m->feed);
	}
}

static void
leave(struct member *me)
{
	struct member **at = &me->channel->members;

	pthread_mutex_lock(&me->channel->lock);
	while (*at != NULL && *at != me)
		at = &(*at)->next;
	if (*at != NULL)
		*at = me->next;
	release_others(me->channel);
	pthread_mutex_unlock(&me->channel->lock);
	channel_put(me->channel);
	me->channel = NULL;
}

static void
close(struct evcan_bus *bus)
{
	struct member *me = evcan_driver_state(bus);
	struct evcan_frame rest[16];
	uint64_t lost;

	if (me->channel != NULL)
		leave(me);
	if (!me->has_feed)
		return;
	evcan_driver_watch(bus, me->feed.wake.fd, EVCAN_WATCH_NONE);
	while (evcan_feed_pop_(&me->feed, rest, 16, true, &lost) > 0)
		;     /* what nobody read is not for the next opening */
}

static void
destroy(struct evcan_bus *bus)
{
	struct member *me = evcan_driver_state(bus);

	if (me->has_feed)
		evcan_feed_destroy_(&me->feed);
}

static int
recv(struct evcan_bus *bus, struct evcan_frame *frames, int max)
{
	struct member *me = evcan_driver_state(bus);
	uint64_t lost;
	size_t n;

	do {
		n = evcan_feed_pop_(&me->feed, frames, (size_t)max,
		    !evcan_driver_edges(bus), &lost);
		if (lost > 0)
			evcan_driver_lost(bus, lost, EVCAN_LOSS_QUEUE);
	} while (n == 0 && lost > 0);
	if (n < (size_t)max && evcan_feed_more_(&me->feed))
		evcan_driver_wake(bus);
	if (atomic_load_explicit(&me->holds_others, memory_order_relaxed) &&
	    atomic_exchange(&me->holds_others, false)) {
		pthread_mutex_lock(&me->channel->lock);
		release_others(me->channel);
		pthread_mutex_unlock(&me->channel->lock);
	}
	return (int)n;
}

static void
ready(struct evcan_bus *bus, int fd, unsigned what)
{
	struct member *me = evcan_driver_state(bus);

	(void)fd;
	(void)what;
	if (atomic_exchange(&me->room, false)) {
		evcan_driver_writable(bus);
		/* Nobody may ever read here: take the wake back, unless it
		 * told of frames too. */
		evcan_wake_clear_(&me->feed.wake);
		if (evcan_feed_more_(&me->feed))
			evcan_feed_wake_(&me->feed);
	}
	evcan_driver_wake(bus);
}

/* Sending, under the channel's lock. */

/* A full queue holds the senders, as far as their patience goes: one that
 * takes nothing out for that long is stalled, and then loses frames until
 * it reads again. @return frames that it takes */
static size_t
room_at(struct member *to, size_t n)
{
	size_t room = evcan_feed_room_(&to->feed);
	size_t tail;
	int64_t now;

	if (room >= n) {
		to->full_since = 0;
		to->stalled = false;
		return n;
	}
	tail = atomic_load_explicit(&to->feed.ring.tail,
	    memory_order_relaxed);
	if (tail != to->full_at) {
		to->stalled = false;
		to->full_since = 0;
	}
	if (to->stalled || to->rx_patience <= 0)
		return n;
	now = evcan_now_monotonic();
	if (to->full_since == 0) {
		to->full_since = now;
		to->full_at = tail;
	} else if (now - to->full_since > (int64_t)(to->rx_patience * 1e9)) {
		to->stalled = true;
		return n;
	}
	return room;
}

static bool
hears(const struct member *to, const struct member *from)
{
	return to != from || from->receive_own_messages;
}

/* @return frames that every member takes */
static size_t
common_room(struct member *from, size_t n)
{
	for (struct member *m = from->channel->members; m != NULL;
	    m = m->next) {
		size_t room = hears(m, from) ? room_at(m, n) : n;

		if (room < n) {
			atomic_store(&m->holds_others, true);
			/* It may have read meanwhile, and not seen that. */
			room = room_at(m, n);
		}
		if (room < n)
			n = room;
	}
	return n;
}

/* Copies frames as those who receive them see them. */
static void
stamp(const struct member *me, struct evcan_frame *row,
    const struct evcan_frame *frames, size_t n)
{
	int64_t now = me->preserve_timestamps ? 0 : evcan_now_unix();

	memcpy(row, frames, n * sizeof(*row));
	for (size_t i = 0; i < n; i++) {
		if (!me->preserve_timestamps) {
			row[i].time_ns = now;
			row[i].clock = EVCAN_CLOCK_HOST;
		}
		row[i].channel = me->index;
		row[i].dir = EVCAN_DIR_RX;
		row[i].flags &= (uint16_t)~EVCAN_FRAME_ECHO;
	}
}

static void
mark_own(struct evcan_frame *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		row[i].dir = EVCAN_DIR_TX;
		row[i].flags |= EVCAN_FRAME_ECHO;
	}
}

static void
push(struct member *to, const struct member *from,
    const struct evcan_frame *row, size_t n)
{
	bool wake = false;

	evcan_feed_push_(&to->feed, row, n, &wake);
	if (!wake)
		return;
	/* On one loop no system call is needed. */
	if (to->base != NULL && to->base == from->base)
		evcan_driver_wake(to->bus);
	else
		evcan_feed_wake_(&to->feed);
}

static void
deliver(struct member *me, const struct evcan_frame *frames, size_t n)
{
	struct evcan_frame row[ROW];

	stamp(me, row, frames, n);
	for (struct member *m = me->channel->members; m != NULL; m = m->next) {
		if (m != me)
			push(m, me, row, n);
	}
	mark_own(row, n);
	if (me->receive_own_messages)
		push(me, me, row, n);
	evcan_driver_echoes(me->bus, row, n);
}

static int
send(struct evcan_bus *bus, const struct evcan_frame *frames, int n)
{
	struct member *me = evcan_driver_state(bus);
	size_t room, done = 0;

	pthread_mutex_lock(&me->channel->lock);
	room = common_room(me, (size_t)n);
	while (done < room) {
		size_t row = room - done < ROW ? room - done : ROW;

		deliver(me, frames + done, row);
		done += row;
	}
	me->blocked = room < (size_t)n;
	pthread_mutex_unlock(&me->channel->lock);
	return (int)room;
}

static bool
in_use(const char *name)
{
	bool found = false;

	pthread_mutex_lock(&channels_lock);
	for (struct channel *c = channels; c != NULL; c = c->next)
		found = found || strcmp(c->name, name) == 0;
	pthread_mutex_unlock(&channels_lock);
	return found;
}

/* The channels in use, and one that is free (as python-can does). */
static void
detect(void *context)
{
	char name[32];
	int i = 0;

	pthread_mutex_lock(&channels_lock);
	for (struct channel *c = channels; c != NULL; c = c->next)
		evcan_driver_found(context, c->name, "in use", NULL);
	pthread_mutex_unlock(&channels_lock);
	do {
		snprintf(name, sizeof(name), "channel-%d", i++);
	} while (in_use(name));
	evcan_driver_found(context, name, "free", NULL);
}

static const struct evcan_option options[] = {
	{ "receive_own_messages", NULL, EVCAN_OPTION_BOOL, "false", 0, 0,
	    NULL, "deliver what this bus sends to itself too", 0,
	    offsetof(struct member, receive_own_messages) },
	{ "preserve_timestamps", NULL, EVCAN_OPTION_BOOL, "false", 0, 0,
	    NULL, "keep the time of frames sent, instead of the time now", 0,
	    offsetof(struct member, preserve_timestamps) },
	{ "rx_queue_size", NULL, EVCAN_OPTION_INT, "4096", 0, 1 << 24,
	    NULL, "frames that may wait to be read; 0: the default", 0,
	    offsetof(struct member, rx_queue_size) },
	{ "rx_patience", NULL, EVCAN_OPTION_REAL, "1", 0, 3600, NULL,
	    "seconds that senders wait for this bus when its queue is full, "
	    "before it loses frames", 0,
	    offsetof(struct member, rx_patience) },
	{ "protocol", NULL, EVCAN_OPTION_CHOICE, "CAN_20", 0, 0,
	    "CAN_20 CAN_FD CAN_FD_NON_ISO CAN_XL", "what the bus says it is",
	    0, offsetof(struct member, protocol) },
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_virtual_ = {
	.name = "virtual",
	.summary = "buses of one process, for tests, demos and gateways",
	.options = options,
	.state_size = sizeof(struct member),
	.caps = EVCAN_CAP_FD | EVCAN_CAP_CONFIRM | EVCAN_CAP_ONE_FD,
	.open = open,
	.close = close,
	.destroy = destroy,
	.recv = recv,
	.send = send,
	.ready = ready,
	.detect = detect
};

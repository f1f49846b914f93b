/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_internal.h - an adapter, shared by vendor*.c */
#ifndef EVCAN_VENDOR_INTERNAL_H
#define EVCAN_VENDOR_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "feed.h"
#include "ring.h"
#include "vendor.h"
#include "wake.h"

#define EVCAN_VENDOR_MS_ ((int64_t)1000000)
#define EVCAN_VENDOR_COMMANDS_ 16
/* Commands of different kinds may share one: then less is told, not more. */
#define EVCAN_VENDOR_KINDS_ 16
#define EVCAN_VENDOR_DONE_ 16
#define EVCAN_VENDOR_REFUSALS_ 8
/* In the feed, a frame that the device refused; its code is in time_ns. */
#define EVCAN_VENDOR_REFUSED_ 0x4000

/* What the thread tells that has its place between the frames: it is behind
 * those that were pushed before `at`. */
struct evcan_vendor_later_ {
	bool any, gone, has_state, has_filtering, has_error, doubt;
	bool has_mode;
	size_t at;
	enum evcan_bus_state state;
	enum evcan_filtering filtering;
	uint64_t command;                /* that told the filtering */
	unsigned what;                   /* its kind */
	enum evcan_bus_mode mode;
	uint64_t mode_command;           /* the same of the mode */
	unsigned mode_what;
	uint64_t lost;
	uint64_t unsent;                 /* flushed */
	uint32_t done[EVCAN_VENDOR_DONE_];   /* tasks that are through */
	size_t n_done;
	struct evcan_frame refused[EVCAN_VENDOR_REFUSALS_];   /* as in the
	                                  *   feed, when that is full */
	size_t n_refused;
	struct evcan_error error;        /* a passing one */
	struct evcan_error why;          /* it is gone */
};

struct evcan_vendor_command_ {
	int what;
	char data[64];
	uint64_t number;
};

/* How the thread can be called when it waits. */
enum evcan_vendor_sleep_ {
	EVCAN_VENDOR_AWAKE_, EVCAN_VENDOR_POLLS_, EVCAN_VENDOR_READS_
};

struct evcan_adapter_ {
	struct evcan_adapter_ *next;     /* in the process's list */
	atomic_int refs;                 /* the bus's and the thread's */
	const struct evcan_vendor_ops_ *ops;
	char *key;
	struct evcan_feed_ feed;         /* frames to the loop */
	struct evcan_ring_ tx;           /* frames to the thread */
	struct evcan_wake_ wake;         /* of the thread */
	atomic_int asleep;               /* enum evcan_vendor_sleep_ */
	atomic_bool full;                /* the loop waits for room in tx */
	atomic_bool drops;               /* tx is not to be sent up to: */
	_Atomic size_t drop_to;
	atomic_bool stop;
	/* The vendor's call that it is in, for the loop to look at: when it
	 * should have returned at the latest, had it not begun to hang. */
	_Atomic int64_t call_ns;         /* 0: in none */
	_Atomic(const char *) call;

	pthread_mutex_t lock;            /* of all below */
	pthread_cond_t changed;
	bool up;                         /* open: interrupt may be called */
	bool gone;                       /* was told, once */
	unsigned errors;                 /* were told so far */
	bool ended;
	bool opened, room, has_info;     /* news, told at once */
	char info[200];
	char device[40];
	struct evcan_vendor_later_ later;
	struct evcan_vendor_command_ commands[EVCAN_VENDOR_COMMANDS_];
	size_t n_commands;
	uint64_t asked, answered;        /* numbers of commands */
	int answer;
	/* The same, to be seen unlocked. */
	atomic_bool has_news, has_later;
	atomic_bool refusals;            /* no more would be told */
	atomic_uint load;                /* the bus's, 1/10000 */
	atomic_size_t waiting;           /* n_commands */

	/* Commands of this kind set the mode (-1: none was asked for yet), and
	 * whether the loop waits for what comes of the last one. */
	atomic_int sets_mode;
	atomic_bool mode_awaited;

	/* The thread's */
	enum evcan_bus_mode mode;        /* that the device is in */
	uint64_t running;                /* number of the command */
	unsigned running_what;           /* its kind */

	/* The loop's */
	pthread_t thread;
	bool started;
	struct evcan_vendor_later_ held; /* taken, but not its turn yet */
	size_t tail_seen;                /* the feed's, half a second ago */
	bool waited;                     /* something was to be told then */
	uint64_t last_asked[EVCAN_VENDOR_KINDS_];   /* of each kind */

	_Alignas(max_align_t) char port[];
};

/* vendor_thread.c */
void *evcan_vendor_run_(void *adapter);
/* All adapters whose thread runs, so that a device is not opened while its
 * last user still closes it. */
void evcan_vendor_list_add_(struct evcan_adapter_ *adapter);
void evcan_vendor_list_remove_(struct evcan_adapter_ *adapter);
/* Those who wait for a predecessor look again. */
void evcan_vendor_list_changed_(void);
void evcan_vendor_put_(struct evcan_adapter_ *adapter);

/* vendor_news.c */
/* The thread tells that it is open, or has room for sends. */
void evcan_vendor_tell_opened_(struct evcan_adapter_ *adapter);
void evcan_vendor_tell_room_(struct evcan_adapter_ *adapter);
/* It has dropped frames, or had one refused for which the feed has no room. */
void evcan_vendor_tell_unsent_(struct evcan_adapter_ *adapter, size_t frames);
void evcan_vendor_tell_refused_(struct evcan_adapter_ *adapter,
    const struct evcan_frame *refused);
/* How many errors were told so far. */
unsigned evcan_vendor_errors_(struct evcan_adapter_ *adapter);
/* The loop passes on what is told at once, and what has its turn. */
void evcan_vendor_hear_(struct evcan_bus *bus,
    struct evcan_adapter_ *adapter);
/* What has its turn; `now`: all, whatever frames are before it. */
void evcan_vendor_hear_later_(struct evcan_bus *bus,
    struct evcan_adapter_ *adapter, bool now);
/* Of what was not heard when the bus closes, what became of sends. */
void evcan_vendor_hear_of_sends_(struct evcan_bus *bus,
    struct evcan_adapter_ *adapter);
/* Frames that are to be read before something else is told: up to `head` of
 * the feed, and max. */
size_t evcan_vendor_before_(const struct evcan_adapter_ *adapter,
    size_t head, size_t max);

/* vendor.c */
/* Ends the wait of a frame that the device refused, as it is in the feed. */
void evcan_vendor_hear_refused_(struct evcan_bus *bus,
    struct evcan_frame *frame);
/* Frames that nobody will read any more: they still say what became of sends,
 * and are counted as lost. */
void evcan_vendor_lose_unread_(struct evcan_bus *bus,
    struct evcan_adapter_ *adapter);

#endif

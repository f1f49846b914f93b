/* SPDX-License-Identifier: BSD-3-Clause */
/* subscription_internal.h - what the files subscription*.c share */
#ifndef EVCAN_SUBSCRIPTION_INTERNAL_H
#define EVCAN_SUBSCRIPTION_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/subscription.h>

#include "clock.h"

struct evcan_error;
struct evcan_listener;
struct event;

/* A time that never comes: 146 years, so that adding to it cannot overflow. */
#define EVCAN_NEVER_ (INT64_MAX / 2)

enum evcan_watcher_ {
	EVCAN_WATCHER_NONE,      /* it was freed, or its bus or notifier */
	EVCAN_WATCHER_PENDING,   /* the device, when the bus is open again */
	EVCAN_WATCHER_DEVICE,
	EVCAN_WATCHER_LOOP
};

/* By key, chained. A subscription is in one table at most. */
struct evcan_sub_table_ {
	struct evcan_subscription **buckets;
	unsigned bits;           /* 2^bits buckets */
	size_t count;
};

struct evcan_subscription {
	/* What is looked at for each frame */
	struct evcan_subscription *same;   /* next of its bucket */
	uint32_t key;            /* of evcan_sub_key_(), or the number */
	uint8_t masked;          /* bytes up to the mask's last bit; 0: each
	                          * frame is told */
	uint8_t watcher;         /* enum evcan_watcher_ */
	bool seen;               /* `last` is the last change */
	bool held;               /* and was not told yet */
	bool silent;             /* and this was told */
	bool late;               /* silence is due, the loop is asked once more
	                          * for frames */
	bool from_start;         /* as it was asked for */
	bool here_too;           /* the loop may, if the device cannot */
	int64_t silent_ns;       /* when it will be */
	int64_t free_ns;         /* no change is told before */
	struct evcan_frame last;
	struct evcan_subscription_config config;   /* as devices get it */

	struct evcan_subscriptions_ *all;
	struct evcan_sub_table_ *table;
	struct evcan_subscription *next, **at;
	struct evcan_subscription *next_grave;
	/* With a throttle or a time-out it is always set, be it to never, so
	 * that setting it cannot fail. */
	struct evcan_timer_ timer;
	evcan_subscription_cb cb;
	void *arg;
	uint64_t told, silences;
};

/* What the device said, to be told from the loop. */
struct evcan_sub_news_ {
	uint32_t number;
	bool silent;
	struct evcan_frame frame;
};

/* All of one bus; made with the first, released with the last. */
struct evcan_subscriptions_ {
	struct evcan_bus *bus;   /* NULL: freed */
	struct evcan_subscription *first, **end;   /* in the order made */
	struct evcan_subscription *graves;
	unsigned depth;          /* calls under way: tables are not grown, and
	                          * nobody is buried */
	struct evcan_sub_table_ devices;

	/* Those of the loop: one listener for all */
	struct evcan_sub_table_ here;
	struct evcan_notifier *notifier;
	struct evcan_listener *listener;
	size_t n_here;

	struct event *soon;      /* tells the news */
	struct evcan_sub_news_ *news;
	size_t n_news, next_news, max_news;
};

/* subscription.c */
/* Nobody watches for it any more. */
void evcan_sub_end_(struct evcan_subscription *sub);

/* subscription_bus.c */
/* Those of this bus, entered; made if there are none. NULL: no memory. */
struct evcan_subscriptions_ *evcan_subs_of_(struct evcan_bus *bus);
void evcan_subs_enter_(struct evcan_subscriptions_ *all);
/* May release them: touch nothing after. */
void evcan_subs_leave_(struct evcan_subscriptions_ *all);
/* The device shall watch. @return 0 or negative with err */
int evcan_sub_give_(struct evcan_subscription *sub, struct evcan_error *err);

/* subscription_watch.c */
/* The loop shall watch. @return 0 or negative with err */
int evcan_sub_watch_(struct evcan_subscription *sub, struct evcan_error *err);
/* The bus is open: a time-out from the start begins, once. */
void evcan_sub_opened_(struct evcan_subscription *sub);
/* Begins anew with the next frame. */
void evcan_sub_reset_(struct evcan_subscription *sub);
/* The time-out runs from now. */
void evcan_sub_time_out_(struct evcan_subscription *sub);
void evcan_sub_on_timer_(struct evcan_timer_ *timer, void *arg);
void evcan_sub_tell_(struct evcan_subscription *sub,
    const struct evcan_frame *frame);

/* subscription_table.c */
uint32_t evcan_sub_key_(uint32_t id, unsigned flags);
int evcan_sub_table_init_(struct evcan_sub_table_ *table);
void evcan_sub_table_add_(struct evcan_sub_table_ *table,
    struct evcan_subscription *sub, bool may_grow);
void evcan_sub_table_remove_(struct evcan_subscription *sub);
/* Where the chain of its bucket begins: others there have other keys. */
static inline struct evcan_subscription **
evcan_sub_bucket_(const struct evcan_sub_table_ *table, uint32_t key)
{
	return &table->buckets[key * 0x9e3779b1u >> (32 - table->bits)];
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_turn.c - calls that the neoVI library makes one at a time */
#include <pthread.h>

#include <evcan/driver.h>

#include "../condition.h"
#include "neovi.h"

/* `limit`: whoever takes longer hangs, and most likely in what concerns its
 * own device alone: the lists and buffers are touched for a moment only. */
static struct {
	uint64_t ticket, last;     /* ticket 0: it is nobody's */
	int64_t limit;
	pthread_cond_t given;
} turns[NEOVI_TURNS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init(void)
{
	for (int i = 0; i < NEOVI_TURNS; i++)
		evcan_condition_init_(&turns[i].given);
}

uint64_t
evcan_neovi_take_turn_(enum evcan_neovi_turn_ which, int64_t limit_ns,
    int64_t wait_ns)
{
	int64_t now = evcan_now_monotonic(), end = now + wait_ns, until;
	uint64_t ticket = 0;

	pthread_once(&once, init);
	pthread_mutex_lock(&lock);
	while (turns[which].ticket != 0 && now < turns[which].limit &&
	    now < end) {
		until = turns[which].limit < end ? turns[which].limit : end;
		evcan_condition_wait_(&turns[which].given, &lock, until);
		now = evcan_now_monotonic();
	}
	if (turns[which].ticket == 0 || now >= turns[which].limit) {
		ticket = ++turns[which].last;
		turns[which].ticket = ticket;
		turns[which].limit = now + limit_ns;
	}
	pthread_mutex_unlock(&lock);
	return ticket;
}

bool
evcan_neovi_has_turn_(enum evcan_neovi_turn_ which, uint64_t ticket)
{
	bool has;

	pthread_mutex_lock(&lock);
	has = turns[which].ticket == ticket;
	pthread_mutex_unlock(&lock);
	return has;
}

void
evcan_neovi_give_turn_(enum evcan_neovi_turn_ which, uint64_t ticket)
{
	pthread_mutex_lock(&lock);
	if (turns[which].ticket == ticket) {
		turns[which].ticket = 0;
		pthread_cond_broadcast(&turns[which].given);
	}
	pthread_mutex_unlock(&lock);
}

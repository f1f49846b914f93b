/* SPDX-License-Identifier: BSD-3-Clause */
/* condition.c - condition variables on the clock of evcan_now_monotonic() */
#include "condition.h"

#include <errno.h>
#include <time.h>

void
evcan_condition_init_(pthread_cond_t *condition)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attr);
	pthread_condattr_destroy(&attr);
}

bool
evcan_condition_wait_(pthread_cond_t *condition, pthread_mutex_t *lock,
    int64_t end_ns)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(end_ns / 1000000000),
		.tv_nsec = (long)(end_ns % 1000000000)
	};

	if (end_ns == INT64_MAX)
		return pthread_cond_wait(condition, lock) == 0;
	return pthread_cond_timedwait(condition, lock, &ts) != ETIMEDOUT;
}

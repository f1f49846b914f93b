/* SPDX-License-Identifier: BSD-3-Clause */
/* now.c - the time, as nanoseconds */
#include <time.h>

#include <evcan/driver.h>

static int64_t
now_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t
evcan_now_monotonic(void)
{
	return now_of(CLOCK_MONOTONIC);
}

int64_t
evcan_now_unix(void)
{
	return now_of(CLOCK_REALTIME);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* shortage.h - memory, file descriptors or threads are not to be had for a
 * while; behind cmocka.h, in one file of a program as alloc_fail.h is */
#ifndef SHORTAGE_H
#define SHORTAGE_H

#include <pthread.h>
#include <stdint.h>
#include <sys/resource.h>

#include <evcan/error.h>

#include "alloc_fail.h"

struct shortage {
	void (*start)(long n);
	/* @return whether it was felt; false where only results tell */
	bool (*stop)(void);
	int code;               /* of what fails by it */
};

/* The n-th allocation fails. */
static const struct shortage of_memory = {
	alloc_fail_start, alloc_fail_stop, EVCAN_ERR_NOMEM
};

/* There are no fds of number n and above. */

static struct rlimit shortage_fds;

static void
shortage_fds_start(long n)
{
	struct rlimit less;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &shortage_fds), 0);
	less = shortage_fds;
	less.rlim_cur = (rlim_t)n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
}

static bool
shortage_fds_stop(void)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &shortage_fds), 0);
	return false;
}

static const struct shortage of_fds = {
	shortage_fds_start, shortage_fds_stop, EVCAN_ERR_INIT
};

/* No thread can be made: each would have a stack that is larger than any
 * address space. Where the C library has no such setting, `code` is 0. */

#ifdef __GLIBC__

static pthread_attr_t shortage_usual;

static void
shortage_threads_start(long n)
{
	pthread_attr_t large;

	(void)n;
	assert_int_equal(pthread_getattr_default_np(&shortage_usual), 0);
	pthread_attr_init(&large);
	assert_int_equal(pthread_attr_setstacksize(&large,
	    SIZE_MAX / 4 * 3 & ~(size_t)0xffff), 0);
	assert_int_equal(pthread_setattr_default_np(&large), 0);
	pthread_attr_destroy(&large);
}

static bool
shortage_threads_stop(void)
{
	assert_int_equal(pthread_setattr_default_np(&shortage_usual), 0);
	pthread_attr_destroy(&shortage_usual);
	return false;
}

static const struct shortage of_threads = {
	shortage_threads_start, shortage_threads_stop, EVCAN_ERR_INIT
};

#else

static const struct shortage of_threads = { NULL, NULL, 0 };

#endif

#endif

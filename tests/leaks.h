/* SPDX-License-Identifier: BSD-3-Clause */
/* leaks.h - threads and files of this process, counted; behind cmocka.h */
#ifndef LEAKS_H
#define LEAKS_H

#include <dirent.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include <evcan/evcan.h>

static inline int
count_in(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n;
}

static inline int
count_threads(void)
{
	return count_in("/proc/self/task");
}

static inline int
count_fds(void)
{
	return count_in("/proc/self/fd");
}

/* @return threads when there are so many, or after 10 s */
static inline int
await_threads(int wanted)
{
	int64_t end = evcan_now_monotonic() + 10000000000;
	struct timespec nap = { 0, 1000000 };
	int n;

	while ((n = count_threads()) != wanted &&
	    evcan_now_monotonic() < end)
		nanosleep(&nap, NULL);
	return n;
}

static inline void *
nothing(void *arg)
{
	return arg;
}

/* The first thread may bring others, of the tools that watch them. */
static inline void
warm_up_threads(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
}

#endif

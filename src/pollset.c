/* SPDX-License-Identifier: BSD-3-Clause */
/* pollset.c - epoll; elsewhere a bus with several fds needs a base */
#include "pollset.h"

#include <errno.h>
#include <string.h>

#include <evcan/driver.h>
#include <evcan/error.h>

#ifdef __linux__
#include <sys/epoll.h>

int
evcan_pollset_new_(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

int
evcan_pollset_set_(int set, int fd, unsigned what)
{
	struct epoll_event event;

	memset(&event, 0, sizeof(event));
	event.data.fd = fd;
	if (what & EVCAN_WATCH_READ)
		event.events |= EPOLLIN;
	if (what & EVCAN_WATCH_WRITE)
		event.events |= EPOLLOUT;
	if (what == 0) {
		epoll_ctl(set, EPOLL_CTL_DEL, fd, &event);
		return 0;
	}
	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0 ||
	    (errno == EEXIST &&
	    epoll_ctl(set, EPOLL_CTL_MOD, fd, &event) == 0))
		return 0;
	return EVCAN_ERR_OPERATION;
}

void
evcan_pollset_run_(int set, void (*cb)(int fd, unsigned what, void *arg),
    void *arg)
{
	struct epoll_event events[16];
	int n = epoll_wait(set, events, 16, 0);

	for (int i = 0; i < n; i++) {
		unsigned what = 0;

		if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
			what |= EVCAN_WATCH_READ;
		if (events[i].events & EPOLLOUT)
			what |= EVCAN_WATCH_WRITE;
		cb(events[i].data.fd, what, arg);
	}
}

#else

int
evcan_pollset_new_(void)
{
	errno = ENOSYS;
	return -1;
}

int
evcan_pollset_set_(int set, int fd, unsigned what)
{
	(void)set;
	(void)fd;
	(void)what;
	return EVCAN_ERR_OPERATION;
}

void
evcan_pollset_run_(int set, void (*cb)(int fd, unsigned what, void *arg),
    void *arg)
{
	(void)set;
	(void)cb;
	(void)arg;
}

#endif

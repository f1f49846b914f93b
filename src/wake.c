/* SPDX-License-Identifier: BSD-3-Clause */
/* wake.c - eventfd where there is one, else a pipe */
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/eventfd.h>

int
evcan_wake_init_(struct evcan_wake_ *wake)
{
	wake->fd = wake->write_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return wake->fd < 0 ? -1 : 0;
}

void
evcan_wake_destroy_(struct evcan_wake_ *wake)
{
	if (wake->fd >= 0)
		close(wake->fd);
	wake->fd = wake->write_fd = -1;
}

#else

int
evcan_wake_init_(struct evcan_wake_ *wake)
{
	int fds[2];

	wake->fd = wake->write_fd = -1;
	if (pipe(fds) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
	}
	wake->fd = fds[0];
	wake->write_fd = fds[1];
	return 0;
}

void
evcan_wake_destroy_(struct evcan_wake_ *wake)
{
	if (wake->fd >= 0) {
		close(wake->fd);
		close(wake->write_fd);
	}
	wake->fd = wake->write_fd = -1;
}

#endif

void
evcan_wake_set_(const struct evcan_wake_ *wake)
{
	const uint64_t one = 1;

	/* EAGAIN: the counter or pipe is full, so it is readable already. */
	while (write(wake->write_fd, &one, sizeof(one)) < 0 &&
	    errno == EINTR)
		;
}

void
evcan_wake_clear_(const struct evcan_wake_ *wake)
{
	uint64_t bytes[16];

	/* An eventfd gives 8 bytes and is empty; a pipe may hold more. */
	while (read(wake->fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
		;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* wake.h - makes an fd readable from any thread: eventfd, or a pipe */
#ifndef EVCAN_WAKE_H
#define EVCAN_WAKE_H

struct evcan_wake_ {
	int fd;         /* to poll for reading */
	int write_fd;   /* the same where it is an eventfd */
};

/* @return 0, or -1 with errno set (EMFILE ...); both fds are then -1 */
int evcan_wake_init_(struct evcan_wake_ *wake);
void evcan_wake_destroy_(struct evcan_wake_ *wake);
/* Any thread; may be called again before it was cleared. */
void evcan_wake_set_(const struct evcan_wake_ *wake);
void evcan_wake_clear_(const struct evcan_wake_ *wake);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* alarm.h - wakes a loop at one absolute time */
#ifndef EVCAN_ALARM_H
#define EVCAN_ALARM_H

#include <stdint.h>

struct event;
struct event_base;

/* A timerfd, whatever clock the base was made with: libevent's own timers
 * are coarse unless the base has EVENT_BASE_FLAG_PRECISE_TIMER. */
struct evcan_alarm_ {
	struct event *event;
	int fd;
	void (*cb)(void *arg);
	void *arg;
};

/* @return 0, or -1 with errno set */
int evcan_alarm_init_(struct evcan_alarm_ *alarm, struct event_base *base,
    void (*cb)(void *arg), void *arg);
void evcan_alarm_destroy_(struct evcan_alarm_ *alarm);
/* Sets it (CLOCK_MONOTONIC ns), replacing the time set before; 0: none. */
void evcan_alarm_set_(struct evcan_alarm_ *alarm, int64_t due_ns);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* alarm.c - a timerfd on Linux, elsewhere libevent's timer */
#include "alarm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <evcan/driver.h>

#ifdef __linux__
#include <sys/timerfd.h>

static void
rang(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_alarm_ *alarm = arg;

	/* Watched by edges: each time it rings is one call, so the count in
	 * the timerfd need not be read. */
	(void)fd;
	(void)what;
	alarm->cb(alarm->arg);
}

int
evcan_alarm_init_(struct evcan_alarm_ *alarm, struct event_base *base,
    void (*cb)(void *arg), void *arg)
{
	short edge = event_base_get_features(base) & EV_FEATURE_ET ?
	    EV_ET : 0;

	alarm->cb = cb;
	alarm->arg = arg;
	alarm->event = NULL;
	alarm->fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_NONBLOCK | TFD_CLOEXEC);
	if (alarm->fd < 0)
		return -1;
	alarm->event = event_new(base, alarm->fd,
	    EV_READ | EV_PERSIST | edge, rang, alarm);
	if (alarm->event != NULL && event_add(alarm->event, NULL) == 0)
		return 0;
	evcan_alarm_destroy_(alarm);
	errno = ENOMEM;
	return -1;
}

void
evcan_alarm_destroy_(struct evcan_alarm_ *alarm)
{
	if (alarm->event != NULL)
		event_free(alarm->event);
	if (alarm->fd >= 0)
		close(alarm->fd);
	alarm->event = NULL;
	alarm->fd = -1;
}

void
evcan_alarm_set_(struct evcan_alarm_ *alarm, int64_t due_ns)
{
	struct itimerspec spec;

	/* Setting it again also takes back a ring that was not read, so
	 * level-triggered back ends do not spin. A time in the past rings at
	 * once; zero disarms. */
	memset(&spec, 0, sizeof(spec));
	spec.it_value.tv_sec = due_ns / 1000000000;
	spec.it_value.tv_nsec = due_ns % 1000000000;
	timerfd_settime(alarm->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

#else

static void
rang(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_alarm_ *alarm = arg;

	(void)fd;
	(void)what;
	alarm->cb(alarm->arg);
}

int
evcan_alarm_init_(struct evcan_alarm_ *alarm, struct event_base *base,
    void (*cb)(void *arg), void *arg)
{
	alarm->cb = cb;
	alarm->arg = arg;
	alarm->fd = -1;
	alarm->event = event_new(base, -1, 0, rang, alarm);
	if (alarm->event != NULL)
		return 0;
	errno = ENOMEM;
	return -1;
}

void
evcan_alarm_destroy_(struct evcan_alarm_ *alarm)
{
	if (alarm->event != NULL)
		event_free(alarm->event);
	alarm->event = NULL;
}

void
evcan_alarm_set_(struct evcan_alarm_ *alarm, int64_t due_ns)
{
	int64_t wait = due_ns - evcan_now_monotonic();
	struct timeval tv = { 0, 0 };

	if (due_ns == 0) {
		event_del(alarm->event);
		return;
	}
	if (wait > 0) {
		tv.tv_sec = (time_t)(wait / 1000000000);
		tv.tv_usec = (suseconds_t)(wait % 1000000000 / 1000);
	}
	event_add(alarm->event, &tv);
}

#endif

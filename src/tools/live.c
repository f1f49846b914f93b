/* SPDX-License-Identifier: BSD-3-Clause */
/* live.c - a loop with signals and a tick a second */
#include "tool.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
signal_cb(evutil_socket_t number, short what, void *arg)
{
	struct live *live = arg;

	(void)what;
	if (number == SIGHUP && live->reopen) {
		live->reopen(live->arg);
		return;
	}
	if (live->stopping && now() - live->asked < SIGNALS_APART_NS)
		return;
	if (live->stopping) {
		/* Asked twice: whoever asks does not want to wait. */
		say("ended at once; what was not written yet is lost");
		_exit(STATUS_FAILED);
	}
	live_stop(live);
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct live *live = arg;
	int64_t t = now();

	(void)fd;
	(void)what;
	live->tick(live->arg, (double)(t - live->ticked) / 1e9);
	live->ticked = t;
}

static void
limit_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	live_stop(arg);
}

int
live_init(struct live *live)
{
	const struct timeval second = { .tv_sec = 1 };

	live->started = live->ticked = now();
	for (size_t i = 0; i < 3; i++) {
		live->signals[i] = evsignal_new(live->base, numbers[i],
		    signal_cb, live);
		if (!live->signals[i] || event_add(live->signals[i], NULL))
			return fail("out of memory");
	}
	live->limit = evtimer_new(live->base, limit_cb, live);
	if (!live->limit)
		return fail("out of memory");
	if (live->tick) {
		live->timer = event_new(live->base, -1, EV_PERSIST, timer_cb,
		    live);
		if (!live->timer || event_add(live->timer, &second))
			return fail("out of memory");
	}
	return 0;
}

void
live_limit(struct live *live, double seconds)
{
	struct timeval tv = { .tv_sec = (time_t)seconds };

	tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
	event_add(live->limit, &tv);
}

void
live_stop(struct live *live)
{
	if (live->stopping)
		return;
	live->stopping = true;
	live->asked = now();
	live->stop(live->arg);
}

void
live_run(struct live *live)
{
	say_live(true);
	event_base_dispatch(live->base);
	status_end();
	say_live(false);
}

void
live_end(struct live *live)
{
	event_base_loopbreak(live->base);
}

/* All is done but the figures: who asked twice must not cut these off. */
static void
end_signals(struct live *live)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	for (size_t i = 0; i < 3; i++) {
		if (live->signals[i])
			event_free(live->signals[i]);
		if (live->stopping)
			signal(numbers[i], SIG_IGN);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void
live_destroy(struct live *live)
{
	end_signals(live);
	if (live->timer)
		event_free(live->timer);
	if (live->limit)
		event_free(live->limit);
}

double
live_seconds(const struct live *live)
{
	return (double)(now() - live->started) / 1e9;
}

struct event_base *
live_base(void)
{
	struct event_base *base = event_base_new();

	if (!base)
		fail("cannot make an event loop");
	return base;
}

void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

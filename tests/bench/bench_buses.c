/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_buses.c - 1,000 virtual buses on one loop, one of them flooded */
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include <evcan/bus.h>
#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/notifier.h>

#include "bench.h"
#include "notifier_peer.h"

#define BUSES 1000u
#define ROUNDS 5
#define FLOOD 1024u
#define QUEUE 4096u       /* frames, the default of rx_queue_size */
#define PERIOD_NS 1000000
#define SECONDS 1.0

/* Bus i and bus i ^ 1 have a channel of their own. */
static struct evcan_bus *buses[BUSES];
static struct evcan_listener *listeners[BUSES];
static uint64_t got[BUSES];
static uint64_t total, target;
static struct event_base *base;
static struct evcan_notifier *notifier;
static struct evcan_frame frames[FLOOD];

static void
require(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_buses: %s\n", what);
	exit(1);
}

static double
resident_kib(void)
{
	long all, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	require(f != NULL && fscanf(f, "%ld %ld", &all, &resident) == 2,
	    "no /proc/self/statm");
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* What each call-back does besides counting. */
enum mode {
	COUNT,      /* nothing */
	ANSWER,     /* a frame back to where it came from */
	TIME        /* takes how long it was under way */
};

static enum mode mode;
static bool flooding;
static double *delays;
static size_t n_delays, max_delays;

static void
send_to(size_t i, size_t n)
{
	require(evcan_bus_send(buses[i ^ 1], frames, n) == (int)n,
	    "a send was refused");
}

static void
take_times(const struct evcan_frame *row, size_t n)
{
	const double now = evcan_bench_now();
	double due;

	for (size_t i = 0; i < n && n_delays < max_delays; i++) {
		memcpy(&due, row[i].data, sizeof(due));
		delays[n_delays++] = (now - due) / 1e3;
	}
}

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *row, size_t n,
    void *arg)
{
	const size_t i = (size_t)((struct evcan_bus **)arg - buses);

	(void)bus;
	got[i] += n;
	total += n;
	if (flooding && i == 0) {
		/* As many again: this bus never runs dry. */
		send_to(0, n);
		return;
	}
	if (mode == ANSWER)
		send_to(i ^ 1, n);
	else if (mode == TIME)
		take_times(row, n);
	if (target != 0 && total == target)
		event_base_loopbreak(base);
}

static void
open_bus(size_t i)
{
	struct evcan_error err;
	char spec[80];

	evcan_error_clear(&err);
	snprintf(spec, sizeof(spec), "virtual:bench%zu,ignore_config=true",
	    i / 2);
	buses[i] = evcan_bus_new_spec(base, spec, &err);
	require(buses[i] != NULL && evcan_bus_open(buses[i], &err) == 0,
	    err.text);
	listeners[i] = evcan_listener_new_cb(on_frames, &buses[i]);
	require(listeners[i] != NULL &&
	    evcan_notifier_add_bus(notifier, buses[i]) == 0 &&
	    evcan_notifier_add_listener(notifier, listeners[i],
	    buses[i]) == 0, "no room for a bus");
}

static void
settle(void)
{
	for (int i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
start_round(enum mode how)
{
	memset(got, 0, sizeof(got));
	total = target = 0;
	n_delays = 0;
	mode = how;
}

/* Everybody gets one frame at a time, each turn. @return ns a frame */
static double
all_round(unsigned turns)
{
	double start = evcan_bench_cpu();

	start_round(COUNT);
	for (unsigned turn = 0; turn < turns; turn++) {
		target = total + BUSES;
		for (size_t i = 0; i < BUSES; i++)
			send_to(i, 1);
		event_base_dispatch(base);
	}
	start = (evcan_bench_cpu() - start) / (double)total;
	for (size_t i = 0; i < BUSES; i++)
		require(got[i] == turns, "frames are missing");
	return start;
}

static void
ticked(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_base_loopbreak(base);
}

static void
run_for(double seconds)
{
	const struct timeval time = {
		.tv_sec = (time_t)seconds,
		.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) *
		    1e6)
	};
	struct event *end = event_new(base, -1, 0, ticked, NULL);

	require(end != NULL && event_add(end, &time) == 0, "no timer");
	event_base_dispatch(base);
	event_free(end);
}

static void
start_flood(void)
{
	flooding = true;
	send_to(0, FLOOD);
}

static void
stop_flood(void)
{
	flooding = false;
	mode = COUNT;
	settle();
}

/* All but one answer each other's frames without end while that one is
 * flooded. @return what the busiest of them gets more than the laziest, in
 * percent of the mean; *share: of all frames that are the flood's */
static double
fairness(double *share)
{
	uint64_t least = UINT64_MAX, most = 0, sum = 0;

	start_round(ANSWER);
	start_flood();
	for (size_t i = 2; i < BUSES; i++)
		send_to(i, 1);
	run_for(SECONDS);
	for (size_t i = 2; i < BUSES; i++) {
		least = got[i] < least ? got[i] : least;
		most = got[i] > most ? got[i] : most;
		sum += got[i];
	}
	*share = (double)got[0] * 100 / (double)total;
	require(least > 0, "a bus starves");
	stop_flood();
	return (double)(most - least) * 100 * (BUSES - 2) / (double)sum;
}

/* 10 frames a millisecond, each to another bus, stamped with the time when
 * they were due: whatever holds the loop is seen. */

struct pace {
	double due;
	size_t at;
};

static void
on_period(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_frame frame = frames[0];
	struct pace *pace = arg;
	uint64_t periods;

	(void)what;
	if (read((int)fd, &periods, sizeof(periods)) !=
	    (ssize_t)sizeof(periods))
		return;
	for (; periods > 0; periods--) {
		memcpy(frame.data, &pace->due, sizeof(pace->due));
		pace->due += PERIOD_NS;
		for (int i = 0; i < 10; i++) {
			pace->at = pace->at + 1 < BUSES ? pace->at + 1 : 2;
			require(evcan_bus_send(buses[pace->at ^ 1], &frame,
			    1) == 1, "a send was refused");
		}
	}
}

/* @return the 99th percentile, in us */
static double
delay_p99(bool flooded)
{
	struct itimerspec period = { .it_interval.tv_nsec = PERIOD_NS };
	const int fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_NONBLOCK | TFD_CLOEXEC);
	struct pace pace = { evcan_bench_now() + PERIOD_NS, 2 };
	struct event *event = event_new(base, fd, EV_READ | EV_PERSIST,
	    on_period, &pace);
	const int64_t first = (int64_t)pace.due;

	period.it_value.tv_sec = (time_t)(first / 1000000000);
	period.it_value.tv_nsec = (long)(first % 1000000000);
	require(fd >= 0 && event != NULL && event_add(event, NULL) == 0 &&
	    timerfd_settime(fd, TFD_TIMER_ABSTIME, &period, NULL) == 0,
	    "no timer");
	start_round(TIME);
	if (flooded)
		start_flood();
	run_for(SECONDS);
	event_free(event);
	close(fd);
	stop_flood();
	require(n_delays > 0, "no frame came");
	evcan_bench_median(delays, n_delays);
	return delays[n_delays * 99 / 100];
}

/* KiB a bus, once its queue was used from end to end. */
static double
used_memory(size_t n)
{
	const double before = resident_kib();

	start_round(COUNT);
	for (unsigned sent = 0; sent < QUEUE; sent += FLOOD) {
		target = total + n * FLOOD;
		for (size_t i = 0; i < n; i++)
			send_to(i, FLOOD);
		event_base_dispatch(base);
	}
	return (resident_kib() - before) / (double)n;
}

static void
rows(double kib, double full_kib)
{
	double ns[ROUNDS], spread[ROUNDS], share[ROUNDS], quiet[ROUNDS],
	    flooded[ROUNDS], peer_kib, peer_rate;
	const char *peer;

	for (int i = 0; i < ROUNDS; i++) {
		ns[i] = all_round(200);
		spread[i] = fairness(&share[i]);
		quiet[i] = delay_p99(false);
		flooded[i] = delay_p99(true);
	}
	notifier_peer("buses 1000", &peer_kib, &peer_rate);
	peer = peer_kib > 0 ? "python-can Notifier" : NULL;
	evcan_bench_head();
	evcan_bench_row("buses_1000_memory", "KiB/bus", kib, peer_kib, peer,
	    0);
	evcan_bench_row("buses_1000_memory_used", "KiB/bus", full_kib,
	    0, NULL, 0);
	evcan_bench_row("buses_1000_frames", "M frames/s",
	    1e3 / evcan_bench_median(ns, ROUNDS), peer_rate, peer, 0);
	evcan_bench_row("buses_1000_flooded_spread", "percent",
	    evcan_bench_median(spread, ROUNDS), 0, NULL, 0);
	evcan_bench_row("buses_1000_flooded_share", "percent",
	    evcan_bench_median(share, ROUNDS), 0, NULL, 0);
	evcan_bench_row("buses_1000_p99", "us",
	    evcan_bench_median(quiet, ROUNDS), 0, NULL, 0);
	evcan_bench_row("buses_1000_flooded_p99", "us",
	    evcan_bench_median(flooded, ROUNDS), 0, NULL, 0);
}

int
main(void)
{
	struct rlimit limit;
	double before, opened;

	require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "no limits");
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	setrlimit(RLIMIT_NOFILE, &limit);
	max_delays = 100000;
	delays = malloc(max_delays * sizeof(*delays));
	base = event_base_new();
	notifier = evcan_notifier_new(base);
	require(delays != NULL && base != NULL && notifier != NULL,
	    "out of memory");
	for (size_t i = 0; i < FLOOD; i++)
		evcan_frame_init(&frames[i], i % 2048, 0, "12345678", 8);
	memset(delays, 0, max_delays * sizeof(*delays));
	before = resident_kib();
	for (size_t i = 0; i < BUSES; i++)
		open_bus(i);
	settle();
	opened = resident_kib();
	opened = (opened - before) / BUSES;
	rows(opened, opened + used_memory(100));
	for (size_t i = 0; i < BUSES; i++) {
		evcan_listener_free(listeners[i]);
		evcan_bus_free(buses[i]);
	}
	evcan_notifier_free(notifier);
	event_base_free(base);
	free(delays);
	return 0;
}

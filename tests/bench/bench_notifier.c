/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_notifier.c - virtual bus to notifier to listener, beside python-can */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
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

#define ROUNDS 7
#define MOST 256
#define PERIOD_NS 100000u
#define STAMPS 5000u

static struct evcan_frame frames[MOST];

static void
require(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_notifier: %s\n", what);
	exit(1);
}

static struct evcan_bus *
open_bus(struct event_base *base)
{
	struct evcan_error err;
	struct evcan_bus *bus;

	evcan_error_clear(&err);
	bus = evcan_bus_new_spec(base, "virtual:bench,ignore_config=true",
	    &err);
	require(bus != NULL && evcan_bus_open(bus, &err) == 0, err.text);
	return bus;
}

/* Two buses of one channel; what the second receives goes through a notifier
 * to the listener. */
struct rig {
	struct event_base *base;
	struct evcan_bus *from;    /* NULL: sent by another thread */
	struct evcan_bus *to;
	struct evcan_notifier *notifier;
	struct evcan_listener *listener;
	size_t batch;
	uint64_t sent, got, target;
	double *delays;            /* us, or NULL */
};

static void
rig_init(struct rig *rig, evcan_frames_cb cb, bool with_sender)
{
	memset(rig, 0, sizeof(*rig));
	rig->base = event_base_new();
	require(rig->base != NULL, "no loop");
	if (with_sender)
		rig->from = open_bus(rig->base);
	rig->to = open_bus(rig->base);
	rig->notifier = evcan_notifier_new(rig->base);
	rig->listener = evcan_listener_new_cb(cb, rig);
	require(rig->notifier != NULL && rig->listener != NULL &&
	    evcan_notifier_add_bus(rig->notifier, rig->to) == 0 &&
	    evcan_notifier_add_listener(rig->notifier, rig->listener,
	    NULL) == 0, "no notifier");
	/* What opening left to be told. */
	for (int i = 0; i < 3; i++)
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
}

/* Not one frame may be missing. */
static void
rig_end(struct rig *rig)
{
	struct evcan_bus_stats stats;

	evcan_bus_get_stats(rig->to, &stats);
	require(stats.lost_queue == 0 && rig->got == rig->target &&
	    evcan_listener_dropped(rig->listener) == 0,
	    "frames are missing");
	evcan_listener_free(rig->listener);
	evcan_notifier_free(rig->notifier);
	evcan_bus_free(rig->from);
	evcan_bus_free(rig->to);
	event_base_free(rig->base);
}

static void
send_batch(struct rig *rig)
{
	const int n = evcan_bus_send(rig->from, frames, rig->batch);

	require(n == (int)rig->batch, "a send was refused");
	rig->sent += rig->batch;
}

/* On one loop: the listener's call-back sends the next batch. */

static void
on_chain(struct evcan_bus *bus, const struct evcan_frame *row, size_t n,
    void *arg)
{
	struct rig *rig = arg;

	(void)bus;
	(void)row;
	rig->got += n;
	if (rig->got == rig->target)
		event_base_loopbreak(rig->base);
	else if (rig->got == rig->sent)
		send_batch(rig);
}

/* @return ns a frame, of CPU time */
static double
chain_round(size_t batch, uint64_t count)
{
	struct rig rig;
	double start, ns;

	rig_init(&rig, on_chain, true);
	rig.batch = batch;
	rig.target = count;
	start = evcan_bench_cpu();
	send_batch(&rig);
	event_base_dispatch(rig.base);
	ns = (evcan_bench_cpu() - start) / (double)count;
	rig_end(&rig);
	return ns;
}

/* One frame in each turn of the loop, which polls every time. */

static void
on_count(struct evcan_bus *bus, const struct evcan_frame *row, size_t n,
    void *arg)
{
	struct rig *rig = arg;

	(void)bus;
	(void)row;
	rig->got += n;
}

static double
turn_round(size_t batch, uint64_t count)
{
	struct rig rig;
	double start, ns;

	rig_init(&rig, on_count, true);
	rig.batch = batch;
	rig.target = count;
	start = evcan_bench_cpu();
	while (rig.got < count) {
		if (rig.got == rig.sent)
			send_batch(&rig);
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
	}
	ns = (evcan_bench_cpu() - start) / (double)count;
	rig_end(&rig);
	return ns;
}

/* The limit of both: bare libevent, an event made active for each batch,
 * frames copied into a ring and out of it. */

struct bare {
	struct event_base *base;
	struct event *event;
	struct evcan_frame *ring;
	size_t at, batch;
	uint64_t got, target;
	bool chained;
};

enum { BARE_RING = 4096 };

static void
bare_send(struct bare *bare)
{
	memcpy(bare->ring + bare->at, frames, bare->batch * sizeof(*frames));
	event_active(bare->event, EV_TIMEOUT, 0);
}

static void
bare_run(evutil_socket_t fd, short what, void *arg)
{
	static struct evcan_frame row[MOST];
	struct bare *bare = arg;

	(void)fd;
	(void)what;
	memcpy(row, bare->ring + bare->at, bare->batch * sizeof(*row));
	/* So that no copy is thought away. */
	bare->got += bare->batch + row[bare->batch - 1].reserved[0];
	bare->at = (bare->at + bare->batch) % BARE_RING;
	if (!bare->chained)
		return;
	if (bare->got < bare->target)
		bare_send(bare);
	else
		event_base_loopbreak(bare->base);
}

static double
bare_round(size_t batch, uint64_t count, bool chained)
{
	struct bare bare = {
		.base = event_base_new(),
		.ring = calloc(BARE_RING, sizeof(*bare.ring)),
		.batch = batch,
		.target = count,
		.chained = chained
	};
	double start, ns;

	require(bare.base != NULL && bare.ring != NULL, "out of memory");
	bare.event = event_new(bare.base, -1, 0, bare_run, &bare);
	start = evcan_bench_cpu();
	while (bare.got < count) {
		bare_send(&bare);
		event_base_loop(bare.base, chained ? 0 : EVLOOP_NONBLOCK);
	}
	ns = (evcan_bench_cpu() - start) / (double)count;
	event_free(bare.event);
	event_base_free(bare.base);
	free(bare.ring);
	return ns;
}

static void
one_loop(size_t batch, uint64_t count, bool chained, double peer)
{
	double ours[ROUNDS], limit[ROUNDS], ns;
	char name[64];

	count -= count % batch;
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = chained ? chain_round(batch, count) :
		    turn_round(batch, count);
		limit[i] = bare_round(batch, count, chained);
	}
	ns = evcan_bench_median(ours, ROUNDS);
	snprintf(name, sizeof(name), "notifier_%s_%zu",
	    chained ? "batch" : "turn", batch);
	evcan_bench_row(name, "M frames/s", 1e3 / ns, peer,
	    peer > 0 ? "python-can Notifier" : NULL,
	    evcan_bench_median(limit, ROUNDS) / ns);
}

/* From a thread without a loop to one with a loop. */

struct sender {
	pthread_t thread;
	pthread_barrier_t ready;
	size_t batch;
	uint64_t count;
	double started;
	bool paced;
};

static void
wait_for_room(struct evcan_bus *bus)
{
	struct pollfd pfd = { .fd = evcan_bus_fd(bus), .events = POLLIN };

	poll(&pfd, 1, evcan_bus_timeout(bus));
	evcan_bus_process(bus);
}

static void
send_all(const struct sender *sender, struct evcan_bus *bus)
{
	struct evcan_bus_stats stats;
	uint64_t sent = 0;

	while (sent < sender->count) {
		const int n = evcan_bus_send(bus, frames, sender->batch);

		require(n > 0 || n == EVCAN_ERR_FULL, "a send failed");
		if (n > 0)
			sent += (uint64_t)n;
		if (n < (int)sender->batch)
			wait_for_room(bus);
	}
	evcan_bus_get_stats(bus, &stats);
	while (stats.tx_queued > 0) {
		wait_for_room(bus);
		evcan_bus_get_stats(bus, &stats);
	}
}

/* The time of sending, as data. */
static void
stamp(struct evcan_frame *frame)
{
	const double now = evcan_bench_now();

	memcpy(frame->data, &now, sizeof(now));
}

/* Sleeps until *due, which is then the next. */
static void
pace(struct timespec *due)
{
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL);
	due->tv_nsec += PERIOD_NS;
	if (due->tv_nsec >= 1000000000) {
		due->tv_nsec -= 1000000000;
		due->tv_sec++;
	}
}

static void
send_paced(const struct sender *sender, struct evcan_bus *bus)
{
	struct evcan_frame frame = frames[0];
	struct timespec due;

	clock_gettime(CLOCK_MONOTONIC, &due);
	for (uint64_t i = 0; i < sender->count; i++) {
		pace(&due);
		stamp(&frame);
		require(evcan_bus_send(bus, &frame, 1) == 1,
		    "a send was refused");
	}
}

static void *
run_sender(void *arg)
{
	struct sender *sender = arg;
	struct evcan_bus *bus = open_bus(NULL);

	pthread_barrier_wait(&sender->ready);
	sender->started = evcan_bench_now();
	if (sender->paced)
		send_paced(sender, bus);
	else
		send_all(sender, bus);
	/* The other side has got all before the channel goes. */
	pthread_barrier_wait(&sender->ready);
	evcan_bus_free(bus);
	return NULL;
}

static void
on_threads(struct evcan_bus *bus, const struct evcan_frame *row, size_t n,
    void *arg)
{
	struct rig *rig = arg;
	double sent;

	(void)bus;
	if (rig->delays != NULL) {
		const double now = evcan_bench_now();

		for (size_t i = 0; i < n; i++) {
			memcpy(&sent, row[i].data, sizeof(sent));
			rig->delays[rig->got + i] = (now - sent) / 1e3;
		}
	}
	rig->got += n;
	if (rig->got == rig->target)
		event_base_loopbreak(rig->base);
}

struct threads_result {
	double ns;         /* a frame, wall time */
	double wakeups;    /* for 1000 frames */
};

static struct threads_result
threads_round(size_t batch, uint64_t count, double *delays)
{
	struct sender sender = {
		.batch = batch, .count = count, .paced = delays != NULL
	};
	struct evcan_bus_stats before, after;
	struct threads_result result;
	struct rig rig;

	rig_init(&rig, on_threads, false);
	rig.target = count;
	rig.delays = delays;
	evcan_bus_get_stats(rig.to, &before);
	pthread_barrier_init(&sender.ready, NULL, 2);
	require(pthread_create(&sender.thread, NULL, run_sender,
	    &sender) == 0, "no thread");
	pthread_barrier_wait(&sender.ready);
	event_base_dispatch(rig.base);
	result.ns = (evcan_bench_now() - sender.started) / (double)count;
	evcan_bus_get_stats(rig.to, &after);
	result.wakeups = (double)(after.wakeups - before.wakeups) * 1e3 /
	    (double)count;
	pthread_barrier_wait(&sender.ready);
	pthread_join(sender.thread, NULL);
	pthread_barrier_destroy(&sender.ready);
	rig_end(&rig);
	return result;
}

static void
threads(size_t batch, uint64_t count, double peer)
{
	double ns[ROUNDS], wakeups[ROUNDS];
	char name[64];

	count -= count % batch;
	for (int i = 0; i < ROUNDS; i++) {
		const struct threads_result result = threads_round(batch,
		    count, NULL);

		ns[i] = result.ns;
		wakeups[i] = result.wakeups;
	}
	snprintf(name, sizeof(name), "notifier_threads_%zu", batch);
	evcan_bench_row(name, "M frames/s",
	    1e3 / evcan_bench_median(ns, ROUNDS), peer,
	    peer > 0 ? "python-can Notifier" : NULL, 0);
	snprintf(name, sizeof(name), "notifier_threads_%zu_wakeups", batch);
	evcan_bench_row(name, "per 1000",
	    evcan_bench_median(wakeups, ROUNDS), 0, NULL, 0);
}

/* Latency at 10,000 frames a second. On one loop a timer sends. */

static void
on_period(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_frame frame = frames[0];
	struct rig *rig = arg;
	uint64_t due;

	(void)what;
	if (read((int)fd, &due, sizeof(due)) != (ssize_t)sizeof(due))
		return;
	for (; due > 0 && rig->sent < rig->target; due--) {
		stamp(&frame);
		require(evcan_bus_send(rig->from, &frame, 1) == 1,
		    "a send was refused");
		rig->sent++;
	}
}

static void
one_loop_delays(double *delays)
{
	const struct itimerspec period = {
		.it_value.tv_nsec = PERIOD_NS,
		.it_interval.tv_nsec = PERIOD_NS
	};
	const int fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_NONBLOCK | TFD_CLOEXEC);
	struct event *event;
	struct rig rig;

	rig_init(&rig, on_threads, true);
	rig.target = STAMPS;
	rig.delays = delays;
	event = event_new(rig.base, fd, EV_READ | EV_PERSIST, on_period,
	    &rig);
	require(fd >= 0 && event != NULL && event_add(event, NULL) == 0 &&
	    timerfd_settime(fd, 0, &period, NULL) == 0, "no timer");
	event_base_dispatch(rig.base);
	event_free(event);
	close(fd);
	rig_end(&rig);
}

static void
threads_delays(double *delays)
{
	threads_round(1, STAMPS, delays);
}

/* The limit between threads: an eventfd, epoll and the time in memory. */

struct direct {
	int fd;
	_Atomic double sent;
};

static void *
run_direct(void *arg)
{
	struct direct *direct = arg;
	const uint64_t one = 1;
	struct timespec due;

	clock_gettime(CLOCK_MONOTONIC, &due);
	for (unsigned i = 0; i < STAMPS; i++) {
		pace(&due);
		direct->sent = evcan_bench_now();
		require(write(direct->fd, &one, sizeof(one)) ==
		    (ssize_t)sizeof(one), "no eventfd");
	}
	return NULL;
}

static void
direct_delays(double *delays)
{
	struct direct direct = { .fd = eventfd(0, EFD_NONBLOCK) };
	struct epoll_event event = { .events = EPOLLIN };
	const int epoll = epoll_create1(0);
	uint64_t some, got = 0;
	pthread_t thread;

	require(direct.fd >= 0 && epoll >= 0 && epoll_ctl(epoll,
	    EPOLL_CTL_ADD, direct.fd, &event) == 0 &&
	    pthread_create(&thread, NULL, run_direct, &direct) == 0,
	    "no thread");
	while (got < STAMPS) {
		if (epoll_wait(epoll, &event, 1, -1) != 1 ||
		    read(direct.fd, &some, sizeof(some)) < 0)
			continue;
		/* Two in one go count as what the later one took. */
		for (; some > 0; some--)
			delays[got++] = (evcan_bench_now() - direct.sent) /
			    1e3;
	}
	pthread_join(thread, NULL);
	close(epoll);
	close(direct.fd);
}

struct delay {
	double p50, p99;    /* us */
};

static struct delay
delay_of(void (*measure)(double *))
{
	static double delays[STAMPS];
	double p50[ROUNDS], p99[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		measure(delays);
		p50[i] = evcan_bench_median(delays, STAMPS);
		/* The median has sorted them. */
		p99[i] = delays[STAMPS * 99 / 100];
	}
	return (struct delay){
		evcan_bench_median(p50, ROUNDS),
		evcan_bench_median(p99, ROUNDS)
	};
}

static void
delay_rows(const char *what, struct delay ours, struct delay peer,
    struct delay limit)
{
	const char *peer_name = peer.p50 > 0 ? "python-can Notifier" : NULL;
	char name[64];

	snprintf(name, sizeof(name), "latency_%s_p50", what);
	evcan_bench_row(name, "us", ours.p50, peer.p50, peer_name,
	    limit.p50 / ours.p50);
	snprintf(name, sizeof(name), "latency_%s_p99", what);
	evcan_bench_row(name, "us", ours.p99, peer.p99, peer_name,
	    limit.p99 / ours.p99);
}

int
main(void)
{
	const struct delay none = { 0, 0 };
	struct delay peer_delay = none;
	double peer = 0;

	for (unsigned i = 0; i < MOST; i++)
		evcan_frame_init(&frames[i], i, 0, "12345678", 8);
	notifier_peer("flood", &peer, NULL);
	notifier_peer("latency", &peer_delay.p50, &peer_delay.p99);
	evcan_bench_head();
	one_loop(1, 500000, false, peer);
	one_loop(1, 500000, true, peer);
	one_loop(16, 4000000, true, peer);
	one_loop(64, 8000000, true, peer);
	one_loop(256, 8000000, true, peer);
	threads(1, 2000000, peer);
	threads(16, 8000000, peer);
	delay_rows("one_loop", delay_of(one_loop_delays), peer_delay, none);
	delay_rows("threads", delay_of(threads_delays), peer_delay,
	    delay_of(direct_delays));
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_vendor.c - from an adapter's thread to a listener on the loop, beside
 * the virtual bus and python-can
 *
 * The device is made of memory: what is measured is the way through thread,
 * ring, eventfd, bus and notifier. The virtual bus has a thread that sends in
 * its place; python-can a bus without a fileno and an asyncio loop. */
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <event2/event.h>

#include <evcan/listener.h>
#include <evcan/notifier.h>

#include "bench_time.h"
#include "bus_internal.h"
#include "vendor.h"

#define ROUNDS 7
#define RATE_ROUNDS 3
#define FLOOD UINT64_C(4000000)
#define MOST 10000           /* frames whose delay is taken */
#define BATCH 64             /* what an adapter's thread reads at once */
#define WINDOW 2048          /* frames under way, of the queue's 4096 */

static const char peer_name[] = "python-can asyncio";

/* What a round measures, and its two threads. */
static struct rig {
	uint64_t target;
	int64_t period_ns;           /* 0: flood */
	_Atomic uint64_t got;
	double *delays;              /* us, or NULL */
	struct event_base *base;

	/* The source's: of the device, or of the thread that sends */
	_Atomic bool started;
	uint64_t given;
	int64_t due_ns, first_ns;
	double first_cpu, cpu;
} rig;

static struct evcan_frame frames[BATCH];

/* The source */

static void
begin(void)
{
	rig.first_ns = bench_clock(CLOCK_MONOTONIC);
	rig.first_cpu = evcan_bench_cpu();
	rig.due_ns = rig.first_ns + rig.period_ns;
}

/* Sleeps until the next one is due, and stamps it. */
static void
pace(struct evcan_frame *frame)
{
	const struct timespec due = { rig.due_ns / BENCH_S,
		rig.due_ns % BENCH_S };
	double now;

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	rig.due_ns += rig.period_ns;
	*frame = frames[0];
	now = evcan_bench_now();
	memcpy(frame->data, &now, sizeof(now));
}

/* No more than WINDOW are under way, so that none is lost. */
static int
fill(struct evcan_frame *row, int max)
{
	const uint64_t room = rig.got + WINDOW - rig.given;
	const uint64_t left = rig.target - rig.given;
	int n = max;

	if (rig.period_ns > 0) {
		pace(row);
		n = 1;
	} else {
		n = (uint64_t)n > room ? (int)room : n;
		n = (uint64_t)n > left ? (int)left : n;
		memcpy(row, frames, (size_t)n * sizeof(*row));
	}
	if (n == 0)
		sched_yield();
	rig.given += (uint64_t)n;
	return n;
}

/* The device of memory */

static int
device_open(struct evcan_adapter_ *adapter, void *port,
    struct evcan_error *err)
{
	(void)adapter;
	(void)port;
	(void)err;
	return 0;
}

static int
device_read(struct evcan_adapter_ *adapter, void *port,
    struct evcan_frame *row, int max, int timeout_ms)
{
	(void)adapter;
	(void)port;
	if (!rig.started || rig.given == rig.target) {
		poll(NULL, 0, timeout_ms);
		return 0;
	}
	if (rig.given == 0)
		begin();
	/* Up to the last read, whose frames are handed on by then. */
	rig.cpu = evcan_bench_cpu() - rig.first_cpu;
	return fill(row, max);
}

static int
device_send(struct evcan_adapter_ *adapter, void *port,
    const struct evcan_frame *row, int n)
{
	(void)adapter;
	(void)port;
	(void)row;
	return n;
}

static void
device_close(struct evcan_adapter_ *adapter, void *port)
{
	(void)adapter;
	(void)port;
}

static const struct evcan_vendor_ops_ ops = {
	.port_size = 1,
	.open = device_open,
	.read = device_read,
	.send = device_send,
	.close = device_close
};

static int
vendor_open(struct evcan_bus *bus, struct evcan_error *err)
{
	return evcan_vendor_start_(bus, &ops, "memory", "", err);
}

static const struct evcan_driver memory_driver = {
	.name = "memory",
	.summary = "frames out of memory",
	.state_size = sizeof(struct evcan_vendor_bus_),
	.open = vendor_open,
	.close = evcan_vendor_close_,
	.recv = evcan_vendor_recv_,
	.send = evcan_vendor_send_,
	.ready = evcan_vendor_ready_,
	.deadline = evcan_vendor_deadline_
};

/* The thread that sends on a virtual bus */

static void
send_all(struct evcan_bus *bus, const struct evcan_frame *row, int n)
{
	while (n > 0) {
		const int sent = evcan_bus_send(bus, row, (size_t)n);

		bench_require(sent >= 0 || sent == EVCAN_ERR_FULL,
		    "a send was refused");
		evcan_bus_process(bus);
		n -= sent > 0 ? sent : 0;
		row += sent > 0 ? sent : 0;
	}
}

static void *
run_sender(void *arg)
{
	struct evcan_bus *bus = arg;
	struct evcan_frame row[BATCH];

	while (!rig.started)
		sched_yield();
	begin();
	while (rig.given < rig.target)
		send_all(bus, row, fill(row, BATCH));
	rig.cpu = evcan_bench_cpu() - rig.first_cpu;
	return NULL;
}

/* A round */

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *row, size_t n,
    void *arg)
{
	uint64_t got = rig.got;
	double sent;

	(void)bus;
	(void)arg;
	if (rig.delays != NULL) {
		const double now = evcan_bench_now();

		for (size_t i = 0; i < n; i++) {
			memcpy(&sent, row[i].data, sizeof(sent));
			rig.delays[got + i] = (now - sent) / 1e3;
		}
	}
	rig.got = got + n;
	if (got + n == rig.target)
		event_base_loopbreak(rig.base);
}

/* A bus of the memory driver, in the clothes of a virtual one. */
static struct evcan_bus *
make_bus(bool vendor, struct event_base *base)
{
	struct evcan_error err = { .code = 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(base,
	    "virtual:bench,ignore_config=true", &err);

	bench_require(bus != NULL, err.text);
	if (vendor) {
		bus->driver->destroy(bus);
		free(bus->state);
		bus->driver = &memory_driver;
		bus->state = calloc(1, sizeof(struct evcan_vendor_bus_));
	}
	bench_require(bus->state != NULL && evcan_bus_open(bus, &err) == 0,
	    err.text);
	while (base != NULL && !evcan_bus_is_open(bus))
		event_base_loop(base, EVLOOP_ONCE);
	return bus;
}

struct result {
	double ns;                 /* a frame: by clock or CPU, the better */
	double loop_ns;            /* of the loop's CPU time */
	double source_ns;          /* of the other thread's */
	double wakeups;            /* of the loop, for 1000 frames */
	double calls;              /* of the bus by the loop */
};

/* Times that this thread went to sleep. */
static double
sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (double)usage.ru_nvcsw;
}

/* Runs until the loop has got all. */
static struct result
measure(struct evcan_bus *bus)
{
	struct evcan_bus_stats before, after;
	const double count = (double)rig.target;
	double loop = evcan_bench_cpu(), wakeups = sleeps(), wall;
	int64_t all = bench_clock(CLOCK_PROCESS_CPUTIME_ID);

	evcan_bus_get_stats(bus, &before);
	rig.started = true;
	event_base_dispatch(rig.base);
	wall = (double)(bench_clock(CLOCK_MONOTONIC) - rig.first_ns);
	all = bench_clock(CLOCK_PROCESS_CPUTIME_ID) - all;
	loop = evcan_bench_cpu() - loop;
	wakeups = sleeps() - wakeups;
	evcan_bus_get_stats(bus, &after);
	bench_require(rig.got == rig.target &&
	    after.lost_queue + after.lost_kernel == 0, "frames are missing");
	return (struct result){
		(wall < (double)all ? wall : (double)all) / count,
		loop / count, 0, wakeups * 1e3 / count,
		(double)(after.wakeups - before.wakeups) * 1e3 / count
	};
}

/* @param hz 0: flood @param delays of each frame, or NULL */
static struct result
run_round(bool vendor, int hz, uint64_t count, double *delays)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *bus = make_bus(vendor, base), *from = NULL;
	struct evcan_notifier *notifier = evcan_notifier_new(base);
	struct evcan_listener *listener = evcan_listener_new_cb(on_frames,
	    NULL);
	struct result result;
	pthread_t thread;

	bench_require(notifier != NULL && listener != NULL &&
	    evcan_notifier_add_bus(notifier, bus) == 0 &&
	    evcan_notifier_add_listener(notifier, listener, NULL) == 0,
	    "no notifier");
	memset(&rig, 0, sizeof(rig));
	rig.base = base;
	rig.target = count;
	rig.period_ns = hz > 0 ? BENCH_S / hz : 0;
	rig.delays = delays;
	if (!vendor) {
		from = make_bus(false, NULL);
		bench_require(pthread_create(&thread, NULL, run_sender,
		    from) == 0, "no thread");
	}
	result = measure(bus);
	if (!vendor)
		pthread_join(thread, NULL);
	evcan_bus_free(from);
	evcan_listener_free(listener);
	evcan_notifier_free(notifier);
	evcan_bus_free(bus);
	event_base_free(base);
	result.source_ns = rig.cpu / (double)count;
	return result;
}

/* Flood */

static void
flood_row(const char *what, const char *part, const char *unit,
    double figures[ROUNDS])
{
	char name[64];

	snprintf(name, sizeof(name), "%s_flood_%s", what, part);
	evcan_bench_row(name, unit, evcan_bench_median(figures, ROUNDS), 0,
	    NULL, 0);
}

static void
flood(bool vendor, double peer)
{
	const char *what = vendor ? "vendor" : "virtual";
	double figures[5][ROUNDS];
	char name[64];

	for (int i = 0; i < ROUNDS; i++) {
		const struct result r = run_round(vendor, 0, FLOOD, NULL);

		figures[0][i] = r.ns;
		figures[1][i] = r.loop_ns;
		figures[2][i] = r.source_ns;
		figures[3][i] = r.wakeups;
		figures[4][i] = r.calls;
	}
	snprintf(name, sizeof(name), "%s_flood", what);
	evcan_bench_row(name, "M frames/s",
	    1e3 / evcan_bench_median(figures[0], ROUNDS), peer,
	    peer > 0 ? peer_name : NULL, 0);
	flood_row(what, "loop", "ns", figures[1]);
	flood_row(what, "thread", "ns", figures[2]);
	flood_row(what, "wakeups", "per 1000", figures[3]);
	flood_row(what, "calls", "per 1000", figures[4]);
}

/* The limit of delays: the same pace, an eventfd, epoll, and the time in
 * memory. */

struct direct {
	int fd;
	uint64_t count;
	_Atomic double sent;
};

static void *
run_direct(void *arg)
{
	struct direct *direct = arg;
	const uint64_t one = 1;
	struct evcan_frame frame;
	double now;

	begin();
	for (uint64_t i = 0; i < direct->count; i++) {
		pace(&frame);
		memcpy(&now, frame.data, sizeof(now));
		direct->sent = now;
		bench_require(write(direct->fd, &one, sizeof(one)) ==
		    (ssize_t)sizeof(one), "no eventfd");
	}
	return NULL;
}

static void
run_limit(int hz, uint64_t count, double *delays)
{
	struct direct direct = { .fd = eventfd(0, EFD_NONBLOCK),
		.count = count };
	struct epoll_event event = { .events = EPOLLIN };
	const int epoll = epoll_create1(0);
	uint64_t some, got = 0;
	pthread_t thread;

	memset(&rig, 0, sizeof(rig));
	rig.period_ns = BENCH_S / hz;
	bench_require(direct.fd >= 0 && epoll >= 0 && epoll_ctl(epoll,
	    EPOLL_CTL_ADD, direct.fd, &event) == 0 &&
	    pthread_create(&thread, NULL, run_direct, &direct) == 0,
	    "no thread");
	while (got < count) {
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

/* A steady rate: of use on an idle machine only, where p99 is the loop's and
 * not the scheduler's. */

struct delay {
	double p50, p99;     /* us */
};

enum way { LIMIT, VIRTUAL, VENDOR };

static struct delay
delay_of(enum way way, int hz, uint64_t count, double *wakeups)
{
	static double delays[MOST];
	double p50[RATE_ROUNDS], p99[RATE_ROUNDS];

	for (int i = 0; i < RATE_ROUNDS; i++) {
		if (way == LIMIT)
			run_limit(hz, count, delays);
		else
			*wakeups = run_round(way == VENDOR, hz, count,
			    delays).wakeups;
		p50[i] = evcan_bench_median(delays, count);
		/* The median has sorted them. */
		p99[i] = delays[count * 99 / 100];
	}
	return (struct delay){
		evcan_bench_median(p50, RATE_ROUNDS),
		evcan_bench_median(p99, RATE_ROUNDS)
	};
}

static void
delay_row(const char *what, int hz, const char *part, double ours,
    double peer, double limit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%d_%s", what, hz, part);
	evcan_bench_row(name, "us", ours, peer, peer > 0 ? peer_name : NULL,
	    limit / ours);
}

static void
steady(int hz, uint64_t count)
{
	double peer[2], wakeups[2];
	struct delay limit, virtual, vendor;
	char name[64];

	bench_peer_end(bench_peer_start("vendor_peer.py", "rate %d %d", hz,
	    (int)count), peer, 2);
	limit = delay_of(LIMIT, hz, count, NULL);
	virtual = delay_of(VIRTUAL, hz, count, &wakeups[0]);
	vendor = delay_of(VENDOR, hz, count, &wakeups[1]);
	delay_row("vendor", hz, "p50", vendor.p50, peer[0], limit.p50);
	delay_row("vendor", hz, "p99", vendor.p99, peer[1], limit.p99);
	delay_row("virtual", hz, "p50", virtual.p50, peer[0], limit.p50);
	delay_row("virtual", hz, "p99", virtual.p99, peer[1], limit.p99);
	snprintf(name, sizeof(name), "vendor_%d_wakeups", hz);
	evcan_bench_row(name, "per 1000", wakeups[1], 0, NULL, 0);
	snprintf(name, sizeof(name), "virtual_%d_wakeups", hz);
	evcan_bench_row(name, "per 1000", wakeups[0], 0, NULL, 0);
}

int
main(void)
{
	double peer[1];

	for (unsigned i = 0; i < BATCH; i++)
		evcan_frame_init(&frames[i], i, 0, "12345678", 8);
	evcan_bench_head();
	bench_peer_end(bench_peer_start("vendor_peer.py", "flood"), peer, 1);
	flood(true, peer[0]);
	flood(false, peer[0]);
	steady(1000, 2000);
	steady(10000, MOST);
	return 0;
}

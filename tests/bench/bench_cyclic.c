/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_cyclic.c - drift, lateness and cost of tasks, beside python-can's */
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include <evcan/cyclic.h>

#include "bench_time.h"

/*
 * The tasks' bus has its loop in this thread, whose CPU time counts; a second
 * bus in another thread sees that every frame came, in its turn and not
 * early. Lateness is from a task's grid, which begins when it was started,
 * to the stamp that the sender's driver gave the frame. The two clocks are
 * known to each other within a fraction of this:
 */
#define EARLY_NS (-1000)

#define PERIOD (10 * BENCH_MS)
#define MOST 100000
#define PEER_MOST 1000       /* python-can copes no more */
#define DRIFT_S 60

static const char peer_name[] = "python-can task";

/* The tasks of one measurement. */
struct rig {
	struct bench_witness witness;
	struct event_base *base;
	struct evcan_bus *bus;
	size_t n;
	int64_t period_ns;
	uint64_t count;              /* frames of each; 0: no end */
	int64_t end_ns;              /* their last frame was due by then */
	uint64_t target;             /* frames in all */
	uint64_t early, wrong;
	int64_t last_ns;             /* when the latest frame came */
	double kib;                  /* of memory, for all */
	double wakeups;
	int64_t first_ns[MOST];      /* each task's first point */
	uint64_t seen[MOST];
	struct bench_delays delays;
};

static struct rig rig;

/* Each task's frames bear its number. */
static void
on_seen(const struct evcan_frame *frame, int64_t at_ns)
{
	int64_t late;
	uint32_t i = frame->id;

	if (i >= rig.n) {
		rig.wrong++;
		return;
	}
	late = at_ns - rig.first_ns[i] -
	    (int64_t)rig.seen[i]++ * rig.period_ns;
	bench_delays_add(&rig.delays, late);
	if (late < EARLY_NS)
		rig.early++;
	if (at_ns > rig.last_ns)
		rig.last_ns = at_ns;
}

static double
resident_kib(void)
{
	long all, resident = 0;
	FILE *f;

	/* What earlier tasks had goes back to the system first. */
	malloc_trim(0);
	f = fopen("/proc/self/statm", "r");
	bench_require(f != NULL && fscanf(f, "%ld %ld", &all, &resident) == 2,
	    "no /proc/self/statm");
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void
start_task(size_t i, int64_t due_ns)
{
	struct evcan_cyclic_config config = {
		.period_ns = rig.period_ns, .count = rig.count, .store = true
	};
	struct evcan_error err = { .code = 0 };
	struct evcan_cyclic *task;
	struct evcan_frame frame;

	evcan_frame_init(&frame, (uint32_t)i, EVCAN_FRAME_EXT, "12345678", 8);
	/* The grid begins between here and the start. */
	rig.first_ns[i] = due_ns;
	config.phase_ns = due_ns - bench_clock(CLOCK_MONOTONIC);
	bench_require(config.phase_ns >= 0, "the tasks took too long");
	task = evcan_cyclic_new(rig.bus, &frame, 1, &config, &err);
	bench_require(task != NULL && evcan_cyclic_start(task, &err) == 0,
	    err.text);
}

/* Their phases lie evenly in the period; they begin soon. */
static void
rig_init(size_t n, int64_t period_ns, uint64_t count)
{
	int64_t origin;
	double before;

	memset(&rig, 0, sizeof(rig));
	/* So that their memory counts neither. */
	memset(rig.seen, 1, sizeof(rig.seen));
	memset(rig.seen, 0, sizeof(rig.seen));
	rig.n = n;
	rig.period_ns = period_ns;
	rig.count = count;
	rig.target = count * n;
	rig.witness.seen = on_seen;
	bench_witness_start(&rig.witness);
	rig.base = event_base_new();
	bench_require(rig.base != NULL, "no loop");
	rig.bus = bench_bus(rig.base);
	before = resident_kib();
	origin = bench_clock(CLOCK_MONOTONIC) + 100 * BENCH_MS +
	    (int64_t)n * 10000;
	for (size_t i = 0; i < n; i++)
		start_task(i, origin + (int64_t)i * period_ns / (int64_t)n);
	rig.kib = resident_kib() - before;
	rig.end_ns = origin + (int64_t)count * period_ns;
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval again = { 0, 10000 };
	struct evcan_bus_stats stats;
	int64_t over = bench_clock(CLOCK_MONOTONIC) - rig.end_ns;

	(void)fd;
	(void)what;
	evcan_bus_get_stats(rig.bus, &stats);
	if (over < 0 || (stats.sent < rig.target && over < 2 * BENCH_S))
		event_add(*(struct event **)arg, &again);
	else
		event_base_loopexit(rig.base, NULL);
}

/* Times that this thread went to sleep. */
static double
sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (double)usage.ru_nvcsw;
}

/* Runs the loop until all was sent. @return ns of CPU time */
static double
rig_run(void)
{
	int64_t left = rig.end_ns - bench_clock(CLOCK_MONOTONIC);
	const struct timeval tv = { left / BENCH_S, left % BENCH_S / 1000 };
	struct event *timer = event_new(rig.base, -1, 0, on_time, &timer);
	double start = evcan_bench_cpu();

	bench_require(timer != NULL && event_add(timer, &tv) == 0,
	    "no timer");
	rig.wakeups = sleeps();
	event_base_dispatch(rig.base);
	rig.wakeups = sleeps() - rig.wakeups;
	start = evcan_bench_cpu() - start;
	event_free(timer);
	return start;
}

static void
rig_end(void)
{
	bench_witness_end(&rig.witness);
	evcan_bus_free(rig.bus);
	event_base_free(rig.base);
	bench_require(rig.early == 0, "frames came early");
	bench_require(rig.wrong == 0, "foreign frames came");
	if (rig.count == 0)
		return;
	for (size_t i = 0; i < rig.n; i++)
		bench_require(rig.seen[i] == rig.count,
		    "a task sent too many frames, or too few");
}

/* Drift: one task without end; python-can's beside it. */

static void
drift(void)
{
	const uint64_t expected = DRIFT_S * BENCH_S / PERIOD;
	FILE *p = bench_peer_start("cyclic_peer.py", "drift %d", DRIFT_S);
	double peer[2], missing, last;

	rig_init(1, PERIOD, 0);
	/* Before the point that would be one too many. */
	rig.end_ns = rig.first_ns[0] + DRIFT_S * BENCH_S - PERIOD / 2;
	rig_run();
	rig_end();
	bench_require(rig.seen[0] > 0, "nothing was sent");
	bench_peer_end(p, peer, 2);
	missing = (double)rig.seen[0] - (double)expected;
	last = (double)(rig.last_ns - rig.first_ns[0] -
	    (int64_t)(rig.seen[0] - 1) * PERIOD);
	evcan_bench_row("cyclic_drift_frames", "frames",
	    missing < 0 ? -missing : missing, peer[0], peer_name, 0);
	evcan_bench_row("cyclic_drift_last", "us", last / 1e3, peer[1],
	    peer_name, 0);
}

/* The least that a wake-up costs, and how late it is: one timer that rings
 * 10,000 times a second, and nothing done. */

struct bare {
	double cpu_ns;           /* a wake-up */
	double p50, p99;         /* us */
};

static struct bare
bare_wakeups(void)
{
	static struct bench_delays delays;
	const int64_t start = bench_clock(CLOCK_MONOTONIC) + BENCH_MS;
	const struct itimerspec spec = {
		.it_value = { start / BENCH_S, start % BENCH_S },
		.it_interval = { 0, 100000 }
	};
	const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	const int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	double cpu = evcan_bench_cpu();
	uint64_t some, n = 0, rung = 0;

	memset(&delays, 0, sizeof(delays));
	bench_require(fd >= 0 && epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD,
	    fd, &event) == 0 && timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec,
	    NULL) == 0, "no timer");
	for (; rung < 5000; n++) {
		if (epoll_wait(epoll, &event, 1, -1) != 1 ||
		    read(fd, &some, sizeof(some)) < 0)
			continue;
		for (; some > 0; some--)
			bench_delays_add(&delays,
			    bench_clock(CLOCK_MONOTONIC) - start -
			    (int64_t)rung++ * 100000);
	}
	cpu = evcan_bench_cpu() - cpu;
	close(fd);
	close(epoll);
	return (struct bare){
		cpu / (double)n,
		bench_delays_part(&delays, 0.5),
		bench_delays_part(&delays, 0.99)
	};
}

static void
row(size_t n, const char *key, const char *unit, double ours, double peer,
    double of_limit)
{
	char name[64];

	snprintf(name, sizeof(name), "cyclic_%zu_%s", n, key);
	evcan_bench_row(name, unit, ours, peer, peer > 0 ? peer_name : NULL,
	    of_limit);
}

/* So many tasks that their share of a core says something. */
static void
core_rows(double cpu, int seconds, const struct bare *bare)
{
	row(rig.n, "core", "%", cpu / seconds / 1e7, 0, 0);
	row(rig.n, "wakeups", "a second", rig.wakeups / seconds, 0, 0);
	row(rig.n, "memory", "B", rig.kib * 1024 / (double)rig.n, 0, 0);
	row(rig.n, "p50_bare", "us", bare->p50, 0, 0);
	row(rig.n, "p99_bare", "us", bare->p99, 0, 0);
}

/* Lateness and cost of n tasks. */
static void
tasks(size_t n, int64_t period_ns, int seconds)
{
	const bool with_peer = n <= PEER_MOST;
	const struct bare bare = bare_wakeups();
	double peer[5] = { 0 }, cpu;
	char name[32];

	rig_init(n, period_ns, (uint64_t)(seconds * BENCH_S / period_ns));
	cpu = rig_run();
	rig_end();
	if (with_peer)
		bench_peer_end(bench_peer_start("cyclic_peer.py",
		    "tasks %zu %d", n, seconds), peer, 5);
	snprintf(name, sizeof(name), "cyclic_%zu", n);
	bench_delays_rows(name, &rig.delays, peer, peer_name);
	/* The limit: its wake-ups, and nothing done in them. */
	row(n, "cpu", "us", cpu / (double)rig.target / 1e3, peer[3],
	    rig.wakeups * bare.cpu_ns / cpu);
	row(n, "kept", "frames/s", (double)rig.target / seconds, peer[4],
	    1);
	if (!with_peer)
		core_rows(cpu, seconds, &bare);
}

/* New data for a task that runs. */
static void
modify(void)
{
	const unsigned times = 2000000;
	struct evcan_error err = { .code = 0 };
	struct evcan_frame frame;
	struct evcan_cyclic *task;
	double ns, peer[1];
	size_t n;

	rig_init(1, PERIOD, 0);
	task = evcan_bus_cyclic(rig.bus, 0);
	frame = evcan_cyclic_get_frames(task, &n)[0];
	ns = evcan_bench_cpu();
	for (unsigned i = 0; i < times; i++) {
		memcpy(frame.data, &i, sizeof(i));
		bench_require(evcan_cyclic_modify(task, &frame, 1, &err) == 0,
		    err.text);
	}
	ns = (evcan_bench_cpu() - ns) / times;
	rig_end();
	bench_peer_end(bench_peer_start("cyclic_peer.py", "modify"), peer, 1);
	evcan_bench_row("cyclic_modify", "ns", ns, peer[0],
	    peer[0] > 0 ? peer_name : NULL, 0);
}

int
main(void)
{
	evcan_bench_head();
	evcan_bench_row("wakeup_bare", "us", bare_wakeups().cpu_ns / 1e3, 0,
	    NULL, 0);
	drift();
	tasks(1, PERIOD, 4);
	tasks(100, PERIOD, 4);
	tasks(300, PERIOD, 4);
	tasks(PEER_MOST, PERIOD, 4);
	tasks(10000, PERIOD, 10);
	tasks(MOST, BENCH_S, 10);
	modify();
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_adapters.c - eight vendors' adapters on one loop
 *
 * Each is the driver on a double of its vendor's library, with two channels:
 * one receives on the loop, on the other a thread sends 20,000 frames a
 * second: 20 at a time, each millisecond, and one at a time, as a bus carries
 * them, each 50 us. Every frame bears its number. What the loop's thread costs, what
 * the adapters' threads cost (with the doubles' work in them, and the
 * library's own threads), and what is only there to send, is told apart. */
#include <dirent.h>
#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "bench_time.h"

#define MOST 8
#define RATE 20000
#define SECONDS 10
#define EACH ((uint32_t)RATE * SECONDS)
#define BATCH 64
#define TASKS 128

/* The doubles' own queues are as long as 100 ms need, for a machine that has
 * other things to do; those here have their defaults. */
static const struct vendor {
	const char *name, *receiver, *sender, *set;
} vendors[] = {
	{ "kvaser", "0", "1", "set kvaser_queue 8192" },
	{ "pcan", "PCAN_USBBUS1", "PCAN_USBBUS2", NULL },
	{ "ixxat", "0,rx_fifo_size=8192", "1", NULL },
	{ "vector", "0", "1", NULL },
	{ "nican", "CAN0,read_queue=8192", "CAN1", NULL },
	{ "iscan", "0", "1", "set iscan_queue 8192" },
	{ "usb2can", "ED000001", "ED000002", "set usb2can_queue 8192" },
	{ "systec", "0,rx_buffer_entries=8192", "1", NULL },
	{ "neovi", "HSCAN,serial=AB0001,receive_own_messages=false",
	    "HSCAN,serial=123456,receive_own_messages=false", NULL }
};

static struct adapter {
	const struct vendor *vendor;
	struct evcan_bus *bus, *from;
	uint32_t sent;
	uint32_t next;               /* the number that is due */
	uint64_t got, wrong;         /* wrong: twice, or before its turn */
	double cpu_ns;               /* of its threads, without those that send */
} adapters[MOST];

/* How they are sent. */
static const struct pass {
	const char *name;
	int64_t pause_ns;
} passes[] = { { "by20", BENCH_MS }, { "single", BENCH_S / RATE } };

static const struct pass *pass;
static size_t n_adapters;
static struct event_base *base;
static uint64_t total;

/* Threads: which there are, which are new, and what they used */

struct task {
	int id;
	size_t owner;                /* an adapter, or NOBODY */
	double cpu_ns;               /* at the start */
};

#define NOBODY MOST

static struct task tasks[TASKS];
static size_t n_tasks;

/* Those not known yet get this owner. */
static void
find_tasks(size_t owner)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;

	bench_require(dir != NULL, "no /proc/self/task");
	while ((entry = readdir(dir)) != NULL) {
		const int id = atoi(entry->d_name);
		size_t i = 0;

		while (i < n_tasks && tasks[i].id != id)
			i++;
		if (id == 0 || i < n_tasks)
			continue;
		bench_require(n_tasks < TASKS, "too many threads");
		tasks[n_tasks++] = (struct task){ id, owner, 0 };
	}
	closedir(dir);
}

/* Nanoseconds on a processor; 0: it has ended. */
static double
task_cpu(int id)
{
	char path[64];
	double ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", id);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%lf", &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

static void
charge_tasks(void)
{
	for (size_t i = 0; i < n_tasks; i++) {
		const double used = task_cpu(tasks[i].id) - tasks[i].cpu_ns;

		if (tasks[i].owner != NOBODY && used > 0)
			adapters[tasks[i].owner].cpu_ns += used;
	}
}

/* Buses */

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct adapter *adapter = arg;
	uint32_t number;

	(void)bus;
	for (size_t i = 0; i < n; i++) {
		if (frames[i].flags & EVCAN_FRAME_ERR)
			continue;
		memcpy(&number, frames[i].data, sizeof(number));
		if (number < adapter->next || number >= EACH) {
			adapter->wrong++;
			continue;
		}
		adapter->next = number + 1;
		adapter->got++;
		total++;
	}
	if (total == (uint64_t)EACH * n_adapters)
		event_base_loopbreak(base);
}

static void
on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_base_loopbreak(base);
}

/* @return NULL: no such double, or it does not open; why is told */
static struct evcan_bus *
open_bus(struct event_base *loop, const struct vendor *vendor,
    const char *channel, const char *library)
{
	struct evcan_error err = { .code = 0 };
	struct evcan_bus *bus;
	char spec[1000];
	int r = -1;

	snprintf(spec, sizeof(spec), "%s:%s,ignore_config=true,reopen=false,"
	    "bitrate=1000000,library=%s", vendor->name, channel, library);
	bus = evcan_bus_new_spec(loop, spec, &err);
	if (bus != NULL)
		r = evcan_bus_open(bus, &err);
	while (r == 0 && loop != NULL && !evcan_bus_is_open(bus)) {
		event_base_loop(loop, EVLOOP_ONCE);
		r = evcan_bus_error(bus)->code;
	}
	if (r == 0)
		return bus;
	fprintf(stderr, "%s is left out: %s\n", vendor->name,
	    bus != NULL && err.code == 0 ? evcan_bus_error(bus)->text :
	    err.text);
	evcan_bus_free(bus);
	return NULL;
}

static void
set_up_double(const char *library, const char *command)
{
	void (*control)(const char *command);
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	if (handle == NULL || command == NULL)
		return;
	*(void **)&control = dlsym(handle, "evcan_double_control");
	if (control != NULL)
		control(command);
}

static void
open_adapter(const struct vendor *vendor)
{
	struct adapter *adapter = &adapters[n_adapters];
	const char *folder = getenv("EVCAN_DOUBLES");
	char library[600];

	snprintf(library, sizeof(library), "%s/%s_double.so",
	    folder != NULL ? folder : "tests/doubles/.libs", vendor->name);
	set_up_double(library, vendor->set);
	find_tasks(NOBODY);
	adapter->vendor = vendor;
	adapter->bus = open_bus(base, vendor, vendor->receiver, library);
	if (adapter->bus == NULL)
		return;
	evcan_bus_set_cb(adapter->bus, on_frames, NULL, adapter);
	find_tasks(n_adapters);
	adapter->from = open_bus(NULL, vendor, vendor->sender, library);
	find_tasks(NOBODY);
	if (adapter->from != NULL)
		n_adapters++;
	else
		evcan_bus_free(adapter->bus);
}

/* The thread that sends on all of them */

static void
send_due(struct adapter *adapter, uint32_t due)
{
	struct evcan_frame row[BATCH];
	int n = 0;

	/* Who comes late does not send it all at once: no bus could. */
	for (; n < BATCH && adapter->sent + (uint32_t)n < due; n++) {
		const uint32_t number[2] = { adapter->sent + (uint32_t)n, 0 };

		evcan_frame_init(&row[n], 0x123, 0, number, 8);
	}
	n = n > 0 ? evcan_bus_send(adapter->from, row, (size_t)n) : 0;
	bench_require(n >= 0 || n == EVCAN_ERR_FULL,
	    evcan_bus_error(adapter->from)->text);
	adapter->sent += n > 0 ? (uint32_t)n : 0;
	evcan_bus_process(adapter->from);
}

static _Atomic bool ended;

/* Buses are processed until all is over: what they hold must go out. */
static void *
run_sender(void *arg)
{
	const int64_t start = bench_clock(CLOCK_MONOTONIC);
	int64_t next = start;

	/* Sleeps are to end in time. */
	prctl(PR_SET_TIMERSLACK, 1ul);
	while (!ended) {
		const int64_t ns = bench_clock(CLOCK_MONOTONIC) - start;
		const int64_t due = ns / (BENCH_S / RATE);
		struct timespec at;

		for (size_t i = 0; i < n_adapters; i++)
			send_due(&adapters[i],
			    due < EACH ? (uint32_t)due : EACH);
		next += pass->pause_ns;
		if (next < start + ns)
			next = start + ns;
		at = (struct timespec){ next / BENCH_S, next % BENCH_S };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
	return arg;
}

/* The measurement */

struct result {
	double seconds, loop_cpu, all_cpu, wakeups;
};

static double
sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (double)usage.ru_nvcsw;
}

static void
start_round(void)
{
	total = 0;
	ended = false;
	for (size_t i = 0; i < n_adapters; i++) {
		struct adapter *a = &adapters[i];

		a->sent = a->next = 0;
		a->got = a->wrong = 0;
		a->cpu_ns = 0;
	}
	for (size_t i = 0; i < n_tasks; i++)
		tasks[i].cpu_ns = task_cpu(tasks[i].id);
}

/* Up to the last frame, or three times as long as it should take. */
static void
run_loop(void)
{
	const struct timeval most = { 3 * SECONDS, 0 };
	struct event *timer = event_new(base, -1, 0, on_end, NULL);

	bench_require(timer != NULL && event_add(timer, &most) == 0,
	    "no timer");
	event_base_dispatch(base);
	event_free(timer);
}

static struct result
measure(void)
{
	struct result r;
	pthread_t thread;

	start_round();
	r.seconds = -evcan_bench_now() / 1e9;
	r.loop_cpu = -evcan_bench_cpu();
	r.all_cpu = -(double)bench_clock(CLOCK_PROCESS_CPUTIME_ID);
	r.wakeups = -sleeps();
	bench_require(pthread_create(&thread, NULL, run_sender, NULL) == 0,
	    "no thread");
	run_loop();
	r.seconds += evcan_bench_now() / 1e9;
	r.loop_cpu += evcan_bench_cpu();
	r.all_cpu += (double)bench_clock(CLOCK_PROCESS_CPUTIME_ID);
	r.wakeups += sleeps();
	charge_tasks();
	ended = true;
	pthread_join(thread, NULL);
	return r;
}

static void
row(const char *what, const char *unit, double value)
{
	char name[100];

	snprintf(name, sizeof(name), "adapters_%zu_%s_%s", n_adapters,
	    pass->name, what);
	evcan_bench_row(name, unit, value, 0, NULL, 0);
}

static void
print(const struct result *result, uint64_t lost)
{
	const double percent = result->seconds * 1e7;
	double threads = 0;
	char name[64];

	for (size_t i = 0; i < n_adapters; i++)
		threads += adapters[i].cpu_ns;
	row("frames", "frames/s", (double)total / result->seconds);
	row("lost", "frames", (double)lost);
	row("loop", "% of core", result->loop_cpu / percent);
	row("loop_frame", "ns", result->loop_cpu / (double)total);
	row("threads", "% of core", threads / percent);
	row("senders", "% of core",
	    (result->all_cpu - threads - result->loop_cpu) / percent);
	row("wakeups", "a second", result->wakeups / result->seconds);
	row("wakeups_frame", "per 1000",
	    result->wakeups * 1e3 / (double)total);
	for (size_t i = 0; i < n_adapters; i++) {
		snprintf(name, sizeof(name), "thread_%s",
		    adapters[i].vendor->name);
		row(name, "% of core", adapters[i].cpu_ns / percent);
	}
}

/* With who lost them: the device, or the queue to the loop. */
static uint64_t
count_lost(void)
{
	struct evcan_bus_stats stats;
	uint64_t lost = 0;

	for (size_t i = 0; i < n_adapters; i++) {
		const struct adapter *a = &adapters[i];
		const uint64_t missing = EACH - a->got;

		if (missing + a->wrong == 0)
			continue;
		evcan_bus_get_stats(a->bus, &stats);
		fprintf(stderr, "%s: %llu missing, %llu wrong, %u sent, %llu "
		    "lost by the device, %llu here; %s\n", a->vendor->name,
		    (unsigned long long)missing, (unsigned long long)a->wrong,
		    (unsigned)a->sent, (unsigned long long)stats.lost_device,
		    (unsigned long long)stats.lost_queue,
		    evcan_bus_error(a->bus)->text);
		lost += missing + a->wrong;
	}
	return lost;
}

/* @return frames lost */
static uint64_t
run_pass(void)
{
	const struct result result = measure();
	const uint64_t lost = count_lost();

	print(&result, lost);
	return lost;
}

int
main(void)
{
	uint64_t lost = 0;

	base = event_base_new();
	bench_require(base != NULL, "no loop");
	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]) &&
	    n_adapters < MOST; i++)
		open_adapter(&vendors[i]);
	bench_require(n_adapters > 0, "no doubles: EVCAN_DOUBLES names their "
	    "folder");
	evcan_bench_head();
	for (pass = passes; pass < passes + 2; pass++)
		lost += run_pass();
	for (size_t i = 0; i < n_adapters; i++) {
		evcan_bus_free(adapters[i].from);
		evcan_bus_free(adapters[i].bus);
	}
	event_base_free(base);
	bench_require(lost == 0, "frames are missing");
	return 0;
}

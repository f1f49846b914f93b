/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_time.h - when frames came, how late they were, and the
 * peers' figures */
#ifndef EVCAN_BENCH_TIME_H
#define EVCAN_BENCH_TIME_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <evcan/bus.h>
#include <evcan/error.h>
#include <evcan/frame.h>

#include "bench.h"

#define BENCH_MS INT64_C(1000000)
#define BENCH_S INT64_C(1000000000)

static inline void
bench_require(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "not measured: %s\n", what);
	exit(1);
}

static inline int64_t
bench_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * BENCH_S + ts.tv_nsec;
}

/* What the host stamps of the virtual bus are ahead of CLOCK_MONOTONIC:
 * the one of many readings that was disturbed least. */
static inline int64_t
bench_unix_offset(void)
{
	int64_t best = INT64_MAX, offset = 0;

	for (int i = 0; i < 200; i++) {
		const int64_t a = bench_clock(CLOCK_MONOTONIC);
		const int64_t unix_ns = bench_clock(CLOCK_REALTIME);
		const int64_t b = bench_clock(CLOCK_MONOTONIC);

		if (b - a >= best)
			continue;
		best = b - a;
		offset = unix_ns - (a + b) / 2;
	}
	return offset;
}

/* Delays, counted in classes of 0.1 us up to 50 ms. */

#define BENCH_CLASS_NS 100
#define BENCH_CLASSES 500000

struct bench_delays {
	uint32_t classes[BENCH_CLASSES];
	uint64_t count;
	int64_t worst_ns;
};

static inline void
bench_delays_add(struct bench_delays *delays, int64_t ns)
{
	const int64_t at = ns < 0 ? 0 : ns / BENCH_CLASS_NS;

	delays->classes[at < BENCH_CLASSES ? at : BENCH_CLASSES - 1]++;
	delays->count++;
	if (ns > delays->worst_ns)
		delays->worst_ns = ns;
}

/* What this part of them did not exceed, in us. */
static inline double
bench_delays_part(const struct bench_delays *delays, double part)
{
	uint64_t left = (uint64_t)((double)delays->count * part);
	size_t at = 0;

	while (at < BENCH_CLASSES - 1 && delays->classes[at] <= left)
		left -= delays->classes[at++];
	return at == BENCH_CLASSES - 1 ? (double)delays->worst_ns / 1e3 :
	    (double)(at + 1) * BENCH_CLASS_NS / 1e3;
}

/* Three rows: p50, p99 and the worst. A peer's are in us too. */
static inline void
bench_delays_rows(const char *what, const struct bench_delays *ours,
    const double *peer, const char *peer_name)
{
	const double figures[] = {
		bench_delays_part(ours, 0.5), bench_delays_part(ours, 0.99),
		(double)ours->worst_ns / 1e3
	};
	const char *const names[] = { "p50", "p99", "max" };
	char name[64];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s_%s", what, names[i]);
		evcan_bench_row(name, "us", figures[i], peer[i],
		    peer[i] > 0 ? peer_name : NULL, 0);
	}
}

/* Buses */

static inline struct evcan_bus *
bench_bus(struct event_base *base)
{
	struct evcan_error err = { .code = 0 };
	/* The queue takes what comes in many milliseconds, so that nobody
	 * waits for the witness when others hold it up. */
	struct evcan_bus *bus = evcan_bus_new_spec(base,
	    "virtual:bench,ignore_config=true,rx_queue_size=262144", &err);

	bench_require(bus != NULL && evcan_bus_open(bus, &err) == 0,
	    err.text);
	return bus;
}

/*
 * A second bus of the channel in another thread, which sees each frame, and
 * the monotonic time of its stamp: when the sender's driver had it. It looks
 * each millisecond instead of sleeping until it is woken: to wake another
 * processor costs the sender more than all it has to do for a frame.
 */
struct bench_witness {
	void (*seen)(const struct evcan_frame *frame, int64_t at_ns);
	uint64_t got;
	double cpu_ns;             /* what its thread used */
	pthread_t thread;
	pthread_barrier_t ready;
	int64_t offset_ns;
	atomic_bool end;
};

/* Sees what there is. */
static inline void
bench_witness_look_(struct bench_witness *witness, struct evcan_bus *bus)
{
	struct evcan_frame frames[256];
	int n;

	evcan_bus_process(bus);
	while ((n = evcan_bus_recv(bus, frames, 256)) > 0) {
		witness->got += (uint64_t)n;
		for (int i = 0; i < n; i++)
			witness->seen(&frames[i],
			    frames[i].time_ns - witness->offset_ns);
	}
}

static inline void *
bench_witness_run_(void *arg)
{
	const struct timespec pause = { 0, BENCH_MS };
	struct bench_witness *witness = arg;
	struct evcan_bus *bus = bench_bus(NULL);
	struct evcan_bus_stats stats;

	pthread_barrier_wait(&witness->ready);
	while (!witness->end) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		bench_witness_look_(witness, bus);
	}
	bench_witness_look_(witness, bus);
	evcan_bus_get_stats(bus, &stats);
	bench_require(stats.lost_queue == 0, "the witness lost frames");
	evcan_bus_free(bus);
	witness->cpu_ns = evcan_bench_cpu();
	return NULL;
}

static inline void
bench_witness_start(struct bench_witness *witness)
{
	witness->got = 0;
	witness->end = false;
	witness->offset_ns = bench_unix_offset();
	pthread_barrier_init(&witness->ready, NULL, 2);
	bench_require(pthread_create(&witness->thread, NULL,
	    bench_witness_run_, witness) == 0, "no thread");
	pthread_barrier_wait(&witness->ready);
}

/* Once it has seen all that was sent. */
static inline void
bench_witness_end(struct bench_witness *witness)
{
	int64_t moved;

	witness->end = true;
	pthread_join(witness->thread, NULL);
	pthread_barrier_destroy(&witness->ready);
	moved = bench_unix_offset() - witness->offset_ns;
	bench_require(moved < 20000 && moved > -20000,
	    "the system's clock was set meanwhile");
}

/* Peers */

/* Starts a script of this directory; figures are read later. */
__attribute__((format(printf, 2, 3)))
static inline FILE *
bench_peer_start(const char *script, const char *format, ...)
{
	const char *const dir = getenv("top_srcdir");
	char arguments[300], command[1000];
	va_list ap;

	va_start(ap, format);
	vsnprintf(arguments, sizeof(arguments), format, ap);
	va_end(ap);
	snprintf(command, sizeof(command),
	    "exec ${EVCAN_PYTHON:-/usr/bin/python3} '%s/tests/bench/%s' %s",
	    dir != NULL ? dir : ".", script, arguments);
	fflush(stdout);
	return popen(command, "r");
}

/* Its figures, 0 for those that it did not print: no python-can there. */
static inline void
bench_peer_end(FILE *p, double *figures, size_t n)
{
	size_t got = 0;

	memset(figures, 0, n * sizeof(*figures));
	if (p == NULL)
		return;
	while (got < n && fscanf(p, "%lf", &figures[got]) == 1)
		got++;
	pclose(p);
}

#endif

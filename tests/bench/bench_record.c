/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_record.c - a full bus recorded in each format, and the loop's pauses */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include <evcan/bus.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/notifier.h>
#include <evcan/options.h>

#include "bench.h"
#include "bench_frames.h"

/*
 * One loop sends 500 frames each millisecond on a virtual bus, receives them
 * from another and records them. A pause is the time from one turn of the
 * loop to the next, less what the timer waits: anything that holds the loop
 * shows. Not one frame may be missing, or the loss must be counted: frames
 * in the file + dropped + unfit = frames sent. The first row records nothing:
 * its pauses are the machine's.
 */

#define EACH 500
#define PERIOD_US 1000
#define SECONDS 10
#define TICKS (SECONDS * 1000000 / PERIOD_US)
#define FRAMES 50000   /* different ones, sent over and over */

static char dir[] = "/tmp/evcan-bench-XXXXXX";
static struct evcan_frame frames[FRAMES];

struct rig {
	struct event_base *base;
	struct event *timer;
	struct evcan_bus *from, *to;
	struct evcan_notifier *notifier;
	struct evcan_listener *listener;
	struct evcan_log_writer *writer;   /* NULL: nothing is recorded */
	double late[TICKS];    /* us */
	double due;            /* ns, of the next tick */
	unsigned ticks;
	uint64_t sent;
	bool closed;
	bool stalls;           /* nobody reads: dropping is right */
};

static void
require(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_record: %s\n", what);
	exit(1);
}

static void
on_closed(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct rig *rig = arg;

	(void)writer;
	require(err == NULL || rig->stalls, err != NULL ? err->text : "");
	rig->closed = true;
	event_base_loopbreak(rig->base);
}

static void
on_nothing(struct evcan_bus *bus, const struct evcan_frame *row, size_t n,
    void *arg)
{
	(void)bus;
	(void)row;
	(void)n;
	(void)arg;
}

static void
arm(struct rig *rig)
{
	const double now = evcan_bench_now();
	const double left = rig->due > now ? (rig->due - now) / 1e3 : 0;
	const struct timeval tv = { 0, (suseconds_t)left };

	event_add(rig->timer, &tv);
}

static void
send_all(struct rig *rig)
{
	size_t at = rig->sent % FRAMES, left = EACH;

	while (left > 0) {
		const size_t n = FRAMES - at < left ? FRAMES - at : left;
		const int r = evcan_bus_send(rig->from, frames + at, n);

		require(r == (int)n, "the bus takes no more");
		rig->sent += n;
		left -= n;
		at = 0;
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct rig *rig = arg;
	const double now = evcan_bench_now();

	(void)fd;
	(void)what;
	rig->late[rig->ticks++] = (now - rig->due) / 1e3;
	send_all(rig);
	if (rig->ticks == TICKS) {
		event_base_loopbreak(rig->base);
		return;
	}
	/* After a pause it goes on from here: the same frames, later. */
	rig->due = (now > rig->due + PERIOD_US * 1e3 ? now : rig->due) +
	    PERIOD_US * 1e3;
	arm(rig);
}

static struct evcan_bus *
open_bus(struct event_base *base)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(base,
	    "virtual:record,ignore_config=true,rx_queue_size=65536,"
	    "tx_queue_size=65536", &err);

	require(bus != NULL && evcan_bus_open(bus, &err) == 0, err.text);
	return bus;
}

static void
start(struct rig *rig, const char *path, const char *format)
{
	struct event_config *config = event_config_new();
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };

	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	rig->base = event_base_new_with_config(config);
	event_config_free(config);
	rig->from = open_bus(rig->base);
	rig->to = open_bus(rig->base);
	rig->notifier = evcan_notifier_new(rig->base);
	if (format != NULL) {
		evcan_options_set(options, "format", format, NULL);
		if (rig->stalls)
			evcan_options_set(options, "close_timeout", "0.2",
			    NULL);
		rig->writer = evcan_log_writer_new(rig->base, path, options,
		    &err);
		require(rig->writer != NULL, err.text);
		rig->listener = evcan_log_writer_listener(rig->writer);
	} else {
		rig->listener = evcan_listener_new_cb(on_nothing, NULL);
	}
	evcan_options_free(options);
	rig->timer = evtimer_new(rig->base, on_tick, rig);
	require(rig->timer != NULL && evcan_notifier_add_bus(rig->notifier,
	    rig->to) == 0 && evcan_notifier_add_listener(rig->notifier,
	    rig->listener, NULL) == 0, "no notifier");
}

/* Closes the log. @return what was accepted */
static uint64_t
close_log(struct rig *rig)
{
	struct evcan_log_write_stats stats;

	require(evcan_log_writer_close(rig->writer, on_closed, rig) == 0,
	    "no close");
	while (!rig->closed)
		event_base_dispatch(rig->base);
	evcan_log_writer_get_stats(rig->writer, &stats);
	require(rig->stalls || stats.written == stats.accepted,
	    "frames are not written");
	return stats.accepted;
}

/* @return frames not recorded, all of them counted */
static uint64_t
finish(struct rig *rig)
{
	struct evcan_bus_stats bus;
	uint64_t lost;

	/* What is still on its way. */
	do {
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		evcan_bus_get_stats(rig->to, &bus);
	} while (bus.received + bus.lost_queue < rig->sent);
	evcan_notifier_stop(rig->notifier);
	lost = evcan_listener_dropped(rig->listener) + bus.lost_queue;
	if (rig->writer != NULL) {
		require(close_log(rig) + lost == rig->sent,
		    "frames are lost without a word");
		evcan_log_writer_free(rig->writer);
	} else {
		evcan_listener_free(rig->listener);
	}
	evcan_notifier_free(rig->notifier);
	evcan_bus_free(rig->from);
	evcan_bus_free(rig->to);
	event_free(rig->timer);
	event_base_free(rig->base);
	return lost;
}

/* What was accepted stands in the file. */
static uint64_t
count_frames(const char *path, const char *format)
{
	static struct evcan_frame batch[1024];
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	uint64_t n = 0;
	int r;

	evcan_options_set(options, "format", format, NULL);
	reader = evcan_log_reader_new(path, options, &err);
	require(reader != NULL, err.text);
	while ((r = evcan_log_reader_read(reader, batch, 1024)) > 0)
		n += (uint64_t)r;
	require(r == 0, evcan_log_reader_error(reader)->text);
	evcan_log_reader_free(reader);
	evcan_options_free(options);
	return n;
}

static double
cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
record(const char *name, const char *format, const char *path, bool stalls)
{
	static struct rig rig;
	double cpu = cpu_seconds();
	uint64_t lost;
	char row[64];

	memset(&rig, 0, sizeof(rig));
	rig.stalls = stalls;
	start(&rig, path, format);
	rig.due = evcan_bench_now() + PERIOD_US * 1e3;
	arm(&rig);
	event_base_dispatch(rig.base);
	cpu = cpu_seconds() - cpu;
	lost = finish(&rig);
	snprintf(row, sizeof(row), "record_%s_lost", name);
	if (format != NULL)
		evcan_bench_row(row, "frames", (double)lost, 0, NULL, 0);
	qsort(rig.late, TICKS, sizeof(double), evcan_bench_compare_);
	snprintf(row, sizeof(row), "record_%s_pause_p99_9", name);
	evcan_bench_row(row, "us", rig.late[TICKS * 999 / 1000], 0, NULL, 0);
	snprintf(row, sizeof(row), "record_%s_cpu", name);
	evcan_bench_row(row, "ns/frame", cpu * 1e9 / (double)rig.sent, 0,
	    NULL, 0);
	if (!stalls && format != NULL)
		require(count_frames(path, format) + lost == rig.sent,
		    "the file does not hold what was accepted");
}

int
main(void)
{
	const struct evcan_format *format;
	char path[200];
	int fd;

	require(mkdtemp(dir) != NULL, "no room");
	evcan_bench_frames(frames, FRAMES, false);
	record("nothing", NULL, NULL, false);
	for (size_t i = 0; (format = evcan_format_at(i)) != NULL; i++) {
		if (format->encode == NULL || format->decode == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/log%.*s", dir,
		    (int)strcspn(format->suffixes, " "), format->suffixes);
		record(format->name, format->name, path, false);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/log.asc.gz", dir);
	record("gzip", "asc", path, false);
	unlink(path);
	/* A disk that takes nothing: a FIFO that nobody empties. */
	snprintf(path, sizeof(path), "%s/stalled.log", dir);
	require(mkfifo(path, 0600) == 0, "no FIFO");
	fd = open(path, O_RDWR | O_NONBLOCK);
	record("stalled", "candump", path, true);
	close(fd);
	unlink(path);
	rmdir(dir);
	return 0;
}

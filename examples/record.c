/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.c - a notifier, a log writer, and a clean end.
 *
 *	record FILE
 *
 * One bus of a virtual channel sends, another is recorded. The writer is a
 * listener like any other; a worker thread writes, so that no disk ever
 * holds the loop. The end is in order: stop the notifier, close the writer
 * and wait for its call-back, which tells that everything is on the disk.
 */
#include <inttypes.h>
#include <stdio.h>

#include <event2/event.h>
#include <evcan/evcan.h>

enum { FRAMES = 5000 };

struct recording {
	struct event_base *base;
	struct evcan_notifier *notifier;
	struct evcan_log_writer *writer;
	unsigned seen;
	int failed;
};

static void
closed(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct recording *r = arg;
	struct evcan_log_write_stats stats;

	evcan_log_writer_get_stats(writer, &stats);
	if (err) {
		fprintf(stderr, "record: %s\n", err->text);
		r->failed = 1;
	}
	printf("recorded %" PRIu64 " frames, %" PRIu64 " bytes\n",
	    stats.written, stats.bytes);
	event_base_loopbreak(r->base);
}

/* A second listener: it decides when it is enough. */
static void
watch(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct recording *r = arg;

	(void)bus;
	(void)frames;
	r->seen += (unsigned)n;
	if (r->seen < FRAMES)
		return;
	evcan_notifier_stop(r->notifier);
	evcan_log_writer_close(r->writer, closed, r);
}

static struct evcan_bus *
open_bus(struct event_base *base, struct evcan_error *err)
{
	struct evcan_bus *bus = evcan_bus_new_spec(base,
	    "virtual:drive,tx_queue_size=8192", err);

	if (bus && evcan_bus_open(bus, err) == 0)
		return bus;
	evcan_bus_free(bus);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct recording r = { .base = event_base_new() };
	struct evcan_error err = { 0 };
	struct evcan_bus *from = open_bus(r.base, &err);
	struct evcan_bus *to = open_bus(r.base, &err);
	struct evcan_listener *watcher = evcan_listener_new_cb(watch, &r);
	struct evcan_frame frame;

	r.notifier = evcan_notifier_new(r.base);
	r.writer = evcan_log_writer_new(r.base, argc > 1 ? argv[1] :
	    "record.log", NULL, &err);
	if (!from || !to || !watcher || !r.notifier || !r.writer ||
	    evcan_notifier_add_bus(r.notifier, to) < 0 ||
	    evcan_notifier_add_listener(r.notifier,
	    evcan_log_writer_listener(r.writer), NULL) < 0 ||
	    evcan_notifier_add_listener(r.notifier, watcher, to) < 0) {
		fprintf(stderr, "record: %s\n", err.text);
		return 1;
	}
	for (unsigned i = 0; i < FRAMES; i++) {
		evcan_frame_init(&frame, i & EVCAN_MAX_STD_ID, 0, &i, 4);
		if (evcan_bus_send(from, &frame, 1) != 1)
			return 1;
	}
	event_base_dispatch(r.base);
	evcan_listener_free(watcher);
	evcan_notifier_free(r.notifier);
	evcan_log_writer_free(r.writer);
	evcan_bus_free(from);
	evcan_bus_free(to);
	event_base_free(r.base);
	return r.failed;
}

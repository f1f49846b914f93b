/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * two_loops.c - several loops in several threads, joined by one channel.
 *
 * An object belongs to one event_base and its thread; nothing is shared and
 * nothing is locked. What crosses over is a virtual channel: each thread has
 * a bus of its own on it. One sends as fast as it can, two others count.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>
#include <evcan/evcan.h>

enum { LISTENERS = 2, BATCH = 64, FRAMES = 1600 * BATCH };

struct side {
	struct event_base *base;
	struct evcan_bus *bus;
	unsigned frames, out_of_order;
};

static void
count(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct side *side = arg;

	(void)bus;
	for (size_t i = 0; i < n; i++)
		side->out_of_order += frames[i].id != side->frames + i;
	side->frames += (unsigned)n;
	if (side->frames == FRAMES)
		event_base_loopbreak(side->base);
}

/* Until the queue is full; then the writable event calls again. */
static void
fill(struct side *side)
{
	struct evcan_frame frames[BATCH];
	int n;

	do {
		unsigned left = FRAMES - side->frames;
		unsigned want = left < BATCH ? left : BATCH;

		for (unsigned i = 0; i < want; i++)
			evcan_frame_init(&frames[i], side->frames + i,
			    EVCAN_FRAME_EXT, NULL, 0);
		n = evcan_bus_send(side->bus, frames, want);
		if (n > 0)
			side->frames += (unsigned)n;
	} while (n > 0);
}

static void
sender_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct side *side = arg;

	(void)info;
	if (event == EVCAN_BUS_OPENED || event == EVCAN_BUS_WRITABLE)
		fill(side);
	/* All taken: close sends what is queued before it closes. */
	if (side->frames == FRAMES && event != EVCAN_BUS_CLOSED)
		evcan_bus_close(bus);
	if (event == EVCAN_BUS_CLOSED)
		event_base_loopbreak(side->base);
}

static void *
run_loop(void *arg)
{
	event_base_dispatch(((struct side *)arg)->base);
	return NULL;
}

static void
make(struct side *side)
{
	struct evcan_error err = { 0 };

	side->base = event_base_new();
	side->bus = evcan_bus_new_spec(side->base, "virtual:between", &err);
	if (!side->bus || evcan_bus_open(side->bus, &err) < 0) {
		fprintf(stderr, "two_loops: %s\n", err.text);
		exit(1);
	}
}

int
main(void)
{
	struct side sides[LISTENERS + 1] = { { 0 } };
	pthread_t threads[LISTENERS + 1];
	int bad = 0;

	for (int i = 0; i <= LISTENERS; i++)
		make(&sides[i]);
	evcan_bus_set_cb(sides[0].bus, NULL, sender_event, &sides[0]);
	for (int i = 1; i <= LISTENERS; i++)
		evcan_bus_set_cb(sides[i].bus, count, NULL, &sides[i]);
	for (int i = 0; i <= LISTENERS; i++)
		pthread_create(&threads[i], NULL, run_loop, &sides[i]);
	for (int i = 0; i <= LISTENERS; i++) {
		pthread_join(threads[i], NULL);
		printf("%s %u, out of order %u\n", i ? "received" : "sent",
		    sides[i].frames, sides[i].out_of_order);
		bad += sides[i].frames != FRAMES || sides[i].out_of_order;
	}
	for (int i = 0; i <= LISTENERS; i++) {
		evcan_bus_free(sides[i].bus);
		event_base_free(sides[i].base);
	}
	return bad ? 1 : 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * safe_bus.c - one bus, used from several threads.
 *
 * python-can's ThreadSafeBus: one thread sends, one receives on the same
 * bus, and the main thread starts a periodic task on it, changes its data
 * and stops it. A second bus answers each frame.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <evcan/evcan.h>

#define FRAMES 10000

struct tally {
	struct evcan_safe_bus *bus;
	unsigned answers, out_of_order, periodic;
};

static struct evcan_safe_bus *
open_bus(const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_safe_bus *bus;

	/* What is wrong with the spec is told by the outer one, too. */
	bus = evcan_safe_bus_open(evcan_bus_new_spec(NULL, spec, &err), 0,
	    &err);
	if (!bus)
		fprintf(stderr, "safe_bus: %s\n", err.text);
	return bus;
}

static void *
send_frames(void *arg)
{
	struct evcan_frame frame;

	for (unsigned i = 0; i < FRAMES; i++) {
		evcan_frame_init(&frame, 0x100, 0, &i, sizeof(i));
		if (evcan_safe_bus_send(arg, &frame, -1) < 0)
			break;
	}
	return NULL;
}

/* Until the bus is closed. */
static void *
answer(void *arg)
{
	struct evcan_frame frames[64];
	int n;

	while ((n = evcan_safe_bus_recv(arg, frames, 64, -1, NULL)) > 0) {
		for (int i = 0; i < n; i++) {
			frames[i].id++;
			evcan_safe_bus_send(arg, &frames[i], 1000);
		}
	}
	return NULL;
}

static void *
count_answers(void *arg)
{
	struct tally *tally = arg;
	struct evcan_frame frame;
	unsigned number;

	while (tally->answers < FRAMES || tally->periodic < 10) {
		if (evcan_safe_bus_recv(tally->bus, &frame, 1, 5000,
		    NULL) <= 0)
			break;
		if (frame.id != 0x101) {
			tally->periodic++;
			continue;
		}
		memcpy(&number, frame.data, sizeof(number));
		tally->out_of_order += number != tally->answers++;
	}
	return NULL;
}

int
main(void)
{
	struct evcan_safe_bus *here = open_bus("virtual:safe");
	struct evcan_safe_bus *there = open_bus("virtual:safe");
	struct tally tally = { .bus = here };
	struct evcan_cyclic *task;
	struct evcan_frame frame;
	pthread_t sender, receiver, answerer;

	if (!here || !there)
		return 1;
	pthread_create(&answerer, NULL, answer, there);
	pthread_create(&receiver, NULL, count_answers, &tally);
	pthread_create(&sender, NULL, send_frames, here);

	/* All that is not sending and receiving: between lock and unlock. */
	evcan_frame_init(&frame, 0x200, 0, "\1", 1);
	task = evcan_bus_send_periodic(evcan_safe_bus_lock(here), &frame, 1,
	    5000000, 0, NULL);
	frame.data[0] = 2;
	if (task)
		evcan_cyclic_modify(task, &frame, 1, NULL);
	evcan_safe_bus_unlock(here);

	pthread_join(sender, NULL);
	pthread_join(receiver, NULL);
	evcan_safe_bus_close(there);     /* ends who waits there */
	pthread_join(answerer, NULL);
	printf("%u answers, out of order %u, periodic %s\n", tally.answers,
	    tally.out_of_order, tally.periodic >= 10 ? "too" : "missing");
	evcan_safe_bus_free(here);
	evcan_safe_bus_free(there);
	return tally.answers == FRAMES && tally.out_of_order == 0 ? 0 : 1;
}

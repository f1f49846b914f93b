/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * poll_loop.c - evcan without libevent: plain poll(2), and blocking calls.
 *
 * A bus made without an event_base is one fd, the same for its whole life,
 * and one deadline; with evcan_bus_process() they fit into any loop. Its
 * recv and send may also wait, with a timeout, as python-can's do.
 *
 * One bus of a virtual channel asks, the other one answers from its loop.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include <evcan/evcan.h>

enum { ROUNDS = 100, TIMEOUT_MS = 5000 };

static struct evcan_bus *
open_bus(const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(NULL, spec, &err);

	if (bus && evcan_bus_open(bus, &err) == 0)
		return bus;
	fprintf(stderr, "poll_loop: %s\n", err.text);
	evcan_bus_free(bus);
	return NULL;
}

/* The loop of another program could stand here: GLib's, Qt's, anybody's. */
static void *
answer(void *arg)
{
	struct evcan_bus *bus = arg;
	struct pollfd in = { .fd = evcan_bus_fd(bus), .events = POLLIN };
	struct evcan_frame frames[16];
	int n, answered = 0;

	while (answered < ROUNDS) {
		if (poll(&in, 1, evcan_bus_timeout(bus)) < 0)
			break;
		evcan_bus_process(bus);
		while ((n = evcan_bus_recv(bus, frames, 16)) > 0) {
			for (int i = 0; i < n; i++)
				frames[i].id += 8;
			answered += n;
			if (evcan_bus_send(bus, frames, (size_t)n) != n)
				return NULL;
		}
	}
	return NULL;
}

/* One question, one answer: simple code may simply wait. */
static int
ask(struct evcan_bus *bus, int round)
{
	unsigned char data[2] = { 0x01, (unsigned char)round };
	struct evcan_frame question, reply;

	evcan_frame_init(&question, 0x7e0, 0, data, sizeof(data));
	if (evcan_bus_send_wait(bus, &question, TIMEOUT_MS) < 0)
		return 0;
	if (evcan_bus_recv_wait(bus, &reply, 1, TIMEOUT_MS) != 1)
		return 0;
	return reply.id == 0x7e8 && reply.data[1] == round;
}

int
main(void)
{
	struct evcan_bus *tester = open_bus("virtual:diagnosis");
	struct evcan_bus *unit = open_bus("virtual:diagnosis");
	struct evcan_frame frame;
	pthread_t thread;
	int right = 0;

	if (!tester || !unit ||
	    pthread_create(&thread, NULL, answer, unit) != 0)
		return 1;
	while (right < ROUNDS && ask(tester, right))
		right++;
	pthread_join(thread, NULL);
	/* Nothing more comes: this waits its 10 ms and gives 0. */
	if (evcan_bus_recv_wait(tester, &frame, 1, 10) != 0)
		right = 0;
	printf("%d answers of %d\n", right, ROUNDS);
	evcan_bus_free(tester);
	evcan_bus_free(unit);
	return right == ROUNDS ? 0 : 1;
}

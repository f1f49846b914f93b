/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * send_outcome.c - sending: flow control, and what became of each frame.
 *
 *	send_outcome [BUS]
 *
 * Sending never blocks. evcan_bus_send_cb() queues one frame and tells its
 * outcome, once: sent (seen on the bus, with its time), accepted (where the
 * device tells no more), or why not. When the queue is full, the writable
 * event says that there is room again: nothing is dropped meanwhile.
 */
#include <inttypes.h>
#include <stdio.h>

#include <event2/event.h>
#include <evcan/evcan.h>

enum { FRAMES = 10000, TIMEOUT_MS = 5000 };

struct job {
	struct event_base *base;
	struct evcan_bus *bus;
	unsigned queued, sent, accepted, failed, pauses;
};

static void
outcome(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	struct job *job = arg;

	(void)bus;
	job->sent += result == EVCAN_SENT;
	job->accepted += result == EVCAN_ACCEPTED;
	job->failed += result < 0;
	if (result < 0)
		fprintf(stderr, "frame %" PRIX32 ": %s\n", frame->id,
		    evcan_error_name(result));
	if (job->sent + job->accepted + job->failed == FRAMES)
		event_base_loopbreak(job->base);
}

static void
send_more(struct job *job)
{
	struct evcan_frame frame;
	int rc;

	while (job->queued < FRAMES) {
		evcan_frame_init(&frame, job->queued, EVCAN_FRAME_EXT,
		    "evcan", 5);
		rc = evcan_bus_send_cb(job->bus, &frame, TIMEOUT_MS, outcome,
		    job);
		if (rc == EVCAN_ERR_FULL) {
			job->pauses++;
			return;         /* EVCAN_BUS_WRITABLE follows */
		}
		if (rc < 0) {
			fprintf(stderr, "send_outcome: %s\n",
			    evcan_bus_error(job->bus)->text);
			event_base_loopbreak(job->base);
			return;
		}
		job->queued++;
	}
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event what,
    const struct evcan_bus_info *info, void *arg)
{
	struct job *job = arg;

	if (job && bus == job->bus &&
	    (what == EVCAN_BUS_OPENED || what == EVCAN_BUS_WRITABLE))
		send_more(job);
	else if (what == EVCAN_BUS_ERROR)
		fprintf(stderr, "send_outcome: %s\n", info->error->text);
}

static struct evcan_bus *
open_bus(struct event_base *base, const char *spec,
    evcan_bus_event_cb event_cb, void *arg)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(base, spec, &err);

	if (bus && evcan_bus_set_cb(bus, NULL, event_cb, arg) == 0 &&
	    evcan_bus_open(bus, &err) == 0)
		return bus;
	fprintf(stderr, "send_outcome: %s\n", err.text);
	evcan_bus_free(bus);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct job job = { .base = event_base_new() };
	struct evcan_bus *other = NULL;

	/* Somebody who keeps few frames, so that now and then we wait. */
	if (argc < 2)
		other = open_bus(job.base, "virtual:outcome,rx_queue_size=64",
		    on_event, NULL);
	job.bus = open_bus(job.base, argc > 1 ? argv[1] :
	    "virtual:outcome,tx_queue_size=100", on_event, &job);
	if (!job.bus)
		return 1;
	event_base_dispatch(job.base);
	printf("sent %u, accepted %u, failed %u, paused %u times\n",
	    job.sent, job.accepted, job.failed, job.pauses);
	evcan_bus_free(job.bus);
	evcan_bus_free(other);
	event_base_free(job.base);
	return job.sent + job.accepted == FRAMES ? 0 : 1;
}

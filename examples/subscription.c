/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * subscription.c - told when an identifier's data changes or stops.
 *
 * Another program sends a door's state every 10 ms: byte 0 has the lock in
 * its lowest bit, byte 1 counts. The subscription looks at that bit only, so
 * of a hundred frames it tells the few that matter, and that the door fell
 * silent. On SocketCAN the kernel does this and the program sleeps meanwhile.
 */
#include <stdio.h>

#include <event2/event.h>

#include <evcan/evcan.h>

#define DOOR 0x2a0
#define FRAMES 100

struct app {
	struct event_base *base;
	struct evcan_bus *door;        /* the other program's */
	struct event *tick;
	int sent;
};

static void
send_state(evutil_socket_t fd, short what, void *arg)
{
	struct app *app = arg;
	struct evcan_frame frame;
	/* Locked, open while 30 <= sent < 60, and locked again. */
	uint8_t data[2] = { app->sent < 30 || app->sent >= 60,
		(uint8_t)app->sent };

	(void)fd;
	(void)what;
	evcan_frame_init(&frame, DOOR, 0, data, sizeof(data));
	evcan_bus_send(app->door, &frame, 1);
	if (++app->sent == FRAMES)
		event_del(app->tick);
}

static void
on_door(struct evcan_subscription *sub, enum evcan_subscription_event event,
    const struct evcan_frame *frame, void *arg)
{
	struct evcan_subscription_stats stats;
	struct app *app = arg;

	if (event == EVCAN_SUBSCRIPTION_CHANGED) {
		printf("the door is %s\n", frame->data[0] & 1 ? "locked" :
		    "open");
		return;
	}
	evcan_subscription_get_stats(sub, &stats);
	printf("silent after %d frames, %d told\n", app->sent,
	    (int)stats.told);
	event_base_loopbreak(app->base);
}

static struct evcan_bus *
open_bus(struct event_base *base, const char *spec, struct evcan_error *err)
{
	struct evcan_bus *bus = evcan_bus_new_spec(base, spec, err);

	if (bus && evcan_bus_open(bus, err) == 0)
		return bus;
	evcan_bus_free(bus);
	return NULL;
}

int
main(int argc, char **argv)
{
	const char *spec = argc > 1 ? argv[1] : "virtual:subscription";
	struct evcan_subscription_config config = {
		.id = DOOR,
		.mask = { 0x01 },
		.timeout_ns = 500000000,
		.from_start = true
	};
	struct timeval period = { 0, 10000 };
	struct evcan_subscription *sub = NULL;
	struct evcan_notifier *notifier;
	struct evcan_error err = { 0 };
	struct app app = { .base = event_base_new() };
	struct evcan_bus *bus = open_bus(app.base, spec, &err);

	app.door = open_bus(app.base, spec, &err);
	notifier = evcan_notifier_new(app.base);
	if (bus && app.door && notifier &&
	    evcan_notifier_add_bus(notifier, bus) == 0)
		sub = evcan_subscription_new(notifier, bus, &config, on_door,
		    &app, &err);
	app.tick = event_new(app.base, -1, EV_PERSIST, send_state, &app);
	if (sub) {
		event_add(app.tick, &period);
		event_base_dispatch(app.base);
	} else {
		fprintf(stderr, "subscription: %s\n", err.text);
	}
	event_free(app.tick);
	evcan_subscription_free(sub);
	evcan_notifier_free(notifier);
	evcan_bus_free(app.door);
	evcan_bus_free(bus);
	event_base_free(app.base);
	return sub ? 0 : 1;
}

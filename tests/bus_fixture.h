/* SPDX-License-Identifier: BSD-3-Clause */
/* bus_fixture.h - what tests of buses share; behind cmocka.h */
#ifndef BUS_FIXTURE_H
#define BUS_FIXTURE_H

#include <event2/event.h>

#include <evcan/evcan.h>

/* A bus of that spec, open. */
static inline struct evcan_bus *
open_bus(struct event_base *base, const char *spec)
{
	struct evcan_error err = { .code = 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(base, spec, &err);

	if (bus == NULL || evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	return bus;
}

/* One pass of the loop: with EVLOOP_NONBLOCK alone it would go on while there
 * is anything to do. */
static inline void
turn(struct event_base *base)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

#endif

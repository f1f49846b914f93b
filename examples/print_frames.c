/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * print_frames.c - prints every frame of a bus: the program of README.md.
 *
 *	print_frames socketcan:can0
 *
 * The bus is told by a spec string; without one, can.conf and CAN_* choose.
 * Everything happens in call-backs on the event_base, which here is the
 * program's only one; in a larger program it would be the one it has.
 */
#include <stdio.h>

#include <event2/event.h>
#include <evcan/evcan.h>

static void
print(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	char line[EVCAN_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		if (evcan_frame_print(&frames[i], line, sizeof(line)) > 0)
			fprintf(arg, "%s %s\n", evcan_bus_name(bus), line);
}

int
main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;

	bus = evcan_bus_new_spec(base, argc > 1 ? argv[1] : "", &err);
	if (!bus || evcan_bus_set_cb(bus, print, NULL, stdout) < 0 ||
	    evcan_bus_open(bus, &err) < 0) {
		fprintf(stderr, "print_frames: %s\n", err.text);
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	event_base_dispatch(base);
	evcan_bus_free(bus);
	event_base_free(base);
	return 0;
}

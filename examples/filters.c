/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters.c - choosing frames: by the bus, or by yourself.
 *
 * A bus hands its filters to the kernel or device where it can and does the
 * rest itself; a list of filters can also be compiled and asked directly.
 * Exact identifiers cost the same, however many there are.
 */
#include <stdio.h>
#include <stdlib.h>

#include <evcan/evcan.h>

static struct evcan_bus *
open_bus(struct evcan_error *err)
{
	struct evcan_bus *bus = evcan_bus_new_spec(NULL, "virtual:filters",
	    err);

	if (bus && evcan_bus_open(bus, err) == 0)
		return bus;
	evcan_bus_free(bus);
	return NULL;
}

/* Sends one frame of each standard identifier; counts what gets through. */
static int
let_through(struct evcan_bus *from, struct evcan_bus *to)
{
	struct evcan_frame frame;
	int n = 0;

	for (unsigned id = 0; id <= EVCAN_MAX_STD_ID; id++) {
		evcan_frame_init(&frame, id, 0, NULL, 0);
		if (evcan_bus_send_wait(from, &frame, 1000) < 0)
			return -1;
		evcan_bus_process(to);
		while (evcan_bus_recv(to, &frame, 1) == 1)
			n++;
	}
	return n;
}

static int
try_filters(struct evcan_bus *from, struct evcan_bus *to, const char *text,
    int expected)
{
	struct evcan_filter *list = NULL;
	struct evcan_error err = { 0 };
	int n = evcan_filter_parse(text, &list, &err);

	if (n < 0 || evcan_bus_set_filters(to, list, (size_t)n,
	    EVCAN_FILTER_OR, &err) < 0) {
		fprintf(stderr, "filters: %s\n", err.text);
		free(list);
		return 1;
	}
	free(list);
	n = let_through(from, to);
	printf("%-12s lets %4d of 2048 through\n", text, n);
	return n != expected;
}

/* Without a bus: ten thousand extended identifiers, one question. */
static int
ask_directly(void)
{
	enum { MANY = 10000 };
	struct evcan_filter *list = calloc(MANY, sizeof(*list));
	struct evcan_filters *compiled;
	struct evcan_frame in, out;
	int right;

	for (unsigned i = 0; list && i < MANY; i++)
		list[i] = (struct evcan_filter){ .can_id = i * 7,
			.can_mask = EVCAN_MAX_EXT_ID,
			.format = EVCAN_FILTER_EXT };
	compiled = list ? evcan_filters_new(list, MANY, EVCAN_FILTER_OR,
	    NULL) : NULL;
	free(list);
	if (!compiled)
		return 1;
	evcan_frame_init(&in, 7777 * 7, EVCAN_FRAME_EXT, NULL, 0);
	evcan_frame_init(&out, 7777 * 7 + 1, EVCAN_FRAME_EXT, NULL, 0);
	right = evcan_filters_match(compiled, &in) &&
	    !evcan_filters_match(compiled, &out);
	printf("10000 identifiers: %s\n", right ? "right" : "wrong");
	evcan_filters_free(compiled);
	return !right;
}

int
main(void)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *from = open_bus(&err), *to = open_bus(&err);
	int bad = 0;

	if (!from || !to) {
		fprintf(stderr, "filters: %s\n", err.text);
		return 1;
	}
	bad += try_filters(from, to, "", 2048);
	bad += try_filters(from, to, "123:7FF", 1);
	bad += try_filters(from, to, "100:700", 256);
	bad += try_filters(from, to, "100~700", 1792);
	bad += try_filters(from, to, "123:7FF,456:7FF", 2);
	bad += ask_directly();
	evcan_bus_free(from);
	evcan_bus_free(to);
	return bad ? 1 : 0;
}

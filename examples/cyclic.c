/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cyclic.c - frames that are sent again and again, without drift
 *
 * One task sends every 2 ms with a counter and a checksum that the library
 * keeps, and new data while it runs: neither its grid nor the counter notice.
 * A second one sends ten frames and ends. Prints what came of it.
 *
 *	cyclic [BUS [PEER]]
 */
#include <stdio.h>

#include <event2/event.h>
#include <evcan/evcan.h>

#define MS 1000000
#define FRAMES 100

static struct event_base *base;
static struct evcan_cyclic *task;
static unsigned heard, in_order, modified, limited;

/* data: counter, 2 bytes of our own, checksum */
static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)bus;
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *data = frames[i].data;

		if (frames[i].id == 0x200) {
			limited++;
			continue;
		}
		in_order += data[0] == heard % 256 &&
		    data[3] == (uint8_t)(data[0] ^ data[1] ^ data[2]);
		modified += data[1] == 0xaa;
		heard++;
	}
	if (heard >= FRAMES && limited >= 10)
		event_base_loopbreak(base);
}

/* The limited task is through: the other one gets new data. */
static void
on_end(struct evcan_cyclic *which, const struct evcan_error *err, void *arg)
{
	struct evcan_frame frame;

	(void)which;
	(void)arg;
	if (err != NULL)
		fprintf(stderr, "%s\n", err->text);
	evcan_frame_init(&frame, 0x100, 0, "\0\xaa\xbb\0", 4);
	evcan_cyclic_modify(task, &frame, 1, NULL);
}

static struct evcan_cyclic *
start(struct evcan_bus *bus, uint32_t id,
    const struct evcan_cyclic_config *config, struct evcan_error *err)
{
	struct evcan_frame frame;
	struct evcan_cyclic *made;

	evcan_frame_init(&frame, id, 0, "\0\1\2\0", 4);
	made = evcan_cyclic_new(bus, &frame, 1, config, err);
	if (made != NULL && evcan_cyclic_start(made, err) == 0)
		return made;
	evcan_cyclic_free(made);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct evcan_error err = { .code = 0 };
	struct evcan_bus *bus, *peer;
	struct evcan_modifier modifiers[2];
	struct evcan_cyclic_config endless = { .period_ns = 2 * MS,
	    .modifiers = modifiers, .n_modifiers = 2 };
	struct evcan_cyclic_config ten = { .period_ns = 5 * MS, .count = 10 };
	struct evcan_cyclic *other = NULL;

	base = event_base_new();
	bus = evcan_bus_new_spec(base, argc > 1 ? argv[1] :
	    "virtual:cyclic", &err);
	peer = evcan_bus_new_spec(base, argc > 2 ? argv[2] :
	    "virtual:cyclic", &err);
	if (bus != NULL && peer != NULL &&
	    evcan_modifier_parse(&modifiers[0], "counter:bit=0,width=8",
	    &err) == 0 &&
	    evcan_modifier_parse(&modifiers[1], "xor:byte=3", &err) == 0 &&
	    evcan_bus_open(bus, &err) == 0 &&
	    evcan_bus_open(peer, &err) == 0) {
		evcan_bus_set_cb(peer, on_frames, NULL, NULL);
		task = start(bus, 0x100, &endless, &err);
		other = start(bus, 0x200, &ten, &err);
	}
	if (task != NULL && other != NULL) {
		evcan_cyclic_set_cb(other, on_end, NULL);
		event_base_dispatch(base);
		printf("%u frames, %s, %s modified, and %u of 10\n", heard,
		    in_order == heard ? "in order" : "out of order",
		    modified > 0 ? "some" : "none", limited);
	}
	if (err.code != 0)
		fprintf(stderr, "%s\n", err.text);
	evcan_cyclic_free(task);
	evcan_cyclic_free(other);
	evcan_bus_free(bus);
	evcan_bus_free(peer);
	event_base_free(base);
	return err.code != 0;
}

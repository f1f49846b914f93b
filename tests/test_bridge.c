/* SPDX-License-Identifier: BSD-3-Clause */
/* test_bridge.c - frames of one bus onto another, never round in circles */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/evcan.h>

#define MAX_BUSES 8

struct world {
	struct event_base *base;
	struct evcan_notifier *notifier;
	struct evcan_bus *buses[MAX_BUSES];
	size_t n;
};

static int
setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	world.base = event_base_new();
	world.notifier = evcan_notifier_new(world.base);
	*state = &world;
	return 0;
}

static int
teardown(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < world->n; i++)
		evcan_bus_free(world->buses[i]);
	evcan_notifier_free(world->notifier);
	event_base_free(world->base);
	return 0;
}

static struct evcan_bus *
add_bus(struct world *world, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(world->base, spec, &err);

	if (bus == NULL || evcan_bus_open(bus, &err) < 0 ||
	    evcan_notifier_add_bus(world->notifier, bus) < 0)
		fail_msg("%s: %s", spec, err.text);
	world->buses[world->n++] = bus;
	return bus;
}

static struct evcan_bridge *
add_bridge(struct world *world, struct evcan_bus *from, struct evcan_bus *to)
{
	struct evcan_error err = { 0 };
	struct evcan_bridge *bridge = evcan_bridge_new(world->notifier, from,
	    to, &err);

	if (bridge == NULL)
		fail_msg("%s", err.text);
	return bridge;
}

static void
settle(struct world *world)
{
	for (int i = 0; i < 200; i++)
		event_base_loop(world->base, EVLOOP_NONBLOCK);
}

static struct evcan_frame
make(uint32_t id, unsigned flags)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, "\1\2\3", 3), 0);
	return frame;
}

static void
send_all(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n)
{
	assert_int_equal(evcan_bus_send(bus, frames, n), n);
}

static uint64_t
received(const struct evcan_bus *bus)
{
	struct evcan_bus_stats stats;

	evcan_bus_get_stats(bus, &stats);
	return stats.received;
}

static struct evcan_bridge_stats
figures(const struct evcan_bridge *bridge)
{
	struct evcan_bridge_stats stats;

	evcan_bridge_get_stats(bridge, &stats);
	return stats;
}

static struct evcan_frame last;

static void
keep_last(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	if (bus == arg)
		last = frames[n - 1];
}

static void
test_forwards(void **state)
{
	struct world *world = *state;
	struct evcan_bus *far_a = add_bus(world, "virtual:bridge-a");
	struct evcan_bus *a = add_bus(world, "virtual:bridge-a");
	struct evcan_bus *b = add_bus(world, "virtual:bridge-b");
	struct evcan_bus *far_b = add_bus(world, "virtual:bridge-b");
	struct evcan_listener *eye = evcan_listener_new_cb(keep_last, far_b);
	struct evcan_bridge *bridge = add_bridge(world, a, b);
	struct evcan_frame frames[700];

	for (unsigned i = 0; i < 700; i++)
		frames[i] = make(i, i % 2 ? EVCAN_FRAME_EXT : 0);
	evcan_notifier_add_listener(world->notifier, eye, NULL);
	send_all(far_a, frames, 700);
	settle(world);
	assert_int_equal(received(far_b), 700);
	assert_int_equal(figures(bridge).forwarded, 700);
	assert_int_equal(last.id, 699);
	assert_int_equal(last.hops, 1);
	assert_int_equal(last.dir, EVCAN_DIR_RX);
	assert_int_equal(last.channel, evcan_bus_channel_index(far_b));
	/* One direction only. */
	send_all(far_b, frames, 1);
	settle(world);
	assert_int_equal(received(far_a), 0);
	evcan_bridge_free(bridge);
	send_all(far_a, frames, 1);
	settle(world);
	assert_int_equal(received(far_b), 700);
	evcan_listener_free(eye);
}

static void
test_both_ways_ends(void **state)
{
	struct world *world = *state;
	struct evcan_bus *far_a = add_bus(world, "virtual:both-a");
	struct evcan_bus *a = add_bus(world,
	    "virtual:both-a,receive_own_messages=true");
	struct evcan_bus *b = add_bus(world,
	    "virtual:both-b,receive_own_messages=true");
	struct evcan_bus *far_b = add_bus(world, "virtual:both-b");
	struct evcan_bridge *there = add_bridge(world, a, b);
	struct evcan_bridge *back = add_bridge(world, b, a);
	struct evcan_frame frame = make(0x123, 0);

	send_all(far_a, &frame, 1);
	send_all(far_b, &frame, 1);
	settle(world);
	assert_int_equal(received(far_a), 1);
	assert_int_equal(received(far_b), 1);
	assert_int_equal(figures(there).forwarded, 1);
	assert_int_equal(figures(back).forwarded, 1);
	assert_int_equal(figures(there).passed_over, 1);
	assert_int_equal(figures(back).passed_over, 1);
	evcan_bridge_free(there);
	evcan_bridge_free(back);
}

/* Three channels in a ring, each bridge with buses of its own: only the hop
 * count ends it. */
static void
test_ring_ends(void **state)
{
	static const char *const names[] = {
		"virtual:ring-a", "virtual:ring-b", "virtual:ring-c"
	};
	struct world *world = *state;
	struct evcan_bridge *bridges[3];
	struct evcan_bus *source = add_bus(world, names[0]);
	struct evcan_frame frame = make(0x1, 0);
	uint64_t forwarded = 0, looped = 0;

	for (int i = 0; i < 3; i++)
		bridges[i] = add_bridge(world, add_bus(world, names[i]),
		    add_bus(world, names[(i + 1) % 3]));
	send_all(source, &frame, 1);
	settle(world);
	for (int i = 0; i < 3; i++) {
		forwarded += figures(bridges[i]).forwarded;
		looped += figures(bridges[i]).looped;
		evcan_bridge_free(bridges[i]);
	}
	assert_int_equal(forwarded, EVCAN_BRIDGE_MAX_HOPS);
	assert_int_equal(looped, 1);
}

/* Two buses of one wire: whatever is forwarded is there already. */
static void
test_back_home(void **state)
{
	struct world *world = *state;
	struct evcan_bus *source = add_bus(world, "virtual:home");
	struct evcan_bus *a = add_bus(world, "virtual:home");
	struct evcan_bus *b = add_bus(world, "virtual:home");
	struct evcan_bridge *bridge = add_bridge(world, a, b);
	struct evcan_frame frame = make(0x1, 0);

	send_all(source, &frame, 1);
	settle(world);
	assert_int_equal(figures(bridge).passed_over, 1);
	assert_int_equal(figures(bridge).forwarded, 0);
	assert_int_equal(received(source), 0);
	evcan_bridge_free(bridge);
}

static void
test_filters(void **state)
{
	static const struct evcan_filter filter = { 0x100, 0x700, 0, false };
	static const struct evcan_filter wrong = { 0x3fffffff, 1, 0, false };
	struct world *world = *state;
	struct evcan_bus *source = add_bus(world, "virtual:filter-a");
	struct evcan_bridge *bridge = add_bridge(world,
	    add_bus(world, "virtual:filter-a"),
	    add_bus(world, "virtual:filter-b"));
	struct evcan_frame frames[3] = {
		make(0x100, 0), make(0x200, 0), make(0x1ff, 0)
	};
	struct evcan_error err = { 0 };

	assert_int_equal(evcan_bridge_set_filters(bridge, &filter, 1,
	    EVCAN_FILTER_OR, &err), 0);
	assert_true(evcan_bridge_set_filters(bridge, &wrong, 1,
	    EVCAN_FILTER_OR, &err) < 0);
	send_all(source, frames, 3);
	settle(world);
	assert_int_equal(figures(bridge).forwarded, 2);
	assert_int_equal(figures(bridge).filtered, 1);
	assert_int_equal(evcan_bridge_set_filters(bridge, NULL, 0,
	    EVCAN_FILTER_OR, NULL), 0);
	send_all(source, frames, 3);
	settle(world);
	assert_int_equal(figures(bridge).forwarded, 5);
	evcan_bridge_free(bridge);
}

static void
test_passed_over(void **state)
{
	struct world *world = *state;
	struct evcan_bus *source = add_bus(world, "virtual:over-a");
	struct evcan_bridge *bridge = add_bridge(world,
	    add_bus(world, "virtual:over-a"),
	    add_bus(world, "virtual:over-b"));
	struct evcan_frame error = {
		.id = 0x20, .flags = EVCAN_FRAME_ERR, .len = 8, .dlc = 8
	};
	struct evcan_frame frame = make(1, 0);

	send_all(source, &error, 1);
	send_all(source, &frame, 1);
	settle(world);
	assert_int_equal(figures(bridge).passed_over, 1);
	assert_int_equal(figures(bridge).forwarded, 1);
	evcan_bridge_free(bridge);
}

/* What the other bus cannot carry is refused, one by one; when it is closed
 * all is dropped. */
static void
test_refused_and_dropped(void **state)
{
	struct world *world = *state;
	struct evcan_bus *source = add_bus(world, "virtual:refuse-a,fd=true");
	struct evcan_bus *from = add_bus(world, "virtual:refuse-a,fd=true");
	struct evcan_bus *to = add_bus(world,
	    "virtual:refuse-b,state=PASSIVE");
	struct evcan_bridge *bridge = add_bridge(world, from, to);
	struct evcan_frame frames[3] = {
		make(1, 0), make(2, EVCAN_FRAME_FD), make(3, 0)
	};

	send_all(source, frames, 3);
	settle(world);
	assert_int_equal(figures(bridge).refused, 3);
	evcan_bus_close(to);
	settle(world);
	send_all(source, frames, 3);
	settle(world);
	assert_int_equal(figures(bridge).dropped, 3);
	assert_int_equal(figures(bridge).forwarded, 0);
	evcan_bridge_free(bridge);
}

static void
test_wrong(void **state)
{
	struct world *world = *state;
	struct evcan_bus *a = add_bus(world, "virtual:wrong-a");
	struct evcan_bus *b = add_bus(world, "virtual:wrong-b");
	struct evcan_error err = { 0 };

	assert_null(evcan_bridge_new(world->notifier, a, a, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_error_clear(&err);
	evcan_notifier_remove_bus(world->notifier, a);
	assert_null(evcan_bridge_new(world->notifier, a, b, &err));
	assert_int_equal(err.code, EVCAN_ERR_NOT_FOUND);
	evcan_bridge_free(NULL);
}

static struct evcan_bridge *doomed;

static void
free_bridge(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)bus;
	(void)frames;
	(void)n;
	(void)arg;
	evcan_bridge_free(doomed);
	doomed = NULL;
}

/* Freed while the notifier is about to call it. */
static void
test_free_in_callback(void **state)
{
	struct world *world = *state;
	struct evcan_bus *source = add_bus(world, "virtual:doom-a");
	struct evcan_bus *a = add_bus(world, "virtual:doom-a");
	struct evcan_bus *b = add_bus(world, "virtual:doom-b");
	struct evcan_bus *far_b = add_bus(world, "virtual:doom-b");
	struct evcan_listener *killer = evcan_listener_new_cb(free_bridge,
	    NULL);
	struct evcan_frame frame = make(1, 0);

	evcan_notifier_add_listener(world->notifier, killer, a);
	doomed = add_bridge(world, a, b);
	send_all(source, &frame, 1);
	settle(world);
	assert_null(doomed);
	assert_int_equal(received(far_b), 0);
	evcan_listener_free(killer);
}

/* Buses without a base are bridged as well. */
static void
test_without_base(void **state)
{
	struct evcan_notifier *notifier = evcan_notifier_new(NULL);
	struct evcan_bus *buses[3];
	struct evcan_bridge *bridge;
	struct evcan_frame frame = make(1, 0);
	static const char *const specs[] = {
		"virtual:plain-a", "virtual:plain-a", "virtual:plain-b"
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		buses[i] = evcan_bus_new_spec(NULL, specs[i], NULL);
		assert_int_equal(evcan_bus_open(buses[i], NULL), 0);
	}
	evcan_notifier_add_bus(notifier, buses[1]);
	bridge = evcan_bridge_new(notifier, buses[1], buses[2], NULL);
	assert_non_null(bridge);
	send_all(buses[0], &frame, 1);
	assert_int_equal(evcan_notifier_process(notifier, 1000), 1);
	assert_int_equal(figures(bridge).forwarded, 1);
	evcan_bridge_free(bridge);
	evcan_notifier_free(notifier);
	for (int i = 0; i < 3; i++)
		evcan_bus_free(buses[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forwards),
		TEST(test_both_ways_ends),
		TEST(test_ring_ends),
		TEST(test_back_home),
		TEST(test_filters),
		TEST(test_passed_over),
		TEST(test_refused_and_dropped),
		TEST(test_wrong),
		TEST(test_free_in_callback),
		TEST(test_without_base)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

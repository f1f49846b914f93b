/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_subscription_life.c - subscriptions, buses, notifiers come and go */
#include "conform_subscription.h"

void
conform_several(void **state)
{
	struct evcan_subscription *subs[40];
	struct world w;

	(void)state;
	make(&w);
	for (uint32_t i = 0; i < 40; i++) {
		struct evcan_subscription_config config = all_of(0x200 + i);

		subs[i] = subscribe(&w, &config);
	}
	for (uint32_t i = 0; i < 40; i++) {
		for (int j = 0; j < 3; j++)
			send_frame(&w, 0x200 + i, 0, &i, sizeof(i));
		await(&w, i + 1);
		assert_ptr_equal(w.told[i].sub, subs[i]);
		assert_int_equal(w.told[i].frame.id, 0x200 + i);
	}
	for (uint32_t i = 0; i < 40; i++)
		evcan_subscription_free(subs[i]);
	unmake(&w);
}

void
conform_free_in_callback(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *left;
	struct world w;

	(void)state;
	make(&w);
	w.victims[0] = subscribe(&w, &config);
	left = subscribe(&w, &config);
	w.victims[1] = subscribe(&w, &config);
	send_text(&w, "A");
	send_text(&w, "B");
	/* The one left tells both; another at most told that first. */
	await(&w, 2);
	while (w.told[w.n - 1].frame.data[0] != 'B' ||
	    w.told[w.n - 1].sub != left)
		await(&w, w.n + 1);
	assert_in_range(w.n, 2, 3);
	evcan_subscription_free(left);
	unmake(&w);
}

void
conform_free_all_in_callback(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct world w;

	(void)state;
	make(&w);
	w.victims[0] = subscribe(&w, &config);
	w.free_bus = true;
	w.free_notifier = true;
	send_text(&w, "A");
	send_text(&w, "B");
	await(&w, 1);
	event_base_loop(w.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(w.n, 1);
	unmake(&w);
}

/* They outlive the bus, and are silent then. */
void
conform_bus_freed(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *subs[2];
	struct world w;

	(void)state;
	make(&w);
	config.timeout_ns = 200 * MS;
	subs[0] = subscribe(&w, &config);
	subs[1] = subscribe(&w, &config);
	w.free_bus = true;
	send_text(&w, "A");
	await(&w, 1);
	event_base_loop(w.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(w.n, 1);
	unmake(&w);
	for (int i = 0; i < 2; i++) {
		struct evcan_subscription_stats stats;

		evcan_subscription_get_stats(subs[i], &stats);
		assert_false(stats.offloaded);
		assert_int_equal(stats.silences, 0);
		evcan_subscription_free(subs[i]);
	}
}

void
conform_opened_later(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription_stats stats;
	struct evcan_subscription *sub;
	int64_t begin;
	struct world w;

	(void)state;
	make_closed(&w);
	config.timeout_ns = 200 * MS;
	config.from_start = true;
	sub = subscribe(&w, &config);
	begin = evcan_now_monotonic();
	while (evcan_now_monotonic() - begin < 250 * MS)
		event_base_loop(w.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(w.n, 0);
	begin = evcan_now_monotonic();
	open_it(w.bus);
	await(&w, 1);
	assert_true(w.told[0].silent);
	assert_true(w.told[0].at_ns - begin >= 200 * MS);
	evcan_subscription_get_stats(sub, &stats);
	assert_int_equal(stats.offloaded,
	    conform_offload == EVCAN_OFFLOAD_ALWAYS);
	send_text(&w, "A");
	await(&w, 2);
	check_told(&w.told[1], "A");
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	(void)bus;
	(void)info;
	if (event == EVCAN_BUS_CLOSED)
		event_base_loopbreak(arg);
}

/* A bus that was closed begins anew, but the time-out runs on. */
void
conform_closed_and_opened(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *sub;
	int64_t begin;
	struct world w;

	(void)state;
	make(&w);
	config.timeout_ns = 1000 * MS;
	sub = subscribe(&w, &config);
	evcan_notifier_set_event_cb(w.notifier, on_event, w.base);
	begin = evcan_now_monotonic();
	send_text(&w, "A");
	await(&w, 1);
	assert_int_equal(evcan_bus_close(w.bus), 0);
	event_base_dispatch(w.base);
	assert_false(evcan_bus_is_open(w.bus));
	await(&w, 2);
	assert_true(w.told[1].silent);
	assert_true(w.told[1].at_ns - begin >= 1000 * MS);
	open_it(w.bus);
	send_text(&w, "A");
	await(&w, 4);
	check_told(&w.told[2], "A");
	assert_true(w.told[3].silent);
	evcan_subscription_free(sub);
	unmake(&w);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_subscription_device.c - subscriptions that a device does
 *
 * What is told, and when, is judged by conform_subscription. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "subscription_fixture.h"

static void
test_device(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.throttle_ns = 5,
		.offload = EVCAN_OFFLOAD_ALWAYS
	};
	struct evcan_subscription_stats stats;
	struct evcan_subscription *sub;
	struct evcan_frame frame;
	uint32_t number;
	struct world w;

	(void)state;
	make(&w);
	add_device(&w);
	sub = subscribe(&w, &config);
	assert_int_equal(device.subscribed, 1);
	assert_int_equal(device.config->id, ID);
	assert_int_equal(device.config->throttle_ns, 5);
	assert_true(offloaded(sub));
	number = device.number;
	evcan_frame_init(&frame, ID, 0, "A", 1);
	evcan_driver_subscribed(w.bus, number, &frame);
	evcan_driver_subscribed(w.bus, number, NULL);
	evcan_driver_subscribed(w.bus, number, &frame);
	evcan_driver_subscribed(w.bus, number + 1, &frame);   /* nobody's */
	assert_int_equal(w.changes + w.silences, 0);
	await(&w, &w.changes, 2);
	assert_int_equal(w.silences, 1);
	assert_int_equal(w.last.channel, w.bus->channel);
	evcan_subscription_get_stats(sub, &stats);
	assert_int_equal(stats.told, 2);
	assert_int_equal(stats.silences, 1);
	/* What comes late is not told to the next one. */
	evcan_driver_subscribed(w.bus, number, &frame);
	evcan_subscription_free(sub);
	assert_int_equal(device.unsubscribed, 1);
	sub = subscribe(&w, &config);
	assert_int_not_equal(device.number, number);
	evcan_driver_subscribed(w.bus, number, &frame);
	evcan_driver_subscribed(w.bus, device.number, NULL);
	await(&w, &w.silences, 2);
	assert_int_equal(w.changes, 2);
	evcan_subscription_free(sub);
	assert_int_equal(device.unsubscribed, 2);
	evcan_driver_subscribed(w.bus, number, &frame);
	unmake(&w);
}

/* More in one turn than is kept: the rest is told as lost. */
static void
test_device_floods(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *sub;
	struct evcan_frame frame;
	struct world w;

	(void)state;
	make(&w);
	add_device(&w);
	sub = subscribe(&w, &config);
	evcan_frame_init(&frame, ID, 0, "A", 1);
	for (int i = 0; i < 5000; i++)
		evcan_driver_subscribed(w.bus, device.number, &frame);
	await(&w, &w.lost, 5000 - 4096);
	await(&w, &w.changes, 4096);
	evcan_driver_subscribed(w.bus, device.number, &frame);
	await(&w, &w.changes, 4097);
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
test_device_refuses(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *sub;
	struct evcan_error err;
	struct world w;

	(void)state;
	make(&w);
	add_device(&w);
	device.answer = EVCAN_ERR_UNSUPPORTED;
	device.why = "not this one";
	sub = subscribe(&w, &config);
	assert_int_equal(device.subscribed, 1);
	assert_false(offloaded(sub));
	send_data(&w, ID, 0, 'A');
	await(&w, &w.changes, 1);
	evcan_subscription_free(sub);
	assert_int_equal(device.unsubscribed, 0);
	config.offload = EVCAN_OFFLOAD_NEVER;
	sub = subscribe(&w, &config);
	assert_int_equal(device.subscribed, 1);
	evcan_subscription_free(sub);
	config.offload = EVCAN_OFFLOAD_ALWAYS;
	refused(&w, &config, EVCAN_ERR_UNSUPPORTED, "not this one");
	config.offload = EVCAN_OFFLOAD_AUTO;
	assert_null(evcan_subscription_new(NULL, w.bus, &config, on_told, &w,
	    &err));
	device.answer = EVCAN_ERR_OPERATION;
	device.why = NULL;
	refused(&w, &config, EVCAN_ERR_OPERATION, "device");
	assert_int_equal(device.unsubscribed, 0);
	unmake(&w);
}

static void
test_device_opened_later(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.timeout_ns = 1000 * MS,
		.from_start = true
	};
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make_closed(&w);
	add_device(&w);
	sub = subscribe(&w, &config);
	assert_int_equal(device.subscribed, 0);
	assert_false(offloaded(sub));
	assert_int_equal(evcan_bus_open(w.bus, NULL), 0);
	assert_int_equal(device.subscribed, 1);
	assert_true(device.config->from_start);
	assert_true(offloaded(sub));
	evcan_subscription_free(sub);
	unmake(&w);

	/* What it refuses then the loop does. */
	make_closed(&w);
	add_device(&w);
	device.answer = EVCAN_ERR_UNSUPPORTED;
	sub = subscribe(&w, &config);
	assert_int_equal(evcan_bus_open(w.bus, NULL), 0);
	assert_int_equal(device.subscribed, 1);
	assert_false(offloaded(sub));
	await(&w, &w.silences, 1);
	send_data(&w, ID, 0, 'A');
	await(&w, &w.changes, 1);
	evcan_subscription_free(sub);
	unmake(&w);
}

/* A call-back frees the bus while there is more to tell. */
static void
test_device_freed_in_callback(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *subs[2];
	struct evcan_frame frame;
	struct world w;

	(void)state;
	make(&w);
	add_device(&w);
	evcan_frame_init(&frame, ID, 0, "A", 1);
	for (int i = 0; i < 2; i++) {
		subs[i] = subscribe(&w, &config);
		evcan_driver_subscribed(w.bus, device.number, &frame);
	}
	w.free_bus = true;
	await(&w, &w.changes, 1);
	turn(w.base);
	assert_int_equal(w.changes, 1);
	evcan_subscription_free(subs[0]);
	evcan_subscription_free(subs[1]);
	unmake(&w);
}

/* It refuses when the bus opens and nobody else can: the bus tells it, and
 * the next opening is another try. */
static void
test_device_refuses_late(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.offload = EVCAN_OFFLOAD_ALWAYS
	};
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make_closed(&w);
	add_device(&w);
	device.answer = EVCAN_ERR_UNSUPPORTED;
	device.why = "no room in the device";
	sub = subscribe(&w, &config);
	assert_int_equal(evcan_bus_open(w.bus, NULL), 0);
	await(&w, &w.errors, 1);
	assert_non_null(strstr(evcan_bus_error(w.bus)->text, "no room"));
	assert_false(offloaded(sub));
	device.answer = 0;
	evcan_driver_gone(w.bus, EVCAN_ERR_GONE, 0, "pulled");
	await(&w, &w.opened, 2);
	assert_int_equal(device.subscribed, 2);
	assert_true(offloaded(sub));
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
test_device_gone(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.timeout_ns = 100 * MS,
		.offload = EVCAN_OFFLOAD_ALWAYS
	};
	struct evcan_subscription *heard, *fresh;
	struct evcan_frame frame;
	struct world w;

	(void)state;
	make(&w);
	add_device(&w);
	heard = subscribe(&w, &config);
	evcan_frame_init(&frame, ID, 0, "A", 1);
	evcan_driver_subscribed(w.bus, device.number, &frame);
	await(&w, &w.changes, 1);
	fresh = subscribe(&w, &config);
	/* It is away longer than the time-out. */
	evcan_driver_gone(w.bus, EVCAN_ERR_GONE, 0, "pulled");
	await(&w, &w.silences, 1);
	assert_false(offloaded(heard));
	assert_false(evcan_bus_is_open(w.bus));
	/* Told once: the device begins with the next frame. */
	await(&w, &w.opened, 2);
	assert_int_equal(device.subscribed, 4);
	assert_true(offloaded(heard));
	assert_false(device.config->from_start);
	assert_int_equal(w.silences, 1);
	evcan_subscription_free(fresh);

	/* Or it is back before. */
	evcan_subscription_free(heard);
	config.timeout_ns = 20000 * MS;
	heard = subscribe(&w, &config);
	evcan_driver_subscribed(w.bus, device.number, &frame);
	await(&w, &w.changes, 2);
	evcan_driver_gone(w.bus, EVCAN_ERR_GONE, 0, "pulled");
	await(&w, &w.opened, 3);
	assert_true(device.config->from_start);
	assert_int_equal(w.silences, 1);
	evcan_subscription_free(heard);

	/* Silent already: nothing new, when it is gone and when it is back. */
	config.timeout_ns = 50 * MS;
	heard = subscribe(&w, &config);
	evcan_driver_subscribed(w.bus, device.number, &frame);
	evcan_driver_subscribed(w.bus, device.number, NULL);
	await(&w, &w.silences, 2);
	evcan_driver_gone(w.bus, EVCAN_ERR_GONE, 0, "pulled");
	await(&w, &w.opened, 4);
	assert_false(device.config->from_start);
	assert_int_equal(w.silences, 2);
	evcan_subscription_free(heard);
	unmake(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_device_floods),
		cmocka_unit_test(test_device_refuses),
		cmocka_unit_test(test_device_opened_later),
		cmocka_unit_test(test_device_refuses_late),
		cmocka_unit_test(test_device_freed_in_callback),
		cmocka_unit_test(test_device_gone)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_subscription.c - subscriptions: wrong values, coming and going
 *
 * What is told, and when, is judged by conform_subscription. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "alloc_fail.h"
#include "subscription_fixture.h"

/* Wrong values. */

static void
test_wrong_values(void **state)
{
	static const struct {
		struct evcan_subscription_config config;
		const char *word;
	} wrong[] = {
		{ { .id = 0x800 }, "0x7FF" },
		{ { .id = 0x20000000, .flags = EVCAN_FRAME_EXT },
		    "0x1FFFFFFF" },
		{ { .flags = EVCAN_FRAME_RTR }, "EVCAN_FRAME_EXT" },
		{ { .throttle_ns = -1 }, "throttle" },
		{ { .timeout_ns = -1 }, "time-out" },
		{ { .timeout_ns = INT64_MAX }, "400 days" },
		{ { .throttle_ns = INT64_MAX }, "400 days" },
		{ { .from_start = true }, "time-out" },
		{ { .announce_resume = true }, "time-out" },
		{ { .offload = (enum evcan_offload)3 }, "offload" }
	};
	struct evcan_driver classic;
	struct world w;

	(void)state;
	make(&w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(&w, &wrong[i].config, EVCAN_ERR_INVALID,
		    wrong[i].word);
	refused(&w, &(struct evcan_subscription_config){
	    .offload = EVCAN_OFFLOAD_ALWAYS }, EVCAN_ERR_UNSUPPORTED,
	    "virtual");
	classic = *w.bus->driver;
	classic.caps &= ~(unsigned)EVCAN_CAP_FD;
	w.bus->driver = &classic;
	refused(&w, &(struct evcan_subscription_config){
	    .flags = EVCAN_FRAME_FD }, EVCAN_ERR_INVALID, "no CAN FD");
	w.bus->driver = evcan_driver_find("virtual");
	unmake(&w);
}

static void
test_wrong_places(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_notifier *other;
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	struct world w;

	(void)state;
	make(&w);
	assert_null(evcan_subscription_new(w.notifier, w.bus, &config, NULL,
	    NULL, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_error_clear(&err);
	assert_null(evcan_subscription_new(NULL, w.bus, &config, on_told, &w,
	    &err));
	assert_int_equal(err.code, EVCAN_ERR_UNSUPPORTED);
	other = evcan_notifier_new(w.base);
	evcan_error_clear(&err);
	assert_null(evcan_subscription_new(other, w.bus, &config, on_told, &w,
	    &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_notifier_free(other);
	bus = evcan_bus_new_spec(NULL, "virtual:alone", NULL);
	evcan_error_clear(&err);
	assert_null(evcan_subscription_new(NULL, bus, &config, on_told, &w,
	    &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	assert_non_null(strstr(err.text, "no loop"));
	evcan_bus_free(bus);
	evcan_subscription_free(NULL);
	unmake(&w);
}

/* The loop. */

static void
test_error_frames(void **state)
{
	struct evcan_subscription_config config = { .id = 4 };
	struct evcan_frame frame = { .id = 4, .flags = EVCAN_FRAME_ERR,
		.len = 8, .dlc = 8 };
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make(&w);
	sub = subscribe(&w, &config);
	assert_int_equal(evcan_bus_send(w.sender, &frame, 1), 1);
	send_data(&w, 4, 0, 'A');
	await(&w, &w.changes, 1);
	assert_int_equal(w.last.flags, 0);
	evcan_subscription_free(sub);
	unmake(&w);
}

/* A loop that was held up finds the time-out over, and a frame that came in
 * time. */
static void
test_held_up(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.timeout_ns = 20 * MS
	};
	struct evcan_subscription *sub;
	int punctual = 0;
	struct world w;

	(void)state;
	make(&w);
	sub = subscribe(&w, &config);
	for (uint64_t i = 0; i < 20; i++) {
		int64_t begin;

		send_data(&w, ID, 0, 'A');
		await(&w, &w.changes, 2 * i + 1);
		w.silences = 0;
		begin = evcan_now_monotonic();
		send_data(&w, ID, 0, 'B');
		punctual += evcan_now_monotonic() - begin < 10 * MS;
		while (evcan_now_monotonic() < begin + 40 * MS)
			;
		await(&w, &w.changes, 2 * i + 2);
		assert_int_equal(w.silences, 0);
	}
	assert_true(punctual > 0);
	await(&w, &w.silences, 1);
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
test_made_in_callback(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make(&w);
	sub = subscribe(&w, &config);
	w.n_wanted = 100;
	send_data(&w, ID, 0, 'A');
	await(&w, &w.changes, 1);
	send_data(&w, ID, 0, 'B');
	await(&w, &w.changes, 102);
	evcan_subscription_free(sub);
	for (size_t i = 0; i < w.n_more; i++)
		evcan_subscription_free(w.more[i]);
	assert_null(w.bus->subscriptions);
	unmake(&w);
}

static void
test_many(void **state)
{
	enum { MANY = 1000 };
	static struct evcan_subscription *subs[MANY];
	uint64_t expected = 0;
	struct world w;

	(void)state;
	make(&w);
	for (uint32_t i = 0; i < MANY; i++) {
		struct evcan_subscription_config config = {
			.id = i * 0x1001,
			.flags = EVCAN_FRAME_EXT
		};

		subs[i] = subscribe(&w, &config);
	}
	for (uint32_t step = 1; step <= 3; step += 2) {
		for (uint32_t i = 0; i < MANY; i++) {
			send_data(&w, i * 0x1001, EVCAN_FRAME_EXT, 'A');
			send_data(&w, i * 0x1001 + 1, EVCAN_FRAME_EXT, 'A');
			if (subs[i] != NULL)
				await(&w, &w.changes, ++expected);
		}
		for (uint32_t i = 0; i < MANY; i += step) {
			if (i % 3 == 0 || step == 3)
				continue;
			evcan_subscription_free(subs[i]);
			subs[i] = NULL;
		}
	}
	for (uint32_t i = 0; i < MANY; i++)
		evcan_subscription_free(subs[i]);
	assert_null(w.bus->subscriptions);
	unmake(&w);
}

static void
test_notifier_freed(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.timeout_ns = 20 * MS,
		.from_start = true
	};
	struct evcan_subscription *sub, *other;
	struct world w;

	(void)state;
	make(&w);
	sub = subscribe(&w, &config);
	evcan_notifier_free(w.notifier);
	/* Another one, and a subscription that has it. */
	w.notifier = evcan_notifier_new(w.base);
	assert_int_equal(evcan_notifier_add_bus(w.notifier, w.bus), 0);
	other = subscribe(&w, &config);
	await(&w, &w.silences, 1);
	send_data(&w, ID, 0, 'A');
	await(&w, &w.changes, 1);
	await(&w, &w.silences, 2);
	evcan_subscription_free(sub);
	evcan_subscription_free(other);
	unmake(&w);
}

/* Stopping delivers what the bus has received: to a subscription that is just
 * being told, too. */
static void
test_notifier_stopped(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.throttle_ns = 20 * MS
	};
	struct evcan_subscription *sub, *timed;
	struct world w;

	(void)state;
	make(&w);
	sub = subscribe(&w, &config);
	config.id++;
	config.timeout_ns = 20 * MS;
	config.throttle_ns = 0;
	config.from_start = true;
	timed = subscribe(&w, &config);
	send_data(&w, ID, 0, 'A');
	await(&w, &w.changes, 1);
	send_data(&w, ID, 0, 'B');
	w.stop = true;
	while (!evcan_notifier_stopped(w.notifier))
		event_base_loop(w.base, EVLOOP_ONCE);
	assert_true(w.changes + w.silences >= 2);
	send_data(&w, ID, 0, 'C');
	turn(w.base);
	assert_int_equal(w.last.data[0], w.changes == 2 ? 'B' : 'A');
	evcan_subscription_free(sub);
	evcan_subscription_free(timed);
	unmake(&w);
}

/* A bus that goes to another notifier takes its subscriptions along, when
 * there is one that names it. */
static void
test_bus_moved(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_notifier *first;
	struct evcan_subscription *sub, *other;
	struct world w;

	(void)state;
	make(&w);
	sub = subscribe(&w, &config);
	first = w.notifier;
	assert_int_equal(evcan_notifier_remove_bus(first, w.bus), 0);
	w.notifier = evcan_notifier_new(w.base);
	assert_int_equal(evcan_notifier_add_bus(w.notifier, w.bus), 0);
	other = subscribe(&w, &config);
	evcan_notifier_free(first);
	send_data(&w, ID, 0, 'A');
	await(&w, &w.changes, 2);
	evcan_subscription_free(sub);
	evcan_subscription_free(other);
	unmake(&w);
}

static void
test_outlives_all(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.timeout_ns = 1000 * MS,
		.throttle_ns = 1000 * MS
	};
	struct evcan_subscription *here, *there;
	struct evcan_frame frame;
	struct world w;

	(void)state;
	make(&w);
	add_device(&w);
	there = subscribe(&w, &config);
	config.offload = EVCAN_OFFLOAD_NEVER;
	here = subscribe(&w, &config);
	evcan_frame_init(&frame, ID, 0, "A", 1);
	evcan_driver_subscribed(w.bus, device.number, &frame);
	unmake(&w);
	evcan_subscription_free(here);
	assert_false(offloaded(there));
	evcan_subscription_free(there);
	assert_int_equal(w.changes, 0);
	assert_int_equal(device.unsubscribed, 0);
}

/* Out of memory. */

static void
test_no_memory(void **state)
{
	struct evcan_subscription_config config = {
		.id = ID,
		.timeout_ns = 1000 * MS
	};
	struct world w;

	(void)state;
	if (!alloc_fail_works())
		skip();
	for (int with_device = 0; with_device < 3; with_device++) {
		for (long n = 1;; n++) {
			struct evcan_subscription *sub;
			struct evcan_error err;
			bool failed;

			make(&w);
			if (with_device > 0)
				add_device(&w);
			device.answer = with_device == 1 ? 0 :
			    EVCAN_ERR_UNSUPPORTED;
			alloc_fail_start(n);
			sub = try_subscribe(&w, &config, &err);
			failed = alloc_fail_stop();
			assert_true(sub != NULL || failed);
			if (sub == NULL)
				assert_int_equal(err.code, EVCAN_ERR_NOMEM);
			evcan_subscription_free(sub);
			assert_null(w.bus->subscriptions);
			unmake(&w);
			if (!failed)
				break;
			assert_null(sub);
		}
	}
}

static void
test_no_memory_later(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *sub;
	struct evcan_frame frame;
	struct world w;

	(void)state;
	if (!alloc_fail_works())
		skip();
	/* For what the device says. */
	make(&w);
	add_device(&w);
	sub = subscribe(&w, &config);
	evcan_frame_init(&frame, ID, 0, "A", 1);
	alloc_fail_start(1);
	evcan_driver_subscribed(w.bus, device.number, &frame);
	assert_true(alloc_fail_stop());
	await(&w, &w.lost, 1);
	evcan_subscription_free(sub);
	unmake(&w);
	/* For a listener, when the device refuses late: the next opening is
	 * another try. */
	make_closed(&w);
	add_device(&w);
	sub = subscribe(&w, &config);
	device.answer = EVCAN_ERR_UNSUPPORTED;
	for (long n = 1; w.errors == 0; n++) {
		alloc_fail_start(n);
		evcan_bus_open(w.bus, NULL);
		assert_true(alloc_fail_stop());
		if (evcan_bus_is_open(w.bus))
			await(&w, &w.errors, 1);
		else
			turn(w.base);
	}
	assert_int_equal(evcan_bus_error(w.bus)->code, EVCAN_ERR_NOMEM);
	evcan_driver_gone(w.bus, EVCAN_ERR_GONE, 0, "pulled");
	await(&w, &w.opened, 2);
	send_data(&w, ID, 0, 'A');
	await(&w, &w.changes, 1);
	evcan_subscription_free(sub);
	unmake(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_wrong_places),
		cmocka_unit_test(test_error_frames),
		cmocka_unit_test(test_held_up),
		cmocka_unit_test(test_made_in_callback),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_notifier_freed),
		cmocka_unit_test(test_notifier_stopped),
		cmocka_unit_test(test_bus_moved),
		cmocka_unit_test(test_outlives_all),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_memory_later)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

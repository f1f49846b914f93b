/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ixxat_life.c - the ixxat driver: modes, guests, losses, scheduler */
#include "ixxat_fixture.h"

static void
a_mode_is_changed(void **state)
{
	struct evcan_bus *a = begin("0");
	struct evcan_frame frame = frame_of(1, 0, 1);

	(void)state;
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	get_notes();
	has_noted("canControlStart 0 0\n");
	has_noted("op 15 ");
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	control("fail canControlInitialize 0xe0010009");
	assert_true(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY) < 0);
	assert_int_equal(evcan_bus_get_mode(a), EVCAN_MODE_NORMAL);
	end(a);
}

static void
a_mode_is_kept(void **state)
{
	struct evcan_bus *a = watch("0");

	(void)state;
	assert_int_equal(evcan_bus_set_mode(a, EVCAN_MODE_LISTEN_ONLY), 0);
	get_notes();
	control("unplug 0");
	UNTIL(!evcan_bus_is_open(a));
	control("plug 0");
	UNTIL(evcan_bus_is_open(a));
	assert_int_equal(evcan_bus_get_mode(a), EVCAN_MODE_LISTEN_ONLY);
	get_notes();
	has_noted("op 15 ");
	end(a);
}

/* The first device there is: but later the same again. */
static void
it_comes_back_on_its_device(void **state)
{
	struct evcan_bus *a = watch("0,rx_queue_size=64");

	(void)state;
	assert_non_null(strstr(evcan_bus_channel_info(a), "HW100001"));
	control("unplug 0");
	UNTIL(seen.events[EVCAN_BUS_ERROR] > 0);
	/* It looks again and again, and does not take the other one. */
	get_notes();
	UNTIL(calls("vciEnumDeviceOpen") > 5);
	assert_false(evcan_bus_is_open(a));
	assert_null(strstr(get_notes(), "vciDeviceOpen"));
	control("plug 0");
	UNTIL(evcan_bus_is_open(a));
	assert_non_null(strstr(evcan_bus_channel_info(a), "HW100001"));
	end(a);
}

/* The controller is another's: a channel sends and receives all the same. */
static void
a_guest_at_a_controller(void **state)
{
	struct evcan_bus *owner = begin("0"), *b = begin("1");
	struct evcan_bus *guest = watch("0,can_filters=123:7FF");
	struct evcan_error err = { 0 };

	(void)state;
	assert_non_null(strstr(evcan_bus_channel_info(guest),
	    "another program"));
	assert_non_null(strstr(seen.error.text, "its bit rate counts"));
	send_one(b, 0x124);
	send_one(b, 0x123);
	UNTIL(seen.n == 1);
	assert_int_equal(seen.frames[0].id, 0x123);
	assert_int_equal(seen.frames[0].clock, EVCAN_CLOCK_HARDWARE);
	evcan_bus_set_cb(b, on_frames, NULL, NULL);
	send_one(guest, 0x77);
	UNTIL(seen.n == 2);
	assert_int_equal(evcan_bus_reset(guest, &err), EVCAN_ERR_BUSY);
	assert_int_equal(evcan_bus_set_mode(guest, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_BUSY);
	end(guest);
	/* It would acknowledge all the same. */
	err = refused("0,state=PASSIVE");
	assert_int_equal(err.code, EVCAN_ERR_BUSY);
	assert_non_null(strstr(err.text, "only listens"));
	end(owner);
	end(b);
}

/* Which code calls give then is not documented. */
static void
any_code_of_a_loss_will_do(void **state)
{
	static const char *const codes[] = { "set gone_code 0xe0010019",
		"set gone_code 0xe0010007", "set gone_code 0xe0010009" };
	struct evcan_bus *a = watch("0");

	(void)state;
	for (int i = 0; i < 3; i++) {
		control(codes[i]);
		control("unplug 0");
		UNTIL(seen.events[EVCAN_BUS_ERROR] == i + 1);
		control("plug 0");
		UNTIL(evcan_bus_is_open(a));
	}
	end(a);
}

static void
the_code_of_a_loss_is_told(void **state)
{
	struct evcan_bus *a = watch("0,reopen=false");

	(void)state;
	control("fail canChannelReadMessage 0xe0010019 -1");
	control("fail canChannelPeekMessage 0xe0010019 -1");
	UNTIL(seen.events[EVCAN_BUS_CLOSED] > 0);
	assert_int_equal(seen.first.code, EVCAN_ERR_GONE);
	assert_int_equal(seen.first.vendor, (int32_t)0xe0010019);
	assert_non_null(strstr(seen.first.text, "VCI_E_DISCONNECTED"));
	assert_non_null(strstr(seen.first.text, "E0010019"));
	end(a);
}

/* The scheduler */

static struct evcan_cyclic *
start_task(struct evcan_bus *bus, uint32_t id, int64_t period_ns,
    uint64_t count, enum evcan_offload offload, struct evcan_error *err)
{
	const struct evcan_cyclic_config config = { .period_ns = period_ns,
		.count = count, .offload = offload, .store = true };
	struct evcan_frame frame = frame_of(id, 0, 8);
	struct evcan_cyclic *task = evcan_cyclic_new(bus, &frame, 1, &config,
	    err);

	assert_non_null(task);
	return evcan_cyclic_start(task, err) == 0 ? task : NULL;
}

static bool
is_offloaded(const struct evcan_cyclic *task)
{
	struct evcan_cyclic_stats stats;

	evcan_cyclic_get_stats(task, &stats);
	return stats.offloaded;
}

static void
the_device_sends(void **state)
{
	struct evcan_bus *b = watch("1"), *a = begin("0");
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task = start_task(a, 0x111, 5 * MS, 0,
	    EVCAN_OFFLOAD_ALWAYS, &err);
	struct evcan_frame frame = frame_of(0x111, 0, 2);
	struct evcan_bus_stats stats;
	size_t n;

	(void)state;
	if (task == NULL)
		fail_msg("%s", err.text);
	assert_true(is_offloaded(task));
	UNTIL(seen.n >= 20);
	for (size_t i = 1; i < 20; i++) {
		int64_t gap = seen.frames[i].time_ns -
		    seen.frames[i - 1].time_ns;

		assert_int_equal(seen.frames[i].len, 8);
		assert_true(gap > 0);
	}
	assert_true(seen.frames[19].time_ns - seen.frames[0].time_ns >=
	    19 * 5 * MS - 5 * MS);
	get_notes();
	has_noted("canSchedulerOpen 0\ncanSchedulerActivate 1\n");
	has_noted(vci == 4 ? "canSchedulerAddMessage 10 111\n" :
	    "canSchedulerAddMessage 5 111\n");
	has_noted("canSchedulerStartMessage 0\n");
	/* New data: it is stopped, and started with them in time. */
	assert_int_equal(evcan_cyclic_modify(task, &frame, 1, &err), 0);
	UNTIL(seen.n > 0 && seen.frames[seen.n - 1].len == 2);
	assert_true(is_offloaded(task));
	assert_int_equal(evcan_cyclic_stop(task), 0);
	run_for(20);
	n = seen.n;
	run_for(50);
	assert_int_equal(seen.n, n);
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.sent, 0);
	assert_int_equal(stats.received, 0);     /* nor does it see its own */
	/* A task that runs when its bus closes ends with it. */
	assert_int_equal(evcan_cyclic_start(task, &err), 0);
	UNTIL(seen.n > n);
	end(a);
	get_notes();
	has_noted("canSchedulerRemMessage\ncanSchedulerActivate 0\n"
	    "canSchedulerClose\n");
	run_for(20);
	n = seen.n;
	run_for(50);
	assert_int_equal(seen.n, n);
	end(b);
}

static void
on_task(struct evcan_cyclic *task, const struct evcan_error *err, void *arg)
{
	(void)task;
	assert_null(err);
	++*(int *)arg;
}

static void
the_device_counts(void **state)
{
	struct evcan_bus *b = watch("1"), *a = begin("0");
	int ended = 0;

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		struct evcan_cyclic *task = start_task(a, i, 2 * MS, 5,
		    i < 16 ? EVCAN_OFFLOAD_ALWAYS : EVCAN_OFFLOAD_AUTO,
		    NULL);

		assert_non_null(task);
		evcan_cyclic_set_cb(task, on_task, &ended);
	}
	UNTIL(ended == 20);
	run_for(20);
	assert_int_equal(seen.n, 100);
	get_notes();
	has_noted("canSchedulerStartMessage 5\n");
	/* Their places are free again. */
	for (uint32_t i = 0; i < 16; i++)
		assert_non_null(start_task(a, i, 100 * MS, 0,
		    EVCAN_OFFLOAD_ALWAYS, NULL));
	end(a);
	end(b);
}

static void
what_the_device_cannot_send(void **state)
{
	static const int64_t periods[] = { 5 * MS + 100000, 100000,
		100000 * MS };
	struct evcan_bus *b = watch("1"), *a = begin("0");
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		err.code = 0;
		assert_null(start_task(a, 1, periods[i], 0,
		    EVCAN_OFFLOAD_ALWAYS, &err));
		assert_int_equal(err.code, EVCAN_ERR_UNSUPPORTED);
	}
	task = start_task(a, 2, periods[0], 3, EVCAN_OFFLOAD_AUTO, &err);
	assert_non_null(task);
	assert_false(is_offloaded(task));
	UNTIL(seen.n == 3);
	assert_null(strstr(get_notes(), "canSchedulerAddMessage"));
	/* Sixteen at a time; the next one is the loop's. */
	for (uint32_t i = 0; i < 17; i++) {
		task = start_task(a, i, 50 * MS, 0, EVCAN_OFFLOAD_AUTO,
		    &err);
		assert_int_equal(is_offloaded(task), i < 16);
	}
	control("fail canSchedulerAddMessage 0xe0010009 -1");
	evcan_bus_stop_all_periodic_tasks(a, true);
	task = start_task(a, 1, 5 * MS, 0, EVCAN_OFFLOAD_AUTO, &err);
	assert_false(is_offloaded(task));
	end(a);
	control("set features 0x2");
	a = begin("0");
	task = start_task(a, 1, 5 * MS, 0, EVCAN_OFFLOAD_AUTO, &err);
	assert_false(is_offloaded(task));
	end(a);
	end(b);
}

static void
fd_frames_are_scheduled(void **state)
{
	const struct evcan_cyclic_config config = { .period_ns = 5 * MS,
		.count = 3, .offload = EVCAN_OFFLOAD_ALWAYS };
	struct evcan_frame frame = frame_of(0x1234, EVCAN_FRAME_FD |
	    EVCAN_FRAME_BRS | EVCAN_FRAME_EXT, 48);
	struct evcan_bus *b, *a;
	struct evcan_cyclic *task;

	(void)state;
	b = watch("1,fd=true");
	a = begin("0,fd=true,receive_own_messages=true");
	evcan_bus_set_cb(a, on_frames, NULL, NULL);
	task = evcan_cyclic_new(a, &frame, 1, &config, NULL);
	assert_int_equal(evcan_cyclic_start(task, NULL), 0);
	UNTIL(seen.n == 6);     /* each bus sees three */
	for (size_t i = 0; i < 6; i++)
		assert_true(evcan_frame_equal(&seen.frames[i], &frame, -1,
		    EVCAN_EQUAL_ANY_CHANNEL | EVCAN_EQUAL_ANY_DIRECTION));
	evcan_cyclic_free(task);
	end(a);
	end(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_mode_is_changed), BOTH(a_mode_is_kept),
		BOTH(it_comes_back_on_its_device),
		BOTH(a_guest_at_a_controller),
		BOTH(any_code_of_a_loss_will_do),
		BOTH(the_code_of_a_loss_is_told),
		BOTH(the_device_sends), BOTH(the_device_counts),
		BOTH(what_the_device_cannot_send),
		VCI4(fd_frames_are_scheduled)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

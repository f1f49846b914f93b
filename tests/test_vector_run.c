/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vector_run.c - Vector's channels at work, on a double of their library
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERFACE "vector"
#include "double_fixture.h"

/* Frames */

/* The event is set once, and again only when all was read. One that is missed
 * costs a tenth of a second. */
static void
no_event_is_missed(void **state)
{
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	int64_t began = evcan_now_monotonic();

	(void)state;
	for (uint32_t round = 0; round < 100; round++) {
		for (uint32_t id = 0; id < 20; id++)
			send_one(a, id);
		for (uint32_t id = 0; id < 20; id++)
			expect(b, id);
	}
	assert_true(evcan_now_monotonic() - began < 6000 * MS);
	assert_int_equal(calls("xlSetNotification"), 2);
}

/* Much more than is read at a time: the event tells of it once. */
static void
what_is_left_is_not_forgotten(void **state)
{
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	int64_t began;

	(void)state;
	control("hang xlCanFlushTransmitQueue");
	assert_int_equal(evcan_bus_flush_tx_buffer(b), EVCAN_ERR_TIMEOUT);
	for (uint32_t i = 0; i < 4000; i++)
		send_one(a, i % 2048);
	end(a);
	control("release");
	began = evcan_now_monotonic();
	for (uint32_t i = 0; i < 4000; i++)
		expect(b, i % 2048);
	assert_true(evcan_now_monotonic() - began < 4000 * MS);
}

static void
library_that_cannot_notify_is_polled(void **state)
{
	struct evcan_bus *a, *b;

	(void)state;
	control("set vector_no_event 1");
	a = open_now("0,poll_interval=0.002");
	b = open_now("1,poll_interval=0.002,fd=true");
	for (uint32_t id = 0; id < 20; id++) {
		send_one(a, id);
		expect(b, id);
	}
}

/* What waits for room is tried now and then, and not all the time. */
static void
full_polled_device_is_left_alone(void **state)
{
	static const char *const specs[] = { "0,poll_interval=1",
		"0,poll_interval=1,fd=true" };
	static const char *const reads[] = { "xlReceive", "xlCanReceive" };
	static const char *const sends[] = { "xlCanTransmit",
		"xlCanTransmitEx" };

	(void)state;
	control("set vector_no_event 1");
	control("set vector_tx 0");
	for (int i = 0; i < 2; i++) {
		struct evcan_bus *bus = watch(specs[i]);
		int64_t began, ms;
		long before;

		send_one(bus, 1);
		UNTIL(calls(sends[i]) >= 5);
		began = evcan_now_monotonic();
		before = calls(reads[i]);
		run_for(100);
		ms = (evcan_now_monotonic() - began) / MS;
		assert_true(calls(reads[i]) - before <= ms + 10);
		end(bus);
	}
}

/* However rarely it is looked: a read that nobody ends takes 100 ms. */
static void
polled_device_sends_at_once(void **state)
{
	struct evcan_bus *a, *b;
	int64_t began;

	(void)state;
	b = open_now("1");
	control("set vector_no_event 1");
	a = open_now("0,poll_interval=1");
	began = evcan_now_monotonic();
	for (uint32_t id = 0; id < 100; id++) {
		send_one(a, id);
		expect(b, id);
	}
	assert_true(evcan_now_monotonic() - began < 5000 * MS);
}

static void
filters_go_to_the_device(void **state)
{
	const struct evcan_filter one = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false };
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	struct evcan_frame frame = frame_of(0x120, EVCAN_FRAME_EXT, 1);

	(void)state;
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(calls("xlCanSetChannelAcceptance"), 2);
	send_frame(a, &frame);
	/* The last one passes: then none is on its way any more. */
	for (uint32_t id = 0x100; id < 0x130; id++)
		send_one(a, id);
	for (uint32_t id = 0x120; id < 0x130; id++) {
		frame = expect(b, id);
		assert_false(frame.flags & EVCAN_FRAME_EXT);
	}
	assert_int_equal(stats_of(b).filtered, 0);
	/* Open again: all come. */
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	send_one(a, 0x7ff);
	frame = expect(b, 0x7ff);
	/* Software alone when the library cannot. */
	control("fail xlCanSetChannelAcceptance 205 -1");
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	send_one(a, 0x7ff);
	send_one(a, 0x121);
	frame = expect(b, 0x121);
	assert_int_equal(stats_of(b).filtered, 1);
}

static void
receipts_are_asked_for_when_needed(void **state)
{
	static const char *const specs[] = { "0", "0,fd=true" };
	const struct evcan_filter others = { 5, 0x7ff, EVCAN_FILTER_STD,
		false };
	struct evcan_frame frame = frame_of(0x1abcde, EVCAN_FRAME_EXT, 1);
	struct evcan_bus *bus = NULL;

	(void)state;
	for (int i = 0; i < 4; i++) {
		/* The device's filters must not stand in their way. */
		if (i % 2 == 0)
			bus = watch(specs[i / 2]);
		assert_int_equal(noted("receipts"), i % 2);
		assert_int_equal(evcan_bus_set_filters(bus, &others, 1,
		    EVCAN_FILTER_OR, NULL), 0);
		assert_int_equal(outcome_of(bus, 0x1abcde), EVCAN_SENT);
		assert_int_equal(noted("receipts"), 1);
		assert_int_equal(seen.n, 0);
		if (i % 2 == 0)
			continue;
		end(bus);
	}
	bus = open_now("0,receive_own_messages=true");
	assert_int_equal(noted("receipts"), 1);
	send_frame(bus, &frame);
	frame = receive(bus);
	assert_int_equal(frame.flags, EVCAN_FRAME_EXT | EVCAN_FRAME_ECHO);
	assert_int_equal(frame.dir, EVCAN_DIR_TX);
}

/* States */

static void
states_are_told(const char *spec)
{
	struct evcan_bus *bus = watch(spec);
	struct evcan_error err = { 0 };

	control("state 0 warning");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(seen.state, EVCAN_STATE_WARNING);
	control("state 0 passive");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(seen.state, EVCAN_STATE_PASSIVE);
	control("state 0 off");
	UNTIL(seen.events[EVCAN_BUS_STATE] == 3);
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_BUS_OFF);
	control("state 0 active");
	if (evcan_bus_reset(bus, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(calls("xlDeactivateChannel"), 1);
	assert_int_equal(calls("xlActivateChannel"), 2);
	UNTIL(seen.events[EVCAN_BUS_STATE] == 4);
	assert_int_equal(seen.state, EVCAN_STATE_ACTIVE);
	control("fail xlDeactivateChannel 113");
	assert_int_equal(evcan_bus_reset(bus, &err), EVCAN_ERR_STATE);
	assert_non_null(strstr(err.text, "not reset"));
	assert_int_equal(seen.events[EVCAN_BUS_OPENED], 1);
	/* It cannot be left off the bus. */
	control("fail xlActivateChannel 120");
	assert_int_equal(evcan_bus_reset(bus, &err), EVCAN_ERR_GONE);
	UNTIL(seen.events[EVCAN_BUS_OPENED] == 2);
	assert_non_null(strstr(seen.error.text, "xlActivateChannel"));
	assert_int_equal(seen.error.vendor, 120);
	end(bus);
}

static void
classic_states_are_told(void **state)
{
	(void)state;
	states_are_told("0");
}

static void
fd_states_are_told(void **state)
{
	(void)state;
	states_are_told("0,fd=true");
}

/* The device keeps its old filters then, until it is asked once more. */
static void
filters_that_fail_are_not_forgotten(void **state)
{
	const struct evcan_filter one = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false };
	struct evcan_bus *a = open_now("0,bitrate=500000");
	struct evcan_bus *b = open_now("1,bitrate=500000");

	(void)state;
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	control("fail xlCanSetChannelAcceptance 255");
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	send_one(a, 0x300);
	expect(b, 0x300);
	end(a);
	end(b);
}

/* The thread has begun with another one. */
static void
mode_can_change_while_it_opens(void **state)
{
	struct evcan_bus *bus = make(base, "0,bitrate=500000");

	(void)state;
	control("hang xlOpenPort");
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	UNTIL(calls("xlOpenPort") == 1);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	control("release");
	UNTIL(evcan_bus_is_open(bus) && noted("output") == 0);
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_LISTEN_ONLY);
	end(bus);
}

static void
mode_can_change(void **state)
{
	struct evcan_bus *bus = open_now("0,bitrate=500000");
	struct evcan_frame frame = frame_of(1, 0, 1);

	(void)state;
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(noted("output"), 0);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(noted("output"), 1);
	assert_int_equal(calls("xlActivateChannel"), 3);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	/* It is on the bus again though it could not be changed. */
	control("fail xlCanSetChannelOutput 205");
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_UNSUPPORTED);
	assert_int_equal(calls("xlActivateChannel"), 4);
	end(bus);
	/* The channel was not asked for: nothing may be changed. */
	bus = open_now("0");
	control("reset");
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_BUSY);
	assert_int_equal(calls("xlDeactivateChannel"), 0);
	end(bus);
	bus = open_now("0,listen_only=true");
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(bus)->text, "listen_only"));
	/* The option holds, whatever the mode was meanwhile. */
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(noted("output"), 0);
}

/* Both take the channel off the bus, which empties its queue. */
static void
off_the_bus_nothing_is_lost(void **state)
{
	struct evcan_bus *bus = watch("0,bitrate=500000"), *b;

	(void)state;
	for (int i = 0; i < 2; i++) {
		long before = calls("xlCanTransmit");

		forget_seen();
		control("hang xlCanTransmit");
		send_one(bus, 1);
		UNTIL(calls("xlCanTransmit") > before);
		b = open_now("1");
		for (uint32_t id = 0; id < 200; id++)
			send_one(b, id);
		/* Closing sends what is left. */
		end(b);
		assert_int_equal(i == 0 ? evcan_bus_reset(bus, NULL) :
		    evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY),
		    EVCAN_ERR_TIMEOUT);
		control("release");
		UNTIL(seen.n >= 200);
		assert_int_equal(seen.n, 200);
		assert_int_equal(seen.lost, 0);
	}
}

/* What the device forgot there is not waited for. */
static void
off_the_bus_sends_are_forgotten(void **state)
{
	struct evcan_bus *bus = watch("0,bitrate=500000");

	(void)state;
	control("set vector_unheard 1");
	for (int i = 0; i < 2; i++) {
		struct evcan_frame frame = plain(0x100);
		struct outcome outcome = { 0 };

		assert_int_equal(evcan_bus_send_cb(bus, &frame, -1,
		    on_outcome, &outcome), 0);
		UNTIL(calls("xlCanTransmit") == i + 1);
		assert_int_equal(i == 0 ? evcan_bus_reset(bus, NULL) :
		    evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
		UNTIL(outcome.told == 1);
		assert_int_equal(outcome.result, EVCAN_ACCEPTED);
	}
	assert_int_equal(seen.events[EVCAN_BUS_GAP], 0);
}

/* Queues */

static void
full_device_is_waited_for(const char *spec, const char *call)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;
	char text[60];
	uint32_t n = 0;

	control("set vector_tx 5");
	a = watch(spec);
	b = open_now("1");
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0, 1);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	while (n < 5 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	expect_nothing(b);
	control("set vector_tx -1");
	while (n < 20 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	assert_int_equal(n, 20);
	/* What waits can be dropped, here and in the device. */
	control("set vector_tx 0");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	assert_int_equal(noted("flushed"), 1);
	control("set vector_tx -1");
	expect_nothing(b);
	/* Refused for good: told, with the vendor's code. */
	snprintf(text, sizeof(text), "fail %s 514 1", call);
	control(text);
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(seen.error.vendor, 514);
	assert_non_null(strstr(seen.error.text, "XL_ERR_INVALID_CANID"));
	assert_non_null(strstr(seen.error.text, call));
	end(a);
	end(b);
}

static void
full_classic_device_is_waited_for(void **state)
{
	(void)state;
	full_device_is_waited_for("0", "xlCanTransmit");
}

static void
full_fd_device_is_waited_for(void **state)
{
	(void)state;
	full_device_is_waited_for("0,fd=true", "xlCanTransmitEx");
}

/* A row that is refused is tried one by one: only the one that is wrong is
 * lost, and none is sent twice. */
static void
one_of_a_row_is_refused(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;

	(void)state;
	control("set vector_tx 0");
	a = watch("0");
	b = open_now("1");
	for (uint32_t i = 0; i < 10; i++) {
		frame = frame_of(0x100 + i, 0, 1);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	UNTIL(calls("xlCanTransmit") >= 20);
	/* Of some and then of the first of them alone. */
	control("fail xlCanTransmit 514 2");
	control("set vector_tx -1");
	for (uint32_t i = 1; i < 10; i++)
		frame = expect(b, 0x100 + i);
	UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
	/* Some together, and alone they are well. */
	control("set vector_tx 0");
	for (uint32_t i = 0; i < 10; i++) {
		frame = frame_of(0x200 + i, 0, 1);
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	control("fail xlCanTransmit 514 1");
	control("set vector_tx -1");
	for (uint32_t i = 0; i < 10; i++)
		frame = expect(b, 0x200 + i);
	expect_nothing(b);
}

/* Trouble */

static void
unplugging_is_told_in_words(void **state)
{
	static const char *const specs[] = { "0", "0,fd=true" };
	static const char *const words[] = { "XL_ERR_HW_NOT_PRESENT",
		"taken away" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct evcan_bus *bus = watch(specs[i]);

		forget_seen();
		control("unplug 0");
		UNTIL(seen.events[EVCAN_BUS_ERROR] == 1);
		assert_int_equal(seen.error.code, EVCAN_ERR_GONE);
		assert_int_equal(seen.error.vendor, 129);
		says(&seen.error, words, 2);
		end(bus);
		control("plug 0");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_event_is_missed),
		TEST(what_is_left_is_not_forgotten),
		TEST(library_that_cannot_notify_is_polled),
		TEST(full_polled_device_is_left_alone),
		TEST(polled_device_sends_at_once),
		TEST(off_the_bus_nothing_is_lost),
		TEST(off_the_bus_sends_are_forgotten),
		TEST(filters_go_to_the_device),
		TEST(receipts_are_asked_for_when_needed),
		TEST(classic_states_are_told),
		TEST(fd_states_are_told), TEST(mode_can_change),
		TEST(mode_can_change_while_it_opens),
		TEST(filters_that_fail_are_not_forgotten),
		TEST(full_classic_device_is_waited_for),
		TEST(full_fd_device_is_waited_for),
		TEST(one_of_a_row_is_refused),
		TEST(unplugging_is_told_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

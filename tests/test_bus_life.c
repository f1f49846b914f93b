/* SPDX-License-Identifier: BSD-3-Clause */
/* test_bus_life.c - devices that go, and come back or not */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <string.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "bus_fixture.h"

/* What happened, a letter each, in order. */
struct story {
	char text[64];
	struct evcan_error error;
	uint64_t frames;
};

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	static const char letters[] = "OCESGW";
	struct story *story = arg;
	size_t len = strlen(story->text);

	(void)bus;
	if (len < sizeof(story->text) - 1)
		story->text[len] = letters[event];
	if (info->error != NULL)
		story->error = *info->error;
}

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct story *story = arg;

	(void)bus;
	(void)frames;
	story->frames += n;
}

static struct evcan_bus *
open_told(struct event_base *base, const char *spec, struct story *story)
{
	struct evcan_bus *bus = open_bus(base, spec);

	memset(story, 0, sizeof(*story));
	evcan_bus_set_cb(bus, on_frames, on_event, story);
	return bus;
}

static void
run_for(struct event_base *base, int ms)
{
	int64_t end = evcan_now_monotonic() + (int64_t)ms * 1000000;

	while (evcan_now_monotonic() < end) {
		turn(base);
		poll(NULL, 0, 1);
	}
}

static void
wait_for(struct event_base *base, const struct story *story, char letter)
{
	for (int i = 0; i < 5000 && strchr(story->text, letter) == NULL; i++)
		run_for(base, 1);
	assert_non_null(strchr(story->text, letter));
}

static void
note_result(struct evcan_bus *bus, const struct evcan_frame *frame,
    int result, void *arg)
{
	(void)bus;
	(void)frame;
	*(int *)arg = result;
}

static void
goes_and_comes_back(void **state)
{
	struct event_base *base = event_base_new();
	struct story story;
	struct evcan_bus *bus = open_told(base, "virtual:life,"
	    "reopen_interval=0.02,can_filters=100:7FF", &story);
	struct evcan_bus *other = open_bus(base, "virtual:life");
	struct evcan_frame frame;
	struct evcan_bus_stats stats;

	(void)state;
	run_for(base, 2);
	assert_string_equal(story.text, "O");
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "unplugged");
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "twice");
	assert_string_equal(story.text, "O");
	turn(base);
	assert_string_equal(story.text, "OSE");
	assert_string_equal(story.error.text, "unplugged");
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_STOPPED);
	assert_false(evcan_bus_is_open(bus));
	assert_int_equal(evcan_frame_init(&frame, 0x100, 0, NULL, 0), 0);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_GONE);
	memset(story.text, 0, sizeof(story.text));
	wait_for(base, &story, 'O');
	assert_string_equal(story.text, "OS");
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_ACTIVE);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.opens, 2);
	/* Its filters are there again. */
	assert_int_equal(evcan_bus_send(other, &frame, 1), 1);
	frame.id = 0x101;
	assert_int_equal(evcan_bus_send(other, &frame, 1), 1);
	run_for(base, 2);
	assert_int_equal(story.frames, 1);
	evcan_bus_free(bus);
	evcan_bus_free(other);
	event_base_free(base);
}

/* Old commands must not reach a bus that comes back later. */
static void
queued_frames_fail_with_it(void **state)
{
	struct event_base *base = event_base_new();
	struct story story;
	struct evcan_bus *bus = open_told(base,
	    "virtual:stale,reopen_interval=0.02", &story);
	struct evcan_bus *slow = open_bus(base,
	    "virtual:stale,rx_queue_size=2,rx_patience=3600");
	struct evcan_frame frame, got[8];
	struct evcan_bus_stats stats;
	int result = 99;

	(void)state;
	evcan_frame_init(&frame, 1, 0, NULL, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, note_result,
	    &result), 0);
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "unplugged");
	run_for(base, 2);
	assert_int_equal(result, EVCAN_ERR_GONE);
	assert_int_equal(evcan_bus_recv(slow, got, 8), 2);
	run_for(base, 60);
	assert_true(evcan_bus_is_open(bus));
	assert_int_equal(evcan_bus_recv(slow, got, 8), 0);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.send_failed, 3);
	evcan_bus_free(bus);
	evcan_bus_free(slow);
	event_base_free(base);
}

static void
stays_away_when_told(void **state)
{
	struct event_base *base = event_base_new();
	struct story story;
	struct evcan_bus *bus = open_told(base, "virtual:away,reopen=false", &story);
	struct evcan_bus_stats stats;

	(void)state;
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "unplugged");
	run_for(base, 30);
	assert_string_equal(story.text, "OSEC");
	assert_string_equal(story.error.text, "unplugged");
	/* It may be opened by hand. */
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	run_for(base, 2);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.opens, 2);
	evcan_bus_free(bus);
	event_base_free(base);
}

/* Gone while it closes: closed, once, and the loop comes to rest. */
static void
goes_while_it_closes(void **state)
{
	struct event_base *base = event_base_new();
	struct story story;
	struct evcan_bus *bus = open_told(base,
	    "virtual:closing2,close_timeout=0.02", &story);
	struct evcan_bus *slow = open_bus(base,
	    "virtual:closing2,rx_queue_size=2,rx_patience=3600");
	struct evcan_bus_stats before, after;
	struct evcan_frame frame;

	(void)state;
	evcan_frame_init(&frame, 1, 0, NULL, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	assert_int_equal(evcan_bus_close(bus), 0);
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "unplugged");
	run_for(base, 40);
	assert_non_null(strchr(story.text, 'C'));
	evcan_bus_get_stats(bus, &before);
	run_for(base, 40);
	evcan_bus_get_stats(bus, &after);
	assert_int_equal(after.wakeups, before.wakeups);
	evcan_bus_free(bus);
	evcan_bus_free(slow);
	event_base_free(base);
}

static void
closed_while_it_is_away(void **state)
{
	struct event_base *base = event_base_new();
	struct story story;
	struct evcan_bus *bus = open_told(base,
	    "virtual:away2,reopen_interval=0.01", &story);
	struct evcan_error err = { .code = 0 };

	(void)state;
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "unplugged");
	turn(base);
	memset(story.text, 0, sizeof(story.text));
	assert_int_equal(evcan_bus_close(bus), 0);
	assert_int_equal(evcan_bus_open(bus, &err), EVCAN_ERR_STATE);
	assert_non_null(strstr(err.text, "still closing"));
	run_for(base, 40);
	assert_string_equal(story.text, "C");
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	evcan_bus_free(bus);
	event_base_free(base);
}

/* Without a base, a wait for frames lasts while the device is away. */
static void
waits_for_its_return(void **state)
{
	struct evcan_bus *bus = open_bus(NULL,
	    "virtual:pulled,reopen_interval=0.02");
	struct evcan_frame frame;
	int64_t start = evcan_now_monotonic();
	int fd = evcan_bus_fd(bus);

	(void)state;
	assert_true(fd >= 0);
	evcan_driver_gone(bus, EVCAN_ERR_GONE, 0, "unplugged");
	assert_int_equal(evcan_bus_process(bus), 0);
	assert_int_equal(evcan_bus_recv(bus, &frame, 1), EVCAN_ERR_GONE);
	assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 60), 0);
	assert_true(evcan_now_monotonic() - start >= 60000000);
	assert_true(evcan_bus_is_open(bus));
	assert_int_equal(evcan_bus_fd(bus), fd);
	evcan_bus_free(bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_and_comes_back),
		cmocka_unit_test(queued_frames_fail_with_it),
		cmocka_unit_test(stays_away_when_told),
		cmocka_unit_test(goes_while_it_closes),
		cmocka_unit_test(closed_while_it_is_away),
		cmocka_unit_test(waits_for_its_return)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

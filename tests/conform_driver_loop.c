/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_driver_loop.c - call-backs on a loop, and what becomes of sends */
#include "conform_driver.h"

struct watcher {
	struct event_base *base;
	struct evcan_bus *bus;
	size_t frames, stop_at, events[EVCAN_BUS_WRITABLE + 1];
	bool free_on_frame;
	int free_on;             /* an event, or -1 */
	uint32_t next;
	bool closed;
};

static void
stop_loop(struct watcher *w)
{
	event_base_loopbreak(w->base);
}

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct watcher *w = arg;

	assert_false(w->closed);
	for (size_t i = 0; i < n; i++) {
		if (conform_is_error(&frames[i]))
			continue;
		assert_int_equal(conform_number(&frames[i]), w->next);
		w->next++;
		w->frames++;
	}
	if (w->free_on_frame && w->frames > 0) {
		evcan_bus_free(bus);
		w->bus = NULL;
		w->closed = true;
		stop_loop(w);
	} else if (w->frames == w->stop_at && w->stop_at > 0) {
		stop_loop(w);
	}
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct watcher *w = arg;

	assert_non_null(info);
	assert_false(w->closed);
	w->events[event]++;
	if (w->free_on == (int)event) {
		evcan_bus_free(bus);
		w->bus = NULL;
		w->closed = true;
		stop_loop(w);
	}
	if (event == EVCAN_BUS_CLOSED) {
		w->closed = true;
		stop_loop(w);
	}
	if (event == EVCAN_BUS_WRITABLE)
		stop_loop(w);
}

/* Runs the loop until it is stopped. @return false when time was up */
static bool
run_loop(struct event_base *base, int ms)
{
	struct timeval limit = { ms / 1000, (ms % 1000) * 1000 };

	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	return event_base_got_break(base);
}

static struct watcher *
watch_bus(struct event_base *base, const char *spec, const char *extra)
{
	struct watcher *w = calloc(1, sizeof(*w));

	w->base = base;
	w->free_on = -1;
	w->bus = conform_make(base, spec, extra);
	assert_int_equal(evcan_bus_set_cb(w->bus, on_frames, on_event, w), 0);
	return w;
}

void
conform_a_loop_calls_back(void **state)
{
	struct event_base *base = event_base_new();
	struct watcher *w = watch_bus(base, conform_b, "");
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	struct evcan_frame frame;

	(void)state;
	assert_int_equal(evcan_bus_open(w->bus, NULL), 0);
	assert_int_equal(w->events[EVCAN_BUS_OPENED], 0);
	assert_int_equal(evcan_bus_recv(w->bus, &frame, 1), EVCAN_ERR_BUSY);
	assert_int_equal(evcan_bus_fd(w->bus), EVCAN_ERR_STATE);
	assert_ptr_equal(evcan_bus_base(w->bus), base);
	conform_wait_open(w->bus);
	w->stop_at = conform_paced ? 3 : 300;
	for (uint32_t i = 0; i < w->stop_at; i++) {
		frame = conform_numbered(i);
		conform_send(a, &frame);
	}
	assert_true(run_loop(base, SOON));
	assert_int_equal(w->frames, w->stop_at);
	assert_int_equal(w->events[EVCAN_BUS_OPENED], 1);
	assert_int_equal(evcan_bus_close(w->bus), 0);
	assert_int_equal(w->events[EVCAN_BUS_CLOSED], 0);
	assert_true(run_loop(base, SOON));
	assert_int_equal(w->events[EVCAN_BUS_CLOSED], 1);
	assert_int_equal(w->events[EVCAN_BUS_ERROR], 0);
	frame = conform_numbered(0);
	conform_send(a, &frame);
	run_loop(base, 20);
	evcan_bus_free(w->bus);
	evcan_bus_free(a);
	free(w);
	event_base_free(base);
}

void
conform_freed_in_frame_callback(void **state)
{
	struct event_base *base = event_base_new();
	struct watcher *w = watch_bus(base, conform_b, "");
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	struct evcan_frame frame;

	(void)state;
	w->free_on_frame = true;
	assert_int_equal(evcan_bus_open(w->bus, NULL), 0);
	conform_wait_open(w->bus);
	for (uint32_t i = 0; i < 3; i++) {
		frame = conform_numbered(i);
		conform_send(a, &frame);
	}
	assert_true(run_loop(base, SOON));
	assert_null(w->bus);
	run_loop(base, 20);
	evcan_bus_free(a);
	free(w);
	event_base_free(base);
}

void
conform_freed_in_event_callback(void **state)
{
	static const int events[] = { EVCAN_BUS_OPENED, EVCAN_BUS_CLOSED };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct event_base *base = event_base_new();
		struct watcher *w = watch_bus(base, conform_a, "");

		w->free_on = events[i];
		assert_int_equal(evcan_bus_open(w->bus, NULL), 0);
		if (events[i] == EVCAN_BUS_CLOSED)
			evcan_bus_close(w->bus);
		assert_true(run_loop(base, SOON));
		assert_null(w->bus);
		run_loop(base, 20);
		free(w);
		event_base_free(base);
	}
}

/* Sending */

struct sends {
	int told, results[3];
	bool inside;
	struct evcan_bus *free_it;
	int64_t time_ns;
};

static void
on_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	struct sends *sends = arg;

	(void)bus;
	assert_false(sends->inside);
	assert_true(sends->told < 3);
	assert_int_equal(conform_number(frame), sends->told);
	sends->results[sends->told++] = result;
	sends->time_ns = frame->time_ns;
	if (sends->free_it != NULL) {
		evcan_bus_free(sends->free_it);
		sends->free_it = NULL;
	}
}

static void
send_three(struct evcan_bus *bus, struct sends *sends)
{
	struct evcan_frame frame;

	sends->inside = true;
	for (uint32_t i = 0; i < 3; i++) {
		frame = conform_numbered(i);
		assert_int_equal(evcan_bus_send_cb(bus, &frame, SOON, on_sent,
		    sends), 0);
		if (conform_paced)
			conform_sleep(2);
	}
	sends->inside = false;
}

void
conform_outcomes_are_told_once(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *a = conform_open(base, conform_a, "");
	struct evcan_bus *b = conform_open(NULL, conform_b, "");
	struct evcan_bus_stats stats;
	struct sends sends = { 0 };

	(void)state;
	send_three(a, &sends);
	for (int i = 0; i < 100 && sends.told < 3; i++)
		run_loop(base, 50);
	assert_int_equal(sends.told, 3);
	for (int i = 0; i < 3; i++)
		assert_true(sends.results[i] == EVCAN_SENT ||
		    sends.results[i] == EVCAN_ACCEPTED);
	if (conform_driver->caps & EVCAN_CAP_CONFIRM) {
		assert_int_equal(sends.results[2], EVCAN_SENT);
		assert_true(sends.time_ns > 0);
		evcan_bus_get_stats(a, &stats);
		assert_int_equal(stats.confirmed, 3);
	}
	conform_quiet(b);
	run_loop(base, 20);
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.sent, 3);
	assert_int_equal(stats.received - stats.error_frames, 0);
	evcan_bus_free(a);
	evcan_bus_free(b);
	event_base_free(base);
	assert_int_equal(sends.told, 3);
}

void
conform_freed_in_outcome_callback(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *a = conform_open(base, conform_a, "");
	struct sends sends = { .free_it = a };

	(void)state;
	send_three(a, &sends);
	for (int i = 0; i < 100 && sends.told < 3; i++)
		run_loop(base, 50);
	assert_null(sends.free_it);
	assert_int_equal(sends.told, 3);
	event_base_free(base);
}

/* Fills the transmit queue, if the device can be too slow for that. */
static int
flood(struct evcan_bus *bus, uint32_t *sent)
{
	struct evcan_frame frame;
	int r = 1;

	for (*sent = 0; *sent < 50000; ++*sent) {
		frame = conform_numbered(*sent);
		r = evcan_bus_send(bus, &frame, 1);
		if (r != 1)
			break;
	}
	return r;
}

void
conform_full_queue_waits(void **state)
{
	struct event_base *base = event_base_new();
	struct watcher *w = watch_bus(base, conform_a, ",tx_queue_size=4");
	const char *small = conform_driver->options != NULL &&
	    evcan_option_find(conform_driver->options, "rx_queue_size") ?
	    ",rx_queue_size=16" : "";
	struct evcan_bus *b = conform_open(NULL, conform_b, small);
	struct evcan_bus_stats stats;
	struct evcan_frame frame;
	uint32_t sent;
	int r;

	(void)state;
	assert_int_equal(evcan_bus_open(w->bus, NULL), 0);
	conform_wait_open(w->bus);
	r = flood(w->bus, &sent);
	evcan_bus_get_stats(w->bus, &stats);
	if (r == 1) {
		/* It takes what comes as fast as it comes. */
		assert_int_equal(stats.sent, sent);
	} else {
		assert_int_equal(r, EVCAN_ERR_FULL);
		assert_int_equal(evcan_bus_tx_room(w->bus), 0);
		assert_int_equal(stats.tx_queued, 4);
		assert_int_equal(stats.send_refused, 1);
		assert_true(stats.flow_stops > 0);
		conform_quiet(b);
		assert_true(run_loop(base, SOON));
		assert_int_equal(w->events[EVCAN_BUS_WRITABLE], 1);
		assert_true(evcan_bus_tx_room(w->bus) > 0);
		frame = conform_numbered(sent);
		assert_int_equal(evcan_bus_send(w->bus, &frame, 1), 1);
	}
	evcan_bus_flush_tx_buffer(w->bus);
	assert_int_equal(evcan_bus_tx_room(w->bus), 4);
	conform_quiet(b);
	evcan_bus_free(w->bus);
	evcan_bus_free(b);
	free(w);
	event_base_free(base);
}

void
conform_peer_may_vanish(void **state)
{
	struct event_base *base = event_base_new();
	struct watcher *w = watch_bus(base, conform_a, "");
	struct evcan_bus *b = conform_open(NULL, conform_b, "");
	struct evcan_frame frame = conform_numbered(0);

	(void)state;
	assert_int_equal(evcan_bus_open(w->bus, NULL), 0);
	conform_wait_open(w->bus);
	assert_int_equal(evcan_bus_send(w->bus, &frame, 1), 1);
	run_loop(base, 20);
	evcan_bus_free(b);
	for (int i = 0; i < 10; i++) {
		evcan_bus_send(w->bus, &frame, 1);
		run_loop(base, 5);
	}
	assert_true(w->events[EVCAN_BUS_ERROR] <= 1);
	if (w->events[EVCAN_BUS_ERROR] == 0)
		assert_true(evcan_bus_is_open(w->bus));
	evcan_bus_free(w->bus);
	free(w);
	event_base_free(base);
}

void
conform_own_messages_are_an_option(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame = conform_numbered(5), got;

	(void)state;
	if (conform_driver->options == NULL ||
	    evcan_option_find(conform_driver->options,
	    "receive_own_messages") == NULL)
		skip();
	a = conform_open(NULL, conform_a, ",receive_own_messages=true");
	b = conform_open(NULL, conform_b, "");
	conform_send(a, &frame);
	assert_true(conform_next(a, &got, SOON));
	assert_true(got.flags & EVCAN_FRAME_ECHO);
	assert_int_equal(got.dir, EVCAN_DIR_TX);
	got.flags &= (uint16_t)~EVCAN_FRAME_ECHO;
	conform_same(&got, &frame);
	conform_received(b, &frame);
	conform_send(b, &frame);
	conform_received(a, &frame);
	assert_false(conform_next(b, &got, 30));
	evcan_bus_free(a);
	evcan_bus_free(b);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_bus.c - the core of a bus, proved on the virtual driver */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "bus_fixture.h"
#include "may_skip.h"

static struct evcan_frame
frame_of(uint32_t id)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, 0, "evcan", 5), 0);
	return frame;
}

/* Counts what a bus says. */
struct seen {
	uint64_t frames, gaps, lost;
	unsigned events[8];
	struct evcan_error closed_with;
	struct evcan_frame last;
	unsigned calls;
};

static void
see_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct seen *seen = arg;

	(void)bus;
	seen->frames += n;
	seen->calls++;
	seen->last = frames[n - 1];
}

static void
see_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct seen *seen = arg;

	(void)bus;
	seen->events[event]++;
	seen->lost += info->lost;
	if (event == EVCAN_BUS_CLOSED && info->error != NULL)
		seen->closed_with = *info->error;
}

static void
refuses_wrong_requests(void **state)
{
	static const struct {
		const char *spec;
		int code;
		const char *says;
	} cases[] = {
		{ "interface=nosuch", EVCAN_ERR_NOT_IMPLEMENTED, "virtual" },
		{ "virtual:a,speed=3", EVCAN_ERR_INVALID, "speed" },
		{ "virtual:a,fd=maybe", EVCAN_ERR_INVALID, "fd" },
		{ "iscan:0,fd=true", EVCAN_ERR_INVALID, "has no CAN FD" },
		{ "virtual:a,rx_queue_size=-1", EVCAN_ERR_INVALID,
		    "rx_queue_size" },
		{ "virtual:a,can_filters=xyz", EVCAN_ERR_SYNTAX, "xyz" },
		{ "virtual:a,timing=f_clock=8", EVCAN_ERR_INVALID, "" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_options *options = evcan_options_new();
		struct evcan_error err = { .code = 0 };
		struct evcan_bus *bus;

		if (strncmp(cases[i].spec, "interface=", 10) == 0) {
			evcan_options_set(options, "interface",
			    cases[i].spec + 10, NULL);
			bus = evcan_bus_new(NULL, options, &err);
		} else {
			bus = evcan_bus_new_spec(NULL, cases[i].spec, &err);
		}
		assert_null(bus);
		assert_true(err.code < 0);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].spec, err.text);
		evcan_options_free(options);
	}
}

static void
pulls_without_a_base(void **state)
{
	struct evcan_bus *a = open_bus(NULL, "virtual:pull");
	struct evcan_bus *b = open_bus(NULL, "virtual:pull");
	struct evcan_frame frame = frame_of(0x123), got[4];
	struct pollfd pfd = { .fd = evcan_bus_fd(b), .events = POLLIN };

	(void)state;
	assert_true(pfd.fd >= 0);
	assert_int_equal(evcan_bus_recv(b, got, 4), 0);
	assert_int_equal(evcan_bus_recv_wait(b, got, 4, 10), 0);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(poll(&pfd, 1, 1000), 1);
	assert_int_equal(evcan_bus_recv_wait(b, got, 4, 1000), 1);
	assert_int_equal(got[0].id, 0x123);
	assert_int_equal(got[0].dir, EVCAN_DIR_RX);
	assert_int_equal(got[0].clock, EVCAN_CLOCK_HOST);
	assert_string_equal(evcan_channel_name(got[0].channel), "pull");
	assert_int_equal(evcan_bus_recv(b, got, 4), 0);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_int_equal(evcan_bus_send_wait(a, &frame, 100), 0);
	assert_int_equal(evcan_bus_recv_wait(b, got, 4, -1), 1);
	assert_int_equal(evcan_bus_close(a), 0);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_STATE);
	evcan_bus_free(a);
	evcan_bus_free(b);
}

static void
calls_back_in_batches(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *a = open_bus(base, "virtual:calls");
	struct evcan_bus *b = open_bus(base, "virtual:calls");
	struct evcan_frame frames[100];
	struct seen seen;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < 100; i++)
		frames[i] = frame_of(i);
	assert_int_equal(evcan_bus_set_cb(b, see_frames, see_event, &seen),
	    0);
	assert_int_equal(evcan_bus_send(a, frames, 100), 100);
	assert_int_equal(seen.frames, 0);    /* never from inside a send */
	turn(base);
	assert_int_equal(seen.frames, 100);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.last.id, 99);
	assert_int_equal(seen.events[EVCAN_BUS_OPENED], 1);
	evcan_bus_free(a);
	evcan_bus_free(b);
	event_base_free(base);
}

static void
own_messages_when_asked(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *a = open_bus(base,
	    "virtual:own,receive_own_messages=true");
	struct evcan_frame frame = frame_of(5);
	struct evcan_bus_stats stats;
	struct seen seen;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	evcan_bus_set_cb(a, see_frames, see_event, &seen);
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	turn(base);
	assert_int_equal(seen.frames, 1);
	assert_int_equal(seen.last.dir, EVCAN_DIR_TX);
	assert_true(seen.last.flags & EVCAN_FRAME_ECHO);
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.echoes, 1);
	assert_int_equal(stats.sent, 1);
	assert_int_equal(stats.received, 1);
	evcan_bus_free(a);
	event_base_free(base);
}

/* Nobody reads: senders wait for a while, then the reader loses frames, and
 * both say so. */
static void
full_then_writable_then_lossy(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *a = open_bus(base, "virtual:full,tx_queue_size=8");
	struct evcan_bus *b = open_bus(base,
	    "virtual:full,rx_queue_size=16,rx_patience=0.05");
	struct evcan_frame frame = frame_of(1), got[64];
	struct evcan_bus_stats stats;
	struct seen seen;
	int taken = 0, n, r;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	evcan_bus_set_cb(a, see_frames, see_event, &seen);
	while ((r = evcan_bus_send(a, &frame, 1)) == 1)
		taken++;
	assert_int_equal(r, EVCAN_ERR_FULL);
	assert_int_equal(taken, 24);     /* 16 with the reader, 8 queued */
	assert_int_equal(evcan_bus_tx_room(a), 0);
	n = evcan_bus_recv(b, got, 64);
	assert_int_equal(n, 16);
	for (int i = 0; i < 50 && seen.events[EVCAN_BUS_WRITABLE] == 0; i++)
		turn(base), poll(NULL, 0, 1);
	assert_int_equal(seen.events[EVCAN_BUS_WRITABLE], 1);
	assert_int_equal(evcan_bus_recv(b, got, 64), 8);
	/* Now it does not read for longer than the patience. */
	for (int i = 0; i < 400; i++) {
		evcan_bus_send(a, &frame, 1);
		turn(base);
		poll(NULL, 0, 1);
	}
	n = evcan_bus_recv(b, got, 64);
	assert_int_equal(n, 16);
	evcan_bus_recv(b, got, 64);
	evcan_bus_get_stats(b, &stats);
	assert_true(stats.lost_queue > 0);
	evcan_bus_get_stats(a, &stats);
	assert_true(stats.flow_stops > 0);
	evcan_bus_free(a);
	evcan_bus_free(b);
	event_base_free(base);
}

struct outcome {
	int calls, result;
	struct evcan_frame frame;
};

static void
on_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	struct outcome *outcome = arg;

	(void)bus;
	outcome->calls++;
	outcome->result = result;
	outcome->frame = *frame;
}

static void
tells_outcomes(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *a = open_bus(base, "virtual:out");
	struct evcan_bus *b = open_bus(base,
	    "virtual:out,rx_queue_size=2,rx_patience=3600");
	struct outcome sent = { .calls = 0 }, late = { .calls = 0 };
	struct outcome cut = { .calls = 0 };
	struct evcan_frame frame = frame_of(7), got[8];

	(void)state;
	assert_int_equal(evcan_bus_send_cb(a, &frame, -1, on_sent, &sent), 0);
	assert_int_equal(sent.calls, 0);
	turn(base);
	assert_int_equal(sent.calls, 1);
	assert_int_equal(sent.result, EVCAN_SENT);
	assert_true(sent.frame.time_ns > 0);
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	/* b is full: this one cannot go in time, and then is not queued. */
	assert_int_equal(evcan_bus_send_cb(a, &frame, 20, on_sent, &late), 0);
	assert_int_equal(evcan_bus_send_cb(a, &frame, -1, on_sent, &cut), 0);
	for (int i = 0; i < 100 && late.calls == 0; i++)
		turn(base), poll(NULL, 0, 1);
	assert_int_equal(late.calls, 1);
	assert_int_equal(late.result, EVCAN_ERR_TIMEOUT);
	assert_int_equal(cut.calls, 0);
	evcan_bus_free(a);
	assert_int_equal(cut.calls, 1);
	assert_int_equal(cut.result, EVCAN_ERR_CANCELED);
	assert_int_equal(evcan_bus_recv(b, got, 8), 2);
	assert_int_equal(evcan_bus_recv(b, got, 8), 0);
	evcan_bus_free(b);
	event_base_free(base);
}

/* Whoever never lets the bus tell is refused some day, and told when it is
 * over. */
static void
refuses_when_outcomes_gather(void **state)
{
	struct evcan_bus *bus = evcan_bus_new_spec(NULL, "virtual:gather",
	    NULL);
	struct evcan_frame frame = frame_of(7);
	struct outcome sent = { .calls = 0 };
	struct seen seen;
	int n = 0;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	evcan_bus_set_cb(bus, NULL, see_event, &seen);
	evcan_bus_process(bus);
	while (n < 100000 &&
	    evcan_bus_send_cb(bus, &frame, -1, on_sent, &sent) == 0)
		n++;
	assert_int_equal(n, 16384);
	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, on_sent, &sent),
	    EVCAN_ERR_FULL);
	assert_int_equal(sent.calls, 0);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	assert_int_equal(seen.events[EVCAN_BUS_WRITABLE], 0);
	evcan_bus_process(bus);
	assert_int_equal(sent.calls, n);
	assert_int_equal(seen.events[EVCAN_BUS_WRITABLE], 1);
	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, on_sent, &sent),
	    0);
	evcan_bus_free(bus);
	assert_int_equal(sent.calls, n + 1);
}

static struct {
	uint32_t next;
	int inside, deepest;
	bool disordered;
} answers;

static void
answer(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct evcan_frame reply = frame_of(7);

	(void)arg;
	if (++answers.inside > answers.deepest)
		answers.deepest = answers.inside;
	for (size_t i = 0; i < n; i++) {
		answers.disordered |= frames[i].id != answers.next++;
		assert_int_equal(evcan_bus_send_wait(bus, &reply, 1000), 0);
	}
	answers.inside--;
}

/* Sending from inside does not begin to receive again. */
static void
answers_in_order(void **state)
{
	struct evcan_bus *bus = evcan_bus_new_spec(NULL, "virtual:answer",
	    NULL);
	struct evcan_bus *peer = evcan_bus_new_spec(NULL, "virtual:answer",
	    NULL);

	(void)state;
	memset(&answers, 0, sizeof(answers));
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	assert_int_equal(evcan_bus_open(peer, NULL), 0);
	evcan_bus_set_cb(bus, answer, NULL, NULL);
	for (uint32_t i = 0; i < 1000; i++) {
		struct evcan_frame frame = frame_of(i);

		assert_int_equal(evcan_bus_send(peer, &frame, 1), 1);
	}
	for (int i = 0; i < 1000 && answers.next < 1000; i++)
		evcan_bus_process(bus);
	assert_int_equal(answers.next, 1000);
	assert_false(answers.disordered);
	assert_int_equal(answers.deepest, 1);
	evcan_bus_free(bus);
	evcan_bus_free(peer);
}

static int resends;

static void
send_again(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	(void)result;
	if (++resends < 10000)
		evcan_bus_send_cb(bus, frame, -1, send_again, arg);
}

/* The loop has others, too. */
static void
outcomes_let_the_loop_go_on(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *bus = open_bus(base, "virtual:again");
	struct evcan_frame frame = frame_of(7);

	(void)state;
	resends = 0;
	assert_int_equal(evcan_bus_send_cb(bus, &frame, -1, send_again, NULL),
	    0);
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_in_range(resends, 1, 100);
	while (resends < 10000)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	evcan_bus_free(bus);
	event_base_free(base);
}

static void
closing_sends_what_is_queued(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *a = open_bus(base, "virtual:closing");
	struct evcan_bus *b = open_bus(base,
	    "virtual:closing,rx_queue_size=2,rx_patience=3600");
	struct evcan_frame frame = frame_of(7), got[8];
	struct seen seen;
	int n = 0;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	evcan_bus_set_cb(a, see_frames, see_event, &seen);
	for (int i = 0; i < 6; i++)
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_close(a), 0);
	assert_int_equal(evcan_bus_close(a), EVCAN_ERR_STATE);
	for (int i = 0; i < 500 && seen.events[EVCAN_BUS_CLOSED] == 0; i++) {
		turn(base);
		n += evcan_bus_recv(b, got, 8);
		poll(NULL, 0, 1);
	}
	n += evcan_bus_recv(b, got, 8);
	assert_int_equal(n, 6);
	assert_int_equal(seen.events[EVCAN_BUS_CLOSED], 1);
	assert_int_equal(seen.closed_with.code, 0);
	/* And again, with nobody to take them in time. */
	assert_int_equal(evcan_bus_open(a, NULL), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	evcan_bus_free(b);
	evcan_bus_free(a);
	event_base_free(base);
}

static void
free_in_frames(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n, void *arg)
{
	(void)frames;
	(void)n;
	evcan_bus_free(bus);
	*(int *)arg += 1;
}

static void
free_in_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	(void)event;
	(void)info;
	evcan_bus_free(bus);
	*(int *)arg += 1;
}

static void
free_in_sent(struct evcan_bus *bus, const struct evcan_frame *frame,
    int result, void *arg)
{
	(void)frame;
	(void)result;
	evcan_bus_free(bus);
	*(int *)arg += 1;
}

static void
may_be_freed_in_every_call(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *a = open_bus(base, "virtual:freeing");
	struct evcan_bus *b = open_bus(base, "virtual:freeing");
	struct evcan_bus *c;
	struct evcan_frame frames[3] = {
		frame_of(1), frame_of(2), frame_of(3)
	};
	int calls = 0;

	(void)state;
	evcan_bus_set_cb(b, free_in_frames, NULL, &calls);
	assert_int_equal(evcan_bus_send(a, frames, 3), 3);
	turn(base);
	assert_int_equal(calls, 1);
	assert_int_equal(evcan_bus_send_cb(a, frames, -1, free_in_sent,
	    &calls), 0);
	turn(base);
	assert_int_equal(calls, 2);
	c = open_bus(base, "virtual:freeing");
	evcan_bus_set_cb(c, NULL, free_in_event, &calls);
	turn(base);
	assert_int_equal(calls, 3);
	evcan_bus_free(evcan_bus_new_spec(base, "virtual:unopened", NULL));
	turn(base);
	event_base_free(base);
}

/* A flooded bus takes its budget, not the loop. */
static struct evcan_bus *flood_bus;

static void
flood(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct evcan_frame more[64];

	(void)bus;
	(void)n;
	*(uint64_t *)arg += n;
	for (int i = 0; i < 64; i++)
		more[i] = frames[0];
	evcan_bus_send(flood_bus, more, 64);
}

#define BUSES 1000

static void
serves_a_thousand_fairly(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *buses[BUSES], *senders[4], *victim;
	static struct seen seen[BUSES];
	struct evcan_frame frame = frame_of(9);
	struct rlimit limit;
	uint64_t flooded = 0;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < BUSES + 100)
		may_skip("the limit of open files is too low");
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < BUSES; i++) {
		char spec[60];

		snprintf(spec, sizeof(spec),
		    "virtual:thousand%d,rx_queue_size=512", i % 4);
		buses[i] = open_bus(base, spec);
		evcan_bus_set_cb(buses[i], see_frames, see_event, &seen[i]);
	}
	for (int i = 0; i < 4; i++) {
		char spec[60];

		snprintf(spec, sizeof(spec), "virtual:thousand%d", i);
		senders[i] = open_bus(base, spec);
	}
	flood_bus = open_bus(base, "virtual:flood");
	victim = open_bus(base, "virtual:flood");
	evcan_bus_set_cb(victim, flood, NULL, &flooded);
	evcan_bus_send(flood_bus, &frame, 1);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 4; i++)
			assert_int_equal(evcan_bus_send(senders[i], &frame,
			    1), 1);
		turn(base);
		turn(base);
	}
	for (int i = 0; i < BUSES; i++)
		assert_int_equal(seen[i].frames, 20);
	assert_true(flooded > 1000);
	for (int i = 0; i < BUSES; i++)
		evcan_bus_free(buses[i]);
	for (int i = 0; i < 4; i++)
		evcan_bus_free(senders[i]);
	evcan_bus_free(flood_bus);
	evcan_bus_free(victim);
	event_base_free(base);
}

static void
too_many_files_is_one_error(void **state)
{
	struct event_base *base = event_base_new();
	struct rlimit limit, low;
	struct evcan_error err = { .code = 0 };
	struct evcan_bus *bus = NULL, *buses[64];
	int n = 0, r = 0;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = 24;
	setrlimit(RLIMIT_NOFILE, &low);
	while (n < 64 && r == 0) {
		bus = evcan_bus_new_spec(base, "virtual:emfile", &err);
		if (bus == NULL)
			break;
		r = evcan_bus_open(bus, &err);
		if (r == 0)
			buses[n++] = bus;
		else
			evcan_bus_free(bus);
	}
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_true(n < 64);
	if (strstr(err.text, "ulimit -n") == NULL)
		fail_msg("after %d buses: %s", n, err.text);
	while (n > 0)
		evcan_bus_free(buses[--n]);
	event_base_free(base);
}

/* Loops in two threads, joined by one channel: all frames, in order. */

#define CROSSING 50000

static void *
other_loop(void *arg)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *bus = open_bus(base, "virtual:crossing");
	struct evcan_frame frame = frame_of(0);
	uint32_t next = 0;

	(void)arg;
	while (next < CROSSING) {
		frame.id = next & 0x7ff;
		memcpy(frame.data, &next, 4);
		if (evcan_bus_send(bus, &frame, 1) == 1)
			next++;
		else
			event_base_loop(base, EVLOOP_ONCE);
	}
	while (evcan_bus_tx_room(bus) < 1024)
		event_base_loop(base, EVLOOP_ONCE);
	evcan_bus_free(bus);
	event_base_free(base);
	return NULL;
}

struct crossing {
	uint32_t next;
	struct event_base *base;
};

static void
crossed(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct crossing *crossing = arg;

	(void)bus;
	for (size_t i = 0; i < n; i++) {
		uint32_t number;

		memcpy(&number, frames[i].data, 4);
		assert_int_equal(number, crossing->next);
		crossing->next++;
	}
	if (crossing->next == CROSSING)
		event_base_loopbreak(crossing->base);
}

static void
joins_loops_of_two_threads(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_bus *bus = open_bus(base,
	    "virtual:crossing,rx_queue_size=256,rx_patience=60");
	struct crossing crossing = { 0, base };
	struct evcan_bus_stats stats;
	pthread_t thread;

	(void)state;
	evcan_bus_set_cb(bus, crossed, NULL, &crossing);
	assert_int_equal(pthread_create(&thread, NULL, other_loop, NULL), 0);
	event_base_dispatch(base);
	pthread_join(thread, NULL);
	assert_int_equal(crossing.next, CROSSING);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.lost_queue, 0);
	evcan_bus_free(bus);
	event_base_free(base);
}

static void
filters_here(void **state)
{
	struct evcan_bus *a = open_bus(NULL, "virtual:filters");
	struct evcan_bus *b = open_bus(NULL,
	    "virtual:filters,can_filters=100:7F0");
	struct evcan_filter only = {
		.can_id = 0x200, .can_mask = 0x7ff
	};
	struct evcan_frame frames[3] = {
		frame_of(0x100), frame_of(0x10f), frame_of(0x200)
	};
	struct evcan_frame got[8];
	const struct evcan_filter *list;
	struct evcan_bus_stats stats;

	(void)state;
	assert_int_equal(evcan_bus_send(a, frames, 3), 3);
	assert_int_equal(evcan_bus_recv(b, got, 8), 2);
	assert_int_equal(evcan_bus_set_filters(b, &only, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(evcan_bus_get_filters(b, &list, NULL), 1);
	assert_int_equal(list[0].can_id, 0x200);
	assert_int_equal(evcan_bus_send(a, frames, 3), 3);
	assert_int_equal(evcan_bus_recv(b, got, 8), 1);
	assert_int_equal(got[0].id, 0x200);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 3);
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(evcan_bus_send(a, frames, 3), 3);
	assert_int_equal(evcan_bus_recv(b, got, 8), 3);
	evcan_bus_free(a);
	evcan_bus_free(b);
}

static void
count_found(const struct evcan_detected *found, void *arg)
{
	unsigned *seen = arg;

	assert_string_equal(found->interface, "virtual");
	if (strcmp(found->channel, "detectable") == 0)
		*seen |= 1;
	if (strcmp(found->description, "free") == 0)
		*seen |= 2;
}

static void
detects(void **state)
{
	static const char *const names[] = { "virtual", NULL };
	static const char *const wrong[] = { "virtuel", NULL };
	struct evcan_bus *bus = open_bus(NULL, "virtual:detectable");
	struct evcan_error err = { .code = 0 };
	unsigned seen = 0;

	(void)state;
	assert_true(evcan_detect(names, -1, count_found, &seen, &err) >= 2);
	assert_int_equal(seen, 3);
	assert_int_equal(evcan_detect(wrong, -1, count_found, &seen, &err),
	    EVCAN_ERR_NOT_IMPLEMENTED);
	assert_non_null(strstr(err.text, "virtuel"));
	evcan_bus_free(bus);
}

static void
says_what_it_is(void **state)
{
	struct evcan_bus *bus = open_bus(NULL,
	    "virtual:it,protocol=CAN_FD,state=PASSIVE");
	struct evcan_frame frame = frame_of(1);

	(void)state;
	assert_string_equal(evcan_bus_interface(bus), "virtual");
	assert_string_equal(evcan_bus_channel(bus), "it");
	assert_string_equal(evcan_bus_name(bus), "virtual:it");
	assert_string_equal(evcan_bus_channel_info(bus),
	    "Virtual bus channel it");
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_FD);
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_LISTEN_ONLY);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(bus)->text, "listen-only"));
	assert_int_equal(evcan_bus_reset(bus, NULL), EVCAN_ERR_UNSUPPORTED);
	frame.id = 0x800;
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	evcan_bus_free(bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_wrong_requests),
		cmocka_unit_test(pulls_without_a_base),
		cmocka_unit_test(calls_back_in_batches),
		cmocka_unit_test(own_messages_when_asked),
		cmocka_unit_test(full_then_writable_then_lossy),
		cmocka_unit_test(tells_outcomes),
		cmocka_unit_test(refuses_when_outcomes_gather),
		cmocka_unit_test(answers_in_order),
		cmocka_unit_test(outcomes_let_the_loop_go_on),
		cmocka_unit_test(closing_sends_what_is_queued),
		cmocka_unit_test(may_be_freed_in_every_call),
		cmocka_unit_test(serves_a_thousand_fairly),
		cmocka_unit_test(too_many_files_is_one_error),
		cmocka_unit_test(joins_loops_of_two_threads),
		cmocka_unit_test(filters_here),
		cmocka_unit_test(detects),
		cmocka_unit_test(says_what_it_is)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

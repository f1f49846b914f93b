/* SPDX-License-Identifier: BSD-3-Clause */
/* test_safe_bus.c - one bus, many threads */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "bus_fixture.h"
#include "bus_internal.h"

#define SENDERS 4
#define EACH 20000
#define FOREVER (-1)
/* Long enough for any machine; a test that waits for it has failed. */
#define LONG_MS 30000

static struct evcan_safe_bus *
open_safe(const char *spec, size_t capacity)
{
	struct evcan_error err = { .code = 0 };
	struct evcan_safe_bus *safe = evcan_safe_bus_open(
	    evcan_bus_new_spec(NULL, spec, &err), capacity, &err);

	if (safe == NULL)
		fail_msg("%s: %s", spec, err.text);
	return safe;
}

static struct evcan_frame
numbered(uint32_t id, uint32_t number)
{
	struct evcan_frame frame;

	evcan_frame_init(&frame, id, 0, &number, sizeof(number));
	return frame;
}

static uint32_t
number_of(const struct evcan_frame *frame)
{
	uint32_t number;

	memcpy(&number, frame->data, sizeof(number));
	return number;
}

static struct evcan_bus_stats
stats_of(struct evcan_safe_bus *safe)
{
	struct evcan_bus_stats stats;

	evcan_bus_get_stats(evcan_safe_bus_lock(safe), &stats);
	evcan_safe_bus_unlock(safe);
	return stats;
}

/* ---- one thread ---- */

static void
test_send_and_receive(void **state)
{
	struct evcan_safe_bus *a = open_safe("virtual:sb,rx_queue_size=64", 0);
	struct evcan_safe_bus *b = open_safe("virtual:sb", 0);
	struct evcan_frame frame = numbered(0x123, 7), got[4];
	uint64_t lost = 99;
	int64_t before;

	(void)state;
	assert_int_equal(evcan_safe_bus_recv(b, got, 4, 0, NULL), 0);
	before = evcan_now_monotonic();
	assert_int_equal(evcan_safe_bus_recv(b, got, 4, 30, &lost), 0);
	assert_true(evcan_now_monotonic() - before >= 30000000);
	assert_int_equal(lost, 0);
	assert_int_equal(evcan_safe_bus_send(a, &frame, FOREVER), 0);
	assert_int_equal(evcan_safe_bus_recv(b, got, 4, LONG_MS, &lost), 1);
	assert_int_equal(got[0].id, 0x123);
	assert_int_equal(number_of(&got[0]), 7);
	assert_int_equal(lost, 0);
	frame.id = 0x20000000;
	assert_int_equal(evcan_safe_bus_send(a, &frame, FOREVER),
	    EVCAN_ERR_INVALID);
	assert_int_equal(stats_of(a).sent, 1);
	assert_int_equal(stats_of(b).received, 1);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
	evcan_safe_bus_free(NULL);
}

static void
test_refused(void **state)
{
	struct event_base *base = event_base_new();
	struct evcan_error err = { .code = 0 };

	(void)state;
	/* The constructor's error is kept. */
	assert_null(evcan_safe_bus_open(evcan_bus_new_spec(NULL,
	    "nosuch:x,interface=nosuch", &err), 0, &err));
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	evcan_error_clear(&err);
	assert_null(evcan_safe_bus_open(evcan_bus_new_spec(base, "virtual:r",
	    &err), 0, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_error_clear(&err);
	assert_null(evcan_safe_bus_open(evcan_bus_new_spec(NULL, "virtual:r",
	    &err), 16777217, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_error_clear(&err);
	assert_null(evcan_safe_bus_open(evcan_bus_new_spec(NULL,
	    "socketcan:no/such", &err), 0, &err));
	assert_int_not_equal(err.code, 0);
	event_base_free(base);
}

/* All that a bus can do, under the lock, which may be nested. */
static void
test_lock(void **state)
{
	const struct evcan_filter filter = {
		.can_id = 0x100, .can_mask = 0x7ff
	};
	struct evcan_safe_bus *a = open_safe("virtual:sl", 0);
	struct evcan_safe_bus *b = open_safe("virtual:sl", 0);
	struct evcan_frame frame = numbered(0x100, 1), other = frame, got[4];
	struct evcan_bus *bus;

	(void)state;
	bus = evcan_safe_bus_lock(b);
	assert_ptr_equal(evcan_safe_bus_lock(b), bus);
	assert_int_equal(evcan_bus_set_filters(bus, &filter, 1,
	    EVCAN_FILTER_OR, NULL), 0);
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_ACTIVE);
	assert_int_equal(evcan_bus_get_mode(bus), EVCAN_MODE_NORMAL);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_UNSUPPORTED);
	assert_int_equal(evcan_bus_flush_tx_buffer(bus), 0);
	assert_int_equal(evcan_safe_bus_send(b, &frame, 0), EVCAN_ERR_STATE);
	assert_int_equal(evcan_safe_bus_close(b), EVCAN_ERR_STATE);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	evcan_safe_bus_unlock(b);
	evcan_safe_bus_unlock(b);
	other.id = 0x101;
	assert_int_equal(evcan_safe_bus_send(a, &other, FOREVER), 0);
	assert_int_equal(evcan_safe_bus_send(a, &frame, FOREVER), 0);
	assert_int_equal(evcan_safe_bus_recv(b, got, 4, LONG_MS, NULL), 1);
	assert_int_equal(got[0].id, 0x100);
	assert_int_equal(evcan_safe_bus_recv(a, got, 4, LONG_MS, NULL), 1);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
}

/* ---- eight threads ---- */

struct sender {
	pthread_t thread;
	struct evcan_safe_bus *safe;
	uint32_t id, each;
	int result;
};

static void *
send_all(void *arg)
{
	struct sender *sender = arg;

	for (uint32_t i = 0; i < sender->each && sender->result == 0; i++) {
		struct evcan_frame frame = numbered(sender->id, i);

		sender->result = evcan_safe_bus_send(sender->safe, &frame,
		    FOREVER);
	}
	return NULL;
}

struct receiver {
	pthread_t thread;
	struct evcan_safe_bus *safe;
	atomic_uint *left;           /* frames, of all receivers of the bus */
	uint64_t sum[SENDERS];
	uint32_t count[SENDERS], next[SENDERS], disorder;
	uint64_t lost;
	int result;
};

static void *
receive_all(void *arg)
{
	struct receiver *receiver = arg;
	struct evcan_frame got[64];
	uint64_t lost;
	int n;

	while ((n = evcan_safe_bus_recv(receiver->safe, got, 64, FOREVER,
	    &lost)) > 0) {
		receiver->lost += lost;
		for (int i = 0; i < n; i++) {
			uint32_t from = got[i].id % SENDERS;
			uint32_t number = number_of(&got[i]);

			if (number < receiver->next[from])
				receiver->disorder++;
			receiver->next[from] = number + 1;
			receiver->sum[from] += number;
			receiver->count[from]++;
		}
		if (atomic_fetch_sub(receiver->left, (unsigned)n) ==
		    (unsigned)n)
			break;
	}
	receiver->result = n;
	return NULL;
}

/* Two buses, each with two threads that send and two that receive. */
static void
test_eight_threads(void **state)
{
	struct evcan_safe_bus *bus[2];
	struct sender senders[SENDERS];
	struct receiver receivers[4];
	atomic_uint left[2];

	(void)state;
	memset(senders, 0, sizeof(senders));
	memset(receivers, 0, sizeof(receivers));
	for (int i = 0; i < 2; i++) {
		bus[i] = open_safe("virtual:eight,rx_patience=60", 0);
		atomic_init(&left[i], 2 * EACH);
	}
	for (int i = 0; i < 4; i++) {
		receivers[i].safe = bus[i / 2];
		receivers[i].left = &left[i / 2];
		pthread_create(&receivers[i].thread, NULL, receive_all,
		    &receivers[i]);
		senders[i].safe = bus[i / 2];
		senders[i].id = (uint32_t)i;
		senders[i].each = EACH;
		pthread_create(&senders[i].thread, NULL, send_all,
		    &senders[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(senders[i].thread, NULL);
		assert_int_equal(senders[i].result, 0);
	}
	/* One of each pair has seen the last; the other waits. */
	for (int i = 0; i < 2; i++) {
		while (atomic_load(&left[i]) > 0)
			poll(NULL, 0, 1);
		assert_int_equal(stats_of(bus[i]).lost_queue, 0);
		assert_int_equal(evcan_safe_bus_close(bus[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(receivers[i].thread, NULL);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(receivers[i].disorder, 0);
		assert_int_equal(receivers[i].lost, 0);
	}
	for (uint32_t from = 0; from < SENDERS; from++) {
		/* What bus 0 sends, bus 1 receives, and no other does. */
		struct receiver *r = &receivers[from / 2 == 0 ? 2 : 0];

		assert_int_equal(r[0].count[from] + r[1].count[from], EACH);
		assert_int_equal(r[0].sum[from] + r[1].sum[from],
		    (uint64_t)EACH * (EACH - 1) / 2);
	}
	for (int i = 0; i < 2; i++)
		evcan_safe_bus_free(bus[i]);
}

/* A thread that waits for frames does not hold up one that sends. */
static void
test_waiting_holds_nobody(void **state)
{
	struct evcan_safe_bus *a = open_safe("virtual:hold", 0);
	struct evcan_safe_bus *b = open_safe("virtual:hold", 0);
	struct sender sender = { .safe = b, .id = 1, .each = 1 };
	struct receiver receiver = { .safe = a };
	struct evcan_frame got[16];
	atomic_uint left;
	int n = 0;

	(void)state;
	atomic_init(&left, 1);
	receiver.left = &left;
	pthread_create(&receiver.thread, NULL, receive_all, &receiver);
	for (uint32_t i = 0; i < 1000; i++) {
		struct evcan_frame frame = numbered(0x10, i);

		assert_int_equal(evcan_safe_bus_send(a, &frame, FOREVER), 0);
	}
	while (n < 1000)
		n += evcan_safe_bus_recv(b, got, 16, LONG_MS, NULL);
	assert_int_equal(atomic_load(&left), 1);
	send_all(&sender);
	pthread_join(receiver.thread, NULL);
	assert_int_equal(receiver.count[1], 1);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
}

/* ---- a device without room ---- */

/* A bus that reads nothing and holds its senders. */
static struct evcan_bus *
stubborn(const char *spec)
{
	return open_bus(NULL, spec);
}

/* Sends until the device has no room. */
static unsigned
fill_device(struct evcan_safe_bus *safe)
{
	struct evcan_frame frame = numbered(1, 0);
	unsigned n = 0;

	while (evcan_safe_bus_send(safe, &frame, 0) == 0)
		n++;
	return n;
}

static void
test_send_timeout(void **state)
{
	struct evcan_bus *deaf =
	    stubborn("virtual:deaf,rx_queue_size=8,rx_patience=3600");
	struct evcan_safe_bus *safe = open_safe("virtual:deaf", 0);
	struct evcan_frame frame = numbered(2, 0), got[64];
	unsigned filled = fill_device(safe);
	int64_t before = evcan_now_monotonic();
	int n, all = 0;

	(void)state;
	assert_true(filled >= 8);
	assert_int_equal(evcan_safe_bus_send(safe, &frame, 50),
	    EVCAN_ERR_TIMEOUT);
	assert_true(evcan_now_monotonic() - before >= 50000000);
	/* None of those that timed out is sent later. */
	do {
		n = evcan_bus_recv_wait(deaf, got, 64, 20);
		assert_true(n >= 0);
		for (int i = 0; i < n; i++)
			assert_int_equal(got[i].id, 1);
		all += n;
	} while (n > 0);
	assert_int_equal(all, filled);
	assert_int_equal(evcan_safe_bus_send(safe, &frame, LONG_MS), 0);
	evcan_safe_bus_free(safe);
	evcan_bus_free(deaf);
}

/* The transmit queue itself is full: senders wait for that, too, and all go
 * in the end. */
static void
test_full_transmit_queue(void **state)
{
	struct evcan_bus *deaf =
	    stubborn("virtual:full,rx_queue_size=8,rx_patience=3600");
	struct evcan_safe_bus *safe =
	    open_safe("virtual:full,tx_queue_size=2", 0);
	struct evcan_frame frame = numbered(2, 0), got[64];
	struct sender senders[SENDERS];
	unsigned n, want = fill_device(safe) + SENDERS * 100;

	(void)state;
	memset(senders, 0, sizeof(senders));
	for (uint32_t i = 0; i < SENDERS; i++) {
		senders[i].safe = safe;
		senders[i].id = i;
		senders[i].each = 100;
		pthread_create(&senders[i].thread, NULL, send_all,
		    &senders[i]);
	}
	while (stats_of(safe).tx_queued < 2 ||
	    stats_of(safe).send_refused == 0)
		poll(NULL, 0, 1);
	assert_int_equal(evcan_safe_bus_send(safe, &frame, 10),
	    EVCAN_ERR_TIMEOUT);
	for (n = 0; n < want; ) {
		int r = evcan_bus_recv_wait(deaf, got, 64, LONG_MS);

		assert_true(r > 0);
		n += (unsigned)r;
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		assert_int_equal(senders[i].result, 0);
	}
	assert_int_equal(n, want);
	evcan_safe_bus_free(safe);
	evcan_bus_free(deaf);
}

/* ---- closing ---- */

static void
test_close_while_waiting(void **state)
{
	struct evcan_bus *deaf =
	    stubborn("virtual:close,rx_queue_size=8,rx_patience=3600");
	struct evcan_safe_bus *safe = open_safe("virtual:close,"
	    "tx_queue_size=2,close_timeout=0.05", 0);
	struct evcan_frame frame = numbered(2, 0), got[4];
	struct receiver receivers[4];
	struct sender senders[SENDERS];
	atomic_uint left;
	int canceled = 0;

	(void)state;
	memset(receivers, 0, sizeof(receivers));
	memset(senders, 0, sizeof(senders));
	atomic_init(&left, 1);
	fill_device(safe);
	for (int i = 0; i < 4; i++) {
		receivers[i].safe = safe;
		receivers[i].left = &left;
		pthread_create(&receivers[i].thread, NULL, receive_all,
		    &receivers[i]);
		senders[i].safe = safe;
		senders[i].each = 1;
		pthread_create(&senders[i].thread, NULL, send_all,
		    &senders[i]);
	}
	/* In the transmit queue, and waiting for room there. */
	while (stats_of(safe).tx_queued < 2 ||
	    stats_of(safe).send_refused < 2)
		poll(NULL, 0, 1);
	assert_int_equal(evcan_safe_bus_close(safe), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(receivers[i].thread, NULL);
		pthread_join(senders[i].thread, NULL);
		/* Who had not begun to wait yet finds it closed. */
		assert_true(receivers[i].result == EVCAN_ERR_CANCELED ||
		    receivers[i].result == EVCAN_ERR_STATE);
		assert_true(senders[i].result == EVCAN_ERR_CANCELED ||
		    senders[i].result == EVCAN_ERR_STATE);
		canceled += senders[i].result == EVCAN_ERR_CANCELED;
	}
	assert_true(canceled > 0);
	assert_int_equal(evcan_safe_bus_close(safe), EVCAN_ERR_STATE);
	assert_int_equal(evcan_safe_bus_send(safe, &frame, FOREVER),
	    EVCAN_ERR_STATE);
	assert_int_equal(evcan_safe_bus_recv(safe, got, 4, FOREVER, NULL),
	    EVCAN_ERR_STATE);
	assert_true(stats_of(safe).sent >= 8);
	evcan_safe_bus_free(safe);
	evcan_bus_free(deaf);
}

/* What was received before a close is there after it. */
static void
test_close_keeps_frames(void **state)
{
	struct evcan_safe_bus *a = open_safe("virtual:keep", 0);
	struct evcan_safe_bus *b = open_safe("virtual:keep", 0);
	struct evcan_frame frame = numbered(3, 1), got[16];

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(evcan_safe_bus_send(a, &frame, FOREVER), 0);
	while (stats_of(b).received < 10)
		poll(NULL, 0, 1);
	assert_int_equal(evcan_safe_bus_close(b), 0);
	assert_int_equal(evcan_safe_bus_recv(b, got, 4, FOREVER, NULL), 4);
	assert_int_equal(evcan_safe_bus_recv(b, got, 16, 0, NULL), 6);
	assert_int_equal(evcan_safe_bus_recv(b, got, 16, 0, NULL),
	    EVCAN_ERR_STATE);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
}

/* ---- a reader that sleeps ---- */

/* Frames of 1,000 in a queue of 16: nobody takes any, so most are lost; they
 * are counted, and the gap is told where it is. */
static void
test_gap(void **state)
{
	struct evcan_safe_bus *a = open_safe("virtual:gap", 0);
	struct evcan_safe_bus *b = open_safe("virtual:gap", 16);
	struct evcan_frame frame, got[512];
	uint64_t gap, lost = 0;
	uint32_t next = 0;
	int n;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		frame = numbered(4, i);
		assert_int_equal(evcan_safe_bus_send(a, &frame, FOREVER), 0);
	}
	while (stats_of(b).received + stats_of(b).lost_queue < 1000)
		poll(NULL, 0, 10);
	n = evcan_safe_bus_recv(b, got, 512, LONG_MS, &gap);
	assert_in_range(n, 16, 16 + 256);
	assert_int_equal(gap, 0);
	next = number_of(&got[n - 1]) + 1;
	assert_int_equal(next, n);
	/* It goes on, and what follows says how many are missing. */
	frame = numbered(4, 1000);
	assert_int_equal(evcan_safe_bus_send(a, &frame, FOREVER), 0);
	do {
		n = evcan_safe_bus_recv(b, got, 512, LONG_MS, &gap);
		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			assert_int_equal(number_of(&got[i]),
			    next + (i == 0 ? gap : 0));
			next = number_of(&got[i]) + 1;
		}
		lost += gap;
	} while (next <= 1000);
	assert_true(lost > 0);
	assert_int_equal(stats_of(b).lost_queue, lost);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
}

/* One that is slow loses nothing: the senders wait. */
static void
test_slow_reader(void **state)
{
	struct evcan_safe_bus *a = open_safe("virtual:slow", 0);
	struct evcan_safe_bus *b = open_safe("virtual:slow,rx_queue_size=64,"
	    "rx_patience=60", 16);
	struct sender sender = { .safe = a, .id = 1, .each = 5000 };
	struct evcan_frame got[3];
	uint32_t next = 0;
	uint64_t gap;

	(void)state;
	pthread_create(&sender.thread, NULL, send_all, &sender);
	while (next < 5000) {
		int n = evcan_safe_bus_recv(b, got, 3, LONG_MS, &gap);

		assert_true(n > 0);
		assert_int_equal(gap, 0);
		for (int i = 0; i < n; i++)
			assert_int_equal(number_of(&got[i]), next++);
	}
	pthread_join(sender.thread, NULL);
	assert_int_equal(sender.result, 0);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
}

/* ---- periodic tasks ---- */

struct modifying {
	pthread_t thread;
	struct evcan_safe_bus *safe;
	struct evcan_cyclic *task;
	uint8_t value;
	int result;
};

static void *
modify_often(void *arg)
{
	struct modifying *m = arg;
	uint8_t data[8];

	memset(data, m->value, sizeof(data));
	for (int i = 0; i < 500 && m->result == 0; i++) {
		struct evcan_frame frame;

		evcan_frame_init(&frame, 0x50, 0, data, 8);
		evcan_safe_bus_lock(m->safe);
		m->result = evcan_cyclic_modify(m->task, &frame, 1, NULL);
		evcan_safe_bus_unlock(m->safe);
	}
	return NULL;
}

/* Sent while nobody calls, never early, changed from two threads: each frame
 * is whole. */
static void
test_periodic(void **state)
{
	struct evcan_safe_bus *a = open_safe("virtual:per", 0);
	struct evcan_safe_bus *b = open_safe("virtual:per", 0);
	struct evcan_frame frame, got[64];
	struct modifying m[2];
	struct evcan_cyclic *task;
	int64_t start = evcan_now_monotonic();
	int n, all = 0;

	(void)state;
	memset(m, 0, sizeof(m));
	evcan_frame_init(&frame, 0x50, 0, "\0\0\0\0\0\0\0\0", 8);
	task = evcan_bus_send_periodic(evcan_safe_bus_lock(a), &frame, 1,
	    1000000, 200000000, NULL);
	evcan_safe_bus_unlock(a);
	assert_non_null(task);
	for (int i = 0; i < 2; i++) {
		m[i].safe = a;
		m[i].task = task;
		m[i].value = (uint8_t)(0x11 * (i + 1));
		pthread_create(&m[i].thread, NULL, modify_often, &m[i]);
	}
	while (all < 200) {
		n = evcan_safe_bus_recv(b, got, 64, LONG_MS, NULL);
		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			for (int j = 1; j < 8; j++)
				assert_int_equal(got[i].data[j],
				    got[i].data[0]);
		}
		all += n;
	}
	assert_int_equal(all, 200);
	assert_true(evcan_now_monotonic() - start >= 199000000);
	for (int i = 0; i < 2; i++) {
		pthread_join(m[i].thread, NULL);
		assert_int_equal(m[i].result, 0);
	}
	evcan_safe_bus_lock(a);
	assert_false(evcan_cyclic_running(task));
	assert_int_equal(evcan_cyclic_start(task, NULL), 0);
	assert_int_equal(evcan_cyclic_stop(task), 0);
	evcan_safe_bus_unlock(a);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
}

/* Far fewer late than sent, though others send all the time. */
static void
test_periodic_under_load(void **state)
{
	struct evcan_safe_bus *a = open_safe("virtual:load", 0);
	struct evcan_safe_bus *b = open_safe("virtual:load", 0);
	struct sender senders[2];
	struct evcan_cyclic_stats stats;
	struct evcan_cyclic *task;
	struct evcan_frame frame = numbered(9, 0), got[256];

	(void)state;
	memset(senders, 0, sizeof(senders));
	for (uint32_t i = 0; i < 2; i++) {
		senders[i].safe = a;
		senders[i].id = i;
		senders[i].each = 200000;
		pthread_create(&senders[i].thread, NULL, send_all,
		    &senders[i]);
	}
	task = evcan_bus_send_periodic(evcan_safe_bus_lock(a), &frame, 1,
	    1000000, 100000000, NULL);
	evcan_safe_bus_unlock(a);
	do {
		assert_true(evcan_safe_bus_recv(b, got, 256, LONG_MS,
		    NULL) > 0);
		evcan_cyclic_get_stats((evcan_safe_bus_lock(a), task), &stats);
		evcan_safe_bus_unlock(a);
	} while (stats.sent < 100);
	assert_true(stats.worst_late_ns < 2000000000);
	evcan_safe_bus_close(a);
	for (int i = 0; i < 2; i++)
		pthread_join(senders[i].thread, NULL);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
}

static void
stop_itself(struct evcan_cyclic *task, struct evcan_frame *frame,
    uint64_t number, void *arg)
{
	struct evcan_safe_bus *safe = *(struct evcan_safe_bus **)arg;

	/* Locked here already, so that this may be nested. */
	assert_ptr_equal(evcan_safe_bus_lock(safe), evcan_cyclic_bus(task));
	assert_int_equal(evcan_safe_bus_send(safe, frame, FOREVER),
	    EVCAN_ERR_STATE);
	assert_int_equal(evcan_safe_bus_close(safe), EVCAN_ERR_STATE);
	frame->data[0] = (uint8_t)number;
	if (number == 5)
		evcan_cyclic_stop(task);
	evcan_safe_bus_unlock(safe);
}

static void
test_modifier_in_its_thread(void **state)
{
	struct evcan_safe_bus *a = open_safe("virtual:mod", 0);
	struct evcan_safe_bus *b = open_safe("virtual:mod", 0);
	const struct evcan_cyclic_config config = {
		.period_ns = 1000000, .store = true, .modifier = stop_itself,
		.modifier_arg = &a
	};
	struct evcan_frame frame = numbered(8, 0), got;
	struct evcan_cyclic *task;

	(void)state;
	task = evcan_cyclic_new(evcan_safe_bus_lock(a), &frame, 1, &config,
	    NULL);
	assert_non_null(task);
	assert_int_equal(evcan_cyclic_start(task, NULL), 0);
	evcan_safe_bus_unlock(a);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(evcan_safe_bus_recv(b, &got, 1, LONG_MS,
		    NULL), 1);
		assert_int_equal(got.data[0], i);
	}
	assert_int_equal(evcan_safe_bus_recv(b, &got, 1, 20, NULL), 0);
	evcan_safe_bus_free(a);
	evcan_safe_bus_free(b);
}

/* ---- life ---- */

static unsigned
count_in(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
test_thousand_times(void **state)
{
	struct evcan_frame frame = numbered(1, 1), got;
	unsigned fds = count_in("/proc/self/fd");
	unsigned threads = count_in("/proc/self/task");

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct evcan_safe_bus *safe = open_safe("virtual:often,"
		    "receive_own_messages=true", 1 + (size_t)i % 64);

		assert_int_equal(evcan_safe_bus_send(safe, &frame, FOREVER),
		    0);
		if (i % 2)
			assert_int_equal(evcan_safe_bus_recv(safe, &got, 1,
			    LONG_MS, NULL), 1);
		if (i % 3 == 0)
			assert_int_equal(evcan_safe_bus_close(safe), 0);
		evcan_safe_bus_free(safe);
	}
	assert_int_equal(count_in("/proc/self/fd"), fds);
	/* The kernel takes a moment to forget a thread that was joined. */
	for (int i = 0; i < 1000 && count_in("/proc/self/task") > threads; i++)
		poll(NULL, 0, 1);
	assert_int_equal(count_in("/proc/self/task"), threads);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send_and_receive),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_eight_threads),
		cmocka_unit_test(test_waiting_holds_nobody),
		cmocka_unit_test(test_send_timeout),
		cmocka_unit_test(test_full_transmit_queue),
		cmocka_unit_test(test_close_while_waiting),
		cmocka_unit_test(test_close_keeps_frames),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_periodic_under_load),
		cmocka_unit_test(test_modifier_in_its_thread),
		cmocka_unit_test(test_thousand_times)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_safe_bus_alloc.c - memory, fds and threads run out behind a safe bus
 *
 * A safe bus lives a whole life in which one allocation fails, the first, the
 * second and so on: each call is well or says so, and nothing is lost that
 * was said to be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <time.h>

#include <evcan/driver.h>

#include "bus_fixture.h"
#include "leaks.h"

#include "alloc_fail.h"
#include "shortage.h"

#define MS ((int64_t)1000000)
#define LONG_MS 20000
#define ROOM 8              /* frames that the other one takes unread */
#define CYCLES 3

static struct evcan_bus *other;
static long nth;            /* what fails now, for messages */

/* What the safe bus said that it has sent, or will. */
static unsigned sent, queued, told, came;

static void
expect(int r, int also)
{
	if (r < 0 && r != EVCAN_ERR_NOMEM && r != also)
		fail_msg("failure %ld: %s", nth, evcan_error_name(r));
}

static struct evcan_frame
frame_of(uint32_t id)
{
	struct evcan_frame frame;

	evcan_frame_init(&frame, id, 0, "abcd", 4);
	return frame;
}

static void
on_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	(void)bus;
	(void)frame;
	(void)arg;
	told++;
	expect(result, 0);
}

/* What the other one has got. */
static void
drain(void)
{
	struct evcan_frame got[16];
	int n;

	evcan_bus_process(other);
	while ((n = evcan_bus_recv(other, got, 16)) > 0)
		came += (unsigned)n;
	assert_int_equal(n, 0);
}

/* Fills it up, so that the transmit queue is needed. */
static void
fill(struct evcan_safe_bus *safe)
{
	const struct evcan_frame frame = frame_of(0x100);

	for (int i = 0; i < ROOM; i++) {
		int r = evcan_safe_bus_send(safe, &frame, LONG_MS);

		expect(r, 0);
		sent += r == 0;
	}
	while (sent < ROOM) {
		assert_int_equal(evcan_safe_bus_send(safe, &frame, LONG_MS),
		    0);
		sent++;
	}
	expect(evcan_safe_bus_send(safe, &frame, 0), EVCAN_ERR_TIMEOUT);
	expect(evcan_safe_bus_send(safe, &frame, 1), EVCAN_ERR_TIMEOUT);
}

/* What is done under the lock. @return a task, or NULL */
static struct evcan_cyclic *
do_locked(struct evcan_safe_bus *safe)
{
	const struct evcan_filter filter = {
		.can_id = 0x200, .can_mask = 0x700
	};
	const struct evcan_frame frame = frame_of(0x101);
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_safe_bus_lock(safe);
	struct evcan_cyclic *task;
	int r;

	if (evcan_bus_set_filters(bus, &filter, 1, EVCAN_FILTER_OR,
	    &err) < 0)
		expect(err.code, 0);
	evcan_error_clear(&err);
	for (int i = 0; i < 3; i++) {
		r = evcan_bus_send_cb(bus, &frame, LONG_MS, on_sent, NULL);
		expect(r, EVCAN_ERR_FULL);
		queued += r == 0;
	}
	r = evcan_bus_send(bus, &frame, 1);
	expect(r, EVCAN_ERR_FULL);
	sent += r == 1;
	task = evcan_bus_send_periodic(bus, &frame, 1, MS, CYCLES * MS, &err);
	if (task == NULL)
		expect(err.code, 0);
	evcan_safe_bus_unlock(safe);
	return task;
}

/* Waits for the task's end and for all outcomes. @return its sends */
static uint64_t
await_all(struct evcan_safe_bus *safe, struct evcan_cyclic *task)
{
	const int64_t end = evcan_now_monotonic() + LONG_MS * MS;
	struct evcan_cyclic_stats stats = { 0 };
	bool done = false;

	while (!done) {
		drain();
		evcan_safe_bus_lock(safe);
		if (task != NULL)
			evcan_cyclic_get_stats(task, &stats);
		done = told == queued && (task == NULL ||
		    !evcan_cyclic_running(task)) &&
		    came == sent + queued + stats.sent;
		evcan_safe_bus_unlock(safe);
		if (evcan_now_monotonic() > end)
			fail_msg("failure %ld: %u of %u + %u + %u", nth, came,
			    sent, queued, (unsigned)stats.sent);
		if (!done)
			nanosleep(&(struct timespec){ 0, 100000 }, NULL);
	}
	return stats.sent;
}

/* One frame passes its filter; without the filter another does, too. */
static void
receive(struct evcan_safe_bus *safe)
{
	const struct evcan_frame frames[] = {
		frame_of(0x7ff), frame_of(0x234)
	};
	struct evcan_frame got;
	uint64_t lost;

	assert_int_equal(evcan_bus_send(other, frames, 2), 2);
	do {
		assert_int_equal(evcan_safe_bus_recv(safe, &got, 1, LONG_MS,
		    &lost), 1);
		assert_int_equal(lost, 0);
	} while (got.id != 0x234);
	assert_int_equal(evcan_safe_bus_recv(safe, &got, 1, 0, NULL), 0);
}

static void
live_open(struct evcan_safe_bus *safe)
{
	struct evcan_frame frame = frame_of(0x100), got;

	fill(safe);
	await_all(safe, do_locked(safe));
	receive(safe);
	assert_int_equal(evcan_safe_bus_close(safe), 0);
	assert_int_equal(evcan_safe_bus_close(safe), EVCAN_ERR_STATE);
	assert_int_equal(evcan_safe_bus_send(safe, &frame, 0),
	    EVCAN_ERR_STATE);
	assert_int_equal(evcan_safe_bus_recv(safe, &got, 1, 0, NULL),
	    EVCAN_ERR_STATE);
	evcan_safe_bus_free(safe);
}

/* @return whether something failed */
static bool
live(const struct shortage *shortage)
{
	struct evcan_error err = { 0 };
	const int threads = count_threads();
	struct evcan_safe_bus *safe;
	bool failed;
	int fds;

	other = open_bus(NULL, "virtual:sba,rx_queue_size=8,rx_patience=3600,"
	    "ignore_config=true");
	sent = queued = told = came = 0;
	fds = count_fds();
	shortage->start(nth);
	safe = evcan_safe_bus_open(evcan_bus_new_spec(NULL, "virtual:sba,"
	    "tx_queue_size=4,ignore_config=true", &err), 16, &err);
	if (safe != NULL)
		live_open(safe);
	failed = shortage->stop();
	if (safe == NULL && ((err.code != EVCAN_ERR_NOMEM &&
	    err.code != shortage->code) || err.text[0] == '\0'))
		fail_msg("failure %ld: %d %s", nth, err.code, err.text);
	assert_int_equal(await_threads(threads), threads);
	assert_int_equal(count_fds(), fds);
	evcan_bus_free(other);
	return failed || safe == NULL;
}

/* Until a life goes by without a failure. @return how many were tried */
static long
all_lives(const struct shortage *shortage, long first)
{
	bool failed = true;

	for (nth = first; failed; nth++)
		failed = live(shortage);
	return nth - first;
}

static void
memory_may_run_out(void **state)
{
	(void)state;
	assert_in_range(all_lives(&of_memory, 1), 20, 1000);
}

static void
fds_may_run_out(void **state)
{
	(void)state;
	assert_in_range(all_lives(&of_fds, 3), 3, 100);
}

static void
a_thread_may_not_be_had(void **state)
{
	(void)state;
	if (of_threads.code == 0)
		skip();
	nth = 1;
	assert_true(live(&of_threads));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_may_run_out),
		cmocka_unit_test(fds_may_run_out),
		cmocka_unit_test(a_thread_may_not_be_had)
	};

	if (!alloc_fail_works()) {
		fprintf(stderr, "not linked with --wrap=malloc\n");
		return 1;
	}
	warm_up_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

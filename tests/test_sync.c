/* SPDX-License-Identifier: BSD-3-Clause */
/* test_sync.c - python-can's MessageSync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/options.h>
#include <evcan/sync.h>

#define SEC 1000000000ll
#define MS 1000000ll
#define NOW (1000 * SEC)
#define EPOCH (1700000000ll * SEC)

static struct evcan_sync *
make(const char *const *pairs, struct evcan_error *err)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_sync *sync;

	for (; *pairs != NULL; pairs++)
		assert_int_equal(evcan_options_set_pair(options, *pairs, NULL,
		    NULL), 0);
	sync = evcan_sync_new(options, err);
	evcan_options_free(options);
	return sync;
}

#define MAKE(...) make((const char *const[]){ __VA_ARGS__, NULL }, NULL)

static struct evcan_frame
at(int64_t time_ns)
{
	const struct evcan_frame frame = {
		.time_ns = time_ns, .clock = EVCAN_CLOCK_HOST
	};

	return frame;
}

static int64_t
due(struct evcan_sync *sync, int64_t time_ns, int64_t now)
{
	const struct evcan_frame frame = at(time_ns);

	return evcan_sync_due(sync, &frame, now);
}

static void
test_defaults(void **state)
{
	struct evcan_sync *sync = evcan_sync_new(NULL, NULL);

	(void)state;
	assert_non_null(sync);
	assert_int_equal(due(sync, EPOCH, NOW), NOW);
	/* One that comes late does not move the others. */
	assert_int_equal(due(sync, EPOCH + SEC, NOW + 7 * SEC), NOW + SEC);
	/* skip is 60 s; what is cut out stays cut out. */
	assert_int_equal(due(sync, EPOCH + 101 * SEC, NOW + SEC),
	    NOW + 61 * SEC);
	assert_int_equal(due(sync, EPOCH + 102 * SEC, NOW + SEC),
	    NOW + 62 * SEC);
	evcan_sync_restart(sync);
	assert_int_equal(due(sync, EPOCH + 500 * SEC, NOW + 2), NOW + 2);
	evcan_sync_free(sync);
	evcan_sync_free(NULL);
}

static void
test_never_skip(void **state)
{
	struct evcan_sync *sync = MAKE("skip=0", "speed=2");

	(void)state;
	due(sync, EPOCH, NOW);
	assert_int_equal(due(sync, EPOCH + 1000 * SEC, NOW),
	    NOW + 500 * SEC);
	evcan_sync_free(sync);
}

/* Each a gap after the one before, the first too. */
static void
test_gap(void **state)
{
	struct evcan_sync *sync = MAKE("timestamps=false", "gap=0.04");

	(void)state;
	for (int64_t i = 1; i < 100; i++)
		assert_int_equal(due(sync, EPOCH + 7 * i * SEC, NOW + i),
		    NOW + 1 + i * 40 * MS);
	evcan_sync_restart(sync);
	assert_int_equal(due(sync, EPOCH, NOW), NOW + 40 * MS);
	evcan_sync_free(sync);
	/* A gap means nothing with timestamps. */
	sync = MAKE("gap=5");
	due(sync, EPOCH, NOW);
	assert_int_equal(due(sync, EPOCH + 1, NOW), NOW + 1);
	evcan_sync_free(sync);
}

static void
test_wait(void **state)
{
	struct evcan_sync *sync = evcan_sync_new(NULL, NULL);
	int64_t before = evcan_now_monotonic();

	(void)state;
	for (int i = 0; i <= 5; i++) {
		const struct evcan_frame frame = at(EPOCH + i * 10 * MS);

		assert_int_equal(evcan_sync_wait(sync, &frame), 0);
		assert_true(evcan_now_monotonic() - before >= i * 10 * MS);
	}
	assert_true(evcan_now_monotonic() - before < 5 * SEC);
	evcan_sync_free(sync);
}

static void
on_alarm(int number)
{
	(void)number;
}

/* A signal ends the sleep; the frame waits on where it was. */
static void
test_signal(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct evcan_sync *sync = evcan_sync_new(NULL, NULL);
	struct evcan_frame frame = at(EPOCH);
	int64_t before = evcan_now_monotonic();

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	assert_int_equal(evcan_sync_wait(sync, &frame), 0);
	frame = at(EPOCH + 300 * MS);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(evcan_sync_wait(sync, &frame), EVCAN_ERR_OPERATION);
	assert_int_equal(evcan_sync_wait(sync, &frame), 0);
	assert_true(evcan_now_monotonic() - before >= 300 * MS);
	frame = at(EPOCH + 301 * MS);
	assert_int_equal(evcan_sync_wait(sync, &frame), 0);
	assert_true(evcan_now_monotonic() - before >= 301 * MS);
	assert_true(evcan_now_monotonic() - before < 5 * SEC);
	evcan_sync_free(sync);
}

static void
test_wrong(void **state)
{
	static const char *const wrong[] = { "speed=0", "speed=-1",
		"speed=2e6", "gap=-1", "skip=-0.1", "timestamps=perhaps",
		"gep=1", "speed=nan" };
	struct evcan_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *const pairs[] = { wrong[i], NULL };
		char name[16];

		evcan_error_clear(&err);
		assert_null(make(pairs, &err));
		assert_int_equal(err.code, EVCAN_ERR_INVALID);
		snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(wrong[i], "="), wrong[i]);
		assert_non_null(strstr(err.text, name));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_never_skip),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_wrong)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

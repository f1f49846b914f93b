/* SPDX-License-Identifier: BSD-3-Clause */
/* test_squeeze.c - blocks come back in order, whoever compressed them */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include <evcan/error.h>

#include "squeeze.h"

#define BLOCK 40000u

/* The bytes and the length of the i-th block. */
static size_t
make_block(uint8_t *block, uint64_t i)
{
	const size_t n = i % 7 == 3 ? 0 : (size_t)(i * 7919 % BLOCK);
	uint32_t state = (uint32_t)i;

	for (size_t k = 0; k < n; k++) {
		state = state * 1664525u + 1013904223u;
		block[k] = (uint8_t)(state >> 28);
	}
	return n;
}

/* Unpacks what was fetched and compares it with the i-th block. */
static void
check_block(const struct evcan_squeezed_ *got, uint64_t i)
{
	static uint8_t want[BLOCK], back[BLOCK + 1];
	const size_t n = make_block(want, i);
	uLongf len = sizeof(back);

	assert_int_equal(got->tag, i + 1000);
	assert_int_equal(got->original, n);
	assert_int_equal(uncompress(back, &len, got->data,
	    (uLong)got->len), Z_OK);
	assert_int_equal(len, n);
	assert_memory_equal(back, want, n);
}

static void
put_block(struct evcan_squeeze_ *squeeze, uint64_t i)
{
	uint8_t *block = malloc(BLOCK);
	size_t n, held = evcan_squeeze_held_(squeeze);

	assert_non_null(block);
	n = make_block(block, i);
	assert_int_equal(evcan_squeeze_put_(squeeze, block, n, i + 1000), 0);
	assert_int_equal(evcan_squeeze_held_(squeeze), held + n);
	/* It was copied. */
	memset(block, 0xee, BLOCK);
	free(block);
}

/* Many blocks; fetched as late as possible, or as soon as possible. */
static void
pass_blocks(enum evcan_codec_ codec, unsigned threads, bool late)
{
	struct evcan_squeeze_ *squeeze = evcan_squeeze_new_(codec,
	    EVCAN_WRAP_ZLIB, 1, threads, NULL);
	struct evcan_squeezed_ got;
	uint64_t put = 0, fetched = 0;

	assert_non_null(squeeze);
	assert_false(evcan_squeeze_get_(squeeze, true, &got));
	while (fetched < 150) {
		while (put < 150 && evcan_squeeze_has_room_(squeeze)) {
			put_block(squeeze, put++);
			if (!late)
				break;
		}
		if (put < 150 && !evcan_squeeze_has_room_(squeeze))
			assert_int_equal(evcan_squeeze_put_(squeeze, "x", 1,
			    0), EVCAN_ERR_FULL);
		while (evcan_squeeze_get_(squeeze, late || put == 150,
		    &got)) {
			check_block(&got, fetched++);
			if (late && put < 150)
				break;
		}
		assert_true(fetched <= put);
		assert_true(put - fetched <= 2 * (threads + 1));
	}
	assert_int_equal(evcan_squeeze_held_(squeeze), 0);
	assert_false(evcan_squeeze_get_(squeeze, true, &got));
	evcan_squeeze_free_(squeeze);
}

static void
test_order(void **unused)
{
	static const unsigned threads[] = { 0, 1, 2, 5, 99 };

	(void)unused;
	for (unsigned codec = 0; codec <= EVCAN_CODEC_ISAL; codec++) {
		if (!evcan_codec_is_built_in_(codec))
			continue;
		for (unsigned i = 0; i < 5; i++) {
			if (threads[i] == 99) {
				/* More than there may be. */
				struct evcan_squeeze_ *squeeze =
				    evcan_squeeze_new_(codec, EVCAN_WRAP_GZIP,
				    9, 99, NULL);

				assert_non_null(squeeze);
				evcan_squeeze_free_(squeeze);
				continue;
			}
			pass_blocks(codec, threads[i], false);
			pass_blocks(codec, threads[i], true);
		}
	}
}

/* A fetched block stays until the next is fetched, whatever is put. */
static void
test_stays(void **unused)
{
	(void)unused;
	for (unsigned threads = 0; threads < 4; threads++) {
		struct evcan_squeeze_ *squeeze = evcan_squeeze_new_(
		    EVCAN_CODEC_AUTO, EVCAN_WRAP_ZLIB, 1, threads, NULL);
		struct evcan_squeezed_ got;
		uint64_t put = 0;

		assert_non_null(squeeze);
		put_block(squeeze, put++);
		for (uint64_t i = 0; i < 20; i++) {
			assert_true(evcan_squeeze_get_(squeeze, true, &got));
			while (evcan_squeeze_has_room_(squeeze))
				put_block(squeeze, put++);
			usleep(500);
			check_block(&got, i);
		}
		evcan_squeeze_free_(squeeze);   /* with blocks in it */
	}
}

/* Helpers work while nobody waits for them. */
static void
test_helps(void **unused)
{
	struct evcan_squeeze_ *squeeze = evcan_squeeze_new_(EVCAN_CODEC_ZLIB,
	    EVCAN_WRAP_ZLIB, 1, 1, NULL);
	struct evcan_squeezed_ got;
	int tries = 0;

	(void)unused;
	assert_non_null(squeeze);
	put_block(squeeze, 5);
	while (!evcan_squeeze_get_(squeeze, false, &got) && tries++ < 5000)
		usleep(1000);
	check_block(&got, 5);
	evcan_squeeze_free_(squeeze);
}

static volatile sig_atomic_t strange;
static pthread_t main_thread;

static void
on_signal(int number)
{
	(void)number;
	if (!pthread_equal(pthread_self(), main_thread))
		strange = 1;
}

/* The application's signals never arrive at a helper. */
static void
test_signals(void **unused)
{
	struct evcan_squeeze_ *squeeze;
	sigset_t usr1, old, after;
	int got;

	(void)unused;
	main_thread = pthread_self();
	signal(SIGUSR1, on_signal);
	squeeze = evcan_squeeze_new_(EVCAN_CODEC_AUTO, EVCAN_WRAP_ZLIB, 1, 4,
	    NULL);
	assert_non_null(squeeze);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, &old);
	assert_false(sigismember(&old, SIGUSR1));
	kill(getpid(), SIGUSR1);
	usleep(20000);
	sigpending(&after);
	assert_true(sigismember(&after, SIGUSR1));
	sigwait(&usr1, &got);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(strange, 0);
	evcan_squeeze_free_(squeeze);
}

static void
test_refused(void **unused)
{
	struct evcan_error err = { 0 };

	(void)unused;
	assert_null(evcan_squeeze_new_(EVCAN_CODEC_AUTO, EVCAN_WRAP_ZLIB, 77,
	    2, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	evcan_squeeze_free_(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_helps),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_refused)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

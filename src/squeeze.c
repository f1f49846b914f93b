/* SPDX-License-Identifier: BSD-3-Clause */
/* squeeze.c - blocks compressed in order, by the caller or by helpers */
#include "squeeze.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

/*
 * A ring of slots. Blocks are put at `tail`, taken up at `next` by whichever
 * helper is free, and fetched at `head`, which waits for that very block: so
 * the order stays. Who must wait for a block compresses another one
 * meanwhile. The slot fetched last is kept from being used again: hence one
 * slot more than there is room for.
 *
 * `head` and `tail` are moved by the caller only; the lock guards `next`,
 * `stop`, each slot's `done` and, for the helpers, `tail`. Counters only
 * grow; a slot's index is the counter modulo the slots.
 */

struct slot {
	uint8_t *in, *out;
	size_t in_size, out_size;
	size_t n, len;
	uint64_t tag;
	bool done;
};

struct evcan_squeeze_ {
	struct evcan_deflater_ *deflater;   /* the caller's own */
	unsigned threads;                   /* that run */
	unsigned room, slot_count;
	struct slot *slots;
	size_t held;
	uint64_t head, next, tail;
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct helper *helpers;
};

struct helper {
	struct evcan_squeeze_ *squeeze;
	struct evcan_deflater_ *deflater;
	pthread_t thread;
};

static struct slot *
slot_at(const struct evcan_squeeze_ *squeeze, uint64_t counter)
{
	return &squeeze->slots[counter % squeeze->slot_count];
}

/* Takes up the next block. The lock is held, and is again afterwards. */
static void
work_on(struct evcan_squeeze_ *squeeze, struct evcan_deflater_ *deflater)
{
	struct slot *slot = slot_at(squeeze, squeeze->next++);

	pthread_mutex_unlock(&squeeze->lock);
	slot->len = evcan_deflater_run_(deflater, slot->in, slot->n,
	    slot->out, slot->out_size);
	pthread_mutex_lock(&squeeze->lock);
	slot->done = true;
	pthread_cond_signal(&squeeze->done);
}

static void *
help(void *arg)
{
	struct helper *helper = arg;
	struct evcan_squeeze_ *squeeze = helper->squeeze;

	pthread_mutex_lock(&squeeze->lock);
	while (!squeeze->stop) {
		if (squeeze->next == squeeze->tail)
			pthread_cond_wait(&squeeze->work, &squeeze->lock);
		else
			work_on(squeeze, helper->deflater);
	}
	pthread_mutex_unlock(&squeeze->lock);
	return NULL;
}

/* Signals are for the application's threads. */
static int
start_helper(struct helper *helper)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&helper->thread, NULL, help, helper);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

/* @return 0, or negative with err: those that were started run on */
static int
start_helpers(struct evcan_squeeze_ *squeeze, enum evcan_codec_ codec,
    enum evcan_wrap_ wrap, int level, unsigned threads,
    struct evcan_error *err)
{
	squeeze->helpers = calloc(threads, sizeof(*squeeze->helpers));
	if (squeeze->helpers == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "no memory for %u threads that compress", threads);
	while (squeeze->threads < threads) {
		struct helper *helper = &squeeze->helpers[squeeze->threads];
		int r;

		helper->squeeze = squeeze;
		helper->deflater = evcan_deflater_new_(codec, wrap, level,
		    err);
		if (helper->deflater == NULL)
			return EVCAN_ERR_NOMEM;
		r = start_helper(helper);
		if (r != 0) {
			evcan_deflater_free_(helper->deflater);
			return evcan_error_set(err, EVCAN_ERR_OPERATION, r,
			    "cannot start thread %u of %u that compress",
			    squeeze->threads + 1, threads);
		}
		squeeze->threads++;
	}
	return 0;
}

struct evcan_squeeze_ *
evcan_squeeze_new_(enum evcan_codec_ codec, enum evcan_wrap_ wrap, int level,
    unsigned threads, struct evcan_error *err)
{
	struct evcan_squeeze_ *squeeze = calloc(1, sizeof(*squeeze));

	if (squeeze == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "no memory to compress");
		return NULL;
	}
	pthread_mutex_init(&squeeze->lock, NULL);
	pthread_cond_init(&squeeze->work, NULL);
	pthread_cond_init(&squeeze->done, NULL);
	if (threads > EVCAN_SQUEEZE_THREADS)
		threads = EVCAN_SQUEEZE_THREADS;
	squeeze->room = threads > 0 ? 2 * (threads + 1) : 1;
	squeeze->slot_count = squeeze->room + 1;
	squeeze->slots = calloc(squeeze->slot_count, sizeof(struct slot));
	if (squeeze->slots == NULL)
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "no memory to compress");
	else
		squeeze->deflater = evcan_deflater_new_(codec, wrap, level,
		    err);
	if (squeeze->deflater == NULL || (threads > 0 &&
	    start_helpers(squeeze, codec, wrap, level, threads, err) < 0)) {
		evcan_squeeze_free_(squeeze);
		return NULL;
	}
	return squeeze;
}

void
evcan_squeeze_free_(struct evcan_squeeze_ *squeeze)
{
	if (squeeze == NULL)
		return;
	pthread_mutex_lock(&squeeze->lock);
	squeeze->stop = true;
	pthread_cond_broadcast(&squeeze->work);
	pthread_mutex_unlock(&squeeze->lock);
	for (unsigned i = 0; i < squeeze->threads; i++) {
		pthread_join(squeeze->helpers[i].thread, NULL);
		evcan_deflater_free_(squeeze->helpers[i].deflater);
	}
	free(squeeze->helpers);
	evcan_deflater_free_(squeeze->deflater);
	for (unsigned i = 0; squeeze->slots != NULL &&
	    i < squeeze->slot_count; i++) {
		free(squeeze->slots[i].in);
		free(squeeze->slots[i].out);
	}
	free(squeeze->slots);
	pthread_cond_destroy(&squeeze->done);
	pthread_cond_destroy(&squeeze->work);
	pthread_mutex_destroy(&squeeze->lock);
	free(squeeze);
}

bool
evcan_squeeze_has_room_(struct evcan_squeeze_ *squeeze)
{
	return squeeze->tail - squeeze->head < squeeze->room;
}

/* Makes a buffer of at least n bytes; what it held is gone. Some more are
 * taken, so that blocks of nearly the same size never allocate again. */
static bool
make_room(uint8_t **buffer, size_t *size, size_t n)
{
	if (n <= *size && *buffer != NULL)
		return true;
	free(*buffer);
	*size = n + n / 8 + 64;
	*buffer = malloc(*size);
	if (*buffer == NULL)
		*size = 0;
	return *buffer != NULL;
}

int
evcan_squeeze_put_(struct evcan_squeeze_ *squeeze, const void *data,
    size_t n, uint64_t tag)
{
	struct slot *slot = slot_at(squeeze, squeeze->tail);
	const bool alone = squeeze->threads == 0;

	if (!evcan_squeeze_has_room_(squeeze))
		return EVCAN_ERR_FULL;
	if (!make_room(&slot->out, &slot->out_size,
	    evcan_deflater_bound_(squeeze->deflater, n)) ||
	    (!alone && !make_room(&slot->in, &slot->in_size, n)))
		return EVCAN_ERR_NOMEM;
	slot->n = n;
	slot->tag = tag;
	slot->done = alone;
	squeeze->held += n;
	if (alone) {
		slot->len = evcan_deflater_run_(squeeze->deflater, data, n,
		    slot->out, slot->out_size);
		squeeze->tail++;
		return 0;
	}
	if (n > 0)
		memcpy(slot->in, data, n);
	pthread_mutex_lock(&squeeze->lock);
	squeeze->tail++;
	pthread_cond_signal(&squeeze->work);
	pthread_mutex_unlock(&squeeze->lock);
	return 0;
}

bool
evcan_squeeze_get_(struct evcan_squeeze_ *squeeze, bool wait,
    struct evcan_squeezed_ *block)
{
	struct slot *slot = slot_at(squeeze, squeeze->head);
	bool done;

	if (squeeze->head == squeeze->tail)
		return false;
	pthread_mutex_lock(&squeeze->lock);
	while (wait && !slot->done) {
		if (squeeze->next < squeeze->tail)
			work_on(squeeze, squeeze->deflater);
		else
			pthread_cond_wait(&squeeze->done, &squeeze->lock);
	}
	done = slot->done;
	pthread_mutex_unlock(&squeeze->lock);
	if (!done)
		return false;
	block->data = slot->out;
	block->len = slot->len;
	block->original = slot->n;
	block->tag = slot->tag;
	squeeze->held -= slot->n;
	squeeze->head++;
	return true;
}

size_t
evcan_squeeze_held_(const struct evcan_squeeze_ *squeeze)
{
	return squeeze->held;
}

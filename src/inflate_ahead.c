/* SPDX-License-Identifier: BSD-3-Clause */
/* inflate_ahead.c - blocks inflated by helpers before it is their turn */
#include "inflate_ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/*
 * A ring of slots as in squeeze.c: put at `tail`, taken up at `next` by
 * whichever helper is free, fetched at `head`. The slot fetched last is kept
 * from being used again: hence one slot more than there is room for.
 *
 * `head` and `tail` are moved by the caller only; the lock guards `next`,
 * `stop`, each slot's `done` and, for the helpers, `tail`. Counters only
 * grow; a slot's index is the counter modulo the slots.
 */

struct slot {
	uint64_t key;
	uint8_t *in, *out;
	size_t in_size, out_size;
	size_t n, used, len;
	enum evcan_inflated_ result;
	bool done;
};

struct helper {
	struct evcan_inflate_ahead_ *ahead;
	struct evcan_inflater_ *inflater;
	pthread_t thread;
};

struct evcan_inflate_ahead_ {
	enum evcan_codec_ codec;
	unsigned wanted, threads;        /* threads: that run */
	unsigned room, slot_count;
	uint64_t head, next, tail;
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct slot *slots;
	struct helper helpers[];
};

static struct slot *
slot_at(const struct evcan_inflate_ahead_ *ahead, uint64_t counter)
{
	return &ahead->slots[counter % ahead->slot_count];
}

/* Takes up the next block. The lock is held, and is again afterwards. */
static void
work_on(struct evcan_inflate_ahead_ *ahead, struct evcan_inflater_ *inflater)
{
	struct slot *slot = slot_at(ahead, ahead->next++);

	pthread_mutex_unlock(&ahead->lock);
	slot->result = evcan_inflater_run_(inflater, slot->in, slot->n,
	    &slot->used, slot->out, slot->out_size, &slot->len);
	pthread_mutex_lock(&ahead->lock);
	slot->done = true;
	pthread_cond_signal(&ahead->done);
}

static void *
help(void *arg)
{
	struct helper *helper = arg;
	struct evcan_inflate_ahead_ *ahead = helper->ahead;

	pthread_mutex_lock(&ahead->lock);
	while (!ahead->stop) {
		if (ahead->next == ahead->tail)
			pthread_cond_wait(&ahead->work, &ahead->lock);
		else
			work_on(ahead, helper->inflater);
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

/* Signals are for the application's threads. */
static bool
start_helper(struct evcan_inflate_ahead_ *ahead, struct helper *helper)
{
	sigset_t all, old;
	int r;

	helper->ahead = ahead;
	helper->inflater = evcan_inflater_new_(ahead->codec, NULL);
	if (helper->inflater == NULL)
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&helper->thread, NULL, help, helper);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		evcan_inflater_free_(helper->inflater);
	return r == 0;
}

/* Those that cannot be started are done without. */
static void
start_helpers(struct evcan_inflate_ahead_ *ahead)
{
	while (ahead->threads < ahead->wanted &&
	    start_helper(ahead, &ahead->helpers[ahead->threads]))
		ahead->threads++;
	ahead->wanted = ahead->threads;
}

struct evcan_inflate_ahead_ *
evcan_inflate_ahead_new_(enum evcan_codec_ codec, unsigned threads)
{
	struct evcan_inflate_ahead_ *ahead;

	if (threads > EVCAN_INFLATE_THREADS)
		threads = EVCAN_INFLATE_THREADS;
	ahead = calloc(1, sizeof(*ahead) + threads * sizeof(struct helper));
	if (ahead == NULL)
		return NULL;
	ahead->codec = codec;
	ahead->wanted = threads;
	ahead->room = 2 * (threads + 1);
	ahead->slot_count = ahead->room + 1;
	ahead->slots = calloc(ahead->slot_count, sizeof(struct slot));
	if (ahead->slots == NULL) {
		free(ahead);
		return NULL;
	}
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->work, NULL);
	pthread_cond_init(&ahead->done, NULL);
	return ahead;
}

void
evcan_inflate_ahead_free_(struct evcan_inflate_ahead_ *ahead)
{
	if (ahead == NULL)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_cond_broadcast(&ahead->work);
	pthread_mutex_unlock(&ahead->lock);
	for (unsigned i = 0; i < ahead->threads; i++) {
		pthread_join(ahead->helpers[i].thread, NULL);
		evcan_inflater_free_(ahead->helpers[i].inflater);
	}
	for (unsigned i = 0; i < ahead->slot_count; i++) {
		free(ahead->slots[i].in);
		free(ahead->slots[i].out);
	}
	free(ahead->slots);
	pthread_cond_destroy(&ahead->done);
	pthread_cond_destroy(&ahead->work);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}

bool
evcan_inflate_ahead_has_room_(const struct evcan_inflate_ahead_ *ahead)
{
	return ahead->wanted > 0 && ahead->tail - ahead->head < ahead->room;
}

/* Some more is taken, so that blocks of nearly the same size never allocate
 * again. */
static bool
make_room(uint8_t **buffer, size_t *size, size_t n)
{
	if (n <= *size)
		return true;
	free(*buffer);
	*size = n + n / 8;
	*buffer = malloc(*size);
	if (*buffer == NULL)
		*size = 0;
	return *buffer != NULL;
}

void
evcan_inflate_ahead_put_(struct evcan_inflate_ahead_ *ahead, uint64_t key,
    const void *src, size_t n, size_t size)
{
	struct slot *slot = slot_at(ahead, ahead->tail);

	if (n == 0 || n > EVCAN_INFLATE_AHEAD_MOST ||
	    size < EVCAN_INFLATE_AHEAD_LEAST ||
	    size > EVCAN_INFLATE_AHEAD_MOST ||
	    !evcan_inflate_ahead_has_room_(ahead) ||
	    !make_room(&slot->in, &slot->in_size, n) ||
	    !make_room(&slot->out, &slot->out_size, size))
		return;
	if (ahead->threads == 0)
		start_helpers(ahead);
	slot->key = key;
	slot->n = n;
	slot->done = false;
	memcpy(slot->in, src, n);
	pthread_mutex_lock(&ahead->lock);
	ahead->tail++;
	pthread_cond_signal(&ahead->work);
	pthread_mutex_unlock(&ahead->lock);
}

/* Ends the first slot's work. @return false: nobody had begun it. */
static bool
settle(struct evcan_inflate_ahead_ *ahead, const struct slot *slot,
    struct evcan_inflater_ *inflater)
{
	bool begun;

	pthread_mutex_lock(&ahead->lock);
	begun = ahead->next > ahead->head;
	if (!begun)
		ahead->next++;
	while (begun && !slot->done) {
		if (inflater != NULL && ahead->next < ahead->tail)
			work_on(ahead, inflater);
		else
			pthread_cond_wait(&ahead->done, &ahead->lock);
	}
	pthread_mutex_unlock(&ahead->lock);
	return begun;
}

bool
evcan_inflate_ahead_get_(struct evcan_inflate_ahead_ *ahead,
    struct evcan_inflater_ *inflater, uint64_t key, size_t n,
    struct evcan_inflated_ahead_ *block)
{
	while (ahead->head < ahead->tail) {
		const struct slot *slot = slot_at(ahead, ahead->head);
		const bool same = slot->key == key && slot->n == n;
		bool good;

		if (slot->key > key)
			return false;
		good = settle(ahead, slot, same ? inflater : NULL) && same &&
		    slot->result == EVCAN_INFLATED;
		ahead->head++;
		if (good) {
			block->data = slot->out;
			block->len = slot->len;
			block->used = slot->used;
		}
		if (same)
			return good;
	}
	return false;
}

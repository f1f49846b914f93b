/* SPDX-License-Identifier: BSD-3-Clause */
/* read_ahead.c - a thread that reads a log ahead of its player */
#include "read_ahead.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/log.h>

#include "ring.h"
#include "wake.h"

#define RING 8192
#define BATCH 256
/* A batch and the marks around it. */
#define ROOM (BATCH + 4)

/* A mark in the ring: no frame has these flags. Its id is the kind, its time
 * the number of the play. */
#define MARK 0xffffu
enum { MARK_BEGIN, MARK_ROUND, MARK_END };

struct evcan_read_ahead_ {
	struct evcan_ring_ ring;           /* from the thread to the loop */
	struct evcan_wake_ wake;
	struct evcan_log_reader *reader;   /* the thread's, once it runs */
	struct evcan_frame *batch;         /* the thread's */
	bool touched;                      /* the thread's: not at its start */
	struct evcan_error error;          /* the thread's, up to MARK_END */
	bool running;                      /* the loop's: there is a thread */
	bool begun;                        /* the loop's: saw MARK_BEGIN */

	pthread_mutex_t lock;              /* of all that follows */
	pthread_cond_t work;
	int64_t play;                      /* its number, from 1 */
	uint64_t rounds;
	bool wanted;                       /* the play goes on */
	bool hungry;                       /* the loop waits for frames */
	int refs;
	struct evcan_log_read_stats stats;
};

static void
destroy(struct evcan_read_ahead_ *ahead)
{
	evcan_log_reader_free(ahead->reader);
	free(ahead->batch);
	evcan_ring_destroy_(&ahead->ring);
	evcan_wake_destroy_(&ahead->wake);
	pthread_cond_destroy(&ahead->work);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}

/* Whoever comes last, the loop or the thread, releases it. */
static void
let_go(struct evcan_read_ahead_ *ahead)
{
	bool last;

	pthread_mutex_lock(&ahead->lock);
	last = --ahead->refs == 0;
	pthread_mutex_unlock(&ahead->lock);
	if (last)
		destroy(ahead);
}

int
evcan_read_ahead_new_(struct evcan_read_ahead_ **ret,
    struct evcan_log_reader *reader, struct evcan_error *err)
{
	struct evcan_read_ahead_ *ahead = calloc(1, sizeof(*ahead));

	if (ahead == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for reading ahead");
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->work, NULL);
	ahead->refs = 1;
	ahead->wake.fd = ahead->wake.write_fd = -1;
	ahead->batch = malloc(BATCH * sizeof(*ahead->batch));
	if (ahead->batch == NULL || evcan_ring_init_(&ahead->ring, RING) < 0) {
		destroy(ahead);
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for reading ahead");
	}
	if (evcan_wake_init_(&ahead->wake) < 0) {
		int saved = errno;

		destroy(ahead);
		return evcan_error_set(err, EVCAN_ERR_INIT, saved,
		    "no file descriptor for reading ahead");
	}
	ahead->reader = reader;
	*ret = ahead;
	return 0;
}

void
evcan_read_ahead_free_(struct evcan_read_ahead_ *ahead)
{
	if (ahead == NULL)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->wanted = false;
	ahead->play = 0;
	pthread_cond_signal(&ahead->work);
	pthread_mutex_unlock(&ahead->lock);
	let_go(ahead);
}

/* The thread's side */

static void
push_mark(struct evcan_read_ahead_ *ahead, uint32_t kind, int64_t play)
{
	const struct evcan_frame mark = {
		.flags = MARK, .id = kind, .time_ns = play
	};

	evcan_ring_push_(&ahead->ring, &mark, 1);
}

/* Tells the loop, if it waits, and waits itself for room. @return false:
 * the play is over */
static bool
settle(struct evcan_read_ahead_ *ahead, int64_t play)
{
	bool go_on;

	pthread_mutex_lock(&ahead->lock);
	evcan_log_reader_get_stats(ahead->reader, &ahead->stats);
	if (ahead->hungry) {
		ahead->hungry = false;
		evcan_wake_set_(&ahead->wake);
	}
	while (ahead->wanted && ahead->play == play &&
	    evcan_ring_room_(&ahead->ring) < ROOM)
		pthread_cond_wait(&ahead->work, &ahead->lock);
	go_on = ahead->wanted && ahead->play == play;
	pthread_mutex_unlock(&ahead->lock);
	return go_on;
}

/* Reads to the log's end. Faulty lines are passed over, and counted by the
 * reader. @return frames, or negative: stopped, or ahead->error */
static int64_t
read_round(struct evcan_read_ahead_ *ahead, int64_t play)
{
	int64_t frames = 0;
	int n;

	ahead->touched = true;
	while ((n = evcan_log_reader_read(ahead->reader, ahead->batch,
	    BATCH)) != 0) {
		if (n > 0) {
			evcan_ring_push_(&ahead->ring, ahead->batch,
			    (size_t)n);
			frames += n;
		} else if (n != EVCAN_ERR_SYNTAX) {
			ahead->error = *evcan_log_reader_error(ahead->reader);
			return n;
		}
		if (!settle(ahead, play))
			return EVCAN_ERR_CANCELED;
	}
	return frames;
}

static bool
rewind_log(struct evcan_read_ahead_ *ahead)
{
	int r;

	if (!ahead->touched)
		return true;
	r = evcan_log_reader_rewind(ahead->reader);
	if (r == 0)
		return true;
	evcan_error_set(&ahead->error, r, 0,
	    "%s cannot be played again: %s",
	    evcan_log_reader_name(ahead->reader),
	    r == EVCAN_ERR_UNSUPPORTED ? "it has no way back to its start" :
	    r == EVCAN_ERR_NOMEM ? "out of memory" :
	    "its start cannot be read any more");
	return false;
}

/* A log without frames ends after one round, so that one played for ever
 * does not spin. */
static void
read_play(struct evcan_read_ahead_ *ahead, int64_t play, uint64_t rounds)
{
	evcan_error_clear(&ahead->error);
	push_mark(ahead, MARK_BEGIN, play);
	for (uint64_t i = 1; rewind_log(ahead); i++) {
		if (read_round(ahead, play) <= 0)
			break;
		push_mark(ahead, MARK_ROUND, play);
		if (i == rounds || !settle(ahead, play))
			break;
	}
	push_mark(ahead, MARK_END, play);
}

static void *
run(void *arg)
{
	struct evcan_read_ahead_ *ahead = arg;
	int64_t play = 0;
	uint64_t rounds;

	for (;;) {
		pthread_mutex_lock(&ahead->lock);
		while (ahead->play == play && play != 0)
			pthread_cond_wait(&ahead->work, &ahead->lock);
		play = ahead->play;
		rounds = ahead->rounds;
		pthread_mutex_unlock(&ahead->lock);
		if (play == 0)
			break;
		if (settle(ahead, play)) {
			read_play(ahead, play, rounds);
			settle(ahead, 0);
		}
	}
	let_go(ahead);
	return NULL;
}

/* The loop's side */

/* Signals are for the program's own threads. */
static int
start_thread(struct evcan_read_ahead_ *ahead)
{
	sigset_t all, old;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ahead->refs++;
	r = pthread_create(&thread, NULL, run, ahead);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0) {
		ahead->refs--;
		return r;
	}
	pthread_detach(thread);
	ahead->running = true;
	return 0;
}

int
evcan_read_ahead_start_(struct evcan_read_ahead_ *ahead, uint64_t rounds,
    struct evcan_error *err)
{
	int r = 0;

	pthread_mutex_lock(&ahead->lock);
	ahead->play++;
	ahead->rounds = rounds;
	ahead->wanted = true;
	if (!ahead->running)
		r = start_thread(ahead);
	if (r != 0)
		ahead->wanted = false;
	ahead->begun = false;
	pthread_cond_signal(&ahead->work);
	pthread_mutex_unlock(&ahead->lock);
	if (r != 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, r,
		    "no thread for reading ahead");
	return 0;
}

void
evcan_read_ahead_stop_(struct evcan_read_ahead_ *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->wanted = false;
	pthread_cond_signal(&ahead->work);
	pthread_mutex_unlock(&ahead->lock);
}

int
evcan_read_ahead_fd_(const struct evcan_read_ahead_ *ahead)
{
	return ahead->wake.fd;
}

void
evcan_read_ahead_woken_(struct evcan_read_ahead_ *ahead)
{
	evcan_wake_clear_(&ahead->wake);
}

/* True: the ring is empty, and the thread will wake the loop. */
static bool
wait_for_more(struct evcan_read_ahead_ *ahead)
{
	bool empty;

	pthread_mutex_lock(&ahead->lock);
	empty = evcan_ring_count_(&ahead->ring) == 0;
	ahead->hungry = empty;
	pthread_mutex_unlock(&ahead->lock);
	return empty;
}

/* Frames before the first mark. */
static int
run_length(const struct evcan_frame *frames, size_t n)
{
	size_t i = 0;

	while (i < n && frames[i].flags != MARK)
		i++;
	return (int)i;
}

int
evcan_read_ahead_peek_(struct evcan_read_ahead_ *ahead,
    const struct evcan_frame **frames, int n)
{
	for (;;) {
		size_t got = evcan_ring_peek_(&ahead->ring, frames, (size_t)n);
		int len = run_length(*frames, got);
		uint32_t kind;

		if (got == 0) {
			if (wait_for_more(ahead))
				return EVCAN_AHEAD_LATER_;
			continue;
		}
		if (len > 0 && ahead->begun)
			return len;
		if (len > 0) {          /* of an earlier play */
			evcan_read_ahead_drop_(ahead, len);
			continue;
		}
		kind = (*frames)->id;
		if ((*frames)->time_ns == ahead->play && kind == MARK_BEGIN)
			ahead->begun = true;
		if (kind == MARK_END && ahead->begun)
			return EVCAN_AHEAD_END_;
		evcan_read_ahead_drop_(ahead, 1);
		if (kind == MARK_ROUND && ahead->begun)
			return EVCAN_AHEAD_ROUND_;
	}
}

void
evcan_read_ahead_drop_(struct evcan_read_ahead_ *ahead, int n)
{
	evcan_ring_drop_(&ahead->ring, (size_t)n);
	/* The thread is called once there is much to do, not at each frame;
	 * a ring this empty has the room it waits for. */
	if (evcan_ring_count_(&ahead->ring) > RING / 2)
		return;
	pthread_mutex_lock(&ahead->lock);
	pthread_cond_signal(&ahead->work);
	pthread_mutex_unlock(&ahead->lock);
}

const struct evcan_error *
evcan_read_ahead_error_(const struct evcan_read_ahead_ *ahead)
{
	return ahead->error.code != 0 ? &ahead->error : NULL;
}

void
evcan_read_ahead_stats_(struct evcan_read_ahead_ *ahead,
    struct evcan_log_read_stats *stats)
{
	pthread_mutex_lock(&ahead->lock);
	if (!ahead->running)
		evcan_log_reader_get_stats(ahead->reader, &ahead->stats);
	*stats = ahead->stats;
	pthread_mutex_unlock(&ahead->lock);
}

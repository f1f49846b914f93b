/* SPDX-License-Identifier: BSD-3-Clause */
/* log_worker.c - the thread that writes one log for its loop */
#include "log_worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/driver.h>

#include "condition.h"
#include "log_marks.h"
#include "ring.h"
#include "wake.h"

/*
 * Frames go through a ring without locks. What else must keep its place
 * among them (gaps, lines of text, rotation) waits in a list of marks, each
 * with the number of frames before it. A mark is in the list before any frame
 * behind it is in the ring: whoever sees the frame finds the mark.
 *
 * The lock is never held across a system call that may wait for the file.
 */

#define NS_PER_SEC 1000000000ll
#define RETRY_MIN (NS_PER_SEC / 10)
#define RETRY_MAX (2 * NS_PER_SEC)
#define POLL_MS 100
/* Frames that wake a lazy sleeper, at most. */
#define MANY 4096
/* What may wake the sleeping thread; it always hears commands. */
enum sleep {
	AWAKE,
	SLEEP_IDLE,   /* nothing to do: the first frame wakes it */
	SLEEP_LAZY,   /* will write soon by itself: many frames wake it */
	SLEEP_DEAF    /* the file refuses: frames can wait */
};

struct evcan_log_worker_ {
	struct evcan_ring_ ring;
	struct evcan_wake_ wake;
	/* Both are only touched by read-modify-write, so that each side
	 * either sees what the other did before or is seen by it. */
	atomic_int sleep;            /* enum sleep */
	atomic_int want_room;        /* the loop was told "full" */
	atomic_size_t enough;        /* frames that wake a lazy sleeper */
	atomic_int refs;             /* the loop's and the thread's */
	pthread_t thread;

	/* The loop's alone */
	uint64_t accepted;
	uint64_t queue_peak;
	uint64_t gap_count;

	/* The thread's alone */
	struct evcan_log_sink_ sink;
	uint64_t done;               /* frames taken out of the ring */
	int64_t flush_at;            /* 0: nothing pending or held */
	int64_t retry_at;            /* 0: not failing */
	int64_t backoff;
	bool finished;               /* the format's last bytes are there */
	bool hopeless;               /* it fails in a way that stays */

	pthread_mutex_t lock;        /* of all that follows */
	pthread_cond_t command;      /* to the thread */
	pthread_cond_t ended;        /* to whoever waits for the end */
	struct evcan_log_marks_ marks;
	bool flush, close, abandoned;
	bool commanded;              /* something of the above is new */
	struct evcan_log_news_ news;
	struct evcan_log_write_stats stats;
	uint64_t lost[16];
};

static void
unref(struct evcan_log_worker_ *worker)
{
	if (atomic_fetch_sub(&worker->refs, 1) > 1)
		return;
	evcan_log_marks_clear_(&worker->marks);
	evcan_log_ended_free_(worker->news.ended);
	evcan_log_sink_destroy_(&worker->sink);
	evcan_ring_destroy_(&worker->ring);
	evcan_wake_destroy_(&worker->wake);
	pthread_cond_destroy(&worker->ended);
	pthread_cond_destroy(&worker->command);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

/* The thread's side */

/* Copies the counters to where the loop may read them. */
static void
publish(struct evcan_log_worker_ *worker)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	const bool ended = sink->ended != NULL;

	pthread_mutex_lock(&worker->lock);
	evcan_log_ended_join_(&worker->news.ended, sink->ended);
	sink->ended = NULL;
	worker->stats.written = sink->written;
	worker->stats.unfit = sink->info.unfit;
	worker->stats.bytes = sink->bytes;
	worker->stats.files = sink->files;
	worker->stats.last_write_ns = sink->last_write_ns;
	memcpy(worker->lost, sink->info.lost, sizeof(worker->lost));
	pthread_mutex_unlock(&worker->lock);
	if (ended)
		evcan_wake_set_(&worker->wake);

	if (atomic_fetch_or(&worker->want_room, 0) == 0 ||
	    evcan_ring_count_(&worker->ring) > worker->ring.mask / 2)
		return;
	atomic_exchange(&worker->want_room, 0);
	pthread_mutex_lock(&worker->lock);
	worker->news.ready = true;
	pthread_mutex_unlock(&worker->lock);
	evcan_wake_set_(&worker->wake);
}

/* Tells the loop that the file refuses, or (err NULL) takes again. */
static void
tell(struct evcan_log_worker_ *worker, const struct evcan_error *err)
{
	struct evcan_log_news_ *news = &worker->news;
	bool changed;

	pthread_mutex_lock(&worker->lock);
	changed = news->failed != (err != NULL);
	if (err != NULL)
		news->error = *err;
	else
		evcan_error_clear(&news->error);
	news->failed = err != NULL;
	news->changed |= changed;
	pthread_mutex_unlock(&worker->lock);
	if (changed)
		evcan_wake_set_(&worker->wake);
}

static void
failed(struct evcan_log_worker_ *worker, const struct evcan_error *err)
{
	worker->backoff = worker->backoff == 0 ? RETRY_MIN :
	    worker->backoff * 2;
	if (worker->backoff > RETRY_MAX)
		worker->backoff = RETRY_MAX;
	worker->retry_at = evcan_now_monotonic() + worker->backoff;
	/* A pipe whose reader left, an fd that somebody closed. */
	worker->hopeless = err->system == EPIPE || err->system == EBADF;
	tell(worker, err);
}

static void
worked(struct evcan_log_worker_ *worker)
{
	if (worker->retry_at == 0)
		return;
	worker->retry_at = worker->backoff = 0;
	worker->hopeless = false;
	tell(worker, NULL);
}

/* The first mark if no frame stands before it any more, else NULL and *n is
 * cut to the frames that do. */
static struct evcan_log_mark_ *
next_mark(struct evcan_log_worker_ *worker, size_t *n)
{
	struct evcan_log_mark_ *mark;

	pthread_mutex_lock(&worker->lock);
	mark = evcan_log_marks_take_(&worker->marks, worker->done, n);
	pthread_mutex_unlock(&worker->lock);
	return mark;
}

/* One whose bytes find no memory goes back. */
static int
take_mark(struct evcan_log_worker_ *worker, struct evcan_log_mark_ *mark,
    struct evcan_error *err)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	int r;

	if (mark->kind == EVCAN_LOG_MARK_GAP)
		r = evcan_log_sink_gap_(sink, mark->text, &mark->gap, err);
	else if (mark->kind == EVCAN_LOG_MARK_EVENT)
		r = evcan_log_sink_event_(sink, mark->time_ns, mark->text,
		    err);
	else
		r = evcan_log_sink_turn_(sink, mark->kind ==
		    EVCAN_LOG_MARK_ROTATE ? EVCAN_LOG_ROTATE :
		    EVCAN_LOG_REOPEN, err);
	if (r != EVCAN_ERR_NOMEM) {
		free(mark);
		return r;
	}
	pthread_mutex_lock(&worker->lock);
	evcan_log_marks_return_(&worker->marks, mark);
	pthread_mutex_unlock(&worker->lock);
	return r;
}

/* Encodes until a block is full, the file ends or nothing is left.
 * @return 0 or negative with err */
static int
take(struct evcan_log_worker_ *worker, struct evcan_error *err)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	size_t room;
	int r = 0;

	while (evcan_log_sink_is_open_(sink) && r == 0 &&
	    (room = evcan_log_sink_room_(sink)) > 0) {
		const struct evcan_frame *frames;
		size_t n = evcan_ring_peek_(&worker->ring, &frames,
		    room < EVCAN_LOG_BATCH ? room : EVCAN_LOG_BATCH), taken;
		struct evcan_log_mark_ *mark = next_mark(worker, &n);

		if (mark != NULL) {
			r = take_mark(worker, mark, err);
			continue;
		}
		if (n == 0)
			break;
		r = evcan_log_sink_frames_(sink, frames, n, &taken, err);
		evcan_ring_drop_(&worker->ring, taken);
		worker->done += taken;
	}
	return r;
}

static bool
is_empty(struct evcan_log_worker_ *worker)
{
	bool marks;

	if (evcan_ring_count_(&worker->ring) > 0)
		return false;
	pthread_mutex_lock(&worker->lock);
	marks = worker->marks.count > 0;
	pthread_mutex_unlock(&worker->lock);
	return !marks;
}

/* Whether nothing waits to get into the file. */
static bool
is_clean(const struct evcan_log_worker_ *worker)
{
	const struct evcan_log_sink_ *sink = &worker->sink;

	return evcan_log_sink_pending_(sink) == 0 &&
	    evcan_log_sink_held_(sink) == 0;
}

/* What there is to encode, and behind it what ends a file. */
static int
encode(struct evcan_log_worker_ *worker, bool closing,
    struct evcan_error *err)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	const int64_t end_at = evcan_log_sink_rotate_at_(sink);
	int r = 0;

	if (end_at != 0 && end_at <= evcan_now_monotonic())
		r = evcan_log_sink_turn_(sink, EVCAN_LOG_ROTATE, err);
	if (r == 0)
		r = take(worker, err);
	if (r == 0 && closing && !worker->finished && is_empty(worker) &&
	    evcan_log_sink_is_open_(sink)) {
		r = evcan_log_sink_finish_(sink, err);
		worker->finished = r == 0;
	}
	return r;
}

/* Whether all must be written now, also what the format holds. */
static bool
is_due(struct evcan_log_worker_ *worker, bool hurry)
{
	const int64_t now = evcan_now_monotonic();

	if (worker->flush_at == 0)
		worker->flush_at = now +
		    (int64_t)(worker->sink.pace.interval * 1e9);
	return hurry || worker->sink.part.lively || worker->retry_at != 0 ||
	    worker->flush_at <= now;
}

static void
write_out(struct evcan_log_worker_ *worker)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	struct evcan_error err;

	evcan_error_clear(&err);
	if (evcan_log_sink_write_(sink, &err) < 0)
		failed(worker, &err);
	else if (!sink->waiting)
		worked(worker);
	/* What is held is not younger for what was written. */
	if (evcan_log_sink_held_(sink) == 0)
		worker->flush_at = 0;
}

/* Encodes and writes what is due. @param closing: also the last bytes */
static void
work(struct evcan_log_worker_ *worker, bool hurry, bool closing)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	struct evcan_error err;
	int r;

	if (worker->retry_at > evcan_now_monotonic())
		return;
	evcan_error_clear(&err);
	r = encode(worker, closing, &err);
	if (r == 0 && evcan_log_sink_is_open_(sink)) {
		if (is_clean(worker)) {
			worker->flush_at = 0;
			worked(worker);
			return;
		}
		if (is_due(worker, hurry))
			r = evcan_log_sink_flush_(sink, &err);
		else if (evcan_log_sink_room_(sink) > 0)
			return;
	}
	if (r < 0)
		failed(worker, &err);
	else
		write_out(worker);
}

/* Frames in the ring that are worth waking for. */
static size_t
enough_for(const struct evcan_log_worker_ *worker, enum sleep how)
{
	const size_t room = evcan_log_sink_room_(&worker->sink);
	size_t n = (worker->ring.mask + 1) / 4;

	if (how == SLEEP_IDLE)
		return 1;
	if (n > MANY)
		n = MANY;
	return n < room ? n : room;
}

/* Sleeps until a command, the time (0: none) or frames enough. */
static void
rest(struct evcan_log_worker_ *worker, enum sleep how, int64_t until)
{
	const size_t enough = enough_for(worker, how);

	pthread_mutex_lock(&worker->lock);
	atomic_store(&worker->enough, enough);
	atomic_exchange(&worker->sleep, how);
	if ((how != SLEEP_DEAF &&
	    evcan_ring_count_(&worker->ring) >= enough) ||
	    (how == SLEEP_IDLE && worker->marks.count > 0))
		atomic_exchange(&worker->sleep, AWAKE);
	while (!worker->commanded && atomic_load(&worker->sleep) != AWAKE) {
		if (!evcan_condition_wait_(&worker->command, &worker->lock,
		    until == 0 ? INT64_MAX : until))
			break;
	}
	atomic_exchange(&worker->sleep, AWAKE);
	pthread_mutex_unlock(&worker->lock);
}

/* The earlier of two times; 0 is none. */
static int64_t
earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Until there is something to do again; a closing worker goes on until all is
 * done. */
static void
take_a_break(struct evcan_log_worker_ *worker, bool closing)
{
	const struct evcan_log_sink_ *sink = &worker->sink;
	const int64_t end_at = evcan_log_sink_rotate_at_(sink);
	struct pollfd pfd = { .fd = sink->fd, .events = POLLOUT };

	if (worker->retry_at != 0)
		rest(worker, SLEEP_DEAF, worker->retry_at);
	else if (sink->waiting && sink->fd >= 0)
		poll(&pfd, 1, POLL_MS);   /* it takes no more for now */
	else if (sink->waiting)           /* a FIFO without a reader */
		rest(worker, SLEEP_DEAF, evcan_now_monotonic() +
		    POLL_MS * 1000000ll);
	else if (!is_empty(worker) || !evcan_log_sink_is_open_(sink))
		return;
	else if (is_clean(worker) && !closing)
		rest(worker, SLEEP_IDLE, end_at);
	else if (!is_clean(worker))
		rest(worker, SLEEP_LAZY, earlier(worker->flush_at, end_at));
}

/* Takes commands. @return false: leave everything */
static bool
listen_to(struct evcan_log_worker_ *worker, bool *flush, bool *closing)
{
	bool go_on;

	pthread_mutex_lock(&worker->lock);
	worker->commanded = false;
	*flush |= worker->flush;
	worker->flush = false;
	*closing = worker->close;
	go_on = !worker->abandoned;
	pthread_mutex_unlock(&worker->lock);
	return go_on;
}

/* Whether a closing worker has nothing more to do, or no hope. */
static bool
is_done(struct evcan_log_worker_ *worker)
{
	const struct evcan_log_sink_ *sink = &worker->sink;

	if (worker->hopeless)
		return true;
	return is_empty(worker) && evcan_log_sink_pending_(sink) == 0 &&
	    (worker->finished || !evcan_log_sink_has_file_(sink));
}

static void
end(struct evcan_log_worker_ *worker)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	struct evcan_log_news_ *news = &worker->news;
	const uint64_t left = sink->encoded - sink->written +
	    evcan_ring_count_(&worker->ring);
	struct evcan_error err;

	evcan_error_clear(&err);
	if (left > 0)
		evcan_error_set(&err, EVCAN_ERR_OPERATION,
		    worker->hopeless ? news->error.system : 0,
		    "%.200s: closed with %llu frame%s not written",
		    sink->name, (unsigned long long)left,
		    left == 1 ? "" : "s");
	evcan_log_sink_close_(sink, &err);
	publish(worker);
	pthread_mutex_lock(&worker->lock);
	news->error = err;
	news->closed = true;
	pthread_cond_broadcast(&worker->ended);
	pthread_mutex_unlock(&worker->lock);
	evcan_wake_set_(&worker->wake);
	unref(worker);
}

static void *
run(void *arg)
{
	struct evcan_log_worker_ *worker = arg;
	bool flush = false, closing = false;

	while (listen_to(worker, &flush, &closing)) {
		work(worker, flush || closing, closing);
		publish(worker);
		if (closing && is_done(worker))
			break;
		if (is_clean(worker) && is_empty(worker))
			flush = false;
		take_a_break(worker, closing);
	}
	end(worker);
	return NULL;
}

/* The loop's side */

static void
init_locks(struct evcan_log_worker_ *worker)
{
	pthread_mutex_init(&worker->lock, NULL);
	evcan_condition_init_(&worker->command);
	evcan_condition_init_(&worker->ended);
}

/* Signals are for the program's own threads; SIGPIPE and SIGXFSZ become
 * plain errors of write(). */
static int
start_thread(struct evcan_log_worker_ *worker)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

struct evcan_log_worker_ *
evcan_log_worker_new_(const struct evcan_log_sink_ *sink,
    struct evcan_error *err)
{
	struct evcan_log_worker_ *worker = aligned_alloc(
	    _Alignof(struct evcan_log_worker_), sizeof(*worker));
	int r = ENOMEM;

	if (worker == NULL)
		goto fail;
	memset(worker, 0, sizeof(*worker));
	worker->wake.fd = -1;
	atomic_init(&worker->refs, 2);
	init_locks(worker);
	if (evcan_ring_init_(&worker->ring,
	    (size_t)sink->common.queue_size) < 0)
		goto fail_locks;
	if (evcan_wake_init_(&worker->wake) < 0) {
		r = errno;
		goto fail_ring;
	}
	worker->sink = *sink;
	r = start_thread(worker);
	if (r == 0)
		return worker;
	evcan_wake_destroy_(&worker->wake);
fail_ring:
	evcan_ring_destroy_(&worker->ring);
fail_locks:
	pthread_cond_destroy(&worker->ended);
	pthread_cond_destroy(&worker->command);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
fail:
	evcan_error_set(err, r == ENOMEM ? EVCAN_ERR_NOMEM : EVCAN_ERR_INIT,
	    r, "%.200s: the writing thread cannot be started", sink->name);
	return NULL;
}

int
evcan_log_worker_fd_(const struct evcan_log_worker_ *worker)
{
	return worker->wake.fd;
}

void
evcan_log_worker_news_(struct evcan_log_worker_ *worker,
    struct evcan_log_news_ *news)
{
	evcan_wake_clear_(&worker->wake);
	pthread_mutex_lock(&worker->lock);
	*news = worker->news;
	worker->news.changed = false;
	worker->news.ready = false;
	worker->news.ended = NULL;
	pthread_mutex_unlock(&worker->lock);
}

/* Wakes the thread if it sleeps in a way that what was just queued ends. */
static void
nudge(struct evcan_log_worker_ *worker)
{
	const int how = atomic_fetch_or(&worker->sleep, 0);

	if (how != SLEEP_IDLE && (how != SLEEP_LAZY ||
	    evcan_ring_count_(&worker->ring) < atomic_load(&worker->enough)))
		return;
	pthread_mutex_lock(&worker->lock);
	atomic_exchange(&worker->sleep, AWAKE);
	pthread_cond_signal(&worker->command);
	pthread_mutex_unlock(&worker->lock);
}

size_t
evcan_log_worker_frames_(struct evcan_log_worker_ *worker,
    const struct evcan_frame *frames, size_t n)
{
	size_t done = evcan_ring_push_(&worker->ring, frames, n), queued;

	if (done < n) {
		atomic_exchange(&worker->want_room, 1);
		done += evcan_ring_push_(&worker->ring, frames + done,
		    n - done);
		if (done == n)
			atomic_exchange(&worker->want_room, 0);
	}
	if (done > 0) {
		worker->accepted += done;
		queued = evcan_ring_count_(&worker->ring);
		if (queued > worker->queue_peak)
			worker->queue_peak = queued;
		nudge(worker);
	}
	return done;
}

static int
add_mark(struct evcan_log_worker_ *worker, enum evcan_log_mark_kind_ kind,
    const struct evcan_gap *gap, int64_t time_ns, const char *text)
{
	struct evcan_log_mark_ *mark = evcan_log_mark_new_(kind,
	    worker->accepted, gap, time_ns, text);
	int r;

	if (mark == NULL)
		return EVCAN_ERR_NOMEM;
	pthread_mutex_lock(&worker->lock);
	r = evcan_log_marks_add_(&worker->marks, mark);
	pthread_mutex_unlock(&worker->lock);
	nudge(worker);
	return r;
}

int
evcan_log_worker_gap_(struct evcan_log_worker_ *worker, const char *channel,
    const struct evcan_gap *gap)
{
	worker->gap_count++;
	return add_mark(worker, EVCAN_LOG_MARK_GAP, gap, 0, channel);
}

int
evcan_log_worker_event_(struct evcan_log_worker_ *worker, int64_t time_ns,
    const char *text)
{
	return add_mark(worker, EVCAN_LOG_MARK_EVENT, NULL, time_ns, text);
}

static void
command(struct evcan_log_worker_ *worker, bool *which)
{
	pthread_mutex_lock(&worker->lock);
	*which = true;
	worker->commanded = true;
	pthread_cond_signal(&worker->command);
	pthread_mutex_unlock(&worker->lock);
}

int
evcan_log_worker_turn_(struct evcan_log_worker_ *worker,
    enum evcan_log_turn_ turn)
{
	int r = add_mark(worker, turn == EVCAN_LOG_ROTATE ?
	    EVCAN_LOG_MARK_ROTATE : EVCAN_LOG_MARK_REOPEN, NULL, 0, "");

	if (r == 0)
		command(worker, &worker->flush);
	return r;
}

void
evcan_log_worker_flush_(struct evcan_log_worker_ *worker)
{
	command(worker, &worker->flush);
}

void
evcan_log_worker_close_(struct evcan_log_worker_ *worker)
{
	command(worker, &worker->close);
}

void
evcan_log_worker_stats_(struct evcan_log_worker_ *worker,
    struct evcan_log_write_stats *stats)
{
	pthread_mutex_lock(&worker->lock);
	*stats = worker->stats;
	stats->failed = worker->news.failed;
	pthread_mutex_unlock(&worker->lock);
	stats->accepted = worker->accepted;
	stats->queued = worker->accepted - stats->written;
	stats->queue_peak = worker->queue_peak;
	stats->gaps = worker->gap_count;
}

uint64_t
evcan_log_worker_lost_(struct evcan_log_worker_ *worker, size_t i)
{
	uint64_t count;

	pthread_mutex_lock(&worker->lock);
	count = worker->lost[i];
	pthread_mutex_unlock(&worker->lock);
	return count;
}

bool
evcan_log_worker_wait_(struct evcan_log_worker_ *worker, double seconds)
{
	const int64_t until = evcan_now_monotonic() + (int64_t)(seconds * 1e9);
	bool closed;

	pthread_mutex_lock(&worker->lock);
	while (!worker->news.closed && evcan_condition_wait_(&worker->ended,
	    &worker->lock, until))
		;
	closed = worker->news.closed;
	pthread_mutex_unlock(&worker->lock);
	return closed;
}

void
evcan_log_worker_release_(struct evcan_log_worker_ *worker)
{
	bool closed;

	pthread_mutex_lock(&worker->lock);
	closed = worker->news.closed;
	worker->abandoned = worker->commanded = true;
	pthread_cond_signal(&worker->command);
	pthread_mutex_unlock(&worker->lock);
	if (closed)
		pthread_join(worker->thread, NULL);
	else
		pthread_detach(worker->thread);
	unref(worker);
}

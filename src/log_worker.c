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
#include <time.h>

#include <evcan/driver.h>

#include "ring.h"
#include "wake.h"

/*
 * Frames go through a ring without locks. What else must keep its place
 * among them (gaps, lines of text, reopening) waits in a list of marks, each
 * with the number of frames before it. A mark is in the list before any frame
 * behind it is in the ring: whoever sees the frame finds the mark.
 *
 * The lock is never held across a system call that may wait for the file.
 */

#define NS_PER_SEC 1000000000ll
#define RETRY_MIN (NS_PER_SEC / 10)
#define RETRY_MAX (2 * NS_PER_SEC)
#define POLL_MS 100
/* Marks beyond this are joined (gaps) or refused (text). */
#define MARKS_MAX 4096

enum mark_kind {
	MARK_GAP,
	MARK_EVENT,
	MARK_REOPEN
};

struct mark {
	struct mark *next;
	uint64_t position;   /* frames before it */
	enum mark_kind kind;
	struct evcan_gap gap;
	int64_t time_ns;     /* of an event */
	char text[];         /* channel of a gap, text of an event */
};

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
	size_t many;                 /* frames that wake a lazy sleeper */
	/* Both are only touched by read-modify-write, so that each side
	 * either sees what the other did before or is seen by it. */
	atomic_int sleep;            /* enum sleep */
	atomic_int want_room;        /* the loop was told "full" */
	atomic_int refs;             /* the loop's and the thread's */
	pthread_t thread;

	/* The loop's alone */
	uint64_t accepted;
	uint64_t queue_peak;
	uint64_t gap_count;

	/* The thread's alone */
	struct evcan_log_sink_ sink;
	uint64_t done;               /* frames taken out of the ring */
	int64_t flush_at;            /* 0: nothing pending */
	int64_t retry_at;            /* 0: not failing */
	int64_t backoff;
	bool finished;               /* the format's last bytes are there */
	bool hopeless;               /* it fails in a way that stays */

	pthread_mutex_t lock;        /* of all that follows */
	pthread_cond_t command;      /* to the thread */
	pthread_cond_t ended;        /* to whoever waits for the end */
	struct mark *marks, *last_mark;
	size_t mark_count;
	bool flush, close, abandoned;
	bool commanded;              /* something of the above is new */
	struct evcan_log_news_ news;
	struct evcan_log_write_stats stats;
	uint64_t lost[16];
};

static void
unref(struct evcan_log_worker_ *worker)
{
	struct mark *mark;

	if (atomic_fetch_sub(&worker->refs, 1) > 1)
		return;
	while ((mark = worker->marks) != NULL) {
		worker->marks = mark->next;
		free(mark);
	}
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
	const struct evcan_log_sink_ *sink = &worker->sink;

	pthread_mutex_lock(&worker->lock);
	worker->stats.written = sink->written;
	worker->stats.unfit = sink->info.unfit;
	worker->stats.bytes = sink->bytes;
	worker->stats.last_write_ns = sink->last_write_ns;
	memcpy(worker->lost, sink->info.lost, sizeof(worker->lost));
	pthread_mutex_unlock(&worker->lock);

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
static struct mark *
next_mark(struct evcan_log_worker_ *worker, size_t *n)
{
	struct mark *mark;

	pthread_mutex_lock(&worker->lock);
	mark = worker->marks;
	if (mark != NULL && mark->position == worker->done) {
		worker->marks = mark->next;
		if (worker->marks == NULL)
			worker->last_mark = NULL;
		worker->mark_count--;
	} else if (mark != NULL) {
		if (*n > mark->position - worker->done)
			*n = (size_t)(mark->position - worker->done);
		mark = NULL;
	}
	pthread_mutex_unlock(&worker->lock);
	return mark;
}

/* Puts one back whose bytes found no memory. */
static void
return_mark(struct evcan_log_worker_ *worker, struct mark *mark)
{
	pthread_mutex_lock(&worker->lock);
	mark->next = worker->marks;
	if (worker->marks == NULL)
		worker->last_mark = mark;
	worker->marks = mark;
	worker->mark_count++;
	pthread_mutex_unlock(&worker->lock);
}

static int
take_mark(struct evcan_log_worker_ *worker, struct mark *mark,
    struct evcan_error *err)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	int r;

	if (mark->kind == MARK_GAP)
		r = evcan_log_sink_gap_(sink, mark->text, &mark->gap, err);
	else if (mark->kind == MARK_EVENT)
		r = evcan_log_sink_event_(sink, mark->time_ns, mark->text,
		    err);
	else
		r = evcan_log_sink_reopen_(sink, err);
	if (r == EVCAN_ERR_NOMEM)
		return_mark(worker, mark);
	else
		free(mark);
	return r;
}

/* Encodes until a block is full or nothing is left. @return 0 or negative
 * with err */
static int
take(struct evcan_log_worker_ *worker, struct evcan_error *err)
{
	struct evcan_log_sink_ *sink = &worker->sink;
	int r = 0;

	while (evcan_log_sink_is_open_(sink) && r == 0 &&
	    evcan_log_sink_pending_(sink) < EVCAN_LOG_BLOCK) {
		const struct evcan_frame *frames;
		size_t n = evcan_ring_peek_(&worker->ring, &frames,
		    EVCAN_LOG_BATCH);
		struct mark *mark = next_mark(worker, &n);

		if (mark != NULL) {
			r = take_mark(worker, mark, err);
			continue;
		}
		if (n == 0)
			break;
		r = evcan_log_sink_frames_(sink, frames, n, err);
		if (r == EVCAN_ERR_NOMEM)
			break;
		evcan_ring_drop_(&worker->ring, n);
		worker->done += n;
	}
	return r;
}

/* When what is pending must be written: now if 0. */
static int64_t
due_at(struct evcan_log_worker_ *worker, bool hurry)
{
	const struct evcan_log_sink_ *sink = &worker->sink;

	if (worker->retry_at != 0)
		return worker->retry_at;
	if (!evcan_log_sink_is_open_(sink) || hurry || sink->lively ||
	    evcan_log_sink_pending_(sink) >= EVCAN_LOG_BLOCK)
		return 0;
	return worker->flush_at;
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
	worker->flush_at = 0;
}

static bool
is_empty(struct evcan_log_worker_ *worker)
{
	bool marks;

	if (evcan_ring_count_(&worker->ring) > 0)
		return false;
	pthread_mutex_lock(&worker->lock);
	marks = worker->marks != NULL;
	pthread_mutex_unlock(&worker->lock);
	return !marks;
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
	r = take(worker, &err);
	if (r == 0 && closing && !worker->finished && is_empty(worker) &&
	    evcan_log_sink_is_open_(sink)) {
		r = evcan_log_sink_finish_(sink, &err);
		worker->finished = r == 0;
	}
	if (r < 0) {
		failed(worker, &err);
		return;
	}
	if (evcan_log_sink_pending_(sink) == 0 &&
	    evcan_log_sink_is_open_(sink)) {
		worked(worker);
		return;
	}
	if (worker->flush_at == 0)
		worker->flush_at = evcan_now_monotonic() +
		    (int64_t)(sink->common.flush_interval * 1e9);
	if (due_at(worker, hurry) <= evcan_now_monotonic())
		write_out(worker);
}

/* Sleeps until a command, the time (0: none) or frames enough. */
static void
rest(struct evcan_log_worker_ *worker, enum sleep how, int64_t until)
{
	const struct timespec ts = { until / NS_PER_SEC, until % NS_PER_SEC };
	const size_t enough = how == SLEEP_IDLE ? 1 : worker->many;

	pthread_mutex_lock(&worker->lock);
	atomic_exchange(&worker->sleep, how);
	if ((how != SLEEP_DEAF &&
	    evcan_ring_count_(&worker->ring) >= enough) ||
	    (how == SLEEP_IDLE && worker->marks != NULL))
		atomic_exchange(&worker->sleep, AWAKE);
	while (!worker->commanded && atomic_load(&worker->sleep) != AWAKE) {
		if (until == 0)
			pthread_cond_wait(&worker->command, &worker->lock);
		else if (pthread_cond_timedwait(&worker->command,
		    &worker->lock, &ts) == ETIMEDOUT)
			break;
	}
	atomic_exchange(&worker->sleep, AWAKE);
	pthread_mutex_unlock(&worker->lock);
}

/* Until there is something to do again. */
static void
take_a_break(struct evcan_log_worker_ *worker, bool hurry)
{
	const struct evcan_log_sink_ *sink = &worker->sink;
	struct pollfd pfd = { .fd = sink->fd, .events = POLLOUT };

	if (worker->retry_at != 0)
		rest(worker, SLEEP_DEAF, worker->retry_at);
	else if (sink->waiting && sink->fd >= 0)
		poll(&pfd, 1, POLL_MS);   /* it takes no more for now */
	else if (sink->waiting)           /* a FIFO without a reader */
		rest(worker, SLEEP_DEAF, evcan_now_monotonic() + POLL_MS * 1000000ll);
	else if (!is_empty(worker) || !evcan_log_sink_is_open_(sink))
		return;
	else if (evcan_log_sink_pending_(sink) == 0)
		rest(worker, SLEEP_IDLE, 0);
	else if (due_at(worker, hurry) > evcan_now_monotonic())
		rest(worker, SLEEP_LAZY, due_at(worker, hurry));
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
	    (worker->finished || sink->fd < 0);
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
		if (evcan_log_sink_pending_(&worker->sink) == 0 &&
		    is_empty(worker))
			flush = false;
		take_a_break(worker, flush || closing);
	}
	end(worker);
	return NULL;
}

/* The loop's side */

static void
init_locks(struct evcan_log_worker_ *worker)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&worker->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->command, &attr);
	pthread_cond_init(&worker->ended, &attr);
	pthread_condattr_destroy(&attr);
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
	worker->many = (worker->ring.mask + 1) / 4;
	if (worker->many > 4096)
		worker->many = 4096;
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
	pthread_mutex_unlock(&worker->lock);
}

/* Wakes the thread if it sleeps in a way that what was just queued ends. */
static void
nudge(struct evcan_log_worker_ *worker)
{
	const int how = atomic_fetch_or(&worker->sleep, 0);

	if (how != SLEEP_IDLE && (how != SLEEP_LAZY ||
	    evcan_ring_count_(&worker->ring) < worker->many))
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

/* Adds to a marker that says the same already. */
static bool
join_gap(struct evcan_log_worker_ *worker, const char *channel,
    const struct evcan_gap *gap)
{
	/* Only the last may have the place; with too many any will do. */
	struct mark *mark = worker->mark_count < MARKS_MAX ?
	    worker->last_mark : worker->marks;

	for (; mark != NULL; mark = mark->next) {
		if (mark->kind != MARK_GAP ||
		    mark->gap.where != gap->where ||
		    strcmp(mark->text, channel) != 0)
			continue;
		if (worker->mark_count < MARKS_MAX &&
		    mark->position != worker->accepted)
			return false;
		mark->gap.lost += gap->lost;
		return true;
	}
	return false;
}

static int
add_mark(struct evcan_log_worker_ *worker, enum mark_kind kind,
    const struct evcan_gap *gap, int64_t time_ns, const char *text)
{
	const size_t size = strlen(text) + 1;
	struct mark *mark = malloc(sizeof(*mark) + size);
	int r = 0;

	if (mark == NULL)
		return EVCAN_ERR_NOMEM;
	memset(mark, 0, sizeof(*mark));
	mark->kind = kind;
	mark->position = worker->accepted;
	mark->time_ns = time_ns;
	if (gap != NULL)
		mark->gap = *gap;
	memcpy(mark->text, text, size);

	pthread_mutex_lock(&worker->lock);
	if ((kind == MARK_GAP && join_gap(worker, text, gap)) ||
	    (kind != MARK_REOPEN && worker->mark_count >= MARKS_MAX)) {
		r = kind == MARK_GAP ? 0 : EVCAN_ERR_FULL;
		free(mark);
	} else {
		if (worker->last_mark != NULL)
			worker->last_mark->next = mark;
		else
			worker->marks = mark;
		worker->last_mark = mark;
		worker->mark_count++;
	}
	pthread_mutex_unlock(&worker->lock);
	nudge(worker);
	return r;
}

int
evcan_log_worker_gap_(struct evcan_log_worker_ *worker, const char *channel,
    const struct evcan_gap *gap)
{
	worker->gap_count++;
	return add_mark(worker, MARK_GAP, gap, 0, channel);
}

int
evcan_log_worker_event_(struct evcan_log_worker_ *worker, int64_t time_ns,
    const char *text)
{
	return add_mark(worker, MARK_EVENT, NULL, time_ns, text);
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
evcan_log_worker_reopen_(struct evcan_log_worker_ *worker)
{
	int r = add_mark(worker, MARK_REOPEN, NULL, 0, "");

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
	const struct timespec ts = { until / NS_PER_SEC, until % NS_PER_SEC };
	bool closed;

	pthread_mutex_lock(&worker->lock);
	while (!worker->news.closed &&
	    pthread_cond_timedwait(&worker->ended, &worker->lock, &ts) !=
	    ETIMEDOUT)
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

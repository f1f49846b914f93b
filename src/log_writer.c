/* SPDX-License-Identifier: BSD-3-Clause */
/* log_writer.c - the front door of log files, and their listener */
#include <evcan/log.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include <evcan/bus.h>
#include <evcan/channel.h>
#include <evcan/driver.h>

#include "log_sink.h"
#include "log_worker.h"

enum state {
	OPEN,
	CLOSING,
	CLOSED
};

struct evcan_log_writer {
	struct event_base *base;           /* NULL: no worker */
	struct evcan_log_worker_ *worker;  /* NULL: none, or closed */
	struct evcan_log_sink_ sink;       /* only without a worker */
	struct evcan_listener *listener;
	struct event *news_event;
	struct event *close_timer;
	char *name;
	bool has_path;
	const struct evcan_format *format;
	char *attributes;                  /* the format's, each with a NUL */
	double close_timeout;
	bool can_rotate;

	enum state state;
	bool told_failed;
	int busy;                          /* inside our own call-backs */
	bool freed;                        /* while busy */
	int64_t flush_at;                  /* without a worker: when due */
	uint64_t closing_bytes;            /* in the file at the last look */
	struct evcan_error error;
	struct evcan_log_write_stats stats;   /* without a worker */
	uint64_t lost[16];

	evcan_log_error_cb error_cb;
	void *error_arg;
	evcan_log_rotate_cb rotate_cb;
	void *rotate_arg;
	evcan_log_closed_cb closed_cb;
	void *closed_arg;
};

static struct timeval
as_timeval(double seconds)
{
	const int64_t us = (int64_t)(seconds * 1e6);

	return (struct timeval){ us / 1000000, us % 1000000 };
}

static void
destroy(struct evcan_log_writer *writer)
{
	if (writer->news_event != NULL)
		event_free(writer->news_event);
	if (writer->close_timer != NULL)
		event_free(writer->close_timer);
	free(writer->attributes);
	free(writer->name);
	free(writer);
}

/* Call-backs stand between these two: they may free the writer. */
static void
enter(struct evcan_log_writer *writer)
{
	writer->busy++;
}

static void
leave(struct evcan_log_writer *writer)
{
	if (--writer->busy == 0 && writer->freed)
		destroy(writer);
}

/* Calls back for files that ended, and forgets them. */
static void
tell_ended(struct evcan_log_writer *writer, struct evcan_log_ended_ *ended)
{
	for (const struct evcan_log_ended_ *e = ended; e != NULL; e = e->next)
		if (!writer->freed && writer->rotate_cb != NULL)
			writer->rotate_cb(writer, e->path,
			    writer->rotate_arg);
	evcan_log_ended_free_(ended);
}

/* Without a worker */

/* The counters that the sink keeps. */
static void
sync_stats(const struct evcan_log_writer *writer,
    struct evcan_log_write_stats *stats)
{
	const struct evcan_log_sink_ *sink = &writer->sink;

	stats->written = sink->written;
	stats->unfit = sink->info.unfit;
	stats->bytes = sink->bytes;
	stats->files = sink->files;
	stats->queued = stats->accepted - sink->written;
	stats->last_write_ns = sink->last_write_ns;
	stats->failed = writer->told_failed;
}

/* The last thing in a call: files that it ended are told. @return r */
static int
sync_done(struct evcan_log_writer *writer, int r)
{
	struct evcan_log_ended_ *ended = writer->sink.ended;

	writer->sink.ended = NULL;
	if (ended == NULL)
		return r;
	enter(writer);
	tell_ended(writer, ended);
	leave(writer);
	return r;
}

/* Writes all that is pending, waiting for a slow reader. */
static int
sync_write(struct evcan_log_writer *writer)
{
	struct pollfd pfd = { .events = POLLOUT };
	int r;

	evcan_error_clear(&writer->error);
	for (;;) {
		r = evcan_log_sink_write_(&writer->sink, &writer->error);
		if (r < 0 || !writer->sink.waiting)
			break;
		pfd.fd = writer->sink.fd;
		poll(&pfd, 1, -1);
	}
	writer->told_failed = r < 0;
	return r;
}

/* The same, with what the format holds. */
static int
sync_flush(struct evcan_log_writer *writer)
{
	struct evcan_log_sink_ *sink = &writer->sink;
	int r = 0;

	evcan_error_clear(&writer->error);
	if (evcan_log_sink_is_open_(sink))
		r = evcan_log_sink_flush_(sink, &writer->error);
	return r < 0 ? r : sync_write(writer);
}

/* Opens what is to be opened before anything is appended. */
static int
sync_ready(struct evcan_log_writer *writer)
{
	evcan_error_clear(&writer->error);
	return evcan_log_sink_is_open_(&writer->sink) ? 0 :
	    sync_write(writer);
}

/* Whether what is pending should be written now. */
static bool
sync_due(struct evcan_log_writer *writer)
{
	const int64_t now = evcan_now_monotonic();

	if (writer->flush_at == 0)
		writer->flush_at = now +
		    (int64_t)(writer->sink.pace.interval * 1e9);
	if (!writer->sink.part.lively && now < writer->flush_at)
		return false;
	writer->flush_at = 0;
	return true;
}

/* One batch, or what fits into this file. @return 0 or negative */
static int
sync_some(struct evcan_log_writer *writer, const struct evcan_frame *frames,
    size_t n, size_t *taken)
{
	struct evcan_log_sink_ *sink = &writer->sink;
	size_t most = EVCAN_LOG_BATCH;
	int r = 0;

	*taken = 0;
	/* While the file refuses, nothing more is taken. */
	if (writer->told_failed || !evcan_log_sink_is_open_(sink) ||
	    evcan_log_sink_room_(sink) == 0)
		r = sync_write(writer);
	if (r < 0)
		return r;
	evcan_error_clear(&writer->error);
	if (most > evcan_log_sink_room_(sink))
		most = evcan_log_sink_room_(sink);
	return evcan_log_sink_frames_(sink, frames, n < most ? n : most,
	    taken, &writer->error);
}

static int
sync_frames(struct evcan_log_writer *writer,
    const struct evcan_frame *frames, size_t n)
{
	size_t done = 0, taken;
	int r = 0;

	while (done < n && r == 0) {
		r = sync_some(writer, frames + done, n - done, &taken);
		done += taken;
	}
	writer->stats.accepted += done;
	if (r == 0 && sync_due(writer))
		r = sync_flush(writer);
	else if (r == 0 && evcan_log_sink_room_(&writer->sink) == 0)
		r = sync_write(writer);
	return sync_done(writer, done > 0 ? (int)done : r);
}

static int
sync_turn(struct evcan_log_writer *writer, enum evcan_log_turn_ turn)
{
	int r = sync_ready(writer);

	if (r == 0)
		r = evcan_log_sink_turn_(&writer->sink, turn,
		    &writer->error);
	return r < 0 ? r : sync_write(writer);
}

static int
sync_event(struct evcan_log_writer *writer, int64_t time_ns,
    const char *text)
{
	int r = sync_ready(writer);

	return r < 0 ? r : evcan_log_sink_event_(&writer->sink, time_ns,
	    text, &writer->error);
}

/* @return files that rotation ended, through `ended` */
static int
sync_close(struct evcan_log_writer *writer, struct evcan_log_ended_ **ended)
{
	struct evcan_log_sink_ *sink = &writer->sink;
	const uint64_t accepted = writer->stats.accepted;
	struct evcan_error why;
	int r = sync_write(writer);

	if (r == 0)
		r = evcan_log_sink_finish_(sink, &writer->error);
	if (r == 0)
		r = sync_write(writer);
	why = writer->error;
	evcan_error_clear(&writer->error);
	if (r < 0)
		evcan_error_set(&writer->error, why.code, 0,
		    "closed with %llu frames not written: %.300s",
		    (unsigned long long)(accepted - sink->written),
		    why.text);
	if (evcan_log_sink_close_(sink, &writer->error) < 0 && r == 0)
		r = writer->error.code;
	sync_stats(writer, &writer->stats);
	memcpy(writer->lost, sink->info.lost, sizeof(writer->lost));
	*ended = sink->ended;
	sink->ended = NULL;
	evcan_log_sink_destroy_(sink);
	return r;
}

/* With a worker */

/* The numbers stay when the worker goes. */
static void
keep_numbers(struct evcan_log_writer *writer)
{
	evcan_log_worker_stats_(writer->worker, &writer->stats);
	for (size_t i = 0; i < 16; i++)
		writer->lost[i] = evcan_log_worker_lost_(writer->worker, i);
}

static void
let_worker_go(struct evcan_log_writer *writer)
{
	event_del(writer->news_event);
	event_del(writer->close_timer);
	keep_numbers(writer);
	evcan_log_worker_release_(writer->worker);
	writer->worker = NULL;
}

/* Calls back that it is closed: the last that happens in a call-back. */
static void
closed(struct evcan_log_writer *writer, const struct evcan_error *err)
{
	writer->state = CLOSED;
	if (err->code < 0)
		writer->error = *err;
	if (writer->closed_cb != NULL)
		writer->closed_cb(writer, err->code < 0 ? &writer->error :
		    NULL, writer->closed_arg);
}

static void
tell_failure(struct evcan_log_writer *writer,
    const struct evcan_log_news_ *news)
{
	writer->told_failed = news->failed;
	if (news->failed)
		writer->error = news->error;
	if (writer->error_cb != NULL)
		writer->error_cb(writer, news->failed ? &writer->error :
		    NULL, writer->error_arg);
}

static void
news_cb(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_log_writer *writer = arg;
	struct evcan_log_news_ news;

	(void)fd;
	(void)what;
	enter(writer);
	evcan_log_worker_news_(writer->worker, &news);
	tell_ended(writer, news.ended);
	if (!writer->freed && !news.closed &&
	    news.failed != writer->told_failed)
		tell_failure(writer, &news);
	if (!writer->freed && news.ready && writer->state == OPEN)
		evcan_listener_ready(writer->listener);
	if (!writer->freed && news.closed) {
		let_worker_go(writer);
		closed(writer, &news.error);
	}
	leave(writer);
}

/* A file that takes nothing for close_timeout while closing is given up; a
 * slow one is not. */
static void
close_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_log_writer *writer = arg;
	const struct timeval tv = as_timeval(writer->close_timeout);
	struct evcan_log_news_ news;
	struct evcan_error err;

	(void)fd;
	(void)what;
	keep_numbers(writer);
	if (writer->stats.bytes != writer->closing_bytes) {
		writer->closing_bytes = writer->stats.bytes;
		event_add(writer->close_timer, &tv);
		return;
	}
	evcan_log_worker_news_(writer->worker, &news);
	let_worker_go(writer);
	evcan_error_clear(&err);
	evcan_error_set(&err, EVCAN_ERR_TIMEOUT, 0, "%.150s: closed with "
	    "%llu frames not written, after %g s: %.250s", writer->name,
	    (unsigned long long)writer->stats.queued, writer->close_timeout,
	    writer->told_failed ? writer->error.text :
	    "it takes no more bytes");
	enter(writer);
	tell_ended(writer, news.ended);
	if (!writer->freed)
		closed(writer, &err);
	leave(writer);
}

static int
start_worker(struct evcan_log_writer *writer, struct evcan_error *err)
{
	writer->close_timer = evtimer_new(writer->base, close_timer_cb,
	    writer);
	if (writer->close_timer == NULL)
		goto nomem;
	writer->worker = evcan_log_worker_new_(&writer->sink, err);
	if (writer->worker == NULL)
		return -1;
	memset(&writer->sink, 0, sizeof(writer->sink));
	writer->sink.fd = -1;
	writer->news_event = event_new(writer->base,
	    evcan_log_worker_fd_(writer->worker), EV_READ | EV_PERSIST,
	    news_cb, writer);
	if (writer->news_event != NULL &&
	    event_add(writer->news_event, NULL) == 0)
		return 0;
nomem:
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "%.200s: out of memory for a log", writer->name);
}

/* Both */

static int
on_frames(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	(void)listener;
	(void)bus;
	return evcan_log_writer_write(arg, frames, n);
}

static void
on_gap(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_gap *gap, void *arg)
{
	struct evcan_log_writer *writer = arg;
	const char *channel = bus == NULL ? "" :
	    evcan_channel_name(evcan_bus_channel_index(bus));

	(void)listener;
	if (writer->state != OPEN)
		return;
	if (writer->worker != NULL) {
		evcan_log_worker_gap_(writer->worker, channel, gap);
		return;
	}
	writer->stats.gaps++;
	if (sync_ready(writer) == 0)
		evcan_log_sink_gap_(&writer->sink, channel, gap, NULL);
	sync_done(writer, 0);
}

static void
on_stop(struct evcan_listener *listener, void *arg)
{
	(void)listener;
	evcan_log_writer_flush(arg);
}

static const struct evcan_listener_ops listener_ops = {
	.frames = on_frames,
	.gap = on_gap,
	.stop = on_stop
};

static void
split_words(char *text)
{
	for (; *text != '\0'; text++)
		if (*text == ' ')
			*text = '\0';
}

/* What lives beside the sink. */
static int
init(struct evcan_log_writer *writer, struct evcan_error *err)
{
	const struct evcan_log_sink_ *sink = &writer->sink;
	const char *attributes = sink->format->attributes;

	writer->format = sink->format;
	writer->close_timeout = sink->common.close_timeout;
	writer->has_path = sink->path != NULL;
	writer->can_rotate = evcan_log_sink_can_rotate_(sink);
	writer->name = strdup(sink->name);
	writer->listener = evcan_listener_new(&listener_ops, writer);
	/* Two NULs end the list. */
	if (attributes == NULL)
		attributes = "";
	writer->attributes = calloc(1, strlen(attributes) + 2);
	if (writer->name == NULL || writer->listener == NULL ||
	    writer->attributes == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a log");
	memcpy(writer->attributes, attributes, strlen(attributes));
	split_words(writer->attributes);
	return writer->base != NULL ? start_worker(writer, err) : 0;
}

static struct evcan_log_writer *
writer_new(struct event_base *base, struct evcan_log_target_ *target,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_log_writer *writer = calloc(1, sizeof(*writer));
	struct evcan_log_sink_ sink;

	evcan_error_clear(err);
	target->wait = base == NULL;
	if (evcan_log_sink_init_(&sink, target, options, err) < 0) {
		free(writer);
		return NULL;
	}
	if (writer == NULL) {
		evcan_log_sink_destroy_(&sink);
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a log");
		return NULL;
	}
	writer->base = base;
	writer->sink = sink;
	if (init(writer, err) == 0)
		return writer;
	writer->state = CLOSED;
	if (writer->worker != NULL) {
		evcan_log_worker_close_(writer->worker);
		evcan_log_worker_wait_(writer->worker, 1);
		evcan_log_worker_release_(writer->worker);
	} else {
		evcan_log_sink_destroy_(&writer->sink);
	}
	evcan_listener_free(writer->listener);
	destroy(writer);
	return NULL;
}

struct evcan_log_writer *
evcan_log_writer_new(struct event_base *base, const char *path,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_log_target_ target = { .path = path, .fd = -1 };

	return writer_new(base, &target, options, err);
}

struct evcan_log_writer *
evcan_log_writer_new_fd(struct event_base *base, int fd, const char *name,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_log_target_ target = { .fd = fd, .name = name };

	return writer_new(base, &target, options, err);
}

struct evcan_log_writer *
evcan_log_writer_new_io(struct event_base *base,
    const struct evcan_log_io *io, const char *name,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_log_target_ target = { .io = io, .fd = -1,
	    .name = name };

	return writer_new(base, &target, options, err);
}

struct evcan_listener *
evcan_log_writer_listener(struct evcan_log_writer *writer)
{
	return writer->listener;
}

int
evcan_log_writer_write(struct evcan_log_writer *writer,
    const struct evcan_frame *frames, size_t n)
{
	if (writer->state != OPEN)
		return EVCAN_ERR_STATE;
	if (n > INT32_MAX)
		n = INT32_MAX;
	return writer->worker != NULL ?
	    (int)evcan_log_worker_frames_(writer->worker, frames, n) :
	    sync_frames(writer, frames, n);
}

int
evcan_log_writer_event_at(struct evcan_log_writer *writer, int64_t time_ns,
    const char *text)
{
	if (writer->format->encode_event == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	if (writer->state != OPEN)
		return EVCAN_ERR_STATE;
	return writer->worker != NULL ?
	    evcan_log_worker_event_(writer->worker, time_ns, text) :
	    sync_done(writer, sync_event(writer, time_ns, text));
}

int
evcan_log_writer_event(struct evcan_log_writer *writer, const char *text)
{
	return evcan_log_writer_event_at(writer, evcan_now_unix(), text);
}

int
evcan_log_writer_flush(struct evcan_log_writer *writer)
{
	if (writer->state != OPEN)
		return EVCAN_ERR_STATE;
	if (writer->worker == NULL)
		return sync_done(writer, sync_flush(writer));
	evcan_log_worker_flush_(writer->worker);
	return 0;
}

static int
turn(struct evcan_log_writer *writer, bool can, enum evcan_log_turn_ which)
{
	if (!can)
		return EVCAN_ERR_UNSUPPORTED;
	if (writer->state != OPEN)
		return EVCAN_ERR_STATE;
	return writer->worker != NULL ?
	    evcan_log_worker_turn_(writer->worker, which) :
	    sync_done(writer, sync_turn(writer, which));
}

int
evcan_log_writer_reopen(struct evcan_log_writer *writer)
{
	return turn(writer, writer->has_path, EVCAN_LOG_REOPEN);
}

int
evcan_log_writer_rotate(struct evcan_log_writer *writer)
{
	return turn(writer, writer->can_rotate, EVCAN_LOG_ROTATE);
}

void
evcan_log_writer_set_rotate_cb(struct evcan_log_writer *writer,
    evcan_log_rotate_cb cb, void *arg)
{
	writer->rotate_cb = cb;
	writer->rotate_arg = arg;
}

int
evcan_log_writer_close(struct evcan_log_writer *writer,
    evcan_log_closed_cb cb, void *arg)
{
	const struct timeval tv = as_timeval(writer->close_timeout);
	struct evcan_log_ended_ *ended;

	if (writer->state != OPEN)
		return EVCAN_ERR_STATE;
	writer->closed_cb = cb;
	writer->closed_arg = arg;
	writer->state = CLOSING;
	if (writer->worker == NULL) {
		sync_close(writer, &ended);
		writer->state = CLOSED;
		enter(writer);
		tell_ended(writer, ended);
		if (!writer->freed)
			closed(writer, &writer->error);
		leave(writer);
		return 0;
	}
	keep_numbers(writer);
	writer->closing_bytes = writer->stats.bytes;
	evcan_log_worker_close_(writer->worker);
	event_add(writer->close_timer, &tv);
	return 0;
}

/* Closes without a call-back; what was left is only logged. */
static void
close_now(struct evcan_log_writer *writer)
{
	struct evcan_log_ended_ *ended = NULL;
	struct evcan_log_news_ news;
	struct evcan_log_write_stats stats;

	if (writer->worker == NULL) {
		if (sync_close(writer, &ended) < 0)
			evcan_log(EVCAN_LOG_ERROR, "log", "%s",
			    writer->error.text);
		evcan_log_ended_free_(ended);
		return;
	}
	evcan_log_worker_close_(writer->worker);
	if (!evcan_log_worker_wait_(writer->worker, writer->close_timeout)) {
		evcan_log_worker_stats_(writer->worker, &stats);
		evcan_log(EVCAN_LOG_ERROR, "log",
		    "%s: freed with %llu frames not written", writer->name,
		    (unsigned long long)stats.queued);
	} else {
		evcan_log_worker_news_(writer->worker, &news);
		evcan_log_ended_free_(news.ended);
		if (news.error.code < 0)
			evcan_log(EVCAN_LOG_ERROR, "log", "%s",
			    news.error.text);
	}
	let_worker_go(writer);
}

void
evcan_log_writer_free(struct evcan_log_writer *writer)
{
	if (writer == NULL)
		return;
	if (writer->state != CLOSED && (writer->worker != NULL ||
	    writer->base == NULL))
		close_now(writer);
	writer->state = CLOSED;
	evcan_listener_free(writer->listener);
	writer->listener = NULL;
	writer->freed = true;
	if (writer->busy == 0)
		destroy(writer);
}

void
evcan_log_writer_get_stats(const struct evcan_log_writer *writer,
    struct evcan_log_write_stats *stats)
{
	*stats = writer->stats;
	if (writer->worker != NULL)
		evcan_log_worker_stats_(writer->worker, stats);
	else if (writer->state == OPEN)
		sync_stats(writer, stats);
	stats->dropped = evcan_listener_dropped(writer->listener);
}

void
evcan_log_writer_set_error_cb(struct evcan_log_writer *writer,
    evcan_log_error_cb cb, void *arg)
{
	writer->error_cb = cb;
	writer->error_arg = arg;
}

const struct evcan_error *
evcan_log_writer_error(const struct evcan_log_writer *writer)
{
	return &writer->error;
}

const char *
evcan_log_writer_format(const struct evcan_log_writer *writer)
{
	return writer->format->name;
}

const char *
evcan_log_writer_name(const struct evcan_log_writer *writer)
{
	return writer->name;
}

static uint64_t
lost_at(const struct evcan_log_writer *writer, size_t i)
{
	if (writer->worker != NULL)
		return evcan_log_worker_lost_(writer->worker, i);
	return writer->state == OPEN ? writer->sink.info.lost[i] :
	    writer->lost[i];
}

const char *
evcan_log_writer_lost(const struct evcan_log_writer *writer, size_t i,
    uint64_t *count)
{
	const char *word = writer->attributes;

	for (size_t at = 0; at < 16 && *word != '\0'; at++) {
		*count = lost_at(writer, at);
		if (*count > 0 && i-- == 0)
			return word;
		word += strlen(word) + 1;
	}
	*count = 0;
	return NULL;
}

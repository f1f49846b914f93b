/* SPDX-License-Identifier: BSD-3-Clause */
/* reader.c - a bounded buffer of frames between loop and reader */
#include <evcan/reader.h>

#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/notifier.h>

#include "bus_internal.h"
#include "listener_internal.h"

#define CAPACITY_DEFAULT 4096
#define CAPACITY_MAX 16777216

struct awaiter {
	struct awaiter *next;
	evcan_reader_await_cb cb;
	void *arg;
};

struct evcan_reader {
	struct evcan_listener *listener;
	struct evcan_frame *frames;
	size_t capacity, first, count;
	evcan_reader_cb cb;
	void *cb_arg;
	struct awaiter *awaiters;
	unsigned depth;          /* of call-backs */
	bool stopped, freed;
};

static int on_frames(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg);

static void
on_stop(struct evcan_listener *listener, void *arg)
{
	(void)listener;
	evcan_reader_stop(arg);
}

static const struct evcan_listener_ops reader_ops = {
	.frames = on_frames,
	.stop = on_stop
};

struct evcan_reader *
evcan_reader_new(size_t capacity, struct evcan_error *err)
{
	struct evcan_reader *reader;

	if (capacity == 0)
		capacity = CAPACITY_DEFAULT;
	if (capacity > CAPACITY_MAX) {
		evcan_error_set(err, EVCAN_ERR_INVALID, 0, "a reader of %zu "
		    "frames is too large: 1 to %d", capacity, CAPACITY_MAX);
		return NULL;
	}
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL)
		goto nomem;
	reader->capacity = capacity;
	reader->frames = malloc(capacity * sizeof(*reader->frames));
	reader->listener = evcan_listener_new(&reader_ops, reader);
	if (reader->frames != NULL && reader->listener != NULL)
		return reader;
	evcan_listener_free(reader->listener);
	free(reader->frames);
	free(reader);
nomem:
	evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
	return NULL;
}

static void
release(struct evcan_reader *reader)
{
	while (reader->awaiters != NULL) {
		struct awaiter *awaiter = reader->awaiters;

		reader->awaiters = awaiter->next;
		free(awaiter);
	}
	free(reader->frames);
	free(reader);
}

void
evcan_reader_free(struct evcan_reader *reader)
{
	if (reader == NULL || reader->freed)
		return;
	reader->freed = true;
	reader->stopped = true;
	evcan_listener_free(reader->listener);
	if (reader->depth == 0)
		release(reader);
}

/* Around call-backs, in which the reader may be freed. */
static void
enter(struct evcan_reader *reader)
{
	reader->depth++;
}

static void
leave(struct evcan_reader *reader)
{
	if (--reader->depth == 0 && reader->freed)
		release(reader);
}

struct evcan_listener *
evcan_reader_listener(struct evcan_reader *reader)
{
	return reader->listener;
}

size_t
evcan_reader_count(const struct evcan_reader *reader)
{
	return reader->count;
}

void
evcan_reader_set_cb(struct evcan_reader *reader, evcan_reader_cb cb,
    void *arg)
{
	reader->cb = cb;
	reader->cb_arg = arg;
}

int
evcan_reader_get(struct evcan_reader *reader, struct evcan_frame *frames,
    size_t max)
{
	size_t n = max < reader->count ? max : reader->count;
	size_t row = reader->capacity - reader->first;
	bool was_full = reader->count == reader->capacity;

	if (row > n)
		row = n;
	memcpy(frames, reader->frames + reader->first, row * sizeof(*frames));
	memcpy(frames + row, reader->frames, (n - row) * sizeof(*frames));
	reader->first = (reader->first + n) % reader->capacity;
	reader->count -= n;
	if (was_full && n > 0 && !reader->freed)
		evcan_listener_ready(reader->listener);
	return (int)n;
}

/* Hands the oldest frame (or NULL) to whoever awaits first. */
static void
wake_one(struct evcan_reader *reader, const struct evcan_frame *frame)
{
	struct awaiter *awaiter = reader->awaiters;
	evcan_reader_await_cb cb = awaiter->cb;
	void *arg = awaiter->arg;

	reader->awaiters = awaiter->next;
	free(awaiter);
	cb(reader, frame, arg);
}

static size_t
store(struct evcan_reader *reader, const struct evcan_frame *frames, size_t n)
{
	size_t room = reader->capacity - reader->count;
	size_t end = (reader->first + reader->count) % reader->capacity;
	size_t row = reader->capacity - end;

	if (n > room)
		n = room;
	if (row > n)
		row = n;
	memcpy(reader->frames + end, frames, row * sizeof(*frames));
	memcpy(reader->frames, frames + row, (n - row) * sizeof(*frames));
	reader->count += n;
	return n;
}

static int
on_frames(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	struct evcan_reader *reader = arg;
	size_t taken;

	(void)listener;
	(void)bus;
	if (reader->stopped)
		return EVCAN_ERR_STATE;
	enter(reader);
	taken = store(reader, frames, n);
	while (reader->awaiters != NULL && reader->count > 0 &&
	    !reader->freed) {
		struct evcan_frame frame;

		evcan_reader_get(reader, &frame, 1);
		wake_one(reader, &frame);
	}
	if (reader->cb != NULL && reader->count > 0 && !reader->freed)
		reader->cb(reader, reader->cb_arg);
	leave(reader);
	return (int)taken;
}

int
evcan_reader_await(struct evcan_reader *reader, evcan_reader_await_cb cb,
    void *arg)
{
	struct awaiter *awaiter, **at = &reader->awaiters;
	struct evcan_frame frame;

	if (reader->count > 0) {
		enter(reader);
		evcan_reader_get(reader, &frame, 1);
		cb(reader, &frame, arg);
		leave(reader);
		return 1;
	}
	if (reader->stopped)
		return EVCAN_ERR_STATE;
	awaiter = calloc(1, sizeof(*awaiter));
	if (awaiter == NULL)
		return EVCAN_ERR_NOMEM;
	awaiter->cb = cb;
	awaiter->arg = arg;
	while (*at != NULL)
		at = &(*at)->next;
	*at = awaiter;
	return 0;
}

void
evcan_reader_stop(struct evcan_reader *reader)
{
	if (reader->stopped)
		return;
	reader->stopped = true;
	enter(reader);
	while (reader->awaiters != NULL && !reader->freed)
		wake_one(reader, NULL);
	leave(reader);
}

/* Waiting needs a notifier to drive, and no loop that it would hold. */
static struct evcan_notifier *
driven_by(const struct evcan_reader *reader)
{
	const struct evcan_attachment_ *a = reader->listener->attachments;

	return a != NULL ? a->notifier : NULL;
}

int
evcan_reader_get_wait(struct evcan_reader *reader, struct evcan_frame *frame,
    int timeout_ms)
{
	int64_t end = evcan_bus_end_of_(timeout_ms);

	while (evcan_reader_get(reader, frame, 1) == 0) {
		struct evcan_notifier *notifier = driven_by(reader);
		int64_t left = -1;
		int r;

		if (reader->stopped || timeout_ms == 0)
			return 0;
		if (notifier == NULL)
			return EVCAN_ERR_STATE;
		if (end != INT64_MAX) {
			left = (end - evcan_now_monotonic() + 999999) /
			    1000000;
			if (left <= 0)
				return 0;
		}
		r = evcan_notifier_process(notifier, (int)left);
		if (r < 0)
			return EVCAN_ERR_STATE;
	}
	return 1;
}

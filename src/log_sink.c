/* SPDX-License-Identifier: BSD-3-Clause */
/* log_sink.c - encodes into a buffer and writes that to where it goes */
#include "log_sink.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evcan/driver.h>

/* More than any format writes for a frame: near its limit a file gets so few
 * at a time that it does not pass it by more than one. */
#define FRAME_MOST 512
/* With gzip only what is packed tells how much of a limit is left; less than
 * this is not packed for that alone. */
#define PACK_LEAST 4096

bool
evcan_log_sink_is_open_(const struct evcan_log_sink_ *sink)
{
	return evcan_log_sink_has_file_(sink) &&
	    sink->turn == EVCAN_LOG_STAY;
}

bool
evcan_log_sink_can_rotate_(const struct evcan_log_sink_ *sink)
{
	return sink->path != NULL && sink->part.regular;
}

size_t
evcan_log_sink_held_(const struct evcan_log_sink_ *sink)
{
	return sink->format->held != NULL ?
	    sink->format->held(sink->state) : 0;
}

size_t
evcan_log_sink_room_(const struct evcan_log_sink_ *sink)
{
	const size_t pending = evcan_log_sink_pending_(sink);
	const uint64_t waiting = sink->encoded - sink->written;
	const size_t most = sink->pace.frames;

	if (most == 0)
		return pending < EVCAN_LOG_BLOCK ? SIZE_MAX : 0;
	/* Frames without a byte are never written. */
	if (pending == 0)
		return most;
	return waiting < most ? most - (size_t)waiting : 0;
}

int64_t
evcan_log_sink_rotate_at_(const struct evcan_log_sink_ *sink)
{
	if (!evcan_log_sink_is_open_(sink))
		return 0;
	if (sink->rename_at != 0)
		return sink->rename_at;
	return sink->part.frames > 0 ? sink->part.rotate_at : 0;
}

/* Moves what is encoded into a gzip member of its own: each is whole. */
static int
pack_member(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	struct evcan_buffer *packed = &sink->packed;
	size_t room, n = 0;
	uint8_t *p;

	room = evcan_deflater_bound_(sink->deflater, sink->out.len);
	p = evcan_buffer_reserve(packed, room);
	if (p != NULL)
		n = evcan_deflater_run_(sink->deflater, sink->out.data,
		    sink->out.len, p, room);
	packed->failed = false;
	if (n == 0)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for packing", sink->name);
	evcan_buffer_commit(packed, n);
	sink->out.len = 0;
	return 0;
}

static int
pack(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	return sink->deflater != NULL && sink->out.len > 0 ?
	    pack_member(sink, err) : 0;
}

/* A file without a byte is no gzip file: it gets one empty member. */
static int
pack_nothing(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const bool empty = sink->part.past + sink->part.bytes == 0 &&
	    evcan_log_sink_pending_(sink) == 0;

	return sink->deflater != NULL && empty ? pack_member(sink, err) : 0;
}

/* Bytes that the file will have when it is flushed, nearly. */
static uint64_t
file_size(const struct evcan_log_sink_ *sink)
{
	const struct evcan_log_part_ *part = &sink->part;
	uint64_t size = part->past + part->bytes;

	/* Of another's file only the system knows. */
	if (part->disk > size)
		size = part->disk;
	return size + evcan_log_sink_pending_(sink) +
	    evcan_log_sink_held_(sink);
}

/* Frames that fit below rotate_size. */
static size_t
fit_size(struct evcan_log_sink_ *sink, size_t n)
{
	const uint64_t limit = (uint64_t)sink->common.rotate_size;
	uint64_t size;

	if (limit == 0)
		return n;
	size = file_size(sink);
	if (size >= limit && sink->out.len >= PACK_LEAST &&
	    pack(sink, NULL) == 0)
		size = file_size(sink);
	if (size < limit) {
		const uint64_t most = (limit - size) / FRAME_MOST + 1;

		return n < most ? n : (size_t)most;
	}
	/* A limit below what a format begins with leaves it a frame. */
	return sink->part.frames > 0 || sink->part.past > 0 ? 0 : 1;
}

/* Frames that come before rotate_time is over. The stamps of one clock only
 * are compared. */
static size_t
fit_time(struct evcan_log_sink_ *sink, const struct evcan_frame *frames,
    size_t n)
{
	const int64_t span = (int64_t)(sink->common.rotate_time * 1e9);
	struct evcan_log_part_ *part = &sink->part;

	if (span == 0)
		return n;
	if (part->frames == 0) {
		part->first_ns = frames[0].time_ns;
		part->first_clock = frames[0].clock;
		part->rotate_at = evcan_now_monotonic() + span;
	} else if (evcan_now_monotonic() >= part->rotate_at) {
		return 0;
	}
	if (part->first_ns > INT64_MAX - span)
		return n;
	for (size_t i = 0; i < n; i++)
		if (frames[i].time_ns >= part->first_ns + span &&
		    frames[i].clock == part->first_clock)
			return i;
	return n;
}

/* After what may have made the format hold more, or less. */
static void
note_held(struct evcan_log_sink_ *sink)
{
	if (sink->format->held != NULL)
		evcan_log_tally_add_(&sink->tally, sink->encoded,
		    evcan_log_sink_held_(sink));
}

/* Frames that come before the file ends. */
static size_t
fit(struct evcan_log_sink_ *sink, const struct evcan_frame *frames, size_t n)
{
	if (!evcan_log_sink_can_rotate_(sink))
		return n;
	if (sink->rename_at != 0)
		return evcan_now_monotonic() < sink->rename_at ? n : 0;
	return fit_time(sink, frames, fit_size(sink, n));
}

int
evcan_log_sink_frames_(struct evcan_log_sink_ *sink,
    const struct evcan_frame *frames, size_t n, size_t *taken,
    struct evcan_error *err)
{
	const size_t before = sink->out.len;
	const struct evcan_encode info = sink->info;
	int r;

	*taken = 0;
	n = fit(sink, frames, n);
	if (n == 0)
		return evcan_log_sink_turn_(sink, EVCAN_LOG_ROTATE, err);
	r = sink->format->encode(sink->state, frames, n, &sink->out,
	    &sink->info);
	r = evcan_log_sink_appended_(sink, before, r, NULL, err);
	if (r == EVCAN_ERR_NOMEM) {
		sink->info = info;
		return r;
	}
	*taken = n;
	sink->encoded += n;
	sink->part.frames += n;
	note_held(sink);
	return r;
}

int
evcan_log_sink_gap_(struct evcan_log_sink_ *sink, const char *channel,
    const struct evcan_gap *gap, struct evcan_error *err)
{
	const size_t before = sink->out.len;
	int r;

	if (sink->format->encode_gap == NULL)
		return 0;
	r = sink->format->encode_gap(sink->state, channel, gap, &sink->out);
	note_held(sink);
	return evcan_log_sink_appended_(sink, before, r, NULL, err);
}

int
evcan_log_sink_event_(struct evcan_log_sink_ *sink, int64_t time_ns,
    const char *text, struct evcan_error *err)
{
	const size_t before = sink->out.len;
	int r;

	if (sink->format->encode_event == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	r = sink->format->encode_event(sink->state, time_ns, text,
	    &sink->out);
	note_held(sink);
	return evcan_log_sink_appended_(sink, before, r, NULL, err);
}

int
evcan_log_sink_flush_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const size_t before = sink->out.len;
	int r;

	if (sink->format->flush == NULL || sink->part.finished ||
	    evcan_log_sink_held_(sink) == 0)
		return 0;
	r = sink->format->flush(sink->state, &sink->out);
	note_held(sink);
	return evcan_log_sink_appended_(sink, before, r, NULL, err);
}

int
evcan_log_sink_finish_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const size_t before = sink->out.len;
	int r = 0;

	if (sink->format->finish != NULL)
		r = sink->format->finish(sink->state, &sink->out);
	r = evcan_log_sink_appended_(sink, before, r, NULL, err);
	if (r == 0)
		r = pack_nothing(sink, err);
	sink->part.finished = r == 0;
	note_held(sink);
	return r;
}

/* A file that cannot be appended to goes on as it is while its name still
 * leads to it: opened again, it would only be refused. */
static bool
stays_open(const struct evcan_log_sink_ *sink)
{
	struct stat st;

	return (sink->format->flags & EVCAN_FORMAT_NO_APPEND) != 0 &&
	    sink->path != NULL && stat(sink->path, &st) == 0 &&
	    st.st_dev == sink->part.dev && st.st_ino == sink->part.ino;
}

int
evcan_log_sink_turn_(struct evcan_log_sink_ *sink, enum evcan_log_turn_ turn,
    struct evcan_error *err)
{
	int r;

	if (!evcan_log_sink_is_open_(sink))
		return 0;
	if (turn == EVCAN_LOG_ROTATE && !evcan_log_sink_can_rotate_(sink))
		return evcan_error_set(err, EVCAN_ERR_OPERATION, 0,
		    "%.200s: is not a regular file, so it cannot be rotated",
		    sink->name);
	if (turn == EVCAN_LOG_REOPEN && stays_open(sink))
		return 0;
	r = evcan_log_sink_finish_(sink, err);
	if (r == 0)
		sink->turn = turn;
	return r;
}

/* @return bytes, or a negative errno */
static int64_t
write_some(struct evcan_log_sink_ *sink, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (sink->has_io)
		return sink->io.write(sink->io.arg, data, len);
	do {
		n = write(sink->fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* All to the format that owns its file: all of it, or nothing. */
static int
store(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	struct evcan_error why = { 0 };
	struct stat st;
	int64_t n = 0;

	if (sink->out.len > 0)
		n = sink->format->store(sink->state, sink->out.data,
		    sink->out.len, &why);
	if (n < 0)
		return evcan_log_sink_blame_(sink, (int)n, &why, err);
	sink->sent = sink->out.len;
	sink->bytes += sink->sent;
	sink->part.bytes += sink->sent;
	if (sink->common.rotate_size > 0 && stat(sink->path, &st) == 0)
		sink->part.disk = (uint64_t)st.st_size;
	return 0;
}

static int
write_bytes(struct evcan_log_sink_ *sink, const struct evcan_buffer *from,
    struct evcan_error *err)
{
	while (sink->sent < from->len) {
		const size_t left = from->len - sink->sent;
		const int64_t n = write_some(sink, from->data + sink->sent,
		    left);

		if (n == -EAGAIN) {
			sink->waiting = true;
			return 0;
		}
		/* Nothing written and no reason why: call it an error, or
		 * this would turn round and round. */
		if (n <= 0 || (uint64_t)n > left)
			return evcan_error_set(err, EVCAN_ERR_OPERATION,
			    n < 0 ? (int)-n : EIO,
			    "%.200s: cannot be written", sink->name);
		sink->sent += (size_t)n;
		sink->bytes += (uint64_t)n;
		sink->part.bytes += (uint64_t)n;
	}
	return 0;
}

static int
write_pending(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int r = pack(sink, err);

	sink->waiting = false;
	if (r == 0)
		r = sink->has_store ? store(sink, err) : write_bytes(sink,
		    sink->deflater != NULL ? &sink->packed : &sink->out,
		    err);
	if (r < 0 || sink->waiting)
		return r;
	sink->last_write_ns = evcan_now_unix();
	sink->written = sink->format->held == NULL ? sink->encoded :
	    evcan_log_tally_settle_(&sink->tally,
	    evcan_log_sink_held_(sink));
	sink->out.len = sink->packed.len = sink->sent = 0;
	return 0;
}

int
evcan_log_sink_write_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int ended = 0, r;

	sink->waiting = false;
	if (evcan_log_sink_has_file_(sink)) {
		r = write_pending(sink, err);
		if (r < 0 || sink->waiting || sink->turn == EVCAN_LOG_STAY)
			return r;
		ended = evcan_log_sink_end_(sink, err);
	}
	/* What comes next is opened although the old one had a fault. */
	r = evcan_log_sink_next_(sink, err);
	if (r == 0 && evcan_log_sink_has_file_(sink))
		r = write_pending(sink, err);
	return ended < 0 ? ended : r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* log_sink.c - encodes into a buffer and writes that to where it goes */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evcan/driver.h>

/* Room that lets a text format encode a last batch without growing. */
#define OUT_SIZE (EVCAN_LOG_BLOCK * 2)

/*
 * Options are checked before the file is touched: a mistyped option must not
 * empty a log.
 */
static int
fill_options(struct evcan_log_sink_ *sink, const struct evcan_options *given,
    struct evcan_error *err)
{
	struct evcan_log_writer_options_ *common = &sink->common;
	const struct evcan_option *lists[2];
	char list[EVCAN_LOG_FORMATS_MAX];

	sink->options = given != NULL ? evcan_options_copy(given) :
	    evcan_options_new();
	if (sink->options == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for options", sink->name);
	if (evcan_options_fill(sink->options, evcan_log_writer_options(),
	    common, err) < 0)
		return EVCAN_ERR_INVALID;
	if (common->format != NULL)
		sink->format = evcan_log_format_named_(common->format,
		    sink->name, true, err);
	else
		sink->format = evcan_format_for_name(sink->name, true);
	if (sink->format == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: the name tells no log format; name it with a "
		    "suffix, or say the option format: %s", sink->name,
		    evcan_log_formats_(list, true));
	lists[0] = evcan_log_writer_options();
	lists[1] = sink->format->write_options;
	return evcan_options_refuse_unknown(sink->options, lists, 2,
	    sink->format->name, err);
}

/* A state as it was before `begin`, copied for each file. */
static int
make_state(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const struct evcan_format *format = sink->format;

	sink->fresh = evcan_log_state_new_(sink->options,
	    format->write_options, format->write_size, err);
	sink->state = calloc(1, format->write_size + 1);
	if (sink->fresh == NULL || sink->state == NULL ||
	    evcan_buffer_reserve(&sink->out, OUT_SIZE) == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for writing", sink->name);
	memcpy(sink->state, sink->fresh, format->write_size);
	return 0;
}

/* Whether a text file's last line is unfinished, as after a crash. */
static bool
line_is_open(const struct evcan_log_sink_ *sink, off_t size)
{
	char last = '\n';
	int fd;

	if (!(sink->format->flags & EVCAN_FORMAT_TEXT) || size == 0 ||
	    sink->path == NULL)
		return false;
	fd = open(sink->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	if (pread(fd, &last, 1, size - 1) != 1)
		last = '\n';
	close(fd);
	return last != '\n';
}

/* Appends under the rule that a failure leaves nothing behind. */
static int
appended(struct evcan_log_sink_ *sink, size_t before, int r,
    struct evcan_error *err)
{
	if (!sink->out.failed && r >= 0)
		return 0;
	sink->out.len = before;
	if (!sink->out.failed)
		return evcan_error_set(err, r, 0,
		    "%.200s: the format %s cannot hold that", sink->name,
		    sink->format->name);
	sink->out.failed = false;
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "%.200s: out of memory for writing", sink->name);
}

/* The new fd's kind, and the format's first bytes. */
static int
begin(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const size_t before = sink->out.len;
	struct stat st = { 0 };
	off_t size = 0;
	int r = 0;

	if (!sink->has_io && fstat(sink->fd, &st) < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "%.200s: cannot be written", sink->name);
	sink->regular = S_ISREG(st.st_mode);
	sink->lively = !sink->has_io && !sink->regular;
	if (sink->regular)
		size = sink->path != NULL ? st.st_size :
		    lseek(sink->fd, 0, SEEK_CUR);
	if (size > 0 && line_is_open(sink, size))
		evcan_buffer_append(&sink->out, "\n", 1);
	if (sink->format->begin != NULL)
		r = sink->format->begin(sink->state, size > 0, &sink->out,
		    err);
	return appended(sink, before, r, err);
}

/* @param flags O_TRUNC or O_APPEND */
static int
open_path(struct evcan_log_sink_ *sink, int flags, struct evcan_error *err)
{
	struct stat st = { 0 };
	const bool fifo = stat(sink->path, &st) == 0 && S_ISFIFO(st.st_mode);

	if (S_ISDIR(st.st_mode))
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "%.200s: is a directory, not a log file", sink->name);
	/* Non-blocking means nothing to files, but keeps FIFOs, terminals
	 * and serial ports from holding whoever opens them. */
	sink->fd = open(sink->path, O_WRONLY | O_CREAT | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK | flags, 0666);
	sink->waiting = sink->fd < 0 && errno == ENXIO && fifo &&
	    !sink->wait;
	if (sink->waiting)
		return 0;
	if (sink->fd < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    fifo && errno == ENXIO ? "%.200s: is a FIFO that nobody "
		    "reads" : "%.200s: cannot be opened for writing",
		    sink->name);
	return 0;
}

static int
open_target(struct evcan_log_sink_ *sink,
    const struct evcan_log_target_ *target, struct evcan_error *err)
{
	int r = 0;

	if (target->io != NULL && target->io->write == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: call-backs without `write` cannot be written to",
		    sink->name);
	if (sink->path != NULL)
		r = open_path(sink, sink->common.append ? O_APPEND : O_TRUNC,
		    err);
	if (r < 0 || (sink->waiting && sink->fd < 0))
		return r;
	return begin(sink, err);
}

/* Takes over an fd or io before anything can fail. */
static int
take_target(struct evcan_log_sink_ *sink,
    const struct evcan_log_target_ *target)
{
	const char *name = target->name != NULL ? target->name : "log";
	const char *path = target->path;

	sink->fd = target->fd;
	sink->wait = target->wait;
	if (target->io != NULL) {
		sink->io = *target->io;
		sink->has_io = true;
	}
	if (path != NULL && strcmp(path, "-") == 0) {
		sink->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		name = "standard output";
	} else if (path != NULL) {
		name = path;
		sink->path = strdup(path);
		if (sink->path == NULL)
			return -1;
	}
	sink->name = strdup(name);
	return sink->name != NULL ? 0 : -1;
}

int
evcan_log_sink_init_(struct evcan_log_sink_ *sink,
    const struct evcan_log_target_ *target,
    const struct evcan_options *options, struct evcan_error *err)
{
	int r;

	memset(sink, 0, sizeof(*sink));
	if (take_target(sink, target) < 0)
		r = evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a log");
	else if (sink->fd < 0 && sink->path == NULL && !sink->has_io)
		r = evcan_error_set(err, EVCAN_ERR_INIT, EBADF,
		    "%.200s: cannot be written", sink->name);
	else
		r = fill_options(sink, options, err);
	if (r == 0)
		r = make_state(sink, err);
	if (r == 0)
		r = open_target(sink, target, err);
	if (r < 0)
		evcan_log_sink_destroy_(sink);
	return r;
}

void
evcan_log_sink_destroy_(struct evcan_log_sink_ *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	if (sink->has_io && sink->io.close != NULL)
		sink->io.close(sink->io.arg);
	sink->fd = -1;
	sink->has_io = false;
	if (sink->state != NULL && sink->format->write_done != NULL)
		sink->format->write_done(sink->state);
	free(sink->state);
	free(sink->fresh);
	free(sink->out.data);
	evcan_options_free(sink->options);
	free(sink->path);
	free(sink->name);
	memset(sink, 0, sizeof(*sink));
	sink->fd = -1;
}

bool
evcan_log_sink_is_open_(const struct evcan_log_sink_ *sink)
{
	return (sink->fd >= 0 || sink->has_io) && !sink->reopening;
}

size_t
evcan_log_sink_pending_(const struct evcan_log_sink_ *sink)
{
	return sink->out.len - sink->sent;
}

int
evcan_log_sink_frames_(struct evcan_log_sink_ *sink,
    const struct evcan_frame *frames, size_t n, struct evcan_error *err)
{
	const size_t before = sink->out.len;
	const struct evcan_encode info = sink->info;
	int r = sink->format->encode(sink->state, frames, n, &sink->out,
	    &sink->info);

	r = appended(sink, before, r, err);
	if (r == EVCAN_ERR_NOMEM)
		sink->info = info;
	else
		sink->encoded += n;
	return r;
}

int
evcan_log_sink_gap_(struct evcan_log_sink_ *sink, const char *channel,
    const struct evcan_gap *gap, struct evcan_error *err)
{
	const size_t before = sink->out.len;

	if (sink->format->encode_gap == NULL)
		return 0;
	return appended(sink, before, sink->format->encode_gap(sink->state,
	    channel, gap, &sink->out), err);
}

int
evcan_log_sink_event_(struct evcan_log_sink_ *sink, int64_t time_ns,
    const char *text, struct evcan_error *err)
{
	const size_t before = sink->out.len;

	if (sink->format->encode_event == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	return appended(sink, before, sink->format->encode_event(sink->state,
	    time_ns, text, &sink->out), err);
}

int
evcan_log_sink_finish_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const size_t before = sink->out.len;

	if (sink->format->finish == NULL)
		return 0;
	return appended(sink, before, sink->format->finish(sink->state,
	    &sink->out), err);
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

static int
write_pending(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int64_t n;

	sink->waiting = false;
	while (sink->sent < sink->out.len) {
		const size_t left = sink->out.len - sink->sent;

		n = write_some(sink, sink->out.data + sink->sent, left);
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
	}
	sink->last_write_ns = evcan_now_unix();
	sink->written = sink->encoded;
	sink->out.len = sink->sent = 0;
	return 0;
}

/* A path that is not open: waited for as a FIFO, or between two files. */
static int
open_again(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	/* Never empties: the file may be the old one, not renamed. */
	int r = open_path(sink, O_APPEND, err);

	if (r < 0 || sink->fd < 0)
		return r;
	r = begin(sink, err);
	if (r == 0)
		return 0;
	close(sink->fd);
	sink->fd = -1;
	return r;
}

static int
close_fd(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int r = 0;

	if (sink->has_io) {
		sink->has_io = false;
		if (sink->io.close != NULL)
			r = -sink->io.close(sink->io.arg);
	} else if (sink->fd >= 0) {
		if (sink->regular && fsync(sink->fd) < 0)
			r = errno;
		if (close(sink->fd) < 0 && r == 0 && errno != EINTR)
			r = errno;
		sink->fd = -1;
	}
	if (r == 0)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_OPERATION, r,
	    "%.200s: cannot be brought to the disk", sink->name);
}

static int
turn_over(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int r = close_fd(sink, err);

	sink->reopening = false;
	if (sink->format->write_done != NULL)
		sink->format->write_done(sink->state);
	memcpy(sink->state, sink->fresh, sink->format->write_size);
	/* The new file is opened although the old one had a fault. */
	return open_again(sink, r < 0 ? NULL : err) < 0 || r < 0 ?
	    EVCAN_ERR_OPERATION : 0;
}

int
evcan_log_sink_write_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int r = 0;

	if (sink->fd < 0 && !sink->has_io) {
		sink->waiting = false;
		r = open_again(sink, err);
		if (r < 0 || sink->fd < 0)
			return r;
	}
	r = write_pending(sink, err);
	if (r < 0 || sink->waiting || !sink->reopening)
		return r;
	r = turn_over(sink, err);
	if (r < 0 || sink->fd < 0)
		return r;
	return write_pending(sink, err);
}

int
evcan_log_sink_reopen_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int r;

	if (sink->reopening)
		return 0;
	r = evcan_log_sink_finish_(sink, err);
	if (r == 0)
		sink->reopening = true;
	return r;
}

int
evcan_log_sink_close_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	sink->waiting = false;
	return close_fd(sink, err);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* log_sink_file.c - a sink's files: begun, ended, renamed, begun again */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evcan/driver.h>

#include "log_rotate.h"

/* Until a rename that failed is tried again: each time twice as long. */
#define PAUSE_LEAST 1000000000ll
#define PAUSE_MOST 60000000000ll

void
evcan_log_ended_free_(struct evcan_log_ended_ *ended)
{
	while (ended != NULL) {
		struct evcan_log_ended_ *next = ended->next;

		free(ended->path);
		free(ended);
		ended = next;
	}
}

void
evcan_log_ended_join_(struct evcan_log_ended_ **list,
    struct evcan_log_ended_ *more)
{
	while (*list != NULL)
		list = &(*list)->next;
	*list = more;
}

bool
evcan_log_sink_has_file_(const struct evcan_log_sink_ *sink)
{
	return sink->fd >= 0 || sink->has_io || sink->has_store;
}

size_t
evcan_log_sink_pending_(const struct evcan_log_sink_ *sink)
{
	return sink->out.len + sink->packed.len - sink->sent;
}

int
evcan_log_sink_blame_(const struct evcan_log_sink_ *sink, int code,
    const struct evcan_error *why, struct evcan_error *err)
{
	evcan_error_set(err, code, 0, "%.200s: %.250s", sink->name,
	    why->text[0] != '\0' ? why->text :
	    code == EVCAN_ERR_NOMEM ? "out of memory" : "cannot be written");
	if (err != NULL && err->system == 0)
		err->system = why->system;
	return code;
}

int
evcan_log_sink_appended_(struct evcan_log_sink_ *sink, size_t before, int r,
    const struct evcan_error *why, struct evcan_error *err)
{
	if (!sink->out.failed && r >= 0)
		return 0;
	sink->out.len = before;
	if (sink->out.failed || r == EVCAN_ERR_NOMEM) {
		sink->out.failed = false;
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for writing", sink->name);
	}
	if (why != NULL && why->text[0] != '\0')
		return evcan_log_sink_blame_(sink, r, why, err);
	return evcan_error_set(err, r, 0,
	    "%.200s: the format %s cannot hold that", sink->name,
	    sink->format->name);
}

/* The state as it was before any `begin`. */
static void
renew_state(struct evcan_log_sink_ *sink)
{
	if (sink->format->write_done != NULL)
		sink->format->write_done(sink->state);
	memcpy(sink->state, sink->fresh, sink->format->write_size);
}

/* Bytes that stay in front of what is written. */
static uint64_t
past_size(const struct evcan_log_sink_ *sink, const struct stat *st)
{
	off_t at;

	if (sink->path != NULL || (fcntl(sink->fd, F_GETFL) & O_APPEND) != 0)
		return (uint64_t)st->st_size;
	at = lseek(sink->fd, 0, SEEK_CUR);
	return at > 0 ? (uint64_t)at : 0;
}

/* What kind of thing the new fd is. @return 0 or an errno */
static int
look_at_fd(struct evcan_log_sink_ *sink)
{
	struct evcan_log_part_ *part = &sink->part;
	struct stat st;

	memset(part, 0, sizeof(*part));
	if (sink->has_io)
		return 0;
	if (fstat(sink->fd, &st) < 0)
		return errno;
	part->dev = st.st_dev;
	part->ino = st.st_ino;
	part->regular = S_ISREG(st.st_mode);
	part->lively = !part->regular;
	if (part->regular)
		part->past = past_size(sink, &st);
	part->whole = part->regular && sink->deflater == NULL &&
	    (sink->path != NULL || (part->past == 0 &&
	    (fcntl(sink->fd, F_GETFL) & O_APPEND) == 0));
	return 0;
}

static int
refuse(const struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const unsigned flags = sink->format->flags;

	if ((flags & EVCAN_FORMAT_PATH_ONLY) != 0 && !sink->part.regular)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: is not a regular file, which the format %s "
		    "needs", sink->name, sink->format->name);
	if ((flags & EVCAN_FORMAT_NO_APPEND) != 0 && sink->part.past > 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: is not empty, and the format %s cannot be "
		    "appended to; move the file away, or choose another "
		    "name", sink->name, sink->format->name);
	return 0;
}

/* The format's first bytes. */
static int
begin(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const struct evcan_format *format = sink->format;
	const uint64_t size = sink->part.past;
	const size_t before = sink->out.len;
	struct evcan_log_past_ past = { .head = NULL };
	struct evcan_error why = { 0 };
	int r = refuse(sink, err);

	if (r < 0)
		return r;
	past.past.size = size;
	if (size > 0 && format->open == NULL)
		r = evcan_log_file_look_(sink->path, sink->fd, size,
		    sink->deflater != NULL, &past, &why);
	if (r < 0) {
		evcan_log_sink_blame_(sink, r, &why, err);
		free(past.head);
		return r;
	}
	if (past.line_is_open && (format->flags & EVCAN_FORMAT_TEXT) != 0)
		evcan_buffer_append(&sink->out, "\n", 1);
	if (format->begin != NULL)
		r = format->begin(sink->state, size > 0 ? &past.past : NULL,
		    &sink->out, &why);
	free(past.head);
	return evcan_log_sink_appended_(sink, before, r, &why, err);
}

/* Of a format that owns its file. */
static int
open_store(struct evcan_log_sink_ *sink, enum evcan_log_open_ how,
    struct evcan_error *err)
{
	struct evcan_log_part_ *part = &sink->part;
	struct evcan_error why = { 0 };
	struct stat st = { 0 };
	int r;

	memset(part, 0, sizeof(*part));
	part->regular = stat(sink->path, &st) < 0 || S_ISREG(st.st_mode);
	if (how != EVCAN_LOG_OPEN_EMPTY)
		part->past = (uint64_t)st.st_size;
	r = refuse(sink, err);
	if (r < 0)
		return r;
	r = sink->format->open(sink->state, sink->path, part->past > 0,
	    &why);
	if (r < 0)
		return evcan_log_sink_blame_(sink, r, &why, err);
	sink->has_store = true;
	if (stat(sink->path, &st) == 0) {
		part->dev = st.st_dev;
		part->ino = st.st_ino;
	}
	return 0;
}

static int
open_fd(struct evcan_log_sink_ *sink, enum evcan_log_open_ how,
    struct evcan_error *err)
{
	int fd, r;

	if (sink->path != NULL) {
		fd = evcan_log_file_open_(sink->path, how, err);
		sink->waiting = fd == -ENXIO && !sink->wait;
		if (sink->waiting)
			return 0;
		if (fd == -ENXIO)
			return evcan_error_set(err, EVCAN_ERR_INIT, ENXIO,
			    "%.200s: is a FIFO that nobody reads",
			    sink->name);
		if (fd < 0)
			return fd;
		sink->fd = fd;
	}
	r = look_at_fd(sink);
	return r == 0 ? 0 : evcan_error_set(err, EVCAN_ERR_INIT, r,
	    "%.200s: cannot be written", sink->name);
}

/* Closes what has no byte of ours in it. */
static void
drop(struct evcan_log_sink_ *sink)
{
	if (sink->has_store)
		sink->format->close(sink->state, NULL);
	if (sink->path != NULL && sink->fd >= 0) {
		close(sink->fd);
		sink->fd = -1;
	}
	sink->has_store = false;
}

int
evcan_log_sink_open_(struct evcan_log_sink_ *sink, enum evcan_log_open_ how,
    struct evcan_error *err)
{
	int r;

	renew_state(sink);
	r = sink->format->open != NULL ? open_store(sink, how, err) :
	    open_fd(sink, how, err);
	if (r == 0 && sink->waiting)
		return 0;
	if (r == 0)
		r = begin(sink, err);
	if (r < 0)
		drop(sink);
	return r;
}

/* What can only be known at the end, put at the beginning. */
static int
complete(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const struct evcan_format *format = sink->format;
	struct evcan_buffer head = { .data = NULL };
	struct stat st;
	uint64_t size;
	int r, why = 0;

	if (format->header == NULL || !sink->part.whole ||
	    !sink->part.finished || evcan_log_sink_pending_(sink) > 0)
		return 0;
	size = sink->path != NULL && fstat(sink->fd, &st) == 0 ?
	    (uint64_t)st.st_size : sink->part.bytes;
	r = format->header(sink->state, size, &head);
	if (r < 0 || head.failed)
		why = head.failed || r == EVCAN_ERR_NOMEM ? ENOMEM : EINVAL;
	else
		why = evcan_log_file_patch_(sink->fd, head.data, head.len);
	free(head.data);
	if (why == 0)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_OPERATION, why,
	    "%.200s: all frames are in it, but the totals at its front "
	    "cannot be written", sink->name);
}

/* @return 0 or an errno */
static int
close_fd(struct evcan_log_sink_ *sink)
{
	int r = 0;

	if (sink->has_io) {
		sink->has_io = false;
		return sink->io.close != NULL ?
		    -sink->io.close(sink->io.arg) : 0;
	}
	if (sink->fd < 0)
		return 0;
	if (sink->part.regular && fsync(sink->fd) < 0)
		r = errno;
	if (close(sink->fd) < 0 && r == 0 && errno != EINTR)
		r = errno;
	sink->fd = -1;
	return r;
}

int
evcan_log_sink_end_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	struct evcan_error why = { 0 };
	int r, code;

	if (sink->has_store) {
		sink->has_store = false;
		r = sink->format->close(sink->state, &why);
		/* Perhaps not all of it is in this one file. */
		if (r < 0 && sink->turn == EVCAN_LOG_ROTATE)
			sink->turn = EVCAN_LOG_REOPEN;
		return r < 0 ? evcan_log_sink_blame_(sink, r, &why, err) : 0;
	}
	r = complete(sink, err);
	code = close_fd(sink);
	if (code != 0)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, code,
		    "%.200s: cannot be brought to the disk", sink->name);
	return r;
}

/* The file itself, if the path is a link to it. */
static char *
real_path(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ?
	    realpath(path, NULL) : strdup(path);
}

/* What cannot be renamed for now goes on under its old name, and nothing is
 * lost for it; what cannot be appended to waits. */
static void
put_off(struct evcan_log_sink_ *sink)
{
	int64_t *pause = &sink->rename_pause;

	if ((sink->format->flags & EVCAN_FORMAT_NO_APPEND) != 0)
		return;
	*pause = *pause == 0 ? PAUSE_LEAST : *pause * 2;
	if (*pause > PAUSE_MOST)
		*pause = PAUSE_MOST;
	sink->rename_at = evcan_now_monotonic() + *pause;
	sink->turn = EVCAN_LOG_REOPEN;
}

static int
give_name(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	struct evcan_log_ended_ *ended = calloc(1, sizeof(*ended));
	char *path = real_path(sink->path);
	struct stat st;
	int r;

	sink->rename_at = 0;
	if (ended == NULL || path == NULL) {
		r = evcan_error_set(err, EVCAN_ERR_OPERATION, errno,
		    "%.200s: cannot be renamed", sink->name);
		put_off(sink);
	} else if (lstat(path, &st) < 0 || st.st_dev != sink->part.dev ||
	    st.st_ino != sink->part.ino) {
		/* What is there now, if anything, is not ours to rename. */
		sink->turn = EVCAN_LOG_REOPEN;
		r = evcan_error_set(err, EVCAN_ERR_OPERATION, 0,
		    "%.200s: was moved away by somebody else before it "
		    "could be renamed", sink->name);
	} else {
		r = evcan_log_rotate_(path, sink->common.rotate_name,
		    &sink->count, &ended->path, err);
		if (r < 0)
			put_off(sink);
	}
	free(path);
	if (r < 0) {
		free(ended);
		return r;
	}
	evcan_log_ended_join_(&sink->ended, ended);
	sink->files++;
	sink->rename_pause = 0;
	sink->turn = EVCAN_LOG_RENEW;
	return 0;
}

int
evcan_log_sink_next_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int r = sink->turn == EVCAN_LOG_ROTATE ? give_name(sink, err) : 0;

	if (r < 0)
		return r;
	/* Never empties: the file may be the old one, not renamed. */
	r = evcan_log_sink_open_(sink, sink->turn == EVCAN_LOG_RENEW ?
	    EVCAN_LOG_OPEN_NEW : EVCAN_LOG_OPEN_APPEND, err);
	if (r == 0 && evcan_log_sink_has_file_(sink))
		sink->turn = EVCAN_LOG_STAY;
	return r;
}

int
evcan_log_sink_close_(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const bool owed = sink->turn == EVCAN_LOG_ROTATE ||
	    sink->rename_at != 0;
	int r = 0;

	sink->waiting = false;
	if (evcan_log_sink_has_file_(sink)) {
		r = evcan_log_sink_end_(sink, err);
		if (sink->rename_at == 0)
			return r;
	}
	return r == 0 && owed ? give_name(sink, err) : r;
}

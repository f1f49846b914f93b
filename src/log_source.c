/* SPDX-License-Identifier: BSD-3-Clause */
/* log_source.c - path, fd, call-backs or standard input as one window */
#include "log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evcan/error.h>

/* Big enough that system calls do not show, small enough for the cache. A
 * window only grows beyond it for one object as large as that. */
#define WINDOW_SIZE (256u << 10)
#define WINDOW_MAX (256u << 20)

static int
init(struct evcan_log_source_ *source, const char *name,
    struct evcan_error *err)
{
	memset(source, 0, sizeof(*source));
	source->fd = -1;
	source->start = -1;
	source->name = strdup(name);
	source->buf = source->data = malloc(WINDOW_SIZE);
	source->buf_size = WINDOW_SIZE;
	if (source->name != NULL && source->buf != NULL)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "%.200s: out of memory for reading", name);
}

int
evcan_log_source_open_fd_(struct evcan_log_source_ *source, int fd,
    const char *name, struct evcan_error *err)
{
	int r = init(source, name != NULL ? name : "log", err);
	struct stat st;

	source->fd = fd;
	if (r < 0)
		goto fail;
	if (fstat(fd, &st) < 0) {
		r = evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "%.200s: cannot be read", source->name);
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		r = evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "%.200s: is a directory, not a log file", source->name);
		goto fail;
	}
	if (S_ISREG(st.st_mode)) {
		source->start = lseek(fd, 0, SEEK_CUR);
		if (source->start >= 0 && st.st_size > source->start)
			source->size = (uint64_t)(st.st_size - source->start);
	}
	return 0;
fail:
	evcan_log_source_close_(source);
	return r;
}

int
evcan_log_source_open_path_(struct evcan_log_source_ *source,
    const char *path, struct evcan_error *err)
{
	int fd;

	if (strcmp(path, "-") == 0) {
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		path = "standard input";
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (fd < 0) {
		int code = errno == ENOENT ? EVCAN_ERR_NOT_FOUND :
		    EVCAN_ERR_INIT;

		memset(source, 0, sizeof(*source));
		source->fd = -1;
		return evcan_error_set(err, code, errno,
		    "%.300s: cannot be opened for reading", path);
	}
	return evcan_log_source_open_fd_(source, fd, path, err);
}

int
evcan_log_source_open_io_(struct evcan_log_source_ *source,
    const struct evcan_log_io *io, const char *name,
    struct evcan_error *err)
{
	int r = init(source, name != NULL ? name : "log", err);

	source->io = *io;
	if (r == 0 && io->read == NULL)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: call-backs without `read` cannot be read from",
		    source->name);
	if (r < 0)
		evcan_log_source_close_(source);
	return r;
}

void
evcan_log_source_close_(struct evcan_log_source_ *source)
{
	if (source->fd >= 0)
		close(source->fd);
	else if (source->io.close != NULL)
		source->io.close(source->io.arg);
	memset(&source->io, 0, sizeof(source->io));
	free(source->name);
	free(source->buf);
	source->fd = -1;
	source->name = NULL;
	source->buf = source->data = NULL;
}

/* Free room behind the data: moved to the front, or the window grows. */
static int
make_room(struct evcan_log_source_ *source, struct evcan_error *err)
{
	uint8_t *grown;

	if (source->data > source->buf) {
		memmove(source->buf, source->data, source->len);
		source->data = source->buf;
	}
	if (source->len < source->buf_size)
		return 0;
	if (source->buf_size >= WINDOW_MAX)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, 0,
		    "%.200s: offset %llu: one object of more than %u MiB",
		    source->name, (unsigned long long)source->offset,
		    WINDOW_MAX >> 20);
	grown = realloc(source->buf, source->buf_size * 2);
	if (grown == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for reading", source->name);
	source->buf = source->data = grown;
	source->buf_size *= 2;
	return 0;
}

/* @return bytes, 0 at the end, or a negative errno */
static int64_t
read_some(struct evcan_log_source_ *source, void *buf, size_t size)
{
	struct pollfd pfd = { .fd = source->fd, .events = POLLIN };
	ssize_t n;

	if (source->fd < 0)
		return source->io.read(source->io.arg, buf, size);
	for (;;) {
		n = read(source->fd, buf, size);
		if (n >= 0)
			return n;
		if (errno == EAGAIN)   /* made non-blocking by somebody */
			poll(&pfd, 1, -1);
		else if (errno != EINTR)
			return -errno;
	}
}

int
evcan_log_source_fill_(struct evcan_log_source_ *source,
    struct evcan_error *err)
{
	size_t room;
	int64_t n;

	if (source->end)
		return 0;
	if (make_room(source, err) < 0)
		return err != NULL ? err->code : EVCAN_ERR_NOMEM;
	room = source->buf_size - source->len;
	n = read_some(source, source->data + source->len, room);
	if (n < 0)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, (int)-n,
		    "%.200s: offset %llu: cannot be read", source->name,
		    (unsigned long long)(source->offset + source->len));
	if ((uint64_t)n > room)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, 0,
		    "%.200s: the `read` call-back gave more than asked for",
		    source->name);
	source->end = n == 0;
	source->len += (size_t)n;
	return 0;
}

void
evcan_log_source_consume_(struct evcan_log_source_ *source, size_t n)
{
	source->data += n;
	source->len -= n;
	source->offset += n;
}

int
evcan_log_source_rewind_(struct evcan_log_source_ *source)
{
	if (source->start < 0 ||
	    lseek(source->fd, source->start, SEEK_SET) < 0)
		return EVCAN_ERR_UNSUPPORTED;
	source->data = source->buf;
	source->len = 0;
	source->offset = 0;
	source->end = false;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* log_source.c - path, fd, call-backs or standard input as one window */
#include "log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evcan/error.h>

#include "gunzip.h"

/* Big enough that system calls do not show, small enough for the cache. A
 * window only grows beyond it for one object as large as that. */
#define WINDOW_SIZE (256u << 10)
#define WINDOW_MAX (256u << 20)
#define PACKED_SIZE (128u << 10)

static int
init(struct evcan_log_source_ *source, const char *name,
    struct evcan_error *err)
{
	memset(source, 0, sizeof(*source));
	source->fd = source->spool = -1;
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
	const bool piped = strcmp(path, "-") == 0;
	int fd, r;

	if (piped) {
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		path = "standard input";
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (fd < 0) {
		int code = errno == ENOENT ? EVCAN_ERR_NOT_FOUND :
		    EVCAN_ERR_INIT;

		memset(source, 0, sizeof(*source));
		source->fd = source->spool = -1;
		return evcan_error_set(err, code, errno,
		    "%.300s: cannot be opened for reading", path);
	}
	r = evcan_log_source_open_fd_(source, fd, path, err);
	if (r < 0 || piped)
		return r;
	source->path = strdup(path);
	if (source->path != NULL)
		return 0;
	evcan_log_source_close_(source);
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "%.200s: out of memory for reading", path);
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
	if (source->spool >= 0)
		close(source->spool);
	evcan_gunzip_free_(source->gunzip);
	free(source->packed);
	free(source->name);
	free(source->path);
	free(source->buf);
	source->fd = source->spool = -1;
	source->gunzip = NULL;
	source->name = source->path = NULL;
	source->buf = source->data = source->packed = NULL;
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

/* Reads once into buf. @return bytes, 0 at the end, or negative with err */
static int64_t
read_raw(struct evcan_log_source_ *source, void *buf, size_t size,
    struct evcan_error *err)
{
	int64_t n = read_some(source, buf, size);

	if (n < 0)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, (int)-n,
		    "%.200s: offset %llu: cannot be read", source->name,
		    (unsigned long long)source->taken);
	if ((uint64_t)n > size)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, 0,
		    "%.200s: the `read` call-back gave more than asked for",
		    source->name);
	source->taken += (uint64_t)n;
	return n;
}

/* From here on what was read so far, and all that follows, is unpacked. */
static int
start_unpacking(struct evcan_log_source_ *source, struct evcan_error *err)
{
	const size_t size = source->len > PACKED_SIZE ? source->len :
	    PACKED_SIZE;

	source->packed = malloc(size);
	if (source->packed == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for unpacking", source->name);
	source->gunzip = evcan_gunzip_new_(err);
	if (source->gunzip == NULL)
		return EVCAN_ERR_NOMEM;
	memcpy(source->packed, source->data, source->len);
	source->packed_len = source->len;
	source->packed_end = source->end;
	source->data = source->buf;
	source->len = 0;
	source->end = false;
	return 0;
}

/* The first bytes: enough of them to see whether they are compressed. */
static int
look(struct evcan_log_source_ *source, struct evcan_error *err)
{
	const size_t enough = sizeof(EVCAN_GZIP_MAGIC) - 1;
	int64_t n;

	source->looked = true;
	while (source->len < enough && !source->end) {
		n = read_raw(source, source->data + source->len,
		    source->buf_size - source->len, err);
		if (n < 0)
			return (int)n;
		source->len += (size_t)n;
		source->end = n == 0;
	}
	if (source->len < enough ||
	    memcmp(source->data, EVCAN_GZIP_MAGIC, enough) != 0)
		return 0;
	return start_unpacking(source, err);
}

/* Unpacks at least one byte, or finds the end. */
static int
unpack(struct evcan_log_source_ *source, struct evcan_error *err)
{
	size_t used, got = 0;
	int64_t n;
	int r = 0;

	while (got == 0 && r == 0 && !source->end) {
		if (source->packed_len == 0 && !source->packed_end) {
			n = read_raw(source, source->packed, PACKED_SIZE,
			    err);
			if (n < 0)
				return (int)n;
			source->packed_at = 0;
			source->packed_len = (size_t)n;
			source->packed_end = n == 0;
		}
		r = evcan_gunzip_run_(source->gunzip,
		    source->packed + source->packed_at, source->packed_len,
		    source->packed_end, &used, source->data + source->len,
		    source->buf_size - source->len -
		    (size_t)(source->data - source->buf), &got, err);
		source->packed_at += used;
		source->packed_len -= used;
		source->len += got;
		source->end = r == 0 && got == 0 && used == 0 &&
		    source->packed_len == 0 && source->packed_end;
	}
	return r;
}

/* A fault inside the compressed data, with the log's name before it. */
static int
blame_packing(const struct evcan_log_source_ *source,
    const struct evcan_error *why, struct evcan_error *err)
{
	if (why->code != EVCAN_ERR_SYNTAX) {
		if (err != NULL)
			*err = *why;
		return why->code;
	}
	return evcan_error_set(err, why->code, why->system,
	    "%.200s: %.250s", source->name, why->text);
}

int
evcan_log_source_fill_(struct evcan_log_source_ *source,
    struct evcan_error *err)
{
	struct evcan_error why;
	int64_t n;
	int r;

	if (source->end)
		return 0;
	if (!source->looked) {
		r = look(source, err);
		if (r < 0 || source->gunzip == NULL)
			return r;
	}
	r = make_room(source, err);
	if (r < 0)
		return r;
	if (source->gunzip != NULL) {
		evcan_error_clear(&why);
		r = unpack(source, &why);
		return r < 0 ? blame_packing(source, &why, err) : 0;
	}
	n = read_raw(source, source->data + source->len,
	    source->buf_size - source->len, err);
	if (n < 0)
		return (int)n;
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

uint64_t
evcan_log_source_position_(const struct evcan_log_source_ *source)
{
	return source->gunzip != NULL ? source->taken - source->packed_len :
	    source->offset;
}

int
evcan_log_source_rewind_(struct evcan_log_source_ *source)
{
	if (source->spool >= 0)
		return 0;   /* who reads anywhere needs no window */
	if (source->start < 0 ||
	    lseek(source->fd, source->start, SEEK_SET) < 0)
		return EVCAN_ERR_UNSUPPORTED;
	if (source->gunzip != NULL)
		evcan_gunzip_reset_(source->gunzip);
	source->data = source->buf;
	source->len = source->packed_at = source->packed_len = 0;
	source->offset = source->taken = 0;
	source->end = source->packed_end = false;
	return 0;
}

/* Reading anywhere */

static int64_t
read_at(int fd, uint64_t offset, uint8_t *buf, size_t n)
{
	size_t done = 0;
	ssize_t r;

	if (offset > (uint64_t)INT64_MAX - n)
		return 0;
	while (done < n) {
		r = pread(fd, buf + done, n - done, (off_t)(offset + done));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (int64_t)done;
}

static int64_t
read_file(void *arg, uint64_t offset, void *buf, size_t n)
{
	const struct evcan_log_source_ *source = arg;

	if (source->spool >= 0)
		return read_at(source->spool, offset, buf, n);
	return read_at(source->fd, offset + (uint64_t)source->start, buf, n);
}

static int
write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
open_spool(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (dir == NULL || *dir != '/' || strlen(dir) > 4000)
		dir = "/tmp";
	snprintf(path, sizeof(path), "%s/evcan-XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* Copies what there is, up to the end. */
static int
spool(struct evcan_log_source_ *source, struct evcan_error *err)
{
	int r = 0, fd = open_spool(), w = fd < 0 ? -errno : 0;

	while (w == 0 && r == 0) {
		w = write_all(fd, source->data, source->len);
		evcan_log_source_consume_(source, source->len);
		if (source->end || w < 0)
			break;
		r = evcan_log_source_fill_(source, err);
		/* A fault inside gzip: what can be read is. */
		if (r == EVCAN_ERR_SYNTAX)
			r = 0;
	}
	source->spool = fd;
	if (w < 0)
		r = evcan_error_set(err, EVCAN_ERR_OPERATION, -w, "%.200s: "
		    "cannot be copied to a temporary file (its format is "
		    "read here and there; TMPDIR names the folder)",
		    source->name);
	return r;
}

int
evcan_log_source_file_(struct evcan_log_source_ *source,
    struct evcan_file *file, struct evcan_error *err)
{
	struct stat st;
	int r, fd;

	if (!source->looked && (r = evcan_log_source_fill_(source, err)) < 0)
		return r;
	if ((source->start < 0 || source->gunzip != NULL) &&
	    source->spool < 0 && (r = spool(source, err)) < 0)
		return r;
	fd = source->spool >= 0 ? source->spool : source->fd;
	if (fstat(fd, &st) < 0)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, errno,
		    "%.200s: cannot be read", source->name);
	file->size = (uint64_t)st.st_size;
	if (source->spool < 0)
		file->size -= file->size < (uint64_t)source->start ?
		    file->size : (uint64_t)source->start;
	file->path = source->spool < 0 ? source->path : NULL;
	file->read = read_file;
	file->arg = source;
	return 0;
}

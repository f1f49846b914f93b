/* SPDX-License-Identifier: BSD-3-Clause */
/* log_file.c - files that logs are written to: open, look into, complete */
#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gunzip.h"

/* What is looked at of a file's beginning. */
#define HEAD_MAX (64u << 10)

int
evcan_log_file_open_(const char *path, enum evcan_log_open_ how,
    struct evcan_error *err)
{
	static const int ways[] = {
		[EVCAN_LOG_OPEN_EMPTY] = O_TRUNC,
		[EVCAN_LOG_OPEN_APPEND] = O_APPEND,
		[EVCAN_LOG_OPEN_NEW] = O_EXCL
	};
	/* Non-blocking means nothing to files, but keeps FIFOs, terminals
	 * and serial ports from holding whoever opens them. */
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK;
	struct stat st = { 0 };
	bool fifo;
	int fd;

	fifo = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
	if (S_ISDIR(st.st_mode))
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "%.200s: is a directory, not a log file", path);
	fd = open(path, flags | ways[how], 0666);
	if (fd < 0 && how == EVCAN_LOG_OPEN_NEW && errno == EEXIST)
		fd = open(path, flags | O_APPEND, 0666);
	if (fd >= 0)
		return fd;
	if (fifo && errno == ENXIO)
		return -ENXIO;
	return evcan_error_set(err, EVCAN_ERR_INIT, errno,
	    "%.200s: cannot be opened for writing", path);
}

int
evcan_log_file_patch_(int fd, const uint8_t *data, size_t len)
{
	const int flags = fcntl(fd, F_GETFL);
	size_t done = 0;

	/* With O_APPEND even pwrite() would append. */
	if (flags < 0 || ((flags & O_APPEND) != 0 &&
	    fcntl(fd, F_SETFL, flags & ~O_APPEND) < 0))
		return errno;
	while (done < len) {
		const ssize_t n = pwrite(fd, data + done, len - done,
		    (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		done += (size_t)n;
	}
	return 0;
}

/* @return bytes, fewer than n only at the end or when it cannot be read */
static size_t
read_at(int fd, uint64_t offset, uint8_t *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		const ssize_t r = pread(fd, buf + done, n - done,
		    (off_t)(offset + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	return done;
}

/* The first bytes unpacked. What is damaged is not told: whoever reads the
 * file will be. */
static int
unpack_head(int fd, struct evcan_log_past_ *past, struct evcan_error *err)
{
	struct evcan_gunzip_ *gunzip = evcan_gunzip_new_(err);
	uint8_t *packed = malloc(HEAD_MAX);
	uint64_t at = 0;
	size_t n = 1, used, got, *len = &past->past.head_len;

	*len = 0;
	while (gunzip != NULL && packed != NULL && *len < HEAD_MAX && n > 0) {
		n = read_at(fd, at, packed, HEAD_MAX);
		if (evcan_gunzip_run_(gunzip, packed, n, n < HEAD_MAX, &used,
		    past->head + *len, HEAD_MAX - *len, &got, NULL) < 0 ||
		    used + got == 0)
			n = 0;
		*len += got;
		at += used;
	}
	if (packed == NULL)
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for looking into it");
	free(packed);
	evcan_gunzip_free_(gunzip);
	return gunzip != NULL && packed != NULL ? 0 : EVCAN_ERR_NOMEM;
}

static int
look(int fd, bool gzip, struct evcan_log_past_ *past,
    struct evcan_error *err)
{
	const uint64_t size = past->past.size;
	size_t *len = &past->past.head_len;
	bool packed;
	uint8_t last;

	past->head = malloc(HEAD_MAX);
	if (past->head == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for looking into it");
	past->past.head = past->head;
	*len = read_at(fd, 0, past->head, HEAD_MAX);
	packed = *len >= 2 && memcmp(past->head, EVCAN_GZIP_MAGIC, 2) == 0;
	if (*len > 0 && packed != gzip)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, gzip ?
		    "cannot be appended to with gzip: it is not compressed" :
		    "cannot be appended to without the option gzip: it is "
		    "compressed");
	/* Of a compressed file's end nothing is known without reading all
	 * of it: it is taken to end where a line does. */
	if (*len > 0 && gzip)
		return unpack_head(fd, past, err);
	past->line_is_open = size > 0 &&
	    read_at(fd, size - 1, &last, 1) == 1 && last != '\n';
	return 0;
}

int
evcan_log_file_look_(const char *path, int fd, uint64_t size, bool gzip,
    struct evcan_log_past_ *past, struct evcan_error *err)
{
	int own = -1, r;

	memset(past, 0, sizeof(*past));
	past->past.size = size;
	if (path != NULL)
		own = fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	r = look(fd, gzip, past, err);
	if (own >= 0)
		close(own);
	return r;
}

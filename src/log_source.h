/* SPDX-License-Identifier: BSD-3-Clause */
/* log_source.h - a log's bytes, wherever they come from */
#ifndef EVCAN_LOG_SOURCE_H
#define EVCAN_LOG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/log.h>

struct evcan_error;

/* One window of the log: data[0..len) are read and not consumed yet. */
struct evcan_log_source_ {
	char *name;              /* for errors */
	struct evcan_log_io io;  /* used when fd is -1 */
	int fd;
	int64_t start;           /* where the fd stood; -1: cannot seek */
	uint64_t size;           /* of a regular file from there on, or 0 */
	uint64_t offset;         /* in the log, of data[0] */
	uint8_t *buf;
	size_t buf_size;
	uint8_t *data;           /* inside buf */
	size_t len;
	bool end;                /* nothing follows */
};

/* Each takes what it is given, also when it fails (with err). */
int evcan_log_source_open_path_(struct evcan_log_source_ *source,
    const char *path, struct evcan_error *err);
int evcan_log_source_open_fd_(struct evcan_log_source_ *source, int fd,
    const char *name, struct evcan_error *err);
int evcan_log_source_open_io_(struct evcan_log_source_ *source,
    const struct evcan_log_io *io, const char *name,
    struct evcan_error *err);
void evcan_log_source_close_(struct evcan_log_source_ *source);

/* Reads once what there is, which may be little from a pipe; grows the
 * window if it is full. @return 0 (perhaps `end` is now set) or negative
 * with err */
int evcan_log_source_fill_(struct evcan_log_source_ *source,
    struct evcan_error *err);
void evcan_log_source_consume_(struct evcan_log_source_ *source, size_t n);
/* Back to where it was opened. @return 0 or EVCAN_ERR_UNSUPPORTED */
int evcan_log_source_rewind_(struct evcan_log_source_ *source);

#endif

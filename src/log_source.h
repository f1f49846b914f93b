/* SPDX-License-Identifier: BSD-3-Clause */
/* log_source.h - a log's bytes, wherever they come from */
#ifndef EVCAN_LOG_SOURCE_H
#define EVCAN_LOG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>
#include <evcan/log.h>

struct evcan_error;
struct evcan_gunzip_;

/* One window of the log: data[0..len) are read and not consumed yet. What is
 * compressed with gzip shows unpacked. */
struct evcan_log_source_ {
	char *name;              /* for errors */
	char *path;              /* NULL: it has none */
	struct evcan_log_io io;  /* used when fd is -1 */
	int fd;
	int64_t start;           /* where the fd stood; -1: cannot seek */
	uint64_t size;           /* of a regular file from there on, or 0 */
	uint64_t offset;         /* in the log, of data[0], unpacked */
	uint64_t taken;          /* bytes read from the file */
	uint8_t *buf;
	size_t buf_size;
	uint8_t *data;           /* inside buf */
	size_t len;
	bool end;                /* nothing follows */
	bool looked;             /* whether it is compressed */

	/* What it is compressed with, NULL: nothing; and bytes not unpacked */
	struct evcan_gunzip_ *gunzip;
	uint8_t *packed;
	size_t packed_at, packed_len;
	bool packed_end;

	int spool;               /* -1, or a copy that can be read anywhere */
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
/* How much of `size` is done: of the file's bytes, packed or not. */
uint64_t evcan_log_source_position_(const struct evcan_log_source_ *source);
/* Gives the log as one that can be read anywhere. What cannot (a pipe, call-
 * backs, a compressed file) is first copied to an unnamed temporary file.
 * @param file valid until the source is closed; its path is NULL for copies
 * @return 0 or negative with err */
int evcan_log_source_file_(struct evcan_log_source_ *source,
    struct evcan_file *file, struct evcan_error *err);
void evcan_log_source_consume_(struct evcan_log_source_ *source, size_t n);
/* Back to where it was opened. @return 0 or EVCAN_ERR_UNSUPPORTED */
int evcan_log_source_rewind_(struct evcan_log_source_ *source);

#endif

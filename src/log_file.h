/* SPDX-License-Identifier: BSD-3-Clause */
/* log_file.h - files that logs are written to: open, look into, complete */
#ifndef EVCAN_LOG_FILE_H
#define EVCAN_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <evcan/format.h>

/* How a path is opened. None waits for whoever reads a FIFO. */
enum evcan_log_open_ {
	EVCAN_LOG_OPEN_EMPTY,    /* what it holds goes */
	EVCAN_LOG_OPEN_APPEND,   /* what it holds stays */
	EVCAN_LOG_OPEN_NEW       /* it does not exist: else as APPEND */
};

/* @return an fd, or negative with err; -ENXIO without: a FIFO that nobody
 * reads yet */
int evcan_log_file_open_(const char *path, enum evcan_log_open_ how,
    struct evcan_error *err);

/* Writes all of it at the very beginning. @return 0 or an errno */
int evcan_log_file_patch_(int fd, const uint8_t *data, size_t len);

/* What a file holds that is appended to. */
struct evcan_log_past_ {
	struct evcan_past past;
	uint8_t *head;       /* free() it */
	bool line_is_open;   /* its last byte is no line feed, surely */
};

/*
 * Looks into a file that is not empty.
 * @param path NULL: the fd is read, if that is possible
 * @param gzip whether it is written so: a file that is not (or that is,
 * against the option) is refused
 * @return 0 or negative with err (no name in it); free past->head anyway
 */
int evcan_log_file_look_(const char *path, int fd, uint64_t size, bool gzip,
    struct evcan_log_past_ *past, struct evcan_error *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* log_rotate.h - new names for log files that ended */
#ifndef EVCAN_LOG_ROTATE_H
#define EVCAN_LOG_ROTATE_H

#include <stdint.h>

struct evcan_error;

/* python-can's names. */
#define EVCAN_LOG_ROTATE_NAME "{stem}_{time}_#{count}{suffix}"

/* Whether a template can name what a file at this path becomes. @return 0 or
 * negative with err */
int evcan_log_rotate_check_(const char *name, const char *path,
    struct evcan_error *err);

/*
 * Gives the file at path the first free name of its template; never replaces
 * a file, whoever makes one meanwhile.
 * @param count of the first name to try; behind the one taken afterwards
 * @param to the new path; free() it
 * @return 0 or negative with err: it has its old name
 */
int evcan_log_rotate_(const char *path, const char *name, uint64_t *count,
    char **to, struct evcan_error *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* log_start.h - when a log that tells only relative time began */
#ifndef EVCAN_LOG_START_H
#define EVCAN_LOG_START_H

#include <stdint.h>

struct evcan_error;

/* "2026-11-20T10:15:30.5" (local; with Z or +02:00 behind: there; the date
 * alone: its midnight), or Unix seconds with decimals ("1763633730.5").
 * @return 0 or EVCAN_ERR_INVALID with err */
int evcan_log_start_parse_(const char *text, int64_t *ns,
    struct evcan_error *err);

#endif

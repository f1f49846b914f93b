/* SPDX-License-Identifier: BSD-3-Clause */
/* condition.h - condition variables on the clock of evcan_now_monotonic() */
#ifndef EVCAN_CONDITION_H
#define EVCAN_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void evcan_condition_init_(pthread_cond_t *condition);
/* @return false when `end_ns` has come; INT64_MAX: never */
bool evcan_condition_wait_(pthread_cond_t *condition, pthread_mutex_t *lock,
    int64_t end_ns);

#endif

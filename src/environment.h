/* SPDX-License-Identifier: BSD-3-Clause */
/* environment.h - what the environment says, where it may say something */
#ifndef EVCAN_ENVIRONMENT_H
#define EVCAN_ENVIRONMENT_H

#include <stdbool.h>

/* Whether the environment and the home say anything. They name drivers,
 * devices and libraries to load; a program that is set-user-ID, or whose file
 * has capabilities, does not do what its caller wants there. */
bool evcan_caller_is_trusted_(void);
/* A variable of the environment. @return NULL: not set, or not trusted */
const char *evcan_variable_(const char *name);

#endif

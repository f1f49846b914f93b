/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/channel.h - channel names, kept once for the whole process */
#ifndef EVCAN_CHANNEL_H
#define EVCAN_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A frame holds the number of its channel's name, so that it stays a plain
 * value. Names are text and compared whole: can0, vcan0 and 0 are three
 * channels. The table grows to 65,535 names and never shrinks. All functions
 * may be called from any thread.
 */

#define EVCAN_CHANNEL_NONE 0
#define EVCAN_CHANNEL_NAME_MAX 127

/**
 * The number of a name, which is added when it is new.
 * @return 1..65535, or EVCAN_ERR_FULL when the table is full,
 * EVCAN_ERR_INVALID for an empty or too long name or one with control
 * characters, EVCAN_ERR_NOMEM
 */
int evcan_channel_intern(const char *name);

/** The same for a name of len bytes that need not end in a NUL. */
int evcan_channel_intern_n(const char *name, size_t len);

/** The name of a number, valid for ever; "" for 0 or an unknown one. */
const char *evcan_channel_name(uint16_t channel);

/**
 * python-can's channel2int(): the number at a name's end ("can12": 12).
 * @return 0 or more, or EVCAN_ERR_INVALID if there is none
 */
int evcan_channel2int(const char *name);

#ifdef __cplusplus
}
#endif
#endif

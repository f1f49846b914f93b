/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/evcan.h - everything that programs need, and the version */
#ifndef EVCAN_EVCAN_H
#define EVCAN_EVCAN_H

#include <evcan/bit_timing.h>
#include <evcan/bridge.h>
#include <evcan/bus.h>
#include <evcan/channel.h>
#include <evcan/config.h>
#include <evcan/cyclic.h>
#include <evcan/error.h>
#include <evcan/filter.h>
#include <evcan/frame.h>
#include <evcan/gateway.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/modifier.h>
#include <evcan/notifier.h>
#include <evcan/options.h>
#include <evcan/player.h>
#include <evcan/reader.h>
#include <evcan/safe_bus.h>
#include <evcan/subscription.h>
#include <evcan/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EVCAN_VERSION_MAJOR 0
#define EVCAN_VERSION_MINOR 1
#define EVCAN_VERSION_PATCH 0
#define EVCAN_VERSION "0.1.0"

/** The version of the library that runs, "major.minor.patch". */
const char *evcan_version(void);

#ifdef __cplusplus
}
#endif
#endif

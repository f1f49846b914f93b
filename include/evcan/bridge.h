/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/bridge.h - frames of one bus onto another */
#ifndef EVCAN_BRIDGE_H
#define EVCAN_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#include <evcan/filter.h>
#include <evcan/notifier.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One direction. Two bridges make both ways. Bridges never loop: own echoes,
 * error frames and requests are not forwarded, a frame never goes back to
 * the channel it came from (same interface and name), and
 * EVCAN_BRIDGE_MAX_HOPS ends what is left. A live bus does not wait: what
 * finds no room is dropped and counted.
 */
struct evcan_bridge;

#define EVCAN_BRIDGE_MAX_HOPS 16

struct evcan_bridge_stats {
	uint64_t forwarded;    /**< taken by the bus they go to */
	uint64_t filtered;     /**< not wanted by the filters */
	uint64_t passed_over;  /**< echoes, errors, requests, back-home */
	uint64_t looped;       /**< ended by the hop count */
	uint64_t refused;      /**< the other bus cannot carry them */
	uint64_t dropped;      /**< the other bus was full or not open */
};

/**
 * @param notifier has `from` added already; `to` only needs the same loop.
 * All borrowed, and must outlive the bridge.
 * @return NULL with err: same bus twice, `from` unknown to the notifier,
 * bad filter, out of memory
 */
struct evcan_bridge *evcan_bridge_new(struct evcan_notifier *notifier,
    struct evcan_bus *from, struct evcan_bus *to, struct evcan_error *err);
void evcan_bridge_free(struct evcan_bridge *bridge);

/** Only frames that pass are forwarded; n 0: all. */
int evcan_bridge_set_filters(struct evcan_bridge *bridge,
    const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join, struct evcan_error *err);

/** Counters now. */
void evcan_bridge_get_stats(const struct evcan_bridge *bridge,
    struct evcan_bridge_stats *stats);

#ifdef __cplusplus
}
#endif
#endif

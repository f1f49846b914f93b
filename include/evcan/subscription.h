/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/subscription.h - told when an identifier's data changes or stops */
#ifndef EVCAN_SUBSCRIPTION_H
#define EVCAN_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/bus.h>
#include <evcan/cyclic.h>
#include <evcan/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_error;
struct evcan_notifier;

/*
 * What the kernel's broadcast manager does on its receiving side (RX_SETUP),
 * on every bus: by the kernel where there is one, else here, with the same
 * results. Not for buses without a base.
 *
 * The first frame of the identifier is told, then each that is a change: its
 * data differ, under the mask, from the last change (told or not). It is
 * compared as far as it goes, in steps of 8 bytes; bytes missing in a step
 * count as zero. Error frames and remote frames do not count, nor do frames of
 * the other format (CAN FD or classic).
 *
 * While the throttle holds changes back only the newest is kept, and told
 * when it ends: after A, B, A that is A again. The time-out counts from the
 * last frame, changed or not.
 *
 * When its bus was closed or gone, a subscription begins anew (the next frame
 * is told, what the throttle held back is not), but the time-out runs on: a
 * bus that is gone is silent.
 */
struct evcan_subscription;

struct evcan_subscription_config {
	uint32_t id;
	unsigned flags;          /**< EVCAN_FRAME_EXT; EVCAN_FRAME_FD: frames
	                          *   of CAN FD, else classic ones */
	/** Bits of the data that matter; all zero: each frame is told. */
	uint8_t mask[EVCAN_MAX_DATA];
	bool check_dlc;          /**< another length is a change, too */
	/** Changes are told at most so often; 0: no limit. This and the
	 *  time-out are 400 days at most. A device may know only us. */
	int64_t throttle_ns;
	int64_t timeout_ns;      /**< told when silent for so long; 0: never */
	bool from_start;         /**< the time-out runs before the first frame,
	                          *   too */
	/** The first frame after a silence is a change, whatever its data;
	 *  and what the throttle held back when it fell silent is not told. */
	bool announce_resume;
	enum evcan_offload offload;
};

enum evcan_subscription_event {
	EVCAN_SUBSCRIPTION_CHANGED,   /**< frame is new */
	EVCAN_SUBSCRIPTION_SILENT     /**< nothing for timeout_ns; told once,
	                               *   until a frame comes again */
};

/** Called from the loop, never from inside another call. @param frame
 *  borrowed; NULL when silent */
typedef void (*evcan_subscription_cb)(struct evcan_subscription *sub,
    enum evcan_subscription_event event, const struct evcan_frame *frame,
    void *arg);

/**
 * Begins at once; with a bus that is not open, once that is. If the device
 * refuses only then, and the notifier cannot do it, the bus tells the error
 * and it is tried again at its next opening.
 * @param notifier that has the bus, for buses whose driver cannot do it;
 * NULL: only the driver may. The notifier sees the frames that pass the bus's
 * filters; the kernel sees all, those that the bus itself sends included
 * @param config copied
 * @return NULL with err: a wrong value; nobody can do it; out of memory
 */
struct evcan_subscription *evcan_subscription_new(
    struct evcan_notifier *notifier, struct evcan_bus *bus,
    const struct evcan_subscription_config *config,
    evcan_subscription_cb cb, void *arg, struct evcan_error *err);

/** Ends it, without a call-back; legal in call-backs. Its bus or its notifier
 *  may be freed before: it tells nothing any more then. NULL: nothing. */
void evcan_subscription_free(struct evcan_subscription *sub);

struct evcan_subscription_stats {
	uint64_t told;           /**< changes */
	uint64_t silences;       /**< told */
	bool offloaded;          /**< the device watches */
};

/** Counters since it was made. */
void evcan_subscription_get_stats(const struct evcan_subscription *sub,
    struct evcan_subscription_stats *stats);

#ifdef __cplusplus
}
#endif
#endif

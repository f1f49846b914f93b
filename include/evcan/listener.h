/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/listener.h - whoever wants frames implements this */
#ifndef EVCAN_LISTENER_H
#define EVCAN_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include <evcan/bus.h>
#include <evcan/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_listener;

/** A hole in the stream: frames that never came. */
struct evcan_gap {
	uint64_t lost;           /**< frames */
	enum evcan_loss where;
	int64_t time_ns;         /**< when it was noticed, Unix time */
};

/** The table of a listener; members may be NULL. */
struct evcan_listener_ops {
	/**
	 * Frames, borrowed. @param bus where from; NULL: a log
	 * @return how many were taken, from the front. Fewer than n: full; a
	 * source that can wait offers the rest again when the listener calls
	 * evcan_listener_ready(), a live bus counts them as dropped and tells
	 * the gap. Negative: an error, told to everybody's `error`.
	 */
	int (*frames)(struct evcan_listener *listener, struct evcan_bus *bus,
	    const struct evcan_frame *frames, size_t n, void *arg);
	/** Frames were lost before those that follow. */
	void (*gap)(struct evcan_listener *listener, struct evcan_bus *bus,
	    const struct evcan_gap *gap, void *arg);
	/** An error of a bus or a listener. @return 1 if handled, else 0 */
	int (*error)(struct evcan_listener *listener, struct evcan_bus *bus,
	    const struct evcan_error *error, void *arg);
	/** The notifier stops: flush. */
	void (*stop)(struct evcan_listener *listener, void *arg);
};

/** A listener of a table that outlives it. @return NULL: out of memory */
struct evcan_listener *evcan_listener_new(
    const struct evcan_listener_ops *ops, void *arg);

typedef void (*evcan_frames_cb)(struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg);

/** A listener of a plain call-back. */
struct evcan_listener *evcan_listener_new_cb(evcan_frames_cb cb, void *arg);

/** Detaches it from every source and releases it; legal in call-backs. */
void evcan_listener_free(struct evcan_listener *listener);

/**
 * Hands frames to a listener, as a source does. @return as ops->frames;
 * what is not taken is not counted here
 */
int evcan_listener_feed(struct evcan_listener *listener,
    struct evcan_bus *bus, const struct evcan_frame *frames, size_t n);
void evcan_listener_feed_gap(struct evcan_listener *listener,
    struct evcan_bus *bus, const struct evcan_gap *gap);
void evcan_listener_stop(struct evcan_listener *listener);

/** Said by a listener that was full: there is room again. */
void evcan_listener_ready(struct evcan_listener *listener);

/** A waiting source asks to be called by evcan_listener_ready(); one source
 *  at a time, NULL ends it. */
typedef void (*evcan_listener_ready_cb)(struct evcan_listener *listener,
    void *arg);
void evcan_listener_set_ready_cb(struct evcan_listener *listener,
    evcan_listener_ready_cb cb, void *arg);

/** Frames not taken by it, over all live sources. */
uint64_t evcan_listener_dropped(const struct evcan_listener *listener);

/**
 * python-can's RedirectReader: sends each frame on a bus, as it is (no loop
 * protection: see evcan/bridge.h). The bus is borrowed.
 */
struct evcan_listener *evcan_redirect_new(struct evcan_bus *to);

#ifdef __cplusplus
}
#endif
#endif

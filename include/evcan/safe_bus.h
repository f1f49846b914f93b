/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/safe_bus.h - a bus for any thread: python-can's ThreadSafeBus */
#ifndef EVCAN_SAFE_BUS_H
#define EVCAN_SAFE_BUS_H

#include <stddef.h>
#include <stdint.h>

#include <evcan/bus.h>
#include <evcan/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_error;

/*
 * A bus and a thread that serves it: it reads into a bounded queue, sends
 * what waits, comes back after the device was gone, and sends the periodic
 * tasks on time, whether or not anybody calls. All functions but the first
 * and the last may be called from any thread at any time. Sending and
 * receiving are locked apart: who waits for frames holds up nobody.
 *
 * All else that a bus and its tasks can do is done between
 * evcan_safe_bus_lock() and evcan_safe_bus_unlock():
 *
 *   bus = evcan_safe_bus_lock(safe);
 *   evcan_bus_set_filters(bus, filters, n, EVCAN_FILTER_OR, &err);
 *   task = evcan_bus_send_periodic(bus, &frame, 1, 10000000, 0, &err);
 *   evcan_safe_bus_unlock(safe);
 *
 * Call-backs of tasks, subscriptions and outcomes, and modifiers, are made
 * in the safe bus's own thread (those that a close causes: in the closing
 * one), with the bus locked. They must not wait for another thread that
 * locks it. evcan_safe_bus_send() and _close() are EVCAN_ERR_STATE in them
 * and under the caller's own lock; evcan_bus_send() is not.
 */
struct evcan_safe_bus;

/**
 * Opens a bus, unless it is open, and serves it from now on.
 * @param bus made without a base, and without a consumer. Taken over,
 * released here also when this fails. NULL: NULL is returned and err left as
 * it is, so that evcan_bus_new_spec() may stand here.
 * @param capacity frames that the queue holds, 1 to 16,777,216; 0: 4096.
 * When it is full, frames stay in the device's own queue; if for a second
 * nobody takes any, those that come are lost, and counted as lost_queue.
 * @return NULL with err: what evcan_bus_open() says, EVCAN_ERR_INVALID (it
 * has a base; capacity), EVCAN_ERR_BUSY (it has a consumer), EVCAN_ERR_INIT
 * (no thread or fd), EVCAN_ERR_NOMEM
 */
struct evcan_safe_bus *evcan_safe_bus_open(struct evcan_bus *bus,
    size_t capacity, struct evcan_error *err);

/**
 * Closes: sends what is queued (for at most its option close_timeout), then
 * closes the device and stops its tasks and the thread. All that wait are
 * ended: receivers at once, senders at the latest when it is closed. Frames
 * received before stay to be taken.
 * @return 0, or EVCAN_ERR_STATE: closed already, or being closed
 */
int evcan_safe_bus_close(struct evcan_safe_bus *safe);

/** Closes it if need be and releases it with its bus and its tasks. Close it
 *  first where others wait: nobody may be in a call any more. NULL is
 *  ignored. */
void evcan_safe_bus_free(struct evcan_safe_bus *safe);

/**
 * python-can's send(timeout): waits until the device has taken the frame.
 * Frames of one thread keep their order.
 * @param timeout_ms negative: for ever; 0: if the device takes it at once
 * @return 0, or negative: EVCAN_ERR_TIMEOUT (it is not queued),
 * EVCAN_ERR_INVALID, EVCAN_ERR_GONE, EVCAN_ERR_CANCELED (closed or flushed
 * while it waited), EVCAN_ERR_STATE (closed), EVCAN_ERR_NOMEM
 */
int evcan_safe_bus_send(struct evcan_safe_bus *safe,
    const struct evcan_frame *frame, int timeout_ms);

/**
 * python-can's recv(timeout): takes what there is, or waits for it. Each
 * frame goes to one caller.
 * @param timeout_ms negative: for ever; 0: never waits
 * @param lost set to the number of frames that were lost just before these;
 * NULL: not wanted. Frames after a gap are never in one row with those
 * before it.
 * @return frames, 0 when the time was spent, or negative once it is empty:
 * EVCAN_ERR_CANCELED (closed while it waited), EVCAN_ERR_STATE (closed),
 * EVCAN_ERR_GONE (the device is, for good). A device that may come back is
 * waited for.
 */
int evcan_safe_bus_recv(struct evcan_safe_bus *safe,
    struct evcan_frame *frames, size_t max, int timeout_ms, uint64_t *lost);

/**
 * Keeps all other threads, and its own, from its bus, but not from what is
 * received already. To be held for a short time; may be nested.
 * @return the bus, for everything but receiving, setting its call-backs or a
 * notifier, opening, closing and freeing; also after a close
 */
struct evcan_bus *evcan_safe_bus_lock(struct evcan_safe_bus *safe);
/** By the thread that locked it. */
void evcan_safe_bus_unlock(struct evcan_safe_bus *safe);

#ifdef __cplusplus
}
#endif
#endif

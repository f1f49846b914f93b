/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/cyclic.h - periodic sending: python-can's send_periodic and its tasks */
#ifndef EVCAN_CYCLIC_H
#define EVCAN_CYCLIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/bus.h>
#include <evcan/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_error;
struct evcan_modifier;
struct evcan_option;
struct evcan_options;

/*
 * A task sends one frame, or several in turn (one each period), on one
 * absolute grid of CLOCK_MONOTONIC: it does not drift, and no step of the
 * system's time changes it. Nothing is sent early.
 *
 * Where the device can send by itself (SocketCAN: the kernel's broadcast
 * manager), it does, unless the task needs the loop: modifiers, a limit
 * together with two rates, more frames than the device keeps. In the loop the
 * tasks of a bus that fall due together are sent together.
 *
 * A device goes by its own clock. The kernel begins each period when the
 * frame before was sent: its latency adds up, frame by frame. Where no frame
 * may be missing over time, the loop is the choice (EVCAN_OFFLOAD_NEVER).
 * What the kernel sends, all sockets of this machine receive, also the bus's
 * own: as frames of EVCAN_DIR_TX that are no echoes.
 *
 * A bus without a base sends them in evcan_bus_process() and in the calls
 * that wait; evcan_bus_timeout() knows when, in whole milliseconds.
 *
 * A task whose bus is gone, to be opened again, keeps its grid and goes on
 * with it; what falls between is counted as failed. A device is then told
 * anew, at the next point of the grid, with what is left; it begins with the
 * first frame. Closing a bus stops its tasks, without a call-back.
 */
struct evcan_cyclic;

/** Who does a periodic work: evcan_cyclic_config.offload. */
enum evcan_offload {
	EVCAN_OFFLOAD_AUTO,    /**< the device if it can, else the loop */
	EVCAN_OFFLOAD_NEVER,   /**< the loop */
	EVCAN_OFFLOAD_ALWAYS   /**< the device, or it is an error */
};

/** What is done about frames whose time has passed (the loop was held up,
 *  the transmit queue was full). The grid stays in both. A device follows
 *  its own rule (the kernel skips). */
enum evcan_cyclic_late {
	EVCAN_LATE_CATCH_UP,   /**< each is sent, at once (python-can) */
	EVCAN_LATE_SKIP        /**< only the last; the others are counted */
};

/** When a frame is refused for good (not for want of room). */
enum evcan_cyclic_on_error {
	EVCAN_ON_ERROR_STOP,      /**< the task stops (python-can) */
	EVCAN_ON_ERROR_CONTINUE
};

/**
 * Called before each send with the frame that comes next in turn, which it
 * may change, but for its identifier and its format; changes stay, so they
 * accumulate. May stop or free the task: nothing is sent then.
 * @param number of this send since the start, from 0
 */
typedef void (*evcan_cyclic_modifier)(struct evcan_cyclic *task,
    struct evcan_frame *frame, uint64_t number, void *arg);

/** All zero but for period_ns: for ever, at once, python-can's ways. */
struct evcan_cyclic_config {
	int64_t period_ns;         /**< from 1,000 (1 us) */
	/** A duration d at period p sends ceil(d/p) frames; 0: no end. */
	int64_t duration_ns;
	uint64_t count;            /**< frames in all; 0: no end. The smaller
	                            *   limit counts. What is skipped or fails
	                            *   counts in both */
	/** Multi-rate: so many frames first, initial_period_ns apart; the next
	 *  follows period_ns after the last of them, and so on. */
	uint64_t initial_count;
	int64_t initial_period_ns;
	int64_t phase_ns;          /**< the first frame so long after start */
	/** Instead of a phase: this bus's tasks spread themselves evenly over
	 *  their periods. */
	bool spread;
	bool store;                /**< the bus owns it (python-can's
	                            *   store_task), see evcan_cyclic_free() */
	enum evcan_offload offload;
	enum evcan_cyclic_late late;
	enum evcan_cyclic_on_error on_error;
	evcan_cyclic_modifier modifier;          /**< or NULL */
	void *modifier_arg;
	/** Applied in order, after the call-back. Copied. */
	const struct evcan_modifier *modifiers;
	size_t n_modifiers;
};

/** The option rows of a configuration in text: `period`, `duration` (s) ... */
const struct evcan_option *evcan_cyclic_options(void);

/** Fills what the rows know; the rest is not touched.
 *  @return 0, or EVCAN_ERR_INVALID with err */
int evcan_cyclic_config_fill(struct evcan_cyclic_config *config,
    const struct evcan_options *options, struct evcan_error *err);

/**
 * Makes a task; it sends nothing until it is started.
 * @param bus need not be open yet; borrowed
 * @param frames copied; n from 1, all of one identifier, format and channel
 * @return NULL with err: a wrong value, a frame that this bus cannot carry, a
 * task that no device can do though one was insisted on
 */
struct evcan_cyclic *evcan_cyclic_new(struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n,
    const struct evcan_cyclic_config *config, struct evcan_error *err);

/** Stops it, without a call-back, and releases it; legal in call-backs. One
 *  that its bus owns is released with the bus at the latest. One that is its
 *  caller's outlives its bus, and is then of no use but to be freed. */
void evcan_cyclic_free(struct evcan_cyclic *task);

/**
 * Starts it, or starts it again after its end: counts, limits and the turn of
 * the frames begin anew. The first frame is sent at once (after the phase),
 * by the loop's next turn.
 * @return 0; EVCAN_ERR_STATE: it runs, or its bus is closed; what the device
 * answered, when that was insisted on; with err
 */
int evcan_cyclic_start(struct evcan_cyclic *task, struct evcan_error *err);

/** @return 0, or EVCAN_ERR_STATE when it does not run */
int evcan_cyclic_stop(struct evcan_cyclic *task);

/**
 * New data for all its frames, running or not; the grid and the turn stay.
 * The next send has all of the new or, if it was on its way, all of the old.
 * @param n as many frames as it has, of the same identifier and format; their
 * lengths may be others
 * @return 0, or EVCAN_ERR_INVALID with err, and nothing is changed
 */
int evcan_cyclic_modify(struct evcan_cyclic *task,
    const struct evcan_frame *frames, size_t n, struct evcan_error *err);

/** @param err NULL: a limited task is through; else why a frame was not sent;
 *  evcan_cyclic_running() tells whether it goes on */
typedef void (*evcan_cyclic_cb)(struct evcan_cyclic *task,
    const struct evcan_error *err, void *arg);

/** NULL (the default): nobody; errors are logged then. */
void evcan_cyclic_set_cb(struct evcan_cyclic *task, evcan_cyclic_cb cb,
    void *arg);

/** Whether it was started and has not come to its end. */
bool evcan_cyclic_running(const struct evcan_cyclic *task);
/** Its bus; NULL once that was freed. */
struct evcan_bus *evcan_cyclic_bus(const struct evcan_cyclic *task);
/** Its configuration; modifiers included. Borrowed. */
const struct evcan_cyclic_config *evcan_cyclic_get_config(
    const struct evcan_cyclic *task);
/** Its frames as they are now. Borrowed until they are modified. */
const struct evcan_frame *evcan_cyclic_get_frames(
    const struct evcan_cyclic *task, size_t *n);

/** Since the last start. Lateness: from the time on the grid to handing the
 *  frame to the bus; a device's is not known. */
struct evcan_cyclic_stats {
	uint64_t sent;           /**< taken by the bus, or told by the device */
	uint64_t late;           /**< of those, more than 1 ms late */
	uint64_t skipped;        /**< their time had passed (EVCAN_LATE_SKIP) */
	uint64_t failed;         /**< refused, or the bus was gone */
	int64_t worst_late_ns;
	int64_t p99_late_ns;     /**< within a fifth */
	bool offloaded;          /**< the device sends */
	bool sent_known;         /**< false: the device does not tell */
};

/** Counters now; see the struct. */
void evcan_cyclic_get_stats(const struct evcan_cyclic *task,
    struct evcan_cyclic_stats *stats);

/** python-can's send_periodic: a task that the bus owns, started.
 *  @param duration_ns 0: for ever @return borrowed, or NULL with err */
struct evcan_cyclic *evcan_bus_send_periodic(struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, int64_t period_ns,
    int64_t duration_ns, struct evcan_error *err);

/** Stops all tasks of a bus. @param remove_tasks also releases those that the
 *  bus owns; false: they can be started again */
void evcan_bus_stop_all_periodic_tasks(struct evcan_bus *bus,
    bool remove_tasks);

/** The i-th task of a bus, in the order made; NULL past the end. Borrowed. */
struct evcan_cyclic *evcan_bus_cyclic(const struct evcan_bus *bus, size_t i);

#ifdef __cplusplus
}
#endif
#endif

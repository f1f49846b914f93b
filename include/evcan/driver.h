/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/driver.h - for people who add a driver, here or as a plug-in (ABI 1:
 * grows only at the ends of structures; see evcan/plugin.h) */
#ifndef EVCAN_DRIVER_H
#define EVCAN_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/bus.h>
#include <evcan/error.h>
#include <evcan/options.h>
#include <evcan/subscription.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a driver can do: evcan_driver.caps. */
enum evcan_driver_cap {
	EVCAN_CAP_FD = 1,        /**< CAN FD, when the option fd asks for it */
	EVCAN_CAP_CONFIRM = 2,   /**< tells what became of a send */
	EVCAN_CAP_ONE_FD = 4     /**< has one fd that stays for the bus's whole
	                          *   life, watched with EVCAN_WATCH_READ */
};

enum evcan_watch {
	EVCAN_WATCH_NONE = 0,
	EVCAN_WATCH_READ = 1,
	EVCAN_WATCH_WRITE = 2,
	/** The fd is an eventfd that the driver need not read when it is
	 *  watched by edges; see evcan_driver_watch(). */
	EVCAN_WATCH_EDGE = 4
};

/** How well a driver's set_filters does it. */
enum evcan_filtering {
	EVCAN_FILTERS_NONE = 0,      /**< core filters everything */
	EVCAN_FILTERS_SUPERSET = 1,  /**< lets through too much; core filters */
	EVCAN_FILTERS_EXACT = 2      /**< nothing left to do */
};

/** A task for a device that sends by itself: the frames in turn. */
struct evcan_driver_cyclic {
	uint32_t number;              /**< of this start of the task: each has
	                               *   one that its bus never had */
	const struct evcan_frame *frames;
	size_t n;
	uint64_t initial_count;       /**< so many sends first ... */
	int64_t initial_period_ns;    /**< ... this far apart */
	int64_t period_ns;            /**< then these; 0: the task is over, and
	                               *   evcan_driver_cyclic_done() is due */
};

/**
 * A driver: one const table, the last thing in its file. State is
 * allocated zeroed by core and filled from the option rows before open.
 * New members come last, and NULL or 0 in them means what there was before.
 */
struct evcan_driver {
	const char *name;
	const char *summary;                /**< one line for `evcan list` */
	const struct evcan_option *options; /**< offsets into the state */
	size_t state_size;
	unsigned caps;                      /**< enum evcan_driver_cap */

	/* Required */

	/**
	 * Asks the device. May finish later: return 1 and call
	 * evcan_driver_opened() or evcan_driver_gone().
	 * @return 0 (open), 1 (later) or a negative code with err. close is
	 * called after a failure too.
	 */
	int (*open)(struct evcan_bus *bus, struct evcan_error *err);

	/** Releases everything of open, also half of it; not the state. */
	void (*close)(struct evcan_bus *bus);

	/**
	 * Fills up to max frames, never waiting. Channel 0 becomes the bus's.
	 * @return the number; 0: none left now; negative: after
	 * evcan_driver_gone() or a passing error
	 */
	int (*recv)(struct evcan_bus *bus, struct evcan_frame *frames, int max);

	/**
	 * Takes frames from the front, never waiting; each was checked.
	 * @return how many were taken. Fewer than n: no room: watch for
	 * EVCAN_WATCH_WRITE and call evcan_driver_writable(), or just leave
	 * it: core tries again after a short, growing time. Negative: frame 0
	 * is refused for good (fails with that code), the others are tried.
	 */
	int (*send)(struct evcan_bus *bus, const struct evcan_frame *frames,
	    int n);

	/* Optional: absent is a software fallback or "unsupported" */

	/** One of the watched fds is ready (what: enum evcan_watch). Absent:
	 *  READ means that recv has frames, WRITE that send has room. */
	void (*ready)(struct evcan_bus *bus, int fd, unsigned what);
	/** The deadline set by evcan_driver_deadline() has come. */
	void (*deadline)(struct evcan_bus *bus);
	/** Frees what the state holds beyond open/close (rarely needed). */
	void (*destroy)(struct evcan_bus *bus);
	/** May this frame be sent here? 0, or a code with err (which may be
	 *  NULL: the frame is asked about first, the reason after). Before
	 *  queueing, after core's own checks (frame valid, FD, listen-only). */
	int (*check)(struct evcan_bus *bus, const struct evcan_frame *frame,
	    struct evcan_error *err);

	/** n 0: everything. @return enum evcan_filtering or negative */
	int (*set_filters)(struct evcan_bus *bus,
	    const struct evcan_filter *filters, size_t n,
	    enum evcan_filter_join join);

	/** Asked before the first send that wants its outcome. From then on
	 *  the driver calls evcan_driver_echo() or _sent() for what is sent. */
	int (*want_confirm)(struct evcan_bus *bus);

	int (*set_mode)(struct evcan_bus *bus, enum evcan_bus_mode mode);
	int (*flush_tx)(struct evcan_bus *bus);
	int (*reset)(struct evcan_bus *bus, struct evcan_error *err);
	int (*identify)(struct evcan_bus *bus, bool on);

	/*
	 * Periodic work that the device does by itself, known by numbers that
	 * core gives, never 0, one row for tasks and one for subscriptions.
	 * All is forgotten in close; core hands it over again after opening.
	 * EVCAN_ERR_UNSUPPORTED: not this one, core does it itself. A driver
	 * has start and stop, or neither. Without modify, core takes a task
	 * with new data back and starts it again at its next send.
	 */

	/** Starts sending at once. @return 0 or negative with err */
	int (*cyclic_start)(struct evcan_bus *bus,
	    const struct evcan_driver_cyclic *job, struct evcan_error *err);
	/** New data; number and frames of the job count. The time of the next
	 *  send and the turn stay. */
	int (*cyclic_modify)(struct evcan_bus *bus,
	    const struct evcan_driver_cyclic *job, struct evcan_error *err);
	int (*cyclic_stop)(struct evcan_bus *bus, uint32_t number);
	/** How many it sent since its start; absent: not known. */
	int (*cyclic_sent)(struct evcan_bus *bus, uint32_t number,
	    uint64_t *sent);

	/** Watches an identifier; calls evcan_driver_subscribed(). The
	 *  configuration was checked, and is there until unsubscribe or
	 *  close. What counts as news: see evcan/subscription.h. */
	int (*subscribe)(struct evcan_bus *bus, uint32_t number,
	    const struct evcan_subscription_config *config,
	    struct evcan_error *err);
	int (*unsubscribe)(struct evcan_bus *bus, uint32_t number);

	/** Calls evcan_driver_found() for each thing that could be opened.
	 *  Runs in a thread of its own; bus functions are out of reach. */
	void (*detect)(void *context);
};

/* What core offers drivers */

/** The driver's state. */
void *evcan_driver_state(const struct evcan_bus *bus);

/** Common options of every bus, resolved. */
struct evcan_bus_common {
	const char *interface;
	const char *channel;      /**< as given, NULL if not */
	int64_t bitrate;          /**< bit/s, 0 if not given */
	int64_t data_bitrate;     /**< bit/s, 0 if not given */
	bool fd;
	int mode;                 /**< enum evcan_bus_mode */
	const char *timing;       /**< text for evcan_timing_parse(), or NULL */
	const char *can_filters;
	int64_t tx_queue_size;    /**< frames */
	int64_t budget;           /**< frames a loop turn */
	double close_timeout;     /**< seconds */
	bool reopen;              /**< come back after the device was gone */
	double reopen_interval;   /**< seconds, the first; doubles */
	double reopen_max;        /**< seconds, the longest */
	const char *name;
	bool ignore_config;
	const char *config;
	const char *config_context;
	const char *channel_name; /**< of its frames; NULL: the channel */
};
const struct evcan_bus_common *evcan_driver_common(
    const struct evcan_bus *bus);

/**
 * Watches an fd, or changes what it is watched for; EVCAN_WATCH_NONE ends
 * it (before the fd is closed). EVCAN_WATCH_EDGE added to READ: one call per
 * write, if the loop can; evcan_driver_edges() says whether it does.
 * @return 0 or EVCAN_ERR_NOMEM, EVCAN_ERR_OPERATION
 */
int evcan_driver_watch(struct evcan_bus *bus, int fd, unsigned what);
bool evcan_driver_edges(const struct evcan_bus *bus);

/** Sets the one deadline (CLOCK_MONOTONIC ns); 0: none. */
void evcan_driver_deadline(struct evcan_bus *bus, int64_t monotonic_ns);

/** Core shall call recv soon, also without an fd being ready. Only in the
 *  bus's own thread. */
void evcan_driver_wake(struct evcan_bus *bus);

/** There is room for sends again. */
void evcan_driver_writable(struct evcan_bus *bus);

/** An open that was late has succeeded. */
void evcan_driver_opened(struct evcan_bus *bus);

/**
 * The device is gone (or a late open failed): core closes it soon, tells
 * EVCAN_BUS_ERROR and opens it again later, as the options say. May be called
 * in any operation but close.
 */
void evcan_driver_gone(struct evcan_bus *bus, int code, int system,
    const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 4, 5)))
#endif
    ;

/** A passing error: told and logged, nothing else. */
void evcan_driver_error(struct evcan_bus *bus, int code, int system,
    const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 4, 5)))
#endif
    ;

/** The vendor's own code of the error that is told next. */
void evcan_driver_vendor_code(struct evcan_bus *bus, long code);

/** A new error state was observed; the same one again is not told. */
void evcan_driver_set_state(struct evcan_bus *bus,
    enum evcan_bus_state state);

/** How busy the bus is, as the adapter says: 1/10000 of its time. */
void evcan_driver_set_load(struct evcan_bus *bus, unsigned load);

/** Frames were lost before those that recv gives next. */
void evcan_driver_lost(struct evcan_bus *bus, uint64_t frames,
    enum evcan_loss where);

/** Something that is not a frame was skipped (CAN XL ...). */
void evcan_driver_skipped(struct evcan_bus *bus, uint64_t things);

/** An own frame was seen on the bus: confirms the oldest equal send.
 *  @return true if a send waited for it */
bool evcan_driver_echo(struct evcan_bus *bus,
    const struct evcan_frame *frame);

/** The same for n frames at once. */
void evcan_driver_echoes(struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n);

/** The device refused a frame that it had taken: fails the oldest equal send.
 *  That it did is told by evcan_driver_error(). */
void evcan_driver_refused(struct evcan_bus *bus,
    const struct evcan_frame *frame, int code);

/** Frames that send had taken were dropped, and nobody waits for them. */
void evcan_driver_unsent(struct evcan_bus *bus, uint64_t frames);

/** A limited task of the device has sent its last frame, and the device knows
 *  it no more. */
void evcan_driver_cyclic_done(struct evcan_bus *bus, uint32_t number);

/** A subscription has news. @param frame copied; NULL: silent. The user is
 *  told later, from the loop. */
void evcan_driver_subscribed(struct evcan_bus *bus, uint32_t number,
    const struct evcan_frame *frame);

/** What evcan_bus_channel_info() gives from now on; one line. */
void evcan_driver_set_channel_info(struct evcan_bus *bus, const char *fmt,
    ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/** What evcan_bus_protocol() gives from now on. */
void evcan_driver_set_protocol(struct evcan_bus *bus,
    enum evcan_protocol protocol);

/** The mode the device is in, where set_mode gave EVCAN_ERR_TIMEOUT or was
 *  wrong: evcan_bus_get_mode() gives it from now on. */
void evcan_driver_set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode);

/** The driver's filtering changed by itself (exact to superset ...). */
void evcan_driver_set_filtering(struct evcan_bus *bus,
    enum evcan_filtering filtering);

/** One result of detect. @param options "key=value" texts after the channel,
 *  NULL-ended */
void evcan_driver_found(void *context, const char *channel,
    const char *description, const char *const *options);

/** CLOCK_MONOTONIC and Unix time in nanoseconds. */
int64_t evcan_now_monotonic(void);
int64_t evcan_now_unix(void);

/** The library's log, for drivers: off costs one branch. */
void evcan_log(enum evcan_log_level level, const char *area, const char *fmt,
    ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/** The i-th driver, those built in first, then those of plug-ins, or NULL past
 *  the end; and by name. From any thread. */
const struct evcan_driver *evcan_driver_at(size_t i);
const struct evcan_driver *evcan_driver_find(const char *name);

/** Rows of the options that every bus has (struct evcan_bus_common). */
const struct evcan_option *evcan_bus_options(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/bus.h - one connection to a CAN bus */
#ifndef EVCAN_BUS_H
#define EVCAN_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/filter.h>
#include <evcan/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct evcan_bus;
struct evcan_error;
struct evcan_options;

/*
 * A bus belongs to the thread of its event_base. With a base everything
 * happens in call-backs on it; without one, evcan_bus_fd() is an fd for any
 * loop and recv and send may wait. A bus has one consumer: a notifier, the
 * call-backs of evcan_bus_set_cb(), or a caller that pulls.
 *
 * No call-back is made from inside _new, _open or _send. _free is legal in
 * every call-back.
 */

/** What happens to a bus besides frames. */
enum evcan_bus_event {
	EVCAN_BUS_OPENED,    /**< open, or open again after it was gone */
	EVCAN_BUS_CLOSED,    /**< closed; nothing follows */
	EVCAN_BUS_ERROR,     /**< info->error says what */
	EVCAN_BUS_STATE,     /**< info->state is new */
	EVCAN_BUS_GAP,       /**< info->lost frames were lost on the way here */
	EVCAN_BUS_WRITABLE   /**< there is room in the transmit queue again */
};

/** python-can's three plus what CAN controllers know: observed. */
enum evcan_bus_state {
	EVCAN_STATE_ACTIVE,   /**< error active */
	EVCAN_STATE_WARNING,  /**< an error counter over 96 */
	EVCAN_STATE_PASSIVE,  /**< error passive */
	EVCAN_STATE_BUS_OFF,
	EVCAN_STATE_STOPPED   /**< link down or device gone */
};

/** Chosen: option `state` ACTIVE or PASSIVE in python-can. */
enum evcan_bus_mode {
	EVCAN_MODE_NORMAL,
	EVCAN_MODE_LISTEN_ONLY
};

/** python-can's CanProtocol. */
enum evcan_protocol {
	EVCAN_PROTOCOL_CAN_20,
	EVCAN_PROTOCOL_CAN_FD,
	EVCAN_PROTOCOL_CAN_FD_NON_ISO,
	EVCAN_PROTOCOL_CAN_XL
};

/** Where frames were lost: evcan_bus_info.lost_where. */
enum evcan_loss {
	EVCAN_LOSS_KERNEL,   /**< socket buffer overflow (SO_RXQ_OVFL) */
	EVCAN_LOSS_QUEUE,    /**< a bounded receive queue of this process */
	EVCAN_LOSS_DEVICE    /**< the adapter said so */
};

/** Details of an event; the fields of other events are zero. */
struct evcan_bus_info {
	const struct evcan_error *error;   /**< EVCAN_BUS_ERROR, _CLOSED */
	enum evcan_bus_state state;        /**< EVCAN_BUS_STATE */
	uint64_t lost;                     /**< EVCAN_BUS_GAP: frames */
	enum evcan_loss lost_where;
};

typedef void (*evcan_bus_recv_cb)(struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg);
typedef void (*evcan_bus_event_cb)(struct evcan_bus *bus,
    enum evcan_bus_event event, const struct evcan_bus_info *info, void *arg);

/** Counters since evcan_bus_new(). All count frames but the last five. */
struct evcan_bus_stats {
	uint64_t received;       /**< delivered to the consumer */
	uint64_t received_bytes; /**< data bytes of those */
	uint64_t filtered;       /**< dropped by core's own filter */
	uint64_t echoes;         /**< own frames seen again */
	uint64_t error_frames;
	uint64_t lost_kernel;    /**< SO_RXQ_OVFL and its like */
	uint64_t lost_queue;     /**< bounded queues of this process */
	uint64_t lost_device;    /**< overruns told by the adapter */
	uint64_t skipped;        /**< CAN XL and other frames not understood */
	uint64_t sent;           /**< handed to the device */
	uint64_t sent_bytes;
	uint64_t confirmed;      /**< known to be on the bus */
	uint64_t send_refused;   /**< not taken: queue full */
	uint64_t send_failed;    /**< taken but not sent: error, time, close */
	uint64_t tx_queued;      /**< waiting now */
	uint64_t tx_queue_peak;
	uint64_t flow_stops;     /**< times the device had no room (ENOBUFS) */
	uint64_t wakeups;        /**< times the loop called the bus */
	uint64_t opens;          /**< successful ones, the first included */
	uint64_t state_changes;
	uint64_t bus_load;       /**< now, as some adapters say: 1/10000 of the
	                          *   bus's time */
};

/**
 * Makes a bus from options; "interface" picks the driver. Nothing of the
 * device is touched yet.
 * @param base the caller's loop, or NULL for none
 * @param options copied; completed from the configuration unless
 * ignore_config is set in it; NULL: the configuration alone
 * @return the bus, or NULL with err: unknown interface (err lists those
 * there are), unknown or wrong option
 */
struct evcan_bus *evcan_bus_new(struct event_base *base,
    const struct evcan_options *options, struct evcan_error *err);

/** The same from a spec string, see evcan_config_parse_spec(). */
struct evcan_bus *evcan_bus_new_spec(struct event_base *base,
    const char *spec, struct evcan_error *err);

/**
 * Opens the device. Some finish later; EVCAN_BUS_OPENED tells (for all).
 * Without a base this waits, and the bus is open when it returns 0.
 * @return 0, or a negative code with err; the bus may be opened again later
 */
int evcan_bus_open(struct evcan_bus *bus, struct evcan_error *err);

/**
 * Closes: sends what is queued (for at most the option close_timeout, 1 s),
 * then closes the device; EVCAN_BUS_CLOSED tells, with an error if frames
 * were left. Without a base this waits and has closed when it returns.
 * @return 0, or EVCAN_ERR_STATE if it is not open
 */
int evcan_bus_close(struct evcan_bus *bus);

/**
 * Releases a bus; legal in every call-back, detaches it from its notifier.
 * One that is open is closed first, at once: frames still queued are tried
 * without waiting, what is left is counted, logged and its outcome told as
 * EVCAN_ERR_CANCELED. NULL is ignored.
 */
void evcan_bus_free(struct evcan_bus *bus);

/**
 * Makes the caller the consumer: frames and events come to these call-backs
 * (either may be NULL; both NULL gives the bus free). Frames are borrowed.
 * @return 0, or EVCAN_ERR_BUSY if a notifier has it
 */
int evcan_bus_set_cb(struct evcan_bus *bus, evcan_bus_recv_cb recv_cb,
    evcan_bus_event_cb event_cb, void *arg);

/**
 * Pulls up to max frames, never waiting.
 * @return the number, 0 for none, or a negative code: EVCAN_ERR_STATE (not
 * open), EVCAN_ERR_BUSY (has another consumer), EVCAN_ERR_GONE
 */
int evcan_bus_recv(struct evcan_bus *bus, struct evcan_frame *frames,
    size_t max);

/**
 * python-can's recv(timeout), only for a bus without a base.
 * @param timeout_ms how long to wait at most; negative: for ever
 * @return frames read, 0 when the time was spent, negative as above
 */
int evcan_bus_recv_wait(struct evcan_bus *bus, struct evcan_frame *frames,
    size_t max, int timeout_ms);

/**
 * Queues frames, in order, never waiting. What the device takes at once is
 * sent at once; the rest waits in the transmit queue (option tx_queue_size).
 * @return how many were taken; fewer than n: queue full, EVCAN_BUS_WRITABLE
 * follows. Negative if not even the first: EVCAN_ERR_STATE,
 * EVCAN_ERR_FULL, EVCAN_ERR_NOMEM, EVCAN_ERR_INVALID (see evcan_bus_error())
 */
int evcan_bus_send(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n);

/** How a send ended. */
enum evcan_outcome {
	EVCAN_SENT,      /**< seen on the bus; frame->time_ns says when */
	/** Taken by the device, which tells no more, or whose confirmation was
	 *  lost: none came for a second after frames were lost, or after that
	 *  of a later frame came. */
	EVCAN_ACCEPTED
};

/**
 * @param result enum evcan_outcome, or negative: EVCAN_ERR_TIMEOUT,
 * EVCAN_ERR_GONE, EVCAN_ERR_CANCELED, EVCAN_ERR_OPERATION
 * @param frame the frame as sent (or not)
 */
typedef void (*evcan_sent_cb)(struct evcan_bus *bus,
    const struct evcan_frame *frame, int result, void *arg);

/**
 * Queues one frame and tells its outcome, exactly once, never from inside
 * this call.
 * @param timeout_ms if not handed to the device by then it is taken out of
 * the queue and ends in EVCAN_ERR_TIMEOUT; negative: no limit
 * @return 0, or negative and cb is not called; EVCAN_ERR_FULL: the queue is,
 * or the outcomes of 16384 frames were not told yet (the loop, or
 * evcan_bus_process(), tells them); EVCAN_BUS_WRITABLE comes later
 */
int evcan_bus_send_cb(struct evcan_bus *bus, const struct evcan_frame *frame,
    int timeout_ms, evcan_sent_cb cb, void *arg);

/**
 * python-can's send(timeout), only for a bus without a base: waits until
 * the device has taken the frame. @param timeout_ms negative: for ever
 * @return 0, or negative; EVCAN_ERR_TIMEOUT: it is not queued
 */
int evcan_bus_send_wait(struct evcan_bus *bus,
    const struct evcan_frame *frame, int timeout_ms);

/** Drops what waits in the transmit queue, the device's too if it can. */
int evcan_bus_flush_tx_buffer(struct evcan_bus *bus);

/** Frames that the transmit queue takes now. */
size_t evcan_bus_tx_room(const struct evcan_bus *bus);

/**
 * Sets filters (NULL or 0: everything), in the device where it can, else
 * here. Frames queued already are not dropped. They are applied again after
 * each reopening. @return 0 or negative with err; the old ones then stay
 */
int evcan_bus_set_filters(struct evcan_bus *bus,
    const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join, struct evcan_error *err);

/** The filters in force; borrowed until they are set again. */
size_t evcan_bus_get_filters(const struct evcan_bus *bus,
    const struct evcan_filter **filters, enum evcan_filter_join *join);

/** Error state last observed. */
enum evcan_bus_state evcan_bus_get_state(const struct evcan_bus *bus);

/** Mode chosen. @return 0, EVCAN_ERR_UNSUPPORTED, another code: it stays as it
 *  was; or EVCAN_ERR_TIMEOUT: the device has not answered yet, and once it has
 *  evcan_bus_get_mode() says what came of it */
enum evcan_bus_mode evcan_bus_get_mode(const struct evcan_bus *bus);
int evcan_bus_set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode);

/** What its driver speaks. */
enum evcan_protocol evcan_bus_protocol(const struct evcan_bus *bus);

/** Restarts the controller after bus-off. @return 0, or negative with err */
int evcan_bus_reset(struct evcan_bus *bus, struct evcan_error *err);

/** Flashes a light. @return 0 or EVCAN_ERR_UNSUPPORTED */
int evcan_bus_identify(struct evcan_bus *bus, bool on);

/** Whether frames can be sent and received now. */
bool evcan_bus_is_open(const struct evcan_bus *bus);

/** python-can's channel_info: one line for people. Borrowed. */
const char *evcan_bus_channel_info(const struct evcan_bus *bus);

/** The driver's name; the channel's name and number; the loop. */
const char *evcan_bus_interface(const struct evcan_bus *bus);
const char *evcan_bus_channel(const struct evcan_bus *bus);
uint16_t evcan_bus_channel_index(const struct evcan_bus *bus);
struct event_base *evcan_bus_base(const struct evcan_bus *bus);

/** A name for logs and messages: given, else "interface:channel". */
const char *evcan_bus_name(const struct evcan_bus *bus);
int evcan_bus_set_name(struct evcan_bus *bus, const char *name);

/** Counters now. */
void evcan_bus_get_stats(const struct evcan_bus *bus,
    struct evcan_bus_stats *stats);

/** The last error of this bus, all zero if none. Borrowed. */
const struct evcan_error *evcan_bus_error(const struct evcan_bus *bus);

/*
 * For other loops: poll evcan_bus_fd() for POLLIN, for at most
 * evcan_bus_timeout() milliseconds, then call evcan_bus_process() and pull
 * frames with evcan_bus_recv() until it gives 0. Only without a base.
 */

/** One fd, the same from the first evcan_bus_open() to evcan_bus_free(), also
 *  when the device goes and comes back; EVCAN_ERR_STATE before. */
int evcan_bus_fd(struct evcan_bus *bus);

/** Milliseconds until the bus wants to be processed; -1: no deadline. */
int evcan_bus_timeout(const struct evcan_bus *bus);

/** Sends what waits, runs deadlines, calls back events and outcomes. */
int evcan_bus_process(struct evcan_bus *bus);

/** One thing that could be opened: a set of options, with remarks. */
struct evcan_detected {
	const char *interface;
	const char *channel;
	const char *description;   /**< for people; may be "" */
	const struct evcan_options *options;   /**< ready for evcan_bus_new() */
};

typedef void (*evcan_detect_cb)(const struct evcan_detected *found,
    void *arg);

/**
 * Asks drivers what could be opened on this machine. Never fails because of
 * one of them. cb is called from inside, once for each.
 * @param interfaces NULL-ended names, or NULL for all drivers
 * @param timeout_ms for each driver; negative: 5000
 * @return how many were found, or EVCAN_ERR_NOT_IMPLEMENTED with err when a
 * name is unknown
 */
int evcan_detect(const char *const *interfaces, int timeout_ms,
    evcan_detect_cb cb, void *arg, struct evcan_error *err);

#ifdef __cplusplus
}
#endif
#endif

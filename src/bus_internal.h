/* SPDX-License-Identifier: BSD-3-Clause */
/* bus_internal.h - struct evcan_bus, shared by bus*.c and the notifier */
#ifndef EVCAN_BUS_INTERNAL_H
#define EVCAN_BUS_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/bus.h>
#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/filter.h>

#include "clock.h"

struct event;
struct evcan_attachment_;
struct evcan_cyclics_;
struct evcan_notifier;
struct evcan_options;
struct evcan_subscriptions_;

enum evcan_phase_ {
	EVCAN_PHASE_CLOSED,    /* never opened, or closed */
	EVCAN_PHASE_OPENING,   /* the driver will say opened or gone */
	EVCAN_PHASE_OPEN,
	EVCAN_PHASE_CLOSING,   /* open, sends what is queued */
	EVCAN_PHASE_GONE       /* driver closed, to be opened again */
};

/* One fd that the driver watches. */
struct evcan_watch_ {
	int fd;
	unsigned what;
	bool paused;           /* readable, but nobody wants frames */
	struct event *event;   /* with a base */
};

/* A send whose end somebody wants to know. */
struct evcan_outcome_ {
	struct evcan_outcome_ *next;
	struct evcan_frame frame;
	evcan_sent_cb cb;
	void *arg;
	int64_t due_ns;        /* to be handed over by then; 0: no limit */
	int64_t doubt_ns;      /* its confirmation may be lost: not waited
	                        *   for after that; 0: no doubt */
	bool taken_is_enough;  /* does not wait for the device to confirm */
	int result;
};

struct evcan_outcomes_ {
	struct evcan_outcome_ *first, **end;
};

/* An entry of the transmit queue. */
struct evcan_queued_ {
	struct evcan_frame frame;
	struct evcan_outcome_ *outcome;
	bool canceled;         /* its outcome was told; not to be sent */
};

struct evcan_tx_ {
	struct evcan_queued_ *queue;   /* made when first needed */
	size_t size, first, count;
	struct evcan_outcomes_ waiting;   /* for the device to confirm */
	struct evcan_outcomes_ done;      /* to be told */
	struct evcan_outcome_ *spare;     /* nodes to use again */
	size_t untold;         /* outcomes: queued, waiting, done */
	int64_t retry_ns;      /* how long to wait after the next stop */
	bool stopped;          /* the device had no room */
	bool refused;          /* somebody was, and waits for the event */
	bool confirms;         /* want_confirm was asked and granted */
};

/* Core's own parts that wait for room, besides the event: one-shot, called
 * on the loop. `waiting` is true while it is in the list. */
struct evcan_waiter_ {
	void (*cb)(struct evcan_bus *bus, void *arg);
	void *arg;
	struct evcan_waiter_ *next;
	bool waiting;
};

enum evcan_due_ {
	EVCAN_DUE_DRIVER, EVCAN_DUE_RETRY, EVCAN_DUE_REOPEN,
	EVCAN_DUE_CLOSE, EVCAN_DUE_OUTCOME, EVCAN_DUE_CYCLIC, EVCAN_DUE_COUNT
};

struct evcan_bus {
	const struct evcan_driver *driver;
	void *state;
	struct event_base *base;
	struct evcan_clock_ *clock;      /* with a base */
	struct evcan_options *options;
	struct evcan_bus_common common;
	char *name;
	char info[200];
	uint16_t channel;
	enum evcan_phase_ phase;
	enum evcan_bus_state error_state;
	enum evcan_bus_mode mode;
	bool mode_unsure;                /* the device may yet change it */
	bool inside;                     /* of dispatch, and call-backs */
	enum evcan_protocol protocol;
	size_t refs;                     /* its owner's, and call-backs' */
	bool freed;                      /* by its owner */

	/* The consumer */
	evcan_bus_recv_cb recv_cb;
	evcan_bus_event_cb event_cb;
	void *cb_arg;
	struct evcan_notifier *notifier;
	struct evcan_attachment_ *listeners;   /* that hear only this bus */

	/* Receiving */
	struct evcan_filters *filters;
	enum evcan_filtering filtering;
	bool want_recv;                  /* the driver has frames */
	bool pulled;                     /* somebody calls evcan_bus_recv() */
	struct evcan_watch_ *watches;
	size_t n_watches;
	int poll_fd;                     /* without a base; -1: none yet */

	/* Coming back to it: `soon` is an event that the loop runs next */
	struct event *soon_event;
	bool soon;
	unsigned chain;                  /* runs of it since the last poll */
	int64_t due[EVCAN_DUE_COUNT];    /* deadlines, 0: none */
	struct evcan_timer_ timer;       /* for the earliest */

	struct evcan_tx_ tx;
	struct evcan_waiter_ *waiters;
	struct evcan_cyclics_ *cyclics;        /* made with the first task */
	struct evcan_subscriptions_ *subscriptions;   /* while there are any */
	uint32_t subscription_number;          /* the last one given */

	/* Told at the next good moment, never from inside a call */
	bool tell_opened, tell_error, tell_state, tell_writable, tell_closed;
	bool gone;
	uint64_t tell_lost[3];           /* by enum evcan_loss */
	int64_t reopen_ns;               /* the next interval */
	struct evcan_error error;        /* the last one */
	long vendor_code;                /* of the next one */
	struct evcan_bus_stats stats;
};

/* bus.c */
void evcan_bus_hold_(struct evcan_bus *bus);
/* May release it: touch nothing after. */
void evcan_bus_drop_(struct evcan_bus *bus);
/* Asks the driver to filter; core does what it cannot. */
void evcan_bus_apply_filters_(struct evcan_bus *bus);
/* Sets the bus's last error, instead of the one before. */
void evcan_bus_set_error_(struct evcan_bus *bus, int code, int system,
    const char *fmt, va_list ap);
/* The same. @return code */
int evcan_bus_fail_(struct evcan_bus *bus, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The notifier takes or gives back (all NULL) the consumer's place. */
int evcan_bus_attach_(struct evcan_bus *bus, struct evcan_notifier *notifier,
    evcan_bus_recv_cb recv_cb, evcan_bus_event_cb event_cb);

/* bus_life.c */
/* Closes, reopens and tells what is to be told. Makes call-backs; the caller
 * holds the bus. */
void evcan_bus_settle_(struct evcan_bus *bus);
/* Whether settling would do something now. */
bool evcan_bus_unsettled_(const struct evcan_bus *bus);

/* bus_io.c */
int evcan_bus_io_init_(struct evcan_bus *bus, struct evcan_error *err);
void evcan_bus_io_destroy_(struct evcan_bus *bus);
void evcan_bus_set_due_(struct evcan_bus *bus, enum evcan_due_ which,
    int64_t due_ns);
/* The earliest of all; 0: none. */
int64_t evcan_bus_first_due_(const struct evcan_bus *bus);
/* The loop shall come back to the bus. */
void evcan_bus_soon_(struct evcan_bus *bus);
/* Watches again what was paused while nobody wanted frames. */
void evcan_bus_resume_(struct evcan_bus *bus);
/* Takes all fds out of the loop (after the driver closed). */
void evcan_bus_unwatch_(struct evcan_bus *bus);
void evcan_bus_tell_gaps_(struct evcan_bus *bus);
/* Delivers what was received so far, within reason. */
void evcan_bus_receive_all_(struct evcan_bus *bus);
/* Without a base: when timeout_ms (negative: never) will be over. */
int64_t evcan_bus_end_of_(int timeout_ms);
/* Without a base: waits until a late open has ended, and tells nothing. */
void evcan_bus_await_open_(struct evcan_bus *bus);
/* Without a base: waits for the bus's fd or its next deadline.
 * @return false when `end` has come */
bool evcan_bus_wait_(struct evcan_bus *bus, int64_t end);

/* bus_send.c */
/* Whether a frame may be sent here, whatever the phase. @return 0 or
 * EVCAN_ERR_INVALID with err */
int evcan_bus_may_carry_(struct evcan_bus *bus,
    const struct evcan_frame *frame, struct evcan_error *err);
void evcan_bus_tx_init_(struct evcan_bus *bus);
void evcan_bus_tx_destroy_(struct evcan_bus *bus);
/* Hands queued frames to the device. */
void evcan_bus_drain_(struct evcan_bus *bus);
/* Ends all queued and unconfirmed sends with this code; outcomes are told
 * later. @return frames that were queued */
size_t evcan_bus_tx_fail_(struct evcan_bus *bus, int code);
/* Confirmations may be lost up to here. */
void evcan_bus_doubt_(struct evcan_bus *bus);
/* Takes timed-out sends out of the queue, and ends those whose confirmation
 * was lost. */
void evcan_bus_expire_(struct evcan_bus *bus, int64_t now);
/* Calls back what is done. */
void evcan_bus_tell_outcomes_(struct evcan_bus *bus);
bool evcan_bus_tx_idle_(const struct evcan_bus *bus);
/* Sends one frame as evcan_bus_send_cb() does, but is content when the device
 * has taken it. @return 1: that was at once, cb is not called; 0: cb will be;
 * negative: cb is not called */
int evcan_bus_send_taken_(struct evcan_bus *bus,
    const struct evcan_frame *frame, int timeout_ms, evcan_sent_cb cb,
    void *arg);

/* Waits for room once; see struct evcan_waiter_. Already waiting: nothing. */
void evcan_bus_wait_writable_(struct evcan_bus *bus,
    struct evcan_waiter_ *waiter);
void evcan_bus_unwait_writable_(struct evcan_bus *bus,
    struct evcan_waiter_ *waiter);

#endif

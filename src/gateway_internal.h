/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_internal.h - struct evcan_gateway, shared by gateway*.c */
#ifndef EVCAN_GATEWAY_INTERNAL_H
#define EVCAN_GATEWAY_INTERNAL_H

#include <stdbool.h>

#include <evcan/error.h>
#include <evcan/gateway.h>

#include "clock.h"
#include "gateway_doc.h"

enum evcan_gateway_phase_ {
	EVCAN_GATEWAY_NEW,
	EVCAN_GATEWAY_FAILED,      /* start failed: its parts are gone */
	EVCAN_GATEWAY_RUNNING,
	EVCAN_GATEWAY_DRAINING,    /* players stopped, frames on their way */
	EVCAN_GATEWAY_FLUSHING,    /* writers close */
	EVCAN_GATEWAY_CLOSING,     /* buses close */
	EVCAN_GATEWAY_STOPPED
};

struct evcan_gateway_bus_ {
	struct evcan_bus *bus;
	bool closing;              /* EVCAN_BUS_CLOSED will come */
};

struct evcan_gateway_logger_ {
	struct evcan_gateway *gateway;
	const struct evcan_plan_part_ *part;
	struct evcan_log_writer *writer;
	struct evcan_listener *tap;     /* before the writer, with filters */
	struct evcan_filters *filters;
	uint64_t dropped, untold;       /* by the tap */
	bool closing;
};

struct evcan_gateway {
	struct event_base *base;
	struct evcan_clock_ *clock;
	struct evcan_timer_ timer;      /* of stopping */
	struct evcan_plan_ plan;        /* each array below is as long */
	struct evcan_notifier *notifier;
	struct evcan_listener *ear;     /* hears errors of listeners */
	struct evcan_gateway_bus_ *buses;
	struct evcan_gateway_logger_ *loggers;
	struct evcan_bridge **bridges;
	struct evcan_cyclic **cyclics;
	bool *begun;                    /* of the tasks: once started */
	struct evcan_player **players;
	enum evcan_gateway_phase_ phase;
	bool opened;                    /* buses were opened before */
	size_t playing;
	int holds;                      /* call-backs that it is in */
	bool freed;
	bool stopping;                  /* stop was called */

	evcan_gateway_event_cb event_cb;
	void *event_arg;
	evcan_gateway_cb played_cb, stopped_cb;
	void *played_arg, *stopped_arg;
	struct evcan_error play_error, stop_error;

	/* Stopping */
	int64_t settled_ns, deadline_ns;
	uint64_t seen;                  /* frames so far, at the last look */
	int quiet_looks;                /* in a row without a new one */
	uint64_t failed_before;         /* frames not sent, when it began */
};

/* gateway.c */
void evcan_gateway_on_bus_event_(struct evcan_bus *bus,
    enum evcan_bus_event event, const struct evcan_bus_info *info, void *arg);
void evcan_gateway_hold_(struct evcan_gateway *gateway);
/* May release it: touch nothing after. */
void evcan_gateway_drop_(struct evcan_gateway *gateway);
/* Calls the user, who may free it; the caller holds it. */
void evcan_gateway_tell_(struct evcan_gateway *gateway, const char *what,
    const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* gateway_send.c: what sends by itself, tasks and players */
int evcan_gateway_make_cyclics_(struct evcan_gateway *gateway,
    struct evcan_error *err);
int evcan_gateway_open_players_(struct evcan_gateway *gateway,
    struct evcan_error *err);
int evcan_gateway_start_senders_(struct evcan_gateway *gateway,
    struct evcan_error *err);
/* Tasks begin when their bus is open, which may be later. */
void evcan_gateway_bus_opened_(struct evcan_gateway *gateway,
    const struct evcan_bus *bus);
void evcan_gateway_stop_senders_(struct evcan_gateway *gateway);
void evcan_gateway_free_senders_(struct evcan_gateway *gateway);

/* gateway_log.c */
int evcan_gateway_open_loggers_(struct evcan_gateway *gateway,
    struct evcan_error *err);
/* Frames no longer reach it. */
void evcan_gateway_detach_logger_(struct evcan_gateway_logger_ *logger);
void evcan_gateway_free_logger_(struct evcan_gateway_logger_ *logger);

/* gateway_stop.c */
/* Something closed: looks what is next, soon. */
void evcan_gateway_advance_(struct evcan_gateway *gateway);
void evcan_gateway_on_timer_(struct evcan_timer_ *timer, void *arg);

/* bridge.c: forwards nothing from now on, its counters stay. */
void evcan_bridge_stop_(struct evcan_bridge *bridge);

#endif

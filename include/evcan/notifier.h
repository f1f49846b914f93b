/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/notifier.h - many buses to many listeners on one loop */
#ifndef EVCAN_NOTIFIER_H
#define EVCAN_NOTIFIER_H

#include <stdbool.h>
#include <stddef.h>

#include <evcan/bus.h>
#include <evcan/listener.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Every frame of every bus goes to every listener, in the order in which
 * they were added, a batch at a time. Buses and listeners may come and go at
 * any time, also in call-backs. A listener added twice is called twice.
 */
struct evcan_notifier;

/**
 * @param base the loop of the buses, or NULL: buses without a base, driven
 * by evcan_notifier_process()
 * @return NULL when out of memory
 */
struct evcan_notifier *evcan_notifier_new(struct event_base *base);

/** Stops it and releases it. Buses and listeners stay their owners'. */
void evcan_notifier_free(struct evcan_notifier *notifier);

/** @return 0; EVCAN_ERR_BUSY: the bus has a consumer; EVCAN_ERR_INVALID:
 *  of another loop; EVCAN_ERR_STATE: stopped; EVCAN_ERR_NOMEM */
int evcan_notifier_add_bus(struct evcan_notifier *notifier,
    struct evcan_bus *bus);
/** @return 0 or EVCAN_ERR_NOT_FOUND */
int evcan_notifier_remove_bus(struct evcan_notifier *notifier,
    struct evcan_bus *bus);

/** @param from only frames of this bus; NULL: of all. @return 0 or NOMEM */
int evcan_notifier_add_listener(struct evcan_notifier *notifier,
    struct evcan_listener *listener, struct evcan_bus *from);
/** Removes one addition of it. @return 0 or EVCAN_ERR_NOT_FOUND */
int evcan_notifier_remove_listener(struct evcan_notifier *notifier,
    struct evcan_listener *listener);

/** Also told: events of all its buses. NULL: nobody. */
void evcan_notifier_set_event_cb(struct evcan_notifier *notifier,
    evcan_bus_event_cb cb, void *arg);

/**
 * Gives the buses free and calls each listener's stop once. A second call
 * does nothing.
 */
void evcan_notifier_stop(struct evcan_notifier *notifier);
bool evcan_notifier_stopped(const struct evcan_notifier *notifier);

/** The first error that no listener handled (python-can's .exception). */
const struct evcan_error *evcan_notifier_error(
    const struct evcan_notifier *notifier);

/** The notifier that has this bus, or NULL (find_instances). */
struct evcan_notifier *evcan_notifier_find(const struct evcan_bus *bus);

/** Its buses, in order: the i-th, or NULL past the end. */
struct evcan_bus *evcan_notifier_bus(const struct evcan_notifier *notifier,
    size_t i);

/**
 * Without a base: waits up to timeout_ms (negative: for ever) until a bus
 * has something, and delivers it.
 * @return frames delivered, 0: time spent, or negative
 */
int evcan_notifier_process(struct evcan_notifier *notifier, int timeout_ms);

#ifdef __cplusplus
}
#endif
#endif

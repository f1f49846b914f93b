/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/gateway.h - buses, loggers, bridges, tasks, players: one document */
#ifndef EVCAN_GATEWAY_H
#define EVCAN_GATEWAY_H

#include <stddef.h>
#include <stdint.h>

#include <evcan/bridge.h>
#include <evcan/bus.h>
#include <evcan/cyclic.h>
#include <evcan/log.h>
#include <evcan/notifier.h>
#include <evcan/player.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_gateway;

/**
 * Reads and checks a document (docs: evcan(1), "The gateway document").
 * Nothing is opened. Relative file names are relative to the caller's
 * working directory.
 * @param path of the file; "-" is standard input
 * @return NULL with err: file:line:column, JSON path and what is right
 */
struct evcan_gateway *evcan_gateway_new(struct event_base *base,
    const char *path, struct evcan_error *err);

/** The same from text. @param name stands for the file in errors */
struct evcan_gateway *evcan_gateway_new_text(struct event_base *base,
    const char *text, size_t len, const char *name, struct evcan_error *err);

/** Releases it at once; see evcan_gateway_stop(). Legal in call-backs. */
void evcan_gateway_free(struct evcan_gateway *gateway);

/**
 * Only the buses, before evcan_gateway_start(), for those who want to know
 * that all can be opened before any log is emptied: the device of some drivers
 * is asked in a thread, and once it refuses, a bus says EVCAN_STATE_STOPPED
 * and is tried again. Frames that come before the start pass bridges, and are
 * not recorded. evcan_gateway_stop() and evcan_gateway_free() close them, too.
 * @return as evcan_gateway_start(); 0 also if they were opened before
 */
int evcan_gateway_open(struct evcan_gateway *gateway,
    struct evcan_error *err);

/**
 * Opens buses, unless that was done, then the players' and last the loggers'
 * files (which empties those: nothing else can fail then), and starts tasks
 * and players. What fails here
 * leaves nothing open: the parts are gone, and the gateway can only be freed.
 * @return 0 or negative with err; EVCAN_ERR_STATE: a gateway starts once
 */
int evcan_gateway_start(struct evcan_gateway *gateway,
    struct evcan_error *err);

/** @param err NULL: everything flushed and closed; else the first failure */
typedef void (*evcan_gateway_cb)(struct evcan_gateway *gateway,
    const struct evcan_error *err, void *arg);

/**
 * Stops tasks and players, waits until what they sent has passed bridges and loggers,
 * writes and syncs the logs, sends what buses have queued, closes all; then
 * calls cb (may be NULL) once, never from inside. err tells the first failure
 * and how many frames were left. A part that takes nothing any more is given
 * up after its close_timeout.
 * @return 0; EVCAN_ERR_STATE: stopping already; EVCAN_ERR_NOMEM
 */
int evcan_gateway_stop(struct evcan_gateway *gateway, evcan_gateway_cb cb,
    void *arg);

/** Called when all players (if there are any) are done; one that plays for
 *  ever never is. err: the first that ended by a failure. */
void evcan_gateway_set_played_cb(struct evcan_gateway *gateway,
    evcan_gateway_cb cb, void *arg);

/**
 * Called for events that people want to see.
 * @param what "opened", "closed", "state", "gap", "error", "logger"
 * @param text one line for people, valid during the call
 */
typedef void (*evcan_gateway_event_cb)(struct evcan_gateway *gateway,
    const char *what, const char *text, void *arg);
void evcan_gateway_set_event_cb(struct evcan_gateway *gateway,
    evcan_gateway_event_cb cb, void *arg);

/** Closes and opens log files by their names again (SIGHUP). */
void evcan_gateway_reopen_logs(struct evcan_gateway *gateway);

/** Its parts, the i-th in the document's order, or NULL past the end. A
 *  bridge of both ways counts as two. Loggers and players are there once it
 *  is started. Borrowed. */
struct evcan_bus *evcan_gateway_bus(struct evcan_gateway *gateway, size_t i);
struct evcan_bus *evcan_gateway_bus_named(struct evcan_gateway *gateway,
    const char *name);
struct evcan_log_writer *evcan_gateway_logger(struct evcan_gateway *gateway,
    size_t i);
struct evcan_bridge *evcan_gateway_bridge(struct evcan_gateway *gateway,
    size_t i);
struct evcan_cyclic *evcan_gateway_cyclic(struct evcan_gateway *gateway,
    size_t i);
struct evcan_player *evcan_gateway_player(struct evcan_gateway *gateway,
    size_t i);
struct evcan_notifier *evcan_gateway_notifier(struct evcan_gateway *gateway);

/** Sums over all parts. */
struct evcan_gateway_totals {
	uint64_t received;   /**< by buses */
	uint64_t sent;       /**< by buses */
	uint64_t replayed;   /**< sent by players */
	uint64_t cyclic;     /**< sent by tasks, as far as devices tell */
	uint64_t bridged;    /**< by bridges */
	uint64_t recorded;   /**< written by loggers */
	/**
	 * Everything that went missing, anywhere, each frame counted where it
	 * did: buses' lost_kernel, lost_queue, lost_device and send_failed;
	 * bridges' looped, refused and dropped; players' refused; tasks'
	 * failed; loggers'
	 * frames not taken, unfit for the format, or left when closed. What a
	 * bus refused (send_refused) is its sender's to count or to wait with.
	 */
	uint64_t lost;
};
void evcan_gateway_get_totals(struct evcan_gateway *gateway,
    struct evcan_gateway_totals *totals);

#ifdef __cplusplus
}
#endif
#endif

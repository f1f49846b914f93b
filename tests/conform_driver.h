/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_driver.h - what the files of the driver conformance suite share */
#ifndef TESTS_CONFORM_DRIVER_H
#define TESTS_CONFORM_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/bus.h>
#include <evcan/channel.h>
#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/filter.h>
#include <evcan/frame.h>
#include <evcan/options.h>

#define MS 1000000
#define SOON 5000      /* ms; an emulated machine may be slow */

/* What the command line says. */
extern const char *conform_a, *conform_b;
extern bool conform_fd, conform_later, conform_dlc_8, conform_no_esi;
extern bool conform_paced;
extern const struct evcan_driver *conform_driver;

void conform_sleep(int ms);
/* A bus of a spec string, with more options (",name=value"). */
struct evcan_bus *conform_make(struct event_base *base, const char *spec,
    const char *extra);
struct evcan_bus *conform_open(struct event_base *base, const char *spec,
    const char *extra);
/* Runs the loop until a bus whose opening ends later is open. */
void conform_wait_open(struct evcan_bus *bus);
struct evcan_frame conform_frame(uint32_t id, unsigned flags,
    const void *data, size_t len);
/* A frame that holds a number, and the number in it. */
struct evcan_frame conform_numbered(uint32_t number);
uint32_t conform_number(const struct evcan_frame *frame);
/* Error frames are the bus's own affair, and may come at any time. */
bool conform_is_error(const struct evcan_frame *frame);
/* One frame that is not an error frame, within the time. */
bool conform_next(struct evcan_bus *bus, struct evcan_frame *frame,
    int timeout_ms);
void conform_send(struct evcan_bus *bus, const struct evcan_frame *frame);
void conform_same(const struct evcan_frame *got,
    const struct evcan_frame *sent);
/* The next frame must be this one. */
void conform_received(struct evcan_bus *to, const struct evcan_frame *sent);
/* How long a frame may be on its way, in ms. */
int conform_settle_ms(void);
/* Lets frames that are still on their way go by. */
void conform_quiet(struct evcan_bus *bus);

/* conform_driver_filters.c */
void conform_filters_are_exact(void **state);
void conform_many_filters_work(void **state);

/* conform_driver_loop.c */
void conform_a_loop_calls_back(void **state);
void conform_freed_in_frame_callback(void **state);
void conform_freed_in_event_callback(void **state);
void conform_outcomes_are_told_once(void **state);
void conform_freed_in_outcome_callback(void **state);
void conform_full_queue_waits(void **state);
void conform_peer_may_vanish(void **state);
void conform_own_messages_are_an_option(void **state);

#endif

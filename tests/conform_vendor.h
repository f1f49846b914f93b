/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_vendor.h - what the files of the vendors' suite share */
#ifndef TESTS_CONFORM_VENDOR_H
#define TESTS_CONFORM_VENDOR_H

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

#include <evcan/driver.h>
#include <evcan/evcan.h>

#include "vendor.h"

#define MS ((int64_t)1000000)
#define LIMIT_MS 20000  /* the machine may be very busy */

/* What the command line says. */
struct conform_row {
	const char *a, *b;       /* specs of two devices that hear each other */
	const char *open, *read, *write, *close;   /* the vendor's calls */
	long open_code;          /* what a failing open gives, */
	const char *open_name;   /* and what the vendor calls that */
	const char *queue;       /* NAME=N: a switch that makes the queue small */
	const char *too_old;     /* NAME=N: a switch for another version, */
	bool any_version;        /* or: the library says none, or any does */
	int flood;               /* frames that are more than the queue holds */
	bool no_passive;         /* it says warning instead */
	bool no_errors, no_overflow;
	bool no_send_errors;     /* it takes frames that get nowhere */
	bool opens_in_turn;      /* one that hangs holds up the others' */
	bool closes_in_turn;
};
extern struct conform_row row;
extern const struct evcan_driver *driver;
/* The double's. */
extern void (*control)(const char *command);
extern long (*calls)(const char *name);

/* When something is done from inside, besides the events. */
enum { ON_FRAME = EVCAN_BUS_WRITABLE + 1, ON_OUTCOME, ON_NOTHING };

/* A bus, and what it told. */
struct told {
	struct evcan_bus *bus;
	uint32_t id;                     /* of what it sends */
	int events[EVCAN_BUS_WRITABLE + 1];
	enum evcan_bus_state states[16];
	int n_states;
	struct evcan_error error;        /* the last */
	uint32_t sent, frames;           /* frames seen */
	uint32_t next;                   /* the number that is due */
	uint32_t frames_at_error, missing;
	uint64_t lost;
	bool disordered, silent;         /* some were missing, and none told */
	int n_errors;                    /* error frames; the last: */
	struct evcan_frame error_frame;
	int outcomes, failed;            /* failed: with the last result */
	int result;
	int act_on, acts;                /* what is done then, and how often */
	bool act_frees;
};

/* "NAME=N" of the command line. */
void set_switch(const char *text);
void control_with(const char *verb, const char *text);
void control_channel(const char *verb, const char *more);

/* Each test has its loop, and room for some buses, that are freed behind
 * it. Its end also checks that no thread and no fd are left. */
extern struct event_base *base;
struct told *watch(struct event_base *loop, const char *spec,
    const char *extra);
struct told *watch_open(const char *spec, const char *extra);
void put_away(struct told *told);
/* One without a loop, that nobody watches. */
struct evcan_bus *make_other(const char *spec);
void end_other(struct evcan_bus *bus);
struct evcan_frame numbered(const struct told *by, uint32_t number);
/* Sends frames from `from` to `to`, as there is room. */
void send_all(struct told *by, uint32_t from, uint32_t to);
void send_cb(struct told *by, uint32_t number);
/* Until all is out of the thread's hands. */
void await_sent(const struct told *by);
/* Its thread sleeps in a write from now on. */
void hang_in_write(struct told *by);
/* Frames get through in both directions. */
void works(struct told *a, struct told *b);
void run_for(int ms);
void nap(int ms);

#define await_on(loop, condition) do { \
	int64_t end_ = evcan_now_monotonic() + LIMIT_MS * MS; \
	while (!(condition)) { \
		event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK); \
		if (evcan_now_monotonic() > end_) \
			fail_msg("never: %s", #condition); \
		nap(0); \
	} \
} while (0)
#define await(condition) await_on(base, condition)

/* conform_vendor_gone.c */
void unplugged_before_opening(void **state);
void unplugged_when_idle(void **state);
void unplugged_while_receiving(void **state);
void unplugged_while_sending(void **state);
void unplugged_while_both(void **state);
void plugged_in_again_at_once(void **state);
void queued_sends_fail(void **state);
void nothing_received_is_lost(void **state);

/* conform_vendor_hang.c */
void read_hangs(void **state);
void write_hangs(void **state);
void open_hangs(void **state);
void open_hangs_without_loop(void **state);
void close_hangs(void **state);
void closed_while_it_hangs(void **state);

/* conform_vendor_send.c */
void sends_do_not_wait_for_reads(void **state);
void flushed_sends_do_not_go_out(void **state);
void closing_sends_what_it_took(void **state);
void bursts_do_not_wait_for_more(void **state);
void mode_changes_while_open(void **state);
void tasks_are_made_before_it_is_open(void **state);

/* conform_vendor_state.c */
void passive_is_told_once(void **state);
void bus_off_is_told_and_left(void **state);
void overflow_is_a_gap_in_its_place(void **state);
void error_frames_pass_filters(void **state);
void two_buses_on_a_loop(void **state);
void two_loops_in_two_threads(void **state);

#endif

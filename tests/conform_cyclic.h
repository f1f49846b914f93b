/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_cyclic.h - what the files of the suite of periodic work share */
#ifndef TESTS_CONFORM_CYCLIC_H
#define TESTS_CONFORM_CYCLIC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/bus.h>
#include <evcan/cyclic.h>
#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/frame.h>

#define MS 1000000LL
#define SOON 20000         /* ms; an emulated machine is slow */
#define EQUAL (EVCAN_EQUAL_ANY_CHANNEL | EVCAN_EQUAL_ANY_DIRECTION)

struct conform_seen {
	struct evcan_frame frame;
	int64_t at_ns;         /* CLOCK_MONOTONIC, when it was delivered */
};

struct conform {
	/* What the command line says */
	const char *spec_a, *spec_b;
	bool fd, paced;
	bool virtual;          /* no machine is emulated */
	bool has_device;       /* A's can send by itself */
	enum evcan_offload offload;
	/* Of one test: A sends, B counts */
	struct event_base *base;
	struct evcan_bus *a, *b;
	struct conform_seen *seen;
	size_t n_seen, size_seen;
	size_t wanted;         /* frames to stop the loop at */
	size_t ended;          /* tasks that told their end */
	int64_t before_ns;     /* just before the last start */
};
extern struct conform cy;

void conform_run(int64_t ms);
/* Runs until so many frames were seen. */
void conform_see(size_t n);
/* Nothing more comes, for some periods. */
void conform_quiet(void);
struct evcan_bus *conform_open(struct event_base *base, const char *spec);

/* A period that all can keep. */
int64_t conform_period(void);
/* Of that period. */
struct evcan_cyclic_config conform_config(uint64_t count);
struct evcan_cyclic *conform_make(const struct evcan_frame *frames, size_t n,
    const struct evcan_cyclic_config *config);
void conform_start(struct evcan_cyclic *task);
/* A task with one such frame, started. */
struct evcan_cyclic *conform_start_one(uint32_t id, uint32_t version,
    int64_t period_ns, uint64_t count);
struct evcan_cyclic_stats conform_stats(const struct evcan_cyclic *task);

/* A stopped task knows how many it sent. A device is asked before it is told
 * to stop, and may send some in between. */
void conform_sent(const struct evcan_cyclic *task, size_t n);

/* A frame all of whose data are made of one number, and the number; all
 * bytes must say the same. */
struct evcan_frame conform_versioned(uint32_t id, uint32_t version);
uint32_t conform_version(const struct evcan_frame *frame);

/* When the i-th frame was on the bus, by CLOCK_MONOTONIC. */
int64_t conform_stamp(size_t i);
/* It was not early, and not late beyond reason. */
void conform_point(size_t i, int64_t at_ns, int64_t point_ns);
/* Frames from `first` on began at before_ns, this far apart. */
void conform_grid(size_t first, int64_t period_ns);
void conform_refused(int code, const char *words,
    const struct evcan_error *err, int wanted_code);

/* conform_cyclic_tasks.c */
void conform_a_count_is_exact(void **state);
void conform_a_duration_is_rounded_up(void **state);
void conform_the_smaller_limit_counts(void **state);
void conform_frames_come_in_turn(void **state);
void conform_two_rates(void **state);
void conform_a_phase_comes_first(void **state);
void conform_stopped_and_started_again(void **state);
void conform_several_of_one_identifier(void **state);
void conform_all_are_stopped(void **state);
void conform_a_closed_bus_sends_nothing(void **state);
void conform_all_kinds_of_frames(void **state);
void conform_a_bus_without_a_loop(void **state);
void conform_too_many_frames_for_a_device(void **state);
void conform_who_sends_is_told(void **state);
void conform_wrong_requests_are_refused(void **state);

/* conform_cyclic_modify.c */
void conform_modified_data_keep_the_grid(void **state);
void conform_modified_sequences_keep_the_turn(void **state);
void conform_modified_while_stopped(void **state);
void conform_many_modifications(void **state);

/* conform_cyclic_watch.c */
void conform_changes_are_told(void **state);
void conform_each_frame_is_told(void **state);
void conform_lengths_are_told(void **state);
void conform_a_throttle_keeps_the_newest(void **state);
void conform_silence_is_told_once(void **state);
void conform_silence_from_the_start(void **state);
void conform_other_frames_do_not_count(void **state);
void conform_subscriptions_of_one_identifier(void **state);
void conform_freed_in_its_callback(void **state);

/* conform_cyclic_vm.c */
void conform_a_step_of_the_clock_changes_nothing(void **state);
void conform_a_link_goes_down_and_up(void **state);
void conform_a_link_vanishes_and_comes_back(void **state);

#endif

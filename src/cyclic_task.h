/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic_task.h - struct evcan_cyclic, shared by cyclic*.c */
#ifndef EVCAN_CYCLIC_TASK_H
#define EVCAN_CYCLIC_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/cyclic.h>
#include <evcan/frame.h>

#include "bus_internal.h"
#include "clock.h"
#include "cyclic_grid.h"
#include "lateness.h"

struct evcan_error;

/* Timers are not cancelled but set so far away while their place in the
 * clock is needed again, so that setting them cannot fail then. */
#define EVCAN_CYCLIC_FAR_ (INT64_MAX / 2)

/* The kinds of frames that no task mixes. */
#define EVCAN_CYCLIC_KIND_ (EVCAN_FRAME_EXT | EVCAN_FRAME_RTR | \
    EVCAN_FRAME_ERR | EVCAN_FRAME_FD | EVCAN_FRAME_OVERLOAD)

/* A task may be in one such list: of those that wait for room, or of those
 * whose end is to be told. */
struct evcan_cyclic_list_ {
	struct evcan_cyclic *first, **end;
};

struct evcan_cyclic {
	struct evcan_lateness_ lateness;   /* counts what was sent here */
	struct evcan_cyclic_config config;
	uint64_t skipped, failed;
	uint64_t device_sent;           /* before what it sends now */
	uint64_t device_points;         /* handed over */
	evcan_cyclic_cb cb;
	void *cb_arg;
	struct evcan_cyclic *next, *prev;         /* of the bus */
	struct evcan_cyclic_list_ *list;
	struct evcan_cyclic *list_next, **list_at;
	uint32_t device_number;
	unsigned spread;                /* of those that spread, from 0 */
	unsigned holds;                 /* call-backs that it is in */
	bool running, freed;
	bool device_done;               /* it sent its last */
	bool sent_unknown;              /* a device did not tell */

	/* What each send needs lies together: with thousands of tasks a cache
	 * line costs more than the work on it. */
	struct evcan_timer_ timer;
	struct evcan_cyclics_ *all;     /* NULL once its bus was freed */
	struct evcan_grid_ grid;
	uint64_t number;                /* of the next send since the start */
	size_t n, turn;                 /* frames, and which comes next */
	unsigned run;                   /* changes at each start and end */
	unsigned batched;               /* its frames in the batch */
	bool plain;                     /* no modifiers, and it catches up */
	bool for_device;                /* it shall send as soon as it can */
	bool on_device;                 /* it sends */
	struct evcan_frame frames[];
};

struct evcan_batched_ {
	struct evcan_cyclic *task;      /* NULL: not to be sent any more */
	int64_t due_ns;
};

/* The tasks of a bus. */
struct evcan_cyclics_ {
	struct evcan_bus *bus;
	struct evcan_clock_ *clock;
	struct evcan_after_ after;      /* sends the batch */
	struct evcan_waiter_ waiter;    /* for room in the transmit queue */
	struct evcan_cyclic *first, *last;
	struct evcan_cyclic *seen;      /* the one asked for last, and */
	size_t seen_at;                 /* its place */
	struct evcan_cyclic_list_ blocked, through;
	size_t refs;                    /* its bus's, and call-backs' */
	bool dead;                      /* the bus was freed */
	bool flushing;
	bool serving;                   /* those that waited for room */
	uint32_t number;                /* last one given to the device */
	unsigned spread;                /* tasks that spread themselves */
	size_t sent, n;                 /* of the batch: done, in it */
	struct evcan_batched_ entries[EVCAN_BATCH];
	struct evcan_frame batch[EVCAN_BATCH];
};

/* cyclic.c */
/* Ends a task, without a call-back. */
void evcan_cyclic_halt_(struct evcan_cyclic *task);
/* Tells about it; the caller holds what it needs afterwards. */
void evcan_cyclic_tell_(struct evcan_cyclic *task,
    const struct evcan_error *err);
void evcan_cyclic_hold_(struct evcan_cyclic *task);
void evcan_cyclic_drop_(struct evcan_cyclic *task);
void evcan_cyclics_drop_(struct evcan_cyclics_ *all);
void evcan_cyclic_enlist_(struct evcan_cyclic_list_ *list,
    struct evcan_cyclic *task);
void evcan_cyclic_unlist_(struct evcan_cyclic *task);
/* Sets its timer, which is set or in its call-back, to its next point. */
void evcan_cyclic_set_(struct evcan_cyclic *task, int64_t due_ns);

/* cyclic_check.c: 0 or a negative code with err. */
int evcan_cyclic_check_config_(const struct evcan_bus *bus,
    const struct evcan_cyclic_config *config, struct evcan_error *err);
int evcan_cyclic_check_frames_(struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n,
    const struct evcan_cyclic_config *config, struct evcan_error *err);

/* cyclic_send.c */
/* The timer's and the clock's and the bus's call-backs. */
void evcan_cyclic_fire_(struct evcan_timer_ *timer, void *arg);
void evcan_cyclics_flush_(void *all);
void evcan_cyclics_writable_(struct evcan_bus *bus, void *all);
/* All waiting for room try again. */
void evcan_cyclics_unblock_(struct evcan_cyclics_ *all);
/* Frames of it that wait in the batch are not to be sent. */
void evcan_cyclic_unbatch_(struct evcan_cyclic *task);
/* What waits in the batch has failed: the device is gone. */
void evcan_cyclics_fail_batch_(struct evcan_cyclics_ *all);

/* cyclic_device.c */
/* Whether the device shall do it. @return false too if it cannot */
bool evcan_cyclic_for_device_(const struct evcan_cyclic *task);
/* Why it cannot, when it was insisted on. @return 0 or UNSUPPORTED */
int evcan_cyclic_check_device_(const struct evcan_bus *bus,
    const struct evcan_cyclic_config *config, struct evcan_error *err);
/* From its next point on. @return 0; its timer is far then */
int evcan_cyclic_hand_over_(struct evcan_cyclic *task,
    struct evcan_error *err);
/* New data for all its frames. */
int evcan_cyclic_modify_device_(struct evcan_cyclic *task,
    const struct evcan_frame *frames, struct evcan_error *err);
/* The device shall send no more. */
void evcan_cyclic_leave_device_(struct evcan_cyclic *task);
/* The device is gone: the grid goes on here. */
void evcan_cyclic_take_back_(struct evcan_cyclic *task);
/* With what it sent before. @return false when the device does not tell */
bool evcan_cyclic_device_sent_(const struct evcan_cyclic *task,
    uint64_t *sent);

#endif

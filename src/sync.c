/* SPDX-License-Identifier: BSD-3-Clause */
/* sync.c - when the frames of a log are due: python-can's MessageSync */
#include <evcan/sync.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/options.h>

#include "schedule.h"

struct sync_options {
	bool timestamps;
	double gap, skip, speed;
};

static const struct evcan_option rows[] = {
	{ .name = "timestamps", .type = EVCAN_OPTION_BOOL,
	  .fallback = "true",
	  .help = "in the log's own time; false: the frames `gap` apart",
	  .offset = offsetof(struct sync_options, timestamps) },
	{ .name = "gap", .type = EVCAN_OPTION_REAL, .fallback = "0.0001",
	  .min = 0, .max = 86400,
	  .help = "seconds between frames when their times are ignored",
	  .offset = offsetof(struct sync_options, gap) },
	{ .name = "skip", .type = EVCAN_OPTION_REAL, .fallback = "60",
	  .min = 0, .max = 31536000,
	  .help = "seconds; a longer wait is shortened to this, 0: never",
	  .offset = offsetof(struct sync_options, skip) },
	{ .name = "speed", .type = EVCAN_OPTION_REAL, .fallback = "1",
	  .min = 1e-6, .max = 1e6,
	  .help = "factor: 2 is twice as fast as recorded",
	  .offset = offsetof(struct sync_options, speed) },
	{ .name = NULL }
};

struct evcan_sync {
	struct evcan_schedule_rules_ rules;
	struct evcan_schedule_ schedule;
	bool interrupted;       /* the frame last asked for still waits */
};

static int
take_options(struct evcan_sync *sync, const struct evcan_options *options,
    struct evcan_error *err)
{
	const struct evcan_option *const lists[] = { rows };
	struct sync_options values = { 0 };
	int r = evcan_options_fill(options, rows, &values, err);

	if (r == 0)
		r = evcan_options_refuse_unknown(options, lists, 1, "sync",
		    err);
	if (r < 0)
		return r;
	evcan_schedule_rules_fill_(&sync->rules, !values.timestamps,
	    values.gap, values.skip, values.speed);
	return 0;
}

struct evcan_sync *
evcan_sync_new(const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_options *none = NULL;
	struct evcan_sync *sync = calloc(1, sizeof(*sync));
	int r = EVCAN_ERR_NOMEM;

	if (options == NULL)
		options = none = evcan_options_new();
	if (sync != NULL && options != NULL)
		r = take_options(sync, options, err);
	else
		evcan_error_set(err, r, 0, "out of memory for a sync");
	evcan_options_free(none);
	if (r == 0)
		return sync;
	free(sync);
	return NULL;
}

void
evcan_sync_free(struct evcan_sync *sync)
{
	free(sync);
}

void
evcan_sync_restart(struct evcan_sync *sync)
{
	memset(&sync->schedule, 0, sizeof(sync->schedule));
	sync->interrupted = false;
}

int64_t
evcan_sync_due(struct evcan_sync *sync, const struct evcan_frame *frame,
    int64_t now_ns)
{
	sync->interrupted = false;
	/* The first, too, comes a gap after what was before. */
	if (sync->rules.ignore_timestamps && sync->schedule.due_ns == 0)
		sync->schedule.due_ns = now_ns;
	return evcan_schedule_next_(&sync->schedule, &sync->rules, frame,
	    now_ns);
}

int
evcan_sync_wait(struct evcan_sync *sync, const struct evcan_frame *frame)
{
	int64_t due = sync->interrupted ? sync->schedule.due_ns :
	    evcan_sync_due(sync, frame, evcan_now_monotonic());
	struct timespec until;
	int r;

	until.tv_sec = (time_t)(due / 1000000000);
	until.tv_nsec = (long)(due % 1000000000);
	r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	sync->interrupted = r != 0;
	return r == 0 ? 0 : EVCAN_ERR_OPERATION;
}

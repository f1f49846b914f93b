/* SPDX-License-Identifier: BSD-3-Clause */
/* player_options.c - what a player can be told */
#include "player_internal.h"

#include <evcan/error.h>
#include <evcan/options.h>

#define AT(member) .offset = offsetof(struct evcan_player_options_, member)
/* Longer than any log. */
#define LONG_TIME 1e9

static const struct evcan_option rows[] = {
	{ .name = "ignore_timestamps", .type = EVCAN_OPTION_BOOL,
	  .fallback = "false",
	  .help = "send the frames `gap` apart, whatever their times",
	  AT(ignore_timestamps) },
	{ .name = "gap", .type = EVCAN_OPTION_REAL, .fallback = "0.0001",
	  .min = 0, .max = 86400,
	  .help = "seconds between frames when their times are ignored",
	  AT(gap) },
	{ .name = "skip", .type = EVCAN_OPTION_REAL, .fallback = "86400",
	  .min = 0, .max = 31536000,
	  .help = "seconds; a longer pause is shortened to this, 0: never",
	  AT(skip) },
	{ .name = "error_frames", .type = EVCAN_OPTION_BOOL,
	  .fallback = "false", .help = "send error frames too",
	  AT(error_frames) },
	{ .name = "loop", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 0, .max = 1e15,
	  .help = "times to play the log, 0: for ever",
	  AT(loop) },
	{ .name = "speed", .type = EVCAN_OPTION_REAL, .fallback = "1",
	  .min = 1e-6, .max = 1e6,
	  .help = "factor: 2 plays twice as fast as recorded",
	  AT(speed) },
	{ .name = "from", .type = EVCAN_OPTION_REAL, .fallback = "0",
	  .min = 0, .max = LONG_TIME,
	  .help = "seconds since the log's start; what is before is left out",
	  AT(from) },
	{ .name = "until", .type = EVCAN_OPTION_REAL, .fallback = "0",
	  .min = 0, .max = LONG_TIME,
	  .help = "seconds since the log's start; what comes then, or later, "
	      "is left out, 0: nothing",
	  AT(until) },
	{ .name = "align", .type = EVCAN_OPTION_CHOICE, .fallback = "time",
	  .choices = "time start",
	  .help = "several logs: by their dates, or all from their starts",
	  AT(align) },
	{ .name = "paused", .type = EVCAN_OPTION_BOOL, .fallback = "false",
	  .help = "wait to be resumed, before the first frame",
	  AT(paused) },
	{ .name = NULL }
};

const struct evcan_option *
evcan_player_options(void)
{
	return rows;
}

static int
set_window(struct evcan_player *player, struct evcan_error *err)
{
	const struct evcan_player_options_ *o = &player->options;

	/* Times may lie before the first frame's. */
	player->from_ns = o->from > 0 ? evcan_schedule_ns_(o->from) :
	    INT64_MIN;
	player->until_ns = o->until > 0 ? evcan_schedule_ns_(o->until) :
	    INT64_MAX;
	if (player->until_ns > player->from_ns)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "option until: %g s is not behind from, %g s: nothing would be "
	    "played", o->until, o->from);
}

int
evcan_player_take_options_(struct evcan_player *player,
    struct evcan_options *options, struct evcan_error *err)
{
	const struct evcan_player_options_ *o = &player->options;
	int r = evcan_options_fill(options, rows, &player->options, err);

	for (size_t i = 0; rows[i].name != NULL; i++)
		evcan_options_unset(options, rows[i].name);
	if (r < 0)
		return r;
	evcan_schedule_rules_fill_(&player->rules, o->ignore_timestamps,
	    o->gap, o->skip, o->speed);
	return set_window(player, err);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* player.c - logs' frames in their own time */
#include "player_internal.h"

#include <stdlib.h>
#include <string.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/filter.h>
#include <evcan/log.h>
#include <evcan/options.h>

/* Making */

static void
on_timer(struct evcan_timer_ *timer, void *arg)
{
	(void)timer;
	evcan_player_run_(arg);
}

static int
no_memory(struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "no memory or file descriptor for a player");
}

static int
take_options(struct evcan_player *player, const struct evcan_options *options,
    struct evcan_error *err)
{
	player->reader_options = options != NULL ?
	    evcan_options_copy(options) : evcan_options_new();
	if (player->reader_options == NULL)
		return no_memory(err);
	return evcan_player_take_options_(player, player->reader_options,
	    err);
}

static int
init(struct evcan_player *player, struct evcan_bus *to, const char *path,
    const struct evcan_options *options, struct evcan_error *err)
{
	int r = take_options(player, options, err);

	if (r < 0)
		return r;
	player->clock = evcan_clock_get_(evcan_bus_base(to));
	if (player->clock == NULL || evcan_player_target_(player, to) < 0)
		return no_memory(err);
	player->fallback = EVCAN_ROUTE_TARGET_;
	evcan_timer_init_(&player->timer, player->clock, on_timer, player);
	return evcan_player_source_new_(player, path, player->reader_options,
	    err);
}

struct evcan_player *
evcan_player_new(struct evcan_bus *to, const char *path,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_player *player;

	evcan_error_clear(err);
	if (evcan_bus_base(to) == NULL) {
		evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a player needs a bus with an event_base: %s has none",
		    evcan_bus_name(to));
		return NULL;
	}
	player = calloc(1, sizeof(*player));
	if (player == NULL) {
		no_memory(err);
		return NULL;
	}
	if (init(player, to, path, options, err) == 0)
		return player;
	player->freed = true;
	evcan_player_release_(player);
	return NULL;
}

void
evcan_player_free(struct evcan_player *player)
{
	if (player == NULL)
		return;
	evcan_player_halt_(player);
	player->freed = true;
	evcan_player_release_(player);
}

int
evcan_player_add_file(struct evcan_player *player, const char *path,
    const struct evcan_options *options, struct evcan_error *err)
{
	evcan_error_clear(err);
	if (player->playing)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "no log can be added to a player while it plays: %.300s",
		    path);
	return evcan_player_source_new_(player, path, options != NULL ?
	    options : player->reader_options, err);
}

int
evcan_player_set_filters(struct evcan_player *player,
    const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join, struct evcan_error *err)
{
	struct evcan_filters *compiled = NULL;
	struct evcan_error why = { 0 };

	if (n > 0) {
		compiled = evcan_filters_new(filters, n, join, &why);
		if (compiled == NULL) {
			if (err != NULL)
				*err = why;
			return why.code;
		}
	}
	evcan_filters_free(player->filters);
	player->filters = compiled;
	return 0;
}

void
evcan_player_set_monitor(struct evcan_player *player,
    struct evcan_listener *listener)
{
	player->monitor = listener;
}

/* Playing */

int
evcan_player_start(struct evcan_player *player, evcan_player_done_cb cb,
    void *arg)
{
	int r;

	if (player->playing)
		return EVCAN_ERR_STATE;
	r = evcan_player_sources_start_(player);
	if (r < 0)
		return r;
	memset(&player->schedule, 0, sizeof(player->schedule));
	memset(&player->lateness, 0, sizeof(player->lateness));
	player->round_sent = 0;
	player->sent_due_ns = player->sent_log_ns = 0;
	player->paused = player->options.paused;
	player->paused_ns = evcan_now_monotonic();
	player->steps = 0;
	player->done_cb = cb;
	player->done_arg = arg;
	player->playing = true;
	player->play++;
	evcan_player_kick_(player);
	return 0;
}

void
evcan_player_stop(struct evcan_player *player)
{
	evcan_player_halt_(player);
}

bool
evcan_player_playing(const struct evcan_player *player)
{
	return player->playing;
}

void
evcan_player_pause(struct evcan_player *player)
{
	if (!player->playing || player->paused)
		return;
	player->paused_ns = evcan_now_monotonic();
	player->paused = true;
	player->steps = 0;
	evcan_timer_cancel_(&player->timer);
	for (size_t i = 0; i < player->n_targets; i++)
		evcan_bus_unwait_writable_(player->targets[i].bus,
		    &player->targets[i].waiter);
}

void
evcan_player_resume(struct evcan_player *player)
{
	int64_t stood;

	if (!player->playing || !player->paused)
		return;
	stood = evcan_now_monotonic() - player->paused_ns;
	player->paused = false;
	player->steps = 0;
	evcan_schedule_shift_(&player->schedule, stood);
	if (player->sent_due_ns != 0)
		player->sent_due_ns += stood;
	for (int i = 0; i < player->count; i++)
		player->pending[player->head + i].due_ns += stood;
	evcan_player_kick_(player);
}

bool
evcan_player_paused(const struct evcan_player *player)
{
	return player->playing && player->paused;
}

int
evcan_player_step(struct evcan_player *player, size_t n)
{
	if (!player->playing)
		return EVCAN_ERR_STATE;
	evcan_player_pause(player);
	player->steps = n < SIZE_MAX - player->steps ? player->steps + n :
	    SIZE_MAX;
	evcan_player_kick_(player);
	return 0;
}

/* Where it is now goes on from there, at the new speed. */
static void
change_speed(struct evcan_player *player, double speed)
{
	int64_t now = evcan_player_now_(player);
	double factor = player->rules.speed / speed;

	if (player->sent_due_ns != 0) {
		player->sent_log_ns = evcan_schedule_sum_(player->start_ns,
		    evcan_player_position(player));
		if (player->sent_due_ns < now)
			player->sent_due_ns = now;
	}
	evcan_schedule_set_speed_(&player->schedule, &player->rules, speed,
	    now);
	for (int i = 0; i < player->count; i++) {
		struct evcan_pending_ *pending =
		    &player->pending[player->head + i];

		pending->due_ns = evcan_schedule_rescaled_(pending->due_ns,
		    now, factor);
	}
}

int
evcan_player_set_speed(struct evcan_player *player, double speed)
{
	if (!(speed >= 1e-6 && speed <= 1e6))
		return EVCAN_ERR_INVALID;
	if (!player->playing || player->rules.ignore_timestamps) {
		player->rules.speed = speed;
		return 0;
	}
	change_speed(player, speed);
	if (!player->paused)
		evcan_player_kick_(player);
	return 0;
}

double
evcan_player_get_speed(const struct evcan_player *player)
{
	return player->rules.speed;
}

/* Between the last frame and the next. */
int64_t
evcan_player_position(const struct evcan_player *player)
{
	const struct evcan_pending_ *next = &player->pending[player->head];
	double since;
	int64_t log_ns = player->sent_log_ns, pause;

	if (player->sent_due_ns == 0)
		return 0;
	if (player->count > 0 && !player->rules.ignore_timestamps) {
		pause = evcan_schedule_difference_(next->log_ns, log_ns);
		since = (double)(evcan_player_now_(player) -
		    player->sent_due_ns) * player->rules.speed;
		if (pause > 0 && since > 0)
			log_ns += since < (double)pause ? (int64_t)since :
			    pause;
	}
	return evcan_schedule_difference_(log_ns, player->start_ns);
}

void
evcan_player_get_stats(const struct evcan_player *player,
    struct evcan_player_stats *stats)
{
	const struct evcan_lateness_ *lateness = &player->lateness;

	*stats = player->stats;
	stats->late = lateness->late;
	stats->worst_late_ns = lateness->worst_ns;
	stats->p50_late_ns = evcan_lateness_part_(lateness, 0.5);
	stats->p99_late_ns = evcan_lateness_part_(lateness, 0.99);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* player_source.c - a player's logs, merged by time */
#include "player_internal.h"

#include <stdlib.h>

#include <event2/event.h>

#include <evcan/error.h>
#include <evcan/log.h>

#include "read_ahead.h"

/* Making */

static void
on_more(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_source_ *source = arg;

	(void)fd;
	(void)what;
	evcan_read_ahead_woken_(source->ahead);
	evcan_player_run_(source->player);
}

static void
source_free(struct evcan_source_ *source)
{
	if (source->more != NULL)
		event_free(source->more);
	evcan_read_ahead_free_(source->ahead);
	free(source);
}

void
evcan_player_sources_free_(struct evcan_player *player)
{
	for (size_t i = 0; i < player->n_sources; i++)
		source_free(player->sources[i]);
	free(player->sources);
}

static int
open_log(struct evcan_source_ *source, const char *path,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_error why = { 0 };
	struct evcan_log_reader *reader = evcan_log_reader_new(path, options,
	    &why);
	int r;

	if (reader == NULL) {
		if (err != NULL)
			*err = why;
		return why.code;
	}
	r = evcan_read_ahead_new_(&source->ahead, reader, err);
	if (r < 0)
		evcan_log_reader_free(reader);
	return r;
}

static int
no_memory(struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "no memory or file descriptor for a player");
}

static int
add_source(struct evcan_player *player, struct evcan_source_ *source,
    struct evcan_error *err)
{
	struct evcan_source_ **sources = realloc(player->sources,
	    (player->n_sources + 1) * sizeof(struct evcan_source_ *));

	if (sources == NULL)
		return no_memory(err);
	player->sources = sources;
	source->more = event_new(evcan_bus_base(player->targets[0].bus),
	    evcan_read_ahead_fd_(source->ahead), EV_READ | EV_PERSIST,
	    on_more, source);
	if (source->more == NULL)
		return no_memory(err);
	sources[player->n_sources++] = source;
	return 0;
}

int
evcan_player_source_new_(struct evcan_player *player, const char *path,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_source_ *source = calloc(1, sizeof(*source));
	int r;

	if (source == NULL)
		return no_memory(err);
	source->player = player;
	r = open_log(source, path, options, err);
	if (r == 0)
		r = add_source(player, source, err);
	if (r < 0)
		source_free(source);
	return r;
}

/* Starting */

static void
reset(struct evcan_source_ *source)
{
	source->state = EVCAN_SOURCE_LATER_;
	source->n = source->used = 0;
	source->last_ns = source->player->start_ns;
}

static int
source_start(struct evcan_source_ *source, uint64_t rounds)
{
	reset(source);
	source->placed = false;
	if (event_add(source->more, NULL) < 0)
		return EVCAN_ERR_NOMEM;
	return evcan_read_ahead_start_(source->ahead, rounds, NULL);
}

int
evcan_player_sources_start_(struct evcan_player *player)
{
	int r = 0;

	player->failed = NULL;
	player->placed = player->cut = player->over = false;
	player->start_ns = 0;
	player->round = 0;
	for (size_t i = 0; r == 0 && i < player->n_sources; i++)
		r = source_start(player->sources[i],
		    (uint64_t)player->options.loop);
	if (r < 0)
		evcan_player_sources_stop_(player);
	return r;
}

void
evcan_player_sources_stop_(struct evcan_player *player)
{
	for (size_t i = 0; i < player->n_sources; i++) {
		event_del(player->sources[i]->more);
		evcan_read_ahead_stop_(player->sources[i]->ahead);
	}
}

/* One time for all of them */

/* The first of the frames peeked that tells a time. */
static const struct evcan_frame *
first_timed(const struct evcan_source_ *source)
{
	if (source->state != EVCAN_SOURCE_READY_)
		return NULL;
	for (int i = source->used; i < source->n; i++) {
		if (source->frames[i].clock != EVCAN_CLOCK_NONE)
			return &source->frames[i];
	}
	return NULL;
}

static bool
is_dated(const struct evcan_frame *frame)
{
	return frame->clock != EVCAN_CLOCK_RELATIVE;
}

/* Where the merged log starts: with the earliest frame that has a date, or,
 * when none has one, with the earliest of all. */
static int64_t
earliest(const struct evcan_player *player)
{
	const struct evcan_frame *best = NULL;

	for (size_t i = 0; i < player->n_sources; i++) {
		const struct evcan_frame *frame =
		    first_timed(player->sources[i]);

		if (frame == NULL)
			continue;
		if (best == NULL || is_dated(frame) > is_dated(best) ||
		    (is_dated(frame) == is_dated(best) &&
		    frame->time_ns < best->time_ns))
			best = frame;
	}
	return best != NULL ? best->time_ns : 0;
}

/* Each source has shown its first frames by now. One whose times come only
 * later is placed then. */
static void
place(struct evcan_player *player)
{
	player->start_ns = earliest(player);
	for (size_t i = 0; i < player->n_sources; i++) {
		struct evcan_source_ *source = player->sources[i];
		const struct evcan_frame *frame = first_timed(source);

		source->last_ns = player->start_ns;
		if (frame == NULL)
			continue;
		source->placed = true;
		source->shift_ns = is_dated(frame) &&
		    player->options.align == EVCAN_ALIGN_TIME_ ? 0 :
		    evcan_schedule_difference_(player->start_ns,
		    frame->time_ns);
	}
	player->placed = true;
}

static int64_t
merged_time(struct evcan_source_ *source, const struct evcan_frame *frame)
{
	if (frame->clock == EVCAN_CLOCK_NONE)
		return source->last_ns;
	if (!source->placed) {
		source->placed = true;
		source->shift_ns = evcan_schedule_difference_(
		    source->last_ns, frame->time_ns);
	}
	return evcan_schedule_sum_(frame->time_ns, source->shift_ns);
}

/* Merging */

static void
look(struct evcan_source_ *source)
{
	int n;

	if (source->state >= EVCAN_SOURCE_ROUND_ || source->used < source->n)
		return;
	if (source->n > 0)
		evcan_read_ahead_drop_(source->ahead, source->n);
	source->used = source->n = 0;
	n = evcan_read_ahead_peek_(source->ahead, &source->frames,
	    EVCAN_BATCH);
	source->state = n > 0 ? EVCAN_SOURCE_READY_ :
	    n == EVCAN_AHEAD_ROUND_ ? EVCAN_SOURCE_ROUND_ :
	    n == EVCAN_AHEAD_END_ ? EVCAN_SOURCE_END_ : EVCAN_SOURCE_LATER_;
	if (n > 0)
		source->n = n;
}

/* One that has nothing yet holds all: its next frame may come first. */
static enum evcan_source_state_
look_at_all(struct evcan_player *player)
{
	size_t counts[4] = { 0 };

	for (size_t i = 0; i < player->n_sources; i++) {
		struct evcan_source_ *source = player->sources[i];

		look(source);
		counts[source->state]++;
		if (source->state == EVCAN_SOURCE_END_ &&
		    evcan_read_ahead_error_(source->ahead) != NULL) {
			player->failed = source;
			return EVCAN_SOURCE_END_;
		}
	}
	for (int state = 0; state < EVCAN_SOURCE_END_; state++) {
		if (counts[state] > 0)
			return (enum evcan_source_state_)state;
	}
	return EVCAN_SOURCE_END_;
}

/* The source whose frame is the earliest; of several the first. *bound is
 * the time up to which its frames go before those of all others, or, when
 * another source stands before it in the list, just below that. */
static struct evcan_source_ *
choose(struct evcan_player *player, int64_t *bound)
{
	struct evcan_source_ *best = NULL;
	int64_t best_ns = 0;

	*bound = INT64_MAX;
	for (size_t i = 0; i < player->n_sources; i++) {
		struct evcan_source_ *source = player->sources[i];
		int64_t ns;

		if (source->state != EVCAN_SOURCE_READY_)
			continue;
		ns = merged_time(source, &source->frames[source->used]);
		if (best == NULL || ns < best_ns) {
			/* The one before wins at its own time. */
			*bound = best != NULL ? best_ns - 1 : INT64_MAX;
			best = source;
			best_ns = ns;
		} else if (ns < *bound) {
			*bound = ns;
		}
	}
	return best;
}

enum evcan_source_state_
evcan_player_peek_(struct evcan_player *player, struct evcan_source_ **source,
    int *n)
{
	enum evcan_source_state_ state;
	int64_t bound;
	int i;

	if (player->over)
		return EVCAN_SOURCE_END_;
	if (player->cut)
		return EVCAN_SOURCE_ROUND_;
	state = look_at_all(player);
	if (state != EVCAN_SOURCE_READY_)
		return state;
	if (!player->placed)
		place(player);
	*source = choose(player, &bound);
	i = (*source)->used + 1;
	while (i < (*source)->n && (bound == INT64_MAX ||
	    merged_time(*source, &(*source)->frames[i]) <= bound))
		i++;
	*n = i - (*source)->used;
	return EVCAN_SOURCE_READY_;
}

const struct evcan_frame *
evcan_player_take_(struct evcan_source_ *source, int64_t *log_ns)
{
	const struct evcan_frame *frame = &source->frames[source->used++];

	*log_ns = source->last_ns = merged_time(source, frame);
	return frame;
}

/* A round that was cut: what the threads have read ahead is of no use. */
static void
start_anew(struct evcan_player *player)
{
	uint64_t loop = (uint64_t)player->options.loop;

	player->cut = false;
	if (player->round == loop) {
		player->over = true;
		return;
	}
	for (size_t i = 0; i < player->n_sources; i++) {
		/* It cannot fail: its thread is there. */
		evcan_read_ahead_start_(player->sources[i]->ahead,
		    loop == 0 ? 0 : loop - player->round, NULL);
		reset(player->sources[i]);
	}
}

void
evcan_player_next_round_(struct evcan_player *player)
{
	player->round++;
	if (player->cut) {
		start_anew(player);
		return;
	}
	for (size_t i = 0; i < player->n_sources; i++) {
		if (player->sources[i]->state == EVCAN_SOURCE_ROUND_)
			reset(player->sources[i]);
	}
}

const struct evcan_error *
evcan_player_source_error_(const struct evcan_player *player)
{
	return player->failed != NULL ?
	    evcan_read_ahead_error_(player->failed->ahead) : NULL;
}

void
evcan_player_get_log_stats(const struct evcan_player *player,
    struct evcan_log_read_stats *sum)
{
	struct evcan_log_read_stats one;

	*sum = (struct evcan_log_read_stats){ 0 };
	for (size_t i = 0; i < player->n_sources; i++) {
		evcan_read_ahead_stats_(player->sources[i]->ahead, &one);
		sum->frames += one.frames;
		sum->bytes += one.bytes;
		sum->size += one.size;
		sum->gaps += one.gaps;
		sum->lost += one.lost;
		sum->errors += one.errors;
		sum->skipped += one.skipped;
		sum->events += one.events;
	}
}

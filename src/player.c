/* SPDX-License-Identifier: BSD-3-Clause */
/* player.c - a log's frames in their own time */
#include <evcan/player.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/listener.h>
#include <evcan/options.h>

#include "bus_internal.h"
#include "clock.h"
#include "read_ahead.h"

/* Batches in one turn of the loop: others want their turn too. */
#define BUDGET 4
#define LATE_NS 1000000
/* A bus that is gone, or memory that is, is asked again after this. */
#define RETRY_NS 100000000

struct player_options {
	bool ignore_timestamps, error_frames;
	double gap, skip, speed;
	int64_t loop;
};

static const struct evcan_option rows[] = {
	{ .name = "ignore_timestamps", .type = EVCAN_OPTION_BOOL,
	  .fallback = "false",
	  .help = "send the frames `gap` apart, whatever their times",
	  .offset = offsetof(struct player_options, ignore_timestamps) },
	{ .name = "gap", .type = EVCAN_OPTION_REAL, .fallback = "0.0001",
	  .min = 0, .max = 86400,
	  .help = "seconds between frames when their times are ignored",
	  .offset = offsetof(struct player_options, gap) },
	{ .name = "skip", .type = EVCAN_OPTION_REAL, .fallback = "86400",
	  .min = 0, .max = 31536000,
	  .help = "seconds; a longer pause is shortened to this, 0: never",
	  .offset = offsetof(struct player_options, skip) },
	{ .name = "error_frames", .type = EVCAN_OPTION_BOOL,
	  .fallback = "false", .help = "send error frames too",
	  .offset = offsetof(struct player_options, error_frames) },
	{ .name = "loop", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 0, .max = 1e15,
	  .help = "times to play the log, 0: for ever",
	  .offset = offsetof(struct player_options, loop) },
	{ .name = "speed", .type = EVCAN_OPTION_REAL, .fallback = "1",
	  .min = 1e-6, .max = 1e6,
	  .help = "factor: 2 plays twice as fast as recorded",
	  .offset = offsetof(struct player_options, speed) },
	{ .name = NULL }
};

/* Where in time a play is. A plain value: a batch is gathered on a copy, and
 * the real one follows with what the bus took. */
struct schedule {
	bool begun;
	int64_t origin_ns;   /* CLOCK_MONOTONIC of the round's first frame */
	int64_t first_ns;    /* its time in the log */
	int64_t latest_ns;   /* the latest time met in the log */
	int64_t skipped_ns;  /* of the log's time, cut out of pauses */
	int64_t due_ns;      /* of the frame last asked for */
};

struct evcan_player {
	struct evcan_bus *bus;
	struct evcan_clock_ *clock;
	struct evcan_timer_ timer;
	struct evcan_waiter_ waiter;
	struct evcan_read_ahead_ *ahead;
	struct event *more;          /* the log has frames again */
	struct evcan_listener *monitor;
	evcan_player_done_cb done_cb;
	void *done_arg;
	struct player_options options;
	struct schedule schedule;
	uint64_t round_sent;
	struct evcan_player_stats stats;
	bool playing;
	unsigned play;               /* changes when it is started or ended */
	int holds;                   /* call-backs that it is in */
	bool freed;
};

const struct evcan_option *
evcan_player_options(void)
{
	return rows;
}

/* The schedule */

/* Logs are foreign: their times may be any 64 bits. */
static int64_t
difference(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d))
		return a < b ? INT64_MIN / 4 : INT64_MAX / 4;
	return d;
}

static int64_t
later(int64_t a, double ns)
{
	return ns < 4e18 - (double)a ? a + (int64_t)ns : INT64_MAX;
}

/* Cuts a pause in the log that lasts longer than `skip`, as it would be
 * waited for. */
static void
cut_pause(struct schedule *s, const struct player_options *o, int64_t time_ns)
{
	int64_t pause = difference(time_ns, s->latest_ns);
	double most = o->skip * o->speed * 1e9;

	if (o->skip > 0 && pause > 0 && (double)pause > most)
		s->skipped_ns += pause - (int64_t)most;
	if (pause > 0)
		s->latest_ns = time_ns;
}

/* When a frame is due, one after the other. A frame without a time, or with
 * one that lies back, is due at once. */
static int64_t
schedule_next(struct schedule *s, const struct player_options *o,
    const struct evcan_frame *frame, int64_t now)
{
	bool first = !s->begun;
	double ns;

	if (o->ignore_timestamps) {
		s->due_ns = s->due_ns == 0 ? now :
		    later(s->due_ns, o->gap * 1e9);
		s->begun = true;
		return s->due_ns;
	}
	if (frame->clock == EVCAN_CLOCK_NONE)
		return first ? now : s->due_ns;
	if (first) {
		s->begun = true;
		/* A later round begins when the last one ended. */
		s->origin_ns = s->due_ns != 0 ? s->due_ns : now;
		s->first_ns = s->latest_ns = frame->time_ns;
		s->skipped_ns = 0;
	}
	cut_pause(s, o, frame->time_ns);
	ns = (double)(difference(frame->time_ns, s->first_ns) -
	    s->skipped_ns) / o->speed;
	s->due_ns = ns > 0 ? later(s->origin_ns, ns) : s->origin_ns;
	return s->due_ns;
}

/* Ending */

static void
stop(struct evcan_player *player)
{
	if (!player->playing)
		return;
	player->playing = false;
	player->play++;
	evcan_read_ahead_stop_(player->ahead);
	evcan_timer_cancel_(&player->timer);
	evcan_bus_unwait_writable_(player->bus, &player->waiter);
	event_del(player->more);
}

static void
release(struct evcan_player *player)
{
	if (player->holds > 0 || !player->freed)
		return;
	if (player->more != NULL)
		event_free(player->more);
	evcan_read_ahead_free_(player->ahead);
	evcan_clock_put_(player->clock);
	free(player);
}

/* The last thing that is done with a player: it may be freed or started
 * again in the call-back. */
static void
finish(struct evcan_player *player, const struct evcan_error *err)
{
	struct evcan_error copy = { 0 };

	if (err != NULL)
		copy = *err;
	stop(player);
	if (player->done_cb != NULL)
		player->done_cb(player, err != NULL ? &copy : NULL,
		    player->done_arg);
}

static void
finish_failed(struct evcan_player *player, const char *why)
{
	struct evcan_error error = { 0 };

	evcan_error_set(&error, EVCAN_ERR_STATE, 0,
	    "the player's bus %s %s", evcan_bus_name(player->bus), why);
	finish(player, &error);
}

/* Playing */

static void
again_at(struct evcan_player *player, int64_t due_ns)
{
	static const struct evcan_error error = {
		.code = EVCAN_ERR_NOMEM,
		.text = "out of memory for the player's timer"
	};

	if (evcan_timer_set_(&player->timer, due_ns) < 0)
		finish(player, &error);
}

static bool
is_wanted(const struct evcan_player *player, const struct evcan_frame *frame)
{
	if (frame->flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_OVERLOAD))
		return player->options.error_frames;
	return frame->dir != EVCAN_DIR_TXRQ;
}

/* n frames from the front are done with. */
static void
consume(struct evcan_player *player, const struct evcan_frame *frames, int n,
    int64_t now, bool sent)
{
	struct evcan_player_stats *stats = &player->stats;

	for (int i = 0; i < n; i++) {
		int64_t late = now - schedule_next(&player->schedule,
		    &player->options, &frames[i], now);

		if (!sent)
			continue;
		if (late > LATE_NS)
			stats->late++;
		if (late > stats->worst_late_ns)
			stats->worst_late_ns = late;
	}
	stats->read += (uint64_t)n;
	if (sent) {
		stats->sent += (uint64_t)n;
		player->round_sent += (uint64_t)n;
	}
	evcan_read_ahead_drop_(player->ahead, n);
}

/* Copies what may be sent now from the front: due, wanted, at most n. What
 * the log tells of its own bus does not belong to the new one. */
static int
gather(const struct evcan_player *player, const struct evcan_frame *frames,
    int n, struct evcan_frame *batch, int64_t now)
{
	struct schedule schedule = player->schedule;
	int m;

	for (m = 0; m < n && is_wanted(player, &frames[m]); m++) {
		if (schedule_next(&schedule, &player->options, &frames[m],
		    now) > now)
			break;
		batch[m] = frames[m];
		batch[m].channel = 0;
		batch[m].hops = 0;
		batch[m].dir = EVCAN_DIR_TX;
		batch[m].flags &= (uint16_t)~EVCAN_FRAME_ECHO;
	}
	return m;
}

/* @return true: go on at once */
static bool
sent(struct evcan_player *player, const struct evcan_frame *frames, int n,
    const struct evcan_frame *batch, int64_t now)
{
	unsigned play = player->play;

	consume(player, frames, n, now, true);
	if (player->monitor != NULL)
		evcan_listener_feed(player->monitor, NULL, batch, (size_t)n);
	return player->play == play;
}

/* The bus took none. @return true: go on at once */
static bool
not_sent(struct evcan_player *player, const struct evcan_frame *frame,
    int code, int64_t now)
{
	enum evcan_phase_ phase = player->bus->phase;

	if (phase == EVCAN_PHASE_OPENING || phase == EVCAN_PHASE_GONE ||
	    code == EVCAN_ERR_GONE) {
		again_at(player, now + RETRY_NS);
	} else if (!evcan_bus_is_open(player->bus)) {
		finish_failed(player, "is not open");
	} else if (code == EVCAN_ERR_FULL) {
		evcan_bus_wait_writable_(player->bus, &player->waiter);
	} else {
		player->stats.refused++;
		consume(player, frame, 1, now, false);
		return true;
	}
	return false;
}

/* Sends from the front of n frames. @return true: go on at once */
static bool
send_due(struct evcan_player *player, const struct evcan_frame *frames,
    int n, int64_t now)
{
	struct evcan_frame *batch;
	size_t room = evcan_bus_tx_room(player->bus);
	bool go_on;
	int r;

	/* Asking for more than has room would count as refused there. */
	if (room == 0)
		return not_sent(player, frames, EVCAN_ERR_FULL, now);
	batch = evcan_clock_batch_(player->clock);
	if (batch == NULL) {
		again_at(player, now + RETRY_NS);
		return false;
	}
	n = gather(player, frames, room < (size_t)n ? (int)room : n, batch,
	    now);
	r = evcan_bus_send(player->bus, batch, (size_t)n);
	if (r > 0)
		go_on = sent(player, frames, r, batch, now);
	else
		go_on = not_sent(player, frames, r, now);
	evcan_clock_unbatch_(player->clock, batch);
	return go_on;
}

static bool
play_frames(struct evcan_player *player, const struct evcan_frame *frames,
    int n)
{
	struct schedule schedule = player->schedule;
	int64_t now = evcan_now_monotonic();
	int64_t due = schedule_next(&schedule, &player->options, frames, now);

	if (due > now) {
		again_at(player, due);
		return false;
	}
	if (is_wanted(player, frames))
		return send_due(player, frames, n, now);
	player->stats.passed_over++;
	consume(player, frames, 1, now, false);
	return true;
}

/* A round that sent nothing would be repeated without a pause. */
static bool
next_round(struct evcan_player *player)
{
	bool sent_some = player->round_sent > 0;

	player->stats.rounds++;
	player->schedule.begun = false;
	player->round_sent = 0;
	if (!sent_some)
		finish(player, NULL);
	return sent_some;
}

/* @return true: go on at once */
static bool
step(struct evcan_player *player)
{
	const struct evcan_frame *frames;
	int n = evcan_read_ahead_peek_(player->ahead, &frames, EVCAN_BATCH);

	if (n > 0)
		return play_frames(player, frames, n);
	if (n == EVCAN_AHEAD_ROUND_)
		return next_round(player);
	if (n == EVCAN_AHEAD_END_)
		finish(player, evcan_read_ahead_error_(player->ahead));
	return false;
}

static void
run(struct evcan_player *player)
{
	int budget = BUDGET;
	bool go_on = true;

	player->holds++;
	while (go_on && budget-- > 0)
		go_on = step(player);
	if (go_on)
		again_at(player, evcan_now_monotonic() + 1);
	player->holds--;
	release(player);
}

static void
on_timer(struct evcan_timer_ *timer, void *arg)
{
	(void)timer;
	run(arg);
}

static void
on_writable(struct evcan_bus *bus, void *arg)
{
	(void)bus;
	run(arg);
}

static void
on_more(evutil_socket_t fd, short what, void *arg)
{
	struct evcan_player *player = arg;

	(void)fd;
	(void)what;
	evcan_read_ahead_woken_(player->ahead);
	run(player);
}

/* Making */

static int
take_options(struct evcan_player *player, struct evcan_options *options,
    struct evcan_error *err)
{
	int r = evcan_options_fill(options, rows, &player->options, err);

	for (size_t i = 0; rows[i].name != NULL; i++)
		evcan_options_unset(options, rows[i].name);
	return r;
}

static int
open_log(struct evcan_player *player, const char *path,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_options *copy = evcan_options_copy(options);
	struct evcan_log_reader *reader = NULL;
	int r;

	if (copy == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a player");
	r = take_options(player, copy, err);
	if (r == 0) {
		reader = evcan_log_reader_new(path, copy, err);
		r = reader != NULL ? 0 : EVCAN_ERR_INIT;
	}
	evcan_options_free(copy);
	if (r == 0)
		r = evcan_read_ahead_new_(&player->ahead, reader, err);
	if (r < 0 && reader != NULL)
		evcan_log_reader_free(reader);
	return r;
}

static int
join_loop(struct evcan_player *player, struct event_base *base,
    struct evcan_error *err)
{
	player->clock = evcan_clock_get_(base);
	player->more = event_new(base, evcan_read_ahead_fd_(player->ahead),
	    EV_READ | EV_PERSIST, on_more, player);
	if (player->clock == NULL || player->more == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "no memory or file descriptor for a player");
	evcan_timer_init_(&player->timer, player->clock, on_timer, player);
	player->waiter.cb = on_writable;
	player->waiter.arg = player;
	return 0;
}

struct evcan_player *
evcan_player_new(struct evcan_bus *to, const char *path,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct evcan_player *player;

	if (evcan_bus_base(to) == NULL) {
		evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a player needs a bus with an event_base: %s has none",
		    evcan_bus_name(to));
		return NULL;
	}
	player = calloc(1, sizeof(*player));
	if (player == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a player");
		return NULL;
	}
	player->bus = to;
	if (open_log(player, path, options, err) == 0 &&
	    join_loop(player, evcan_bus_base(to), err) == 0)
		return player;
	player->freed = true;
	release(player);
	return NULL;
}

void
evcan_player_free(struct evcan_player *player)
{
	if (player == NULL)
		return;
	stop(player);
	player->freed = true;
	release(player);
}

int
evcan_player_start(struct evcan_player *player, evcan_player_done_cb cb,
    void *arg)
{
	int r;

	if (player->playing)
		return EVCAN_ERR_STATE;
	if (event_add(player->more, NULL) < 0)
		return EVCAN_ERR_NOMEM;
	r = evcan_timer_set_(&player->timer, evcan_now_monotonic());
	if (r == 0)
		r = evcan_read_ahead_start_(player->ahead,
		    (uint64_t)player->options.loop, NULL);
	if (r < 0) {
		evcan_timer_cancel_(&player->timer);
		event_del(player->more);
		return r;
	}
	memset(&player->schedule, 0, sizeof(player->schedule));
	player->round_sent = 0;
	player->done_cb = cb;
	player->done_arg = arg;
	player->playing = true;
	player->play++;
	return 0;
}

void
evcan_player_stop(struct evcan_player *player)
{
	stop(player);
}

bool
evcan_player_playing(const struct evcan_player *player)
{
	return player->playing;
}

void
evcan_player_get_stats(const struct evcan_player *player,
    struct evcan_player_stats *stats)
{
	*stats = player->stats;
}

void
evcan_player_get_log_stats(const struct evcan_player *player,
    struct evcan_log_read_stats *stats)
{
	evcan_read_ahead_stats_(player->ahead, stats);
}

void
evcan_player_set_monitor(struct evcan_player *player,
    struct evcan_listener *listener)
{
	player->monitor = listener;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* player_run.c - how a player goes on: takes in, waits, hands over */
#include "player_internal.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/filter.h>
#include <evcan/listener.h>
#include <evcan/options.h>

/* Batches in one turn of the loop: others want their turn too. */
#define BUDGET 4
/* Frames looked at for one batch, most of which may be passed over. */
#define LOOK_AT (8 * EVCAN_BATCH)
/* A bus that is gone is asked again after this. */
#define RETRY_NS 100000000
/* Frames of logs are in order but for this: beyond the window's end by more,
 * the rest is not read. */
#define DISORDER_NS 1000000000

enum { WAITS, SENT, REFUSED };        /* evcan_pending_.fate */
enum flow { FLOWS, HELD, BROKEN };

int64_t
evcan_player_now_(const struct evcan_player *player)
{
	return player->paused ? player->paused_ns : evcan_now_monotonic();
}

/* Ending */

void
evcan_player_halt_(struct evcan_player *player)
{
	if (!player->playing)
		return;
	player->playing = false;
	player->play++;
	player->head = player->count = 0;
	evcan_player_sources_stop_(player);
	evcan_timer_cancel_(&player->timer);
	for (size_t i = 0; i < player->n_targets; i++)
		evcan_bus_unwait_writable_(player->targets[i].bus,
		    &player->targets[i].waiter);
}

void
evcan_player_release_(struct evcan_player *player)
{
	if (player->holds > 0 || !player->freed)
		return;
	evcan_player_sources_free_(player);
	evcan_options_free(player->reader_options);
	evcan_filters_free(player->filters);
	evcan_clock_put_(player->clock);
	free(player->targets);
	free(player->routes);
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
	evcan_player_halt_(player);
	if (player->done_cb != NULL)
		player->done_cb(player, err != NULL ? &copy : NULL,
		    player->done_arg);
}

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

void
evcan_player_kick_(struct evcan_player *player)
{
	event_active(player->sources[0]->more, EV_READ, 0);
}

/* Taking in */

static bool
in_window(struct evcan_player *player, int64_t log_ns)
{
	int64_t since = evcan_schedule_difference_(log_ns, player->start_ns);

	if (since >= player->from_ns && since < player->until_ns)
		return true;
	if (evcan_schedule_difference_(since, player->until_ns) > DISORDER_NS)
		player->cut = true;
	return false;
}

static bool
is_wanted(const struct evcan_player *player, const struct evcan_frame *frame)
{
	if (evcan_player_route_(player, frame->channel) == EVCAN_ROUTE_NONE_)
		return false;
	if (frame->flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_OVERLOAD))
		return player->options.error_frames;
	return frame->dir != EVCAN_DIR_TXRQ &&
	    evcan_filters_match(player->filters, frame);
}

/* What the log tells of its own bus does not belong to the new one. */
static void
make_new(struct evcan_frame *frame)
{
	frame->channel = 0;
	frame->hops = 0;
	frame->dir = EVCAN_DIR_TX;
	frame->flags &= (uint16_t)~EVCAN_FRAME_ECHO;
}

/* Frames that are not wanted have their time, too, but no gap. */
static void
take_in(struct evcan_player *player, const struct evcan_frame *from,
    int64_t log_ns, int64_t now)
{
	int at = player->head + player->count;
	struct evcan_frame *frame = &player->frames[at];
	struct evcan_pending_ *pending = &player->pending[at];
	bool within = in_window(player, log_ns);
	bool wanted = within && is_wanted(player, from);

	player->stats.read++;
	if (!wanted)
		player->stats.passed_over++;
	if (!wanted && (!within || player->rules.ignore_timestamps))
		return;
	*frame = *from;
	if (frame->clock != EVCAN_CLOCK_NONE)
		frame->time_ns = log_ns;
	pending->due_ns = evcan_schedule_next_(&player->schedule,
	    &player->rules, frame, now);
	if (!wanted)
		return;
	pending->log_ns = log_ns;
	pending->fate = WAITS;
	pending->target = (uint16_t)(evcan_player_route_(player,
	    frame->channel) - EVCAN_ROUTE_TARGET_);
	make_new(frame);
	player->count++;
}

static void
move_to_front(struct evcan_player *player)
{
	size_t n = (size_t)player->count;

	memmove(player->frames, player->frames + player->head,
	    n * sizeof(player->frames[0]));
	memmove(player->pending, player->pending + player->head,
	    n * sizeof(player->pending[0]));
	player->head = 0;
}

/* Takes in what comes next, until the batch is full. @return why it ended;
 * EVCAN_SOURCE_READY_: there is more */
static enum evcan_source_state_
fill(struct evcan_player *player, int64_t now)
{
	enum evcan_source_state_ state = EVCAN_SOURCE_READY_;
	struct evcan_source_ *source;
	int left = LOOK_AT, n = 0;

	move_to_front(player);
	while (left > 0 && player->count < EVCAN_BATCH) {
		state = evcan_player_peek_(player, &source, &n);
		if (state != EVCAN_SOURCE_READY_)
			break;
		for (; n > 0 && left > 0 && player->count < EVCAN_BATCH &&
		    !player->cut; n--, left--) {
			int64_t log_ns;
			const struct evcan_frame *frame =
			    evcan_player_take_(source, &log_ns);

			take_in(player, frame, log_ns, now);
		}
	}
	return state;
}

/* Handing over.  Frames that are due together go to their buses in one call
 * for each bus, not one for each frame.  So a frame may overtake one that
 * was recorded before it on another bus, if both are due by now; never one
 * of its own bus. */

/* Those frames from `first` on that go to its bus: in place if there are no
 * others between, else in player->row. */
static int
gather(struct evcan_player *player, int first, int end, int most,
    const struct evcan_frame **frames)
{
	const struct evcan_pending_ *pending = player->pending;
	int i = first, n = 0;

	*frames = &player->frames[first];
	while (i < end && i - first < most && pending[i].fate == WAITS &&
	    pending[i].target == pending[first].target)
		i++;
	if (i == end || i - first == most)
		return i - first;
	*frames = player->row;
	for (i = first; i < end && n < most; i++) {
		if (pending[i].fate == WAITS &&
		    pending[i].target == pending[first].target)
			player->row[n++] = player->frames[i];
	}
	return n;
}

static void
note_sent(struct evcan_player *player, const struct evcan_pending_ *pending,
    int64_t now)
{
	player->stats.sent++;
	player->round_sent++;
	if (pending->due_ns >= player->sent_due_ns) {
		player->sent_due_ns = pending->due_ns;
		player->sent_log_ns = pending->log_ns;
	}
	if (!player->paused) {
		evcan_lateness_add_(&player->lateness, now - pending->due_ns);
		return;
	}
	/* A step takes the player's time along. */
	player->steps--;
	if (pending->due_ns > player->paused_ns)
		player->paused_ns = pending->due_ns;
}

/* n frames of that bus, from `first` on, are done with. */
static void
settle(struct evcan_player *player, int first, int n, uint8_t fate)
{
	uint16_t target = player->pending[first].target;
	int64_t now = evcan_now_monotonic();

	for (int i = first; n > 0; i++) {
		struct evcan_pending_ *pending = &player->pending[i];

		if (pending->fate != WAITS || pending->target != target)
			continue;
		pending->fate = fate;
		n--;
		if (fate == SENT)
			note_sent(player, pending, now);
		else
			player->stats.refused++;
	}
}

static void
on_writable(struct evcan_bus *bus, void *arg)
{
	(void)bus;
	evcan_player_run_(arg);
}

/* The bus took none. */
static enum flow
not_sent(struct evcan_player *player, int first, int code)
{
	struct evcan_target_ *target =
	    &player->targets[player->pending[first].target];
	enum evcan_phase_ phase = target->bus->phase;

	if (phase == EVCAN_PHASE_OPENING || phase == EVCAN_PHASE_GONE ||
	    code == EVCAN_ERR_GONE)
		return HELD;
	if (!evcan_bus_is_open(target->bus))
		return BROKEN;
	if (code == EVCAN_ERR_FULL) {
		if (!target->waiter.waiting)
			player->stats.flow_stops++;
		target->waiter.cb = on_writable;
		target->waiter.arg = player;
		evcan_bus_wait_writable_(target->bus, &target->waiter);
		return HELD;
	}
	settle(player, first, 1, REFUSED);
	return FLOWS;
}

static enum flow
hand_over(struct evcan_player *player, int first, int end)
{
	struct evcan_bus *bus =
	    player->targets[player->pending[first].target].bus;
	size_t room = evcan_bus_tx_room(bus);
	const struct evcan_frame *frames;
	int n, r;

	/* Asking for more than has room would count as refused there. */
	if (room == 0)
		return not_sent(player, first, EVCAN_ERR_FULL);
	n = gather(player, first, end,
	    room < EVCAN_BATCH ? (int)room : EVCAN_BATCH, &frames);
	r = evcan_bus_send(bus, frames, (size_t)n);
	if (r <= 0)
		return not_sent(player, first, r);
	settle(player, first, r, SENT);
	return FLOWS;
}

/* In the order of the log, each with the bus that it went to. */
static void
show(struct evcan_player *player, int n)
{
	size_t shown = 0;

	for (int i = player->head; i < player->head + n; i++) {
		const struct evcan_pending_ *pending = &player->pending[i];

		if (pending->fate != SENT)
			continue;
		player->row[shown] = player->frames[i];
		player->row[shown++].channel = evcan_bus_channel_index(
		    player->targets[pending->target].bus);
	}
	if (shown > 0)
		evcan_listener_feed(player->monitor, NULL, player->row,
		    shown);
}

/* Of the first n frames, keeps those that wait still. */
static void
drop_done(struct evcan_player *player, int n)
{
	int end = player->head + n, to = end;

	for (int i = end - 1; i >= player->head; i--) {
		if (player->pending[i].fate != WAITS)
			continue;
		if (--to == i)
			continue;
		player->frames[to] = player->frames[i];
		player->pending[to] = player->pending[i];
	}
	player->count -= to - player->head;
	player->head = to;
}

static void
fail_closed(struct evcan_player *player, const struct evcan_bus *bus)
{
	struct evcan_error error = { 0 };

	evcan_error_set(&error, EVCAN_ERR_STATE, 0,
	    "the player's bus %s is not open", evcan_bus_name(bus));
	finish(player, &error);
}

/* Hands over the first n frames. @return true: go on at once */
static bool
send_due(struct evcan_player *player, int n)
{
	enum flow flow = FLOWS;
	unsigned play = player->play;
	int i = player->head, end = i + n;

	while (i < end && flow == FLOWS) {
		if (player->pending[i].fate != WAITS)
			i++;
		else
			flow = hand_over(player, i, end);
	}
	if (player->monitor != NULL)
		show(player, n);
	if (player->play != play)
		return false;
	i = i < end ? player->pending[i].target : 0;
	drop_done(player, n);
	if (flow == BROKEN)
		fail_closed(player, player->targets[i].bus);
	else if (flow == HELD && !player->targets[i].waiter.waiting)
		again_at(player, evcan_now_monotonic() + RETRY_NS);
	return flow == FLOWS;
}

/* Frames at the front that may go now. */
static int
count_due(const struct evcan_player *player, int64_t now)
{
	const struct evcan_pending_ *pending = player->pending + player->head;
	int n = 0;

	if (player->paused)
		return player->steps < (size_t)player->count ?
		    (int)player->steps : player->count;
	while (n < player->count && pending[n].due_ns <= now)
		n++;
	return n;
}

/* A round that sent nothing would be repeated without a pause. */
static bool
next_round(struct evcan_player *player)
{
	bool sent_some = player->round_sent > 0;

	player->stats.rounds++;
	player->round_sent = 0;
	evcan_schedule_round_(&player->schedule);
	if (sent_some)
		evcan_player_next_round_(player);
	else
		finish(player, NULL);
	return sent_some;
}

/* Nothing is left of what was taken in. @return true: go on at once */
static bool
take_more(struct evcan_player *player, int64_t now)
{
	enum evcan_source_state_ state = fill(player, now);

	if (player->count > 0 || state == EVCAN_SOURCE_READY_)
		return true;
	if (state == EVCAN_SOURCE_ROUND_)
		return next_round(player);
	if (state == EVCAN_SOURCE_END_)
		finish(player, evcan_player_source_error_(player));
	return false;
}

/* @return true: go on at once */
static bool
go_on(struct evcan_player *player)
{
	int64_t now = evcan_player_now_(player);
	int n;

	if (player->paused && player->steps == 0)
		return false;
	if (player->count == 0)
		return take_more(player, now);
	n = count_due(player, now);
	if (n > 0)
		return send_due(player, n);
	/* While there is time. */
	if (player->count <= EVCAN_BATCH / 2)
		fill(player, now);
	again_at(player, player->pending[player->head].due_ns);
	return false;
}

void
evcan_player_run_(struct evcan_player *player)
{
	int budget = BUDGET;
	bool more = true;

	if (!player->playing)
		return;
	player->holds++;
	while (more && budget-- > 0)
		more = go_on(player);
	if (more)
		again_at(player, evcan_now_monotonic() + 1);
	player->holds--;
	evcan_player_release_(player);
}

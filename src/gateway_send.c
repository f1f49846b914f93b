/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_send.c - what of a gateway sends by itself: tasks and players */
#include "gateway_internal.h"

/* Tasks */

static void
on_cyclic(struct evcan_cyclic *task, const struct evcan_error *err,
    void *arg)
{
	struct evcan_gateway *gateway = arg;

	(void)task;
	if (err == NULL)
		return;
	evcan_gateway_hold_(gateway);
	evcan_gateway_tell_(gateway, "error", "%s", err->text);
	evcan_gateway_drop_(gateway);
}

static int
make_cyclic(struct evcan_gateway *gateway, size_t i, struct evcan_error *err)
{
	const struct evcan_plan_part_ *part = &gateway->plan.cyclics.parts[i];
	struct evcan_cyclic_config config = {
		.modifiers = part->modifiers, .n_modifiers = part->n_modifiers
	};
	struct evcan_error error = { 0 };

	if (evcan_cyclic_config_fill(&config, part->options, &error) == 0)
		gateway->cyclics[i] = evcan_cyclic_new(
		    gateway->buses[part->buses[0]].bus, part->frames,
		    part->n_frames, &config, &error);
	if (gateway->cyclics[i] == NULL)
		return evcan_plan_blame_(part, &error, err);
	evcan_cyclic_set_cb(gateway->cyclics[i], on_cyclic, gateway);
	return 0;
}

int
evcan_gateway_make_cyclics_(struct evcan_gateway *gateway,
    struct evcan_error *err)
{
	int r = 0;

	for (size_t i = 0; i < gateway->plan.cyclics.n && r == 0; i++)
		r = make_cyclic(gateway, i, err);
	return r;
}

/* Players */

static int
map_channels(struct evcan_gateway *gateway, struct evcan_player *player,
    const struct evcan_plan_part_ *part, struct evcan_error *err)
{
	/* Without a bus for the rest, the rest is left out. */
	int r = part->n_buses > 0 ? 0 :
	    evcan_player_map(player, NULL, NULL, err);

	for (size_t i = 0; i < part->n_map && r == 0; i++) {
		const struct evcan_plan_map_ *one = &part->map[i];

		r = evcan_player_map(player, one->channel,
		    one->bus == EVCAN_PLAN_NO_BUS_ ? NULL :
		    gateway->buses[one->bus].bus, err);
	}
	return r;
}

/* The bus that a player is made with. */
static struct evcan_bus *
first_bus(struct evcan_gateway *gateway, const struct evcan_plan_part_ *part)
{
	size_t i = 0;

	if (part->n_buses > 0)
		return gateway->buses[part->buses[0]].bus;
	while (part->map[i].bus == EVCAN_PLAN_NO_BUS_)
		i++;
	return gateway->buses[part->map[i].bus].bus;
}

static int
open_player(struct evcan_gateway *gateway, size_t i, struct evcan_error *err)
{
	const struct evcan_plan_part_ *part = &gateway->plan.players.parts[i];
	struct evcan_error error = { 0 };
	struct evcan_player *player = evcan_player_new(
	    first_bus(gateway, part), part->files[0], part->options, &error);
	int r = player != NULL ? 0 : EVCAN_ERR_INIT;

	gateway->players[i] = player;
	for (size_t k = 1; k < part->n_files && r == 0; k++)
		r = evcan_player_add_file(player, part->files[k], NULL,
		    &error);
	if (r == 0)
		r = map_channels(gateway, player, part, &error);
	if (r == 0 && part->n_filters > 0)
		r = evcan_player_set_filters(player, part->filters,
		    part->n_filters, EVCAN_FILTER_OR, &error);
	return r < 0 ? evcan_plan_blame_(part, &error, err) : 0;
}

int
evcan_gateway_open_players_(struct evcan_gateway *gateway,
    struct evcan_error *err)
{
	int r = 0;

	for (size_t i = 0; i < gateway->plan.players.n && r == 0; i++)
		r = open_player(gateway, i, err);
	return r;
}

static void
on_played(struct evcan_player *player, const struct evcan_error *err,
    void *arg)
{
	struct evcan_gateway *gateway = arg;
	struct evcan_error *first = &gateway->play_error;

	(void)player;
	gateway->playing--;
	evcan_gateway_hold_(gateway);
	if (err != NULL) {
		if (first->code == 0)
			*first = *err;
		evcan_gateway_tell_(gateway, "error", "%s", err->text);
	}
	if (!gateway->freed && gateway->playing == 0 &&
	    gateway->played_cb != NULL)
		gateway->played_cb(gateway, first->code != 0 ? first : NULL,
		    gateway->played_arg);
	evcan_gateway_drop_(gateway);
}

/* All of them */

/* Those of a bus, or of all, whose bus is open.  What had begun goes on by
 * itself when a bus comes back. */
static int
start_cyclics(struct evcan_gateway *gateway, const struct evcan_bus *of,
    struct evcan_error *err)
{
	struct evcan_error error = { 0 };

	for (size_t i = 0; i < gateway->plan.cyclics.n; i++) {
		struct evcan_cyclic *task = gateway->cyclics[i];
		struct evcan_bus *bus = evcan_cyclic_bus(task);

		if (gateway->begun[i] || (of != NULL && bus != of) ||
		    !evcan_bus_is_open(bus))
			continue;
		gateway->begun[i] = true;
		if (evcan_cyclic_start(task, &error) < 0)
			return evcan_plan_blame_(
			    &gateway->plan.cyclics.parts[i], &error, err);
	}
	return 0;
}

int
evcan_gateway_start_senders_(struct evcan_gateway *gateway,
    struct evcan_error *err)
{
	int r;

	for (size_t i = 0; i < gateway->plan.players.n; i++) {
		r = evcan_player_start(gateway->players[i], on_played,
		    gateway);
		if (r < 0)
			return evcan_error_set(err, r, 0,
			    "%s: cannot be started (%s)",
			    gateway->plan.players.parts[i].where,
			    evcan_error_name(r));
		gateway->playing++;
	}
	return start_cyclics(gateway, NULL, err);
}

void
evcan_gateway_bus_opened_(struct evcan_gateway *gateway,
    const struct evcan_bus *bus)
{
	struct evcan_error err = { 0 };

	if (gateway->phase == EVCAN_GATEWAY_RUNNING &&
	    start_cyclics(gateway, bus, &err) < 0)
		evcan_gateway_tell_(gateway, "error", "%s", err.text);
}

void
evcan_gateway_stop_senders_(struct evcan_gateway *gateway)
{
	for (size_t i = 0; i < gateway->plan.players.n; i++)
		evcan_player_stop(gateway->players[i]);
	for (size_t i = 0; i < gateway->plan.cyclics.n; i++)
		evcan_cyclic_stop(gateway->cyclics[i]);
}

/* Also when only some were made. */
void
evcan_gateway_free_senders_(struct evcan_gateway *gateway)
{
	for (size_t i = 0; gateway->players != NULL &&
	    i < gateway->plan.players.n; i++) {
		evcan_player_free(gateway->players[i]);
		gateway->players[i] = NULL;
	}
	for (size_t i = 0; gateway->cyclics != NULL &&
	    i < gateway->plan.cyclics.n; i++) {
		evcan_cyclic_free(gateway->cyclics[i]);
		gateway->cyclics[i] = NULL;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* player_route.c - which bus a log's channel goes to */
#include "player_internal.h"

#include <stdlib.h>

#include <evcan/channel.h>
#include <evcan/error.h>

int
evcan_player_target_(struct evcan_player *player, struct evcan_bus *bus)
{
	struct evcan_target_ *targets;
	size_t n = player->n_targets;

	for (size_t i = 0; i < n; i++) {
		if (player->targets[i].bus == bus)
			return (int)i;
	}
	/* They move: none waits for its bus while nothing is played. */
	targets = realloc(player->targets, (n + 1) * sizeof(*targets));
	if (targets == NULL)
		return EVCAN_ERR_NOMEM;
	targets[n] = (struct evcan_target_){ .bus = bus };
	player->targets = targets;
	player->n_targets++;
	return (int)n;
}

uint16_t
evcan_player_route_(const struct evcan_player *player, uint16_t channel)
{
	uint16_t route = channel < player->n_routes ?
	    player->routes[channel] : EVCAN_ROUTE_UNSET_;

	return route != EVCAN_ROUTE_UNSET_ ? route : player->fallback;
}

/* Channels' numbers are small and dense: a plain table. */
static uint16_t *
route_of(struct evcan_player *player, size_t channel)
{
	size_t n = player->n_routes;
	uint16_t *routes;

	if (channel >= n) {
		routes = realloc(player->routes,
		    (channel + 1) * sizeof(*routes));
		if (routes == NULL)
			return NULL;
		for (; n <= channel; n++)
			routes[n] = EVCAN_ROUTE_UNSET_;
		player->routes = routes;
		player->n_routes = n;
	}
	return &player->routes[channel];
}

static int
no_memory(struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "out of memory for a player's map");
}

static int
check_bus(const struct evcan_player *player, struct evcan_bus *to,
    struct evcan_error *err)
{
	const struct evcan_bus *first = player->targets[0].bus;

	if (to == NULL || evcan_bus_base(to) == evcan_bus_base(first))
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "a player's buses must share one event_base: %s has another than "
	    "%s", evcan_bus_name(to), evcan_bus_name(first));
}

static int
find_route(struct evcan_player *player, const char *channel, uint16_t **route,
    struct evcan_error *err)
{
	int number;

	*route = &player->fallback;
	if (channel == NULL)
		return 0;
	number = evcan_channel_intern(channel);
	if (number == EVCAN_ERR_NOMEM)
		return no_memory(err);
	if (number < 0)
		return evcan_error_set(err, number, 0,
		    number == EVCAN_ERR_FULL ?
		    "channel \"%.130s\": there are too many names already" :
		    "\"%.130s\" is no channel's name: 1 to 127 bytes, no "
		    "control characters", channel);
	*route = route_of(player, (size_t)number);
	return *route != NULL ? 0 : no_memory(err);
}

int
evcan_player_map(struct evcan_player *player, const char *channel,
    struct evcan_bus *to, struct evcan_error *err)
{
	uint16_t *route;
	int r, target = 0;

	evcan_error_clear(err);
	if (player->playing)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "a player's map cannot be changed while it plays");
	if ((r = check_bus(player, to, err)) < 0 ||
	    (r = find_route(player, channel, &route, err)) < 0)
		return r;
	if (to != NULL && (target = evcan_player_target_(player, to)) < 0)
		return no_memory(err);
	*route = to == NULL ? EVCAN_ROUTE_NONE_ :
	    (uint16_t)(EVCAN_ROUTE_TARGET_ + target);
	return 0;
}

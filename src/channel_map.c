/* SPDX-License-Identifier: BSD-3-Clause */
/* channel_map.c - channels by their number in a file */
#include "channel_map.h"

#include <stdio.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/error.h>

#include "text.h"

/* Bits of evcan_channel_map_.said. */
enum {
	BY_OPTION = 1,   /* the file cannot change it */
	TO_FILE = 2      /* a writer was asked to tell it */
};

#define MAX_NUMBER (EVCAN_CHANNEL_NUMBERS - 1u)
/* "can" and a number. */
#define NAME_SIZE 16

/* The number of a channel that has one, or 0. */
static unsigned
find(const struct evcan_channel_map_ *map, int channel)
{
	for (unsigned i = 1; i <= MAX_NUMBER; i++)
		if (map->channel[i] == channel)
			return i;
	return 0;
}

/* One "name=number". */
static int
set_pair(struct evcan_channel_map_ *map, const char *pair, size_t len,
    struct evcan_error *err)
{
	const char *equal = memchr(pair, '=', len);
	char digits[8] = "";
	int64_t number = 0;
	size_t digits_len;
	int channel;

	digits_len = equal == NULL ? 0 : len - (size_t)(equal + 1 - pair);
	if (digits_len > 0 && digits_len < sizeof(digits))
		memcpy(digits, equal + 1, digits_len);
	if (equal == pair || evcan_text_get_int_(digits, &number) != 0 ||
	    number < 1 || number > (int64_t)MAX_NUMBER)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "\"%.*s\" in channels is not NAME=NUMBER, with a number "
		    "from 1 to %u", (int)(len < 150 ? len : 150), pair,
		    MAX_NUMBER);
	channel = evcan_channel_intern_n(pair, (size_t)(equal - pair));
	if (channel == EVCAN_ERR_NOMEM)
		return evcan_error_set(err, channel, 0, "out of memory");
	if (channel < 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "\"%.*s\" in channels is no name for a channel",
		    (int)(equal - pair < 150 ? equal - pair : 150), pair);
	if (map->channel[number] != 0 || find(map, channel) != 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "channels names %s or number %d twice",
		    evcan_channel_name((uint16_t)channel), (int)number);
	map->channel[number] = (uint16_t)channel;
	map->said[number] = BY_OPTION;
	return 0;
}

int
evcan_channel_map_init_(struct evcan_channel_map_ *map, const char *text,
    struct evcan_error *err)
{
	int r;

	memset(map, 0, sizeof(*map));
	if (text == NULL || *text == '\0')
		return 0;
	for (;;) {
		const size_t len = strcspn(text, ",");

		r = set_pair(map, text, len, err);
		if (r != 0)
			return r;
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}

static size_t
default_name(char *name, unsigned number)
{
	return (size_t)snprintf(name, NAME_SIZE, "can%u", number - 1);
}

/* A free number, the best one if possible; 0: there is none. */
static unsigned
free_number(const struct evcan_channel_map_ *map, const char *name)
{
	const int at_end = evcan_channel2int(name);

	if (at_end >= 0 && at_end < (int)MAX_NUMBER &&
	    map->channel[at_end + 1] == 0)
		return (unsigned)at_end + 1;
	return find(map, 0);
}

unsigned
evcan_channel_map_number_(struct evcan_channel_map_ *map, uint16_t channel,
    bool *tell)
{
	char usual[NAME_SIZE];
	const char *name;
	unsigned number;

	*tell = false;
	if (channel == EVCAN_CHANNEL_NONE)
		return 0;
	if (channel == map->last_channel)
		return map->last_number;
	name = evcan_channel_name(channel);
	number = find(map, channel);
	if (number == 0) {
		number = free_number(map, name);
		if (number == 0)
			return 0;
		map->channel[number] = channel;
	}
	if ((map->said[number] & TO_FILE) == 0) {
		map->said[number] |= TO_FILE;
		default_name(usual, number);
		*tell = strcmp(name, usual) != 0;
	}
	map->last_channel = channel;
	map->last_number = (uint8_t)number;
	return number;
}

uint16_t
evcan_channel_map_channel_(struct evcan_channel_map_ *map, unsigned number)
{
	char name[NAME_SIZE];
	int channel;

	if (number == 0)
		return EVCAN_CHANNEL_NONE;
	if (number <= MAX_NUMBER && map->channel[number] != 0)
		return map->channel[number];
	channel = evcan_channel_intern_n(name, default_name(name, number));
	if (channel < 0)
		return EVCAN_CHANNEL_NONE;
	if (number <= MAX_NUMBER)
		map->channel[number] = (uint16_t)channel;
	return (uint16_t)channel;
}

void
evcan_channel_map_learn_(struct evcan_channel_map_ *map, unsigned number,
    const char *name, size_t len)
{
	int channel;

	if (number == 0 || number > MAX_NUMBER ||
	    (map->said[number] & BY_OPTION) != 0)
		return;
	channel = evcan_channel_intern_n(name, len);
	if (channel > 0)
		map->channel[number] = (uint16_t)channel;
}

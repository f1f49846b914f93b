/* SPDX-License-Identifier: BSD-3-Clause */
/* channel_map.h - channel names of a log whose format has only numbers */
#ifndef EVCAN_CHANNEL_MAP_H
#define EVCAN_CHANNEL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evcan_error;

/*
 * Numbers are the file's, from 1 on: a format that counts from 0 adds one.
 * Number n is the channel "can<n - 1>" unless the file or the `channels`
 * option says otherwise. A writer gives a channel the number at its name's
 * end plus one if that is free, else the next free one, and tells the file
 * (see remark.h) when reading would give another name.
 */

#define EVCAN_CHANNEL_NUMBERS 256   /* 1 to 255 */

/* The sentences of every `channels` and `channel` row. */
#define EVCAN_CHANNELS_HELP \
	"numbers of channels in the file, as can0=1,vcan0=2"
#define EVCAN_CHANNEL_HELP \
	"number in the file of frames that have no channel"

struct evcan_channel_map_ {
	uint16_t channel[EVCAN_CHANNEL_NUMBERS];  /* by number; 0: free */
	uint8_t said[EVCAN_CHANNEL_NUMBERS];      /* by the option, to the
	                                           * file: see the .c file */
	uint16_t last_channel;     /* asked for last, and its number */
	uint8_t last_number;
};

/* @param text of the `channels` option or NULL: NAME=NUMBER, by commas.
 * @return 0, EVCAN_ERR_INVALID or EVCAN_ERR_NOMEM with err */
int evcan_channel_map_init_(struct evcan_channel_map_ *map, const char *text,
    struct evcan_error *err);

/* Writers: the number of a channel (not 0: the `channel` option is for
 * frames without), given now if it has none.
 * @param tell set when the file must be told the name first, once a channel
 * @return 1..255, or 0: all are taken */
unsigned evcan_channel_map_number_(struct evcan_channel_map_ *map,
    uint16_t channel, bool *tell);

/* Readers: the channel of a number (0: none). Numbers above 255 are named
 * in the same way. @return its index; EVCAN_CHANNEL_NONE if the process has
 * no room for more names */
uint16_t evcan_channel_map_channel_(struct evcan_channel_map_ *map,
    unsigned number);

/* Readers: what the file tells of a number; the option comes before it.
 * Writers that append: what it told already, which is told again. Bad numbers
 * and names are passed over. */
void evcan_channel_map_learn_(struct evcan_channel_map_ *map,
    unsigned number, const char *name, size_t len);

#endif

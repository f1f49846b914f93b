/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan_double_abi.h - PCAN-Basic's numbers and structures; frames in them */
#ifndef PCAN_DOUBLE_ABI_H
#define PCAN_DOUBLE_ABI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "double_bus.h"

enum {
	OK = 0, BUSLIGHT = 0x4, BUSWARNING = 0x8, BUSOFF = 0x10,
	QRCVEMPTY = 0x20, QOVERRUN = 0x40, ILLHW = 0x1400, ILLHANDLE = 0x1C00,
	ILLPARAMTYPE = 0x4000, ILLPARAMVAL = 0x8000, BUSPASSIVE = 0x40000,
	CAUTION = 0x2000000, INITIALIZE = 0x4000000, ILLOPERATION = 0x8000000
};

enum {
	MSG_RTR = 1, MSG_EXT = 2, MSG_FD = 4, MSG_BRS = 8, MSG_ESI = 0x10,
	MSG_ECHO = 0x20, MSG_ERR = 0x40, MSG_STATUS = 0x80
};

enum {
	DEVICE_ID = 0x01, RECEIVE_EVENT = 0x03,
	API_VERSION = 0x05, AUTORESET = 0x07, LISTEN_ONLY = 0x08,
	CONDITION = 0x0D, HARDWARE_NAME = 0x0E, CONTROLLER_NUMBER = 0x10,
	IDENTIFYING = 0x15, FEATURES = 0x16, BITRATE_INFO = 0x18,
	BITRATE_INFO_FD = 0x19, ALLOW_STATUS = 0x1E, ALLOW_RTR = 0x1F,
	ALLOW_ERROR = 0x20, FILTER_11 = 0x22, FILTER_29 = 0x23,
	CHANNELS_COUNT = 0x2A, CHANNELS_LIST = 0x2B, ALLOW_ECHO = 0x2C,
	HARD_RESET = 0x2E, PARAMETERS = 0x31
};

typedef struct {
	uint32_t ID;
	uint8_t MSGTYPE, LEN, DATA[8];
} TPCANMsg;

typedef struct {
	uint32_t ID;
	uint8_t MSGTYPE, DLC, DATA[64];
} TPCANMsgFD;

typedef struct {
	uint32_t millis;
	uint16_t millis_overflow, micros;
} TPCANTimestamp;

typedef struct {
	uint16_t channel_handle;
	uint8_t device_type, controller_number;
	uint32_t device_features;
	char device_name[33];
	uint32_t device_id, channel_condition;
} TPCANChannelInformation;

/* What a frame in a node's queue is. */
enum { TAG_FRAME, TAG_STATUS };

/* Frames */

static const uint8_t lengths[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20,
	24, 32, 48, 64 };

static uint8_t
dlc_of(unsigned len)
{
	uint8_t dlc = 0;

	while (dlc < 15 && lengths[dlc] < len)
		dlc++;
	return dlc;
}

static void
fill_frame(const struct double_frame *frame, TPCANMsgFD *msg)
{
	static const struct {
		unsigned flag;
		uint8_t type;
	} types[] = {
		{ DOUBLE_EXT, MSG_EXT }, { DOUBLE_RTR, MSG_RTR },
		{ DOUBLE_FD, MSG_FD }, { DOUBLE_BRS, MSG_BRS },
		{ DOUBLE_ESI, MSG_ESI }, { DOUBLE_ECHO, MSG_ECHO }
	};

	msg->ID = frame->id;
	msg->MSGTYPE = 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		msg->MSGTYPE |= frame->flags & types[i].flag ?
		    types[i].type : 0;
	/* The double's own: how a classic frame says a DLC over 8. */
	msg->DLC = frame->flags & DOUBLE_FD ? dlc_of(frame->len) :
	    (uint8_t)frame->len;
	memcpy(msg->DATA, frame->data, 64);
}

static uint32_t
fill(const struct double_frame *frame, TPCANMsgFD *msg)
{
	static const uint8_t error[4] = { 0, 0x19, 12, 34 };

	if (frame->tag == TAG_STATUS) {
		msg->ID = frame->id;
		msg->MSGTYPE = MSG_STATUS;
		msg->DLC = 4;
		memcpy(msg->DATA, frame->data, 4);
		return (uint32_t)frame->data[0] << 24 |
		    (uint32_t)frame->data[1] << 16 |
		    (uint32_t)frame->data[2] << 8 | frame->data[3];
	}
	if (frame->flags & DOUBLE_ERR) {
		msg->ID = 8;
		msg->MSGTYPE = MSG_ERR;
		msg->DLC = 4;
		memcpy(msg->DATA, error, 4);
		return OK;
	}
	fill_frame(frame, msg);
	return OK;
}

/* The text of bit timings */

static bool
key_known(const char *key, const char *const *keys)
{
	while (*keys != NULL && strcmp(*keys, key) != 0)
		keys++;
	return *keys != NULL;
}

/* One clock key, nom_brp; data_brp if there is any data key. */
static bool
bits_valid(const char *text)
{
	static const char *const clocks[] = { "f_clock", "f_clock_mhz",
		NULL };
	unsigned n_clocks = 0, nominal = 0, data = 0, data_brp = 0;
	unsigned long clock = 0;
	char key[32];
	unsigned long value;
	int used;

	if (strlen(text) > 500)
		return false;
	while (*text != '\0') {
		used = 0;
		if (sscanf(text, " %31[a-z_0-9] = %lu %n", key, &value,
		    &used) < 2 || used == 0)
			return false;
		if (key_known(key, clocks)) {
			n_clocks++;
			clock = strcmp(key, "f_clock") == 0 ? value :
			    value * 1000000;
		}
		nominal += strcmp(key, "nom_brp") == 0;
		data += strncmp(key, "data_", 5) == 0;
		data_brp += strcmp(key, "data_brp") == 0;
		text += used;
		if (*text == ',')
			text++;
	}
	return n_clocks == 1 && nominal == 1 && (data == 0 || data_brp == 1) &&
	    clock >= 20000000 && clock <= 80000000;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan_double.c - PCAN-Basic for Linux, with two channels on a simulated bus
 *
 * PCAN_USBBUS1 and 2. Switches ("set NAME VALUE"):
 *   pcan_version N    what it says of its version, see give_version()
 *   unheard           what it takes waits for an acknowledge, for ever
 *   no_list           it cannot list channels
 *   no_echo           firmware without echo frames
 *   boot_time         stamps count from the system's start
 *   identify_ms       how long "identify" takes, with the lock held
 *   busy              another program has the channels: 1 refused, 2 shared
 *   first_status      classic channels, too, begin with a status message
 *   status VALUE      what CAN_GetStatus adds */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pcan_double_abi.h"

#define CHANNELS 2
#define QUEUE 2000
#define EXPORTED __attribute__((visibility("default")))

static struct channel {
	struct double_node *node;       /* while it is initialised */
	bool fd;
	uint16_t btr;
	char bits[512];
	uint32_t switches[PARAMETERS];
	uint64_t filters[2];            /* code << 32 | don't care */
} channels[CHANNELS];

/* The vendor's: held for the whole of each call. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Of the nodes, for those who change states while a call hangs. */
static pthread_mutex_t nodes_lock = PTHREAD_MUTEX_INITIALIZER;

/* Handles */

static int
index_of(uint16_t handle)
{
	int i = handle - 0x51;

	return i >= 0 && i < CHANNELS && !double_unplugged(i) ? i : -1;
}

static struct channel *
channel_of(uint16_t handle)
{
	int i = handle - 0x51;

	return i >= 0 && i < CHANNELS ? &channels[i] : NULL;
}

/* At the head of each call. @return what is wrong already */
static uint32_t
enter(const char *name)
{
	long code;

	if (double_enter(name, &code))
		return (uint32_t)code;
	pthread_mutex_lock(&lock);
	return OK;
}

static uint32_t
leave(uint32_t status)
{
	pthread_mutex_unlock(&lock);
	return status;
}

/* @return OK if the channel is initialised, and there still */
static uint32_t
in_use(uint16_t handle)
{
	const struct channel *channel = channel_of(handle);

	if (channel == NULL || index_of(handle) < 0)
		return ILLHW;
	return channel->node != NULL ? OK : INITIALIZE;
}

/* Status messages */

static uint32_t
state_bits(int i)
{
	static const uint32_t bits[] = { OK, BUSWARNING, BUSPASSIVE, BUSOFF };

	return bits[double_state(i)];
}

static void
give_status(struct double_node *node, uint32_t status)
{
	struct double_frame frame = { .tag = TAG_STATUS, .id = 1, .len = 4 };

	for (int i = 0; i < 4; i++)
		frame.data[i] = (uint8_t)(status >> (24 - 8 * i));
	double_give(node, &frame);
}

static void
on_change(int i)
{
	pthread_mutex_lock(&nodes_lock);
	if (i < CHANNELS && channels[i].node != NULL && !double_unplugged(i))
		give_status(channels[i].node, state_bits(i));
	pthread_mutex_unlock(&nodes_lock);
}

static void
make_active(int i)
{
	char command[32];

	snprintf(command, sizeof(command), "state %d active", i);
	evcan_double_control(command);
}

__attribute__((constructor)) static void
prepare(void)
{
	double_init(CHANNELS);
	double_on_change(on_change);
}

/* Opening */

static void
set_defaults(struct channel *channel)
{
	uint32_t listen_only = channel->switches[LISTEN_ONLY];

	memset(channel->switches, 0, sizeof(channel->switches));
	channel->switches[LISTEN_ONLY] = listen_only;
	channel->switches[ALLOW_STATUS] = channel->switches[ALLOW_RTR] = 1;
	channel->filters[0] = 0x7ff;
	channel->filters[1] = 0x1fffffff;
}

static uint32_t
initialize(uint16_t handle, uint16_t btr, const char *bits)
{
	struct channel *channel = channel_of(handle);
	long busy = double_setting("busy", 0);
	int i = index_of(handle);

	if (i < 0)
		return ILLHW;
	if (channel->node != NULL || busy == 1)
		return INITIALIZE;
	if (bits != NULL && !bits_valid(bits))
		return ILLPARAMVAL;
	pthread_mutex_lock(&nodes_lock);
	channel->node = double_join(i, QUEUE, false);
	pthread_mutex_unlock(&nodes_lock);
	set_defaults(channel);
	channel->btr = btr;
	channel->fd = bits != NULL;
	snprintf(channel->bits, sizeof(channel->bits), "%s",
	    bits != NULL ? bits : "");
	if (bits != NULL || double_setting("first_status", 0))
		give_status(channel->node, state_bits(i));
	return busy == 2 ? CAUTION : OK;
}

EXPORTED uint32_t
CAN_Initialize(uint16_t handle, uint16_t btr, uint8_t type, uint32_t port,
    uint16_t irq)
{
	uint32_t status = enter("CAN_Initialize");

	(void)type;
	(void)port;
	(void)irq;
	return status != OK ? status : leave(initialize(handle, btr, NULL));
}

EXPORTED uint32_t
CAN_InitializeFD(uint16_t handle, char *bits)
{
	uint32_t status = enter("CAN_InitializeFD");

	return status != OK ? status : leave(initialize(handle, 0, bits));
}

EXPORTED uint32_t
CAN_Uninitialize(uint16_t handle)
{
	struct channel *channel = channel_of(handle);
	uint32_t status = enter("CAN_Uninitialize");
	struct double_node *node;

	if (status != OK)
		return status;
	if (handle == 0)
		abort();     /* the real one uses freed memory then */
	if (channel == NULL || channel->node == NULL)
		return leave(INITIALIZE);
	pthread_mutex_lock(&nodes_lock);
	node = channel->node;
	channel->node = NULL;
	pthread_mutex_unlock(&nodes_lock);
	double_leave(node);
	channel->switches[LISTEN_ONLY] = 0;
	return leave(OK);
}

EXPORTED uint32_t
CAN_Reset(uint16_t handle)
{
	uint32_t status = enter("CAN_Reset");

	if (status != OK)
		return status;
	status = in_use(handle);
	if (status == OK) {
		double_flush(channel_of(handle)->node);
		make_active(index_of(handle));
	}
	return leave(status);
}

EXPORTED uint32_t
CAN_GetStatus(uint16_t handle)
{
	static const uint32_t bits[] = { OK, BUSLIGHT,
		BUSLIGHT | BUSWARNING | BUSPASSIVE, BUSOFF };
	uint32_t status = enter("CAN_GetStatus");

	if (status != OK)
		return status;
	status = in_use(handle);
	if (status == OK)
		status = bits[double_state(index_of(handle))] |
		    (uint32_t)double_setting("status", 0);
	return leave(status);
}

/* Receiving */

static bool
passes(const struct channel *channel, const struct double_frame *frame)
{
	uint64_t filter = channel->filters[(frame->flags & DOUBLE_EXT) != 0];
	uint32_t code = (uint32_t)(filter >> 32), any = (uint32_t)filter;

	if (frame->tag == TAG_STATUS)
		return channel->switches[ALLOW_STATUS] != 0;
	if (frame->flags & DOUBLE_ERR)
		return channel->switches[ALLOW_ERROR] != 0;
	if ((frame->flags & DOUBLE_RTR) && !channel->switches[ALLOW_RTR])
		return false;
	return ((frame->id ^ code) & ~any) == 0;
}

static uint64_t
stamp_us(uint64_t monotonic_ns)
{
	struct timespec now, unix_now;

	if (double_setting("boot_time", 0))
		return monotonic_ns / 1000;
	clock_gettime(CLOCK_MONOTONIC, &now);
	clock_gettime(CLOCK_REALTIME, &unix_now);
	return (monotonic_ns + (uint64_t)(unix_now.tv_sec - now.tv_sec) *
	    1000000000 + (uint64_t)unix_now.tv_nsec -
	    (uint64_t)now.tv_nsec) / 1000;
}

static uint32_t
take(struct channel *channel, TPCANMsgFD *msg, uint64_t *us)
{
	struct double_frame frame;
	int i = double_channel(channel->node), r;

	if (double_state(i) == DOUBLE_OFF && channel->switches[AUTORESET] &&
	    double_count(channel->node) == 0) {
		make_active(i);
		return BUSOFF;       /* without a message */
	}
	if (double_lost(channel->node) > 0)
		give_status(channel->node, QOVERRUN);
	r = double_take(channel->node, &frame, 0);
	if (r < 0)
		return ILLHW;
	if (r == 0)
		return QRCVEMPTY;
	if (!passes(channel, &frame))
		return QRCVEMPTY;    /* swallowed: the fd was readable */
	*us = stamp_us(frame.time_ns);
	return fill(&frame, msg);
}

static uint32_t
read_any(uint16_t handle, bool fd, TPCANMsgFD *msg, uint64_t *us)
{
	uint32_t status = in_use(handle);

	if (status != OK)
		return status;
	if (channel_of(handle)->fd != fd)
		return ILLOPERATION;
	return take(channel_of(handle), msg, us);
}

EXPORTED uint32_t
CAN_Read(uint16_t handle, TPCANMsg *msg, TPCANTimestamp *stamp)
{
	uint32_t status = enter("CAN_Read");
	TPCANMsgFD any = { .MSGTYPE = msg->MSGTYPE };
	uint64_t us = 0, ms;

	if (status != OK)
		return status;
	status = read_any(handle, false, &any, &us);
	ms = us / 1000;
	if (stamp != NULL) {
		stamp->micros = (uint16_t)(us % 1000);
		stamp->millis = (uint32_t)ms;
		stamp->millis_overflow = (uint16_t)(ms >> 32);
	}
	msg->ID = any.ID;
	msg->MSGTYPE = any.MSGTYPE;
	msg->LEN = any.DLC;
	memcpy(msg->DATA, any.DATA, 8);
	return leave(status);
}

EXPORTED uint32_t
CAN_ReadFD(uint16_t handle, TPCANMsgFD *msg, uint64_t *stamp)
{
	uint32_t status = enter("CAN_ReadFD");
	uint64_t us = 0;

	if (status != OK)
		return status;
	status = read_any(handle, true, msg, &us);
	if (stamp != NULL)
		*stamp = us;
	return leave(status);
}

/* Sending */

static uint32_t
put(uint16_t handle, bool fd, const TPCANMsgFD *msg)
{
	struct channel *channel = channel_of(handle);
	struct double_frame frame = { .id = msg->ID,
		.tag = TAG_FRAME, .len = msg->DLC };
	uint32_t status = in_use(handle);

	if (status != OK)
		return status;
	if (channel->fd != fd)
		return ILLOPERATION;
	if (!fd && msg->DLC > 8)
		return ILLPARAMVAL;
	if (msg->MSGTYPE & MSG_FD)
		frame.len = lengths[msg->DLC & 15];
	frame.flags = (msg->MSGTYPE & MSG_EXT ? DOUBLE_EXT : 0) |
	    (msg->MSGTYPE & MSG_RTR ? DOUBLE_RTR : 0) |
	    (msg->MSGTYPE & MSG_FD ? DOUBLE_FD : 0) |
	    (msg->MSGTYPE & MSG_BRS ? DOUBLE_BRS : 0);
	memcpy(frame.data, msg->DATA, 64);
	/* The rest, ESI too, is the controller's to say. */
	if (channel->switches[LISTEN_ONLY] || double_setting("unheard", 0))
		return OK;
	return double_put(channel->node, &frame,
	    channel->switches[ALLOW_ECHO]) ? OK : BUSOFF;
}

EXPORTED uint32_t
CAN_Write(uint16_t handle, TPCANMsg *msg)
{
	uint32_t status = enter("CAN_Write");
	TPCANMsgFD any = { .ID = msg->ID, .MSGTYPE = msg->MSGTYPE,
		.DLC = msg->LEN };

	if (status != OK)
		return status;
	memcpy(any.DATA, msg->DATA, 8);
	return leave(put(handle, false, &any));
}

EXPORTED uint32_t
CAN_WriteFD(uint16_t handle, TPCANMsgFD *msg)
{
	uint32_t status = enter("CAN_WriteFD");

	return status != OK ? status : leave(put(handle, true, msg));
}

#include "pcan_double_values.h"

/* The rest of its fourteen functions */

EXPORTED uint32_t
CAN_FilterMessages(uint16_t handle, uint32_t from, uint32_t to, uint8_t mode)
{
	(void)handle;
	(void)from;
	(void)to;
	return mode == 0 || mode == 2 ? OK : ILLPARAMVAL;
}

EXPORTED uint32_t
CAN_GetErrorText(uint32_t error, uint16_t language, char *buffer)
{
	bool known = (error & (error - 1)) == 0 || error == 0x4001C ||
	    error == ILLHW || error == 0x1800 || error == ILLHANDLE;

	(void)language;
	snprintf(buffer, 256, known ? "Error 0x%X" : "An unknown error, 0x%X",
	    (unsigned)error);
	return known ? OK : ILLPARAMVAL;
}

EXPORTED uint32_t
CAN_LookUpChannel(char *parameters, uint16_t *handle)
{
	unsigned id;

	*handle = 0;
	if (sscanf(parameters, "deviceid=%u", &id) != 1)
		return ILLPARAMVAL;
	if (id >= 70 && id < 70 + CHANNELS)
		*handle = (uint16_t)(0x51 + id - 70);
	return OK;
}

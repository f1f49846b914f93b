/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan_double.c - PCAN-Basic for Linux, with two channels on a simulated bus
 *
 * PCAN_USBBUS1 and 2. Switches ("set NAME VALUE"):
 *   version 1         its number is 4.1.0.0 then, not 4.10.0.4
 *   no_list           it cannot list channels
 *   no_echo           firmware without echo frames
 *   boot_time         stamps count from the system's start
 *   identify_ms       how long "identify" takes, with the lock held
 *   busy              another program has the channels: 1 refused, 2 shared
 *   first_status      classic channels, too, begin with a status message
 *   status VALUE      what CAN_GetStatus adds */
#include "double_bus.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHANNELS 2
#define QUEUE 2000
#define EXPORTED __attribute__((visibility("default")))

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

static const uint8_t lengths[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20,
	24, 32, 48, 64 };

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
	    (msg->MSGTYPE & MSG_BRS ? DOUBLE_BRS : 0) |
	    (msg->MSGTYPE & MSG_ESI ? DOUBLE_ESI : 0);
	memcpy(frame.data, msg->DATA, 64);
	if (channel->switches[LISTEN_ONLY])
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

/* Parameters */

static uint32_t
give_text(void *buffer, uint32_t size, const char *text)
{
	if (size <= strlen(text))
		return ILLPARAMVAL;
	memcpy(buffer, text, strlen(text) + 1);
	return OK;
}

static uint32_t
give_number(void *buffer, uint32_t size, uint64_t value)
{
	uint32_t four = (uint32_t)value;
	uint16_t two = (uint16_t)value;

	if (size >= sizeof(value))
		memcpy(buffer, &value, sizeof(value));
	else if (size >= sizeof(four))
		memcpy(buffer, &four, sizeof(four));
	else if (size >= sizeof(two))
		memcpy(buffer, &two, sizeof(two));
	return size >= sizeof(two) ? OK : ILLPARAMVAL;
}

static uint32_t
condition(int i)
{
	return double_unplugged(i) ? 0 : channels[i].node != NULL ? 2 : 1;
}

static void
describe(int i, TPCANChannelInformation *to)
{
	memset(to, 0, sizeof(*to));
	to->channel_handle = (uint16_t)(0x51 + i);
	to->device_type = 5;
	to->controller_number = (uint8_t)i;
	to->device_features = 1;
	snprintf(to->device_name, sizeof(to->device_name),
	    "PCAN-USB Pro FD");
	to->device_id = (uint32_t)(70 + i);
	to->channel_condition = condition(i);
}

static uint32_t
list(void *buffer, uint32_t size, bool count)
{
	TPCANChannelInformation found[CHANNELS];
	uint32_t n = 0;

	if (double_setting("no_list", 0))
		return ILLPARAMTYPE;
	for (int i = 0; i < CHANNELS; i++) {
		if (!double_unplugged(i))
			describe(i, &found[n++]);
	}
	if (count)
		return give_number(buffer, size, n);
	if (size < n * sizeof(found[0]))
		return ILLPARAMVAL;
	memcpy(buffer, found, n * sizeof(found[0]));
	return OK;
}

static uint32_t
get_open(struct channel *channel, uint8_t what, void *buffer, uint32_t size)
{
	switch (what) {
	case RECEIVE_EVENT:
		return give_number(buffer, size,
		    (uint64_t)double_fd(channel->node));
	case BITRATE_INFO:
		return channel->fd ? ILLOPERATION :
		    give_number(buffer, size, channel->btr);
	case BITRATE_INFO_FD:
		return channel->fd ? give_text(buffer, size, channel->bits) :
		    ILLOPERATION;
	case FILTER_11:
	case FILTER_29:
		return size == 8 ? give_number(buffer, size,
		    channel->filters[what - FILTER_11]) : ILLPARAMVAL;
	case AUTORESET:
	case ALLOW_STATUS:
	case ALLOW_RTR:
	case ALLOW_ERROR:
	case HARD_RESET:
		return give_number(buffer, size, channel->switches[what]);
	case ALLOW_ECHO:
		return double_setting("no_echo", 0) ? ILLPARAMTYPE :
		    give_number(buffer, size, channel->switches[what]);
	default:
		return ILLPARAMTYPE;
	}
}

static uint32_t
get_value(uint16_t handle, uint8_t what, void *buffer, uint32_t size)
{
	struct channel *channel = channel_of(handle);
	int i = index_of(handle);

	if (buffer == NULL || size == 0)
		return ILLPARAMVAL;
	memset(buffer, 0, size);
	if (what == API_VERSION)
		return give_text(buffer, size, double_setting("version", 10)
		    == 10 ? "4.10.0.4" : "4, 1, 0, 0");
	if (what == CHANNELS_COUNT || what == CHANNELS_LIST)
		return handle != 0 ? ILLHANDLE :
		    list(buffer, size, what == CHANNELS_COUNT);
	if (what == CONDITION)
		return size < 4 ? ILLPARAMVAL : give_number(buffer, size,
		    i < 0 ? 0 : condition(i));
	if (i < 0)
		return ILLHW;
	switch (what) {
	case DEVICE_ID:
		return give_number(buffer, size, (uint64_t)(70 + i));
	case HARDWARE_NAME:
		return give_text(buffer, size, "PCAN-USB Pro FD");
	case CONTROLLER_NUMBER:
		return give_number(buffer, size, (uint64_t)i);
	case FEATURES:
		return give_number(buffer, size, 1);
	case LISTEN_ONLY:
		return give_number(buffer, size, channel->switches[what]);
	default:
		return channel->node == NULL ? INITIALIZE :
		    get_open(channel, what, buffer, size);
	}
}

EXPORTED uint32_t
CAN_GetValue(uint16_t handle, uint8_t what, void *buffer, uint32_t size)
{
	uint32_t status = enter("CAN_GetValue");

	return status != OK ? status :
	    leave(get_value(handle, what, buffer, size));
}

/* The real one computes its value with a shift that is too wide for more than
 * one byte, so that 4 and 8 mean "off"; on blocks for five seconds. */
static uint32_t
flash(const void *buffer, uint32_t size)
{
	if (size == 1 && *(const uint8_t *)buffer != 0) {
		usleep((unsigned)double_setting("identify_ms", 0) * 1000);
		double_enter("flashed", NULL);
	}
	return OK;
}

static uint32_t
set_open(struct channel *channel, uint8_t what, const void *buffer,
    uint32_t size, uint32_t on)
{
	switch (what) {
	case RECEIVE_EVENT:
		return ILLOPERATION;
	case FILTER_11:
	case FILTER_29:
		if (size != 8)
			return ILLPARAMVAL;
		memcpy(&channel->filters[what - FILTER_11], buffer, 8);
		return OK;
	case ALLOW_ECHO:
		if (double_setting("no_echo", 0))
			return ILLPARAMTYPE;
		channel->switches[what] = on;
		return OK;
	case AUTORESET:
	case ALLOW_STATUS:
	case ALLOW_RTR:
	case ALLOW_ERROR:
	case HARD_RESET:
		channel->switches[what] = on;
		return OK;
	default:
		return ILLPARAMTYPE;
	}
}

static uint32_t
set_value(uint16_t handle, uint8_t what, const void *buffer, uint32_t size)
{
	struct channel *channel = channel_of(handle);
	uint32_t on;

	if (buffer == NULL || size == 0)
		return ILLPARAMVAL;
	if (index_of(handle) < 0)
		return ILLHW;
	on = *(const uint8_t *)buffer != 0;
	if (what == LISTEN_ONLY) {
		channel->switches[what] = on;
		if (channel->node != NULL)
			double_flush(channel->node);
		return OK;
	}
	if (what == IDENTIFYING)
		return flash(buffer, size);
	return channel->node == NULL ? INITIALIZE :
	    set_open(channel, what, buffer, size, on);
}

EXPORTED uint32_t
CAN_SetValue(uint16_t handle, uint8_t what, void *buffer, uint32_t size)
{
	uint32_t status = enter("CAN_SetValue");

	return status != OK ? status :
	    leave(set_value(handle, what, buffer, size));
}

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

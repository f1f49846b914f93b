/* SPDX-License-Identifier: BSD-3-Clause */
/* usb2can_double.c - a usb2can.dll without hardware, as CANAL on Linux is
 *
 * Its devices are ED000001 (channel 0) and ED000002. Switches of "set":
 * "usb2can_queue N" (messages a handle's list holds, 1024), "usb2can_tx N"
 * (messages it takes before its queue is full, then it is full until it is
 * set again; -1: no end), "usb2can_code N" (of the next error messages,
 * 0x23), "usb2can_overruns N" (the device's counter, until it is read),
 * "usb2can_level N", "usb2can_version N" (CANAL's, 0x0e0001: 1.0.14),
 * "usb2can_tick N" (ms, of the clock at its start),
 * "usb2can_close_ms N" (that CanalClose takes), "usb2can_forget 1" (handles
 * are good for CanalClose only). What was opened last is told by
 * evcan_usb2can_opened(). */
#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "double_bus.h"

#define API __attribute__((visibility("default")))
#define HANDLES 32
#define FIRST 1681

enum { SUCCESS = 0, FIFO_EMPTY = 8, FIFO_FULL = 9, HARDWARE = 13,
	NOT_SUPPORTED = 17, TIMEOUT = 32, PARAMETER = 34 };

enum { EXT = 1, RTR = 2, STATUS = 4 };

enum { SILENT = 1, LOOPBACK = 2, SHOW_STATUS = 8 };

struct message {
	uint64_t flags;
	uint64_t obid;
	uint64_t id;
	uint8_t size_data;
	uint8_t data[8];
	uint64_t timestamp;
};

struct state {
	uint64_t channel_status, last_error, last_suberror;
	char text[80];
};

struct counters {
	uint64_t rx_frames, tx_frames, rx_bytes, tx_bytes;
	uint64_t overruns, warnings, bus_offs;
};

struct device {
	struct double_node *node;     /* NULL: not open */
	unsigned long flags;
	uint64_t began_ns;
	struct counters counters;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct device devices[HANDLES];
static char opened[300];

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The text and flags of the last CanalOpen, for tests. */
API const char *
evcan_usb2can_opened(void)
{
	static char copy[sizeof(opened)];

	pthread_mutex_lock(&lock);
	memcpy(copy, opened, sizeof(copy));
	pthread_mutex_unlock(&lock);
	return copy;
}

/* @return the device, or NULL: then *code is what the call returns */
static struct device *
enter(const char *name, long handle, int *code)
{
	struct device *device = NULL;
	long failure;

	*code = SUCCESS;     /* of unknown handles, that is */
	if (double_enter(name, &failure)) {
		*code = (int)failure;
		return NULL;
	}
	pthread_mutex_lock(&lock);
	if (handle >= FIRST && handle < FIRST + HANDLES &&
	    devices[handle - FIRST].node != NULL &&
	    (double_setting("usb2can_forget", 0) == 0 ||
	    strcmp(name, "CanalClose") == 0))
		device = &devices[handle - FIRST];
	pthread_mutex_unlock(&lock);
	return device;
}

/* Opening */

/* @return the channel, or -1 */
static int
channel_of(const char *text)
{
	char serial[9] = "";
	size_t n = 0;

	for (; *text != '\0' && *text != ';'; text++) {
		if (!isalnum((unsigned char)*text))
			continue;
		if (n == 8)
			return -1;
		serial[n++] = (char)toupper((unsigned char)*text);
	}
	if (n != 8 || strncmp(serial, "ED00000", 7) != 0)
		return -1;
	return serial[7] == '1' || serial[7] == '2' ? serial[7] - '1' : -1;
}

/* "kbit", or "0;tseg1;tseg2;sjw;brp". @return false: not the device's */
static bool
is_bit(const char *text)
{
	static const unsigned long most[4] = { 16, 8, 4, 1024 };
	const char *at = strchr(text, ';');
	char *end;

	if (at == NULL)
		return false;
	if (strtoul(at + 1, &end, 0) != 0)
		return true;
	for (int i = 0; i < 4; i++) {
		unsigned long value;

		if (*end != ';')
			return false;
		value = strtoul(end + 1, &end, 0);
		if (value < 1 || value > most[i])
			return false;
	}
	return *end == '\0' || *end == ';';
}

static void
on_change(int channel)
{
	static const uint64_t codes[] = { [DOUBLE_ACTIVE] = 0,
		[DOUBLE_WARNING] = 2, [DOUBLE_PASSIVE] = 3,
		[DOUBLE_OFF] = 4 };
	struct double_frame frame = { .flags = DOUBLE_ERR,
		.tag = codes[double_state(channel)] + 1 };

	pthread_mutex_lock(&lock);
	for (int i = 0; i < HANDLES; i++) {
		if (devices[i].node != NULL &&
		    double_channel(devices[i].node) == channel &&
		    !double_unplugged(channel))
			double_give(devices[i].node, &frame);
	}
	pthread_mutex_unlock(&lock);
}

/* Under the lock. @return whether somebody has the channel */
static bool
is_taken(int channel)
{
	for (int i = 0; i < HANDLES; i++)
		if (devices[i].node != NULL &&
		    double_channel(devices[i].node) == channel &&
		    !double_unplugged(channel))
			return true;
	return false;
}

/* Under the lock. @return a handle, or 0 */
static long
open_channel(int channel, unsigned long flags)
{
	struct double_node *node;
	int at = 0;

	while (at < HANDLES && devices[at].node != NULL)
		at++;
	if (at == HANDLES || is_taken(channel))
		return 0;
	node = double_join(channel,
	    (size_t)double_setting("usb2can_queue", 1024), false);
	if (node == NULL)
		return 0;
	memset(&devices[at], 0, sizeof(devices[at]));
	devices[at].node = node;
	devices[at].flags = flags;
	devices[at].began_ns = now_ns();
	return at + FIRST;
}

API long
CanalOpen(const char *text, unsigned long flags)
{
	int channel = text != NULL ? channel_of(text) : -1;
	long handle, failure;

	if (double_enter("CanalOpen", &failure))
		return failure;
	if (channel < 0 || strlen(text) >= 256 || !is_bit(text))
		return 0;
	double_init(2);
	double_on_change(on_change);
	pthread_mutex_lock(&lock);
	snprintf(opened, sizeof(opened), "%s %lu", text, flags);
	handle = open_channel(channel, flags);
	pthread_mutex_unlock(&lock);
	return handle;
}

API int
CanalClose(long handle)
{
	const long ms = double_setting("usb2can_close_ms", 0);
	const struct timespec nap = { ms / 1000, ms % 1000 * 1000000 };
	struct double_node *node;
	struct device *device;
	int code;

	device = enter("CanalClose", handle, &code);
	if (device == NULL)
		return code;
	nanosleep(&nap, NULL);
	pthread_mutex_lock(&lock);
	node = device->node;
	device->node = NULL;
	pthread_mutex_unlock(&lock);
	double_leave(node);
	return SUCCESS;
}

/* Sending */

static bool
is_on_bus(const struct device *device)
{
	return !(device->flags & SILENT) &&
	    double_state(double_channel(device->node)) != DOUBLE_OFF;
}

/* What it takes it calls a success, whatever becomes of it. */
API int
CanalSend(long handle, struct message *message)
{
	int code;
	struct device *device = enter("CanalSend", handle, &code);
	struct double_frame frame = { 0 };

	if (device == NULL)
		return code;
	if (message == NULL)
		return PARAMETER;
	if (!double_spend("usb2can_tx"))
		return FIFO_FULL;
	frame.flags = (message->flags & EXT ? DOUBLE_EXT : 0) |
	    (message->flags & RTR ? DOUBLE_RTR : 0);
	frame.id = (uint32_t)message->id & 0x1fffffff;
	frame.len = message->size_data < 8 ? message->size_data : 8;
	memcpy(frame.data, message->data, 8);
	device->counters.tx_frames++;
	device->counters.tx_bytes += frame.len;
	if (is_on_bus(device))
		double_put(device->node, &frame, device->flags & LOOPBACK);
	return SUCCESS;
}

API int
CanalBlockingSend(long handle, struct message *message, unsigned long ms)
{
	const struct timespec nap = { 0, 1000000 };
	int code;

	while ((code = CanalSend(handle, message)) == FIFO_FULL && ms-- > 0)
		nanosleep(&nap, NULL);
	return code == FIFO_FULL ? TIMEOUT : code;
}

/* Receiving */

/* Firmware's counters: of the receiver, of the transmitter. */
static void
status_message(const struct device *device, const struct double_frame *frame,
    struct message *message)
{
	enum double_state state = double_state(double_channel(device->node));

	message->flags = 0x0300 | STATUS;
	message->id = 0;
	message->size_data = 4;
	memset(message->data, 0, sizeof(message->data));
	message->data[0] = (uint8_t)(frame->tag > 0 ? frame->tag - 1 :
	    (uint64_t)double_setting("usb2can_code", 0x23));
	message->data[1] = state == DOUBLE_PASSIVE ? 7 : 0;
	message->data[2] = state == DOUBLE_PASSIVE ? 130 :
	    state == DOUBLE_WARNING ? 97 : 3;
}

/* The object identifier is whatever was in its memory. */
static void
hand_out(struct device *device, const struct double_frame *frame,
    struct message *message)
{
	int64_t ms = ((int64_t)frame->time_ns - (int64_t)device->began_ns) /
	    1000000 + double_setting("usb2can_tick", 0);

	if (frame->flags & DOUBLE_ERR) {
		status_message(device, frame, message);
	} else {
		message->flags = 0x0200 | (frame->flags & DOUBLE_EXT ? EXT :
		    0) | (frame->flags & DOUBLE_RTR ? RTR : 0);
		message->id = frame->id;
		message->size_data = (uint8_t)frame->len;
		memset(message->data, 0, sizeof(message->data));
		memcpy(message->data, frame->data, frame->len);
		device->counters.rx_frames++;
		device->counters.rx_bytes += frame->len;
	}
	message->obid = 0xa5a5a5a5;
	message->timestamp = (uint64_t)ms & 0x1fffffff;
}

/* @return a code; one of a device that is gone never gets anything */
static int
take(struct device *device, struct message *message, unsigned long ms,
    int none)
{
	const struct timespec wait = { (time_t)(ms / 1000),
		(long)(ms % 1000) * 1000000 };
	const uint64_t end = now_ns() + ms * 1000000;
	struct double_frame frame;
	int r;

	if (message == NULL)
		return PARAMETER;
	do {
		uint64_t now = now_ns();

		r = double_take(device->node, &frame, now < end ?
		    (int)((end - now + 999999) / 1000000) : 0);
	} while (r == 1 && (frame.flags & DOUBLE_ERR) &&
	    !(device->flags & SHOW_STATUS));
	if (r == -1)
		nanosleep(&wait, NULL);
	if (r != 1)
		return none;
	hand_out(device, &frame, message);
	return SUCCESS;
}

API int
CanalReceive(long handle, struct message *message)
{
	int code;
	struct device *device = enter("CanalReceive", handle, &code);

	return device == NULL ? code : take(device, message, 0, FIFO_EMPTY);
}

API int
CanalBlockingReceive(long handle, struct message *message, unsigned long ms)
{
	int code;
	struct device *device = enter("CanalBlockingReceive", handle, &code);

	return device == NULL ? code : take(device, message, ms, TIMEOUT);
}

API int
CanalDataAvailable(long handle)
{
	int code;
	struct device *device = enter("CanalDataAvailable", handle, &code);

	return device == NULL ? code : (int)double_count(device->node);
}

/* Status and the rest */

API int
CanalGetStatus(long handle, struct state *state)
{
	static const uint64_t bits[] = { [DOUBLE_ACTIVE] = 3,
		[DOUBLE_WARNING] = 0x20000000 | 97,
		[DOUBLE_PASSIVE] = 0x60000000 | 7 << 8 | 130,
		[DOUBLE_OFF] = 0x80000000 };
	int code;
	struct device *device = enter("CanalGetStatus", handle, &code);

	if (device == NULL)
		return code;
	if (double_dead(device->node))
		return HARDWARE;
	state->channel_status =
	    bits[double_state(double_channel(device->node))];
	state->last_error = state->last_suberror = 0;
	return SUCCESS;
}

API int
CanalGetStatistics(long handle, struct counters *counters)
{
	int code;
	struct device *device = enter("CanalGetStatistics", handle, &code);

	if (device == NULL)
		return code;
	if (double_dead(device->node))
		return HARDWARE;
	*counters = device->counters;
	while (double_setting("usb2can_overruns", 0) > 0 &&
	    double_spend("usb2can_overruns"))
		counters->overruns++;
	memset(&device->counters, 0, sizeof(device->counters));
	return SUCCESS;
}

API unsigned long
CanalGetLevel(long handle)
{
	int code;

	enter("CanalGetLevel", handle, &code);
	return (unsigned long)double_setting("usb2can_level", 1);
}

/* They keep what they are given, and do nothing with it. */
API int
CanalSetFilter(long handle, unsigned long filter)
{
	int code;

	(void)filter;
	enter("CanalSetFilter", handle, &code);
	return code;
}

API int
CanalSetMask(long handle, unsigned long mask)
{
	int code;

	(void)mask;
	enter("CanalSetMask", handle, &code);
	return code;
}

API int
CanalSetBaudrate(long handle, unsigned long bitrate)
{
	int code;

	(void)bitrate;
	return enter("CanalSetBaudrate", handle, &code) == NULL ? code :
	    NOT_SUPPORTED;
}

API unsigned long
CanalGetVersion(void)
{
	return (unsigned long)double_setting("usb2can_version", 0x0e0001);
}

API unsigned long
CanalGetDllVersion(void)
{
	return 0x020001;
}

API const char *
CanalGetVendorString(void)
{
	int code;

	return enter("CanalGetVendorString", FIRST, &code) == NULL ? NULL :
	    "1.7;2.3;1.0.14;1.0.2;8devices.com";
}

API const char *
CanalGetDriverInfo(void)
{
	return NULL;
}

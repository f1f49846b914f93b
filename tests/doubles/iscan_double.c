/* SPDX-License-Identifier: BSD-3-Clause */
/* iscan_double.c - an iscandrv without hardware
 *
 * Switches of "set": "iscan_queue N" (messages that a device's queue holds,
 * 4096), "iscan_devices N" (that are configured, 2), "iscan_mute 1" (nobody is
 * called back), "iscan_once 1" (a state is told by one read), "iscan_async 1"
 * (off the bus messages are taken, and dropped). A status that a call is to
 * give: "fail isCAN_TransmitMessageEx 7 5". What was set is told by
 * evcan_iscan_last(). The state of a channel is the status of reads without a
 * message for as long as it lasts; bus off that of sends, too. OLD: a library
 * that knows standard frames alone, by calls that are not here. */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "double_bus.h"

#define API __attribute__((visibility("default")))
#ifdef OLD
#define API_EX __attribute__((unused)) static
#else
#define API_EX API
#endif
#define DEVICES 16

enum { NOT_FOUND = 2, PARAM = 4, ONLY_ONLINE = 5, NO_MESSAGE = 8,
	NOT_STARTED = 9, STARTED = 10, OVERRUN = 11, NOT_INIT = 12,
	REMOVED = 13, IN_USE = 15, BUS_ERROR = 16, BUS_OFF = 17,
	BLOCKED = 35 };

struct message {
	uint32_t id;
	uint8_t extended, rtr, len, data[8];
};

struct info {
	uint8_t type, id[4], attached, in_use;
};
_Static_assert(sizeof(struct message) == 16 && sizeof(struct info) == 7,
    "structures");

typedef void handler_cb(uint8_t device, void *context);

/* A device with its two nodes: messages, and the one that its thread waits
 * at, which gets a copy of each. */
struct device {
	struct double_node *node, *bell;     /* NULL: not initialised */
	bool online;
	uint32_t only_id;
	uint8_t baud, btr0, btr1;
	enum double_state told;              /* by a read, last */
	handler_cb *cb;
	void *context;
	pthread_t thread;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct device devices[DEVICES];

/* What a test may ask for. */
API long
evcan_iscan_last(uint8_t number, const char *what)
{
	const struct device *device = &devices[number];
	long value = -1;

	pthread_mutex_lock(&lock);
	if (strcmp(what, "baud") == 0)
		value = device->baud;
	else if (strcmp(what, "btr") == 0)
		value = device->btr0 << 8 | device->btr1;
	else if (strcmp(what, "id") == 0)
		value = (long)device->only_id;
	else if (strcmp(what, "open") == 0)
		value = device->node != NULL;
	else if (strcmp(what, "handler") == 0)
		value = device->cb != NULL;
	pthread_mutex_unlock(&lock);
	return value;
}

/* At the head of each call. @return 0, or the status to give */
static uint8_t
enter(const char *name, uint8_t number, struct device **device)
{
	long code;

	if (double_enter(name, &code))
		return (uint8_t)code;
	if (number >= DEVICES)
		return NOT_FOUND;
	*device = &devices[number];
	pthread_mutex_lock(&lock);
	code = (*device)->node != NULL ? 0 : NOT_INIT;
	pthread_mutex_unlock(&lock);
	return code == 0 && double_unplugged(number) ? REMOVED :
	    (uint8_t)code;
}

/* Opening */

static uint8_t
join(struct device *device, int number)
{
	size_t queue = (size_t)double_setting("iscan_queue", 4096);

	device->node = double_join(number, queue, false);
	device->bell = double_join(number, 1, false);
	if (device->node != NULL && device->bell != NULL)
		return 0;
	if (device->node != NULL)
		double_leave(device->node);
	if (device->bell != NULL)
		double_leave(device->bell);
	device->node = device->bell = NULL;
	return NOT_FOUND;
}

API_EX uint8_t
isCAN_DeviceInitEx(uint8_t number, uint8_t baud)
{
	struct device *device = &devices[number % DEVICES];
	uint8_t status;
	long code;

	if (double_enter("isCAN_DeviceInitEx", &code))
		return (uint8_t)code;
	if (baud > 9)
		return PARAM;
	double_init((int)double_setting("iscan_devices", 2));
	if (number >= DEVICES)
		return NOT_FOUND;
	pthread_mutex_lock(&lock);
	status = device->node != NULL ? IN_USE : join(device, number);
	if (status == 0) {
		device->baud = baud;
		device->btr0 = device->btr1 = 0;
		device->online = baud != 0;
		device->only_id = UINT32_MAX;
		device->told = DOUBLE_ACTIVE;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

/* Also while it calls back in its own thread, which then cannot end. */
static uint8_t
stop_handler(struct device *device)
{
	pthread_t thread = device->thread;
	bool inside;

	pthread_mutex_lock(&lock);
	if (device->cb == NULL) {
		pthread_mutex_unlock(&lock);
		return NOT_STARTED;
	}
	inside = pthread_equal(thread, pthread_self());
	if (!inside)
		device->cb = NULL;
	pthread_mutex_unlock(&lock);
	if (inside)
		return BLOCKED;
	double_wake(device->bell);
	pthread_join(thread, NULL);
	return 0;
}

API uint8_t
isCAN_CloseDevice(uint8_t number)
{
	struct device *device = NULL;
	uint8_t status = enter("isCAN_CloseDevice", number, &device);

	/* One that was taken away can be closed. */
	if (status != 0 && status != REMOVED)
		return status;
	stop_handler(device);
	pthread_mutex_lock(&lock);
	double_leave(device->node);
	double_leave(device->bell);
	device->node = device->bell = NULL;
	pthread_mutex_unlock(&lock);
	return 0;
}

API uint8_t
isCAN_SetBaudRegister(uint8_t number, uint8_t btr0, uint8_t btr1)
{
	struct device *device = NULL;
	uint8_t status = enter("isCAN_SetBaudRegister", number, &device);

	if (status != 0)
		return status;
	pthread_mutex_lock(&lock);
	device->btr0 = btr0;
	device->btr1 = btr1;
	device->online = true;
	pthread_mutex_unlock(&lock);
	return 0;
}

API_EX uint8_t
isCAN_SetMessageExID(uint8_t number, uint32_t id)
{
	struct device *device = NULL;
	uint8_t status = enter("isCAN_SetMessageExID", number, &device);

	if (status != 0)
		return status;
	if (id != UINT32_MAX && id > 0x1fffffff)
		return PARAM;
	pthread_mutex_lock(&lock);
	device->only_id = id;
	pthread_mutex_unlock(&lock);
	return 0;
}

API uint8_t
isCAN_GetDriverConfiguration(uint8_t number, struct info *info)
{
	long code;

	if (double_enter("isCAN_GetDriverConfiguration", &code))
		return (uint8_t)code;
	if (number >= double_setting("iscan_devices", 2))
		return NOT_FOUND;
	*info = (struct info){ .type = 1,
		.id = { number, 0x34, 0x12, 0xab },
		.attached = !double_unplugged(number) };
	pthread_mutex_lock(&lock);
	info->in_use = devices[number].node != NULL;
	pthread_mutex_unlock(&lock);
	return 0;
}

/* The thread that calls back */

static bool
take_cb(struct device *device, handler_cb **cb, void **context)
{
	pthread_mutex_lock(&lock);
	*cb = device->cb;
	*context = device->context;
	pthread_mutex_unlock(&lock);
	return *cb != NULL;
}

/* Once for what came together: the bell holds one frame. */
static void *
run_handler(void *arg)
{
	const struct timespec nap = { 0, 1000000 };
	struct device *device = arg;
	struct double_frame frame;
	handler_cb *cb;
	void *context;

	while (take_cb(device, &cb, &context)) {
		int r = double_take(device->bell, &frame, -1);

		if (r == 1 && !double_setting("iscan_mute", 0) &&
		    take_cb(device, &cb, &context))
			cb((uint8_t)(device - devices), context);
		/* Unplugged: it waits to be stopped. */
		if (r == -1)
			nanosleep(&nap, NULL);
	}
	return NULL;
}

API uint8_t
isCAN_StartMessageHandler(uint8_t number, handler_cb *cb, void *context)
{
	struct device *device = NULL;
	uint8_t status = enter("isCAN_StartMessageHandler", number, &device);

	if (status != 0)
		return status;
	pthread_mutex_lock(&lock);
	if (device->cb != NULL)
		status = STARTED;
	device->cb = cb;
	device->context = context;
	pthread_mutex_unlock(&lock);
	if (status == 0)
		pthread_create(&device->thread, NULL, run_handler, device);
	return status;
}

API uint8_t
isCAN_StopMessageHandler(uint8_t number)
{
	struct device *device = NULL;
	uint8_t status = enter("isCAN_StopMessageHandler", number, &device);

	return status != 0 && status != REMOVED ? status :
	    stop_handler(device);
}

/* Messages */

API_EX uint8_t
isCAN_TransmitMessageEx(uint8_t number, struct message *message)
{
	struct double_frame frame = { .id = message->id, .len = message->len };
	struct device *device = NULL;
	uint8_t status = enter("isCAN_TransmitMessageEx", number, &device);

	if (status != 0)
		return status;
	if (message->len > 8 ||
	    message->id > (message->extended ? 0x1fffffffu : 0x7ffu))
		return PARAM;
	if (!device->online)
		return ONLY_ONLINE;
	if (double_state(number) == DOUBLE_OFF)
		return double_setting("iscan_async", 0) ? 0 : BUS_OFF;
	frame.flags = (message->extended ? DOUBLE_EXT : 0) |
	    (message->rtr ? DOUBLE_RTR : 0);
	memcpy(frame.data, message->data, frame.len);
	return double_put(device->node, &frame, false) ? 0 : REMOVED;
}

/* All 15 bytes are written. */
static void
hand_out(struct message *message, const struct double_frame *frame)
{
	message->id = frame->id;
	message->extended = (frame->flags & DOUBLE_EXT) != 0;
	message->rtr = (frame->flags & DOUBLE_RTR) != 0;
	message->len = (uint8_t)(frame->len < 8 ? frame->len : 8);
	memcpy(message->data, frame->data, sizeof(message->data));
}

/* What a read gives that has no message. */
static uint8_t
state_of(struct device *device, int number)
{
	static const uint8_t states[] = { NO_MESSAGE, 20, 18, BUS_OFF };
	enum double_state state = double_state(number);
	bool again = device->told == state;

	device->told = state;
	return again && double_setting("iscan_once", 0) ? NO_MESSAGE :
	    states[state];
}

API_EX uint8_t
isCAN_ReceiveMessageEx(uint8_t number, struct message *message)
{
	struct device *device = NULL;
	uint8_t status = enter("isCAN_ReceiveMessageEx", number, &device);
	struct double_frame frame;
	int r;

	if (status != 0)
		return status;
	if (double_lost(device->node) > 0)
		return OVERRUN;
	do {
		r = double_take(device->node, &frame, 0);
	} while (r == 1 && !(frame.flags & DOUBLE_ERR) &&
	    device->only_id != UINT32_MAX && frame.id != device->only_id);
	if (r < 0)
		return REMOVED;
	if (r == 0)
		return state_of(device, number);
	if (frame.flags & DOUBLE_ERR)
		return BUS_ERROR;
	hand_out(message, &frame);
	return 0;
}

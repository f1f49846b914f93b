/* SPDX-License-Identifier: BSD-3-Clause */
/* iscan_port.c - an isCAN device, in its adapter's thread
 *
 * No call of the library waits. It calls back, in a thread of its own, when
 * there are messages, and the device is looked into now and then besides:
 * what state the bus is in is told only by what calls return. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include <evcan/driver.h>
#include <evcan/error.h>

#include "../error_frame.h"
#include "iscan.h"

/* How long a state holds that reads do not tell any more. */
#define STATE_NS ((int64_t)500000000)
/* Statuses other than messages, one after the other. */
#define OTHERS_MAX 8

/* Statuses */

/* What a status means, besides that the call did not work. */
enum kind { FAILS, GONE, EMPTY, BUSY, LOST, WARNING, PASSIVE, BUS_OFF, BACK,
	ERROR_FRAME, NO_ACK };

static const struct status {
	uint8_t status;
	enum kind kind;
	const char *name, *text;
} statuses[] = {
	{ 1, GONE, "no access", "the device cannot be reached" },
	{ 2, GONE, "device not found", "no device has this number" },
	{ 3, GONE, "driver operation failed", "the driver gave up" },
	{ 4, FAILS, "invalid parameter", "the device cannot do that" },
	{ 5, FAILS, "only online", "the device is not on the bus" },
	{ 6, FAILS, "device timeout", "the device did not answer" },
	{ 7, BUSY, "transmitting", "the device still sends" },
	{ 8, EMPTY, "no message", "nothing was received" },
	{ 9, FAILS, "thread not started", "no thread calls back" },
	{ 10, FAILS, "thread already started", "a thread calls back already" },
	{ 11, LOST, "buffer overrun", "the library dropped messages" },
	{ 12, GONE, "not initialized", "the device was closed" },
	{ 13, GONE, "device removed", "the device was unplugged" },
	{ 15, GONE, "in use", "another process has the device" },
	{ 16, ERROR_FRAME, "bus error", "an error was on the bus" },
	{ 17, BUS_OFF, "bus off", "the controller left the bus" },
	{ 18, PASSIVE, "error passive", "too many errors were on the bus" },
	{ 19, LOST, "data overrun", "the controller dropped messages" },
	{ 20, WARNING, "error warning", "many errors were on the bus" },
	{ 22, BACK, "bus reset", "the controller is back after bus off" },
	{ 24, FAILS, "extended message", "the queue holds one" },
	{ 30, FAILS, "send error", "the message was not sent" },
	{ 31, NO_ACK, "not acknowledged", "nobody received the message" },
	{ 32, ERROR_FRAME, "critical bus", "errors do not end on the bus" },
	{ 35, FAILS, "callback blocked", "the thread that calls back hangs" },
	{ 40, FAILS, "licence needed", "the driver wants a licence" },
	{ 41, FAILS, "access denied", "rights for the device are missing" },
};

static const struct status unknown = { 0, FAILS, "an unknown status",
	"see the vendor's manual" };

static const struct status *
status_of(uint8_t status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].status == status)
			return &statuses[i];
	}
	return &unknown;
}

static int
open_error(struct evcan_error *err, const struct evcan_iscan_port_ *port,
    uint8_t status, const char *call)
{
	const struct status *s = status_of(status);

	evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "device %d: isCAN_%s gives %d (%s: %s)", port->device, call,
	    status, s->name, s->text);
	if (err != NULL)
		err->vendor = status;
	return EVCAN_ERR_INIT;
}

static void
tell_error(struct evcan_adapter_ *adapter, uint8_t status, const char *call)
{
	const struct status *s = status_of(status);

	evcan_adapter_error_(adapter, EVCAN_ERR_OPERATION, status,
	    "isCAN_%s gives %d (%s: %s)", call, status, s->name, s->text);
}

static void
tell_gone(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port,
    uint8_t status, const char *call)
{
	const struct status *s = status_of(status);

	port->gone = true;
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, status,
	    "isCAN_%s gives %d (%s: %s)", call, status, s->name, s->text);
}

/* The same one again holds on. */
static void
see_state(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port,
    enum evcan_bus_state state)
{
	port->state_ns = evcan_now_monotonic();
	if (state == port->state)
		return;
	port->state = state;
	port->stands = false;
	evcan_adapter_state_(adapter, state);
}

/* What a status says of the device and the bus: the same one again changes
 * nothing. */
static void
see_status(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port,
    uint8_t status, const char *call)
{
	static const enum evcan_bus_state states[] = {
		[WARNING] = EVCAN_STATE_WARNING,
		[PASSIVE] = EVCAN_STATE_PASSIVE,
		[BUS_OFF] = EVCAN_STATE_BUS_OFF,
		[BACK] = EVCAN_STATE_ACTIVE
	};
	enum kind kind = status_of(status)->kind;

	if (kind == GONE)
		tell_gone(adapter, port, status, call);
	else if (kind >= WARNING && kind <= BACK)
		see_state(adapter, port, states[kind]);
}

/* @return 1, 0: the status is no error on the bus */
static int
error_frame(struct evcan_frame *frame, uint8_t status)
{
	enum kind kind = status_of(status)->kind;

	if (kind != ERROR_FRAME && kind != NO_ACK)
		return 0;
	memset(frame, 0, sizeof(*frame));
	evcan_error_frame_(frame);
	if (kind == NO_ACK)
		frame->id |= 0x20;     /* CAN_ERR_ACK */
	frame->dir = EVCAN_DIR_RX;
	frame->clock = EVCAN_CLOCK_HOST;
	frame->time_ns = evcan_now_unix();
	return 1;
}

/* The library's call-back */

/* A call that comes late must find nobody, instead of memory that was freed:
 * its context is a place here, for good. */
static struct evcan_iscan_port_ *handled[ISCAN_DEVICES];
static pthread_mutex_t handled_lock = PTHREAD_MUTEX_INITIALIZER;

static void
on_messages(uint8_t device, void *context)
{
	struct evcan_iscan_port_ **place = context;

	(void)device;
	pthread_mutex_lock(&handled_lock);
	if (*place != NULL)
		evcan_wake_set_(&(*place)->wake);
	pthread_mutex_unlock(&handled_lock);
}

static void
set_handled(int device, struct evcan_iscan_port_ *port)
{
	pthread_mutex_lock(&handled_lock);
	handled[device] = port;
	pthread_mutex_unlock(&handled_lock);
}

/* Without it the device is only looked into. */
static void
start_handler(struct evcan_iscan_port_ *port)
{
	if (port->calls.StartMessageHandler == NULL ||
	    port->calls.StopMessageHandler == NULL)
		return;
	set_handled(port->device, port);
	port->handled = port->calls.StartMessageHandler(port->device,
	    on_messages, &handled[port->device]) == 0;
}

static void
stop_handler(struct evcan_iscan_port_ *port)
{
	if (port->handled)
		port->calls.StopMessageHandler(port->device);
	port->handled = false;
	set_handled(port->device, NULL);
}

/* Opening */

static uint8_t
go_on_bus(struct evcan_iscan_port_ *port, const char **call)
{
	const struct evcan_iscan_calls_ *calls = &port->calls;
	uint8_t status;

	*call = "DeviceInitEx";
	status = calls->DeviceInitEx(port->device, port->baud);
	if (status != 0)
		return status;
	port->open = true;
	if (port->only_id != ISCAN_ANY_ID) {
		*call = "SetMessageExID";
		status = calls->SetMessageExID(port->device, port->only_id);
	}
	if (status == 0 && port->registers) {
		*call = "SetBaudRegister";
		status = calls->SetBaudRegister(port->device,
		    (uint8_t)(port->btr >> 8), (uint8_t)port->btr);
	}
	if (status == 0)
		start_handler(port);
	return status;
}

static void
go_off_bus(struct evcan_iscan_port_ *port)
{
	if (!port->open)
		return;
	port->open = false;
	stop_handler(port);
	port->calls.CloseDevice(port->device);
}

static int
port_open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	struct evcan_iscan_port_ *port = arg;
	const char *call;
	uint8_t status;

	if (evcan_wake_init_(&port->wake) < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "device %d: no file descriptor", port->device);
	status = go_on_bus(port, &call);
	if (status != 0)
		return open_error(err, port, status, call);
	evcan_adapter_info_(adapter, "isCAN device %d%s", port->device,
	    port->handled ? "" : ", polled");
	return 0;
}

static void
port_close(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_iscan_port_ *port = arg;

	(void)adapter;
	go_off_bus(port);
	evcan_wake_destroy_(&port->wake);
}

/* Frames */

static void
fill_frame(struct evcan_frame *frame,
    const struct evcan_iscan_message_ *message)
{
	memset(frame, 0, sizeof(*frame));
	frame->id = message->id & (message->extended ? EVCAN_MAX_EXT_ID :
	    EVCAN_MAX_STD_ID);
	frame->flags = (message->extended ? EVCAN_FRAME_EXT : 0) |
	    (message->rtr ? EVCAN_FRAME_RTR : 0);
	frame->dlc = message->len < 8 ? message->len : 8;
	frame->len = message->rtr ? 0 : frame->dlc;
	memcpy(frame->data, message->data, frame->len);
	frame->dir = EVCAN_DIR_RX;
	frame->clock = EVCAN_CLOCK_HOST;
	frame->time_ns = evcan_now_unix();
}

static void
take_message(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port,
    struct evcan_frame *frame, const struct evcan_iscan_message_ *message)
{
	port->told = 0;
	if (port->state == EVCAN_STATE_BUS_OFF)
		see_state(adapter, port, EVCAN_STATE_ACTIVE);
	fill_frame(frame, message);
}

/* A status instead of a message. Whether such a one stays or is given once is
 * not known: one that is given again and again is told once.
 * @return frames */
static int
take_status(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port,
    struct evcan_frame *frame, uint8_t status)
{
	enum kind kind = status_of(status)->kind;
	bool again = status == port->told;

	port->told = status;
	see_status(adapter, port, status, "ReceiveMessageEx");
	if (again && kind == BUS_OFF)
		port->stands = true;
	if (again)
		return 0;
	if (kind == LOST)
		evcan_adapter_lost_(adapter, 1);
	if (kind == FAILS)
		tell_error(adapter, status, "ReceiveMessageEx");
	return error_frame(frame, status);
}

/* Messages until there are no more; after a status there may be. */
static int
drain(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port,
    struct evcan_frame *frames, int max)
{
	struct evcan_iscan_message_ message = { 0 };
	int n = 0, others = 0;

	while (n < max && others < OTHERS_MAX && !port->gone) {
		uint8_t status = port->calls.ReceiveMessageEx(port->device,
		    &message);

		if (status == 0) {
			take_message(adapter, port, &frames[n++], &message);
			continue;
		}
		if (status_of(status)->kind == EMPTY) {
			port->told = 0;
			break;
		}
		/* What was before it is told before it. */
		evcan_adapter_push_(adapter, frames, n);
		n = take_status(adapter, port, frames, status);
		others++;
	}
	return n;
}

static int
port_read(struct evcan_adapter_ *adapter, void *arg,
    struct evcan_frame *frames, int max, int timeout_ms)
{
	struct evcan_iscan_port_ *port = arg;
	struct pollfd fd = { .fd = port->wake.fd, .events = POLLIN };
	int n = drain(adapter, port, frames, max);

	while (n == 0 && timeout_ms > 0 && !port->gone) {
		int ms = timeout_ms < port->poll_ms ? timeout_ms :
		    port->poll_ms;
		bool woken = poll(&fd, 1, ms) > 0;

		if (woken)
			evcan_wake_clear_(&port->wake);
		timeout_ms = woken ? 0 : timeout_ms - ms;
		n = drain(adapter, port, frames, max);
	}
	return n == 0 && port->gone ? EVCAN_ERR_GONE : n;
}

static void
port_interrupt(void *arg)
{
	struct evcan_iscan_port_ *port = arg;

	evcan_wake_set_(&port->wake);
}

static uint8_t
transmit(struct evcan_iscan_port_ *port, const struct evcan_frame *frame)
{
	struct evcan_iscan_message_ message = {
		.id = frame->id,
		.extended = (frame->flags & EVCAN_FRAME_EXT) != 0,
		.rtr = (frame->flags & EVCAN_FRAME_RTR) != 0,
		.len = frame->dlc
	};

	memcpy(message.data, frame->data, frame->len);
	return port->calls.TransmitMessageEx(port->device, &message);
}

/* @return 1: sent, 0: not yet, negative: refused */
static int
send_one(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port,
    const struct evcan_frame *frame)
{
	uint8_t status = transmit(port, frame);
	enum kind kind = status_of(status)->kind;
	struct evcan_frame error;

	/* It was sent and acknowledged by then, unless reads say otherwise:
	 * transmission is synchronous where nobody changed that. */
	if (status == 0 && port->state == EVCAN_STATE_BUS_OFF &&
	    port->told == 0)
		see_state(adapter, port, EVCAN_STATE_ACTIVE);
	if (status == 0)
		return 1;
	see_status(adapter, port, status, "TransmitMessageEx");
	if (kind == LOST)
		evcan_adapter_lost_(adapter, 1);
	/* A passive controller still sends. */
	if (kind == LOST || kind == WARNING || kind == PASSIVE)
		return 1;
	if (kind == BUSY || kind == BUS_OFF || kind == BACK || kind == GONE)
		return 0;
	tell_error(adapter, status, "TransmitMessageEx");
	evcan_adapter_push_(adapter, &error, error_frame(&error, status));
	return EVCAN_ERR_OPERATION;
}

static int
port_send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	struct evcan_iscan_port_ *port = arg;
	int i = 0, r = 1;

	while (i < n && !port->gone &&
	    (r = send_one(adapter, port, &frames[i])) > 0)
		i++;
	/* A refused one is tried again, as the first. */
	return i == 0 && r < 0 ? r : i;
}

/* A warning that is not told again has passed, and so has bus off if it was
 * told for as long as it lasted. Told once, it ends with a message, one way or
 * the other, or a status. */
static void
port_look(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_iscan_port_ *port = arg;

	if (port->told == 0 && (port->state != EVCAN_STATE_BUS_OFF ||
	    port->stands) && evcan_now_monotonic() - port->state_ns > STATE_NS)
		see_state(adapter, port, EVCAN_STATE_ACTIVE);
}

/* Commands */

static int
set_id(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port,
    uint32_t id)
{
	uint8_t status;

	if (port->calls.SetMessageExID == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	status = port->calls.SetMessageExID(port->device, id);
	if (status == 0) {
		port->only_id = id;
		return 0;
	}
	tell_error(adapter, status, "SetMessageExID");
	return EVCAN_ERR_OPERATION;
}

/* There is no call for it: the device is closed and opened. */
static int
reset(struct evcan_adapter_ *adapter, struct evcan_iscan_port_ *port)
{
	const char *call;
	uint8_t status;

	evcan_adapter_save_(adapter);
	if (port->gone)
		return EVCAN_ERR_GONE;
	go_off_bus(port);
	status = go_on_bus(port, &call);
	if (status == 0) {
		see_state(adapter, port, EVCAN_STATE_ACTIVE);
		return 0;
	}
	tell_gone(adapter, port, status, call);
	return EVCAN_ERR_GONE;
}

static int
port_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	const struct evcan_iscan_port_ *port = arg;
	uint32_t id;

	if (port->gone)
		return EVCAN_ERR_GONE;
	if (what == ISCAN_RESET)
		return reset(adapter, arg);
	memcpy(&id, data, sizeof(id));
	return set_id(adapter, arg, id);
}

const struct evcan_vendor_ops_ evcan_iscan_ops_ = {
	.port_size = sizeof(struct evcan_iscan_port_),
	.open = port_open,
	.read = port_read,
	.send = port_send,
	.close = port_close,
	.command = port_command,
	.look = port_look,
	.interrupt = port_interrupt
};

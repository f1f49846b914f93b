/* SPDX-License-Identifier: BSD-3-Clause */
/* usb2can_port.c - a USB2CAN behind CANAL, in its adapter's thread */
#include "usb2can.h"

#include <stdio.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/frame.h>

#include "../error_frame.h"

#define TICK_NS INT64_C(1000000)
#define TICK_BITS 29
#define LIST_MAX EVCAN_USB2CAN_LIST_
/* The library waits for the device, and for its own two threads. */
#define CLOSE_MS 2000
/* The vendor string is of the device with this handle only. */
#define FIRST_HANDLE 1681
/* Where a length stands afterwards. */
#define UNTOUCHED 0xff

/* Errors */

static const struct {
	const char *name, *text;
} codes[] = {
	{ "SUCCESS", "nothing is wrong" },
	{ "BAUDRATE", "the bit rate is wrong" },
	{ "BUS_OFF", "the controller is off the bus" },
	{ "BUS_PASSIVE", "the controller is error passive" },
	{ "BUS_WARNING", "the controller is at its warning limit" },
	{ "CAN_ID", "the identifier is wrong" },
	{ "CAN_MESSAGE", "the message is wrong" },
	{ "CHANNEL", "there is no such channel" },
	{ "FIFO_EMPTY", "nothing was received" },
	{ "FIFO_FULL", "the transmit queue is full" },
	{ "FIFO_SIZE", "a queue has a wrong size" },
	{ "FIFO_WAIT", "a queue must be waited for" },
	{ "GENERIC", "an error without a name" },
	{ "HARDWARE", "the device does not answer" },
	{ "INIT_FAIL", "the device cannot be set up" },
	{ "INIT_MISSING", "the device was not set up" },
	{ "INIT_READY", "the device is set up already" },
	{ "NOT_SUPPORTED", "the library cannot do that" },
	{ "OVERRUN", "messages were lost" },
	{ "RCV_EMPTY", "nothing was received" },
	{ "REGISTER", "a register is wrong" },
	{ "TRM_FULL", "the transmit queue is full" },
	{ "ERRFRM_STUFF", "a stuff error" },
	{ "ERRFRM_FORM", "a form error" },
	{ "ERRFRM_ACK", "nobody acknowledged" },
	{ "ERRFRM_BIT1", "a recessive bit was not sent" },
	{ "ERRFRM_BIT0", "a dominant bit was not sent" },
	{ "ERRFRM_CRC", "a CRC error" },
	{ "LIBRARY", "a library cannot be loaded" },
	{ "PROCADDRESS", "a library lacks a function" },
	{ "ONLY_ONE_INSTANCE", "somebody else has the device" },
	{ "SUB_DRIVER", "another driver's call failed" },
	{ "TIMEOUT", "the time was spent" },
	{ "NOT_OPEN", "the handle is not valid any more" },
	{ "PARAMETER", "a value is wrong" },
	{ "MEMORY", "out of memory" },
	{ "INTERNAL", "an error inside the library" },
	{ "COMMUNICATION", "the device does not answer" },
	{ "USER", "an error of the library's own" }
};

#define N_CODES ((int)(sizeof(codes) / sizeof(codes[0])))

static const char *
name_of(int code)
{
	return code >= 0 && code < N_CODES ? codes[code].name : "UNKNOWN";
}

static const char *
text_of(int code)
{
	return code >= 0 && code < N_CODES ? codes[code].text : "see canal.h";
}

/* Channel, hardware, not open, communication. */
static bool
is_gone(int code)
{
	return code == 7 || code == 13 || code == CANAL_NOT_OPEN || code == 37;
}

static void
tell_gone(struct evcan_adapter_ *adapter, struct evcan_usb2can_port_ *port,
    int code, const char *call)
{
	port->gone = true;
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, code,
	    "%s gives %d (CANAL_ERROR_%s: %s)", call, code, name_of(code),
	    text_of(code));
}

static void
tell_error(struct evcan_adapter_ *adapter, int code, const char *call)
{
	evcan_adapter_error_(adapter, EVCAN_ERR_OPERATION, code,
	    "%s gives %d (CANAL_ERROR_%s: %s)", call, code, name_of(code),
	    text_of(code));
}

/* State and counters */

static void
tell_state(struct evcan_adapter_ *adapter, struct evcan_usb2can_port_ *port,
    enum evcan_bus_state state)
{
	if (state != port->state)
		evcan_adapter_state_(adapter, state);
	port->state = state;
}

static enum evcan_bus_state
state_of(unsigned long channel)
{
	if (channel & CANAL_BUS_OFF)
		return EVCAN_STATE_BUS_OFF;
	if (channel & CANAL_BUS_PASSIVE)
		return EVCAN_STATE_PASSIVE;
	return channel & CANAL_BUS_WARNING ? EVCAN_STATE_WARNING :
	    EVCAN_STATE_ACTIVE;
}

/* Reading the device's counters clears them. @return lost since then */
static unsigned long
take_overruns(struct evcan_usb2can_port_ *port)
{
	struct evcan_usb2can_statistics_ statistics = { 0 };

	if (port->calls.statistics == NULL ||
	    port->calls.statistics(port->handle, &statistics) != 0)
		return 0;
	return statistics.overruns;
}

/* Reads do not fail when the device is gone: this is where it shows. */
static void
port_look(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_usb2can_port_ *port = arg;
	struct evcan_usb2can_status_ status = { 0 };
	unsigned long lost;
	int code;

	if (port->gone)
		return;
	code = port->calls.status(port->handle, &status);
	if (is_gone(code)) {
		tell_gone(adapter, port, code, "CanalGetStatus");
		return;
	}
	if (code == 0)
		tell_state(adapter, port, state_of(status.channel));
	lost = take_overruns(port);
	if (lost > 0)
		evcan_adapter_lost_(adapter, lost);
}

/* Opening */

/* One that is called 0.0, or not at all, must do. */
static int
check_version(const struct evcan_usb2can_port_ *port,
    struct evcan_error *err)
{
	unsigned long version = port->calls.version != NULL ?
	    port->calls.version() : 0;

	return (version & 0xffff) == 0 ? 0 : evcan_vendor_check_version_(
	    &evcan_usb2can_library_, (unsigned)version & 255,
	    (unsigned)version >> 8 & 255, err);
}

/* The vendor's string is of the device that has the first handle, whoever
 * asks: others do not tell their firmware. */
static void
tell_info(struct evcan_adapter_ *adapter,
    const struct evcan_usb2can_port_ *port)
{
	const char *text = port->handle == FIRST_HANDLE &&
	    port->calls.vendor_string != NULL ?
	    port->calls.vendor_string() : NULL;
	unsigned long dll = port->calls.dll_version != NULL ?
	    port->calls.dll_version() : 0;
	unsigned fw[2], hw[2];
	char more[60] = "";

	if (text != NULL && sscanf(text, "%u.%u;%u.%u", &fw[0], &fw[1],
	    &hw[0], &hw[1]) == 4)
		snprintf(more, sizeof(more), ", firmware %u.%u, hardware "
		    "%u.%u", fw[0], fw[1], hw[0], hw[1]);
	evcan_adapter_info_(adapter, "USB2CAN %s, DLL %lu.%lu.%lu%s",
	    port->serial, dll & 255, dll >> 8 & 255, dll >> 16 & 255, more);
}

/* It does not say why it cannot. */
static int
open_device(struct evcan_usb2can_port_ *port, struct evcan_error *err)
{
	unsigned flags = port->flags | (port->listen_only ? CANAL_SILENT : 0);
	unsigned long level;

	port->handle = port->calls.open(port->device, flags);
	if (port->handle <= 0) {
		evcan_error_set(err, EVCAN_ERR_INIT, 0, "CanalOpen of \"%s\", "
		    "flags 0x%X, gives %ld: not attached, or somebody else "
		    "has it", port->device, flags, port->handle);
		err->vendor = port->handle;
		port->handle = 0;
		return EVCAN_ERR_INIT;
	}
	level = port->calls.level(port->handle);
	if (level != 1)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "the library "
		    "speaks CANAL's level %lu; CAN is level 1", level);
	return 0;
}

static int
port_open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	struct evcan_usb2can_port_ *port = arg;
	int r = check_version(port, err);

	if (r == 0)
		r = open_device(port, err);
	if (r < 0)
		return r;
	evcan_adapter_device_(adapter, port->serial);
	tell_info(adapter, port);
	return 0;
}

/* Never twice: it calls an old handle's close a success. */
static void
port_close(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_usb2can_port_ *port = arg;

	(void)adapter;
	if (port->handle > 0)
		port->calls.close(port->handle);
	port->handle = 0;
}

/* Frames in */

/* The low 29 bits of milliseconds, for 6 days. */
static int64_t
ticks_of(struct evcan_usb2can_port_ *port, unsigned long timestamp)
{
	const uint32_t sign = UINT32_C(1) << (TICK_BITS - 1);
	uint32_t step = ((uint32_t)timestamp - (uint32_t)port->ticks) &
	    (2 * sign - 1);

	port->ticks += (int64_t)(step ^ sign) - sign;
	return port->ticks;
}

/* What a status message says, in SocketCAN's error frame. */
static const struct status {
	uint8_t code;
	uint16_t id;
	uint8_t data[4];
	int state;               /* enum evcan_bus_state, or -1 */
} statuses[] = {
	{ 0x00, 0x08, { 0, 0, 0x40, 0 }, EVCAN_STATE_ACTIVE },
	{ 0x01, 0x04, { 0, 0x01, 0, 0 }, -1 },
	{ 0x02, 0x04, { 0, 0x0c, 0, 0 }, EVCAN_STATE_WARNING },
	{ 0x03, 0x04, { 0, 0x30, 0, 0 }, EVCAN_STATE_PASSIVE },
	{ 0x04, 0x40, { 0, 0, 0, 0 }, EVCAN_STATE_BUS_OFF },
	{ 0x20, 0x88, { 0, 0, 0x04, 0 }, -1 },
	{ 0x21, 0x88, { 0, 0, 0x02, 0 }, -1 },
	{ 0x23, 0xa0, { 0, 0, 0, 0 }, -1 },
	{ 0x24, 0x88, { 0, 0, 0x10, 0 }, -1 },
	{ 0x25, 0x88, { 0, 0, 0x08, 0 }, -1 },
	{ 0x27, 0x88, { 0, 0, 0, 0x08 }, -1 }
};

#define N_STATUSES (sizeof(statuses) / sizeof(statuses[0]))
#define OVERRUN 0x01

static void
on_status(struct evcan_adapter_ *adapter, struct evcan_usb2can_port_ *port,
    const struct evcan_usb2can_msg_ *msg, struct evcan_frame *frame)
{
	static const struct status unknown = { .id = 0x80, .state = -1 };
	const struct status *s = &unknown;
	uint8_t rx = msg->data[1], tx = msg->data[2];

	for (size_t i = 0; i < N_STATUSES; i++)
		s = statuses[i].code == msg->data[0] ? &statuses[i] : s;
	evcan_error_frame_(frame);
	frame->id = s->id | 0x200u;    /* with counters */
	memcpy(frame->data, s->data, sizeof(s->data));
	/* Warnings and passive: of the side that counted more. */
	if (frame->id & 0x04 && s->state != -1)
		frame->data[1] &= tx > rx ? 0x28 : 0x14;
	frame->data[6] = tx;
	frame->data[7] = rx;
	if (s->state != -1)
		tell_state(adapter, port, (enum evcan_bus_state)s->state);
	port->lost = port->lost || msg->data[0] == OVERRUN;
}

static void
fill_frame(struct evcan_frame *frame, const struct evcan_usb2can_msg_ *msg)
{
	bool ext = msg->flags & CANAL_EXT;

	frame->flags = ext ? EVCAN_FRAME_EXT : 0;
	frame->id = (uint32_t)msg->id & (ext ? EVCAN_MAX_EXT_ID :
	    EVCAN_MAX_STD_ID);
	frame->dlc = msg->len < 15 ? msg->len : 15;
	if (msg->flags & CANAL_RTR)
		frame->flags |= EVCAN_FRAME_RTR;
	else
		frame->len = frame->dlc < 8 ? frame->dlc : 8;
	memcpy(frame->data, msg->data, frame->len);
}

static void
mark_hole(struct evcan_usb2can_port_ *port, uint32_t n)
{
	port->holes[n % LIST_MAX / 64] |= UINT64_C(1) << n % 64;
}

static bool
take_hole(struct evcan_usb2can_port_ *port, uint32_t n)
{
	uint64_t *row = &port->holes[n % LIST_MAX / 64];
	uint64_t bit = UINT64_C(1) << n % 64;
	bool is = *row & bit;

	*row &= ~bit;
	return is;
}

/* After each message: the library drops without a word what comes while its
 * list is full. If it was when this one was taken, at most one has room now,
 * and what may be missing is missing behind all the others. */
static void
look_for_hole(struct evcan_usb2can_port_ *port)
{
	port->hole = take_hole(port, ++port->n_read);
	if (port->calls.data_available(port->handle) >= LIST_MAX - 1)
		mark_hole(port, port->n_read + LIST_MAX - 1);
}

/* @return one of the library's codes */
static int
read_one(struct evcan_adapter_ *adapter, struct evcan_usb2can_port_ *port,
    struct evcan_frame *frame, int timeout_ms)
{
	struct evcan_usb2can_msg_ msg = { .len = UNTOUCHED };
	int code = timeout_ms > 0 ? port->calls.blocking_receive(port->handle,
	    &msg, (unsigned long)timeout_ms) :
	    port->calls.receive(port->handle, &msg);

	if (code != 0)
		return code;
	/* "Success" is what it says of a handle that it does not know. */
	if (msg.len == UNTOUCHED)
		return CANAL_NOT_OPEN;
	look_for_hole(port);
	memset(frame, 0, sizeof(*frame));
	frame->dir = EVCAN_DIR_RX;
	frame->clock = EVCAN_CLOCK_HARDWARE;
	frame->time_ns = evcan_vendor_time_(&port->clock,
	    ticks_of(port, msg.timestamp) * TICK_NS, evcan_now_unix());
	if (msg.flags & CANAL_STATUS)
		on_status(adapter, port, &msg, frame);
	else
		fill_frame(frame, &msg);
	return 0;
}

/* Behind the frames that were read. How many the device lost it counts; how
 * many the library did nobody knows: one, or more. */
static void
tell_loss(struct evcan_adapter_ *adapter, struct evcan_usb2can_port_ *port)
{
	unsigned long lost = port->lost ? take_overruns(port) : 0;

	if (port->hole || (port->lost && lost == 0))
		lost++;
	if (lost > 0)
		evcan_adapter_lost_(adapter, lost);
	port->lost = port->hole = false;
}

/* Frames until there are no more, or up to a loss. */
static int
port_read(struct evcan_adapter_ *adapter, void *arg,
    struct evcan_frame *frames, int max, int timeout_ms)
{
	struct evcan_usb2can_port_ *port = arg;
	int n = 0, code = 0;

	if (port->gone)
		return EVCAN_ERR_GONE;
	tell_loss(adapter, port);
	while (n < max && !port->lost && !port->hole) {
		code = read_one(adapter, port, &frames[n],
		    n == 0 ? timeout_ms : 0);
		if (code != 0)
			break;
		n++;
	}
	if (code != 0 && code != CANAL_FIFO_EMPTY && code != CANAL_RCV_EMPTY &&
	    code != CANAL_TIMEOUT)
		tell_gone(adapter, port, code, "CanalReceive");
	return n == 0 && port->gone ? EVCAN_ERR_GONE : n;
}

/* Frames out */

static int
send_one(struct evcan_usb2can_port_ *port, const struct evcan_frame *frame)
{
	struct evcan_usb2can_msg_ msg = { .id = frame->id,
		.len = frame->dlc };

	msg.flags |= frame->flags & EVCAN_FRAME_EXT ? CANAL_EXT : 0;
	msg.flags |= frame->flags & EVCAN_FRAME_RTR ? CANAL_RTR : 0;
	memcpy(msg.data, frame->data, frame->len);
	return port->calls.send(port->handle, &msg);
}

/* Nothing tells when it was on the bus: when it was taken must do. */
static void
receive_own(struct evcan_adapter_ *adapter, const struct evcan_frame *sent)
{
	struct evcan_frame frame = *sent;

	frame.flags |= EVCAN_FRAME_ECHO;
	frame.dir = EVCAN_DIR_TX;
	frame.clock = EVCAN_CLOCK_HOST;
	frame.time_ns = evcan_now_unix();
	evcan_adapter_push_(adapter, &frame, 1);
}

static int
port_send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	struct evcan_usb2can_port_ *port = arg;
	int i, code = 0;

	for (i = 0; i < n && !port->gone; i++) {
		code = send_one(port, &frames[i]);
		if (code != 0)
			break;
		if (port->own)
			receive_own(adapter, &frames[i]);
	}
	if (is_gone(code))
		tell_gone(adapter, port, code, "CanalSend");
	if (i > 0 || code == 0 || port->gone || code == CANAL_FIFO_FULL ||
	    code == CANAL_TRM_FULL)
		return i;
	tell_error(adapter, code, "CanalSend");
	return EVCAN_ERR_OPERATION;
}

/* Commands: both are a new beginning. */

static int
port_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	struct evcan_usb2can_port_ *port = arg;
	struct evcan_error err;
	int r;

	if (what == EVCAN_USB2CAN_MODE_)
		memcpy(&port->listen_only, data, sizeof(port->listen_only));
	if (port->gone)
		return EVCAN_ERR_GONE;
	evcan_adapter_save_(adapter);
	if (port->gone)
		return EVCAN_ERR_GONE;
	port_close(adapter, port);
	memset(&port->clock, 0, sizeof(port->clock));
	memset(port->holes, 0, sizeof(port->holes));
	port->ticks = 0;
	evcan_error_clear(&err);
	r = open_device(port, &err);
	if (r < 0) {
		port->gone = true;
		evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, err.vendor, "%s",
		    err.text);
		return r;
	}
	tell_info(adapter, port);     /* it may have the first handle now */
	port_look(adapter, port);
	return 0;
}

const struct evcan_vendor_ops_ evcan_usb2can_ops_ = {
	.port_size = sizeof(struct evcan_usb2can_port_),
	.open = port_open,
	.read = port_read,
	.send = port_send,
	.close = port_close,
	.command = port_command,
	.look = port_look,
	.slice_ms = 2,
	.close_ms = CLOSE_MS
};

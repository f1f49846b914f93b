/* SPDX-License-Identifier: BSD-3-Clause */
/* systec_port.c - a channel of a USB-CANmodul, in its adapter's thread */
#include <stdio.h>
#include <string.h>

#include <evcan/driver.h>
#include <evcan/frame.h>

#include "systec.h"

#define BATCH 64
#define MS_NS 1000000
/* Libraries before 4.11 count time in 24 bits. */
#define VERSION_LIBRARY 1
#define TIME_32_SINCE (4 << 8 | 11)

/* Errors */

static bool
is_gone(uint8_t code)
{
	return code == SYSTEC_DISCONNECT || code == SYSTEC_ILLHANDLE;
}

/* It is well, but has no time now. */
static bool
is_busy(uint8_t code)
{
	return code == SYSTEC_BUSY || code == SYSTEC_BUSY_INSIDE;
}

static int
code_of(uint8_t code)
{
	return code == SYSTEC_ILLHWTYPE ? EVCAN_ERR_UNSUPPORTED :
	    EVCAN_ERR_OPERATION;
}

static int
open_error(struct evcan_error *err, const struct evcan_systec_port_ *port,
    uint8_t code, const char *call)
{
	const struct evcan_systec_code_ *what = evcan_systec_code_(code);

	evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "channel %u: %s gives 0x%02X (%s: %s)", port->channel, call, code,
	    what->name, what->text);
	if (err != NULL)
		err->vendor = code;
	return EVCAN_ERR_INIT;
}

static void
tell_gone(struct evcan_adapter_ *adapter, struct evcan_systec_port_ *port,
    uint8_t code, const char *call)
{
	const struct evcan_systec_code_ *what = evcan_systec_code_(code);

	port->gone = true;
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, code,
	    "%s gives 0x%02X (%s: %s)", call, code, what->name, what->text);
}

static void
tell_error(struct evcan_adapter_ *adapter, uint8_t code, const char *call)
{
	const struct evcan_systec_code_ *what = evcan_systec_code_(code);

	evcan_adapter_error_(adapter, code_of(code), code,
	    "%s gives 0x%02X (%s: %s)", call, code, what->name, what->text);
}

/* Opening */

/* Own frames come back all the time: they could only be asked for by leaving
 * the bus. */
static uint8_t
go_on_bus(struct evcan_systec_port_ *port)
{
	struct evcan_systec_init_ init = {
		.size = sizeof(init),
		.mode = port->listen_only ? SYSTEC_MODE_LISTEN :
		    SYSTEC_MODE_ECHO,
		.btr0 = port->btr0, .btr1 = port->btr1, .ocr = SYSTEC_OCR,
		.amr = port->filter.amr, .acr = port->filter.acr,
		.rx_entries = port->rx_entries,
		.tx_entries = port->tx_entries
	};
	uint8_t code;

	if (port->fine)
		init.mode |= SYSTEC_MODE_FINE;
	code = port->calls.UcanInitCanEx2(port->handle, port->channel, &init);
	port->on_bus = code == 0;
	port->status = 0;
	return code;
}

/* @return the code, and in *call what gave it */
static uint8_t
set_up(struct evcan_systec_port_ *port, const char **call)
{
	uint8_t code = go_on_bus(port);

	*call = "UcanInitCanEx2";
	if (code != 0 || port->tx_timeout_ms == 0)
		return code;
	*call = "UcanSetTxTimeout";
	return port->calls.UcanSetTxTimeout == NULL ? SYSTEC_ILLHWTYPE :
	    port->calls.UcanSetTxTimeout(port->handle, port->channel,
	    port->tx_timeout_ms);
}

/* bits 0-7 major, 8-15 minor, 16-31 release. One that is called 0.0, or not at
 * all, must do, and counts as new. */
static int
check_version(struct evcan_systec_port_ *port, struct evcan_error *err)
{
	uint32_t version = port->calls.UcanGetVersionEx != NULL ?
	    port->calls.UcanGetVersionEx(VERSION_LIBRARY) : 0;
	unsigned major = version & 0xff, minor = version >> 8 & 0xff;

	port->version = version;
	port->time_mask = UINT32_MAX;
	if ((version & 0xffff) == 0)
		return 0;
	if ((major << 8 | minor) < TIME_32_SINCE)
		port->time_mask = 0xffffff;
	return evcan_vendor_check_version_(&evcan_systec_library_, major,
	    minor, err);
}

/* The channel, and the module that it comes back to. */
static void
tell_device(struct evcan_adapter_ *adapter,
    const struct evcan_systec_port_ *port)
{
	const struct evcan_systec_hardware_ *hardware =
	    evcan_systec_hardware_(port);
	uint32_t version = port->version;
	char text[80], device[8];

	evcan_systec_describe_(hardware, text, sizeof(text));
	if ((version & 0xffff) == 0)
		evcan_adapter_info_(adapter, "%s, CH %u", text,
		    port->channel);
	else
		evcan_adapter_info_(adapter, "%s, CH %u, library %u.%02u.%u",
		    text, port->channel, (unsigned)(version & 0xff),
		    (unsigned)(version >> 8 & 0xff),
		    (unsigned)(version >> 16));
	snprintf(device, sizeof(device), "%u", hardware->device);
	evcan_adapter_device_(adapter, device);
}

static int
port_open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	struct evcan_systec_port_ *port = arg;
	const char *call;
	uint8_t code;
	int r;

	if (evcan_wake_init_(&port->bell.wake) < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "no file descriptor left");
	r = check_version(port, err);
	if (r == 0)
		r = evcan_systec_join_(port, err);
	if (r < 0)
		return r;
	code = set_up(port, &call);
	if (code != 0)
		return open_error(err, port, code, call);
	tell_device(adapter, port);
	return 0;
}

static void
port_close(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_systec_port_ *port = arg;

	(void)adapter;
	if (port->on_bus)
		port->calls.UcanDeinitCanEx(port->handle, port->channel);
	port->on_bus = false;
	evcan_systec_leave_(port);
	evcan_wake_destroy_(&port->bell.wake);
}

static int
port_fd(void *arg)
{
	return ((struct evcan_systec_port_ *)arg)->bell.wake.fd;
}

/* State */

static enum evcan_bus_state
state_of(uint16_t status)
{
	if (status & SYSTEC_STAT_BUS_OFF)
		return EVCAN_STATE_BUS_OFF;
	if (status & SYSTEC_STAT_PASSIVE)
		return EVCAN_STATE_PASSIVE;
	return status & SYSTEC_STAT_WARNING ? EVCAN_STATE_WARNING :
	    EVCAN_STATE_ACTIVE;
}

/* The library has no error frames: a new state is told as Linux tells it,
 * with the counters (transmit, receive) of whoever is to blame. */
static void
push_error_frame(struct evcan_adapter_ *adapter,
    struct evcan_systec_port_ *port)
{
	static const uint8_t controller[][2] = {   /* transmit, receive */
		[EVCAN_STATE_ACTIVE] = { 0x40, 0x40 },
		[EVCAN_STATE_WARNING] = { 0x08, 0x04 },
		[EVCAN_STATE_PASSIVE] = { 0x20, 0x10 },
		[EVCAN_STATE_BUS_OFF] = { 0, 0 }
	};
	const uint8_t *bits = controller[port->state];
	struct evcan_frame frame = { .flags = EVCAN_FRAME_ERR, .len = 8,
		.dlc = 8, .dir = EVCAN_DIR_RX, .clock = EVCAN_CLOCK_HOST,
		.time_ns = evcan_now_unix() };
	uint32_t tx = 0, rx = 0;

	frame.id = port->state == EVCAN_STATE_BUS_OFF ? 0x40 : 0x04;
	if (port->calls.UcanGetCanErrorCounter != NULL &&
	    port->calls.UcanGetCanErrorCounter(port->handle, port->channel,
	    &tx, &rx) == 0) {
		frame.id |= 0x200;
		frame.data[6] = (uint8_t)(tx < 255 ? tx : 255);
		frame.data[7] = (uint8_t)(rx < 255 ? rx : 255);
	}
	if (tx >= rx)
		frame.data[1] |= bits[0];
	if (rx >= tx)
		frame.data[1] |= bits[1];
	evcan_adapter_push_(adapter, &frame, 1);
}

static void
tell_state(struct evcan_adapter_ *adapter, struct evcan_systec_port_ *port)
{
	struct evcan_systec_status_ status = { 0, 0 };
	uint8_t code = port->calls.UcanGetStatusEx(port->handle,
	    port->channel, &status);
	enum evcan_bus_state state = state_of(status.can);
	unsigned news = status.can & ~(unsigned)port->status;

	if (is_busy(code)) {
		atomic_store(&port->bell.status, true);   /* later */
		return;
	}
	if (code != 0 && code < SYSTEC_NODATA) {
		tell_gone(adapter, port, code, "UcanGetStatusEx");
		return;
	}
	port->status = status.can;
	/* The queues tell with their messages that they ran over. */
	if (news & SYSTEC_STAT_OVERRUN)
		evcan_adapter_lost_(adapter, 1);
	if (news & SYSTEC_STAT_TX_DELETED)
		evcan_adapter_error_(adapter, EVCAN_ERR_TIMEOUT, 0,
		    "the module deleted frames that were not sent within "
		    "%lu ms", (unsigned long)port->tx_timeout_ms);
	if (state == port->state)
		return;
	port->state = state;
	evcan_adapter_state_(adapter, state);
	push_error_frame(adapter, port);
}

static void
port_look(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_systec_port_ *port = arg;

	if (!port->gone)
		tell_state(adapter, port);
}

/* Frames */

/* A message's time in ms, or in 100 us, wraps. */
static int64_t
unix_time(struct evcan_systec_port_ *port, uint32_t time, int64_t now)
{
	uint32_t ahead = (time - (uint32_t)port->ticks) & port->time_mask;
	uint32_t half = port->time_mask / 2 + 1;

	port->ticks += ahead < half ? (int64_t)ahead :
	    (int64_t)ahead - (int64_t)port->time_mask - 1;
	return evcan_vendor_time_(&port->clock, port->ticks *
	    (port->fine ? MS_NS / 10 : MS_NS), now);
}

static void
fill_frame(struct evcan_systec_port_ *port,
    const struct evcan_systec_msg_ *msg, int64_t now,
    struct evcan_frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	frame->id = msg->id & (msg->format & SYSTEC_EXT ? EVCAN_MAX_EXT_ID :
	    EVCAN_MAX_STD_ID);
	frame->dir = EVCAN_DIR_RX;
	if (msg->format & SYSTEC_EXT)
		frame->flags |= EVCAN_FRAME_EXT;
	if (msg->format & SYSTEC_ECHO) {
		frame->flags |= EVCAN_FRAME_ECHO;
		frame->dir = EVCAN_DIR_TX;
	}
	frame->dlc = msg->dlc & 15;
	if (msg->format & SYSTEC_RTR)
		frame->flags |= EVCAN_FRAME_RTR;
	else
		frame->len = frame->dlc < 8 ? frame->dlc : 8;
	memcpy(frame->data, msg->data, frame->len);
	frame->clock = EVCAN_CLOCK_HARDWARE;
	frame->time_ns = unix_time(port, msg->time, now);
}

/* Adds to the *n frames.
 * @param room for messages, which is less then: not all become frames
 * @return the code; 0: there may be more */
static uint8_t
read_some(struct evcan_adapter_ *adapter, struct evcan_systec_port_ *port,
    struct evcan_frame *frames, int *n, int *room)
{
	struct evcan_systec_msg_ msgs[BATCH];
	uint32_t most = (uint32_t)(*room < BATCH ? *room : BATCH);
	uint32_t count = most;
	uint8_t channel = port->channel, code;
	int64_t now;

	code = port->calls.UcanReadCanMsgEx(port->handle, &channel, msgs,
	    &count);
	if (code != 0 && !(code > SYSTEC_NODATA && code <= SYSTEC_TXMSGLOST))
		return code;
	if (code != 0) {
		/* Before these messages; how many is not known. */
		evcan_adapter_push_(adapter, frames, *n);
		*n = 0;
		evcan_adapter_lost_(adapter, 1);
	}
	now = evcan_now_unix();
	for (uint32_t i = 0; i < count && i < most; i++, --*room) {
		if (!(msgs[i].format & SYSTEC_ECHO) || port->echo)
			fill_frame(port, &msgs[i], now, &frames[(*n)++]);
	}
	return count > 0 ? 0 : SYSTEC_NODATA;
}

/* The bell is stilled first: what comes meanwhile rings it again. A library
 * that is busy is asked again when the thread's wait is over. */
static int
port_read(struct evcan_adapter_ *adapter, void *arg,
    struct evcan_frame *frames, int max, int timeout_ms)
{
	struct evcan_systec_port_ *port = arg;
	uint8_t code = 0;
	int n = 0, room = max;

	(void)timeout_ms;        /* the thread waits for the bell */
	evcan_wake_clear_(&port->bell.wake);
	if (atomic_exchange(&port->bell.status, false) && !port->gone)
		tell_state(adapter, port);
	while (room > 0 && code == 0 && !port->gone)
		code = read_some(adapter, port, frames, &n, &room);
	if (code == 0)
		evcan_wake_set_(&port->bell.wake);
	else if (code < SYSTEC_NODATA && !is_busy(code))
		tell_gone(adapter, port, code, "UcanReadCanMsgEx");
	return n == 0 && port->gone ? EVCAN_ERR_GONE : n;
}

static void
fill_msg(const struct evcan_frame *frame, struct evcan_systec_msg_ *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->id = frame->id;
	msg->dlc = frame->dlc;
	if (frame->flags & EVCAN_FRAME_EXT)
		msg->format |= SYSTEC_EXT;
	if (frame->flags & EVCAN_FRAME_RTR)
		msg->format |= SYSTEC_RTR;
	memcpy(msg->data, frame->data, sizeof(msg->data));
}

/* @return how many of them the library took, and its code */
static int
write_some(struct evcan_systec_port_ *port, const struct evcan_frame *frames,
    int n, uint8_t *code)
{
	struct evcan_systec_msg_ msgs[BATCH];
	uint32_t count = (uint32_t)(n < BATCH ? n : BATCH), most = count;

	for (uint32_t i = 0; i < count; i++)
		fill_msg(&frames[i], &msgs[i]);
	*code = port->calls.UcanWriteCanMsgEx(port->handle, port->channel,
	    msgs, &count);
	if (*code != SYSTEC_TXLIMIT)
		return *code == 0 || (*code > SYSTEC_NODATA &&
		    *code <= SYSTEC_TXMSGLOST) ? (int)most : 0;
	return (int)(count < most ? count : most);
}

static int
port_send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	struct evcan_systec_port_ *port = arg;
	uint8_t code;
	int taken;

	if (port->gone)
		return 0;
	taken = write_some(port, frames, n, &code);
	/* None of them is taken if one is wrong. */
	if (taken == 0 && n > 1 && code < SYSTEC_NODATA &&
	    code != SYSTEC_TXFULL && !is_busy(code) && !is_gone(code))
		taken = write_some(port, frames, 1, &code);
	if (code == SYSTEC_TXMSGLOST)
		tell_error(adapter, code, "UcanWriteCanMsgEx");
	if (is_gone(code))
		tell_gone(adapter, port, code, "UcanWriteCanMsgEx");
	if (taken > 0 || code == SYSTEC_TXFULL || code == SYSTEC_TXLIMIT ||
	    is_busy(code) || port->gone)
		return taken;
	tell_error(adapter, code, "UcanWriteCanMsgEx");
	return EVCAN_ERR_OPERATION;
}

/* Commands */

/* Also the way to another mode, which the library has no call for. */
static uint8_t
go_back_on_bus(struct evcan_adapter_ *adapter,
    struct evcan_systec_port_ *port, const char **call)
{
	uint8_t code;

	*call = "UcanReadCanMsgEx";
	evcan_adapter_save_(adapter);
	if (port->gone)
		return SYSTEC_DISCONNECT;
	*call = "UcanDeinitCanEx";
	code = port->calls.UcanDeinitCanEx(port->handle, port->channel);
	if (code != 0)
		return code;
	port->on_bus = false;
	code = set_up(port, call);
	if (code != 0)
		tell_gone(adapter, port, code, *call);
	return code;
}

static uint8_t
set_filter(struct evcan_systec_port_ *port, const void *data)
{
	struct evcan_systec_filter_ filter;
	uint8_t code;

	memcpy(&filter, data, sizeof(filter));
	if (port->calls.UcanSetAcceptanceEx == NULL)
		return SYSTEC_ILLHWTYPE;
	code = port->calls.UcanSetAcceptanceEx(port->handle, port->channel,
	    filter.amr, filter.acr);
	if (code == 0)
		port->filter = filter;
	return code;
}

static uint8_t
reset(struct evcan_systec_port_ *port, uint32_t flags)
{
	if (port->calls.UcanResetCanEx == NULL)
		return SYSTEC_ILLHWTYPE;
	return port->calls.UcanResetCanEx(port->handle, port->channel, flags);
}

static uint8_t
run_command(struct evcan_adapter_ *adapter, struct evcan_systec_port_ *port,
    int what, const void *data, const char **call)
{
	*call = "UcanResetCanEx";
	switch ((enum evcan_systec_command_)what) {
	case SYSTEC_SET_FILTER:
		*call = "UcanSetAcceptanceEx";
		return set_filter(port, data);
	case SYSTEC_SET_ECHO:
		port->echo = true;
		return 0;
	case SYSTEC_SET_MODE:
		memcpy(&port->listen_only, data, sizeof(port->listen_only));
		return go_back_on_bus(adapter, port, call);
	case SYSTEC_FLUSH:
		return reset(port, SYSTEC_RESET_ONLY_TX);
	case SYSTEC_RESET:
		return reset(port, SYSTEC_RESET_CONTROLLER);
	}
	return SYSTEC_ILLHWTYPE;
}

static int
port_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	struct evcan_systec_port_ *port = arg;
	const char *call;
	uint8_t code;

	if (port->gone)
		return EVCAN_ERR_GONE;
	code = run_command(adapter, port, what, data, &call);
	if (code == 0 || code >= SYSTEC_NODATA)
		return 0;
	if (is_gone(code) && !port->gone)
		tell_gone(adapter, port, code, call);
	else if (!port->gone)
		tell_error(adapter, code, call);
	return port->gone ? EVCAN_ERR_GONE : code_of(code);
}

const struct evcan_vendor_ops_ evcan_systec_ops_ = {
	.port_size = sizeof(struct evcan_systec_port_),
	.open = port_open,
	.read = port_read,
	.send = port_send,
	.close = port_close,
	.command = port_command,
	.look = port_look,
	.fd = port_fd
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* kvaser_port.c - a channel of CANlib, in its adapter's thread */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <evcan/driver.h>

#include "../error_frame.h"
#include "kvaser.h"

#define TICK_NS 10000
/* What a closing channel grants to its transmit queue. */
#define SYNC_MS 100

/* Not to be called by two threads at once. */
void
evcan_kvaser_init_(const struct evcan_kvaser_calls_ *calls)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	calls->canInitializeLibrary();
	pthread_mutex_unlock(&lock);
}

static void
text_item(const struct evcan_kvaser_calls_ *calls, int channel, int item,
    char *text, size_t size)
{
	memset(text, 0, size);
	if (calls->canGetChannelData(channel, item, text, size - 1) < 0)
		snprintf(text, size, "Kvaser");
}

void
evcan_kvaser_describe_(const struct evcan_kvaser_calls_ *calls, int channel,
    char *text, size_t size)
{
	uint64_t serial = 0;
	uint32_t on_card = 0;
	char name[60];

	text_item(calls, channel, KVASER_DEVDESCR_ASCII, name, sizeof(name));
	calls->canGetChannelData(channel, KVASER_CARD_SERIAL_NO, &serial,
	    sizeof(serial));
	calls->canGetChannelData(channel, KVASER_CHAN_NO_ON_CARD, &on_card,
	    sizeof(on_card));
	snprintf(text, size, "%s, S/N %llu (#%u)", name,
	    (unsigned long long)serial, (unsigned)on_card + 1);
}

/* Errors */

static const struct {
	int status;
	const char *name, *text;
} statuses[] = {
	{ -1, "canERR_PARAM", "a value is wrong, or not for this device" },
	{ -2, "canERR_NOMSG", "the device did not answer" },
	{ -3, "canERR_NOTFOUND", "no such channel, or not in this mode" },
	{ -4, "canERR_NOMEM", "out of memory" },
	{ -5, "canERR_NOCHANNELS", "somebody has the channel exclusively" },
	{ -7, "canERR_TIMEOUT", "the time was spent" },
	{ -8, "canERR_NOTINITIALIZED", "the library is not initialized" },
	{ -9, "canERR_NOHANDLES", "no more handles" },
	{ -10, "canERR_INVHANDLE", "the handle is not valid any more" },
	{ -12, "canERR_DRIVER", "driver and library do not fit together" },
	{ -13, "canERR_TXBUFOFL", "the transmit queue is full" },
	{ -15, "canERR_HARDWARE", "the device is gone or broken" },
	{ -19, "canERR_NOT_SUPPORTED", "the device cannot do that" },
	{ -23, "canERR_DRIVERLOAD", "the kernel module cannot be loaded" },
	{ -24, "canERR_DRIVERFAILED", "the kernel module does not work" },
	{ -26, "canERR_NOCARD", "the card is not there" },
	{ -29, "canERR_LICENSE", "the licence does not allow that" },
	{ -30, "canERR_INTERNAL", "an error inside the library" },
	{ -31, "canERR_NO_ACCESS", "somebody else has access" },
	{ -32, "canERR_NOT_IMPLEMENTED", "the library cannot do that" }
};

#define N_STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static const char *
name_of(int status)
{
	for (size_t i = 0; i < N_STATUSES; i++) {
		if (statuses[i].status == status)
			return statuses[i].name;
	}
	return "an unknown status";
}

static const char *
text_of(int status)
{
	for (size_t i = 0; i < N_STATUSES; i++) {
		if (statuses[i].status == status)
			return statuses[i].text;
	}
	return "see canstat.h";
}

static int
code_of(int status)
{
	if (status == -19 || status == -32)
		return EVCAN_ERR_UNSUPPORTED;
	return status == -5 ? EVCAN_ERR_BUSY : EVCAN_ERR_OPERATION;
}

static int
open_error(struct evcan_error *err, const struct evcan_kvaser_port_ *port,
    int status, const char *call)
{
	evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "channel %d: %s gives %d (%s: %s)", port->channel, call, status,
	    name_of(status), text_of(status));
	if (err != NULL)
		err->vendor = status;
	return EVCAN_ERR_INIT;
}

static void
tell_gone(struct evcan_adapter_ *adapter, int status, const char *call)
{
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, status,
	    "%s gives %d (%s: %s)", call, status, name_of(status),
	    text_of(status));
}

static void
tell_error(struct evcan_adapter_ *adapter, int status, const char *call)
{
	evcan_adapter_error_(adapter, code_of(status), status,
	    "%s gives %d (%s: %s)", call, status, name_of(status),
	    text_of(status));
}

/* Opening, in the thread */

static int
open_channel(struct evcan_kvaser_port_ *port, struct evcan_error *err)
{
	int status = port->calls.canOpenChannel(port->channel, port->flags);

	if (status < 0)
		return open_error(err, port, status, "canOpenChannel");
	port->handle = status;
	return 0;
}

static int
ioctl_u32(struct evcan_kvaser_port_ *port, unsigned function, uint32_t value)
{
	return port->calls.canIoCtl(port->handle, function, &value,
	    sizeof(value));
}

/* @param text receives what the information of the bus says of it */
static int
check_version(struct evcan_kvaser_port_ *port, char text[24],
    struct evcan_error *err)
{
	unsigned version = port->calls.canGetVersion != NULL ?
	    port->calls.canGetVersion() : 0;

	text[0] = '\0';
	/* Libraries of others with this interface count from 0. */
	if (version >> 8 == 0)
		return 0;
	snprintf(text, 24, ", CANlib %u.%u", version >> 8, version & 0xff);
	return evcan_vendor_check_version_(&evcan_kvaser_library_,
	    version >> 8, version & 0xff, err);
}

/* Somebody who was first decides: then these are refused, and it is told. */
static int
set_parameters(struct evcan_kvaser_port_ *port, struct evcan_error *err)
{
	const struct evcan_kvaser_timing_ *n = &port->nominal,
	    *d = &port->data;
	uint8_t report = 1;
	int status;

	port->calls.canIoCtl(port->handle, KVASER_IOCTL_ACCESS_ERRORS,
	    &report, sizeof(report));
	if (port->flags & KVASER_OPEN_NO_INIT_ACCESS)
		return 0;
	status = port->calls.canSetBusParams(port->handle, n->frequency,
	    n->tseg1, n->tseg2, n->sjw, n->samples, 0);
	if (status == KVASER_NO_ACCESS) {
		port->foreign = true;
		return 0;
	}
	if (status < 0)
		return open_error(err, port, status, "canSetBusParams");
	if (port->fd)
		status = port->calls.canSetBusParamsFd(port->handle,
		    d->frequency, d->tseg1, d->tseg2, d->sjw);
	if (status < 0)
		return open_error(err, port, status, "canSetBusParamsFd");
	status = port->calls.canSetBusOutputControl(port->handle,
	    port->silent ? KVASER_SILENT : KVASER_NORMAL);
	return status < 0 ? open_error(err, port, status,
	    "canSetBusOutputControl") : 0;
}

/* One that overflows is no time. */
static int64_t
time_of(int64_t ticks)
{
	return (int64_t)((uint64_t)ticks * TICK_NS);
}

/* Going on the bus is the device's time 0. */
static int
go_on_bus(struct evcan_kvaser_port_ *port)
{
	int64_t ticks = 0;
	int status = port->calls.canBusOn(port->handle);

	memset(&port->clock, 0, sizeof(port->clock));
	port->ticks = 0;
	if (status < 0)
		return status;
	if (port->calls.kvReadTimer64 != NULL &&
	    port->calls.kvReadTimer64(port->handle, &ticks) == 0)
		evcan_vendor_time_(&port->clock, time_of(ticks),
		    evcan_now_unix());
	return 0;
}

static void
tell_info(struct evcan_adapter_ *adapter, struct evcan_kvaser_port_ *port,
    const char *version)
{
	char text[120];

	evcan_kvaser_describe_(&port->calls, port->channel, text,
	    sizeof(text));
	evcan_adapter_info_(adapter, "%s%s%s", text, version, port->foreign ?
	    ", set up by somebody else" : "");
}

static int
port_open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	struct evcan_kvaser_port_ *port = arg;
	char version[24];
	int status, r;

	evcan_kvaser_init_(&port->calls);
	r = check_version(port, version, err);
	if (r == 0)
		r = open_channel(port, err);
	if (r < 0)
		return r;
	status = ioctl_u32(port, KVASER_IOCTL_TIMER_SCALE, TICK_NS / 1000);
	if (status < 0)
		return open_error(err, port, status, "canIoCtl (time)");
	r = set_parameters(port, err);
	if (r < 0)
		return r;
	status = port->echo ? ioctl_u32(port, KVASER_IOCTL_TXACK, 1) : 0;
	if (status < 0)
		return open_error(err, port, status,
		    "canIoCtl (receive_own_messages)");
	status = go_on_bus(port);
	if (status < 0)
		return open_error(err, port, status, "canBusOn");
	if (port->calls.canGetRawHandle == NULL ||
	    port->calls.canGetRawHandle(port->handle, &port->poll_fd) < 0)
		port->poll_fd = -1;
	tell_info(adapter, port, version);
	return 0;
}

/* Going off the bus forgets what is still to be sent. */
static void
port_close(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_kvaser_port_ *port = arg;

	(void)adapter;
	if (port->handle < 0)
		return;
	if (port->calls.canWriteSync != NULL && !port->gone)
		port->calls.canWriteSync(port->handle, SYNC_MS);
	port->calls.canBusOff(port->handle);
	port->calls.canClose(port->handle);
	port->handle = -1;
}

static int
port_fd(void *arg)
{
	return ((struct evcan_kvaser_port_ *)arg)->poll_fd;
}

/* Frames */

/* A long of 32 bits counts 10 us for 12 hours. */
static int64_t
ticks_of(struct evcan_kvaser_port_ *port, unsigned long time)
{
	if (sizeof(time) > 4)
		return (int64_t)time;
	port->ticks += (int32_t)((uint32_t)time - (uint32_t)port->ticks);
	return port->ticks;
}

static const struct {
	unsigned flag;
	uint8_t place, bits;     /* in the data of SocketCAN's error frame */
} error_bits[] = {
	{ KVASER_ERR_FORM, 2, 0x02 }, { KVASER_ERR_STUFF, 2, 0x04 },
	{ KVASER_ERR_BIT0, 2, 0x08 }, { KVASER_ERR_BIT1, 2, 0x10 },
	{ KVASER_ERR_CRC, 3, 0x08 }
};

static void
fill_error(struct evcan_frame *frame, unsigned flags)
{
	evcan_error_frame_(frame);
	for (size_t i = 0; i < sizeof(error_bits) / sizeof(error_bits[0]);
	    i++) {
		if (!(flags & error_bits[i].flag))
			continue;
		frame->id |= 0x08;     /* CAN_ERR_PROT */
		frame->data[error_bits[i].place] |= error_bits[i].bits;
	}
}

static void
fill_frame(struct evcan_frame *frame, unsigned long id, unsigned dlc,
    unsigned flags)
{
	frame->id = (uint32_t)id & (flags & KVASER_EXT ? EVCAN_MAX_EXT_ID :
	    EVCAN_MAX_STD_ID);
	if (flags & KVASER_EXT)
		frame->flags |= EVCAN_FRAME_EXT;
	if (flags & KVASER_TXACK) {
		frame->flags |= EVCAN_FRAME_ECHO;
		frame->dir = EVCAN_DIR_TX;
	}
	if (flags & KVASER_FDF) {
		frame->flags |= EVCAN_FRAME_FD;
		frame->flags |= flags & KVASER_BRS ? EVCAN_FRAME_BRS : 0;
		frame->flags |= flags & KVASER_ESI ? EVCAN_FRAME_ESI : 0;
		frame->dlc = evcan_len2dlc(dlc < 64 ? dlc : 64);
		frame->len = (uint8_t)evcan_dlc2len(frame->dlc);
		return;
	}
	frame->dlc = (uint8_t)(dlc < 15 ? dlc : 15);
	if (flags & KVASER_RTR)
		frame->flags |= EVCAN_FRAME_RTR;
	else
		frame->len = frame->dlc < 8 ? frame->dlc : 8;
}

/* @return 0, or the library's status */
static int
read_one(struct evcan_kvaser_port_ *port, struct evcan_frame *frame,
    int timeout_ms, unsigned *flags)
{
	unsigned dlc = 0;
	unsigned long time = 0;
	long id = 0;
	int status;

	memset(frame, 0, sizeof(*frame));
	*flags = 0;
	status = timeout_ms > 0 ? port->calls.canReadWait(port->handle, &id,
	    frame->data, &dlc, flags, &time, (unsigned long)timeout_ms) :
	    port->calls.canRead(port->handle, &id, frame->data, &dlc, flags,
	    &time);
	if (status < 0)
		return status;
	frame->dir = EVCAN_DIR_RX;
	frame->clock = EVCAN_CLOCK_HARDWARE;
	frame->time_ns = evcan_vendor_time_(&port->clock,
	    time_of(ticks_of(port, time)), evcan_now_unix());
	if (*flags & KVASER_ERROR_FRAME)
		fill_error(frame, *flags);
	else
		fill_frame(frame, (unsigned long)id, dlc, *flags);
	return 0;
}

static void
tell_state(struct evcan_adapter_ *adapter, struct evcan_kvaser_port_ *port)
{
	unsigned long flags = 0;
	enum evcan_bus_state state = EVCAN_STATE_ACTIVE;
	int status = port->calls.canReadStatus(port->handle, &flags);

	/* It is asked again soon. */
	if (status == KVASER_NOMSG || status == KVASER_INTERRUPTED ||
	    status == KVASER_TIMEOUT)
		return;
	if (status < 0) {
		tell_gone(adapter, status, "canReadStatus");
		port->gone = true;
		return;
	}
	if (flags & KVASER_STAT_BUS_OFF)
		state = EVCAN_STATE_BUS_OFF;
	else if (flags & KVASER_STAT_PASSIVE)
		state = EVCAN_STATE_PASSIVE;
	else if (flags & KVASER_STAT_WARNING)
		state = EVCAN_STATE_WARNING;
	if (state != port->state)
		evcan_adapter_state_(adapter, state);
	port->state = state;
}

/* The loss is before this frame, the n-th; how many is not known.
 * @return its new place */
static int
tell_overrun(struct evcan_adapter_ *adapter, struct evcan_frame *frames,
    int n)
{
	struct evcan_frame next = frames[n];

	evcan_adapter_push_(adapter, frames, n);
	evcan_adapter_lost_(adapter, 1);
	frames[0] = next;
	return 0;
}

/* Frames until there are no more. @return the number; negative: gone */
static int
port_read(struct evcan_adapter_ *adapter, void *arg,
    struct evcan_frame *frames, int max, int timeout_ms)
{
	struct evcan_kvaser_port_ *port = arg;
	bool errors = false;
	int n = 0, status = 0;
	unsigned flags;

	/* Not all that is read stays in `frames`. */
	for (int i = 0; i < max && !port->gone; i++) {
		status = read_one(port, &frames[n], i == 0 ? timeout_ms : 0,
		    &flags);
		if (status < 0)
			break;
		if (flags & KVASER_OVERRUN)
			n = tell_overrun(adapter, frames, n);
		/* See confirm_error(). */
		if ((flags & KVASER_ERROR_FRAME) && (flags & KVASER_TXACK))
			continue;
		errors = errors || (flags & KVASER_ERROR_FRAME);
		n++;
	}
	if (errors)
		tell_state(adapter, port);
	if (status < 0 && status != KVASER_NOMSG &&
	    status != KVASER_INTERRUPTED) {
		tell_gone(adapter, status, "canRead");
		port->gone = true;
	}
	return n == 0 && port->gone ? EVCAN_ERR_GONE : n;
}

static int
write_one(struct evcan_kvaser_port_ *port, const struct evcan_frame *frame)
{
	unsigned flags = frame->flags & EVCAN_FRAME_EXT ? KVASER_EXT :
	    KVASER_STD;
	uint8_t data[64];

	/* It has neither identifier nor data. */
	if (frame->flags & EVCAN_FRAME_ERR)
		return port->calls.canWrite(port->handle, 0, NULL, 0,
		    KVASER_ERROR_FRAME | KVASER_STD);
	/* The library wants it writable. */
	memcpy(data, frame->data, sizeof(data));
	if (frame->flags & EVCAN_FRAME_RTR)
		flags |= KVASER_RTR;
	if (frame->flags & EVCAN_FRAME_FD)
		flags |= KVASER_FDF;
	if (frame->flags & EVCAN_FRAME_BRS)
		flags |= KVASER_BRS;
	return port->calls.canWrite(port->handle, (long)frame->id, data,
	    frame->flags & EVCAN_FRAME_FD ? frame->len : frame->dlc, flags);
}

/* Not every device confirms error frames, and none says which of them it was:
 * they count as sent when they are taken. */
static void
confirm_error(struct evcan_adapter_ *adapter, const struct evcan_frame *frame)
{
	struct evcan_frame echo = *frame;

	echo.flags |= EVCAN_FRAME_ECHO;
	echo.dir = EVCAN_DIR_TX;
	echo.time_ns = evcan_now_unix();
	echo.clock = EVCAN_CLOCK_HOST;
	evcan_adapter_push_(adapter, &echo, 1);
}

static int
port_send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	struct evcan_kvaser_port_ *port = arg;
	int i, status = 0;

	for (i = 0; i < n && !port->gone; i++) {
		status = write_one(port, &frames[i]);
		if (status < 0)
			break;
		if (port->echo && (frames[i].flags & EVCAN_FRAME_ERR))
			confirm_error(adapter, &frames[i]);
	}
	if (i > 0 || status >= 0 || status == KVASER_TXBUFOFL ||
	    status == KVASER_INTERRUPTED)
		return i;
	if (status == KVASER_HARDWARE || status == KVASER_INVHANDLE) {
		tell_gone(adapter, status, "canWrite");
		port->gone = true;
		return 0;
	}
	tell_error(adapter, status, "canWrite");
	return EVCAN_ERR_OPERATION;
}

/* Its counters are of the time since it went on the bus; the load is that of
 * now. */
static void
port_look(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_kvaser_port_ *port = arg;
	struct evcan_kvaser_statistics_ s;

	tell_state(adapter, port);
	if (port->gone || port->calls.canRequestBusStatistics == NULL ||
	    port->calls.canGetBusStatistics == NULL ||
	    port->calls.canRequestBusStatistics(port->handle) < 0 ||
	    port->calls.canGetBusStatistics(port->handle, &s, sizeof(s)) < 0)
		return;
	evcan_adapter_load_(adapter, s.busLoad < 10000 ?
	    (unsigned)s.busLoad : 10000);
}

/* Commands */

/* Open first, so that no frame is lost between the calls. */
static int
set_filters(struct evcan_kvaser_port_ *port,
    const struct evcan_kvaser_filters_ *f)
{
	int status = port->calls.canAccept != NULL ? 0 :
	    KVASER_NOT_IMPLEMENTED;

	for (unsigned i = 0; i < 2 && status >= 0; i++) {
		unsigned code = i == 0 ? KVASER_CODE_STD : KVASER_CODE_EXT;

		status = port->calls.canAccept(port->handle, 0, code + 1);
		if (status >= 0)
			status = port->calls.canAccept(port->handle,
			    (long)f->code[i], code);
		if (status >= 0)
			status = port->calls.canAccept(port->handle,
			    (long)f->mask[i], code + 1);
	}
	return status;
}

/* Going off the bus forgets what was received, too. */
static int
reset(struct evcan_adapter_ *adapter, struct evcan_kvaser_port_ *port)
{
	int status;

	evcan_adapter_save_(adapter);
	status = port->calls.canBusOff(port->handle);
	return status < 0 ? status : go_on_bus(port);
}

static int
set_echo(struct evcan_kvaser_port_ *port)
{
	int status = ioctl_u32(port, KVASER_IOCTL_TXACK, 1);

	port->echo = status >= 0;
	return status;
}

static int
run_command(struct evcan_adapter_ *adapter, struct evcan_kvaser_port_ *port,
    int what, const void *data)
{
	struct evcan_kvaser_filters_ f;
	bool on;

	memcpy(&f, data, sizeof(f));
	memcpy(&on, data, sizeof(on));
	switch ((enum evcan_kvaser_command_)what) {
	case KVASER_SET_FILTERS:
		return set_filters(port, &f);
	case KVASER_SET_ECHO:
		return set_echo(port);
	case KVASER_SET_MODE:
		return port->calls.canSetBusOutputControl(port->handle,
		    on ? KVASER_SILENT : KVASER_NORMAL);
	case KVASER_FLUSH:
		return port->calls.canIoCtl(port->handle,
		    KVASER_IOCTL_FLUSH_TX, NULL, 0);
	case KVASER_RESET:
		return reset(adapter, port);
	case KVASER_FLASH:
		return port->calls.kvFlashLeds == NULL ?
		    KVASER_NOT_IMPLEMENTED :
		    port->calls.kvFlashLeds(port->handle, on ? 0 : 1, 30000);
	}
	return KVASER_NOT_SUPPORTED;
}

static int
port_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	static const char *const calls[] = { "canAccept", "canIoCtl (echo)",
		"canSetBusOutputControl", "canIoCtl (flush)", "canBusOn",
		"kvFlashLeds" };
	int status = run_command(adapter, arg, what, data);

	if (status >= 0)
		return 0;
	tell_error(adapter, status, calls[what]);
	return code_of(status);
}

const struct evcan_vendor_ops_ evcan_kvaser_ops_ = {
	.port_size = sizeof(struct evcan_kvaser_port_),
	.open = port_open,
	.read = port_read,
	.send = port_send,
	.close = port_close,
	.command = port_command,
	.look = port_look,
	.fd = port_fd
};

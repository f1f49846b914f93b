/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_device.c - a neoVI device, in its adapter's thread */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/driver.h>

#include "neovi.h"

typedef struct evcan_neovi_port_ port_type;

/* Readings that fail one after the other until the device counts as gone. */
#define FAILURES_MAX 8
#define TEXT_MAX 256

/* Errors. The library has texts of its own in some versions only. */

#define TX_FULL 0x3005
#define RX_OVERFLOW 0x2000

static const struct {
	long number;
	int code;
	const char *name, *text;
} errors[] = {
	{ 0x1000, EVCAN_ERR_GONE, "InvalidNeoDevice",
	    "the handle is not valid any more" },
	{ 0x1001, EVCAN_ERR_INVALID, "RequiredParameterNull",
	    "a parameter is missing" },
	{ 0x1004, EVCAN_ERR_INVALID, "ParameterOutOfRange",
	    "a parameter is out of its range" },
	{ 0x1005, EVCAN_ERR_BUSY, "DeviceCurrentlyOpen",
	    "the device is open already" },
	{ 0x1006, EVCAN_ERR_STATE, "DeviceCurrentlyClosed",
	    "the device is not open" },
	{ 0x1008, EVCAN_ERR_STATE, "DeviceCurrentlyOffline",
	    "the device is not on the bus" },
	{ 0x1011, EVCAN_ERR_INVALID, "UnsupportedTXNetwork",
	    "the device has no such network, or cannot send there" },
	{ 0x1012, EVCAN_ERR_INVALID, "MessageMaxLengthExceeded",
	    "the message is too long for this network" },
	{ 0x1014, EVCAN_ERR_OPERATION, "Timeout", "the time was spent" },
	{ RX_OVERFLOW, EVCAN_ERR_OPERATION, "PollingMessageOverflow",
	    "messages were lost, because nobody fetched them" },
	{ 0x2003, EVCAN_ERR_OPERATION, "SettingsReadError",
	    "the device's settings cannot be read" },
	{ 0x2008, EVCAN_ERR_OPERATION, "SettingsReadOnly",
	    "the device's settings cannot be changed" },
	{ 0x2009, EVCAN_ERR_INVALID, "CANSettingsNotAvailable",
	    "the device has no such CAN network" },
	{ 0x2010, EVCAN_ERR_INVALID, "CANFDSettingsNotAvailable",
	    "the device has no such CAN FD network" },
	{ 0x2013, EVCAN_ERR_INVALID, "BaudrateNotFound",
	    "the device does not know this bit rate" },
	{ 0x2014, EVCAN_ERR_INVALID, "UnexpectedNetworkType",
	    "the network is not one of CAN" },
	{ 0x2015, EVCAN_ERR_OPERATION, "DeviceFirmwareOutOfDate",
	    "the firmware is too old: Vehicle Spy updates it" },
	{ 0x2018, EVCAN_ERR_OPERATION, "NoDeviceResponse",
	    "the device does not answer" },
	{ 0x2020, EVCAN_ERR_UNSUPPORTED, "CANFDNotSupported",
	    "the device cannot do CAN FD" },
	{ 0x2021, EVCAN_ERR_UNSUPPORTED, "RTRNotSupported",
	    "the device cannot do remote frames" },
	{ 0x2022, EVCAN_ERR_GONE, "DeviceDisconnected",
	    "the device was unplugged" },
	{ 0x3000, EVCAN_ERR_OPERATION, "FailedToRead",
	    "reading from the device fails" },
	{ 0x3001, EVCAN_ERR_OPERATION, "FailedToWrite",
	    "writing to the device fails" },
	{ 0x3002, EVCAN_ERR_INIT, "DriverFailedToOpen",
	    "the device cannot be opened; maybe this user may not" },
	{ TX_FULL, EVCAN_ERR_FULL, "TransmitBufferFull",
	    "there is no room for more to send" },
	{ 0x3006, EVCAN_ERR_BUSY, "DeviceInUse",
	    "another program has the device" }
};

struct reason {
	long number;               /* 0: none is given */
	int code;
	char text[TEXT_MAX + 60];
};

static void
explain(const struct evcan_neovi_calls_ *calls, long number,
    struct reason *reason)
{
	char brief[TEXT_MAX] = "", text[TEXT_MAX] = "";
	int n_brief = TEXT_MAX - 1, n_text = TEXT_MAX - 1;
	int severity = 0, restart = 0;
	size_t i = 0;

	reason->number = number;
	reason->code = EVCAN_ERR_OPERATION;
	while (i < sizeof(errors) / sizeof(errors[0]) &&
	    errors[i].number != number)
		i++;
	if (i < sizeof(errors) / sizeof(errors[0])) {
		reason->code = errors[i].code;
		snprintf(reason->text, sizeof(reason->text), "0x%lX, %s: %s",
		    (unsigned long)number, errors[i].name, errors[i].text);
	} else if (calls->icsneoGetErrorInfo != NULL &&
	    calls->icsneoGetErrorInfo((int)number, brief, text, &n_brief,
	    &n_text, &severity, &restart)) {
		text[TEXT_MAX - 1] = '\0';
		snprintf(reason->text, sizeof(reason->text), "0x%lX: %s%s",
		    (unsigned long)number, text, restart ?
		    "; the device must be opened anew" : "");
	} else {
		snprintf(reason->text, sizeof(reason->text),
		    "0x%lX: an unknown error", (unsigned long)number);
	}
}

/* Of the call that just failed. */
static void
why(const port_type *port, struct reason *reason)
{
	unsigned long number = 0;

	if (port->handle != NULL &&
	    port->calls.icsneoGetLastAPIError != NULL &&
	    port->calls.icsneoGetLastAPIError(port->handle, &number) &&
	    number != 0) {
		explain(&port->calls, (long)number, reason);
		return;
	}
	reason->number = 0;
	reason->code = EVCAN_ERR_OPERATION;
	snprintf(reason->text, sizeof(reason->text), "no reason is given");
}

static void
tell_error(struct evcan_adapter_ *adapter, const struct reason *reason,
    const char *call)
{
	evcan_adapter_error_(adapter, reason->code, reason->number,
	    "%s fails (%s)", call, reason->text);
}

static bool
is_valid(const port_type *port)
{
	return port->calls.icsneoValidateHObject == NULL ||
	    port->calls.icsneoValidateHObject(port->handle);
}

static void
tell_gone(struct evcan_adapter_ *adapter, port_type *port,
    const struct reason *reason, const char *call)
{
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, reason->number,
	    "%s fails (%s)", call, reason->number != 0 ? reason->text :
	    "the device was unplugged, or does not answer");
	port->gone = true;
}

/* Opening */

static int
open_error(const port_type *port, const char *call, struct evcan_error *err)
{
	struct reason reason;
	char device[64];

	why(port, &reason);
	evcan_neovi_describe_(&port->device, device, sizeof(device));
	evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: %s fails (%s)", device,
	    call, reason.text);
	if (err != NULL)
		err->vendor = reason.number;
	return EVCAN_ERR_INIT;
}

/* For as long as it is powered, where the library can do that. */
static int
set_rates(port_type *port, int net, struct evcan_error *err)
{
	const struct evcan_neovi_calls_ *calls = &port->calls;
	char what[64];

	snprintf(what, sizeof(what), "bit rate %d for network %d",
	    port->bitrate, net);
	if (port->bitrate != 0 && !(calls->icsneoSetBitRateEx != NULL ?
	    calls->icsneoSetBitRateEx(port->handle,
	    (unsigned long)port->bitrate, net, 0) :
	    calls->icsneoSetBitRate(port->handle, port->bitrate, net)))
		return open_error(port, what, err);
	snprintf(what, sizeof(what), "data bit rate %d for network %d",
	    port->data_bitrate, net);
	if (port->fd && port->data_bitrate != 0 &&
	    !calls->icsneoSetFDBitRate(port->handle, port->data_bitrate,
	    net))
		return open_error(port, what, err);
	return 0;
}

static void
tell_info(struct evcan_adapter_ *adapter, const port_type *port)
{
	char device[64], nets[80] = "";
	size_t len = 0;

	evcan_neovi_describe_(&port->device, device, sizeof(device));
	for (int i = 0; i < port->n_nets && len < sizeof(nets) - 8; i++)
		len += (size_t)snprintf(nets + len, sizeof(nets) - len,
		    "%s%d", i == 0 ? "" : ", ", port->nets[i].id);
	evcan_adapter_info_(adapter, "%s, network%s %s", device,
	    port->n_nets == 1 ? "" : "s", nets);
}

static int
port_open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	port_type *port = arg;
	int r = evcan_neovi_claim_(port, err), ignored = 0;

	if (r < 0) {
		if (err->code == 0)
			open_error(port, "icsneoOpenDevice", err);
		if (port->handle != NULL)     /* open by half */
			port->calls.icsneoClosePort(port->handle, &ignored);
		port->handle = NULL;
		return err->code;
	}
	for (int i = 0; i < port->n_nets && r == 0; i++)
		r = set_rates(port, port->nets[i].id, err);
	if (r < 0)
		return r;
	port->messages = calloc(NEOVI_MESSAGES, sizeof(port->messages[0]));
	if (port->messages == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "no memory for the device's messages");
	tell_info(adapter, port);
	return 0;
}

static void
port_close(struct evcan_adapter_ *adapter, void *arg)
{
	port_type *port = arg;
	int n_errors = 0;

	(void)adapter;
	free(port->messages);
	port->messages = NULL;
	if (port->handle == NULL)
		return;
	port->calls.icsneoClosePort(port->handle, &n_errors);
	if (port->calls.icsneoFreeObject != NULL)
		port->calls.icsneoFreeObject(port->handle);
	port->handle = NULL;
	evcan_neovi_release_(port);
}

/* Receiving */

/* Frames that wait to be pushed; what else is told is behind them then. */
struct batch {
	struct evcan_adapter_ *adapter;
	struct evcan_frame *frames;
	int n, max;
};

static void
flush(struct batch *batch)
{
	if (batch->n > 0)
		evcan_adapter_push_(batch->adapter, batch->frames, batch->n);
	batch->n = 0;
}

static void
tell_failed(struct batch *batch, const struct evcan_neovi_message_ *message)
{
	struct evcan_frame frame = batch->frames[batch->n];

	flush(batch);
	evcan_adapter_error_(batch->adapter, EVCAN_ERR_OPERATION, 0,
	    "the device could not send frame %X (status 0x%lX)",
	    (unsigned)frame.id, (unsigned long)message->status);
	evcan_adapter_refused_(batch->adapter, &frame, EVCAN_ERR_OPERATION);
}

/* What the device says of a frame that it had taken. Those without a
 * description are of somebody else who has the same device. */
static void
take_report(port_type *port, struct batch *batch,
    const struct evcan_neovi_message_ *message)
{
	if (message->description == 0) {
		batch->n += port->own;
	} else if (message->status & NEOVI_GLOBAL_ERROR) {
		tell_failed(batch, message);
	} else {
		batch->frames[batch->n].flags |= EVCAN_FRAME_ECHO;
		batch->n++;
	}
}

static void
take(port_type *port, struct batch *batch,
    struct evcan_neovi_message_ *message, int64_t now)
{
	enum evcan_bus_state state;

	if (message->status & NEOVI_OVERFLOW) {
		/* How many is not told. */
		flush(batch);
		evcan_adapter_lost_(batch->adapter, 1);
	}
	if (evcan_neovi_net_of_(port, message) == NULL)
		return;
	if (batch->n == batch->max)
		flush(batch);
	evcan_neovi_to_frame_(port, message, now, &batch->frames[batch->n]);
	if ((message->status & NEOVI_TX) &&
	    !(message->status2 & NEOVI_ERROR_FRAME))
		take_report(port, batch, message);
	else
		batch->n++;
	state = evcan_neovi_state_(port->state, message);
	if (state != port->state) {
		flush(batch);
		evcan_adapter_state_(batch->adapter, state);
	}
	port->state = state;
}

static void
tell_errors(struct evcan_adapter_ *adapter, const port_type *port)
{
	int numbers[NEOVI_ERRORS], n = NEOVI_ERRORS;
	struct reason reason;

	if (port->calls.icsneoGetErrorMessages == NULL ||
	    !port->calls.icsneoGetErrorMessages(port->handle, numbers, &n))
		return;
	for (int i = 0; i < n && i < NEOVI_ERRORS; i++) {
		explain(&port->calls, numbers[i], &reason);
		if (numbers[i] == RX_OVERFLOW)
			evcan_adapter_lost_(adapter, 1);
		else
			tell_error(adapter, &reason, "the device");
	}
}

/* @return 0: that may pass, or negative */
static int
read_failed(struct evcan_adapter_ *adapter, port_type *port)
{
	struct reason reason;

	why(port, &reason);
	if (!is_valid(port) || ++port->failures >= FAILURES_MAX) {
		tell_gone(adapter, port, &reason, "icsneoGetMessages");
		return EVCAN_ERR_GONE;
	}
	tell_error(adapter, &reason, "icsneoGetMessages");
	return 0;
}

/* The library has one buffer for all devices: what it gives must be copied
 * before any thread asks again (one that hangs here stops them all). A message
 * may also come between two waits without ending one, so it is asked after
 * each. */
static int
port_read(struct evcan_adapter_ *adapter, void *arg,
    struct evcan_frame *frames, int max, int timeout_ms)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	port_type *port = arg;
	struct batch batch = { adapter, frames, 0, max };
	int n = NEOVI_MESSAGES, n_errors = 0, ok;
	int64_t now;

	if (port->gone)
		return EVCAN_ERR_GONE;
	if (timeout_ms > 0)
		port->calls.icsneoWaitForRxMessagesWithTimeOut(port->handle,
		    (unsigned)timeout_ms);
	pthread_mutex_lock(&lock);
	ok = port->calls.icsneoGetMessages(port->handle, port->messages, &n,
	    &n_errors);
	now = evcan_now_unix();
	for (int i = 0; ok && i < n && i < NEOVI_MESSAGES; i++)
		take(port, &batch, &port->messages[i], now);
	pthread_mutex_unlock(&lock);
	if (!ok)
		return read_failed(adapter, port);
	port->failures = 0;
	if (n_errors > 0) {
		flush(&batch);
		tell_errors(adapter, port);
	}
	return batch.n;
}

/* Sending */

static int
write_one(port_type *port, const struct evcan_frame *frame)
{
	struct evcan_neovi_message_ message;
	uint16_t net = port->nets[0].id;

	for (int i = 1; i < port->n_nets; i++) {
		if (port->nets[i].channel == frame->channel)
			net = port->nets[i].id;
	}
	/* It comes back in the report, and says that the frame is ours. */
	port->description = port->description == INT16_MAX ? 1 :
	    (int16_t)(port->description + 1);
	evcan_neovi_to_message_(frame, net, port->description, &message);
	return port->calls.icsneoTxMessages(port->handle, &message, net, 1);
}

static int
port_send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	port_type *port = arg;
	struct reason reason;
	int i = 0;

	while (i < n && !port->gone && write_one(port, &frames[i]))
		i++;
	if (i > 0 || port->gone)
		return i;
	why(port, &reason);
	if (reason.number == TX_FULL)
		return 0;
	if (!is_valid(port) || reason.code == EVCAN_ERR_GONE) {
		tell_gone(adapter, port, &reason, "icsneoTxMessages");
		return 0;
	}
	tell_error(adapter, &reason, "icsneoTxMessages");
	return reason.code;
}

/* Control */

static void
port_look(struct evcan_adapter_ *adapter, void *arg)
{
	port_type *port = arg;
	struct reason reason;

	if (port->gone || is_valid(port))
		return;
	why(port, &reason);
	tell_gone(adapter, port, &reason, "icsneoValidateHObject");
}

static int
port_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	port_type *port = arg;
	struct reason reason;

	(void)what;
	(void)data;
	if (port->calls.icsneoEnableNetworkCom == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	if (!port->calls.icsneoEnableNetworkCom(port->handle, 0) ||
	    !port->calls.icsneoEnableNetworkCom(port->handle, 1)) {
		why(port, &reason);
		tell_error(adapter, &reason, "icsneoEnableNetworkCom");
		return reason.code;
	}
	port->state = EVCAN_STATE_ACTIVE;
	evcan_adapter_state_(adapter, port->state);
	return 0;
}

const struct evcan_vendor_ops_ evcan_neovi_ops_ = {
	.port_size = sizeof(port_type),
	.open = port_open,
	.read = port_read,
	.send = port_send,
	.close = port_close,
	.command = port_command,
	.look = port_look,
	.slice_ms = 2
};

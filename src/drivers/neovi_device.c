/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_device.c - a neoVI device, in its adapter's thread */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/driver.h>

#include "neovi.h"

typedef struct evcan_neovi_port_ port_type;

/* Readings that fail one after the other until the device counts as gone. */
#define FAILURES_MAX 8
/* For another device's reading, before this one goes on without. */
#define TURN_NS ((int64_t)20000000)

/* Errors */

static void
tell_error(struct evcan_adapter_ *adapter,
    const struct evcan_neovi_reason_ *reason, const char *call)
{
	evcan_adapter_error_(adapter, reason->code, reason->number,
	    "%s fails (%s)", call, reason->text);
}

static void
tell_gone(struct evcan_adapter_ *adapter, port_type *port,
    const struct evcan_neovi_reason_ *reason, const char *call)
{
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, reason->number,
	    "%s fails (%s)", call, reason->number != 0 ? reason->text :
	    "the device was unplugged, or does not answer");
	port->gone = true;
}

/* Opening */

/* Rates that the library knows by a rounded number only. */
static const struct {
	int rate, known_as;
} rounded[] = {
	{ 33333, 33000 }, { 62500, 62000 }, { 83333, 83000 },
	{ 666666, 666000 }, { 666667, 666000 }, { 6666666, 6667000 },
	{ 6666667, 6667000 }
};

/* For as long as it is powered, where the library can do that. */
static bool
set_bitrate(const port_type *port, int net, int rate)
{
	const struct evcan_neovi_calls_ *calls = &port->calls;

	if (calls->icsneoSetBitRateEx == NULL)
		return calls->icsneoSetBitRate(port->handle, rate, net);
	return calls->icsneoSetBitRateEx(port->handle, (unsigned long)rate,
	    net, 0);
}

/* The same. icsneoSetFDBitRate stores all the settings for good. */
static bool
set_data_bitrate(const port_type *port, int net, int rate)
{
	const struct evcan_neovi_calls_ *calls = &port->calls;

	if (calls->icsneo_setFDBaudrate == NULL ||
	    calls->icsneo_settingsApplyTemporary == NULL)
		return calls->icsneoSetFDBitRate(port->handle, rate, net);
	return calls->icsneo_setFDBaudrate(port->handle, (uint16_t)net,
	    rate) && calls->icsneo_settingsApplyTemporary(port->handle);
}

static int
set_rate(const port_type *port, const char *name, int net, int rate,
    bool (*set)(const port_type *port, int net, int rate),
    struct evcan_error *err)
{
	struct evcan_neovi_reason_ reason;
	char what[64];

	if (rate == 0 || set(port, net, rate))
		return 0;
	evcan_neovi_why_(port, &reason);
	for (size_t i = 0; i < sizeof(rounded) / sizeof(rounded[0]); i++) {
		if (rounded[i].rate == rate &&
		    reason.number == NEOVI_NO_BITRATE)
			return set_rate(port, name, net, rounded[i].known_as,
			    set, err);
	}
	snprintf(what, sizeof(what), "%s %d for network %d", name, rate, net);
	return evcan_neovi_open_error_(port, what, &reason, err);
}

static int
set_rates(const port_type *port, struct evcan_error *err)
{
	int r = 0;

	for (int i = 0; i < port->n_nets && r == 0; i++)
		r = set_rate(port, "bit rate", port->nets[i].id,
		    port->bitrate, set_bitrate, err);
	for (int i = 0; i < port->n_nets && r == 0 && port->fd; i++)
		r = set_rate(port, "data bit rate", port->nets[i].id,
		    port->data_bitrate, set_data_bitrate, err);
	return r;
}

/* libicsneo says 804, whichever it is, and nobody tells what the numbers of
 * other libraries mean. Those that are too old lack icsneoOpenDevice. */
static void
tell_info(struct evcan_adapter_ *adapter, const port_type *port)
{
	const struct evcan_neovi_calls_ *calls = &port->calls;
	int number = calls->icsneoGetDLLVersion != NULL ?
	    calls->icsneoGetDLLVersion() : 0;
	char device[64], serial[12], nets[80] = "", version[40] = "";
	size_t len = 0;

	evcan_neovi_serial_text_(port->device.serial, serial);
	evcan_neovi_describe_(&port->device, device, sizeof(device));
	for (int i = 0; i < port->n_nets && len < sizeof(nets) - 8; i++)
		len += (size_t)snprintf(nets + len, sizeof(nets) - len,
		    "%s%d", i == 0 ? "" : ", ", port->nets[i].id);
	if (number > 0)
		snprintf(version, sizeof(version), ", library's version %d",
		    number);
	evcan_adapter_device_(adapter, serial);
	evcan_adapter_info_(adapter, "%s, network%s %s%s", device,
	    port->n_nets == 1 ? "" : "s", nets, version);
}

static int
port_open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	port_type *port = arg;
	uint64_t before;
	int r = evcan_neovi_claim_(port, err);

	if (r == 0)
		r = set_rates(port, err);
	if (r < 0)
		return r;
	port->messages = calloc(NEOVI_MESSAGES, sizeof(port->messages[0]));
	if (port->messages == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "no memory for the device's messages");
	/* Those of its last user. */
	evcan_neovi_events_(port, &before);
	tell_info(adapter, port);
	return 0;
}

static void
port_close(struct evcan_adapter_ *adapter, void *arg)
{
	port_type *port = arg;

	(void)adapter;
	free(port->messages);
	port->messages = NULL;
	if (port->handle != NULL)
		evcan_neovi_release_(port);
}

/* @return false: it was unplugged */
static bool
hear_events(struct evcan_adapter_ *adapter, const port_type *port)
{
	uint64_t lost;
	bool there = evcan_neovi_events_(port, &lost);

	if (lost > 0)
		evcan_adapter_lost_(adapter, lost);
	return there;
}

static void
tell_unplugged(struct evcan_adapter_ *adapter, port_type *port)
{
	struct evcan_neovi_reason_ reason;

	evcan_neovi_explain_(&port->calls, NEOVI_DISCONNECTED, &reason);
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, reason.number, "%s",
	    reason.text);
	port->gone = true;
}

/* @return false: the device is gone, which is told then */
static bool
is_there(struct evcan_adapter_ *adapter, port_type *port, const char *call)
{
	struct evcan_neovi_reason_ reason;

	if (!evcan_neovi_is_valid_(port)) {
		evcan_neovi_why_(port, &reason);
		tell_gone(adapter, port, &reason, call);
	} else if (!hear_events(adapter, port)) {
		tell_unplugged(adapter, port);
	}
	return !port->gone;
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
	struct evcan_neovi_reason_ reason;

	if (port->calls.icsneoGetErrorMessages == NULL ||
	    !port->calls.icsneoGetErrorMessages(port->handle, numbers, &n))
		return;
	for (int i = 0; i < n && i < NEOVI_ERRORS; i++) {
		evcan_neovi_explain_(&port->calls, numbers[i], &reason);
		if (numbers[i] == NEOVI_RX_OVERFLOW)
			evcan_adapter_lost_(adapter, 1);
		else
			tell_error(adapter, &reason, "the device");
	}
}

/* @return 0: that may pass, or negative */
static int
read_failed(struct evcan_adapter_ *adapter, port_type *port,
    const struct evcan_neovi_reason_ *reason)
{
	if (!is_there(adapter, port, "icsneoGetMessages"))
		return EVCAN_ERR_GONE;
	if (++port->failures >= FAILURES_MAX) {
		tell_gone(adapter, port, reason, "icsneoGetMessages");
		return EVCAN_ERR_GONE;
	}
	if (reason->code != EVCAN_ERR_GONE)
		tell_error(adapter, reason, "icsneoGetMessages");
	return 0;
}

/* In its turn: the library has one buffer for all devices, and what it gives
 * must be copied before any thread asks again.
 * @return false: the call fails */
static bool
take_all(port_type *port, struct batch *batch, uint64_t ticket,
    int *n_errors)
{
	int n = NEOVI_MESSAGES;
	int64_t now;
	bool there;

	if (!port->calls.icsneoGetMessages(port->handle, port->messages, &n,
	    n_errors))
		return false;
	/* It hung, and another device has the buffer now. */
	if (!evcan_neovi_has_turn_(NEOVI_TURN_MESSAGES, ticket))
		return true;
	/* What is missing was older. */
	there = n <= NEOVI_MESSAGES / 2 || hear_events(batch->adapter, port);
	now = evcan_now_unix();
	for (int i = 0; i < n && i < NEOVI_MESSAGES; i++)
		take(port, batch, &port->messages[i], now);
	if (!there) {
		flush(batch);
		tell_unplugged(batch->adapter, port);
	}
	return true;
}

/* A message may come between two waits without ending one, so it is asked
 * after each. */
static int
port_read(struct evcan_adapter_ *adapter, void *arg,
    struct evcan_frame *frames, int max, int timeout_ms)
{
	port_type *port = arg;
	struct batch batch = { adapter, frames, 0, max };
	struct evcan_neovi_reason_ reason;
	int n_errors = 0;
	uint64_t ticket;
	bool ok;

	if (port->gone)
		return EVCAN_ERR_GONE;
	if (timeout_ms > 0)
		port->calls.icsneoWaitForRxMessagesWithTimeOut(port->handle,
		    (unsigned)timeout_ms);
	ticket = evcan_neovi_take_turn_(NEOVI_TURN_MESSAGES,
	    evcan_vendor_hang_ns_, TURN_NS);
	if (ticket == 0)
		return 0;
	ok = take_all(port, &batch, ticket, &n_errors);
	if (!ok)
		evcan_neovi_why_(port, &reason);
	evcan_neovi_give_turn_(NEOVI_TURN_MESSAGES, ticket);
	if (!ok)
		return read_failed(adapter, port, &reason);
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
	struct evcan_neovi_reason_ reason;
	int i = 0;

	while (i < n && !port->gone && write_one(port, &frames[i]))
		i++;
	if (i > 0 || port->gone)
		return i;
	evcan_neovi_why_(port, &reason);
	/* An invalid handle that is valid again: see is_valid. */
	if (reason.number == NEOVI_TX_FULL || !is_there(adapter, port,
	    "icsneoTxMessages") || reason.code == EVCAN_ERR_GONE)
		return 0;
	tell_error(adapter, &reason, "icsneoTxMessages");
	return reason.code;
}

/* Control */

static void
port_look(struct evcan_adapter_ *adapter, void *arg)
{
	port_type *port = arg;

	if (!port->gone)
		is_there(adapter, port, "icsneoValidateHObject");
}

static int
port_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	port_type *port = arg;
	struct evcan_neovi_reason_ reason;

	(void)what;
	(void)data;
	if (port->calls.icsneoEnableNetworkCom == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	if (!port->calls.icsneoEnableNetworkCom(port->handle, 0) ||
	    !port->calls.icsneoEnableNetworkCom(port->handle, 1)) {
		evcan_neovi_why_(port, &reason);
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

/* SPDX-License-Identifier: BSD-3-Clause */
/* vector_port.c - a channel of the XL Driver Library, in its thread */
#include "vector.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define BATCH 32

typedef struct evcan_vector_port_ port_type;

/* Errors */

static void
tell_gone(struct evcan_adapter_ *adapter, port_type *port, int status,
    const char *call)
{
	char text[EVCAN_VECTOR_SAYS_];

	port->gone = true;
	evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, status, "%s",
	    evcan_vector_says_(status, call, text));
}

static int
tell_error(struct evcan_adapter_ *adapter, int status, const char *call)
{
	char text[EVCAN_VECTOR_SAYS_];
	int code = evcan_vector_code_(status);

	evcan_adapter_error_(adapter, code, status, "%s",
	    evcan_vector_says_(status, call, text));
	return code;
}

/* Opening */

/* Receipts of what is sent; off unless somebody wants them. */
static int
set_echo(port_type *port, bool on)
{
	return port->calls.xlCanSetChannelMode(port->port, port->mask, on, 0);
}

/* Without one it is polled.
 * @return -1: no file descriptor, with errno */
static int
get_event(port_type *port)
{
	union xl_notification event;

	memset(&event, 0, sizeof(event));
	event.fd = -1;
	if (port->calls.xlSetNotification != NULL &&
	    port->calls.xlSetNotification(port->port, &event, 1) == 0)
		port->event_fd = event.fd;
	/* What is there already tells nobody. */
	port->pending = true;
	return port->event_fd < 0 ? evcan_wake_init_(&port->wake) : 0;
}

static int
go_on_bus(port_type *port)
{
	uint64_t now = 0;
	int status = port->calls.xlActivateChannel(port->port, port->mask,
	    XL_BUS_CAN, 0);

	port->active = status == 0;
	if (status != 0)
		return status;
	memset(&port->clock, 0, sizeof(port->clock));
	if ((port->calls.xlGetSyncTime != NULL &&
	    port->calls.xlGetSyncTime(port->port, &now) == 0) ||
	    (port->calls.xlGetChannelTime != NULL &&
	    port->calls.xlGetChannelTime(port->port, port->mask, &now) == 0))
		evcan_vendor_time_(&port->clock, (int64_t)now,
		    evcan_now_unix());
	return 0;
}

static int
start(port_type *port, struct evcan_error *err)
{
	int status = set_echo(port, port->own);

	if (status != 0 && port->own)
		return evcan_vector_error_(err, port, status,
		    "xlCanSetChannelMode (receive_own_messages)");
	if (get_event(port) < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "channel %u: no file descriptor",
		    (unsigned)port->channel);
	status = go_on_bus(port);
	return status == 0 ? 0 : evcan_vector_error_(err, port, status,
	    "xlActivateChannel");
}

static int
port_open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	port_type *port = arg;
	char info[EVCAN_VECTOR_INFO_];
	int r = evcan_vector_open_(port, info, err);

	if (r == 0)
		r = start(port, err);
	if (r == 0)
		evcan_adapter_info_(adapter, "%s%s", info, !port->init ||
		    port->may_set_up ? "" : ", set up by another program");
	return r;
}

static void
port_close(struct evcan_adapter_ *adapter, void *arg)
{
	port_type *port = arg;

	(void)adapter;
	if (port->active)
		port->calls.xlDeactivateChannel(port->port, port->mask);
	if (port->port >= 0)
		port->calls.xlClosePort(port->port);
	if (port->driver_open)
		evcan_vector_close_driver_(&port->calls);
	evcan_wake_destroy_(&port->wake);
}

/* Receiving */

/* Frames that were read, until they are handed over or returned. */
struct harvest {
	struct evcan_adapter_ *adapter;
	port_type *port;
	struct evcan_frame *frames;
	int n, room;               /* room: for events, frames or not */
};

/* Other news come behind the frames that were before them. */
static void
hand_over(struct harvest *h)
{
	if (h->n > 0)
		evcan_adapter_push_(h->adapter, h->frames, h->n);
	h->n = 0;
}

/* Before this event; how many it does not tell. */
static void
tell_lost(struct harvest *h)
{
	hand_over(h);
	evcan_adapter_lost_(h->adapter, 1);
}

static void
tell_state(struct harvest *h, const struct xl_chip_state *chip)
{
	enum evcan_bus_state state = chip->bus_status & XL_BUS_OFF ?
	    EVCAN_STATE_BUS_OFF : chip->bus_status & XL_PASSIVE ?
	    EVCAN_STATE_PASSIVE : chip->bus_status & XL_WARNING ?
	    EVCAN_STATE_WARNING : EVCAN_STATE_ACTIVE;

	if (state == h->port->state)
		return;
	h->port->state = state;
	hand_over(h);
	evcan_adapter_state_(h->adapter, state);
}

static void
keep(struct harvest *h, uint64_t time_ns)
{
	struct evcan_frame *frame = &h->frames[h->n++];

	frame->clock = EVCAN_CLOCK_HARDWARE;
	frame->time_ns = evcan_vendor_time_(&h->port->clock,
	    (int64_t)time_ns, evcan_now_unix());
}

/* @return a status; nothing there is one, too */
static int
read_classic(struct harvest *h)
{
	struct xl_event events[BATCH];
	uint32_t n = h->room < BATCH ? (uint32_t)h->room : BATCH;
	uint32_t most = n;
	int status = h->port->calls.xlReceive(h->port->port, &n, events);

	if (status != 0 || n == 0 || n > most)
		return status != 0 ? status : XL_QUEUE_IS_EMPTY;
	for (uint32_t i = 0; i < n; i++, h->room--) {
		const struct xl_event *event = &events[i];

		if ((event->flags & XL_EVENTS_LOST) ||
		    (event->tag == XL_RECEIVE_MSG &&
		    (event->data.msg.flags & XL_MSG_OVERRUN)))
			tell_lost(h);
		if (event->tag == XL_CHIP_STATE)
			tell_state(h, &event->data.chip);
		else if (evcan_vector_frame_(event, &h->frames[h->n]))
			keep(h, event->time_ns);
	}
	return 0;
}

static int
read_fd(struct harvest *h)
{
	struct xl_rx_event event;
	int status;

	memset(&event, 0, sizeof(event));
	event.size = sizeof(event);
	status = h->port->calls.xlCanReceive(h->port->port, &event);
	if (status != 0)
		return status;
	h->room--;
	if (event.flags & XL_FD_EVENTS_LOST)
		tell_lost(h);
	if (event.tag == XL_FD_CHIP_STATE)
		tell_state(h, &event.data.chip);
	else if (evcan_vector_fd_frame_(&event, &h->frames[h->n]))
		keep(h, event.time_ns);
	return 0;
}

/* It is set again only after the queue was empty, so it is cleared before
 * all is read, and fd tells of what is left. */
static void
clear_event(const port_type *port)
{
	struct pollfd event = { .fd = port->event_fd, .events = POLLIN };
	uint64_t count;

	if (poll(&event, 1, 0) != 1 ||
	    read(event.fd, &count, sizeof(count)) < 0)
		return;
}

static int
drain(struct harvest *h)
{
	int status = 0;

	while (status == 0 && h->room > 0)
		status = h->port->version == XL_FLEXIBLE ? read_fd(h) :
		    read_classic(h);
	return status;
}

/* For the next look into the queue, or for the loop.
 * @return what is left of the time */
static int
nap(port_type *port, int timeout_ms)
{
	struct pollfd fd = { .fd = port->wake.fd, .events = POLLIN };
	int ms = timeout_ms < port->poll_ms ? timeout_ms : port->poll_ms;

	if (poll(&fd, 1, ms) <= 0)
		return timeout_ms - ms;
	evcan_wake_clear_(&port->wake);
	return 0;
}

static int
port_read(struct evcan_adapter_ *adapter, void *arg,
    struct evcan_frame *frames, int max, int timeout_ms)
{
	port_type *port = arg;
	struct harvest h = { adapter, port, frames, 0, max };
	int status = 0;

	if (port->gone)
		return EVCAN_ERR_GONE;
	if (port->event_fd >= 0 && !port->pending)
		clear_event(port);
	status = drain(&h);
	/* Nothing tells when something comes: look at intervals. */
	while (status == XL_QUEUE_IS_EMPTY && h.room == max &&
	    port->event_fd < 0 && timeout_ms > 0) {
		timeout_ms = nap(port, timeout_ms);
		status = drain(&h);
	}
	port->pending = status == 0;
	if (status != 0 && status != XL_QUEUE_IS_EMPTY)
		tell_gone(adapter, port, status, port->version ==
		    XL_FLEXIBLE ? "xlCanReceive" : "xlReceive");
	return h.n == 0 && port->gone ? EVCAN_ERR_GONE : h.n;
}

static int
port_fd(void *arg)
{
	const port_type *port = arg;

	return port->pending ? -1 : port->event_fd;
}

static void
port_interrupt(void *arg)
{
	const port_type *port = arg;

	if (port->wake.fd >= 0)
		evcan_wake_set_(&port->wake);
}

/* Sending */

static int
transmit(port_type *port, const struct evcan_frame *frames, int n,
    int *accepted)
{
	struct xl_event events[BATCH];
	struct xl_tx_event fd_events[BATCH];
	uint32_t count = 0;
	int status;

	n = n < BATCH ? n : BATCH;
	if (port->version == XL_FLEXIBLE) {
		for (int i = 0; i < n; i++)
			evcan_vector_fd_event_(&frames[i], &fd_events[i]);
		status = port->calls.xlCanTransmitEx(port->port, port->mask,
		    (uint32_t)n, &count, fd_events);
	} else {
		for (int i = 0; i < n; i++)
			evcan_vector_event_(&frames[i], &events[i]);
		count = (uint32_t)n;
		status = port->calls.xlCanTransmit(port->port, port->mask,
		    &count, events);
	}
	/* An error may leave the count as it was. */
	*accepted = count < (uint32_t)n ? (int)count : status == 0 ? n : 0;
	return status;
}

static int
port_send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	port_type *port = arg;
	int accepted, status;

	if (port->gone)
		return 0;
	status = transmit(port, frames, n, &accepted);
	/* Which one it refuses it does not tell: is it the first? */
	if (status != 0 && status != XL_QUEUE_IS_FULL && accepted == 0 &&
	    n > 1)
		status = transmit(port, frames, 1, &accepted);
	if (accepted > 0 || status == 0 || status == XL_QUEUE_IS_FULL)
		return accepted;
	if (!evcan_vector_is_gone_(status))
		return tell_error(adapter, status, port->version ==
		    XL_FLEXIBLE ? "xlCanTransmitEx" : "xlCanTransmit");
	tell_gone(adapter, port, status, port->version == XL_FLEXIBLE ?
	    "xlCanTransmitEx" : "xlCanTransmit");
	return 0;
}

/* The answer comes as an event. */
static void
port_look(struct evcan_adapter_ *adapter, void *arg)
{
	port_type *port = arg;
	int status = port->gone ? 0 :
	    port->calls.xlCanRequestChipState(port->port, port->mask);

	if (evcan_vector_is_gone_(status))
		tell_gone(adapter, port, status, "xlCanRequestChipState");
}

/* Commands */

static int
set_filters(port_type *port, const struct evcan_vector_filters_ *filters)
{
	int status = 0;

	/* A range's number is 1, standard, or 2, extended. */
	for (unsigned i = 0; i < 2 && status == 0; i++)
		status = port->calls.xlCanSetChannelAcceptance(port->port,
		    port->mask, filters->code[i], filters->care[i], i + 1);
	return status;
}

/* What was received is given on before it is forgotten. */
static int
go_off_bus(struct evcan_adapter_ *adapter, port_type *port)
{
	int status;

	evcan_adapter_save_(adapter);
	if (port->gone)
		return XL_HW_NOT_PRESENT;
	status = port->calls.xlDeactivateChannel(port->port, port->mask);
	port->active = port->active && status != 0;
	return status;
}

/* One that cannot is opened anew. */
static int
come_back(struct evcan_adapter_ *adapter, port_type *port)
{
	int status = go_on_bus(port);

	if (status != 0)
		tell_gone(adapter, port, status, "xlActivateChannel");
	return status;
}

static int
reset(struct evcan_adapter_ *adapter, port_type *port)
{
	int status = go_off_bus(adapter, port);

	return status != 0 ? status : come_back(adapter, port);
}

/* Off the bus meanwhile, and on it again whatever comes of it. */
static int
set_mode(struct evcan_adapter_ *adapter, port_type *port, bool silent)
{
	int status, back;

	if (!port->may_set_up)
		return XL_INIT_ACCESS_MISSING;
	status = go_off_bus(adapter, port);
	if (status != 0)
		return status;
	status = port->calls.xlCanSetChannelOutput(port->port, port->mask,
	    silent ? XL_SILENT : XL_NORMAL);
	back = come_back(adapter, port);
	return status != 0 ? status : back;
}

static int
run_command(struct evcan_adapter_ *adapter, port_type *port, int what,
    const void *data)
{
	struct evcan_vector_filters_ filters;
	bool on;

	memcpy(&filters, data, sizeof(filters));
	on = *(const uint8_t *)data != 0;
	switch ((enum evcan_vector_command_)what) {
	case VECTOR_SET_FILTERS:
		return set_filters(port, &filters);
	case VECTOR_SET_ECHO:
		return set_echo(port, true);
	case VECTOR_SET_MODE:
		return set_mode(adapter, port, on);
	case VECTOR_FLUSH:
		return port->calls.xlCanFlushTransmitQueue(port->port,
		    port->mask);
	case VECTOR_RESET:
		return reset(adapter, port);
	}
	return XL_NOT_IMPLEMENTED;
}

static int
port_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	static const char *const calls[] = { "xlCanSetChannelAcceptance",
		"xlCanSetChannelMode", "xlCanSetChannelOutput",
		"xlCanFlushTransmitQueue", "xlActivateChannel" };
	const port_type *port = arg;
	int status = port->gone ? XL_HW_NOT_PRESENT :
	    run_command(adapter, arg, what, data);

	if (port->gone)
		return EVCAN_ERR_GONE;
	return status == 0 ? 0 : tell_error(adapter, status, calls[what]);
}

const struct evcan_vendor_ops_ evcan_vector_ops_ = {
	.port_size = sizeof(port_type),
	.open = port_open,
	.read = port_read,
	.send = port_send,
	.close = port_close,
	.command = port_command,
	.look = port_look,
	.fd = port_fd,
	.interrupt = port_interrupt
};

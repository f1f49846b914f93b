/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan_device.c - one PCAN channel, in its thread
 *
 * No call of PCAN-Basic waits for frames: its fd is polled, then it is read
 * until it is empty. The library locks itself, whole, for the time of each
 * call, so a slow call on one channel holds up all of them. */
#include "pcan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/frame.h>

/* Reads that fail in a row before the device counts as gone. */
#define FAULTS_MAX 16
/* Stamps before this (2000-01-01, us) count from the start of something. */
#define UNIX_FROM_US 946684800000000
/* Stamps from this (2100-01-01, us) are of no clock. */
#define UNIX_TO_US 4102444800000000
#define CHANNELS_MAX 1024

/* Telling */

static int
refuse(uint32_t status, const char *what, struct evcan_error *err)
{
	char says[EVCAN_PCAN_SAYS_];
	int code = evcan_pcan_code_(status);

	evcan_error_set(err, code, 0, "%s: %s", what,
	    evcan_pcan_says_(status, says));
	if (err != NULL)
		err->vendor = (long)status;
	return code;
}

static int
tell(struct evcan_adapter_ *adapter, uint32_t status, const char *what)
{
	char says[EVCAN_PCAN_SAYS_];
	int code = evcan_pcan_code_(status);

	evcan_adapter_error_(adapter, code, (long)status, "%s: %s", what,
	    evcan_pcan_says_(status, says));
	return code;
}

static int
tell_gone(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    uint32_t status)
{
	char says[EVCAN_PCAN_SAYS_];

	if (!port->gone)
		evcan_adapter_gone_(adapter, EVCAN_ERR_GONE, (long)status,
		    "%s", evcan_pcan_says_(status, says));
	port->gone = true;
	return EVCAN_ERR_GONE;
}

static void
tell_state(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    uint32_t status)
{
	enum evcan_bus_state state = evcan_pcan_state_(status);

	if (state == port->state)
		return;
	port->state = state;
	evcan_adapter_state_(adapter, state);
}

/* Parameters */

/* One byte is a switch everywhere. More is not: the library for Linux takes
 * four bytes of "identify" for 0. */
static uint32_t
set_switch(struct evcan_pcan_port_ *port, enum evcan_pcan_parameter_ what,
    bool on)
{
	uint8_t value = on;

	return port->calls.set_value(port->channel, (uint8_t)what, &value,
	    sizeof(value)) & ~(uint32_t)PCAN_CAUTION;
}

/* The fd may be another one after a reset. */
static uint32_t
get_fd(struct evcan_pcan_port_ *port)
{
	int fd = -1;
	uint32_t status = port->calls.get_value(port->channel,
	    PCAN_RECEIVE_EVENT, &fd, sizeof(fd));

	port->event_fd = status == 0 ? fd : -1;
	return status;
}

/* Opening */

#define VERSION_SIZE 32

/* "4.10.0.4", "4, 10, 0, 4": what else it may say is not repeated.
 * @param text receives that, or ""
 * @return whether it is known to be older than 4.2, which lacks parameters.
 * Other libraries with this interface count from 0, so it may do yet. */
static bool
is_old(const struct evcan_pcan_port_ *port, char text[VERSION_SIZE])
{
	char raw[256] = "";
	size_t n = 0;
	long major, minor;
	char *end;

	if (port->calls.get_value(0, PCAN_API_VERSION, raw,
	    sizeof(raw) - 1) == 0)
		n = strspn(raw, "0123456789., ");
	snprintf(text, VERSION_SIZE, "%.*s", (int)(n < VERSION_SIZE ? n : 0),
	    raw);
	major = strtol(text, &end, 10);
	if (end == text)
		text[0] = '\0';
	if (end == text || major > 4)
		return false;
	end += strspn(end, "., ");
	minor = strtol(end, NULL, 10);
	return major < 4 || minor < 2;
}

int
evcan_pcan_list_(const struct evcan_pcan_calls_ *calls,
    struct evcan_pcan_found_ **list, uint32_t *n)
{
	uint32_t count = 0;

	*list = NULL;
	*n = 0;
	if (calls->get_value(0, PCAN_ATTACHED_CHANNELS_COUNT, &count,
	    sizeof(count)) != 0 || count > CHANNELS_MAX)
		return EVCAN_ERR_UNSUPPORTED;
	if (count == 0)
		return 0;
	*list = calloc(count, sizeof(**list));
	if (*list == NULL)
		return EVCAN_ERR_NOMEM;
	if (calls->get_value(0, PCAN_ATTACHED_CHANNELS, *list,
	    count * (uint32_t)sizeof(**list)) != 0) {
		free(*list);
		*list = NULL;
		return EVCAN_ERR_UNSUPPORTED;
	}
	*n = count;
	return 0;
}

/* @return 0 if there is none */
static uint16_t
ask_each(const struct evcan_pcan_port_ *port)
{
	uint16_t channel;

	for (size_t i = 0; (channel = evcan_pcan_channel_at_(i)) != 0; i++) {
		uint32_t id = 0;

		if (port->calls.get_value(channel, PCAN_DEVICE_ID, &id,
		    sizeof(id)) == 0 && id == (uint64_t)port->device_id)
			return channel;
	}
	return 0;
}

/* The channel of the device with that number. */
static int
find_device(struct evcan_pcan_port_ *port, struct evcan_error *err)
{
	struct evcan_pcan_found_ *list;
	uint32_t n;
	int r;

	if (port->device_id < 0)
		return 0;
	r = evcan_pcan_list_(&port->calls, &list, &n);
	if (r == EVCAN_ERR_NOMEM)
		return evcan_error_set(err, r, 0, "out of memory for the list "
		    "of PCAN devices (option device_id)");
	port->channel = r == 0 ? 0 : ask_each(port);
	for (uint32_t i = 0; i < n && port->channel == 0; i++) {
		if (list[i].device_id == (uint64_t)port->device_id)
			port->channel = list[i].channel;
	}
	free(list);
	if (port->channel == 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "no PCAN device has the number %lld (option device_id)",
		    (long long)port->device_id);
	evcan_pcan_name_(port->channel, port->name);
	return 0;
}

static uint32_t
initialize(struct evcan_pcan_port_ *port)
{
	return port->fd ? port->calls.initialize_fd(port->channel,
	    port->bits) : port->calls.initialize(port->channel, port->btr,
	    0, 0, 0);
}

/* What is set once the channel is open. */
static int
configure(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    struct evcan_error *err)
{
	uint32_t status = set_switch(port, PCAN_ALLOW_ERROR_FRAMES, true);

	if (status != 0)
		tell(adapter, status, "no error frames will come");
	if (port->own) {
		status = set_switch(port, PCAN_ALLOW_ECHO_FRAMES, true);
		if (status != 0)
			return refuse(status, "receive_own_messages", err);
	}
	status = set_switch(port, PCAN_BUSOFF_AUTORESET, port->auto_reset);
	if (status != 0 && port->auto_reset)
		return refuse(status, "auto_reset", err);
	status = get_fd(port);
	return status != 0 ? refuse(status, "no fd to wait for frames", err) :
	    0;
}

static void
describe(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    const char *version)
{
	char name[64] = "";

	if (port->calls.get_value(port->channel, PCAN_HARDWARE_NAME, name,
	    sizeof(name) - 1) != 0 || name[0] == '\0')
		snprintf(name, sizeof(name), "PCAN");
	evcan_adapter_info_(adapter, "%s: %s%s, PCAN-Basic %s", port->name,
	    name, port->fd ? ", CAN FD" : "", version[0] != '\0' ? version :
	    "?");
}

/* There is no "bus on": who is initialised is on the bus. */
static int
open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	struct evcan_pcan_port_ *port = arg;
	char version[VERSION_SIZE];
	bool old = is_old(port, version);
	uint32_t status;
	int r = find_device(port, err);

	if (r < 0)
		return r;
	if (old)
		evcan_adapter_error_(adapter, EVCAN_ERR_INIT, 0,
		    "PCAN-Basic %s is old: 4.2.0 or later is known to work",
		    version);
	/* It stays in the library from one opening to the next. */
	status = set_switch(port, PCAN_LISTEN_ONLY, port->listen_only);
	if (status != 0 && port->listen_only)
		return refuse(status, "listen-only", err);
	status = initialize(port);
	if ((status & ~(uint32_t)PCAN_CAUTION) != 0)
		return refuse(status, "opening", err);
	port->open = true;
	if (status != 0)
		tell(adapter, status, "opened with the bit rate that another "
		    "program set");
	r = configure(adapter, port, err);
	if (r == 0)
		describe(adapter, port, version);
	return r;
}

/* Uninitialising waits for frames that are still to be sent, half a second.
 * Where nobody acknowledges them they are dropped before. */
static void
close(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_pcan_port_ *port = arg;

	(void)adapter;
	if (!port->open)
		return;
	port->open = false;
	port->event_fd = -1;
	if (evcan_pcan_state_(port->calls.get_status(port->channel)) >=
	    EVCAN_STATE_PASSIVE)
		port->calls.reset(port->channel);
	port->calls.uninitialize(port->channel);
}

static int
event_fd(void *arg)
{
	const struct evcan_pcan_port_ *port = arg;

	return port->event_fd;
}

/* Receiving */

/* A message of either kind. */
struct message {
	uint32_t id;
	uint8_t type, dlc;
	const uint8_t *data;
	int64_t time_us;
};

/* Unix time on Linux; elsewhere since the system's start. */
static int64_t
unix_time(struct evcan_pcan_port_ *port, int64_t us)
{
	int64_t ns = (int64_t)((uint64_t)us * 1000);

	if (us >= UNIX_FROM_US && us < UNIX_TO_US)
		return ns;
	return evcan_vendor_time_(&port->clock, ns, evcan_now_unix());
}

static void
make_data_frame(const struct message *msg, struct evcan_frame *frame)
{
	static const struct {
		uint8_t type;
		uint16_t flag;
	} flags[] = {
		{ PCAN_TYPE_EXT, EVCAN_FRAME_EXT },
		{ PCAN_TYPE_RTR, EVCAN_FRAME_RTR },
		{ PCAN_TYPE_FD, EVCAN_FRAME_FD },
		{ PCAN_TYPE_BRS, EVCAN_FRAME_BRS },
		{ PCAN_TYPE_ESI, EVCAN_FRAME_ESI },
		{ PCAN_TYPE_ECHO, EVCAN_FRAME_ECHO }
	};
	bool fd = msg->type & PCAN_TYPE_FD;
	/* Some of them make no sense together. */
	unsigned type = msg->type & ~(fd ? (unsigned)PCAN_TYPE_RTR :
	    (unsigned)PCAN_TYPE_BRS | PCAN_TYPE_ESI);

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		frame->flags |= type & flags[i].type ? flags[i].flag : 0;
	frame->id = msg->id & (msg->type & PCAN_TYPE_EXT ?
	    EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID);
	frame->dir = msg->type & PCAN_TYPE_ECHO ? EVCAN_DIR_TX :
	    EVCAN_DIR_RX;
	frame->dlc = msg->dlc & 15;
	if (!(type & PCAN_TYPE_RTR))
		frame->len = fd ? evcan_dlc2len(frame->dlc) :
		    frame->dlc < 8 ? frame->dlc : 8;
	memcpy(frame->data, msg->data, frame->len);
}

/* Into SocketCAN's layout. The identifier says what kind, four bytes where:
 * direction (1: receiving), place as the SJA1000 has it, both counters. */
static void
make_error_frame(const struct message *msg, struct evcan_frame *frame)
{
	static const uint8_t kinds[9] = { [1] = 0x01, [2] = 0x02,
		[4] = 0x04 };
	bool receiving = msg->dlc < 1 || msg->data[0] != 0;
	uint8_t place = msg->dlc < 4 ? 0 : msg->data[1] & 0x1f;

	frame->flags = EVCAN_FRAME_ERR;
	frame->len = frame->dlc = 8;
	frame->id = 0x88;              /* protocol, bus error */
	frame->data[2] = (uint8_t)((msg->id < sizeof(kinds) ?
	    kinds[msg->id] : 0) | (receiving ? 0 : 0x80));
	frame->data[3] = place;
	if (place == 0x19 && !receiving)
		frame->id |= 0x20;     /* nobody acknowledged */
	if (msg->dlc >= 4) {
		frame->id |= 0x200;    /* counters */
		frame->data[6] = msg->data[3];
		frame->data[7] = msg->data[2];
	}
}

static void
make_frame(struct evcan_pcan_port_ *port, const struct message *msg,
    struct evcan_frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	frame->time_ns = unix_time(port, msg->time_us);
	frame->clock = EVCAN_CLOCK_HARDWARE;
	if (msg->type & PCAN_TYPE_ERROR)
		make_error_frame(msg, frame);
	else
		make_data_frame(msg, frame);
}

/* A status that came in the queue: what it says, and nothing if that is
 * news of the queues only. */
static void
on_status(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    uint32_t status)
{
	if (status == 0 || (status & PCAN_ANYBUSERR) != 0)
		tell_state(adapter, port, status);
	/* It does not say how many. */
	if (status & (PCAN_OVERRUN | PCAN_QOVERRUN))
		evcan_adapter_lost_(adapter, 1);
	status &= ~(uint32_t)(PCAN_ANYBUSERR | PCAN_OVERRUN | PCAN_QOVERRUN);
	if (status != 0)
		tell(adapter, status, "status");
}

/* What is told now is behind the frames that were read so far. */
static void
hand_over(struct evcan_adapter_ *adapter, const struct evcan_frame *frames,
    int *n)
{
	if (*n > 0)
		evcan_adapter_push_(adapter, frames, *n);
	*n = 0;
}

/* A read that failed without a message. @return 1: try on, negative: gone */
static int
on_failure(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    uint32_t status)
{
	if (evcan_pcan_is_gone_(status) || ++port->faults > FAULTS_MAX)
		return tell_gone(adapter, port, status);
	on_status(adapter, port, status);
	return 1;
}

static uint32_t
read_classic(struct evcan_pcan_port_ *port, struct evcan_pcan_msg_ *raw,
    struct message *msg)
{
	struct evcan_pcan_stamp_ stamp = { 0 };
	uint32_t status = port->calls.read(port->channel, raw, &stamp);

	msg->id = raw->id;
	msg->type = raw->type;
	msg->dlc = raw->len < 8 ? raw->len : 8;
	msg->data = raw->data;
	msg->time_us = stamp.micros + 1000 * ((int64_t)stamp.millis +
	    ((int64_t)stamp.millis_overflow << 32));
	return status;
}

static uint32_t
read_fd(struct evcan_pcan_port_ *port, struct evcan_pcan_msg_fd_ *raw,
    struct message *msg)
{
	uint64_t stamp = 0;
	uint32_t status = port->calls.read_fd(port->channel, raw, &stamp);

	msg->id = raw->id;
	msg->type = raw->type;
	msg->dlc = raw->dlc;
	msg->data = raw->data;
	msg->time_us = (int64_t)stamp;
	return status;
}

/* Messages tell what was: the present is asked for when none is left. */
static int
on_empty(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port)
{
	uint32_t status;

	port->faults = 0;
	if (!port->ask_state)
		return 0;
	port->ask_state = false;
	status = port->calls.get_status(port->channel);
	if (evcan_pcan_is_gone_(status))
		return tell_gone(adapter, port, status);
	tell_state(adapter, port, status);
	return 0;
}

/* A status message is known by its type, not by what the read returns: that
 * is the same status, 0 once the bus is well again.
 * @param n frames that were read so far
 * @return 1: read on, 0: nothing is left, negative: gone */
static int
read_one(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    struct evcan_frame *frames, int *n)
{
	union {
		struct evcan_pcan_msg_ classic;
		struct evcan_pcan_msg_fd_ fd;
	} raw = { .fd = { .type = 0 } };
	struct message msg;
	uint32_t status = port->fd ? read_fd(port, &raw.fd, &msg) :
	    read_classic(port, &raw.classic, &msg);

	if (status == 0 && !(msg.type & PCAN_TYPE_STATUS)) {
		port->faults = 0;
		make_frame(port, &msg, &frames[(*n)++]);
		return 1;
	}
	if (status != PCAN_QRCVEMPTY || port->ask_state)
		hand_over(adapter, frames, n);
	if (status == PCAN_QRCVEMPTY)
		return on_empty(adapter, port);
	if (!(msg.type & PCAN_TYPE_STATUS))
		return on_failure(adapter, port, status);
	on_status(adapter, port, status & ~(uint32_t)PCAN_QRCVEMPTY);
	return 1;
}

static int
read(struct evcan_adapter_ *adapter, void *arg, struct evcan_frame *frames,
    int max, int timeout_ms)
{
	struct evcan_pcan_port_ *port = arg;
	int n = 0, r = 1;

	(void)timeout_ms;
	if (port->gone)
		return EVCAN_ERR_GONE;
	for (int i = 0; i < max && r > 0; i++)
		r = read_one(adapter, port, frames, &n);
	return r < 0 && n == 0 ? r : n;
}

/* Sending */

static uint8_t
type_of(const struct evcan_frame *frame)
{
	uint8_t type = frame->flags & EVCAN_FRAME_EXT ? PCAN_TYPE_EXT : 0;

	if (frame->flags & EVCAN_FRAME_RTR)
		type |= PCAN_TYPE_RTR;
	if (!(frame->flags & EVCAN_FRAME_FD))
		return type;
	type |= PCAN_TYPE_FD;
	if (frame->flags & EVCAN_FRAME_BRS)
		type |= PCAN_TYPE_BRS;
	if (frame->flags & EVCAN_FRAME_ESI)
		type |= PCAN_TYPE_ESI;
	return type;
}

static uint32_t
write_frame(struct evcan_pcan_port_ *port, const struct evcan_frame *frame)
{
	struct evcan_pcan_msg_fd_ fd = { .id = frame->id,
		.type = type_of(frame), .dlc = frame->dlc };
	struct evcan_pcan_msg_ classic = { .id = frame->id,
		.type = fd.type, .len = frame->dlc };

	if (port->fd) {
		memcpy(fd.data, frame->data, frame->len);
		return port->calls.write_fd(port->channel, &fd);
	}
	memcpy(classic.data, frame->data, frame->len < 8 ? frame->len : 8);
	return port->calls.write(port->channel, &classic);
}

/* Bus-off is no reason to give a frame up: it waits for the reset. */
static int
send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	const uint32_t wait = PCAN_XMTFULL | PCAN_QXMTFULL | PCAN_BUSOFF;
	const uint32_t fine = PCAN_CAUTION | PCAN_BUSLIGHT | PCAN_BUSHEAVY |
	    PCAN_BUSPASSIVE;
	struct evcan_pcan_port_ *port = arg;
	uint32_t status = 0;
	int sent = 0;

	while (sent < n && !port->gone) {
		status = write_frame(port, &frames[sent]);
		if ((status & ~fine) != 0)
			break;
		sent++;
	}
	if (sent == n || port->gone)
		return sent;
	if (evcan_pcan_is_gone_(status)) {
		tell_gone(adapter, port, status);
		return sent;
	}
	if (status & PCAN_BUSOFF)
		tell_state(adapter, port, status);
	/* A refused one is told when it is the first. */
	if ((status & wait) != 0 || sent > 0)
		return sent;
	tell(adapter, status, "a frame is refused");
	return EVCAN_ERR_OPERATION;
}

/* Things asked for */

static int
set_filter(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    const void *data)
{
	uint64_t value[2];
	uint32_t status[2];

	memcpy(value, data, sizeof(value));
	for (int i = 0; i < 2; i++)
		status[i] = port->calls.set_value(port->channel, (uint8_t)
		    (PCAN_ACCEPTANCE_FILTER_11BIT + i), &value[i],
		    sizeof(value[i])) & ~(uint32_t)PCAN_CAUTION;
	/* One that has no filters lets everything pass: that is no error. */
	for (int i = 0; i < 2; i++) {
		if (status[i] != 0 && status[i] != PCAN_ILLPARAMTYPE)
			return tell(adapter, status[i], "filters");
	}
	return 0;
}

static int
set_echo(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    const void *data)
{
	uint32_t status = set_switch(port, PCAN_ALLOW_ECHO_FRAMES, true);

	(void)adapter;
	(void)data;
	return status == 0 ? 0 : evcan_pcan_code_(status);
}

/* Both of these empty the queues, and may close the fd and open another. */
static int
reset(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    const void *data)
{
	uint32_t status;

	(void)data;
	evcan_adapter_save_(adapter);
	/* The controller too; where that is not known it is as before. */
	set_switch(port, PCAN_HARD_RESET_STATUS, true);
	status = port->calls.reset(port->channel) & ~(uint32_t)PCAN_CAUTION;
	if (status == 0)
		status = get_fd(port);
	return status == 0 ? 0 : tell(adapter, status, "reset");
}

static int
set_mode(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    const void *data)
{
	bool listen_only = *(const bool *)data;
	uint32_t status;

	evcan_adapter_save_(adapter);
	status = set_switch(port, PCAN_LISTEN_ONLY, listen_only);
	if (status == 0)
		status = get_fd(port);
	return status == 0 ? 0 : tell(adapter, status, "mode");
}

/* On Linux this takes 5 seconds, and no channel of the process can do
 * anything meanwhile. */
static int
identify(struct evcan_adapter_ *adapter, struct evcan_pcan_port_ *port,
    const void *data)
{
	uint32_t status = set_switch(port, PCAN_CHANNEL_IDENTIFYING,
	    *(const bool *)data);

	return status == 0 ? 0 : tell(adapter, status, "identify");
}

static int
command(struct evcan_adapter_ *adapter, void *arg, int what, const void *data)
{
	static int (*const commands[PCAN_ASKS])(struct evcan_adapter_ *adapter,
	    struct evcan_pcan_port_ *port, const void *data) = {
		[PCAN_ASK_FILTER] = set_filter, [PCAN_ASK_ECHO] = set_echo,
		[PCAN_ASK_RESET] = reset, [PCAN_ASK_MODE] = set_mode,
		[PCAN_ASK_IDENTIFY] = identify
	};
	struct evcan_pcan_port_ *port = arg;

	if (port->gone)
		return EVCAN_ERR_GONE;
	return commands[what](adapter, port, data);
}

/* Not every change of state comes as a message; see read_one(). */
static void
look(struct evcan_adapter_ *adapter, void *arg)
{
	struct evcan_pcan_port_ *port = arg;

	(void)adapter;
	port->ask_state = true;
}

const struct evcan_vendor_ops_ evcan_pcan_ops_ = {
	.port_size = sizeof(struct evcan_pcan_port_),
	.open = open,
	.read = read,
	.send = send,
	.close = close,
	.command = command,
	.look = look,
	.fd = event_fd,
	.close_ms = 600              /* see close() */
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* vector_double.c - an XL Driver Library without hardware
 *
 * Four channels: 0 and 1 of a VN1630A, serial number 12345, and 2 and 3, 3
 * without CAN FD, of the vendor's virtual device. The application CANalyzer
 * has the first two, one that is not there (2) and one without a device (3).
 *
 * Switches of "set": "vector_queue N" (events that a port's queue holds,
 * whatever was asked for), "vector_tx N" (frames that are taken before the
 * transmit queue is full), "vector_error N" and "vector_tx_error 1" (what the
 * next errors of CAN FD are), "vector_no_event 1" (no notification),
 * "vector_lost_in N" (the Nth event from now tells of a loss), "vector_version
 * N" (the library's major version, 25; before 9 there is no CAN FD),
 * "vector_bosch 1" (no channel has CAN FD as it is in ISO 11898-1),
 * "vector_unheard 1" (no receipts for a while). */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "double_bus.h"
#include "vector_double_abi.h"

#define API __attribute__((visibility("default")))
#define PORTS 64
#define CHANNELS 4
#define CAN 1
#define CHIP_STATE_TAG 1         /* of a double_frame */

typedef struct {
	struct double_node *node;        /* NULL: free */
	int channel;
	uint32_t version;
	bool may_init, active, notifies, receipts;
	uint32_t code[2], mask[2];
} port_type;

static const struct {
	const char *name, *transceiver;
	uint8_t type, index, channel;
	uint32_t serial;
	bool fd;
} hardware[CHANNELS] = {
	{ "VN1630A Channel 1", "On board CAN 1051cap(Highspeed)", 57, 0, 0,
	    12345, true },
	{ "VN1630A Channel 2", "On board CAN 1051cap(Highspeed)", 57, 0, 1,
	    12345, true },
	{ "Virtual Channel 1", "Virtual CAN", 1, 0, 0, 100, true },
	{ "Virtual Channel 2", "Virtual CAN", 1, 0, 1, 100, false }
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static port_type ports[PORTS];
static int owner[CHANNELS] = { -1, -1, -1, -1 };      /* a port */
static bus_params params[CHANNELS];
static int drivers;
static int64_t epoch_ns;              /* when the device's time was 0 */

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t
device_time(uint64_t ns)
{
	int64_t since;

	pthread_mutex_lock(&lock);
	since = (int64_t)ns - epoch_ns;
	pthread_mutex_unlock(&lock);
	return since > 0 ? (uint64_t)since : 0;
}

static void
give_state(struct double_node *node, int channel)
{
	static const uint8_t bits[] = { 8, 4, 2, 1 };
	struct double_frame frame = { .tag = CHIP_STATE_TAG };

	frame.data[0] = bits[double_state(channel)];
	double_give(node, &frame);
}

static void
on_change(int channel)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < PORTS; i++) {
		if (ports[i].node != NULL && ports[i].channel == channel &&
		    ports[i].active && !double_unplugged(channel))
			give_state(ports[i].node, channel);
	}
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void
prepare(void)
{
	const bus_params usual = { .bus_type = CAN, .rate = 500000, .sjw = 3,
		.tseg1 = 12, .tseg2 = 3, .sam = 1, .output = 1, .op_mode = 1 };

	/* It runs for an hour already. */
	epoch_ns = (int64_t)now_ns() - 3600000000000;
	double_init(CHANNELS);
	double_on_change(on_change);
	for (int i = 0; i < CHANNELS; i++)
		params[i] = usual;
}

/* @return the port, or NULL with the status to return; mask 0: not given */
static port_type *
enter(const char *name, int32_t handle, uint64_t mask, int16_t *status)
{
	port_type *port = NULL;
	long code;

	if (double_enter(name, &code)) {
		*status = (int16_t)code;
		return NULL;
	}
	pthread_mutex_lock(&lock);
	if (handle >= 0 && handle < PORTS && ports[handle].node != NULL)
		port = &ports[handle];
	pthread_mutex_unlock(&lock);
	*status = INVALID_PORT;
	if (port == NULL)
		return NULL;
	*status = double_unplugged(port->channel) ? HW_NOT_PRESENT :
	    INVALID_MASK;
	if (*status == HW_NOT_PRESENT ||
	    (mask != 0 && mask != (uint64_t)1 << port->channel))
		return NULL;
	*status = 0;
	return port;
}

/* The same for what only the channel's owner may do. */
static port_type *
enter_owner(const char *name, int32_t handle, uint64_t mask, int16_t *status)
{
	port_type *port = enter(name, handle, mask, status);

	if (port == NULL || port->may_init)
		return port;
	*status = INIT_ACCESS_MISSING;
	return NULL;
}

/* Driver and configuration */

API int16_t
xlOpenDriver(void)
{
	long code;

	if (double_enter("xlOpenDriver", &code))
		return (int16_t)code;
	pthread_mutex_lock(&lock);
	drivers++;
	pthread_mutex_unlock(&lock);
	return 0;
}

API int16_t
xlCloseDriver(void)
{
	double_enter("xlCloseDriver", NULL);
	pthread_mutex_lock(&lock);
	drivers--;
	pthread_mutex_unlock(&lock);
	return 0;
}

static bool
is_driver_open(void)
{
	bool is_open;

	pthread_mutex_lock(&lock);
	is_open = drivers > 0;
	pthread_mutex_unlock(&lock);
	return is_open;
}

static long
major_version(void)
{
	return double_setting("vector_version", 25);
}

API int16_t
xlGetDriverConfig(driver_config *config)
{
	channel_config *c = config->channel;
	long code;

	if (double_enter("xlGetDriverConfig", &code))
		return (int16_t)code;
	if (!is_driver_open())
		return CANNOT_OPEN_DRIVER;
	memset(config, 0, sizeof(*config));
	config->dll = (uint32_t)major_version() << 24 | 20 << 16 | 14;
	for (int i = 0; i < CHANNELS; i++) {
		if (double_unplugged(i))
			continue;
		/* 32 bytes need no NUL. */
		memcpy(c->name, hardware[i].name, strlen(hardware[i].name));
		memcpy(c->trans_name, hardware[i].transceiver,
		    strlen(hardware[i].transceiver));
		c->hw_type = hardware[i].type;
		c->hw_index = hardware[i].index;
		c->hw_channel = hardware[i].channel;
		c->index = (uint8_t)i;
		c->mask = (uint64_t)1 << i;
		c->capabilities = !hardware[i].fd ? 0 :
		    double_setting("vector_bosch", 0) ? 0x20000000u :
		    0xa0000000u;
		c->bus_capabilities = 0x10001;
		c->serial = hardware[i].serial;
		pthread_mutex_lock(&lock);
		c->params = params[i];
		pthread_mutex_unlock(&lock);
		c++;
	}
	config->count = (uint32_t)(c - config->channel);
	return 0;
}

API int32_t
xlGetChannelIndex(int32_t type, int32_t index, int32_t channel)
{
	for (int i = 0; i < CHANNELS; i++) {
		if (hardware[i].type == type && hardware[i].index == index &&
		    hardware[i].channel == channel && !double_unplugged(i))
			return i;
	}
	return -1;
}

API uint64_t
xlGetChannelMask(int32_t type, int32_t index, int32_t channel)
{
	int32_t i = xlGetChannelIndex(type, index, channel);

	return i < 0 ? 0 : (uint64_t)1 << i;
}

API int16_t
xlGetApplConfig(char *app, uint32_t channel, uint32_t *type, uint32_t *index,
    uint32_t *hw_channel, uint32_t bus)
{
	long code;

	if (double_enter("xlGetApplConfig", &code))
		return (int16_t)code;
	if (strcmp(app, "CANalyzer") != 0 || channel > 3 || bus != CAN)
		return ERROR;
	*type = channel < 3 ? 57 : 0;
	*index = channel == 2 ? 1 : 0;
	*hw_channel = channel < 2 ? channel : 0;
	return 0;
}

/* Ports */

static bool
is_power_of_two(uint32_t n, uint32_t least, uint32_t most)
{
	return n >= least && n <= most && (n & (n - 1)) == 0;
}

static int
channel_of(uint64_t mask)
{
	int channel = 0;

	while (channel < CHANNELS && mask != (uint64_t)1 << channel)
		channel++;
	return channel;
}

/* Under the lock. @return a free handle, or -1 */
static int32_t
take_port(struct double_node *node, int channel, uint32_t version,
    bool wants_init)
{
	int32_t handle = 0;

	while (handle < PORTS && ports[handle].node != NULL)
		handle++;
	if (handle == PORTS)
		return -1;
	if (wants_init && owner[channel] < 0)
		owner[channel] = handle;
	ports[handle] = (port_type){ .node = node, .channel = channel,
		.version = version, .may_init = owner[channel] == handle };
	return handle;
}

API int16_t
xlOpenPort(int32_t *handle, char *user, uint64_t mask, uint64_t *permission,
    uint32_t queue, uint32_t version, uint32_t bus)
{
	int channel = channel_of(mask);
	struct double_node *node;
	long code, events;

	(void)user;
	if (double_enter("xlOpenPort", &code))
		return (int16_t)code;
	if (!is_driver_open())
		return CANNOT_OPEN_DRIVER;
	if (channel == CHANNELS)
		return INVALID_MASK;
	if (bus != CAN)
		return WRONG_BUS_TYPE;
	if (version == 4 && major_version() < 9)
		return WRONG_VERSION;
	if ((version != 3 && version != 4) || !(version == 3 ?
	    is_power_of_two(queue, 16, 32768) :
	    is_power_of_two(queue, 8192, 524288)))
		return WRONG_PARAMETER;
	double_note("version", (long)version);
	double_note("queue", (long)queue);
	double_note("wanted", (long)*permission);
	events = double_setting("vector_queue",
	    (long)(version == 3 ? queue : queue / sizeof(fd_event)));
	node = double_join(channel, (size_t)events, true);
	if (node == NULL)
		return HW_NOT_PRESENT;
	double_fd_edge(node);
	pthread_mutex_lock(&lock);
	*handle = take_port(node, channel, version, *permission & mask);
	*permission = *handle >= 0 && ports[*handle].may_init ? mask : 0;
	pthread_mutex_unlock(&lock);
	if (*handle >= 0)
		return 0;
	double_leave(node);
	return NO_RESOURCES;
}

API int16_t
xlClosePort(int32_t handle)
{
	struct double_node *node = NULL;
	long code;

	if (double_enter("xlClosePort", &code))
		return (int16_t)code;
	pthread_mutex_lock(&lock);
	if (handle >= 0 && handle < PORTS && ports[handle].node != NULL) {
		node = ports[handle].node;
		ports[handle].node = NULL;
		if (owner[ports[handle].channel] == handle)
			owner[ports[handle].channel] = -1;
	}
	pthread_mutex_unlock(&lock);
	if (node == NULL)
		return INVALID_PORT;
	double_leave(node);
	return 0;
}

static void
set_active(port_type *port, bool active)
{
	pthread_mutex_lock(&lock);
	port->active = active;
	pthread_mutex_unlock(&lock);
	double_flush(port->node);
}

API int16_t
xlActivateChannel(int32_t handle, uint64_t mask, uint32_t bus,
    uint32_t flags)
{
	int16_t status;
	port_type *port = enter("xlActivateChannel", handle, mask, &status);

	if (port == NULL)
		return status;
	if (bus != CAN || (flags != 0 && flags != 8))
		return WRONG_PARAMETER;
	if (!port->active)
		set_active(port, true);
	return 0;
}

API int16_t
xlDeactivateChannel(int32_t handle, uint64_t mask)
{
	int16_t status;
	port_type *port = enter("xlDeactivateChannel", handle, mask, &status);

	if (port != NULL)
		set_active(port, false);
	return status;
}

API int16_t
xlSetNotification(int32_t handle, int *event_fd, int32_t level)
{
	int16_t status;
	port_type *port = enter("xlSetNotification", handle, 0, &status);

	if (port == NULL)
		return status;
	if (port->notifies)
		return NOTIFY_ACTIVE;
	if (level != 1 || double_setting("vector_no_event", 0))
		return WRONG_PARAMETER;
	port->notifies = true;
	*event_fd = double_fd(port->node);
	return 0;
}

/* Clock */

API int16_t
xlGetSyncTime(int32_t handle, uint64_t *ns)
{
	int16_t status;

	if (enter("xlGetSyncTime", handle, 0, &status) != NULL)
		*ns = device_time(now_ns());
	return status;
}

API int16_t
xlGetChannelTime(int32_t handle, uint64_t mask, uint64_t *ns)
{
	int16_t status;

	if (enter("xlGetChannelTime", handle, mask, &status) != NULL)
		*ns = device_time(now_ns());
	return status;
}

API int16_t
xlResetClock(int32_t handle)
{
	(void)handle;
	pthread_mutex_lock(&lock);
	epoch_ns = (int64_t)now_ns();
	pthread_mutex_unlock(&lock);
	return 0;
}

#include "vector_double_setup.h"

/* Sending */

/* @return a status, before it is looked at what is sent */
static int16_t
may_send(const port_type *port, uint32_t version)
{
	if (port->version != version)
		return INVALID_ACCESS;
	if (!port->active)
		return OFFLINE;
	return double_state(port->channel) == DOUBLE_OFF ||
	    !double_spend("vector_tx") ? FULL : 0;
}

static int16_t
put(port_type *port, const struct double_frame *frame)
{
	bool ext = frame->flags & DOUBLE_EXT;

	if (frame->id > (ext ? 0x1fffffffu : 0x7ffu))
		return INVALID_ID;
	return double_put(port->node, frame, port->receipts &&
	    !double_setting("vector_unheard", 0)) ? 0 : FULL;
}

static int16_t
send_classic(port_type *port, const event *e)
{
	const can_msg *msg = &e->data.msg;
	struct double_frame frame = {
		.id = msg->id & 0x7fffffff,
		.flags = (msg->id & 0x80000000u ? DOUBLE_EXT : 0u) |
		    (msg->flags & 0x10 ? DOUBLE_RTR : 0u),
		.len = msg->dlc
	};
	int16_t status = may_send(port, 3);

	if (status != 0)
		return status;
	if (e->tag != 10)
		return INVALID_TAG;
	if (msg->dlc > 8)
		return INVALID_DLC;
	memcpy(frame.data, msg->data, msg->flags & 0x10 ? 0 : msg->dlc);
	return put(port, &frame);
}

API int16_t
xlCanTransmit(int32_t handle, uint64_t mask, uint32_t *count, event *events)
{
	int16_t status;
	port_type *port = enter("xlCanTransmit", handle, mask, &status);
	uint32_t done = 0;

	while (port != NULL && status == 0 && done < *count) {
		status = send_classic(port, &events[done]);
		done += status == 0;
	}
	/* What is refused at once leaves the count as it was. */
	if (port != NULL && (done > 0 || status == FULL))
		*count = done;
	return status;
}

static const uint8_t fd_lengths[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16,
	20, 24, 32, 48, 64 };

static int16_t
send_fd(port_type *port, const fd_tx_event *e)
{
	bool edl = e->flags & 1, rtr = e->flags & 0x10;
	struct double_frame frame = {
		.id = e->can_id & 0x7fffffff,
		.flags = (e->can_id & 0x80000000u ? DOUBLE_EXT : 0u) |
		    (edl ? DOUBLE_FD : 0u) | (rtr ? DOUBLE_RTR : 0u) |
		    (e->flags & 2 ? DOUBLE_BRS : 0u)
	};
	int16_t status = may_send(port, 4);

	if (status != 0)
		return status;
	if (e->tag != 0x440)
		return INVALID_TAG;
	if (e->flags & ~0x293u)
		return UNKNOWN_FLAG;
	if (edl && params[port->channel].op_mode != 2)
		return INVALID_FDFLAG;
	if (edl && rtr)
		return EDL_RTR;
	if (e->dlc > 15)
		return INVALID_DLC;
	if (!edl && e->dlc > 8)
		return EDL_NOT_SET;
	frame.len = fd_lengths[e->dlc];
	memcpy(frame.data, e->data, rtr ? 0 : frame.len);
	return put(port, &frame);
}

API int16_t
xlCanTransmitEx(int32_t handle, uint64_t mask, uint32_t count,
    uint32_t *sent, fd_tx_event *events)
{
	int16_t status;
	port_type *port = enter("xlCanTransmitEx", handle, mask, &status);

	*sent = 0;
	while (port != NULL && status == 0 && *sent < count) {
		status = send_fd(port, &events[*sent]);
		*sent += status == 0;
	}
	return status;
}

API int16_t
xlCanFlushTransmitQueue(int32_t handle, uint64_t mask)
{
	int16_t status;

	if (enter("xlCanFlushTransmitQueue", handle, mask, &status) != NULL)
		double_note("flushed", 1);
	return status;
}

/* Receiving */

static bool
passes(const port_type *port, const struct double_frame *frame)
{
	int kind = frame->flags & DOUBLE_EXT ? 1 : 0;

	if (frame->tag == CHIP_STATE_TAG || (frame->flags & DOUBLE_ERR))
		return true;
	return ((frame->id ^ port->code[kind]) & port->mask[kind]) == 0;
}

/* @return a status */
static int16_t
take(port_type *port, struct double_frame *frame)
{
	int r;

	do
		r = double_take(port->node, frame, 0);
	while (r == 1 && (!port->active || !passes(port, frame)));
	return r == 1 ? 0 : r < 0 ? HW_NOT_PRESENT : EMPTY;
}

static uint32_t
id_of(const struct double_frame *frame)
{
	return frame->id | (frame->flags & DOUBLE_EXT ? 0x80000000u : 0);
}

static bool
is_behind_loss(port_type *port)
{
	if (double_lost(port->node) > 0)
		return true;
	if (double_setting("vector_lost_in", 0) <= 0)
		return false;
	double_spend("vector_lost_in");
	return double_setting("vector_lost_in", 0) == 0;
}

static void
hand_out(port_type *port, const struct double_frame *frame, event *e)
{
	can_msg *msg = &e->data.msg;

	memset(e, 0, sizeof(*e));
	e->tag = frame->tag == CHIP_STATE_TAG ? 4 : 1;
	e->chan_index = (uint8_t)port->channel;
	e->time_stamp = device_time(frame->time_ns);
	e->flags = is_behind_loss(port);
	if (frame->tag == CHIP_STATE_TAG) {
		e->data.bytes[0] = frame->data[0];
		return;
	}
	msg->id = id_of(frame);
	msg->dlc = (uint16_t)frame->len;
	msg->flags = (uint16_t)((frame->flags & DOUBLE_ERR ? 1 : 0) |
	    (frame->flags & DOUBLE_RTR ? 0x10 : 0) |
	    (frame->flags & DOUBLE_ECHO ? 0x40 : 0));
	memcpy(msg->data, frame->data, sizeof(msg->data));
}

API int16_t
xlReceive(int32_t handle, uint32_t *count, event *events)
{
	int16_t status;
	port_type *port = enter("xlReceive", handle, 0, &status);
	struct double_frame frame;
	uint32_t n = 0;

	if (port != NULL && port->version != 3)
		status = INVALID_ACCESS;
	while (status == 0 && n < *count) {
		status = take(port, &frame);
		if (status == 0)
			hand_out(port, &frame, &events[n++]);
	}
	*count = n;
	/* That there are no more is told by the next call. */
	return n > 0 ? 0 : status;
}

static void
hand_out_fd(port_type *port, const struct double_frame *frame, fd_event *e)
{
	uint8_t dlc = 0;

	memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	e->tag = frame->flags & DOUBLE_ECHO ? 0x404 : 0x400;
	e->channel_index = (uint16_t)port->channel;
	e->time_stamp = device_time(frame->time_ns);
	e->flags_chip = is_behind_loss(port) ? 0x100 : 0;
	if (frame->tag == CHIP_STATE_TAG) {
		e->tag = 0x409;
		memcpy(&e->msg, frame->data, 1);
		return;
	}
	if (frame->flags & DOUBLE_ERR) {
		uint8_t error = (uint8_t)double_setting("vector_error", 4);

		e->tag = double_setting("vector_tx_error", 0) ? 0x402 : 0x401;
		memcpy(&e->msg, &error, 1);
		return;
	}
	while (fd_lengths[dlc] < frame->len)
		dlc++;
	e->msg.can_id = id_of(frame);
	e->msg.dlc = dlc;
	e->msg.flags = (frame->flags & DOUBLE_FD ? 1u : 0) |
	    (frame->flags & DOUBLE_BRS ? 2u : 0) |
	    (frame->flags & DOUBLE_RTR ? 0x10u : 0);
	memcpy(e->msg.data, frame->data, sizeof(e->msg.data));
}

API int16_t
xlCanReceive(int32_t handle, fd_event *e)
{
	int16_t status;
	port_type *port = enter("xlCanReceive", handle, 0, &status);
	struct double_frame frame;

	if (port == NULL)
		return status;
	if (port->version != 4)
		return INVALID_ACCESS;
	status = take(port, &frame);
	if (status == 0)
		hand_out_fd(port, &frame, e);
	return status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_frame.c - messages of the neoVI library and frames */
#include <string.h>

#include <evcan/driver.h>
#include <evcan/frame.h>

#include "../error_frame.h"
#include "neovi.h"

const struct evcan_neovi_net_ *
evcan_neovi_net_of_(const struct evcan_neovi_port_ *port,
    const struct evcan_neovi_message_ *message)
{
	unsigned id = message->net | (unsigned)message->net2 << 8;

	for (int i = 0; i < port->n_nets; i++) {
		if (port->nets[i].id == id)
			return &port->nets[i];
	}
	return NULL;
}

/* Errors */

enum { WORD1, WORD3 };

/* What SocketCAN's error frame says instead. */
static const struct {
	int word;
	uint32_t bits;
	uint16_t id;
	uint8_t place, value;
} details[] = {
	{ WORD1, NEOVI_LOST_ARBITRATION, 0x02, 0, 0 },
	{ WORD1, NEOVI_PASSIVE, 0x04, 1, 0x30 },
	{ WORD1, NEOVI_INCOMPLETE, 0x08, 2, 0x02 },
	{ WORD1, NEOVI_CRC_ERROR, 0x08, 3, 0x08 },
	{ WORD1, NEOVI_SHORT_TO_BATTERY, 0x10, 4, 0x05 },
	{ WORD1, NEOVI_SHORT_TO_GROUND, 0x10, 4, 0x07 },
	{ WORD1, NEOVI_BUS_OFF, 0x40, 0, 0 },
	{ WORD1, NEOVI_RECOVERED, 0x100, 0, 0 },
	{ WORD1, NEOVI_TX, 0x08, 2, 0x80 },
	{ WORD3, NEOVI_3_PASSIVE, 0x04, 1, 0x30 },
	{ WORD3, NEOVI_3_BUS_OFF, 0x40, 0, 0 },
	{ WORD3, NEOVI_3_WARNING, 0x04, 1, 0x0c },
	{ WORD3, 0x10100, 0x08, 2, 0x04 },       /* stuff */
	{ WORD3, 0x20200, 0x08, 2, 0x02 },       /* form */
	{ WORD3, 0x40400, 0x28, 3, 0x19 },       /* acknowledge */
	{ WORD3, 0x80800, 0x08, 2, 0x10 },       /* bit 1 */
	{ WORD3, 0x101000, 0x08, 2, 0x08 },      /* bit 0 */
	{ WORD3, 0x202000, 0x08, 3, 0x08 }       /* CRC */
};

static void
fill_error(const struct evcan_neovi_message_ *message,
    struct evcan_frame *frame)
{
	uint32_t words[] = { message->status,
		message->status & NEOVI_HAS_STATUS3 ? message->status3 : 0 };

	evcan_error_frame_(frame);
	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
		if (!(words[details[i].word] & details[i].bits))
			continue;
		frame->id |= details[i].id;
		frame->data[details[i].place] |= details[i].value;
	}
}

/* A frame that went out shows that it is not bus-off or passive any more:
 * nothing else tells. */
enum evcan_bus_state
evcan_neovi_state_(enum evcan_bus_state before,
    const struct evcan_neovi_message_ *message)
{
	bool error = message->status2 & NEOVI_ERROR_FRAME;
	bool detailed = error && (message->status & NEOVI_HAS_STATUS3);
	uint32_t status3 = detailed ? message->status3 : 0;
	bool sent = !error && (message->status & NEOVI_TX) &&
	    !(message->status & NEOVI_GLOBAL_ERROR);

	if ((message->status & NEOVI_BUS_OFF) || (status3 & NEOVI_3_BUS_OFF))
		return EVCAN_STATE_BUS_OFF;
	if (message->status & NEOVI_RECOVERED)
		return EVCAN_STATE_ACTIVE;
	if ((message->status & NEOVI_PASSIVE) || (status3 & NEOVI_3_PASSIVE))
		return EVCAN_STATE_PASSIVE;
	if (status3 & NEOVI_3_WARNING)
		return EVCAN_STATE_WARNING;
	if (detailed || (sent && (before == EVCAN_STATE_BUS_OFF ||
	    before == EVCAN_STATE_PASSIVE)))
		return EVCAN_STATE_ACTIVE;
	return before;
}

/* Times */

/* The device's own, in ns; 0: none. Its epoch is the first of January 2007,
 * but its clock is only as right as somebody set it. */
static int64_t
device_time(struct evcan_neovi_port_ *port,
    struct evcan_neovi_message_ *message)
{
	uint64_t ticks = (uint64_t)message->time2 << 32 | message->time;
	const uint64_t max = (uint64_t)4000000000 * 1000000000;
	uint64_t ns = 0;
	double seconds = 0;

	if (message->time_id == NEOVI_TICKS_25_NS && ticks < max / 25)
		ns = ticks * 25;
	else if (message->time_id == NEOVI_TICKS_10_NS && ticks < max / 10)
		ns = ticks * 10;
	else if (port->calls.icsneoGetTimeStampForMsg != NULL &&
	    port->calls.icsneoGetTimeStampForMsg(port->handle, message,
	    &seconds) && seconds > 0 && seconds < 4e9)
		ns = (uint64_t)(seconds * 1e9);
	return (int64_t)ns;
}

static void
stamp(struct evcan_neovi_port_ *port, struct evcan_neovi_message_ *message,
    int64_t now, struct evcan_frame *frame)
{
	int64_t ns = port->host_time ? 0 : device_time(port, message);

	frame->clock = ns != 0 ? EVCAN_CLOCK_HARDWARE : EVCAN_CLOCK_HOST;
	frame->time_ns = ns != 0 ? evcan_vendor_time_(&port->clock, ns, now) :
	    now;
}

/* Frames */

static void
fill_data(const struct evcan_neovi_message_ *message,
    struct evcan_frame *frame)
{
	/* `extra` is set to something also when there is nothing. */
	bool extra = message->has_extra != 0 && message->extra != NULL;
	bool fd = message->protocol == NEOVI_PROTOCOL_FD;
	uint8_t max = fd && extra ? 64 : 8;
	uint8_t len = message->data_bytes < max ? message->data_bytes : max;

	frame->len = len;
	frame->dlc = fd ? evcan_len2dlc(len) : len;
	memcpy(frame->data, extra ? message->extra : message->data, len);
	if (fd) {
		/* To the next length that there is, with zeros. */
		frame->len = evcan_dlc2len(frame->dlc);
		frame->flags |= EVCAN_FRAME_FD;
		frame->flags |= message->status3 & NEOVI_BRS ?
		    EVCAN_FRAME_BRS : 0;
		frame->flags |= message->status3 & NEOVI_ESI ?
		    EVCAN_FRAME_ESI : 0;
	}
}

void
evcan_neovi_to_frame_(struct evcan_neovi_port_ *port,
    struct evcan_neovi_message_ *message, int64_t now,
    struct evcan_frame *frame)
{
	const struct evcan_neovi_net_ *net = evcan_neovi_net_of_(port,
	    message);

	memset(frame, 0, sizeof(*frame));
	frame->channel = net != NULL ? net->channel : 0;
	stamp(port, message, now, frame);
	if (message->status2 & NEOVI_ERROR_FRAME) {
		fill_error(message, frame);
		return;
	}
	frame->dir = message->status & NEOVI_TX ? EVCAN_DIR_TX : EVCAN_DIR_RX;
	frame->id = message->id & EVCAN_MAX_STD_ID;
	if (message->status & NEOVI_EXT) {
		frame->id = message->id & EVCAN_MAX_EXT_ID;
		frame->flags |= EVCAN_FRAME_EXT;
	}
	if ((message->status & NEOVI_RTR) &&
	    message->protocol != NEOVI_PROTOCOL_FD) {
		frame->flags |= EVCAN_FRAME_RTR;
		frame->dlc = message->data_bytes & 15;
		return;
	}
	fill_data(message, frame);
}

void
evcan_neovi_to_message_(const struct evcan_frame *frame, uint16_t net,
    int16_t description, struct evcan_neovi_message_ *message)
{
	memset(message, 0, sizeof(*message));
	message->protocol = NEOVI_PROTOCOL_CAN;
	message->net = (uint8_t)net;
	message->net2 = (uint8_t)(net >> 8);
	message->description = description;
	message->id = frame->id;
	message->header_bytes = 4;
	message->data_bytes = frame->flags & EVCAN_FRAME_RTR ? frame->dlc :
	    frame->len;
	memcpy(message->data, frame->data, 8);
	message->status |= frame->flags & EVCAN_FRAME_EXT ? NEOVI_EXT : 0;
	message->status |= frame->flags & EVCAN_FRAME_RTR ? NEOVI_RTR : 0;
	if (!(frame->flags & EVCAN_FRAME_FD))
		return;
	message->protocol = NEOVI_PROTOCOL_FD;
	message->status |= NEOVI_FD | NEOVI_HAS_STATUS3;
	message->status3 = NEOVI_FDF | (frame->flags & EVCAN_FRAME_BRS ?
	    NEOVI_BRS : 0);
	if (frame->len > 8) {
		message->has_extra = 1;
		message->extra = (void *)(uintptr_t)frame->data;
	}
}

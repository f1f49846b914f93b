/* SPDX-License-Identifier: BSD-3-Clause */
/* vector_event.c - events of the XL Driver Library and frames */
#include "vector.h"

#include <string.h>

#include <evcan/frame.h>

#include "error_frame.h"

static void
set_id(struct evcan_frame *frame, uint32_t id)
{
	frame->id = id & (id & XL_EXT_ID ? EVCAN_MAX_EXT_ID :
	    EVCAN_MAX_STD_ID);
	frame->flags = id & XL_EXT_ID ? EVCAN_FRAME_EXT : 0;
	frame->dir = EVCAN_DIR_RX;
}

static void
set_echo(struct evcan_frame *frame)
{
	frame->flags |= EVCAN_FRAME_ECHO;
	frame->dir = EVCAN_DIR_TX;
}

/* dlc: up to 8 bytes, those of a remote frame are only asked for */
static void
set_classic(struct evcan_frame *frame, unsigned dlc, const uint8_t *data)
{
	frame->dlc = (uint8_t)(dlc < 15 ? dlc : 15);
	if (frame->flags & EVCAN_FRAME_RTR)
		return;
	frame->len = frame->dlc < 8 ? frame->dlc : 8;
	memcpy(frame->data, data, frame->len);
}

/* @return false: it is no frame */
bool
evcan_vector_frame_(const struct xl_event *event, struct evcan_frame *frame)
{
	const struct xl_msg *msg = &event->data.msg;
	bool echo = msg->flags & XL_MSG_TX_COMPLETED;

	if (event->tag != XL_RECEIVE_MSG ||
	    ((msg->flags & XL_MSG_TX_REQUEST) && !echo))
		return false;
	memset(frame, 0, sizeof(*frame));
	set_id(frame, msg->id);
	if (msg->flags & XL_MSG_ERROR) {
		evcan_error_frame_(frame);
		return true;
	}
	if (msg->flags & XL_MSG_REMOTE)
		frame->flags |= EVCAN_FRAME_RTR;
	set_classic(frame, msg->dlc, msg->data);
	if (echo)
		set_echo(frame);
	return true;
}

/* The library's numbers of errors, from 1, in SocketCAN's error frame. */
static const struct {
	uint8_t id, data2, data3;
} errors[] = {
	{ 0x00, 0x00, 0x00 },
	{ 0x08, 0x01, 0x00 },      /* a bit */
	{ 0x08, 0x02, 0x00 },      /* form */
	{ 0x08, 0x04, 0x00 },      /* stuff */
	{ 0x00, 0x00, 0x00 },      /* another */
	{ 0x08, 0x00, 0x08 },      /* checksum */
	{ 0x20, 0x00, 0x00 },      /* acknowledgement */
	{ 0x20, 0x00, 0x00 },
	{ 0x08, 0x20, 0x00 }       /* overload */
};

static void
set_error(struct evcan_frame *frame, unsigned error, bool sending)
{
	evcan_error_frame_(frame);
	frame->dir = EVCAN_DIR_RX;
	if (error < sizeof(errors) / sizeof(errors[0])) {
		frame->id |= errors[error].id;
		frame->data[2] = errors[error].data2;
		frame->data[3] = errors[error].data3;
	}
	/* While it was sending, says the class of protocol errors. */
	if (sending && (frame->id & 0x08))
		frame->data[2] |= 0x80;
}

bool
evcan_vector_fd_frame_(const struct xl_rx_event *event,
    struct evcan_frame *frame)
{
	const struct xl_rx_msg *msg = &event->data.msg;

	memset(frame, 0, sizeof(*frame));
	if (event->tag == XL_FD_RX_ERROR || event->tag == XL_FD_TX_ERROR) {
		set_error(frame, event->data.error,
		    event->tag == XL_FD_TX_ERROR);
		return true;
	}
	if (event->tag != XL_FD_RX_OK && event->tag != XL_FD_TX_OK)
		return false;
	set_id(frame, msg->id);
	if (msg->flags & XL_FD_EDL) {
		frame->flags |= EVCAN_FRAME_FD;
		frame->flags |= msg->flags & XL_FD_BRS ? EVCAN_FRAME_BRS : 0;
		frame->flags |= msg->flags & XL_FD_ESI ? EVCAN_FRAME_ESI : 0;
		frame->dlc = msg->dlc & 15;
		frame->len = (uint8_t)evcan_dlc2len(frame->dlc);
		memcpy(frame->data, msg->data, frame->len);
	} else {
		frame->flags |= msg->flags & XL_FD_RTR ? EVCAN_FRAME_RTR : 0;
		set_classic(frame, msg->dlc, msg->data);
	}
	if (event->tag == XL_FD_TX_OK)
		set_echo(frame);
	return true;
}

static uint32_t
id_of(const struct evcan_frame *frame)
{
	return frame->id | (frame->flags & EVCAN_FRAME_EXT ? XL_EXT_ID : 0);
}

void
evcan_vector_event_(const struct evcan_frame *frame, struct xl_event *event)
{
	struct xl_msg *msg = &event->data.msg;

	memset(event, 0, sizeof(*event));
	event->tag = XL_TRANSMIT_MSG;
	msg->id = id_of(frame);
	msg->flags = frame->flags & EVCAN_FRAME_RTR ? XL_MSG_REMOTE : 0;
	msg->dlc = frame->dlc;
	memcpy(msg->data, frame->data, sizeof(msg->data));
}

void
evcan_vector_fd_event_(const struct evcan_frame *frame,
    struct xl_tx_event *event)
{
	memset(event, 0, sizeof(*event));
	event->tag = XL_FD_TX_MSG;
	event->transaction = 0xffff;
	event->id = id_of(frame);
	event->flags = (frame->flags & EVCAN_FRAME_FD ? XL_FD_EDL : 0u) |
	    (frame->flags & EVCAN_FRAME_BRS ? XL_FD_BRS : 0u) |
	    (frame->flags & EVCAN_FRAME_RTR ? XL_FD_RTR : 0u);
	event->dlc = frame->dlc;
	memcpy(event->data, frame->data, sizeof(event->data));
}

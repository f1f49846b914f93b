/* SPDX-License-Identifier: BSD-3-Clause */
/* socketcan_recv.c - socketcan: frames in, with their stamps and gaps */
#ifdef __linux__

#include "socketcan.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <linux/can/error.h>
#include <linux/sock_diag.h>

#include <evcan/channel.h>
#include <evcan/frame.h>

#define HOUR_NS 3600000000000

/* Ports: interface indexes and channels. */

static struct evcan_port_ *
add_port(struct evcan_socketcan_ *can, int index, const char *name)
{
	struct evcan_port_ *ports;
	int channel = evcan_channel_intern(name);

	if (channel < 0)
		return NULL;
	ports = realloc(can->ports, (can->n_ports + 1) * sizeof(*ports));
	if (ports == NULL)
		return NULL;
	can->ports = ports;
	ports[can->n_ports] = (struct evcan_port_){
		.index = index, .channel = (uint16_t)channel
	};
	return &ports[can->n_ports++];
}

void
evcan_socketcan_forget_(struct evcan_socketcan_ *can, int index)
{
	for (size_t i = 0; i < can->n_ports; i++) {
		if (can->ports[i].index == index)
			can->ports[i--] = can->ports[--can->n_ports];
	}
}

/* The port a message came from, or NULL if the interface has no name. */
static struct evcan_port_ *
port_of(struct evcan_socketcan_ *can, int message)
{
	char name[IF_NAMESIZE];
	int index = can->index;

	if (index == 0)
		index = can->from[message].can_ifindex;
	for (size_t i = 0; i < can->n_ports; i++) {
		if (can->ports[i].index == index)
			return &can->ports[i];
	}
	if (if_indextoname((unsigned)index, name) == NULL)
		return NULL;
	return add_port(can, index, name);
}

/* The interface a frame goes to, 0 if there is none. */
int
evcan_socketcan_index_(struct evcan_socketcan_ *can, uint16_t channel)
{
	const char *name = evcan_channel_name(channel);
	unsigned index;

	for (size_t i = 0; i < can->n_ports; i++) {
		if (can->ports[i].channel == channel)
			return can->ports[i].index;
	}
	index = name[0] != '\0' ? if_nametoindex(name) : 0;
	if (index != 0)
		add_port(can, (int)index, name);
	return (int)index;
}

/* Receiving: control data. */

/* The i-th of an array of struct timespec, in its kernel's width. */
static int64_t
get_timespec(const uint8_t *p, size_t len, size_t i, size_t n)
{
	int64_t wide[2];
	int32_t narrow[2];

	if (len >= n * sizeof(wide)) {
		memcpy(wide, p + i * sizeof(wide), sizeof(wide));
		return wide[0] * 1000000000 + wide[1];
	}
	if (len < n * sizeof(narrow))
		return 0;
	memcpy(narrow, p + i * sizeof(narrow), sizeof(narrow));
	return (int64_t)narrow[0] * 1000000000 + narrow[1];
}

void
evcan_socketcan_control_(struct msghdr *msg, struct evcan_stamped_ *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	    c = CMSG_NXTHDR(msg, c)) {
		const uint8_t *body = CMSG_DATA(c);
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_TIMESTAMPNS) {
			out->kernel_ns = get_timespec(body, len, 0, 1);
		} else if (c->cmsg_type == SCM_TIMESTAMPING) {
			out->kernel_ns = get_timespec(body, len, 0, 3);
			out->hardware_ns = get_timespec(body, len, 2, 3);
		} else if (c->cmsg_type == SO_RXQ_OVFL && len >= 4) {
			memcpy(&out->drops, body, 4);
		}
	}
}

/* Adapters count from where they like. One that is an hour or more away
 * does not tell Unix time; its first frame then sets the offset. */
static void
set_time(struct evcan_frame *frame, const struct evcan_stamped_ *at,
    struct evcan_port_ *port)
{
	frame->time_ns = at->kernel_ns;
	frame->clock = EVCAN_CLOCK_KERNEL;
	/* The kernel switches its stamps on in the background: the first
	 * frames after the first socket that wants them may have none. */
	if (at->kernel_ns == 0) {
		frame->time_ns = evcan_now_unix();
		frame->clock = EVCAN_CLOCK_HOST;
	}
	if (at->hardware_ns == 0 || port == NULL)
		return;
	if (!port->hw_known && at->kernel_ns != 0) {
		int64_t away = at->kernel_ns - at->hardware_ns;

		port->hw_known = true;
		if (away > HOUR_NS || away < -HOUR_NS)
			port->hw_offset = away;
	}
	frame->time_ns = at->hardware_ns + port->hw_offset;
	frame->clock = EVCAN_CLOCK_HARDWARE;
}

/* Receiving: frames. struct can_frame is the front of struct canfd_frame. */

static void
decode_fd(const struct canfd_frame *raw, struct evcan_frame *frame)
{
	frame->flags |= EVCAN_FRAME_FD;
	if (raw->flags & CANFD_BRS)
		frame->flags |= EVCAN_FRAME_BRS;
	if (raw->flags & CANFD_ESI)
		frame->flags |= EVCAN_FRAME_ESI;
	/* A length that no DLC can say is padded, as on the wire. */
	frame->dlc = evcan_len2dlc(raw->len);
	frame->len = evcan_dlc2len(frame->dlc);
	memcpy(frame->data, raw->data,
	    raw->len < EVCAN_MAX_DATA ? raw->len : EVCAN_MAX_DATA);
}

static void
decode_classic(const struct canfd_frame *raw, struct evcan_frame *frame)
{
	uint8_t len = raw->len < CAN_MAX_DLEN ? raw->len : CAN_MAX_DLEN;

	frame->dlc = len;
	if (len == CAN_MAX_DLEN && raw->__res1 > CAN_MAX_DLEN &&
	    raw->__res1 <= CAN_MAX_RAW_DLC)
		frame->dlc = raw->__res1;
	if (frame->flags & EVCAN_FRAME_RTR)
		return;
	frame->len = len;
	memcpy(frame->data, raw->data, len);
}

bool
evcan_socketcan_decode_(const struct canfd_frame *raw, size_t size,
    struct evcan_frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	if (raw->can_id & CAN_ERR_FLAG) {
		frame->flags = EVCAN_FRAME_ERR;
		frame->id = raw->can_id & CAN_ERR_MASK;
	} else if (raw->can_id & CAN_EFF_FLAG) {
		frame->flags = EVCAN_FRAME_EXT;
		frame->id = raw->can_id & CAN_EFF_MASK;
	} else {
		frame->id = raw->can_id & CAN_SFF_MASK;
	}
	if (size == CANFD_MTU) {
		decode_fd(raw, frame);
		return true;
	}
	if ((raw->can_id & CAN_RTR_FLAG) && !(raw->can_id & CAN_ERR_FLAG))
		frame->flags |= EVCAN_FRAME_RTR;
	decode_classic(raw, frame);
	return size == CAN_MTU;
}

static bool
is_overrun(const struct evcan_frame *frame)
{
	return (frame->flags & EVCAN_FRAME_ERR) &&
	    (frame->id & CAN_ERR_CRTL) &&
	    (frame->data[1] & CAN_ERR_CRTL_RX_OVERFLOW);
}

/* An error frame may tell the controller's new state. */
static void
observe(struct evcan_bus *bus, const struct evcan_frame *frame)
{
	uint8_t status = frame->id & CAN_ERR_CRTL ? frame->data[1] : 0;

	if (frame->id & CAN_ERR_RESTARTED)
		evcan_driver_set_state(bus, EVCAN_STATE_ACTIVE);
	if (frame->id & CAN_ERR_BUSOFF)
		evcan_driver_set_state(bus, EVCAN_STATE_BUS_OFF);
	else if (status & (CAN_ERR_CRTL_RX_PASSIVE | CAN_ERR_CRTL_TX_PASSIVE))
		evcan_driver_set_state(bus, EVCAN_STATE_PASSIVE);
	else if (status & (CAN_ERR_CRTL_RX_WARNING | CAN_ERR_CRTL_TX_WARNING))
		evcan_driver_set_state(bus, EVCAN_STATE_WARNING);
	else if (status & CAN_ERR_CRTL_ACTIVE)
		evcan_driver_set_state(bus, EVCAN_STATE_ACTIVE);
}

/* Whether messages got lost before this one. Told only where the frames
 * before the hole were delivered already. */
static bool
hole_before(struct evcan_bus *bus, const struct evcan_frame *frame,
    uint32_t drops, bool tell)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	int32_t lost = (int32_t)(drops - can->drops);

	if (lost > 0 && tell) {
		can->drops = drops;
		evcan_driver_lost(bus, (uint32_t)lost, EVCAN_LOSS_KERNEL);
	}
	/* How many the controller lost it does not say: at least one. */
	if (is_overrun(frame) && tell)
		evcan_driver_lost(bus, 1, EVCAN_LOSS_DEVICE);
	return lost > 0 || is_overrun(frame);
}

/* Turns message can->next into a frame.
 * @return 1, 0 if it gives none, -1: deliver the frames before it first */
static int
take(struct evcan_bus *bus, struct evcan_frame *frame, bool first)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	int i = can->next;
	int flags = can->msgs[i].msg_hdr.msg_flags;
	struct evcan_stamped_ at = {.drops = can->drops};
	struct evcan_port_ *port;

	evcan_socketcan_control_(&can->msgs[i].msg_hdr, &at);
	if (!evcan_socketcan_decode_(&can->raw[i], can->msgs[i].msg_len,
	    frame)) {
		evcan_driver_skipped(bus, 1);
		return 0;
	}
	if (hole_before(bus, frame, at.drops, first) && !first)
		return -1;
	port = port_of(can, i);
	if (port != NULL)
		frame->channel = port->channel;
	set_time(frame, &at, port);
	if (flags & MSG_DONTROUTE)
		frame->dir = EVCAN_DIR_TX;
	if (frame->flags & EVCAN_FRAME_ERR)
		observe(bus, frame);
	if (flags & MSG_CONFIRM) {
		frame->flags |= EVCAN_FRAME_ECHO;
		evcan_driver_echo(bus, frame);
		return can->own;
	}
	return 1;
}

/* After an error of the socket: whether reading goes on. */
static bool
read_error(struct evcan_bus *bus, int error)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (error == EAGAIN || error == EWOULDBLOCK)
		return false;
	if (error == EINTR)
		return true;
	if (error == ENETDOWN) {
		/* It may be up again by now. */
		evcan_socketcan_stopped_(bus);
		evcan_socketcan_ask_link_(bus);
		return true;
	}
	evcan_socketcan_removed_(bus, error);
	can->moved = false;
	return error == ENODEV;
}

/* Reads a batch of messages. @return how many */
static int
fill(struct evcan_bus *bus, int max)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	int n;

	for (int i = 0; i < can->count; i++) {
		can->msgs[i].msg_hdr.msg_controllen = EVCAN_SOCKETCAN_CONTROL_;
		can->msgs[i].msg_hdr.msg_namelen = sizeof(can->from[i]);
	}
	can->next = can->count = 0;
	do
		n = recvmmsg(can->fd, can->msgs, (unsigned)max, MSG_DONTWAIT,
		    NULL);
	while (n < 0 && read_error(bus, errno));
	if (n > 0)
		can->count = n;
	return can->count;
}

static void
tell_late_loss(struct evcan_bus *bus)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (can->late_loss == 0)
		return;
	evcan_driver_lost(bus, can->late_loss, EVCAN_LOSS_KERNEL);
	can->late_loss = 0;
}

/* Frames dropped after the last one that was queued are told by no message:
 * so the socket itself is asked. */
static void
count_drops(struct evcan_socketcan_ *can)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);
	int32_t lost;

	if (getsockopt(can->fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 ||
	    len <= SK_MEMINFO_DROPS * sizeof(info[0]))
		return;
	lost = (int32_t)(info[SK_MEMINFO_DROPS] - can->drops);
	if (lost <= 0)
		return;
	can->drops = info[SK_MEMINFO_DROPS];
	can->late_loss = (uint32_t)lost;
}

/* The socket is empty; n frames are about to be delivered. */
static void
emptied(struct evcan_bus *bus, int n)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (can->run > can->capacity / 2)   /* it may have been full */
		count_drops(can);
	can->run = 0;
	if (n > 0 && (can->late_loss > 0 || can->gone != 0))
		evcan_driver_wake(bus);
	else
		tell_late_loss(bus);
}

int
evcan_socketcan_recv_(struct evcan_bus *bus, struct evcan_frame *frames,
    int max)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	bool more = true;
	int n = 0, want, r;

	tell_late_loss(bus);
	while (n < max) {
		if (can->next == can->count) {
			if (!more)
				break;
			want = max - n;
			if (want > EVCAN_SOCKETCAN_BATCH_)
				want = EVCAN_SOCKETCAN_BATCH_;
			more = fill(bus, want) == want;
			can->run += (size_t)can->count;
			continue;
		}
		r = take(bus, &frames[n], n == 0);
		if (r < 0) {
			evcan_driver_wake(bus);
			return n;
		}
		can->next++;
		n += r;
	}
	can->moved = can->moved || n > 0;
	if (more)
		return n;
	emptied(bus, n);
	if (n == 0 && can->gone != 0) {
		evcan_socketcan_gone_(bus);
		return EVCAN_ERR_GONE;
	}
	return n;
}

#endif

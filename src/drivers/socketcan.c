/* SPDX-License-Identifier: BSD-3-Clause */
/* socketcan.c - CAN interfaces of Linux, by raw sockets */
#include <evcan/driver.h>

#ifdef __linux__

#include "socketcan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/can/raw.h>
#include <linux/net_tstamp.h>

#include <evcan/channel.h>

#define FRAME_CHARGE 768     /* what the kernel counts for a queued frame */

#define STATE(field) offsetof(struct evcan_socketcan_, field)

enum stamps { STAMPS_KERNEL, STAMPS_HARDWARE };

static const struct evcan_option rows[] = {
	{ "receive_own_messages", NULL, EVCAN_OPTION_BOOL, "false", 0, 0,
	    NULL, "deliver the frames that this bus itself sent", 0,
	    STATE(own) },
	{ "local_loopback", NULL, EVCAN_OPTION_BOOL, "true", 0, 0, NULL,
	    "let other programs on this machine see the frames sent", 0,
	    STATE(loopback) },
	{ "ignore_rx_error_frames", NULL, EVCAN_OPTION_BOOL, "false", 0, 0,
	    NULL, "receive no error frames at all", 0,
	    STATE(ignore_errors) },
	{ "error_mask", NULL, EVCAN_OPTION_INT, "0x1FFFFFFF", 0, 0x1fffffff,
	    NULL, "error classes to receive, as bits of linux/can/error.h",
	    0, STATE(error_mask) },
	{ "receive_buffer", "rcvbuf_frames", EVCAN_OPTION_INT, "65536", 1,
	    2000000, NULL, "frames that the kernel keeps until they are read",
	    0, STATE(receive_buffer) },
	{ "timestamps", NULL, EVCAN_OPTION_CHOICE, "kernel", 0, 0,
	    "kernel hardware", "whose clock stamps received frames; "
	    "hardware falls back to the kernel's", 0, STATE(stamps) },
	{ .name = NULL }
};

/* Events */

static void
ready(struct evcan_bus *bus, int fd, unsigned what)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (fd == can->link_fd) {
		if (evcan_netlink_read_(fd, evcan_socketcan_link_, bus) < 0) {
			can->n_ports = 0;
			evcan_socketcan_ask_link_(bus);
		}
		return;
	}
	if (fd != can->fd) {
		evcan_socketcan_bcm_ready_(bus, fd);
		return;
	}
	if ((what & EVCAN_WATCH_WRITE) && can->blocked) {
		can->blocked = false;
		evcan_driver_watch(bus, fd, EVCAN_WATCH_READ);
		evcan_driver_writable(bus);
	}
	if (what & EVCAN_WATCH_READ)
		evcan_driver_wake(bus);
}

static void
deadline(struct evcan_bus *bus)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (can->gone == 0)
		return;
	if (can->moved) {
		can->moved = false;
		evcan_driver_deadline(bus,
		    evcan_now_monotonic() + EVCAN_SOCKETCAN_WAIT_NS_);
	} else {
		evcan_socketcan_gone_(bus);
	}
}

/* Sending */

size_t
evcan_socketcan_encode_(const struct evcan_frame *frame,
    struct canfd_frame *raw)
{
	memset(raw, 0, sizeof(*raw));
	raw->can_id = frame->id;
	if (frame->flags & EVCAN_FRAME_EXT)
		raw->can_id |= CAN_EFF_FLAG;
	if (frame->flags & EVCAN_FRAME_ERR)
		raw->can_id |= CAN_ERR_FLAG;
	memcpy(raw->data, frame->data, frame->len);
	raw->len = frame->len;
	if (frame->flags & EVCAN_FRAME_FD) {
		raw->flags = CANFD_FDF;
		if (frame->flags & EVCAN_FRAME_BRS)
			raw->flags |= CANFD_BRS;
		if (frame->flags & EVCAN_FRAME_ESI)
			raw->flags |= CANFD_ESI;
		return CANFD_MTU;
	}
	if (frame->flags & EVCAN_FRAME_RTR) {
		raw->can_id |= CAN_RTR_FLAG;
		raw->len = frame->dlc < CAN_MAX_DLEN ? frame->dlc :
		    CAN_MAX_DLEN;
	}
	if (frame->dlc > CAN_MAX_DLEN)
		raw->__res1 = frame->dlc;   /* len8_dlc */
	return CAN_MTU;
}

static ssize_t
write_frame(struct evcan_socketcan_ *can, const struct evcan_frame *frame)
{
	struct sockaddr_can to;
	struct canfd_frame raw;
	size_t size = evcan_socketcan_encode_(frame, &raw);
	ssize_t r;

	if (can->index == 0) {
		memset(&to, 0, sizeof(to));
		to.can_family = AF_CAN;
		to.can_ifindex = evcan_socketcan_index_(can, frame->channel);
	}
	do
		r = can->index != 0 ?
		    send(can->fd, &raw, size, MSG_DONTWAIT) :
		    sendto(can->fd, &raw, size, MSG_DONTWAIT,
		    (struct sockaddr *)&to, sizeof(to));
	while (r < 0 && errno == EINTR);
	return r;
}

/* Whether the frame may be sent later: no room, or the link is down. */
static bool
can_wait(struct evcan_bus *bus, int error)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (error == EAGAIN || error == EWOULDBLOCK) {
		can->blocked = true;
		evcan_driver_watch(bus, can->fd,
		    EVCAN_WATCH_READ | EVCAN_WATCH_WRITE);
		return true;
	}
	/* The interface's own queue is full: it does not tell when not. */
	if (error == ENOBUFS || error == ENOMEM)
		return true;
	/* Of all interfaces one that is not there must not hold the rest. */
	if (can->index == 0)
		return false;
	if (error == ENETDOWN)
		evcan_socketcan_stopped_(bus);
	else if (error == ENXIO || error == ENODEV)
		evcan_socketcan_removed_(bus, ENODEV);
	else
		return false;
	return true;
}

static int
refuse(struct evcan_bus *bus, const struct evcan_frame *frame, int error)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	int code = error == EINVAL || error == EMSGSIZE ?
	    EVCAN_ERR_INVALID : EVCAN_ERR_OPERATION;

	evcan_driver_error(bus, code, error, "interface %s refuses frame %X",
	    can->index ? can->name : evcan_channel_name(frame->channel),
	    (unsigned)frame->id);
	if (can->index == 0)
		can->n_ports = 0;   /* it may have a new index by now */
	return code;
}

/* No sendmmsg: measured, it costs as much a frame as this. */
static int
send_frames(struct evcan_bus *bus, const struct evcan_frame *frames, int n)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (can->gone != 0)
		return 0;
	for (int i = 0; i < n; i++) {
		if (write_frame(can, &frames[i]) >= 0)
			continue;
		/* One that is refused must be the first of a call. */
		if (can_wait(bus, errno) || i > 0)
			return i;
		return refuse(bus, &frames[i], errno);
	}
	if (can->stopped && can->link_fd < 0)
		evcan_socketcan_ask_link_(bus);
	return n;
}

static int
check(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (frame->flags & EVCAN_FRAME_OVERLOAD)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%s: an overload frame cannot be sent by SocketCAN",
		    evcan_bus_name(bus));
	if ((frame->flags & EVCAN_FRAME_FD) && !evcan_driver_common(bus)->fd)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%s was opened for classic CAN; open it with fd=true",
		    evcan_bus_name(bus));
	if ((frame->flags & EVCAN_FRAME_ERR) && can->controller)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%s: an error frame cannot be sent on real hardware, "
		    "only on vcan and vxcan", can->name);
	if (can->index == 0 &&
	    evcan_socketcan_index_(can, frame->channel) == 0)
		return evcan_error_set(err, EVCAN_ERR_NOT_FOUND, 0,
		    "%s sends on the interface that a frame's channel names, "
		    "and there is none named \"%s\"", evcan_bus_name(bus),
		    evcan_channel_name(frame->channel));
	return 0;
}

/* Filters */

static int
set_option(struct evcan_socketcan_ *can, int option, int value)
{
	return setsockopt(can->fd, SOL_CAN_RAW, option, &value,
	    sizeof(value));
}

/* The kernel reads only 11 bits of a filter for standard frames. */
static bool
kernel_can(const struct evcan_filter *filter)
{
	return filter->format != EVCAN_FILTER_STD ||
	    (filter->can_id & filter->can_mask & ~CAN_SFF_MASK) == 0;
}

static struct can_filter
kernel_filter(const struct evcan_filter *filter)
{
	struct can_filter out = {
		.can_id = filter->can_id & CAN_EFF_MASK,
		.can_mask = filter->can_mask & CAN_EFF_MASK
	};

	if (filter->format != EVCAN_FILTER_ANY)
		out.can_mask |= CAN_EFF_FLAG;
	if (filter->format == EVCAN_FILTER_EXT)
		out.can_id |= CAN_EFF_FLAG;
	if (filter->inverted)
		out.can_id |= CAN_INV_FILTER;
	return out;
}

static int
put_filters(struct evcan_socketcan_ *can, const struct can_filter *list,
    size_t n, bool join)
{
	static const struct can_filter all = {0, 0};

	if (set_option(can, CAN_RAW_JOIN_FILTERS, join) < 0 && join)
		return -1;
	return setsockopt(can->fd, SOL_CAN_RAW, CAN_RAW_FILTER,
	    n > 0 ? list : &all, (socklen_t)((n > 0 ? n : 1) * sizeof(all)));
}

static bool
wants_errors(const struct evcan_socketcan_ *can)
{
	return !can->ignore_errors && can->error_mask != 0;
}

/* Echoes must pass to confirm sends, whatever their identifier. */
static int
set_filters(struct evcan_bus *bus, const struct evcan_filter *filters,
    size_t n, enum evcan_filter_join join)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	struct can_filter list[CAN_RAW_FILTER_MAX];
	int answer = EVCAN_FILTERS_EXACT;
	bool all = n > CAN_RAW_FILTER_MAX || can->confirm;

	for (size_t i = 0; i < n && !all; i++) {
		all = !kernel_can(&filters[i]);
		list[i] = kernel_filter(&filters[i]);
	}
	if (n > 0 && all) {
		answer = EVCAN_FILTERS_NONE;
		n = 0;
	}
	/* Joined filters hold back error frames in the kernel, since those
	 * match just once. Any one of the filters is a superset of all. */
	if (join == EVCAN_FILTER_AND && n > 1 && wants_errors(can)) {
		answer = EVCAN_FILTERS_SUPERSET;
		n = 1;
	}
	if (put_filters(can, list, n, join == EVCAN_FILTER_AND && n > 1) < 0) {
		put_filters(can, NULL, 0, false);
		return EVCAN_FILTERS_NONE;
	}
	return answer;
}

static int
want_confirm(struct evcan_bus *bus)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (!can->loopback ||
	    set_option(can, CAN_RAW_RECV_OWN_MSGS, 1) < 0)
		return EVCAN_ERR_UNSUPPORTED;
	can->confirm = true;
	evcan_driver_set_filtering(bus, EVCAN_FILTERS_NONE);
	put_filters(can, NULL, 0, false);
	return 0;
}

/* Opening */

static bool
is_any(const char *channel)
{
	return channel[0] == '\0' || strcmp(channel, "any") == 0;
}

static int
find_link(struct evcan_bus *bus, struct evcan_link_ *link,
    struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	const char *name = evcan_driver_common(bus)->channel;
	int r;

	memset(link, 0, sizeof(*link));
	link->state = EVCAN_STATE_ACTIVE;
	can->index = 0;
	if (is_any(name))
		return 0;
	r = evcan_netlink_get_(name, link);
	if (r == -ENODEV)
		return evcan_socketcan_no_link_(name, err);
	if (r < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, -r,
		    "cannot ask the kernel about interface %s", name);
	r = evcan_socketcan_check_link_(bus, link, err);
	if (r < 0)
		return r;
	can->index = link->index;
	can->controller = strcmp(link->kind, "can") == 0;
	memcpy(can->name, link->name, sizeof(can->name));
	return 0;
}

static int
open_socket(struct evcan_socketcan_ *can, struct evcan_error *err)
{
	can->fd = socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    CAN_RAW);
	if (can->fd >= 0)
		return 0;
	if (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)
		return evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "this kernel has no SocketCAN (try as root: "
		    "modprobe can-raw)");
	if (errno == EPERM || errno == EACCES)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "no permission to open a CAN socket (is AF_CAN denied to "
		    "this user or container?)");
	return evcan_error_set(err, EVCAN_ERR_INIT, errno,
	    "cannot open a CAN socket%s",
	    errno == EMFILE ? " (raise the limit: ulimit -n)" : "");
}

static int
set_stamps(struct evcan_socketcan_ *can)
{
	const int on = 1, hardware = SOF_TIMESTAMPING_RX_HARDWARE |
	    SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
	    SOF_TIMESTAMPING_RAW_HARDWARE;

	if (can->stamps == STAMPS_HARDWARE &&
	    setsockopt(can->fd, SOL_SOCKET, SO_TIMESTAMPING, &hardware,
	    sizeof(hardware)) == 0)
		return 0;
	return setsockopt(can->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on,
	    sizeof(on));
}

static int
set_options(struct evcan_bus *bus, struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	const int on = 1;
	const char *what = NULL;

	if (evcan_driver_common(bus)->fd &&
	    set_option(can, CAN_RAW_FD_FRAMES, 1) < 0)
		what = "CAN FD frames";
	else if (set_option(can, CAN_RAW_LOOPBACK, can->loopback) < 0)
		what = "local loopback";
	else if (set_option(can, CAN_RAW_RECV_OWN_MSGS, can->own) < 0)
		what = "own messages";
	else if (set_option(can, CAN_RAW_ERR_FILTER, wants_errors(can) ?
	    (int)can->error_mask : 0) < 0)
		what = "error frames";
	else if (set_stamps(can) < 0)
		what = "timestamps";
	else if (setsockopt(can->fd, SOL_SOCKET, SO_RXQ_OVFL, &on,
	    sizeof(on)) < 0)
		what = "the count of lost frames";
	if (what != NULL)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "%s: the kernel cannot set up %s", evcan_bus_name(bus),
		    what);
	return 0;
}

/* The kernel doubles what it is asked for, up to a limit without
 * CAP_NET_ADMIN, and tells the result. */
size_t
evcan_socketcan_buffer_(const struct evcan_socketcan_ *can, int fd)
{
	int64_t wish = can->receive_buffer * FRAME_CHARGE / 2;
	int size = wish < INT_MAX / 2 ? (int)wish : INT_MAX / 2;
	socklen_t len = sizeof(size);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, len) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, len);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len) < 0)
		size = 0;
	return (size_t)size / FRAME_CHARGE;
}

static void
set_buffer(struct evcan_bus *bus)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	can->capacity = evcan_socketcan_buffer_(can, can->fd);
	if ((int64_t)can->capacity < can->receive_buffer)
		evcan_log(EVCAN_LOG_WARNING, "socketcan", "%s: the receive "
		    "buffer holds %zu frames, not %lld: raise "
		    "net.core.rmem_max to %lld or grant CAP_NET_ADMIN",
		    evcan_bus_name(bus), can->capacity,
		    (long long)can->receive_buffer,
		    (long long)can->receive_buffer * FRAME_CHARGE / 2);
}

static int
bind_socket(struct evcan_socketcan_ *can, struct evcan_error *err)
{
	struct sockaddr_can self;

	memset(&self, 0, sizeof(self));
	self.can_family = AF_CAN;
	self.can_ifindex = can->index;
	if (bind(can->fd, (struct sockaddr *)&self, sizeof(self)) == 0)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INIT, errno,
	    "cannot bind a CAN socket to interface %s",
	    can->index ? can->name : "any");
}

static void
prepare(struct evcan_socketcan_ *can)
{
	can->fd = can->link_fd = can->bcm_fd = -1;
	can->stopped = can->moved = can->blocked = false;
	can->controller = can->confirm = false;
	can->gone = 0;
	can->drops = can->late_loss = 0;
	can->run = 0;
	can->next = can->count = 0;
	can->n_ports = 0;
	for (int i = 0; i < EVCAN_SOCKETCAN_BATCH_; i++) {
		can->iov[i].iov_base = &can->raw[i];
		can->iov[i].iov_len = sizeof(can->raw[i]);
		can->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &can->from[i],
			.msg_namelen = sizeof(can->from[i]),
			.msg_iov = &can->iov[i], .msg_iovlen = 1,
			.msg_control = can->control[i],
			.msg_controllen = EVCAN_SOCKETCAN_CONTROL_
		};
	}
}

static void
introduce(struct evcan_bus *bus, const struct evcan_link_ *link)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	evcan_driver_set_channel_info(bus,
	    "socketcan channel '%s', receive buffer %zu frames%s",
	    can->index ? can->name : "any", can->capacity,
	    (int64_t)can->capacity < can->receive_buffer ? " (capped)" : "");
	evcan_log(EVCAN_LOG_INFO, "socketcan", "%s: receive buffer of %zu "
	    "frames", evcan_bus_name(bus), can->capacity);
	if (!evcan_driver_common(bus)->fd)
		evcan_driver_set_protocol(bus, EVCAN_PROTOCOL_CAN_20);
	else
		evcan_driver_set_protocol(bus, link->fd_non_iso ?
		    EVCAN_PROTOCOL_CAN_FD_NON_ISO : EVCAN_PROTOCOL_CAN_FD);
	evcan_driver_set_state(bus, link->state >= 0 ?
	    (enum evcan_bus_state)link->state : EVCAN_STATE_ACTIVE);
}

static int
open_bus(struct evcan_bus *bus, struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	struct evcan_link_ link;
	int r;

	prepare(can);
	if (evcan_driver_common(bus)->channel == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "interface socketcan needs a channel, such as can0 (or "
		    "any, for all interfaces)");
	r = open_socket(can, err);
	if (r < 0)
		return r;
	/* Watched first, so that no change of the link is missed. */
	can->link_fd = evcan_netlink_watch_();
	r = find_link(bus, &link, err);
	if (r == 0)
		r = set_options(bus, err);
	if (r < 0)
		return r;
	set_buffer(bus);
	r = bind_socket(can, err);
	if (r < 0)
		return r;
	r = evcan_driver_watch(bus, can->fd, EVCAN_WATCH_READ);
	if (r == 0 && can->link_fd >= 0)
		r = evcan_driver_watch(bus, can->link_fd, EVCAN_WATCH_READ);
	if (r < 0)
		return evcan_error_set(err, r, 0, "%s: cannot watch its "
		    "socket", evcan_bus_name(bus));
	introduce(bus, &link);
	return 0;
}

static void
close_fd(struct evcan_bus *bus, int *fd)
{
	if (*fd < 0)
		return;
	evcan_driver_watch(bus, *fd, EVCAN_WATCH_NONE);
	close(*fd);
	*fd = -1;
}

static void
close_bus(struct evcan_bus *bus)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	close_fd(bus, &can->fd);
	close_fd(bus, &can->link_fd);
	evcan_socketcan_bcm_close_(bus);
	evcan_driver_deadline(bus, 0);
	free(can->ports);
	can->ports = NULL;
	can->n_ports = 0;
}

/* Control */

static int
set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	const struct evcan_socketcan_ *can = evcan_driver_state(bus);
	struct evcan_link_ link;

	/* Only hardware acknowledges frames, and how it does is a setting of
	 * the interface, not of a socket. */
	if (!can->controller)
		return 0;
	if (evcan_netlink_get_(can->name, &link) < 0 ||
	    link.listen_only != (mode == EVCAN_MODE_LISTEN_ONLY))
		return EVCAN_ERR_UNSUPPORTED;
	return 0;
}

static int
reset(struct evcan_bus *bus, struct evcan_error *err)
{
	const struct evcan_socketcan_ *can = evcan_driver_state(bus);
	int r;

	if (!can->controller)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "interface %s has no controller to restart",
		    can->index ? can->name : "any");
	r = evcan_netlink_restart_(can->index);
	if (r == -EPERM)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, 0,
		    "no permission to restart interface %s: it needs "
		    "CAP_NET_ADMIN", can->name);
	if (r == -EBUSY)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "interface %s is not bus-off", can->name);
	if (r == -EINVAL)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "interface %s is down or restarts by itself (its "
		    "restart-ms is not 0)", can->name);
	if (r < 0)
		return evcan_error_set(err, EVCAN_ERR_OPERATION, -r,
		    "cannot restart interface %s", can->name);
	return 0;
}

const struct evcan_driver evcan_driver_socketcan_ = {
	.name = "socketcan",
	.summary = "CAN interfaces of Linux (can0, vcan0, any)",
	.options = rows,
	.state_size = sizeof(struct evcan_socketcan_),
	.caps = EVCAN_CAP_FD | EVCAN_CAP_CONFIRM,
	.open = open_bus,
	.close = close_bus,
	.recv = evcan_socketcan_recv_,
	.send = send_frames,
	.ready = ready,
	.deadline = deadline,
	.check = check,
	.set_filters = set_filters,
	.want_confirm = want_confirm,
	.set_mode = set_mode,
	.reset = reset,
	.cyclic_start = evcan_socketcan_cyclic_start_,
	.cyclic_modify = evcan_socketcan_cyclic_modify_,
	.cyclic_stop = evcan_socketcan_cyclic_stop_,
	.cyclic_sent = evcan_socketcan_cyclic_sent_,
	.subscribe = evcan_socketcan_subscribe_,
	.unsubscribe = evcan_socketcan_unsubscribe_,
	.detect = evcan_socketcan_detect_
};

#else

static int
open_bus(struct evcan_bus *bus, struct evcan_error *err)
{
	(void)bus;
	return evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
	    "interface socketcan exists on Linux only");
}

static void
close_bus(struct evcan_bus *bus)
{
	(void)bus;
}

static int
no_frames(struct evcan_bus *bus, struct evcan_frame *frames, int max)
{
	(void)bus;
	(void)frames;
	(void)max;
	return 0;
}

static int
send_frames(struct evcan_bus *bus, const struct evcan_frame *frames, int n)
{
	(void)bus;
	(void)frames;
	(void)n;
	return EVCAN_ERR_NOT_IMPLEMENTED;
}

const struct evcan_driver evcan_driver_socketcan_ = {
	.name = "socketcan",
	.summary = "CAN interfaces of Linux",
	.open = open_bus,
	.close = close_bus,
	.recv = no_frames,
	.send = send_frames
};

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* netlink.c - CAN links by rtnetlink: list, watch, restart */
#include "netlink.h"

#include <errno.h>

#ifdef __linux__

#include <linux/can/netlink.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <evcan/bus.h>

/* Bytes not read yet. netlink is in the machine's own byte order, and
 * aligned for it, but nothing here relies on alignment. */
struct span {
	const uint8_t *p;
	size_t len;
};

struct attr {
	unsigned type;
	struct span body;
};

static uint16_t
get_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t
get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void
skip(struct span *span, size_t n)
{
	if (n > span->len)
		n = span->len;
	span->p += n;
	span->len -= n;
}

/* Takes the next attribute off the front. @return 1, 0 at the end, -EBADMSG */
static int
next_attr(struct span *from, struct attr *attr)
{
	size_t len;

	if (from->len < NLA_HDRLEN)
		return 0;
	len = get_u16(from->p);
	if (len < NLA_HDRLEN || len > from->len)
		return -EBADMSG;
	attr->type = get_u16(from->p + 2) & NLA_TYPE_MASK;
	attr->body.p = from->p + NLA_HDRLEN;
	attr->body.len = len - NLA_HDRLEN;
	skip(from, NLA_ALIGN(len));
	return 1;
}

/* The u32 at an offset; 0 where a short attribute does not reach. */
static uint32_t
attr_u32(const struct attr *attr, size_t at)
{
	return attr->body.len >= at + 4 ? get_u32(attr->body.p + at) : 0;
}

static void
attr_text(const struct attr *attr, char out[EVCAN_LINK_NAME_])
{
	size_t n = strnlen((const char *)attr->body.p, attr->body.len);

	if (n >= EVCAN_LINK_NAME_)
		n = EVCAN_LINK_NAME_ - 1;
	memset(out, 0, EVCAN_LINK_NAME_);
	memcpy(out, attr->body.p, n);
}

static int
controller_state(uint32_t state)
{
	static const int states[] = {
		[CAN_STATE_ERROR_ACTIVE] = EVCAN_STATE_ACTIVE,
		[CAN_STATE_ERROR_WARNING] = EVCAN_STATE_WARNING,
		[CAN_STATE_ERROR_PASSIVE] = EVCAN_STATE_PASSIVE,
		[CAN_STATE_BUS_OFF] = EVCAN_STATE_BUS_OFF,
		[CAN_STATE_STOPPED] = EVCAN_STATE_STOPPED,
		[CAN_STATE_SLEEPING] = EVCAN_STATE_STOPPED,
	};

	return state < sizeof(states) / sizeof(states[0]) ?
	    states[state] : -1;
}

static void
can_attr(const struct attr *attr, struct evcan_link_ *link)
{
	uint32_t mode;

	switch (attr->type) {
	case IFLA_CAN_BITTIMING:
		link->bitrate = attr_u32(attr, 0);
		break;
	case IFLA_CAN_DATA_BITTIMING:
		link->data_bitrate = attr_u32(attr, 0);
		break;
	case IFLA_CAN_STATE:
		if (attr->body.len >= 4)
			link->state = controller_state(attr_u32(attr, 0));
		break;
	case IFLA_CAN_CTRLMODE:
		mode = attr_u32(attr, 4);
		link->listen_only = mode & CAN_CTRLMODE_LISTENONLY;
		link->fd_non_iso = mode & CAN_CTRLMODE_FD_NON_ISO;
		break;
	case IFLA_CAN_BERR_COUNTER:
		if (attr->body.len >= 4) {
			link->tx_errors = get_u16(attr->body.p);
			link->rx_errors = get_u16(attr->body.p + 2);
		}
		break;
	}
}

/* What stands in IFLA_INFO_DATA is the kind's own language. */
static int
parse_can(struct span data, struct evcan_link_ *link)
{
	struct attr attr;
	int rc;

	while ((rc = next_attr(&data, &attr)) > 0)
		can_attr(&attr, link);
	return rc;
}

static int
parse_info(struct span info, struct evcan_link_ *link)
{
	struct span data = {NULL, 0};
	struct attr attr;
	int rc;

	while ((rc = next_attr(&info, &attr)) > 0) {
		if (attr.type == IFLA_INFO_KIND)
			attr_text(&attr, link->kind);
		else if (attr.type == IFLA_INFO_DATA)
			data = attr.body;
	}
	if (rc == 0 && data.len > 0 && strcmp(link->kind, "can") == 0)
		rc = parse_can(data, link);
	return rc;
}

/* struct ifinfomsg: family u8, pad u8, type u16, index s32, flags u32 */
static int
parse_link(struct span body, bool gone, struct evcan_link_ *link)
{
	struct span info = {NULL, 0};
	struct attr attr;
	int rc;

	memset(link, 0, sizeof(*link));
	link->state = -1;
	if (body.len < sizeof(struct ifinfomsg))
		return -EBADMSG;
	link->gone = gone;
	link->is_can = get_u16(body.p + 2) == ARPHRD_CAN;
	link->index = (int)get_u32(body.p + 4);
	link->up = get_u32(body.p + 8) & IFF_UP;
	skip(&body, NLMSG_ALIGN(sizeof(struct ifinfomsg)));
	while ((rc = next_attr(&body, &attr)) > 0) {
		if (attr.type == IFLA_IFNAME)
			attr_text(&attr, link->name);
		else if (attr.type == IFLA_MTU)
			link->mtu = attr_u32(&attr, 0);
		else if (attr.type == IFLA_LINKINFO)
			info = attr.body;
	}
	return rc < 0 ? rc : parse_info(info, link);
}

/* NLMSG_ERROR: the kernel's errno, 0 for an acknowledgement. */
static int
parse_error(struct span body)
{
	int code;

	if (body.len < 4)
		return -EBADMSG;
	code = (int)get_u32(body.p);
	if (code == 0)
		return 1;
	return code < 0 && code > -4096 ? code : -EBADMSG;
}

static int
parse_message(unsigned type, struct span body, evcan_link_cb_ cb, void *arg)
{
	struct evcan_link_ link;
	int rc;

	if (type == NLMSG_DONE)
		return 1;
	if (type == NLMSG_ERROR)
		return parse_error(body);
	/* A bridge tells of its ports in the same words, as AF_BRIDGE. */
	if ((type != RTM_NEWLINK && type != RTM_DELLINK) ||
	    (body.len > 0 && body.p[0] != AF_UNSPEC))
		return 0;
	rc = parse_link(body, type == RTM_DELLINK, &link);
	if (rc == 0 && cb(&link, arg) != 0)
		rc = 1;
	return rc;
}

/* struct nlmsghdr: len u32, type u16, flags u16, seq u32, pid u32 */
int
evcan_netlink_parse_(const uint8_t *buf, size_t len, evcan_link_cb_ cb,
    void *arg)
{
	struct span left = {buf, len}, body;
	size_t n;
	int rc;

	while (left.len > 0) {
		if (left.len < NLMSG_HDRLEN)
			return -EBADMSG;
		n = get_u32(left.p);
		if (n < NLMSG_HDRLEN || n > left.len)
			return -EBADMSG;
		body.p = left.p + NLMSG_HDRLEN;
		body.len = n - NLMSG_HDRLEN;
		rc = parse_message(get_u16(left.p + 4), body, cb, arg);
		if (rc != 0)
			return rc;
		skip(&left, NLMSG_ALIGN(n));
	}
	return 0;
}

/* Requests: a head, then attributes; lengths are put in afterwards. */

static size_t
put_head(uint8_t *buf, uint16_t type, uint16_t flags, int index)
{
	struct nlmsghdr head = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = 1,
	};
	struct ifinfomsg info = {.ifi_index = index};

	memset(buf, 0, EVCAN_NETLINK_REQUEST_MAX_);
	memcpy(buf, &head, sizeof(head));
	memcpy(buf + NLMSG_HDRLEN, &info, sizeof(info));
	return NLMSG_LENGTH(sizeof(info));
}

/* One attribute at `at`. @return where the next one begins */
static size_t
put_attr(uint8_t *buf, size_t at, uint16_t type, const void *body, size_t len)
{
	struct nlattr attr = {(uint16_t)(NLA_HDRLEN + len), type};

	memcpy(buf + at, &attr, sizeof(attr));
	if (len > 0)
		memcpy(buf + at + NLA_HDRLEN, body, len);
	return at + NLA_ALIGN(NLA_HDRLEN + len);
}

/* Ends a nest that began at `from`. */
static void
end_nest(uint8_t *buf, size_t from, size_t at)
{
	uint16_t len = (uint16_t)(at - from);

	memcpy(buf + from, &len, sizeof(len));
}

static size_t
end_request(uint8_t *buf, size_t at)
{
	uint32_t len = (uint32_t)at;

	memcpy(buf, &len, sizeof(len));
	return at;
}

size_t
evcan_netlink_put_get_(uint8_t *buf, const char *name)
{
	const uint32_t mask = RTEXT_FILTER_SKIP_STATS;
	size_t at;

	at = put_head(buf, RTM_GETLINK, name ? NLM_F_ACK : NLM_F_DUMP, 0);
	at = put_attr(buf, at, IFLA_EXT_MASK, &mask, sizeof(mask));
	if (name)
		at = put_attr(buf, at, IFLA_IFNAME, name, strlen(name) + 1);
	return end_request(buf, at);
}

size_t
evcan_netlink_put_restart_(uint8_t *buf, int index)
{
	const uint32_t one = 1;
	size_t info, data, at;

	info = put_head(buf, RTM_NEWLINK, NLM_F_ACK, index);
	at = put_attr(buf, info, IFLA_LINKINFO, NULL, 0);
	at = put_attr(buf, at, IFLA_INFO_KIND, "can", 3);
	data = at;
	at = put_attr(buf, at, IFLA_INFO_DATA, NULL, 0);
	at = put_attr(buf, at, IFLA_CAN_RESTART, &one, sizeof(one));
	end_nest(buf, data, at);
	end_nest(buf, info, at);
	return end_request(buf, at);
}

/* I/O */

/* One datagram of the kernel; others may write to this address too.
 * @return its length, 0 for a stranger's, or negative errno */
static ssize_t
receive(int fd, uint8_t *buf, size_t size)
{
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	ssize_t n;

	memset(&from, 0, sizeof(from));
	do
		n = recvfrom(fd, buf, size, 0, (struct sockaddr *)&from, &len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return from.nl_pid == 0 ? n : 0;
}

/* The kernel's side of a request runs inside send(), so the time limit is
 * only for a kernel that is not well. */
static int
ask(const uint8_t *request, size_t len, evcan_link_cb_ cb, void *arg)
{
	const struct timeval limit = {.tv_sec = 2};
	uint8_t buf[32768];
	ssize_t n;
	int fd, rc = 0;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit)) < 0 || send(fd, request, len, 0) < 0)
		rc = -errno;
	while (rc == 0) {
		n = receive(fd, buf, sizeof(buf));
		rc = n < 0 ? (int)n :
		    evcan_netlink_parse_(buf, (size_t)n, cb, arg);
	}
	close(fd);
	return rc > 0 ? 0 : rc;
}

struct listing {
	evcan_link_cb_ cb;
	void *arg;
};

static int
only_can(const struct evcan_link_ *link, void *arg)
{
	const struct listing *listing = arg;

	return link->is_can ? listing->cb(link, listing->arg) : 0;
}

int
evcan_netlink_list_(evcan_link_cb_ cb, void *arg)
{
	uint8_t request[EVCAN_NETLINK_REQUEST_MAX_];
	struct listing listing = {cb, arg};

	return ask(request, evcan_netlink_put_get_(request, NULL), only_can,
	    &listing);
}

static int
take_link(const struct evcan_link_ *link, void *arg)
{
	struct evcan_link_ *out = arg;

	*out = *link;
	return 1;
}

int
evcan_netlink_get_(const char *name, struct evcan_link_ *link)
{
	uint8_t request[EVCAN_NETLINK_REQUEST_MAX_];

	memset(link, 0, sizeof(*link));
	if (name[0] == '\0' || strlen(name) >= EVCAN_LINK_NAME_)
		return -ENODEV;
	return ask(request, evcan_netlink_put_get_(request, name), take_link,
	    link);
}

static int
ignore(const struct evcan_link_ *link, void *arg)
{
	(void)link;
	(void)arg;
	return 0;
}

int
evcan_netlink_restart_(int index)
{
	uint8_t request[EVCAN_NETLINK_REQUEST_MAX_];

	return ask(request, evcan_netlink_put_restart_(request, index),
	    ignore, NULL);
}

int
evcan_netlink_watch_(void)
{
	struct sockaddr_nl self;
	int fd, rc;

	memset(&self, 0, sizeof(self));
	self.nl_family = AF_NETLINK;
	self.nl_groups = RTMGRP_LINK;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

int
evcan_netlink_read_(int fd, evcan_link_cb_ cb, void *arg)
{
	uint8_t buf[32768];
	ssize_t n;
	int rc;

	while ((n = receive(fd, buf, sizeof(buf))) >= 0) {
		rc = evcan_netlink_parse_(buf, (size_t)n, cb, arg);
		if (rc < 0)
			return rc;
	}
	return n == -EAGAIN ? 0 : (int)n;
}

#else

int
evcan_netlink_parse_(const uint8_t *buf, size_t len, evcan_link_cb_ cb,
    void *arg)
{
	(void)buf;
	(void)len;
	(void)cb;
	(void)arg;
	return -ENOSYS;
}

int
evcan_netlink_list_(evcan_link_cb_ cb, void *arg)
{
	(void)cb;
	(void)arg;
	return -ENOSYS;
}

#endif

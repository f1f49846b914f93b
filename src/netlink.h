/* SPDX-License-Identifier: BSD-3-Clause */
/* netlink.h - what the kernel knows about network links that carry CAN */
#ifndef EVCAN_NETLINK_H
#define EVCAN_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVCAN_LINK_NAME_ 16

/* One link as one message tells it. Errors here are negative errno values:
 * the caller knows the sentence around them. */
struct evcan_link_ {
	int index;
	char name[EVCAN_LINK_NAME_];
	char kind[EVCAN_LINK_NAME_]; /* "can", "vcan", "vxcan", ... or "" */
	bool is_can;                 /* carries CAN, whatever its kind */
	bool gone;                   /* the message says: removed */
	bool up;
	bool listen_only;
	bool fd_non_iso;
	unsigned mtu;
	int state;                   /* the controller's, enum
	                              * evcan_bus_state; -1: it tells none */
	uint32_t bitrate;            /* bit/s; 0: none */
	uint32_t data_bitrate;
	uint16_t tx_errors, rx_errors;
};

/* @return 0 to go on, anything else ends the walk */
typedef int (*evcan_link_cb_)(const struct evcan_link_ *link, void *arg);

/* Parsing, apart from I/O: walks the rtnetlink messages of one datagram.
 * @return 0: more may follow; 1: this was the answer's end; -EBADMSG: not
 * what rtnetlink sends; another negative errno: the kernel's own refusal */
int evcan_netlink_parse_(const uint8_t *buf, size_t len, evcan_link_cb_ cb,
    void *arg);

/* Requests. @return bytes put, at most EVCAN_NETLINK_REQUEST_MAX_ */
#define EVCAN_NETLINK_REQUEST_MAX_ 128
/* name NULL: all links. It must be shorter than EVCAN_LINK_NAME_. */
size_t evcan_netlink_put_get_(uint8_t *buf, const char *name);
size_t evcan_netlink_put_restart_(uint8_t *buf, int index);

/* Calls cb for each CAN link. @return 0 or negative errno */
int evcan_netlink_list_(evcan_link_cb_ cb, void *arg);
/* One link, CAN or not. @return 0, or negative errno: -ENODEV: none */
int evcan_netlink_get_(const char *name, struct evcan_link_ *link);
/* Restarts a controller that is bus-off. @return 0 or negative errno */
int evcan_netlink_restart_(int index);

/* An fd that becomes readable when any link changes, or negative errno. */
int evcan_netlink_watch_(void);
/* Reads what waits there, never blocking. @return 0, or negative errno;
 * -ENOBUFS: changes were missed, ask again with evcan_netlink_get_() */
int evcan_netlink_read_(int fd, evcan_link_cb_ cb, void *arg);

#endif

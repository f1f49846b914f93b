/* SPDX-License-Identifier: BSD-3-Clause */
/* socketcan.h - what the files of the socketcan driver share */
#ifndef EVCAN_DRIVERS_SOCKETCAN_H
#define EVCAN_DRIVERS_SOCKETCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/can.h>
#include <sys/socket.h>

#include <evcan/driver.h>

#include "../netlink.h"

/* Messages read by one system call: more than 8 gain little. */
#define EVCAN_SOCKETCAN_BATCH_ 32
/* Three stamps and a counter, with their heads. */
#define EVCAN_SOCKETCAN_CONTROL_ 128
/* After a link was removed: how long its last frames wait for a reader. */
#define EVCAN_SOCKETCAN_WAIT_NS_ 200000000

/* An interface frames came from or go to: one, or all that were seen. */
struct evcan_port_ {
	int index;
	uint16_t channel;
	bool hw_known;
	int64_t hw_offset;       /* from the adapter's clock to Unix time */
};

/* What comes with a message. */
struct evcan_stamped_ {
	int64_t kernel_ns, hardware_ns;   /* 0: none */
	uint32_t drops;          /* messages dropped so far, if told */
};

struct evcan_socketcan_sub_;

struct evcan_socketcan_ {
	/* Options */
	bool own, loopback, ignore_errors;
	int64_t error_mask;
	int64_t receive_buffer;
	int stamps;              /* 0 kernel, 1 hardware: see the row */
	/* While open */
	int fd, link_fd;
	int index;               /* of the interface; 0: all of them */
	char name[EVCAN_LINK_NAME_];
	bool controller;         /* real hardware, not a virtual link */
	bool confirm;            /* echoes of own frames are wanted */
	bool stopped;            /* the link is down */
	bool moved;              /* frames were read since the deadline */
	int gone;                /* errno: to be told after the last frame */
	bool blocked;            /* the socket has no room for a send */
	int bcm_fd;              /* tasks of the kernel; -1: none so far */
	uint32_t bcm_drops;
	struct evcan_socketcan_sub_ *subs;
	struct evcan_port_ *ports;
	size_t n_ports;
	uint32_t drops;          /* the socket's, as told so far */
	size_t run, capacity;    /* frames since it was empty, and at most */
	uint32_t late_loss;      /* to be told before the next frame */
	int next, count;         /* of the messages read */
	struct mmsghdr msgs[EVCAN_SOCKETCAN_BATCH_];
	struct iovec iov[EVCAN_SOCKETCAN_BATCH_];
	struct sockaddr_can from[EVCAN_SOCKETCAN_BATCH_];
	struct canfd_frame raw[EVCAN_SOCKETCAN_BATCH_];
	_Alignas(struct cmsghdr) uint8_t
	    control[EVCAN_SOCKETCAN_BATCH_][EVCAN_SOCKETCAN_CONTROL_];
};

/* socketcan.c */
/* A frame as the kernel has it. @return its size */
size_t evcan_socketcan_encode_(const struct evcan_frame *frame,
    struct canfd_frame *raw);
/* Room for so many messages as the option says. @return how many */
size_t evcan_socketcan_buffer_(const struct evcan_socketcan_ *can, int fd);

/* socketcan_bcm.c: what the kernel does periodically, see driver.h */
int evcan_socketcan_cyclic_start_(struct evcan_bus *bus,
    const struct evcan_driver_cyclic *job, struct evcan_error *err);
int evcan_socketcan_cyclic_modify_(struct evcan_bus *bus,
    const struct evcan_driver_cyclic *job, struct evcan_error *err);
int evcan_socketcan_cyclic_stop_(struct evcan_bus *bus, uint32_t number);
int evcan_socketcan_cyclic_sent_(struct evcan_bus *bus, uint32_t number,
    uint64_t *sent);
int evcan_socketcan_subscribe_(struct evcan_bus *bus, uint32_t number,
    const struct evcan_subscription_config *config, struct evcan_error *err);
int evcan_socketcan_unsubscribe_(struct evcan_bus *bus, uint32_t number);
/* One of its fds is ready. */
void evcan_socketcan_bcm_ready_(struct evcan_bus *bus, int fd);
void evcan_socketcan_bcm_close_(struct evcan_bus *bus);

/* A message of the broadcast manager. */
struct evcan_bcm_note_ {
	enum { EVCAN_BCM_OTHER_, EVCAN_BCM_DONE_, EVCAN_BCM_SILENT_,
	    EVCAN_BCM_CHANGED_ } kind;
	uint32_t number;         /* of the task; of CHANGED, SILENT: the id */
	struct evcan_frame frame;   /* of CHANGED; without time and channel */
};
/* @return false when the bytes are no such message */
bool evcan_socketcan_bcm_parse_(const void *bytes, size_t size,
    struct evcan_bcm_note_ *note);

/* socketcan_link.c: the interface, as people and the kernel see it */
void evcan_socketcan_stopped_(struct evcan_bus *bus);
void evcan_socketcan_removed_(struct evcan_bus *bus, int why);
/* Tells core that the interface is gone. */
void evcan_socketcan_gone_(struct evcan_bus *bus);
/* Asks how the link is, when the news may be older than that. */
void evcan_socketcan_ask_link_(struct evcan_bus *bus);
/* Any link changed. Its argument is the bus. */
int evcan_socketcan_link_(const struct evcan_link_ *link, void *arg);
/* Whether the interface can do what the options ask for. */
int evcan_socketcan_check_link_(struct evcan_bus *bus,
    const struct evcan_link_ *link, struct evcan_error *err);
int evcan_socketcan_no_link_(const char *name, struct evcan_error *err);
void evcan_socketcan_detect_(void *context);

/* socketcan_recv.c */
/* @return false for what is no CAN or CAN FD frame */
bool evcan_socketcan_decode_(const struct canfd_frame *raw, size_t size,
    struct evcan_frame *frame);
/* What is not told is left. */
void evcan_socketcan_control_(struct msghdr *msg,
    struct evcan_stamped_ *out);
int evcan_socketcan_recv_(struct evcan_bus *bus, struct evcan_frame *frames,
    int max);
/* The interface that a channel names, 0 if there is none. */
int evcan_socketcan_index_(struct evcan_socketcan_ *can, uint16_t channel);
/* An interface changed its name, or is no more. */
void evcan_socketcan_forget_(struct evcan_socketcan_ *can, int index);

#endif

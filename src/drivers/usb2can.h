/* SPDX-License-Identifier: BSD-3-Clause */
/* usb2can.h - the CANAL library, and an adapter behind it; usb2can*.c */
#ifndef EVCAN_DRIVERS_USB2CAN_H
#define EVCAN_DRIVERS_USB2CAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../vendor.h"

/* CanalOpen */
#define CANAL_SILENT 1u
#define CANAL_LOOPBACK 2u

/* Messages. More bits may be set: those of others, above all in status. */
#define CANAL_EXT 1u
#define CANAL_RTR 2u
#define CANAL_STATUS 4u

/* CanalGetStatus */
#define CANAL_BUS_WARNING 0x20000000u
#define CANAL_BUS_PASSIVE 0x40000000u
#define CANAL_BUS_OFF 0x80000000u

/* Codes that are more than errors */
#define CANAL_FIFO_EMPTY 8
#define CANAL_FIFO_FULL 9
#define CANAL_RCV_EMPTY 19
#define CANAL_TRM_FULL 21
#define CANAL_TIMEOUT 32
#define CANAL_NOT_OPEN 33

/* What CANAL calls unsigned long is one: 32 bits on Windows, 64 on 64-bit
 * Unix. */
#define CANAL_LONG_ sizeof(unsigned long)

struct evcan_usb2can_msg_ {
	unsigned long flags, obid, id;
	uint8_t len;
	uint8_t data[8];
	unsigned long timestamp;       /* ms, 29 bits */
};

struct evcan_usb2can_statistics_ {
	unsigned long rx_frames, tx_frames, rx_bytes, tx_bytes;
	unsigned long overruns, warnings, bus_offs;
};

struct evcan_usb2can_status_ {
	unsigned long channel, error, sub_error;
	char error_text[80];
};

_Static_assert(CANAL_LONG_ == 4 || CANAL_LONG_ == 8, "unsigned long");
#define CANAL_IS_(type, member, narrow, wide) \
	_Static_assert(offsetof(struct type, member) == \
	    (CANAL_LONG_ == 4 ? narrow : wide), #type "." #member)
CANAL_IS_(evcan_usb2can_msg_, flags, 0, 0);
CANAL_IS_(evcan_usb2can_msg_, obid, 4, 8);
CANAL_IS_(evcan_usb2can_msg_, id, 8, 16);
CANAL_IS_(evcan_usb2can_msg_, len, 12, 24);
CANAL_IS_(evcan_usb2can_msg_, data, 13, 25);
CANAL_IS_(evcan_usb2can_msg_, timestamp, 24, 40);
CANAL_IS_(evcan_usb2can_statistics_, overruns, 16, 32);
CANAL_IS_(evcan_usb2can_status_, channel, 0, 0);
CANAL_IS_(evcan_usb2can_status_, error, 4, 8);
CANAL_IS_(evcan_usb2can_status_, sub_error, 8, 16);
CANAL_IS_(evcan_usb2can_status_, error_text, 12, 24);
_Static_assert(sizeof(struct evcan_usb2can_msg_) ==
    (CANAL_LONG_ == 4 ? 28 : 48), "canalMsg");
_Static_assert(sizeof(struct evcan_usb2can_statistics_) ==
    (CANAL_LONG_ == 4 ? 28 : 56), "canalStatistics");
_Static_assert(sizeof(struct evcan_usb2can_status_) ==
    (CANAL_LONG_ == 4 ? 92 : 104), "canalStatus");

/* All that return int return one of the codes. */
struct evcan_usb2can_calls_ {
	long (*open)(const char *device, unsigned long flags);
	int (*close)(long handle);
	unsigned long (*level)(long handle);
	int (*send)(long handle, struct evcan_usb2can_msg_ *msg);
	int (*receive)(long handle, struct evcan_usb2can_msg_ *msg);
	int (*blocking_receive)(long handle, struct evcan_usb2can_msg_ *msg,
	    unsigned long timeout_ms);
	int (*data_available)(long handle);
	int (*status)(long handle, struct evcan_usb2can_status_ *status);
	int (*statistics)(long handle,
	    struct evcan_usb2can_statistics_ *statistics);
	/* Low byte first: major, minor, and one more. */
	unsigned long (*version)(void);      /* of CANAL */
	unsigned long (*dll_version)(void);
	const char *(*vendor_string)(void);
};

#define EVCAN_USB2CAN_SERIAL_ 8     /* characters */
/* What the library keeps of received messages; the newest are dropped. */
#define EVCAN_USB2CAN_LIST_ 1024

/* The device, for its thread. */
struct evcan_usb2can_port_ {
	struct evcan_usb2can_calls_ calls;
	char serial[EVCAN_USB2CAN_SERIAL_ + 1];
	char device[64];           /* for CanalOpen */
	unsigned flags;            /* for CanalOpen, but for the mode */
	bool listen_only;
	bool own;                  /* what is sent is received here too */

	long handle;               /* 0: none */
	bool gone;
	enum evcan_bus_state state;
	/* Behind the messages that were read: the device told of a loss, the
	 * library's list was full. */
	bool lost, hole;
	uint32_t n_read;           /* messages, modulo 2^32 */
	/* The list was full behind message n: bit n modulo its length. */
	uint64_t holes[EVCAN_USB2CAN_LIST_ / 64];
	int64_t ticks;             /* of the last message, ms */
	struct evcan_vendor_clock_ clock;
};

/* What the loop asks the thread for. */
enum evcan_usb2can_command_ {
	EVCAN_USB2CAN_MODE_,       /* bool: listen only */
	EVCAN_USB2CAN_RESET_
};

/* usb2can.c */
extern const struct evcan_vendor_library_ evcan_usb2can_library_;

/* usb2can_port.c */
extern const struct evcan_vendor_ops_ evcan_usb2can_ops_;

/* usb2can_find.c */
#define EVCAN_USB2CAN_SYSFS_ "/sys/bus/usb/devices"
/* Devices that are attached, as the system knows them by their USB
 * descriptors; none where there is no such folder.
 * @param cb false: enough */
void evcan_usb2can_find_(const char *folder,
    bool (*cb)(const char *serial, void *arg), void *arg);

#endif

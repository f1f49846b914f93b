/* SPDX-License-Identifier: BSD-3-Clause */
/* iscan.h - what is used of iscandrv, and a device of it */
#ifndef EVCAN_DRIVERS_ISCAN_H
#define EVCAN_DRIVERS_ISCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../vendor.h"
#include "../wake.h"

#define ISCAN_DEVICES 16
#define ISCAN_ANY_ID 0xffffffffu
/* isCAN_DeviceInitEx: not on the bus yet; python-can takes it for 5 kbit/s,
 * which the vendor's header calls not implemented. */
#define ISCAN_OFFLINE 0

struct evcan_iscan_message_ {
	uint32_t id;
	uint8_t extended, rtr, len, data[8];
};
_Static_assert(sizeof(struct evcan_iscan_message_) == 16,
    "size of CAN_MessageEx");
_Static_assert(offsetof(struct evcan_iscan_message_, extended) == 4,
    "CAN_MessageEx.extended");
_Static_assert(offsetof(struct evcan_iscan_message_, rtr) == 5,
    "CAN_MessageEx.rtr");
_Static_assert(offsetof(struct evcan_iscan_message_, len) == 6,
    "CAN_MessageEx.len");
_Static_assert(offsetof(struct evcan_iscan_message_, data) == 7,
    "CAN_MessageEx.data");

/* Packed, so the identification is four bytes here, the lowest first. */
struct evcan_iscan_info_ {
	uint8_t type, id[4], attached, in_use;
};
_Static_assert(sizeof(struct evcan_iscan_info_) == 7, "size of DeviceInfo");
_Static_assert(offsetof(struct evcan_iscan_info_, attached) == 5,
    "DeviceInfo.attached");

/* By the library's own names, without isCAN_. */
struct evcan_iscan_calls_ {
	uint8_t (*DeviceInitEx)(uint8_t device, uint8_t baud);
	uint8_t (*CloseDevice)(uint8_t device);
	uint8_t (*TransmitMessageEx)(uint8_t device,
	    struct evcan_iscan_message_ *message);
	uint8_t (*ReceiveMessageEx)(uint8_t device,
	    struct evcan_iscan_message_ *message);
	uint8_t (*SetMessageExID)(uint8_t device, uint32_t id);
	uint8_t (*SetBaudRegister)(uint8_t device, uint8_t btr0,
	    uint8_t btr1);
	uint8_t (*GetDriverConfiguration)(uint8_t device,
	    struct evcan_iscan_info_ *info);
	uint8_t (*StartMessageHandler)(uint8_t device,
	    void (*cb)(uint8_t device, void *context), void *context);
	uint8_t (*StopMessageHandler)(uint8_t device);
};

struct evcan_iscan_port_ {
	struct evcan_iscan_calls_ calls;
	uint8_t device, baud;
	bool registers;            /* btr instead of a code of the table */
	uint16_t btr;
	int poll_ms;

	struct evcan_wake_ wake;   /* messages, or the loop wants something */
	bool open, handled, gone;
	uint8_t told;              /* the last read's, if a condition */
	enum evcan_bus_state state;
	int64_t state_ns;          /* when that was seen */
	bool stands;               /* it is told as long as it lasts */
	uint32_t only_id;          /* the filter */
};

/* What the loop asks the thread for. */
enum evcan_iscan_command_ { ISCAN_SET_ID, ISCAN_RESET };

/* iscan_port.c */
extern const struct evcan_vendor_ops_ evcan_iscan_ops_;

#endif

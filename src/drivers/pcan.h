/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan.h - what the files of the pcan driver share, and PCAN-Basic's ABI */
#ifndef EVCAN_DRIVERS_PCAN_H
#define EVCAN_DRIVERS_PCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/driver.h>

#include "../vendor.h"

/* The vendor's structures: the same on every system. */

struct evcan_pcan_msg_ {
	uint32_t id;
	uint8_t type;            /* enum evcan_pcan_type_ */
	uint8_t len;
	uint8_t data[8];
};
_Static_assert(sizeof(struct evcan_pcan_msg_) == 16 &&
    offsetof(struct evcan_pcan_msg_, type) == 4 &&
    offsetof(struct evcan_pcan_msg_, len) == 5 &&
    offsetof(struct evcan_pcan_msg_, data) == 6, "TPCANMsg");

struct evcan_pcan_msg_fd_ {
	uint32_t id;
	uint8_t type;
	uint8_t dlc;             /* the raw code */
	uint8_t data[64];
};
_Static_assert(sizeof(struct evcan_pcan_msg_fd_) == 72 &&
    offsetof(struct evcan_pcan_msg_fd_, type) == 4 &&
    offsetof(struct evcan_pcan_msg_fd_, dlc) == 5 &&
    offsetof(struct evcan_pcan_msg_fd_, data) == 6, "TPCANMsgFD");

struct evcan_pcan_stamp_ {
	uint32_t millis;
	uint16_t millis_overflow;
	uint16_t micros;
};
_Static_assert(sizeof(struct evcan_pcan_stamp_) == 8 &&
    offsetof(struct evcan_pcan_stamp_, millis_overflow) == 4 &&
    offsetof(struct evcan_pcan_stamp_, micros) == 6, "TPCANTimestamp");

struct evcan_pcan_found_ {
	uint16_t channel;
	uint8_t type, controller;
	uint32_t features;       /* 1: CAN FD */
	char name[33];
	uint32_t device_id;
	uint32_t condition;      /* 1 available, 2 in use, 3 by PCAN-View */
};
_Static_assert(sizeof(struct evcan_pcan_found_) == 52 &&
    offsetof(struct evcan_pcan_found_, type) == 2 &&
    offsetof(struct evcan_pcan_found_, controller) == 3 &&
    offsetof(struct evcan_pcan_found_, features) == 4 &&
    offsetof(struct evcan_pcan_found_, name) == 8 &&
    offsetof(struct evcan_pcan_found_, device_id) == 44 &&
    offsetof(struct evcan_pcan_found_, condition) == 48,
    "TPCANChannelInformation");

enum evcan_pcan_type_ {
	PCAN_TYPE_RTR = 0x01, PCAN_TYPE_EXT = 0x02, PCAN_TYPE_FD = 0x04,
	PCAN_TYPE_BRS = 0x08, PCAN_TYPE_ESI = 0x10, PCAN_TYPE_ECHO = 0x20,
	PCAN_TYPE_ERROR = 0x40, PCAN_TYPE_STATUS = 0x80
};

/* Bits of a status. Those of a handle are numbers of their own. */
enum evcan_pcan_status_ {
	PCAN_XMTFULL = 0x1, PCAN_OVERRUN = 0x2, PCAN_BUSLIGHT = 0x4,
	PCAN_BUSHEAVY = 0x8, PCAN_BUSOFF = 0x10, PCAN_QRCVEMPTY = 0x20,
	PCAN_QOVERRUN = 0x40, PCAN_QXMTFULL = 0x80, PCAN_REGTEST = 0x100,
	PCAN_NODRIVER = 0x200, PCAN_HWINUSE = 0x400, PCAN_NETINUSE = 0x800,
	PCAN_ILLHW = 0x1400, PCAN_ILLNET = 0x1800, PCAN_ILLCLIENT = 0x1C00,
	PCAN_RESOURCE = 0x2000, PCAN_ILLPARAMTYPE = 0x4000,
	PCAN_ILLPARAMVAL = 0x8000, PCAN_UNKNOWN = 0x10000,
	PCAN_ILLDATA = 0x20000, PCAN_BUSPASSIVE = 0x40000,
	PCAN_ILLMODE = 0x80000, PCAN_CAUTION = 0x2000000,
	PCAN_INITIALIZE = 0x4000000, PCAN_ILLOPERATION = 0x8000000,
	PCAN_ANYBUSERR = PCAN_BUSLIGHT | PCAN_BUSHEAVY | PCAN_BUSOFF |
	    PCAN_BUSPASSIVE
};

enum evcan_pcan_parameter_ {
	PCAN_DEVICE_ID = 0x01, PCAN_RECEIVE_EVENT = 0x03,
	PCAN_API_VERSION = 0x05, PCAN_BUSOFF_AUTORESET = 0x07,
	PCAN_LISTEN_ONLY = 0x08, PCAN_CHANNEL_CONDITION = 0x0D,
	PCAN_HARDWARE_NAME = 0x0E, PCAN_CHANNEL_IDENTIFYING = 0x15,
	PCAN_ALLOW_ERROR_FRAMES = 0x20, PCAN_ACCEPTANCE_FILTER_11BIT = 0x22,
	PCAN_ACCEPTANCE_FILTER_29BIT = 0x23,
	PCAN_ATTACHED_CHANNELS_COUNT = 0x2A, PCAN_ATTACHED_CHANNELS = 0x2B,
	PCAN_ALLOW_ECHO_FRAMES = 0x2C, PCAN_HARD_RESET_STATUS = 0x2E
};

/* The library's functions; those of CAN FD may be missing. */
struct evcan_pcan_calls_ {
	uint32_t (*initialize)(uint16_t channel, uint16_t btr, uint8_t type,
	    uint32_t port, uint16_t irq);
	uint32_t (*initialize_fd)(uint16_t channel, char *bits);
	uint32_t (*uninitialize)(uint16_t channel);
	uint32_t (*reset)(uint16_t channel);
	uint32_t (*get_status)(uint16_t channel);
	uint32_t (*read)(uint16_t channel, struct evcan_pcan_msg_ *msg,
	    struct evcan_pcan_stamp_ *stamp);
	uint32_t (*read_fd)(uint16_t channel, struct evcan_pcan_msg_fd_ *msg,
	    uint64_t *stamp);
	uint32_t (*write)(uint16_t channel, struct evcan_pcan_msg_ *msg);
	uint32_t (*write_fd)(uint16_t channel,
	    struct evcan_pcan_msg_fd_ *msg);
	uint32_t (*get_value)(uint16_t channel, uint8_t parameter,
	    void *value, uint32_t size);
	uint32_t (*set_value)(uint16_t channel, uint8_t parameter,
	    void *value, uint32_t size);
};

#define EVCAN_PCAN_NAME_ 24          /* "PCAN_USBBUS16" */
#define EVCAN_PCAN_BITS_ 240         /* the text of CAN FD bit rates */

/* Options of this driver that say how long bits are. */
struct evcan_pcan_bits_ {
	int64_t f_clock, f_clock_mhz;
	int64_t nom_brp, nom_tseg1, nom_tseg2, nom_sjw;
	int64_t data_brp, data_tseg1, data_tseg2, data_sjw;
};

/* The device, as its thread sees it. */
struct evcan_pcan_port_ {
	struct evcan_pcan_calls_ calls;
	char name[EVCAN_PCAN_NAME_];
	uint16_t channel;
	int64_t device_id;           /* -1: the channel says which */
	bool listen_only, own, auto_reset;
	bool fd;
	uint16_t btr;                /* if not fd */
	char bits[EVCAN_PCAN_BITS_]; /* if fd */
	/* While open */
	bool open, gone;
	bool ask_state;              /* once it is empty */
	int event_fd;
	unsigned faults;             /* reads that failed, in a row */
	enum evcan_bus_state state;
	struct evcan_vendor_clock_ clock;
};

/* What the loop asks the thread for. */
enum evcan_pcan_ask_ {
	PCAN_ASK_FILTER,             /* two uint64_t: standard, extended */
	PCAN_ASK_ECHO, PCAN_ASK_RESET,
	PCAN_ASK_MODE, PCAN_ASK_IDENTIFY,    /* one bool each */
	PCAN_ASKS
};

/* pcan_device.c: the thread's side */
extern const struct evcan_vendor_ops_ evcan_pcan_ops_;
/* @param list receives n channels, to be freed; NULL: none
 * @return 0, EVCAN_ERR_NOMEM, or EVCAN_ERR_UNSUPPORTED: the library cannot
 * list, each channel must be asked */
int evcan_pcan_list_(const struct evcan_pcan_calls_ *calls,
    struct evcan_pcan_found_ **list, uint32_t *n);

/* pcan_setup.c: names and numbers, without a device */
/* @return the handle, 0: no such channel */
uint16_t evcan_pcan_channel_(const char *text);
/* @return name, filled: "PCAN_USBBUS1", "0x999" if it has none */
char *evcan_pcan_name_(uint16_t channel, char name[EVCAN_PCAN_NAME_]);
/* The i-th channel that can be named, 0 past the end. */
uint16_t evcan_pcan_channel_at_(size_t i);
/* Fills fd, btr and bits of the port. @return 0 or negative with err */
int evcan_pcan_set_bits_(struct evcan_pcan_port_ *port,
    const struct evcan_bus_common *common,
    const struct evcan_pcan_bits_ *bits, struct evcan_error *err);
/* The code that comes closest. */
int evcan_pcan_code_(uint32_t status);
#define EVCAN_PCAN_SAYS_ 160
/* @return text, filled: name, number and one sentence of a status */
char *evcan_pcan_says_(uint32_t status, char text[EVCAN_PCAN_SAYS_]);
/* Whether a status means that the device, or the handle, is no more. */
bool evcan_pcan_is_gone_(uint32_t status);
/* The error state that the bus bits of a status tell. */
enum evcan_bus_state evcan_pcan_state_(uint32_t status);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi.h - what is used of Intrepid's neoVI library, and a device of it */
#ifndef EVCAN_DRIVERS_NEOVI_H
#define EVCAN_DRIVERS_NEOVI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "../vendor.h"

/* struct evcan_neovi_message_.status */
#define NEOVI_GLOBAL_ERROR 0x1         /* with TX: it was not sent */
#define NEOVI_TX 0x2
#define NEOVI_EXT 0x4
#define NEOVI_RTR 0x8
#define NEOVI_CRC_ERROR 0x10
#define NEOVI_PASSIVE 0x20
#define NEOVI_INCOMPLETE 0x40
#define NEOVI_LOST_ARBITRATION 0x80
#define NEOVI_BUS_OFF 0x200
#define NEOVI_RECOVERED 0x400
#define NEOVI_SHORT_TO_BATTERY 0x800
#define NEOVI_SHORT_TO_GROUND 0x1000
#define NEOVI_OVERFLOW 0x10000
#define NEOVI_FD 0x20000000
#define NEOVI_HAS_STATUS3 0x80000000
/* status2 */
#define NEOVI_ERROR_FRAME 0x20000
/* status3 of a CAN FD frame */
#define NEOVI_ESI 0x1
#define NEOVI_FDF 0x8
#define NEOVI_BRS 0x10
/* status3 of an error frame; then errors of the data phase from 0x100 on, and
 * the same ones of the other phases from 0x10000 on */
#define NEOVI_3_PASSIVE 0x1
#define NEOVI_3_BUS_OFF 0x2
#define NEOVI_3_WARNING 0x4

#define NEOVI_PROTOCOL_CAN 1
#define NEOVI_PROTOCOL_FD 30
/* Ids of clocks whose ticks are whole nanoseconds. */
#define NEOVI_TICKS_25_NS 9
#define NEOVI_TICKS_10_NS 10

/* Errors and events that mean something here. */
#define NEOVI_RX_OVERFLOW 0x2000
#define NEOVI_NO_BITRATE 0x2013
#define NEOVI_DISCONNECTED 0x2022
#define NEOVI_TX_FULL 0x3005

#define NEOVI_DEVICES 255
/* icsneoGetMessages writes as many as it has, up to this. */
#define NEOVI_MESSAGES 20000
#define NEOVI_ERRORS 600
#define NEOVI_EVENTS 64
#define NEOVI_NETS 32

/* NeoDeviceEx */
struct evcan_neovi_device_ {
	uint32_t type;
	int32_t handle, clients;
	uint32_t serial;
	int32_t max_clients;
	int32_t firmware_major, firmware_minor;
	uint32_t status, options;
	void *wifi[2];
	int32_t is_ethernet;
	uint8_t mac[6];
	uint16_t hardware, reserved1;
	uint32_t ip[4];
	uint16_t port, reserved2;
	uint32_t reserved3;
};

/* icsSpyMessage */
struct evcan_neovi_message_ {
	uint32_t status, status2;
	uint32_t time, time2;            /* the device's ticks, low and high */
	uint32_t system_time, system_time2;
	uint8_t time_id, system_time_id;
	uint8_t net;                     /* bits 0 to 7 */
	uint8_t node, protocol, piece;
	uint8_t has_extra;               /* 1: data are at `extra` */
	uint8_t header_bytes, data_bytes;
	uint8_t net2;                    /* bits 8 to 15 */
	int16_t description;
	uint32_t id;
	uint8_t data[8];
	uint32_t status3, status4;
	void *extra;
	uint8_t misc, reserved[3];
};

/* neoevent_t of libicsneo */
struct evcan_neovi_event_ {
	const char *text;
	time_t time;
	uint32_t number;                 /* as of errors */
	uint8_t severity;
	char serial[7];
	uint8_t reserved[16];
};

_Static_assert(sizeof(void *) != 8 || sizeof(time_t) != 8 ||
    (sizeof(struct evcan_neovi_event_) == 48 &&
    offsetof(struct evcan_neovi_event_, number) == 16), "neoevent_t");
_Static_assert(offsetof(struct evcan_neovi_device_, wifi) ==
    (sizeof(void *) == 8 ? 40 : 36), "NeoDeviceEx");
_Static_assert(sizeof(void *) != 8 ||
    (sizeof(struct evcan_neovi_device_) == 96 &&
    offsetof(struct evcan_neovi_device_, mac) == 60 &&
    offsetof(struct evcan_neovi_device_, ip) == 72), "NeoDeviceEx");
_Static_assert(offsetof(struct evcan_neovi_message_, time_id) == 24 &&
    offsetof(struct evcan_neovi_message_, description) == 34 &&
    offsetof(struct evcan_neovi_message_, data) == 40 &&
    offsetof(struct evcan_neovi_message_, extra) == 56, "icsSpyMessage");
_Static_assert(sizeof(struct evcan_neovi_message_) ==
    (sizeof(void *) == 8 ? 72 : 64), "icsSpyMessage");
_Static_assert(sizeof(int) == 4, "int");

/* By the library's own names. 1 is success, 0 failure. */
struct evcan_neovi_calls_ {
	int (*icsneoFindDevices)(struct evcan_neovi_device_ *devices,
	    int *count, unsigned *types, unsigned n_types, void **options,
	    unsigned *reserved);
	int (*icsneoOpenDevice)(struct evcan_neovi_device_ *device,
	    void **handle, uint8_t *nets, int read_config, int flags,
	    void *options, unsigned long reserved);
	int (*icsneoClosePort)(void *handle, int *n_errors);
	int (*icsneoGetMessages)(void *handle,
	    struct evcan_neovi_message_ *messages, int *n, int *n_errors);
	int (*icsneoWaitForRxMessagesWithTimeOut)(void *handle, unsigned ms);
	int (*icsneoTxMessages)(void *handle,
	    struct evcan_neovi_message_ *messages, int net, int n);
	/* These may be missing. */
	void (*icsneoFreeObject)(void *handle);
	int (*icsneoValidateHObject)(void *handle);
	int (*icsneoGetTimeStampForMsg)(void *handle,
	    struct evcan_neovi_message_ *message, double *seconds);
	int (*icsneoSetBitRate)(void *handle, int bitrate, int net);
	int (*icsneoSetBitRateEx)(void *handle, unsigned long bitrate,
	    int net, int options);
	int (*icsneoSetFDBitRate)(void *handle, int bitrate, int net);
	int (*icsneoEnableNetworkCom)(void *handle, int enable);
	int (*icsneoGetLastAPIError)(void *handle, unsigned long *number);
	int (*icsneoGetErrorMessages)(void *handle, int *numbers, int *n);
	int (*icsneoGetErrorInfo)(int number, char *brief, char *text,
	    int *brief_size, int *text_size, int *severity, int *restart);
	int (*icsneoGetDLLVersion)(void);
	/* libicsneo has these in the same file, for the same handles. */
	bool (*icsneo_getDeviceEvents)(const void *handle,
	    struct evcan_neovi_event_ *events, size_t *n);
	bool (*icsneo_setFDBaudrate)(const void *handle, uint16_t net,
	    int64_t bitrate);
	bool (*icsneo_settingsApplyTemporary)(const void *handle);
};

/* One of the device's networks. */
struct evcan_neovi_net_ {
	uint16_t id;
	uint16_t channel;          /* its frames' name; 0: the bus's */
};

struct evcan_neovi_port_ {
	struct evcan_neovi_calls_ calls;
	uint32_t serials[2];       /* what `serial` may mean */
	int n_serials;             /* 0: the first device that is free */
	uint32_t type;             /* 0: any */
	bool fd, host_time, own;
	int bitrate, data_bitrate; /* 0: as the device has it stored */
	struct evcan_neovi_net_ nets[NEOVI_NETS];
	int n_nets;

	/* The library may keep a pointer to this as long as it is open. */
	struct evcan_neovi_device_ device;
	void *handle;
	struct evcan_neovi_message_ *messages;   /* NEOVI_MESSAGES */
	int16_t description;       /* of the last frame sent */
	int failures;              /* of reading, one after the other */
	bool gone;
	enum evcan_bus_state state;
	struct evcan_vendor_clock_ clock;
};

/* What the loop asks the thread for. */
enum evcan_neovi_command_ { NEOVI_RESET };

/* Why a call failed. */
struct evcan_neovi_reason_ {
	long number;               /* 0: none is given */
	int code;
	char text[320];
};

/* neovi_device.c */
extern const struct evcan_vendor_ops_ evcan_neovi_ops_;

/* neovi_error.c */
void evcan_neovi_explain_(const struct evcan_neovi_calls_ *calls,
    long number, struct evcan_neovi_reason_ *reason);
/* Of the call that just failed, in the thread that made it. */
void evcan_neovi_why_(const struct evcan_neovi_port_ *port,
    struct evcan_neovi_reason_ *reason);
/* @return EVCAN_ERR_INIT, with err */
int evcan_neovi_open_error_(const struct evcan_neovi_port_ *port,
    const char *call, const struct evcan_neovi_reason_ *reason,
    struct evcan_error *err);
bool evcan_neovi_is_valid_(const struct evcan_neovi_port_ *port);
/* What happened to the device since this was asked last, where the library
 * keeps a list of it. @param lost gets how many messages it threw away
 * @return false: it was unplugged */
bool evcan_neovi_events_(const struct evcan_neovi_port_ *port,
    uint64_t *lost);

/* neovi_turn.c: calls that the library cannot make at once for several
 * devices. One that hangs has its turn for a limited time only. */
enum evcan_neovi_turn_ {
	NEOVI_TURN_DEVICES,        /* search, open, close: lists of devices */
	NEOVI_TURN_MESSAGES,       /* one buffer */
	NEOVI_TURNS
};
/* @param limit_ns after which others may go ahead @param wait_ns for those
 * who have it @return 0: it is another's still */
uint64_t evcan_neovi_take_turn_(enum evcan_neovi_turn_ which,
    int64_t limit_ns, int64_t wait_ns);
/* @return false: another has gone ahead meanwhile */
bool evcan_neovi_has_turn_(enum evcan_neovi_turn_ which, uint64_t ticket);
void evcan_neovi_give_turn_(enum evcan_neovi_turn_ which, uint64_t ticket);

/* neovi_frame.c */
/* Which of the port's networks, or NULL. */
const struct evcan_neovi_net_ *evcan_neovi_net_of_(
    const struct evcan_neovi_port_ *port,
    const struct evcan_neovi_message_ *message);
/* @param now Unix time */
void evcan_neovi_to_frame_(struct evcan_neovi_port_ *port,
    struct evcan_neovi_message_ *message, int64_t now,
    struct evcan_frame *frame);
/* @param message its `extra` may point into the frame */
void evcan_neovi_to_message_(const struct evcan_frame *frame, uint16_t net,
    int16_t description, struct evcan_neovi_message_ *message);
/* What a message says of the controller. */
enum evcan_bus_state evcan_neovi_state_(enum evcan_bus_state before,
    const struct evcan_neovi_message_ *message);

/* neovi_find.c */
/* "AB0001", or digits alone for numbers that are not written so. */
void evcan_neovi_serial_text_(uint32_t number, char text[12]);
/* All that it may mean: six digits may be of base 36 or 10.
 * @return how many; 0: it is none */
int evcan_neovi_serial_numbers_(const char *text, uint32_t numbers[2]);
/* "neoVI FIRE 2 AB0001" */
void evcan_neovi_describe_(const struct evcan_neovi_device_ *device,
    char *text, size_t size);
/* A name of the vendor's, or a number. @return 0: neither */
uint16_t evcan_neovi_net_id_(const char *text, size_t len);
/* Devices, as they were when none was open: a search would disturb those that
 * are. `clients` counts this process's too. One that hangs while it opens
 * keeps new ones from being found. @return how many, or negative */
int evcan_neovi_list_(const struct evcan_neovi_calls_ *calls,
    struct evcan_neovi_device_ devices[NEOVI_DEVICES]);
/* Opens the one that is wanted: port->device and port->handle. */
int evcan_neovi_claim_(struct evcan_neovi_port_ *port,
    struct evcan_error *err);
/* Closes it. */
void evcan_neovi_release_(struct evcan_neovi_port_ *port);

#endif

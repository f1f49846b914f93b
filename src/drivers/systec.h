/* SPDX-License-Identifier: BSD-3-Clause */
/* systec.h - what is used of SYS TEC's USBCAN library, and a channel of it */
#ifndef EVCAN_DRIVERS_SYSTEC_H
#define EVCAN_DRIVERS_SYSTEC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../vendor.h"
#include "../wake.h"

#define SYSTEC_CHANNELS 2
#define SYSTEC_ANY 255            /* device number: the first one found */

/* Codes. From 0x80 on they warn: the call was executed. */
#define SYSTEC_MAXMODULES 0x02
#define SYSTEC_ILLHANDLE 0x06
#define SYSTEC_BUSY 0x08
#define SYSTEC_TXFULL 0x0b
#define SYSTEC_DISCONNECT 0x0e
#define SYSTEC_ILLHWTYPE 0x12
#define SYSTEC_NODATA 0x80
#define SYSTEC_TXMSGLOST 0x87
#define SYSTEC_TXLIMIT 0x91
#define SYSTEC_BUSY_INSIDE 0x92

/* A message's format */
#define SYSTEC_ECHO 0x20
#define SYSTEC_RTR 0x40
#define SYSTEC_EXT 0x80

/* Modes */
#define SYSTEC_MODE_LISTEN 1
#define SYSTEC_MODE_ECHO 2
#define SYSTEC_MODE_FINE 8        /* time in 100 us */

/* Events of a module, and of all of them */
#define SYSTEC_EVENT_RECEIVE 2
#define SYSTEC_EVENT_STATUS 3
#define SYSTEC_EVENT_DISCONNECT 7
#define SYSTEC_EVENT_FATAL 8

/* Status of a channel */
#define SYSTEC_STAT_OVERRUN 0x002
#define SYSTEC_STAT_WARNING 0x004
#define SYSTEC_STAT_PASSIVE 0x008
#define SYSTEC_STAT_BUS_OFF 0x010
#define SYSTEC_STAT_TX_DELETED 0x400

/* UcanResetCanEx: a bit that is set leaves something alone. */
#define SYSTEC_RESET_CONTROLLER 0xfffc      /* and its status */
#define SYSTEC_RESET_ONLY_TX 0xff0b

#define SYSTEC_OCR 0x1a
#define SYSTEC_PRODUCT 0x7fff     /* the rest marks the maker */

#define SYSTEC_PACKED __attribute__((packed))
#define SYSTEC_AT(type, member, at) \
	_Static_assert(offsetof(type, member) == (at), #type "." #member)

struct evcan_systec_msg_ {
	uint32_t id;
	uint8_t format, dlc, data[8];
	uint32_t time;
} SYSTEC_PACKED;
_Static_assert(sizeof(struct evcan_systec_msg_) == 18, "CAN message");
SYSTEC_AT(struct evcan_systec_msg_, data, 6);
SYSTEC_AT(struct evcan_systec_msg_, time, 14);

struct evcan_systec_status_ {
	uint16_t can, usb;
} SYSTEC_PACKED;
_Static_assert(sizeof(struct evcan_systec_status_) == 4, "Status");

struct evcan_systec_init_ {
	uint32_t size;
	uint8_t mode, btr0, btr1, ocr;
	uint32_t amr, acr, baud_ex;
	uint16_t rx_entries, tx_entries;
} SYSTEC_PACKED;
_Static_assert(sizeof(struct evcan_systec_init_) == 24, "InitCanParam");
SYSTEC_AT(struct evcan_systec_init_, amr, 8);
SYSTEC_AT(struct evcan_systec_init_, baud_ex, 16);
SYSTEC_AT(struct evcan_systec_init_, tx_entries, 22);

struct evcan_systec_hardware_ {
	uint32_t size;
	uint8_t handle, device;
	uint32_t serial, firmware, product, unique[4], flags;
} SYSTEC_PACKED;
_Static_assert(sizeof(struct evcan_systec_hardware_) == 38,
    "HardwareInfoEx");
SYSTEC_AT(struct evcan_systec_hardware_, serial, 6);
SYSTEC_AT(struct evcan_systec_hardware_, product, 14);
SYSTEC_AT(struct evcan_systec_hardware_, flags, 34);

typedef void (*evcan_systec_event_cb)(uint8_t handle, uint32_t event,
    uint8_t channel, void *arg);
typedef void (*evcan_systec_connect_cb)(uint32_t event, uint32_t param,
    void *arg);

/* What the one who is told of a module may ask for. */
struct evcan_systec_found_ {
	uint32_t size;
	int32_t do_init;
	uint8_t *handle;
	evcan_systec_event_cb cb;
	void *arg;
	int32_t try_next;
} SYSTEC_PACKED;
_Static_assert(sizeof(struct evcan_systec_found_) ==
    12 + 3 * sizeof(void *), "HardwareInitInfo");
SYSTEC_AT(struct evcan_systec_found_, try_next, 8 + 3 * sizeof(void *));

typedef void (*evcan_systec_found_cb)(uint32_t index, int32_t used,
    struct evcan_systec_hardware_ *hardware,
    struct evcan_systec_found_ *found, void *arg);

/* By the library's own names. */
struct evcan_systec_calls_ {
	uint32_t (*UcanGetVersionEx)(uint32_t type);
	uint32_t (*UcanEnumerateHardware)(evcan_systec_found_cb cb, void *arg,
	    int32_t used, uint8_t device_low, uint8_t device_high,
	    uint32_t serial_low, uint32_t serial_high, uint32_t product_low,
	    uint32_t product_high);
	uint8_t (*UcanInitHwConnectControlEx)(evcan_systec_connect_cb cb,
	    void *arg);
	uint8_t (*UcanDeinitHwConnectControl)(void);
	uint8_t (*UcanInitHardwareEx)(uint8_t *handle, uint8_t device,
	    evcan_systec_event_cb cb, void *arg);
	uint8_t (*UcanGetHardwareInfoEx2)(uint8_t handle,
	    struct evcan_systec_hardware_ *hardware, void *channel0,
	    void *channel1);
	uint8_t (*UcanInitCanEx2)(uint8_t handle, uint8_t channel,
	    struct evcan_systec_init_ *init);
	uint8_t (*UcanSetAcceptanceEx)(uint8_t handle, uint8_t channel,
	    uint32_t amr, uint32_t acr);
	uint8_t (*UcanReadCanMsgEx)(uint8_t handle, uint8_t *channel,
	    struct evcan_systec_msg_ *msgs, uint32_t *count);
	uint8_t (*UcanWriteCanMsgEx)(uint8_t handle, uint8_t channel,
	    struct evcan_systec_msg_ *msgs, uint32_t *count);
	uint8_t (*UcanGetStatusEx)(uint8_t handle, uint8_t channel,
	    struct evcan_systec_status_ *status);
	uint8_t (*UcanGetCanErrorCounter)(uint8_t handle, uint8_t channel,
	    uint32_t *tx, uint32_t *rx);
	uint8_t (*UcanResetCanEx)(uint8_t handle, uint8_t channel,
	    uint32_t flags);
	uint8_t (*UcanSetTxTimeout)(uint8_t handle, uint8_t channel,
	    uint32_t ms);
	uint8_t (*UcanDeinitCanEx)(uint8_t handle, uint8_t channel);
	uint8_t (*UcanDeinitHardware)(uint8_t handle);
};

/* What the vendor's call-backs leave for a channel's thread. */
struct evcan_systec_bell_ {
	struct evcan_wake_ wake;
	atomic_bool status;        /* there is a new one */
};

struct evcan_systec_module_;

/* The acceptance registers: a bit of `amr` that is set does not count. */
struct evcan_systec_filter_ {
	uint32_t amr, acr;
};

struct evcan_systec_port_ {
	struct evcan_systec_calls_ calls;
	uint8_t channel, device;
	uint8_t btr0, btr1;
	uint16_t rx_entries, tx_entries;
	uint32_t tx_timeout_ms;
	bool listen_only, fine;
	bool echo;                 /* somebody wants to hear of own frames */
	struct evcan_systec_filter_ filter;

	struct evcan_systec_module_ *module;
	uint8_t handle;
	bool on_bus, gone;
	struct evcan_systec_bell_ bell;
	enum evcan_bus_state state;
	uint16_t status;           /* as it was seen last */
	uint32_t version;          /* of the library; 0: not known */
	uint32_t time_mask;        /* old libraries count in 24 bits */
	int64_t ticks;             /* of the last message */
	struct evcan_vendor_clock_ clock;
};

/* What the loop asks the thread for. */
enum evcan_systec_command_ {
	SYSTEC_SET_FILTER, SYSTEC_SET_ECHO, SYSTEC_SET_MODE, SYSTEC_FLUSH,
	SYSTEC_RESET
};

/* systec_port.c */
extern const struct evcan_vendor_ops_ evcan_systec_ops_;

/* systec_module.c */
/* The port's module, which both its channels share: opens it if nobody has
 * yet, and waits for somebody who does just now. Fills module and handle.
 * @return 0 or negative with err */
int evcan_systec_join_(struct evcan_systec_port_ *port,
    struct evcan_error *err);
/* The last one closes it. Nothing to do if it was not joined. */
void evcan_systec_leave_(struct evcan_systec_port_ *port);
/* "USB-CANmodul2, S/N 1234, device 0" */
void evcan_systec_describe_(const struct evcan_systec_hardware_ *hardware,
    char *text, size_t size);
bool evcan_systec_has_channel_(uint32_t product, int channel);
/* That of a port that was joined. */
const struct evcan_systec_hardware_ *evcan_systec_hardware_(
    const struct evcan_systec_port_ *port);
/* A code's name, as the vendor has it, and what it means. */
struct evcan_systec_code_ {
	uint8_t code;
	const char *name, *text;
};
const struct evcan_systec_code_ *evcan_systec_code_(uint8_t code);

/* systec.c */
extern const struct evcan_vendor_library_ evcan_systec_library_;
/* The registers for all identifiers that agree with `from` where `from` and
 * `to` agree; remote frames alone, too, or not. */
struct evcan_systec_filter_ evcan_systec_filter_(bool extended, uint32_t from,
    uint32_t to, bool rtr_only, bool rtr_too);

#endif

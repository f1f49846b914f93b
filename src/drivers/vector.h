/* SPDX-License-Identifier: BSD-3-Clause */
/* vector.h - what is used of the XL Driver Library, and a channel of it */
#ifndef EVCAN_DRIVERS_VECTOR_H
#define EVCAN_DRIVERS_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/bit_timing.h>
#include <evcan/driver.h>

#include "vendor.h"
#include "wake.h"

#define XL_BUS_CAN 1
#define XL_BUS_CAN_USABLE 0x10000
#define XL_CHANNELS 64
#define XL_CAP_FD_ISO 0x80000000u
#define XL_CAP_FD_BOSCH 0x20000000u
#define XL_OP_MODE_FD 2
#define XL_SILENT 0
#define XL_NORMAL 1
#define XL_EXT_ID 0x80000000u

/* Interface versions of a port: its events differ */
#define XL_CLASSIC 3
#define XL_FLEXIBLE 4

/* Statuses that are more than errors */
#define XL_QUEUE_IS_EMPTY 10
#define XL_QUEUE_IS_FULL 11
#define XL_NOT_IMPLEMENTED 117
#define XL_HW_NOT_PRESENT 129
#define XL_INIT_ACCESS_MISSING 158

/* Classic events */
#define XL_RECEIVE_MSG 1
#define XL_CHIP_STATE 4
#define XL_TRANSMIT_MSG 10
#define XL_EVENTS_LOST 1
#define XL_MSG_ERROR 0x1
#define XL_MSG_OVERRUN 0x2
#define XL_MSG_REMOTE 0x10
#define XL_MSG_TX_COMPLETED 0x40
#define XL_MSG_TX_REQUEST 0x80

/* Events of CAN FD */
#define XL_FD_RX_OK 0x400
#define XL_FD_RX_ERROR 0x401
#define XL_FD_TX_ERROR 0x402
#define XL_FD_TX_OK 0x404
#define XL_FD_CHIP_STATE 0x409
#define XL_FD_TX_MSG 0x440
#define XL_FD_EVENTS_LOST 0x100
#define XL_FD_EDL 0x1
#define XL_FD_BRS 0x2
#define XL_FD_ESI 0x4
#define XL_FD_RTR 0x10

/* Chip states */
#define XL_BUS_OFF 1
#define XL_PASSIVE 2
#define XL_WARNING 4

/* Sizes and offsets are the library's; what is not used has no name. */
#define XL_AT(type, member, offset) \
	_Static_assert(offsetof(type, member) == (offset), #type "." #member)
#define XL_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)

struct xl_chip_state {
	uint8_t bus_status, tx_errors, rx_errors;
};

struct xl_msg {
	uint32_t id;
	uint16_t flags, dlc;
	uint64_t reserved1;
	uint8_t data[8];
	uint64_t reserved2;
};
XL_SIZE(struct xl_msg, 32);
XL_AT(struct xl_msg, data, 16);

struct xl_event {
	uint8_t tag, channel;
	uint16_t transaction, port;
	uint8_t flags, reserved;
	uint64_t time_ns;
	union {
		struct xl_msg msg;
		struct xl_chip_state chip;
	} data;
};
XL_SIZE(struct xl_event, 48);
XL_AT(struct xl_event, flags, 6);
XL_AT(struct xl_event, time_ns, 8);
XL_AT(struct xl_event, data, 16);

struct xl_rx_msg {
	uint32_t id, flags, crc;
	uint8_t reserved1[12];
	uint16_t bits;
	uint8_t dlc, reserved2[5];
	uint8_t data[64];
};
XL_SIZE(struct xl_rx_msg, 96);
XL_AT(struct xl_rx_msg, dlc, 26);
XL_AT(struct xl_rx_msg, data, 32);

struct xl_rx_event {
	uint32_t size;
	uint16_t tag, channel;
	uint32_t user;
	uint16_t flags, reserved1;
	uint64_t reserved2;
	uint64_t time_ns;
	union {
		struct xl_rx_msg msg;
		struct xl_chip_state chip;
		uint8_t error;
	} data;
};
XL_SIZE(struct xl_rx_event, 128);
XL_AT(struct xl_rx_event, flags, 12);
XL_AT(struct xl_rx_event, time_ns, 24);
XL_AT(struct xl_rx_event, data, 32);

struct xl_tx_event {
	uint16_t tag, transaction;
	uint8_t channel, reserved1[3];
	uint32_t id, flags;
	uint8_t dlc, reserved2[7];
	uint8_t data[64];
};
XL_SIZE(struct xl_tx_event, 88);
XL_AT(struct xl_tx_event, id, 8);
XL_AT(struct xl_tx_event, dlc, 16);
XL_AT(struct xl_tx_event, data, 24);

struct xl_fd_conf {
	uint32_t bitrate, sjw, tseg1, tseg2;
	uint32_t data_bitrate, data_sjw, data_tseg1, data_tseg2;
	uint8_t reserved1, options, reserved2[2];
	uint32_t reserved3;
};
XL_SIZE(struct xl_fd_conf, 40);
XL_AT(struct xl_fd_conf, options, 33);

struct xl_chip_params {
	uint32_t bitrate;
	uint8_t sjw, tseg1, tseg2, samples;
};
XL_SIZE(struct xl_chip_params, 8);

/* Of CAN, classic or FD */
struct __attribute__((packed)) xl_bus_params {
	uint32_t bus_type, bitrate;
	uint8_t sjw, tseg1, tseg2, samples, output;
	uint8_t data_sjw, data_tseg1, data_tseg2;
	uint32_t data_bitrate;
	uint8_t op_mode, reserved[11];
};
XL_SIZE(struct xl_bus_params, 32);
XL_AT(struct xl_bus_params, output, 12);
XL_AT(struct xl_bus_params, data_bitrate, 16);
XL_AT(struct xl_bus_params, op_mode, 20);

struct __attribute__((packed)) xl_channel {
	char name[32];
	uint8_t hw_type, hw_index, hw_channel;
	uint16_t transceiver_type, transceiver_state, config_error;
	uint8_t index;
	uint64_t mask;
	uint32_t capabilities, buses;
	uint8_t is_on_bus;
	uint32_t connected_bus;
	struct xl_bus_params params;
	uint32_t unused, driver_version, interface_version, raw[10];
	uint32_t serial, article;
	char transceiver[32];
	uint8_t reserved[40];
};
XL_SIZE(struct xl_channel, 227);
XL_AT(struct xl_channel, index, 41);
XL_AT(struct xl_channel, mask, 42);
XL_AT(struct xl_channel, buses, 54);
XL_AT(struct xl_channel, params, 63);
XL_AT(struct xl_channel, serial, 147);
XL_AT(struct xl_channel, transceiver, 155);

struct __attribute__((packed)) xl_config {
	uint32_t dll_version, count, reserved[10];
	struct xl_channel channels[XL_CHANNELS];
};
XL_SIZE(struct xl_config, 14576);
XL_AT(struct xl_config, channels, 48);

/* Linux has an eventfd where Windows has an event. */
union xl_notification {
	void *handle;
	int fd;
};

/* By the library's own names; ports, masks and statuses are its too. */
struct evcan_vector_calls_ {
	int16_t (*xlOpenDriver)(void);
	int16_t (*xlCloseDriver)(void);
	int16_t (*xlGetDriverConfig)(struct xl_config *config);
	int16_t (*xlGetApplConfig)(char *app, uint32_t channel,
	    uint32_t *hw_type, uint32_t *hw_index, uint32_t *hw_channel,
	    uint32_t bus);
	int32_t (*xlGetChannelIndex)(int32_t hw_type, int32_t hw_index,
	    int32_t hw_channel);
	int16_t (*xlOpenPort)(int32_t *port, char *user, uint64_t mask,
	    uint64_t *permission, uint32_t queue, uint32_t version,
	    uint32_t bus);
	int16_t (*xlClosePort)(int32_t port);
	int16_t (*xlActivateChannel)(int32_t port, uint64_t mask,
	    uint32_t bus, uint32_t flags);
	int16_t (*xlDeactivateChannel)(int32_t port, uint64_t mask);
	int16_t (*xlSetNotification)(int32_t port,
	    union xl_notification *notification, int32_t level);
	int16_t (*xlGetSyncTime)(int32_t port, uint64_t *ns);
	int16_t (*xlGetChannelTime)(int32_t port, uint64_t mask,
	    uint64_t *ns);
	int16_t (*xlReceive)(int32_t port, uint32_t *count,
	    struct xl_event *events);
	int16_t (*xlCanReceive)(int32_t port, struct xl_rx_event *event);
	int16_t (*xlCanSetChannelOutput)(int32_t port, uint64_t mask,
	    int32_t mode);
	int16_t (*xlCanSetChannelMode)(int32_t port, uint64_t mask,
	    int32_t tx, int32_t tx_request);
	int16_t (*xlCanSetChannelParams)(int32_t port, uint64_t mask,
	    struct xl_chip_params *params);
	int16_t (*xlCanSetChannelParamsC200)(int32_t port, uint64_t mask,
	    uint8_t btr0, uint8_t btr1);
	int16_t (*xlCanSetChannelBitrate)(int32_t port, uint64_t mask,
	    uint32_t bitrate);
	int16_t (*xlCanFdSetConfiguration)(int32_t port, uint64_t mask,
	    struct xl_fd_conf *conf);
	int16_t (*xlCanTransmit)(int32_t port, uint64_t mask,
	    uint32_t *count, void *events);
	int16_t (*xlCanTransmitEx)(int32_t port, uint64_t mask,
	    uint32_t count, uint32_t *sent, struct xl_tx_event *events);
	int16_t (*xlCanFlushTransmitQueue)(int32_t port, uint64_t mask);
	int16_t (*xlCanSetChannelAcceptance)(int32_t port, uint64_t mask,
	    uint32_t code, uint32_t care, uint32_t range);
	int16_t (*xlCanRequestChipState)(int32_t port, uint64_t mask);
};

/* How the bits are to be; only one of them is so. */
enum evcan_vector_bits_ {
	VECTOR_BITS_AS_THEY_ARE, VECTOR_BITS_RATE, VECTOR_BITS_16_MHZ,
	VECTOR_BITS_8_MHZ, VECTOR_BITS_FD
};

struct evcan_vector_port_ {
	struct evcan_vector_calls_ calls;

	/* Asked for */
	uint32_t channel;          /* of the device, the application or all */
	int64_t index, serial;     /* -1: not given */
	char app[32];              /* "": none */
	bool init, silent, own;
	int poll_ms;
	uint32_t version, queue;
	enum evcan_vector_bits_ bits;
	uint32_t bitrate;
	struct evcan_bit_timing classic;
	struct xl_fd_conf fd;

	/* Open */
	bool driver_open, active, may_set_up, gone;
	int32_t port;              /* -1: none */
	uint64_t mask;
	int event_fd;              /* -1: none */
	struct evcan_wake_ wake;   /* without it: the loop wants something */
	bool pending;              /* the queue was not read to its end */
	enum evcan_bus_state state;
	struct evcan_vendor_clock_ clock;
};

/* What the loop asks the thread for. */
enum evcan_vector_command_ {
	VECTOR_SET_FILTERS,        /* struct evcan_vector_filters_ */
	VECTOR_SET_ECHO,
	VECTOR_SET_MODE,           /* bool: silent */
	VECTOR_FLUSH,
	VECTOR_RESET
};

struct evcan_vector_filters_ {
	uint32_t code[2], care[2]; /* standard, extended */
};

/* vector.c */
extern const struct evcan_vendor_library_ evcan_vector_library_;

/* vector_port.c */
extern const struct evcan_vendor_ops_ evcan_vector_ops_;

/* vector_setup.c, in the thread */
#define EVCAN_VECTOR_INFO_ 120
/* Driver and port, set up. @param info what was opened, in words */
int evcan_vector_open_(struct evcan_vector_port_ *port,
    char info[EVCAN_VECTOR_INFO_], struct evcan_error *err);
void evcan_vector_close_driver_(const struct evcan_vector_calls_ *calls);
/* An opening that failed. @return EVCAN_ERR_INIT */
int evcan_vector_error_(struct evcan_error *err,
    const struct evcan_vector_port_ *port, int status, const char *call);
/* Calls cb for each channel that can be used for CAN. */
void evcan_vector_each_(const struct evcan_vector_calls_ *calls,
    void (*cb)(const struct xl_channel *channel, void *arg), void *arg);

/* vector_event.c: events and frames */
bool evcan_vector_frame_(const struct xl_event *event,
    struct evcan_frame *frame);
bool evcan_vector_fd_frame_(const struct xl_rx_event *event,
    struct evcan_frame *frame);
void evcan_vector_event_(const struct evcan_frame *frame,
    struct xl_event *event);
void evcan_vector_fd_event_(const struct evcan_frame *frame,
    struct xl_tx_event *event);

/* vector_status.c */
#define EVCAN_VECTOR_SAYS_ 160
/* "xlOpenPort gives 129 (XL_ERR_HW_NOT_PRESENT: ...)" */
char *evcan_vector_says_(int status, const char *call,
    char text[EVCAN_VECTOR_SAYS_]);
int evcan_vector_code_(int status);
bool evcan_vector_is_gone_(int status);

#endif

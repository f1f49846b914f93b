/* SPDX-License-Identifier: BSD-3-Clause */
/* vector_double_abi.h - statuses and structures of the XL Driver Library */
#ifndef VECTOR_DOUBLE_ABI_H
#define VECTOR_DOUBLE_ABI_H

#include <stdint.h>

enum { EMPTY = 10, FULL = 11, WRONG_PARAMETER = 101, INVALID_ACCESS = 112,
	OFFLINE = 113, INVALID_PORT = 118, HW_NOT_PRESENT = 129,
	NOTIFY_ACTIVE = 131, INVALID_TAG = 132, NO_RESOURCES = 152,
	INIT_ACCESS_MISSING = 158, WRONG_VERSION = 160,
	CANNOT_OPEN_DRIVER = 201, WRONG_BUS_TYPE = 202, INVALID_MASK = 204,
	ERROR = 255,
	INVALID_DLC = 0x201, INVALID_ID = 0x202, INVALID_FDFLAG = 0x203,
	EDL_RTR = 0x204, EDL_NOT_SET = 0x205, UNKNOWN_FLAG = 0x206 };

typedef struct {
	uint32_t id;
	uint16_t flags, dlc;
	uint64_t res1;
	uint8_t data[8];
	uint64_t res2;
} can_msg;

typedef struct {
	uint8_t tag, chan_index;
	uint16_t trans_id, port_handle;
	uint8_t flags, reserved;
	uint64_t time_stamp;
	union {
		can_msg msg;
		uint8_t bytes[32];
	} data;
} event;
_Static_assert(sizeof(event) == 48, "XLevent");

typedef struct {
	uint32_t size;
	uint16_t tag, channel_index;
	uint32_t user_handle;
	uint16_t flags_chip, reserved0;
	uint64_t reserved1, time_stamp;
	struct {
		uint32_t can_id, flags, crc;
		uint8_t reserved1[12];
		uint16_t bits;
		uint8_t dlc, reserved2[5], data[64];
	} msg;
} fd_event;
_Static_assert(sizeof(fd_event) == 128, "XLcanRxEvent");

typedef struct {
	uint16_t tag, trans_id;
	uint8_t channel_index, reserved[3];
	uint32_t can_id, flags;
	uint8_t dlc, reserved2[7], data[64];
} fd_tx_event;
_Static_assert(sizeof(fd_tx_event) == 88, "XLcanTxEvent");

typedef struct {
	uint32_t rate, sjw, tseg1, tseg2, data_rate, data_sjw, data_tseg1,
	    data_tseg2;
	uint8_t reserved, options, reserved1[2];
	uint32_t reserved2;
} fd_conf;
_Static_assert(sizeof(fd_conf) == 40, "XLcanFdConf");

typedef struct {
	uint32_t rate;
	uint8_t sjw, tseg1, tseg2, sam;
} chip_params;

#pragma pack(push, 1)
typedef struct {
	uint32_t bus_type, rate;
	uint8_t sjw, tseg1, tseg2, sam, output, data_sjw, data_tseg1,
	    data_tseg2;
	uint32_t data_rate;
	uint8_t op_mode, rest[11];
} bus_params;

typedef struct {
	char name[32];
	uint8_t hw_type, hw_index, hw_channel;
	uint16_t trans_type, trans_state, config_error;
	uint8_t index;
	uint64_t mask;
	uint32_t capabilities, bus_capabilities;
	uint8_t on_bus;
	uint32_t connected;
	bus_params params;
	uint32_t none, driver, interface, raw[10], serial, article;
	char trans_name[32];
	uint8_t rest[40];
} channel_config;

typedef struct {
	uint32_t dll, count, reserved[10];
	channel_config channel[64];
} driver_config;
#pragma pack(pop)
_Static_assert(sizeof(channel_config) == 227, "XLchannelConfig");
_Static_assert(sizeof(driver_config) == 14576, "XLdriverConfig");

#endif

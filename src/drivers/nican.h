/* SPDX-License-Identifier: BSD-3-Clause */
/* nican.h - what is used of NI-CAN, and an interface of it */
#ifndef EVCAN_DRIVERS_NICAN_H
#define EVCAN_DRIVERS_NICAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>

#include "../vendor.h"

/* Attributes */
#define NICAN_SOFTWARE_VERSION 0x80000003u   /* in two bytes */
#define NICAN_START_ON_OPEN 0x80000006u
#define NICAN_BAUD_RATE 0x80000007u
#define NICAN_STATUS 0x8000000au
#define NICAN_READ_Q_LEN 0x80000013u
#define NICAN_WRITE_Q_LEN 0x80000014u
#define NICAN_COMP_STD 0x80010001u
#define NICAN_MASK_STD 0x80010002u
#define NICAN_COMP_XTD 0x80010003u
#define NICAN_MASK_XTD 0x80010004u
#define NICAN_LOG_COMM_ERRS 0x8001000au
#define NICAN_LISTEN_ONLY 0x80010010u
#define NICAN_RX_ERROR_COUNTER 0x80010011u
#define NICAN_TX_ERROR_COUNTER 0x80010012u
#define NICAN_NUM_CARDS 0x80020002u
#define NICAN_SERIAL_NUM 0x80020003u
#define NICAN_NUM_PORTS 0x80020006u
#define NICAN_TRANSCEIVER 0x80020007u
#define NICAN_INTERFACE_NUM 0x80020008u
#define NICAN_VERSION_MAJOR 0x80020009u      /* of the software */
#define NICAN_VERSION_MINOR 0x8002000au
#define NICAN_LIN 5                          /* a transceiver */

/* A baud rate with this bit is two registers of an SJA1000 at 8 MHz. */
#define NICAN_REGISTERS 0x80000000u

/* States and actions */
#define NICAN_READ_AVAIL 0x01u
#define NICAN_WRITE_SUCCESS 0x02u
#define NICAN_START 0x80000001u
#define NICAN_STOP 0x80000002u
#define NICAN_RESET 0x80000003u

/* Frames */
#define NICAN_EXT 0x20000000u
#define NICAN_DATA 0
#define NICAN_REMOTE 1
#define NICAN_COMM_ERROR 2

#pragma pack(push, 2)
struct evcan_nican_rx_ {
	uint32_t time_low, time_high;  /* 100 ns since 1601 */
	uint32_t id;
	uint8_t type;                  /* before 2.0: is it remote? */
	uint8_t len;
	uint8_t data[8];
};
struct evcan_nican_tx_ {
	uint32_t id;
	uint8_t remote, len;
	uint8_t data[8];
};
#pragma pack(pop)

_Static_assert(sizeof(struct evcan_nican_rx_) == 22, "NCTYPE_CAN_STRUCT");
_Static_assert(offsetof(struct evcan_nican_rx_, id) == 8, "ArbitrationId");
_Static_assert(offsetof(struct evcan_nican_rx_, type) == 12, "FrameType");
_Static_assert(offsetof(struct evcan_nican_rx_, len) == 13, "DataLength");
_Static_assert(offsetof(struct evcan_nican_rx_, data) == 14, "Data");
_Static_assert(sizeof(struct evcan_nican_tx_) == 14, "NCTYPE_CAN_FRAME");
_Static_assert(offsetof(struct evcan_nican_tx_, remote) == 4, "IsRemote");
_Static_assert(offsetof(struct evcan_nican_tx_, len) == 5, "DataLength");
_Static_assert(offsetof(struct evcan_nican_tx_, data) == 6, "Data");

/* By the library's own names. All give a status: under 0 an error, over 0 a
 * warning. */
struct evcan_nican_calls_ {
	int32_t (*ncConfig)(const char *name, uint32_t n,
	    const uint32_t *attributes, const uint32_t *values);
	int32_t (*ncOpenObject)(const char *name, uint32_t *handle);
	int32_t (*ncCloseObject)(uint32_t handle);
	int32_t (*ncAction)(uint32_t handle, uint32_t opcode,
	    uint32_t parameter);
	int32_t (*ncReadMult)(uint32_t handle, uint32_t size, void *frames,
	    uint32_t *read);
	int32_t (*ncWrite)(uint32_t handle, uint32_t size,
	    const void *frame);
	int32_t (*ncWaitForState)(uint32_t handle, uint32_t wanted,
	    uint32_t timeout_ms, uint32_t *state);
	int32_t (*ncGetAttribute)(uint32_t handle, uint32_t attribute,
	    uint32_t size, void *value);
	int32_t (*ncSetAttribute)(uint32_t handle, uint32_t attribute,
	    uint32_t size, const void *value);
	int32_t (*ncGetHardwareInfo)(uint32_t card, uint32_t port,
	    uint32_t attribute, uint32_t size, void *value);
	void (*ncStatusToString)(int32_t status, uint32_t size, char *text);
};

/* What is set before an interface is opened, or while it is stopped. */
struct evcan_nican_filters_ {
	uint32_t code[2], mask[2];     /* standard, extended */
};
struct evcan_nican_config_ {
	uint32_t baud;                 /* 0: as it was */
	struct evcan_nican_filters_ filters;
	uint32_t read_queue, write_queue;
	bool log_errors, listen_only;
};

/* Sends whose success is not known yet. */
#define EVCAN_NICAN_PENDING_ 32

struct evcan_nican_port_ {
	struct evcan_nican_calls_ calls;
	char name[8];
	struct evcan_nican_config_ config;
	bool echo;

	uint32_t handle;
	bool opened, gone;
	bool uncounted;            /* has no error counters: Series 1 */
	int32_t told;              /* the last trouble told; 0: none now */
	enum evcan_bus_state state;
	struct evcan_frame pending[EVCAN_NICAN_PENDING_];
	int n_pending;
	bool written;              /* something, and not known to be sent */
	struct evcan_vendor_clock_ clock;
};

/* What the loop asks the thread for. */
enum evcan_nican_command_ {
	NICAN_DO_FILTERS,          /* struct evcan_nican_filters_ */
	NICAN_DO_MODE,             /* bool: listen only */
	NICAN_DO_ECHO, NICAN_DO_FLUSH, NICAN_DO_RESET
};

/* nican.c */
extern const struct evcan_vendor_library_ evcan_nican_library_;
/* A number that a card or a port of it tells. @return 0: it does not */
uint32_t evcan_nican_card_(const struct evcan_nican_calls_ *calls,
    uint32_t card, uint32_t port, uint32_t attribute);

/* nican_status.c */
enum evcan_nican_kind_ {
	NICAN_IS_PASSING,          /* told, once */
	NICAN_IS_QUIET,            /* nothing wrong */
	NICAN_IS_FULL,             /* the write queue is */
	NICAN_IS_LOSS,             /* frames were lost */
	NICAN_IS_COMM,             /* of the bus: the state says it */
	NICAN_IS_GONE
};
#define EVCAN_NICAN_SAYS_ 300
/* One number for what old and new versions mean. */
unsigned evcan_nican_code_(int32_t status);
/* Of a status that is no error: NICAN_IS_QUIET. */
enum evcan_nican_kind_ evcan_nican_kind_of_(int32_t status);
/* Whether it is of the bus, also as a warning. */
bool evcan_nican_is_comm_(int32_t status);
/* @return EVCAN_ERR_* */
int evcan_nican_error_(int32_t status);
/* "ncWrite gives 0xBFF62122 (CanErrNoTxForListenOnly: it only listens)"; of
 * one that is not in the table the library may know more. */
char *evcan_nican_say_(const struct evcan_nican_calls_ *calls,
    int32_t status, const char *call, char text[EVCAN_NICAN_SAYS_]);

/* nican_port.c */
extern const struct evcan_vendor_ops_ evcan_nican_ops_;

#endif

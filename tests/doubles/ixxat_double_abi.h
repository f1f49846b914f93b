/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_double_abi.h - structures and numbers of VCI 3 or 4; frames in them */
#ifndef IXXAT_DOUBLE_ABI_H
#define IXXAT_DOUBLE_ABI_H

#include <stdint.h>
#include <string.h>

#include "double_bus.h"

#ifndef VCI
#define VCI 3
#endif
#define JOBS 16

typedef int32_t HRESULT;
typedef void *HANDLE;
#define E(n) ((HRESULT)(0xe0010000u | (n)))
enum { INVALIDARG = 4, INVHANDLE = 7, ACCESSDENIED = 0xa, TIMEOUT = 0xb,
	NO_MORE_ITEMS = 0xf, NOT_INITIALIZED = 0x10, RXQUEUE_EMPTY = 0x12,
	TXQUEUE_FULL = 0x13, INVALID_STATE = 0x15, INVALID_INDEX = 0x17,
	DISCONNECTED = 0x19, FULL = 0x14 };

/* The vendor's structures */

#pragma pack(push, 1)
typedef struct {
	uint64_t object_id;
	uint8_t device_class[16], driver_major, driver_minor;
	uint16_t driver_build;
	uint8_t hw[4];
	char hwid[16], description[128], manufacturer[126];
	uint16_t release;
} VCIDEVICEINFO;
typedef struct {
	uint16_t n, type[32];
} VCIDEVICECAPS;
typedef struct {
	uint32_t mode, bps;
	uint16_t ts1, ts2, sjw, tdo;
} CANBTP;
#if VCI == 4
typedef struct {
	uint16_t type, coupling;
	uint32_t features, clock;
	CANBTP ranges[4];
	uint32_t tsc_clock, tsc_divisor, cms_clock, cms_divisor, cms_max,
	    dtx_clock, dtx_divisor, dtx_max;
} CANCAPABILITIES;
typedef struct {
	uint8_t op, ex, load, reserved;
	CANBTP sdr, fdr;
	uint32_t status;
} CANLINESTATUS;
typedef struct {
	CANLINESTATUS line;
	uint8_t active, overrun, rx_load, tx_load;
} CANCHANSTATUS;
typedef struct {
	uint32_t time, reserved, id;
	uint8_t type, flags2, flags, accept;
	uint8_t data[64];
} CANMSG;
typedef struct {
	uint16_t ticks;
	uint8_t increment, byte;
	uint32_t id;
	uint8_t type, flags2, flags, accept;
	uint8_t data[64];
} CANCYCLICTXMSG;
typedef struct {
	CANLINESTATUS line;
	uint8_t task, message[JOBS];
} CANSCHEDULERSTATUS;
#define DATA_MAX 64
#define TSC_CLOCK 80000000
#define TSC_DIVISOR 7
#define CMS_CLOCK 80000000
#define CMS_DIVISOR 40000
#define CMS_MAX 1000
#define FEATURES (0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x80 | 0x2000 | \
	0x4000 | 0x8000)
#else
typedef struct {
	uint16_t type, coupling;
	uint32_t features, clock, tsc_divisor, cms_divisor, cms_max,
	    dtx_divisor, dtx_max;
} CANCAPABILITIES;
typedef struct {
	uint8_t op, btr0, btr1, load;
	uint32_t status;
} CANLINESTATUS;
typedef struct {
	CANLINESTATUS line;
	uint32_t active, overrun;
	uint8_t rx_load, tx_load;
} CANCHANSTATUS;
typedef struct {
	uint32_t time, id;
	uint8_t type, flags2, flags, accept;
	uint8_t data[8];
} CANMSG;
typedef struct {
	uint16_t ticks;
	uint8_t increment, byte;
	uint32_t id;
	uint8_t type, flags2, flags, accept;
	uint8_t data[8];
} CANCYCLICTXMSG;
typedef struct {
	uint8_t task, message[JOBS];
} CANSCHEDULERSTATUS;
#define DATA_MAX 8
#define TSC_CLOCK 16000000
#define TSC_DIVISOR 27
#define CMS_CLOCK 16000000
#define CMS_DIVISOR 16000
#define CMS_MAX 65535
#define FEATURES (0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x80)
#endif
#pragma pack(pop)

enum { DATA, INFO, ERROR, STATUS, TIMEOVR = 5 };
enum { LONG = 4, FAST = 8, ESI = 0x10 };                /* flags2 */
enum { OVR = 0x10, SRR = 0x20, RTR = 0x40, EXT = 0x80 };  /* flags */
enum { START = 1, STOP = 2 };

/* Frames of the bus. The low bits of the tag are the DLC. */

static void
fill_frame(const struct double_frame *f, CANMSG *m)
{
	unsigned dlc = (unsigned)f->tag & 0xf;

	m->type = DATA;
	m->id = f->id;
	m->flags = (uint8_t)(dlc | (f->flags & DOUBLE_ECHO ? SRR : 0) |
	    (f->flags & DOUBLE_RTR ? RTR : 0) |
	    (f->flags & DOUBLE_EXT ? EXT : 0));
	m->flags2 = (uint8_t)((f->flags & DOUBLE_FD ? LONG : 0) |
	    (f->flags & DOUBLE_BRS ? FAST : 0) |
	    (f->flags & DOUBLE_ESI ? ESI : 0));
	memcpy(m->data, f->data, f->len < DATA_MAX ? f->len : DATA_MAX);
}

static void
fill_double(uint32_t id, uint8_t flags2, uint8_t flags, const uint8_t *data,
    struct double_frame *f)
{
	static const uint8_t lengths[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16,
	    20, 24, 32, 48, 64 };
	unsigned dlc = flags & 0xf;

	memset(f, 0, sizeof(*f));
	f->id = id;
	f->tag = dlc;
	f->len = flags2 & LONG ? lengths[dlc] : dlc < 8 ? dlc : 8;
	f->flags = (flags & EXT ? DOUBLE_EXT : 0u) |
	    (flags & RTR ? DOUBLE_RTR : 0u) |
	    (flags2 & LONG ? DOUBLE_FD : 0u) |
	    (flags2 & FAST ? DOUBLE_BRS : 0u) |
	    (flags2 & ESI ? DOUBLE_ESI : 0u);
	memcpy(f->data, data, f->len < DATA_MAX ? f->len : DATA_MAX);
}

#endif

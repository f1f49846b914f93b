/* SPDX-License-Identifier: BSD-3-Clause */
/* kvaser.h - what is used of CANlib, and a channel of it */
#ifndef EVCAN_DRIVERS_KVASER_H
#define EVCAN_DRIVERS_KVASER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../vendor.h"

/* canOpenChannel */
#define KVASER_OPEN_EXCLUSIVE 0x008
#define KVASER_OPEN_VIRTUAL 0x020
#define KVASER_OPEN_OVERRIDE 0x040
#define KVASER_OPEN_NO_INIT_ACCESS 0x100
#define KVASER_OPEN_LARGE_DLC 0x200
#define KVASER_OPEN_FD 0x400
#define KVASER_OPEN_FD_NONISO 0x800

/* Messages */
#define KVASER_RTR 0x1
#define KVASER_STD 0x2
#define KVASER_EXT 0x4
#define KVASER_ERROR_FRAME 0x20
#define KVASER_TXACK 0x40
#define KVASER_OVERRUN 0x600
#define KVASER_ERR_STUFF 0x800
#define KVASER_ERR_FORM 0x1000
#define KVASER_ERR_CRC 0x2000
#define KVASER_ERR_BIT0 0x4000
#define KVASER_ERR_BIT1 0x8000
#define KVASER_FDF 0x10000
#define KVASER_BRS 0x20000
#define KVASER_ESI 0x40000

/* canReadStatus */
#define KVASER_STAT_PASSIVE 1
#define KVASER_STAT_BUS_OFF 2
#define KVASER_STAT_WARNING 4

/* canIoCtl */
#define KVASER_IOCTL_TIMER_SCALE 6
#define KVASER_IOCTL_TXACK 7
#define KVASER_IOCTL_FLUSH_TX 11
#define KVASER_IOCTL_ACCESS_ERRORS 20

/* canAccept: a mask is its code plus one */
#define KVASER_CODE_STD 3
#define KVASER_CODE_EXT 5

/* canSetBusOutputControl */
#define KVASER_SILENT 1
#define KVASER_NORMAL 4

/* Statuses that are more than errors */
#define KVASER_NOMSG (-2)
#define KVASER_INTERRUPTED (-6)
#define KVASER_TIMEOUT (-7)
#define KVASER_INVHANDLE (-10)
#define KVASER_TXBUFOFL (-13)
#define KVASER_HARDWARE (-15)
#define KVASER_NOT_SUPPORTED (-19)
#define KVASER_NO_ACCESS (-31)
#define KVASER_NOT_IMPLEMENTED (-32)

/* canGetChannelData */
#define KVASER_CHAN_NO_ON_CARD 6
#define KVASER_CARD_SERIAL_NO 7
#define KVASER_DEVDESCR_ASCII 26

struct evcan_kvaser_statistics_ {
	unsigned long stdData, stdRemote, extData, extRemote, errFrame;
	unsigned long busLoad;     /* 1/10000 of all */
	unsigned long overruns;
};
_Static_assert(sizeof(struct evcan_kvaser_statistics_) ==
    7 * sizeof(long), "size of canBusStatistics");
_Static_assert(offsetof(struct evcan_kvaser_statistics_, busLoad) ==
    5 * sizeof(long), "canBusStatistics.busLoad");
_Static_assert(sizeof(int) == 4, "enumerations and handles");

/* By the library's own names. */
struct evcan_kvaser_calls_ {
	void (*canInitializeLibrary)(void);
	uint16_t (*canGetVersion)(void);
	int32_t (*canGetNumberOfChannels)(int32_t *count);
	int32_t (*canGetChannelData)(int32_t channel, int32_t item,
	    void *buffer, size_t size);
	int32_t (*canOpenChannel)(int32_t channel, int32_t flags);
	int32_t (*canClose)(int32_t handle);
	int32_t (*canSetBusParams)(int32_t handle, long frequency,
	    uint32_t tseg1, uint32_t tseg2, uint32_t sjw, uint32_t samples,
	    uint32_t syncmode);
	int32_t (*canSetBusParamsFd)(int32_t handle, long frequency,
	    uint32_t tseg1, uint32_t tseg2, uint32_t sjw);
	int32_t (*canSetBusOutputControl)(int32_t handle, uint32_t mode);
	int32_t (*canBusOn)(int32_t handle);
	int32_t (*canBusOff)(int32_t handle);
	int32_t (*canAccept)(int32_t handle, long value, uint32_t what);
	int32_t (*canWrite)(int32_t handle, long id, void *data, uint32_t dlc,
	    uint32_t flags);
	int32_t (*canWriteSync)(int32_t handle, unsigned long timeout_ms);
	int32_t (*canRead)(int32_t handle, long *id, void *data,
	    uint32_t *dlc, uint32_t *flags, unsigned long *time);
	int32_t (*canReadWait)(int32_t handle, long *id, void *data,
	    uint32_t *dlc, uint32_t *flags, unsigned long *time,
	    unsigned long timeout_ms);
	int32_t (*canReadStatus)(int32_t handle, unsigned long *flags);
	int32_t (*canIoCtl)(int32_t handle, uint32_t function, void *buffer,
	    uint32_t size);
	int32_t (*canGetRawHandle)(int32_t handle, void *fd);
	int32_t (*canRequestBusStatistics)(int32_t handle);
	int32_t (*canGetBusStatistics)(int32_t handle,
	    struct evcan_kvaser_statistics_ *statistics, size_t size);
	int32_t (*kvFlashLeds)(int32_t handle, int32_t action,
	    int32_t timeout_ms);
	int32_t (*kvReadTimer64)(int32_t handle, int64_t *time);
};

/* A frequency under 0 is one of the library's presets. */
struct evcan_kvaser_timing_ {
	long frequency;
	unsigned tseg1, tseg2, sjw, samples;
};

struct evcan_kvaser_port_ {
	struct evcan_kvaser_calls_ calls;
	int channel, flags;
	bool fd, silent;
	bool echo;                 /* sends are confirmed */
	struct evcan_kvaser_timing_ nominal, data;

	int handle, poll_fd;       /* -1: none */
	bool foreign;              /* somebody else set the channel up */
	bool gone;
	enum evcan_bus_state state;
	int64_t ticks;             /* of the last frame, see ticks_of() */
	struct evcan_vendor_clock_ clock;
};

/* What the loop asks the thread for. */
enum evcan_kvaser_command_ {
	KVASER_SET_FILTERS, KVASER_SET_ECHO, KVASER_SET_MODE, KVASER_FLUSH,
	KVASER_RESET, KVASER_FLASH
};

struct evcan_kvaser_filters_ {
	uint32_t code[2], mask[2];     /* standard, extended */
};

/* kvaser.c */
extern const struct evcan_vendor_library_ evcan_kvaser_library_;

/* kvaser_port.c */
extern const struct evcan_vendor_ops_ evcan_kvaser_ops_;
/* Idempotent. */
void evcan_kvaser_init_(const struct evcan_kvaser_calls_ *calls);
/* "Kvaser Leaf Light HS, S/N 1234 (#1)", as python-can says it. */
void evcan_kvaser_describe_(const struct evcan_kvaser_calls_ *calls,
    int channel, char *text, size_t size);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat.h - an IXXAT controller, shared by ixxat*.c */
#ifndef EVCAN_DRIVERS_IXXAT_H
#define EVCAN_DRIVERS_IXXAT_H

#include <stdbool.h>

#include <evcan/bit_timing.h>
#include <evcan/driver.h>

#include "ixxat_vci.h"
#include "vendor.h"

#define EVCAN_IXXAT_JOBS_ 16        /* of the scheduler */
#define EVCAN_IXXAT_FILTERS_ 2048
#define EVCAN_IXXAT_ID_ 33          /* of a device, in text */

struct evcan_ixxat_port_;

/* What both versions tell of a controller. */
struct evcan_ixxat_caps_ {
	uint32_t features;
	uint32_t can_clock;                 /* Hz */
	uint32_t tick_clock, tick_divisor;  /* of timestamps */
	uint32_t cms_clock, cms_divisor;    /* of the scheduler */
	uint32_t cms_max_ticks;
};

/* What differs between VCI 3 and VCI 4. All return the library's code. */
struct evcan_ixxat_version_ {
	unsigned major;
	bool fd;
	int32_t (*get_version)(const struct evcan_ixxat_vci_ *vci,
	    uint32_t *major, uint32_t *minor);
	int32_t (*caps)(struct evcan_ixxat_port_ *port,
	    struct evcan_ixxat_caps_ *caps);
	int32_t (*line)(struct evcan_ixxat_port_ *port, uint32_t *status);
	int32_t (*init_control)(struct evcan_ixxat_port_ *port, uint8_t mode,
	    uint8_t extra_mode);
	int32_t (*init_channel)(struct evcan_ixxat_port_ *port);
	/* ms 0: never waits */
	int32_t (*read)(struct evcan_ixxat_port_ *port, uint32_t ms,
	    struct vci_message4 *message);
	int32_t (*post)(struct evcan_ixxat_port_ *port,
	    const struct vci_message4 *message);
	int32_t (*add_cyclic)(struct evcan_ixxat_port_ *port, uint16_t ticks,
	    const struct vci_message4 *message, uint32_t *index);
	int32_t (*cyclic_states)(struct evcan_ixxat_port_ *port,
	    uint8_t states[EVCAN_IXXAT_JOBS_]);
	/* Bits from what was asked for. @return 0 or negative with err */
	int (*choose_bits)(struct evcan_ixxat_port_ *port,
	    struct evcan_error *err);
};

extern const struct evcan_ixxat_version_ evcan_ixxat_v3_;
extern const struct evcan_ixxat_version_ evcan_ixxat_v4_;

/* Bits as the options give them; 0: not given. */
struct evcan_ixxat_bits_ {
	int64_t sjw, tseg1, tseg2;
};

/* A pattern as the controller takes it: the identifier shifted by one, bit 0
 * is RTR; a mask bit of 1 must match. */
struct evcan_ixxat_pattern_ {
	uint32_t code, mask;
	bool ext;
};

struct evcan_ixxat_job_ {
	uint32_t number;                    /* core's; 0: free */
	uint32_t index;                     /* the scheduler's */
	int64_t done_ns;                    /* not before; 0: no end */
};

/* The device, for its thread. */
struct evcan_ixxat_port_ {
	struct evcan_ixxat_vci_ vci;
	const struct evcan_ixxat_version_ *version;

	/* Asked for */
	char hardware_id[EVCAN_IXXAT_ID_];  /* "": the first device */
	uint32_t can;                       /* its controller */
	bool fd, extended, listen_only, own;
	uint16_t rx_fifo, tx_fifo;
	uint32_t bitrate, data_bitrate;
	struct evcan_ixxat_bits_ abr, dbr;
	uint16_t ssp_dbr;
	bool has_timing;
	struct evcan_timing timing;

	/* Chosen */
	uint16_t btr;                       /* VCI 3; BTR0 is high */
	struct vci_btp nominal, data;       /* VCI 4 */

	/* Open */
	void *device, *control, *channel, *scheduler;
	struct evcan_ixxat_caps_ caps;
	bool echo;                          /* own frames come back */
	enum evcan_bus_state state;
	bool coupling_told;
	struct evcan_ixxat_pattern_ *patterns;
	size_t n_patterns;
	bool narrow;                        /* they are in the controller */
	struct evcan_ixxat_job_ jobs[EVCAN_IXXAT_JOBS_];

	/* Its clock */
	bool ticking;
	uint64_t ticks;                     /* of the last message, 64 bits */
	int64_t ticked_ns;                  /* monotonic, when it was read */
	struct evcan_vendor_clock_ clock;
};

/* What the loop asks the thread for. */
enum evcan_ixxat_command_ {
	EVCAN_IXXAT_FILTER_,     /* struct evcan_ixxat_filter_ */
	EVCAN_IXXAT_MODE_,       /* bool: listen only */
	EVCAN_IXXAT_RESET_,
	EVCAN_IXXAT_START_,      /* pointer to struct evcan_ixxat_start_ */
	EVCAN_IXXAT_STOP_        /* uint32_t number */
};

struct evcan_ixxat_filter_ {
	struct evcan_ixxat_pattern_ *patterns;   /* malloc'ed */
	size_t n;
	enum evcan_filtering filtering;
	bool opening;            /* nothing is lost by a stop now */
	bool echo;               /* own frames are to come back from now on */
};

struct evcan_ixxat_start_ {
	uint32_t number;
	uint16_t count;          /* 0: no end */
	int64_t period_ns;
	struct evcan_frame frame;
};

/* ixxat.c */
extern const struct evcan_vendor_library_ evcan_ixxat_library_;

/* ixxat_device.c, in the thread */
extern const struct evcan_vendor_ops_ evcan_ixxat_ops_;
/* Devices that there are. @return a VCI code */
int32_t evcan_ixxat_each_device_(const struct evcan_ixxat_vci_ *vci,
    bool (*cb)(const struct vci_device_info *info, void *arg), void *arg);
/* Its hardware identifier: "HW123456", or 32 hex digits if it is no text. */
void evcan_ixxat_id_(const struct vci_device_info *info,
    char text[EVCAN_IXXAT_ID_]);
/* Its CAN controllers, or -1: not known. */
int evcan_ixxat_controllers_(const struct evcan_ixxat_vci_ *vci,
    void *device);

/* ixxat_frame.c */
void evcan_ixxat_message_(const struct evcan_frame *frame, bool echo,
    struct vci_message4 *message);
/* A data or error message. @return false: it is no frame */
bool evcan_ixxat_frame_(struct evcan_ixxat_port_ *port,
    const struct vci_message4 *message, struct evcan_frame *frame);
/* The library's codes, in words. */
const char *evcan_ixxat_code_(int32_t code);
/* Fills err with "what: sentence (name, code)". @return code */
int evcan_ixxat_error_(struct evcan_error *err, int code, int32_t vendor,
    const char *what);

/* ixxat_cyclic.c, in the thread */
int evcan_ixxat_start_cyclic_(struct evcan_ixxat_port_ *port,
    const struct evcan_ixxat_start_ *start);
void evcan_ixxat_stop_cyclic_(struct evcan_ixxat_port_ *port,
    uint32_t number);
/* Tells those that have come to their end. */
void evcan_ixxat_end_cyclic_(struct evcan_ixxat_port_ *port,
    struct evcan_adapter_ *adapter);
void evcan_ixxat_close_cyclic_(struct evcan_ixxat_port_ *port);

#endif

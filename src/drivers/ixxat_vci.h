/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_vci.h - VCI 3 (vcinpl) and VCI 4 (vcinpl2), as the libraries have it
 *
 * Both have the same function names; some differ in what they take. Then the
 * members of a union end in the version. All structures are packed. */
#ifndef EVCAN_DRIVERS_IXXAT_VCI_H
#define EVCAN_DRIVERS_IXXAT_VCI_H

#include <stddef.h>
#include <stdint.h>

#define VCI_PACKED __attribute__((packed))
#define VCI_MEMBER(type, member, at) \
	_Static_assert(offsetof(struct type, member) == (at), #type)
#define VCI_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), \
	#type)

struct vci_device_info {
	uint64_t id;
	uint8_t class_id[16];
	uint8_t driver_major, driver_minor;
	uint16_t driver_build;
	uint8_t hw_branch, hw_major, hw_minor, hw_build;
	char hardware_id[16];        /* "HW123456", no NUL when it is full */
	char description[128];
	char manufacturer[126];
	uint16_t driver_release;
} VCI_PACKED;
VCI_MEMBER(vci_device_info, hardware_id, 32);
VCI_MEMBER(vci_device_info, description, 48);
VCI_MEMBER(vci_device_info, manufacturer, 176);
VCI_SIZE(vci_device_info, 304);

struct vci_device_caps {
	uint16_t count;
	uint16_t types[32];          /* high byte: the kind of bus */
} VCI_PACKED;
VCI_SIZE(vci_device_caps, 66);
#define VCI_BUS_CAN 1

struct vci_btp {
	uint32_t mode;
	uint32_t bps;                /* raw: the prescaler */
	uint16_t ts1, ts2, sjw, tdo;
} VCI_PACKED;
VCI_SIZE(vci_btp, 16);
enum { VCI_BTP_RAW = 1, VCI_BTP_TRIPLE = 2 };

struct vci_caps3 {
	uint16_t controller, coupling;
	uint32_t features, clock, tsc_divisor;
	uint32_t cms_divisor, cms_max_ticks, dtx_divisor, dtx_max_ticks;
} VCI_PACKED;
VCI_MEMBER(vci_caps3, cms_max_ticks, 20);
VCI_SIZE(vci_caps3, 32);

struct vci_caps4 {
	uint16_t controller, coupling;
	uint32_t features, can_clock;
	struct vci_btp nominal_min, nominal_max, data_min, data_max;
	uint32_t tsc_clock, tsc_divisor;
	uint32_t cms_clock, cms_divisor, cms_max_ticks;
	uint32_t dtx_clock, dtx_divisor, dtx_max_ticks;
} VCI_PACKED;
VCI_MEMBER(vci_caps4, tsc_clock, 76);
VCI_MEMBER(vci_caps4, cms_max_ticks, 92);
VCI_SIZE(vci_caps4, 108);

struct vci_line3 {
	uint8_t mode, btr0, btr1, load;
	uint32_t status;
} VCI_PACKED;
VCI_SIZE(vci_line3, 8);

struct vci_line4 {
	uint8_t mode, extra_mode, load, reserved;
	struct vci_btp nominal, data;
	uint32_t status;
} VCI_PACKED;
VCI_MEMBER(vci_line4, status, 36);
VCI_SIZE(vci_line4, 40);

struct vci_channel3 {
	struct vci_line3 line;
	uint32_t active, overrun;
	uint8_t rx_load, tx_load;
} VCI_PACKED;
VCI_MEMBER(vci_channel3, overrun, 12);
VCI_SIZE(vci_channel3, 18);

struct vci_channel4 {
	struct vci_line4 line;
	uint8_t active, overrun, rx_load, tx_load;
} VCI_PACKED;
VCI_MEMBER(vci_channel4, overrun, 41);
VCI_SIZE(vci_channel4, 44);

struct vci_message3 {
	uint32_t time, id, info;
	uint8_t data[8];
} VCI_PACKED;
VCI_MEMBER(vci_message3, data, 12);
VCI_SIZE(vci_message3, 20);

/* What this driver thinks in; its own for VCI 3 too. */
struct vci_message4 {
	uint32_t time, reserved, id, info;
	uint8_t data[64];
} VCI_PACKED;
VCI_MEMBER(vci_message4, data, 16);
VCI_SIZE(vci_message4, 80);

struct vci_cyclic3 {
	uint16_t ticks;
	uint8_t increment, byte;
	uint32_t id, info;
	uint8_t data[8];
} VCI_PACKED;
VCI_MEMBER(vci_cyclic3, data, 12);
VCI_SIZE(vci_cyclic3, 20);

struct vci_cyclic4 {
	uint16_t ticks;
	uint8_t increment, byte;
	uint32_t id, info;
	uint8_t data[64];
} VCI_PACKED;
VCI_MEMBER(vci_cyclic4, data, 12);
VCI_SIZE(vci_cyclic4, 76);

struct vci_scheduler3 {
	uint8_t task, messages[16];
} VCI_PACKED;
VCI_SIZE(vci_scheduler3, 17);

struct vci_scheduler4 {
	struct vci_line4 line;
	uint8_t task, messages[16];
} VCI_PACKED;
VCI_MEMBER(vci_scheduler4, messages, 41);
VCI_SIZE(vci_scheduler4, 57);
#define VCI_MESSAGE_DONE 2

/* The word `info` of a message */
enum {
	VCI_TYPE = 0xff, VCI_EDL = 1 << 10, VCI_FDR = 1 << 11,
	VCI_ESI = 1 << 12, VCI_DLC_SHIFT = 16, VCI_OVR = 1 << 20,
	VCI_SRR = 1 << 21, VCI_RTR = 1 << 22, VCI_EXT = 1 << 23
};

enum { VCI_DATA, VCI_INFO, VCI_ERROR, VCI_STATUS, VCI_WAKEUP, VCI_TIMEOVR,
	VCI_TIMERST };

/* Line status, and data[0] of a status message */
enum { VCI_ERRLIM = 4, VCI_BUSOFF = 8, VCI_COUPLING = 0x20 };

enum { VCI_OP_STANDARD = 1, VCI_OP_EXTENDED = 2, VCI_OP_ERRFRAME = 4,
	VCI_OP_LISTEN = 8 };
enum { VCI_EX_LONG = 1, VCI_EX_FAST = 2 };
enum { VCI_FILTER_PASS = 2, VCI_FILTER_INCLUDE = 3 };

enum { VCI_HAS_BOTH_FORMATS = 2, VCI_HAS_ERRFRAME = 8, VCI_HAS_LISTEN = 0x40,
	VCI_HAS_SCHEDULER = 0x80,
	VCI_HAS_LONG = 0x2000, VCI_HAS_FAST = 0x4000 };   /* VCI 4 */

#define VCI_ERROR_BASE 0xe0010000u
#define VCI_E(n) ((int32_t)(VCI_ERROR_BASE + (n)))
#define VCI_OK 0
#define VCI_E_INVHANDLE VCI_E(0x7)
#define VCI_E_ACCESSDENIED VCI_E(0xa)
#define VCI_E_TIMEOUT VCI_E(0xb)
#define VCI_E_BUSY VCI_E(0xc)
#define VCI_E_NO_DATA VCI_E(0xe)
#define VCI_E_ALREADY VCI_E(0x11)
#define VCI_E_RXQUEUE_EMPTY VCI_E(0x12)
#define VCI_E_TXQUEUE_FULL VCI_E(0x13)
#define VCI_E_DISCONNECTED VCI_E(0x19)

/* Handles are pointers. */
struct evcan_ixxat_vci_ {
	int32_t (*initialize)(void);
	union {
		int32_t (*v3)(uint32_t *major, uint32_t *minor);
		int32_t (*v4)(uint32_t *major, uint32_t *minor,
		    uint32_t *revision, uint32_t *build);
	} version;                                       /* may be NULL */
	void (*format_error4)(int32_t error, char *text, uint32_t size);
	int32_t (*enum_open)(void **list);
	int32_t (*enum_close)(void *list);
	int32_t (*enum_next)(void *list, struct vci_device_info *info);
	int32_t (*device_open)(const uint64_t *id, void **device);
	int32_t (*device_close)(void *device);
	int32_t (*device_caps)(void *device, struct vci_device_caps *caps);
	int32_t (*control_open)(void *device, uint32_t can, void **control);
	int32_t (*control_close)(void *control);
	int32_t (*control_reset)(void *control);
	int32_t (*control_start)(void *control, int32_t start);
	int32_t (*control_filter)(void *control, int32_t ext, uint32_t code,
	    uint32_t mask);
	int32_t (*control_add_ids)(void *control, int32_t ext, uint32_t code,
	    uint32_t mask);
	int32_t (*control_caps)(void *control, void *caps);
	union {
		int32_t (*v3)(void *control, uint8_t mode, uint8_t btr0,
		    uint8_t btr1);
		int32_t (*v4)(void *control, uint8_t mode,
		    uint8_t extra_mode, uint8_t standard_filter,
		    uint8_t extended_filter, uint32_t standard_ids,
		    uint32_t extended_ids, const struct vci_btp *nominal,
		    const struct vci_btp *data);
	} control_init;
	int32_t (*channel_open)(void *device, uint32_t can, int32_t exclusive,
	    void **channel);
	int32_t (*channel_close)(void *channel);
	int32_t (*channel_caps)(void *channel, void *caps);
	int32_t (*channel_status)(void *channel, void *status);
	int32_t (*channel_activate)(void *channel, int32_t on);
	union {
		int32_t (*v3)(void *channel, uint16_t rx, uint16_t rx_enough,
		    uint16_t tx, uint16_t tx_enough);
		int32_t (*v4)(void *channel, uint16_t rx, uint16_t rx_enough,
		    uint16_t tx, uint16_t tx_enough, uint32_t filter_size,
		    uint8_t filter_mode);
	} channel_init;
	int32_t (*channel_peek)(void *channel, void *message);
	int32_t (*channel_read)(void *channel, uint32_t ms, void *message);
	int32_t (*channel_post)(void *channel, void *message);
	int32_t (*scheduler_open)(void *device, uint32_t can,
	    void **scheduler);
	int32_t (*scheduler_close)(void *scheduler);
	int32_t (*scheduler_activate)(void *scheduler, int32_t on);
	int32_t (*scheduler_status)(void *scheduler, void *status);
	int32_t (*scheduler_add)(void *scheduler, void *message,
	    uint32_t *index);
	int32_t (*scheduler_remove)(void *scheduler, uint32_t index);
	int32_t (*scheduler_start)(void *scheduler, uint32_t index,
	    uint16_t repeat);
	int32_t (*scheduler_stop)(void *scheduler, uint32_t index);
};

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor.h - a vendor's shared library, and the thread that talks to it */
#ifndef EVCAN_VENDOR_H
#define EVCAN_VENDOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/bit_timing.h>
#include <evcan/driver.h>

/* Libraries */

/* A function of the library and where its pointer goes in a driver's table. */
struct evcan_vendor_symbol_ {
	const char *name;
	size_t offset;
	bool optional;             /* NULL stands there when it is missing */
};

struct evcan_vendor_library_ {
	const char *name;          /* for people: "Kvaser CANlib" */
	const char *const *files;  /* tried in turn, NULL-ended; none: there
	                            *   is none for this system */
	const char *variable;      /* environment: a path instead of files */
	const char *source;        /* where it comes from: "the package
	                            *   linuxcan of kvaser.com" */
	const struct evcan_vendor_symbol_ *symbols;   /* name NULL ends */
	unsigned oldest[2];        /* major, minor, that will do; 0, 0: any */
};

/* Loads it, or finds it loaded, and fills the table of function pointers. It
 * stays loaded for the process's life: vendors leave threads and handlers
 * behind, and a call may hang in it.
 * @param path the option `library`, or NULL: environment, then the files
 * @return 0, or EVCAN_ERR_NOT_IMPLEMENTED with one helpful line in err: not
 * found (what was tried, where it comes from), or lacks a symbol (which) */
int evcan_vendor_load_(const struct evcan_vendor_library_ *library,
    const char *path, void *functions, struct evcan_error *err);

/* For the driver's open, once the library said its version: older ones have
 * the same names with other structures or meanings behind them.
 * @return 0, or EVCAN_ERR_INIT with err, when it is older than `oldest` */
int evcan_vendor_check_version_(const struct evcan_vendor_library_ *library,
    unsigned major, unsigned minor, struct evcan_error *err);

/* The thread of one adapter */

struct evcan_adapter_;

/* All but `interrupt` are called in the adapter's thread, one at a time, and
 * may block: the loop never waits for them. `port` is the driver's own memory
 * for the device; it lives until the thread has ended, also after the bus. */
struct evcan_vendor_ops_ {
	size_t port_size;
	/* Opens the device. @return 0 or negative with err */
	int (*open)(struct evcan_adapter_ *adapter, void *port,
	    struct evcan_error *err);
	/* Waits for frames, for timeout_ms at most (0: not at all), and fills
	 * up to max; channel 0 becomes the bus's.
	 * @return the number, 0: none; negative: the device is gone, told by
	 * evcan_adapter_gone_() before */
	int (*read)(struct evcan_adapter_ *adapter, void *port,
	    struct evcan_frame *frames, int max, int timeout_ms);
	/* Takes frames from the front. @return how many; fewer: no room now,
	 * it is called again; negative: the first is refused (the code) */
	int (*send)(struct evcan_adapter_ *adapter, void *port,
	    const struct evcan_frame *frames, int n);
	/* Once after each open, also a failed one. */
	void (*close)(struct evcan_adapter_ *adapter, void *port);

	/* Optional */
	/* Things asked for by evcan_adapter_ask_(). @return 0 or negative */
	int (*command)(struct evcan_adapter_ *adapter, void *port, int what,
	    const void *data);
	/* Frees what a command holds that is not run any more. */
	void (*discard)(int what, const void *data);
	/* Each half second or so: state, counters, drift of clocks. */
	void (*look)(struct evcan_adapter_ *adapter, void *port);
	/* An fd that is readable when read has frames: the thread then waits
	 * for it and for the loop at once, and read gets timeout 0. -1: none */
	int (*fd)(void *port);
	/* Called in the loop's thread, never while open or close runs: makes a
	 * read return early that waits or is about to. It does not block.
	 * Absent (and no fd): reads are kept to `slice_ms`, so that sends do
	 * not wait longer. */
	void (*interrupt)(void *port);
	int slice_ms;              /* 0: 10 */
	/* What close takes with a device that is well, at the most: a closing
	 * bus waits so much longer than half a second. 0: a second in all */
	int close_ms;
};

/* First member of the state of every driver that uses this service. */
struct evcan_vendor_bus_ {
	struct evcan_adapter_ *adapter;
	const char *library;       /* the option `library` */
	int64_t rx_queue_size;     /* the option, frames; 0: 4096 */
	/* Frames with the flag ECHO confirm sends, and are given on only if
	 * `receive_own_messages`. False: they are frames like any other. */
	bool confirms;
	bool receive_own_messages; /* the option */
	/* What evcan_adapter_device_() told when it was open; "" before. */
	char device[40];
};

/* For the driver's open: starts the thread, which opens the device; the bus
 * is told opened or gone. A thread that still closes the same device (`key`,
 * such as "kvaser 0") is waited for, in the new thread, for 5 s.
 * @param port copied (port_size bytes) @return 1, or negative with err */
int evcan_vendor_start_(struct evcan_bus *bus,
    const struct evcan_vendor_ops_ *ops, const char *key, const void *port,
    struct evcan_error *err);

/* For the driver's table as they are. close waits a second for the thread, or
 * as `close_ms` says; one whose vendor's call hangs is abandoned and counted.
 */
void evcan_vendor_close_(struct evcan_bus *bus);
int evcan_vendor_recv_(struct evcan_bus *bus, struct evcan_frame *frames,
    int max);
int evcan_vendor_send_(struct evcan_bus *bus,
    const struct evcan_frame *frames, int n);
void evcan_vendor_ready_(struct evcan_bus *bus, int fd, unsigned what);
void evcan_vendor_deadline_(struct evcan_bus *bus);
/* For the driver's flush_tx: the thread drops what it was handed so far and
 * has not sent. The vendor's own queue is the driver's to flush. @return 0 */
int evcan_vendor_flush_(struct evcan_bus *bus);

/* Loop's side: has the thread run `command`. The data, up to 64 bytes, are
 * copied; more must be malloc'ed and handed over as a pointer in them, which
 * command frees, or discard.
 * @param wait_ms for its result, which stops the loop; 0: not waited for
 * @return command's result, 0 (not waited for), EVCAN_ERR_TIMEOUT (it still
 * runs later), EVCAN_ERR_GONE (discarded); not taken: EVCAN_ERR_STATE,
 * EVCAN_ERR_BUSY (16 are waiting), EVCAN_ERR_INVALID */
int evcan_adapter_ask_(struct evcan_bus *bus, int what, const void *data,
    size_t size, int wait_ms);

/* Thread's side. Told to the bus in the loop, in order with the frames. */
void evcan_adapter_state_(struct evcan_adapter_ *adapter,
    enum evcan_bus_state state);
void evcan_adapter_lost_(struct evcan_adapter_ *adapter, uint64_t frames);
void evcan_adapter_error_(struct evcan_adapter_ *adapter, int code,
    long vendor, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void evcan_adapter_gone_(struct evcan_adapter_ *adapter, int code,
    long vendor, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void evcan_adapter_info_(struct evcan_adapter_ *adapter, const char *fmt,
    ...) __attribute__((format(printf, 2, 3)));
/* From inside open: which of several devices it is, so that the next open of
 * this bus can come back to the same one. */
void evcan_adapter_device_(struct evcan_adapter_ *adapter,
    const char *device);
/* The bus's load, as the adapter says it: 1/10000. */
void evcan_adapter_load_(struct evcan_adapter_ *adapter, unsigned load);
/* From inside a command: counts for the frames that are read after it, unless
 * a command of its kind was asked for again. */
void evcan_adapter_filtering_(struct evcan_adapter_ *adapter,
    enum evcan_filtering filtering);
/* From inside a command: the mode that the device is in now. (Commands of
 * evcan_vendor_set_mode_() need not say it.) */
void evcan_adapter_mode_(struct evcan_adapter_ *adapter,
    enum evcan_bus_mode mode);
/* A limited task of the device's own is through: evcan_driver_cyclic_done().
 * @return false: too many at once, tell it again later */
bool evcan_adapter_cyclic_done_(struct evcan_adapter_ *adapter,
    uint32_t number);
/* Whether read should return now: the loop has something. Any time. */
bool evcan_adapter_wanted_(const struct evcan_adapter_ *adapter);
/* Frames for drivers whose vendor calls back on a thread of its own: as if
 * read had given them. One thread at a time. */
void evcan_adapter_push_(struct evcan_adapter_ *adapter,
    const struct evcan_frame *frames, int n);
/* From inside a command: gives on all that read has now, before the device is
 * made to forget it. */
void evcan_adapter_save_(struct evcan_adapter_ *adapter);
/* The device could not send a frame that it had taken: its send fails. That it
 * did is told by evcan_adapter_error_(). From inside read. */
void evcan_adapter_refused_(struct evcan_adapter_ *adapter,
    const struct evcan_frame *frame, int code);

/* Filters of devices that have one code and mask for each format */

/* Passes what agrees with `code` in the bits of `care`. */
struct evcan_vendor_pattern_ {
	uint32_t full;             /* all bits of an identifier */
	uint32_t code, care;
	bool any;                  /* false: nothing of this format is wanted;
	                            *   code and care then fit identifier 0 */
};

/* What all the filters have in common: a superset of what they pass.
 * @param patterns standard, extended
 * @return whether they keep anything out */
bool evcan_vendor_patterns_(const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join, struct evcan_vendor_pattern_ patterns[2]);

/* Devices without CAN FD */

/* For the driver's check: no error frames, a DLC of 8 at the most. */
int evcan_vendor_check_classic_(struct evcan_bus *bus,
    const struct evcan_frame *frame, struct evcan_error *err);
/* The option timing, which is given, for a device with this clock (Hz).
 * @return 0, or negative with err: EVCAN_ERR_INVALID, not for this device;
 * EVCAN_ERR_SYNTAX */
int evcan_vendor_timing_classic_(struct evcan_bus *bus, uint32_t clock,
    struct evcan_bit_timing *bit, struct evcan_error *err);

/* The registers of an SJA1000 (BTR0 is the high byte) for a bit rate: what
 * `evcan timing --clock 8M --controller sja1000` finds.
 * @return 0 or EVCAN_ERR_INVALID with err: it has none */
int evcan_vendor_sja1000_(uint32_t bitrate, uint16_t *btr,
    struct evcan_error *err);

/* For the driver's set_mode: has the thread run a command, whose data are a
 * bool, whether it only listens; open looks at evcan_bus_get_mode(). One that
 * is still opening is not waited for, and one that is away needs nothing. What
 * comes of one that is not waited for, or not long enough, is told to the bus
 * once it is known. */
int evcan_vendor_set_mode_(struct evcan_bus *bus, int what,
    enum evcan_bus_mode mode, int wait_ms);
/* For the driver's reset: has the thread run a command, and words an error. */
int evcan_vendor_reset_(struct evcan_bus *bus, int what, int wait_ms,
    struct evcan_error *err);

/* Rows of options that they all have */

#define EVCAN_VENDOR_ROW_LIBRARY_(state, help) { "library", NULL, \
	EVCAN_OPTION_TEXT, NULL, 0, 0, NULL, help, 0, \
	offsetof(state, vendor.library) }
#define EVCAN_VENDOR_ROW_QUEUE_(state) { "rx_queue_size", NULL, \
	EVCAN_OPTION_INT, "4096", 0, 1 << 24, NULL, \
	"frames that may wait to be read; 0: the default", 0, \
	offsetof(state, vendor.rx_queue_size) }
#define EVCAN_VENDOR_ROW_OWN_(state) { "receive_own_messages", NULL, \
	EVCAN_OPTION_BOOL, "false", 0, 0, NULL, \
	"deliver what this bus sends to itself too", 0, \
	offsetof(state, vendor.receive_own_messages) }

/* Threads abandoned so far in this process because a call hung in them. */
unsigned evcan_vendor_abandoned_(void);
/* A call that takes longer than this hangs (ns, 8 s); tests make it less. */
extern _Atomic int64_t evcan_vendor_hang_ns_;

/* A device's running clock to Unix time: the smallest delay seen counts, and
 * slow drift is followed. All zero to begin with. */
struct evcan_vendor_clock_ {
	bool known;
	int64_t offset_ns, checked_ns;
};
int64_t evcan_vendor_time_(struct evcan_vendor_clock_ *clock,
    int64_t device_ns, int64_t unix_ns);

#endif

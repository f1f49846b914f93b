/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/frame.h - one CAN frame: a plain value that everybody copies */
#ifndef EVCAN_FRAME_H
#define EVCAN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_error;

/** Bits of evcan_frame.flags. */
enum evcan_frame_flag {
	EVCAN_FRAME_EXT = 0x01,      /**< 29-bit identifier (IDE) */
	EVCAN_FRAME_RTR = 0x02,      /**< remote frame */
	EVCAN_FRAME_ERR = 0x04,      /**< error frame, SocketCAN's layout */
	EVCAN_FRAME_FD = 0x08,       /**< CAN FD (FDF) */
	EVCAN_FRAME_BRS = 0x10,      /**< bit rate switched (FD only) */
	EVCAN_FRAME_ESI = 0x20,      /**< error state indicator (FD only) */
	EVCAN_FRAME_OVERLOAD = 0x40, /**< overload frame */
	EVCAN_FRAME_ECHO = 0x80      /**< own frame: sent by the very bus that
	                              *   delivers it */
};

/** Whose frame it is: evcan_frame.dir. */
enum evcan_direction {
	EVCAN_DIR_RX = 0,     /**< came from the bus */
	EVCAN_DIR_TX = 1,     /**< sent by this machine, and on the bus */
	EVCAN_DIR_TXRQ = 2    /**< only a request to send; bridges and players
	                       *   skip it */
};

/** What evcan_frame.time_ns counts from: evcan_frame.clock. */
enum evcan_clock_source {
	EVCAN_CLOCK_NONE = 0,     /**< no time known; time_ns is 0 */
	EVCAN_CLOCK_HARDWARE = 1, /**< adapter's clock, made Unix time */
	EVCAN_CLOCK_KERNEL = 2,   /**< stamped by the kernel, Unix time */
	EVCAN_CLOCK_HOST = 3,     /**< stamped by this process, Unix time */
	EVCAN_CLOCK_RELATIVE = 4  /**< since the start of a log that tells no
	                           *   date */
};

#define EVCAN_MAX_DATA 64
#define EVCAN_MAX_STD_ID 0x7ffu
#define EVCAN_MAX_EXT_ID 0x1fffffffu

/**
 * A frame. All-zero is a valid classic data frame with identifier 0.
 * Reserved bytes are zero. 88 bytes on every machine.
 */
struct evcan_frame {
	int64_t time_ns;      /**< nanoseconds, see clock */
	uint32_t id;          /**< 11 or 29 bits, no flag bits; in an error
	                       *   frame SocketCAN's error class bits */
	uint16_t flags;       /**< enum evcan_frame_flag */
	uint16_t channel;     /**< evcan_channel_name() of it; 0 is none */
	uint8_t len;          /**< bytes present in data; 0 if remote */
	uint8_t dlc;          /**< raw DLC 0-15; the request of a remote frame;
	                       *   classic 9-15 kept */
	uint8_t dir;          /**< enum evcan_direction */
	uint8_t clock;        /**< enum evcan_clock_source */
	uint8_t hops;         /**< bridges passed so far */
	uint8_t reserved[3];
	uint8_t data[EVCAN_MAX_DATA];
};

/** Bytes of a raw DLC in a CAN FD frame; codes over 15 give 64. */
uint8_t evcan_dlc2len(unsigned dlc);

/** Smallest DLC that holds len bytes; more than 64 gives 15. */
uint8_t evcan_len2dlc(size_t len);

/**
 * Makes a data frame: classic, or CAN FD when flags say so. The DLC follows
 * from len. @param data may be NULL when len is 0
 * @return 0, or EVCAN_ERR_INVALID when the frame would not pass
 * evcan_frame_check(), or flags have RTR; *frame is then untouched
 */
int evcan_frame_init(struct evcan_frame *frame, uint32_t id, unsigned flags,
    const void *data, size_t len);

/** Makes a remote frame that requests dlc bytes (0-8; 9-15 kept raw). */
int evcan_frame_init_remote(struct evcan_frame *frame, uint32_t id,
    unsigned flags, unsigned dlc);

/**
 * python-can's Message check (ISO 11898-1 limits): identifier range, remote
 * with error or FD, lengths, BRS and ESI only with FD, negative time; also
 * that an FD length is one a DLC can say.
 * @return 0 or EVCAN_ERR_INVALID with the reason in err (may be NULL)
 */
int evcan_frame_check(const struct evcan_frame *frame,
    struct evcan_error *err);

/** What evcan_frame_equal() leaves out. */
enum evcan_equal_flag {
	EVCAN_EQUAL_ANY_CHANNEL = 1,
	EVCAN_EQUAL_ANY_DIRECTION = 2
};

/**
 * python-can's Message.equals(): same identifier, format, DLC, data, kind,
 * channel and direction, and times at most delta_ns apart (python-can's
 * default is 1000); a negative delta_ns skips the time.
 */
bool evcan_frame_equal(const struct evcan_frame *a,
    const struct evcan_frame *b, int64_t delta_ns, unsigned leave_out);

/** python-can's Message.dlc: the length in bytes, requested ones too. */
uint8_t evcan_frame_length(const struct evcan_frame *frame);

/** Bytes that any text form of a frame fits in, with its final NUL. */
#define EVCAN_TEXT_MAX 640

/**
 * The line that python-can 4.1.0's str(Message) gives (no newline).
 * @param size of buf; EVCAN_TEXT_MAX always suffices
 * @return characters without the NUL, or EVCAN_ERR_FULL if size is less
 * than EVCAN_TEXT_MAX
 */
int evcan_frame_print(const struct evcan_frame *frame, char *buf,
    size_t size);

/**
 * The frame as candump writes it (`123#DEADBEEF`, `12345678#R8`,
 * `123##5112233`), no time, no channel. Size and return as above.
 */
int evcan_frame_format(const struct evcan_frame *frame, char *buf,
    size_t size);

/**
 * Reads what evcan_frame_format() writes and what cansend takes: 3 digits
 * standard, 8 digits extended identifier (bit 29 set: an error frame),
 * hex pairs with optional dots, `R` with optional length, `##F` for FD,
 * `_D` a raw DLC. The whole text must be used.
 * @return 0, or EVCAN_ERR_SYNTAX with the reason and column in err
 */
int evcan_frame_parse(struct evcan_frame *frame, const char *text,
    struct evcan_error *err);

/**
 * An error frame in words, from SocketCAN's classes and details
 * (linux/can/error.h), such as "protocol violation (stuff error), bus-off".
 * Size and return as evcan_frame_print(); not an error frame: "".
 */
int evcan_frame_describe_error(const struct evcan_frame *frame, char *buf,
    size_t size);

#ifdef __cplusplus
}
#endif
#endif

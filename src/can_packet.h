/* SPDX-License-Identifier: BSD-3-Clause */
/* can_packet.h - frames as they stand in the packets of a capture */
#ifndef EVCAN_CAN_PACKET_H
#define EVCAN_CAN_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <evcan/frame.h>

#include "bytes.h"

/*
 * Link type 227 has the bytes of struct can_frame or canfd_frame, with the
 * identifier big-endian. The "cooked" ones, from Linux's device "any", have
 * them behind a header of their own, with the identifier in the order of the
 * machine that captured, which is taken to be that of the file. An option of
 * the readers is for captures that have it otherwise.
 */
#define EVCAN_LINK_SOCKETCAN 227
#define EVCAN_LINK_SLL 113
#define EVCAN_LINK_SLL2 276

/* What a link type that is refused may read. */
#define EVCAN_LINK_WANTED "227 (SocketCAN), 113 or 276 (Linux cooked)"

/* Whether the packets of a link type may be CAN frames. */
bool evcan_packet_is_can_(unsigned link);

/* The readers' option id_order. */
enum evcan_id_order_ {
	EVCAN_ID_ORDER_LINK,
	EVCAN_ID_ORDER_BIG,
	EVCAN_ID_ORDER_LITTLE
};
#define EVCAN_ID_ORDER_CHOICES "link big little"
#define EVCAN_ID_ORDER_HELP \
	"byte order of the identifiers: that of the link type, or another " \
	"that a program has written them in"

/* Whether a link type's identifiers are big-endian.
 * @param big the file's byte order */
bool evcan_packet_id_is_big_(unsigned link, bool big, int order);

/* Stamps below one year count from the log's own start, not from 1970. */
#define EVCAN_PACKET_RELATIVE (365ll * 24 * 3600 * 1000000000)

static inline void
evcan_packet_set_time_(struct evcan_frame *frame, int64_t time_ns)
{
	frame->time_ns = time_ns;
	frame->clock = time_ns < EVCAN_PACKET_RELATIVE ?
	    EVCAN_CLOCK_RELATIVE : EVCAN_CLOCK_KERNEL;
}

/* Reading */

enum evcan_packet_kind_ {
	EVCAN_PACKET_FRAME,
	EVCAN_PACKET_OTHER,   /* CAN XL, or no CAN at all */
	EVCAN_PACKET_BAD
};

/* Reads one packet: sets all of the frame but time, clock and channel.
 * @param big whether its identifier is big-endian
 * @param why static text, set when the packet is bad */
enum evcan_packet_kind_ evcan_packet_get_(unsigned link, bool big,
    const uint8_t *p, size_t len, struct evcan_frame *frame,
    const char **why);

static inline uint32_t
evcan_packet_be32_(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* The same for what nearly every packet of link type 227 is: a classic data
 * frame, its identifier big-endian. 16 bytes from p on must be readable,
 * whatever len is.
 * @return false: on any surprise */
static inline bool
evcan_packet_get_fast_(const uint8_t *p, size_t len,
    struct evcan_frame *frame)
{
	const uint32_t id = evcan_packet_be32_(p);
	const bool ext = id >> 31 != 0;
	const unsigned n = p[4];

	if ((id & 0x60000000u) != 0 || (!ext && id > EVCAN_MAX_STD_ID) ||
	    n > 8 || p[5] != 0 || p[7] != 0 || len > 16 || len < 8 + n)
		return false;
	frame->id = id & EVCAN_MAX_EXT_ID;
	frame->flags = ext ? EVCAN_FRAME_EXT : 0;
	frame->len = frame->dlc = (uint8_t)n;
	frame->dir = EVCAN_DIR_RX;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	/* Two shifts, because one of 64 bits is not defined. */
	put_le64(frame->data, get_le64(p + 8) &
	    (((uint64_t)1 << n * 4 << n * 4) - 1));
	return true;
}

/* Writing */

/* A frame's packet of link type 227 has up to these bytes; as many must be
 * writable, whatever the frame's length. */
#define EVCAN_PACKET_MAX 72

/* Names of `attributes`, and where they stand: formats put theirs behind. */
#define EVCAN_PACKET_ATTRIBUTES "echo hops clock dlc time"
enum evcan_packet_lost_ {
	EVCAN_PACKET_LOST_ECHO,
	EVCAN_PACKET_LOST_HOPS,
	EVCAN_PACKET_LOST_CLOCK,
	EVCAN_PACKET_LOST_DLC,
	EVCAN_PACKET_LOST_TIME,
	EVCAN_PACKET_LOST_NEXT
};

/* Any frame that fits. @param original bytes on the wire, more than were
 * "captured" in a remote frame @return bytes captured; 0: it does not fit */
size_t evcan_packet_put_any_(uint8_t *p, const struct evcan_frame *frame,
    uint32_t *original);

/* The same, with a short way for classic data frames. */
static inline size_t
evcan_packet_put_(uint8_t *p, const struct evcan_frame *frame,
    uint32_t *original)
{
	const uint32_t n = frame->len, dlc = frame->dlc;
	const uint32_t id = frame->id |
	    (uint32_t)(frame->flags & EVCAN_FRAME_EXT) << 31;
	const uint64_t data = get_le64(frame->data);

	if ((frame->flags & ~(EVCAN_FRAME_EXT | EVCAN_FRAME_ECHO)) != 0 ||
	    n > 8)
		return evcan_packet_put_any_(p, frame, original);
	p[0] = (uint8_t)(id >> 24);
	p[1] = (uint8_t)(id >> 16);
	p[2] = (uint8_t)(id >> 8);
	p[3] = (uint8_t)id;
	put_le32(p + 4, n | (n == 8 && dlc > 8 ? dlc << 24 : 0));
	put_le64(p + 8, data);
	*original = 8 + n;
	return 8 + n;
}

/* Counts what the packet of a frame that fits will not bring back.
 * @param time_ns what is written of its time */
void evcan_packet_count_lost_(const struct evcan_frame *frame,
    int64_t time_ns, uint64_t *lost);

/* Whether that is nothing, for nearly every frame. */
static inline bool
evcan_packet_is_whole_(const struct evcan_frame *frame, int64_t time_ns)
{
	const uint8_t clock = time_ns < EVCAN_PACKET_RELATIVE ?
	    EVCAN_CLOCK_RELATIVE : EVCAN_CLOCK_KERNEL;

	return (frame->flags & EVCAN_FRAME_ECHO) == 0 && frame->hops == 0 &&
	    frame->clock == clock && frame->time_ns == time_ns &&
	    frame->dlc == frame->len;
}

#endif

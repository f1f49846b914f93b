/* SPDX-License-Identifier: BSD-3-Clause */
/* pcapng_block.h - numbers of the pcapng format, for both directions */
#ifndef EVCAN_PCAPNG_BLOCK_H
#define EVCAN_PCAPNG_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>
#include <evcan/frame.h>

#include "bytes.h"
#include "can_packet.h"

/* A block: type, total length, body, total length again. */
enum evcan_pcapng_block_ {
	EVCAN_PCAPNG_INTERFACE = 1,
	EVCAN_PCAPNG_OLD_PACKET = 2,
	EVCAN_PCAPNG_SIMPLE = 3,
	EVCAN_PCAPNG_STATISTICS = 5,
	EVCAN_PCAPNG_PACKET = 6
};
#define EVCAN_PCAPNG_SECTION 0x0a0d0d0au   /* reads the same either way */
#define EVCAN_PCAPNG_ORDER 0x1a2b3c4du

/* Bytes of a block around its body, and those up to its variable part. */
#define EVCAN_PCAPNG_FRAME 12
#define EVCAN_PCAPNG_SECTION_HEAD 24
#define EVCAN_PCAPNG_INTERFACE_HEAD 16
#define EVCAN_PCAPNG_SIMPLE_HEAD 12
#define EVCAN_PCAPNG_STATISTICS_HEAD 20
#define EVCAN_PCAPNG_PACKET_HEAD 28

/* Options; most of their codes depend on the block. */
enum evcan_pcapng_option_ {
	EVCAN_PCAPNG_END = 0,
	EVCAN_PCAPNG_COMMENT = 1,
	EVCAN_PCAPNG_IF_NAME = 2,
	EVCAN_PCAPNG_IF_TSRESOL = 9,
	EVCAN_PCAPNG_IF_TSOFFSET = 14,
	EVCAN_PCAPNG_SHB_USERAPPL = 4,
	EVCAN_PCAPNG_EPB_FLAGS = 2,
	EVCAN_PCAPNG_EPB_DROPCOUNT = 4,
	EVCAN_PCAPNG_ISB_IFDROP = 5,
	EVCAN_PCAPNG_ISB_OSDROP = 7
};

/* Two bits of EPB_FLAGS. */
#define EVCAN_PCAPNG_INBOUND 1u
#define EVCAN_PCAPNG_OUTBOUND 2u

static inline uint16_t
evcan_pcapng_get16_(bool big, const uint8_t *p)
{
	return big ? (uint16_t)(p[0] << 8 | p[1]) : get_le16(p);
}

static inline uint32_t
evcan_pcapng_get32_(bool big, const uint8_t *p)
{
	return big ? evcan_packet_be32_(p) : get_le32(p);
}

static inline uint64_t
evcan_pcapng_get64_(bool big, const uint8_t *p)
{
	return big ? (uint64_t)evcan_packet_be32_(p) << 32 |
	    evcan_packet_be32_(p + 4) : get_le64(p);
}

static inline size_t
evcan_pcapng_pad_(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/*
 * A line of text is a comment on the packet that follows it, where Wireshark
 * shows it, with its own time before it:
 *   evcan event at 1483389946.123456000: oil is hot
 */
#define EVCAN_PCAPNG_EVENT "evcan event at "

/* A name as Wireshark and others give it to their n-th bus: "CAN 1" or
 * "CAN-1", which is our can0. @return n, or 0 */
unsigned evcan_pcapng_number_(const char *name, size_t len);

/* Reading, in pcapng_read.c */

#define EVCAN_PCAPNG_INTERFACES 1024

struct evcan_pcapng_interface_ {
	int64_t offset_s;    /* added to its times */
	uint64_t dropped;    /* frames lost on it that were counted, */
	uint64_t since;      /* and those since its last packet */
	uint32_t snaplen;    /* 0: none */
	uint16_t link, channel;
	uint8_t resolution;  /* as in the file: 10^-n, or 2^-n with bit 7 */
	bool is_can;
	bool big_ids;        /* in its packets */
	bool is_plain;       /* link type 227, nanoseconds, no offset */
};

/* Zeroed at first. */
struct evcan_pcapng_reader_ {
	int id_order;        /* option */
	bool in_section;
	bool big;            /* the section's byte order */
	bool searching;      /* for a block, after damage */
	uint64_t skip;       /* of a long block that is passed over, */
	uint32_t skip_total; /* and its whole length */
	/* A packet with comments: these first, one a call. */
	struct evcan_frame held;
	bool holds;
	uint32_t tail;       /* bytes of options and trailer to come */
	int64_t tail_ns;     /* the packet's time */
	unsigned count;
	struct evcan_pcapng_interface_ interfaces[EVCAN_PCAPNG_INTERFACES];
};

struct evcan_pcapng_value_ {
	unsigned code;
	const uint8_t *value;
	size_t len;
};

/* Takes an option off the front. @return false: there is none, or it does
 * not fit */
bool evcan_pcapng_next_option_(bool big, const uint8_t **p,
    const uint8_t *end, struct evcan_pcapng_value_ *option);

/* Fills an interface, the index-th, from its whole block.
 * @param id_order of its packets */
void evcan_pcapng_get_interface_(struct evcan_pcapng_interface_ *face,
    unsigned index, bool big, int id_order, const uint8_t *p,
    uint32_t total);

/* The time at p. @return false: none that a frame can hold */
bool evcan_pcapng_get_time_(const struct evcan_pcapng_interface_ *face,
    bool big, const uint8_t *p, int64_t *time_ns);

extern const struct evcan_option evcan_pcapng_read_rows_[];

int evcan_pcapng_bid_(const uint8_t *data, size_t len);
int evcan_pcapng_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out);

#endif

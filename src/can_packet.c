/* SPDX-License-Identifier: BSD-3-Clause */
/* can_packet.c - frames as they stand in the packets of a capture */
#include "can_packet.h"

/* Bits of the identifier. */
#define BIT_EXT 0x80000000u
#define BIT_RTR 0x40000000u
#define BIT_ERR 0x20000000u

/* Bits of the byte behind the length. */
#define FD_BRS 0x01u
#define FD_ESI 0x02u
#define FD_FDF 0x04u

/* The highest bit of a length: a CAN XL frame, laid out otherwise. */
#define XL_BIT 0x80u

/* Captured bytes of struct can_frame's head, and of a whole canfd_frame. */
#define HEAD 8u
#define WHOLE_FD 72u

/* What a cooked header says of the frame behind it. */
#define PROTOCOL_CAN 0x000cu
#define PROTOCOL_FD 0x000du
#define OUTGOING 4u

static const struct cooked {
	unsigned link;
	uint8_t header;       /* bytes */
	uint8_t protocol;     /* offsets, both big-endian */
	uint8_t direction;    /* offset of the low byte */
} cooked[] = {
	{ EVCAN_LINK_SLL, 16, 14, 1 },
	{ EVCAN_LINK_SLL2, 20, 0, 10 }
};

static const struct cooked *
find_cooked(unsigned link)
{
	for (size_t i = 0; i < sizeof(cooked) / sizeof(cooked[0]); i++)
		if (cooked[i].link == link)
			return &cooked[i];
	return NULL;
}

bool
evcan_packet_is_can_(unsigned link)
{
	return link == EVCAN_LINK_SOCKETCAN || find_cooked(link) != NULL;
}

bool
evcan_packet_id_is_big_(unsigned link, bool big, int order)
{
	if (order != EVCAN_ID_ORDER_LINK)
		return order == EVCAN_ID_ORDER_BIG;
	return link == EVCAN_LINK_SOCKETCAN || big;
}

static enum evcan_packet_kind_
bad(const char **why, const char *text)
{
	*why = text;
	return EVCAN_PACKET_BAD;
}

/* A raw DLC above 8 stands beside a length of 8, or is the length. */
static uint8_t
raw_dlc(const uint8_t *p)
{
	return p[4] == 8 && p[7] > 8 && p[7] <= 15 ? p[7] : p[4];
}

static enum evcan_packet_kind_
get_remote(const uint8_t *p, struct evcan_frame *frame, const char **why)
{
	if (p[4] > 15)
		return bad(why, "a remote frame with a DLC above 15");
	frame->flags |= EVCAN_FRAME_RTR;
	frame->len = 0;
	frame->dlc = raw_dlc(p);
	memset(frame->data, 0, 8);
	return EVCAN_PACKET_FRAME;
}

static enum evcan_packet_kind_
get_error(const uint8_t *p, size_t len, struct evcan_frame *frame,
    const char **why)
{
	if (p[4] > 8)
		return bad(why, "an error frame of more than 8 bytes");
	if (len - HEAD < p[4])
		return bad(why, "an error frame that the capture cut short");
	frame->flags = EVCAN_FRAME_ERR;
	frame->len = frame->dlc = p[4];
	memset(frame->data, 0, 8);
	memcpy(frame->data, p + HEAD, p[4]);
	return EVCAN_PACKET_FRAME;
}

static enum evcan_packet_kind_
get_data(const uint8_t *p, size_t len, bool fd, struct evcan_frame *frame,
    const char **why)
{
	const size_t n = p[4];

	if (n > EVCAN_MAX_DATA)
		return bad(why, "a frame of more than 64 bytes");
	if (len - HEAD < n)
		return bad(why, "a frame that the capture cut short (see its "
		    "snapshot length)");
	/* The bit for FD is not to be relied on: Wireshark clears it. */
	fd = fd || (p[5] & (FD_FDF | FD_BRS | FD_ESI)) != 0 || n > 8 ||
	    len == WHOLE_FD;
	frame->len = (uint8_t)n;
	memset(frame->data, 0, fd ? EVCAN_MAX_DATA : 8);
	memcpy(frame->data, p + HEAD, n);
	if (!fd) {
		frame->dlc = raw_dlc(p);
		return EVCAN_PACKET_FRAME;
	}
	frame->dlc = evcan_len2dlc(n);
	frame->flags |= EVCAN_FRAME_FD;
	if ((p[5] & FD_BRS) != 0)
		frame->flags |= EVCAN_FRAME_BRS;
	if ((p[5] & FD_ESI) != 0)
		frame->flags |= EVCAN_FRAME_ESI;
	return EVCAN_PACKET_FRAME;
}

/* @param id with its flag bits, in the machine's order */
static enum evcan_packet_kind_
get_frame(const uint8_t *p, size_t len, uint32_t id, bool fd,
    struct evcan_frame *frame, const char **why)
{
	if ((p[4] & XL_BIT) != 0) {
		if (p[6] == 0 && p[7] == 0)     /* its length, in any order */
			return bad(why, "a CAN XL frame without data, or a "
			    "frame of more than 64 bytes");
		return EVCAN_PACKET_OTHER;
	}
	frame->id = id & EVCAN_MAX_EXT_ID;
	if ((id & BIT_ERR) != 0)
		return get_error(p, len, frame, why);
	if ((id & BIT_EXT) == 0 && frame->id > EVCAN_MAX_STD_ID)
		return bad(why, "an identifier above 0x7ff without the bit "
		    "for an extended one (if many are told, try the option "
		    "id_order)");
	frame->flags = (id & BIT_EXT) != 0 ? EVCAN_FRAME_EXT : 0;
	if ((id & BIT_RTR) != 0)
		return get_remote(p, frame, why);
	return get_data(p, len, fd, frame, why);
}

enum evcan_packet_kind_
evcan_packet_get_(unsigned link, bool big, const uint8_t *p, size_t len,
    struct evcan_frame *frame, const char **why)
{
	const struct cooked *head = find_cooked(link);
	unsigned protocol = 0;

	frame->dir = EVCAN_DIR_RX;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	if (head != NULL) {
		if (len < head->header)
			return bad(why, "a packet cut inside its header");
		protocol = (unsigned)p[head->protocol] << 8 |
		    p[head->protocol + 1];
		if (protocol != PROTOCOL_CAN && protocol != PROTOCOL_FD)
			return EVCAN_PACKET_OTHER;
		if (p[head->direction] == OUTGOING)
			frame->dir = EVCAN_DIR_TX;
		p += head->header;
		len -= head->header;
	}
	if (len < HEAD)
		return bad(why, "a packet of fewer than 8 bytes, too short "
		    "for a frame");
	return get_frame(p, len, big ? evcan_packet_be32_(p) : get_le32(p),
	    protocol == PROTOCOL_FD, frame, why);
}

static void
put_head(uint8_t *p, uint32_t id, unsigned len, unsigned fd, unsigned dlc)
{
	p[0] = (uint8_t)(id >> 24);
	p[1] = (uint8_t)(id >> 16);
	p[2] = (uint8_t)(id >> 8);
	p[3] = (uint8_t)id;
	p[4] = (uint8_t)len;
	p[5] = (uint8_t)fd;
	p[6] = 0;
	p[7] = (uint8_t)dlc;
}

size_t
evcan_packet_put_any_(uint8_t *p, const struct evcan_frame *frame,
    uint32_t *original)
{
	const unsigned flags = frame->flags;
	const bool fd = (flags & EVCAN_FRAME_FD) != 0;
	const unsigned len = frame->len, dlc = frame->dlc;
	const uint32_t id = frame->id |
	    ((flags & EVCAN_FRAME_EXT) != 0 ? BIT_EXT : 0);

	if (len > (fd ? EVCAN_MAX_DATA : 8) ||
	    (flags & EVCAN_FRAME_OVERLOAD) != 0)
		return 0;
	*original = HEAD + len;
	if ((flags & EVCAN_FRAME_RTR) != 0) {
		put_head(p, id | BIT_RTR, dlc > 8 ? 8 : dlc, 0,
		    dlc > 8 ? dlc : 0);
		*original = HEAD + p[4];
		return HEAD;
	}
	if ((flags & EVCAN_FRAME_ERR) != 0)
		put_head(p, frame->id | BIT_ERR, len, 0, 0);
	else if (fd)
		put_head(p, id, len, FD_FDF |
		    ((flags & EVCAN_FRAME_BRS) != 0 ? FD_BRS : 0) |
		    ((flags & EVCAN_FRAME_ESI) != 0 ? FD_ESI : 0), 0);
	else
		put_head(p, id, len, 0, len == 8 && dlc > 8 ? dlc : 0);
	memcpy(p + HEAD, frame->data, len);
	return HEAD + len;
}

void
evcan_packet_count_lost_(const struct evcan_frame *frame, int64_t time_ns,
    uint64_t *lost)
{
	const unsigned flags = frame->flags;
	const uint8_t clock = time_ns < EVCAN_PACKET_RELATIVE ?
	    EVCAN_CLOCK_RELATIVE : EVCAN_CLOCK_KERNEL;

	lost[EVCAN_PACKET_LOST_ECHO] += (flags & EVCAN_FRAME_ECHO) != 0;
	lost[EVCAN_PACKET_LOST_HOPS] += frame->hops != 0;
	lost[EVCAN_PACKET_LOST_CLOCK] += frame->clock != clock;
	lost[EVCAN_PACKET_LOST_TIME] += frame->time_ns != time_ns;
	if (frame->dlc == frame->len || (flags & EVCAN_FRAME_RTR) != 0)
		return;
	if ((flags & EVCAN_FRAME_FD) != 0)
		lost[EVCAN_PACKET_LOST_DLC] +=
		    frame->dlc != evcan_len2dlc(frame->len);
	else
		lost[EVCAN_PACKET_LOST_DLC] += frame->len != 8 ||
		    frame->dlc < 8 || (flags & EVCAN_FRAME_ERR) != 0;
}

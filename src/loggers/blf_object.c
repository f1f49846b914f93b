/* SPDX-License-Identifier: BSD-3-Clause */
/* blf_object.c - one object of a BLF from and to a frame, event or remark */
#include "blf.h"

#include <string.h>

#include "bytes.h"
#include "error_frame.h"
#include "remark.h"
#include "zone.h"

#define NS_PER_MS 1000000
#define NS_PER_SEC 1000000000ll

enum {
	CAN_MESSAGE = 1,
	CAN_ERROR = 2,
	CAN_OVERLOAD = 3,
	APP_TEXT = 65,
	CAN_ERROR_EXT = 73,
	CAN_MESSAGE2 = 86,
	GLOBAL_MARKER = 96,
	CAN_FD_MESSAGE = 100,
	CAN_FD_MESSAGE_64 = 101,
	CAN_FD_ERROR_64 = 104
};

/* Of an object's header. */
enum {
	HEAD = 32,
	HEAD_2 = 40,       /* of version 2 */
	HEAD_MAX = 256,    /* more is no header */
	VERSION_MAX = 15,
	TYPE_MAX = 0xffff,
	UNIT_10_US = 1,
	UNIT_NS = 2
};

#define EXT_BIT 0x80000000u
#define RTR_BIT 0x80

/* In CAN_FD_MESSAGE and in CAN_FD_MESSAGE_64. */
enum { FD_EDL = 1, FD_BRS = 2, FD_ESI = 4 };
enum { FD64_RTR = 0x10, FD64_EDL = 0x1000, FD64_BRS = 0x2000,
	FD64_ESI = 0x4000 };

/* The low bytes that belong to a frame of that length. */
static const uint64_t masks[9] = {
	0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff,
	0xffffffffffffff, 0xffffffffffffffff
};

/* By the low half of the flags; evcan's codes are the same. Others than
 * these three do not exist: whoever sets bit 0 means Tx. */
static const uint8_t directions[16] = {
	EVCAN_DIR_RX, EVCAN_DIR_TX, EVCAN_DIR_TXRQ, EVCAN_DIR_TX,
	EVCAN_DIR_RX, EVCAN_DIR_TX, EVCAN_DIR_RX, EVCAN_DIR_TX,
	EVCAN_DIR_RX, EVCAN_DIR_TX, EVCAN_DIR_RX, EVCAN_DIR_TX,
	EVCAN_DIR_RX, EVCAN_DIR_TX, EVCAN_DIR_RX, EVCAN_DIR_TX
};

/* The eight bytes that classic frames begin with, version 1, and the eight
 * behind them. */
#define HEAD_WORD \
	(EVCAN_BLF_OBJECT_MAGIC | (uint64_t)HEAD << 32 | (uint64_t)1 << 48)
#define SIZE_WORD(size, type) ((uint64_t)(type) << 32 | (size))

/* Dates */

bool
evcan_blf_get_date_(const uint8_t *p, const struct evcan_zone_ *zone,
    int64_t *ns, bool *none)
{
	const struct evcan_wall_ wall = {
		.year = get_le16(p),
		.month = get_le16(p + 2),
		.day = get_le16(p + 6),
		.hour = get_le16(p + 8),
		.minute = get_le16(p + 10),
		.second = get_le16(p + 12)
	};
	const unsigned ms = get_le16(p + 14);
	int64_t unix_s;

	*ns = 0;
	*none = get_le64(p) == 0 && get_le64(p + 8) == 0;
	/* 1678 to 2262: what nanoseconds can tell. */
	if (*none || wall.year < 1678 || wall.year > 2262 || ms > 999 ||
	    !evcan_zone_unix_(zone, &wall, &unix_s) ||
	    unix_s >= INT64_MAX / NS_PER_SEC)
		return *none;
	*ns = unix_s * NS_PER_SEC + ms * NS_PER_MS;
	return true;
}

void
evcan_blf_put_date_(uint8_t *p, const struct evcan_zone_ *zone, int64_t ns)
{
	int64_t sec = ns / NS_PER_SEC, rest = ns % NS_PER_SEC;
	struct evcan_wall_ wall;

	if (rest < 0) {
		rest += NS_PER_SEC;
		sec--;
	}
	memset(p, 0, 16);
	if (!evcan_zone_wall_(zone, sec, &wall))
		return;
	put_le16(p, (uint16_t)wall.year);
	put_le16(p + 2, (uint16_t)wall.month);
	put_le16(p + 4, (uint16_t)wall.weekday);
	put_le16(p + 6, (uint16_t)wall.day);
	put_le16(p + 8, (uint16_t)wall.hour);
	put_le16(p + 10, (uint16_t)wall.minute);
	put_le16(p + 12, (uint16_t)wall.second);
	put_le16(p + 14, (uint16_t)(rest / NS_PER_MS));
}

/* Reading */

void
evcan_blf_set_start_(struct evcan_blf_context_ *blf, int64_t start_ns,
    bool dated)
{
	blf->start_ns = start_ns;
	blf->last_stamp = (uint64_t)INT64_MAX - (uint64_t)start_ns;
	blf->clock = dated ? EVCAN_CLOCK_KERNEL : EVCAN_CLOCK_RELATIVE;
}

bool
evcan_blf_is_object_(const uint8_t *p)
{
	const unsigned head = get_le16(p + 4), version = get_le16(p + 6);
	const uint32_t size = get_le32(p + 8), type = get_le32(p + 12);
	const bool container = type == EVCAN_BLF_CONTAINER;

	return get_le32(p) == EVCAN_BLF_OBJECT_MAGIC &&
	    head >= EVCAN_BLF_BASE_HEAD && head <= HEAD_MAX &&
	    version <= VERSION_MAX && type <= TYPE_MAX && size >= head &&
	    size >= (container ? EVCAN_BLF_CONTAINER_HEAD : 1) &&
	    size <= (container ? EVCAN_BLF_CONTAINER_FILE_MAX :
	    EVCAN_BLF_OBJECT_MAX);
}

static inline uint16_t
get_channel(struct evcan_blf_context_ *blf, unsigned number)
{
	const uint16_t channel = number < EVCAN_CHANNEL_NUMBERS ?
	    blf->map.channel[number] : 0;

	return channel != 0 ? channel :
	    evcan_channel_map_channel_(&blf->map, number);
}

size_t
evcan_blf_get_run_(struct evcan_blf_context_ *blf, const uint8_t *p,
    size_t len, struct evcan_frame *frames, size_t max, size_t *used)
{
	const size_t most = len / EVCAN_BLF_CLASSIC_SIZE;
	size_t n = 0;

	if (max > most)
		max = most;
	for (; n < max; n++, p += EVCAN_BLF_CLASSIC_SIZE) {
		struct evcan_frame *frame = &frames[n];
		const uint64_t stamp = get_le64(p + 24);
		const uint32_t id = get_le32(p + 36);
		const uint8_t flags = p[34], dlc = p[35];

		if (get_le64(p) != HEAD_WORD || get_le64(p + 8) !=
		    SIZE_WORD(EVCAN_BLF_CLASSIC_SIZE, CAN_MESSAGE) ||
		    get_le32(p + 16) != UNIT_NS || dlc > 8 ||
		    (flags & RTR_BIT) != 0 || stamp > blf->last_stamp ||
		    (id > EVCAN_MAX_STD_ID && id < EXT_BIT))
			break;
		frame->time_ns = (int64_t)((uint64_t)blf->start_ns + stamp);
		frame->id = id & EVCAN_MAX_EXT_ID;
		frame->flags = id >> 31 ? EVCAN_FRAME_EXT : 0;
		frame->channel = get_channel(blf, get_le16(p + 32));
		frame->len = frame->dlc = dlc;
		frame->dir = directions[flags & 15];
		frame->clock = blf->clock;
		frame->hops = 0;
		memset(frame->reserved, 0, sizeof(frame->reserved));
		put_le64(frame->data, get_le64(p + 40) & masks[dlc]);
	}
	*used = n * EVCAN_BLF_CLASSIC_SIZE;
	return n;
}

/* An object's body, which begins behind its header. */
struct body {
	const uint8_t *p;
	size_t len;
	size_t head;      /* bytes of the object before it */
};

/* Identifiers of 12 bits and more without their flag are seen in samples
 * of Vector's own: they can only be extended ones. */
static void
set_id(struct evcan_frame *frame, uint32_t id)
{
	frame->id = id & EVCAN_MAX_EXT_ID;
	frame->flags = (id & EXT_BIT) != 0 || frame->id > EVCAN_MAX_STD_ID ?
	    EVCAN_FRAME_EXT : 0;
}

/* Sets len, dlc and data. @param valid bytes that it says it has
 * @param stored bytes that are there; the rest is zero, as CANoe does it */
static void
set_data(struct evcan_frame *frame, unsigned dlc, size_t valid,
    const uint8_t *data, size_t stored)
{
	const bool fd = (frame->flags & EVCAN_FRAME_FD) != 0;
	const size_t most = fd ? EVCAN_MAX_DATA : 8;

	if ((frame->flags & EVCAN_FRAME_RTR) != 0)
		valid = 0;
	if (valid > most)
		valid = most;
	if (stored > valid)
		stored = valid;
	memset(frame->data, 0, most);
	memcpy(frame->data, data, stored);
	frame->len = (uint8_t)valid;
	if (dlc > 15)
		dlc = (frame->flags & EVCAN_FRAME_RTR) != 0 ? 8 :
		    evcan_len2dlc(valid);
	else if ((frame->flags & (EVCAN_FRAME_RTR | EVCAN_FRAME_FD)) == 0 &&
	    (dlc < 8 ? dlc : 8) != valid)
		dlc = (unsigned)valid;
	frame->dlc = (uint8_t)dlc;
}

static void
get_can(struct evcan_blf_context_ *blf, const struct body *body,
    struct evcan_frame *frame)
{
	const uint8_t *p = body->p;

	frame->channel = get_channel(blf, get_le16(p));
	frame->dir = directions[p[2] & 15];
	set_id(frame, get_le32(p + 4));
	if ((p[2] & RTR_BIT) != 0)
		frame->flags |= EVCAN_FRAME_RTR;
	set_data(frame, p[3], p[3], p + 8, body->len - 8);
}

static void
get_fd(struct evcan_blf_context_ *blf, const struct body *body,
    struct evcan_frame *frame)
{
	const uint8_t *p = body->p;
	const unsigned bits = p[13];

	frame->channel = get_channel(blf, get_le16(p));
	frame->dir = directions[p[2] & 15];
	set_id(frame, get_le32(p + 4));
	if ((bits & FD_EDL) != 0)
		frame->flags |= (uint16_t)(EVCAN_FRAME_FD |
		    (bits & FD_BRS ? EVCAN_FRAME_BRS : 0) |
		    (bits & FD_ESI ? EVCAN_FRAME_ESI : 0));
	else if ((p[2] & RTR_BIT) != 0)
		frame->flags |= EVCAN_FRAME_RTR;
	set_data(frame, p[3], p[14], p + 20, body->len - 20);
}

/* Bytes of data in an object that may have an extension behind them.
 * @param at where data begins in the body */
static size_t
stored_bytes(const struct body *body, size_t at, unsigned extension)
{
	size_t end = body->head + body->len;

	if (extension >= body->head + at && extension < end)
		end = extension;
	return end - body->head - at;
}

static void
get_fd64(struct evcan_blf_context_ *blf, const struct body *body,
    struct evcan_frame *frame)
{
	const uint8_t *p = body->p;
	const uint32_t bits = get_le32(p + 12);

	frame->channel = get_channel(blf, p[0]);
	frame->dir = p[34] <= EVCAN_DIR_TXRQ ? p[34] : EVCAN_DIR_TX;
	set_id(frame, get_le32(p + 4));
	if ((bits & FD64_EDL) != 0)
		frame->flags |= (uint16_t)(EVCAN_FRAME_FD |
		    (bits & FD64_BRS ? EVCAN_FRAME_BRS : 0) |
		    (bits & FD64_ESI ? EVCAN_FRAME_ESI : 0));
	else if ((bits & FD64_RTR) != 0)
		frame->flags |= EVCAN_FRAME_RTR;
	set_data(frame, p[1], p[2], p + 40, stored_bytes(body, 40, p[35]));
}

static void
get_overload(struct evcan_blf_context_ *blf, const struct body *body,
    struct evcan_frame *frame)
{
	frame->channel = get_channel(blf, get_le16(body->p));
	frame->dir = EVCAN_DIR_RX;
	frame->id = 0;
	frame->flags = EVCAN_FRAME_OVERLOAD;
	frame->len = frame->dlc = 0;
	memset(frame->data, 0, 8);
}

static void
get_error(struct evcan_blf_context_ *blf, const struct body *body,
    struct evcan_frame *frame)
{
	frame->channel = get_channel(blf, get_le16(body->p));
	frame->dir = EVCAN_DIR_RX;
	evcan_error_frame_(frame);
}

/* Bits of an error object's flags: what is known. */
enum { SJA_CODE = 1, VECTOR_CODE = 2 };

/*
 * The SJA 1000's error code: kind (2 bits), direction (1: receiving), place
 * (5 bits, as in linux/can/error.h). Vector's own has the same low bits and
 * two more kinds. @param code 0x1ff: none
 */
static void
set_error_code(struct evcan_frame *frame, unsigned code)
{
	/* data[2] by kind, and the place where only the kind is told */
	static const uint8_t kinds[6] = { 0x01, 0x02, 0x04, 0, 0, 0 };
	static const uint8_t places[6] = { 0, 0, 0, 0, 0x08, 0x1b };
	const unsigned kind = code >> 6, place = code & 0x1f;

	frame->id = 0x88;   /* protocol violation, bus error */
	frame->data[2] = kinds[kind];
	if ((code & 0x20) == 0)
		frame->data[2] |= 0x80;   /* while sending */
	frame->data[3] = (uint8_t)(place != 0 ? place : places[kind]);
}

static void
map_error(struct evcan_frame *frame, unsigned flags, unsigned ecc,
    unsigned vector_code)
{
	evcan_error_frame_(frame);
	/* A code of 0, "bit error while sending, at no place", is what
	 * those write who know nothing. */
	if ((flags & SJA_CODE) != 0 && ecc != 0)
		set_error_code(frame, ecc);
	else if ((flags & VECTOR_CODE) != 0 && (vector_code & 0xfff) != 0 &&
	    (vector_code >> 6 & 0x3f) <= 5)
		set_error_code(frame, vector_code & 0xfff);
}

/*
 * Who tells no flag and no code (python-can and evcan) has an error frame of
 * SocketCAN's layout in identifier and data. Others have there what was on
 * the bus before the error, as far as it came.
 */
static void
get_error_ext(struct evcan_blf_context_ *blf, const struct body *body,
    struct evcan_frame *frame)
{
	const uint8_t *p = body->p;
	const uint32_t flags = get_le32(p + 4);
	const uint32_t id = get_le32(p + 16) & EVCAN_MAX_EXT_ID;

	frame->channel = get_channel(blf, get_le16(p));
	frame->dir = EVCAN_DIR_RX;
	if (flags != 0 || p[8] != 0 || get_le16(p + 20) != 0 ||
	    get_le16(p + 2) != 0 || id == 0) {
		map_error(frame, flags, p[8], get_le16(p + 20));
		return;
	}
	frame->id = id;
	frame->flags = EVCAN_FRAME_ERR;
	set_data(frame, p[10], p[10], p + 24, body->len - 24);
}

static void
get_fd_error(struct evcan_blf_context_ *blf, const struct body *body,
    struct evcan_frame *frame)
{
	const uint8_t *p = body->p;

	frame->channel = get_channel(blf, p[0]);
	frame->dir = EVCAN_DIR_RX;
	map_error(frame, get_le16(p + 4), p[3], get_le16(p + 6));
}

/* Objects that are frames: least bytes of their body, and how to read it. */
static const struct kind {
	uint8_t least;
	void (*get)(struct evcan_blf_context_ *blf, const struct body *body,
	    struct evcan_frame *frame);
} kinds[] = {
	[CAN_MESSAGE] = { 8, get_can },
	[CAN_ERROR] = { 2, get_error },
	[CAN_OVERLOAD] = { 2, get_overload },
	[CAN_ERROR_EXT] = { 24, get_error_ext },
	[CAN_MESSAGE2] = { 8, get_can },
	[CAN_FD_MESSAGE] = { 20, get_fd },
	[CAN_FD_MESSAGE_64] = { 40, get_fd64 },
	[CAN_FD_ERROR_64] = { 12, get_fd_error }
};

/* One writer says that its header has 16 bytes and writes 32; old objects of
 * version 1 have 40. @return false: too short for a time stamp */
static bool
find_body(const uint8_t *p, size_t size, struct body *body)
{
	const size_t said = get_le16(p + 4);
	size_t head = get_le16(p + 6) == 2 ? HEAD_2 : HEAD;

	if (head < said)
		head = said;
	else if (head > size && said >= HEAD)
		head = said;
	body->head = head;
	body->p = p + head;
	body->len = size - head;
	return head <= size;
}

static bool
get_time(const struct evcan_blf_context_ *blf, const uint8_t *p, int64_t *ns)
{
	uint64_t stamp = get_le64(p + 24);

	if ((get_le32(p + 16) & 3) == UNIT_10_US) {
		if (stamp > blf->last_stamp / 10000)
			return false;
		stamp *= 10000;
	}
	if (stamp > blf->last_stamp)
		return false;
	*ns = (int64_t)((uint64_t)blf->start_ns + stamp);
	return true;
}

/* A piece of a text at the front of *p, up to a NUL inside it. */
static size_t
take_text(const uint8_t **p, size_t *left, uint32_t said, const char **text)
{
	const size_t len = said < *left ? said : *left;

	*text = (const char *)*p;
	*p += len;
	*left -= len;
	return strnlen(*text, len);
}

static bool
is_text(const char *text, size_t len, const char *other)
{
	return len == strlen(other) && memcmp(text, other, len) == 0;
}

/*
 * A marker has a group, a name and a description. evcan's text is the name,
 * python-can's the group; of other markers all but the group is told.
 */
static void
set_event(const struct body *body, int64_t time_ns, struct evcan_decode *out)
{
	const char *group, *name, *more;
	const uint8_t *p = body->p + 40;
	size_t left = body->len - 40, group_len, name_len, more_len;
	char text[sizeof(out->event)];

	group_len = take_text(&p, &left, get_le32(body->p + 16), &group);
	name_len = take_text(&p, &left, get_le32(body->p + 20), &name);
	more_len = take_text(&p, &left, get_le32(body->p + 24), &more);
	if (is_text(name, name_len, "python-can") || (name_len == 0 &&
	    more_len == 0 && !is_text(group, group_len, EVCAN_BLF_GROUP))) {
		evcan_decode_set_event(out, time_ns, group, group_len);
		return;
	}
	if (more_len == 0 || name_len + 3 > sizeof(text)) {
		evcan_decode_set_event(out, time_ns, name, name_len);
		return;
	}
	memcpy(text, name, name_len);
	if (name_len > 0) {
		memcpy(text + name_len, ": ", 2);
		name_len += 2;
	}
	if (more_len > sizeof(text) - name_len)
		more_len = sizeof(text) - name_len;
	memcpy(text + name_len, more, more_len);
	evcan_decode_set_event(out, time_ns, text, name_len + more_len);
}

/* Old markers say 24 bytes fewer than they have. */
static void
get_marker(struct evcan_blf_context_ *blf, const uint8_t *p, size_t left,
    size_t *size, struct body *body, struct evcan_decode *out)
{
	uint64_t real;
	int64_t time_ns;

	if (body->len < 40 || !get_time(blf, p, &time_ns)) {
		out->skipped++;
		return;
	}
	real = body->head + 40 + (uint64_t)get_le32(body->p + 16) +
	    get_le32(body->p + 20) + get_le32(body->p + 24);
	if (real > *size && real <= *size + 24 && real <= left) {
		*size = (size_t)real;
		body->len = *size - body->head;
	}
	set_event(body, time_ns, out);
}

static void
get_text(struct evcan_blf_context_ *blf, const struct body *body,
    struct evcan_decode *out)
{
	struct evcan_remark_ remark;
	uint32_t len;

	if (body->len < 16) {
		out->skipped++;
		return;
	}
	len = get_le32(body->p + 8);
	if (len > body->len - 16)
		len = (uint32_t)body->len - 16;
	if (!evcan_remark_get_((const char *)body->p + 16, len, &remark)) {
		out->skipped++;
	} else if (remark.kind == EVCAN_REMARK_CHANNEL) {
		evcan_channel_map_learn_(&blf->map, remark.number,
		    remark.name, remark.name_len);
	} else if (remark.kind == EVCAN_REMARK_GAP) {
		out->gaps++;
		out->lost += remark.lost;
	}
}

/* What is no frame. */
static void
get_other(struct evcan_blf_context_ *blf, const uint8_t *p, size_t left,
    size_t *size, struct evcan_decode *out)
{
	const uint32_t type = get_le32(p + 12);
	struct body body;

	if (type == EVCAN_BLF_RESTORE_POINTS)
		return;   /* an index of the file */
	if (!find_body(p, *size, &body))
		out->skipped++;
	else if (type == GLOBAL_MARKER)
		get_marker(blf, p, left, size, &body, out);
	else if (type == APP_TEXT)
		get_text(blf, &body, out);
	else
		out->skipped++;
}

enum evcan_blf_got_
evcan_blf_get_(struct evcan_blf_context_ *blf, const uint8_t *p, size_t left,
    size_t *size, struct evcan_frame *frame, struct evcan_decode *out,
    const char **why)
{
	const uint32_t type = get_le32(p + 12);
	const struct kind *kind = &kinds[type < sizeof(kinds) /
	    sizeof(kinds[0]) ? type : 0];
	struct body body;

	*size = get_le32(p + 8);
	if (kind->get == NULL) {
		get_other(blf, p, left, size, out);
		return EVCAN_BLF_NO_FRAME;
	}
	if (!find_body(p, *size, &body) || body.len < kind->least) {
		*why = "is too short for its type";
		return EVCAN_BLF_BAD;
	}
	if (!get_time(blf, p, &frame->time_ns)) {
		*why = "has a time behind the year 2262";
		return EVCAN_BLF_BAD;
	}
	kind->get(blf, &body, frame);
	frame->clock = blf->clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	return EVCAN_BLF_FRAME;
}

/* Writing */

static uint8_t *
put_head(uint8_t *p, unsigned type, size_t size, uint64_t stamp)
{
	put_le64(p, HEAD_WORD);
	put_le64(p + 8, SIZE_WORD(size, type));
	put_le64(p + 16, UNIT_NS);
	put_le64(p + 24, stamp);
	return p + HEAD;
}

static uint32_t
put_id(const struct evcan_frame *frame)
{
	return frame->id | (frame->flags & EVCAN_FRAME_EXT ? EXT_BIT : 0);
}

static inline size_t
put_classic(uint8_t *p, const struct evcan_frame *frame, unsigned number,
    uint64_t stamp)
{
	const bool remote = (frame->flags & EVCAN_FRAME_RTR) != 0;
	const unsigned flags = (frame->dir & 3u) | (remote ? RTR_BIT : 0);
	const unsigned said = frame->dlc < 8 ? frame->dlc : 8;
	const unsigned dlc = remote || said == frame->len ? frame->dlc :
	    frame->len;

	p = put_head(p, CAN_MESSAGE, EVCAN_BLF_CLASSIC_SIZE, stamp);
	put_le64(p, number | flags << 16 | (uint64_t)dlc << 24 |
	    (uint64_t)put_id(frame) << 32);
	put_le64(p + 8, get_le64(frame->data) &
	    masks[remote ? 0 : frame->len]);
	return EVCAN_BLF_CLASSIC_SIZE;
}

/* A classic data frame that an object brings back as it is. */
static inline bool
is_usual(const struct evcan_frame *frame, unsigned clock)
{
	return (frame->flags & ~(unsigned)EVCAN_FRAME_EXT) == 0 &&
	    frame->len <= 8 && frame->dlc == frame->len &&
	    frame->clock == clock && frame->hops == 0;
}

size_t
evcan_blf_put_run_(const struct evcan_blf_writer_ *writer, uint8_t *p,
    const struct evcan_frame *frames, size_t n, uint64_t *last_stamp)
{
	const unsigned clock = writer->dated ? EVCAN_CLOCK_KERNEL :
	    EVCAN_CLOCK_RELATIVE;
	const int64_t start_ns = writer->start_ns;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct evcan_frame *frame = &frames[i];
		const struct evcan_blf_label_ *label =
		    &writer->labels[frame->channel % EVCAN_BLF_LABELS];
		uint64_t stamp;

		evcan_blf_ask_for_(frames, i + EVCAN_BLF_AHEAD, n);
		if (!is_usual(frame, clock) || frame->time_ns < start_ns ||
		    label->channel != frame->channel || label->number == 0 ||
		    label->lost)
			break;
		stamp = (uint64_t)frame->time_ns - (uint64_t)start_ns;
		if (*last_stamp < stamp)
			*last_stamp = stamp;
		p += put_classic(p, frame, label->number, stamp);
	}
	return i;
}

/* Type 101 rather than 100: nothing but the data is stored, which halves the
 * file, and it has three directions. Rounded up to 4 bytes, so that it needs
 * no padding, about which readers disagree. */
static size_t
put_fd(uint8_t *p, const struct evcan_frame *frame, unsigned number,
    uint64_t stamp)
{
	const size_t stored = (frame->len + 3u) & ~3u;
	const size_t size = HEAD + 40 + stored;
	const uint32_t bits = FD64_EDL |
	    (frame->flags & EVCAN_FRAME_BRS ? FD64_BRS : 0) |
	    (frame->flags & EVCAN_FRAME_ESI ? FD64_ESI : 0);

	p = put_head(p, CAN_FD_MESSAGE_64, size, stamp);
	put_le64(p, number | (uint64_t)frame->dlc << 8 |
	    (uint64_t)frame->len << 16 | (uint64_t)put_id(frame) << 32);
	put_le64(p + 8, (uint64_t)bits << 32);
	put_le64(p + 16, 0);
	put_le64(p + 24, 0);
	put_le64(p + 32, (uint64_t)frame->dir << 16);
	if (stored > frame->len)
		put_le32(p + 40 + stored - 4, 0);
	memcpy(p + 40, frame->data, frame->len);
	return size;
}

static size_t
put_error(uint8_t *p, const struct evcan_frame *frame, unsigned number,
    uint64_t stamp)
{
	p = put_head(p, CAN_ERROR_EXT, 64, stamp);
	memset(p, 0, 32);
	put_le16(p, (uint16_t)number);
	p[10] = frame->len;
	put_le32(p + 16, frame->id);
	memcpy(p + 24, frame->data, frame->len);
	return 64;
}

size_t
evcan_blf_put_frame_(uint8_t *p, const struct evcan_frame *frame,
    unsigned number, uint64_t stamp)
{
	const unsigned special = frame->flags & (EVCAN_FRAME_FD |
	    EVCAN_FRAME_ERR | EVCAN_FRAME_OVERLOAD);

	if (special == 0)
		return put_classic(p, frame, number, stamp);
	if ((special & EVCAN_FRAME_OVERLOAD) != 0) {
		p = put_head(p, CAN_OVERLOAD, 40, stamp);
		put_le64(p, number);
		return 40;
	}
	if ((special & EVCAN_FRAME_ERR) != 0)
		return put_error(p, frame, number, stamp);
	return put_fd(p, frame, number, stamp);
}

/* Padding of the types that have it. */
static size_t
pad(uint8_t *p, size_t size)
{
	memset(p + size, 0, size % 4);
	return size + size % 4;
}

size_t
evcan_blf_put_event_(uint8_t *p, const char *text, uint64_t stamp)
{
	const size_t group = strlen(EVCAN_BLF_GROUP);
	const size_t len = strnlen(text, sizeof(((struct evcan_decode *)0)->
	    event) - 1);
	const size_t size = HEAD + 40 + group + len;
	uint8_t *body = put_head(p, GLOBAL_MARKER, size, stamp);

	memset(body, 0, 40);
	put_le32(body + 4, 0xffffff);   /* colours, as python-can's */
	put_le32(body + 8, 0xff3300);
	body[12] = 1;                   /* may be moved */
	put_le32(body + 16, (uint32_t)group);
	put_le32(body + 20, (uint32_t)len);
	memcpy(body + 40, EVCAN_BLF_GROUP, group);
	memcpy(body + 40 + group, text, len);
	return pad(p, size);
}

size_t
evcan_blf_put_text_(uint8_t *p, const char *text, size_t len, uint64_t stamp)
{
	const size_t size = HEAD + 16 + len;
	uint8_t *body = put_head(p, APP_TEXT, size, stamp);

	memset(body, 0, 16);
	put_le32(body + 8, (uint32_t)len);
	memcpy(body + 16, text, len);
	return pad(p, size);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_frame.c - one MDF 4 record to its time and its frame */
#include "mf4.h"

#include <string.h>

#include <evcan/channel.h>
#include <evcan/frame.h>

#include "error_frame.h"

/* Time */

static double
get_float(const struct evcan_mf4_field_ *field, uint64_t raw)
{
	const uint32_t bits = (uint32_t)raw;
	double value;
	float single;

	if (field->bits == 64) {
		memcpy(&value, &raw, sizeof(value));
		return value;
	}
	memcpy(&single, &bits, sizeof(single));
	return (double)single;
}

/* a + b in c. @return false: it does not fit */
static bool
add(int64_t a, int64_t b, int64_t *c)
{
	if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b)
		return false;
	*c = a + b;
	return true;
}

static uint64_t
raw_time(const struct evcan_mf4_group_ *group, const uint8_t *record)
{
	const struct evcan_mf4_field_ *time = &group->fields[EVCAN_MF4_TIME];
	uint64_t raw = get_le64(record + time->at) >> time->shift, big = 0;

	if (time->index)
		return group->count;
	if (time->big) {
		for (unsigned i = 0; i < time->bits; i += 8)
			big = big << 8 | (raw >> i & 0xff);
		return big;
	}
	return raw & time->mask;
}

bool
evcan_mf4_time_(const struct evcan_mf4_reader_ *reader,
    const struct evcan_mf4_group_ *group, const uint8_t *record,
    int64_t *ns)
{
	const struct evcan_mf4_field_ *time = &group->fields[EVCAN_MF4_TIME];
	uint64_t raw = raw_time(group, record);
	int64_t value;
	double real;

	/* signed, type 2 and 3 */
	if ((time->type & 2) != 0 && time->bits < 64 && time->bits > 0 &&
	    raw >> (time->bits - 1) != 0)
		raw |= ~time->mask;
	value = (int64_t)raw;
	if ((time->type & 2) == 0 && value < 0 && time->type < 2)
		return false;
	if (group->ns_factor != 0) {
		if (group->ns_factor > 1 &&
		    (value > INT64_MAX / group->ns_factor ||
		    value < INT64_MIN / group->ns_factor))
			return false;
		return add(value * group->ns_factor, group->ns_offset,
		    &value) && add(reader->start_ns, value, ns);
	}
	real = time->type >= 4 ? get_float(time, raw) : (double)value;
	real = real * time->factor + time->offset;
	if (!(real > -9.2e18 && real < 9.2e18))
		return false;
	value = (int64_t)(real < 0 ? real - 0.5 : real + 0.5);
	return add(reader->start_ns, value, ns);
}

/* Members */

static uint16_t
channel_of(struct evcan_mf4_reader_ *reader, uint64_t number)
{
	uint16_t channel;

	if (number > 255)
		return evcan_channel_map_channel_(&reader->map,
		    number > 65535 ? 65535 : (unsigned)number);
	if (reader->by_number[number] > 0)
		return (uint16_t)(reader->by_number[number] - 1);
	channel = evcan_channel_map_channel_(&reader->map, (unsigned)number);
	reader->by_number[number] = channel + 1;
	return channel;
}

static inline uint64_t
get(const struct evcan_mf4_group_ *group, enum evcan_mf4_member_ member,
    const uint8_t *record)
{
	return evcan_mf4_field_get_(&group->fields[member], record);
}

/* The identifier. @return false: it is none */
static bool
get_id(const struct evcan_mf4_group_ *group, const uint8_t *record,
    struct evcan_frame *frame)
{
	const struct evcan_mf4_field_ *ide = &group->fields[EVCAN_MF4_IDE];
	const uint64_t id = get(group, EVCAN_MF4_ID, record);

	frame->id = (uint32_t)id & EVCAN_MAX_EXT_ID;
	if (ide->there ? evcan_mf4_field_get_(ide, record) != 0 :
	    (id >> 31) != 0 || frame->id > EVCAN_MAX_STD_ID) {
		frame->flags = EVCAN_FRAME_EXT;
		return (id & ~(uint64_t)0x9fffffff) == 0;
	}
	frame->flags = 0;
	return id <= EVCAN_MAX_STD_ID;
}

/* DLC and the length it or DataLength says. @return false: too much */
static bool
get_length(const struct evcan_mf4_group_ *group, const uint8_t *record,
    struct evcan_frame *frame)
{
	const bool has_len = group->fields[EVCAN_MF4_LENGTH].there;
	const bool has_dlc = group->fields[EVCAN_MF4_DLC].there;
	uint64_t len = get(group, EVCAN_MF4_LENGTH, record);
	uint64_t dlc = get(group, EVCAN_MF4_DLC, record);

	if (len > EVCAN_MAX_DATA || (has_dlc && dlc > 15 && dlc != len))
		return false;
	if (has_dlc && dlc > 15)       /* a length where a code should be */
		dlc = evcan_len2dlc((size_t)len);
	if (!has_len)
		len = (frame->flags & EVCAN_FRAME_FD) != 0 || dlc < 8 ?
		    evcan_dlc2len((unsigned)dlc) : 8;
	if (!has_dlc)
		dlc = evcan_len2dlc((size_t)len);
	if (len > 8)
		frame->flags |= EVCAN_FRAME_FD;
	frame->len = (uint8_t)len;
	frame->dlc = (uint8_t)dlc;
	return true;
}

/* n bytes, and zeros up to the next whole word: much faster than memcpy()
 * for the few bytes that a frame has. */
static inline void
copy(uint8_t *to, const uint8_t *from, unsigned n)
{
	uint64_t word;

	for (; n >= 8; n -= 8, to += 8, from += 8)
		put_le64(to, get_le64(from));
	if (n == 0)
		return;
	word = get_le64(from);
	put_le64(to, word & (((uint64_t)1 << n * 8) - 1));
}

/* Bytes out of the record, or from where it says they are. */
static bool
get_payload(struct evcan_mf4_source_ *source,
    const struct evcan_mf4_group_ *group, const uint8_t *record,
    struct evcan_frame *frame)
{
	const struct evcan_mf4_field_ *bytes =
	    &group->fields[EVCAN_MF4_BYTES];
	uint8_t there[EVCAN_MF4_PAYLOAD_MAX + 8] = { 0 };
	uint64_t offset;
	int64_t n;

	if (!group->by_offset) {
		if (frame->len > group->bytes_room)
			return false;
		copy(frame->data, record + bytes->at, frame->len);
		return true;
	}
	if (frame->len == 0 && group->vlsd == NULL)
		return true;
	offset = evcan_mf4_field_get_(bytes, record);
	n = group->vlsd != NULL ?
	    evcan_mf4_recent_get_(source, group->vlsd, offset, there) :
	    evcan_mf4_payload_get_(group->payload, offset, there);
	if (n < frame->len)
		return false;
	copy(frame->data, there, frame->len);
	return true;
}

const char evcan_mf4_no_bytes_[] =
    "a record whose data bytes are not there; others like it are counted as "
    "skipped";

/* @return why it is no frame, or NULL */
static const char *
get_data_frame(struct evcan_mf4_source_ *source,
    const struct evcan_mf4_group_ *group, const uint8_t *record,
    struct evcan_frame *frame)
{
	if (!get_id(group, record, frame))
		return "a record with an identifier that is none";
	if (get(group, EVCAN_MF4_RTR, record) != 0)
		frame->flags |= EVCAN_FRAME_RTR;
	else if (get(group, EVCAN_MF4_EDL, record) != 0)
		frame->flags |= EVCAN_FRAME_FD;
	if (!get_length(group, record, frame))
		return "a record with a length over 64, or a DLC over 15";
	if (frame->flags & EVCAN_FRAME_RTR) {
		frame->flags &= (uint16_t)~EVCAN_FRAME_FD;
		frame->len = 0;
		memset(frame->data, 0, 8);
		return NULL;
	}
	if ((frame->flags & EVCAN_FRAME_FD) == 0) {
		memset(frame->data, 0, 8);
	} else {
		memset(frame->data, 0, EVCAN_MAX_DATA);
		if (get(group, EVCAN_MF4_BRS, record) != 0)
			frame->flags |= EVCAN_FRAME_BRS;
		if (get(group, EVCAN_MF4_ESI, record) != 0)
			frame->flags |= EVCAN_FRAME_ESI;
	}
	if (!get_payload(source, group, record, frame))
		return evcan_mf4_no_bytes_;
	return NULL;
}

static const char *
get_remote_frame(const struct evcan_mf4_group_ *group, const uint8_t *record,
    struct evcan_frame *frame)
{
	if (!get_id(group, record, frame))
		return "a record with an identifier that is none";
	if (!get_length(group, record, frame))
		return "a record with a length over 64, or a DLC over 15";
	frame->flags = (frame->flags & EVCAN_FRAME_EXT) | EVCAN_FRAME_RTR;
	frame->len = 0;
	memset(frame->data, 0, 8);
	return NULL;
}

/* ErrorType, in the words of linux/can/error.h. */
static const struct {
	uint16_t class;
	uint8_t kind, place;   /* data[2] and data[3] */
} error_types[] = {
	{ 0x80, 0, 0 },
	{ 0x88, 0x01, 0 },     /* a bit */
	{ 0x88, 0x02, 0 },     /* the form */
	{ 0x88, 0x04, 0 },     /* stuffing */
	{ 0x88, 0, 0x08 },     /* the checksum */
	{ 0xa0, 0, 0 },        /* the acknowledgement */
};

static const char *
get_error_frame(struct evcan_mf4_source_ *source,
    const struct evcan_mf4_group_ *group, const uint8_t *record,
    struct evcan_frame *frame)
{
	const struct evcan_mf4_field_ *fields = group->fields;
	const uint64_t type = get(group, EVCAN_MF4_ERROR_TYPE, record);

	evcan_error_frame_(frame);
	if (fields[EVCAN_MF4_ID].there && fields[EVCAN_MF4_BYTES].there) {
		frame->id = (uint32_t)get(group, EVCAN_MF4_ID, record) &
		    EVCAN_MAX_EXT_ID;
		frame->flags = get(group, EVCAN_MF4_EDL, record) != 0 ?
		    EVCAN_FRAME_FD : 0;
		if (!get_length(group, record, frame))
			return "a record with a length over 64, or a DLC "
			    "over 15";
		memset(frame->data, 0, frame->flags & EVCAN_FRAME_FD ?
		    EVCAN_MAX_DATA : 8);
		frame->flags |= EVCAN_FRAME_ERR;
		return get_payload(source, group, record, frame) ? NULL :
		    evcan_mf4_no_bytes_;
	}
	if (type < sizeof(error_types) / sizeof(error_types[0])) {
		frame->id = error_types[type].class;
		frame->data[2] = error_types[type].kind;
		frame->data[3] = error_types[type].place;
	}
	return NULL;
}

static const char *
get_overload_frame(struct evcan_mf4_source_ *source,
    const struct evcan_mf4_group_ *group, const uint8_t *record,
    struct evcan_frame *frame)
{
	const struct evcan_mf4_field_ *fields = group->fields;
	const char *why = NULL;

	frame->id = 0;
	frame->flags = 0;
	frame->len = frame->dlc = 0;
	memset(frame->data, 0, 8);
	if (fields[EVCAN_MF4_ID].there && fields[EVCAN_MF4_BYTES].there)
		why = get_data_frame(source, group, record, frame);
	frame->flags |= EVCAN_FRAME_OVERLOAD;
	return why;
}

const char *
evcan_mf4_frame_(struct evcan_mf4_reader_ *reader,
    struct evcan_mf4_source_ *source, struct evcan_frame *frame)
{
	const struct evcan_mf4_group_ *group = source->group;
	const uint8_t *record = source->stream.p + source->id_size;

	frame->time_ns = source->time_ns;
	frame->clock = reader->clock;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	frame->channel = channel_of(reader,
	    get(group, EVCAN_MF4_CHANNEL, record));
	frame->dir = get(group, EVCAN_MF4_DIR, record) != 0 ?
	    EVCAN_DIR_TX : EVCAN_DIR_RX;
	switch (group->kind) {
	case EVCAN_MF4_DATA:
		return get_data_frame(source, group, record, frame);
	case EVCAN_MF4_REMOTE:
		return get_remote_frame(group, record, frame);
	case EVCAN_MF4_ERROR:
		return get_error_frame(source, group, record, frame);
	default:
		return get_overload_frame(source, group, record, frame);
	}
}

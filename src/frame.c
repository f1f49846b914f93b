/* SPDX-License-Identifier: BSD-3-Clause */
/* frame.c - what a frame may be, and when two are the same */
#include <evcan/frame.h>

#include <string.h>

#include <evcan/error.h>

#define MAX_CLASSIC_DATA 8
#define MAX_DLC 15

/* Flags that say what is on the wire; not who sent it. */
#define WIRE_FLAGS (EVCAN_FRAME_EXT | EVCAN_FRAME_RTR | EVCAN_FRAME_ERR | \
	EVCAN_FRAME_FD | EVCAN_FRAME_BRS | EVCAN_FRAME_ESI | \
	EVCAN_FRAME_OVERLOAD)

static const uint8_t lengths[MAX_DLC + 1] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64
};

static const uint8_t dlcs[EVCAN_MAX_DATA + 1] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8,
	9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 11, 12, 12, 12, 12,
	13, 13, 13, 13, 13, 13, 13, 13,
	14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15
};

uint8_t
evcan_dlc2len(unsigned dlc)
{
	return lengths[dlc < MAX_DLC ? dlc : MAX_DLC];
}

uint8_t
evcan_len2dlc(size_t len)
{
	return dlcs[len < EVCAN_MAX_DATA ? len : EVCAN_MAX_DATA];
}

static int
check_kind(const struct evcan_frame *frame, struct evcan_error *err)
{
	const unsigned flags = frame->flags;

	if (frame->time_ns < 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the frame's time is negative: %lld ns",
		    (long long)frame->time_ns);
	if (flags & ~(WIRE_FLAGS | EVCAN_FRAME_ECHO))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the frame has unknown flags: 0x%x", flags);
	if (flags & EVCAN_FRAME_RTR &&
	    flags & (EVCAN_FRAME_ERR | EVCAN_FRAME_FD))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a remote frame cannot be %s frame as well",
		    flags & EVCAN_FRAME_ERR ? "an error" : "a CAN FD");
	if (flags & (EVCAN_FRAME_BRS | EVCAN_FRAME_ESI) &&
	    !(flags & EVCAN_FRAME_FD))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "only a CAN FD frame can have %s",
		    flags & EVCAN_FRAME_BRS ? "BRS" : "ESI");
	return 0;
}

static int
check_id(const struct evcan_frame *frame, struct evcan_error *err)
{
	if (frame->id > EVCAN_MAX_EXT_ID)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "identifier 0x%x is over 29 bits, 0x1fffffff",
		    (unsigned)frame->id);
	if (frame->id > EVCAN_MAX_STD_ID &&
	    !(frame->flags & (EVCAN_FRAME_EXT | EVCAN_FRAME_ERR)))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "standard identifier 0x%x is over 11 bits, 0x7ff;"
		    " an extended one needs its flag", (unsigned)frame->id);
	return 0;
}

static int
check_length(const struct evcan_frame *frame, struct evcan_error *err)
{
	const bool fd = frame->flags & EVCAN_FRAME_FD;
	const unsigned max = fd ? EVCAN_MAX_DATA : MAX_CLASSIC_DATA;
	unsigned said = evcan_dlc2len(frame->dlc);

	if (frame->dlc > MAX_DLC)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "DLC %u is over 15", frame->dlc);
	if (frame->flags & EVCAN_FRAME_RTR)
		return frame->len == 0 ? 0 : evcan_error_set(err,
		    EVCAN_ERR_INVALID, 0, "a remote frame has no data, this"
		    " one has %u bytes", frame->len);
	if (frame->len > max)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%u data bytes are too many: a %s frame has at most %u",
		    frame->len, fd ? "CAN FD" : "classic", max);
	if (fd && lengths[dlcs[frame->len]] != frame->len)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a CAN FD frame cannot have %u data bytes, only 0 to 8,"
		    " 12, 16, 20, 24, 32, 48 or 64", frame->len);
	if (said > max)
		said = max;
	if (frame->len != said)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "DLC %u says %u data bytes, the frame has %u",
		    frame->dlc, said, frame->len);
	return 0;
}

int
evcan_frame_check(const struct evcan_frame *frame, struct evcan_error *err)
{
	int r;

	/* The usual frame first: classic, with data, and right. */
	if ((frame->flags & ~EVCAN_FRAME_EXT) == 0 &&
	    frame->len <= MAX_CLASSIC_DATA && frame->dlc == frame->len &&
	    frame->time_ns >= 0 && frame->id <= (frame->flags ?
	    EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID))
		return 0;
	if ((r = check_kind(frame, err)) < 0 ||
	    (r = check_id(frame, err)) < 0)
		return r;
	return check_length(frame, err);
}

int
evcan_frame_init(struct evcan_frame *frame, uint32_t id, unsigned flags,
    const void *data, size_t len)
{
	struct evcan_frame made = {.id = id, .flags = (uint16_t)flags};

	if (len > EVCAN_MAX_DATA || flags > UINT16_MAX ||
	    flags & EVCAN_FRAME_RTR)
		return EVCAN_ERR_INVALID;
	made.len = (uint8_t)len;
	made.dlc = dlcs[len];
	if (evcan_frame_check(&made, NULL) < 0)
		return EVCAN_ERR_INVALID;
	if (len > 0)
		memcpy(made.data, data, len);
	*frame = made;
	return 0;
}

int
evcan_frame_init_remote(struct evcan_frame *frame, uint32_t id,
    unsigned flags, unsigned dlc)
{
	struct evcan_frame made = {
		.id = id, .flags = (uint16_t)(flags | EVCAN_FRAME_RTR)
	};

	if (dlc > MAX_DLC || flags > UINT16_MAX)
		return EVCAN_ERR_INVALID;
	made.dlc = (uint8_t)dlc;
	if (evcan_frame_check(&made, NULL) < 0)
		return EVCAN_ERR_INVALID;
	*frame = made;
	return 0;
}

static bool
near(int64_t a, int64_t b, int64_t delta)
{
	/* Unsigned: the difference of any two fits. */
	const uint64_t apart = a > b ? (uint64_t)a - (uint64_t)b :
	    (uint64_t)b - (uint64_t)a;

	return delta < 0 || apart <= (uint64_t)delta;
}

bool
evcan_frame_equal(const struct evcan_frame *a, const struct evcan_frame *b,
    int64_t delta_ns, unsigned leave_out)
{
	const size_t len = a->len < EVCAN_MAX_DATA ? a->len : EVCAN_MAX_DATA;

	return a->id == b->id && !((a->flags ^ b->flags) & WIRE_FLAGS) &&
	    a->len == b->len && a->dlc == b->dlc &&
	    (a->channel == b->channel ||
	    leave_out & EVCAN_EQUAL_ANY_CHANNEL) &&
	    (a->dir == b->dir || leave_out & EVCAN_EQUAL_ANY_DIRECTION) &&
	    near(a->time_ns, b->time_ns, delta_ns) &&
	    memcmp(a->data, b->data, len) == 0;
}

uint8_t
evcan_frame_length(const struct evcan_frame *frame)
{
	if (!(frame->flags & EVCAN_FRAME_RTR))
		return frame->len;
	return frame->dlc < MAX_CLASSIC_DATA ? frame->dlc : MAX_CLASSIC_DATA;
}

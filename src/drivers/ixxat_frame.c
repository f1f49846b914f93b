/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_frame.c - VCI messages to frames and back; VCI's codes in words */
#include "ixxat.h"

#include <string.h>

#include <evcan/error.h>

/* Codes */

static const struct {
	const char *name, *sentence;
} codes[] = {
	{ "OK", "no error" },
	{ "UNEXPECTED", "an unexpected error" },
	{ "NOT_IMPLEMENTED", "not implemented" },
	{ "OUTOFMEMORY", "out of memory" },
	{ "INVALIDARG", "an argument is not valid" },
	{ "NOINTERFACE", "the device lacks that interface" },
	{ "INVPOINTER", "a pointer is not valid" },
	{ "INVHANDLE", "the handle is not valid (any more)" },
	{ "ABORT", "the operation was aborted" },
	{ "FAIL", "the operation failed" },
	{ "ACCESSDENIED", "another program holds it" },
	{ "TIMEOUT", "no answer in time" },
	{ "BUSY", "the device is busy" },
	{ "PENDING", "the operation is not complete yet" },
	{ "NO_DATA", "there are no data" },
	{ "NO_MORE_ITEMS", "there is no such item" },
	{ "NOT_INITIALIZED", "it is not initialized" },
	{ "ALREADY_INITIALIZED", "it is initialized already" },
	{ "RXQUEUE_EMPTY", "the receive queue is empty" },
	{ "TXQUEUE_FULL", "the transmit queue is full" },
	{ "BUFFER_OVERFLOW", "the buffer is too small" },
	{ "INVALID_STATE", "not possible in this state" },
	{ "OBJECT_ALREADY_EXISTS", "it exists already" },
	{ "INVALID_INDEX", "the index is out of range" },
	{ "END_OF_FILE", "the end of the file" },
	{ "DISCONNECTED", "the device is not connected any more" },
	{ "WRONG_FLASHFWVERSION", "the device needs other firmware" }
};

#define N_CODES (sizeof(codes) / sizeof(codes[0]))

static uint32_t
code_index(int32_t code)
{
	return code == VCI_OK ? 0 : (uint32_t)code - VCI_ERROR_BASE;
}

const char *
evcan_ixxat_code_(int32_t code)
{
	uint32_t i = code_index(code);

	return i < N_CODES ? codes[i].name : "unknown";
}

int
evcan_ixxat_error_(struct evcan_error *err, int code, int32_t vendor,
    const char *what)
{
	uint32_t i = code_index(vendor);

	evcan_error_set(err, code, 0, "%s: %s (VCI_E_%s, %08lX)", what,
	    i < N_CODES ? codes[i].sentence : "an error without a name",
	    evcan_ixxat_code_(vendor), (unsigned long)(uint32_t)vendor);
	err->vendor = vendor;
	return code;
}

/* Frames */

void
evcan_ixxat_message_(const struct evcan_frame *frame, bool echo,
    struct vci_message4 *message)
{
	static const struct {
		unsigned flag;
		uint32_t bit;
	} bits[] = {
		{ EVCAN_FRAME_EXT, VCI_EXT }, { EVCAN_FRAME_RTR, VCI_RTR },
		{ EVCAN_FRAME_FD, VCI_EDL }, { EVCAN_FRAME_BRS, VCI_FDR },
		{ EVCAN_FRAME_ESI, VCI_ESI }
	};
	uint32_t info = VCI_DATA | (uint32_t)frame->dlc << VCI_DLC_SHIFT;

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (frame->flags & bits[i].flag)
			info |= bits[i].bit;
	}
	memset(message, 0, sizeof(*message));
	message->id = frame->id;
	message->info = info | (echo ? VCI_SRR : 0);
	memcpy(message->data, frame->data, frame->len);
}

/* Its counter has 32 bits and goes round. What it should be by now tells
 * which round it is in, however long nothing came. */
static int64_t
device_time(struct evcan_ixxat_port_ *port, uint32_t ticks)
{
	const struct evcan_ixxat_caps_ *caps = &port->caps;
	int64_t now = evcan_now_monotonic();
	uint64_t expected = ticks, cycles;

	if (port->ticking)
		expected = port->ticks + (uint64_t)(
		    (double)(now - port->ticked_ns) / 1e9 *
		    caps->tick_clock / caps->tick_divisor);
	else
		expected |= (uint64_t)1 << 32;   /* may go back a little */
	port->ticking = true;
	port->ticked_ns = now;
	port->ticks = expected + (uint64_t)(int64_t)(int32_t)(ticks -
	    (uint32_t)expected);
	cycles = port->ticks * caps->tick_divisor;
	return (int64_t)(cycles / caps->tick_clock * 1000000000 +
	    cycles % caps->tick_clock * 1000000000 / caps->tick_clock);
}

static void
set_time(struct evcan_ixxat_port_ *port, uint32_t ticks,
    struct evcan_frame *frame)
{
	frame->time_ns = evcan_now_unix();
	frame->clock = EVCAN_CLOCK_HOST;
	if (port->caps.tick_clock == 0 || port->caps.tick_divisor == 0)
		return;
	frame->clock = EVCAN_CLOCK_HARDWARE;
	frame->time_ns = evcan_vendor_time_(&port->clock,
	    device_time(port, ticks), frame->time_ns);
}

static void
set_data(const struct vci_message4 *message, struct evcan_frame *frame)
{
	uint32_t info = message->info;

	frame->id = message->id & (info & VCI_EXT ? EVCAN_MAX_EXT_ID :
	    EVCAN_MAX_STD_ID);
	frame->dlc = info >> VCI_DLC_SHIFT & 0xf;
	frame->len = info & VCI_EDL ? evcan_dlc2len(frame->dlc) :
	    frame->dlc < 8 ? frame->dlc : 8;
	if (info & VCI_EXT)
		frame->flags |= EVCAN_FRAME_EXT;
	if (info & VCI_EDL)
		frame->flags |= EVCAN_FRAME_FD |
		    (info & VCI_FDR ? EVCAN_FRAME_BRS : 0) |
		    (info & VCI_ESI ? EVCAN_FRAME_ESI : 0);
	/* CAN FD has no remote frames. */
	if ((info & VCI_RTR) && !(info & VCI_EDL)) {
		frame->flags |= EVCAN_FRAME_RTR;
		frame->len = 0;
	}
	memcpy(frame->data, message->data, frame->len);
	if (info & VCI_SRR) {
		frame->flags |= EVCAN_FRAME_ECHO;
		frame->dir = EVCAN_DIR_TX;
	}
}

/* SocketCAN's classes and details of a protocol error. */
enum {
	ERR_PROT = 0x08, ERR_ACK = 0x20, ERR_BUS = 0x80,
	PROT_BIT = 1, PROT_FORM = 2, PROT_STUFF = 4,
	LOC_CRC = 0x08, LOC_DLC = 0x0b, LOC_ACK = 0x19
};

static void
set_error(unsigned major, uint8_t code, struct evcan_frame *frame)
{
	static const struct {
		uint8_t id, what, where;
	} errors[] = {
		[1] = { ERR_PROT, PROT_STUFF, 0 },
		[2] = { ERR_PROT, PROT_FORM, 0 },
		[3] = { ERR_PROT | ERR_ACK, 0, LOC_ACK },
		[4] = { ERR_PROT, PROT_BIT, 0 },
		[5] = { ERR_PROT, PROT_BIT, 0 },    /* a fast data bit */
		[6] = { ERR_PROT, 0, LOC_CRC },
		[7] = { ERR_PROT, 0, LOC_DLC }
	};

	frame->flags = EVCAN_FRAME_ERR;
	frame->id = ERR_BUS;
	frame->len = frame->dlc = 8;
	/* VCI 3 says 7 for all others. */
	if (code > (major == 3 ? 6 : 7))
		return;
	frame->id |= errors[code].id;
	frame->data[2] = errors[code].what;
	frame->data[3] = errors[code].where;
}

bool
evcan_ixxat_frame_(struct evcan_ixxat_port_ *port,
    const struct vci_message4 *message, struct evcan_frame *frame)
{
	unsigned type = message->info & VCI_TYPE;

	memset(frame, 0, sizeof(*frame));
	if (type == VCI_TIMERST) {
		/* It counts from 0 again. */
		port->ticking = false;
		memset(&port->clock, 0, sizeof(port->clock));
	}
	/* Others tell the time too, and the first that comes is the best:
	 * the start of the controller. */
	set_time(port, message->time, frame);
	if (type == VCI_DATA)
		set_data(message, frame);
	else if (type == VCI_ERROR)
		set_error(port->version->major, message->data[0], frame);
	return type == VCI_DATA || type == VCI_ERROR;
}

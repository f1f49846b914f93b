/* SPDX-License-Identifier: BSD-3-Clause */
/* nican_status.c - what NI-CAN's statuses mean */
#include "nican.h"

#include <stdio.h>

#include <evcan/error.h>

struct status {
	unsigned code;
	const char *name, *text;
	enum evcan_nican_kind_ kind;
};

static const struct status statuses[] = {
#define ROW(code, kind, name, text) { code, name, text, NICAN_IS_##kind }
	ROW(0x001, QUIET, "CanErrFunctionTimeout", "the time was spent"),
	ROW(0x002, GONE, "CanErrDriver", "the driver of NI-CAN failed"),
	ROW(0x003, PASSING, "CanErrBadNameSyntax",
	    "that is no name of an interface"),
	ROW(0x004, PASSING, "CanErrBadParam", "a value is wrong"),
	ROW(0x005, PASSING, "CanErrBadAttributeValue",
	    "an attribute's value is wrong"),
	ROW(0x006, PASSING, "CanErrAlreadyOpen",
	    "somebody has the interface open, and set up in another way"),
	ROW(0x007, PASSING, "CanErrNotStopped",
	    "not while the interface runs"),
	ROW(0x008, FULL, "CanErrOverflowWrite", "the write queue is full"),
	ROW(0x009, QUIET, "CanWarnOldData", "there is nothing new"),
	ROW(0x00a, PASSING, "CanErrNotSupported",
	    "the adapter cannot do that"),
	ROW(0x00b, COMM, "CanErrComm", "the bus fails"),
	ROW(0x00c, PASSING, "CanWarnTransceiver",
	    "the transceiver tells a fault"),
	ROW(0x015, PASSING, "CanWarnNotificationPending",
	    "a notification is waiting"),
	ROW(0x017, PASSING, "CanErrConfigOnly", "only before it is opened"),
	ROW(0x018, GONE, "CanErrPowerOnSelfTest",
	    "the adapter's self test failed"),
	ROW(0x023, PASSING, "CanErrBadIntfName",
	    "there is no such interface"),
	ROW(0x024, GONE, "CanErrBadHandle",
	    "the handle is not valid any more"),
	ROW(0x028, LOSS, "CanErrOverflowCard", "the card lost frames"),
	ROW(0x02b, COMM, "CanErrCommStuff", "a stuff error"),
	ROW(0x02d, PASSING, "CanErrRsrcLimitQueues",
	    "no memory for such long queues"),
	ROW(0x043, PASSING, "CanErrBadCanObjName",
	    "that is no name of an object"),
	ROW(0x048, LOSS, "CanErrOverflowChip", "the controller lost frames"),
	ROW(0x04b, COMM, "CanErrCommFormat", "a form error"),
	ROW(0x068, LOSS, "CanErrOverflowRxQueue",
	    "the read queue lost frames"),
	ROW(0x06b, COMM, "CanErrCommNoAck", "nobody acknowledges"),
	ROW(0x08b, COMM, "CanErrCommTx1Rx0", "a recessive bit was dominant"),
	ROW(0x0ab, COMM, "CanErrCommTx0Rx1", "a dominant bit was recessive"),
	ROW(0x0cb, COMM, "CanErrCommBadCRC", "a CRC error"),
	ROW(0x0eb, COMM, "CanErrCommUnknown", "an unknown error"),
	ROW(0x103, GONE, "CanErrFirmwareNoResponse",
	    "the adapter does not answer"),
	ROW(0x105, PASSING, "CanErrBadSizeOrLength", "a size is wrong"),
	ROW(0x107, PASSING, "CanErrNotifAlreadyInUse",
	    "there is a notification already"),
	ROW(0x10d, PASSING, "CanErrRequiresNewHwSeries",
	    "an adapter of Series 2 is needed"),
	ROW(0x110, PASSING, "CanErrBothApiSameIntf",
	    "the Channel API has the interface"),
	ROW(0x111, PASSING, "CanErrWaitOverlapsSameObj",
	    "something else waits for it"),
	ROW(0x112, PASSING, "CanErrNotStarted", "the interface does not run"),
	ROW(0x117, PASSING, "CanErrQueueReqdForReadMult",
	    "there is no read queue"),
	ROW(0x118, GONE, "CanErrHardwareInitFailed",
	    "the adapter does not start"),
	ROW(0x119, LOSS, "CanErrOldDataLost", "the read queue lost frames"),
	ROW(0x121, GONE, "CanErrDisconnected", "the adapter is gone"),
	ROW(0x122, PASSING, "CanErrNoTxForListenOnly", "it only listens"),
	ROW(0x123, PASSING, "CanErrSetOnly", "the attribute cannot be read"),
	ROW(0x124, PASSING, "CanErrBadBaudRate", "it has no such bit rate"),
	ROW(0x136, PASSING, "CanErrWriteMultLimit",
	    "too many frames at once")
#undef ROW
};

/* Statuses before 2.0 have other bits for the same: the low five say what,
 * and the qualifier is somewhere else. */
unsigned
evcan_nican_code_(int32_t status)
{
	uint32_t bits = (uint32_t)status;

	if ((bits & 0x3ffff000u) == 0x3ff62000u)
		return bits & 0xfff;
	return (bits & 0xffff) | (bits >> 16 & 0x3fff) << 5;
}

static const struct status *
find_status(int32_t status)
{
	static const struct status unknown = { 0, "an unknown status",
		"see nican.h", NICAN_IS_PASSING };
	unsigned code = evcan_nican_code_(status);

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].code == code)
			return &statuses[i];
	}
	return &unknown;
}

enum evcan_nican_kind_
evcan_nican_kind_of_(int32_t status)
{
	return status >= 0 ? NICAN_IS_QUIET : find_status(status)->kind;
}

bool
evcan_nican_is_comm_(int32_t status)
{
	return status != 0 && find_status(status)->kind == NICAN_IS_COMM;
}

/* The library's own texts have several lines, and may have no end. */
static void
make_line(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ')
			*text = ' ';
	}
}

char *
evcan_nican_say_(const struct evcan_nican_calls_ *calls, int32_t status,
    const char *call, char text[EVCAN_NICAN_SAYS_])
{
	const struct status *known = find_status(status);
	char theirs[200] = "";

	if (known->code == 0 && calls->ncStatusToString != NULL)
		calls->ncStatusToString(status, sizeof(theirs), theirs);
	make_line(theirs, sizeof(theirs));
	snprintf(text, EVCAN_NICAN_SAYS_, "%s gives 0x%08lX (%s: %s)", call,
	    (unsigned long)(uint32_t)status, known->name,
	    theirs[0] != '\0' ? theirs : known->text);
	return text;
}

int
evcan_nican_error_(int32_t status)
{
	switch (evcan_nican_code_(status)) {
	case 0x006:
		return EVCAN_ERR_BUSY;
	case 0x00a: case 0x10d:
		return EVCAN_ERR_UNSUPPORTED;
	default:
		return EVCAN_ERR_OPERATION;
	}
}

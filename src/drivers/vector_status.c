/* SPDX-License-Identifier: BSD-3-Clause */
/* vector_status.c - statuses of the XL Driver Library in words */
#include "vector.h"

#include <stdio.h>

static const struct status {
	int status, code;
	const char *name, *text;
} statuses[] = {
#define ROW(status, code, name, text) \
	{ status, EVCAN_ERR_##code, "XL_ERR_" name, text }
	ROW(1, OPERATION, "PENDING", "it is not done yet"),
	ROW(10, OPERATION, "QUEUE_IS_EMPTY", "nothing was received"),
	ROW(11, FULL, "QUEUE_IS_FULL", "the transmit queue is full"),
	ROW(12, OPERATION, "TX_NOT_POSSIBLE", "sending is not possible now"),
	ROW(14, OPERATION, "NO_LICENSE", "the device has no licence for it"),
	ROW(101, INVALID, "WRONG_PARAMETER", "a value is not allowed"),
	ROW(110, BUSY, "TWICE_REGISTER", "it is registered already"),
	ROW(111, INVALID, "INVALID_CHAN_INDEX", "there is no such channel"),
	ROW(112, BUSY, "INVALID_ACCESS", "no right to set the channel "
	    "up: another program has it, or no bitrate was given"),
	ROW(113, STATE, "PORT_IS_OFFLINE", "the channel is not on the bus"),
	ROW(116, STATE, "CHAN_IS_ONLINE", "the channel is on the bus"),
	ROW(117, UNSUPPORTED, "NOT_IMPLEMENTED", "the library cannot do it"),
	ROW(118, GONE, "INVALID_PORT", "the port is not valid any more"),
	ROW(120, OPERATION, "HW_NOT_READY", "the device does not answer"),
	ROW(121, TIMEOUT, "CMD_TIMEOUT", "the device took too long"),
	ROW(122, OPERATION, "CMD_HANDLING", "the device refused it"),
	ROW(129, GONE, "HW_NOT_PRESENT",
	    "the device is not there, or was taken away"),
	ROW(131, BUSY, "NOTIFY_ALREADY_ACTIVE", "it notifies already"),
	ROW(132, INVALID, "INVALID_TAG", "it knows no such event"),
	ROW(133, INVALID, "INVALID_RESERVED_FLD", "a spare field is not 0"),
	ROW(134, INVALID, "INVALID_SIZE", "a size is wrong"),
	ROW(135, INVALID, "INSUFFICIENT_BUFFER", "a buffer is too small"),
	ROW(136, OPERATION, "ERROR_CRC", "a checksum is wrong"),
	ROW(137, OPERATION, "BAD_EXE_FORMAT", "the firmware is not valid"),
	ROW(138, NOMEM, "NO_SYSTEM_RESOURCES", "the system has none left"),
	ROW(139, NOT_FOUND, "NOT_FOUND", "it was not found"),
	ROW(140, INVALID, "INVALID_ADDRESS", "an address is wrong"),
	ROW(141, OPERATION, "REQ_NOT_ACCEP", "the device refused it"),
	ROW(142, INVALID, "INVALID_LEVEL", "a level is wrong"),
	ROW(143, OPERATION, "NO_DATA_DETECTED", "there are no data"),
	ROW(144, OPERATION, "INTERNAL_ERROR", "an error inside the library"),
	ROW(145, GONE, "UNEXP_NET_ERR", "the network to the device fails"),
	ROW(146, INVALID, "INVALID_USER_BUFFER", "a buffer is not valid"),
	ROW(147, OPERATION, "INVALID_PORT_ACCESS_TYPE",
	    "not with this kind of port"),
	ROW(152, NOMEM, "NO_RESOURCES", "the library has none left"),
	ROW(153, UNSUPPORTED, "WRONG_CHIP_TYPE", "not with this controller"),
	ROW(154, UNSUPPORTED, "WRONG_COMMAND", "the device knows no such "
	    "command"),
	ROW(155, OPERATION, "INVALID_HANDLE", "a handle is not valid"),
	ROW(157, INVALID, "RESERVED_NOT_ZERO", "a spare field is not 0"),
	ROW(158, BUSY, "INIT_ACCESS_MISSING", "no right to set the channel "
	    "up: another program has it, or no bitrate was given"),
	ROW(160, OPERATION, "WRONG_VERSION", "the library, or the driver "
	    "below it, is too old; newer ones come from vector.com"),
	ROW(201, INIT, "CANNOT_OPEN_DRIVER",
	    "Vector's driver is not installed or does not start"),
	ROW(202, INVALID, "WRONG_BUS_TYPE", "the channel is not set to CAN"),
	ROW(203, INIT, "DLL_NOT_FOUND", "a part of the library is missing"),
	ROW(204, INVALID, "INVALID_CHANNEL_MASK", "there is no such channel"),
	ROW(205, UNSUPPORTED, "NOT_SUPPORTED", "the device cannot do it"),
	ROW(210, GONE, "CONNECTION_BROKEN", "the device was taken away"),
	ROW(211, GONE, "CONNECTION_CLOSED", "the device closed it"),
	ROW(213, GONE, "CONNECTION_FAILED", "the device is not reached"),
	ROW(216, OPERATION, "QUEUE_OVERRUN", "a queue was read too late"),
	ROW(255, OPERATION, "ERROR", "it does not say why; an application "
	    "that Vector Hardware Config does not have gives it too"),
	ROW(0x201, INVALID, "INVALID_DLC", "the DLC is not valid"),
	ROW(0x202, INVALID, "INVALID_CANID", "the identifier is not valid"),
	ROW(0x203, INVALID, "INVALID_FDFLAG_MODE20",
	    "the channel is not set to CAN FD"),
	ROW(0x204, INVALID, "EDL_RTR", "CAN FD has no remote frames"),
	ROW(0x205, INVALID, "EDL_NOT_SET", "more than 8 bytes need CAN FD"),
	ROW(0x206, INVALID, "UNKNOWN_FLAG", "it knows no such flag"),
	{ 0, EVCAN_ERR_OPERATION, "an unknown status", "see vxlapi.h" }
#undef ROW
};

static const struct status *
find_status(int status)
{
	const struct status *row = statuses;

	while (row->status != 0 && row->status != status)
		row++;
	return row;
}

char *
evcan_vector_says_(int status, const char *call,
    char text[EVCAN_VECTOR_SAYS_])
{
	const struct status *row = find_status(status);

	snprintf(text, EVCAN_VECTOR_SAYS_, "%s gives %d (%s: %s)", call,
	    status, row->name, row->text);
	return text;
}

int
evcan_vector_code_(int status)
{
	return find_status(status)->code;
}

bool
evcan_vector_is_gone_(int status)
{
	return evcan_vector_code_(status) == EVCAN_ERR_GONE;
}

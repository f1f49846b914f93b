/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_error.c - what the neoVI library says of failures */
#include <stdio.h>

#include <evcan/error.h>

#include "neovi.h"

#define TEXT_MAX 256
/* Of libicsneo: there was no error. */
#define NO_ERROR 0xfffffffdu
/* A list of more than this is one that grows as it is read. */
#define LISTS_MAX 400

/* The library has texts of its own in some versions only. */
static const struct {
	long number;
	int code;
	const char *name, *text;
} errors[] = {
	{ 0x1000, EVCAN_ERR_GONE, "InvalidNeoDevice",
	    "the handle is not valid any more" },
	{ 0x1001, EVCAN_ERR_INVALID, "RequiredParameterNull",
	    "a parameter is missing" },
	{ 0x1004, EVCAN_ERR_INVALID, "ParameterOutOfRange",
	    "a parameter is out of its range" },
	{ 0x1005, EVCAN_ERR_BUSY, "DeviceCurrentlyOpen",
	    "the device is open already" },
	{ 0x1006, EVCAN_ERR_STATE, "DeviceCurrentlyClosed",
	    "the device is not open" },
	{ 0x1008, EVCAN_ERR_STATE, "DeviceCurrentlyOffline",
	    "the device is not on the bus" },
	{ 0x1011, EVCAN_ERR_INVALID, "UnsupportedTXNetwork",
	    "the device has no such network, or cannot send there" },
	{ 0x1012, EVCAN_ERR_INVALID, "MessageMaxLengthExceeded",
	    "the message is too long for this network" },
	{ 0x1014, EVCAN_ERR_OPERATION, "Timeout", "the time was spent" },
	{ NEOVI_RX_OVERFLOW, EVCAN_ERR_OPERATION, "PollingMessageOverflow",
	    "messages were lost, because nobody fetched them" },
	{ 0x2003, EVCAN_ERR_OPERATION, "SettingsReadError",
	    "the device's settings cannot be read" },
	{ 0x2008, EVCAN_ERR_OPERATION, "SettingsReadOnly",
	    "the device's settings cannot be changed" },
	{ 0x2009, EVCAN_ERR_INVALID, "CANSettingsNotAvailable",
	    "the device has no such CAN network" },
	{ 0x2010, EVCAN_ERR_INVALID, "CANFDSettingsNotAvailable",
	    "the device has no such CAN FD network" },
	{ NEOVI_NO_BITRATE, EVCAN_ERR_INVALID, "BaudrateNotFound",
	    "bit rates are 20, 33, 50, 62, 83, 100, 125, 250, 500, 666, 800 "
	    "and 1000 kbit/s, and of data 2, 4, 5, 6.667, 8 and 10 Mbit/s "
	    "too" },
	{ 0x2014, EVCAN_ERR_INVALID, "UnexpectedNetworkType",
	    "the network is not one of CAN" },
	{ 0x2015, EVCAN_ERR_OPERATION, "DeviceFirmwareOutOfDate",
	    "the firmware is too old: Vehicle Spy updates it" },
	{ 0x2018, EVCAN_ERR_OPERATION, "NoDeviceResponse",
	    "the device does not answer" },
	{ 0x2020, EVCAN_ERR_UNSUPPORTED, "CANFDNotSupported",
	    "the device cannot do CAN FD" },
	{ 0x2021, EVCAN_ERR_UNSUPPORTED, "RTRNotSupported",
	    "the device cannot do remote frames" },
	{ NEOVI_DISCONNECTED, EVCAN_ERR_GONE, "DeviceDisconnected",
	    "the device was unplugged, or does not answer" },
	{ 0x3000, EVCAN_ERR_OPERATION, "FailedToRead",
	    "reading from the device fails" },
	{ 0x3001, EVCAN_ERR_OPERATION, "FailedToWrite",
	    "writing to the device fails" },
	{ 0x3002, EVCAN_ERR_INIT, "DriverFailedToOpen",
	    "the device cannot be opened; maybe this user may not" },
	{ NEOVI_TX_FULL, EVCAN_ERR_FULL, "TransmitBufferFull",
	    "there is no room for more to send" },
	{ 0x3006, EVCAN_ERR_BUSY, "DeviceInUse",
	    "another program has the device" }
};

void
evcan_neovi_explain_(const struct evcan_neovi_calls_ *calls, long number,
    struct evcan_neovi_reason_ *reason)
{
	char brief[TEXT_MAX] = "", text[TEXT_MAX] = "";
	int n_brief = TEXT_MAX - 1, n_text = TEXT_MAX - 1;
	int severity = 0, restart = 0;
	size_t i = 0;

	reason->number = number;
	reason->code = EVCAN_ERR_OPERATION;
	while (i < sizeof(errors) / sizeof(errors[0]) &&
	    errors[i].number != number)
		i++;
	if (i < sizeof(errors) / sizeof(errors[0])) {
		reason->code = errors[i].code;
		snprintf(reason->text, sizeof(reason->text), "0x%lX, %s: %s",
		    (unsigned long)number, errors[i].name, errors[i].text);
	} else if (calls->icsneoGetErrorInfo != NULL &&
	    calls->icsneoGetErrorInfo((int)number, brief, text, &n_brief,
	    &n_text, &severity, &restart)) {
		text[TEXT_MAX - 1] = '\0';
		snprintf(reason->text, sizeof(reason->text), "0x%lX: %s%s",
		    (unsigned long)number, text, restart ?
		    "; the device must be opened anew" : "");
	} else {
		snprintf(reason->text, sizeof(reason->text),
		    "0x%lX: an unknown error", (unsigned long)number);
	}
}

void
evcan_neovi_why_(const struct evcan_neovi_port_ *port,
    struct evcan_neovi_reason_ *reason)
{
	unsigned long number = 0;

	if (port->handle != NULL &&
	    port->calls.icsneoGetLastAPIError != NULL &&
	    port->calls.icsneoGetLastAPIError(port->handle, &number) &&
	    number != 0 && number != NO_ERROR) {
		evcan_neovi_explain_(&port->calls, (long)number, reason);
		return;
	}
	reason->number = 0;
	reason->code = EVCAN_ERR_OPERATION;
	snprintf(reason->text, sizeof(reason->text), "no reason is given");
}

int
evcan_neovi_open_error_(const struct evcan_neovi_port_ *port,
    const char *call, const struct evcan_neovi_reason_ *reason,
    struct evcan_error *err)
{
	char device[64];

	evcan_neovi_describe_(&port->device, device, sizeof(device));
	evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: %s fails (%s)", device,
	    call, reason->text);
	if (err != NULL)
		err->vendor = reason->number;
	return EVCAN_ERR_INIT;
}

/* libicsneo looks it up in lists that it changes, without a lock, while
 * another device is opened or closed: one no says nothing. */
bool
evcan_neovi_is_valid_(const struct evcan_neovi_port_ *port)
{
	return port->calls.icsneoValidateHObject == NULL ||
	    port->calls.icsneoValidateHObject(port->handle) ||
	    port->calls.icsneoValidateHObject(port->handle);
}

bool
evcan_neovi_events_(const struct evcan_neovi_port_ *port, uint64_t *lost)
{
	struct evcan_neovi_event_ events[NEOVI_EVENTS];
	size_t n = NEOVI_EVENTS;
	bool there = true;

	*lost = 0;
	if (port->calls.icsneo_getDeviceEvents == NULL)
		return true;
	for (int i = 0; i < LISTS_MAX && n == NEOVI_EVENTS; i++) {
		if (!port->calls.icsneo_getDeviceEvents(port->handle, events,
		    &n))
			break;
		for (size_t j = 0; j < n && j < NEOVI_EVENTS; j++) {
			*lost += events[j].number == NEOVI_RX_OVERFLOW;
			there = there &&
			    events[j].number != NEOVI_DISCONNECTED;
		}
	}
	return there;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi.c - Intrepid's neoVI and ValueCAN by the library icsneolegacy */
#include <stdio.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/driver.h>

#include "neovi.h"

#define RESET_MS 500
#define BITRATE_MAX 1000000

struct neovi {
	struct evcan_vendor_bus_ vendor;
	const char *serial;
	int64_t type_filter;
	bool use_system_timestamp;
	/* Once it is opened or asked about a frame */
	struct evcan_neovi_net_ nets[NEOVI_NETS];
	int n_nets;
};

/* The library */

#define FUNCTION(name, optional) { #name, \
	offsetof(struct evcan_neovi_calls_, name), optional }

static const struct evcan_vendor_symbol_ symbols[] = {
	FUNCTION(icsneoFindDevices, false),
	FUNCTION(icsneoOpenDevice, false),
	FUNCTION(icsneoClosePort, false),
	FUNCTION(icsneoGetMessages, false),
	FUNCTION(icsneoWaitForRxMessagesWithTimeOut, false),
	FUNCTION(icsneoTxMessages, false),
	FUNCTION(icsneoFreeObject, true),
	FUNCTION(icsneoValidateHObject, true),
	FUNCTION(icsneoGetTimeStampForMsg, true),
	FUNCTION(icsneoSetBitRate, true),
	FUNCTION(icsneoSetBitRateEx, true),
	FUNCTION(icsneoSetFDBitRate, true),
	FUNCTION(icsneoEnableNetworkCom, true),
	FUNCTION(icsneoGetLastAPIError, true),
	FUNCTION(icsneoGetErrorMessages, true),
	FUNCTION(icsneoGetErrorInfo, true),
	FUNCTION(icsneoGetDLLVersion, true),
	FUNCTION(icsneo_getDeviceEvents, true),
	FUNCTION(icsneo_setFDBaudrate, true),
	FUNCTION(icsneo_settingsApplyTemporary, true),
	{ NULL, 0, false }
};

static const char *const files[] = { "libicsneolegacy.so", NULL };

static const struct evcan_vendor_library_ library = {
	.name = "Intrepid's icsneolegacy",
	.files = files,
	.variable = "EVCAN_LIB_NEOVI",
	.source = "libicsneo of github.com/intrepidcs, built with CMake",
	.symbols = symbols
};

/* Opening */

static int
add_net(struct neovi *neovi, const char *text, size_t len)
{
	uint16_t id = evcan_neovi_net_id_(text, len);
	int channel = evcan_channel_intern_n(text, len);

	if (id == 0 || neovi->n_nets == NEOVI_NETS)
		return EVCAN_ERR_INVALID;
	if (channel < 0)
		return channel;
	neovi->nets[neovi->n_nets++] = (struct evcan_neovi_net_){ id,
	    (uint16_t)channel };
	return 0;
}

/* "HSCAN", "42", "HSCAN+MSCAN" */
static int
parse_nets(struct evcan_bus *bus, struct evcan_error *err)
{
	struct neovi *neovi = evcan_driver_state(bus);
	const char *text = evcan_driver_common(bus)->channel;
	const char *at = text != NULL ? text : "";
	int r = 0;

	neovi->n_nets = 0;
	while (r == 0 && *at != '\0') {
		size_t len = strcspn(at, "+, ");

		if (len > 0)
			r = add_net(neovi, at, len);
		at += len + (at[len] != '\0');
	}
	if (r < 0 || neovi->n_nets == 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: \"%s\" is "
		    "no network of a neoVI device: HSCAN, HSCAN2 to 7, MSCAN, "
		    "SWCAN, LSFTCAN, DWCAN_01 to 16, or a number, and several "
		    "as HSCAN+MSCAN", evcan_bus_name(bus),
		    text != NULL ? text : "");
	if (neovi->n_nets == 1)
		neovi->nets[0].channel = EVCAN_CHANNEL_NONE;
	return 0;
}

/* Timing and listening are in the library's settings, which differ from device
 * to device and from version to version. */
static int
check_options(struct evcan_bus *bus, struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);

	if (common->bitrate > BITRATE_MAX)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%s: bitrate %lu is more than CAN's 1000000; data_bitrate "
		    "is for the data of CAN FD", evcan_bus_name(bus),
		    (unsigned long)common->bitrate);
	if (common->timing != NULL)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: this library sets bit rates only: bitrate and "
		    "data_bitrate instead of timing", evcan_bus_name(bus));
	if (evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: listen-only is a setting of the device, which "
		    "Vehicle Spy can change, but not this library",
		    evcan_bus_name(bus));
	return 0;
}

static int
check_calls(struct evcan_bus *bus, const struct evcan_neovi_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_neovi_calls_ *calls = &port->calls;
	bool lacks = port->bitrate != 0 && calls->icsneoSetBitRate == NULL &&
	    calls->icsneoSetBitRateEx == NULL;
	bool lacks_fd = port->fd && port->data_bitrate != 0 &&
	    calls->icsneoSetFDBitRate == NULL &&
	    (calls->icsneo_setFDBaudrate == NULL ||
	    calls->icsneo_settingsApplyTemporary == NULL);

	if (!lacks && !lacks_fd)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0, "%s: this "
	    "library cannot set %s; without it the device's own is used",
	    evcan_bus_name(bus), lacks ? "bitrate" : "data_bitrate");
}

static int
fill_port(struct evcan_bus *bus, struct evcan_neovi_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	struct neovi *neovi = evcan_driver_state(bus);
	const char *serial = neovi->serial;
	int r = parse_nets(bus, err);

	if (r == 0)
		r = check_options(bus, err);
	if (r < 0)
		return r;
	port->n_nets = neovi->n_nets;
	memcpy(port->nets, neovi->nets, sizeof(port->nets));
	port->fd = common->fd;
	port->host_time = neovi->use_system_timestamp;
	port->own = neovi->vendor.receive_own_messages;
	port->bitrate = (int)common->bitrate;
	port->data_bitrate = (int)common->data_bitrate;
	port->type = (uint32_t)neovi->type_filter;
	if (serial == NULL || serial[0] == '\0')
		serial = neovi->vendor.device;
	if (serial[0] == '\0')
		return 0;
	port->n_serials = evcan_neovi_serial_numbers_(serial, port->serials);
	return port->n_serials > 0 ? 0 : evcan_error_set(err,
	    EVCAN_ERR_INVALID, 0, "%s: serial \"%s\" is none of a neoVI "
	    "device: six digits and letters, or a number",
	    evcan_bus_name(bus), serial);
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct neovi *neovi = evcan_driver_state(bus);
	struct evcan_neovi_port_ port = { .handle = NULL };
	char key[32] = "neovi", serial[12];
	int r = fill_port(bus, &port, err);

	if (r == 0)
		r = evcan_vendor_load_(&library, neovi->vendor.library,
		    &port.calls, err);
	if (r == 0)
		r = check_calls(bus, &port, err);
	if (r < 0)
		return r;
	neovi->vendor.confirms = true;
	evcan_driver_set_protocol(bus, port.fd ? EVCAN_PROTOCOL_CAN_FD :
	    EVCAN_PROTOCOL_CAN_20);
	/* Not the one that it has found: the last open had the same key. */
	if (neovi->serial != NULL && port.n_serials > 0) {
		evcan_neovi_serial_text_(port.serials[0], serial);
		snprintf(key, sizeof(key), "neovi %s", serial);
	}
	return evcan_vendor_start_(bus, &evcan_neovi_ops_, key, &port, err);
}

/* Frames */

/* Also asked before it is opened; a channel that is wrong is told then. */
static bool
has_channel(struct evcan_bus *bus, uint16_t channel)
{
	const struct neovi *neovi = evcan_driver_state(bus);

	if (neovi->n_nets == 0 && parse_nets(bus, NULL) < 0)
		return true;
	for (int i = 0; i < neovi->n_nets; i++) {
		if (neovi->nets[i].channel == channel)
			return true;
	}
	return neovi->n_nets == 1;
}

static int
check(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_error *err)
{
	if ((frame->flags & EVCAN_FRAME_FD) && !evcan_driver_common(bus)->fd)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "CAN FD frames need the option fd=true");
	if (frame->flags & EVCAN_FRAME_ERR)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a neoVI device cannot send error frames");
	if (!(frame->flags & EVCAN_FRAME_FD) && frame->dlc > 8)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "a neoVI "
		    "device is told bytes, and so cannot send a DLC of %u",
		    frame->dlc);
	if (!has_channel(bus, frame->channel))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "this bus "
		    "has several networks (%s): the frame's channel must be "
		    "one of them, not \"%s\"", evcan_bus_channel(bus),
		    evcan_channel_name(frame->channel));
	return 0;
}

/* Control */

/* The device always reports what it sent. */
static int
want_confirm(struct evcan_bus *bus)
{
	(void)bus;
	return 0;
}

static int
reset(struct evcan_bus *bus, struct evcan_error *err)
{
	return evcan_vendor_reset_(bus, NEOVI_RESET, RESET_MS, err);
}

static void
found(void *context, const struct evcan_neovi_device_ *device)
{
	char serial[12], option[32], text[100], name[64];
	const char *options[] = { option, NULL };

	evcan_neovi_serial_text_(device->serial, serial);
	snprintf(option, sizeof(option), "serial=%s", serial);
	evcan_neovi_describe_(device, name, sizeof(name));
	snprintf(text, sizeof(text), "%s%s%s", name,
	    device->status & 2 ? ", in its boot loader" : "",
	    device->clients > 0 ? ", in use" : "");
	evcan_driver_found(context, "HSCAN", text, options);
}

static void
detect(void *context)
{
	struct evcan_neovi_device_ devices[NEOVI_DEVICES];
	struct evcan_neovi_calls_ calls;
	int n;

	if (evcan_vendor_load_(&library, NULL, &calls, NULL) < 0)
		return;
	n = evcan_neovi_list_(&calls, devices);
	for (int i = 0; i < n; i++)
		found(context, &devices[i]);
}

#define STATE(member) offsetof(struct neovi, member)

static const struct evcan_option options[] = {
	{ "serial", NULL, EVCAN_OPTION_TEXT, NULL, 0, 0, NULL,
	    "serial number of the device, as printed on it or as a number; "
	    "the first that is free unless given, with which it stays", 0,
	    STATE(serial) },
	{ "type_filter", NULL, EVCAN_OPTION_INT, "0", 0, UINT32_MAX, NULL,
	    "look only among devices of this type, the vendor's number "
	    "(0x04000000: neoVI FIRE 2); 0: any", 0, STATE(type_filter) },
	{ "receive_own_messages", NULL, EVCAN_OPTION_BOOL, "true", 0, 0,
	    NULL, "deliver what this bus sends to itself too", 0,
	    STATE(vendor.receive_own_messages) },
	{ "use_system_timestamp", NULL, EVCAN_OPTION_BOOL, "false", 0, 0,
	    NULL, "times of this computer's clock, not of the device's", 0,
	    STATE(use_system_timestamp) },
	{ "library", "override_library_name", EVCAN_OPTION_TEXT, NULL, 0, 0,
	    NULL, "path of the library, instead of libicsneolegacy.so", 0,
	    STATE(vendor.library) },
	EVCAN_VENDOR_ROW_QUEUE_(struct neovi),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_neovi_ = {
	.name = "neovi",
	.summary = "Intrepid's neoVI and ValueCAN, by libicsneo",
	.options = options,
	.state_size = sizeof(struct neovi),
	.caps = EVCAN_CAP_FD | EVCAN_CAP_CONFIRM,
	.open = open,
	.close = evcan_vendor_close_,
	.recv = evcan_vendor_recv_,
	.send = evcan_vendor_send_,
	.ready = evcan_vendor_ready_,
	.deadline = evcan_vendor_deadline_,
	.check = check,
	.want_confirm = want_confirm,
	.flush_tx = evcan_vendor_flush_,
	.reset = reset,
	.detect = detect
};

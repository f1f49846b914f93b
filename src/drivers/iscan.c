/* SPDX-License-Identifier: BSD-3-Clause */
/* iscan.c - Thorsis isCAN adapters by iscandrv
 *
 * The library is known for Windows alone; what is here was proved on a
 * double. It stamps nothing, confirms nothing and cannot just listen. */
#include <stdio.h>
#include <stdlib.h>

#include <evcan/bit_timing.h>
#include <evcan/driver.h>

#include "iscan.h"

#define ASK_MS 500
#define CLOCK 8000000

struct iscan {
	struct evcan_vendor_bus_ vendor;
	double poll_interval;
	bool filtered;             /* the device lets one identifier pass */
};

/* The library */

#define FUNCTION(name, optional) { "isCAN_" #name, \
	offsetof(struct evcan_iscan_calls_, name), optional }

static const struct evcan_vendor_symbol_ symbols[] = {
	FUNCTION(DeviceInitEx, false),
	FUNCTION(CloseDevice, false),
	FUNCTION(TransmitMessageEx, false),
	FUNCTION(ReceiveMessageEx, false),
	FUNCTION(SetMessageExID, true),
	FUNCTION(SetBaudRegister, true),
	FUNCTION(GetDriverConfiguration, true),
	FUNCTION(StartMessageHandler, true),
	FUNCTION(StopMessageHandler, true),
	{ NULL, 0, false }
};

static const char *const no_files[] = { NULL };

/* No call tells its version. One that is too old for frames of both formats
 * lacks the functions whose names end in Ex. */
static const struct evcan_vendor_library_ library = {
	.name = "isCAN",
	.files = no_files,       /* iscandrv.dll elsewhere */
	.variable = "EVCAN_LIB_ISCAN",
	.source = "the driver package of thorsis.com, for Windows alone",
	.symbols = symbols
};

/* Bit rates */

static const struct {
	int32_t bitrate;
	uint8_t code;
} rates[] = {
	{ 10000, 1 }, { 20000, 2 }, { 50000, 3 }, { 100000, 4 },
	{ 125000, 5 }, { 250000, 6 }, { 500000, 7 }, { 800000, 8 },
	{ 1000000, 9 }
};

static int
set_bitrate(struct evcan_bus *bus, struct evcan_iscan_port_ *port,
    int64_t bitrate, struct evcan_error *err)
{
	if (bitrate == 0)
		bitrate = 500000;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		if (rates[i].bitrate == bitrate) {
			port->baud = rates[i].code;
			return 0;
		}
	}
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "%s: isCAN has no "
	    "bitrate %lld, but 10, 20, 50, 100, 125, 250, 500, 800 and 1000 "
	    "kbit/s; others by the option timing", evcan_bus_name(bus),
	    (long long)bitrate);
}

/* Registers of an SJA1000, as it is assumed to be clocked. */
static int
set_timing(struct evcan_bus *bus, struct evcan_iscan_port_ *port,
    struct evcan_error *err)
{
	struct evcan_bit_timing bit;
	int r;

	if (port->calls.SetBaudRegister == NULL)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: this library sets no registers (option timing): it "
		    "lacks isCAN_SetBaudRegister", evcan_bus_name(bus));
	r = evcan_vendor_timing_classic_(bus, CLOCK, &bit, err);
	if (r < 0)
		return r;
	port->registers = true;
	port->baud = ISCAN_OFFLINE;
	port->btr = evcan_bit_timing_btr(&bit);
	return 0;
}

/* Opening */

static int
set_channel(struct evcan_bus *bus, struct evcan_iscan_port_ *port,
    struct evcan_error *err)
{
	const char *text = evcan_driver_common(bus)->channel;
	char *end = NULL;
	long number = -1;

	if (text != NULL && text[0] >= '0' && text[0] <= '9')
		number = strtol(text, &end, 10);
	if (number < 0 || number >= ISCAN_DEVICES || *end != '\0')
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: channel "
		    "\"%s\" is not the number of an isCAN device (0 to %d)",
		    evcan_bus_name(bus), text != NULL ? text : "",
		    ISCAN_DEVICES - 1);
	port->device = (uint8_t)number;
	return 0;
}

static int
fill_port(struct evcan_bus *bus, struct evcan_iscan_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	const struct iscan *iscan = evcan_driver_state(bus);
	int r = set_channel(bus, port, err);

	if (r == 0)
		r = evcan_vendor_load_(&library, iscan->vendor.library,
		    &port->calls, err);
	if (r < 0)
		return r;
	if (evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: isCAN always acknowledges: it has no state=PASSIVE",
		    evcan_bus_name(bus));
	port->poll_ms = (int)(iscan->poll_interval * 1000);
	if (port->poll_ms < 1)
		port->poll_ms = 1;
	return common->timing != NULL ?
	    set_timing(bus, port, err) :
	    set_bitrate(bus, port, common->bitrate, err);
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct iscan *iscan = evcan_driver_state(bus);
	struct evcan_iscan_port_ port = { .wake = { -1, -1 },
		.only_id = ISCAN_ANY_ID };
	char key[16];
	int r = fill_port(bus, &port, err);

	if (r < 0)
		return r;
	iscan->filtered = false;
	evcan_driver_set_protocol(bus, EVCAN_PROTOCOL_CAN_20);
	snprintf(key, sizeof(key), "iscan %d", port.device);
	return evcan_vendor_start_(bus, &evcan_iscan_ops_, key, &port, err);
}

/* While open */

/* The device knows one identifier, of whatever format, or all.
 * @return it, or ISCAN_ANY_ID */
static uint32_t
only_id(const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join)
{
	struct evcan_vendor_pattern_ p[2];

	if (!evcan_vendor_patterns_(filters, n, join, p) ||
	    p[0].care != p[0].full || p[1].care != p[1].full ||
	    (p[0].any && p[1].any && p[0].code != p[1].code))
		return ISCAN_ANY_ID;
	return p[0].any ? p[0].code : p[1].code;
}

static int
set_filters(struct evcan_bus *bus, const struct evcan_filter *filters,
    size_t n, enum evcan_filter_join join)
{
	struct iscan *iscan = evcan_driver_state(bus);
	uint32_t id = only_id(filters, n, join);
	int r;

	if (id == ISCAN_ANY_ID && !iscan->filtered)
		return EVCAN_FILTERS_NONE;
	/* Waited for: frames that pass from now on must not be lost. */
	r = evcan_adapter_ask_(bus, ISCAN_SET_ID, &id, sizeof(id), ASK_MS);
	if (r == 0)
		iscan->filtered = id != ISCAN_ANY_ID;
	else if (r == EVCAN_ERR_TIMEOUT)
		iscan->filtered = true;    /* to be on the safe side */
	return iscan->filtered ? EVCAN_FILTERS_SUPERSET : EVCAN_FILTERS_NONE;
}

static int
bus_reset(struct evcan_bus *bus, struct evcan_error *err)
{
	return evcan_vendor_reset_(bus, ISCAN_RESET, ASK_MS, err);
}

/* Devices that the vendor's set-up gave a number. */
static void
detect(void *context)
{
	static const char *const types[] = { "isCAN", "isCAN USB",
		"isCAN PCI", "isCAN PCMCIA", "isCAN NETCUBE" };
	struct evcan_iscan_calls_ calls;
	struct evcan_iscan_info_ info;
	char channel[8], text[80];

	if (evcan_vendor_load_(&library, NULL, &calls, NULL) < 0 ||
	    calls.GetDriverConfiguration == NULL)
		return;
	for (uint8_t i = 0; i < ISCAN_DEVICES; i++) {
		if (calls.GetDriverConfiguration(i, &info) != 0 ||
		    info.type == 0 || !info.attached)
			continue;
		snprintf(channel, sizeof(channel), "%d", i);
		snprintf(text, sizeof(text), "%s, id %02X%02X%02X%02X%s",
		    types[info.type < 5 ? info.type : 0], info.id[3],
		    info.id[2], info.id[1], info.id[0],
		    info.in_use ? ", in use" : "");
		evcan_driver_found(context, channel, text, NULL);
	}
}

static const struct evcan_option options[] = {
	{ "poll_interval", NULL, EVCAN_OPTION_REAL, "0.01", 0, 10, NULL,
	    "seconds between looks into the device when its library does not "
	    "call; a millisecond at the least", 0,
	    offsetof(struct iscan, poll_interval) },
	EVCAN_VENDOR_ROW_LIBRARY_(struct iscan,
	    "path of iscandrv, which has no usual place here"),
	EVCAN_VENDOR_ROW_QUEUE_(struct iscan),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_iscan_ = {
	.name = "iscan",
	.summary = "Thorsis isCAN adapters by iscandrv: Windows; here proved "
	    "on a double",
	.options = options,
	.state_size = sizeof(struct iscan),
	.open = open,
	.close = evcan_vendor_close_,
	.recv = evcan_vendor_recv_,
	.send = evcan_vendor_send_,
	.ready = evcan_vendor_ready_,
	.deadline = evcan_vendor_deadline_,
	.check = evcan_vendor_check_classic_,
	.set_filters = set_filters,
	.flush_tx = evcan_vendor_flush_,
	.reset = bus_reset,
	.detect = detect
};

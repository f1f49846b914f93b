/* SPDX-License-Identifier: BSD-3-Clause */
/* usb2can.c - 8devices USB2CAN by its CANAL library
 *
 * The library exists for Windows alone; on Linux the kernel's usb_8dev takes
 * its place. What is here was proved on a double. CanalSetFilter only stores
 * what it is given, so filters are core's. */
#include "usb2can.h"

#include <stdio.h>
#include <string.h>

#include <evcan/bit_timing.h>
#include <evcan/error.h>
#include <evcan/frame.h>

#define CLOCK 32000000
#define BITRATE_MAX 1000000

enum { BACKEND_CANAL, BACKEND_USB };

struct usb2can {
	struct evcan_vendor_bus_ vendor;
	const char *serial;
	int64_t flags;
	int backend;
};

/* The library */

#define FUNCTION(name, member, optional) { name, \
	offsetof(struct evcan_usb2can_calls_, member), optional }

static const struct evcan_vendor_symbol_ symbols[] = {
	FUNCTION("CanalOpen", open, false),
	FUNCTION("CanalClose", close, false),
	FUNCTION("CanalGetLevel", level, false),
	FUNCTION("CanalSend", send, false),
	FUNCTION("CanalReceive", receive, false),
	FUNCTION("CanalBlockingReceive", blocking_receive, false),
	FUNCTION("CanalDataAvailable", data_available, false),
	FUNCTION("CanalGetStatus", status, false),
	FUNCTION("CanalGetStatistics", statistics, true),
	FUNCTION("CanalGetVersion", version, true),
	FUNCTION("CanalGetDllVersion", dll_version, true),
	FUNCTION("CanalGetVendorString", vendor_string, true),
	{ NULL, 0, false }
};

static const char *const no_files[] = { NULL };

/* The version is CANAL's. 8devices' own libraries say 1.0.14; messages have
 * been as they are since the first that is public, 1.0.6. */
const struct evcan_vendor_library_ evcan_usb2can_library_ = {
	.name = "USB2CAN's CANAL",
	.files = no_files,       /* usb2can.dll elsewhere */
	.variable = "EVCAN_LIB_USB2CAN",
	.source = "usb2can.dll of 8devices.com, for Windows alone: on Linux "
	    "the kernel's usb_8dev makes it a socketcan interface",
	.symbols = symbols,
	.oldest = { 1, 0 }
};

/* The device's name, and the bit: "ED000001;500" or, with quanta,
 * "ED000001;0;tseg1;tseg2;sjw;brp" */

static bool
is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z');
}

/* As the library does it: marks do not count, nor does case. */
static int
read_serial(const char *text, char *serial, struct evcan_error *err)
{
	const char *given = text;
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (!is_letter_or_digit(*text))
			continue;
		if (n < EVCAN_USB2CAN_SERIAL_)
			serial[n] = *text >= 'a' ? (char)(*text - 'a' + 'A') :
			    *text;
		n++;
	}
	return n == EVCAN_USB2CAN_SERIAL_ ? 0 : evcan_error_set(err,
	    EVCAN_ERR_INIT, 0, "\"%s\" is no serial number of a USB2CAN: it "
	    "has %d letters and digits, as ED000001", given,
	    EVCAN_USB2CAN_SERIAL_);
}

static bool
keep_first(const char *serial, void *arg)
{
	snprintf(arg, 64, "%.63s", serial);
	return false;
}

/* The option, the channel, or the device that it had; neither: none yet. */
static int
given_serial(struct evcan_bus *bus, char *serial, struct evcan_error *err)
{
	const struct usb2can *usb2can = evcan_driver_state(bus);
	const char *text = usb2can->serial;

	if (text == NULL || text[0] == '\0')
		text = evcan_driver_common(bus)->channel;
	if (text == NULL || text[0] == '\0')
		text = usb2can->vendor.device;
	return text[0] == '\0' ? 0 : read_serial(text, serial, err);
}

static int
first_serial(struct evcan_bus *bus, char *serial, struct evcan_error *err)
{
	char found[64] = "";

	evcan_usb2can_find_(EVCAN_USB2CAN_SYSFS_, keep_first, found);
	if (found[0] == '\0')
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: no "
		    "USB2CAN is attached; the channel is one's serial number",
		    evcan_bus_name(bus));
	return read_serial(found, serial, err);
}

static void
write_quanta(struct evcan_usb2can_port_ *port, unsigned tseg1, unsigned tseg2,
    unsigned sjw, unsigned brp)
{
	snprintf(port->device, sizeof(port->device), "%s;0;%u;%u;%u;%u",
	    port->serial, tseg1, tseg2, sjw, brp);
}

/* Other rates than these it takes for 125 kbit/s, without a word. */
static bool
is_known(int64_t bitrate)
{
	static const int64_t known[] = { 125000, 250000, 500000, 800000,
		1000000 };
	size_t i = 0;

	while (i < sizeof(known) / sizeof(known[0]) && known[i] != bitrate)
		i++;
	return i < sizeof(known) / sizeof(known[0]);
}

static int
use_bitrate(struct evcan_usb2can_port_ *port, int64_t bitrate,
    struct evcan_error *err)
{
	const struct evcan_bit_request request = { .f_clock = CLOCK,
		.nominal = { .bitrate = (uint32_t)bitrate,
		.sample_point = 87.5, .limits = { .brp_min = 1,
		.brp_max = 1024, .tseg1_min = 1, .tseg1_max = 16,
		.tseg2_min = 1, .tseg2_max = 8, .sjw_max = 4 } } };
	struct evcan_bit_pair pair;
	int n;

	if (is_known(bitrate)) {
		snprintf(port->device, sizeof(port->device), "%s;%d",
		    port->serial, (int)(bitrate / 1000));
		return 0;
	}
	n = bitrate <= BITRATE_MAX ? evcan_bit_timing_solve(&pair, 1,
	    &request, err) : 0;
	if (n < 0)
		return n;
	if (n == 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "a USB2CAN "
		    "cannot do %lld bit/s: 1 Mbit/s at most, and what divides "
		    "its clock of 32 MHz", (long long)bitrate);
	write_quanta(port, pair.nominal.tseg1, pair.nominal.tseg2,
	    pair.nominal.sjw, pair.nominal.brp);
	return 0;
}

static int
use_timing(struct evcan_bus *bus, struct evcan_usb2can_port_ *port,
    struct evcan_error *err)
{
	struct evcan_bit_timing bit;
	int r = evcan_vendor_timing_classic_(bus, CLOCK, &bit, err);

	if (r == 0)
		write_quanta(port, bit.tseg1, bit.tseg2, bit.sjw, bit.brp);
	return r;
}

/* The loop's side */

static int
check_options(struct evcan_bus *bus, struct evcan_error *err)
{
	const struct usb2can *usb2can = evcan_driver_state(bus);

	if (usb2can->backend == BACKEND_USB)
		return evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "%s: backend=usb comes with a later version; until then "
		    "backend=canal, or on Linux interface socketcan with the "
		    "kernel's driver usb_8dev", evcan_bus_name(bus));
	return 0;
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	const struct usb2can *usb2can = evcan_driver_state(bus);
	struct evcan_usb2can_port_ port = { .flags =
	    (unsigned)usb2can->flags };
	char key[32];
	int r = check_options(bus, err);

	if (r == 0)
		r = given_serial(bus, port.serial, err);
	if (r == 0)
		r = evcan_vendor_load_(&evcan_usb2can_library_,
		    usb2can->vendor.library, &port.calls, err);
	if (r == 0 && port.serial[0] == '\0')
		r = first_serial(bus, port.serial, err);
	if (r == 0 && common->timing != NULL)
		r = use_timing(bus, &port, err);
	else if (r == 0)
		r = use_bitrate(&port, common->bitrate > 0 ? common->bitrate :
		    500000, err);
	if (r < 0)
		return r;
	port.listen_only = evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY;
	port.own = usb2can->vendor.receive_own_messages;
	snprintf(key, sizeof(key), "usb2can %s", port.serial);
	return evcan_vendor_start_(bus, &evcan_usb2can_ops_, key, &port, err);
}

static int
check(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_error *err)
{
	const struct usb2can *usb2can = evcan_driver_state(bus);

	if (usb2can->flags & CANAL_SILENT)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the bus is silent (option flags, bit 0)");
	return evcan_vendor_check_classic_(bus, frame, err);
}

/* The device is closed and opened for it, which may take the library two
 * seconds. The loop does not wait: a failure comes as a loss of the device. */
static int
set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	return evcan_vendor_set_mode_(bus, EVCAN_USB2CAN_MODE_, mode, 0);
}

static int
reset(struct evcan_bus *bus, struct evcan_error *err)
{
	return evcan_vendor_reset_(bus, EVCAN_USB2CAN_RESET_, 0, err);
}

static bool
found(const char *serial, void *context)
{
	evcan_driver_found(context, serial, "8devices USB2CAN", NULL);
	return true;
}

static void
detect(void *context)
{
	struct evcan_usb2can_calls_ calls;

	if (evcan_vendor_load_(&evcan_usb2can_library_, NULL, &calls,
	    NULL) == 0)
		evcan_usb2can_find_(EVCAN_USB2CAN_SYSFS_, found, context);
}

#define ROW(name, aliases, type, fallback, most, choices, member, help) \
	{ name, aliases, EVCAN_OPTION_##type, fallback, 0, most, choices, \
	    help, 0, offsetof(struct usb2can, member) }

static const struct evcan_option options[] = {
	ROW("serial", NULL, TEXT, NULL, 0, NULL, serial, "the device's serial "
	    "number, instead of the channel; neither: the first device"),
	ROW("flags", NULL, INT, "0x00000008", UINT32_MAX, NULL, flags, "sum "
	    "of 1: silent, 2: sent frames come back, 4: no repeated sending, "
	    "8: error frames and states"),
	ROW("backend", NULL, CHOICE, "canal", 0, "canal usb", backend,
	    "canal: 8devices' library; usb comes with a later version"),
	ROW("receive_own_messages", NULL, BOOL, "false", 0, NULL,
	    vendor.receive_own_messages, "deliver what this bus sends to "
	    "itself too, as soon as the library has taken it"),
	ROW("library", "dll", TEXT, NULL, 0, NULL, vendor.library,
	    "path of the CANAL library (usb2can.dll)"),
	EVCAN_VENDOR_ROW_QUEUE_(struct usb2can),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_usb2can_ = {
	.name = "usb2can",
	.summary = "8devices USB2CAN by CANAL: Windows; here proved on a "
	    "double",
	.options = options,
	.state_size = sizeof(struct usb2can),
	.open = open,
	.close = evcan_vendor_close_,
	.recv = evcan_vendor_recv_,
	.send = evcan_vendor_send_,
	.ready = evcan_vendor_ready_,
	.deadline = evcan_vendor_deadline_,
	.check = check,
	.set_mode = set_mode,
	/* What the library has taken it sends. */
	.flush_tx = evcan_vendor_flush_,
	.reset = reset,
	.detect = detect
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* systec.c - SYS TEC's USB-CANmodul by its USBCAN library
 *
 * The library exists for Windows alone; on Linux the vendor's SocketCAN driver
 * takes its place. What is here was proved on a double. */
#include <stdio.h>
#include <string.h>

#include <evcan/bit_timing.h>
#include <evcan/driver.h>
#include <evcan/frame.h>

#include "systec.h"

#define ASK_MS 500
/* Leaving the bus and coming back takes the firmware a while. */
#define MODE_MS 1000
/* What bit timing registers count in: an SJA1000 at 16 MHz. */
#define CLOCK 8000000

struct systec {
	struct evcan_vendor_bus_ vendor;
	int64_t device_number, rx_buffer_entries, tx_buffer_entries;
	int64_t tx_timeout;
	bool high_resolution;
	bool filtered;               /* the module has filters of ours */
	bool confirms;               /* own frames were asked for */
};

/* The library */

#define FUNCTION(name, optional) { #name, \
	offsetof(struct evcan_systec_calls_, name), optional }

static const struct evcan_vendor_symbol_ symbols[] = {
	FUNCTION(UcanGetVersionEx, true),
	FUNCTION(UcanEnumerateHardware, false),
	FUNCTION(UcanInitHwConnectControlEx, true),
	FUNCTION(UcanDeinitHwConnectControl, true),
	FUNCTION(UcanInitHardwareEx, false),
	FUNCTION(UcanGetHardwareInfoEx2, true),
	FUNCTION(UcanInitCanEx2, false),
	FUNCTION(UcanSetAcceptanceEx, true),
	FUNCTION(UcanReadCanMsgEx, false),
	FUNCTION(UcanWriteCanMsgEx, false),
	FUNCTION(UcanGetStatusEx, false),
	FUNCTION(UcanGetCanErrorCounter, true),
	FUNCTION(UcanResetCanEx, true),
	FUNCTION(UcanSetTxTimeout, true),
	FUNCTION(UcanDeinitCanEx, false),
	FUNCTION(UcanDeinitHardware, false),
	{ NULL, 0, false }
};

static const char *const no_files[] = { NULL };

/* By its header's history, functions that name a channel ("Ex") came in 2005,
 * with the modules that have two; that this was version 3 is believed. What a
 * newer one added to structures their sizes tell. */
const struct evcan_vendor_library_ evcan_systec_library_ = {
	.name = "SYS TEC's USBCAN",
	.files = no_files,       /* USBCAN64.DLL and USBCAN32.DLL elsewhere */
	.variable = "EVCAN_LIB_SYSTEC",
	.source = "the USB-CANmodul software of systec-electronic.com, for "
	    "Windows alone: on Linux its SocketCAN driver does the same",
	.symbols = symbols,
	.oldest = { 3, 0 }
};

/* Bit timing */

static const struct {
	int64_t bitrate;
	uint16_t btr;            /* BTR0 << 8 | BTR1 */
} bitrates[] = {
	{ 1000000, 0x0014 }, { 800000, 0x0016 }, { 500000, 0x001c },
	{ 250000, 0x011c }, { 125000, 0x031c }, { 100000, 0x432f },
	{ 50000, 0x472f }, { 20000, 0x532f }, { 10000, 0x672f }
};

#define N_BITRATES (sizeof(bitrates) / sizeof(bitrates[0]))

static int
find_bitrate(struct evcan_bus *bus, uint16_t *btr, struct evcan_error *err)
{
	int64_t bitrate = evcan_driver_common(bus)->bitrate;

	if (bitrate == 0)
		bitrate = 500000;
	for (size_t i = 0; i < N_BITRATES; i++) {
		if (bitrates[i].bitrate == bitrate) {
			*btr = bitrates[i].btr;
			return 0;
		}
	}
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "%s: bitrate %lld "
	    "is not one of 10000, 20000, 50000, 100000, 125000, 250000, "
	    "500000, 800000 and 1000000; the option timing can say others",
	    evcan_bus_name(bus), (long long)bitrate);
}

static int
set_timing(struct evcan_bus *bus, struct evcan_systec_port_ *port,
    struct evcan_error *err)
{
	struct evcan_bit_timing bit;
	uint16_t btr = 0;
	int r;

	if (evcan_driver_common(bus)->timing == NULL) {
		r = find_bitrate(bus, &btr, err);
	} else {
		r = evcan_vendor_timing_classic_(bus, CLOCK, &bit, err);
		if (r == 0)
			btr = evcan_bit_timing_btr(&bit);
	}
	port->btr0 = (uint8_t)(btr >> 8);
	port->btr1 = (uint8_t)btr;
	return r;
}

/* Opening */

static int
read_channel(struct evcan_bus *bus, uint8_t *channel,
    struct evcan_error *err)
{
	const char *text = evcan_driver_common(bus)->channel;

	if (text == NULL || (text[0] != '0' && text[0] != '1') ||
	    text[1] != '\0')
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: channel "
		    "\"%s\" is none of a USB-CANmodul: 0 or 1 (of the module "
		    "that the option device_number names)",
		    evcan_bus_name(bus), text != NULL ? text : "");
	*channel = (uint8_t)(text[0] - '0');
	return 0;
}

/* Any, but for a bus that had one: it comes back to that. */
static uint8_t
choose_device(const struct systec *systec)
{
	unsigned device;

	if (systec->device_number == SYSTEC_ANY &&
	    sscanf(systec->vendor.device, "%u", &device) == 1)
		return (uint8_t)device;
	return (uint8_t)systec->device_number;
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct systec *systec = evcan_driver_state(bus);
	struct evcan_systec_port_ port;
	char key[32];
	int r;

	memset(&port, 0, sizeof(port));
	port.bell.wake.fd = port.bell.wake.write_fd = -1;
	port.filter = (struct evcan_systec_filter_){ UINT32_MAX, 0 };
	port.device = choose_device(systec);
	port.rx_entries = (uint16_t)systec->rx_buffer_entries;
	port.tx_entries = (uint16_t)systec->tx_buffer_entries;
	port.tx_timeout_ms = (uint32_t)systec->tx_timeout;
	port.fine = systec->high_resolution;
	port.echo = systec->vendor.receive_own_messages;
	port.listen_only = evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY;
	r = read_channel(bus, &port.channel, err);
	if (r == 0)
		r = set_timing(bus, &port, err);
	if (r == 0)
		r = evcan_vendor_load_(&evcan_systec_library_,
		    systec->vendor.library, &port.calls, err);
	if (r < 0)
		return r;
	systec->vendor.confirms = true;
	systec->filtered = false;
	systec->confirms = port.echo;
	snprintf(key, sizeof(key), "systec %u %u",
	    (unsigned)systec->device_number, port.channel);
	return evcan_vendor_start_(bus, &evcan_systec_ops_, key, &port, err);
}

/* Filters: both formats go through the same registers, so what they keep out
 * is never all; core drops the rest. */

struct evcan_systec_filter_
evcan_systec_filter_(bool extended, uint32_t from, uint32_t to, bool rtr_only,
    bool rtr_too)
{
	/* The bit behind the identifier tells remote frames. */
	unsigned shift = extended ? 3 : 21;
	uint32_t remote = 1u << (shift - 1);
	struct evcan_systec_filter_ f = { (from ^ to) << shift | (remote - 1),
		(from & to) << shift };

	if (rtr_only)
		f.acr |= remote;
	else if (rtr_too)
		f.amr |= remote;
	return f;
}

/* Of either: a bit counts if both have it, and agree. */
static struct evcan_systec_filter_
unite(struct evcan_systec_filter_ a, struct evcan_systec_filter_ b)
{
	uint32_t care = ~a.amr & ~b.amr & ~(a.acr ^ b.acr);

	return (struct evcan_systec_filter_){ ~care, a.acr & care };
}

static struct evcan_systec_filter_
of_pattern(const struct evcan_vendor_pattern_ *pattern)
{
	uint32_t loose = pattern->full & ~pattern->care;

	return evcan_systec_filter_(pattern->full == EVCAN_MAX_EXT_ID,
	    pattern->code, pattern->code | loose, false, true);
}

static struct evcan_systec_filter_
choose_filter(const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join)
{
	struct evcan_vendor_pattern_ patterns[2];
	struct evcan_systec_filter_ standard, extended;

	evcan_vendor_patterns_(list, n, join, patterns);
	standard = of_pattern(&patterns[0]);
	extended = of_pattern(&patterns[1]);
	if (!patterns[1].any)
		return standard;
	return patterns[0].any ? unite(standard, extended) : extended;
}

static int
ask_filter(struct evcan_bus *bus, const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join)
{
	struct systec *systec = evcan_driver_state(bus);
	struct evcan_systec_filter_ f = choose_filter(list, n, join);
	bool filtered = f.amr != UINT32_MAX;
	int r;

	if (!filtered && !systec->filtered)
		return EVCAN_FILTERS_NONE;
	systec->filtered = true;
	/* Waited for: what passes from now on must not be lost. */
	r = evcan_adapter_ask_(bus, SYSTEC_SET_FILTER, &f, sizeof(f), ASK_MS);
	if (r == 0)
		systec->filtered = filtered;
	return r == 0 && filtered ? EVCAN_FILTERS_SUPERSET :
	    EVCAN_FILTERS_NONE;
}

/* Nothing says whether own frames are filtered too, so they are not at
 * risk. */
static int
set_filters(struct evcan_bus *bus, const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join)
{
	const struct systec *systec = evcan_driver_state(bus);

	return ask_filter(bus, list, systec->confirms ? 0 : n, join);
}

static int
want_confirm(struct evcan_bus *bus)
{
	struct systec *systec = evcan_driver_state(bus);
	int r = 0;

	if (!systec->confirms)
		r = evcan_adapter_ask_(bus, SYSTEC_SET_ECHO, NULL, 0, ASK_MS);
	if (r < 0)
		return r;
	systec->confirms = true;
	ask_filter(bus, NULL, 0, EVCAN_FILTER_OR);
	evcan_driver_set_filtering(bus, EVCAN_FILTERS_NONE);
	return 0;
}

/* Control */

static int
set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	return evcan_vendor_set_mode_(bus, SYSTEC_SET_MODE, mode, MODE_MS);
}

static int
flush_tx(struct evcan_bus *bus)
{
	evcan_vendor_flush_(bus);
	return evcan_adapter_ask_(bus, SYSTEC_FLUSH, NULL, 0, ASK_MS);
}

static int
reset(struct evcan_bus *bus, struct evcan_error *err)
{
	return evcan_vendor_reset_(bus, SYSTEC_RESET, ASK_MS, err);
}

/* Detecting: the library calls back before the call returns. */

static void
on_found(uint32_t index, int32_t used, struct evcan_systec_hardware_ *hardware,
    struct evcan_systec_found_ *init, void *context)
{
	char option[32], module[80], text[120], channel[12];
	const char *options[] = { option, NULL };

	(void)index;
	(void)init;
	snprintf(option, sizeof(option), "device_number=%u",
	    hardware->device);
	evcan_systec_describe_(hardware, module, sizeof(module));
	for (int i = 0; i < SYSTEC_CHANNELS; i++) {
		if (!evcan_systec_has_channel_(hardware->product, i))
			continue;
		snprintf(channel, sizeof(channel), "%d", i);
		snprintf(text, sizeof(text), "%s, CH %d%s", module, i,
		    used ? ", in use" : "");
		evcan_driver_found(context, channel, text, options);
	}
}

static void
detect(void *context)
{
	struct evcan_systec_calls_ calls;
	struct evcan_error err;

	evcan_error_clear(&err);
	if (evcan_vendor_load_(&evcan_systec_library_, NULL, &calls,
	    &err) == 0)
		calls.UcanEnumerateHardware(on_found, context, 1, 0, UINT8_MAX,
		    0, UINT32_MAX, 0, UINT32_MAX);
}

#define ROW(n, t, fallback, min, max, help) { #n, NULL, EVCAN_OPTION_##t, \
	fallback, min, max, NULL, help, 0, offsetof(struct systec, n) }

static const struct evcan_option options[] = {
	ROW(device_number, INT, "255", 0, 255, "number stored in the module; "
	    "255: any with the channel free, of those open here already or "
	    "else the first found"),
	EVCAN_VENDOR_ROW_OWN_(struct systec),
	ROW(rx_buffer_entries, INT, "4096", 1, UINT16_MAX,
	    "messages that the library keeps until they are read"),
	ROW(tx_buffer_entries, INT, "4096", 1, UINT16_MAX,
	    "messages that the library keeps until they are sent"),
	ROW(tx_timeout, INT, "0", 0, INT32_MAX, "ms after which the module "
	    "deletes a frame that the bus did not take; 0: never"),
	ROW(high_resolution, BOOL, "false", 0, 0, "time stamps of 100 us "
	    "instead of 1 ms (modules of the fourth generation)"),
	EVCAN_VENDOR_ROW_LIBRARY_(struct systec,
	    "path of the library USBCAN64 or USBCAN32"),
	EVCAN_VENDOR_ROW_QUEUE_(struct systec),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_systec_ = {
	.name = "systec",
	.summary = "SYS TEC USB-CANmodul: Windows (proved on a double)",
	.options = options,
	.state_size = sizeof(struct systec),
	.caps = EVCAN_CAP_CONFIRM,
	.open = open,
	.close = evcan_vendor_close_,
	.recv = evcan_vendor_recv_,
	.send = evcan_vendor_send_,
	.ready = evcan_vendor_ready_,
	.deadline = evcan_vendor_deadline_,
	.check = evcan_vendor_check_classic_,
	.set_filters = set_filters,
	.want_confirm = want_confirm,
	.set_mode = set_mode,
	.flush_tx = flush_tx,
	.reset = reset,
	.detect = detect
};

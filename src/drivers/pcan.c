/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan.c - adapters of PEAK-System behind PCAN-Basic
 *
 * python-can's status() is the bus's state and, for what no state says, its
 * last error (evcan_bus_error(): number, name and sentence); status_is_ok()
 * is "active, and no error". */
#include "pcan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/frame.h>

/* The loop waits so long for what must be done when it goes on. */
#define WAIT_MS 100
/* A reset takes half a second. */
#define RESET_MS 700

struct pcan {
	struct evcan_vendor_bus_ vendor;
	/* Options */
	struct evcan_pcan_bits_ bits;
	int64_t device_id;
	bool auto_reset;
	/* While open */
	bool echo;                   /* echoes may come */
	bool confirms, no_echo;      /* they do; the device has none */
	bool filtered;               /* the device drops frames */
};

static const char *const files[] = { "libpcanbasic.so.4", "libpcanbasic.so",
	NULL };

#define CALL(name, member, optional) \
	{ name, offsetof(struct evcan_pcan_calls_, member), optional }

static const struct evcan_vendor_symbol_ symbols[] = {
	CALL("CAN_Initialize", initialize, false),
	CALL("CAN_InitializeFD", initialize_fd, true),
	CALL("CAN_Uninitialize", uninitialize, false),
	CALL("CAN_Reset", reset, false),
	CALL("CAN_GetStatus", get_status, false),
	CALL("CAN_Read", read, false),
	CALL("CAN_ReadFD", read_fd, true),
	CALL("CAN_Write", write, false),
	CALL("CAN_WriteFD", write_fd, true),
	CALL("CAN_GetValue", get_value, false),
	CALL("CAN_SetValue", set_value, false),
	{ NULL, 0, false }
};

static const struct evcan_vendor_library_ library = {
	.name = "PCAN-Basic",
	.files = files,
	.variable = "EVCAN_LIB_PCAN",
	.source = "peak-system.com: libpcanbasic in the source of PEAK's "
	    "driver for Linux",
	.symbols = symbols
};

/* Opening */

static int
fill_port(struct evcan_bus *bus, struct evcan_pcan_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	const struct pcan *pcan = evcan_driver_state(bus);
	const char *channel = common->channel;

	if (channel == NULL || channel[0] == '\0')
		channel = "PCAN_USBBUS1";
	port->channel = evcan_pcan_channel_(channel);
	if (port->channel == 0 && pcan->device_id < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "there is no PCAN channel \"%s\": PCAN_USBBUS1 to 16, "
		    "PCIBUS, PCCBUS, LANBUS, ISABUS, DNGBUS, or a number as "
		    "0x51; evcan detect shows those attached", channel);
	evcan_pcan_name_(port->channel, port->name);
	port->device_id = pcan->device_id;
	port->listen_only = evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY;
	port->own = pcan->vendor.receive_own_messages;
	port->auto_reset = pcan->auto_reset;
	port->event_fd = -1;
	return evcan_pcan_set_bits_(port, common, &pcan->bits, err);
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct pcan *pcan = evcan_driver_state(bus);
	struct evcan_pcan_port_ port = { .device_id = -1 };
	char key[48];
	int r = fill_port(bus, &port, err);

	if (r == 0)
		r = evcan_vendor_load_(&library, pcan->vendor.library,
		    &port.calls, err);
	if (r < 0)
		return r;
	if (port.fd && (port.calls.initialize_fd == NULL ||
	    port.calls.read_fd == NULL || port.calls.write_fd == NULL))
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "this PCAN-Basic is too old for CAN FD: 4.0 or later");
	/* Opening fails if these are wanted and the device has none. */
	pcan->echo = pcan->confirms = pcan->vendor.receive_own_messages;
	pcan->no_echo = pcan->filtered = false;
	pcan->vendor.confirms = true;
	evcan_driver_set_protocol(bus, port.fd ? EVCAN_PROTOCOL_CAN_FD :
	    EVCAN_PROTOCOL_CAN_20);
	if (port.device_id >= 0)
		snprintf(key, sizeof(key), "pcan device %lld",
		    (long long)port.device_id);
	else
		snprintf(key, sizeof(key), "pcan %s", port.name);
	return evcan_vendor_start_(bus, &evcan_pcan_ops_, key, &port, err);
}

/* Frames */

static int
check(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_error *err)
{
	if (!(frame->flags & EVCAN_FRAME_FD))
		return evcan_vendor_check_classic_(bus, frame, err);
	return evcan_bus_protocol(bus) == EVCAN_PROTOCOL_CAN_FD ? 0 :
	    evcan_error_set(err, EVCAN_ERR_INVALID, 0, "a CAN FD frame needs "
	    "the option fd=true");
}

/* Filters */

static uint64_t
acceptance(const struct evcan_vendor_pattern_ *pattern)
{
	return (uint64_t)pattern->code << 32 |
	    (~pattern->care & pattern->full);
}

static int
ask_filter(struct evcan_bus *bus,
    const struct evcan_vendor_pattern_ patterns[2], bool filtered)
{
	struct pcan *pcan = evcan_driver_state(bus);
	uint64_t value[2] = { acceptance(&patterns[0]),
		acceptance(&patterns[1]) };
	bool was = pcan->filtered;
	int r;

	pcan->filtered = filtered;
	if (!was && !pcan->filtered)
		return EVCAN_FILTERS_NONE;
	/* What was dropped so far may be wanted from now on. */
	r = evcan_adapter_ask_(bus, PCAN_ASK_FILTER, value, sizeof(value),
	    was ? WAIT_MS : 0);
	if (r < 0 && r != EVCAN_ERR_TIMEOUT) {
		pcan->filtered = was;
		if (was)
			evcan_driver_error(bus, r, 0, "%s: the device still "
			    "has its old filters", evcan_bus_name(bus));
	}
	return pcan->filtered ? EVCAN_FILTERS_SUPERSET : EVCAN_FILTERS_NONE;
}

/* The device has one pattern a format: core does the rest. It does not say
 * what becomes of echoes, so with these it drops nothing. */
static int
set_filters(struct evcan_bus *bus, const struct evcan_filter *filters,
    size_t n, enum evcan_filter_join join)
{
	const struct pcan *pcan = evcan_driver_state(bus);
	struct evcan_vendor_pattern_ patterns[2];
	bool filtered = evcan_vendor_patterns_(filters, pcan->echo ? 0 : n,
	    join, patterns);

	return ask_filter(bus, patterns, filtered);
}

/* Control */

static int
want_confirm(struct evcan_bus *bus)
{
	struct pcan *pcan = evcan_driver_state(bus);
	int r = EVCAN_ERR_UNSUPPORTED;

	if (!pcan->confirms && !pcan->no_echo)
		r = evcan_adapter_ask_(bus, PCAN_ASK_ECHO, NULL, 0, WAIT_MS);
	if (pcan->confirms || r == 0) {
		pcan->echo = pcan->confirms = true;
		evcan_driver_set_filtering(bus, (enum evcan_filtering)
		    set_filters(bus, NULL, 0, EVCAN_FILTER_OR));
		return 0;
	}
	/* One that does not answer now may do it later. */
	pcan->echo = r == EVCAN_ERR_TIMEOUT;
	pcan->no_echo = r == EVCAN_ERR_UNSUPPORTED;
	return r;
}

/* Sends that the device forgot are not waited for. */
static int
forgot(struct evcan_bus *bus, int r)
{
	if (evcan_bus_is_open(bus) && (r == 0 || r == EVCAN_ERR_TIMEOUT))
		evcan_driver_lost(bus, 0, EVCAN_LOSS_DEVICE);
	return r;
}

/* Both of these make it forget them. */
static int
set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	return forgot(bus, evcan_vendor_set_mode_(bus, PCAN_ASK_MODE, mode,
	    WAIT_MS));
}

static int
reset(struct evcan_bus *bus, struct evcan_error *err)
{
	return forgot(bus, evcan_vendor_reset_(bus, PCAN_ASK_RESET, RESET_MS,
	    err));
}

static int
identify(struct evcan_bus *bus, bool on)
{
	return evcan_adapter_ask_(bus, PCAN_ASK_IDENTIFY, &on, sizeof(on), 0);
}

/* Detecting */

static void
found(void *context, const struct evcan_pcan_found_ *channel)
{
	char name[EVCAN_PCAN_NAME_], text[120];

	snprintf(text, sizeof(text), "%.33s, device %u, controller %u%s%s",
	    channel->name, (unsigned)channel->device_id, channel->controller,
	    channel->features & 1 ? ", CAN FD" : "",
	    channel->condition == 1 ? "" : ", in use");
	evcan_driver_found(context, evcan_pcan_name_(channel->channel, name),
	    text, NULL);
}

/* Libraries before 4.4 cannot list: each channel is asked. */
static void
probe(void *context, const struct evcan_pcan_calls_ *calls)
{
	struct evcan_pcan_found_ channel = { 0 };

	for (size_t i = 0; (channel.channel = evcan_pcan_channel_at_(i)) != 0;
	    i++) {
		channel.condition = 0;
		if (calls->get_value(channel.channel, PCAN_CHANNEL_CONDITION,
		    &channel.condition, sizeof(uint32_t)) != 0 ||
		    channel.condition == 0)
			continue;
		calls->get_value(channel.channel, PCAN_HARDWARE_NAME,
		    channel.name, sizeof(channel.name));
		calls->get_value(channel.channel, PCAN_DEVICE_ID,
		    &channel.device_id, sizeof(uint32_t));
		found(context, &channel);
	}
}

static void
detect(void *context)
{
	struct evcan_pcan_calls_ calls;
	struct evcan_pcan_found_ *list;
	uint32_t n;

	if (evcan_vendor_load_(&library, NULL, &calls, NULL) < 0)
		return;
	if (evcan_pcan_list_(&calls, &list, &n) == EVCAN_ERR_UNSUPPORTED)
		probe(context, &calls);
	for (uint32_t i = 0; i < n; i++)
		found(context, &list[i]);
	free(list);
}

#define STATE(member) offsetof(struct pcan, member)
#define BITS(name, max, help) \
	{ #name, NULL, EVCAN_OPTION_INT, NULL, 0, max, NULL, help, 0, \
	    STATE(bits.name) }

static const struct evcan_option options[] = {
	{ "device_id", NULL, EVCAN_OPTION_INT, "-1", -1, UINT32_MAX, NULL,
	    "number stored in the device, looked for instead of a channel; "
	    "-1: none", 0, STATE(device_id) },
	EVCAN_VENDOR_ROW_OWN_(struct pcan),
	{ "auto_reset", NULL, EVCAN_OPTION_BOOL, "false", 0, 0, NULL,
	    "come back from bus-off by itself", 0, STATE(auto_reset) },
	BITS(f_clock, 80000000, "CAN FD: clock in Hz: 20, 24, 30, 40, 60 or "
	    "80 million; the bits by bitrate and data_bitrate, or by the "
	    "eight keys below"),
	BITS(f_clock_mhz, 80, "CAN FD: the same clock in MHz"),
	BITS(nom_brp, 1024, "CAN FD: prescaler of the nominal bit"),
	BITS(nom_tseg1, 256, "CAN FD: quanta before the sample point"),
	BITS(nom_tseg2, 128, "CAN FD: quanta after the sample point"),
	BITS(nom_sjw, 128, "CAN FD: jump width in quanta"),
	BITS(data_brp, 1024, "CAN FD: prescaler of a data bit"),
	BITS(data_tseg1, 32, "CAN FD: data quanta before the sample point"),
	BITS(data_tseg2, 16, "CAN FD: data quanta after the sample point"),
	BITS(data_sjw, 16, "CAN FD: data jump width in quanta"),
	EVCAN_VENDOR_ROW_LIBRARY_(struct pcan,
	    "path of PCAN-Basic, instead of where it is usually found"),
	EVCAN_VENDOR_ROW_QUEUE_(struct pcan),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_pcan_ = {
	.name = "pcan",
	.summary = "PEAK-System adapters (PCAN-USB, PCI, ...) by PCAN-Basic",
	.options = options,
	.state_size = sizeof(struct pcan),
	.caps = EVCAN_CAP_FD | EVCAN_CAP_CONFIRM,
	.open = open,
	.close = evcan_vendor_close_,
	.recv = evcan_vendor_recv_,
	.send = evcan_vendor_send_,
	.ready = evcan_vendor_ready_,
	.deadline = evcan_vendor_deadline_,
	.check = check,
	.set_filters = set_filters,
	.want_confirm = want_confirm,
	.set_mode = set_mode,
	.flush_tx = evcan_vendor_flush_,     /* the library has none */
	.reset = reset,
	.identify = identify,
	.detect = detect
};

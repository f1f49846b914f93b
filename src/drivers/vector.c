/* SPDX-License-Identifier: BSD-3-Clause */
/* vector.c - Vector's adapters by the XL Driver Library
 *
 * The library exists for Windows alone. What is here was proved on a double
 * of it. A port of the library can have several channels; here each has a bus
 * of its own. */
#include "vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 500

struct vector {
	struct evcan_vendor_bus_ vendor;
	const char *app_name;
	int64_t serial, channel_index, queue;
	int64_t sjw_abr, tseg1_abr, tseg2_abr, sjw_dbr, tseg1_dbr, tseg2_dbr;
	double poll_interval;
	bool listen_only;
	bool filtered;               /* the device has filters of ours */
	bool confirms;               /* its receipts were asked for */
};

/* The library */

#define FUNCTION(name, optional) { #name, \
	offsetof(struct evcan_vector_calls_, name), optional }

static const struct evcan_vendor_symbol_ symbols[] = {
	FUNCTION(xlOpenDriver, false),
	FUNCTION(xlCloseDriver, false),
	FUNCTION(xlGetDriverConfig, false),
	FUNCTION(xlGetApplConfig, false),
	FUNCTION(xlGetChannelIndex, false),
	FUNCTION(xlOpenPort, false),
	FUNCTION(xlClosePort, false),
	FUNCTION(xlActivateChannel, false),
	FUNCTION(xlDeactivateChannel, false),
	FUNCTION(xlSetNotification, true),
	FUNCTION(xlGetSyncTime, true),
	FUNCTION(xlGetChannelTime, true),
	FUNCTION(xlReceive, false),
	FUNCTION(xlCanReceive, true),
	FUNCTION(xlCanSetChannelOutput, false),
	FUNCTION(xlCanSetChannelMode, false),
	FUNCTION(xlCanSetChannelParams, false),
	FUNCTION(xlCanSetChannelParamsC200, false),
	FUNCTION(xlCanSetChannelBitrate, false),
	FUNCTION(xlCanFdSetConfiguration, true),
	FUNCTION(xlCanTransmit, false),
	FUNCTION(xlCanTransmitEx, true),
	FUNCTION(xlCanFlushTransmitQueue, false),
	FUNCTION(xlCanSetChannelAcceptance, false),
	FUNCTION(xlCanRequestChipState, false),
	{ NULL, 0, false }
};

static const char *const no_files[] = { NULL };

/* By the notes that come with each release: since 5.7 (June 2006) the silent
 * output mode is what it is now; CAN FD came with 9.0, and the calls for it
 * are optional here. Copies of other vendors say they are 6.7. */
const struct evcan_vendor_library_ evcan_vector_library_ = {
	.name = "Vector's XL Driver Library",
	.files = no_files,       /* vxlapi64.dll and vxlapi.dll elsewhere */
	.variable = "EVCAN_LIB_VECTOR",
	.source = "the XL Driver Library of vector.com, for Windows alone",
	.symbols = symbols,
	.oldest = { 5, 7 }
};

static bool
has_fd(const struct evcan_vector_calls_ *calls)
{
	return calls->xlCanReceive != NULL &&
	    calls->xlCanTransmitEx != NULL &&
	    calls->xlCanFdSetConfiguration != NULL;
}

/* Bit timing, in the loop's thread */

static const uint32_t classic_clocks[] = { 16000000, 8000000 };
static const uint32_t fd_clocks[] = { 80000000 };

static void
use_fd(struct evcan_vector_port_ *port,
    const struct evcan_bit_timing_fd *timing)
{
	port->bits = VECTOR_BITS_FD;
	port->version = XL_FLEXIBLE;
	port->fd = (struct xl_fd_conf){
		.bitrate = evcan_bit_timing_fd_nominal(timing),
		.sjw = timing->nom_sjw,
		.tseg1 = timing->nom_tseg1,
		.tseg2 = timing->nom_tseg2,
		.data_bitrate = evcan_bit_timing_fd_data(timing),
		.data_sjw = timing->data_sjw,
		.data_tseg1 = timing->data_tseg1,
		.data_tseg2 = timing->data_tseg2
	};
}

/* Clocks of 16 MHz take segments, those of 8 MHz an SJA1000's registers. */
static void
use_classic(struct evcan_vector_port_ *port,
    const struct evcan_bit_timing *timing)
{
	port->bits = timing->f_clock == classic_clocks[0] ?
	    VECTOR_BITS_16_MHZ : VECTOR_BITS_8_MHZ;
	port->bitrate = evcan_bit_timing_bitrate(timing);
	port->classic = *timing;
}

static uint32_t
clock_of(const struct evcan_timing *timing)
{
	return timing->fd ? timing->flexible.f_clock :
	    timing->classic.f_clock;
}

static int
adjust_clock(struct evcan_bus *bus, struct evcan_timing *timing,
    struct evcan_error *err)
{
	uint32_t before = clock_of(timing);
	int r = timing->fd ? evcan_timing_adjust_clock(timing, fd_clocks, 1,
	    err) : evcan_timing_adjust_clock(timing, classic_clocks, 2, err);

	if (r < 0 && err != NULL)
		err->code = EVCAN_ERR_INVALID;
	if (r > 0)
		evcan_log(EVCAN_LOG_WARNING, "vector", "%s: timing is for a "
		    "clock of %.6g MHz, so it is computed anew, with the same "
		    "bit rate and about the same sample point, for the "
		    "device's; to choose the bits, give timing with "
		    "f_clock=%lu", evcan_bus_name(bus), before / 1e6,
		    (unsigned long)clock_of(timing));
	return r < 0 ? EVCAN_ERR_INVALID : 0;
}

static int
use_timing(struct evcan_bus *bus, struct evcan_vector_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	struct evcan_timing timing;
	int r = evcan_timing_parse(&timing, common->timing, err);

	if (r == 0 && common->fd && !timing.fd)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0, "%s: option fd "
		    "needs timing with nom_ and data_ keys, this one is of "
		    "classic CAN", evcan_bus_name(bus));
	if (r == 0)
		r = adjust_clock(bus, &timing, err);
	if (r < 0)
		return r;
	if (timing.fd)
		use_fd(port, &timing.flexible);
	else
		use_classic(port, &timing.classic);
	return 0;
}

static int
use_segments(struct evcan_bus *bus, struct evcan_vector_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	const struct vector *v = evcan_driver_state(bus);
	int64_t bitrate = common->bitrate > 0 ? common->bitrate : 500000;
	int64_t data = common->data_bitrate > 0 ? common->data_bitrate :
	    bitrate;
	struct evcan_bit_timing_fd timing = {
		.f_clock = fd_clocks[0],
		.nom_tseg1 = (uint16_t)v->tseg1_abr,
		.nom_tseg2 = (uint16_t)v->tseg2_abr,
		.nom_sjw = (uint16_t)v->sjw_abr,
		.data_tseg1 = (uint16_t)v->tseg1_dbr,
		.data_tseg2 = (uint16_t)v->tseg2_dbr,
		.data_sjw = (uint16_t)v->sjw_dbr
	};
	struct evcan_error why = { 0 };

	if (evcan_bit_timing_fd_from_bitrate_and_segments(&timing,
	    (uint32_t)bitrate, (uint32_t)data, false, &why) < 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "%s: bitrate "
		    "%lld and data_bitrate %lld cannot be had from 80 MHz "
		    "with these segments (%s); set tseg1_abr, tseg2_abr, "
		    "tseg1_dbr and tseg2_dbr, or timing", evcan_bus_name(bus),
		    (long long)bitrate, (long long)data, why.text);
	use_fd(port, &timing);
	return 0;
}

static int
set_bits(struct evcan_bus *bus, struct evcan_vector_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);

	port->version = XL_CLASSIC;
	if (common->timing != NULL)
		return use_timing(bus, port, err);
	if (common->fd)
		return use_segments(bus, port, err);
	if (common->bitrate > 1000000)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "bitrate "
		    "%lld is more than 1000000, the most without fd=true",
		    (long long)common->bitrate);
	if (common->bitrate > 0)
		port->bits = VECTOR_BITS_RATE;
	port->bitrate = (uint32_t)common->bitrate;
	return 0;
}

/* Opening */

static int
parse_channel(struct evcan_bus *bus, uint32_t *channel,
    struct evcan_error *err)
{
	const char *text = evcan_driver_common(bus)->channel;
	char *end = NULL;
	long number = -1;

	if (text != NULL && text[0] >= '0' && text[0] <= '9')
		number = strtol(text, &end, 10);
	if (number < 0 || number > 1000 || *end != '\0')
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: channel "
		    "\"%s\" is not the number of one Vector channel (0, 1 "
		    "...); several of them are several buses",
		    evcan_bus_name(bus), text != NULL ? text : "");
	*channel = (uint32_t)number;
	return 0;
}

/* The library's receive queue: events, or bytes of CAN FD's events; powers of
 * two. One that holds more than was asked for does no harm. */
static int
set_queue(struct evcan_bus *bus, struct evcan_vector_port_ *port,
    struct evcan_error *err)
{
	const struct vector *v = evcan_driver_state(bus);
	bool fd = port->version == XL_FLEXIBLE;
	uint32_t size = fd ? 8192 : 16, most = fd ? 524288 : 32768;
	int64_t wanted = v->queue > 0 ? v->queue : fd ? most : 16384;

	while (size < wanted && size < most)
		size *= 2;
	if (size < wanted)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: "
		    "rx_queue_size %lld is more than the library's %u events "
		    "of classic CAN", evcan_bus_name(bus), (long long)wanted,
		    (unsigned)most);
	port->queue = size;
	return 0;
}

static int
set_application(struct evcan_bus *bus, struct evcan_vector_port_ *port,
    struct evcan_error *err)
{
	const struct vector *v = evcan_driver_state(bus);
	int n = snprintf(port->app, sizeof(port->app), "%s",
	    v->app_name != NULL ? v->app_name : "");

	return n < (int)sizeof(port->app) ? 0 : evcan_error_set(err,
	    EVCAN_ERR_INIT, 0, "%s: app_name \"%s\" has more than the 31 "
	    "characters that Vector Hardware Config allows",
	    evcan_bus_name(bus), v->app_name);
}

static int
fill_port(struct evcan_bus *bus, struct evcan_vector_port_ *port,
    struct evcan_error *err)
{
	const struct vector *v = evcan_driver_state(bus);
	int r = parse_channel(bus, &port->channel, err);

	if (r == 0)
		r = set_bits(bus, port, err);
	if (r == 0)
		r = set_queue(bus, port, err);
	if (r == 0)
		r = set_application(bus, port, err);
	port->index = v->channel_index;
	port->serial = v->serial;
	port->silent = v->listen_only ||
	    evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY;
	port->own = v->vendor.receive_own_messages;
	/* Who wants nothing special leaves it to others to set it up. */
	port->init = port->bits != VECTOR_BITS_AS_THEY_ARE || port->silent;
	port->poll_ms = v->poll_interval < 0.001 ? 1 :
	    (int)(v->poll_interval * 1000);
	return r;
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct vector *v = evcan_driver_state(bus);
	struct evcan_vector_port_ port = { .port = -1, .event_fd = -1,
		.wake = { -1, -1 } };
	char key[100];
	int r = fill_port(bus, &port, err);

	if (r == 0)
		r = evcan_vendor_load_(&evcan_vector_library_,
		    v->vendor.library,
		    &port.calls, err);
	if (r == 0 && port.version == XL_FLEXIBLE && !has_fd(&port.calls))
		r = evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "%s: this XL Driver Library has no CAN FD; those since "
		    "9.0 have, which come from vector.com",
		    evcan_bus_name(bus));
	if (r < 0)
		return r;
	v->vendor.confirms = true;
	v->confirms = port.own;
	v->filtered = false;
	evcan_driver_set_protocol(bus, port.version == XL_FLEXIBLE ?
	    EVCAN_PROTOCOL_CAN_FD : EVCAN_PROTOCOL_CAN_20);
	snprintf(key, sizeof(key), "vector %u %lld %lld %s",
	    (unsigned)port.channel, (long long)port.index,
	    (long long)port.serial, port.app);
	return evcan_vendor_start_(bus, &evcan_vector_ops_, key, &port, err);
}

static int
check(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_error *err)
{
	const struct vector *v = evcan_driver_state(bus);

	if (v->listen_only)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the bus is silent (option listen_only)");
	if (!(frame->flags & EVCAN_FRAME_FD))
		return evcan_vendor_check_classic_(bus, frame, err);
	return evcan_bus_protocol(bus) == EVCAN_PROTOCOL_CAN_FD ? 0 :
	    evcan_error_set(err, EVCAN_ERR_INVALID, 0, "a CAN FD frame needs "
	    "the option fd=true");
}

/* The loop's side */

/* One for each kind of identifier; what it lets through besides core drops. */
static int
ask_filters(struct evcan_bus *bus, const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join)
{
	struct vector *v = evcan_driver_state(bus);
	struct evcan_vendor_pattern_ patterns[2];
	struct evcan_vector_filters_ filters;
	bool narrow = evcan_vendor_patterns_(list, n, join, patterns);
	int r;

	if (!narrow && !v->filtered)
		return 0;
	v->filtered = narrow;
	for (int kind = 0; kind < 2; kind++) {
		/* Beyond all identifiers: none of that kind. */
		uint32_t none = kind == 0 ? 0xffff : UINT32_MAX;
		bool any = patterns[kind].any;

		filters.code[kind] = any ? patterns[kind].code : none;
		filters.care[kind] = any ? patterns[kind].care : none;
	}
	/* Waited for: frames that pass from now on must not be lost. */
	r = evcan_adapter_ask_(bus, VECTOR_SET_FILTERS, &filters,
	    sizeof(filters), ASK_MS);
	/* It may still have its old ones. */
	v->filtered = v->filtered || r < 0;
	return r;
}

/* Nothing says whether receipts are filtered too, so they are not at risk. */
static int
set_filters(struct evcan_bus *bus, const struct evcan_filter *list,
    size_t n, enum evcan_filter_join join)
{
	const struct vector *v = evcan_driver_state(bus);

	if (!v->confirms)
		ask_filters(bus, list, n, join);
	return EVCAN_FILTERS_NONE;
}

static int
want_confirm(struct evcan_bus *bus)
{
	struct vector *v = evcan_driver_state(bus);
	int r = 0;

	if (!v->confirms)
		r = evcan_adapter_ask_(bus, VECTOR_SET_ECHO, NULL, 0, ASK_MS);
	if (r == 0)
		r = ask_filters(bus, NULL, 0, EVCAN_FILTER_OR);
	v->confirms = v->confirms || r == 0;
	return r;
}

/* Off the bus the device forgets what it has not sent: that is not waited for
 * any more. */
static int
doubt_sends(struct evcan_bus *bus, int r)
{
	if (r == 0)
		evcan_driver_lost(bus, 0, EVCAN_LOSS_DEVICE);
	return r;
}

static int
set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	const struct vector *v = evcan_driver_state(bus);

	/* The option holds in every mode. */
	return v->listen_only ? 0 : doubt_sends(bus, evcan_vendor_set_mode_(
	    bus, VECTOR_SET_MODE, mode, ASK_MS));
}

static int
flush_tx(struct evcan_bus *bus)
{
	evcan_vendor_flush_(bus);
	return evcan_adapter_ask_(bus, VECTOR_FLUSH, NULL, 0, ASK_MS);
}

static int
reset(struct evcan_bus *bus, struct evcan_error *err)
{
	return doubt_sends(bus, evcan_vendor_reset_(bus, VECTOR_RESET, ASK_MS,
	    err));
}

/* Detecting */

static void
found(const struct xl_channel *channel, void *context)
{
	char number[16], text[120], serial[32], index[32];
	const char *options[] = { serial, index, NULL };

	snprintf(number, sizeof(number), "%u", channel->hw_channel);
	snprintf(text, sizeof(text), "%.32s, S/N %u, %.32s%s", channel->name,
	    (unsigned)channel->serial, channel->transceiver,
	    channel->capabilities & XL_CAP_FD_ISO ? ", CAN FD" : "");
	snprintf(serial, sizeof(serial), "serial=%u",
	    (unsigned)channel->serial);
	/* One device may be there twice, by USB and by Ethernet. */
	snprintf(index, sizeof(index), "channel_index=%u", channel->index);
	evcan_driver_found(context, number, text, options);
}

static void
detect(void *context)
{
	struct evcan_vector_calls_ calls;
	struct evcan_error err;

	evcan_error_clear(&err);
	if (evcan_vendor_load_(&evcan_vector_library_, NULL, &calls, &err) == 0)
		evcan_vector_each_(&calls, found, context);
}

/* Its rows */

#define ROW(name, aliases, type, fallback, least, most, member, help) \
	{ name, aliases, EVCAN_OPTION_##type, fallback, least, most, NULL, \
	    help, 0, offsetof(struct vector, member) }
#define SEGMENT(member, alias, fallback, help) \
	ROW(#member, alias, INT, fallback, 1, 256, member, help)

static const struct evcan_option options[] = {
	ROW("app_name", NULL, TEXT, "CANalyzer", 0, 0, app_name,
	    "application of Vector Hardware Config whose channels are "
	    "counted; empty: those of all devices are"),
	ROW("serial", NULL, INT, "-1", -1, UINT32_MAX, serial,
	    "the device with this serial number, whose channels are counted "
	    "instead; -1: any"),
	ROW("channel_index", NULL, INT, "-1", -1, XL_CHANNELS - 1,
	    channel_index, "the channel's number among those of all "
	    "devices, instead; -1: by app_name or serial"),
	EVCAN_VENDOR_ROW_OWN_(struct vector),
	ROW("listen_only", NULL, BOOL, "false", 0, 0, listen_only,
	    "neither send nor acknowledge, as state=PASSIVE"),
	ROW("poll_interval", NULL, REAL, "0.01", 0, 1, poll_interval,
	    "seconds between two looks, if the library cannot notify"),
	ROW("rx_queue_size", NULL, INT, "0", 0, 524288, queue,
	    "the library's queue, up to a power of two: 16 to 32768 events, "
	    "with CAN FD 8192 to 524288 bytes, 128 an event; 0: 16384 "
	    "events, 524288 bytes"),
	SEGMENT(sjw_abr, "sjwAbr", "2", "CAN FD: SJW of the nominal bit, in "
	    "quanta"),
	SEGMENT(tseg1_abr, "tseg1Abr", "6", "CAN FD: quanta of the nominal "
	    "bit before the sample point"),
	SEGMENT(tseg2_abr, "tseg2Abr", "3", "CAN FD: quanta of the nominal "
	    "bit behind the sample point"),
	SEGMENT(sjw_dbr, "sjwDbr", "2", "CAN FD: SJW of the data bit, in "
	    "quanta"),
	SEGMENT(tseg1_dbr, "tseg1Dbr", "6", "CAN FD: quanta of the data bit "
	    "before the sample point"),
	SEGMENT(tseg2_dbr, "tseg2Dbr", "3", "CAN FD: quanta of the data bit "
	    "behind the sample point"),
	EVCAN_VENDOR_ROW_LIBRARY_(struct vector,
	    "path of the XL Driver Library (vxlapi)"),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_vector_ = {
	.name = "vector",
	.summary = "Vector's adapters by the XL Driver Library: Windows; "
	    "here proved on a double",
	.options = options,
	.state_size = sizeof(struct vector),
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
	.flush_tx = flush_tx,
	.reset = reset,
	.detect = detect
};

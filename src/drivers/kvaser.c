/* SPDX-License-Identifier: BSD-3-Clause */
/* kvaser.c - Kvaser's adapters by their CANlib */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/bit_timing.h>
#include <evcan/driver.h>

#include "kvaser.h"

#define ASK_MS 500
#define CHANNEL_MAX 1000

struct kvaser {
	struct evcan_vendor_bus_ vendor;
	int64_t tseg1, tseg2, sjw, no_samp;
	bool driver_mode, single_handle, exclusive, override_exclusive;
	bool accept_virtual, no_init_access, fd_non_iso;
	bool filtered;               /* the device has filters of ours */
	bool confirms;               /* its echoes were asked for */
};

/* The library */

#define FUNCTION(name, optional) { #name, \
	offsetof(struct evcan_kvaser_calls_, name), optional }

static const struct evcan_vendor_symbol_ symbols[] = {
	FUNCTION(canInitializeLibrary, false),
	FUNCTION(canGetVersion, true),
	FUNCTION(canGetNumberOfChannels, false),
	FUNCTION(canGetChannelData, false),
	FUNCTION(canOpenChannel, false),
	FUNCTION(canClose, false),
	FUNCTION(canSetBusParams, false),
	FUNCTION(canSetBusParamsFd, true),
	FUNCTION(canSetBusOutputControl, false),
	FUNCTION(canBusOn, false),
	FUNCTION(canBusOff, false),
	FUNCTION(canAccept, true),
	FUNCTION(canWrite, false),
	FUNCTION(canWriteSync, true),
	FUNCTION(canRead, false),
	FUNCTION(canReadWait, false),
	FUNCTION(canReadStatus, false),
	FUNCTION(canIoCtl, false),
	FUNCTION(canGetRawHandle, true),
	FUNCTION(canRequestBusStatistics, true),
	FUNCTION(canGetBusStatistics, true),
	FUNCTION(kvFlashLeds, true),
	FUNCTION(kvReadTimer64, true),
	{ NULL, 0, false }
};

static const char *const files[] = { "libcanlib.so.1", "libcanlib.so", NULL };

/* By linuxcan's release notes, 4.75 brought all that is needed: the timer's
 * scale, times of 10 us, virtual channels, a DLC over 8, serial numbers. The
 * version of the library is that of linuxcan up to 5.23, then 8.24 for 5.24
 * and so on, as that of Windows. */
const struct evcan_vendor_library_ evcan_kvaser_library_ = {
	.name = "Kvaser's CANlib",
	.files = files,
	.variable = "EVCAN_LIB_KVASER",
	.source = "the package linuxcan of kvaser.com",
	.symbols = symbols,
	.oldest = { 4, 75 }
};

/* Bit timing, in the loop's thread */

struct preset {
	int64_t bitrate;
	int code;
};

static const struct preset classic_presets[] = {
	{ 1000000, -1 }, { 500000, -2 }, { 250000, -3 }, { 125000, -4 },
	{ 100000, -5 }, { 62500, -6 }, { 62000, -6 }, { 50000, -7 },
	{ 83333, -8 }, { 83000, -8 }, { 10000, -9 }, { 0, 0 }
};

static const struct preset fd_presets[] = {
	{ 500000, -1000 }, { 1000000, -1001 }, { 2000000, -1002 },
	{ 4000000, -1003 }, { 8000000, -1004 }, { 0, 0 }
};

static const struct preset *
find_preset(const struct preset *presets, int64_t bitrate)
{
	while (presets->bitrate != 0 && presets->bitrate != bitrate)
		presets++;
	return presets->bitrate != 0 ? presets : NULL;
}

/* What the driver reads back must be the same number. */
static struct evcan_kvaser_timing_
timing_of(uint32_t clock, unsigned brp, unsigned tseg1, unsigned tseg2,
    unsigned sjw, unsigned samples)
{
	const uint32_t quanta = brp * (1 + tseg1 + tseg2);

	return (struct evcan_kvaser_timing_){ (long)(clock / quanta), tseg1,
	    tseg2, sjw, samples };
}

/* Bits for 8 MHz do for all of the devices: their clocks are multiples of it,
 * and those of 16 MHz do not go without a prescaler. Where there are none
 * (only the device knows), the library decides. */
static struct evcan_kvaser_timing_
choose_classic(int64_t bitrate, unsigned samples)
{
	const struct preset *preset = find_preset(classic_presets, bitrate);
	const uint32_t clock = 8000000;
	struct evcan_bit_timing t;

	/* A preset has one sample. */
	if (preset != NULL && samples == 1)
		return (struct evcan_kvaser_timing_){
		    .frequency = preset->code };
	if (evcan_bit_timing_from_sample_point(&t, clock, (uint32_t)bitrate,
	    75, NULL) == 0)
		return timing_of(clock, t.brp, t.tseg1, t.tseg2, t.sjw,
		    samples);
	return (struct evcan_kvaser_timing_){ (long)bitrate, 11, 4, 1,
	    samples };
}

/* With CAN FD it is 80 MHz. */
static void
choose_fd(struct evcan_kvaser_port_ *port, int64_t nominal, int64_t data)
{
	const struct preset *presets[2] = { find_preset(fd_presets, nominal),
		find_preset(fd_presets, data) };
	const uint32_t clock = 80000000;
	struct evcan_bit_timing_fd t;

	port->nominal = (struct evcan_kvaser_timing_){ (long)nominal, 63, 16,
	    16, 1 };
	port->data = (struct evcan_kvaser_timing_){ (long)data, 15, 4, 4, 1 };
	if (evcan_bit_timing_fd_from_sample_point(&t, clock,
	    (uint32_t)nominal, 80, (uint32_t)data, 80, NULL) == 0) {
		port->nominal = timing_of(clock, t.nom_brp, t.nom_tseg1,
		    t.nom_tseg2, t.nom_sjw, 1);
		port->data = timing_of(clock, t.data_brp, t.data_tseg1,
		    t.data_tseg2, t.data_sjw, 1);
	}
	if (presets[0] != NULL)
		port->nominal = (struct evcan_kvaser_timing_){
		    .frequency = presets[0]->code };
	if (presets[1] != NULL)
		port->data = (struct evcan_kvaser_timing_){
		    .frequency = presets[1]->code };
}

static int
check_bits(const struct kvaser *kvaser, bool fd, int64_t bitrate,
    struct evcan_error *err)
{
	int given = (kvaser->tseg1 != 0) + (kvaser->tseg2 != 0) +
	    (kvaser->sjw != 0);

	if (!fd && bitrate > 1000000)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "bitrate "
		    "%lld is more than 1000000, the most without fd=true",
		    (long long)bitrate);
	if (given != 0 && given != 3)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "option %s "
		    "is missing: tseg1, tseg2 and sjw go together",
		    kvaser->tseg1 == 0 ? "tseg1" : kvaser->tseg2 == 0 ?
		    "tseg2" : "sjw");
	return kvaser->no_samp != 2 ? 0 : evcan_error_set(err,
	    EVCAN_ERR_INVALID, 0, "option no_samp is 2, but must be 1 or 3");
}

static int
use_rates(struct evcan_kvaser_port_ *port, const struct kvaser *kvaser,
    const struct evcan_bus_common *common, struct evcan_error *err)
{
	int64_t bitrate = common->bitrate > 0 ? common->bitrate : 500000;
	int64_t data = common->data_bitrate > 0 ? common->data_bitrate :
	    bitrate;
	unsigned samples = kvaser->no_samp > 0 ? (unsigned)kvaser->no_samp : 1;
	int r = check_bits(kvaser, common->fd, bitrate, err);

	if (r < 0)
		return r;
	if (common->fd)
		choose_fd(port, bitrate, data);
	else
		port->nominal = choose_classic(bitrate, samples);
	if (kvaser->tseg1 != 0)
		port->nominal = (struct evcan_kvaser_timing_){ (long)bitrate,
		    (unsigned)kvaser->tseg1, (unsigned)kvaser->tseg2,
		    (unsigned)kvaser->sjw, samples };
	return 0;
}

/* The library finds the prescaler: segments and bit rate say all. */
static void
use_timing(struct evcan_kvaser_port_ *port, const struct evcan_timing *timing)
{
	const struct evcan_bit_timing *t = &timing->classic;
	const struct evcan_bit_timing_fd *f = &timing->flexible;

	if (!timing->fd) {
		port->nominal = (struct evcan_kvaser_timing_){
		    (long)evcan_bit_timing_bitrate(t), t->tseg1, t->tseg2,
		    t->sjw, t->nof_samples };
		return;
	}
	port->nominal = (struct evcan_kvaser_timing_){
	    (long)evcan_bit_timing_fd_nominal(f), f->nom_tseg1, f->nom_tseg2,
	    f->nom_sjw, 1 };
	port->data = (struct evcan_kvaser_timing_){
	    (long)evcan_bit_timing_fd_data(f), f->data_tseg1, f->data_tseg2,
	    f->data_sjw, 1 };
}

static int
set_timing(struct evcan_bus *bus, struct evcan_kvaser_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	struct evcan_timing timing;
	int r;

	port->fd = common->fd;
	if (common->timing == NULL)
		return use_rates(port, evcan_driver_state(bus), common, err);
	r = evcan_timing_parse(&timing, common->timing, err);
	if (r < 0)
		return r;
	if (common->fd && !timing.fd)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "option fd "
		    "needs timing with nom_ and data_ keys, this one is of "
		    "classic CAN");
	port->fd = timing.fd;
	use_timing(port, &timing);
	return 0;
}

/* The loop's side */

static int
parse_channel(struct evcan_bus *bus, int *channel, struct evcan_error *err)
{
	const char *text = evcan_driver_common(bus)->channel;
	char *end = NULL;
	long number = -1;

	if (text != NULL && text[0] >= '0' && text[0] <= '9')
		number = strtol(text, &end, 10);
	if (number < 0 || number > CHANNEL_MAX || *end != '\0')
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: channel "
		    "\"%s\" is not the number of a Kvaser channel (0, 1 ...)",
		    evcan_bus_name(bus), text != NULL ? text : "");
	*channel = (int)number;
	return 0;
}

static int
open_flags(const struct kvaser *kvaser, const struct evcan_kvaser_port_ *port)
{
	/* A raw DLC over 8 is kept. */
	int flags = KVASER_OPEN_LARGE_DLC;

	flags |= kvaser->exclusive ? KVASER_OPEN_EXCLUSIVE : 0;
	flags |= kvaser->override_exclusive ? KVASER_OPEN_OVERRIDE : 0;
	flags |= kvaser->accept_virtual ? KVASER_OPEN_VIRTUAL : 0;
	flags |= kvaser->no_init_access ? KVASER_OPEN_NO_INIT_ACCESS : 0;
	if (port->fd)
		flags |= kvaser->fd_non_iso ? KVASER_OPEN_FD_NONISO :
		    KVASER_OPEN_FD;
	return flags;
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct kvaser *kvaser = evcan_driver_state(bus);
	struct evcan_kvaser_port_ port = { .handle = -1, .poll_fd = -1 };
	char key[32];
	int r = parse_channel(bus, &port.channel, err);

	if (r == 0)
		r = evcan_vendor_load_(&evcan_kvaser_library_,
		    kvaser->vendor.library, &port.calls, err);
	if (r == 0)
		r = set_timing(bus, &port, err);
	if (r == 0 && port.fd && port.calls.canSetBusParamsFd == NULL)
		r = evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "%s: this CANlib has no CAN FD", evcan_bus_name(bus));
	if (r < 0)
		return r;
	port.flags = open_flags(kvaser, &port);
	port.silent = !kvaser->driver_mode ||
	    evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY;
	port.echo = kvaser->vendor.receive_own_messages;
	kvaser->vendor.confirms = true;
	kvaser->filtered = false;
	kvaser->confirms = port.echo;
	evcan_driver_set_protocol(bus, !port.fd ? EVCAN_PROTOCOL_CAN_20 :
	    kvaser->fd_non_iso ? EVCAN_PROTOCOL_CAN_FD_NON_ISO :
	    EVCAN_PROTOCOL_CAN_FD);
	snprintf(key, sizeof(key), "kvaser %d", port.channel);
	return evcan_vendor_start_(bus, &evcan_kvaser_ops_, key, &port, err);
}

static int
check(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_error *err)
{
	const struct kvaser *kvaser = evcan_driver_state(bus);

	if ((frame->flags & EVCAN_FRAME_FD) &&
	    evcan_bus_protocol(bus) == EVCAN_PROTOCOL_CAN_20)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "CAN FD frames need the option fd=true");
	if (!kvaser->driver_mode)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the bus is silent (option driver_mode)");
	return 0;
}

/* Filters: one for each kind of identifier, applied in the kernel. What it
 * lets through besides core drops. */

static struct evcan_kvaser_filters_
choose_filters(const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join)
{
	struct evcan_vendor_pattern_ patterns[2];
	struct evcan_kvaser_filters_ f;

	evcan_vendor_patterns_(list, n, join, patterns);
	for (int kind = 0; kind < 2; kind++) {
		f.code[kind] = patterns[kind].code;
		f.mask[kind] = patterns[kind].care;
	}
	/* None of that kind: standard ones have a way to say so. */
	if (!patterns[0].any)
		f.code[0] = f.mask[0] = 0xffff;
	if (!patterns[1].any)
		f.code[1] = f.mask[1] = 0;
	return f;
}

static int
ask_filters(struct evcan_bus *bus, const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join)
{
	struct kvaser *kvaser = evcan_driver_state(bus);
	struct evcan_kvaser_filters_ f = choose_filters(list, n, join);
	bool open_ones = f.mask[0] == 0 && f.mask[1] == 0;
	int r;

	if (open_ones && !kvaser->filtered)
		return 0;
	kvaser->filtered = !open_ones;
	/* Waited for: frames that pass from now on must not be lost. */
	r = evcan_adapter_ask_(bus, KVASER_SET_FILTERS, &f, sizeof(f), ASK_MS);
	/* It may still have its old ones. */
	kvaser->filtered = kvaser->filtered || r < 0;
	return r;
}

/* Nothing says whether echoes are filtered too, so they are not at risk. */
static int
bus_set_filters(struct evcan_bus *bus, const struct evcan_filter *list,
    size_t n, enum evcan_filter_join join)
{
	const struct kvaser *kvaser = evcan_driver_state(bus);

	if (!kvaser->confirms)
		ask_filters(bus, list, n, join);
	return EVCAN_FILTERS_NONE;
}

static int
want_confirm(struct evcan_bus *bus)
{
	struct kvaser *kvaser = evcan_driver_state(bus);
	int r = 0;

	if (!kvaser->confirms)
		r = evcan_adapter_ask_(bus, KVASER_SET_ECHO, NULL, 0, ASK_MS);
	if (r == 0)
		r = ask_filters(bus, NULL, 0, EVCAN_FILTER_OR);
	kvaser->confirms = kvaser->confirms || r == 0;
	return r;
}

static int
set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	const struct kvaser *kvaser = evcan_driver_state(bus);

	/* The option holds in every mode. */
	return !kvaser->driver_mode ? 0 : evcan_vendor_set_mode_(bus,
	    KVASER_SET_MODE, mode, ASK_MS);
}

static int
flush_tx(struct evcan_bus *bus)
{
	evcan_vendor_flush_(bus);
	return evcan_adapter_ask_(bus, KVASER_FLUSH, NULL, 0, ASK_MS);
}

static int
bus_reset(struct evcan_bus *bus, struct evcan_error *err)
{
	int r = evcan_vendor_reset_(bus, KVASER_RESET, ASK_MS, err);

	/* Sends that the device forgot are not waited for. */
	if (r == 0 || r == EVCAN_ERR_TIMEOUT)
		evcan_driver_lost(bus, 0, EVCAN_LOSS_DEVICE);
	return r;
}

static int
identify(struct evcan_bus *bus, bool on)
{
	return evcan_adapter_ask_(bus, KVASER_FLASH, &on, sizeof(on), ASK_MS);
}

static void
detect(void *context)
{
	struct evcan_kvaser_calls_ calls;
	struct evcan_error err;
	char channel[16], text[120];
	int32_t n = 0;

	evcan_error_clear(&err);
	if (evcan_vendor_load_(&evcan_kvaser_library_, NULL, &calls, &err) < 0)
		return;
	evcan_kvaser_init_(&calls);
	if (calls.canGetNumberOfChannels(&n) < 0)
		return;
	for (int i = 0; i < n && i <= CHANNEL_MAX; i++) {
		snprintf(channel, sizeof(channel), "%d", i);
		evcan_kvaser_describe_(&calls, i, text, sizeof(text));
		evcan_driver_found(context, channel, text, NULL);
	}
}

#define ROW(n, t, fallback, min, max, help) { #n, NULL, EVCAN_OPTION_##t, \
	fallback, min, max, NULL, help, 0, offsetof(struct kvaser, n) }

static const struct evcan_option options[] = {
	ROW(tseg1, INT, "0", 0, 512, "time quanta before the sample point, "
	    "propagation included; 0: chosen for the bit rate"),
	ROW(tseg2, INT, "0", 0, 128, "time quanta after the sample point"),
	ROW(sjw, INT, "0", 0, 128, "time quanta of the jump width"),
	ROW(no_samp, INT, "0", 0, 3, "samples of a bit: 1 or 3; 0: 1"),
	ROW(driver_mode, BOOL, "true", 0, 0,
	    "false: silent, neither sends nor acknowledges"),
	ROW(single_handle, BOOL, "false", 0, 0, "accepted for python-can's "
	    "sake: one handle serves here in either case"),
	EVCAN_VENDOR_ROW_OWN_(struct kvaser),
	ROW(exclusive, BOOL, "false", 0, 0,
	    "refuse to share the channel with other handles"),
	ROW(override_exclusive, BOOL, "false", 0, 0,
	    "open a channel that somebody has exclusively"),
	ROW(accept_virtual, BOOL, "true", 0, 0,
	    "open the vendor's virtual channels too"),
	ROW(no_init_access, BOOL, "false", 0, 0, "leave bit rate and mode "
	    "to whoever opened the channel first"),
	ROW(fd_non_iso, BOOL, "false", 0, 0,
	    "with fd: the older CAN FD, before ISO 11898-1:2015"),
	EVCAN_VENDOR_ROW_LIBRARY_(struct kvaser,
	    "path of CANlib, instead of libcanlib.so.1"),
	EVCAN_VENDOR_ROW_QUEUE_(struct kvaser),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_kvaser_ = {
	.name = "kvaser",
	.summary = "Kvaser's adapters, by their CANlib (linuxcan)",
	.options = options,
	.state_size = sizeof(struct kvaser),
	.caps = EVCAN_CAP_FD | EVCAN_CAP_CONFIRM,
	.open = open,
	.close = evcan_vendor_close_,
	.recv = evcan_vendor_recv_,
	.send = evcan_vendor_send_,
	.ready = evcan_vendor_ready_,
	.deadline = evcan_vendor_deadline_,
	.check = check,
	.set_filters = bus_set_filters,
	.want_confirm = want_confirm,
	.set_mode = set_mode,
	.flush_tx = flush_tx,
	.reset = bus_reset,
	.identify = identify,
	.detect = detect
};

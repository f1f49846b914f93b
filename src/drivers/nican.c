/* SPDX-License-Identifier: BSD-3-Clause */
/* nican.c - National Instruments' older adapters by NI-CAN
 *
 * The library exists for Windows alone. What is here was proved on a
 * double. */
#include "nican.h"

#include <stdio.h>
#include <string.h>

#include <evcan/bit_timing.h>
#include <evcan/driver.h>

/* How long a command may hold up the loop. */
#define ASK_MS 500

struct nican {
	struct evcan_vendor_bus_ vendor;
	bool log_errors;
	int64_t read_queue, write_queue;
	/* What the thread was asked for. */
	struct evcan_nican_filters_ filters;
	bool confirms;
};

/* The library */

#define FUNCTION(name, optional) { #name, \
	offsetof(struct evcan_nican_calls_, name), optional }

static const struct evcan_vendor_symbol_ symbols[] = {
	FUNCTION(ncConfig, false),
	FUNCTION(ncOpenObject, false),
	FUNCTION(ncCloseObject, false),
	FUNCTION(ncAction, false),
	FUNCTION(ncReadMult, false),
	FUNCTION(ncWrite, false),
	FUNCTION(ncWaitForState, false),
	FUNCTION(ncGetAttribute, false),
	FUNCTION(ncSetAttribute, true),
	FUNCTION(ncGetHardwareInfo, true),       /* since 2.0 */
	FUNCTION(ncStatusToString, true),        /* since 1.5 */
	{ .name = NULL }
};

static const char *const no_files[] = { NULL };

/* Errors of the bus come as frames since 1.3 (its nican.h marks them so); all
 * else is older. Codes of statuses are other ones before 1.5, which
 * nican_port.c knows. */
const struct evcan_vendor_library_ evcan_nican_library_ = {
	.name = "NI-CAN",
	.files = no_files,       /* nican.dll elsewhere */
	.variable = "EVCAN_LIB_NICAN",
	.source = "the NI-CAN package of ni.com, for Windows alone",
	.symbols = symbols,
	.oldest = { 1, 3 }
};

/* Opening */

/* Those that NI-CAN's manual names. */
static bool
is_usual(uint32_t bitrate)
{
	static const uint32_t usual[] = { 5000, 6150, 7813, 8000, 10000,
		12500, 15625, 16000, 20000, 25000, 31250, 33333, 40000, 50000,
		62500, 80000, 83333, 100000, 125000, 160000, 200000, 250000,
		400000, 500000, 800000, 1000000 };
	size_t i = 0;

	while (i < sizeof(usual) / sizeof(usual[0]) && usual[i] != bitrate)
		i++;
	return i < sizeof(usual) / sizeof(usual[0]);
}

static int
set_baud(struct evcan_bus *bus, uint32_t *baud, struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	struct evcan_bit_timing bit;
	uint16_t btr;
	int r;

	*baud = (uint32_t)common->bitrate;
	if (common->timing != NULL) {
		r = evcan_vendor_timing_classic_(bus, 8000000, &bit, err);
		btr = r == 0 ? evcan_bit_timing_btr(&bit) : 0;
	} else if (*baud == 0 || is_usual(*baud)) {
		return 0;
	} else {
		r = evcan_vendor_sja1000_(*baud, &btr, err);
	}
	if (r == 0)
		*baud = NICAN_REGISTERS | (btr & 0xffu) << 8 | btr >> 8;
	return r;
}

/* One comparator and mask for each format; core drops what passes besides. */
static void
set_comparators(struct evcan_nican_filters_ *filters,
    const struct evcan_filter *list, size_t n, enum evcan_filter_join join)
{
	struct evcan_vendor_pattern_ patterns[2];

	evcan_vendor_patterns_(list, n, join, patterns);
	for (int kind = 0; kind < 2; kind++) {
		filters->code[kind] = patterns[kind].code;
		filters->mask[kind] = patterns[kind].care;
	}
}

static int
set_config(struct evcan_bus *bus, struct evcan_nican_config_ *config,
    struct evcan_error *err)
{
	const struct nican *nican = evcan_driver_state(bus);
	const struct evcan_filter *list = NULL;
	enum evcan_filter_join join = EVCAN_FILTER_OR;
	size_t n = evcan_bus_get_filters(bus, &list, &join);

	memset(config, 0, sizeof(*config));
	config->log_errors = nican->log_errors;
	config->read_queue = (uint32_t)nican->read_queue;
	config->write_queue = (uint32_t)nican->write_queue;
	config->listen_only = evcan_bus_get_mode(bus) ==
	    EVCAN_MODE_LISTEN_ONLY;
	set_comparators(&config->filters, list, n, join);
	return set_baud(bus, &config->baud, err);
}

static int
set_name(const struct evcan_bus *bus, char *name, size_t size,
    struct evcan_error *err)
{
	const char *channel = evcan_driver_common(bus)->channel;
	size_t digits = 0;

	if (channel != NULL && strncmp(channel, "CAN", 3) == 0)
		digits = strspn(channel + 3, "0123456789");
	if (digits == 0 || channel[3 + digits] != '\0' || digits > 3)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: channel "
		    "\"%s\" is not the name of an NI-CAN interface (CAN0, "
		    "CAN1 ...)", evcan_bus_name(bus),
		    channel != NULL ? channel : "");
	snprintf(name, size, "%s", channel);
	return 0;
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct nican *nican = evcan_driver_state(bus);
	struct evcan_nican_port_ port;
	char key[16];
	int r;

	memset(&port, 0, sizeof(port));
	r = set_name(bus, port.name, sizeof(port.name), err);
	if (r == 0)
		r = evcan_vendor_load_(&evcan_nican_library_,
		    nican->vendor.library, &port.calls, err);
	if (r == 0)
		r = set_config(bus, &port.config, err);
	if (r < 0)
		return r;
	port.echo = nican->vendor.receive_own_messages;
	nican->vendor.confirms = true;
	nican->confirms = port.echo;
	nican->filters = port.config.filters;
	snprintf(key, sizeof(key), "nican %s", port.name);
	return evcan_vendor_start_(bus, &evcan_nican_ops_, key, &port, err);
}

/* The loop's side */

/* Whether all that the wanted ones let through passes the present ones. */
static bool
wide_enough(const struct evcan_nican_filters_ *now,
    const struct evcan_nican_filters_ *wanted)
{
	for (int kind = 0; kind < 2; kind++) {
		if (now->mask[kind] & ~wanted->mask[kind] ||
		    (now->code[kind] ^ wanted->code[kind]) & now->mask[kind])
			return false;
	}
	return true;
}

/* Comparators are of an interface that is stopped. Filters that come before
 * it is opened are in them already; later ones only widen them, for each time
 * costs the frames of a moment. */
static int
set_filters(struct evcan_bus *bus, const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join)
{
	struct nican *nican = evcan_driver_state(bus);
	struct evcan_nican_filters_ filters;
	int r;

	set_comparators(&filters, list, n, join);
	if (wide_enough(&nican->filters, &filters))
		return EVCAN_FILTERS_SUPERSET;
	set_comparators(&filters, NULL, 0, EVCAN_FILTER_OR);
	evcan_log(EVCAN_LOG_WARNING, "nican", "%s: off the bus for a moment, "
	    "for wider filters: what is sent now is not seen; filters that "
	    "are given before opening cost nothing", evcan_bus_name(bus));
	/* Waited for: what passes from now on must not be lost. */
	r = evcan_adapter_ask_(bus, NICAN_DO_FILTERS, &filters,
	    sizeof(filters), evcan_bus_is_open(bus) ? ASK_MS : 0);
	if (r == 0 || r == EVCAN_ERR_TIMEOUT)
		nican->filters = filters;
	return EVCAN_FILTERS_NONE;
}

static int
want_confirm(struct evcan_bus *bus)
{
	struct nican *nican = evcan_driver_state(bus);
	int r = 0;

	if (!nican->confirms)
		r = evcan_adapter_ask_(bus, NICAN_DO_ECHO, NULL, 0, ASK_MS);
	nican->confirms = nican->confirms || r == 0;
	return r;
}

static int
set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	return evcan_vendor_set_mode_(bus, NICAN_DO_MODE, mode, ASK_MS);
}

static int
bus_reset(struct evcan_bus *bus, struct evcan_error *err)
{
	return evcan_vendor_reset_(bus, NICAN_DO_RESET, ASK_MS, err);
}

/* Its own write queue can only be emptied by a reset. */
static int
flush_tx(struct evcan_bus *bus)
{
	evcan_vendor_flush_(bus);
	return evcan_adapter_ask_(bus, NICAN_DO_FLUSH, NULL, 0, ASK_MS);
}

/* Detecting */

uint32_t
evcan_nican_card_(const struct evcan_nican_calls_ *calls, uint32_t card,
    uint32_t port, uint32_t attribute)
{
	uint32_t value = 0;

	if (calls->ncGetHardwareInfo == NULL || calls->ncGetHardwareInfo(card,
	    port, attribute, sizeof(value), &value) < 0)
		return 0;
	return value;
}

static void
found_port(void *context, const struct evcan_nican_calls_ *calls,
    uint32_t card, uint32_t port)
{
	char channel[16], text[80];
	uint32_t number;

	/* LIN interfaces are among them. */
	if (calls->ncGetHardwareInfo(card, port, NICAN_INTERFACE_NUM,
	    sizeof(number), &number) < 0 ||
	    evcan_nican_card_(calls, card, port, NICAN_TRANSCEIVER) ==
	    NICAN_LIN)
		return;
	snprintf(channel, sizeof(channel), "CAN%u", (unsigned)number);
	snprintf(text, sizeof(text), "NI-CAN card %u port %u, S/N %lX",
	    (unsigned)card, (unsigned)port,
	    (unsigned long)evcan_nican_card_(calls, card, 1,
	    NICAN_SERIAL_NUM));
	evcan_driver_found(context, channel, text, NULL);
}

static void
detect(void *context)
{
	struct evcan_nican_calls_ calls;
	struct evcan_error err = { 0 };
	uint32_t cards, ports;

	memset(&calls, 0, sizeof(calls));
	if (evcan_vendor_load_(&evcan_nican_library_, NULL, &calls, &err) <
	    0 || calls.ncGetHardwareInfo == NULL)
		return;
	cards = evcan_nican_card_(&calls, 1, 1, NICAN_NUM_CARDS);
	for (uint32_t card = 1; card <= cards && card <= 64; card++) {
		ports = evcan_nican_card_(&calls, card, 1, NICAN_NUM_PORTS);
		for (uint32_t port = 1; port <= ports && port <= 64; port++)
			found_port(context, &calls, card, port);
	}
}

#define ROW(n, t, fallback, min, max, help) { #n, NULL, EVCAN_OPTION_##t, \
	fallback, min, max, NULL, help, 0, offsetof(struct nican, n) }

static const struct evcan_option options[] = {
	ROW(log_errors, BOOL, "true", 0, 0,
	    "errors of the bus come as error frames"),
	ROW(read_queue, INT, "1024", 1, 65535,
	    "frames that NI-CAN keeps until they are read"),
	ROW(write_queue, INT, "64", 1, 65535,
	    "frames that NI-CAN keeps until they are sent"),
	EVCAN_VENDOR_ROW_OWN_(struct nican),
	EVCAN_VENDOR_ROW_LIBRARY_(struct nican,
	    "path of the library nican.dll"),
	EVCAN_VENDOR_ROW_QUEUE_(struct nican),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_nican_ = {
	.name = "nican",
	.summary = "National Instruments' adapters by NI-CAN: Windows "
	    "(proved on a double)",
	.options = options,
	.state_size = sizeof(struct nican),
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
	.reset = bus_reset,
	.detect = detect
};

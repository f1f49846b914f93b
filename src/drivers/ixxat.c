/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat.c - IXXAT (HMS) adapters behind VCI 3 and VCI 4
 *
 * The library exists for Windows alone; on Linux the vendor's SocketCAN driver
 * takes its place. What is here was proved on a double of both versions. */
#include "ixxat.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/filter.h>
#include <evcan/frame.h>

/* How long a command may hold up the loop. */
#define ASK_MS 500

struct ixxat {
	struct evcan_vendor_bus_ vendor;
	const char *hardware_id;
	bool extended;
	int64_t rx_fifo_size, tx_fifo_size;
	struct evcan_ixxat_bits_ abr, dbr;
	int64_t ssp_dbr;
	bool opening;            /* no filters were asked for yet */
};

static struct ixxat *
ixxat_of(const struct evcan_bus *bus)
{
	return evcan_driver_state(bus);
}

/* The library */

#define VCI(name, member) { name, offsetof(struct evcan_ixxat_vci_, member), \
	false }
#define VCI_IF_ANY(name, member) { name, \
	offsetof(struct evcan_ixxat_vci_, member), true }

static const struct evcan_vendor_symbol_ symbols[] = {
	VCI("vciInitialize", initialize),
	VCI_IF_ANY("vciGetVersion", version),
	VCI_IF_ANY("vciFormatErrorA", format_error4),
	VCI("vciEnumDeviceOpen", enum_open),
	VCI("vciEnumDeviceClose", enum_close),
	VCI("vciEnumDeviceNext", enum_next),
	VCI("vciDeviceOpen", device_open),
	VCI("vciDeviceClose", device_close),
	VCI_IF_ANY("vciDeviceGetCaps", device_caps),
	VCI("canControlOpen", control_open),
	VCI("canControlClose", control_close),
	VCI("canControlReset", control_reset),
	VCI("canControlStart", control_start),
	VCI("canControlSetAccFilter", control_filter),
	VCI("canControlAddFilterIds", control_add_ids),
	VCI("canControlGetCaps", control_caps),
	VCI("canControlInitialize", control_init),
	VCI("canChannelOpen", channel_open),
	VCI("canChannelClose", channel_close),
	VCI("canChannelGetCaps", channel_caps),
	VCI("canChannelGetStatus", channel_status),
	VCI("canChannelActivate", channel_activate),
	VCI("canChannelInitialize", channel_init),
	VCI("canChannelPeekMessage", channel_peek),
	VCI("canChannelReadMessage", channel_read),
	VCI("canChannelPostMessage", channel_post),
	VCI("canSchedulerOpen", scheduler_open),
	VCI("canSchedulerClose", scheduler_close),
	VCI("canSchedulerActivate", scheduler_activate),
	VCI("canSchedulerGetStatus", scheduler_status),
	VCI("canSchedulerAddMessage", scheduler_add),
	VCI("canSchedulerRemMessage", scheduler_remove),
	VCI("canSchedulerStartMessage", scheduler_start),
	VCI("canSchedulerStopMessage", scheduler_stop),
	{ .name = NULL }
};

static const char *const no_files[] = { NULL };

/* The oldest is each generation's first: see check_version(). */
const struct evcan_vendor_library_ evcan_ixxat_library_ = {
	.name = "IXXAT VCI",
	.files = no_files,       /* vcinpl2.dll and vcinpl.dll elsewhere */
	.variable = "EVCAN_LIB_IXXAT",
	.source = "the VCI package of hms-networks.com, for Windows alone: "
	    "on Linux its SocketCAN driver does the same",
	.symbols = symbols
};

static int
load(const char *path, struct evcan_ixxat_vci_ *vci,
    const struct evcan_ixxat_version_ **version, struct evcan_error *err)
{
	int r = evcan_vendor_load_(&evcan_ixxat_library_, path, vci, err);

	/* Both export the same names, but for a few. */
	*version = vci->format_error4 != NULL ? &evcan_ixxat_v4_ :
	    &evcan_ixxat_v3_;
	return r;
}

/* Opening */

static int
read_channel(const struct evcan_bus *bus, uint32_t *can,
    struct evcan_error *err)
{
	const char *text = evcan_driver_common(bus)->channel;
	unsigned long number;
	char *end;

	if (text == NULL || text[0] == '\0')
		text = "0";
	number = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0' || number > 31)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: channel "
		    "\"%s\" is no number of a CAN controller, 0 to 31",
		    evcan_bus_name(bus), text);
	*can = (uint32_t)number;
	return 0;
}

static int
check_bits(const struct evcan_bus *bus, const struct evcan_ixxat_bits_ *bits,
    const char *which, struct evcan_error *err)
{
	int given = (bits->sjw != 0) + (bits->tseg1 != 0) + (bits->tseg2 != 0);

	if (given == 0 || given == 3)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "%s: options "
	    "sjw_%s, tseg1_%s and tseg2_%s belong together",
	    evcan_bus_name(bus), which, which, which);
}

static int
read_timing(const struct evcan_bus *bus, struct evcan_ixxat_port_ *port,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	int r;

	if (common->timing == NULL)
		return 0;
	port->has_timing = true;
	r = evcan_timing_parse(&port->timing, common->timing, err);
	if (r == 0 && port->timing.fd != common->fd)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0, "%s: the "
		    "timing is of %s, and fd is %s", evcan_bus_name(bus),
		    port->timing.fd ? "CAN FD" : "classic CAN",
		    common->fd ? "true" : "false");
	return r;
}

static void
read_options(const struct evcan_bus *bus, struct evcan_ixxat_port_ *port)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	const struct ixxat *me = ixxat_of(bus);
	const char *id = me->hardware_id != NULL ? me->hardware_id : "";

	/* Once it has one, it comes back to that alone. */
	if (id[0] == '\0')
		id = me->vendor.device;
	snprintf(port->hardware_id, sizeof(port->hardware_id), "%.*s",
	    EVCAN_IXXAT_ID_ - 1, id);
	port->fd = common->fd;
	port->extended = me->extended;
	port->listen_only = evcan_bus_get_mode(bus) == EVCAN_MODE_LISTEN_ONLY;
	port->own = port->echo = me->vendor.receive_own_messages;
	port->rx_fifo = (uint16_t)(me->rx_fifo_size > 0 ? me->rx_fifo_size :
	    1024);
	port->tx_fifo = (uint16_t)(me->tx_fifo_size > 0 ? me->tx_fifo_size :
	    common->fd ? 128 : 16);
	port->bitrate = common->bitrate > 0 ? (uint32_t)common->bitrate :
	    500000;
	port->data_bitrate = common->data_bitrate > 0 ?
	    (uint32_t)common->data_bitrate : 2000000;
	port->abr = me->abr;
	port->dbr = me->dbr;
	port->ssp_dbr = (uint16_t)me->ssp_dbr;
}

static int
open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct ixxat *me = ixxat_of(bus);
	struct evcan_ixxat_port_ port;
	char key[64];
	int r;

	memset(&port, 0, sizeof(port));
	read_options(bus, &port);
	r = read_channel(bus, &port.can, err);
	if (r == 0)
		r = check_bits(bus, &me->abr, "abr", err);
	if (r == 0)
		r = check_bits(bus, &me->dbr, "dbr", err);
	if (r == 0)
		r = read_timing(bus, &port, err);
	if (r == 0)
		r = load(me->vendor.library, &port.vci, &port.version, err);
	if (r == 0 && port.fd && !port.version->fd)
		r = evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: CAN FD needs "
		    "VCI 4 (vcinpl2); the library is of VCI 3",
		    evcan_bus_name(bus));
	if (r == 0)
		r = port.version->choose_bits(&port, err);
	if (r < 0)
		return r;
	me->opening = true;
	me->vendor.confirms = true;
	snprintf(key, sizeof(key), "ixxat %.40s %lu", me->hardware_id != NULL ?
	    me->hardware_id : "", (unsigned long)port.can);
	return evcan_vendor_start_(bus, &evcan_ixxat_ops_, key, &port, err);
}

/* Frames and filters */

static int
check(struct evcan_bus *bus, const struct evcan_frame *frame,
    struct evcan_error *err)
{
	const struct ixxat *me = ixxat_of(bus);

	if ((frame->flags & EVCAN_FRAME_FD) && !evcan_driver_common(bus)->fd)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "CAN FD needs the option fd");
	if ((frame->flags & EVCAN_FRAME_EXT) && !me->extended)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "29-bit identifiers need the option extended");
	if (frame->flags & EVCAN_FRAME_ERR)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "error frames cannot be sent");
	return 0;
}

/* @return patterns added: 0 to 2, or -1: it cannot be said in patterns */
static int
add_patterns(const struct evcan_filter *filter,
    struct evcan_ixxat_pattern_ *to)
{
	const uint32_t beyond = EVCAN_MAX_EXT_ID & ~EVCAN_MAX_STD_ID;
	uint32_t mask = filter->can_mask & EVCAN_MAX_EXT_ID;
	uint32_t id = filter->can_id & mask;
	int n = 0;

	if (filter->inverted)
		return -1;
	if (filter->format != EVCAN_FILTER_EXT && !(id & beyond))
		to[n++] = (struct evcan_ixxat_pattern_){ id << 1,
		    (mask & EVCAN_MAX_STD_ID) << 1, false };
	if (filter->format != EVCAN_FILTER_STD)
		to[n++] = (struct evcan_ixxat_pattern_){ id << 1, mask << 1,
		    true };
	return n;
}

static void
make_patterns(const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join, struct evcan_ixxat_filter_ *out)
{
	if (n == 0 || n > EVCAN_IXXAT_FILTERS_ / 2)
		return;
	/* One of those that all must match lets them all through. */
	out->filtering = join == EVCAN_FILTER_AND && n > 1 ?
	    EVCAN_FILTERS_SUPERSET : EVCAN_FILTERS_EXACT;
	if (out->filtering == EVCAN_FILTERS_SUPERSET)
		n = 1;
	out->patterns = calloc(n, 2 * sizeof(*out->patterns));
	for (size_t i = 0; i < n && out->patterns != NULL; i++) {
		int added = add_patterns(&filters[i],
		    out->patterns + out->n);

		if (added >= 0) {
			out->n += (size_t)added;
			continue;
		}
		free(out->patterns);
		out->patterns = NULL;
		out->n = 0;
	}
}

/* Core filters until the thread says that the controller does. */
static int
set_filters(struct evcan_bus *bus, const struct evcan_filter *filters,
    size_t n, enum evcan_filter_join join)
{
	struct ixxat *me = ixxat_of(bus);
	struct evcan_ixxat_filter_ filter;

	memset(&filter, 0, sizeof(filter));
	filter.opening = me->opening;
	me->opening = false;
	if (filter.opening)
		make_patterns(filters, n, join, &filter);
	if (evcan_adapter_ask_(bus, EVCAN_IXXAT_FILTER_, &filter,
	    sizeof(filter), 0) < 0)
		free(filter.patterns);
	return EVCAN_FILTERS_NONE;
}

static int
want_confirm(struct evcan_bus *bus)
{
	const struct evcan_ixxat_filter_ all = { .echo = true };
	int r;

	/* What is sent from now on must come back, whatever its identifier:
	 * the controller may not filter any more. */
	r = evcan_adapter_ask_(bus, EVCAN_IXXAT_FILTER_, &all, sizeof(all),
	    ASK_MS);
	evcan_driver_set_filtering(bus, EVCAN_FILTERS_NONE);
	return r;
}

static int
set_mode(struct evcan_bus *bus, enum evcan_bus_mode mode)
{
	return evcan_vendor_set_mode_(bus, EVCAN_IXXAT_MODE_, mode, ASK_MS);
}

static int
reset(struct evcan_bus *bus, struct evcan_error *err)
{
	return evcan_vendor_reset_(bus, EVCAN_IXXAT_RESET_, ASK_MS, err);
}

/* The scheduler: one frame, one period, up to 65535 times or for ever. */

static int
cyclic_stop(struct evcan_bus *bus, uint32_t number)
{
	return evcan_adapter_ask_(bus, EVCAN_IXXAT_STOP_, &number,
	    sizeof(number), ASK_MS);
}

static int
cyclic_start(struct evcan_bus *bus, const struct evcan_driver_cyclic *job,
    struct evcan_error *err)
{
	bool limited = job->period_ns == 0;
	struct evcan_ixxat_start_ *start;
	int r;

	if (job->n > 1 || (!limited && job->initial_count > 0) ||
	    job->initial_count > UINT16_MAX)
		return EVCAN_ERR_UNSUPPORTED;
	start = malloc(sizeof(*start));
	if (start == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory");
	*start = (struct evcan_ixxat_start_){
		.number = job->number,
		.count = (uint16_t)job->initial_count,
		.period_ns = limited ? job->initial_period_ns :
		    job->period_ns,
		.frame = job->frames[0]
	};
	r = evcan_adapter_ask_(bus, EVCAN_IXXAT_START_, &start,
	    sizeof(start), ASK_MS);
	if (r == EVCAN_ERR_STATE || r == EVCAN_ERR_BUSY ||
	    r == EVCAN_ERR_INVALID)
		free(start);
	if (r == EVCAN_ERR_TIMEOUT)
		evcan_adapter_ask_(bus, EVCAN_IXXAT_STOP_, &job->number,
		    sizeof(job->number), 0);
	return r < 0 ? EVCAN_ERR_UNSUPPORTED : 0;
}

/* Detecting */

struct search {
	void *context;
	const struct evcan_ixxat_vci_ *vci;
};

static bool
found(const struct vci_device_info *info, void *arg)
{
	const struct search *search = arg;
	char hardware_id[EVCAN_IXXAT_ID_], option[64], what[200], channel[16];
	const char *options[] = { option, NULL };
	uint64_t id = info->id;
	void *device = NULL;
	int n = -1;

	evcan_ixxat_id_(info, hardware_id);
	snprintf(option, sizeof(option), "unique_hardware_id=%s",
	    hardware_id);
	if (search->vci->device_open(&id, &device) == VCI_OK) {
		n = evcan_ixxat_controllers_(search->vci, device);
		search->vci->device_close(device);
	}
	for (int i = 0; i < (n < 0 ? 1 : n); i++) {
		snprintf(channel, sizeof(channel), "%d", i);
		snprintf(what, sizeof(what), "%.100s %s, CAN %d",
		    info->description, hardware_id, i);
		evcan_driver_found(search->context, channel, what, options);
	}
	return true;
}

static void
detect(void *context)
{
	const struct evcan_ixxat_version_ *version;
	struct evcan_error err = { 0 };
	struct evcan_ixxat_vci_ vci;
	struct search search = { context, &vci };

	memset(&vci, 0, sizeof(vci));
	if (load(NULL, &vci, &version, &err) == 0)
		evcan_ixxat_each_device_(&vci, found, &search);
}

/* Its rows */

#define ROW(name, aliases, type, fallback, most, member, help) \
	{ name, aliases, type, fallback, 0, most, NULL, help, 0, \
	    offsetof(struct ixxat, member) }
#define SEGMENT(name, member, what) \
	ROW(name, NULL, EVCAN_OPTION_INT, NULL, UINT16_MAX, member, what)

static const struct evcan_option options[] = {
	ROW("unique_hardware_id", "UniqueHardwareId", EVCAN_OPTION_TEXT, NULL,
	    0, hardware_id, "the device, as HW123456; none: the first one, "
	    "with which it stays"),
	EVCAN_VENDOR_ROW_OWN_(struct ixxat),
	ROW("extended", NULL, EVCAN_OPTION_BOOL, "true", 0, extended,
	    "29-bit identifiers too (VCI 4 with some devices: only them)"),
	ROW("rx_fifo_size", "rxFifoSize", EVCAN_OPTION_INT, NULL, UINT16_MAX,
	    rx_fifo_size, "messages that the channel keeps until they are "
	    "read; 0: 1024"),
	ROW("tx_fifo_size", "txFifoSize", EVCAN_OPTION_INT, NULL, UINT16_MAX,
	    tx_fifo_size, "messages that the channel keeps until they are "
	    "sent; 0: 16, with fd 128"),
	SEGMENT("sjw_abr", abr.sjw, "SJW of the nominal bit, in quanta (VCI "
	    "4); with both segments, whose ratio counts"),
	SEGMENT("tseg1_abr", abr.tseg1, "quanta of the nominal bit before "
	    "the sample point, the first one included (VCI 4)"),
	SEGMENT("tseg2_abr", abr.tseg2, "quanta of the nominal bit behind "
	    "the sample point (VCI 4)"),
	SEGMENT("sjw_dbr", dbr.sjw, "SJW of the data bit, in quanta; with "
	    "both segments, whose ratio counts"),
	SEGMENT("tseg1_dbr", dbr.tseg1, "quanta of the data bit before the "
	    "sample point, the first one included"),
	SEGMENT("tseg2_dbr", dbr.tseg2, "quanta of the data bit behind the "
	    "sample point"),
	SEGMENT("ssp_dbr", ssp_dbr, "secondary sample point of the data bit, "
	    "in its quanta (with timing: in clock cycles); 0: the sample "
	    "point"),
	EVCAN_VENDOR_ROW_LIBRARY_(struct ixxat,
	    "path of the library vcinpl or vcinpl2; which VCI it is shows "
	    "by its functions"),
	EVCAN_VENDOR_ROW_QUEUE_(struct ixxat),
	{ .name = NULL }
};

const struct evcan_driver evcan_driver_ixxat_ = {
	.name = "ixxat",
	.summary = "IXXAT (HMS) adapters by VCI 3 or 4: Windows; here proved "
	    "on a double",
	.options = options,
	.state_size = sizeof(struct ixxat),
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
	.flush_tx = evcan_vendor_flush_,
	.reset = reset,
	.cyclic_start = cyclic_start,
	.cyclic_stop = cyclic_stop,
	.detect = detect
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_device.c - an IXXAT controller in its thread
 *
 * One program owns a controller; others may open channels to it and then
 * send and receive at the owner's bit rate. A channel is all that such a
 * guest has: `control` is NULL. */
#include "ixxat.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <evcan/error.h>

typedef struct evcan_ixxat_port_ port_type;

/* Devices */

/* A list without an end is not followed. */
#define DEVICES_MAX 256

/* Before all other calls, and as often as one likes. Its users may be several
 * threads. */
static int32_t
initialize(const struct evcan_ixxat_vci_ *vci)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int32_t r;

	pthread_mutex_lock(&lock);
	r = vci->initialize();
	pthread_mutex_unlock(&lock);
	return r == VCI_E_ALREADY ? VCI_OK : r;
}

int32_t
evcan_ixxat_each_device_(const struct evcan_ixxat_vci_ *vci,
    bool (*cb)(const struct vci_device_info *info, void *arg), void *arg)
{
	struct vci_device_info info;
	void *list = NULL;
	int32_t r = initialize(vci);
	int n = 0;

	if (r == VCI_OK)
		r = vci->enum_open(&list);
	if (r != VCI_OK)
		return r;
	do {
		memset(&info, 0, sizeof(info));
	} while (n++ < DEVICES_MAX &&
	    vci->enum_next(list, &info) == VCI_OK && cb(&info, arg));
	vci->enum_close(list);
	return VCI_OK;
}

/* Some have a GUID in its place. */
static bool
is_text(const char *id, size_t size)
{
	size_t n = 0;

	while (n < size && isgraph((unsigned char)id[n]))
		n++;
	return n > 0 && (n == size || id[n] == '\0');
}

void
evcan_ixxat_id_(const struct vci_device_info *info,
    char text[EVCAN_IXXAT_ID_])
{
	const char *id = info->hardware_id;
	const size_t size = sizeof(info->hardware_id);

	if (is_text(id, size)) {
		snprintf(text, EVCAN_IXXAT_ID_, "%.*s", (int)size, id);
		return;
	}
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02X", (unsigned char)id[i]);
}

int
evcan_ixxat_controllers_(const struct evcan_ixxat_vci_ *vci, void *device)
{
	struct vci_device_caps caps;
	int n = 0;

	memset(&caps, 0, sizeof(caps));
	if (vci->device_caps == NULL ||
	    vci->device_caps(device, &caps) != VCI_OK)
		return -1;
	for (size_t i = 0; i < caps.count && i < 32; i++)
		n += caps.types[i] >> 8 == VCI_BUS_CAN;
	return n;
}

struct wanted {
	const char *hardware_id;
	struct vci_device_info info;
	bool found;
};

static bool
match(const struct vci_device_info *info, void *arg)
{
	struct wanted *wanted = arg;
	char id[EVCAN_IXXAT_ID_];

	evcan_ixxat_id_(info, id);
	wanted->found = wanted->hardware_id[0] == '\0' ||
	    strcasecmp(wanted->hardware_id, id) == 0;
	wanted->info = *info;
	return !wanted->found;
}

/* Opening. Each step fills err when it fails. */

static int
check(struct evcan_error *err, int32_t r, const char *what)
{
	return r == VCI_OK ? 0 : evcan_ixxat_error_(err, EVCAN_ERR_INIT, r,
	    what);
}

/* VCI 3's library comes with VCI 4, too, and says that. One that does not
 * tell its version will do. */
static int
check_version(const port_type *port, char *text, size_t size,
    struct evcan_error *err)
{
	struct evcan_vendor_library_ library = evcan_ixxat_library_;
	uint32_t major = 0, minor = 0;

	if (check(err, initialize(&port->vci), "initializing VCI") < 0)
		return EVCAN_ERR_INIT;
	if (port->vci.version.v3 == NULL || port->version->get_version(
	    &port->vci, &major, &minor) != VCI_OK || (major | minor) == 0)
		return 0;
	snprintf(text, size, ", VCI %lu.%lu", (unsigned long)major,
	    (unsigned long)minor);
	library.oldest[0] = port->version->major;
	return evcan_vendor_check_version_(&library, major, minor, err);
}

static int
open_device(port_type *port, struct vci_device_info *info,
    struct evcan_error *err)
{
	struct wanted wanted = { .hardware_id = port->hardware_id };
	uint64_t id;
	int n;

	if (check(err, evcan_ixxat_each_device_(&port->vci, match, &wanted),
	    "the list of devices") < 0)
		return EVCAN_ERR_INIT;
	if (!wanted.found)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "there is no device%s%s", port->hardware_id[0] != '\0' ?
		    " with the unique_hardware_id " : "", port->hardware_id);
	*info = wanted.info;
	id = info->id;
	if (check(err, port->vci.device_open(&id, &port->device),
	    "opening the device") < 0)
		return EVCAN_ERR_INIT;
	n = evcan_ixxat_controllers_(&port->vci, port->device);
	if (n >= 0 && (int64_t)port->can >= n)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "the device "
		    "%.16s has %d CAN controllers, the first is 0: there is "
		    "no %lu", info->hardware_id, n, (unsigned long)port->can);
	return 0;
}

static int
open_channel(port_type *port, struct evcan_error *err)
{
	int r = check(err, port->vci.channel_open(port->device, port->can, 0,
	    &port->channel), "opening a channel");

	if (r == 0)
		r = check(err, port->version->init_channel(port),
		    "initializing the channel");
	if (r == 0)
		r = check(err, port->vci.channel_activate(port->channel, 1),
		    "activating the channel");
	return r;
}

static int
check_features(const port_type *port, struct evcan_error *err)
{
	const char *missing = NULL;

	if (port->fd && !(port->caps.features & VCI_HAS_LONG))
		missing = "CAN FD";
	if (port->listen_only && !(port->caps.features & VCI_HAS_LISTEN))
		missing = "listen-only mode";
	return missing == NULL ? 0 : evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "the controller has no %s", missing);
}

static uint8_t
operating_mode(const port_type *port)
{
	uint8_t mode = VCI_OP_STANDARD;

	if (port->extended)
		mode = port->caps.features & VCI_HAS_BOTH_FORMATS ?
		    VCI_OP_STANDARD | VCI_OP_EXTENDED : VCI_OP_EXTENDED;
	if (port->version->major == 3 ||
	    (port->caps.features & VCI_HAS_ERRFRAME))
		mode |= VCI_OP_ERRFRAME;
	if (port->listen_only)
		mode |= VCI_OP_LISTEN;
	return mode;
}

static uint8_t
extra_mode(const port_type *port)
{
	if (!port->fd)
		return 0;
	return VCI_EX_LONG |
	    (port->caps.features & VCI_HAS_FAST ? VCI_EX_FAST : 0);
}

/* Between initializing and starting. @return whether they are set */
static bool
set_patterns(port_type *port)
{
	int32_t r = VCI_OK;

	for (int ext = 0; ext < 2 && r == VCI_OK; ext++)
		r = port->vci.control_filter(port->control, ext, 0x80000000,
		    0xffffffff);
	for (size_t i = 0; i < port->n_patterns && r == VCI_OK; i++)
		r = port->vci.control_add_ids(port->control,
		    port->patterns[i].ext, port->patterns[i].code,
		    port->patterns[i].mask);
	if (r == VCI_OK)
		return true;
	for (int ext = 0; ext < 2; ext++)
		port->vci.control_filter(port->control, ext, 0, 0);
	return false;
}

/* Also again, which resets it. */
static int
start(port_type *port, struct evcan_error *err)
{
	int r = check(err, port->version->init_control(port,
	    operating_mode(port), extra_mode(port)),
	    "initializing the controller");

	if (r < 0)
		return r;
	port->narrow = port->n_patterns > 0 && set_patterns(port);
	return check(err, port->vci.control_start(port->control, 1),
	    "starting the controller");
}

static int
restart(port_type *port, struct evcan_error *err)
{
	if (port->control == NULL)
		return evcan_error_set(err, EVCAN_ERR_BUSY, 0,
		    "another program holds the controller");
	port->vci.control_start(port->control, 0);
	return start(port, err);
}

static int
open_control(port_type *port, struct evcan_error *err)
{
	int32_t r = port->vci.control_open(port->device, port->can,
	    &port->control);
	int done;

	if (r == VCI_E_ACCESSDENIED)
		port->control = NULL;
	else if (check(err, r, "opening the controller") < 0)
		return EVCAN_ERR_INIT;
	done = check(err, port->version->caps(port, &port->caps),
	    "the controller's features");
	if (done == 0 && port->control == NULL && port->listen_only)
		return evcan_error_set(err, EVCAN_ERR_BUSY, 0, "another "
		    "program holds the controller, which decides whether it "
		    "only listens");
	if (done < 0 || port->control == NULL)
		return done;
	done = check_features(port, err);
	if (done == 0)
		done = port->version->choose_bits(port, err);
	return done < 0 ? done : start(port, err);
}

static int
open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	port_type *port = arg;
	char id[EVCAN_IXXAT_ID_], version[32] = "";
	struct vci_device_info info;
	int r = check_version(port, version, sizeof(version), err);

	if (r == 0)
		r = open_device(port, &info, err);
	if (r == 0)
		r = open_channel(port, err);
	if (r == 0)
		r = open_control(port, err);
	if (r < 0)
		return r;
	evcan_ixxat_id_(&info, id);
	evcan_adapter_device_(adapter, id);
	if (port->control == NULL)
		evcan_adapter_error_(adapter, EVCAN_ERR_BUSY, 0, "another "
		    "program holds the controller: its bit rate counts");
	evcan_adapter_info_(adapter, "IXXAT %.100s %s, CAN %lu%s%s",
	    info.description, id, (unsigned long)port->can, version,
	    port->control != NULL ? "" :
	    ", at the bit rate of another program");
	return 0;
}

static void
close(struct evcan_adapter_ *adapter, void *arg)
{
	port_type *port = arg;

	(void)adapter;
	evcan_ixxat_close_cyclic_(port);
	if (port->channel != NULL)
		port->vci.channel_close(port->channel);
	if (port->control != NULL) {
		port->vci.control_start(port->control, 0);
		port->vci.control_reset(port->control);
		port->vci.control_close(port->control);
	}
	if (port->device != NULL)
		port->vci.device_close(port->device);
	free(port->patterns);
}

/* Frames */

static void
tell_status(port_type *port, struct evcan_adapter_ *adapter, uint32_t status)
{
	enum evcan_bus_state state = status & VCI_BUSOFF ?
	    EVCAN_STATE_BUS_OFF : status & VCI_ERRLIM ?
	    EVCAN_STATE_WARNING : EVCAN_STATE_ACTIVE;

	if (state != port->state)
		evcan_adapter_state_(adapter, state);
	port->state = state;
	if ((status & VCI_COUPLING) && !port->coupling_told)
		evcan_adapter_error_(adapter, EVCAN_ERR_OPERATION, 0,
		    "the transceiver reports a coupling error: a wire of the "
		    "bus may be broken");
	port->coupling_told = status & VCI_COUPLING;
}

/* @param n frames that were read so far: they are before other news */
static void
take(port_type *port, struct evcan_adapter_ *adapter,
    const struct vci_message4 *message, struct evcan_frame *frames, int *n)
{
	bool is_status = (message->info & VCI_TYPE) == VCI_STATUS;

	if (*n > 0 && (is_status || (message->info & VCI_OVR))) {
		evcan_adapter_push_(adapter, frames, *n);
		*n = 0;
	}
	/* How many are missing it does not tell. */
	if (message->info & VCI_OVR)
		evcan_adapter_lost_(adapter, 1);
	if (is_status)
		tell_status(port, adapter, message->data[0]);
	if (evcan_ixxat_frame_(port, message, &frames[*n]))
		++*n;
}

static bool
is_nothing(int32_t r)
{
	return r == VCI_E_TIMEOUT || r == VCI_E_RXQUEUE_EMPTY ||
	    r == VCI_E_NO_DATA;
}

static int
read(struct evcan_adapter_ *adapter, void *arg, struct evcan_frame *frames,
    int max, int timeout_ms)
{
	port_type *port = arg;
	struct vci_message4 message;
	uint32_t ms = timeout_ms > 0 ? (uint32_t)timeout_ms : 0;
	struct evcan_error err = { 0 };
	int32_t r = VCI_OK;
	int n = 0;

	for (int i = 0; i < max; i++) {
		r = port->version->read(port, ms, &message);
		if (r != VCI_OK)
			break;
		take(port, adapter, &message, frames, &n);
		ms = 0;
	}
	evcan_ixxat_end_cyclic_(port, adapter);
	if (n > 0 || r == VCI_OK || is_nothing(r))
		return n;
	evcan_ixxat_error_(&err, EVCAN_ERR_GONE, r, "reading");
	evcan_adapter_gone_(adapter, err.code, err.vendor, "%s", err.text);
	return EVCAN_ERR_GONE;
}

/* Not now: full, or the device is gone, and reading will tell. */
static bool
is_later(int32_t r)
{
	return r == VCI_E_TXQUEUE_FULL || r == VCI_E_TIMEOUT ||
	    r == VCI_E_BUSY || r == VCI_E_INVHANDLE ||
	    r == VCI_E_DISCONNECTED;
}

static int
send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	port_type *port = arg;
	struct vci_message4 message;
	struct evcan_error err = { 0 };
	int32_t r = VCI_OK;
	int done = 0;

	while (done < n) {
		evcan_ixxat_message_(&frames[done], port->echo, &message);
		r = port->version->post(port, &message);
		if (r != VCI_OK)
			break;
		done++;
	}
	if (done > 0 || r == VCI_OK || is_later(r))
		return done;
	evcan_ixxat_error_(&err, EVCAN_ERR_OPERATION, r, "sending");
	evcan_adapter_error_(adapter, err.code, err.vendor, "%s", err.text);
	return err.code;
}

static void
look(struct evcan_adapter_ *adapter, void *arg)
{
	port_type *port = arg;
	uint32_t status;

	if (port->version->line(port, &status) == VCI_OK)
		tell_status(port, adapter, status);
}

/* Commands */

static int
told(struct evcan_adapter_ *adapter, int r, const struct evcan_error *err)
{
	if (r < 0)
		evcan_adapter_error_(adapter, err->code, err->vendor, "%s",
		    err->text);
	return r;
}

/* The controller must stop for new filters, and what comes meanwhile is
 * lost. So they are set when it was just opened; later it can only be opened
 * for all again, once. */
static int
run_filter(struct evcan_adapter_ *adapter, port_type *port, const void *data)
{
	struct evcan_error err = { 0 };
	struct evcan_ixxat_filter_ filter;
	int r = 0;

	memcpy(&filter, data, sizeof(filter));
	port->echo = port->echo || filter.echo;
	free(port->patterns);
	port->patterns = NULL;
	port->n_patterns = 0;
	if (filter.opening && port->control != NULL) {
		port->patterns = filter.patterns;
		port->n_patterns = filter.n;
	} else {
		free(filter.patterns);
	}
	if (port->n_patterns > 0 || port->narrow)
		r = told(adapter, restart(port, &err), &err);
	if (port->narrow)
		evcan_adapter_filtering_(adapter, filter.filtering);
	return r;
}

static int
run_mode(struct evcan_adapter_ *adapter, port_type *port, const void *data)
{
	struct evcan_error err = { 0 };
	bool before = port->listen_only;
	int r;

	memcpy(&port->listen_only, data, sizeof(port->listen_only));
	r = check_features(port, &err);
	if (r == 0)
		r = restart(port, &err);
	if (r < 0)
		port->listen_only = before;
	return told(adapter, r, &err);
}

static int
run_reset(struct evcan_adapter_ *adapter, port_type *port, const void *data)
{
	struct evcan_error err = { 0 };

	(void)data;
	if (port->control != NULL)
		port->vci.control_reset(port->control);
	return told(adapter, restart(port, &err), &err);
}

static int
run_start(struct evcan_adapter_ *adapter, port_type *port, const void *data)
{
	struct evcan_ixxat_start_ *job;
	int r;

	(void)adapter;
	memcpy(&job, data, sizeof(job));
	r = evcan_ixxat_start_cyclic_(port, job);
	free(job);
	return r;
}

static int
run_stop(struct evcan_adapter_ *adapter, port_type *port, const void *data)
{
	uint32_t number;

	(void)adapter;
	memcpy(&number, data, sizeof(number));
	evcan_ixxat_stop_cyclic_(port, number);
	return 0;
}

static int
command(struct evcan_adapter_ *adapter, void *port, int what,
    const void *data)
{
	static int (*const run[])(struct evcan_adapter_ *, port_type *,
	    const void *) = {
		[EVCAN_IXXAT_FILTER_] = run_filter,
		[EVCAN_IXXAT_MODE_] = run_mode,
		[EVCAN_IXXAT_RESET_] = run_reset,
		[EVCAN_IXXAT_START_] = run_start,
		[EVCAN_IXXAT_STOP_] = run_stop
	};

	return run[what](adapter, port, data);
}

static void
discard(int what, const void *data)
{
	struct evcan_ixxat_filter_ filter;
	struct evcan_ixxat_start_ *job;

	if (what == EVCAN_IXXAT_FILTER_) {
		memcpy(&filter, data, sizeof(filter));
		free(filter.patterns);
	} else if (what == EVCAN_IXXAT_START_) {
		memcpy(&job, data, sizeof(job));
		free(job);
	}
}

const struct evcan_vendor_ops_ evcan_ixxat_ops_ = {
	.port_size = sizeof(port_type),
	.open = open,
	.read = read,
	.send = send,
	.close = close,
	.command = command,
	.discard = discard,
	.look = look,
	/* Nothing ends a read early; so long a send may wait for it. 2 ms save
	 * 0.3 % of a core, and double that time. */
	.slice_ms = 1
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* vector_setup.c - finding, opening and setting up a channel of Vector's */
#include "vector.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct evcan_vector_port_ port_type;

/* The driver, which is the process's */

/* Its threads may do this at the same time, and detect besides. */
static pthread_mutex_t driver_lock = PTHREAD_MUTEX_INITIALIZER;

static int
open_driver(const struct evcan_vector_calls_ *calls)
{
	int status;

	pthread_mutex_lock(&driver_lock);
	status = calls->xlOpenDriver();
	pthread_mutex_unlock(&driver_lock);
	return status;
}

void
evcan_vector_close_driver_(const struct evcan_vector_calls_ *calls)
{
	pthread_mutex_lock(&driver_lock);
	calls->xlCloseDriver();
	pthread_mutex_unlock(&driver_lock);
}

static int
get_config(const struct evcan_vector_calls_ *calls, struct xl_config *config)
{
	int status;

	memset(config, 0, sizeof(*config));
	pthread_mutex_lock(&driver_lock);
	status = calls->xlGetDriverConfig(config);
	pthread_mutex_unlock(&driver_lock);
	if (config->count > XL_CHANNELS)
		config->count = XL_CHANNELS;
	return status;
}

void
evcan_vector_each_(const struct evcan_vector_calls_ *calls,
    void (*cb)(const struct xl_channel *channel, void *arg), void *arg)
{
	struct xl_config config;

	if (open_driver(calls) != 0)
		return;
	if (get_config(calls, &config) == 0) {
		for (uint32_t i = 0; i < config.count; i++) {
			if (config.channels[i].buses & XL_BUS_CAN_USABLE)
				cb(&config.channels[i], arg);
		}
	}
	evcan_vector_close_driver_(calls);
}

/* Errors */

int
evcan_vector_error_(struct evcan_error *err, const port_type *port,
    int status, const char *call)
{
	char text[EVCAN_VECTOR_SAYS_];

	evcan_error_set(err, EVCAN_ERR_INIT, 0, "channel %u: %s",
	    (unsigned)port->channel, evcan_vector_says_(status, call, text));
	if (err != NULL)
		err->vendor = status;
	return EVCAN_ERR_INIT;
}

/* Which channel it is */

static const struct xl_channel *
find_index(const struct xl_config *config, int64_t index)
{
	for (uint32_t i = 0; i < config->count; i++) {
		if (config->channels[i].index == index)
			return &config->channels[i];
	}
	return NULL;
}

static const struct xl_channel *
find_serial(const port_type *port, const struct xl_config *config,
    struct evcan_error *err)
{
	bool found = false;

	for (uint32_t i = 0; i < config->count; i++) {
		const struct xl_channel *channel = &config->channels[i];

		if (channel->serial != port->serial)
			continue;
		if (channel->hw_channel == port->channel)
			return channel;
		found = true;
	}
	evcan_error_set(err, EVCAN_ERR_INIT, 0, found ?
	    "the device with serial number %lld has no channel %u" :
	    "there is no device with serial number %lld (for channel %u)",
	    (long long)port->serial, (unsigned)port->channel);
	return NULL;
}

/* What the user chose in the tool Vector Hardware Config. */
static const struct xl_channel *
find_application(port_type *port, const struct xl_config *config,
    struct evcan_error *err)
{
	uint32_t type = 0, device = 0, of_device = 0;
	const struct xl_channel *channel;
	int status = port->calls.xlGetApplConfig(port->app, port->channel,
	    &type, &device, &of_device, XL_BUS_CAN);

	if (status != 0) {
		evcan_vector_error_(err, port, status, "xlGetApplConfig");
		return NULL;
	}
	channel = find_index(config, port->calls.xlGetChannelIndex(
	    (int32_t)type, (int32_t)device, (int32_t)of_device));
	if (channel == NULL && type == 0)
		evcan_error_set(err, EVCAN_ERR_INIT, 0, "channel %u of the "
		    "application %s has no device in Vector Hardware Config; "
		    "option serial, or an empty app_name, goes without it",
		    (unsigned)port->channel, port->app);
	else if (channel == NULL)
		evcan_vector_error_(err, port, XL_HW_NOT_PRESENT,
		    "xlGetChannelIndex");
	return channel;
}

static const struct xl_channel *
find_channel(port_type *port, const struct xl_config *config,
    struct evcan_error *err)
{
	int64_t index = port->index >= 0 ? port->index : port->channel;
	const struct xl_channel *channel;

	if (port->index < 0 && port->serial >= 0)
		return find_serial(port, config, err);
	if (port->index < 0 && port->app[0] != '\0')
		return find_application(port, config, err);
	channel = find_index(config, index);
	if (channel == NULL)
		evcan_error_set(err, EVCAN_ERR_INIT, 0, "there is no channel "
		    "%lld, counted over all devices; evcan detect shows them",
		    (long long)index);
	else if (port->serial >= 0 && channel->serial != port->serial) {
		evcan_error_set(err, EVCAN_ERR_INIT, 0, "channel_index %lld "
		    "is of the device %u, not %lld", (long long)index,
		    (unsigned)channel->serial, (long long)port->serial);
		channel = NULL;
	}
	return channel;
}

/* Setting it up, if that is allowed */

static int
set_rate(port_type *port)
{
	return port->calls.xlCanSetChannelBitrate(port->port, port->mask,
	    port->bitrate);
}

static int
set_params(port_type *port)
{
	struct xl_chip_params params = { port->bitrate, port->classic.sjw,
		port->classic.tseg1, port->classic.tseg2,
		port->classic.nof_samples };

	return port->calls.xlCanSetChannelParams(port->port, port->mask,
	    &params);
}

static int
set_registers(port_type *port)
{
	uint16_t btr = evcan_bit_timing_btr(&port->classic);

	return port->calls.xlCanSetChannelParamsC200(port->port, port->mask,
	    (uint8_t)(btr >> 8), (uint8_t)btr);
}

static int
set_fd(port_type *port)
{
	return port->calls.xlCanFdSetConfiguration(port->port, port->mask,
	    &port->fd);
}

static const struct {
	int (*set)(port_type *port);
	const char *call;
} bits[] = {
	[VECTOR_BITS_AS_THEY_ARE] = { NULL, NULL },
	[VECTOR_BITS_RATE] = { set_rate, "xlCanSetChannelBitrate" },
	[VECTOR_BITS_16_MHZ] = { set_params, "xlCanSetChannelParams" },
	[VECTOR_BITS_8_MHZ] = { set_registers, "xlCanSetChannelParamsC200" },
	[VECTOR_BITS_FD] = { set_fd, "xlCanFdSetConfiguration" }
};

static int
set_up(port_type *port, struct evcan_error *err)
{
	int status = 0;

	if (bits[port->bits].set != NULL)
		status = bits[port->bits].set(port);
	if (status != 0)
		return evcan_vector_error_(err, port, status,
		    bits[port->bits].call);
	status = port->calls.xlCanSetChannelOutput(port->port, port->mask,
	    port->silent ? XL_SILENT : XL_NORMAL);
	return status == 0 ? 0 : evcan_vector_error_(err, port, status,
	    "xlCanSetChannelOutput");
}

/* Within 1/256. */
static bool
same_rate(uint32_t found, uint32_t wanted)
{
	uint32_t off = found > wanted ? found - wanted : wanted - found;

	return off <= wanted / 256;
}

static long
sample_point(uint32_t tseg1, uint32_t tseg2)
{
	return (long)(1000 * (1 + (uint64_t)tseg1) /
	    (1 + (uint64_t)tseg1 + tseg2));
}

/* Within 2 %. */
static bool
same_point(uint32_t found1, uint32_t found2, uint32_t wanted1,
    uint32_t wanted2)
{
	long off = sample_point(found1, found2) -
	    sample_point(wanted1, wanted2);

	return off >= -20 && off <= 20;
}

static bool
is_as_wanted(const port_type *port, const struct xl_bus_params *found)
{
	const struct xl_fd_conf *fd = &port->fd;

	if (port->bits == VECTOR_BITS_AS_THEY_ARE)
		return true;
	if (port->bits == VECTOR_BITS_FD)
		return (found->op_mode & XL_OP_MODE_FD) &&
		    same_rate(found->bitrate, fd->bitrate) &&
		    same_rate(found->data_bitrate, fd->data_bitrate) &&
		    same_point(found->tseg1, found->tseg2, fd->tseg1,
		    fd->tseg2) && same_point(found->data_tseg1,
		    found->data_tseg2, fd->data_tseg1, fd->data_tseg2);
	return !(found->op_mode & XL_OP_MODE_FD) &&
	    same_rate(found->bitrate, port->bitrate) &&
	    (port->bits == VECTOR_BITS_RATE || same_point(found->tseg1,
	    found->tseg2, port->classic.tseg1, port->classic.tseg2));
}

/* Another program was first: what it set must do. */
static int
check_foreign(port_type *port, int64_t index, struct evcan_error *err)
{
	const struct xl_channel *channel;
	const struct xl_bus_params *found;
	struct xl_config config;
	int status = get_config(&port->calls, &config);

	if (port->silent)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "channel %u "
		    "is set up by another program: only that one can make it "
		    "listen only", (unsigned)port->channel);
	channel = find_index(&config, index);
	if (status != 0 || channel == NULL)
		return evcan_vector_error_(err, port, status != 0 ? status :
		    XL_HW_NOT_PRESENT, "xlGetDriverConfig");
	found = &channel->params;
	if (is_as_wanted(port, found))
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INIT, 0, "channel %u is set up "
	    "by another program, not as asked for: it has %u bit/s, sampled "
	    "at %ld %%, %s", (unsigned)port->channel,
	    (unsigned)found->bitrate, sample_point(found->tseg1,
	    found->tseg2) / 10, found->op_mode & XL_OP_MODE_FD ? "CAN FD" :
	    "classic CAN");
}

/* Opening */

/* That the highest byte is the major number, the next the minor, and the rest
 * the build, is only what programs print it as: of a 0 nothing is believed. */
static int
check_version(uint32_t version, struct evcan_error *err)
{
	return version >> 24 == 0 ? 0 : evcan_vendor_check_version_(
	    &evcan_vector_library_, version >> 24, version >> 16 & 0xff, err);
}

static int
check_fd(const port_type *port, const struct xl_channel *channel,
    struct evcan_error *err)
{
	if (port->version != XL_FLEXIBLE ||
	    (channel->capabilities & XL_CAP_FD_ISO))
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INIT, 0, "channel %u (%.32s) "
	    "has no CAN FD%s", (unsigned)port->channel, channel->name,
	    channel->capabilities & XL_CAP_FD_BOSCH ? " of ISO 11898-1, but "
	    "an older one; or the library is older than 9.7 and does not "
	    "tell" : "");
}

static int
open_port(port_type *port, const struct xl_channel *channel,
    struct evcan_error *err)
{
	uint64_t permission = port->init ? channel->mask : 0;
	int status;

	port->mask = channel->mask;
	status = port->calls.xlOpenPort(&port->port, port->app, port->mask,
	    &permission, port->queue, port->version, XL_BUS_CAN);
	if (status != 0) {
		port->port = -1;
		return evcan_vector_error_(err, port, status, "xlOpenPort");
	}
	port->may_set_up = permission & port->mask;
	if (port->may_set_up)
		return set_up(port, err);
	return port->init ? check_foreign(port, channel->index, err) : 0;
}

static void
fill_info(char info[EVCAN_VECTOR_INFO_], const struct xl_channel *channel,
    uint32_t version)
{
	int n = snprintf(info, EVCAN_VECTOR_INFO_, "%.32s, S/N %u",
	    channel->name, (unsigned)channel->serial);

	if (version >> 24 != 0)
		snprintf(info + n, EVCAN_VECTOR_INFO_ - (size_t)n,
		    ", library %u.%u.%u", (unsigned)(version >> 24),
		    (unsigned)(version >> 16 & 0xff),
		    (unsigned)(version & 0xffff));
}

int
evcan_vector_open_(port_type *port, char info[EVCAN_VECTOR_INFO_],
    struct evcan_error *err)
{
	const struct xl_channel *found;
	struct xl_config config;
	int status = open_driver(&port->calls);

	if (status != 0)
		return evcan_vector_error_(err, port, status, "xlOpenDriver");
	port->driver_open = true;
	status = get_config(&port->calls, &config);
	if (status != 0)
		return evcan_vector_error_(err, port, status,
		    "xlGetDriverConfig");
	if (check_version(config.dll_version, err) < 0)
		return EVCAN_ERR_INIT;
	found = find_channel(port, &config, err);
	if (found == NULL || check_fd(port, found, err) < 0)
		return EVCAN_ERR_INIT;
	fill_info(info, found, config.dll_version);
	return open_port(port, found, err);
}

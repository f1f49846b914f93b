/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_v3.c - what VCI 3 has its own way: classic CAN, SJA1000's registers */
#include "ixxat.h"

#include <string.h>

#include <evcan/error.h>

/* All controllers are told an SJA1000's registers. The vendor's choice for
 * usual bit rates: */
static const struct {
	uint32_t bitrate;
	uint16_t btr;
} usual[] = {
	{ 5000, 0x3f7f }, { 10000, 0x311c }, { 20000, 0x181c },
	{ 50000, 0x091c }, { 100000, 0x041c }, { 125000, 0x031c },
	{ 250000, 0x011c }, { 500000, 0x001c }, { 667000, 0x0018 },
	{ 800000, 0x0016 }, { 1000000, 0x0014 }
};

static int32_t
get_version(const struct evcan_ixxat_vci_ *vci, uint32_t *major,
    uint32_t *minor)
{
	return vci->version.v3(major, minor);
}

static int32_t
get_caps(struct evcan_ixxat_port_ *port, struct evcan_ixxat_caps_ *caps)
{
	struct vci_caps3 c;
	int32_t r;

	memset(&c, 0, sizeof(c));
	r = port->control != NULL ?
	    port->vci.control_caps(port->control, &c) :
	    port->vci.channel_caps(port->channel, &c);
	*caps = (struct evcan_ixxat_caps_){
		.features = c.features,
		.can_clock = 8000000,
		.tick_clock = c.clock,
		.tick_divisor = c.tsc_divisor,
		.cms_clock = c.clock,
		.cms_divisor = c.cms_divisor,
		.cms_max_ticks = c.cms_max_ticks
	};
	return r;
}

static int32_t
get_line(struct evcan_ixxat_port_ *port, uint32_t *status)
{
	struct vci_channel3 channel;
	int32_t r;

	memset(&channel, 0, sizeof(channel));
	r = port->vci.channel_status(port->channel, &channel);
	*status = channel.line.status;
	return r;
}

static int32_t
init_control(struct evcan_ixxat_port_ *port, uint8_t mode, uint8_t extra_mode)
{
	(void)extra_mode;
	return port->vci.control_init.v3(port->control, mode,
	    (uint8_t)(port->btr >> 8), (uint8_t)port->btr);
}

static int32_t
init_channel(struct evcan_ixxat_port_ *port)
{
	return port->vci.channel_init.v3(port->channel, port->rx_fifo, 1,
	    port->tx_fifo, 1);
}

static int32_t
read(struct evcan_ixxat_port_ *port, uint32_t ms,
    struct vci_message4 *message)
{
	struct vci_message3 m;
	int32_t r = ms > 0 ? port->vci.channel_read(port->channel, ms, &m) :
	    port->vci.channel_peek(port->channel, &m);

	if (r != VCI_OK)
		return r;
	message->time = m.time;
	message->id = m.id;
	/* Bits of CAN FD mean nothing here. */
	message->info = m.info & ~(uint32_t)(VCI_EDL | VCI_FDR | VCI_ESI);
	memcpy(message->data, m.data, sizeof(m.data));
	return r;
}

static int32_t
post(struct evcan_ixxat_port_ *port, const struct vci_message4 *message)
{
	struct vci_message3 m = { 0, message->id, message->info, { 0 } };

	memcpy(m.data, message->data, sizeof(m.data));
	return port->vci.channel_post(port->channel, &m);
}

static int32_t
add_cyclic(struct evcan_ixxat_port_ *port, uint16_t ticks,
    const struct vci_message4 *message, uint32_t *index)
{
	struct vci_cyclic3 m = { ticks, 0, 0, message->id, message->info,
	    { 0 } };

	memcpy(m.data, message->data, sizeof(m.data));
	return port->vci.scheduler_add(port->scheduler, &m, index);
}

static int32_t
cyclic_states(struct evcan_ixxat_port_ *port,
    uint8_t states[EVCAN_IXXAT_JOBS_])
{
	struct vci_scheduler3 status;
	int32_t r;

	memset(&status, 0, sizeof(status));
	r = port->vci.scheduler_status(port->scheduler, &status);
	memcpy(states, status.messages, EVCAN_IXXAT_JOBS_);
	return r;
}

/* @return 0 or EVCAN_ERR_INVALID with err */
static int
registers(const struct evcan_ixxat_port_ *port, uint16_t *btr,
    struct evcan_error *err)
{
	const uint32_t clock = 8000000;
	struct evcan_timing timing = port->timing;

	for (size_t i = 0; !port->has_timing &&
	    i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (usual[i].bitrate != port->bitrate)
			continue;
		*btr = usual[i].btr;
		return 0;
	}
	if (!port->has_timing)
		return evcan_vendor_sja1000_(port->bitrate, btr, err);
	if (evcan_timing_adjust_clock(&timing, &clock, 1, NULL) < 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "option "
		    "timing: its bits cannot be had from VCI 3's clock of "
		    "8 MHz");
	*btr = evcan_bit_timing_btr(&timing.classic);
	return 0;
}

static int
choose_bits(struct evcan_ixxat_port_ *port, struct evcan_error *err)
{
	if (port->abr.tseg1 != 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "options tseg1_abr, tseg2_abr and sjw_abr need VCI 4 "
		    "(vcinpl2); with VCI 3 use the option timing");
	return registers(port, &port->btr, err);
}

const struct evcan_ixxat_version_ evcan_ixxat_v3_ = {
	.major = 3,
	.fd = false,
	.get_version = get_version,
	.caps = get_caps,
	.line = get_line,
	.init_control = init_control,
	.init_channel = init_channel,
	.read = read,
	.post = post,
	.add_cyclic = add_cyclic,
	.cyclic_states = cyclic_states,
	.choose_bits = choose_bits
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_v4.c - what VCI 4 has its own way: CAN FD, bits as segments */
#include "ixxat.h"

#include <string.h>

#include <evcan/error.h>

static int32_t
get_version(const struct evcan_ixxat_vci_ *vci, uint32_t *major,
    uint32_t *minor)
{
	uint32_t revision, build;

	return vci->version.v4(major, minor, &revision, &build);
}

static int32_t
get_caps(struct evcan_ixxat_port_ *port, struct evcan_ixxat_caps_ *caps)
{
	struct vci_caps4 c;
	int32_t r;

	memset(&c, 0, sizeof(c));
	r = port->control != NULL ?
	    port->vci.control_caps(port->control, &c) :
	    port->vci.channel_caps(port->channel, &c);
	*caps = (struct evcan_ixxat_caps_){
		.features = c.features,
		.can_clock = c.can_clock,
		.tick_clock = c.tsc_clock,
		.tick_divisor = c.tsc_divisor,
		.cms_clock = c.cms_clock,
		.cms_divisor = c.cms_divisor,
		.cms_max_ticks = c.cms_max_ticks
	};
	return r;
}

static int32_t
get_line(struct evcan_ixxat_port_ *port, uint32_t *status)
{
	struct vci_channel4 channel;
	int32_t r;

	memset(&channel, 0, sizeof(channel));
	r = port->vci.channel_status(port->channel, &channel);
	*status = channel.line.status;
	return r;
}

static int32_t
init_control(struct evcan_ixxat_port_ *port, uint8_t mode, uint8_t extra_mode)
{
	bool filters = port->n_patterns > 0;
	uint8_t filter = filters ? VCI_FILTER_INCLUDE : VCI_FILTER_PASS;
	uint32_t ids = filters ? EVCAN_IXXAT_FILTERS_ : 0;

	return port->vci.control_init.v4(port->control, mode, extra_mode,
	    filter, filter, ids, ids, &port->nominal, &port->data);
}

static int32_t
init_channel(struct evcan_ixxat_port_ *port)
{
	return port->vci.channel_init.v4(port->channel, port->rx_fifo, 1,
	    port->tx_fifo, 1, 0, VCI_FILTER_PASS);
}

static int32_t
read(struct evcan_ixxat_port_ *port, uint32_t ms,
    struct vci_message4 *message)
{
	return ms > 0 ? port->vci.channel_read(port->channel, ms, message) :
	    port->vci.channel_peek(port->channel, message);
}

static int32_t
post(struct evcan_ixxat_port_ *port, const struct vci_message4 *message)
{
	struct vci_message4 m = *message;

	return port->vci.channel_post(port->channel, &m);
}

static int32_t
add_cyclic(struct evcan_ixxat_port_ *port, uint16_t ticks,
    const struct vci_message4 *message, uint32_t *index)
{
	struct vci_cyclic4 m = { ticks, 0, 0, message->id, message->info,
	    { 0 } };

	memcpy(m.data, message->data, sizeof(m.data));
	return port->vci.scheduler_add(port->scheduler, &m, index);
}

static int32_t
cyclic_states(struct evcan_ixxat_port_ *port,
    uint8_t states[EVCAN_IXXAT_JOBS_])
{
	struct vci_scheduler4 status;
	int32_t r;

	memset(&status, 0, sizeof(status));
	r = port->vci.scheduler_status(port->scheduler, &status);
	memcpy(states, status.messages, EVCAN_IXXAT_JOBS_);
	return r;
}

/* Bits. The library finds the registers for a bit rate; of the segments only
 * their ratio counts then. The vendor's choices; 0 Hz: any other. */

static const struct vci_btp classic_bits[] = {
	{ 0, 5000, 17, 8, 1, 0 }, { 0, 800000, 8, 2, 1, 0 },
	{ 0, 1000000, 6, 2, 1, 0 }, { 0, 0, 14, 2, 1, 0 }
};

static const struct vci_btp nominal_bits[] = {
	{ 0, 0, 6400, 1600, 1600, 0 }
};

static const struct vci_btp data_bits[] = {
	{ 0, 500000, 6400, 1600, 1600, 6400 },
	{ 0, 833333, 1600, 400, 400, 1620 },
	{ 0, 1538461, 1000, 300, 300, 1040 },
	{ 0, 4000000, 800, 200, 200, 800 },
	{ 0, 5000000, 600, 200, 200, 600 },
	{ 0, 6666666, 400, 200, 200, 402 },
	{ 0, 8000000, 400, 100, 100, 250 },
	{ 0, 10000000, 300, 100, 100, 200 },
	{ 0, 0, 1600, 400, 400, 1600 }
};

static struct vci_btp
usual(const struct vci_btp *table, uint32_t bitrate,
    const struct evcan_ixxat_bits_ *given)
{
	struct vci_btp bits;

	while (table->bps != 0 && table->bps != bitrate)
		table++;
	bits = *table;
	bits.bps = bitrate;
	if (given->tseg1 != 0) {
		bits.ts1 = (uint16_t)given->tseg1;
		bits.ts2 = (uint16_t)given->tseg2;
		bits.sjw = (uint16_t)given->sjw;
		/* The second sample point is that of the bit. */
		bits.tdo = bits.tdo != 0 ? bits.ts1 : 0;
	}
	return bits;
}

/* Registers as they are. The second sample point counts clock cycles. */
static int
exact(struct evcan_ixxat_port_ *port, struct evcan_error *err)
{
	struct evcan_timing timing = port->timing;
	const struct evcan_bit_timing *t = &timing.classic;
	const struct evcan_bit_timing_fd *f = &timing.flexible;

	if (port->caps.can_clock == 0)
		return 0;     /* not open yet: asked again then */
	if (evcan_timing_adjust_clock(&timing, &port->caps.can_clock, 1,
	    err) < 0)
		return EVCAN_ERR_INIT;
	if (!timing.fd) {
		port->nominal = (struct vci_btp){ VCI_BTP_RAW |
		    (t->nof_samples == 3 ? VCI_BTP_TRIPLE : 0), t->brp,
		    t->tseg1, t->tseg2, t->sjw, 0 };
		return 0;
	}
	port->nominal = (struct vci_btp){ VCI_BTP_RAW, f->nom_brp,
	    f->nom_tseg1, f->nom_tseg2, f->nom_sjw, 0 };
	port->data = (struct vci_btp){ VCI_BTP_RAW, f->data_brp,
	    f->data_tseg1, f->data_tseg2, f->data_sjw,
	    (uint16_t)(f->data_brp * (f->data_tseg1 + 1)) };
	return 0;
}

static int
choose_bits(struct evcan_ixxat_port_ *port, struct evcan_error *err)
{
	int r = 0;

	port->nominal = usual(port->fd ? nominal_bits : classic_bits,
	    port->bitrate, &port->abr);
	if (port->fd)
		port->data = usual(data_bits, port->data_bitrate,
		    &port->dbr);
	if (port->has_timing)
		r = exact(port, err);
	if (port->fd && port->ssp_dbr != 0)
		port->data.tdo = port->ssp_dbr;
	return r;
}

const struct evcan_ixxat_version_ evcan_ixxat_v4_ = {
	.major = 4,
	.fd = true,
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

/* SPDX-License-Identifier: BSD-3-Clause */
/* vector_double_setup.h - how a channel is set up; part of vector_double.c */
#ifndef VECTOR_DOUBLE_SETUP_H
#define VECTOR_DOUBLE_SETUP_H

static int16_t
set_params(const port_type *port, const bus_params *to)
{
	pthread_mutex_lock(&lock);
	params[port->channel] = *to;
	params[port->channel].bus_type = CAN;
	params[port->channel].output = 1;
	pthread_mutex_unlock(&lock);
	double_note("rate", (long)to->rate);
	double_note("tseg1", to->tseg1);
	double_note("tseg2", to->tseg2);
	double_note("sjw", to->sjw);
	double_note("sam", to->sam);
	double_note("data_rate", (long)to->data_rate);
	double_note("data_tseg1", to->data_tseg1);
	double_note("data_sjw", to->data_sjw);
	return 0;
}

API int16_t
xlCanSetChannelBitrate(int32_t handle, uint64_t mask, uint32_t rate)
{
	const bus_params to = { .rate = rate, .sjw = 3, .tseg1 = 12,
		.tseg2 = 3, .sam = 1, .op_mode = 1 };
	int16_t status;
	port_type *port = enter_owner("xlCanSetChannelBitrate", handle, mask,
	    &status);

	if (port == NULL)
		return status;
	return rate < 5000 || rate > 1000000 ? WRONG_PARAMETER :
	    set_params(port, &to);
}

API int16_t
xlCanSetChannelParams(int32_t handle, uint64_t mask, chip_params *chip)
{
	const bus_params to = { .rate = chip->rate, .sjw = chip->sjw,
		.tseg1 = chip->tseg1, .tseg2 = chip->tseg2, .sam = chip->sam,
		.op_mode = 1 };
	int16_t status;
	port_type *port = enter_owner("xlCanSetChannelParams", handle, mask,
	    &status);
	uint32_t quanta = 1u + chip->tseg1 + chip->tseg2;

	if (port == NULL)
		return status;
	return chip->rate == 0 || 8000000 % (chip->rate * quanta) != 0 ?
	    WRONG_PARAMETER : set_params(port, &to);
}

API int16_t
xlCanSetChannelParamsC200(int32_t handle, uint64_t mask, uint8_t btr0,
    uint8_t btr1)
{
	bus_params to = { .sjw = (uint8_t)((btr0 >> 6) + 1),
		.tseg1 = (uint8_t)((btr1 & 15) + 1),
		.tseg2 = (uint8_t)((btr1 >> 4 & 7) + 1),
		.sam = btr1 & 0x80 ? 3 : 1, .op_mode = 1 };
	int16_t status;
	port_type *port = enter_owner("xlCanSetChannelParamsC200", handle,
	    mask, &status);

	to.rate = 8000000u / ((btr0 & 63u) + 1) / (1u + to.tseg1 + to.tseg2);
	return port == NULL ? status : set_params(port, &to);
}

static bool
is_80_mhz(uint32_t rate, uint32_t tseg1, uint32_t tseg2)
{
	return rate > 0 && tseg1 > 0 && tseg2 > 0 &&
	    80000000 % ((uint64_t)rate * (1 + tseg1 + tseg2)) == 0;
}

API int16_t
xlCanFdSetConfiguration(int32_t handle, uint64_t mask, fd_conf *conf)
{
	const bus_params to = { .rate = conf->rate,
		.sjw = (uint8_t)conf->sjw, .tseg1 = (uint8_t)conf->tseg1,
		.tseg2 = (uint8_t)conf->tseg2, .sam = 1,
		.data_rate = conf->data_rate,
		.data_sjw = (uint8_t)conf->data_sjw,
		.data_tseg1 = (uint8_t)conf->data_tseg1,
		.data_tseg2 = (uint8_t)conf->data_tseg2, .op_mode = 2 };
	int16_t status;
	port_type *port = enter_owner("xlCanFdSetConfiguration", handle,
	    mask, &status);

	if (port == NULL)
		return status;
	if (port->version != 4 || !hardware[port->channel].fd)
		return INVALID_ACCESS;
	return !is_80_mhz(conf->rate, conf->tseg1, conf->tseg2) ||
	    !is_80_mhz(conf->data_rate, conf->data_tseg1, conf->data_tseg2) ?
	    WRONG_PARAMETER : set_params(port, &to);
}

API int16_t
xlCanSetChannelOutput(int32_t handle, uint64_t mask, int32_t mode)
{
	int16_t status;
	port_type *port = enter_owner("xlCanSetChannelOutput", handle, mask,
	    &status);

	if (port == NULL)
		return status;
	/* Only off the bus. */
	if (port->active || mode < 0 || mode > 3)
		return WRONG_PARAMETER;
	double_note("output", mode);
	pthread_mutex_lock(&lock);
	params[port->channel].output = (uint8_t)mode;
	pthread_mutex_unlock(&lock);
	return 0;
}

API int16_t
xlCanSetChannelMode(int32_t handle, uint64_t mask, int32_t tx, int32_t txrq)
{
	int16_t status;
	port_type *port = enter("xlCanSetChannelMode", handle, mask, &status);

	(void)txrq;
	if (port != NULL) {
		port->receipts = tx != 0;
		double_note("receipts", tx);
	}
	return status;
}

API int16_t
xlCanSetChannelAcceptance(int32_t handle, uint64_t mask, uint32_t code,
    uint32_t care, uint32_t range)
{
	int16_t status;
	port_type *port = enter("xlCanSetChannelAcceptance", handle, mask,
	    &status);

	if (port == NULL)
		return status;
	if (range != 1 && range != 2)
		return WRONG_PARAMETER;
	port->code[range - 1] = code;
	port->mask[range - 1] = care;
	return 0;
}

API int16_t
xlCanRequestChipState(int32_t handle, uint64_t mask)
{
	int16_t status;
	port_type *port = enter("xlCanRequestChipState", handle, mask,
	    &status);

	if (port != NULL && port->active)
		give_state(port->node, port->channel);
	return status;
}

#endif

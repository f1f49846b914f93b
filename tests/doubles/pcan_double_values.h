/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan_double_values.h - the parameters of the double of PCAN-Basic
 *
 * A part of pcan_double.c, which includes it behind its channels. */
#ifndef PCAN_DOUBLE_VALUES_H
#define PCAN_DOUBLE_VALUES_H

static uint32_t
give_text(void *buffer, uint32_t size, const char *text)
{
	if (size <= strlen(text))
		return ILLPARAMVAL;
	memcpy(buffer, text, strlen(text) + 1);
	return OK;
}

static uint32_t
give_number(void *buffer, uint32_t size, uint64_t value)
{
	uint32_t four = (uint32_t)value;
	uint16_t two = (uint16_t)value;

	if (size >= sizeof(value))
		memcpy(buffer, &value, sizeof(value));
	else if (size >= sizeof(four))
		memcpy(buffer, &four, sizeof(four));
	else if (size >= sizeof(two))
		memcpy(buffer, &two, sizeof(two));
	return size >= sizeof(two) ? OK : ILLPARAMVAL;
}

/* The last one has no end. */
static uint32_t
give_version(void *buffer, uint32_t size)
{
	static const char *const texts[] = { "4.10.0.4", "4, 10, 0, 4",
		"4, 1, 0, 0", "0.11.2", "5", "", "PCAN 4\033[2J", ".,. ",
		"99999999999999999999999.1" };
	const long n = sizeof(texts) / sizeof(texts[0]);
	long which = double_setting("pcan_version", 0);

	if (which >= 0 && which < n)
		return give_text(buffer, size, texts[which]);
	memset(buffer, '4', size);
	return OK;
}

static uint32_t
condition(int i)
{
	return double_unplugged(i) ? 0 : channels[i].node != NULL ? 2 : 1;
}

static void
describe(int i, TPCANChannelInformation *to)
{
	memset(to, 0, sizeof(*to));
	to->channel_handle = (uint16_t)(0x51 + i);
	to->device_type = 5;
	to->controller_number = (uint8_t)i;
	to->device_features = 1;
	snprintf(to->device_name, sizeof(to->device_name),
	    "PCAN-USB Pro FD");
	to->device_id = (uint32_t)(70 + i);
	to->channel_condition = condition(i);
}

static uint32_t
list(void *buffer, uint32_t size, bool count)
{
	TPCANChannelInformation found[CHANNELS];
	uint32_t n = 0;

	if (double_setting("no_list", 0))
		return ILLPARAMTYPE;
	for (int i = 0; i < CHANNELS; i++) {
		if (!double_unplugged(i))
			describe(i, &found[n++]);
	}
	if (count)
		return give_number(buffer, size, n);
	if (size < n * sizeof(found[0]))
		return ILLPARAMVAL;
	memcpy(buffer, found, n * sizeof(found[0]));
	return OK;
}

static uint32_t
get_open(struct channel *channel, uint8_t what, void *buffer, uint32_t size)
{
	switch (what) {
	case RECEIVE_EVENT:
		return give_number(buffer, size,
		    (uint64_t)double_fd(channel->node));
	case BITRATE_INFO:
		return channel->fd ? ILLOPERATION :
		    give_number(buffer, size, channel->btr);
	case BITRATE_INFO_FD:
		return channel->fd ? give_text(buffer, size, channel->bits) :
		    ILLOPERATION;
	case FILTER_11:
	case FILTER_29:
		return size == 8 ? give_number(buffer, size,
		    channel->filters[what - FILTER_11]) : ILLPARAMVAL;
	case AUTORESET:
	case ALLOW_STATUS:
	case ALLOW_RTR:
	case ALLOW_ERROR:
	case HARD_RESET:
		return give_number(buffer, size, channel->switches[what]);
	case ALLOW_ECHO:
		return double_setting("no_echo", 0) ? ILLPARAMTYPE :
		    give_number(buffer, size, channel->switches[what]);
	default:
		return ILLPARAMTYPE;
	}
}

static uint32_t
get_value(uint16_t handle, uint8_t what, void *buffer, uint32_t size)
{
	struct channel *channel = channel_of(handle);
	int i = index_of(handle);

	if (buffer == NULL || size == 0)
		return ILLPARAMVAL;
	memset(buffer, 0, size);
	if (what == API_VERSION)
		return give_version(buffer, size);
	if (what == CHANNELS_COUNT || what == CHANNELS_LIST)
		return handle != 0 ? ILLHANDLE :
		    list(buffer, size, what == CHANNELS_COUNT);
	if (what == CONDITION)
		return size < 4 ? ILLPARAMVAL : give_number(buffer, size,
		    i < 0 ? 0 : condition(i));
	if (i < 0)
		return ILLHW;
	switch (what) {
	case DEVICE_ID:
		return give_number(buffer, size, (uint64_t)(70 + i));
	case HARDWARE_NAME:
		return give_text(buffer, size, "PCAN-USB Pro FD");
	case CONTROLLER_NUMBER:
		return give_number(buffer, size, (uint64_t)i);
	case FEATURES:
		return give_number(buffer, size, 1);
	case LISTEN_ONLY:
		return give_number(buffer, size, channel->switches[what]);
	default:
		return channel->node == NULL ? INITIALIZE :
		    get_open(channel, what, buffer, size);
	}
}

EXPORTED uint32_t
CAN_GetValue(uint16_t handle, uint8_t what, void *buffer, uint32_t size)
{
	uint32_t status = enter("CAN_GetValue");

	return status != OK ? status :
	    leave(get_value(handle, what, buffer, size));
}

/* The real one computes its value with a shift that is too wide for more than
 * one byte, so that 4 and 8 mean "off"; on blocks for five seconds. */
static uint32_t
flash(const void *buffer, uint32_t size)
{
	if (size == 1 && *(const uint8_t *)buffer != 0) {
		usleep((unsigned)double_setting("identify_ms", 0) * 1000);
		double_enter("flashed", NULL);
	}
	return OK;
}

static uint32_t
set_open(struct channel *channel, uint8_t what, const void *buffer,
    uint32_t size, uint32_t on)
{
	switch (what) {
	case RECEIVE_EVENT:
		return ILLOPERATION;
	case FILTER_11:
	case FILTER_29:
		if (size != 8)
			return ILLPARAMVAL;
		memcpy(&channel->filters[what - FILTER_11], buffer, 8);
		return OK;
	case ALLOW_ECHO:
		if (double_setting("no_echo", 0))
			return ILLPARAMTYPE;
		channel->switches[what] = on;
		return OK;
	case AUTORESET:
	case ALLOW_STATUS:
	case ALLOW_RTR:
	case ALLOW_ERROR:
	case HARD_RESET:
		channel->switches[what] = on;
		return OK;
	default:
		return ILLPARAMTYPE;
	}
}

static uint32_t
set_value(uint16_t handle, uint8_t what, const void *buffer, uint32_t size)
{
	struct channel *channel = channel_of(handle);
	uint32_t on;

	if (buffer == NULL || size == 0)
		return ILLPARAMVAL;
	if (index_of(handle) < 0)
		return ILLHW;
	on = *(const uint8_t *)buffer != 0;
	if (what == LISTEN_ONLY) {
		channel->switches[what] = on;
		if (channel->node != NULL)
			double_flush(channel->node);
		return OK;
	}
	if (what == IDENTIFYING)
		return flash(buffer, size);
	return channel->node == NULL ? INITIALIZE :
	    set_open(channel, what, buffer, size, on);
}

EXPORTED uint32_t
CAN_SetValue(uint16_t handle, uint8_t what, void *buffer, uint32_t size)
{
	uint32_t status = enter("CAN_SetValue");

	return status != OK ? status :
	    leave(set_value(handle, what, buffer, size));
}

#endif

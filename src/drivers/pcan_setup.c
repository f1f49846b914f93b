/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan_setup.c - PCAN-Basic's channels, bit rates and statuses by name */
#include "pcan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <evcan/bit_timing.h>

#include "../text.h"

/* Channels */

static const struct row {
	const char *kind;
	uint16_t number, channel, count;
} rows[] = {
	{ "ISA", 1, 0x21, 8 }, { "DNG", 1, 0x31, 1 },
	{ "PCI", 1, 0x41, 8 }, { "PCI", 9, 0x409, 8 },
	{ "USB", 1, 0x51, 8 }, { "USB", 9, 0x509, 8 },
	{ "PCC", 1, 0x61, 2 }, { "LAN", 1, 0x801, 16 }
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

uint16_t
evcan_pcan_channel_at_(size_t i)
{
	for (const struct row *row = rows; row < rows + ROWS; row++) {
		if (i < row->count)
			return (uint16_t)(row->channel + i);
		i -= row->count;
	}
	return 0;
}

char *
evcan_pcan_name_(uint16_t channel, char name[EVCAN_PCAN_NAME_])
{
	snprintf(name, EVCAN_PCAN_NAME_, "0x%X", (unsigned)channel);
	for (const struct row *row = rows; row < rows + ROWS; row++) {
		int i = channel - row->channel;

		if (i >= 0 && i < row->count)
			snprintf(name, EVCAN_PCAN_NAME_, "PCAN_%sBUS%d",
			    row->kind, row->number + i);
	}
	return name;
}

uint16_t
evcan_pcan_channel_(const char *text)
{
	char name[EVCAN_PCAN_NAME_];
	int64_t number = 0;
	uint16_t channel;

	evcan_text_get_int_(text, &number);
	for (size_t i = 0; (channel = evcan_pcan_channel_at_(i)) != 0; i++) {
		if (number == channel ||
		    strcasecmp(evcan_pcan_name_(channel, name), text) == 0)
			return channel;
	}
	return 0;
}

/* Bit rates */

/* Registers for a clock of 8 MHz, as the vendor's own table has them. Some
 * rates are a little off: 33.333, 47.619, 83.333 and 95.238 kbit/s. */
static const struct {
	int32_t bitrate;
	uint16_t btr;
} rates[] = {
	{ 1000000, 0x0014 }, { 800000, 0x0016 }, { 500000, 0x001C },
	{ 250000, 0x011C }, { 125000, 0x031C }, { 100000, 0x432F },
	{ 95000, 0xC34E }, { 83000, 0x852B }, { 50000, 0x472F },
	{ 47000, 0x1414 }, { 33000, 0x8B2F }, { 20000, 0x532F },
	{ 10000, 0x672F }, { 5000, 0x7F7F }
};

static const uint32_t classic_clocks[] = { 8000000 };
static const uint32_t fd_clocks[] = { 80000000, 60000000, 40000000, 30000000,
	24000000, 20000000 };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int
classic_bitrate(struct evcan_pcan_port_ *port, int64_t bitrate,
    struct evcan_error *err)
{
	if (bitrate == 0)
		bitrate = 500000;
	for (size_t i = 0; i < COUNT(rates); i++) {
		if (rates[i].bitrate == bitrate) {
			port->btr = rates[i].btr;
			return 0;
		}
	}
	return evcan_vendor_sja1000_((uint32_t)bitrate, &port->btr, err);
}

static void
write_bits(struct evcan_pcan_port_ *port,
    const struct evcan_bit_timing_fd *t)
{
	snprintf(port->bits, sizeof(port->bits), "f_clock=%u,nom_brp=%u,"
	    "nom_tseg1=%u,nom_tseg2=%u,nom_sjw=%u,data_brp=%u,"
	    "data_tseg1=%u,data_tseg2=%u,data_sjw=%u", (unsigned)t->f_clock,
	    t->nom_brp, t->nom_tseg1, t->nom_tseg2, t->nom_sjw, t->data_brp,
	    t->data_tseg1, t->data_tseg2, t->data_sjw);
}

/* Where it is usual to sample, in percent. */
static double
sample_point(int64_t bitrate)
{
	return bitrate > 800000 ? 75 : bitrate > 500000 ? 80 : 87.5;
}

static int
fd_bitrate(struct evcan_pcan_port_ *port, const uint32_t *clocks,
    size_t n_clocks, const struct evcan_bus_common *common,
    struct evcan_error *err)
{
	int64_t nominal = common->bitrate != 0 ? common->bitrate : 500000;
	int64_t data = common->data_bitrate != 0 ? common->data_bitrate :
	    nominal;
	struct evcan_bit_timing_fd timing;
	char clock[24] = "20 to 80";
	int r = -1;

	for (size_t i = 0; i < n_clocks && r < 0; i++)
		r = evcan_bit_timing_fd_from_sample_point(&timing, clocks[i],
		    (uint32_t)nominal, sample_point(nominal),
		    (uint32_t)data, sample_point(data), NULL);
	if (n_clocks == 1)
		snprintf(clock, sizeof(clock), "%u",
		    (unsigned)clocks[0] / 1000000);
	if (r < 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "bitrate %lld with data_bitrate %lld cannot be had from "
		    "a clock of %s MHz; option timing takes any registers",
		    (long long)nominal, (long long)data, clock);
	write_bits(port, &timing);
	return 0;
}

static int
given_timing(struct evcan_pcan_port_ *port, struct evcan_timing *timing,
    bool fd, struct evcan_error *err)
{
	int r;

	if (fd && !timing->fd)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "option fd "
		    "needs timing with nom_ and data_ keys, this one is of "
		    "classic CAN");
	r = timing->fd ? evcan_timing_adjust_clock(timing, fd_clocks,
	    COUNT(fd_clocks), err) : evcan_timing_adjust_clock(timing,
	    classic_clocks, COUNT(classic_clocks), err);
	if (r < 0 && err != NULL)
		err->code = EVCAN_ERR_INVALID;
	if (r < 0)
		return EVCAN_ERR_INVALID;
	if (r > 0)
		evcan_log(EVCAN_LOG_WARNING, "pcan", "%s: timing is for a "
		    "clock that the device does not have, and was computed "
		    "anew for %lu MHz", port->name, (unsigned long)(timing->fd
		    ? timing->flexible.f_clock : timing->classic.f_clock) /
		    1000000);
	port->fd = timing->fd;
	if (timing->fd)
		write_bits(port, &timing->flexible);
	else
		port->btr = evcan_bit_timing_btr(&timing->classic);
	return 0;
}

/* The keys one by one, as python-can's FD users write them */

static const struct {
	const char *name;
	size_t offset;
} keys[] = {
#define KEY(name) { #name, offsetof(struct evcan_pcan_bits_, name) }
	KEY(nom_brp), KEY(nom_tseg1), KEY(nom_tseg2), KEY(nom_sjw),
	KEY(data_brp), KEY(data_tseg1), KEY(data_tseg2), KEY(data_sjw)
};

static int64_t
key_of(const struct evcan_pcan_bits_ *bits, size_t i)
{
	return *(const int64_t *)((const char *)bits + keys[i].offset);
}

/* Hz, 0 if it is not given */
static uint32_t
clock_of(const struct evcan_pcan_bits_ *bits)
{
	return (uint32_t)(bits->f_clock != 0 ? bits->f_clock :
	    bits->f_clock_mhz * 1000000);
}

/* @param missing receives the names, divided by blanks
 * @return how many keys are given */
static size_t
count_keys(const struct evcan_pcan_bits_ *bits, char missing[120])
{
	size_t given = 0, at = 0;

	missing[0] = '\0';
	if (clock_of(bits) == 0)
		at = (size_t)sprintf(missing, " f_clock");
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (key_of(bits, i) != 0)
			given++;
		else
			at += (size_t)sprintf(missing + at, " %s",
			    keys[i].name);
	}
	return given;
}

static int
all_keys(struct evcan_pcan_port_ *port, const struct evcan_pcan_bits_ *bits,
    struct evcan_error *err)
{
	struct evcan_timing timing = { .fd = true, .flexible = {
		.f_clock = clock_of(bits),
		.nom_brp = (uint16_t)bits->nom_brp,
		.nom_tseg1 = (uint16_t)bits->nom_tseg1,
		.nom_tseg2 = (uint16_t)bits->nom_tseg2,
		.nom_sjw = (uint16_t)bits->nom_sjw,
		.data_brp = (uint16_t)bits->data_brp,
		.data_tseg1 = (uint16_t)bits->data_tseg1,
		.data_tseg2 = (uint16_t)bits->data_tseg2,
		.data_sjw = (uint16_t)bits->data_sjw
	} };
	int r = evcan_bit_timing_fd_check(&timing.flexible, err);

	return r < 0 ? r : given_timing(port, &timing, true, err);
}

/* With a clock alone, the keys are found for the bit rates. */
static int
one_clock(struct evcan_pcan_port_ *port, uint32_t clock,
    const struct evcan_bus_common *common, struct evcan_error *err)
{
	size_t i = 0;

	while (i < COUNT(fd_clocks) && fd_clocks[i] != clock)
		i++;
	if (i == COUNT(fd_clocks))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "f_clock is "
		    "%lu Hz, but must be 20, 24, 30, 40, 60 or 80 MHz",
		    (unsigned long)clock);
	return fd_bitrate(port, &clock, 1, common, err);
}

static int
fd_bits(struct evcan_pcan_port_ *port, const struct evcan_bus_common *common,
    const struct evcan_pcan_bits_ *bits, struct evcan_error *err)
{
	uint32_t clock = clock_of(bits);
	char missing[120];
	size_t given = count_keys(bits, missing);

	if (given == 0 && clock == 0)
		return fd_bitrate(port, fd_clocks, COUNT(fd_clocks), common,
		    err);
	if (given == 0)
		return one_clock(port, clock, common, err);
	if (missing[0] != '\0')
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "CAN FD "
		    "bits by keys need f_clock (or f_clock_mhz) and all eight "
		    "keys; missing:%s; or give f_clock with bitrate and "
		    "data_bitrate alone", missing);
	return all_keys(port, bits, err);
}

int
evcan_pcan_set_bits_(struct evcan_pcan_port_ *port,
    const struct evcan_bus_common *common,
    const struct evcan_pcan_bits_ *bits, struct evcan_error *err)
{
	struct evcan_timing timing;
	char missing[120];

	if (common->timing != NULL) {
		if (evcan_timing_parse(&timing, common->timing, err) < 0)
			return EVCAN_ERR_INVALID;
		return given_timing(port, &timing, common->fd, err);
	}
	/* All of them say fd by themselves, fewer say nothing without it. */
	port->fd = common->fd || (clock_of(bits) != 0 &&
	    count_keys(bits, missing) == COUNT(keys));
	if (port->fd)
		return fd_bits(port, common, bits, err);
	if (clock_of(bits) != 0 || count_keys(bits, missing) > 0)
		evcan_log(EVCAN_LOG_WARNING, "pcan", "%s: f_clock and the "
		    "keys of CAN FD bits say nothing without fd=true",
		    port->name);
	return classic_bitrate(port, common->bitrate, err);
}

/* Statuses */

/* What matters most stands first. */
static const struct status {
	uint32_t status, mask;
	int code;
	const char *name, *text;
} statuses[] = {
#define BITS(name) PCAN_##name, PCAN_##name
#define HANDLE(name) PCAN_##name, PCAN_ILLCLIENT
	{ HANDLE(ILLHW), EVCAN_ERR_INIT, "ILLHW",
	    "there is no such device, or it was taken away" },
	{ HANDLE(ILLNET), EVCAN_ERR_INIT, "ILLNET", "there is no such net" },
	{ HANDLE(ILLCLIENT), EVCAN_ERR_INIT, "ILLCLIENT",
	    "the library does not know this channel" },
	{ HANDLE(HWINUSE), EVCAN_ERR_BUSY, "HWINUSE",
	    "the device is in use by another net" },
	{ HANDLE(NETINUSE), EVCAN_ERR_BUSY, "NETINUSE",
	    "another program uses it" },
	{ BITS(INITIALIZE), EVCAN_ERR_BUSY, "INITIALIZE", "the channel is "
	    "open already, here or in a program with another bit rate" },
	{ BITS(NODRIVER), EVCAN_ERR_NOT_IMPLEMENTED, "NODRIVER",
	    "PEAK's driver is not loaded (on Linux: modprobe pcan, built for "
	    "character devices)" },
	{ BITS(RESOURCE), EVCAN_ERR_INIT, "RESOURCE",
	    "no permission, or no handle, memory or queue left" },
	{ BITS(ILLPARAMTYPE), EVCAN_ERR_UNSUPPORTED, "ILLPARAMTYPE",
	    "the device, its firmware or its driver cannot do that" },
	{ BITS(ILLPARAMVAL), EVCAN_ERR_INVALID, "ILLPARAMVAL",
	    "a value is not allowed" },
	{ BITS(ILLOPERATION), EVCAN_ERR_OPERATION, "ILLOPERATION",
	    "not possible in this state" },
	{ BITS(ILLMODE), EVCAN_ERR_OPERATION, "ILLMODE",
	    "not possible in this mode" },
	{ BITS(ILLDATA), EVCAN_ERR_OPERATION, "ILLDATA",
	    "the data are not valid" },
	{ BITS(BUSOFF), EVCAN_ERR_OPERATION, "BUSOFF",
	    "the controller is bus-off" },
	{ BITS(BUSPASSIVE), EVCAN_ERR_OPERATION, "BUSPASSIVE",
	    "the controller is error passive" },
	{ BITS(BUSHEAVY), EVCAN_ERR_OPERATION, "BUSHEAVY",
	    "an error counter reached its warning limit" },
	{ BITS(BUSLIGHT), EVCAN_ERR_OPERATION, "BUSLIGHT",
	    "an error counter is high" },
	{ BITS(OVERRUN), EVCAN_ERR_OPERATION, "OVERRUN",
	    "the controller was read too late" },
	{ BITS(QOVERRUN), EVCAN_ERR_OPERATION, "QOVERRUN",
	    "the receive queue was read too late" },
	{ BITS(QXMTFULL), EVCAN_ERR_FULL, "QXMTFULL",
	    "the transmit queue is full" },
	{ BITS(XMTFULL), EVCAN_ERR_FULL, "XMTFULL",
	    "the controller's transmit buffer is full" },
	{ BITS(QRCVEMPTY), EVCAN_ERR_OPERATION, "QRCVEMPTY",
	    "the receive queue is empty" },
	{ BITS(REGTEST), EVCAN_ERR_OPERATION, "REGTEST",
	    "the controller's registers fail their test" },
	{ BITS(CAUTION), EVCAN_ERR_OPERATION, "CAUTION",
	    "done, but not quite as asked for" },
	{ 0, 0, EVCAN_ERR_OPERATION, "UNKNOWN", "it does not say why" }
};

static const struct status *
find_status(uint32_t status)
{
	const struct status *row = statuses;

	while ((status & row->mask) != row->status)
		row++;
	return row;
}

int
evcan_pcan_code_(uint32_t status)
{
	return find_status(status)->code;
}

char *
evcan_pcan_says_(uint32_t status, char text[EVCAN_PCAN_SAYS_])
{
	const struct status *row = find_status(status);

	snprintf(text, EVCAN_PCAN_SAYS_, "%s (PCAN_ERROR_%s, 0x%X)",
	    row->text, row->name, (unsigned)status);
	return text;
}

bool
evcan_pcan_is_gone_(uint32_t status)
{
	uint32_t handle = status & PCAN_ILLCLIENT;

	return handle == PCAN_ILLHW || handle == PCAN_ILLNET ||
	    handle == PCAN_ILLCLIENT || (status & (PCAN_INITIALIZE |
	    PCAN_NODRIVER)) != 0;
}

enum evcan_bus_state
evcan_pcan_state_(uint32_t status)
{
	if (status & PCAN_BUSOFF)
		return EVCAN_STATE_BUS_OFF;
	if (status & PCAN_BUSPASSIVE)
		return EVCAN_STATE_PASSIVE;
	return status & PCAN_ANYBUSERR ? EVCAN_STATE_WARNING :
	    EVCAN_STATE_ACTIVE;
}

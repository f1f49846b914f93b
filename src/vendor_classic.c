/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_classic.c - what devices without CAN FD have in common */
#include <evcan/bit_timing.h>
#include <evcan/driver.h>
#include <evcan/frame.h>

#include "vendor.h"

int
evcan_vendor_check_classic_(struct evcan_bus *bus,
    const struct evcan_frame *frame, struct evcan_error *err)
{
	const char *interface = evcan_driver_common(bus)->interface;

	if (frame->flags & EVCAN_FRAME_ERR)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "interface %s cannot send error frames", interface);
	if (frame->dlc > 8)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "interface %s cannot send a DLC of %u: 8 at the most",
		    interface, frame->dlc);
	return 0;
}

int
evcan_vendor_timing_classic_(struct evcan_bus *bus, uint32_t clock,
    struct evcan_bit_timing *bit, struct evcan_error *err)
{
	struct evcan_timing timing;
	int r = evcan_timing_parse(&timing, evcan_driver_common(bus)->timing,
	    err);

	if (r == 0 && timing.fd)
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0, "%s: the timing "
		    "is of CAN FD, which interface %s does not have",
		    evcan_bus_name(bus), evcan_driver_common(bus)->interface);
	if (r == 0)
		r = evcan_timing_adjust_clock(&timing, &clock, 1, err);
	/* A bit that this clock cannot give is a wrong option too. */
	if (r == EVCAN_ERR_INIT && err != NULL)
		err->code = EVCAN_ERR_INVALID;
	if (r < 0)
		return r == EVCAN_ERR_INIT ? EVCAN_ERR_INVALID : r;
	if (r > 0)
		evcan_log(EVCAN_LOG_WARNING, "vendor", "%s: timing computed "
		    "anew for the clock of %lu MHz", evcan_bus_name(bus),
		    (unsigned long)clock / 1000000);
	*bit = timing.classic;
	return 0;
}

/* It divides its crystal of 16 MHz by two before it counts. */
int
evcan_vendor_sja1000_(uint32_t bitrate, uint16_t *btr,
    struct evcan_error *err)
{
	const struct evcan_bit_request request = { .f_clock = 8000000,
		.nominal = { .bitrate = bitrate, .sample_point =
		bitrate > 800000 ? 75 : bitrate > 500000 ? 80 : 87.5,
		.limits = { .brp_min = 1, .brp_max = 64, .tseg1_min = 1,
		.tseg1_max = 16, .tseg2_min = 1, .tseg2_max = 8,
		.sjw_max = 4 } } };
	struct evcan_bit_timing bit = { .f_clock = 8000000,
		.nof_samples = 1 };
	struct evcan_bit_pair pair;

	if (bitrate > 1000000 ||
	    evcan_bit_timing_solve(&pair, 1, &request, NULL) < 1)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "bitrate "
		    "%lu cannot be had: it must be 5000 to 1000000, and "
		    "divide the clock of 8 MHz", (unsigned long)bitrate);
	bit.brp = pair.nominal.brp;
	bit.tseg1 = (uint8_t)pair.nominal.tseg1;
	bit.tseg2 = (uint8_t)pair.nominal.tseg2;
	bit.sjw = (uint8_t)pair.nominal.sjw;
	*btr = evcan_bit_timing_btr(&bit);
	return 0;
}

int
evcan_vendor_reset_(struct evcan_bus *bus, int what, int wait_ms,
    struct evcan_error *err)
{
	int r = evcan_adapter_ask_(bus, what, NULL, 0, wait_ms);

	return r == 0 ? 0 : evcan_error_set(err, r, 0, "%s: not reset%s: %s",
	    evcan_bus_name(bus), r == EVCAN_ERR_TIMEOUT ? " yet" : "",
	    evcan_error_name(r));
}

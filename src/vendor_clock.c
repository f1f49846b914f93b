/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_clock.c - a device's running clock to Unix time */
#include "vendor.h"

#define SECOND ((int64_t)1000000000)
#define DRIFT_PER_SECOND_NS 100000   /* 100 ppm: more than crystals have */
/* No frame waits for that long: one of the clocks was set. */
#define STEP_NS (2 * SECOND)
/* No device counts for 126 years: nothing overflows by what else it says. */
#define MOST_NS ((int64_t)4000000000 * SECOND)

/* A frame is never older than it seems, so the smallest difference is the
 * truest; it may grow as fast as crystals drift. */
int64_t
evcan_vendor_time_(struct evcan_vendor_clock_ *clock, int64_t device_ns,
    int64_t unix_ns)
{
	int64_t seconds = (unix_ns - clock->checked_ns) / SECOND;
	int64_t offset;

	device_ns %= MOST_NS;
	offset = unix_ns - device_ns;
	if (clock->known && seconds > 0) {
		clock->offset_ns += seconds * DRIFT_PER_SECOND_NS;
		clock->checked_ns += seconds * SECOND;
	}
	if (!clock->known || offset < clock->offset_ns ||
	    offset - clock->offset_ns > STEP_NS) {
		clock->known = true;
		clock->checked_ns = unix_ns;
		clock->offset_ns = offset;
	}
	return device_ns + clock->offset_ns;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* nican_fixture.h - what tests of the nican driver share */
#ifndef NICAN_FIXTURE_H
#define NICAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERFACE "nican"
#include "double_fixture.h"
#include "drivers/nican.h"

/* An attribute that was not configured. */
#define NONE 0xffffffffL

static inline long
attribute(int number, uint32_t id)
{
	long (*function)(int number, uint32_t id);

	*(void **)&function = double_symbol("evcan_nican_attribute");
	return function(number, id);
}

/* Until the thread of the bus is in a write, and stays there. */
static inline void
hang_in_write(struct evcan_bus *bus)
{
	struct evcan_frame frame = frame_of(0x7ff, 0, 4);
	long before = calls("ncWrite");

	control("hang ncWrite");
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	UNTIL(calls("ncWrite") > before);
}

#endif

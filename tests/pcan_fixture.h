/* SPDX-License-Identifier: BSD-3-Clause */
/* pcan_fixture.h - what tests of the pcan driver share; behind cmocka.h */
#ifndef PCAN_FIXTURE_H
#define PCAN_FIXTURE_H

#define INTERFACE "pcan"
#include "double_fixture.h"
#include "drivers/pcan.h"

#define A "PCAN_USBBUS1"
#define B "PCAN_USBBUS2"

/* The double itself, as another program has it. */
static uint32_t (*get_value)(uint16_t, uint8_t, void *, uint32_t);
static uint32_t (*initialize)(uint16_t, uint16_t, uint8_t, uint32_t, uint16_t);
static uint32_t (*uninitialize)(uint16_t);
static uint32_t (*write_msg)(uint16_t, struct evcan_pcan_msg_ *);

static inline int
setup_pcan(void **state)
{
	int r = setup(state);

	*(void **)&get_value = double_symbol("CAN_GetValue");
	*(void **)&initialize = double_symbol("CAN_Initialize");
	*(void **)&uninitialize = double_symbol("CAN_Uninitialize");
	*(void **)&write_msg = double_symbol("CAN_Write");
	return r;
}

static inline uint64_t
value(int channel, uint8_t what)
{
	uint64_t number = 0;

	assert_int_equal(get_value((uint16_t)(0x51 + channel), what, &number,
	    sizeof(number)), 0);
	return number;
}

#define PCAN_TEST(f) cmocka_unit_test_setup_teardown(f, setup_pcan, teardown)

#endif

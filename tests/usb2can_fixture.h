/* SPDX-License-Identifier: BSD-3-Clause */
/* usb2can_fixture.h - what tests of the usb2can driver share */
#ifndef USB2CAN_FIXTURE_H
#define USB2CAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERFACE "usb2can"
#include "double_fixture.h"
#include "drivers/usb2can.h"

#define A "ED000001"
#define B "ED000002"

/* The double itself, as another program has it. */
static const char *(*opened)(void);
static long (*canal_open)(const char *device, unsigned long flags);
static int (*canal_send)(long handle, struct evcan_usb2can_msg_ *msg);
static int (*canal_close)(long handle);

static inline int
setup_canal(void **state)
{
	int r = setup(state);

	*(void **)&opened = double_symbol("evcan_usb2can_opened");
	*(void **)&canal_open = double_symbol("CanalOpen");
	*(void **)&canal_send = double_symbol("CanalSend");
	*(void **)&canal_close = double_symbol("CanalClose");
	return r;
}

#define CANAL_TEST(f) cmocka_unit_test_setup_teardown(f, setup_canal, \
	    teardown)

#endif

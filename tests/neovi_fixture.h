/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_fixture.h - what tests of the neovi driver share; behind cmocka.h */
#ifndef NEOVI_FIXTURE_H
#define NEOVI_FIXTURE_H

#define INTERFACE "neovi"
#include "double_fixture.h"
#include "drivers/neovi.h"

/* The devices of the simulated channels 0 and 1. */
#define A "HSCAN,serial=AB0001,receive_own_messages=false"
#define B "HSCAN,serial=123456,receive_own_messages=false"

#endif

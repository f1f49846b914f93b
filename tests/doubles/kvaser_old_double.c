/* SPDX-License-Identifier: BSD-3-Clause */
/* kvaser_old_double.c - CANlib with no more than a driver needs */
#define OLD
#include "kvaser_double.c"

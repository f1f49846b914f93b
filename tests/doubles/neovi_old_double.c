/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_old_double.c - icsneolegacy with no more than a driver needs */
#define OLD
#include "neovi_double.c"

/* SPDX-License-Identifier: BSD-3-Clause */
/* iscan_old_double.c - an iscandrv that knows standard frames alone */
#define OLD
#include "iscan_double.c"

/* SPDX-License-Identifier: BSD-3-Clause */
/* nican_old_double.c - a double of NI-CAN 1.4: see nican_double.c */
#define OLD 1
#include "nican_double.c"

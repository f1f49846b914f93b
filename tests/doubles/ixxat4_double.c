/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat4_double.c - a double of IXXAT's VCI 4 (vcinpl2) */
#define VCI 4
#include "ixxat_double.c"

/* SPDX-License-Identifier: BSD-3-Clause */
/* empty_double.c - a library that lacks every function */

extern const char evcan_empty_double[];
const char evcan_empty_double[] = "nothing";

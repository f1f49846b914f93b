/* SPDX-License-Identifier: BSD-3-Clause */
/* version.c - the version of the library that runs */
#include <evcan/evcan.h>

const char *
evcan_version(void)
{
	return EVCAN_VERSION;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* environment.c - what the environment says, where it may say something */
#include "environment.h"

#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

bool
evcan_caller_is_trusted_(void)
{
#ifdef __linux__
	return getauxval(AT_SECURE) == 0;
#else
	return getuid() == geteuid() && getgid() == getegid();
#endif
}

const char *
evcan_variable_(const char *name)
{
	return evcan_caller_is_trusted_() ? getenv(name) : NULL;
}

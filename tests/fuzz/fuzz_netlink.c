/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_netlink.c - rtnetlink messages as a hostile kernel would send them */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int good)
{
	if (!good)
		abort();
}

static int
on_link(const struct evcan_link_ *link, void *arg)
{
	size_t *n = arg;

	require(memchr(link->name, 0, sizeof(link->name)) != NULL);
	require(memchr(link->kind, 0, sizeof(link->kind)) != NULL);
	require(link->state >= -1 && link->state <= 4);
	require(strcmp(link->kind, "can") == 0 ||
	    (link->state == -1 && link->bitrate == 0));
	return ++*n == 1000;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = 0;
	int r = evcan_netlink_parse_(data, size, on_link, &n);

	require(r <= 1 && r > -4096);
	require(n * 32 <= size);   /* a link is at least two heads */
	return 0;
}

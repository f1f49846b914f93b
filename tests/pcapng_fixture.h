/* SPDX-License-Identifier: BSD-3-Clause */
/* pcapng_fixture.h - pcapng captures made by hand, for the tests */
#ifndef PCAPNG_FIXTURE_H
#define PCAPNG_FIXTURE_H

#include "capture_fixture.h"

#define START 1483389946000000000ll

enum { COMMENT = 1, IF_NAME = 2, EPB_FLAGS = 2, EPB_DROPCOUNT = 4,
	ISB_IFDROP = 5, ISB_OSDROP = 7, IF_TSRESOL = 9, IF_TSOFFSET = 14 };

static struct file file;
static struct result result;

/* Building */

static size_t block_at;

static inline size_t
open_block(uint32_t type)
{
	block_at = file.len;
	add32(&file, type);
	add32(&file, 0);
	return block_at;
}

static inline void
pad(void)
{
	add(&file, "\0\0\0", (block_at - file.len) & 3);
}

static inline void
close_block(size_t at)
{
	pad();
	add32(&file, (uint32_t)(file.len - at) + 4);
	set32(&file, at + 4, (uint32_t)(file.len - at));
}

static inline void
option(unsigned code, const void *value, size_t len)
{
	add16(&file, code);
	add16(&file, (unsigned)len);
	add(&file, value, len);
	pad();
}

static inline void
number_option(unsigned code, uint64_t value, size_t len)
{
	add16(&file, code);
	add16(&file, (unsigned)len);
	if (len == 8 && file.big)
		add32(&file, (uint32_t)(value >> 32));
	add32(&file, (uint32_t)value);
	if (len == 8 && !file.big)
		add32(&file, (uint32_t)(value >> 32));
}

static inline void
section(bool big)
{
	size_t at;

	file.big = big;
	at = open_block(0x0a0d0d0a);
	add32(&file, 0x1a2b3c4d);
	add16(&file, 1);
	add16(&file, 0);
	add32(&file, 0xffffffff);
	add32(&file, 0xffffffff);
	close_block(at);
}

/* @param name NULL: none @param resolution as the option; -1: none */
static inline void
interface(unsigned link, const char *name, int resolution)
{
	const uint8_t value = (uint8_t)resolution;
	const size_t at = open_block(1);

	add16(&file, link);
	add16(&file, 0);
	add32(&file, 0);
	if (name != NULL)
		option(IF_NAME, name, strlen(name));
	if (resolution >= 0)
		option(IF_TSRESOL, &value, 1);
	close_block(at);
}

static inline size_t
open_packet(uint32_t face, uint64_t stamp, uint32_t id, unsigned len)
{
	const size_t at = open_block(6);
	uint8_t p[80];
	const size_t size = packet(p, id, len, 0);

	add32(&file, face);
	add32(&file, (uint32_t)(stamp >> 32));
	add32(&file, (uint32_t)stamp);
	add32(&file, (uint32_t)size);
	add32(&file, (uint32_t)size);
	add(&file, p, size);
	pad();
	return at;
}

static inline void
plain_packet(uint32_t face, uint64_t stamp, uint32_t id, unsigned len)
{
	close_block(open_packet(face, stamp, id, len));
}

/* A section with one interface in nanoseconds. */
static inline void
start(bool big)
{
	file.len = 0;
	section(big);
	interface(227, "vcan0", 9);
}

/* Reading */

static inline void
read_it(size_t frames, unsigned errors)
{
	read_file("pcapng", &file, &result);
	if (result.errors != errors)
		fail_msg("%u errors: %s", result.errors, result.error);
	assert_int_equal(result.n, frames);
}

#endif

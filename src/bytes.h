/* SPDX-License-Identifier: BSD-3-Clause */
/* bytes.h - integers from and to bytes, whatever the machine's order */
#ifndef EVCAN_BYTES_H
#define EVCAN_BYTES_H

#include <stdint.h>
#include <string.h>

/*
 * Little-endian integers are put together byte by byte, which is right
 * everywhere. Where the machine has that order anyhow it is a copy: compilers
 * do not see that in every case, and rows of fields are a quarter slower.
 */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define EVCAN_BYTES_AS_THEY_ARE 1
#else
#define EVCAN_BYTES_AS_THEY_ARE 0
#endif

static inline uint16_t
get_le16(const uint8_t *p)
{
	uint16_t v;

	if (!EVCAN_BYTES_AS_THEY_ARE)
		return (uint16_t)(p[0] | p[1] << 8);
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t
get_le32(const uint8_t *p)
{
	uint32_t v;

	if (!EVCAN_BYTES_AS_THEY_ARE)
		return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
get_le64(const uint8_t *p)
{
	uint64_t v;

	if (!EVCAN_BYTES_AS_THEY_ARE)
		return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
put_le16(uint8_t *p, uint16_t v)
{
	if (EVCAN_BYTES_AS_THEY_ARE) {
		memcpy(p, &v, sizeof(v));
		return;
	}
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
put_le32(uint8_t *p, uint32_t v)
{
	if (EVCAN_BYTES_AS_THEY_ARE) {
		memcpy(p, &v, sizeof(v));
		return;
	}
	put_le16(p, (uint16_t)v);
	put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void
put_le64(uint8_t *p, uint64_t v)
{
	if (EVCAN_BYTES_AS_THEY_ARE) {
		memcpy(p, &v, sizeof(v));
		return;
	}
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

#endif

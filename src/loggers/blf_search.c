/* SPDX-License-Identifier: BSD-3-Clause */
/* blf_search.c - where the next object of a BLF begins */
#include "blf_read.h"

#include <string.h>

#include "bytes.h"

#define PADDING EVCAN_BLF_MOST_PADDING
#define BASE EVCAN_BLF_BASE_HEAD
#define FILE_HEAD_MAX EVCAN_BLF_FILE_HEAD_MAX

bool
evcan_blf_is_zero_(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* "LOBJ" or the head of another file that was appended as it is. */
bool
evcan_blf_is_magic_(const uint8_t *p)
{
	const uint32_t magic = get_le32(p);

	return magic == EVCAN_BLF_OBJECT_MAGIC ||
	    magic == EVCAN_BLF_FILE_MAGIC;
}

/* The next object's magic within the padding.
 * @return bytes before it, or -1 */
int
evcan_blf_skip_padding_(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i <= PADDING && i + 4 <= n; i++)
		if (evcan_blf_is_magic_(p + i))
			return (int)i;
	return -1;
}

bool
evcan_blf_is_file_head_(const uint8_t *p, size_t n)
{
	uint32_t size;

	if (n < 8 || get_le32(p) != EVCAN_BLF_FILE_MAGIC)
		return false;
	size = get_le32(p + EVCAN_BLF_AT_SIZE);
	return size >= EVCAN_BLF_LEAST_HEAD && size <= FILE_HEAD_MAX;
}

/* One that stands where nobody expects it: it has zero bytes at its end. */
bool
evcan_blf_is_found_head_(const uint8_t *p, size_t n)
{
	return n >= EVCAN_BLF_FILE_HEAD && evcan_blf_is_file_head_(p, n) &&
	    evcan_blf_is_zero_(p + EVCAN_BLF_LEAST_HEAD, EVCAN_BLF_FILE_HEAD -
	    EVCAN_BLF_LEAST_HEAD);
}

/* The next head of an object. @return bytes before it; n: there is none */
size_t
evcan_blf_search_(const uint8_t *p, size_t n, enum evcan_blf_wanted_ wanted)
{
	/* The size of a container's head keeps objects in it away. */
	const size_t len = wanted == EVCAN_BLF_A_CONTAINER ? 6 : 4;
	const uint8_t *at = p, *end = p + n;

	while ((at = memmem(at, (size_t)(end - at), "LOBJ\x10", len)) !=
	    NULL) {
		if (end - at < BASE)
			break;
		if (evcan_blf_is_object_(at) &&
		    (wanted == EVCAN_BLF_ANY_OBJECT ||
		    get_le32(at + 12) == EVCAN_BLF_CONTAINER))
			return (size_t)(at - p);
		at += 4;
	}
	return n;
}

/* The same in the file, where another file's head may stand before it. */
size_t
evcan_blf_search_file_(const uint8_t *p, size_t n,
    enum evcan_blf_wanted_ wanted)
{
	const size_t object = evcan_blf_search_(p, n, wanted);
	const uint8_t *at = p, *end = p + object;

	while ((at = memmem(at, (size_t)(end - at), "LOGG", 4)) != NULL) {
		if (evcan_blf_is_found_head_(at, (size_t)(p + n - at)))
			return (size_t)(at - p);
		at += 4;
	}
	return object;
}

/* Whether an object, the file's end, or nothing but padding up to that comes.
 * @param padding set to the bytes before it */
bool
evcan_blf_ends_well_(const uint8_t *p, size_t n, bool end, size_t *padding)
{
	const int found = evcan_blf_skip_padding_(p, n);

	*padding = found > 0 ? (size_t)found : 0;
	return found >= 0 || (end && n <= PADDING && evcan_blf_is_zero_(p, n));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* channel.c - the process's table of channel names */
#include <evcan/channel.h>

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

#define MAX_NAMES UINT16_MAX
/* Twice the names, a power of two. */
#define SLOTS (1u << 17)

/*
 * Names are only ever added, so whoever reads needs no lock: a number stands
 * in its slot only after its name stands in the table. Both tables are
 * zero pages until they are used.
 */
static _Atomic(const char *) names[MAX_NAMES + 1];
static _Atomic uint16_t slots[SLOTS];
static unsigned used;                   /* under the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Salted with an address, so that a log made for it cannot have all its
 * names in one slot. */
static size_t
slot_of(const char *name, size_t len)
{
	uint64_t h = (uint64_t)(uintptr_t)&lock ^ len;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ (unsigned char)name[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return (size_t)(h >> 40) & (SLOTS - 1);
}

/* The number of a name, or 0 with *slot being the one for it. */
static unsigned
find(const char *name, size_t len, size_t *slot)
{
	const char *known;
	unsigned i;
	size_t s;

	for (s = slot_of(name, len);; s = (s + 1) & (SLOTS - 1)) {
		i = atomic_load_explicit(&slots[s], memory_order_acquire);
		if (i == 0)
			break;
		known = atomic_load_explicit(&names[i],
		    memory_order_relaxed);
		if (memcmp(known, name, len) == 0 && known[len] == '\0')
			break;
	}
	*slot = s;
	return i;
}

/* Under the lock. */
static int
add(const char *name, size_t len, size_t slot)
{
	char *copy;

	if (used == MAX_NAMES)
		return EVCAN_ERR_FULL;
	/* All are as long as the longest may be: find() compares first. */
	if ((copy = calloc(1, EVCAN_CHANNEL_NAME_MAX + 1)) == NULL)
		return EVCAN_ERR_NOMEM;
	memcpy(copy, name, len);
	used++;
	atomic_store_explicit(&names[used], copy, memory_order_release);
	atomic_store_explicit(&slots[slot], (uint16_t)used,
	    memory_order_release);
	return (int)used;
}

/* Names are shown and written into lines: no control characters. */
static bool
is_name(const char *name, size_t len)
{
	if (name == NULL || len == 0 || len > EVCAN_CHANNEL_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)name[i];

		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

int
evcan_channel_intern_n(const char *name, size_t len)
{
	size_t slot;
	int i;

	if (!is_name(name, len))
		return EVCAN_ERR_INVALID;
	if ((i = (int)find(name, len, &slot)) != 0)
		return i;
	pthread_mutex_lock(&lock);
	/* Another thread may have been faster. */
	if ((i = (int)find(name, len, &slot)) == 0)
		i = add(name, len, slot);
	pthread_mutex_unlock(&lock);
	return i;
}

int
evcan_channel_intern(const char *name)
{
	return evcan_channel_intern_n(name, name ? strlen(name) : 0);
}

const char *
evcan_channel_name(uint16_t channel)
{
	const char *const name = atomic_load_explicit(&names[channel],
	    memory_order_acquire);

	return name != NULL ? name : "";
}

int
evcan_channel2int(const char *name)
{
	const char *p;
	int value = 0;

	if (name == NULL)
		return EVCAN_ERR_INVALID;
	p = name + strlen(name);
	while (p > name && p[-1] >= '0' && p[-1] <= '9')
		p--;
	if (*p == '\0')
		return EVCAN_ERR_INVALID;
	for (; *p != '\0'; p++) {
		const int d = *p - '0';

		if (value > (INT_MAX - d) / 10)
			return EVCAN_ERR_INVALID;
		value = value * 10 + d;
	}
	return value;
}

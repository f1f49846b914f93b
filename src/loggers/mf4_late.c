/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_late.c - frames of an unsorted MDF 4 group into the order of time */
#include "mf4.h"

#include <stdlib.h>
#include <string.h>

/* Places in order of time, each with the slot of its frame. Nearly all
 * frames go to the end, so they are put in from there. */
struct place {
	int64_t key;
	uint32_t slot;
};

struct evcan_mf4_late_ {
	size_t size, first, count;   /* places from first on */
	struct place *places;        /* twice as many, moved now and then */
	uint32_t *free_slots;        /* size - count of them */
	struct evcan_frame *frames;
};

struct evcan_mf4_late_ *
evcan_mf4_late_new_(size_t size)
{
	struct evcan_mf4_late_ *late = calloc(1, sizeof(*late));

	if (late == NULL)
		return NULL;
	late->size = size;
	late->places = malloc(2 * size * sizeof(*late->places));
	late->free_slots = malloc(size * sizeof(*late->free_slots));
	late->frames = malloc(size * sizeof(*late->frames));
	if (late->places == NULL || late->free_slots == NULL ||
	    late->frames == NULL) {
		evcan_mf4_late_free_(late);
		return NULL;
	}
	for (uint32_t i = 0; i < size; i++)
		late->free_slots[i] = i;
	return late;
}

void
evcan_mf4_late_free_(struct evcan_mf4_late_ *late)
{
	if (late == NULL)
		return;
	free(late->places);
	free(late->free_slots);
	free(late->frames);
	free(late);
}

size_t
evcan_mf4_late_count_(const struct evcan_mf4_late_ *late)
{
	return late != NULL ? late->count : 0;
}

bool
evcan_mf4_late_is_full_(const struct evcan_mf4_late_ *late)
{
	return late->count == late->size;
}

struct evcan_frame *
evcan_mf4_late_slot_(struct evcan_mf4_late_ *late)
{
	return &late->frames[late->free_slots[late->size - late->count - 1]];
}

void
evcan_mf4_late_put_(struct evcan_mf4_late_ *late, int64_t key)
{
	const uint32_t slot = late->free_slots[late->size - late->count - 1];
	struct place *first, *p;

	if (late->first + late->count == 2 * late->size) {
		memmove(late->places, late->places + late->first,
		    late->count * sizeof(*late->places));
		late->first = 0;
	}
	first = late->places + late->first;
	for (p = first + late->count; p > first && p[-1].key > key; p--)
		p[0] = p[-1];
	p->key = key;
	p->slot = slot;
	late->count++;
}

int64_t
evcan_mf4_late_time_(const struct evcan_mf4_late_ *late)
{
	return late->places[late->first].key;
}

void
evcan_mf4_late_take_(struct evcan_mf4_late_ *late, struct evcan_frame *frame)
{
	const uint32_t slot = late->places[late->first].slot;

	*frame = late->frames[slot];
	late->first++;
	late->count--;
	late->free_slots[late->size - late->count - 1] = slot;
}

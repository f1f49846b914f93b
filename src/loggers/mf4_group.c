/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_group.c - the data groups of an MDF 4 file that have CAN frames */
#include "mf4.h"

#include <stdlib.h>
#include <string.h>

/* Loggers that make one for each identifier have some hundreds. */
#define GROUPS_MAX 16384

void
evcan_mf4_source_free_(struct evcan_mf4_source_ *source)
{
	if (source == NULL)
		return;
	evcan_mf4_stream_free_(&source->stream);
	evcan_mf4_late_free_(source->late);
	for (size_t i = 0; i < source->group_count; i++)
		evcan_mf4_group_free_(&source->groups[i]);
	free(source->groups);
	free(source);
}

static int
by_id(const void *a, const void *b)
{
	const struct evcan_mf4_group_ *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

struct evcan_mf4_group_ *
evcan_mf4_group_by_id_(struct evcan_mf4_source_ *source, uint64_t id)
{
	size_t low = 0, high = source->group_count;

	if (source->id_size == 1) {
		low = source->by_id[id & 0xff];
		return low > 0 ? &source->groups[low - 1] : NULL;
	}
	if (source->id_size < 8)
		id &= ((uint64_t)1 << source->id_size * 8) - 1;
	if (source->last != NULL && source->last->id == id)
		return source->last;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (source->groups[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == source->group_count || source->groups[low].id != id)
		return NULL;
	source->last = &source->groups[low];
	return source->last;
}

/* Reads the channel groups of a data group. */
static bool
read_groups(struct evcan_mf4_file_ *file, uint64_t at,
    struct evcan_mf4_source_ *source, uint32_t *order)
{
	size_t room = 0;

	while (at != 0) {
		struct evcan_mf4_group_ *groups = source->groups;
		struct evcan_mf4_block_ cg;

		if (!evcan_mf4_open_as_(file, at, "CG", &cg))
			break;
		if (*order == GROUPS_MAX) {
			evcan_mf4_fault_(file, at, "more than %u channel "
			    "groups are not supported", GROUPS_MAX);
			break;
		}
		if (source->group_count == room) {
			room = room * 2 + 1;
			groups = realloc(groups, room * sizeof(*groups));
			if (groups == NULL)
				return evcan_mf4_nomem_(file);
			source->groups = groups;
		}
		groups += source->group_count++;
		if (!evcan_mf4_plan_(file, &cg, groups))
			return false;
		groups->order = (*order)++;
		at = evcan_mf4_link_(file, &cg, 0);
	}
	return !file->nomem;
}

/* Where a group's payloads are. @return false: out of memory */
static bool
find_payloads(struct evcan_mf4_file_ *file, struct evcan_mf4_source_ *source,
    struct evcan_mf4_group_ *group)
{
	for (size_t i = 0; i < source->group_count; i++) {
		struct evcan_mf4_group_ *vlsd = &source->groups[i];

		if (vlsd->kind != EVCAN_MF4_VLSD ||
		    vlsd->at != group->data_link || source->id_size == 0)
			continue;
		if (vlsd->recent == NULL)
			vlsd->recent = evcan_mf4_recent_new_();
		group->vlsd = vlsd;
		source->has_vlsd = true;
		return vlsd->recent != NULL || evcan_mf4_nomem_(file);
	}
	group->payload = evcan_mf4_payload_new_(file, group->data_link);
	return group->payload != NULL;
}

static bool
is_wanted(const struct evcan_mf4_group_ *group)
{
	return group->kind != EVCAN_MF4_OTHER &&
	    group->kind != EVCAN_MF4_VLSD;
}

/* Whether the data can be read at all. */
static bool
check_data(struct evcan_mf4_file_ *file, uint64_t link)
{
	struct evcan_mf4_block_ block;

	if (!evcan_mf4_open_(file, link, true, &block))
		return false;
	if (memcmp(block.name, "DV", 3) != 0 &&
	    memcmp(block.name, "DI", 3) != 0 &&
	    memcmp(block.name, "LD", 3) != 0)
		return true;
	return evcan_mf4_fault_(file, link, "these frames are stored by "
	    "column (##%.2s), which is not supported; saved again as MDF "
	    "4.10 they can be read", block.name);
}

/* Frames that are not CAN's. */
static uint64_t
count_others(const struct evcan_mf4_source_ *source)
{
	uint64_t n = 0;

	for (size_t i = 0; i < source->group_count; i++)
		if (source->groups[i].kind == EVCAN_MF4_OTHER &&
		    (source->groups[i].flags & EVCAN_MF4_CG_BUS_EVENT) != 0)
			n += source->groups[i].cycles;
	return n;
}

/* Makes a source ready to be read. @return false: it has nothing for us */
static bool
ready(struct evcan_mf4_reader_ *reader, struct evcan_mf4_source_ *source,
    uint64_t data)
{
	struct evcan_mf4_file_ *file = &reader->file;
	struct evcan_mf4_group_ *groups = source->groups;
	bool wanted = false;

	qsort(groups, source->group_count, sizeof(*groups), by_id);
	source->order = UINT32_MAX;
	for (size_t i = source->group_count; i-- > 0;) {
		source->by_id[groups[i].id & 0xff] = (uint16_t)(i + 1);
		if (!is_wanted(&groups[i]))
			continue;
		source->mixed = wanted && !reader->is_ours;
		wanted = true;
		if (groups[i].order < source->order)
			source->order = groups[i].order;
	}
	reader->found |= wanted;
	if (!wanted || data == 0) {
		reader->skipped += count_others(source);
		return false;
	}
	if (!check_data(file, data))
		return false;
	if (source->id_size == 0 && groups[0].record_len == 0)
		return evcan_mf4_fault_(file, groups[0].at,
		    "this group's records have no bytes");
	source->limited = source->id_size == 0 && !file->unfin &&
	    groups[0].cycles > 0;
	evcan_mf4_stream_init_(&source->stream, file, data, "DT",
	    source->id_size == 0 ? groups[0].record_len : 0);
	for (size_t i = 0; i < source->group_count; i++)
		if (is_wanted(&groups[i]) && groups[i].by_offset &&
		    !find_payloads(file, source, &groups[i]))
			return false;
	return true;
}

static bool
add_source(struct evcan_mf4_reader_ *reader,
    struct evcan_mf4_source_ *source)
{
	struct evcan_mf4_source_ **grown = reader->sources;

	if (reader->source_count == reader->source_room) {
		reader->source_room = reader->source_room * 2 + 4;
		grown = realloc(grown, reader->source_room * sizeof(*grown));
		if (grown == NULL)
			return evcan_mf4_nomem_(&reader->file);
		reader->sources = grown;
	}
	grown[reader->source_count++] = source;
	return true;
}

/* One data group. @return false: out of memory */
static bool
take_data_group(struct evcan_mf4_reader_ *reader,
    const struct evcan_mf4_block_ *dg, uint32_t *order)
{
	struct evcan_mf4_file_ *file = &reader->file;
	const uint64_t cg = evcan_mf4_link_(file, dg, 1);
	struct evcan_mf4_source_ *source;
	uint8_t id_size;

	if (cg == 0 || !evcan_mf4_body_(file, dg, 0, &id_size, 1))
		return true;
	if (id_size > 8 || (id_size & (id_size - 1)) != 0) {
		evcan_mf4_fault_(file, dg->at, "record ids of %u bytes are "
		    "not supported: 0, 1, 2, 4 and 8 are", id_size);
		return true;
	}
	source = calloc(1, sizeof(*source));
	if (source == NULL)
		return evcan_mf4_nomem_(file);
	source->id_size = id_size;
	source->stream.ended = true;
	if (read_groups(file, cg, source, order) &&
	    source->group_count > 0 &&
	    (id_size > 0 || source->group_count == 1 ||
	    evcan_mf4_fault_(file, dg->at, "%u groups share their data "
	    "without record ids", (unsigned)source->group_count)) &&
	    ready(reader, source, evcan_mf4_link_(file, dg, 2)) &&
	    add_source(reader, source))
		return true;
	evcan_mf4_source_free_(source);
	return !file->nomem;
}

bool
evcan_mf4_find_groups_(struct evcan_mf4_reader_ *reader, uint64_t at)
{
	struct evcan_mf4_file_ *file = &reader->file;
	struct evcan_mf4_block_ dg;
	uint32_t order = 0;

	while (at != 0 && evcan_mf4_open_as_(file, at, "DG", &dg)) {
		if (!take_data_group(reader, &dg, &order))
			return false;
		at = evcan_mf4_link_(file, &dg, 0);
	}
	return !file->nomem;
}

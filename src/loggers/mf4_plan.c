/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_plan.c - the channels of an MDF 4 group that make a CAN frame */
#include "mf4.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Members are found by their names, wherever they are: CAN_DataFrame.ID or
 * an ID in the composition of CAN_DataFrame. Who wrote the file does not
 * matter.
 */

static const struct {
	const char *name;
	enum evcan_mf4_kind_ kind;
} kinds[] = {
	{ "CAN_DataFrame", EVCAN_MF4_DATA },
	{ "CAN_RemoteFrame", EVCAN_MF4_REMOTE },
	{ "CAN_ErrorFrame", EVCAN_MF4_ERROR },
	{ "CAN_OverloadFrame", EVCAN_MF4_OVERLOAD },
	{ "evcan_remark", EVCAN_MF4_REMARK },
};

static const struct {
	const char *name;
	enum evcan_mf4_member_ member;
} members[] = {
	{ "BusChannel", EVCAN_MF4_CHANNEL },
	{ "ID", EVCAN_MF4_ID },
	{ "IDE", EVCAN_MF4_IDE },
	{ "DLC", EVCAN_MF4_DLC },
	{ "DataLength", EVCAN_MF4_LENGTH },
	{ "Dir", EVCAN_MF4_DIR },
	{ "EDL", EVCAN_MF4_EDL },
	{ "BRS", EVCAN_MF4_BRS },
	{ "ESI", EVCAN_MF4_ESI },
	{ "RTR", EVCAN_MF4_RTR },
	{ "ErrorType", EVCAN_MF4_ERROR_TYPE },
	{ "DataBytes", EVCAN_MF4_BYTES },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Channel types. */
enum { CN_VLSD = 1, CN_MASTER = 2, CN_VIRTUAL_MASTER = 3 };

#define SYNC_TIME 1
#define DEPTH_MAX 4

/* What is known while the channels of one group are walked through. */
struct walk {
	struct evcan_mf4_file_ *file;
	struct evcan_mf4_group_ *group;
	uint32_t data_bytes;
	bool bad;              /* a member that is needed cannot be read */
};

/* The kind that a name begins with. @return behind it (a dot, or the end),
 * or NULL */
static const char *
kind_of(const char *name, enum evcan_mf4_kind_ *kind)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const size_t n = strlen(kinds[i].name);

		if (strncmp(name, kinds[i].name, n) != 0 ||
		    (name[n] != '\0' && name[n] != '.'))
			continue;
		*kind = kinds[i].kind;
		return name + n;
	}
	return NULL;
}

static bool
is_master(const uint8_t *cn)
{
	return cn[0] == CN_MASTER || cn[0] == CN_VIRTUAL_MASTER;
}

/* Seconds as nanoseconds, exactly where the factor allows it. */
static void
set_time_scale(struct evcan_mf4_group_ *group)
{
	struct evcan_mf4_field_ *time = &group->fields[EVCAN_MF4_TIME];
	double factor = time->scaled ? time->factor : 1;
	const double offset = time->scaled ? time->offset : 0;
	double near = 0;

	factor *= 1e9;
	if (factor >= 1 && factor <= 1e15) {
		near = (double)(int64_t)(factor + 0.5);
		if (fabs(factor - near) <= near * 1e-9)
			factor = near;
	}
	time->factor = factor;
	time->offset = offset * 1e9;
	if (time->type <= 3 && factor == near &&
	    fabs(time->offset) < 9e18) {
		group->ns_factor = (int64_t)factor;
		group->ns_offset = (int64_t)(time->offset +
		    (time->offset < 0 ? -0.5 : 0.5));
	}
}

static void
take_master(struct walk *walk, const struct evcan_mf4_block_ *cn,
    const uint8_t *raw)
{
	struct evcan_mf4_group_ *group = walk->group;
	struct evcan_mf4_field_ *time = &group->fields[EVCAN_MF4_TIME];

	if (raw[1] > SYNC_TIME || time->there)
		return;
	if (!evcan_mf4_field_make_(walk->file, cn, group, walk->data_bytes,
	    time) || (time->there && time->type > 5)) {
		walk->bad = true;
		return;
	}
	/* A table or a text is no time that anybody writes. */
	if (time->table != NULL)
		walk->bad = true;
	set_time_scale(group);
}

/* DataBytes: in the record, or somewhere else. */
static void
take_bytes(struct walk *walk, const struct evcan_mf4_block_ *cn,
    const uint8_t *raw)
{
	struct evcan_mf4_group_ *group = walk->group;
	const struct evcan_mf4_field_ *bytes =
	    &group->fields[EVCAN_MF4_BYTES];

	group->by_offset = raw[0] == CN_VLSD;
	group->bytes_room = bytes->there ? get_le32(raw + 8) / 8 : 0;
	if (group->by_offset)
		group->data_link = evcan_mf4_link_(walk->file, cn, 5);
	if (bytes->shift != 0 || !bytes->there)
		walk->bad = true;
}

static void
take_member(struct walk *walk, const struct evcan_mf4_block_ *cn,
    const uint8_t *raw, const char *name)
{
	for (size_t i = 0; i < COUNT(members); i++) {
		const enum evcan_mf4_member_ member = members[i].member;
		struct evcan_mf4_field_ *field = &walk->group->fields[member];

		if (strcmp(name, members[i].name) != 0 || field->there)
			continue;
		if (!evcan_mf4_field_make_(walk->file, cn, walk->group,
		    walk->data_bytes, field))
			walk->bad = true;
		else if (member == EVCAN_MF4_BYTES)
			take_bytes(walk, cn, raw);
		return;
	}
}

/* evcan's own text beside the frames. */
static void
take_remark(struct walk *walk, const struct evcan_mf4_block_ *cn)
{
	struct evcan_mf4_field_ *field =
	    &walk->group->fields[EVCAN_MF4_BYTES];
	uint8_t raw[12];

	if (!evcan_mf4_field_make_(walk->file, cn, walk->group,
	    walk->data_bytes, field) ||
	    !evcan_mf4_body_(walk->file, cn, 0, raw, sizeof(raw)))
		walk->bad = true;
	else if (field->there)
		walk->group->bytes_room = get_le32(raw + 8) / 8;
}

static bool walk_channels(struct walk *walk, uint64_t at,
    enum evcan_mf4_kind_ parent, unsigned depth);

static bool
take_channel(struct walk *walk, const struct evcan_mf4_block_ *cn,
    enum evcan_mf4_kind_ parent, unsigned depth)
{
	enum evcan_mf4_kind_ kind = parent;
	struct evcan_mf4_block_ inner;
	const char *rest;
	char name[128];
	uint8_t raw[12];
	uint64_t link;

	if (!evcan_mf4_body_(walk->file, cn, 0, raw, sizeof(raw)))
		return false;
	if (is_master(raw)) {
		take_master(walk, cn, raw);
		return true;
	}
	if (!evcan_mf4_text_(walk->file, evcan_mf4_link_(walk->file, cn, 2),
	    name, sizeof(name)))
		return false;
	rest = kind_of(name, &kind);
	if (kind == EVCAN_MF4_OTHER)
		return true;
	if (walk->group->kind == EVCAN_MF4_OTHER)
		walk->group->kind = kind;
	if (kind != walk->group->kind)
		return true;
	if (kind == EVCAN_MF4_REMARK) {
		take_remark(walk, cn);
		return true;
	}
	if (rest == NULL || *rest == '.') {
		rest = strrchr(name, '.');
		take_member(walk, cn, raw, rest != NULL ? rest + 1 : name);
	}
	link = evcan_mf4_link_(walk->file, cn, 1);
	if (link == 0 || depth == DEPTH_MAX)
		return true;
	return evcan_mf4_open_(walk->file, link, false, &inner) &&
	    (memcmp(inner.name, "CN", 3) != 0 ||
	    walk_channels(walk, link, kind, depth + 1));
}

static bool
walk_channels(struct walk *walk, uint64_t at, enum evcan_mf4_kind_ parent,
    unsigned depth)
{
	struct evcan_mf4_block_ cn;

	while (at != 0) {
		if (!evcan_mf4_open_as_(walk->file, at, "CN", &cn) ||
		    !take_channel(walk, &cn, parent, depth))
			return false;
		at = evcan_mf4_link_(walk->file, &cn, 0);
	}
	return true;
}

/* Whether all is there that this kind of frame needs. */
static bool
complete(struct walk *walk)
{
	const struct evcan_mf4_group_ *group = walk->group;
	const struct evcan_mf4_field_ *fields = group->fields;
	const char *what = NULL;

	if (walk->bad)
		return false;
	if (group->record_len > EVCAN_MF4_RECORD_MAX)
		what = "a record of less than 1 MiB";
	else if (!fields[EVCAN_MF4_ID].there &&
	    (group->kind == EVCAN_MF4_DATA ||
	    group->kind == EVCAN_MF4_REMOTE))
		what = "an ID";
	else if (group->kind == EVCAN_MF4_DATA &&
	    !fields[EVCAN_MF4_BYTES].there)
		what = "DataBytes";
	else if (group->kind == EVCAN_MF4_DATA &&
	    !fields[EVCAN_MF4_LENGTH].there && !fields[EVCAN_MF4_DLC].there)
		what = "a DataLength or DLC";
	return what == NULL || evcan_mf4_fault_(walk->file, group->at,
	    "this group of CAN frames does not have %s and is passed over",
	    what);
}

bool
evcan_mf4_plan_(struct evcan_mf4_file_ *file,
    const struct evcan_mf4_block_ *cg, struct evcan_mf4_group_ *group)
{
	struct walk walk = { .file = file, .group = group };
	uint8_t raw[32];

	memset(group, 0, sizeof(*group));
	group->at = cg->at;
	if (!evcan_mf4_body_(file, cg, 0, raw, sizeof(raw)))
		return !file->nomem;
	group->id = get_le64(raw);
	group->cycles = get_le64(raw + 8);
	group->flags = get_le16(raw + 16);
	if ((group->flags & EVCAN_MF4_CG_VLSD) != 0) {
		group->kind = EVCAN_MF4_VLSD;
		return true;
	}
	walk.data_bytes = get_le32(raw + 24);
	if (walk.data_bytes > UINT32_MAX - get_le32(raw + 28)) {
		evcan_mf4_fault_(file, cg->at, "this group's records cannot "
		    "have %u bytes and more", (unsigned)walk.data_bytes);
		return true;
	}
	group->record_len = walk.data_bytes + get_le32(raw + 28);
	if (!walk_channels(&walk, evcan_mf4_link_(file, cg, 1),
	    EVCAN_MF4_OTHER, 0))
		walk.bad = true;
	if (group->kind != EVCAN_MF4_OTHER && !complete(&walk))
		group->kind = EVCAN_MF4_OTHER;
	return !file->nomem;
}

void
evcan_mf4_group_free_(struct evcan_mf4_group_ *group)
{
	for (size_t i = 0; i < EVCAN_MF4_MEMBERS; i++)
		free(group->fields[i].table);
	evcan_mf4_payload_free_(group->payload);
	free(group->recent);
}

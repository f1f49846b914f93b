/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_doc_cyclic.c - periodic tasks of a gateway's document */
#include "gateway_doc_parts.h"

#include <stdlib.h>

#include <evcan/cyclic.h>
#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/modifier.h>

static const struct evcan_option cyclic_keys[] = {
	{ .name = "bus", .help = "bus that sends it" },
	{ .name = "frame", .help = "the frame, as `evcan send` takes it" },
	{ .name = "frames", .help = "frames of one identifier, in turn" },
	{ .name = "modifiers", .help = "counters and checksums" },
	{ .name = NULL }
};


/* Frames */

static int
read_frame(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, struct evcan_frame *frame)
{
	struct evcan_error error = { 0 };
	int result = evcan_doc_want_(r, at, value, JSON_STRING,
	    "a frame as \"123#DEADBEEF\"");

	if (result < 0)
		return result;
	if (evcan_frame_parse(frame, json_string_value(value), &error) < 0)
		return evcan_doc_fault_(r, at, "%s", error.text);
	return 0;
}

static int
read_frames(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	const json_t *one = json_object_get(object, "frame");
	const json_t *many = json_object_get(object, "frames");
	struct evcan_json_at_ here = { .up = at,
	    .key = one != NULL ? "frame" : "frames" };
	int result = 0;

	if ((one == NULL) == (many == NULL))
		return evcan_doc_fault_(r, at, "must have \"frame\", or "
		    "\"frames\" for several in turn");
	if (many != NULL)
		result = evcan_doc_want_(r, &here, many, JSON_ARRAY,
		    "an array of frames");
	if (result < 0)
		return result;
	part->n_frames = one != NULL ? 1 : json_array_size(many);
	if (part->n_frames == 0)
		return evcan_doc_fault_(r, &here,
		    "is empty: one frame at least is right");
	part->frames = calloc(part->n_frames, sizeof(*part->frames));
	if (part->frames == NULL)
		return evcan_doc_no_memory_(r);
	if (one != NULL)
		return read_frame(r, &here, one, part->frames);
	for (size_t i = 0; i < part->n_frames && result == 0; i++) {
		struct evcan_json_at_ element = { .up = &here, .index = i };

		result = read_frame(r, &element, json_array_get(many, i),
		    &part->frames[i]);
	}
	return result;
}

/* Modifiers */

static int
fill_modifier(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, struct evcan_modifier *modifier)
{
	static const struct evcan_option none = { .name = NULL };
	const struct evcan_doc_rules_ rules = {
		.what = "a modifier", .own = &none,
		.lists = { evcan_modifier_options() }, .n_lists = 1
	};
	struct evcan_plan_part_ part = {
		.where = evcan_doc_where_(r, at, EVCAN_JSON_VALUE_),
		.options = evcan_options_new()
	};
	struct evcan_error error = { 0 };
	int result = 0;

	if (part.where == NULL || part.options == NULL)
		result = evcan_doc_no_memory_(r);
	if (result == 0)
		result = evcan_doc_keys_(r, at, object, &rules);
	if (result == 0)
		result = evcan_doc_options_(r, at, object, &none, &part);
	if (result == 0 &&
	    evcan_modifier_fill(modifier, part.options, &error) < 0)
		result = evcan_plan_blame_(&part, &error, r->err);
	evcan_options_free(part.options);
	free(part.where);
	return result;
}

/* An object, or text as "counter:bit=4,width=4". */
static int
read_modifier(struct evcan_doc_ *r, struct evcan_json_at_ *at, json_t *value,
    const struct evcan_plan_part_ *part, struct evcan_modifier *modifier)
{
	struct evcan_error error = { 0 };
	int result = 0;

	if (json_is_object(value))
		result = fill_modifier(r, at, value, modifier);
	else if (!json_is_string(value))
		return evcan_doc_fault_(r, at, "must be an object, or text as "
		    "\"counter:byte=0\", not %s", evcan_json_type_(value));
	else
		result = evcan_modifier_parse(modifier,
		    json_string_value(value), &error);
	for (size_t i = 0; i < part->n_frames && result == 0; i++)
		result = evcan_modifier_check(modifier, part->frames[i].len,
		    &error);
	if (result < 0 && error.code != 0)
		return evcan_doc_fault_(r, at, "%s", error.text);
	return result;
}

static int
read_modifiers(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, struct evcan_plan_part_ *part)
{
	struct evcan_json_at_ here = { .up = at, .key = "modifiers" };
	const json_t *array = json_object_get(object, "modifiers");
	int result;

	if (array == NULL)
		return 0;
	result = evcan_doc_want_(r, &here, array, JSON_ARRAY,
	    "an array of modifiers");
	if (result < 0)
		return result;
	part->n_modifiers = json_array_size(array);
	part->modifiers = calloc(part->n_modifiers + 1,
	    sizeof(*part->modifiers));
	if (part->modifiers == NULL)
		return evcan_doc_no_memory_(r);
	for (size_t i = 0; i < part->n_modifiers && result == 0; i++) {
		struct evcan_json_at_ element = { .up = &here, .index = i };

		result = read_modifier(r, &element, json_array_get(array, i),
		    part, &part->modifiers[i]);
	}
	return result;
}

/* What is wrong with the whole is said when the task is made, which touches
 * no device. */
int
evcan_doc_cyclic_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, struct evcan_plan_part_ *part)
{
	const struct evcan_doc_rules_ rules = {
		.what = "a cyclic task", .own = cyclic_keys,
		.lists = { evcan_cyclic_options() }, .n_lists = 1
	};
	int result;

	if ((result = evcan_doc_keys_(r, at, object, &rules)) < 0 ||
	    (result = evcan_doc_bus_of_(r, at, object, "bus", part)) < 0 ||
	    (result = read_frames(r, at, object, part)) < 0 ||
	    (result = read_modifiers(r, at, object, part)) < 0 ||
	    (result = evcan_doc_options_(r, at, object, cyclic_keys,
	    part)) < 0)
		return result;
	return evcan_doc_check_(r, part, rules.lists[0]);
}

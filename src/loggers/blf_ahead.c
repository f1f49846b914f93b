/* SPDX-License-Identifier: BSD-3-Clause */
/* blf_ahead.c - the next containers of a BLF, inflated before their turn */
#include "blf_read.h"

#include "bytes.h"
#include "inflate_ahead.h"

/* Containers that are read before threads are worth their start. */
#define PATIENCE 8

/*
 * Whether a container stands whole at p, with nothing wrong about it, so that
 * reading will come to these very bytes. If not, that is judged when it is
 * its turn.
 * @param end set to where it ends, as evcan_blf_find_end_() will find it
 */
static bool
is_plain(const struct evcan_span *span, const uint8_t *p, size_t left,
    size_t *end)
{
	size_t size, padding;

	if (left < EVCAN_BLF_CONTAINER_HEAD || !evcan_blf_is_object_(p) ||
	    get_le32(p + 12) != EVCAN_BLF_CONTAINER)
		return false;
	size = get_le32(p + 8);
	if (size < EVCAN_BLF_CONTAINER_HEAD || size > left ||
	    !evcan_blf_ends_well_(p + size, left - size, span->end, &padding))
		return false;
	*end = size + padding;
	return true;
}

static bool
is_ready(struct evcan_blf_reader_ *reader)
{
	if (reader->threads == 0)
		return false;
	if (reader->passed < PATIENCE) {
		reader->passed++;
		return false;
	}
	if (reader->ahead == NULL)
		reader->ahead = evcan_inflate_ahead_new_(
		    (enum evcan_codec_)reader->codec,
		    (unsigned)reader->threads);
	if (reader->ahead == NULL)
		reader->threads = 0;   /* no memory: done without */
	return reader->ahead != NULL;
}

void
evcan_blf_look_ahead_(struct evcan_blf_reader_ *reader,
    const struct evcan_span *span, const struct evcan_blf_container_ *c)
{
	uint64_t at = c->at + c->end;
	const uint8_t *p;
	size_t left, end;

	if (!is_ready(reader))
		return;
	if (at < reader->ahead_to)
		at = reader->ahead_to;
	while (evcan_inflate_ahead_has_room_(reader->ahead) &&
	    at < span->offset + span->len) {
		p = span->data + (at - span->offset);
		left = span->len - (size_t)(at - span->offset);
		if (!is_plain(span, p, left, &end))
			break;
		if (get_le16(p + 16) == EVCAN_BLF_DEFLATED)
			evcan_inflate_ahead_put_(reader->ahead, at,
			    p + EVCAN_BLF_CONTAINER_HEAD,
			    end - EVCAN_BLF_CONTAINER_HEAD, get_le32(p + 24));
		at += end;
	}
	reader->ahead_to = at;
}

const uint8_t *
evcan_blf_from_ahead_(struct evcan_blf_reader_ *reader,
    struct evcan_blf_container_ *c)
{
	struct evcan_inflated_ahead_ block;

	if (reader->ahead == NULL || !evcan_inflate_ahead_get_(reader->ahead,
	    reader->inflater, c->at, c->end - EVCAN_BLF_CONTAINER_HEAD,
	    &block))
		return NULL;
	c->used = block.used;
	c->got = block.len;
	return block.data;
}

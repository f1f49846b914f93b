/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_vlsd.c - MDF 4 payloads of variable length, found by their offset */
#include "mf4.h"

#include <stdlib.h>
#include <string.h>

/*
 * Payloads are a stream of u32 length and bytes; a record has the offset of
 * its own. Offsets grow as a rule. Two windows on the stream, so that a
 * record that reaches back does not start it anew each time.
 */

struct evcan_mf4_payload_ {
	struct evcan_mf4_stream_ streams[2];
	unsigned last;         /* used last */
};

struct evcan_mf4_payload_ *
evcan_mf4_payload_new_(struct evcan_mf4_file_ *file, uint64_t link)
{
	struct evcan_mf4_payload_ *payload = calloc(1, sizeof(*payload));

	if (payload == NULL) {
		evcan_mf4_nomem_(file);
		return NULL;
	}
	for (unsigned i = 0; i < 2; i++)
		evcan_mf4_stream_init_(&payload->streams[i], file, link,
		    "SD", 0);
	return payload;
}

void
evcan_mf4_payload_free_(struct evcan_mf4_payload_ *payload)
{
	if (payload == NULL)
		return;
	for (unsigned i = 0; i < 2; i++)
		evcan_mf4_stream_free_(&payload->streams[i]);
	free(payload);
}

static uint64_t
window_end(const struct evcan_mf4_stream_ *stream)
{
	return stream->base + (uint64_t)(stream->end - stream->buf);
}

/* The stream that gets to an offset with the least work. */
static struct evcan_mf4_stream_ *
choose(struct evcan_mf4_payload_ *payload, uint64_t offset)
{
	struct evcan_mf4_stream_ *last = &payload->streams[payload->last];
	struct evcan_mf4_stream_ *other = &payload->streams[!payload->last];

	if (offset >= last->base && (offset <= window_end(last) ||
	    other->base > offset || other->base <= last->base))
		return last;
	payload->last = !payload->last;
	if (offset < other->base)
		evcan_mf4_stream_rewind_(other);
	return other;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

int64_t
evcan_mf4_payload_get_(struct evcan_mf4_payload_ *payload, uint64_t offset,
    uint8_t *data)
{
	struct evcan_mf4_stream_ *stream = choose(payload, offset);
	uint32_t len, n;

	if (offset > window_end(stream)) {
		stream->p = stream->end;
		if (stream->gap || !evcan_mf4_stream_skip_(stream,
		    offset - window_end(stream))) {
			evcan_mf4_stream_resume_(stream);
			return -1;
		}
	} else if (stream->buf != NULL) {
		stream->p = stream->buf + (offset - stream->base);
	}
	if (!evcan_mf4_stream_need_(stream, 4))
		goto none;
	len = get_le32(stream->p);
	n = least(len, EVCAN_MF4_PAYLOAD_MAX);
	if (!evcan_mf4_stream_need_(stream, 4 + (size_t)n))
		goto none;
	memcpy(data, stream->p + 4, n);
	return len;
none:
	evcan_mf4_stream_resume_(stream);
	return -1;
}

/*
 * In an unsorted group payloads are records of their own, near to the record
 * that names them. A second cursor runs ahead as far as it must; what it and
 * the first one passed is remembered.
 */

#define RECENT 8192u

struct evcan_mf4_recent_ {
	uint64_t seen;         /* bytes of this group's payload stream */
	uint8_t ring[RECENT];  /* the last of them */
};

struct evcan_mf4_recent_ *
evcan_mf4_recent_new_(void)
{
	return calloc(1, sizeof(struct evcan_mf4_recent_));
}

static void
remember(struct evcan_mf4_recent_ *recent, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		recent->ring[(recent->seen + i) % RECENT] = p[i];
	recent->seen += n;
}

/* One record of the second cursor. @return false: it cannot go on */
static bool
step(struct evcan_mf4_source_ *source)
{
	struct evcan_mf4_stream_ *stream = &source->stream;
	const unsigned id_size = source->id_size;
	struct evcan_mf4_group_ *group;
	size_t at = source->ahead, n;

	if (!evcan_mf4_stream_need_(stream, at + id_size))
		return false;
	group = evcan_mf4_group_by_id_(source, get_le64(stream->p + at));
	if (group == NULL)
		return false;
	at += id_size;
	if (group->kind != EVCAN_MF4_VLSD) {
		n = group->record_len;
	} else {
		if (!evcan_mf4_stream_need_(stream, at + 4))
			return false;
		n = (size_t)get_le32(stream->p + at) + 4;
	}
	if (n > EVCAN_MF4_RECORD_MAX ||
	    !evcan_mf4_stream_need_(stream, at + n))
		return false;
	if (group->recent != NULL)
		remember(group->recent, stream->p + at, n);
	source->ahead = at + n;
	return true;
}

void
evcan_mf4_recent_pass_(struct evcan_mf4_source_ *source, size_t size)
{
	if (source->ahead < size && !step(source))
		source->ahead = size;
	source->ahead -= size;
}

static void
recall(const struct evcan_mf4_recent_ *recent, uint64_t offset,
    uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		data[i] = recent->ring[(offset + i) % RECENT];
}

int64_t
evcan_mf4_recent_get_(struct evcan_mf4_source_ *source,
    struct evcan_mf4_group_ *vlsd, uint64_t offset, uint8_t *data)
{
	const struct evcan_mf4_recent_ *recent = vlsd->recent;
	uint8_t raw[4];
	uint32_t len;

	while (recent->seen <= offset)
		if (!step(source))
			return -1;
	if (recent->seen - offset < 4 || recent->seen - offset > RECENT)
		return -1;
	recall(recent, offset, raw, 4);
	len = get_le32(raw);
	if (len > recent->seen - offset - 4)
		return -1;
	recall(recent, offset + 4, data, least(len, EVCAN_MF4_PAYLOAD_MAX));
	return len;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_data.c - the bytes behind an MDF 4 data link as one stream */
#include "mf4.h"

#include <stdlib.h>
#include <string.h>

/*
 * A link leads to one block of data (DT, SD), a packed one (DZ), a list of
 * blocks (DL) or a list's head (HL). Records may straddle blocks, so what
 * was not consumed stays in front of what comes next.
 *
 * In an unfinished file the last list may lack its links: the blocks then
 * follow each other, and are found by walking over them.
 */

/* The standard allows 4 MiB. */
#define UNPACKED_MAX ((uint64_t)64 << 20)
/* Deflate cannot make more out of a byte. */
#define RATIO_MAX 1032u

void
evcan_mf4_stream_init_(struct evcan_mf4_stream_ *stream,
    struct evcan_mf4_file_ *file, uint64_t link, const char *kind,
    uint32_t align)
{
	memset(stream, 0, sizeof(*stream));
	stream->file = file;
	stream->link = link;
	stream->kind = kind;
	stream->align = align;
	stream->ended = link == 0;
}

void
evcan_mf4_stream_rewind_(struct evcan_mf4_stream_ *stream)
{
	stream->opened = stream->walks = stream->gap = stream->is_cut = false;
	stream->next_dl = stream->links_left = 0;
	stream->batch_at = stream->batch_len = 0;
	stream->raw_left = stream->spent = stream->base = stream->skip = 0;
	stream->p = stream->end = stream->buf;
	stream->ended = stream->link == 0;
}

void
evcan_mf4_stream_free_(struct evcan_mf4_stream_ *stream)
{
	evcan_inflater_free_(stream->inflater);
	free(stream->buf);
	free(stream->packed);
	free(stream->mixed);
	memset(stream, 0, sizeof(*stream));
	stream->ended = true;
}

/* A block of data is no part of the structure that may be a circle: the
 * bytes that a stream takes are counted instead. */
static bool
open_block(struct evcan_mf4_stream_ *stream, uint64_t at, bool cut,
    struct evcan_mf4_block_ *block)
{
	struct evcan_mf4_file_ *file = stream->file;
	bool good;

	file->budget++;
	good = evcan_mf4_open_(file, at, cut, block);
	if (!good)
		return false;
	stream->spent += block->len;
	if (stream->spent - block->len <= file->size)
		return true;
	stream->ended = true;
	return evcan_mf4_fault_(file, at,
	    "the lists of data lead here more than once");
}

static bool
is(const struct evcan_mf4_block_ *block, const char *name)
{
	return memcmp(block->name, name, 3) == 0;
}

/* Finding the next block */

static bool
open_list(struct evcan_mf4_stream_ *stream, uint64_t at)
{
	struct evcan_mf4_block_ block;

	if (!open_block(stream, at, false, &block))
		return false;
	if (!is(&block, "DL"))
		return evcan_mf4_fault_(stream->file, at, "here stands a "
		    "block ##%.2s, where ##DL must be", block.name);
	stream->next_dl = evcan_mf4_link_(stream->file, &block, 0);
	stream->links_at = at + EVCAN_MF4_HEAD + 8;
	stream->links_left = block.links > 0 ? block.links - 1 : 0;
	stream->batch_at = stream->batch_len = 0;
	stream->tail = at + block.len;
	return true;
}

static bool
read_links(struct evcan_mf4_stream_ *stream)
{
	uint8_t raw[sizeof(stream->batch)];
	unsigned n = (unsigned)(sizeof(raw) / 8);

	if (stream->links_left < n)
		n = (unsigned)stream->links_left;
	if (!evcan_mf4_read_(stream->file, stream->links_at, raw, n * 8))
		return false;
	for (unsigned i = 0; i < n; i++)
		stream->batch[i] = get_le64(raw + i * 8);
	stream->links_at += n * 8;
	stream->links_left -= n;
	stream->batch_at = 0;
	stream->batch_len = n;
	return true;
}

/* Whether a block of data stands behind the last one. */
static bool
walk(struct evcan_mf4_stream_ *stream, uint64_t *at)
{
	const uint64_t place = (stream->tail + 7) & ~(uint64_t)7;
	uint8_t raw[4];

	if (place > stream->file->size ||
	    stream->file->size - place < EVCAN_MF4_HEAD ||
	    !evcan_mf4_read_(stream->file, place, raw, 4))
		return false;
	*at = place;
	return memcmp(raw, "##DZ", 4) == 0 ||
	    (memcmp(raw, "##", 2) == 0 &&
	    memcmp(raw + 2, stream->kind, 2) == 0);
}

/* The next block that a list names. @return false: there is none */
static bool
next_listed(struct evcan_mf4_stream_ *stream, uint64_t *at)
{
	const bool unfin = stream->file->unfin;
	uint64_t next;

	while (!stream->walks) {
		if (stream->batch_at < stream->batch_len) {
			*at = stream->batch[stream->batch_at++];
			if (*at != 0)
				return true;
			stream->walks = unfin;
		} else if (stream->links_left > 0) {
			if (!read_links(stream))
				return false;
		} else if (stream->next_dl != 0) {
			next = stream->next_dl;
			stream->next_dl = 0;
			if (!open_list(stream, next))
				return false;
		} else if (unfin) {
			stream->walks = true;
		} else {
			return false;
		}
	}
	return walk(stream, at);
}

/* What the link itself leads to. */
static bool
first_block(struct evcan_mf4_stream_ *stream, uint64_t *at)
{
	struct evcan_mf4_block_ block;
	uint64_t list = stream->link;

	if (!open_block(stream, list, true, &block))
		return false;
	stream->spent = 0;
	if (is(&block, "HL")) {
		list = evcan_mf4_link_(stream->file, &block, 0);
		if (list == 0)
			return false;
	} else if (!is(&block, "DL")) {
		*at = list;
		return true;
	}
	return open_list(stream, list) && next_listed(stream, at);
}

static bool
next_block(struct evcan_mf4_stream_ *stream, uint64_t *at)
{
	if (!stream->opened) {
		stream->opened = true;
		return first_block(stream, at);
	}
	return next_listed(stream, at);
}

/* Bytes into the window */

/* Room for n bytes behind `end`. */
static bool
make_room(struct evcan_mf4_stream_ *stream, size_t n)
{
	const size_t rest = (size_t)(stream->end - stream->p);
	const size_t need = rest + n + EVCAN_MF4_SLACK;
	uint8_t *grown;

	if (stream->p > stream->buf) {
		memmove(stream->buf, stream->p, rest);
		stream->base += (uint64_t)(stream->p - stream->buf);
	}
	if (stream->size < need) {
		grown = realloc(stream->buf, need);
		if (grown == NULL)
			return evcan_mf4_nomem_(stream->file);
		stream->buf = grown;
		stream->size = need;
	}
	stream->p = stream->buf;
	stream->end = stream->buf + rest;
	return true;
}

static void
add_end(struct evcan_mf4_stream_ *stream, size_t n)
{
	stream->end += n;
	memset(stream->end, 0, EVCAN_MF4_SLACK);
}

/* n bytes of the stream pass unseen; the window is empty. */
static void
pass(struct evcan_mf4_stream_ *stream, uint64_t n)
{
	stream->base += (uint64_t)(stream->end - stream->buf) + n;
	stream->p = stream->end = stream->buf;
	stream->skip -= n;
}

static bool
grow(struct evcan_mf4_stream_ *stream, uint8_t **buf, size_t *size, size_t n)
{
	uint8_t *grown;

	if (*size >= n)
		return true;
	grown = realloc(*buf, n);
	if (grown == NULL)
		return evcan_mf4_nomem_(stream->file);
	*buf = grown;
	*size = n;
	return true;
}

static bool
add_raw(struct evcan_mf4_stream_ *stream)
{
	struct evcan_mf4_file_ *file = stream->file;
	size_t n = file->chunk;

	if (stream->skip > 0) {
		const uint64_t left = stream->raw_left;
		const uint64_t k = stream->skip < left ? stream->skip : left;

		pass(stream, k);
		stream->raw_at += k;
		stream->raw_left -= k;
		return true;
	}
	if (n > stream->raw_left)
		n = (size_t)stream->raw_left;
	if (!make_room(stream, n) ||
	    !evcan_mf4_read_(file, stream->raw_at, stream->end, n)) {
		stream->ended = true;
		return false;
	}
	add_end(stream, n);
	stream->raw_at += n;
	stream->raw_left -= n;
	stream->place = stream->raw_at;
	stream->is_raw = true;
	file->done += n;
	return true;
}

/* How much of a DT or SD block is data. */
static uint64_t
raw_length(struct evcan_mf4_stream_ *stream,
    const struct evcan_mf4_block_ *block)
{
	struct evcan_mf4_file_ *file = stream->file;
	const uint64_t room = file->size - block->at;
	const uint64_t next = (block->at + block->len + 7) & ~(uint64_t)7;
	uint8_t raw[2];

	if (block->len > room) {
		if (!file->unfin)
			evcan_mf4_fault_(file, file->size,
			    "the file ends inside a block of data");
		return room - EVCAN_MF4_HEAD;
	}
	if (!file->unfin)
		return block->len - EVCAN_MF4_HEAD;
	if (block->len == EVCAN_MF4_HEAD)
		return room - EVCAN_MF4_HEAD;
	/* Another block behind it shows that the length was brought up to
	 * date. */
	if ((file->unfinished & EVCAN_MF4_NO_LAST_DT) != 0 &&
	    next + EVCAN_MF4_HEAD <= file->size &&
	    evcan_mf4_read_(file, next, raw, 2) &&
	    memcmp(raw, "##", 2) != 0)
		return room - EVCAN_MF4_HEAD;
	return block->len - EVCAN_MF4_HEAD;
}

struct packed {
	uint8_t zip;
	uint32_t width;        /* of a row, if transposed */
	uint64_t at, len, original;
};

static bool
get_packed(struct evcan_mf4_stream_ *stream,
    const struct evcan_mf4_block_ *block, struct packed *packed)
{
	const uint64_t head = EVCAN_MF4_HEAD + block->links * 8 + 24;
	struct evcan_mf4_file_ *file = stream->file;
	uint8_t raw[24];

	if (!evcan_mf4_body_(file, block, 0, raw, sizeof(raw)))
		return false;
	packed->zip = raw[2];
	packed->width = get_le32(raw + 4);
	packed->original = get_le64(raw + 8);
	packed->len = get_le64(raw + 16);
	packed->at = block->at + head;
	if (packed->zip > 1)
		return evcan_mf4_fault_(file, block->at,
		    "this block is packed in way %u, which is not supported:"
		    " 0 (deflate) and 1 (transposed) are", packed->zip);
	if (packed->len > block->len - head ||
	    packed->original > UNPACKED_MAX ||
	    packed->original / RATIO_MAX > packed->len)
		return evcan_mf4_fault_(file, block->at,
		    "this packed block's lengths of %llu and %llu bytes "
		    "cannot be right", (unsigned long long)packed->len,
		    (unsigned long long)packed->original);
	return true;
}

/* Inflates into dst, which has room for all. @return bytes that came */
static size_t
inflate_block(struct evcan_mf4_stream_ *stream, const struct packed *packed,
    uint8_t *dst)
{
	struct evcan_mf4_file_ *file = stream->file;
	enum evcan_inflated_ result;
	size_t n = (size_t)packed->len, got = 0;

	if (packed->at + n > file->size)
		n = (size_t)(file->size - packed->at);
	if (!grow(stream, &stream->packed, &stream->packed_size, n + 1) ||
	    !evcan_mf4_read_(file, packed->at, stream->packed, n))
		return 0;
	if (stream->inflater == NULL)
		stream->inflater = evcan_inflater_new_(EVCAN_CODEC_AUTO,
		    NULL);
	if (stream->inflater == NULL) {
		evcan_mf4_nomem_(file);
		return 0;
	}
	result = evcan_inflater_run_(stream->inflater, stream->packed, n,
	    NULL, dst, (size_t)packed->original, &got);
	file->done += n;
	if (result == EVCAN_INFLATED && got == packed->original)
		return got;
	if (result == EVCAN_INFLATED_NOMEM)
		evcan_mf4_nomem_(file);
	else
		evcan_mf4_fault_(file, packed->at, result ==
		    EVCAN_INFLATED_SHORT ? "a packed block is cut" :
		    "a packed block is damaged");
	return result == EVCAN_INFLATED_FULL ? 0 : got;
}

/* One DZ block. @return bytes it gave */
static size_t
unpack(struct evcan_mf4_stream_ *stream, const struct packed *packed)
{
	const size_t n = (size_t)packed->original;
	const bool mixed = packed->zip == 1 && packed->width > 1;
	uint8_t *dst;
	size_t got;

	if (!make_room(stream, n) || (mixed &&
	    !grow(stream, &stream->mixed, &stream->mixed_size, n)))
		return 0;
	dst = mixed ? stream->mixed : stream->end;
	got = inflate_block(stream, packed, dst);
	if (mixed && got < n)
		return 0;      /* columns without their end are no rows */
	if (mixed)
		evcan_mf4_untranspose_(dst, n, packed->width, stream->end);
	add_end(stream, got);
	return got;
}

static void
open_gap(struct evcan_mf4_stream_ *stream, uint64_t lost)
{
	stream->gap = true;
	stream->lost = lost;
}

/* @return false: nothing came of it (perhaps a gap) */
static bool
take_packed(struct evcan_mf4_stream_ *stream,
    const struct evcan_mf4_block_ *block)
{
	struct packed packed;
	size_t got;

	if (!get_packed(stream, block, &packed)) {
		open_gap(stream, 0);
		return false;
	}
	if (stream->skip >= packed.original) {
		pass(stream, packed.original);
		return true;
	}
	stream->place = block->at;
	stream->is_raw = false;
	got = unpack(stream, &packed);
	if (got < packed.original)
		open_gap(stream, packed.original - got);
	return got > 0;
}

static bool
take_block(struct evcan_mf4_stream_ *stream, uint64_t at)
{
	struct evcan_mf4_file_ *file = stream->file;
	struct evcan_mf4_block_ block;

	if (at >= file->size && stream->is_cut) {
		open_gap(stream, 0);   /* one of many, which was told */
		return false;
	}
	if (!open_block(stream, at, true, &block)) {
		stream->is_cut |= at >= file->size;
		stream->ended |= stream->walks;    /* no way on from here */
		open_gap(stream, 0);
		return false;
	}
	stream->tail = at + block.len;
	if (is(&block, "DZ"))
		return take_packed(stream, &block);
	if (!is(&block, "DT") && !is(&block, "SD")) {
		open_gap(stream, 0);
		return evcan_mf4_fault_(file, at, "here stands a block "
		    "##%.2s, where data must be", block.name);
	}
	stream->raw_at = at + EVCAN_MF4_HEAD;
	stream->raw_left = raw_length(stream, &block);
	stream->tail = stream->raw_at + stream->raw_left;
	return stream->raw_left > 0 && add_raw(stream);
}

bool
evcan_mf4_stream_more_(struct evcan_mf4_stream_ *stream)
{
	uint64_t at;

	if ((size_t)(stream->end - stream->p) > EVCAN_MF4_RECORD_MAX)
		return false;
	while (!stream->ended && !stream->gap && !stream->file->nomem) {
		if (stream->raw_left > 0)
			return add_raw(stream);
		if (!next_block(stream, &at))
			stream->ended = true;
		else if (take_block(stream, at))
			return true;
	}
	return false;
}

bool
evcan_mf4_stream_resume_(struct evcan_mf4_stream_ *stream)
{
	const uint32_t align = stream->align;
	uint64_t over;

	if (!stream->gap)
		return false;
	stream->base += (uint64_t)(stream->end - stream->buf) + stream->lost;
	stream->p = stream->end = stream->buf;
	stream->gap = false;
	if (align > 0 && (over = stream->base % align) > 0) {
		if (stream->lost > 0)
			evcan_mf4_stream_skip_(stream, align - over);
		else
			stream->base += align - over;
	}
	return true;
}

bool
evcan_mf4_stream_skip_(struct evcan_mf4_stream_ *stream, uint64_t n)
{
	uint64_t there = (uint64_t)(stream->end - stream->p);

	if (n == 0)
		return true;   /* perhaps before the first byte */
	if (n <= there) {
		stream->p += n;
		return true;
	}
	stream->skip = n - there;
	stream->p = stream->end;
	while (stream->skip > 0) {
		if (!evcan_mf4_stream_more_(stream)) {
			stream->skip = 0;
			return false;
		}
		there = (uint64_t)(stream->end - stream->p);
		if (there > stream->skip)
			there = stream->skip;
		if (there > 0)         /* else there may be no window yet */
			stream->p += there;
		stream->skip -= there;
	}
	return true;
}

uint64_t
evcan_mf4_stream_place_(const struct evcan_mf4_stream_ *stream)
{
	return stream->is_raw ? stream->place -
	    (uint64_t)(stream->end - stream->p) : stream->place;
}

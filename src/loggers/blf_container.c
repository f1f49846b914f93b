/* SPDX-License-Identifier: BSD-3-Clause */
/* blf_container.c - what a container of a BLF holds, and where it ends */
#include "blf_read.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#define BASE EVCAN_BLF_BASE_HEAD
#define CONTAINER_HEAD EVCAN_BLF_CONTAINER_HEAD

/* What inflates to more than this at first try says so in its header and
 * has the bytes for it. */
#define RATIO_FIRST 32
#define ROOM_LEAST 4096

/* How far behind a container another one is looked for when none stands
 * where it should. */
#define LOOK_AHEAD 65536

/* Room for n bytes behind the rest in the buffer. */
static bool
make_room(struct evcan_blf_reader_ *reader, size_t n)
{
	const size_t rest = reader->len - reader->pos;
	uint8_t *grown;

	if (reader->pos > 0 && rest > 0)
		memmove(reader->buf, reader->buf + reader->pos, rest);
	reader->pos = 0;
	reader->len = rest;
	if (reader->size - rest >= n && reader->buf != NULL)
		return true;
	grown = realloc(reader->buf, rest + n);
	if (grown == NULL)
		return false;
	reader->buf = grown;
	reader->size = rest + n;
	return true;
}

/* What is found of another container from one place to another in this one's
 * bytes. @return its place, or `to` */
static size_t
next_container(const struct evcan_blf_container_ *c, size_t from, size_t to)
{
	return from + evcan_blf_search_file_(c->p + from, to - from,
	    EVCAN_BLF_A_CONTAINER);
}

/*
 * Where the container really ends: where it says, or where another one begins
 * (its writer was killed, and what came later was appended; or its size is
 * wrong). @return false: more bytes are needed
 */
bool
evcan_blf_find_end_(const struct evcan_span *span,
    struct evcan_blf_container_ *c, size_t left)
{
	const size_t behind = left > c->size ? left - c->size : 0;
	size_t padding, next;

	c->end = c->size;
	if (c->size <= left && evcan_blf_ends_well_(c->p + c->size, behind,
	    span->end, &padding)) {
		c->end += padding;
		return true;
	}
	if (behind < LOOK_AHEAD && !span->end)
		return false;
	if (behind > LOOK_AHEAD)
		left = c->size + LOOK_AHEAD;
	next = next_container(c, BASE, left);
	if (next < left)
		c->end = next;
	else if (c->size > left)
		c->end = left;
	return true;
}

/* @return false: it has to be inflated */
static bool
take_ahead(struct evcan_blf_reader_ *reader, struct evcan_blf_container_ *c)
{
	const uint8_t *data = evcan_blf_from_ahead_(reader, c);

	if (data == NULL)
		return false;
	c->result = EVCAN_INFLATED_NOMEM;
	if (make_room(reader, c->got)) {
		c->result = EVCAN_INFLATED;
		memcpy(reader->buf + reader->len, data, c->got);
	}
	return true;
}

/* The number in its header is no more than a first guess. */
static void
inflate_once(struct evcan_blf_reader_ *reader, struct evcan_blf_container_ *c)
{
	const uint8_t *data = c->p + CONTAINER_HEAD;
	const size_t n = c->end - CONTAINER_HEAD;
	size_t room = get_le32(c->p + 24);

	if (n == 0)
		return;   /* empty */
	if (take_ahead(reader, c))
		return;
	if (room > n * RATIO_FIRST)
		room = n * RATIO_FIRST;
	if (room < ROOM_LEAST)
		room = ROOM_LEAST;
	for (;; room *= 4) {
		if (room > EVCAN_BLF_CONTAINER_MAX)
			room = EVCAN_BLF_CONTAINER_MAX;
		c->result = EVCAN_INFLATED_NOMEM;
		if (!make_room(reader, room))
			return;
		c->result = evcan_inflater_run_(reader->inflater, data, n,
		    &c->used, reader->buf + reader->len,
		    reader->size - reader->len, &c->got);
		if (c->result != EVCAN_INFLATED_FULL ||
		    room == EVCAN_BLF_CONTAINER_MAX)
			return;
	}
}

/* Damaged data may be those of two containers: the first was cut, and what
 * was appended happens to end where it should have. */
void
evcan_blf_inflate_(struct evcan_blf_reader_ *reader,
    struct evcan_blf_container_ *c)
{
	size_t next;

	inflate_once(reader, c);
	if (c->result != EVCAN_INFLATED_BAD)
		return;
	next = next_container(c, BASE, c->end);
	if (next == c->end)
		return;
	c->end = next;
	if (next > CONTAINER_HEAD)
		inflate_once(reader, c);
}

/* Where the last object begins behind which nothing or something wrong is.
 * @param whole set to whether it is nothing */
static size_t
walk_chain(const uint8_t *p, size_t n, bool *whole)
{
	size_t at = 0, last = 0;
	int padding;

	while (n - at >= BASE) {
		padding = evcan_blf_skip_padding_(p + at, n - at);
		if (padding < 0)
			break;
		at += (size_t)padding;
		if (n - at < BASE || !evcan_blf_is_object_(p + at) ||
		    get_le32(p + at + 12) == EVCAN_BLF_CONTAINER ||
		    get_le32(p + at + 8) > n - at)
			break;
		last = at;
		at += get_le32(p + at + 8);
	}
	*whole = n - at <= EVCAN_BLF_MOST_PADDING &&
	    evcan_blf_is_zero_(p + at, n - at);
	return last;
}

/* Whether what looks like a container, or is another file's head, ends where
 * n bytes do or where another begins. */
static bool
is_fitting(const uint8_t *p, size_t n)
{
	const size_t size = get_le32(p + 8);
	size_t padding;

	return get_le32(p) == EVCAN_BLF_FILE_MAGIC || (size <= n &&
	    evcan_blf_ends_well_(p + size, n - size, true, &padding));
}

/*
 * Stored data have no checksum: what was appended to a container that was
 * cut may end where that should have. An object follows each object up to
 * the one that was cut; it is not looked for in those before, whose data
 * anybody may send, and in the last of all only what fits is believed.
 */
static void
check_chain(const struct evcan_blf_reader_ *reader,
    struct evcan_blf_container_ *c)
{
	const size_t rest = reader->len - reader->pos;
	bool whole;
	size_t at = walk_chain(reader->buf + reader->pos, rest + c->got,
	    &whole);
	size_t next;

	at = at > rest ? CONTAINER_HEAD + at - rest : BASE;
	next = next_container(c, at, c->end);
	if (next >= c->got + CONTAINER_HEAD || (whole &&
	    !is_fitting(c->p + next, c->got + CONTAINER_HEAD - next)))
		return;
	c->end = next;
	c->got = next > CONTAINER_HEAD ? next - CONTAINER_HEAD : 0;
	c->result = EVCAN_INFLATED_SHORT;
}

void
evcan_blf_copy_(struct evcan_blf_reader_ *reader,
    struct evcan_blf_container_ *c)
{
	size_t said = (size_t)get_le32(c->p + 24) + CONTAINER_HEAD;
	size_t end = c->size;

	/* Something stands behind it: which of its two sizes is right? */
	if (c->end > c->size && said > c->size && said <= c->end)
		end = said;
	c->result = EVCAN_INFLATED;
	if (end > c->end) {
		end = c->end;
		c->result = EVCAN_INFLATED_SHORT;
	}
	c->used = c->got = end - CONTAINER_HEAD;
	if (!make_room(reader, c->got)) {
		c->result = EVCAN_INFLATED_NOMEM;
		return;
	}
	if (c->got > 0)
		memcpy(reader->buf + reader->len, c->p + CONTAINER_HEAD,
		    c->got);
	check_chain(reader, c);
}

/* Where reading goes on behind a container. */
size_t
evcan_blf_resume_(const struct evcan_blf_container_ *c)
{
	const size_t next = c->used + CONTAINER_HEAD;

	if (c->result != EVCAN_INFLATED)
		return next_container(c, BASE, c->end);
	if (next >= c->size)
		return next;
	return c->size < c->end ? c->size : c->end;
}

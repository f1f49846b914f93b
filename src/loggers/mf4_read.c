/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_read.c - MDF 4 bus logging to frames: groups merged by time */
#include "mf4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/frame.h>

#include "remark.h"
#include "zone.h"

#define NS_PER_SEC 1000000000

/* Opening */

#define VERSION_AT 28
#define UNFINISHED_AT 60
#define HD_LOCAL 1u

static int
refuse(struct evcan_error *err, const char *why)
{
	return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0, "%s", why);
}

static int
read_id(struct evcan_mf4_reader_ *reader, uint8_t *id,
    struct evcan_error *err)
{
	struct evcan_mf4_file_ *file = &reader->file;

	if (!evcan_mf4_read_(file, 0, id, EVCAN_MF4_ID_SIZE))
		return refuse(err, "it is too short for an MDF file");
	file->unfin = memcmp(id, "UnFinMF ", 8) == 0;
	if (!file->unfin && memcmp(id, "MDF     ", 8) != 0)
		return refuse(err, "it does not begin with MDF");
	if (get_le16(id + VERSION_AT) / 100 != 4)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "it is MDF version %.4s, and only 4 is supported",
		    id[8] >= '0' && id[8] <= '9' ? (const char *)id + 8 :
		    "?");
	if (file->unfin)
		file->unfinished = get_le16(id + UNFINISHED_AT);
	reader->is_ours = memcmp(id + 16, "evcan ", 6) == 0;
	return 0;
}

/* The start is Unix time in nanoseconds, or a wall clock without a zone.
 * asammdf sets the flag for that, but writes Unix time. */
static bool
set_start(struct evcan_mf4_reader_ *reader, const uint8_t *id,
    const uint8_t *hd, struct evcan_error *err)
{
	const uint64_t start = get_le64(hd);
	static const struct evcan_zone_ utc = { .local = false };
	struct evcan_zone_ zone;
	struct evcan_wall_ wall;
	int64_t seconds;

	if (evcan_zone_parse_(&zone, reader->tz, err) < 0)
		return false;
	reader->clock = EVCAN_CLOCK_RELATIVE;
	if (start == 0 || start > INT64_MAX)
		return true;
	reader->clock = EVCAN_CLOCK_KERNEL;
	reader->start_ns = (int64_t)start;
	if ((hd[12] & HD_LOCAL) == 0 || memcmp(id + 16, "amdf", 4) == 0)
		return true;
	if (evcan_zone_wall_(&utc, (int64_t)(start / NS_PER_SEC), &wall) &&
	    evcan_zone_unix_(&zone, &wall, &seconds))
		reader->start_ns = seconds * NS_PER_SEC +
		    (int64_t)(start % NS_PER_SEC);
	return true;
}

/* Bytes read at once from each of many streams. */
static uint32_t
chunk_size(size_t streams)
{
	const size_t each = ((size_t)16 << 20) / (streams + 1);

	if (each > (256u << 10))
		return 256u << 10;
	return each < 4096 ? 4096 : (uint32_t)each;
}

/* Faults that leave nothing to be read are the reader's error. */
static int
give_up(const struct evcan_mf4_reader_ *reader, struct evcan_error *err)
{
	const struct evcan_mf4_file_ *file = &reader->file;
	const struct evcan_mf4_fault_ *fault = &file->faults[0];

	if (file->nomem)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for an MDF file");
	if (file->fault_count == 0)
		return refuse(err, "it has no bus logging of CAN, only "
		    "other signals");
	return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0, "offset %llu: %s",
	    (unsigned long long)fault->offset, fault->text);
}

int
evcan_mf4_read_begin_(void *state, const struct evcan_file *io,
    struct evcan_error *err)
{
	struct evcan_mf4_reader_ *reader = state;
	struct evcan_mf4_file_ *file = &reader->file;
	struct evcan_mf4_block_ hd;
	uint8_t id[EVCAN_MF4_ID_SIZE], raw[16];
	const uint64_t blocks = io->size / 6 + 1000;
	int r;

	file->io = io;
	file->size = io->size;
	file->budget = blocks < 4000000 ? (uint32_t)blocks : 4000000;
	r = evcan_channel_map_init_(&reader->map, reader->channels, err);
	if (r < 0 || (r = read_id(reader, id, err)) < 0)
		return r;
	if (!evcan_mf4_open_as_(file, EVCAN_MF4_ID_SIZE, "HD", &hd) ||
	    !evcan_mf4_body_(file, &hd, 0, raw, sizeof(raw)))
		return give_up(reader, err);
	if (!set_start(reader, id, raw, err))
		return EVCAN_ERR_INVALID;
	if (!evcan_mf4_find_groups_(reader, evcan_mf4_link_(file, &hd, 0)))
		return give_up(reader, err);
	if (reader->source_count == 0 &&
	    (!reader->found || file->fault_count > 0))
		return give_up(reader, err);
	file->chunk = chunk_size(reader->source_count);
	return 0;
}

/* Finding records */

/* Bytes that no bus has in one record. */
#define TORN_MAX (16u << 10)

static bool
fault_here(struct evcan_mf4_reader_ *reader,
    const struct evcan_mf4_source_ *source, const char *why)
{
	return evcan_mf4_fault_(&reader->file,
	    evcan_mf4_stream_place_(&source->stream), "%s", why);
}

/* The stream has no whole record any more. @return whether it goes on
 * behind a gap */
static bool
at_end(struct evcan_mf4_reader_ *reader, struct evcan_mf4_source_ *source)
{
	struct evcan_mf4_stream_ *stream = &source->stream;

	source->ahead = 0;
	if (evcan_mf4_stream_resume_(stream))
		return true;
	if (stream->p < stream->end && !reader->file.unfin)
		fault_here(reader, source, "the data ends inside a record");
	stream->p = stream->end;
	return false;
}

/* Passes over a record of n bytes with its id. @return false: the stream
 * ends before */
static bool
leave(struct evcan_mf4_source_ *source, uint64_t n)
{
	if (source->has_vlsd) {
		if (n <= EVCAN_MF4_RECORD_MAX)
			evcan_mf4_recent_pass_(source, (size_t)n);
		else
			source->ahead = 0;
	}
	return evcan_mf4_stream_skip_(&source->stream, n);
}

/* Passes over a record of no frame. What a writer that was killed leaves of
 * one is no fault, but none is that long. @return false: the stream ends
 * before */
static bool
pass_other(struct evcan_mf4_reader_ *reader,
    struct evcan_mf4_source_ *source, const struct evcan_mf4_group_ *group,
    uint64_t len)
{
	const uint64_t at = evcan_mf4_stream_place_(&source->stream);

	if (leave(source, len)) {
		reader->skipped += (group->flags &
		    EVCAN_MF4_CG_BUS_EVENT) != 0;
		return true;
	}
	if (!source->stream.gap &&
	    (!reader->file.unfin || len > TORN_MAX))
		evcan_mf4_fault_(&reader->file, at, "a record of %llu bytes "
		    "is longer than all data that follows, which is lost",
		    (unsigned long long)len);
	return false;
}

/* The group of the record at p, and the record's length with its id.
 * @return false: there is none */
static bool
next_record(struct evcan_mf4_reader_ *reader,
    struct evcan_mf4_source_ *source, struct evcan_mf4_group_ **group,
    uint64_t *len)
{
	struct evcan_mf4_stream_ *stream = &source->stream;
	const unsigned id_size = source->id_size;

	if (id_size == 0) {
		*group = source->groups;
		*len = (*group)->record_len;
		return !source->limited || (*group)->count < (*group)->cycles;
	}
	*group = NULL;
	if (!evcan_mf4_stream_need_(stream, id_size))
		return true;
	*group = evcan_mf4_group_by_id_(source, get_le64(stream->p));
	if (*group == NULL) {
		fault_here(reader, source, "here stands a record of no "
		    "known group; what follows is lost");
		stream->ended = true;
		stream->p = stream->end;
		stream->gap = false;
		stream->raw_left = 0;
		return false;
	}
	*len = id_size + (uint64_t)(*group)->record_len;
	if ((*group)->kind == EVCAN_MF4_VLSD) {
		*len = id_size + 4;
		if (evcan_mf4_stream_need_(stream, id_size + 4))
			*len += get_le32(stream->p + id_size);
	}
	return true;
}

static bool
has_frames(const struct evcan_mf4_group_ *group)
{
	return group->kind != EVCAN_MF4_OTHER &&
	    group->kind != EVCAN_MF4_VLSD;
}

/* Stands the stream before its next record of a frame, with its time.
 * @return false: there is none (any more, or before a fault) */
static bool
find_record(struct evcan_mf4_reader_ *reader, struct evcan_mf4_source_ *source)
{
	struct evcan_mf4_stream_ *stream = &source->stream;
	struct evcan_mf4_group_ *group;
	uint64_t len = 0;
	bool there;

	while (reader->file.fault_count == 0) {
		if (!next_record(reader, source, &group, &len))
			return false;
		there = group != NULL;
		if (there && !has_frames(group)) {
			there = pass_other(reader, source, group, len);
		} else if (there) {
			there = evcan_mf4_stream_need_(stream, (size_t)len);
			if (there && evcan_mf4_time_(reader, group, stream->p +
			    source->id_size, &source->time_ns)) {
				source->group = group;
				return true;
			}
			if (there) {
				fault_here(reader, source,
				    "a record with a time that is none");
				group->count++;
				leave(source, len);
			}
		}
		if (!there && !at_end(reader, source))
			return false;
	}
	return false;
}

/* Taking records */

static void
take_remark(struct evcan_mf4_reader_ *reader,
    const struct evcan_mf4_source_ *source, struct evcan_decode *out)
{
	const struct evcan_mf4_group_ *group = source->group;
	const char *text = (const char *)source->stream.p + source->id_size +
	    group->fields[EVCAN_MF4_BYTES].at;
	const size_t len = strnlen(text, group->bytes_room);
	struct evcan_remark_ remark;

	if (!evcan_remark_get_(text, len, &remark)) {
		evcan_decode_set_event(out, source->time_ns, text, len);
	} else if (remark.kind == EVCAN_REMARK_GAP) {
		out->gaps++;
		out->lost += remark.lost;
	} else {
		evcan_channel_map_learn_(&reader->map, remark.number,
		    remark.name, remark.name_len);
		memset(reader->by_number, 0, sizeof(reader->by_number));
	}
}

/* What the source stands at. @return false: it is no frame, or a remark */
static bool
take_record(struct evcan_mf4_reader_ *reader,
    struct evcan_mf4_source_ *source, struct evcan_frame *frame,
    struct evcan_decode *out)
{
	struct evcan_mf4_group_ *group = source->group;
	const char *why = NULL;

	if (group->kind == EVCAN_MF4_REMARK) {
		take_remark(reader, source, out);
	} else {
		why = evcan_mf4_frame_(reader, source, frame);
		if (why == evcan_mf4_no_bytes_ && group->told)
			reader->skipped++;
		else if (why != NULL)
			fault_here(reader, source, why);
		group->told |= why == evcan_mf4_no_bytes_;
	}
	group->count++;
	source->group = NULL;
	leave(source, source->id_size + (uint64_t)group->record_len);
	return why == NULL && group->kind != EVCAN_MF4_REMARK;
}

/* Fills the window of a source whose groups are mixed.
 * @return false: it is empty */
static bool
fill_late(struct evcan_mf4_reader_ *reader,
    struct evcan_mf4_source_ *source, struct evcan_decode *out)
{
	struct evcan_mf4_late_ *late = source->late;
	struct evcan_mf4_group_ *group;

	if (late == NULL) {
		late = evcan_mf4_late_new_(reader->source_count > 16 ? 64 :
		    1024);
		if (late == NULL)
			return evcan_mf4_nomem_(&reader->file);
		source->late = late;
	}
	while (!evcan_mf4_late_is_full_(late) &&
	    find_record(reader, source)) {
		group = source->group;
		if (group->count == 0 || source->time_ns > group->last_ns)
			group->last_ns = source->time_ns;
		if (take_record(reader, source, evcan_mf4_late_slot_(late),
		    out))
			evcan_mf4_late_put_(late, group->last_ns);
	}
	if (evcan_mf4_late_count_(late) == 0)
		return false;
	source->time_ns = evcan_mf4_late_time_(late);
	return true;
}

/* Makes the source's next frame known, with its time. */
static bool
find(struct evcan_mf4_reader_ *reader, struct evcan_mf4_source_ *source,
    struct evcan_decode *out)
{
	source->waits = source->mixed ? fill_late(reader, source, out) :
	    find_record(reader, source);
	return source->waits;
}

/* Merging: a heap of sources by time, then by their order in the file */

static bool
before(const struct evcan_mf4_source_ *a, const struct evcan_mf4_source_ *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns;
	return a->order < b->order;
}

static void
sift(struct evcan_mf4_reader_ *reader, size_t i)
{
	struct evcan_mf4_source_ **heap = reader->sources, *moved = heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= reader->source_count)
			break;
		if (child + 1 < reader->source_count &&
		    before(heap[child + 1], heap[child]))
			child++;
		if (!before(heap[child], moved))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moved;
}

static void
drop_source(struct evcan_mf4_reader_ *reader, size_t i)
{
	evcan_mf4_source_free_(reader->sources[i]);
	reader->sources[i] = reader->sources[--reader->source_count];
}

/* The first record of each source. @return false: a fault comes first */
static bool
start(struct evcan_mf4_reader_ *reader, struct evcan_decode *out)
{
	size_t i = 0;

	while (i < reader->source_count) {
		struct evcan_mf4_source_ *source = reader->sources[i];

		if (source->waits || find(reader, source, out))
			i++;
		else if (reader->file.fault_count > 0)
			return false;
		else
			drop_source(reader, i);
	}
	for (i = reader->source_count / 2; i-- > 0;)
		sift(reader, i);
	reader->started = true;
	return true;
}

/* The record that comes second: what the first source may not pass. */
static const struct evcan_mf4_source_ *
second(const struct evcan_mf4_reader_ *reader)
{
	struct evcan_mf4_source_ *const *heap = reader->sources;

	if (reader->source_count < 2)
		return NULL;
	return reader->source_count == 2 || before(heap[1], heap[2]) ?
	    heap[1] : heap[2];
}

/* Frames of the first source, until another one is before it.
 * @return how many */
static size_t
run(struct evcan_mf4_reader_ *reader, struct evcan_frame *frames, size_t max,
    struct evcan_decode *out)
{
	struct evcan_mf4_source_ *source = reader->sources[0];
	const struct evcan_mf4_source_ *other = second(reader);
	size_t n = 0;

	while (n < max && !out->has_event &&
	    (other == NULL || before(source, other))) {
		source->waits = false;
		if (source->mixed)
			evcan_mf4_late_take_(source->late, &frames[n++]);
		else
			n += take_record(reader, source, &frames[n], out);
		if (!find(reader, source, out))
			break;
	}
	if (!source->waits && reader->file.fault_count > 0)
		reader->started = false;   /* it goes on behind the fault */
	else if (!source->waits)
		drop_source(reader, 0);
	if (reader->started && reader->source_count > 1)
		sift(reader, 0);
	return n;
}

static int
tell_fault(struct evcan_mf4_reader_ *reader, struct evcan_decode *out)
{
	struct evcan_mf4_file_ *file = &reader->file;
	struct evcan_mf4_fault_ *fault = &file->faults[0];
	const int code = file->nomem ? EVCAN_ERR_NOMEM : EVCAN_ERR_SYNTAX;

	out->error_offset = fault->offset;
	evcan_error_set(&out->error, code, 0, "%s", fault->text);
	file->fault_count--;
	memmove(fault, fault + 1, file->fault_count * sizeof(*fault));
	file->nomem = false;
	return code;
}

/* Frames that wait for others to be before them do so no longer when a
 * fault was met behind them. */
static size_t
hurry(struct evcan_mf4_reader_ *reader, struct evcan_frame *frames,
    size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < reader->source_count; i++) {
		struct evcan_mf4_source_ *source = reader->sources[i];

		if (!source->mixed)
			continue;
		while (n < max && evcan_mf4_late_count_(source->late) > 0)
			evcan_mf4_late_take_(source->late, &frames[n++]);
		source->waits = false;
		reader->started = false;
	}
	return n;
}

int
evcan_mf4_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out)
{
	struct evcan_mf4_reader_ *reader = state;
	struct evcan_mf4_file_ *file = &reader->file;
	size_t n = 0;

	(void)span;
	while (n < max && file->fault_count == 0 && !out->has_event) {
		if (!reader->started && !start(reader, out))
			break;
		if (reader->source_count == 0)
			break;
		n += run(reader, frames + n, max - n, out);
	}
	out->skipped += reader->skipped;
	reader->skipped = 0;
	out->position = file->done < file->size ? file->done : file->size;
	if (reader->source_count == 0 && file->fault_count == 0)
		out->position = file->size;
	if (n == 0 && file->fault_count > 0)
		n = hurry(reader, frames, max);
	if (n == 0 && file->fault_count > 0)
		return tell_fault(reader, out);
	return (int)n;
}

void
evcan_mf4_read_done_(void *state)
{
	struct evcan_mf4_reader_ *reader = state;

	for (size_t i = 0; i < reader->source_count; i++)
		evcan_mf4_source_free_(reader->sources[i]);
	free(reader->sources);
}

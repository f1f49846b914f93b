/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4.h - what the parts of the MDF 4 format share */
#ifndef EVCAN_MF4_H
#define EVCAN_MF4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/error.h>
#include <evcan/format.h>

#include "bytes.h"
#include "channel_map.h"
#include "codec.h"
#include "squeeze.h"

/*
 * mf4_block.c  blocks and their links, each checked before it is used
 * mf4_data.c   the bytes behind a data link as one stream
 * mf4_field.c  a channel: where its number is and what it means
 * mf4_plan.c   the channels of a group that make a frame
 * mf4_group.c  data groups, channel groups and channels found in the file
 * mf4_vlsd.c   payloads of variable length, by their offset
 * mf4_frame.c  a record to its frame
 * mf4_late.c   frames of an unsorted group into their order
 * mf4_read.c   finding records, groups merged by time
 * mf4_transpose.c  rows to columns and back
 * mf4_front.c  the blocks in front of the data, for the writer
 * mf4_write.c  frames to records
 */

#define EVCAN_MF4_HEAD 24u           /* of every block */
#define EVCAN_MF4_ID_SIZE 64u
#define EVCAN_MF4_RECORD_MAX (1u << 20)

/* Bits of the ID block's unfinished flags. */
enum {
	EVCAN_MF4_NO_COUNTS = 0x01,
	EVCAN_MF4_NO_LAST_DT = 0x04,
	EVCAN_MF4_NO_LAST_DL = 0x10
};

/* Bits of a channel group's flags. */
enum {
	EVCAN_MF4_CG_VLSD = 1,
	EVCAN_MF4_CG_BUS_EVENT = 2,
	EVCAN_MF4_CG_PLAIN_BUS_EVENT = 4
};

/* What is faulty in the file, kept until it can be told. */
struct evcan_mf4_fault_ {
	uint64_t offset;
	char text[200];
};

#define EVCAN_MF4_FAULTS 8

/* The file, as all parts see it. */
struct evcan_mf4_file_ {
	const struct evcan_file *io;
	uint64_t size;
	uint64_t done;         /* bytes of data read, for the progress */
	unsigned unfinished;   /* flags; 0: the file is finished */
	bool unfin;            /* its first word says so */
	uint32_t budget;       /* blocks that may yet be looked at */
	uint32_t chunk;        /* bytes that are read at once */
	bool nomem;
	struct evcan_mf4_fault_ faults[EVCAN_MF4_FAULTS];
	unsigned fault_count;
	uint64_t faults_untold;
};

/* Keeps a fault. @return false, always */
bool evcan_mf4_fault_(struct evcan_mf4_file_ *file, uint64_t offset,
    const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
/* @return false: out of memory, always */
bool evcan_mf4_nomem_(struct evcan_mf4_file_ *file);

/* Blocks */

#define EVCAN_MF4_BLOCK_MAX 512

struct evcan_mf4_block_ {
	uint64_t at, len, links;
	char name[3];                       /* "CN" */
	uint32_t got;                       /* bytes of it in raw */
	uint8_t raw[EVCAN_MF4_BLOCK_MAX];   /* its beginning */
};

/* Exactly n bytes. @return false with a fault: the file ends before */
bool evcan_mf4_read_(struct evcan_mf4_file_ *file, uint64_t at, void *buf,
    size_t n);
/* Reads a block's head and checks its length and links against the file;
 * the length may reach beyond its end if `cut` is allowed. */
bool evcan_mf4_open_(struct evcan_mf4_file_ *file, uint64_t at, bool cut,
    struct evcan_mf4_block_ *block);
/* The same for a block that must have this name. */
bool evcan_mf4_open_as_(struct evcan_mf4_file_ *file, uint64_t at,
    const char *name, struct evcan_mf4_block_ *block);
/* The i-th link, 0 if the block has none. */
uint64_t evcan_mf4_link_(struct evcan_mf4_file_ *file,
    const struct evcan_mf4_block_ *block, uint64_t i);
/* n bytes of the data behind the links. @return false with a fault */
bool evcan_mf4_body_(struct evcan_mf4_file_ *file,
    const struct evcan_mf4_block_ *block, uint64_t offset, void *buf,
    size_t n);
/* A TX or MD block's text, cut to size; "" for link 0. */
bool evcan_mf4_text_(struct evcan_mf4_file_ *file, uint64_t at, char *buf,
    size_t size);

/* The bytes behind a data link */

struct evcan_mf4_stream_ {
	struct evcan_mf4_file_ *file;
	struct evcan_inflater_ *inflater;   /* made when it is needed */
	const char *kind;      /* "DT" or "SD": of the blocks it is made of */
	uint64_t link;
	uint32_t align;        /* records have this length; 0: any */

	/* Where the blocks are listed. */
	uint64_t next_dl, links_at, links_left;
	uint64_t batch[32];    /* the next links */
	unsigned batch_at, batch_len;
	uint64_t tail;         /* behind the last block that was taken */
	bool opened;
	bool walks;            /* blocks follow each other from tail on */

	/* The rest of a block that is not packed. */
	uint64_t raw_at, raw_left;
	uint64_t spent;        /* bytes of blocks so far */

	/* What is there: p to end; both move when more is asked for. */
	uint8_t *buf, *p, *end;
	size_t size;
	uint64_t base;         /* in the stream, of buf[0] */
	uint64_t place;        /* in the file, of what came last */
	bool is_raw;           /* place is that of `end` */
	uint64_t skip;         /* bytes that nobody wants to see */
	bool ended;
	bool is_cut;           /* blocks beyond the file's end were listed */
	bool gap;              /* bytes are missing behind `end` */
	uint64_t lost;         /* how many */
	uint8_t *packed, *mixed;
	size_t packed_size, mixed_size;
};

/* Bytes behind `end` that may be read, but mean nothing. */
#define EVCAN_MF4_SLACK 16

void evcan_mf4_stream_init_(struct evcan_mf4_stream_ *stream,
    struct evcan_mf4_file_ *file, uint64_t link, const char *kind,
    uint32_t align);
/* From the start again. */
void evcan_mf4_stream_rewind_(struct evcan_mf4_stream_ *stream);
void evcan_mf4_stream_free_(struct evcan_mf4_stream_ *stream);
/* Brings more bytes behind `end`; what is before p goes.
 * @return false: the stream ends, or a gap is here, or there is more than
 * EVCAN_MF4_RECORD_MAX already */
bool evcan_mf4_stream_more_(struct evcan_mf4_stream_ *stream);
/* Behind a gap: what is before it goes, reading goes on at the first whole
 * record. @return false: there is no gap */
bool evcan_mf4_stream_resume_(struct evcan_mf4_stream_ *stream);
/* Passes over n bytes. @return false: the stream ends before */
bool evcan_mf4_stream_skip_(struct evcan_mf4_stream_ *stream, uint64_t n);

/* At least n bytes at p. @return false: fewer are left, and no more come */
static inline bool
evcan_mf4_stream_need_(struct evcan_mf4_stream_ *stream, size_t n)
{
	while ((size_t)(stream->end - stream->p) < n)
		if (!evcan_mf4_stream_more_(stream))
			return false;
	return true;
}

/* In the file, about: where a fault at p is told. */
uint64_t evcan_mf4_stream_place_(const struct evcan_mf4_stream_ *stream);

/* Channel groups */

enum evcan_mf4_member_ {
	EVCAN_MF4_CHANNEL,
	EVCAN_MF4_ID,
	EVCAN_MF4_IDE,
	EVCAN_MF4_DLC,
	EVCAN_MF4_LENGTH,
	EVCAN_MF4_DIR,
	EVCAN_MF4_EDL,
	EVCAN_MF4_BRS,
	EVCAN_MF4_ESI,
	EVCAN_MF4_RTR,
	EVCAN_MF4_ERROR_TYPE,
	EVCAN_MF4_BYTES,       /* its place in the record, or its offset */
	EVCAN_MF4_TIME,
	EVCAN_MF4_MEMBERS
};

/* Where a number is in a record and what it means. A constant has mask 0. */
struct evcan_mf4_field_ {
	uint32_t at;           /* first byte, behind the record's id */
	uint8_t shift;
	uint8_t bits;
	uint8_t type;          /* the channel's data type */
	bool there;
	bool slow;             /* any of the following */
	bool big;              /* big-endian */
	bool scaled;           /* offset + factor * raw */
	bool index;            /* raw is the record's number */
	int32_t invalid_bit;   /* of the record, or -1 */
	uint64_t mask, add;
	uint32_t *table;       /* 256 values by raw, or NULL */
	double offset, factor;
};

uint64_t evcan_mf4_field_slow_(const struct evcan_mf4_field_ *field,
    const uint8_t *record);

/* A member's value; reads 8 bytes from its place on. */
static inline uint64_t
evcan_mf4_field_get_(const struct evcan_mf4_field_ *field,
    const uint8_t *record)
{
	if (field->slow)
		return evcan_mf4_field_slow_(field, record);
	return (get_le64(record + field->at) >> field->shift & field->mask) +
	    field->add;
}

enum evcan_mf4_kind_ {
	EVCAN_MF4_OTHER,       /* passed over */
	EVCAN_MF4_DATA,
	EVCAN_MF4_REMOTE,
	EVCAN_MF4_ERROR,
	EVCAN_MF4_OVERLOAD,
	EVCAN_MF4_REMARK,      /* evcan's own */
	EVCAN_MF4_VLSD         /* payloads of another group */
};

struct evcan_mf4_group_ {
	uint64_t at, id;
	enum evcan_mf4_kind_ kind;
	uint32_t order;        /* in the file */
	uint16_t flags;
	uint32_t record_len;   /* without its id */
	uint64_t cycles, count;
	int64_t last_ns;       /* the latest time so far, if mixed */
	/* A master in whole nanoseconds is raw * ns_factor, else scaled. */
	int64_t ns_factor, ns_offset;
	uint32_t bytes_room;   /* of DataBytes in the record, of a remark */
	bool told;             /* that payloads are missing */
	bool by_offset;        /* DataBytes is an offset into: */
	uint64_t data_link;
	struct evcan_mf4_payload_ *payload;   /* of SD blocks */
	struct evcan_mf4_group_ *vlsd;        /* or of a group's records */
	struct evcan_mf4_recent_ *recent;     /* of this VLSD group */
	struct evcan_mf4_field_ fields[EVCAN_MF4_MEMBERS];
};

/* Makes fields, kind and time of a group from its channels.
 * @return false: out of memory; a group that cannot be used has a fault and
 * stays EVCAN_MF4_OTHER */
bool evcan_mf4_plan_(struct evcan_mf4_file_ *file,
    const struct evcan_mf4_block_ *cg, struct evcan_mf4_group_ *group);
void evcan_mf4_group_free_(struct evcan_mf4_group_ *group);

/* One channel, as mf4_plan.c hands it to mf4_field.c. */
bool evcan_mf4_field_make_(struct evcan_mf4_file_ *file,
    const struct evcan_mf4_block_ *cn, const struct evcan_mf4_group_ *group,
    uint32_t data_bytes, struct evcan_mf4_field_ *field);

/* A data group: one stream of records. */
struct evcan_mf4_source_ {
	struct evcan_mf4_stream_ stream;
	struct evcan_mf4_group_ *groups;   /* by record id */
	size_t group_count;
	unsigned id_size;
	bool has_vlsd;         /* of records */
	bool limited;          /* to the group's number of cycles */
	size_t ahead;          /* from p: VLSD records behind are looked at */
	uint32_t order;        /* of its first group that has frames */
	struct evcan_mf4_group_ *last;
	uint16_t by_id[256];   /* index + 1; for ids of one byte */
	bool mixed;            /* times of several groups, not in order */
	struct evcan_mf4_late_ *late;
	bool waits;            /* its next frame is known, with its time */
	int64_t time_ns;
	struct evcan_mf4_group_ *group;   /* of the record at p */
};

struct evcan_mf4_reader_ {
	const char *channels, *tz;   /* options */
	struct evcan_mf4_file_ file;
	struct evcan_channel_map_ map;
	int32_t by_number[256];      /* channel + 1, 0: not asked yet */
	int64_t start_ns;
	uint8_t clock;
	bool is_ours;                /* evcan wrote it: in order as it is */
	struct evcan_mf4_source_ **sources;   /* a heap by time */
	size_t source_count, source_room;
	bool started;                /* each has its first record */
	bool found;                  /* a group of CAN frames */
	uint64_t skipped;            /* frames of groups not read at all */
};

/* The data groups of the file, those with frames, into reader->sources. */
bool evcan_mf4_find_groups_(struct evcan_mf4_reader_ *reader, uint64_t dg);
void evcan_mf4_source_free_(struct evcan_mf4_source_ *source);
/* The group of a record id, or NULL. */
struct evcan_mf4_group_ *evcan_mf4_group_by_id_(
    struct evcan_mf4_source_ *source, uint64_t id);

/* Payloads of variable length */

#define EVCAN_MF4_PAYLOAD_MAX EVCAN_MAX_DATA

struct evcan_mf4_payload_ *evcan_mf4_payload_new_(
    struct evcan_mf4_file_ *file, uint64_t link);
void evcan_mf4_payload_free_(struct evcan_mf4_payload_ *payload);
struct evcan_mf4_recent_ *evcan_mf4_recent_new_(void);
/* The payload that stands at an offset, up to EVCAN_MF4_PAYLOAD_MAX bytes.
 * @return its whole length, or -1: there is none */
int64_t evcan_mf4_payload_get_(struct evcan_mf4_payload_ *payload,
    uint64_t offset, uint8_t *data);
/* The same out of VLSD records, which may stand before and behind. */
int64_t evcan_mf4_recent_get_(struct evcan_mf4_source_ *source,
    struct evcan_mf4_group_ *vlsd, uint64_t offset, uint8_t *data);
/* The main cursor leaves a VLSD record of `size` bytes. */
void evcan_mf4_recent_pass_(struct evcan_mf4_source_ *source, size_t size);

/* Records */

/* A record's time. @return false: it has none that could be told */
bool evcan_mf4_time_(const struct evcan_mf4_reader_ *reader,
    const struct evcan_mf4_group_ *group, const uint8_t *record,
    int64_t *ns);
/* The frame that source->group and the stream stand at.
 * @return why it is none (one reason has a name), or NULL */
extern const char evcan_mf4_no_bytes_[];
const char *evcan_mf4_frame_(struct evcan_mf4_reader_ *reader,
    struct evcan_mf4_source_ *source, struct evcan_frame *frame);

/*
 * Frames of an unsorted group that are a little late: loggers write each
 * channel when it suits them. Those of one channel group stay in order.
 */
struct evcan_mf4_late_ *evcan_mf4_late_new_(size_t size);
void evcan_mf4_late_free_(struct evcan_mf4_late_ *late);
size_t evcan_mf4_late_count_(const struct evcan_mf4_late_ *late);
bool evcan_mf4_late_is_full_(const struct evcan_mf4_late_ *late);
/* Where the next frame is to be made, which then is put in its place. */
struct evcan_frame *evcan_mf4_late_slot_(struct evcan_mf4_late_ *late);
void evcan_mf4_late_put_(struct evcan_mf4_late_ *late, int64_t key);
/* The first; its time and the frame itself, which is gone then. */
int64_t evcan_mf4_late_time_(const struct evcan_mf4_late_ *late);
void evcan_mf4_late_take_(struct evcan_mf4_late_ *late,
    struct evcan_frame *frame);

/* Reading */

int evcan_mf4_read_begin_(void *state, const struct evcan_file *file,
    struct evcan_error *err);
int evcan_mf4_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out);
void evcan_mf4_read_done_(void *state);

/* Writing */

/*
 * Records are all of one length or a multiple of it, so that their columns
 * stay columns when a block is transposed.
 */
#define EVCAN_MF4_ROW 29u
#define EVCAN_MF4_ROW_FD (3 * EVCAN_MF4_ROW)
#define EVCAN_MF4_ROW_TEXT (36 * EVCAN_MF4_ROW)
#define EVCAN_MF4_TEXT (EVCAN_MF4_ROW_TEXT - 9)

/* Record ids. */
enum {
	EVCAN_MF4_WRITES_DATA = 1,
	EVCAN_MF4_WRITES_FD,
	EVCAN_MF4_WRITES_REMOTE,
	EVCAN_MF4_WRITES_ERROR,
	EVCAN_MF4_WRITES_OVERLOAD,
	EVCAN_MF4_WRITES_TEXT,
	EVCAN_MF4_WRITES_KINDS
};

/* What the front of the file tells. */
struct evcan_mf4_front_ {
	uint64_t start_ns;
	bool packed;           /* data in DZ blocks */
	bool transposed;
	bool finished;
	uint64_t data_len;     /* of the DT block */
	uint64_t counts[EVCAN_MF4_WRITES_KINDS];
	/* Blocks as listed by the first DL, and where the next one is. */
	const uint64_t *blocks;    /* pairs: place, length unpacked */
	size_t block_count;
	uint64_t next_dl;
};

/* Blocks that the first DL has room for; a writer that is killed leaves
 * them without a list. */
#define EVCAN_MF4_LISTED 1000

void evcan_mf4_put_front_(const struct evcan_mf4_front_ *front,
    struct evcan_buffer *out);
/* A DL of these blocks; `first` is the stream's length before them. */
void evcan_mf4_put_list_(const uint64_t *blocks, size_t n, uint64_t first,
    uint64_t next, struct evcan_buffer *out);

struct evcan_mf4_writer_ {
	int64_t level, threads, channel;   /* options */
	int codec;
	const char *channels;
	struct evcan_channel_map_ map;
	uint16_t number_of;        /* the channel asked for last, and its: */
	uint8_t number;
	bool number_known, number_lost;
	struct evcan_mf4_front_ front;
	bool begun, relative;
	uint64_t at;               /* bytes appended so far */
	struct evcan_squeeze_ *squeeze;
	uint8_t *block, *mixed;
	size_t block_len;
	uint64_t *blocks;
	size_t block_count, block_room;
};

#define EVCAN_MF4_ATTRIBUTES "channel direction echo hops clock time"

int evcan_mf4_begin_(void *state, const struct evcan_past *past,
    struct evcan_buffer *out, struct evcan_error *err);
int evcan_mf4_encode_(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info);
int evcan_mf4_encode_gap_(void *state, const char *channel,
    const struct evcan_gap *gap, struct evcan_buffer *out);
int evcan_mf4_encode_event_(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out);
int evcan_mf4_flush_(void *state, struct evcan_buffer *out);
size_t evcan_mf4_held_(const void *state);
int evcan_mf4_finish_(void *state, struct evcan_buffer *out);
int evcan_mf4_header_(void *state, uint64_t size, struct evcan_buffer *out);
void evcan_mf4_write_done_(void *state);

/* Columns of `rows` rows of `width` bytes, and back; what is left over of n
 * bytes stays at the end. */
void evcan_mf4_transpose_(const uint8_t *in, size_t n, size_t width,
    uint8_t *out);
void evcan_mf4_untranspose_(const uint8_t *in, size_t n, size_t width,
    uint8_t *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* blf_read.h - the parts of a BLF's reader */
#ifndef EVCAN_BLF_READ_H
#define EVCAN_BLF_READ_H

#include "blf.h"
#include "codec.h"

struct evcan_inflate_ahead_;

#define EVCAN_BLF_FILE_HEAD_MAX 65536

struct evcan_blf_reader_ {
	const char *channels, *tz;      /* options */
	int64_t threads;
	int codec;
	struct evcan_blf_context_ context;
	struct evcan_zone_ zone;
	struct evcan_inflater_ *inflater;
	struct evcan_inflate_ahead_ *ahead;   /* NULL: not yet, or never */
	uint64_t ahead_to;              /* in the file: looked at up to here */
	unsigned passed;                /* containers without it */
	uint8_t *buf;                   /* out of containers: objects */
	size_t pos, len, size;
	uint64_t container;             /* where the last one stands */
	bool begun;                     /* behind the file's header */
	bool searching;                 /* for an object in the file */
	bool searching_inside;          /* ... in the containers */
	bool fault_waits;               /* until the buffer is read */
	int fault;                      /* code of what is not told yet */
	uint64_t fault_at;
	char fault_text[160];
};

/* blf_search.c */

bool evcan_blf_is_zero_(const uint8_t *p, size_t n);
/* "LOBJ", or the head of another file that was appended as it is. */
bool evcan_blf_is_magic_(const uint8_t *p);
/* The head of a file where one may be; where nobody expects it. */
bool evcan_blf_is_file_head_(const uint8_t *p, size_t n);
bool evcan_blf_is_found_head_(const uint8_t *p, size_t n);
/* The next object's magic within the padding.
 * @return bytes before it, or -1 */
int evcan_blf_skip_padding_(const uint8_t *p, size_t n);
/* Whether an object, the file's end, or nothing but padding up to that comes.
 * @param padding set to the bytes before it */
bool evcan_blf_ends_well_(const uint8_t *p, size_t n, bool end,
    size_t *padding);

/* What to search for. */
enum evcan_blf_wanted_ {
	EVCAN_BLF_ANY_OBJECT,
	EVCAN_BLF_A_CONTAINER
};

/* The next head of an object. @return bytes before it; n: there is none */
size_t evcan_blf_search_(const uint8_t *p, size_t n,
    enum evcan_blf_wanted_ wanted);
/* The same in the file, where another file's head may stand before it. */
size_t evcan_blf_search_file_(const uint8_t *p, size_t n,
    enum evcan_blf_wanted_ wanted);

/* blf_container.c */

/* A container's place in the span, and what came out of it. */
struct evcan_blf_container_ {
	const uint8_t *p;
	uint64_t at;       /* in the file */
	size_t size;       /* that it says */
	size_t end;        /* where something else begins */
	size_t used;       /* of its bytes */
	size_t got;
	enum evcan_inflated_ result;
};

/* Where the container really ends. @param left bytes from its head on
 * @return false: more bytes are needed */
bool evcan_blf_find_end_(const struct evcan_span *span,
    struct evcan_blf_container_ *c, size_t left);
/* What it holds, put behind what is in the buffer; len stays. */
void evcan_blf_inflate_(struct evcan_blf_reader_ *reader,
    struct evcan_blf_container_ *c);
void evcan_blf_copy_(struct evcan_blf_reader_ *reader,
    struct evcan_blf_container_ *c);
/* Where reading goes on behind it, in bytes from its head. */
size_t evcan_blf_resume_(const struct evcan_blf_container_ *c);

/* blf_ahead.c: what is read stays the same with and without it. */

/* Has containers behind this one inflated by other threads. */
void evcan_blf_look_ahead_(struct evcan_blf_reader_ *reader,
    const struct evcan_span *span, const struct evcan_blf_container_ *c);
/* What was inflated of exactly c's bytes, until the next call, with used and
 * got set; or NULL: the container has to be inflated. */
const uint8_t *evcan_blf_from_ahead_(struct evcan_blf_reader_ *reader,
    struct evcan_blf_container_ *c);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* gunzip.c - a gzip file unpacked as a stream, member after member */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gunzip.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#include <evcan/error.h>

/*
 * Members are found here and unpacked by an engine: ISA-L's inflate where it
 * is built in, else zlib's. Ten bytes make a member's header sure enough to
 * look for the next one in the middle of rubbish. The engines do not see
 * headers: ISA-L 2.30 fails at some that come in pieces.
 */

#define HEAD_LEN 10

/* The rest of a member: how the engine left it. */
enum result {
	MORE,        /* it needs bytes, or room */
	DONE,
	FAULT        /* why is set */
};

struct engine;

struct evcan_gunzip_ {
	enum {
		BETWEEN,     /* members; zeros may stand there */
		FIELDS,      /* that a header may have, see `fields` */
		INSIDE,
		LOST         /* behind damage: looks for a header */
	} where;
	uint8_t head[HEAD_LEN];
	unsigned head_len;
	unsigned fields;         /* flags of those to come */
	unsigned field_at;       /* bytes of this one taken */
	unsigned extra_len;
	const char *why;         /* a fault that is not told yet */
	uint64_t offset, why_offset;
	struct engine *engine;
};

static const char why_damaged[] = "the compressed bytes are damaged here";
static const char why_sum[] = "the checksum of what was unpacked is wrong";
static const char why_cut[] = "the file ends inside its compressed bytes";
static const char why_strange[] = "what stands here is not gzip";

/* The engine */

#ifdef HAVE_ISAL
struct engine {
	struct inflate_state isal;
	const char *failed;      /* once all before the fault is given */
};

static struct engine *
engine_new(void)
{
	return malloc(sizeof(struct engine));
}

static void
engine_free(struct engine *engine)
{
	free(engine);
}

static void
engine_start(struct engine *engine)
{
	isal_inflate_init(&engine->isal);
	engine->isal.crc_flag = ISAL_GZIP_NO_HDR_VER;
	engine->failed = NULL;
}

/* Bytes from before a fault that ISA-L keeps in its window. */
static enum result
drain(struct engine *engine, uint8_t *dst, size_t size, size_t *got,
    const char **why)
{
	struct inflate_state *isal = &engine->isal;
	size_t n = 0;

	if (isal->tmp_out_valid > isal->tmp_out_processed)
		n = (size_t)(isal->tmp_out_valid - isal->tmp_out_processed);
	if (n > size)
		n = size;
	memcpy(dst, isal->tmp_out_buffer + isal->tmp_out_processed, n);
	isal->tmp_out_processed += (int32_t)n;
	*got += n;
	if (isal->tmp_out_valid > isal->tmp_out_processed)
		return MORE;
	*why = engine->failed;
	return FAULT;
}

static enum result
engine_run(struct engine *engine, const uint8_t *src, uint32_t n,
    size_t *used, uint8_t *dst, uint32_t size, size_t *got, const char **why)
{
	struct inflate_state *isal = &engine->isal;
	int result;

	*used = *got = 0;
	if (engine->failed != NULL)
		return drain(engine, dst, size, got, why);
	isal->next_in = (uint8_t *)(uintptr_t)src;
	isal->avail_in = n;
	isal->next_out = dst;
	isal->avail_out = size;
	result = isal_inflate(isal);
	/* After a fault it may have counted bits that were not there. */
	*used = isal->avail_in > n ? n : n - isal->avail_in;
	*got = size - isal->avail_out;
	if (result == ISAL_INCORRECT_CHECKSUM) {
		*why = why_sum;
		return FAULT;
	}
	if (result < 0) {
		engine->failed = why_damaged;
		return drain(engine, dst + *got, size - *got, got, why);
	}
	return isal->block_state == ISAL_BLOCK_FINISH ? DONE : MORE;
}
#else
struct engine {
	z_stream z;
};

static struct engine *
engine_new(void)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (engine != NULL && inflateInit2(&engine->z, MAX_WBITS + 16) != Z_OK) {
		free(engine);
		return NULL;
	}
	return engine;
}

static void
engine_free(struct engine *engine)
{
	if (engine != NULL)
		inflateEnd(&engine->z);
	free(engine);
}

/* It wants to see a header, to check what stands at the member's end. */
static void
engine_start(struct engine *engine)
{
	static const uint8_t head[HEAD_LEN] = { 0x1f, 0x8b, 8 };
	uint8_t none;

	inflateReset(&engine->z);
	engine->z.next_in = (Bytef *)(uintptr_t)head;
	engine->z.avail_in = HEAD_LEN;
	engine->z.next_out = &none;
	engine->z.avail_out = 0;
	inflate(&engine->z, Z_NO_FLUSH);
}

static enum result
engine_run(struct engine *engine, const uint8_t *src, uint32_t n,
    size_t *used, uint8_t *dst, uint32_t size, size_t *got, const char **why)
{
	z_stream *z = &engine->z;
	int result;

	z->next_in = (Bytef *)(uintptr_t)src;
	z->avail_in = n;
	z->next_out = dst;
	z->avail_out = size;
	result = inflate(z, Z_NO_FLUSH);
	*used = n - z->avail_in;
	*got = size - z->avail_out;
	if (result == Z_STREAM_END)
		return DONE;
	if (result == Z_OK || result == Z_BUF_ERROR)
		return MORE;
	*why = z->msg != NULL && strncmp(z->msg, "incorrect", 9) == 0 &&
	    strstr(z->msg, "check") != NULL ? why_sum : why_damaged;
	return FAULT;
}
#endif

/* Members */

struct evcan_gunzip_ *
evcan_gunzip_new_(struct evcan_error *err)
{
	struct evcan_gunzip_ *gunzip = calloc(1, sizeof(*gunzip));

	if (gunzip != NULL)
		gunzip->engine = engine_new();
	if (gunzip != NULL && gunzip->engine != NULL)
		return gunzip;
	free(gunzip);
	evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "no memory to unpack gzip");
	return NULL;
}

void
evcan_gunzip_free_(struct evcan_gunzip_ *gunzip)
{
	if (gunzip == NULL)
		return;
	engine_free(gunzip->engine);
	free(gunzip);
}

void
evcan_gunzip_reset_(struct evcan_gunzip_ *gunzip)
{
	struct engine *engine = gunzip->engine;

	memset(gunzip, 0, sizeof(*gunzip));
	gunzip->engine = engine;
}

static void
keep_fault(struct evcan_gunzip_ *gunzip, const char *why, uint64_t offset)
{
	gunzip->why = why;
	gunzip->why_offset = offset;
	gunzip->where = LOST;
	gunzip->head_len = 0;
}

/* Whether these bytes may begin a member. In rubbish the two bytes that tell
 * the level and the system must be right, too. */
static bool
may_begin(const uint8_t *head, unsigned len, bool lost)
{
	return (len < 1 || head[0] == 0x1f) && (len < 2 || head[1] == 0x8b) &&
	    (len < 3 || head[2] == 8) && (len < 4 || head[3] < 0x20) &&
	    (!lost || len < 9 || head[8] == 0 || head[8] == 2 ||
	    head[8] == 4) &&
	    (!lost || len < 10 || head[9] < 20 || head[9] == 255);
}

/* Gathers a header. @return bytes of src consumed */
static size_t
look_for_head(struct evcan_gunzip_ *gunzip, const uint8_t *src, size_t n)
{
	const bool lost = gunzip->where == LOST;
	size_t i = 0;

	while (i < n && gunzip->head_len < HEAD_LEN && gunzip->why == NULL) {
		if (gunzip->head_len == 0 && (lost ? src[i] != 0x1f :
		    src[i] == 0)) {
			i++;
			continue;
		}
		gunzip->head[gunzip->head_len++] = src[i++];
		if (!lost && !may_begin(gunzip->head, gunzip->head_len, false))
			keep_fault(gunzip, why_strange, gunzip->offset + i -
			    gunzip->head_len);
		while (gunzip->head_len > 0 &&
		    !may_begin(gunzip->head, gunzip->head_len, lost))
			memmove(gunzip->head, gunzip->head + 1,
			    --gunzip->head_len);
	}
	return i;
}

enum field {
	HAS_CRC = 2,
	HAS_EXTRA = 4,
	HAS_NAME = 8,
	HAS_COMMENT = 16
};

/* One byte of a header's field. @return whether it was the last */
static bool
pass_byte(struct evcan_gunzip_ *gunzip, uint8_t byte)
{
	const unsigned at = gunzip->field_at++;

	if ((gunzip->fields & HAS_EXTRA) == 0)
		return (gunzip->fields & (HAS_NAME | HAS_COMMENT)) != 0 ?
		    byte == 0 : at == 1;
	if (at == 0)
		gunzip->extra_len = byte;
	else if (at == 1)
		gunzip->extra_len |= (unsigned)byte << 8;
	return at >= 1 && at + 1 == gunzip->extra_len + 2;
}

/* Passes over a header's fields. @return bytes of src consumed */
static size_t
pass_fields(struct evcan_gunzip_ *gunzip, const uint8_t *src, size_t n)
{
	static const uint8_t order[] = { HAS_EXTRA, HAS_NAME, HAS_COMMENT,
		HAS_CRC };
	size_t i = 0;

	for (unsigned k = 0; k < sizeof(order);) {
		if ((gunzip->fields & order[k]) == 0) {
			k++;
			continue;
		}
		if (i == n)
			return i;
		if (pass_byte(gunzip, src[i++])) {
			gunzip->fields &= ~(unsigned)order[k];
			gunzip->field_at = 0;
		}
	}
	gunzip->where = INSIDE;
	engine_start(gunzip->engine);
	return i;
}

/* All up to a member's compressed bytes. @return bytes of src consumed */
static size_t
pass_head(struct evcan_gunzip_ *gunzip, const uint8_t *src, size_t n)
{
	size_t i = 0;

	if (gunzip->where != FIELDS) {
		i = look_for_head(gunzip, src, n);
		if (gunzip->head_len < HEAD_LEN)
			return i;
		gunzip->where = FIELDS;
		gunzip->fields = gunzip->head[3];
		gunzip->field_at = 0;
	}
	return i + pass_fields(gunzip, src + i, n - i);
}

static uint32_t
limit(size_t n)
{
	return n > INT32_MAX ? INT32_MAX : (uint32_t)n;
}

/* What the engine made of a member. */
static void
take_result(struct evcan_gunzip_ *gunzip, enum result result,
    const char *why)
{
	if (result == MORE)
		return;
	gunzip->where = BETWEEN;
	gunzip->head_len = 0;
	if (result == FAULT)
		keep_fault(gunzip, why, gunzip->offset);
}

/* All of the file was taken: is anything cut off? */
static void
look_at_end(struct evcan_gunzip_ *gunzip)
{
	if (gunzip->why == NULL && (gunzip->where == INSIDE ||
	    gunzip->where == FIELDS ||
	    (gunzip->where == BETWEEN && gunzip->head_len > 0)))
		keep_fault(gunzip, why_cut, gunzip->offset);
}

static int
tell_fault(struct evcan_gunzip_ *gunzip, struct evcan_error *err)
{
	const char *why = gunzip->why;

	gunzip->why = NULL;
	return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
	    "gzip, byte %llu: %s",
	    (unsigned long long)gunzip->why_offset, why);
}

int
evcan_gunzip_run_(struct evcan_gunzip_ *gunzip, const uint8_t *src,
    size_t n, bool end, size_t *used, uint8_t *dst, size_t size,
    size_t *got, struct evcan_error *err)
{
	*used = *got = 0;
	while (gunzip->why == NULL) {
		const char *why = NULL;
		enum result result;
		size_t in, out;

		if (gunzip->where != INSIDE) {
			in = pass_head(gunzip, src + *used, n - *used);
			*used += in;
			gunzip->offset += in;
			if (gunzip->where != INSIDE)
				break;
		}
		if (*got == size)
			return 0;
		result = engine_run(gunzip->engine, src + *used,
		    limit(n - *used), &in, dst + *got, limit(size - *got),
		    &out, &why);
		*used += in;
		*got += out;
		gunzip->offset += in;
		take_result(gunzip, result, why);
		if (result == MORE && in == 0 && out == 0)
			break;
	}
	if (end && *used == n)
		look_at_end(gunzip);
	return gunzip->why != NULL && *got == 0 ? tell_fault(gunzip, err) : 0;
}

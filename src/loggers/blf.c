/* SPDX-License-Identifier: BSD-3-Clause */
/* blf.c - Vector's binary log: containers of objects */
#include "blf.h"

#include "blf_read.h"
#include "bytes.h"

/*
 * blf_read.c takes frames out of a file, with blf_container.c and
 * blf_search.c; blf_write.c puts them there; blf_object.c knows what is in an
 * object.
 */

/* Programs that write the header last leave zeros where it should be, if
 * they do not come to that; and a file may have lost it. */
static int
bid(const uint8_t *data, size_t len)
{
	size_t at = 0;

	if (len >= 4 && get_le32(data) == EVCAN_BLF_FILE_MAGIC)
		return 100;
	if (len >= EVCAN_BLF_FILE_HEAD &&
	    evcan_blf_is_zero_(data, EVCAN_BLF_FILE_HEAD))
		at = EVCAN_BLF_FILE_HEAD;
	return len - at >= EVCAN_BLF_BASE_HEAD &&
	    evcan_blf_is_object_(data + at) ? 60 : 0;
}

const struct evcan_format evcan_format_blf_ = {
	.name = "blf",
	.summary = "Vector binary log, compressed",
	.suffixes = ".blf",
	.attributes = EVCAN_BLF_ATTRIBUTES,
	.read_options = evcan_blf_read_rows_,
	.read_size = sizeof(struct evcan_blf_reader_),
	.bid = bid,
	.read_begin = evcan_blf_read_begin_,
	.decode = evcan_blf_decode_,
	.read_done = evcan_blf_read_done_,
	.write_options = evcan_blf_write_rows_,
	.write_size = sizeof(struct evcan_blf_writer_),
	.begin = evcan_blf_begin_,
	.encode = evcan_blf_encode_,
	.encode_gap = evcan_blf_encode_gap_,
	.encode_event = evcan_blf_encode_event_,
	.flush = evcan_blf_flush_,
	.held = evcan_blf_held_,
	.finish = evcan_blf_finish_,
	.header = evcan_blf_header_,
	.write_done = evcan_blf_write_done_
};

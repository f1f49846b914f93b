/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4.c - ASAM MDF 4 bus logging (.mf4) */
#include "mf4.h"

#include <string.h>

#include "zone.h"

/*
 * Read: frames of CAN in any layout that names its members as the standard
 * for bus logging does (asammdf and python-can, Kvaser, CANedge of both
 * kinds), sorted or not, packed or not, finished or not. Written: what
 * mf4_write.c tells, which asammdf and python-can read.
 */

static int
bid(const uint8_t *data, size_t len)
{
	if (len < 16)
		return 0;
	if (memcmp(data, "MDF     ", 8) != 0 &&
	    memcmp(data, "UnFinMF ", 8) != 0)
		return 0;
	/* MDF 3 is refused by its version, in words. */
	return data[8] >= '3' && data[8] <= '4' ? 100 : 50;
}

#define READER(member) offsetof(struct evcan_mf4_reader_, member)
#define WRITER(member) offsetof(struct evcan_mf4_writer_, member)

static const struct evcan_option read_rows[] = {
	{ .name = "channels", .type = EVCAN_OPTION_TEXT,
	  .help = EVCAN_CHANNELS_HELP, .offset = READER(channels) },
	{ .name = "tz", .type = EVCAN_OPTION_TEXT, .fallback = "local",
	  .help = EVCAN_ZONE_HELP, .offset = READER(tz) },
	{ .name = NULL }
};

static const struct evcan_option write_rows[] = {
	{ .name = "compression_level", .type = EVCAN_OPTION_INT,
	  .fallback = "2", .min = 0, .max = 2,
	  .help = "0 stores the records as they are, 1 deflates them, 2 "
	      "deflates them by columns",
	  .offset = WRITER(level) },
	{ .name = "codec", .type = EVCAN_OPTION_CHOICE, .fallback = "auto",
	  .choices = EVCAN_CODEC_CHOICES, .help = EVCAN_CODEC_HELP,
	  .offset = WRITER(codec) },
	{ .name = "threads", .type = EVCAN_OPTION_INT, .fallback = "0",
	  .min = 0, .max = EVCAN_SQUEEZE_THREADS,
	  .help = EVCAN_SQUEEZE_HELP, .offset = WRITER(threads) },
	{ .name = "channels", .type = EVCAN_OPTION_TEXT,
	  .help = EVCAN_CHANNELS_HELP, .offset = WRITER(channels) },
	{ .name = "channel", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 0, .max = 255, .help = EVCAN_CHANNEL_HELP,
	  .offset = WRITER(channel) },
	{ .name = NULL }
};

const struct evcan_format evcan_format_mf4_ = {
	.name = "mf4",
	.summary = "ASAM MDF 4 bus logging",
	.suffixes = ".mf4",
	.attributes = EVCAN_MF4_ATTRIBUTES,
	.flags = EVCAN_FORMAT_SEEKS | EVCAN_FORMAT_NO_APPEND,
	.read_options = read_rows,
	.read_size = sizeof(struct evcan_mf4_reader_),
	.bid = bid,
	.read_begin = evcan_mf4_read_begin_,
	.decode = evcan_mf4_decode_,
	.read_done = evcan_mf4_read_done_,
	.write_options = write_rows,
	.write_size = sizeof(struct evcan_mf4_writer_),
	.begin = evcan_mf4_begin_,
	.encode = evcan_mf4_encode_,
	.encode_gap = evcan_mf4_encode_gap_,
	.encode_event = evcan_mf4_encode_event_,
	.flush = evcan_mf4_flush_,
	.held = evcan_mf4_held_,
	.finish = evcan_mf4_finish_,
	.header = evcan_mf4_header_,
	.write_done = evcan_mf4_write_done_
};

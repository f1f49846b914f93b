/* SPDX-License-Identifier: BSD-3-Clause */
/* asc.c - Vector's ASCII log, as CANalyzer, CANoe and many others write it */
#include <string.h>

#include "asc.h"

/*
 * Read: every line of CAN and CAN FD that the tools known to us write
 * (asc_line.c), under any header (asc_header.c); other buses, statistics and
 * variables are passed over and counted. Written: what CANalyzer and CANoe
 * open (asc_write.c).
 */

const char *
evcan_asc_skip_(const char *p, const char *eol)
{
	/* Names that are not there leave wide columns. */
	while (eol - p >= 8 && memcmp(p, "        ", 8) == 0)
		p += 8;
	while (p < eol && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

struct evcan_asc_word_
evcan_asc_word_(const char **p, const char *eol)
{
	struct evcan_asc_word_ word = { NULL, 0 };
	const char *at = evcan_asc_skip_(*p, eol);

	*p = at;
	if (at == eol)
		return word;
	word.p = at;
	while (at < eol && *at != ' ' && *at != '\t')
		at++;
	word.len = (size_t)(at - word.p);
	*p = at;
	return word;
}

bool
evcan_asc_is_(struct evcan_asc_word_ word, const char *text)
{
	size_t i;

	for (i = 0; i < word.len; i++) {
		const char c = word.p[i];

		if ((c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c) != text[i])
			return false;
	}
	return text[i] == '\0' && word.p != NULL;
}

/* Lines that are looked at before a log is given up. */
#define BID_LINES 20

/* What a line speaks for: nothing, something, a lot. */
static int
bid_line(struct evcan_asc_reader_ *probe, const char *p, const char *eol)
{
	struct evcan_decode out = { .line = 1 };
	struct evcan_fault_ fault;
	struct evcan_frame frame;
	const char *at = p;
	const struct evcan_asc_word_ first = evcan_asc_word_(&at, eol);
	const struct evcan_asc_word_ second = evcan_asc_word_(&at, eol);
	enum evcan_line_ what;

	what = evcan_asc_line_(probe, p, eol, &frame, &out, &fault);
	if (what == EVCAN_LINE_FRAME)
		return 70;
	if ((evcan_asc_is_(first, "base") && (evcan_asc_is_(second, "hex") ||
	    evcan_asc_is_(second, "dec"))) ||
	    evcan_asc_is_(second, "triggerblock") ||
	    evcan_asc_is_(second, "internal"))
		return 85;
	if (evcan_asc_is_(first, "internal") && evcan_asc_is_(second, "events"))
		return 85;
	return evcan_asc_is_(first, "date") && probe->dated ? 60 :
	    evcan_asc_is_(first, "//") && evcan_asc_is_(second, "version") ?
	    40 : 0;
}

static int
bid(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data, *end = p + len, *eol, *next;
	struct evcan_asc_reader_ probe = { .probing = true };
	int best = 0;

	evcan_asc_session_(&probe);
	p = evcan_lines_skip_bom_(p, end);
	for (int i = 0; i < BID_LINES && p < end; i++, p = next) {
		int sure;

		next = evcan_lines_end_(p, end, true, &eol);
		if (next == NULL || next == p)
			break;
		sure = bid_line(&probe, p, eol);
		if (sure > 60)
			return sure;
		best = sure > best ? sure : best;
	}
	return best;
}

const struct evcan_format evcan_format_asc_ = {
	.name = "asc",
	.summary = "Vector ASC, as CANalyzer and CANoe write it",
	.suffixes = ".asc",
	.attributes = evcan_asc_attributes_,
	.flags = EVCAN_FORMAT_TEXT,
	.read_options = evcan_asc_read_rows_,
	.read_size = sizeof(struct evcan_asc_reader_),
	.bid = bid,
	.read_begin = evcan_asc_read_begin_,
	.decode = evcan_asc_decode_,
	.write_options = evcan_asc_write_rows_,
	.write_size = sizeof(struct evcan_asc_writer_),
	.begin = evcan_asc_begin_,
	.encode = evcan_asc_encode_,
	.encode_gap = evcan_asc_encode_gap_,
	.encode_event = evcan_asc_encode_event_,
	.finish = evcan_asc_finish_
};

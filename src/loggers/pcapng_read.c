/* SPDX-License-Identifier: BSD-3-Clause */
/* pcapng_read.c - frames out of the blocks of a pcapng capture */
#include "pcapng_block.h"

#include <string.h>

#include "bytes.h"
#include "can_packet.h"

/* Blocks up to this length are looked at in one piece; longer ones are only
 * passed over, unless they would be our packets: then they are damaged. */
#define BLOCK_MAX (256u << 10)
#define BLOCK_LIMIT (64u << 20)

/* What became of a block. */
enum step {
	STEP_FRAME,   /* one more, consumed */
	STEP_NEXT,    /* consumed */
	STEP_MORE,    /* more bytes are needed, or there are none */
	STEP_FAULT    /* told, or found again when the frames are delivered */
};

const struct evcan_option evcan_pcapng_read_rows_[] = {
	{ .name = "id_order", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "link", .choices = EVCAN_ID_ORDER_CHOICES,
	  .help = EVCAN_ID_ORDER_HELP,
	  .offset = offsetof(struct evcan_pcapng_reader_, id_order) },
	{ .name = NULL }
};

/* One call of the decoder. */
struct turn {
	struct evcan_pcapng_reader_ *reader;
	const struct evcan_span *span;
	struct evcan_decode *out;
	struct evcan_frame *frames;
	size_t n;
};

static inline const uint8_t *
here(const struct turn *turn)
{
	return turn->span->data + turn->out->used;
}

static inline size_t
left_of(const struct turn *turn)
{
	return turn->span->len - turn->out->used;
}

/* Faults. Frames before one are delivered first; it is then found again. */

/* @param size of what is wrong, which is consumed */
static enum step
bad(struct turn *turn, size_t size, const char *why)
{
	if (turn->n > 0)
		return STEP_FAULT;
	turn->out->error_offset = turn->span->offset + turn->out->used;
	turn->out->used += size;
	evcan_error_set(&turn->out->error, EVCAN_ERR_SYNTAX, 0, "%s", why);
	return STEP_FAULT;
}

/* As a block that begins with a byte-order magic tells. @return false: it
 * does not begin a section */
static bool
get_order(const uint8_t *p, bool *big)
{
	if (get_le32(p) != EVCAN_PCAPNG_SECTION)
		return false;
	*big = evcan_pcapng_get32_(true, p + 8) == EVCAN_PCAPNG_ORDER;
	return *big || get_le32(p + 8) == EVCAN_PCAPNG_ORDER;
}

/* Fewest bytes of the blocks that are looked at, with what is around them. */
static uint32_t
least_of(uint32_t type)
{
	static const uint32_t least[] = {
		[EVCAN_PCAPNG_INTERFACE] = EVCAN_PCAPNG_INTERFACE_HEAD + 4,
		[EVCAN_PCAPNG_OLD_PACKET] = EVCAN_PCAPNG_PACKET_HEAD + 4,
		[EVCAN_PCAPNG_SIMPLE] = EVCAN_PCAPNG_SIMPLE_HEAD + 4,
		[EVCAN_PCAPNG_STATISTICS] = EVCAN_PCAPNG_STATISTICS_HEAD + 4,
		[EVCAN_PCAPNG_PACKET] = EVCAN_PCAPNG_PACKET_HEAD + 4
	};

	if (type == EVCAN_PCAPNG_SECTION)
		return EVCAN_PCAPNG_SECTION_HEAD + 4;
	return type < sizeof(least) / sizeof(least[0]) ? least[type] : 0;
}

/* Whether a block of a kind known here stands at p for sure.
 * @param more set when that takes more bytes to know */
static bool
is_block(const struct evcan_pcapng_reader_ *reader, const uint8_t *p,
    size_t left, bool end, bool *more)
{
	bool big = reader->big;
	uint32_t least, total;

	*more = !end && left < EVCAN_PCAPNG_FRAME;
	if (left < EVCAN_PCAPNG_FRAME)
		return false;
	if (!get_order(p, &big) && !reader->in_section)
		return false;
	least = least_of(evcan_pcapng_get32_(big, p));
	total = evcan_pcapng_get32_(big, p + 4);
	if (least == 0 || total < least || total > BLOCK_MAX || total % 4 != 0)
		return false;
	*more = !end && left < total;
	return left >= total && evcan_pcapng_get32_(big, p + total - 4) == total;
}

/* Goes on to the next block, as far as the span reaches. */
static void
search(struct turn *turn)
{
	bool more = false;

	while (left_of(turn) > 0) {
		turn->reader->searching = !is_block(turn->reader, here(turn),
		    left_of(turn), turn->span->end, &more);
		if (!turn->reader->searching || more)
			return;
		turn->out->used++;
	}
}

static enum step
damaged(struct turn *turn, const char *why)
{
	if (turn->n > 0)
		return STEP_FAULT;
	bad(turn, 1, why);
	turn->reader->searching = true;
	search(turn);
	return STEP_FAULT;
}

/* Sections and interfaces */

static enum step
take_section(struct turn *turn, const uint8_t *p, uint32_t total)
{
	struct evcan_pcapng_reader_ *reader = turn->reader;
	bool big = false;

	get_order(p, &big);
	if (evcan_pcapng_get16_(big, p + 12) != 1) {
		if (turn->n == 0)
			reader->in_section = false;
		return bad(turn, total, "a section of another version than "
		    "1, the only one that can be read");
	}
	reader->in_section = true;
	reader->big = big;
	reader->count = 0;
	turn->out->used += total;
	return STEP_NEXT;
}

static enum step
take_interface(struct turn *turn, const uint8_t *p, uint32_t total)
{
	struct evcan_pcapng_reader_ *reader = turn->reader;

	if (reader->count == EVCAN_PCAPNG_INTERFACES)
		return bad(turn, total, "more than 1024 interfaces in one "
		    "section");
	evcan_pcapng_get_interface_(&reader->interfaces[reader->count],
	    reader->count, reader->big, reader->id_order, p, total);
	reader->count++;
	turn->out->used += total;
	return STEP_NEXT;
}

/* Packets */

static void
count_loss(struct turn *turn, struct evcan_pcapng_interface_ *face,
    uint64_t lost)
{
	if (lost == 0)
		return;
	turn->out->gaps++;
	turn->out->lost += lost;
	face->dropped += lost;
}

/* The options of a packet or of statistics, from `at` on. */
struct found {
	uint32_t flags;
	uint64_t lost;       /* a packet's own count, or the sum so far */
	bool comments;
};

static void
look_through(bool big, uint32_t type, const uint8_t *at, const uint8_t *end,
    struct found *found)
{
	const bool packet = type != EVCAN_PCAPNG_STATISTICS;
	struct evcan_pcapng_value_ option;

	while (evcan_pcapng_next_option_(big, &at, end, &option)) {
		const unsigned code = option.code;

		if (code == EVCAN_PCAPNG_COMMENT)
			found->comments = true;
		else if (packet && code == EVCAN_PCAPNG_EPB_FLAGS &&
		    option.len >= 4)
			found->flags = evcan_pcapng_get32_(big, option.value);
		else if (option.len >= 8 && (packet ?
		    code == EVCAN_PCAPNG_EPB_DROPCOUNT :
		    code == EVCAN_PCAPNG_ISB_IFDROP ||
		    code == EVCAN_PCAPNG_ISB_OSDROP))
			found->lost += evcan_pcapng_get64_(big, option.value);
	}
}

/* Comments are told one a call, by what decode() does with the tail. */
static void
leave_tail(struct turn *turn, uint32_t head, uint32_t total,
    int64_t time_ns)
{
	turn->out->used += head;
	turn->reader->tail = total - head;
	turn->reader->tail_ns = time_ns;
}

static enum step
give(struct turn *turn, const struct found *found, uint32_t head,
    uint32_t total, bool is_frame)
{
	struct evcan_frame *frame = &turn->frames[turn->n];

	if (is_frame && (found->flags & 3) == EVCAN_PCAPNG_OUTBOUND)
		frame->dir = EVCAN_DIR_TX;
	else if (is_frame && (found->flags & 3) == EVCAN_PCAPNG_INBOUND)
		frame->dir = EVCAN_DIR_RX;
	if (!is_frame)
		turn->out->skipped++;
	if (!found->comments) {
		turn->out->used += total;
		return is_frame ? STEP_FRAME : STEP_NEXT;
	}
	turn->reader->holds = is_frame;
	if (is_frame)
		turn->reader->held = *frame;
	leave_tail(turn, head, total, is_frame ? frame->time_ns : 0);
	return STEP_NEXT;
}

static struct evcan_pcapng_interface_ *
find_interface(struct turn *turn, uint32_t id)
{
	return id < turn->reader->count ? &turn->reader->interfaces[id] :
	    NULL;
}

static const char no_interface[] =
    "names an interface that its section does not describe";

/* Enhanced packets, and the old kind, which has another number of lost
 * ones. */
static enum step
take_packet(struct turn *turn, const uint8_t *p, uint32_t total)
{
	const bool big = turn->reader->big;
	const uint32_t type = evcan_pcapng_get32_(big, p);
	const bool old = type == EVCAN_PCAPNG_OLD_PACKET;
	struct evcan_pcapng_interface_ *face = find_interface(turn, old ?
	    evcan_pcapng_get16_(big, p + 8) : evcan_pcapng_get32_(big, p + 8));
	const uint32_t size = evcan_pcapng_get32_(big, p + 20);
	struct evcan_frame *frame = &turn->frames[turn->n];
	struct found found = { 0 };
	enum evcan_packet_kind_ kind;
	const char *why = NULL;
	size_t head;
	int64_t ns;

	if (face == NULL)
		return bad(turn, total, no_interface);
	if (size > total - EVCAN_PCAPNG_PACKET_HEAD - 4)
		return bad(turn, total, "a packet longer than its block");
	if (!face->is_can) {
		turn->out->skipped++;
		turn->out->used += total;
		return STEP_NEXT;
	}
	kind = evcan_packet_get_(face->link, face->big_ids, p +
	    EVCAN_PCAPNG_PACKET_HEAD, size, frame, &why);
	if (kind == EVCAN_PACKET_BAD)
		return bad(turn, total, why);
	if (!evcan_pcapng_get_time_(face, big, p + 12, &ns))
		return bad(turn, total, "a packet of after the year 2262");
	evcan_packet_set_time_(frame, ns);
	frame->channel = face->channel;
	head = EVCAN_PCAPNG_PACKET_HEAD + evcan_pcapng_pad_(size);
	if (head > total - 4)
		head = total - 4;
	if (old && evcan_pcapng_get16_(big, p + 10) != 0xffff)
		found.lost = evcan_pcapng_get16_(big, p + 10);
	look_through(big, type, p + head, p + total - 4, &found);
	/* Statistics may have told of the same loss already. */
	count_loss(turn, face, found.lost > face->since ?
	    found.lost - face->since : 0);
	face->since = 0;
	return give(turn, &found, (uint32_t)head, total,
	    kind == EVCAN_PACKET_FRAME);
}

/* Neither interface nor time nor options: it is the first one's. */
static enum step
take_simple(struct turn *turn, const uint8_t *p, uint32_t total)
{
	static const struct found nothing;
	const bool big = turn->reader->big;
	const struct evcan_pcapng_interface_ *face = find_interface(turn, 0);
	struct evcan_frame *frame = &turn->frames[turn->n];
	uint32_t size = evcan_pcapng_get32_(big, p + 8);
	enum evcan_packet_kind_ kind;
	const char *why = NULL;

	if (face == NULL)
		return bad(turn, total, no_interface);
	if (face->snaplen > 0 && size > face->snaplen)
		size = face->snaplen;
	if (size > total - EVCAN_PCAPNG_SIMPLE_HEAD - 4)
		size = total - EVCAN_PCAPNG_SIMPLE_HEAD - 4;
	kind = face->is_can ? evcan_packet_get_(face->link, face->big_ids, p +
	    EVCAN_PCAPNG_SIMPLE_HEAD, size, frame, &why) :
	    EVCAN_PACKET_OTHER;
	if (kind == EVCAN_PACKET_BAD)
		return bad(turn, total, why);
	frame->time_ns = 0;
	frame->clock = EVCAN_CLOCK_NONE;
	frame->channel = face->channel;
	return give(turn, &nothing, 0, total, kind == EVCAN_PACKET_FRAME);
}

/* Statistics tell how many packets were lost up to now. */
static enum step
take_statistics(struct turn *turn, const uint8_t *p, uint32_t total)
{
	const bool big = turn->reader->big;
	struct evcan_pcapng_interface_ *face = find_interface(turn,
	    evcan_pcapng_get32_(big, p + 8));
	struct found found = { 0 };
	int64_t ns;

	if (face == NULL)
		return bad(turn, total, no_interface);
	look_through(big, EVCAN_PCAPNG_STATISTICS, p +
	    EVCAN_PCAPNG_STATISTICS_HEAD, p + total - 4, &found);
	if (face->is_can && found.lost > face->dropped) {
		const uint64_t more = found.lost - face->dropped;

		face->since += more;
		count_loss(turn, face, more);
	}
	if (!found.comments) {
		turn->out->used += total;
		return STEP_NEXT;
	}
	if (!evcan_pcapng_get_time_(face, big, p + 12, &ns))
		ns = 0;
	leave_tail(turn, EVCAN_PCAPNG_STATISTICS_HEAD, total, ns);
	return STEP_NEXT;
}

/* Comments */

/* Our own begin with their time. @return behind it, or NULL */
static const char *
get_event_time(const char *p, const char *end, int64_t *time_ns)
{
	const size_t len = sizeof(EVCAN_PCAPNG_EVENT) - 1;
	const uint64_t limit = (uint64_t)INT64_MAX / 10 - 1;
	bool minus;
	uint64_t ns = 0;
	int decimals = -1;

	if ((size_t)(end - p) <= len || memcmp(p, EVCAN_PCAPNG_EVENT, len))
		return NULL;
	p += len;
	minus = *p == '-';
	for (p += minus; p < end && *p != ':'; p++) {
		if (*p == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (*p < '0' || *p > '9' || ns > limit)
			return NULL;
		ns = ns * 10 + (uint64_t)(*p - '0');
		decimals += decimals >= 0;
	}
	if (decimals != 9 || end - p < 2 || p[1] != ' ')
		return NULL;
	*time_ns = minus ? -(int64_t)ns : (int64_t)ns;
	return p + 2;
}

static void
tell_comment(struct turn *turn, const struct evcan_pcapng_value_ *option)
{
	const char *text = (const char *)option->value;
	const char *end = text + option->len, *p;
	int64_t ns = turn->reader->tail_ns;

	p = get_event_time(text, end, &ns);
	if (p == NULL)
		p = text;
	evcan_decode_set_event(turn->out, ns, p, (size_t)(end - p));
}

/* The rest of a block with comments. */
static enum step
take_tail(struct turn *turn)
{
	struct evcan_pcapng_reader_ *reader = turn->reader;
	const uint8_t *p = here(turn), *at = p, *end;
	struct evcan_pcapng_value_ option;

	if (left_of(turn) < reader->tail)
		return STEP_MORE;
	end = p + reader->tail - 4;
	while (!turn->out->has_event &&
	    evcan_pcapng_next_option_(reader->big, &at, end, &option))
		if (option.code == EVCAN_PCAPNG_COMMENT)
			tell_comment(turn, &option);
	if (turn->out->has_event) {
		reader->tail -= (uint32_t)(at - p);
		turn->out->used += (size_t)(at - p);
		return STEP_MORE;
	}
	turn->out->used += reader->tail;
	reader->tail = 0;
	if (!reader->holds)
		return STEP_NEXT;
	turn->frames[turn->n] = reader->held;
	reader->holds = false;
	return STEP_FRAME;
}

/* Blocks */

/* Goes on passing over a long block, then looks at its end. */
static enum step
take_skip(struct turn *turn)
{
	struct evcan_pcapng_reader_ *reader = turn->reader;
	size_t some = left_of(turn);

	if (some > reader->skip - 4)
		some = (size_t)(reader->skip - 4);
	turn->out->used += some;
	reader->skip -= some;
	if (left_of(turn) < 4 && !turn->span->end)
		return STEP_MORE;
	if (turn->n > 0)
		return STEP_FAULT;   /* perhaps: looked at again */
	some = (size_t)reader->skip;
	reader->skip = 0;
	if (some > left_of(turn))
		return bad(turn, left_of(turn),
		    "the capture ends inside a block");
	if (evcan_pcapng_get32_(reader->big, here(turn)) != reader->skip_total)
		return damaged(turn, "a long block whose length does not "
		    "stand at its end too; going on at the next block");
	turn->out->used += 4;
	return STEP_NEXT;
}

/* Whether a block that is not for us may be this long. Types are small, or
 * the custom block's, or have the highest bit for private use. */
static bool
may_be_long(struct turn *turn, uint32_t type, uint32_t total)
{
	const struct evcan_pcapng_interface_ *face;

	if (total > BLOCK_LIMIT || total % 4 != 0)
		return false;
	if (type != EVCAN_PCAPNG_PACKET)
		return least_of(type) == 0 && (type < 0x1000 ||
		    type == 0x40000bad || type >> 31 != 0);
	face = find_interface(turn, evcan_pcapng_get32_(turn->reader->big,
	    here(turn) + 8));
	return face != NULL && !face->is_can;
}

static enum step
take_long(struct turn *turn, uint32_t type, uint32_t total)
{
	if (!may_be_long(turn, type, total))
		return damaged(turn, "a block of an impossible length; going "
		    "on at the next");
	turn->reader->skip = turn->reader->skip_total = total;
	turn->out->skipped += type == EVCAN_PCAPNG_PACKET;
	return STEP_NEXT;
}

static enum step
take_whole(struct turn *turn, uint32_t type, uint32_t total)
{
	static enum step (*const takes[])(struct turn *, const uint8_t *,
	    uint32_t) = {
		[EVCAN_PCAPNG_INTERFACE] = take_interface,
		[EVCAN_PCAPNG_OLD_PACKET] = take_packet,
		[EVCAN_PCAPNG_SIMPLE] = take_simple,
		[EVCAN_PCAPNG_STATISTICS] = take_statistics,
		[EVCAN_PCAPNG_PACKET] = take_packet
	};
	const uint8_t *p = here(turn);

	if (total < least_of(type))
		return bad(turn, total, "a block too short for what it is");
	if (type == EVCAN_PCAPNG_SECTION)
		return take_section(turn, p, total);
	if (type < sizeof(takes) / sizeof(takes[0]) && takes[type] != NULL)
		return takes[type](turn, p, total);
	turn->out->used += total;
	return STEP_NEXT;
}

static enum step
take_block(struct turn *turn)
{
	const uint8_t *p = here(turn);
	const size_t left = left_of(turn);
	const bool end = turn->span->end;
	bool big = turn->reader->big;
	uint32_t type, total;

	if (left == 0 || (left < EVCAN_PCAPNG_FRAME && !end))
		return STEP_MORE;
	if (left < EVCAN_PCAPNG_FRAME)
		return damaged(turn, "the capture ends inside a block");
	if (!get_order(p, &big) && (!turn->reader->in_section ||
	    get_le32(p) == EVCAN_PCAPNG_SECTION))
		return damaged(turn, "no pcapng section begins like this");
	type = evcan_pcapng_get32_(big, p);
	total = evcan_pcapng_get32_(big, p + 4);
	if (total < EVCAN_PCAPNG_FRAME)
		return damaged(turn, "a block of fewer than 12 bytes; going "
		    "on at the next");
	if (total > BLOCK_MAX)
		return take_long(turn, type, total);
	if (left < total && !end)
		return STEP_MORE;
	if (left < total)
		return damaged(turn, "the capture ends inside a block");
	if (evcan_pcapng_get32_(big, p + total - 4) != total)
		return damaged(turn, "a block whose length does not stand at "
		    "its end too; going on at the next");
	return take_whole(turn, type, total);
}

/* Packets as nearly all are: a classic data frame in nanoseconds, with its
 * direction or without options. Made twice, once for each byte order. */
static inline void
take_fast(struct turn *turn, const bool big, size_t max)
{
	const struct evcan_pcapng_reader_ *reader = turn->reader;
	const uint8_t *p = here(turn);
	const uint8_t *end = turn->span->data + turn->span->len;
	const uint32_t flags_option = big ? EVCAN_PCAPNG_EPB_FLAGS << 16 | 4 :
	    EVCAN_PCAPNG_EPB_FLAGS | 4 << 16;

	/* 44: what evcan_packet_get_fast_() looks at, and more. */
	for (; turn->n < max && end - p >= 44; turn->n++) {
		struct evcan_frame *frame = &turn->frames[turn->n];
		const uint32_t total = evcan_pcapng_get32_(big, p + 4);
		const uint32_t id = evcan_pcapng_get32_(big, p + 8);
		const uint32_t high = evcan_pcapng_get32_(big, p + 12);
		const uint32_t size = evcan_pcapng_get32_(big, p + 20);
		const uint32_t head = EVCAN_PCAPNG_PACKET_HEAD +
		    ((size + 3) & ~3u);

		if (evcan_pcapng_get32_(big, p) != EVCAN_PCAPNG_PACKET || size > 16 ||
		    (size_t)(end - p) < total || id >= reader->count ||
		    !reader->interfaces[id].is_plain || high >> 31 != 0 ||
		    (total != head + 16 && total != head + 4) ||
		    evcan_pcapng_get32_(big, p + total - 4) != total ||
		    !evcan_packet_get_fast_(p + EVCAN_PCAPNG_PACKET_HEAD,
		    size, frame))
			break;
		if (total == head + 16) {
			if (evcan_pcapng_get32_(big, p + head) != flags_option ||
			    evcan_pcapng_get16_(big, p + head + 8) != EVCAN_PCAPNG_END)
				break;
			frame->dir = (evcan_pcapng_get32_(big, p + head + 4) & 3) ==
			    EVCAN_PCAPNG_OUTBOUND ? EVCAN_DIR_TX :
			    EVCAN_DIR_RX;
		}
		evcan_packet_set_time_(frame, (int64_t)((uint64_t)high << 32 |
		    evcan_pcapng_get32_(big, p + 16)));
		frame->channel = reader->interfaces[id].channel;
		turn->reader->interfaces[id].since = 0;
		p += total;
	}
	turn->out->used = (size_t)(p - turn->span->data);
}

static enum step
take(struct turn *turn, size_t max)
{
	const struct evcan_pcapng_reader_ *reader = turn->reader;

	if (reader->tail > 0)
		return take_tail(turn);
	if (reader->skip > 0)
		return take_skip(turn);
	if (reader->searching) {
		search(turn);
		return reader->searching ? STEP_MORE : STEP_NEXT;
	}
	if (reader->big)
		take_fast(turn, true, max);
	else
		take_fast(turn, false, max);
	return turn->n < max ? take_block(turn) : STEP_MORE;
}

int
evcan_pcapng_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out)
{
	struct turn turn = { state, span, out, frames, 0 };
	enum step step = STEP_NEXT;

	while (turn.n < max && step != STEP_MORE && step != STEP_FAULT) {
		step = take(&turn, max);
		turn.n += step == STEP_FRAME;
	}
	if (step == STEP_FAULT && turn.n == 0)
		return EVCAN_ERR_SYNTAX;
	return (int)turn.n;
}

int
evcan_pcapng_bid_(const uint8_t *data, size_t len)
{
	bool big;

	return len >= EVCAN_PCAPNG_FRAME && get_order(data, &big) ? 100 : 0;
}

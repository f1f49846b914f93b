/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pcap.c - pcap captures, read and written */
#include "capture_fixture.h"

#define MICROS 0xa1b2c3d4u
#define NANOS 0xa1b23c4du
#define HEADER 24
#define START_S 1483389946u

static struct file file;
static struct result result;

static void
header(bool big, uint32_t magic, uint32_t link)
{
	file.big = big;
	file.len = 0;
	add32(&file, magic);
	add16(&file, 2);
	add16(&file, 4);
	add32(&file, 0);
	add32(&file, 0);
	add32(&file, 262144);
	add32(&file, link);
}

static void
record(uint32_t sec, uint32_t frac, const uint8_t *p, size_t len)
{
	add32(&file, sec);
	add32(&file, frac);
	add32(&file, (uint32_t)len);
	add32(&file, (uint32_t)len);
	add(&file, p, len);
}

/* A record of `caught` bytes of such a packet; 0: all. */
static void
frame_record(uint32_t id, unsigned len, unsigned fd, size_t caught)
{
	uint8_t p[80];
	const size_t size = packet(p, id, len, fd);

	record(START_S, (uint32_t)file.len, p, caught > 0 ? caught : size);
}

static const struct evcan_frame *
only_frame(void)
{
	read_file("pcap", &file, &result);
	if (result.errors > 0)
		fail_msg("%s", result.error);
	assert_int_equal(result.n, 1);
	assert_int_equal(result.skipped, 0);
	return &result.frames[0];
}

static void
only_error(const char *text, uint64_t offset)
{
	read_file("pcap", &file, &result);
	assert_int_equal(result.errors, 1);
	if (strstr(result.error, text) == NULL)
		fail_msg("%s", result.error);
	assert_int_equal(result.error_offset, offset);
}

static void
test_orders(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct evcan_frame *frame;

		header(i & 1, (i & 2) != 0 ? NANOS : MICROS, 227);
		frame_record(0x123, 3, 0, 0);
		set32(&file, HEADER + 4, 123456);
		frame = only_frame();
		assert_int_equal(frame->time_ns, START_S * 1000000000ll +
		    ((i & 2) != 0 ? 123456 : 123456000));
		assert_int_equal(frame->clock, EVCAN_CLOCK_KERNEL);
		assert_int_equal(frame->id, 0x123);
		assert_int_equal(frame->flags, 0);
		assert_int_equal(frame->len, 3);
		assert_int_equal(frame->dlc, 3);
		assert_int_equal(frame->channel, 0);
		assert_memory_equal(frame->data, "\x01\x12\x23\0\0\0\0\0", 8);
	}
}

static void
test_relative(void **state)
{
	(void)state;
	header(false, NANOS, 227);
	frame_record(0x123, 0, 0, 0);
	set32(&file, HEADER, 365 * 24 * 3600 - 1);
	assert_int_equal(only_frame()->clock, EVCAN_CLOCK_RELATIVE);
	set32(&file, HEADER, 365 * 24 * 3600);
	assert_int_equal(only_frame()->clock, EVCAN_CLOCK_KERNEL);
}

/* What kind of frame a packet is. */
static void
test_kinds(void **state)
{
	static const struct {
		uint32_t id;
		unsigned len, fd;
		size_t caught;
		unsigned flags, dlc;
	} kinds[] = {
		{ 0x7ff, 8, 0, 0, 0, 8 },
		{ 0x7ff, 2, 0, 16, 0, 2 },       /* with its padding */
		{ 0x80000123, 8, 0, 0, EVCAN_FRAME_EXT, 8 },
		{ 0x9fffffff, 0, 0, 0, EVCAN_FRAME_EXT, 0 },
		{ 0x123, 4, 4, 0, EVCAN_FRAME_FD, 4 },
		{ 0x123, 4, 1, 0, EVCAN_FRAME_FD | EVCAN_FRAME_BRS, 4 },
		{ 0x123, 4, 2, 0, EVCAN_FRAME_FD | EVCAN_FRAME_ESI, 4 },
		{ 0x123, 4, 0, 72, EVCAN_FRAME_FD, 4 },
		{ 0x123, 9, 0, 0, EVCAN_FRAME_FD, 9 },
		{ 0x80000123, 12, 7, 0, EVCAN_FRAME_EXT | EVCAN_FRAME_FD |
		    EVCAN_FRAME_BRS | EVCAN_FRAME_ESI, 9 },
		{ 0x123, 64, 0, 0, EVCAN_FRAME_FD, 15 },
		{ 0x40000123, 5, 0, 8, EVCAN_FRAME_RTR, 5 },
		{ 0x40000123, 8, 0, 16, EVCAN_FRAME_RTR, 8 },
		{ 0x40000123, 15, 0, 8, EVCAN_FRAME_RTR, 15 },
		{ 0xc0000123, 0, 0, 0, EVCAN_FRAME_RTR | EVCAN_FRAME_EXT,
		    0 },
		{ 0x20000123, 8, 0, 0, EVCAN_FRAME_ERR, 8 },
		{ 0x20000123, 3, 0, 16, EVCAN_FRAME_ERR, 3 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const bool remote = (kinds[i].flags & EVCAN_FRAME_RTR) != 0;
		const struct evcan_frame *frame;
		uint8_t p[80];

		packet(p, kinds[i].id, kinds[i].len, 0);
		header(false, NANOS, 227);
		frame_record(kinds[i].id, kinds[i].len, kinds[i].fd,
		    kinds[i].caught);
		frame = only_frame();
		assert_int_equal(frame->flags, kinds[i].flags);
		assert_int_equal(frame->id, kinds[i].id & 0x1fffffff);
		assert_int_equal(frame->dlc, kinds[i].dlc);
		assert_int_equal(frame->len, remote ? 0 : kinds[i].len);
		assert_memory_equal(frame->data, remote ? p + 72 : p + 8,
		    remote ? 8 : frame->len);
	}
}

static void
test_raw_dlc(void **state)
{
	static const struct {
		uint32_t id;
		unsigned len, raw, dlc;
	} rows[] = {
		{ 0x123, 8, 13, 13 }, { 0x123, 8, 16, 8 }, { 0x123, 8, 8, 8 },
		{ 0x123, 7, 13, 7 }, { 0x40000123, 8, 15, 15 }
	};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		header(false, NANOS, 227);
		frame_record(rows[i].id, rows[i].len, 0, 16);
		file.data[HEADER + 16 + 7] = (uint8_t)rows[i].raw;
		assert_int_equal(only_frame()->dlc, rows[i].dlc);
	}
}

/* A fault, behind which the next record is read. */
static void
test_bad_packets(void **state)
{
	static const struct {
		uint32_t id;
		unsigned len;
		size_t caught;
		const char *why;
	} rows[] = {
		{ 0x123, 8, 15, "cut short" },
		{ 0x123, 64, 71, "cut short" },
		{ 0x123, 65, 73, "64" },
		{ 0x800, 1, 9, "0x7ff" },
		{ 0x40000123, 16, 8, "15" },
		{ 0x20000123, 9, 17, "8 bytes" },
		{ 0x20000123, 8, 15, "cut short" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at;

		header(false, NANOS, 227);
		frame_record(0x100, 8, 0, 0);
		at = file.len;
		frame_record(rows[i].id, rows[i].len, 0, rows[i].caught);
		frame_record(0x102, 8, 0, 0);
		only_error(rows[i].why, at);
		assert_int_equal(result.n, 2);
		assert_int_equal(result.frames[1].id, 0x102);
	}
}

static void
test_xl(void **state)
{
	uint8_t p[80];

	(void)state;
	header(false, NANOS, 227);
	packet(p, 0x123, 60, 0);
	p[4] = 0x81;
	p[6] = 48;
	record(START_S, 0, p, 60);
	p[6] = 0;                      /* in the other order: 2048 */
	p[7] = 8;
	record(START_S, 0, p, 60);
	frame_record(0x102, 8, 0, 0);
	read_file("pcap", &file, &result);
	assert_int_equal(result.n, 1);
	assert_int_equal(result.errors, 0);
	assert_int_equal(result.skipped, 2);
	/* Another frame whose length was damaged is no CAN XL. */
	header(false, NANOS, 227);
	p[4] = 0x88;
	p[7] = 0;
	record(START_S, 0, p, 16);
	only_error("without data", HEADER);
	assert_int_equal(result.n, 0);
	assert_int_equal(result.skipped, 0);
}

/* @param head bytes of the cooked header */
static void
cooked_record(size_t head, unsigned protocol, unsigned direction)
{
	uint8_t p[100] = { 0 };

	packet(p + head, 0, 5, 0);
	p[head + (file.big ? 0 : 3)] = 0x80;      /* 0x80000123 */
	p[head + (file.big ? 2 : 1)] = 0x01;
	p[head + (file.big ? 3 : 0)] = 0x23;
	p[head == 16 ? 15 : 1] = (uint8_t)protocol;
	p[head == 16 ? 1 : 10] = (uint8_t)direction;
	record(START_S, 0, p, head + 13);
}

static void
test_cooked(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const size_t head = (i & 2) != 0 ? 16 : 20;

		header(i & 1, NANOS, head == 16 ? 113 : 276);
		cooked_record(head, 0x0c, 0);
		cooked_record(head, 0x0c, 4);
		cooked_record(head, 0x0d, 0);
		cooked_record(head, 0x0e, 0);        /* CAN XL */
		cooked_record(head, 0x00, 0);        /* IPv4 or so */
		read_file("pcap", &file, &result);
		assert_int_equal(result.errors, 0);
		assert_int_equal(result.n, 3);
		assert_int_equal(result.skipped, 2);
		for (size_t k = 0; k < 3; k++) {
			assert_int_equal(result.frames[k].id, 0x123);
			assert_int_equal(result.frames[k].len, 5);
			assert_int_equal(result.frames[k].dir, k == 1 ?
			    EVCAN_DIR_TX : EVCAN_DIR_RX);
			assert_int_equal(result.frames[k].flags,
			    EVCAN_FRAME_EXT | (k == 2 ? EVCAN_FRAME_FD : 0));
		}
	}
	record(START_S, 0, (const uint8_t *)"0123456789", 10);
	only_error("header", file.len - 26);
	assert_int_equal(result.n, 3);
}

/* Programs that write identifiers in the machine's order into link type 227,
 * and cooked captures of a machine of the other order. */
static void
test_id_order(void **state)
{
	struct evcan_options *options = evcan_options_new();

	(void)state;
	header(false, MICROS, 227);
	frame_record(0x2a010000, 8, 0, 0);     /* 0x12a */
	frame_record(0x23010080, 8, 0, 0);     /* 0x123, extended */
	frame_record(0x45435500, 8, 0, 0);     /* 0x554345 */
	evcan_options_set(options, "id_order", "little", NULL);
	read_pieces("pcap", options, file.data, file.len, 7, &result);
	assert_int_equal(result.n, 2);
	assert_int_equal(result.frames[0].id, 0x12a);
	assert_int_equal(result.frames[0].flags, 0);
	assert_int_equal(result.frames[1].id, 0x123);
	assert_int_equal(result.frames[1].flags, EVCAN_FRAME_EXT);
	assert_int_equal(result.errors, 1);
	assert_non_null(strstr(result.error, "id_order"));
	header(false, NANOS, 113);
	cooked_record(16, 0x0c, 0);
	/* the identifier one way, all the rest the other */
	memcpy(file.data + HEADER + 16 + 16, "\x80\0\1\x23", 4);
	evcan_options_set(options, "id_order", "big", NULL);
	read_pieces("pcap", options, file.data, file.len, 7, &result);
	assert_int_equal(result.errors, 0);
	assert_int_equal(result.n, 1);
	assert_int_equal(result.frames[0].id, 0x123);
	evcan_options_free(options);
}

static void
test_refused(void **state)
{
	(void)state;
	header(false, NANOS, 1);
	frame_record(0x123, 8, 0, 0);
	only_error("link type 1 ", 0);
	assert_int_equal(result.n, 0);
	header(true, MICROS, 190);
	frame_record(0x123, 8, 0, 0);
	only_error("link type 190 ", 0);
	/* The upper half is not part of the type. */
	header(false, NANOS, 227 | 0x14000000);
	frame_record(0x123, 8, 0, 0);
	only_frame();
	header(false, 0x12345678, 227);
	only_error("does not begin", 0);
	header(false, NANOS, 227);
	file.len = 23;
	only_error("inside its header", 0);
}

/* A record's length is damaged: it alone is lost, and its fault told. */
static void
test_damage(void **state)
{
	static const uint32_t lengths[] = { 0, 7, 4097, 0x7fffffff,
		0xffffffff };

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		size_t at = 0;

		header(i & 1, NANOS, 227);
		for (unsigned k = 0; k < 20; k++) {
			if (k == 7)
				at = file.len;
			frame_record(0x80000100 + k, k % 9, 0, 0);
		}
		set32(&file, at + 8, lengths[i / 2]);
		only_error("no record can begin", at);
		assert_int_equal(result.n, 19);
		for (unsigned k = 0; k < 19; k++)
			assert_int_equal(result.frames[k].id, 0x100 + k +
			    (k >= 7));
	}
	/* One that might be true hides what follows it, no more. */
	header(false, NANOS, 227);
	for (unsigned k = 0; k < 20; k++)
		frame_record(0x100 + k, 8, 0, 0);
	set32(&file, HEADER + 7 * 32 + 8, 20);
	read_file("pcap", &file, &result);
	assert_int_equal(result.n, 19);
	assert_int_equal(result.errors, 1);
}

/* Bytes that were put between records, or a hole of zero bytes. */
static void
test_rubbish(void **state)
{
	uint8_t rubbish[300];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		size_t at;

		for (size_t k = 0; k < sizeof(rubbish); k++)
			rubbish[k] = (uint8_t)(i < 2 ? 0 : k * 37 + 201);
		header(false, MICROS, 227);
		frame_record(0x100, 8, 0, 0);
		at = file.len;
		add(&file, rubbish, i % 2 == 0 ? sizeof(rubbish) : 41);
		frame_record(0x101, 8, 0, 0);
		frame_record(0x102, 8, 0, 0);
		only_error("no record", at);
		assert_int_equal(result.n, 3);
		assert_int_equal(result.frames[2].id, 0x102);
	}
}

static void
test_cuts(void **state)
{
	size_t whole;

	(void)state;
	header(false, NANOS, 227);
	for (unsigned k = 0; k < 4; k++)
		frame_record(0x100 + k, 8, 0, 0);
	whole = file.len;
	for (size_t cut = HEADER; cut <= whole; cut++) {
		file.len = cut;
		read_file("pcap", &file, &result);
		assert_int_equal(result.n, (cut - HEADER) / 32);
		assert_int_equal(result.errors, (cut - HEADER) % 32 != 0);
		if (result.errors > 0)
			assert_int_equal(result.error_offset, HEADER +
			    result.n * 32);
	}
}

static void
test_channel_option(void **state)
{
	struct evcan_options *options = evcan_options_new();

	(void)state;
	header(false, NANOS, 227);
	frame_record(0x123, 8, 0, 0);
	evcan_options_set(options, "channel", "vcan7", NULL);
	read_pieces("pcap", options, file.data, file.len, SIZE_MAX / 2,
	    &result);
	assert_string_equal(evcan_channel_name(result.frames[0].channel),
	    "vcan7");
	evcan_options_free(options);
}

/* Writing */

static struct evcan_frame
make_frame(uint32_t id, unsigned flags, unsigned len)
{
	struct evcan_frame frame = { .id = id, .flags = (uint16_t)flags,
		.len = (uint8_t)len, .dlc = evcan_len2dlc(len),
		.time_ns = START_S * 1000000000ll + 5,
		.clock = EVCAN_CLOCK_KERNEL };

	for (unsigned i = 0; i < len; i++)
		frame.data[i] = (uint8_t)(0xa0 + i);
	return frame;
}

static const uint8_t golden[] = {
	0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 4, 0, 227, 0, 0, 0,
	/* 123#A0A1 */
	0xfa, 0xbb, 0x6a, 0x58, 5, 0, 0, 0, 10, 0, 0, 0, 10, 0, 0, 0,
	0, 0, 1, 0x23, 2, 0, 0, 0, 0xa0, 0xa1,
	/* 12345678#R8 with raw DLC 10 */
	0xfa, 0xbb, 0x6a, 0x58, 5, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0, 0,
	0xd2, 0x34, 0x56, 0x78, 8, 0, 0, 10,
	/* 7FF##3A0 */
	0xfa, 0xbb, 0x6a, 0x58, 5, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0,
	0, 0, 7, 0xff, 1, 7, 0, 0, 0xa0,
	/* 20000004#A0 */
	0xfa, 0xbb, 0x6a, 0x58, 5, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0,
	0x20, 0, 0, 4, 1, 0, 0, 0, 0xa0
};

static void
test_bytes(void **state)
{
	struct evcan_frame frames[] = {
		make_frame(0x123, 0, 2),
		make_frame(0x12345678, EVCAN_FRAME_EXT | EVCAN_FRAME_RTR, 0),
		make_frame(0x7ff, EVCAN_FRAME_FD | EVCAN_FRAME_BRS |
		    EVCAN_FRAME_ESI, 1),
		make_frame(4, EVCAN_FRAME_ERR, 1)
	};
	struct encoder e;

	(void)state;
	frames[1].dlc = 10;
	file.len = 0;
	assert_int_equal(encoder_begin(&e, "pcap", NULL, NULL), 0);
	encoder_put(&e, frames, 4);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(e.info.lost[i], 0);
	encoder_end(&e, &file);
	assert_int_equal(file.len, sizeof(golden));
	assert_memory_equal(file.data, golden, sizeof(golden));
	read_file("pcap", &file, &result);
	assert_int_equal(result.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(same_frame(&result.frames[i], &frames[i]));
}

/* Each kind of loss is counted once, and what is left comes back. */
static void
test_lost(void **state)
{
	struct evcan_frame frame = make_frame(0x123, 0, 8);
	struct encoder e;

	(void)state;
	assert_int_equal(encoder_begin(&e, "pcap", NULL, NULL), 0);
	frame.channel = (uint16_t)evcan_channel_intern("can3");
	encoder_put(&e, &frame, 1);
	assert_int_equal(lost_of(&e, "channel"), 1);
	frame.dir = EVCAN_DIR_TX;
	frame.flags = EVCAN_FRAME_ECHO;
	frame.hops = 2;
	frame.clock = EVCAN_CLOCK_HARDWARE;
	frame.dlc = 12;       /* survives */
	encoder_put(&e, &frame, 1);
	assert_int_equal(lost_of(&e, "direction"), 1);
	assert_int_equal(lost_of(&e, "echo"), 1);
	assert_int_equal(lost_of(&e, "hops"), 1);
	assert_int_equal(lost_of(&e, "clock"), 1);
	assert_int_equal(lost_of(&e, "dlc"), 0);
	assert_int_equal(lost_of(&e, "nanoseconds"), 0);
	frame = make_frame(0x123, EVCAN_FRAME_FD, 10);
	frame.dlc = 15;
	encoder_put(&e, &frame, 1);
	assert_int_equal(lost_of(&e, "dlc"), 1);
	frame = make_frame(0x123, 0, 8);
	frame.time_ns = -1;
	frame.clock = EVCAN_CLOCK_RELATIVE;
	encoder_put(&e, &frame, 1);
	frame.time_ns = (1ll << 32) * 1000000000;
	frame.clock = EVCAN_CLOCK_KERNEL;
	encoder_put(&e, &frame, 1);
	assert_int_equal(lost_of(&e, "time"), 2);
	assert_int_equal(e.info.unfit, 0);
	frame = make_frame(0, EVCAN_FRAME_OVERLOAD, 0);
	encoder_put(&e, &frame, 1);
	assert_int_equal(e.info.unfit, 1);
	file.len = 0;
	encoder_end(&e, &file);
	read_file("pcap", &file, &result);
	assert_int_equal(result.n, 5);
	assert_int_equal(result.frames[1].dlc, 12);
	assert_int_equal(result.frames[2].len, 10);
	assert_int_equal(result.frames[3].time_ns, 0);
	assert_int_equal(result.frames[4].time_ns,
	    (1ll << 32) * 1000000000 - 1);
}

/* A file goes on in its own byte order and resolution. */
static void
test_append(void **state)
{
	struct evcan_frame frame = make_frame(0x123, 0, 8);

	(void)state;
	frame.time_ns += 7000;
	for (unsigned i = 0; i < 4; i++) {
		struct evcan_past past = { file.data, 0, 0 };
		struct encoder e;

		header(i & 1, (i & 2) != 0 ? NANOS : MICROS, 227);
		frame_record(0x100, 8, 0, 0);
		past.head_len = file.len;
		past.size = file.len;
		assert_int_equal(encoder_begin(&e, "pcap", &past, NULL), 0);
		encoder_put(&e, &frame, 1);
		assert_int_equal(lost_of(&e, "nanoseconds"), (i & 2) == 0);
		encoder_end(&e, &file);
		read_file("pcap", &file, &result);
		assert_int_equal(result.errors, 0);
		assert_int_equal(result.n, 2);
		assert_int_equal(result.frames[1].time_ns, frame.time_ns -
		    ((i & 2) == 0 ? 5 : 0));
		assert_int_equal(result.frames[1].id, 0x123);
	}
}

static void
refuses(size_t len, const char *why)
{
	const struct evcan_past past = { file.data, len, len + 1 };
	struct evcan_error err = { 0 };
	struct encoder e;

	assert_int_equal(encoder_begin(&e, "pcap", &past, &err),
	    EVCAN_ERR_INIT);
	if (strstr(err.text, why) == NULL)
		fail_msg("%s", err.text);
	encoder_end(&e, NULL);
}

static void
test_append_refused(void **state)
{
	(void)state;
	header(false, NANOS, 113);
	refuses(file.len, "link type 113");
	header(false, 0x0a0d0d0a, 227);
	refuses(file.len, "no pcap capture");
	header(false, NANOS, 227);
	refuses(0, "cannot be read");
	refuses(23, "no pcap capture");
	set32(&file, 16, 71);
	refuses(file.len, "snapshot length of 71");
}

static void
test_samples(void **state)
{
	static struct evcan_frame frames[200];
	const int n = read_sample("gen__editcap_issue1905_nsec.pcap", "pcap",
	    frames, 200);

	(void)state;
	if (n < 0) {
		may_skip("EVCAN_SAMPLES names no folder");
		return;
	}
	assert_int_equal(n, 22);
	assert_int_equal(frames[0].id, 0x6a9);
	assert_int_equal(frames[0].time_ns, 1735654183491113000);
	assert_int_equal(frames[0].flags, EVCAN_FRAME_FD);
	assert_int_equal(frames[0].len, 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_raw_dlc),
		cmocka_unit_test(test_bad_packets),
		cmocka_unit_test(test_xl),
		cmocka_unit_test(test_cooked),
		cmocka_unit_test(test_id_order),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_rubbish),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_channel_option),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_append_refused),
		cmocka_unit_test(test_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

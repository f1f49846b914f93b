/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pcapng_write.c - pcapng captures, written */
#include "pcapng_fixture.h"

static struct evcan_frame
make_frame(const char *channel, uint32_t id, unsigned flags, unsigned len)
{
	struct evcan_frame frame = { .id = id, .flags = (uint16_t)flags,
		.len = (uint8_t)len, .dlc = evcan_len2dlc(len),
		.time_ns = START + 5, .clock = EVCAN_CLOCK_KERNEL };

	if (channel != NULL)
		frame.channel = (uint16_t)evcan_channel_intern(channel);
	for (unsigned i = 0; i < len; i++)
		frame.data[i] = (uint8_t)(0xa0 + i);
	return frame;
}

static void
begin(struct encoder *e)
{
	file.len = 0;
	file.big = false;
	assert_int_equal(encoder_begin(e, "pcapng", NULL, NULL), 0);
}

static void
nothing_lost(const struct encoder *e)
{
	assert_int_equal(e->info.unfit, 0);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(e->info.lost[i], 0);
}

static const uint8_t golden[] = {
	0x0a, 0x0d, 0x0d, 0x0a, 44, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a,
	1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
	4, 0, 5, 0, 'e', 'v', 'c', 'a', 'n', 0, 0, 0, 0, 0, 0, 0,
	44, 0, 0, 0,
	/* can0 */
	1, 0, 0, 0, 40, 0, 0, 0, 227, 0, 0, 0, 0, 0, 0, 0,
	2, 0, 4, 0, 'c', 'a', 'n', '0', 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0,
	40, 0, 0, 0,
	/* 12345678#A0 sent */
	6, 0, 0, 0, 56, 0, 0, 0, 0, 0, 0, 0, 0xc6, 0x13, 0x96, 0x14,
	0x05, 0xe4, 0xab, 0xff,
	9, 0, 0, 0, 9, 0, 0, 0, 0x92, 0x34, 0x56, 0x78, 1, 0, 0, 0,
	0xa0, 0, 0, 0, 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 56, 0, 0, 0
};

static void
test_bytes(void **state)
{
	struct evcan_frame frame = make_frame("can0", 0x12345678,
	    EVCAN_FRAME_EXT, 1);
	uint8_t expected[sizeof(golden)];
	struct encoder e;

	(void)state;
	memcpy(expected, golden, sizeof(golden));
	put_le32(expected + 44 + 40 + 12, (uint32_t)((START + 5) >> 32));
	put_le32(expected + 44 + 40 + 16, (uint32_t)(START + 5));
	frame.dir = EVCAN_DIR_TX;
	frame.data[1] = 0xff;   /* beyond its length: never written */
	begin(&e);
	encoder_put(&e, &frame, 1);
	nothing_lost(&e);
	encoder_end(&e, &file);
	assert_int_equal(file.len, sizeof(expected));
	assert_memory_equal(file.data, expected, sizeof(expected));
}

static void
test_round_trip(void **state)
{
	struct evcan_frame frames[] = {
		make_frame("can0", 0x123, 0, 8),
		make_frame("CAN-1", 0x123, 0, 3),        /* not can0 */
		make_frame("a b", 0x123, EVCAN_FRAME_RTR, 0),
		make_frame(NULL, 0x123, EVCAN_FRAME_FD, 64),
		make_frame("can0", 0x123, EVCAN_FRAME_FD | EVCAN_FRAME_BRS |
		    EVCAN_FRAME_ESI | EVCAN_FRAME_EXT, 0),
		make_frame("CAN 2", 4, EVCAN_FRAME_ERR, 8),
		make_frame("can0", 0x7ff, 0, 8),
		make_frame("can0", 0x7ff, EVCAN_FRAME_FD, 10)
	};
	struct encoder e;

	(void)state;
	frames[2].dlc = 15;
	frames[6].dlc = 9;
	frames[6].dir = EVCAN_DIR_TX;
	frames[6].time_ns = 77;
	frames[6].clock = EVCAN_CLOCK_RELATIVE;
	begin(&e);
	encoder_put(&e, frames, 8);
	nothing_lost(&e);
	encoder_end(&e, &file);
	read_it(8, 0);
	for (size_t i = 0; i < 8; i++) {
		assert_true(same_frame(&frames[i], &result.frames[i]));
		assert_int_equal(frames[i].channel, result.frames[i].channel);
	}
}

static void
test_lost(void **state)
{
	struct evcan_frame frame = make_frame("can0", 0x123, 0, 8);
	struct encoder e;

	(void)state;
	begin(&e);
	frame.dir = EVCAN_DIR_TXRQ;
	frame.hops = 1;
	frame.flags = EVCAN_FRAME_ECHO;
	frame.clock = EVCAN_CLOCK_HOST;
	encoder_put(&e, &frame, 1);
	assert_int_equal(lost_of(&e, "direction"), 1);
	assert_int_equal(lost_of(&e, "hops"), 1);
	assert_int_equal(lost_of(&e, "echo"), 1);
	assert_int_equal(lost_of(&e, "clock"), 1);
	frame = make_frame("can0", 0x123, 0, 7);
	frame.dlc = 8;
	frame.time_ns = -5;
	encoder_put(&e, &frame, 1);
	assert_int_equal(lost_of(&e, "time"), 1);
	assert_int_equal(lost_of(&e, "dlc"), 1);
	frame = make_frame("can0", 0, EVCAN_FRAME_OVERLOAD, 0);
	encoder_put(&e, &frame, 1);
	assert_int_equal(e.info.unfit, 1);
	encoder_end(&e, &file);
	read_it(2, 0);
	assert_int_equal(result.frames[0].dir, EVCAN_DIR_TX);
	assert_int_equal(result.frames[1].time_ns, 0);
}

/* Lines of text come back in their place, with their time. */
static void
test_events(void **state)
{
	struct evcan_frame frame = make_frame("can0", 0x123, 0, 8);
	char text[3000];
	struct encoder e;

	(void)state;
	begin(&e);
	e.format->encode_event(e.state, -1500000000, "before\tall", &e.out);
	assert_true(e.format->held(e.state) > 0);
	assert_int_equal(e.format->flush(e.state, &e.out), 0);
	assert_true(e.format->held(e.state) > 0);   /* no interface yet */
	encoder_put(&e, &frame, 1);
	assert_int_equal(e.format->held(e.state), 0);
	add(&file, e.out.data, e.out.len);
	read_it(1, 0);
	assert_int_equal(result.events, 1);
	assert_string_equal(result.event, "before all");
	assert_int_equal(result.event_ns, -1500000000);
	assert_int_equal(result.event_at, 0);
	/* Flushed: it is in the file although no packet follows. */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	e.format->encode_event(e.state, START, text, &e.out);
	assert_int_equal(e.format->flush(e.state, &e.out), 0);
	assert_int_equal(e.format->held(e.state), 0);
	file.len = 0;
	add(&file, e.out.data, e.out.len);
	read_it(1, 0);
	assert_int_equal(result.events, 2);
	assert_int_equal(result.event_at, 1);
	assert_int_equal(strlen(result.event), 1023);
	for (int i = 0; i < 40; i++)
		e.format->encode_event(e.state, START + i, text, &e.out);
	assert_true(e.format->held(e.state) < 20000);
	file.len = 0;
	encoder_end(&e, &file);
	read_it(1, 0);
	assert_int_equal(result.events, 42);
	/* Nothing but a line of text. */
	begin(&e);
	e.format->encode_event(e.state, START, "alone", &e.out);
	encoder_end(&e, &file);
	read_it(0, 0);
	assert_int_equal(result.events, 1);
	assert_string_equal(result.event, "alone");
}

static void
test_gaps(void **state)
{
	const struct evcan_gap kernel = { 12, EVCAN_LOSS_KERNEL, START };
	const struct evcan_gap queue = { 3, EVCAN_LOSS_QUEUE, START };
	struct evcan_frame frames[] = {
		make_frame("can0", 0x100, 0, 8), make_frame("can1", 0x101, 0,
		8)
	};
	struct encoder e;

	(void)state;
	begin(&e);
	encoder_put(&e, frames, 2);
	assert_int_equal(e.format->encode_gap(e.state, "can0", &kernel,
	    &e.out), 0);
	assert_int_equal(e.format->encode_gap(e.state, "can0", &queue,
	    &e.out), 0);
	add(&file, e.out.data, e.out.len);
	read_it(2, 0);       /* told without waiting for a packet */
	assert_int_equal(result.gaps, 2);
	assert_int_equal(result.lost, 15);
	encoder_put(&e, frames, 2);
	e.format->encode_gap(e.state, "can1", &queue, &e.out);
	e.format->encode_gap(e.state, "", &queue, &e.out);
	e.format->encode_gap(e.state, "can0", &kernel, &e.out);
	encoder_put(&e, frames, 2);
	file.len = 0;
	encoder_end(&e, &file);
	read_it(6, 0);
	assert_int_equal(result.gaps, 5);
	assert_int_equal(result.lost, 33);
}

/* Appending begins a section of its own. */
static void
test_append(void **state)
{
	struct evcan_frame frame = make_frame("can3", 0x123, 0, 8);
	struct evcan_past past = { file.data, 0, 0 };
	struct evcan_error err = { 0 };
	struct encoder e;

	(void)state;
	start(true);
	plain_packet(0, START, 0x100, 8);
	past.head_len = past.size = file.len;
	assert_int_equal(encoder_begin(&e, "pcapng", &past, &err), 0);
	encoder_put(&e, &frame, 1);
	encoder_end(&e, &file);
	file.big = true;
	read_it(2, 0);
	assert_string_equal(evcan_channel_name(result.frames[1].channel),
	    "can3");
	file.data[0] = 'x';
	assert_int_equal(encoder_begin(&e, "pcapng", &past, &err),
	    EVCAN_ERR_INIT);
	assert_non_null(strstr(err.text, "no pcapng capture"));
	encoder_end(&e, NULL);
}

/* Out of memory in the middle of a batch: what core takes back is written
 * again, interfaces too. */
static void
test_no_memory(void **state)
{
	struct evcan_frame frames[] = {
		make_frame("can0", 0x100, 0, 8),
		make_frame("can1", 0x101, 0, 8)
	};
	struct encoder e;
	size_t before;

	(void)state;
	begin(&e);
	encoder_put(&e, frames, 1);
	before = e.out.len;
	e.out.failed = true;
	encoder_put(&e, frames, 2);
	e.out.len = before;
	e.out.failed = false;
	encoder_put(&e, frames, 2);
	encoder_end(&e, &file);
	read_it(3, 0);
	assert_int_equal(result.frames[2].channel, frames[1].channel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

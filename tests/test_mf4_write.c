/* SPDX-License-Identifier: BSD-3-Clause */
/* test_mf4_write.c - MDF 4: what is written, also by a writer that dies */
#include "mf4_reading.h"

#include <evcan/listener.h>

struct written {
	void *state;
	struct evcan_buffer out;
	struct evcan_encode info;
};

static void
begin_writing(struct written *w, const char *level, const char *threads)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };

	memset(w, 0, sizeof(*w));
	w->state = calloc(1, format->write_size);
	evcan_options_set(options, "compression_level", level, NULL);
	evcan_options_set(options, "threads", threads, NULL);
	assert_int_equal(evcan_options_fill(options, format->write_options,
	    w->state, &err), 0);
	assert_int_equal(format->begin(w->state, NULL, &w->out, &err), 0);
	evcan_options_free(options);
}

static void
finish_writing(struct written *w)
{
	struct evcan_buffer front = { 0 };

	assert_int_equal(format->finish(w->state, &w->out), 0);
	assert_int_equal(format->header(w->state, w->out.len, &front), 0);
	assert_true(front.len <= w->out.len);
	memcpy(w->out.data, front.data, front.len);
	free(front.data);
}

static void
end_writing(struct written *w)
{
	format->write_done(w->state);
	free(w->state);
	free(w->out.data);
}

/* Frames of every kind on three channels. */
static size_t
make_frames(struct evcan_frame *frames, size_t n)
{
	static const struct {
		uint32_t id;
		unsigned flags, len, dlc;
	} kinds[] = {
		{ 0x123, 0, 8, 8 }, { 0, 0, 0, 0 }, { 0x7ff, 0, 3, 3 },
		{ 0x456, 0, 8, 15 }, { 0x1fffffff, EVCAN_FRAME_EXT, 1, 1 },
		{ 0x123, EVCAN_FRAME_RTR, 0, 12 },
		{ 0x18daf110, EVCAN_FRAME_EXT | EVCAN_FRAME_RTR, 0, 4 },
		{ 0x204, EVCAN_FRAME_ERR, 8, 8 },
		{ 0x123, EVCAN_FRAME_FD, 0, 0 },
		{ 0x124, EVCAN_FRAME_FD | EVCAN_FRAME_BRS, 64, 15 },
		{ 0x12345678, EVCAN_FRAME_EXT | EVCAN_FRAME_FD |
		    EVCAN_FRAME_BRS | EVCAN_FRAME_ESI, 48, 14 },
		{ 0, EVCAN_FRAME_OVERLOAD, 0, 0 },
	};
	static const char *const names[] = { "can0", "vcan7", "bench" };

	memset(frames, 0, n * sizeof(*frames));
	for (size_t i = 0; i < n; i++) {
		const size_t k = i % (sizeof(kinds) / sizeof(kinds[0]));

		frames[i].id = kinds[k].id;
		frames[i].flags = (uint16_t)kinds[k].flags;
		frames[i].len = (uint8_t)kinds[k].len;
		frames[i].dlc = (uint8_t)kinds[k].dlc;
		frames[i].dir = i % 5 == 0;
		frames[i].channel = (uint16_t)evcan_channel_intern(
		    names[i % 3]);
		frames[i].clock = EVCAN_CLOCK_KERNEL;
		frames[i].time_ns = START + 123456789 + (int64_t)i * 1001;
		if (i % 50 == 49)
			frames[i].time_ns -= 1000000;      /* backward */
		for (unsigned b = 0; b < kinds[k].len; b++)
			frames[i].data[b] = (uint8_t)(i * 16 + b * 7);
	}
	return n;
}

static const char *const levels[] = { "0", "1", "2" };

static void
test_written(void **state)
{
	static struct evcan_frame frames[3000];
	const size_t n = make_frames(frames, 3000);
	struct written w;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		begin_writing(&w, levels[i % 3], i < 3 ? "0" : "2");
		for (size_t at = 0; at < n; at += 300) {
			assert_int_equal(format->encode(w.state, frames + at,
			    300, &w.out, &w.info), 0);
			if (i % 2 == 0)
				assert_int_equal(format->flush(w.state,
				    &w.out), 0);
		}
		finish_writing(&w);
		for (unsigned k = 0; k < 16; k++)
			assert_true(w.info.lost[k] == 0);
		assert_true(w.info.unfit == 0);
		assert_memory_equal(w.out.data, "MDF     4.10", 12);
		read_mem(w.out.data, w.out.len, NULL, &result);
		expect_same(frames, n, &result);
		end_writing(&w);
	}
}

/* What a writer that is killed leaves: all frames up to the last flush. */
static void
test_killed(void **state)
{
	static struct evcan_frame frames[2000];
	struct written w;
	size_t flushed;

	(void)state;
	make_frames(frames, 2000);
	for (unsigned i = 0; i < 3; i++) {
		unsigned told = 0;

		begin_writing(&w, levels[i], "0");
		for (size_t at = 0; at < 2000; at += 100) {
			assert_int_equal(format->encode(w.state, frames + at,
			    100, &w.out, &w.info), 0);
			assert_int_equal(format->flush(w.state, &w.out), 0);
			assert_true(format->held(w.state) == 0);
			read_mem(w.out.data, w.out.len, NULL, &result);
			expect_same(frames, at + 100, &result);
		}
		assert_memory_equal(w.out.data, "UnFinMF ", 8);
		flushed = w.out.len;
		/* Cut inside the last piece: whole records before it. A block
		 * that is cut is told, a record that is may be a torn write. */
		for (size_t cut = 1; cut < 200; cut++) {
			read_mem(w.out.data, flushed - cut, NULL, &result);
			assert_true(result.errors <= (i > 0));
			told += result.errors;
			result.errors = 0;
			assert_true(result.n >= 1800 && result.n <= 2000);
			expect_same(frames, result.n, &result);
		}
		/* But for what is too short to be a block's head. */
		assert_true(i == 0 || told > 150);
		end_writing(&w);
	}
}

/* More blocks than the first list has room for. */
static void
test_many_blocks(void **state)
{
	static struct evcan_frame frames[2600];
	struct written w;

	(void)state;
	make_frames(frames, 2600);
	begin_writing(&w, "2", "0");
	for (size_t i = 0; i < 2600; i += 2) {
		format->encode(w.state, frames + i, 2, &w.out, &w.info);
		format->flush(w.state, &w.out);
	}
	read_mem(w.out.data, w.out.len, NULL, &result);
	expect_same(frames, 2600, &result);
	finish_writing(&w);
	read_mem(w.out.data, w.out.len, NULL, &result);
	expect_same(frames, 2600, &result);
	end_writing(&w);
}

/* What is lost is counted; relative logs stay so; text and gaps return. */
static void
test_losses(void **state)
{
	struct evcan_frame frames[6];
	const struct evcan_gap gap = { 12, EVCAN_LOSS_QUEUE, 600000000 };
	struct written w;

	(void)state;
	make_frames(frames, 6);
	for (unsigned i = 0; i < 6; i++) {
		frames[i].clock = EVCAN_CLOCK_RELATIVE;
		frames[i].time_ns = 500000000 + i;
	}
	frames[0].dir = EVCAN_DIR_TXRQ;
	frames[1].flags |= EVCAN_FRAME_ECHO;
	frames[2].hops = 1;
	frames[3].clock = EVCAN_CLOCK_KERNEL;
	frames[4].channel = 0;
	frames[5].id = 0x800;                      /* unfit */
	begin_writing(&w, "0", "0");
	assert_int_equal(format->encode(w.state, frames, 6, &w.out, &w.info),
	    0);
	for (unsigned k = 0; k < 5; k++)
		assert_true(w.info.lost[k] == 1);
	assert_true(w.info.unfit == 1 && w.info.lost[5] == 0);
	assert_int_equal(format->encode_gap(w.state, "can0", &gap, &w.out),
	    0);
	assert_int_equal(format->encode_event(w.state, 700000000,
	    "the engine starts", &w.out), 0);
	finish_writing(&w);
	read_mem(w.out.data, w.out.len, NULL, &result);
	assert_int_equal(result.n, 5);
	assert_int_equal(result.errors, 0);
	assert_true(result.out.gaps == 1 && result.out.lost == 12);
	assert_int_equal(result.events, 1);
	assert_string_equal(result.event, "the engine starts");
	assert_true(result.out.event_ns == 700000000);
	assert_int_equal(result.frames[0].clock, EVCAN_CLOCK_RELATIVE);
	assert_true(result.frames[0].time_ns == 500000000);
	assert_int_equal(result.frames[0].dir, EVCAN_DIR_TX);
	end_writing(&w);
	/* Nothing at all. */
	begin_writing(&w, "2", "0");
	finish_writing(&w);
	assert_int_equal(read_mem(w.out.data, w.out.len, NULL, &result), 0);
	assert_int_equal(result.begin, 0);
	assert_int_equal(result.errors, 0);
	end_writing(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_many_blocks),
		cmocka_unit_test(test_losses),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_log_writer.c - frames to files, byte by byte */
#include "log_fixture.h"

static void
test_bytes(void **state)
{
	struct fixture *f = *state;
	struct evcan_frame frames[4];
	char *text;

	fill(frames, 4, 0);
	frames[1].channel = 0;
	frames[1].id = 0x18DAF110;
	frames[1].flags = EVCAN_FRAME_EXT;
	frames[2].time_ns = 5;
	frames[2].clock = EVCAN_CLOCK_RELATIVE;
	frames[3].id = 0x7ff;
	frames[3].flags = EVCAN_FRAME_RTR;
	frames[3].len = frames[3].dlc = 0;
	open_writer(f, NULL, in_dir("bytes.log"));
	assert_int_equal(evcan_log_writer_write(f->writer, frames, 4), 4);
	close_writer(f, 0);
	assert_int_equal(f->close_code, 0);
	text = slurp(in_dir("bytes.log"));
	assert_string_equal(text,
	    "(1483389946.000000) can0 123#0000000000000000\n"
	    "(1483389946.000001) vcan0 18DAF110#0000000000000001\n"
	    "(0000000000.000000) can0 123#0000000000000002\n"
	    "(1483389946.000003) can0 7FF#R\n");
	free(text);
}

static void
test_lost(void **state)
{
	struct fixture *f = *state;
	struct evcan_frame frames[2];
	uint64_t count;

	fill(frames, 2, 0);
	frames[0].dir = EVCAN_DIR_TX;
	frames[0].hops = 1;
	frames[1].time_ns = -1;
	open_writer(f, NULL, in_dir("lost.log"));
	assert_int_equal(evcan_log_writer_write(f->writer, frames, 2), 2);
	close_writer(f, 0);
	assert_string_equal(evcan_log_writer_lost(f->writer, 0, &count),
	    "direction");
	assert_int_equal(count, 1);
	assert_string_equal(evcan_log_writer_lost(f->writer, 1, &count),
	    "hops");
	assert_null(evcan_log_writer_lost(f->writer, 2, &count));
	{
		struct evcan_log_write_stats stats;

		evcan_log_writer_get_stats(f->writer, &stats);
		assert_int_equal(stats.unfit, 1);
		assert_int_equal(stats.accepted, 2);
		assert_int_equal(stats.queued, 0);
	}
}

static void
test_options(void **state)
{
	struct fixture *f = *state;
	struct evcan_frame frame;
	char *text;

	fill(&frame, 1, 0);
	frame.time_ns += 123456789;
	frame.dir = EVCAN_DIR_TX;
	frame.channel = 0;
	option(f, "direction", "true");
	option(f, "decimals", "9");
	option(f, "channel", "can7");
	open_writer(f, f->base, in_dir("options.log"));
	assert_int_equal(evcan_log_writer_write(f->writer, &frame, 1), 1);
	close_writer(f, 5);
	text = slurp(in_dir("options.log"));
	assert_string_equal(text,
	    "(1483389946.123456789) can7 123#0000000000000000 T\n");
	free(text);
}

static void
refused(struct fixture *f, const char *path, const char *why)
{
	struct evcan_error err = { 0 };

	assert_null(evcan_log_writer_new(f->base, path, f->options, &err));
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, why);
	assert_null(evcan_log_writer_new(NULL, path, f->options, &err));
}

static void
test_refusals(void **state)
{
	struct fixture *f = *state;
	char *text;

	refused(f, in_dir("x.xyz"), "x.xyz: the name tells no log format; "
	    "name it with a suffix, or say the option format: ");
	refused(f, in_dir("x.xyz"), "candump (.log), ");
	refused(f, "-", "standard output");
	refused(f, "/nowhere/x.log", "/nowhere/x.log: cannot be opened for "
	    "writing");
	option(f, "format", "candump");
	refused(f, dir, "is a directory, not a log file");
	/* A wrong option empties no file. */
	open_writer(f, NULL, in_dir("kept.log"));
	write_all(f, 0, 3);
	evcan_log_writer_free(f->writer);
	f->writer = NULL;
	option(f, "decimals", "7");
	refused(f, in_dir("kept.log"), "decimals");
	option(f, "decimals", "6");
	option(f, "queue_size", "0");
	refused(f, in_dir("kept.log"), "queue_size");
	option(f, "queue_size", "9");
	option(f, "colour", "red");
	refused(f, in_dir("kept.log"), "colour");
	text = slurp(in_dir("kept.log"));
	assert_true(strlen(text) > 0);
	free(text);
	holds(in_dir("kept.log"), 3);
}

static void
test_many(void **state)
{
	struct fixture *f = *state;
	struct evcan_log_write_stats stats;

	option(f, "queue_size", "1000");
	open_writer(f, f->base, in_dir("many.log"));
	write_all(f, 0, 50000);
	close_writer(f, 20);
	assert_string_equal(f->close_error, "");
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.accepted, 50000);
	assert_int_equal(stats.written, 50000);
	assert_int_equal(stats.queued, 0);
	assert_true(stats.queue_peak <= 1024);
	assert_false(stats.failed);
	assert_true(stats.last_write_ns > 0);
	holds(in_dir("many.log"), 50000);
	assert_int_equal(evcan_log_writer_write(f->writer, NULL, 0),
	    EVCAN_ERR_STATE);
}

/* A fresh file; appended to; appended to behind half a line. */
static void
test_append(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("append.log");
	FILE *half;

	for (int i = 0; i < 3; i++) {
		option(f, "append", i > 0 ? "true" : "false");
		open_writer(f, i == 1 ? NULL : f->base, path);
		write_all(f, (uint64_t)i * 5, (uint64_t)i * 5 + 5);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	}
	holds(path, 15);
	half = fopen(path, "a");
	fputs("# half a line", half);
	fclose(half);
	open_writer(f, NULL, path);
	write_all(f, 15, 20);
	close_writer(f, 0);
	holds(path, 20);
}

static void
test_gaps_in_order(void **state)
{
	struct fixture *f = *state;
	struct evcan_gap gap = { .lost = 7, .where = EVCAN_LOSS_KERNEL };
	struct evcan_listener *listener;
	struct evcan_frame frame;
	char *text;

	for (int sync = 0; sync < 2; sync++) {
		open_writer(f, sync ? NULL : f->base, in_dir("gap.log"));
		listener = evcan_log_writer_listener(f->writer);
		fill(&frame, 1, 0);
		evcan_listener_feed(listener, NULL, &frame, 1);
		evcan_listener_feed_gap(listener, NULL, &gap);
		fill(&frame, 1, 1);
		evcan_listener_feed(listener, NULL, &frame, 1);
		evcan_listener_feed_gap(listener, NULL, &gap);
		assert_int_equal(evcan_log_writer_event(f->writer, "x"),
		    EVCAN_ERR_UNSUPPORTED);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
		text = slurp(in_dir("gap.log"));
		assert_string_equal(text,
		    "(1483389946.000000) can0 123#0000000000000000\n"
		    "DROPCOUNT: dropped 7 CAN frames on 'vcan0' socket "
		    "(total drops 7)\n"
		    "(1483389946.000001) can0 123#0000000000000001\n"
		    "DROPCOUNT: dropped 7 CAN frames on 'vcan0' socket "
		    "(total drops 14)\n");
		free(text);
	}
}

static void
test_printer(void **state)
{
	struct fixture *f = *state;
	struct evcan_gap gap = { .lost = 12, .where = EVCAN_LOSS_KERNEL };
	struct evcan_frame frame;
	char *text;

	open_writer(f, f->base, in_dir("p.txt"));
	fill(&frame, 1, 0);
	assert_int_equal(evcan_log_writer_event(f->writer, "be\ngin"), 0);
	assert_int_equal(evcan_log_writer_write(f->writer, &frame, 1), 1);
	evcan_listener_feed_gap(evcan_log_writer_listener(f->writer), NULL,
	    &gap);
	evcan_listener_feed_gap(evcan_log_writer_listener(f->writer), NULL,
	    &gap);
	close_writer(f, 5);
	text = slurp(in_dir("p.txt"));
	/* Two gaps at one place are one. */
	assert_string_equal(text, "-- be gin --\n"
	    "Timestamp: 1483389946.000000        ID: 0123    S Rx"
	    "                DL:  8    00 00 00 00 00 00 00 00"
	    "     Channel: can0\n"
	    "-- 24 frames lost (kernel) --\n");
	free(text);
}

static void
test_printer_describes(void **state)
{
	static const char says[] = "    (bus-off";
	struct fixture *f = *state;
	struct evcan_frame frame = {
		.id = 0x40, .flags = EVCAN_FRAME_ERR, .len = 8, .dlc = 8
	};
	char *text;

	option(f, "describe_errors", "true");
	open_writer(f, f->base, in_dir("d.txt"));
	assert_int_equal(evcan_log_writer_write(f->writer, &frame, 1), 1);
	close_writer(f, 5);
	text = slurp(in_dir("d.txt"));
	if (strstr(text, says) == NULL || text[strlen(text) - 2] != ')')
		fail_msg("%s", text);
	free(text);
}

/* Frames are in the file after flush_interval, without a close. */
static void
test_flush_interval(void **state)
{
	struct fixture *f = *state;
	struct evcan_log_write_stats stats;

	option(f, "flush_interval", "0.2");
	open_writer(f, f->base, in_dir("flush.log"));
	write_all(f, 0, 10);
	run_for(f, 0.05);
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.bytes, 0);
	assert_int_equal(stats.queued, 10);
	run_for(f, 0.6);
	holds(in_dir("flush.log"), 10);
	write_all(f, 10, 20);
	evcan_log_writer_flush(f->writer);
	run_for(f, 0.1);
	holds(in_dir("flush.log"), 20);
}

static void
waits(struct fixture *f, uint64_t written, uint64_t queued)
{
	struct evcan_log_write_stats stats;

	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.written, written);
	assert_int_equal(stats.queued, queued);
}

/* A format with an interval of its own, behind core's. */
static void
test_own_interval(void **state)
{
	struct fixture *f = *state;

	option(f, "max_time_between_writes", "0.2");
	open_writer(f, f->base, in_dir("own.db"));
	write_all(f, 0, 10);
	run_for(f, 0.05);
	waits(f, 0, 10);
	run_for(f, 0.5);
	waits(f, 10, 0);
	close_writer(f, 5);
	evcan_log_writer_free(f->writer);
	option(f, "flush_interval", "3600");
	open_writer(f, f->base, in_dir("own.db"));
	write_all(f, 0, 10);
	run_for(f, 0.5);
	waits(f, 0, 10);
}

/* One that writes as soon as so many frames wait, and never more at once. */
static void
test_own_count(void **state)
{
	struct fixture *f = *state;

	option(f, "flush_interval", "3600");
	option(f, "max_buffer_size_before_writes", "500");
	open_writer(f, f->base, in_dir("count.db"));
	write_all(f, 0, 7);
	run_for(f, 0.1);
	write_all(f, 7, 499);
	run_for(f, 0.1);
	waits(f, 0, 499);
	write_all(f, 499, 500);
	run_for(f, 0.2);
	waits(f, 500, 0);
	write_all(f, 500, 1700);
	run_for(f, 0.2);
	waits(f, 1500, 200);
	close_writer(f, 5);
	assert_int_equal(f->close_code, 0);
	waits(f, 1700, 0);
}

/* The same without a worker, and more than a block would hold. */
static void
test_own_count_sync(void **state)
{
	struct fixture *f = *state;

	option(f, "flush_interval", "3600");
	option(f, "max_buffer_size_before_writes", "10");
	open_writer(f, NULL, in_dir("sync.db"));
	write_all(f, 0, 25);
	waits(f, 20, 5);
	write_all(f, 25, 30);
	waits(f, 30, 0);
	close_writer(f, 0);
	evcan_log_writer_free(f->writer);
	option(f, "max_buffer_size_before_writes", "20000");
	open_writer(f, NULL, in_dir("sync.db"));
	write_all(f, 0, 19999);
	waits(f, 0, 19999);
	write_all(f, 19999, 20000);
	waits(f, 20000, 0);
}

static void
test_killed(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("killed.log");
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		event_reinit(f->base);
		option(f, "flush_interval", "0.1");
		open_writer(f, f->base, path);
		write_all(f, 0, 1000);
		run_for(f, 0.6);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	holds(path, 1000);
}

static void
test_reopen(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("r.log"), *old = in_dir("r.log.1");

	for (int sync = 0; sync < 2; sync++) {
		struct event_base *base = sync ? NULL : f->base;
		struct evcan_log_reader *reader;
		struct evcan_frame frame;

		open_writer(f, base, path);
		write_all(f, 0, 1000);
		assert_int_equal(rename(path, old), 0);
		assert_int_equal(evcan_log_writer_reopen(f->writer), 0);
		write_all(f, 1000, 1500);
		/* Not renamed this time: nothing must be emptied. */
		assert_int_equal(evcan_log_writer_reopen(f->writer), 0);
		write_all(f, 1500, 2000);
		close_writer(f, 5);
		assert_int_equal(f->close_code, 0);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
		holds(old, 1000);
		reader = evcan_log_reader_new(path, NULL, NULL);
		for (int i = 0; i < 1000; i++)
			assert_int_equal(evcan_log_reader_read(reader,
			    &frame, 1), 1);
		assert_int_equal(evcan_log_reader_read(reader, &frame, 1),
		    0);
		evcan_log_reader_free(reader);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes),
		TEST(test_lost),
		TEST(test_options),
		TEST(test_refusals),
		TEST(test_many),
		TEST(test_append),
		TEST(test_gaps_in_order),
		TEST(test_printer),
		TEST(test_printer_describes),
		TEST(test_flush_interval),
		TEST(test_own_interval),
		TEST(test_own_count),
		TEST(test_own_count_sync),
		TEST(test_killed),
		TEST(test_reopen),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

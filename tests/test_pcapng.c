/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pcapng.c - pcapng captures, read */
#include "pcapng_fixture.h"

static void
test_orders(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		size_t at;

		start(big);
		plain_packet(0, START + 7, 0x123, 3);
		at = open_packet(0, START + 8, 0x80000123, 8);
		number_option(EPB_FLAGS, 2, 4);
		add32(&file, 0);
		close_block(at);
		at = open_packet(0, START + 9, 0x123, 8);
		number_option(EPB_FLAGS, 1, 4);   /* nothing ends them */
		close_block(at);
		read_it(3, 0);
		assert_int_equal(result.frames[0].time_ns, START + 7);
		assert_int_equal(result.frames[0].clock, EVCAN_CLOCK_KERNEL);
		assert_int_equal(result.frames[0].len, 3);
		assert_memory_equal(result.frames[0].data,
		    "\x01\x12\x23\0\0\0\0\0", 8);
		assert_int_equal(result.frames[0].dir, EVCAN_DIR_RX);
		assert_int_equal(result.frames[1].flags, EVCAN_FRAME_EXT);
		assert_int_equal(result.frames[1].dir, EVCAN_DIR_TX);
		assert_int_equal(result.frames[2].dir, EVCAN_DIR_RX);
		for (int i = 0; i < 3; i++)
			assert_string_equal(evcan_channel_name(
			    result.frames[i].channel), "vcan0");
	}
}

static void
test_resolutions(void **state)
{
	static const struct {
		int resolution;
		uint64_t stamp;
		int64_t ns;
	} rows[] = {
		{ -1, 1483389946000001u, START + 1000 },
		{ 6, 1483389946000001u, START + 1000 },
		{ 3, 1483389946001u, START + 1000000 },
		{ 0, 1483389946u, START },
		{ 8, 148338994600000001u, START + 10 },
		{ 10, 14833899460000000019u, START + 1 },
		{ 12, 1999, 1 },
		{ 19, 10000000000u * 1000000000u, 1000000000 },
		{ 20, 100000000000u, 1 },
		{ 28, 1, 0 },
		{ 127, 1, 0 },
		{ 0x80, 1483389946u, START },
		{ 0x80 | 10, 1483389946ull << 10 | 512, START + 500000000 },
		{ 0x80 | 32, 1483389946ull << 32 | 1ull << 31,
		    START + 500000000 },
		{ 0x80 | 33, 1483389946ull << 33 | 1ull << 31,
		    START + 250000000 },
		{ 0x80 | 63, 3ull << 62, 1500000000 },
		{ 0x80 | 64, 1ull << 63, 500000000 },
		{ 0x80 | 127, UINT64_MAX, 0 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		file.len = 0;
		section(i & 1);
		interface(227, "can0", rows[i].resolution);
		plain_packet(0, rows[i].stamp, 0x123, 8);
		read_it(1, 0);
		assert_int_equal(result.frames[0].time_ns, rows[i].ns);
		assert_int_equal(result.frames[0].clock, rows[i].ns < START ?
		    EVCAN_CLOCK_RELATIVE : EVCAN_CLOCK_KERNEL);
	}
	start(false);
	plain_packet(0, UINT64_MAX, 0x123, 8);
	plain_packet(0, START, 0x123, 8);
	read_it(1, 1);
	assert_non_null(strstr(result.error, "2262"));
}

static void
test_offset(void **state)
{
	static const int64_t offsets[] = { 1483389946, -100 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		size_t at;

		file.len = 0;
		section(i & 1);
		at = open_block(1);
		add16(&file, 227);
		add16(&file, 0);
		add32(&file, 0);
		number_option(IF_TSOFFSET, (uint64_t)offsets[i / 2], 8);
		close_block(at);
		plain_packet(0, 5000001, 0x123, 8);
		read_it(1, 0);
		assert_int_equal(result.frames[0].time_ns,
		    offsets[i / 2] * 1000000000 + 5000001000);
	}
}

static void
test_names(void **state)
{
	static const struct {
		const char *name, *channel;
	} rows[] = {
		{ "can7", "can7" }, { "CAN-1", "can0" }, { "CAN 12", "can11" },
		{ "CAN-0", "CAN-0" }, { "CAN-1x", "CAN-1x" }, { "CAN-",
		"CAN-" }, { "a b", "a b" }, { NULL, "can8" }, { "", "" },
		{ "a\nb", "can10" }
	};
	const unsigned n = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	file.len = 0;
	section(false);
	interface(1, "eth0", 9);
	for (unsigned i = 0; i < n; i++)
		interface(227, rows[i].name, 9);
	for (unsigned i = 0; i <= n; i++)
		plain_packet(i, START, 0x123, 8);
	read_it(n, 0);
	assert_int_equal(result.skipped, 1);
	for (unsigned i = 0; i < n; i++)
		assert_string_equal(evcan_channel_name(
		    result.frames[i].channel), rows[i].channel);
}

/* A new section forgets the interfaces; its byte order is its own. */
static void
test_sections(void **state)
{
	(void)state;
	start(false);
	plain_packet(0, START, 0x100, 8);
	section(true);
	plain_packet(0, START, 0x101, 8);
	interface(227, "can9", 6);
	plain_packet(0, START / 1000, 0x102, 8);
	section(false);
	interface(227, NULL, 9);
	plain_packet(0, START, 0x103, 8);
	read_it(3, 1);
	assert_non_null(strstr(result.error, "interface"));
	assert_string_equal(evcan_channel_name(result.frames[1].channel),
	    "can9");
	assert_string_equal(evcan_channel_name(result.frames[2].channel),
	    "can0");
	assert_int_equal(result.frames[1].time_ns, START);
	assert_int_equal(result.frames[2].id, 0x103);
}

static void
test_other_packets(void **state)
{
	uint8_t p[80];
	size_t at;

	(void)state;
	for (int big = 0; big < 2; big++) {
		start(big);
		at = open_block(3);                /* simple */
		add32(&file, 16);
		add(&file, p, packet(p, 0x321, 8, 0));
		close_block(at);
		at = open_block(2);                /* old */
		add16(&file, 0);
		add16(&file, 3);                   /* packets lost */
		add32(&file, START >> 32);
		add32(&file, (uint32_t)START);
		add32(&file, 10);
		add32(&file, 10);
		add(&file, p, packet(p, 0x322, 2, 0));
		pad();
		number_option(EPB_FLAGS, 2, 4);
		close_block(at);
		at = open_block(2);
		add16(&file, 0);
		add16(&file, 0xffff);              /* not known */
		add32(&file, START >> 32);
		add32(&file, (uint32_t)START);
		add32(&file, 8);
		add32(&file, 8);
		add(&file, p, packet(p, 0x323, 0, 0));
		close_block(at);
		read_it(3, 0);
		assert_int_equal(result.frames[0].id, 0x321);
		assert_int_equal(result.frames[0].clock, EVCAN_CLOCK_NONE);
		assert_int_equal(result.frames[0].time_ns, 0);
		assert_int_equal(result.frames[1].id, 0x322);
		assert_int_equal(result.frames[1].time_ns, START);
		assert_int_equal(result.frames[1].dir, EVCAN_DIR_TX);
		assert_int_equal(result.frames[2].id, 0x323);
		assert_int_equal(result.gaps, 1);
		assert_int_equal(result.lost, 3);
	}
}

static void
test_unknown_blocks(void **state)
{
	static const uint32_t types[] = { 4, 7, 9, 10, 0xbad, 0x40000bad,
		0x80000001 };
	size_t at;

	(void)state;
	start(false);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		at = open_block(types[i]);
		add(&file, "some bytes that nobody knows", 4 * i);
		close_block(at);
		plain_packet(0, START, 0x100, 8);
	}
	/* One that is longer than what is looked at in one piece. */
	at = open_block(0x80000002);
	memset(file.data + file.len, 0, 300 << 10);
	file.len += 300 << 10;
	close_block(at);
	plain_packet(0, START, 0x101, 8);
	read_it(8, 0);
	assert_int_equal(result.skipped, 0);
	assert_int_equal(result.frames[7].id, 0x101);
	/* The same with a wrong length at its end, and without its end. */
	file.data[file.len - 52] ^= 0x40;
	read_it(8, 1);
	assert_non_null(strstr(result.error, "long block"));
	file.len -= 49;
	read_it(7, 1);
	assert_non_null(strstr(result.error, "ends inside"));
}

/* Comments are told between the frames before and behind them. */
static void
test_comments(void **state)
{
	size_t at;

	(void)state;
	for (int big = 0; big < 2; big++) {
		start(big);
		plain_packet(0, START, 0x100, 8);
		at = open_packet(0, START + 1, 0x101, 8);
		option(COMMENT, "look\nhere", 9);
		number_option(EPB_FLAGS, 2, 4);
		close_block(at);
		read_it(2, 0);
		assert_int_equal(result.events, 1);
		assert_int_equal(result.event_at, 1);
		assert_int_equal(result.event_ns, START + 1);
		assert_string_equal(result.event, "look here");
		assert_int_equal(result.frames[1].dir, EVCAN_DIR_TX);
		at = open_packet(0, START + 2, 0x102, 8);
		option(COMMENT, "first", 5);
		option(COMMENT, "evcan event at 1483389945.000000001: oil",
		    40);
		add32(&file, 0);
		close_block(at);
		plain_packet(0, START, 0x103, 8);
		read_it(4, 0);
		assert_int_equal(result.events, 3);
		assert_int_equal(result.event_at, 2);
		assert_int_equal(result.event_ns, START - 999999999);
		assert_string_equal(result.event, "oil");
	}
	/* What only looks like ours is text. */
	at = open_packet(0, START + 3, 0x104, 8);
	option(COMMENT, "evcan event at 12.5: oil", 24);
	close_block(at);
	read_it(5, 0);
	assert_string_equal(result.event, "evcan event at 12.5: oil");
	assert_int_equal(result.event_ns, START + 3);
}

static void
test_losses(void **state)
{
	size_t at;

	(void)state;
	for (int big = 0; big < 2; big++) {
		start(big);
		at = open_packet(0, START, 0x100, 8);
		number_option(EPB_DROPCOUNT, 5, 8);
		close_block(at);
		read_it(1, 0);
		assert_int_equal(result.gaps, 1);
		assert_int_equal(result.lost, 5);
		/* 5 of these 12 are known, and the 7 are told again. */
		at = open_block(5);
		add32(&file, 0);
		add32(&file, 0);
		add32(&file, 0);
		number_option(ISB_IFDROP, 10, 8);
		number_option(ISB_OSDROP, 2, 8);
		close_block(at);
		at = open_packet(0, START, 0x101, 8);
		number_option(EPB_DROPCOUNT, 7, 8);
		close_block(at);
		read_it(2, 0);
		assert_int_equal(result.gaps, 2);
		assert_int_equal(result.lost, 12);
		at = open_packet(0, START, 0x102, 8);
		number_option(EPB_DROPCOUNT, 7, 8);
		close_block(at);
		read_it(3, 0);
		assert_int_equal(result.gaps, 3);
		assert_int_equal(result.lost, 19);
	}
}

static void
test_cooked(void **state)
{
	uint8_t p[100] = { 0, 4 };
	size_t at;

	(void)state;
	for (int big = 0; big < 2; big++) {
		file.len = 0;
		section(big);
		interface(113, "any", 9);
		packet(p + 16, 0, 5, 0);
		p[16 + (big ? 2 : 1)] = 0x01;
		p[16 + (big ? 3 : 0)] = 0x23;
		p[15] = 0x0d;
		at = open_packet(0, START, 0, 0);
		file.len -= 8;
		add(&file, p, 29);
		set32(&file, at + 20, 29);
		pad();
		number_option(EPB_FLAGS, 0, 4);    /* says nothing */
		close_block(at);
		read_it(1, 0);
		assert_int_equal(result.frames[0].id, 0x123);
		assert_int_equal(result.frames[0].flags, EVCAN_FRAME_FD);
		assert_int_equal(result.frames[0].dir, EVCAN_DIR_TX);
	}
}

/* Faults of one block: the frames around it are read. */
/* Identifiers that a program wrote in the other order. */
static void
test_id_order(void **state)
{
	struct evcan_options *options = evcan_options_new();

	(void)state;
	for (unsigned big = 0; big < 2; big++) {
		start(big);
		plain_packet(0, START, 0x2a010000, 8);
		plain_packet(0, START, 0x13010080, 8);
		read_it(1, 1);
		assert_non_null(strstr(result.error, "id_order"));
		evcan_options_set(options, "id_order", "little", NULL);
		read_pieces("pcapng", options, file.data, file.len, 7,
		    &result);
		assert_int_equal(result.errors, 0);
		assert_int_equal(result.n, 2);
		assert_int_equal(result.frames[0].id, 0x12a);
		assert_int_equal(result.frames[0].flags, 0);
		assert_int_equal(result.frames[1].id, 0x113);
		assert_int_equal(result.frames[1].flags, EVCAN_FRAME_EXT);
	}
	evcan_options_free(options);
}

static void
test_bad_blocks(void **state)
{
	static const struct {
		size_t offset;       /* in the block of 48 bytes */
		uint32_t value;
		const char *why;
	} rows[] = {
		{ 4, 0, "12 bytes" }, { 4, 8, "12 bytes" },
		{ 4, 44, "at its end" }, { 4, 52, "at its end" },
		{ 4, 96, "at its end" }, { 44, 12, "at its end" },
		{ 4, 0x7fffffff, "impossible" }, { 4, 0x50000, "impossible" },
		{ 8, 1, "interface" }, { 20, 17, "longer than" },
		{ 20, 15, "cut short" }, { 20, 7, "too short" },
		{ 0, 0x0a0d0d0a, "no pcapng section" }
	};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at = 0;

		start(i & 1);
		for (uint32_t k = 0; k < 20; k++) {
			if (k == 7)
				at = file.len;
			plain_packet(0, START, 0x100 + k, 8);
		}
		set32(&file, at + rows[i / 2].offset, rows[i / 2].value);
		read_it(19, 1);
		if (strstr(result.error, rows[i / 2].why) == NULL)
			fail_msg("%s", result.error);
		assert_int_equal(result.error_offset, at);
		for (unsigned k = 0; k < 19; k++)
			assert_int_equal(result.frames[k].id, 0x100 + k +
			    (k >= 7));
	}
}

static void
test_bad_starts(void **state)
{
	(void)state;
	file.len = 0;
	file.big = false;
	interface(227, "can0", 9);
	plain_packet(0, START, 0x100, 8);
	read_it(0, 1);
	assert_non_null(strstr(result.error, "section"));
	section(false);
	interface(227, "can0", 9);
	plain_packet(0, START, 0x101, 8);
	read_it(1, 1);
	/* Another version: nothing of that section is read. */
	start(false);
	file.data[12] = 2;
	plain_packet(0, START, 0x101, 8);
	section(false);
	interface(227, "can0", 9);
	plain_packet(0, START, 0x102, 8);
	read_file("pcapng", &file, &result);
	assert_int_equal(result.n, 1);
	assert_int_equal(result.frames[0].id, 0x102);
	assert_true(result.errors > 0);
	/* More interfaces than are kept. */
	file.len = 0;
	section(false);
	for (int i = 0; i < 1025; i++)
		interface(227, "can0", 9);
	plain_packet(1023, START, 0x101, 8);
	plain_packet(1024, START, 0x102, 8);
	read_it(1, 2);
}

static void
test_cuts(void **state)
{
	size_t first, whole;

	(void)state;
	start(false);
	first = file.len;
	for (uint32_t k = 0; k < 4; k++)
		plain_packet(0, START, 0x100 + k, 8);
	whole = file.len;
	for (size_t cut = 0; cut <= whole; cut++) {
		file.len = cut;
		read_file("pcapng", &file, &result);
		assert_int_equal(result.n, cut < first ? 0 :
		    (cut - first) / 48);
		assert_true(result.errors <= 1);
		if (cut > first)
			assert_int_equal(result.errors,
			    (cut - first) % 48 != 0);
	}
	/* An appended section behind a torn block is found. */
	for (size_t cut = first + 1; cut < whole; cut += 5) {
		start(false);
		for (uint32_t k = 0; k < 4; k++)
			plain_packet(0, START, 0x100 + k, 8);
		file.len = cut;
		section(true);
		interface(227, "can5", 9);
		plain_packet(0, START, 0x200, 8);
		read_file("pcapng", &file, &result);
		assert_int_equal(result.n, (cut - first) / 48 + 1);
		assert_int_equal(result.frames[result.n - 1].id, 0x200);
	}
}

static void
test_samples(void **state)
{
	static const struct {
		const char *name;
		int frames, fd, ext, sent;
	} rows[] = {
		{ "gen__tshark4_gen__pythoncan41_mix.pcapng", 1800, 176, 714,
		  800 },
		{ "gen__tshark4_pycanlib__logfile003.pcapng", 60, 0, 0, 0 },
		{ "gen__tshark4_python-can__issue_1905.pcapng", 22, 22, 0,
		  0 },
		{ "gen__tshark4_vector_blf__binlog_CanFdErrorFrame64.pcapng",
		  0, 0, 0, 0 },
		{ "mdf4-converters__multiple_CAN.pcap", 164, 128, 82, 0 },
		{ "mdf4-converters__single_can_bus_1_CAN.pcap", 1, 0, 0, 0 }
	};
	static struct evcan_frame frames[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int n = read_sample(rows[i].name, "pcapng", frames,
		    2000);
		int fd = 0, ext = 0, sent = 0;

		if (n < 0) {
			may_skip("EVCAN_SAMPLES names no folder");
			return;
		}
		for (int k = 0; k < n; k++) {
			fd += (frames[k].flags & EVCAN_FRAME_FD) != 0;
			ext += (frames[k].flags & EVCAN_FRAME_EXT) != 0;
			sent += frames[k].dir != EVCAN_DIR_RX;
		}
		print_message("%s: %d, %d FD, %d ext, %d sent\n",
		    rows[i].name, n, fd, ext, sent);
		assert_int_equal(n, rows[i].frames);
		assert_int_equal(fd, rows[i].fd);
		assert_int_equal(ext, rows[i].ext);
		assert_int_equal(sent, rows[i].sent);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_resolutions),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_other_packets),
		cmocka_unit_test(test_unknown_blocks),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_cooked),
		cmocka_unit_test(test_id_order),
		cmocka_unit_test(test_bad_blocks),
		cmocka_unit_test(test_bad_starts),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

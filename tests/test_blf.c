/* SPDX-License-Identifier: BSD-3-Clause */
/* test_blf.c - Vector's binary log: what is written, and every object */
#include "blf_fixture.h"

static void
check_kinds(const char *options)
{
	struct evcan_frame f[KINDS];
	struct file file = { 0 };

	make_kinds(f);
	open_file(&file, options);
	write_frames(&file, f, KINDS);
	close_file(&file);
	assert_int_equal(file.info.unfit, 0);
	for (int i = 0; i < 16; i++)
		assert_int_equal(file.info.lost[i], 0);
	read_all(file.out.data, file.out.len);
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.out.skipped, 0);
	assert_int_equal(told.n, KINDS);
	for (size_t i = 0; i < KINDS; i++)
		assert_same(&told.frames[i], &f[i]);
	free(file.out.data);
}

static void
test_kinds(void **state)
{
	(void)state;
	check_kinds("tz=utc");
	check_kinds("tz=utc compression_level=0");
	check_kinds("tz=utc codec=zlib compression_level=9");
	check_kinds("tz=utc max_container_size=128");
	check_kinds("tz=utc max_container_size=128 threads=3");
	check_kinds("tz=utc max_container_size=700 compression_level=0");
}

/* What is no Unix time stays what it is. */
static void
test_relative(void **state)
{
	struct evcan_frame f[2] = { make(5, 1, 0, 1), make(7777777, 2, 0, 2) };
	struct file file = { 0 };

	(void)state;
	f[0].clock = f[1].clock = EVCAN_CLOCK_RELATIVE;
	open_file(&file, "");
	write_frames(&file, f, 2);
	close_file(&file);
	for (size_t i = 40; i < 72; i++)
		assert_int_equal(file.out.data[i], 0);
	read_all(file.out.data, file.out.len);
	assert_int_equal(told.n, 2);
	assert_same(&told.frames[0], &f[0]);
	assert_same(&told.frames[1], &f[1]);
	free(file.out.data);
}

static void
test_lost(void **state)
{
	static const struct {
		const char *name;
		int place;
	} names[] = { { "channel", 0 }, { "direction", 1 }, { "echo", 2 },
		{ "hops", 3 }, { "clock", 4 }, { "time", 5 }, { "dlc", 6 },
		{ "error", 7 } };
	struct evcan_frame f[10];
	struct file file = { 0 };
	const char *word = evcan_format_find("blf")->attributes;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		const size_t len = strlen(names[i].name);

		assert_int_equal(strncmp(word, names[i].name, len), 0);
		word += len + (word[len] == ' ');
	}
	for (int i = 0; i < 10; i++)
		f[i] = make(START + i, 0x10, 0, 2);
	f[0].channel = 0;
	f[1].flags = EVCAN_FRAME_ERR;
	f[1].dir = EVCAN_DIR_TX;
	f[2].flags = EVCAN_FRAME_ECHO;
	f[3].hops = 2;
	f[4].clock = EVCAN_CLOCK_HOST;
	f[6].dlc = 8;
	f[7].flags = EVCAN_FRAME_ERR;
	f[7].id = 0;
	f[8].len = 9;      /* classic: there is no room */
	open_file(&file, "tz=utc");
	write_frames(&file, f, 10);
	f[5].time_ns = START - 5 * MS;
	assert_int_equal(file.format->flush(file.state, &file.out), 0);
	write_frames(&file, f + 5, 1);   /* too late to move the start */
	close_file(&file);
	assert_int_equal(file.info.unfit, 1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(file.info.lost[i], 1);
	read_all(file.out.data, file.out.len);
	assert_int_equal(told.n, 10);
	assert_true(told.frames[9].time_ns == START);
	free(file.out.data);
}

/* Frames of several buses come a little out of order at the start. */
static void
test_start_moves(void **state)
{
	struct evcan_frame f[3] = { make(START, 1, 0, 1),
		make(START - 3 * MS + 5, 2, 0, 1),
		make(START - 9 * MS - 7, 3, 0, 1) };
	struct file file = { 0 };

	(void)state;
	open_file(&file, "tz=utc");
	assert_int_equal(file.format->encode_event(file.state, START + 4,
	    "first", &file.out), 0);
	for (int i = 0; i < 3; i++)
		write_frames(&file, f + i, 1);
	close_file(&file);
	assert_int_equal(file.info.lost[5], 0);
	read_all(file.out.data, file.out.len);
	assert_int_equal(told.n, 3);
	assert_true(told.event_ns == START + 4);
	for (int i = 0; i < 3; i++)
		assert_same(&told.frames[i], &f[i]);
	free(file.out.data);
}

/* Times at the ends of what 64 bits hold. */
static void
test_extreme_times(void **state)
{
	static const int64_t times[] = { INT64_MIN, INT64_MIN + 1, -1, 0,
		START, INT64_MAX - 1, INT64_MAX };
	const size_t n = sizeof(times) / sizeof(times[0]);

	(void)state;
	for (size_t first = 0; first < n; first++) {
		struct file file = { 0 };

		open_file(&file, "tz=utc");
		for (size_t i = 0; i < 2 * n; i++) {
			struct evcan_frame f = make(times[(first + i) % n],
			    1, 0, 1);

			if (i % 3 == 2)
				f.clock = EVCAN_CLOCK_RELATIVE;
			write_frames(&file, &f, 1);
			assert_int_equal(file.format->encode_event(file.state,
			    f.time_ns, "x", &file.out), 0);
		}
		close_file(&file);
		read_all(file.out.data, file.out.len);
		assert_int_equal(told.n, 2 * n);
		assert_int_equal(told.events, 2 * n);
		free(file.out.data);
	}
}

/* The whole file, byte by byte: what Vector's tools read. */
static void
test_bytes(void **state)
{
	static const uint8_t wanted[] = {
		'L', 'O', 'G', 'G', 144, 0, 0, 0, 0xd4, 0x1a, 0x3e, 0,
		0, 0, 0, 0, 224, 0, 0, 0, 0, 0, 0, 0,
		224, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		0xe1, 7, 1, 0, 1, 0, 2, 0, 20, 0, 45, 0, 46, 0, 123, 0,
		0xe1, 7, 1, 0, 1, 0, 2, 0, 20, 0, 45, 0, 46, 0, 123, 0
	};
	static const uint8_t objects[] = {
		'L', 'O', 'B', 'J', 16, 0, 1, 0, 80, 0, 0, 0, 10, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0,
		'L', 'O', 'B', 'J', 32, 0, 1, 0, 48, 0, 0, 0, 1, 0, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0, 0xc8, 1, 0, 0, 0, 0, 0, 0,
		1, 0, 1, 3, 0x10, 0xf1, 0xda, 0x98,
		1, 2, 0xff, 0, 0, 0, 0, 0
	};
	struct evcan_frame f = make(START + 456, 0x18daf110, EVCAN_FRAME_EXT,
	    3);
	struct file file = { 0 };

	(void)state;
	f.dir = EVCAN_DIR_TX;
	memcpy(f.data, "\1\2\xff", 3);
	memset(f.data + 3, 0xee, 5);   /* behind its data: not written */
	open_file(&file, "tz=utc compression_level=0");
	write_frames(&file, &f, 1);
	close_file(&file);
	assert_int_equal(file.out.len, 224);
	assert_memory_equal(file.out.data, wanted, sizeof(wanted));
	for (size_t i = sizeof(wanted); i < 144; i++)
		assert_int_equal(file.out.data[i], 0);
	assert_memory_equal(file.out.data + 144, objects, sizeof(objects));
	free(file.out.data);
}

static void
test_empty(void **state)
{
	struct file file = { 0 };

	(void)state;
	open_file(&file, "");
	close_file(&file);
	assert_int_equal(file.out.len, 144);
	read_all(file.out.data, file.out.len);
	assert_int_equal(told.n + told.errors + told.out.skipped, 0);
	read_all((const uint8_t *)"", 0);
	assert_int_equal(told.n + told.errors, 0);
	free(file.out.data);
}

/* Local time by default, summer and winter. */
static void
test_local_time(void **state)
{
	/* 2024-07-01 10:00:00.5 and 2024-01-01 10:00:00.25, UTC */
	const int64_t times[2] = { 1719828000500000000, 1704103200250000000 };
	const int hours[2] = { 12, 11 };
	struct file file;

	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (int i = 0; i < 2; i++) {
		struct evcan_frame f = make(times[i], 1, 0, 1);

		memset(&file, 0, sizeof(file));
		open_file(&file, "");
		write_frames(&file, &f, 1);
		close_file(&file);
		assert_int_equal(get_le16(file.out.data + 48), hours[i]);
		read_in(&told, file.out.data, file.out.len, 1000, "");
		assert_int_equal(told.n, 1);
		assert_same(&told.frames[0], &f);
		read_in(&told, file.out.data, file.out.len, 1000,
		    "tz=+02:00");
		assert_true(told.frames[0].time_ns == f.time_ns + (i == 0 ?
		    0 : -3600000000000));
		free(file.out.data);
	}
	unsetenv("TZ");
	tzset();
}

/* The hour that comes twice: a start in its second is told as one before. */
static void
test_repeated_hour(void **state)
{
	/* 2024-10-26 23:30 UTC, and on through the night */
	const int64_t begin = 1729985400123456789;

	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (int i = 0; i < 6; i++) {
		struct evcan_frame f[2] = {
			make(begin + i * 1800000000000, 1, 0, 1),
			make(begin + i * 1800000000000 + 7, 2, 0, 1)
		};
		struct file file = { 0 };

		open_file(&file, "");
		write_frames(&file, f, 2);
		close_file(&file);
		read_in(&told, file.out.data, file.out.len, 1000, "");
		assert_int_equal(told.n, 2);
		assert_same(&told.frames[0], &f[0]);
		assert_same(&told.frames[1], &f[1]);
		free(file.out.data);
		/* An earlier one moves the start. */
		memset(&file, 0, sizeof(file));
		open_file(&file, "");
		write_frames(&file, &f[1], 1);
		write_frames(&file, &f[0], 1);
		close_file(&file);
		read_in(&told, file.out.data, file.out.len, 1000, "");
		assert_same(&told.frames[1], &f[0]);
		free(file.out.data);
	}
	unsetenv("TZ");
	tzset();
}

static void
test_events_and_gaps(void **state)
{
	struct evcan_frame f = make(START, 1, 0, 1);
	const struct evcan_gap gap = { .lost = 12 };
	struct file file = { 0 };
	char longest[2000];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	open_file(&file, "tz=utc");
	assert_int_equal(file.format->encode_gap(file.state, "can0", &gap,
	    &file.out), 0);
	/* No date yet: it waits. */
	assert_int_equal(file.format->held(file.state), 0);
	assert_int_equal(file.format->flush(file.state, &file.out), 0);
	assert_int_equal(file.out.len, 0);
	write_frames(&file, &f, 1);
	assert_true(file.format->held(file.state) > 48);
	assert_int_equal(file.format->flush(file.state, &file.out), 0);
	assert_int_equal(file.format->held(file.state), 0);
	read_all(file.out.data, file.out.len);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.out.gaps, 1);
	assert_int_equal(told.out.lost, 12);
	assert_int_equal(told.out.skipped, 0);
	assert_int_equal(file.format->encode_event(file.state, START + 77,
	    "door \xc3\xb6" "ffnet: 1", &file.out), 0);
	assert_int_equal(file.format->flush(file.state, &file.out), 0);
	read_all(file.out.data, file.out.len);
	assert_string_equal(told.event, "door \xc3\xb6" "ffnet: 1");
	assert_true(told.event_ns == START + 77);
	assert_int_equal(file.format->encode_event(file.state, START + 77,
	    longest, &file.out), 0);
	close_file(&file);
	read_all(file.out.data, file.out.len);
	assert_int_equal(told.events, 2);
	assert_int_equal(strlen(told.event), 1023);
	assert_int_equal(told.errors, 0);
	free(file.out.data);
}

static void
test_headers(void **state)
{
	uint8_t body[32] = { 3, 0, 0, 2, 0x23, 1, 0, 0, 0xaa, 0xbb };
	size_t at;

	(void)state;
	start_over();
	add_object(&inner, 1, 1, 32, 2, 1000, body, 16);
	add_object(&inner, 1, 1, 32, 0, 1001, body, 16);    /* no unit */
	add_object(&inner, 1, 1, 32, 1, 5, body, 16);       /* 10 us */
	add_object(&inner, 1, 2, 40, 2, 1002, body, 16);
	add_object(&inner, 1, 3, 32, 2, 1003, body, 16);
	add_object(&inner, 1, 1, 40, 2, 1004, body, 16);    /* old */
	at = add_object(&inner, 1, 1, 32, 2, 1005, body, 16);
	put_le16(inner.data + at + 4, 16);                  /* an FD logger */
	add_object(&inner, 86, 1, 32, 2, 1006, body, 24);
	read_objects();
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.n, 8);
	for (size_t i = 0; i < 8; i++) {
		static const int64_t times[8] = { 1000, 1001, 50000, 1002,
			1003, 1004, 1005, 1006 };
		const struct evcan_frame *f = &told.frames[i];

		assert_true(f->time_ns == times[i]);
		assert_int_equal(f->id, 0x123);
		assert_int_equal(f->len, 2);
		assert_memory_equal(f->data, "\xaa\xbb\0\0\0\0\0\0", 8);
		assert_string_equal(evcan_channel_name(f->channel), "can2");
	}
}

/* The last frame's object says more data than it has. */
static void
check_short(unsigned type, const uint8_t *body, size_t len, size_t stored,
    unsigned claimed)
{
	const struct evcan_frame *f = &told.frames[0];

	start_over();
	add_object(&inner, type, 1, 32, 2, 0, body, len);
	add_can(&inner, 1);
	read_objects();
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.n, 2);
	assert_int_equal(f->len, claimed);
	for (size_t i = 0; i < claimed; i++)
		assert_int_equal(f->data[i], i < stored ? 0xdd : 0);
}

static void
test_short_data(void **state)
{
	uint8_t body[160];

	(void)state;
	memset(body, 0xdd, sizeof(body));
	memset(body, 0, 40);
	body[0] = 1;
	body[1] = 15;
	body[2] = 64;
	put_le32(body + 12, 0x1000);
	check_short(101, body, 40 + 48, 48, 64);
	check_short(101, body, 40, 0, 64);
	check_short(101, body, 40 + 70, 64, 64);
	body[35] = 32 + 40 + 20;   /* an extension begins there */
	check_short(101, body, 40 + 28, 20, 64);
	body[35] = 240;            /* garbage */
	check_short(101, body, 40 + 28, 28, 64);
	body[35] = 3;
	check_short(101, body, 40 + 28, 28, 64);
	body[2] = 255;
	check_short(101, body, 40 + 28, 28, 64);
	memset(body, 0, 20);
	body[3] = 15;
	body[13] = 1;
	body[14] = 64;
	memset(body + 20, 0xdd, 20);
	check_short(100, body, 20 + 33, 33, 64);
	body[13] = 0;              /* a classic frame in an FD object */
	body[3] = 8;
	body[14] = 8;
	check_short(100, body, 20 + 5, 5, 8);
	memset(body, 0, 8);
	memset(body + 8, 0xdd, 8);
	body[3] = 8;
	check_short(1, body, 8 + 3, 3, 8);
}

static void
test_odd_frames(void **state)
{
	uint8_t body[64] = { 0 };

	(void)state;
	start_over();
	put_le16(body, 0x1111);
	body[2] = 0x22;
	body[3] = 0x33;                        /* DLC 51 */
	put_le32(body + 4, 0x44444444);        /* 27 bits and no flag */
	add_object(&inner, 1, 1, 32, 2, 0, body, 16);
	memset(body, 0, sizeof(body));
	body[2] = 0x80;
	body[3] = 12;                          /* remote, DLC kept */
	add_object(&inner, 1, 1, 32, 2, 0, body, 16);
	memset(body, 0, sizeof(body));
	body[1] = 9;
	body[2] = 12;
	body[34] = 7;
	put_le32(body + 12, 0x1010);           /* FD and remote */
	add_object(&inner, 101, 1, 32, 2, 0, body, 52);
	put_le32(body + 12, 0x10);
	add_object(&inner, 101, 1, 32, 2, 0, body, 40);
	read_objects();
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.n, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(evcan_frame_check(&told.frames[i], NULL), 0);
	assert_int_equal(told.frames[0].id, 0x4444444);
	assert_int_equal(told.frames[0].flags, EVCAN_FRAME_EXT);
	assert_int_equal(told.frames[0].dlc, 8);
	assert_int_equal(told.frames[0].dir, EVCAN_DIR_TXRQ);
	assert_string_equal(evcan_channel_name(told.frames[0].channel),
	    "can4368");
	assert_int_equal(told.frames[1].flags, EVCAN_FRAME_RTR);
	assert_int_equal(told.frames[1].dlc, 12);
	assert_int_equal(told.frames[1].channel, EVCAN_CHANNEL_NONE);
	assert_int_equal(told.frames[2].flags, EVCAN_FRAME_FD);
	assert_int_equal(told.frames[2].dir, EVCAN_DIR_TX);
	assert_int_equal(told.frames[3].flags, EVCAN_FRAME_RTR);
}

static void
test_errors(void **state)
{
	static const struct {
		uint32_t flags;
		uint8_t ecc;
		uint16_t code;
		uint8_t class, type, place;
	} codes[] = {
		{ 0x20, 0, 0, 0x80, 0, 0 },           /* nothing known */
		{ 1, 0xca, 0, 0x88, 0x80, 0x0a },     /* other, sending */
		{ 1, 0x6a, 0, 0x88, 0x02, 0x0a },     /* form, receiving */
		{ 1, 0x99, 0, 0x88, 0x84, 0x19 },     /* stuff */
		{ 2, 0, 0x0123, 0x88, 0x01 << 0 | 0x00, 0x03 },
		{ 2, 0, 0x0120, 0x88, 0x00, 0x08 },   /* CRC */
		{ 2, 0, 0x0140, 0x88, 0x80, 0x1b },   /* acknowledge */
		{ 2, 0, 0x0fff, 0x80, 0, 0 },
		{ 3, 0, 0x1000, 0x80, 0, 0 },
	};
	const size_t n = sizeof(codes) / sizeof(codes[0]);
	uint8_t body[32];

	(void)state;
	start_over();
	for (size_t i = 0; i < n; i++) {
		memset(body, 0x77, sizeof(body));
		put_le16(body, 2);
		put_le32(body + 4, codes[i].flags);
		body[8] = codes[i].ecc;
		put_le16(body + 20, codes[i].code);
		add_object(&inner, 73, 1, 32, 2, i, body, 32);
	}
	memset(body, 0, sizeof(body));
	body[0] = 2;
	add_object(&inner, 2, 1, 32, 2, 0, body, 4);
	add_object(&inner, 3, 1, 32, 2, 0, body, 8);
	read_objects();
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.n, n + 2);
	for (size_t i = 0; i < n; i++) {
		const struct evcan_frame *f = &told.frames[i];

		/* the kind is in bits 6 up: 0x0123 is 4, CRC, at place 3 */
		assert_int_equal(f->flags, EVCAN_FRAME_ERR);
		assert_int_equal(f->id, codes[i].class);
		assert_int_equal(f->len, 8);
		if (codes[i].code != 0x0123)
			assert_int_equal(f->data[2], codes[i].type);
		else
			assert_int_equal(f->data[2], 0);
		assert_int_equal(f->data[3], codes[i].place);
	}
	assert_int_equal(told.frames[n].id, 0x80);
	assert_int_equal(told.frames[n + 1].flags, EVCAN_FRAME_OVERLOAD);
}

static void
test_padding(void **state)
{
	static const char text[64] = "not ours, only a comment";
	uint8_t body[64] = { 0 };

	(void)state;
	for (unsigned size = 16; size < 40; size++) {
		for (unsigned padding = 0; padding <= 8; padding++) {
			start_over();
			add_can(&inner, 1);
			memcpy(body + 16, text, 48);
			put_le32(body + 8, 1000);   /* more than is there */
			add_object(&inner, 65, 1, 32, 2, 0, body, size);
			add_zero(&inner, padding);
			add_can(&inner, 2);
			add_zero(&inner, padding);
			read_objects();
			assert_cans(2, 1, 2);
			assert_int_equal(told.errors, 0);
			assert_int_equal(told.out.skipped, 1);
		}
	}
}

/* An old marker is 24 bytes larger than it says. */
static void
test_markers(void **state)
{
	uint8_t body[80] = { 0 };
	size_t at;

	(void)state;
	start_over();
	put_le32(body + 16, 5);
	put_le32(body + 20, 12);
	put_le32(body + 24, 14);
	memcpy(body + 40, "Groupname\0\0\0\0\0\0\0\0more text\0\0\0\0\0", 31);
	at = add_object(&inner, 96, 1, 32, 2, 42, body, 40 + 31);
	put_le32(inner.data + at + 8, 32 + 40 + 31 - 24);
	add_can(&inner, 1);
	read_objects();
	assert_cans(1, 1);
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.events, 1);
	assert_string_equal(told.event, "name: more text");
	assert_int_equal(told.event_ns, 42);
	/* python-can's, cut short by its lengths */
	start_over();
	put_le32(body + 20, 10);
	put_le32(body + 24, 0xffffffff);
	memcpy(body + 40, "Texts" "python-can" "Added", 20);
	add_object(&inner, 96, 1, 32, 2, 42, body, 60);
	add_can(&inner, 1);
	read_objects();
	assert_cans(1, 1);
	assert_string_equal(told.event, "Texts");
}

/* Appending */

static void
test_append(void **state)
{
	struct evcan_frame f[4] = { make(START, 1, 0, 1),
		make(START + MS, 2, 0, 1), make(START + 2 * MS, 3, 0, 1),
		make(START - 5 * MS, 4, 0, 1) };
	struct file file = { 0 };

	(void)state;
	f[0].channel = (uint16_t)evcan_channel_intern("vcan0");
	f[2].channel = (uint16_t)evcan_channel_intern("slcan0");
	open_file(&file, "tz=utc");
	write_frames(&file, f, 1);
	close_file(&file);
	memset(file.out.data + 72, 0x11, 16);   /* restore points */
	memset(file.out.data + 12, 0x22, 1);    /* who wrote it */
	open_file(&file, "tz=utc");
	assert_int_equal(file.format->encode_event(file.state, START + MS,
	    "again", &file.out), 0);
	write_frames(&file, f + 1, 3);
	assert_int_equal(file.info.lost[5], 1);   /* before the start */
	close_file(&file);
	assert_int_equal(get_le32(file.out.data + 16), file.out.len);
	assert_int_equal(get_le64(file.out.data + 72), 0);
	assert_int_equal(get_le64(file.out.data + 80), 0);
	assert_int_equal(file.out.data[12], 0x22);
	/* 4 frames, an event, and the names of 3 channels */
	assert_int_equal(get_le32(file.out.data + 32), 8);
	read_all(file.out.data, file.out.len);
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.n, 4);
	f[3].time_ns = START;
	for (int i = 0; i < 4; i++)
		assert_same(&told.frames[i], &f[i]);
	assert_string_equal(told.event, "again");
	free(file.out.data);
}

static void
test_append_refused(void **state)
{
	const struct evcan_format *format = evcan_format_find("blf");
	uint8_t head[200] = "LOGG\x90";
	struct evcan_past past = { head, sizeof(head), sizeof(head) };
	struct evcan_buffer out = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++) {
		void *writer = calloc(1, format->write_size);
		struct evcan_error err = { 0 };
		int r;

		assert_int_equal(evcan_options_fill(NULL,
		    format->write_options, writer, NULL), 0);
		past.head_len = i == 1 ? 0 : i == 2 ? 60 : sizeof(head);
		past.size = i == 2 ? 60 : sizeof(head);
		head[0] = i == 3 ? 'M' : 'L';
		head[40] = i == 4 ? 99 : 0;      /* year 99, month 0 */
		r = format->begin(writer, &past, &out, &err);
		if (i == 0) {
			assert_int_equal(r, 0);
		} else {
			assert_true(r < 0);
			assert_non_null(strstr(err.text, "appended"));
		}
		format->write_done(writer);
		free(writer);
	}
	free(out.data);
}

static void
test_options(void **state)
{
	struct evcan_frame f = make(START, 1, 0, 1);
	struct file file = { 0 };

	(void)state;
	f.channel = 0;
	open_file(&file, "tz=utc channel=9");
	write_frames(&file, &f, 1);
	f.channel = (uint16_t)evcan_channel_intern("left");
	write_frames(&file, &f, 1);
	close_file(&file);
	read_in(&told, file.out.data, file.out.len, 99, "tz=utc");
	assert_int_equal(told.n, 2);
	assert_string_equal(evcan_channel_name(told.frames[0].channel),
	    "can8");
	assert_string_equal(evcan_channel_name(told.frames[1].channel),
	    "left");
	read_in(&told, file.out.data, file.out.len, 99,
	    "tz=utc channels=right=1,nine=9");
	assert_string_equal(evcan_channel_name(told.frames[0].channel),
	    "nine");
	assert_string_equal(evcan_channel_name(told.frames[1].channel),
	    "right");
	free(file.out.data);
}

/* More frames than a container, with helpers, flushed here and there. */
static void
test_many(void **state)
{
	static struct evcan_frame f[3000];
	static const char *const options[] = { "tz=utc threads=2 "
		"max_container_size=2000", "tz=utc max_container_size=2000",
		"tz=utc compression_level=0 max_container_size=999" };

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		f[i] = make(START + (int64_t)i * 12345, (uint32_t)i % 2048,
		    i % 5 == 0 ? EVCAN_FRAME_FD : 0, i % 9);
	for (size_t k = 0; k < 3; k++) {
		struct file file = { 0 };

		open_file(&file, options[k]);
		for (size_t i = 0; i < 3000; i += 300) {
			write_frames(&file, f + i, 300);
			if (i % 900 != 0)
				continue;
			assert_int_equal(file.format->flush(file.state,
			    &file.out), 0);
			assert_int_equal(file.format->held(file.state), 0);
			read_all(file.out.data, file.out.len);
			assert_int_equal(told.n, i + 300);
			assert_int_equal(told.errors, 0);
		}
		close_file(&file);
		assert_int_equal(get_le32(file.out.data + 32), 3000);
		read_in(&told, file.out.data, file.out.len, 777, "tz=utc");
		assert_int_equal(told.n, 3000);
		for (size_t i = 0; i < 3000; i++)
			assert_same(&told.frames[i], &f[i]);
		free(file.out.data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_start_moves),
		cmocka_unit_test(test_extreme_times),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_local_time),
		cmocka_unit_test(test_repeated_hour),
		cmocka_unit_test(test_events_and_gaps),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_short_data),
		cmocka_unit_test(test_odd_frames),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_markers),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_append_refused),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

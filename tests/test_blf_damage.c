/* SPDX-License-Identifier: BSD-3-Clause */
/* test_blf_damage.c - BLF files that are cut, damaged, lie or go on */
#include "blf_fixture.h"

static struct told again;

/* Objects cut at any byte between containers, shown in any pieces. */
static void
test_straddling(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= 3 * 48 + 50; cut += 5) {
		const unsigned method = cut % 2 ? 2 : 0;

		start_over();
		add_can(&inner, 1);
		add_object(&inner, 65, 1, 32, 2, 0, "seventeen bytes..",
		    17);
		add_zero(&inner, 1);
		add_can(&inner, 2);
		add_can(&inner, 3);
		add_container(&outer, method, inner.data, cut);
		add_container(&outer, 2, inner.data, 0);
		add_container(&outer, 2, inner.data + cut, inner.len - cut);
		read_all(outer.data, outer.len);
		assert_cans(3, 1, 2, 3);
		assert_int_equal(told.errors, 0);
		read_in(&again, outer.data, outer.len, cut % 7 + 1, "");
		assert_int_equal(again.n, 3);
		assert_int_equal(again.errors, 0);
		for (int i = 0; i < 3; i++)
			assert_same(&again.frames[i], &told.frames[i]);
	}
}

static void
test_bad_objects(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 15, 16, 31, 33, 47, 49, 60,
		1000, 0x7fffffff, 0xffffffff };
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		start_over();
		add_can(&inner, 1);
		at = add_can(&inner, 2);
		add_can(&inner, 3);
		add_can(&inner, 4);
		put_le32(inner.data + at + 8, sizes[i]);
		read_objects();
		assert_true(told.errors > 0 || sizes[i] >= 40);
		assert_true(told.n >= 1 && told.frames[0].id == 1);
		if (sizes[i] < 1000 || sizes[i] > 16 << 20)
			assert_int_equal(told.frames[told.n - 1].id, 4);
		/* and as objects of the file */
		start_over();
		add_can(&outer, 1);
		at = add_can(&outer, 2);
		add_can(&outer, 3);
		add_can(&outer, 4);
		put_le32(outer.data + at + 8, sizes[i]);
		read_all(outer.data, outer.len);
		assert_true(told.n >= 3);
		assert_int_equal(told.frames[told.n - 1].id, 4);
	}
	start_over();
	at = add_object(&inner, 1, 1, 32, 2, UINT64_MAX, "", 0);
	add_object(&inner, 1, 1, 32, 2, UINT64_MAX / 2, inner.data, 16);
	add_object(&inner, 1, 1, 32, 1, UINT64_MAX / 4, inner.data, 16);
	add_object(&inner, 1, 1, 32, 2, UINT64_MAX, inner.data, 16);
	add_can(&inner, 1);
	read_objects();
	assert_int_equal(told.errors, 3);
	assert_int_equal(told.frames[told.n - 1].id, 1);
}

static void
test_garbage(void **state)
{
	uint8_t garbage[100];
	size_t at, at2;

	(void)state;
	memset(garbage, 0xa5, sizeof(garbage));
	start_over();
	add_can(&inner, 1);
	add_container(&outer, 2, inner.data, 48);
	at = outer.len;
	add(&outer, garbage, 100);
	add_container(&outer, 2, inner.data, 48);
	at2 = outer.len;
	add_zero(&outer, 500);
	read_all(outer.data, outer.len);
	assert_cans(2, 1, 1);
	assert_int_equal(told.errors, 2);
	/* perhaps with what could be padding */
	assert_in_range(told.error_at, at - 3, at);
	read_in(&again, outer.data, outer.len, 1, "");
	assert_int_equal(again.n, 2);
	assert_int_equal(again.errors, 2);
	/* garbage inside */
	start_over();
	add_can(&inner, 1);
	add(&inner, garbage, 100);
	add_can(&inner, 2);
	at = add_container(&outer, 2, inner.data, inner.len);
	read_all(outer.data, outer.len);
	assert_cans(2, 1, 2);
	assert_int_equal(told.errors, 1);
	assert_int_equal(told.error_at, at);
	(void)at2;
	/* no header at all */
	read_all(outer.data + 144, outer.len - 144);
	assert_cans(2, 1, 2);
	assert_int_equal(told.errors, 2);
}

/* Containers that lie */
static void
test_bad_containers(void **state)
{
	static const int32_t lies[] = { -40, -5, -1, 1, 5, 100, 4000, 1 << 20,
		0x7fffff };
	static uint8_t zeros[60000];
	size_t at, next;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		for (unsigned method = 0; method <= 2; method += 2) {
			start_over();
			for (unsigned k = 1; k <= 3; k++)
				add_can(&inner, k);
			at = add_container(&outer, method, inner.data, 144);
			add_can(&inner, 4);
			add_container(&outer, method, inner.data + 144, 48);
			put_le32(outer.data + at + 8, (uint32_t)((int32_t)
			    get_le32(outer.data + at + 8) + lies[i]));
			read_all(outer.data, outer.len);
			assert_cans(4, 1, 2, 3, 4);
		}
	}
	/* an uncompressed size that is wrong */
	start_over();
	at = add_container(&outer, 2, zeros, sizeof(zeros));
	put_le32(outer.data + at + 24, 7);
	add_container(&outer, 2, inner.data, 192);
	put_le32(outer.data + outer.len - 144 + 24, 0);
	read_all(outer.data, outer.len);
	assert_int_equal(told.frames[told.n - 1].id, 4);
	start_over();
	add_can(&inner, 1);
	at = add_container(&outer, 2, inner.data, 48);
	put_le32(outer.data + at + 24, 0xffffffff);
	read_all(outer.data, outer.len);
	assert_cans(1, 1);
	assert_int_equal(told.errors, 0);
	/* a method that nobody knows */
	start_over();
	add_can(&inner, 1);
	next = add_container(&outer, 2, inner.data, 48);
	at = add_container(&outer, 7, inner.data, 48);
	add_container(&outer, 2, inner.data, 48);
	read_all(outer.data, outer.len);
	assert_cans(2, 1, 1);
	assert_int_equal(told.errors, 1);
	assert_int_equal(told.error_at, at);
	assert_non_null(strstr(told.error, "method 7"));
	(void)next;
}

/* Damage costs one container; an object that began in it is lost too. */
static void
test_damage(void **state)
{
	size_t at, end;

	(void)state;
	for (size_t offset = 32; offset < 50; offset++) {
		start_over();
		for (unsigned k = 1; k <= 6; k++)
			add_can(&inner, k);
		add_container(&outer, 2, inner.data, 96 + 20);
		at = add_container(&outer, 2, inner.data + 116, 96);
		end = outer.len;
		add_container(&outer, 2, inner.data + 212, 76);
		outer.data[at + offset] ^= 0x5a;
		assert_true(at + offset < end);
		read_all(outer.data, outer.len);
		assert_cans(3, 1, 2, 6);
		assert_int_equal(told.errors, 1);
		assert_int_equal(told.error_at, at);
	}
}

/* A container that was being written when the power went, and a file that
 * was appended to it. */
static void
test_torn(void **state)
{
	size_t at, whole;

	(void)state;
	for (unsigned method = 0; method <= 2; method += 2) {
		for (size_t cut = 1; cut < 100; cut++) {
			start_over();
			for (unsigned k = 1; k <= 4; k++)
				add_can(&inner, k);
			at = add_container(&outer, method, inner.data, 192);
			whole = outer.len;
			if (cut >= whole - at)
				break;
			outer.len = at + cut;
			add_can(&inner, 5);
			add_container(&outer, 2, inner.data + 192, 48);
			add_container(&outer, 0, inner.data + 192, 48);
			read_all(outer.data, outer.len);
			assert_true(told.n >= 2 && told.n <= 6);
			/* a few bytes could be padding */
			assert_true(told.errors >= (cut > 8 && cut <
			    get_le32(outer.data + at + 8)));
			for (size_t i = 0; i < told.n; i++)
				assert_int_equal(told.frames[i].id,
				    i + 2 < told.n ? i + 1 : 5);
			for (size_t i = 0; i < told.n; i++)
				assert_int_equal(told.frames[i].data[7],
				    told.frames[i].id + 1);
		}
	}
}

static void
test_two_files(void **state)
{
	struct evcan_frame f[KINDS];
	struct file file = { 0 };
	size_t len;

	(void)state;
	make_kinds(f);
	open_file(&file, "tz=utc");
	write_frames(&file, f, 3);
	close_file(&file);
	len = file.out.len;
	inner.len = 0;
	add(&inner, file.out.data, len);
	file.out.len = 0;
	for (int i = 3; i < 6; i++)
		f[i].time_ns += 3600000000000;
	open_file(&file, "tz=utc");
	write_frames(&file, f + 3, 3);
	close_file(&file);
	add(&inner, file.out.data, file.out.len);
	read_all(inner.data, inner.len);
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.n, 6);
	for (int i = 0; i < 6; i++)
		assert_same(&told.frames[i], &f[i]);
	free(file.out.data);
}

/* A header of zeros, as programs leave it that did not come to their end, or
 * none at all: the file is known by its first object. */
static void
test_no_header(void **state)
{
	const struct evcan_format *blf = evcan_format_find("blf");
	const uint8_t *data = outer.data;

	(void)state;
	start_over();
	add_can(&inner, 1);
	add_can(&inner, 2);
	add_container(&outer, 2, inner.data, inner.len);
	memset(outer.data, 0, 144);
	for (size_t at = 0; at <= 144; at += 144) {
		assert_in_range(blf->bid(data + at, outer.len - at), 50, 99);
		assert_int_equal(blf->bid(data + at, 159 - at), 0);
		read_all(data + at, outer.len - at);
		assert_cans(2, 1, 2);
		assert_int_equal(told.errors, 1);
		assert_int_equal(told.error_at, 0);
		assert_int_equal(told.frames[0].clock,
		    EVCAN_CLOCK_RELATIVE);
	}
	outer.data[143] = 1;
	assert_int_equal(blf->bid(data, outer.len), 0);
	outer.data[143] = 0;
	outer.data[144] = 'K';
	assert_int_equal(blf->bid(data, outer.len), 0);
	for (size_t len = 0; len <= 144; len++)
		assert_int_equal(blf->bid(data, len), 0);
}

/* Each cut gives the whole frames before it, in any pieces the same. */
static void
check_cuts(const char *options)
{
	struct evcan_frame f[KINDS];
	struct file file = { 0 };
	size_t last = 0;

	make_kinds(f);
	open_file(&file, options);
	write_frames(&file, f, KINDS);
	close_file(&file);
	for (size_t cut = 0; cut <= file.out.len; cut++) {
		read_all(file.out.data, cut);
		assert_true(told.n >= last && told.n <= KINDS);
		last = told.n;
		assert_true(told.errors <= 1);
		if (cut > 0 && cut < 144)
			assert_int_equal(told.errors, 1);
		for (size_t i = 0; i < told.n; i++) {
			/* the name of the last channel may be lost */
			if (i == KINDS - 1)
				f[i].channel = told.frames[i].channel;
			assert_same(&told.frames[i], &f[i]);
		}
		read_in(&again, file.out.data, cut, cut % 13 + 1, "tz=utc");
		assert_int_equal(again.n, told.n);
		assert_int_equal(again.errors, told.errors);
		assert_string_equal(again.error, told.error);
		assert_true(again.error_at == told.error_at);
	}
	assert_int_equal(last, KINDS);
	assert_int_equal(told.errors, 0);
	free(file.out.data);
}

static void
test_cuts(void **state)
{
	(void)state;
	check_cuts("tz=utc compression_level=0");
	check_cuts("tz=utc codec=zlib");
	check_cuts("tz=utc max_container_size=300");
	check_cuts("tz=utc max_container_size=128 compression_level=0");
}

/* Any one byte changed: nothing breaks, and nothing endless happens. */
static void
test_flips(void **state)
{
	struct evcan_frame f[KINDS];
	struct file file = { 0 };

	(void)state;
	make_kinds(f);
	for (int level = 0; level < 2; level++) {
		file.out.len = 0;
		open_file(&file, level ? "max_container_size=400" :
		    "compression_level=0 max_container_size=400");
		write_frames(&file, f, KINDS);
		close_file(&file);
		for (size_t i = 0; i < file.out.len; i++) {
			for (unsigned bit = 0; bit < 8; bit += 3) {
				file.out.data[i] ^= (uint8_t)(1u << bit);
				read_all(file.out.data, file.out.len);
				read_in(&again, file.out.data, file.out.len,
				    61, "tz=utc");
				assert_int_equal(again.n, told.n);
				assert_int_equal(again.errors, told.errors);
				file.out.data[i] ^= (uint8_t)(1u << bit);
			}
		}
	}
	free(file.out.data);
}

/* Somebody sends a BLF over the bus, and the container is stored as it is. */
static void
test_sent_container(void **state)
{
	static const uint8_t head[32] = "LOBJ\x10\0\x01\0\xc4\0\0\0\x0a";
	struct evcan_frame f[2];
	struct file file = { 0 };

	(void)state;
	for (unsigned at = 0; at <= 32; at++) {
		f[0] = f[1] = make(START, 0x123, EVCAN_FRAME_FD, 64);
		memcpy(f[0].data + at, head, sizeof(head));
		memcpy(f[1].data + at, head, sizeof(head));
		file.out.len = 0;
		open_file(&file, "tz=utc compression_level=0");
		write_frames(&file, f, 2);
		close_file(&file);
		read_all(file.out.data, file.out.len);
		assert_int_equal(told.errors, 0);
		assert_int_equal(told.n, 2);
		assert_same(&told.frames[0], &f[0]);
		assert_same(&told.frames[1], &f[1]);
	}
	free(file.out.data);
}

/* After a crash: at every byte. */
static void
test_append_torn(void **state)
{
	struct evcan_frame f[KINDS], more = make(START + MS, 0x7f, 0, 8);
	struct file file = { 0 };
	struct bytes *whole = &inner;
	const char *const options[2] = { "tz=utc compression_level=0 "
		"max_container_size=200", "tz=utc max_container_size=500" };

	(void)state;
	make_kinds(f);
	for (int i = 0; i < 2; i++) {
		file.out.len = 0;
		open_file(&file, options[i]);
		write_frames(&file, f, KINDS);
		close_file(&file);
		whole->len = 0;
		add(whole, file.out.data, file.out.len);
		for (size_t cut = 144; cut <= whole->len; cut++) {
			size_t before;

			read_all(whole->data, cut);
			before = told.n;
			memcpy(file.out.data, whole->data, cut);
			file.out.len = cut;
			open_file(&file, "tz=utc");
			write_frames(&file, &more, 1);
			close_file(&file);
			read_all(file.out.data, file.out.len);
			assert_int_equal(told.n, before + 1);
			assert_true(told.errors <= 1);
			assert_same(&told.frames[before], &more);
		}
	}
	free(file.out.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_straddling),
		cmocka_unit_test(test_bad_objects),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_bad_containers),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_two_files),
		cmocka_unit_test(test_no_header),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_sent_container),
		cmocka_unit_test(test_append_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

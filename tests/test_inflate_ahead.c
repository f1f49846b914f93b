/* SPDX-License-Identifier: BSD-3-Clause */
/* test_inflate_ahead.c - helpers that inflate change nothing but the time */
#include "blf_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <evcan/log.h>

#include "alloc_fail.h"
#include "inflate_ahead.h"

#define BLOCK 40000u
#define ALL 50000

static struct told again;

/* The helpers by themselves */

static size_t
make_block(uint8_t *block, uint64_t i)
{
	const size_t n = EVCAN_INFLATE_AHEAD_LEAST + (size_t)(i * 7919 %
	    (BLOCK - EVCAN_INFLATE_AHEAD_LEAST));
	uint32_t x = (uint32_t)i;

	for (size_t k = 0; k < n; k++) {
		x = x * 1664525u + 1013904223u;
		block[k] = (uint8_t)(x >> 28);
	}
	return n;
}

/* Puts the i-th block, with a byte of it changed if it shall be bad.
 * @return its compressed length */
static size_t
put_block(struct evcan_inflate_ahead_ *ahead, uint64_t i, bool bad)
{
	static uint8_t plain[BLOCK], packed[2 * BLOCK];
	uLongf len = sizeof(packed);
	const size_t n = make_block(plain, i);

	assert_int_equal(compress(packed, &len, plain, n), Z_OK);
	if (bad)
		packed[len - 1] ^= 1;
	evcan_inflate_ahead_put_(ahead, i * 10 + 10, packed, len, n);
	memset(packed, 0xee, sizeof(packed));
	return len;
}

/* @return how many had been inflated when they were asked for */
static unsigned
pass_blocks(enum evcan_codec_ codec, unsigned threads)
{
	struct evcan_inflate_ahead_ *ahead = evcan_inflate_ahead_new_(codec,
	    threads);
	struct evcan_inflater_ *inflater = evcan_inflater_new_(codec, NULL);
	struct evcan_inflated_ahead_ block;
	static uint8_t plain[BLOCK];
	size_t len[200] = { 0 };
	uint64_t put = 0;
	unsigned found = 0;

	assert_false(evcan_inflate_ahead_get_(ahead, inflater, 0, 1, &block));
	for (uint64_t i = 0; i < 200; i++) {
		while (put < 200 && evcan_inflate_ahead_has_room_(ahead)) {
			len[put] = put_block(ahead, put, put % 17 == 5);
			put++;
		}
		assert_true(put > i && put - i <= 2 * (threads + 1));
		if (i % 13 == 7)          /* nobody asks for this one */
			continue;
		/* Between two blocks, or of another length: as if none. */
		assert_false(evcan_inflate_ahead_get_(ahead, inflater,
		    i * 10 + 5, 1, &block));
		if (i % 19 == 3)
			assert_false(evcan_inflate_ahead_get_(ahead, inflater,
			    i * 10 + 10, len[i] - 1, &block));
		if (!evcan_inflate_ahead_get_(ahead, inflater, i * 10 + 10,
		    len[i], &block))
			continue;
		assert_int_not_equal(i % 17, 5);
		assert_int_not_equal(i % 19, 3);
		assert_int_equal(block.len, make_block(plain, i));
		assert_int_equal(block.used, len[i]);
		assert_memory_equal(block.data, plain, block.len);
		found++;
	}
	evcan_inflate_ahead_free_(ahead);
	evcan_inflater_free_(inflater);
	return found;
}

static void
test_blocks(void **state)
{
	unsigned found = 0;

	(void)state;
	for (int codec = 0; codec <= EVCAN_CODEC_ISAL; codec++)
		for (unsigned threads = 1; threads < 5; threads++)
			if (evcan_codec_is_built_in_(codec))
				found += pass_blocks(codec, threads);
	/* A busy machine may give helpers no turn for long. */
	for (int i = 0; i < 100 && found == 0; i++)
		found = pass_blocks(EVCAN_CODEC_ZLIB, 1);
	assert_true(found > 0);
	evcan_inflate_ahead_free_(NULL);
}

/* A block that nobody fetches is not waited for; what does not fit is not
 * taken. */
static void
test_end(void **state)
{
	static uint8_t big[EVCAN_INFLATE_AHEAD_MOST + 1];
	struct evcan_inflated_ahead_ block;

	(void)state;
	for (unsigned threads = 1; threads < 4; threads++) {
		struct evcan_inflate_ahead_ *ahead =
		    evcan_inflate_ahead_new_(EVCAN_CODEC_AUTO, threads);
		uint64_t i = 0;

		evcan_inflate_ahead_put_(ahead, 0, big, sizeof(big), 9999);
		evcan_inflate_ahead_put_(ahead, 1, big, 99, sizeof(big));
		evcan_inflate_ahead_put_(ahead, 2, big, 99, 99);
		evcan_inflate_ahead_put_(ahead, 3, big, 0, 9999);
		assert_false(evcan_inflate_ahead_get_(ahead, NULL, 2, 99,
		    &block));
		while (evcan_inflate_ahead_has_room_(ahead))
			put_block(ahead, i++, false);
		assert_int_equal(i, 2 * (threads + 1));
		put_block(ahead, i, false);
		evcan_inflate_ahead_free_(ahead);
	}
}

/* BLF: the same is told with helpers and without them */

/* The mix of containers: large, small, stored, and a long object. */
static void
make_file(struct file *file, unsigned kind)
{
	static const char *const options[] = {
		"tz=utc max_container_size=9000",
		"tz=utc max_container_size=20000 compression_level=9",
		"tz=utc max_container_size=8500 codec=zlib",
	};
	struct evcan_frame f[100];

	memset(file, 0, sizeof(*file));
	open_file(file, options[kind]);
	for (unsigned i = 0; i < 40; i++) {
		for (unsigned k = 0; k < 100; k++)
			f[k] = make(START + (i * 100 + k) * (int64_t)MS,
			    (i * 7919 + k * 31) % 2048,
			    kind == 1 && k % 3 == 0 ? EVCAN_FRAME_FD : 0,
			    k % 9);
		write_frames(file, f, 100);
		if (kind == 2 && i % 5 == 0)
			assert_int_equal(file->format->flush(file->state,
			    &file->out), 0);
	}
	close_file(file);
}

static void
assert_same_told(const struct told *a, const struct told *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->errors, b->errors);
	assert_int_equal(a->events, b->events);
	assert_string_equal(a->error, b->error);
	assert_int_equal(a->error_at, b->error_at);
	assert_int_equal(a->out.skipped, b->out.skipped);
	for (size_t i = 0; i < a->n; i++)
		assert_same(&a->frames[i], &b->frames[i]);
}

static void
compare(const uint8_t *data, size_t len, size_t step)
{
	char options[40];

	read_in(&told, data, len, step, "tz=utc threads=0");
	for (unsigned threads = 1; threads <= 3; threads += 2) {
		snprintf(options, sizeof(options), "tz=utc threads=%u",
		    threads);
		read_in(&again, data, len, step, options);
		assert_same_told(&again, &told);
	}
}

static void
test_good(void **state)
{
	static const size_t steps[] = { 997, 5000, 65536, SIZE_MAX / 2 };
	struct file file;

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		make_file(&file, kind);
		for (size_t i = 0; i < 4; i++) {
			compare(file.out.data, file.out.len, steps[i]);
			assert_int_equal(told.n, 4000);
			assert_int_equal(told.errors, 0);
		}
		free(file.out.data);
	}
}

/* Bytes changed, removed and repeated anywhere behind the head. */
static void
damage(uint8_t *data, size_t *len, uint32_t x)
{
	const size_t at = 144 + x % (*len - 300), n = x / 7 % 150 + 1;

	switch (x / 3 % 4) {
	case 0:
		data[at] ^= (uint8_t)(x >> 8 | 1);
		break;
	case 1:
		memmove(data + at, data + at + n, *len - at - n);
		*len -= n;
		break;
	case 2:
		memmove(data + at, data + 144, n);
		break;
	default:
		memset(data + at, 0, n);
	}
}

static void
test_damage(void **state)
{
	unsigned faults = 0;
	struct file file;
	uint8_t *copy;

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		make_file(&file, kind);
		copy = malloc(file.out.len);
		for (uint32_t i = 0; i < 60; i++) {
			size_t len = file.out.len;
			uint32_t x = i * 2654435761u + kind;

			memcpy(copy, file.out.data, len);
			for (unsigned k = 0; k <= i % 4; k++) {
				x = x * 1664525u + 1013904223u;
				damage(copy, &len, x >> 4);
			}
			compare(copy, len, i % 3 == 0 ? 6000 : SIZE_MAX / 2);
			faults += told.errors;
		}
		free(copy);
		free(file.out.data);
	}
	assert_true(faults > 100);
}

/* By the front door */

struct feed {
	const struct file *file;
	int fd;
};

static void *
write_slowly(void *arg)
{
	const struct feed *feed = arg;
	size_t at = 0;

	while (at < feed->file->out.len) {
		const size_t left = feed->file->out.len - at;
		const ssize_t n = write(feed->fd, feed->file->out.data + at,
		    left < 7777 ? left : 7777);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	close(feed->fd);
	return NULL;
}

/* @param frames to read at most. @return how many came, or an error */
static int
read_log(struct evcan_log_reader *reader, int frames)
{
	static struct evcan_frame batch[64];
	int seen = 0, r = 1;

	while (seen < frames && (r = evcan_log_reader_read(reader, batch,
	    64)) > 0)
		seen += r;
	return r < 0 ? r : seen;
}

/* A pipe whose writer has its own pace; one that is left in the middle. */
static void
test_pipe(void **state)
{
	struct file file;

	(void)state;
	make_file(&file, 0);
	for (int limit = 1000; limit <= ALL; limit *= 50) {
		struct evcan_log_reader *reader;
		struct feed feed = { .file = &file };
		pthread_t thread;
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		feed.fd = fds[1];
		fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
		assert_int_equal(pthread_create(&thread, NULL, write_slowly,
		    &feed), 0);
		reader = evcan_log_reader_new_fd(fds[0], "pipe", NULL, NULL);
		assert_non_null(reader);
		if (limit == ALL)
			assert_int_equal(read_log(reader, limit), 4000);
		else
			assert_in_range(read_log(reader, limit), limit,
			    limit + 64);
		evcan_log_reader_free(reader);
		pthread_join(thread, NULL);
	}
	free(file.out.data);
}

static int
open_copy(const struct file *file)
{
	char path[] = "/tmp/evcan-test-XXXXXX";
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, file->out.data, file->out.len),
	    (ssize_t)file->out.len);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Again from the start, from anywhere. */
static void
test_rewind(void **state)
{
	struct evcan_log_reader *reader;
	struct file file;

	(void)state;
	make_file(&file, 0);
	reader = evcan_log_reader_new_fd(open_copy(&file), "x", NULL, NULL);
	assert_non_null(reader);
	for (int i = 0; i < 4000; i += 333) {
		assert_in_range(read_log(reader, i), i, i + 64);
		assert_int_equal(evcan_log_reader_rewind(reader), 0);
	}
	assert_int_equal(read_log(reader, ALL), 4000);
	evcan_log_reader_free(reader);
	free(file.out.data);
}

/* Whatever fails: all frames come, or it is told that memory is short. */
static void
test_memory(void **state)
{
	struct file file;
	bool failed = true;

	(void)state;
	if (!alloc_fail_works())
		skip();
	make_file(&file, 1);
	for (long n = 1; failed; n++) {
		struct evcan_error err = { 0 };
		struct evcan_log_reader *reader;
		const int fd = open_copy(&file);
		int r = EVCAN_ERR_NOMEM;

		alloc_fail_start(n);
		reader = evcan_log_reader_new_fd(fd, "x", NULL, &err);
		if (reader != NULL)
			r = read_log(reader, ALL);
		failed = alloc_fail_stop();
		evcan_log_reader_free(reader);
		assert_true(r == 4000 || (failed && r == EVCAN_ERR_NOMEM));
	}
	free(file.out.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_rewind),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

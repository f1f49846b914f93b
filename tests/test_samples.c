/* SPDX-License-Identifier: BSD-3-Clause */
/* test_samples.c - real tools' logs: every frame is read, cut or whole */
#include "samples.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evcan/format.h>

/* Threads have nothing to do with it, and TSan makes it ten times slower. */
#ifdef __SANITIZE_THREAD__
enum { CUTS = 20 };
#else
enum { CUTS = 200 };
#endif

static void
read_sample(const struct sample *s, size_t batch, struct frames *all)
{
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader = evcan_log_reader_new(s->path, NULL,
	    &err);

	if (reader == NULL)
		fail_msg("%s", err.text);
	if (strcmp(evcan_log_reader_format(reader), s->format) != 0)
		fail_msg("%s: taken for %s, is %s", s->name,
		    evcan_log_reader_format(reader), s->format);
	read_frames(reader, batch, all);
	evcan_log_reader_free(reader);
}

static int
count_flag(const struct frames *all, unsigned flag)
{
	int n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += (all->frames[i].flags & flag) != 0;
	return n;
}

static bool
differs(const struct sample *s, const char *what, int is, int should)
{
	if (should < 0 || is == should)
		return false;
	print_message("%s: %d %s instead of %d\n", s->name, is, what,
	    should);
	return true;
}

static void
test_counts(void **state)
{
	unsigned wrong = 0;

	(void)state;
	if (!load_samples()) {
		may_skip("EVCAN_SAMPLES names no folder");
		return;
	}
	for (size_t i = 0; i < sample_count; i++) {
		const struct sample *s = &samples[i];
		struct frames all, ones;

		read_sample(s, 1024, &all);
		wrong += differs(s, "frames", (int)all.n, s->frames);
		wrong += differs(s, "FD frames",
		    count_flag(&all, EVCAN_FRAME_FD), s->fd);
		wrong += differs(s, "error frames",
		    count_flag(&all, EVCAN_FRAME_ERR), s->err);
		wrong += differs(s, "remote frames",
		    count_flag(&all, EVCAN_FRAME_RTR), s->rtr);
		assert_int_equal(all.stats.frames, all.n);
		for (size_t k = 0; k < all.n; k++)
			check_sane(s->name, &all.frames[k]);
		/* The size of a batch changes nothing. */
		read_sample(s, 1, &ones);
		assert_int_equal(ones.n, all.n);
		for (size_t k = 0; k < all.n; k++)
			assert_true(same_frame(&all.frames[k],
			    &ones.frames[k]));
		free(all.frames);
		free(ones.frames);
	}
	assert_int_equal(wrong, 0);
	assert_true(sample_count >= 119);
}

/* A file that comes in pieces of odd sizes, as from a slow pipe. */
struct pieces {
	int fd;
	unsigned turn;
};

static int64_t
read_piece(void *arg, void *buf, size_t size)
{
	static const size_t sizes[] = { 1, 7, 4096, 61, 65536, 13 };
	struct pieces *pieces = arg;
	size_t n = sizes[pieces->turn++ % 6];

	return read(pieces->fd, buf, n < size ? n : size);
}

static int
close_pieces(void *arg)
{
	struct pieces *pieces = arg;

	return close(pieces->fd) < 0 ? -1 : 0;
}

static void
test_pieces(void **state)
{
	(void)state;
	if (!load_samples()) {
		may_skip("EVCAN_SAMPLES names no folder");
		return;
	}
	for (size_t i = 0; i < sample_count; i++) {
		const struct sample *s = &samples[i];
		struct pieces pieces = { open(s->path, O_RDONLY), 0 };
		const struct evcan_log_io io = { .read = read_piece,
		    .close = close_pieces, .arg = &pieces };
		struct evcan_error err = { 0 };
		struct evcan_log_reader *reader;
		struct frames whole, all;

		reader = evcan_log_reader_new_io(&io, s->name, NULL, &err);
		if (evcan_format_find(s->format)->flags &
		    EVCAN_FORMAT_PATH_ONLY) {
			assert_null(reader);
			assert_non_null(strstr(err.text, "path"));
			continue;
		}
		if (reader == NULL)
			fail_msg("%s: %s", s->name, err.text);
		read_frames(reader, 333, &all);
		evcan_log_reader_free(reader);
		read_sample(s, 1024, &whole);
		assert_int_equal(all.n, whole.n);
		assert_int_equal(all.faults, whole.faults);
		for (size_t k = 0; k < all.n; k++)
			assert_true(same_frame(&all.frames[k],
			    &whole.frames[k]));
		free(all.frames);
		free(whole.frames);
	}
}

static void
copy_file(const char *from, const char *to)
{
	static char buf[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	assert_true(in != NULL && out != NULL);
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		assert_int_equal(fwrite(buf, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

/* Frames of a cut log stand in the whole one, in the same order: all but the
 * last, which the cut may have gone through. */
static void
check_part(const struct sample *s, const struct frames *whole,
    const struct frames *part, long cut)
{
	size_t at = 0;

	for (size_t i = 0; i + 1 < part->n; i++, at++) {
		while (at < whole->n && !same_frame(&whole->frames[at],
		    &part->frames[i]))
			at++;
		if (at == whole->n)
			fail_msg("%s cut at %ld: frame %zu was never written",
			    s->name, cut, i);
	}
}

/* @return frames that came */
static size_t
read_cut(const struct sample *s, const char *path, const char *format,
    const struct frames *whole, long cut)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	struct frames part;
	size_t n;

	evcan_options_set(options, "format", format, NULL);
	reader = evcan_log_reader_new(path, options, &err);
	evcan_options_free(options);
	if (reader == NULL) {
		assert_true(err.text[0] != '\0');
		return 0;
	}
	read_frames(reader, 1024, &part);
	evcan_log_reader_free(reader);
	for (size_t i = 0; i < part.n; i++)
		check_sane(s->name, &part.frames[i]);
	check_part(s, whole, &part, cut);
	/* A fault of a cut log names the place: file:line or offset. */
	if (part.faults > whole->faults && strchr(part.last.text, ':') == NULL)
		fail_msg("%s cut at %ld: %s", s->name, cut, part.last.text);
	n = part.n;
	free(part.frames);
	return n;
}

static void
cut_sample(const struct sample *s, const char *path)
{
	struct frames whole;
	struct stat st;
	size_t before;

	read_sample(s, 1024, &whole);
	copy_file(s->path, path);
	assert_int_equal(stat(path, &st), 0);
	before = whole.n;
	for (int i = CUTS - 1; i >= 0; i--) {
		const long cut = (long)(st.st_size * i / CUTS);
		size_t n;

		assert_int_equal(truncate(path, cut), 0);
		n = read_cut(s, path, s->format, &whole, cut);
		/* What a shorter file holds, a longer one does. */
		if (n > before + 1)
			fail_msg("%s cut at %ld gives %zu frames, %zu when "
			    "longer", s->name, cut, n, before);
		before = n;
	}
	free(whole.frames);
}

static void
test_cuts(void **state)
{
	char dir[] = "/tmp/evcan-test-XXXXXX", path[64];

	(void)state;
	if (!load_samples()) {
		may_skip("EVCAN_SAMPLES names no folder");
		return;
	}
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cut", dir);
	for (size_t i = 0; i < sample_count; i++)
		cut_sample(&samples[i], path);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

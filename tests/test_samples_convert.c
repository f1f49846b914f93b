/* SPDX-License-Identifier: BSD-3-Clause */
/* test_samples_convert.c - real tools' logs into every format and back */
#include "samples.h"

#include <time.h>
#include <unistd.h>

#include <evcan/format.h>

#include "frame_loss.h"

static char dir[] = "/tmp/evcan-test-XXXXXX";

/* What became of one frame on its way into a file. */
struct fate {
	bool unfit;
	uint32_t lost;   /* bits: of frame_losses */
};

static void
count_lost(const struct evcan_log_writer *writer, uint64_t lost[FRAME_LOSSES])
{
	const char *name;
	uint64_t count;
	int index;

	memset(lost, 0, FRAME_LOSSES * sizeof(*lost));
	for (size_t i = 0;
	    (name = evcan_log_writer_lost(writer, i, &count)) != NULL; i++) {
		index = find_loss(name);
		if (index < 0)
			fail_msg("unknown attribute %s", name);
		lost[index] = count;
	}
}

static void
write_one(struct evcan_log_writer *writer, const struct evcan_frame *frame,
    uint64_t before[FRAME_LOSSES], uint64_t *unfit, struct fate *fate)
{
	uint64_t after[FRAME_LOSSES];
	struct evcan_log_write_stats stats;

	if (evcan_log_writer_write(writer, frame, 1) != 1)
		fail_msg("%s", evcan_log_writer_error(writer)->text);
	evcan_log_writer_get_stats(writer, &stats);
	count_lost(writer, after);
	fate->unfit = stats.unfit > *unfit;
	fate->lost = 0;
	for (size_t i = 0; i < FRAME_LOSSES; i++)
		if (after[i] > before[i])
			fate->lost |= UINT32_C(1) << i;
	*unfit = stats.unfit;
	memcpy(before, after, sizeof(after));
}

static void
write_all(const char *path, const struct evcan_format *format,
    const struct frames *all, struct fate *fates)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_log_writer *writer;
	uint64_t lost[FRAME_LOSSES] = { 0 }, unfit = 0;

	evcan_options_set(options, "format", format->name, NULL);
	writer = evcan_log_writer_new(NULL, path, options, &err);
	evcan_options_free(options);
	if (writer == NULL)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < all->n; i++)
		write_one(writer, &all->frames[i], lost, &unfit, &fates[i]);
	assert_int_equal(evcan_log_writer_close(writer, NULL, NULL), 0);
	if (evcan_log_writer_error(writer)->code != 0)
		fail_msg("%s", evcan_log_writer_error(writer)->text);
	evcan_log_writer_free(writer);
}

static void
take_off(uint32_t lost, struct evcan_frame *frame)
{
	for (size_t i = 0; i < FRAME_LOSSES; i++)
		if ((lost >> i & 1) != 0)
			frame_losses[i].drop(frame);
}

static void
compare(const struct sample *s, const struct evcan_format *format,
    const struct frames *all, const struct fate *fates,
    const struct frames *back)
{
	size_t at = 0;

	for (size_t i = 0; i < all->n; i++) {
		struct evcan_frame a = all->frames[i], b;

		if (fates[i].unfit)
			continue;
		if (at == back->n)
			fail_msg("%s as %s: frame %zu of %zu is missing",
			    s->name, format->name, i, all->n);
		b = back->frames[at++];
		take_off(fates[i].lost, &a);
		take_off(fates[i].lost, &b);
		if (!same_frame(&a, &b))
			fail_msg("%s as %s: frame %zu differs: id %x %x, "
			    "flags %x %x, len %u %u, dlc %u %u, dir %u %u, "
			    "clock %u %u, channel %u %u, time %lld %lld",
			    s->name, format->name, i, a.id, b.id, a.flags,
			    b.flags, a.len, b.len, a.dlc, b.dlc, a.dir, b.dir,
			    a.clock, b.clock, a.channel, b.channel,
			    (long long)a.time_ns, (long long)b.time_ns);
	}
	assert_int_equal(at, back->n);
}

static void
there_and_back(const struct sample *s, const struct evcan_format *format)
{
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	struct frames all, back;
	struct fate *fates;
	char path[128];

	snprintf(path, sizeof(path), "%s/log%.*s", dir,
	    (int)strcspn(format->suffixes, " "), format->suffixes);
	reader = evcan_log_reader_new(s->path, NULL, &err);
	if (reader == NULL)
		fail_msg("%s", err.text);
	read_frames(reader, 1024, &all);
	evcan_log_reader_free(reader);
	fates = calloc(all.n + 1, sizeof(*fates));
	assert_non_null(fates);
	write_all(path, format, &all, fates);

	reader = evcan_log_reader_new(path, NULL, &err);
	/* A log of nothing may be an empty file, whose name tells. */
	if (reader == NULL)
		fail_msg("%s as %s: %s", s->name, format->name, err.text);
	assert_string_equal(evcan_log_reader_format(reader), format->name);
	read_frames(reader, 777, &back);
	if (back.faults > 0)
		fail_msg("%s as %s: %s", s->name, format->name,
		    back.last.text);
	evcan_log_reader_free(reader);
	compare(s, format, &all, fates, &back);
	unlink(path);
	free(fates);
	free(all.frames);
	free(back.frames);
}

static void
test_convert(void **state)
{
	const struct evcan_format *format;
	size_t writable = 0;

	(void)state;
	if (!load_samples()) {
		may_skip("EVCAN_SAMPLES names no folder");
		return;
	}
	for (size_t f = 0; (format = evcan_format_at(f)) != NULL; f++) {
		if (format->encode == NULL || format->decode == NULL)
			continue;
		for (size_t i = 0; i < sample_count; i++)
			there_and_back(&samples[i], format);
		writable++;
	}
	assert_true(writable >= 9);
}

/* Dates in the files are local time there. */
static void
test_convert_in_berlin(void **state)
{
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	test_convert(state);
	unsetenv("TZ");
	tzset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_convert),
		cmocka_unit_test(test_convert_in_berlin),
	};
	int failed;

	if (mkdtemp(dir) == NULL)
		return 99;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* test_log_rotate.c - one log in many files, and nothing lost between them */
#include "log_fixture.h"

#include <regex.h>

#include <evcan/format.h>

#include "log_rotate.h"
#include "may_skip.h"

#define ENDED_MAX 2000

/* What the rotate call-back was told, in order. */
struct ended {
	char *paths[ENDED_MAX];
	size_t n;
	unsigned any;
	bool free_writer;
	struct fixture *f;
};

static void
on_rotate(struct evcan_log_writer *writer, const char *path, void *arg)
{
	struct ended *ended = arg;

	assert_int_equal(ended->f->closes, 0);
	assert_true(ended->n < ENDED_MAX);
	ended->paths[ended->n++] = strdup(path);
	ended->any = 1;
	if (ended->free_writer) {
		evcan_log_writer_free(writer);
		ended->f->writer = NULL;
	}
}

static void
start(struct fixture *f, struct event_base *base, const char *path,
    struct ended *ended)
{
	memset(ended, 0, sizeof(*ended));
	ended->f = f;
	f->closes = 0;
	open_writer(f, base, path);
	evcan_log_writer_set_rotate_cb(f->writer, on_rotate, ended);
}

static void
forget(struct ended *ended, bool remove)
{
	for (size_t i = 0; i < ended->n; i++) {
		if (remove)
			assert_int_equal(unlink(ended->paths[i]), 0);
		free(ended->paths[i]);
	}
	ended->n = 0;
}

/* Reads a file that goes on behind `from` frames. @return frames so far */
static uint64_t
reads_on(const char *path, uint64_t from)
{
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader = evcan_log_reader_new(path, NULL,
	    &err);
	struct evcan_frame frames[64], expected[64];
	int r;

	assert_string_equal(err.text, "");
	while ((r = evcan_log_reader_read(reader, frames, 64)) > 0) {
		fill(expected, (size_t)r, from);
		for (int i = 0; i < r; i++) {
			assert_int_equal(frames[i].id, expected[i].id);
			assert_memory_equal(frames[i].data, expected[i].data,
			    8);
		}
		from += (unsigned)r;
	}
	if (r < 0)
		fail_msg("%s", evcan_log_reader_error(reader)->text);
	evcan_log_reader_free(reader);
	return from;
}

/* All files that ended, and the one at path, hold frames 0..n. */
static void
all_hold(const struct ended *ended, const char *path, uint64_t n)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < ended->n; i++)
		seen = reads_on(ended->paths[i], seen);
	assert_int_equal(reads_on(path, seen), n);
}

static off_t
size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void
matches(const char *text, const char *pattern)
{
	regex_t re;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&re, text, 0, NULL, 0) != 0)
		fail_msg("\"%s\" is not %s", text, pattern);
	regfree(&re);
}

/* python-can's names, sizes as told, no frame lost. */
static void
test_size(void **state)
{
	struct fixture *f = *state;
	struct evcan_log_write_stats stats;
	struct ended ended;

	option(f, "rotate_size", "1000");
	for (int sync = 0; sync < 2; sync++) {
		const char *path = in_dir("size.more.log.txt");

		option(f, "format", "candump");
		start(f, sync ? NULL : f->base, path, &ended);
		write_all(f, 0, 500);
		close_writer(f, 5);
		assert_string_equal(f->close_error, "");
		/* 46 bytes a line: 22 of them are 1012 */
		assert_int_equal(ended.n, 22);
		evcan_log_writer_get_stats(f->writer, &stats);
		assert_int_equal(stats.files, 22);
		assert_int_equal(stats.written, 500);
		assert_int_equal(stats.queued, 0);
		for (size_t i = 0; i < ended.n; i++) {
			assert_int_equal(size_of(ended.paths[i]), 1012);
			matches(ended.paths[i], "/size_[0-9]{4}-[0-9]{2}-"
			    "[0-9]{2}T[0-9]{6}_#0[0-9]{2}\\.log\\.txt$");
		}
		matches(ended.paths[0], "_#000\\.");
		matches(ended.paths[21], "_#021\\.");
		all_hold(&ended, path, 500);
		forget(&ended, true);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	}
}

/* python-can's older name of the option; a template; and a file of somebody
 * else that has the name already. */
static void
test_names(void **state)
{
	struct fixture *f = *state;
	struct ended ended;
	FILE *other = fopen(in_dir("names-001.log"), "w");
	char *text;

	fputs("mine", other);
	fclose(other);
	assert_int_equal(symlink("nowhere", in_dir("names-002.log")), 0);
	option(f, "max_bytes", "100");
	option(f, "rotate_name", "{stem}-{count}{suffix}");
	start(f, f->base, in_dir("names.log"), &ended);
	write_all(f, 0, 10);
	close_writer(f, 5);
	assert_int_equal(ended.n, 3);
	assert_string_equal(ended.paths[0], in_dir("names-000.log"));
	assert_string_equal(ended.paths[1], in_dir("names-003.log"));
	assert_string_equal(ended.paths[2], in_dir("names-004.log"));
	all_hold(&ended, in_dir("names.log"), 10);
	text = slurp(in_dir("names-001.log"));
	assert_string_equal(text, "mine");
	free(text);
	forget(&ended, true);
}

static void
refused(struct fixture *f, const char *path, const char *why)
{
	struct evcan_error err = { 0 };

	for (int sync = 0; sync < 2; sync++) {
		evcan_error_clear(&err);
		assert_null(evcan_log_writer_new(sync ? NULL : f->base, path,
		    f->options, &err));
		if (strstr(err.text, why) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", err.text, why);
	}
}

static void
test_bad_names(void **state)
{
	struct fixture *f = *state;
	char name[400] = "{count}";

	open_writer(f, NULL, in_dir("bad.log"));
	write_all(f, 0, 3);
	evcan_log_writer_free(f->writer);
	f->writer = NULL;
	option(f, "rotate_name", "{stem}");
	refused(f, in_dir("bad.log"), "lacks {count}");
	option(f, "rotate_name", "../{count}");
	refused(f, in_dir("bad.log"), "has a / in it");
	option(f, "rotate_name", "{count}{colour}");
	refused(f, in_dir("bad.log"), "\"{colour}\" stands for nothing");
	memset(name + 7, 'x', 250);
	option(f, "rotate_name", name);
	refused(f, in_dir("bad.log"), "of more than 255 bytes");
	holds(in_dir("bad.log"), 3);
}

/* What is no file is neither renamed nor replaced. */
static void
test_not_a_file(void **state)
{
	struct fixture *f = *state;
	const struct evcan_log_io io = { .write = NULL };
	struct evcan_error err = { 0 };
	struct stat st;
	int fds[2];

	option(f, "format", "candump");
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	open_writer(f, f->base, "/dev/null");
	write_all(f, 0, 10);
	assert_int_equal(evcan_log_writer_rotate(f->writer),
	    EVCAN_ERR_UNSUPPORTED);
	close_writer(f, 5);
	assert_string_equal(f->close_error, "");
	option(f, "rotate_size", "1000");
	refused(f, "/dev/null", "/dev/null: is not a regular file");
	refused(f, "-", "standard output: rotation needs a file");
	assert_null(evcan_log_writer_new(f->base, in_dir("fifo"), f->options,
	    &err));
	assert_non_null(strstr(err.text, "is not a regular file"));
	evcan_error_clear(&err);
	assert_null(evcan_log_writer_new_io(f->base, &io, "x.log",
	    f->options, &err));
	assert_non_null(strstr(err.text, "rotation needs a file"));
	evcan_error_clear(&err);
	assert_int_equal(pipe(fds), 0);
	assert_null(evcan_log_writer_new_fd(NULL, fds[1], "x.log",
	    f->options, &err));
	assert_non_null(strstr(err.text, "rotation needs a file"));
	close(fds[0]);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(stat(in_dir("fifo"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

/* By the frames' time, which may be of another day. */
static void
test_frame_time(void **state)
{
	struct fixture *f = *state;
	struct ended ended;

	option(f, "rotate_time", "10");
	for (int sync = 0; sync < 2; sync++) {
		start(f, sync ? NULL : f->base, in_dir("time.log"), &ended);
		for (uint64_t i = 0; i < 25; i++) {
			struct evcan_frame frame;

			fill(&frame, 1, i);
			frame.time_ns += (int64_t)i * 1000000000;
			assert_int_equal(evcan_log_writer_write(f->writer,
			    &frame, 1), 1);
		}
		close_writer(f, 5);
		assert_int_equal(ended.n, 2);
		assert_int_equal(reads_on(ended.paths[0], 0), 10);
		assert_int_equal(reads_on(ended.paths[1], 10), 20);
		assert_int_equal(reads_on(in_dir("time.log"), 20), 25);
		forget(&ended, true);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	}
}

/* By the clock, though no frame comes; not a file without one. */
static void
test_clock(void **state)
{
	struct fixture *f = *state;
	struct ended ended;

	option(f, "rotate_time", "0.3");
	option(f, "flush_interval", "3600");
	start(f, f->base, in_dir("clock.log"), &ended);
	run_for(f, 0.5);
	assert_int_equal(ended.n, 0);
	write_all(f, 0, 5);
	run_for(f, 0.15);
	assert_int_equal(ended.n, 0);
	run_until(f, &ended.any, 5);
	assert_int_equal(ended.n, 1);
	assert_int_equal(reads_on(ended.paths[0], 0), 5);
	run_for(f, 0.5);
	assert_int_equal(ended.n, 1);
	assert_int_equal(size_of(in_dir("clock.log")), 0);
	close_writer(f, 5);
	forget(&ended, true);
}

/* On request: gaps and lines of text stay where they were. */
static void
test_marks(void **state)
{
	const struct evcan_gap gap = { .lost = 7 };
	struct fixture *f = *state;
	struct ended ended;
	struct evcan_frame frame;
	char *text;

	option(f, "format", "printer");
	for (int sync = 0; sync < 2; sync++) {
		start(f, sync ? NULL : f->base, in_dir("marks.txt"), &ended);
		fill(&frame, 1, 0);
		evcan_log_writer_event(f->writer, "begin");
		evcan_log_writer_write(f->writer, &frame, 1);
		evcan_log_writer_event_at(f->writer, 5, "end");
		assert_int_equal(evcan_log_writer_rotate(f->writer), 0);
		evcan_listener_feed_gap(evcan_log_writer_listener(f->writer),
		    NULL, &gap);
		close_writer(f, 5);
		assert_int_equal(evcan_log_writer_rotate(f->writer),
		    EVCAN_ERR_STATE);
		assert_int_equal(ended.n, 1);
		text = slurp(ended.paths[0]);
		assert_memory_equal(text, "-- begin --\nTimestamp", 21);
		assert_non_null(strstr(text, "can0\n-- end --\n"));
		assert_null(strstr(text, "lost"));
		free(text);
		text = slurp(in_dir("marks.txt"));
		assert_string_equal(text, "-- 7 frames lost (kernel) --\n");
		free(text);
		forget(&ended, true);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	}
}

/* A file that cannot be renamed for a while: told, written on, retried. */
static void
test_rename_fails(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("bound.log");
	struct ended ended;

	option(f, "flush_interval", "0.01");
	ticking(f);
	start(f, f->base, path, &ended);
	write_all(f, 0, 10);
	/* What something is mounted on can only be written to. */
	if (mount(path, path, NULL, MS_BIND, NULL) < 0)
		may_skip("not root, or not allowed to mount");
	assert_int_equal(evcan_log_writer_rotate(f->writer), 0);
	write_all(f, 10, 20);
	run_until(f, &f->errors, 5);
	assert_int_equal(f->errors, 1);
	assert_non_null(strstr(f->error, "bound.log: cannot be renamed to "));
	assert_int_equal(ended.n, 0);
	run_until(f, &f->recoveries, 5);
	assert_int_equal(f->recoveries, 1);
	write_all(f, 20, 30);
	run_for(f, 0.2);
	holds(path, 30);
	assert_int_equal(ended.n, 0);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	run_until(f, &ended.any, 15);
	assert_int_equal(ended.n, 1);
	close_writer(f, 5);
	assert_string_equal(f->close_error, "");
	all_hold(&ended, in_dir("bound.log"), 30);
	assert_true(f->longest < 1000000000);
	forget(&ended, true);
}

/* Closing does not hide that the last file kept its name, and loses nothing
 * of what came behind it. */
static void
test_rename_fails_at_close(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("bound2.log");
	struct ended ended;

	for (int sync = 0; sync < 2; sync++) {
		start(f, sync ? NULL : f->base, path, &ended);
		write_all(f, 0, 10);
		if (mount(path, path, NULL, MS_BIND, NULL) < 0)
			may_skip("not root, or not allowed to mount");
		evcan_log_writer_rotate(f->writer);
		write_all(f, 10, 500);
		close_writer(f, 5);
		assert_non_null(strstr(f->close_error, "cannot be renamed"));
		assert_int_equal(ended.n, 0);
		assert_int_equal(umount(path), 0);
		holds(path, 500);
		evcan_log_writer_free(f->writer);
		f->writer = NULL;
	}
}

/* Somebody moved the file away, and put another in its place. */
static void
test_moved(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("moved.log"), *old = in_dir("moved.old");
	struct ended ended;
	FILE *other;

	option(f, "flush_interval", "0.01");
	start(f, f->base, path, &ended);
	write_all(f, 0, 10);
	run_for(f, 0.2);
	assert_int_equal(rename(path, old), 0);
	other = fopen(path, "w");
	fputs("# not evcan's\n", other);
	fclose(other);
	assert_int_equal(evcan_log_writer_rotate(f->writer), 0);
	write_all(f, 10, 20);
	run_until(f, &f->recoveries, 5);
	assert_int_equal(f->errors, 1);
	assert_non_null(strstr(f->error, "was moved away by somebody else"));
	close_writer(f, 5);
	assert_string_equal(f->close_error, "");
	assert_int_equal(ended.n, 0);
	assert_int_equal(reads_on(in_dir("moved.old"), 0), 10);
	assert_int_equal(reads_on(in_dir("moved.log"), 10), 20);
	assert_int_equal(size_of(in_dir("moved.log")), 14 + 10 * 46);
}

/* Through a link the file itself is renamed, where it is. */
static void
test_link(void **state)
{
	struct fixture *f = *state;
	struct ended ended;
	struct stat st;

	assert_int_equal(mkdir(in_dir("elsewhere"), 0700), 0);
	assert_int_equal(symlink("elsewhere/real.log", in_dir("link.log")),
	    0);
	start(f, f->base, in_dir("link.log"), &ended);
	write_all(f, 0, 10);
	evcan_log_writer_rotate(f->writer);
	write_all(f, 10, 20);
	close_writer(f, 5);
	assert_string_equal(f->close_error, "");
	assert_int_equal(ended.n, 1);
	matches(ended.paths[0], "/elsewhere/real_");
	assert_int_equal(lstat(in_dir("link.log"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	all_hold(&ended, in_dir("elsewhere/real.log"), 20);
	forget(&ended, true);
}

/* What is appended to counts; and it is over before the first frame. */
static void
test_append(void **state)
{
	struct fixture *f = *state;
	struct ended ended;

	open_writer(f, NULL, in_dir("append.log"));
	write_all(f, 0, 50);
	evcan_log_writer_free(f->writer);
	f->writer = NULL;
	option(f, "rotate_size", "2000");
	option(f, "append", "true");
	start(f, f->base, in_dir("append.log"), &ended);
	write_all(f, 50, 60);
	close_writer(f, 5);
	assert_int_equal(ended.n, 1);
	assert_int_equal(size_of(ended.paths[0]), 2300);
	all_hold(&ended, in_dir("append.log"), 60);
	forget(&ended, true);
}

static void
test_free_in_callback(void **state)
{
	struct fixture *f = *state;
	struct ended ended;
	struct evcan_frame frames[40];

	option(f, "rotate_size", "1000");
	for (int sync = 0; sync < 2; sync++) {
		start(f, sync ? NULL : f->base, in_dir("free.log"), &ended);
		ended.free_writer = true;
		fill(frames, 40, 0);
		assert_int_equal(evcan_log_writer_write(f->writer, frames,
		    40), 40);
		if (!sync)
			run_until(f, &ended.any, 5);
		assert_null(f->writer);
		assert_int_equal(ended.n, 1);
		all_hold(&ended, in_dir("free.log"), 40);
		forget(&ended, true);
	}
}

/* The one that a test is about. */
static const struct evcan_format *format;

static int
setup_format(void **state)
{
	format = *state;
	return setup_one(state);
}

/* Every file of every format is whole, and all frames are in them. */
static void
every_format(struct fixture *f, const char *suffix, bool sync)
{
	struct evcan_log_write_stats stats;
	struct ended ended;
	char name[64];
	const char *path;

	snprintf(name, sizeof(name), "every%.*s%s",
	    (int)strcspn(format->suffixes, " "), format->suffixes, suffix);
	path = in_dir(name);
	unlink(path);
	option(f, "format", format->name);
	option(f, "rotate_size", "30000");
	option(f, "flush_interval", "0.02");
	start(f, sync ? NULL : f->base, path, &ended);
	for (uint64_t i = 0; i < 20000; i += 1000) {
		write_all(f, i, i + 1000);
		if (!sync && i % 5000 == 0)
			run_for(f, 0.03);
	}
	assert_int_equal(evcan_log_writer_rotate(f->writer), 0);
	close_writer(f, 20);
	assert_string_equal(f->close_error, "");
	assert_int_equal(f->errors, 0);
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_int_equal(stats.written + stats.unfit, 20000);
	assert_int_equal(stats.queued, stats.unfit);
	assert_true(ended.n >= 2);
	assert_int_equal(stats.files, ended.n);
	if (format->decode != NULL)
		all_hold(&ended, path, 20000);
	forget(&ended, true);
	evcan_log_writer_free(f->writer);
	f->writer = NULL;
}

static void
test_format(void **state)
{
	const bool plain = format->header == NULL &&
	    !(format->flags & EVCAN_FORMAT_PATH_ONLY);

	for (int sync = 0; sync < 2; sync++) {
		every_format(*state, "", sync);
		if (plain)
			every_format(*state, ".gz", sync);
	}
}

/* The limit is one of packed bytes. */
static void
test_gzip_size(void **state)
{
	struct fixture *f = *state;
	struct ended ended;

	option(f, "rotate_size", "50000");
	start(f, f->base, in_dir("packed.log.gz"), &ended);
	write_all(f, 0, 100000);
	close_writer(f, 20);
	assert_true(ended.n >= 2);
	for (size_t i = 0; i < ended.n; i++) {
		assert_true(size_of(ended.paths[i]) > 45000);
		assert_true(size_of(ended.paths[i]) < 51000);
	}
	matches(ended.paths[0], "/packed_.*_#000\\.log\\.gz$");
	all_hold(&ended, in_dir("packed.log.gz"), 100000);
	forget(&ended, true);
}

/* The names themselves, as python-can makes them. */
static void
test_check_and_cut(void **state)
{
	static const struct {
		const char *path, *pattern;
	} names[] = {
		{ "a.blf", "^a_#007\\.blf$" },
		{ "a.b.c.d", "^a_#007\\.c\\.d$" },
		{ "none", "^none_#007$" },
		{ ".hidden.log", "^\\.hidden_#007\\.log$" },
	};
	char old[300];

	(void)state;
	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint64_t count = 7;
		char *to;

		fclose(fopen(names[i].path, "w"));
		assert_int_equal(evcan_log_rotate_(names[i].path,
		    "{stem}_#{count}{suffix}", &count, &to, NULL), 0);
		assert_int_equal(count, 8);
		matches(to, names[i].pattern);
		assert_int_equal(unlink(to), 0);
		free(to);
	}
	assert_int_equal(chdir(old), 0);
}

#define FORMATS_MAX 100

int
main(int argc, char **argv)
{
	static const struct CMUnitTest fixed[] = {
		TEST(test_size),
		TEST(test_names),
		TEST(test_bad_names),
		TEST(test_not_a_file),
		TEST(test_frame_time),
		TEST(test_clock),
		TEST(test_marks),
		TEST(test_rename_fails),
		TEST(test_rename_fails_at_close),
		TEST(test_moved),
		TEST(test_link),
		TEST(test_append),
		TEST(test_free_in_callback),
		TEST(test_gzip_size),
		TEST(test_check_and_cut),
	};
	struct CMUnitTest tests[sizeof(fixed) / sizeof(fixed[0]) +
	    FORMATS_MAX];
	size_t n = sizeof(fixed) / sizeof(fixed[0]);

	memcpy(tests, fixed, sizeof(fixed));
	for (size_t i = 0; i < FORMATS_MAX && evcan_format_at(i) != NULL;
	    i++) {
		format = evcan_format_at(i);
		if (format->encode == NULL)
			continue;
		tests[n].name = format->name;
		tests[n].test_func = test_format;
		tests[n].setup_func = setup_format;
		tests[n].teardown_func = teardown_one;
		tests[n].initial_state = (void *)(uintptr_t)format;
		n++;
	}
	/* With an argument: the one of that name. */
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests("rotate", tests, n, setup, teardown);
}

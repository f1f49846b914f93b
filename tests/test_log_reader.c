/* SPDX-License-Identifier: BSD-3-Clause */
/* test_log_reader.c - logs from everywhere, good and bad */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/log.h>
#include <evcan/options.h>

#include "may_skip.h"

static char dir[] = "/tmp/evcan-test-XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const char *
make(const char *name, const char *text, size_t len)
{
	const char *path = in_dir(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	return path;
}

static struct evcan_log_reader *
reader_of(const char *name, const char *text)
{
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader = evcan_log_reader_new(
	    make(name, text, strlen(text)), NULL, &err);

	assert_string_equal(err.text, "");
	assert_non_null(reader);
	return reader;
}

static void
refused(const char *path, int code, const char *text)
{
	struct evcan_error err = { 0 };

	assert_null(evcan_log_reader_new(path, NULL, &err));
	assert_int_equal(err.code, code);
	if (strstr(err.text, text) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, text);
}

/* What a log holds, as text: each frame, each error, the counts. */

static void
put_frame(FILE *out, const struct evcan_frame *frame)
{
	static const char *const clocks[] = { "none", "hardware", "kernel",
	    "host", "relative" };
	char text[EVCAN_TEXT_MAX];

	evcan_frame_format(frame, text, sizeof(text));
	fprintf(out, "%lld.%09lld %s [%s] %s %s\n",
	    (long long)(frame->time_ns / 1000000000),
	    (long long)(frame->time_ns % 1000000000), clocks[frame->clock],
	    evcan_channel_name(frame->channel), frame->dir ? "Tx" : "Rx",
	    text);
	assert_int_equal(frame->hops, 0);
	assert_int_equal(frame->reserved[0] | frame->reserved[1] |
	    frame->reserved[2], 0);
}

static void
put_counts(FILE *out, const struct evcan_log_reader *reader)
{
	struct evcan_log_read_stats stats;

	evcan_log_reader_get_stats(reader, &stats);
	fprintf(out, "frames %llu gaps %llu lost %llu skipped %llu "
	    "errors %llu\n", (unsigned long long)stats.frames,
	    (unsigned long long)stats.gaps, (unsigned long long)stats.lost,
	    (unsigned long long)stats.skipped,
	    (unsigned long long)stats.errors);
	if (stats.size > 0)
		assert_int_equal(stats.bytes, stats.size);
}

static char *
dump(struct evcan_log_reader *reader, size_t batch)
{
	struct evcan_frame frames[64];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int n;

	memset(frames, 0xa5, sizeof(frames));
	while ((n = evcan_log_reader_read(reader, frames, batch)) != 0) {
		const struct evcan_error *err =
		    evcan_log_reader_error(reader);

		for (int i = 0; i < n; i++)
			put_frame(out, &frames[i]);
		if (n < 0) {
			const char *slash = strrchr(err->text, '/');

			assert_int_equal(n, err->code);
			fprintf(out, "error: %s\n", slash != NULL ?
			    slash + 1 : err->text);
		}
	}
	put_counts(out, reader);
	fclose(out);
	return text;
}

static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (f == NULL)
		fail_msg("there is no %s", path);
	assert_true(fread(text, 1, (1 << 20) - 1, f) < (1 << 20) - 1);
	fclose(f);
	return text;
}

/* A source that gives one byte at a time. */
static int64_t
one_byte(void *arg, void *buf, size_t size)
{
	assert_true(size > 0);
	return (int64_t)fread(buf, 1, 1, arg);
}

static int
close_file(void *arg)
{
	fclose(arg);
	return 0;
}

static void
compare(const char *path, const char *expected, bool bytewise, size_t batch)
{
	struct evcan_log_io io = { .read = one_byte, .close = close_file };
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	char *got;

	if (bytewise) {
		io.arg = fopen(path, "r");
		reader = evcan_log_reader_new_io(&io, strrchr(path, '/') + 1,
		    NULL, &err);
	} else {
		reader = evcan_log_reader_new(path, NULL, &err);
	}
	assert_string_equal(err.text, "");
	assert_string_equal(evcan_log_reader_format(reader), "candump");
	got = dump(reader, batch);
	assert_string_equal(got, expected);
	free(got);
	/* The same again after going back, where that is possible. */
	if (bytewise)
		assert_int_equal(evcan_log_reader_rewind(reader),
		    EVCAN_ERR_UNSUPPORTED);
	else
		assert_int_equal(evcan_log_reader_rewind(reader), 0);
	evcan_log_reader_free(reader);
}

/* Each log of a folder against the .expected beside it;
 * EVCAN_WRITE_EXPECTED=1 in the environment writes those. */
static void
folder(const char *name)
{
	const char *top = getenv("top_srcdir");
	char pattern[400], expected[500];
	glob_t logs;

	snprintf(pattern, sizeof(pattern), "%s/tests/data/candump/%s/*.log",
	    top != NULL ? top : ".", name);
	assert_int_equal(glob(pattern, 0, NULL, &logs), 0);
	for (size_t i = 0; i < logs.gl_pathc; i++) {
		const char *path = logs.gl_pathv[i];
		char *text;

		snprintf(expected, sizeof(expected), "%.*s.expected",
		    (int)strlen(path) - 4, path);
		if (getenv("EVCAN_WRITE_EXPECTED") != NULL) {
			struct evcan_log_reader *reader =
			    evcan_log_reader_new(path, NULL, NULL);
			FILE *f = fopen(expected, "w");

			text = dump(reader, 64);
			fputs(text, f);
			free(text);
			fclose(f);
			evcan_log_reader_free(reader);
		}
		text = slurp(expected);
		print_message("%s\n", path);
		assert_int_equal(strstr(text, "error: ") != NULL,
		    strcmp(name, "invalid") == 0);
		compare(path, text, false, 64);
		compare(path, text, false, 1);
		compare(path, text, true, 64);
		free(text);
	}
	globfree(&logs);
}

static void
test_valid(void **state)
{
	(void)state;
	folder("valid");
}

static void
test_invalid(void **state)
{
	(void)state;
	folder("invalid");
}

static void
test_refusals(void **state)
{
	static const char gz[] = "\x1f\x8b\x08garbage";
	struct evcan_error err = { 0 };

	(void)state;
	refused("/nowhere/x.log", EVCAN_ERR_NOT_FOUND,
	    "/nowhere/x.log: cannot be opened for reading");
	refused(dir, EVCAN_ERR_INIT, "is a directory, not a log file");
	refused("/dev/null", EVCAN_ERR_NOT_FOUND, "/dev/null: is empty");
	assert_null(evcan_log_reader_new(make("a.log.gz", gz, sizeof(gz)),
	    NULL, &err));
	assert_non_null(strstr(err.text, "a.log.gz: "));
	refused(make("a.log", "\xfd" "7zXZ\0", 6), EVCAN_ERR_NOT_FOUND,
	    "xz");
	refused(make("a.log", "hello\nworld\n", 12), EVCAN_ERR_NOT_FOUND,
	    "a.log: is not a log of any known format; those that can be "
	    "read: asc, blf, ");
	refused(make("a.xyz", "", 0), EVCAN_ERR_NOT_FOUND, "is empty");
}

static void
test_options(void **state)
{
	struct evcan_options *options = evcan_options_new();
	const char *path = make("forced", "hello\n", 6);
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	struct evcan_frame frame;

	(void)state;
	evcan_options_set(options, "format", "candump", NULL);
	reader = evcan_log_reader_new(path, options, &err);
	assert_non_null(reader);
	assert_int_equal(evcan_log_reader_read(reader, &frame, 1),
	    EVCAN_ERR_SYNTAX);
	assert_non_null(strstr(evcan_log_reader_error(reader)->text,
	    "forced:1: column 1: expected '('"));
	assert_int_equal(evcan_log_reader_read(reader, &frame, 1), 0);
	evcan_log_reader_free(reader);

	evcan_options_set(options, "format", "printer", NULL);
	assert_null(evcan_log_reader_new(path, options, &err));
	assert_non_null(strstr(err.text, "cannot read the log format "
	    "\"printer\"; there are: asc, blf, "));
	evcan_options_set(options, "format", "blurb", NULL);
	assert_null(evcan_log_reader_new(path, options, &err));
	assert_non_null(strstr(err.text, "there is no log format"));
	evcan_options_set(options, "format", "candump", NULL);
	evcan_options_set(options, "colour", "red", NULL);
	assert_null(evcan_log_reader_new(path, options, &err));
	assert_non_null(strstr(err.text, "colour"));
	evcan_options_free(options);
}

/* What reading says at the end of a log in a format that is given. */
static const char *
end_of(const char *format, const char *text)
{
	static char said[500];
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	struct evcan_frame frame;
	int n, faults = 0;

	evcan_options_set(options, "format", format, NULL);
	reader = evcan_log_reader_new(make("forced", text, strlen(text)),
	    options, &err);
	evcan_options_free(options);
	assert_string_equal(err.text, "");
	*said = '\0';
	while ((n = evcan_log_reader_read(reader, &frame, 1)) != 0) {
		if (n > 0)
			continue;
		assert_int_equal(n, EVCAN_ERR_NOT_FOUND);
		assert_int_equal(++faults, 1);
		snprintf(said, sizeof(said), "%s",
		    evcan_log_reader_error(reader)->text);
	}
	evcan_log_reader_free(reader);
	return said;
}

/* A log of another format than the one that is given is no empty log. */
static void
test_wrong_format(void **state)
{
	static const char log[] =
	    "(1.000000) can0 123#01\n(2.000000) can0 123#02\n";
	static const char *const formats[] = { "asc", "busmaster" };

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char says[100];

		snprintf(says, sizeof(says), "forced: is no log of the "
		    "format %s, which knows none of its 2 lines; leave",
		    formats[i]);
		assert_non_null(strstr(end_of(formats[i], log), says));
		assert_non_null(strstr(end_of(formats[i], "hello\n"),
		    "none of its 1 line;"));
	}
	/* Nothing to know, or known and no frame. */
	assert_string_equal(end_of("asc", ""), "");
	assert_string_equal(end_of("asc", "// a comment\n\n"), "");
	assert_string_equal(end_of("asc", "base hex  timestamps absolute\n"
	    "internal events logged\n"), "");
	assert_string_equal(end_of("busmaster",
	    "***BUSMASTER Ver 3.2.2***\n***PROTOCOL CAN***\n"), "");
	assert_string_equal(end_of("candump", "# a comment\n"), "");
	assert_string_equal(end_of("candump", log), "");
	/* Some lines are. */
	assert_string_equal(end_of("asc",
	    "hello\n   1.0 1  123  Rx   d 1 01\n"), "");
}

static void
test_names(void **state)
{
	struct evcan_log_reader *reader = reader_of("n.log",
	    "(1.0) can0 123#01\n(2.0) vcan0 123#01\n(3.0) 0 123#01\n");
	struct evcan_frame f[3];

	(void)state;
	assert_int_equal(evcan_log_reader_read(reader, f, 3), 3);
	assert_string_equal(evcan_channel_name(f[0].channel), "can0");
	assert_string_equal(evcan_channel_name(f[1].channel), "vcan0");
	assert_string_equal(evcan_channel_name(f[2].channel), "0");
	assert_int_equal(evcan_log_reader_rewind(reader), 0);
	assert_int_equal(evcan_log_reader_read(reader, f, 2), 2);
	assert_string_equal(evcan_channel_name(f[1].channel), "vcan0");
	evcan_log_reader_free(reader);
}

/* A live pipe: frames come when they were written, not when it ends. */
static void
test_live_pipe(void **state)
{
	static const char line[] = "(1483389946.197000) can0 123#01\n";
	struct evcan_log_reader *reader;
	struct evcan_frame frames[8];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], line, 32), 32);
	reader = evcan_log_reader_new_fd(fds[0], NULL, NULL, NULL);
	assert_non_null(reader);
	assert_int_equal(evcan_log_reader_read(reader, frames, 8), 1);
	assert_int_equal(write(fds[1], line, 32), 32);
	assert_int_equal(write(fds[1], line, 10), 10);
	assert_int_equal(evcan_log_reader_read(reader, frames, 8), 1);
	assert_int_equal(write(fds[1], line + 10, 22), 22);
	assert_int_equal(evcan_log_reader_read(reader, frames, 8), 1);
	close(fds[1]);
	assert_int_equal(evcan_log_reader_read(reader, frames, 8), 0);
	assert_int_equal(evcan_log_reader_rewind(reader),
	    EVCAN_ERR_UNSUPPORTED);
	evcan_log_reader_free(reader);
}

static void
test_stdin(void **state)
{
	int saved = dup(0), fd;
	struct evcan_log_reader *reader;
	struct evcan_frame frame;

	(void)state;
	evcan_log_reader_free(reader_of("in.log", "(1.0) can0 1#\n"
	    "(1.0) can0 123#01\n"));
	fd = open(in_dir("in.log"), O_RDONLY);
	assert_int_equal(dup2(fd, 0), 0);
	close(fd);
	reader = evcan_log_reader_new("-", NULL, NULL);
	assert_non_null(reader);
	assert_int_equal(evcan_log_reader_read(reader, &frame, 1),
	    EVCAN_ERR_SYNTAX);
	assert_non_null(strstr(evcan_log_reader_error(reader)->text,
	    "standard input:1: column"));
	assert_int_equal(evcan_log_reader_read(reader, &frame, 1), 1);
	evcan_log_reader_free(reader);
	dup2(saved, 0);
	close(saved);
}

static int64_t
failing_read(void *arg, void *buf, size_t size)
{
	int *calls = arg;

	(void)size;
	if ((*calls)++ > 0)
		return -EIO;
	memcpy(buf, "(1.0) can0 123#01\n(2.0) can0 123#0", 34);
	return 34;
}

/* What is whole comes, then the fault, then the end. */
static void
test_read_fault(void **state)
{
	int calls = 0;
	struct evcan_log_io io = { .read = failing_read, .arg = &calls };
	struct evcan_log_reader *reader = evcan_log_reader_new_io(&io, "x",
	    NULL, NULL);
	struct evcan_frame frame;

	(void)state;
	assert_int_equal(evcan_log_reader_read(reader, &frame, 1), 1);
	assert_int_equal(evcan_log_reader_read(reader, &frame, 1),
	    EVCAN_ERR_OPERATION);
	assert_int_equal(evcan_log_reader_error(reader)->system, EIO);
	assert_int_equal(evcan_log_reader_read(reader, &frame, 1),
	    EVCAN_ERR_SYNTAX);
	assert_int_equal(evcan_log_reader_read(reader, &frame, 1), 0);
	evcan_log_reader_free(reader);
}

/* 70,000 names: one error, and every frame comes. In a child, for the names
 * stay. */
static int
many_names(void)
{
	const char *path = in_dir("names.log");
	FILE *f = fopen(path, "w");
	struct evcan_log_reader *reader;
	struct evcan_frame frames[256];
	int n, errors = 0, total = 0, nameless = 0;

	for (int i = 0; i < 70000; i++)
		fprintf(f, "(1.0) n%d 123#01\n", i);
	fclose(f);
	reader = evcan_log_reader_new(path, NULL, NULL);
	while ((n = evcan_log_reader_read(reader, frames, 256)) != 0) {
		errors += n < 0;
		for (int i = 0; i < n; i++, total++)
			nameless += frames[i].channel == 0;
	}
	evcan_log_reader_free(reader);
	return errors == 1 && total == 70000 && nameless >= 70000 - 65535 ?
	    0 : 1;
}

static void
test_many_names(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(many_names());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* True counts of real tools' logs. */
static void
test_samples(void **state)
{
	static const struct {
		const char *name;
		uint64_t frames;
	} samples[] = {
		{ "gen__asc2log2020_mix.log", 2000 },
		{ "gen__asc2log2020_pythoncan_logfile.log", 18 },
		{ "gen__pythoncan41_mix.log", 2000 },
	};
	const char *where = getenv("EVCAN_SAMPLES");
	char path[400];

	(void)state;
	if (where == NULL)
		may_skip("EVCAN_SAMPLES names no folder");
	for (size_t i = 0; i < 3; i++) {
		struct evcan_log_read_stats stats;
		struct evcan_log_reader *reader;

		snprintf(path, sizeof(path), "%s/candump/%s", where,
		    samples[i].name);
		reader = evcan_log_reader_new(path, NULL, NULL);
		assert_non_null(reader);
		free(dump(reader, 64));
		evcan_log_reader_get_stats(reader, &stats);
		assert_int_equal(stats.frames, samples[i].frames);
		assert_int_equal(stats.errors, 0);
		evcan_log_reader_free(reader);
	}
}

/* Markers are moved with the frames between which they stand. */
static void
keep_event(struct evcan_log_reader *reader, int64_t time_ns,
    const char *text, void *arg)
{
	(void)reader;
	assert_string_equal(text, "here");
	*(int64_t *)arg = time_ns;
}

static void
test_start_event(void **state)
{
	static const char text[] = "base hex  timestamps absolute\n"
	    "Begin Triggerblock\n"
	    "   0.100000 1  123             Rx   d 1 00\n"
	    "// evcan event 0.200000 here\n"
	    "   0.300000 1  123             Rx   d 1 00\n"
	    "End TriggerBlock\n";
	static const struct {
		const char *start;
		int64_t ns;
	} rows[] = {
		{ NULL, 200000000 },
		{ "1700000000", 1700000000200000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evcan_options *options = evcan_options_new();
		struct evcan_error err = { 0 };
		struct evcan_log_reader *reader;
		struct evcan_frame frames[4];
		int64_t ns = 0;

		if (rows[i].start != NULL)
			evcan_options_set(options, "start", rows[i].start,
			    NULL);
		reader = evcan_log_reader_new(make("start.asc", text,
		    strlen(text)), options, &err);
		assert_string_equal(err.text, "");
		evcan_log_reader_set_event_cb(reader, keep_event, &ns);
		while (evcan_log_reader_read(reader, frames, 4) > 0)
			;
		assert_int_equal(ns, rows[i].ns);
		evcan_log_reader_free(reader);
		evcan_options_free(options);
	}
}

static int
setup(void **state)
{
	(void)state;
	/* Dates in logs are local; one zone for all who run this. */
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_wrong_format),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_live_pipe),
		cmocka_unit_test(test_stdin),
		cmocka_unit_test(test_read_fault),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_start_event),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_convert.c - evcan convert: one log into another, as a stream */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* As many frames as stay in the processor's nearest cache. */
enum { BATCH = 256, FAULTS_SHOWN = 5 };

struct converting {
	const char *from_format, *to_format;
	struct evcan_options *from_options, *to_options;
	bool append;
	uint64_t file_size;

	struct evcan_log_reader *reader;
	struct evcan_log_writer *writer;
	int64_t started, shown;
	uint64_t faults;
	uint64_t events_left;   /* the output cannot hold them */
	uint64_t gaps, lost;    /* of the input, passed on so far */
	bool enough;         /* the reader of our output went away */
	int status;
};

static volatile sig_atomic_t interrupted;
/* An input that may keep us waiting, and what then stands in its place. */
static volatile sig_atomic_t input = -1, nothing = -1;
static int64_t asked;       /* when it was interrupted: the handler's */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
interrupt(int number)
{
	static const char text[] = "evcan convert: ended at once; what was"
	    " not written yet is lost\n";
	const int saved = errno;
	ssize_t told;

	(void)number;
	if (interrupted && now_ms() - asked < SIGNALS_APART_NS / 1000000)
		return;
	if (interrupted) {
		/* Asked twice: whoever asks does not want to wait. */
		told = write(STDERR_FILENO, text, sizeof(text) - 1);
		(void)told;
		_exit(STATUS_FAILED);
	}
	asked = now_ms();
	interrupted = 1;
	if (input >= 0)
		dup2(nothing, input);
	errno = saved;
}

static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void
progress(struct converting *c)
{
	struct evcan_log_read_stats s;
	char text[160], rate[16], left[40] = "";
	int64_t t = now_ms();
	double seconds;

	if (t - c->shown < 200 || common.quiet)
		return;
	c->shown = t;
	seconds = (double)(t - c->started) / 1000;
	evcan_log_reader_get_stats(c->reader, &s);
	/* A log that still grows has no end to tell of. */
	if (s.bytes > 0 && s.bytes <= s.size)
		snprintf(left, sizeof(left), ", %.0f %%, %.0f s left",
		    100.0 * (double)s.bytes / (double)s.size,
		    seconds * (double)(s.size - s.bytes) / (double)s.bytes);
	snprintf(text, sizeof(text), "%llu frames, %s/s%s",
	    (unsigned long long)s.frames, human((double)s.frames / seconds,
	    rate, sizeof(rate)), left);
	status_show(text);
}

/* The first few faults in full, the rest as a number. */
static void
tell_fault(struct converting *c)
{
	if (c->faults++ < FAULTS_SHOWN)
		say("%s", evcan_log_reader_error(c->reader)->text);
	else if (c->faults == FAULTS_SHOWN + 1)
		say("more faults follow; they are counted");
}

static int
write_all(struct converting *c, const struct evcan_frame *frames, size_t n)
{
	const struct evcan_error *err;

	while (n > 0) {
		int rc = evcan_log_writer_write(c->writer, frames, n);

		if (rc > 0) {
			frames += rc;
			n -= (size_t)rc;
			continue;
		}
		err = evcan_log_writer_error(c->writer);
		if (writer_deserted(c->writer, err)) {
			c->enough = true;
			return 0;
		}
		return fail("%s", err->text[0] ? err->text :
		    evcan_error_name(rc ? rc : EVCAN_ERR_FULL));
	}
	return 0;
}

/* A line of text or a marker keeps its place among the frames. */
static void
event(struct evcan_log_reader *reader, int64_t time_ns, const char *text,
    void *arg)
{
	struct converting *c = arg;

	(void)reader;
	if (evcan_log_writer_event_at(c->writer, time_ns, text) < 0)
		c->events_left++;
}

/* So does a marker of loss, as nearly as a batch tells. */
static void
pass_gap(struct converting *c, int64_t time_ns)
{
	struct evcan_gap gap = { .where = EVCAN_LOSS_QUEUE,
	    .time_ns = time_ns };
	struct evcan_log_read_stats s;

	evcan_log_reader_get_stats(c->reader, &s);
	if (s.gaps == c->gaps)
		return;
	gap.lost = s.lost - c->lost;
	c->gaps = s.gaps;
	c->lost = s.lost;
	evcan_listener_feed_gap(evcan_log_writer_listener(c->writer), NULL,
	    &gap);
}

static int
copy(struct converting *c)
{
	static struct evcan_frame frames[BATCH];
	int n, rc;

	while (!interrupted && !c->enough) {
		n = evcan_log_reader_read(c->reader, frames, BATCH);
		if (n == 0 || (n < 0 && interrupted))
			break;
		if (n == EVCAN_ERR_SYNTAX) {
			tell_fault(c);
			continue;
		}
		if (n < 0)
			return fail("%s",
			    evcan_log_reader_error(c->reader)->text);
		if ((rc = write_all(c, frames, (size_t)n)))
			return rc;
		pass_gap(c, frames[n - 1].time_ns);
		progress(c);
	}
	return interrupted ? fail("interrupted; what was read so far is"
	    " written") : 0;
}

static void
closed(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct converting *c = arg;

	if (err && err->code && !writer_deserted(writer, err) && !c->status)
		c->status = fail("%s", err->text);
}

/* Reading a file while it is written over loses it. */
static bool
same_file(const char *in, const char *out)
{
	struct stat a, b;
	int rc_a = strcmp(in, "-") ? stat(in, &a) : fstat(STDIN_FILENO, &a);
	int rc_b = strcmp(out, "-") ? stat(out, &b) :
	    fstat(STDOUT_FILENO, &b);

	return rc_a == 0 && rc_b == 0 && S_ISREG(a.st_mode) &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
set_format(struct evcan_options **options, const char *format)
{
	if (!*options && !(*options = evcan_options_new()))
		return fail("out of memory");
	if (format && evcan_options_set(*options, "format", format, NULL) < 0)
		return fail("out of memory");
	return 0;
}

/* Pipes and terminals are opened here, so that a signal can end the wait for
 * them; files by the library, which then knows their path. */
static struct evcan_log_reader *
open_input(struct converting *c, const char *in, struct evcan_error *err)
{
	const bool piped = strcmp(in, "-") == 0;
	struct stat st;
	int fd;

	if ((piped ? fstat(STDIN_FILENO, &st) : stat(in, &st)) < 0 ||
	    S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return evcan_log_reader_new(in, c->from_options, err);
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = piped ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
	    open(in, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "%.300s: cannot be opened for reading", in);
		return NULL;
	}
	if (nothing >= 0)
		input = fd;
	if (interrupted && nothing >= 0)
		dup2(nothing, fd);
	return evcan_log_reader_new_fd(fd, piped ? "standard input" : in,
	    c->from_options, err);
}

static int
open_both(struct converting *c, const char *in, const char *out)
{
	struct evcan_error err = { 0 };

	if (strcmp(out, "-") == 0 && !c->to_format)
		return usage("- as output needs a format: -F NAME");
	if (same_file(in, out))
		return usage("%s and %s are the same file", in, out);
	if (set_format(&c->from_options, c->from_format) ||
	    set_format(&c->to_options, c->to_format) || (c->append &&
	    set_format(&c->to_options, NULL)))
		return STATUS_FAILED;
	if (c->append && evcan_options_set(c->to_options, "append", "true",
	    "--append") < 0)
		return fail("out of memory");
	if (set_number_option(&c->to_options, "rotate_size", c->file_size,
	    "--file-size"))
		return STATUS_FAILED;
	c->reader = open_input(c, in, &err);
	if (c->reader)
		c->writer = evcan_log_writer_new(NULL, out, c->to_options,
		    &err);
	if (!c->writer)
		return fail_error(&err);
	evcan_log_reader_set_event_cb(c->reader, event, c);
	return 0;
}

#define FIXED 9
#define MOST 40

/* What went in and out, then whatever was lost, by name. */
static void
report(const struct converting *c)
{
	struct figure rows[MOST];
	char names[MOST][48];
	struct evcan_log_read_stats in;
	struct evcan_log_write_stats out;
	size_t n = FIXED;
	const char *name;
	uint64_t count;

	evcan_log_reader_get_stats(c->reader, &in);
	evcan_log_writer_get_stats(c->writer, &out);
	rows[0] = (struct figure){ "read", in.frames };
	rows[1] = (struct figure){ "written", out.written };
	rows[2] = (struct figure){ "bytes", out.bytes };
	rows[3] = (struct figure){ "faults", c->faults };
	rows[4] = (struct figure){ "skipped", in.skipped };
	rows[5] = (struct figure){ "gaps", in.gaps };
	rows[6] = (struct figure){ "unfit", out.unfit };
	rows[7] = (struct figure){ "events", in.events };
	rows[8] = (struct figure){ "without-event", c->events_left };
	for (size_t i = 0; n < MOST &&
	    (name = evcan_log_writer_lost(c->writer, i, &count)); i++) {
		if (count == 0)
			continue;
		snprintf(names[n], sizeof(names[n]), "without-%s", name);
		rows[n] = (struct figure){ names[n], count };
		n++;
	}
	figures_print(stderr, rows, n, common.json);
}

static int
convert(struct converting *c, const char *in, const char *out)
{
	int rc;

	catch_signals();
	if ((rc = open_both(c, in, out)))
		return rc;
	c->started = c->shown = now_ms();
	c->status = copy(c);
	status_end();
	evcan_log_writer_close(c->writer, closed, c);
	if (common.json || !common.quiet)
		report(c);
	return c->status ? c->status : c->faults ? STATUS_FAILED : 0;
}

static int
run(int argc, char **argv)
{
	static struct converting c;
	const struct flag own[] = {
		{ "format", 'F', FLAG_TEXT, &c.to_format },
		{ "input-format", 0, FLAG_TEXT, &c.from_format },
		{ "file-option", 'O', FLAG_PAIR, &c.to_options },
		{ "input-option", 0, FLAG_PAIR, &c.from_options },
		{ "append", 'a', FLAG_BOOL, &c.append },
		{ "file-size", 's', FLAG_SIZE, &c.file_size },
		{ .name = NULL }
	};
	const struct flag *const tables[] = { own };
	struct args args;
	int rc;

	rc = args_read(&args, argc, argv, tables, 1);
	if (!rc && args.n != 2)
		rc = usage("takes an input and an output file");
	if (!rc)
		rc = convert(&c, args.words[0], args.words[1]);
	if (c.writer)
		evcan_log_writer_free(c.writer);
	input = -1;
	if (c.reader)
		evcan_log_reader_free(c.reader);
	evcan_options_free(c.from_options);
	evcan_options_free(c.to_options);
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_convert = {
	.name = "convert",
	.summary = "turns a log of one format into another",
	.help =
"\nusage: evcan convert IN OUT\n\n"
"The input's format is known by its content, the output's by its suffix;\n"
"- is standard input or output. An OUT that exists is written over.\n\n"
"  -F, --format NAME      the output's format (needed for -)\n"
"  --input-format NAME    the input's format\n"
"  -O K=V                 an option of the output's format\n"
"  --input-option K=V     an option of the input's format\n"
"  -a, --append           add to OUT\n"
"  -s, --file-size N      a new file after N bytes (100k, 20M, 1G)\n"
"  -q only warnings     --json counts as JSON\n\n"
"At the end it says on standard error how many frames were read and written,\n"
"and what the output could not hold, by name. The exit status is 1 if lines\n"
"of the input could not be read; those that could are converted.\n\n"
"  evcan convert drive.asc drive.blf\n"
"  evcan convert drive.blf drive.log.gz --input-option tz=utc\n"
"  evcan convert drive.mf4 - -F printer | less\n",
	.run = run
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_play.c - evcan play: sends a log in its own time */
#include "tool.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct playing {
	/* Flags */
	struct bus_flags flags;
	struct evcan_options *options;
	const char *gap, *skip, *speed, *loop, *format;
	bool ignore_timestamps, error_frames;

	struct live live;
	struct closing closing;
	struct evcan_bus *bus;
	char **files;
	size_t n_files, at;
	struct evcan_player *player;
	struct evcan_log_writer *screen;
	struct event *emptied;
	struct event *arrived;      /* standard input has something */
	struct evcan_player_stats sum;
	uint64_t faults;
	uint64_t before;
	int status;
};

enum { EMPTY_MS = 10 };

static void next_file(struct playing *play);

static void
add_stats(struct playing *play)
{
	struct evcan_player_stats p;
	struct evcan_log_read_stats r;

	if (!play->player)
		return;
	evcan_player_get_stats(play->player, &p);
	evcan_player_get_log_stats(play->player, &r);
	play->sum.sent += p.sent;
	play->sum.passed_over += p.passed_over;
	play->sum.refused += p.refused;
	play->sum.late += p.late;
	play->faults += r.errors;
	evcan_player_free(play->player);
	play->player = NULL;
}

static void
closed(void *arg)
{
	struct playing *play = arg;

	live_end(&play->live);
}

/* What the player handed over is on its way: wait for the last frame. */
static void
empty(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval again = { .tv_usec = EMPTY_MS * 1000 };
	struct playing *play = arg;
	struct evcan_bus_stats stats;

	(void)fd;
	(void)what;
	evcan_bus_get_stats(play->bus, &stats);
	if (stats.tx_queued > 0 && !play->live.stopping)
		event_add(play->emptied, &again);
	else
		closing_start(&play->closing);
}

static void
finish(struct playing *play)
{
	const struct timeval at_once = { 0 };

	add_stats(play);
	event_add(play->emptied, &at_once);
}

static void
stop(void *arg)
{
	struct playing *play = arg;

	if (play->player || event_pending(play->arrived, EV_READ, NULL)) {
		event_del(play->arrived);
		finish(play);
	}
}

static void
done(struct evcan_player *player, const struct evcan_error *err, void *arg)
{
	struct playing *play = arg;

	(void)player;
	if (err && err->code)
		play->status = fail("%s", err->text);
	add_stats(play);
	next_file(play);
}

static void
play_next(struct playing *play)
{
	struct evcan_error err = { 0 };

	play->player = evcan_player_new(play->bus, play->files[play->at++],
	    play->options, &err);
	if (!play->player) {
		play->status = fail_error(&err);
		finish(play);
		return;
	}
	if (play->screen)
		evcan_player_set_monitor(play->player,
		    evcan_log_writer_listener(play->screen));
	evcan_player_start(play->player, done, play);
}

static void
arrived(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	play_next(arg);
}

/* A pipe or terminal; a file cannot be waited for, and need not. */
static bool
may_wait(const char *file)
{
	struct stat st;

	return strcmp(file, "-") == 0 && fstat(STDIN_FILENO, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ||
	    isatty(STDIN_FILENO));
}

/* What standard input brings is waited for in the loop, which hears
 * signals. */
static void
next_file(struct playing *play)
{
	if (play->at == play->n_files || play->status) {
		finish(play);
		return;
	}
	if (!may_wait(play->files[play->at]) ||
	    event_add(play->arrived, NULL) < 0)
		play_next(play);
}

/* A missing file is told before the first is played. */
static int
check_files(const struct playing *play)
{
	for (size_t i = 0; i < play->n_files; i++)
		if (strcmp(play->files[i], "-") != 0 &&
		    access(play->files[i], R_OK) < 0)
			return fail("%s: cannot be opened for reading: %s",
			    play->files[i], strerror(errno));
	return 0;
}

static void
tick(void *arg, double seconds)
{
	struct playing *play = arg;
	struct evcan_player_stats p;
	char text[160], rate[16];
	uint64_t sent;

	if (!play->player || common.quiet)
		return;
	evcan_player_get_stats(play->player, &p);
	sent = play->sum.sent + p.sent;
	snprintf(text, sizeof(text), "%.0f s: %llu frames, %s/s, %s",
	    live_seconds(&play->live), (unsigned long long)sent,
	    human((double)(sent - play->before) / seconds, rate,
	    sizeof(rate)), play->files[play->at - 1]);
	play->before = sent;
	status_show(text);
}

static void
screen_error(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct playing *play = arg;

	if (err && writer_deserted(writer, err))
		live_stop(&play->live);
	else if (err)
		say("%s", err->text);
}

/* -v shows each frame, as python-can's player does. */
static int
open_screen(struct playing *play)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };

	if (options && evcan_options_set(options, "format", "printer",
	    NULL) == 0)
		play->screen = stdout_writer(play->live.base, options, &err);
	evcan_options_free(options);
	if (!play->screen)
		return fail_error(&err);
	evcan_log_writer_set_error_cb(play->screen, screen_error, play);
	return 0;
}

static int
set_options(struct playing *play)
{
	const struct {
		const char *name, *value, *origin;
	} rows[] = {
		{ "ignore_timestamps", play->ignore_timestamps ? "true" :
		    NULL, "--ignore-timestamps" },
		{ "error_frames", play->error_frames ? "true" : NULL,
		    "--error-frames" },
		{ "gap", play->gap, "--gap" },
		{ "skip", play->skip, "--skip" },
		{ "speed", play->speed, "--speed" },
		{ "loop", play->loop && strcmp(play->loop, "i") == 0 ? "0" :
		    play->loop, "--loop" },
		{ "format", play->format, "--format" }
	};

	if (play->loop && strcmp(play->loop, "0") == 0)
		return usage("--loop takes a number from 1 on, or i for ever");
	if (play->loop && play->n_files > 1)
		return usage("--loop takes one file");
	if (!play->options && !(play->options = evcan_options_new()))
		return fail("out of memory");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value && evcan_options_set(play->options,
		    rows[i].name, rows[i].value, rows[i].origin) < 0)
			return fail("out of memory");
	return 0;
}

static int
report(const struct playing *play)
{
	uint64_t lost = bus_lost(play->bus);
	const struct figure rows[] = {
		{ "replayed", play->sum.sent },
		{ "passed-over", play->sum.passed_over },
		{ "refused", play->sum.refused },
		{ "late", play->sum.late },
		{ "faults", play->faults },
		{ "lost", lost }
	};

	if (common.json || !common.quiet)
		figures_print(common.json ? stdout : stderr, rows, 6,
		    common.json);
	return play->sum.refused || play->faults || lost ? STATUS_FAILED : 0;
}

static int
play_run(struct playing *play, struct args *args)
{
	const char *spec = NULL;
	int rc, status;

	play->files = args->words;
	play->n_files = args->n;
	if (args->n > 1 && !bus_flags_given(&play->flags)) {
		spec = *play->files++;
		play->n_files--;
	}
	if (play->n_files == 0)
		return usage("which log? evcan play BUS FILE...");
	if ((rc = set_options(play)) || (rc = check_files(play)))
		return rc;
	play->live.stop = stop;
	play->live.tick = tick;
	play->live.arg = play;
	if (!(play->live.base = live_base()))
		return STATUS_FAILED;
	play->bus = bus_make(play->live.base, &play->flags, spec, NULL,
	    &status);
	play->emptied = evtimer_new(play->live.base, empty, play);
	play->arrived = event_new(play->live.base, STDIN_FILENO, EV_READ,
	    arrived, play);
	if (!play->bus)
		return status;
	if (!play->emptied || !play->arrived)
		return fail("out of memory");
	bus_greet(play->bus);
	if ((common.verbose && (rc = open_screen(play))) ||
	    (rc = live_init(&play->live)))
		return rc;
	play->closing = (struct closing){ .base = play->live.base,
		.writers = &play->screen, .n_writers = play->screen != NULL,
		.buses = &play->bus, .n_buses = 1, .done = closed,
		.arg = play };
	next_file(play);
	live_run(&play->live);
	rc = report(play);
	return play->status ? play->status : play->closing.status ?
	    play->closing.status : rc;
}

static void
release(struct playing *play)
{
	if (play->player)
		evcan_player_free(play->player);
	if (play->screen)
		evcan_log_writer_free(play->screen);
	if (play->emptied)
		event_free(play->emptied);
	if (play->arrived)
		event_free(play->arrived);
	if (play->bus)
		evcan_bus_free(play->bus);
	live_destroy(&play->live);
	evcan_options_free(play->options);
	bus_flags_free(&play->flags);
	if (play->live.base)
		event_base_free(play->live.base);
}

static int
run(int argc, char **argv)
{
	static struct playing play;
	struct flag buses[BUS_FLAGS];
	const struct flag own[] = {
		{ "ignore-timestamps", 0, FLAG_BOOL, &play.ignore_timestamps },
		{ "gap", 'g', FLAG_TEXT, &play.gap },
		{ "skip", 's', FLAG_TEXT, &play.skip },
		{ "speed", 0, FLAG_TEXT, &play.speed },
		{ "loop", 'l', FLAG_TEXT, &play.loop },
		{ "error-frames", 0, FLAG_BOOL, &play.error_frames },
		{ "format", 'F', FLAG_TEXT, &play.format },
		{ "file-option", 'O', FLAG_PAIR, &play.options },
		{ "map", 0, FLAG_LATER, NULL },
		{ .name = NULL }
	};
	const struct flag *const tables[] = { own, buses };
	struct args args;
	int rc;

	bus_flags_table(&play.flags, buses);
	rc = args_read(&args, argc, argv, tables, 2);
	if (!rc)
		rc = play_run(&play, &args);
	release(&play);
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_play = {
	.name = "play",
	.summary = "sends a log's frames in their own time",
	.help =
"\nusage: evcan play BUS FILE...\n"
"       evcan play -i INTERFACE -c CHANNEL FILE...\n\n"
"  --ignore-timestamps  at a steady pace instead of the log's own time\n"
"  -g, --gap S          that pace: seconds between frames (0.0001)\n"
"  -s, --skip S         shorten longer pauses to S seconds (86400; 0: never)\n"
"  --speed X            2: twice as fast\n"
"  -l, --loop N         N times; i: for ever (one FILE)\n"
"  --error-frames       send error frames too\n"
"  -F, --format NAME    the logs' format, if it is not told by content\n"
"  -O K=V               an option of the format\n"
"Buses: -i INTERFACE -c CHANNEL -b BITRATE --fd --data-bitrate N --timing K=V\n"
"  -o OPTION=VALUE --config FILE --config-context C\n"
"  -v show each frame   -q only warnings   --json counts as JSON\n\n"
"Several FILEs are played one after another; - is standard input.\n\n"
"  evcan play socketcan:vcan0 drive.log\n"
"  evcan play socketcan:can0,fd=true drive.log --speed 2 --loop i\n",
	.run = run
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_play.c - evcan play: sends logs in their own time */
#include "tool.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct playing {
	/* Flags */
	struct bus_flags flags;
	struct evcan_options *options;
	const char *gap, *skip, *speed, *loop, *from, *until, *align, *format;
	bool ignore_timestamps, error_frames, paused, sequence;
	struct list maps;

	struct live live;
	struct closing closing;
	struct keys keys;
	/* The bus of what is not mapped, if there is one, is the first. */
	struct evcan_bus *buses[LIST_MAX + 1];
	const char *specs[LIST_MAX + 1];
	size_t n_buses;
	bool rest;                  /* the first has what is not mapped */
	struct evcan_filter *filters;
	size_t n_filters;
	char **files;
	size_t n_files, at;         /* at: behind those that play */
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

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void
add_stats(struct playing *play)
{
	struct evcan_player_stats p, *sum = &play->sum;
	struct evcan_log_read_stats r;

	if (!play->player)
		return;
	evcan_player_get_stats(play->player, &p);
	evcan_player_get_log_stats(play->player, &r);
	sum->sent += p.sent;
	sum->passed_over += p.passed_over;
	sum->refused += p.refused;
	sum->late += p.late;
	sum->flow_stops += p.flow_stops;
	/* Of several plays in sequence the worst. */
	sum->p50_late_ns = larger(sum->p50_late_ns, p.p50_late_ns);
	sum->p99_late_ns = larger(sum->p99_late_ns, p.p99_late_ns);
	sum->worst_late_ns = larger(sum->worst_late_ns, p.worst_late_ns);
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
	uint64_t queued = 0;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < play->n_buses; i++) {
		evcan_bus_get_stats(play->buses[i], &stats);
		queued += stats.tx_queued;
	}
	if (queued > 0 && !play->live.stopping)
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

/* Making the player */

static struct evcan_bus *
bus_of(const struct playing *play, const char *spec, size_t len)
{
	/* A spec ends at the "=" of its map, or as a text does. */
	for (size_t i = 0; i < play->n_buses; i++)
		if (play->specs[i] && strncmp(play->specs[i], spec, len) == 0 &&
		    strchr("=", play->specs[i][len]))
			return play->buses[i];
	return NULL;
}

/* OUT=CHANNEL, as canplayer's: the channel is behind the last "=". */
static int
map_channels(struct playing *play, struct evcan_error *err)
{
	int rc = 0;

	if (!play->rest)
		rc = evcan_player_map(play->player, NULL, NULL, err);
	for (size_t i = 0; i < play->maps.n && !rc; i++) {
		const char *spec = play->maps.items[i];
		const char *equals = strrchr(spec, '=');

		rc = evcan_player_map(play->player, equals + 1, bus_of(play,
		    spec, (size_t)(equals - spec)), err);
	}
	return rc;
}

static int
make_player(struct playing *play, struct evcan_error *err)
{
	size_t n = play->sequence ? play->at + 1 : play->n_files;
	int rc = 0;

	play->player = evcan_player_new(play->buses[0],
	    play->files[play->at++], play->options, err);
	if (!play->player)
		return -1;
	while (play->at < n && !rc)
		rc = evcan_player_add_file(play->player,
		    play->files[play->at++], NULL, err);
	if (!rc && play->n_filters > 0)
		rc = evcan_player_set_filters(play->player, play->filters,
		    play->n_filters, EVCAN_FILTER_OR, err);
	return rc ? rc : map_channels(play, err);
}

static void
play_next(struct playing *play)
{
	struct evcan_error err = { 0 };

	if (make_player(play, &err) < 0) {
		play->status = fail_error(&err);
		finish(play);
		return;
	}
	if (play->screen)
		evcan_player_set_monitor(play->player,
		    evcan_log_writer_listener(play->screen));
	if (evcan_player_start(play->player, done, play) < 0) {
		play->status = fail("out of memory");
		finish(play);
	}
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
	bool wait = false;
	size_t last = play->sequence ? play->at + 1 : play->n_files;

	if (play->at == play->n_files || play->status) {
		finish(play);
		return;
	}
	for (size_t i = play->at; i < last; i++)
		wait = wait || may_wait(play->files[i]);
	if (!wait || event_add(play->arrived, NULL) < 0)
		play_next(play);
}

/* A missing file is told before the first is played. */
static int
check_files(const struct playing *play)
{
	size_t inputs = 0;

	for (size_t i = 0; i < play->n_files; i++) {
		if (strcmp(play->files[i], "-") == 0)
			inputs++;
		else if (access(play->files[i], R_OK) < 0)
			return fail("%s: cannot be opened for reading: %s",
			    play->files[i], strerror(errno));
	}
	return inputs > 1 ? usage("standard input (-) can be played once") : 0;
}

/* What people see, and do */

/* How far it is, in percent of the logs' bytes; -1: not known. The log is read
 * ahead, so that of what was read only a part was played. */
static int
percent(const struct playing *play, const struct evcan_player_stats *p)
{
	struct evcan_log_read_stats log;
	double part;

	evcan_player_get_log_stats(play->player, &log);
	if (log.size == 0 || log.bytes > log.size || log.frames < p->read)
		return -1;
	part = log.frames > 0 ? (double)p->read / (double)log.frames : 0;
	return (int)(100 * part * (double)log.bytes / (double)log.size);
}

static void
show(struct playing *play, double rate)
{
	struct evcan_player_stats p;
	char text[300], number[16], part[16] = "", speed[32] = "";
	int done_part;

	if (!play->player || common.quiet)
		return;
	evcan_player_get_stats(play->player, &p);
	done_part = percent(play, &p);
	if (done_part >= 0)
		snprintf(part, sizeof(part), " (%d %%)", done_part);
	if (evcan_player_get_speed(play->player) != 1)
		snprintf(speed, sizeof(speed), ", speed %g",
		    evcan_player_get_speed(play->player));
	snprintf(text, sizeof(text), "%s%.1f s%s: %llu frames, %s/s%s%s%s",
	    evcan_player_paused(play->player) ? "paused at " : "",
	    (double)evcan_player_position(play->player) / 1e9, part,
	    (unsigned long long)(play->sum.sent + p.sent),
	    human(rate, number, sizeof(number)), speed,
	    play->n_files > 1 && play->sequence ? ", " : "",
	    play->n_files > 1 && play->sequence ?
	    play->files[play->at - 1] : "");
	status_show(text);
}

static void
tick(void *arg, double seconds)
{
	struct playing *play = arg;
	struct evcan_player_stats p;
	uint64_t sent;

	if (!play->player)
		return;
	evcan_player_get_stats(play->player, &p);
	sent = play->sum.sent + p.sent;
	show(play, (double)(sent - play->before) / seconds);
	play->before = sent;
}

static void
change_speed(struct playing *play, double factor)
{
	evcan_player_set_speed(play->player,
	    evcan_player_get_speed(play->player) * factor);
}

static void
key(void *arg, char pressed)
{
	struct playing *play = arg;

	if (pressed == 'q')
		live_stop(&play->live);
	if (!play->player)
		return;
	if (pressed == ' ' && evcan_player_paused(play->player))
		evcan_player_resume(play->player);
	else if (pressed == ' ')
		evcan_player_pause(play->player);
	else if (pressed == 's' || pressed == '\n')
		evcan_player_step(play->player, 1);
	else if (pressed == '+')
		change_speed(play, 2);
	else if (pressed == '-')
		change_speed(play, 0.5);
	else
		return;
	show(play, 0);
}

/* Keys are for a terminal that is not the log, and for whoever sees what
 * they do. */
static void
start_keys(struct playing *play)
{
	for (size_t i = 0; i < play->n_files; i++)
		if (strcmp(play->files[i], "-") == 0)
			return;
	if (!term_is(STDERR_FILENO))
		return;
	play->keys.cb = key;
	play->keys.arg = play;
	if (keys_start(&play->keys, play->live.base) && !common.quiet)
		say("space: pause   s: step   + -: faster, slower   q: end");
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

/* Flags */

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
		{ "paused", play->paused ? "true" : NULL, "--paused" },
		{ "gap", play->gap, "--gap" },
		{ "skip", play->skip, "--skip" },
		{ "speed", play->speed, "--speed" },
		{ "from", play->from, "--from" },
		{ "until", play->until, "--until" },
		{ "align", play->align, "--align" },
		{ "loop", play->loop && strcmp(play->loop, "i") == 0 ? "0" :
		    play->loop, "--loop" },
		{ "format", play->format, "--format" }
	};

	if (play->loop && strcmp(play->loop, "0") == 0)
		return usage("--loop takes a number from 1 on, or i for ever");
	if (play->loop && play->sequence && play->n_files > 1)
		return usage("--loop with --sequence takes one file");
	if (!play->options && !(play->options = evcan_options_new()))
		return fail("out of memory");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value && evcan_options_set(play->options,
		    rows[i].name, rows[i].value, rows[i].origin) < 0)
			return fail("out of memory");
	return 0;
}

/* Here --filter is for what is played: what comes in does not matter. */
static int
take_filters(struct playing *play)
{
	for (size_t i = 0; i < play->flags.filters.n; i++) {
		struct evcan_error err = { 0 };
		struct evcan_filter *more = NULL, *all;
		int n = evcan_filter_parse(play->flags.filters.items[i], &more,
		    &err);

		if (n < 0)
			return usage("--filter %s: %s",
			    play->flags.filters.items[i], err.text);
		all = realloc(play->filters, (play->n_filters + (size_t)n) *
		    sizeof(*all));
		if (all) {
			play->filters = all;
			memcpy(all + play->n_filters, more,
			    (size_t)n * sizeof(*all));
			play->n_filters += (size_t)n;
		}
		free(more);
		if (!all)
			return fail("out of memory");
	}
	play->flags.filters.n = 0;
	return 0;
}

static int
open_bus(struct playing *play, const char *spec, size_t len)
{
	char *copy = spec ? strndup(spec, len) : NULL;
	struct evcan_bus *bus;
	int status;

	if (spec && !copy)
		return fail("out of memory");
	bus = bus_make(play->live.base, &play->flags, copy, NULL, &status);
	free(copy);
	if (!bus)
		return status;
	play->specs[play->n_buses] = spec;
	play->buses[play->n_buses++] = bus;
	if (evcan_bus_set_cb(bus, NULL, bus_event, NULL) < 0)
		return fail("out of memory");
	bus_greet(bus);
	return 0;
}

/* The bus of the command line, then those of the maps. */
static int
open_buses(struct playing *play, const char *spec)
{
	int rc = 0;

	play->rest = spec || play->flags.channel || play->maps.n == 0;
	if (play->rest)
		rc = open_bus(play, spec, spec ? strlen(spec) : 0);
	for (size_t i = 0; i < play->maps.n && !rc; i++) {
		const char *map = play->maps.items[i];
		const char *equals = strrchr(map, '=');
		size_t len = equals ? (size_t)(equals - map) : 0;

		if (len == 0 || !equals[1])
			return usage("--map takes OUT=CHANNEL, such as "
			    "vcan1=can0, not %s", map);
		if (!bus_of(play, map, len))
			rc = open_bus(play, map, len);
	}
	return rc;
}

static uint64_t
micros(int64_t ns)
{
	return ((uint64_t)ns + 500) / 1000;
}

static int
report(const struct playing *play)
{
	const struct evcan_player_stats *sum = &play->sum;
	uint64_t lost = 0;

	for (size_t i = 0; i < play->n_buses; i++)
		lost += bus_lost(play->buses[i]);
	const struct figure rows[] = {
		{ "replayed", sum->sent },
		{ "passed-over", sum->passed_over },
		{ "refused", sum->refused },
		{ "late", sum->late },
		{ "late-p50-us", micros(sum->p50_late_ns) },
		{ "late-p99-us", micros(sum->p99_late_ns) },
		{ "late-worst-us", micros(sum->worst_late_ns) },
		{ "flow-stops", sum->flow_stops },
		{ "faults", play->faults },
		{ "lost", lost }
	};

	if (common.json || !common.quiet)
		figures_print(common.json ? stdout : stderr, rows,
		    sizeof(rows) / sizeof(rows[0]), common.json);
	if (sum->refused)
		return fail("frames that a bus cannot carry, such as CAN FD "
		    "without fd=true: %" PRIu64, sum->refused);
	return play->faults || lost ? STATUS_FAILED : 0;
}

static int
prepare(struct playing *play, struct args *args)
{
	const char *spec = NULL;
	int rc;

	play->files = args->words;
	play->n_files = args->n;
	if (args->n > 1 && play->maps.n == 0 &&
	    !bus_flags_given(&play->flags)) {
		spec = *play->files++;
		play->n_files--;
	}
	if (play->n_files == 0)
		return usage("which log? evcan play BUS FILE...");
	if ((rc = set_options(play)) || (rc = take_filters(play)) ||
	    (rc = check_files(play)))
		return rc;
	play->live.stop = stop;
	play->live.tick = tick;
	play->live.arg = play;
	if (!(play->live.base = live_base()))
		return STATUS_FAILED;
	if ((rc = open_buses(play, spec)))
		return rc;
	play->emptied = evtimer_new(play->live.base, empty, play);
	play->arrived = event_new(play->live.base, STDIN_FILENO, EV_READ,
	    arrived, play);
	if (!play->emptied || !play->arrived)
		return fail("out of memory");
	if (common.verbose && (rc = open_screen(play)))
		return rc;
	return live_init(&play->live);
}

static int
play_run(struct playing *play, struct args *args)
{
	int rc = prepare(play, args);

	if (rc)
		return rc;
	play->closing = (struct closing){ .base = play->live.base,
		.writers = &play->screen, .n_writers = play->screen != NULL,
		.buses = play->buses, .n_buses = play->n_buses,
		.done = closed, .arg = play };
	start_keys(play);
	next_file(play);
	live_run(&play->live);
	keys_end(&play->keys);
	rc = report(play);
	return play->status ? play->status : play->closing.status ?
	    play->closing.status : rc;
}

static void
release(struct playing *play)
{
	keys_end(&play->keys);
	if (play->player)
		evcan_player_free(play->player);
	if (play->screen)
		evcan_log_writer_free(play->screen);
	if (play->emptied)
		event_free(play->emptied);
	if (play->arrived)
		event_free(play->arrived);
	for (size_t i = 0; i < play->n_buses; i++)
		evcan_bus_free(play->buses[i]);
	live_destroy(&play->live);
	evcan_options_free(play->options);
	free(play->filters);
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
		{ "from", 0, FLAG_TEXT, &play.from },
		{ "until", 0, FLAG_TEXT, &play.until },
		{ "map", 0, FLAG_LIST, &play.maps },
		{ "align", 0, FLAG_TEXT, &play.align },
		{ "sequence", 0, FLAG_BOOL, &play.sequence },
		{ "paused", 0, FLAG_BOOL, &play.paused },
		{ "error-frames", 0, FLAG_BOOL, &play.error_frames },
		{ "format", 'F', FLAG_TEXT, &play.format },
		{ "file-option", 'O', FLAG_PAIR, &play.options },
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
	.summary = "sends logs' frames in their own time",
	.help =
"\nusage: evcan play BUS FILE...\n"
"       evcan play [-i INTERFACE] --map OUT=CHANNEL... FILE...\n\n"
"  --map OUT=CHANNEL    frames of the log's CHANNEL go to the bus OUT; others to\n"
"                       -c CHANNEL, or are left out\n"
"  --filter F           play only these (ID:MASK, ID~MASK)\n"
"  --from S, --until S  only this part: seconds from the log's start\n"
"  --speed X            2: twice as fast      -l, --loop N  N times; i: for ever\n"
"  -s, --skip S         shorten longer pauses to S seconds (86400; 0: never)\n"
"  --ignore-timestamps  at a steady pace: -g, --gap S between frames (0.0001)\n"
"  --sequence           FILEs one after another, not merged by time\n"
"  --align start        merge them as if all had begun together\n"
"  --error-frames       error frames too     --paused     begin with a pause\n"
"  -F NAME, -O K=V      the logs' format, and an option of it\n"
"Buses: -i INTERFACE -c CHANNEL -b BITRATE --fd --data-bitrate N --timing K=V\n"
"  -o OPTION=VALUE --config FILE --config-context C\n"
"  -v show each frame   -q only warnings   --json counts as JSON\n"
"Keys: space pauses, s steps, + and - change the speed, q ends. - is stdin.\n\n"
"  evcan play socketcan:vcan0 drive.log --speed 2 --loop i\n"
"  evcan play -i socketcan --map vcan0=can0 --map vcan1=can1 a.blf b.asc\n",
	.run = run
};

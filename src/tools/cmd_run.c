/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_run.c - evcan run: a gateway from one JSON document */
#include "tool.h"

#include <event2/event.h>
#include <string.h>
#include <time.h>

struct running {
	bool check, until_played, opening;
	struct list monitor;
	uint64_t rate;
	double every;        /* seconds between status lines; 0: terminal */

	struct live live;
	struct evcan_gateway *gateway;
	struct evcan_gateway_totals before, end;
	double since;        /* the last printed status line */
	int status;

	/* Frames shown live */
	struct evcan_log_writer *screen;
	struct evcan_listener *shows[LIST_MAX];
	size_t n_shows;
	int64_t next;        /* time of the next frame to show */
	bool ended;          /* nobody looks any more */
};

static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* All frames, or one of them each 1/rate seconds: a look, not a record. */
static int
show_frames(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	struct running *run = arg;
	int64_t t;

	(void)listener;
	if (run->ended)
		return (int)n;
	if (run->rate == 0) {
		evcan_listener_feed(evcan_log_writer_listener(run->screen),
		    bus, frames, n);
		return (int)n;
	}
	t = now();
	if (t >= run->next) {
		evcan_listener_feed(evcan_log_writer_listener(run->screen),
		    bus, frames, 1);
		run->next = t + 1000000000 / (int64_t)run->rate;
	}
	return (int)n;
}

static const struct evcan_listener_ops show_ops = { .frames = show_frames };

static void
screen_error(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct running *run = arg;

	if (!err)
		return;
	run->ended = true;
	if (!writer_deserted(writer, err))
		say("frames are no longer shown: %s", err->text);
}

static int
open_screen(struct running *run)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };

	if (!options || evcan_options_set(options, "format", "printer",
	    NULL) < 0) {
		evcan_options_free(options);
		return fail("out of memory");
	}
	run->screen = stdout_writer(run->live.base, options, &err);
	evcan_options_free(options);
	if (!run->screen)
		return fail_error(&err);
	evcan_log_writer_set_error_cb(run->screen, screen_error, run);
	return 0;
}

static int
add_show(struct running *run, const char *name)
{
	struct evcan_bus *bus = NULL;
	struct evcan_listener *show;

	if (strcmp(name, "all") != 0 &&
	    !(bus = evcan_gateway_bus_named(run->gateway, name)))
		return usage("--monitor %s: the document has no such bus"
		    " (or \"all\")", name);
	show = evcan_listener_new(&show_ops, run);
	if (!show)
		return fail("out of memory");
	run->shows[run->n_shows++] = show;
	if (evcan_notifier_add_listener(evcan_gateway_notifier(run->gateway),
	    show, bus) < 0)
		return fail("out of memory");
	return 0;
}

static int
add_shows(struct running *run)
{
	int rc = 0;

	if (run->rate > 1000000)
		return usage("--monitor-rate takes at most 1000000");
	if (run->monitor.n > 0)
		rc = open_screen(run);
	for (size_t i = 0; i < run->monitor.n && !rc; i++)
		rc = add_show(run, run->monitor.items[i]);
	return rc;
}

static void
tick(void *arg, double seconds)
{
	struct running *run = arg;
	struct evcan_gateway_totals t;
	char in[16], out[16], bridged[16], recorded[16], text[200];

	evcan_gateway_get_totals(run->gateway, &t);
	snprintf(text, sizeof(text), "%.0f s: in %s/s, out %s/s, bridged"
	    " %s/s, recorded %s/s, lost %llu", live_seconds(&run->live),
	    human((double)(t.received - run->before.received) / seconds, in,
	    sizeof(in)),
	    human((double)(t.sent - run->before.sent) / seconds, out,
	    sizeof(out)),
	    human((double)(t.bridged - run->before.bridged) / seconds,
	    bridged, sizeof(bridged)),
	    human((double)(t.recorded - run->before.recorded) / seconds,
	    recorded, sizeof(recorded)), (unsigned long long)t.lost);
	run->before = t;
	if (common.quiet || run->opening)
		return;
	run->since += seconds;
	if (run->every > 0 && run->since >= run->every - 0.5) {
		run->since = 0;
		say("%s", text);
	}
	status_show(text);
}

static void
event(struct evcan_gateway *gateway, const char *what, const char *text,
    void *arg)
{
	const struct running *run = arg;

	(void)gateway;
	/* The first refusal ends it, and is told then. */
	if (run->opening && strcmp(what, "opened") != 0)
		return;
	/* Gaps are told by the library's log; closing is what was asked. */
	if ((common.quiet && strcmp(what, "error") != 0) ||
	    strcmp(what, "gap") == 0 ||
	    (run->live.stopping && strcmp(what, "closed") == 0))
		return;
	say_news(what, text);
}

static void
screen_closed(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct running *run = arg;

	if (err && err->code && !writer_deserted(writer, err))
		run->status = fail("%s", err->text);
	live_end(&run->live);
}

static void
stopped(struct evcan_gateway *gateway, const struct evcan_error *err,
    void *arg)
{
	struct running *run = arg;

	(void)gateway;
	if (err && err->code)
		run->status = fail("%s", err->text);
	if (!run->screen || evcan_log_writer_close(run->screen,
	    screen_closed, run) < 0)
		live_end(&run->live);
}

static void
stop(void *arg)
{
	struct running *run = arg;

	if (evcan_gateway_stop(run->gateway, stopped, run) < 0)
		stopped(run->gateway, NULL, run);
}

static void
reopen(void *arg)
{
	struct running *run = arg;

	evcan_gateway_reopen_logs(run->gateway);
}

static void
played(struct evcan_gateway *gateway, const struct evcan_error *err,
    void *arg)
{
	struct running *run = arg;

	(void)gateway;
	if (err && err->code)
		run->status = fail("%s", err->text);
	if (run->until_played)
		live_stop(&run->live);
}

static void
report(const struct running *run)
{
	const struct figure rows[] = {
		{ "received", run->end.received },
		{ "sent", run->end.sent },
		{ "replayed", run->end.replayed },
		{ "cyclic", run->end.cyclic },
		{ "bridged", run->end.bridged },
		{ "recorded", run->end.recorded },
		{ "lost", run->end.lost }
	};

	if (common.json || !common.quiet)
		figures_print(stdout, rows, 7, common.json);
}

/* What cannot be had when it begins is a fault of the document or a cable that
 * is not there; what goes away later is tried again.
 * @return 0, a status, or -1: it was told to stop */
static int
open_buses(struct running *run)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	int rc = 0;

	if (evcan_gateway_open(run->gateway, &err) < 0) {
		fail_error(&err);
		return STATUS_FAILED;
	}
	run->opening = true;
	for (size_t i = 0; !rc && (bus = evcan_gateway_bus(run->gateway, i));
	    i++)
		rc = bus_await_open(run->live.base, bus);
	run->opening = false;
	return !rc && run->live.stopping ? -1 : rc;
}

/* @return a status */
static int
come_to_end(struct running *run)
{
	evcan_gateway_get_totals(run->gateway, &run->end);
	report(run);
	return run->status;
}

static int
run_document(struct running *run, const char *path)
{
	struct evcan_error err = { 0 };
	int rc;

	if (!(run->live.base = live_base()))
		return STATUS_FAILED;
	run->gateway = evcan_gateway_new(run->live.base, path, &err);
	if (!run->gateway)
		return fail_error(&err);
	if (run->check) {
		if (!common.quiet)
			printf("%s: no faults found\n", path);
		return 0;
	}
	run->live.stop = stop;
	run->live.reopen = reopen;
	run->live.tick = tick;
	run->live.arg = run;
	evcan_gateway_set_event_cb(run->gateway, event, run);
	evcan_gateway_set_played_cb(run->gateway, played, run);
	if ((rc = live_init(&run->live)) || (rc = add_shows(run)) ||
	    (rc = open_buses(run)))
		return rc < 0 ? come_to_end(run) : rc;
	if (evcan_gateway_start(run->gateway, &err) < 0) {
		fail_error(&err);
		return STATUS_FAILED;
	}
	if (run->until_played && !evcan_gateway_player(run->gateway, 0))
		return usage("--until-played: %s has no players", path);
	live_run(&run->live);
	return come_to_end(run);
}

static void
release(struct running *run)
{
	for (size_t i = 0; i < run->n_shows; i++)
		evcan_listener_free(run->shows[i]);
	if (run->gateway)
		evcan_gateway_free(run->gateway);
	if (run->screen)
		evcan_log_writer_free(run->screen);
	live_destroy(&run->live);
	if (run->live.base)
		event_base_free(run->live.base);
}

static int
run(int argc, char **argv)
{
	static struct running run = { .rate = 10 };
	const struct flag own[] = {
		{ "check", 0, FLAG_BOOL, &run.check },
		{ "until-played", 0, FLAG_BOOL, &run.until_played },
		{ "monitor", 'm', FLAG_LIST, &run.monitor },
		{ "monitor-rate", 0, FLAG_NUMBER, &run.rate },
		{ "status", 0, FLAG_SECONDS, &run.every },
		{ .name = NULL }
	};
	const struct flag *const tables[] = { own };
	struct args args;
	int rc;

	rc = args_read(&args, argc, argv, tables, 1);
	if (!rc && args.n != 1)
		rc = args.n ? usage("takes one document, not %zu", args.n) :
		    usage("which document? evcan run FILE.json");
	if (!rc) {
		raise_file_limit();
		rc = run_document(&run, args.words[0]);
	}
	release(&run);
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_run = {
	.name = "run",
	.summary = "runs a gateway: buses, loggers, bridges, tasks, players",
	.help =
"\nusage: evcan run FILE.json\n\n"
"  --check            only check the document; nothing is opened\n"
"  --until-played     end when all players have come to their end\n"
"  -m, --monitor BUS  show frames of BUS (a name in the document, or \"all\")\n"
"                     on standard output; repeatable\n"
"  --monitor-rate N   at most so many a second (10; 0: all of them)\n"
"  --status SECONDS   print a status line that often, terminal or not\n"
"  -v more messages   -q only warnings   --json figures as JSON\n\n"
"A bus that cannot be opened at the start ends it with 1; one that goes away\n"
"later is tried again. On a terminal a status line runs along. SIGHUP opens\n"
"log files anew; SIGINT and SIGTERM flush everything and end with 0. At the\n"
"end come the figures: received, sent, replayed, cyclic, bridged, recorded,\n"
"lost.\n\n"
"  evcan run --check gateway.json\n"
"  evcan run gateway.json --monitor powertrain\n"
"  evcan run demo.json --until-played --json\n",
	.run = run
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_play.c - the timing of replays, beside python-can's player */
#include <math.h>
#include <unistd.h>

#include <event2/event.h>

#include <evcan/log.h>
#include <evcan/options.h>
#include <evcan/player.h>

#include "bench_frames.h"
#include "bench_time.h"

/*
 * A player sends a log on a virtual bus; a second bus in another thread sees
 * when. No player tells when its schedule began, so the frame that was least
 * late by its host stamp counts as in time, for all players alike. The total
 * is from the first frame to the last. python-can's player knows no speed: it
 * gets a copy of the log whose times are divided.
 */

#define FRAMES 600000          /* in 10 minutes */
#define SPEED 60
#define SLOW_S 5               /* at the speed of the log */
#define MEAN_NS BENCH_MS

static char dir[] = "/tmp/evcan-bench-XXXXXX";
static struct evcan_frame frames[FRAMES];
static const char peer_name[] = "python-can player";

struct rig {
	struct bench_witness witness;
	struct event_base *base;
	struct evcan_bus *bus;
	struct evcan_player *player;
	size_t n;
	double speed;
	double cpu_ns;
	bool done;
	uint64_t seen, wrong;
	int64_t stamps[FRAMES];
	struct bench_delays delays;
};

static struct rig rig;

/* The log */

/* About one frame in a millisecond, at times by chance, in whole us as the
 * format has them. */
static void
make_frames(void)
{
	const int64_t start = INT64_C(1483389946) * BENCH_S;

	evcan_bench_frames(frames, FRAMES, false);
	for (size_t i = 0; i < FRAMES; i++)
		frames[i].time_ns = start + (int64_t)i * MEAN_NS +
		    evcan_bench_rnd() % 1000 * 1000;
}

/* ns from the first frame to this, when played so fast */
static double
place(size_t i, double speed)
{
	return (double)(frames[i].time_ns - frames[0].time_ns) / speed;
}

/* The first n frames, with times divided. */
static void
write_log(const char *path, size_t n, int speed)
{
	struct evcan_log_writer *writer = evcan_log_writer_new(NULL, path,
	    NULL, NULL);

	bench_require(writer != NULL, "no room for a log");
	for (size_t i = 0; i < n; i++) {
		struct evcan_frame frame = frames[i];

		frame.time_ns = frames[0].time_ns +
		    (int64_t)(place(i, speed) / 1e3 + 0.5) * 1000;
		bench_require(evcan_log_writer_write(writer, &frame, 1) == 1,
		    "no room for a log");
	}
	evcan_log_writer_free(writer);
}

/* Playing it */

static void
on_seen(const struct evcan_frame *frame, int64_t at_ns)
{
	const uint64_t i = rig.seen++;

	if (i >= rig.n || frame->id != frames[i].id)
		rig.wrong++;
	else
		rig.stamps[i] = at_ns;
}

static void
on_done(struct evcan_player *player, const struct evcan_error *err, void *arg)
{
	(void)player;
	(void)arg;
	bench_require(err == NULL, err != NULL ? err->text : "");
	rig.done = true;
	event_base_loopexit(rig.base, NULL);
}

static void
make_player(const char *path)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { .code = 0 };
	char speed[32];

	snprintf(speed, sizeof(speed), "%g", rig.speed);
	bench_require(options != NULL && evcan_options_set(options, "speed",
	    speed, NULL) == 0, "out of memory");
	rig.player = evcan_player_new(rig.bus, path, options, &err);
	evcan_options_free(options);
	bench_require(rig.player != NULL, err.text);
}

static double
process_cpu(void)
{
	return (double)bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* Plays the first n frames. */
static void
play(const char *path, size_t n, double speed)
{
	struct evcan_player_stats stats;

	memset(&rig, 0, sizeof(rig));
	rig.n = n;
	rig.speed = speed;
	rig.witness.seen = on_seen;
	bench_witness_start(&rig.witness);
	rig.base = event_base_new();
	bench_require(rig.base != NULL, "no loop");
	rig.bus = bench_bus(rig.base);
	rig.cpu_ns = process_cpu();
	make_player(path);
	bench_require(evcan_player_start(rig.player, on_done, NULL) == 0,
	    "not started");
	event_base_dispatch(rig.base);
	evcan_player_get_stats(rig.player, &stats);
	evcan_player_free(rig.player);
	bench_witness_end(&rig.witness);
	rig.cpu_ns = process_cpu() - rig.cpu_ns - rig.witness.cpu_ns;
	evcan_bus_free(rig.bus);
	event_base_free(rig.base);
	bench_require(rig.done && stats.sent == n && stats.refused == 0 &&
	    rig.witness.got == n && rig.wrong == 0,
	    "not every frame was sent, in its turn");
}

/* How far a frame came behind its place, counted from the first, in ns. */
static double
behind(size_t i)
{
	return (double)(rig.stamps[i] - rig.stamps[0]) - place(i, rig.speed);
}

static void
rows(const char *what, const double *peer)
{
	const size_t last = rig.n - 1;
	double least = 0;
	char name[64];

	for (size_t i = 0; i < rig.n; i++)
		least = fmin(least, behind(i));
	for (size_t i = 0; i < rig.n; i++)
		bench_delays_add(&rig.delays, (int64_t)(behind(i) - least));
	bench_delays_rows(what, &rig.delays, peer, peer_name);
	snprintf(name, sizeof(name), "%s_total", what);
	evcan_bench_row(name, "%", fabs(behind(last)) / place(last,
	    rig.speed) * 100, peer[3], peer[3] > 0 ? peer_name : NULL, 0);
	snprintf(name, sizeof(name), "%s_cpu", what);
	evcan_bench_row(name, "us", rig.cpu_ns / (double)rig.n / 1e3, peer[4],
	    peer[4] > 0 ? peer_name : NULL, 0);
}

static void
measure(const char *what, const char *path, const char *copy, size_t n,
    int speed)
{
	double peer[5];

	write_log(path, n, 1);
	write_log(copy, n, speed);
	play(path, n, speed);
	bench_peer_end(bench_peer_start("play_peer.py", "'%s'", copy), peer,
	    5);
	rows(what, peer);
	unlink(path);
	unlink(copy);
}

int
main(void)
{
	char path[64], copy[64];

	bench_require(mkdtemp(dir) != NULL, "no directory");
	snprintf(path, sizeof(path), "%s/10min.log", dir);
	snprintf(copy, sizeof(copy), "%s/copy.log", dir);
	make_frames();
	evcan_bench_head();
	measure("play_60", path, copy, FRAMES, SPEED);
	measure("play_1", path, copy, (size_t)(SLOW_S * BENCH_S / MEAN_NS),
	    1);
	rmdir(dir);
	return 0;
}

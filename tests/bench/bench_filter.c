/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_filter.c - what filters cost a frame, by their number */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/filter.h>
#include <evcan/frame.h>

#include "bench.h"

#define FRAMES 1000000u
#define ROUNDS 9
#define MOST 10000

static struct evcan_frame *frames;
static struct evcan_filter list[MOST];
/* What was counted, so that no loop is thought away. */
static volatile size_t counted;

static uint32_t
rnd(uint32_t n)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (uint32_t)((s >> 32) * n >> 32);
}

static int
make_frames(void)
{
	if ((frames = calloc(FRAMES, sizeof(*frames))) == NULL)
		return -1;
	for (size_t i = 0; i < FRAMES; i++) {
		if (rnd(2)) {
			frames[i].flags = EVCAN_FRAME_EXT;
			frames[i].id = rnd(EVCAN_MAX_EXT_ID + 1);
		} else {
			frames[i].id = rnd(EVCAN_MAX_STD_ID + 1);
		}
		frames[i].len = frames[i].dlc = 8;
	}
	return 0;
}

/* Exact identifiers, nine of ten extended, every second one seen. */
static void
make_exact(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const bool ext = i % 10 != 9;
		const struct evcan_frame *frame;

		list[i].format = ext ? EVCAN_FILTER_EXT : EVCAN_FILTER_STD;
		list[i].can_mask = ext ? EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID;
		list[i].can_id = rnd(list[i].can_mask + 1);
		frame = &frames[rnd(FRAMES)];
		if (i % 2 == 0 && ext && frame->flags & EVCAN_FRAME_EXT)
			list[i].can_id = frame->id;
	}
}

static void
make_masks(size_t n)
{
	static const uint32_t masks[4] = {
		0x1fffff00, 0x1ff00fff, 0x1ffffff0, 0x1f00ffff
	};

	make_exact(n);
	for (size_t i = 0; i < n; i++) {
		list[i].format = EVCAN_FILTER_EXT;
		list[i].can_mask = masks[i % 4];
	}
}

static size_t
walk(size_t n)
{
	size_t passed = 0;

	for (size_t i = 0; i < FRAMES; i++)
		passed += frames[i].id + frames[i].flags == n;
	return passed;
}

static double
walk_cost(void)
{
	double ns[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		const double from = evcan_bench_cpu();

		counted = walk(5);
		ns[r] = (evcan_bench_cpu() - from) / FRAMES;
	}
	return evcan_bench_median(ns, ROUNDS);
}

static struct evcan_filters *
compiled(size_t n)
{
	struct evcan_filters *const filters = evcan_filters_new(list, n,
	    EVCAN_FILTER_OR, NULL);

	if (filters == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return filters;
}

static double
one_round(const struct evcan_filters *filters)
{
	const double from = evcan_bench_cpu();
	size_t passed = 0;

	for (size_t i = 0; i < FRAMES; i++)
		passed += evcan_filters_match(filters, &frames[i]);
	counted = passed;
	return (evcan_bench_cpu() - from) / FRAMES;
}

static double
our_cost(size_t n)
{
	struct evcan_filters *const filters = compiled(n);
	double ns[ROUNDS];

	for (int r = 0; r < ROUNDS; r++)
		ns[r] = one_round(filters);
	evcan_filters_free(filters);
	return evcan_bench_median(ns, ROUNDS);
}

/* What the longest list costs, in times of a single filter; the rounds take
 * turns, so that both see the same machine. */
static double
most_by_one(void)
{
	struct evcan_filters *one, *most;
	double one_ns[ROUNDS], most_ns[ROUNDS];

	make_exact(MOST);
	one = compiled(1);
	most = compiled(MOST);
	for (int r = 0; r < ROUNDS; r++) {
		one_ns[r] = one_round(one);
		most_ns[r] = one_round(most);
	}
	evcan_filters_free(one);
	evcan_filters_free(most);
	return evcan_bench_median(most_ns, ROUNDS) /
	    evcan_bench_median(one_ns, ROUNDS);
}

static bool
linear(size_t n, const struct evcan_frame *frame)
{
	const bool ext = frame->flags & EVCAN_FRAME_EXT;

	for (size_t i = 0; i < n; i++) {
		if (ext == (list[i].format == EVCAN_FILTER_EXT) &&
		    ((frame->id ^ list[i].can_id) & list[i].can_mask) == 0)
			return true;
	}
	return false;
}

static double
linear_cost(size_t n)
{
	const size_t some = n > 1000 ? FRAMES / 50 : FRAMES;
	double ns[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		const double from = evcan_bench_cpu();
		size_t passed = 0;

		for (size_t i = 0; i < some; i++)
			passed += linear(n, &frames[i]);
		counted = passed;
		ns[r] = (evcan_bench_cpu() - from) / (double)some;
	}
	return evcan_bench_median(ns, ROUNDS);
}

/* python-can's own check of the same filters and frames, or 0 without it:
 * the list goes in as text, the time comes back. */
static const char script[] =
    "import sys, time, can\n"
    "lines = [l.split() for l in open(sys.argv[1])]\n"
    "n = int(lines[0][0])\n"
    "class Bus: pass\n"
    "bus = Bus()\n"
    "bus._filters = [{'can_id': int(a), 'can_mask': int(b),"
    " 'extended': c == '1'} for a, b, c in lines[1:n + 1]]\n"
    "frames = [can.Message(arbitration_id=int(a),"
    " is_extended_id=b == '1') for a, b in lines[n + 1:]]\n"
    "match = can.BusABC._matches_filters\n"
    "costs = []\n"
    "for _ in range(3):\n"
    "    start = time.process_time()\n"
    "    for frame in frames: match(bus, frame)\n"
    "    costs.append((time.process_time() - start) / len(frames))\n"
    "print(sorted(costs)[1] * 1e9)\n";

static int
tell_python(const char *path, size_t n)
{
	const size_t some = n < 10 ? 200000 : n < 1000 ? 10000 : 100;
	FILE *const f = fopen(path, "w");

	if (f == NULL)
		return -1;
	fprintf(f, "%zu\n", n);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%u %u %d\n", (unsigned)list[i].can_id,
		    (unsigned)list[i].can_mask,
		    list[i].format == EVCAN_FILTER_EXT);
	for (size_t i = 0; i < some; i++)
		fprintf(f, "%u %d\n", (unsigned)frames[i].id,
		    (frames[i].flags & EVCAN_FRAME_EXT) != 0);
	return fclose(f);
}

static double
python_cost(size_t n)
{
	char path[] = "/tmp/bench_filter.XXXXXX", command[4096];
	const int fd = mkstemp(path);
	double ns = 0;
	FILE *p;

	if (fd < 0 || tell_python(path, n) < 0)
		return 0;
	snprintf(command, sizeof(command),
	    "/usr/bin/python3 -c \"%s\" %s 2>/dev/null", script, path);
	if ((p = popen(command, "r")) != NULL) {
		if (fscanf(p, "%lf", &ns) != 1)
			ns = 0;
		pclose(p);
	}
	fclose(fdopen(fd, "r"));
	remove(path);
	return ns;
}

static void
rows(const char *what, size_t n, double floor)
{
	const double ours = our_cost(n);
	char name[64];

	snprintf(name, sizeof(name), "filter_%s_%zu", what, n);
	evcan_bench_row(name, "ns/frame", ours, python_cost(n),
	    "python-can", floor / ours);
	snprintf(name, sizeof(name), "filter_%s_%zu_linear", what, n);
	evcan_bench_row(name, "ns/frame", ours, linear_cost(n),
	    "linear scan in C", floor / ours);
}

int
main(void)
{
	static const size_t counts[] = {1, 100, MOST};
	double floor;

	if (make_frames() < 0) {
		fprintf(stderr, "out of memory\n");
		return 1;
	}
	evcan_bench_head();
	floor = walk_cost();
	evcan_bench_row("filter_walk", "ns/frame", floor, 0, NULL, 0);
	for (size_t i = 0; i < 3; i++) {
		make_exact(counts[i]);
		rows("exact", counts[i], floor);
	}
	evcan_bench_row("filter_exact_10000_by_1", "times", most_by_one(),
	    0, NULL, 0);
	for (size_t i = 1; i < 3; i++) {
		make_masks(counts[i]);
		rows("masks", counts[i], floor);
	}
	free(frames);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* send_cyclic.c - evcan send --period: frames again and again */
#include "tool.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/cyclic.h>
#include <evcan/modifier.h>

struct cycling {
	const struct cycle *flags;
	char **words;
	size_t n;                       /* of words and frames */
	struct evcan_frame *frames;
	struct evcan_cyclic_config config;
	struct evcan_modifier *modifiers;
	struct evcan_cyclic **tasks;
	size_t n_tasks, running;
	size_t offloaded;               /* of them, when they were started */

	struct live live;
	struct closing closing;
	struct evcan_bus *bus;
	struct event *emptied;
	unsigned patience;              /* looks at the queue, once asked */
	bool finishing, told;
	uint64_t before;
	int status;
};

/* Asked to end, it waits a second for frames that the bus has still got. */
enum { EMPTY_MS = 10, LOOKS = 100 };

/* ---- what is to be sent ---- */

static int
read_frames(struct cycling *c)
{
	struct evcan_error err = { 0 };

	c->frames = calloc(c->n, sizeof(*c->frames));
	c->tasks = calloc(c->n, sizeof(struct evcan_cyclic *));
	if (!c->frames || !c->tasks)
		return fail("out of memory");
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->words[i], "-") == 0)
			return usage("--period takes its frames from the"
			    " command line, not from standard input");
		if (evcan_frame_parse(&c->frames[i], c->words[i], &err) < 0)
			return usage("%s", err.text);
	}
	return 0;
}

/* Each must fit into each frame: none is silently without its checksum. */
static int
read_modifiers(struct cycling *c)
{
	const struct list *list = &c->flags->modifiers;
	struct evcan_error err = { 0 };

	c->modifiers = calloc(list->n + 1, sizeof(*c->modifiers));
	if (!c->modifiers)
		return fail("out of memory");
	for (size_t i = 0; i < list->n; i++) {
		if (evcan_modifier_parse(&c->modifiers[i], list->items[i],
		    &err) < 0)
			return usage("%s", err.text);
		for (size_t k = 0; k < c->n; k++)
			if (evcan_modifier_check(&c->modifiers[i],
			    c->frames[k].len, &err) < 0)
				return usage("--modifier %s of %s: %s",
				    list->items[i], c->words[k], err.text);
	}
	c->config.modifiers = c->modifiers;
	c->config.n_modifiers = list->n;
	return 0;
}

static int
read_config(struct cycling *c)
{
	const struct evcan_option *const rows = evcan_cyclic_options();
	struct evcan_error err = { 0 };

	if (evcan_options_refuse_unknown(c->flags->options, &rows, 1,
	    "periodic sending", &err) < 0 ||
	    evcan_cyclic_config_fill(&c->config, c->flags->options, &err) < 0)
		return fail_error(&err);
	return 0;
}

/* Frames of one identifier are a task, which sends them in turn. */
static bool
same_task(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->id == b->id &&
	    ((a->flags ^ b->flags) & EVCAN_FRAME_EXT) == 0;
}

static bool
is_first(const struct cycling *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_task(&c->frames[k], &c->frames[i]))
			return false;
	return true;
}

static void
ended(struct evcan_cyclic *task, const struct evcan_error *err, void *arg);

static int
make_task(struct cycling *c, size_t first, struct evcan_frame *turn)
{
	struct evcan_cyclic_config config = c->config;
	struct evcan_error err = { 0 };
	struct evcan_cyclic *task;
	size_t n = 0;

	for (size_t i = first; i < c->n; i++)
		if (same_task(&c->frames[i], &c->frames[first]))
			turn[n++] = c->frames[i];
	if (c->flags->count)
		config.count = c->flags->count * n;
	task = evcan_cyclic_new(c->bus, turn, n, &config, &err);
	if (!task)
		return fail_error(&err);
	evcan_cyclic_set_cb(task, ended, c);
	c->tasks[c->n_tasks++] = task;
	return 0;
}

static int
make_tasks(struct cycling *c)
{
	struct evcan_frame *turn = calloc(c->n, sizeof(*turn));
	int rc = 0;

	if (!turn)
		return fail("out of memory");
	for (size_t i = 0; i < c->n && !rc; i++)
		if (is_first(c, i))
			rc = make_task(c, i, turn);
	free(turn);
	return rc;
}

/* ---- sending ---- */

static void
closed(void *arg)
{
	struct cycling *c = arg;

	live_end(&c->live);
}

/* What the tasks handed over may still wait for room on the bus. */
static void
empty(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval again = { .tv_usec = EMPTY_MS * 1000 };
	struct cycling *c = arg;
	struct evcan_bus_stats stats;

	(void)fd;
	(void)what;
	evcan_bus_get_stats(c->bus, &stats);
	if (stats.tx_queued > 0 &&
	    (!c->live.stopping || c->patience++ < LOOKS))
		event_add(c->emptied, &again);
	else
		closing_start(&c->closing);
}

static void
finish(struct cycling *c)
{
	const struct timeval at_once = { 0 };

	if (c->finishing)
		return;
	c->finishing = true;
	event_add(c->emptied, &at_once);
}

static void
stop(void *arg)
{
	struct cycling *c = arg;

	evcan_bus_stop_all_periodic_tasks(c->bus, false);
	finish(c);
}

/* The first error is told, the others are counted. */
static void
ended(struct evcan_cyclic *task, const struct evcan_error *err, void *arg)
{
	struct cycling *c = arg;

	if (err && !c->told)
		say_news(evcan_bus_name(c->bus), err->text);
	if (err)
		c->told = true;
	if (!evcan_cyclic_running(task) && --c->running == 0)
		finish(c);
}

static void
start(struct cycling *c)
{
	struct evcan_error err = { 0 };
	struct evcan_cyclic_stats stats;

	for (size_t i = 0; i < c->n_tasks; i++) {
		if (evcan_cyclic_start(c->tasks[i], &err) < 0) {
			c->status = fail_error(&err);
			live_stop(&c->live);
			return;
		}
		c->running++;
		evcan_cyclic_get_stats(c->tasks[i], &stats);
		c->offloaded += stats.offloaded;
	}
}

static void
bus_event_cb(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct cycling *c = arg;

	bus_event(bus, event, info, NULL);
	if (event == EVCAN_BUS_CLOSED) {
		c->status = fail("%s: %s", evcan_bus_name(bus),
		    info->error && info->error->code ? info->error->text :
		    "closed");
		finish(c);
	}
}

/* The library's log shows them (-vvv); nobody else wants any. */
static void
ignore(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)bus;
	(void)frames;
	(void)n;
	(void)arg;
}

/* ---- figures ---- */

/* Of the tasks together; lateness of the worst of them. */
static void
sum_up(const struct cycling *c, struct evcan_cyclic_stats *sum)
{
	struct evcan_cyclic_stats s;

	memset(sum, 0, sizeof(*sum));
	sum->sent_known = true;
	for (size_t i = 0; i < c->n_tasks; i++) {
		evcan_cyclic_get_stats(c->tasks[i], &s);
		sum->sent += s.sent;
		sum->late += s.late;
		sum->skipped += s.skipped;
		sum->failed += s.failed;
		if (s.p99_late_ns > sum->p99_late_ns)
			sum->p99_late_ns = s.p99_late_ns;
		if (s.worst_late_ns > sum->worst_late_ns)
			sum->worst_late_ns = s.worst_late_ns;
		sum->sent_known &= s.sent_known;
	}
}

static void
tick(void *arg, double seconds)
{
	struct cycling *c = arg;
	struct evcan_cyclic_stats sum;
	char text[160], rate[16];

	if (common.quiet || c->finishing)
		return;
	sum_up(c, &sum);
	snprintf(text, sizeof(text), "%.0f s: %llu frames, %s/s, %llu late",
	    live_seconds(&c->live), (unsigned long long)sum.sent,
	    human((double)(sum.sent - c->before) / seconds, rate,
	    sizeof(rate)), (unsigned long long)sum.late);
	c->before = sum.sent;
	status_show(text);
}

static uint64_t
micros(int64_t ns)
{
	return (uint64_t)((ns + 999) / 1000);
}

static void
print_figures(const struct cycling *c, const struct evcan_cyclic_stats *sum)
{
	const struct figure rows[] = {
		{ "sent", sum->sent },
		{ "offloaded", c->offloaded },
		{ "failed", sum->failed },
		/* What follows is known of those that are sent here. */
		{ "skipped", sum->skipped },
		{ "late", sum->late },
		{ "late-p99-us", micros(sum->p99_late_ns) },
		{ "late-worst-us", micros(sum->worst_late_ns) }
	};
	const bool some = c->offloaded < c->n_tasks;

	figures_print(common.json ? stdout : stderr, rows, some ? 7 : 3,
	    common.json);
}

static int
report(const struct cycling *c)
{
	struct evcan_cyclic_stats sum;
	struct evcan_bus_stats bus;

	sum_up(c, &sum);
	evcan_bus_get_stats(c->bus, &bus);
	if (common.json || !common.quiet)
		print_figures(c, &sum);
	if (!sum.sent_known)
		say("%s sends by itself and does not tell how much",
		    evcan_bus_name(c->bus));
	if (bus.send_failed)
		return fail("frames taken but not sent: %llu",
		    (unsigned long long)bus.send_failed);
	return sum.failed ? STATUS_FAILED : 0;
}

/* ---- all of it ---- */

static int
cycle_bus(struct cycling *c, const char *spec)
{
	int rc, status;

	c->live.stop = stop;
	c->live.tick = tick;
	c->live.arg = c;
	if (!(c->live.base = live_base()))
		return STATUS_FAILED;
	c->bus = bus_make(c->live.base, c->flags->bus, spec, NULL, &status);
	if (!c->bus)
		return status;
	if (!(c->emptied = evtimer_new(c->live.base, empty, c)) ||
	    evcan_bus_set_cb(c->bus, common.verbose > 2 ? ignore : NULL,
	    bus_event_cb, c) < 0)
		return fail("out of memory");
	if ((rc = make_tasks(c)))
		return rc;
	bus_greet(c->bus);
	if ((rc = live_init(&c->live)))
		return rc;
	c->closing = (struct closing){ .base = c->live.base,
		.buses = &c->bus, .n_buses = 1, .done = closed, .arg = c };
	start(c);
	live_run(&c->live);
	rc = report(c);
	return c->status ? c->status : c->closing.status ?
	    c->closing.status : rc;
}

static void
release(struct cycling *c)
{
	for (size_t i = 0; i < c->n_tasks; i++)
		evcan_cyclic_free(c->tasks[i]);
	if (c->emptied)
		event_free(c->emptied);
	if (c->bus)
		evcan_bus_free(c->bus);
	live_destroy(&c->live);
	if (c->live.base)
		event_base_free(c->live.base);
	free(c->modifiers);
	free(c->tasks);
	free(c->frames);
}

int
send_cyclic(const struct cycle *cycle, const char *spec, char **words,
    size_t n)
{
	struct cycling c = { .flags = cycle, .words = words, .n = n };
	int rc;

	if (!(rc = read_frames(&c)) && !(rc = read_modifiers(&c)) &&
	    !(rc = read_config(&c)))
		rc = cycle_bus(&c, spec);
	release(&c);
	return rc;
}

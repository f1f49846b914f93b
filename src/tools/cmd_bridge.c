/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_bridge.c - evcan bridge: two buses, one or both ways */
#include "tool.h"

#include <event2/event.h>

struct bridging {
	struct bus_flags flags, each[2];
	bool one_way;

	struct live live;
	struct closing closing;
	struct evcan_notifier *notifier;
	struct evcan_listener *ear;
	struct evcan_bus *buses[2];
	struct evcan_bridge *bridges[2];
	struct evcan_bridge_stats before[2];
};

static void
closed(void *arg)
{
	struct bridging *b = arg;

	live_end(&b->live);
}

static void
stop(void *arg)
{
	struct bridging *b = arg;

	evcan_notifier_stop(b->notifier);
	closing_start(&b->closing);
}

static void
tick(void *arg, double seconds)
{
	struct bridging *b = arg;
	struct evcan_bridge_stats s[2] = { { 0 }, { 0 } };
	char there[16], back[16], text[160];
	uint64_t dropped;

	for (int i = 0; i < 2 && b->bridges[i]; i++)
		evcan_bridge_get_stats(b->bridges[i], &s[i]);
	dropped = s[0].dropped + s[1].dropped;
	snprintf(text, sizeof(text), "%.0f s: there %s/s, back %s/s, lost"
	    " %llu", live_seconds(&b->live),
	    human((double)(s[0].forwarded - b->before[0].forwarded) /
	    seconds, there, sizeof(there)),
	    human((double)(s[1].forwarded - b->before[1].forwarded) /
	    seconds, back, sizeof(back)), (unsigned long long)dropped);
	b->before[0] = s[0];
	b->before[1] = s[1];
	if (!common.quiet)
		status_show(text);
}

/* Told already, by the library's log. */
static int
ear_error(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_error *error, void *arg)
{
	(void)listener;
	(void)bus;
	(void)error;
	(void)arg;
	return 1;
}

static const struct evcan_listener_ops ear_ops = { .error = ear_error };

static int
add_bus(struct bridging *b, int i, const char *spec)
{
	const struct bus_flags *f = spec ? &b->flags : &b->each[i];
	int status;

	b->buses[i] = bus_make(b->live.base, f, spec, NULL, &status);
	return b->buses[i] ? 0 : status;
}

static int
attach_bus(struct bridging *b, int i)
{
	if (evcan_notifier_add_bus(b->notifier, b->buses[i]) < 0)
		return fail("out of memory");
	bus_greet(b->buses[i]);
	return 0;
}

static int
add_bridge(struct bridging *b, int from)
{
	struct evcan_error err = { 0 };

	b->bridges[from] = evcan_bridge_new(b->notifier, b->buses[from],
	    b->buses[!from], &err);
	return b->bridges[from] ? 0 : fail_error(&err);
}

static int
start(struct bridging *b, const struct args *args)
{
	int rc;

	if (!(b->live.base = live_base()))
		return STATUS_FAILED;
	b->notifier = evcan_notifier_new(b->live.base);
	b->ear = evcan_listener_new(&ear_ops, NULL);
	if (!b->notifier || !b->ear ||
	    evcan_notifier_add_listener(b->notifier, b->ear, NULL) < 0)
		return fail("out of memory");
	evcan_notifier_set_event_cb(b->notifier, bus_event, NULL);
	for (int i = 0; i < 2; i++)
		if ((rc = add_bus(b, i, args->n ? args->words[i] : NULL)))
			return rc;
	if ((rc = attach_bus(b, 0)) || (rc = attach_bus(b, 1)) ||
	    (rc = add_bridge(b, 0)) ||
	    (!b->one_way && (rc = add_bridge(b, 1))))
		return rc;
	b->live.stop = stop;
	b->live.tick = tick;
	b->live.arg = b;
	return live_init(&b->live);
}

static void
report(const struct bridging *b)
{
	struct evcan_bridge_stats s[2] = { { 0 }, { 0 } };

	for (int i = 0; i < 2 && b->bridges[i]; i++)
		evcan_bridge_get_stats(b->bridges[i], &s[i]);
	const struct figure rows[] = {
		{ "there", s[0].forwarded },
		{ "back", s[1].forwarded },
		{ "passed-over", s[0].passed_over + s[1].passed_over },
		{ "looped", s[0].looped + s[1].looped },
		{ "refused", s[0].refused + s[1].refused },
		{ "lost", s[0].dropped + s[1].dropped +
		    bus_lost(b->buses[0]) + bus_lost(b->buses[1]) }
	};

	if (common.json || !common.quiet)
		figures_print(common.json ? stdout : stderr, rows, 6,
		    common.json);
}

static int
bridge_run(struct bridging *b, const struct args *args)
{
	bool each = bus_flags_given(&b->each[0]) &&
	    bus_flags_given(&b->each[1]);
	int rc;

	if (args->n != 2 && !(args->n == 0 && each))
		return usage("takes two buses, as in evcan bridge"
		    " socketcan:can0 socketcan:can1");
	if ((rc = start(b, args)))
		return rc;
	b->closing = (struct closing){ .base = b->live.base,
		.buses = b->buses, .n_buses = 2, .done = closed, .arg = b };
	live_run(&b->live);
	report(b);
	return b->closing.status;
}

static void
release(struct bridging *b)
{
	for (int i = 0; i < 2; i++)
		if (b->bridges[i])
			evcan_bridge_free(b->bridges[i]);
	if (b->ear)
		evcan_listener_free(b->ear);
	if (b->notifier)
		evcan_notifier_free(b->notifier);
	for (int i = 0; i < 2; i++) {
		if (b->buses[i])
			evcan_bus_free(b->buses[i]);
		bus_flags_free(&b->each[i]);
	}
	bus_flags_free(&b->flags);
	live_destroy(&b->live);
	if (b->live.base)
		event_base_free(b->live.base);
}

static int
run(int argc, char **argv)
{
	static struct bridging b;
	static char names[2][BUS_FLAGS][BUS_FLAG_NAME];
	struct flag both[BUS_FLAGS], first[BUS_FLAGS], second[BUS_FLAGS];
	const struct flag own[] = {
		{ "one-way", '1', FLAG_BOOL, &b.one_way },
		{ .name = NULL }
	};
	const struct flag *const tables[] = { own, both, first, second };
	struct args args;
	int rc;

	bus_flags_table(&b.flags, both);
	bus_flags_table(&b.each[0], first);
	bus_flags_table(&b.each[1], second);
	bus_flags_prefix(first, "bus1-", names[0]);
	bus_flags_prefix(second, "bus2-", names[1]);
	rc = args_read(&args, argc, argv, tables, 4);
	if (!rc)
		rc = bridge_run(&b, &args);
	release(&b);
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_bridge = {
	.name = "bridge",
	.summary = "carries frames between two buses",
	.help =
"\nusage: evcan bridge A B\n"
"       evcan bridge --bus1-interface I --bus1-channel C --bus2-...\n\n"
"Frames of A go to B and frames of B to A; never one back to where it came\n"
"from. Error frames and own echoes stay where they are.\n\n"
"  -1, --one-way      only from A to B\n"
"  --filter LIST      only these: ID:MASK, or ID~MASK for all others, in hex\n"
"Buses: -i INTERFACE -b BITRATE --fd --data-bitrate N --timing K=V\n"
"  -o OPTION=VALUE --config FILE   for both; --bus1-... and --bus2-... for one\n"
"  -v more messages   -q only warnings   --json counts as JSON\n\n"
"Ends with SIGINT or SIGTERM, and tells how many frames went there and back.\n"
"For more than two buses, or with recording, see evcan run.\n\n"
"  evcan bridge socketcan:can0 socketcan:can1\n"
"  evcan bridge can0 vcan0 -i socketcan --one-way --filter 100:700\n",
	.run = run
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_log.c - evcan log: prints or records what buses say */
#include "tool.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct logging;

/* One file, and the listener before it that counts frames down. */
struct sink {
	struct evcan_log_writer *writer;
	struct evcan_listener *tap;
	struct logging *log;
	uint64_t left;
	bool deserted;
};

struct logging {
	/* Flags */
	struct bus_flags flags;
	struct list files;
	struct evcan_options *options;
	const char *format;
	uint64_t count, file_size;
	double seconds;
	bool append, active, passive;

	struct live live;
	struct closing closing;
	struct evcan_notifier *notifier;
	struct evcan_bus *buses[LIST_MAX];
	size_t n_buses;
	struct sink sinks[LIST_MAX];
	struct evcan_log_writer *writers[LIST_MAX];
	size_t n_sinks;

	/* The end: what was sent before it is still on its way here */
	struct event *drain;
	int64_t asked;      /* Unix time */
	uint64_t received;  /* at the last look */
	unsigned looks;
	bool past;
};

enum { DRAIN_MS = 20, DRAIN_LOOKS = 50 };

static int64_t
unix_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t
received(const struct logging *log)
{
	struct evcan_bus_stats stats;
	uint64_t n = 0;

	for (size_t i = 0; i < log->n_buses; i++) {
		evcan_bus_get_stats(log->buses[i], &stats);
		n += stats.received;
	}
	return n;
}

static int
tap_frames(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n, void *arg)
{
	struct sink *sink = arg;
	size_t want = n < sink->left ? n : (size_t)sink->left;
	const struct evcan_frame *last = &frames[n - 1];
	int taken = 0;

	(void)listener;
	if (want > 0)
		taken = evcan_listener_feed(
		    evcan_log_writer_listener(sink->writer), bus, frames,
		    want);
	if (taken < 0)
		return taken;
	sink->left -= (uint64_t)taken;
	if (sink->left == 0)
		live_stop(&sink->log->live);
	if (sink->log->asked && last->time_ns > sink->log->asked &&
	    last->clock != EVCAN_CLOCK_HARDWARE)
		sink->log->past = true;
	return (size_t)taken == want ? (int)n : taken;
}

static void
tap_gap(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_gap *gap, void *arg)
{
	struct sink *sink = arg;

	(void)listener;
	evcan_listener_feed_gap(evcan_log_writer_listener(sink->writer), bus,
	    gap);
}

/* Told already, by the library's log. */
static int
tap_error(struct evcan_listener *listener, struct evcan_bus *bus,
    const struct evcan_error *error, void *arg)
{
	(void)listener;
	(void)bus;
	(void)error;
	(void)arg;
	return 1;
}

static const struct evcan_listener_ops tap_ops = {
	.frames = tap_frames,
	.gap = tap_gap,
	.error = tap_error
};

static void
closed(void *arg)
{
	struct logging *log = arg;

	live_end(&log->live);
}

static void
look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval again = { .tv_usec = DRAIN_MS * 1000 };
	struct logging *log = arg;
	uint64_t n = received(log);

	(void)fd;
	(void)what;
	if (!log->past && log->sinks[0].left > 0 &&
	    log->looks++ < DRAIN_LOOKS && n != log->received) {
		log->received = n;
		event_add(log->drain, &again);
		return;
	}
	evcan_notifier_stop(log->notifier);
	closing_start(&log->closing);
}

/* Frames that were sent before the end may still wait in the kernel. */
static void
stop(void *arg)
{
	const struct timeval at_once = { 0 };
	struct logging *log = arg;

	log->asked = unix_now();
	log->received = UINT64_MAX;
	event_add(log->drain, &at_once);
}

static void
reopen(void *arg)
{
	struct logging *log = arg;

	for (size_t i = 0; i < log->n_sinks; i++)
		evcan_log_writer_reopen(log->writers[i]);
}

/* Who reads our output has seen enough: nothing more is owed to him. */
static void
desert(struct logging *log, const struct evcan_log_writer *writer)
{
	for (size_t i = 0; i < log->n_sinks; i++)
		if (log->writers[i] == writer)
			log->sinks[i].deserted = true;
	live_stop(&log->live);
}

static void
writer_error(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct logging *log = arg;

	if (!err)
		say("%s: writing works again",
		    evcan_log_writer_name(writer));
	else if (writer_deserted(writer, err))
		desert(log, writer);
	else
		say("%s", err->text);
}

/* Two that write one file would destroy it. */
static int
refuse_twice(const struct logging *log, const char *path)
{
	struct stat a, b;

	for (size_t i = 0; i < log->n_sinks; i++) {
		const char *other = log->files.items[i];

		if ((strcmp(path, "-") == 0 && strcmp(other, "-") == 0) ||
		    (stat(path, &a) == 0 && stat(other, &b) == 0 &&
		    S_ISREG(a.st_mode) && a.st_dev == b.st_dev &&
		    a.st_ino == b.st_ino))
			return usage("%s and %s are the same file", other,
			    path);
	}
	return 0;
}

static int
add_sink(struct logging *log, const char *path)
{
	struct sink *sink = &log->sinks[log->n_sinks];
	struct evcan_error err = { 0 };

	sink->log = log;
	sink->left = log->count ? log->count : UINT64_MAX;
	sink->writer = strcmp(path, "-") ?
	    evcan_log_writer_new(log->live.base, path, log->options, &err) :
	    stdout_writer(log->live.base, log->options, &err);
	if (!sink->writer)
		return fail_error(&err);
	log->writers[log->n_sinks++] = sink->writer;
	evcan_log_writer_set_error_cb(sink->writer, writer_error, log);
	sink->tap = evcan_listener_new(&tap_ops, sink);
	if (!sink->tap || evcan_notifier_add_listener(log->notifier,
	    sink->tap, NULL) < 0)
		return fail("out of memory");
	return 0;
}

static int
add_sinks(struct logging *log)
{
	int rc = 0;

	if (!log->options && !(log->options = evcan_options_new()))
		return fail("out of memory");
	if ((log->append && evcan_options_set(log->options, "append", "true",
	    "--append") < 0) || (log->format && evcan_options_set(
	    log->options, "format", log->format, "--format") < 0))
		return fail("out of memory");
	rc = set_number_option(&log->options, "rotate_size", log->file_size,
	    "--file-size");
	for (size_t i = 0; i < log->files.n && !rc; i++) {
		rc = refuse_twice(log, log->files.items[i]);
		if (!rc)
			rc = add_sink(log, log->files.items[i]);
	}
	if (log->files.n == 0) {
		if (evcan_options_set_default(log->options, "format",
		    "printer", NULL) < 0)
			return fail("out of memory");
		rc = add_sink(log, "-");
	}
	return rc;
}

static int
add_bus(struct logging *log, const char *spec)
{
	const char *mode = log->passive ? "PASSIVE" :
	    log->active ? "ACTIVE" : NULL;
	struct evcan_bus *bus;
	int status;

	if (log->n_buses == LIST_MAX)
		return usage("more than %d buses", LIST_MAX);
	bus = bus_make(log->live.base, &log->flags, spec, mode, &status);
	if (!bus)
		return status;
	log->buses[log->n_buses++] = bus;
	return 0;
}

static int
add_buses(struct logging *log, const struct args *args)
{
	int rc = args->n == 0 ? add_bus(log, NULL) : 0;

	for (size_t i = 0; i < args->n && !rc; i++)
		rc = add_bus(log, args->words[i]);
	return rc;
}

static int
attach_buses(struct logging *log)
{
	for (size_t i = 0; i < log->n_buses; i++) {
		if (evcan_notifier_add_bus(log->notifier, log->buses[i]) < 0)
			return fail("out of memory");
		bus_greet(log->buses[i]);
	}
	return 0;
}

static int
start(struct logging *log, const struct args *args)
{
	int rc;

	log->drain = evtimer_new(log->live.base, look, log);
	log->notifier = evcan_notifier_new(log->live.base);
	if (!log->drain || !log->notifier)
		return fail("out of memory");
	evcan_notifier_set_event_cb(log->notifier, bus_event, NULL);
	/* No file is emptied for a bus that cannot be opened. */
	if ((rc = add_buses(log, args)) || (rc = live_init(&log->live)) ||
	    (rc = add_sinks(log)) || (rc = attach_buses(log)))
		return rc;
	if (log->seconds > 0)
		live_limit(&log->live, log->seconds);
	return 0;
}

static void
report(const struct logging *log)
{
	struct evcan_log_write_stats stats;
	uint64_t recorded = 0, bytes = 0, lost = 0;

	for (size_t i = 0; i < log->n_buses; i++)
		lost += bus_lost(log->buses[i]);
	for (size_t i = 0; i < log->n_sinks; i++) {
		evcan_log_writer_get_stats(log->writers[i], &stats);
		recorded += stats.written;
		bytes += stats.bytes;
		if (log->sinks[i].deserted)
			continue;
		lost += evcan_listener_dropped(log->sinks[i].tap) +
		    stats.unfit + stats.queued;
	}
	const struct figure rows[] = {
		{ "received", received(log) },
		{ "recorded", recorded },
		{ "bytes", bytes },
		{ "lost", lost }
	};
	if (common.json || !common.quiet)
		figures_print(stderr, rows, 4, common.json);
}

static void
release(struct logging *log)
{
	for (size_t i = 0; i < log->n_sinks; i++) {
		if (log->sinks[i].tap)
			evcan_listener_free(log->sinks[i].tap);
		evcan_log_writer_free(log->writers[i]);
	}
	if (log->notifier)
		evcan_notifier_free(log->notifier);
	for (size_t i = 0; i < log->n_buses; i++)
		evcan_bus_free(log->buses[i]);
	if (log->drain)
		event_free(log->drain);
	live_destroy(&log->live);
	evcan_options_free(log->options);
	bus_flags_free(&log->flags);
	if (log->live.base)
		event_base_free(log->live.base);
}

static int
log_run(struct logging *log, const struct args *args)
{
	int rc;

	if (log->active && log->passive)
		return usage("--active and --passive exclude each other");
	raise_file_limit();
	log->live.stop = stop;
	log->live.reopen = reopen;
	log->live.arg = log;
	if (!(log->live.base = live_base()))
		return STATUS_FAILED;
	if ((rc = start(log, args)))
		return rc;
	log->closing = (struct closing){ .base = log->live.base,
		.writers = log->writers, .n_writers = log->n_sinks,
		.buses = log->buses, .n_buses = log->n_buses,
		.done = closed, .arg = log };
	live_run(&log->live);
	report(log);
	return log->closing.status;
}

static int
run(int argc, char **argv)
{
	static struct logging log;
	struct flag buses[BUS_FLAGS];
	const struct flag own[] = {
		{ "file", 'f', FLAG_LIST, &log.files },
		{ "file-name", 0, FLAG_LIST, &log.files },
		{ "format", 'F', FLAG_TEXT, &log.format },
		{ "file-option", 'O', FLAG_PAIR, &log.options },
		{ "append", 'a', FLAG_BOOL, &log.append },
		{ "active", 0, FLAG_BOOL, &log.active },
		{ "passive", 0, FLAG_BOOL, &log.passive },
		{ "count", 'n', FLAG_NUMBER, &log.count },
		{ "time", 't', FLAG_SECONDS, &log.seconds },
		{ "file-size", 's', FLAG_SIZE, &log.file_size },
		{ .name = NULL }
	};
	const struct flag *const tables[] = { own, buses };
	struct args args;
	int rc;

	bus_flags_table(&log.flags, buses);
	rc = args_read(&args, argc, argv, tables, 2);
	if (!rc)
		rc = log_run(&log, &args);
	release(&log);
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_log = {
	.name = "log",
	.summary = "prints or records what buses say",
	.help =
"\nusage: evcan log [BUS...] [-f FILE]...\n\n"
"  -f, --file FILE    record to FILE, its format by suffix (repeatable; - is\n"
"                     standard output); without, frames are printed\n"
"  -F, --format NAME  this format instead (see evcan list formats)\n"
"  -O K=V             an option of the format\n"
"  -a, --append       add to files that exist\n"
"  -s, --file-size N  a new file after N bytes (100k, 20M, 1G)\n"
"  -n, --count N      end after N frames      -t, --time S   after S seconds\n"
"  --passive          listen only             --active       take part\n"
"Buses: -i INTERFACE -c CHANNEL -b BITRATE --fd --data-bitrate N --timing K=V\n"
"  -o OPTION=VALUE --filter ID:MASK,ID~MASK --config FILE --config-context C\n"
"  -v more messages   -q only warnings      --json         counts as JSON\n"
"SIGHUP opens the files anew; SIGINT and SIGTERM flush and end with 0.\n\n"
"  evcan log socketcan:can0\n"
"  evcan log can0 can1 -i socketcan -f drive.blf -s 100M --filter 100:7F0\n"
"  evcan log socketcan:can0 -F candump | grep ' 123#'\n",
	.run = run
};

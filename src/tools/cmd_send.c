/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_send.c - evcan send: frames from the command line or stdin */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOT_GIVEN UINT64_MAX
/* Times the frames of a command line it still fits into 64 bits. */
#define COUNT_MAX 1000000000000
#define TIMEOUT_DEFAULT 10.0

struct sending {
	struct bus_flags flags;
	uint64_t count;
	double gap, timeout;     /* negative: not given */
	const char *period, *duration;
	bool spread;
	struct cycle cycle;

	struct evcan_bus *bus;
	struct timespec next;    /* absolute: gaps do not add up errors */
	uint64_t sent;
};

static void
wait_gap(struct sending *send)
{
	double whole;

	if (send->gap <= 0)
		return;
	if (send->sent == 0)
		clock_gettime(CLOCK_MONOTONIC, &send->next);
	else
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
		    &send->next, NULL) == EINTR)
			;
	send->next.tv_nsec += (long)(modf(send->gap, &whole) * 1e9);
	send->next.tv_sec += (time_t)whole;
	if (send->next.tv_nsec >= 1000000000) {
		send->next.tv_nsec -= 1000000000;
		send->next.tv_sec++;
	}
}

static int
send_one(struct sending *send, const char *text)
{
	struct evcan_error err = { 0 };
	struct evcan_frame frame;
	int rc;

	if (evcan_frame_parse(&frame, text, &err) < 0)
		return usage("%s", err.text);
	wait_gap(send);
	rc = evcan_bus_send_wait(send->bus, &frame, send->timeout > 0 ?
	    (int)fmin(send->timeout * 1000, 2e9) : -1);
	if (rc == EVCAN_ERR_TIMEOUT)
		return fail("%s: not sent within %g s: the bus took no frame"
		    " (nobody there to acknowledge?)", text, send->timeout);
	if (rc < 0) {
		err = *evcan_bus_error(send->bus);
		return fail("%s: %s", text, err.text[0] ? err.text :
		    evcan_error_name(rc));
	}
	send->sent++;
	return 0;
}

/* Lines of standard input, a frame each; blank ones and # remarks between. */
static int
send_stdin(struct sending *send)
{
	size_t size = 0;
	char *line = NULL;
	ssize_t len;
	int rc = 0;

	while (!rc && (len = getline(&line, &size, stdin)) >= 0) {
		while (len > 0 && strchr(" \t\r\n", line[len - 1]))
			line[--len] = '\0';
		if (len > 0 && line[0] != '#')
			rc = send_one(send, line);
	}
	if (!rc && ferror(stdin))
		rc = fail("cannot read standard input: %s", strerror(errno));
	free(line);
	return rc;
}

/* All frames are read before the first is sent: a typing error in the last
 * one sends none. */
static int
check(char **words, size_t n)
{
	struct evcan_error err = { 0 };
	struct evcan_frame frame;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], "-") == 0)
			continue;
		if (evcan_frame_parse(&frame, words[i], &err) < 0)
			return usage("%s", err.text);
	}
	return 0;
}

static int
send_all(struct sending *send, char **words, size_t n)
{
	int rc = 0;

	for (uint64_t round = 0; round < send->count && !rc; round++)
		for (size_t i = 0; i < n && !rc; i++)
			rc = strcmp(words[i], "-") ?
			    send_one(send, words[i]) : send_stdin(send);
	return rc;
}

static int
close_bus(struct sending *send)
{
	struct evcan_bus_stats stats;

	evcan_bus_close(send->bus);
	evcan_bus_get_stats(send->bus, &stats);
	if (stats.send_failed)
		return fail("frames taken but not sent: %" PRIu64,
		    stats.send_failed);
	return 0;
}

/* Flags that mean nothing to what is asked for are refused. */
static int
check_flags(const struct sending *send)
{
	const bool cyclic = send->period != NULL;
	const struct {
		const char *name;
		bool given, good;
	} flags[] = {
		{ "gap", send->gap >= 0, !cyclic },
		{ "timeout", send->timeout >= 0, !cyclic },
		{ "duration", send->duration != NULL, cyclic },
		{ "modifier", send->cycle.modifiers.n > 0, cyclic },
		{ "spread", send->spread, cyclic },
		{ "task-option", send->cycle.options != NULL, cyclic }
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].given && !flags[i].good)
			return usage("--%s %s --period", flags[i].name,
			    cyclic ? "does not go with" : "needs");
	if (cyclic && send->count != NOT_GIVEN &&
	    (send->count == 0 || send->count > COUNT_MAX))
		return usage("--count with --period is from 1 to %lld",
		    (long long)COUNT_MAX);
	return 0;
}

/* Flags that are options of a task, as if given by -O. */
static int
set_task_options(struct sending *send)
{
	const struct {
		const char *name, *value, *origin;
	} rows[] = {
		{ "period", send->period, "--period" },
		{ "duration", send->duration, "--duration" },
		{ "spread", send->spread ? "true" : NULL, "--spread" }
	};
	struct evcan_options **options = &send->cycle.options;

	if (!*options && !(*options = evcan_options_new()))
		return fail("out of memory");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value && evcan_options_set(*options,
		    rows[i].name, rows[i].value, rows[i].origin) < 0)
			return fail("out of memory");
	return 0;
}

static int
cycle(struct sending *send, const char *spec, char **words, size_t n)
{
	const int rc = set_task_options(send);

	if (rc)
		return rc;
	send->cycle.bus = &send->flags;
	if (send->count != NOT_GIVEN)
		send->cycle.count = send->count;
	return send_cyclic(&send->cycle, spec, words, n);
}

static int
send_run(struct sending *send, struct args *args)
{
	const char *spec = NULL;
	char **words = args->words;
	size_t n = args->n;
	int rc, status;

	if (n > 0 && strcmp(words[0], "-") != 0 && !strchr(words[0], '#')) {
		spec = *words++;
		n--;
	}
	if (n == 0)
		return usage("which frame? as in 123#DEADBEEF");
	if ((rc = check_flags(send)))
		return rc;
	if (send->period)
		return cycle(send, spec, words, n);
	if (send->count == NOT_GIVEN)
		send->count = 1;
	if (send->timeout < 0)
		send->timeout = TIMEOUT_DEFAULT;
	if ((rc = check(words, n)))
		return rc;
	send->bus = bus_make(NULL, &send->flags, spec, NULL, &status);
	if (!send->bus)
		return status;
	if ((rc = bus_wait_open(send->bus)))
		return rc;
	rc = send_all(send, words, n);
	status = close_bus(send);
	if (common.json) {
		const struct figure row = { "sent", send->sent };

		figures_print(stdout, &row, 1, true);
	}
	return rc ? rc : status;
}

static int
run(int argc, char **argv)
{
	static struct sending send = { .count = NOT_GIVEN, .gap = -1,
		.timeout = -1 };
	struct flag buses[BUS_FLAGS];
	const struct flag own[] = {
		{ "count", 'n', FLAG_NUMBER, &send.count },
		{ "gap", 'g', FLAG_SECONDS, &send.gap },
		{ "timeout", 0, FLAG_SECONDS, &send.timeout },
		{ "period", 'p', FLAG_TEXT, &send.period },
		{ "duration", 'd', FLAG_TEXT, &send.duration },
		{ "modifier", 'm', FLAG_LIST, &send.cycle.modifiers },
		{ "spread", 0, FLAG_BOOL, &send.spread },
		{ "task-option", 'O', FLAG_PAIR, &send.cycle.options },
		{ .name = NULL }
	};
	const struct flag *const tables[] = { own, buses };
	struct args args;
	int rc;

	bus_flags_table(&send.flags, buses);
	rc = args_read(&args, argc, argv, tables, 2);
	if (!rc)
		rc = send_run(&send, &args);
	if (send.bus)
		evcan_bus_free(send.bus);
	evcan_options_free(send.cycle.options);
	bus_flags_free(&send.flags);
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_send = {
	.name = "send",
	.summary = "sends frames",
	.help =
"\nusage: evcan send [BUS] FRAME...\n\n"
"FRAME is what candump -L writes and cansend takes:\n"
"  123#DEADBEEF  12345678#11.22   3 digits: standard identifier, 8: extended\n"
"  123#R  123#R8                  remote frame, with a length\n"
"  123##1112233                   CAN FD; after ##: 1 bit rate switch, 2 ESI\n"
"  -                              frames from standard input, one a line\n\n"
"  -n, --count N      send all of it N times\n"
"  -g, --gap S        seconds from one frame to the next\n"
"  --timeout S        give up when a frame is not taken by then (10; 0: never)\n"
"  -p, --period S     send again and again: FRAMEs of one identifier in turn,\n"
"                     one each period; each identifier for itself\n"
"  -d, --duration S   so long (else until a signal, or -n is through)\n"
"  -m, --modifier M   counter:byte=0, counter:bit=4,width=4, crc8_j1850:byte=7,\n"
"                     also xor, sum, crc16 ...: fill it in at each send\n"
"  --spread           identifiers not all at once   -O K=V  see evcan(1)\n"
"Buses: -i INTERFACE -c CHANNEL -b BITRATE --fd --data-bitrate N --timing K=V\n"
"  -o OPTION=VALUE --config FILE --config-context C\n\n"
"  evcan send socketcan:can0 123#DEADBEEF\n"
"  evcan send can0 -i socketcan 123#00 456#0000 -p 0.01 -m counter:byte=0\n",
	.run = run
};

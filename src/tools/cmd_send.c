/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_send.c - evcan send: frames from the command line or stdin */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sending {
	struct bus_flags flags;
	uint64_t count;
	double gap, timeout;

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
		return fail("%" PRIu64 " frames were taken but not sent",
		    stats.send_failed);
	return 0;
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
	static struct sending send = { .count = 1, .timeout = 10 };
	struct flag buses[BUS_FLAGS];
	const struct flag own[] = {
		{ "count", 'n', FLAG_NUMBER, &send.count },
		{ "gap", 'g', FLAG_SECONDS, &send.gap },
		{ "timeout", 0, FLAG_SECONDS, &send.timeout },
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
"  123#DEADBEEF       3 digits: standard identifier, then data\n"
"  12345678#11.22.33  8 digits: extended; dots where you like\n"
"  123#R  123#R8      remote frame, with a length\n"
"  123##1112233       CAN FD; the digit after ##: 1 bit rate switch, 2 ESI\n"
"  -                  frames from standard input, one a line\n\n"
"  -n, --count N      send all of it N times\n"
"  -g, --gap S        seconds from one frame to the next\n"
"  --timeout S        give up when a frame is not taken by then (10; 0: never)\n"
"Buses: -i INTERFACE -c CHANNEL -b BITRATE --fd --data-bitrate N --timing K=V\n"
"  -o OPTION=VALUE --config FILE --config-context C\n\n"
"  evcan send socketcan:can0 123#DEADBEEF\n"
"  evcan send -i socketcan -c can0 --fd 12345678##1AABBCCDD -n 100 -g 0.01\n",
	.run = run
};

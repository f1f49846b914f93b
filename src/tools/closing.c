/* SPDX-License-Identifier: BSD-3-Clause */
/* closing.c - flushes and closes what a command opened, in order */
#include "tool.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void close_buses(struct closing *closing);

static void
finished(evutil_socket_t fd, short what, void *arg)
{
	struct closing *closing = arg;

	(void)fd;
	(void)what;
	closing->done(closing->arg);
}

/* Not from inside closing_start(): its caller is still at work. */
static void
finish_soon(struct closing *closing)
{
	const struct timeval at_once = { 0 };

	if (event_base_once(closing->base, -1, EV_TIMEOUT, finished, closing,
	    &at_once) < 0)
		closing->done(closing->arg);
}

static void
bus_closed(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct closing *closing = arg;

	if (event != EVCAN_BUS_CLOSED)
		return;
	if (info->error && info->error->code) {
		say("%s: %s", evcan_bus_name(bus), info->error->text);
		closing->status = STATUS_FAILED;
	}
	if (--closing->waiting == 0)
		finish_soon(closing);
}

static void
close_buses(struct closing *closing)
{
	closing->waiting = 1;
	for (size_t i = 0; i < closing->n_buses; i++) {
		struct evcan_bus *bus = closing->buses[i];

		if (evcan_bus_set_cb(bus, NULL, bus_closed, closing) == 0 &&
		    evcan_bus_close(bus) == 0)
			closing->waiting++;
	}
	if (--closing->waiting == 0)
		finish_soon(closing);
}

bool
writer_deserted(const struct evcan_log_writer *writer,
    const struct evcan_error *err)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	if (err->system == EPIPE ||
	    evcan_log_writer_error(writer)->system == EPIPE)
		return true;
	/* What is told at a close has no errno: ask the pipe itself. */
	return strcmp(evcan_log_writer_name(writer), "standard output") == 0 &&
	    poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static void
writer_closed(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct closing *closing = arg;

	if (err && err->code && !writer_deserted(writer, err)) {
		say("%s", err->text);
		closing->status = STATUS_FAILED;
	}
	if (--closing->waiting == 0)
		close_buses(closing);
}

void
closing_start(struct closing *closing)
{
	closing->waiting = 1;
	for (size_t i = 0; i < closing->n_writers; i++)
		if (evcan_log_writer_close(closing->writers[i],
		    writer_closed, closing) == 0)
			closing->waiting++;
	if (--closing->waiting == 0)
		close_buses(closing);
}

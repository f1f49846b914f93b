/* SPDX-License-Identifier: BSD-3-Clause */
/* cable_driver.c - a driver as a plug-in: four cables with two ends each
 *
 * Two buses of one process that give the same cable as their channel hear each
 * other. Each end has a pipe that the other one writes frames into: they are
 * small enough to be written whole or not at all, and a full pipe is flow
 * control. Only what <evcan/plugin.h> has, and the system. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <evcan/plugin.h>

#define CABLES 4

struct socket {
	bool used;
	int fds[2];            /* a pipe: to read, to write */
};

struct end {
	int time;              /* option */
	struct socket *own, *other;
};

enum { TIME_RECEIVED, TIME_SENT };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct socket sockets[CABLES][2];

static const struct evcan_option options[] = {
	{ .name = "time", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "received", .choices = "received sent",
	  .help = "what a frame's time tells",
	  .offset = offsetof(struct end, time) },
	{ .name = NULL }
};

/* @return the cable of that name, or NULL */
static struct socket *
find_cable(const char *name)
{
	if (name == NULL || name[0] < '1' || name[0] > '0' + CABLES ||
	    name[1] != '\0')
		return NULL;
	return sockets[name[0] - '1'];
}

/* With the lock. */
static int
plug(struct end *end, struct socket *cable, const char *name,
    struct evcan_error *err)
{
	const int side = cable[0].used;

	if (cable[side].used)
		return evcan_error_set(err, EVCAN_ERR_BUSY, 0,
		    "cable %s has two ends, and both are plugged in", name);
	if (pipe2(cable[side].fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, errno,
		    "cable %s: no pipe", name);
	cable[side].used = true;
	end->own = &cable[side];
	end->other = &cable[!side];
	return 0;
}

static int
cable_open(struct evcan_bus *bus, struct evcan_error *err)
{
	const char *name = evcan_driver_common(bus)->channel;
	struct end *end = evcan_driver_state(bus);
	struct socket *cable = find_cable(name);
	int r;

	if (cable == NULL)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "there is no cable \"%s\": the channel is 1 to %d",
		    name != NULL ? name : "", CABLES);
	pthread_mutex_lock(&lock);
	r = plug(end, cable, name, err);
	pthread_mutex_unlock(&lock);
	if (r < 0)
		return r;
	evcan_driver_set_channel_info(bus, "cable %s", name);
	return evcan_driver_watch(bus, end->own->fds[0], EVCAN_WATCH_READ);
}

static void
cable_close(struct evcan_bus *bus)
{
	struct end *end = evcan_driver_state(bus);

	if (end->own == NULL)
		return;
	evcan_driver_watch(bus, end->own->fds[0], EVCAN_WATCH_NONE);
	pthread_mutex_lock(&lock);   /* the other end may be writing */
	close(end->own->fds[0]);
	close(end->own->fds[1]);
	end->own->used = false;
	pthread_mutex_unlock(&lock);
	end->own = NULL;
}

static int
cable_recv(struct evcan_bus *bus, struct evcan_frame *frames, int max)
{
	const struct end *end = evcan_driver_state(bus);
	const int64_t now = evcan_now_unix();
	ssize_t len = read(end->own->fds[0], frames,
	    (size_t)max * sizeof(*frames));
	int n = len > 0 ? (int)((size_t)len / sizeof(*frames)) : 0;

	for (int i = 0; i < n; i++) {
		frames[i].channel = 0;
		frames[i].dir = EVCAN_DIR_RX;
		frames[i].clock = EVCAN_CLOCK_HOST;
		if (end->time == TIME_RECEIVED)
			frames[i].time_ns = now;
	}
	return n;
}

static int
cable_send(struct evcan_bus *bus, const struct evcan_frame *frames, int n)
{
	const struct end *end = evcan_driver_state(bus);
	const int64_t now = evcan_now_unix();
	struct evcan_frame frame;
	int i = 0;

	pthread_mutex_lock(&lock);
	if (!end->other->used)
		i = n;               /* nobody there: they are gone */
	for (; i < n; i++) {
		frame = frames[i];
		frame.time_ns = now;
		if (write(end->other->fds[1], &frame, sizeof(frame)) < 0)
			break;
	}
	pthread_mutex_unlock(&lock);
	return i;
}

static void
cable_detect(void *context)
{
	char name[12];

	pthread_mutex_lock(&lock);
	for (int i = 0; i < CABLES; i++) {
		snprintf(name, sizeof(name), "%d", i + 1);
		if (!sockets[i][0].used || !sockets[i][1].used)
			evcan_driver_found(context, name,
			    sockets[i][0].used || sockets[i][1].used ?
			    "one end is free" : "both ends are free", NULL);
	}
	pthread_mutex_unlock(&lock);
}

static const struct evcan_driver cable = {
	.name = "cable",
	.summary = "two buses of this process, joined by one of four cables",
	.options = options,
	.state_size = sizeof(struct end),
	.caps = EVCAN_CAP_FD | EVCAN_CAP_ONE_FD,
	.open = cable_open,
	.close = cable_close,
	.recv = cable_recv,
	.send = cable_send,
	.detect = cable_detect
};

static const struct evcan_driver *const drivers[] = { &cable, NULL };

const struct evcan_plugin evcan_plugin_v1 = {
	EVCAN_PLUGIN_HEAD, "cable", "1.0", drivers, NULL
};

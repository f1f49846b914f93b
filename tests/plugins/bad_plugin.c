/* SPDX-License-Identifier: BSD-3-Clause */
/* bad_plugin.c - plug-ins with one thing wrong each, as BAD says
 *
 * tests/test_tool_plugin.sh compiles it with -DBAD=BAD_ABI and so on, and with
 * NAME, the name of its driver. Without BAD it is a plug-in like others. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <evcan/plugin.h>

#ifndef NAME
#define NAME "bad"
#endif

enum {
	BAD_ABI = 1, BAD_OLDER, BAD_DRIVER_SIZE, BAD_FORMAT_SIZE, BAD_OPTION,
	BAD_FRAME, BAD_SYMBOL, BAD_NO_NAME, BAD_NAME, BAD_MEMBER, BAD_PAIR,
	BAD_BID, BAD_MUTE, BAD_TWICE, BAD_NEWER, GOOD_NEWER, BAD_UNDEFINED,
	GOOD_NESTED, BAD_ROW
};

#ifndef BAD
#define BAD 0
#endif

static int
fail_open(struct evcan_bus *bus, struct evcan_error *err)
{
	(void)bus;
	return evcan_error_set(err, EVCAN_ERR_INIT, 0, "cannot be opened");
}

static void
do_nothing(struct evcan_bus *bus)
{
	(void)bus;
}

static int
receive(struct evcan_bus *bus, struct evcan_frame *frames, int max)
{
	(void)bus;
	(void)frames;
	(void)max;
	return 0;
}

static int
take(struct evcan_bus *bus, const struct evcan_frame *frames, int n)
{
	(void)bus;
	(void)frames;
	return n;
}

static int
start(struct evcan_bus *bus, const struct evcan_driver_cyclic *job,
    struct evcan_error *err)
{
	(void)bus;
	(void)job;
	(void)err;
	return 0;
}

static const struct evcan_option rows[] = {
	{ .name = "far", .type = EVCAN_OPTION_INT, .help = "far away",
	  .offset = BAD == BAD_ROW ? 4096 : 0 },
	{ .name = NULL }
};

/* As a newer header would have it. */
static const struct {
	struct evcan_driver driver;
	void (*later)(struct evcan_bus *bus);
} bad_driver = {
	.driver = {
		.name = BAD == BAD_NO_NAME ? NULL :
		    BAD == BAD_NAME ? "a:b" : NAME,
		.summary = "is wrong",
		.options = rows,
		.state_size = sizeof(int64_t),
		.open = fail_open,
		.close = do_nothing,
		.recv = BAD == BAD_MEMBER ? NULL : receive,
		.send = take,
		.cyclic_start = BAD == BAD_PAIR ? start : NULL
	},
	.later = BAD == BAD_NEWER ? do_nothing : NULL
};

static int
decode(void *state, const struct evcan_span *span, struct evcan_frame *frames,
    size_t max, struct evcan_decode *out)
{
	(void)state;
	(void)frames;
	(void)max;
	out->used = span->len;
	return 0;
}

static const struct evcan_format bad_format = {
	.name = NAME,
	.summary = "is wrong",
	.suffixes = "." NAME,
	.decode = BAD == BAD_BID ? decode : NULL
};

static const struct evcan_driver *const drivers[] = {
	&bad_driver.driver, BAD == BAD_TWICE ? &bad_driver.driver : NULL, NULL
};
static const struct evcan_format *const formats[] = {
	BAD == BAD_BID || BAD == BAD_MUTE ? &bad_format : NULL, NULL
};

#if BAD == 7   /* BAD_SYMBOL */
#define evcan_plugin_v1 evcan_plugin_v0
extern const struct evcan_plugin evcan_plugin_v1;
#elif BAD == 17   /* BAD_UNDEFINED */
int evcan_of_tomorrow(void);
int call_it(void);

int
call_it(void)
{
	return evcan_of_tomorrow();
}
#elif BAD == 18   /* GOOD_NESTED: what a constructor is told not to do */
__attribute__((constructor)) static void
nested(void)
{
	struct evcan_error err = { 0 };

	if (evcan_driver_find("virtual") == NULL ||
	    evcan_driver_find("nosuch") != NULL ||
	    evcan_plugin_load("./evcan_other.so", &err) != EVCAN_ERR_STATE)
		abort();
}
#endif

#ifdef THREAD   /* which goes on, whatever becomes of the plug-in */
static void *
go_on(void *arg)
{
	for (;;)
		sched_yield();
	return arg;
}

__attribute__((constructor)) static void
begin(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, go_on, NULL) != 0)
		abort();
	pthread_detach(thread);
}
#endif

const struct evcan_plugin evcan_plugin_v1 = {
	.abi = BAD == BAD_ABI ? 2 : EVCAN_PLUGIN_ABI,
	.size = sizeof(struct evcan_plugin) -
	    (BAD == BAD_OLDER ? sizeof(void *) : 0),
	.driver_size = BAD == BAD_DRIVER_SIZE ? 40 :
	    BAD == BAD_NEWER || BAD == GOOD_NEWER ? sizeof(bad_driver) :
	    sizeof(struct evcan_driver),
	.format_size = BAD == BAD_FORMAT_SIZE ? 40 :
	    sizeof(struct evcan_format),
	.option_size = sizeof(struct evcan_option) + (BAD == BAD_OPTION),
	.frame_size = BAD == BAD_FRAME ? 72 : sizeof(struct evcan_frame),
	.name = "bad",
	.version = "0",
	.drivers = drivers,
	.formats = formats
};

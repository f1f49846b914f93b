/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_fixture.h - a gateway of a document, watched; behind cmocka.h */
#ifndef GATEWAY_FIXTURE_H
#define GATEWAY_FIXTURE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <evcan/evcan.h>

static struct event_base *base;
static char dir[] = "/tmp/test_gateway.XXXXXX";

static inline int
setup(void **state)
{
	(void)state;
	base = event_base_new();
	strcpy(dir, "/tmp/test_gateway.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static inline int
teardown(void **state)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	char path[600];

	(void)state;
	while ((entry = readdir(list)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		unlink(path);
	}
	closedir(list);
	event_base_free(base);
	return rmdir(dir);
}

struct watch {
	struct evcan_gateway *gateway;
	int played, stopped, events;
	struct evcan_error stop_error;
	char what[40], text[600];
	bool free_at_played, free_at_stopped, free_at_event;
};

static inline void
release(struct watch *watch)
{
	evcan_gateway_free(watch->gateway);
	watch->gateway = NULL;
}

static inline void
on_played(struct evcan_gateway *gateway, const struct evcan_error *err,
    void *arg)
{
	struct watch *watch = arg;

	(void)gateway;
	(void)err;
	watch->played++;
	if (watch->free_at_played)
		release(watch);
}

static inline void
on_stopped(struct evcan_gateway *gateway, const struct evcan_error *err,
    void *arg)
{
	struct watch *watch = arg;

	(void)gateway;
	watch->stopped++;
	if (err != NULL)
		watch->stop_error = *err;
	if (watch->free_at_stopped)
		release(watch);
}

static inline void
on_event(struct evcan_gateway *gateway, const char *what, const char *text,
    void *arg)
{
	struct watch *watch = arg;

	(void)gateway;
	watch->events++;
	if (strcmp(what, "error") == 0) {
		snprintf(watch->what, sizeof(watch->what), "%s", what);
		snprintf(watch->text, sizeof(watch->text), "%s", text);
	}
	if (watch->free_at_event)
		release(watch);
}

/* A document in which each % stands for the test's directory. */
static inline struct evcan_gateway *
make_new(struct watch *watch, const char *format)
{
	char text[4000];
	size_t len = 0;
	struct evcan_error err = { 0 };

	for (; *format != '\0'; format++) {
		if (*format == '%')
			len += (size_t)snprintf(text + len,
			    sizeof(text) - len, "%s", dir);
		else
			text[len++] = *format == '\'' ? '"' : *format;
	}
	memset(watch, 0, sizeof(*watch));
	watch->gateway = evcan_gateway_new_text(base, text, len, "t.json",
	    &err);
	if (watch->gateway == NULL)
		fail_msg("%s", err.text);
	evcan_gateway_set_played_cb(watch->gateway, on_played, watch);
	evcan_gateway_set_event_cb(watch->gateway, on_event, watch);
	return watch->gateway;
}

static inline struct evcan_gateway *
start(struct watch *watch, const char *format)
{
	struct evcan_error err = { 0 };

	make_new(watch, format);
	if (evcan_gateway_start(watch->gateway, &err) < 0)
		fail_msg("%s", err.text);
	return watch->gateway;
}

static inline void
run_ms(int ms)
{
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

static inline void
run_until(const int *count)
{
	for (int i = 0; i < 3000 && *count == 0; i++)
		run_ms(5);
	assert_int_equal(*count, 1);
}

static inline void
stop(struct watch *watch)
{
	assert_int_equal(evcan_gateway_stop(watch->gateway, on_stopped, watch),
	    0);
	assert_int_equal(evcan_gateway_stop(watch->gateway, NULL, NULL),
	    EVCAN_ERR_STATE);
	assert_int_equal(watch->stopped, 0);
	run_until(&watch->stopped);
}

static inline void
run_until_replayed(struct watch *watch, uint64_t n)
{
	struct evcan_gateway_totals totals;

	do {
		run_ms(5);
		evcan_gateway_get_totals(watch->gateway, &totals);
	} while (totals.replayed < n);
}

static inline char *
in_dir(const char *name)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static inline void
write_log(unsigned n, unsigned step_us)
{
	FILE *file = fopen(in_dir("drive.log"), "w");

	for (unsigned i = 0; i < n; i++)
		fprintf(file, "(17000000%02u.%06u) can0 %03X#%04X\n",
		    i * step_us / 1000000, i * step_us % 1000000, i % 0x800,
		    i & 0xffff);
	assert_int_equal(fclose(file), 0);
}

#define CAR "'car': {'interface': 'virtual', 'channel': 'gw-car'}, " \
	"'powertrain': {'interface': 'virtual', 'channel': 'gw-car'}, " \
	"'bench': {'interface': 'virtual', 'channel': 'gw-bench'}, " \
	"'monitor': {'interface': 'virtual', 'channel': 'gw-bench'}"

#endif

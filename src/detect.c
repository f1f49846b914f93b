/* SPDX-License-Identifier: BSD-3-Clause */
/* detect.c - asks all drivers at once what could be opened */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/options.h>

#include "condition.h"
#include "registry.h"

struct found {
	struct found *next;
	struct evcan_options *options;
	char *description;
};

/* One driver's search. It is shared with a thread that may outlive the call,
 * when a vendor's library hangs: the last of the two frees it. */
struct search {
	struct search *next;    /* the caller's, of all that it started */
	const struct evcan_driver *driver;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct found *found, **end;
	pthread_t thread;
	bool threaded;
	bool done;        /* the thread is at its end */
	bool left;        /* nobody waits any more */
};

static void
search_free(struct search *search)
{
	while (search->found != NULL) {
		struct found *found = search->found;

		search->found = found->next;
		evcan_options_free(found->options);
		free(found->description);
		free(found);
	}
	pthread_cond_destroy(&search->changed);
	pthread_mutex_destroy(&search->lock);
	free(search);
}

static struct search *
search_new(const struct evcan_driver *driver)
{
	struct search *search = calloc(1, sizeof(*search));

	if (search == NULL)
		return NULL;
	search->driver = driver;
	search->end = &search->found;
	pthread_mutex_init(&search->lock, NULL);
	evcan_condition_init_(&search->changed);
	return search;
}

static int
fill(struct found *found, const char *interface, const char *channel,
    const char *const *options)
{
	int r;

	if (found->options == NULL || found->description == NULL)
		return EVCAN_ERR_NOMEM;
	r = evcan_options_set(found->options, "interface", interface, NULL);
	if (r == 0)
		r = evcan_options_set(found->options, "channel", channel,
		    NULL);
	for (; r == 0 && options != NULL && *options != NULL; options++)
		r = evcan_options_set_pair(found->options, *options, NULL,
		    NULL);
	return r;
}

void
evcan_driver_found(void *context, const char *channel,
    const char *description, const char *const *options)
{
	struct search *search = context;
	struct found *found = calloc(1, sizeof(*found));

	if (found == NULL)
		return;
	found->options = evcan_options_new();
	found->description = strdup(description != NULL ? description : "");
	if (fill(found, search->driver->name, channel, options) < 0) {
		evcan_options_free(found->options);
		free(found->description);
		free(found);
		return;
	}
	pthread_mutex_lock(&search->lock);
	*search->end = found;
	search->end = &found->next;
	pthread_mutex_unlock(&search->lock);
}

static void *
run(void *arg)
{
	struct search *search = arg;
	bool left;

	search->driver->detect(search);
	pthread_mutex_lock(&search->lock);
	search->done = true;
	left = search->left;
	pthread_cond_signal(&search->changed);
	pthread_mutex_unlock(&search->lock);
	if (left)
		search_free(search);
	return NULL;
}

static struct search *
start(const struct evcan_driver *driver)
{
	struct search *search;

	if (driver->detect == NULL)
		return NULL;
	search = search_new(driver);
	if (search == NULL)
		return NULL;
	/* No thread to be had: then it runs here, and nobody waits. */
	search->threaded = pthread_create(&search->thread, NULL, run,
	    search) == 0;
	if (!search->threaded)
		run(search);
	return search;
}

static int
tell(const struct search *search, evcan_detect_cb cb, void *arg)
{
	int n = 0;

	for (const struct found *f = search->found; f != NULL; f = f->next) {
		struct evcan_detected detected = {
			.interface = search->driver->name,
			.channel = evcan_options_get(f->options, "channel"),
			.description = f->description,
			.options = f->options
		};

		cb(&detected, arg);
		n++;
	}
	return n;
}

/* Waits for a search until the time, and tells what it found. */
static int
collect(struct search *search, int64_t end, evcan_detect_cb cb, void *arg)
{
	bool done, in_time = true;
	int n = 0;

	pthread_mutex_lock(&search->lock);
	while (!search->done && in_time)
		in_time = evcan_condition_wait_(&search->changed,
		    &search->lock, end);
	done = search->done;
	search->left = !done;
	if (!done)
		pthread_detach(search->thread);
	pthread_mutex_unlock(&search->lock);
	if (!done) {
		evcan_log(EVCAN_LOG_WARNING, "detect",
		    "interface %s did not answer in time",
		    search->driver->name);
		return 0;
	}
	/* It is at its end: what libraries keep for it goes with it. */
	if (search->threaded)
		pthread_join(search->thread, NULL);
	n = tell(search, cb, arg);
	search_free(search);
	return n;
}

static bool
is_wanted(const struct evcan_driver *driver, const char *const *interfaces)
{
	if (interfaces == NULL || *interfaces == NULL)
		return true;
	for (; *interfaces != NULL; interfaces++) {
		if (evcan_driver_find(*interfaces) == driver)
			return true;
	}
	return false;
}

int
evcan_detect(const char *const *interfaces, int timeout_ms,
    evcan_detect_cb cb, void *arg, struct evcan_error *err)
{
	struct search *searches = NULL, **last = &searches;
	const struct evcan_driver *driver;
	int64_t end;
	int found = 0;

	for (size_t i = 0; interfaces != NULL && interfaces[i] != NULL; i++) {
		if (evcan_registry_driver_(interfaces[i], err) == NULL)
			return EVCAN_ERR_NOT_IMPLEMENTED;
	}
	for (size_t i = 0; (driver = evcan_driver_at(i)) != NULL; i++) {
		if (is_wanted(driver, interfaces))
			*last = start(driver);
		if (*last != NULL)
			last = &(*last)->next;
	}
	end = evcan_now_monotonic() +
	    (int64_t)(timeout_ms < 0 ? 5000 : timeout_ms) * 1000000;
	while (searches != NULL) {
		struct search *search = searches;

		searches = search->next;   /* collecting frees it */
		found += collect(search, end, cb, arg);
	}
	return found;
}

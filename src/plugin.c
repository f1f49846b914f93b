/* SPDX-License-Identifier: BSD-3-Clause */
/* plugin.c - finds and loads plug-ins, once, and keeps them for good */
#include "plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "environment.h"

#ifndef EVCAN_PLUGIN_DIR   /* the build's */
#define EVCAN_PLUGIN_DIR "/usr/local/lib/evcan/plugins"
#endif

#define SYMBOL "evcan_plugin_v1"
#define PREFIX "evcan_"
#define SUFFIX ".so"

/* A row of evcan_plugin_at(); never freed. Rows are added at the end with the
 * lock held, and read without. */
struct row {
	struct evcan_plugin_info info;
	const struct evcan_plugin *plugin;   /* NULL: refused */
	struct row *_Atomic next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct row *_Atomic first;
static struct row *_Atomic *end = &first;    /* with the lock */
static atomic_bool looked;                   /* in all folders */
/* This thread holds the lock: what it looks up now is what there is. */
static _Thread_local bool inside;

static void
enter(void)
{
	pthread_mutex_lock(&lock);
	inside = true;
}

static void
leave(void)
{
	inside = false;
	pthread_mutex_unlock(&lock);
}

static struct row *
first_row(void)
{
	return atomic_load_explicit(&first, memory_order_acquire);
}

static struct row *
next_row(struct row *row)
{
	return atomic_load_explicit(&row->next, memory_order_acquire);
}

static void
publish(struct row *row)
{
	atomic_store_explicit(end, row, memory_order_release);
	end = &row->next;
}

static void
row_free(struct row *row)
{
	if (row == NULL)
		return;
	evcan_plugin_drivers_free_(
	    (const struct evcan_driver **)(uintptr_t)row->info.drivers);
	evcan_plugin_formats_free_(
	    (const struct evcan_format **)(uintptr_t)row->info.formats);
	free((char *)(uintptr_t)row->info.fault);
	free((char *)(uintptr_t)row->info.path);
	free(row);
}

/* Keeps why a file or folder is not used. */
static void
refuse(const char *path, const char *why)
{
	struct row *row = calloc(1, sizeof(*row));

	evcan_log(EVCAN_LOG_INFO, "plugin", "%s: %s", path, why);
	if (row == NULL)
		return;
	row->info.path = strdup(path);
	row->info.fault = strdup(why);
	if (row->info.path != NULL && row->info.fault != NULL)
		publish(row);
	else
		row_free(row);
}

/* Names */

static const char *
owner(const struct evcan_driver *driver, const struct evcan_format *format)
{
	for (struct row *row = first_row(); row != NULL; row = next_row(row)) {
		if (row->plugin == NULL)
			continue;
		for (size_t i = 0; row->info.drivers[i] != NULL; i++)
			if (row->info.drivers[i] == driver)
				return row->info.path;
		for (size_t i = 0; row->info.formats[i] != NULL; i++)
			if (row->info.formats[i] == format)
				return row->info.path;
	}
	return "evcan itself";
}

static int
taken(const char *what, const char *name, const char *by,
    struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_BUSY, 0,
	    "has a %s \"%s\", which is the name of one of %s", what, name,
	    by);
}

/* Names that others have, or two of its own tables. */
static int
check_names(const struct row *row, struct evcan_error *err)
{
	const struct evcan_driver *const *drivers = row->info.drivers, *driver;
	const struct evcan_format *const *formats = row->info.formats, *format;
	int r = 0;

	for (size_t i = 0; r == 0 && drivers[i] != NULL; i++) {
		driver = evcan_driver_find(drivers[i]->name);
		if (driver != NULL)
			r = taken("driver", drivers[i]->name,
			    owner(driver, NULL), err);
		for (size_t j = 0; r == 0 && j < i; j++)
			if (strcmp(drivers[i]->name, drivers[j]->name) == 0)
				r = taken("driver", drivers[i]->name,
				    "its own", err);
	}
	for (size_t i = 0; r == 0 && formats[i] != NULL; i++) {
		format = evcan_format_find(formats[i]->name);
		if (format != NULL)
			r = taken("format", formats[i]->name,
			    owner(NULL, format), err);
		for (size_t j = 0; r == 0 && j < i; j++)
			if (strcasecmp(formats[i]->name,
			    formats[j]->name) == 0)
				r = taken("format", formats[i]->name,
				    "its own", err);
	}
	return r;
}

/* Loading */

/* The loader's own words, without the path that they begin with. */
static int
not_loaded(const char *path, struct evcan_error *err)
{
	const char *text = dlerror();
	const size_t len = strlen(path);

	if (text == NULL)
		text = "the system does not say why";
	if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	return evcan_error_set(err, EVCAN_ERR_INIT, 0, "cannot be loaded: %s",
	    text);
}

/* In a program with the library built in, a plug-in may bring the shared one
 * along: it would be handed one's buses and call the other. */
static bool
is_ours(void *handle)
{
	static const char here = 0;
	void *version = dlsym(handle, "evcan_version");
	Dl_info mine, its;

	return version == NULL || dladdr(&here, &mine) == 0 ||
	    dladdr(version, &its) == 0 || mine.dli_fbase == its.dli_fbase;
}

static bool
is_known(const struct evcan_plugin *plugin)
{
	for (struct row *row = first_row(); row != NULL; row = next_row(row))
		if (row->plugin == plugin)
			return true;
	return false;
}

static int
add(const char *path, const struct evcan_plugin *plugin,
    struct evcan_error *err)
{
	struct row *row;
	int r = evcan_plugin_check_(plugin, err);

	if (r < 0)
		return r;
	row = calloc(1, sizeof(*row));
	if (row == NULL || (row->info.path = strdup(path)) == NULL) {
		free(row);
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "cannot be loaded: out of memory");
	}
	row->plugin = plugin;
	row->info.name = plugin->name;
	row->info.version = plugin->version;
	row->info.drivers = evcan_plugin_drivers_(plugin, err);
	if (row->info.drivers != NULL)
		row->info.formats = evcan_plugin_formats_(plugin, err);
	if (row->info.formats == NULL)
		r = err->code;
	else
		r = check_names(row, err);
	if (r == 0)
		publish(row);
	else
		row_free(row);
	return r;
}

/* The loader would wait for a writer of a pipe, and with it all who look. */
static bool
is_file(const char *path)
{
	struct stat what;

	return stat(path, &what) < 0 || S_ISREG(what.st_mode);
}

/* One that is refused stays loaded, too: its constructors, and the libraries
 * it came with, may have left threads and handlers behind. */
static int
load(const char *path, struct evcan_error *err)
{
	const struct evcan_plugin *plugin;
	void *handle;

	if (!is_file(path))
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "cannot be loaded: not a file");
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		return not_loaded(path, err);
	plugin = dlsym(handle, SYMBOL);
	if (plugin == NULL)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "is no plug-in of ABI %d: it lacks the symbol " SYMBOL,
		    EVCAN_PLUGIN_ABI);
	if (!is_ours(handle))
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "is linked to a libevcan.so, but the program has evcan "
		    "built in");
	return is_known(plugin) ? 0 : add(path, plugin, err);
}

/* Finding */

static int
is_plugin(const struct dirent *entry)
{
	const char *name = entry->d_name;
	const size_t len = strlen(name), suffix = strlen(SUFFIX);

	return len > strlen(PREFIX) + suffix &&
	    strncmp(name, PREFIX, strlen(PREFIX)) == 0 &&
	    strcmp(name + len - suffix, SUFFIX) == 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
look_at(const char *folder, const char *name)
{
	struct evcan_error err = { 0 };
	char *path = malloc(strlen(folder) + strlen(name) + 2);

	if (path == NULL) {
		refuse(name, "cannot be loaded: out of memory");
		return;
	}
	sprintf(path, "%s/%s", folder, name);
	if (load(path, &err) < 0)
		refuse(path, err.text);
	free(path);
}

/* @param given by the user: then it must be there */
static void
look_in(const char *folder, bool given)
{
	struct evcan_error err = { 0 };
	struct dirent **entries;
	int n = scandir(folder, &entries, is_plugin, by_name);

	if (n < 0) {
		if (!given && errno == ENOENT)
			return;
		evcan_error_set(&err, EVCAN_ERR_NOT_FOUND, errno,
		    "cannot be read as a folder");
		refuse(folder, err.text);
		return;
	}
	for (int i = 0; i < n; i++) {
		look_at(folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static void
look_everywhere(void)
{
	const char *given = evcan_variable_("EVCAN_PLUGIN_PATH");
	char *path = given != NULL ? strdup(given) : NULL, *rest = NULL;

	if (given != NULL && path == NULL)
		refuse(given, "cannot be looked in: out of memory");
	for (char *folder = path != NULL ? strtok_r(path, ":", &rest) : NULL;
	    folder != NULL; folder = strtok_r(NULL, ":", &rest))
		look_in(folder, true);
	free(path);
	look_in(EVCAN_PLUGIN_DIR, false);
}

static struct row *
rows(void)
{
	if (!inside && !atomic_load_explicit(&looked, memory_order_acquire)) {
		enter();
		if (!atomic_load_explicit(&looked, memory_order_relaxed))
			look_everywhere();
		atomic_store_explicit(&looked, true, memory_order_release);
		leave();
	}
	return first_row();
}

/* What others see */

const struct evcan_driver *
evcan_plugin_driver_(size_t i)
{
	for (struct row *row = rows(); row != NULL; row = next_row(row)) {
		if (row->plugin == NULL)
			continue;
		for (size_t j = 0; row->info.drivers[j] != NULL; j++)
			if (i-- == 0)
				return row->info.drivers[j];
	}
	return NULL;
}

const struct evcan_format *
evcan_plugin_format_(size_t i)
{
	for (struct row *row = rows(); row != NULL; row = next_row(row)) {
		if (row->plugin == NULL)
			continue;
		for (size_t j = 0; row->info.formats[j] != NULL; j++)
			if (i-- == 0)
				return row->info.formats[j];
	}
	return NULL;
}

const char *
evcan_plugin_refused_(char buf[EVCAN_PLUGIN_REFUSED_MAX])
{
	struct row *row = rows();

	buf[0] = '\0';
	while (row != NULL && row->plugin != NULL)
		row = next_row(row);
	if (row != NULL)
		snprintf(buf, EVCAN_PLUGIN_REFUSED_MAX,
		    "; %s is not used: it %s", row->info.path,
		    row->info.fault);
	return buf;
}

const struct evcan_plugin_info *
evcan_plugin_at(size_t i)
{
	for (struct row *row = rows(); row != NULL; row = next_row(row))
		if (i-- == 0)
			return &row->info;
	return NULL;
}

int
evcan_plugin_load(const char *path, struct evcan_error *err)
{
	struct evcan_error why = { 0 };
	char *here = NULL;
	int r;

	if (inside)
		return evcan_error_set(err, EVCAN_ERR_STATE, 0,
		    "%s: a plug-in cannot load another one", path);
	/* Without a slash the system would look elsewhere. */
	if (strchr(path, '/') == NULL) {
		here = malloc(strlen(path) + 3);
		if (here == NULL)
			return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
			    "out of memory");
		sprintf(here, "./%s", path);
	}
	enter();
	r = load(here != NULL ? here : path, &why);
	leave();
	free(here);
	if (r < 0)
		evcan_error_set(err, r, why.system, "%s: %s", path, why.text);
	return r;
}

const char *
evcan_plugin_folder(void)
{
	return EVCAN_PLUGIN_DIR;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* config.c - where a bus's options come from, and in which order */
#include <evcan/config.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/options.h>

#include "config_sources.h"
#include "environment.h"
#include "ini.h"

static int
no_memory(struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "out of memory for a configuration");
}

struct evcan_options *
evcan_config_defaults(void)
{
	static struct evcan_options *defaults;

	if (defaults == NULL)
		defaults = evcan_options_new();
	return defaults;
}

int
evcan_config_merge_(struct evcan_options *to,
    const struct evcan_options *from, enum evcan_merge_ how)
{
	const char *name, *value;
	int r = 0;

	for (size_t i = 0; r == 0 && evcan_options_at(from, i, &name, &value);
	    i++) {
		const char *origin = evcan_options_origin(from, name);

		r = how == EVCAN_MERGE_REPLACE ?
		    evcan_options_set(to, name, value, origin) :
		    evcan_options_set_default(to, name, value, origin);
	}
	return r;
}

/* Within one source `bustype` is the interface if that is not named. */
static int
use_bustype(struct evcan_options *source)
{
	const char *older = evcan_options_get(source, "bustype");
	const char *interface = evcan_options_get(source, "interface");
	int r = 0;

	if (older == NULL)
		return 0;
	if (interface == NULL || *interface == '\0')
		r = evcan_options_set(source, "interface", older,
		    evcan_options_origin(source, "bustype"));
	if (r == 0)
		evcan_options_unset(source, "bustype");
	return r;
}

/* Adds a source, which is used up, to those before it, that win. */
static int
add_source(struct evcan_options *options, struct evcan_options *source,
    struct evcan_error *err)
{
	int r = source != NULL ? use_bustype(source) : EVCAN_ERR_NOMEM;

	if (r == 0)
		r = evcan_config_merge_(options, source, EVCAN_MERGE_KEEP);
	evcan_options_free(source);
	return r < 0 ? no_memory(err) : 0;
}

/* An empty context is none, as in python-can. */
static const char *
context_or_null(const char *context)
{
	return context != NULL && *context != '\0' ? context : NULL;
}

/* Sets name, unless it is NULL, to what the environment has in variable or
 * variable_context; JSON if name is NULL. An empty variable is as good as
 * none. */
static int
read_variable(struct evcan_options *source, const char *name,
    const char *variable, const char *context, struct evcan_error *err)
{
	char *full = NULL;
	const char *value;
	int r = 0;

	if (asprintf(&full, "%s%s%s", variable, context != NULL ? "_" : "",
	    context != NULL ? context : "") < 0)
		return no_memory(err);
	value = evcan_variable_(full);
	if (value != NULL && *value != '\0') {
		if (name == NULL)
			r = evcan_config_parse_json(source, value,
			    strlen(value), full, err);
		else if (evcan_options_set(source, name, value, full) < 0)
			r = no_memory(err);
	}
	free(full);
	return r;
}

/* One form of the environment, with or without a context. */
static int
add_environment(struct evcan_options *options, const char *context,
    struct evcan_error *err)
{
	/* A later row's value replaces what CAN_CONFIG says. */
	static const struct {
		const char *name, *variable;
	} table[] = {
		{ NULL, "CAN_CONFIG" },
		{ "interface", "CAN_INTERFACE" },
		{ "channel", "CAN_CHANNEL" },
		{ "bitrate", "CAN_BITRATE" },
	};
	struct evcan_options *source = evcan_options_new();
	int r = 0;

	if (source == NULL)
		return no_memory(err);
	for (size_t i = 0; r == 0 && i < sizeof(table) / sizeof(table[0]);
	    i++)
		r = read_variable(source, table[i].name, table[i].variable,
		    context, err);
	if (r == 0)
		return add_source(options, source, err);
	evcan_options_free(source);
	return r;
}

int
evcan_config_load_environment(struct evcan_options *options,
    const char *context, struct evcan_error *err)
{
	int r = 0;

	context = context_or_null(context);
	if (context != NULL)
		r = add_environment(options, context, err);
	return r < 0 ? r : add_environment(options, NULL, err);
}

/* Reads up to one byte more than is allowed. @return the length or -1 with
 * errno */
static ssize_t
read_all(int fd, char *text)
{
	size_t len = 0;

	while (len <= EVCAN_INI_MAX) {
		const ssize_t n = read(fd, text + len,
		    EVCAN_INI_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? n : (ssize_t)len;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int
read_fd(struct evcan_ini_ *ini, int fd, const char *path,
    struct evcan_error *err)
{
	char *text = malloc(EVCAN_INI_MAX + 1);
	ssize_t len;
	int r;

	if (text == NULL)
		return no_memory(err);
	len = read_all(fd, text);
	r = len < 0 ? evcan_error_set(err, EVCAN_ERR_INIT, errno,
	    "%s: cannot be read", path) :
	    evcan_ini_read_(ini, text, (size_t)len, path, err);
	free(text);
	return r;
}

/*
 * Unlike python-can, which passes over what it cannot open: a file that is
 * there was meant to be used, and so was one that is named.
 */
static int
read_file(struct evcan_ini_ *ini, const char *path, bool must_be_there,
    struct evcan_error *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0) {
		const bool missing = errno == ENOENT || errno == ENOTDIR;

		if (missing && !must_be_there)
			return 0;
		return evcan_error_set(err,
		    missing ? EVCAN_ERR_NOT_FOUND : EVCAN_ERR_INIT, errno,
		    "%s: configuration file cannot be opened", path);
	}
	r = read_fd(ini, fd, path, err);
	close(fd);
	return r;
}

/* The home directory, to be freed, or NULL where none is known or trusted.
 * @return 0 or EVCAN_ERR_NOMEM */
static int
home_directory(char **home)
{
	const char *said = getenv("HOME");
	struct passwd entry, *found = NULL;
	char room[1024];

	*home = NULL;
	if (!evcan_caller_is_trusted_())
		return 0;
	if (said == NULL || *said == '\0') {
		if (getpwuid_r(getuid(), &entry, room, sizeof(room),
		    &found) != 0 || found == NULL)
			return 0;
		said = entry.pw_dir;
	}
	*home = strdup(said);
	return *home != NULL ? 0 : EVCAN_ERR_NOMEM;
}

static int
read_places(struct evcan_ini_ *ini, struct evcan_error *err)
{
	static const char *const places[] = {
		"~/can.conf", "/etc/can.conf", "~/.can", "~/.canrc"
	};
	char *home, *path;
	int r = home_directory(&home);

	if (r < 0)
		return no_memory(err);
	for (size_t i = 0; r == 0 && i < sizeof(places) / sizeof(places[0]);
	    i++) {
		const bool of_home = places[i][0] == '~';

		if (of_home && home == NULL)
			continue;
		if (asprintf(&path, "%s%s", of_home ? home : "",
		    places[i] + of_home) < 0) {
			r = no_memory(err);
			break;
		}
		r = read_file(ini, path, false, err);
		free(path);
	}
	free(home);
	return r;
}

static int
add_section(struct evcan_options *options, const struct evcan_ini_ *ini,
    const char *section, struct evcan_error *err)
{
	struct evcan_options *source = evcan_options_new();
	int r;

	if (source == NULL)
		return no_memory(err);
	r = evcan_ini_section_(ini, section, source, err);
	if (r >= 0)
		return add_source(options, source, err);
	evcan_options_free(source);
	return r;
}

int
evcan_config_load_files(struct evcan_options *options, const char *path,
    const char *context, struct evcan_error *err)
{
	struct evcan_ini_ *ini = evcan_ini_new_();
	int r;

	if (ini == NULL)
		return no_memory(err);
	context = context_or_null(context);
	r = path != NULL ? read_file(ini, path, true, err) :
	    read_places(ini, err);
	if (r == 0 && context != NULL)
		r = add_section(options, ini, context, err);
	if (r == 0)
		r = add_section(options, ini, "default", err);
	evcan_ini_free_(ini);
	return r;
}

int
evcan_config_parse_ini(struct evcan_options *options, const char *text,
    size_t len, const char *name, const char *section,
    struct evcan_error *err)
{
	struct evcan_ini_ *ini = evcan_ini_new_();
	int r;

	if (ini == NULL)
		return no_memory(err);
	r = evcan_ini_read_(ini, text, len, name, err);
	if (r == 0)
		r = evcan_ini_section_(ini, section, options, err);
	evcan_ini_free_(ini);
	return r;
}

/* After all sources: the interface by its name of today, if it has one. */
static int
rename_interface(struct evcan_options *options)
{
	const char *given = evcan_options_get(options, "interface");
	const struct evcan_driver *driver =
	    given != NULL ? evcan_driver_find(given) : NULL;

	if (driver == NULL || strcmp(driver->name, given) == 0)
		return 0;
	return evcan_options_set(options, "interface", driver->name,
	    evcan_options_origin(options, "interface"));
}

int
evcan_config_load(struct evcan_options *options, const char *path,
    const char *context, struct evcan_error *err)
{
	int r;

	if (use_bustype(options) < 0 ||
	    add_source(options, evcan_options_copy(evcan_config_defaults()),
	    err) < 0)
		return no_memory(err);
	r = evcan_config_load_environment(options, context, err);
	if (r == 0)
		r = evcan_config_load_files(options, path, context, err);
	if (r == 0 && rename_interface(options) < 0)
		r = no_memory(err);
	return r;
}

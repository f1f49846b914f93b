/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_library.c - finds and loads a vendor's shared library */
#include "vendor.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>

#include "environment.h"

#define TRIED_MAX 300

/* The names tried, with commas, for people. */
static void
note_tried(char *tried, const char *file)
{
	size_t len = strlen(tried);

	snprintf(tried + len, TRIED_MAX - len, "%s%s", len > 0 ? ", " : "",
	    file);
}

/* The loader's own words, without the name that they begin with. */
static const char *
reason(const char *file)
{
	const char *text = dlerror();
	size_t len = strlen(file);

	if (text == NULL)
		return "cannot be loaded";
	if (strncmp(text, file, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	return text;
}

/* A path that somebody gave must do; nothing else is tried instead. */
static void *
load_path(const struct evcan_vendor_library_ *library, const char *path,
    const char *origin, struct evcan_error *err)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (handle == NULL)
		evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "%s: %s %s cannot be loaded: %s", library->name, origin,
		    path, reason(path));
	return handle;
}

/* One that is not there says less than one that is and does not load. */
static void
note_reason(char *why, size_t size, const char *text)
{
	if (why[0] == '\0' || strncmp(why, "cannot open shared object file",
	    strlen("cannot open shared object file")) == 0)
		snprintf(why, size, "%s", text);
}

static void *
load_any(const struct evcan_vendor_library_ *library, struct evcan_error *err)
{
	char tried[TRIED_MAX] = "", why[200] = "";
	void *handle = NULL;

	for (size_t i = 0; library->files[i] != NULL && handle == NULL; i++) {
		const char *file = library->files[i];

		handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
		if (handle != NULL)
			return handle;
		note_tried(tried, file);
		note_reason(why, sizeof(why), reason(file));
	}
	if (tried[0] == '\0')
		evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "%s: there is no library for this system (%s); option "
		    "library or %s names one", library->name,
		    library->source, library->variable);
	else
		evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "%s is not installed: it comes from %s (tried %s: %s; "
		    "option library or %s names another place)",
		    library->name, library->source, tried, why,
		    library->variable);
	return NULL;
}

static int
bind(const struct evcan_vendor_library_ *library, void *handle,
    char *functions, struct evcan_error *err)
{
	const struct evcan_vendor_symbol_ *symbol;

	for (symbol = library->symbols; symbol->name != NULL; symbol++) {
		void *address = dlsym(handle, symbol->name);

		if (address == NULL && !symbol->optional)
			return evcan_error_set(err,
			    EVCAN_ERR_NOT_IMPLEMENTED, 0,
			    "%s: the library lacks the function %s; a newer "
			    "one comes from %s", library->name, symbol->name,
			    library->source);
		memcpy(functions + symbol->offset, &address, sizeof(address));
	}
	return 0;
}

int
evcan_vendor_load_(const struct evcan_vendor_library_ *library,
    const char *path, void *functions, struct evcan_error *err)
{
	const char *variable = evcan_variable_(library->variable);
	struct evcan_error why = { 0 };
	void *handle;
	int r = EVCAN_ERR_NOT_IMPLEMENTED;

	if (path != NULL && path[0] != '\0')
		handle = load_path(library, path, "option library", &why);
	else if (variable != NULL && variable[0] != '\0')
		handle = load_path(library, variable, library->variable, &why);
	else
		handle = load_any(library, &why);
	if (handle != NULL)
		r = bind(library, handle, functions, &why);
	if (r == 0)
		return 0;     /* one reference is kept for good */
	/* One that lacks a function was not called yet. */
	if (handle != NULL)
		dlclose(handle);
	evcan_log(EVCAN_LOG_INFO, "vendor", "%s", why.text);
	return evcan_error_set(err, r, 0, "%s", why.text);
}

int
evcan_vendor_check_version_(const struct evcan_vendor_library_ *library,
    unsigned major, unsigned minor, struct evcan_error *err)
{
	const unsigned *oldest = library->oldest;

	if (major > oldest[0] || (major == oldest[0] && minor >= oldest[1]))
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INIT, 0, "%s: the library's "
	    "version is %u.%u and must be %u.%u or newer; a newer one comes "
	    "from %s", library->name, major, minor, oldest[0], oldest[1],
	    library->source);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* registry.c - the drivers: those of drivers/list.h, then plug-ins' */
#include "registry.h"

#include <stdio.h>
#include <string.h>

#include <evcan/driver.h>

#include "plugin.h"

#define EVCAN_DRIVER(name) extern const struct evcan_driver \
	evcan_driver_##name##_;
#include "drivers/list.h"
#undef EVCAN_DRIVER

#define EVCAN_DRIVER(name) &evcan_driver_##name##_,
static const struct evcan_driver *const drivers[] = {
#include "drivers/list.h"
	NULL
};
#undef EVCAN_DRIVER

#define COUNT (sizeof(drivers) / sizeof(drivers[0]) - 1)

/* python-can's older spellings. */
static const struct {
	const char *old, *name;
} aliases[] = {
	{ "socketcan_native", "socketcan" },
	{ "socketcan_ctypes", "socketcan" },
	{ NULL, NULL }
};

const struct evcan_driver *
evcan_driver_at(size_t i)
{
	return i < COUNT ? drivers[i] : evcan_plugin_driver_(i - COUNT);
}

const struct evcan_driver *
evcan_driver_find(const char *name)
{
	const struct evcan_driver *driver;

	for (size_t i = 0; aliases[i].old != NULL; i++) {
		if (strcmp(aliases[i].old, name) == 0)
			name = aliases[i].name;
	}
	for (size_t i = 0; (driver = evcan_driver_at(i)) != NULL; i++) {
		if (strcmp(driver->name, name) == 0)
			return driver;
	}
	return NULL;
}

const struct evcan_driver *
evcan_registry_driver_(const char *name, struct evcan_error *err)
{
	const struct evcan_driver *driver =
	    name != NULL ? evcan_driver_find(name) : NULL;
	char known[300] = "", refused[EVCAN_PLUGIN_REFUSED_MAX];
	size_t len = 0;

	if (driver != NULL)
		return driver;
	for (size_t i = 0; (driver = evcan_driver_at(i)) != NULL &&
	    len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len,
		    "%s%s", i > 0 ? ", " : "", driver->name);
	if (name == NULL)
		evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "no interface given; there are: %s%s", known,
		    evcan_plugin_refused_(refused));
	else
		evcan_error_set(err, EVCAN_ERR_NOT_IMPLEMENTED, 0,
		    "unknown interface \"%s\"; there are: %s%s", name, known,
		    evcan_plugin_refused_(refused));
	return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* plugin_check.c - whether a plug-in's tables are what the ABI asks for */
#include "plugin.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define END_OF(type, member) (offsetof(type, member) + \
	sizeof(((type *)NULL)->member))

/* What ABI 1 began with: none is shorter. */
#define PLUGIN_MIN END_OF(struct evcan_plugin, formats)
#define DRIVER_MIN END_OF(struct evcan_driver, detect)
#define FORMAT_MIN END_OF(struct evcan_format, write_done)

#define NAME_MAX_LEN 31

/* A member that must be there; `if_is`: if that one is. */
struct need {
	const char *member, *if_is;
	size_t offset, if_offset;
};

/* A kind of table. Both begin with their names. */
struct kind {
	const char *word, *type;
	size_t size, min;
	const struct need *needs;
};

#define DRIVER(m) offsetof(struct evcan_driver, m)
static const struct need driver_needs[] = {
	{ "summary", NULL, DRIVER(summary), 0 },
	{ "open", NULL, DRIVER(open), 0 },
	{ "close", NULL, DRIVER(close), 0 },
	{ "recv", NULL, DRIVER(recv), 0 },
	{ "send", NULL, DRIVER(send), 0 },
	{ "cyclic_modify", "cyclic_start", DRIVER(cyclic_modify),
	    DRIVER(cyclic_start) },
	{ "cyclic_stop", "cyclic_start", DRIVER(cyclic_stop),
	    DRIVER(cyclic_start) },
	{ "unsubscribe", "subscribe", DRIVER(unsubscribe),
	    DRIVER(subscribe) },
	{ NULL, NULL, 0, 0 }
};

#define FORMAT(m) offsetof(struct evcan_format, m)
static const struct need format_needs[] = {
	{ "summary", NULL, FORMAT(summary), 0 },
	{ "suffixes", NULL, FORMAT(suffixes), 0 },
	{ "bid", "decode", FORMAT(bid), FORMAT(decode) },
	{ "held", "flush", FORMAT(held), FORMAT(flush) },
	{ "flush", "held", FORMAT(flush), FORMAT(held) },
	{ "encode", "open", FORMAT(encode), FORMAT(open) },
	{ "store", "open", FORMAT(store), FORMAT(open) },
	{ "close", "open", FORMAT(close), FORMAT(open) },
	{ NULL, NULL, 0, 0 }
};

static const struct kind driver_kind = { "driver", "struct evcan_driver",
    sizeof(struct evcan_driver), DRIVER_MIN, driver_needs };
static const struct kind format_kind = { "format", "struct evcan_format",
    sizeof(struct evcan_format), FORMAT_MIN, format_needs };

static bool
is_zero(const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len > 0 && *p == 0) {
		p++;
		len--;
	}
	return len == 0;
}

/* A structure that grows at its end: long enough, and without anything in
 * members that only a newer library knows. */
static int
check_size(const char *what, const void *data, size_t told, size_t size,
    size_t min, struct evcan_error *err)
{
	if (told < min)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "was compiled with a %s of %zu bytes; plug-in ABI %d has "
		    "at least %zu", what, told, EVCAN_PLUGIN_ABI, min);
	if (told > size && data != NULL &&
	    !is_zero((const char *)data + size, told - size))
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "uses a part of %s that only a newer evcan has", what);
	return 0;
}

static int
check_fixed(const char *what, size_t told, size_t size,
    struct evcan_error *err)
{
	if (told == size)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "was compiled with a %s of %zu bytes; plug-in ABI %d has %zu",
	    what, told, EVCAN_PLUGIN_ABI, size);
}

int
evcan_plugin_check_(const struct evcan_plugin *plugin,
    struct evcan_error *err)
{
	int r;

	if (plugin->abi != EVCAN_PLUGIN_ABI)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "is of plug-in ABI %u; this evcan has %d",
		    (unsigned)plugin->abi, EVCAN_PLUGIN_ABI);
	r = check_size("struct evcan_plugin", plugin, plugin->size,
	    sizeof(*plugin), PLUGIN_MIN, err);
	if (r == 0)
		r = check_size(driver_kind.type, NULL, plugin->driver_size,
		    driver_kind.size, driver_kind.min, err);
	if (r == 0)
		r = check_size(format_kind.type, NULL, plugin->format_size,
		    format_kind.size, format_kind.min, err);
	if (r == 0)
		r = check_fixed("struct evcan_option", plugin->option_size,
		    sizeof(struct evcan_option), err);
	if (r == 0)
		r = check_fixed("struct evcan_frame", plugin->frame_size,
		    sizeof(struct evcan_frame), err);
	if (r == 0 && (plugin->name == NULL || plugin->version == NULL))
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "tells no name or no version of its own");
	return r;
}

/* Names stand in spec strings and lists. */
static bool
is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t len = name != NULL ? strspn(name, letters) : 0;

	return len > 0 && len <= NAME_MAX_LEN && name[len] == '\0';
}

static bool
has(const void *table, size_t offset)
{
	return !is_zero((const char *)table + offset, sizeof(void *));
}

static int
check_members(const struct kind *kind, const void *table, const char *name,
    struct evcan_error *err)
{
	for (const struct need *n = kind->needs; n->member != NULL; n++) {
		if (has(table, n->offset) ||
		    (n->if_is != NULL && !has(table, n->if_offset)))
			continue;
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "its %s \"%s\" lacks the member %s%s%s", kind->word, name,
		    n->member, n->if_is != NULL ? ", which belongs to " : "",
		    n->if_is != NULL ? n->if_is : "");
	}
	return 0;
}

/* A copy of one table, in this library's size. */
static void *
copy_table(const struct kind *kind, const void *table, size_t told,
    struct evcan_error *err)
{
	const char *name;
	void *copy;

	memcpy(&name, table, sizeof(name));
	if (!is_name(name)) {
		evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "has a %s without a name of 1 to %d letters, digits, _ "
		    "and -", kind->word, NAME_MAX_LEN);
		return NULL;
	}
	if (check_size(kind->type, table, told, kind->size, kind->min,
	    err) < 0)
		return NULL;
	copy = calloc(1, kind->size);
	if (copy == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
		return NULL;
	}
	memcpy(copy, table, told < kind->size ? told : kind->size);
	if (check_members(kind, copy, name, err) == 0)
		return copy;
	free(copy);
	return NULL;
}

const struct evcan_driver **
evcan_plugin_drivers_(const struct evcan_plugin *plugin,
    struct evcan_error *err)
{
	const struct evcan_driver *const *from = plugin->drivers;
	const struct evcan_driver **list;
	size_t n = 0;

	while (from != NULL && from[n] != NULL)
		n++;
	list = calloc(n + 1, sizeof(*list));
	if (list == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		list[i] = copy_table(&driver_kind, from[i],
		    plugin->driver_size, err);
		if (list[i] == NULL) {
			evcan_plugin_drivers_free_(list);
			return NULL;
		}
	}
	return list;
}

static bool
is_of_use(const struct evcan_format *format, struct evcan_error *err)
{
	if (format->decode != NULL || format->encode != NULL)
		return true;
	evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "its format \"%s\" neither reads nor writes", format->name);
	return false;
}

const struct evcan_format **
evcan_plugin_formats_(const struct evcan_plugin *plugin,
    struct evcan_error *err)
{
	const struct evcan_format *const *from = plugin->formats;
	const struct evcan_format **list;
	size_t n = 0;

	while (from != NULL && from[n] != NULL)
		n++;
	list = calloc(n + 1, sizeof(*list));
	if (list == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		list[i] = copy_table(&format_kind, from[i],
		    plugin->format_size, err);
		if (list[i] == NULL || !is_of_use(list[i], err)) {
			evcan_plugin_formats_free_(list);
			return NULL;
		}
	}
	return list;
}

void
evcan_plugin_drivers_free_(const struct evcan_driver **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free((void *)(uintptr_t)list[i]);
	free(list);
}

void
evcan_plugin_formats_free_(const struct evcan_format **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free((void *)(uintptr_t)list[i]);
	free(list);
}

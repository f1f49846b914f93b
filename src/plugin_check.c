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

/* More than these can be nothing but a mistake, and would be followed far
 * into memory that is not the plug-in's. */
#define SIZE_LIMIT 4096
#define TABLES_LIMIT 256
#define ROWS_LIMIT 512
#define NAME_MAX_LEN 31
#define TEXT_MAX_LEN 1000
/* evcan_encode.lost */
#define ATTRIBUTES_LIMIT 16

/* A member that must be there; `if_is`: if that one is. */
struct need {
	const char *member, *if_is;
	size_t offset, if_offset;
};

/* A kind of table. Both begin with their names. */
struct kind {
	const char *word, *type;
	size_t size, min, summary;
	const struct need *needs;
};

#define DRIVER(m) offsetof(struct evcan_driver, m)
static const struct need driver_needs[] = {
	{ "summary", NULL, DRIVER(summary), 0 },
	{ "open", NULL, DRIVER(open), 0 },
	{ "close", NULL, DRIVER(close), 0 },
	{ "recv", NULL, DRIVER(recv), 0 },
	{ "send", NULL, DRIVER(send), 0 },
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
    sizeof(struct evcan_driver), DRIVER_MIN, DRIVER(summary),
    driver_needs };
static const struct kind format_kind = { "format", "struct evcan_format",
    sizeof(struct evcan_format), FORMAT_MIN, FORMAT(summary),
    format_needs };

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
	if (told > SIZE_LIMIT || told % sizeof(void *) != 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "tells a %s of %zu bytes, which cannot be", what, told);
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

/* For people: one line, which no terminal takes for anything else. */
static bool
is_text(const char *text)
{
	size_t len = 0;

	if (text == NULL)
		return false;
	while (len <= TEXT_MAX_LEN && (unsigned char)text[len] >= ' ' &&
	    text[len] != 0x7f)
		len++;
	return text[len] == '\0';
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
	if (r == 0 && (!is_text(plugin->name) || !is_text(plugin->version)))
		r = evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "tells no name or no version of its own, each one line "
		    "of text");
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
	const char *summary;

	for (const struct need *n = kind->needs; n->member != NULL; n++) {
		if (has(table, n->offset) ||
		    (n->if_is != NULL && !has(table, n->if_offset)))
			continue;
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "has a %s \"%s\" that lacks the member %s%s%s",
		    kind->word, name,
		    n->member, n->if_is != NULL ? ", which belongs to " : "",
		    n->if_is != NULL ? n->if_is : "");
	}
	memcpy(&summary, (const char *)table + kind->summary,
	    sizeof(summary));
	if (is_text(summary))
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "has a %s \"%s\" whose summary is not one line of text",
	    kind->word, name);
}

/* Option rows, which say where in a state values are written to */

static const struct {
	size_t size, align;
} values[] = {
	[EVCAN_OPTION_BOOL] = { sizeof(bool), _Alignof(bool) },
	[EVCAN_OPTION_INT] = { sizeof(int64_t), _Alignof(int64_t) },
	[EVCAN_OPTION_REAL] = { sizeof(double), _Alignof(double) },
	[EVCAN_OPTION_TEXT] = { sizeof(char *), _Alignof(char *) },
	[EVCAN_OPTION_CHOICE] = { sizeof(int), _Alignof(int) },
	[EVCAN_OPTION_FILTERS] = { sizeof(char *), _Alignof(char *) },
	[EVCAN_OPTION_TIMING] = { sizeof(char *), _Alignof(char *) }
};

/* @return what is wrong with a row, or NULL */
static const char *
fault_of(const struct evcan_option *row, size_t state_size)
{
	const size_t type = (size_t)row->type;

	if (type >= sizeof(values) / sizeof(values[0]))
		return "is of a type that there is not";
	if (row->offset > state_size ||
	    values[type].size > state_size - row->offset)
		return "lies outside of the state";
	if (row->offset % values[type].align != 0)
		return "is not aligned in the state";
	if (!is_text(row->help))
		return "has no help, one line of text";
	if (row->aliases != NULL && !is_text(row->aliases))
		return "has aliases that are no text";
	if (row->type == EVCAN_OPTION_CHOICE && (!is_text(row->choices) ||
	    row->choices[strspn(row->choices, " =")] == '\0'))
		return "has no words to choose from";
	if (!(row->min <= row->max))
		return "has bounds that nothing is between";
	return NULL;
}

/* The default is taken as it will be for a bus or log. */
static int
check_default(const struct evcan_option *row, struct evcan_error *err)
{
	struct evcan_option rows[2] = { *row, { .name = NULL } };
	union {
		int64_t i;
		double d;
		const char *p;
	} value;

	rows[0].offset = 0;
	rows[0].flags &= ~(unsigned)EVCAN_OPTION_REQUIRED;
	return evcan_options_fill(NULL, rows, &value, err);
}

static int
check_rows(const char *word, const char *name,
    const struct evcan_option *rows, size_t state_size,
    struct evcan_error *err)
{
	for (size_t i = 0; rows != NULL && rows[i].name != NULL; i++) {
		struct evcan_error why = { 0 };
		const char *fault;
		int r;

		if (i == ROWS_LIMIT || !is_name(rows[i].name))
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "has a %s \"%s\" with %s", word, name,
			    i == ROWS_LIMIT ? "more options than can be" :
			    "an option whose name is not one");
		fault = fault_of(&rows[i], state_size);
		if (fault != NULL)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "has a %s \"%s\" whose option %s %s", word, name,
			    rows[i].name, fault);
		r = check_default(&rows[i], &why);
		if (r < 0)
			return evcan_error_set(err, r, 0,
			    "has a %s \"%s\" with a wrong default: %s", word,
			    name, why.text);
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
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "cannot be loaded: out of memory");
		return NULL;
	}
	memcpy(copy, table, told < kind->size ? told : kind->size);
	if (check_members(kind, copy, name, err) == 0)
		return copy;
	free(copy);
	return NULL;
}

/* Room for copies of n tables, and a NULL. */
static void *
list_new(const struct kind *kind, size_t n, struct evcan_error *err)
{
	void *list = n <= TABLES_LIMIT ? calloc(n + 1, sizeof(void *)) : NULL;

	if (n > TABLES_LIMIT)
		evcan_error_set(err, EVCAN_ERR_INVALID, 0, "has more than %d "
		    "%ss, or their list does not end in NULL", TABLES_LIMIT,
		    kind->word);
	else if (list == NULL)
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "cannot be loaded: out of memory");
	return list;
}

static int
check_driver(const struct evcan_driver *driver, struct evcan_error *err)
{
	return check_rows("driver", driver->name, driver->options,
	    driver->state_size, err);
}

const struct evcan_driver **
evcan_plugin_drivers_(const struct evcan_plugin *plugin,
    struct evcan_error *err)
{
	const struct evcan_driver *const *from = plugin->drivers;
	const struct evcan_driver **list;
	size_t n = 0;

	while (from != NULL && n <= TABLES_LIMIT && from[n] != NULL)
		n++;
	list = list_new(&driver_kind, n, err);
	for (size_t i = 0; list != NULL && i < n; i++) {
		list[i] = copy_table(&driver_kind, from[i],
		    plugin->driver_size, err);
		if (list[i] == NULL || check_driver(list[i], err) < 0) {
			evcan_plugin_drivers_free_(list);
			return NULL;
		}
	}
	return list;
}

/* Suffixes are dots and names, with blanks between. */
static bool
are_suffixes(const char *text)
{
	while (is_text(text) && *text != '\0') {
		size_t len = strcspn(text, " ");

		if (len > 0 && (len == 1 || text[0] != '.' ||
		    memchr(text, '/', len) != NULL))
			return false;
		text += len + strspn(text + len, " ");
	}
	return is_text(text);
}

static size_t
count_words(const char *text)
{
	size_t n = 0;

	while (text != NULL && *(text += strspn(text, " ")) != '\0') {
		text += strcspn(text, " ");
		n++;
	}
	return n;
}

/* @return what is wrong with a format, or NULL */
static const char *
fault_of_format(const struct evcan_format *format)
{
	if (format->decode == NULL && format->encode == NULL)
		return "neither reads nor writes";
	if (!are_suffixes(format->suffixes))
		return "has suffixes that are not like \".log .txt\"";
	if (format->attributes != NULL && (!is_text(format->attributes) ||
	    count_words(format->attributes) > ATTRIBUTES_LIMIT))
		return "has attributes that are not up to 16 words";
	if (format->decode != NULL && (format->flags & EVCAN_FORMAT_SEEKS) &&
	    format->read_begin == NULL)
		return "seeks, but lacks the member read_begin, which is "
		    "given the file";
	if (format->open != NULL && !(format->flags & EVCAN_FORMAT_PATH_ONLY))
		return "opens its file, but lacks the flag PATH_ONLY";
	return NULL;
}

static int
check_format(const struct evcan_format *format, struct evcan_error *err)
{
	const char *fault = fault_of_format(format);
	int r;

	if (fault != NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "has a format \"%s\" that %s", format->name, fault);
	r = check_rows("format", format->name, format->read_options,
	    format->read_size, err);
	if (r == 0)
		r = check_rows("format", format->name, format->write_options,
		    format->write_size, err);
	return r;
}

const struct evcan_format **
evcan_plugin_formats_(const struct evcan_plugin *plugin,
    struct evcan_error *err)
{
	const struct evcan_format *const *from = plugin->formats;
	const struct evcan_format **list;
	size_t n = 0;

	while (from != NULL && n <= TABLES_LIMIT && from[n] != NULL)
		n++;
	list = list_new(&format_kind, n, err);
	for (size_t i = 0; list != NULL && i < n; i++) {
		list[i] = copy_table(&format_kind, from[i],
		    plugin->format_size, err);
		if (list[i] == NULL || check_format(list[i], err) < 0) {
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

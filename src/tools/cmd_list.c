/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_list.c - evcan list: drivers and formats with their options, plug-ins */
#include "tool.h"

#include <evcan/driver.h>
#include <evcan/format.h>
#include <string.h>

/* Names that python-can has and evcan not yet. */
static const char *const later_drivers[] = { "canalystii", "cantact", "etas",
    "gs_usb", "iscan", "ixxat", "kvaser", "neousys", "neovi", "nican",
    "nixnet", "pcan", "robotell", "seeedstudio", "serial", "slcan",
    "socketcand", "systec", "udp_multicast", "usb2can", "vector", NULL };

static const char *const json_types[] = {
	[EVCAN_OPTION_BOOL] = "bool",
	[EVCAN_OPTION_INT] = "integer",
	[EVCAN_OPTION_REAL] = "number",
	[EVCAN_OPTION_TEXT] = "text",
	[EVCAN_OPTION_CHOICE] = "choice",
	[EVCAN_OPTION_FILTERS] = "filters",
	[EVCAN_OPTION_TIMING] = "timing"
};

/* A titled list of rows, in either output. */
struct group {
	const char *title, *key;
	const struct evcan_option *rows;
};

static void
print_wrapped(const char *text, int indent, int width)
{
	int at = indent;

	printf("%*s", indent, "");
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at > indent && at + 1 + len > width) {
			printf("\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		printf("%.*s", len, text);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

/* "word=older word" lists: only the words that are shown. */
static void
print_choices(const char *choices, const char *quote)
{
	bool first = true;

	for (; *choices; choices += strspn(choices, " ")) {
		size_t len = strcspn(choices, " ");

		if (!memchr(choices, '=', len)) {
			printf("%s%s%.*s%s", first ? "" : ", ", quote,
			    (int)len, choices, quote);
			first = false;
		}
		choices += len;
	}
}

static void
print_bounds(const struct evcan_option *row, const char *before,
    const char *between)
{
	if (row->min == 0 && row->max == 0)
		return;
	if (row->type == EVCAN_OPTION_REAL)
		printf("%s%.10g%s%.10g", before, row->min, between, row->max);
	else
		printf("%s%.0f%s%.0f", before, row->min, between, row->max);
}

static void
print_row(const struct evcan_option *row)
{
	printf("    %s: ", row->name);
	if (row->choices)
		print_choices(row->choices, "");
	else
		fputs(evcan_option_type_name(row->type), stdout);
	print_bounds(row, ", ", " to ");
	if (row->flags & EVCAN_OPTION_REQUIRED)
		fputs(", required", stdout);
	else if (row->fallback && row->fallback[0])
		printf(", default %s", row->fallback);
	if (row->aliases)
		printf(" (also: %s)", row->aliases);
	putchar('\n');
	print_wrapped(row->help ? row->help : "", 8, 78);
}

static void
print_group(const struct group *group)
{
	if (!group->rows || !group->rows->name)
		return;
	printf("  %s\n", group->title);
	for (const struct evcan_option *r = group->rows; r->name; r++)
		print_row(r);
}

static void
json_member(const char *name, const char *value)
{
	printf(", \"%s\": ", name);
	if (value)
		json_text(stdout, value);
	else
		fputs("null", stdout);
}

static void
json_row(const struct evcan_option *row)
{
	fputs("{\"name\": ", stdout);
	json_text(stdout, row->name);
	json_member("type", json_types[row->type]);
	json_member("default", row->fallback);
	print_bounds(row, ", \"min\": ", ", \"max\": ");
	if (row->choices) {
		fputs(", \"choices\": [", stdout);
		print_choices(row->choices, "\"");
		putchar(']');
	}
	if (row->aliases)
		json_member("aliases", row->aliases);
	printf(", \"required\": %s", row->flags & EVCAN_OPTION_REQUIRED ?
	    "true" : "false");
	json_member("help", row->help);
	putchar('}');
}

static void
json_group(const struct group *group)
{
	const struct evcan_option *row = group->rows;

	printf(", \"%s\": [", group->key);
	for (bool first = true; row && row->name; row++, first = false) {
		fputs(first ? "\n   " : ",\n   ", stdout);
		json_row(row);
	}
	putchar(']');
}

/* One driver or format with its groups. */
static void
print_entry(const char *name, const char *summary,
    const struct evcan_format *format, const struct group *groups, size_t n,
    bool first)
{
	const char *suffixes = format ? format->suffixes : NULL;

	if (!common.json) {
		printf("%s%s - %s", first ? "" : "\n", name, summary);
		if (format)
			printf(" (%s%s)", suffixes, !format->encode ?
			    ", read only" : !format->decode ?
			    ", write only" : "");
		putchar('\n');
	} else {
		fputs(first ? "\n {\"name\": " : ",\n {\"name\": ", stdout);
		json_text(stdout, name);
		json_member("summary", summary);
		if (format) {
			json_member("suffixes", suffixes);
			printf(", \"reads\": %s, \"writes\": %s",
			    format->decode ? "true" : "false",
			    format->encode ? "true" : "false");
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (common.json)
			json_group(&groups[i]);
		else
			print_group(&groups[i]);
	}
	if (common.json)
		putchar('}');
}

static void
print_entries_end(const char *title, const struct group *groups, size_t n)
{
	if (common.json)
		return;
	printf("\n%s\n", title);
	for (size_t i = 0; i < n; i++)
		print_group(&groups[i]);
}

static void
print_later(const char *const *names)
{
	char text[400];
	size_t used = 0;

	if (common.json)
		return;
	for (; *names; names++)
		if (evcan_driver_find(*names) == NULL && used < sizeof(text) - 20)
			used += (size_t)snprintf(text + used,
			    sizeof(text) - used, "%s%s", used ? ", " : "",
			    *names);
	if (used == 0)
		return;
	puts("\nlater versions will have");
	print_wrapped(text, 2, 78);
}

static int
no_driver(const char *name)
{
	for (size_t i = 0; later_drivers[i]; i++)
		if (strcmp(name, later_drivers[i]) == 0)
			return usage("there is no driver \"%s\" yet: a later "
			    "version will have it", name);
	return usage("there is no driver \"%s\"; evcan list drivers tells "
	    "which there are", name);
}

static int
list_drivers(const char *name)
{
	const struct group all = { "options of every bus", "common_options",
	    evcan_bus_options() };
	const struct evcan_driver *d;

	if (name && !evcan_driver_find(name))
		return no_driver(name);
	fputs(common.json ? "[" : "", stdout);
	for (size_t i = 0, n = 0; (d = evcan_driver_at(i)); i++) {
		const struct group groups[] = { { "options", "options",
		    d->options }, all };

		if (name && strcmp(name, d->name) != 0)
			continue;
		print_entry(d->name, d->summary, NULL, groups,
		    common.json ? 2 : 1, n++ == 0);
	}
	print_entries_end("every driver", &all, 1);
	if (!name)
		print_later(later_drivers);
	fputs(common.json ? "]\n" : "", stdout);
	return 0;
}

static int
list_formats(const char *name)
{
	const struct group all[] = {
		{ "options of every log that is read", "common_read_options",
		    evcan_log_reader_options() },
		{ "options of every log that is written",
		    "common_write_options", evcan_log_writer_options() },
		{ "options of players", "player_options",
		    evcan_player_options() }
	};
	const struct evcan_format *f;

	if (name && !evcan_format_find(name))
		return usage("there is no format \"%s\"; evcan list formats "
		    "tells which there are", name);
	fputs(common.json ? "[" : "", stdout);
	for (size_t i = 0, n = 0; (f = evcan_format_at(i)); i++) {
		const struct group groups[] = {
			{ "options when read", "read_options",
			    f->decode ? f->read_options : NULL },
			{ "options when written", "write_options",
			    f->encode ? f->write_options : NULL },
			all[0], all[1]
		};

		if (name && strcmp(name, f->name) != 0)
			continue;
		print_entry(f->name, f->summary, f, groups,
		    common.json ? 4 : 2, n++ == 0);
	}
	print_entries_end("every format", all, 3);
	fputs(common.json ? "]\n" : "", stdout);
	return 0;
}

static int
list(const struct args *args)
{
	static const struct {
		const char *word;
		int (*print)(const char *name);
	} kinds[] = {
		{ "drivers", list_drivers },
		{ "driver", list_drivers },
		{ "interfaces", list_drivers },
		{ "formats", list_formats },
		{ "format", list_formats },
		{ "plugins", list_plugins },
		{ "plugin", list_plugins }
	};

	if (args->n == 0 || args->n > 2)
		return usage("takes drivers or formats or plugins, and a "
		    "name or none");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(args->words[0], kinds[i].word) == 0)
			return kinds[i].print(args->n > 1 ? args->words[1] :
			    NULL);
	return usage("\"%s\" is neither drivers nor formats nor plugins",
	    args->words[0]);
}

static int
run(int argc, char **argv)
{
	struct args args;
	int rc = args_read(&args, argc, argv, NULL, 0);

	if (!rc)
		rc = list(&args);
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_list = {
	.name = "list",
	.summary = "lists drivers or formats with every option, or plug-ins",
	.help =
"\nusage: evcan list drivers|formats|plugins [NAME]\n\n"
"Each option comes with its type, bounds, default and older names.\n"
"Options of drivers are given as -o NAME=VALUE, in a spec string\n"
"(socketcan:can0,NAME=VALUE), in a JSON document or in can.conf; those of\n"
"formats as -O NAME=VALUE or beside \"file\" in a JSON document.\n"
"Plug-ins are looked for in EVCAN_PLUGIN_PATH and where evcan is installed;\n"
"for those that cannot be used the reason is told.\n\n"
"  --json   the same as one array\n\n"
"  evcan list drivers socketcan\n"
"  evcan list formats\n",
	.run = run
};

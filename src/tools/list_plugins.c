/* SPDX-License-Identifier: BSD-3-Clause */
/* list_plugins.c - evcan list plugins: what was found, and what is wrong */
#include "tool.h"

#include <evcan/plugin.h>
#include <string.h>

/* One of a titled list of names. */
static void
print_name(const char *title, size_t i, const char *name)
{
	if (i == 0)
		printf("  %s: %s", title, name);
	else
		printf(", %s", name);
}

static void
print_names(const struct evcan_plugin_info *p)
{
	for (size_t i = 0; p->drivers[i]; i++)
		print_name("drivers", i, p->drivers[i]->name);
	fputs(p->drivers[0] ? "\n" : "", stdout);
	for (size_t i = 0; p->formats[i]; i++)
		print_name("formats", i, p->formats[i]->name);
	fputs(p->formats[0] ? "\n" : "", stdout);
}

static void
print_plugin(const struct evcan_plugin_info *p)
{
	if (p->fault) {
		printf("%s\n  is not used: it %s\n", p->path, p->fault);
	} else {
		printf("%s - %s %s\n", p->path, p->name, p->version);
		print_names(p);
	}
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
json_plugin(const struct evcan_plugin_info *p, bool first)
{
	fputs(first ? "\n {\"path\": " : ",\n {\"path\": ", stdout);
	json_text(stdout, p->path);
	json_member("name", p->name);
	json_member("version", p->version);
	json_member("fault", p->fault);
	fputs(", \"drivers\": [", stdout);
	for (size_t i = 0; !p->fault && p->drivers[i]; i++) {
		fputs(i ? ", " : "", stdout);
		json_text(stdout, p->drivers[i]->name);
	}
	fputs("], \"formats\": [", stdout);
	for (size_t i = 0; !p->fault && p->formats[i]; i++) {
		fputs(i ? ", " : "", stdout);
		json_text(stdout, p->formats[i]->name);
	}
	fputs("]}", stdout);
}

/* By a plug-in's own name or its path. */
static bool
is_meant(const struct evcan_plugin_info *p, const char *name)
{
	return !name || strcmp(p->path, name) == 0 ||
	    (p->name && strcmp(p->name, name) == 0);
}

int
list_plugins(const char *name)
{
	const struct evcan_plugin_info *p;
	size_t n = 0;

	for (size_t i = 0; (p = evcan_plugin_at(i)); i++)
		n += is_meant(p, name);
	if (name && !n)
		return usage("there is no plug-in \"%s\"", name);
	if (!n && !common.json)
		printf("no plug-ins in EVCAN_PLUGIN_PATH or %s\n",
		    evcan_plugin_folder());
	fputs(common.json ? "[" : "", stdout);
	n = 0;
	for (size_t i = 0; (p = evcan_plugin_at(i)); i++) {
		if (!is_meant(p, name))
			continue;
		if (common.json)
			json_plugin(p, n == 0);
		else
			print_plugin(p);
		n++;
	}
	fputs(common.json ? "]\n" : "", stdout);
	return 0;
}

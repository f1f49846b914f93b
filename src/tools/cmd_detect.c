/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_detect.c - evcan detect: what could be opened on this machine */
#include "tool.h"

#include <string.h>

/* A comma in a value is written twice in a spec string. */
static void
spec_value(const char *value)
{
	for (; *value; value++) {
		if (*value == ',')
			putchar(',');
		putchar(*value);
	}
}

/* Columns: the spec string, ready to be used, and the remark. */
static void
print_plain(const struct evcan_detected *found)
{
	const char *name, *value;

	printf("%s:", found->interface);
	spec_value(found->channel);
	for (size_t i = 0; evcan_options_at(found->options, i, &name,
	    &value); i++) {
		if (strcmp(name, "interface") == 0 ||
		    strcmp(name, "channel") == 0)
			continue;
		printf(",%s=", name);
		spec_value(value);
	}
	if (found->description[0])
		printf("\t%s", found->description);
	putchar('\n');
}

static void
print_json(const struct evcan_detected *found)
{
	const char *name, *value;

	fputs("{\"interface\": ", stdout);
	json_text(stdout, found->interface);
	fputs(", \"channel\": ", stdout);
	json_text(stdout, found->channel);
	fputs(", \"description\": ", stdout);
	json_text(stdout, found->description);
	fputs(", \"options\": {", stdout);
	for (size_t i = 0; evcan_options_at(found->options, i, &name,
	    &value); i++) {
		fputs(i ? ", " : "", stdout);
		json_text(stdout, name);
		fputs(": ", stdout);
		json_text(stdout, value);
	}
	fputs("}}", stdout);
}

static void
found_cb(const struct evcan_detected *found, void *arg)
{
	size_t *n = arg;

	if (common.json) {
		fputs(*n ? ",\n " : "", stdout);
		print_json(found);
	} else {
		print_plain(found);
	}
	++*n;
}

static int
detect(const char *const *interfaces, double seconds)
{
	struct evcan_error err = { 0 };
	size_t n = 0;
	int rc;

	if (common.json)
		putchar('[');
	rc = evcan_detect(interfaces, (int)(seconds * 1000), found_cb, &n,
	    &err);
	if (common.json)
		fputs("]\n", stdout);
	if (rc < 0)
		return fail_error(&err);
	if (n == 0 && !common.json && !common.quiet)
		say("nothing found that could be opened%s",
		    common.verbose ? "" : " (-v: which libraries are missing)");
	return 0;
}

static int
run(int argc, char **argv)
{
	static struct list wanted;
	double seconds = 5;
	const struct flag own[] = {
		{ "interface", 'i', FLAG_LIST, &wanted },
		{ "timeout", 0, FLAG_SECONDS, &seconds },
		{ .name = NULL }
	};
	const struct flag *const tables[] = { own };
	const char *names[LIST_MAX + 1] = { NULL };
	struct args args;
	int rc;

	rc = args_read(&args, argc, argv, tables, 1);
	if (!rc && wanted.n + args.n > LIST_MAX)
		rc = usage("more than %d interfaces", LIST_MAX);
	if (!rc && seconds > 86400)
		rc = usage("--timeout takes at most 86400 seconds");
	if (!rc) {
		memcpy(names, wanted.items, wanted.n * sizeof(*names));
		for (size_t i = 0; i < args.n; i++)
			names[wanted.n + i] = args.words[i];
		rc = detect(names[0] ? names : NULL, seconds);
	}
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_detect = {
	.name = "detect",
	.summary = "tells what could be opened on this machine",
	.help =
"\nusage: evcan detect [INTERFACE...]\n\n"
"Asks the drivers named, or all, and prints one line for each bus that could\n"
"be opened: the words that other commands take, a tab, and a remark.\n\n"
"  --timeout S   seconds that each driver may take (5)\n"
"  -v            tell which vendors' libraries are missing, too\n"
"  --json        an array of objects with interface, channel, description\n"
"                and options\n\n"
"  evcan detect\n"
"  evcan detect socketcan --json\n",
	.run = run
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* args.c - command lines: flags from tables, over getopt_long */
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FLAGS 64

enum { HELP = 1000, VERSION };

struct common common;

static const struct flag common_flags[] = {
	{ "verbose", 'v', FLAG_COUNT, &common.verbose },
	{ "quiet", 'q', FLAG_BOOL, &common.quiet },
	{ "json", 0, FLAG_BOOL, &common.json },
	{ .name = NULL }
};

/* All flags of one command, and what getopt_long wants to know of them. */
struct menu {
	const struct flag *flags[MAX_FLAGS];
	struct option longs[MAX_FLAGS + 3];
	char letters[2 * MAX_FLAGS + 4];
	size_t n;
};

static bool
takes_value(const struct flag *flag)
{
	return flag->kind != FLAG_BOOL && flag->kind != FLAG_COUNT;
}

static void
menu_add(struct menu *menu, const struct flag *table)
{
	char *letter = menu->letters + strlen(menu->letters);

	for (; table->name && menu->n < MAX_FLAGS; table++) {
		struct option *o = &menu->longs[menu->n];

		o->name = table->name;
		o->has_arg = takes_value(table) ? required_argument :
		    no_argument;
		o->val = (int)menu->n + 256;
		if (table->letter) {
			*letter++ = table->letter;
			if (takes_value(table))
				*letter++ = ':';
			*letter = '\0';
		}
		menu->flags[menu->n++] = table;
	}
}

static void
menu_end(struct menu *menu)
{
	struct option *o = &menu->longs[menu->n];

	o[0] = (struct option){ "help", no_argument, NULL, HELP };
	o[1] = (struct option){ "version", no_argument, NULL, VERSION };
	o[2] = (struct option){ NULL, 0, NULL, 0 };
	strcat(menu->letters, "h");
}

static const struct flag *
menu_find(const struct menu *menu, int val)
{
	if (val >= 256)
		return menu->flags[val - 256];
	for (size_t i = 0; i < menu->n; i++)
		if (menu->flags[i]->letter == val)
			return menu->flags[i];
	return NULL;
}

static int
set_number(const struct flag *flag, const char *value)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno || end == value || *end || *value == '-' || *value == ' ')
		return usage("--%s takes a number, not \"%s\"", flag->name,
		    value);
	*(uint64_t *)flag->to = n;
	return 0;
}

static int
set_seconds(const struct flag *flag, const char *value)
{
	char *end;
	double n = strtod(value, &end);

	if (end == value || *end || !isfinite(n) || n < 0 || n > 1e9)
		return usage("--%s takes seconds from 0 on, not \"%s\"",
		    flag->name, value);
	*(double *)flag->to = n;
	return 0;
}

static int
set_size(const struct flag *flag, const char *value)
{
	static const char units[] = "kMGT";
	char *end;
	double n = strtod(value, &end);
	const char *unit = *end ? strchr(units, *end == 'K' ? 'k' : *end) :
	    NULL;

	for (; unit && unit >= units; unit--)
		n *= 1024;
	if (end == value || (*end && (!strchr("kKMGT", *end) || end[1])) ||
	    !isfinite(n) || n < 1 || n > 9e15)
		return usage("--%s takes bytes, as 500000, 100k, 20M or 1G, "
		    "not \"%s\"", flag->name, value);
	*(uint64_t *)flag->to = (uint64_t)n;
	return 0;
}

int
set_number_option(struct evcan_options **options, const char *name,
    uint64_t value, const char *origin)
{
	char text[24];

	if (value == 0)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	if ((!*options && !(*options = evcan_options_new())) ||
	    evcan_options_set(*options, name, text, origin) < 0)
		return fail("out of memory");
	return 0;
}

static int
set_list(const struct flag *flag, const char *value)
{
	struct list *list = flag->to;

	if (list->n == LIST_MAX)
		return usage("--%s is given more than %d times", flag->name,
		    LIST_MAX);
	list->items[list->n++] = value;
	return 0;
}

static int
set_pair(const struct flag *flag, const char *value)
{
	struct evcan_options **options = flag->to;
	struct evcan_error err = { 0 };
	char origin[40];

	if (!*options && !(*options = evcan_options_new()))
		return fail("out of memory");
	snprintf(origin, sizeof(origin), "--%s", flag->name);
	if (evcan_options_set_pair(*options, value, origin, &err) < 0)
		return usage("--%s %s: %s", flag->name, value, err.text);
	return 0;
}

static int
set(const struct flag *flag, const char *value)
{
	switch (flag->kind) {
	case FLAG_BOOL:
		*(bool *)flag->to = true;
		return 0;
	case FLAG_COUNT:
		++*(unsigned *)flag->to;
		return 0;
	case FLAG_TEXT:
		*(const char **)flag->to = value;
		return 0;
	case FLAG_NUMBER:
		return set_number(flag, value);
	case FLAG_SECONDS:
		return set_seconds(flag, value);
	case FLAG_SIZE:
		return set_size(flag, value);
	case FLAG_LIST:
		return set_list(flag, value);
	case FLAG_PAIR:
		return set_pair(flag, value);
	}
	return 0;
}

static int
complain(const struct menu *menu, int c, char **argv)
{
	const char *names[MAX_FLAGS + 3];
	const char *word = argv[optind > 0 ? optind - 1 : 0], *near;
	size_t n = 0;

	/* A short flag may stand in the middle of a word: name its letter. */
	if (optopt > 0 && optopt < 256) {
		if (c == ':')
			return usage("-%c needs a value", optopt);
		return usage("unknown flag -%c", optopt);
	}
	if (c == ':')
		return usage("%s needs a value", word);
	if (optopt >= 256)
		return usage("%s takes no value", word);
	for (const struct option *o = menu->longs; o->name; o++)
		names[n++] = o->name;
	names[n] = NULL;
	near = nearest(word + 2, names);
	if (near)
		return usage("unknown flag %s; did you mean --%s?", word,
		    near);
	return usage("unknown flag %s", word);
}

static void
print_help(void)
{
	const struct command *c = command_now();

	printf("evcan %s - %s\n%s", c->name, c->summary, c->help);
}

static int
read_flags(const struct menu *menu, int argc, char **argv)
{
	int c, rc;

	opterr = 0;
	optind = 0;     /* glibc and musl: start anew */
	while ((c = getopt_long(argc, argv, menu->letters, menu->longs,
	    NULL)) != -1) {
		const struct flag *flag;

		if (c == HELP || c == 'h') {
			print_help();
			return -1;
		}
		if (c == VERSION) {
			printf("evcan %s\n", evcan_version());
			return -1;
		}
		if (c == '?' || c == ':')
			return complain(menu, c, argv);
		if (!(flag = menu_find(menu, c)))
			return usage("unknown flag -%c", c);
		if ((rc = set(flag, optarg)))
			return rc;
	}
	return 0;
}

/* "--file_name=a_b" becomes "--file-name=a_b". */
static void
dashes(char *word)
{
	if (word[0] != '-' || word[1] != '-')
		return;
	for (; *word && *word != '='; word++)
		if (*word == '_')
			*word = '-';
}

static bool
is_pair(const char *word)
{
	size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && word[0] != '-' && word[n] == '=';
}

static bool
is_filter(const char *word)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	size_t n = strspn(word, hex);

	return n > 0 && (word[n] == ':' || word[n] == '~') &&
	    strspn(word + n + 1, hex) > 0;
}

/* Some flags take several values, as python-can's do: --filter A B. */
static const struct {
	const char *flag;
	bool (*is_value)(const char *word);
} several[] = {
	{ "--filter", is_filter },
	{ "--timing", is_pair },
	{ "--bus-kwargs", is_pair },
	{ "--bus1-timing", is_pair },
	{ "--bus1-bus-kwargs", is_pair },
	{ "--bus2-timing", is_pair },
	{ "--bus2-bus-kwargs", is_pair }
};

static int
several_find(const char *word)
{
	for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++)
		if (strcmp(word, several[i].flag) == 0)
			return (int)i;
	return -1;
}

static int
copy_word(struct args *args, const char *word)
{
	char *copy = strdup(word);

	if (!copy)
		return fail("out of memory");
	args->owned[args->n_owned++] = copy;
	return 0;
}

/* A copy of the command line in the one spelling that getopt_long knows:
 * dashes, and each flag with one value. */
static int
copy_words(struct args *args, int argc, char **argv)
{
	int open = -1, since = 0;
	bool flags = true;

	args->owned = calloc(2 * (size_t)argc + 2, sizeof(char *));
	if (!args->owned)
		return fail("out of memory");
	for (int i = 0; i < argc; i++) {
		char *word;

		if (open >= 0 && i > since + 1) {
			if (!several[open].is_value(argv[i]))
				open = -1;
			else if (copy_word(args, several[open].flag))
				return STATUS_FAILED;
		}
		if (copy_word(args, argv[i]))
			return STATUS_FAILED;
		word = args->owned[args->n_owned - 1];
		if (strcmp(word, "--") == 0)
			flags = false;
		if (!flags)
			continue;
		dashes(word);
		if (several_find(word) >= 0) {
			open = several_find(word);
			since = i;
		}
	}
	return 0;
}

int
args_read(struct args *args, int argc, char **argv,
    const struct flag *const *tables, size_t n)
{
	struct menu menu = { .letters = ":" };
	size_t words;
	int rc;

	memset(args, 0, sizeof(*args));
	if ((rc = copy_words(args, argc, argv)))
		return rc;
	words = args->n_owned;
	/* getopt_long moves words about: it gets its own list of them. */
	args->words = calloc(words + 1, sizeof(char *));
	if (!args->words)
		return fail("out of memory");
	memcpy(args->words, args->owned, words * sizeof(char *));
	for (size_t i = 0; i < n; i++)
		menu_add(&menu, tables[i]);
	menu_add(&menu, common_flags);
	menu_end(&menu);
	if ((rc = read_flags(&menu, (int)words, args->words)))
		return rc;
	args->n = words - (size_t)optind;
	memmove(args->words, args->words + optind,
	    (args->n + 1) * sizeof(char *));
	say_log(common.verbose);
	return 0;
}

void
args_free(struct args *args)
{
	for (size_t i = 0; i < args->n_owned; i++)
		free(args->owned[i]);
	free(args->owned);
	free(args->words);
	memset(args, 0, sizeof(*args));
}

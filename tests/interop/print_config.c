/* SPDX-License-Identifier: BSD-3-Clause */
/* print_config.c - prints the options that a configuration comes to
 *
 *   print_config load FILE|- CONTEXT|- [name=value...]
 *   print_config ini FILE SECTION
 *
 * `load` completes the given options from all sources ("-": the four places,
 * no context), `ini` reads one section. Options are printed sorted, one a
 * line, as name=value; newlines in them as \n, backslashes as \\.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/config.h>
#include <evcan/error.h>
#include <evcan/options.h>

struct pair {
	const char *name, *value;
};

static int
by_name(const void *a, const void *b)
{
	const struct pair *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void
put(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text == '\\')
			fputs("\\\\", stdout);
		else
			putchar(*text);
}

static int
print(const struct evcan_options *options)
{
	const size_t n = evcan_options_count(options);
	struct pair *pairs = calloc(n + 1, sizeof(*pairs));

	if (pairs == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		evcan_options_at(options, i, &pairs[i].name,
		    &pairs[i].value);
	qsort(pairs, n, sizeof(*pairs), by_name);
	for (size_t i = 0; i < n; i++) {
		put(pairs[i].name);
		putchar('=');
		put(pairs[i].value);
		putchar('\n');
	}
	free(pairs);
	return 0;
}

static const char *
or_null(const char *arg)
{
	return strcmp(arg, "-") == 0 ? NULL : arg;
}

static int
load(struct evcan_options *options, int argc, char **argv,
    struct evcan_error *err)
{
	int r = 0;

	for (int i = 4; i < argc && r == 0; i++)
		r = evcan_options_set_pair(options, argv[i], NULL, err);
	if (r == 0)
		r = evcan_config_load(options, or_null(argv[2]),
		    or_null(argv[3]), err);
	return r;
}

static int
read_ini(struct evcan_options *options, char **argv, struct evcan_error *err)
{
	static char text[1 << 20];
	FILE *file = fopen(argv[2], "rb");
	size_t len;

	if (file == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOT_FOUND, 0, "%s: "
		    "cannot be opened", argv[2]);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	return evcan_config_parse_ini(options, text, len, argv[2], argv[3],
	    err);
}

int
main(int argc, char **argv)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	int r;

	if (argc < 4 || options == NULL)
		return 2;
	r = strcmp(argv[1], "ini") == 0 ? read_ini(options, argv, &err) :
	    load(options, argc, argv, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	else
		r = print(options);
	evcan_options_free(options);
	return r < 0 ? 1 : 0;
}

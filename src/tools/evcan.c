/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan.c - the tool: picks a command */
#include "tool.h"

#include <signal.h>
#include <string.h>

static const struct command *const commands[] = { &cmd_run, &cmd_log,
    &cmd_play, &cmd_send, &cmd_bridge, &cmd_convert, &cmd_detect,
    &cmd_list, &cmd_timing };

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Known names of commands that do not exist yet. */
static const char *const later[] = { "view", "serve", "status", "ctl",
    "schema", "decode", NULL };

static const struct command *now;

const struct command *
command_now(void)
{
	return now;
}

/* Edits that turn one word into the other: insert, delete, replace, swap. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][32], la = strlen(a), lb = strlen(b);

	if (la > 30 || lb > 30)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3], *up = rows[(i + 2) % 3];
		const size_t *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t d = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < d)
				d = up[j] + 1;
			if (row[j - 1] + 1 < d)
				d = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && up2[j - 2] + 1 < d)
				d = up2[j - 2] + 1;
			row[j] = d;
		}
	}
	return rows[la % 3][lb];
}

const char *
nearest(const char *word, const char *const *words)
{
	size_t best = (strlen(word) + 2) / 3;
	const char *found = NULL;

	for (; *words; words++) {
		size_t d = distance(word, *words);

		if (d <= best && (!found || d < best)) {
			best = d;
			found = *words;
		}
	}
	return found;
}

static int
help(void)
{
	printf("evcan %s - Controller Area Network on libevent\n\n"
	    "usage: evcan COMMAND [flags]\n\n", evcan_version());
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-8s  %s\n", commands[i]->name,
		    commands[i]->summary);
	fputs("\nA bus is written as interface:channel[,option=value...],"
	    " as in socketcan:can0\nor virtual:bench; see"
	    " `evcan COMMAND --help` and evcan(1).\n\n"
	    "  evcan log socketcan:can0 -f drive.log\n"
	    "  evcan run gateway.json\n", stdout);
	return finish_stdout(STATUS_OK);
}

static int
unknown(const char *word)
{
	const char *names[N_COMMANDS + 1];
	const char *near;

	for (size_t i = 0; later[i]; i++)
		if (strcmp(word, later[i]) == 0)
			return usage("the command \"%s\" comes with a later"
			    " version", word);
	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	names[N_COMMANDS] = NULL;
	near = nearest(word, names);
	if (near)
		return usage("unknown command \"%s\"; did you mean \"%s\"?",
		    word, near);
	return usage("unknown command \"%s\"", word);
}

int
main(int argc, char **argv)
{
	const char *word;

	signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return usage("a command is missing");
	word = argv[1];
	if (strcmp(word, "--version") == 0) {
		printf("evcan %s\n", evcan_version());
		return finish_stdout(STATUS_OK);
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	    strcmp(word, "help") == 0)
		return help();
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(word, commands[i]->name) == 0) {
			now = commands[i];
			return finish_stdout(now->run(argc - 1, argv + 1));
		}
	return unknown(word);
}

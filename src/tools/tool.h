/* SPDX-License-Identifier: BSD-3-Clause */
/* tool.h - what the commands of evcan share */
#ifndef EVCAN_TOOL_H
#define EVCAN_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <evcan/evcan.h>

/* Exit status. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2
};

/* A command: its table row, and what its file gives. */
struct command {
	const char *name;
	const char *summary;
	const char *help;     /* after the first line, under one screen */
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_run, cmd_log, cmd_send, cmd_play,
    cmd_bridge, cmd_convert, cmd_detect, cmd_list, cmd_timing;

/* evcan.c */

/* The command that runs now. */
const struct command *command_now(void);
/* The word of a NULL-ended list that is nearest to word, or NULL. */
const char *nearest(const char *word, const char *const *words);

/* say.c: one line on standard error */

#define SAY_FORMAT __attribute__((format(printf, 1, 2)))

/* "evcan log: ..."; never waits for a terminal or pipe that is held while
 * a loop runs (say_live), but counts what it could not show. */
void say(const char *fmt, ...) SAY_FORMAT;
/* "what: text", unless the library's log has just said text. */
void say_news(const char *what, const char *text);
/* The same with what was wrong. @return STATUS_FAILED */
int fail(const char *fmt, ...) SAY_FORMAT;
/* And a hint at --help. @return STATUS_USAGE */
int usage(const char *fmt, ...) SAY_FORMAT;
/* An error's text. @return the status: values that can never be right are
 * usage errors, what the machine refused is a failure */
int fail_error(const struct evcan_error *err);
/* A loop runs from now on (or no longer). */
void say_live(bool live);
/* Sends the library's log to standard error, -v's as low as wanted. */
void say_log(unsigned verbose);
/* Flushes standard output. @return status, or STATUS_FAILED if that fails */
int finish_stdout(int status);

/* term.c: terminals */

bool term_is(int fd);            /* a terminal that knows control codes */
bool term_colour(int fd);        /* and wants colours (NO_COLOR) */
int term_width(int fd);
/* Shows text in place on standard error, replaced by the next; nothing if
 * that is no terminal. */
void status_show(const char *text);
/* Wipes it, so that a line can be printed; and shows it again. Both with the
 * lock held. */
void status_wipe(void);
void status_again(void);
/* Whether it stands there; the caller writes STATUS_WIPE itself, with what
 * follows. */
#define STATUS_WIPE "\r\033[K"
bool status_take(void);
/* Wipes it for good. */
void status_end(void);
/* Whoever writes to the terminal holds this; try does not wait for it. */
void term_lock(void);
bool term_trylock(void);
void term_unlock(void);
/* "12.3k", "1.2M": a rate or size in four or five characters. */
const char *human(double value, char *buf, size_t size);

/* keys.c: single keys from standard input, if that is a terminal */

struct keys {
	void (*cb)(void *arg, char key);
	void *arg;
	struct event *event, *back;
};

/* Takes the terminal out of its line mode. @return false: no terminal, or
 * one that is not ours now; keys_end() is due all the same */
bool keys_start(struct keys *keys, struct event_base *base);
void keys_end(struct keys *keys);

/* paint.c: standard output with colours */

/* A writer to standard output that never holds the loop; printer lines get
 * colours on a terminal. */
struct evcan_log_writer *stdout_writer(struct event_base *base,
    const struct evcan_options *options, struct evcan_error *err);

/* figures.c: "name number" rows, or one JSON object */

struct figure {
	const char *name;
	uint64_t value;
};

void figures_print(FILE *out, const struct figure *rows, size_t n, bool json);
void json_text(FILE *out, const char *text);

/* args.c: flags */

enum flag_kind {
	FLAG_BOOL,      /* bool *: true */
	FLAG_COUNT,     /* unsigned *: one more each time */
	FLAG_NUMBER,    /* uint64_t *: decimal */
	FLAG_SECONDS,   /* double *: 0 or more */
	FLAG_SIZE,      /* uint64_t *: bytes, also as 100k, 20M, 1G */
	FLAG_TEXT,      /* const char ** */
	FLAG_LIST,      /* struct list *: repeatable */
	FLAG_PAIR       /* struct evcan_options **: K=V, repeatable */
};

struct flag {
	const char *name;   /* long, without dashes; older spelling: repeat */
	char letter;        /* or 0 */
	enum flag_kind kind;
	void *to;
};

#define LIST_MAX 64

struct list {
	const char *items[LIST_MAX];
	size_t n;
};

/* Sets a number as an option, as if it had been given as K=V; 0 sets
 * nothing. @return 0 or a status */
int set_number_option(struct evcan_options **options, const char *name,
    uint64_t value, const char *origin);

/* What every command understands. */
struct common {
	unsigned verbose;
	bool json;
	bool quiet;
};
extern struct common common;

struct args {
	char **words;       /* what is no flag, NULL-ended */
	size_t n;
	char **owned;       /* all of it, for args_free() */
	size_t n_owned;
};

/*
 * Reads flags into the n tables (each ends with a NULL name) and the common
 * ones. @return 0; STATUS_USAGE when it has complained; -1 after --help,
 * which it printed
 */
int args_read(struct args *args, int argc, char **argv,
    const struct flag *const *tables, size_t n);
void args_free(struct args *args);

/* buses.c: the flags that choose buses */

struct bus_flags {
	const char *interface, *channel, *bitrate, *data_bitrate;
	const char *config, *context;
	struct list timing, filters;
	struct evcan_options *extra;
	bool fd;
};

#define BUS_FLAGS 14

/* Fills a table of BUS_FLAGS rows that point into f. */
void bus_flags_table(struct bus_flags *f, struct flag *table);
/* Names them --bus1-channel and so on, as python-can's bridge does. */
#define BUS_FLAG_NAME 32
void bus_flags_prefix(struct flag *table, const char *prefix,
    char names[BUS_FLAGS][BUS_FLAG_NAME]);
void bus_flags_free(struct bus_flags *f);
/* The flags name a bus: no spec is needed. */
bool bus_flags_given(const struct bus_flags *f);

/* Options of one bus: the spec (or NULL), then the flags; the library adds
 * the configuration. @return NULL when it has complained into *status */
struct evcan_options *bus_options(const struct bus_flags *f,
    const char *spec, int *status);
/* The bus of them, opened, in `base`, which runs until it is open, or without.
 * The same on failure. */
struct evcan_bus *bus_make(struct event_base *base,
    const struct bus_flags *f, const char *spec,
    const char *mode, int *status);
/* Waits until a bus without a base is open. @return 0 or a status */
int bus_wait_open(struct evcan_bus *bus);
/* Some drivers ask their device in a thread: a refusal comes later, and then
 * the library would try again and again. Here the first one counts.
 * @return 0, a status (and it was told), or -1: the loop was broken off */
int bus_await_open(struct event_base *base, const struct evcan_bus *bus);
/* "Connected to ...", unless --quiet. */
void bus_greet(const struct evcan_bus *bus);
/* Frames that never reached anybody. */
uint64_t bus_lost(const struct evcan_bus *bus);
/* Says what happens to a bus: for evcan_notifier_set_event_cb(). */
void bus_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg);

/* list_plugins.c: evcan list plugins [NAME] */
int list_plugins(const char *name);

/* live.c: a loop with signals and a tick */

/* Two signals within this are one: timeout(1) sends each of its own twice. */
#define SIGNALS_APART_NS 500000000

struct live {
	struct event_base *base;
	void (*stop)(void *arg);       /* SIGINT or SIGTERM, or live_stop() */
	void (*reopen)(void *arg);     /* SIGHUP; NULL: like SIGTERM */
	void (*tick)(void *arg, double seconds);  /* each second, or NULL */
	void *arg;

	struct event *signals[3], *timer, *limit;
	int64_t started, ticked, asked;
	bool stopping;
};

/* Set base first. @return 0 or a status */
int live_init(struct live *live);
/* Ends it by itself after this many seconds. */
void live_limit(struct live *live, double seconds);
/* Asks for the end, once, from the loop. */
void live_stop(struct live *live);
/* Runs until live_end(). */
void live_run(struct live *live);
void live_end(struct live *live);
void live_destroy(struct live *live);
double live_seconds(const struct live *live);
struct event_base *live_base(void);

/* send_cyclic.c: evcan send --period */

struct cycle {
	const struct bus_flags *bus;
	struct evcan_options *options;   /* of the tasks: period, ... */
	struct list modifiers;
	uint64_t count;                  /* send all so often; 0: for ever */
};

/* Frames of one identifier in turn, different ones side by side, until they
 * are through or a signal comes. @return a status */
int send_cyclic(const struct cycle *cycle, const char *spec, char **words,
    size_t n);

/* closing.c: flush and close what a command opened, in order */

struct closing {
	struct event_base *base;
	struct evcan_log_writer **writers;
	size_t n_writers;
	struct evcan_bus **buses;
	size_t n_buses;
	size_t waiting;
	int status;
	void (*done)(void *arg);
	void *arg;
};

/* Its pipe lost its reader, who has seen enough: no failure of ours. */
bool writer_deserted(const struct evcan_log_writer *writer,
    const struct evcan_error *err);
/* Closes writers, then buses; then calls done. The arrays are the caller's
 * and stay; what they hold is freed by the caller. */
void closing_start(struct closing *closing);

/* The process may hold this many files more. */
void raise_file_limit(void);

#endif

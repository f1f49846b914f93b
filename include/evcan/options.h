/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/options.h - typed option rows, and an ordered name=value store */
#ifndef EVCAN_OPTIONS_H
#define EVCAN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_error;

/** The type of an option, and what its value becomes in C. */
enum evcan_option_type {
	EVCAN_OPTION_BOOL,     /**< bool: true false yes no on off 1 0 */
	EVCAN_OPTION_INT,      /**< int64_t: decimal or 0x, `_` allowed */
	EVCAN_OPTION_REAL,     /**< double: decimal, no inf, no nan */
	EVCAN_OPTION_TEXT,     /**< const char *, NULL when not given */
	EVCAN_OPTION_CHOICE,   /**< int: index of the word in choices */
	EVCAN_OPTION_FILTERS,  /**< const char *, text that
	                        *   evcan_filter_parse() takes */
	EVCAN_OPTION_TIMING    /**< const char *, text that
	                        *   evcan_timing_parse() takes */
};

enum evcan_option_flag {
	EVCAN_OPTION_REQUIRED = 1   /**< no default: must be given */
};

/**
 * One option. Parsing, refusal, --help, the schema and the docs all come
 * from rows like this. A list of rows ends with one whose name is NULL.
 */
struct evcan_option {
	const char *name;
	const char *aliases;     /**< older names, blank separated, or NULL */
	enum evcan_option_type type;
	const char *fallback;    /**< default, as text; NULL: zero or NULL */
	double min, max;         /**< bounds of INT and REAL; both 0: none */
	const char *choices;     /**< CHOICE: words, blank separated; word=word
	                          *   gives an older spelling of the first */
	const char *help;        /**< one sentence with its unit */
	unsigned flags;          /**< enum evcan_option_flag */
	size_t offset;           /**< where in the reader's struct it goes */
};

/*
 * Values as they were given: text, in order, each with its origin. The same
 * store serves drivers, formats and sinks.
 */
struct evcan_options;

/** @return an empty store, or NULL when out of memory */
struct evcan_options *evcan_options_new(void);

/** Releases a store. NULL is ignored. */
void evcan_options_free(struct evcan_options *options);

/** A deep copy, or NULL when out of memory. */
struct evcan_options *evcan_options_copy(const struct evcan_options *options);

/**
 * Sets name to value, replacing an earlier value of that name.
 * @param origin where it was said ("drive.json:12:5 buses.a.fd",
 * "--option", "/etc/can.conf:3"), used in error texts; NULL: none
 * @return 0 or EVCAN_ERR_NOMEM
 */
int evcan_options_set(struct evcan_options *options, const char *name,
    const char *value, const char *origin);

/** The same unless the name is set already (the first source wins). */
int evcan_options_set_default(struct evcan_options *options,
    const char *name, const char *value, const char *origin);

/** Sets from "name=value". @return 0, EVCAN_ERR_SYNTAX or NOMEM, with err */
int evcan_options_set_pair(struct evcan_options *options, const char *pair,
    const char *origin, struct evcan_error *err);

/** Removes a name, if it is there. */
void evcan_options_unset(struct evcan_options *options, const char *name);

/** The text set for exactly this name, or NULL; borrowed until changed. */
const char *evcan_options_get(const struct evcan_options *options,
    const char *name);

/** Where a name was set, or NULL. */
const char *evcan_options_origin(const struct evcan_options *options,
    const char *name);

/** Number of names set. */
size_t evcan_options_count(const struct evcan_options *options);

/** The i-th pair, in the order set; false past the end. Borrowed. */
bool evcan_options_at(const struct evcan_options *options, size_t i,
    const char **name, const char **value);

/**
 * Fills a struct from the store by rows: each row's value, or its default,
 * is parsed to its type, checked and written at base + offset. TEXT points
 * into the store or the row. Names and aliases are compared as they are;
 * two spellings of one option with different values are refused.
 * @param rows one list; call once for each list that shares the store
 * @return 0, or EVCAN_ERR_INVALID: wrong type, bound or word, or a required
 * one is missing. err tells the option, its origin and what is right.
 */
int evcan_options_fill(const struct evcan_options *options,
    const struct evcan_option *rows, void *base, struct evcan_error *err);

/**
 * Refuses names that none of the lists has.
 * @param lists array of n lists of rows; NULL entries are passed over
 * @param what who is being asked, for the error text ("interface virtual")
 * @return 0, or EVCAN_ERR_INVALID; err names the nearest option there is
 */
int evcan_options_refuse_unknown(const struct evcan_options *options,
    const struct evcan_option *const *lists, size_t n, const char *what,
    struct evcan_error *err);

/** The row of that name or alias in a list, or NULL. */
const struct evcan_option *evcan_option_find(const struct evcan_option *rows,
    const char *name);

/** A type's word for people: "true or false", "integer", ... */
const char *evcan_option_type_name(enum evcan_option_type type);

#ifdef __cplusplus
}
#endif
#endif

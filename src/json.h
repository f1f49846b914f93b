/* SPDX-License-Identifier: BSD-3-Clause */
/* json.h - JSON documents whose values know their line and column */
#ifndef EVCAN_JSON_H
#define EVCAN_JSON_H

#include <stddef.h>

#include <jansson.h>

struct evcan_error;

/* The longest document that is read. */
#define EVCAN_JSON_MAX ((size_t)16 << 20)

/* jansson keeps no positions, so the text is kept and scanned when one is
 * asked for. Zeroed is empty. */
struct evcan_json_ {
	json_t *root;
	char *text;
	char *name;     /* of the file, for errors */
};

/* A place in a document: a chain of steps on the stack, outermost first; the
 * root is NULL. A step remembers where it was found. */
struct evcan_json_at_ {
	struct evcan_json_at_ *up;
	const char *key;        /* a member; NULL: an element */
	size_t index;           /* of an element */
	const char *key_at, *value_at;
};

/* Which end of a member an error is about. */
enum evcan_json_end_ { EVCAN_JSON_VALUE_, EVCAN_JSON_KEY_ };

/* Reads a file ("-": standard input). @return 0 or negative with err */
int evcan_json_load_(struct evcan_json_ *doc, const char *path,
    struct evcan_error *err);
/* The same from text, which is copied. Duplicate keys are refused. */
int evcan_json_parse_(struct evcan_json_ *doc, const char *text, size_t len,
    const char *name, struct evcan_error *err);
void evcan_json_clear_(struct evcan_json_ *doc);

/* Writes "name:line:column: path", cut to size. at must be there. */
void evcan_json_where_(const struct evcan_json_ *doc,
    struct evcan_json_at_ *at, enum evcan_json_end_ end, char *buf,
    size_t size);
/* Sets EVCAN_ERR_INVALID with "where: sentence" and returns it. */
int evcan_json_error_(const struct evcan_json_ *doc,
    struct evcan_json_at_ *at, enum evcan_json_end_ end,
    struct evcan_error *err, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

/* The value's own characters. @return their number */
size_t evcan_json_raw_(const struct evcan_json_ *doc,
    struct evcan_json_at_ *at, const char **raw);

/* What a value is, for people: "a number". */
const char *evcan_json_type_(const json_t *value);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* doc.h - typed values, options and filters out of a JSON document */
#ifndef EVCAN_DOC_H
#define EVCAN_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include <evcan/options.h>

#include "json.h"

struct evcan_plan_;
struct evcan_plan_part_;

#define EVCAN_DOC_LISTS_ 24

/* What a part of the document may say: its own keys, then lists of option
 * rows whose values go into the part's store. */
struct evcan_doc_rules_ {
	const char *what;
	const struct evcan_option *own;
	const struct evcan_option *lists[EVCAN_DOC_LISTS_];
	size_t n_lists;
};

struct evcan_doc_ {
	const struct evcan_json_ *doc;
	struct evcan_plan_ *plan;
	struct evcan_error *err;
};

/* All functions return 0 or negative with r->err, led by the place. */

#define evcan_doc_fault_(r, at, ...) \
	evcan_json_error_((r)->doc, at, EVCAN_JSON_VALUE_, (r)->err, \
	    __VA_ARGS__)
int evcan_doc_no_memory_(struct evcan_doc_ *r);

/* "file:line:column: path", malloc'ed; NULL when out of memory. */
char *evcan_doc_where_(struct evcan_doc_ *r,
    struct evcan_json_at_ *at, enum evcan_json_end_ end);

int evcan_doc_want_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, json_type type, const char *type_name);
int evcan_doc_bool_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, bool *ret);
/* A member that must be there, of a certain type. */
int evcan_doc_member_(struct evcan_doc_ *r,
    struct evcan_json_at_ *at, const json_t *object, const char *key,
    json_type type, const json_t **ret);

/* An object, with no keys but those of the rules. */
int evcan_doc_keys_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, const struct evcan_doc_rules_ *rules);
/* Puts one value into the part's store. */
int evcan_doc_set_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const char *name, const json_t *value, struct evcan_plan_part_ *part);
/* Puts all members but the part's own into its store. A null is an option
 * not given. */
int evcan_doc_options_(struct evcan_doc_ *r,
    struct evcan_json_at_ *at, json_t *object,
    const struct evcan_option *own, struct evcan_plan_part_ *part);
/* Whether the store's values suit the rows. */
int evcan_doc_check_(struct evcan_doc_ *r,
    const struct evcan_plan_part_ *part, const struct evcan_option *rows);
/* The part's "filters", if there are any. */
int evcan_doc_filters_(struct evcan_doc_ *r,
    struct evcan_json_at_ *at, json_t *object,
    struct evcan_plan_part_ *part);

#endif

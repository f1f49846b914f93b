/* SPDX-License-Identifier: BSD-3-Clause */
/* ini.h - INI documents as python's ConfigParser reads them */
#ifndef EVCAN_INI_H
#define EVCAN_INI_H

#include <stddef.h>

struct evcan_error;
struct evcan_options;

/*
 * One document out of any number of texts: a later text adds to the sections
 * of an earlier one and replaces its values. `%(name)s` is put in when a
 * section is read out, so it may refer to another text's value.
 *
 * As in python: `=` or `:` divide, `#` and `;` start a comment only at the
 * start of a line, a line that is indented deeper continues a value (empty
 * lines may stand between), [DEFAULT] is inherited by all other sections and
 * is none itself, a section or name given twice in one text is an error.
 * Unlike python: a byte order mark is skipped, and a document is bounded.
 */
struct evcan_ini_;

/* Most bytes of one text, and of all a section's values put in. */
#define EVCAN_INI_MAX ((size_t)1 << 20)
#define EVCAN_INI_VALUES_MAX ((size_t)4 << 20)
/* Most sections and names of a document, and references of a section. */
#define EVCAN_INI_NAMES_MAX 4096
#define EVCAN_INI_REFERENCES_MAX 10000
/* How deep a reference may refer to others; python's number. */
#define EVCAN_INI_DEPTH_MAX 10

struct evcan_ini_ *evcan_ini_new_(void);
void evcan_ini_free_(struct evcan_ini_ *ini);

/* Adds a text. name: what errors call it. @return 0, EVCAN_ERR_SYNTAX or
 * EVCAN_ERR_NOMEM with err; the document is then only fit to be freed */
int evcan_ini_read_(struct evcan_ini_ *ini, const char *text, size_t len,
    const char *name, struct evcan_error *err);

/* Sets what a section and [DEFAULT] hold. @return 1, 0 if there is no such
 * section, or a negative code with err */
int evcan_ini_section_(const struct evcan_ini_ *ini, const char *section,
    struct evcan_options *options, struct evcan_error *err);

#endif

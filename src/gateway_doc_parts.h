/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_doc_parts.h - what the files that read a gateway's document share */
#ifndef EVCAN_GATEWAY_DOC_PARTS_H
#define EVCAN_GATEWAY_DOC_PARTS_H

#include "doc.h"
#include "gateway_doc.h"

/* gateway_doc.c */
/* The index of the bus that the value names. */
int evcan_doc_bus_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, size_t *ret);
/* Adds the bus that a member names, which must be there, to the part's. */
int evcan_doc_bus_of_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *object, const char *key, struct evcan_plan_part_ *part);
/* A path that is not empty; *ret is malloc'ed. */
int evcan_doc_path_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const json_t *value, char **ret);
/* Refuses a file that a logger (other than the part) writes. */
int evcan_doc_not_written_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    const struct evcan_plan_part_ *part, const char *path, const char *why);

/* gateway_doc_cyclic.c: one element of "cyclic" */
int evcan_doc_cyclic_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, struct evcan_plan_part_ *part);

/* gateway_doc_player.c: one element of "players" */
int evcan_doc_player_(struct evcan_doc_ *r, struct evcan_json_at_ *at,
    json_t *object, struct evcan_plan_part_ *part);

#endif

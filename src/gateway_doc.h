/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_doc.h - a gateway's document, read and checked into a plain plan */
#ifndef EVCAN_GATEWAY_DOC_H
#define EVCAN_GATEWAY_DOC_H

#include <stddef.h>

#include <evcan/filter.h>

struct evcan_error;
struct evcan_json_;
struct evcan_options;

/* One bus, logger, bridge or player. Buses are told by their index. */
struct evcan_plan_part_ {
	char *where;            /* "file:line:column: path" */
	char *name;             /* of a bus; the file of a logger or player */
	struct evcan_options *options;
	struct evcan_filter *filters;
	size_t n_filters;
	size_t *buses;          /* logger: its sources, none: all; bridge:
	                         *   from, to; player: where it plays */
	size_t n_buses;
};

struct evcan_plan_list_ {
	struct evcan_plan_part_ *parts;
	size_t n;
};

/* A bridge of both ways is two. Zeroed is empty. */
struct evcan_plan_ {
	struct evcan_plan_list_ buses, loggers, bridges, players;
};

/* Checks all that can be known without opening anything, but for the options
 * of buses, which making them does. @return 0 or negative with err */
int evcan_plan_read_(struct evcan_plan_ *plan, const struct evcan_json_ *doc,
    struct evcan_error *err);
void evcan_plan_clear_(struct evcan_plan_ *plan);

/* Sets err to what `cause` says, led by the place it is about: that of the
 * option it names, else the part's. @return cause's code */
int evcan_plan_blame_(const struct evcan_plan_part_ *part,
    const struct evcan_error *cause, struct evcan_error *err);

#endif

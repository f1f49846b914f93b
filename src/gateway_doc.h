/* SPDX-License-Identifier: BSD-3-Clause */
/* gateway_doc.h - a gateway's document, read and checked into a plain plan */
#ifndef EVCAN_GATEWAY_DOC_H
#define EVCAN_GATEWAY_DOC_H

#include <stddef.h>

#include <evcan/filter.h>

struct evcan_error;
struct evcan_frame;
struct evcan_json_;
struct evcan_modifier;
struct evcan_options;

/* Frames of a log's channel go to a bus. */
struct evcan_plan_map_ {
	char *channel;
	size_t bus;             /* EVCAN_PLAN_NO_BUS_: they are left out */
};
#define EVCAN_PLAN_NO_BUS_ ((size_t)-1)

/* One bus, logger, bridge, task or player. Buses are told by their index. */
struct evcan_plan_part_ {
	char *where;            /* "file:line:column: path" */
	char *name;             /* of a bus; the file of a logger */
	struct evcan_options *options;
	struct evcan_filter *filters;
	size_t n_filters;
	size_t *buses;          /* logger: its sources, none: all; bridge:
	                         *   from, to; task: where it sends; player:
	                         *   where it plays what is not mapped */
	size_t n_buses;
	char **files;           /* of a player */
	size_t n_files;
	struct evcan_plan_map_ *map;      /* of a player */
	size_t n_map;
	struct evcan_frame *frames;       /* of a task */
	size_t n_frames;
	struct evcan_modifier *modifiers; /* of a task */
	size_t n_modifiers;
};

struct evcan_plan_list_ {
	struct evcan_plan_part_ *parts;
	size_t n;
};

/* A bridge of both ways is two. Zeroed is empty. */
struct evcan_plan_ {
	struct evcan_plan_list_ buses, loggers, bridges, cyclics, players;
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

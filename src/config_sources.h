/* SPDX-License-Identifier: BSD-3-Clause */
/* config_sources.h - what the sources of a configuration share */
#ifndef EVCAN_CONFIG_SOURCES_H
#define EVCAN_CONFIG_SOURCES_H

struct evcan_options;

enum evcan_merge_ {
	EVCAN_MERGE_KEEP,     /* what is set stays */
	EVCAN_MERGE_REPLACE
};

/* Sets all of from in to. @return 0 or EVCAN_ERR_NOMEM */
int evcan_config_merge_(struct evcan_options *to,
    const struct evcan_options *from, enum evcan_merge_ how);

#endif
